/*
 * config_view.h - how settings and changes of them are shown, for the commands
 * that begin with config. Main thread.
 */
#ifndef CTL_CONFIG_VIEW_H
#define CTL_CONFIG_VIEW_H

#include "common/units.h"
#include "ctl/output.h"

extern const struct view config_view_changed;

/* A number in the unit of a setting as people write it: "5m", "64KiB". Returns text, or
 * NULL if the number alone will do. */
const char *config_view_number(
    double number, const char *unit, char text[UNITS_TEXT_SIZE]);

/* The time in the source of a setting becomes one for people. */
void config_view_source(json_t *row, struct column_style style);

/* "name: old -> new   (what)" */
void config_view_say(struct session *s, const json_t *row, const char *what);

/* Where it was saved, if it was. */
void config_view_saved(struct session *s, const json_t *result);

/* The judge of a view: was it saved, but not for certain? */
int config_view_warn(struct session *s, const json_t *result);

#endif
