#!/bin/sh
# Installs what the tests need, builds, runs every test. From nothing to ctest's closing line.
#   sh tests/run.sh            what a change must pass: gcc with sanitizers, then the end-to-end tests on the optimised build
#   sh tests/run.sh --full     also: valgrind on the unit tests, clang-tidy, the long end-to-end tests, longer fuzzing
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
. share/packages.sh
packages_install $packages_build $packages_test
full=
[ "${1:-}" = --full ] && full=1

say() {
	printf '\n== %s\n' "$*"
}

build() { # PRESET [TARGET...]: all of it, or only the targets named
	preset=$1
	shift
	say "build: $preset${*:+ ($*)}"
	mkdir -p build
	if cmake --preset "$preset" >"build/$preset.log" 2>&1 &&
		cmake --build --preset "$preset" ${*:+--target "$@"} >>"build/$preset.log" 2>&1; then
		tail -n 1 "build/$preset.log"
	else
		grep -E 'error|FAILED|warning:' "build/$preset.log" | head -n 40
		tail -n 20 "build/$preset.log"
		echo "the build failed: build/$preset.log" >&2
		exit 1
	fi
}

jobs=$(nproc)
export CK_TIMEOUT_MULTIPLIER=3
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
status=0

programs='spillway spillway-wall spillway-sim'
build release $programs e2e-parity
build asan
build clang $programs

say "fuzz targets, short form"
sh tests/fuzz/run.sh "${full:+3}1" || status=1

say "unit, screen and fault tests under AddressSanitizer and UndefinedBehaviorSanitizer"
ctest --test-dir build/asan -LE 'e2e|long' -j "$jobs" --output-on-failure || status=1

if [ -n "$full" ]; then
	say "unit tests under valgrind"
	build valgrind
	ctest --test-dir build/valgrind -L unit -j "$jobs" --output-on-failure || status=1
	build tidy $programs
fi

say "whole programs, on the optimised build (they mostly wait: five at a time)"
ctest --test-dir build/release -L e2e -j 5 --output-on-failure || status=1
if [ -n "$full" ]; then
	say "the long ones"
	ctest --test-dir build/release -L long -j 2 --output-on-failure || status=1
fi
exit $status
