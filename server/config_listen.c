/*
 * config_listen.c - the listeners of the configuration file: a list of addresses,
 * or of mappings with an address and its own options.
 */
#include "server/config_reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/units.h"
#include "server/config.h"
#include "server/settings_value.h"

/* One listener of the list, as far as it has been read. */
struct draft {
	struct listen_options opt;
	yaml_mark_t at; /* of its address */
};

static int
read_backlog(struct reader *r, struct draft *d)
{
	char shown[SETTING_SHOWN_SIZE];
	int64_t backlog = 0;

	if (units_parse_count(reader_scalar(r), &backlog) < 0 || backlog < 1 ||
	    backlog > 65535)
		return reader_complain(r, r->event.start_mark,
		    "backlog: %s is not allowed: 1 to 65535",
		    setting_shown(reader_scalar(r), shown));
	d->opt.backlog = (int)backlog;
	return 0;
}

static int
read_mode(struct reader *r, struct draft *d)
{
	const char *text = reader_scalar(r);
	char shown[SETTING_SHOWN_SIZE];
	size_t len = strlen(text);
	long mode = 0;

	if (len > 0 && len <= 5 && strspn(text, "01234567") == len)
		mode = strtol(text, NULL, 8);
	if (mode < 1 || mode > 0777)
		return reader_complain(r, r->event.start_mark,
		    "mode: %s is not allowed: 0001 to 0777",
		    setting_shown(text, shown));
	d->opt.mode = (int)mode;
	return 0;
}

static int
read_text(struct reader *r, char **ret)
{
	free(*ret);
	*ret = strdup(reader_scalar(r));
	return *ret == NULL ? reader_no_memory(r) : 0;
}

static int
read_listen_value(struct reader *r, struct draft *d, unsigned key, const char *name)
{
	int err = reader_next(r);

	if (err < 0)
		return err;
	if (reader_scalar(r) == NULL)
		return reader_refuse_kind(r, name, "one value");
	if (key == 0)
		d->at = r->event.start_mark;
	switch (key) {
	case 0:
		return read_text(r, &d->opt.address);
	case 1:
		return read_text(r, &d->opt.name);
	case 2:
		return read_backlog(r, d);
	default:
		return read_mode(r, d);
	}
}

static int
read_listen_mapping(struct reader *r, struct draft *d)
{
	static const char *const keys[] = { "address", "name", "backlog", "mode" };
	yaml_mark_t start = r->event.start_mark;
	bool seen[4] = { false };
	int more, err;

	while ((more = reader_next_key(r)) > 0) {
		char shown[SETTING_SHOWN_SIZE], near[64];
		const char *key = reader_scalar(r);
		unsigned i = 0;

		while (i < 4 && strcmp(keys[i], key) != 0)
			i++;
		if (i == 4)
			return reader_complain(r, r->event.start_mark,
			    "unknown key %s in listen%s", setting_shown(key, shown),
			    text_near(key, keys, 4, near, sizeof(near)));
		if (seen[i])
			return reader_complain(
			    r, r->event.start_mark, "%s is there twice", keys[i]);
		seen[i] = true;
		if ((err = read_listen_value(r, d, i, keys[i])) < 0)
			return err;
	}
	if (more == 0 && !seen[0])
		return reader_complain(r, start, "listen: address is missing");
	return more;
}

static int
add_listener(struct reader *r, struct draft *d)
{
	char error[CONFIG_ERROR_SIZE];

	d->opt.line = (unsigned)d->at.line + 1;
	d->opt.column = (unsigned)d->at.column + 1;
	if (settings_listen_add(r->s, &d->opt, error, sizeof(error)) < 0)
		return reader_complain(r, d->at, "%s", error);
	return 0;
}

static int
read_listener(struct reader *r)
{
	struct draft d = { .at = r->event.start_mark };
	int err;

	if (r->event.type == YAML_MAPPING_START_EVENT)
		err = read_listen_mapping(r, &d);
	else if (reader_scalar(r) != NULL && !reader_is_null(r))
		err = read_text(r, &d.opt.address);
	else
		err = reader_refuse_kind(r, "listen", "an address");
	if (err == 0)
		err = add_listener(r, &d);
	free(d.opt.address);
	free(d.opt.name);
	return err;
}

int
config_read_listen(struct reader *r, yaml_mark_t key)
{
	unsigned count = 0;
	int err;

	if (r->seen_listen)
		return reader_complain(r, key, "listen is there twice");
	r->seen_listen = true;
	if ((err = reader_next(r)) < 0)
		return err;
	if (r->event.type != YAML_SEQUENCE_START_EVENT)
		return read_listener(r);
	while (
	    (err = reader_next(r)) == 0 && r->event.type != YAML_SEQUENCE_END_EVENT) {
		if ((err = read_listener(r)) < 0)
			return err;
		count++;
	}
	if (err == 0 && count == 0)
		return reader_complain(
		    r, key, "listen: expected an address, found an empty list");
	return err;
}
