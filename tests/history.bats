#!/usr/bin/env bats
# history.bats - who has gone, when and why: history, explain, and show of before.
load helpers
load poolctl

# ends OPTION…: the rows of poolctl history, one object.
ends() {
	"$POOLCTL" history -o json "$@" </dev/null
}

# ended_as SLUG N: so many ends are remembered with this reason.
ended_as() {
	same "$2" "$(ends --reason "$1" | jq .total)" "ends as $1"
}

# explained WHAT PATTERN: a sentence of the explanation is like that.
explained() {
	local text
	text=$("$POOLCTL" explain "$1" -v </dev/null)
	grep -qE -- "$2" <<<"$text" || {
		echo "not explained: $2"
		echo "$text"
		return 1
	}
}

export -f ends ended_as explained same

@test "two devices that replace each other are found to be fighting" {
	start_poold
	local n
	{
		for n in 1 2 3 4; do
			printf 'c%d: connect source=127.0.0.%d\nc%d: < HELLO *\n' "$n" $((n % 2 + 2)) "$n"
			printf 'c%d: > AUTH alice - :Alice\nc%d: < OK *\n' "$n" "$n"
			[ "$n" = 1 ] || printf 'c%d: bye 301\n' $((n - 1))
		done
		cat <<-'SCRIPT'
			! explained alice '^alice is online: session 4 from 127.0.0.2:[0-9]+ \(.* old, active\)\.$'
			! explained alice '^Session 3 from 127.0.0.3:[0-9]+ \(.* old\) was replaced by session 4 from 127.0.0.2 at [0-9:]{8}, for the 3rd time in [0-9]+ seconds?: two devices are fighting\.$'
			! explained alice 'find the two that log in as alice, on 127.0.0.3 and 127.0.0.2'
			! explained 3 '^Connection 3 is not here\.$'
			! explained 127.0.0.3 '^Session 1 of alice from 127.0.0.3'
			! explained ip=127.0.0.0/8 '^From 127.0.0.0/8 is here: session 4 of alice'
			! same 2 "$("$POOLCTL" explain alice | grep -vc '^ ')" "one sentence for all three"
		SCRIPT
	} | play
	holds "$(ends alice --reason replaced -L 1)" '.total == 3' '.returned == 1' \
		'.ends[0] | .id == 3 and .by_id == 4 and .repeats == 3 and .by == "server"' \
		'.ends[0].by_address | startswith("127.0.0.2:")'
	holds "$("$POOLCTL" explain user=alice -o json)" '.total == 4' '.connections == 0' \
		'.ends[0].reason == "eof"' '.sentences[0].text == "alice is not online."' \
		'.sentences[2].next | startswith("find the two")'
}

@test "a kick is remembered with the operator, the comment and the text" {
	start_poold
	online alice bob
	status_of 0 kick alice bob --yes --reason 'see you' --comment 'too "loud"'
	explained alice "^alice is not online\.$"
	explained alice "was kicked by .*\(uid $(id -u)\) at [0-9:]{8}: the comment was \"too \"loud\"\", the client was told \"see you\"\.( |$)"
	holds "$(ends user=alice,bob)" ".ends | length == 2 and all(.uid == $(id -u))" \
		'.ends | all(.comment == "too \"loud\"" and .text == "see you")' \
		'.ends | all(.code == 400 and .by == "operator" and .login_at != null)' \
		'.ends | all(.bytes_in > 0 and .bytes_out > 0 and .messages_in == 0 and has("rtt_s"))'
	status_of 4 show alice
	said_like '*user "alice" is not online; the last session ended at *: kicked; see "explain alice"'
}

@test "show tells how the session before ended" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		a: reset
		! wait_until ended_as reset 1
		b: > AUTH alice -
		b: < OK *
		! "$POOLCTL" show alice | grep -qE '^previous end  reset at 20[0-9-]+ [0-9:]+$'
		! holds "$(ctl show alice)" '.connections[0].previous_end | .errno == "ECONNRESET" and .by == "network" and .code == 102'
		c: > AUTH bob -
		c: < OK *
		! holds "$(ctl show bob)" '.connections[0] | has("previous_end") and .previous_end == null'
		! explained alice 'was cut off \(ECONNRESET\) at '
	SCRIPT
}

@test "a slow reader is remembered with what waited for it" {
	start_poold 'queue: {max_queue: 16KiB}
message: {max_message: 8KiB}
timeouts: {linger_timeout: 100ms}'
	swarm deaf --users 1 --prefix deaf --deaf --rcvbuf 4096
	{
		printf '> AUTH alice -\n< OK *\n> QUIET on\n< OK\n'
		for _ in $(seq 400); do
			printf '>> SEND deaf0 8000\\r\\n\nfill 8000 x\n>> \\r\\n\n'
		done
		printf '! closed_is slow-reader 1\n'
	} | play
	explained deaf0 'it read too slowly: .* waited for it, at most .* ever \(max_queue is 16KiB\)\. 1 message for it had been dropped\.$'
	holds "$(ends --reason slow-reader)" '.ends[0] | .user == "deaf0" and .dropped == 1' \
		'.ends[0] | .queue_peak_bytes >= 8000 and .queue_peak_bytes <= 16384' \
		'.ends[0] | .queue_bytes > 0 and .queue_bytes <= .queue_peak_bytes'
}

@test "a refused login is found by address and by the name it wanted" {
	start_poold 'pool: {max_connections: 1, max_per_address: 3}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: connect source=127.0.0.2
		b: < HELLO *
		b: > AUTH bob -
		b: bye 304
		! explained 127.0.0.2 '^Connection 2 from 127.0.0.2:[0-9]+, which wanted to be bob, was refused: pool-full \(max_connections is 1\) at '
		! explained bob ', was refused: pool-full \(max_connections is 1\)'
		! holds "$(ends bob)" '.total == 1' '.ends[0] | .user == "bob" and .login_at == null'
		x: > PING
		x: < PONG
		y: > PING
		y: < PONG
		z: connect
		z: <* BYE 303 *
		! explained 127.0.0.1 '^Connection 5 from 127.0.0.1:[0-9]+ \(0s old\) was refused: address-limit \(max_per_address is 3\) at '
		! holds "$(ctl explain "127.0.0.2:$(ends id=2 | jq .ends[0].port)")" '.total == 1'
		! holds "$(ctl explain 127.0.0.2:1 || true)" '.total == 0' || [ $? != 0 ]
	SCRIPT
	status_of 4 explain nobody
	said_like 'poolctl: explain: nothing is known of user "nobody"; not online, and not among the last * that ended, since 20*'
	status_of 4 explain 4711
	status_of 2 explain ip=nonsense
	status_of 2 explain id=x
	same bad_request "$(control_kind connections.explain '{"user":"a","id":1}')"
	same bad_value "$(control_kind connections.explain '{"user":"a b"}')"
}

@test "a drain and a login above accept_rate are told from others" {
	start_poold 'pool: {accept_rate: 1}'
	online alice
	set_values max_unauthenticated=1 >/dev/null # who comes too early has to go
	swarm storm --users 8 --inflight 1 --prefix storm
	explained "$(ends --reason pool-full -L 1 | jq -r .ends[0].user)" \
		'which wanted to be storm[0-9], was refused: pool-full \(accept_rate is 1\) at '
	status_of 0 drain start alice --over 100ms --comment moving
	closed_is drained 1
	explained alice "was ended by .*\(uid $(id -u)\) in a drain at [0-9:]{8}: the comment was \"moving\"\."
	holds "$(ends --reason drained)" ".ends[0] | .uid == $(id -u) and .by == \"operator\""
}

@test "the history is selected by reason, time and selector, and goes on behind a number" {
	start_poold
	swarm many --users 30 --prefix u
	control_result connections.kick '{"all":true}' >/dev/null
	swarm_stop many >/dev/null
	play <<-'SCRIPT'
		a: > AUTH quitter -
		a: < OK *
		a: > QUIT
		a: bye 100
		b: > PING
		b: < PONG
		b: half-close
		b: gone
	SCRIPT
	stat_comes history.entries 32
	holds "$(ends)" '.total == 32' '.remembered == 32' '.ends | length == 32' \
		'[.ends[].number] == ([range(1; 33)] | reverse)' '.ends[0].reason == "eof"'
	holds "$(ends --reason quit,400)" '.total == 31'
	holds "$(ends --reason kicked age=+1d)" '.total == 0'
	holds "$(ends user~^u ip=127.0.0.1)" '.total == 30'
	holds "$(ends --since 1h)" '.total == 32'
	holds "$(ends --since "$(date -u +%Y-%m-%dT%H:%M:%SZ -d '+1 hour')")" '.total == 0'
	holds "$(ends --since "$(date '+%Y-%m-%d %H:%M:%S' -d '-1 hour')")" '.total == 32'
	holds "$(ends --after 5 -L 2)" '[.ends[].number] == [4, 3]' '.total == 32'
	holds "$(control_result connections.history '{"limit":30}')" '.returned == 30' '.next == 3'
	same bad_value "$(control_kind connections.history '{"limit":1001}')" "not streamed"
	explained u7 ' [0-9]+ others ended in the same second for the same reason\.$'
	explained u7 '^    so many at once have one cause: poolctl history --reason kicked --since 20'
	same 30 "$(poolctl history --reason kicked -o name | sort -un | wc -l)" "names"
	[[ $(poolctl history quitter -o csv) == ended_at,id,user,address,age_s,reason,by,* ]]

	status_of 2 history --reason kickd
	said_like '*no such close reason "kickd" (did you mean kicked?)'
	status_of 2 history state=idle
	said 'poolctl: history: selector key "state": a connection that has ended has none'
	status_of 2 history --since yesterday
	said_like '*--since: "yesterday" is neither a duration such as 5m nor a time such as *'
	holds "$(control_result complete '{"kind":"reason","prefix":"slow"}')" '.candidates == ["slow-reader"]'
}

@test "what is remembered is bounded, also while it is" {
	start_poold 'history: {history_max: 20, history_per_user: 4}'
	local n before
	swarm many --users 50 --prefix u
	swarm_stop many >/dev/null
	stat_comes total_connections 0
	stat_is history.entries 20
	stat_is history.over_max 30
	before=$(stat_of memory.history)
	{
		for n in $(seq 10); do
			printf 'c%d: > AUTH flap -\nc%d: < OK *\nc%d: > QUIT\nc%d: bye 100\n' "$n" "$n" "$n" "$n"
		done
	} | play >/dev/null
	holds "$(ends flap)" '.total == 4' '.ends[0].repeats == 10' '.remembered == 20'
	same "$before" "$(stat_of memory.history)" "memory"
	[ "$before" -lt 200000 ]

	set_values history_per_user=1 >/dev/null
	holds "$(ends)" '.total == 17' '[.ends[] | select(.user == "flap")] | length == 1'
	set_values history_max=5 >/dev/null
	holds "$(ends)" '.total == 5' '.ends[0].user == "flap"'
	set_values history_max=0 >/dev/null
	holds "$(ends)" '.total == 0' '.oldest_at == null'
	[ "$(stat_of memory.history)" -lt 5000 ]
	play <<<'> QUIT' >/dev/null
	stat_comes total_connections 0
	stat_is history.entries 0
	status_of 4 explain flap
	said_like '*history_max is 0*'
}
