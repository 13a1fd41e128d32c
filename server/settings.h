/*
 * settings.h - one immutable snapshot of everything that can be configured.
 *
 * A snapshot never changes once published; a change makes a new one. Each
 * thread holds a reference and takes the next snapshot at a quiet point.
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strings { /* owned, in order */
	char **items;
	size_t count;
};

enum setting_type {
	SETTING_DURATION, /* int64_t, ms; 0 is always allowed and means off */
	SETTING_SIZE,	  /* int64_t, bytes */
	SETTING_COUNT,	  /* int64_t */
	SETTING_BOOL,	  /* int64_t, 0 or 1 */
	SETTING_WORD,	  /* int64_t, index into words */
	SETTING_MODE,	  /* int64_t, permission bits */
	SETTING_STRING,	  /* char *, never NULL */
	SETTING_STRINGS,  /* struct strings */
};

enum setting_applies { APPLIES_LIVE, APPLIES_RELOAD, APPLIES_RESTART };

/* Values of the WORD settings, in the order of their words. */
enum duplicate_login { DUPLICATE_REPLACE, DUPLICATE_REJECT };
enum slow_reader { SLOW_DISCONNECT, SLOW_DROP_NEW, SLOW_REJECT };

enum setting_id {
#define SETTING(section, name, type, def, min, max, applies, words, summary) \
	SETTING_ID_##name,
#include "server/settings.def"
#undef SETTING
	SETTING_IDS
};

enum setting_origin {
	ORIGIN_DEFAULT,
	ORIGIN_FILE,
	ORIGIN_OVERLAY, /* saved by an operator, read after the file: overlay.h */
	ORIGIN_RUNTIME,
	ORIGIN_PENDING, /* as RUNTIME, but goes back unless it is confirmed */
	ORIGIN_LOWERED,
};

struct setting_source { /* where a value comes from */
	enum setting_origin origin;
	unsigned line;	  /* FILE, OVERLAY: line of it, from 1 */
	unsigned column;  /* FILE, OVERLAY: from 1 */
	unsigned uid;	  /* OVERLAY, RUNTIME, PENDING: who set it */
	int64_t wall_us;  /* OVERLAY, RUNTIME, PENDING: when; 0: not known */
	int64_t until_us; /* PENDING: when it goes back, wall clock */
};

struct listen_options {
	char *address; /* as written: 127.0.0.1:7420, [::1]:7420, unix:/path */
	char *name;    /* for listener=; by default the address */
	int backlog;   /* default 4096 */
	int mode;      /* unix: permissions, default 0666 */
	unsigned line; /* of the configuration file, 0 if built in */
	unsigned column;
};

#define SETTING_FIELD_DURATION int64_t
#define SETTING_FIELD_SIZE int64_t
#define SETTING_FIELD_COUNT int64_t
#define SETTING_FIELD_BOOL int64_t
#define SETTING_FIELD_WORD int64_t
#define SETTING_FIELD_MODE int64_t
#define SETTING_FIELD_STRING char *
#define SETTING_FIELD_STRINGS struct strings

struct settings {
	atomic_uint refs;
	uint64_t generation;	/* counts the snapshots published */
	char *file;		/* the configuration file, or NULL */
	char *overlay;		/* the file of what was saved, or NULL */
	struct settings *under; /* of a snapshot that an overlay was read into:
				 * without it, owned; NULL: there was none */
	int64_t servable;	/* connections that descriptors allow, 0: not known */
	struct listen_options *listen; /* where users connect, at least one */
	size_t nlisten;
	bool listen_is_builtin; /* private: nobody has added one yet */
#define SETTING(section, name, type, def, min, max, applies, words, summary) \
	SETTING_FIELD_##type name;
#include "server/settings.def"
#undef SETTING
	struct setting_source source[SETTING_IDS];
};

struct setting_info { /* one row of settings.def */
	const char *section, *name;
	enum setting_type type;
	const char *def; /* as text */
	int64_t min, max;
	enum setting_applies applies;
	const char *words;
	const char *summary;
	size_t offset; /* of the field in struct settings */
};

const struct setting_info *setting_info(enum setting_id id);
const char *setting_applies_text(enum setting_applies applies);
const char *setting_unit(enum setting_type type); /* "s", "bytes" or "" */

/*
 * May it be kept in the overlay? Only what `set` may change. No paths either: the
 * overlay belongs to the daemon's account, and a start by root opens the log as root.
 */
bool setting_is_savable(enum setting_id id);

/* Was it given by an operator and not saved? */
bool setting_is_runtime(const struct settings *s, enum setting_id id);

/* By `name` or `section.name`. Returns the id or -ENOENT. */
int settings_find(const char *name);

struct settings *settings_new(void); /* all defaults, one reference */
/* Deep, one reference; without `under`. */
struct settings *settings_copy(const struct settings *s);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

/*
 * Parses and range-checks text into a snapshot that is not yet published.
 * Returns 0, or -EINVAL / -ERANGE / -ENOMEM with a sentence in error[size] that
 * names the value and what is allowed; the snapshot is then unchanged.
 */
int settings_set(struct settings *s, enum setting_id id, const char *text,
    struct setting_source source, char *error, size_t size);

/*
 * Checks that span settings: max_queue >= max_message + 4 KiB, what `servable`
 * allows, a password file for method password, no trust beyond this machine, a
 * metrics.address that can be listened on.
 * Returns 0 or -EINVAL with a sentence in error[size]. *ret_at, unless NULL, is
 * then where the culprit was set, a listener counting as set in the file.
 */
int settings_check(const struct settings *s, char *error, size_t size);
int settings_check_at(
    const struct settings *s, struct setting_source *ret_at, char *error, size_t size);

/*
 * Puts "file:line:column: " before the sentence in text[size] about this setting,
 * or about what was set at `at`, if that came from the file or the overlay.
 */
void settings_locate(
    const struct settings *s, enum setting_id id, char *text, size_t size);
void settings_locate_at(
    const struct settings *s, struct setting_source at, char *text, size_t size);

/*
 * Lowers max_unauthenticated and max_connections to what `servable` allows, if
 * they are at their default (or were lowered before). What somebody chose is
 * left for settings_check() to refuse. To be called whenever a snapshot is made
 * from defaults, by a start, a reload or an `unset`. Returns true with a sentence
 * in text[size] if max_connections is lower than its default now.
 */
bool settings_lower(struct settings *s, char *text, size_t size);

/*
 * The listeners. The first one added takes the place of the built-in one. `opt`
 * is copied; without a name the address is the name. Returns 0, or -EINVAL or
 * -ENOMEM with a sentence in error[size] and the snapshot unchanged.
 */
int settings_listen_add(
    struct settings *s, const struct listen_options *opt, char *error, size_t size);

/* Does auth.method have this word? */
bool settings_has_method(const struct settings *s, const char *method);

/*
 * The first listener through which other machines would be trusted without a
 * secret, or NULL. It is an error unless allow_remote_trust, then a warning.
 */
const struct listen_options *settings_remote_trust(const struct settings *s);

/* Can other machines reach metrics.address? */
bool settings_remote_metrics(const struct settings *s);

/* The value as `set` would take it: "5m", "64KiB", "root,@pooladm". malloc'd. */
char *settings_text(const struct settings *s, enum setting_id id);

/* Do a and b differ in this setting? */
bool settings_differ(
    const struct settings *a, const struct settings *b, enum setting_id id);

#endif
