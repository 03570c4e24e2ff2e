#!/bin/sh
# A fleet file that is wrong in any way: a clear message with file, line and key, exit 78, and nothing worse.
. "$(dirname "$0")/lib.sh"
check() { # NAME PATTERN...: $work/NAME.yaml is refused with these words
	name=$1
	shift
	expect_code 78 "$spillway" config check -c "$work/$name.yaml"
	for pattern in "$@"; do expect_text "$work/err" "$pattern"; done
	expect_code 78 "$spillway" status -c "$work/$name.yaml"
	expect_code 78 "$wall" --once --config "$work/$name.yaml"
}
check missing 'missing\.yaml'
: >"$work/empty.yaml"
check empty 'empty\.yaml'
printf 'version: 1\nsources: [\xff\xfe]\n' >"$work/bytes.yaml"
check bytes 'bytes\.yaml'
python3 - "$work" <<'P'
import sys
w = sys.argv[1]
open(w + '/huge.yaml', 'w').write('version: 1\n' + '#' * 50_000_000)
open(w + '/deep.yaml', 'w').write('version: 1\nsources: ' + '[' * 20000)
open(w + '/bomb.yaml', 'w').write('version: 1\na: &a [x]\nb: &b [*a, *a]\nsources: [*b, *b]\n')
P
check huge 'huge\.yaml.*(1 MiB|1048576|limit|larger)'
check deep 'deep\.yaml.*(deep|nest)'
check bomb 'bomb\.yaml:[23].*(anchor|alias)'
cat >"$work/keys.yaml" <<'Y'
version: 1
enviroment: prod
sources:
  prom: {kind: promteheus, url: "http://127.0.0.1:1"}
  page: {kind: exposition, url: "ftp://x/", every: fast}
signals:
  pool.usde: {from: page, metric: a}
  pool.used: {from: nowhere, metric: a}
guards: {ceiling: 85}
Y
check keys ':2:.*enviroment.*environment' ':4:.*(prometheus)' ':5:.*every' ':7:.*pool\.used' ':8:.*nowhere'
expect_code 78 "$spillway" config check -c "$work/keys.yaml" -o json
python3 -m json.tool "$work/out" >/dev/null || fail "complaints as JSON"
mkdir "$work/folder.yaml"
check folder 'folder\.yaml'
if [ "$(id -u)" -ne 0 ]; then
	echo 'version: 1' >"$work/closed.yaml"
	chmod 000 "$work/closed.yaml"
	check closed 'permission denied'
fi
cd "$work" && expect_code 78 "$spillway" status
expect_text "$work/err" 'spillway demo'
echo 'version: 1' >"$work/least.yaml"
expect_code 0 "$spillway" config check -c "$work/least.yaml"
# What is no fault, and yet would be met at the wrong moment.
cat >"$work/slow.yaml" <<'Y'
version: 1
sources: {w: {kind: exposition, url: "http://127.0.0.1:1/", every: 5s}}
signals: {cluster.weight: {from: w, metric: weight, labels: {cluster: c}}}
actions: {divert: {verb: cluster.divert, http: {method: POST, url: "http://127.0.0.1:1/{cluster}", json: {weight: "{weight}"}}}}
Y
expect_code 0 "$spillway" config check -c "$work/slow.yaml"
expect_text "$work/out" "advice: action 'divert' is judged by cluster.weight, which 'w' tells every 5s, and guards.max_age is 5s"
expect_code 0 "$spillway" config check -c "$work/slow.yaml" -o json
for example in spillway lab; do
	"$spillway" config check -c "$top/share/examples/$example.yaml" >"$work/example" 2>&1 || fail "example $example: $(cat "$work/example")"
	! grep advice "$work/example" || fail "the example $example does not follow its own advice"
done
python3 -c 'import json, sys; sys.exit(len(json.load(open(sys.argv[1]))["advice"]) != 1)' "$work/out" || fail "advice as JSON"
echo "bad fleet files are refused with reasons"
