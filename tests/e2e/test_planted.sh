#!/bin/sh
# A change that outlives nobody: a timer planted beside the target, over the action's own SSH, takes it back when its hold ends, with
# nothing of ours running; it leaves alone what somebody else has set since, goes when the change is undone or kept, and is planted anew
# when it is extended. A real sshd; `at` and systemd-run are stand-ins that count a minute as some seconds and keep their promises else,
# because neither runs for a user without a session of its own.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
for program in sshd ssh-keygen; do
	command -v $program >/dev/null || fail "$program is not installed: tests/run.sh installs it"
done
room=$work/host
mkdir -p "$room/bin" "$room/jobs" "$room/www"
user=$(id -un)
as_user=
if [ "$(id -u)" -eq 0 ]; then
	user=postgres # any user that is not root and has a shell
	as_user="setpriv --reuid=$user --regid=$user --clear-groups --no-new-privs"
	chmod 711 "$work"
fi
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
# The setting on the host, a page that shows it, and what sets and reads it.
cat >"$room/bin/size" <<S
#!/bin/sh
[ \$# -eq 0 ] || echo "\$1" >$room/size
cat $room/size
S
cat >"$room/bin/at" <<S
#!/bin/sh
[ ! -e $room/broken ] || { echo "no atd here" >&2; exit 1; }
script=$room/jobs/at.\$\$
cat >\$script
setsid sh -c 'sleep "\$0"; sh "\$1"; rm -f "\$1"' \$((\$3 * \$(cat $room/minute))) \$script >/dev/null 2>&1 </dev/null &
echo \$! >\$script.pid
echo "job 1 at some time" >&2
S
cat >"$room/bin/systemd-run" <<S
#!/bin/sh
after= unit=
while [ \$# -gt 0 ]; do
	case \$1 in
	--on-active=*) after=\${1#*=} ;;
	--unit=*) unit=\${1#*=} ;;
	--user | -q | --collect | --timer-property=AccuracySec=1s | --setenv=PATH=*) ;;
	*) break ;;
	esac
	shift
done
[ ! -e $room/jobs/\$unit.timer ] || { echo "it is there already" >&2; exit 1; }
setsid sh -c 'sleep "\$0"; rm -f "\$1"; shift; exec "\$@"' \$((after * \$(cat $room/minute) / 60)) $room/jobs/\$unit.timer "\$@" >/dev/null 2>&1 </dev/null &
echo \$! >$room/jobs/\$unit.timer
S
cat >"$room/bin/systemctl" <<S
#!/bin/sh
for word; do :; done
[ -e $room/jobs/\$word ] || exit 5
kill -- -\$(cat $room/jobs/\$word)
rm -f $room/jobs/\$word
S
chmod 755 "$room/bin/"*
cat >"$room/serve.py" <<'S'
import http.server, sys
class Page(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def do_GET(self):
        size = open(sys.argv[2]).read().strip()
        body = ''.join('pgbouncer_pools_server_active_connections{cluster="%s",replica="r1"} 5\n'
            'pgbouncer_databases_pool_size{cluster="%s",replica="r1"} %s\npg_up{cluster="%s",replica="r1"} 1\n'
            'traffic_cluster_weight{cluster="%s"} 50\n' % (c, c, s, c, c) for c, s in (("c1", size), ("c2", "20")))
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body.encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
S
cp "$room/me.pub" "$room/authorized_keys"
echo 20 >"$room/size"
echo 3 >"$room/minute"
[ -z "$as_user" ] || chown -R "$user" "$room"
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
$as_user "$(command -v sshd)" -D -e -f "$room/sshd_config" >"$work/sshd.log" 2>&1 &
pids="$pids $!"
python3 "$room/serve.py" "$page_port" "$room/size" &
pids="$pids $!"
wait_for 20 "the page" curl -fsS "http://127.0.0.1:$page_port/"
wait_for 20 "sshd" grep -q 'Server listening' "$work/sshd.log"
fleet_by() { # PLANT ENVIRONMENT
	cat >"$work/$1.yaml" <<Y
version: 1
environment: $2
sources:
  page: {kind: exposition, url: "http://127.0.0.1:$page_port/", every: 1s, timeout: 800ms}
signals:
  pool.used: {from: page, metric: pgbouncer_pools_server_active_connections}
  pool.max: {from: page, metric: pgbouncer_databases_pool_size}
  replica.up: {from: page, metric: pg_up}
  cluster.weight: {from: page, metric: traffic_cluster_weight}
fleet: {clusters: {c1: {connections_max: 100}, c2: {connections_max: 100}}}
actions:
  scale:
    verb: pool.resize
    ssh: {host: 127.0.0.1, port: $port, user: $user, identity_file: $work/me, known_hosts_file: $work/known_hosts, command: "size {size}", timeout: 10s$3}
guards: {cooldown: 0s, verify_within: 20s, expire: 60s, brake: 100}
journal: {file: $work/$1/journal.jsonl}
Y
	expect_code 0 "$spillway" config check -c "$work/$1.yaml"
}
fleet_by at test ', revert: {plant: at, read: size}'
fleet_by systemd test ', revert: {plant: systemd, read: size}'
fleet_by bare production ''
fleet_by prod production ', revert: {plant: at, read: size}'
size_is() {
	[ "$(cat "$room/size")" = "$1" ]
}
no_marker() {
	! ls "$room"/.spillway-* >/dev/null 2>&1
}
act() { # FILE SIZE CODE
	expect_code "$3" "$spillway" act scale cluster=c1 size="$2" -c "$work/$1.yaml" --yes --reason 'a test'
}

# It goes back by itself, with nothing of ours running.
expect_code 20 "$spillway" plan scale cluster=c1 size=22 -c "$work/at.yaml"
expect_text "$work/out" 'at now \+ 2 minutes' 'a timer beside the target'
act at 22 0
expect_code 0 "$spillway" holds -c "$work/at.yaml"
expect_text "$work/out" 'a timer beside it \(at\)'
expect_code 0 "$spillway" holds -c "$work/at.yaml" -o json
expect_text "$work/out" '"protected_by":"at"'
wait_for 30 "the timer takes it back" size_is 20
wait_for 10 "and takes itself away" no_marker

# What somebody else has set since is theirs.
act at 22 0
echo 25 >"$room/size"
wait_for 30 "the timer has looked" no_marker
wait_for 10 "its job is done" sh -c "! ls '$room'/jobs/at.*[0-9] >/dev/null 2>&1"
size_is 25 || fail "a stranger's value was taken back: $(cat "$room/size")"

# Undone by us: the timer is gone, and what somebody sets to the same value later stays.
echo 20 >"$room/size"
echo 20 >"$room/minute"
act at 22 0
last=$("$spillway" journal show -c "$work/at.yaml" | awk '$3 == "intent" { run = $2 } END { print run }')
expect_code 0 "$spillway" undo "$last" -c "$work/at.yaml" --yes
no_marker || fail "the undo left its timer"
echo 22 >"$room/size"
wait_for 60 "the job's time" sh -c "! ls '$room'/jobs/at.*[0-9] >/dev/null 2>&1"
size_is 22 || fail "a timer of what was undone took back somebody else's value"

# No timer, no change.
echo 3 >"$room/minute"
echo 20 >"$room/size"
touch "$room/broken"
act at 23 12
size_is 20 || fail "changed without its timer"
rm -f "$room/broken"
rm -f "$room"/.spillway-*

# systemd: kept, the timer is cancelled; extended, it is planted anew.
echo 20 >"$room/minute"
act systemd 22 0
ls "$room"/jobs/spillway-*.timer >/dev/null || fail "no timer stands"
expect_code 0 "$spillway" holds extend a-0001 2h -c "$work/systemd.yaml"
expect_text "$work/systemd/journal.jsonl" 'planted anew'
expect_code 0 "$spillway" holds keep a-0001 --reason 'it stays' -c "$work/systemd.yaml"
ls "$room"/jobs/spillway-*.timer >/dev/null 2>&1 && fail "the timer of what is kept still stands"
expect_code 0 "$spillway" journal verify -c "$work/systemd.yaml"
size_is 22 || fail "what was kept went back"
echo 3 >"$room/minute"
act systemd 24 0
wait_for 30 "the timer takes it back" size_is 22

# In production a script holds nothing that only a person would take back.
act bare 23 10
expect_text "$work/out" 'REFUSED protection: nobody sits here'
act prod 23 0
wait_for 30 "the timer takes it back" size_is 22
expect_code 0 "$spillway" reap -c "$work/bare.yaml"
act bare 23 0
expect_text "$work/out" "ok protection: 'spillway reap' runs here"
echo "planted, taken back, left alone, cancelled, planted anew; refused where nothing would take it back"
