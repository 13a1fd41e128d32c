/*
 * measure.c - the work that every server is put to, and what it spent on it.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"

#define GIVE_UP_US 10000000 /* nothing has come for so long: the rest is lost */
#define BYSTANDER_US 3000000
#define PACE_US 1000 /* of the pair that looks on */

static void
make_payload(char *to, size_t len)
{
	memset(to, 'x', len);
	snprintf(to, PAYLOAD_MIN + 1, "%016" PRIx64, (uint64_t)now_us());
	if (len > PAYLOAD_MIN)
		to[PAYLOAD_MIN] = 'x';
}

static uint32_t
latency(const struct heard_frame *f)
{
	char sent[PAYLOAD_MIN + 1] = { 0 };

	memcpy(sent, f->payload, PAYLOAD_MIN);
	return (uint32_t)(now_us() - (int64_t)strtoull(sent, NULL, 16));
}

/* Turns until *counter is at least `target`, or nothing moves any more. */
static uint64_t
wait_for(struct clients *cs, atomic_ulong *counter, uint64_t target)
{
	uint64_t seen = atomic_load(counter);
	int64_t moved = now_us();

	while (seen < target && now_us() - moved < GIVE_UP_US) {
		uint64_t n;

		clients_turn(cs, 1);
		n = atomic_load(counter);
		if (n != seen)
			moved = now_us();
		seen = n;
	}
	return seen;
}

/* ---- logins ---- */

void
measure_login(const struct server *s, struct clients *talkers, struct crowd *crowd)
{
	struct tally *t = talkers->tally;
	uint64_t before = atomic_load(&t->online);
	double begin = server_cpu_us(s);
	uint64_t n = crowd->count + talkers->count;
	unsigned most = clients_arriving(talkers);
	struct measurement m = { .name = "login", .operations = n, .expected = n };

	for (unsigned i = 0; i < talkers->count; i++) {
		if (i >= most)
			(void)wait_for(talkers, &t->online, before + i - most + 1);
		client_connect(talkers, &talkers->all[i]);
	}
	(void)wait_for(talkers, &t->online, before + talkers->count);
	crowd_start(crowd, talkers);
	m.got = wait_for(talkers, &t->online, before + n) - before;
	m.cpu_us = server_cpu_us(s) - begin;
	report(s, &m);
	if (m.got < n)
		errx(1, "%s: only %" PRIu64 " of %" PRIu64 " users are logged in",
		    s->label, m.got, n);
}

struct sessions {
	struct clients clients;
	unsigned left, open;
	uint64_t heard;
	int64_t moved; /* when the last one came */
};

static void
session_step(struct client *c, const struct heard_frame *f, void *arg)
{
	struct sessions *ss = arg;
	const struct adapter *a = ss->clients.adapter;
	char frame[FRAME_MAX], payload[64];

	if (f->what == HEARD_READY) {
		make_payload(payload, sizeof(payload));
		client_write(
		    c, frame, a->send(frame, c->user, payload, sizeof(payload)));
	} else if (f->what == HEARD_MESSAGE) {
		ss->heard++;
		if (a->quit != NULL)
			client_write(c, frame, a->quit(frame));
		else
			client_leave(c);
	}
}

static void
session_next(struct client *c, void *arg)
{
	struct sessions *ss = arg;

	ss->open--;
	if (ss->left == 0)
		return;
	ss->left--;
	ss->open++;
	ss->moved = now_us();
	client_connect(&ss->clients, c);
}

/* n users come, send themselves a message, and leave. */
void
measure_session(
    const struct server *s, const struct clients *like, unsigned n, bool is_warm_up)
{
	struct sessions ss = { .clients = *like, .left = n };
	double begin = server_cpu_us(s);
	struct measurement m = { .name = "session", .operations = n, .expected = n };

	clients_open(&ss.clients, 19000, clients_arriving(like));
	ss.clients.heard = session_step;
	ss.clients.gone = session_next;
	ss.clients.arg = &ss;
	for (unsigned i = 0; i < ss.clients.count; i++) {
		ss.open++;
		session_next(&ss.clients.all[i], &ss);
	}
	while (ss.open > 0 && now_us() - ss.moved < GIVE_UP_US)
		clients_turn(&ss.clients, 1);
	m.got = ss.heard;
	m.cpu_us = server_cpu_us(s) - begin;
	clients_close(&ss.clients);
	if (is_warm_up && m.got < n)
		errx(1, "%s: no user gets as far as a message", s->label);
	if (!is_warm_up)
		report(s, &m);
}

/* ---- broadcasts ---- */

static const struct cast_kind {
	const char *name;
	size_t len;
	unsigned burst, times;
} cast_kinds[] = {
	{ "cast64", 64, 1, 10 },
	{ "cast1k", 1024, 1, 10 },
	{ "burst8", 64, 8, 4 },
};

/*
 * `times` bursts of so many broadcasts, each when the one before has reached all. The
 * first one is to warm up.
 */
static void
measure_casts(const struct server *s, struct clients *cs, unsigned users,
    const struct cast_kind *k)
{
	uint64_t receivers = cs->adapter->echoes ? users : users - 1;
	uint64_t each = k->burst * receivers, first = atomic_load(&cs->tally->casts);
	uint64_t sent = 0, got = 0;
	struct measurement m = { .name = k->name };
	double begin = 0;
	char payload[PAYLOAD_MAX], frame[FRAME_MAX];

	for (unsigned i = 0; i <= k->times; i++) {
		if (i == 1)
			begin = server_cpu_us(s);
		make_payload(payload, k->len);
		for (unsigned j = 0; j < k->burst; j++)
			client_write(&cs->all[0], frame,
			    cs->adapter->cast(frame, payload, k->len));
		client_flush(cs, &cs->all[0]);
		sent += each;
		if ((got = wait_for(cs, &cs->tally->casts, first + sent) - first) <
		    sent)
			break;
	}
	m.operations = sent - each;
	m.expected = sent;
	m.got = got;
	m.cpu_us = server_cpu_us(s) - begin;
	report(s, &m);
}

/* ---- messages ---- */

/*
 * Messages go round: who gets one sends one, so that there are always as many under
 * way as in the beginning.
 */
struct talk {
	struct clients *clients;
	unsigned users;	 /* of the talkers, so many take part */
	bool to_anybody; /* or to the partner: 0 to 1, 1 to 0, 2 to 3 … */
	uint64_t total;	 /* then they stop */
	uint64_t sent, got;
	uint32_t *samples; /* of latencies, NULL: not wanted */
	size_t nsamples, max_samples;
	uint64_t random;
};

static unsigned
receiver(struct talk *t, const struct client *c)
{
	const struct client *first = &t->clients->all[0];

	if (!t->to_anybody)
		return first->user + ((c->user - first->user) ^ 1);
	t->random = t->random * 6364136223846793005u + 1442695040888963407u;
	return first->user + (unsigned)((t->random >> 33) % t->users);
}

static void
say(struct talk *t, struct client *c)
{
	char payload[64], frame[FRAME_MAX];

	if (t->sent == t->total)
		return;
	t->sent++;
	make_payload(payload, sizeof(payload));
	client_write(c, frame,
	    t->clients->adapter->send(frame, receiver(t, c), payload, sizeof(payload)));
}

static void
talk_heard(struct client *c, const struct heard_frame *f, void *arg)
{
	struct talk *t = arg;

	if (f->what != HEARD_MESSAGE)
		return;
	t->got++;
	if (t->samples != NULL && t->nsamples < t->max_samples)
		t->samples[t->nsamples++] = latency(f);
	say(t, c);
}

static void
talk_begin(struct talk *t, struct clients *cs, unsigned speakers, unsigned window)
{
	t->clients = cs;
	t->random = 1;
	t->max_samples = t->samples != NULL ? t->total : 0;
	cs->heard = talk_heard;
	cs->arg = t;
	for (unsigned i = 0; i < speakers; i++) {
		for (unsigned k = 0; k < window; k++)
			say(t, &cs->all[i]);
		client_flush(cs, &cs->all[i]);
	}
}

static void
talk_end(struct talk *t)
{
	uint64_t got = 0;
	int64_t moved = now_us();

	while (t->got < t->sent && now_us() - moved < GIVE_UP_US) {
		clients_turn(t->clients, 10);
		if (t->got != got)
			moved = now_us();
		got = t->got;
	}
	t->clients->heard = NULL;
}

struct talk_kind {
	const char *name;
	unsigned users, speakers, window;
	bool to_anybody, has_latency;
	uint64_t total;
};

static void
measure_talk(const struct server *s, struct clients *cs, const struct talk_kind *k)
{
	struct talk t = { .users = k->users,
		.to_anybody = k->to_anybody,
		.total = k->total / s->part / 10 };
	struct measurement m = { .name = k->name };
	double begin;

	talk_begin(&t, cs, k->speakers, k->window); /* to warm up */
	talk_end(&t);
	m.expected = t.sent;
	m.got = t.got;
	t.sent = t.got = 0;
	t.total = k->total / s->part;
	if (k->has_latency && (t.samples = calloc(k->total, sizeof(uint32_t))) == NULL)
		err(1, NULL);
	begin = server_cpu_us(s);
	talk_begin(&t, cs, k->speakers, k->window);
	talk_end(&t);
	m.cpu_us = server_cpu_us(s) - begin;
	m.operations = t.sent;
	m.expected += t.sent;
	m.got += t.got;
	m.samples = t.samples;
	m.nsamples = t.nsamples;
	report(s, &m);
	free(t.samples);
}

/*
 * What a pair notices of broadcasts to all that follow each other without a pause. It
 * speaks once a millisecond, whatever is still under way: if it waited for the answer,
 * it would be silent while things are at their worst, and a server that stops for all
 * of a broadcast would look good.
 */
static void
measure_bystander(const struct server *s, struct clients *cs, unsigned users)
{
	struct talk t = { .users = 2, .total = BYSTANDER_US / PACE_US + 1 };
	uint64_t receivers = cs->adapter->echoes ? users : users - 1;
	uint64_t first = atomic_load(&cs->tally->casts), target = first;
	struct measurement m = { .name = "bystander" };
	int64_t now, next = 0, end = now_us() + BYSTANDER_US;
	char payload[64], frame[FRAME_MAX];

	if ((t.samples = calloc(t.total, sizeof(uint32_t))) == NULL)
		err(1, NULL);
	talk_begin(&t, cs, 0, 0);
	t.total = 0;
	while ((now = now_us()) < end) {
		if (now >= next) {
			next = now + PACE_US;
			t.total++;
			say(&t, &cs->all[0]);
			client_flush(cs, &cs->all[0]);
		}
		if (atomic_load(&cs->tally->casts) >= target) {
			make_payload(payload, sizeof(payload));
			client_write(&cs->all[2], frame,
			    cs->adapter->cast(frame, payload, sizeof(payload)));
			client_flush(cs, &cs->all[2]);
			target += receivers;
		}
		clients_turn(cs, 1);
	}
	talk_end(&t);
	m.got = t.got + wait_for(cs, &cs->tally->casts, target) - first;
	m.expected = t.sent + target - first;
	m.samples = t.samples;
	m.nsamples = t.nsamples;
	report(s, &m);
	free(t.samples);
}

void
talk_for(const struct server *s, struct clients *cs, int64_t us)
{
	struct measurement m = { .name = "control_load" };
	struct talk t = { .users = cs->count, .to_anybody = true, .total = UINT64_MAX };
	int64_t end = now_us() + us;

	talk_begin(&t, cs, cs->count, 64);
	while (now_us() < end)
		clients_turn(cs, 10);
	t.total = t.sent;
	talk_end(&t);
	m.expected = t.sent;
	m.got = t.got;
	report(s, &m);
}

void
talk_paced(const struct server *s, struct clients *cs, const char *name,
    unsigned a_second, int64_t us)
{
	struct talk t = { .users = cs->count, .to_anybody = true };
	struct measurement m = { .name = name };
	int64_t begin = now_us(), passed;
	unsigned speaker = 0;

	t.total = (uint64_t)us * a_second / 1000000;
	if ((t.samples = calloc(t.total, sizeof(uint32_t))) == NULL)
		err(1, NULL);
	talk_begin(&t, cs, 0, 0);
	t.total = 0;
	while ((passed = now_us() - begin) < us) {
		t.total = (uint64_t)passed * a_second / 1000000;
		while (t.sent < t.total) {
			struct client *c = &cs->all[speaker++ % cs->count];

			say(&t, c);
			client_flush(cs, c);
		}
		clients_turn(cs, 1);
	}
	talk_end(&t);
	m.expected = t.sent;
	m.got = t.got;
	m.samples = t.samples;
	m.nsamples = t.nsamples;
	report(s, &m);
	free(t.samples);
}

static const struct talk_kind kinds[] = {
	{ "pair", 2, 1, 1, false, true, 20000 },
	{ "inflight", TALKERS, TALKERS, 1, false, true, 60000 },
	{ "pipelined", TALKERS, TALKERS, 64, false, false, 200000 },
	{ "random", TALKERS, TALKERS, 64, true, false, 200000 },
};

static void
prepare(struct clients *cs)
{
	char frame[FRAME_MAX];

	for (unsigned i = 0; cs->adapter->prepare != NULL && i < cs->count; i++) {
		client_write(&cs->all[i], frame, cs->adapter->prepare(frame));
		client_flush(cs, &cs->all[i]);
	}
}

void
measure_all(
    const struct server *s, struct clients *talkers, unsigned users, const char *name)
{
	size_t most = talkers->adapter->max_payload;

	if (most == 0)
		most = PAYLOAD_MAX;
	prepare(talkers);
	for (size_t i = 0; i < sizeof(cast_kinds) / sizeof(cast_kinds[0]); i++)
		if ((name == NULL || strcmp(name, cast_kinds[i].name) == 0) &&
		    cast_kinds[i].len <= most)
			measure_casts(s, talkers, users, &cast_kinds[i]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (name == NULL || strcmp(name, kinds[i].name) == 0)
			measure_talk(s, talkers, &kinds[i]);
	if (name == NULL || strcmp(name, "bystander") == 0)
		measure_bystander(s, talkers, users);
}
