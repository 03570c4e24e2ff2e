#!/bin/sh
# The scene: a person at 80x24 watches it form, arms, reads a plan, scales a pool, is refused a divert, takes the step that is offered,
# and leaves with the terminal as it was.
. "$(dirname "$0")/lib.sh"
start_sim "$here/fast.yaml"
open_screen 80 24 "'$spillway' -c '$fleet'"
wait_for 15 "the standing warning" screen_has 'N-1 losing'
screen_has 'READ-ONLY' || fail "the console must say that it is read-only"
wait_for 120 "users see errors" screen_has '6 user errors.*!CRIT'
screen_has 'api 0\.0% errors' || fail "api stays clean"
# run_plan: from a plan that may run to its verified end. Everything must have been seen before Run works.
run_plan() {
	keys Tab Tab
	wait_for 5 "the focus is on Run" screen_has '>\[ Run \]<'
	until screen_has 'Enter runs exactly this'; do
		screen_has 'all of it' || fail "Run is neither ready nor waiting to be read"
		keys NPage
		wait_for 5 "the page moved or the end was reached" screen_has 'more above|Enter runs exactly this|below'
	done
	keys Enter
	wait_for 60 "verified" screen_has "RUN $1|$1.*DONE, VERIFIED"
	wait_for 60 "verified" screen_has "$1.*DONE, VERIFIED"
	keys Escape
	wait_for 5 "home again" screen_has '6 user errors'
}
# Read-only: a plan may be read, and says that it cannot run.
type_text a
wait_for 5 "the menu" screen_has 'scale-pool.*ssh'
keys Enter
wait_for 5 "asked for a value" screen_has 'new value  30'
keys Enter
wait_for 5 "the plan" screen_has "default_pool_size = 30"
screen_has 'read-only' || screen_has 'arm' || fail "the plan must say that the console is read-only"
keys Escape
wait_for 5 "home again" screen_has '6 user errors'
type_text A
wait_for 5 "asked before arming" screen_has 'N stay read-only \(default\)'
type_text y
wait_for 5 "armed" screen_has 'ARMED'
# Scale the pools of the worst cluster, which is selected: first by impact.
screen_has '>!east-a' || { keys g; wait_for 5 "the worst cluster" screen_has '>!east-a'; }
type_text a
wait_for 5 "the menu" screen_has 'scale-pool.*ssh'
keys Enter
wait_for 5 "asked for a value" screen_has 'new value  30'
keys Enter
wait_for 5 "the plan" screen_has 'PLAN.*resize pools.*east-a'
run_plan a-0001
wait_for 60 "errors fall" screen_has '6 user errors  *0\.[0-9]%'
wait_for 90 "called a recovery" screen_has 'RECOVERY|VULNERABLE'
# Half of its weight is too much for the others: refused with the sum, and the smaller step works.
type_text a
wait_for 5 "the menu" screen_has 'divert.*http'
keys j Enter
wait_for 5 "asked for a value" screen_has 'new value'
keys BSpace BSpace BSpace BSpace BSpace
type_text 13
keys Enter
wait_for 5 "refused" screen_has 'REFUSED'
screen_has 's: use the largest safe step' || fail "the largest safe step must be offered"
screen_has '!OVER' || fail "the cluster that would be over the ceiling must be named"
type_text s
wait_for 5 "a new plan" screen_lacks 'REFUSED'
run_plan a-0002
screen_has 'a-0002' || fail "the second change is on the home screen"
type_text q
expect_terminal_restored
expect_code 0 "$spillway" journal verify -c "$fleet"
echo "seen, armed, scaled, refused, diverted, restored"
