#!/usr/bin/env bats
# poolctl_output.bats - formats, columns, units, and names that mean harm.
load helpers
load poolctl

@test "every command is JSON that jq takes" {
	local lines=(ping status version stats metrics check users list count 'count --by state'
		'show alice' 'get max_queue' 'config list' 'config get rate' 'config diff'
		'set rate=5' 'config set rate=6 --confirm 1m' 'config confirm'
		'set rate=7 --confirm 1m' 'config rollback' 'config unset rate'
		'config save' 'config reload' 'config check' "config check $BATS_TEST_TMPDIR/poold.yaml"
		'log level info' history 'history -L 1' 'wait online:alice --for 0s'
		'top -b -n 1 --interval 100ms' 'trace alice --for 100ms'
		'ban add mallory' 'ban list' 'ban test alice' 'ban del mallory'
		'drain status' 'drain start alice --over 1m' 'drain cancel' 'accept off' 'accept on'
		'send alice hi' 'broadcast hi' 'events --no-follow --last 2'
		'kick alice --dry-run' 'kick alice' 'explain alice' help 'help list' 'stats -i 100ms -n 2')

	start_poold
	online alice bob=用户0
	# all but those without an answer of their own; shutdown comes last, any needs an idle user
	same 'any shutdown completion exit' "$(ctl help | jq -r '.commands[].command | . as $c |
		select(all($ARGS.positional[] + " "; startswith($c + " ") | not))' --args "${lines[@]}" | xargs)"
	for line in "${lines[@]}"; do
		# shellcheck disable=SC2086	# words of a command
		status_of 0 $line --json
		jq -e 'type == "object"' >/dev/null <<<"$output" ||
			{ echo "$line: $output"; false; }
	done
	status_of 0 shutdown --json
	jq -e 'type == "object"' <<<"$output"
	wait_poold
}

@test "columns line up by the width they have on the screen" {
	start_poold
	online alice=Alice bob=用户0 carol=张伟
	status_of 0 users --columns user,name,sessions
	same 'USER   NAME   SESSIONS
alice  Alice         1
bob    用户0         1
carol  张伟          1' "$output"
	same "$output" "$(LC_ALL=C poolctl users --columns user,name,sessions)"
}

@test "tsv and csv have a header of members, -H has none" {
	start_poold
	online 'alice=a,"b"'
	same $'user\tdisplay\nalice\ta,"b"' "$(poolctl users -o tsv --columns user,name)"
	same $'user,display\r\nalice,"a,""b"""\r' "$(poolctl users -o csv --columns user,name)"
	same $'alice\ta,"b"' "$(poolctl users -o tsv --columns user,name -H)"
}

@test "the same values in json, jsonl and yaml" {
	start_poold
	online alice=用户0 bob
	same "$(ctl list --columns user | jq -c '.connections[].id')" \
		"$(poolctl list -o jsonl | jq -c .id)"
	status_of 0 list alice -o yaml
	[[ $output == "connections:"*"  display: 用户0"*"total: 1"* ]]
}

@test "name prints the key alone" {
	start_poold
	online alice
	status_of 0 ban add mallory
	status_of 1 ban test mallory -o name
	same mallory "$output"
	[[ $(poolctl explain alice -o name) == 'alice is online: '* ]]
	status_of 2 trace alice --for 1s -o name
	status_of 2 list --watch --columns user
	status_of 2 events --last 1 --no-follow --columns user
	same alice "$(poolctl users -o name)"
	[[ $(poolctl list -o name) =~ ^[0-9]+$ ]]
	same max_queue "$(poolctl get max_queue -o name)"
}

@test "columns are picked and added, an unknown one is refused" {
	start_poold
	online alice
	same 'USER   STATE
alice  active' "$(poolctl list --columns user,state)"
	status_of 0 list --columns +rtt
	[[ ${output%%$'\n'*} == *QUEUE*RTT ]]
	status_of 2 list --columns stat
	said_like 'poolctl: list: --columns: unknown column "stat" (did you mean state*'
	same "$(poolctl list -o wide | head -n 1 | wc -w)" 16
}

@test "units are for people, raw on demand" {
	start_poold
	same "max_queue: 1MiB" "$(poolctl get max_queue)"
	holds "$(ctl stats)" '.connection_timeout == 300'
	[[ $(poolctl stats | grep connection_timeout) == *" 5m" ]]
	[[ $(poolctl stats --raw-units | grep connection_timeout) == *" 300" ]]
}

@test "times are local, --utc and data formats say UTC" {
	start_poold
	online alice
	[[ $(TZ=XXX-5 poolctl users --columns since -H) =~ ^[0-9-]{10}\ [0-9:]{8}$ ]]
	[[ $(poolctl users --columns since -H --utc) =~ ^[0-9-]{10}T[0-9:.]+Z$ ]]
	[[ $(poolctl users --columns since -H -o tsv) =~ ^[0-9-]{10}T[0-9:.]+Z$ ]]

	# where a row would be longer than the terminal, no more of one than is needed
	poolctl ban add bob --for 2d
	poolctl ban add carol --for 3650d
	local clock='[0-9:]{8}' soon='([0-9]{2}-[0-9]{2} [0-9:]{5}|[0-9]{4}-[0-9-]{5})'
	on_terminal 80 users --columns since -H
	[[ $output =~ ^[0-9-]{10}\ $clock ]]
	on_terminal 48 ban list --columns since,rule,reason,until,by
	[[ $output =~ ($clock|$soon)\ +bob\ +-\ +$soon ]]
	[[ $output =~ carol\ +-\ +[0-9]{4}-[0-9]{2}-[0-9]{2}\ \  ]]
	[[ ! $output =~ [0-9]{4}-[0-9-]{5}\ $clock ]]
	on_terminal 48 ban list --columns since,rule,reason,until,by --utc
	[[ $output =~ T$clock ]]
	on_terminal 30 explain alice # as are sentences between words
	[[ $output == "alice is online: session 1"$'\n'"from 127.0.0.1:"* ]]
}

# on_terminal COLUMNS ARGUMENT…: the screen is in $output
on_terminal() {
	local columns=$1
	shift
	output=$(printf '%s\n' eof show | "${POOLD%/*}/tests/pty" -s "${columns}x24" -t 20 \
		"$POOLCTL" "$@")
}

@test "POOLCTL_OUTPUT sets the format, an option goes before it" {
	start_poold
	holds "$(POOLCTL_OUTPUT=json poolctl count)" '.total == 0'
	same 0 "$(POOLCTL_OUTPUT=json poolctl -o table count)"
	POOLCTL_OUTPUT=fax status_of 2 count
}

@test "global options go before or after the command" {
	start_poold
	same "$(poolctl --json count)" "$(poolctl count --json)"
	same "$(poolctl -H -o tsv list)" "$(poolctl list -Ho tsv)"
}

@test "no user can drive the terminal of an operator" {
	start_poold
	play <<-'SCRIPT'
		> AUTH alice - :right‏to
		< ERR 4*
	SCRIPT
	online bob
	for format in table wide tsv csv json jsonl yaml name; do
		for line in list users 'show alice' 'events --no-follow --last 20' status; do
			# shellcheck disable=SC2086	# words of a command
			poolctl $line -o $format >>"$BATS_TEST_TMPDIR/all" || true
			cat "$BATS_TEST_TMPDIR/stderr" >>"$BATS_TEST_TMPDIR/all"
		done
	done
	poolctl "$(printf 'bo\033[2Jgus\u202e')" >>"$BATS_TEST_TMPDIR/all" || true
	poolctl kick "$(printf 'no\033]0;x\007body')" --yes >>"$BATS_TEST_TMPDIR/all" || true
	cat "$BATS_TEST_TMPDIR/stderr" >>"$BATS_TEST_TMPDIR/all"
	iconv -f UTF-8 -t UTF-8 "$BATS_TEST_TMPDIR/all" >/dev/null
	same 0 "$(LC_ALL=C.UTF-8 grep -cP \
		'[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]' \
		"$BATS_TEST_TMPDIR/all")"
}

@test "the reader of a pipe may leave: no error text, 141" {
	start_poold
	swarm many --users "$(scaled 2000)" --prefix u-
	for format in table csv jsonl name; do
		run bash -c "'$POOLCTL' list -o $format 2>'$BATS_TEST_TMPDIR/stderr' |
			head -n 1 >/dev/null; echo \${PIPESTATUS[0]}"
		[[ $output == 141 || $output == 0 ]] || same 141 "$output" "$format"
		same '' "$(cat "$BATS_TEST_TMPDIR/stderr")" stderr
	done
}

@test "output that cannot be written is an error" {
	start_poold
	[ -w /dev/full ] || skip "no /dev/full"
	status=0
	"$POOLCTL" stats >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
	same 1 "$status"
	said_like 'poolctl: *cannot write the output: No space left on device'
	local words
	for words in 'ban add alice' 'set rate=5' '--json accept off'; do
		status=0
		# shellcheck disable=SC2086	# words of a command
		"$POOLCTL" $words >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
		same 7 "$status" "$words"
		said_like '*done, but the output could not be written: No space left on device*'
	done
	status=0
	"$POOLCTL" set rate=6 --dry-run >/dev/full 2>/dev/null </dev/null || status=$?
	same 1 "$status" 'a dry run'
	same 'rate: 5' "$(poolctl get rate)"
	# a verdict that nobody has read is none
	status=0
	"$POOLCTL" check >/dev/full 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
	same 3 "$status"
	# what is closed is not taken by the connection
	status=0
	"$POOLCTL" ping >&- 2>"$BATS_TEST_TMPDIR/stderr" </dev/null || status=$?
	same 1 "$status"
	said 'poolctl: ping: cannot write the output: Bad file descriptor'
	status=0
	"$POOLCTL" <&- 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	same 2 "$status"
	said 'poolctl: stdin: Bad file descriptor'
}

@test "quiet says nothing where all is well" {
	start_poold
	online alice
	same '' "$(poolctl -q send alice hi)"
	# what was asked for is no more than that
	same 'max_queue: 1MiB' "$(poolctl -q get max_queue)"
	same 'would be let in' "$(poolctl -q ban test alice)"
	same 'drain: none' "$(poolctl -q drain)"
	[[ $(poolctl -q kick alice --dry-run) == 'would kick '*alice* ]]
	[[ $(poolctl -q status) == 'poold '* ]]
	same '' "$(poolctl kick alice -q)"
}

@test "tsv and csv tell what an event carries besides its columns" {
	start_poold
	poolctl set rate=5
	status_of 0 events --no-follow --last 20 --type admin -o tsv
	same detail "$(head -n 1 <<<"$output" | cut -f 9)"
	holds "$(tail -n 1 <<<"$output" | cut -f 9)" \
		'.method == "settings.set" and .result == "ok" and has("uid")'
	status_of 0 events --no-follow --type settings -o csv --last 1
	[[ $output == *'"{""name"":""rate"",""old"":'* ]]
}

@test "a count without groups has no line for them, its name is the number" {
	start_poold
	online alice bob
	same $'total\t2\nonline\t2' "$(poolctl count -Ho tsv)"
	same $'total,2\r\nonline,2\r' "$(poolctl count -Ho csv)"
	same 2 "$(poolctl count -o name)"
	same active "$(poolctl count --by state -o name)"
	holds "$(poolctl count --json)" '.groups == []'
}

@test "jsonl has a line for each setting, a batch one for each command" {
	start_poold
	same $'"rate"\n"max_queue"' "$(poolctl get rate max_queue -o jsonl | jq -c .name)"
	same "$(poolctl config list -o name)" \
		"$(poolctl config list -o jsonl | jq -r .name)"
	same '[1,2]' "$(printf 'get rate max_queue\n' | "$POOLCTL" -o jsonl |
		jq -c '[.line, (.result.settings | length)]')"
}

@test "the first worker has its index in the statistics too" {
	start_poold
	[[ $(poolctl stats | grep -F workers.0.index) =~ ^workers.0.index\ +0$ ]]
}
