#!/usr/bin/env bats
# scale.bats - ten thousand users at once, and an operator among them.
load helpers

@test "ten thousand users: counts, lists, kicks and a live timeout are right" {
	start_poold "pool: {max_connections: 15000}"
	local talkers silent bots
	talkers=$(scaled 5000)
	silent=$(scaled 4000)
	bots=$(scaled 1000)
	swarm silent --users "$silent" --prefix silent --sources 4 --source-net 2
	swarm bots --users "$bots" --prefix bot- --sources 4 --source-net 3
	swarm talkers --users "$talkers" --talkers "$talkers" --every 800 --prefix t --sources 4 --source-net 4
	local all=$((talkers + silent + bots))

	holds "$(control_result pool.stats)" ".active_connections == $all" \
		".user_connections == $all" ".connections_by_state.active == $all"
	holds "$(control_result connections.count '{"select":["state=active"]}')" ".total == $all"
	# shellcheck disable=SC2016	# $s belongs to jq
	holds "$(control_result connections.list '{"sort":"idle:desc","limit":5}')" '.returned == 5' \
		".total == $all" '[.connections[].idle_s] as $s | all(range(4); $s[.] >= $s[. + 1] - 0.1)'
	every_row_once "$all"

	holds "$(control_result connections.kick '{"select":["user~^bot-"]}')" ".count == $bots"
	swarm_waits bots empty
	holds "$(swarm_stop bots)" ".bye == {\"400\": $bots}"
	online_is "$((talkers + silent))"

	set_values connection_timeout=2s >/dev/null
	swarm_waits silent empty
	holds "$(swarm_stop silent)" ".bye == {\"201\": $silent}" '.cut == 0'
	stat_is closed.idle-timeout "$silent"
	stat_is active_connections "$talkers"
	holds "$(swarm_stop talkers)" ".online == $talkers" '.bye == {}' '.cut == 0' '.lost == 0' \
		'.missing == 0' '.duplicated == 0' '.reordered == 0' '.err == {}'
}

every_row_once() {
	control_call connections.list '{"stream":true}' |
		jq -r 'select(.method == "rows") | .params.rows[].id' | sort -nu | wc -l >"$BATS_TEST_TMPDIR/rows"
	same "$1" "$(cat "$BATS_TEST_TMPDIR/rows")" "different rows"
}

@test "prewarm makes connection objects ready at the start" {
	local cold warm
	start_poold
	cold=$(control_result pool.stats | jq .memory.connections)
	stop_poold
	write_config 'pool: {prewarm: 5000}'
	launch_poold
	warm=$(control_result pool.stats | jq .memory.connections)
	[ "$warm" -ge "$((cold + 5000 * 64))" ]
	swarm some --users 100
	same "$warm" "$(control_result pool.stats | jq .memory.connections)" "bytes with users"
	swarm_stop some >/dev/null
}
