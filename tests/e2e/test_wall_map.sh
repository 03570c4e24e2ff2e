#!/bin/sh
# The wall cannot act because the code is not there: its link map holds no object of actions/ and no SSH.
. "$(dirname "$0")/lib.sh"
map=$build/spillway-wall.map
[ -s "$map" ] || fail "no link map at $map"
if grep -E 'libspillway_(actions|ssh|console)|libssh' "$map"; then
	fail "the wall links something that can act"
fi
# libcurl brings an SSH library of its own along; what counts is that none of its functions is ours to call.
calls_ssh() {
	nm -D --undefined-only "$1" | grep -q 'libssh2_'
}
calls_ssh "$wall" && fail "the wall calls an SSH library"
# The same look at the console finds it, so the look works.
calls_ssh "$spillway" || fail "the check is blind: the console should call libssh2"
echo "the wall links neither actions nor SSH"
