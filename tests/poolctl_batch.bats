#!/usr/bin/env bats
# poolctl_batch.bats - commands from a file or from stdin.
load helpers
load poolctl

# batch OPTION… <lines
batch() {
	local status=0
	"$POOLCTL" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	echo "$status" >"$BATS_TEST_TMPDIR/status"
}

ended() {
	same "$1" "$(cat "$BATS_TEST_TMPDIR/status")" status || {
		cat "$BATS_TEST_TMPDIR/stderr"
		return 1
	}
}

out() {
	same "$1" "$(cat "$BATS_TEST_TMPDIR/out")" stdout
}

@test "stdin that is no terminal holds commands, and the first error ends it" {
	start_poold
	printf 'stats\nbogus\nusers\n' | batch
	ended 2
	said_like 'stdin:2: bogus: unknown command*'
	grep -q total_connections "$BATS_TEST_TMPDIR/out"
	run ! grep -q USER "$BATS_TEST_TMPDIR/out"
}

@test "a file of commands, with comments, CRLF, a byte order mark and no last newline" {
	start_poold
	online alice bob
	printf '# who is here\r\n\r\ncount\r\n  count alice   # one\ncount nobody' \
		>"$BATS_TEST_TMPDIR/commands"
	batch -f "$BATS_TEST_TMPDIR/commands"
	ended 0
	out $'2\n1\n0'
	batch - <"$BATS_TEST_TMPDIR/commands"
	out $'2\n1\n0'
	# the mark of UTF-8 that some editors write is no part of the first word
	{
		printf '\xef\xbb\xbfcount alice\n'
		cat "$BATS_TEST_TMPDIR/commands"
	} | batch -f -
	out $'1\n2\n1\n0'
	text_of 200000 | batch
	ended 2
	said "stdin:1: $(text_of 76)…: unknown command; see \"help\""
}

@test "quotes and backslashes are those of the prompt" {
	start_poold
	online alice
	printf "send alice 'one  two'\nsend alice \"it's\"\nsend alice three\\\\ four\n" | batch
	ended 0
	stat_is messages_out 3
}

@test "a message names the file and the line" {
	start_poold
	printf 'count\nkick nobody\ncount\n' >"$BATS_TEST_TMPDIR/commands"
	batch -f "$BATS_TEST_TMPDIR/commands"
	ended 4
	said "$BATS_TEST_TMPDIR/commands:2: kick: user \"nobody\" is not online"
	out 0
}

@test "-k goes on after an error and ends with 7" {
	start_poold
	printf 'count\nbogus\nkick nobody\ncount\n' | batch -k
	ended 7
	out $'0\n0'
	same 2 "$(wc -l <"$BATS_TEST_TMPDIR/stderr")"
}

@test "a line that begins with a minus may fail" {
	start_poold
	printf -- '-kick nobody\ncount\n' | batch
	ended 0
	out 0
}

@test "a NUL byte and an open quote are errors" {
	start_poold
	printf 'count\0\n' | batch
	ended 2
	printf 'count "x\n' | batch
	ended 2
	said 'stdin:1: a quote that is not closed'
}

@test "with jsonl every command yields one record" {
	start_poold
	printf 'count\n\n# nothing\nkick nobody\n-bogus\nlist\nevents --no-follow --last 1\n' |
		batch -k -o jsonl
	ended 7
	same '[1,4,5,6,7]' "$(jq -sc 'map(.line)' "$BATS_TEST_TMPDIR/out")"
	same '[true,false,false,true,true]' "$(jq -sc 'map(.ok)' "$BATS_TEST_TMPDIR/out")"
	holds "$(jq -s . "$BATS_TEST_TMPDIR/out")" '.[0].result.total == 0' \
		'.[1].error.kind == "not_online"' '.[1].status == 4' \
		'.[3].result.connections == []'
	said ''
}

@test "one connection serves the whole batch" {
	start_poold
	before=$(stat_of control_requests)
	for _ in 1 2 3 4 5; do echo count; done | batch --trace
	ended 0
	same 1 "$(grep -c '"hello"' "$BATS_TEST_TMPDIR/stderr")"
	[ "$(stat_of control_requests)" -ge $((before + 5)) ]
}

@test "a line of 32 KiB is a line" {
	start_poold
	online alice
	printf 'send alice %s\n' "$(text_of 32768)" | batch
	ended 0
	out "sent to 1 session"
}

@test "a kick in a batch needs --yes, nobody can be asked" {
	start_poold
	online alice bob
	printf 'kick user~^.\n' | batch
	ended 2
	online_is 2
	printf 'kick user~^. --yes\n' | batch
	ended 0
	online_is 0
}

@test "a batch that loses its daemon ends with what is known" {
	start_poold
	{
		printf 'count\nshutdown\n'
		wait_until gone "$POOLD_PID"
		echo count
	} | batch
	wait_poold
	ended 3
	said_like 'stdin:3: count: cannot connect to *'
}

@test "data from stdin is refused where stdin holds the commands" {
	start_poold
	online alice
	printf 'send alice -\nhello\n' | batch
	ended 2
	said_like 'stdin:1: send: stdin holds the commands*'
}

@test "exit ends a batch" {
	start_poold
	printf 'count\nexit\nbogus\n' | batch
	ended 0
	out 0
}

@test "an empty batch is fine, a missing file is not" {
	batch </dev/null
	ended 0
	batch -f "$BATS_TEST_TMPDIR/none"
	ended 2
	said "poolctl: $BATS_TEST_TMPDIR/none: No such file or directory"
}

@test "a directory is no batch" {
	batch -f "$BATS_TEST_TMPDIR"
	ended 2
	said "poolctl: $BATS_TEST_TMPDIR: Is a directory"
	batch -o jsonl -f "$BATS_TEST_TMPDIR"
	ended 2
	jq -e '.error.message | endswith("Is a directory")' "$BATS_TEST_TMPDIR/stderr"
}
