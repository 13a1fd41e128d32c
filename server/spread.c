#include "server/spread.h"

uint64_t
spread_due(uint64_t n, int64_t over_ms, int64_t elapsed_ms)
{
	if (over_ms <= 0 || elapsed_ms >= over_ms)
		return n;
	return elapsed_ms <= 0 ? 0 : n * (uint64_t)elapsed_ms / (uint64_t)over_ms;
}

/* Rounded up, so that it is due then. */
int64_t
spread_slot_ms(uint64_t i, uint64_t n, int64_t over_ms)
{
	if (over_ms <= 0 || n == 0)
		return 0;
	return (int64_t)(((i + 1) * (uint64_t)over_ms + n - 1) / n);
}
