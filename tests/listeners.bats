#!/usr/bin/env bats
# listeners.bats - where users come in, and where operators do.
load helpers

# refused TEXT: poold does not start with the configuration, and says TEXT.
refused() {
	run timeout 10 "$POOLD" -c "$POOLD_CONFIG"
	same 1 "$status" "exit status" && [[ $output == *$1* ]] && return 0
	echo "wanted: $1; got: $output"
	return 1
}

@test "IPv4, IPv6 and unix: listeners work side by side" {
	prepare_poold
	write_config "listen:
  - address: 127.0.0.1:$PORT
  - address: '[::1]:$PORT'
  - address: unix:$BATS_TEST_TMPDIR/users.sock"
	launch_poold
	play <<-SCRIPT
		four: > AUTH four -
		four: < OK *
		six: connect address=[::1]:$PORT
		six: < HELLO *
		six: > AUTH six -
		six: < OK *
		local: connect address=unix:$BATS_TEST_TMPDIR/users.sock
		local: < HELLO *
		local: > AUTH local -
		local: < OK *
		local: > SEND four,six :x
		local: <= OK 2
		four: <= MSG local 1
		six: <= MSG local 1
		! control_call connections.list >$BATS_TEST_TMPDIR/list
		! control_result accept.set '{"state":"off","listeners":["[::1]:$PORT"]}'
		! control_result pool.metrics >$BATS_TEST_TMPDIR/metrics
	SCRIPT
	holds "$(jq .result "$BATS_TEST_TMPDIR/list")" '.total == 3' \
		'[.connections[] | select(.ip == "127.0.0.1")] | length == 1' \
		'[.connections[] | select(.ip == "::1")] | length == 1' \
		'[.connections[] | select(.listener | startswith("unix:"))] | length == 1'
	same "poold_listener_accepted_total{listener=\"127.0.0.1:$PORT\"} 1
poold_listener_accepted_total{listener=\"[::1]:$PORT\"} 1
poold_listener_accepted_total{listener=\"unix:$BATS_TEST_TMPDIR/users.sock\"} 1
poold_listener_connections{listener=\"127.0.0.1:$PORT\"} 1
poold_listener_connections{listener=\"[::1]:$PORT\"} 1
poold_listener_connections{listener=\"unix:$BATS_TEST_TMPDIR/users.sock\"} 1
poold_listener_accepting{listener=\"127.0.0.1:$PORT\"} 1
poold_listener_accepting{listener=\"[::1]:$PORT\"} 0
poold_listener_accepting{listener=\"unix:$BATS_TEST_TMPDIR/users.sock\"} 1" \
		"$(jq -r .text "$BATS_TEST_TMPDIR/metrics" | grep ^poold_listener)" "by listener"
	wait_until all_gone
}

# all_gone: what each listener has had is still counted, and nobody is there.
all_gone() {
	control_result pool.metrics | jq -r .text | awk '/^poold_listener_accepted_total/ { had += $NF }
		/^poold_listener_connections/ { has += $NF } END { exit had != 3 || has != 0 }'
}

@test "the listeners stand in server.info" {
	start_poold
	holds "$(control_result server.info)" \
		"[.listeners[] | tostring | contains(\"127.0.0.1:$PORT\")] | any"
}

@test "a listener's unix socket gets the mode it was given and goes with the daemon" {
	prepare_poold
	write_config "listen:
  - {address: 'unix:$BATS_TEST_TMPDIR/users.sock', mode: 0600}"
	launch_poold
	same 600 "$(stat -c %a "$BATS_TEST_TMPDIR/users.sock")" mode
	stop_poold
	[ ! -e "$BATS_TEST_TMPDIR/users.sock" ]
}

@test "why a start failed is on stderr, wherever the log goes" {
	start_poold
	POOLD_CONFIG=$BATS_TEST_TMPDIR/second.yaml
	cat >"$POOLD_CONFIG" <<-YAML
		listen: [127.0.0.1:$PORT]
		control: {path: $BATS_TEST_TMPDIR/second.sock}
		log: {target: $BATS_TEST_TMPDIR/second.log}
	YAML
	refused "127.0.0.1:$PORT: another process listens there"
	grep -q "level=error.*another process listens there" "$BATS_TEST_TMPDIR/second.log"
}

@test "a second daemon at the same address is refused, naming it" {
	start_poold
	sed "s|ctl.sock|other.sock|" "$POOLD_CONFIG" >"$BATS_TEST_TMPDIR/other.yaml"
	run timeout 10 "$POOLD" -c "$BATS_TEST_TMPDIR/other.yaml"
	same 1 "$status" "exit status"
	[[ $output == *"127.0.0.1:$PORT"* ]]
	control_answers
}

@test "a second daemon at the same unix listener is refused, and the first goes on" {
	prepare_poold
	write_config "listen:
  - address: unix:$BATS_TEST_TMPDIR/users.sock"
	launch_poold
	sed "s|ctl.sock|other.sock|" "$POOLD_CONFIG" >"$BATS_TEST_TMPDIR/other.yaml"
	run timeout 10 "$POOLD" -c "$BATS_TEST_TMPDIR/other.yaml"
	same 1 "$status" "exit status"
	[[ $output == *users.sock* ]]
	printf '> AUTH alice -\n< OK *\n' | play "unix:$BATS_TEST_TMPDIR/users.sock"
}

@test "a second daemon at the same control socket is refused, and the first goes on" {
	start_poold
	local inode other
	inode=$(stat -c %i "$POOLCTL_SOCKET")
	other=$(free_port)
	sed "s|:$PORT|:$other|" "$POOLD_CONFIG" >"$BATS_TEST_TMPDIR/other.yaml"
	run timeout 10 "$POOLD" -c "$BATS_TEST_TMPDIR/other.yaml"
	same 1 "$status" "exit status"
	[[ $output == *ctl.sock* ]]
	same "$inode" "$(stat -c %i "$POOLCTL_SOCKET")" "inode of the socket"
	control_answers
}

@test "of two daemons started at once exactly one lives" {
	prepare_poold
	local one two first second
	for _ in $(seq "$(scaled 10)"); do
		"$POOLD" -c "$POOLD_CONFIG" 2>"$BATS_TEST_TMPDIR/one.log" 3>&- &
		one=$!
		"$POOLD" -c "$POOLD_CONFIG" 2>"$BATS_TEST_TMPDIR/two.log" 3>&- &
		two=$!
		note_pid "$one"
		note_pid "$two"
		wait_until one_of_two_gone "$one" "$two"
		wait_until control_answers
		if gone "$one"; then
			first=$one second=$two
		else
			first=$two second=$one
		fi
		ended_with 1 "$first"
		control_answers
		kill -TERM "$second"
		ended_with 0 "$second"
	done
}

# ended_with STATUS PID
ended_with() {
	local status=0

	wait "$2" || status=$?
	same "$1" "$status" "exit status"
}

one_of_two_gone() {
	gone "$1" || gone "$2"
}

@test "a stale control socket is replaced after a crash, with nothing to do by hand" {
	start_poold
	for _ in $(seq "$(scaled 10)"); do
		kill -KILL "$POOLD_PID"
		wait "$POOLD_PID" || true
		[ -S "$POOLCTL_SOCKET" ]
		launch_poold
	done
}

@test "what is no socket at the control path is refused and left alone" {
	prepare_poold
	echo precious >"$BATS_TEST_TMPDIR/file"
	local kind
	for kind in file directory symlink dangling fifo; do
		rm -rf "$POOLCTL_SOCKET"
		case $kind in
		file) cp "$BATS_TEST_TMPDIR/file" "$POOLCTL_SOCKET" ;;
		directory) mkdir "$POOLCTL_SOCKET" ;;
		symlink) ln -s "$BATS_TEST_TMPDIR/file" "$POOLCTL_SOCKET" ;;
		dangling) ln -s "$BATS_TEST_TMPDIR/nothing" "$POOLCTL_SOCKET" ;;
		fifo) mkfifo "$POOLCTL_SOCKET" ;;
		esac
		stat -c '%F %i' "$POOLCTL_SOCKET" >"$BATS_TEST_TMPDIR/before"
		refused ctl.sock
		stat -c '%F %i' "$POOLCTL_SOCKET" | diff - "$BATS_TEST_TMPDIR/before"
		same precious "$(cat "$BATS_TEST_TMPDIR/file")"
		[ ! -e "$BATS_TEST_TMPDIR/nothing" ]
	done
}

@test "a control path that is too long is a clear error" {
	prepare_poold
	write_config "control: {path: $BATS_TEST_TMPDIR/$(text_of 108)}"
	refused "107 bytes"
}

@test "the mode of the control socket is right from its first appearance" {
	local mask
	prepare_poold
	for mask in 000 022 077; do
		(
			umask "$mask"
			exec "$POOLD" -c "$POOLD_CONFIG" 2>>"$POOLD_LOG" 3>&-
		) &
		POOLD_PID=$!
		note_pid "$POOLD_PID"
		until [ -e "$POOLCTL_SOCKET" ]; do
			gone "$POOLD_PID" && return 1
		done
		same 660 "$(stat -c %a "$POOLCTL_SOCKET")" "mode with umask $mask"
		wait_until control_answers
		stop_poold
		[ ! -e "$POOLCTL_SOCKET" ]
	done
}

@test "the mode of the control socket is what the configuration says" {
	prepare_poold
	write_config "control: {path: $POOLCTL_SOCKET, mode: 0600}"
	launch_poold
	same 600 "$(stat -c %a "$POOLCTL_SOCKET")" mode
}

@test "listen addresses that are none are refused, naming them" {
	local address
	prepare_poold
	for address in 127.0.0.1 127.0.0.1:99999 localhost:7420 '[::1:7420' 'unix:' ':7420x'; do
		write_config "listen:
  - address: '$address'"
		refused "$address"
	done
}
