#!/usr/bin/env bats
# config.bats - what poold says about its command line and its configuration,
# without ever serving anybody.
# shellcheck disable=SC2154	# bats sets stderr
load helpers

# check TEXT: runs --check-config on a file t.yaml with this text (printf escapes).
check() {
	cd "$BATS_TEST_TMPDIR" || return 1
	printf '%b' "$1" >t.yaml
	run --separate-stderr "$POOLD" -c t.yaml --check-config
}

# refused SENTENCE: the last check failed with this on stderr.
refused() {
	[ "$status" -eq 1 ] || { echo "status $status: $stderr"; return 1; }
	[[ $stderr == *"$1"* ]] || { echo "said: $stderr"; return 1; }
}

accepted() {
	[ "$status" -eq 0 ] || { echo "status $status: $stderr"; return 1; }
}

@test "the version is on stdout" {
	for option in -V --version; do
		run --separate-stderr "$POOLD" "$option"
		[ "$status" -eq 0 ]
		[[ $output =~ ^poold\ [0-9]+\.[0-9]+ ]]
		[ -z "$stderr" ]
	done
}

@test "help is on stdout and names every option" {
	for option in -h --help; do
		run --separate-stderr "$POOLD" "$option"
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		for word in -c --check-config --daemon --hash-password --version --help; do
			[[ $output == *"$word"* ]]
		done
	done
}

@test "a usage error exits 2 and says so on stderr" {
	for words in --bogus -c 'start' '--daemon --check-config'; do
		# shellcheck disable=SC2086 # several words on purpose
		run --separate-stderr "$POOLD" $words
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ $stderr == *usage:* ]]
	done
}

@test "the installed example is valid" {
	cd "$BATS_TEST_TMPDIR"
	# An account that every machine has, in the place of the one to be made.
	sed 's/^user: poold/user: nobody/' "$SRCDIR/server/poold.yaml" >t.yaml
	run --separate-stderr "$POOLD" --check-config -c t.yaml
	accepted
}

@test "an empty file is valid" {
	check ''
	accepted
}

@test "an unknown key is refused with its place and near matches" {
	check 'pool:\n  max_conections: 5\n'
	refused 't.yaml:2:3: unknown key max_conections in pool (did you mean max_connections?)'
}

@test "a duplicate key is refused" {
	check 'pool:\n  min_idle: 5\n  min_idle: 6\n'
	refused 't.yaml:3:3: min_idle is there twice'
}

@test "a value out of range is refused with the range" {
	check 'timeouts:\n  connection_timeout: 50ms\n'
	refused 't.yaml:2:23: connection_timeout: 50ms is not allowed: 0 (off) or 100ms to 30d'
}

@test "a wrong type is refused" {
	check 'pool:\n  max_connections: [5]\n'
	refused 't.yaml:2:20: max_connections: expected one value, found a list'
}

@test "settings that do not go together are refused" {
	check 'queue: {max_queue: 4KiB}\n'
	refused 't.yaml:1:20: max_queue: 4KiB is not allowed: at least 68KiB'
}

@test "a tab, a NUL byte and an open bracket are refused with their place" {
	check 'pool:\n\tmin_idle: 1\n'
	refused 't.yaml:2:1: not valid YAML'
	check 'user: a\0000b\n'
	refused 't.yaml:1:8: not valid YAML'
	check 'pool: {\n'
	refused 't.yaml:2:1: not valid YAML'
}

@test "anchors, aliases, tags and a second document are refused" {
	check 'user: &a bob\n'
	refused 't.yaml:1:7: anchors are not allowed'
	check 'user: *a\n'
	refused 't.yaml:1:7: aliases are not allowed'
	check 'user: !!str bob\n'
	refused 't.yaml:1:7: tags are not allowed'
	check 'user: a\n---\nuser: b\n'
	refused 't.yaml:2:1: only one document is allowed'
}

@test "trust beyond this machine is refused unless it is allowed" {
	check 'listen: 0.0.0.0:7420\n'
	refused 't.yaml:1:9: listen: 0.0.0.0:7420 is not allowed with auth.method trust'
	check 'listen: 0.0.0.0:7420\nauth: {allow_remote_trust: true}\n'
	accepted
}

@test "a method of another version is not available" {
	check 'auth: {method: [token]}\n'
	refused 'token is not available; this version has trust and password'
}

@test "200,000 brackets and 50 MiB in one word are refused at once" {
	cd "$BATS_TEST_TMPDIR"
	head -c 200000 /dev/zero | tr '\0' '[' >deep.yaml
	truncate -s 50M large.yaml
	run --separate-stderr timeout 5 "$POOLD" -c deep.yaml --check-config
	refused 'deep.yaml:1:1: configuration: expected settings, found a list'
	run --separate-stderr timeout 5 "$POOLD" -c large.yaml --check-config
	refused 'large.yaml: is too large: at most 1MiB'
}

@test "a missing file, a directory, a FIFO and a forbidden file are refused" {
	cd "$BATS_TEST_TMPDIR"
	run --separate-stderr "$POOLD" -c none.yaml --check-config
	refused 'none.yaml: No such file or directory'
	run --separate-stderr "$POOLD" -c . --check-config
	refused '.: is a directory'
	mkfifo fifo.yaml
	run --separate-stderr timeout 5 "$POOLD" -c fifo.yaml --check-config
	refused 'fifo.yaml: is not a regular file'
	if [ "$(id -u)" -ne 0 ]; then
		touch closed.yaml
		chmod 000 closed.yaml
		run --separate-stderr "$POOLD" -c closed.yaml --check-config
		refused 'closed.yaml: Permission denied'
	fi
}

@test "a limit that descriptors cannot serve is refused with its place" {
	ulimit -n 400
	check 'pool:\n  max_connections: 10000\n'
	refused 't.yaml:2:20: max_connections: 10000 is not allowed'
}

@test "accounts and groups to run with that do not exist are refused with their place" {
	check 'control: {group: no-such-group}\n'
	refused 't.yaml:1:18: control.group: no such group: no-such-group'
	if [ "$(id -u)" -eq 0 ]; then
		check 'user: no-such-account\n'
		refused 't.yaml:1:7: user: no-such-account: there is no such account'
	fi
}

@test "a log that cannot be opened is refused with its place" {
	check 'log: {target: /nonexistent/dir/log}\n'
	refused 't.yaml:1:15: log.target /nonexistent/dir/log: No such file or directory'
	check 'log: {target: /}\n'
	refused 't.yaml:1:15: log.target /: Is a directory'
	check "log: {target: $BATS_TEST_TMPDIR/fresh.log}\\n"
	accepted
	[ ! -e "$BATS_TEST_TMPDIR/fresh.log" ]
}

@test "operators who do not exist are a warning with its place" {
	check 'control:\n  admin: [root, no-such-user]\n  viewer: ["@no-such-group", "@4242"]\n'
	accepted
	[[ $stderr == *'warning: '*'t.yaml:2:10: control.admin: there is no user no-such-user, so it grants nothing'* ]]
	[[ $stderr == *'warning: '*'t.yaml:3:11: control.viewer: there is no group no-such-group, so it grants nothing'* ]]
	[ "$(wc -l <<<"$stderr")" -eq 2 ]
}

@test "a bad configuration keeps poold from starting" {
	cd "$BATS_TEST_TMPDIR"
	echo 'pool: 5' >t.yaml
	run --separate-stderr timeout 10 "$POOLD" -c t.yaml
	refused 't.yaml:1:7: pool: expected settings, found a value'
}

@test "the file of users is checked as well" {
	cd "$BATS_TEST_TMPDIR"
	echo 'alice:secret' >users
	check 'auth: {method: password, password_file: users}\n'
	refused 'users:1: user alice: not a hash of crypt(3)'
	rm users
	check 'auth: {method: password, password_file: users}\n'
	refused "t.yaml:1:41: password_file: $BATS_TEST_TMPDIR/users: No such file or directory"
	mkdir users
	check 'auth: {method: password, password_file: users}\n'
	refused "t.yaml:1:41: password_file: $BATS_TEST_TMPDIR/users: is a directory"
}

@test "files that others may change are a warning" {
	cd "$BATS_TEST_TMPDIR"
	echo "alice:$(echo secret | "$POOLD" --hash-password)" >users
	touch t.yaml
	chmod 600 users t.yaml
	check 'auth: {method: password, password_file: users}\n'
	accepted
	[ -z "$stderr" ]
	chmod 646 t.yaml users
	check 'auth: {method: password, password_file: users}\n'
	accepted
	[[ $stderr == *'warning: the configuration file '*'t.yaml may be changed by everybody'* ]]
	[[ $stderr == *'warning: the password file '*'users may be changed by everybody'* ]]
	if [ "$(id -u)" -eq 0 ]; then
		chmod 664 t.yaml users
		chgrp nogroup users
		check 'auth: {method: password, password_file: users}\n'
		accepted
		[[ $stderr == *'the password file '*'users may be changed by its group'* ]]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
	fi
}

@test "a state_dir that is no folder is refused, a relative one lies beside the file" {
	cd "$BATS_TEST_TMPDIR"
	mkdir kept
	check 'state_dir: kept\n'
	accepted
	check 'state_dir: nowhere\n'
	refused ':1:12: state_dir '"$BATS_TEST_TMPDIR"'/nowhere: No such file or directory'
	touch file
	check 'state_dir: file\n'
	refused ':1:12: state_dir '"$BATS_TEST_TMPDIR"'/file: Not a directory'
}

@test "a password becomes a hash that the file of users takes" {
	cd "$BATS_TEST_TMPDIR"
	hash=$(echo 'a-secret' | "$POOLD" --hash-password)
	[[ $hash == "\$y\$"* ]]
	[ "$hash" != "$(echo 'a-secret' | "$POOLD" --hash-password)" ]
	printf 'alice:%s\nbob:%s:disabled\n' "$hash" "$hash" >users
	chmod 600 users
	check 'auth: {method: password, password_file: users}\n'
	accepted
}

@test "a password that the protocol could not carry is refused" {
	for secret in '' 'two words' "$(printf '%0600d' 0)"; do
		run --separate-stderr "$POOLD" --hash-password <<<"$secret"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[[ $stderr == 'poold: '* ]]
	done
}

@test "on a terminal the password is asked for twice and not shown" {
	command -v script >/dev/null || skip "needs script(1)"
	cd "$BATS_TEST_TMPDIR"
	{
		# Each answer only once its question is there: the input before is lost.
		wait_until grep -q 'Password:' out && echo one-secret
		wait_until grep -q 'Again:' out && echo another
		wait_until grep -q differ out
	} | script -qfec "'$POOLD' --hash-password" out >/dev/null || true
	grep -q 'poold: the two passwords differ' out
	run ! grep -q 'one-secret\|another' out
}
