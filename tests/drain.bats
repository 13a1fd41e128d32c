#!/usr/bin/env bats
# drain.bats - to empty a daemon, in part or whole: drain, accept, wait.
load helpers
load poolctl

# -- accept -------------------------------------------------------------------

@test "accept off lets who comes wait, on one listener, and on serves them" {
	prepare_poold
	local other
	other=$(free_port)
	write_config "listen:
  - {address: '127.0.0.1:$PORT', name: front}
  - {address: '127.0.0.1:$other', name: back}"
	launch_poold
	play <<-SCRIPT
		a: > AUTH alice -
		a: < OK *
		! same 'accept is off on front' "\$("$POOLCTL" accept off front --comment upgrade)"
		! same 'accept is off there already' "\$("$POOLCTL" accept off front)"
		w: connect
		w: quiet 300
		b: connect address=127.0.0.1:$other
		b: < HELLO *
		b: > AUTH bob -
		b: < OK *
		b: > SEND alice :hi
		b: < OK 1
		a: < MSG bob 2
		a: payload hi
		! control_result server.reload
		w: quiet 100
		! "$POOLCTL" accept on
		w: < HELLO *
		w: > AUTH walter -
		w: < OK *
	SCRIPT
	holds "$(events_of lifecycle | jq -cs 'map(select(.what == "accept"))')" \
		'map([.state, .listeners[]]) == [["off", "front"], ["on", "front"]]' \
		'.[0].comment == "upgrade"' '.[0].uid >= 0'
}

@test "accept is shown where one looks, and takes only names of listeners" {
	start_poold
	online alice
	status_of 2 accept off 127.0.0.1:1
	said_like 'poolctl: accept off: no listener "127.0.0.1:1"*nothing was changed*'
	status_of 2 accept
	status_of 5 --as viewer accept off
	holds "$(ctl status)" '.status == "ok"' '.listeners[0].accepting'
	status_of 0 accept off
	holds "$(ctl status)" '.status == "degraded"' '.listeners[0].accepting == false' \
		'.checks[] | select(.name == "listeners") | .ok == false'
	status_of 0 status
	[[ $output == *"listens on 127.0.0.1:$PORT, accept is off"* ]]
	stat_is active_connections 1
	stop_poold
	launch_poold
	holds "$(ctl status)" '.listeners[0].accepting'
}

# -- drain --------------------------------------------------------------------

# drain_is STATE
drain_is() {
	same "$1" "$(control_result drain.status | jq -r .state)" "state of the drain"
}

some_are_drained() {
	[ "$(stat_of closed.drained)" -ge 2 ]
}
export -f some_are_drained

@test "a drain of everybody is announced, spread over its time, and each has a slot of his own" {
	start_poold
	local n
	n=$(scaled 100)
	holds "$(ctl drain status)" '.state == "none"' '.started_at == null'
	same 'drain: none' "$(poolctl drain)"
	swarm many --users "$n"
	play <<-SCRIPT
		a: connect
		a: < HELLO *max_msg=65536
		a: > AUTH alice -
		a: < OK *
		! same "draining $((n + 1)) connections over 2s" "\$("$POOLCTL" drain start --all --over 2s --yes --reason upgrade --comment deploy)"
		a: <? after ^INFO drain=1 after=([0-9]+)$
		! [ %after% -gt 1000 ] && [ %after% -le 2000 ]
		! same draining "\$(ctl status | jq -r .status)"
		! same conflict "\$(control_kind drain.start '{"all":true,"over_s":1}')"
		b: connect
		b: < HELLO *max_msg=65536 drain=1
		b: > AUTH bob -
		b: < OK *
		a: <? retry ^BYE 401 drained retry=([0-9]+) :upgrade$
		! [ %retry% -gt 1900 ] && [ %retry% -le 2000 ]
		b: < INFO drain=0
		b: > SEND bob :still here
		b: < MSG bob 10
	SCRIPT
	wait_until drain_is "done"
	holds "$(swarm_stop many)" ".bye == {\"401\": $n}" '.cut == 0' '.bye_span_ms >= 1000' \
		".bye_peak_per_100ms <= $n / 3"
	holds "$(ctl drain status)" '.all' ".selected == $n + 1" ".ended == $n + 1" \
		'.left == 0' '.gone == 0' '.comment == "deploy"' '.by | test("^uid [0-9]+$")'
	holds "$(events_of drain | jq -cs .)" 'map(.what) == ["start", "done"]' \
		".[0].left == $n + 1" ".[1].ended == $n + 1" '.[0].comment == "deploy"'
	stat_is closed.drained "$((n + 1))"
}

@test "a cancelled drain says how many it ended, and the rest stay and talk" {
	start_poold
	local n result left
	n=$(scaled 100)
	swarm many --users "$n"
	play <<-SCRIPT
		a: > AUTH alice -
		a: < OK *
		! "$POOLCTL" drain start --all --over 20s --yes
		! wait_until some_are_drained
		! "$POOLCTL" drain cancel -o json --comment 'not today' >"$BATS_TEST_TMPDIR/cancel"
		a: <* INFO drain=0
		a: > SEND alice :well
		a: < MSG alice 4
	SCRIPT
	result=$(cat "$BATS_TEST_TMPDIR/cancel")
	holds "$result" '.state == "cancelled"' '.ended >= 2' '.left > 0' \
		".ended + .left == $n + 1"
	left=$(jq .left <<<"$result")
	online_is "$((left - 1))" # alice has gone
	holds "$(control_result message.broadcast '{"data":"x"}')" ".count == $left - 1"
	holds "$(swarm_stop many)" ".online == $left - 1"
	holds "$(events_of drain | jq -cs .)" '.[-1].what == "cancelled"' ".[-1].left == $left"
	status_of 1 drain cancel
	said 'poolctl: drain cancel: no drain is under way'
	holds "$(ctl status)" '.status == "ok"'
}

@test "a drain of some ends those only, and tells nobody else" {
	start_poold
	swarm them --users 20 --prefix a-
	swarm others --users 20 --prefix b-
	play <<-SCRIPT
		b: > AUTH bob -
		b: < OK *
		! same no_match "\$(control_kind drain.start '{"select":["user~^x"],"over_s":1}')"
		! same conflict "\$(control_kind drain.start '{"select":["user~^a-"],"over_s":1,"expect":19}')"
		! same limit "\$(control_kind drain.start '{"select":["user~^a-"],"over_s":1,"max":19}')"
		! holds "\$(ctl drain start user~^a- --over 1s --dry-run)" '.count == 20' '.token | length > 0'
		! [ -z "\$(events_of drain)" ]
		! "$POOLCTL" drain start user~^a- --over 500ms --expect 20 --retry never
		c: connect
		c: < HELLO *max_msg=65536
		! swarm_waits them empty
		b: > PING
		b: < PONG
	SCRIPT
	holds "$(swarm_stop them)" '.bye == {"401": 20}' '.online == 0'
	holds "$(swarm_stop others)" '.bye == {}' '.online == 20'
}

@test "drain wants to know whom and over what time, and an operator" {
	start_poold
	online alice bob
	status_of 2 drain start alice
	said_like '*over what time?*'
	status_of 2 drain start --over 1s
	status_of 2 drain start user~b --over 1s
	said_like '*confirm with --yes*'
	status_of 2 drain start alice --over 50ms
	said_like '*over_s is 0.1 seconds to 30 days'
	status_of 5 --as viewer drain start alice --over 1s
	status_of 5 --as viewer drain cancel
	status_of 0 drain status
	same "drain: none" "$output"
	status_of 0 drain start alice --over 100ms
	heard alice 'BYE 401 drained retry=100'
	wait_until drain_is "done"
	# a preview of everybody is a drain of everybody
	local token
	token=$(control_result drain.start '{"all":true,"over_s":9,"dry_run":true}' | jq -r .token)
	holds "$(control_result drain.start "{\"token\":\"$token\",\"over_s\":9}")" '.all' '.selected == 1'
	ctl drain cancel
	status_of 7 drain start nobody bob --over 100ms --yes
	wait_until drain_is "done"
	status_of 0 drain status
	[[ $output == "drain: done"*"1 of 1 ended, 0 had gone, 0 left"*"by       $(id -un 2>/dev/null || id -u)" ]]
	heard bob 'BYE 401 drained retry=100'
}

# -- wait ---------------------------------------------------------------------

# wait_bg NAME CONDITION…: poolctl wait in the background; looked NAME: it has looked
# at how things are; ended NAME: its status.
wait_bg() {
	local name=$1
	shift
	{
		local status=0
		"$POOLCTL" --trace wait "$@" >"$BATS_TEST_TMPDIR/$name.said" \
			2>"$BATS_TEST_TMPDIR/$name.err" 3>&- || status=$?
		echo "$status" >"$BATS_TEST_TMPDIR/$name.status"
	} &
	note_pid $!
}

looked() {
	wait_until grep -q '"result"' "$BATS_TEST_TMPDIR/$1.err"
}

ended() {
	wait_until test -s "$BATS_TEST_TMPDIR/$1.status"
	cat "$BATS_TEST_TMPDIR/$1.status"
}

@test "wait ends when it is so, and with 1 when it is not so in time" {
	start_poold
	status_of 0 wait running
	status_of 0 wait offline:alice
	status_of 0 wait connections=0 --for 0s
	status_of 1 wait online:alice --for 300ms -t 20s
	said 'poolctl: wait: online:alice: not reached within 300ms: alice is offline'
	wait_bg on online:alice
	wait_bg more 'connections>1' --for 20s
	online alice
	same 0 "$(ended on)"
	status_of 1 wait connections=0 --for 0s
	said_like '*not reached within 0s: there are 1'
	wait_bg off offline:alice --for 20s
	wait_bg none connections=0 --for 20s -o json
	swarm another --users 1
	same 0 "$(ended more)"
	[ ! -e "$BATS_TEST_TMPDIR/none.status" ]
	control_result connections.kick '{"all":true}'
	same 0 "$(ended off)"
	same 0 "$(ended none)"
	holds "$(cat "$BATS_TEST_TMPDIR/none.said")" '.condition == "connections=0"' '.waited_s > 0'
}

@test "wait drained ends with the drain, however it ends" {
	start_poold
	online alice bob carol
	status_of 1 wait drained
	said 'poolctl: wait: drained: no drain has been started'
	ctl drain start bob carol --over 600s --yes
	status_of 1 wait running --for 0s
	wait_bg drained drained
	looked drained
	ctl drain cancel
	same 1 "$(ended drained)"
	grep -q 'the drain is cancelled, 2 are left' "$BATS_TEST_TMPDIR/drained.err"
	ctl drain start alice --over 500ms
	status_of 0 wait drained --for 20s
	[[ $output == "drained, after "* ]]
	stat_is active_connections 2
}

@test "when the daemon ends nobody is left, and the rest waits for it to come back" {
	prepare_poold
	status_of 3 wait connections=0 --for 5s
	status_of 1 wait running --for 300ms
	said_like '*running: not reached within 300ms: cannot connect to*no such file*'
	wait_bg running running --for 20s
	launch_poold
	same 0 "$(ended running)"
	online alice
	wait_bg none connections=0
	wait_bg off offline:alice
	wait_bg bob online:bob
	looked none
	looked off
	looked bob
	stop_poold
	same 0 "$(ended none)"
	same 0 "$(ended off)"
	[ ! -e "$BATS_TEST_TMPDIR/bob.status" ]
	launch_poold
	online bob
	same 0 "$(ended bob)"
}

@test "a daemon that is frozen has not gone" {
	start_poold
	online alice
	wait_bg none connections=0 --for 3s -t 300ms
	looked none
	kill -STOP "$POOLD_PID"
	same 1 "$(ended none)"
	kill -CONT "$POOLD_PID"
	grep -q 'not reached within 3s' "$BATS_TEST_TMPDIR/none.err"
}

@test "wait takes only conditions that there are" {
	start_poold
	status_of 2 wait
	status_of 2 wait drianed
	said_like 'poolctl: wait: no condition "drianed" (did you mean drained?)*'
	status_of 2 wait connections=x
	status_of 2 wait 'online:a b'
	status_of 2 wait connections=0 --for x
	status_of 0 wait connections=-1 --as viewer
	status_of 5 wait drained --as viewer
	wait_bg never online:nobody
	looked never
	pid=$(pgrep -P "$(tail -n 1 "$BATS_TEST_TMPDIR/pids")" -f 'wait online:nobody')
	kill -INT "$pid"
	same 130 "$(ended never)"
}
