# summary.jq - the lines of results.jsonl, as one array, become medians and spreads.

def median: sort | if length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;

def by(f): group_by(f) | map({key: (.[0] | f), value: .}) | from_entries;

map(select(.measure)) as $results
| map(select(.machine))[0]
+ {
	measures: ($results | map(select(.measure | endswith("_lost") | not)) | by(.measure)
		| map_values(by(.server) | map_values(map(.value)
			| {median: median, min: min, max: max, rounds: length}))),
	lost: ($results | map(select(.measure | endswith("_lost"))))
}
