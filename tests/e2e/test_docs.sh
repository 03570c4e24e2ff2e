#!/bin/sh
# Manual pages, completion and schema are what the program's tables say; the schema is JSON; the pages are sound roff.
. "$(dirname "$0")/lib.sh"
sh "$top/share/make-docs.sh" "$spillway" "$work/docs" || fail "make-docs"
for file in man/spillway.1 man/spillway.yaml.5 man/spillway-guards.7 man/spillway-runbook.5 completions/spillway.bash spillway.schema.json; do
	diff -u "$top/share/$file" "$work/docs/$file" ||
		fail "share/$file is not what the tables say: run share/make-docs.sh PROGRAM"
done
python3 -m json.tool "$work/docs/spillway.schema.json" >/dev/null || fail "the schema is not JSON"
bash -n "$work/docs/completions/spillway.bash" || fail "the completion is not bash"
for verb in $("$spillway" help completion | sed -n "s/.*compgen -W '\([^']*\)' -- \"\$word\")\$/\1/p" | head -n 1); do
	expect_code 0 "$spillway" "$verb" --help
	expect_text "$work/out" "usage: spillway $verb"
	grep -q "^\.B $verb" "$top/share/man/spillway.1" || fail "spillway.1 does not know '$verb'"
done
expect_code 64 "$spillway" statsu
expect_text "$work/err" "did you mean 'status'"
expect_code 64 "$spillway" status --ouptut json
expect_text "$work/err" "did you mean '--output'"
expect_code 64 "$spillway" status --yes
expect_text "$work/err" "does not take '--yes'"
echo "documents agree with the tables"
