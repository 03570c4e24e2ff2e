#!/bin/sh
# A change is a hold: shown, extended, taken back when it expires, left alone when somebody else has changed it since; and above a share of
# the traffic a second person is asked, whom the first cannot play.
. "$(dirname "$0")/lib.sh"
start_sim calm
sed 's/guards: {/guards: {expire: 3s, cooldown: 0s, /; s/cooldown: 0s, \(.*\), cooldown: [0-9a-z]*/cooldown: 0s, \1/' "$fleet" >"$box_dir/holds.yaml"
holds=$box_dir/holds.yaml
expect_code 0 "$spillway" config check -c "$holds"
expect_code 0 "$spillway" holds -c "$holds"
expect_text "$work/out" 'nothing is held'

# Held, shown, extended, expired, taken back.
expect_code 0 "$spillway" act scale-pool cluster=east-a size=22 -c "$holds" --yes --reason 'a little more'
expect_code 0 "$spillway" holds -c "$holds"
expect_text "$work/out" 'a-0001 +scale-pool.*20 -> 22' 'as set'
expect_code 64 "$spillway" holds extend a-0009 1h -c "$holds"
expect_code 64 "$spillway" holds keep a-0001 -c "$holds"
expect_code 0 "$spillway" holds extend a-0001 1h -c "$holds"
expect_code 0 "$spillway" holds -c "$holds" -o json
expect_text "$work/out" '"ends_soon": *false'
expect_code 0 "$spillway" reap -c "$holds"
expect_text "$work/err" 'no hold has expired'
expect_code 0 "$spillway" holds extend a-0001 1s -c "$holds"
has_expired() {
	"$spillway" holds -c "$holds" 2>/dev/null | grep -q "$1.*EXPIRED"
}
wait_for 10 "a-0001 expires" has_expired a-0001
expect_code 77 "$spillway" reap -c "$holds" --read-only
expect_code 0 "$spillway" reap -c "$holds" --plan
expect_text "$work/out" 'would be taken back'
expect_code 0 "$spillway" reap -c "$holds"
expect_text "$work/out" 'a-0001.*taken back by a-0002'
expect_code 0 "$spillway" holds -c "$holds" -o json
[ "$(cat "$work/out")" = '[]' ] || fail "nothing is held any more"

# What goes back to nothing healthy, or is refused, is put off and told as a page, at most three times; some a person takes back from the start.
sed 's/guards: {/guards: {assert: [{name: never, that: "phase > 7"}], /' "$holds" >"$box_dir/never.yaml"
sed '/verb: cluster.divert/a\    on_expiry: hold_and_page' "$holds" >"$box_dir/persons.yaml"
expect_code 0 "$spillway" act divert cluster=west-a weight=24 -c "$box_dir/persons.yaml" --yes
expect_text "$work/out" 'a person takes it back after that'
wait_for 10 "a-0003 expires" has_expired a-0003
expect_code 10 "$spillway" reap -c "$box_dir/never.yaml"
expect_text "$work/out" 'a-0003.*PAGE: put off by 10 min, 1 of 3 times: would not hold'
expect_code 0 "$spillway" holds -c "$holds"
expect_text "$work/out" 'a-0003.*ends in .*put off 1 of 3 times'
expect_code 0 "$spillway" holds extend a-0003 1s -c "$holds"
wait_for 10 "a-0003 expires again" has_expired a-0003
expect_code 0 "$spillway" reap --plan -c "$box_dir/persons.yaml"
expect_text "$work/out" 'a-0003.*would be handed to a person'
expect_code 11 "$spillway" reap -c "$box_dir/persons.yaml"
expect_text "$work/out" "a-0003.*PAGE: a person has to take it back, 'spillway undo a-0003'"
expect_code 11 "$spillway" reap -c "$holds"
expect_code 0 "$spillway" journal show -c "$holds"
expect_text "$work/out" 'a-0003 +extend +put off until .*1 of 3 times' 'a-0003 +page +a person has to take it back'
[ "$(grep -c '"event":"page"' "$(find "$work" -name journal.jsonl | head -n 1)")" = 1 ] || fail "it is handed over once"
expect_code 0 "$spillway" undo a-0003 -c "$holds" --yes

# Somebody else changes it: it is theirs now.
expect_code 0 "$spillway" act divert cluster=east-a weight=25 -c "$holds" --yes
control POST /v1/clusters/east-a/weight '{"weight":23}' >/dev/null
wait_for 10 "a-0005 expires" has_expired a-0005
sees_23() {
	"$spillway" holds -c "$holds" 2>/dev/null | grep -q '23 now'
}
wait_for 10 "the stranger's value is seen" sees_23
expect_code 18 "$spillway" reap -c "$holds"
expect_text "$work/out" 'a-0005.*kept.*somebody changed it'
control GET /v1/clusters/east-a/weight | grep -q '23' || fail "a stranger's value was taken back"
expect_code 0 "$spillway" holds keep a-0005 --reason 'theirs now' -c "$holds"
expect_code 0 "$spillway" journal verify -c "$holds"

# Above a share another person is asked.
sed 's/guards: {/guards: {approve_above: 0.1%, /' "$holds" >"$box_dir/two.yaml"
expect_code 11 "$spillway" act divert cluster=east-a weight=22 -c "$box_dir/two.yaml" --yes --reason 'try'
expect_text "$work/err" 'spillway approve p-'
plan=$(sed -n "s/.*spillway approve \(p-[0-9a-f]*\).*/\1/p" "$work/err" | head -n 1)
expect_code 0 "$spillway" pending -c "$box_dir/two.yaml"
expect_text "$work/out" "$plan +pending"
expect_code 77 "$spillway" approve "$plan" -c "$box_dir/two.yaml"
expect_text "$work/err" 'another person has to approve'
expect_code 64 "$spillway" approve p-000000 -c "$box_dir/two.yaml"
expect_code 11 "$spillway" act divert cluster=east-a weight=22 -c "$box_dir/two.yaml" --yes
control GET /v1/clusters/east-a/weight | grep -q '23' || fail "done without approval"
expect_code 0 "$spillway" act divert cluster=east-a weight=22 -c "$box_dir/two.yaml" --yes --quiet --override two-person --reason 'nobody awake'
expect_text "$work/err" 'BREAKING GLASS'
grep -q '"overridden":\["two-person"\]' "$(find "$work" -name journal.jsonl | head -n 1)" || fail "breaking the glass is in the journal"
echo "held, shown, taken back, left alone; two people where one is not enough"
