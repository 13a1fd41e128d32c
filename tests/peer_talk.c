/*
 * peer_talk.c - whole conversations as bytes: say this, show what came.
 */
#include "tests/peer.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define TALK_MS 20000
#define PIECE_PAUSE_US 300

void
read_all(int fd, struct buffer *b)
{
	char *room;
	ssize_t n;

	buffer_init(b);
	while ((room = buffer_reserve(b, 65536)) != NULL &&
	       (n = read(fd, room, 65536)) > 0)
		b->len += (size_t)n;
}

struct talk {
	const struct buffer *said;
	size_t cut;   /* the first piece, 0 for none */
	size_t piece; /* the others, 0: at once */
	bool half_close;
	struct buffer answer;
};

static size_t
next_piece(const struct talk *t, size_t sent)
{
	size_t left = t->said->len - sent;
	size_t piece = sent < t->cut ? t->cut - sent : t->piece;

	return piece == 0 || piece > left ? left : piece;
}

static ssize_t
say(const struct talk *t, int fd, size_t sent)
{
	ssize_t n = send(
	    fd, t->said->data + sent, next_piece(t, sent), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (t->cut != 0 || t->piece != 0)
		usleep(PIECE_PAUSE_US);
	return n > 0 ? n : 0;
}

/* Sends and receives until the server closes. */
static void
talk(struct talk *t, const struct target *target)
{
	int fd = target_open(target, false);
	int64_t end = clock_ms() + TALK_MS;
	size_t sent = 0;

	if (fd < 0)
		errx(1, "cannot connect: %s", strerror(-fd));
	buffer_init(&t->answer);
	while (clock_ms() < end) {
		bool more = sent < t->said->len;
		struct pollfd p = { .fd = fd, .events = POLLIN | (more ? POLLOUT : 0) };

		(void)poll(&p, 1, 100);
		if (p.revents & POLLOUT) {
			sent += (size_t)say(t, fd, sent);
			if (sent == t->said->len && t->half_close)
				shutdown(fd, SHUT_WR);
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
			char *room = buffer_reserve(&t->answer, 65536);
			ssize_t n = recv(fd, room, 65536, 0);
			if (n <= 0)
				break;
			t->answer.len += (size_t)n;
		}
	}
	if (clock_ms() >= end)
		errx(1, "the server did not close within %d ms", TALK_MS);
	close(fd);
}

int
peer_talk(int argc, char *argv[])
{
	struct target target;
	struct buffer said;
	struct talk t = { .said = &said };

	if (argc < 2)
		errx(2, "talk: an address is needed");
	target_parse(&target, argv[1]);
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "--split") == 0 && i + 1 < argc)
			t.piece = (size_t)number(argv[++i]);
		else if (strcmp(argv[i], "--half-close") == 0)
			t.half_close = true;
		else
			errx(2, "talk: what is %s?", argv[i]);
	read_all(STDIN_FILENO, &said);
	talk(&t, &target);
	fwrite(t.answer.data, 1, t.answer.len, stdout);
	buffer_clear(&t.answer);
	buffer_clear(&said);
	return 0;
}

/* What differs from one connection to the next: conn=17 becomes conn=. */
static void
forget_number(struct buffer *b)
{
	char *at = b->len == 0 ? NULL : memmem(b->data, b->len, "conn=", 5);

	if (at == NULL)
		return;
	at += 5;

	size_t digits = 0;
	size_t rest = b->len - (size_t)(at - b->data);
	while (digits < rest && isdigit((unsigned char)at[digits]))
		digits++;
	memmove(at, at + digits, rest - digits);
	b->len -= digits;
}

static int
compare(const struct talk *first, const struct talk *now)
{
	if (first->answer.len == now->answer.len &&
	    memcmp(first->answer.data, now->answer.data, now->answer.len) == 0)
		return 0;
	printf("cut at %zu, %zu at a time, the answer is another:\n%.*s\nand at "
	       "once:\n%.*s\n",
	    now->cut, now->piece, (int)now->answer.len, now->answer.data,
	    (int)first->answer.len, first->answer.data);
	return 1;
}

static int
check_split(const struct talk *first, struct target *target, size_t cut, size_t piece)
{
	struct talk t = { .said = first->said, .cut = cut, .piece = piece };
	int differs;

	talk(&t, target);
	forget_number(&t.answer);
	differs = compare(first, &t);
	buffer_clear(&t.answer);
	return differs;
}

int
peer_splits(int argc, char *argv[])
{
	struct target target;
	struct buffer said;
	struct talk first = { .said = &said };
	int differs = 0;
	int fd;

	if (argc != 3 || (fd = open(argv[2], O_RDONLY)) < 0)
		errx(2, "splits: an address and a file are needed");
	target_parse(&target, argv[1]);
	read_all(fd, &said);
	close(fd);
	talk(&first, &target);
	forget_number(&first.answer);
	for (size_t piece = 1; piece <= 3 && !differs; piece++)
		differs = check_split(&first, &target, 0, piece);
	for (size_t cut = 1; cut < said.len && !differs; cut++)
		differs = check_split(&first, &target, cut, 0);
	if (!differs)
		printf(
		    "%zu cuts, %zu bytes each time\n", said.len - 1, first.answer.len);
	buffer_clear(&first.answer);
	buffer_clear(&said);
	return differs;
}
