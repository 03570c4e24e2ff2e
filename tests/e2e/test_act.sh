#!/bin/sh
# One incident by the command line: status tells the truth in each phase, too much is refused with its sum, a safe step is done and verified,
# the journal proves it, and one changed byte shows.
. "$(dirname "$0")/lib.sh"
start_sim "$here/fast.yaml"

# Calm, and already vulnerable: a warning.
wait_for 8 "vulnerable" phase_is vulnerable
expect_code 1 "$spillway" status -c "$fleet" -o json
json_get "$work/out" '[c["contingency"]["utilisation_after"] for c in d["clusters"] if c["cluster"]=="east-a"][0] > 0.9' |
	grep -q True || fail "east-a can hardly lose one more"
[ "$(json_get "$work/out" '[s["error_ratio"] for s in d["surfaces"] if s["surface"]=="api"][0]')" = 0.0 ] ||
	[ "$(json_get "$work/out" '[s["error_ratio"] for s in d["surfaces"] if s["surface"]=="api"][0]')" = 0 ] || fail "api is clean"

# Half of east-a's weight onto the others: refused, with the sum, and a smaller step offered.
expect_code 10 "$spillway" act divert cluster=east-a weight=13 -c "$fleet" --yes
tr -s '\n ' '  ' <"$work/out" >"$work/words"
expect_text "$work/words" 'REFUSED capacity: .*[0-9]+% > ceiling 85%; the largest safe step is'
expect_code 20 "$spillway" plan scale-pool cluster=east-a size=30 -c "$fleet"
expect_text "$work/out" 'default_pool_size = 30' '20.*30'
expect_code 10 "$spillway" plan scale-pool cluster=east-a size=100 -c "$fleet"
expect_text "$work/out" '60'
expect_code 11 "$spillway" act scale-pool cluster=east-a size=30 -c "$fleet"
expect_text "$work/err" '\-\-yes'
expect_code 77 "$spillway" act scale-pool cluster=east-a size=30 -c "$fleet" --yes --read-only
SPILLWAY_READONLY=1 expect_code 77 "$spillway" act scale-pool cluster=east-a size=30 -c "$fleet" --yes
expect_code 64 "$spillway" act scale-pol cluster=east-a size=30 -c "$fleet"
expect_text "$work/err" "did you mean 'scale-pool'"
expect_code 64 "$spillway" act scale-pool cluster=nowhere size=30 -c "$fleet"

# The incident.
wait_for 90 "users see it" phase_is 'errors|amplification|metastable'
expect_code 2 "$spillway" status -c "$fleet" -o json
json_get "$work/out" '[s for s in d["stages"] if s["stage"]=="user errors"][0]["onset"] is not None' | grep -q True || fail "no onset"
json_get "$work/out" '[s["error_ratio"] for s in d["surfaces"] if s["surface"]=="api"][0] == 0' | grep -q True || fail "api stays clean"

# Mended: the pool over SSH, then a safe part of the traffic over HTTP.
expect_code 0 "$spillway" act scale-pool cluster=east-a size=30 -c "$fleet" --yes --reason 'pools are full'
expect_text "$work/out" 'a-0001'
wait_for 120 "errors fall" phase_is 'recovery|normal|vulnerable'
expect_code 0 "$spillway" act divert cluster=east-a weight=24 -c "$fleet" --yes -o json
json_get "$work/out" 'd["code"]' | grep -qx 0 || fail "outcome as JSON"
control GET /v1/clusters/east-a/weight | grep -q '24' || fail "the box has the new weight"

# What was done can be proved, undone, and not forged.
expect_code 0 "$spillway" journal verify -c "$fleet"
expect_code 0 "$spillway" journal show -c "$fleet"
expect_text "$work/out" 'a-0001.*intent' 'a-0001.*done' 'a-0002.*intent' 'a-0002.*done'
journal=$(find "$work" -name 'journal.jsonl' | head -n 1)
grep -Fq "$token" "$journal" && fail "the token is in the journal"
expect_code 75 "$spillway" act divert cluster=east-a weight=23 -c "$fleet" --yes
expect_code 0 "$spillway" undo a-0002 -c "$fleet" --yes
control GET /v1/clusters/east-a/weight | grep -q '26' || fail "undone"
expect_code 0 "$spillway" journal verify -c "$fleet"
cp "$journal" "$work/forged.jsonl"
python3 - "$work/forged.jsonl" <<'P'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
lines = data.split(b'\n')
lines[2] = lines[2].replace(b'a-0001', b'a-0009', 1)
open(sys.argv[1], 'wb').write(b'\n'.join(lines))
P
expect_code 1 "$spillway" journal verify "$work/forged.jsonl"
expect_text "$work/out" 'line 3'
echo "planned, refused, done, verified, undone, and proved"
