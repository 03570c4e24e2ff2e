#!/bin/sh
# What was sent and never answered is "unknown", never "failed"; a kill -9 in the middle leaves a journal that tells; a full disk refuses to act.
. "$(dirname "$0")/lib.sh"
python3 "$here/hostile.py" "$work/requests.log" >"$work/port" &
pids="$pids $!"
wait_for 10 "the hostile server" test -s "$work/port"
port=$(cat "$work/port")
page_fleet page "http://127.0.0.1:$port/ok" >"$work/fleet.yaml"
cat >>"$work/fleet.yaml" <<Y
actions:
  lost: {verb: cluster.divert, http: {method: POST, url: "http://127.0.0.1:$port/lost", json: {weight: "{weight}"}, timeout: 5s}}
  silent: {verb: cluster.divert, http: {method: POST, url: "http://127.0.0.1:$port/silent", json: {weight: "{weight}"}, timeout: 600s}}
  no: {verb: cluster.divert, http: {method: POST, url: "http://127.0.0.1:$port/no", json: {weight: "{weight}"}, timeout: 5s}}
  away: {verb: cluster.divert, http: {method: POST, url: "http://127.0.0.1:1/x", json: {weight: "{weight}"}, timeout: 5s}}
guards: {cooldown: 1s, verify_within: 5s, max_held: 100%}
journal: {file: $work/journal.jsonl}
Y
posts() { # how many POSTs to PATH the server saw
	grep -c "^POST $1 " "$work/requests.log"
}
expect_code 69 "$spillway" act away cluster=c1 weight=48 -c "$work/fleet.yaml" --yes
expect_text "$work/out" 'nothing was sent|refused'
expect_code 12 "$spillway" act no cluster=c1 weight=48 -c "$work/fleet.yaml" --yes
expect_text "$work/out" 'frozen|409'
# The connection drops after the request was read: unknown, and sent exactly once.
expect_code 15 "$spillway" act lost cluster=c1 weight=48 -c "$work/fleet.yaml" --yes
expect_text "$work/out" 'unknown.*read back'
[ "$(posts /lost)" = 1 ] || fail "sent $(posts /lost) times"
# kill -9 while it waits for the answer.
"$spillway" act silent cluster=c2 weight=48 -c "$work/fleet.yaml" --yes >"$work/kill.out" 2>&1 </dev/null &
victim=$!
wait_for 20 "the request is out" grep -q '^POST /silent ' "$work/requests.log"
kill -9 "$victim"
wait "$victim" 2>/dev/null
expect_code 0 "$spillway" journal verify -c "$work/fleet.yaml"
expect_code 0 "$spillway" journal show -c "$work/fleet.yaml"
tail -n 1 "$work/out" | grep -Eq ' sent ' || fail "the journal must end with what was sent: $(tail -n 1 "$work/out")"
open_screen 120 40 "'$spillway' -c '$work/fleet.yaml'"
wait_for 10 "the console tells of the unfinished run" screen_has 'a-0004.*(unknown|UNKNOWN|unfinished)|(unknown|unfinished).*a-0004'
type_text q
expect_terminal_restored
# SIGTERM while it waits: journalled, and the code says unknown.
"$spillway" act silent cluster=c2 weight=47 -c "$work/fleet.yaml" --yes >"$work/term.out" 2>&1 </dev/null &
victim=$!
wait_for 20 "the request is out again" test "$(posts /silent)" -ge 1
until [ "$(posts /silent)" = 2 ]; do
	kill -0 "$victim" 2>/dev/null || fail "ended early: $(cat "$work/term.out")"
	sleep 0.1
done
kill -TERM "$victim"
wait "$victim"
[ $? -eq 15 ] || fail "interrupted after sending must be 15: $(cat "$work/term.out")"
expect_code 0 "$spillway" journal verify -c "$work/fleet.yaml"
# No room for the journal: nothing is sent.
before=$(grep -c '^POST' "$work/requests.log")
(
	ulimit -f 1
	trap '' XFSZ
	exec "$spillway" act no cluster=c1 weight=47 -c "$work/fleet.yaml" --yes
) >"$work/out" 2>"$work/err" </dev/null
code=$?
[ $code -eq 1 ] || [ $code -eq 10 ] || fail "a journal that cannot be written must refuse: exit $code"
[ "$(grep -c '^POST' "$work/requests.log")" = "$before" ] || fail "something was sent without a journal"
# Two at once: the second is told who holds it.
"$spillway" act silent cluster=c1 weight=46 -c "$work/fleet.yaml" --yes >"$work/first.out" 2>&1 </dev/null &
victim=$!
pids="$pids $victim"
until [ "$(posts /silent)" = 3 ]; do
	kill -0 "$victim" 2>/dev/null || fail "ended early: $(cat "$work/first.out")"
	sleep 0.1
done
"$spillway" act no cluster=c2 weight=46 -c "$work/fleet.yaml" --yes >"$work/out" 2>"$work/err" </dev/null
code=$?
[ $code -eq 19 ] || [ $code -eq 10 ] || fail "two writers at once: exit $code"
echo "what was sent is known, unknown, or not sent; never guessed"
