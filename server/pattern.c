/*
 * pattern.c - what glibc does with an expression decides what is refused here.
 */
#include "server/pattern.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 128	      /* bytes: what regcomp() makes of it stays small */
#define PATTERN_REPEAT_MAX 30 /* the largest bound in {}: copies of the automaton */
#define PATTERN_GROUPS_MAX 3 /* groups under "+" or "{}", which may lie in each other */

static bool
is_quantifier(char c)
{
	return c == '*' || c == '+' || c == '?' || c == '{';
}

/* "{2,30}": both small enough? */
static bool
is_small_bound(const char *at)
{
	char *end;
	unsigned long low = strtoul(at + 1, &end, 10);
	unsigned long high = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;

	return low <= PATTERN_REPEAT_MAX && high <= PATTERN_REPEAT_MAX;
}

/*
 * regcomp() copies what "+" and "{}" repeat, once more for each of them around it,
 * and regexec() follows back-references by trial. Whoever may look must not stall
 * a worker, so these are bounded here; inside [] too, which costs little.
 */
static const char *
objection_to(const char *text)
{
	unsigned braces = 0, groups = 0;
	char before = '\0';

	if (strlen(text) > PATTERN_MAX)
		return "the expression is too long";
	for (const char *at = text; *at != '\0'; before = *at++) {
		if (*at == '\\' && at[1] >= '1' && at[1] <= '9')
			return "back-references are not taken";
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (is_quantifier(*at) && (is_quantifier(before) || before == '}'))
			return "a repetition of a repetition is not taken";
		else if (*at == '{' && (++braces > 1 || !is_small_bound(at)))
			return "at most one {}, up to 30, is taken";
		if ((*at == '+' || *at == '{') && before == ')' &&
		    ++groups > PATTERN_GROUPS_MAX)
			return "too many groups are repeated";
	}
	return NULL;
}

int
pattern_compile(regex_t *ret, const char *text, char why[PATTERN_ERROR_SIZE])
{
	const char *objection =
	    *text == '\0' ? "a value is missing" : objection_to(text);
	int err;

	if (objection != NULL) {
		snprintf(why, PATTERN_ERROR_SIZE, "%s", objection);
		return -EINVAL;
	}
	err = regcomp(ret, text, REG_EXTENDED | REG_NOSUB);
	if (err == 0)
		return 0;
	regerror(err, ret, why, PATTERN_ERROR_SIZE);
	return -EINVAL;
}
