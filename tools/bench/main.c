// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa_bench [--quick] BENCH... - see run. A figure is a line
 *
 *	NAME VALUE UNIT		or	NAME failed ERRNO-TEXT
 */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "vdpa_env.h"

/* A bench that takes longer hangs */
#define BENCH_TIMEOUT_S	600

bool bench_quick;

static const struct {
	const char *name;
	void (*run)(void);
} benches[] = {
	{ "control",	bench_control },
	{ "memory",	bench_memory },
	{ "parallel",	bench_parallel },
	{ "open",	bench_open },
	{ "map",	bench_map },
	{ "vhost_net",	bench_vhost_net },
	{ "vhost_blk",	bench_vhost_blk },
	{ "virtio_net",	bench_virtio_net },
	{ "virtio_tcp",	bench_virtio_tcp },
	{ "virtio_blk",	bench_virtio_blk },
	{ "testpmd",	bench_testpmd },
};

uint64_t bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void bench_figure(double value, const char *unit, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" %.1f %s\n", value, unit);
	fflush(stdout);
}

void bench_failed(int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" failed %s\n", strerror(error));
	fflush(stdout);
}

const char *bench_burst(unsigned int burst)
{
	static char name[16];

	snprintf(name, sizeof(name), burst > 1 ? "burst%u" : "pingpong", burst);
	return name;
}

unsigned long bench_count(unsigned long n)
{
	return bench_quick ? (n + BENCH_QUICK_DIV - 1) / BENCH_QUICK_DIV : n;
}

void bench_module(const char *name)
{
	int error = env_modprobe(name, NULL);

	if (error)
		errx(1, "modprobe %s: %s", name, strerror(error));
}

void bench_module_with(const char *name, const char *param)
{
	int error = env_rmmod(name, true);

	if (error && error != ENOENT)
		errx(1, "rmmod %s: %s", name, strerror(error));
	error = env_modprobe(name, param);
	if (error)
		errx(1, "modprobe %s %s: %s", name, param, strerror(error));
}

static void run(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(benches); i++) {
		if (strcmp(name, benches[i].name))
			continue;
		alarm(BENCH_TIMEOUT_S);
		benches[i].run();
		return;
	}
	errx(2, "no bench %s", name);
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int i = 1;

	bench_quick = argc > 1 && !strcmp(argv[1], "--quick");
	if (bench_quick)
		i++;
	if (i >= argc)
		errx(2, "usage: vdpa_bench [--quick] BENCH...");
	if (setrlimit(RLIMIT_MEMLOCK, &unlimited))
		err(1, "RLIMIT_MEMLOCK");
	for (; i < argc; i++)
		run(argv[i]);
	return 0;
}
