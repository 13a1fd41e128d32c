/*
 * password.c - crypt(3) hashes, and the file of users in a hash table.
 *
 * The table points into the text of the file, which is kept whole and wiped at
 * the end. Nothing in it changes after passwords_load(), so that helpers read it
 * without a lock.
 */
#include "server/password.h"

#include <assert.h>
#include <crypt.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <openssl/crypto.h>

#include "common/siphash.h"
#include "common/text.h"
#include "server/file.h"

#define METHOD "$y$"  /* yescrypt */
#define DIGEST_MIN 22 /* characters after the last $: MD5, the shortest there is */
#define NO_ENTRY UINT32_MAX

struct entry { /* strings point into the text */
	const char *user, *hash;
	bool is_disabled;
};

struct passwords {
	atomic_uint refs;
	struct file_text text;
	struct entry *entries; /* in the order of the file */
	size_t count, room;
	uint32_t *slots; /* index of an entry or NO_ENTRY; linear probing */
	size_t mask;	 /* slots - 1; at least half of them are free */
	struct siphash_key key;
	char dummy[PASSWORD_HASH_SIZE]; /* what an unknown user is measured with */
};

struct loading { /* where an error belongs */
	const char *path;
	unsigned line;
	char *error;
	size_t size;
};

static_assert(PASSWORD_HASH_SIZE >= CRYPT_OUTPUT_SIZE, "crypt(3) needs more room");

static int complain(const struct loading *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
complain(const struct loading *l, const char *format, ...)
{
	char sentence[256];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	snprintf(l->error, l->size, "%s:%u: %s", l->path, l->line, sentence);
	return -EINVAL;
}

static int
fresh_setting(char *ret, size_t size)
{
	/* No entropy given: crypt takes it from the kernel. 0: its default cost. */
	if (crypt_gensalt_rn(METHOD, 0, NULL, 0, ret, (int)size) == NULL)
		return -errno;
	return 0;
}

int
password_hash(const char *secret, char *ret, size_t size)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *hash;
	int err = data == NULL ? -ENOMEM : fresh_setting(setting, sizeof(setting));

	if (err == 0) {
		hash = crypt_r(secret, setting, data);
		if (hash == NULL || *hash == '*')
			err = -EINVAL;
		else if (strlen(hash) >= size)
			err = -ENOSPC;
		else
			strcpy(ret, hash);
		OPENSSL_cleanse(data, sizeof(*data));
	}
	free(data);
	return err;
}

static size_t
slot_of(const struct passwords *p, const char *user)
{
	return (size_t)siphash(&p->key, user, strlen(user)) & p->mask;
}

static const struct entry *
find(const struct passwords *p, const char *user)
{
	size_t slot = slot_of(p, user);

	while (p->slots[slot] != NO_ENTRY) {
		const struct entry *e = &p->entries[p->slots[slot]];

		if (strcmp(e->user, user) == 0)
			return e;
		slot = (slot + 1) & p->mask;
	}
	return NULL;
}

static void
enter(struct passwords *p, uint32_t index)
{
	size_t slot = slot_of(p, p->entries[index].user);

	while (p->slots[slot] != NO_ENTRY)
		slot = (slot + 1) & p->mask;
	p->slots[slot] = index;
}

/* Twice the slots, all entries anew. */
static int
grow(struct passwords *p)
{
	size_t nslots = p->slots == NULL ? 64 : (p->mask + 1) * 2;
	uint32_t *slots = malloc(nslots * sizeof(*slots));
	struct entry *entries;

	if (slots == NULL)
		return -ENOMEM;
	entries = reallocarray(p->entries, nslots / 2, sizeof(*entries));
	if (entries == NULL) {
		free(slots);
		return -ENOMEM;
	}
	p->entries = entries;
	p->room = nslots / 2;
	free(p->slots);
	p->slots = slots;
	p->mask = nslots - 1;
	memset(slots, 0xff, nslots * sizeof(*slots));
	for (size_t i = 0; i < p->count; i++)
		enter(p, (uint32_t)i);
	return 0;
}

/*
 * A whole hash of a kind that begins with $, as all do that are worth having. A
 * plain password in the place of the hash must not pass as an ancient DES one.
 */
static bool
is_hash(const char *text)
{
	const char *digest = strrchr(text, '$');
	int salt;

	if (*text != '$' || strlen(text) >= CRYPT_OUTPUT_SIZE ||
	    strlen(digest + 1) < DIGEST_MIN)
		return false;
	salt = crypt_checksalt(text);
	return salt != CRYPT_SALT_INVALID && salt != CRYPT_SALT_METHOD_DISABLED;
}

static int
parse_flags(const struct loading *l, char *flags, struct entry *e)
{
	char *flag;

	while ((flag = strsep(&flags, ",")) != NULL) {
		if (strcmp(flag, "disabled") != 0)
			return complain(l, "unknown flag: the only one is disabled");
		e->is_disabled = true;
	}
	return 0;
}

/* The messages show the user, once known to be harmless, and never the hash. */
static int
parse_entry(const struct loading *l, char *line, struct entry *e)
{
	char *user = strsep(&line, ":"), *hash = strsep(&line, ":");

	if (!text_is_user(user, strlen(user)))
		return complain(l,
		    "not user:hash: a user is 1 to 64 of letters, digits "
		    "and ._@+-");
	if (hash == NULL)
		return complain(l, "user %s has no hash", user);
	if (!is_hash(hash))
		return complain(l,
		    "user %s: not a hash of crypt(3); poold --hash-password makes one",
		    user);
	e->user = user;
	e->hash = hash;
	e->is_disabled = false;
	return line == NULL || *line == '\0' ? 0 : parse_flags(l, line, e);
}

static int
add_line(struct passwords *p, const struct loading *l, char *line)
{
	struct entry e;
	int err;

	if (*line == '\0' || *line == '#')
		return 0;
	if ((err = parse_entry(l, line, &e)) < 0)
		return err;
	if (find(p, e.user) != NULL)
		return complain(l, "user %s is there twice", e.user);
	if (p->count == p->room && grow(p) < 0) {
		complain(l, "out of memory");
		return -ENOMEM;
	}
	p->entries[p->count] = e;
	enter(p, (uint32_t)p->count++);
	return 0;
}

static int
add_lines(struct passwords *p, struct loading *l)
{
	char *rest = p->text.data, *line;
	int err = 0;

	if (strlen(rest) != p->text.len) {
		snprintf(l->error, l->size, "%s: holds a NUL byte", l->path);
		return -EINVAL;
	}
	while (err == 0 && (line = strsep(&rest, "\n")) != NULL) {
		size_t len = strlen(line);

		l->line++;
		while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
			line[--len] = '\0';
		err = add_line(p, l, line);
	}
	return err;
}

static int
prepare(struct passwords *p, const struct loading *l)
{
	int err = grow(p);

	if (err == 0 && getrandom(&p->key, sizeof(p->key), 0) != sizeof(p->key))
		err = -EIO;
	if (err == 0)
		err = fresh_setting(p->dummy, sizeof(p->dummy));
	if (err < 0)
		snprintf(l->error, l->size, "%s: %s", l->path, strerror(-err));
	return err;
}

int
passwords_load(const char *path, struct passwords **ret, char *error, size_t size)
{
	struct loading l = { path, 0, error, size };
	struct passwords *p = calloc(1, sizeof(*p));
	int err;

	if (p == NULL) {
		snprintf(error, size, "%s: out of memory", path);
		return -ENOMEM;
	}
	atomic_init(&p->refs, 1);
	if ((err = file_read(path, PASSWORD_FILE_MAX, &p->text, error, size)) < 0 ||
	    (err = prepare(p, &l)) < 0 || (err = add_lines(p, &l)) < 0) {
		passwords_unref(p);
		return err;
	}
	if (p->count > 0)
		snprintf(p->dummy, sizeof(p->dummy), "%s", p->entries[0].hash);
	*ret = p;
	return 0;
}

struct passwords *
passwords_ref(struct passwords *p)
{
	/* Relaxed: whoever takes a reference already holds or guards one. */
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void
passwords_unref(struct passwords *p)
{
	/* Acquire and release: no reader is left when the memory goes. */
	if (p == NULL ||
	    atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	file_text_clear(&p->text);
	free(p->entries);
	free(p->slots);
	free(p);
}

size_t
passwords_count(const struct passwords *p)
{
	return p->count;
}

bool
passwords_exposed(const struct passwords *p)
{
	return (p->text.mode & S_IRWXO) != 0;
}

bool
passwords_check(const struct passwords *p, const char *user, const char *secret,
    struct crypt_data *scratch)
{
	const struct entry *e = find(p, user);
	const char *expected = e != NULL ? e->hash : p->dummy;
	const char *hash = crypt_r(secret, expected, scratch);
	size_t len = strlen(expected);

	/* The order matters: everything slow has been done for everybody by now. */
	if (hash == NULL || strlen(hash) != len)
		return false;
	return CRYPTO_memcmp(hash, expected, len) == 0 && e != NULL && !e->is_disabled;
}
