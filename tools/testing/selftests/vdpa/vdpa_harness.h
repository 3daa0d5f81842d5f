/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kselftest_harness.h for these tests: on a kernel that checks itself, all
 * takes longer, and so have the time limits to be.
 */

#ifndef _VDPA_HARNESS_H
#define _VDPA_HARNESS_H

#include "kselftest_harness.h"
#include "vdpa_env.h"

static inline void vdpa_harness_scale(void)
{
	int scale = env_time_scale();
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= scale;
}

/* @reason: NULL, or why none of the tests can be run */
static inline int vdpa_harness_main(int argc, char **argv, const char *reason)
{
	if (reason) {
		ksft_print_header();
		ksft_exit_skip("%s\n", reason);
	}
	vdpa_harness_scale();
	return test_harness_run(argc, argv);
}

#define VDPA_HARNESS_MAIN \
	int main(int argc, char **argv) \
	{ \
		return vdpa_harness_main(argc, argv, NULL); \
	}

#endif
