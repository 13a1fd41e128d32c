/*
 * net.h - addresses as values: parse, print, compare, open.
 *
 * Nothing here blocks on a name server: host names are not taken. Any thread.
 */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum net_family { NET_NONE, NET_IPV4, NET_IPV6, NET_UNIX };

/* The far end of a connection, 20 bytes. IPv4-mapped IPv6 is stored as IPv4. */
struct net_addr {
	uint8_t ip[16];	 /* network order; the first 4 for IPv4 */
	uint16_t port;	 /* host order; 0 for a Unix socket */
	uint8_t family;	 /* enum net_family */
	uint8_t scratch; /* zero, so that values compare with memcmp() */
};

/* "[ffff:...%]:65535" or "unix" and its NUL. */
#define NET_TEXT_SIZE 64

struct net_prefix { /* an address or CIDR block */
	struct net_addr addr;
	uint8_t bits;
};

void net_addr_from(struct net_addr *ret, const struct sockaddr *sa, socklen_t len);

const char *net_addr_text(const struct net_addr *a, char text[NET_TEXT_SIZE]);
const char *net_ip_text(const struct net_addr *a, char text[NET_TEXT_SIZE]);
bool net_is_loopback(const struct net_addr *a); /* a Unix socket counts */

/* "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "unix". Returns 0 or -EINVAL. */
int net_prefix_parse(const char *text, struct net_prefix *ret);
bool net_prefix_has(const struct net_prefix *p, const struct net_addr *a);

/* The block of so many bits that a lies in: at most 32 of IPv4, 128 of IPv6. */
struct net_prefix net_prefix_of(const struct net_addr *a, unsigned bits);
unsigned net_addr_bits(const struct net_addr *a); /* of a single address, 0: has none */

/* As net_prefix_parse() takes it: a block of one address has no "/32". Returns text. */
const char *net_prefix_text(const struct net_prefix *p, char text[NET_TEXT_SIZE]);

/*
 * The identity that max_per_address counts: the IPv4 address, or the /64 of an
 * IPv6 address. Port cleared.
 */
struct net_addr net_addr_source(const struct net_addr *a);

/*
 * "127.0.0.1:7420", "[::1]:7420", "*:7420", "unix:/path". Fills *sa and *len.
 * Returns 0, -EINVAL (not of this form) or -ENAMETOOLONG (path > sun_path).
 */
int net_listen_parse(const char *text, struct sockaddr_storage *sa, socklen_t *len);

#endif
