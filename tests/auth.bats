#!/usr/bin/env bats
# auth.bats - who may log in: password file, trust, reload.
load helpers

# entry USER PASSWORD [FLAGS]: a line of the password file
entry() {
	printf '%s:%s%s\n' "$1" "$(printf '%s\n' "$2" | "$POOLD" --hash-password)" "${3:+:$3}"
}

start_with_passwords() {
	# hashing is slow by design: on a busy machine it must not meet login_timeout
	prepare_poold 'auth: {method: [password], password_file: users}
timeouts: {login_timeout: 5m}'
	{
		entry alice wonder
		entry bob builder
	} >"$BATS_TEST_TMPDIR/users"
	chmod 600 "$BATS_TEST_TMPDIR/users"
	launch_poold
}

@test "the right password logs in, the greeting names the method" {
	start_with_passwords
	play <<-'SCRIPT'
		connect
		< HELLO * auth=password *
		> AUTH alice wonder :Alice
		<= OK user=alice session=1/1
		b: > AUTH bob builder
		b: < OK user=bob *
	SCRIPT
}

@test "--hash-password makes salted entries and never shows the password" {
	prepare_poold
	local one two
	one=$(printf 'secret\n' | "$POOLD" --hash-password)
	two=$(printf 'secret\n' | "$POOLD" --hash-password)
	[ "$one" != "$two" ]
	[[ $one == \$* ]]
	[[ $one != *secret* ]]
}

@test "a wrong password and an unknown user get the same words" {
	start_with_passwords
	play <<-'SCRIPT' >"$BATS_TEST_TMPDIR/out"
		a: > AUTH alice wrong
		a: < ERR 402 auth-failed*
		b: > AUTH nobody wrong
		b: < ERR 402 auth-failed*
		a: > AUTH alice wonder
		a: < OK *
	SCRIPT
	same 1 "$(sed -n 's/^.< \(ERR .*\)/\1/p' "$BATS_TEST_TMPDIR/out" | sort -u | wc -l)"
	stat_is auth_failures 2
	stat_is logins 1
}

@test "three failures end the connection, two do not" {
	start_with_passwords
	play <<-'SCRIPT'
		> AUTH alice 1
		< ERR 402 auth-failed*
		> AUTH nobody 2
		< ERR 402 auth-failed*
		> PING
		< PONG
		> AUTH bob 3
		< ERR 402 auth-failed*
		bye 300 auth-failed retry=never*
	SCRIPT
	stat_is auth_failures 3
}

@test "commands sent behind AUTH wait for its answer" {
	start_with_passwords
	play <<-'SCRIPT'
		>> AUTH alice wonder\r\nPING behind\r\nSEND alice :x\r\n@t WHO alice\r\n
		< OK user=alice *
		<= PONG behind
		<* @t OK online=1 idle=0
	SCRIPT
}

@test "a tagged AUTH is answered with its tag" {
	start_with_passwords
	play <<-'SCRIPT'
		> @one AUTH alice wrong
		< @one ERR 402 auth-failed*
		> @two AUTH alice wonder
		<= @two OK user=alice session=1/1
	SCRIPT
}

@test "a changed password file counts after a reload" {
	start_with_passwords
	entry carol newcomer >"$BATS_TEST_TMPDIR/users"
	play <<-'SCRIPT'
		a: > AUTH alice wonder
		a: < OK *
		a: > LOGOUT
		a: < OK
		! control_result server.reload
		a: > AUTH alice wonder
		a: < ERR 402 auth-failed*
		c: > AUTH carol newcomer
		c: < OK *
	SCRIPT
}

@test "a bad password file is refused at a reload and the old one stays" {
	start_with_passwords
	echo 'this is no entry' >"$BATS_TEST_TMPDIR/users"
	run control_result server.reload
	[ "$status" -ne 0 ]
	[[ $output == *users* ]]
	play <<-'SCRIPT'
		> AUTH alice wonder
		< OK *
	SCRIPT
}

@test "a missing password file keeps poold from starting" {
	prepare_poold 'auth: {method: [password], password_file: nowhere}'
	run "$POOLD" -c "$POOLD_CONFIG"
	[ "$status" -eq 1 ]
	[[ $output == *nowhere* ]]
}

@test "trust is refused beyond this machine unless it is allowed" {
	prepare_poold
	sed -i 's/127\.0\.0\.1:/0.0.0.0:/' "$POOLD_CONFIG"
	run "$POOLD" --check-config -c "$POOLD_CONFIG"
	[ "$status" -eq 1 ]
	[[ $output == *trust* ]]
	echo 'auth: {allow_remote_trust: true}' >>"$POOLD_CONFIG"
	launch_poold
	logged "may log in as anybody: auth.method trust"
}

@test "a flood of logins is answered in the end, with OK or busy, and others go on" {
	start_with_passwords
	play <<-'SCRIPT' >/dev/null
		watcher: > AUTH bob builder
		watcher: < OK *
	SCRIPT
	# more than the helpers take at once; a loaded machine has seconds for each hash
	local n=8
	swarm_begin flood --same --prefix alice --secret wrong --users "$n" --inflight "$n"
	play <<-'SCRIPT'
		mark
		> PING
		< PONG
		elapsed 0 20000
	SCRIPT
	wait_until -t 240 answered "$n"
	swarm_stop flood >/dev/null
}

# answered N: so many of the swarm have had an answer.
answered() {
	holds "$(swarm_now flood)" "([.err[]] | add) >= $1"
}

@test "a client that goes while its password is checked does no harm" {
	start_with_passwords
	local i
	{
		for i in $(seq 20); do
			printf 'c%d: > AUTH alice wonder\nc%d: reset\n' "$i" "$i"
		done
	} | play
	wait_until -t 60 stat_is total_connections 0
	stat_is active_connections 0
	play <<-'SCRIPT'
		> AUTH alice wonder
		< OK *
	SCRIPT
}
