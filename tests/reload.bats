#!/usr/bin/env bats
# reload.bats - the configuration, read again: all or nothing.
load helpers

# value NAME: of a setting
value() {
	control_result settings.get "{\"names\":[\"$1\"]}" | jq -r '.settings[0].value'
}

# value_is NAME VALUE
value_is() {
	same "$2" "$(value "$1")" "$1"
}

# refused TEXT: a reload with the file as it is fails with the text; nothing changes.
refused() {
	run control_call server.reload
	jq -e --arg text "$1" '.error.message | contains($text)' <<<"$output" >/dev/null || {
		echo "wanted \"$1\" in: $output"
		return 1
	}
	value_is connection_timeout 42s
}

@test "SIGHUP reads the file again and connections that exist follow" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		! write_config 'timeouts: {connection_timeout: 42s}'
		! kill -HUP $POOLD_PID
		<* INFO *idle=42000*
	SCRIPT
	value_is connection_timeout 42s
}
export -f write_config

@test "server.reload names what changed, what it dropped and what needs a restart" {
	start_poold 'timeouts: {login_timeout: 5s}'
	set_values ping_timeout=3s
	write_config 'timeouts: {login_timeout: 6s}
workers: 3'
	holds "$(control_result server.reload)" \
		'[.changed[].name] | sort == ["login_timeout","ping_timeout"]' \
		'[.dropped[] | if type == "object" then .name else . end] == ["ping_timeout"]' \
		'[.needs_restart[] | if type == "object" then .name else . end] == ["workers"]'
	value_is login_timeout 6s
	value_is ping_timeout 10s
}

@test "a dry run says the same and changes nothing" {
	start_poold
	write_config 'timeouts: {login_timeout: 6s}'
	holds "$(control_result server.reload '{"dry_run":true}')" '[.changed[].name] == ["login_timeout"]'
	value_is login_timeout 10s
}

@test "an error is told as file:line:column with the value, and the old configuration stays" {
	start_poold 'timeouts: {connection_timeout: 42s}'
	write_config 'timeouts:
  connection_timeout: 5x'
	local line
	line=$(grep -n 5x "$POOLD_CONFIG" | cut -d : -f 1)
	refused "poold.yaml:$line:23:"
	refused "5x"
	write_config 'timeouts:
  conection_timeout: 5s'
	refused "connection_timeout"
	write_config 'pool: {max_connections: 0}'
	refused "max_connections"
}

@test "bad files of every kind are refused, and the daemon goes on" {
	start_poold 'timeouts: {connection_timeout: 42s}'
	local text
	for text in 'bogus: 1' 'timeouts: {connection_timeout: 1s, connection_timeout: 2s}' 'timeouts: 5' \
		'timeouts: [1, 2]' 'pool: {max_connections: many}' 'pool: {max_connections: 99999999999999999999}' \
		'pool: {max_connections: -1}' 'pool: &a {max_connections: 5}' 'pool: *a' $'pool:\n\tmax_connections: 5' \
		'pool: {reuse: maybe}' 'log: {level: loud}' 'timeouts: {connection_timeout: 31d}' \
		'timeouts: {connection_timeout: 50ms}' 'queue: {max_queue: 4KiB}' 'pool: {max_connections: }' \
		'auth: {method: [magic]}' 'control: {mode: 999}' '- a list' 'pool: {' '"unfinished' '? {a: b}' \
		$'---\npool: {}\n---\npool: {}' 'pool: !!binary aGk=' 'listen: 5' 'listen: []' \
		'timeouts: {connection_timeout: 10000000000000000000000s}' 'pool: {max_connections: 1e3}' \
		'pool: {max_connections: 0x10}' 'message: {max_message: 1TiB}'; do
		printf '%s\n' "$text" >"$POOLD_CONFIG"
		refused ''
	done
}

@test "files that are hostile in themselves are refused quickly" {
	start_poold 'timeouts: {connection_timeout: 42s}'
	head -c 200000 /dev/zero | tr '\0' '[' >"$POOLD_CONFIG"
	refused ''
	head -c 5000000 /dev/zero | tr '\0' x >"$POOLD_CONFIG"
	refused ''
	printf 'pool: {max_connections: 5\0}\n' >"$POOLD_CONFIG"
	refused ''
	printf 'node: "\xff\xfe"\n' >"$POOLD_CONFIG"
	refused ''
	rm "$POOLD_CONFIG"
	refused 'poold.yaml'
	mkdir "$POOLD_CONFIG"
	refused 'poold.yaml'
	rmdir "$POOLD_CONFIG"
	mkfifo "$POOLD_CONFIG"
	refused 'poold.yaml'
	rm "$POOLD_CONFIG"
	write_config 'timeouts: {connection_timeout: 43s}'
	control_result server.reload
	value_is connection_timeout 43s
}

@test "a file cut anywhere is refused or read, and never takes the daemon down" {
	start_poold 'timeouts: {connection_timeout: 42s}
pool:
  max_connections: 100
log: {level: info, target: stderr, format: text}'
	local size i
	cp "$POOLD_CONFIG" "$BATS_TEST_TMPDIR/whole"
	size=$(wc -c <"$BATS_TEST_TMPDIR/whole")
	for i in $(seq 0 7 "$size"); do
		head -c "$i" "$BATS_TEST_TMPDIR/whole" >"$POOLD_CONFIG"
		control_call server.reload >/dev/null
	done
	cp "$BATS_TEST_TMPDIR/whole" "$POOLD_CONFIG"
	control_result server.reload
	value_is connection_timeout 42s
	value_is max_connections 100
}

@test "SIGHUP with a bad file changes nothing and says so in the log" {
	start_poold 'timeouts: {connection_timeout: 42s}'
	write_config 'timeouts: {connection_timeout: never}'
	kill -HUP "$POOLD_PID"
	logged 'never'
	value_is connection_timeout 42s
}

@test "operators who do not exist are warned of at the start and at a reload" {
	start_poold
	run ! grep -q 'grants nothing' "$POOLD_LOG"
	write_config "control: {path: $POOLCTL_SOCKET, operator: [no-such-user]}"
	control_result server.reload
	logged 'poold.yaml:[0-9:]*: control.operator: there is no user no-such-user'
	stop_poold
	launch_poold
	logged 'class=start msg=.*there is no user no-such-user'
}

@test "--check-config agrees with what the daemon would do" {
	prepare_poold 'timeouts: {connection_timeout: 42s}'
	run -0 "$POOLD" --check-config -c "$POOLD_CONFIG"
	write_config 'timeouts: {connection_timeout: 5x}'
	run -1 "$POOLD" --check-config -c "$POOLD_CONFIG"
	[[ $output == *"$POOLD_CONFIG:"*:*5x* ]]
	run -1 "$POOLD" --check-config -c "$BATS_TEST_TMPDIR/nowhere"
	[[ $output == *nowhere* ]]
}

@test "reloads under traffic disturb nobody" {
	start_poold
	start_bystanders 100
	local i
	for i in $(seq 30); do
		write_config "timeouts: {connection_timeout: $((100 + i))s}"
		kill -HUP "$POOLD_PID"
		control_result server.reload >/dev/null
	done
	check_bystanders
}

@test "usage errors are exit 2, help and version exit 0" {
	run -2 "$POOLD" --bogus
	run -2 "$POOLD" surplus
	run -0 "$POOLD" --help
	[[ $output == *--check-config* ]]
	run -0 "$POOLD" --version
	[[ $output == poold* ]]
}
