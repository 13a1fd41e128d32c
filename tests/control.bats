#!/usr/bin/env bats
# control.bats - the control socket: requests, errors, pages, rights, hostile input.
load helpers

# request ID METHOD [PARAMS]: one line
request() {
	printf '{"jsonrpc":"2.0","id":%s,"method":"%s","params":%s}\n' "$1" "$2" "${3:-{\}}"
}

@test "the greeting names server, protocol, instance, node and role" {
	start_poold
	local hello
	hello=$(request 1 server.info | "$PEER" rpc "$POOLCTL_SOCKET" --greeting | head -n 1)
	holds "$hello" '.jsonrpc == "2.0"' '.method == "hello"' '.params.server == "poold"' \
		'.params.protocol == 1' '.params.node == "test"' '.params.max_request == 65536' \
		'.params.role == "admin"' '.params.instance | length > 0' '.params.version | length > 0'
}

@test "the instance is another one after a restart" {
	start_poold
	local before after
	before=$(control_result server.info | jq -r .instance)
	stop_poold
	launch_poold
	after=$(control_result server.info | jq -r .instance)
	[ "$before" != "$after" ]
}

@test "three requests in one write get three replies in order" {
	start_poold
	local replies
	replies=$({ request 1 server.info; request 2 pool.stats; request '"three"' server.health; } | control_raw)
	same '1 2 "three" ' "$(jq -c .id <<<"$replies" | tr '\n' ' ')" "ids"
	holds "$(jq -cs . <<<"$replies")" 'all(.[]; .result | type == "object")'
}

@test "server.info and server.health tell what they promise" {
	prepare_poold
	export POOLD_CONFIG=$BATS_TEST_TMPDIR/caf$'\xe9'.yaml # what is no UTF-8 is told all the same
	write_config 'node: here'
	launch_poold
	holds "$(control_result server.info)" '.server == "poold"' '.protocol == 1' ".pid == $POOLD_PID" \
		'.started_at | test("^[0-9-]{10}T[0-9:.]+Z$")' '.uptime_s >= 0' '.workers == 2' \
		".config_file == \"$BATS_TEST_TMPDIR/caf\\\\xE9.yaml\"" '.role == "admin"' '.listeners | length == 1'
	holds "$(control_result server.health)" '.status == "ok"' '.checks | type == "array"'
	holds "$(control_result settings.get '{"names":["node"]}')" '.settings[0].source | test("E9.yaml:[0-9]+$")'
}

@test "pool.stats has the twelve names of the reference and what stands beside them" {
	start_poold 'timeouts: {connection_timeout: 2m, cleanup_interval: 30s}
pool: {max_connections: 77}'
	holds "$(control_result pool.stats)" \
		'[.total_connections, .active_connections, .user_connections, .total_created, .total_closed,
		  .total_bytes_sent, .total_bytes_received, .total_messages, .average_duration] | all(. == 0)' \
		'.max_connections == 77' '.connection_timeout == 120' '.cleanup_interval == 30' \
		'.connections_by_state | keys == ["active","connected","connecting","disconnected","disconnecting","error","idle"]' \
		'[.idle_available, .logins, .auth_failures, .messages_in, .messages_out, .messages_dropped,
		  .broadcasts, .queue_bytes] | all(. == 0)' \
		'.uptime_s >= 0' '.workers | length == 2' '.memory | type == "object"' '.control.turn_max_us >= 0' '.control.turns > 0' \
		'.rejected | type == "object"' '.closed | type == "object"'
}

@test "every kind of mistake has its word" {
	start_poold
	same unsupported "$(control_kind no.such)"
	same unknown_key "$(control_kind server.info '{"bogus":1}')"
	same bad_value "$(control_kind connections.list '{"limit":"many"}')"
	same bad_value "$(control_kind connections.list '{"select":"alice"}')"
	same bad_value "$(control_kind log.set '{"level":"loud"}')"
	same not_online "$(control_kind connections.kick '{"select":["nobody"]}')"
	same no_match "$(control_kind connections.kick '{"select":["state=idle"]}')"
	same bad_request "$(control_kind connections.kick)"
	same unknown_key "$(control_kind settings.set '{"values":{"bogus":1}}')"
	same bad_value "$(control_kind settings.set '{"values":{"connection_timeout":"soon"}}')"
	same bad_value "$(control_kind settings.set '{"values":{"max_connections":-1}}')"
	same unsupported "$(control_kind settings.set '{"values":{"workers":3}}')"
	same unknown_key "$(control_kind connections.list '{"select":["colour=red"]}')"
	same bad_value "$(control_kind connections.list '{"select":["id=x"]}')"
	same bad_value "$(control_kind connections.list '{"select":["user~("]}')"
	same no_match "$(control_kind message.any '{"data":"x"}')"
}

@test "a required parameter that is missing is an error" {
	start_poold
	same bad_request "$(control_kind settings.get)"
	same bad_request "$(control_kind connections.show)"
}

@test "what is no request is answered, and the next one still works" {
	start_poold
	local line
	for line in '' 'nonsense' '[]' '[{"jsonrpc":"2.0","id":1,"method":"server.info"}]' '{}' '42' '"x"' \
		'{"jsonrpc":"2.0","id":1}' '{"jsonrpc":"2.0","id":1,"method":5}' \
		'{"jsonrpc":"2.0","id":1,"method":"server.info","params":[]}' \
		'{"jsonrpc":"2.0","id":1,"id":2,"method":"server.info"}' \
		'{"jsonrpc":"2.0","id":{},"method":"server.info"}' \
		'{"jsonrpc":"1.0","id":1,"method":"server.info"}'; do
		printf '%s\n' "$line" | timeout 5 "$PEER" rpc "$POOLCTL_SOCKET" >"$BATS_TEST_TMPDIR/answer"
		holds "$(cat "$BATS_TEST_TMPDIR/answer")" '.error.data.kind == "bad_request"'
	done
	{ echo nonsense; request 2 server.info; } | control_raw >"$BATS_TEST_TMPDIR/answer"
	holds "$(jq -cs . "$BATS_TEST_TMPDIR/answer")" 'length == 2' '.[1].result.server == "poold"'
}

@test "hostile JSON is refused quickly and the daemon goes on" {
	start_poold
	local file
	cd "$BATS_TEST_TMPDIR"
	{ printf '{"jsonrpc":"2.0","id":'; head -c 1000000 /dev/zero | tr '\0' 9; printf '}\n'; } >digits
	{ printf '{"jsonrpc":"2.0","id":'; head -c 60000 /dev/zero | tr '\0' 9; printf '}\n'; } >digits_short
	{ head -c 100000 /dev/zero | tr '\0' '['; echo; } >depth
	{ head -c 60000 /dev/zero | tr '\0' '['; echo; } >depth_short
	{ printf '{"a":'; head -c 30 /dev/zero | tr '\0' '['; echo; } >depth_little
	{ printf '{"'; head -c 1000000 /dev/zero | tr '\0' k; printf '":1}\n'; } >key
	printf '{"jsonrpc":"2.0","id":1,"method":"server.\0info"}\n' >nul
	printf '{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}\n' >utf8
	printf '{"jsonrpc":"2.0","id":1,"method":"server.info","method":"pool.stats"}\n' >twice
	for file in digits digits_short depth depth_short depth_little key nul utf8 twice; do
		timeout 5 "$PEER" rpc "$POOLCTL_SOCKET" <"$file" >answer || true
		[ ! -s answer ] || holds "$(head -n 1 answer)" '.error | type == "object"'
		control_answers
	done
	check_log
}

@test "ten thousand pipelined requests are all answered" {
	start_poold
	local n
	n=$(scaled 10000)
	seq "$n" | sed 's/.*/{"jsonrpc":"2.0","id":&,"method":"connections.count","params":{}}/' >"$BATS_TEST_TMPDIR/in"
	# reading begins while writing goes on, or both sides would wait
	"$PEER" talk "unix:$POOLCTL_SOCKET" --half-close <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	same "$n" "$(grep -c '"result"' "$BATS_TEST_TMPDIR/out")" replies
}

@test "rpc.describe has every method of the table with its parameters" {
	start_poold
	control_result rpc.describe >"$BATS_TEST_TMPDIR/describe"
	sed -n 's/^METHOD([A-Z_]*, "\([a-z._]*\)".*/\1/p' "$SRCDIR/common/methods.def" | sort >"$BATS_TEST_TMPDIR/wanted"
	jq -r '.methods[].name' "$BATS_TEST_TMPDIR/describe" | sort | diff "$BATS_TEST_TMPDIR/wanted" -
	same "$(grep -c '^PARAM(' "$SRCDIR/common/methods.def")" \
		"$(jq '[.methods[].params | length] | add' "$BATS_TEST_TMPDIR/describe")" parameters
	holds "$(cat "$BATS_TEST_TMPDIR/describe")" \
		'.methods[] | select(.name == "connections.kick") | .role == "operator" and .mutates' \
		'.methods[] | select(.name == "log.set") | .params[] | select(.name == "level") | .required and (.enum | index("warn") != null)'
}

@test "each role may call exactly the methods of its rank" {
	start_poold
	local role
	control_result rpc.describe >"$BATS_TEST_TMPDIR/describe"
	for role in viewer operator admin; do
		# an unknown parameter: a call that is allowed then does nothing
		jq -r --arg role "$role" '
			def rank: {none: 0, viewer: 1, operator: 2, admin: 3}[.];
			.methods[] | select(.name != "role.lower" and .name != "cancel") |
			[.name, ((.role | rank) <= ($role | rank))] | @tsv' \
			"$BATS_TEST_TMPDIR/describe" >"$BATS_TEST_TMPDIR/wanted"
		{
			request 0 role.lower "{\"role\":\"$role\"}"
			cut -f 1 "$BATS_TEST_TMPDIR/wanted" | awk '{
				printf "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"%s\",\"params\":{\"x!\":1}}\n", $1, $1 }'
		} | control_raw | jq -r 'select(.id != 0) | [.id, (.error.data.kind != "denied")] | @tsv' |
			sort >"$BATS_TEST_TMPDIR/got"
		sort "$BATS_TEST_TMPDIR/wanted" | diff - "$BATS_TEST_TMPDIR/got"
	done
	[ "$(stat_of control_denied)" -gt 10 ]
}

@test "a role can be lowered but not raised" {
	start_poold
	{
		request 1 role.lower '{"role":"viewer"}'
		request 2 server.info
		request 3 role.lower '{"role":"admin"}'
		request 4 connections.kick '{"all":true}'
		request 5 complete '{"kind":"ban"}'
	} | control_raw >"$BATS_TEST_TMPDIR/out"
	holds "$(jq -cs . "$BATS_TEST_TMPDIR/out")" '.[0].result' '.[1].result.role == "viewer"' \
		'[.[2:][].error.data.kind] == ["denied", "denied", "denied"]'
}

@test "an account that is not named has no rights, and one that is has its own" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	command -v setpriv >/dev/null || skip "needs setpriv"
	prepare_poold
	chmod 711 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
	write_config "control: {path: $POOLCTL_SOCKET, mode: 0666, operator: [daemon, 3000000000], viewer: ['@games']}"
	launch_poold
	as() {
		local who=$1
		shift
		request 1 "$@" | setpriv --reuid "$who" --regid "$who" --clear-groups \
			"$BATS_TEST_TMPDIR/peer" rpc "$POOLCTL_SOCKET"
	}
	cp "$PEER" "$BATS_TEST_TMPDIR/peer"
	chmod 755 "$BATS_TEST_TMPDIR/peer"
	holds "$(as daemon server.info)" '.result.role == "operator"'
	holds "$(as daemon settings.set '{"values":{"rate":5}}')" '.error.data.kind == "denied"'
	holds "$(as games server.info)" '.result.role == "viewer"'
	holds "$(as games connections.kick '{"all":true}')" '.error.data.kind == "denied"'
	holds "$(as bin server.info)" '.error.data.kind == "denied"'
	holds "$(as nobody server.info)" '.error.data.kind == "denied"'
	# one that is larger than an int is itself in the audit
	as 3000000000 connections.kick '{"all":true}' >/dev/null
	holds "$(events_of admin | jq -cs .)" '.[-1].uid == 3000000000'

	# whose role goes does not go on with what he has begun
	as daemon trace.start '{"user":"alice","for_s":3600}' >"$BATS_TEST_TMPDIR/trace" &
	note_pid $!
	logged 'trace.start.*begun'
	write_config "control: {path: $POOLCTL_SOCKET, mode: 0666, viewer: [daemon]}"
	control_result server.reload >/dev/null
	logged 'closed, its role is only viewer now'
	wait_until gone $!
	holds "$(jq -cs . "$BATS_TEST_TMPDIR/trace")" '.[-1].result.ended == "cancelled"'
}

@test "pages by cursor show each connection exactly once" {
	start_poold
	local n after page pages=0
	n=$(scaled 230)
	swarm many --users "$n" --prefix m
	after=0
	: >"$BATS_TEST_TMPDIR/ids"
	while [ "$after" != null ]; do
		page=$(control_result connections.list "{\"limit\":50,\"after\":$after}")
		holds "$page" ".total == $n" ".online == $n" '.returned <= 50' '.returned == (.connections | length)'
		jq '.connections[].id' <<<"$page" >>"$BATS_TEST_TMPDIR/ids"
		after=$(jq .next <<<"$page")
		pages=$((pages + 1))
	done
	same "$(((n + 49) / 50))" "$pages" pages
	same "$n" "$(sort -nu "$BATS_TEST_TMPDIR/ids" | wc -l)" "different ids"
	sort -n -c "$BATS_TEST_TMPDIR/ids"
	swarm_stop many >/dev/null
}

@test "users come in pages by name" {
	start_poold
	swarm many --users 25 --prefix m
	local page after="" all=""
	while [ "$after" != null ]; do
		page=$(control_result users.list "{\"limit\":10${after:+,\"after\":$after}}")
		all+=$(jq -r '.users[].user' <<<"$page")$'\n'
		after=$(jq -c .next <<<"$page")
	done
	same 25 "$(sort -u <<<"$all" | grep -c .)" users
	swarm_stop many >/dev/null
}

@test "with sort the best of the whole set come, and total still counts all" {
	start_poold
	swarm many --users 60 --prefix m --inflight 1
	holds "$(control_result connections.list '{"sort":"id:desc","limit":5}')" '.total == 60' \
		'.returned == 5' '[.connections[].id] == ([.connections[].id] | sort | reverse)' \
		'.connections[0].user == "m59"'
	holds "$(control_result connections.list '{"sort":"user","limit":3}')" \
		'[.connections[].user] == ["m0","m1","m10"]'
	holds "$(control_result connections.list '{"sort":"idle:desc","limit":3}')" '.returned == 3'
	same bad_value "$(control_kind connections.list '{"sort":"beauty"}')"
	swarm_stop many >/dev/null
}

@test "a streamed list comes in lines of at most 32 KiB, then the totals" {
	start_poold
	local n
	n=$(scaled 1000)
	swarm many --users "$n" --prefix m
	control_call connections.list '{"stream":true}' >"$BATS_TEST_TMPDIR/out"
	same "$n" "$(jq -c 'select(.method == "rows") | .params.rows[]' "$BATS_TEST_TMPDIR/out" | wc -l)" rows
	holds "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" ".result.total == $n" ".result.returned == $n" '.id == 1'
	holds "$(head -n 1 "$BATS_TEST_TMPDIR/out")" '.method == "rows"' '.params.id == 1'
	[ "$(wc -L <"$BATS_TEST_TMPDIR/out")" -le 32768 ]
	swarm_stop many >/dev/null
}

@test "many long answers to one client come without a pause" {
	start_poold
	local i users
	users=$(scaled 1200)
	swarm many --users "$users" --prefix m
	for i in $(seq 20); do # more than may run at once, and than may wait for one client
		request "$i" connections.list '{"stream":true,"sort":"user:desc"}'
	done | timeout 8 "$PEER" rpc "$POOLCTL_SOCKET" >"$BATS_TEST_TMPDIR/out"
	same 20 "$(jq -c "select(.result.returned == $users)" "$BATS_TEST_TMPDIR/out" | wc -l)"
	swarm_stop many >/dev/null
}

@test "count groups by state, address, listener and user" {
	local name='a-listener-of-the-length-that-addresses-of-unix-have-and-cut-in-the-midst-of-öäüöäü'
	prepare_poold
	write_config "listen: [{address: '127.0.0.1:$PORT', name: $name}]"
	launch_poold
	swarm many --users 30 --prefix m --sources 3 --source-net 5
	swarm anon --users 5 --anonymous
	holds "$(control_result connections.count)" '.total == 35'
	holds "$(control_result connections.count '{"by":"state"}')" \
		'[.groups[] | select(.key == "active").count] == [30]' \
		'[.groups[] | select(.key == "connected").count] == [5]'
	holds "$(control_result connections.count '{"by":"ip","select":["user~^m"]}')" '.total == 30' \
		'[.groups[].count] == [10,10,10]'
	holds "$(control_result connections.count '{"by":"listener"}')" ".groups == [{key: \"$name\", count: 35}]"
	holds "$(control_result connections.count '{"by":"user","select":["m1","m2"]}')" '.total == 2' \
		'.groups | length == 2'
	swarm_stop many >/dev/null
	swarm_stop anon >/dev/null
}

# matches N SELECT: so many connections match the JSON words.
matches() {
	same "$1" "$(control_result connections.count "{\"select\":[$2]}" | jq .total)" "$2"
}
export -f matches

@test "every selector finds what it says" {
	start_poold
	swarm many --users 20 --prefix bot- --sources 2 --source-net 6
	play <<-'SCRIPT'
		a: > AUTH alice - :Alice
		a: < OK *
		b: > AUTH bob -
		b: < OK *
		b: > IDLE
		b: < OK *
		! matches 1 '"alice"'
		! matches 2 '"alice","bob"'
		! matches 2 '"user=alice,bob"'
		! matches 21 '"user!=alice"'
		! matches 20 '"user~^bot-"'
		! matches 1 '"state=idle"'
		! matches 22 '"state=active,idle"'
		! matches 10 '"ip=127.0.6.1"'
		! matches 20 '"ip=127.0.6.0/24"'
		! matches 2 '"ip!=127.0.6.0/24"'
		! matches 10 '"user~^bot-","ip=127.0.6.2"'
		! matches 22 '"age=-1h"'
		! matches 0 '"idle=+1h"'
		! matches 22 '"queue=-1"'
		! matches 0 '"drops=+0"'
		! matches 22 '"out=-1M"'
		! matches 22 '"listener=127.0.0.1:'$PORT'"'
	SCRIPT
	swarm_stop many >/dev/null
}

@test "show tells everything known about a connection" {
	start_poold
	play <<-'SCRIPT'
		connect
		<? id conn=([0-9]+)
		> AUTH alice - :Al
		< OK *
		> PING
		< PONG
		! holds "$(control_result connections.show '{"select":["alice"]}')" '.connections | length == 1' '.connections[0] | .id == %id% and .user == "alice" and .display == "Al" and .state == "active" and .ip == "127.0.0.1" and .port > 0 and .age_s >= 0 and .idle_s >= 0 and .bytes_in == 24 and .bytes_out > 50 and .queue_bytes == 0 and .dropped == 0' '.connections[0].connected_at | test("T.*Z$")' '.connections[0].login_at | test("T.*Z$")'
	SCRIPT
	same not_online "$(control_kind connections.show '{"select":["nobody"]}')"
}

@test "kick refuses unless exactly the expected number match" {
	start_poold
	swarm many --users 10 --prefix m
	same conflict "$(control_kind connections.kick '{"select":["user~^m"],"expect":9}')"
	same limit "$(control_kind connections.kick '{"select":["user~^m"],"max":9}')"
	stat_is active_connections 10
	holds "$(control_result connections.kick '{"select":["user~^m"],"expect":10,"max":10}')" '.count == 10' \
		'.kicked | length == 10'
	stat_is active_connections 0
	closed_is kicked 10
	swarm_stop many >/dev/null
}

@test "a dry run of kick touches nobody, and its token ends exactly those it saw" {
	start_poold
	swarm many --users 5 --prefix m
	local token
	token=$(control_result connections.kick '{"select":["user~^m"],"dry_run":true}' | jq -r .token)
	stat_is active_connections 5
	swarm late --users 3 --prefix mlate
	holds "$(control_result connections.kick "{\"token\":\"$token\"}")" '.count == 5'
	stat_is active_connections 3
	holds "$(control_result users.list)" '[.users[].user] | all(startswith("mlate"))'
	swarm_stop many >/dev/null
	swarm_stop late >/dev/null
}

@test "ignore_missing makes nobody there a success" {
	start_poold
	holds "$(control_result connections.kick '{"select":["nobody"],"ignore_missing":true}')" '.count == 0'
}

some_are_kicked() {
	[ "$(stat_of closed.kicked)" -ge 3 ]
}
export -f some_are_kicked

@test "kick with a rate takes its time and can be cancelled" {
	start_poold
	swarm many --users 50 --prefix m
	play "unix:$POOLCTL_SOCKET" <<-'SCRIPT'
		> {"jsonrpc":"2.0","id":"five","method":"connections.kick","params":{"all":true,"rate":10}}
		! wait_until some_are_kicked
		> {"jsonrpc":"2.0","id":6,"method":"cancel","params":{"id":"five"}}
		<* *"id":6,"result"*
	SCRIPT
	local left
	left=$(stat_of active_connections)
	[ "$left" -gt 20 ]
	[ "$left" -lt 50 ]
	swarm_stop many >/dev/null
}

@test "settings: list, get, set, unset, with source and effect" {
	start_poold 'timeouts: {login_timeout: 7s}'
	holds "$(control_result settings.list)" \
		"[.settings[].name] | length == $(grep -c '^SETTING(' "$SRCDIR/server/settings.def")"
	holds "$(control_result settings.get '{"names":["login_timeout","timeouts.connection_timeout"]}')" \
		'.settings | length == 2' '.settings[0].value == "7s"' '.settings[0].default == "10s"' \
		'.settings[0].source | test("poold.yaml:[0-9]+$")' '.settings[1].source == "default"'
	holds "$(set_values connection_timeout=2m)" '.changed | length == 1' '.changed[0].old == "5m"' \
		'.changed[0].new == "2m"' '.changed[0].affected == 0'
	holds "$(control_result settings.get '{"names":["connection_timeout"]}')" '.settings[0].value == "2m"' \
		'.settings[0].source | test("^runtime by")'
	holds "$(control_result pool.stats)" '.connection_timeout == 120'
	control_result settings.set '{"values":{"connection_timeout":90}}'
	holds "$(control_result pool.stats)" '.connection_timeout == 90'
	holds "$(control_result settings.unset '{"names":["connection_timeout"]}')" '.changed[0].new == "5m"'
	holds "$(control_result settings.list '{"pattern":"ping"}')" '.settings | length == 2'
}

@test "several settings are set all or none" {
	start_poold
	same bad_value "$(control_kind settings.set '{"values":{"connection_timeout":"1m","ping_timeout":"never"}}')"
	same bad_value "$(control_kind settings.set '{"values":{"max_message":"16MiB","max_queue":"4KiB"}}')"
	holds "$(control_result settings.get '{"names":["connection_timeout","max_message"]}')" \
		'all(.settings[]; .source == "default")'
	holds "$(control_result settings.set '{"values":{"connection_timeout":"1m"},"dry_run":true}')" \
		'.changed[0].new == "1m"'
	holds "$(control_result settings.get '{"names":["connection_timeout"]}')" '.settings[0].source == "default"'
}

@test "complete offers users, settings, listeners, columns, selectors and types" {
	start_poold
	swarm many --users 100 --prefix cand
	holds "$(control_result complete '{"kind":"user","prefix":"cand9"}')" '.candidates | length == 11'
	holds "$(control_result complete '{"kind":"user","prefix":"cand","limit":7}')" '.candidates | length == 7'
	holds "$(control_result complete '{"kind":"user"}')" '.candidates | length == 64'
	holds "$(control_result complete '{"kind":"setting","prefix":"connection"}')" '.candidates == ["connection_timeout"]'
	holds "$(control_result complete '{"kind":"type","prefix":"dis"}')" '.candidates == ["disconnect"]'
	holds "$(control_result complete '{"kind":"listener"}')" '.candidates | length == 1'
	holds "$(control_result complete '{"kind":"column","prefix":"us"}')" '.candidates | index("user") != null'
	holds "$(control_result complete '{"kind":"selector","prefix":"us"}')" '.candidates | length > 0'
	swarm_stop many >/dev/null
}

@test "the 65th client is refused in words, while places for admins remain in the count" {
	start_poold
	{
		local i
		for i in $(seq 64); do
			printf 'c%d: connect\nc%d: < *hello*\n' "$i" "$i"
		done
		cat <<-'SCRIPT'
			late: connect
			late: < *"error"*"busy"*
			late: gone
			c1: close
			! wait_until control_answers
		SCRIPT
	} | play "unix:$POOLCTL_SOCKET"
	[ "$(stat_of control_refused)" -ge 1 ]
}

@test "an operator who does not read is closed after a while, and costs little till then" {
	[ "$POOLD_TEST_SCALE" = full ] || skip "takes ten seconds"
	start_poold
	local before after
	swarm many --users 3000 --prefix m
	before=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$POOLD_PID/status")
	play "unix:$POOLCTL_SOCKET" <<-'SCRIPT' >"$BATS_TEST_TMPDIR/play"
		timeout 30000
		repeat 40 {"jsonrpc":"2.0","id":%n%,"method":"connections.list","params":{"stream":true}}
		! holds "$(control_result pool.stats)" '.active_connections == 3000'
		! holds "$(control_result connections.count)" '.total == 3000'
		sleep 11000
		gone
	SCRIPT
	after=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$POOLD_PID/status")
	[ "$((after - before))" -lt 16384 ]
	# far from all of it: the generator had stopped
	[ "$(grep -c '"rows"' "$BATS_TEST_TMPDIR/play")" -lt 1000 ]
	swarm_stop many >/dev/null
}

@test "operators who leave in the middle of a list leave nothing behind" {
	start_poold
	local before
	swarm many --users "$(scaled 1000)" --prefix m
	control_answers
	before=$(find "/proc/$POOLD_PID/fd" -mindepth 1 | wc -l)
	for _ in $(seq "$(scaled 50)"); do
		request 1 connections.list '{"stream":true}' | timeout 5 "$PEER" rpc "$POOLCTL_SOCKET" | head -n 1 >/dev/null
		printf '> {"jsonrpc":"2.0","id":1,"method":"connections.list","params":{"stream":true}}\nreset\n' |
			play "unix:$POOLCTL_SOCKET" >/dev/null
	done
	wait_until fds_at_most "$before"
	swarm_stop many >/dev/null
}

# The client that was asked for first may still have been counted.
fds_at_most() {
	[ "$(find "/proc/$POOLD_PID/fd" -mindepth 1 | wc -l)" -le "$1" ]
}

@test "what changes something is logged and becomes an admin event" {
	start_poold
	swarm one --users 1 --prefix u
	control_result connections.kick '{"select":["u0"],"comment":"too loud"}'
	control_result message.broadcast '{"data":"the secret text"}'
	control_result pool.stats >/dev/null
	same 2 "$(events_of admin | wc -l)" "admin events"
	holds "$(events_of admin | head -n 1)" '.method == "connections.kick"' ".uid == $(id -u)" '.pid > 0' \
		'.role == "admin"' '.comment == "too loud"'
	logged connections.kick
	logged message.broadcast
	run ! grep -q 'the secret text' "$POOLD_LOG"
	events_of admin >"$BATS_TEST_TMPDIR/events"
	run ! grep -q 'the secret text' "$BATS_TEST_TMPDIR/events"
	swarm_stop one >/dev/null
}
