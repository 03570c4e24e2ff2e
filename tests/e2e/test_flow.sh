#!/bin/sh
# A runbook whose step fails: what was done goes back, the newest first, by the road of every change; killed in the middle of that it is gone on
# with; what was taken back is never called done. And a step that another person has to approve.
. "$(dirname "$0")/lib.sh"
start_sim calm
sed -i 's/^guards: {/guards: {brake: 100, /' "$fleet"
journal() { find "$work" -name 'journal.jsonl' | head -n 1; }
weight_is() { control GET "/v1/clusters/$1/weight" | grep -q "$2"; }
event() { grep -q "\"event\":\"$1\"" "$(journal)"; }
# The second grows too far at once: its guards refuse it.
cat >"$work/flow.yaml" <<Y
version: 1
name: flow
preflight:
  - {id: quiet, assert: "surface.errors < 50%"}
on_failure: {rollback: reverse}
steps:
  - id: divert
    do: {action: divert, target: east-a, to: 24}
    ramp: {by: 4%, hold: 0s}
  - id: grow
    do: {action: scale-pool, target: west-a, to: "100"}
    on_refused: stop
Y
expect_code 20 "$spillway" run "$work/flow.yaml" --plan -c "$fleet"
expect_text "$work/out" 'first quiet:' 'by 4% at a time' 'taken back, the newest first'
expect_code 16 "$spillway" run "$work/flow.yaml" -c "$fleet" --yes
expect_text "$work/err" 'divert: divert east-a: 26 to 25' 'divert: divert east-a: 25 to 24' 'grow: .*refused' 'taking a-0002 back: .*24 to 25' \
	'taking a-0001 back: .*25 to 26'
expect_text "$work/out" 'rolled back|rolled-back' 'grow failed'
weight_is east-a 26 || fail "the weight is what it was"
grep -q '"event":"turn".*"turn":"all-back"' "$(journal)" || fail "the journal tells of the rollback"
expect_code 0 "$spillway" holds -c "$fleet" -o json
[ "$(cat "$work/out")" = '[]' ] || fail "nothing is held"

# In simulated incidents, with the watching troubled: what was tried, and what must never be so.
expect_code 0 "$spillway" simulate replica-loss --seeds 2 --runbook replica-loss --faults lost,stale,step
expect_text "$work/out" '^seeds tried 2, invariant violations 0$' 'decisions on stale input 0, .*changes on stale readings 0'
expect_code 0 "$spillway" simulate replica-loss --faults lost -o json
json_get "$work/out" '(d["summary"]["seeds_tried"], d["summary"]["invariant_violations"])' | grep -qx '(1, 0)' || fail "as JSON"

# The example of the manual page is one.
sed -n '/^\.nf/,/^\.fi/p' "$top/share/man/spillway-runbook.5" | sed -e '1d;$d' -e 's/\\-/-/g' >"$work/example.yaml"
expect_code 20 "$spillway" run "$work/example.yaml" --plan -c "$fleet"
expect_text "$work/out" 'runbook mend: 3 steps'

# An assertion that does not hold: nothing is done.
sed 's/surface.errors < 50%/surface.errors > 50%/' "$work/flow.yaml" >"$work/never.yaml"
before=$(grep -c '"event":"intent"' "$(journal)")
expect_code 10 "$spillway" run "$work/never.yaml" -c "$fleet" --yes
expect_text "$work/out" 'quiet does not hold'
[ "$(grep -c '"event":"intent"' "$(journal)")" = "$before" ] || fail "something was begun"

# Kept on purpose: some of it stays, and the code says so.
sed 's/rollback: reverse/rollback: reverse, except: [divert]/; s/target: east-a/target: east-b/' "$work/flow.yaml" >"$work/kept.yaml"
expect_code 13 "$spillway" run "$work/kept.yaml" -c "$fleet" --yes
expect_text "$work/out" '1 change of this run is in force'
weight_is east-b 24 || fail "what is excepted stays"

# Killed when it has begun to take back: whoever goes on ends that, and the step that failed is not tried again.
sed 's/target: east-a/target: west-b/; s/to: 24/to: 22/' "$work/flow.yaml" >"$work/cut.yaml"
"$spillway" run "$work/cut.yaml" -c "$fleet" --yes >"$work/cut.out" 2>&1 </dev/null &
cut=$!
pids="$pids $cut"
turns() { [ "$(grep -c '"turn":"all-back"' "$(journal)")" -gt "$1" ]; }
wait_for 120 "it takes back" turns "$(grep -c '"turn":"all-back"' "$(journal)")"
kill -9 "$cut"
wait "$cut" 2>/dev/null
run=$(grep '"event":"runbook"' "$(journal)" | tail -n 1 | sed 's/.*"run":"\(r-[0-9]*\)".*/\1/')
grown=$(grep -c '"action":"scale-pool"' "$(journal)")
"$spillway" run --resume "$run" -c "$fleet" --yes >"$work/out" 2>"$work/err"
got=$?
# Cut off with a request in flight, its outcome is read back, and once it is told the same is asked again.
[ "$got" = 16 ] || {
	cat "$work/out" "$work/err" >&2
	fail "gone on with: $got"
}
weight_is west-b 24 || fail "all of it went back"
[ "$(grep -c '"action":"scale-pool"' "$(journal)")" = "$grown" ] || fail "what failed was tried again"
expect_code 64 "$spillway" run --resume "$run" -c "$fleet" --yes

# Another person is asked, and waited for.
cat >"$work/two.yaml" <<Y
version: 1
name: two
steps:
  - id: ask
    approve: true
    on_inconclusive: continue
    do: {action: divert, target: west-a, to: 24}
Y
asks() { grep -q 'spillway approve p-' "$work/two.err"; }
ask_and() { # WORD CODE
	: >"$work/two.err"
	"$spillway" run "$work/two.yaml" -c "$fleet" --yes >"$work/two.out" 2>"$work/two.err" </dev/null &
	two=$!
	pids="$pids $two"
	wait_for 30 "it asks" asks
	plan=$(sed -n 's/.*spillway approve \(p-[0-9a-f]*\).*/\1/p' "$work/two.err" | head -n 1)
	weight_is west-a 25 || fail "done before it was approved"
	expect_code 77 "$spillway" "$1" "$plan" -c "$fleet"
	SUDO_USER=nobody expect_code 0 "$spillway" "$1" "$plan" -c "$fleet" --reason 'seen'
	wait "$two"
	got=$?
	[ "$got" = "$2" ] || {
		cat "$work/two.out" "$work/two.err" >&2
		fail "$1 made it end with $got instead of $2"
	}
}
# Only root may be somebody else here.
if [ "$(id -u)" = 0 ]; then
	ask_and deny 11
	weight_is west-a 25 || fail "done although it was denied"
	ask_and approve 0
	weight_is west-a 24 || fail "approved and not done"
fi

# The gate stops all changes at once, whoever plans them; taking back is not stopped.
expect_code 64 "$spillway" gate close -c "$fleet"
expect_code 0 "$spillway" gate close -c "$fleet" --reason 'what is going on?'
expect_code 10 "$spillway" act divert cluster=west-b weight=23 -c "$fleet" --yes
expect_text "$work/out" 'REFUSED gate: closed by .*what is going on'
expect_code 77 "$spillway" gate open -c "$fleet" --reason 'fine' --read-only
kept=$(grep '"action":"divert"' "$(journal)" | grep '"target":"east-b"' | tail -n 1 | sed 's/.*"run":"\(a-[0-9]*\)".*/\1/')
expect_code 0 "$spillway" undo "$kept" -c "$fleet" --yes
expect_code 0 "$spillway" gate open -c "$fleet" --reason 'seen'
expect_code 0 "$spillway" gate -c "$fleet" -o json
expect_text "$work/out" '"gate":"open"'

# In a freeze a change needs the kind of ticket that the freeze lets pass; so does a runbook, which hands it to its steps.
sed 's/^guards: {/guards: {freeze: [{from: 2020-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z, why: sale, except_ticket: "INC-*"}], /' \
	"$fleet" >"$box_dir/frozen.yaml"
expect_code 10 "$spillway" plan divert cluster=west-b weight=23 -c "$box_dir/frozen.yaml" --ticket CHG-1
expect_text "$work/out" 'REFUSED freeze: frozen until 2100-01-01T00:00:00Z: sale; ticket CHG-1 is not of the form'
expect_code 64 "$spillway" plan divert cluster=west-b weight=23 -c "$box_dir/frozen.yaml" --ticket 'INC 1'
expect_code 20 "$spillway" plan divert cluster=west-b weight=23 -c "$box_dir/frozen.yaml" --ticket INC-7
expect_text "$work/out" '^ticket +INC-7' 'WARN freeze: .*ticket INC-7 lets it pass'
cat >"$work/frozen.yaml" <<Y
version: 1
name: frozen
steps:
  - {id: shift, on_inconclusive: continue, do: {action: divert, target: east-a, to: 25}}
Y
expect_code 10 "$spillway" run "$work/frozen.yaml" -c "$box_dir/frozen.yaml" --yes
expect_text "$work/err" "'--ticket' of the form INC-\\* may pass"
expect_code 0 "$spillway" run "$work/frozen.yaml" -c "$box_dir/frozen.yaml" --yes --ticket INC-8
grep '"event":"intent"' "$(journal)" | tail -n 1 | grep -q '"ticket":"INC-8"' || fail "the intent has the ticket"
expect_code 0 "$spillway" journal show -c "$fleet"
expect_text "$work/out" 'intent .*ticket INC-8'
expect_code 0 "$spillway" undo "$(grep '"ticket":"INC-8"' "$(journal)" | tail -n 1 | sed 's/.*"run":"\(a-[0-9]*\)".*/\1/')" -c "$fleet" --yes

# A rule of the fleet's own is judged for what will be, and is set aside by its own name.
sed 's/^guards: {/guards: {assert: [{name: weight-kept, that: "cluster.weight[target] >= 24"}, {name: enough, that: "replicas.serving >= 1"}], /' \
	"$fleet" >"$box_dir/asserts.yaml"
expect_code 10 "$spillway" plan divert cluster=west-a weight=22 -c "$box_dir/asserts.yaml"
expect_text "$work/out" 'REFUSED weight-kept: would not hold: cluster.weight\[target\] \{22\} >= 24' 'ok enough: replicas.serving'
expect_code 11 "$spillway" act divert cluster=west-a weight=22 -c "$box_dir/asserts.yaml" --override weight-kept --reason 'seen'
expect_text "$work/err" 'OVERRIDDEN: guard weight-kept is set aside'
expect_code 64 "$spillway" act divert cluster=west-a weight=22 -c "$box_dir/asserts.yaml" --override assert --reason 'seen'

# A brake that was reached is let go by a person.
sed 's/brake: 100/brake: 2/' "$fleet" >"$box_dir/brake.yaml"
grep -q 'brake: 2' "$box_dir/brake.yaml" || fail "the box's guards are written otherwise now"
expect_code 75 "$spillway" plan divert cluster=west-b weight=23 -c "$box_dir/brake.yaml"
expect_text "$work/out" 'gate acknowledge'
expect_code 0 "$spillway" gate acknowledge -c "$fleet" --reason 'looked'
expect_code 20 "$spillway" plan divert cluster=west-b weight=23 -c "$box_dir/brake.yaml"
expect_code 0 "$spillway" journal verify -c "$fleet"
echo "failed, taken back, gone on with, and never called done"
