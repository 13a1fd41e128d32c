/*
 * fights.h - users whose devices throw each other out, again and again.
 *
 * Each client that is replaced comes back at once and replaces the other. Whoever does
 * that more than `limit` times within a window is held: for a while no login of this
 * user may replace anybody, so the session that is there stays. Fixed memory: a user
 * has a place only while it happens, and a new one takes that of who has been quiet
 * for longest. While nobody is held a login costs one relaxed load. Any thread.
 */
#ifndef SERVER_FIGHTS_H
#define SERVER_FIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIGHTS_LIMIT_MAX 16

struct fights;
struct settings;

struct fights *fights_new(void); /* NULL: no memory */
void fights_free(struct fights *f);

/* False: the settings say that nobody is held, whoever has been so far. */
bool fights_are_held(const struct settings *s);

/* Milliseconds that user is still held, 0: not at all. */
int64_t fights_held_ms(struct fights *f, const char *user, size_t len, int64_t now_ms);

/*
 * A login of user has replaced a session. Returns how many there were within window_ms
 * if they are more than limit <= FIGHTS_LIMIT_MAX: then the user is held for hold_ms.
 * Else 0. limit 0: never.
 */
unsigned fights_note(struct fights *f, const char *user, size_t len, int64_t now_ms,
    unsigned limit, int64_t window_ms, int64_t hold_ms);

size_t fights_bytes(const struct fights *f); /* memory held, always the same */

#endif
