/*
 * scale.h - what the scale bench measures: structures, and what is done to them.
 */
#ifndef TESTS_SCALE_H
#define TESTS_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order {
	ARRIVAL,
	RANDOM,	 /* has nothing to do with that of arrival */
	TO_LAST, /* any number of times, until the last is done */
};

struct step { /* one kind of operation, once for each entry */
	const char *name;
	bool (*run)(uint32_t i); /* for entry i; true: nothing is left to be done */
	enum order order;
};

#define STEPS 7
#define SIZES 5 /* 1,000, 10,000 … at most */

struct subject {
	const char *name;
	void (*set_up)(uint32_t n); /* an empty one, and room for n of its users */
	void (*tear_down)(void);
	size_t (*bytes)(void); /* held, by its own account; NULL: it keeps none */
	/* In this order. The first makes all entries, the last takes them away. */
	struct step steps[STEPS];
};

extern const struct subject scale_subjects[];
extern const unsigned scale_nsubjects;

struct figure {
	double ns;	   /* of one operation */
	double longest_us; /* of a single one */
	double p99999_us;
};

struct result {
	double own_bytes, heap_bytes, resident_bytes; /* of one entry */
	struct figure steps[STEPS];
};

/* scale_output.c. `first` is what was found for the least number of entries. */
void scale_print_json(const struct subject *s, uint32_t n, const struct result *r,
    const struct result *first);
void scale_print_head(unsigned nsizes);
/* The longest are those of the largest size. */
void scale_print_table(
    const struct subject *s, const struct result *r, unsigned nsizes);

#endif
