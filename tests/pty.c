/*
 * pty.c - runs a command on a terminal of its own and plays a script to it.
 *
 *	pty [-s COLUMNSxROWS] [-t SECONDS] COMMAND ARGUMENT... <SCRIPT
 *
 * One step a line; blank lines and lines with # are skipped. \r \n \t \e \\ \xHH
 * are understood in TEXT. A step that waits does so for at most SECONDS (5),
 * then the screen is shown on stderr and the exit status is 1.
 *
 *	expect TEXT	TEXT comes out, behind what the last expect found
 *	screen TEXT	a row of the screen contains TEXT
 *	row TEXT	the cursor's row is TEXT and nothing else, after the last send
 *	column N	the cursor is in column N, counted from 1
 *	gone TEXT	no row of the screen contains TEXT
 *	bell		the bell rings, for the first time since the last bell
 *	send TEXT	types TEXT
 *	resize C R	makes the terminal C columns wide and R rows high
 *	signal NAME	INT, TERM, HUP, STOP, CONT or WINCH to the foreground processes
 *	shell COMMAND	runs COMMAND elsewhere; it has to succeed
 *	eof		the command ends
 *	status N	the command ends with exit status N
 *	show		writes the rows of the screen to stdout
 */
#include "tests/vt.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROW_SIZE 4096

struct run {
	struct vt vt;
	int fd;		  /* of the terminal; -1 when the command has closed it */
	pid_t pid;	  /* 0 when it has been waited for */
	int status;	  /* of waitpid() */
	char *output;	  /* all that came out, NULs left away */
	size_t len, seen; /* bytes in output; bytes behind which expect looks */
	size_t sent;	  /* len when something was typed last */
	unsigned bells;	  /* of those heard, how many were asked for */
	int timeout_ms;
};

typedef bool (*condition)(struct run *, const char *text);

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
show(const struct run *run, FILE *out)
{
	char row[ROW_SIZE];
	unsigned last = 0;

	for (unsigned y = 0; y < run->vt.rows; y++) {
		if (*vt_row(&run->vt, y, row, sizeof(row)) != '\0')
			last = y + 1;
	}
	for (unsigned y = 0; y < last; y++)
		fprintf(out, "%s\n", vt_row(&run->vt, y, row, sizeof(row)));
}

static void
keep(struct run *run, const char *data, size_t len)
{
	char *output = realloc(run->output, run->len + len + 1);

	if (output == NULL)
		abort();
	run->output = output;
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\0')
			output[run->len++] = data[i];
	}
	output[run->len] = '\0';
}

/* Reads what there is within wait_ms. False when the other side has closed. */
static bool
take_output(struct run *run, int wait_ms)
{
	struct pollfd pollfd = { .fd = run->fd, .events = POLLIN };
	char data[4096];

	if (run->fd < 0)
		return false;
	if (poll(&pollfd, 1, wait_ms) <= 0)
		return true;
	ssize_t n = read(run->fd, data, sizeof(data));
	if (n > 0) {
		keep(run, data, (size_t)n);
		vt_feed(&run->vt, data, (size_t)n);
		return true;
	}
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	close(run->fd);
	run->fd = -1;
	return false;
}

static bool
wait_for(struct run *run, condition holds, const char *text)
{
	int64_t deadline = now_ms() + run->timeout_ms;

	for (;;) {
		if (holds(run, text))
			return true;
		int64_t left = deadline - now_ms();
		if (left <= 0)
			return false;
		if (!take_output(run, left < 100 ? (int)left : 100)) {
			struct timespec pause = { .tv_nsec = 10000000 };

			if (holds(run, text))
				return true;
			nanosleep(&pause, NULL);
		}
	}
}

/* --- conditions --- */

static bool
came_out(struct run *run, const char *text)
{
	char *found =
	    run->output == NULL ? NULL : strstr(run->output + run->seen, text);

	if (found == NULL)
		return false;
	run->seen = (size_t)(found - run->output) + strlen(text);
	return true;
}

static bool
is_on_screen(struct run *run, const char *text)
{
	char row[ROW_SIZE];

	for (unsigned y = 0; y < run->vt.rows; y++) {
		if (strstr(vt_row(&run->vt, y, row, sizeof(row)), text) != NULL)
			return true;
	}
	return false;
}

static bool
is_gone(struct run *run, const char *text)
{
	return !is_on_screen(run, text);
}

/*
 * The blank behind the prompt is no end of a row, so it need not be given. What
 * was there before the last key was typed does not count: the prompt that is
 * waited for is the next one.
 */
static bool
is_row(struct run *run, const char *text)
{
	char row[ROW_SIZE];
	size_t len = strlen(text);

	if (run->len == run->sent)
		return false;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	vt_row(&run->vt, run->vt.y, row, sizeof(row));
	return strlen(row) == len && memcmp(row, text, len) == 0;
}

static bool
is_column(struct run *run, const char *text)
{
	return run->vt.x + 1 == (unsigned)atoi(text);
}

static bool
has_rung(struct run *run, const char *text)
{
	(void)text;
	if (run->vt.bells <= run->bells)
		return false;
	run->bells = run->vt.bells;
	return true;
}

static bool
has_ended(struct run *run, const char *text)
{
	(void)text;
	if (run->pid != 0 && waitpid(run->pid, &run->status, WNOHANG) == run->pid)
		run->pid = 0;
	return run->pid == 0;
}

static bool
has_status(struct run *run, const char *text)
{
	if (!has_ended(run, NULL))
		return false;
	int status = WIFEXITED(run->status) ? WEXITSTATUS(run->status)
					    : 128 + WTERMSIG(run->status);
	return status == atoi(text);
}

/* --- what acts --- */

static bool
send_text(struct run *run, const char *text)
{
	size_t len = strlen(text);

	run->sent = run->len;
	while (len > 0) {
		ssize_t n = run->fd < 0 ? -1 : write(run->fd, text, len);

		if (n < 0 && (run->fd < 0 || (errno != EAGAIN && errno != EINTR)))
			return false;
		if (n < 0)
			(void)take_output(run, 10);
		else {
			text += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static bool
resize(struct run *run, const char *text)
{
	unsigned columns, rows;

	if (sscanf(text, "%u %u", &columns, &rows) != 2 || columns < 2 || rows < 2)
		return false;
	struct winsize size = { .ws_col = (unsigned short)columns,
		.ws_row = (unsigned short)rows };
	while (take_output(run, 0) && run->fd >= 0) {
		struct pollfd pollfd = { .fd = run->fd, .events = POLLIN };

		if (poll(&pollfd, 1, 0) <= 0)
			break;
	}
	if (vt_resize(&run->vt, columns, rows) < 0)
		return false;
	return ioctl(run->fd, TIOCSWINSZ, &size) == 0;
}

static bool
send_signal(struct run *run, const char *name)
{
	static const struct {
		const char *name;
		int number;
	} names[] = { { "INT", SIGINT }, { "TERM", SIGTERM }, { "HUP", SIGHUP },
		{ "STOP", SIGSTOP }, { "CONT", SIGCONT }, { "WINCH", SIGWINCH } };
	pid_t group = 0;

	if (ioctl(run->fd, TIOCGPGRP, &group) < 0 || group <= 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0)
			return kill(-group, names[i].number) == 0;
	}
	return false;
}

static bool
run_shell(struct run *run, const char *command)
{
	(void)run;
	return system(command) == 0;
}

static bool
show_screen(struct run *run, const char *text)
{
	(void)text;
	show(run, stdout);
	return fflush(stdout) == 0;
}

/* --- the script --- */

static const struct {
	const char *word;
	condition holds; /* waited for, or NULL */
	bool (*act)(struct run *, const char *text);
} steps[] = {
	{ "expect", came_out, NULL },
	{ "screen", is_on_screen, NULL },
	{ "row", is_row, NULL },
	{ "column", is_column, NULL },
	{ "gone", is_gone, NULL },
	{ "bell", has_rung, NULL },
	{ "eof", has_ended, NULL },
	{ "status", has_status, NULL },
	{ "send", NULL, send_text },
	{ "resize", NULL, resize },
	{ "signal", NULL, send_signal },
	{ "shell", NULL, run_shell },
	{ "show", NULL, show_screen },
};

/* Replaces the escapes in place; \x00 would end the text and is not allowed. */
static void
unescape(char *text)
{
	static const char letters[] = "rnte\\", values[] = "\r\n\t\033\\";
	char *out = text;

	while (*text != '\0') {
		const char *letter = NULL;
		unsigned byte;

		if (text[0] == '\\' && sscanf(text + 1, "x%2x", &byte) == 1) {
			*out++ = (char)byte;
			text += 4;
			continue;
		}
		if (text[0] == '\\' && text[1] != '\0')
			letter = strchr(letters, text[1]);
		*out++ = letter != NULL ? values[letter - letters] : *text;
		text += letter != NULL ? 2 : 1;
	}
	*out = '\0';
}

static bool
play(struct run *run, const char *word, const char *text)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(steps[i].word, word) != 0)
			continue;
		if (steps[i].holds != NULL)
			return wait_for(run, steps[i].holds, text);
		return steps[i].act(run, text);
	}
	return false;
}

static int
play_script(struct run *run, FILE *script)
{
	char line[8192];

	for (unsigned number = 1; fgets(line, sizeof(line), script) != NULL; number++) {
		char *word = line + strspn(line, " \t");
		char *text = word + strcspn(word, " \t\n");

		line[strcspn(line, "\n")] = '\0';
		if (*word == '\0' || *word == '#')
			continue;
		if (*text != '\0')
			*text++ = '\0';
		if (strcmp(word, "shell") != 0)
			unescape(text);
		if (play(run, word, text))
			continue;
		fprintf(stderr, "pty: line %u: no \"%s %s\"; the screen is\n", number,
		    word, text);
		show(run, stderr);
		return 1;
	}
	return 0;
}

static int
start(struct run *run, const struct winsize *size, char **command)
{
	run->pid = forkpty(&run->fd, NULL, NULL, size);
	if (run->pid < 0)
		return -errno;
	if (run->pid == 0) {
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	(void)fcntl(run->fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(run->fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* Leaves nothing behind: a hangup first, then by force. */
static void
stop(struct run *run)
{
	if (run->fd >= 0)
		close(run->fd);
	run->fd = -1;
	run->timeout_ms = 1000;
	if (!wait_for(run, has_ended, NULL)) {
		kill(run->pid, SIGKILL);
		waitpid(run->pid, &run->status, 0);
	}
	vt_clear(&run->vt);
	free(run->output);
}

static int
usage(void)
{
	fprintf(stderr, "usage: pty [-s COLUMNSxROWS] [-t SECONDS] COMMAND ...\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct run run = { .fd = -1, .timeout_ms = 5000 };
	unsigned columns = 80, rows = 24;
	int option;

	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		return 2;
	while ((option = getopt(argc, argv, "+s:t:")) != -1) {
		if (option == 't')
			run.timeout_ms = atoi(optarg) * 1000;
		else if (option != 's' || sscanf(optarg, "%ux%u", &columns, &rows) != 2)
			return usage();
	}
	if (optind >= argc || columns < 2 || rows < 2)
		return usage();

	struct winsize size = { .ws_col = (unsigned short)columns,
		.ws_row = (unsigned short)rows };
	if (vt_init(&run.vt, columns, rows) < 0 ||
	    start(&run, &size, argv + optind) < 0) {
		perror("pty");
		return 2;
	}
	int status = play_script(&run, stdin);
	stop(&run);
	return status;
}
