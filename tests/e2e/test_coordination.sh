#!/bin/sh
# Two operators with journals of their own, a real etcd: one acts, the other is told who; a console that was killed frees its lock when the
# lease ends; holds are told to each other; without etcd nothing is done unless the glass is broken. And on one machine, by a lock file.
. "$(dirname "$0")/lib.sh"
start_sim calm
free_port() {
	python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'
}
client=$(free_port)
peer=$(free_port)
start_etcd() {
	etcd --name test --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$client" \
		--advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer" \
		--initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "test=http://127.0.0.1:$peer" \
		>"$work/etcd.log" 2>&1 &
	etcd_pid=$!
	pids="$pids $etcd_pid"
	wait_for 30 "etcd answers" curl -fsS "http://127.0.0.1:$client/health"
}
start_etcd
# A server that takes a request and never answers.
python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(16)
print(s.getsockname()[1], flush=True)
kept = []
while True:
    c, _ = s.accept(); kept.append(c); print("accepted", flush=True)
' >"$work/hole" &
pids="$pids $!"
wait_for 10 "the server that never answers" test -s "$work/hole"
hole=$(head -n 1 "$work/hole")
# operator NAME: a fleet file with a journal of their own.
operator() {
	sed "s/guards: {/guards: {cooldown: 0s, verify_within: 20s, max_held: 100%, /; s/\(cooldown: 0s.*\), cooldown: [0-9a-z]*/\1/
		s/\(verify_within: 20s.*\), verify_within: [0-9a-z]*/\1/; /^journal:/d; s/^actions:/actions:\n  silent: {verb: cluster.divert, http: {method: POST, url: \"http:\/\/127.0.0.1:$hole\/{cluster}\", json: {weight: \"{weight}\"}, timeout: 12s}}/" \
		"$fleet" >"$box_dir/$1.yaml"
	printf 'journal: {file: %s/%s/journal.jsonl}\n%s\n' "$work" "$1" "$2" >>"$box_dir/$1.yaml"
}
by_etcd="coordination: {kind: etcd, endpoints: [\"http://127.0.0.1:$client\"], fleet: e2e, ttl: 5s}"
operator kim "$by_etcd"
operator ann "$by_etcd"
expect_code 0 "$spillway" config check -c "$box_dir/kim.yaml"
# as NAME ...: as another operator, where this machine lets us be several.
as() {
	name=$1
	shift
	SUDO_USER=$name "$spillway" "$@" -c "$box_dir/$name.yaml"
}
kim=kim
[ "$(id -u)" = 0 ] || kim=$(id -un)
key() {
	ETCDCTL_API=3 etcdctl --endpoints "127.0.0.1:$client" get --prefix "/spillway/e2e/$1" | tr '\n' ' '
}
has_key() {
	key "$1" | grep -q "$2"
}
has_no_key() {
	[ -z "$(key "$1")" ]
}
# Alone, it is done, and the hold is told to the others.
expect_code 0 as kim act scale-pool cluster=east-a size=22 --yes --reason first
has_key holds/ '"run":"a-0001"' || fail "the hold was not told: $(key '')"
has_no_key lock/ || fail "the lock was not given back: $(key lock/)"
# One acts: the other is told who, and who is here.
SUDO_USER=kim "$spillway" act silent cluster=east-a weight=24 --yes -c "$box_dir/kim.yaml" >"$work/kim.out" 2>&1 </dev/null &
victim=$!
pids="$pids $victim"
wait_for 30 "the request is out" grep -q accepted "$work/hole"
has_key lock/ '"doing":"silent' || fail "no lock while acting: $(key '')"
wait_for 10 "presence" has_key here/ '"doing":"silent'
expect_code 0 as ann holds
expect_text "$work/out" "here: $kim on .* is at silent" "a-0001 +scale-pool .*by $kim on "
expect_code 19 as ann act scale-pool cluster=east-b size=22 --yes
grep -Eq "$kim on .*silent" "$work/out" "$work/err" || fail "the holder is not named: $(cat "$work/out" "$work/err")"
# What another is in the middle of cannot be set aside.
expect_code 19 as ann act scale-pool cluster=east-b size=22 --yes --override lock --reason 'in a hurry'
# Killed, it frees the lock when its lease ends, and not before.
kill -9 "$victim"
wait "$victim" 2>/dev/null
has_key lock/ '"doing":"silent' || fail "the lock went with the process, not with its lease"
lock_is_free() {
	[ -z "$(key lock/)" ]
}
wait_for 60 "the lease ends" lock_is_free
expect_code 0 as ann act scale-pool cluster=east-b size=22 --yes
# The first one's journal tells of its run, in its own file.
expect_code 0 as kim journal show
expect_text "$work/out" 'a-0002 +sent'
# Without etcd nothing is done; with the glass broken it is, and that is told and recorded.
kill "$etcd_pid"
wait "$etcd_pid" 2>/dev/null
expect_code 19 as ann act scale-pool cluster=east-b size=23 --yes
expect_text "$work/out" 'cannot be known'
expect_code 0 as ann act scale-pool cluster=east-b size=23 --yes --override lock --reason 'etcd is down, I am alone here'
expect_text "$work/err" 'guard lock is set aside'
grep -q '"overridden":\["lock"\]' "$work/ann/journal.jsonl" || fail "breaking the glass is in the journal"
# The store is back: so is agreement.
start_etcd
expect_code 0 as ann act scale-pool cluster=east-b size=24 --yes

# On one machine, two journals, no etcd: the lock file names who acts.
operator kim "coordination: {directory: $work, fleet: here}"
operator ann "coordination: {directory: $work, fleet: here}"
count=$(grep -c accepted "$work/hole")
SUDO_USER=kim "$spillway" act silent cluster=west-a weight=24 --yes -c "$box_dir/kim.yaml" >"$work/kim.out" 2>&1 </dev/null &
victim=$!
pids="$pids $victim"
is_out() {
	[ "$(grep -c accepted "$work/hole")" -gt "$count" ]
}
wait_for 30 "the request is out" is_out
expect_code 19 as ann act scale-pool cluster=west-b size=22 --yes
grep -Eq "$kim on .*silent" "$work/out" "$work/err" || fail "the holder is not named: $(cat "$work/out" "$work/err")"
kill -9 "$victim"
wait "$victim" 2>/dev/null
expect_code 0 as ann act scale-pool cluster=west-b size=22 --yes
for name in kim ann; do
	expect_code 0 as $name journal verify
done
echo "one at a time, on one machine and on many; told who; freed by the lease; closed without the store"
