/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault injection, call by call: /proc/self/fail-nth makes the Nth of what this
 * task asks the kernel for (memory, pages, copies from and to user space) fail.
 * A sweep runs an operation with N = 1, 2, 3 ... until a run in which nothing
 * failed any more, so that every error path it can have is taken once.
 */

#ifndef _FAIL_NTH_H
#define _FAIL_NTH_H

#include <stdbool.h>

/* The operation may or may not have been done: the answer got lost */
#define FAIL_NTH_LOST	(-1)

/**
 * struct fail_nth_op - an operation to be swept
 * @name: for messages
 * @begin: once before the sweep, NULL: nothing to do
 * @prepare: before each run, NULL: nothing to do
 * @run: the operation: nothing but system calls, as all of them may fail;
 *	a positive errno, FAIL_NTH_LOST, or 0
 * @answer: after each run, without injection: what has @run led to? Is given
 *	its result and returns the final one, in the same way; NULL: that it is
 * @done: has it been done? NULL: it changes nothing
 * @undo: takes back what was done; also called after a run that changes
 *	nothing if @done is NULL
 * @end: once after the sweep, NULL: nothing to do
 * @more_errnos: what it may fail with, besides ENOMEM, ENOBUFS and EFAULT,
 *	because something before it could not be allocated; ends with 0
 * @arm: makes call @n from some point of @run on fail, for operations of which
 *	the beginning is not to be swept. NULL: counts from the beginning
 *
 * Those that return an int return 0 or a positive errno.
 */
struct fail_nth_op {
	const char *name;
	int (*begin)(void *ctx);
	int (*prepare)(void *ctx);
	int (*run)(void *ctx);
	int (*arm)(void *ctx, unsigned int n);
	int (*answer)(void *ctx, int result);
	bool (*done)(void *ctx);
	int (*undo)(void *ctx);
	int (*end)(void *ctx);
	int more_errnos[4];
};

/**
 * struct fail_nth_world - what an operation that failed must leave unchanged
 * @picture: describes it, as lines of text, to be freed; must be the same
 *	again after a failure and after @undo
 * @watch: after each run, before @undo: anything else wrong? says so itself
 */
struct fail_nth_world {
	char *(*picture)(void *ctx);
	bool (*watch)(void *ctx);
};

/* NULL, or what this kernel lacks for it */
const char *fail_nth_lacking(void);

/* Says on stderr what went wrong; true if nothing did */
bool fail_nth_sweep(const struct fail_nth_op *op,
		    const struct fail_nth_world *world, void *ctx);

#endif
