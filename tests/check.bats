#!/usr/bin/env bats
# check.bats - poolctl check: a verdict for monitoring.
load helpers
load poolctl

# checked STATUS GLOB ARGUMENT…: check ends so, and says so, with nothing on stderr.
checked() {
	local wanted=$1 glob=$2
	shift 2
	status_of "$wanted" check "$@" || return 1
	same '' "$(cat "$BATS_TEST_TMPDIR/stderr")" stderr || return 1
	# shellcheck disable=SC2053	# a pattern is what it is
	[[ $output == $glob ]] || {
		echo "not like $glob: $output"
		return 1
	}
}

@test "ok, warning and critical have their status, and performance data" {
	start_poold 'pool: {max_connections: 10}'
	checked 0 'POOLD OK - 0 of 10 sessions (0%) | used=0%;80;95;0;100 queue=0B;;;0 turn_p99=0.*s;;;0 dropped=0;;;0 auth=0;;;0 sessions=0;;;0;10'
	online alice bob carol
	checked 0 'POOLD OK - 3 of 10 sessions (30%) |*' --warn-used 30 --crit-used 40
	checked 1 'POOLD WARNING - used 30% is above 29.9% | used=30%;29.9;95;0;100 *' --warn-used 29.9
	checked 2 'POOLD CRITICAL - used 30% is above 25% | used=30%;20;25;0;100 *' --warn-used 20% --crit-used 25
	"$POOLCTL" -q set max_connections=7
	checked 0 'POOLD OK - 3 of 7 sessions (42.86%) | used=42.86%;80;*'
	"$POOLCTL" -q set max_connections=10
	# one threshold alone: the default of the other gives way
	checked 2 'POOLD CRITICAL - used 30% is above 10% |*' --crit-used 10
	checked 1 '*turn_p99 *s is above 0s*turn_p99=0.*s;0;;0 *' --warn-turn 0
	checked 2 '*turn_p99 *' --crit-turn 0s --warn-queue 1k
	checked 0 '* queue=0B;1024;1048576;0 *auth=0;1.5;2;0*' --warn-queue 1KiB --crit-queue 1M \
		--warn-dropped 0 --crit-dropped 10/s --warn-auth 1.5 --crit-auth 2 --crit-rtt 1s
	printf '> AUTH mallory -\n< OK *\n> QUIT\n< BYE *\n' | play
	# a viewer may ask
	"$POOLCTL" --as viewer check
}

@test "every format says the same" {
	start_poold 'pool: {max_connections: 10}'
	online alice
	checked 1 '*' --format json --warn-used 5
	holds "$output" '.status == "warning"' '.code == 1' '.text == "used 10% is above 5%"' \
		'.measures[0] == {name: "used", value: 10.0, unit: "%", warn: 5.0, crit: 95.0, status: "warning"}' \
		'[.measures[].name] == ["used", "queue", "turn_p99", "rtt_p99", "dropped", "auth"]' \
		'.measures[3].value == null'
	checked 1 '*' --warn-used 5 -o json
	holds "$output" '.code == 1'
	checked 1 'POOLD WARNING - used 10% is above 5%
  warning   used      10%  warn above 5  crit above 95  (sessions of max_connections)
  ok        queue     0B  (bytes*' --warn-used 5 --format text
	checked 1 '*' --warn-used 5 --format prometheus
	LC_ALL=C awk -f "$SRCDIR/tests/metrics.awk" <<<"$output"
	[[ $output == *'poold_check_status 1'*'poold_check_value{measure="used",unit="%"} 10'* ]]
	# in a batch with records it is one of them
	run "$POOLCTL" -o jsonl <<<'check --crit-used 5'
	same 2 "$status"
	holds "$output" '.ok == false' '.status == 2' '.result.code == 2'
}

@test "a wrong option is unknown, 3, and not an alarm" {
	start_poold
	checked 3 'POOLD UNKNOWN - --warn-used: "lots" is not a percentage from 0 to 100' --warn-used lots
	checked 3 'POOLD UNKNOWN - --crit-used: "101" is not *' --crit-used 101
	checked 3 'POOLD UNKNOWN - --warn-queue: "5x" is not a size*' --warn-queue 5x
	checked 3 'POOLD UNKNOWN - --crit-turn: "soon" is not a duration*' --crit-turn soon
	checked 3 'POOLD UNKNOWN - --warn-auth: "-1" is not *' --warn-auth -1
	checked 3 'POOLD UNKNOWN - --format: "xml" is not one of *' --format xml
	checked 3 'POOLD UNKNOWN - unknown option "--warn"*' --warn 5
	checked 3 'POOLD UNKNOWN - unexpected argument "x"' x
	checked 3 'POOLD UNKNOWN - --warn-used is above --crit-used' --warn-used 90 --crit-used 80
	status_of 3 check --format xml -o json
	holds "$(cat "$BATS_TEST_TMPDIR/stderr")" '.error.status == 3'
}

@test "a daemon that is not there, refuses or is frozen: 2, 3 and 2 in time" {
	prepare_poold
	checked 2 "POOLD CRITICAL - cannot connect to $POOLCTL_SOCKET: no such file; is poold running?*"
	checked 2 $'# HELP*\npoold_check_status 2' --format prometheus
	launch_poold
	checked 0 'POOLD OK *'
	kill -STOP "$POOLD_PID"
	wait_until frozen
	SECONDS=0
	checked 2 'POOLD CRITICAL - connected to *, but poold sent no greeting within 1s*' -t 1s
	[ "$SECONDS" -le 20 ]
	kill -CONT "$POOLD_PID"
}

@test "frozen after the greeting is 2, and who may not ask learns nothing: 3" {
	start_poold
	mkfifo "$BATS_TEST_TMPDIR/lines"
	"$POOLCTL" -t 3s <"$BATS_TEST_TMPDIR/lines" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local batch=$! status=0
	note_pid "$batch"
	exec 9>"$BATS_TEST_TMPDIR/lines"
	echo check >&9
	wait_until grep -q 'POOLD OK' "$BATS_TEST_TMPDIR/out"
	kill -STOP "$POOLD_PID"
	wait_until frozen
	echo check >&9
	exec 9>&-
	wait "$batch" || status=$?
	kill -CONT "$POOLD_PID"
	same 2 "$status"
	grep -q 'POOLD CRITICAL - .*outcome unknown: no answer from poold within 3s' "$BATS_TEST_TMPDIR/out"
	[ "$(id -u)" -eq 0 ] || skip "needs root to be somebody else"
	cp "$POOLCTL" "$BATS_RUN_TMPDIR/poolctl-$$"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$BATS_RUN_TMPDIR/poolctl-$$" \
		-s "$POOLCTL_SOCKET" check
	rm "$BATS_RUN_TMPDIR/poolctl-$$"
	[ "$status" -eq 126 ] && skip "nobody cannot reach the directory of the tests"
	same 3 "$status"
	[[ $output == 'POOLD UNKNOWN - '* ]]
}
