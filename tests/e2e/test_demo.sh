#!/bin/sh
# The demo with nobody at the keys: the runbook mends it and it exits 0; left alone it stays bad after the replica is back.
. "$(dirname "$0")/lib.sh"
"$spillway" demo --plain --scenario "$here/fast.yaml" --for 125s >"$work/alone.out" 2>"$work/alone.err" </dev/null &
alone=$!
pids="$pids $alone"
expect_code 0 "$spillway" demo --auto --plain --scenario "$here/fast.yaml" --seed 2
expect_text "$work/out" ' vulnerable ' 'losing one replica would saturate' ' (saturation|errors|amplification|metastable) ' \
	'runbook .*scale-pool' ' done' ' (recovery|normal|vulnerable) '
wait "$alone" || fail "the demo left alone did not end well: $(cat "$work/alone.err")"
expect_text "$work/alone.out" ' vulnerable ' ' (amplification|metastable) ' ' metastable .*errors'
tail -n 1 "$work/alone.out" | grep -Eq 'critical +(metastable|amplification|errors|saturation)' ||
	fail "left alone it should stay bad: $(tail -n 1 "$work/alone.out")"
echo "the runbook mends it; left alone it stays bad"
