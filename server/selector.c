/*
 * selector.c - words such as "user=alice,bob" or "idle=+5m" become tests.
 *
 * A selector is a list of terms that must all hold; a term is a list of
 * alternatives of one key, of which one must hold (or none, after "!="). Bare
 * words gather in one term on the user.
 */
#include "server/selector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/units.h"
#include "server/pattern.h"
#include "server/selector_private.h"

#define EXPRESSIONS_MAX 4 /* each costs a match with every connection */

const char *const selector_keys[] = {
#define SELECTOR(id, word, example, summary) [KEY_##id] = word,
#include "common/selectors.def"
#undef SELECTOR
};
const size_t selector_nkeys = KEYS;

struct parser { /* where selector_parse() is */
	struct selector *sel;
	enum rpc_kind *kind;
	char *error;
	size_t size;
};

static int
bad_value(struct parser *p, const char *word, const char *why)
{
	*p->kind = RPC_BAD_VALUE;
	snprintf(p->error, p->size, "bad selector \"%.200s\": %s", word, why);
	return -EINVAL;
}

static struct term *
term_add(struct selector *sel, enum key key)
{
	struct term *terms = realloc(sel->terms, (sel->nterms + 1) * sizeof(*terms));

	if (terms == NULL)
		return NULL;
	sel->terms = terms;

	struct term *t = &terms[sel->nterms++];
	*t = (struct term){ .key = key };
	return t;
}

static struct value *
value_add(struct term *t)
{
	struct value *values = realloc(t->values, (t->nvalues + 1) * sizeof(*values));

	if (values == NULL)
		return NULL;
	t->values = values;

	struct value *v = &values[t->nvalues++];
	*v = (struct value){ .relation = SAME };
	return v;
}

static int
parse_text(struct value *v, const char *text)
{
	v->text = strdup(text);
	return v->text == NULL ? -ENOMEM : 0;
}

static int
parse_state(struct parser *p, struct value *v, const char *word, const char *text)
{
	const char *names[STATES];
	char near[128], why[256];
	int state = state_parse(text);

	if (state >= 0) {
		v->number = state;
		return 0;
	}

	for (int i = 0; i < STATES; i++)
		names[i] = state_name((enum connection_state)i);
	text_near_or_all(text, names, STATES, near, sizeof(near));
	snprintf(why, sizeof(why), "no such state%s", near);
	return bad_value(p, word, why);
}

struct unit {
	int (*parse)(const char *text, int64_t *ret);
	const char *expected;
};

static const struct unit *
unit_of(enum key key)
{
	static const struct unit duration = { units_parse_duration,
		"expected a duration such as +5m or -10s" };
	static const struct unit count = { units_parse_count,
		"expected a number such as +0" };
	static const struct unit size = { units_parse_size,
		"expected a size such as +64KiB" };

	if (key == KEY_IDLE || key == KEY_AGE)
		return &duration;
	return key == KEY_DROPS ? &count : &size;
}

static int
parse_number(
    struct parser *p, enum key key, struct value *v, const char *word, const char *text)
{
	const struct unit *unit = unit_of(key);

	return unit->parse(text, &v->number) < 0 ? bad_value(p, word, unit->expected)
						 : 0;
}

/* "+5m", "-10s": the sign says more or less, the rest is in the key's unit. */
static int
parse_measure(
    struct parser *p, enum key key, struct value *v, const char *word, const char *text)
{
	char why[128];
	int err;

	if (*text == '+' || *text == '-') {
		v->relation = *text == '+' ? MORE : LESS;
		return parse_number(p, key, v, word, text + 1);
	}

	/* What is measured moves on: to be exactly this is no test worth having. */
	if ((err = parse_number(p, key, v, word, text)) < 0)
		return err;
	snprintf(
	    why, sizeof(why), "say +%.32s for more or -%.32s for less", text, text);
	return bad_value(p, word, why);
}

static int
find_key(const char *name, size_t len)
{
	for (int i = 0; i < KEYS; i++)
		if (strlen(selector_keys[i]) == len &&
		    memcmp(selector_keys[i], name, len) == 0)
			return i;
	return -1;
}

/* "idle>10m": what was meant, in our words. */
static int
bad_comparison(struct parser *p, const char *word, size_t op)
{
	const char *value = word + op + 1 + (word[op + 1] == '=');
	char why[128];

	snprintf(why, sizeof(why), "say %.*s=%c%.32s", (int)op, word,
	    word[op] == '>' ? '+' : '-', value);
	return bad_value(p, word, why);
}

/* "k*": an expression does what was meant. */
static int
bad_wildcard(struct parser *p, const char *word, const char *text)
{
	bool at_begin = *text != '*';
	const char *part = text + !at_begin;
	char why[128];

	if (*part == '\0')
		return bad_value(p, word, "everybody is --all, or in a list no word");
	snprintf(why, sizeof(why), "say user~%s%.*s", at_begin ? "^" : "",
	    (int)strcspn(part, "*"), part);
	return bad_value(p, word, why);
}

static int
bad_user(struct parser *p, const struct term *t, const char *word, const char *text)
{
	size_t op = strcspn(text, "<>");

	if (t->bare && text[op] != '\0' && find_key(text, op) > KEY_STATE)
		return bad_comparison(p, word, op);
	if (strchr(text, '*') != NULL)
		return bad_wildcard(p, word, text);
	return bad_value(p, word, "that is no user id");
}

static int
parse_value(struct parser *p, struct term *t, const char *word, const char *text)
{
	struct value *v;

	if (*text == '\0')
		return bad_value(p, word, "a value is missing");
	if ((v = value_add(t)) == NULL)
		return -ENOMEM;

	switch (t->key) {
	case KEY_USER:
		if (!text_is_user(text, strlen(text)))
			return bad_user(p, t, word, text);
		return parse_text(v, text);
	case KEY_LISTENER:
		return parse_text(v, text);
	case KEY_ID:
		if (units_parse_count(text, &v->number) < 0)
			return bad_value(p, word, "expected a connection id");
		return 0;
	case KEY_IP:
		if (net_prefix_parse(text, &v->prefix) < 0)
			return bad_value(p, word,
			    "expected an address or a block such as 10.0.0.0/8");
		return 0;
	case KEY_STATE:
		return parse_state(p, v, word, text);
	default:
		return parse_measure(p, t->key, v, word, text);
	}
}

/* Each part between commas is one alternative. `list` is changed. */
static int
parse_values(struct parser *p, struct term *t, const char *word, char *list)
{
	for (char *at = list;;) {
		char *comma = strchr(at, ',');
		int err;

		if (comma != NULL)
			*comma = '\0';
		if ((err = parse_value(p, t, word, at)) < 0 || comma == NULL)
			return err;
		at = comma + 1;
	}
}

static size_t
count_expressions(const struct selector *sel)
{
	size_t n = 0;

	for (size_t i = 0; i < sel->nterms; i++)
		n += sel->terms[i].is_regex;
	return n;
}

static int
parse_regex(struct parser *p, struct term *t, const char *word, const char *text)
{
	char why[PATTERN_ERROR_SIZE];

	if (count_expressions(p->sel) == EXPRESSIONS_MAX)
		return bad_value(p, word, "more than four expressions are not taken");
	if (pattern_compile(&t->regex, text, why) < 0)
		return bad_value(p, word, why);
	t->is_regex = true;
	return 0;
}

static int
unknown_key(struct parser *p, const char *key, size_t len)
{
	char name[64], near[128];

	snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), key);
	text_near_or_all(name, selector_keys, KEYS, near, sizeof(near));
	*p->kind = RPC_UNKNOWN_KEY;
	snprintf(p->error, p->size, "unknown selector key \"%s\"%s", name, near);
	return -EINVAL;
}

/* Hundreds of ids may be asked for, and every connection is held against them. */
static void
sort_ids(struct term *t)
{
	if (t->key == KEY_ID && t->nvalues > 1)
		qsort(
		    t->values, t->nvalues, sizeof(*t->values), selector_compare_values);
}

/* word is KEY, "=" or "!=" or "~" or "!~" at `op`, and what is asked of the key. */
static int
parse_term(struct parser *p, const char *word, const char *op)
{
	bool negate = *op == '!';
	bool is_regex = op[negate] == '~';
	int key = find_key(word, (size_t)(op - word));
	struct term *t;

	if (key < 0)
		return unknown_key(p, word, (size_t)(op - word));
	if (is_regex && key != KEY_USER && key != KEY_LISTENER)
		return bad_value(p, word, "only user and listener take an expression");
	if ((t = term_add(p->sel, (enum key)key)) == NULL)
		return -ENOMEM;
	t->negate = negate;

	if (is_regex)
		return parse_regex(p, t, word, op + negate + 1);

	char *list = strdup(op + negate + 1);
	if (list == NULL)
		return -ENOMEM;
	int err = parse_values(p, t, word, list);
	free(list);
	if (err == 0)
		sort_ids(t);
	return err;
}

static int
parse_bare(struct parser *p, const char *word)
{
	struct term *t = NULL;

	for (size_t i = 0; i < p->sel->nterms; i++)
		if (p->sel->terms[i].bare)
			t = &p->sel->terms[i];
	if (t == NULL && (t = term_add(p->sel, KEY_USER)) == NULL)
		return -ENOMEM;
	t->bare = true;
	return parse_value(p, t, word, word);
}

static int
parse_word(struct parser *p, const char *word)
{
	const char *op = strpbrk(word, "=~");

	if (op == NULL)
		return parse_bare(p, word);
	if (op > word && op[-1] == '!')
		op--;
	return parse_term(p, word, op);
}

int
selector_parse(const char *const words[], size_t n, struct selector **ret,
    enum rpc_kind *kind, char *error, size_t size)
{
	struct selector *sel = calloc(1, sizeof(*sel));
	struct parser p = { .sel = sel, .kind = kind, .error = error, .size = size };
	int err = sel == NULL ? -ENOMEM : 0;

	for (size_t i = 0; err == 0 && i < n; i++)
		err = parse_word(&p, words[i]);
	if (err < 0) {
		selector_free(sel);
		return err;
	}
	*ret = sel;
	return 0;
}

void
selector_free(struct selector *sel)
{
	if (sel == NULL)
		return;
	for (size_t i = 0; i < sel->nterms; i++) {
		struct term *t = &sel->terms[i];

		for (size_t j = 0; j < t->nvalues; j++)
			free(t->values[j].text);
		free(t->values);
		if (t->is_regex)
			regfree(&t->regex);
	}
	free(sel->terms);
	free(sel);
}
