#!/usr/bin/env bats
# timeouts.bats - deadlines: what they count, when they fire, live changes.
load helpers

@test "login_timeout counts from accept, whatever the client says meanwhile" {
	start_poold 'timeouts: {login_timeout: 1500ms}'
	play <<-'SCRIPT'
		connect
		mark
		< HELLO *
		> PING
		< PONG
		sleep 300
		> WHO me
		< ERR 401*
		sleep 200
		> PING
		< PONG
		bye 200 login-timeout *
		elapsed 1400 20000
	SCRIPT
}

@test "after LOGOUT login_timeout starts anew" {
	start_poold 'timeouts: {login_timeout: 1s}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		sleep 1200
		> LOGOUT
		< OK
		mark
		bye 200 login-timeout *
		elapsed 900 20000
	SCRIPT
}

@test "PING counts as a command for connection_timeout, PONG does not" {
	start_poold 'timeouts: {connection_timeout: 1500ms}'
	play <<-'SCRIPT'
		ping: > AUTH pinger -
		ping: < OK *
		pong: > AUTH ponger -
		pong: < OK *
		mark
		sleep 700
		ping: > PING
		ping: < PONG
		pong: > PONG
		sleep 500
		ping: > PING
		ping: < PONG
		pong: > PONG
		sleep 500
		ping: > PING
		ping: < PONG
		pong: bye 201 idle-timeout *
		elapsed 1400 20000
		ping: > QUIT
		ping: bye 100
	SCRIPT
}

@test "messages that arrive do not keep a silent session alive" {
	start_poold 'timeouts: {connection_timeout: 3s}'
	play <<-'SCRIPT'
		silent: > AUTH silent -
		silent: < OK *
		a: > AUTH alice -
		a: < OK *
		mark
		sleep 2000
		a: > SEND silent :x
		a: < OK 1
		silent: < MSG *
		silent: payload x
		silent: bye 201 idle-timeout *
		elapsed 2800 4900
	SCRIPT
}

@test "a connection_timeout lowered live ends the silent ones and spares the others" {
	local talkers silent
	talkers=$(scaled 400)
	silent=$(scaled 100)
	start_poold 'timeouts: {connection_timeout: 300s}'
	swarm chatty --users "$talkers" --talkers "$talkers" --every 500 --prefix c
	swarm silent --users "$silent" --prefix s
	set_values connection_timeout=2s >/dev/null
	stat_comes closed.idle-timeout "$silent"
	swarm_waits silent empty
	holds "$(swarm_stop silent)" ".bye == {\"201\": $silent}"
	holds "$(swarm_stop chatty)" ".online == $talkers" '.bye == {}' '.lost == 0' '.missing == 0'
	stat_is closed.idle-timeout "$silent"
}

@test "a lowered timeout ends at once who has been silent for longer" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		sleep 400
		! set_values connection_timeout=200ms
		mark
		<* BYE 201 idle-timeout *
		eof
		elapsed 0 20000
	SCRIPT
}

@test "a raised timeout saves who would have ended" {
	start_poold 'timeouts: {connection_timeout: 1500ms}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		sleep 300
		! set_values connection_timeout=60s
		< INFO *idle=60000*
		quiet 1600
		> PING
		< PONG
	SCRIPT
}

@test "a timeout of 0 is off" {
	start_poold 'timeouts: {connection_timeout: 0s, login_timeout: 0s, write_timeout: 0s}'
	play <<-'SCRIPT'
		connect
		< HELLO * idle=0 *
		quiet 400
		> AUTH alice -
		< OK *
		quiet 400
	SCRIPT
}

@test "the health check measures the round trip and needs no other traffic" {
	start_poold 'timeouts: {ping_interval: 150ms, ping_timeout: 5s}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		<? word ^PING (.+)$
		> PONG %word%
		<? again ^PING (.+)$
		> PONG %again%
		! holds "$(control_result connections.show '{"select":["alice"]}')" '.connections[0].rtt_s >= 0' '.connections[0].rtt_s < 2'
	SCRIPT
	[ "$(stat_of pings)" -ge 2 ]
}

@test "input of any kind puts the next health check off" {
	start_poold 'timeouts: {ping_interval: 1s, ping_timeout: 5s}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		sleep 300
		> PING
		< PONG
		sleep 300
		> PING
		< PONG
		sleep 300
		> PING
		< PONG
		quiet 200
		< PING *
	SCRIPT
}

@test "a wrong PONG does not answer the health check" {
	start_poold 'timeouts: {ping_interval: 200ms, ping_timeout: 400ms}'
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		< PING *
		> PONG certainly-not-this
		<* BYE 202 ping-timeout *
		eof
	SCRIPT
}

@test "max_lifetime counts from accept and spares nobody" {
	start_poold 'timeouts: {max_lifetime: 1500ms}'
	play <<-'SCRIPT'
		connect
		mark
		< HELLO *
		> AUTH alice -
		< OK *
		sleep 400
		> PING
		< PONG
		sleep 300
		> PING
		< PONG
		bye 204 lifetime *
		elapsed 1400 20000
	SCRIPT
}

@test "linger_timeout bounds the farewell to a client that does not read" {
	start_poold 'timeouts: {linger_timeout: 300ms}
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
		a: repeat 20000 SEND deaf :$(text_of 200)
		a: > WHO deaf
		a: <= OK online=1 idle=0
		mark
		! control_result connections.kick '{"select":["deaf"]}'
		a: > WHO deaf
		a: <= OK online=0 idle=0
		! stat_comes total_connections 1
		elapsed 200 20000
	SCRIPT
}

@test "hundreds of slow talkers end at their deadline and disturb nobody" {
	start_poold 'timeouts: {login_timeout: 1s}'
	start_bystanders 100
	local n
	n=$(scaled 500)
	swarm slow --users "$n" --anonymous
	closed_is login-timeout "$n"
	check_bystanders
	swarm_stop slow >/dev/null
}
