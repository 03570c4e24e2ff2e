#!/bin/sh
# Every command of share/docs/first-hour.md, carried out in order as a reader would, on a lab of its own. What the fenced blocks
# may say is in share/docs/README.md.
. "$(dirname "$0")/lib.sh"
. "$here/lab_lib.sh"
lab_place 25000
cd "$top" || exit 1

# A file for each block, in order: its kind and attributes on the first line, then its lines.
python3 - share/docs/first-hour.md "$work" <<'P' || fail "the tutorial cannot be read"
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"^```(\w+)([^\n]*)\n(.*?)^```$", text, re.S | re.M)
assert len(blocks) > 15, len(blocks)
for number, (kind, attributes, body) in enumerate(blocks):
    assert kind in ("sh", "keys"), kind
    with open(f"{sys.argv[2]}/block.{number:02}", "w", encoding="utf-8") as file:
        file.write(f"{kind}{attributes}\n{body}")
P

# The reader's lab has its own place, and the programs are where this build has them.
localised() {
	sed -e "s|/tmp/spillway-lab/|$LAB_DIR/|g" -e "s|\$PWD/build/release/app|$build/app|g" "$1"
}

type_line() { # LINE: in this shell, for what it exports
	printf '%s\n' "$1" >>"$work/typed"
	eval "$1" >"$work/out" 2>"$work/err" </dev/null
}

type_block() { # FILE: every line must end with 0, the last one with what is said
	want=0
	again=
	for word in $(head -n 1 "$1"); do
		case $word in
		exit=*) want=${word#exit=} ;;
		again) again=1 ;;
		esac
	done
	deadline=$(($(date +%s) + 120 * patience))
	lines=$(($(wc -l <"$1") - 1))
	number=0
	tail -n +2 "$1" >"$work/lines"
	while IFS= read -r line <&3; do
		number=$((number + 1))
		last=$line
		type_line "$line"
		code=$?
		[ $number -lt $lines ] && [ $code -ne 0 ] && fail "$line: exit $code: $(cat "$work/out" "$work/err")"
	done 3<"$work/lines"
	until [ "$want" = any ] || [ $code -eq "$want" ]; do
		[ -n "$again" ] && [ "$(date +%s)" -lt "$deadline" ] || fail "$last: exit $code instead of $want: $(cat "$work/out" "$work/err")"
		type_line "$last"
		code=$?
	done
}

open_block() { # FILE: its one command takes the terminal over
	open_screen 100 40 "SPILLWAY_CONFIG='$SPILLWAY_CONFIG' PATH='$PATH' $(sed -n 2p "$1")"
	wait_for 30 "the console has drawn what it sees" screen_has 'user errors +0\.0%|CRIT'
}

press_block() { # FILE
	tail -n +2 "$1" >"$work/lines"
	while IFS= read -r line <&3; do
		keys "${line%% -> *}"
		case $line in
		*' -> '*) wait_for 90 "'$line'" screen_has "${line#* -> }" ;;
		esac
	done 3<"$work/lines"
	expect_terminal_restored
	close_screen
}

for block in "$work"/block.*; do
	localised "$block" >"$block.here"
	case $(head -n 1 "$block") in
	keys*) press_block "$block.here" ;;
	*screen*) open_block "$block.here" ;;
	*) type_block "$block.here" ;;
	esac
done
[ ! -e "$LAB_DIR" ] || fail "the tutorial leaves $LAB_DIR behind"
echo "$(wc -l <"$work/typed") commands of the first hour, each as it says"
