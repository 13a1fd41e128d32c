/*
 * explain_end.c - one end of a connection as a sentence, and what to do about it.
 *
 * Each reason has a row: what was done to the connection, why, and what to do next.
 * In these texts a word in braces stands for a fact of the end; see add_fact().
 */
#include "ctl/explain_end.h"

#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "ctl/explain_words.h"
#include "ctl/member.h"

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

/* Who was there already when the ban came. */
static const struct reason thrown_out = { "banned", "ended by {uid} with a ban",
	"{words}", "by which rule? poolctl ban test {whom}" };

static const struct reason *
reason_of(const json_t *end)
{
	const char *slug = member_text(end, "reason");

	if (strcmp(slug, thrown_out.slug) == 0 && member_is_there(end, "uid"))
		return &thrown_out;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].slug, slug) == 0)
			return &reasons[i];
	return NULL;
}

/* ---- facts ---- */

static void
add_newer(struct words *w, const json_t *end)
{
	const char *address = member_text(end, "by_address");

	words_add(w, "%lld from ", member_number(end, "by_id"));
	words_host(w, *address != '\0' ? address : "elsewhere");
}

static void
add_rtt(struct words *w, const json_t *end)
{
	if (member_is_there(end, "rtt_s"))
		words_add(w, "its last answer had taken %.1f ms",
		    member_seconds(end, "rtt_s") * 1000);
	else
		words_add(w, "it had answered none before");
}

/* What the operator said, to us and to the client. */
static void
add_said(struct words *w, const json_t *end)
{
	const char *comment = member_text(end, "comment"),
		   *text = member_text(end, "text");

	if (*comment != '\0')
		words_add(w, "the comment was \"%s\"", comment);
	if (*text != '\0')
		words_add(w, "%sthe client was told \"%s\"",
		    *comment != '\0' ? ", " : "", text);
}

static void
add_setting(struct words *w, const json_t *end)
{
	words_add(w, "%s is %s", member_text(end, "setting"),
	    member_text(end, "setting_value"));
}

static void
add_queue(struct words *w, const json_t *end)
{
	words_size(w, member_number(end, "queue_bytes"));
}

static void
add_peak(struct words *w, const json_t *end)
{
	words_size(w, member_number(end, "queue_peak_bytes"));
}

static void
add_whom(struct words *w, const json_t *end)
{
	words_add(
	    w, "%s", member_text(end, member_is_there(end, "user") ? "user" : "ip"));
}

/* A word that is not here is the name of a member. */
static const struct fact {
	const char *word;
	const char *needs; /* without this member it is not known */
	void (*add)(struct words *w, const json_t *end);
} facts[] = {
	{ "setting", "setting", add_setting },
	{ "queue", NULL, add_queue },
	{ "peak", NULL, add_peak },
	{ "by", NULL, add_newer },
	{ "uid", NULL, words_uid },
	{ "rtt", NULL, add_rtt },
	{ "words", NULL, add_said },
	{ "whom", "ip", add_whom },
};

static const struct fact *
fact_of(const char *word)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (strcmp(facts[i].word, word) == 0)
			return &facts[i];
	return NULL;
}

static void
add_fact(struct words *w, const json_t *end, const char *word)
{
	const struct fact *fact = fact_of(word);
	const char *needs = fact != NULL ? fact->needs : word;

	if (needs != NULL && !member_is_there(end, needs))
		words_add(w, "not known");
	else if (fact != NULL)
		fact->add(w, end);
	else
		words_add(w, "%s", member_text(end, word));
}

static void
expand(struct words *w, const char *text, const json_t *end)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "{");
		char word[32];

		words_append(w, text, len);
		text += len;
		if (*text == '\0')
			break;
		len = strcspn(++text, "}");
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		add_fact(w, end, word);
		text += len + 1;
	}
}

/* ---- the sentence ---- */

static bool
is_fight(const json_t *end)
{
	long long n = member_number(end, "repeats");

	return strcmp(member_text(end, "reason"), "replaced") == 0 &&
	       n >= FIGHT_REPEATS &&
	       member_seconds(end, "repeats_s") / (double)(n - 1) <= FIGHT_GAP_S;
}

/* "Session 9006 of alice from 10.2.3.9:50112 (26s old)" */
static void
add_subject(struct words *w, const json_t *end, enum explain_kind kind)
{
	bool was_in = member_is_there(end, "login_at");
	const char *user = member_text(end, "user");

	words_add(
	    w, "%s %lld", was_in ? "Session" : "Connection", member_number(end, "id"));
	if (was_in && kind != EXPLAIN_USER)
		words_add(w, " of %s", user);
	words_add(w, " from ");
	words_address(w, end);
	if (!was_in && *user != '\0') {
		words_add(w, ", which wanted to be %s,", user);
		return;
	}
	words_add(w, " (");
	words_age(w, end);
	words_add(w, " old)");
}

/* ", for the 9th time in 4 minutes" */
static void
add_repeats(struct words *w, const json_t *end)
{
	long long n = member_number(end, "repeats");

	if (n < 2)
		return;
	words_add(w, ", for the ");
	words_times(w, n);
	words_add(w, " time in ");
	words_duration(w, member_seconds(end, "repeats_s"));
}

/* A reason may turn out to have nothing to say: then there is no colon either. */
static void
add_cause(struct words *w, const struct reason *r, const json_t *end)
{
	const char *why = r != NULL ? r->why : member_text(end, "summary");
	struct buffer text;
	struct words cause = { .out = &text };

	buffer_init(&text);
	if (is_fight(end))
		why = "two devices are fighting";
	if (why != NULL)
		expand(&cause, why, end);
	if (text.len > 0)
		words_add(w, ": ");
	words_append(w, text.data, text.len);
	words_add(w, ".");
	if (cause.err < 0)
		w->err = cause.err;
	buffer_clear(&text);
}

static void
add_others(struct words *w, const json_t *end)
{
	long long others = member_number(end, "same_second"),
		  dropped = member_number(end, "dropped");

	if (dropped > 0)
		words_add(w, " %lld message%s for it had been dropped.", dropped,
		    dropped == 1 ? "" : "s");
	if (others > 0)
		words_add(w,
		    " %lld other%s ended in the same second for the same reason.",
		    others, others == 1 ? "" : "s");
}

void
explain_end(struct words *w, const json_t *end, enum explain_kind kind,
    const char *today, struct column_style style)
{
	const struct reason *r = reason_of(end);

	add_subject(w, end, kind);
	words_add(w, " was ");
	expand(w, r != NULL ? r->done : "ended", end);
	words_add(w, " at ");
	words_time(w, member_text(end, "ended_at"), today, style);
	add_repeats(w, end);
	add_cause(w, r, end);
	add_others(w, end);
}

/* ---- what to do ---- */

/* Do both come from one host? */
static bool
is_one_host(const char *ip, const char *address)
{
	struct buffer host;
	struct words w = { .out = &host };
	bool same;

	buffer_init(&host);
	words_host(&w, address);
	same = host.len == strlen(ip) && host.len > 0 &&
	       memcmp(host.data, ip, host.len) == 0;
	buffer_clear(&host);
	return same;
}

/* "find the two that log in as alice, on 10.2.3.4 and 10.2.3.9; or ..." */
static void
add_fight(struct words *w, const json_t *end)
{
	const char *user = member_text(end, "user"), *ip = member_text(end, "ip");
	const char *other = member_text(end, "by_address");

	if (is_one_host(ip, other)) {
		words_add(w, "find the two programs on %s that log in as %s", ip, user);
	} else {
		words_add(w, "find the two that log in as %s, on %s and ", user,
		    *ip != '\0' ? ip : "-");
		words_host(w, other);
	}
	words_add(w, "; or allow both: poolctl set max_sessions_per_user=2");
}

void
explain_next(struct words *w, const json_t *end)
{
	const struct reason *r = reason_of(end);

	if (is_fight(end))
		add_fight(w, end);
	else if (member_number(end, "same_second") >= MASS &&
		 member_is_there(end, "ended_at"))
		words_add(w,
		    "so many at once have one cause: poolctl history --reason %s "
		    "--since %s",
		    member_text(end, "reason"), member_text(end, "ended_at"));
	else if (r != NULL && r->next != NULL)
		expand(w, r->next, end);
}
