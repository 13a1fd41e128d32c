#!/usr/bin/env bats
# events.bats - the one ordered stream of what happens.
load helpers

@test "a connection's life is connect, login, logout, login, disconnect, in order" {
	start_poold
	play <<-'SCRIPT'
		connect
		<? id conn=([0-9]+)
		> AUTH alice -
		< OK *
		> LOGOUT
		< OK
		> AUTH bob -
		< OK *
		> QUIT
		bye 100
	SCRIPT
	stat_comes total_connections 0
	events_so_far >"$BATS_TEST_TMPDIR/events"
	same 'connect login logout login disconnect ' \
		"$(jq -r 'select(.id) | .type' "$BATS_TEST_TMPDIR/events" | tr '\n' ' ')" types
	holds "$(jq -cs 'map(select(.id))' "$BATS_TEST_TMPDIR/events")" \
		'map(.id) | unique | length == 1' '.[1].user == "alice"' '.[2].user == "alice"' \
		'.[3].user == "bob"' '.[4].reason == "quit"' '.[4].by == "client"' \
		'all(.[]; .time | test("^[0-9-]{10}T[0-9:.]+Z$"))' 'all(.[]; .address | startswith("127.0.0.1:"))'
}

@test "a protocol fault is one error event before the one disconnect" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		>> SEND alice 1\r\nxyz\r\n
		<* BYE 307 *
		gone
	SCRIPT
	stat_comes total_connections 0
	same 'connect login error disconnect ' \
		"$(events_so_far | jq -r 'select(.id) | .type' | tr '\n' ' ')" types
}

@test "seq increases by one and no connection has two ends, under a rush" {
	start_poold
	swarm race --same --prefix star --users 20 --inflight 20 --attempts "$(scaled 500)"
	swarm_stop race >/dev/null
	stat_comes total_connections 0
	events_so_far >"$BATS_TEST_TMPDIR/events"
	holds "$(jq -cs 'map(.seq)' "$BATS_TEST_TMPDIR/events")" '. == [range(.[0]; .[0] + length)]'
	holds "$(jq -cs '[.[] | select(.id)] | group_by(.id) | map(map(.type))' "$BATS_TEST_TMPDIR/events")" \
		"length == $(scaled 500)" 'all(.[]; .[0] == "connect" and .[-1] == "disconnect")' \
		'all(.[]; [.[] | select(. == "connect")] | length == 1)' \
		'all(.[]; [.[] | select(. == "disconnect")] | length == 1)' \
		'all(.[]; [.[] | select(. == "error")] | length <= 1)'
}

@test "a replacement is an event, and so is each refusal" {
	start_poold 'pool: {max_connections: 1}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH alice -
		b: < OK *
		a: bye 301 *
		c: > AUTH carol -
		c: bye 304 *
	SCRIPT
	same 1 "$(events_of replaced | wc -l)" replaced
	same 1 "$(events_of reject | wc -l)" reject
	holds "$(events_of reject)" '.user == "carol"' '.reason == "pool-full"'
	holds "$(events_of replaced)" '.user == "alice"'
}

@test "a subscriber hears what happens as it happens, until it cancels" {
	start_poold
	play <<-SCRIPT
		ops: connect address=unix:$POOLCTL_SOCKET
		ops: < *hello*
		ops: > {"jsonrpc":"2.0","id":9,"method":"events.subscribe","params":{"types":["login","logout"]}}
		ops: < *"id":9*"seq":*
		a: > AUTH alice -
		a: < OK *
		ops: < *"method":"event"*"type":"login"*"user":"alice"*
		a: > LOGOUT
		a: < OK
		ops: < *"method":"event"*"type":"logout"*
		ops: > {"jsonrpc":"2.0","id":10,"method":"cancel","params":{"id":9}}
		ops: <* *"id":10*
		a: > AUTH alice -
		a: < OK *
		ops: quiet 200
	SCRIPT
}

@test "since and last begin where they say" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice -
		< OK *
		> QUIT
		bye 100
	SCRIPT
	stat_comes total_connections 0
	local newest
	newest=$(events_so_far | tail -n 1 | jq .seq)
	printf '{"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"last":2}}\n' |
		"$PEER" rpc "$POOLCTL_SOCKET" --backlog >"$BATS_TEST_TMPDIR/out"
	same 2 "$(grep -c '"method":"event"' "$BATS_TEST_TMPDIR/out")" "last 2"
	printf '{"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{"since":%d}}\n' "$((newest - 1))" |
		"$PEER" rpc "$POOLCTL_SOCKET" --backlog >"$BATS_TEST_TMPDIR/out"
	same 1 "$(grep -c '"method":"event"' "$BATS_TEST_TMPDIR/out")" "since"
}

@test "last counts the events that match, however rare they are" {
	start_poold
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		a: > LOGOUT
		a: < OK
		b: repeat 700 AUTH bob -\r\nLOGOUT
		b: > PING
		b: <* PONG
		a: > AUTH alice -
		a: < OK *
		a: > LOGOUT
		a: < OK
		b: repeat 700 AUTH bob -\r\nLOGOUT
		b: > PING
		b: <* PONG
	SCRIPT
	same 'logout login logout' "$("$POOLCTL" events alice --last 3 --no-follow -o json \
		--type login,logout | jq -r .type | paste -sd ' ')"
	same 'login login' "$("$POOLCTL" events alice --last 2 --no-follow -o json \
		--type login | jq -r .type | paste -sd ' ')"
	same 4 "$("$POOLCTL" events alice --last 100000 --no-follow -o json \
		--type login,logout | wc -l)" "more than there are"
	same '' "$("$POOLCTL" events alice --last 0 --no-follow -o json)" "none"
	same 4 "$("$POOLCTL" events alice --since 0 --no-follow -o json \
		--type login,logout | wc -l)" "since"
}

@test "select shows only what concerns the selected" {
	start_poold
	play <<-SCRIPT
		ops: connect address=unix:$POOLCTL_SOCKET
		ops: < *hello*
		ops: > {"jsonrpc":"2.0","id":9,"method":"events.subscribe","params":{"select":["bob"]}}
		ops: < *"id":9*
		a: > AUTH alice -
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		ops: < *"type":"login"*"user":"bob"*
	SCRIPT
}

@test "settings, shutdown and reload are events" {
	start_poold
	set_values connection_timeout=1m
	control_result server.reload
	holds "$(events_of settings | head -n 1)" 'tostring | contains("connection_timeout")'
	[ "$(events_of lifecycle | wc -l)" -ge 2 ]
	[ "$(events_of admin | wc -l)" -eq 2 ]
}

@test "a subscriber that reads late costs no memory, hears of a gap and goes on" {
	start_poold
	local n
	[ "$POOLD_TEST_SCALE" = full ] || skip "the ring is large"
	n=45000 # twice as many events: more than the ring and all buffers hold
	play <<-SCRIPT
		timeout 30000
		ops: connect address=unix:$POOLCTL_SOCKET
		ops: < *hello*
		ops: > {"jsonrpc":"2.0","id":9,"method":"events.subscribe","params":{"types":["login","logout"]}}
		ops: < *"id":9*
		a: repeat $n AUTH alice -\r\nLOGOUT
		a: > PING
		a: <* PONG
		! holds "\$(control_result pool.stats)" '.memory.rss < 20000000' # what was sent is 20 MB
		ops: <* *"type":"gap"*
		ops: <* *"method":"event"*"type":"log*
	SCRIPT
}

@test "an admin event tells who, what and why, however long the call was" {
	local long

	start_poold
	long=$(text_of 32700) # twice that is what a request holds
	same bad_value "$(control_kind connections.kick "{\"select\":[\"$long\"],\"comment\":\"${long::1024}\"}")"
	control_result message.broadcast '{"data_base64":"aGVsbG8=","comment":"all clear"}'
	holds "$(events_of admin | head -n 1)" '.method == "connections.kick"' ".uid == $(id -u)" '.pid > 0' \
		'.role == "admin"' '.result == "bad_value"' '.arguments.select.bytes > 32700' \
		'.comment | length == 1024' '.time | test("^[0-9-]{10}T")'
	holds "$(events_of admin | tail -n 1)" '.arguments == {"data_base64":{"bytes":5}}' \
		'.comment == "all clear"' '.result == "ok"'
}

@test "whatever changes something takes a comment, of one length, and so does its command" {
	start_poold
	holds "$(control_result rpc.describe)" '[.methods[] | select(.mutates)] | length > 5' \
		'all(.methods[] | select(.mutates); any(.params[]; .name == "comment"))'
	same 'parameter "comment" has 1025 bytes, at most 1024 are taken' "$(control_call accept.set \
		"{\"state\":\"off\",\"comment\":\"$(text_of 1025)\"}" | jq -r .error.message)"
	control_result accept.set "{\"state\":\"off\",\"comment\":\"$(text_of 1024)\"}"
	holds "$(events_of lifecycle | tail -n 1)" '.what == "accept"' '.comment | length == 1024'
	# these only look
	same $'ban list\nban test\nconfig check\ndrain status' "$("$POOLCTL" help --json | jq -r '.commands[] |
		select(.role == "operator" or .role == "admin") |
		select(any(.options[]?; .name == "comment") | not) | .command' | sort)"
}
