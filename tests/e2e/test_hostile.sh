#!/bin/sh
# Sources that lie, stall or flood: each is named with its trouble, nothing that is not true is shown, and no escape sequence gets through.
. "$(dirname "$0")/lib.sh"
python3 "$here/hostile.py" "$work/requests.log" >"$work/port" &
pids="$pids $!"
wait_for 10 "the hostile server" test -s "$work/port"
port=$(cat "$work/port")
source_file() { # PATH
	page_fleet bad "$1" | sed "s/timeout: 800ms/&, gzip: true/" >"$work/fleet.yaml"
}
while read -r path words; do
	source_file "http://127.0.0.1:$port$path"
	expect_code 3 timeout 60 "$spillway" status -c "$work/fleet.yaml" -o json --timeout 3s
	expect_text "$work/err" "$words"
	[ "$(json_get "$work/out" 'd["severity"]')" = unknown ] || fail "$path must be unknown"
	json_get "$work/out" 'd["stages"][2]["now"] is None' | grep -q True || fail "$path shows a number that is not known"
done <<'Y'
/hang (timeout|answer|within)
/html HTML
/truncated (truncated|cut|before|ended|closed)
/redirect-file redirect
/redirect-host redirect
/huge (larger|limit|bytes|MiB)
/endless (larger|limit|bytes|MiB|within)
/slow (timeout|answer|within)
/error200 (JSON|disk full|text)
/nowhere 404
/bomb (larger|limit|longer|within)
/wide (longer|limit|within)
/utf8 UTF-8
/twice twice
Y
source_file "http://127.0.0.1:1/metrics"
expect_code 3 "$spillway" status -c "$work/fleet.yaml" --timeout 3s
expect_text "$work/err" 'refused'
source_file "http://127.0.0.1:$port/escape"
"$spillway" status -c "$work/fleet.yaml" >"$work/out" 2>"$work/err" </dev/null
cat "$work/out" "$work/err" | LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" && fail "a control character got through"
"$spillway" status -c "$work/fleet.yaml" -o json >"$work/out" 2>"$work/err" </dev/null
cat "$work/out" | LC_ALL=C grep -q "$(printf '\033')" && fail "an escape got through as JSON"
open_screen 100 30 "'$spillway' -c '$work/fleet.yaml'"
wait_for 10 "drawn with the hostile labels" screen_has 'READ-ONLY'
wait_for 10 "the cluster is there, made harmless" screen_has 'red'
# A source that hangs never holds a key press up: help opens at once while it does.
type_text q
expect_terminal_restored
close_screen
source_file "http://127.0.0.1:$port/hang"
open_screen 80 24 "'$spillway' -c '$work/fleet.yaml'"
wait_for 10 "up with nothing to show" screen_has 'READ-ONLY'
type_text '?'
wait_for 5 "help opens while the source hangs" screen_has '[Hh]elp'
keys Escape
type_text q
expect_terminal_restored
echo "hostile sources are named and change nothing"
