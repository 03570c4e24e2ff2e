#!/bin/sh
# Every verb done and undone against the real server from Debian's packages (PgBouncer, HAProxy, PostgreSQL, Alertmanager), by
# the actions of packs, or against a scripted one (Kubernetes, Envoy); what each server then says is what was asked for.
# A target that somebody else changed is left alone; no secret shows anywhere. On loopback, as a user that is not root.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
for program in "$pg/postgres" pgbouncer haproxy prometheus-alertmanager; do
	command -v "$program" >/dev/null || fail "$program is not installed: tests/run.sh installs it"
done
room=$(mktemp -d /tmp/spillway-verbs.XXXXXX) # short: unix sockets have short names
as_user="env HOME=$room"
if [ "$(id -u)" -eq 0 ]; then
	chown postgres "$room"
	chmod 755 "$work"
	as_user="setpriv --reuid=postgres --regid=postgres --clear-groups --no-new-privs env HOME=$room"
fi
servers_down() {
	code=$?
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	for pid in $pids; do wait "$pid" 2>/dev/null; done
	[ "$code" -ne 0 ] || rm -rf "$room"
	(exit "$code")
	cleanup
}
trap servers_down EXIT
set -- $(python3 -c '
import socket
held = [socket.socket() for i in range(6)]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])')
pgport=$1 pool=$2 runtime=$3 page=$4 alerts=$5 scripted=$6

start() { # NAME COMMAND...: in the background, its talk kept.
	name=$1
	shift
	$as_user "$@" >"$work/$name.log" 2>&1 </dev/null &
	pids="$pids $!"
}
sql() { "$pg/psql" -qAtX "postgresql://postgres@127.0.0.1:$pgport/postgres" -c "$1"; }
console() { "$pg/psql" -qAtX "postgresql://ops@127.0.0.1:$pool/pgbouncer" -c "$1"; }
balancer() { python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.sendall(sys.argv[2].encode() + b"\n")
out = b""
while True:
    piece = s.recv(65536)
    if not piece: break
    out += piece
print(out.decode())' "$runtime" "$1"; }

# ---- the servers ----------------------------------------------------------------------------------------
$as_user "$pg/initdb" -D "$room/pg" -A trust -U postgres --no-sync >"$work/initdb.log" 2>&1 || fail "no database"
start postgres "$pg/postgres" -D "$room/pg" -p "$pgport" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$room" \
	-c fsync=off -c max_connections=60
wait_for 30 "PostgreSQL" sql 'SELECT 1'
sql 'CREATE ROLE auth LOGIN' || fail "no role"
cat >"$work/pgbouncer.ini" <<Y
[databases]
app = host=127.0.0.1 port=$pgport dbname=postgres
alt = host=127.0.0.1 port=$pgport dbname=postgres pool_size=8
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pool
unix_socket_dir =
auth_type = trust
auth_file = $work/users
admin_users = ops
stats_users = stats
pool_mode = transaction
default_pool_size = 10
Y
printf '"postgres" ""\n"stats" ""\n"ops" ""\n' >"$work/users"
start pgbouncer pgbouncer "$work/pgbouncer.ini"
cat >"$work/haproxy.cfg" <<Y
global
  stats socket ipv4@127.0.0.1:$runtime level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 9s
  timeout server 9s
backend db
  default-server check inter 200ms fall 1 rise 1 maxconn 40
  server r1 127.0.0.1:$pgport
  server r2 127.0.0.1:$pgport
backend spare
  default-server check inter 200ms fall 1 rise 1 maxconn 40
  server s1 127.0.0.1:$pgport
  server s2 127.0.0.1:$pgport
backend edge
  server db 127.0.0.1:$pgport weight 100
  server spare 127.0.0.1:$pgport weight 100
frontend metrics
  mode http
  bind 127.0.0.1:$page
  http-request use-service prometheus-exporter if { path /metrics }
Y
start haproxy haproxy -f "$work/haproxy.cfg" -db
printf 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n' >"$work/alertmanager.yml"
start alertmanager prometheus-alertmanager --config.file="$work/alertmanager.yml" --storage.path="$room/alerts" \
	--web.listen-address="127.0.0.1:$alerts" --cluster.listen-address=
token=s3cret-token-of-the-test-9f4e
(umask 077 && printf '%s\n' "$token" >"$work/token")
python3 "$here/verbs.py" "$scripted" "postgresql://postgres@127.0.0.1:$pgport/postgres" "$work/token" "$work/changes" \
	>"$work/scripted.log" 2>&1 &
pids="$pids $!"
wait_for 20 "PgBouncer" console 'SHOW VERSION'
wait_for 20 "HAProxy" balancer 'show info'
wait_for 20 "Alertmanager" curl -fsS "http://127.0.0.1:$alerts/-/ready"
wait_for 20 "the scripted server" curl -fsS "http://127.0.0.1:$scripted/knob"
# A client each, so that both pools are there.
for database in app alt; do
	"$pg/psql" -qAt "postgresql://postgres@127.0.0.1:$pool/$database" -c 'SELECT 1' >/dev/null || fail "no pool of $database"
done

# ---- the fleet: packs do nearly all of it ------------------------------------------------------------------
verbs=$work/verbs.yaml
cat >"$verbs" <<Y
version: 1
environment: test
use: {kubernetes: deployments}
sources:
  pools: {kind: pgbouncer, url: "postgresql://stats@127.0.0.1:$pool/pgbouncer", every: 1s, databases: {app: db, alt: spare}}
  balancer: {kind: haproxy, url: "tcp://127.0.0.1:$runtime", every: 1s, proxies: {db: db, spare: spare}}
  weights: {kind: exposition, url: "http://127.0.0.1:$page/metrics?scope=server", every: 1s}
  alerts: {kind: alertmanager, url: "http://127.0.0.1:$alerts", every: 1s}
  deployments: {kind: json, every: 1s, bearer_file: token, targets: [{labels: {service: auth},
    url: "http://127.0.0.1:$scripted/apis/apps/v1/namespaces/prod/deployments/auth/scale"}]}
  admin: {kind: json, url: "http://127.0.0.1:$scripted/runtime?format=json", every: 1s, labels: {service: auth}}
  roles: {kind: json, url: "http://127.0.0.1:$scripted/role", every: 2s, timeout: 1900ms, labels: {service: auth}}
  knob: {kind: json, url: "http://127.0.0.1:$scripted/knob", every: 1s, labels: {cluster: db, replica: r1}}
signals:
  cluster.weight: {from: weights, metric: 'haproxy_server_weight{proxy="edge"}', labels: {cluster: server}}
  service.role_limit: {from: roles, pointer: /limit}
  service.retry_limit: {from: admin, scale: 0.01,
    pointer: /entries/circuit_breakers.auth.default.retry_budget.budget_percent/final_value}
  replica.lag: {from: knob, pointer: /value}
fleet:
  clusters:
    db: {connections_max: 57, replicas: [r1, r2], attributes: {backend: db, edge: edge, database: app}}
    spare: {connections_max: 57, replicas: [s1, s2], attributes: {backend: spare, edge: edge, database: alt}}
  services: {auth: {timeout: 1s}}
actions:
  pool: {use: pgbouncer, sql: {url: "postgresql://ops@127.0.0.1:$pool/pgbouncer"}}
  lb: {use: haproxy, socket: {address: "tcp://127.0.0.1:$runtime"}}
  role: {use: postgres, sql: {url: "postgresql://postgres@127.0.0.1:$pgport/postgres"}}
  alerts: {use: alertmanager, http: {url: "http://127.0.0.1:$alerts"}}
  mesh: {use: envoy, http: {url: "http://127.0.0.1:$scripted"}}
  deploy: {use: kubernetes, http: {bearer_file: token,
    url: "http://127.0.0.1:$scripted/apis/apps/v1/namespaces/prod/deployments"}}
  knob:
    verb: custom
    class: relieve
    target: replica
    reads: replica.lag
    undo: knob
    http:
      method: PUT
      url: "http://127.0.0.1:$scripted/knob"
      read: {value: /value, revision: etag}
      form: {value: "{value}"}
      headers: {If-Match: "{revision}", Idempotency-Key: "spillway-{run}"}
  elsewhere:
    verb: custom
    class: relieve
    target: replica
    reads: replica.lag
    http: {method: PUT, url: "http://127.0.0.1:$scripted/elsewhere", form: {value: "{value}"}}
guards: {max_age: 10s, cooldown: 0s, verify_within: 30s, blast_radius: 60%, max_return: 60%, min_serving: 1, brake: 1000}
Y
expect_code 0 "$spillway" config check -c "$verbs"

# act WORDS...: done and verified; sets run.
act() {
	expect_code 0 "$spillway" act "$@" -c "$verbs" --yes --reason 'a test' -o json
	run=$(json_get "$work/out" 'd["run"]')
}
undo() { expect_code 0 "$spillway" undo "$run" -c "$verbs" --yes; }
same() { # WHAT WANTED GOT
	[ "$2" = "$3" ] || fail "$1 is '$3', not '$2'"
}

# ---- PgBouncer --------------------------------------------------------------------------------------------
size() { console 'SHOW CONFIG' | sed -n 's/^default_pool_size|\([0-9]*\)|.*/\1/p'; }
paused() { console 'SHOW DATABASES' | awk -F'|' '$1 == "app" { print $(NF - 1) }'; }
act pool-resize cluster=db size=15
same "the pool" 15 "$(size)"
undo
same "the pool, undone" 10 "$(size)"
expect_code 20 "$spillway" plan pool-pause cluster=db -c "$verbs"
expect_text "$work/out" 'PAUSE app' 'at most 15s'
act pool-pause cluster=db
journal=$(find "$work" -name journal.jsonl | head -n 1)
grep '"event":"intent"' "$journal" | tail -n 2 | grep -q 'RESUME app' || fail "the way back is written down before the change"
same "the pause, ended by itself" 0 "$(paused)"
expect_code 0 "$spillway" act pool-resume cluster=db -c "$verbs" --yes
expect_text "$work/err" 'nothing to change'

# ---- HAProxy ----------------------------------------------------------------------------------------------
field() { # SERVER COLUMN of backend db
	balancer 'show stat' | python3 -c '
import csv, sys
rows = csv.DictReader(sys.stdin.read().lstrip("# ").strip().splitlines())
print(*[r[sys.argv[2]] for r in rows if (r["pxname"], r["svname"]) == tuple(sys.argv[1].split("/"))])' "$1" "$2"
}
act lb-limit replica=db/r1 maxconn=50
same "the limit" 50 "$(field db/r1 slim)"
undo
same "the limit, undone" 40 "$(field db/r1 slim)"
expect_code 64 "$spillway" plan lb-limit replica=db/r1 maxconn=0 -c "$verbs"
act lb-drain replica=db/r1
same "the drain" DRAIN "$(field db/r1 status)"
undo
same "the drain, undone" UP "$(field db/r1 status)"
act lb-divert cluster=db weight=80
same "the weight" 80 "$(field edge/db weight)"
undo
same "the weight, undone" 100 "$(field edge/db weight)"
act lb-divert cluster=db weight=80
act lb-restore cluster=db weight=90
same "the weight given back" 90 "$(field edge/db weight)"
# Refused in words where others answer 200: an action on a server that is not there.
sed 's/{backend: db, /{backend: nosuch, /' "$verbs" >"$work/wrong.yaml"
expect_code 12 "$spillway" act lb-limit replica=db/r1 maxconn=44 -c "$work/wrong.yaml" --yes
expect_text "$work/out" 'No such'

# ---- PostgreSQL, Alertmanager -------------------------------------------------------------------------------
limit() { sql "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'auth'"; }
act role-limit service=auth limit=20
same "the role's limit" 20 "$(limit)"
undo
same "the role's limit, undone" -1 "$(limit)"
silences() { curl -fsS "http://127.0.0.1:$alerts/api/v2/silences" | python3 -c '
import json, sys
print(sum(1 for s in json.load(sys.stdin) if s["status"]["state"] == "active" and s["matchers"][0]["value"] == "db"))'; }
act alerts-silence cluster=db
same "the silence" 1 "$(silences)"
undo
same "the silence, ended" 0 "$(silences)"

# ---- Envoy, Kubernetes, anything ------------------------------------------------------------------------------
act mesh-retries service=auth retries=0.05
expect_text "$work/changes" 'budget_percent=5 '
undo
expect_text "$work/changes" 'budget_percent=20 '
act deploy-scale service=auth instances=5
expect_text "$work/changes" 'PATCH .*/auth/scale application/merge-patch.json .*"resourceVersion":"100".*"replicas":5'
undo
expect_text "$work/changes" '"resourceVersion":"101".*"replicas":3'
act knob replica=db/r1 value=9
expect_text "$work/changes" 'PUT /knob application/x-www-form-urlencoded "v1" spillway-a-[0-9]*-1 value=9'
undo
expect_text "$work/changes" 'PUT /knob .* "v2" .*value=7'

# Somebody else was there between the plan and the change: nothing is sent.
before=$(wc -l <"$work/changes")
cat >"$work/stranger.py" <<'P'
"""Stands before the scripted server and lets somebody else change the target once the plan was made on the old value."""
import sys, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
back = "http://127.0.0.1:" + sys.argv[2]
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        urllib.request.urlopen(back + "/stranger").read()
        request = urllib.request.Request(back + self.path, headers={"Authorization": self.headers["Authorization"]})
        body = urllib.request.urlopen(request).read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1], "w").write(str(server.server_port))
server.serve_forever()
P
python3 "$work/stranger.py" "$work/stranger.port" "$scripted" 2>"$work/stranger.log" &
pids="$pids $!"
wait_for 10 "the stranger" test -s "$work/stranger.port"
python3 - "$verbs" "$scripted" "$(cat "$work/stranger.port")" >"$work/stranger.yaml" <<'P'
import sys
text = open(sys.argv[1]).read()
head, tail = text.split("  deploy: ")
print(head + "  deploy: " + tail.replace(sys.argv[2], sys.argv[3], 1), end="")
P
expect_code 18 "$spillway" act deploy-scale service=auth instances=4 -c "$work/stranger.yaml" --yes
expect_text "$work/out" 'nothing was changed.*reads 9'
same "what was sent meanwhile" "$before" "$(wc -l <"$work/changes")"

# A redirect of a change is not followed, and the change is not sent twice.
expect_code 12 "$spillway" act elsewhere replica=db/r1 value=8 -c "$verbs" --yes
expect_text "$work/out" 'HTTP 307'
same "what arrived" "$((before + 1))" "$(wc -l <"$work/changes")"
tail -n 1 "$work/changes" | grep -q '^PUT /elsewhere' || fail "the redirect was followed"

# ---- the console lists all of them -----------------------------------------------------------------------------
open_screen 120 40 "$spillway -c $verbs"
wait_for 20 "the clusters" screen_has 'spare'
keys a
for action in pool-resize pool-pause pool-resume lb-limit lb-drain lb-return lb-divert lb-restore role-limit alerts-silence \
	alerts-unsil mesh-retries deploy-scale knob; do
	wait_for 10 "the console lists $action" screen_has "$action"
done
screen >"$work/screen.txt"
keys Escape
keys q
wait_for 10 "the console ends" screen_has 'after> *$'

# ---- no secret anywhere, and a journal that holds -----------------------------------------------------------------
printf 'wrong-%s\n' "$token" >"$work/token.wrong"
sed 's/  deploy: {use: kubernetes, http: {bearer_file: token,/  deploy: {use: kubernetes, http: {bearer_file: token.wrong,/' \
	"$verbs" >"$work/unauthorised.yaml"
"$spillway" act deploy-scale service=auth instances=4 -c "$work/unauthorised.yaml" --yes -v >"$work/unauthorised.out" 2>&1
"$spillway" record "$work/recording" --for 2s -c "$verbs" >"$work/record.out" 2>&1 &
watched=$!
tr '\0' ' ' <"/proc/$watched/cmdline" >"$work/cmdline.txt" 2>/dev/null
wait "$watched"
"$spillway" report -c "$verbs" >"$work/report.txt" 2>&1
expect_code 0 "$spillway" journal show -c "$verbs"
cp "$work/out" "$work/shown.txt"
expect_code 0 "$spillway" journal verify -c "$verbs"
if grep -rlF "$token" "$work" --exclude=token --exclude=token.wrong | grep .; then
	fail "the token shows in the files above"
fi
grep -lF "$token" /proc/[0-9]*/cmdline 2>/dev/null | while read -r file; do
	tr '\0' ' ' <"$file" | grep -q 'grep' || fail "the token is in $file"
done
echo "every verb done, verified and undone on the servers themselves"
