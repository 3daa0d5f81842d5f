// SPDX-License-Identifier: GPL-2.0
/* Sweeps of fault injection, see fail_nth.h */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail_nth.h"

#define FAIL_NTH_FILE	"/proc/thread-self/fail-nth"
#define FAIL_NTH_DEBUGFS "/sys/kernel/debug/"

/* No operation needs that many: it would never end */
#define FAIL_NTH_MAX	20000

/* Some things go after an RCU grace period or a worker's turn: watchdog */
#define FAIL_NTH_SETTLE_S	15
#define FAIL_NTH_POLL_MS	10

/*
 * Every allocation shall fail, also those that may sleep and those of one page,
 * and without a stack trace in the log each time.
 */
static const struct {
	const char *file;
	const char *value;
} fail_nth_settings[] = {
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/cache-filter", "N" },
	{ "failslab/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_usercopy/verbose", "0" },
};

const char *fail_nth_lacking(void)
{
	static const char * const files[] = {
		FAIL_NTH_FILE,
		FAIL_NTH_DEBUGFS "failslab/verbose",
		FAIL_NTH_DEBUGFS "fail_page_alloc/verbose",
		FAIL_NTH_DEBUGFS "fail_usercopy/verbose",
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (access(files[i], W_OK))
			return files[i];
	return NULL;
}

static bool fail_nth_set_up(void)
{
	char path[128];
	ssize_t n;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(fail_nth_settings) / sizeof(*fail_nth_settings);
	     i++) {
		snprintf(path, sizeof(path), FAIL_NTH_DEBUGFS "%s",
			 fail_nth_settings[i].file);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		/* ignore-gfp-wait of page allocations is in no kernel we know */
		if (fd < 0 && errno == ENOENT)
			continue;
		n = write(fd, fail_nth_settings[i].value,
			  strlen(fail_nth_settings[i].value));
		close(fd);
		if (n < 0) {
			fprintf(stderr, "# cannot write %s\n", path);
			return false;
		}
	}
	return true;
}

/* Opened once: an open() would be counted itself */
static int fail_nth_open(void)
{
	int fd = open(FAIL_NTH_FILE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		perror("# " FAIL_NTH_FILE);
	return fd;
}

static bool fail_nth_arm(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, len, 0) == len)
		return true;
	perror("# write to fail-nth");
	return false;
}

/*
 * How many calls it had still to go; 0: one was made to fail. To read and to
 * write the file are copies that may fail themselves, which shows that nothing
 * had failed before.
 */
static unsigned int fail_nth_disarm(int fd)
{
	char text[16] = "1";
	ssize_t len;

	len = pread(fd, text, sizeof(text) - 1, 0);
	if (pwrite(fd, "0", 1, 0) < 0)
		fail_nth_arm(fd, 0);
	return len > 0 ? strtoul(text, NULL, 10) : 1;
}

struct fail_nth_sweep {
	const struct fail_nth_op *op;
	const struct fail_nth_world *world;
	void *ctx;
	bool verbose;		/* FAIL_NTH_VERBOSE is set */
	unsigned int n;
	unsigned int failed, lost, survived;	/* how the runs ended */
};

static bool fail_nth_wrong(const struct fail_nth_sweep *s, const char *what,
			   int err)
{
	fprintf(stderr, "# %s, call %u: %s%s%s\n", s->op->name, s->n, what,
		err > 0 ? ": " : "", err > 0 ? strerror(err) : "");
	return false;
}

static bool fail_nth_errno_sane(const struct fail_nth_op *op, int err)
{
	const int *more;

	if (err == ENOMEM || err == ENOBUFS || err == EFAULT)
		return true;
	for (more = op->more_errnos; *more; more++)
		if (*more == err)
			return true;
	return false;
}

static bool fail_nth_has_line(const char *text, const char *line, size_t len)
{
	for (; *text; text += strcspn(text, "\n") + 1)
		if (strcspn(text, "\n") == len && !strncmp(text, line, len))
			return true;
	return false;
}

static void fail_nth_diff(char sign, const char *a, const char *b)
{
	size_t len;

	for (; *a; a += len + 1) {
		len = strcspn(a, "\n");
		if (!fail_nth_has_line(b, a, len))
			fprintf(stderr, "#   %c %.*s\n", sign, (int)len, a);
	}
}

/* The world as it was before, at the latest when all workers had their turn */
static bool fail_nth_as_before(const struct fail_nth_sweep *s,
			       const char *before)
{
	time_t end = time(NULL) + FAIL_NTH_SETTLE_S;
	char *now;
	bool same;

	for (;;) {
		now = s->world->picture(s->ctx);
		same = !strcmp(before, now);
		if (same || time(NULL) > end)
			break;
		free(now);
		usleep(FAIL_NTH_POLL_MS * 1000);
	}
	if (!same) {
		fail_nth_wrong(s, "not as it was before:", 0);
		fail_nth_diff('-', before, now);
		fail_nth_diff('+', now, before);
	}
	free(now);
	return same;
}

/* Is what the operation says true, and is it an answer that one may give? */
static bool fail_nth_judge(struct fail_nth_sweep *s, int result, bool hit,
			   bool *done)
{
	const struct fail_nth_op *op = s->op;

	*done = op->done ? op->done(s->ctx) : !result;
	if (result == FAIL_NTH_LOST) {
		s->lost++;
		return hit ||
		       fail_nth_wrong(s, "no answer though nothing failed", 0);
	}
	if (!result) {
		s->survived += hit;
		return *done ||
		       fail_nth_wrong(s, "acknowledged but not done", 0);
	}
	s->failed++;
	if (!hit)
		return fail_nth_wrong(s, "refused though nothing failed",
				      result);
	if (!fail_nth_errno_sane(op, result))
		return fail_nth_wrong(s, "wrong errno", result);
	return !*done || fail_nth_wrong(s, "refused and yet done", result);
}

/* From now on, or from where the operation says, call @s->n fails */
static bool fail_nth_begin(const struct fail_nth_sweep *s, int fd)
{
	int err;

	if (!s->op->arm)
		return fail_nth_arm(fd, s->n);
	err = s->op->arm(s->ctx, s->n);
	return !err || fail_nth_wrong(s, "cannot inject", err);
}

/* One run with call @s->n failing; tells how many calls were left till then */
static bool fail_nth_run(struct fail_nth_sweep *s, int fd, unsigned int *left)
{
	const struct fail_nth_op *op = s->op;
	char *before;
	bool ok, done;
	int result, err;

	err = op->prepare ? op->prepare(s->ctx) : 0;
	if (err)
		return fail_nth_wrong(s, "cannot prepare", err);
	before = s->world->picture(s->ctx);

	if (!fail_nth_begin(s, fd))
		return false;
	result = op->run(s->ctx);
	*left = fail_nth_disarm(fd);

	if (op->answer)
		result = op->answer(s->ctx, result);
	ok = fail_nth_judge(s, result, !*left, &done);
	if (s->verbose)
		fprintf(stderr, "# %s, call %u: result %d%s%s\n", op->name, s->n,
			result, done ? ", done" : "",
			*left ? ", nothing failed" : "");
	if (!s->world->watch(s->ctx))
		ok = fail_nth_wrong(s, "see above", 0);
	if (op->undo && (done || !op->done)) {
		err = op->undo(s->ctx);
		if (err)
			ok = fail_nth_wrong(s, "cannot be undone", err);
	}
	if (!fail_nth_as_before(s, before))
		ok = false;
	free(before);
	return ok;
}

static bool fail_nth_runs(struct fail_nth_sweep *s, int fd)
{
	unsigned int left = 0, runs = 0;

	for (s->n = 1; !left; s->n++) {
		if (s->n > FAIL_NTH_MAX)
			return fail_nth_wrong(s, "it never ends", 0);
		if (!fail_nth_run(s, fd, &left))
			return false;
		runs += !left;
	}
	fprintf(stderr,
		"# %s: %u calls that can fail: %u refused, %u without an answer, %u done all the same\n",
		s->op->name, runs, s->failed, s->lost, s->survived);
	/* An operation that asks the kernel for nothing was not tested */
	return runs || fail_nth_wrong(s, "nothing in it can fail", 0);
}

bool fail_nth_sweep(const struct fail_nth_op *op,
		    const struct fail_nth_world *world, void *ctx)
{
	struct fail_nth_sweep s = {
		.op = op,
		.world = world,
		.ctx = ctx,
		.verbose = getenv("FAIL_NTH_VERBOSE"),
	};
	bool ok;
	int fd, err;

	fd = fail_nth_open();
	if (fd < 0 || !fail_nth_set_up())
		return false;
	err = op->begin ? op->begin(ctx) : 0;
	if (err) {
		close(fd);
		return fail_nth_wrong(&s, "cannot begin", err);
	}
	ok = fail_nth_runs(&s, fd);
	err = op->end ? op->end(ctx) : 0;
	if (err)
		ok = fail_nth_wrong(&s, "cannot end", err);
	close(fd);
	return ok;
}
