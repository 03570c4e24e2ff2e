#!/bin/sh
# How fast sources are read, beside Debian's own tools in the same run. What was measured goes by as it comes; in the end one
# table says which goals are met. On a machine with other work the times are those of that machine: ratios hold better.
# Usage: tests/bench/sources.sh BUILD_DIR [REPLICAS]; a release build of spillway and bench-sources, please.
set -u
build=${1:?usage: sources.sh BUILD_DIR [REPLICAS]}
replicas=${2:-10000}
bench=$build/tests/bench/bench-sources
spillway=$build/app/spillway
work=$(mktemp -d "${TMPDIR:-/tmp}/spillway-bench.XXXXXX")
goals=$work/goals
pids=
cleanup() {
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# cpu PID: user and system time so far, in ms.
cpu() {
	awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) * 1000 / hz}' "/proc/$1/stat"
}

# goal WHAT '<'|'>' TARGET MEASURED UNIT
goal() {
	awk -v what="$1" -v sign="$2" -v target="$3" -v got="$4" -v unit="$5" 'BEGIN {
		met = got == "" ? "?" : (sign == "<" ? got + 0 <= target + 0 : got + 0 >= target + 0) ? "yes" : "no"
		printf "%-58s %9s %9s  %s\n", what, (sign == "<" ? "<= " : ">= ") target " " unit, got " " unit, met }' >>"$goals"
}

# field FILE WORD: the number behind the word.
field() {
	awk -v word="$2" '{for (i = 1; i < NF; i++) if ($i == word) value = $(i + 1)} END {print value}' "$1"
}

# serve: 2 KB pages at a thousand addresses, as a fleet has them; sets port and server.
serve() {
	rm -f "$work/served"
	"$bench" serve 1000 2000 >"$work/served" &
	server=$!
	pids="$pids $server"
	until [ -s "$work/served" ]; do sleep 0.1; done
	port=$(head -n 1 "$work/served")
}

echo "# in memory"
prometheus-node-exporter --web.listen-address=127.0.0.1:19110 >/dev/null 2>&1 &
exporter=$!
pids="$pids $exporter"
until curl -fs http://127.0.0.1:19110/metrics >"$work/one.txt"; do sleep 0.1; done
kill "$exporter"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do cat "$work/one.txt"; done >"$work/page.txt"
"$bench" exposition "$work/page.txt" | tee "$work/exposition"
bytes=$(wc -c <"$work/one.txt")
python3 - "$work/one.txt" "$bytes" <<'P' | tee "$work/promtool"
import resource, subprocess, sys
def user_ms(path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(['promtool', 'check', 'metrics'], stdin=open(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
took = sorted(user_ms(sys.argv[1]) for _ in range(5))[2]
idle = sorted(user_ms('/dev/null') for _ in range(5))[2]
net = max(took - idle, 0.1)
print('promtool check metrics, one page: %.1f ms, %.1f of them without starting: MB/s %.1f' % (took, net, int(sys.argv[2]) / 1e3 / net))
P
theirs=$(field "$work/promtool" MB/s)
for wanted in 'none wanted' 'all wanted'; do
	ours=$(grep "$wanted" "$work/exposition" | sed -n 's/.* \([0-9]*\) MB\/s.*/\1/p')
	goal "a page of node_exporter, $wanted" '>' 400 "$ours" MB/s
	goal "  beside promtool check metrics" '>' 3 "$(awk -v a="$ours" -v b="$theirs" 'BEGIN {printf "%.0f", a / b}')" x
done
"$bench" prometheus 50000
"$bench" stream 50000 25 | tee "$work/stream"
goal "a reply of 50,000 series: CPU from wire to store" '<' 45 "$(sed -n 's/.*then: \([0-9.]*\) ms of CPU.*/\1/p' "$work/stream")" ms
goal "  the longest turn of the loop (CPU)" '<' 5 "$(sed -n 's/.*longest turn \([0-9.]*\);.*/\1/p' "$work/stream")" ms
goal "  the latest frame" '<' 16 "$(sed -n 's/.*frame came \([0-9.]*\) ms.*/\1/p' "$work/stream")" ms
goal "  peak memory" '<' 8 "$(sed -n 's/.*peak \([0-9.]*\)x.*/\1/p' "$work/stream")" x
"$bench" stream 50000 5 | tee "$work/stream"
goal "the same of 10,000 replicas: CPU from wire to store" '<' 45 "$(sed -n 's/.*then: \([0-9.]*\) ms of CPU.*/\1/p' "$work/stream")" ms
goal "  the longest turn of the loop (CPU)" '<' 5 "$(sed -n 's/.*longest turn \([0-9.]*\);.*/\1/p' "$work/stream")" ms
goal "  the latest frame" '<' 16 "$(sed -n 's/.*frame came \([0-9.]*\) ms.*/\1/p' "$work/stream")" ms
goal "  peak memory" '<' 8 "$(sed -n 's/.*peak \([0-9.]*\)x.*/\1/p' "$work/stream")" x
"$bench" stream 50000 1
"$bench" history "$replicas" 1 | tee "$work/history"
goal "an hour of $replicas x 6 at 1 s" '<' 300 "$(sed -n 's/.*: \([0-9]*\) MB resident.*/\1/p' "$work/history")" MB
"$bench" history $((replicas / 40)) 24 | tee "$work/day" # a fortieth of them, or it takes half an hour
goal "  growth over a day, $((replicas / 40)) replicas" '<' 1 "$(sed -n 's/.*grown by \([0-9.]*\) MB.*/\1/p' "$work/day")" MB

echo "# 1,000 endpoints at 1 s, keep-alive, 2 KB pages, 30 s"
serve
python3 - "$port" "$work" <<'P'
import sys
port, work = sys.argv[1:]
with open(work + '/fleet.yaml', 'w') as f:
    f.write('version: 1\nsources:\n  pools:\n    kind: exposition\n    every: 1s\n    targets:\n')
    for i in range(1000):
        f.write('      - {url: "http://127.0.%d.%d:%s/m/%d", labels: {cluster: c%02d, replica: r%d}}\n' % (1 + i // 256, i % 256, port, i, i // 20, i % 20))
    f.write('signals: {pool.used: {from: pools, metric: pool_used}}\n')
with open(work + '/prometheus.yml', 'w') as f:
    f.write('global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n')
    for i in range(1000):
        f.write("  - {job_name: 'j%d', metrics_path: /p/%d, static_configs: [{targets: ['127.0.%d.%d:%s']}]}\n" % (i, i, 1 + i // 256, i % 256, port))
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
	printf "spillway %.1f %% of one core, %.0f us per scrape (assessment and recording included)\n", (b - a) / 300, (b - a) / 30
	printf "prometheus %.1f %% of one core, %.0f us per scrape\n", (d - c) / 300, (d - c) / 30
	printf "ratio %.2f of the peer\n", (b - a) / (d - c) }' | tee "$work/cpu"
goal "1,000 endpoints at 1 s: of one core" '<' 10 "$(field "$work/cpu" spillway)" %
goal "  beside Prometheus scraping the same" '<' 0.25 "$(field "$work/cpu" ratio)" x
kill "$own" "$peer" "$server"
wait "$own" "$peer" "$server" 2>/dev/null

serve
sed -i "s|:[0-9]*/m/|:$port/m/|" "$work/fleet.yaml"
"$bench" latency "$work/fleet.yaml" 15 | tee "$work/latency"
kill "$server"
wait "$server" 2>/dev/null
tail -n 1 "$work/served"
goal "  p99 of how far two questions are from 1 s apart" '<' 100 "$(field "$work/served" p99_off_ms)" ms
# Our count is that of the last picture, at most a quarter of a second old.
goal "  questions that the target counted and we did not" '<' 300 \
	"$(($(field "$work/served" asked) - $(field "$work/latency" requests)))" -
goal "  p99 from the wire to the assessment" '<' 20 "$(field "$work/latency" p99_ms)" ms
"$bench" probes 10 | tee "$work/probes"
goal "at a target that is slow: questions in flight" '<' 1 "$(field "$work/probes" in_flight)" -
goal "at a database: new connections per second" '<' 1 "$(field "$work/probes" knocks_per_s)" -
printf '\n%-58s %9s %9s  %s\n' "goal" "target" "measured" "met"
cat "$goals"
