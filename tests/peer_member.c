/*
 * peer_member.c - what a client of the swarm says, hears and makes of it.
 */
#include "tests/peer_swarm.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define NUMBER_SIZE 160

static void say(struct swarm *s, struct member *m, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
say(struct swarm *s, struct member *m, const char *format, ...)
{
	char line[NUMBER_SIZE];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	member_send(s, m, line, (size_t)n);
}

static size_t
neighbour(const struct swarm *s, size_t index)
{
	return (index ^ 1) < s->count ? index ^ 1 : index;
}

void
member_talk(struct swarm *s, struct member *m)
{
	size_t to = neighbour(s, m->index);
	bool is_cast = s->cast_every > 0 && (m->sent + 1) % s->cast_every == 0;

	if (m->state != MEMBER_ONLINE || s->members[to].state != MEMBER_ONLINE)
		return;
	m->sent++;
	m->casts += is_cast;
	if (is_cast)
		say(s, m, "CAST :%u %u %lld\r\n", m->sent, m->casts,
		    (long long)clock_us());
	else
		say(s, m, "SEND %s%zu :%u %u %lld\r\n", s->prefix, to, m->sent,
		    m->casts, (long long)clock_us());
}

/* -- hearing ---------------------------------------------------------------- */

static void
note_latency(struct swarm *s, long long sent_us)
{
	int64_t slot = (clock_us() - sent_us) / 100;

	s->latency[slot < 0 ? 0 : slot < LATENCIES ? slot : LATENCIES - 1]++;
}

/* `last` is the greatest number heard of a row without holes, when all is well. */
static void
note_number(struct swarm *s, uint32_t *last, uint32_t n)
{
	if (n == *last + 1) {
		*last = n;
	} else if (n == *last) {
		s->duplicated++;
	} else if (n < *last) { /* it was counted as lost, and comes late */
		s->reordered++;
		s->lost--;
	} else {
		s->lost += n - *last - 1;
		*last = n;
	}
}

static void
hear(struct swarm *s, struct member *m, const char *from, const char *payload)
{
	size_t prefix = strlen(s->prefix);
	unsigned n, casts;
	long long sent_us;

	if (strncmp(from, s->prefix, prefix) != 0 ||
	    sscanf(payload, "%u %u %lld", &n, &casts, &sent_us) != 3)
		return; /* not of this swarm */

	size_t sender = strtoul(from + prefix, NULL, 10);
	if (sender >= s->count)
		return;
	s->received++;
	note_latency(s, sent_us);
	if (sender == neighbour(s, m->index))
		note_number(s, &m->heard, n);
	else if (s->heard_casts != NULL)
		note_number(s, &s->heard_casts[m->index * s->count + sender], casts);
}

static unsigned
code_of(const char *text)
{
	unsigned long code = strtoul(text, NULL, 10);

	return code < CODES ? (unsigned)code : 0;
}

static void
note_bye(struct swarm *s, unsigned code)
{
	int64_t now = clock_ms();

	s->byes[code]++;
	if (s->first_bye_ms == 0)
		s->first_bye_ms = now;

	int64_t slot = (now - s->first_bye_ms) / 100;
	s->bye_slots[slot < BYE_SLOTS ? slot : BYE_SLOTS - 1]++;
}

void
member_log_in(struct swarm *s, struct member *m)
{
	if (s->anonymous)
		member_online(s, m);
	else if (s->same)
		say(s, m, "AUTH %s %s\r\n", s->prefix, s->secret);
	else
		say(s, m, "AUTH %s%zu %s :%zu\r\n", s->prefix, m->index, s->secret,
		    m->index);
}

/* "ERR 503 busy retry=20", "BYE 304 pool-full retry=7000 :text": in so many ms. */
static void
note_retry(struct swarm *s, struct member *m, const char *line)
{
	const char *retry = strstr(line, " retry=");

	if (s->obeys && m->state == MEMBER_LOGIN && retry != NULL)
		m->again_ms = clock_ms() + strtol(retry + 7, NULL, 10);
}

/* A line that is no message. */
static void
on_line(struct swarm *s, struct member *m, const char *line)
{
	if (strncmp(line, "HELLO ", 6) == 0)
		member_log_in(s, m);
	else if (strncmp(line, "OK user=", 8) == 0)
		member_online(s, m);
	else if (strncmp(line, "PING ", 5) == 0)
		say(s, m, "PONG %s\r\n", line + 5);
	else if (strncmp(line, "ERR ", 4) == 0) {
		s->errs[code_of(line + 4)]++;
		note_retry(s, m, line);
	} else if (strncmp(line, "LOST ", 5) == 0)
		s->told_lost += strtoul(line + 5, NULL, 10);
	else if (strncmp(line, "BYE ", 4) == 0) {
		note_bye(s, code_of(line + 4));
		note_retry(s, m, line);
		m->told_bye = true;
	}
	if (s->idle && strncmp(line, "OK user=", 8) == 0)
		say(s, m, "IDLE 1000\r\n");
}

/* Splits "MSG from 12"; false if the line is none. */
static bool
is_message(char *line, char **ret_from, size_t *ret_len)
{
	char *rest = line;
	char *verb = strsep(&rest, " ");

	if (strcmp(verb, "MSG") != 0 && strcmp(verb, "CAST") != 0 &&
	    strcmp(verb, "ANY") != 0) {
		if (rest != NULL)
			rest[-1] = ' ';
		return false;
	}
	*ret_from = strsep(&rest, " ");
	*ret_len = rest == NULL ? 0 : strtoul(rest, NULL, 10);
	return true;
}

/* Handles the first frame of len bytes at data. Returns its length, 0: unfinished. */
static size_t
take_frame(struct swarm *s, struct member *m, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	char line[1200], payload[NUMBER_SIZE];
	char *from;
	size_t size;

	if (end == NULL)
		return 0;

	size_t used = (size_t)(end - data) + 1;
	snprintf(line, sizeof(line), "%.*s",
	    (int)(used - (used > 1 && end[-1] == '\r' ? 2 : 1)), data);
	if (!is_message(line, &from, &size)) {
		on_line(s, m, line);
		return used;
	}
	if (len < used + size + 2)
		return 0;
	snprintf(payload, sizeof(payload), "%.*s", (int)size, data + used);
	hear(s, m, from, payload);
	return used + size + 2;
}

void
member_parse(struct swarm *s, struct member *m)
{
	size_t at = 0, used;

	while (m->fd >= 0 && at < m->in.len &&
	       (used = take_frame(s, m, m->in.data + at, m->in.len - at)) > 0)
		at += used;
	if (m->fd >= 0)
		buffer_consume(&m->in, at);
}

/* -- the report ------------------------------------------------------------- */

uint64_t
swarm_missing(const struct swarm *s)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < s->talkers; i++) {
		const struct member *to = &s->members[neighbour(s, i)];

		if (s->members[i].state == MEMBER_ONLINE && to->state == MEMBER_ONLINE)
			missing += s->members[i].sent - to->heard;
	}
	return missing;
}

static double
latency_ms(const struct swarm *s, double share)
{
	uint64_t all = 0, seen = 0;

	for (size_t i = 0; i < LATENCIES; i++)
		all += s->latency[i];
	for (size_t i = 0; i < LATENCIES; i++)
		if ((seen += s->latency[i]) > 0 && (double)seen >= share * (double)all)
			return (double)(i + 1) / 10;
	return 0;
}

static void
print_codes(const char *name, const uint64_t codes[CODES])
{
	const char *comma = "";

	printf("\"%s\":{", name);
	for (unsigned i = 0; i < CODES; i++)
		if (codes[i] > 0) {
			printf("%s\"%u\":%llu", comma, i, (unsigned long long)codes[i]);
			comma = ",";
		}
	printf("},");
}

static void
print_bye_times(const struct swarm *s)
{
	uint64_t peak = 0;
	size_t last = 0;

	for (size_t i = 0; i < BYE_SLOTS; i++) {
		if (s->bye_slots[i] > peak)
			peak = s->bye_slots[i];
		if (s->bye_slots[i] > 0)
			last = i;
	}
	printf("\"bye_peak_per_100ms\":%llu,\"bye_span_ms\":%zu,",
	    (unsigned long long)peak, last * 100);
}

void
swarm_report(const struct swarm *s, const char *what)
{
	uint64_t sent = 0;

	for (size_t i = 0; i < s->count; i++)
		sent += s->members[i].sent;
	printf("%s{\"users\":%zu,\"online\":%zu,\"ended\":%zu,\"opened\":%llu,"
	       "\"logins\":%llu,",
	    what, s->count, s->online, s->ended, (unsigned long long)s->opened,
	    (unsigned long long)s->logins);
	printf("\"sent\":%llu,\"received\":%llu,\"missing\":%llu,\"lost\":%llu,"
	       "\"duplicated\":%llu,\"reordered\":%llu,\"told_lost\":%llu,",
	    (unsigned long long)sent, (unsigned long long)s->received,
	    (unsigned long long)swarm_missing(s), (unsigned long long)s->lost,
	    (unsigned long long)s->duplicated, (unsigned long long)s->reordered,
	    (unsigned long long)s->told_lost);
	print_codes("bye", s->byes);
	print_codes("err", s->errs);
	print_bye_times(s);
	printf("\"login_span_ms\":%lld,",
	    (long long)(s->last_login_ms - s->first_login_ms));
	printf("\"cut\":%llu,\"p99_ms\":%.1f}\n", (unsigned long long)s->cut,
	    latency_ms(s, 0.99));
	fflush(stdout);
}
