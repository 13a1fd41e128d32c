/*
 * command.h - the commands of poolctl as a table: what runs, helps, completes.
 *
 * Each command is one struct in the command_<noun>.c file that runs it;
 * command.c lists them. Limits, enums and completion of a parameter come from
 * common/methods.def, so they are written once. Constant data. Any thread.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "common/methods.h"

struct args;
struct session;

/* What an option or operand takes: how it is checked and completed. */
enum value_kind {
	VALUE_NONE,	  /* a flag; of operands: there are none */
	VALUE_TEXT,	  /* anything */
	VALUE_COUNT,	  /* decimal digits */
	VALUE_NUMBER,	  /* 10, 0.5, and a unit "/s" that may follow */
	VALUE_DURATION,	  /* 90s, 5m */
	VALUE_PERIOD,	  /* the same, but not 0 */
	VALUE_SIZE,	  /* 64KiB, 10M */
	VALUE_PERCENT,	  /* 80, 99.5, 80% */
	VALUE_RATE,	  /* as VALUE_NUMBER, or 0 */
	VALUE_RETRY,	  /* a duration or "never" */
	VALUE_SINCE,	  /* a time, or a duration back from now */
	VALUE_WORD,	  /* one of the words of the spec or of its parameter */
	VALUE_WORDS,	  /* several of them, with commas */
	VALUE_FILE,	  /* name of a file, "-" for stdin */
	VALUE_COLUMNS,	  /* columns of the command, with commas, +x adds */
	VALUE_SORT,	  /* a column, :desc may follow */
	VALUE_USER,	  /* user id */
	VALUE_SELECTOR,	  /* operand: selector words */
	VALUE_LISTENER,	  /* operand: names of listeners */
	VALUE_BAN,	  /* operand: rules as they are listed */
	VALUE_SETTING,	  /* operand: names of settings */
	VALUE_ASSIGNMENT, /* operand: SETTING=VALUE */
	VALUE_COMMAND,	  /* operand: words of a command (help) */
	VALUE_CONDITION,  /* operand: what to wait for */
	VALUE_MESSAGE,	  /* operand: the text of a message, never kept */
};

struct option_spec {
	const char *name;     /* long name, without the dashes; NULL ends a list */
	char letter;	      /* short name, or 0 */
	enum value_kind kind; /* VALUE_NONE: takes no value */
	const char *value;    /* stands for it in the help: "DURATION" */
	const char *words;    /* VALUE_WORD(S): "a|b|c"; NULL: those of param */
	const char *param;    /* parameter of the method it fills, or NULL */
	const char *summary;
};

/* Of all that is done by operators; a row for the table of a command. */
/* clang-format off */
#define COMMENT_OPTION \
	{ "comment", 0, VALUE_TEXT, "TEXT", NULL, "comment", "for the audit" }
/* clang-format on */

struct command {
	const char *words;		   /* "config list", "kick" */
	const char *alias;		   /* another way to say it, or NULL */
	const char *operands;		   /* of the usage line: "[SELECTOR...]" */
	const char *summary;		   /* one line, no full stop */
	const char *details;		   /* paragraphs for `help COMMAND`, or NULL */
	const char *examples;		   /* lines, each ends in \n, or NULL */
	enum method_id method;		   /* METHOD_IDS: runs without the daemon */
	const struct option_spec *options; /* ends with name == NULL; may be NULL */
	enum value_kind operand;	   /* of each operand */
	enum value_kind last_operand;	   /* of the last one, if it differs */
	const char *operand_words;	   /* VALUE_WORD: "a|b" */
	size_t min_operands, max_operands; /* SIZE_MAX: any number */
	bool is_whole;			   /* no prefix of it will do */
	const struct column *columns;	   /* VALUE_COLUMNS, VALUE_SORT; NULL: none */
	size_t ncolumns;
	int (*run)(struct session *s, struct args *a); /* returns a status */
	/* When the words are wrong, instead of the usual report. NULL: as usual. */
	int (*misused)(struct session *s, const char *error);
	const char *group;	 /* its first word, if that alone means it, or NULL */
	const char *meanings[4]; /* of status 0 to 3; NULL: what it means elsewhere */
};

/* In the order of the manual; i < command_count(). */
const struct command *command_at(size_t i);
size_t command_count(void);

/*
 * The command that the n words begin with ("config", "list", "x"); *ret_used
 * is how many of them name it. NULL: none.
 */
const struct command *command_find(
    const char *const words[], size_t n, size_t *ret_used);

/*
 * The same for the prompt, where each word may be a unique prefix. With more
 * than one candidate the result is NULL and their words are in
 * candidates[0..*ret_count), at most `max`.
 */
const struct command *command_find_prefix(const char *const words[], size_t n,
    size_t *ret_used, const char *candidates[], size_t max, size_t *ret_count);

/* The command that is_whole and that the words would be short for, or NULL. */
const struct command *command_whole(const char *const words[], size_t n);

/* The command that is meant when the first word of a group stands alone, or NULL. */
const struct command *command_of_group(const char *word);

/* What a status means, in a few words; cmd NULL: it is of no command. */
const char *command_status_text(const struct command *cmd, int status);

/*
 * The words that may follow one that is no command by itself ("config"), as "list,
 * get, set" in text[size]. False: there are none.
 */
bool command_group(const char *word, char *text, size_t size);

/* Least role that may run it; NONE for a local command. */
enum role command_role(const struct command *cmd);

/* An option of cmd (or NULL) or a global one, by long or short name; NULL: none. */
const struct option_spec *command_option(
    const struct command *cmd, const char *name, size_t len);
const struct option_spec *command_option_letter(const struct command *cmd, char letter);

enum global_option {
	GLOBAL_SOCKET,
	GLOBAL_TIMEOUT,
	GLOBAL_OUTPUT,
	GLOBAL_JSON,
	GLOBAL_NO_HEADER,
	GLOBAL_COLUMNS,
	GLOBAL_UTC,
	GLOBAL_RAW_UNITS,
	GLOBAL_COLOR,
	GLOBAL_QUIET,
	GLOBAL_VERBOSE,
	GLOBAL_TRACE,
	GLOBAL_AS,
	GLOBAL_FILE,
	GLOBAL_KEEP_GOING,
	GLOBAL_HELP,
	GLOBAL_VERSION,
	GLOBAL_OPTIONS
};

/* Options that go before or after every command; ends with name == NULL. */
extern const struct option_spec command_global_options[GLOBAL_OPTIONS + 1];

/* Words of a VALUE_WORD(S) option, "a|b|c", or "". */
const char *option_words(const struct command *cmd, const struct option_spec *spec);

/* Kind for the method `complete` that yields values of spec, or "". */
const char *option_complete(const struct command *cmd, const struct option_spec *spec);

#endif
