// SPDX-License-Identifier: GPL-2.0
/*
 * json_check - is standard input exactly one JSON document?
 *
 *	json_check [KEY/KEY...=VALUE]... < FILE
 *	json_check -l < FILE
 *
 * Each argument is a path from the root and the value at its end as text; an
 * object or array at the end has its number of members as value. With -l each
 * line is a document, and the number of lines is printed.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define FLAGS	(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)

static void complain(const char *what, const json_error_t *err)
{
	fprintf(stderr, "json_check: %s: line %d, column %d: %s\n", what,
		err->line, err->column, err->text);
}

static const json_t *find(const json_t *at, char *path)
{
	char *key, *next = path;

	while (at && (key = strsep(&next, "/")))
		at = json_is_array(at) ? json_array_get(at, atoi(key)) :
					 json_object_get(at, key);
	return at;
}

static void value_text(const json_t *value, char *text, size_t len)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		snprintf(text, len, "%s", json_string_value(value));
		break;
	case JSON_INTEGER:
		snprintf(text, len, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		break;
	case JSON_OBJECT:
		snprintf(text, len, "%zu", json_object_size(value));
		break;
	case JSON_ARRAY:
		snprintf(text, len, "%zu", json_array_size(value));
		break;
	case JSON_REAL:
		snprintf(text, len, "%g", json_real_value(value));
		break;
	default:
		snprintf(text, len, "%s", json_is_null(value) ? "null" :
			 json_is_true(value) ? "true" : "false");
	}
}

static bool check(const json_t *root, const char *arg)
{
	char *path = strdup(arg), *want = strchr(path, '=');
	const json_t *value;
	char text[512];
	bool good;

	if (want)
		*want++ = '\0';
	value = find(root, path);
	if (!value) {
		fprintf(stderr, "json_check: nothing at %s\n", arg);
		free(path);
		return false;
	}
	value_text(value, text, sizeof(text));
	good = !want || !strcmp(want, text);
	if (!good)
		fprintf(stderr, "json_check: %s: it is %s\n", arg, text);
	free(path);
	return good;
}

static int check_lines(void)
{
	unsigned int lines = 0;
	json_error_t err;
	char *line = NULL;
	size_t room = 0;
	json_t *root;

	while (getline(&line, &room, stdin) > 0) {
		lines++;
		root = json_loads(line, FLAGS, &err);
		if (!root) {
			complain(line, &err);
			return 1;
		}
		json_decref(root);
	}
	free(line);
	printf("%u\n", lines);
	return 0;
}

int main(int argc, char **argv)
{
	json_error_t err;
	bool good = true;
	json_t *root;
	int i;

	if (argc == 2 && !strcmp(argv[1], "-l"))
		return check_lines();
	/* anything behind the document is an error, too */
	root = json_loadf(stdin, FLAGS, &err);
	if (!root) {
		complain("standard input", &err);
		return 1;
	}
	for (i = 1; i < argc; i++)
		good = check(root, argv[i]) && good;
	json_decref(root);
	return !good;
}
