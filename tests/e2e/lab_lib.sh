# lab_lib.sh - what tests on the lab share. Sourced after lib.sh. A directory and ports of its own: somebody's lab may be up
# on this machine. Sets lab, fleet.
lab=$top/share/lab/lab

lab_cleanup() {
	status=$?
	[ $status -eq 0 ] || "$lab" status >&2
	"$lab" down >/dev/null 2>&1
	(exit $status)
	cleanup
}

# lab_place PORT_BASE: where this test's lab will be; it is taken down when the test ends.
lab_place() {
	export LAB_PORT_BASE="$1" LAB_DIR="/tmp/spillway-lab-e2e.$$"
	trap lab_cleanup EXIT
}

# lab_up PORT_BASE [OPTION]: up, twice, which must be up once.
lab_up() {
	lab_place "$1"
	shift
	"$lab" packages || fail "the lab's packages cannot be had"
	"$lab" up "$@" >"$work/up.out" 2>&1 || fail "lab up: $(cat "$work/up.out")"
	"$lab" up "$@" >"$work/again.out" 2>&1 || fail "up twice must be up once: $(cat "$work/again.out")"
	fleet=$LAB_DIR/lab.yaml
	expect_code 0 "$spillway" config check -c "$fleet"
}

# lab_says PYTHON-EXPRESSION: true of the present assessment d.
lab_says() {
	"$spillway" status -c "$fleet" -o json >"$work/status.json" 2>/dev/null
	json_get "$work/status.json" "bool($1)" | grep -q True
}

# Every source answers and nobody fails.
lab_calm() {
	"$lab" status >"$work/lab.out" 2>&1 &&
		lab_says 'd["phase"] in ("normal", "vulnerable") and d["sources_ok"] == d["sources_total"] and all(s["error_ratio"] == 0 for s in d["surfaces"])'
}

# Users of the web see errors, programs do not.
lab_suffers() {
	"$lab" status >"$work/lab.out"
	! grep -q 'web 0.0% errors' "$work/lab.out" && grep -q 'api 0.0%' "$work/lab.out"
}

lab_is_well() {
	"$lab" status >"$work/lab.out"
	grep -q 'web 0.0% errors, api 0.0%' "$work/lab.out"
}

# r2 goes; the burst that comes within 20 s tips the survivor, and retries keep it down.
lab_incident() {
	"$lab" fault replica-down >"$work/fault.out" || fail "the fault"
	wait_for 60 "critical in the east" lab_says 'd["severity"] == "critical" and d["clusters"][0]["cluster"] == "east"'
	wait_for 60 "the web sees errors, the API none" lab_suffers
}

# Nothing that was set at run time, and no fault, is left.
lab_mend() {
	"$lab" heal >/dev/null || fail "the fault healed"
	"$lab" fault haproxy-reload >/dev/null || fail "the balancer as configured"
	"$lab" fault pgbouncer-reload >/dev/null || fail "the poolers as configured"
	wait_for 90 "calm again" lab_calm
}

# Down, twice, which must be down once; nothing stays on the machine.
lab_gone() {
	"$lab" down >"$work/down.out" 2>&1 || fail "lab down: $(cat "$work/down.out")"
	"$lab" down >/dev/null 2>&1 || fail "down twice must be down once"
	[ ! -e "$LAB_DIR" ] || fail "$LAB_DIR is still there"
	getent passwd "spillway-lab-$LAB_PORT_BASE" >/dev/null && fail "the lab's user is still there"
	left=$(cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -c "^SPILLWAY_LAB=$LAB_DIR\$")
	[ "$left" -eq 0 ] || fail "$left processes were left behind"
}

lab_journal() { # prints the path of the journal
	find "$XDG_STATE_HOME" -name journal.jsonl 2>/dev/null | head -n 1
}

# No secret of the lab is in any of these files.
lab_keeps_secrets() {
	for secret in "$LAB_DIR/token" "$LAB_DIR/secrets/"*; do
		grep -Fq "$(cat "$secret")" "$@" && fail "$secret is in one of: $*"
	done
	return 0
}
