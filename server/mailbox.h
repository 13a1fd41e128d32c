/*
 * mailbox.h - how threads talk: many may post, one owner reads.
 *
 * Lock-free list (posted with compare-and-swap, taken whole by the owner and
 * reversed, so what one thread posts arrives in its order) and an eventfd that
 * is written only when the owner sleeps.
 */
#ifndef SERVER_MAILBOX_H
#define SERVER_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Embedded as first member in whatever is sent. run() is called in the owner's
 * thread and from then on owns the memory of the mail.
 */
struct mail {
	struct mail *next; /* private */
	void (*run)(struct mail *mail, void *owner);
};

struct mailbox {
	_Atomic(struct mail *) posted; /* newest first */
	atomic_bool sleeping;	       /* the owner waits for the eventfd */
	struct mail *taken;	       /* owner's: still to be run, oldest first */
	int fd;			       /* eventfd, non-blocking */
	uint64_t unread;	       /* owner's: writes to fd, made or on their way */
	bool is_waiting;	       /* owner's: between may_sleep() and awake() */
	void *owner;		       /* handed to run() */
};

int mailbox_open(struct mailbox *mb, void *owner); /* 0 or -errno */
void mailbox_close(struct mailbox *mb); /* runs what is left, then closes fd */

/* Any thread. Never fails, never blocks. */
void mailbox_post(struct mailbox *mb, struct mail *mail);

/* Owner: nothing is to be run. A hint: mail may come at any moment. */
bool mailbox_is_empty(struct mailbox *mb);

/* Owner: runs what has been posted so far, or at most so many of it. Returns how
 * many. */
unsigned mailbox_run(struct mailbox *mb);
unsigned mailbox_run_some(struct mailbox *mb, unsigned most);

/*
 * Owner, before it waits: true if it may sleep (fd will become readable when
 * mail comes), false if there is mail already. After waking: mailbox_awake().
 */
bool mailbox_may_sleep(struct mailbox *mb);
void mailbox_awake(struct mailbox *mb); /* clears the flag and the eventfd */

#endif
