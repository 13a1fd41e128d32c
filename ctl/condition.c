/*
 * condition.c - what `wait` waits for. Any thread.
 */
#include "ctl/condition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/units.h"
#include "ctl/member.h"

static const char *
behind(const char *text, const char *begin)
{
	size_t len = strlen(begin);

	return strncmp(text, begin, len) == 0 ? text + len : NULL;
}

static int
fail_unknown(const char *text, char *error, size_t size)
{
	static const char *const words[] = { "connections", "drained", "online",
		"offline", "running" };
	char word[32], near[128];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, "=<>:"), text);
	snprintf(error, size,
	    "no condition \"%.64s\"%s; there are connections=N, drained, running, "
	    "online:USER and offline:USER",
	    text,
	    text_near(
		word, words, sizeof(words) / sizeof(words[0]), near, sizeof(near)));
	return -EINVAL;
}

/* "=0", "<10", "=-10", ">10", "=+10" */
static int
parse_count(struct condition *c, const char *text, char *error, size_t size)
{
	const char *number = text + 1;

	c->kind = CONDITION_CONNECTIONS;
	c->relation = *text;
	if (*text == '=' && (*number == '-' || *number == '+'))
		c->relation = *number++ == '-' ? '<' : '>';
	if (units_parse_count(number, &c->count) == 0 &&
	    (c->relation != '<' || c->count > 0))
		return 0;
	snprintf(error, size, "connections: \"%.64s\" is not a count%s", number,
	    c->relation == '<' ? " above 0" : "");
	return -EINVAL;
}

static int
parse_user(struct condition *c, enum condition_kind kind, const char *user, char *error,
    size_t size)
{
	c->kind = kind;
	if (!text_is_user(user, strlen(user))) {
		snprintf(error, size, "\"%.100s\" is not a user id", user);
		return -EINVAL;
	}
	snprintf(c->user, sizeof(c->user), "%s", user);
	return 0;
}

int
condition_parse(struct condition *c, const char *text, char *error, size_t size)
{
	const char *rest;

	*c = (struct condition){ .kind = CONDITION_RUNNING };
	if (strcmp(text, "running") == 0)
		return 0;
	c->kind = CONDITION_DRAINED;
	if (strcmp(text, "drained") == 0)
		return 0;
	if ((rest = behind(text, "connections")) != NULL && *rest != '\0' &&
	    strchr("=<>", *rest) != NULL)
		return parse_count(c, rest, error, size);
	if ((rest = behind(text, "online:")) != NULL)
		return parse_user(c, CONDITION_ONLINE, rest, error, size);
	if ((rest = behind(text, "offline:")) != NULL)
		return parse_user(c, CONDITION_OFFLINE, rest, error, size);
	return fail_unknown(text, error, size);
}

const char *
condition_method(const struct condition *c, json_t **ret_params)
{
	char word[80];

	*ret_params = NULL;
	switch (c->kind) {
	case CONDITION_CONNECTIONS:
		return "pool.stats";
	case CONDITION_DRAINED:
		return "drain.status";
	case CONDITION_RUNNING:
		return "server.health";
	case CONDITION_ONLINE:
	case CONDITION_OFFLINE:
		break;
	}
	snprintf(word, sizeof(word), "user=%s", c->user);
	*ret_params = json_pack("{s:[s, s]}", "select", word, "state=active,idle");
	if (!*ret_params)
		*ret_params = json_null(); /* none at all would ask for everybody */
	return "connections.count";
}

static enum verdict
compare(const struct condition *c, int64_t n)
{
	bool holds = c->relation == '<'	  ? n < c->count
		     : c->relation == '>' ? n > c->count
					  : n == c->count;

	return holds ? VERDICT_HOLDS : VERDICT_NOT_YET;
}

static enum verdict
judge_drain(const json_t *answer, char *seen, size_t size)
{
	const char *state = member_text(answer, "state");

	if (strcmp(state, "none") == 0)
		snprintf(seen, size, "no drain has been started");
	else
		snprintf(seen, size, "the drain is %s, %lld are left", state,
		    member_number(answer, "left"));
	if (strcmp(state, "done") == 0)
		return VERDICT_HOLDS;
	return strcmp(state, "running") == 0 ? VERDICT_NOT_YET : VERDICT_NEVER;
}

enum verdict
condition_judge(
    const struct condition *c, const json_t *answer, char *seen, size_t size)
{
	int64_t n = member_number(
	    answer, c->kind == CONDITION_CONNECTIONS ? "total_connections" : "total");
	bool is_online = n > 0;

	switch (c->kind) {
	case CONDITION_CONNECTIONS:
		snprintf(seen, size, "there are %lld", (long long)n);
		return compare(c, n);
	case CONDITION_DRAINED:
		return judge_drain(answer, seen, size);
	case CONDITION_RUNNING:
		snprintf(seen, size, "poold is %s", member_text(answer, "status"));
		return strcmp(member_text(answer, "status"), "draining") == 0
			   ? VERDICT_NOT_YET
			   : VERDICT_HOLDS;
	case CONDITION_ONLINE:
	case CONDITION_OFFLINE:
		break;
	}
	snprintf(seen, size, "%s is %s", c->user, is_online ? "online" : "offline");
	return is_online == (c->kind == CONDITION_ONLINE) ? VERDICT_HOLDS
							  : VERDICT_NOT_YET;
}

bool
condition_holds_without_daemon(const struct condition *c)
{
	if (c->kind == CONDITION_CONNECTIONS)
		return compare(c, 0) == VERDICT_HOLDS;
	return c->kind == CONDITION_DRAINED || c->kind == CONDITION_OFFLINE;
}
