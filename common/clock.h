/*
 * clock.h - the two clocks: one to measure with, one to print.
 *
 * Deadlines and ages use the monotonic clock only; the wall clock is read to
 * show a time to a person and never compared. Any thread.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

/* "2026-05-01T12:00:00.123Z" and its NUL. */
#define CLOCK_TEXT_SIZE 32

int64_t clock_ms(void); /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_us(void); /* CLOCK_MONOTONIC, microseconds */

int64_t clock_wall_us(void); /* since 1970-01-01 UTC, microseconds */

/* The wall-clock time at which the monotonic clock showed `mono_ms`. */
int64_t clock_wall_of_ms(int64_t mono_ms);

/* RFC 3339 in UTC with milliseconds. Returns text. */
const char *clock_text(int64_t wall_us, char text[CLOCK_TEXT_SIZE]);

/* Such a time back, with or without a fraction. Returns 0, or -EINVAL. */
int clock_parse(const char *text, int64_t *ret_wall_us);

#endif
