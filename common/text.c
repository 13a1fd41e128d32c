/*
 * text.c - UTF-8, text that is safe to show, and near matches. Any thread.
 */
#include "common/text.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "common/buffer.h"

#define USER_MAX 64
#define DISPLAY_MAX 128
#define NEAR_MAX 3	/* words offered */
#define NEAR_DISTANCE 2 /* edits, but not of more than half of the word */
#define NEAR_LENGTH 64	/* longer words are not compared */
#define NEAR_PART 3	/* fewer characters are a part of too many words */

size_t
text_utf8_decode(const char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *b = (const unsigned char *)s;
	uint32_t c;
	size_t n;

	if (len == 0)
		return 0;
	if (b[0] < 0x80) {
		*ret = b[0];
		return 1;
	}
	n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
	if (b[0] < 0xc2 || b[0] > 0xf4 || n > len)
		return 0;
	c = b[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

bool
text_is_utf8(const char *s, size_t len)
{
	while (len > 0) {
		uint32_t c;
		size_t n = text_utf8_decode(s, len, &c);

		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

bool
text_is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e ||
	       c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static bool
is_user_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '@' || c == '+' ||
	       c == '-';
}

bool
text_is_user(const char *s, size_t len)
{
	if (len < 1 || len > USER_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_user_byte(s[i]))
			return false;
	}
	return true;
}

bool
text_is_plain(const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c;

		n = text_utf8_decode(s + i, len - i, &c);
		if (n == 0 || text_is_unsafe(c))
			return false;
	}
	return true;
}

bool
text_is_display(const char *s, size_t len)
{
	return len >= 1 && len <= DISPLAY_MAX && text_is_plain(s, len);
}

/*
 * What is shown for the code point or bad byte at s: itself, or an escape in
 * text. Returns the bytes used of s; *ret_escaped is the length of the escape,
 * 0 if none is needed.
 */
static size_t
escape_one(const char *s, size_t len, char text[16], size_t *ret_escaped, uint32_t *ret)
{
	size_t n = text_utf8_decode(s, len, ret);
	int escaped = 0;

	if (n == 0)
		escaped = snprintf(text, 16, "\\x%02X", (unsigned char)*s);
	else if (text_is_unsafe(*ret))
		escaped = snprintf(text, 16, "\\u{%X}", (unsigned)*ret);
	*ret_escaped = (size_t)escaped;
	return n == 0 ? 1 : n;
}

int
text_escape(struct buffer *out, const char *s, size_t len)
{
	size_t before = out->len;

	while (len > 0) {
		char text[16];
		size_t escaped;
		uint32_t c;
		size_t n = escape_one(s, len, text, &escaped, &c);
		int err = escaped > 0 ? buffer_append(out, text, escaped)
				      : buffer_append(out, s, n);

		if (err < 0) {
			out->len = before;
			return err;
		}
		s += n;
		len -= n;
	}
	return 0;
}

static locale_t utf8_locale;

static void
open_utf8_locale(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

char *
text_put_number(char *at, size_t n)
{
	char digits[20];
	unsigned i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	return mempcpy(at, digits + i, sizeof(digits) - i);
}

size_t
text_width(const char *s, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	locale_t old = (locale_t)0;
	size_t width = 0;

	/* The text is UTF-8 whatever the locale of the process is. */
	(void)pthread_once(&once, open_utf8_locale);
	if (utf8_locale != (locale_t)0)
		old = uselocale(utf8_locale);
	while (len > 0) {
		char text[16];
		size_t escaped;
		uint32_t c;
		size_t n = escape_one(s, len, text, &escaped, &c);
		int columns = escaped > 0 ? (int)escaped : wcwidth((wchar_t)c);

		width += columns < 0 ? 1 : (size_t)columns;
		s += n;
		len -= n;
	}
	if (old != (locale_t)0)
		(void)uselocale(old);
	return width;
}

/* Levenshtein distance, or anything above NEAR_DISTANCE if it is larger. */
static size_t
distance(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b);
	size_t row[NEAR_LENGTH + 1];

	if (alen > NEAR_LENGTH || blen > NEAR_LENGTH)
		return NEAR_DISTANCE + 1;
	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[blen];
}

struct nearest {
	const char *found[NEAR_MAX];
	size_t count;
};

/* Rows of the same text count once. */
static void
take_near(struct nearest *near, const char *word)
{
	for (size_t k = 0; k < near->count; k++)
		if (strcmp(near->found[k], word) == 0)
			return;
	if (near->count < NEAR_MAX)
		near->found[near->count++] = word;
}

/* The words that have the part in them, or that begin with it. */
static void
take_with(struct nearest *near, const char *part, const char *const words[], size_t n,
    bool at_begin)
{
	if (strlen(part) < (at_begin ? 2 : NEAR_PART))
		return;
	for (size_t i = 0; i < n; i++) {
		const char *at = strstr(words[i], part);

		if (at != NULL && (at == words[i] || !at_begin))
			take_near(near, words[i]);
	}
}

/*
 * First what begins so, then what is meant if it was mistyped, then what has it
 * somewhere, and if nothing does, what has its last part: "idle_timeout" is about
 * a timeout.
 */
static void
find_nearest(
    struct nearest *near, const char *word, const char *const words[], size_t n)
{
	const char *last = strrchr(word, '_');

	take_with(near, word, words, n, true);
	for (size_t d = 0; d <= NEAR_DISTANCE && 2 * d <= strlen(word); d++)
		for (size_t i = 0; i < n; i++)
			if (distance(word, words[i]) == d)
				take_near(near, words[i]);
	take_with(near, word, words, n, false);
	if (near->count == 0 && last != NULL)
		take_with(near, last, words, n, false);
}

const char *
text_near(
    const char *word, const char *const words[], size_t n, char *text, size_t size)
{
	struct nearest near = { 0 };
	const char **found = near.found;
	int len = 0;

	if (size == 0)
		return text;
	text[0] = '\0';
	find_nearest(&near, word, words, n);
	switch (near.count) {
	case 1:
		len = snprintf(text, size, " (did you mean %s?)", found[0]);
		break;
	case 2:
		len = snprintf(
		    text, size, " (did you mean %s or %s?)", found[0], found[1]);
		break;
	case 3:
		len = snprintf(text, size, " (did you mean %s, %s or %s?)", found[0],
		    found[1], found[2]);
		break;
	}
	if (len < 0 || (size_t)len >= size) /* half an offer helps nobody */
		text[0] = '\0';
	return text;
}

const char *
text_near_or_all(
    const char *word, const char *const words[], size_t n, char *text, size_t size)
{
	size_t len = 0;

	if (size == 0 || text_near(word, words, n, text, size)[0] != '\0')
		return text;
	for (size_t i = 0; i < n && len < size; i++) {
		int more = snprintf(text + len, size - len, "%s%s",
		    i == 0 ? "; there are " : ", ", words[i]);

		len += more < 0 ? size : (size_t)more;
	}
	if (len >= size) /* nor does half a list */
		text[0] = '\0';
	return text;
}

int
text_wrap(struct buffer *out, size_t begin, size_t edge, const char *text)
{
	size_t used = begin, width;
	int err = 0;

	for (size_t len; *text != '\0' && err == 0; text += len + (text[len] == ' ')) {
		len = strcspn(text, " ");
		width = text_width(text, len);
		if (used > begin && used + 1 + width > edge) {
			err = buffer_printf(out, "\n%*s", (int)begin, "");
			used = begin;
		} else if (used > begin) {
			err = buffer_append(out, " ", 1);
			used++;
		}
		if (err == 0)
			err = buffer_append(out, text, len);
		used += width;
	}
	return err;
}

const char *
text_shorten(const char *s, char *text, size_t size)
{
	static const char ellipsis[] = "\u2026";
	size_t len = strnlen(s, size), cut = size - sizeof(ellipsis);

	if (len < size)
		return strcpy(text, s);
	while (cut > 0 && ((unsigned char)s[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(text, s, cut);
	memcpy(text + cut, ellipsis, sizeof(ellipsis));
	return text;
}
