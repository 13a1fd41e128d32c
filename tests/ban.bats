#!/usr/bin/env bats
# ban.bats - who is kept out, for how long, and what the operator is told; and users
# whose devices fight.
load helpers
load poolctl

# start_with_state [YAML]: a daemon that keeps what it knows.
start_with_state() {
	mkdir -p "$BATS_TEST_TMPDIR/state"
	start_poold "state_dir: $BATS_TEST_TMPDIR/state
${1-}"
}

# retry_of CODE ADDRESS [USER]: what BYE says to one who comes from there, or logs in.
retry_of() {
	{
		printf 'connect source=%s\n' "$2"
		[ -z "${3-}" ] || printf '< HELLO *\n> AUTH %s -\n' "$3"
		printf '<? retry ^BYE %s [a-z-]+ retry=([0-9]+|never)\neof\n' "$1"
		printf '! echo %%retry%% >"%s/retry"\n' "$BATS_TEST_TMPDIR"
	} | play >/dev/null
	cat "$BATS_TEST_TMPDIR/retry"
}

# welcome ADDRESS USER: may log in.
welcome() {
	printf 'connect source=%s\n< HELLO *\n> AUTH %s -\n< OK *\n> QUIT\nbye 100\n' "$1" "$2" | play
}

@test "a banned user is refused at login, a banned address at once, each with its time" {
	start_with_state
	status_of 0 ban add mallory --for 1h --reason 'calm down'
	[[ $output == "banned mallory until 20"* ]]
	status_of 0 ban add 127.0.0.9 127.3.0.0/16 --yes
	same $'banned 127.0.0.9 for ever\nbanned 127.3.0.0/16 for ever' "$output"
	play <<-'SCRIPT'
		> AUTH mallory -
		<? retry ^BYE 309 banned retry=([0-9]+) :calm down$
		eof
		! [ %retry% -gt 3500000 ] && [ %retry% -le 3600000 ]
	SCRIPT
	same never "$(retry_of 309 127.0.0.9)"
	same never "$(retry_of 309 127.3.4.5)"
	welcome 127.0.0.8 alice
	stat_is rejected.banned 3
	stat_is ban_refused 3
	stat_is bans 3
	same 'poold_bans 3' "$(ctl metrics | jq -r .text | grep '^poold_bans ')"
	closed_is banned 3
	holds "$(events_of reject | jq -s .)" 'length == 3' 'all(.[]; .reason == "banned")' \
		'.[0].user == "mallory"' '.[2].rule == "127.3.0.0/16"'
	holds "$(ctl ban list)" '.total == 3' '[.bans[].hits] == [1, 1, 1]' \
		'.bans[0].reason == "calm down"' '.bans[0].left_s > 3500' '.bans[1].until == null'
}

@test "a ban ends the sessions it hits, unless they are to be kept" {
	start_poold
	online alice bob carol
	status_of 0 ban add alice --keep
	online_is 3
	said_like '*kept in memory only, for there is no state_dir'
	status_of 0 ban add bob --for 1m --comment 'ticket 7' --expect 1
	[[ $output == *$'\n'"ended "*" bob 127.0.0.1:"* ]]
	online_is 2
	play_end bob
	heard bob 'BYE 309 banned retry=[0-9]'
	same never "$(retry_of 309 127.0.0.1 alice)"
	holds "$(events_of ban | jq -s .)" '[.[].what] == ["add", "add"]' '.[1].user == "bob"' \
		'.[1].comment == "ticket 7"'
	holds "$(events_of admin | tail -n 1)" '.method == "ban.add"' '.count == 1'
}

@test "a dry run says whom it would hit and does nothing; expect and max refuse" {
	start_poold
	online alice bob
	status_of 0 ban add alice 10.0.0.0/8 --dry-run --for 1h
	[[ $output == "would ban alice until "*"would ban 10.0.0.0/8 until "*"would end "*" alice 127.0.0.1:"* ]]
	status_of 1 ban add alice --expect 2
	said 'poolctl: ban add: 1 match, expected 2'
	status_of 1 ban add alice --max 0
	stat_is bans 0
	online_is 2
	same 0 "$(events_of ban | wc -l)" "ban events"
	status_of 2 ban add 10.0.0.0/8
	said_like '*confirm with --yes*nothing was done'
	status_of 2 ban add alice user~^b --yes
	status_of 2 ban add 10.0.0.0/33
	said_like '*"10.0.0.0/33" is no user, address or network*'
}

@test "a selector bans the users who match now, kick --ban those it ends" {
	start_with_state
	online bot-1 bot-2 carol dave
	status_of 0 ban add user~^bot- --for 1h --expect 2 --keep
	same 'bot-1 bot-2' "$(ctl ban list | jq -r '[.bans[].rule] | sort | join(" ")')"
	online_is 4
	status_of 0 ban add state=active 'user~^bot-' --yes
	online_is 2
	status_of 0 kick carol --ban 1m --reason 'see you'
	[[ $output == *"banned 1 user" ]]
	play_end carol
	heard carol 'BYE 400 kicked retry=[56]'
	holds "$(ctl ban list)" '.total == 3' '.bans[2].rule == "carol"' '.bans[2].reason == "see you"'
	[[ $(retry_of 309 127.0.0.1 carol) -gt 30000 ]]
	grep -q '"rule":"carol"' "$BATS_TEST_TMPDIR/state/bans.jsonl"
}

@test "a ban ends by itself, exactly, and is swept later" {
	start_with_state 'timeouts: {cleanup_interval: 300ms}'
	status_of 0 ban add alice --for 4s
	retry_of 309 127.0.0.1 alice
	[ "$(cat "$BATS_TEST_TMPDIR/retry")" -le 4000 ]
	wait_until welcome 127.0.0.1 alice
	stat_comes bans 0
	wait_until grep -qx '{"bans":1}' "$BATS_TEST_TMPDIR/state/bans.jsonl"
	same 1 "$(wc -l <"$BATS_TEST_TMPDIR/state/bans.jsonl")" lines
	holds "$(events_of ban | jq -s .)" '[.[].what] == ["add", "expire"]'
	status_of 4 ban del alice
}

@test "a ban that is taken back refuses nobody; del is all or none" {
	start_with_state
	status_of 0 ban add alice 127.0.0.9 --yes
	status_of 4 ban del alice bob
	said 'poolctl: ban del: there is no ban of "bob"; nothing was done; see "ban list"'
	same never "$(retry_of 309 127.0.0.1 alice)"
	status_of 0 ban del alice ::ffff:127.0.0.9
	same $'no longer banned: alice\nno longer banned: 127.0.0.9' "$output"
	welcome 127.0.0.9 alice
	status_of 0 ban del alice --ignore-missing
	holds "$(events_of ban | jq -s .)" '[.[].what] == ["add", "add", "remove", "remove"]'
	same '' "$(poolctl ban list -H)"
}

@test "bans outlive a restart, with the time that is left" {
	start_with_state
	status_of 0 ban add alice --for 1h --reason spam --comment why
	status_of 0 ban add 127.3.0.0/16 --yes
	status_of 0 ban add gone --for 100ms
	holds "$(ctl ban list)" '.bans[0].uid == '"$(id -u)"
	stop_poold
	launch_poold
	holds "$(ctl ban list)" '[.bans[].rule] == ["alice", "127.3.0.0/16"]' \
		'.bans[0].left_s > 3500' '.bans[0].reason == "spam"' '.bans[0].comment == "why"'
	same never "$(retry_of 309 127.3.0.1)"
	stop_poold
	echo nonsense >>"$BATS_TEST_TMPDIR/state/bans.jsonl"
	run -1 "$POOLD" -c "$POOLD_CONFIG"
	[[ $output == *"$BATS_TEST_TMPDIR/state/bans.jsonl:5: "* ]]
	run -1 "$POOLD" --check-config -c "$POOLD_CONFIG"
	[[ $output == *"bans.jsonl:5: "* ]]
	sed -i '$d' "$BATS_TEST_TMPDIR/state/bans.jsonl"
	launch_poold
	stat_is bans 2
}

@test "the shortest ban ends, and a ban that has ended is not made any more" {
	start_poold
	control_result ban.add '{"rules":["alice"],"for_s":0.0001}' >/dev/null
	wait_until welcome 127.0.0.1 alice
	online bot-1 bot-2 carol
	control_result connections.kick '{"select":["user~^bot-"],"ban_s":0.1,"rate":2}' >/dev/null
	same bot-1 "$(events_of ban | jq -r 'select(.what == "add" and .user != "alice").user')"
	closed_is kicked 2
}

@test "what a comment may not hold is refused, and does not keep the daemon from starting" {
	start_with_state
	online carol
	local comment
	for comment in 'a\nb' 'a\tb' 'a\u0085b' 'a\u202eb'; do
		same bad_value "$(control_kind ban.add "{\"rules\":[\"x\"],\"comment\":\"$comment\"}")"
		same bad_value "$(control_kind connections.kick \
			"{\"select\":[\"carol\"],\"ban_s\":9,\"comment\":\"$comment\"}")"
	done
	stat_is bans 0
	online_is 1
	status_of 0 ban add alice --comment old
	stop_poold
	sed -i 's/"comment":"old"/"comment":"old\\nline"/' "$BATS_TEST_TMPDIR/state/bans.jsonl"
	launch_poold
	holds "$(ctl ban list)" '.bans[0].comment == "old\nline"'
}

@test "the bans of a call that is cut short are saved, told if they can be, and end in time" {
	local status=0
	start_with_state 'timeouts: {cleanup_interval: 300ms}'
	online bot-1 bot-2 bot-3 bot-4 carol
	"$POOLCTL" ban add 'user~^bot-' --for 20s --rate 0.01/s --yes >/dev/null 2>&1 3>&- &
	stat_comes bans 1
	kill -9 $!
	wait_until grep -q '"rule":"bot-' "$BATS_TEST_TMPDIR/state/bans.jsonl"
	"$POOLCTL" kick 'user~^bot-' --ban 3s --rate 0.01/s --yes >/dev/null 2>&1 3>&- &
	stat_comes bans 2
	kill -9 $!
	stat_comes bans 1
	same 1 "$(grep -c rule "$BATS_TEST_TMPDIR/state/bans.jsonl")" rules
	holds "$(events_of admin | jq -cs .)" 'map([.method, .result, .count]) == [
		["ban.add", "cut short", 1], ["connections.kick", "cut short", 1]]'
	"$POOLCTL" ban add 'user~^bot-' --for 20s --rate 0.01/s --yes \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	closed_is banned 2
	kill -INT $!
	wait $! || status=$?
	same 7 "$status" "status of Ctrl-C"
	said 'poolctl: ban add: interrupted: 1 had been banned, the rest were left alone'
	same 2 "$(grep -cE '^(banned bot-[234] until 20|ended [234] bot-[234] 127)' \
		"$BATS_TEST_TMPDIR/out")" "lines of what was done"
	online_is 2
}

@test "nobody waits for the disk but who changed bans, and one save is for all who came meanwhile" {
	start_with_state
	local i rules answers
	rules=$(jq -nc '{rules: [range(12) | "user-\(.)"]}')
	holds "$(control_result ban.add "$rules")" '.saved' '.save_error == null'
	stat_is ban_saves 1
	answers=$(for i in {0..11}; do
		printf '{"jsonrpc":"2.0","id":%d,"method":"ban.remove","params":{"rules":["user-%d"]}}\n' "$i" "$i"
	done | sed '$a {"jsonrpc":"2.0","id":99,"method":"server.info"}' | control_raw | jq -sc .)
	holds "$answers" 'length == 13' '.[0].id == 99' '[.[1:][].result.saved] | all'
	[ "$(stat_of ban_saves)" -le 4 ]
	same '{"bans":1}' "$(cat "$BATS_TEST_TMPDIR/state/bans.jsonl")"
}

@test "a ban that cannot be saved is in force, and says so; it is saved when that works again" {
	[ "$(id -u)" -ne 0 ] || chmod 700 "$BATS_TEST_TMPDIR"
	start_with_state
	rmdir "$BATS_TEST_TMPDIR/state"
	status_of 7 ban add alice
	said_like '*done, but not saved: *bans.jsonl: No such file or directory; the file is as it was'
	local format
	for format in json tsv yaml; do
		status_of 7 -o "$format" ban add alice
		said_like '*done, but not saved: *; the file is as it was*'
	done
	holds "$("$POOLCTL" -o jsonl <<<'ban add alice' || true)" \
		'.ok == false' '.status == 7' '.result.saved == false' '.error.status == 7'
	same never "$(retry_of 309 127.0.0.1 alice)"
	holds "$(control_result ban.add '{"rules":["bob"]}')" '.saved == false' \
		'.save_error | endswith("; the file is as it was")'
	[ "$(stat_of ban_saves_failed)" -ge 6 ] # it tries again by itself too
	holds "$(control_result server.health)" '.status == "degraded"' \
		'.checks[] | select(.name == "bans") | .text | startswith("not saved: /")'
	logged 'class=ban msg="the bans are not saved: '
	same 1 "$(grep -c 'class=ban msg="the bans are not saved: /.*bans.jsonl: No such file or directory; ' "$POOLD_LOG")"
	# a full disk: a part of the file, and nothing of it is left
	prlimit --pid "$POOLD_PID" --fsize=64:
	mkdir "$BATS_TEST_TMPDIR/state"
	holds "$(control_result ban.add '{"rules":["carol"]}')" '.saved == false' \
		'.save_error | contains("bans.jsonl: File too large; ")'
	same '' "$(ls -A "$BATS_TEST_TMPDIR/state")"
	prlimit --pid "$POOLD_PID" --fsize=unlimited:
	stop_poold
	same 'alice bob carol' "$(jq -r '.rule // empty' "$BATS_TEST_TMPDIR/state/bans.jsonl" | paste -sd ' ')"
}

@test "ban test says whether and by which rule" {
	start_poold
	status_of 0 ban add alice --reason spam
	status_of 0 ban add 10.0.0.0/8 --for 1h --yes
	status_of 0 ban add 10.1.0.0/16 --yes
	status_of 1 ban test alice
	same $'would be refused\n  rule alice for ever: spam' "$output"
	status_of 1 ban test 10.1.2.3
	[[ $output == *$'\n'"  rule 10.1.0.0/16 for ever"$'\n'"  rule 10.0.0.0/8 until "* ]]
	status_of 1 ban test 10.2.0.0/16
	status_of 0 ban test 0.0.0.0/0
	status_of 0 ban test 11.0.0.1
	same 'would be let in' "$output"
	status_of 0 ban test user=10.1.2.3
	status_of 2 ban test 'no user'
	holds "$(control_result ban.test '{"who":"::ffff:10.2.0.1"}')" '.refused' \
		'.rules[0].rule == "10.0.0.0/8"' '.retry_s > 3500' '.held_s == 0'
	# asking is no hit
	holds "$(ctl ban list)" '[.bans[].hits] | add == 0'
}

@test "what would hit everybody, this machine or oneself needs --all" {
	start_poold
	local me rule
	me=$(id -un)
	for rule in 0.0.0.0/0 ::/0 127.0.0.0/8 127.0.0.1 ::1; do
		status_of 1 ban add "$rule" --yes
		said_like "*is everybody, or this machine itself; nothing was done*--all*"
	done
	status_of 1 ban add "$me"
	said_like "*\"$me\", which is you*"
	online alice bob
	status_of 1 ban add state=active --yes
	said_like '*everybody who is online, 2 sessions; nothing was done*'
	status_of 1 ban add alice bob --yes
	stat_is bans 0
	online_is 2
	status_of 0 ban add ::/0 "$me" --all --yes
	stat_is bans 2
	status_of 0 ban add --all --yes --for 1m
	online_is 0
	stat_is bans 4
}

@test "there are at most max_bans; one that is there may be renewed" {
	start_poold 'pool: {max_bans: 2}'
	status_of 0 ban add alice bob --yes
	# no time is none, and for ever is to leave it out
	same bad_value "$(control_kind ban.add '{"rules":["alice"],"for_s":0}')"
	same bad_value "$(control_kind connections.kick '{"select":["alice"],"ban_s":0}')"
	same bad_value "$(control_kind log.set '{"level":"debug","for_s":0}')"
	status_of 1 ban add carol
	said_like '*there are 2 bans and max_bans is 2; nothing was done*'
	status_of 0 ban add alice --for 1m
	online dave erin
	status_of 7 kick dave --ban 1m
	status_of 7 --json kick erin --ban 1m
	holds "$output" '.not_banned == 1'
	holds "$(cat "$BATS_TEST_TMPDIR/stderr")" '.error.message | test("max_bans already")'
	stat_is bans 2
	stat_is bans_full 3
	set_values max_bans=3 >/dev/null
	status_of 0 ban add carol
}

@test "a long list of bans comes whole and in pages; TAB knows the rules" {
	start_poold
	local params
	params=$(jq -nc '{rules: [range(1500) | "10.\(. / 250 | floor).\(. % 250).1"]}')
	holds "$(control_result ban.add "$params")" '.made == 1500'
	same 1500 "$(poolctl ban list -o name | wc -l)"
	same 3 "$(poolctl ban list -L 3 -o name | wc -l)"
	same limit "$(control_kind ban.list)"
	holds "$(control_result ban.list '{"limit":2,"after":10}')" '[.bans[].number] == [11, 12]' '.next == 12'
	holds "$(control_result complete '{"kind":"ban","prefix":"10.5.24"}')" \
		'.candidates | index("10.5.240.1") != null'
}

@test "a viewer may neither ban nor look at bans" {
	start_poold
	local words
	for words in 'add x' 'del x' list 'test x'; do
		# shellcheck disable=SC2086	# words
		status_of 5 --as viewer ban $words
	done
	status_of 0 --as operator ban add x
}

@test "two devices that throw each other out are held, and then released" {
	start_poold 'pool: {fight_limit: 3, fight_window: 10s, hold_down: 5s}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH alice -
		b: < OK * replaced=1
		c: > AUTH alice -
		c: < OK * replaced=1
		d: > AUTH alice -
		d: < OK * replaced=1
		e: > AUTH alice -
		e: < OK * replaced=1
		f: > AUTH alice -
		f: <? retry ^BYE 312 held retry=([0-9]+)
		f: eof
		! [ %retry% -gt 0 ] && [ %retry% -le 5000 ]
		other: > AUTH bob -
		other: < OK *
		other2: > AUTH bob -
		other2: < OK * replaced=1
		e: > PING
		e: < PONG
		! status_of 0 ban test alice && grep -q 'two devices were fighting' <<<"$output"
		! wait_until status_of 0 ban test alice && stat_is held 1
		! wait_until not_held
		g: > AUTH alice -
		g: < OK * replaced=1
		e: bye 301 replaced *
	SCRIPT
	stat_is held 1
	stat_is rejected.held 1
	closed_is held 1
	holds "$(events_of held)" '.user == "alice"' '.replaced == 4' '.held_s == 5'
	holds "$(events_of reject)" '.reason == "held"' '.user == "alice"'
}

not_held() {
	holds "$(control_result ban.test '{"who":"alice"}')" '.held_s == 0'
}
export -f not_held status_of poolctl same said

@test "while a user is held a login that replaces nobody goes, and fight_limit 0 holds nobody" {
	start_poold 'pool: {fight_limit: 1, hold_down: 60s}'
	play <<-'SCRIPT'
		a: > AUTH alice -
		a: < OK *
		b: > AUTH alice -
		b: < OK * replaced=1
		c: > AUTH alice -
		c: < OK * replaced=1
		d: > AUTH alice -
		d: bye 312 held *
		c: > QUIT
		c: bye 100
		e: > AUTH alice -
		e: < OK *
		f: > AUTH alice -
		f: bye 312 held *
		! ! not_held
		! set_values fight_limit=0 && not_held
		g: > AUTH alice -
		g: < OK * replaced=1
		! set_values fight_limit=1 hold_down=0 && not_held
		h: > AUTH alice -
		h: < OK * replaced=1
	SCRIPT
	set_values fight_limit=0 >/dev/null
	swarm race --same --prefix star --users 10 --inflight 10
	stat_is held 1
	swarm_stop race >/dev/null
}
