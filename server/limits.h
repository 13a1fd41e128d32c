/*
 * limits.h - connections without a login, and connections per address.
 *
 * Shared by all threads. What is taken is given back exactly once; counts are
 * asserted never to fall below zero. (Sessions are limited by the directory.)
 */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net.h"

struct limits;

struct limits *limits_new(void); /* NULL: no memory */
void limits_free(struct limits *l);

/* Returns how many there are, this one included; the caller evicts if too many. */
uint32_t limits_anonymous_take(struct limits *l);
void limits_anonymous_give(struct limits *l);
uint32_t limits_anonymous(const struct limits *l);

/*
 * Counts one connection of addr's source (net_addr_source). Returns 0, -EDQUOT
 * when there are max already (nothing counted) or -ENOMEM. max 0: no limit. A
 * Unix socket has no address: it is neither limited nor counted.
 */
int limits_address_take(struct limits *l, const struct net_addr *addr, uint32_t max);
void limits_address_give(struct limits *l, const struct net_addr *addr);

#endif
