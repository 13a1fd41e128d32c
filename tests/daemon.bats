#!/usr/bin/env bats
# daemon.bats - poold as a process: background, service manager, descriptors, rights.
# shellcheck disable=SC2154	# bats sets stderr
load helpers

# launch_in_background: with the configuration written; notes the process by the
# pid the daemon itself tells.
launch_in_background() {
	run --separate-stderr timeout 20 "$POOLD" -c "$POOLD_CONFIG" --daemon
	[ "$status" -eq 0 ] || { echo "$stderr"; return 1; }
	pid=$(control_result server.info | jq .pid)
	note_pid "$pid"
}

@test "--daemon returns once users can connect, and leaves terminal and directory" {
	prepare_poold
	launch_in_background
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	exec 8>&-
	same / "$(readlink "/proc/$pid/cwd")" directory
	same /dev/null "$(readlink "/proc/$pid/fd/0")" stdin
	same /dev/null "$(readlink "/proc/$pid/fd/2")" stderr
	same 0 "$(cut -d ' ' -f 7 "/proc/$pid/stat")" terminal
	kill -TERM "$pid"
	wait_until gone "$pid"
}

@test "--daemon that cannot serve exits 1 with the reason on stderr" {
	start_poold
	printf 'listen: 127.0.0.1:%s\ncontrol: {path: %s}\n' "$PORT" \
		"$BATS_TEST_TMPDIR/other.sock" >"$BATS_TEST_TMPDIR/other.yaml"
	run --separate-stderr timeout 20 "$POOLD" -c "$BATS_TEST_TMPDIR/other.yaml" --daemon
	same 1 "$status" "exit status"
	[[ $stderr == *"127.0.0.1:$PORT"* ]]
}

@test "a relative configuration is found again after --daemon" {
	prepare_poold
	cd "$BATS_TEST_TMPDIR"
	POOLD_CONFIG=poold.yaml launch_in_background
	write_config 'pool: {max_connections: 77}'
	control_result server.reload
	same 77 "$(control_result settings.get '{"names":["max_connections"]}' |
		jq -r '.settings[0].value')" max_connections
	kill -TERM "$pid"
	wait_until gone "$pid"
}

ready_again() {
	[ "$(grep -o READY=1 "$BATS_TEST_TMPDIR/news" | wc -l)" -eq 2 ]
}

@test "the service manager hears of start, reload and stop" {
	command -v nc >/dev/null || skip "needs nc"
	nc -lkuU "$BATS_TEST_TMPDIR/notify" >"$BATS_TEST_TMPDIR/news" 3>&- &
	note_pid $!
	wait_until test -S "$BATS_TEST_TMPDIR/notify"
	export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify
	start_poold
	wait_until grep -q READY=1 "$BATS_TEST_TMPDIR/news"
	kill -HUP "$POOLD_PID"
	wait_until grep -q RELOADING=1 "$BATS_TEST_TMPDIR/news"
	wait_until ready_again
	stop_poold
	wait_until grep -q STOPPING=1 "$BATS_TEST_TMPDIR/news"
}

@test "a socket that the service manager has opened takes the place of the configured one" {
	prepare_poold
	local handed
	handed=$("$PEER" --free-port)
	"$PEER" activate "127.0.0.1:$handed" "$POOLD" -c "$POOLD_CONFIG" 2>>"$POOLD_LOG" 3>&- &
	POOLD_PID=$!
	note_pid "$POOLD_PID"
	wait_until control_answers
	play "127.0.0.1:$handed" <<-'SCRIPT'
		> AUTH bob -
		< OK *
	SCRIPT
	run ! play <<<'connect'
	same "127.0.0.1:$handed" "$(control_result server.info | jq -r '.listeners[0].address')"
	stop_poold
}

@test "few descriptors lower the default limit, with a warning" {
	prepare_poold
	(
		ulimit -n 400
		launch_poold
		control_result settings.get '{"names":["max_connections"]}' |
			jq -e '.settings[0].value | tonumber | . < 400 and . > 100'
		logged 'max_connections: lowered from 65536 to'
		stop_poold
	)
}

@test "a configured limit that descriptors cannot serve is refused" {
	prepare_poold 'pool: {max_connections: 10000}'
	ulimit -n 400
	run --separate-stderr timeout 20 "$POOLD" -c "$POOLD_CONFIG"
	same 1 "$status" "exit status"
	[[ $stderr == *'max_connections: 10000 is not allowed'* ]]
}

@test "a limit that descriptors cannot serve cannot be set" {
	prepare_poold
	(
		ulimit -n 400
		launch_poold
		same bad_value "$(control_kind settings.set '{"values":{"max_connections":"1000"}}')"
		stop_poold
	)
}

@test "started as root, poold becomes the user it is told" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	chmod 711 "$BATS_TEST_TMPDIR"
	start_poold 'user: nobody'
	same "$(id -u nobody)" "$(awk '/^Uid:/ { print $2 }' "/proc/$POOLD_PID/status")" uid
	same 1 "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$POOLD_PID/status")" NoNewPrivs
	same 0000000000000000 \
		"$(awk '/^CapEff:/ { print $2 }' "/proc/$POOLD_PID/status")" CapEff
	stop_poold
}

@test "the log file is given to the user poold becomes" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	chmod 711 "$BATS_TEST_TMPDIR"
	start_poold "user: nobody"$'\n'"log: {target: $BATS_TEST_TMPDIR/file.log}"
	same nobody "$(stat -c %U "$BATS_TEST_TMPDIR/file.log")" owner
	mv "$BATS_TEST_TMPDIR/file.log" "$BATS_TEST_TMPDIR/file.log.1"
	kill -HUP "$POOLD_PID"
	wait_until grep -q 'cannot be reopened: Permission denied; still' "$BATS_TEST_TMPDIR/file.log.1"
	stop_poold
}

@test "an account that does not exist keeps root from starting" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	prepare_poold 'user: no-such-account'
	run --separate-stderr timeout 20 "$POOLD" -c "$POOLD_CONFIG"
	same 1 "$status" "exit status"
	[[ $stderr == *'user: no-such-account: there is no such account'* ]]
}
