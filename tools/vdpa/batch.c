// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa -b: commands from a file, one on each line, in one process and by one
 * socket. Words are as in a shell without expansions.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vdpa.h"

#define LINE_MAX_SIZE	65536
#define WORDS_MAX	128
/* With fewer nobody gets impatient */
#define PROGRESS_LINES	100

struct batch {
	struct file file;
	char *text;		/* of a command, of several lines maybe */
	size_t len;
	char *copy;		/* the same, in pieces */
	char *words[WORDS_MAX + 1];
	unsigned int count;
	unsigned int commands;
	unsigned int failed;
	unsigned int lines;	/* of the file; 0: not known, or of no interest */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A backslash between double quotes, as a shell has it */
static bool escapes(char quote, char next)
{
	return !quote || next == '"' || next == '\\' || next == '$' || next == '`';
}

/*
 * Takes a word apart, in place: *@from is moved behind it, @to written to.
 * Returns what is missing at its end: a quote, the next line (a backslash), or
 * nothing.
 */
static char take_word(char **from, char *to)
{
	char quote = 0;
	char *at = *from;

	for (; *at; at++) {
		if (!quote && is_blank(*at))
			break;
		if (*at == '\\' && quote != '\'' && !at[1]) {
			quote = '\\';
			at++;
			break;
		}
		if (*at == '\\' && quote != '\'' && escapes(quote, at[1]))
			*to++ = *++at;
		else if (*at == quote)
			quote = 0;
		else if (!quote && (*at == '\'' || *at == '"'))
			quote = *at;
		else
			*to++ = *at;
	}
	/* also when it is where the word ends in the text */
	*from = *at ? at + 1 : at;
	*to = '\0';
	return quote;
}

/* Returns what is missing, or 0 */
static char split(struct batch *batch)
{
	char *at = batch->copy, *word;
	char missing;

	batch->count = 0;
	for (;;) {
		while (is_blank(*at))
			at++;
		if (!*at || *at == '#' || batch->count == WORDS_MAX)
			break;
		word = at;
		missing = take_word(&at, word);
		if (missing)
			return missing;
		batch->words[batch->count++] = word;
	}
	batch->words[batch->count] = NULL;
	return *at && *at != '#' ? 'n' : 0;
}

/* Reads on; the text so far ends in a backslash that says so, or is empty */
static bool add_line(struct batch *batch)
{
	const char *line = file_line(&batch->file, LINE_MAX_SIZE);
	size_t len;
	char *text, *copy;

	if (!line)
		return false;
	len = strlen(line);
	if (batch->len)
		batch->len--;
	text = realloc(batch->text, batch->len + len + 1);
	if (text)
		batch->text = text;
	copy = realloc(batch->copy, batch->len + len + 1);
	if (copy)
		batch->copy = copy;
	if (!text || !copy || batch->len + len > LINE_MAX_SIZE) {
		error_word(batch->file.name, "line %u is too long", batch->file.line);
		batch->file.failed = true;
		return false;
	}
	memcpy(batch->text + batch->len, line, len + 1);
	batch->len += len;
	memcpy(batch->copy, batch->text, batch->len + 1);
	return true;
}

/* The next command; false: there is none, or it was told what is wrong */
static bool next_command(struct batch *batch, char *missing)
{
	batch->len = 0;
	do {
		if (!add_line(batch))
			return batch->len && !batch->file.failed;
		*missing = split(batch);
	} while (*missing == '\\');
	return true;
}

static int bad_line(char missing)
{
	if (missing == 'n')
		error("a command of more than %u words", WORDS_MAX);
	else if (missing == '\\')
		error("no line behind a backslash");
	else
		error("%c is missing", missing);
	return EXIT_REFUSED;
}

static void batch_run(struct vdpa *vdpa, const struct cmd *root, struct batch *batch,
		      char missing)
{
	int ret;

	if (!batch->count && !missing)
		return;
	batch->commands++;
	vdpa->help = false;
	error_at(batch->file.name, batch->file.line);
	ret = missing ? bad_line(missing) :
	      cmd_run(vdpa, root, batch->count, batch->words);
	/* help comes by stdio */
	if (fflush(stdout))
		ret = EXIT_REFUSED;
	error_at(NULL, 0);
	batch->failed += ret != EXIT_OK;
}

/* How many lines a file has, if somebody looks and there are many */
static unsigned int count_lines(int fd)
{
	unsigned int lines = 0;
	struct stat stat;
	ssize_t len, i;
	char buf[4096];
	off_t pos = 0;

	if (!isatty(STDERR_FILENO) || fstat(fd, &stat) || !S_ISREG(stat.st_mode))
		return 0;
	while ((len = pread(fd, buf, sizeof(buf), pos)) > 0) {
		for (i = 0; i < len; i++)
			lines += buf[i] == '\n';
		pos += len;
	}
	return lines > PROGRESS_LINES ? lines : 0;
}

static int batch_lines(struct vdpa *vdpa, const struct cmd *root, struct batch *batch)
{
	char missing = 0;

	while (next_command(batch, &missing)) {
		batch_run(vdpa, root, batch, missing);
		if (batch->lines)
			error_progress(batch->file.line, batch->lines);
		if (batch->failed && !vdpa->force)
			return EXIT_REFUSED;
		if (vdpa->out.write_errno)
			return EXIT_REFUSED;	/* out_close() says why */
		missing = 0;
	}
	if (batch->failed)
		error("%s: %u of %u commands failed", batch->file.name, batch->failed,
		      batch->commands);
	return batch->failed || batch->file.failed ? EXIT_REFUSED : EXIT_OK;
}

int batch_file(struct vdpa *vdpa, const struct cmd *root, const char *name)
{
	struct batch batch = { .len = 0 };
	int ret;

	if (file_open(&batch.file, name))
		return EXIT_REFUSED;
	vdpa->batch = true;
	batch.lines = count_lines(batch.file.fd);
	ret = batch_lines(vdpa, root, &batch);
	error_progress(0, 0);
	file_close(&batch.file);
	free(batch.text);
	free(batch.copy);
	return ret;
}

/* A word that split() leaves as it is; free() it */
char *batch_quote(const char *word)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/@%+=,-";
	char *quoted = malloc(4 * strlen(word) + 3), *to = quoted;

	if (!quoted)
		return NULL;
	if (*word && !word[strspn(word, plain)]) {
		memcpy(quoted, word, strlen(word) + 1);
		return quoted;
	}
	*to++ = '\'';
	for (; *word; word++) {
		if (*word == '\'') {
			memcpy(to, "'\\'", 3);
			to += 3;
		}
		*to++ = *word;
	}
	*to++ = '\'';
	*to = '\0';
	return quoted;
}
