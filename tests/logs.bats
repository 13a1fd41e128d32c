#!/usr/bin/env bats
# logs.bats - where the log goes, what it looks like, and that it never blocks.
load helpers

# A login and a quit, so that there is something to say.
something() {
	play <<-'SCRIPT'
		> AUTH alice - :Al
		< OK *
		> QUIT
		bye 100
	SCRIPT
}

@test "logfmt: every line has time, level and msg" {
	start_poold 'log: {level: debug}'
	something
	stop_poold
	grep -q alice "$POOLD_LOG"
	run ! grep -qvE '^time=[0-9-]+T[0-9:.]+Z level=(error|warn|info|debug) .*msg=' "$POOLD_LOG"
}

@test "json: every line is an object with time, level and msg" {
	start_poold 'log: {level: debug, format: json}'
	something
	stop_poold
	grep -q '^{' "$POOLD_LOG"
	# what is said before the configuration has been read is plain text
	holds "$(grep '^{' "$POOLD_LOG" | jq -cs .)" 'all(.[]; .time and .level and .msg)' 'length > 1'
}

@test "a file takes the log, also when it is moved away and HUP comes" {
	start_poold "log: {target: $BATS_TEST_TMPDIR/file.log, level: debug}"
	something
	wait_until grep -q alice "$BATS_TEST_TMPDIR/file.log"
	mv "$BATS_TEST_TMPDIR/file.log" "$BATS_TEST_TMPDIR/file.log.1"
	kill -HUP "$POOLD_PID"
	wait_until test -e "$BATS_TEST_TMPDIR/file.log"
	something
	wait_until grep -q alice "$BATS_TEST_TMPDIR/file.log"
}

@test "level and format may be changed live" {
	start_poold 'log: {level: error}'
	something
	run ! grep -q alice "$POOLD_LOG"
	holds "$(control_result log.set '{"level":"debug"}')" '.old == "error"' '.new == "debug"'
	something
	logged alice
	set_values format=json
	something
	logged '^{.*alice'
}

@test "a level set for a time goes back by itself" {
	start_poold
	control_result log.set '{"level":"debug","for_s":1.5}'
	# one for good that is refused leaves it as it was
	control_result settings.set '{"values":{"rate":5},"confirm_s":60}'
	same conflict "$(control_kind log.set '{"level":"error"}')"
	logged 'the log level is info again'
	holds "$(control_result log.set '{"level":"warn","for_s":60}')" '.old == "info"'
}

@test "what users and operators say cannot write into the log as it likes" {
	start_poold 'log: {level: debug}'
	play <<-'SCRIPT'
		>> \x1b[31mEVIL\x07\r\n
		< ERR 4*
		>> AUTH a - :\x1b]0;title\x07\r\n
		< ERR 415*
		> AUTH alice - :שלום
		< OK *
		! control_call connections.kick '{"select":["alice"],"reason":"line\ntime=x level=error msg=forged \u001b[31m\u202e\u009b","comment":"c\u0007\n"}'
	SCRIPT
	stop_poold
	[ "$(LC_ALL=C grep -Pc '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$POOLD_LOG")" -eq 0 ]
	iconv -f utf-8 -t utf-8 "$POOLD_LOG" >/dev/null
	run ! grep -q '^time=x' "$POOLD_LOG"
}

@test "a reason of a kick cannot forge protocol lines" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		! control_call connections.kick '{"select":["alice"],"reason":"bye\r\nMSG root 4\r\nevil"}' >/dev/null
		sleep 100
		! control_call connections.kick '{"select":["alice"],"ignore_missing":true}' >/dev/null
		< BYE 400 kicked *
		eof
	SCRIPT
}

@test "a flood of lines of one kind is cut short, and the rest is counted" {
	start_poold
	swarm churn --users 100
	swarm_stop churn >/dev/null
	stat_comes total_connections 0
	stop_poold
	[ "$(grep -c class=closed "$POOLD_LOG")" -lt 400 ]
	grep -q suppressed "$POOLD_LOG"
}

@test "nobody reads stderr, and the daemon goes on" {
	prepare_poold 'log: {level: debug}'
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	exec 7<>"$BATS_TEST_TMPDIR/fifo"
	cat <&7 >/dev/null 3>&- 7>&- &
	local reader=$!
	note_pid "$reader"
	kill -STOP "$reader"
	"$POOLD" -c "$POOLD_CONFIG" 2>&7 3>&- 7>&- &
	export POOLD_PID=$!
	note_pid "$POOLD_PID"
	exec 7>&-
	: >"$POOLD_LOG"
	wait_until control_answers
	swarm many --users 100 --talkers 100 --every 50
	local i
	for i in $(seq 5); do
		swarm churn --users 100 --prefix "c$i-" --inflight 100
		swarm_stop churn >/dev/null
	done
	holds "$(swarm_stop many)" '.online == 100' '.lost == 0' '.missing == 0'
	kill -KILL "$reader"
	something
	stop_poold
}
