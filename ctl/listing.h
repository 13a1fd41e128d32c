/*
 * listing.h - rows page by page, shown as they come: for the commands that list.
 *
 * Main thread.
 */
#ifndef CTL_LISTING_H
#define CTL_LISTING_H

struct args;
struct session;
struct view;

/*
 * Lists what the method streams, with the operands as selector, in pages that follow
 * each other by `after`. The options "limit", "after" and "sort" are those of the
 * method. Returns a status.
 */
int listing_run(
    struct session *s, struct args *a, const struct view *view, const char *method);

#endif
