#!/bin/sh
# Makes the manual pages, the completion and the JSON Schema from the program's own tables.
# Usage: share/make-docs.sh PROGRAM [INTO_DIR]; a test compares the result with what is committed.
set -eu
program=$1
here=$(cd "$(dirname "$0")" && pwd)
into=${2:-$here}
mkdir -p "$into/man" "$into/completions"
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT

# fill IN OUT: the template with @TABLES@ replaced.
fill() {
	sed -e "/^@TABLES@\$/r $tables" -e '/^@TABLES@$/d' "$1" >"$2"
}

# A table of "name  rest" lines as roff.
roff_rows() {
	sed 's/-/\\-/g; s/^\([^ ]*\)  *\(.*\)$/.TP\n.B \1\n\2/'
}

"$program" help manual >"$tables"
printf '.SH KEYS\n' >>"$tables"
"$program" help keys | sed 's/-/\\-/g; s/^\([^\t]*\)\t\([^\t]*\)\t\(.*\)$/.TP\n.B "\1"\n\3 (\2)/' >>"$tables"
fill "$here/man/spillway.1.in" "$into/man/spillway.1"

{
	printf '.SH SIGNALS\n'
	"$program" help signals | roff_rows
	printf '.SH VERBS OF ACTIONS\n'
	"$program" help actions | roff_rows
} >"$tables"
fill "$here/man/spillway.yaml.5.in" "$into/man/spillway.yaml.5"

{
	printf '.SH GUARDS\n'
	"$program" help guards | sed 's/-/\\-/g; s/^\([^\t]*\)\t\([^\t]*\)\t\([^\t]*\)\t\([^\t]*\)\t\(.*\)$/.TP\n.B \1\n\3.\n.br\nSettings and defaults: \4.\n.br\nOn stale data: \5.\n.br\nOverride: \2./'
} >"$tables"
fill "$here/man/spillway-guards.7.in" "$into/man/spillway-guards.7"

{
	printf '.SH KEYS\n'
	"$program" help runbooks | awk -F '\t' '{
		printf ".TP\n.B \"%s\"\n%s.", $1, $4
		if ($3 != "-") printf "\n.br\nOne of: %s.", $3
		if ($2 == "required") printf "\n.br\nRequired."
		else if ($2 != "-") printf "\n.br\nWhen absent: %s.", $2
		printf "\n"
	}' | sed 's/-/\\-/g'
} >"$tables"
fill "$here/man/spillway-runbook.5.in" "$into/man/spillway-runbook.5"

"$program" help completion >"$into/completions/spillway.bash"
"$program" config schema >"$into/spillway.schema.json"
"$program" config schema runbook >"$into/spillway-runbook.schema.json"
