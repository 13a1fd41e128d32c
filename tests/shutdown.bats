#!/usr/bin/env bats
# shutdown.bats - the end, in order.
load helpers
load poolctl

@test "TERM: everybody gets BYE 500 with a slot of his own, listeners are closed, exit 0" {
	start_poold
	local n
	n=$(scaled 500)
	swarm many --users "$n"
	kill -TERM "$POOLD_PID"
	wait_poold
	holds "$(swarm_stop many)" ".bye == {\"500\": $n}" '.cut == 0' '.online == 0'
	[ ! -e "$POOLCTL_SOCKET" ]
}

@test "with shutdown_grace the ends are spread evenly over it" {
	start_poold 'timeouts: {shutdown_grace: 3s}'
	local n report
	n=$(scaled 1000)
	swarm many --users "$n"
	kill -TERM "$POOLD_PID"
	swarm_waits many empty
	wait_poold
	report=$(swarm_stop many)
	holds "$report" ".bye == {\"500\": $n}" '.cut == 0' '.bye_span_ms >= 2000' '.bye_span_ms <= 4500' \
		".bye_peak_per_100ms <= $n / 8"
}

@test "a second TERM ends it at once" {
	start_poold 'timeouts: {shutdown_grace: 60s}'
	swarm many --users 100
	kill -TERM "$POOLD_PID"
	play_refused
	kill -TERM "$POOLD_PID"
	wait_poold
	holds "$(swarm_stop many)" '.online == 0'
}

# New connections are no longer accepted.
play_refused() {
	wait_until refused
}

refused() {
	! printf 'connect\n< HELLO *\n' | play 2>/dev/null
}

@test "what was queued is flushed before the BYE" {
	start_poold
	play <<-'SCRIPT'
		b: > AUTH bob -
		b: < OK *
		a: > AUTH alice -
		a: < OK *
		a: > QUIET on
		a: < OK
		a: repeat 200 SEND bob :hello
		a: > PING
		a: <* PONG
		! kill -TERM $POOLD_PID
		b: < MSG alice 5
		b: payload hello
		timeout 10000
		b: <* BYE 500 shutdown *
		b: eof
	SCRIPT
	wait_poold
}

@test "server.shutdown with a text tells it to everybody" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		! control_result server.shutdown '{"text":"back at noon"}'
		a: < BYE 500 shutdown *:back at noon
		a: eof
	SCRIPT
	wait_poold
}

@test "server.shutdown now does not wait" {
	start_poold 'timeouts: {shutdown_grace: 60s}'
	swarm many --users 50
	control_result server.shutdown '{"now":true}'
	wait_poold
	swarm_stop many >/dev/null
}

@test "server.shutdown with a grace spreads the ends over it" {
	start_poold
	swarm many --users 100
	control_result server.shutdown '{"grace_s":1}'
	swarm_waits many empty
	wait_poold
	holds "$(swarm_stop many)" '.bye == {"500": 100}' '.bye_span_ms >= 500'
}

@test "a shutdown that is called off leaves who is there, and lets others in again" {
	prepare_poold
	write_config "listen:
  - {address: '127.0.0.1:$PORT', name: tcp}
  - {address: 'unix:$BATS_TEST_TMPDIR/users.sock', name: local}
  - {address: '127.0.0.1:$(free_port)', name: off}"
	launch_poold
	local left
	swarm many --users 100 --inflight 20
	status_of 0 accept off off
	for _ in 1 2; do
		status_of 0 shutdown --grace 300s --text soon
		play_refused
		holds "$(ctl status)" '.status == "draining"' 'all(.listeners[]; .accepting | not)'
		status_of 1 accept on
		wait_until some_have_ended
		status_of 0 shutdown --abort --comment 'found it'
		[[ $output =~ ^the\ shutdown\ is\ called\ off,\ ([0-9]+)\ connections\ are\ left$ ]]
		left=${BASH_REMATCH[1]}
		play <<-SCRIPT
			t: > AUTH tina -
			t: < OK *
			u: connect address=unix:$BATS_TEST_TMPDIR/users.sock
			u: < HELLO *
			u: > AUTH uwe -
			u: < OK *
			u: > SEND tina :there
			t: < MSG uwe 5
		SCRIPT
	done
	online_is "$(jq .online <<<"$(swarm_now many)")"
	holds "$(swarm_now many)" '.online > 50' '.online < 100' ".online <= $left" '.cut == 0'
	holds "$(ctl status)" '.status == "degraded"' '[.listeners[].accepting] == [true, true, false]'
	status_of 1 shutdown --abort
	said 'poolctl: shutdown: poold is not shutting down: there is nothing to call off'
	status_of 2 shutdown --abort --now
	status_of 5 --as operator shutdown --abort
	holds "$(events_of lifecycle | jq -cs 'map(.what)')" \
		'map(select(. == "shutdown called off")) | length == 2'
	stop_poold
	swarm_stop many >/dev/null
}

some_have_ended() {
	[ "$(stat_of closed.shutdown)" -gt 0 ]
}

@test "a shutdown that the service manager knows of cannot be called off" {
	command -v nc >/dev/null || skip "needs nc"
	prepare_poold 'timeouts: {shutdown_grace: 60s}'
	nc -lkuU "$BATS_TEST_TMPDIR/notify" >"$BATS_TEST_TMPDIR/news" 3>&- &
	note_pid $!
	wait_until test -S "$BATS_TEST_TMPDIR/notify"
	export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify
	launch_poold
	online alice
	status_of 0 shutdown --grace 30s
	wait_until grep -q 'STATUS=stopping' "$BATS_TEST_TMPDIR/news"
	status_of 0 shutdown --abort
	wait_until grep -q 'STATUS=serving' "$BATS_TEST_TMPDIR/news"
	run ! grep -q STOPPING "$BATS_TEST_TMPDIR/news"
	kill -TERM "$POOLD_PID"
	wait_until grep -q STOPPING=1 "$BATS_TEST_TMPDIR/news"
	status_of 1 shutdown --abort
	said 'poolctl: shutdown: too late: the service manager has been told that poold stops'
	status_of 0 shutdown --now
	wait_poold
}

@test "clients that do not read cannot hold the end up" {
	start_poold 'timeouts: {linger_timeout: 500ms}
queue: {max_queue: 64MiB}'
	swarm deaf --users 10 --prefix deaf --deaf --rcvbuf 4096
	{
		printf '> AUTH caster -\n< OK *\n> QUIET on\n< OK\n'
		printf 'repeat 3000 CAST :%s\n' "$(text_of 1000)"
		printf '> PING\n<* PONG\n'
	} | play
	local start=$SECONDS
	stop_poold
	[ "$((SECONDS - start))" -le 6 ]
	swarm_stop deaf >/dev/null
}

@test "a storm of connections during the end is served or refused, none stays open" {
	start_poold 'timeouts: {shutdown_grace: 1s}'
	swarm_begin storm --same --prefix star --users 50 --attempts 100000
	sleep 0.3
	kill -TERM "$POOLD_PID"
	wait_poold
	swarm_stop storm >/dev/null
	wait_until refused
}

@test "start and stop, again and again, at the same port" {
	prepare_poold
	for _ in $(seq "$(scaled 10)"); do
		launch_poold
		swarm some --users 20
		stop_poold
		swarm_stop some >/dev/null
	done
}
