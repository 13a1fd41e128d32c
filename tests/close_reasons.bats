#!/usr/bin/env bats
# close_reasons.bats - every way a connection ends: the client is told, the counter
# of the reason goes up by exactly one, and the event names it.
#
# The reasons of server/close_reason.def that are missing here have a file of their own
# (309 312 in ban.bats, 401 in drain.bats), belong to what this version does not have
# (310 402 503) or to faults that cannot be made from outside (311 501 502).
load helpers

# ended SLUG [N]: counted N times (1), nothing else, and each has its event.
ended() {
	local n=${2:-1}

	closed_is "$1" "$n"
	stat_comes total_connections 0
	same "$n" "$(control_call pool.stats | jq '[.result.closed[]] | add')" "ends in all"
	same "$n" "$(events_of disconnect | jq -r .reason | grep -cx "$1")" "events of $1"
}

@test "100 quit: the client said QUIT" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		> QUIT
		< BYE 100 quit
		eof
	SCRIPT
	ended quit
}

@test "101 eof: the client closed its end" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		half-close
		gone
	SCRIPT
	ended eof
}

@test "102 reset: the connection was reset" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		reset
	SCRIPT
	ended reset
}

@test "a killed client is an end of file or a reset" {
	start_poold
	play_bg victim < <(printf '> AUTH alice -\n< OK *\nsleep 60000\n')
	online_is 1
	kill -KILL "$(cat "$BATS_TEST_TMPDIR/victim.pid")"
	stat_comes total_connections 0
	same 1 "$(($(stat_of closed.eof) + $(stat_of closed.reset)))"
}

@test "200 login-timeout: no login within login_timeout" {
	start_poold 'timeouts: {login_timeout: 800ms}'
	play <<-'SCRIPT'
		mark
		> PING
		<= PONG
		bye 200 login-timeout retry=*
		elapsed 700 20000
	SCRIPT
	ended login-timeout
}

@test "201 idle-timeout: no command within connection_timeout" {
	start_poold 'timeouts: {connection_timeout: 800ms}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		mark
		bye 201 idle-timeout retry=1000*
		elapsed 700 20000
	SCRIPT
	ended idle-timeout
}

@test "202 ping-timeout: no PONG within ping_timeout" {
	start_poold 'timeouts: {ping_interval: 200ms, ping_timeout: 300ms}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		mark
		< PING *
		bye 202 ping-timeout retry=1000*
		elapsed 400 20000
	SCRIPT
	ended ping-timeout
}

@test "203 write-timeout: it took no output" {
	start_poold 'timeouts: {write_timeout: 500ms, linger_timeout: 100ms}
queue: {max_queue: 64MiB}'
	play <<-SCRIPT
		deaf: connect rcvbuf=4096
		deaf: < HELLO *
		deaf: > AUTH deaf -
		deaf: < OK *
		a: > AUTH alice -
		a: < OK *
		a: > QUIET on
		a: < OK
		a: repeat 8000 SEND deaf :$(text_of 405)
		! closed_is write-timeout 1
		a: > QUIET off
		a: <* OK
		a: > QUIT
		a: bye 100
	SCRIPT
	closed_is write-timeout 1
}

@test "204 lifetime: older than max_lifetime" {
	start_poold 'timeouts: {max_lifetime: 800ms}'
	play <<-'SCRIPT'
		mark
		> AUTH alice -
		< OK *
		bye 204 lifetime retry=*
		elapsed 600 20000
	SCRIPT
	ended lifetime
}

@test "205 evicted: the anonymous connection that had waited longest" {
	start_poold 'pool: {max_unauthenticated: 2}'
	play <<-'SCRIPT'
		a: > PING
		a: <= PONG
		b: > PING
		b: <= PONG
		c: > PING
		c: <= PONG
		a: bye 205 evicted retry=*
		b: > QUIT
		b: bye 100
		c: > QUIT
		c: bye 100
	SCRIPT
	closed_is evicted 1
	closed_is quit 2
}

@test "300 auth-failed: three wrong logins" {
	prepare_poold 'auth: {method: [password], password_file: users}
timeouts: {login_timeout: 5m}'
	printf 'alice:%s\n' "$(printf 'right\n' | "$POOLD" --hash-password)" >"$BATS_TEST_TMPDIR/users"
	launch_poold
	play <<-'SCRIPT'
		> AUTH alice wrong1
		< ERR 402 auth-failed*
		> AUTH alice wrong2
		< ERR 402 auth-failed*
		> AUTH alice wrong3
		< ERR 402 auth-failed*
		bye 300 auth-failed retry=never*
	SCRIPT
	ended auth-failed
}

@test "301 replaced: the user logged in elsewhere" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK user=alice session=1/1
		b: > AUTH alice -
		b: <= OK user=alice session=1/1 replaced=1
		a: bye 301 replaced retry=never*
		b: > QUIT
		b: bye 100
	SCRIPT
	closed_is replaced 1
	closed_is quit 1
}

@test "302 user-limit: with reject the newcomer has to go" {
	start_poold 'pool: {duplicate_login: reject}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK user=alice session=1/1
		b: > AUTH alice -
		b: bye 302 user-limit retry=never*
		a: > PING
		a: <= PONG
		a: > QUIT
		a: bye 100
	SCRIPT
	closed_is user-limit 1
	stat_is rejected.user-limit 1
}

@test "303 address-limit: too many from one address" {
	start_poold 'pool: {max_per_address: 2}'
	play <<-'SCRIPT'
		a: > PING
		a: < PONG
		b: > PING
		b: < PONG
		c: connect
		c: <* BYE 303 address-limit retry=60000*
		c: eof
		d: connect source=127.0.0.2
		d: < HELLO *
		a: > QUIT
		a: bye 100
		! stat_comes total_connections 2
		e: > PING
		e: < PONG
	SCRIPT
	closed_is address-limit 1
	stat_is rejected.address-limit 1
}

@test "304 pool-full: max_connections sessions are there" {
	start_poold 'pool: {max_connections: 1}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: <? retry ^BYE 304 pool-full retry=([0-9]+)
		b: eof
		! [ %retry% -ge 10000 ] && [ %retry% -le 60000 ]
		a: > QUIT
		a: bye 100
	SCRIPT
	closed_is pool-full 1
	stat_is rejected.pool-full 1
}

@test "305 rate-limit: who keeps sending above the rate" {
	start_poold 'message: {rate: 10}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		repeat 2000 PING
		<* ERR 429 rate retry=*
		<* BYE 305 rate-limit retry=30000*
		gone
	SCRIPT
	ended rate-limit
	[ "$(stat_of rate_limited)" -gt 0 ]
}

@test "306 slow-reader: more than max_queue waits for it" {
	start_poold 'queue: {max_queue: 16KiB}
message: {max_message: 8KiB}
timeouts: {linger_timeout: 100ms}'
	swarm deaf --users 1 --prefix deaf --deaf --rcvbuf 4096
	{
		printf '> AUTH alice -\n< OK *\n> QUIET on\n< OK\n'
		for _ in $(seq 400); do
			printf '>> SEND deaf0 8000\\r\\n\nfill 8000 x\n>> \\r\\n\n'
		done
		printf '! closed_is slow-reader 1\n'
	} | play
	closed_is slow-reader 1
}

@test "307 protocol: input that cannot be framed" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		>> SEND alice 2\r\nabcd\r\n
		<* BYE 307 protocol retry=never*
		gone
	SCRIPT
	ended protocol
	same 1 "$(events_of error | wc -l)" "error events"
}

@test "308 too-big: a payload far above max_message, or above 4 KiB before the login" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		a: > SEND alice 999999999
		a: < ERR 413 too-big*
		a: bye 308 too-big retry=never*
		b: >> SEND alice 4096\r\n
		b: fill 4096 x
		b: >> \r\n
		b: < ERR 401 auth-required*
		b: > SEND alice 4097
		b: <* BYE 308 too-big*
		b: gone
	SCRIPT
	ended too-big 2
}

@test "400 kicked: an operator ended it, with text and retry" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		! control_result connections.kick '{"select":["alice"]}'
		a: bye 400 kicked retry=5000*
		a: connect
		a: < HELLO *
		a: > AUTH alice -
		a: < OK *
		! control_result connections.kick '{"select":["alice"],"reason":"maintenance at noon","retry_s":90}'
		a: <= BYE 400 kicked retry=90000 :maintenance at noon
		a: eof
		a: connect
		a: < HELLO *
		a: > AUTH alice -
		a: < OK *
		! control_result connections.kick '{"select":["alice"],"retry_s":"never"}'
		a: bye 400 kicked retry=never*
	SCRIPT
	ended kicked 3
}

@test "500 shutdown: the daemon stops" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		anon: > PING
		anon: < PONG
		! kill -TERM $POOLD_PID
		a: bye 500 shutdown retry=*
		anon: bye 500 shutdown retry=*
	SCRIPT
	wait_poold
}

@test "kick, timeout and close together end it once" {
	start_poold 'timeouts: {connection_timeout: 300ms}'
	local n
	n=$(scaled 200)
	swarm racers --prefix r --users "$n"
	control_result connections.kick '{"all":true}' >/dev/null || true
	stat_comes total_connections 0
	same "$n" "$(control_call pool.stats | jq '[.result.closed[]] | add')" "ends in all"
	stat_is total_closed "$n"
	stat_is total_created "$n"
	swarm_stop racers >/dev/null
}

@test "a kicked client with unread input still gets its farewell" {
	start_poold
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		play <<-'SCRIPT'
			a: > AUTH alice -
			a: < OK *
			a: >> SEND alice 9000\r\n
			a: fill 5000 x
			! control_result connections.kick '{"select":["alice"]}'
			a: fill 3000 x
			a: <* BYE 400 kicked *
			a: gone
		SCRIPT
	done
}

@test "every reason is named in the statistics" {
	start_poold
	local slug
	control_call pool.stats >"$BATS_TEST_TMPDIR/stats"
	sed -n 's/^CLOSE_REASON([0-9]*, [A-Z_]*, "\([a-z-]*\)".*/\1/p' "$SRCDIR/server/close_reason.def" \
		>"$BATS_TEST_TMPDIR/slugs"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/slugs")" -ge 25 ]
	while read -r slug; do
		jq -e ".result.closed | has(\"$slug\")" "$BATS_TEST_TMPDIR/stats" >/dev/null
	done <"$BATS_TEST_TMPDIR/slugs"
}
