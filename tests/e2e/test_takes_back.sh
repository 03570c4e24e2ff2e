#!/bin/sh
# A console holds the journal, so no reaper can: it takes back itself what has expired, armed or not, says so, and is told of as what
# protects; one that is read-only leaves that to the reaper.
. "$(dirname "$0")/lib.sh"
start_sim calm
sed 's/guards: {/guards: {expire: 2s, cooldown: 0s, /; s/cooldown: 0s, \(.*\), cooldown: [0-9a-z]*/cooldown: 0s, \1/' "$fleet" >"$box_dir/holds.yaml"
holds=$box_dir/holds.yaml
expect_code 0 "$spillway" config check -c "$holds"
weight_is() { # CLUSTER WEIGHT
	control GET "/v1/clusters/$1/weight" | grep -Eq "\"weight\": *$2[,}]"
}
has_expired() {
	"$spillway" holds -c "$holds" 2>/dev/null | grep -q "$1.*EXPIRED"
}
expect_code 0 "$spillway" act divert cluster=west-a weight=24 -c "$holds" --yes --reason 'for a moment'
wait_for 10 "a-0001 expires" has_expired a-0001

# Read-only: not its business, and the reaper is not in its way.
open_screen 160 40 "'$spillway' -c '$holds' --read-only"
wait_for 30 "the console" screen_has 'READ-ONLY'
type_text H
wait_for 10 "the hold, and that nothing ends it" screen_has 'a-0001.*only a person takes it back'
weight_is west-a 24 || fail "a read-only console has changed something"
expect_code 0 "$spillway" reap --plan -c "$holds"
expect_text "$work/out" 'a-0001.*would be taken back'
keys q
expect_terminal_restored
close_screen

# Disarmed and alone with the journal.
open_screen 160 40 "'$spillway' -c '$holds'"
wait_for 30 "the console" screen_has 'READ-ONLY'
wait_for 60 "it is taken back" weight_is west-a 25
expect_code 19 "$spillway" reap -c "$holds"
type_text e
wait_for 60 "that is told" screen_has 'a-0001 divert .*west-a: its time was over, taken back by a-0002'
keys Escape
screen_has 'READ-ONLY' || fail "nobody has armed it"
type_text l
wait_for 10 "the journal says why" screen_has 'its hold expired'
keys Escape
keys q
expect_terminal_restored
expect_code 0 "$spillway" holds -c "$holds"
expect_text "$work/out" 'nothing is held'
expect_code 0 "$spillway" journal verify -c "$holds"
echo "taken back by the console that nobody had armed; left to the reaper by one that is read-only"
