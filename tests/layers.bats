# The direction of includes: server -> common <- ctl, and down inside server/.

# The layers of server/, from the top: a file may include its own layer and those
# below. The first may include anything. A word is a module, a file or a pattern;
# pool.h and shard.h say what a connection can reach, and are put together above it.
layers() {
	cat <<-EOF
		main daemon notify options signals
		control* serve peer call listing audit dispatch method* reload survey
		worker acceptor sweep stopper reconfigure pool.c
		connection* request input login stream deadlines delivery shard.c
		directory limits idle auth password* events history listener pool.h shard.h
		parcel message outqueue protocol greeting settings* config* file stats counters cast
		block loop mailbox selector slab slice state handle close_reason names wheel ring row table tally pattern
	EOF
}

# includes_of FOLDER WHAT: the files of a folder that include a header of another.
includes_of() {
	grep -rlE "#include \"$2/" "$SRCDIR/$1" || :
}

# layer_of FILE: its number, from 1 at the top; nothing if it is in no layer.
layer_of() {
	local - number=0 line pattern

	set -f # method_* is to stay as it is
	while read -r line; do
		number=$((number + 1))
		for pattern in $line; do
			# shellcheck disable=SC2254	# a pattern is wanted
			case $1 in
			$pattern | $pattern.[ch] | $pattern.def)
				echo "$number"
				return
				;;
			esac
		done
	done < <(layers)
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
	local file missing=0

	for file in "$SRCDIR"/server/*.[ch] "$SRCDIR"/server/*.def; do
		[ -z "$(layer_of "$(basename "$file")")" ] || continue
		echo "in no layer: $(basename "$file")"
		missing=1
	done
	[ "$missing" -eq 0 ]
}

@test "inside the server includes go down only" {
	local file from to name wrong=0

	for file in "$SRCDIR"/server/*.[ch]; do
		from=$(layer_of "$(basename "$file")")
		[ "$from" -gt 1 ] || continue
		while read -r name; do
			to=$(layer_of "$name")
			[ "$to" -lt "$from" ] || continue
			echo "$(basename "$file") includes $name, which is above it"
			wrong=1
		done < <(sed -nE 's|^#include "server/(.*)"|\1|p' "$file")
	done
	[ "$wrong" -eq 0 ]
}
