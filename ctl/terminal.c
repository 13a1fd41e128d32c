/*
 * terminal.c - the whole screen of a terminal. Main thread.
 */
#include "ctl/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[H\033[J" /* the other screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define SEQUENCE_MS 100 /* the rest of one comes in less, or ESC was pressed alone */

static volatile sig_atomic_t resized, stopping, continued;

static void
note_signal(int signo)
{
	if (signo == SIGTSTP)
		stopping = 1;
	else
		resized = 1;
	if (signo == SIGCONT)
		continued = 1;
}

bool
terminal_is_capable(void)
{
	const char *term = getenv("TERM");

	return term && *term != '\0' && strcmp(term, "dumb") != 0;
}

static int
enter(struct terminal *t)
{
	struct termios raw = t->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	raw.c_cc[VQUIT] = _POSIX_VDISABLE; /* it would leave the screen as it is */
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
		return -errno;
	fputs(ENTER, t->out);
	fflush(t->out);
	return 0;
}

static void
leave(struct terminal *t)
{
	fputs(LEAVE, t->out);
	fflush(t->out);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
}

int
terminal_open(struct terminal *t, FILE *out)
{
	struct sigaction action = { .sa_handler = note_signal };
	int err;

	*t = (struct terminal){ .out = out };
	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return -errno;
	err = enter(t);
	if (err < 0)
		return err;
	sigemptyset(&action.sa_mask);
	sigaction(SIGWINCH, &action, &t->winch);
	sigaction(SIGCONT, &action, &t->cont);
	sigaction(SIGTSTP, &action, &t->tstp);
	resized = stopping = continued = 0;
	t->is_open = true;
	return 0;
}

void
terminal_close(struct terminal *t)
{
	if (!t->is_open)
		return;
	t->is_open = false;
	sigaction(SIGWINCH, &t->winch, NULL);
	sigaction(SIGCONT, &t->cont, NULL);
	sigaction(SIGTSTP, &t->tstp, NULL);
	leave(t);
}

void
terminal_size(const struct terminal *t, size_t *ret_columns, size_t *ret_rows)
{
	struct winsize size;

	*ret_columns = 80;
	*ret_rows = 24;
	if (ioctl(fileno(t->out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
	    size.ws_row == 0)
		return;
	*ret_columns = size.ws_col;
	*ret_rows = size.ws_row;
}

/* A row is emptied first: behind a full one that would take its last character. */
void
terminal_put(struct terminal *t, const char *text, size_t len)
{
	const char *end = text + len;

	fputs("\033[H", t->out);
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((lf ? lf : end) - text);

		fputs("\033[K", t->out);
		fwrite(text, 1, n, t->out);
		text += n + 1;
		if (text < end)
			fputs("\r\n", t->out);
	}
	fputs("\033[0J", t->out);
	fflush(t->out);
}

/* The shell gets its screen while the job is stopped. */
static void
stop(struct terminal *t)
{
	leave(t);
	raise(SIGSTOP);
	(void)enter(t);
	continued = 0;
	resized = 1;
}

/* Where in the bytes that one key of many sends we are. */
enum sequence {
	SEQUENCE_NONE,
	SEQUENCE_BEGUN,	   /* ESC */
	SEQUENCE_CSI,	   /* ESC [ up to its final byte */
	SEQUENCE_ONE_MORE, /* ESC O, and ESC [ [ of the console: one byte */
};

static enum sequence
next_in_sequence(enum sequence before, unsigned char byte)
{
	if (byte == '\033')
		return SEQUENCE_BEGUN;
	if (before == SEQUENCE_BEGUN)
		return byte == '['   ? SEQUENCE_CSI
		       : byte == 'O' ? SEQUENCE_ONE_MORE
				     : SEQUENCE_NONE;
	if (before == SEQUENCE_CSI && byte == '[')
		return SEQUENCE_ONE_MORE;
	if (before == SEQUENCE_CSI && byte >= 0x20 && byte <= 0x3f) /* parameters */
		return SEQUENCE_CSI;
	return SEQUENCE_NONE;
}

static bool
has_input(int timeout_ms)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) > 0;
}

/* As terminal_key(). A sequence is read whole; ESC alone has nothing behind it. */
static int
read_key(void)
{
	enum sequence sequence = SEQUENCE_NONE;
	unsigned char byte;

	do {
		ssize_t n = read(STDIN_FILENO, &byte, 1);

		if (n != 1)
			return n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : -1;
		if (sequence == SEQUENCE_NONE && byte != '\033')
			return byte;
		sequence = next_in_sequence(sequence, byte);
	} while (sequence != SEQUENCE_NONE && has_input(SEQUENCE_MS));
	return 0;
}

int
terminal_key(struct terminal *t, bool *ret_redraw)
{
	if (stopping) {
		stopping = 0;
		stop(t);
	}
	if (continued) { /* who stopped us from outside has set the terminal */
		continued = 0;
		(void)enter(t);
	}
	*ret_redraw |= resized != 0;
	resized = 0;
	return has_input(0) ? read_key() : 0;
}
