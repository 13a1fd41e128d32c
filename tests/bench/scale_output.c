/*
 * scale_output.c - what the scale bench found, as a table or as JSON lines.
 */
#include "tests/bench/scale.h"

#include <stdio.h>

void
scale_print_json(const struct subject *s, uint32_t n, const struct result *r,
    const struct result *first)
{
	printf("{\"structure\":\"%s\",\"entries\":%u,\"own_bytes\":%.1f,"
	       "\"heap_bytes\":%.1f,\"resident_bytes\":%.1f}\n",
	    s->name, n, r->own_bytes, r->heap_bytes, r->resident_bytes);
	for (unsigned i = 0; i < STEPS && s->steps[i].run != NULL; i++) {
		const struct figure *f = &r->steps[i];

		printf("{\"structure\":\"%s\",\"entries\":%u,\"operation\":\"%s\","
		       "\"ns\":%.1f,\"flat\":%.2f,\"longest_us\":%.1f,"
		       "\"p99999_us\":%.1f}\n",
		    s->name, n, s->steps[i].name, f->ns, f->ns / first->steps[i].ns,
		    f->longest_us, f->p99999_us);
	}
}

void
scale_print_head(unsigned nsizes)
{
	printf("%-10s %-21s", "", "entries:");
	for (uint32_t n = 1000, i = 0; i < nsizes; i++, n *= 10)
		printf(" %8u flat", n);
	printf("  longest us  p99.999\n");
}

static void
print_bytes(const char *name, const char *what, const struct result *r, unsigned nsizes,
    double (*of)(const struct result *))
{
	if (of(&r[0]) == 0)
		return;
	printf("%-10s %-21s", name, what);
	for (unsigned i = 0; i < nsizes; i++)
		printf(" %8.1f %4.2f", of(&r[i]), of(&r[i]) / of(&r[0]));
	printf("\n");
}

static double
own_bytes(const struct result *r)
{
	return r->own_bytes;
}

static double
resident_bytes(const struct result *r)
{
	return r->resident_bytes;
}

static double
heap_bytes(const struct result *r)
{
	return r->heap_bytes;
}

void
scale_print_table(const struct subject *s, const struct result *r, unsigned nsizes)
{
	const struct result *largest = &r[nsizes - 1];

	print_bytes(s->name, "bytes, own account", r, nsizes, own_bytes);
	print_bytes(s->name, "bytes, of the heap", r, nsizes, heap_bytes);
	print_bytes(s->name, "bytes, resident", r, nsizes, resident_bytes);
	for (unsigned i = 0; i < STEPS && s->steps[i].run != NULL; i++) {
		printf("%-10s %-21s", s->name, s->steps[i].name);
		for (unsigned k = 0; k < nsizes; k++)
			printf(" %8.1f %4.2f", r[k].steps[i].ns,
			    r[k].steps[i].ns / r[0].steps[i].ns);
		printf("  %10.1f %8.1f\n", largest->steps[i].longest_us,
		    largest->steps[i].p99999_us);
	}
}
