/*
 * fuzz_selector.c - any words as a selector: a filter or a sentence, never a crash
 * or a pattern that takes for ever. Words are separated by line ends. Each is tried
 * as a time too.
 */
#include "server/selector.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define WORDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
split(char *text, const char *words[WORDS_MAX])
{
	size_t n = 0;

	for (char *at = text; at != NULL && n < WORDS_MAX; n++)
		words[n] = strsep(&at, "\n");
	return n;
}

static void
match(const struct selector *sel)
{
	struct row row = {
		.handle = { .id = 7 },
		.state = STATE_ACTIVE,
		.user =
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.listener = "127.0.0.1:7420",
		.now_ms = 1000000,
		.created_ms = 1,
		.input_ms = 500000,
	};

	(void)selector_match(sel, &row);
	(void)selector_one_user(sel);
	(void)selector_fits_events(sel);
	(void)selector_of_the_living(sel);
	for (size_t i = 0; selector_user(sel, i) != NULL; i++)
		assert(i < 65536);
}

/* What is read is read again as it is shown, to the millisecond. */
static void
read_time(const char *word)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t us = 0, again = 0;

	if (clock_parse(word, &us) < 0 || us < 0 || us > 4102444800000000)
		return;
	assert(clock_parse(clock_text(us, text), &again) == 0);
	assert(again == us - us % 1000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	const char *words[WORDS_MAX];
	struct selector *sel = NULL;
	enum rpc_kind kind = RPC_KINDS;
	char error[512] = "";
	size_t n;

	if (text == NULL)
		return 0;
	n = split(text, words);
	for (size_t i = 0; i < n; i++)
		read_time(words[i]);
	if (selector_parse(words, n, &sel, &kind, error, sizeof(error)) == 0) {
		match(sel);
		selector_free(sel);
	} else {
		assert(sel == NULL && error[0] != '\0');
		assert(kind == RPC_UNKNOWN_KEY || kind == RPC_BAD_VALUE);
	}
	free(text);
	return 0;
}
