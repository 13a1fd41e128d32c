# table.jq - summary.json becomes the rows of the table, their cells parted by tabs.
#
# A row compares poold-1 with the cheapest of the floors named; `ratio` is how much of
# that floor it is to reach, `most` what it is to reach in itself.

def rows($users):
	([1000, $users, 18000] | unique[]
		| {measure: "memory_\(.)", text: "bytes per idle user, \(.) users",
		   floors: ["once"], most: 256}),
	{measure: "memory", text: "the same, largest / smallest", floors: [], most: 1.25},
	{measure: "login", text: "µs per connect and login", floors: ["once"], ratio: 1.15},
	{measure: "session", text: "µs per connect, login, message, quit",
	 floors: ["once"], ratio: 1.15},
	{measure: "cast64", text: "µs per receiver of a broadcast, 64 B",
	 floors: ["once"], ratio: 1.05},
	{measure: "cast1k", text: "the same, 1 KiB", floors: ["once"], ratio: 1.05},
	{measure: "burst8", text: "the same, 64 B, 8 broadcasts at once",
	 floors: ["gathered", "sliced"], ratio: 1.15},
	{measure: "pair", text: "µs per message, one under way",
	 floors: ["once"], ratio: 1.15},
	{measure: "inflight", text: "the same, 64 under way", floors: ["once"], ratio: 1.10},
	{measure: "pipelined", text: "the same, 64 pairs with 64 each",
	 floors: ["gathered"], ratio: 1.3},
	{measure: "random", text: "the same, to anybody", floors: ["gathered"], ratio: 1.3},
	{measure: "pair_p50", text: "µs until it is there, one under way, p50",
	 floors: ["once"]},
	{measure: "pair_p99", text: "  p99", floors: ["once"]},
	{measure: "inflight_p50", text: "  64 under way, p50", floors: ["once"]},
	{measure: "inflight_p99", text: "  p99", floors: ["once"], most: 1100},
	{measure: "bystander_p50", text: "  beside broadcasts without a pause, p50",
	 floors: ["sliced"]},
	{measure: "bystander_p99", text: "  p99", floors: ["sliced"], most: 4000},
	{measure: "stats_p99", text: "µs until the operator has statistics, p99",
	 floors: [], most: 10000},
	{measure: "kick_p99", text: "µs until a kicked user is gone, p99",
	 floors: [], most: 10000},
	{measure: "list_p99", text: "µs until the operator has the ten longest queues, p99",
	 floors: [], most: 50000},
	{measure: "count_p99", text: "  connections counted by address, p99",
	 floors: [], most: 50000},
	{measure: "explain_p99", text: "  what has happened to an address, p99",
	 floors: [], most: 50000},
	{measure: "history_p99", text: "  who was too slow, p99", floors: [], most: 50000},
	{measure: "calm_p99", text: "µs until a message is there, one a second each, p99",
	 floors: []},
	{measure: "asked_p99", text: "  the same beside those questions, p99", floors: []};

def fixed($places):
	pow(10; $places) as $p | (. * $p | round) as $n
	| ($n / $p | floor | tostring)
		+ if $places == 0 then "" else ".\($n % $p + $p | tostring[1:])" end;

def number: if . == null then "-" elif . >= 100 then fixed(0)
	elif . >= 10 then fixed(1) else fixed(2) end;

def per_cent($most): (. / $most - 1) * 100
	| if . <= 0 then "ok" elif . >= 100 then "MISSED, \(. / 100 + 1 | fixed(1)) times"
	else "MISSED by \(fixed(1)) %" end;

# Of each server, how far the sizes of the crowd are apart.
def flatness: [to_entries[] | select(.key | startswith("memory_")) | .value]
	| reduce (.[] | to_entries[]) as $e ({}; .[$e.key] += [$e.value.median])
	| map_values(select(length > 1) | {median: (max / min)});

# Peers with their ratio to poold-1.
def cell($server; $poold):
	number + if . == null or $poold == null or ($server | test("^floor|^poold-1$"))
		then "" else " (\(. / $poold | number)x)" end;

def verdict($row; $value; $floor):
	if $value == null then "" elif $row.most then $value | per_cent($row.most)
	elif $row.ratio and $floor then $value / $floor | per_cent($row.ratio) else "" end;

def reach: if .most then "<= \(.most)" elif .ratio then "<= \(.ratio) floor" else "" end;

. as $summary
| ($summary.measures | .memory = flatness) as $measures
| "kernel \(.machine.kernel), \(.machine.cores) x \(.machine.cpu)",
  "medians of \(.rounds) round\(if .rounds == 1 then "" else "s" end), \(.users) users; in brackets as many times poold-1",
  "",
  ([""] + .servers + ["poold-1 / floor", "reach", ""] | @tsv),
  (rows(.users) as $row
  | ($measures[$row.measure] // empty | map_values(.median)) as $of
  | $of["poold-1"] as $poold
  | ([$row.floors[] | $of["floor-" + .] | values] | min) as $floor
  | [$row.text]
    + ($summary.servers | map(. as $s | $of[$s] | cell($s; $poold)))
    + [if $floor and $poold then $poold / $floor | number else "-" end,
       ($row | reach), verdict($row; $poold; $floor)]
  | @tsv)
