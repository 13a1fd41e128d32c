# helpers.bash - shared by the system tests: a daemon of one's own, and clients.
#
# Each test has its own directory ($BATS_TEST_TMPDIR), port and control socket, so
# any number of tests may run at once. What a test starts is noted in the file
# `pids` there and ended by teardown, by process id. The environment may set:
#
#	POOLD, POOLCTL, PEER	the programs (default: those of the build tree)
#	POOLD_TEST_SCALE	small: a tenth of the clients, for slow builds
#
# A test costs what it forks: what is called often here does without, and lets `peer`
# wait for the daemon and read its JSON.
#
# shellcheck shell=bash
# shellcheck disable=SC2154	# bats sets its own variables

bats_require_minimum_version 1.5.0

export SRCDIR=${SRCDIR:-${BATS_TEST_DIRNAME%/*}}
export POOLD=${POOLD:-$SRCDIR/poold}
export POOLCTL=${POOLCTL:-$SRCDIR/poolctl}
export PEER=${PEER:-${POOLD%/*}/tests/peer}
export POOLD_TEST_SCALE=${POOLD_TEST_SCALE:-full}

teardown() {
	local failed=0

	if [ -n "${POOLD_PID:-}" ] && kill -0 "$POOLD_PID" 2>/dev/null; then
		kill -CONT "$POOLD_PID"
		stop_poold || failed=1
	fi
	end_all
	if [ -z "${BATS_TEST_COMPLETED:-}" ] && [ -f "$BATS_TEST_TMPDIR/poold.log" ]; then
		echo "--- the end of poold.log:"
		tail -n 40 "$BATS_TEST_TMPDIR/poold.log"
	fi
	return "$failed"
}

# Ends what is still running of what this test has started.
end_all() {
	local pid

	[ -f "$BATS_TEST_TMPDIR/pids" ] || return 0
	while read -r pid; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done <"$BATS_TEST_TMPDIR/pids"
}

# note_pid PID: teardown ends it.
note_pid() {
	echo "$1" >>"$BATS_TEST_TMPDIR/pids"
}

# scaled N: N, or a tenth of it where the build is slow.
scaled() {
	if [ "$POOLD_TEST_SCALE" = small ]; then
		echo $((($1 + 9) / 10))
	else
		echo "$1"
	fi
}

# nap: 30 ms, waiting for what nobody writes.
nap() {
	[ -n "${nap_fd-}" ] || exec {nap_fd}<> <(:)
	read -rt 0.03 <&"$nap_fd" || :
}

# wait_until [-t SECONDS] COMMAND…: until the command succeeds; fails after 30 s.
wait_until() {
	local seconds=30 end

	if [ "$1" = -t ]; then
		seconds=$2
		shift 2
	fi
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -gt "$end" ]; then
			echo "not within $seconds s: $*"
			return 1
		fi
		nap
	done
}

# contents FILE: contents=$(<FILE), without a process for it.
contents() {
	local IFS=$'\n' lines=()

	mapfile -t lines 2>/dev/null <"$1" || :
	contents=${lines[*]}
	while [[ $contents == *$'\n' ]]; do
		contents=${contents%$'\n'}
	done
}

# has_line FILE TEXT: a line of it begins with TEXT.
has_line() {
	local contents

	contents "$1"
	[[ $'\n'$contents == *$'\n'"$2"* ]]
}

free_port() {
	"$PEER" --free-port
}

# same WANTED GOT [WHAT]
same() {
	[ "$1" = "$2" ] && return 0
	echo "${3:-value}: wanted \"$1\", got \"$2\""
	return 1
}

# -- the daemon ---------------------------------------------------------------

# write_config [TEXT]: TEXT is YAML; what it leaves out of listen, control, node and
# workers is filled in. A TEXT that has a line `control:` has to name the path.
write_config() {
	local text=${1-}
	local given=$'\n'$text

	{
		[[ $given == *$'\n'listen:* ]] ||
			printf 'listen:\n  - address: 127.0.0.1:%s\n' "$PORT"
		[[ $given == *$'\n'control:* ]] ||
			printf 'control:\n  path: %s\n' "$POOLCTL_SOCKET"
		[[ $given == *$'\n'node:* ]] || printf 'node: test\n'
		[[ $given == *$'\n'workers:* ]] || printf 'workers: 2\n'
		printf '%s\n' "$text"
	} >"$POOLD_CONFIG"
}

control_answers() {
	[ -S "$POOLCTL_SOCKET" ] && "$PEER" call "$POOLCTL_SOCKET" server.info >/dev/null 2>&1
}

# launch_poold [OPTION…]: with the configuration written; returns when it answers.
# shellcheck disable=SC2120	# the options are for the tests
launch_poold() {
	local end=$((SECONDS + 20))

	"$POOLD" -c "$POOLD_CONFIG" "$@" 2>>"$POOLD_LOG" 3>&- &
	export POOLD_PID=$!
	note_pid "$POOLD_PID"
	until control_answers; do
		if ! kill -0 "$POOLD_PID" 2>/dev/null; then
			cat "$POOLD_LOG"
			echo "poold did not start"
			return 1
		fi
		if [ "$SECONDS" -gt "$end" ]; then
			echo "the control socket does not answer"
			return 1
		fi
		nap
	done
}

prepare_poold() {
	PORT=$("$PEER" --free-port)
	export PORT
	export POOLCTL_SOCKET=$BATS_TEST_TMPDIR/ctl.sock
	export POOLD_CONFIG=$BATS_TEST_TMPDIR/poold.yaml
	export POOLD_LOG=$BATS_TEST_TMPDIR/poold.log
	write_config "${1-}"
}

# start_poold [YAML]
start_poold() {
	prepare_poold "${1-}"
	launch_poold
}

# logged PATTERN [GREP_OPTION…]: the log says so; it is written beside the work.
logged() {
	wait_until grep -q "${@:2}" -e "$1" "$POOLD_LOG"
}

# Nothing a sanitizer has to say is in the log.
check_log() {
	local contents

	contents "$POOLD_LOG"
	[[ $contents =~ Sanitizer|runtime\ error:|Assertion ]] || return 0
	echo "$contents"
	return 1
}

# wait_poold: waits until it has ended by itself; fails unless the status was 0.
wait_poold() {
	local status=0

	wait_until -t 20 gone "$POOLD_PID" || return 1
	wait "$POOLD_PID" || status=$?
	POOLD_PID=
	same 0 "$status" "exit status of poold" && check_log
}

# gone PID: it has ended, be it a zombie still.
gone() {
	local stat=

	read -r stat 2>/dev/null <"/proc/$1/stat" || :
	[[ -z $stat || ${stat##*) } == [ZX]* ]]
}

stop_poold() {
	kill -TERM "$POOLD_PID"
	wait_poold
}

# -- the control socket -------------------------------------------------------

ctl() {
	"$POOLCTL" -o json "$@"
}

# control_call METHOD [PARAMS]: the lines that answer it, rows included.
control_call() {
	printf '{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}\n' "$1" "${2:-{\}}" |
		"$PEER" rpc "$POOLCTL_SOCKET"
}

# control_raw: lines from stdin as they are.
control_raw() {
	"$PEER" rpc "$POOLCTL_SOCKET"
}

# control_result METHOD [PARAMS]: the result; fails, showing the error, if there is none.
control_result() {
	"$PEER" call "$POOLCTL_SOCKET" "$@"
}

# control_kind METHOD [PARAMS]: error.data.kind
control_kind() {
	"$PEER" call "$POOLCTL_SOCKET" --kind "$@"
}

# events_so_far: all events that the daemon still has, one per line.
events_so_far() {
	"$PEER" events "$POOLCTL_SOCKET"
}

# events_of TYPE
events_of() {
	"$PEER" events "$POOLCTL_SOCKET" "$1"
}

# stat_of KEY: one value of pool.stats, such as logins or closed.kicked (0: absent).
stat_of() {
	"$PEER" call "$POOLCTL_SOCKET" --value "$1" pool.stats
}

# stat_is KEY VALUE
stat_is() {
	"$PEER" call "$POOLCTL_SOCKET" --value "$1" --is "$2" pool.stats
}

# stat_comes KEY VALUE: waits until it is so.
stat_comes() {
	"$PEER" call "$POOLCTL_SOCKET" --value "$1" --until "$2" pool.stats
}

# closed_is SLUG N: so many connections have ended for this reason.
closed_is() {
	stat_comes "closed.$1" "$2"
}

# online_is N: so many sessions.
online_is() {
	stat_comes active_connections "$1"
}

# set_values 'name=value' …
set_values() {
	local pair params=

	for pair in "$@"; do
		params+="${params:+,}\"${pair%%=*}\":\"${pair#*=}\""
	done
	control_result settings.set "{\"values\":{$params}}"
}

# text_of N: so many characters.
text_of() {
	printf '%*s' "$1" '' | tr ' ' x
}

# -- clients ------------------------------------------------------------------

# play [ADDRESS] <script
play() {
	"$PEER" script "${1:-$PORT}"
}

# play_bg NAME <script: the same in the background; play_end NAME waits for it.
play_bg() {
	"$PEER" script "$PORT" <&0 >"$BATS_TEST_TMPDIR/$1.out" 2>&1 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/$1.pid"
	note_pid $!
}

play_end() {
	local status=0

	wait "$(cat "$BATS_TEST_TMPDIR/$1.pid")" || status=$?
	cat "$BATS_TEST_TMPDIR/$1.out"
	return "$status"
}

# swarm NAME OPTION…: starts one; returns when every client has got its answer.
swarm() {
	local name=$1
	shift
	swarm_begin "$name" "$@"
	wait_until -t 40 has_line "$BATS_TEST_TMPDIR/$name.out" ready || {
		cat "$BATS_TEST_TMPDIR/$name.err"
		return 1
	}
}

swarm_begin() {
	local name=$1
	shift
	"$PEER" swarm "${SWARM_ADDRESS:-$PORT}" "$@" >"$BATS_TEST_TMPDIR/$name.out" \
		2>"$BATS_TEST_TMPDIR/$name.err" 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/$name.pid"
	note_pid $!
	wait_until -t 20 has_line "$BATS_TEST_TMPDIR/$name.out" begun
}

# swarm_said NAME WORD: the report that came with the line WORD (ready, done…)
swarm_said() {
	sed -n "s/^$2 //p" "$BATS_TEST_TMPDIR/$1.out" | tail -n 1
}

# swarm_now NAME: its report, as things are
swarm_now() {
	local before

	before=$(grep -c "^now" "$BATS_TEST_TMPDIR/$1.out" || true)
	kill -USR1 "$(cat "$BATS_TEST_TMPDIR/$1.pid")"
	wait_until more_lines "$BATS_TEST_TMPDIR/$1.out" "$before" || return 1
	swarm_said "$1" now
}

more_lines() {
	[ "$(grep -c '^now' "$1")" -gt "$2" ]
}

# swarm_waits NAME LINE: until the swarm has said so (done, empty)
swarm_waits() {
	wait_until -t "${3:-20}" has_line "$BATS_TEST_TMPDIR/$1.out" "$2"
}

# swarm_stop NAME: ends it and shows its report.
swarm_stop() {
	local pid
	pid=$(cat "$BATS_TEST_TMPDIR/$1.pid")
	kill -TERM "$pid"
	wait_until -t 20 gone "$pid"
	cat "$BATS_TEST_TMPDIR/$1.err"
	tail -n 1 "$BATS_TEST_TMPDIR/$1.out"
}

# holds JSON EXPRESSION…: each jq expression is true of it.
holds() {
	local json=$1 expression all
	shift
	printf -v all ' and (%s)' "$@"
	jq -e "true$all" >/dev/null 2>&1 <<<"$json" && return 0
	for expression in "$@"; do
		jq -e "$expression" >/dev/null <<<"$json" && continue
		echo "not so: $expression"
		echo "in: $json"
		return 1
	done
}

# Bystanders: users who exchange numbered messages while something else happens.
start_bystanders() {
	swarm bystanders --prefix by- --users "$(scaled "${1:-200}")" \
		--talkers "$(scaled "${1:-200}")" --every 200 --source-net 9 --sources 4
}

# check_bystanders: nobody of them noticed anything.
check_bystanders() {
	local report
	report=$(swarm_stop bystanders)
	holds "$report" '.online == .users' '.lost == 0' '.missing == 0' '.duplicated == 0' \
		'.reordered == 0' '.cut == 0' '.bye == {}' '.sent > 0' '.p99_ms < 1000'
}

export -f ctl swarm_waits control_answers control_call control_raw control_result control_kind stat_of stat_is same
export -f events_so_far events_of wait_until nap contents has_line stat_comes closed_is online_is
export -f set_values holds gone scaled
