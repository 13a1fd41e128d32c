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
