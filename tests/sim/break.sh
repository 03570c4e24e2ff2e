#!/bin/sh
# Each line that an invariant hangs by is made wrong once, in a copy of the tree: the simulation must find violations.
# Usage: tests/sim/break.sh [SEEDS [WORDS]], WORDS: only those whose name has them. By hand: it builds the program once per line. Exit 1 when one is not found.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
seeds=${1:-1000}
only=${2:-}
copy=$(mktemp -d "${TMPDIR:-/tmp}/spillway-break.XXXXXX") || exit 2
trap 'rm -rf "$copy"' EXIT
tar -C "$top" --exclude=./build --exclude=./.git -cf - . | tar -C "$copy" -xf - || exit 2
cmake -S "$copy" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null || exit 2
program=$copy/build/tests/sim/sim-runs
missed=0

make_it() {
	cmake --build "$copy/build" --target sim-runs >"$copy/build.log" 2>&1 || {
		tail "$copy/build.log" >&2
		exit 2
	}
}

# try WHAT FILE FROM TO [TIMES]: fixed strings, FROM once in FILE; what shows rarely gets so many times the seeds.
try() {
	case $1 in *"$only"*) ;; *) return ;; esac
	cp "$copy/$2" "$copy/right"
	python3 -c '
import sys
name, old, new = sys.argv[1:]
text = open(name).read()
sys.exit(1) if text.count(old) != 1 else open(name, "w").write(text.replace(old, new))' "$copy/$2" "$3" "$4" || {
		echo "break.sh: what is to be broken is not once in $2: $3" >&2
		exit 2
	}
	make_it
	# A crash finds nothing: only what the judge says counts.
	if "$program" "$((seeds * ${5:-1}))" >"$copy/out" 2>&1 || ! grep -q '^seeds .*: [1-9][0-9]* violations' "$copy/out"; then
		echo "MISSED  $1: $(tail -n 1 "$copy/out")"
		missed=1
	else
		echo "found   $1: $(tail -n 1 "$copy/out")"
	fi
	cp "$copy/right" "$copy/$2" # with a new time, or it is not built again
}

make_it
"$program" "$seeds" >"$copy/out" || {
	tail -n 1 "$copy/out"
	echo "violations before anything is broken" >&2
	exit 1
}
try "a record is not synced before bytes leave" actions/journal.c 'fdatasync(journal->fd) != 0' 'false'
try "the lock is not looked at before sending" actions/executor.c \
	'? coordination_check(executor->coordination, still_alone, executor, text)' \
	'&& false ? coordination_check(executor->coordination, still_alone, executor, text)'
try "readings of any age are good enough" actions/guard.c 'if (age_ms > context->limits->max_age_ms)' 'if (false)'
try "any share of traffic may move" actions/guard.c 'bool past = projection->moved_share > most + 1e-9;' 'bool past = false;'
try "pools may pass the ceiling" actions/guard.c 'if (!line->over_ceiling)' 'if (line)'
try "the last replica may be drained" actions/guard_policy.c 'bool ok = left >= context->limits->min_serving;' 'bool ok = left >= 0;'
try "any number of clusters may be held" actions/guard_policy.c 'held > most ? VERDICT_BLOCK : VERDICT_PASS' 'VERDICT_PASS'
try "a blocked plan runs" actions/executor_start.c 'return !plan->blocked || refuse_blocked(plan, code, error);' \
	'return !plan->blocked || executor->journal || refuse_blocked(plan, code, error);'
try "a plan that was not confirmed runs" actions/executor_start.c 'if (strcmp(plan->hash, hash) != 0)' 'if (!hash)'
try "no answer is called a refusal" actions/run.c 'note(run, event, RUN_STEP_LOOKING, "lost"' 'note(run, event, RUN_STEP_CHECKING, "lost"'
try "old readings show that a change went back" actions/executor_plan.c 'if (value.oldest_at_ms <= run_entry_over_ms(entry))' \
	'if (value.oldest_at_ms < 0)'
try "a runbook takes back the oldest first" actions/runbook_rollback.c 'for (size_t i = state->change_count; i > 0; i--) {' \
	'for (size_t i = 1; i <= state->change_count; i++) {'
try "a rollback turns a run green" actions/runbook_rollback.c 'left > 0 ? OUTCOME_PARTIAL : OUTCOME_ROLLED_BACK' 'OUTCOME_DONE'
try "what others left is not told" actions/runbook_rollback.c 'left > 0 && claims_nothing_changed(code) ? OUTCOME_PARTIAL : code' 'code'
try "others are let in while a request may still land" actions/executor.c \
	'coordination_leave(executor->coordination, executor->may_land_until_ms);' 'coordination_leave(executor->coordination, 0);'
try "a pool that was not asked answers for one that was" actions/read_back.c \
	'seen = value.per_replica ? count_seen(plan, &value) : plan->request_count' 'seen = value.count' 6
try "what others hold is read before the lock is ours" actions/coordination_etcd.c 'desk->known = KNOWN_OLD;' 'desk->known = KNOWN_FRESH;' 12
try "what is about to be held is told afterwards" actions/executor_start.c 'executor_publish(executor, plan->hold_ms > 0, error)' \
	'executor_publish(executor, false, error)' 12
try "clocks tell when another process's run was over" actions/run_log.c 'if (entry->read_ms > 0 &&' 'if (entry->read_ms < 0 &&' 100
exit $missed
