#!/bin/sh
# A fleet file without one signal row: packs read the pages of real exporters, and every pack there is can be used.
. "$(dirname "$0")/lib.sh"
pages=$top/tests/unit/app/pages
cat >"$work/serve.py" <<'P'
import http.server, os, sys
os.chdir(sys.argv[1])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
print(server.server_address[1], flush=True)
server.serve_forever()
P
python3 "$work/serve.py" "$pages" >"$work/port" 2>/dev/null &
pids="$pids $!"
wait_for 10 "the pages are served" test -s "$work/port"
at=http://127.0.0.1:$(cat "$work/port")
cat >"$work/fleet.yaml" <<Y
version: 1
use: [postgres_exporter, pgbouncer, haproxy, http]
sources:
  database: {kind: exposition, url: "$at/postgres_exporter-0.15.txt", labels: {cluster: east-a, replica: r1}}
  pooler: {kind: exposition, url: "$at/pgbouncer.txt", labels: {cluster: east-a, replica: r1}}
  edge: {kind: exposition, url: "$at/haproxy.txt"}
  site: {kind: exposition, url: "$at/http.txt", labels: {surface: shop}}
fleet:
  clusters: {east-a: {region: us-east, replicas: [r1, r2, r3]}}
Y
expect_code 0 "$spillway" config check -c "$work/fleet.yaml"
expect_text "$work/out" 'fine: 4 sources'
"$spillway" status -c "$work/fleet.yaml" -o json >"$work/status.json" 2>"$work/err"
json_get "$work/status.json" 'sorted(s["state"] for s in d["sources"])' >"$work/out"
expect_text "$work/out" "^\['ok', 'ok', 'ok', 'ok'\]"
for pack in "$top"/share/packs/*.yaml; do
	grep -q '^signals:' "$pack" || continue # for actions only
	name=$(basename "$pack" .yaml)
	printf 'version: 1\nuse: [%s]\nsources: {page: {kind: exposition, url: "http://127.0.0.1:1/"},
  api: {kind: json, url: "http://127.0.0.1:1/"}}\n' "$name" >"$work/one.yaml"
	expect_code 0 "$spillway" config check -c "$work/one.yaml"
done
printf 'version: 1\nuse: [pgbuncer]\n' >"$work/wrong.yaml"
expect_code 78 "$spillway" config check -c "$work/wrong.yaml"
expect_text "$work/err" "wrong\.yaml:2: use: there is no pack 'pgbuncer'; did you mean 'pgbouncer'"
echo "packs read what exporters write"
