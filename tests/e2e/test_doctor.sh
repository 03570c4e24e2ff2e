#!/bin/sh
# The doctor on a fleet file that is wrong in the ways that fleet files are wrong, then mended: each sentence leads to its cure.
. "$(dirname "$0")/lib.sh"
pages=$top/tests/unit/app/pages
cat >"$work/serve.py" <<'P'
import http.server, os, sys, time
os.chdir(sys.argv[1])
class Pages(http.server.SimpleHTTPRequestHandler):
    late = float(sys.argv[2])
    def date_time_string(self, timestamp=None):
        return super().date_time_string((timestamp or time.time()) - self.late)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Pages)
print(server.server_address[1], flush=True)
server.serve_forever()
P
python3 "$work/serve.py" "$pages" 0 >"$work/port" 2>/dev/null &
pids="$pids $!"
python3 "$work/serve.py" "$pages" 3600 >"$work/late_port" 2>/dev/null & # its clock is an hour behind
pids="$pids $!"
wait_for 10 "the late pages are served" test -s "$work/late_port"
wait_for 10 "the pages are served" test -s "$work/port"
at=http://127.0.0.1:$(cat "$work/port")
cat >"$work/broken.yaml" <<Y
version: 1
use: [pgbouncer]
sources:
  database: {kind: exposition, url: "$at/postgres_exporter-0.15.txt", labels: {cluster: east-a, replica: r1}}
  pooler: {kind: exposition, url: "$at/pgbouncer.txt", labels: {cluster: east-a, replica: r9}}
  gone: {kind: exposition, url: "http://127.0.0.1:9/metrics"}
  portal: {kind: exposition, url: "$at/"}
  idle: {kind: exposition, url: "$at/redis_exporter.txt"}
signals:
  replica.up: {from: database, metric: pg_up}
  replica.lag: {from: database, metric: pg_replication_lag_second}
fleet:
  clusters: {east-a: {region: us-east, replicas: [r1, r2]}}
Y
expect_code 1 "$spillway" doctor -c "$work/broken.yaml"
expect_text "$work/out" "^database .exposition.: ok" 'yields replica\.up' \
	"replica\.lag \(line 11\) is missing: nothing on the page is called 'pg_replication_lag_second'" \
	'yields pool\.used, pool\.busy|yields pool\.used, pool\.max' 'gone .exposition.: failing' 'never answered' \
	'connection refused; is it running' 'answers HTML, not Prometheus text' 'no signal comes of it' \
	'replica east-a/r2 is in the fleet file and no source speaks of it' 'replica east-a/r9' '^6 to mend'
expect_text "$work/out" 'most exporters answer at /metrics' "there is a pack for it, add 'redis_exporter' to 'use:'" \
	'^the fleet as a whole:'
cat >"$work/wrong.yaml" <<Y
version: 1
sources:
  plain: {kind: exposition, url: "https://127.0.0.1:$(cat "$work/port")/pgbouncer.txt"}
  door: {kind: postgres-probe, url: "postgresql://127.0.0.1:9/", labels: {cluster: east-a, replica: r2}}
Y
expect_code 1 "$spillway" doctor -c "$work/wrong.yaml"
expect_text "$work/out" 'it answers, but not in TLS' 'is a door that stays shut: cannot reach 127\.0\.0\.1:9' \
	'says that replica east-a/r2 is down: if it is not, is the url right'
expect_code 1 "$spillway" doctor -c "$work/broken.yaml" -o json
[ "$(json_get "$work/out" 'd["to_mend"]')" = 6 ] || fail "to_mend in JSON"
[ "$(json_get "$work/out" '[s["state"] for s in d["sources"] if s["name"]=="gone"][0]')" = failing ] || fail "state in JSON"
cat >"$work/mended.yaml" <<Y
version: 1
use: [pgbouncer, postgres_exporter]
sources:
  database: {kind: exposition, url: "$at/postgres_exporter-0.15.txt", labels: {cluster: east-a, replica: r1}}
  pooler: {kind: exposition, url: "$at/pgbouncer.txt", labels: {cluster: east-a, replica: r1}}
fleet:
  clusters: {east-a: {region: us-east, replicas: [r1]}}
Y
expect_code 0 "$spillway" doctor -c "$work/mended.yaml"
expect_text "$work/out" 'replica\.lag' '^nothing to mend' '^    is postgres_exporter 0\.15\.0'
sed "s|$at|http://127.0.0.1:$(cat "$work/late_port")|" "$work/mended.yaml" >"$work/late.yaml"
expect_code 1 "$spillway" doctor -c "$work/late.yaml"
expect_text "$work/out" 'its clock is 3[56][0-9][0-9]\.[0-9] s behind ours: set both by NTP'
expect_code 1 "$spillway" doctor -c "$work/late.yaml" -o json
json_get "$work/out" '[s["clock_ahead_ms"] < -3500000 for s in d["sources"]]' >"$work/ahead"
expect_text "$work/ahead" 'True, True'
json_get "$work/out" '[s["detail"] for s in d["sources"] if s["name"]=="database"][0]' >"$work/detail"
expect_text "$work/detail" '^postgres_exporter 0\.15'
expect_code 0 "$spillway" sources -c "$work/mended.yaml"
expect_text "$work/out" '^SOURCE +KIND +HEALTH' '^database +exposition +ok' '^2 sources, [0-9]+ requests'
expect_code 1 "$spillway" sources -c "$work/broken.yaml" -o json
[ "$(json_get "$work/out" 'len(d)')" = 5 ] || fail "sources in JSON"
# Who is trusted less and says the same is no fault: it is heard when the other falls silent.
"$spillway" record "$work/recording" --for 3s -c "$work/mended.yaml" >"$work/out" 2>&1 || fail "nothing is recorded"
sed "s|^sources:|&\n  other: {kind: replay, file: $work/recording}|" "$work/mended.yaml" >"$work/outvoted.yaml"
"$spillway" doctor -c "$work/outvoted.yaml" >"$work/out" 2>"$work/err"
expect_text "$work/out" '^    also says replica\.up.*, taken from sources that are trusted more' \
	'^  - answers, and all it says is taken from sources that are trusted more'
grep -q 'no signal comes of it' "$work/out" && fail "who is outvoted does say something"
"$spillway" doctor -c "$work/outvoted.yaml" -o json >"$work/out" 2>"$work/err"
json_get "$work/out" '["replica.up" in s["outvoted"] for s in d["sources"] if s["name"]=="database"][0]' >"$work/outvoted"
expect_text "$work/outvoted" True
echo 'version: 1' >"$work/least.yaml"
expect_code 1 "$spillway" doctor -c "$work/least.yaml"
expect_text "$work/out" 'the fleet file has no sources'
echo 'version: 2' >"$work/bad.yaml"
expect_code 78 "$spillway" doctor -c "$work/bad.yaml"
expect_code 64 "$spillway" doctor --yes
echo "the doctor names what is wrong and how to mend it"
