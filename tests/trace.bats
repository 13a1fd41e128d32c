#!/usr/bin/env bats
# trace.bats - what passes between one user and the daemon, for an operator who looks.
load helpers
load poolctl

# trace NAME ARGUMENT…: poolctl trace in the background; returns when it has begun.
trace() {
	local name=$1
	shift
	"$POOLCTL" -o jsonl trace "$@" >"$BATS_TEST_TMPDIR/$name" 2>"$BATS_TEST_TMPDIR/$name.err" \
		</dev/null 3>&- &
	pid=$!
	note_pid "$pid"
	wait_until grep -q begins "$BATS_TEST_TMPDIR/$name"
}

# texts NAME: direction, text and bytes of each line
texts() {
	jq -r '"\(.dir) \(.text)\(if .bytes then " [\(.bytes)]" else "" end)"' "$BATS_TEST_TMPDIR/$1"
}

# ended WANTED: the trace has ended by itself, with this status.
ended() {
	local status=0

	wait_until gone "$pid" || return 1
	wait "$pid" || status=$?
	same "$1" "$status" "status of trace"
}

# audited: the results of trace.start in the audit
audited() {
	events_of admin | jq -r 'select(.method == "trace.start") | .result' | paste -sd ' '
}

@test "trace shows commands and what is sent, payloads only as their length" {
	start_poold
	play_bg bob <<-'SCRIPT'
		timeout 60000
		> AUTH bob s3cret- :Bobby
		< OK *
		<* MSG alice *
		> IDLE 2
		<* OK credit=2
		>> @t1 SEND alice,carol 9\r\ntopsecret\r\n
		< @t1 OK *
		> SEND nobody :topsecret
		< ERR 404 *
		> QUIET on
		< OK
		> CAST :topsecret
		> AUTH bob s3cret
		< ERR 409 *
		> topsecret s3cret
		< ERR 400 *
		> WHO bob
		< OK *
		> QUIT
		bye 100
	SCRIPT
	online_is 1
	trace out bob --for 1m --comment 'ticket 12'
	play <<-'SCRIPT'
		> AUTH alice s3cret
		< OK *
		> SEND bob :topsecret
		< OK 1
		<* CAST bob *
	SCRIPT
	play_end bob
	kill -INT "$pid"
	ended 130
	texts out >"$BATS_TEST_TMPDIR/texts"
	diff - "$BATS_TEST_TMPDIR/texts" <<-'EOF'
		note trace of bob begins, 1 online
		out MSG alice 9 [9]
		in IDLE 2
		out OK credit=2
		in @t1 SEND alice,carol [9]
		out @t1 OK 1
		in SEND nobody [9]
		out ERR 404 offline nobody
		in QUIET on
		out OK
		in CAST [9]
		in AUTH
		out ERR 409 already-authenticated
		in ? (cannot be taken: bad-request)
		out ERR 400 bad-request
		in WHO bob
		out OK online=1 idle=1
		in QUIT
		note session ends: 100 quit
	EOF
	holds "$(jq -s . "$BATS_TEST_TMPDIR/out")" 'all(.[]; .time | test("^[0-9-]{10}T"))' \
		'[.[] | .id // empty] | unique == [1]'
	run ! grep -q -e topsecret -e s3cret "$BATS_TEST_TMPDIR/out" "$POOLD_LOG"
	same 'begun ok' "$(audited)"
	holds "$(events_of admin | tail -n 1)" '.arguments.user == "bob"' '.comment == "ticket 12"' '.count == 19'
}

@test "trace follows the sessions that come" {
	start_poold
	trace out bob
	play <<-'SCRIPT'
		a: > AUTH bobby -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		b: > LOGOUT
		b: < OK
		b: > AUTH bobby -
		b: < OK *
		b: > SEND bobby :x
		b: <* OK 1
		c: > AUTH bob -
		c: < OK *
		d: > AUTH bob -
		d: < OK *
		c: bye 301
	SCRIPT
	stat_comes total_connections 0
	kill -INT "$pid"
	ended 130
	# sorted: what passes one connection is in order, but c ends beside d
	texts out | sed 's/ends: 10[12] .*/ends: with the script/' | sort >"$BATS_TEST_TMPDIR/texts"
	sort >"$BATS_TEST_TMPDIR/wanted" <<-'EOF'
		note trace of bob begins, 0 online
		note session begins
		out OK user=bob session=1/1
		in LOGOUT
		note session begins
		out OK user=bob session=1/1
		note session begins
		out OK user=bob session=1/1 replaced=1
		note session ends: 301 replaced
		note session ends: with the script
	EOF
	diff "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/texts"
}

@test "trace ends when its time is over, and leaves nothing behind" {
	start_poold
	online bob
	status_of 0 trace bob --for 100ms
	[[ $output =~ ^[-0-9]+\ [0-9:.]+\ +note\ trace\ of\ bob\ begins,\ 1\ online$ ]]
	said 'poolctl: trace: 1 line, 0 left out; its time is over'
	same 'begun ok' "$(audited)"
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		> SEND bob :x
		< OK 1
	SCRIPT
	status_of 0 kick bob
	heard bob 'MSG alice 1'
	status_of 0 trace bob --for 100ms -o jsonl
	same 1 "$(wc -l <<<"$output")"
}

@test "a flood is bounded, and what was left out is counted" {
	local n
	n=$(scaled 5000)
	start_poold
	trace out bob --rate 50 --for 1m
	play <<-SCRIPT
		timeout 30000
		> AUTH bob -
		< OK *
		repeat $n PING
		> PING last
		<* PONG last
		> QUIT
		bye 100
	SCRIPT
	kill -INT "$pid"
	ended 130
	# begin, login, its OK, the commands with their answers, QUIT, the end
	same "$((2 * n + 7))" "$(jq -s 'map(.left_out // 1) | add' "$BATS_TEST_TMPDIR/out")" \
		"lines, and those left out"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -lt 1000 ]

	trace few bob --lines 5
	play <<-'SCRIPT'
		> AUTH bob -
		< OK *
		> PING
		< PONG
		> PING
		< PONG
	SCRIPT
	ended 0
	same 6 "$(grep -vc left_out "$BATS_TEST_TMPDIR/few")"
}

@test "an operator who leaves ends his trace, and there are only a few" {
	local pids=

	start_poold
	for i in 1 2 3 4; do
		trace "$i" user"$i"
		pids+=" $pid"
	done
	status_of 1 trace bob
	said 'poolctl: trace: 4 traces are running, more are not allowed; they end by themselves in time'
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	wait_until poolctl trace bob --for 100ms
	same 'begun begun begun begun busy cut short begun ok' "$(audited | sed 's/\(busy \)*cut/busy cut/;s/\(busy \)*begun ok/begun ok/')"
	status_of 2 trace 'no user' --for 1s
	status_of 2 trace bob --for 2h
	status_of 2 trace bob --rate 0
	status_of 2 trace
	status_of 5 --as viewer trace bob
	said 'poolctl: trace: trace.start needs the role operator, yours is viewer'
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

@test "a row of trace in every format" {
	start_poold
	online bob
	for format in table tsv csv json jsonl yaml; do
		status_of 0 -o "$format" trace bob --for 100ms
		[[ $output == *"trace of bob begins, 1 online"* ]]
	done
	printf 'trace bob --for 100ms\nping\n' | poolctl -o jsonl >"$BATS_TEST_TMPDIR/records"
	holds "$(head -n 1 "$BATS_TEST_TMPDIR/records")" '.ok' '.result.ended == "time"' \
		'.result.lines[0].text == "trace of bob begins, 1 online"' '.result.user == "bob"'
}
