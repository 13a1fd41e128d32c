# poolctl.bash - shared by the tests of poolctl: users who are online, and its words.
#
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154	# bats sets its own variables, tests read output

# online NAME… : each logs in, with the display name of NAME=DISPLAY, and stays.
online() {
	local word name

	for word in "$@"; do
		name=${word%%=*}
		{
			if [ "$word" = "$name" ]; then
				printf '> AUTH %s -\n' "$name"
			else
				printf '> AUTH %s - :%s\n' "$name" "${word#*=}"
			fi
			printf '< OK *\ntimeout 60000\n<* BYE *\n'
		} >"$BATS_TEST_TMPDIR/$name.script"
		play_bg "$name" <"$BATS_TEST_TMPDIR/$name.script"
		wait_until has_line "$BATS_TEST_TMPDIR/$name.out" 'me< OK'
	done
}

# heard NAME TEXT: the user has been sent this.
heard() {
	wait_until grep -q "$2" "$BATS_TEST_TMPDIR/$1.out"
}

# poolctl …: with stdin that is no terminal, diagnostics kept apart.
poolctl() {
	"$POOLCTL" "$@" </dev/null 2>"$BATS_TEST_TMPDIR/stderr"
}

# frozen: every thread of the daemon has taken the SIGSTOP.
frozen() {
	! grep -q '^State:[^T]*$' "/proc/$POOLD_PID"/task/*/status
}

# status_of WANTED ARGUMENT…: poolctl ends with this status; its stdout is in $output.
status_of() {
	local wanted=$1 status=0 contents
	shift
	poolctl "$@" >"$BATS_TEST_TMPDIR/stdout" || status=$?
	contents "$BATS_TEST_TMPDIR/stdout"
	output=$contents
	same "$wanted" "$status" "status of $*" || {
		cat "$BATS_TEST_TMPDIR/stderr"
		return 1
	}
}

# said TEXT: exactly this was written to stderr.
said() {
	local contents

	contents "$BATS_TEST_TMPDIR/stderr"
	same "$1" "$contents" stderr
}

# said_like GLOB
said_like() {
	local contents

	contents "$BATS_TEST_TMPDIR/stderr"
	# shellcheck disable=SC2053	# a pattern is what it is
	[[ $contents == $1 ]] || {
		echo "stderr is not like $1:"
		echo "$contents"
		return 1
	}
}
