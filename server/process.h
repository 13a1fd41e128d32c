/*
 * process.h - what the kernel says about this process.
 *
 * None of it takes longer the more connections there are. Any thread.
 */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include <stdint.h>

uint64_t process_resident_bytes(void); /* in memory; 0: the kernel does not say */
int64_t process_descriptors(void);     /* open now; -1: Linux before 6.2 */
uint64_t process_max_descriptors(void);
uint64_t process_cpu_us(void); /* user and system */

#endif
