#!/bin/sh
# The wall: shows the incident, says so over its whole face when its data is old, and leaves the terminal whole.
. "$(dirname "$0")/lib.sh"
start_sim "$here/fast.yaml"
expect_code 1 "$wall" --once --config "$fleet"
open_screen 200 50 "'$wall' --config '$fleet'"
wait_for 10 "the six stages" screen_has 'POOL'
wait_for 90 "critical" screen_has 'CRIT'
kill -STOP "$sim_pid"
wait_for 20 "the face is taken over" screen_has 'DATA .*OLD'
kill -CONT "$sim_pid"
wait_for 20 "and given back" screen_lacks 'DATA .*OLD'
keys C-c
expect_terminal_restored
echo "the wall shows, and cannot lie"
