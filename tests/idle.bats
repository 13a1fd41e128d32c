#!/usr/bin/env bats
# idle.bats - the idle pool: IDLE, BUSY, ANY, credits, order.
load helpers

@test "ANY goes to exactly one session, the one idle for longest" {
	start_poold
	play <<-'SCRIPT'
		w1: > AUTH worker1 -
		w1: < OK *
		w2: > AUTH worker2 -
		w2: < OK *
		w1: > IDLE
		w1: <= OK credit=1
		w2: > IDLE
		w2: <= OK credit=1
		boss: > AUTH boss -
		boss: < OK *
		boss: > ANY :job1
		boss: <= OK worker1
		w1: <= ANY boss 4
		w1: payload job1
		boss: >> ANY 4\r\njob2\r\n
		boss: <= OK worker2
		w2: <= ANY boss 4
		w2: payload job2
		boss: > ANY :job3
		boss: < ERR 404 no-idle*
		w1: quiet 50
		w2: quiet 50
	SCRIPT
	stat_is jobs 2
	stat_is idle_available 0
}

@test "a session takes as many jobs as its credit says, then has to ask again" {
	start_poold
	play <<-'SCRIPT'
		w: > AUTH worker -
		w: < OK *
		w: > IDLE 2
		w: <= OK credit=2
		boss: > AUTH boss -
		boss: < OK *
		boss: > ANY :1
		boss: <= OK worker
		boss: > WHO worker
		boss: <= OK online=1 idle=1
		boss: > ANY :2
		boss: <= OK worker
		boss: > ANY :3
		boss: < ERR 404 no-idle*
		w: <= ANY boss 1
		w: payload 1
		w: <= ANY boss 1
		w: payload 2
		boss: > WHO worker
		boss: <= OK online=1 idle=0
		w: > IDLE
		w: <= OK credit=1
		boss: > ANY :3
		boss: <= OK worker
	SCRIPT
}

@test "with credit left a session goes to the end of the line" {
	start_poold
	play <<-'SCRIPT'
		w1: > AUTH worker1 -
		w1: < OK *
		w1: > IDLE 3
		w1: < OK credit=3
		w2: > AUTH worker2 -
		w2: < OK *
		w2: > IDLE 3
		w2: < OK credit=3
		boss: > AUTH boss -
		boss: < OK *
		boss: > ANY :a
		boss: <= OK worker1
		boss: > ANY :b
		boss: <= OK worker2
		boss: > ANY :c
		boss: <= OK worker1
		boss: > ANY :d
		boss: <= OK worker2
	SCRIPT
}

@test "IDLE while idle sets the credit and keeps the place" {
	start_poold
	play <<-'SCRIPT'
		w1: > AUTH worker1 -
		w1: < OK *
		w1: > IDLE
		w1: < OK credit=1
		w2: > AUTH worker2 -
		w2: < OK *
		w2: > IDLE
		w2: < OK credit=1
		w1: > IDLE 5
		w1: < OK credit=5
		boss: > AUTH boss -
		boss: < OK *
		boss: > ANY :a
		boss: <= OK worker1
		boss: > ANY :b
		boss: <= OK worker2
		boss: > ANY :c
		boss: <= OK worker1
	SCRIPT
}

@test "BUSY, LOGOUT and the end of the connection leave the line" {
	start_poold
	play <<-'SCRIPT'
		boss: > AUTH boss -
		boss: < OK *
		w: > AUTH worker -
		w: < OK *
		w: > IDLE 10
		w: < OK credit=10
		! stat_is idle_available 1
		w: > BUSY
		w: <= OK
		! stat_is idle_available 0
		boss: > ANY :x
		boss: < ERR 404 no-idle*
		w: > BUSY
		w: <= OK
		w: > IDLE
		w: < OK credit=1
		w: > LOGOUT
		w: <= OK
		boss: > ANY :x
		boss: < ERR 404 no-idle*
		w: > AUTH worker -
		w: < OK *
		w: > IDLE
		w: < OK credit=1
		w: reset
		! stat_comes idle_available 0
		boss: > ANY :x
		boss: < ERR 404 no-idle*
	SCRIPT
}

@test "ANY never returns to its own sender" {
	start_poold
	play <<-'SCRIPT'
		w: > AUTH worker -
		w: < OK *
		w: > IDLE 5
		w: < OK credit=5
		w: > ANY :mine
		w: < ERR 404 no-idle*
		other: > AUTH other -
		other: < OK *
		other: > IDLE
		other: < OK credit=1
		w: > ANY :yours
		w: <= OK other
	SCRIPT
}

@test "an idle session is still online for SEND and CAST, and shown as idle" {
	start_poold
	play <<-'SCRIPT'
		w: > AUTH worker -
		w: < OK *
		w: > IDLE 5
		w: < OK credit=5
		a: > AUTH alice -
		a: < OK *
		a: > SEND worker :x
		a: <= OK 1
		a: > CAST :y
		a: <= OK 1
		! holds "$(control_result connections.list '{"select":["state=idle"]}')" '.total == 1' '.connections[0].user == "worker"' '.connections[0].credit == 5'
		! holds "$(control_result pool.stats)" '.connections_by_state.idle == 1' '.connections_by_state.active == 1' '.active_connections == 2'
	SCRIPT
}

@test "an operator gives a job with message.any" {
	start_poold
	same no_match "$(control_kind message.any '{"data":"x"}')"
	play <<-'SCRIPT'
		w: > AUTH worker -
		w: < OK *
		w: > IDLE
		w: < OK credit=1
		! holds "$(control_result message.any '{"data":"job"}')" '.user == "worker"' '.id > 0'
		w: <= ANY $op 3
		w: payload job
	SCRIPT
}

@test "with reuse off nobody can be idle" {
	start_poold 'pool: {reuse: false}'
	play <<-'SCRIPT'
		> AUTH worker -
		< OK *
		> IDLE
		< ERR 403 forbidden*
		> ANY :x
		< ERR 40? *
	SCRIPT
}

@test "fewer idle sessions than min_idle is an event, once each time" {
	start_poold 'pool: {min_idle: 1}'
	play <<-'SCRIPT'
		boss: > AUTH boss -
		boss: < OK *
		w: > AUTH worker -
		w: < OK *
		w: > IDLE
		w: < OK credit=1
		boss: > ANY :1
		boss: <= OK worker
		w: > IDLE
		w: <* OK credit=1
		boss: > ANY :2
		boss: <= OK worker
	SCRIPT
	stat_comes idle_low 2
	same 2 "$(events_of idle_low | wc -l)" "idle_low events"
}

@test "many bosses and many workers: each job is done by exactly one" {
	start_poold
	swarm workers --users 20 --prefix w --idle
	local i
	for i in 1 2 3 4; do
		play_bg "boss$i" < <(
			printf '> AUTH boss%d -\n< OK *\nrepeat 500 ANY :x\n' "$i"
			seq 500 | sed 's/.*/< OK w*/'
		)
	done
	for i in 1 2 3 4; do
		play_end "boss$i" >/dev/null
	done
	stat_is jobs 2000
	stat_comes messages_out 2000
	holds "$(swarm_stop workers)" '.online == 20'
}
