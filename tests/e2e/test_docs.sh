#!/bin/sh
# Manual pages, completion and schema are what the program's tables say; the schema is JSON; the pages are sound roff.
. "$(dirname "$0")/lib.sh"
sh "$top/share/make-docs.sh" "$spillway" "$work/docs" || fail "make-docs"
for file in man/spillway.1 man/spillway.yaml.5 man/spillway-guards.7 man/spillway-runbook.5 completions/spillway.bash spillway.schema.json \
	spillway-runbook.schema.json; do
	diff -u "$top/share/$file" "$work/docs/$file" ||
		fail "share/$file is not what the tables say: run share/make-docs.sh PROGRAM"
done
python3 -m json.tool "$work/docs/spillway.schema.json" >/dev/null || fail "the schema is not JSON"
python3 "$here/schema.py" "$top/share/spillway.schema.json" "$top"/share/examples/*.yaml || fail "an example is not what the schema says"
# The runbooks that come along and the one of the manual page are as the schema says; each of these is not, nor does the program take it.
book=$top/share/spillway-runbook.schema.json
sed -n '/^\.nf/,/^\.fi/p' "$top/share/man/spillway-runbook.5" | sed -e '1d;$d' -e 's/\\-/-/g' >"$work/manual.yaml"
python3 "$here/schema.py" "$book" "$top"/share/runbooks/*.yaml "$work/manual.yaml" || fail "a runbook is not what the schema says"
for spoil in 's/^version: 1/version: 2/' 's/^name:/nome:/' 's/repeat: 3/repeat: 99/' 's/for: 2s/for: 2/' 's/on_refused: continue/on_refused: perhaps/' \
	's/  - id: grow$/  - id: grow\n    wait: {until: "phase > 1", within: 1s}/'; do
	sed "$spoil" "$top/share/runbooks/replica-loss.yaml" >"$work/spoiled.yaml"
	cmp -s "$work/spoiled.yaml" "$top/share/runbooks/replica-loss.yaml" && fail "$spoil changes nothing"
	python3 "$here/schema.py" "$book" "$work/spoiled.yaml" >/dev/null && fail "the schema lets '$spoil' pass"
	expect_code 65 "$spillway" run "$work/spoiled.yaml" --plan -c "$top/share/examples/spillway.yaml" --timeout 10ms
done
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
