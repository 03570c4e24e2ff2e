#!/bin/sh
# The incident on real servers: PostgreSQL with streaming replicas, PgBouncer, HAProxy. A replica goes into maintenance, Spillway says critical and
# which cluster and why, the runbook mends it over SSH, users see no more errors, the journal proves it, and nothing is left on the machine.
# The long form, by hand: lab_long.sh.
. "$(dirname "$0")/lib.sh"
. "$here/lab_lib.sh"
lab_up 22000

# Calm, and a console that flows as JSON from now on.
wait_for 40 "calm, and all sources answer" lab_calm
"$spillway" -c "$fleet" -o json >"$work/flow.jsonl" 2>"$work/flow.err" </dev/null &
flow=$!
pids="$pids $flow"
flow_says() { # PYTHON-EXPRESSION of the latest line d
	tail -n 1 "$work/flow.jsonl" >"$work/flow.last"
	json_get "$work/flow.last" "bool($1)" | grep -q True
}
wait_for 20 "it has learned what is normal" flow_says 'd["stages"][1]["baseline"] is not None'

# A replica goes: named, and somebody is paged, before or as users see errors.
lab_incident
json_get "$work/status.json" 'd["headline"]' | grep -q 'east' || fail "the headline names the cluster: $(json_get "$work/status.json" 'd["headline"]')"
wait_for 10 "who watched names the replica first" flow_says 'd["page"] and d["causes"][0]["cause"] == "replica loss" and d["causes"][0]["entity"] == "east/r2"'

# The runbook mends it.
expect_code 0 timeout 150 "$spillway" run replica-loss -c "$fleet" --yes --reason 'r2 is in maintenance'
wait_for 30 "errors are gone" lab_is_well
lab_says '[c["pool_max"] for c in d["clusters"] if c["cluster"] == "east"][0] > 7' || fail "the survivor's pool has grown"
wait_for 10 "who watched saw it" flow_says 'all(s["error_ratio"] < 0.01 for s in d["surfaces"])'
expect_code 0 "$spillway" journal verify -c "$fleet"
expect_code 0 "$spillway" journal show -c "$fleet"
expect_text "$work/out" 'scale-pool' 'intent' 'done'
lab_keeps_secrets "$(lab_journal)" "$work/flow.jsonl"

# Nothing stays.
"$lab" heal >/dev/null || fail "the replica back"
lab_gone
echo "seen, named, mended and proved on real servers, and nothing left behind"
