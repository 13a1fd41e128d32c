/*
 * config_view.c - how settings and changes of them are shown.
 */
#include "ctl/config_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "ctl/columns.h"
#include "ctl/member.h"
#include "ctl/session.h"

/* clang-format off */
static const struct column columns_changed[] = {
	{ "NAME",     "name",	  COLUMN_KEY,	 COLUMN_ALWAYS, true },
	{ "OLD",      "old",	  COLUMN_KEY,	 COLUMN_ALWAYS, false },
	{ "NEW",      "new",	  COLUMN_KEY,	 COLUMN_ALWAYS, false },
	{ "APPLIES",  "applies",  COLUMN_KEY,	 COLUMN_ALWAYS, false },
	{ "AFFECTED", "affected", COLUMN_NUMBER, COLUMN_ALWAYS, false },
};
/* clang-format on */

const char *
config_view_number(double number, const char *unit, char text[UNITS_TEXT_SIZE])
{
	if (strcmp(unit, "s") == 0)
		return units_duration((int64_t)(number * 1000 + 0.5), text);
	if (strcmp(unit, "bytes") == 0)
		return units_size((int64_t)number, text);
	return NULL;
}

/* "runtime by 0 at TIME", "pending by 0 until TIME": where the number begins. */
static const char *
uid_of_source(const char *source)
{
	const char *by = strstr(source, " by ");
	size_t digits = by ? strspn(by + 4, "0123456789") : 0;

	return digits > 0 && by[4 + digits] == ' ' ? by + 4 : NULL;
}

/* Its account and its time as tables show them. */
void
config_view_source(json_t *row, struct column_style style)
{
	const char *source = member_text(row, "source"), *uid = uid_of_source(source);
	struct buffer text;
	char *rest;
	int err;

	if (!uid)
		return;
	buffer_init(&text);
	err = buffer_append(&text, source, (size_t)(uid - source));
	if (err == 0)
		err = column_uid(&text, strtoll(uid, &rest, 10));
	if (err == 0)
		err = column_text_times(&text, rest, style);
	if (err == 0)
		json_object_set_new(row, "source", json_stringn(text.data, text.len));
	buffer_clear(&text);
}

/* Whom the change hits, as a part of a sentence; "" if nobody. */
static const char *
effect_of(const json_t *row, bool is_done, char *text, size_t size)
{
	long long affected = member_number(row, "affected");
	long long over_by = member_number(row, "over_by");

	*text = '\0';
	if (affected > 0)
		snprintf(text, size, "; %lld connection%s %s now", affected,
		    affected == 1 ? "" : "s",
		    !is_done	    ? "would end"
		    : affected == 1 ? "ends"
				    : "end");
	else if (over_by > 0)
		snprintf(text, size,
		    "; %lld are logged in, %lld more than the limit; nobody is ended",
		    member_number(row, "current"), over_by);
	return text;
}

void
config_view_say(struct session *s, const json_t *row, const char *what)
{
	struct buffer old, new;

	buffer_init(&old);
	buffer_init(&new);
	(void)column_value(&old, json_object_get(row, "old"));
	(void)column_value(&new, json_object_get(row, "new"));
	session_say(s, "%s: %.*s -> %.*s   (%s)", member_text(row, "name"),
	    old.data ? (int)old.len : 2, old.data ? old.data : "\"\"",
	    new.data ? (int)new.len : 2, new.data ? new.data : "\"\"", what);
	buffer_clear(&old);
	buffer_clear(&new);
}

/* When a change takes effect, and whom it hits. */
static void
say_change(struct session *s, const json_t *row, bool is_done)
{
	const char *applies = member_text(row, "applies");
	char effect[128], what[192];

	if (strcmp(applies, "live") == 0)
		applies = "applies at once";
	else if (strcmp(applies, "restart") == 0)
		applies = "applies after a restart";
	snprintf(what, sizeof(what), "%s%s", applies,
	    effect_of(row, is_done, effect, sizeof(effect)));
	config_view_say(s, row, what);
}

/* What becomes of the change: saved, waiting, or still there after all. */
static void
say_future(struct session *s, const json_t *result)
{
	double wait_s = json_number_value(json_object_get(result, "confirm_s"));
	bool persist = json_is_true(json_object_get(result, "save_on_confirm"));
	json_t *name;
	size_t i;

	if (wait_s > 0)
		session_say(s,
		    "not saved; goes back in %g s unless \"poolctl config "
		    "confirm\"%s",
		    wait_s, persist ? ", which saves it too" : "");
	json_array_foreach(json_object_get(result, "still_saved"), i, name)
		session_say(s, "%s is saved; --persist takes it out of there",
		    json_string_value(name));
	config_view_saved(s, result);
}

void
config_view_saved(struct session *s, const json_t *result)
{
	if (json_is_true(json_object_get(result, "persisted")))
		session_say(s, "saved in %s", member_text(result, "file"));
}

int
config_view_warn(struct session *s, const json_t *result)
{
	const char *warning = member_text(result, "warning");

	if (!warning[0])
		return 0;
	return session_fail(s, STATUS_PARTLY, "saved, but: %s", warning);
}

static void
say_names(struct session *s, const char *what, const json_t *names)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)names, i, item)
		session_say(s, "%s: %s", what,
		    json_is_string(item) ? json_string_value(item)
					 : member_text(item, "name"));
}

/* What the admin has written does nothing as long as it is saved otherwise. */
static void
say_hidden(struct session *s, const json_t *hidden)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)hidden, i, row)
		session_say(s,
		    "%s: the file says %s, the saved %s is stronger; \"config unset "
		    "%s --persist\" takes that away",
		    member_text(row, "name"), member_text(row, "file"),
		    member_text(row, "saved"), member_text(row, "name"));
}

static int
text_changed(struct session *s, const json_t *result)
{
	const json_t *changed = json_object_get(result, "changed");
	bool dry = json_is_true(json_object_get(result, "dry_run"));
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)changed, i, row)
		say_change(s, row, session_can_ask(s) && !dry);
	say_names(s, "runtime value replaced by the files",
	    json_object_get(result, "dropped"));
	say_names(s, "needs a restart", json_object_get(result, "needs_restart"));
	if (json_array_size(changed) == 0)
		session_say(s, "nothing changes");
	say_hidden(s, json_object_get(result, "hidden"));
	say_future(s, result);
	if (json_array_size(changed) > 0 && dry)
		session_say(s, "dry run: nothing was changed");
	return 0;
}

const struct view config_view_changed = {
	.member = "changed",
	COLUMNS(columns_changed),
	.text = text_changed,
	.judge = config_view_warn,
};
