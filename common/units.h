/*
 * units.h - durations, sizes and counts as people write them.
 *
 * Durations are held in milliseconds, sizes in bytes. A text is parsed whole:
 * "5x", "", "1e3", "+5", " 5" and what does not fit are -EINVAL or -ERANGE with
 * *ret unchanged. Any thread.
 */
#ifndef COMMON_UNITS_H
#define COMMON_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_TEXT_SIZE 48

/* Some 73,000 years, in ms: counted from now it is still a time, in microseconds too. */
#define UNITS_DURATION_MAX (INT64_MAX / 4000)

/* 90s 5m 2h 1d 100ms 1h30m 1.5s; a bare number is seconds. -ERANGE: too long. */
int units_parse_duration(const char *text, int64_t *ret_ms);

/* 64KiB 1MiB 10M 10k 1G 512B (k, M, G are powers of 1024 too); bare: bytes. */
int units_parse_size(const char *text, int64_t *ret_bytes);

/* Decimal digits only. */
int units_parse_count(const char *text, int64_t *ret);

/* Exact, in at most two units, and parsed back to the same value: 5m, 1m30s, 100ms. */
const char *units_duration(int64_t ms, char text[UNITS_TEXT_SIZE]);

/* Exact in the largest unit that divides it: 64KiB, 1MiB, 1500. */
const char *units_size(int64_t bytes, char text[UNITS_TEXT_SIZE]);

/* For tables, at most 6 columns: 1.2M, 88k, 0 (powers of 1024); 3h12m, 4m58s, 0s. */
const char *units_short_size(uint64_t bytes, char text[UNITS_TEXT_SIZE]);
const char *units_short_duration(int64_t ms, char text[UNITS_TEXT_SIZE]);

#endif
