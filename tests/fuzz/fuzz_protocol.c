/*
 * fuzz_protocol.c - the parser of the client protocol, for libFuzzer.
 *
 * Beyond memory errors it checks what must hold for any input: the stream cut
 * anywhere yields the same frames, spans lie inside their frame, and what is
 * said to be needed is neither there yet nor more than the limits allow. The
 * first byte of the input chooses limits and cuts.
 */
#include "server/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the stream has turned into, in a form that can be compared. */
struct transcript {
	uint64_t hash; /* of all frames so far */
	size_t used;   /* bytes of the stream */
	bool is_over;  /* PARSE_BAD, or a skipped payload without line end */
};

static struct protocol_limits limits;

#ifdef __clang__ /* the multiplication wraps on purpose */
__attribute__((no_sanitize("unsigned-integer-overflow")))
#endif
static void
note(struct transcript *t, uint64_t value)
{
	t->hash = (t->hash ^ value) * UINT64_C(0x100000001b3); /* FNV-1a */
}

static void
note_span(struct transcript *t, struct span s)
{
	note(t, s.len);
	for (size_t i = 0; i < s.len; i++)
		note(t, (unsigned char)s.at[i]);
}

static void
check_span(struct span s, const char *in, size_t size)
{
	REQUIRE(s.len == 0 || (s.at >= in && s.at + s.len <= in + size));
}

static void
note_frame(struct transcript *t, enum parse_result result, const struct frame *f)
{
	note(t, result);
	note(t, f->verb);
	note(t, f->error);
	note(t, f->size);
	note(t, f->credit);
	note(t, (uint64_t)f->on << 1 | f->is_token);
	note_span(t, f->tag);
	note_span(t, f->arg);
	note_span(t, f->secret);
	note_span(t, f->payload);
}

static void
check_frame(const char *in, size_t len, const struct frame *f)
{
	REQUIRE(f->size > 0 && f->size <= len && in[f->size - 1] == '\n');
	REQUIRE(f->error != ERR_NONE || f->verb != VERB_NONE);
	REQUIRE(f->payload.len <= limits.max_message ||
		f->payload.len <= PROTOCOL_MAX_LINE);
	if (f->error == ERR_NONE && f->verb == VERB_IDLE)
		REQUIRE(f->credit >= 1 && f->credit <= PROTOCOL_MAX_CREDIT);
	if (f->error == ERR_NONE && f->verb == VERB_AUTH)
		REQUIRE(f->arg.len > 0 && f->secret.len > 0);
	if (f->error == ERR_NONE && (f->verb == VERB_SEND || f->verb == VERB_WHO))
		REQUIRE(f->arg.len > 0);
	check_span(f->tag, in, f->size);
	check_span(f->arg, in, f->size);
	check_span(f->secret, in, f->size);
	check_span(f->payload, in, f->size);
}

static void
check_users(struct span list)
{
	struct span user;

	while (protocol_next_user(&list, &user))
		REQUIRE(user.len >= 1 && user.len <= PROTOCOL_MAX_USER);
}

/* Bytes used by the payload that is thrown away, 0 when not all is there. */
static size_t
skip(struct transcript *t, const char *in, size_t len, const struct frame *f)
{
	int line_end;

	REQUIRE(f->error != ERR_NONE && f->payload.len == 0);
	REQUIRE(f->size <= PROTOCOL_MAX_LINE + 2 + 8 * limits.max_message +
			       PROTOCOL_ANONYMOUS_PAYLOAD);
	if (f->size >= len)
		return 0;
	line_end = protocol_line_end(in + f->size, len - f->size);
	t->is_over = line_end < 0;
	return line_end <= 0 ? 0 : f->size + (size_t)line_end;
}

/* One step. False when more input is needed or the stream is over. */
static bool
step(struct transcript *t, const char *in, size_t len)
{
	struct frame f;
	enum parse_result result = protocol_parse(in, len, &limits, &f);
	size_t used = 0;

	switch (result) {
	case PARSE_FRAME:
		check_frame(in, len, &f);
		if (f.error == ERR_NONE && f.verb == VERB_SEND)
			check_users(f.arg);
		used = f.size;
		break;
	case PARSE_MORE:
		REQUIRE(f.size == 0 || f.size > len);
		REQUIRE(f.size <= PROTOCOL_MAX_LINE + 2 + limits.max_message + 2);
		REQUIRE(f.size != 0 || len <= PROTOCOL_MAX_LINE + 1);
		return false;
	case PARSE_SKIP:
		used = skip(t, in, len, &f);
		if (used == 0 && !t->is_over)
			return false;
		break;
	case PARSE_BAD:
		REQUIRE(f.error == ERR_BAD_REQUEST || f.error == ERR_TOO_BIG ||
			f.error == ERR_LINE_TOO_LONG);
		t->is_over = true;
		break;
	}
	note_frame(t, result, &f);
	t->used += used;
	return !t->is_over;
}

/*
 * Hands over the stream in pieces of 1 to `most` bytes, 0: all at once. Each
 * time the parser sees a copy of exactly what has arrived, so reading beyond it is
 * an error.
 */
static struct transcript
play(const uint8_t *data, size_t size, size_t most)
{
	struct transcript t = { 0 };
	size_t have = 0;

	while (have < size && !t.is_over) {
		size_t piece = most == 0 ? size : 1 + data[have] % most, len;
		char *copy;

		have = size - have < piece ? size : have + piece;
		len = have - t.used;
		copy = malloc(len);
		if (copy == NULL)
			abort();
		memcpy(copy, data + t.used, len);
		for (size_t start = t.used;
		     step(&t, copy + (t.used - start), have - t.used);)
			;
		free(copy);
	}
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transcript whole, cut;
	size_t most;

	if (size == 0)
		return 0;
	limits.anonymous = (data[0] & 1) != 0;
	limits.max_message = (data[0] & 2) != 0 ? 1024 : 65536;
	most = (size_t)1 << (data[0] >> 5);
	data++;
	size--;

	whole = play(data, size, 0);
	cut = play(data, size, most);
	REQUIRE(whole.hash == cut.hash);
	REQUIRE(whole.used == cut.used);
	REQUIRE(whole.is_over == cut.is_over);
	return 0;
}
