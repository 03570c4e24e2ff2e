#!/bin/sh
# A real Prometheus server scrapes the box; the same fleet read through it agrees with the direct scrape.
. "$(dirname "$0")/lib.sh"
command -v prometheus >/dev/null || fail "prometheus is not installed: tests/run.sh installs it"
start_sim calm
port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
mkdir "$work/prom"
prometheus --config.file="$box_dir/prometheus.yml" --storage.tsdb.path="$work/prom" --log.level=error \
	--web.listen-address="127.0.0.1:$port" >"$work/prometheus.log" 2>&1 &
pids="$pids $!"
prom_fleet=$work/fleet-prometheus.yaml
sed "s|http://127.0.0.1:9090|http://127.0.0.1:$port|" "$box_dir/fleet-prometheus.yaml" >"$prom_fleet"
agrees() {
	"$spillway" status -c "$fleet" -o json >"$work/direct.json" 2>/dev/null
	"$spillway" status -c "$prom_fleet" -o json >"$work/prom.json" 2>/dev/null
	python3 - "$work/direct.json" "$work/prom.json" <<'P'
import json, sys
direct, prom = (json.load(open(name)) for name in sys.argv[1:3])
# At rest the box stands near the line between the two, and a direct look sees one moment where the server has means.
phases = {direct["phase"], prom["phase"]}
assert len(phases) == 1 or phases == {"normal", "vulnerable"}, phases
a = {c["cluster"]: c for c in direct["clusters"]}
b = {c["cluster"]: c for c in prom["clusters"]}
assert set(a) == set(b) and len(a) == 4, (list(a), list(b))
for name in a:
    for key, tolerance in (("pool_max", 0), ("replicas_serving", 0), ("share", 0.001), ("attempts_per_request", 0.05)):
        assert abs(a[name][key] - b[name][key]) <= tolerance, (name, key, a[name][key], b[name][key])
    # Two looks at a live pool, seconds apart: the same level, not the same number.
    assert abs(a[name]["pool_use"] - b[name]["pool_use"]) < 0.25, (name, a[name]["pool_use"], b[name]["pool_use"])
for s, t in zip(sorted(direct["surfaces"], key=lambda s: s["surface"]), sorted(prom["surfaces"], key=lambda s: s["surface"])):
    assert abs(s["requests_per_second"] - t["requests_per_second"]) < 0.1 * s["requests_per_second"], (s, t)
P
}
wait_for 60 "both roads tell the same" agrees
# The server away: its figures are gone, and nobody calls that zero.
cp "$work/prom.json" "$work/last.json"
sed "s|:$port|:1|" "$prom_fleet" >"$work/away.yaml"
expect_code 3 "$spillway" status -c "$work/away.yaml" --timeout 2s
expect_text "$work/err" 'refused'
echo "through Prometheus and directly: the same figures"
