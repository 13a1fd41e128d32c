/*
 * completion.c - completion in the shells. Main thread.
 */
#include "ctl/completion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "ctl/args.h"
#include "ctl/complete_live.h"
#include "ctl/session.h"
#include "ctl/token.h"
#include "ctl/verbs.h"

/* script_bash, script_zsh, script_fish: made from completion/ */
#include "completion_scripts.inc"

/* Neither quoted nor cut by a shell. */
#define PLAIN_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-"

struct answer {
	struct session *session;
	struct buffer line; /* up to the cursor, from the command on */
	const char *text;   /* bash: what is replaced; NULL: the whole word */
	char *socket;	    /* that the line names, or NULL */
};

/* --- the line --- */

/* bash: the line without its first word, which may be a path. */
static int
take_line(struct answer *a, const char *line)
{
	struct tokens tokens;
	size_t skip;
	int err = tokens_split(line, strlen(line), &tokens);

	if (err < 0)
		return err;
	skip = tokens.count > 0 ? tokens.items[0].end : 0;
	tokens_clear(&tokens);
	err = buffer_append_text(&a->line, line + skip);
	return err == 0 ? buffer_append(&a->line, "", 1) : err;
}

/* The last word stays open, for the cursor is behind it. */
static int
take_words(struct answer *a, int argc, char *const argv[])
{
	int err = 0;

	for (int i = 0; i < argc && err == 0; i++) {
		bool is_empty = argv[i][0] == '\0';

		if (i > 0)
			err = buffer_append(&a->line, " ", 1);
		if (err == 0 && is_empty && i + 1 < argc)
			err = buffer_append_text(&a->line, "''");
		else if (err == 0)
			err = token_quote(&a->line, argv[i], '\0');
	}
	return err == 0 ? buffer_append(&a->line, "", 1) : err;
}

/* "-s PATH", "-sPATH", "--socket=PATH": that daemon is asked. */
static void
find_socket(struct answer *a)
{
	struct tokens t;
	const char *path = NULL;

	if (tokens_split(a->line.data, strlen(a->line.data), &t) < 0)
		return;
	for (size_t i = 0; i < t.count; i++) {
		const char *word = t.items[i].text;

		if (strncmp(word, "--socket=", 9) == 0)
			path = word + 9;
		else if (strncmp(word, "-s", 2) == 0 && word[2] != '\0')
			path = word + 2;
		else if (i + 1 < t.count &&
			 (strcmp(word, "-s") == 0 || strcmp(word, "--socket") == 0))
			path = t.items[i + 1].text;
	}
	if (path != NULL)
		a->socket = strdup(path);
	tokens_clear(&t);
}

/* --- the candidates --- */

/*
 * How many bytes of the whole word bash leaves where they are: what it calls the
 * word may begin at a = or : inside of ours. raw is ours as it is typed.
 */
static size_t
bytes_kept(const struct answer *a, const char *raw)
{
	size_t len = strlen(raw), text = strlen(a->text), kept = 0;
	struct tokens t;

	if (text > len || strcmp(raw + len - text, a->text) != 0)
		return 0;
	if (tokens_split(raw, len - text, &t) < 0)
		return 0;
	if (t.count > 0)
		kept = strlen(t.items[t.count - 1].text);
	tokens_clear(&t);
	return kept;
}

/* Closes the quote that is open, if one is, around what it cannot hold. */
static void
put_outside(FILE *out, char c, char quote)
{
	if (quote != '\0')
		fputc(quote, out);
	fprintf(out, "\\%c", c);
	if (quote != '\0')
		fputc(quote, out);
}

/* Whether a quote of bash takes the byte as it is; '\0': none is open. */
static bool
is_plain(char c, char quote)
{
	if (quote == '\'')
		return c != '\'';
	if (quote == '"')
		return strchr("$`!\"\\", c) == NULL;
	return ((unsigned char)c & 0x80) || strchr(PLAIN_CHARACTERS, c) != NULL;
}

/*
 * As bash has to read it, so that no byte of a name does anything. Within "..." a
 * backslash would do for $ and `, but not for !, and it means less to our own words.
 */
static void
put_quoted(FILE *out, const char *word, char quote)
{
	for (; *word != '\0'; word++) {
		if (is_plain(*word, quote))
			fputc(*word, out);
		else
			put_outside(out, *word, quote);
	}
	fputc('\n', out);
}

/* The quote that the cursor is in, or '\0'. */
static char
open_quote(const struct answer *a)
{
	struct tokens t;
	char quote = '\0';

	if (tokens_split(a->line.data, strlen(a->line.data), &t) < 0)
		return '\0';
	if (t.open == '"' || t.open == '\'')
		quote = t.open;
	tokens_clear(&t);
	return quote;
}

static int
put_candidates(const struct answer *a, const struct completion *c)
{
	FILE *out = a->session->out;
	const char *raw = a->line.data + c->begin;
	char quote = open_quote(a);
	size_t kept = a->text != NULL ? bytes_kept(a, raw) : 0;
	struct buffer word;
	int err = 0;

	buffer_init(&word);
	for (size_t i = 0; i < c->list.count && err == 0; i++) {
		const struct word *found = &c->list.words[i];

		buffer_clear(&word);
		err = buffer_printf(&word, "%s%s", c->lead, found->text);
		if (err == 0)
			err = buffer_append(&word, "", 1);
		if (err < 0 || !text_is_plain(word.data, word.len - 1) ||
		    kept >= word.len)
			continue;
		if (a->text != NULL)
			put_quoted(out, word.data + kept, quote);
		else
			fprintf(out, "%s%s%s\n", word.data, found->note ? "\t" : "",
			    found->note ? found->note : "");
	}
	buffer_clear(&word);
	return err;
}

static int
answer(struct answer *a)
{
	struct complete_live live;
	const struct complete_source source = { NULL, complete_live_ask, &live,
		complete_live_tell };
	struct completion found;
	int err;

	find_socket(a);
	if (a->socket != NULL)
		a->session->options.socket = a->socket;
	complete_live_init(&live, a->session);
	err = complete_line(a->line.data, strlen(a->line.data), &source, &found);
	if (err == 0)
		err = put_candidates(a, &found);
	completion_clear(&found);
	complete_live_clear(&live);
	return err;
}

int
completion_answer(struct session *s, int argc, char *const argv[])
{
	struct answer a = { .session = s };
	int err = -EINVAL;

	buffer_init(&a.line);
	if (argc == 3 && strcmp(argv[0], "bash") == 0) {
		a.text = argv[2];
		err = take_line(&a, argv[1]);
	} else if (argc >= 2 && strcmp(argv[0], "words") == 0) {
		err = take_words(&a, argc - 1, argv + 1);
	}
	if (err == 0)
		err = answer(&a);
	s->options.socket = NULL;
	free(a.socket);
	buffer_clear(&a.line);
	return err == 0 ? 0 : STATUS_USAGE;
}

/* --- the scripts --- */

static int
run_completion(struct session *s, struct args *a)
{
	const char *shell = a->operands[0];

	if (s->capture)
		return session_fail(s, STATUS_USAGE, "not in a jsonl batch");
	fputs(strcmp(shell, "bash") == 0  ? script_bash
	      : strcmp(shell, "zsh") == 0 ? script_zsh
					  : script_fish,
	    s->out);
	return session_flush(s, 0);
}

const struct command verb_completion = {
	.words = "completion",
	.operands = "SHELL",
	.summary = "a script that completes poolctl in bash, zsh or fish",
	.details = "make install puts it where the shell looks. To try it:",
	.examples = "  poolctl completion bash > ~/.local/share/bash-completion/"
		    "completions/poolctl\n"
		    "  poolctl completion zsh > ~/.zsh/functions/_poolctl\n"
		    "  poolctl completion fish > ~/.config/fish/completions/"
		    "poolctl.fish\n",
	.method = METHOD_IDS,
	.operand = VALUE_WORD,
	.operand_words = "bash|zsh|fish",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_completion,
};
