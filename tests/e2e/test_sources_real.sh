#!/bin/sh
# The real servers, from Debian's packages, each read by its own kind: what `spillway status` shows and what it records is
# what they were made to be. Everything runs on loopback, as a user that is not root, in one folder, and is gone afterwards.
# With SPILLWAY_BODIES=DIR the bodies that were read are kept there, as fixtures and seeds for the fuzzers.
. "$(dirname "$0")/lib.sh"
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
for program in "$pg/postgres" pgbouncer haproxy patroni etcd prometheus-alertmanager prometheus-node-exporter \
	prometheus-postgres-exporter prometheus victoria-metrics; do
	PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || fail "$program is not installed: tests/run.sh installs it"
done
PATH=$PATH:/usr/sbin
room=$(mktemp -d /tmp/spillway-real.XXXXXX) # short: unix sockets have short names
if [ "$(id -u)" -eq 0 ]; then
	chown postgres "$room"
	as_user="setpriv --reuid=postgres --regid=postgres --clear-groups --no-new-privs env HOME=$room"
else
	as_user="env HOME=$room"
fi
# Patroni first, or it would start its database again; then the databases, and only then the folder.
servers_down() {
	code=$?
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	for pid in $pids; do wait "$pid" 2>/dev/null; done
	for node in r1 r2; do
		pid=$(head -n 1 "$room/$node/postmaster.pid" 2>/dev/null)
		[ -n "$pid" ] || continue
		kill -CONT "$pid" 2>/dev/null
		kill -QUIT "$pid" 2>/dev/null
		while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	done
	[ "$code" -ne 0 ] || rm -rf "$room"
	(exit "$code")
	cleanup
}
trap servers_down EXIT

set -- $(python3 -c '
import socket
held = [socket.socket() for i in range(19)]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])')
etcd_client=$1 etcd_peer=$2 rest1=$3 rest2=$4 pg1=$5 pg2=$6 pool=$7 csv=$8 page=$9
shift 9
runtime=$1 alerts=$2 node=$3 exporter=$4 nobody=$5 second=$6 prom=$7 victoria=$8 tls=$9

start() { # NAME COMMAND...: in the background, its talk kept.
	name=$1
	shift
	$as_user "$@" >"$work/$name.log" 2>&1 </dev/null &
	pids="$pids $!"
}

# ---- etcd, and Patroni with two members -----------------------------------------------------------------
start etcd etcd --data-dir "$room/etcd" --listen-client-urls "http://127.0.0.1:$etcd_client" \
	--advertise-client-urls "http://127.0.0.1:$etcd_client" --listen-peer-urls "http://127.0.0.1:$etcd_peer" \
	--initial-advertise-peer-urls "http://127.0.0.1:$etcd_peer" \
	--initial-cluster "default=http://127.0.0.1:$etcd_peer" --unsafe-no-fsync
wait_for 20 "etcd" curl -fsS "http://127.0.0.1:$etcd_client/health"
member() { # NAME REST-PORT DATABASE-PORT
	cat >"$work/$1.yml" <<Y
scope: real
name: $1
restapi: {listen: "127.0.0.1:$2", connect_address: "127.0.0.1:$2"}
etcd3: {host: "127.0.0.1:$etcd_client"}
bootstrap:
  dcs: {ttl: 30, loop_wait: 2, retry_timeout: 10, postgresql: {parameters: {max_connections: 40}}}
  initdb: [{encoding: UTF8}, {locale: C.UTF-8}, {auth: trust}, no-sync]
postgresql:
  listen: "127.0.0.1:$3"
  connect_address: "127.0.0.1:$3"
  data_dir: $room/$1
  bin_dir: $pg
  pgpass: $room/$1.pgpass
  authentication: {superuser: {username: postgres}, replication: {username: postgres}, rewind: {username: postgres}}
  parameters: {unix_socket_directories: "$room", fsync: "off"}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
Y
	start "$1" patroni "$work/$1.yml"
}
[ "$(id -u)" -ne 0 ] || chmod 755 "$work"
member r1 "$rest1" "$pg1"
wait_for 60 "the leader" curl -fsS "http://127.0.0.1:$rest1/primary"
member r2 "$rest2" "$pg2"

# ---- who needs nobody else ------------------------------------------------------------------------------
cat >"$work/alertmanager.yml" <<Y
route: {receiver: nobody}
receivers: [{name: nobody}]
Y
start alertmanager prometheus-alertmanager --config.file="$work/alertmanager.yml" --storage.path="$room/alerts" \
	--web.listen-address="127.0.0.1:$alerts" --cluster.listen-address=
start node prometheus-node-exporter --web.listen-address="127.0.0.1:$node"
DATA_SOURCE_NAME="postgresql://postgres@127.0.0.1:$pg1/postgres?sslmode=disable" start exporter \
	prometheus-postgres-exporter --web.listen-address="127.0.0.1:$exporter"
cat >"$work/prometheus.yml" <<Y
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: exporter, static_configs: [{targets: ["127.0.0.1:$exporter"]}]}
  - {job_name: node, static_configs: [{targets: ["127.0.0.1:$node"]}]}
Y
start prometheus prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$room/prometheus" \
	--web.listen-address="127.0.0.1:$prom"
start victoria victoria-metrics -promscrape.config="$work/prometheus.yml" -storageDataPath="$room/victoria" \
	-httpListenAddr="127.0.0.1:$victoria" -search.latencyOffset=1s
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null || fail "no certificate"
cat "$work/tls.crt" "$work/tls.key" >"$room/tls.pem"
chmod 644 "$room/tls.pem"
cat >"$work/haproxy.cfg" <<Y
global
  stats socket ipv4@127.0.0.1:$runtime level user
  stats socket $room/haproxy.sock level user mode 600
defaults
  mode tcp
  timeout connect 1s
  timeout client 9s
  timeout server 9s
frontend db
  bind 127.0.0.1:$second
  default_backend db
backend db
  default-server check inter 200ms fall 1 rise 1
  server r1 127.0.0.1:$pg1
  server r2 127.0.0.1:$pg2
  server r3 127.0.0.1:$nobody
  server r4 127.0.0.1:$nobody disabled
frontend stats
  mode http
  bind 127.0.0.1:$csv
  bind 127.0.0.1:$page
  http-request use-service prometheus-exporter if { path /metrics }
  stats enable
  stats uri /stats
frontend second_version
  mode http
  bind 127.0.0.1:$tls ssl crt $room/tls.pem alpn h2,http/1.1
  http-request deny unless { req.ver 2.0 }
  http-request use-service prometheus-exporter if { path /metrics }
Y
start haproxy haproxy -f "$work/haproxy.cfg" -db

# ---- PgBouncer: a pool of two, and three who want it ------------------------------------------------------
cat >"$work/pgbouncer.ini" <<Y
[databases]
app = host=127.0.0.1 port=$pg1 dbname=postgres pool_size=2
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pool
unix_socket_dir =
auth_type = trust
auth_file = $work/users
stats_users = stats
pool_mode = transaction
max_client_conn = 50
Y
printf '"postgres" ""\n"stats" ""\n' >"$work/users"
start pgbouncer pgbouncer "$work/pgbouncer.ini"
for i in 1 2 3; do
	start "client$i" sh -c "until $pg/psql -qAt 'postgresql://postgres@127.0.0.1:$pool/app' -c 'SELECT pg_sleep(600)'; do sleep 0.2; done"
done

# ---- everybody is there ---------------------------------------------------------------------------------
wait_for 20 "Alertmanager" curl -fsS "http://127.0.0.1:$alerts/-/ready"
curl -fsS -H 'Content-Type: application/json' -d '[{"labels":{"alertname":"Slow"}},{"labels":{"alertname":"Quiet"}}]' \
	"http://127.0.0.1:$alerts/api/v2/alerts" || fail "no alert could be raised"
curl -fsS -H 'Content-Type: application/json' -d '{"matchers":[{"name":"alertname","value":"Quiet","isRegex":false}],
	"startsAt":"2020-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","createdBy":"test","comment":"test"}' \
	"http://127.0.0.1:$alerts/api/v2/silences" >/dev/null || fail "nothing could be silenced"
wait_for 20 "node_exporter" curl -fsS "http://127.0.0.1:$node/metrics"
wait_for 20 "postgres_exporter" curl -fsS "http://127.0.0.1:$exporter/metrics"
for server in "$prom" "$victoria"; do
	wait_for 30 "a server that scrapes" sh -c \
		"curl -fsS 'http://127.0.0.1:$server/api/v1/query?query=pg_settings_max_connections' | grep -q '\"40\"'"
done
wait_for 90 "the replica" curl -fsS "http://127.0.0.1:$rest2/replica"
waits() {
	"$pg/psql" -qAt "postgresql://stats@127.0.0.1:$pool/pgbouncer" -c 'SHOW POOLS' | grep -q '^app|postgres|2|1|'
}
wait_for 20 "a client waits" waits

# ---- one fleet, a cluster for each kind -------------------------------------------------------------------
real=$work/real.yaml
cat >"$real" <<Y
version: 1
environment: test
sources:
  pool: {kind: pgbouncer, url: "postgresql://stats@127.0.0.1:$pool/pgbouncer", every: 500ms, databases: {app: pooled}}
  door: {kind: postgres-probe, every: 500ms, targets: [
    {url: "postgresql://postgres@127.0.0.1:$pg1/postgres", labels: {cluster: probed, replica: r1}},
    {url: "postgresql://postgres@127.0.0.1:$pg2/postgres", labels: {cluster: probed, replica: r2}},
    {url: "postgresql://127.0.0.1:$nobody/", labels: {cluster: probed, replica: r3}}]}
  patroni: {kind: patroni, url: "http://127.0.0.1:$rest2", every: 500ms, labels: {cluster: real}}
  csv: {kind: haproxy, url: "http://127.0.0.1:$csv/stats;csv", every: 500ms, proxies: {db: csv}}
  page: {kind: haproxy, url: "http://127.0.0.1:$page/metrics", every: 500ms, proxies: {db: page}, gzip: true}
  shared: {kind: haproxy, url: "https://127.0.0.1:$tls/metrics", every: 500ms, proxies: {db: shared}, http2: true,
    ca_file: "$work/tls.crt"}
  runtime: {kind: haproxy, url: "tcp://127.0.0.1:$runtime", every: 500ms, proxies: {db: runtime}}
  alerts: {kind: alertmanager, url: "http://127.0.0.1:$alerts", every: 500ms}
  node: {kind: exposition, url: "http://127.0.0.1:$node/metrics", every: 500ms, labels: {cluster: noded}, gzip: true}
  exporter: {kind: exposition, url: "http://127.0.0.1:$exporter/metrics", every: 2s, labels: {cluster: exported, replica: r1}}
  prom: {kind: prometheus, url: "http://127.0.0.1:$prom", every: 500ms, labels: {cluster: asked, replica: r1}}
  victoria: {kind: prometheus, url: "http://127.0.0.1:$victoria", every: 500ms, labels: {cluster: victoria, replica: r1}}
  rest: {kind: json, url: "http://127.0.0.1:$rest1/patroni", every: 500ms, labels: {cluster: pointed, replica: r1}}
signals:
  pool.max: {from: node, metric: node_filefd_maximum}
  replica.up: {from: exporter, metric: pg_up}
  replica.connections_max:
    - {from: exporter, metric: pg_settings_max_connections}
    - {from: [prom, victoria], query: pg_settings_max_connections}
  replica.connections_used: {from: rest, pointer: /server_version}
Y
if [ "$(id -u)" -eq 0 ]; then
	sed "s|tcp://127.0.0.1:$runtime|unix://$room/haproxy.sock|" "$real" >"$work/unix.yaml"
fi
expect_code 0 "$spillway" config check -c "$real"
readings=$work/readings
good() {
	rm -f "$readings"
	"$spillway" record "$readings" --for 4s -c "$real" >"$work/record.out" 2>&1
	"$spillway" status -c "$real" -o json >"$work/status.json" 2>"$work/status.err"
	python3 - "$readings" "$work/status.json" >"$work/judge.out" 2>&1 <<'P'
import json, sys
last = {}
for line in open(sys.argv[1]):
    row = json.loads(line)
    if "sig" in row:
        last[row["e"], row["sig"]] = row["v"]
status = json.load(open(sys.argv[2]))
sources = {s["source"]: s for s in status["sources"]}
wanted = {
    ("pooled", "pool.used"): 2, ("pooled", "pool.waiting"): 1, ("pooled", "pool.max"): 2,
    ("probed/r1", "replica.up"): 1, ("probed/r2", "replica.up"): 1, ("probed/r3", "replica.up"): 0,
    ("probed/r1", "replica.connections_max"): 37, ("probed/r2", "replica.connections_max"): 37,
    ("probed/r2", "replica.lag"): 0,
    ("real/r2", "replica.up"): 1, ("real/r2", "replica.maintenance"): 0, ("real/r2", "replica.lag"): 0,
    ("asked/r1", "replica.connections_max"): 40, ("victoria/r1", "replica.connections_max"): 40,
    ("exported/r1", "replica.up"): 1, ("exported/r1", "replica.connections_max"): 40,
}
for road in "csv", "page", "shared", "runtime":
    for replica, up, away in ("r1", 1, 0), ("r2", 1, 0), ("r3", 0, 0), ("r4", 0, 1):
        wanted[road + "/" + replica, "replica.up"] = up
        wanted[road + "/" + replica, "replica.maintenance"] = away
for key, value in wanted.items():
    assert last.get(key) == value, (key, last.get(key), value)
assert last["pooled", "pool.wait"] > 0, last["pooled", "pool.wait"]
assert last["pooled", "pool.busy"] == 2, last["pooled", "pool.busy"]  # the pool is full of queries that do not end
assert last["probed/r1", "replica.connections_used"] >= 3
assert last["noded", "pool.max"] > 1000
assert 90000 <= last["pointed/r1", "replica.connections_used"] < 1000000
assert ("real/r1", "replica.up") not in last  # the leader is no replica
for source in sources.values():
    assert source["state"] == "ok", source
clusters = {c["cluster"]: c for c in status["clusters"]}
assert (clusters["pooled"]["pool_used"], clusters["pooled"]["pool_max"], clusters["pooled"]["waiting"]) == (2, 2, 1)
assert clusters["probed"]["replicas_serving"] == 2, clusters["probed"]
P
}
good_or_say() { good || { tail -n 3 "$work/judge.out" >"$work/why"; false; }; }
deadline=$(($(date +%s) + 60 * patience))
until good_or_say; do
	[ "$(date +%s)" -lt "$deadline" ] || fail "the readings are not what the servers are: $(cat "$work/why")"
done
if [ -f "$work/unix.yaml" ]; then
	"$spillway" record "$work/unix.readings" --for 3s -c "$work/unix.yaml" >/dev/null 2>&1
	grep -q '"runtime/r1".*"replica.up","v":1' "$work/unix.readings" || fail "the unix socket says nothing"
fi

# ---- what they are, in their own words --------------------------------------------------------------------
expect_code 0 "$spillway" sources -c "$real" -o json
python3 - "$work/out" >"$work/judge.out" 2>&1 <<'P' || fail "$(tail -n 1 "$work/judge.out")"
import json, sys
details = {s["name"]: s["detail"] for s in json.load(open(sys.argv[1]))}
for name, words in (("prom", "Prometheus 2."), ("victoria", "VictoriaMetrics"), ("pool", "PgBouncer 1."),
                    ("patroni", "Patroni 3."), ("page", "HAProxy 2."), ("csv", "HAProxy"), ("runtime", "HAProxy"),
                    ("alerts", "1 alerts active"), ("node", "node_exporter 1."), ("exporter", "postgres_exporter 0.")):
    assert details[name].startswith(words), (name, words, details)
assert any(text.startswith("PostgreSQL 1") for text in details.values()), details
P

# ---- bodies, for whoever wants them -----------------------------------------------------------------------
if [ -n "${SPILLWAY_BODIES:-}" ]; then
	mkdir -p "$SPILLWAY_BODIES"
	keep() { curl -sS -o "$SPILLWAY_BODIES/$1" "$2"; }
	keep patroni-cluster.json "http://127.0.0.1:$rest2/cluster"
	keep patroni-replica.json "http://127.0.0.1:$rest2/patroni"
	keep patroni-leader.json "http://127.0.0.1:$rest1/patroni"
	keep patroni-metrics.txt "http://127.0.0.1:$rest2/metrics"
	keep haproxy.csv "http://127.0.0.1:$csv/stats;csv"
	keep haproxy-metrics.txt "http://127.0.0.1:$page/metrics"
	keep alertmanager-alerts.json "http://127.0.0.1:$alerts/api/v2/alerts"
	keep alertmanager-silences.json "http://127.0.0.1:$alerts/api/v2/silences"
	keep prometheus-vector.json "http://127.0.0.1:$prom/api/v1/query?query=pg_stat_activity_count"
	keep prometheus-matrix.json "http://127.0.0.1:$prom/api/v1/query?query=pg_stat_activity_count%5B3s%5D"
	keep prometheus-error.json "http://127.0.0.1:$prom/api/v1/query?query=%28"
	keep prometheus-scalar.json "http://127.0.0.1:$prom/api/v1/query?query=1"
	keep prometheus-buildinfo.json "http://127.0.0.1:$prom/api/v1/status/buildinfo"
	keep victoria-vector.json "http://127.0.0.1:$victoria/api/v1/query?query=pg_stat_activity_count"
	keep victoria-error.json "http://127.0.0.1:$victoria/api/v1/query?query=%28"
	keep prometheus-metrics.txt "http://127.0.0.1:$prom/metrics"
	keep alertmanager-metrics.txt "http://127.0.0.1:$alerts/metrics"
	keep node-exporter.txt "http://127.0.0.1:$node/metrics"
	keep postgres-exporter.txt "http://127.0.0.1:$exporter/metrics"
	for table in POOLS STATS DATABASES CONFIG VERSION; do
		"$pg/psql" -qA -F '	' -P footer=off "postgresql://stats@127.0.0.1:$pool/pgbouncer" -c "SHOW $table"
		echo
	done >"$SPILLWAY_BODIES/pgbouncer.txt"
fi

# ---- one falls: the door notices, and nobody else is disturbed -----------------------------------------------
$as_user kill -STOP "$(head -n 1 "$room/r2/postmaster.pid")" || fail "the replica cannot be stopped"
hangs() {
	rm -f "$work/hung"; "$spillway" record "$work/hung" --for 3s -c "$real" >/dev/null 2>&1
	grep '"probed/r2"' "$work/hung" | grep '"replica.up"' | tail -n 1 | grep -q '"v":0'
}
wait_for 30 "a postmaster that hangs is seen at its door" hangs
grep '"probed/r1"' "$work/hung" | grep '"replica.up"' | tail -n 1 | grep -q '"v":1' || fail "the other one is there"
$as_user kill -CONT "$(head -n 1 "$room/r2/postmaster.pid")"
echo "twelve real servers, read as they are"
