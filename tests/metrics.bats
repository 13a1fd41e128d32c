#!/usr/bin/env bats
# metrics.bats - what is counted, for Prometheus: on the control socket and over HTTP.
load helpers
load poolctl

# start_metrics: a daemon with a metrics listener, at $METRICS.
start_metrics() {
	prepare_poold
	METRICS=$(free_port)
	write_config "metrics: {address: '127.0.0.1:$METRICS'}"
	launch_poold
}

# http REQUEST-LINE [HEADER…]: the answer, without the CR of its head.
http() {
	local line
	exec 8<>"/dev/tcp/127.0.0.1/$METRICS" || return 1
	{
		for line; do
			printf '%s\r\n' "$line"
		done
		printf '\r\n'
	} >&8
	timeout 20 cat <&8 | tr -d '\r'
	exec 8>&-
}

# together N: N requests that are there at the same time, and what they are answered.
together() {
	local fds=() fd
	for _ in $(seq "$1"); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$METRICS"
		fds+=("$fd")
	done
	for fd in "${fds[@]}"; do
		printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$fd"
	done
	for fd in "${fds[@]}"; do
		timeout 20 cat <&"$fd" | tr -d '\r'
	done
}

# newer_than N: the next answer counts more requests than N.
newer_than() {
	[ "$(together 1 | value_of poold_metrics_scrapes_total)" -gt "$1" ]
}

# read_strictly: what a strict reader finds on stdin: the families and their types.
read_strictly() {
	LC_ALL=C awk -f "$SRCDIR/tests/metrics.awk"
}

# value_of SAMPLE <metrics: the value of the line that begins so
value_of() {
	awk -v sample="$1" 'index($0, sample " ") == 1 { print $NF }'
}

@test "metrics are what a strict reader takes, and the numbers are those of stats" {
	start_poold 'timeouts: {ping_interval: 100ms}'
	play <<-'EOF'
		alice: > AUTH alice -
		alice: < OK *
		alice: <? word ^PING (.+)$
		alice: > PONG %word%
		! wait_until measured
		! ctl metrics | jq -j .text >"$BATS_TEST_TMPDIR/m"
		! ctl stats >"$BATS_TEST_TMPDIR/stats"
	EOF
	read_strictly <"$BATS_TEST_TMPDIR/m"
	same 1 "$(value_of 'poold_connections{state="active"}' <"$BATS_TEST_TMPDIR/m")"
	same 1 "$(value_of poold_sessions <"$BATS_TEST_TMPDIR/m")"
	same 1 "$(value_of poold_logins_total <"$BATS_TEST_TMPDIR/m")"
	same 0 "$(value_of 'poold_disconnects_total{reason="kicked",by="operator"}' <"$BATS_TEST_TMPDIR/m")"
	same 2 "$(grep -c 'poold_worker_turn_seconds_count{' "$BATS_TEST_TMPDIR/m")" workers
	[ "$(value_of poold_ping_rtt_seconds_count <"$BATS_TEST_TMPDIR/m")" -ge 1 ]
	[ "$(value_of poold_control_turn_seconds_count <"$BATS_TEST_TMPDIR/m")" -ge 1 ]
	holds "$(cat "$BATS_TEST_TMPDIR/stats")" '.rtt.count >= 1' '.rtt.max_s > 0' \
		'.rtt.p50_s <= .rtt.p99_s' '.rtt.p99_s <= .rtt.max_s' '.control.turn_p99_us > 0' \
		'[.workers[] | .turn_p50_us <= .turn_p99_us and .turn_p99_us <= .turn_max_us] | all' \
		'.recent.logins == 1' '.recent.over_s > 0' '.recent.over_s <= .uptime_s + 1' \
		'.recent.rtt_count >= 1' '.recent.turn_p99_us > 0'
	# as text for people, and a viewer may see it
	[[ $(poolctl --as viewer metrics | head -n 1) == '# HELP poold_build_info '* ]]
}

measured() {
	holds "$(ctl stats)" '.rtt.count > 0'
}
export -f measured

@test "the strict reader is strict" {
	local line
	ok() { printf '%b' "$1" | read_strictly >/dev/null; }
	ok '# HELP a_total x\n# TYPE a_total counter\na_total 1\n'
	while read -r line; do
		run ! ok "$line"
	done <<-'EOF'
		a_total 1\n
		# HELP a x\n# TYPE a counter\na 1\n
		# HELP a_total x\n# TYPE a_total gauge\na_total 1\n
		# TYPE a counter\n# HELP a x\na 1\n
		# HELP a x\n# TYPE a gauge\na 1\na 1\n
		# HELP a x\n# TYPE a gauge\na{b="1"} 1\na{b="1"} 2\n
		# HELP a x\n# TYPE a gauge\na{b="\\q"} 1\n
		# HELP a x\n# TYPE a gauge\na{b="x"y"} 1\n
		# HELP a x\n# TYPE a gauge\na{1b="x"} 1\n
		# HELP a x\n# TYPE a gauge\na -1\n
		# HELP a x\n# TYPE a gauge\na NaN\n
		# HELP a x\n# TYPE a gauge\nb 1\n
		# HELP a x\n# TYPE a gauge\n
		# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na 2\n
		# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n
		# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le="1"} 2\nh_seconds_bucket{le="+Inf"} 1\nh_seconds_sum 1\nh_seconds_count 1\n
		# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le="1"} 1\nh_seconds_bucket{le="+Inf"} 1\nh_seconds_sum 1\nh_seconds_count 2\n
		# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le="1"} 1\nh_seconds_sum 1\nh_seconds_count 1\n
		# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le="2"} 1\nh_seconds_bucket{le="1"} 1\nh_seconds_bucket{le="+Inf"} 1\nh_seconds_sum 1\nh_seconds_count 1\n
	EOF
}

@test "over HTTP there are the same families, and nothing else" {
	start_metrics
	local got
	got=$(http 'GET /metrics HTTP/1.1' 'Host: x')
	[[ $got == 'HTTP/1.1 200 OK'*'Content-Type: text/plain; version=0.0.4; charset=utf-8'* ]]
	same "$(poolctl metrics | read_strictly)" "$(sed '1,/^$/d' <<<"$got" | read_strictly)" families
	same 1 "$(sed '1,/^$/d' <<<"$got" | value_of poold_metrics_scrapes_total)" scrapes
	got=$(http 'HEAD /metrics HTTP/1.1' 'Host: x')
	[[ $got == 'HTTP/1.1 200 OK'* && $got != *poold_* ]]
	[[ $(http 'GET / HTTP/1.1' 'Host: x') == 'HTTP/1.1 404 '* ]]
	[[ $(http 'GET /metrics/x HTTP/1.1' 'Host: x') == 'HTTP/1.1 404 '* ]]
	[[ $(http 'POST /metrics HTTP/1.1' 'Host: x' 'Content-Length: 5') == 'HTTP/1.1 405 '*'Allow: GET, HEAD'* ]]
	[[ $(http 'PUT /metrics HTTP/1.0') == 'HTTP/1.1 405 '* ]]
	[[ $(http "$(text_of 40000)") != *poold_sessions* ]]
	[[ $(http $'\x01\x02 nonsense') != *poold_sessions* ]]
	stat_is metrics_scrapes 2
	stat_is metrics_refused 4
	# who asks together is given the same, who asks later what is true then
	got=$(together 8 | value_of poold_metrics_scrapes_total | sort -n)
	same 8 "$(wc -l <<<"$got")" answers
	[ "$(uniq <<<"$got" | wc -l)" -lt 8 ]
	wait_until newer_than "$(tail -n 1 <<<"$got")"
	logged 'metrics on http://127.0.0.1:'
	run ! grep -q 'can read the metrics' "$POOLD_LOG"
}

@test "who connects to the metrics listener and says nothing hurts nobody" {
	start_metrics
	local fds=() fd
	for _ in $(seq 16); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$METRICS"
		fds+=("$fd")
	done
	printf 'GET /metrics HTTP/1.1\r\nHost' >&"${fds[0]}"
	online alice bob
	ctl metrics >/dev/null
	# the next one waits until their time is over
	[[ $(http 'GET /metrics HTTP/1.1' 'Host: x') == 'HTTP/1.1 200 '* ]]
	stat_is metrics_timeouts 16
	stat_is active_connections 2
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	stop_poold
	run ! http 'GET /metrics HTTP/1.1'
}

@test "an address that cannot be listened on is a clear error, twice the same one too" {
	start_metrics
	sed "s|ctl.sock|other.sock|; s|:$PORT|:$(free_port)|" "$POOLD_CONFIG" >"$BATS_TEST_TMPDIR/other.yaml"
	run timeout 10 "$POOLD" -c "$BATS_TEST_TMPDIR/other.yaml"
	same 1 "$status" "exit status"
	[[ $output == *"other.yaml:"*"metrics.address: cannot listen on 127.0.0.1:$METRICS: another process listens there already"* ]]
	control_answers
	refused "127.0.0.1:$PORT" 'clients listen there'
	refused nonsense '"nonsense" is not allowed: an address and a port'
	refused 127.0.0.1:0 'is not allowed'
	refused unix:/tmp/x 'is not allowed'
	# beyond this machine it works, with a warning
	write_config 'metrics: {address: "*:9421"}'
	run -0 "$POOLD" --check-config -c "$POOLD_CONFIG"
	[[ $output == *"poold.yaml:"*"metrics.address: whoever reaches *:9421 can read the metrics"* ]]
	same unsupported "$(control_kind settings.set '{"values":{"metrics.address":""}}')"
}

# refused ADDRESS TEXT: no configuration with this address is good, and TEXT says why.
refused() {
	write_config "metrics: {address: '$1'}"
	run -1 "$POOLD" --check-config -c "$POOLD_CONFIG"
	[[ $output == *"poold.yaml:"*"metrics.address: "*"$2"* ]] || {
		echo "$output"
		return 1
	}
}

@test "without the setting there is no listener, and its descriptors are users'" {
	start_poold
	local without with
	without=$(ctl stats | jq '.max_connections')
	run ! grep -q class=metrics "$POOLD_LOG"
	stop_poold
	write_config "metrics: {address: '127.0.0.1:$(free_port)'}"
	launch_poold
	with=$(ctl stats | jq '.max_connections')
	[ "$(ulimit -Hn)" -gt 69760 ] || [ "$with" -lt "$without" ]
}

@test "stats --delta shows what every counter has gained, and no nonsense after a restart" {
	start_poold
	"$POOLCTL" -o json stats -i 200ms -n 2 --delta >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	note_pid "$pid"
	online alice
	wait "$pid"
	# what had happened before the first look is in none of them
	holds "$(jq -s 'last' "$BATS_TEST_TMPDIR/out")" '.commands < 3' '.control_requests >= 1' \
		'.control_requests < 50'
	end_all
	export POOLD_PID=
	: >"$BATS_TEST_TMPDIR/pids"
	launch_poold
	for _ in $(seq 20); do
		control_call server.info >/dev/null
	done
	"$POOLCTL" -o json stats -i 2s -n 2 --delta >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	note_pid "$pid"
	wait_until grep -q control_requests "$BATS_TEST_TMPDIR/out"
	kill -STOP "$pid"
	stop_poold
	launch_poold
	kill -CONT "$pid"
	wait "$pid"
	same 2 "$(wc -l <"$BATS_TEST_TMPDIR/out")" lines
	holds "$(jq -s . "$BATS_TEST_TMPDIR/out")" 'all(.[]; .control_requests >= 0)'
}
