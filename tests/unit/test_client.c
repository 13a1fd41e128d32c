/*
 * test_client.c - connecting and calling, and every way in which that fails.
 */
#include "ctl/client.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/interrupt.h"
#include "tests/unit/fake_poold.h"
#include "tests/unit/unit.h"

#define PATIENCE_MS 5000 /* nothing here takes so long */

#define RESULT(members) "{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":{" members "}}\n"
#define ROWS(rows) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"rows\",\"params\":{\"id\":@,\"rows\":" \
	"[" rows "]}}\n"

static const struct fake_rule no_rules[] = { { NULL, NULL } };

static const struct fake_rule rules[] = {
	{ "pool.stats", RESULT("\"logins\":3") },
	{ "connections.list", ROWS("1,2") ROWS("3") RESULT("\"total\":3") },
	{ "connections.kick",
	    "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32001,\"message\":"
	    "\"user \\\"x\\\" is not online\",\"data\":{\"kind\":\"not_online\","
	    "\"hint\":\"look\"}}}\n" },
	{ "settings.set", "{\"jsonrpc\":\"2.0\",\"id\":@,\"error\":{\"code\":-32003,"
			  "\"message\":\"no\","
			  "\"data\":{\"kind\":\"denied\"}}}\n" },
	{ "events.subscribe",
	    RESULT("\"seq\":1") "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":"
				"{\"id\":@,\"event\":{\"seq\":2}}}\n" },
	{ "server.info", "not json\n" },
	{ "server.shutdown", NULL },
	{ "cancel",
	    RESULT(
		"") "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32010,"
		    "\"message\":\"cancelled\",\"data\":{\"kind\":\"cancelled\"}}}\n" },
	{ "role.lower", RESULT("\"role\":\"viewer\"") },
	{ NULL, NULL },
};

struct fixture {
	struct fake fake;
	struct client client;
};

static void
open_fixture(struct fixture *f, const char *hello, const struct fake_rule *list)
{
	interrupt_clear();
	fake_start(&f->fake, hello, list);
	assert_int_equal(client_init(&f->client, f->fake.path), 0);
}

static void
close_fixture(struct fixture *f)
{
	client_clear(&f->client);
	fake_stop(&f->fake);
	interrupt_clear();
}

static void
assert_connect_fails(const char *path, int status, const char *why)
{
	struct client c;

	assert_int_equal(client_init(&c, path), 0);
	assert_int_equal(client_connect(&c, PATIENCE_MS), status);
	assert_non_null(strstr(c.error.message, why));
	assert_false(client_is_connected(&c));
	client_clear(&c);
}

static void
a_missing_socket_is_told(void **state)
{
	(void)state;
	assert_connect_fails("/nonexistent/control.sock", STATUS_UNREACHABLE,
	    "cannot connect to /nonexistent/control.sock: no such file");
}

static void
a_stale_socket_is_told(void **state)
{
	struct fake fake;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char path[96];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	fake_start(&fake, "", no_rules);
	snprintf(path, sizeof(path), "%s/stale", fake.dir);
	memcpy(sun.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_connect_fails(
	    path, STATUS_UNREACHABLE, "connection refused: a stale socket");
	unlink(path);
	fake_stop(&fake);
}

static void
a_file_that_is_no_socket_is_told(void **state)
{
	(void)state;
	assert_connect_fails("/dev/null", STATUS_UNREACHABLE, "it is not a socket");
}

static void
a_path_that_is_too_long_is_told(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_connect_fails(
	    path, STATUS_USAGE, "199 bytes, more than the 107 that fit");
}

static void
a_silent_daemon_is_given_up_in_time(void **state)
{
	struct fixture f;
	int64_t begin = clock_ms();

	(void)state;
	open_fixture(&f, "", no_rules);
	assert_int_equal(client_connect(&f.client, 100), STATUS_UNREACHABLE);
	assert_non_null(
	    strstr(f.client.error.message, "sent no greeting within 100ms"));
	assert_true(clock_ms() - begin >= 100);
	assert_true(clock_ms() - begin < PATIENCE_MS);
	close_fixture(&f);
}

static void
a_full_daemon_says_so_at_the_door(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f,
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,\"message\":"
	    "\"64 control clients are connected\",\"data\":{\"kind\":\"busy\"}}}\n",
	    no_rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), STATUS_UNREACHABLE);
	assert_int_equal(f.client.error.kind, RPC_BUSY);
	assert_non_null(
	    strstr(f.client.error.message, "64 control clients are connected"));
	close_fixture(&f);
}

static void
what_is_not_poold_is_recognised(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, "220 mail.example.org ESMTP\n", no_rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), STATUS_UNREACHABLE);
	assert_non_null(strstr(f.client.error.message, "is not poold"));
	close_fixture(&f);
}

static void
the_greeting_tells_who_is_there(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, no_rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	assert_string_equal(f.client.version, "9.9");
	assert_string_equal(f.client.instance, "i1");
	assert_int_equal(f.client.role, ROLE_OPERATOR);
	assert_int_equal(f.client.max_request, 1000);
	close_fixture(&f);
}

static void
a_role_is_lowered_after_the_greeting(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	f.client.as = ROLE_VIEWER;
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	assert_int_equal(f.client.role, ROLE_VIEWER);
	assert_non_null(strstr(fake_requests(&f.fake), "\"role\":\"viewer\""));
	close_fixture(&f);
}

/* Connects and calls. The result is the caller's. */
static int
call(struct fixture *f, const char *method, int64_t timeout_ms, struct client_call *ret)
{
	*ret = (struct client_call){ .method = method, .timeout_ms = timeout_ms };
	assert_int_equal(client_connect(&f->client, PATIENCE_MS), 0);
	return client_call(&f->client, ret);
}

static void
end_call(struct client_call *done)
{
	json_decref(done->result);
	json_decref(done->error_data);
}

static void
a_call_returns_its_result(void **state)
{
	struct client_call done;
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(call(&f, "pool.stats", PATIENCE_MS, &done), 0);
	assert_int_equal(json_integer_value(json_object_get(done.result, "logins")), 3);
	end_call(&done);
	close_fixture(&f);
}

static void
an_error_has_its_status_and_words(void **state)
{
	struct client_call done;
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(
	    call(&f, "connections.kick", PATIENCE_MS, &done), STATUS_NO_MATCH);
	assert_string_equal(f.client.error.message, "user \"x\" is not online");
	assert_string_equal(f.client.error.hint, "look");
	assert_true(client_is_connected(&f.client));
	end_call(&done);
	assert_int_equal(call(&f, "settings.set", PATIENCE_MS, &done), STATUS_DENIED);
	end_call(&done);
	close_fixture(&f);
}

static void
no_answer_leaves_the_outcome_unknown(void **state)
{
	struct client_call done;
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(call(&f, "log.set", 100, &done), STATUS_UNKNOWN);
	assert_non_null(strstr(f.client.error.message,
	    "outcome unknown: no answer from poold within 100ms"));
	assert_false(client_is_connected(&f.client));
	close_fixture(&f);
}

static void
a_connection_lost_after_the_request_leaves_it_unknown(void **state)
{
	struct client_call done;
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(
	    call(&f, "server.shutdown", PATIENCE_MS, &done), STATUS_UNKNOWN);
	assert_non_null(strstr(f.client.error.message, "closed the connection"));
	close_fixture(&f);
}

static void
an_answer_that_is_no_json_is_not_believed(void **state)
{
	struct client_call done;
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(call(&f, "server.info", PATIENCE_MS, &done), STATUS_UNKNOWN);
	close_fixture(&f);
}

static int
count_rows(void *ctx, json_t *rows)
{
	*(size_t *)ctx += json_array_size(rows);
	return 0;
}

static int
refuse_rows(void *ctx, json_t *rows)
{
	(void)ctx;
	(void)rows;
	return STATUS_PIPE;
}

static void
rows_come_before_the_totals(void **state)
{
	size_t count = 0;
	struct client_call list = {
		.method = "connections.list",
		.timeout_ms = PATIENCE_MS,
		.rows = count_rows,
		.ctx = &count,
	};
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	assert_int_equal(client_call(&f.client, &list), 0);
	assert_int_equal(count, 3);
	assert_int_equal(json_integer_value(json_object_get(list.result, "total")), 3);
	assert_non_null(strstr(fake_requests(&f.fake), "\"stream\":true"));
	end_call(&list);
	close_fixture(&f);
}

static void
rows_nobody_wants_cancel_the_request(void **state)
{
	struct client_call list = {
		.method = "connections.list",
		.timeout_ms = PATIENCE_MS,
		.rows = refuse_rows,
	};
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	assert_int_equal(client_call(&f.client, &list), STATUS_PIPE);
	assert_true(list.cancelled);
	end_call(&list);
	close_fixture(&f);
}

static void
a_request_that_is_too_large_is_not_sent(void **state)
{
	char text[2000];
	struct client_call big = { .method = "message.broadcast",
		.timeout_ms = PATIENCE_MS };
	struct fixture f;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	big.params = json_pack("{s:s}", "data", text);
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	assert_int_equal(client_call(&f.client, &big), STATUS_USAGE);
	assert_non_null(strstr(f.client.error.message, "larger than the 1000 bytes"));
	assert_string_equal(fake_requests(&f.fake), "");
	close_fixture(&f);
}

static void
note_event(void *ctx, json_int_t id, json_t *event)
{
	(void)id;
	*(json_int_t *)ctx = json_integer_value(json_object_get(event, "seq"));
}

static void
events_are_handed_on(void **state)
{
	struct client_call done;
	json_int_t seq = 0;
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, rules);
	f.client.on_event = note_event;
	f.client.event_ctx = &seq;
	assert_int_equal(call(&f, "events.subscribe", PATIENCE_MS, &done), 0);
	end_call(&done);
	/* whatever the events' way, an answer asked for later comes behind them */
	done =
	    (struct client_call){ .method = "pool.stats", .timeout_ms = PATIENCE_MS };
	assert_int_equal(client_call(&f.client, &done), 0);
	assert_int_equal(seq, 2);
	end_call(&done);
	close_fixture(&f);
}

static void
an_interrupt_cancels_the_request(void **state)
{
	struct client_call done;
	struct fixture f;

	(void)state;
	interrupt_install();
	open_fixture(&f, FAKE_HELLO, rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	done = (struct client_call){ .method = "log.set", .timeout_ms = PATIENCE_MS };
	raise(SIGINT);
	/* found before the request is out: nothing is sent, or it is cancelled */
	assert_int_equal(client_call(&f.client, &done), STATUS_INTERRUPTED);
	assert_int_equal(interrupt_pending(), SIGINT);
	assert_true(done.cancelled);
	assert_true(client_is_connected(&f.client));
	assert_non_null(strstr(fake_requests(&f.fake), "\"cancel\""));
	end_call(&done);
	close_fixture(&f);
}

static void
a_lost_connection_is_noticed_when_idle(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, no_rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	assert_int_equal(client_receive(&f.client), 0);
	kill(f.fake.pid, SIGKILL);
	struct pollfd pfd = { .fd = f.client.fd, .events = POLLIN };
	assert_int_equal(interrupt_poll(&pfd, 1, PATIENCE_MS), 1);
	assert_int_equal(client_receive(&f.client), STATUS_UNREACHABLE);
	assert_false(client_is_connected(&f.client));
	close_fixture(&f);
}

static void
what_goes_on_does_not_go_on_with_another_daemon(void **state)
{
	struct client_call call = { .method = "connections.list", .goes_on = true };
	struct fixture f;

	(void)state;
	open_fixture(&f, FAKE_HELLO, no_rules);
	assert_int_equal(client_connect(&f.client, PATIENCE_MS), 0);
	kill(f.fake.pid, SIGKILL);
	struct pollfd pfd = { .fd = f.client.fd, .events = POLLIN };
	assert_int_equal(interrupt_poll(&pfd, 1, PATIENCE_MS), 1);
	assert_int_equal(client_call(&f.client, &call), STATUS_UNKNOWN);
	assert_string_equal(f.client.error.message,
	    "outcome unknown: poold closed the connection before all had come");
	assert_false(client_is_connected(&f.client));
	assert_int_equal(client_call(&f.client, &call), STATUS_UNKNOWN);
	close_fixture(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_socket_is_told),
		cmocka_unit_test(a_stale_socket_is_told),
		cmocka_unit_test(a_file_that_is_no_socket_is_told),
		cmocka_unit_test(a_path_that_is_too_long_is_told),
		cmocka_unit_test(a_silent_daemon_is_given_up_in_time),
		cmocka_unit_test(a_full_daemon_says_so_at_the_door),
		cmocka_unit_test(what_is_not_poold_is_recognised),
		cmocka_unit_test(the_greeting_tells_who_is_there),
		cmocka_unit_test(a_role_is_lowered_after_the_greeting),
		cmocka_unit_test(a_call_returns_its_result),
		cmocka_unit_test(an_error_has_its_status_and_words),
		cmocka_unit_test(no_answer_leaves_the_outcome_unknown),
		cmocka_unit_test(a_connection_lost_after_the_request_leaves_it_unknown),
		cmocka_unit_test(an_answer_that_is_no_json_is_not_believed),
		cmocka_unit_test(rows_come_before_the_totals),
		cmocka_unit_test(rows_nobody_wants_cancel_the_request),
		cmocka_unit_test(a_request_that_is_too_large_is_not_sent),
		cmocka_unit_test(events_are_handed_on),
		cmocka_unit_test(an_interrupt_cancels_the_request),
		cmocka_unit_test(a_lost_connection_is_noticed_when_idle),
		cmocka_unit_test(what_goes_on_does_not_go_on_with_another_daemon),
	};

	return RUN_TESTS(tests);
}
