#!/bin/sh
# The wall cannot act because the code is not there: its link map holds no object of actions/ and no SSH.
. "$(dirname "$0")/lib.sh"
map=$build/spillway-wall.map
[ -s "$map" ] || fail "no link map at $map"
if grep -E 'libspillway_(actions|ssh|console)|libssh' "$map"; then
	fail "the wall links something that can act"
fi
if ldd "$wall" | grep -E 'libssh'; then
	fail "the wall loads an SSH library"
fi
# The same look at the console finds it, so the look works.
ldd "$spillway" | grep -q libssh2 || fail "the check is blind: the console should load libssh2"
echo "the wall links neither actions nor SSH"
