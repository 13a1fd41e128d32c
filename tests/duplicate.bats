#!/usr/bin/env bats
# duplicate.bats - one user, many logins at once: exactly one session is left.
load helpers

# one_left USER: found by WHO, SEND, users, list and the counters, everywhere once.
one_left() {
	stat_comes active_connections 1
	stat_is user_connections 1
	holds "$(control_result users.list)" '.total == 1' '.users | length == 1' \
		".users[0].user == \"$1\"" '.users[0].sessions == 1'
	holds "$(control_result connections.list "{\"select\":[\"$1\"]}")" '.total == 1'
	play <<-SCRIPT
		> AUTH finder -
		< OK *
		> WHO $1
		<= OK online=1 idle=0
		> SEND $1 :1 1 1
		<= OK 1
	SCRIPT
}

@test "fifty clients log in as one user again and again, and one session is left" {
	start_poold 'pool: {fight_limit: 0}'
	local report attempts
	attempts=$(scaled 2000)
	swarm race --same --prefix star --users 50 --inflight 50 --attempts "$attempts"
	one_left star
	report=$(swarm_stop race)
	# the finder is no part of the swarm
	holds "$report" '.online == 1' ".opened == $attempts" ".logins == $attempts" \
		".bye == {\"301\": $((attempts - 1))}" '.cut == 0' '.err == {}'
	stat_is replaced "$((attempts - 1))"
	stat_is closed.replaced "$((attempts - 1))"
}

@test "the session that is left is the newest" {
	start_poold 'pool: {fight_limit: 0}'
	local i
	{
		for i in $(seq 20); do
			printf 'c%d: > AUTH star -\nc%d: < OK user=star session=1/1*\n' "$i" "$i"
		done
		for i in $(seq 19); do
			printf 'c%d: bye 301 replaced *\n' "$i"
		done
		printf 'x: > AUTH finder -\nx: < OK *\nx: > SEND star :you\nx: <= OK 1\n'
		printf 'c20: <= MSG finder 3\nc20: payload you\n'
	} | play
}

@test "the late end of an old session does not take the new one away" {
	start_poold
	play <<-'SCRIPT'
		old: > AUTH star -
		old: < OK *
		new: > AUTH star -
		new: < OK *
		old: bye 301 *
		! stat_comes total_connections 1
		x: > AUTH finder -
		x: < OK *
		x: > WHO star
		x: <= OK online=1 idle=0
		x: > SEND star :here
		x: <= OK 1
		new: <= MSG finder 4
		new: payload here
	SCRIPT
}

@test "a replaced session receives nothing that is sent after the new OK" {
	start_poold
	play <<-'SCRIPT'
		x: > AUTH finder -
		x: < OK *
		old: > AUTH star -
		old: < OK *
		new: > AUTH star -
		new: < OK *
		x: > SEND star :secret
		x: <= OK 1
		old: bye 301 *
		new: <= MSG finder 6
		new: payload secret
	SCRIPT
}

@test "with two sessions per user the same race leaves the two newest" {
	start_poold 'pool: {max_sessions_per_user: 2, fight_limit: 0}'
	local attempts
	attempts=$(scaled 1000)
	swarm race --same --prefix star --users 50 --inflight 50 --attempts "$attempts"
	stat_comes active_connections 2
	stat_is user_connections 1
	holds "$(swarm_stop race)" '.online == 2' ".logins == $attempts" \
		".bye == {\"301\": $((attempts - 2))}"
}

@test "with reject the first stays and all others are refused" {
	start_poold 'pool: {duplicate_login: reject}'
	swarm race --same --prefix star --users 50 --inflight 50
	stat_is active_connections 1
	holds "$(swarm_stop race)" '.online == 1' '.logins == 1' '.bye == {"302": 49}'
}

@test "a race of logins beside bystanders: they notice nothing" {
	start_poold
	start_bystanders 100
	swarm race --same --prefix star --users 20 --inflight 20 --attempts "$(scaled 1000)"
	swarm_stop race >/dev/null
	check_bystanders
}

@test "a list of users never shows two sessions of one, while they race" {
	start_poold
	swarm_begin race --same --prefix star --users 50 --inflight 50 \
		--attempts "$(scaled 20000)"
	local i
	for i in $(seq "$(scaled 3000)"); do
		printf '{"jsonrpc":"2.0","id":%d,"method":"users.list"}\n' "$i"
	done | "$PEER" rpc "$POOLCTL_SOCKET" >"$BATS_TEST_TMPDIR/lists"
	holds "$(jq -cs '[.[] | .result.users // empty]' "$BATS_TEST_TMPDIR/lists")" \
		"length == $(scaled 3000)" 'map(length) | max == 1' \
		'flatten | all(.sessions == 1 and (.states | length) == 1 and (.addresses | length) == 1)'
}

@test "a user with several sessions is listed with all of them" {
	start_poold 'pool: {max_sessions_per_user: 100}'
	swarm many --same --prefix star --users 40 --inflight 40
	holds "$(control_result users.list)" '.users | length == 1' \
		'.users[0].sessions == 40' '.users[0].states | length == 32'
}

@test "LOGOUT and a login elsewhere at the same time leave consistent counts" {
	start_poold
	local i round
	for i in 1 2 3; do
		play_bg "c$i" < <(
			for round in $(seq 100); do
				printf 'c%d: connect\nc%d: < HELLO *\nc%d: > AUTH star -\nc%d: > LOGOUT\nc%d: > QUIT\nc%d: gone\n' \
					"$round" "$round" "$round" "$round" "$round" "$round"
			done
		)
	done
	for i in 1 2 3; do
		play_end "c$i" >/dev/null
	done
	stat_comes total_connections 0
	stat_is active_connections 0
	stat_is user_connections 0
}
