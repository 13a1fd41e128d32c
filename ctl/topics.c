/*
 * topics.c - help on what belongs to no single command: the overview, the topics.
 */
#include "ctl/topics.h"

#include <string.h>

#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/help_text.h"
#include "ctl/output.h"

#define LINE_WIDTH 78

static const struct {
	const char *title;
	enum role role;
} sections[] = {
	{ "Look (role viewer)", ROLE_VIEWER },
	{ "Act (operator)", ROLE_OPERATOR },
	{ "Change (admin)", ROLE_ADMIN },
	{ "Local", ROLE_NONE },
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

/* "kick", "list|who" */
static const char *
name_of(const struct command *cmd, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s", cmd->words, cmd->alias ? "|" : "",
	    cmd->alias ? cmd->alias : "");
	return text;
}

/* --- the overview --- */

struct line { /* words with blanks between, broken at the edge */
	FILE *out;
	size_t used;
};

static void
put_word(struct line *line, const char *word)
{
	size_t len = strlen(word);

	if (line->used > 0 && line->used + 2 + len > LINE_WIDTH) {
		fputc('\n', line->out);
		line->used = 0;
	}
	line->used += (size_t)fprintf(line->out, "  %s", word);
}

static size_t
first_len(const struct command *cmd)
{
	return strcspn(cmd->words, " ");
}

static bool
same_first(const struct command *a, const struct command *b)
{
	return first_len(a) == first_len(b) &&
	       strncmp(a->words, b->words, first_len(a)) == 0;
}

/* "ban add|del" of the commands with this role; "" if another one has said it. */
static void
group_text(size_t at, enum role role, char *text, size_t size)
{
	const struct command *first = command_at(at);
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < at; i++)
		if (same_first(command_at(i), first) &&
		    command_role(command_at(i)) == role)
			return;
	for (size_t i = at; i < command_count() && used < size; i++)
		if (same_first(command_at(i), first) &&
		    command_role(command_at(i)) == role)
			used += (size_t)snprintf(text + used, size - used, "%s%s",
			    used > 0 ? "|" : "",
			    command_at(i)->words +
				(used > 0 ? first_len(first) + 1 : 0));
}

static void
put_group(FILE *out, const char *title, enum role role)
{
	struct line line = { .out = out };
	char text[160];

	fprintf(out, "%s\n", title);
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *cmd = command_at(i);

		if (command_role(cmd) != role)
			continue;
		if (cmd->words[first_len(cmd)] == ' ')
			group_text(i, role, text, sizeof(text));
		else
			(void)name_of(cmd, text, sizeof(text));
		if (text[0] != '\0')
			put_word(&line, text);
	}
	fputc('\n', out);
}

static void
put_topics(FILE *out)
{
	struct line line = { .out = out };

	for (const struct topic *t = topics; t->word; t++)
		put_word(&line, t->word);
	fputc('\n', out);
}

void
topics_put_overview(FILE *out)
{
	fputs("usage: poolctl [OPTIONS] [COMMAND [ARGUMENTS] | -f FILE | -]\n", out);
	for (size_t i = 0; i < SECTIONS; i++)
		put_group(out, sections[i].title, sections[i].role);
	fputs(
	    "\"poolctl help COMMAND\" tells what one does, with examples; also\n", out);
	put_topics(out);
	fputs("\nFor a start\n"
	      "  list --sort idle:desc -L 10             silent for longest\n"
	      "  send idle=+10m 'still there?'           a message to all such\n"
	      "  kick idle=+10m --ban 1h --dry-run       whom it would end; then "
	      "without\n"
	      "  set connection_timeout=2m --persist     a setting, for good\n"
	      "  events --last 20 --no-follow            what has happened\n"
	      "  explain alice                           why a user was disconnected\n",
	    out);
}

/* --- the topics --- */

/* The commands that need this role, a line each. */
static void
put_section(FILE *out, enum role role)
{
	char name[160];

	for (size_t i = 0; i < command_count(); i++) {
		const struct command *cmd = command_at(i);

		if (command_role(cmd) == role)
			help_put_pair(
			    out, name_of(cmd, name, sizeof(name)), cmd->summary);
	}
}

static void
put_commands(FILE *out)
{
	for (size_t i = 0; i < SECTIONS; i++) {
		fprintf(out, "%s%s\n", i > 0 ? "\n" : "", sections[i].title);
		put_section(out, sections[i].role);
	}
}

static void
put_global_options(FILE *out)
{
	fputs("Before or after every command\n", out);
	help_put_options(out, command_global_options);
}

static const struct {
	const char *word, *example, *summary;
} selectors[] = {
#define SELECTOR(id, word, example, summary) { word, example, summary },
#include "common/selectors.def"
#undef SELECTOR
};
#define SELECTORS (sizeof(selectors) / sizeof(selectors[0]))

static void
put_selectors(FILE *out)
{
	char left[64];

	fputs("Words that say whom a command means: all of them have to match.\n", out);
	help_put_pair(out, "alice bob", "these users exactly, one or the other");
	help_put_pair(out, "KEY=A,B  KEY!=A,B", "one of the values; none of them");
	help_put_pair(out, "KEY~REGEX  KEY!~REGEX",
	    "matches or not, only user and listener: user~^bot-");
	fputs("\nKeys\n", out);
	for (size_t i = 0; i < SELECTORS; i++) {
		snprintf(left, sizeof(left), "%s=%s", selectors[i].word,
		    selectors[i].example);
		help_put_pair(out, left, selectors[i].summary);
	}
	fputs(
	    "\n+10m is more than ten minutes, -10m less. What \"list\" shows for them "
	    "is what\nkick, send, ban add and drain start would hit.\n",
	    out);
}

static void
put_output(FILE *out)
{
	fputs("-o FORMAT, or POOLCTL_OUTPUT\n", out);
	for (int i = 0; i < FORMATS; i++)
		help_put_pair(
		    out, format_word((enum format)i), format_summary((enum format)i));
	fputs("\n\"COMMAND --columns a,b\" shows these columns, \"--columns +a\" one "
	      "more; -H leaves\nout their titles, --raw-units and --utc are for "
	      "programs.\n",
	    out);
}

static void
put_exit_status(FILE *out)
{
	char number[16];
	int statuses[] = { STATUS_DONE, STATUS_REFUSED, STATUS_USAGE,
		STATUS_UNREACHABLE, STATUS_NO_MATCH, STATUS_DENIED, STATUS_UNKNOWN,
		STATUS_PARTLY, STATUS_INTERRUPTED, STATUS_PIPE, STATUS_TERMINATED };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		snprintf(number, sizeof(number), "%d", statuses[i]);
		help_put_pair(out, number, status_text(statuses[i]));
	}
	fputs("\"check\" has its own: 0 ok, 1 warning, 2 critical, 3 unknown.\n", out);
}

static void
put_prompt(FILE *out)
{
	help_put_pair(out, "TAB", "complete the word, or show what it may be");
	help_put_pair(out, "?", "what may stand there, and what it means");
	help_put_pair(out, "Ctrl-C", "clear the line; stop a command");
	help_put_pair(out, "Ctrl-R", "search the lines typed before");
	help_put_pair(out, "events on|off", "show what happens above the line");
	help_put_pair(out, "$?", "exit status of the last command");
	help_put_pair(out, "codes on|off", "tell it after each command that fails");
	help_put_pair(out, "exit, Ctrl-D", "leave");
}

const struct topic topics[] = {
	{ "commands", "all commands, a line each", put_commands },
	{ "options", "what goes with every command", put_global_options },
	{ "selectors", "whom a command means", put_selectors },
	{ "output", "formats and columns", put_output },
	{ "exit-status", "what it tells", put_exit_status },
	{ "prompt", "keys and words of the prompt", put_prompt },
	{ NULL, NULL, NULL },
};

const struct topic *
topics_find(const char *word)
{
	for (const struct topic *t = topics; t->word; t++)
		if (strcmp(t->word, word) == 0)
			return t;
	return NULL;
}

bool
topics_selector(const char *key, size_t len, char *text, size_t size)
{
	for (size_t i = 0; i < SELECTORS; i++) {
		const char *word = selectors[i].word, *example = selectors[i].example;

		if (strlen(word) != len || strncmp(word, key, len) != 0)
			continue;
		if (example[0] == '+')
			snprintf(text, size, "%s=%s for more, %s=-%s for less: %s",
			    word, example, word, example + 1, selectors[i].summary);
		else
			snprintf(text, size, "%s=%s for example: %s", word, example,
			    selectors[i].summary);
		return true;
	}
	return false;
}
