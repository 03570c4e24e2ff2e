#!/bin/sh
# Timers beside the target by the real programs: at(1) with its daemon over a real sshd, in real minutes, and systemd-run with a real user
# manager. A hold whose maker was killed goes back; what a stranger has set since stays; what was undone or kept has no timer left.
# test_planted.sh says the rest with stand-ins that are quicker. About three minutes.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
for program in sshd ssh-keygen at atd; do
	command -v $program >/dev/null || fail "$program is not installed: tests/run.sh installs it"
done
[ "$(id -u)" -eq 0 ] || {
	echo "left out: at's daemon runs jobs as their owners, which only root may start"
	exit 0
}
room=$work/host
mkdir -p "$room/bin" "$room/run"
chmod 711 "$work"
user=postgres # any user that is not root and has a shell
set -- $(python3 -c '
import socket
held = [socket.socket() for i in range(2)]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])')
port=$1 page_port=$2
for key in host me; do
	ssh-keygen -q -t ed25519 -N '' -f "$room/$key"
done
echo "[127.0.0.1]:$port $(cat "$room/host.pub")" >"$work/known_hosts"
cp "$room/me" "$work/me"
cp "$room/me.pub" "$room/authorized_keys"
cat >"$room/bin/size" <<S
#!/bin/sh
[ \$# -lt 2 ] || echo "\$2" >$room/size.\$1
cat $room/size.\$1
S
chmod 755 "$room/bin/size"
clusters="c1 c2 c3 c4"
for cluster in $clusters; do echo 20 >"$room/size.$cluster"; done
cat >"$room/serve.py" <<'S'
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def do_GET(self):
        body = ''.join('pgbouncer_pools_server_active_connections{cluster="%s",replica="r1"} 5\n'
            'pgbouncer_databases_pool_size{cluster="%s",replica="r1"} %s\npg_up{cluster="%s",replica="r1"} 1\n'
            'traffic_cluster_weight{cluster="%s"} 25\n' % (c, c, open(sys.argv[2] + "/size." + c).read().strip(), c, c)
            for c in sys.argv[3:])
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body.encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
S
chown -R "$user" "$room"
cat >"$room/sshd_config" <<S
Port $port
ListenAddress 127.0.0.1
HostKey $room/host
AuthorizedKeysFile $room/authorized_keys
PidFile none
UsePAM no
PasswordAuthentication no
StrictModes no
SetEnv PATH=$room/bin:/usr/bin:/bin HOME=$room
S
# at is set-uid, so these may gain privileges.
setpriv --reuid=$user --regid=$user --clear-groups "$(command -v sshd)" -D -e -f "$room/sshd_config" >"$work/sshd.log" 2>&1 &
pids="$pids $!"
python3 "$room/serve.py" "$page_port" "$room" $clusters &
pids="$pids $!"
# Where one runs already it serves us too, and ours ends at once.
atd -f >"$work/atd.log" 2>&1 &
pids="$pids $!"
wait_for 20 "the page" curl -fsS "http://127.0.0.1:$page_port/"
wait_for 20 "sshd" grep -q 'Server listening' "$work/sshd.log"
fleet_by() { # PLANT
	cat >"$work/$1.yaml" <<Y
version: 1
environment: production
sources:
  page: {kind: exposition, url: "http://127.0.0.1:$page_port/", every: 1s, timeout: 800ms}
signals:
  pool.used: {from: page, metric: pgbouncer_pools_server_active_connections}
  pool.max: {from: page, metric: pgbouncer_databases_pool_size}
  replica.up: {from: page, metric: pg_up}
  cluster.weight: {from: page, metric: traffic_cluster_weight}
fleet: {clusters: {c1: {connections_max: 100}, c2: {connections_max: 100}, c3: {connections_max: 100}, c4: {connections_max: 100}}}
actions:
  scale:
    verb: pool.resize
    ssh: {host: 127.0.0.1, port: $port, user: $user, identity_file: $work/me, known_hosts_file: $work/known_hosts, command: "size {cluster} {size}", timeout: 10s, revert: {plant: $1, read: "size {cluster}"}}
guards: {cooldown: 0s, verify_within: 20s, expire: 60s, brake: 100, max_held: 100%}
journal: {file: $work/$1/journal.jsonl}
Y
	expect_code 0 "$spillway" config check -c "$work/$1.yaml"
}
fleet_by at
fleet_by systemd
size_is() { # CLUSTER SIZE
	[ "$(cat "$room/size.$1")" = "$2" ]
}
jobs() {
	setpriv --reuid=$user --regid=$user --clear-groups atq | wc -l
}
no_jobs() {
	[ "$(jobs)" = 0 ]
}
act() { # CLUSTER
	expect_code 0 "$spillway" act scale cluster="$1" size=22 -c "$work/at.yaml" --yes --reason 'a test'
}
no_jobs || fail "jobs of $user stand already: $(jobs)"

# One whose maker is killed as soon as it is made, one that a stranger changes, one that is undone, one that is kept.
"$spillway" act scale cluster=c1 size=22 -c "$work/at.yaml" --yes >"$work/c1.out" 2>&1 </dev/null &
maker=$!
began=$(date +%s)
wait_for 20 "the change is made" size_is c1 22
kill -9 "$maker"
wait "$maker" 2>/dev/null
[ "$(jobs)" = 1 ] || fail "no job stands: $(cat "$work/c1.out")"
act c2
expect_code 0 "$spillway" holds -c "$work/at.yaml"
expect_text "$work/out" 'scale +c2.*' 'a timer beside it \(at\)'
act c3
act c4
last() {
	"$spillway" journal show -c "$work/at.yaml" | awk '$3 == "intent" { run = $2 } END { print run }'
}
expect_code 0 "$spillway" holds keep "$(last)" --reason 'it stays' -c "$work/at.yaml"
undone=$("$spillway" journal show -c "$work/at.yaml" | awk '$3 == "intent" && / c3 / { run = $2 } END { print run }')
expect_code 0 "$spillway" undo "$undone" -c "$work/at.yaml" --yes
echo 22 >"$room/size.c3" # a stranger's, of the same value as ours was
echo 25 >"$room/size.c2"
wait_for 200 "the timer takes back what its maker left" size_is c1 20
[ $(($(date +%s) - began)) -ge 60 ] || fail "it went back before its hold ended"
wait_for 200 "all jobs are through" no_jobs
for one in 'c2 25' 'c3 22' 'c4 22'; do
	size_is $one || fail "not as it should be: $one, but $(cat "$room/size.${one% *}")"
done
expect_code 0 "$spillway" journal verify -c "$work/at.yaml"

# systemd: the exact command of a plan, by the real systemd-run and systemctl, with a user manager of our own where one can be had.
command -v systemd-run >/dev/null && [ -x /lib/systemd/systemd ] && unshare -m true 2>/dev/null || {
	echo "at plants, fires, compares and is cancelled; left out: no systemd, or no namespace to run it in"
	exit 0
}
echo 20 >"$room/size.c1"
sees_20() {
	"$spillway" plan scale cluster=c1 size=22 -c "$work/systemd.yaml" -o json >"$work/plan.json" 2>/dev/null
	json_get "$work/plan.json" 'd["from"]' | grep -qx 20
}
wait_for 20 "the value is seen" sees_20
json_get "$work/plan.json" 'd["requests"][0]' >"$work/line"
sed 's/^[^ ]* \$ //; s/--on-active=60/--on-active=3/' "$work/line" >"$work/command"
grep -q '^systemctl --user -q stop spillway-.*--on-active=3 ' "$work/command" || fail "not the command of a plan: $(cat "$work/line")"
timer=$(grep -o 'spillway-[0-9a-f]*\.timer' "$work/command" | head -n 1)
cat >"$work/inner.sh" <<'I'
# inner.sh WORK ROOM TIMER: in a mount namespace of its own, where systemd believes that it booted this machine
mount -t tmpfs none /run/systemd && mkdir /run/systemd/system || exit 9
export XDG_RUNTIME_DIR=$2/run PATH=$2/bin:$PATH
/lib/systemd/systemd --user >"$1/manager.log" 2>&1 &
manager=$!
trap 'kill -9 $manager' EXIT
until_ok() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { echo "still not so: $*"; exit 1; }
		sleep 0.1
	done
}
is() { [ "$(cat "$1")" = "$2" ]; }
until_ok systemctl --user list-timers
# Planted, made, fired, taken back.
sh "$1/command" || exit 2
is "$2/size.c1" 22 || { echo "the change was not made"; exit 1; }
systemctl --user list-timers --all | grep -q "$3" || { echo "no timer stands"; exit 1; }
until_ok is "$2/size.c1" 20
# Planted again under the same name, a stranger's value, and left alone.
sh "$1/command" || exit 3
echo 25 >"$2/size.c1"
timer_is_gone() { ! systemctl --user list-timers --all | grep -q "$3"; }
until_ok timer_is_gone "$@"
is "$2/size.c1" 25 || { echo "a stranger's value was taken back"; exit 1; }
# Cancelled, as an undo does.
echo 20 >"$2/size.c1"
sed 's/--on-active=3/--on-active=600/' "$1/command" >"$1/long"
sh "$1/long" || exit 4
systemctl --user -q stop "$3" || { echo "it cannot be cancelled"; exit 1; }
timer_is_gone "$@" || { echo "it stands although it was cancelled"; exit 1; }
I
chown -R root "$room/run"
chmod 700 "$room/run"
timeout -k 5 90 unshare -m sh "$work/inner.sh" "$work" "$room" "$timer" >"$work/inner.out" 2>&1 </dev/null
code=$?
if [ $code = 9 ] || grep -q 'still not so: systemctl' "$work/inner.out"; then
	echo "at plants, fires, compares and is cancelled; left out: no user manager runs here ($(head -n 1 "$work/manager.log" 2>/dev/null))"
	exit 0
fi
[ $code = 0 ] || fail "systemd: $code: $(cat "$work/inner.out" "$work/manager.log")"
echo "planted by the real at and systemd-run: taken back with nobody of ours there, left alone, cancelled"
