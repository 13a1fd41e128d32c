#!/usr/bin/env bats
# settings.bats - changes with a net under them: saved, confirmed, taken back.
load helpers
load poolctl

# start_saving [YAML]: a daemon with a folder to save in.
start_saving() {
	STATE=$BATS_TEST_TMPDIR/state
	OVERLAY=$STATE/overlay.yaml
	mkdir "$STATE"
	start_poold "state_dir: $STATE${1:+
$1}"
}

# batch LINE…: over one connection, so that little time passes between them
batch() {
	printf '%s\n' "$@" | "$POOLCTL"
}

# get NAME: its value alone
get() {
	poolctl get "$1" | sed 's/^[a-z_]*: //'
}

# value_is NAME VALUE
value_is() {
	same "$2" "$(get "$1")" "$1"
}

# source_like NAME GLOB
source_like() {
	local source
	source=$(ctl get "$1" | jq -r '.settings[0].source')
	# shellcheck disable=SC2053	# a pattern is what it is
	[[ $source == $2 ]] || {
		echo "source of $1: $source"
		return 1
	}
}

restart_poold() {
	stop_poold
	launch_poold
}

# will_not_start GLOB: poold ends with 1 and says so; --check-config agrees.
will_not_start() {
	local how
	for how in --check-config ''; do
		# shellcheck disable=SC2086	# no option is no word
		run -1 timeout 5 "$POOLD" -c "$POOLD_CONFIG" $how
		# shellcheck disable=SC2053
		[[ $output == $1 ]] || {
			echo "$how: $output"
			return 1
		}
	done
}

@test "an unconfirmed change goes back by itself, though whoever made it has gone" {
	start_saving
	online alice
	sleep 0.3
	status_of 0 set connection_timeout=200ms rate=5 --confirm 3s --dry-run
	[[ $output == *"; 1 connection would end now)"* ]]
	value_is rate 0
	output=$(batch 'set connection_timeout=2m --confirm 3s --comment "a try"' 'get connection_timeout' \
		'config list connection_timeout -o tsv -H --columns source')
	[[ $output == 'connection_timeout: 5m -> 2m   (applies at once)
not saved; goes back in 3 s unless "poolctl config confirm"
connection_timeout: 2m
pending by '$(id -u)' until 20'*Z ]]
	wait_until value_is connection_timeout 5m
	source_like connection_timeout default
	run ! test -e "$OVERLAY"
	holds "$(events_of settings | jq -s .)" '.[-1] | .name == "connection_timeout" and
		.old == "2m" and .new == "5m"'
	holds "$(events_of admin | jq -s .)" '.[-1] | .method == "settings.rollback" and .by == "timer" and
		.result == "ok"' '.[-2] | .comment == "a try" and .arguments.confirm_s == 3'
	logged 'settings.rollback by timer of the change by uid'
	status_of 1 config confirm
	said 'poolctl: config confirm: no change waits for its confirmation'
	status_of 1 config rollback
	online_is 1
}

@test "config confirm keeps the change, config rollback takes it back, and it is the only one" {
	start_saving
	output=$(batch 'set rate=5 --confirm 3s' 'config confirm')
	[[ $output == *$'\nrate: 5\nconfirmed' ]]
	sleep 1.2
	value_is rate 5
	source_like rate "runtime by *"
	status_of 0 set rate=6 min_idle=1 --confirm 60s
	account=$(id -un 2>/dev/null || id -u)
	for line in 'set ping_interval=5s' 'set rate=7 --confirm 1m' 'config unset rate' 'config save' \
		'log level debug'; do
		# shellcheck disable=SC2086	# words of a command
		status_of 1 $line
		said_like "poolctl: *: a change by $account waits until 20* for its confirmation; config confirm or config rollback first*"
	done
	status_of 0 log level debug --for 1s
	value_is ping_interval 0s
	status_of 0 config rollback
	same $'min_idle: 1 -> 0   (applies at once)\nrate: 6 -> 5   (applies at once)' "$output"
	source_like rate "runtime by *"
	status_of 0 set ping_interval=5s
	for bad in 0s 50ms 2d soon; do
		status_of 2 set rate=9 --confirm "$bad"
	done
	value_is rate 5
}

@test "a restart or a reload ends the wait: the change is gone" {
	start_saving
	status_of 0 set rate=6 --confirm 60s --persist
	same 'rate: 0 -> 6   (applies at once)
not saved; goes back in 60 s unless "poolctl config confirm", which saves it too' "$output"
	restart_poold
	value_is rate 0
	status_of 0 set rate=6 --confirm 60s
	status_of 0 config reload
	same $'rate: 6 -> 0   (applies at once)\nruntime value replaced by the files: rate' "$output"
	status_of 1 config confirm
	status_of 0 set rate=7 --confirm 60s --persist
	status_of 0 config confirm
	same "rate: 7
confirmed
saved in $OVERLAY" "$output"
	restart_poold
	value_is rate 7
}

@test "what is saved outlives a restart, and the file of the admin stays as it is" {
	start_saving '# a comment of mine
timeouts: {connection_timeout: 100s}
message: {rate: 3}'
	cp "$POOLD_CONFIG" "$BATS_TEST_TMPDIR/mine"
	status_of 0 set connection_timeout=2m slow_reader=reject --persist --comment "for good"
	same "connection_timeout: 1m40s -> 2m   (applies at once)
slow_reader: disconnect -> reject   (applies at once)
saved in $OVERLAY" "$output"
	source_like connection_timeout "overlay $OVERLAY:4 by $(id -u) at 20*Z"
	restart_poold
	value_is connection_timeout 2m
	value_is slow_reader reject
	source_like connection_timeout "overlay $OVERLAY:4 by $(id -u) at 20*Z"
	TZ=XXX-25 status_of 0 get connection_timeout -v
	[[ $output == *"source   overlay $OVERLAY:4 by $(id -un) at 20"??-??-??" "??:??:??$'\n'* ]]
	cmp "$POOLD_CONFIG" "$BATS_TEST_TMPDIR/mine"
	same 600 "$(stat -c %a "$OVERLAY")"
	run -0 "$POOLD" --check-config -c "$POOLD_CONFIG"
	same "$POOLD_CONFIG: ok
$OVERLAY: ok" "$output"
	status_of 0 config unset slow_reader
	same $'nothing changes\nslow_reader is saved; --persist takes it out of there' "$output"
	status_of 0 config unset slow_reader connection_timeout --persist
	same "connection_timeout: 2m -> 1m40s   (applies at once)
slow_reader: reject -> disconnect   (applies at once)
saved in $OVERLAY" "$output"
	restart_poold
	value_is connection_timeout 1m40s
	value_is slow_reader disconnect
}

@test "a reload reads the file, then the overlay; config save keeps what was set" {
	start_saving 'message: {rate: 3}'
	poolctl set rate=5 --persist
	poolctl set min_idle=2
	status_of 0 config save
	same "min_idle: 2
saved in $OVERLAY" "$output"
	poolctl set ping_interval=9s
	write_config "state_dir: $STATE
message: {rate: 4}
timeouts: {login_timeout: 4s}"
	status_of 0 config reload --dry-run
	[[ $output == *"login_timeout: 10s -> 4s"*"runtime value replaced by the files: ping_interval"*"dry run"* ]]
	status_of 0 config reload
	[[ $output == *'rate: the file says 4, the saved 5 is stronger; "config unset rate --persist" takes that away'* ]]
	[[ $output != *'min_idle: the file'* ]]
	logged 'msg="rate: the file says 4, the saved 5 is stronger"'
	value_is rate 5
	value_is login_timeout 4s
	[[ $(poolctl config check) == *$'nothing changes\nrate: the file says 4, the saved 5'* ]]
	value_is ping_interval 0s
	value_is min_idle 2
	status_of 0 config save
	same 'nothing to save: no value was set at run time' "$output"
	# a path would be opened by root at the next start
	poolctl set "target=$BATS_TEST_TMPDIR/other.log" rate=6
	status_of 7 config save
	said 'poolctl: config save: target is not saved: only the configuration file may have it'
	same "rate: 6
saved in $OVERLAY" "$output"
	status_of 1 set target=stderr rate=7 --persist
	said_like 'poolctl: set: nothing was changed: target cannot be saved*'
	value_is rate 6
}

@test "config diff: what differs from the files, the defaults or the next reload, with exit 1" {
	start_saving 'message: {rate: 3}'
	status_of 0 config diff
	same '' "$output"
	status_of 0 --as viewer config diff running
	poolctl set rate=5
	status_of 1 config diff
	[[ $output == "rate: 3 -> 5   (runtime by $(id -un) at "??*")" ]]
	status_of 1 config diff saved -q
	[[ $output == 'rate: 3 -> 5 '* ]]
	status_of 1 config diff default --json
	holds "$output" '.against == "default"' '.confirm_by == null' \
		'.differs[] | select(.name == "rate") | .old == "0" and .new == "5"'
	write_config "state_dir: $STATE
message: {rate: 4}
workers: 3"
	status_of 1 config diff running
	same $'rate: 5 -> 4   (by a reload)\nworkers: 2 -> 3   (needs a restart)' "$(sort <<<"$output")"
	poolctl config save
	status_of 0 config diff
	status_of 2 config diff yesterday
	echo 'bogus: 1' >>"$POOLD_CONFIG"
	status_of 2 config diff running
	said_like "poolctl: config diff: $POOLD_CONFIG:*: unknown key*"
}

@test "a broken or stale overlay is an error with its place, at start and at reload" {
	start_saving
	poolctl set rate=5 --persist
	printf 'pool:\n  max_conections: 5\n' >"$OVERLAY"
	status_of 2 config reload
	said_like "poolctl: config reload: $OVERLAY:2:3: unknown key max_conections in pool (did you mean max_connections?)*"
	value_is rate 5
	status_of 1 set rate=6 --persist
	said_like "poolctl: set: nothing was changed: $OVERLAY:2:3: *"
	value_is rate 5
	stop_poold
	will_not_start "*$OVERLAY:2:3: unknown key max_conections in pool*"
	# what the daemon's own account can write gives nobody rights
	printf 'control:\n  admin: [nobody]\n' >"$OVERLAY"
	will_not_start "*$OVERLAY:2:3: admin is not allowed here*"
	printf 'message:\n  max_message: 4MiB\n' >"$OVERLAY"
	will_not_start "*$OVERLAY:2:16: max_queue: 1MiB is not allowed*"
	rm "$OVERLAY"
	launch_poold
	value_is rate 0
	# the whole folder is gone, which does not mean that nothing was saved in it
	poolctl set rate=7 --persist
	mv "$STATE" "$STATE.away"
	status_of 1 config reload
	said_like "poolctl: config reload: state_dir $STATE: No such file or directory; the saved *"
	value_is rate 7
	mv "$STATE.away" "$STATE"
}

@test "two daemons do not keep their state in one folder" {
	start_saving
	sed "s|ctl.sock|other.sock|; s|:$PORT|:$(free_port)|" "$POOLD_CONFIG" >"$BATS_TEST_TMPDIR/other.yaml"
	run -1 "$POOLD" -c "$BATS_TEST_TMPDIR/other.yaml"
	[[ $output == *"$STATE: another poold keeps its state there; give each a state_dir"* ]]
	"$POOLD" --check-config -c "$POOLD_CONFIG"
}

@test "a failed save says what became of it, and leaves all as it was" {
	start_poold
	status_of 1 set rate=5 --persist
	said_like 'poolctl: set: nothing was changed: there is no folder to save settings in; set state_dir *'
	value_is rate 0
	poolctl set rate=5
	status_of 1 config save --json
	jq -e '.error.message | startswith("in force, but not saved: there is no folder")' "$BATS_TEST_TMPDIR/stderr"
	value_is rate 5
	stop_poold

	mkdir "$BATS_TEST_TMPDIR/state"
	write_config "state_dir: $BATS_TEST_TMPDIR/state"
	launch_poold
	poolctl set rate=5 --persist
	mkdir "$BATS_TEST_TMPDIR/state/.overlay.yaml.new"	# in the way of the new one
	status_of 1 set rate=6 --persist
	said_like "poolctl: set: nothing was changed: $BATS_TEST_TMPDIR/state/overlay.yaml: *"
	value_is rate 5
	poolctl set rate=7 --persist --confirm 60s
	status_of 1 config confirm
	said_like "poolctl: config confirm: in force, but not saved: $BATS_TEST_TMPDIR/state/overlay.yaml: *"
	value_is rate 7
	rmdir "$BATS_TEST_TMPDIR/state/.overlay.yaml.new"
	echo 'message: {rate: 99}' >"$BATS_TEST_TMPDIR/state/overlay.yaml"
	status_of 1 config save
	said_like '*overlay.yaml has been changed by somebody else since it was read; config reload first'
	grep -q 99 "$BATS_TEST_TMPDIR/state/overlay.yaml"
}

@test "unset and rollback say whom they would end, as set does" {
	start_saving 'timeouts: {connection_timeout: 400ms}'
	poolctl set connection_timeout=1h --confirm 60s
	online alice
	sleep 0.6
	holds "$(ctl config rollback)" '.changed[0].affected == 1' '.changed[0].new == "400ms"'
	online_is 0
}
