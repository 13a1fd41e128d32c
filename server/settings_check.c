/*
 * settings_check.c - what spans settings: which values do not go together, and
 * which defaults this machine cannot serve.
 */
#include "server/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net.h"
#include "common/units.h"
#include "server/settings_value.h"

#define QUEUE_SPARE 4096 /* bytes of max_queue beyond a message: header, replies */

bool
settings_has_method(const struct settings *s, const char *method)
{
	for (size_t i = 0; i < s->method.count; i++) {
		if (strcmp(s->method.items[i], method) == 0)
			return true;
	}
	return false;
}

static bool
is_on_this_machine(const char *address)
{
	struct sockaddr_storage sa;
	struct net_addr addr;
	socklen_t len;

	if (net_listen_parse(address, &sa, &len) < 0)
		return false;
	net_addr_from(&addr, (const struct sockaddr *)&sa, len);
	return net_is_loopback(&addr);
}

bool
settings_remote_metrics(const struct settings *s)
{
	return *s->address != '\0' && !is_on_this_machine(s->address);
}

const struct listen_options *
settings_remote_trust(const struct settings *s)
{
	if (!settings_has_method(s, "trust"))
		return NULL;
	for (size_t i = 0; i < s->nlisten; i++) {
		if (!is_on_this_machine(s->listen[i].address))
			return &s->listen[i];
	}
	return NULL;
}

static bool
is_chosen(const struct settings *s, enum setting_id id)
{
	return s->source[id].origin != ORIGIN_DEFAULT &&
	       s->source[id].origin != ORIGIN_LOWERED;
}

/* Of two settings that do not go together, blame the one somebody chose. */
static struct setting_source
culprit(const struct settings *s, enum setting_id first, enum setting_id second)
{
	return s->source[is_chosen(s, first) ? first : second];
}

static int
check_queue(
    const struct settings *s, struct setting_source *at, char *error, size_t size)
{
	char value[UNITS_TEXT_SIZE], least[UNITS_TEXT_SIZE];

	if (s->max_queue >= s->max_message + QUEUE_SPARE)
		return 0;
	*at = culprit(s, SETTING_ID_max_queue, SETTING_ID_max_message);
	snprintf(error, size,
	    "max_queue: %s is not allowed: at least %s (max_message + 4KiB)",
	    units_size(s->max_queue, value),
	    units_size(s->max_message + QUEUE_SPARE, least));
	return -EINVAL;
}

static int
check_descriptors(
    const struct settings *s, struct setting_source *at, char *error, size_t size)
{
	if (s->servable == 0 ||
	    s->max_connections + s->max_unauthenticated <= s->servable)
		return 0;
	*at = culprit(s, SETTING_ID_max_connections, SETTING_ID_max_unauthenticated);
	snprintf(error, size,
	    "max_connections: %" PRId64
	    " is not allowed: with max_unauthenticated %" PRId64 " at most %" PRId64
	    ", for descriptors serve %" PRId64 " connections",
	    s->max_connections, s->max_unauthenticated,
	    s->servable > s->max_unauthenticated ? s->servable - s->max_unauthenticated
						 : 0,
	    s->servable);
	return -EINVAL;
}

static int
check_auth(
    const struct settings *s, struct setting_source *at, char *error, size_t size)
{
	const struct listen_options *remote = settings_remote_trust(s);

	if (settings_has_method(s, "password") && *s->password_file == '\0') {
		*at = s->source[SETTING_ID_method];
		snprintf(error, size,
		    "password_file: \"\" is not allowed: method password needs a file");
		return -EINVAL;
	}
	if (remote == NULL || s->allow_remote_trust != 0)
		return 0;
	*at = (struct setting_source){
		.origin = ORIGIN_FILE,
		.line = remote->line,
		.column = remote->column,
	};
	snprintf(error, size,
	    "listen: %s is not allowed with auth.method trust, which would let other "
	    "machines in without a secret: set auth.method to password, or "
	    "auth.allow_remote_trust to true",
	    remote->address);
	return -EINVAL;
}

/* A start would find itself in its own way, and blame another process. */
static int
check_metrics_is_free(const struct settings *s, char *error, size_t size)
{
	for (size_t i = 0; i < s->nlisten; i++) {
		if (strcmp(s->listen[i].address, s->address) != 0)
			continue;
		snprintf(error, size,
		    "metrics.address: %s is not allowed: clients listen there",
		    s->address);
		return -EINVAL;
	}
	return 0;
}

static int
check_metrics(
    const struct settings *s, struct setting_source *at, char *error, size_t size)
{
	struct sockaddr_storage sa;
	socklen_t len;
	struct net_addr addr;

	*at = s->source[SETTING_ID_address];
	if (*s->address == '\0')
		return 0;
	if (net_listen_parse(s->address, &sa, &len) == 0) {
		net_addr_from(&addr, (const struct sockaddr *)&sa, len);
		if (addr.family != NET_UNIX && addr.port != 0)
			return check_metrics_is_free(s, error, size);
	}
	snprintf(error, size,
	    "metrics.address: \"%s\" is not allowed: an address and a port, such as "
	    "127.0.0.1:9421, [::1]:9421 or *:9421",
	    s->address);
	return -EINVAL;
}

int
settings_check_at(
    const struct settings *s, struct setting_source *ret_at, char *error, size_t size)
{
	struct setting_source at;
	int err;

	if ((err = check_queue(s, &at, error, size)) < 0 ||
	    (err = check_descriptors(s, &at, error, size)) < 0 ||
	    (err = check_auth(s, &at, error, size)) < 0 ||
	    (err = check_metrics(s, &at, error, size)) < 0) {
		if (ret_at != NULL)
			*ret_at = at;
	}
	return err;
}

int
settings_check(const struct settings *s, char *error, size_t size)
{
	return settings_check_at(s, NULL, error, size);
}

void
settings_locate_at(
    const struct settings *s, struct setting_source at, char *text, size_t size)
{
	const char *file = NULL;
	char *sentence;

	if (at.origin == ORIGIN_FILE)
		file = s->file;
	else if (at.origin == ORIGIN_OVERLAY)
		file = s->overlay;
	if (file == NULL || at.line == 0 || (sentence = strdup(text)) == NULL)
		return;
	snprintf(text, size, "%s:%u:%u: %s", file, at.line, at.column, sentence);
	free(sentence);
}

void
settings_locate(const struct settings *s, enum setting_id id, char *text, size_t size)
{
	settings_locate_at(s, s->source[id], text, size);
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The default, or what is left of it. Somebody's choice stays as it is. */
static bool
lower_one(struct settings *s, enum setting_id id, int64_t most)
{
	int64_t value = 0;

	if (is_chosen(s, id) || units_parse_count(setting_info(id)->def, &value) < 0)
		return false;
	if (most < 1)
		most = 1;
	*setting_number(s, id) = smaller(value, most);
	s->source[id].origin = most < value ? ORIGIN_LOWERED : ORIGIN_DEFAULT;
	return most < value;
}

bool
settings_lower(struct settings *s, char *text, size_t size)
{
	int64_t strangers;

	if (s->servable == 0)
		return false;
	strangers = s->servable / 8;
	if (is_chosen(s, SETTING_ID_max_connections))
		strangers = smaller(strangers, s->servable - s->max_connections);
	lower_one(s, SETTING_ID_max_unauthenticated, strangers);
	if (!lower_one(
		s, SETTING_ID_max_connections, s->servable - s->max_unauthenticated))
		return false;
	snprintf(text, size,
	    "max_connections: lowered from %s to %" PRId64
	    ", which is what the limit of open files allows",
	    setting_info(SETTING_ID_max_connections)->def, s->max_connections);
	return true;
}
