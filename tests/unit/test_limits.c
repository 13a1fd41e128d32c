/*
 * test_limits.c - connections without a login, and connections per address.
 */
#include "server/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct limits *limits;

static int
set_up(void **state)
{
	(void)state;
	limits = limits_new();
	return limits == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	limits_free(limits); /* asserts that everything was given back */
	return 0;
}

static struct net_addr
ipv4(const char *text, uint16_t port)
{
	struct net_addr a = { .family = NET_IPV4, .port = port };

	assert_int_equal(inet_pton(AF_INET, text, a.ip), 1);
	return a;
}

static struct net_addr
ipv6(const char *text, uint16_t port)
{
	struct net_addr a = { .family = NET_IPV6, .port = port };

	assert_int_equal(inet_pton(AF_INET6, text, a.ip), 1);
	return a;
}

static int
take(struct net_addr a, uint32_t max)
{
	return limits_address_take(limits, &a, max);
}

static void
give(struct net_addr a)
{
	limits_address_give(limits, &a);
}

static void
anonymous_connections_are_counted(void **state)
{
	(void)state;
	assert_int_equal(limits_anonymous_take(limits), 1);
	assert_int_equal(limits_anonymous_take(limits), 2);
	limits_anonymous_give(limits);
	assert_int_equal(limits_anonymous(limits), 1);
	limits_anonymous_give(limits);
	assert_int_equal(limits_anonymous(limits), 0);
}

static void
an_address_has_at_most_max_connections_whatever_their_ports(void **state)
{
	(void)state;
	assert_int_equal(take(ipv4("10.0.0.1", 1000), 2), 0);
	assert_int_equal(take(ipv4("10.0.0.1", 1001), 2), 0);
	assert_int_equal(take(ipv4("10.0.0.1", 1002), 2), -EDQUOT);
	assert_int_equal(take(ipv4("10.0.0.2", 1002), 2), 0);
	give(ipv4("10.0.0.1", 1001));
	assert_int_equal(take(ipv4("10.0.0.1", 1003), 2), 0);
	give(ipv4("10.0.0.1", 1000));
	give(ipv4("10.0.0.1", 1003));
	give(ipv4("10.0.0.2", 1002));
}

static void
a_64_bit_prefix_of_IPv6_is_one_address(void **state)
{
	(void)state;
	assert_int_equal(take(ipv6("2001:db8::1", 1), 1), 0);
	assert_int_equal(take(ipv6("2001:db8::ffff:2", 2), 1), -EDQUOT);
	assert_int_equal(take(ipv6("2001:db8:0:1::1", 3), 1), 0);
	give(ipv6("2001:db8::9", 9));
	give(ipv6("2001:db8:0:1::1", 3));
}

static void
without_a_limit_it_counts_all_the_same(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(take(ipv4("10.0.0.1", 1), 0), 0);
	assert_int_equal(take(ipv4("10.0.0.1", 1), 10), -EDQUOT);
	assert_int_equal(take(ipv4("10.0.0.1", 1), 11), 0);
	for (unsigned i = 0; i < 11; i++)
		give(ipv4("10.0.0.1", 1));
}

static void
a_unix_socket_has_no_address_to_be_limited(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(take((struct net_addr){ .family = NET_UNIX }, 1), 0);
	give((struct net_addr){ .family = NET_UNIX });
}

static void
a_hundred_thousand_addresses_are_told_apart(void **state)
{
	struct net_addr a = { .family = NET_IPV4 };

	(void)state;
	for (uint32_t turn = 0; turn < 2; turn++) {
		for (uint32_t i = 0; i < 100000; i++) {
			memcpy(a.ip, &i, sizeof(i));
			assert_int_equal(take(a, 1), turn == 0 ? 0 : -EDQUOT);
		}
	}
	for (uint32_t i = 0; i < 100000; i++) {
		memcpy(a.ip, &i, sizeof(i));
		give(a);
	}
}

#define THREADS 4
#define TURNS 50000
#define MOST 3 /* of one address */

static atomic_int held[2]; /* of each address, as the threads see it */
static atomic_uint exceeded;

static void *
connect_and_close(void *arg)
{
	struct net_addr addrs[2] = { ipv4("10.0.0.1", 1), ipv4("10.0.0.2", 1) };

	(void)arg;
	for (unsigned i = 0; i < TURNS; i++) {
		unsigned which = i % 2;

		limits_anonymous_take(limits);
		if (limits_address_take(limits, &addrs[which], MOST) == 0) {
			if (atomic_fetch_add(&held[which], 1) >= MOST)
				atomic_fetch_add(&exceeded, 1);
			atomic_fetch_sub(&held[which], 1);
			limits_address_give(limits, &addrs[which]);
		}
		limits_anonymous_give(limits);
	}
	return NULL;
}

static void
a_limit_is_never_exceeded_however_the_threads_race(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, connect_and_close, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&exceeded), 0);
	assert_int_equal(limits_anonymous(limits), 0);
}

#define LIMITS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIMITS_TEST(anonymous_connections_are_counted),
		LIMITS_TEST(
		    an_address_has_at_most_max_connections_whatever_their_ports),
		LIMITS_TEST(a_64_bit_prefix_of_IPv6_is_one_address),
		LIMITS_TEST(without_a_limit_it_counts_all_the_same),
		LIMITS_TEST(a_unix_socket_has_no_address_to_be_limited),
		LIMITS_TEST(a_hundred_thousand_addresses_are_told_apart),
		LIMITS_TEST(a_limit_is_never_exceeded_however_the_threads_race),
	};

	return RUN_TESTS(tests);
}
