# What was once found by a fuzzer, and what it starts from, run through each target.

# replay NAME
replay() {
	"$BUILDDIR/tests/fuzz/fuzz_$1" "$SRCDIR/tests/fuzz/corpus/$1"
}

@test "the corpus of the file of bans passes" {
	replay bans
}

@test "the corpus of the configuration passes" {
	replay config
}

@test "the corpus of saved settings passes" {
	replay overlay
}

@test "the corpus of the client protocol passes" {
	replay protocol
}

@test "the corpus of the control protocol passes" {
	replay rpc
}

@test "the corpus of calls passes the checks of parameters and rights" {
	replay dispatch
}

@test "the corpus of selectors passes" {
	replay selector
}
