#!/bin/sh
# The rules of the house, checked over the sources: who includes whom, which library is confined where, sizes, banned calls,
# folder tables, layout. Usage: tests/rules.sh [SOURCE_DIR]. Prints each breach; exit 1 when there is one.
set -u
top=${1:-$(dirname "$0")/..}
cd "$top" || exit 1
breaches=$(mktemp) || exit 1
trap 'rm -f "$breaches"' EXIT

breach() {
	printf '%s\n' "$*" >>"$breaches"
}

sources() {
	find core backends actions ui app -name '*.[ch]' | LC_ALL=C sort
}

# ---- who may include whom -------------------------------------------------------------------------------
# Each room: the rooms it may name in an #include, as an extended regular expression.
allowed_for() {
	case $1 in
	core/base/*) echo '^core/base/' ;;
	core/wire/*) echo '^core/(base|wire)/' ;;
	core/fleet/*) echo '^core/(base|fleet)/' ;;
	core/assess/*) echo '^core/(base|fleet|assess)/' ;;
	backends/sim/*) echo '^(core/base/|backends/sim/)' ;;
	backends/*) echo '^(core/(base|wire|fleet|assess)/|backends/[a-z_]+\.h)' ;;
	actions/*) echo '^(core/(base|wire|fleet|assess)/|actions/)' ;;
	ui/wall/*) echo '^(core/(base|fleet|assess)/|ui/[a-z_]+\.h|ui/wall/)' ;;
	ui/console/*) echo '^(core/(base|fleet|assess)/|ui/[a-z_]+\.h|ui/console/|actions/action\.h)' ;;
	ui/*) echo '^(core/(base|fleet|assess)/|ui/[a-z_]+\.h)' ;;
	# `spillway simulate` runs the model of the box in virtual time and judges by its truth; the model is arithmetic and
	# brings no transport. Nothing else in app may know that there is a simulator.
	app/simulation.c | app/trial.c | app/healer.c | app/verb_simulate.c)
		echo '^(core/|backends/[a-z_]+\.h|backends/sim/(model|scenario)\.h|actions/|ui/|app/)' ;;
	app/*) echo '^(core/|backends/[a-z_]+\.h|actions/|ui/|app/)' ;;
	esac
}
for file in $(sources); do
	allowed=$(allowed_for "$file")
	sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file" |
		grep -Ev "$allowed" | while read -r name; do
		breach "$file: may not include \"$name\""
	done
done
# The programs that cannot act must not even see acting.
for file in app/wall_main.c app/engine.c app/config.c app/fleet_section.c app/status_text.c app/option.c app/path.c; do
	grep -Hn '#include "actions/' "$file" | while read -r line; do
		breach "$line: the reading programs may not include actions"
	done
done
# app/ reaches the wire only to wire rooms together.
grep -ln '#include "core/wire/' app/*.c | grep -Ev '^app/(engine|remote|control)\.c$' | while read -r file; do
	breach "$file: core/wire belongs to backends and actions"
done

# ---- confined libraries ---------------------------------------------------------------------------------
confined() { # header-regex where-regex name
	grep -En "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$1" $(sources) /dev/null | grep -Ev "$2" | while read -r line; do
		breach "$line: $3 is confined to another room"
	done
}
confined 'n?curses' '^ui/' ncurses
confined 'curl/' '^core/wire/http' libcurl
confined 'http_parser' '^core/wire/http_lane' http_parser
confined 'libssh2' '^core/wire/ssh' libssh2
confined 'libpq' '^core/wire/postgres\.c' libpq
confined 'cjson/' '^core/wire/json' cJSON
confined 'yaml\.h' '^core/base/yaml\.c' libyaml
confined 'openssl/' '^(core/base/digest\.c|core/wire/known_hosts\.c|core/wire/ssh|backends/sim/)' libcrypto
confined 'microhttpd' '^backends/sim/' libmicrohttpd
confined 'libssh/' '^backends/sim/' libssh

# ---- sizes ----------------------------------------------------------------------------------------------
for file in $(sources) $(find tests -name '*.[ch]'); do
	lines=$(wc -l <"$file")
	[ "$lines" -le 800 ] || breach "$file: $lines lines, more than 800: it is asking to be two"
done
for file in $(sources); do
	case $file in *.c) ;; *) continue ;; esac
	awk -v file="$file" '
		/^[a-zA-Z_].*\)$/ || /^[a-zA-Z_].*\($/ || /^[a-zA-Z_].*,$/ { head = $0 }
		/^\{/ { start = NR }
		/^\}/ { if (start && NR - start - 1 > 70) printf "%s:%d: %d lines in one function, more than 70\n", file, start, NR - start - 1; start = 0 }
	' "$file" >>"$breaches"
	awk -v file="$file" 'length($0) > 120 { printf "%s:%d: a line of %d bytes\n", file, NR, length($0) }' "$file" >>"$breaches"
done

# ---- banned calls and words -----------------------------------------------------------------------------
banned='(^|[^a-zA-Z0-9_])(sprintf|vsprintf|strcpy|strcat|strncat|strncpy|strtok|atoi|atol|atof|gets|system|popen|alloca|tmpnam|mktemp|asctime|ctime|gmtime|localtime|signal_unsafe|cJSON_GetObjectItem|cJSON_Print|rand|srand)[[:space:]]*\('
grep -En "$banned" $(sources) /dev/null | grep -Ev '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*|//)' | while read -r line; do
	breach "$line: banned call"
done
grep -En 'setlocale\((LC_ALL|LC_NUMERIC)' $(sources) /dev/null | while read -r line; do
	breach "$line: only LC_CTYPE may be set"
done
grep -Enw '(TODO|FIXME|XXX|HACK)' $(sources) /dev/null | while read -r line; do
	breach "$line: unfinished business does not stay in the tree"
done
# Time is an argument: only the clock reads it.
grep -En '(clock_gettime|gettimeofday|[^a-z_ ]time|[=(] *time)\(' $(sources) /dev/null |
	grep -Ev '^(core/base/clock\.c|backends/sim/|ui/terminal)' |
	grep -Ev '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*|//)' | while read -r line; do
	breach "$line: only core/base/clock.c reads the clock"
done
# What decides does no I/O.
deciders=$(ls core/fleet/*.c core/assess/*.c actions/guard*.c actions/plan.c actions/run.c actions/runbook_engine.c 2>/dev/null
	find backends/sim -name 'model*.c' ! -name 'model_pages.c')
grep -En '[^a-z_](fopen|open|read|write|printf|fprintf|socket|connect|getenv)[[:space:]]*\(' $deciders /dev/null |
	grep -Ev '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*|//)' | while read -r line; do
	breach "$line: what decides does no I/O"
done

# ---- folder tables --------------------------------------------------------------------------------------
for folder in core/base core/wire core/fleet core/assess backends backends/sim actions ui ui/console ui/wall app themes; do
	if [ ! -f "$folder/README.md" ]; then
		breach "$folder: has no README.md"
		continue
	fi
	listed=$(sed -n 's/^| *`\([a-z0-9_.-]*\)` *|.*/\1/p' "$folder/README.md" | LC_ALL=C sort -u)
	present=$(find "$folder" -maxdepth 1 -type f \( -name '*.[ch]' -o -name '*.yaml' \) |
		sed 's|.*/||; s/\.[ch]$//' | LC_ALL=C sort -u)
	for name in $present; do
		printf '%s\n' "$listed" | grep -qxF "$name" || breach "$folder/README.md: does not list '$name'"
	done
	for name in $listed; do
		printf '%s\n' "$present" | grep -qxF "$name" || breach "$folder/README.md: lists '$name', which is not there"
	done
done

# ---- layout ---------------------------------------------------------------------------------------------
if command -v clang-format >/dev/null 2>&1; then
	find core backends actions ui app tests -name '*.[ch]' -print0 |
		xargs -0 clang-format --dry-run 2>&1 | sed -n 's/^\([^ ]*:[0-9]*\):.*code should be clang-formatted.*/\1: not in the layout of .clang-format/p' |
		sort -u >>"$breaches"
else
	breach "clang-format is not installed: the layout cannot be checked (tests/run.sh installs it)"
fi

if [ -s "$breaches" ]; then
	cat "$breaches"
	echo "rules: $(wc -l <"$breaches") breaches" >&2
	exit 1
fi
echo "rules: none broken"
