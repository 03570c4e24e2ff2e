#!/bin/sh
# A runbook whose program is killed is gone on with by another one: what was done is not done again, what was not is.
. "$(dirname "$0")/lib.sh"
start_sim calm
cat >"$work/steps.yaml" <<Y
version: 1
name: steps
steps:
  - id: grow
    do: {action: scale-pool, target: "east-a", to: "x1.5"}
    on_inconclusive: continue
  - id: look
    wait: {until: "cluster.waiting[east-a] >= 100000", for: 1s, within: 12s, on_timeout: continue}
  - id: divert
    do: {action: divert, target: "east-a", to: "-10%"}
    on_inconclusive: continue
Y
journal() { find "$work" -name 'journal.jsonl' | head -n 1; }
waits_in() { grep -q "\"event\":\"step\".*\"step\":\"$1\"" "$(journal)"; }
intents() { grep -c '"event":"intent"' "$(journal)"; }

# Killed while it waits in its second step: the first is not done again.
"$spillway" run "$work/steps.yaml" -c "$fleet" --yes >"$work/first.out" 2>&1 </dev/null &
first=$!
pids="$pids $first"
wait_for 90 "the second step" waits_in look
kill -9 "$first"
wait "$first" 2>/dev/null
[ "$(intents)" = 1 ] || fail "one change was begun, not $(intents)"
run=$(sed -n 's/.*"run":"\(r-[0-9]*\)".*/\1/p' "$(journal)" | head -n 1)
expect_code 64 "$spillway" run "$work/steps.yaml" --resume "$run" -c "$fleet" --yes
expect_code 64 "$spillway" run --resume r-9999 -c "$fleet" --yes
expect_text "$work/err" "no runbook's run 'r-9999'"
expect_code 0 "$spillway" run --resume "$run" -c "$fleet" --yes
[ "$(intents)" = 2 ] || fail "two changes were to be begun, not $(intents)"
grep '"event":"resume"' "$(journal)" | grep -Eq '"run_ms":[1-9][0-9]*,"step_ms":[0-9]+' || fail "the time that was spent counts"
grep '"event":"intent"' "$(journal)" | tail -n 1 | grep -q '"action":"divert"' || fail "the last step was done"
control GET /v1/clusters/east-a/weight | grep -q '24' || fail "the weight"
expect_code 64 "$spillway" run --resume "$run" -c "$fleet" --yes
expect_text "$work/err" 'was finished'

# Killed with a change in flight: what became of it is read back, and it is not multiplied.
cat >"$work/again.yaml" <<Y
version: 1
name: again
steps:
  - id: enlarge
    do: {action: scale-pool, target: "west-a", to: "x1.5"}
    on_inconclusive: continue
Y
"$spillway" run "$work/again.yaml" -c "$fleet" --yes >"$work/second.out" 2>&1 </dev/null &
second=$!
pids="$pids $second"
before=$(intents)
begun() { [ "$(intents)" -gt "$before" ]; }
wait_for 60 "the change" begun
kill -9 "$second"
wait "$second" 2>/dev/null
run=$(grep '"event":"runbook"' "$(journal)" | tail -n 1 | sed 's/.*"run":"\(r-[0-9]*\)".*/\1/')
wait_for 120 "it is gone on with" "$spillway" run --resume "$run" -c "$fleet" --yes
size() { "$spillway" plan scale-pool cluster=west-a size=30 -c "$fleet" >"$work/plan.out" 2>&1; grep -q '30.*no change\|nothing would be sent' "$work/plan.out"; }
wait_for 30 "the pool is one and a half times as large, not more" size

# Changed since: it is not the same run any more.
"$spillway" run "$work/steps.yaml" -c "$fleet" --yes >"$work/third.out" 2>&1 </dev/null &
third=$!
pids="$pids $third"
before=$(grep -c '"event":"runbook"' "$(journal)")
another() { [ "$(grep -c '"event":"runbook"' "$(journal)")" -gt "$before" ]; }
wait_for 60 "the third run" another
kill -9 "$third"
wait "$third" 2>/dev/null
run=$(grep '"event":"runbook"' "$(journal)" | tail -n 1 | sed 's/.*"run":"\(r-[0-9]*\)".*/\1/')
echo '# another thought' >>"$work/steps.yaml"
expect_code 18 "$spillway" run --resume "$run" -c "$fleet" --yes
expect_text "$work/err" 'was changed since'
expect_code 0 "$spillway" journal verify -c "$fleet"
echo "cut off, gone on with, and done once"
