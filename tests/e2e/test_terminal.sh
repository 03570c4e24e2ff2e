#!/bin/sh
# The terminal comes back from every exit, and bad terminals are met with words.
. "$(dirname "$0")/lib.sh"
start_sim calm
leave_by() { # NAME SCREEN-PATTERN: a fresh console, then the caller does something to $console_pid
	open_screen 80 24 "'$spillway' -c '$fleet'"
	wait_for 10 "the console is up" screen_has 'READ-ONLY'
	console_pid=$(pgrep -f -n "^$spillway -c $fleet")
	[ -n "$console_pid" ] || fail "cannot find the console"
}
for signal in TERM HUP INT SEGV ABRT; do
	leave_by "$signal"
	kill -s "$signal" "$console_pid"
	expect_terminal_restored
	close_screen
done
# Ctrl-Z and back.
leave_by suspend
keys C-z
expect_terminal_restored
type_text 'fg'
keys Enter
wait_for 10 "the console is drawn anew" screen_has 'READ-ONLY'
# Every size down to nothing, and back.
for size in 10x3 40x10 60x15 1x1 200x50 80x24; do
	tmux -L "$tmux_socket" resize-window -x "${size%x*}" -y "${size#*x}"
	wait_for 5 "alive after $size" kill -0 "$console_pid"
done
wait_for 5 "drawn at 80x24 again" screen_has 'READ-ONLY'
type_text q
expect_terminal_restored
close_screen
# A terminal that can do nothing, none at all, and closed input.
screen_term=dumb open_screen 80 24 "'$spillway' -c '$fleet'; echo code=\$?"
wait_for 10 "refused with words" screen_has 'TERM'
wait_for 5 "a code" screen_has 'code=1'
close_screen
open_screen 80 24 "LC_ALL=C '$spillway' -c '$fleet'"
wait_for 10 "ASCII in a locale without UTF-8" screen_has 'READ-ONLY'
screen | LC_ALL=C grep -q '[^ -~]' && fail "a glyph outside ASCII in the C locale"
type_text q
expect_terminal_restored
close_screen
timeout 20 "$spillway" status -c "$fleet" <&- >"$work/out" 2>"$work/err"
[ $? -le 1 ] || fail "status with a closed input: $(cat "$work/err")"
timeout 3 "$spillway" -c "$fleet" <&- >"$work/out" 2>"$work/err"
[ $? -eq 124 ] || fail "no terminal means flowing lines: $(cat "$work/err")"
expect_text "$work/out" 'replicas'
echo "the terminal comes back, whatever happens"
