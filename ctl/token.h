/*
 * token.h - a line of a batch file or of the prompt, cut into words.
 *
 * Blanks separate. '...' keeps all, "..." keeps all but \" and \\, a backslash
 * outside quotes keeps the next character. A # where a word could begin starts
 * a comment. There is no expansion of any kind. Any thread.
 */
#ifndef CTL_TOKEN_H
#define CTL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

struct token {
	char *text;   /* unquoted; NUL-terminated */
	size_t begin; /* bytes of the line, from here */
	size_t end;   /* to here, quotes included */
};

struct tokens {
	struct token *items;
	size_t count;
	char open;    /* ' or " if the line ends inside quotes, \ after a lone one */
	bool comment; /* the line ends in a comment */
};

/*
 * Cuts the first len bytes of line. An unfinished quote is no error here: its
 * word reaches to the end of the line and `open` says so. Returns 0, -EINVAL
 * (a NUL byte) or -ENOMEM; on failure *ret holds nothing.
 */
int tokens_split(const char *line, size_t len, struct tokens *ret);
void tokens_clear(struct tokens *t);

/*
 * Appends word so that it is read back as one word; quote is the kind of quote
 * already open before it, or 0. Returns 0 or -ENOMEM.
 */
struct buffer;
int token_quote(struct buffer *out, const char *word, char quote);

#endif
