#!/usr/bin/env bats
# bench.bats - the bench works; what it finds is nothing that a test decides.
load helpers

bench=$(dirname "$PEER")/bench

# measured LINES MEASURE…: each has a value, and nothing was lost.
measured() {
	local lines=$1 name

	shift
	for name; do
		jq -es --arg name "$name" 'any(.measure == $name and .value > 0)' \
			<<<"$lines" >/dev/null || {
			echo "not measured: $name"
			return 1
		}
	done
	[[ $lines != *_lost* ]] || {
		echo "lost: $lines"
		return 1
	}
}

# load_on PID PORT OPTION…: little work for few users
load_on() {
	"$bench/load" --pid "$1" --port "$2" --users 80 --part 20 "${@:3}"
}

floor_listens() {
	(: <>"/dev/tcp/127.0.0.1/$floor_port") 2>/dev/null
}

# start_floor MODE: sets floor and floor_port.
start_floor() {
	floor_port=$(free_port)
	"$bench/floor" "$1" "$floor_port" 3>&- &
	floor=$!
	note_pid "$floor"
	wait_until floor_listens
}

# The floor has nothing to say of names and connections.
conversation() {
	printf 'AUTH u7 -\r\nSEND u7 5\r\nhello\r\nQUIET on\r\nSEND u7 2\r\nyo\r\nQUIT\r\n' |
		"$PEER" talk "127.0.0.1:$1" | sed '/^HELLO/d'
}

@test "the floor says what poold says, in each of its modes" {
	start_poold
	local mode wanted
	wanted=$(conversation "$PORT")
	grep -q '^MSG u7 5' <<<"$wanted"
	for mode in once gathered sliced; do
		start_floor "$mode"
		same "$(sort <<<"$wanted")" "$(conversation "$floor_port" | sort)" "$mode"
	done
}

@test "poold is put to all kinds of work, and nothing is lost" {
	start_poold "log: {level: warn}"
	local name lines
	for name in session cast64 cast1k burst8 pair inflight pipelined random; do
		measured "$(load_on "$POOLD_PID" "$PORT" --only "$name")" login "$name"
	done
	lines=$(load_on "$POOLD_PID" "$PORT" --only control --control "$POOLCTL_SOCKET")
	measured "$lines" stats_p99 kick_p99
	lines=$(load_on "$POOLD_PID" "$PORT" --only questions --control "$POOLCTL_SOCKET")
	measured "$lines" list_p99 count_p99 explain_p99 history_p99 calm_p99 asked_p99
}

@test "a delivery that does not come is reported" {
	start_poold "message: {rate: 50}" # fewer than the pair would send each other
	local lines
	lines=$(load_on "$POOLD_PID" "$PORT" --only pair)
	jq -es 'any(.measure == "pair_lost" and .value > 0)' <<<"$lines"
}

@test "results become a table with a verdict for each row" {
	command -v column >/dev/null || skip "needs column"
	cat >"$BATS_TEST_TMPDIR/results.jsonl" <<-'END'
		{"machine":{"kernel":"Linux","cpu":"x","cores":2},"date":"2026-01-01T00:00:00Z","users":10000,"rounds":1,"servers":["floor-once","poold-1"],"versions":{}}
		{"server":"floor-once","measure":"login","value":20.0,"round":1}
		{"server":"poold-1","measure":"login","value":21.0,"round":1}
		{"server":"floor-once","measure":"cast64","value":5.0,"round":1}
		{"server":"poold-1","measure":"cast64","value":7.5,"round":1}
		{"server":"poold-1","measure":"cast64_lost","value":3,"round":1}
	END
	run "$SRCDIR/tests/bench/run" --table "$BATS_TEST_TMPDIR/results.jsonl"
	[ "$status" -eq 0 ]
	grep -q 'per connect and login .* 20.0 .* 21.0 .* 1.05 .* ok' <<<"$output"
	grep -q 'broadcast, 64 B .* 5.00 .* 7.50 .* 1.50 .* MISSED by 42.9 %' <<<"$output"
	grep -q 'LOST: poold-1, cast64_lost: 3 in round 1' <<<"$output"
}

@test "what structures cost is shown for each of them" {
	run "$bench/scale" -n 1000 --json
	[ "$status" -eq 0 ]
	local name
	for name in objects directory deadlines "idle pool" addresses events history; do
		grep -q "\"$name\"" <<<"$output"
	done
}
