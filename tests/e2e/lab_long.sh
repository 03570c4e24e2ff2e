#!/bin/sh
# The long form of test_lab.sh, by hand (about 40 minutes): sh tests/e2e/lab_long.sh BUILD_DIR [SCENE...]
# On real servers, with the wall watching through it all: every verb done and undone (verbs), an incident mended by keys in a
# terminal (keys), by the runbook (runbook), what must be refused (refused), killed in the middle and taken up again (killed),
# the tutorial (tutorial), and each fault named rightly (faults).
. "$(dirname "$0")/lib.sh"
. "$here/lab_lib.sh"
shift
scenes=${*:-verbs refused keys runbook killed tutorial faults}

say() {
	printf '%s %s\n' "$(date +%T)" "$*"
}

# ---- what the servers themselves say --------------------------------------------------------------------------
pool_size() { # NODE-PORT-OFFSET: of the PgBouncer there
	PGPASSFILE=$LAB_DIR/pgpass psql -XqAt -w -h 127.0.0.1 -p $((LAB_PORT_BASE + $1)) -U ops -d pgbouncer -c 'SHOW DATABASES' |
		awk -F'|' '$1 == "app" { print $6 }'
}
pool_is() { # OFFSET SIZE
	[ "$(pool_size "$1")" = "$2" ]
}
pools_paused() { # OFFSET...: every PgBouncer there is
	for offset in "$@"; do
		PGPASSFILE=$LAB_DIR/pgpass psql -XqAt -w -h 127.0.0.1 -p $((LAB_PORT_BASE + offset)) -U ops -d pgbouncer -c 'SHOW DATABASES' |
			awk -F'|' '$1 == "app" { exit $(NF - 1) != 1 }' || return 1
	done
}
control_says() { # PATH PATTERN
	curl -fsS -H "Authorization: Bearer $(cat "$LAB_DIR/token")" "http://127.0.0.1:$((LAB_PORT_BASE + 4))$1" | grep -Eq "$2"
}
server_limit_is() { # CLUSTER/REPLICA LIMIT
	curl -fsS "http://127.0.0.1:$((LAB_PORT_BASE + 6))/stats;csv" | python3 -c '
import csv, sys
rows = csv.DictReader(line.removeprefix("# ") for line in sys.stdin)
cluster, replica = sys.argv[1].split("/")
sys.exit(not any((row["pxname"], row["svname"], row["slim"]) == ("be_" + cluster, replica, sys.argv[2]) for row in rows))' "$1" "$2"
}
silences_are() { # how many silences are active
	curl -fsS "http://127.0.0.1:$((LAB_PORT_BASE + 51))/api/v2/silences" >"$work/silences.json"
	[ "$(json_get "$work/silences.json" 'sum(row["status"]["state"] == "active" for row in d)')" = "$1" ]
}
last_run() {
	"$spillway" journal show -c "$fleet" 2>/dev/null | grep -o 'a-[0-9]*' | tail -n 1
}

# ---- the wall, in a terminal of its own -----------------------------------------------------------------------
wall_socket=spillway-lab-wall-$$
wall_tmux() {
	tmux -L "$wall_socket" "$@"
}
wall_begins() {
	wall_tmux -f /dev/null new-session -d -x 200 -y 50 "'$wall' --config '$fleet'; echo \"wall ended with \$?\"; sleep 3600"
	wait_for 20 "the wall has a face" wall_shows 'POOL'
}
wall_shows() {
	wall_tmux capture-pane -p | grep -Eq -- "$1"
}
wall_ends() {
	wall_tmux capture-pane -p >"$work/wall.face"
	! grep -q 'wall ended' "$work/wall.face" || fail "the wall did not last: $(cat "$work/wall.face")"
	wall_tmux send-keys C-c
	wait_for 10 "the wall leaves when told to" wall_shows 'wall ended'
	wall_tmux kill-server
}

# ---- scenes ---------------------------------------------------------------------------------------------------
# The same actions, for a test that changes more in ten minutes than a person would: without the brake, and with a pause allowed.
verbs_fleet() {
	sed 's/^guards: .*/guards: {cooldown: 0s, min_serving: 1, brake: 1000, blast_radius: 60%}/' "$fleet" >"$work/verbs.yaml"
	grep -q 'brake: 1000' "$work/verbs.yaml" || fail "the lab's fleet file has no guards to loosen"
}
# A machine as busy as that misses a reading now and then, and then nothing is done: so it is asked for again.
change() { # act|undo WORDS...: done and verified
	for try in 1 2 3 4 5 6 7 8; do
		"$spillway" "$@" -c "$work/verbs.yaml" --yes --reason 'lab' >"$work/out" 2>"$work/err" </dev/null
		code=$?
		[ $code -eq 10 ] && grep -Eq 'staleness|preflight' "$work/err" || break
	done
	[ $code -eq 0 ] || fail "exit code $code: $*: $(cat "$work/out" "$work/err")"
}
act() { # ACTION WORDS...
	change act "$@"
}
undo() { # RUN
	change undo "$1"
}

scene_verbs() {
	verbs_fleet
	"$lab" load 60 >/dev/null # so little that one replica carries a cluster: a drain must be allowed
	sleep_until_settled
	act scale-pool cluster=east size=10
	pool_is 31 10 && pool_is 32 10 || fail "both poolers of the east have 10"
	undo "$(last_run)"
	pool_is 31 7 && pool_is 32 7 || fail "both have 7 again"
	# By the control endpoint over HTTP, and by the balancer's own socket.
	for divert in divert lb-divert; do
		act "$divert" cluster=west weight=80
		control_says /v1/clusters/west/weight '"weight": 80' || fail "the west has weight 80"
		diverted=$(last_run)
		act lb-restore cluster=west weight=90
		control_says /v1/clusters/west/weight '"weight": 90' || fail "the west has weight 90"
		undo "$(last_run)"
		control_says /v1/clusters/west/weight '"weight": 80' || fail "the west has weight 80 again"
		undo "$diverted"
		control_says /v1/clusters/west/weight '"weight": 100' || fail "the west has its weight again"
	done
	act lb-drain replica=east/r2
	control_says /v1/clusters/east/replicas/r2/state '"drain"' || fail "r2 is drained"
	undo "$(last_run)"
	control_says /v1/clusters/east/replicas/r2/state '"ready"' || fail "r2 is back"
	act lb-drain replica=west/r3
	act lb-return replica=west/r3
	control_says /v1/clusters/west/replicas/r3/state '"ready"' || fail "r3 is back"
	act lb-limit replica=west/r3 maxconn=600
	server_limit_is west/r3 600 || fail "the balancer opens at most 600 connections to r3"
	undo "$(last_run)"
	server_limit_is west/r3 1000 || fail "and 1000 again"
	act alerts-silence cluster=west
	silences_are 1 || fail "the west's alerts are silenced"
	undo "$(last_run)"
	silences_are 0 || fail "and are not any more"
	# A pause is half of the fleet: too much for the lab's own guards. Where it is allowed it ends by itself.
	expect_code 10 "$spillway" act pause-pool cluster=west -c "$fleet" --yes --reason 'lab'
	expect_text "$work/out" 'REFUSED blast-radius'
	"$spillway" act pause-pool cluster=west -c "$work/verbs.yaml" --yes --reason 'lab' >"$work/pause.out" 2>"$work/pause.err" </dev/null &
	pausing=$!
	wait_for 20 "the west waits" pools_paused 33 30
	wait "$pausing" || fail "the pause: $(cat "$work/pause.out" "$work/pause.err")"
	pools_paused 33 30 && fail "the west is let go again"
	expect_code 0 "$spillway" journal verify -c "$fleet"
	"$lab" load 128 >/dev/null
	lab_mend
}

# A minute's mean decides what may be drained: wait until it knows of the lower load.
sleep_until_settled() {
	wait_for 120 "the east could lose a replica" lab_says 'd["contingency"]["utilisation_after"] < 0.8'
}

# expect_refused CODE ACTION WORDS...: likewise, where what is asked for is a refusal of another kind.
expect_refused() {
	want=$1
	shift
	for try in 1 2 3 4 5 6 7 8; do
		"$@" >"$work/out" 2>"$work/err" </dev/null
		got=$?
		[ $got -eq 10 ] && grep -q '  UNKNOWN ' "$work/out" || break
	done
	[ $got -eq "$want" ] || fail "exit code $got instead of $want: $*: $(cat "$work/out" "$work/err")"
}

scene_refused() {
	lab_incident
	# Half of the weight is more than one step, a drain of the survivor leaves nobody, and who may only read may not act.
	expect_refused 10 "$spillway" act divert cluster=east weight=50 -c "$fleet" --yes --reason 'too much'
	expect_text "$work/out" 'REFUSED (step|blast-radius|capacity)'
	expect_refused 10 "$spillway" act lb-drain replica=east/r1 -c "$fleet" --yes --reason 'the last one'
	expect_refused 77 env SPILLWAY_READONLY=1 "$spillway" act scale-pool cluster=east size=10 -c "$fleet" --yes
	expect_refused 11 "$spillway" act scale-pool cluster=east size=10 -c "$fleet"
	control_says /v1/clusters/east/weight '"weight": 100' || fail "nothing was moved"
	control_says /v1/clusters/east/replicas/r1/state '"ready"' || fail "nothing was drained"
	pool_is 31 7 || fail "nothing was resized"
	# Nobody answers at the SSH port: nothing is sent, and it says so.
	"$lab" fault sshd-down >/dev/null
	expect_refused 69 "$spillway" act scale-pool cluster=east size=10 -c "$fleet" --yes --reason 'no road'
	pool_is 31 7 || fail "nothing was resized"
	"$lab" heal sshd-down >/dev/null
	lab_mend
}

scene_keys() {
	lab_incident
	open_screen 100 40 "'$spillway' -c '$fleet'"
	wait_for 30 "the console sees it" screen_has '6 user errors.*!CRIT'
	screen_has 'READ-ONLY' || fail "the console must say that it is read-only"
	type_text A
	wait_for 5 "asked before arming" screen_has 'N stay read-only \(default\)'
	type_text y
	wait_for 5 "armed" screen_has 'ARMED'
	screen_has '>!east' || { keys g; wait_for 5 "the worst cluster" screen_has '>!east'; }
	type_text a
	wait_for 5 "the menu" screen_has 'scale-pool.*ssh'
	keys Enter
	wait_for 5 "asked for a value" screen_has 'new value'
	keys Enter
	wait_for 5 "the plan" screen_has 'default_pool_size = 1[01]'
	keys Tab Tab
	until screen_has 'Enter runs exactly this'; do
		wait_for 5 "Run is ready, or waits to be read" screen_has 'Enter runs exactly this|more above|below|all of it'
		keys NPage
	done
	keys Enter
	wait_for 90 "verified" screen_has 'DONE, VERIFIED'
	keys Escape
	wait_for 60 "users are well" screen_has '6 user errors  *0\.0%'
	wait_for 60 "and so they say themselves" lab_is_well
	type_text q
	expect_terminal_restored
	expect_code 0 "$spillway" journal verify -c "$fleet"
	lab_mend
}

scene_runbook() {
	lab_incident
	wait_for 20 "the wall shows it" wall_shows 'CRIT'
	expect_code 0 timeout 200 "$spillway" run replica-loss -c "$fleet" --yes --reason 'r2 is in maintenance'
	wait_for 30 "errors are gone" lab_is_well
	expect_code 0 "$spillway" journal verify -c "$fleet"
	lab_mend
}

sent_lines() {
	cat "$(lab_journal)" 2>/dev/null | grep -c '"event":"sent"'
}
growth() { # the size that the runs of the journal end with; each must go on from where the one before it was known to end
	python3 - "$(lab_journal)" <<'P'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
done = {row["run"] for row in rows if row["event"] == "done"}
size = 7
for row in rows:
    if row["event"] == "intent" and row["action"] == "scale-pool" and row["run"] in done:
        if row["from"] != size or not size < row["to"] <= 2 * size:
            sys.exit(print(f"{row['run']} goes from {row['from']} to {row['to']} at {size}") or 1)
        size = row["to"]
print(size)
P
}
scene_killed() {
	lab_incident
	before=$(sent_lines)
	"$spillway" run replica-loss -c "$fleet" --yes --reason 'to be killed' >"$work/killed.out" 2>&1 </dev/null &
	victim=$!
	until [ "$(sent_lines)" -gt "$before" ]; do
		kill -0 "$victim" 2>/dev/null || fail "it ended before it sent anything: $(cat "$work/killed.out")"
		sleep 0.02
	done
	kill -9 "$victim"
	wait "$victim" 2>/dev/null
	expect_code 0 "$spillway" journal verify -c "$fleet"
	expect_code 0 "$spillway" journal show -c "$fleet"
	run=$(grep '"event":"runbook"' "$(lab_journal)" | tail -n 1 | sed 's/.*"run":"\(r-[0-9]*\)".*/\1/')
	wait_for 300 "another program goes on with it" "$spillway" run --resume "$run" -c "$fleet" --yes
	grown=$(growth) || fail "no step did again what it had done: $grown"
	pool_is 31 "$grown" || fail "the pool is $(pool_size 31), not the $grown that the journal says"
	wait_for 30 "errors are gone" lab_is_well
	expect_code 0 "$spillway" journal verify -c "$fleet"
	lab_mend
}

scene_tutorial() {
	sh "$here/test_tutorial.sh" "$build" || fail "the tutorial"
}

scene_faults() {
	"$lab" compare --spillway "$spillway" --faults || fail "a fault was not named rightly"
}

lab_up 23000
trap 'status=$?; wall_tmux kill-server 2>/dev/null; (exit $status); lab_cleanup' EXIT
wait_for 40 "calm, and all sources answer" lab_calm
wall_begins
for scene in $scenes; do
	say "$scene"
	# A journal each, so that what one scene changes does not wear out the brake of the next.
	export XDG_STATE_HOME="$work/state/$scene"
	"scene_$scene"
done
wall_ends
lab_keeps_secrets "$work/wall.face" $(find "$work/state" -name journal.jsonl)
lab_gone
say "done: $scenes"
