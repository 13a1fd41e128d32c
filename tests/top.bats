#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031	# each test is a subshell, and that is meant
# top.bats - the pool at a glance: on a terminal, and as text and JSON for scripts.
load helpers
load poolctl

setup() {
	PTY=${PTY:-$(dirname "$POOLD")/tests/pty}
	export HOME=$BATS_TEST_TMPDIR TERM=xterm
	cd "$BATS_TEST_TMPDIR" || return 1
}

top() {
	"$PTY" -t 30 "$POOLCTL" top --interval 200ms
}

@test "top shows states, rates and lists, keys choose the order, and q restores the screen" {
	start_poold 'node: here'
	online alice bob
	play <<-'EOF'
		one: > AUTH carol -
		one: < OK *
		two: > AUTH carol -
		two: < OK *
		one: <* BYE *
		two: > QUIT
		two: <* BYE *
	EOF
	"$PTY" -t 30 bash --norc --noprofile -i <<-'SCRIPT'
		screen bash-
		send PS1='sh: '\r
		row sh:
		send "$POOLCTL" top --interval 200ms\r
		screen on here, up
		screen : 2 connections of
		screen states  active 2
		screen logins/s            0.0 ▁▁▁
		screen messages in/s
		screen [qUeue]  Rtt   Bytes
		screen  USER
		screen  alice
		screen  bob
		gone sh:
		shell printf '> AUTH dave -\n< OK *\n' | "$PEER" script "$PORT"
		screen █
		send \eOQ\e[15~\e[1;5Q\e[[Q\eQ\e[f\eb
		send b
		screen  Rtt  [Bytes]  Messages
		screen IN/S
		send f
		screen [Flaps]
		screen USER   ENDS  REPLACED  LAST
		screen carol     2         1
		send \e
		shell sleep 0.3
		send i
		screen [Idle]
		screen alice
		resize 40 10
		screen logins/s
		gone [Flaps]
		screen q quit   qUeue   Rtt   Bytes   M
		resize 100 30
		screen STATE
		screen [Idle]
		send \x1a
		row sh:
		gone logins/s
		send fg\r
		screen [Idle]
		send q
		row sh:
		screen Stopped
		gone logins/s
		send stty -a | grep -o ' icanon'; exit $?\r
		expect icanon
		status 0
	SCRIPT
}

@test "top goes on while the daemon is frozen, gone, or another one" {
	start_poold
	online alice
	note_pid "$POOLD_PID"
	cat >restart <<-SCRIPT
		kill -CONT $POOLD_PID
		kill -TERM $POOLD_PID
		while kill -0 $POOLD_PID 2>/dev/null; do sleep 0.03; done
	SCRIPT
	cat >again <<-SCRIPT
		"$POOLD" -c "$POOLD_CONFIG" 2>>"$POOLD_LOG" 3>&- &
		echo \$! >>"$BATS_TEST_TMPDIR/pids"
	SCRIPT
	top <<-SCRIPT
		screen alice
		shell kill -STOP $POOLD_PID
		screen trying again, q quits: poold has not answered for
		send m
		screen [Messages]
		shell kill -CONT $POOLD_PID
		gone has not answered
		shell bash ./restart
		screen trying again, q quits: cannot connect
		send r
		screen [Rtt]
		shell bash ./again
		screen : 0 connections of
		screen nobody is connected
		gone trying again
		signal INT
		status 130
	SCRIPT
	POOLD_PID=$(tail -n 1 "$BATS_TEST_TMPDIR/pids")
	kill -TERM "$POOLD_PID"
	wait_until gone "$POOLD_PID"
	POOLD_PID=
}

@test "top -b prints so many samples as text or JSON" {
	start_poold
	swarm talkers --users 20 --talkers 20 --every 20
	status_of 0 top -b -n 2 --interval 300ms --sort messages -L 5
	same 2 "$(grep -c '^messages in/s  *[1-9]' <<<"$output")"
	same 2 "$(grep -c ' USER .* MSGS/S' <<<"$output")"
	same 27 "$(wc -l <<<"$output")" 'lines: two pages of 13 and a blank one'
	[[ $output != *$'\e'* ]]
	status_of 0 top -b -n 2 --interval 1s --sort bytes --json
	same 2 "$(wc -l <<<"$output")"
	holds "$(tail -n 1 <<<"$output")" '.sort == "bytes"' '.messages_in_per_s > 0' \
		'.stats.active_connections == 20' '.connections | length == 20' \
		'[.connections[] | .in_per_s + .out_per_s] | . == (sort | reverse) and min > 0' '.time > "2026"'
	holds "$(printf 'top -b -n 1 --interval 100ms --sort flaps\n' | poolctl_lines)" \
		'.ok' '.result.samples[0].users == []'
	swarm_stop talkers
}

poolctl_lines() {
	"$POOLCTL" -o jsonl -f -
}

@test "the list of top is in the order that was asked for" {
	start_poold
	online alice bob
	for sort in queue rtt drops idle age; do
		status_of 0 top -b -n 1 --interval 100ms --sort "$sort" --json
		holds "$output" ".sort == \"$sort\"" '.connections | length == 2'
	done
	same '["alice","bob"]' "$(jq -c '[.connections[].user]' <<<"$output")" 'age'
}

@test "without a terminal that can show it, top says that it needs -b" {
	start_poold
	status_of 2 top
	said_like '*-b prints*'
	for term in '' dumb; do
		TERM=$term top <<-'SCRIPT'
			expect -b prints text
			status 2
		SCRIPT
	done
	NO_COLOR=1 top <<-'SCRIPT'
		screen nobody is connected
		send q
		status 0
	SCRIPT
	status_of 2 top -n 2
	status_of 2 top -b --sort size
	status_of 2 top -b --interval 10ms
	status_of 2 top -b -o yaml
	status_of 3 top -b -n 1 -s none.sock
}
