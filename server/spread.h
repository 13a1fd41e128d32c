/*
 * spread.h - acts spread evenly over a time: the i-th of n at (i + 1) / n of it.
 *
 * Times in milliseconds from the beginning; n up to 2^24, times up to a hundred days.
 * Constant. Any thread.
 */
#ifndef SERVER_SPREAD_H
#define SERVER_SPREAD_H

#include <stdint.h>

/* How many of n are due once so much time has passed; all of them without a time. */
uint64_t spread_due(uint64_t n, int64_t over_ms, int64_t elapsed_ms);

/* When the i-th, counted from 0, is due: above 0 if over_ms is. */
int64_t spread_slot_ms(uint64_t i, uint64_t n, int64_t over_ms);

#endif
