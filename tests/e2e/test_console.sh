#!/bin/sh
# The scene: a person at 80x24 watches it form, arms, reads a plan, scales a pool, is refused a divert, takes the step that is offered,
# and leaves with the terminal as it was.
. "$(dirname "$0")/lib.sh"
start_sim "$here/fast.yaml"
open_screen 80 24 "'$spillway' -c '$fleet'"
wait_for 10 "the standing warning" screen_has 'losing one replica would saturate'
screen_has 'READ-ONLY' || fail "the console must say that it is read-only"
wait_for 120 "errors" screen_has 'user errors.*CRIT'
# Read-only: a plan may be looked at, but nothing can be run.
keys A
wait_for 5 "asked before arming" screen_has '[Aa]rm'
type_text y
wait_for 5 "armed" screen_has 'ARMED'
type_text a
wait_for 5 "the menu" screen_has 'scale-pool'
screen >"$work/menu.txt"
wait_for 5 "choose the pool" choose_action scale-pool
