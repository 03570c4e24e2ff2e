#!/bin/sh
# Installs what the tests need, builds, runs every test. From nothing to ctest's closing line.
#   sh tests/run.sh            what a change must pass: gcc with sanitizers, then the end-to-end tests on the optimised build
#   sh tests/run.sh --full     also: clang with warnings as errors, valgrind on the unit tests, clang-tidy, longer fuzzing
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

build() { # preset
	say "build: $1"
	cmake --preset "$1" >/dev/null
	cmake --build --preset "$1" | tail -n 1
}

jobs=$(nproc)
export CK_TIMEOUT_MULTIPLIER=3
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
status=0

build release
build asan
say "compile with clang, warnings as errors"
cmake --preset clang -DBUILD_TESTING=OFF >/dev/null
cmake --build --preset clang | tail -n 1

say "fuzz targets, short form"
sh tests/fuzz/run.sh 5 || status=1

say "unit, screen and fault tests under AddressSanitizer and UndefinedBehaviorSanitizer"
ctest --test-dir build/asan -LE e2e -j "$jobs" --output-on-failure || status=1

if [ -n "$full" ]; then
	say "unit tests under valgrind"
	build dev
	CK_FORK=no ctest --test-dir build/dev -L unit -j "$jobs" -T memcheck --output-on-failure || status=1
	say "clang-tidy"
	cmake --preset tidy -DBUILD_TESTING=OFF >/dev/null
	cmake --build --preset tidy || status=1
fi

say "whole programs, on the optimised build"
ctest --test-dir build/release -L e2e -j "$jobs" --output-on-failure || status=1
exit $status
