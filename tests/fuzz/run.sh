#!/bin/sh
# Builds every fuzz target with libFuzzer and runs each for the given seconds (default 60) over its corpus.
set -eu
seconds=${1:-60}
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
mkdir -p build
if ! { cmake --preset fuzz && cmake --build --preset fuzz --target fuzz-all; } >build/fuzz.log 2>&1; then
	tail -n 30 build/fuzz.log
	exit 1
fi
status=0
for target in build/fuzz/tests/fuzz/fuzz-*; do
	[ -x "$target" ] && [ -f "$target" ] || continue
	name=$(basename "$target")
	corpus=build/fuzz/corpus/$name
	mkdir -p "$corpus"
	seeds=tests/fuzz/corpus/$name
	[ -d "$seeds" ] || seeds=
	log=build/fuzz/$name.log
	if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" \
		"$corpus" $seeds >"$log" 2>&1; then
		printf '%-24s %s executions, nothing found\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
	else
		tail -n 40 "$log"
		printf '%-24s FOUND SOMETHING: see %s\n' "$name" "$log"
		status=1
	fi
done
exit $status
