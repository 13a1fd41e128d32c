/*
 * top.h - what `top` knows of a pool: samples become rates, graphs and rows.
 *
 * Fed with answers of the daemon, drawn as text; knows neither terminal nor socket.
 * Main thread.
 */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

#define TOP_GRAPH 60	/* samples that a graph shows */
#define TOP_SAMPLE 500	/* connections looked at for the order of a rate */
#define TOP_WINDOW_S 60 /* how far back the ends are counted */
#define TOP_ENDS 1000	/* ends looked at for that */

enum top_sort {
	TOP_QUEUE,    /* bytes that wait */
	TOP_RTT,      /* slowest round trips */
	TOP_BYTES,    /* in and out per second */
	TOP_MESSAGES, /* the same in messages */
	TOP_DROPS,    /* messages that were dropped */
	TOP_IDLE,     /* longest without a command */
	TOP_AGE,      /* oldest */
	TOP_FLAPS,    /* users whose connections ended most often */
	TOP_SORTS
};

struct top_sort_info {
	const char *word, *label; /* "queue", and with its key in it: "qUeue" */
	char key;		  /* that chooses it */
	const char *order;	  /* of connections.list; NULL: it takes the ends */
	const char *column;	  /* title of the one it is about */
};

const struct top_sort_info *top_sort_info(enum top_sort sort);
int top_sort_parse(const char *word); /* a sort, or -EINVAL */

enum top_rate { TOP_LOGINS, TOP_CLOSED, TOP_IN, TOP_OUT, TOP_RATES };

struct top {
	enum top_sort sort;
	json_t *stats;	   /* of the last sample; NULL: there is none yet */
	json_t *rows;	   /* with rates, in order; NULL: not yet */
	json_t *previous;  /* private: rows of the sample before, by id */
	uint64_t total;	   /* connections or ends, of which rows are some */
	double interval_s; /* between the last two samples, 0: there is one */
	double rates[TOP_RATES][TOP_GRAPH]; /* per second, the oldest first */
	unsigned nrates;
};

void top_init(struct top *t, enum top_sort sort);
void top_clear(struct top *t);

/* Another order: rows of the old one are shown until top_take_rows(). */
void top_choose(struct top *t, enum top_sort sort);

/* Forgets all but the order: the daemon is another one. */
void top_restart(struct top *t);

/* The method that gives rows for the order, and its parameters (a new object). */
const char *top_method(const struct top *t);
json_t *top_params(const struct top *t, size_t limit);

/* The answers, borrowed. */
void top_take_stats(struct top *t, json_t *stats);
void top_take_rows(struct top *t, const json_t *result);

/* A sample as an object; at most limit rows. */
json_t *top_object(const struct top *t, size_t limit);

/* --- drawing --- */

struct top_page {
	size_t columns, rows; /* of the page; columns 0: as wide as it gets */
	size_t limit;	      /* rows of the list, 0: what there is room for */
	bool has_graphs;
	bool marks;	     /* bold and reverse, as escape sequences */
	const char *daemon;  /* "poold 0.1.0 on vm" */
	const char *message; /* what is wrong, or "" */
	const char *keys;    /* last line, or NULL */
};

/*
 * Appends at most page->rows lines, each with its \n and no wider than the page.
 * Returns 0 or -ENOMEM.
 */
int top_draw(const struct top *t, const struct top_page *page, struct buffer *out);

#endif
