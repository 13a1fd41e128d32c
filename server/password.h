/*
 * password.h - password hashes (crypt(3)) and the file that holds them.
 *
 * The file has lines `user:hash` or `user:hash:flags`, blank lines and comments
 * that begin with #. The only flag is `disabled`. A read file is immutable and
 * counted by reference, so that a reload never races with a check. Any thread.
 */
#ifndef SERVER_PASSWORD_H
#define SERVER_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

struct passwords;
struct crypt_data;

#define PASSWORD_HASH_SIZE 384		     /* CRYPT_OUTPUT_SIZE */
#define PASSWORD_FILE_MAX (64 * 1024 * 1024) /* bytes */

/*
 * A fresh yescrypt hash with a random salt. Returns 0 or a negative errno; takes
 * about 20 ms.
 */
int password_hash(const char *secret, char *ret, size_t size);

/*
 * Reads the file. Returns 0 with one reference in *ret, or a negative errno with
 * "file:line: what is wrong" in error[size] and *ret untouched. Duplicate users
 * and lines of another form are errors.
 */
int passwords_load(const char *path, struct passwords **ret, char *error, size_t size);

struct passwords *passwords_ref(struct passwords *p);
void passwords_unref(struct passwords *p);

size_t passwords_count(const struct passwords *p);

/* Could people other than the owner and the group read the file? */
bool passwords_exposed(const struct passwords *p);

/*
 * Is it the secret of an enabled user? An unknown user costs as much time as a
 * wrong secret. `scratch` is the caller's working space, zeroed once before the
 * first use, wiped by the caller at the end.
 */
bool passwords_check(const struct passwords *p, const char *user, const char *secret,
    struct crypt_data *scratch);

/*
 * `poold --hash-password`: asks on the terminal twice without echo, or reads one
 * line of standard input, and prints the hash. Returns the exit status.
 */
int password_command(void);

#endif
