#!/bin/sh
# From a fresh Debian 12 machine to the live demo: installs what is needed, builds, opens it.
# Arguments go to the demo: sh share/quickstart.sh --plain --for 60s
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
. "$here/packages.sh"
packages_install $packages_build
cmake --preset release -S "$top" -B "$top/build/release" -DBUILD_TESTING=OFF >"$top/.quickstart.log" 2>&1 &&
	cmake --build "$top/build/release" >>"$top/.quickstart.log" 2>&1 || {
	tail -n 30 "$top/.quickstart.log" >&2
	echo "the build failed: the whole log is in $top/.quickstart.log" >&2
	exit 1
}
rm -f "$top/.quickstart.log"
echo "built: $top/build/release/app/spillway" >&2
exec "$top/build/release/app/spillway" demo "$@"
