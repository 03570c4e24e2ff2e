#!/bin/sh
# The incident on real servers: PostgreSQL with streaming replicas, PgBouncer, HAProxy. A replica goes into maintenance, Spillway says critical and
# which cluster and why, the runbook mends it over SSH, users see no more errors, the journal proves it, and nothing is left on the machine.
. "$(dirname "$0")/lib.sh"
lab=$top/share/lab/lab
# A directory and ports of its own: somebody's lab may be up on this machine.
export LAB_DIR="/tmp/spillway-lab-e2e.$$" LAB_PORT_BASE=22000
lab_cleanup() {
	status=$?
	[ $status -eq 0 ] || "$lab" status >&2
	"$lab" down >/dev/null 2>&1
	(exit $status)
	cleanup
}
trap lab_cleanup EXIT
"$lab" packages || fail "the lab's packages cannot be had"
"$lab" up >"$work/up.out" 2>&1 || fail "lab up: $(cat "$work/up.out")"
"$lab" up >"$work/again.out" 2>&1 || fail "up twice must be up once: $(cat "$work/again.out")"
fleet=$LAB_DIR/lab.yaml
expect_code 0 "$spillway" config check -c "$fleet"

# Calm: every source answers, nobody fails, and it is known that one replica less would be too few.
lab_calm() {
	"$lab" status >"$work/lab.out" 2>&1 && "$spillway" status -c "$fleet" -o json >"$work/status.json" 2>/dev/null
	json_get "$work/status.json" 'd["phase"] in ("normal", "vulnerable") and d["sources_ok"] == d["sources_total"] and all(s["error_ratio"] == 0 for s in d["surfaces"])' | grep -q True
}
wait_for 40 "calm, and all sources answer" lab_calm

# A replica goes; the burst that comes within 20 s tips the survivor, and retries keep it down.
"$lab" fault replica-down >"$work/fault.out" || fail "the fault"
critical() {
	"$spillway" status -c "$fleet" -o json >"$work/status.json" 2>/dev/null
	[ $? -eq 2 ] && json_get "$work/status.json" 'd["severity"] == "critical" and d["clusters"][0]["cluster"] == "east"' | grep -q True
}
wait_for 60 "critical in the east" critical
json_get "$work/status.json" 'd["headline"]' | grep -q 'east' || fail "the headline names the cluster: $(json_get "$work/status.json" 'd["headline"]')"
users_fail() {
	"$lab" status >"$work/lab.out"
	! grep -q 'web 0.0% errors' "$work/lab.out" && grep -q 'api 0.0%' "$work/lab.out"
}
wait_for 60 "the web sees errors, the API none" users_fail

# The runbook mends it.
expect_code 0 timeout 150 "$spillway" run replica-loss -c "$fleet" --yes --reason 'r2 is in maintenance'
users_well() {
	"$lab" status >"$work/lab.out"
	grep -q 'web 0.0% errors, api 0.0%' "$work/lab.out"
}
wait_for 30 "errors are gone" users_well
"$spillway" status -c "$fleet" -o json >"$work/status.json" 2>/dev/null
json_get "$work/status.json" '[c["pool_max"] for c in d["clusters"] if c["cluster"] == "east"][0] > 7' | grep -q True ||
	fail "the survivor's pool has grown"
expect_code 0 "$spillway" journal verify -c "$fleet"
expect_code 0 "$spillway" journal show -c "$fleet"
expect_text "$work/out" 'scale-pool' 'intent' 'done'
journal=$(find "$work" -name journal.jsonl | head -n 1)
for secret in "$LAB_DIR/token" "$LAB_DIR/secrets/ops"; do
	grep -Fq "$(cat "$secret")" "$journal" && fail "$secret is in the journal"
done

# Nothing stays.
"$lab" heal >/dev/null || fail "the replica back"
"$lab" down >"$work/down.out" 2>&1 || fail "lab down: $(cat "$work/down.out")"
"$lab" down >/dev/null 2>&1 || fail "down twice must be down once"
[ ! -e "$LAB_DIR" ] || fail "$LAB_DIR is still there"
getent passwd spillway-lab-22000 >/dev/null && fail "the lab's user is still there"
left=$(cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -c "^SPILLWAY_LAB=$LAB_DIR\$")
[ "$left" -eq 0 ] || fail "$left processes were left behind"
echo "seen, named, mended and proved on real servers, and nothing left behind"
