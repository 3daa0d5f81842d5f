// SPDX-License-Identifier: GPL-2.0
/* DPDK's testpmd on /dev/vhost-vdpa-N, which gets back what it sends and sends it again */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "vhost_env.h"

#define DEV		"bench"
#define DRIVERS		"/usr/lib/x86_64-linux-gnu/dpdk/pmds-*/"
/* Seconds, as testpmd counts them: at first it is busy with itself */
#define WARM_UP		2
#define MEASURED	8

struct testpmd {
	pid_t pid;
	FILE *out;
};

static const char *driver(const char *name)
{
	char pattern[256];
	char *path = NULL;
	glob_t found;

	snprintf(pattern, sizeof(pattern), DRIVERS "%s.so.*", name);
	if (!glob(pattern, 0, NULL, &found))
		path = strdup(found.gl_pathv[0]);
	globfree(&found);
	if (!path)
		errx(1, "there is no %s", pattern);
	return path;
}

static void __attribute__((noreturn)) testpmd_exec(const char *vdev)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("dpdk-testpmd", "dpdk-testpmd", "--lcores", "0@0,1@0", "--no-huge", "-m", "128",
	       "--no-pci", "--iova-mode=va", "--no-telemetry", "--file-prefix=bench",
	       "-d", driver("librte_mempool_ring"), "-d", driver("librte_net_virtio"), vdev,
	       "--", "--disable-link-check", "--stats-period", "1", "--tx-first", "--no-mlockall",
	       "--forward-mode=io", "--total-num-mbufs=4096", NULL);
	_exit(127);
}

static void testpmd_start(struct testpmd *t, const char *options)
{
	char path[VH_PATH_LEN * 2], vdev[VH_PATH_LEN * 3];
	int error, out[2];

	error = vh_node(DEV, path, sizeof(path));
	if (error)
		errx(1, "vhost-vdpa of %s: %s", DEV, strerror(error));
	snprintf(vdev, sizeof(vdev), "--vdev=net_virtio_user0,path=%s%s", path, options);
	if (pipe2(out, O_CLOEXEC))
		err(1, "pipe");
	t->pid = fork();
	if (t->pid < 0)
		err(1, "fork");
	if (!t->pid) {
		dup2(out[1], STDOUT_FILENO);
		testpmd_exec(vdev);
	}
	close(out[1]);
	t->out = fdopen(out[0], "r");
	if (!t->out)
		err(1, "testpmd");
}

static void testpmd_end(struct testpmd *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	fclose(t->out);
}

/* What it received so far, as it says once in a second; false if it ended */
static bool testpmd_received(struct testpmd *t, unsigned long *packets)
{
	const char *at;
	char line[512];

	while (fgets(line, sizeof(line), t->out)) {
		at = strstr(line, "RX-packets:");
		if (at && sscanf(at, "RX-packets: %lu", packets) == 1)
			return true;
	}
	return false;
}

static bool testpmd_measure(struct testpmd *t, double *per_packet)
{
	unsigned int seconds = 0, measured = bench_count(MEASURED);
	unsigned long first = 0, last = 0;
	uint64_t begin = 0;

	while (testpmd_received(t, &last)) {
		if (last && ++seconds == WARM_UP) {
			first = last;
			begin = bench_now();
		}
		if (seconds == WARM_UP + measured) {
			*per_packet = (double)(bench_now() - begin) / (last - first);
			return last > first;
		}
	}
	return false;
}

static void testpmd_case(const char *name, const char *options)
{
	struct testpmd t;
	double figure;

	testpmd_start(&t, options);
	if (testpmd_measure(&t, &figure))
		bench_figure(figure, "ns", "testpmd.%s", name);
	else
		bench_failed(EIO, "testpmd.%s", name);
	testpmd_end(&t);
}

void bench_testpmd(void)
{
	bench_module("vhost_vdpa");
	bench_module("vdpa_sim_net");
	bench_dev_add(BENCH_NET, DEV);
	testpmd_case("io_forward", "");
	bench_dev_del(DEV);
}
