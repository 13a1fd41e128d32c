/*
 * settings.c - the table of settings, snapshots and their listeners.
 *
 * A snapshot is changed only by the thread that made it, before it is published;
 * afterwards all that happens to it is counting references.
 */
#include "server/settings.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net.h"
#include "server/settings_value.h"

#define DEFAULT_LISTEN "127.0.0.1:7420"
#define DEFAULT_BACKLOG 4096
#define DEFAULT_LISTEN_MODE 0666

static const struct setting_info table[SETTING_IDS] = {
#define SETTING(section, name, type, def, min, max, applies, words, summary) \
	{ section, #name, SETTING_##type, def, min, max, APPLIES_##applies, words, \
		summary, offsetof(struct settings, name) },
#include "server/settings.def"
#undef SETTING
};

const struct setting_info *
setting_info(enum setting_id id)
{
	assert(id < SETTING_IDS);
	return &table[id];
}

const char *
setting_applies_text(enum setting_applies applies)
{
	static const char *const text[] = {
		[APPLIES_LIVE] = "live",
		[APPLIES_RELOAD] = "reload",
		[APPLIES_RESTART] = "restart",
	};

	return text[applies];
}

const char *
setting_unit(enum setting_type type)
{
	if (type == SETTING_DURATION)
		return "s";
	return type == SETTING_SIZE ? "bytes" : "";
}

bool
setting_is_savable(enum setting_id id)
{
	return table[id].applies == APPLIES_LIVE && table[id].type != SETTING_STRING;
}

bool
setting_is_runtime(const struct settings *s, enum setting_id id)
{
	return s->source[id].origin == ORIGIN_RUNTIME ||
	       s->source[id].origin == ORIGIN_PENDING;
}

int
settings_find(const char *name)
{
	for (int id = 0; id < SETTING_IDS; id++) {
		const struct setting_info *info = &table[id];
		size_t len = strlen(info->section);

		if (strcmp(name, info->name) == 0)
			return id;
		if (len > 0 && strncmp(name, info->section, len) == 0 &&
		    name[len] == '.' && strcmp(name + len + 1, info->name) == 0)
			return id;
	}
	return -ENOENT;
}

static int
set_defaults(struct settings *s)
{
	char error[256];
	int err;

	for (int id = 0; id < SETTING_IDS; id++) {
		struct setting_source source = { .origin = ORIGIN_DEFAULT };

		err = settings_set(s, (enum setting_id)id, table[id].def, source, error,
		    sizeof(error));
		assert(err == 0 || err == -ENOMEM);
		if (err < 0)
			return err;
	}
	return 0;
}

struct settings *
settings_new(void)
{
	struct settings *s = calloc(1, sizeof(*s));
	char address[] = DEFAULT_LISTEN, error[256];
	struct listen_options builtin = { .address = address };

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	if (set_defaults(s) < 0 ||
	    settings_listen_add(s, &builtin, error, sizeof(error)) < 0) {
		settings_unref(s);
		return NULL;
	}
	s->listen_is_builtin = true;
	return s;
}

static int
copy_value(struct settings *to, const struct settings *from, enum setting_id id)
{
	const struct strings *list;

	if (table[id].type == SETTING_STRING) {
		*setting_string(to, id) = strdup(*setting_string(from, id));
		return *setting_string(to, id) == NULL ? -ENOMEM : 0;
	}
	if (table[id].type != SETTING_STRINGS) {
		*setting_number(to, id) = *setting_number(from, id);
		return 0;
	}
	list = setting_strings(from, id);
	for (size_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];

		if (strings_add(setting_strings(to, id), item, strlen(item)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void
clear_listener(struct listen_options *opt)
{
	free(opt->address);
	free(opt->name);
}

/* Appends a copy without any check. */
static int
append_listen(struct settings *s, const struct listen_options *opt)
{
	struct listen_options added = *opt, *list = NULL;

	added.address = strdup(opt->address);
	added.name = strdup(opt->name != NULL ? opt->name : opt->address);
	if (added.address != NULL && added.name != NULL)
		list = reallocarray(s->listen, s->nlisten + 1, sizeof(*list));
	if (list == NULL) {
		clear_listener(&added);
		return -ENOMEM;
	}
	list[s->nlisten++] = added;
	s->listen = list;
	return 0;
}

static int
copy_all(struct settings *to, const struct settings *from)
{
	for (int id = 0; id < SETTING_IDS; id++) {
		if (copy_value(to, from, (enum setting_id)id) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < from->nlisten; i++) {
		if (append_listen(to, &from->listen[i]) < 0)
			return -ENOMEM;
	}
	if (from->file != NULL && (to->file = strdup(from->file)) == NULL)
		return -ENOMEM;
	if (from->overlay != NULL && (to->overlay = strdup(from->overlay)) == NULL)
		return -ENOMEM;
	memcpy(to->source, from->source, sizeof(to->source));
	to->generation = from->generation;
	to->servable = from->servable;
	to->listen_is_builtin = from->listen_is_builtin;
	return 0;
}

struct settings *
settings_copy(const struct settings *s)
{
	struct settings *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	atomic_init(&copy->refs, 1);
	if (copy_all(copy, s) < 0) {
		settings_unref(copy);
		return NULL;
	}
	return copy;
}

struct settings *
settings_ref(struct settings *s)
{
	/* Relaxed: whoever takes a reference already holds or guards one. */
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static void
clear_listen(struct settings *s)
{
	for (size_t i = 0; i < s->nlisten; i++)
		clear_listener(&s->listen[i]);
	free(s->listen);
	s->listen = NULL;
	s->nlisten = 0;
}

void
settings_unref(struct settings *s)
{
	/* Acquire and release: the last one out sees what the others did. */
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (int id = 0; id < SETTING_IDS; id++) {
		if (table[id].type == SETTING_STRING)
			free(*setting_string(s, (enum setting_id)id));
		else if (table[id].type == SETTING_STRINGS)
			strings_clear(setting_strings(s, (enum setting_id)id));
	}
	clear_listen(s);
	settings_unref(s->under);
	free(s->overlay);
	free(s->file);
	free(s);
}

bool
settings_differ(const struct settings *a, const struct settings *b, enum setting_id id)
{
	const struct strings *x, *y;

	if (table[id].type == SETTING_STRING)
		return strcmp(*setting_string(a, id), *setting_string(b, id)) != 0;
	if (table[id].type != SETTING_STRINGS)
		return *setting_number(a, id) != *setting_number(b, id);
	x = setting_strings(a, id);
	y = setting_strings(b, id);
	if (x->count != y->count)
		return true;
	for (size_t i = 0; i < x->count; i++) {
		if (strcmp(x->items[i], y->items[i]) != 0)
			return true;
	}
	return false;
}

static bool
is_same_address(const char *a, const char *b)
{
	struct sockaddr_storage x = { 0 }, y = { 0 };
	socklen_t xlen, ylen;

	if (net_listen_parse(a, &x, &xlen) < 0 || net_listen_parse(b, &y, &ylen) < 0)
		return strcmp(a, b) == 0;
	return xlen == ylen && memcmp(&x, &y, xlen) == 0;
}

/* What is wrong with it by itself, or NULL. */
static const char *
listen_problem(const struct listen_options *opt)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int err = net_listen_parse(opt->address, &sa, &len);

	if (err == -ENAMETOOLONG)
		return "is not allowed: a path of at most 107 bytes";
	if (err < 0 || !setting_is_plain_text(opt->address, strlen(opt->address)))
		return "is not an address: 127.0.0.1:7420, [::1]:7420, *:7420 or "
		       "unix:/path";
	return NULL;
}

static int
refuse_listen(const char *value, const char *why, char *error, size_t size)
{
	char text[SETTING_SHOWN_SIZE];

	snprintf(error, size, "listen: %s %s", setting_shown(value, text), why);
	return -EINVAL;
}

static int
check_listen(const struct settings *s, const struct listen_options *opt, char *error,
    size_t size)
{
	const char *name = opt->name != NULL ? opt->name : opt->address;
	const char *problem = listen_problem(opt);

	if (problem != NULL)
		return refuse_listen(opt->address, problem, error, size);
	if (*name == '\0' || strpbrk(name, " ,") != NULL ||
	    !setting_is_plain_text(name, strlen(name)))
		return refuse_listen(
		    name, "is not a name: no spaces and commas", error, size);
	for (size_t i = 0; i < s->nlisten && !s->listen_is_builtin; i++) {
		if (is_same_address(s->listen[i].address, opt->address))
			return refuse_listen(opt->address,
			    "is an address that is there twice", error, size);
		if (strcmp(s->listen[i].name, name) == 0)
			return refuse_listen(
			    name, "is a name that is there twice", error, size);
	}
	return 0;
}

int
settings_listen_add(
    struct settings *s, const struct listen_options *opt, char *error, size_t size)
{
	struct listen_options filled = *opt;
	int err = check_listen(s, opt, error, size);

	if (err < 0)
		return err;
	if (filled.backlog == 0)
		filled.backlog = DEFAULT_BACKLOG;
	if (filled.mode == 0)
		filled.mode = DEFAULT_LISTEN_MODE;
	if (s->listen_is_builtin)
		clear_listen(s);
	s->listen_is_builtin = false;
	if (append_listen(s, &filled) == 0)
		return 0;
	snprintf(error, size, "listen: out of memory");
	return -ENOMEM;
}
