#!/usr/bin/env bats
# layers.bats - the house has floors: who may include whom.
load helpers

# The direction of includes: server -> common <- ctl, and down inside server/.

# The layers of server/, from the top: a file may include its own layer and those
# below. The first may include anything. A word is a module, a file or a pattern;
# pool.h and shard.h say what a connection can reach, and are put together above it.
layers() {
	cat <<-EOF
		main daemon notify options signals startup
		control* serve peer rights call bulk drain listing ended user_row audit dispatch method* metrics* pending preview recent reload* survey*
		worker* acceptor sweep stopper reconfigure pool.c
		connection* request input login stream traced deadlines delivery* shard.c
		directory limits bans* fights pace idle auth password* events trace history* listener pool.h shard.h
		parcel message outqueue protocol greeting settings* config* overlay durable file stats counters cast
		block ban exposition histogram process loop mailbox selector* slab slice spread state handle close_reason names wheel writer ring row table tally pattern
	EOF
}

# includes_of FOLDER WHAT: the files of a folder that include a header of another.
includes_of() {
	grep -rlE "#include \"$2/" "$SRCDIR/$1" || :
}

# ranked: reads lines of file names and puts the layer of each file before it, from 1
# at the top; 0 if it is in no layer.
ranked() {
	awk '
		function layer_of(file, i) {
			for (i = 1; i <= patterns; i++)
				if (file ~ pattern[i])
					return layer[i]
			return 0
		}
		NR == FNR {
			for (i = 1; i <= NF; i++) {
				word = $i
				gsub(/[.]/, "[.]", word)
				gsub(/[*]/, ".*", word)
				pattern[++patterns] = "^" word "([.]([ch]|def))?$"
				layer[patterns] = NR
			}
			next
		}
		{
			for (i = 1; i <= NF; i++)
				printf "%d %s ", layer_of($i), $i
			print ""
		}
	' <(layers) -
}

@test "common knows neither program" {
	[ -z "$(includes_of common server)" ]
	[ -z "$(includes_of common ctl)" ]
}

@test "the programs do not know each other" {
	[ -z "$(includes_of server ctl)" ]
	[ -z "$(includes_of ctl server)" ]
}

@test "every file of the server has a layer" {
	local missing

	missing=$(cd "$SRCDIR/server" && printf "%s\n" *.[ch] *.def | ranked | sed -n 's/^0 //p')
	same '' "$missing" "in no layer"
}

@test "inside the server includes go down only" {
	local wrong

	wrong=$(cd "$SRCDIR/server" &&
		grep -oE '^#include "server/[^"]*' ./*.[ch] |
		sed -E 's|^./([^:]*):#include "server/| \1 |' | ranked |
			awk '$1 > 1 && $3 < $1 { print $2, "includes", $4 ", which is above it" }')
	same '' "$wrong" "includes"
}

@test "make check runs every file of tests" {
	local file missing=

	for file in "$SRCDIR"/tests/*.bats; do
		grep -q "tests/${file##*/}" "$SRCDIR/Makefile.am" || missing+=" ${file##*/}"
	done
	same '' "$missing" "not in Makefile.am"
}
