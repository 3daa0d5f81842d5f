// SPDX-License-Identifier: GPL-2.0
/*
 * Devices made by several management devices at once, whose hardware takes its
 * time: modules/vdpa_bench_parent.c. Whoever waits for it does not compute, so
 * this is about locks, and is in time even where instructions are counted.
 */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "vdpa_nl.h"

#define PARENT_MODULE	"vdpa_bench_parent"
#define PARENT_PARAM	"latency_ms=50"
#define MGMTDEVS	16U	/* as many as the module has */
#define DEVS		8U	/* of each */

struct adder {
	pthread_t thread;
	pthread_barrier_t *ready;
	unsigned int number;
	uint64_t begin;
	uint64_t end;
	struct vnl s;
};

static void name_of(char *name, size_t len, unsigned int mgmtdev, unsigned int dev)
{
	snprintf(name, len, "bench%u.%u", mgmtdev, dev);
}

/* One management device's, one after the other */
static void *add_own(void *arg)
{
	char handle[32], name[32];
	struct adder *a = arg;
	unsigned int i;
	int error;

	snprintf(handle, sizeof(handle), "vdpabench%u", a->number);
	vnl_open(&a->s);
	pthread_barrier_wait(a->ready);
	a->begin = bench_now();
	for (i = 0; i < DEVS; i++) {
		name_of(name, sizeof(name), a->number, i);
		error = vnl_dev_add(&a->s, handle, name);
		if (error)
			errx(1, "add %s: %s %s", name, strerror(error), a->s.err.text);
	}
	a->end = bench_now();
	vnl_close(&a->s);
	return NULL;
}

/* By @n management devices; from the first one's begin to the last one's end */
static uint64_t add_parallel(unsigned int n)
{
	static struct adder adders[MGMTDEVS];
	uint64_t begin = UINT64_MAX, end = 0;
	pthread_barrier_t ready;
	unsigned int i;
	int error;

	pthread_barrier_init(&ready, NULL, n);
	for (i = 0; i < n; i++) {
		adders[i].number = i;
		adders[i].ready = &ready;
		error = pthread_create(&adders[i].thread, NULL, add_own, &adders[i]);
		if (error)
			errx(1, "pthread_create: %s", strerror(error));
	}
	for (i = 0; i < n; i++) {
		pthread_join(adders[i].thread, NULL);
		if (adders[i].begin < begin)
			begin = adders[i].begin;
		if (adders[i].end > end)
			end = adders[i].end;
	}
	pthread_barrier_destroy(&ready);
	return end - begin;
}

static void del_all(unsigned int n)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < n * DEVS; i++) {
		name_of(name, sizeof(name), i / DEVS, i % DEVS);
		bench_dev_del(name);
	}
}

static void parallel_n(unsigned int n)
{
	bench_figure((double)add_parallel(n) / 1000, "us", "parallel.add.%ux%u", n, DEVS);
	del_all(n);
}

void bench_parallel(void)
{
	bench_module_with(PARENT_MODULE, PARENT_PARAM);
	parallel_n(1);
	parallel_n(MGMTDEVS);
}
