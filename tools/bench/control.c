// SPDX-License-Identifier: GPL-2.0
/* Devices made, looked up, dumped and deleted, and the memory that they take */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "vdpa_env.h"
#include "vdpa_nl.h"

/* So many that what is free, and what the kernel counts as free, differ by little */
#define MEMORY_DEVS	2000
/* What the kernel does later is done by then */
#define SETTLE_US	200000

static struct vnl *control(void)
{
	static struct vnl s = { .fd = -1 };

	if (s.fd < 0)
		vnl_open(&s);
	return &s;
}

static void check(int error, const char *what, const char *name)
{
	if (error)
		errx(1, "%s %s: %s %s", what, name, strerror(error), control()->err.text);
}

void bench_dev_add_mac(const char *mgmtdev, const char *name, unsigned char last)
{
	const uint8_t mac[] = { 2, 0, 0, 0, 0, last };
	struct vnl *s = control();
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, mgmtdev);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (!strcmp(mgmtdev, BENCH_NET))
		vnl_put(&m, VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, sizeof(mac));
	check(vnl_request(s, &m, NULL, NULL), "add", name);
}

void bench_dev_add(const char *mgmtdev, const char *name)
{
	bench_dev_add_mac(mgmtdev, name, 1);
}

void bench_dev_del(const char *name)
{
	check(vnl_dev_del(control(), name), "del", name);
}

static void name_of(char *name, size_t len, unsigned int i)
{
	snprintf(name, len, "bench%u", i);
}

static void add_all(unsigned int n)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < n; i++) {
		name_of(name, sizeof(name), i);
		bench_dev_add(BENCH_NET, name);
	}
}

static void del_all(unsigned int n)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < n; i++) {
		name_of(name, sizeof(name), i);
		bench_dev_del(name);
	}
}

/* The request and its reply, and nothing that looks into it */
static void get_once(const char *name)
{
	struct vnl *s = control();
	struct nlmsghdr *reply = (struct nlmsghdr *)s->buf;
	struct vnl_msg m;
	ssize_t len;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (send(s->fd, m.nlh, m.nlh->nlmsg_len, 0) < 0)
		err(1, "get %s", name);
	len = recv(s->fd, s->buf, sizeof(s->buf), 0);
	if (len < (ssize_t)sizeof(*reply) || reply->nlmsg_type != s->family)
		errx(1, "get %s: no device came", name);
}

/* Every @step'th: how long it takes may depend on where it is */
static unsigned int get_some(unsigned int n, unsigned int step)
{
	unsigned int i, done = 0;
	char name[32];

	for (i = 0; i < n; i += step) {
		name_of(name, sizeof(name), i);
		get_once(name);
		done++;
	}
	return done;
}

static void count_message(const struct nlmsghdr *nlh, void *arg)
{
	unsigned int *n = arg;

	(void)nlh;
	++*n;
}

static void dump(unsigned int n)
{
	struct vnl *s = control();
	unsigned int found = 0;
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_GET, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	check(vnl_dump_rest(&d, count_message, &found), "dump", "");
	if (found != n)
		errx(1, "dump: %u of %u devices", found, n);
}

static void control_n(unsigned int n)
{
	unsigned int got;
	uint64_t begin;

	begin = bench_now();
	add_all(n);
	bench_figure((double)(bench_now() - begin) / n, "ns", "control.add.%u", n);

	get_some(n, n / 50);
	begin = bench_now();
	got = get_some(n, n / 50);
	bench_figure((double)(bench_now() - begin) / got, "ns", "control.get.%u", n);

	dump(n);
	begin = bench_now();
	dump(n);
	bench_figure((double)(bench_now() - begin) / n, "ns", "control.dump.%u", n);

	begin = bench_now();
	del_all(n);
	bench_figure((double)(bench_now() - begin) / n, "ns", "control.del.%u", n);
}

void bench_control(void)
{
	bench_module("vdpa_sim_net");
	/* the first ones after boot are dearer */
	add_all(500);
	del_all(500);
	usleep(SETTLE_US);
	control_n(100);
	control_n(1000);
	if (!bench_quick)
		control_n(4000);
}

static long available(void)
{
	long kb = -1;
	char line[128];
	FILE *f;

	sync();
	env_write("/proc/sys/vm/drop_caches", "3");
	f = fopen("/proc/meminfo", "re");
	if (!f)
		err(1, "/proc/meminfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %ld kB", &kb) == 1)
			break;
	fclose(f);
	return kb * 1024;
}

static void memory_of(const char *what)
{
	long before;

	/* what caches keep is there already */
	add_all(MEMORY_DEVS);
	del_all(MEMORY_DEVS);
	before = available();
	add_all(MEMORY_DEVS);
	bench_figure((double)(before - available()) / MEMORY_DEVS, "B", "memory.%s", what);
	del_all(MEMORY_DEVS);
}

void bench_memory(void)
{
	bench_module("vdpa_sim_net");
	memory_of("idle_net_device");
}
