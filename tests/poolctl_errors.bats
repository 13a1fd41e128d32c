#!/usr/bin/env bats
# poolctl_errors.bats - exit status and words for everything that goes wrong.
load helpers
load poolctl

@test "no socket is 3 and says which" {
	prepare_poold
	status_of 3 ping
	said "poolctl: ping: cannot connect to $POOLCTL_SOCKET: no such file; is poold running? other socket: -s"
}

@test "a stale socket is 3 and says so" {
	start_poold
	kill -KILL "$POOLD_PID"
	wait "$POOLD_PID" || true
	status_of 3 ping
	said_like "poolctl: ping: cannot connect to $POOLCTL_SOCKET: connection refused: a stale socket*"
}

@test "a file that is no socket is 3 and says so" {
	touch "$BATS_TEST_TMPDIR/file"
	status_of 3 -s "$BATS_TEST_TMPDIR/file" ping
	said_like '*it is not a socket*'
}

@test "a socket path that is too long is 2" {
	status_of 2 -s "/tmp/$(text_of 200)" ping
	said_like '*more than the 107 that fit*'
}

@test "a forbidden socket is 5 and names owner, mode and you" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to be somebody else"
	[ -x "$(command -v setpriv)" ] || skip "no setpriv"
	start_poold
	as_nobody || skip "nobody cannot reach the directory of the tests"
	status=0
	as_nobody -s "$POOLCTL_SOCKET" ping 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	same 5 "$status"
	said_like 'poolctl: ping: cannot connect to *: permission denied: * belongs to root:root, mode 0*, and you are nobody*'
}

# as_uid UID PROGRAM [ARGUMENT…]: as somebody else, who gets a copy that he may read.
as_uid() {
	local uid=$1 copy=$BATS_FILE_TMPDIR/${2##*/} folder=$BATS_TEST_TMPDIR folders=()
	[ -e "$copy" ] || install -m 755 "$2" "$copy"
	# not from a directory that is closed to him: that is another error
	while [[ $folder != '' && $folder != /tmp && $folder != /var/tmp ]]; do
		folders+=("$folder")
		folder=${folder%/*}
	done
	chmod o+x "${folders[@]}"
	setpriv --reuid="$uid" --regid="$uid" --clear-groups "$copy" "${@:3}"
}

as_nobody() {
	as_uid 65534 "$POOLCTL" "${@:--V}" </dev/null
}

@test "a frozen daemon is 3 in time" {
	start_poold
	kill -STOP "$POOLD_PID"
	wait_until frozen
	SECONDS=0
	status_of 3 -t 1s ping
	[ "$SECONDS" -le "$([ "$POOLD_TEST_SCALE" = full ] && echo 3 || echo 20)" ]
	said_like 'poolctl: ping: connected to *, but poold sent no greeting within 1s*'
}

@test "a daemon frozen after the request is 6" {
	start_poold
	# one connection, greeted before the stop, one request behind it
	mkfifo "$BATS_TEST_TMPDIR/lines"
	"$POOLCTL" -t 3s <"$BATS_TEST_TMPDIR/lines" >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	batch=$!
	note_pid "$batch"
	exec 9>"$BATS_TEST_TMPDIR/lines"
	echo count >&9
	wait_until grep -q 0 "$BATS_TEST_TMPDIR/out"
	kill -STOP "$POOLD_PID"
	wait_until frozen
	echo count >&9
	exec 9>&-
	status=0
	wait "$batch" || status=$?
	kill -CONT "$POOLD_PID"
	same 6 "$status"
	said_like 'stdin:2: count: outcome unknown: no answer from poold within 3s*'
}

# first_row NAME ARGUMENT…: poolctl in the background, of which only the first row has
# been read; the others wait in $fd, see rest_of.
first_row() {
	local name=$1 row fd
	shift
	mkfifo "$BATS_TEST_TMPDIR/$name"
	"$POOLCTL" "$@" >"$BATS_TEST_TMPDIR/$name" 2>"$BATS_TEST_TMPDIR/$name.err" </dev/null 3>&- &
	pids[$name]=$!
	note_pid $!
	exec {fd}<"$BATS_TEST_TMPDIR/$name"
	fds[$name]=$fd
	read -r -u "$fd" row
	jq -e '.id // .seq' <<<"$row" >/dev/null
}

# rest_of NAME N: what it goes on to write is whole lines, fewer than N; it ends with 6.
rest_of() {
	local status=0 rows fd=${fds[$1]} err=$BATS_TEST_TMPDIR/$1.err

	rows=$(jq -c . <&"$fd" | wc -l)
	wait "${pids[$1]}" || status=$?
	exec {fd}<&-
	same 6 "$status" "status of $1: $(cat "$err")"
	((rows > 0 && rows < $2))
	holds "$(cat "$err")" '.error.message | test("outcome unknown: poold closed the connection ")'
}

@test "a daemon that is killed between the rows is 6, and not the end of the list" {
	local -A pids fds
	local n=2500 # more than all buffers hold

	start_poold
	swarm many --users "$n" --prefix u-
	first_row list -o jsonl list
	first_row who -o jsonl who --sort user
	first_row events -o json events --since 0 --no-follow
	kill -KILL "$POOLD_PID"
	wait "$POOLD_PID" || true
	rest_of list "$n"
	rest_of who "$n"
	rest_of events $((2 * n)) # a connect and a login each
}

@test "the role of a viewer is enough to look and not to act: 5" {
	local lines=('kick alice' 'send alice hi' 'broadcast hi' 'any hi' 'log level info'
		'set rate=1' 'config set rate=1' 'config unset rate' 'config save' 'config check'
		'config confirm' 'config rollback' 'config reload' shutdown 'trace alice'
		'ban add bob' 'ban del bob' 'ban list' 'ban test bob' 'drain start alice --over 1s'
		'drain status' 'drain cancel' 'accept off' 'accept on')

	start_poold
	online alice
	# there is no command that needs more and is not among them
	same '' "$(ctl help | jq -r '.commands[] | select(.role == ("operator", "admin")).command |
		. as $c | select(all($ARGS.positional[] + " "; startswith($c + " ") | not))' \
		--args "${lines[@]}")"
	status_of 5 --as viewer kick alice
	said_like 'poolctl: kick: * needs the role operator*'
	with_role viewer 5 "${lines[@]}"
	with_role viewer 0 ping status stats users list count 'show alice' 'get rate' \
		'config list' 'config diff' 'events --no-follow'
	online_is 1
	with_role operator 5 'set rate=1' 'config unset rate' 'config save' 'config confirm' \
		'config rollback' 'config reload' shutdown
	with_role operator 0 'send alice hi'
}

# with_role ROLE STATUS LINE…: each of the commands ends with this status.
with_role() {
	local role=$1 wanted=$2
	shift 2
	printf '%s\n' "$@" | "$POOLCTL" --as "$role" -k -o jsonl >"$BATS_TEST_TMPDIR/records" || true
	same $# "$(jq -c "select((.status // 0) == $wanted) | select($wanted != 5 or
		(.error.message | test(\"needs the role\")))" "$BATS_TEST_TMPDIR/records" | wc -l)" \
		"with $wanted as $role" || {
		cat "$BATS_TEST_TMPDIR/records"
		return 1
	}
}

@test "unknown words are 2, with near matches" {
	start_poold
	status_of 2 bogus
	said 'poolctl: bogus: unknown command; see "poolctl help"'
	status_of 2 statsu
	said_like 'poolctl: statsu: unknown command (did you mean *stat*?); see "poolctl help"'
	status_of 2 config
	status_of 2 config lst
	status_of 2 list --srot idle
	said 'poolctl: list: unknown option "--srot" (did you mean sort?)'
	status_of 2 set conection_timeout=5s
	said_like '*did you mean connection_timeout?*'
	status_of 2 li
	status_of 2 conf list
	said_like '*unknown command (did you mean config or count?)*'
	status_of 2 reload
	said_like '*did you mean config reload?*'
	status_of 2 set timeout=2m
	said_like '*did you mean connection_timeout, login_timeout or ping_timeout?*'
}

@test "a bad value is 2 wherever it is found out" {
	start_poold
	status_of 2 list -L 5x
	said 'poolctl: list: -L: "5x" is not a count'
	status_of 2 list -L ''
	status_of 2 -t abc ping
	status_of 2 -o fax ping
	status_of 2 set connection_timeout=5x
	status_of 2 list stat=idle
	said_like 'poolctl: list: *(did you mean state?)*'
	status_of 2 list state=asleep
	said_like '*no such state; there are connecting, connected, active, *'
	status_of 2 list bogus=1
	said_like '*unknown selector key "bogus"; there are user, id, ip, *'
	status_of 2 list idle=+5x
	status_of 2 list idle=5m
	said_like 'poolctl: list: *"idle=5m"*say +5m for more or -5m for less*'
	status_of 2 list 'idle>10m'
	said_like '*"idle>10m": say idle=+10m'
	status_of 2 list 'user=k*'
	said_like '*"user=k\*": say user~^k'
	status_of 2 list 'user~['
	status_of 2 list ip=10.0.0.0/99
	status_of 2 list --sort nothing
	poolctl list -o wide --columns +connected,login,queued-msgs | tr ' A-Z' '\na-z' |
		sed -n 's/^./list --sort &/p' | "$POOLCTL" >/dev/null
	status_of 2 count --by nothing
	status_of 2 events --type nothing --no-follow
	said_like '*"nothing"; there are connect, login, *, lifecycle'
	status_of 2 get nothing
	said 'poolctl: get: unknown setting "nothing"; see "config list"'
	status_of 2 ping extra
	# JSON has no room for it, and without it others would be meant
	status_of 2 list $'\xff'
	said 'poolctl: list: "\xFF" is not UTF-8; nothing was done'
	status_of 2 kick alice --reason $'\xff'
	status_of 2 --json get $'\xff'
	holds "$(cat "$BATS_TEST_TMPDIR/stderr")" '.error.message | startswith("\"\\xFF\" is")'
	status_of 2 ban add alice --for 0
	status_of 2 kick alice --ban 0
	status_of 2 log level debug --for 0
	status_of 2 explain 'no user'
	said 'poolctl: explain: user: "no user" is no user id'
	POOLCTL_TIMEOUT=soon status_of 2 ping
	same '' "$output"
}

@test "what is not UTF-8 is 2 and nothing is done, but a message may be of any bytes" {
	start_poold
	online alice
	local bad=$'m\xfcller' words
	while IFS= read -r words; do
		# shellcheck disable=SC2086	# words of a command
		status_of 2 $words
		said "poolctl: ${words%% *}$([[ $words == ban* ]] && echo ' add'): \"m\\xFCller\" is not UTF-8; nothing was done"
	done <<-END
		kick age=+1s $bad --yes
		kick alice --reason $bad
		list $bad
		broadcast hi --except $bad
		ban add alice $bad --yes
		ban add mallory --comment $bad
	END
	status_of 2 events --no-follow --type "connect,$bad"
	status_of 2 history --reason "kicked,$bad"
	status_of 2 accept off $'l\xfc'
	holds "$(ctl status)" 'all(.listeners[]; .accepting)'
	run -2 "$POOLCTL" <<<"kick age=+0s $bad --yes"
	online_is 1
	same 0 "$(ctl ban list | jq .total)" bans
	status_of 2 -o json kick "$bad"
	holds "$(cat "$BATS_TEST_TMPDIR/stderr")" '.error.message | test("xFCller.* is not UTF-8")'
	status_of 0 send alice "$bad"
	status_of 0 send alice -m "$bad"
	stat_is messages_out 2
}

@test "an error before the first row leaves stdout empty, without a header" {
	start_poold
	for format in table wide tsv csv name json jsonl yaml; do
		for line in list users count 'show' 'events --no-follow'; do
			# shellcheck disable=SC2086	# words of a command
			status_of 2 -o $format $line foo=bar
			same '' "$output" "stdout of $line as $format"
		done
	done
}

@test "in JSON mode the error is an object on stderr and stdout is empty" {
	start_poold
	for line in 'kick nobody' 'any hi' 'list stat=idle' 'show nobody' bogus 'list --srot x' \
		'--as viewer shutdown' '-s /nonexistent ping'; do
		status=0
		# shellcheck disable=SC2086	# words of a command
		out=$(poolctl -o json $line) || status=$?
		same '' "$out" stdout
		holds "$(cat "$BATS_TEST_TMPDIR/stderr")" ".error.status == $status" \
			'.error.message | length > 0'
	done
	status_of 2 list --srot x --json
	holds "$(cat "$BATS_TEST_TMPDIR/stderr")" '.error.command == "list"'
	status_of 2 lsit -o json
	holds "$(cat "$BATS_TEST_TMPDIR/stderr")" '.error.message | test("did you mean")'
	poolctl -o json kick nobody || true
	holds "$(cat "$BATS_TEST_TMPDIR/stderr")" '.error.kind == "not_online"' \
		'.error.command == "kick"'
}

@test "an interrupt is 130, TERM is 143" {
	start_poold
	for pair in INT:130 TERM:143; do
		"$POOLCTL" events >"$BATS_TEST_TMPDIR/out.$pair" 3>&- &
		pid=$!
		note_pid "$pid"
		online_event "$pair"
		kill -"${pair%:*}" "$pid"
		status=0
		wait "$pid" || status=$?
		same "${pair#*:}" "$status"
	done
}

# The follower listens when it has shown an event.
online_event() {
	wait_until shown "$1"
}

shown() {
	printf 'x' | "$PEER" talk "$PORT" --half-close >/dev/null 2>&1 || true
	[ -s "$BATS_TEST_TMPDIR/out.$1" ]
}

# hold N: lines of a script that opens so many control connections.
hold() {
	local n
	for n in $(seq "$1"); do
		printf 'c%d: connect\nc%d: < *hello*\n' "$n" "$n"
	done
}

# viewer_refused WHY: poolctl of an account that is no admin is not let in.
viewer_refused() {
	local status=0
	as_uid 1 "$POOLCTL" ping >/dev/null 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	same 3 "$status" && said_like "poolctl: ping: poold on * refuses this connection: $1"
}

@test "one client too many is refused clearly, while an admin still gets in" {
	local others=0
	prepare_poold
	write_config "control: {path: $POOLCTL_SOCKET, mode: 0666, viewer: ['1']}"
	launch_poold
	if [ "$(id -u)" -eq 0 ] && [ -x "$(command -v setpriv)" ] && as_nobody; then
		others=16
		{
			hold "$others"
			printf 'timeout 60000\nc1: gone\n'
		} | as_uid 1 "$PEER" script "unix:$POOLCTL_SOCKET" >"$BATS_TEST_TMPDIR/held" 2>&1 3>&- &
		note_pid $!
		wait_until grep -q "^c$others< .*hello" "$BATS_TEST_TMPDIR/held"
		viewer_refused 'too many control clients of this user*'
		status_of 0 ping
	fi
	{
		hold $((62 - others))
		[ "$others" -eq 0 ] || echo "! viewer_refused '*; the last places are for admins*'"
		cat <<-'SCRIPT'
			! status_of 0 ping
			a: connect
			a: < *hello*
			b: connect
			b: < *hello*
			! status_of 3 ping
			! said_like 'poolctl: ping: poold on * refuses this connection: too many control clients*'
		SCRIPT
	} | play "unix:$POOLCTL_SOCKET" >/dev/null
	wait_until poolctl ping
	[ "$(stat_of control_refused)" -ge 1 ]
}
export -f as_uid viewer_refused status_of poolctl same said_like
