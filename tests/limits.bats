#!/usr/bin/env bats
# limits.bats - how many connections, sessions and addresses, under a rush too.
load helpers

# sum_of EXPRESSION: over the reports of all swarms.
sum_of() {
	jq -s "map($1) | add" "$BATS_TEST_TMPDIR"/report.*
}

@test "three processes rush a pool of 100, round after round, and exactly 100 get in" {
	start_poold 'pool: {max_connections: 100}'
	local round i
	for round in 1 2 3 4 5; do
		for i in 1 2 3; do
			swarm_begin "rush$i" --users 100 --prefix "p$i-" --inflight 100
		done
		for i in 1 2 3; do
			swarm_waits "rush$i" ready
		done
		stat_is active_connections 100
		for i in 1 2 3; do
			swarm_stop "rush$i" >"$BATS_TEST_TMPDIR/report.$i"
		done
		same 100 "$(sum_of .logins)" "logins in round $round"
		same 200 "$(sum_of '.bye["304"] // 0')" "refusals in round $round"
		stat_comes total_connections 0
	done
	stat_is rejected.pool-full "$((200 * round))"
	stat_is logins "$((100 * round))"
}

@test "lowering max_connections ends nobody and lets nobody in until there is room" {
	local n
	n=$(scaled 500)
	start_poold
	swarm full --users "$n" --prefix f
	set_values "max_connections=$((n / 5))" >"$BATS_TEST_TMPDIR/set"
	holds "$(cat "$BATS_TEST_TMPDIR/set")" ".changed[0].current == $n" \
		".changed[0].limit == $((n / 5))" ".changed[0].over_by == $((n - n / 5))"
	stat_is active_connections "$n"
	play <<-'SCRIPT'
		> AUTH newcomer -
		bye 304 pool-full *
	SCRIPT
	holds "$(swarm_stop full)" ".online == $n"
	stat_comes active_connections 0
	play <<-'SCRIPT'
		> AUTH newcomer -
		< OK *
	SCRIPT
}

@test "above accept_rate each login has a slot of its own, and who obeys gets in at the rate" {
	local n
	n=$(scaled 100)
	start_poold 'pool: {accept_rate: 1, max_unauthenticated: 1000}'
	play <<-'SCRIPT'
		a: > AUTH a -
		a: < OK *
		b: > AUTH b -
		b: <? one ^ERR 503 busy retry=([0-9]+)$
		c: > @c AUTH c -
		c: <? two ^@c ERR 503 busy retry=([0-9]+)$
		! [ %one% -gt 0 ] && [ %two% -gt %one% ]
		b: > AUTH b -
		b: < ERR 503 busy retry=*
		b: > PING
		b: < PONG
		! set_values accept_rate=0
		c: > AUTH c -
		c: < OK *
	SCRIPT
	stat_is logins_delayed 2
	set_values "accept_rate=$((n / 2))"
	swarm_begin storm --users "$n" --inflight "$n" --obey
	swarm_waits storm ready
	holds "$(swarm_stop storm)" ".online == $n" ".logins == $n" '.login_span_ms >= 1000' \
		'.bye == {}' ".err[\"503\"] >= $n / 2"
}

@test "who would wait too long for accept_rate is sent away until there is room" {
	start_poold 'pool: {accept_rate: 20, max_unauthenticated: 40}'
	swarm_begin storm --users 30 --inflight 30 --obey
	swarm_waits storm ready
	holds "$(swarm_stop storm)" '.online == 30' '.logins == 30' '.login_span_ms >= 1000' \
		'.bye["304"] > 0' '.cut == 0' '.bye["205"] == null' '.bye["200"] == null'
	[ "$(events_of reject | jq -r .reason | sort -u)" = pool-full ]
	[ "$(stat_of logins_delayed)" -ge 20 ]
}

@test "in a full pool a user may replace its own session" {
	start_poold 'pool: {max_connections: 2}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		a2: > AUTH alice -
		a2: <= OK user=alice session=1/1 replaced=1
		a: bye 301 replaced *
		c: > AUTH carol -
		c: bye 304 pool-full *
		b: > QUIT
		b: bye 100
		c: connect
		c: < HELLO *
		c: > AUTH carol -
		c: < OK *
	SCRIPT
}

@test "a place is free again after a logout" {
	start_poold 'pool: {max_connections: 1}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		a: > LOGOUT
		a: < OK
		b: > AUTH bob -
		b: < OK *
		a: > AUTH alice -
		a: bye 304 pool-full *
	SCRIPT
}

# As many as the limit, once the evictions under way are done.
few_are_anonymous() {
	[ "$(stat_of connections_by_state.connected)" -le "$(scaled 500)" ]
}

@test "an honest user logs in beside thousands of silent connections" {
	local n
	n=$(scaled 2000)
	start_poold "pool: {max_unauthenticated: $(scaled 500)}
timeouts: {login_timeout: 60s}"
	swarm silent --users "$n" --anonymous
	play <<-'SCRIPT'
		mark
		> AUTH honest -
		< OK *
		elapsed 0 20000
	SCRIPT
	wait_until few_are_anonymous
	# the honest one may have left the anonymous before its eviction of another was due
	[ "$(stat_of closed.evicted)" -ge "$((n - $(scaled 500)))" ]
	swarm_stop silent >/dev/null
}

@test "logged-in sessions do not count as anonymous and are never evicted" {
	start_poold 'pool: {max_unauthenticated: 2}'
	swarm users --users 20 --prefix u --inflight 1
	holds "$(swarm_now users)" '.online == 20' '.bye == {}'
	stat_is closed.evicted 0
	swarm_stop users >/dev/null
}

@test "a user may have as many sessions as max_sessions_per_user, the oldest goes first" {
	start_poold 'pool: {max_sessions_per_user: 2}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: <= OK user=alice session=1/2
		b: > AUTH alice -
		b: <= OK user=alice session=2/2
		c: > AUTH alice -
		c: <= OK user=alice session=2/2 replaced=1
		a: bye 301 replaced *
		d: > AUTH dora -
		d: < OK *
		d: > SEND alice :both
		d: <= OK 2
		b: <= MSG dora 4
		c: <= MSG dora 4
		d: > WHO alice
		d: <= OK online=2 idle=0
	SCRIPT
}

@test "max_per_address counts connections, gives places back and knows addresses apart" {
	start_poold 'pool: {max_per_address: 5}'
	swarm one --users 5 --prefix a --sources 1 --source-net 1
	swarm two --users 5 --prefix b --sources 1 --source-net 2
	swarm three --users 3 --prefix c --sources 1 --source-net 1
	holds "$(swarm_stop three)" '.online == 0' '.bye["303"] == 3'
	holds "$(swarm_stop one)" '.online == 5'
	stat_comes total_connections 5
	swarm four --users 5 --prefix d --sources 1 --source-net 1
	holds "$(swarm_stop four)" '.online == 5'
	swarm_stop two >/dev/null
}

@test "limits changed again and again under reconnecting clients never stop the pool" {
	start_poold
	swarm_begin churn --same --prefix one --users 20 --attempts 1000000
	local i
	for i in $(seq 30); do
		set_values "max_connections=$((RANDOM % 40 + 1))" "max_unauthenticated=$((RANDOM % 40 + 1))" >/dev/null
	done
	set_values max_connections=100 max_unauthenticated=100 >/dev/null
	swarm_stop churn >/dev/null
	stat_comes total_connections 0
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
	SCRIPT
}

@test "few descriptors: the limits follow, and everybody else is evicted or refused in order" {
	prepare_poold
	printf '#!/bin/sh\nulimit -n 200\nexec %s "$@"\n' "$POOLD" >"$BATS_TEST_TMPDIR/few"
	chmod +x "$BATS_TEST_TMPDIR/few"
	POOLD=$BATS_TEST_TMPDIR/few launch_poold
	local most
	most=$(control_result pool.stats | jq .max_connections)
	[ "$most" -lt 200 ]
	logged 'max_connections: lowered'
	swarm many --users 150 --inflight 20
	[ "$(stat_of active_connections)" -le "$most" ]
	holds "$(swarm_stop many)" '.online > 0' '.online + .ended == 150'
	stat_comes total_connections 0
	play <<-'SCRIPT'
		> AUTH honest -
		< OK *
	SCRIPT
}

@test "a configured limit that descriptors cannot serve is refused" {
	prepare_poold 'pool: {max_connections: 1000}'
	# shellcheck disable=SC2016	# for sh
	run -1 sh -c 'ulimit -n 200; exec "$POOLD" -c "$POOLD_CONFIG"'
	[[ $output == *max_connections* ]]
	start_poold
	same bad_value "$(control_kind settings.set '{"values":{"max_connections":16000000}}')"
}

@test "a limit that nobody has chosen makes room for one that somebody sets" {
	start_poold
	local most
	most=$(control_result pool.stats | jq .max_connections)
	[ "$most" -lt 65536 ] || skip "descriptors for everybody"
	holds "$(set_values max_unauthenticated=3000)" 'any(.changed[]; .name == "max_unauthenticated" and .new == "3000")'
	[ "$(stat_of max_connections)" -lt "$most" ]
	control_result settings.unset '{"names":["max_unauthenticated"]}'
	stat_is max_connections "$most"
	set_values "max_connections=$((most + 100))"
	same bad_value "$(control_kind settings.set "{\"values\":{\"max_connections\":$((most + 100)),\"max_unauthenticated\":60000}}")"
}

@test "without descriptors accepting pauses, costs no processor, and goes on later" {
	command -v prlimit >/dev/null || skip "needs prlimit"
	start_poold
	local before ticks
	swarm first --users 50 --prefix f
	prlimit --pid "$POOLD_PID" --nofile=100:
	swarm_begin many --users 100 --inflight 100 --prefix m
	# not asked of the daemon: operators cannot come in either
	logged 'cannot accept'
	before=$(cpu_ticks)
	sleep 1 # measured: what it costs to wait
	ticks=$(($(cpu_ticks) - before))
	[ "$ticks" -le 20 ]
	[ "$(grep -c class=accept "$POOLD_LOG")" -lt 100 ]
	swarm_stop first >/dev/null
	swarm_stop many >/dev/null
	stat_comes total_connections 0
	[ "$(stat_of accept_pauses)" -gt 0 ]
	play <<-'SCRIPT'
		> AUTH honest -
		< OK *
	SCRIPT
}

# Hundredths of a second of processor time that poold has used.
cpu_ticks() {
	awk '{ print $14 + $15 }' "/proc/$POOLD_PID/stat"
}
