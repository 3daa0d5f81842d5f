// SPDX-License-Identifier: GPL-2.0
/*
 * Files that the command line names, "-" being standard input: as a whole or
 * line by line. What is in them is not to be trusted.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vdpa.h"

#define CHUNK	16384

/* There is only one */
static bool stdin_taken;

int file_open(struct file *file, const char *name)
{
	memset(file, 0, sizeof(*file));
	file->name = name;
	if (strcmp(name, "-") == 0) {
		file->name = "standard input";
		file->fd = STDIN_FILENO;
		if (stdin_taken) {
			error("standard input is read already");
			return EXIT_REFUSED;
		}
		stdin_taken = true;
		return EXIT_OK;
	}
	file->fd = open(name, O_RDONLY | O_CLOEXEC);
	if (file->fd >= 0)
		return EXIT_OK;
	error_word(name, "cannot open this file: %s", strerror(errno));
	return EXIT_REFUSED;
}

void file_close(struct file *file)
{
	if (file->fd > STDIN_FILENO)
		close(file->fd);
	else
		stdin_taken = false;
	free(file->buf);
}

/* Reads on; an error is told of and ends the file, too */
static void file_more(struct file *file)
{
	ssize_t len;
	size_t size;
	char *buf;

	/* what was used up makes room */
	if (file->pos)
		memmove(file->buf, file->buf + file->pos, file->len - file->pos);
	file->len -= file->pos;
	file->pos = 0;
	if (file->size - file->len < CHUNK / 2) {
		size = file->size ? file->size * 2 : CHUNK;
		buf = realloc(file->buf, size);
		if (!buf) {
			errno = ENOMEM;
			goto failed;
		}
		file->buf = buf;
		file->size = size;
	}
	do {
		/* a byte is left for the end of a string */
		len = read(file->fd, file->buf + file->len,
			   file->size - file->len - 1);
	} while (len < 0 && errno == EINTR);
	if (len > 0) {
		file->len += len;
		return;
	}
	file->ended = true;
	if (!len)
		return;
failed:
	file->ended = true;
	file->failed = true;
	error_word(file->name, "cannot read this file: %s", strerror(errno));
}

/* The whole of it; NULL: there is more than @max, or it could not be read */
const char *file_all(struct file *file, size_t max, size_t *len)
{
	while (!file->ended && file->len <= max)
		file_more(file);
	if (file->failed)
		return NULL;
	if (file->len > max) {
		error_word(file->name, "this file is longer than %zu bytes", max);
		return NULL;
	}
	*len = file->len;
	return file->buf ? file->buf : "";
}

/* The next line, without its end; NULL: none, see @failed */
char *file_line(struct file *file, size_t max)
{
	char *line, *end;

	for (;;) {
		line = file->buf ? file->buf + file->pos : NULL;
		end = line ? memchr(line, '\n', file->len - file->pos) : NULL;
		if (end || file->ended)
			break;
		if (file->len - file->pos > max) {
			error_word(file->name, "line %u is longer than %zu bytes",
				   file->line + 1, max);
			file->failed = true;
			return NULL;
		}
		file_more(file);
	}
	if (file->failed || (!end && file->len == file->pos))
		return NULL;
	if (!end)
		end = file->buf + file->len;
	file->pos = end - file->buf + (end < file->buf + file->len);
	*end = '\0';
	file->line++;
	/* what follows would not be seen */
	if (strlen(line) == (size_t)(end - line))
		return line;
	error_word(file->name, "line %u has a byte of 0 in it", file->line);
	file->failed = true;
	return NULL;
}
