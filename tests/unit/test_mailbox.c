/*
 * test_mailbox.c - many threads post, one owner reads.
 */
#include "server/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define SENDERS 4
#define MAILS 20000u /* of each sender */

struct owner {
	struct mailbox mailbox;
	unsigned next[SENDERS]; /* number expected from each */
	unsigned total;
	unsigned wrong_order;
};

struct letter {
	struct mail mail;
	unsigned sender, number;
};

static void
receive(struct mail *mail, void *arg)
{
	struct letter *letter = (struct letter *)mail;
	struct owner *o = arg;

	if (letter->number != o->next[letter->sender]++)
		o->wrong_order++;
	o->total++;
	free(letter);
}

static void
post(struct owner *o, unsigned sender, unsigned number)
{
	struct letter *letter = malloc(sizeof(*letter));

	*letter =
	    (struct letter){ .mail.run = receive, .sender = sender, .number = number };
	mailbox_post(&o->mailbox, &letter->mail);
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
set_up(struct owner *o)
{
	memset(o, 0, sizeof(*o));
	assert_int_equal(mailbox_open(&o->mailbox, o), 0);
}

static void
mail_arrives_in_order(void **state)
{
	struct owner o;

	(void)state;
	set_up(&o);
	for (unsigned i = 0; i < 5; i++)
		post(&o, 0, i);
	assert_int_equal(mailbox_run(&o.mailbox), 5);
	assert_int_equal(o.wrong_order, 0);
	assert_int_equal(mailbox_run(&o.mailbox), 0);
	mailbox_close(&o.mailbox);
}

static void
mail_that_is_run_in_portions_keeps_its_order(void **state)
{
	struct owner o;

	(void)state;
	set_up(&o);
	for (unsigned i = 0; i < 5; i++)
		post(&o, 0, i);
	assert_int_equal(mailbox_run_some(&o.mailbox, 2), 2);
	post(&o, 0, 5);
	assert_false(mailbox_may_sleep(&o.mailbox)); /* three are left */
	assert_int_equal(mailbox_run_some(&o.mailbox, 10), 3);
	assert_int_equal(mailbox_run_some(&o.mailbox, 10), 1);
	assert_int_equal(mailbox_run_some(&o.mailbox, 10), 0);
	assert_int_equal(o.wrong_order, 0);
	assert_int_equal(o.total, 6);
	mailbox_close(&o.mailbox);
}

static void
an_owner_that_is_awake_is_not_woken(void **state)
{
	struct owner o;

	(void)state;
	set_up(&o);
	post(&o, 0, 0);
	assert_false(is_readable(o.mailbox.fd));
	assert_false(mailbox_may_sleep(&o.mailbox));
	assert_false(is_readable(o.mailbox.fd));
	mailbox_close(&o.mailbox);
	assert_int_equal(o.total, 1);
}

static void
an_owner_that_sleeps_is_woken_once(void **state)
{
	struct owner o;
	uint64_t writes;

	(void)state;
	set_up(&o);
	assert_true(mailbox_may_sleep(&o.mailbox));
	for (unsigned i = 0; i < 3; i++)
		post(&o, 0, i);
	assert_int_equal(read(o.mailbox.fd, &writes, sizeof(writes)), sizeof(writes));
	assert_int_equal(writes, 1);
	mailbox_close(&o.mailbox);
	assert_int_equal(o.total, 3);
}

static void
waking_clears_the_descriptor(void **state)
{
	struct owner o;

	(void)state;
	set_up(&o);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(mailbox_may_sleep(&o.mailbox));
		if (i != 1) /* the second time something else wakes it */
			post(&o, 0, o.total);
		assert_int_equal(is_readable(o.mailbox.fd), i != 1);
		mailbox_awake(&o.mailbox);
		assert_false(is_readable(o.mailbox.fd));
		assert_int_equal(mailbox_run(&o.mailbox), i != 1);
	}
	mailbox_awake(&o.mailbox); /* without having slept: nothing to do */
	assert_true(mailbox_may_sleep(&o.mailbox));
	post(&o, 0, o.total);
	assert_true(is_readable(o.mailbox.fd));
	mailbox_close(&o.mailbox);
}

static void
post_again(struct mail *mail, void *arg)
{
	struct owner *o = arg;

	mail->run = receive;
	mailbox_post(&o->mailbox, mail);
}

static void
mail_posted_while_mail_is_run_waits_for_the_next_turn(void **state)
{
	struct owner o;
	struct letter *letter = calloc(1, sizeof(*letter));

	(void)state;
	set_up(&o);
	letter->mail.run = post_again;
	mailbox_post(&o.mailbox, &letter->mail);
	assert_int_equal(mailbox_run(&o.mailbox), 1);
	assert_int_equal(o.total, 0);
	assert_false(mailbox_may_sleep(&o.mailbox));
	mailbox_close(&o.mailbox);
	assert_int_equal(o.total, 1);
}

struct sender {
	struct owner *owner;
	unsigned index;
};

static void *
send_all(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < MAILS; i++)
		post(s->owner, s->index, i);
	return NULL;
}

static void
nothing_is_lost_or_reordered_however_the_owner_sleeps(void **state)
{
	struct owner o;
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	unsigned lost_wakeups = 0;

	(void)state;
	set_up(&o);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ &o, i };
		pthread_create(&threads[i], NULL, send_all, &senders[i]);
	}
	while (o.total < SENDERS * MAILS && lost_wakeups == 0) {
		struct pollfd p = { .fd = o.mailbox.fd, .events = POLLIN };
		bool may_sleep = mailbox_may_sleep(&o.mailbox);

		if (poll(&p, 1, may_sleep ? 10000 : 0) == 0 && may_sleep)
			lost_wakeups++;
		mailbox_awake(&o.mailbox);
		mailbox_run(&o.mailbox);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(lost_wakeups, 0);
	assert_int_equal(o.total, SENDERS * MAILS);
	assert_int_equal(o.wrong_order, 0);

	/* Writes that came late have been read by now, or will be at once. */
	mailbox_awake(&o.mailbox);
	assert_int_equal(o.mailbox.unread, 0);
	assert_false(is_readable(o.mailbox.fd));
	mailbox_close(&o.mailbox);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_arrives_in_order),
		cmocka_unit_test(mail_that_is_run_in_portions_keeps_its_order),
		cmocka_unit_test(an_owner_that_is_awake_is_not_woken),
		cmocka_unit_test(an_owner_that_sleeps_is_woken_once),
		cmocka_unit_test(waking_clears_the_descriptor),
		cmocka_unit_test(mail_posted_while_mail_is_run_waits_for_the_next_turn),
		cmocka_unit_test(nothing_is_lost_or_reordered_however_the_owner_sleeps),
	};

	return RUN_TESTS(tests);
}
