/*
 * command_config_check.c - config check: a file by poold itself, or the file in use.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buffer.h"
#include "ctl/args.h"
#include "ctl/config_view.h"
#include "ctl/member.h"
#include "ctl/session.h"
#include "ctl/verbs.h"

#define READ_SIZE 4096

/* poold beside this program, then where the system keeps servers. */
static const char *
find_poold(char *path, size_t size)
{
	static const char *const places[] = { "poold", "../sbin/poold" };
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, size, "%.*s/%s", (int)(slash - self), self, places[i]);
		if (access(path, X_OK) == 0)
			return path;
	}
	return "poold";
}

static void
exec_poold(const char *file, int output)
{
	char path[640], search[2048];
	const char *own = getenv("PATH");

	snprintf(search, sizeof(search), "%s:/usr/local/sbin:/usr/sbin:/sbin",
	    own ? own : "/usr/bin:/bin");
	setenv("PATH", search, 1);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execlp(find_poold(path, sizeof(path)), "poold", "--check-config", "-c", file,
	    NULL);
	dprintf(STDERR_FILENO, "cannot run poold: %s\n", strerror(errno));
	_exit(127);
}

static void
read_all(int fd, struct buffer *ret)
{
	for (;;) {
		char *room = buffer_reserve(ret, READ_SIZE);
		ssize_t n = room ? read(fd, room, READ_SIZE) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		ret->len += (size_t)n;
	}
}

/* Runs poold on the file. Returns its exit status, or a negative errno. */
static int
run_poold(const char *file, struct buffer *said)
{
	int fds[2], wstatus = 0;
	pid_t pid;

	if (pipe(fds) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		exec_poold(file, fds[1]);
	close(fds[1]);
	if (pid > 0)
		read_all(fds[0], said);
	close(fds[0]);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &wstatus, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

/* What poold said as one sentence: its name left out, lines joined. */
static void
one_line(const struct buffer *said, char *text, size_t size)
{
	size_t used = 0;

	for (size_t at = 0; at < said->len && used + 4 < size;) {
		const char *line = said->data + at;
		const char *end = memchr(line, '\n', said->len - at);
		size_t len = end ? (size_t)(end - line) : said->len - at;

		at += len + 1;
		if (len > 7 && strncmp(line, "poold: ", 7) == 0) {
			line += 7;
			len -= 7;
		}
		if (len > 0)
			used += (size_t)snprintf(text + used, size - used, "%s%.*s",
			    used > 0 ? "; " : "", (int)len, line);
	}
	if (used == 0)
		snprintf(text, size, "poold finds it bad without a word");
}

static int
text_good(struct session *s, const json_t *r)
{
	session_say(s, "%s: good", member_text(r, "file"));
	return 0;
}

static int
check_file(struct session *s, const char *file)
{
	static const struct view view = { .text = text_good };
	struct buffer said;
	char text[1000];
	json_t *result;
	int status;

	buffer_init(&said);
	fflush(s->out);
	status = run_poold(file, &said);
	one_line(&said, text, sizeof(text));
	buffer_clear(&said);
	if (status < 0)
		return session_fail(
		    s, STATUS_REFUSED, "cannot run poold: %s", strerror(-status));
	if (status == 127)
		return session_fail(s, STATUS_REFUSED, "%s", text);
	if (status != 0)
		return session_fail(s, STATUS_USAGE, "%s", text);
	result = json_pack("{s:s, s:b}", "file", file, "ok", 1);
	if (!result)
		return session_fail(s, STATUS_USAGE, "%s: not a name in UTF-8", file);
	status = output_result(s, &view, result);
	json_decref(result);
	return status;
}

static bool
changes_nothing(const json_t *r)
{
	static const char *const members[] = { "changed", "dropped", "needs_restart",
		"hidden" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_array_size(json_object_get(r, members[i])) > 0)
			return false;
	return true;
}

static int
text_reload(struct session *s, const json_t *r)
{
	if (changes_nothing(r)) {
		session_say(
		    s, "the configuration is good; a reload would change nothing");
		return 0;
	}
	session_say(s, "the configuration is good; what a reload would do:");
	return config_view_changed.text(s, r);
}

static int
run_check(struct session *s, struct args *a)
{
	struct view view = config_view_changed;
	json_t *params;

	if (a->noperands > 0)
		return check_file(s, a->operands[0]);
	params = json_object();
	view.text = text_reload;
	args_put(&params, "dry_run", json_true());
	return session_show(s, "server.reload", params, &view);
}

const struct command verb_config_check = {
	.words = "config check",
	.operands = "[FILE]",
	.summary = "whether a configuration file is good, and what it would change",
	.details =
	    "With FILE, poold itself checks it and need not be running. Without, the\n"
	    "running poold reads its own file and says what a reload would change.",
	.examples =
	    "  poolctl config check\n  poolctl config check /etc/poold/poold.yaml\n",
	.method = METHOD_ID_SERVER_RELOAD,
	.operand = VALUE_FILE,
	.max_operands = 1,
	.run = run_check,
};
