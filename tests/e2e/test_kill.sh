#!/bin/sh
# kill -9 at every step of a run, against the fleet in a box, a real HAProxy and a real PgBouncer: whatever the far end then holds, the next
# start says so, and nothing that it does not know. The program under test is the ordinary one; a library preloaded into it ends it.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
if nm -D "$spillway" 2>/dev/null | grep -q __asan; then
	echo "not with a sanitizer: its own library must come first"
	exit 0
fi
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
for program in haproxy pgbouncer "$pg/psql" cc; do
	command -v "$program" >/dev/null || fail "$program is not installed: tests/run.sh installs it"
done
cc -D_GNU_SOURCE -O1 -shared -fPIC -o "$work/kill_at.so" "$here/kill_at.c" -ldl || fail "the library does not build"
start_sim calm
set -- $(python3 -c '
import socket
held = [socket.socket() for i in range(4)]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])')
runtime=$1 page=$2 pool=$3 static=$4
as_user=
[ "$(id -u)" -ne 0 ] || as_user="setpriv --reuid=postgres --regid=postgres --clear-groups --no-new-privs"
chmod 755 "$work"
cat >"$work/haproxy.cfg" <<Y
global
  stats socket ipv4@127.0.0.1:$runtime level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 9s
  timeout server 9s
backend edge
  server c1 127.0.0.1:1 weight 50
  server c2 127.0.0.1:1 weight 50
frontend metrics
  mode http
  bind 127.0.0.1:$page
  http-request use-service prometheus-exporter if { path /metrics }
Y
$as_user haproxy -f "$work/haproxy.cfg" -db >"$work/haproxy.log" 2>&1 &
pids="$pids $!"
cat >"$work/pgbouncer.ini" <<Y
[databases]
app = host=127.0.0.1 port=1 dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pool
unix_socket_dir =
auth_type = trust
auth_file = $work/users
admin_users = ops
stats_users = stats
default_pool_size = 20
Y
printf '"stats" ""\n"ops" ""\n' >"$work/users"
$as_user pgbouncer "$work/pgbouncer.ini" >"$work/pgbouncer.log" 2>&1 &
pids="$pids $!"
# What the two servers do not tell: that the pools are calm.
mkdir "$work/www"
for c in c1 c2; do
	printf 'pgbouncer_pools_server_active_connections{cluster="%s",replica="r1"} 5\npg_up{cluster="%s",replica="r1"} 1\n' $c $c
done >"$work/www/page"
for c in c1 c2; do printf 'fixed_pool_size{cluster="%s",replica="r1"} 20\n' $c; done >"$work/www/sizes"
(cd "$work/www" && exec python3 -m http.server --bind 127.0.0.1 "$static") >"$work/www.log" 2>&1 &
pids="$pids $!"
console() { "$pg/psql" -qAtX "postgresql://ops@127.0.0.1:$pool/pgbouncer" -c "$1"; }
balancer() { python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.sendall(sys.argv[2].encode() + b"\n")
print(b"".join(iter(lambda: s.recv(65536), b"")).decode())' "$runtime" "$1"; }
wait_for 20 "HAProxy" balancer 'show info'
wait_for 20 "PgBouncer" console 'SHOW VERSION'
wait_for 20 "the page" curl -fsS "http://127.0.0.1:$static/page"
# page NAME SIZES WEIGHTS ACTION: a fleet file.
page() {
	cat >"$work/$1.yaml" <<Y
version: 1
environment: test
sources:
  page: {kind: exposition, url: "http://127.0.0.1:$static/page", every: 500ms}
  sizes: {kind: exposition, url: "http://127.0.0.1:$static/sizes", every: 500ms}
  weights: {kind: exposition, url: "http://127.0.0.1:$page/metrics?scope=server", every: 500ms}
  pools: {kind: pgbouncer, url: "postgresql://stats@127.0.0.1:$pool/pgbouncer", every: 500ms, databases: {app: c1/r1}}
signals:
  pool.used: {from: page, metric: pgbouncer_pools_server_active_connections}
  replica.up: {from: page, metric: pg_up}
  pool.max: $2
  cluster.weight: {from: weights, metric: 'haproxy_server_weight{proxy="edge"}', labels: {cluster: server}}
fleet: {clusters: {c1: {connections_max: 100}, c2: {connections_max: 100}}}
actions:
  go: $3
guards: {cooldown: 0s, verify_within: 15s, max_held: 100%, brake: 1000}
Y
}
page haproxy '{from: sizes, metric: fixed_pool_size}' \
	"{verb: cluster.divert, socket: {address: \"tcp://127.0.0.1:$runtime\", send: \"set weight edge/c1 {weight}\", quiet: true}}"
page pgbouncer '{from: sizes, metric: "fixed_pool_size{cluster=\"c2\"}"}' \
	"{verb: pool.resize, sql: {url: \"postgresql://ops@127.0.0.1:$pool/pgbouncer\", statement: \"SET default_pool_size = {size}\"}}"
sed 's/guards: {/guards: {cooldown: 0s, max_held: 100%, brake: 1000, /; s/\(cooldown: 0s.*\), cooldown: [0-9a-z]*/\1/; /^journal:/d
	s/^  divert:/  go:/' "$fleet" >"$work/box.yaml"
sed -i "s|\(_file: \)\([^/{\" ]\)|\1$box_dir/\2|g" "$work/box.yaml"

# ---- each far end: what is asked for, its value, and putting it back ------------------------------------------
ask_haproxy() { echo cluster=c1 weight=46; }
value_haproxy() { balancer 'get weight edge/c1' | sed -n 's/^\([0-9]*\) .*/\1/p'; }
reset_haproxy() { balancer 'set weight edge/c1 50' >/dev/null; }
word_haproxy='set weight'
ask_pgbouncer() { echo cluster=c1 size=22; }
value_pgbouncer() { console 'SHOW CONFIG' | sed -n 's/^default_pool_size|\([0-9]*\)|.*/\1/p'; }
reset_pgbouncer() { console 'SET default_pool_size = 20' >/dev/null; }
word_pgbouncer='SET default_pool_size'
ask_box() { echo cluster=east-a weight=24; }
value_box() { control GET /v1/clusters/east-a/weight | sed 's/.*"weight": *\([0-9]*\).*/\1/'; }
reset_box() { control POST /v1/clusters/east-a/weight '{"weight":26}' >/dev/null; }
word_box='POST /v1/clusters'
old_haproxy=50 new_haproxy=46 old_pgbouncer=20 new_pgbouncer=22 old_box=26 new_box=24

value_is() { [ "$(value_"$far")" = "$1" ]; }
eval_old() { eval "echo \$${1}_$far"; }
# killed STEP CHANGED MARKED: dies there; whether the far end then has the new value, and whether the journal says that something left.
killed() {
	reset_"$far"
	journal=$work/$far-$(echo "$1" | tr ':' '-')/journal.jsonl
	cp "$work/$far.yaml" "$work/now.yaml"
	printf 'journal: {file: %s}\n' "$journal" >>"$work/now.yaml"
	LD_PRELOAD=$work/kill_at.so KILL_AT=$1 KILL_WORD=$(eval echo "\"\$word_$far\"") \
		"$spillway" act go $(ask_"$far") -c "$work/now.yaml" --yes --reason 'to be killed' >"$work/killed.out" 2>&1 </dev/null
	code=$?
	[ $code -eq 137 ] || { cat "$work/killed.out"; fail "$far $1: not killed but exit $code"; }
	if [ "$2" = changed ]; then want=$(eval_old new); else want=$(eval_old old); fi
	wait_for 10 "$far $1: the far end has $want" value_is "$want"
	# The next start: no lock is left, the value that is there is told, and what is not known is not claimed.
	expect_code 0 "$spillway" holds -c "$work/now.yaml"
	case $2,$3 in
	same,unmarked) expect_text "$work/out" 'nothing is held' ;;
	same,marked) expect_text "$work/out" 'a-0001 .*back already.*outcome is not known' ;;
	changed,marked) expect_text "$work/out" 'a-0001 .*as set.*outcome is not known' ;;
	changed,closed) expect_text "$work/out" 'a-0001 .*as set' ;;
	esac
	[ "$3" != closed ] || ! grep -q 'not known' "$work/out" || fail "$far $1: what is known is called unknown"
	if [ "$2" = changed ]; then
		expect_code 0 "$spillway" undo a-0001 -c "$work/now.yaml" --yes
		value_is "$(eval_old old)" || fail "$far $1: the undo left $(value_"$far")"
	elif [ "$3" = marked ]; then
		expect_code 0 "$spillway" holds keep a-0001 --reason 'nothing came of it' -c "$work/now.yaml"
	else
		# Whoever opens it for writing next sets an unfinished line aside.
		expect_code 0 "$spillway" reap -c "$work/now.yaml"
	fi
	expect_code 0 "$spillway" journal verify "$journal"
	steps=$((steps + 1))
}
steps=0
for far in ${FAR_ENDS:-box haproxy pgbouncer}; do
	killed write-half:1 same unmarked
	killed sync-before:1 same unmarked
	killed sync-after:1 same unmarked
	killed write-half:2 same unmarked
	killed sync-after:2 same marked
	killed send-before:1 same marked
	killed send-after:1 changed marked
	killed write-half:3 changed marked
	killed sync-after:3 changed marked
	killed sync-before:4 changed marked
	killed sync-after:4 changed marked
	killed write-half:5 changed marked
	killed sync-after:5 changed closed
	echo "$far: told rightly at each step"
done
echo "killed at $steps steps; each time the next start told what was so"
