/*
 * condition.h - what `wait` waits for: read from text, asked of the daemon, judged.
 *
 * Any thread.
 */
#ifndef CTL_CONDITION_H
#define CTL_CONDITION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum condition_kind {
	CONDITION_CONNECTIONS, /* live connections */
	CONDITION_DRAINED,     /* the drain is done */
	CONDITION_RUNNING,     /* it answers, and neither stops nor drains */
	CONDITION_ONLINE,      /* the user has a session */
	CONDITION_OFFLINE,
};

struct condition {
	enum condition_kind kind;
	char relation; /* CONNECTIONS: '=', '<' or '>' */
	int64_t count;
	char user[65]; /* ONLINE, OFFLINE */
};

/* The words a condition may begin with, "a|b|c"; those that go on end in = or :. */
#define CONDITION_WORDS "connections=|drained|online:|offline:|running"

/*
 * "connections=0", "connections<10" or "connections=-10" (which no shell touches),
 * "drained", "running", "online:alice", "offline:alice". Returns 0, or -EINVAL with a
 * sentence in error[size].
 */
int condition_parse(struct condition *c, const char *text, char *error, size_t size);

/* The method whose answer tells, and its parameters (NULL: none; owned by the caller). */
const char *condition_method(const struct condition *c, json_t **ret_params);

enum verdict { VERDICT_NOT_YET, VERDICT_HOLDS, VERDICT_NEVER };

/* What the answer says. seen[size] is how things are, as "there are 12". NEVER: it
 * will not come by waiting. */
enum verdict condition_judge(
    const struct condition *c, const json_t *answer, char *seen, size_t size);

/* Whether it holds when the daemon has gone: nobody is left then. */
bool condition_holds_without_daemon(const struct condition *c);

#endif
