/*
 * history_note.c - what an operator leaves behind in the connections that his act ends:
 * one note, held by all of their entries.
 */
#include "server/history.h"

#include <stdlib.h>
#include <string.h>

#include "server/history_private.h"

struct history_note {
	uint32_t refs; /* guarded by the lock of the history */
	uint32_t uid;
	size_t bytes; /* of all this */
	char *text;   /* in texts, behind the comment */
	char texts[];
};

/* At most HISTORY_NOTE_BYTES, and no half character. */
static size_t
text_len(const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	if (n <= HISTORY_NOTE_BYTES)
		return n;
	n = HISTORY_NOTE_BYTES;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static char *
put_text(char *to, const char *text, size_t len)
{
	if (len > 0)
		memcpy(to, text, len);
	to[len] = '\0';
	return to + len + 1;
}

struct history_note *
history_note_new(struct history *h, uint32_t uid, const char *comment, const char *text)
{
	size_t comment_len = text_len(comment), len = text_len(text);
	size_t bytes = sizeof(struct history_note) + comment_len + len + 2;
	struct history_note *note = malloc(bytes);

	if (note == NULL)
		return NULL;
	note->refs = 1;
	note->uid = uid;
	note->bytes = bytes;
	note->text = put_text(note->texts, comment, comment_len);
	put_text(note->text, text, len);

	pthread_mutex_lock(&h->lock);
	h->note_bytes += bytes;
	pthread_mutex_unlock(&h->lock);
	return note;
}

void
history_ref_note(struct history_note *note)
{
	if (note != NULL)
		note->refs++;
}

void
history_unref_note(struct history *h, struct history_note *note)
{
	if (note == NULL || --note->refs > 0)
		return;
	h->note_bytes -= note->bytes;
	free(note);
}

void
history_note_drop(struct history *h, struct history_note *note)
{
	if (note == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	history_unref_note(h, note);
	pthread_mutex_unlock(&h->lock);
}

uint32_t
history_note_uid(const struct history_note *note)
{
	return note->uid;
}

const char *
history_note_comment(const struct history_note *note)
{
	return note->texts;
}

const char *
history_note_text(const struct history_note *note)
{
	return note->text;
}
