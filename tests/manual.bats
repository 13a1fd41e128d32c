# What the programs have and what the manual says of it, held against each other in
# both directions: a row of a table without its place in the manual fails, and so does
# a place in the manual without its row.

load helpers

man=$SRCDIR/man

# section PAGE HEADING: the lines below .Sh HEADING
section() {
	awk -v heading=".Sh $2" '
		/^\.Sh / { inside = $0 == heading; next }
		inside' "$man/$1"
}

# subsection PAGE HEADING: the lines below .Ss HEADING
subsection() {
	awk -v heading=".Ss $2" '
		/^\.S[hs] / { inside = $0 == heading; next }
		inside' "$man/$1"
}

# rows FILE MACRO: the arguments of each row of a .def, one line, separated by tabs
rows() {
	sed -n "s/^$2(\(.*\))\$/\1/p" "$SRCDIR/$1" | awk '
		{
			line = ""
			while ($0 != "") {
				if (substr($0, 1, 1) == "\"") {
					n = index(substr($0, 2), "\"")
					while (substr($0, n, 1) == "\\")
						n += index(substr($0, n + 2), "\"")
					field = substr($0, 2, n - 1)
					$0 = substr($0, n + 2)
				} else {
					n = index($0, ",")
					n = n == 0 ? length($0) + 1 : n
					field = substr($0, 1, n - 1)
					$0 = substr($0, n)
				}
				sub(/^, */, "")
				line = line (line == "" && !started ? "" : "\t") field
				started = 1
			}
			print line
			started = 0
		}'
}

# items [MACRO]: the first word of each list item that begins with MACRO
items() {
	awk -v macro="${1:-Cm}" '$1 == ".It" && $2 == macro { print $3 }'
}

# the_same TABLE MANUAL: two lists, whatever their order
the_same() {
	if [ -z "$1" ] || [ -z "$2" ]; then
		echo "one of the lists is empty"
		return 1
	fi
	diff -u --label program --label manual <(sort <<<"$1") <(sort <<<"$2")
}

settings_of_table() {
	rows server/settings.def SETTING | awk -F '\t' '
		function duration(ms) {
			return ms % 1000 ? ms "ms" : ms / 1000 "s"
		}
		function size(n) {
			if (n % 1073741824 == 0)
				return n / 1073741824 "GiB"
			return n % 1048576 ? n / 1024 "KiB" : n / 1048576 "MiB"
		}
		function words(list) {
			n = split(list, word, "|")
			list = word[1]
			for (i = 2; i <= n; i++)
				list = list (i == n ? " or " : ", ") word[i]
			return list
		}
		{
			type = tolower($3)
			allowed = words($8)
			if (type == "duration")
				allowed = "0 or " duration($5) " to 30d"
			else if (type == "size")
				allowed = size($5) " to " size($6)
			else if (type == "count")
				allowed = $5 " to " $6
			else if (type == "mode")
				allowed = $5 " to " $6
			else if (type == "bool")
				allowed = "true or false"
			else if (type == "strings")
				type = "list"
			printf "%s %s %s: Default %s;%s %s.\n", $1 == "" ? "Top" : $1, $2,
			    type, $4 == "" ? "none" : $4, allowed == "" ? "" : " " allowed ";",
			    tolower($7)
		}'
}

settings_of_manual() {
	section poold.yaml.5.in SETTINGS | awk '
		$1 == ".Ss" { name = $2; sub(/:$/, "", name) }
		$1 == ".It" { item = $3 " " $5; next }
		item != "" { print name " " item ": " $0; item = "" }'
}

@test "poold.yaml(5) has every setting with its type, default, range and time" {
	the_same "$(settings_of_table)" "$(settings_of_manual)"
}

@test "the example of poold.yaml(5) is a configuration" {
	# Accounts and descriptors are those of the machine it is meant for.
	section poold.yaml.5.in EXAMPLES |
		awk '/^\.Bd/ { n++; next } /^\.Ed/ { exit } n == 1' |
		sed 's/\(max_connections:\) .*/\1 100/; s/^user: .*/user: nobody/' >"$BATS_TEST_TMPDIR/c.yaml"
	printf 'alice:%s\n' "$(echo secret | "$POOLD" --hash-password)" \
		>"$BATS_TEST_TMPDIR/users"
	"$POOLD" --check-config -c "$BATS_TEST_TMPDIR/c.yaml"
}

methods_of_table() {
	rows common/methods.def METHOD | awk -F '\t' '{
		role = $3 == "NONE" ? "Any role" : "Role " tolower($3)
		does = $4 == "MUTATES" ? "; changes something" : ""
		does = $4 == "STREAM" ? "; streams rows" : does
		does = $4 == "MUTATES_STREAM" ? "; changes something; streams rows" : does
		does = $4 == "EVENTS" ? "; sends events" : does
		print $2 ": " role does "."
	}'
	awk 'NR == FNR { if ($1 == "M") name[$2] = $3; next }
		{ $1 = name[$1]; print }' \
		<(rows common/methods.def METHOD | awk -F '\t' '{ print "M", $1, $2 }') \
		<(rows common/methods.def PARAM | awk -F '\t' '{
			print $1, $2, tolower($3) ($4 == "REQUIRED" ? " required" : "") }')
}

methods_of_manual() {
	section poold-control.7 METHODS | awk '
		$1 == ".Ss" { method = $2; print_next = 1; next }
		print_next { print method ": " $0; print_next = 0 }
		$1 == ".It" { print method " " $3 " " $5 ($7 == "" ? "" : " " $7) }'
}

@test "poold-control(7) has every method with its role and parameters" {
	the_same "$(methods_of_table)" "$(methods_of_manual)"
}

@test "poold-control(7) has the words that a parameter may be" {
	while IFS=$'\t' read -r id name words; do
		method=$(rows common/methods.def METHOD |
			awk -F '\t' -v id="$id" '$1 == id { print $2 }')
		for word in ${words//|/ }; do
			subsection poold-control.7 "$method" | awk -v name="$name" '
				$1 == ".It" { inside = $3 == name; next }
				inside' | grep -qE "^(\.Cm .*)?\b$word\b" || {
				echo "$method $name: $word"
				return 1
			}
		done
	done < <(rows common/methods.def PARAM |
		awk -F '\t' '$6 != "" { print $1 "\t" $2 "\t" $6 }')
}

@test "poold-control(7) has every kind of error" {
	the_same "$(rows common/rpc.def RPC_KIND | cut -f 2)" \
		"$(subsection poold-control.7 Errors | items)"
}

@test "poold-control(7) has every type of event" {
	the_same "$(rows server/events.def EVENT | cut -f 2)" \
		"$(section poold-control.7 EVENTS | items)"
}

@test "poold-control(7) has every counter" {
	the_same "$(rows server/counters.def COUNTER | cut -f 2)" \
		"$(section poold-control.7 STATISTICS | sed '1,/^The counters:/d' | items)"
}

# The families that are not made of the table of counters.
families_of_program() {
	control_result pool.metrics | jq -r .text | sed -n "s/^# TYPE \([^ ]*\) .*/\1/p" |
		grep -vxF "$(rows server/counters.def COUNTER | cut -f 2 |
			sed "s/^total_//; s/.*/poold_&_total/")"
}

@test "poold-control(7) has every metric" {
	start_poold
	the_same "$(families_of_program)" "$(section poold-control.7 METRICS | items)"
}

close_reasons_of_table() {
	rows server/close_reason.def CLOSE_REASON | awk -F '\t' '{
		retry = $5 == $6 ? $5 / 1000 " s" : $5 / 1000 " to " $6 / 1000 " s"
		if ($5 == "RETRY_NONE")
			retry = "-"
		else if ($5 == "RETRY_NEVER")
			retry = "never"
		print $1, $3, $4, retry
	}'
}

close_reasons_of_manual() {
	section poold-protocol.7 "CLOSE REASONS" | awk -F ' Ta ' '
		/^\.It [0-9]/ { print substr($1, 5), $2, $3, $4 }'
}

@test "poold-protocol(7) has every close reason with who and when to come back" {
	the_same "$(close_reasons_of_table)" "$(close_reasons_of_manual)"
}

@test "poold-protocol(7) has every verb" {
	the_same "$(sed -n 's/^\tVERB_\([A-Z]*\),.*/\1/p' "$SRCDIR/server/protocol.h" |
		grep -vx NONE)" "$(section poold-protocol.7 COMMANDS | items)"
}

@test "poold-protocol(7) has every error" {
	the_same "$(sed -n 's/^\tERR_[A-Z_]* = \([1-9][0-9]*\),.*/\1/p' \
		"$SRCDIR/server/protocol.h")" \
		"$(section poold-protocol.7 "ERROR REPLIES" | awk '$1 == ".It" { print $2 }' | uniq)"
}

@test "poold(8) has every state of a connection" {
	the_same "$(sed -n 's/^\tSTATE_\([A-Z]*\),.*/\L\1/p' "$SRCDIR/server/state.h")" \
		"$(subsection poold.8.in "States of a connection" | items)"
}

# options_of_help: the long options that a help text on stdin names
options_of_help() {
	grep -o -- '--[a-z][a-z-]*' | sort -u
}

# options_of_page: the long options of list items
options_of_page() {
	grep '^\.It' | grep -oE 'Fl -[a-z][a-z-]*' | sed 's/^Fl /-/' | sort -u
}

@test "poold(8) has every option" {
	the_same "$("$POOLD" --help | options_of_help)" \
		"$(section poold.8.in DESCRIPTION | options_of_page)"
}

@test "poolctl(1) has every key of a selector" {
	the_same "$(sed -n 's/^SELECTOR([A-Z]*, "\([a-z]*\)",.*/\1/p' "$SRCDIR/common/selectors.def")" \
		"$(section poolctl.1 SELECTORS | sed '1,/^The keys:/d' | items)"
}

commands_of_program() {
	"$POOLCTL" help --json | jq -r '
		.commands[] | . as $c | (.command, .alias // empty) |
		., (. + " --" + $c.options[].name)'
	"$POOLCTL" help --json | jq -r '.global_options[] | "--" + .name'
}

# Items that follow each other without text between them share what comes next.
commands_of_page() {
	section poolctl.1 COMMANDS | awk '
		$1 == ".It" && $2 == "Ic" {
			if (!heads)
				n = 0
			name = ""
			for (i = 3; i <= NF && $i !~ /^([A-Z][a-z]|\|)$/; i++)
				name = name (name == "" ? "" : " ") $i
			names[++n] = name
			print name
			heads = 1
			next
		}
		{ heads = 0 }
		$1 == ".It" {
			for (i = 2; i < NF; i++)
				if ($i == "Fl" && $(i + 1) ~ /^-/)
					for (j = 1; j <= n; j++)
						print names[j] " -" $(i + 1)
		}'
	subsection poolctl.1 "Global options" | options_of_page
}

@test "poolctl(1) has every command and option" {
	the_same "$(commands_of_program)" "$(commands_of_page)"
}

# columns_of ARRAY: the titles of one array of ctl/columns.c
columns_of() {
	awk -v array="$1" '
		/^const struct column / { inside = index($0, " " array "[") }
		inside && /^\t\{ "/ { split($0, part, "\""); print part[2] }' \
		"$SRCDIR/ctl/columns.c"
}

@test "poolctl(1) has every column" {
	the_same "$(columns_of columns_connections)" \
		"$(subsection poolctl.1 "Columns of list" | items)"
	the_same "$(columns_of columns_users)" \
		"$(subsection poolctl.1 "Columns of users" | items)"
	the_same "$(columns_of columns_history)" \
		"$(subsection poolctl.1 "Columns of history" | items)"
}

@test "poolctl(1) has every format" {
	the_same "$(sed -n 's/^\t\[FORMAT_[A-Z]*\] *= { "\([a-z]*\)".*/\1/p' "$SRCDIR/ctl/output.c")" \
		"$(section poolctl.1 OUTPUT | sed '/^\.Ss/,$d' | items)"
}

@test "poolctl(1) has every exit status" {
	the_same "$(sed -n 's/^\tSTATUS_[A-Z_]* = \([0-9]*\),.*/\1/p' "$SRCDIR/ctl/client.h")" \
		"$(section poolctl.1 "EXIT STATUS" | awk '$1 == ".It" { print $2 }')"
}

@test "the pages have every variable of the environment" {
	variables() {
		cat "$SRCDIR/$1"/*.c | grep -oE '(getenv|number_of)\("[A-Z_]+"\)' |
			grep -oE '[A-Z_]{3,}' | sort -u
	}
	the_same "$(variables ctl)" "$(section poolctl.1 ENVIRONMENT | items Ev)"
	the_same "$(variables server)" "$(section poold.8.in ENVIRONMENT |
		sed -n 's/^\.It Ev //p' | sed 's/ , /\n/g')"
}

modules_of_tree() {
	local file name

	for file in "$SRCDIR"/{common,server,ctl}/*.{c,h,def}; do
		[ -e "$file" ] || continue
		name=${file#"$SRCDIR"/}
		name=${name%.[ch]}
		[[ $name =~ ^(server/method|ctl/command)_ ]] && name="${name%%_*}_*"
		echo "$name"
	done | sort -u
}

modules_of_readme() {
	awk '
		/^### / { folder = $2; block = 0; next }
		/^## / { folder = "" }
		/^```/ { block++; next }
		folder ~ /\/$/ && block == 1 && NF { print folder $1 }' "$SRCDIR/README.md"
}

@test "the map in the README has every module" {
	the_same "$(modules_of_tree)" "$(modules_of_readme)"
}

# members_of METHOD [PARAMS]: the names in its answer, those of rows included
members_of() {
	control_result "$@" | jq -r '
		keys_unsorted[], (.[] | arrays | .[0] | objects | keys_unsorted[])' | sort -u
}

# named PAGE_TEXT NAME…: each is in the text as .Cm NAME
named() {
	local text=$1 name missing=0
	shift
	for name; do
		grep -qE "^\.(It |Pq )?Cm ([a-z_]+ , )*$name( |\$)" <<<"$text" && continue
		echo "not in the manual: $name"
		missing=1
	done
	return "$missing"
}

@test "poold-control(7) has every member of the answers" {
	local method params

	mkdir "$BATS_TEST_TMPDIR/state"
	start_poold "state_dir: $BATS_TEST_TMPDIR/state"
	play_bg someone <<-'EOF'
		timeout 300000
		> AUTH bob -
		< OK *
		> IDLE
		< OK *
		gone
	EOF
	online_is 1
	# shellcheck disable=SC2046	# the names are words
	while read -r method params; do
		named "$(subsection poold-control.7 "$method")" $(members_of "$method" "$params") || {
			echo "$method"
			return 1
		}
	done <<-'EOF'
		server.info {}
		server.health {}
		pool.metrics {}
		rpc.describe {}
		users.list {}
		connections.list {}
		connections.count {"by":"state"}
		settings.list {}
		settings.diff {}
		settings.set {"values":{"rate":5},"confirm_s":60}
		settings.confirm {}
		settings.set {"values":{"rate":6},"confirm_s":60}
		settings.confirm {}
		settings.set {"values":{"rate":7},"persist":true}
		settings.set {"values":{"min_idle":1}}
		settings.save {}
		log.set {"level":"debug"}
		accept.set {"state":"on"}
		drain.start {"select":["bob"],"over_s":60}
		drain.cancel {}
		drain.status {}
		complete {"kind":"user"}
		message.send {"select":["bob"],"data":"x"}
		message.broadcast {"data":"x"}
		message.any {"data":"x"}
		ban.add {"rules":["10.0.0.0/8"],"reason":"x","comment":"x"}
		ban.list {}
		ban.test {"who":"10.0.0.1"}
		ban.remove {"rules":["10.0.0.0/8"]}
		connections.kick {"select":["bob"],"ban_s":1}
		connections.history {}
	EOF
	# shellcheck disable=SC2046
	named "$(section poold-control.7 STATISTICS)" $(members_of pool.stats)
	play_end someone
}

# Each line of the examples runs; 1 and 4 tell that there are no such users here.
@test "the examples of poolctl(1) are commands" {
	local line status

	start_poold
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$POOLCTL" "$BATS_TEST_TMPDIR/bin/poolctl"
	section poolctl.1 EXAMPLES | sed -n 's/\\e/\\/g; s/^\$ //p' >"$BATS_TEST_TMPDIR/lines"
	[ -s "$BATS_TEST_TMPDIR/lines" ]
	while read -r line; do
		status=0
		PATH=$BATS_TEST_TMPDIR/bin:$PATH bash -c "$line" </dev/null || status=$?
		[[ $status =~ ^[014]$ ]] || {
			echo "$line: $status"
			return 1
		}
	done <"$BATS_TEST_TMPDIR/lines"
}

# There is no daemon: what is a command gets as far as to look for it, or asks before.
@test "the first hour and the recipes of poolctl(1) are commands" {
	local commands=$BATS_TEST_TMPDIR/lines heading

	for heading in 'A deploy' 'A wave of abuse' 'The ten who are silent for longest' \
		'A noisy neighbour' 'A monitoring script'; do
		subsection poolctl.1 "$heading" | grep -q '^\$ poolctl '
	done
	{
		section poolctl.1 'THE FIRST HOUR'
		section poolctl.1 RECIPES
	} | sed -n 's/\\e/\\/g; s/ [&|].*//; s/--for 6m\|--for 30s/--for 0s/; s/^\$ poolctl //p' >"$commands"
	[ "$(wc -l <"$commands")" -ge 20 ]
	"$POOLCTL" -s "$BATS_TEST_TMPDIR/none.sock" -k -f "$commands" >"$BATS_TEST_TMPDIR/out" 2>&1 || true
	same "$(wc -l <"$commands")" "$(grep -cE 'cannot connect to|confirm with --yes|is no terminal' \
		"$BATS_TEST_TMPDIR/out")" "commands" || {
		cat "$BATS_TEST_TMPDIR/out"
		return 1
	}
}

# The session of poold-protocol(7), played: what the client types is told from
# what the server says by its verb.
@test "the session of poold-protocol(7) goes as it is shown" {
	local shown typed said

	start_poold 'node: a'
	shown=$(section poold-protocol.7 EXAMPLES | awk '
		/^\.Bd/ { n++; next } /^\.Ed/ { exit } n == 1 && !/^\$ /')
	typed=$(grep -E '^(AUTH|SEND|CAST|IDLE|WHO|QUIT)( |$)' <<<"$shown")
	said=$(while read -r line; do
		printf '%s\r\n' "$line"
	done <<<"$typed" | nc -q1 127.0.0.1 "$PORT" | tr -d '\r' |
		sed 's/ conn=[0-9]* / conn=17 /')
	diff -u --label manual --label program \
		<(grep -vxF "$typed" <<<"$shown") <(echo "$said")
}

@test "the call of poold-control(7) is answered" {
	local call

	start_poold
	call=$(section poold-control.7 EXAMPLES | sed -n "s/^\$ echo '\(.*\)' |\$/\1/p")
	[ -n "$call" ]
	nc -q1 -U "$POOLCTL_SOCKET" <<<"$call" | jq -se 'map(select(.id == 1)) | .[0].result'
}
