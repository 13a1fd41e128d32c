#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031	# each test is a subshell, and that is meant
# prompt.bats - poolctl on a terminal, with a real daemon behind it.
#
# The terminal is tests/pty: it plays the script that stands in each test and
# looks at the screen as a person would see it.
load helpers

setup() {
	PTY=${PTY:-$(dirname "$POOLD")/tests/pty}
	export HOME=$BATS_TEST_TMPDIR TERM=xterm
	export HISTORY=$HOME/.local/state/poolctl/history
	unset XDG_STATE_HOME POOLCTL_OUTPUT
	cd "$BATS_TEST_TMPDIR" || return 1
}

# prompt [OPTION…] <script: the prompt on a terminal of 80 columns.
prompt() {
	"$PTY" -t 30 "$POOLCTL" "$@"
}

# online USER…: these are logged in until the end of the test.
online() {
	local user

	{
		for user; do
			printf '%s\n' "$user: > AUTH $user -" "$user: < OK *"
		done
		printf '%s\n' 'timeout 60000' "$1: gone"
	} >"$BATS_TEST_TMPDIR/online"
	play_bg online <"$BATS_TEST_TMPDIR/online"
	online_is $#
}

@test "exit, quit and Ctrl-D on an empty line leave with 0" {
	start_poold
	for way in 'exit\r' 'quit\r' '\x04'; do
		prompt <<-SCRIPT
			row poolctl>
			send $way
			status 0
		SCRIPT
	done
}

@test "commands run, and may be shortened as long as they are unique" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send ping\r
		expect poold
		row poolctl>
		send conf get max_queue\r
		screen max_queue
		row poolctl>
		send sta\r
		screen may be any of
		row poolctl>
		send bogus\r
		screen bogus: unknown command
		row poolctl>
	SCRIPT
}

@test "TAB completes commands, options and values of options" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send pi\t
		row poolctl> ping
		send \x15sta\t
		row poolctl> stat
		send \t
		screen stats
		screen status
		row poolctl> stat
		send \x15kick alice --dry\t
		row poolctl> kick alice --dry-run
		send \x15list -o y\t
		row poolctl> list -o yaml
		send \x15config rel\t
		row poolctl> config reload
	SCRIPT
}

@test "TAB asks the daemon for users, settings and selector keys" {
	start_poold
	online alice alan zhang
	prompt <<-'SCRIPT'
		row poolctl>
		send show zh\t
		row poolctl> show zhang
		send \x15show al\t
		screen alan
		screen alice
		row poolctl> show al
		send \x15set mod\t
		bell
		send \x15set connection_t\t
		row poolctl> set connection_timeout=
		send \x15set cleanup_interval=\t
		screen   1m now; 100ms to 30d, 0 is off; between sweeps
		send \x15count idle=\t
		screen   idle=+10m for more, idle=-10m for less: time since
		send \x15count sta\t
		row poolctl> count state=
		send ac\t
		row poolctl> count state=active
		send \x15set slow_reader=re\t
		row poolctl> set slow_reader=reject
	SCRIPT
}

@test "TAB inside a word keeps what stands behind the cursor" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send pg x
		row poolctl> pg x
		send \x01\x1b[Cin
		column 13
		send \x1b[D\t
		row poolctl> ping x
		column 14
	SCRIPT
}

@test "TAB with nothing to offer rings the bell" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send show nobody\t
		bell
		row poolctl> show nobody
	SCRIPT
}

@test "a crowd of users is cut, and more than 100 names are asked about" {
	start_poold
	swarm crowd --prefix crowd- --users 80
	mkdir many
	touch many/file{100..220}
	prompt <<-'SCRIPT'
		row poolctl>
		send show cro\t
		screen ... and more
		row poolctl> show cro
		send \x15send alan --file many/\t
		row poolctl> send alan --file many/file
		send \t
		screen show all 121 candidates? [y/N]
		send n
		gone show all
		row poolctl> send alan --file many/file
		gone file219
		send \t
		screen show all 121 candidates? [y/N]
		send y
		screen file219
		row poolctl> send alan --file many/file
	SCRIPT
	swarm_stop crowd
}

@test "a frozen daemon costs a TAB its candidates and nothing else" {
	start_poold
	online alice
	prompt <<-SCRIPT
		row poolctl>
		shell kill -STOP $POOLD_PID; while grep -q '^State:[^T]*$' /proc/$POOLD_PID/task/*/status; do :; done
		send show al\t
		bell
		row poolctl> show al
		shell kill -CONT $POOLD_PID
		send \t
		row poolctl> show alice
		send \r
		screen 127.0.0.1
		row poolctl>
	SCRIPT
}

@test "Ctrl-C clears the line" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send kick everybody\x03
		row poolctl>
		send ping\r
		screen poold
		row poolctl>
	SCRIPT
}

@test "Ctrl-C ends a command that runs, and the connection stays" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		shell "$POOLCTL" log level debug
		send events --last 9\r
		screen admin
		send \x03
		row poolctl>
		send ping\r
		screen poold
		row poolctl>
	SCRIPT
}

@test "Ctrl-Z stops it and fg shows the line again" {
	start_poold
	"$PTY" -t 30 bash --norc --noprofile -i <<-'SCRIPT'
		screen bash-
		send PS1='sh: '\r
		row sh:
		send "$POOLCTL"\r
		row poolctl>
		send show alice
		row poolctl> show alice
		send \x1a
		row sh:
		send fg\r
		row poolctl> show alice
		send \x15exit\r
		row sh:
		send exit $?\r
		status 0
	SCRIPT
}

@test "a resize draws a wrapped line anew and leaves what is above it" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send ping\r
		screen poold
		row poolctl>
		send show 0123456789012345678901234567890123456789012345678901234567890123456789abc
		row 6789abc
		resize 60 24
		row 678901234567890123456789abc
		resize 120 24
		row poolctl> show 0123456789012345678901234567890123456789012345678901234567890123456789abc
		screen poold
		send \x7f\x7f
		row poolctl> show 0123456789012345678901234567890123456789012345678901234567890123456789a
	SCRIPT
}

@test "history is kept for its owner, without messages and indented lines" {
	start_poold
	online alice
	prompt <<-'SCRIPT'
		row poolctl>
		send ping\r
		screen poold
		row poolctl>
		send send alice secret\r
		row poolctl>
		send broadcast secret\r
		row poolctl>
		send sned alice secret\r
		row poolctl>
		send  show alice\r
		row poolctl>
		send \x1b[A
		row poolctl> sned alice secret
		send \x15exit\r
		status 0
	SCRIPT
	same 600 "$(stat -c %a "$HISTORY")"
	same 'ping exit ' "$(tr '\n' ' ' <"$HISTORY")"
	prompt <<-'SCRIPT'
		row poolctl>
		send \x1b[A\x1b[A
		row poolctl> ping
		send \x15\x12pi
		screen ping
	SCRIPT
}

@test "two prompts both keep their lines" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send ping\r
		screen poold
		shell printf 'row poolctl>\nsend status\\r\nscreen instance\nrow poolctl>\nsend exit\\r\nstatus 0\n' | "$(dirname "$POOLD")/tests/pty" "$POOLCTL"
		send stats\r
		expect total_connections
		row poolctl>
	SCRIPT
	same 'ping status exit stats ' "$(tr '\n' ' ' <"$HISTORY")"
}

@test "events appear above the line without disturbing it" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send events on\r
		row poolctl>
		send show 0123456789012345678901234567890123456789012345678901234567890123456789abc
		row 6789abc
		shell "$POOLCTL" log level debug
		screen admin
		screen poolctl> show 01234567890123456
		row 6789abc
		column 8
		send \x15events off\r
		row poolctl>
		send pi
		shell "$POOLCTL" log level info
		send ng\r
		expect poold
		row poolctl>
	SCRIPT
}

@test "at most twenty events a second are shown, the others counted" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send events on\r
		row poolctl>
		send half
		shell { for i in $(seq 60); do printf 'AUTH u%d -\r\nLOGOUT\r\n' $i; done; printf 'QUIT\r\n'; } | "$PEER" talk "$PORT" >/dev/null
		screen more events
		row poolctl> half
	SCRIPT
}

@test "after a restart the half-typed line is there and the next command connects" {
	start_poold
	cat >restart <<-SCRIPT
		kill -TERM $POOLD_PID
		while kill -0 $POOLD_PID 2>/dev/null; do sleep 0.03; done
		"$POOLD" -c "$POOLD_CONFIG" 2>>"$POOLD_LOG" 3>&- &
		echo \$! >"$BATS_TEST_TMPDIR/pid" >>"$BATS_TEST_TMPDIR/pids"
		until printf '{}\n' | "$PEER" rpc "$POOLCTL_SOCKET" 2>/dev/null | grep -q error; do sleep 0.03; done
	SCRIPT
	note_pid "$POOLD_PID"
	prompt <<-'SCRIPT'
		row poolctl>
		send pi
		row poolctl> pi
		shell bash ./restart
		row poolctl(disconnected)> pi
		screen connects again
		send ng\r
		screen another instance of poold
		row poolctl>
	SCRIPT
	POOLD_PID=$(tail -n 1 "$BATS_TEST_TMPDIR/pids")
	kill -TERM "$POOLD_PID"
	wait_until gone "$POOLD_PID"
	POOLD_PID=
}

@test "without a daemon the prompt says so and help still works" {
	export POOLCTL_SOCKET=$BATS_TEST_TMPDIR/none.sock
	prompt <<-'SCRIPT'
		screen no such file
		row poolctl(disconnected)>
		send help ping\r
		expect ping
		row poolctl(disconnected)>
		send stats\r
		expect none.sock
		row poolctl(disconnected)>
		send kick -h\r
		expect usage: poolctl kick
		row poolctl(disconnected)>
		send check\r
		screen POOLD CRITICAL
		row poolctl(disconnected)>
		send $?\r
		screen exit status 2: critical
		row poolctl(disconnected)>
		send exit\r
		status 0
	SCRIPT
}

@test "the prompt shows a lowered role and a pool that is draining" {
	start_poold
	online alice alan
	prompt --as viewer <<-'SCRIPT'
		row poolctl(viewer)>
		send kick alice\r
		screen kick:
		row poolctl(viewer)>
	SCRIPT
	prompt <<-'SCRIPT'
		row poolctl>
		send shutd\r
		screen write "shutdown" in full
		row poolctl>
		send shutdown\r
		screen end 2 connections and stop poold? [y/N]
		send \r
		screen not confirmed; nothing was done
		row poolctl>
		send set connection_timeout=100ms\r
		screen connection_timeout would end 2 connections now: change it? [y/N]
		send n\r
		row poolctl>
		send get connection_timeout\r
		screen connection_timeout: 5m
		send shutdown --grace 60s --yes\r
		expect shutting down
		shell until "$POOLCTL" -o json status | grep -q draining; do sleep 0.03; done
		send ping\r
		row poolctl[draining]>
		send shutdown --now\r
		screen and stop poold? [y/N]
		send y\r
		row poolctl(disconnected)>
	SCRIPT
	wait_until gone "$POOLD_PID"
	POOLD_PID=
}

@test "SIGTERM ends it with 143, SIGHUP with 129, also during a command" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send half
		row poolctl> half
		signal TERM
		status 143
	SCRIPT
	cat >run <<-'SCRIPT'
		echo "$$" >begun
		exec sleep 60
	SCRIPT
	prompt <<-'SCRIPT'
		row poolctl>
		send ping\r
		row poolctl>
		send events --last 1 --exec-timeout 0 --exec 'sh ./run'\r
		shell until [ -s begun ]; do sleep 0.03; done
		signal HUP
		status 129
	SCRIPT
	wait_until gone "$(cat begun)"
	same ping "$(head -n 1 "$HISTORY")"
}

@test "a terminal that cannot move its cursor gets a plain prompt" {
	start_poold
	for term in dumb '' nonsense; do
		TERM=$term prompt <<-'SCRIPT'
			row poolctl>
			send ping\r
			expect poold
			row poolctl>
			send half\x03
			row poolctl>
			send exit\r
			status 0
		SCRIPT
	done
}

@test "UTF-8 is typed and erased by the character, in the C locale too" {
	start_poold
	LC_ALL=C prompt <<-'SCRIPT'
		row poolctl>
		send show 张伟é
		row poolctl> show 张伟é
		column 20
		send \x7f\x7f
		row poolctl> show 张
		column 17
	SCRIPT
}

@test "several lines that are pasted are shown and run only if wanted" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send \e[200~pi\tng\n\e[201~
		row poolctl> pi ng
		send \x15\e[200~ping\nstats\n\e[201~
		screen run these 2 lines? [y/N]
		send n
		row poolctl>
		gone total_connections
		send \e[200~ping\nstats\n\e[201~
		screen run these 2 lines? [y/N]
		send y
		expect total_connections
		row poolctl>
	SCRIPT
}

@test "a hint shows what a command takes and does not stay" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send kick
		screen SELECTOR
		send  alice
		row poolctl> kick alice
		send \x15ping\r
		row poolctl>
		gone SELECTOR
	SCRIPT
}

@test "a question mark tells what may stand there, and is a character in a text" {
	start_poold
	online alice
	prompt <<-'SCRIPT'
		row poolctl>
		send ?
		screen end connections
		row poolctl>
		send conf?
		screen list, get, 
		row poolctl> conf
		send \x15config ?
		screen                               exit 1 if so
		send \x15show ?
		screen show USER|SELECTOR...: everything known
		screen   alice
		screen   user=
		send \x15kick alice --re?
		screen   --reason                    text sent to the client
		row poolctl> kick alice --re
		send \x15any how are you?
		row poolctl> any how are you?
		send \x15\x16?
		row poolctl> ?
	SCRIPT
}

@test "the exit status of the last command is told when asked for" {
	start_poold
	prompt <<-'SCRIPT'
		row poolctl>
		send show nobody\r
		row poolctl>
		send $?\r
		screen exit status 4: nothing matched
		row poolctl>
		send $?\r
		row poolctl>
		send ping\r
		row poolctl>
		send $?\r
		screen exit status 0: done
		send codes on\r
		row poolctl>
		send stats --delat\r
		screen exit status 2: wrong use
		screen did you mean delta?
		row poolctl>
		send codes off\r
		row poolctl>
		send bogus\r
		screen bogus: unknown command
		row poolctl>
		send help lisst\r
		screen (did you mean list?)
		row poolctl>
		send help conf rel\r
		screen usage: poolctl config reload
		row poolctl>
	SCRIPT
	same 1 "$(grep -c '[$]\|codes\|ping' "$HISTORY")"
}

@test "the prompt shows each role, and a drain as soon as it begins" {
	start_poold
	online alice alan
	prompt --as operator <<-'SCRIPT'
		row poolctl(operator)>
		send half
		shell "$POOLCTL" drain start --all --over 60s --yes
		row poolctl(operator)[draining]> half
		shell "$POOLCTL" drain cancel
		row poolctl(operator)> half
		column 24
	SCRIPT
}

# From an empty line, each word being offered before it is typed.
@test "by TAB alone a newcomer lists, sends, kicks, sets for good and looks back" {
	mkdir state
	start_poold "state_dir: $PWD/state"
	online alice bob
	prompt <<-'SCRIPT'
		row poolctl>
		send \t
		screen list
		screen history
		send li\t
		screen poolctl> list
		send --\t
		screen --sort
		screen --limit
		send sor\t
		screen poolctl> list --sort
		send \t
		screen idle
		send idl\t
		screen poolctl> list --sort idle
		send \t
		screen   idle:desc
		send :\t
		screen poolctl> list --sort idle:desc
		send --l\t
		screen poolctl> list --sort idle:desc --limit
		send 10\r
		expect alice
		expect 2 of 2
		row poolctl>
		send sen\t
		screen USER|SELECTOR... {TEXT
		send al\t
		screen poolctl> send alice
		send hello\r
		expect sent to 1 session
		row poolctl>
		send ki\t
		screen poolctl> kick
		send al\t
		screen poolctl> kick alice
		send --\t
		screen --ban
		send ba\t
		screen poolctl> kick alice --ban
		send 1h\r
		expect banned 1 user
		row poolctl>
		send se\t
		screen send  set
		send t \t
		screen connection_timeout=
		send con\t
		screen poolctl> set connection_timeout=
		send 2m --\t
		screen --persist
		send p\t
		screen poolctl> set connection_timeout=2m --persist
		send \r
		expect saved in
		row poolctl>
		send hi\t
		screen poolctl> history
		send \r
		screen kicked  operator
	SCRIPT
	[ -s state/overlay.yaml ]
}
