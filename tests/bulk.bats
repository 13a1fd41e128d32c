#!/usr/bin/env bats
# bulk.bats - acts on many: what has to be said before, and what is done of it.
load helpers
load poolctl

@test "send to several needs --yes or --expect, to everybody --all" {
	start_poold
	online alice bob
	status_of 2 send 'user~^.' hi
	said 'poolctl: send: this may reach more than one: confirm with --yes or --expect N; 2 match now; nothing was done'
	status_of 2 send 'usr~^.' hi # what a --yes would not make right comes first
	said 'poolctl: send: unknown selector key "usr" (did you mean user?)'
	status_of 5 --as viewer send 'user~^.' hi
	status_of 2 send --all hi
	status_of 2 send --all alice hi --yes
	status_of 2 send hi --yes
	status_of 1 send 'user~^.' --expect 3 hi
	said 'poolctl: send: 2 match, expected 3'
	status_of 1 send 'user~^.' --max 1 --yes hi
	status_of 4 send 'user~^nobody' --yes hi
	status_of 0 send 'user~^.' --dry-run hi
	same $'would send to alice\nwould send to bob\nwould send to 2 sessions' "$output"
	stat_is messages_out 0
	status_of 0 send 'user~^.' --expect 2 -m first
	same 'sent to 2 sessions' "$output"
	holds "$(ctl send --all --yes second)" '.count == 2' '.users == ["alice", "bob"]' \
		'.failed == 0'
	stat_is messages_out 4
}

@test "an interrupted send says how many have it and ends with 7" {
	start_poold
	swarm many --users 60 --prefix u-
	"$POOLCTL" send 'user~^u-' --yes --rate 5/s hi >/dev/null \
		2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	sender=$!
	note_pid "$sender"
	wait_until some_sent
	kill -INT "$sender"
	status=0
	wait "$sender" || status=$?
	same 7 "$status"
	said_like 'poolctl: send: interrupted: * had been reached, the rest were left alone'
	[ "$(stat_of messages_out)" -lt 60 ]
}

some_sent() {
	[ "$(stat_of messages_out)" -gt 0 ]
}

@test "on a terminal several are shown and asked for; a latecomer is not touched, one who left is told" {
	start_poold
	online alice bob
	PTY=$(dirname "$PEER")/pty
	"$PTY" -t 20 "$POOLCTL" kick 'user~^.' <<-'SCRIPT'
		screen alice 127.0.0.1
		screen bob 127.0.0.1
		screen kick 2 connections? [y/N]
		send n\r
		screen not confirmed; nothing was done
		status 2
	SCRIPT
	"$PTY" -t 30 "$POOLCTL" drain start --all --over 1h <<-'SCRIPT'
		screen bob 127.0.0.1
		screen drain 2 connections? [y/N]
		send \x03
		screen not confirmed; nothing was done
		status 130
	SCRIPT
	holds "$(ctl drain status)" '.state == "none"'
	# where the question could not be seen it is not asked
	"$PTY" -t 20 bash -c "'$POOLCTL' kick 'user~^.' 2>'$BATS_TEST_TMPDIR/hidden'" <<<'status 2'
	grep -q 'confirm with --yes' "$BATS_TEST_TMPDIR/hidden"
	online_is 2
	# a text without quotes: what is taken for a name is named before it is sent
	"$PTY" -t 20 "$POOLCTL" send alice hello there <<-'SCRIPT'
		screen "there" to alice, hello: reach 1 session? [y/N]
		send n\r
		screen not confirmed; nothing was done
		status 2
	SCRIPT
	stat_is messages_out 0
	# rules are of who may come yet: all but one user are asked about
	"$PTY" -t 20 "$POOLCTL" <<-'SCRIPT'
		row poolctl>
		send ban add mallory oscar\r
		screen ban mallory, oscar and end 0 sessions? [y/N]
		send \r
		screen not confirmed; nothing was done
		row poolctl>
		send ban add 203.0.113.9\r
		screen ban 203.0.113.9 and end 0 sessions? [y/N]
		send y\r
		screen banned 203.0.113.9
		row poolctl>
		send ban add eve\r
		screen banned eve for ever
		send kick user~^zz --ignore-missing\r
		row poolctl>
		send codes on\r
		row poolctl>
	SCRIPT
	same 2 "$(ctl ban list | jq .total)" bans
	online carol
	"$PTY" -t 30 "$POOLCTL" kick 'user~^.' --ban 1h <<-SCRIPT &
		screen kick 3 connections? [y/N]
		shell touch "$BATS_TEST_TMPDIR/asked"; until [ -e "$BATS_TEST_TMPDIR/came" ]; do sleep 0.05; done
		send y\r
		screen kicked
		screen 1 had ended before, and for it nobody is banned
		status 7
	SCRIPT
	local pty=$!
	wait_until test -e "$BATS_TEST_TMPDIR/asked"
	control_result connections.kick '{"select":["carol"]}'
	play_bg late <<<$'> AUTH late -\n< OK *\n<* BYE *'
	online_is 3
	touch "$BATS_TEST_TMPDIR/came"
	wait "$pty"
	same late "$(poolctl users -o name)"
	wait_until is_idle late
	"$PTY" -t 20 "$POOLCTL" set connection_timeout=100ms <<-'SCRIPT'
		screen connection_timeout would end 1 connection now: change it? [y/N]
		send y\r
		screen 5m -> 100ms   (applies at once; 1 connection ends now)
		status 0
	SCRIPT
	online_is 0
}

is_idle() {
	[ "$("$POOLCTL" count "$1" idle=+100ms)" = 1 ]
}

@test "of one user, too, several sessions are asked about on a terminal" {
	start_poold 'pool: {max_sessions_per_user: 12}'
	swarm twins --same --prefix alice --users 12
	PTY=$(dirname "$PEER")/pty
	"$PTY" -t 30 "$POOLCTL" kick alice <<-'SCRIPT'
		screen and 2 more
		screen kick 12 connections? [y/N]
		send no, not them\r
		screen not confirmed; nothing was done
		status 2
	SCRIPT
	online_is 12
	status_of 0 kick alice
	online_is 0
}

@test "a user who is named and is not there is told of" {
	start_poold
	online alice bob
	status_of 0 list alice vik
	said 'poolctl: list: user "vik" is not online'
	status_of 0 show user=vok,bob,vik
	said 'poolctl: show: users "vok", "vik" are not online'
	status_of 0 -q list vik
	said ''
	holds "$(ctl list alice vik)" '.total == 1' '.missing == ["vik"]'
	status_of 0 kick alice vik --dry-run
	said 'poolctl: kick: user "vik" is not online'
	status_of 7 send alice vik --yes hi
	said 'poolctl: send: user "vik" is not online'
	same 'sent to 1 session' "$output"
	status_of 7 kick alice vik --yes --ban 1h
	said_like '*poolctl: kick: user "vik" is not online'
	stat_is bans 1
	status_of 7 drain start --over 1s bob vik --yes
	said 'poolctl: drain start: user "vik" is not online'
	online_is 0
	online carol
	status_of 0 kick carol vik --yes --ignore-missing
	said ''
}

@test "a token is good for the method that made it, once" {
	start_poold
	online alice bob
	local token
	token=$(control_result connections.kick '{"all":true,"dry_run":true}' | jq -r .token)
	same stale_cursor "$(control_kind message.send "{\"token\":\"$token\",\"data\":\"x\"}")"
	holds "$(control_result connections.kick "{\"token\":\"$token\"}")" '.count == 2'
	holds "$(events_of admin | tail -n 1)" '.arguments.preview == {"all": true, "count": 2}' '.count == 2'
	logged '\"preview\":{\"count\":2,\"all\":true}}: ok, 2"' -F
	same stale_cursor "$(control_kind connections.kick "{\"token\":\"$token\"}")"
}

@test "a preview of nobody is a preview of nobody" {
	start_poold
	online alice bob
	local token i params
	local calls=(connections.kick '' message.send '"data":"x",' ban.add '' drain.start '"over_s":1,')
	for ((i = 0; i < ${#calls[@]}; i += 2)); do
		params=${calls[i + 1]}
		token=$("$PEER" call "$POOLCTL_SOCKET" --value token "${calls[i]}" \
			"{$params\"select\":[\"nobody\"],\"dry_run\":true,\"expect\":0}")
		same 32 "${#token}" "token of ${calls[i]}"
		same no_match "$(control_kind "${calls[i]}" "{$params\"token\":\"$token\"}")"
	done
	stat_is messages_out 0
	stat_is total_closed 0
	online_is 2
}
