# lib.sh - what end-to-end tests share. Sourced. Needs PROGRAMS (the build's app folder) in the environment or $1.
# Nothing here sleeps to synchronise: wait_for polls a condition and fails loudly at its deadline.
set -u
build=${1:?usage: test BUILD_DIR}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
spillway=$build/app/spillway
wall=$build/app/spillway-wall
sim=$build/backends/spillway-sim
work=$(mktemp -d "${TMPDIR:-/tmp}/spillway-e2e.XXXXXX")
export XDG_STATE_HOME="$work/state" XDG_CONFIG_HOME="$work/config" SPILLWAY_SHARE="$top/share"
unset SPILLWAY_CONFIG SPILLWAY_READONLY NO_COLOR
export LC_ALL=C.UTF-8
# Programs built with AddressSanitizer need more time for everything.
patience=${SPILLWAY_PATIENCE:-1}
pids=
tmux_socket=spillway-e2e-$$

cleanup() {
	status=$?
	trap - EXIT INT TERM
	tmux -L "$tmux_socket" kill-server 2>/dev/null
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	for pid in $pids; do
		wait "$pid" 2>/dev/null
	done
	if [ $status -eq 0 ]; then rm -rf "$work"; else echo "left for a look: $work" >&2; fi
	exit $status
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
	echo "FAILED: $*" >&2
	[ -n "${screen_up:-}" ] && { echo "--- screen:" >&2; screen >&2; }
	exit 1
}

# wait_for SECONDS DESCRIPTION COMMAND...: until the command succeeds.
wait_for() {
	deadline=$(($(date +%s) + $1 * patience))
	what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$deadline" ] || fail "still not so after a long wait: $what"
		sleep 0.1
	done
}

# expect_code CODE COMMAND...: stdout in $work/out, stderr in $work/err.
expect_code() {
	want=$1
	shift
	"$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	[ "$got" -eq "$want" ] || {
		tail -n 30 "$work/out" "$work/err" >&2
		fail "exit code $got instead of $want: $*"
	}
}

expect_text() { # FILE PATTERN...
	file=$1
	shift
	for pattern in "$@"; do
		grep -Eq -- "$pattern" "$file" || {
			cat "$file" >&2
			fail "no '$pattern' in $file"
		}
	done
}

# start_sim SCENARIO [ARGS...]: a fleet in a box; sets fleet, box_dir, http_port, token.
start_sim() {
	scenario=$1
	shift
	box_dir=$work/box
	mkdir -m 700 -p "$box_dir"
	"$sim" --scenario "$scenario" --dir "$box_dir" "$@" >"$work/sim.out" 2>"$work/sim.err" &
	sim_pid=$!
	pids="$pids $sim_pid"
	wait_for 20 "the fleet in a box is ready" grep -q '"ready"' "$work/sim.out"
	fleet=$(sed -n 's/.*"fleet":"\([^"]*\)".*/\1/p' "$work/sim.out")
	http_port=$(sed -n 's/.*"http":\([0-9]*\).*/\1/p' "$work/sim.out")
	token=$(cat "$box_dir/token")
}

# page_fleet NAME URL [TIMEOUT]: the head of a fleet file that reads a page such as hostile.py's from a source of that name.
page_fleet() {
	cat <<Y
version: 1
environment: test
sources:
  $1: {kind: exposition, url: "$2", every: 1s, timeout: ${3:-800ms}}
signals:
  pool.used: {from: $1, metric: pgbouncer_pools_server_active_connections}
  pool.max: {from: $1, metric: pgbouncer_databases_pool_size}
  replica.up: {from: $1, metric: pg_up}
  cluster.weight: {from: $1, metric: traffic_cluster_weight}
Y
}

# control METHOD PATH [BODY]: the box's control endpoint.
control() {
	curl -fsS -X "$1" -H "Authorization: Bearer $token" ${3:+-d "$3"} "http://127.0.0.1:$http_port$2"
}

# json_get FILE PYTHON-EXPRESSION with the document as d.
json_get() {
	python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

phase_is() { # PATTERN
	"$spillway" status -c "$fleet" -o json >"$work/status.json" 2>/dev/null
	json_get "$work/status.json" 'd["phase"]' | grep -Eq "^($1)$"
}

# ---- a real terminal ------------------------------------------------------------------------------------
# The screen away, and its server gone, so that another can be opened at once.
close_screen() {
	server=$(tmux -L "$tmux_socket" display -p '#{pid}')
	tmux -L "$tmux_socket" kill-server
	while kill -0 "$server" 2>/dev/null; do sleep 0.05; done
	screen_up=
}

# open_screen COLUMNS ROWS COMMAND: in tmux, under a shell, so that what comes after is seen too.
open_screen() {
	tmux -L "$tmux_socket" -f /dev/null new-session -d -x "$1" -y "$2" \
		"env PS1='after> ' TERM=${screen_term:-tmux-256color} sh"
	tmux -L "$tmux_socket" set -g status off
	tmux -L "$tmux_socket" resize-window -x "$1" -y "$2"
	screen_up=1
	wait_for 5 "a shell prompt" screen_has 'after>'
	tmux -L "$tmux_socket" send-keys -l "$3"
	tmux -L "$tmux_socket" send-keys Enter
}

screen() {
	tmux -L "$tmux_socket" capture-pane -p
}

screen_has() {
	screen | grep -Eq -- "$1"
}

screen_lacks() {
	! screen_has "$1"
}

keys() { # named keys of tmux
	tmux -L "$tmux_socket" send-keys "$@"
}

type_text() {
	tmux -L "$tmux_socket" send-keys -l "$1"
}

# The shell is back and the terminal is as it was: echo on, canonical, cursor visible, main screen.
expect_terminal_restored() {
	wait_for 10 "the shell prompt is back" screen_has 'after> *$'
	type_text 'stty -a | tr ";" "\n" | grep -c -E "(^| )(icanon|echo|isig|opost)( |$)"; echo status=$?'
	keys Enter
	wait_for 5 "stty says so" screen_has 'status=0'
	screen_lacks '(^| )-icanon|(^| )-echo( |$)' || fail "the terminal was left in raw mode"
	[ "$(tmux -L "$tmux_socket" display -p '#{alternate_on} #{cursor_flag}')" = "0 1" ] ||
		fail "the alternate screen or a hidden cursor was left behind"
}
