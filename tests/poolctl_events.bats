#!/usr/bin/env bats
# poolctl_events.bats - events --exec and list --watch: what is done with what happens.
# shellcheck disable=SC2016	# what --exec is given is for another shell
load helpers
load poolctl

# sessions N: so many times alice logs in and out.
sessions() {
	play <<-SCRIPT
		timeout 30000
		repeat $1 AUTH alice -\r\nLOGOUT
		> PING
		<* PONG
	SCRIPT
}

# in_background NAME ARGUMENT…: poolctl, its output in the file NAME, its PID in $pid.
in_background() {
	local name=$1
	shift
	"$POOLCTL" "$@" >"$BATS_TEST_TMPDIR/$name" 2>"$BATS_TEST_TMPDIR/$name.err" \
		</dev/null 3>&- &
	pid=$!
	note_pid "$pid"
}

# has_lines FILE N
has_lines() {
	[ "$(wc -l <"$BATS_TEST_TMPDIR/$1")" -ge "$2" ]
}

# -- events --exec --------------------------------------------------------------

@test "--exec is one run for each event, with the event in variables and on stdin" {
	start_poold
	online alice
	status_of 0 kick alice --reason x
	wait_until stat_is total_connections 0
	status_of 0 events --since 0 --type login,disconnect --no-follow --exec \
		'echo "$EVENT_TYPE $EVENT_USER ${EVENT_REASON-none} $(jq -r .address)"'
	same 'login alice none 127.0.0.1,disconnect alice kicked 127.0.0.1,' \
		"$(tr '\n' , <<<"$output" | sed 's/:[0-9]*,/,/g')"
	said_like 'poolctl: events: 2 run; go on with --since *'

	same "$(poolctl events --since 0 --no-follow -o json | jq .seq)" \
		"$(poolctl events --since 0 --no-follow -q --exec 'echo $EVENT_SEQ')" order
	status_of 0 -q events --since 0 --type logout --no-follow --exec 'echo hit'
	same '' "$output"
	said ''
	printf '%s\n' "events alice --last 1 --no-follow --exec 'cat >&2'" |
		poolctl -o jsonl >"$BATS_TEST_TMPDIR/record"
	holds "$(cat "$BATS_TEST_TMPDIR/record")" '.ok' '.result.run == 1' '.result.failed == 0'
}

@test "a command that fails or hangs is told and does not stop the others" {
	start_poold
	sessions 3
	status_of 7 events --since 0 --type login --no-follow --exec 'exit 3'
	same 3 "$(grep -c 'the command for event [0-9]* (login alice) failed with status 3$' \
		"$BATS_TEST_TMPDIR/stderr")"
	said_like '*3 run, 3 failed; go on with --since *'
	status_of 7 events --last 2 --type login --no-follow --exec-timeout 150ms \
		--exec 'echo begun; sleep 60; echo never'
	same $'begun\nbegun' "$output"
	said_like '*was ended, for it took longer than 150ms*2 run, 2 took too long;*'
	status_of 2 events --jobs 3
	said_like '*--exec only'
	status_of 2 events --jobs 0 --exec true
	status_of 2 events --exec ''
	status_of 2 events --type logn --exec true
	said_like '*no such event type: "logn" (did you mean login*'
}

@test "hostile text reaches --exec as text only" {
	local comment=$'$(touch hit)`touch hit`"; touch hit; \'; touch hit; \nx'

	cd "$BATS_TEST_TMPDIR"
	start_poold
	online alice
	status_of 0 kick alice --comment "$comment"
	status_of 0 events --since 0 --type admin --no-follow --exec \
		'printf %s "$EVENT_COMMENT" >out; eval "x=\$EVENT_METHOD"; echo "$x"'
	same connections.kick "$output"
	same "$comment" "$(cat out)"
	play <<-'SCRIPT'
		> AUTH $(touch - :x
		< ERR 415 *
		> AUTH "alice" -
		< ERR 415 *
	SCRIPT
	[ ! -e hit ]
}

@test "a slow command loses nothing: the rest waits in the daemon" {
	local n=280 # more than wait in poolctl

	cd "$BATS_TEST_TMPDIR"
	start_poold
	in_background out events --since 0 --type login --jobs 2 \
		--exec 'until [ -e go ]; do sleep 0.05; done; echo $EVENT_SEQ'
	sessions "$n"
	poolctl events --since 0 --type login --no-follow -o json | jq .seq >all
	same "$n" "$(wc -l <all)"
	touch go
	wait_until has_lines out "$n"
	kill -INT "$pid"
	wait "$pid" || same 130 "$?"
	diff all <(sort -n out)
	grep -q "$n run; go on with" out.err

	status_of 0 events --since 0 --type login --no-follow --exec 'echo $EVENT_SEQ'
	diff all - <<<"$output"
}

@test "Ctrl-C lets the run that has begun come to its end, and says where to go on" {
	local since

	cd "$BATS_TEST_TMPDIR"
	start_poold
	in_background out events --since 0 --type login --exec 'echo b; while [ ! -e go ]; do sleep 0.02; done; echo e'
	sessions 3
	wait_until has_lines out 1
	kill -INT "$pid"
	sleep 0.1
	kill -0 "$pid"
	touch go
	wait "$pid" || same 130 "$?"
	same $'b\ne' "$(cat out)"
	since=$(sed -n 's/.*1 run; go on with --since //p' out.err)
	same 2 "$(poolctl events --since "$since" --type login --no-follow -q --exec 'echo x' | wc -l)"

	rm go out
	in_background out events --since 0 --exec 'echo $$; exec sleep 60'
	wait_until has_lines out 1
	kill -INT "$pid"
	sleep 0.1
	kill -INT "$pid"
	wait "$pid" || same 130 "$?"
	gone "$(cat out)"
}

@test "what had come is run when the daemon goes away" {
	start_poold
	in_background out events --since 0 --exec 'sleep 0.05; echo $EVENT_TYPE'
	sessions 2
	wait_until has_lines out 1
	stop_poold
	wait "$pid" || same 3 "$?"
	has_lines out 6
}
