/*
 * process.c - /proc/self and the limits of the process.
 */
#include "server/process.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t
process_resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long size, resident = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Their number is the size of the directory; to list a million would take long. */
int64_t
process_descriptors(void)
{
	struct stat st;

	return stat("/proc/self/fd", &st) == 0 && st.st_size > 0 ? (int64_t)st.st_size
								 : -1;
}

uint64_t
process_max_descriptors(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static uint64_t
microseconds(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000000 + (uint64_t)tv->tv_usec;
}

uint64_t
process_cpu_us(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
}
