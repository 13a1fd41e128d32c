#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031	# no expansion, and subshells, are meant
# completion.bats - TAB in the shells, which ask poolctl what may stand there.
load helpers
load poolctl

setup() {
	PTY=${PTY:-$(dirname "$POOLD")/tests/pty}
	export HOME=$BATS_TEST_TMPDIR TERM=xterm
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin
	ln -s "$POOLCTL" bin/poolctl
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# completes LINE TEXT: what bash would offer with the cursor behind LINE, of which
# TEXT is the word it looks at; blanks between.
completes() {
	bash -c '
		eval "$("$POOLCTL" completion bash)"
		COMP_LINE=$1 COMP_POINT=${#1}
		_poolctl poolctl "$2" ""
		echo "${COMPREPLY[*]}"' - "poolctl $1" "$2"
}

@test "bash completes commands, options, values and who is online" {
	start_poold
	online alice alan zhang
	same 'kick' "$(completes ki ki)"
	[[ " $(completes 'config ' '') " == *' get list '*' set '* ]]
	same '--dry-run' "$(completes 'kick alice --dr' --dr)"
	same 'alan alice' "$(completes 'kick al' al)"
	same 'alan alice' "$(completes 'show user=al' al)" 'bash cuts at ='
	same 'user=alan user=alice' "$(completes 'show user=al' user=al)" 'bash cuts nowhere'
	same 'desc' "$(completes 'list --sort idle:' '')" 'bash cuts at :'
	same 'idle:desc' "$(completes 'list --sort idle:d' idle:d)"
	same 'idle' "$(completes 'list --sort=id' id | xargs -n 1 | grep -x idle)"
	same 'active,idle' "$(completes 'count state=active,i' active,i)"
	same 'connection_timeout=' "$(completes 'set connection_t' connection_t)"
	same 'disconnect drop_new reject' "$(completes 'set slow_reader=' '')"
	same '' "$(completes 'nonsense ' '')"
	same '' "$(completes 'list # ' '')"
}

@test "names of files are quoted for bash" {
	touch 'a file' "b;c"
	same 'a\ file' "$(completes 'send alice --file a' a)"
	same 'a\ file' "$(completes 'send alice --file a\ f' 'a\ f')"
	same 'a file' "$(completes 'send alice --file "a f' '"a f' | tr -d '"')"
	same 'b\;c' "$(completes 'send alice --file b\;' 'b\;')"
}

# read_back LINE TEXT: the one file that bash is given if LINE is completed.
read_back() {
	local found

	found=$(completes "$1" "$2")
	[ -n "$found" ] || return 1
	(
		# shellcheck disable=SC2317	# eval calls it
		poolctl() { printf '%s' "${*: -1}"; }
		eval "poolctl ${1%"$2"}$found$3"
	)
}

@test "no byte of the name of a file is a command to bash" {
	local name quote

	for name in 'x$(touch pwn)' 'x`touch pwn`' "x'\$(touch pwn)'" 'x"$(touch pwn)"' \
		'x\$(touch pwn)' 'x;touch pwn' "x'\"'!!" 'x$HOME' 'x!y' 'x\y'; do
		: >"$name"
		for quote in '' '"' "'"; do
			same "$name" "$(read_back "config check ${quote}x" x "$quote")" "in $quote"
		done
		# a quote that is closed again is none
		same "$name" "$(read_back 'config check "x"' '' '')"
		rm "$name"
	done
	[ ! -e pwn ]
}

@test "the daemon that the line names is asked, and none is no trouble" {
	start_poold
	online alice
	mv "$POOLCTL_SOCKET" other.sock
	same '' "$(completes 'show al' al)"
	same 'alice' "$(completes '-s other.sock show al' al)"
	same 'alice' "$(completes '--socket=other.sock show al' al)"
	mv other.sock "$POOLCTL_SOCKET"
	same '' "$(POOLCTL_TIMEOUT=x POOLCTL_OUTPUT=x poolctl __complete words show no 2>&1)"
	status_of 2 __complete
}

@test "a frozen daemon costs its names and less than a second" {
	local before took_us

	start_poold
	online alice
	kill -STOP "$POOLD_PID"
	wait_until frozen
	before=${EPOCHREALTIME/./}
	same '' "$(poolctl __complete words show al)"
	took_us=$((${EPOCHREALTIME/./} - before))
	[ "$took_us" -ge 200000 ]
	[ "$took_us" -lt "$([ "$POOLD_TEST_SCALE" = full ] && echo 1000000 || echo 4000000)" ]
	same 'kick' "$(completes ki ki)"
	kill -CONT "$POOLD_PID"
}

@test "TAB at a real bash" {
	start_poold
	online alice
	"$PTY" -t 30 bash --norc --noprofile -i <<-'SCRIPT'
		screen bash-
		send PS1='sh: '; eval "$(poolctl completion bash)"\r
		row sh:
		send poolctl show al\t
		row sh: poolctl show alice
		send \x15poolctl set slow_reader=re\t
		row sh: poolctl set slow_reader=reject
		send \x15poolctl list --sort idle:d\t
		row sh: poolctl list --sort idle:desc
		send \x15poolctl set connection_t\t
		row sh: poolctl set connection_timeout=
		column 36
		send \x15poolctl show "al\t
		row sh: poolctl show "alice"
		send \x15touch 'x$(touch pwn)!y'\r
		send poolctl config check "x\t\r
		screen x$(touch pwn)!y: good
		shell [ ! -e pwn ]
		send \x15exit\r
		status 0
	SCRIPT
}

@test "TAB at a real zsh" {
	command -v zsh || skip "no zsh"
	start_poold
	online alice
	zsh -n "$SRCDIR/completion/_poolctl"
	"$PTY" -t 30 zsh -f -i <<-'SCRIPT'
		send PS1='sh: '; autoload -Uz compinit; compinit -u -D; eval "$(poolctl completion zsh)"\r
		row sh:
		send poolctl show al\t
		row sh: poolctl show alice
		send \x15poolctl set slow_reader=re\t
		row sh: poolctl set slow_reader=reject
		send \x15poolctl list --sort idle:d\t
		row sh: poolctl list --sort idle:desc
		send \x15poolctl set connection_t\t
		row sh: poolctl set connection_timeout=
		send \x15poolctl kick --re\t\t
		screen --reason  -- text sent to the client
		send \x15touch 'x$(touch pwn)y'\r
		send poolctl config check "x\t\r
		screen x$(touch pwn)y: good
		send poolctl config check x\t\r
		shell [ ! -e pwn ]
		send \x15\x0c
		row sh:
		send exit\r
		status 0
	SCRIPT
}

@test "TAB at a real fish" {
	command -v fish || skip "no fish"
	start_poold
	online alice
	fish --no-execute "$SRCDIR/completion/poolctl.fish"
	poolctl completion fish >poolctl.fish
	same "alice" "$(fish -c 'source poolctl.fish; complete -C "poolctl show ali"')"
	same $'kick\tend connections' "$(fish -c 'source poolctl.fish; complete -C "poolctl ki"')"
	same $'idle:desc' "$(fish -c 'source poolctl.fish; complete -C "poolctl list --sort idle:"')"
	same $'slow_reader=reject' \
		"$(fish -c 'source poolctl.fish; complete -C "poolctl set slow_reader=re"')"
	touch 'x$(touch pwn)y'
	# unescaped: it is fish that quotes what it puts into a line
	same 'x$(touch pwn)y' \
		"$(fish -c 'source poolctl.fish; complete -C "poolctl config check \"x"')"
	[ ! -e pwn ]
}

@test "what is installed lies where the shells look for it" {
	local share=$BATS_TEST_TMPDIR/usr/share words
	env -u MAKEFLAGS -u MFLAGS make -s -C "$BUILDDIR" DESTDIR="$BATS_TEST_TMPDIR" prefix=/usr \
		install-dist_bashcompletionDATA install-dist_zshcompletionDATA install-dist_fishcompletionDATA
	# bash-completion takes the file that is named as the command
	same 'complete -F _poolctl poolctl' "$(bash --norc -c '. "$1" && complete -p poolctl' - \
		"$share/bash-completion/completions/poolctl")"
	[ -s "$share/zsh/site-functions/_poolctl" ]
	if command -v zsh; then
		# of the other folders only that of compinit: there are a thousand files in them
		words=$(zsh -fc 'fpath=("$1" ${^fpath}/compinit(N:h)); autoload -Uz compinit
			compinit -u -D; echo $_comps[poolctl]' - "$share/zsh/site-functions")
		same _poolctl "$words" zsh
	fi
	[ -s "$share/fish/vendor_completions.d/poolctl.fish" ]
	if command -v fish; then
		words=$(XDG_DATA_DIRS=$share fish -c 'complete -C "poolctl ki"')
		same $'kick\tend connections' "$words" fish
	fi
}

@test "completion knows three shells" {
	status_of 2 completion tcsh
	said_like '*is not one of bash|zsh|fish*'
	status_of 2 completion
}
