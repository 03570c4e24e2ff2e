#!/bin/sh
# How fast sources are read, beside Debian's own tools in the same run. Prints tables and judges nothing.
# Usage: tests/bench/sources.sh BUILD_DIR [REPLICAS]; a release build, please.
set -u
build=${1:?usage: sources.sh BUILD_DIR [REPLICAS]}
replicas=${2:-2000}
bench=$build/tests/bench/bench-sources
spillway=$build/app/spillway
work=$(mktemp -d "${TMPDIR:-/tmp}/spillway-bench.XXXXXX")
pids=
cleanup() {
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT INT TERM

# cpu PID: user and system time so far, in ms.
cpu() {
	awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) * 1000 / hz}' "/proc/$1/stat"
}

echo "# in memory"
prometheus-node-exporter --web.listen-address=127.0.0.1:19110 >/dev/null 2>&1 &
exporter=$!
pids="$pids $exporter"
until curl -fs http://127.0.0.1:19110/metrics >"$work/one.txt"; do sleep 0.1; done
kill "$exporter"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do cat "$work/one.txt"; done >"$work/page.txt"
"$bench" exposition "$work/page.txt"
bytes=$(wc -c <"$work/one.txt")
python3 - "$work/one.txt" "$bytes" <<'P'
import resource, subprocess, sys
def user_ms(path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(['promtool', 'check', 'metrics'], stdin=open(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
took = sorted(user_ms(sys.argv[1]) for _ in range(5))[2]
idle = sorted(user_ms('/dev/null') for _ in range(5))[2]
net = max(took - idle, 0.1)
print('promtool check metrics, one page: %.1f ms, %.1f of them without starting; %.1f MB/s' % (took, net, int(sys.argv[2]) / 1e3 / net))
P
"$bench" prometheus 50000
"$bench" history "$replicas"

echo "# 1,000 endpoints at 1 s, keep-alive, 2 KB pages, 30 s"
"$bench" serve 0 2000 >"$work/port" &
pids="$pids $!"
until [ -s "$work/port" ]; do sleep 0.1; done
port=$(cat "$work/port")
python3 - "$port" "$work" <<'P'
import sys
port, work = sys.argv[1:]
at = ['127.%d.%d.1' % (i // 200 + 1, i % 200 + 1) for i in range(1000)]
with open(work + '/fleet.yaml', 'w') as f:
    f.write('version: 1\nsources:\n  pools:\n    kind: exposition\n    every: 1s\n    targets:\n')
    for i in range(1000):
        f.write('      - {url: "http://127.0.0.1:%s/m/%d", labels: {cluster: c%02d, replica: r%d}}\n' % (port, i, i // 20, i % 20))
    f.write('signals: {pool.used: {from: pools, metric: pool_used}}\n')
with open(work + '/prometheus.yml', 'w') as f:
    f.write('global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n')
    for i in range(1000):
        f.write("  - {job_name: 'j%d', metrics_path: /m/%d, static_configs: [{targets: ['127.0.0.1:%s']}]}\n" % (i, i, port))
P
"$spillway" record "$work/recording" -c "$work/fleet.yaml" -q >"$work/out" 2>&1 &
own=$!
pids="$pids $own"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:19111 \
	>/dev/null 2>&1 &
peer=$!
pids="$pids $peer"
sleep 10
own_from=$(cpu "$own")
peer_from=$(cpu "$peer")
sleep 30
own_until=$(cpu "$own")
peer_until=$(cpu "$peer")
awk -v a="$own_from" -v b="$own_until" -v c="$peer_from" -v d="$peer_until" 'BEGIN {
	printf "spillway:   %6.1f %% of one core, %5.0f us per scrape (assessment and recording included)\n", (b - a) / 300, (b - a) / 30
	printf "prometheus: %6.1f %% of one core, %5.0f us per scrape\n", (d - c) / 300, (d - c) / 30
	printf "ratio:      %6.2f of the peer\n", (b - a) / (d - c) }'
