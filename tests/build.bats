# What comes out of the build: hardened programs, and a unit that gives little away.

bats_require_minimum_version 1.5.0

# plain_build: skips the test where a sanitizer is built in.
plain_build() {
	! readelf -Ws "$POOLD" | grep -qE '__(asan|tsan)_init' || skip "sanitizer build"
}

each_program() {
	"$@" "$POOLD"
	"$@" "$POOLCTL"
}

says() { # says PATTERN OPTION FILE: readelf prints it
	readelf -W "$2" "$3" | grep -qE "$1" || { echo "$3: no $1"; return 1; }
}

@test "the programs are position independent" {
	plain_build
	each_program says 'Type: *DYN' -h
}

@test "relocations are done at the start and then read-only" {
	plain_build
	each_program says 'GNU_RELRO' -l
	each_program says 'BIND_NOW|Flags:.* NOW' -d
}

@test "the stack is guarded and cannot be executed" {
	plain_build
	each_program says '__stack_chk_fail' -s
	each_program says 'GNU_STACK .* RW ' -l
}

@test "checked versions of unsafe functions are called" {
	plain_build
	each_program says '__[a-z]+_chk' -s
}

@test "no program looks for libraries in a place of its own" {
	run -1 grep -E 'RPATH|RUNPATH' <(readelf -d "$POOLD" "$POOLCTL")
}

@test "both programs tell their version" {
	run "$POOLD" --version
	[ "$status" -eq 0 ]
	[[ $output == poold\ [0-9]* ]]
	run "$POOLCTL" --version
	[ "$status" -eq 0 ]
	[[ $output == poolctl\ [0-9]* ]]
}

@test "the unit of the service manager is rated safe" {
	command -v systemd-analyze || skip "no systemd-analyze"
	systemd-analyze security --offline=yes --threshold=15 "$BUILDDIR/server/poold.service"
}

@test "the unit sees the uids of those who call" {
	grep -q '^ExecStart=' "$BUILDDIR/server/poold.service"
	run -1 grep '^PrivateUsers=' "$BUILDDIR/server/poold.service"
}
