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
	stat_comes total_connections 0
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
	status_of 7 events --last 2 --type login --no-follow --exec-timeout 1s \
		--exec 'echo begun; sleep 60; echo never'
	same $'begun\nbegun' "$output"
	said_like '*was ended, for it took longer than 1s*2 run, 2 took too long;*'
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
	local n=90 # more than wait in poolctl

	cd "$BATS_TEST_TMPDIR"
	start_poold
	in_background out events --since 0 --type login --jobs 2 --exec-timeout 0 \
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
	in_background out events --since 0 --type login --exec-timeout 0 --exec 'echo b; while [ ! -e go ]; do sleep 0.02; done; echo e'
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
	grep -q 'the command for event 1 (lifecycle) was ended on the way$' out.err
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

# -- list --watch -----------------------------------------------------------------

# replayed NAME: the ids and users that a watch has left, one a line
replayed() {
	jq -rn 'reduce inputs as $i ({};
		if $i.op == "remove" then del(.["\($i.id)"])
		elif $i.op == "add" or $i.op == "change" then .["\($i.id)"] = $i.user
		else . end) | to_entries[] | "\(.key) \(.value)"' "$BATS_TEST_TMPDIR/$1" | sort
}

# listed SELECTOR…: the same of list
listed() {
	poolctl list "$@" -o json | jq -r '.connections[] | "\(.id) \(.user)"' | sort
}

# agrees NAME SELECTOR…: the watch has left what list says
agrees() {
	local name=$1
	shift
	[ "$(replayed "$name" 2>/dev/null)" = "$(listed "$@")" ]
}

# watching NAME ARGUMENT…: in the background; returns when the list has come.
watching() {
	in_background "$1" list --watch -o jsonl "${@:2}"
	wait_until grep -q '"op":"snapshot"' "$BATS_TEST_TMPDIR/$1"
}

@test "list --watch is the list, and then what becomes of it" {
	start_poold
	online alice=Alice
	watching out
	watching some alice
	watching others 'user!=alice'
	play_bg bob <<-'SCRIPT'
		timeout 60000
		> AUTH bob -
		< OK *
		> LOGOUT
		< OK
		> AUTH alice -
		< OK *
		gone
	SCRIPT
	wait_until agrees out
	wait_until agrees some alice
	wait_until agrees others 'user!=alice'
	same '["add","alice","Alice"]' "$(head -n 1 "$BATS_TEST_TMPDIR/out" | jq -c '[.op,.user,.display]')"
	same '["snapshot",1,null]' "$(sed -n 2p "$BATS_TEST_TMPDIR/out" | jq -c '[.op,.total,.id]')"
	holds "$(jq -s . "$BATS_TEST_TMPDIR/out")" '.[1].seq > 1' \
		'.[2:] | all(.id == 2 or .op == "remove")' 'any(.op == "remove" and .user == "alice")'
	poolctl kick alice --yes
	wait_until agrees some alice
	same '' "$(replayed some)"
	kill -INT "$pid"
	wait "$pid" || same 130 "$?"
}

@test "list --watch in other formats, and what does not go with it" {
	start_poold
	online alice
	in_background people list --watch
	people=$pid
	in_background rows list --watch -o csv --columns op,user,id
	wait_until grep -q '= 1 now' "$BATS_TEST_TMPDIR/people"
	wait_until has_lines rows 2
	poolctl kick alice
	wait_until grep -q '^- 1 alice 127' "$BATS_TEST_TMPDIR/people"
	grep -q '^+ 1 alice active 127.0.0.1:[0-9]*$' "$BATS_TEST_TMPDIR/people"
	wait_until has_lines rows 3
	same $'op,user,id\r,add,alice,1\r,remove,alice,1\r,' "$(tr '\n' , <"$BATS_TEST_TMPDIR/rows")"
	status_of 2 list --watch --sort user
	status_of 2 list --watch -o name
	status_of 2 list --watch idle=+5m
	said 'poolctl: list: a list is watched by user, id, ip and listener only: no event tells when another of them changes'
	stop_poold
	wait "$people" || same 3 "$?"
}

@test "list --watch misses nothing of what happens while the list is made" {
	start_poold
	swarm there --users "$(scaled 2000)" --prefix t- --source-net 9 --sources 4
	swarm_begin coming --users "$(scaled 1000)" --prefix c- --source-net 9 --sources 4
	swarm_begin race --same --prefix star --users 20 --inflight 20 --attempts "$(scaled 300)"
	in_background out list --watch -o jsonl
	swarm_waits race ready 40
	swarm_stop there >/dev/null
	wait_until grep -q '"op":"snapshot"' "$BATS_TEST_TMPDIR/out"
	swarm_waits coming ready 40
	wait_until agrees out
	# each comes and goes once at most, and whoever goes had come
	jq -rn '[inputs | select(.op == "add" or .op == "remove")] | group_by(.id)[] |
		map(.op) | join(" ")' "$BATS_TEST_TMPDIR/out" | sort | uniq -c >"$BATS_TEST_TMPDIR/lives"
	run ! grep -qvE '^ +[0-9]+ (add|add remove)$' "$BATS_TEST_TMPDIR/lives"
	swarm_stop coming >/dev/null
	wait_until agrees out
	swarm_stop race >/dev/null
}

@test "events that were missed are told, and the list is right again" {
	[ "$POOLD_TEST_SCALE" = full ] || skip "the ring is large"
	start_poold
	online alice bob
	watching out
	kill -STOP "$pid"
	poolctl kick alice
	sessions 40000 # more than the ring and all buffers hold
	online_is 1
	kill -CONT "$pid"
	wait_until grep -q '"op":"gap"' "$BATS_TEST_TMPDIR/out"
	wait_until agrees out
	holds "$(grep '"op":"gap"' "$BATS_TEST_TMPDIR/out" | head -n 1)" '.from_seq > 3' '.to_seq > .from_seq'
	same 2 "$(grep -c '"op":"snapshot"' "$BATS_TEST_TMPDIR/out")"
	# and for --exec, which asks for what is no longer there
	status_of 7 events --since 0 --type admin,settings --no-follow --exec 'echo $EVENT_TYPE'
	said_like 'poolctl: events: [0-9]* events were missed, 1 to *'
}
