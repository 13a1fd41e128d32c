/*
 * net.c - addresses as values. Any thread.
 */
#include "common/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* Bytes of an address in network order; IPv4-mapped IPv6 becomes IPv4. */
static void
set_ip6(struct net_addr *a, const struct in6_addr *ip)
{
	bool mapped = IN6_IS_ADDR_V4MAPPED(ip);

	a->family = mapped ? NET_IPV4 : NET_IPV6;
	memcpy(a->ip, ip->s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
}

static void
set_ip4(struct net_addr *a, const struct in_addr *ip)
{
	a->family = NET_IPV4;
	memcpy(a->ip, ip, 4);
}

void
net_addr_from(struct net_addr *ret, const struct sockaddr *sa, socklen_t len)
{
	struct net_addr a = { 0 };
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	/* Copied, for sa need not be aligned as the larger types are. */
	if (len >= sizeof(in) && sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		set_ip4(&a, &in.sin_addr);
		a.port = ntohs(in.sin_port);
	} else if (len >= sizeof(in6) && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		set_ip6(&a, &in6.sin6_addr);
		a.port = ntohs(in6.sin6_port);
	} else if (len >= sizeof(sa->sa_family) && sa->sa_family == AF_UNIX) {
		a.family = NET_UNIX;
	}
	*ret = a;
}

const char *
net_ip_text(const struct net_addr *a, char text[NET_TEXT_SIZE])
{
	if (a->family == NET_IPV4)
		(void)inet_ntop(AF_INET, a->ip, text, NET_TEXT_SIZE);
	else if (a->family == NET_IPV6)
		(void)inet_ntop(AF_INET6, a->ip, text, NET_TEXT_SIZE);
	else
		(void)snprintf(text, NET_TEXT_SIZE, "%s",
		    a->family == NET_UNIX ? "unix" : "unknown");
	return text;
}

const char *
net_addr_text(const struct net_addr *a, char text[NET_TEXT_SIZE])
{
	char ip[INET6_ADDRSTRLEN];

	if (a->family == NET_IPV4)
		(void)snprintf(text, NET_TEXT_SIZE, "%s:%u",
		    inet_ntop(AF_INET, a->ip, ip, sizeof(ip)), a->port);
	else if (a->family == NET_IPV6)
		(void)snprintf(text, NET_TEXT_SIZE, "[%s]:%u",
		    inet_ntop(AF_INET6, a->ip, ip, sizeof(ip)), a->port);
	else
		(void)net_ip_text(a, text);
	return text;
}

bool
net_is_loopback(const struct net_addr *a)
{
	switch (a->family) {
	case NET_IPV4:
		return a->ip[0] == 127;
	case NET_IPV6:
		return memcmp(a->ip, &in6addr_loopback, 16) == 0;
	default:
		return a->family == NET_UNIX;
	}
}

unsigned
net_addr_bits(const struct net_addr *a)
{
	if (a->family == NET_IPV4)
		return 32;
	return a->family == NET_IPV6 ? 128 : 0;
}

/* Digits only, no leading zero, at most `max`. Returns the number or -EINVAL. */
static int
parse_small(const char *text, unsigned max)
{
	unsigned n = 0;

	if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(*text - '0');
		if (n > max)
			return -EINVAL;
	}
	return (int)n;
}

/* Clears what lies behind the first `bits` bits. */
static void
mask(struct net_addr *a, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(a->ip); i++) {
		if (i >= (bits + 7) / 8)
			a->ip[i] = 0;
		else if (i == bits / 8)
			a->ip[i] &= (uint8_t)(0xff00U >> bits % 8);
	}
}

static int
parse_ip(const char *text, struct net_addr *a)
{
	struct in6_addr ip6;
	struct in_addr ip4;

	if (inet_pton(AF_INET, text, &ip4) == 1)
		set_ip4(a, &ip4);
	else if (inet_pton(AF_INET6, text, &ip6) == 1)
		set_ip6(a, &ip6);
	else
		return -EINVAL;
	return 0;
}

int
net_prefix_parse(const char *text, struct net_prefix *ret)
{
	struct net_prefix p = { 0 };
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	char ip[INET6_ADDRSTRLEN];
	int bits;

	if (strcmp(text, "unix") == 0) {
		p.addr.family = NET_UNIX;
		*ret = p;
		return 0;
	}
	if (len >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (parse_ip(ip, &p.addr) < 0)
		return -EINVAL;

	bits = (int)net_addr_bits(&p.addr);
	if (slash != NULL) {
		/* ::ffff:10.0.0.0/104 counts the 96 bits that are not kept */
		int skipped = bits == 32 && strchr(ip, ':') != NULL ? 96 : 0;

		bits = parse_small(slash + 1, (unsigned)(bits + skipped)) - skipped;
		if (bits < 0)
			return -EINVAL;
	}
	mask(&p.addr, (unsigned)bits);
	p.bits = (uint8_t)bits;
	*ret = p;
	return 0;
}

bool
net_prefix_has(const struct net_prefix *p, const struct net_addr *a)
{
	struct net_addr masked = *a;

	if (a->family != p->addr.family)
		return false;
	mask(&masked, p->bits);
	return memcmp(masked.ip, p->addr.ip, sizeof(masked.ip)) == 0;
}

struct net_prefix
net_prefix_of(const struct net_addr *a, unsigned bits)
{
	struct net_prefix p = { .addr = *a, .bits = (uint8_t)bits };

	p.addr.port = 0;
	mask(&p.addr, bits);
	return p;
}

const char *
net_prefix_text(const struct net_prefix *p, char text[NET_TEXT_SIZE])
{
	size_t len = strlen(net_ip_text(&p->addr, text));

	if (p->bits < net_addr_bits(&p->addr))
		(void)snprintf(text + len, NET_TEXT_SIZE - len, "/%u", p->bits);
	return text;
}

struct net_addr
net_addr_source(const struct net_addr *a)
{
	struct net_addr source = *a;

	source.port = 0;
	if (source.family == NET_IPV6)
		mask(&source, 64);
	return source;
}

static int
parse_unix(const char *path, struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path));
	memcpy(sa, &un, sizeof(un));
	*len = sizeof(un);
	return 0;
}

/* `host` without its brackets; "*" is every address of both families. */
static int
parse_host(const char *host, bool bracketed, in_port_t port,
    struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = port };

	if (!bracketed && inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(sa, &in, sizeof(in));
		*len = sizeof(in);
		return 0;
	}
	if (!(bracketed && inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) &&
	    !(!bracketed && strcmp(host, "*") == 0))
		return -EINVAL;
	memcpy(sa, &in6, sizeof(in6)); /* zeros are in6addr_any */
	*len = sizeof(in6);
	return 0;
}

int
net_listen_parse(const char *text, struct sockaddr_storage *sa, socklen_t *len)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t n;
	int port;

	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, sa, len);
	if (colon == NULL)
		return -EINVAL;
	n = (size_t)(colon - text);
	port = parse_small(colon + 1, UINT16_MAX);
	if (port < 0 || n == 0 || n >= sizeof(host))
		return -EINVAL;

	bool bracketed = text[0] == '[' && text[n - 1] == ']' && n > 2;
	memcpy(host, text + bracketed, n - 2 * bracketed);
	host[n - 2 * bracketed] = '\0';
	return parse_host(host, bracketed, htons((in_port_t)port), sa, len);
}
