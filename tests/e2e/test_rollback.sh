#!/bin/sh
# A change that took and harms is taken back at once: by `act`, with its exit code, by the console, and told in the journal; what cannot be
# taken back says so by another code; without on_harm it is held.
. "$(dirname "$0")/lib.sh"
# What carries our changes to the box: told to, it first pours half of all traffic onto another cluster and waits until that hurts, so that
# what was planned as safe harms from the first reading on.
cat >"$work/hand.py" <<'P'
import http.server, json, os, sys, time, urllib.request
base, token, armed = sys.argv[1:4]
def call(path, body=None):
    request = urllib.request.Request(base + path, data=body and json.dumps(body).encode(), method="POST" if body else "GET",
        headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=5).read()
def hurts():
    return [c for c in json.loads(call("/v1/truth"))["clusters"] if c["cluster"] == "east-b"][0]["mean_wait_ms"] > 500
class Hand(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if os.path.exists(armed):
            os.unlink(armed)
            call("/v1/clusters/east-b/weight", {"weight": 75.0})
            until = time.time() + 20
            while not hurts() and time.time() < until: time.sleep(0.1)
            print("poured", flush=True)
        answer = call(self.path, body)
        self.send_response(200); self.send_header("Content-Length", str(len(answer))); self.end_headers(); self.wfile.write(answer)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hand)
print(server.server_port, flush=True)
server.serve_forever()
P
# An overload outlives what began it, so each scene has a box of its own.
fresh() {
	for pid in ${sim_pid:-} ${hand_pid:-}; do
		kill "$pid"
		wait "$pid" 2>/dev/null
	done
	rm -rf "$work/box" "$work/sim.out" "$work/hand.out"
	start_sim calm
	python3 "$work/hand.py" "http://127.0.0.1:$http_port" "$token" "$work/armed" >"$work/hand.out" 2>"$work/hand.err" &
	hand_pid=$!
	pids="$pids $hand_pid"
	wait_for 10 "the hand" test -s "$work/hand.out"
	hand_port=$(head -n 1 "$work/hand.out")
	file undo 'on_harm: undo'
}
hand() {
	: >"$work/armed"
}
weight_is() { # CLUSTER WEIGHT
	control GET "/v1/clusters/$1/weight" | grep -Eq "\"weight\": *$2[,}]"
}
file() { # NAME GUARDS
	sed "s/guards: {/guards: {$2, cooldown: 0s, brake: 100, /; s/\(cooldown: 0s.*\), cooldown: [0-9a-z]*/\1/; s/\(brake: 100.*\), brake: [0-9]*/\1/
		s/\(verify_within: .*\), verify_within: [0-9a-z]*/\1/; s,http://127.0.0.1:$http_port/v1/clusters/,http://127.0.0.1:$hand_port/v1/clusters/,; /divert:/,/timeout/s/timeout: [0-9]*s/timeout: 25s/" "$fleet" >"$box_dir/$1.yaml"
	expect_code 0 "$spillway" config check -c "$box_dir/$1.yaml"
}
fresh

# Taken back: 16, and the journal tells why.
hand
expect_code 16 "$spillway" act divert cluster=east-a weight=24 -c "$box_dir/undo.yaml" --yes --reason 'try it'
grep -q poured "$work/hand.out" || fail "the hand did nothing: $(cat "$work/hand.out")"
expect_text "$work/out" 'a-0001 .*harms'
expect_text "$work/err" 'a-0001 harms' 'taken back'
weight_is east-a 26 || fail "not taken back: $(control GET /v1/clusters/east-a/weight)"
expect_code 0 "$spillway" journal show -c "$box_dir/undo.yaml"
expect_text "$work/out" 'a-0001 +verify' 'a-0001 +done +applied, and it harms' 'a-0002 +intent .*it harmed' 'a-0002 +done +done and verified'
expect_code 0 "$spillway" holds -c "$box_dir/undo.yaml"
expect_text "$work/out" 'nothing is held'
expect_code 0 "$spillway" journal verify -c "$box_dir/undo.yaml"
fresh

# What cannot be taken back: 17, and it is still held. The box stops dead as soon as that is tried.
cat >"$work/stop.py" <<'P'
import os, signal, sys, time
until = time.time() + 60
while "taking it back" not in open(sys.argv[1]).read():
    if time.time() > until: sys.exit("it was never tried")
    time.sleep(0.01)
os.kill(int(sys.argv[2]), signal.SIGSTOP)
P
hand
: >"$work/act.err"
python3 "$work/stop.py" "$work/act.err" "$sim_pid" &
stop_pid=$!
pids="$pids $stop_pid"
sed 's/\(verify_within\): [0-9a-z]*/\1: 10s/' "$box_dir/undo.yaml" >"$box_dir/short.yaml"
"$spillway" act divert cluster=east-a weight=24 -c "$box_dir/short.yaml" --yes >"$work/act.out" 2>"$work/act.err" </dev/null
code=$?
kill -CONT "$sim_pid"
[ $code = 17 ] || fail "exit code $code instead of 17: $(cat "$work/act.out" "$work/act.err")"
expect_text "$work/act.err" 'taking it back'
wait_for 20 "the box is back" control GET /v1/clusters/east-a/weight
expect_code 0 "$spillway" journal show -c "$box_dir/undo.yaml"
expect_text "$work/out" 'a-0001 +done +applied, and it harms'
fresh

# Without on_harm it is held, and the code says that it is not verified.
file hold 'on_harm: hold, verify_within: 8s'
hand
expect_code 14 "$spillway" act divert cluster=east-a weight=24 -c "$box_dir/hold.yaml" --yes
expect_text "$work/out" 'applied and holding'
weight_is east-a 24 || fail "it was not held"
fresh

# The console does the same, and says so.
hand
open_screen 120 40 "'$spillway' -c '$box_dir/undo.yaml'"
wait_for 30 "the console" screen_has 'READ-ONLY'
type_text A
wait_for 5 "asked before arming" screen_has 'N stay read-only \(default\)'
type_text y
wait_for 5 "armed" screen_has 'ARMED'
type_text /east-a
keys Enter
wait_for 5 "one cluster" screen_has '1 of 4 shown'
type_text a
wait_for 5 "the menu" screen_has 'divert.*http'
keys j Enter
wait_for 5 "asked for a value" screen_has 'new value'
keys BSpace BSpace BSpace BSpace BSpace
type_text 24
keys Enter
wait_for 5 "the plan" screen_has 'PLAN.*east-a'
keys Tab Tab
wait_for 5 "the focus is on Run" screen_has '>\[ Run \]<'
until screen_has 'Enter runs exactly this'; do
	keys NPage
	wait_for 5 "the page moved or the end was reached" screen_has 'more above|Enter runs exactly this|below'
done
keys Enter
wait_for 60 "it is taken back" weight_is east-a 26
keys Escape
wait_for 10 "home again" screen_has '1 of 4 shown'
type_text e
wait_for 60 "that is told" screen_has 'took it back'
keys Escape
type_text l
wait_for 10 "the journal says why" screen_has 'it harmed'
keys Escape
keys q
expect_terminal_restored
echo "taken back at once, by act and by the console; 17 where that failed; held where nobody said to"
