/*
 * password_command.c - poold --hash-password.
 *
 * The secret is read byte by byte, so that no copy stays in a buffer of stdio,
 * and the terminal gets its echo back whatever ends the reading.
 */
#include "server/password.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <openssl/crypto.h>

#define SECRET_SIZE 512 /* crypt(3) takes at most 511 bytes */

static volatile sig_atomic_t interrupted; /* the signal, or 0 */

static void
note_signal(int number)
{
	interrupted = number;
}

/* Without SA_RESTART: the read is to end. */
static void
catch_signals(struct sigaction old[3])
{
	struct sigaction catch = { .sa_handler = note_signal };

	sigaction(SIGINT, &catch, &old[0]);
	sigaction(SIGTERM, &catch, &old[1]);
	sigaction(SIGQUIT, &catch, &old[2]);
}

static void
release_signals(const struct sigaction old[3])
{
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
	sigaction(SIGQUIT, &old[2], NULL);
	if (interrupted != 0)
		raise(interrupted);
}

/* One line of standard input without its end. Returns 0 or a negative errno. */
static int
read_line(char secret[SECRET_SIZE])
{
	size_t len = 0;
	char c = '\n';

	for (;;) {
		ssize_t n = read(STDIN_FILENO, &c, 1);

		if (n < 0)
			return -errno;
		if (n == 0 || c == '\n')
			break;
		if (len + 1 == SECRET_SIZE)
			return -E2BIG;
		secret[len++] = c;
	}
	if (len > 0 && secret[len - 1] == '\r')
		len--;
	secret[len] = '\0';
	return 0;
}

static int
ask(const char *prompt, char secret[SECRET_SIZE])
{
	struct termios saved, quiet;
	struct sigaction old[3];
	int err;

	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return -errno;
	quiet = saved;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	catch_signals(old);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fputs(prompt, stderr);
	err = read_line(secret);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
	fputc('\n', stderr);
	release_signals(old);
	return err;
}

/* Returns NULL, or why not. */
static const char *
read_secret(char secret[SECRET_SIZE], char again[SECRET_SIZE])
{
	int err;

	if (!isatty(STDIN_FILENO))
		err = read_line(secret);
	else if ((err = ask("Password: ", secret)) == 0)
		err = ask("Again: ", again);
	else
		return strerror(-err);
	if (err == -E2BIG)
		return "a password has at most 511 bytes";
	if (err < 0)
		return strerror(-err);
	if (isatty(STDIN_FILENO) && strcmp(secret, again) != 0)
		return "the two passwords differ";
	return NULL;
}

/* The protocol separates words by spaces, so that such a secret could never be sent. */
static const char *
secret_problem(const char *secret)
{
	if (*secret == '\0')
		return "an empty password is not allowed";
	for (const char *c = secret; *c != '\0'; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "spaces and control characters are not allowed";
	}
	return NULL;
}

int
password_command(void)
{
	char secret[SECRET_SIZE] = "", again[SECRET_SIZE] = "";
	char hash[PASSWORD_HASH_SIZE];
	const char *problem = read_secret(secret, again);
	int err = 0;

	if (problem == NULL)
		problem = secret_problem(secret);
	if (problem == NULL && (err = password_hash(secret, hash, sizeof(hash))) < 0)
		problem = strerror(-err);
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(again, sizeof(again));
	if (problem != NULL) {
		fprintf(stderr, "poold: %s\n", problem);
		return 1;
	}
	return printf("%s\n", hash) < 0 || fflush(stdout) != 0 ? 1 : 0;
}
