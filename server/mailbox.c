/*
 * mailbox.c - how threads talk: many may post, one owner reads.
 *
 * Whether to wake the owner is decided as in Dekker's algorithm: a sender first
 * posts and then looks whether the owner sleeps, the owner first says that it
 * sleeps and then looks whether something was posted. With sequentially
 * consistent operations at least one of the two sees the other. The sender that
 * turns `sleeping` off writes the eventfd, exactly once; the owner knows from the
 * flag how many such writes there are, and reads the eventfd only then.
 */
#include "server/mailbox.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
mailbox_open(struct mailbox *mb, void *owner)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	atomic_init(&mb->posted, NULL);
	atomic_init(&mb->sleeping, false);
	mb->taken = NULL;
	mb->fd = fd;
	mb->unread = 0;
	mb->is_waiting = false;
	mb->owner = owner;
	return 0;
}

void
mailbox_close(struct mailbox *mb)
{
	while (mailbox_run(mb) > 0)
		;
	close(mb->fd);
	mb->fd = -1;
}

/* Fails only when 2^64 - 1 writes are unread, and then the fd is readable anyway. */
static void
wake(struct mailbox *mb)
{
	uint64_t one = 1;
	ssize_t n = write(mb->fd, &one, sizeof(one));

	(void)n;
}

void
mailbox_post(struct mailbox *mb, struct mail *mail)
{
	mail->next = atomic_load_explicit(&mb->posted, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&mb->posted, &mail->next, mail))
		;
	/* The mail may be gone by now. The plain load keeps busy owners cheap. */
	if (atomic_load(&mb->sleeping) && atomic_exchange(&mb->sleeping, false))
		wake(mb);
}

static struct mail *
reverse(struct mail *newest)
{
	struct mail *oldest = NULL;

	while (newest != NULL) {
		struct mail *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

bool
mailbox_is_empty(struct mailbox *mb)
{
	return mb->taken == NULL &&
	       atomic_load_explicit(&mb->posted, memory_order_relaxed) == NULL;
}

unsigned
mailbox_run_some(struct mailbox *mb, unsigned most)
{
	unsigned n = 0;

	if (mailbox_is_empty(mb))
		return 0;
	/* More is taken only when all of what was taken before has been run, which keeps
	 * the order. */
	if (mb->taken == NULL)
		mb->taken = reverse(atomic_exchange(&mb->posted, NULL));
	while (mb->taken != NULL && n < most) {
		struct mail *mail = mb->taken;

		mb->taken = mail->next; /* run() may free the mail */
		mail->run(mail, mb->owner);
		n++;
	}
	return n;
}

unsigned
mailbox_run(struct mailbox *mb)
{
	return mailbox_run_some(mb, UINT_MAX);
}

/* A sender may have been quicker; then its write comes, sooner or later. */
static void
stay_awake(struct mailbox *mb)
{
	if (!atomic_exchange(&mb->sleeping, false))
		mb->unread++;
}

bool
mailbox_may_sleep(struct mailbox *mb)
{
	atomic_store(&mb->sleeping, true);
	mb->is_waiting = mb->taken == NULL && atomic_load(&mb->posted) == NULL;
	if (!mb->is_waiting)
		stay_awake(mb);
	return mb->is_waiting;
}

void
mailbox_awake(struct mailbox *mb)
{
	uint64_t n;

	if (mb->is_waiting) {
		mb->is_waiting = false;
		stay_awake(mb);
	}
	if (mb->unread > 0 && read(mb->fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		mb->unread -= n;
}
