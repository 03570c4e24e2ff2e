#!/bin/sh
# No secret shows: bearer, basic and password, from a file, a variable and a command, a client's key, and an SSH key's phrase, in no
# output, log, journal, recording, screen or command line, also where the other side sends it back in its answers.
. "$(dirname "$0")/lib.sh"
# Each has a word of its own, so that a leak says which.
secret() {
	printf 's3cr3t-%s-7f1c' "$1"
}
mkdir -m 700 "$work/keep"
for kind in bearer basic; do
	for way in file env command; do
		if [ $kind = basic ]; then
			printf 'watch:%s\n' "$(secret basic-$way)" >"$work/keep/basic-$way"
		else
			secret bearer-$way >"$work/keep/bearer-$way"
		fi
	done
done
secret bearer-act >"$work/keep/bearer-act"
SPILLWAY_TEST_BEARER=$(cat "$work/keep/bearer-env")
SPILLWAY_TEST_BASIC=$(cat "$work/keep/basic-env")
export SPILLWAY_TEST_BEARER SPILLWAY_TEST_BASIC
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$work/keep/tls.key" -out "$work/keep/tls.pem" 2>/dev/null || fail "no certificate could be made"
key_line=$(sed -n 2p "$work/keep/tls.key")
# A page for each way in, over TLS, which wants a certificate too; it says back whatever it was told, in its errors and in its pages.
cat >"$work/page.py" <<'P'
import base64, http.server, ssl, sys
keep = sys.argv[1]
def wanted(name):
    word = open(keep + "/" + name).read().strip()
    return "Bearer " + word if name.startswith("bearer") else "Basic " + base64.b64encode(word.encode()).decode()
class Page(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def answer(self, status, body):
        self.send_response(status, "no" if status != 200 else "ok"); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body.encode())
    def do_GET(self):
        name = self.path.strip("/").split("/")[0]
        told = self.headers.get("Authorization", "")
        if name == "wrong" or told != wanted(name): return self.answer(401, "you said: " + told + "\n")
        c = "c-" + name
        self.answer(200, 'pgbouncer_pools_server_active_connections{cluster="%s",replica="r1"} 5\npgbouncer_databases_pool_size{cluster="%s",replica="r1"} 20\n'
            'pg_up{cluster="%s",replica="r1"} 1\ntraffic_cluster_weight{cluster="%s"} 50\n' % (c, c, c, c))
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(403, "you said: %s\n" % self.headers.get("Authorization", ""))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(keep + "/tls.pem", keep + "/tls.key")
context.load_verify_locations(keep + "/tls.pem")
context.verify_mode = ssl.CERT_REQUIRED
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
P
python3 "$work/page.py" "$work/keep" >"$work/page.port" 2>"$work/page.err" &
pids="$pids $!"
wait_for 10 "the page" test -s "$work/page.port"
url=https://127.0.0.1:$(cat "$work/page.port")
tls="ca_file: $work/keep/tls.pem, client_cert_file: $work/keep/tls.pem, client_key_file: $work/keep/tls.key"
{
	echo "version: 1"
	echo "environment: test"
	echo "sources:"
	for kind in bearer basic; do
		for way in file env command; do
			case $way in
			file) told="\"$work/keep/$kind-file\"" ;;
			env) told=SPILLWAY_TEST_$(echo $kind | tr a-z A-Z) ;;
			command) told="[cat, \"$work/keep/$kind-command\"]" ;;
			esac
			echo "  $kind-$way: {kind: exposition, url: \"$url/$kind-$way\", every: 5s, timeout: 4s, ${kind}_$way: $told, $tls}"
		done
	done
	echo "  wrong: {kind: exposition, url: \"$url/wrong\", every: 5s, timeout: 4s, bearer_file: \"$work/keep/bearer-act\", $tls}"
	cat <<Y
signals:
  pool.used: {from: [bearer-file, bearer-env, bearer-command, basic-file, basic-env, basic-command, wrong], metric: pgbouncer_pools_server_active_connections}
  pool.max: {from: [bearer-file, bearer-env, bearer-command, basic-file, basic-env, basic-command], metric: pgbouncer_databases_pool_size}
  replica.up: {from: [bearer-file, bearer-env, bearer-command, basic-file, basic-env, basic-command], metric: pg_up}
  cluster.weight: {from: [bearer-file, bearer-env, bearer-command, basic-file, basic-env, basic-command], metric: traffic_cluster_weight}
actions:
  refused: {verb: pool.resize, http: {method: POST, url: "$url/act/{cluster}", json: {size: "{size}"}, bearer_file: "$work/keep/bearer-act", $tls, timeout: 5s}}
  refused-env: {verb: pool.resize, http: {method: POST, url: "$url/act/{cluster}", json: {size: "{size}"}, bearer_env: SPILLWAY_TEST_BEARER, $tls, timeout: 5s}}
  refused-basic: {verb: pool.resize, http: {method: POST, url: "$url/act/{cluster}", json: {size: "{size}"}, basic_file: "$work/keep/basic-file", $tls, timeout: 5s}}
  refused-basic-env: {verb: pool.resize, http: {method: POST, url: "$url/act/{cluster}", json: {size: "{size}"}, basic_env: SPILLWAY_TEST_BASIC, $tls, timeout: 5s}}
fleet: {clusters: {c-basic-env: {connections_max: 100}}}
guards: {cooldown: 0s, verify_within: 5s, max_age: 20s}
journal: {file: $work/state/journal.jsonl}
Y
} >"$work/fleet.yaml"
expect_code 0 "$spillway" config check -c "$work/fleet.yaml"

# What nobody may see: the words, a line of the key, and the pairs as they travel, in base64. They are in a file, since who
# looks through command lines has one too.
{
	echo s3cr3t-
	echo "$key_line"
	for way in file env command; do base64 -w0 <"$work/keep/basic-$way" | cut -c1-20; done
} >"$work/keep/words"
# Everything that speaks, with its command lines watched from beside.
cat >"$work/watch.py" <<'P'
import glob, sys, time
words = [line.encode() for line in open(sys.argv[1]).read().splitlines()]
while True:
    for name in glob.glob("/proc/[0-9]*/cmdline"):
        try: line = open(name, "rb").read()
        except OSError: continue
        if any(word in line for word in words): print(line, flush=True)
    time.sleep(0.02)
P
python3 "$work/watch.py" "$work/keep/words" >"$work/lines" &
watch=$!
pids="$pids $watch"
shown() { # NAME ARGUMENTS...
	name=$1
	shift
	"$spillway" "$@" -c "$work/fleet.yaml" -v --log-file "$work/log.$name" >"$work/shown.$name" 2>&1 </dev/null
}
shown status status
shown status-json status -o json
for source in bearer-file bearer-env bearer-command basic-file basic-env basic-command; do
	grep -q "c-$source" "$work/shown.status-json" || fail "nothing was read by $source: $(cat "$work/shown.status-json")"
done
shown sources sources
grep -q 401 "$work/shown.sources" || fail "the wrong token is not told: $(cat "$work/shown.sources")"
shown doctor doctor
shown plan plan refused cluster=c-basic-env size=22
for action in refused refused-env refused-basic refused-basic-env; do
	shown $action act $action cluster=c-basic-env size=22 --yes --reason 'a test'
	grep -q 'you said: B[a-z]* \*' "$work/shown.$action" || fail "what was said back is not told, masked: $(cat "$work/shown.$action")"
done
shown journal journal show
shown contingency contingency
"$spillway" record "$work/recording" --for 7s -c "$work/fleet.yaml" -v --log-file "$work/log.record" >"$work/shown.record" 2>&1
[ -s "$work/recording" ] || fail "nothing was recorded"
open_screen 160 45 "'$spillway' -c '$work/fleet.yaml'"
wait_for 30 "the console" screen_has 'READ-ONLY'
screen >"$work/shown.home"
for key in s e l w '?'; do
	type_text "$key"
	wait_for 5 "a screen" screen_has '.'
	screen >"$work/shown.screen-$(printf '%s' "$key" | od -An -tx1 | tr -d ' ')"
	keys Escape
done
type_text q
expect_terminal_restored
kill "$watch"
wait "$watch" 2>/dev/null
[ ! -s "$work/lines" ] || fail "in a command line: $(sort -u "$work/lines")"
for word in $(cat "$work/keep/words"); do
	if grep -rlF -e "$word" "$work" --exclude-dir=keep | grep .; then
		fail "a secret ($word) shows in the files above"
	fi
done
[ "$(find "$work" -name journal.jsonl -o -name 'log.*' | wc -l)" -gt 5 ] || fail "there was nothing to look at"
echo "no secret shows in output, log, journal, recording, screen or command line"
