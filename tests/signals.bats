#!/usr/bin/env bats
# signals.bats - what signals do, and what they do not.
load helpers

@test "a storm of signals during traffic has only its documented effects" {
	start_poold
	start_bystanders 100
	local i
	for i in $(seq "$(scaled 500)"); do
		kill -HUP "$POOLD_PID"
		kill -USR1 "$POOLD_PID" 2>/dev/null
		kill -CHLD "$POOLD_PID"
		kill -PIPE "$POOLD_PID"
		kill -WINCH "$POOLD_PID"
		kill -URG "$POOLD_PID"
	done
	control_answers
	check_bystanders
}

@test "stopped for longer than every timeout, and nobody who has spoken is lost" {
	start_poold 'timeouts: {connection_timeout: 1s}'
	swarm pingers --users "$(scaled 200)" --talkers "$(scaled 200)" --every 200 --prefix p
	kill -STOP "$POOLD_PID"
	sleep 2 # twice the timeout; the clients go on sending
	kill -CONT "$POOLD_PID"
	wait_until control_answers
	holds "$(swarm_stop pingers)" '.bye == {}' '.cut == 0' '.lost == 0' '.missing == 0'
}

@test "INT ends it in order, as TERM does" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		! kill -INT $POOLD_PID
		bye 500 shutdown *
	SCRIPT
	wait_poold
}

# is_poold PID: the shell that was to become it would swallow a signal.
is_poold() {
	has_line /proc/"$1"/comm poold
}

@test "TERM during the start ends it in order" {
	prepare_poold
	local i pid
	for i in $(seq "$(scaled 20)"); do
		"$POOLD" -c "$POOLD_CONFIG" 2>>"$POOLD_LOG" 3>&- &
		pid=$!
		note_pid "$pid"
		wait_until is_poold "$pid"
		sleep "0.0$((i % 10))"
		kill -TERM "$pid"
		wait_until gone "$pid"
		wait "$pid" || [ $? -eq 143 ] # before it has taken signals in hand
	done
	launch_poold
}

@test "a crash of clients by the hundred makes no noise in the log" {
	start_poold
	swarm many --users "$(scaled 500)" --talkers "$(scaled 500)" --every 20
	kill -KILL "$(cat "$BATS_TEST_TMPDIR/many.pid")"
	stat_comes total_connections 0
	same 0 "$(grep -v class=start "$POOLD_LOG" | grep -cE 'level=(error|warn)')" "errors and warnings"
}
