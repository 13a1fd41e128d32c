/*
 * test_serve.c - one turn for one control client, over a pair of sockets.
 */
#include "server/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/bans.h"
#include "server/call.h"
#include "server/directory.h"
#include "server/events.h"
#include "server/history.h"
#include "server/peer.h"
#include "server/pool.h"
#include "server/settings.h"

#include "tests/unit/unit.h"

#define CHUNK 65536

json_t *__real_rpc_parse(const char *line, size_t len, char *error, size_t size);
json_t *__wrap_rpc_parse(const char *line, size_t len, char *error, size_t size);

static int parsed; /* lines */

json_t *
__wrap_rpc_parse(const char *line, size_t len, char *error, size_t size)
{
	parsed++;
	return __real_rpc_parse(line, len, error, size);
}

static struct pool pool;
static struct control control;
static struct peer *peer;
static int client;

/* A client with so much room in the kernel that one flush takes all that may wait. */
static int
setup(void **state)
{
	int size = 4 * 1024 * 1024, fds[2];

	(void)state;
	memset(&pool, 0, sizeof(pool));
	memset(&control, 0, sizeof(control));
	pthread_mutex_init(&pool.settings_lock, NULL);
	pool.settings = settings_new();
	control.pool = &pool;
	control.next_key = 1;
	list_init(&control.peers);
	wheel_init(&control.wheel, clock_ms());
	if (pool.settings == NULL || loop_open(&control.loop) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	(void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	client = fds[1];
	peer = peer_open(&control, fds[0]);
	return peer == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	serve_leave(peer);
	peer_free(peer);
	close(client);
	loop_close(&control.loop);
	settings_unref(pool.settings);
	pthread_mutex_destroy(&pool.settings_lock);
	return 0;
}

static void
say(const char *text)
{
	assert_int_equal(send(client, text, strlen(text), 0), strlen(text));
	peer_read(peer);
}

/* What the client has been sent so far; NUL-terminated, at most size - 1 bytes. */
static size_t
hear(char *text, size_t size)
{
	ssize_t n = recv(client, text, size - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void
begin(const char *id, bool (*step)(struct call *))
{
	struct call *call = calloc(1, sizeof(*call));

	assert_non_null(call);
	call->control = &control;
	call->peer = peer;
	call->method = methods_at(METHOD_ID_CONNECTIONS_LIST);
	call->id = json_string(id);
	call->params = json_object();
	call->step = step;
	list_append(&peer->calls, &call->node);
	peer->ncalls++;
}

static bool
endless(struct call *call)
{
	static const char zeros[CHUNK];

	assert_true(peer_has_room(call->peer));
	assert_int_equal(buffer_append(&call->peer->out, zeros, CHUNK), 0);
	return true;
}

static bool
at_once(struct call *call)
{
	call_answer(call, json_object());
	return false;
}

static void
the_greeting_names_the_daemon_and_the_role(void **state)
{
	char text[1024];

	(void)state;
	assert_false(serve(peer));
	assert_true(hear(text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\"method\":\"hello\""));
	assert_non_null(strstr(text, "\"role\":\"admin\""));
}

static void
a_client_that_takes_everything_at_once_is_not_forgotten(void **state)
{
	(void)state;
	begin("a", endless);
	assert_true(serve(peer));
	if (peer->out.len > 0)
		skip(); /* the kernel takes less here: then it says when it takes more */
	assert_true(serve(peer));
}

static void
no_more_waits_for_a_client_than_is_allowed(void **state)
{
	(void)state;
	begin("a", endless);
	for (int i = 0; i < 100; i++)
		(void)serve(peer);
	assert_true(peer->out.len > 0);
	assert_true(peer->out.len < CONTROL_OUT_MAX + CHUNK);
	assert_false(serve(peer));
	assert_int_equal(peer->interest, LOOP_WRITE);
	assert_int_not_equal(peer->stall.deadline.at_ms, WHEEL_NEVER);
}

static void
a_line_that_waits_for_a_place_is_taken_when_a_call_ends(void **state)
{
	char id[16], text[4096];

	(void)state;
	for (int i = 0; i < CONTROL_CALLS - 1; i++) {
		snprintf(id, sizeof(id), "e%d", i);
		begin(id, NULL);
	}
	begin("last", at_once);
	say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.describe\"}\n");
	assert_int_equal(peer->ncalls, CONTROL_CALLS);
	assert_true(serve(peer));
	(void)hear(text, sizeof(text));
	assert_null(strstr(text, "\"id\":1"));
	(void)serve(peer);
	(void)hear(text, sizeof(text));
	assert_non_null(strstr(text, "\"id\":1"));
}

/* It may be long, and to look at it in every turn would hold up everybody. */
static void
a_line_that_waits_for_a_place_is_parsed_once_before(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < CONTROL_CALLS; i++) {
		snprintf(id, sizeof(id), "e%d", i);
		begin(id, NULL);
	}
	say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.describe\"}\n");
	parsed = 0;
	for (int i = 0; i < 10; i++)
		(void)serve(peer);
	assert_int_equal(parsed, 1);
	assert_true(peer->in.len > 0);
}

static void
cancel_is_taken_though_no_place_is_left(void **state)
{
	char id[16], text[4096];

	(void)state;
	for (int i = 0; i < CONTROL_CALLS; i++) {
		snprintf(id, sizeof(id), "e%d", i);
		begin(id, NULL);
	}
	json_decref(container_of(list_first(&peer->calls), struct call, node)->id);
	container_of(list_first(&peer->calls), struct call, node)->id =
	    json_integer(77);
	say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"cancel\",\"params\":{\"id\":77}"
	    "}\n");
	(void)serve(peer);
	(void)hear(text, sizeof(text));
	assert_non_null(strstr(text, "\"cancelled\""));
	assert_non_null(strstr(text, "\"id\":1"));
	assert_int_equal(peer->ncalls, CONTROL_CALLS - 1);
}

static void
a_line_that_is_too_long_is_answered_and_ends_the_client(void **state)
{
	char *line = malloc(RPC_MAX_REQUEST + 2), text[4096];

	(void)state;
	assert_non_null(line);
	memset(line, 'x', RPC_MAX_REQUEST + 1);
	line[RPC_MAX_REQUEST + 1] = '\0';
	say(line);
	free(line);
	(void)serve(peer);
	(void)hear(text, sizeof(text));
	assert_non_null(strstr(text, "bad_request"));
	assert_true(peer->is_closed);
}

static void
one_who_ends_his_input_gets_his_answer_first(void **state)
{
	char text[65536];

	(void)state;
	say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.describe\"}");
	shutdown(client, SHUT_WR);
	peer_read(peer);
	assert_true(peer->is_ended);
	(void)serve(peer);
	assert_true(hear(text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "\"id\":1"));
	assert_true(peer->is_closed);
}

static void
many_lines_are_taken_over_several_turns(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		say("{}\n");
	assert_true(serve(peer));
	assert_true(peer->in.len > 0);
	while (serve(peer))
		;
	assert_int_equal(peer->in.len, 0);
}

/* A pool without workers, whose answer nobody fetches: like one that hangs. */
static void
ask_and_leave(unsigned id)
{
	char request[128];

	snprintf(request, sizeof(request),
	    "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"connections.count\"}\n", id);
	say(request);
	snprintf(request, sizeof(request),
	    "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"cancel\","
	    "\"params\":{\"id\":%u}}\n",
	    id);
	say(request);
	(void)serve(peer);
}

static void
only_so_many_calls_are_left_with_a_worker_that_hangs(void **state)
{
	char text[CHUNK];

	(void)state;
	assert_int_equal(mailbox_open(&control.mailbox, &control), 0);
	for (unsigned i = 0; i < CONTROL_ABANDONED; i++)
		ask_and_leave(i);
	assert_int_equal(control.surveys, CONTROL_ABANDONED);
	(void)hear(text, sizeof(text));
	assert_null(strstr(text, "busy"));

	say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"connections.count\"}\n");
	(void)serve(peer);
	(void)hear(text, sizeof(text));
	assert_non_null(strstr(text, "\"kind\":\"busy\""));
	assert_int_equal(control.surveys, CONTROL_ABANDONED);
	assert_int_equal(control.stats.counter[COUNT_CONTROL_BUSY], 1);

	mailbox_run(&control.mailbox);
	assert_int_equal(control.surveys, 0);
	ask_and_leave(2);
	assert_int_equal(control.surveys, 1);
	mailbox_close(&control.mailbox);
	assert_int_equal(control.surveys, 0);
}

static void
open_pool(void)
{
	pool.directory = directory_new();
	pool.bans = bans_new();
	pool.events = events_new(64, 16384);
	pool.history = history_new(64, 8);
	assert_true(pool.directory != NULL && pool.bans != NULL &&
		    pool.events != NULL && pool.history != NULL);
	assert_int_equal(mailbox_open(&control.mailbox, &control), 0);
}

static void
close_pool(void)
{
	mailbox_close(&control.mailbox);
	history_free(pool.history);
	events_free(pool.events);
	bans_free(pool.bans);
	directory_free(pool.directory);
}

static void
bans_that_are_made_are_answered_though_the_rest_is_cancelled(void **state)
{
	char text[CHUNK];

	(void)state;
	open_pool();
	say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ban.add\","
	    "\"params\":{\"rules\":[\"alice\",\"bob\"]}}\n");
	(void)serve(peer);
	(void)hear(text, sizeof(text)); /* the greeting */
	mailbox_run_some(&control.mailbox, 1);
	assert_int_equal(bans_count(pool.bans), 2);
	assert_int_equal(control.surveys, 1); /* of those who are to be ended */
	say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"cancel\","
	    "\"params\":{\"id\":1}}\n");
	(void)serve(peer);
	mailbox_run(&control.mailbox);
	(void)serve(peer);
	(void)hear(text, sizeof(text));
	assert_non_null(strstr(text, "\"made\":2"));
	assert_non_null(strstr(text, "\"cancelled\":true"));
	assert_null(strstr(text, "\"error\""));
	close_pool();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_greeting_names_the_daemon_and_the_role),
		TEST(a_client_that_takes_everything_at_once_is_not_forgotten),
		TEST(no_more_waits_for_a_client_than_is_allowed),
		TEST(a_line_that_waits_for_a_place_is_taken_when_a_call_ends),
		TEST(a_line_that_waits_for_a_place_is_parsed_once_before),
		TEST(cancel_is_taken_though_no_place_is_left),
		TEST(a_line_that_is_too_long_is_answered_and_ends_the_client),
		TEST(one_who_ends_his_input_gets_his_answer_first),
		TEST(many_lines_are_taken_over_several_turns),
		TEST(only_so_many_calls_are_left_with_a_worker_that_hangs),
		TEST(bans_that_are_made_are_answered_though_the_rest_is_cancelled),
	};

	return RUN_TESTS(tests);
}
