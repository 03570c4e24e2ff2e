#!/bin/sh
# The figures worked out here from samples - increases with resets, rates, quantiles of histograms, straight lines, burn rates - are
# those of a real Prometheus server on the same samples, within half a per cent.
. "$(dirname "$0")/lib.sh"
for program in prometheus promtool; do
	command -v $program >/dev/null || fail "$program is not installed: tests/run.sh installs it"
done
parity=$build/tests/e2e/e2e-parity
[ -x "$parity" ] || fail "$parity is not built"
# Half an hour that lies in the past, within one block of the server's.
base=$((($(date +%s) / 7200 - 2) * 7200 + 600))
python3 "$here/parity.py" samples "$work/samples" "$base" || fail "no samples"
promtool tsdb create-blocks-from openmetrics --quiet "$work/samples" "$work/data" >"$work/promtool.log" 2>&1 ||
	fail "promtool: $(tail -n 3 "$work/promtool.log")"
: >"$work/prometheus.yml"
port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --log.level=error \
	--web.listen-address="127.0.0.1:$port" >"$work/prometheus.log" 2>&1 &
pids="$pids $!"
ready() {
	python3 -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1])' "http://127.0.0.1:$port/-/ready"
}
wait_for 30 "the server is ready" ready
python3 "$here/parity.py" compare "http://127.0.0.1:$port" "$parity" "$base" || fail "the figures differ"
