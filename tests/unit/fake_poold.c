/*
 * fake_poold.c - a control socket that answers from a list.
 */
#include "tests/unit/fake_poold.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Says a reply with the id of the request in the place of each @. */
static void
say(FILE *out, const char *reply, const char *id)
{
	for (; *reply != '\0'; reply++) {
		if (*reply == '@')
			fputs(id, out);
		else
			fputc(*reply, out);
	}
	fflush(out);
}

/* Answers one line. Returns 0 to hang up. */
static int
answer(FILE *out, const struct fake_rule *rules, const char *line)
{
	const char *at = strstr(line, "\"id\":");
	char id[24], quoted[64];

	snprintf(id, sizeof(id), "%ld", at ? strtol(at + 5, NULL, 10) : 0L);
	for (; rules->method; rules++) {
		snprintf(quoted, sizeof(quoted), "\"method\":\"%s\"", rules->method);
		if (!strstr(line, quoted))
			continue;
		if (!rules->reply)
			return 0;
		say(out, rules->reply, id);
		return 1;
	}
	return 1;
}

static void
serve(int fd, const char *hello, const struct fake_rule *rules, int log)
{
	FILE *stream = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	say(out, hello, "0");
	while ((n = getline(&line, &size, stream)) > 0) {
		if (write(log, line, (size_t)n) != n)
			break;
		if (!answer(out, rules, line))
			break;
	}
	free(line);
	fclose(out);
	fclose(stream);
}

static void
run(const struct fake *f, int listener, const char *hello,
    const struct fake_rule *rules)
{
	char path[80];
	int log, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	snprintf(path, sizeof(path), "%s/log", f->dir);
	log = open(path, O_CREAT | O_APPEND | O_WRONLY, 0600);
	while ((fd = accept(listener, NULL, NULL)) >= 0)
		serve(fd, hello, rules, log);
	_exit(0);
}

void
fake_start(struct fake *f, const char *hello, const struct fake_rule *rules)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(f->dir, "/tmp/fake_poold.XXXXXX");
	if (listener < 0 || !mkdtemp(f->dir))
		abort();
	snprintf(f->path, sizeof(f->path), "%s/control.sock", f->dir);
	memcpy(sun.sun_path, f->path, strlen(f->path));
	if (bind(listener, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(listener, 16) < 0)
		abort();
	f->pid = fork();
	if (f->pid == 0)
		run(f, listener, hello, rules);
	close(listener);
}

void
fake_stop(struct fake *f)
{
	char path[80];

	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	snprintf(path, sizeof(path), "%s/log", f->dir);
	unlink(path);
	unlink(f->path);
	rmdir(f->dir);
}

const char *
fake_requests(const struct fake *f)
{
	static char text[65536];
	char path[80];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/log", f->dir);
	fd = open(path, O_RDONLY);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}
