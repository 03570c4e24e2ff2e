#!/bin/sh
# The fleet file changes under a running console and a running wall: taken up in place, history and all; a bad one is refused, the
# old one stays in force, and both say so.
. "$(dirname "$0")/lib.sh"
start_sim calm
own=$work/own.yaml
cp "$fleet" "$own"
# replace SED-SCRIPT: as an editor does, by another file in its place.
replace() {
	sed "$1" "$own" >"$own.new" && mv "$own.new" "$own"
}
open_screen 100 30 "'$spillway' -c '$own'"
wait_for 15 "the first picture" screen_has 'N-1 '
environment=$(sed -n 's/^environment: *//p' "$own")
screen_has "$(echo "$environment" | tr '[:lower:]' '[:upper:]')" || fail "the banner names the environment"
type_text A
wait_for 5 "asked before arming" screen_has 'N stay read-only'
type_text y
wait_for 5 "armed" screen_has 'ARMED'
bars() { # how much history the load stage's line shows
	screen | grep '^.2 load per replica' | grep -o '[▁▂▃▄▅▆▇█]' | wc -l
}
charted() {
	[ "$(bars)" -ge "$1" ]
}
wait_for 30 "some history on the chart" charted 6
before=$(bars)

replace 's/^environment:.*/environment: prod/'
wait_for 10 "the new file is in force" screen_has '^ PROD .*READ-ONLY'
wait_for 10 "the sources answer again" screen_has 'src ([0-9]+)/\1 '
charted "$before" || fail "the history was lost with the old file"
screen_has 'the changed fleet file is in force' || { type_text e; wait_for 5 "told" screen_has 'in force; the console is read-only again'; keys Escape; }

replace 's/^version: 1/version: one/'
wait_for 10 "the bad file is refused" screen_has 'PROD .*FLEET FILE REFUSED'
type_text e
wait_for 5 "why" screen_has 'own.yaml:[0-9]+: version:'
keys Escape
wait_for 5 "the old one goes on" screen_has 'src ([0-9]+)/\1 .*'
rm "$own.gone" 2>/dev/null
mv "$own" "$own.gone"
wait_for 5 "a file taken away changes nothing" screen_has 'FLEET FILE REFUSED'
sed 's/^version: one/version: 1/; s/^environment:.*/environment: staging/' "$own.gone" >"$own"
wait_for 10 "mended" screen_has '^ STAGING .*READ-ONLY'
screen_lacks 'REFUSED' || fail "the refusal is over"
type_text q
expect_terminal_restored

type_text "'$wall' -c '$own'"
keys Enter
wait_for 15 "the wall's first picture" screen_has 'N-1'
echo 'nonsense: 1' >>"$own"
wait_for 10 "the wall says it" screen_has 'FLEET FILE REFUSED, OLD ONE IN FORCE: '
replace '/^nonsense/d; s/^environment:.*/environment: lab/'
wait_for 10 "the wall takes the mended one" screen_has 'LAB'
screen_lacks 'REFUSED' || fail "the refusal is over on the wall"
type_text q
expect_terminal_restored
echo "taken up, refused, and mended in place"
