#!/usr/bin/env bats
# slow.bats - clients that do not read: each policy, and nobody else waits.
load helpers

# resident KIB of the daemon
resident() {
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$POOLD_PID/status"
}

# blast_script N TO: a sender that sends N messages of 8000 bytes without waiting.
blast_script() {
	printf '> AUTH blaster -\n< OK *\n> QUIET on\n< OK\n'
	for _ in $(seq "$1"); do
		printf '>> SEND %s 8000\\r\\n\nfill 8000 x\n>> \\r\\n\n' "$2"
	done
}

@test "disconnect: a slow reader goes with 306, the sender and the others notice nothing" {
	start_poold 'queue: {max_queue: 64KiB}
message: {max_message: 8KiB}
timeouts: {linger_timeout: 100ms, write_timeout: 30s}'
	start_bystanders 100
	swarm deaf --users 20 --prefix deaf --deaf --rcvbuf 4096
	play <<-SCRIPT
		> AUTH sender -
		< OK *
		repeat 2000 SEND $(seq -s , -f 'deaf%.0f' 0 19) :$(text_of 800)
		timeout 20000
		> PING
		<* PONG
	SCRIPT
	closed_is slow-reader 20
	check_bystanders
	swarm_stop deaf >/dev/null
}

@test "drop_new: the slow reader stays and is told how many it lost" {
	start_poold 'queue: {max_queue: 16KiB, slow_reader: drop_new}
message: {max_message: 8KiB}'
	{
		printf 'deaf: connect rcvbuf=4096\ndeaf: < HELLO *\ndeaf: > AUTH deaf -\ndeaf: < OK *\n'
		blast_script 300 deaf
		printf '> QUIET off\n< OK\n'
		cat <<-'SCRIPT'
			deaf: <* LOST *
			deaf: > PING alive
			deaf: <* PONG alive
			> SEND deaf :again
			<= OK 1
			deaf: <* MSG blaster 5
			deaf: payload again
		SCRIPT
	} | play
	[ "$(stat_of messages_dropped)" -gt 0 ]
	stat_is closed.slow-reader 0
}

# all_decided: each of the 300 messages has been queued or dropped.
all_decided() {
	holds "$(control_result pool.stats)" '.messages_out + .messages_dropped == 300'
}

@test "drop_new: what LOST says and what arrived add up to what was sent" {
	start_poold 'queue: {max_queue: 16KiB, slow_reader: drop_new}
message: {max_message: 8KiB}'
	export -f all_decided
	{
		printf 'deaf: connect rcvbuf=4096\ndeaf: < HELLO *\ndeaf: > AUTH deaf -\ndeaf: < OK *\n'
		blast_script 300 deaf
		printf '> PING done\n<* PONG done\n'
		# the last ones may still be on their way to the receiver's worker
		printf '! wait_until all_decided\n'
		# once it has read, LOST has room, if it did not come in between
		printf 'deaf: > PING end\ndeaf: <* PONG end\n'
		printf 'deaf: > PING really\ndeaf: <* PONG really\n'
	} | play >"$BATS_TEST_TMPDIR/out"
	local lost got
	lost=$(sed -n 's/^deaf< LOST \([0-9]*\)$/\1/p' "$BATS_TEST_TMPDIR/out" | awk '{ n += $1 } END { print n + 0 }')
	got=$(grep -c '^deaf< MSG' "$BATS_TEST_TMPDIR/out")
	[ "$lost" -gt 0 ]
	same 300 "$((lost + got))" "lost and received"
	stat_is messages_dropped "$lost"
}

@test "reject: the sender is told 507 while the receiver does not read" {
	start_poold 'queue: {max_queue: 16KiB, slow_reader: reject}
message: {max_message: 8KiB}'
	{
		printf 'deaf: connect rcvbuf=4096\ndeaf: < HELLO *\ndeaf: > AUTH deaf -\ndeaf: < OK *\n'
		blast_script 300 deaf
		cat <<-'SCRIPT'
			<* ERR 507 queue-full*
			> PING
			<* PONG
			deaf: > PING alive
			deaf: <* PONG alive
			> QUIET off
			<* OK
			! stat_comes queue_bytes 0
			> SEND deaf :again
			<* OK 1
			deaf: <* MSG blaster 5
			deaf: payload again
		SCRIPT
	} | play
	stat_is closed.slow-reader 0
}

@test "the policy and the limit may be changed live" {
	start_poold 'queue: {max_queue: 64MiB}
message: {max_message: 8KiB}
timeouts: {linger_timeout: 100ms}'
	{
		printf 'deaf: connect rcvbuf=4096\ndeaf: < HELLO *\ndeaf: > AUTH deaf -\ndeaf: < OK *\n'
		blast_script 300 deaf
		printf '> PING done\n< PONG done\n'
		printf '! stat_is closed.slow-reader 0\n! set_values max_queue=16KiB\n'
		printf '> SEND deaf :one more\n'
		printf '! closed_is slow-reader 1\n'
	} | play
}

@test "who pipelines without reading is not read any more, and costs little memory" {
	start_poold 'timeouts: {write_timeout: 30s}'
	start_bystanders 100
	local before
	before=$(resident)
	play <<-'SCRIPT'
		greedy: connect rcvbuf=4096
		greedy: < HELLO *
		greedy: > AUTH greedy -
		greedy: < OK *
		greedy: flood 700 PING xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
		! stat_is closed.slow-reader 0
		greedy: > PING end
	SCRIPT
	if [ "$POOLD_TEST_SCALE" = full ]; then
		[ "$(($(resident) - before))" -lt 8192 ]
	fi
	check_bystanders
}
