/*
 * explain.c - the facts of connections.explain as plain sentences.
 *
 * Each reason has a row: what was done to the connection, why, and what to do next.
 * In these texts a word in braces stands for a fact of the end; see put_fact().
 */
#include "ctl/explain.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/units.h"

#define FIGHT_REPEATS 3	  /* replaced so often in a row, */
#define FIGHT_GAP_S 120.0 /* this fast on average: two are fighting */
#define MASS 10		  /* so many others in the same second: not his fault */

struct reason {
	const char *slug;
	const char *done; /* "was ... at 12:00:00" */
	const char *why;  /* or NULL */
	const char *next; /* or NULL */
};

/* clang-format off */
static const struct reason reasons[] = {
	{ "quit", "ended by its client with QUIT", NULL, NULL },
	{ "eof", "closed by its client without QUIT", NULL, NULL },
	{ "reset", "cut off ({errno})",
		"its client was killed, or something on the way dropped the connection",
		"look at the client's log at that time, and at firewalls and balancers between" },
	{ "login-timeout", "ended", "it did not log in in time ({setting})",
		"the client has to send AUTH as soon as it is connected" },
	{ "idle-timeout", "ended", "no command came from it for too long ({setting})",
		"the client has to say PING from time to time, or: poolctl set connection_timeout=..." },
	{ "ping-timeout", "ended", "it did not answer a PING in time ({setting}); {rtt}",
		"the client hangs, or the way to it is broken" },
	{ "write-timeout", "ended",
		"it took nothing of what waited for it, {queue}, for too long ({setting})",
		"the client hangs, or the way to it is broken" },
	{ "lifetime", "ended", "it had reached its greatest age ({setting})", NULL },
	{ "evicted", "evicted",
		"too many connections waited for a login ({setting}), and it had waited longest",
		"who does not log in? poolctl count state=connected --by ip" },
	{ "auth-failed", "refused: auth-failed", "three wrong user names or secrets",
		"check the name and the secret of the client" },
	{ "replaced", "replaced by session {by}", NULL, NULL },
	{ "user-limit", "refused: user-limit ({setting})",
		"the user was logged in already, and duplicate_login is reject",
		"poolctl show {user}" },
	{ "address-limit", "refused: address-limit ({setting})", NULL,
		"who has the places? poolctl list ip={ip}" },
	{ "pool-full", "refused: pool-full ({setting})", NULL,
		"who has the places? poolctl count --by ip; or: poolctl set max_connections=..." },
	{ "rate-limit", "ended", "it kept sending above the rate ({setting} commands a second)",
		"the client has to wait for its time when it gets ERR 429" },
	{ "slow-reader", "ended",
		"it read too slowly: {queue} waited for it, at most {peak} ever ({setting})",
		"others like it: poolctl list queue=+0 --sort queue:desc" },
	{ "protocol", "ended", "it sent what is not of the protocol",
		"the client has a fault; see poold-protocol(7)" },
	{ "too-big", "ended", "it sent a payload that is far too big ({setting})", NULL },
	{ "banned", "refused: banned", "the user or the address is banned",
		"by which rule? poolctl ban test {whom}" },
	{ "auth-expired", "ended", "its credentials had run out", NULL },
	{ "memory", "ended", "the daemon had no memory for it", "poolctl stats shows what takes it" },
	{ "held", "refused: held ({setting})",
		"sessions of this user had replaced each other too fast: two devices are fighting",
		"who are the two? poolctl history {user} --reason replaced; or allow both with max_sessions_per_user" },
	{ "kicked", "kicked by {uid}", "{words}", NULL },
	{ "drained", "ended by {uid} in a drain", "{words}", NULL },
	{ "redirected", "sent to another server by {uid}", "{words}", NULL },
	{ "shutdown", "ended", "the daemon was stopping", NULL },
	{ "internal", "ended", "the daemon had a fault of its own", "its log tells more" },
	{ "io-error", "ended", "reading or writing failed ({errno})", "the log of the daemon tells more" },
	{ "node-lost", "lost", "its node was gone", NULL },
};
/* clang-format on */

static const char *
text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

static json_int_t
number_of(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static double
seconds_of(const json_t *object, const char *member)
{
	return json_number_value(json_object_get(object, member));
}

static bool
has(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);

	return value != NULL && !json_is_null(value);
}

/* Who was there already when the ban came. */
static const struct reason thrown_out = { "banned", "ended by {uid} with a ban",
	"{words}", "by which rule? poolctl ban test {whom}" };

static const struct reason *
reason_of(const json_t *end)
{
	const char *slug = text_of(end, "reason");

	if (slug != NULL && strcmp(slug, thrown_out.slug) == 0 && has(end, "uid"))
		return &thrown_out;
	for (size_t i = 0; slug != NULL && i < sizeof(reasons) / sizeof(reasons[0]);
	     i++)
		if (strcmp(reasons[i].slug, slug) == 0)
			return &reasons[i];
	return NULL;
}

/* ---- words ---- */

static int
put_address(struct buffer *out, const json_t *row)
{
	const char *ip = text_of(row, "ip");
	json_int_t port = number_of(row, "port");

	if (ip == NULL)
		return buffer_append_text(out, "an unknown address");
	if (port == 0)
		return buffer_append_text(out, ip);
	return buffer_printf(out, strchr(ip, ':') != NULL ? "[%s]:%lld" : "%s:%lld", ip,
	    (long long)port);
}

/* "10.2.3.4:4411" without its port. */
static int
put_host(struct buffer *out, const char *address)
{
	const char *colon = strrchr(address, ':');

	if (*address == '[')
		return buffer_append(out, address + 1, strcspn(address, "]") - 1);
	return buffer_append(
	    out, address, colon != NULL ? (size_t)(colon - address) : strlen(address));
}

/* Today's without the date. */
static int
put_time(
    struct buffer *out, const char *time, const char *today, struct column_style style)
{
	struct buffer text;
	size_t len = strlen(today);
	int err;

	buffer_init(&text);
	err = column_time(&text, time == NULL ? "" : time, style);
	if (err == 0 && len > 0 && text.len > len + 1 &&
	    memcmp(text.data, today, len) == 0)
		buffer_consume(&text, len + 1);
	if (err == 0)
		err = buffer_append(out, text.data, text.len);
	buffer_clear(&text);
	return err;
}

/* "4 minutes" */
static int
put_duration(struct buffer *out, double seconds)
{
	static const struct {
		const char *unit;
		double seconds, below; /* used below so many seconds */
	} units[] = {
		{ "second", 1, 90 },
		{ "minute", 60, 5400 },
		{ "hour", 3600, 172800 },
		{ "day", 86400, 1e18 },
	};
	size_t i = 0;
	long long n;

	while (seconds >= units[i].below)
		i++;
	n = (long long)(seconds / units[i].seconds + 0.5);
	if (n < 1)
		n = 1;
	return buffer_printf(out, "%lld %s%s", n, units[i].unit, n == 1 ? "" : "s");
}

static const char *
ordinal_end(json_int_t n)
{
	if (n % 100 >= 11 && n % 100 <= 13)
		return "th";
	return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

static int
put_size(struct buffer *out, json_int_t bytes)
{
	char text[UNITS_TEXT_SIZE];

	return buffer_printf(out, bytes < 1024 ? "%s bytes" : "%s",
	    units_short_size((uint64_t)(bytes < 0 ? 0 : bytes), text));
}

/* "alice (uid 1000)" */
static int
put_uid(struct buffer *out, const json_t *end)
{
	long long uid = (long long)number_of(end, "uid");
	const struct passwd *pw;

	if (!has(end, "uid"))
		return buffer_append_text(out, "an operator");
	pw = getpwuid((uid_t)uid);
	return pw != NULL ? buffer_printf(out, "%s (uid %lld)", pw->pw_name, uid)
			  : buffer_printf(out, "uid %lld", uid);
}

static int
put_newer(struct buffer *out, const json_t *end)
{
	const char *address = text_of(end, "by_address");
	int err = buffer_printf(out, "%lld from ", (long long)number_of(end, "by_id"));

	return err == 0 ? put_host(out, address != NULL ? address : "elsewhere") : err;
}

static int
put_rtt(struct buffer *out, const json_t *end)
{
	if (!has(end, "rtt_s"))
		return buffer_append_text(out, "it had answered none before");
	return buffer_printf(
	    out, "its last answer had taken %.1f ms", seconds_of(end, "rtt_s") * 1000);
}

/* What the operator said, to us and to the client. */
static int
put_words(struct buffer *out, const json_t *end)
{
	const char *comment = text_of(end, "comment"), *text = text_of(end, "text");
	int err = 0;

	if (comment != NULL)
		err = buffer_printf(out, "the comment was \"%s\"", comment);
	if (err == 0 && text != NULL)
		err = buffer_printf(out, "%sthe client was told \"%s\"",
		    comment != NULL ? ", " : "", text);
	return err;
}

static int
put_fact(struct buffer *out, const json_t *end, const char *name, size_t len)
{
#define IS(word) (len == strlen(word) && memcmp(name, word, len) == 0)
	const char *text;

	if (IS("setting") && has(end, "setting"))
		return buffer_printf(out, "%s is %s", text_of(end, "setting"),
		    text_of(end, "setting_value"));
	if (IS("queue"))
		return put_size(out, number_of(end, "queue_bytes"));
	if (IS("peak"))
		return put_size(out, number_of(end, "queue_peak_bytes"));
	if (IS("by"))
		return put_newer(out, end);
	if (IS("uid"))
		return put_uid(out, end);
	if (IS("rtt"))
		return put_rtt(out, end);
	if (IS("words"))
		return put_words(out, end);
	if (IS("whom") && has(end, "user"))
		return buffer_append_text(out, text_of(end, "user"));
	if (IS("errno"))
		text = text_of(end, "errno");
	else
		text =
		    IS("ip") || IS("whom") ? text_of(end, "ip") : text_of(end, "user");
	return buffer_append_text(out, text != NULL ? text : "not known");
#undef IS
}

static int
expand(struct buffer *out, const char *text, const json_t *end)
{
	int err = 0;

	while (*text != '\0' && err == 0) {
		size_t len = strcspn(text, "{");

		err = buffer_append(out, text, len);
		text += len;
		if (*text == '\0' || err < 0)
			break;
		len = strcspn(++text, "}");
		err = put_fact(out, end, text, len);
		text += len + 1;
	}
	return err;
}

/* ---- one end ---- */

static bool
is_fight(const json_t *end)
{
	json_int_t n = number_of(end, "repeats");
	const char *slug = text_of(end, "reason");

	return slug != NULL && strcmp(slug, "replaced") == 0 && n >= FIGHT_REPEATS &&
	       seconds_of(end, "repeats_s") / (double)(n - 1) <= FIGHT_GAP_S;
}

/* "Session 9006 of alice from 10.2.3.9:50112 (26s)" */
static int
put_subject(struct buffer *out, const json_t *end, enum explain_kind kind)
{
	bool was_in = has(end, "login_at");
	char text[UNITS_TEXT_SIZE];
	int err = buffer_printf(out, "%s %lld", was_in ? "Session" : "Connection",
	    (long long)number_of(end, "id"));

	if (err == 0 && was_in && kind != EXPLAIN_USER)
		err = buffer_printf(out, " of %s", text_of(end, "user"));
	if (err == 0)
		err = buffer_append_text(out, " from ");
	if (err == 0)
		err = put_address(out, end);
	if (err == 0 && !was_in && has(end, "user"))
		err = buffer_printf(
		    out, ", which wanted to be %s,", text_of(end, "user"));
	else if (err == 0)
		err = buffer_printf(out, " (%s old)",
		    units_short_duration(
			(int64_t)(seconds_of(end, "age_s") * 1000), text));
	return err;
}

/* ", for the 9th time in 4 minutes" */
static int
put_repeats(struct buffer *out, const json_t *end)
{
	json_int_t n = number_of(end, "repeats");
	int err;

	if (n < 2)
		return 0;
	err = buffer_printf(
	    out, ", for the %lld%s time in ", (long long)n, ordinal_end(n));
	return err == 0 ? put_duration(out, seconds_of(end, "repeats_s")) : err;
}

static int
put_cause(struct buffer *out, const struct reason *r, const json_t *end)
{
	const char *why = r != NULL ? r->why : text_of(end, "summary");
	struct buffer text;
	int err = 0;

	buffer_init(&text);
	if (is_fight(end))
		why = "two devices are fighting";
	if (why != NULL)
		err = expand(&text, why, end);
	if (err == 0 && text.len > 0)
		err = buffer_append_text(out, ": ");
	if (err == 0 && text.len > 0)
		err = buffer_append(out, text.data, text.len);
	buffer_clear(&text);
	return err == 0 ? buffer_append_text(out, ".") : err;
}

static int
put_others(struct buffer *out, const json_t *end)
{
	json_int_t others = number_of(end, "same_second"),
		   n = number_of(end, "dropped");
	int err = 0;

	if (n > 0)
		err = buffer_printf(out, " %lld message%s for it had been dropped.",
		    (long long)n, n == 1 ? "" : "s");
	if (err == 0 && others > 0)
		err = buffer_printf(out,
		    " %lld other%s ended in the same second for the same reason.",
		    (long long)others, others == 1 ? "" : "s");
	return err;
}

static int
put_end(struct buffer *out, const json_t *end, enum explain_kind kind,
    const char *today, struct column_style style)
{
	const struct reason *r = reason_of(end);
	int err = put_subject(out, end, kind);

	if (err == 0)
		err = buffer_append_text(out, " was ");
	if (err == 0)
		err = expand(out, r != NULL ? r->done : "ended", end);
	if (err == 0)
		err = buffer_append_text(out, " at ");
	if (err == 0)
		err = put_time(out, text_of(end, "ended_at"), today, style);
	if (err == 0)
		err = put_repeats(out, end);
	if (err == 0)
		err = put_cause(out, r, end);
	return err == 0 ? put_others(out, end) : err;
}

/* "find out who uses both, 10.2.3.4 and 10.2.3.9; or ..." */
static int
put_fight_next(struct buffer *out, const json_t *end)
{
	const char *one = text_of(end, "ip"), *two = text_of(end, "by_address");
	struct buffer host;
	int err;

	buffer_init(&host);
	err = put_host(&host, two != NULL ? two : "");
	if (err == 0 && one != NULL && host.len == strlen(one) &&
	    memcmp(host.data, one, host.len) == 0)
		err =
		    buffer_printf(out, "find the two programs on %s that log in as %s",
			one, text_of(end, "user"));
	else if (err == 0)
		err =
		    buffer_printf(out, "find the two that log in as %s, on %s and %.*s",
			text_of(end, "user"), one != NULL ? one : "-", (int)host.len,
			host.len > 0 ? host.data : "");
	buffer_clear(&host);
	return err == 0 ? buffer_printf(out,
			      "; or allow both: poolctl set max_sessions_per_user=2")
			: err;
}

static int
put_next(struct buffer *out, const json_t *end)
{
	const struct reason *r = reason_of(end);

	if (is_fight(end))
		return put_fight_next(out, end);
	if (number_of(end, "same_second") >= MASS && text_of(end, "ended_at") != NULL)
		return buffer_printf(out,
		    "so many at once have one cause: poolctl history --reason %s "
		    "--since %s",
		    text_of(end, "reason"), text_of(end, "ended_at"));
	return r != NULL && r->next != NULL ? expand(out, r->next, end) : 0;
}

/* ---- who is here ---- */

static int
put_session(struct buffer *out, const json_t *row, enum explain_kind kind)
{
	const char *user = text_of(row, "user");
	char text[UNITS_TEXT_SIZE];
	int err = buffer_printf(out, "%s %lld", user != NULL ? "session" : "connection",
	    (long long)number_of(row, "id"));

	if (err == 0 && user != NULL && kind != EXPLAIN_USER)
		err = buffer_printf(out, " of %s", user);
	if (err == 0)
		err = buffer_append_text(out, " from ");
	if (err == 0)
		err = put_address(out, row);
	return err == 0 ? buffer_printf(out, " (%s old, %s)",
			      units_short_duration(
				  (int64_t)(seconds_of(row, "age_s") * 1000), text),
			      text_of(row, "state"))
			: err;
}

static int
put_nobody(struct buffer *out, enum explain_kind kind, const char *what)
{
	if (kind == EXPLAIN_USER)
		return buffer_printf(out, "%s is not online.", what);
	if (kind == EXPLAIN_ID)
		return buffer_printf(out, "Connection %s is not here.", what);
	return buffer_printf(out, "No connection is here from %s.", what);
}

static int
put_here(
    struct buffer *out, const json_t *facts, enum explain_kind kind, const char *what)
{
	const json_t *online = json_object_get(facts, "online");
	json_int_t n = number_of(facts, "connections");
	size_t i, shown = json_array_size(online);
	json_t *row;
	int err;

	if (n == 0)
		return put_nobody(out, kind, what);
	if (kind == EXPLAIN_ADDRESS)
		err = buffer_printf(
		    out, "From %s %s here: ", what, n == 1 ? "is" : "are");
	else
		err = buffer_printf(out,
		    kind == EXPLAIN_USER ? "%s is online: " : "Connection %s is here: ",
		    what);
	json_array_foreach(online, i, row) {
		if (err == 0 && i > 0)
			err = buffer_append_text(out, ", ");
		if (err == 0)
			err = put_session(out, row, kind);
	}
	if (err == 0 && (json_int_t)shown < n)
		err = buffer_printf(
		    out, " and %lld more", (long long)n - (long long)shown);
	return err == 0 ? buffer_append_text(out, ".") : err;
}

/* ---- all of it ---- */

static int
add(json_t *sentences, const char *time, const struct buffer *text,
    const struct buffer *next)
{
	json_t *item = json_pack("{s:s?, s:s%, s:o}", "time", time, "text", text->data,
	    text->len, "next",
	    next == NULL || next->len == 0 ? json_null()
					   : json_stringn(next->data, next->len));

	return json_array_append_new(sentences, item) < 0 ? -ENOMEM : 0;
}

/* Has the run that `end` belongs to been told with a later one? */
static bool
is_told(const json_t *later, const json_t *end, json_int_t between)
{
	const char *a = text_of(later, "user"), *b = text_of(end, "user");

	return later != NULL && text_of(end, "reason") != NULL &&
	       strcmp(text_of(later, "reason"), text_of(end, "reason")) == 0 &&
	       strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0 &&
	       number_of(later, "repeats") - between == number_of(end, "repeats");
}

static int
add_ends(json_t *sentences, const json_t *facts, enum explain_kind kind,
    const char *today, struct column_style style)
{
	const json_t *told = NULL;
	json_int_t between = 0;
	struct buffer text, next;
	json_t *end;
	size_t i;
	int err = 0;

	json_array_foreach(json_object_get(facts, "ends"), i, end) {
		if (err < 0)
			break;
		if (is_told(told, end, ++between))
			continue;
		buffer_init(&text);
		buffer_init(&next);
		err = put_end(&text, end, kind, today, style);
		if (err == 0)
			err = put_next(&next, end);
		if (err == 0)
			err = add(sentences, text_of(end, "ended_at"), &text, &next);
		buffer_clear(&text);
		buffer_clear(&next);
		told = end;
		between = 0;
	}
	return err;
}

json_t *
explain_sentences(const json_t *facts, enum explain_kind kind, const char *what,
    const char *today, struct column_style style)
{
	json_t *sentences = json_array();
	struct buffer text;
	int err;

	buffer_init(&text);
	err = put_here(&text, facts, kind, what);
	if (err == 0)
		err = add(sentences, NULL, &text, NULL);
	buffer_clear(&text);
	if (err == 0)
		err = add_ends(sentences, facts, kind, today, style);
	if (err == 0)
		return sentences;
	json_decref(sentences);
	return NULL;
}

int
explain_briefly(struct buffer *out, const json_t *end, struct column_style style)
{
	int err = buffer_printf(out, "%s at ", text_of(end, "reason"));

	return err == 0 ? put_time(out, text_of(end, "ended_at"), "", style) : err;
}
