/*
 * auth.c - helper threads between a bounded queue and the mailboxes.
 *
 * The lock is held to move a pointer, never while hashing, reading a file or
 * posting. The table of passwords is swapped whole; a helper keeps a reference
 * for as long as it works with it.
 */
#include "server/auth.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "common/siphash.h"
#include "server/password.h"
#include "server/settings.h"

#define HELPERS_MAX 64
#define SHARES 4096    /* sources are told apart by so many values of a keyed hash */
#define HELPER_NICE 10 /* messages go first when processors are short */

enum trust { TRUST_NOBODY, TRUST_LOCAL, TRUST_ALL };

struct place {
	struct auth_job *job;
	uint16_t share; /* of its source */
};

struct auth {
	/* guards passwords, queue and what follows up to is_closing */
	pthread_mutex_t lock;
	pthread_cond_t ready;		    /* something waits, or is_closing */
	struct passwords *passwords;	    /* NULL unless the method needs them */
	struct place queue[AUTH_QUEUE_MAX]; /* longest waiting first */
	unsigned waiting;
	uint16_t waiting_of[SHARES]; /* of each source */
	bool is_turn_of_least;	     /* take_next() */
	bool is_closing;

	struct siphash_key key; /* constant */

	atomic_int trust;		/* enum trust */
	pthread_t helpers[HELPERS_MAX]; /* main thread only, as what follows */
	unsigned nhelpers;
};

static void
answer(struct auth_job *job, enum auth_verdict verdict)
{
	OPENSSL_cleanse(job->secret, sizeof(job->secret));
	job->verdict = verdict;
	mailbox_post(job->reply_to, &job->mail);
}

/* ---- the queue; under the lock ---- */

/* How many are there of the same source as number i? */
static unsigned
of_source(const struct auth *auth, unsigned i)
{
	return auth->waiting_of[auth->queue[i].share];
}

static void
append(struct auth *auth, struct place last)
{
	auth->queue[auth->waiting++] = last;
	auth->waiting_of[last.share]++;
}

static struct auth_job *
take_out(struct auth *auth, unsigned i)
{
	struct place *at = &auth->queue[i], out = *at;

	memmove(at, at + 1, (--auth->waiting - i) * sizeof(*at));
	auth->waiting_of[out.share]--;
	return out.job;
}

/* The last one of those who have most in it, which is not empty. */
static unsigned
last_of_most(const struct auth *auth)
{
	unsigned found = 0;

	for (unsigned i = 1; i < auth->waiting; i++)
		if (of_source(auth, i) >= of_source(auth, found))
			found = i;
	return found;
}

static unsigned
first_of_least(const struct auth *auth)
{
	unsigned found = 0;

	for (unsigned i = 1; i < auth->waiting; i++)
		if (of_source(auth, i) < of_source(auth, found))
			found = i;
	return found;
}

/* Who asks little waits for no more than two; who asks much, or for many behind one
 * address, has every second turn at least. */
static struct auth_job *
take_next(struct auth *auth)
{
	auth->is_turn_of_least = !auth->is_turn_of_least;
	return take_out(auth, auth->is_turn_of_least ? first_of_least(auth) : 0);
}

/* False: it is full, and nobody has more in it. *ret: who had to make room, or NULL. */
static bool
admit(struct auth *auth, struct place asked, struct auth_job **ret)
{
	unsigned i;

	if (auth->waiting == AUTH_QUEUE_MAX) {
		i = last_of_most(auth);
		if (auth->waiting_of[asked.share] + 1u >= of_source(auth, i))
			return false;
		*ret = take_out(auth, i);
	}
	append(auth, asked);
	return true;
}

/* ---- helpers ---- */

/* Waits for a job. Returns NULL at the end. *ret holds a reference, or NULL. */
static struct auth_job *
take(struct auth *auth, struct passwords **ret)
{
	struct auth_job *job = NULL;

	pthread_mutex_lock(&auth->lock);
	while (auth->waiting == 0 && !auth->is_closing)
		pthread_cond_wait(&auth->ready, &auth->lock);
	if (!auth->is_closing) {
		job = take_next(auth);
		*ret = auth->passwords != NULL ? passwords_ref(auth->passwords) : NULL;
	}
	pthread_mutex_unlock(&auth->lock);
	return job;
}

static bool
is_right(
    struct passwords *passwords, const struct auth_job *job, struct crypt_data *scratch)
{
	return passwords != NULL &&
	       !atomic_load_explicit(&job->is_withdrawn, memory_order_relaxed) &&
	       passwords_check(passwords, job->user, job->secret, scratch);
}

static void
work(struct auth *auth, struct crypt_data *scratch)
{
	struct passwords *passwords;
	struct auth_job *job;

	while ((job = take(auth, &passwords)) != NULL) {
		bool ok = is_right(passwords, job, scratch);

		passwords_unref(passwords);
		answer(job, ok ? AUTH_OK : AUTH_FAILED);
	}
}

static void *
helper(void *arg)
{
	struct crypt_data scratch = { 0 }; /* 32 KiB, no reason to fail for them */

	(void)pthread_setname_np(pthread_self(), "auth");
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), HELPER_NICE);
	work(arg, &scratch);
	OPENSSL_cleanse(&scratch, sizeof(scratch));
	return NULL;
}

static unsigned
helpers_wanted(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (processors < 4)
		return 1;
	return processors / 2 < HELPERS_MAX ? (unsigned)processors / 2 : HELPERS_MAX;
}

/* One helper is enough to go on with; none is an error. */
static int
start_helpers(struct auth *auth)
{
	sigset_t all, old;
	int err = 0;

	sigfillset(&all); /* signals are for the main thread */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (err == 0 && auth->nhelpers < helpers_wanted()) {
		pthread_t *thread = &auth->helpers[auth->nhelpers];

		if ((err = pthread_create(thread, NULL, helper, auth)) == 0)
			auth->nhelpers++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return auth->nhelpers > 0 ? 0 : -err;
}

static enum trust
trust_of(const struct settings *s)
{
	if (!settings_has_method(s, "trust"))
		return TRUST_NOBODY;
	return s->allow_remote_trust != 0 ? TRUST_ALL : TRUST_LOCAL;
}

static void
swap_passwords(struct auth *auth, struct passwords *passwords)
{
	struct passwords *old;

	pthread_mutex_lock(&auth->lock);
	old = auth->passwords;
	auth->passwords = passwords;
	pthread_mutex_unlock(&auth->lock);
	passwords_unref(old);
}

/* A line of the file of users is a place already; else say which setting led there. */
static void
locate(const struct settings *s, char *error, size_t size)
{
	size_t len = strlen(s->password_file);
	char *sentence;

	if (strncmp(error, s->password_file, len) == 0 && error[len] == ':' &&
	    isdigit((unsigned char)error[len + 1]))
		return;
	if ((sentence = strdup(error)) == NULL)
		return;
	snprintf(error, size, "password_file: %s", sentence);
	free(sentence);
	settings_locate(s, SETTING_ID_password_file, error, size);
}

int
auth_reload(struct auth *auth, const struct settings *s, char *error, size_t size)
{
	struct passwords *passwords = NULL;
	int err = 0;

	if (settings_has_method(s, "password")) {
		err = passwords_load(s->password_file, &passwords, error, size);
		if (err < 0) {
			locate(s, error, size);
			return err;
		}
		if ((err = start_helpers(auth)) < 0) {
			snprintf(
			    error, size, "auth: no helper thread: %s", strerror(-err));
			passwords_unref(passwords);
			return err;
		}
	}
	swap_passwords(auth, passwords);
	/* Relaxed: a login that overlaps the change may see either rule. */
	atomic_store_explicit(&auth->trust, trust_of(s), memory_order_relaxed);
	return 0;
}

int
auth_open(struct auth **ret, const struct settings *s, char *error, size_t size)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	int err;

	if (auth == NULL) {
		snprintf(error, size, "auth: out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&auth->lock, NULL);
	pthread_cond_init(&auth->ready, NULL);
	atomic_init(&auth->trust, TRUST_NOBODY);
	if (getrandom(&auth->key, sizeof(auth->key), 0) != sizeof(auth->key)) {
		snprintf(error, size, "auth: no random numbers");
		auth_close(auth);
		return -EIO;
	}
	if ((err = auth_reload(auth, s, error, size)) < 0) {
		auth_close(auth);
		return err;
	}
	*ret = auth;
	return 0;
}

bool
auth_warning(struct auth *auth, char *text, size_t size)
{
	bool is_exposed;

	pthread_mutex_lock(&auth->lock);
	is_exposed = auth->passwords != NULL && passwords_exposed(auth->passwords);
	pthread_mutex_unlock(&auth->lock);
	if (is_exposed)
		snprintf(text, size,
		    "the password file is open to everybody: chmod o= would close it");
	return is_exposed;
}

bool
auth_trusts(struct auth *auth, bool peer_is_local)
{
	int trust = atomic_load_explicit(&auth->trust, memory_order_relaxed);

	return trust == TRUST_ALL || (trust == TRUST_LOCAL && peer_is_local);
}

enum auth_verdict
auth_check(struct auth *auth, struct auth_job *job)
{
	enum auth_verdict verdict = AUTH_PENDING;
	struct place asked = { .job = job };
	struct auth_job *displaced = NULL;

	asked.share = siphash(&auth->key, &job->source, sizeof(job->source)) % SHARES;
	pthread_mutex_lock(&auth->lock);
	if (auth->is_closing)
		verdict = AUTH_BUSY;
	else if (auth->passwords == NULL)
		verdict = AUTH_FAILED;
	else if (!admit(auth, asked, &displaced))
		verdict = AUTH_BUSY;
	pthread_mutex_unlock(&auth->lock);
	if (displaced != NULL)
		answer(displaced, AUTH_BUSY);
	if (verdict == AUTH_PENDING)
		pthread_cond_signal(&auth->ready);
	return verdict;
}

void
auth_withdraw(struct auth_job *job)
{
	/* Relaxed: a helper that has not seen it yet works in vain, once. */
	atomic_store_explicit(&job->is_withdrawn, true, memory_order_relaxed);
}

/* No helper is left, and auth_check() takes nothing any more. */
static void
answer_the_rest(struct auth *auth)
{
	while (auth->waiting > 0)
		answer(take_out(auth, 0), AUTH_BUSY);
}

void
auth_close(struct auth *auth)
{
	if (auth == NULL)
		return;
	pthread_mutex_lock(&auth->lock);
	auth->is_closing = true;
	pthread_mutex_unlock(&auth->lock);
	pthread_cond_broadcast(&auth->ready);
	for (unsigned i = 0; i < auth->nhelpers; i++)
		pthread_join(auth->helpers[i], NULL);
	answer_the_rest(auth);
	passwords_unref(auth->passwords);
	pthread_cond_destroy(&auth->ready);
	pthread_mutex_destroy(&auth->lock);
	free(auth);
}
