/*
 * exposition.c - lines of the exposition format.
 */
#include "server/exposition.h"

#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"

#define SECONDS_SIZE 32 /* 20 digits, a point, 6 digits */

void
exposition_init(struct exposition *e, struct buffer *out)
{
	*e = (struct exposition){ .out = out };
}

static void
put(struct exposition *e, const char *text, size_t len)
{
	if (e->err == 0)
		e->err = buffer_append(e->out, text, len);
}

static void
put_text(struct exposition *e, const char *text)
{
	put(e, text, strlen(text));
}

/* `special` is what a backslash has to stand before; a line end becomes \n. */
static void
put_escaped(struct exposition *e, const char *text, const char *special)
{
	while (*text != '\0') {
		size_t plain = strcspn(text, special);

		put(e, text, plain);
		text += plain;
		if (*text == '\0')
			return;
		put(e, "\\", 1);
		put(e, *text == '\n' ? "n" : text, 1);
		text++;
	}
}

static void
put_number(struct exposition *e, uint64_t value)
{
	char text[24];

	put(e, text, (size_t)(text_put_number(text, value) - text));
}

static const char *
seconds(uint64_t us, char text[SECONDS_SIZE])
{
	char *end = text_put_number(text, us / 1000000);

	*end++ = '.';
	for (uint64_t unit = 100000; unit > 0; unit /= 10)
		*end++ = (char)('0' + us / unit % 10);
	*end = '\0';
	return text;
}

void
exposition_family(
    struct exposition *e, enum exposition_kind kind, const char *name, const char *help)
{
	static const char *const kinds[] = {
		[EXPOSITION_COUNTER] = " counter\n",
		[EXPOSITION_GAUGE] = " gauge\n",
		[EXPOSITION_HISTOGRAM] = " histogram\n",
	};

	snprintf(e->family, sizeof(e->family), "%s", name);
	put_text(e, "# HELP ");
	put_text(e, e->family);
	put(e, " ", 1);
	put_escaped(e, help, "\\\n");
	put_text(e, "\n# TYPE ");
	put_text(e, e->family);
	put_text(e, kinds[kind]);
}

static void
put_label(struct exposition *e, const char *name, const char *value, const char *before)
{
	put_text(e, before);
	put_text(e, name);
	put_text(e, "=\"");
	put_escaped(e, value, "\\\"\n");
	put(e, "\"", 1);
}

/* Everything before the value; `le` is one more label, or NULL. */
static void
begin(struct exposition *e, const char *suffix, const struct label *labels,
    const char *le)
{
	const char *before = "{";

	put_text(e, e->family);
	put_text(e, suffix);
	for (; labels != NULL && labels->name != NULL; labels++) {
		put_label(e, labels->name, labels->value, before);
		before = ",";
	}
	if (le != NULL) {
		put_label(e, "le", le, before);
		before = ",";
	}
	put_text(e, *before == '{' ? " " : "} ");
}

static void
put_count(struct exposition *e, const char *suffix, const struct label *labels,
    const char *le, uint64_t value)
{
	begin(e, suffix, labels, le);
	put_number(e, value);
	put(e, "\n", 1);
}

static void
put_seconds(
    struct exposition *e, const char *suffix, const struct label *labels, uint64_t us)
{
	char text[SECONDS_SIZE];

	begin(e, suffix, labels, NULL);
	put_text(e, seconds(us, text));
	put(e, "\n", 1);
}

void
exposition_count(struct exposition *e, const struct label *labels, uint64_t value)
{
	put_count(e, "", labels, NULL, value);
}

void
exposition_seconds(struct exposition *e, const struct label *labels, uint64_t us)
{
	put_seconds(e, "", labels, us);
}

void
exposition_histogram(struct exposition *e, const struct label *labels,
    const struct histogram_total *h, const unsigned *powers)
{
	char bound[SECONDS_SIZE];

	for (; *powers != 0; powers++)
		put_count(e, "_bucket", labels, seconds(UINT64_C(1) << *powers, bound),
		    histogram_below(h, *powers));
	put_count(e, "_bucket", labels, "+Inf", h->count);
	put_seconds(e, "_sum", labels, h->sum_us);
	put_count(e, "_count", labels, NULL, h->count);
}
