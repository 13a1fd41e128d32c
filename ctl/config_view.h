/*
 * config_view.h - how changed settings are shown, for config set and check.
 */
#ifndef CTL_CONFIG_VIEW_H
#define CTL_CONFIG_VIEW_H

#include "ctl/output.h"

extern const struct view config_view_changed;

#endif
