// SPDX-License-Identifier: GPL-2.0
/*
 * Output. Each value is given once; it comes out as text or as JSON, both as
 * iproute2 prints them. All of it gathers in a buffer, which is written when a
 * document is complete: a command that fails halfway has written nothing.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vdpa.h"

#define INDENT	"    "

/* The buffer */

static bool out_grow(struct out *out, size_t len)
{
	size_t size = out->size ? out->size : 4096;
	char *buf;

	while (size - out->len < len)
		size *= 2;
	buf = realloc(out->buf, size);
	if (!buf) {
		out->failed = true;
		return false;
	}
	out->buf = buf;
	out->size = size;
	return true;
}

static void put(struct out *out, const char *data, size_t len)
{
	/* of an empty string there may be no buffer yet to copy it to */
	if (!len)
		return;
	if (out->size - out->len < len && !out_grow(out, len))
		return;
	memcpy(out->buf + out->len, data, len);
	out->len += len;
}

static void put_str(struct out *out, const char *str)
{
	put(out, str, strlen(str));
}

static void put_char(struct out *out, char c)
{
	if (out->len < out->size || out_grow(out, 1))
		out->buf[out->len++] = c;
}

#define DIGITS	24

/* printf() would do, but takes longer than all else that shows a number */
static const char *uint_text(uint64_t value, char buf[static DIGITS])
{
	char *str = buf + DIGITS - 1;

	*str = '\0';
	do {
		*--str = '0' + value % 10;
		value /= 10;
	} while (value);
	return str;
}

static int out_write(struct out *out)
{
	size_t done = 0;
	ssize_t len;

	/* with a part missing it would not be what it seems; the next may fit */
	if (out->failed) {
		out->failed = false;
		out->len = 0;
		error("out of memory");
		return EXIT_REFUSED;
	}
	while (done < out->len && !out->write_errno) {
		len = write(STDOUT_FILENO, out->buf + done, out->len - done);
		if (len >= 0)
			done += len;
		else if (errno != EINTR)
			out->write_errno = errno;
	}
	out->len = 0;
	return out->write_errno ? EXIT_REFUSED : EXIT_OK;
}

/* Strings */

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static bool is_not_ascii(unsigned char c)
{
	return c >= 0x80;
}

/* A copy in which those are written \xNN; free() it */
static char *escape(const char *str, bool (*is_odd)(unsigned char c))
{
	char *copy = malloc(4 * strlen(str) + 1), *end = copy;

	if (!copy)
		return NULL;
	for (; *str; str++) {
		if (is_odd(*str))
			end += sprintf(end, "\\x%02x", (unsigned char)*str);
		else
			*end++ = *str;
	}
	*end = '\0';
	return copy;
}

void fputs_safe(const char *str, FILE *fp)
{
	char *copy = escape(str, is_control);

	fputs(copy ? copy : "out of memory", fp);
	free(copy);
}

static void put_safe(struct out *out, const char *str)
{
	size_t len = 0;
	char *copy;

	/* the end is one, too */
	while (!is_control(str[len]))
		len++;
	if (!str[len]) {
		put(out, str, len);
		return;
	}
	copy = escape(str, is_control);
	if (copy)
		put_str(out, copy);
	else
		out->failed = true;
	free(copy);
}

/* JSON: values gather in a tree, whose innermost node is on top of a stack */

/* JSON is UTF-8; the kernel's strings need not be */
static json_t *json_safe(const char *str)
{
	json_t *json = json_string(str);
	char *copy;

	if (json)
		return json;
	copy = escape(str, is_not_ascii);
	json = copy ? json_string(copy) : NULL;
	free(copy);
	return json;
}

/* Takes over the reference to @value; keys are the tool's own */
static void json_add(struct out *out, const char *key, json_t *value)
{
	json_t *top = out->stack[out->depth - 1];
	int err;

	if (json_is_array(top))
		err = json_array_append_new(top, value);
	else
		err = json_object_set_new_nocheck(top, key, value);
	if (err)
		out->failed = true;
}

/* After a failure what follows goes to the level above, and is not written */
static void json_push(struct out *out, const char *key, json_t *value)
{
	json_add(out, key, value);
	out->stack[out->depth] = out->failed ? out->stack[out->depth - 1] : value;
	out->depth++;
}

static void json_pop(struct out *out)
{
	out->depth--;
}

static void json_open(struct out *out)
{
	out->stack[0] = json_object();
	out->depth = 1;
}

static int json_put(const char *data, size_t len, void *arg)
{
	put(arg, data, len);
	return 0;
}

static void json_dump(struct out *out, const json_t *value)
{
	if (json_dump_callback(value, json_put, out, JSON_COMPACT | JSON_ENCODE_ANY))
		out->failed = true;
}

static void json_newline(struct out *out, unsigned int level)
{
	if (!out->pretty)
		return;
	put_char(out, '\n');
	while (level--)
		put_str(out, INDENT);
}

static void json_key(struct out *out, const char *key, unsigned int level)
{
	json_t *string = json_safe(key);

	json_newline(out, level);
	json_dump(out, string);
	json_decref(string);
	put_str(out, out->pretty ? ": " : ":");
}

static void json_value(struct out *out, json_t *value, unsigned int level);

static void json_object_value(struct out *out, json_t *object, unsigned int level)
{
	void *it = json_object_iter(object);

	put_char(out, '{');
	while (it) {
		json_key(out, json_object_iter_key(it), level + 1);
		json_value(out, json_object_iter_value(it), level + 1);
		it = json_object_iter_next(object, it);
		if (it)
			put_char(out, ',');
	}
	if (json_object_size(object))
		json_newline(out, level);
	put_char(out, '}');
}

static void json_array_value(struct out *out, json_t *array, unsigned int level)
{
	size_t i, size = json_array_size(array);

	put_str(out, out->pretty ? "[ " : "[");
	for (i = 0; i < size; i++) {
		if (i)
			put_char(out, ',');
		json_value(out, json_array_get(array, i), level);
	}
	put_str(out, out->pretty && size ? " ]" : "]");
}

/*
 * Indented as iproute2's json_writer does it, and with numbers up to 2^64, both
 * of which jansson cannot
 */
static void json_value(struct out *out, json_t *value, unsigned int level)
{
	char text[DIGITS];

	if (json_is_object(value))
		json_object_value(out, value, level);
	else if (json_is_array(value))
		json_array_value(out, value, level);
	else if (json_is_integer(value))
		put_str(out, uint_text(json_integer_value(value), text));
	else
		json_dump(out, value);
}

/* The tree, at a level of the document */
static void json_close(struct out *out, unsigned int level)
{
	if (out->pretty || out->large)
		json_value(out, out->stack[0], level);
	else
		json_dump(out, out->stack[0]);
	json_decref(out->stack[0]);
	out->depth = 0;
	out->large = false;
}

/* Documents and objects */

void out_begin(struct out *out, const char *section)
{
	out->objects = 0;
	if (!out->json)
		return;
	put_char(out, '{');
	json_key(out, section, 1);
	put_char(out, '{');
}

int out_end(struct out *out)
{
	if (out->json) {
		if (out->objects)
			json_newline(out, 1);
		put_char(out, '}');
		json_newline(out, 0);
		put_str(out, "}\n");
	}
	return out_write(out);
}

void out_discard(struct out *out)
{
	out->len = 0;
}

/* By layout */
static const struct out_text texts[] = {
	[OUT_LINE] = { ":", .key = " ", .list = " ", .end = "" },
	[OUT_BLOCK] = { ": ", .key = "\n  ", .list = "\n  ", .end = "" },
	[OUT_SPACED] = { ": ", .key = "", .list = "\n  ", .end = " " },
	[OUT_TREE] = { ":", .key = "\n  ", .list = "\n  ", .end = "" },
};

void out_object(struct out *out, const char *name, enum out_layout layout)
{
	out->objects++;
	if (out->json) {
		if (out->objects > 1)
			put_char(out, ',');
		json_key(out, name, 2);
		json_open(out);
		return;
	}
	put_safe(out, name);
	out->text = texts[layout];
	put_str(out, out->text.name_end);
}

void out_object_end(struct out *out)
{
	if (out->json)
		json_close(out, 2);
	else
		put_char(out, '\n');
}

void out_single(struct out *out, const char *text)
{
	if (out->json)
		json_open(out);
	else
		put_safe(out, text);
	/* a heading only if anything follows */
	out->text = (struct out_text){ .key = ": ", .list = ": ", .end = "" };
}

int out_single_end(struct out *out)
{
	if (out->json)
		json_close(out, 0);
	put_char(out, '\n');
	return out_write(out);
}

/* Values */

static void text_sep(struct out *out, const char *sep)
{
	put_str(out, sep);
	/* what begins a heading or a group comes once */
	if (out->text.key[0] == ':' || out->text.key[0] == '(')
		out->text = texts[OUT_LINE];
}

/* Keys are the tool's own */
static void text_key(struct out *out, const char *sep, const char *key)
{
	text_sep(out, sep);
	put_str(out, key);
}

/* Two keys of iproute2's have a blank at the end, in JSON, too. */
static void text_gap(struct out *out, const char *key)
{
	size_t len = strlen(key);

	if (!len || key[len - 1] != ' ')
		put_char(out, ' ');
}

static void text_value_begin(struct out *out, const char *key)
{
	text_key(out, out->text.key, key);
	text_gap(out, key);
}

/* A value that the tool made */
static void text_value(struct out *out, const char *key, const char *value)
{
	text_value_begin(out, key);
	put_str(out, value);
	put_str(out, out->text.end);
}

void out_label(struct out *out, const char *key, const char *value)
{
	if (out->json)
		json_add(out, key, json_safe(value));
}

void out_note(struct out *out, const char *text)
{
	if (out->json)
		return;
	put_char(out, ' ');
	put_str(out, text);
}

/* jansson's integers have a sign, none of ours has: see json_value() */
static json_t *json_uint(struct out *out, uint64_t value)
{
	out->large |= value > INT64_MAX;
	return json_integer(value);
}

void out_label_uint(struct out *out, const char *key, uint64_t value)
{
	if (out->json)
		json_add(out, key, json_uint(out, value));
}

void out_uint(struct out *out, const char *key, uint64_t value)
{
	char text[DIGITS];

	if (out->json)
		json_add(out, key, json_uint(out, value));
	else
		text_value(out, key, uint_text(value, text));
}

void out_count(struct out *out, const char *name, uint64_t value)
{
	char text[DIGITS];
	json_t *key;

	if (!out->json) {
		text_sep(out, out->text.key);
		put_safe(out, name);
		text_gap(out, name);
		put_str(out, uint_text(value, text));
		put_str(out, out->text.end);
		return;
	}
	key = json_safe(name);
	json_add(out, json_string_value(key), json_uint(out, value));
	json_decref(key);
}

void out_hex(struct out *out, const char *key, uint64_t value)
{
	char text[24];

	if (out->json) {
		json_add(out, key, json_uint(out, value));
		return;
	}
	snprintf(text, sizeof(text), "%#llx", (unsigned long long)value);
	text_value(out, key, value ? text : "0x0");
}

void out_bool(struct out *out, const char *key, bool value)
{
	if (out->json)
		json_add(out, key, json_boolean(value));
	else
		text_value(out, key, value ? "true" : "false");
}

void out_str(struct out *out, const char *key, const char *value)
{
	if (out->json) {
		json_add(out, key, json_safe(value));
		return;
	}
	text_value_begin(out, key);
	put_safe(out, value);
	put_str(out, out->text.end);
}

void out_none(struct out *out, const char *key, const char *text)
{
	if (out->json)
		json_add(out, key, json_null());
	else
		out_str(out, key, text);
}

void out_paren(struct out *out)
{
	put_str(out, " ");
	out->text_outside = out->text;
	out->text = (struct out_text){ .key = "(", .list = "(", .end = "" };
}

void out_paren_end(struct out *out)
{
	put_str(out, out->text.key[0] == '(' ? "()" : ")");
	out->text = out->text_outside;
}

void out_group(struct out *out, const char *key)
{
	if (out->json) {
		json_push(out, key, json_object());
		return;
	}
	text_key(out, out->text.list, key);
	out_paren(out);
}

void out_group_end(struct out *out)
{
	if (out->json)
		json_pop(out);
	else
		out_paren_end(out);
}

void out_line(struct out *out, const char *key)
{
	if (out->json) {
		json_push(out, key, json_object());
		return;
	}
	put_str(out, "\n ");
	out->text_outside = out->text;
	out->text = texts[OUT_LINE];
}

void out_line_end(struct out *out)
{
	if (out->json)
		json_pop(out);
	else
		out->text = out->text_outside;
}

void out_rows(struct out *out, const char *key)
{
	if (out->json)
		json_push(out, key, json_array());
}

void out_row(struct out *out, const char *prefix, const char *name)
{
	if (out->json) {
		json_push(out, NULL, json_object());
		return;
	}
	put_str(out, "\n  ");
	put_str(out, prefix);
	put_safe(out, name);
	put_str(out, ":");
	out->text_outside = out->text;
	out->text = texts[OUT_LINE];
}

void out_row_end(struct out *out)
{
	if (out->json)
		json_pop(out);
	else
		out->text = out->text_outside;
}

void out_rows_end(struct out *out)
{
	if (out->json)
		json_pop(out);
}

void out_list(struct out *out, const char *key)
{
	if (out->json)
		json_push(out, key, json_array());
	else
		text_key(out, out->text.list, key);
}

void out_item_str(struct out *out, const char *value)
{
	if (out->json) {
		json_add(out, NULL, json_safe(value));
		return;
	}
	put_char(out, ' ');
	put_safe(out, value);
}

void out_item_bit(struct out *out, unsigned int bit)
{
	char text[DIGITS];

	if (out->json) {
		json_add(out, NULL, json_integer(bit));
		return;
	}
	put_str(out, " bit_");
	put_str(out, uint_text(bit, text));
}

void out_list_end(struct out *out)
{
	if (out->json)
		json_pop(out);
}

void out_plain_begin(struct out *out, const char *key)
{
	if (!out->json)
		return;
	json_open(out);
	json_push(out, key, json_array());
}

void out_plain(struct out *out, const char *line)
{
	if (out->json) {
		json_add(out, NULL, json_safe(line));
		return;
	}
	put_safe(out, line);
	put_char(out, '\n');
}

int out_plain_end(struct out *out)
{
	if (out->json) {
		json_close(out, 0);
		put_char(out, '\n');
	}
	return out_write(out);
}

int out_close(struct out *out)
{
	/* help comes by stdio */
	if (fflush(stdout) && !out->write_errno)
		out->write_errno = errno;
	/* some file systems tell only now; one closed from the start is no fault */
	if (close(STDOUT_FILENO) && errno != EBADF && !out->write_errno)
		out->write_errno = errno;
	free(out->buf);
	out->buf = NULL;
	if (!out->write_errno)
		return EXIT_OK;
	error("cannot write the output: %s", strerror(out->write_errno));
	return EXIT_REFUSED;
}
