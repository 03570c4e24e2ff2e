#!/bin/sh
# Two operators with journals of their own, a real etcd: one acts, the other is told who; a console that was killed frees its lock when the
# lease ends; holds are told to each other; without etcd nothing is done unless the glass is broken; one asks and another approves there; heads
# of journals are known there. And on one machine, by a lock file.
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
		s/\(verify_within: 20s.*\), verify_within: [0-9a-z]*/\1/; /^journal:/d; s/^actions:/actions:\n  silent: {verb: cluster.divert, http: {method: POST, url: \"http:\/\/127.0.0.1:$hole\/{cluster}\", json: {weight: \"{weight}\"}, timeout: 20s}}/" \
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

# Two people on two machines, each with a journal and a key, and a store that nobody has to trust.
approvals() {
	for name in kim ann bob; do
		ssh-keygen -q -t ed25519 -N '' -f "$work/key-$name" </dev/null
		printf '%s %s\n' "$name" "$(cat "$work/key-$name.pub")" >>"$work/allowed"
	done
	for name in kim ann bob; do
		operator $name "$by_etcd"
		sed -i "s/guards: {/guards: {approve_above: 0.1%, approve_within: 5m, /; s/^\(journal: {.*\)}/\1, allowed_signers: ${work_sed}allowed, sign_with: ${work_sed}key-$name}/" "$box_dir/$name.yaml"
	done
	expect_code 0 "$spillway" config check -c "$box_dir/kim.yaml"
	expect_code 0 as ann pending
	expect_text "$work/out" 'nothing waits'
	expect_code 11 as kim act divert cluster=east-a weight=25 --yes --reason 'slow there'
	plan=$(sed -n "s/.*spillway approve \(p-[0-9a-f]*\).*/\1/p" "$work/err" | head -n 1)
	[ -n "$plan" ] || fail "no plan to approve: $(cat "$work/err")"
	# The other machine sees it with its words; who asked cannot answer it, there neither.
	expect_code 0 as ann pending
	expect_text "$work/out" "$plan +pending.*asked by kim: divert .*26 -> 25, because slow there"
	cp "$box_dir/ann.yaml" "$box_dir/elsewhere.yaml"
	SUDO_USER=kim expect_code 77 "$spillway" approve "$plan" -c "$box_dir/elsewhere.yaml"
	expect_text "$work/err" 'another person has to approve'
	hash=$(key approvals/ | grep -o '"plan_hash":"[0-9a-f]*"' | head -n 1 | cut -d'"' -f4)
	request=$(ETCDCTL_API=3 etcdctl --endpoints "127.0.0.1:$client" get --print-value-only "/spillway/e2e/approvals/$hash/ask")
	put() { # KEY VALUE
		ETCDCTL_API=3 etcdctl --endpoints "127.0.0.1:$client" put "/spillway/e2e/approvals/$hash/$1" "$2" >/dev/null
	}
	# Words put into the request by whoever can write there: nobody is led to sign them.
	put ask "$(printf '%s' "$request" | sed 's/26 -> 25/26 -> 24/')"
	expect_code 77 as ann approve "$plan"
	expect_text "$work/err" 'not to be believed'
	put ask "$request"
	# An answer in Ann's name that she did not sign is none.
	put by-ann "{\"at\":\"$(date -u +%Y-%m-%dT%H:%M:%S.000Z)\",\"run\":\"$plan\",\"event\":\"approve\",\"text\":\"\",\"by\":\"ann\",\"plan_hash\":\"$hash\"}"
	expect_code 11 as kim act divert cluster=east-a weight=25 --yes
	tr -s '\n ' '  ' <"$work/out" >"$work/words"
	expect_text "$work/words" 'approval by ann does not count: it is not signed'
	# Who waits goes on when another has approved, elsewhere.
	SUDO_USER=kim "$spillway" act divert cluster=east-a weight=25 --yes --wait -c "$box_dir/kim.yaml" >"$work/kim.out" 2>"$work/kim.err" </dev/null &
	waiting=$!
	pids="$pids $waiting"
	wait_for 20 "kim waits" grep -q 'waiting for that' "$work/kim.err"
	expect_code 0 as ann approve "$plan" --reason 'seen it'
	wait "$waiting" || fail "the change that waited: $(cat "$work/kim.out" "$work/kim.err")"
	expect_text "$work/kim.err" "$plan was approved by ann"
	grep -q '"approved_by":"ann"' "$work/kim/journal.jsonl" || fail "the journal does not say who approved"
	control GET /v1/clusters/east-a/weight | grep -q '25' || fail "the approved change was not made"
	grep -q '"event":"approve"' "$work/ann/journal.jsonl.approvals" || fail "no record where it was approved"
	# A denial wins, and ends the waiting.
	: >"$work/kim.err" # or its last words are taken for those of this one
	SUDO_USER=kim "$spillway" act divert cluster=east-a weight=24 --yes --wait -c "$box_dir/kim.yaml" >"$work/kim.out" 2>"$work/kim.err" </dev/null &
	waiting=$!
	pids="$pids $waiting"
	wait_for 20 "kim waits" grep -q 'waiting for that' "$work/kim.err"
	plan=$(sed -n "s/.*spillway approve \(p-[0-9a-f]*\).*/\1/p" "$work/kim.err" | head -n 1)
	is_asked() {
		as ann pending 2>/dev/null | grep -Eq "$plan +pending"
	}
	wait_for 10 "ann sees it" is_asked
	expect_code 0 as bob deny "$plan" --reason 'not now'
	wait "$waiting"
	[ $? = 11 ] || fail "denied, and yet: $(cat "$work/kim.out" "$work/kim.err")"
	expect_text "$work/kim.err" "$plan was denied by bob: not now"
	expect_code 64 as ann approve "$plan"
	expect_text "$work/err" 'denied already'
	expect_code 0 as ann journal verify
	# Without the store nothing that was asked elsewhere can be answered, and that is said.
	kill "$etcd_pid"
	wait "$etcd_pid" 2>/dev/null
	expect_code 69 as ann pending
	expect_text "$work/err" 'asked on other machines is not known'
	expect_code 69 as ann approve p-123456
	expect_code 19 as kim act scale-pool cluster=west-a size=22 --yes
	start_etcd
}
# Heads of journals are known in etcd, with no key at all: a cut tail and a file made anew are found out, though their chains are whole.
anchors() {
	journal=$work/kim/journal.jsonl
	operator kim "$by_etcd"
	expect_code 0 as kim act scale-pool cluster=west-b size=23 --yes
	expect_code 0 as kim journal verify
	count=$(wc -l <"$journal")
	expect_text "$work/out" "etcd knows it up to record $count(;|\$)"
	cp "$journal" "$work/good.jsonl"
	forge() { # LINES WORD: the first LINES records, "scale-pool" in them as WORD, in a chain made anew
		python3 - "$work/good.jsonl" "$journal" "$1" "$2" <<'P'
import hashlib, sys
prev, lines = '0' * 64, []
for line in open(sys.argv[1]).read().splitlines()[:int(sys.argv[3])]:
    body = line[:line.rindex(',"prev":"')].replace('scale-pool', sys.argv[4]) + ',"prev":"%s"' % prev
    line = body + ',"hash":"%s"}' % hashlib.sha256(body.encode()).hexdigest()
    prev = hashlib.sha256(line.encode()).hexdigest()
    lines.append(line)
open(sys.argv[2], 'w').write('\n'.join(lines) + '\n')
open(sys.argv[2] + '.head', 'w').write('%020d %s\n' % (len(lines), prev))
P
	}
	forge $((count - 2)) scale-pool
	expect_code 0 "$spillway" journal verify "$journal"
	expect_code 1 as kim journal verify
	expect_text "$work/out" "BROKEN: .*cut off: it has $((count - 2)) records, and etcd knows record $count"
	forge "$count" scale-poll
	expect_code 1 as kim journal verify
	expect_text "$work/out" 'BROKEN: .*(rewritten|put there instead)'
	# Who goes on with it is told each time, and the proof stays.
	expect_code 0 as kim act scale-pool cluster=west-b size=24 --yes
	expect_text "$work/err" "anchor: .*(ANOTHER JOURNAL WAS KNOWN|REWRITTEN)"
	expect_code 1 as kim journal verify -o json
	json_get "$work/out" '"anchor" in d and d["ok"] is False' | grep -q True || fail "the finding as JSON"
	# Moved away and begun anew, as the program advises: both are known for what they are.
	cp "$work/good.jsonl" "$work/kim/old.jsonl"
	rm -f "$journal" "$journal.head"
	expect_code 0 as kim act scale-pool cluster=west-b size=25 --yes
	expect_code 0 as kim journal verify
	expect_text "$work/out" 'before it another journal was in its place'
	expect_code 0 "$spillway" journal verify "$work/kim/old.jsonl" -c "$box_dir/kim.yaml"
	expect_text "$work/out" "etcd knows it up to record $count(;|\$)"
	# Without etcd: work goes on, the gap is told, and marked when etcd is back.
	kill "$etcd_pid"
	wait "$etcd_pid" 2>/dev/null
	expect_code 0 as kim act scale-pool cluster=west-b size=26 --yes --override lock --reason 'etcd is down'
	expect_text "$work/err" "the journal's anchor: etcd does not have its head"
	expect_code 0 as kim journal verify
	expect_text "$work/out" 'not compared with etcd'
	start_etcd
	expect_code 0 as kim act scale-pool cluster=west-b size=27 --yes
	expect_code 0 as kim journal verify
	expect_text "$work/out" 'etcd was not told in time of records [0-9]+ to [0-9]+'
}
work_sed=$(printf '%s/' "$work" | sed 's/[\/&]/\\&/g')
if [ "$(id -u)" = 0 ]; then
	approvals
else
	echo "approvals between people are left out: one user cannot play two"
fi
anchors

# A gateway that does not do what locking stands on is found out before the first lock, whichever way it fails.
cat >"$work/gateway.py" <<'P'
import http.server, json, sys, urllib.request
class Gateway(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if trap == "fields" and "compare" in body: body["compares"] = body.pop("compare")
        request = urllib.request.Request(sys.argv[1] + self.path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        answer = json.loads(urllib.request.urlopen(request, timeout=5).read().decode().split("\n")[0])
        if trap == "omitted": answer.pop("succeeded", None)
        if trap == "lease" and "keepalive" in self.path: answer["result"]["TTL"] = "15"
        answer = json.dumps(answer).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(answer))); self.end_headers(); self.wfile.write(answer)
trap = sys.argv[2]
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
print(server.server_port, flush=True)
server.serve_forever()
P
trapped() { # TRAP CODE WORDS
	python3 "$work/gateway.py" "http://127.0.0.1:$client" "$1" >"$work/gateway.$1" 2>/dev/null &
	pids="$pids $!"
	wait_for 10 "the gateway" test -s "$work/gateway.$1"
	operator ann "coordination: {kind: etcd, endpoints: [\"http://127.0.0.1:$(cat "$work/gateway.$1")\"], fleet: e2e, ttl: 5s}"
	expect_code "$2" as ann act scale-pool cluster=west-a size=22 --yes
	cat "$work/out" "$work/err" | tr -s '\n ' '  ' >"$work/words"
	expect_text "$work/words" "$3"
}
trapped fields 19 'not fit to lock by: a comparison that must fail was passed over'
trapped omitted 19 'not fit to lock by: a comparison that must hold did not'
trapped lease 19 'not fit to lock by: a lease that does not exist was kept alive'
trapped none 0 'done and verified'

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
