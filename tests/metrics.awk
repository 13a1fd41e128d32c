# metrics.awk - a strict reader of the text format of Prometheus, version 0.0.4.
#
# Stricter than the format where one may choose: HELP, TYPE and the samples of a family
# stand together, every family has all of them, counters end in _total and nothing else
# does, there are no timestamps, no blank lines and no units but the base ones. Says
# what is wrong and exits with 1; else prints the families, one a line, with their type.

function wrong(what) {
	printf "line %d: %s: %s\n", NR, what, $0
	bad = 1
}

# One more thing of `text` as the expression says: taken off, and in `taken`.
function take(expression) {
	if (match(text, "^(" expression ")") == 0)
		return 0
	taken = substr(text, 1, RLENGTH)
	text = substr(text, RLENGTH + 1)
	return 1
}

function close_family() {
	if (family != "" && !samples)
		wrong("a family without samples: " family)
	if (open_histogram != "")
		wrong("a histogram without its count: " open_histogram)
}

# labels(): reads {a="b",…}; all but le are left in `set`, le in `bound`.
function labels(  name) {
	set = bound = ""
	if (!take("[{]"))
		return
	for (;;) {
		if (!take("[a-zA-Z_][a-zA-Z0-9_]*=")) {
			wrong("no label name")
			return
		}
		name = substr(taken, 1, length(taken) - 1)
		if (name ~ /^__/ || index("," set, "," name "=") > 0)
			wrong("label " name)
		if (!take("\"([^\"\\\\]|\\\\[\\\\\"n])*\"")) {
			wrong("the value of label " name)
			return
		}
		if (name == "le")
			bound = substr(taken, 2, length(taken) - 2)
		else
			set = set name "=" taken ","
		if (take("[}]"))
			return
		if (!take(",")) {
			wrong("what stands behind label " name)
			return
		}
	}
}

function histogram(suffix, value,  series) {
	series = family set
	if (suffix == "_bucket") {
		if (bound == "")
			wrong("a bucket without le")
		if (open_histogram != series) {
			if (open_histogram != "" || series in complete)
				wrong("the buckets do not stand together")
			open_histogram = series
			last_bound = last_value = -1
			has_infinity = has_sum = 0
		}
		if (has_infinity || (bound != "+Inf" && bound + 0 <= last_bound))
			wrong("le does not rise")
		if (value < last_value)
			wrong("buckets are not cumulative")
		has_infinity = bound == "+Inf"
		last_bound = bound + 0
		last_value = value
		return
	}
	if (bound != "" || open_histogram != series || !has_infinity)
		wrong("sum or count without buckets")
	if (suffix == "_sum") {
		has_sum = 1
		return
	}
	if (suffix != "_count" || !has_sum)
		wrong("not a line of a histogram")
	if (value != last_value)
		wrong("+Inf is not the count")
	complete[series] = 1
	open_histogram = ""
}

function sample(  name, value) {
	text = $0
	if (!take("[a-zA-Z_:][a-zA-Z0-9_:]*")) {
		wrong("no name")
		return
	}
	name = taken
	if (family == "" || type == "" || index(name, family) != 1)
		wrong("a sample outside its family")
	labels()
	if (!take(" ") || !take("[0-9]+([.][0-9]+)?") || text != "") {
		wrong("no plain value of 0 or more")
		return
	}
	value = taken + 0
	if ((name, set, bound) in seen)
		wrong("twice")
	seen[name, set, bound] = 1
	samples++
	if (type == "histogram")
		histogram(substr(name, length(family) + 1), value)
	else if (name != family || bound != "")
		wrong("not a sample of " family)
}

/^# HELP / {
	close_family()
	family = $3
	type = ""
	samples = 0
	if (family !~ /^[a-zA-Z_:][a-zA-Z0-9_:]*$/ || family in families)
		wrong("the name of the family")
	if (family ~ /_(us|ms|msec|minutes|kb|kib|mb|percent)(_|$)/)
		wrong("not a base unit")
	text = $0
	if (!take("# HELP [^ ]+ ([^\\\\]|\\\\[\\\\n])+") || text != "")
		wrong("the text of HELP")
	families[family] = 1
	next
}

/^# TYPE / {
	if ($3 != family || type != "" || samples || NF != 4)
		wrong("TYPE does not follow its HELP")
	type = $4
	if (type !~ /^(counter|gauge|histogram)$/)
		wrong("type")
	if ((type == "counter") != (family ~ /_total$/))
		wrong("counters, and only they, end in _total")
	if (type == "histogram" && family !~ /_(seconds|bytes)$/)
		wrong("a histogram without its unit")
	found = found family " " type "\n"
	next
}

/^#/ { wrong("a comment"); next }
/^$/ { wrong("an empty line"); next }
{ sample() }

END {
	close_family()
	if (NR == 0)
		wrong("nothing at all")
	if (!bad)
		printf "%s", found
	exit bad
}
