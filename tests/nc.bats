#!/usr/bin/env bats
# nc.bats - by hand, with the tools that everybody has.
load helpers

@test "three lines through nc: greeting, login, message and farewell" {
	command -v nc >/dev/null || skip "needs nc"
	start_poold
	printf 'AUTH bob - :Bob\r\nSEND bob :hi\r\nQUIT\r\n' |
		nc -q1 127.0.0.1 "$PORT" | tr -d '\r' >"$BATS_TEST_TMPDIR/out"
	same 6 "$(wc -l <"$BATS_TEST_TMPDIR/out")" lines
	grep -qx 'HELLO poold/1 node=test conn=[0-9]* auth=trust .*' <(sed -n 1p "$BATS_TEST_TMPDIR/out")
	same 'OK user=bob session=1/1' "$(sed -n 2p "$BATS_TEST_TMPDIR/out")"
	same 'BYE 100 quit' "$(sed -n 6p "$BATS_TEST_TMPDIR/out")"
	grep -qx 'OK 1' "$BATS_TEST_TMPDIR/out"
	grep -qx -A 1 'MSG bob 2' "$BATS_TEST_TMPDIR/out"
	same hi "$(grep -x -A 1 'MSG bob 2' "$BATS_TEST_TMPDIR/out" | tail -n 1)"
}

@test "bash alone is a client" {
	start_poold
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'AUTH bash -\n' >&8
	local line
	read -r -t 5 line <&8
	[[ $line == "HELLO "* ]]
	read -r -t 5 line <&8
	[[ $line == "OK user=bash session=1/1"* ]]
	printf 'QUIT\n' >&8
	read -r -t 5 line <&8
	[[ $line == "BYE 100 quit"* ]]
	exec 8>&-
}
