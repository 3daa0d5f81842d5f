// SPDX-License-Identifier: GPL-2.0
/* Packets and requests through the kernel's own drivers, on virtio_vdpa */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libaio.h>

#include "bench.h"
#include "vdpa_env.h"

#define DEV		"bench"
#define ETH_P_BENCH	0x88b5
#define APPEAR_MS	5000
/* When a link comes up, the driver sends commands, and spins until they are done. */
#define LINK_UP_US	500000

static void begin(const char *module, const char *driver, const char *mgmtdev)
{
	bench_module(driver);
	bench_module("virtio_vdpa");
	bench_module(module);
	bench_dev_add(mgmtdev, DEV);
}

/* The name that the kernel's driver gave a device; @kind: "net" or "block" */
static void find(const char *dev, const char *kind, char *name, size_t len)
{
	char pattern[128];
	glob_t found;
	int ms;

	snprintf(pattern, sizeof(pattern), "/sys/bus/vdpa/devices/%s/virtio*/%s/*", dev, kind);
	for (ms = 0; ms < APPEAR_MS; ms += 10) {
		if (!glob(pattern, 0, NULL, &found)) {
			snprintf(name, len, "%s", strrchr(found.gl_pathv[0], '/') + 1);
			globfree(&found);
			return;
		}
		usleep(10000);
	}
	errx(1, "no %s device came", kind);
}

/*
 * Packets to the device's own address, which it gives back
 */

static int net_open(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_BENCH),
		.sll_ifindex = if_nametoindex(name),
	};
	struct ifreq ifr = {};
	int fd, size = 4 << 20;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_BENCH));
	if (fd < 0)
		err(1, "packet socket");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		err(1, "%s up", name);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		err(1, "%s", name);
	usleep(LINK_UP_US);
	return fd;
}

/* Our own packets pass by the socket on their way out, too */
static void net_receive(int fd, size_t len)
{
	static unsigned char in[2048];
	struct sockaddr_ll from;
	socklen_t from_len;
	ssize_t n;

	do {
		from_len = sizeof(from);
		n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
		if (n < 0)
			err(1, "receive");
	} while (from.sll_pkttype == PACKET_OUTGOING);
	if ((size_t)n != len)
		errx(1, "a packet of %zd bytes came", n);
}

static void net_burst(int fd, unsigned int burst, size_t len)
{
	static const unsigned char out[2048] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x88, 0xb5
	};
	unsigned int i;

	for (i = 0; i < burst; i++)
		if (send(fd, out, len, 0) != (ssize_t)len)
			err(1, "send");
	for (i = 0; i < burst; i++)
		net_receive(fd, len);
}

static void net_case(int fd, unsigned int burst, size_t len)
{
	unsigned long i, bursts = bench_count(16384) / burst;
	uint64_t start;

	for (i = 0; i < 16; i++)
		net_burst(fd, burst, len);
	start = bench_now();
	for (i = 0; i < bursts; i++)
		net_burst(fd, burst, len);
	bench_figure((double)(bench_now() - start) / (bursts * burst), "ns", "virtio_net.%zu.%s",
		     len, bench_burst(burst));
}

/* Another address, which is a command that the driver waits for */
static void net_command(int fd, const char *name)
{
	unsigned long i, n = bench_count(256);
	struct ifreq ifr = {
		.ifr_hwaddr = { .sa_family = ARPHRD_ETHER, .sa_data = { 2, 0, 0, 0, 0 } },
	};
	uint64_t start;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	start = bench_now();
	for (i = 0; i < n; i++) {
		ifr.ifr_hwaddr.sa_data[5] = 2 + i % 2;
		if (ioctl(fd, SIOCSIFHWADDR, &ifr))
			err(1, "address of %s", name);
	}
	bench_figure((double)(bench_now() - start) / n, "ns", "virtio_net.command");
}

void bench_virtio_net(void)
{
	char name[IFNAMSIZ];
	int fd;

	begin("vdpa_sim_net", "virtio_net", BENCH_NET);
	find(DEV, "net", name, sizeof(name));
	fd = net_open(name);
	net_case(fd, 1, 64);
	net_case(fd, 32, 64);
	net_case(fd, 1, 1514);
	net_case(fd, 32, 1514);
	net_command(fd, name);
	close(fd);
	bench_dev_del(DEV);
}

/*
 * TCP from one device to another, each in a network namespace: mainline's have
 * no cable between them
 */

#define PEER		"/sys/kernel/debug/vdpa_sim/" BENCH_NET "/peer"
#define TCP_PIECE	(64UL << 10)
#define TCP_PORT	7000

static void shell(const char *fmt, ...)
{
	char command[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		errx(1, "%s", command);
}

static void tcp_end(const char *dev, unsigned int number)
{
	char name[IFNAMSIZ];

	bench_dev_add_mac(BENCH_NET, dev, number);
	find(dev, "net", name, sizeof(name));
	shell("ip netns add %s", dev);
	shell("ip link set dev %s netns %s name eth9", name, dev);
	shell("ip -n %s addr add 10.9.9.%u/24 dev eth9", dev, number);
	shell("ip -n %s link set dev eth9 up", dev);
}

/* A socket of a namespace, in which this process stays */
static int tcp_socket(const char *netns)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", path);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err(1, "socket");
	return fd;
}

static void tcp_sink(int listener)
{
	static char in[TCP_PIECE];
	int fd = accept(listener, NULL, NULL);
	ssize_t n;

	do {
		n = read(fd, in, sizeof(in));
	} while (n > 0);
	/* the sender waits for it */
	if (n < 0 || write(fd, "", 1) != 1)
		err(1, "receive");
	exit(0);
}

static void tcp_send(int fd, unsigned long pieces)
{
	static const char out[TCP_PIECE];
	size_t at;
	ssize_t n;

	while (pieces--)
		for (at = 0; at < sizeof(out); at += n) {
			n = write(fd, out + at, sizeof(out) - at);
			if (n < 0)
				err(1, "send");
		}
}

static void tcp_case(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(TCP_PORT),
				  .sin_addr.s_addr = inet_addr("10.9.9.2") };
	unsigned long pieces = bench_count(2048);
	uint64_t start;
	int listener, fd;
	char end;
	pid_t sink;

	listener = tcp_socket("tcp2");
	if (bind(listener, (struct sockaddr *)&to, sizeof(to)) || listen(listener, 1))
		err(1, "listen");
	sink = fork();
	if (!sink)
		tcp_sink(listener);
	fd = tcp_socket("tcp1");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connect");
	tcp_send(fd, pieces / 8);
	start = bench_now();
	tcp_send(fd, pieces);
	if (shutdown(fd, SHUT_WR) || read(fd, &end, 1) != 1)
		err(1, "the end");
	bench_figure((double)(bench_now() - start) / pieces, "ns", "virtio_net.tcp.64K");
	close(fd);
	close(listener);
	waitpid(sink, NULL, 0);
}

void bench_virtio_tcp(void)
{
	bench_module("vdpa_sim_net");
	if (access(PEER, W_OK)) {
		bench_failed(EOPNOTSUPP, "virtio_net.tcp.64K");
		return;
	}
	bench_module("virtio_net");
	bench_module("virtio_vdpa");
	tcp_end("tcp1", 1);
	tcp_end("tcp2", 2);
	if (env_write(PEER, "tcp1 tcp2"))
		errx(1, "no cable");
	tcp_case();
	bench_dev_del("tcp1");
	bench_dev_del("tcp2");
}

/*
 * Requests
 */

#define BLK_AREA	(64UL << 20)
#define BLK_DEPTH_MAX	32

struct blk {
	io_context_t ctx;
	struct iocb cb[BLK_DEPTH_MAX];
	int fd;
	bool write;
	size_t len;
	off_t at;
};

static void blk_prepare(struct blk *b, struct iocb *cb)
{
	void *buf = cb->u.c.buf;

	if (b->write)
		io_prep_pwrite(cb, b->fd, buf, b->len, b->at);
	else
		io_prep_pread(cb, b->fd, buf, b->len, b->at);
	b->at = (b->at + b->len) % BLK_AREA;
}

static void blk_submit(struct blk *b, struct iocb **cbs, int n)
{
	int error = io_submit(b->ctx, n, cbs);

	if (error != n)
		errx(1, "io_submit: %d of %d", error, n);
}

static void blk_run(struct blk *b, unsigned int depth, unsigned long n)
{
	struct iocb *cbs[BLK_DEPTH_MAX];
	struct io_event ev[BLK_DEPTH_MAX];
	unsigned long sent = depth, done = 0;
	unsigned int i, more;
	int got;

	for (i = 0; i < depth; i++) {
		cbs[i] = &b->cb[i];
		blk_prepare(b, cbs[i]);
	}
	blk_submit(b, cbs, depth);
	while (done < n) {
		got = io_getevents(b->ctx, 1, depth, ev, NULL);
		if (got < 1)
			errx(1, "io_getevents: %s", strerror(-got));
		for (i = 0, more = 0; i < (unsigned int)got; i++) {
			if (ev[i].res != b->len)
				errx(1, "a request failed: %ld", (long)ev[i].res);
			done++;
			if (sent >= n)
				continue;
			cbs[more++] = ev[i].obj;
			blk_prepare(b, ev[i].obj);
			sent++;
		}
		if (more)
			blk_submit(b, cbs, more);
	}
}

static void blk_case(const char *path, unsigned int depth, size_t len, bool write)
{
	unsigned long n = bench_count(len > 4096 ? 2048 : 16384);
	struct blk b = { .write = write, .len = len };
	unsigned char *mem;
	uint64_t start;
	unsigned int i;

	b.fd = open(path, (write ? O_WRONLY : O_RDONLY) | O_DIRECT | O_CLOEXEC);
	if (b.fd < 0)
		err(1, "%s", path);
	if (posix_memalign((void **)&mem, 4096, depth * len))
		errx(1, "no memory");
	memset(mem, 0x5a, depth * len);
	for (i = 0; i < depth; i++)
		b.cb[i].u.c.buf = mem + i * len;
	if (io_setup(depth, &b.ctx))
		errx(1, "io_setup");

	blk_run(&b, depth, n / 8);
	start = bench_now();
	blk_run(&b, depth, n);
	bench_figure((double)(bench_now() - start) / n, "ns", "virtio_blk.%s.%zuK.depth%u",
		     write ? "write" : "read", len >> 10, depth);
	io_destroy(b.ctx);
	close(b.fd);
	free(mem);
}

void bench_virtio_blk(void)
{
	char name[32], path[48];

	begin("vdpa_sim_blk", "virtio_blk", BENCH_BLK);
	find(DEV, "block", name, sizeof(name));
	snprintf(path, sizeof(path), "/dev/%s", name);
	/* the writes first, so that there is something to read */
	blk_case(path, 32, 128 << 10, true);
	blk_case(path, 1, 128 << 10, false);
	blk_case(path, 32, 128 << 10, false);
	blk_case(path, 32, 4096, true);
	blk_case(path, 1, 4096, false);
	blk_case(path, 32, 4096, false);
	bench_dev_del(DEV);
}
