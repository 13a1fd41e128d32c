#!/usr/bin/env bats
# delivery.bats - order, completeness and counts, between many at once.
load helpers

clean='.lost == 0 and .missing == 0 and .duplicated == 0 and .reordered == 0 and .cut == 0 and .bye == {}'

@test "pairs exchange numbered messages: none lost, doubled or out of order" {
	start_poold
	local n
	n=$(scaled 100)
	swarm pairs --users "$n" --talkers "$n" --every 10 --messages 300
	swarm_waits pairs "done"
	local report
	report=$(swarm_stop pairs)
	holds "$report" "$clean" ".sent == $((n * 300))" '.received == .sent' '.err == {}'
}

@test "unicast mixed with broadcasts keeps the order between each two" {
	start_poold
	local n
	n=$(scaled 60)
	swarm mixed --users "$n" --talkers "$n" --every 20 --messages 100 --cast-every 10
	swarm_waits mixed "done"
	local report casts
	report=$(swarm_stop mixed)
	casts=$((n * 10))
	holds "$report" "$clean" ".received == $((n * 90 + casts * (n - 1)))"
	same "$casts" "$(stat_of broadcasts)"
}

@test "a broadcast reaches a thousand sessions once each" {
	start_poold
	local n
	n=$(scaled 1000)
	swarm many --users "$n" --prefix m
	play <<-SCRIPT
		> AUTH caster -
		< OK *
		> CAST :1 1 1
		<= OK $n
		> CAST :2 2 2
		<= OK $n
		> QUIET on
		< OK
		> CAST :3 3 3
		! stat_comes messages_out $((3 * n))
		> QUIT
		bye 100
	SCRIPT
	holds "$(swarm_stop many)" ".online == $n" '.bye == {}'
	stat_is messages_in 3
	stat_is broadcasts 3
}

@test "broadcasts while a half of the listeners resets its connections reach the others" {
	start_poold
	local n
	n=$(scaled 600)
	swarm stay --users "$n" --prefix s --talkers 2 --every 5 --cast-every 1
	swarm go --users "$n" --prefix g
	kill -KILL "$(cat "$BATS_TEST_TMPDIR/go.pid")"
	stat_comes active_connections "$n"
	holds "$(swarm_stop stay)" '.lost == 0' '.missing == 0' '.duplicated == 0' '.reordered == 0' \
		'.cut == 0' ".online == $n"
}

@test "messages to a session that goes are lost without harm to anybody" {
	start_poold
	start_bystanders 50
	swarm_begin churn --same --prefix target --users 10 --attempts 1000000
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		> QUIET on
		< OK
		repeat 5000 SEND target :x
		> PING
		<* PONG
	SCRIPT
	swarm_stop churn >/dev/null
	check_bystanders
}

@test "the counters of messages and bytes add up" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		a: > SEND bob :hello
		a: <= OK 1
		b: <= MSG alice 5
		b: payload hello
		a: > CAST :all
		a: <= OK 1
		b: <= CAST alice 3
		b: payload all
		! holds "$(control_result connections.show '{"select":["bob"]}')" '.connections[0].messages_out == 2' '.connections[0].messages_in == 0'
		! holds "$(control_result connections.show '{"select":["alice"]}')" '.connections[0].messages_in == 2' '.connections[0].messages_out == 0'
	SCRIPT
	stat_is messages_in 2
	stat_is messages_out 2
	stat_is broadcasts 1
	stat_is queue_bytes 0
	stat_is total_bytes_received 54
	[ "$(stat_of total_bytes_sent)" -ge 200 ]
}

@test "totals never fall, connections add up, and nothing is left when all are gone" {
	start_poold
	swarm some --users 50
	local before
	before=$(control_result pool.stats)
	holds "$before" '.total_created == 50' '.total_connections == 50' '.active_connections == 50' \
		'.user_connections == 50' '.connections_by_state.active == 50'
	swarm_stop some >/dev/null
	stat_comes total_connections 0
	holds "$(control_result pool.stats)" '.total_created == 50' '.total_closed == 50' \
		'.active_connections == 0' '.user_connections == 0' '.queue_bytes == 0' \
		'.average_duration == 0' ".total_bytes_sent >= $(jq .total_bytes_sent <<<"$before")" \
		'[.connections_by_state[]] | add == 0'
}

@test "descriptors come back to where they were" {
	start_poold
	local before
	swarm warm --users 10
	swarm_stop warm >/dev/null
	stat_comes total_connections 0
	before=$(find "/proc/$POOLD_PID/fd" -mindepth 1 | wc -l)
	swarm many --users "$(scaled 500)"
	swarm_stop many >/dev/null
	stat_comes total_connections 0
	same "$before" "$(find "/proc/$POOLD_PID/fd" -mindepth 1 | wc -l)" "open descriptors"
}
