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

/* Few devices are measured again and again until there were so many */
#define STEADY_DEVS	1000
/* The most of them in a hurry */
#define QUICK_DEVS	1000
/* At most so many are looked up of those there */
#define GETS		50
/* So many that what is free, and what the kernel counts as free, differ by little */
#define MEMORY_DEVS	2000
/* More than there ever are devices, fewer than there may be processes */
#define THREADS_MAX	"30000"
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

/* From one end to the other: how long it takes may depend on where it is */
static unsigned int get_some(unsigned int n)
{
	unsigned int step = n > GETS ? n / GETS : 1;
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

/* What was spent on so many */
struct cost {
	uint64_t ns;
	unsigned int n;
};

struct control_costs {
	struct cost add;
	struct cost get;
	struct cost dump;
	struct cost del;
};

static void spent(struct cost *cost, uint64_t begin, unsigned int n)
{
	cost->ns += bench_now() - begin;
	cost->n += n;
}

/* Of devices that are there. The first time is dearer. */
static void control_look(unsigned int n, struct control_costs *costs)
{
	unsigned int got;
	uint64_t begin;

	usleep(SETTLE_US);
	get_some(n);
	while (costs->get.n < STEADY_DEVS) {
		begin = bench_now();
		got = get_some(n);
		spent(&costs->get, begin, got);
	}
	dump(n);
	while (costs->dump.n < STEADY_DEVS) {
		begin = bench_now();
		dump(n);
		spent(&costs->dump, begin, n);
	}
}

static void control_measure(unsigned int n, struct control_costs *costs)
{
	uint64_t begin;

	while (costs->add.n < STEADY_DEVS) {
		begin = bench_now();
		add_all(n);
		spent(&costs->add, begin, n);
		if (costs->add.n >= STEADY_DEVS)
			control_look(n, costs);
		begin = bench_now();
		del_all(n);
		spent(&costs->del, begin, n);
	}
}

static void control_figure(const struct cost *cost, const char *what, unsigned int n)
{
	bench_figure((double)cost->ns / cost->n, "ns", "control.%s.%u", what, n);
}

static void control_n(unsigned int n)
{
	struct control_costs costs = { 0 };

	control_measure(n, &costs);
	control_figure(&costs.add, "add", n);
	control_figure(&costs.get, "get", n);
	control_figure(&costs.dump, "dump", n);
	control_figure(&costs.del, "del", n);
}

void bench_control(void)
{
	static const unsigned int sizes[] = { 10, 100, 1000, 4000, 10000 };
	size_t i;

	/* Linux 6.12's devices have one each */
	if (env_write("/proc/sys/kernel/threads-max", THREADS_MAX) ||
	    env_write("/proc/sys/kernel/pid_max", THREADS_MAX))
		errx(1, "no more threads");
	bench_module("vdpa_sim_net");
	/* the first ones after boot are dearer */
	add_all(500);
	del_all(500);
	usleep(SETTLE_US);
	for (i = 0; i < ARRAY_SIZE(sizes) && !(bench_quick && sizes[i] > QUICK_DEVS); i++)
		control_n(sizes[i]);
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
