/*
 * text.h - UTF-8, text that is safe to show, and near matches.
 *
 * User-supplied text never reaches a terminal or a log as it came. Any thread.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

/*
 * Decodes one code point of at most `len` bytes (RFC 3629: no overlong forms,
 * no surrogates, at most U+10FFFF). Returns the bytes used, or 0 if invalid or
 * cut short.
 */
size_t text_utf8_decode(const char *s, size_t len, uint32_t *ret);
bool text_is_utf8(const char *s, size_t len);

/* C0, DEL, C1, or a bidi control (U+061C, 200E, 200F, 202A-202E, 2066-2069). */
bool text_is_unsafe(uint32_t code_point);

/* Whether it can be shown as it is: valid UTF-8, nothing unsafe. */
bool text_is_plain(const char *s, size_t len);

/* `user` of the protocol: [A-Za-z0-9._@+-]{1,64}. */
bool text_is_user(const char *s, size_t len);

/* `display` of the protocol: 1 to 128 bytes of valid UTF-8, nothing unsafe. */
bool text_is_display(const char *s, size_t len);

/*
 * Appends s with unsafe code points as \u{...} and invalid bytes as \xNN.
 * Backslash itself is left alone. Returns 0 or -ENOMEM.
 */
int text_escape(struct buffer *out, const char *s, size_t len);

/* s in text[size], cut between characters with an ellipsis if it does not fit. */
const char *text_shorten(const char *s, char *text, size_t size);

/* n in decimal at `at`, at most 20 bytes, no NUL. Returns the end. */
char *text_put_number(char *at, size_t n);

/*
 * Appends the words of text, which begins in column `begin` of a terminal with `edge`
 * of them; those that do not fit go below it. Returns 0 or -ENOMEM.
 */
int text_wrap(struct buffer *out, size_t begin, size_t edge, const char *text);

/* Columns on a terminal, after escaping would have been done (wcwidth). */
size_t text_width(const char *s, size_t len);

/*
 * Up to three of the `n` words that may be meant by `word`, as " (did you mean a, b
 * or c?)", or "" if none: those that begin so, then those with an edit distance of at
 * most 2, and half of its length, nearest first, then those that contain it. `size`
 * bytes at text. Returns text.
 */
const char *text_near(
    const char *word, const char *const words[], size_t n, char *text, size_t size);

/* The same, but if there is none all the words, as "; there are a, b, c". */
const char *text_near_or_all(
    const char *word, const char *const words[], size_t n, char *text, size_t size);

#endif
