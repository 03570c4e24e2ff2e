#!/bin/sh
# Acting over SSH on a real sshd, by the whole program: each key it can use, each way it must not trust, each way a server can fail, and
# what the exit code says of it. sshd runs on loopback as a user that is not root, in one folder, and is gone afterwards.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
for program in sshd ssh ssh-keygen; do
	command -v $program >/dev/null || fail "$program is not installed: tests/run.sh installs it"
done
room=$(mktemp -d /tmp/spillway-ssh-real.XXXXXX)
user=$(id -un)
as_user=
if [ "$(id -u)" -eq 0 ]; then
	user=postgres # any user that is not root and has a shell
	as_user="setpriv --reuid=$user --regid=$user --clear-groups --no-new-privs"
fi
trap 'status=$?; [ $status -ne 0 ] || rm -rf "$room"; (exit $status); cleanup' EXIT

# ---- keys, the servers, and a page that a command changes ---------------------------------------------------
set -- $(python3 -c '
import socket
held = [socket.socket() for i in range(3)]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])')
port=$1 full_port=$2 slow_port=$3
for key in host:ed25519 other:ed25519 ed25519:ed25519 ecdsa:ecdsa rsa:rsa stranger:ed25519; do
	ssh-keygen -q -t "${key#*:}" -N '' -f "$room/${key%:*}"
done
mkdir "$room/www" "$room/state"
cat "$room/ed25519.pub" "$room/ecdsa.pub" "$room/rsa.pub" >"$room/authorized_keys"
known() { # FILE KEY: the key for each port
	for at in "$port" "$full_port" "$slow_port"; do echo "[127.0.0.1]:$at $(cat "$room/$2.pub")"; done >"$room/$1"
}
known known_hosts host
known changed other
known hashed host
ssh-keygen -q -H -f "$room/hashed" >/dev/null 2>&1
rm -f "$room/hashed.old"
grep -q '^|1|' "$room/hashed" || fail "known_hosts is not hashed"
cat >"$room/set" <<'S'
#!/bin/sh
sed -i "s/^traffic_cluster_weight{cluster=\"c1\"}.*/traffic_cluster_weight{cluster=\"c1\"} $1/" "$(dirname "$0")/www/page.txt"
S
# Says who it is, and stays.
cat >"$room/stay" <<'S'
#!/bin/sh
echo $$ >"$(dirname "$0")/state/command"
exec sleep 600
S
chmod 755 "$room/set" "$room/stay"
python3 "$here/hostile.py" "$work/requests.log" >"$work/hostile" &
pids="$pids $!"
wait_for 10 "the server that has the page" test -s "$work/hostile"
hostile_port=$(cat "$work/hostile")
page_reset() {
	curl -fsS "http://127.0.0.1:$hostile_port/ok" >"$room/www/page.txt" || fail "no page"
	[ -z "$as_user" ] || chown "$user" "$room/www/page.txt"
}
page_reset
[ -z "$as_user" ] || chown -R "$user" "$room"
# A page server, and a relay to sshd that keeps its greeting back for a while.
cat >"$room/serve.py" <<'S'
import http.server, socket, sys, threading, time
class Page(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass
def pump(from_, to):
    try:
        while data := from_.recv(65536):
            to.sendall(data)
    except OSError:
        pass
    to.close()
def relay(slow, port):
    while True:
        near, _ = slow.accept()
        def serve(near=near):
            time.sleep(2)
            far = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(near, far), daemon=True).start()
            pump(far, near)
        threading.Thread(target=serve, daemon=True).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Page(*a, directory=sys.argv[1]))
slow = socket.create_server(("127.0.0.1", int(sys.argv[2])))
threading.Thread(target=relay, args=(slow, int(sys.argv[3])), daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()
S
python3 "$room/serve.py" "$room/www" "$slow_port" "$port" >"$work/http" &
pids="$pids $!"
start_sshd() { # NAME PORT LINE...
	name=$1
	printf '%s\n' "ListenAddress 127.0.0.1:$2" "HostKey $room/host" "AuthorizedKeysFile $room/authorized_keys" 'PidFile none' \
		'StrictModes no' 'UsePAM no' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' \
		"SetEnv HOME=$room" "$3" >"$room/$name.cfg"
	$as_user /usr/sbin/sshd -D -e -f "$room/$name.cfg" 2>"$work/$name.log" &
	pids="$pids $!"
	wait_for 20 "$name listens" grep -q 'Server listening' "$work/$name.log"
}
start_sshd main "$port" 'MaxStartups 50'
start_sshd full "$full_port" 'MaxStartups 1'
wait_for 10 "the page is served" test -s "$work/http"
page_port=$(cat "$work/http")

# ---- one change, by one way ---------------------------------------------------------------------------------
turn=0
fleet_for() { # COMMAND SSH-FIELDS
	turn=$((turn + 1))
	page_reset
	page_fleet page "http://127.0.0.1:$page_port/page.txt" 5s >"$work/fleet.yaml"
	cat >>"$work/fleet.yaml" <<Y
actions:
  go: {verb: cluster.divert, ssh: {host: 127.0.0.1, user: $user, timeout: 60s, command: "$1", $2}}
guards: {cooldown: 1s, verify_within: 60s, max_held: 100%}
journal: {file: $work/journal$turn.jsonl}
Y
}
act() { # CODE
	expect_code "$1" timeout 120 "$spillway" act go cluster=c1 weight=48 -c "$work/fleet.yaml" --yes
}
weight() {
	sed -n 's/^traffic_cluster_weight{cluster="c1"} //p' "$room/www/page.txt"
}
does() { # WHAT SSH-FIELDS: the change is made and verified
	fleet_for "$room/set {weight}" "$2"
	act 0
	[ "$(weight)" = 48 ] || fail "$1: the weight is $(weight)"
	echo "done and verified: $1"
}
refuses() { # WHAT CODE PATTERN SSH-FIELDS: nothing is changed, and why is said
	fleet_for "$room/set {weight}" "$4"
	act "$2"
	cat "$work/out" "$work/err" | tr -s '\n ' '  ' >"$work/words"
	expect_text "$work/words" "$3"
	[ "$(weight)" = 50 ] || fail "$1: the weight is $(weight)"
	echo "nothing changed: $1"
}
key() { # NAME [KNOWN_HOSTS]
	echo "identity_file: $room/$1, known_hosts_file: $room/${2:-known_hosts}"
}

does "an ed25519 key" "port: $port, $(key ed25519)"
does "an ECDSA key" "port: $port, $(key ecdsa)"
does "a hashed known_hosts" "port: $port, $(key ed25519 hashed)"
does "a slow greeting" "port: $slow_port, $(key ed25519)"
does "a jump host" "port: $port, jump: \"$user@127.0.0.1:$port\", $(key ed25519)"
does "the system's ssh client with an RSA key" "port: $port, via: openssh, config_file: none, $(key rsa)"

refuses "a key that is not authorised" 69 "refused key '[^']*stranger'.*authorized_keys" "port: $port, $(key stranger)"
refuses "a host key that has changed" 69 'HOST KEY CHANGED' "port: $port, $(key ed25519 changed)"
refuses "an RSA key" 69 'RSA.*via: openssh' "port: $port, $(key rsa)"
refuses "nobody listening" 69 'refused' "port: 1, $(key ed25519)"
# One connection that does not log in is all that server takes.
python3 -c '
import socket, sys, time
held = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
held.recv(100)
print("held", flush=True)
time.sleep(600)' "$full_port" >"$work/held" &
pids="$pids $!"
wait_for 20 "the only place is taken" grep -q held "$work/held"
refuses "a server with no place for another login" 69 'too many logins' "port: $full_port, $(key ed25519)"

# The server goes while the command runs: nobody knows what came of it, and that is what is said.
for way in "$(key ed25519)" "via: openssh, config_file: none, $(key ed25519)"; do
	rm -f "$room/state/command"
	fleet_for "$room/stay {weight}" "port: $port, $way"
	timeout 120 "$spillway" act go cluster=c1 weight=48 -c "$work/fleet.yaml" --yes >"$work/out" 2>"$work/err" </dev/null &
	actor=$!
	wait_for 60 "the command runs" test -s "$room/state/command"
	server=$(cat "$room/state/command")
	until [ "$(cat "/proc/$server/comm")" = sshd ]; do
		server=$(cut -d ' ' -f 4 "/proc/$server/stat")
	done
	kill -9 "$server"
	kill "$(cat "$room/state/command")"
	wait "$actor"
	got=$?
	[ "$got" -eq 15 ] || fail "exit code $got instead of 15: $(cat "$work/out" "$work/err")"
	expect_text "$work/out" 'unknown'
	expect_code 0 "$spillway" journal verify -c "$work/fleet.yaml"
	echo "unknown: the server killed under the command"
done
echo "every key, every way and every refusal of a real sshd told rightly"
