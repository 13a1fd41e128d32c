#!/usr/bin/env bats
# protocol.bats - what a user's program says and hears, verb by verb.
load helpers

setup() {
	start_poold 'timeouts: {login_timeout: 60s}
message: {max_message: 1KiB}
queue: {max_queue: 64KiB}'
}

@test "the greeting names node, connection, methods and limits" {
	play <<-'SCRIPT'
		connect
		<? id ^HELLO poold/1 node=test conn=([0-9]+) auth=trust ping=0 idle=300000 max_line=1024 max_msg=1024$
	SCRIPT
}

@test "connection ids are never used twice" {
	play <<-'SCRIPT'
		a: connect
		a: <? first conn=([0-9]+)
		a: close
		b: connect
		b: <? second conn=([0-9]+)
		! [ %first% -lt %second% ]
	SCRIPT
}

@test "a user logs in with and without a display name" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: <= OK user=alice session=1/1
		b: > AUTH bob - :Bob
		b: <= OK user=bob session=1/1
		c: > AUTH a.b_c@d+e-9 - :用户0 mit Leerzeichen
		c: <= OK user=a.b_c@d+e-9 session=1/1
		! holds "$(control_result connections.show '{"select":["a.b_c@d+e-9"]}')" '.connections[0].display == "用户0 mit Leerzeichen"'
	SCRIPT
}

@test "verbs may be written in any case" {
	play <<-'SCRIPT'
		> auth alice -
		< OK user=alice *
		> PiNg
		<= PONG
		> quit
		bye 100 quit
	SCRIPT
}

@test "lines may end in LF alone, the answer always ends in CRLF" {
	printf 'AUTH alice -\nPING\nSEND alice :x\nQUIT\n' | "$PEER" talk "$PORT" >"$BATS_TEST_TMPDIR/out"
	same "$(wc -l <"$BATS_TEST_TMPDIR/out")" "$(grep -c $'\r$' "$BATS_TEST_TMPDIR/out")"
}

@test "SEND takes an inline payload" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		a: > SEND bob :hello there : you
		a: <= OK 1
		b: <= MSG alice 17
		b: payload hello there : you
	SCRIPT
}

@test "SEND takes a counted payload of any bytes" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		a: >> SEND bob 8\r\na\0\r\n\xff\xfe:b\r\n
		a: <= OK 1
		b: <= MSG alice 8
		b: payload a\0\r\n\xff\xfe:b
		a: >> SEND bob 2\nhi\n
		a: <= OK 1
		b: <= MSG alice 2
		b: payload hi
	SCRIPT
}

@test "an empty payload is a message too, in both forms" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		a: > SEND bob :
		a: <= OK 1
		b: <= MSG alice 0
		b: payload
		a: >> SEND bob 0\r\n\r\n
		a: <= OK 1
		b: <= MSG alice 0
		b: payload
		a: > CAST :
		a: <= OK 1
		b: <= CAST alice 0
		b: payload
	SCRIPT
}

@test "SEND to several counts sessions, each user once, and fails only if nobody is there" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		c: > AUTH carol -
		c: < OK *
		a: > SEND bob,carol,bob,nobody :x
		a: <= OK 2
		b: <= MSG alice 1
		b: payload x
		b: quiet 100
		c: <= MSG alice 1
		c: payload x
		a: > SEND nobody,noone :x
		a: < ERR 404 offline no*
		a: > SEND nobody :x
		a: < ERR 404 offline nobody*
	SCRIPT
}

@test "a user may send to itself" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		a: > SEND alice :x
		a: <* MSG alice 1
		a: payload x
	SCRIPT
}

@test "CAST reaches every other session and not the sender's" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		c: > AUTH carol -
		c: < OK *
		anon: > PING
		anon: <= PONG
		a: > CAST :news
		a: <= OK 2
		b: <= CAST alice 4
		b: payload news
		c: <= CAST alice 4
		c: payload news
		a: quiet 100
		anon: quiet 50
	SCRIPT
}

@test "WHO tells sessions and idle ones" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		a: > WHO alice
		a: <= OK online=1 idle=0
		a: > WHO bob
		a: <= OK online=0 idle=0
		a: > IDLE
		a: <= OK credit=1
		a: > WHO alice
		a: <= OK online=1 idle=1
	SCRIPT
}

@test "PING is answered with its word, before and after the login" {
	play <<-'SCRIPT'
		> PING
		<= PONG
		> PING abc123
		<= PONG abc123
		> AUTH alice -
		< OK *
		> PING x
		<= PONG x
		> PONG whatever
		quiet 100
	SCRIPT
}

@test "QUIET on leaves out the OK of SEND, CAST and ANY but no error" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		a: > QUIET on
		a: <= OK
		a: > SEND bob :1
		a: > CAST :2
		a: > SEND nobody :x
		a: < ERR 404 offline nobody*
		a: > ANY :x
		a: < ERR 404 no-idle*
		a: > WHO bob
		a: < OK online=*
		a: > QUIET off
		a: <= OK
		a: > SEND bob :3
		a: <= OK 1
		b: <= MSG alice 1
		b: payload 1
		b: <= CAST alice 1
		b: payload 2
		b: <= MSG alice 1
		b: payload 3
	SCRIPT
}

@test "LOGOUT keeps the connection, which may log in as somebody else" {
	play <<-'SCRIPT'
		connect
		<? id conn=([0-9]+)
		> AUTH alice -
		< OK user=alice *
		> QUIET on
		<= OK
		> IDLE 5
		<= OK credit=5
		> LOGOUT
		<= OK
		> SEND alice :x
		< ERR 401 auth-required*
		> AUTH bob - :Bob
		<= OK user=bob session=1/1
		> WHO alice
		<= OK online=0 idle=0
		> WHO bob
		<= OK online=1 idle=0
		! [ %id% = "$(control_result connections.list '{"select":["bob"]}' | jq '.connections[0].id')" ]
		# QUIET went with the login
		> SEND bob :x
		<* OK 1
	SCRIPT
	stat_is logins 2
	stat_is logouts 1
}

@test "a tag comes back in front of the reply, errors included" {
	play <<-'SCRIPT'
		> @a1 AUTH alice -
		<= @a1 OK user=alice session=1/1
		> @t SEND nobody :x
		< @t ERR 404 offline nobody*
		> @T2 WHO alice
		<= @T2 OK online=1 idle=0
		> @abcdefghijklmnop QUIET off
		<= @abcdefghijklmnop OK
		> @x IDLE 3
		<= @x OK credit=3
		> @y BUSY
		<= @y OK
		> @z BOGUS
		< @z ERR 400 bad-request*
		>> @c SEND alice 2\r\nhi\r\n
		<* @c OK 1
	SCRIPT
}

@test "a bad tag is a bad request" {
	play <<-'SCRIPT'
		> @ PING
		< *ERR 400 bad-request*
		> @abcdefghijklmnopq PING
		< *ERR 400 bad-request*
		> @a-b PING
		< *ERR 400 bad-request*
		> PING
		<= PONG
	SCRIPT
}

@test "before the login only AUTH, PING, PONG and QUIT are taken" {
	play <<-'SCRIPT'
		> SEND bob :x
		< ERR 401 auth-required*
		> CAST :x
		< ERR 401 auth-required*
		> ANY :x
		< ERR 401 auth-required*
		> WHO bob
		< ERR 401 auth-required*
		> IDLE
		< ERR 401 auth-required*
		> BUSY
		< ERR 401 auth-required*
		> QUIET on
		< ERR 401 auth-required*
		> LOGOUT
		< ERR 401 auth-required*
		>> SEND bob 6\r\nQUIT\r\n\r\n
		< ERR 401 auth-required*
		> PING still-here
		<= PONG still-here
		> QUIT
		bye 100 quit
	SCRIPT
}

@test "a second AUTH is refused, the session stays" {
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		> AUTH bob -
		< ERR 409 already-authenticated*
		> WHO alice
		<= OK online=1 idle=0
	SCRIPT
}

@test "what is no command is 400 and the connection goes on" {
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		> BOGUS
		< ERR 400 bad-request*
		>> \r\n
		< ERR 400 bad-request*
		> AUTH
		< ERR 4*
		> SEND bob
		< ERR 400 bad-request*
		> SEND
		< ERR 400 bad-request*
		> CAST
		< ERR 400 bad-request*
		> WHO
		< ERR 400 bad-request*
		> WHO a b
		< ERR 400 bad-request*
		> QUIET maybe
		< ERR 400 bad-request*
		> IDLE 0
		< ERR 400 bad-request*
		> IDLE 1001
		< ERR 400 bad-request*
		> IDLE x
		< ERR 400 bad-request*
		>  PING
		< ERR 400 bad-request*
		> PING  a
		< ERR 400 bad-request*
		> PING
		<= PONG
	SCRIPT
	[ "$(stat_of bad_commands)" -ge 14 ]
}

@test "a name that is none is 415" {
	play <<-'SCRIPT'
		> AUTH a/b -
		< ERR 415 bad-user*
		> AUTH aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -
		< ERR 415 bad-user*
		> AUTH 用户 -
		< ERR 415 bad-user*
		> AUTH aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -
		< OK user=aaaa*
		> SEND b/c :x
		< ERR 415 bad-user*
		>> SEND b/c 3\r\nabc\r\n
		< ERR 415 bad-user*
		> WHO a,b
		< ERR 4*
		> PING
		<= PONG
	SCRIPT
}

@test "a display name that could mislead is 415" {
	play <<-'SCRIPT'
		>> AUTH a - :\x1b[31mred\r\n
		< ERR 415 bad-user*
		>> AUTH a - :x\xe2\x80\xaey\r\n
		< ERR 415 bad-user*
		>> AUTH a - :x\xd8\x9cy\r\n
		< ERR 415 bad-user*
		>> AUTH a - :x\xe2\x81\xa6y\r\n
		< ERR 415 bad-user*
		>> AUTH a - :x\xc2\x85y\r\n
		< ERR 415 bad-user*
		>> AUTH a - :bad\xff\r\n
		< ERR 415 bad-user*
		>> AUTH a - :\xc0\xaf\r\n
		< ERR 415 bad-user*
		> AUTH a - :
		< ERR 415 bad-user*
		> AUTH a - :שלום 用户0 ok
		< OK user=a *
	SCRIPT
}

@test "a payload above max_message is read, thrown away and 413" {
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		>> SEND alice 1024\r\n
		fill 1024 x
		>> \r\n
		<* MSG alice 1024
		skip 1024
		>> SEND bob 1025\r\n
		fill 1025 x
		>> \r\n
		<* ERR 413 too-big*
		>> @big CAST 8192\r\n
		fill 8192 x
		>> \r\n
		< @big ERR 413 too-big*
		> PING
		<= PONG
	SCRIPT
}

@test "sizes that cannot be framed end the connection" {
	local size
	for size in 05 1234567890 99999999999999999999 -1 +5 5x 0x5 1e3 18446744073709551616; do
		printf '> AUTH alice -\n< OK *\n>> SEND alice %s\\r\\n\n< ERR 400 *\nbye 307 protocol*\n' "$size" | play
	done
	closed_is protocol 9
}

@test "a size far above the limit ends the connection as too big" {
	local size
	for size in 8193 2147483 999999999; do
		printf '> AUTH alice -\n< OK *\n>> SEND alice %s\\r\\n\n< ERR 413 *\nbye 308 too-big*\n' "$size" | play
	done
	closed_is too-big 3
}

@test "a line of 1024 bytes is taken, a longer one ends the connection" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		a: >> SEND alice :
		a: fill 1012 x
		a: >> \r\n
		a: <* MSG alice 1012
		a: skip 1012
		b: > AUTH bob -
		b: < OK *
		b: >> SEND alice :
		b: fill 1013 x
		b: >> \r\n
		b: < ERR 431 line-too-long*
		b: bye 307 protocol*
		c: fill 1025 x
		c: < ERR 431 line-too-long*
		c: bye 307 protocol*
	SCRIPT
}

@test "a hundred commands in one segment are answered in their order" {
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		repeat 100 PING %n%
		<= PONG 1
		<= PONG 2
		<* PONG 99
		<= PONG 100
	SCRIPT
}

@test "a thousand SENDs in one segment arrive in their order" {
	{
		printf 'b: > AUTH bob -\nb: < OK *\na: > AUTH alice -\na: < OK *\n'
		printf 'a: repeat 1000 SEND bob :%%n%%\n'
		local i
		for i in $(seq 1000); do
			printf 'b: <= MSG alice %d\nb: payload %d\na: <= OK 1\n' "${#i}" "$i"
		done
	} | play
}

@test "input before a half-close is carried out and answered" {
	printf 'AUTH alice -\r\nPING last\r\n' | "$PEER" talk "$PORT" --half-close >"$BATS_TEST_TMPDIR/out"
	grep -q 'PONG last' "$BATS_TEST_TMPDIR/out"
	closed_is eof 1
}

@test "INFO tells every session of a parameter of HELLO that has changed" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		! set_values connection_timeout=2m
		a: <* INFO *idle=120000*
		! set_values max_message=8KiB
		a: <* INFO *max_msg=8192*
		! set_values ping_interval=30s
		a: <* INFO *ping=30000*
		new: connect
		new: < HELLO * ping=30000 idle=120000 * max_msg=8192*
	SCRIPT
}

@test "a message from an operator comes from \$op" {
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		! control_result message.send '{"select":["alice"],"data":"hi"}'
		a: <= MSG $op 2
		a: payload hi
		! control_result message.broadcast '{"data_base64":"AP8="}'
		a: <= CAST $op 2
		a: payload \0\xff
	SCRIPT
}

@test "wherever a conversation is cut, its transcript is the same" {
	local file

	# with one worker no broadcast of the conversation before can come late
	stop_poold
	write_config 'message: {max_message: 1KiB}
workers: 1'
	launch_poold
	for file in "$BATS_TEST_DIRNAME"/golden/*.in; do
		"$PEER" splits "$PORT" "$file"
	done
}

@test "the golden conversations have not changed" {
	local file
	for file in "$BATS_TEST_DIRNAME"/golden/*.in; do
		"$PEER" talk "$PORT" <"$file" | tr -d '\r' | sed 's/conn=[0-9]*/conn=N/' >"$BATS_TEST_TMPDIR/out"
		diff "${file%.in}.out" "$BATS_TEST_TMPDIR/out"
	done
}
