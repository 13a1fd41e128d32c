/*
 * vt.c - what a terminal of the xterm family would show, as text.
 */
#include "tests/vt.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static wchar_t *
cell(const struct vt *vt, unsigned x, unsigned y)
{
	return &vt->cells[(size_t)y * vt->columns + x];
}

static unsigned
lesser(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void
erase(struct vt *vt, unsigned y, unsigned from, unsigned end)
{
	for (unsigned x = from; x < end; x++)
		*cell(vt, x, y) = L' ';
}

static void
line_feed(struct vt *vt)
{
	if (vt->y + 1 < vt->rows) {
		vt->y++;
		return;
	}
	memmove(vt->cells, cell(vt, 0, 1),
	    (size_t)(vt->rows - 1) * vt->columns * sizeof(*vt->cells));
	erase(vt, vt->rows - 1, 0, vt->columns);
}

static void
insert_blanks(struct vt *vt, unsigned n)
{
	n = lesser(n, vt->columns - vt->x);
	wmemmove(cell(vt, vt->x + n, vt->y), cell(vt, vt->x, vt->y),
	    vt->columns - vt->x - n);
	erase(vt, vt->y, vt->x, vt->x + n);
}

static void
delete_cells(struct vt *vt, unsigned n)
{
	n = lesser(n, vt->columns - vt->x);
	wmemmove(cell(vt, vt->x, vt->y), cell(vt, vt->x + n, vt->y),
	    vt->columns - vt->x - n);
	erase(vt, vt->y, vt->columns - n, vt->columns);
}

static void
put(struct vt *vt, wchar_t c)
{
	int width = wcwidth(c);

	if (width <= 0)
		return;
	if (vt->wrap_pending || vt->x + (unsigned)width > vt->columns) {
		vt->x = 0;
		line_feed(vt);
	}
	if (vt->inserting)
		insert_blanks(vt, (unsigned)width);
	*cell(vt, vt->x, vt->y) = c;
	if (width == 2)
		*cell(vt, vt->x + 1, vt->y) = L'\0';
	vt->x += (unsigned)width;
	vt->wrap_pending = vt->x >= vt->columns;
	if (vt->wrap_pending)
		vt->x = vt->columns - 1;
}

static void
control(struct vt *vt, wchar_t c)
{
	if (c == L'\a') {
		vt->bells++;
		return;
	}
	if (c == L'\033') {
		vt->state = VT_ESCAPE;
		return;
	}
	vt->wrap_pending = false;
	if (c == L'\r')
		vt->x = 0;
	else if (c == L'\n')
		line_feed(vt);
	else if (c == L'\b' && vt->x > 0)
		vt->x--;
	else if (c == L'\t')
		vt->x = lesser((vt->x | 7) + 1, vt->columns - 1);
}

static void
erase_display(struct vt *vt, unsigned how)
{
	unsigned from = how == 0 ? vt->y + 1 : 0;
	unsigned end = how == 1 ? vt->y : vt->rows;

	if (how == 0)
		erase(vt, vt->y, vt->x, vt->columns);
	if (how == 1)
		erase(vt, vt->y, 0, vt->x + 1);
	for (unsigned y = from; y < end; y++)
		erase(vt, y, 0, vt->columns);
}

static void
erase_line(struct vt *vt, unsigned how)
{
	erase(vt, vt->y, how == 0 ? vt->x : 0, how == 1 ? vt->x + 1 : vt->columns);
}

/* 0 and what is left out mean 1, as for all movements. */
static unsigned
count_of(const struct vt *vt, unsigned i)
{
	return i < vt->nparams && vt->params[i] != 0 ? vt->params[i] : 1;
}

static void
move(struct vt *vt, wchar_t how)
{
	unsigned n = count_of(vt, 0);

	vt->wrap_pending = false;
	if (how == L'A')
		vt->y -= lesser(n, vt->y);
	else if (how == L'B')
		vt->y = lesser(vt->y + n, vt->rows - 1);
	else if (how == L'C')
		vt->x = lesser(vt->x + n, vt->columns - 1);
	else if (how == L'D')
		vt->x -= lesser(n, vt->x);
	else if (how == L'G')
		vt->x = lesser(n, vt->columns) - 1;
	else {
		vt->y = lesser(n, vt->rows) - 1;
		vt->x = lesser(count_of(vt, 1), vt->columns) - 1;
	}
}

/* ?1049: the other screen, and back. */
static void
change_screen(struct vt *vt, bool other)
{
	size_t size = (size_t)vt->columns * vt->rows * sizeof(*vt->cells);

	if (other && vt->below == NULL && (vt->below = malloc(size)) != NULL) {
		memcpy(vt->below, vt->cells, size);
		vt->below_x = vt->x;
		vt->below_y = vt->y;
	} else if (!other && vt->below != NULL) {
		memcpy(vt->cells, vt->below, size);
		vt->x = vt->below_x;
		vt->y = vt->below_y;
		free(vt->below);
		vt->below = NULL;
	}
}

static void
csi_end(struct vt *vt, wchar_t c)
{
	vt->state = VT_TEXT;
	if (vt->is_private) {
		if (vt->params[0] == 1049)
			change_screen(vt, c == L'h');
		return;
	}
	if (wcschr(L"ABCDGH", c) != NULL)
		move(vt, c);
	else if (c == L'J')
		erase_display(vt, vt->params[0]);
	else if (c == L'K')
		erase_line(vt, vt->params[0]);
	else if (c == L'P')
		delete_cells(vt, count_of(vt, 0));
	else if (c == L'@')
		insert_blanks(vt, count_of(vt, 0));
	else if ((c == L'h' || c == L'l') && vt->params[0] == 4)
		vt->inserting = c == L'h';
}

static void
csi(struct vt *vt, wchar_t c)
{
	unsigned *param = &vt->params[lesser(vt->nparams - 1, 3)];

	if (c >= L'0' && c <= L'9')
		*param = *param * 10 + (unsigned)(c - L'0');
	else if (c == L';')
		vt->nparams = lesser(vt->nparams + 1, 4);
	else if (c == L'?')
		vt->is_private = true;
	else if (c >= L'@')
		csi_end(vt, c);
}

static void
escape(struct vt *vt, wchar_t c)
{
	vt->state = VT_TEXT;
	if (c == L'[') {
		vt->state = VT_CSI;
		vt->is_private = false;
		vt->nparams = 1;
		memset(vt->params, 0, sizeof(vt->params));
	} else if (c == L'(' || c == L')') {
		vt->state = VT_CHARSET;
	} else if (c == L'M' && vt->y > 0) {
		vt->y--;
	}
}

static void
take(struct vt *vt, wchar_t c)
{
	if (vt->state == VT_ESCAPE)
		escape(vt, c);
	else if (vt->state == VT_CSI)
		csi(vt, c);
	else if (vt->state == VT_CHARSET)
		vt->state = VT_TEXT;
	else if (c < L' ' || c == 0x7f)
		control(vt, c);
	else
		put(vt, c);
}

void
vt_feed(struct vt *vt, const char *data, size_t len)
{
	while (len > 0) {
		wchar_t c = 0;
		size_t used = mbrtowc(&c, data, len, &vt->decoding);

		if (used == (size_t)-2)
			return;
		if (used == (size_t)-1) {
			memset(&vt->decoding, 0, sizeof(vt->decoding));
			c = 0xfffd;
			used = 1;
		}
		if (used == 0) /* NUL is padding */
			used = 1;
		else
			take(vt, c);
		data += used;
		len -= used;
	}
}

int
vt_init(struct vt *vt, unsigned columns, unsigned rows)
{
	memset(vt, 0, sizeof(*vt));
	return vt_resize(vt, columns, rows);
}

/* A screen cut to another size, without the first `skip` rows. NULL: no memory. */
static wchar_t *
cut(const struct vt *vt, const wchar_t *cells, unsigned columns, unsigned rows,
    unsigned skip)
{
	wchar_t *result = malloc((size_t)columns * rows * sizeof(*result));

	if (result == NULL)
		return NULL;
	wmemset(result, L' ', (size_t)columns * rows);
	for (unsigned y = skip; y < vt->rows && y - skip < rows; y++)
		wmemcpy(result + (size_t)(y - skip) * columns,
		    cells + (size_t)y * vt->columns, lesser(columns, vt->columns));
	return result;
}

/* Puts another size of one screen in the place of it; the cursor's row is kept. */
static int
cut_screen(const struct vt *vt, wchar_t **cells, unsigned *x, unsigned *y,
    unsigned columns, unsigned rows)
{
	unsigned skip = *y >= rows ? *y - rows + 1 : 0;
	wchar_t *result = cut(vt, *cells, columns, rows, skip);

	if (result == NULL)
		return -ENOMEM;
	free(*cells);
	*cells = result;
	*x = lesser(*x, columns - 1);
	*y -= skip;
	return 0;
}

int
vt_resize(struct vt *vt, unsigned columns, unsigned rows)
{
	if (cut_screen(vt, &vt->cells, &vt->x, &vt->y, columns, rows) < 0)
		return -ENOMEM;
	if (vt->below != NULL &&
	    cut_screen(vt, &vt->below, &vt->below_x, &vt->below_y, columns, rows) < 0)
		return -ENOMEM;
	vt->columns = columns;
	vt->rows = rows;
	vt->wrap_pending = false;
	return 0;
}

void
vt_clear(struct vt *vt)
{
	free(vt->cells);
	free(vt->below);
	memset(vt, 0, sizeof(*vt));
}

const char *
vt_row(const struct vt *vt, unsigned y, char *text, size_t size)
{
	mbstate_t encoding = { 0 };
	unsigned end = vt->columns;
	size_t len = 0;

	while (end > 0 && *cell(vt, end - 1, y) == L' ')
		end--;
	for (unsigned x = 0; x < end && len + MB_LEN_MAX < size; x++) {
		wchar_t c = *cell(vt, x, y);
		size_t used = c == L'\0' ? 0 : wcrtomb(text + len, c, &encoding);

		if (used != (size_t)-1)
			len += used;
	}
	text[len] = '\0';
	return text;
}
