/*
 * edit_keys.c - what the keys do that libedit leaves to us: TAB, ?, Enter, paste;
 * and the hint behind the line.
 */
#include "ctl/edit_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/text.h"
#include "ctl/complete.h"

#define MANY 100	       /* candidates that are shown without asking */
#define MAX_PASTE (256 * 1024) /* characters; the rest is dropped */
#define HINT_MARK '\1'	       /* encloses what takes no room in the prompt */

/* --- the line as UTF-8 --- */

/* Appends characters without a NUL behind them; what cannot be said is left out. */
static int
append_wide(struct buffer *out, const wchar_t *from, const wchar_t *end)
{
	for (; from < end; from++) {
		mbstate_t state = { 0 };
		char bytes[MB_LEN_MAX];
		size_t len = wcrtomb(bytes, *from, &state);

		if (len != (size_t)-1 && buffer_append(out, bytes, len) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The whole line with its NUL; *ret_cursor in bytes. */
static int
copy_line(EditLine *el, struct buffer *out, size_t *ret_cursor)
{
	const LineInfoW *line = el_wline(el);
	int err = append_wide(out, line->buffer, line->cursor);

	*ret_cursor = out->len;
	if (err == 0)
		err = append_wide(out, line->cursor, line->lastchar);
	return err == 0 ? buffer_append(out, "", 1) : err;
}

static int
count_characters(const char *text, size_t len)
{
	int count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* --- TAB --- */

/*
 * Asks in the row of the cursor, which is below the line, and empties it again.
 * What happens meanwhile has to wait.
 */
static bool
ask(struct edit *e, const char *question)
{
	wchar_t c = L'n';

	fputs(question, e->out);
	fflush(e->out);
	e->is_asking = true;
	if (el_wgetc(e->el, &c) != 1)
		c = L'n';
	e->is_asking = false;
	fputs("\r\033[K", e->out);
	return c == L'y' || c == L'Y';
}

static bool
wants_all(struct edit *e, size_t count)
{
	char question[64];

	if (count <= MANY)
		return true;
	snprintf(question, sizeof(question), "show all %zu candidates? [y/N] ", count);
	return ask(e, question);
}

/* The words in columns, as they go on the screen. */
static int
list_words(struct buffer *text, const struct word_list *list, unsigned columns)
{
	const char **words = calloc(list->count, sizeof(*words));
	int err = words == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < list->count && err == 0; i++)
		words[i] = list->words[i].text;
	if (err == 0)
		err = screen_list(text, words, list->count, columns);
	free(words);
	return err;
}

static void
show_candidates(struct edit *e, const struct completion *c)
{
	struct buffer text;
	int err = 0;

	buffer_init(&text);
	screen_leave(&e->screen);
	if (wants_all(e, c->list.count))
		err = list_words(&text, &c->list, e->screen.columns);
	if (err == 0 && c->is_cut)
		err = buffer_append_text(&text, "... and more that begin so\n");
	if (err == 0 && buffer_append(&text, "", 1) == 0)
		screen_put(&e->screen, text.data);
	screen_refresh(&e->screen);
	buffer_clear(&text);
}

/* No word is due, but something is: below the line. */
static void
show_expected(struct edit *e, const char *expected)
{
	struct buffer text;

	buffer_init(&text);
	screen_leave(&e->screen);
	if (buffer_printf(&text, "  %s\n", expected) == 0 &&
	    buffer_append(&text, "", 1) == 0)
		screen_put(&e->screen, text.data);
	screen_refresh(&e->screen);
	buffer_clear(&text);
}

/* The cursor is between begin and end. */
static void
replace(EditLine *el, const char *line, size_t cursor, const struct completion *c)
{
	int behind = count_characters(line + cursor, c->end - cursor);

	el_cursor(el, behind);
	el_deletestr(el, count_characters(line + c->begin, c->end - c->begin));
	el_insertstr(el, c->insert);
}

static unsigned char
complete_key(EditLine *el, int key)
{
	struct edit *e = edit_of(el);
	struct completion found = { 0 };
	struct buffer line;
	size_t cursor;
	unsigned char result = CC_REFRESH_BEEP;
	int err;

	(void)key;
	buffer_init(&line);
	err = copy_line(el, &line, &cursor);
	if (err == 0)
		err = e->hooks.complete(e->hooks.ctx, line.data, cursor, &found);
	if (err == 0 && found.list.count > 0) {
		result = CC_REFRESH;
		if (found.is_progress) {
			replace(el, line.data, cursor, &found);
		} else {
			show_candidates(e, &found);
			result = CC_NORM;
		}
	} else if (err == 0 && found.expected != NULL) {
		show_expected(e, found.expected);
		result = CC_NORM;
	}
	completion_clear(&found);
	buffer_clear(&line);
	return result;
}

/* --- ? --- */

/* Below the line what may stand there; or it is a character like any other. */
static unsigned char
help_key(EditLine *el, int key)
{
	struct edit *e = edit_of(el);
	struct buffer line, text;
	int wanted;
	size_t cursor;

	(void)key;
	buffer_init(&line);
	buffer_init(&text);
	wanted = copy_line(el, &line, &cursor);
	if (wanted == 0)
		wanted = e->hooks.help(e->hooks.ctx, line.data, cursor, &text);
	if (wanted > 0)
		wanted = buffer_append(&text, "", 1) == 0 ? 1 : -ENOMEM;
	if (wanted > 0) {
		screen_leave(&e->screen);
		screen_put(&e->screen, text.data);
		screen_refresh(&e->screen);
	}
	buffer_clear(&text);
	buffer_clear(&line);
	if (wanted > 0)
		return CC_NORM;
	return wanted == 0 && el_insertstr(el, "?") == 0 ? CC_REFRESH : CC_ERROR;
}

/* --- hint and Enter --- */

/*
 * libedit draws the hint at the right edge if there is room. The blank at its
 * end is there because a sequence that no character follows is lost.
 */
static void
set_hint(struct edit *e, const char *text)
{
	e->hint[0] = '\0';
	if (text == NULL || *text == '\0' || strlen(text) > sizeof(e->hint) - 16)
		return;
	snprintf(e->hint, sizeof(e->hint), "%c\033[90m%c%s%c\033[0m%c ", HINT_MARK,
	    HINT_MARK, text, HINT_MARK, HINT_MARK);
}

static char *
shown_hint(EditLine *el)
{
	return edit_of(el)->hint;
}

/* libedit inserts letters without a look at the hint, so this comes after them. */
void
edit_keys_hint(struct edit *e)
{
	const LineInfoW *info = el_wline(e->el);
	const char *text = NULL;
	char before[sizeof(e->hint)];
	struct buffer line;
	size_t cursor;

	memcpy(before, e->hint, sizeof(before));
	buffer_init(&line);
	if (info->cursor == info->lastchar && info->cursor != info->buffer &&
	    copy_line(e->el, &line, &cursor) == 0)
		text = e->hooks.hint(e->hooks.ctx, line.data);
	set_hint(e, text);
	buffer_clear(&line);
	if (strcmp(before, e->hint) == 0)
		return;
	screen_wipe(&e->screen);
	screen_refresh(&e->screen);
}

/* The hint does not stay behind in what has been said. */
static unsigned char
enter_key(EditLine *el, int key)
{
	struct edit *e = edit_of(el);
	const LineInfoW *line = el_wline(el);
	size_t cursor;

	(void)key;
	set_hint(e, NULL);
	screen_wipe(&e->screen);
	el_cursor(el, (int)(line->lastchar - line->cursor));
	screen_refresh(&e->screen);
	buffer_clear(&e->line);
	if (copy_line(el, &e->line, &cursor) < 0)
		return CC_ERROR;
	fputs("\r\n", e->out);
	fflush(e->out);
	e->is_entered = true;
	return CC_NEWLINE;
}

/* --- paste --- */

static const wchar_t paste_end[] = L"\033[201~";

/* Reads up to the mark of the end. Returns 0, or -1 if the input ends before. */
static int
read_paste(EditLine *el, struct buffer *text)
{
	size_t matched = 0;
	wchar_t c = L'\0';

	while (paste_end[matched] != L'\0') {
		if (el_wgetc(el, &c) != 1)
			return -1;
		if (c == paste_end[matched]) {
			matched++;
			continue;
		}
		if (matched > 0 && text->len < MAX_PASTE)
			(void)append_wide(text, paste_end, paste_end + matched);
		matched = c == paste_end[0];
		if (matched == 0 && text->len < MAX_PASTE)
			(void)append_wide(text, &c, &c + 1);
	}
	return 0;
}

/* \r\n and \r are newlines, a tab is a blank, and nothing else may drive us. */
static int
clean_paste(const struct buffer *text, struct buffer *clean)
{
	uint32_t c;
	size_t used;
	int err = 0;

	for (size_t i = 0; i < text->len && err == 0; i += used) {
		used = text_utf8_decode(text->data + i, text->len - i, &c);
		used = used == 0 ? 1 : used;
		char byte = text->data[i];
		char next = i + 1 < text->len ? text->data[i + 1] : '\0';

		if (byte == '\n' || (byte == '\r' && next != '\n'))
			err = buffer_append(clean, "\n", 1);
		else if (byte == '\t')
			err = buffer_append(clean, " ", 1);
		else if (!text_is_unsafe(c))
			err = buffer_append(clean, text->data + i, used);
	}
	while (clean->len > 0 && clean->data[clean->len - 1] == '\n')
		clean->len--;
	return err == 0 ? buffer_append(clean, "", 1) : err;
}

static size_t
count_lines(const char *text)
{
	size_t count = 1;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

/* What was typed before the paste is the beginning of its first line. */
static int
keep_lines(struct edit *e, const char *text)
{
	size_t cursor;
	int err;

	buffer_clear(&e->pasted);
	err = copy_line(e->el, &e->pasted, &cursor);
	if (err < 0)
		return err;
	e->pasted.len--; /* the NUL */
	return buffer_append(&e->pasted, text, strlen(text) + 1);
}

/* Several lines are several commands: they are shown, and run only if wanted. */
static unsigned char
offer_lines(struct edit *e, const char *text)
{
	char question[64];

	if (keep_lines(e, text) < 0)
		return CC_ERROR;
	screen_leave(&e->screen);
	screen_put(&e->screen, e->pasted.data);
	snprintf(question, sizeof(question), "run these %zu lines? [y/N] ",
	    count_lines(text));
	if (!ask(e, question)) {
		buffer_clear(&e->pasted);
		screen_refresh(&e->screen);
		return CC_NORM;
	}
	fflush(e->out);
	e->is_entered = true;
	buffer_clear(&e->line);
	return buffer_append(&e->line, "", 1) == 0 ? CC_NEWLINE : CC_ERROR;
}

static unsigned char
paste_key(EditLine *el, int key)
{
	struct edit *e = edit_of(el);
	unsigned char result = CC_ERROR;
	struct buffer text, clean;

	(void)key;
	buffer_init(&text);
	buffer_init(&clean);
	if (read_paste(el, &text) == 0 && clean_paste(&text, &clean) == 0) {
		if (strchr(clean.data, '\n') != NULL)
			result = offer_lines(e, clean.data);
		else
			result =
			    el_insertstr(el, clean.data) == 0 ? CC_REFRESH : CC_ERROR;
	}
	buffer_clear(&text);
	buffer_clear(&clean);
	return result;
}

enum edit_result
edit_keys_next_pasted(struct edit *e)
{
	size_t len = strcspn(e->pasted.data, "\n");
	bool is_last = e->pasted.data[len] == '\0';

	if (buffer_append(&e->line, e->pasted.data, len) < 0 ||
	    buffer_append(&e->line, "", 1) < 0)
		return EDIT_END;
	buffer_consume(&e->pasted, is_last ? e->pasted.len : len + 1);
	fprintf(e->out, "%s%s\n", e->hooks.prompt(e->hooks.ctx), e->line.data);
	fflush(e->out);
	return EDIT_LINE;
}

/* Raw before the prompt, so that what is typed at once is not echoed twice. */
void
edit_keys_begin(struct edit *e)
{
	el_set(e->el, EL_PREP_TERM, 1);
	fputs("\033[?2004h", e->out);
}

void
edit_keys_end(struct edit *e)
{
	fputs("\033[?2004l", e->out);
	fflush(e->out);
}

/* --- which key does what --- */

static const struct {
	const char *key, *function;
} bindings[] = {
	{ "^I", "poolctl-complete" },
	{ "?", "poolctl-help" },
	{ "^M", "poolctl-enter" },
	{ "^J", "poolctl-enter" },
	{ "\\e[200~", "poolctl-paste" },
	{ "^R", "em-inc-search-prev" },
	{ "^W", "ed-delete-prev-word" },
	{ "\\e[3~", "ed-delete-next-char" },
	{ "\\e[1;5D", "ed-prev-word" },
	{ "\\e[1;5C", "em-next-word" },
	{ "\\e[1~", "ed-move-to-beg" },
	{ "\\e[4~", "ed-move-to-end" },
};

static void
bind_all(EditLine *el)
{
	for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++)
		el_set(el, EL_BIND, bindings[i].key, bindings[i].function, NULL);
}

void
edit_keys_bind(struct edit *e)
{
	const char *editor = NULL;

	el_set(e->el, EL_EDITOR, "emacs");
	el_set(e->el, EL_ADDFN, "poolctl-complete", "complete the word", complete_key);
	el_set(e->el, EL_ADDFN, "poolctl-help", "what may stand here", help_key);
	el_set(e->el, EL_ADDFN, "poolctl-enter", "run the line", enter_key);
	el_set(e->el, EL_ADDFN, "poolctl-paste", "insert what is pasted", paste_key);
	el_set(e->el, EL_RPROMPT_ESC, shown_hint, HINT_MARK);
	bind_all(e->el);
	el_source(e->el, NULL);
	/* `bind -v` in there begins with a new table of keys */
	if (el_get(e->el, EL_EDITOR, &editor) == 0 && strcmp(editor, "vi") == 0)
		bind_all(e->el);
}
