#!/usr/bin/env bash
#
# demo.bash - the pool at work: five users, and an operator who watches and steers.
#
#	tests/demo.bash POOLD POOLCTL
#
# Every line below a "$" is what that command printed, and every line with an
# arrow is what went over a socket. On a terminal it leaves you at the prompt of
# the running daemon before it stops it.

set -euo pipefail

POOLD=$(realpath "$1")
POOLCTL=$(realpath "$2")
port=7420
users=5
dir=$(mktemp -d /tmp/poold-demo.XXXXXX)
daemon=
clients=()

clean_up() {
	if [ -n "$daemon" ] && kill -0 "$daemon" 2>/dev/null; then
		kill "$daemon" || :
		wait "$daemon" || :
	fi
	rm -rf "$dir"
}
trap clean_up EXIT

title() {
	printf '\n== %s\n' "$*"
}

fail() {
	echo "demo: $*" >&2
	[ ! -s "$dir/log" ] || sed 's/^/  poold: /' "$dir/log" >&2
	exit 1
}

# -- the daemon ---------------------------------------------------------------

is_taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

answers() {
	"$POOLCTL" -q -t 1s ping >/dev/null 2>&1
}

# launch OPTION…: true once it answers. In a session of its own, so that a Ctrl-C
# at the prompt is for the prompt alone.
launch() {
	setsid "$POOLD" "$@" 2>"$dir/log" &
	daemon=$!
	for _ in {1..100}; do
		kill -0 "$daemon" 2>/dev/null || break
		if answers; then
			return 0
		fi
		sleep 0.1
	done
	return 1
}

# Why the daemon cannot run here with its defaults; empty if it can.
obstacle() {
	if is_taken "$port"; then
		echo "port $port is in use"
	elif answers; then
		echo "another poold answers at the default control socket"
	fi
}

launch_configured() {
	port=27420
	while is_taken "$port"; do
		port=$((port + 1))
	done
	cat >"$dir/poold.yaml" <<-EOF
		listen: 127.0.0.1:$port
		control: {path: $dir/control.sock}
	EOF
	export POOLCTL_SOCKET=$dir/control.sock
	echo "\$ poold -c poold.yaml, which says:"
	sed 's/^/  /' "$dir/poold.yaml"
	launch -c "$dir/poold.yaml" || fail "poold does not start"
}

start() {
	local why

	unset POOLCTL_SOCKET POOLCTL_OUTPUT
	# The default socket of somebody who is not root is below this directory.
	[ "$(id -u)" -eq 0 ] || export XDG_RUNTIME_DIR=$dir
	why=$(obstacle)
	if [ -z "$why" ]; then
		echo "\$ poold"
		if launch; then
			return
		fi
		why=$(cat "$dir/log")
	fi
	echo "not with the defaults: $why"
	launch_configured
}

# -- the users ----------------------------------------------------------------

# tell N LINE
tell() {
	printf '  user_%s → %s\n' "$1" "$2"
	printf '%s\r\n' "$2" >&"${clients[$1]}"
}

# hear N PATTERN: the next line that the server sends to user N.
hear() {
	local line

	IFS= read -r -t 10 -u "${clients[$1]}" line || fail "user_$1 hears nothing, not $2"
	line=${line%$'\r'}
	printf '  user_%s ← %s\n' "$1" "$line"
	# shellcheck disable=SC2053	# a pattern is wanted
	[[ $line == $2 ]] || fail "user_$1 should hear $2"
}

log_in() {
	local socket

	exec {socket}<>"/dev/tcp/127.0.0.1/$port"
	clients[$1]=$socket
	hear "$1" "HELLO poold/1 *"
	tell "$1" "AUTH user_$1 - :用户$1"
	hear "$1" "OK user=user_$1 *"
}

each_user() {
	local i

	for ((i = 0; i < users; i++)); do
		"$1" "$i" "${@:2}"
	done
}

# -- the operator -------------------------------------------------------------

# ctl WORD…: a command as the operator types it.
ctl() {
	local word line='$ poolctl'

	for word; do
		[[ $word != *' '* ]] || word="\"$word\""
		line+=" $word"
	done
	printf '%s\n' "$line"
	"$POOLCTL" "$@" || fail "poolctl $1 failed"
}

# -- the play -----------------------------------------------------------------

title "a daemon, with no configuration file"
start
ctl status

title "five users log in"
each_user log_in

title "who is online"
ctl users
ctl list

title "a broadcast reaches them all"
ctl broadcast "welcome to the pool"
each_user hear "CAST *"
each_user hear "welcome to the pool"

title "one user writes to another"
tell 0 "SEND user_1 :你好"
hear 0 "OK 1"
hear 1 "MSG user_0 *"
hear 1 "你好"

title "the operator writes to one user"
ctl send user_2 "only for you"
hear 2 "MSG *"
hear 2 "only for you"

title "a timeout changes while everybody stays"
ctl get connection_timeout
ctl set connection_timeout=2m
each_user hear "INFO idle=120000"
ctl count

title "a user is sent away"
ctl kick user_3 --reason "end of shift"
hear 3 "BYE 400 kicked *"
ctl users

title "what has been counted"
echo '$ poolctl stats | head -n 13'
"$POOLCTL" stats | head -n 13

if [ -t 0 ] && [ -t 1 ]; then
	title "your turn: try users, list, help; exit ends the demonstration"
	trap : INT
	"$POOLCTL" || :
	trap - INT
fi

title "a clean end"
ctl shutdown
for i in 0 1 2 4; do
	hear "$i" "BYE 500 shutdown*"
done
status=0
wait "$daemon" || status=$?
daemon=
echo "poold has ended with status $status"
title "what the daemon logged"
sed 's/^/  /' "$dir/log"
[ "$status" -eq 0 ]
