#!/usr/bin/env bats
# poolctl.bats - every command of poolctl with a daemon that runs.
load helpers
load poolctl

@test "ping says which poold answers" {
	start_poold
	status_of 0 ping
	[[ $output =~ ^poold\ [0-9.]+\ answers\ in\ [0-9.]+\ ms$ ]]
	holds "$(ctl ping)" '.server == "poold"' '.rtt_s > 0' '.instance | length > 0'
}

@test "status tells process, listeners, health and role" {
	start_poold
	status_of 0 status
	[[ $output == *"127.0.0.1:$PORT"* ]]
	[[ $output == *"your role  admin"* ]]
	holds "$(ctl status)" '.status == "ok"' ".pid == $POOLD_PID" '.workers == 2' \
		'.role == "admin"' '.checks | length > 0'
}

@test "version names both ends, -V only poolctl" {
	start_poold
	status_of 0 version
	[ "$(wc -l <<<"$output")" -eq 2 ]
	status_of 0 -V
	[[ $output =~ ^poolctl\ [0-9.]+$ ]]
	holds "$(ctl version)" '.protocol == 1' '.poold == .poolctl'
}

@test "stats has the twelve names of the reference" {
	start_poold
	online alice bob
	holds "$(ctl stats)" '.active_connections == 2' '.user_connections == 2' \
		'[has("total_connections", "active_connections", "user_connections",
		"max_connections", "total_created", "total_closed", "connection_timeout",
		"cleanup_interval", "average_duration", "total_bytes_sent",
		"total_bytes_received", "total_messages")] | all'
}

@test "stats --interval gives so many samples, --delta what was added" {
	start_poold
	online alice
	status_of 0 stats --interval 100ms --count 3
	[ "$(wc -l <<<"$output")" -eq 4 ]
	[ "$(wc -L <<<"$output")" -le 80 ]
	status_of 0 stats --interval 100ms -n 2 --delta -o json
	[ "$(wc -l <<<"$output")" -eq 2 ]
	holds "$(tail -n 1 <<<"$output")" '.logins == 0' '.active_connections == 1'
}

@test "users is one line for each user online" {
	start_poold
	online alice=Alice bob=Bob
	status_of 0 users
	[ "$(wc -l <<<"$output")" -eq 3 ]
	[[ ${output%%$'\n'*} == "USER   NAME   SESSIONS  SINCE"* ]]
	holds "$(ctl users)" '.total == 2' '[.users[].user] == ["alice", "bob"]' \
		'.users[0].display == "Alice"' '.users[0].sessions == 1'
	same bob "$(poolctl users user=bob -o name)"
	status_of 2 users --sort idle:desc
	said_like '*sort by user, sessions or since; "list" has a line for each connection, and this order'
}

@test "list is one line for each connection, who is the same" {
	start_poold
	online alice bob
	status_of 0 list
	[[ ${output%%$'\n'*} == *ID*USER*STATE*ADDRESS*AGE*IDLE*IN*OUT*QUEUE ]]
	same "$(poolctl list -o name)" "$(poolctl who -o name)"
	holds "$(ctl list)" '.total == 2' '.online == 2' '.returned == 2' \
		'.connections | length == 2'
}

@test "list takes selectors, a limit, an order and a cursor" {
	start_poold
	online alice bob carol
	same "alice" "$(poolctl list alice --columns user -H)"
	same $'alice\nbob' "$(poolctl list alice bob --columns user -H | sort)"
	same 1 "$(poolctl list -L 1 -o name | wc -l)"
	same 3 "$(poolctl list -L 0 -o name | wc -l)"
	same $'carol\nbob\nalice' "$(poolctl list --sort user:desc --columns user -H)"
	same 2 "$(poolctl list --after "$(poolctl list -L 1 -o name)" -o name | wc -l)"
	holds "$(ctl list state=idle)" '.total == 0' '.connections == []'
}

@test "a list longer than a page is whole and has no row twice" {
	start_poold
	swarm many --users "$(scaled 1500)" --prefix u-
	same "$(scaled 1500)" "$(poolctl list -o name | sort -u | wc -l)"
	same "$(scaled 1500)" "$(poolctl users -o name | sort -u | wc -l)"
	holds "$(ctl list)" ".connections | length == $(scaled 1500)"
	same "$(scaled 1200)" "$(poolctl list -L "$(scaled 1200)" -o name | wc -l)"
}

@test "count is a number, --by a table" {
	start_poold
	online alice bob
	same 2 "$(poolctl count)"
	same 0 "$(poolctl count state=idle)"
	status_of 0 count --by state
	[[ $output == *$'\n'active*2 ]]
	holds "$(ctl count --by user)" '.groups | length == 2'
}

@test "show tells everything about a connection" {
	start_poold
	online alice=Alice
	status_of 0 show alice
	[[ $output == *"name          Alice"* ]]
	holds "$(ctl show alice)" '.connections[0].user == "alice"' \
		'.connections[0] | has("rtt_s", "queue_bytes", "listener", "connected_at")'
	status_of 4 show nobody
	said 'poolctl: show: user "nobody" is not online'
}

@test "kick ends a user and tells him why" {
	start_poold
	online alice bob
	status_of 0 kick alice --reason maintenance
	[[ $output =~ ^kicked\ [0-9]+\ alice\ 127.0.0.1:[0-9]+\ \(age\ [^\)]+\)$ ]]
	heard alice 'BYE 400 kicked.*maintenance'
	closed_is kicked 1
	same bob "$(poolctl users -o name)"
}

@test "kick --dry-run ends nobody" {
	start_poold
	online alice
	status_of 0 kick alice --dry-run
	[[ $output == "would kick "* ]]
	online_is 1
	holds "$(ctl kick alice --dry-run)" '.dry_run' '.count == 1'
}

@test "kick of several needs --yes or --expect, of everybody --all" {
	start_poold
	online alice bob
	status_of 2 kick
	status_of 2 kick 'user~^.'
	status_of 2 kick alice bob
	status_of 2 kick --all
	status_of 2 kick --all alice --yes
	online_is 2
	status_of 1 kick 'user~^.' --expect 3
	status_of 1 kick 'user~^.' --max 1 --yes
	online_is 2
	status_of 0 kick 'user~^.' --expect 2
	online_is 0
}

@test "kick --all --yes ends everybody" {
	start_poold
	online alice bob
	holds "$(ctl kick --all --yes --retry never)" '.count == 2' '.failed == []'
	heard alice 'BYE 400 kicked.*retry=never'
	online_is 0
}

@test "an interrupted kick says how many are gone and ends with 7" {
	start_poold
	swarm many --users 60 --prefix u-
	"$POOLCTL" kick 'user~^u-' --yes --rate 5/s >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	kicker=$!
	note_pid "$kicker"
	wait_until some_kicked
	kill -INT "$kicker"
	status=0
	wait "$kicker" || status=$?
	same 7 "$status"
	said_like 'poolctl: kick: interrupted: * had been kicked, the rest were left alone'
	[ "$(stat_of active_connections)" -gt 0 ]
}

some_kicked() {
	[ "$(stat_of closed.kicked)" -gt 0 ]
}

@test "kick of nobody is 4, with --ignore-missing 0" {
	start_poold
	status_of 4 kick nobody
	said 'poolctl: kick: user "nobody" is not online'
	status_of 0 kick nobody --ignore-missing
}

@test "send takes its text from an operand, an option, a file and stdin" {
	start_poold
	online alice
	echo "from a file" >"$BATS_TEST_TMPDIR/text"
	status_of 0 send alice 'one two'
	same "sent to 1 session" "$output"
	status_of 0 send alice -m minus
	status_of 0 send alice --file "$BATS_TEST_TMPDIR/text"
	same "sent to 1 session" "$(printf 'from stdin' | "$POOLCTL" send alice -)"
	same '["alice"]' "$(ctl send user=alice hi | jq -c .users)"
	status_of 4 send nobody hi
	status_of 2 send 'a text without a user'
	stat_is messages_out 5
}

@test "what is no text is sent as it is" {
	start_poold
	play <<-SCRIPT
		> AUTH alice -
		< OK *
		! printf '\\377\\000\\001' | "$POOLCTL" send alice -
		< MSG \$op 3
		payload \\xff\\x00\\x01
	SCRIPT
}

@test "broadcast reaches everybody but whom it spares" {
	start_poold
	online alice bob carol
	status_of 0 broadcast 'to all' --except bob
	same "sent to 2 sessions" "$output"
	status_of 0 broadcast -m again
	same "sent to 3 sessions" "$output"
	status_of 2 broadcast
	status_of 2 broadcast two words
}

@test "any gives a job to one who is idle, and is 4 if nobody is" {
	start_poold
	status_of 4 any job
	play <<-SCRIPT
		> AUTH worker -
		< OK *
		> IDLE
		< OK *
		! [[ "\$("$POOLCTL" any job-1)" == "sent to "*" worker" ]]
		<= ANY \$op 5
		payload job-1
	SCRIPT
}

@test "set changes a setting now, get shows it, unset takes it back" {
	start_poold
	status_of 0 set connection_timeout=2m
	same "connection_timeout: 5m -> 2m   (applies at once)" "$output"
	same "connection_timeout: 2m" "$(poolctl get connection_timeout)"
	same "connection_timeout: 2m" "$(poolctl config get connection_timeout)"
	status_of 0 config unset connection_timeout
	same "connection_timeout: 5m" "$(poolctl get connection_timeout)"
	holds "$(ctl get connection_timeout)" '.settings[0].source == "default"'
}

@test "max_connections below what is logged in says by how much, and ends nobody" {
	start_poold 'pool: {max_connections: 100}'
	online alice bob carol
	status_of 0 set max_connections=1
	same "max_connections: 100 -> 1   (applies at once; 3 are logged in, 2 more than the limit; nobody is ended)" "$output"
	online_is 3
	status_of 0 set max_connections=3
	same "max_connections: 1 -> 3   (applies at once)" "$output"
}

@test "set is all or nothing, and --dry-run nothing" {
	start_poold
	status_of 2 set connection_timeout=2m max_connections=many
	status_of 2 set connection_timeout=2m no_such=1
	status_of 2 set connection_timeout
	status_of 2 set rate=1 rate=2
	status_of 0 config set connection_timeout=2m --dry-run
	same "connection_timeout: 5m" "$(poolctl get connection_timeout)"
	holds "$(ctl config set rate=5 ping_interval=30s)" '.changed | length == 2'
}

@test "get -v tells all about a setting" {
	start_poold
	status_of 0 get max_queue -v
	for word in default source applies min max unit summary; do
		[[ $output == *$'\n  '"$word "* ]]
	done
	status_of 0 get -v duplicate_login login_timeout path
	[[ $output == *$'\n  words    replace|reject\n'* ]]
	[[ $output == *$'\n  min      100ms, or 0 (off)\n'* ]]
	[[ $output == *$'\n  default  ""\n'* && $output != *' '$'\n'* ]]
	status_of 2 get no_such_setting
}

@test "times are local for people, with --utc as the daemon sent them" {
	start_poold
	poolctl set rate=5
	export TZ=XXX-25
	local local_day
	local_day=$(date +%F)
	status_of 0 get rate -v
	[[ $output == *"source   runtime by $(id -un) at $local_day "??:??:??$'\n'* ]]
	status_of 0 config list rate
	[[ $output == *"runtime by $(id -un) at $local_day "??:??:??" "* ]]
	status_of 0 get rate -v --utc
	[[ $output == *"at $(date -u +%F)T"*Z$'\n'* ]]
	holds "$(ctl get rate)" '.settings[0].source | test("at [0-9-]{10}T[0-9:.]+Z$")'
	status_of 0 status
	[[ $output == *" since $local_day "??:??:??$'\n'* ]]
	status_of 0 status --utc
	[[ $output == *" since $(date -u +%F)T"*Z$'\n'* ]]
}

@test "a default looks like the value that equals it" {
	start_poold
	holds "$(ctl config list)" '.settings | map(select(.source == "default")) |
		length > 30 and all(.value == .default)'
	holds "$(ctl get connection_timeout)" '.settings[0].default == "5m"'
	status_of 2 get connection_timeout no_such_setting
	same '' "$output"
}

@test "config list shows all settings, or those that match" {
	start_poold
	status_of 0 config list
	[ "$(wc -l <<<"$output")" -gt 30 ]
	same "connection_timeout linger_timeout login_timeout ping_timeout write_timeout" \
		"$(poolctl config list '*_timeout' -o name | sort | paste -sd ' ')"
}

@test "config reload takes the file over, --dry-run only says so" {
	start_poold 'timeouts: {connection_timeout: 100s}'
	write_config 'timeouts: {connection_timeout: 200s}'
	status_of 0 config reload --dry-run
	same "connection_timeout: 1m40s" "$(poolctl get connection_timeout)"
	status_of 0 config check
	same "the configuration is good; what a reload would do:" "${output%%$'\n'*}"
	status_of 0 config reload
	[[ $output == *"connection_timeout: "*" -> "* ]]
	same "connection_timeout: 3m20s" "$(poolctl get connection_timeout)"
	status_of 0 config check
	same "the configuration is good; a reload would change nothing" "$output"
	write_config 'timeouts: {connection_timeout: soon}'
	status_of 2 config reload
	said_like "poolctl: config reload: $POOLD_CONFIG:*:*: *"
	status_of 2 config check
	said_like "poolctl: config check: $POOLD_CONFIG:*:*: connection_timeout: *soon*"
	same '' "$output"
	same "connection_timeout: 3m20s" "$(poolctl get connection_timeout)"
}

@test "config check FILE needs no daemon" {
	prepare_poold
	status_of 0 config check "$POOLD_CONFIG"
	same "$POOLD_CONFIG: good" "$output"
	write_config 'pool: {max_conections: 5}'
	status_of 2 config check "$POOLD_CONFIG"
	said_like "poolctl: config check: $POOLD_CONFIG:*:*: *max_connections*"
}

@test "events shows the past with --no-follow, and what happens without" {
	start_poold
	online alice
	status_of 0 events --last 1 --no-follow --type login
	[[ $output == *" login "*" alice 127.0.0.1:"* ]]
	"$POOLCTL" events alice -o json >"$BATS_TEST_TMPDIR/events" 3>&- &
	follower=$!
	note_pid "$follower"
	wait_until sees_disconnect
	kill -TERM "$follower"
	status=0
	wait "$follower" || status=$?
	same 143 "$status"
	jq -e . "$BATS_TEST_TMPDIR/events" >/dev/null
}

# Kicks alice until the follower has seen one go: it may not listen yet.
sees_disconnect() {
	online alice
	poolctl kick alice --ignore-missing
	grep -q '"type":"disconnect"' "$BATS_TEST_TMPDIR/events"
}

@test "events --since goes on behind a number" {
	start_poold
	online alice
	last=$(ctl events --last 1 --no-follow | jq .seq)
	status_of 0 kick alice
	wait_until closed_is kicked 1
	holds "$(ctl events --since "$last" --no-follow --type disconnect)" \
		'.reason == "kicked"' ".seq > $last"
}

@test "log level changes what is logged" {
	start_poold
	status_of 0 log level debug
	same "log level: info -> debug" "$output"
	holds "$(events_of settings)" '.name == "level"' '.old == "info"' '.new == "debug"'
	same "log level: debug -> info" "$(poolctl log level info --for 1h)"
	status_of 2 log level loud
}

@test "shutdown ends the daemon" {
	start_poold
	online alice
	status_of 0 shutdown --text 'good night'
	heard alice 'BYE 500 shutdown.*good night'
	wait_poold
	status_of 2 shutdown --grace 1s --now
}

@test "help knows every command, with an example, and --help is the same" {
	cd "$BATS_TEST_TMPDIR"
	status_of 0 help commands
	"$POOLCTL" help --json | jq -r '.commands[].command' >commands
	while read -r command; do
		[[ $output == *"  $command"* ]] || { echo "no $command"; false; }
	done <commands
	sed 's/^/help /' commands | "$POOLCTL" >by_command
	sed 's/$/ --help/' commands | "$POOLCTL" | diff by_command -
	same "$(wc -l <commands)" "$(grep -c '^Examples' by_command)" examples
	printf 'help %s\n' commands options selectors output exit-status prompt |
		"$POOLCTL" | cat - by_command >all
	same '' "$(grep -E '.{81}' all)" "lines longer than those of a terminal"
	status_of 0 help
	[[ $output == "usage: poolctl"*'config check|set|unset|save'* ]]
	[ "$(wc -l <<<"$output")" -le 23 ] # of 24, one is the prompt
	same "$output" "$(poolctl -h)"
	for topic in options selectors output exit-status prompt; do
		[[ $output == *"  $topic"* ]]
		holds "$(poolctl help $topic --json)" ".text == $(poolctl help $topic | jq -Rs .)"
	done
	status_of 2 help nonsense
}

# A person who has never seen it has the lines of "For a start", and they work.
@test "what help tells for a start can be run as it stands" {
	local line status n=0

	mkdir "$BATS_TEST_TMPDIR/state"
	start_poold "state_dir: $BATS_TEST_TMPDIR/state"
	online alice
	"$POOLCTL" help | sed -n '/^For a start/,/^$/s/^  \(.*[^ ]\)   .*/\1/p' \
		>"$BATS_TEST_TMPDIR/lines"
	while read -r line; do
		status=0
		[[ $line != send* ]] || line+=' --yes' # nobody can be asked here
		bash -c "'$POOLCTL' $line" </dev/null || status=$?
		[[ $status =~ ^[04]$ ]] || {
			echo "$line: $status"
			return 1
		}
		n=$((n + 1))
	done <"$BATS_TEST_TMPDIR/lines"
	[ "$n" -ge 6 ]
	same 2m "$("$POOLCTL" get connection_timeout -o tsv -H --columns value)"
	holds "$(ctl config list connection_timeout)" '.settings[0].source | test("overlay")'
}
