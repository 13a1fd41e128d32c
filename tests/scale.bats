#!/usr/bin/env bats
# scale.bats - ten thousand users at once, and an operator among them.
load helpers

@test "ten thousand users: counts, lists, kicks and a live timeout are right" {
	start_poold "pool: {max_connections: 15000}"
	local talkers silent bots
	talkers=$(scaled 5000)
	silent=$(scaled 3800)
	bots=$(scaled 1200)
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
	reader_leaves

	holds "$(control_result connections.kick '{"select":["user~^bot-"]}')" ".count == $bots" \
		"(.kicked | length) == ([$bots, 1000] | min)"
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

# The reader of a list wants but one line of all. That is no error, and of what the rest
# would have been the daemon keeps nothing: 3 MB, with ten thousand.
reader_leaves() {
	local before
	first_line
	first_line --sort user -o jsonl # now the allocator has what it wants
	first_line --sort user -o jsonl
	before=$(resident_kib)
	for _ in 1 2 3; do
		first_line --sort user -o jsonl
	done
	[ "$POOLD_TEST_SCALE" = small ] || [ "$(resident_kib)" -lt $((before + 6000)) ]
}

first_line() {
	local status
	"$POOLCTL" list "$@" 2>"$BATS_TEST_TMPDIR/said" | head -n 1 >"$BATS_TEST_TMPDIR/first"
	status=${PIPESTATUS[0]}
	# a tenth of the list may fit into the pipe
	[ "$POOLD_TEST_SCALE$status" = small0 ] || same 141 "$status" "status of list $*"
	same '' "$(cat "$BATS_TEST_TMPDIR/said")" "stderr of list $*"
	[ -s "$BATS_TEST_TMPDIR/first" ]
}

resident_kib() {
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$POOLD_PID/status"
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
