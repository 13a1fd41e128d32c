/*
 * main.c - poolctl: one command, a batch, or the prompt.
 */
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "ctl/args.h"
#include "ctl/batch.h"
#include "ctl/builtin.h"
#include "ctl/completion.h"
#include "ctl/interrupt.h"
#include "ctl/invoke.h"
#include "ctl/session.h"
#include "ctl/shell.h"

/* Text is UTF-8 on the wire; the C locale could not show a width of it. */
static void
choose_locale(void)
{
	const char *now = setlocale(LC_ALL, "");

	if (!now || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0 ||
	    strcmp(setlocale(LC_CTYPE, NULL), "POSIX") == 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)setlocale(LC_NUMERIC, "C"); /* 0.5 is 0.5 everywhere, in and out */
}

/* Options but no command: a batch, or the prompt if somebody is there. */
static int
run_without_command(struct session *s)
{
	if (s->options.version)
		return builtin_version(s);
	if (s->options.help)
		return builtin_help(s);
	if (s->options.batch)
		return batch_run(s, s->options.batch);
	if (s->in_is_terminal && s->out_is_terminal)
		return shell_run(s);
	return batch_run(s, "-");
}

static int
run(struct session *s, int argc, char *argv[])
{
	char error[512];
	int used = 0, status;

	if (argc > 1 && strcmp(argv[1], "__complete") == 0) /* of a shell */
		return completion_answer(s, argc - 2, argv + 2);
	status = session_environment(s);
	if (status != 0)
		return status;
	status =
	    args_globals(&s->options, argc - 1, argv + 1, &used, error, sizeof(error));
	if (status != 0)
		return session_fail(s, status, "%s", error);
	argc -= used + 1;
	argv += used + 1;
	if (argc == 1 && strcmp(argv[0], "-") == 0 && !s->options.batch)
		return batch_run(s, "-");
	if (argc == 0)
		return run_without_command(s);
	return invoke(s, argc, argv);
}

/*
 * One of the three that is closed would be the next that is opened: what is meant for
 * the operator would go to the daemon. In its place comes what cannot be used either.
 */
static void
hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open(
			    "/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int
main(int argc, char *argv[])
{
	struct session session;
	int status;

	hold_standard_descriptors();
	choose_locale();
	interrupt_install();
	session_init(&session);
	status = run(&session, argc, argv);
	status = session_flush(&session, status);
	session_clear(&session);
	return status;
}
