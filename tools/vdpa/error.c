// SPDX-License-Identifier: GPL-2.0
/*
 * All that goes to stderr, in iproute2's shape:
 *
 *	Error: vdpa: "nosuch": No such management device.
 *	kernel answers: No such device
 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

/* The one file of commands there is */
static struct {
	const char *file;
	unsigned int line;
	bool progress;		/* stands on the line of the terminal */
} at;

void error_at(const char *file, unsigned int line)
{
	at.file = file;
	at.line = line;
}

void error_progress(unsigned int done, unsigned int all)
{
	if (all)
		fprintf(stderr, "\r%u/%u", done, all);
	else if (at.progress)
		fputc('\n', stderr);
	at.progress = all;
	fflush(stderr);
}

static bool muted;

void error_mute(bool mute)
{
	muted = mute;
}

/* Words and the kernel's texts may hold anything: nothing of it reaches a tty */
static void put_sentence(const char *prefix, const char *word, const char *fmt,
			 va_list ap)
{
	char *text;
	size_t len;

	if (muted)
		return;
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	len = text ? strlen(text) : 0;

	error_progress(0, 0);
	fputs(prefix, stderr);
	if (at.file) {
		fputs_safe(at.file, stderr);
		fprintf(stderr, ":%u: ", at.line);
	}
	if (word) {
		fputc('"', stderr);
		fputs_safe(word, stderr);
		fputs("\": ", stderr);
	}
	fputs_safe(text ? text : "out of memory", stderr);
	if (!len || !strchr(".!?", text[len - 1]))
		fputc('.', stderr);
	fputc('\n', stderr);
	free(text);
}

void error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_sentence("Error: vdpa: ", NULL, fmt, ap);
	va_end(ap);
}

void error_word(const char *word, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_sentence("Error: vdpa: ", word, fmt, ap);
	va_end(ap);
}

void warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_sentence("Warning: vdpa: ", NULL, fmt, ap);
	va_end(ap);
}

void hint(const char *text)
{
	fprintf(stderr, "%s\n", text);
}

void hint_name(const char *text, const char *name)
{
	fprintf(stderr, "%s \"", text);
	fputs_safe(name, stderr);
	fputs("\"?\n", stderr);
}

int usage_error(struct vdpa *vdpa, const char *word, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_sentence("Error: vdpa: ", word, fmt, ap);
	va_end(ap);
	cmd_usage(stderr, vdpa);
	return EXIT_USAGE;
}

/* What a refusal says about itself (extended ack) */
struct extack {
	const char *text;
	const char *word;	/* of the command line, at fault */
	const char *missing;	/* keyword that should have been there */
};

static const char *word_at(const struct req *req, uint32_t offset)
{
	unsigned int i;

	for (i = 0; i < req->sources; i++)
		if (req->source[i].offset == offset)
			return req->source[i].word;
	return NULL;
}

static void extack_parse(struct extack *ext, const struct req *req,
			 const void *attrs, size_t len)
{
	const struct nlattr *attr;

	mnl_attr_for_each_payload(attrs, len) {
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				ext->text = mnl_attr_get_str(attr);
			break;
		case NLMSGERR_ATTR_OFFS:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				ext->word = word_at(req, mnl_attr_get_u32(attr));
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				ext->missing = args_keyword(req->cmd->args,
							    mnl_attr_get_u32(attr));
			break;
		}
	}
	/* the module's name, which mainline puts in front, is there anyway */
	if (ext->text && strncmp(ext->text, "vdpa: ", 6) == 0)
		ext->text += 6;
}

void kernel_warning(const struct req *req, const void *attrs, size_t len)
{
	struct extack ext = { NULL };

	if (attrs)
		extack_parse(&ext, req, attrs, len);
	if (ext.text)
		warning("%s", ext.text);
}

/* Drivers let this one slip out, which libc has no text for */
#define ENOTSUPP	524

int kernel_error(const struct req *req, int err, const void *attrs, size_t len)
{
	const char *subject = req_word(req, req->cmd->subject);
	const char *needs = err == EPERM ? ": needs CAP_NET_ADMIN" : "";
	struct extack ext = { NULL };

	if (attrs)
		extack_parse(&ext, req, attrs, len);

	if (ext.text && ext.word)
		error("\"%s\": %s", ext.word, ext.text);
	else if (ext.text && ext.missing)
		error("%s: %s", ext.missing, ext.text);
	else if (ext.text)
		error("%s", ext.text);
	else if (ext.word)
		error("\"%s\": not accepted by the kernel", ext.word);
	else if (ext.missing)
		error("%s: not given, but the kernel needs it", ext.missing);
	else if (subject)
		error("cannot %s \"%s\"%s", req->cmd->doing, subject, needs);
	else
		error("cannot %s%s", req->cmd->doing, needs);

	if (!muted)
		fprintf(stderr, "kernel answers: %s\n",
			strerror(err == ENOTSUPP ? EOPNOTSUPP : err));
	return EXIT_REFUSED;
}
