/*
 * edit.c - one line from the person at the terminal, while the world goes on.
 *
 * EL_SIGNAL stays 0: with 1 libedit sends each signal to the whole process group
 * once more. So the handlers here only set flags, without SA_RESTART, and what
 * they ask for is done between two keys.
 */
#include "ctl/edit.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "common/text.h"
#include "ctl/edit_keys.h"
#include "ctl/history.h"
#include "ctl/interrupt.h"

static volatile sig_atomic_t resized, continued;

static void
note_signal(int signo)
{
	if (signo == SIGWINCH)
		resized = 1;
	else
		continued = 1;
}

static void
install_handlers(void)
{
	struct sigaction action = { .sa_handler = note_signal };

	sigemptyset(&action.sa_mask);
	sigaction(SIGWINCH, &action, NULL);
	sigaction(SIGCONT, &action, NULL);
	interrupt_install();
}

/* --- keys, and what happens between them --- */

static void
attend_signals(struct edit *e)
{
	if (continued) {
		continued = 0;
		screen_continue(&e->screen);
	}
	if (resized) {
		resized = 0;
		screen_resize(&e->screen);
	}
}

/*
 * poll() that no signal slips past: they are blocked from the look at their
 * flags to the wait. Returns as poll() does; -1 with EINTR after a signal.
 */
static int
poll_signals(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct timespec timeout = { .tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L };
	sigset_t blocked, before;
	int ready = -1;

	sigemptyset(&blocked);
	interrupt_add(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGCONT);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	errno = EINTR;
	if (interrupt_pending() == 0 && !resized && !continued)
		ready = ppoll(fds, n, timeout_ms < 0 ? NULL : &timeout, &before);
	int saved = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return ready;
}

/* One byte of the terminal, decoded. Returns 1, 0 if more are needed or it ended. */
static int
take_byte(struct edit *e, wchar_t *ret, bool *ret_ended)
{
	char byte;
	ssize_t n = read(fileno(e->in), &byte, 1);

	*ret_ended = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
	if (n <= 0)
		return 0;
	size_t used = mbrtowc(ret, &byte, 1, &e->decoding);
	if (used == (size_t)-1)
		memset(&e->decoding, 0, sizeof(e->decoding));
	return used <= 1;
}

/* Attends to everything until there is input from the terminal or a signal. */
static int
wait_for_key(struct edit *e)
{
	int fd = e->is_asking ? -1 : e->hooks.fd(e->hooks.ctx);
	int wait_ms = e->is_asking ? -1 : e->hooks.wait_ms(e->hooks.ctx);
	struct pollfd fds[2] = { { .fd = fileno(e->in), .events = POLLIN },
		{ .fd = fd, .events = POLLIN } };

	if (wait_ms == 0) {
		e->hooks.due(e->hooks.ctx);
		return 0;
	}
	int ready = poll_signals(fds, 2, wait_ms);
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents != 0)
		e->hooks.ready(e->hooks.ctx);
	return fds[0].revents != 0;
}

/* The hint may wait for a pause: what is pasted or typed fast goes first. */
static bool
has_input(struct edit *e)
{
	struct pollfd pollfd = { .fd = fileno(e->in), .events = POLLIN };

	return poll(&pollfd, 1, 0) > 0;
}

/* libedit asks for the next key. A pending signal ends the line with EINTR. */
static int
read_key(EditLine *el, wchar_t *ret)
{
	struct edit *e = edit_of(el);
	bool has_ended = false;

	while (!has_ended) {
		attend_signals(e);
		if (interrupt_pending() != 0) {
			errno = EINTR;
			return -1;
		}
		if (!e->is_asking && !has_input(e))
			edit_keys_hint(e);
		int ready = wait_for_key(e);
		if (ready < 0)
			return -1;
		/* a key behind Ctrl-C belongs to the next line */
		if (ready > 0 && interrupt_pending() == 0 &&
		    take_byte(e, ret, &has_ended) == 1)
			return 1;
	}
	return 0;
}

static char *
prompt(EditLine *el)
{
	static char text[256];
	struct edit *e = edit_of(el);

	snprintf(text, sizeof(text), "%s", e->hooks.prompt(e->hooks.ctx));
	e->screen.prompt_width = text_width(text, strlen(text));
	return text;
}

/* --- setting up --- */

/* Whether the terminal can move the cursor; libedit is of no use where it cannot. */
static bool
is_capable(EditLine *el)
{
	char *up = NULL;

	return el_get(el, EL_GETTC, "up", &up) == 0 && up != NULL && *up != '\0';
}

/* NULL if TERM is unset, unknown or dumb. */
static EditLine *
open_editor(struct edit *e)
{
	const char *term = getenv("TERM");
	FILE *nowhere; /* libedit complains about the terminal in its own words */
	EditLine *el;

	if (term == NULL || *term == '\0' || strcmp(term, "dumb") == 0)
		return NULL;
	nowhere = fopen("/dev/null", "w");
	if (nowhere == NULL)
		return NULL;
	el = el_init("poolctl", e->in, e->out, nowhere);
	if (el != NULL && !is_capable(el)) {
		el_end(el);
		el = NULL;
	}
	if (el != NULL)
		el_set(el, EL_SETFP, 2, stderr);
	fclose(nowhere);
	return el;
}

static int
set_up_editor(struct edit *e)
{
	HistEvent event;

	e->history = history_init();
	if (e->history == NULL)
		return -ENOMEM;
	history(e->history, &event, H_SETSIZE, HISTORY_LINES);
	history(e->history, &event, H_SETUNIQUE, 1);
	el_set(e->el, EL_CLIENTDATA, e);
	el_set(e->el, EL_SIGNAL, 0);
	el_set(e->el, EL_GETCFN, read_key);
	el_set(e->el, EL_PROMPT, prompt);
	el_set(e->el, EL_HIST, history, e->history);
	edit_keys_bind(e);
	return 0;
}

int
edit_init(struct edit *e, FILE *in, FILE *out, const struct edit_hooks *hooks)
{
	int err = 0;

	*e = (struct edit){ .hooks = *hooks, .in = in, .out = out };
	buffer_init(&e->line);
	buffer_init(&e->pasted);
	install_handlers();
	e->el = open_editor(e);
	screen_init(&e->screen, e->el, out);
	if (e->el != NULL)
		err = set_up_editor(e);
	if (err < 0)
		edit_clear(e);
	return err;
}

void
edit_clear(struct edit *e)
{
	if (e->el != NULL)
		el_end(e->el);
	if (e->history != NULL)
		history_end(e->history);
	e->el = NULL;
	e->history = NULL;
	buffer_clear(&e->line);
	buffer_clear(&e->pasted);
}

void
edit_drop_paste(struct edit *e)
{
	buffer_clear(&e->pasted);
}

void
edit_remember(struct edit *e, const char *line)
{
	HistEvent event;

	if (e->history != NULL)
		history(e->history, &event, H_ENTER, line);
}

/* --- reading --- */

static enum edit_result
result_of_signal(struct edit *e)
{
	fputs(e->el != NULL ? "\r\n" : "\n", e->out);
	fflush(e->out);
	if (interrupt_pending() != SIGINT)
		return EDIT_TERMINATED;
	interrupt_clear();
	return EDIT_INTERRUPTED;
}

/* The terminal echoes and edits; what happens meanwhile waits for the line. */
static enum edit_result
read_plain(struct edit *e)
{
	fputs(e->hooks.prompt(e->hooks.ctx), e->out);
	fflush(e->out);
	for (;;) {
		wchar_t c = 0;
		bool has_ended = false;
		int ready = interrupt_pending() != 0 ? 0 : wait_for_key(e);

		if (interrupt_pending() != 0)
			return result_of_signal(e);
		if (ready > 0 && take_byte(e, &c, &has_ended) == 1) {
			char bytes[MB_LEN_MAX];
			int len = wctomb(bytes, c);

			if (c == L'\n')
				return buffer_append(&e->line, "", 1) == 0 ? EDIT_LINE
									   : EDIT_END;
			if (len > 0)
				(void)buffer_append(&e->line, bytes, (size_t)len);
		}
		if (ready < 0 || has_ended)
			return interrupt_pending() != 0 ? result_of_signal(e)
							: EDIT_END;
		resized = continued = 0;
	}
}

static enum edit_result
read_edited(struct edit *e)
{
	int count = 0;

	e->is_entered = false;
	e->hint[0] = '\0';
	memset(&e->decoding, 0, sizeof(e->decoding));
	resized = continued = 0;
	screen_resize(&e->screen); /* it may have been resized while a command ran */
	e->screen.editing = true;
	edit_keys_begin(e);
	const char *line = el_gets(e->el, &count);
	int err = errno;
	e->screen.editing = false;
	edit_keys_end(e);

	if (e->is_entered)
		return EDIT_LINE;
	if (line == NULL && count < 0 && err == EINTR && interrupt_pending() != 0) {
		el_reset(e->el);
		return result_of_signal(e);
	}
	if (interrupt_pending() != 0) /* the terminal is gone; that was told first */
		return result_of_signal(e);
	fputs("\n", e->out);
	fflush(e->out);
	return EDIT_END;
}

enum edit_result
edit_read(struct edit *e)
{
	buffer_clear(&e->line);
	if (e->pasted.len > 0)
		return edit_keys_next_pasted(e);
	return e->el != NULL ? read_edited(e) : read_plain(e);
}
