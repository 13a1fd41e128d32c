/*
 * test_net.c - addresses as values.
 */
#include "common/net.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "tests/unit/unit.h"

/* The address that a listener written so has. */
static struct net_addr
address(const char *text)
{
	struct sockaddr_storage sa;
	struct net_addr a;
	socklen_t len;

	assert_int_equal(net_listen_parse(text, &sa, &len), 0);
	net_addr_from(&a, (struct sockaddr *)&sa, len);
	return a;
}

static void
an_address_is_written_as_it_is_read(void **state)
{
	static const char *const texts[] = { "127.0.0.1:7420", "[::1]:7420",
		"[2001:db8::7]:65535", "0.0.0.0:0" };
	char text[NET_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct net_addr a = address(texts[i]);

		assert_string_equal(net_addr_text(&a, text), texts[i]);
	}
}

static void
a_mapped_address_is_ipv4(void **state)
{
	struct net_addr mapped = address("[::ffff:10.1.2.3]:80"),
			plain = address("10.1.2.3:80");

	(void)state;
	assert_memory_equal(&mapped, &plain, sizeof(mapped));
}

static void
a_unix_path_is_a_listener(void **state)
{
	struct net_addr a = address("unix:/run/x");
	char text[NET_TEXT_SIZE];

	(void)state;
	assert_string_equal(net_addr_text(&a, text), "unix");
	assert_true(net_is_loopback(&a));
}

static void
every_address_is_a_star(void **state)
{
	struct net_addr star = address("*:7420"), any = address("[::]:7420");

	(void)state;
	assert_memory_equal(&star, &any, sizeof(star));
}

static void
what_is_no_listener_is_refused(void **state)
{
	static const char *const texts[] = { "", "127.0.0.1", ":7420", "::1:7420",
		"host:7420", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:07",
		"127.0.0.1:+7", "[::1]", "[*]:7420", "[127.0.0.1]:7420", "[]:1",
		"unix:", "unix:relative" };
	struct sockaddr_storage sa;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(net_listen_parse(texts[i], &sa, &len), -EINVAL);
}

static void
a_path_longer_than_the_kernel_takes_is_too_long(void **state)
{
	char text[5 + 108 + 1] = "unix:/";
	struct sockaddr_storage sa;
	socklen_t len;

	(void)state;
	memset(text + 6, 'x', 107);
	assert_int_equal(net_listen_parse(text, &sa, &len), -ENAMETOOLONG);
	text[5 + 107] = '\0';
	assert_int_equal(net_listen_parse(text, &sa, &len), 0);
}

static void
loopback_is_told_from_the_rest(void **state)
{
	struct net_addr four = address("127.9.9.9:1"), six = address("[::1]:1");
	struct net_addr far = address("10.0.0.1:1"), far6 = address("[::2]:1");

	(void)state;
	assert_true(net_is_loopback(&four));
	assert_true(net_is_loopback(&six));
	assert_false(net_is_loopback(&far));
	assert_false(net_is_loopback(&far6));
}

static bool
has(const char *prefix, const char *listener)
{
	struct net_prefix p;
	struct net_addr a = address(listener);

	assert_int_equal(net_prefix_parse(prefix, &p), 0);
	return net_prefix_has(&p, &a);
}

static void
a_prefix_holds_the_addresses_that_begin_with_it(void **state)
{
	(void)state;
	assert_true(has("10.0.0.0/8", "10.255.0.1:1"));
	assert_false(has("10.0.0.0/8", "11.0.0.1:1"));
	assert_true(has("10.1.2.3", "10.1.2.3:9"));
	assert_false(has("10.1.2.3", "10.1.2.4:9"));
	assert_true(has("10.1.2.3/9", "10.127.0.0:1"));
	assert_false(has("10.1.2.3/9", "10.128.0.0:1"));
	assert_true(has("2001:db8::/32", "[2001:db8:1::7]:1"));
	assert_false(has("2001:db8::/32", "[2001:db9::7]:1"));
	assert_true(has("::ffff:10.0.0.0/104", "10.9.9.9:1"));
	assert_true(has("0.0.0.0/0", "10.9.9.9:1"));
	assert_false(has("0.0.0.0/0", "[::1]:1"));
	assert_true(has("unix", "unix:/x"));
	assert_false(has("unix", "127.0.0.1:1"));
}

static void
what_is_no_prefix_is_refused(void **state)
{
	static const char *const texts[] = { "", "10", "10.0.0.0/33", "10.0.0.0/",
		"10.0.0.0/-1", "10.0.0.0/08", "::/129", "host", "::ffff:10.0.0.0/95",
		"unix/1", "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21" };
	struct net_prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(net_prefix_parse(texts[i], &p), -EINVAL);
}

static void
one_ipv6_source_is_a_64(void **state)
{
	struct net_addr a = address("[2001:db8::1]:1"), b = address("[2001:db8::2]:2");
	struct net_addr c = address("10.0.0.1:1"), d = address("10.0.0.2:1");

	(void)state;
	a = net_addr_source(&a);
	b = net_addr_source(&b);
	assert_memory_equal(&a, &b, sizeof(a));
	c = net_addr_source(&c);
	d = net_addr_source(&d);
	assert_int_equal(c.port, 0);
	assert_true(memcmp(&c, &d, sizeof(c)) != 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_written_as_it_is_read),
		cmocka_unit_test(a_mapped_address_is_ipv4),
		cmocka_unit_test(a_unix_path_is_a_listener),
		cmocka_unit_test(every_address_is_a_star),
		cmocka_unit_test(what_is_no_listener_is_refused),
		cmocka_unit_test(a_path_longer_than_the_kernel_takes_is_too_long),
		cmocka_unit_test(loopback_is_told_from_the_rest),
		cmocka_unit_test(a_prefix_holds_the_addresses_that_begin_with_it),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(one_ipv6_source_is_a_64),
	};

	return RUN_TESTS(tests);
}
