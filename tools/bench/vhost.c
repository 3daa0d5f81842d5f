// SPDX-License-Identifier: GPL-2.0
/* Requests, packets and mappings through /dev/vhost-vdpa-N */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "bench.h"
#include "vdpa_env.h"
#include "vhost_env.h"

#define DEV		"bench"
#define FEATURES	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_F_ACCESS_PLATFORM)

/* At most 2,048 pages, which is all that mainline's maps if they lie apart */
#define DRIVER_MEM	(6UL << 20)

static void begin(const char *module, const char *mgmtdev)
{
	bench_module("vhost_vdpa");
	bench_module(module);
	bench_dev_add(mgmtdev, DEV);
}

/*
 * From open() to a running device
 */

static void open_once(uint64_t *opened, uint64_t *started, uint64_t *closed)
{
	struct bench_drv d;
	uint64_t at[4];

	bench_drv_memory(&d, 1UL << 20);
	at[0] = bench_now();
	bench_drv_open(&d, DEV);
	at[1] = bench_now();
	bench_drv_start(&d, 2, FEATURES);
	at[2] = bench_now();
	bench_drv_close(&d);
	at[3] = bench_now();
	*opened += at[1] - at[0];
	*started += at[2] - at[1];
	*closed += at[3] - at[2];
}

void bench_open(void)
{
	unsigned long i, n = bench_count(256);
	uint64_t sum[3] = {};

	begin("vdpa_sim_net", BENCH_NET);
	open_once(&sum[0], &sum[1], &sum[2]);
	memset(sum, 0, sizeof(sum));
	for (i = 0; i < n; i++)
		open_once(&sum[0], &sum[1], &sum[2]);
	bench_figure((double)(sum[0] + sum[1]) / n, "ns", "open.to_DRIVER_OK");
	bench_figure((double)sum[2] / n, "ns", "open.close");
	bench_dev_del(DEV);
}

/*
 * Mappings
 */

#define PAGE		4096UL
#define PAGEMAP_PFN	((1ULL << 55) - 1)
#define PUNCH		(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* Of so many parts one is taken, unless they are larger than that */
#define CHOICE		8
#define CHOICE_MAX	(64UL << 20)
/* Pages that are so far apart are not neighbours behind either */
#define APART		7

/* Where the pages are: as near to each other as can be, nowhere near, in huge ones */
enum map_layout {
	MAP_TOGETHER,
	MAP_APART,
	MAP_HUGE,
};

struct map_case {
	const char *name;
	size_t size;
	size_t piece;
	bool batched;
	enum map_layout layout;
};

static int map_pieces(int fd, const struct map_case *c, unsigned char *mem, bool map)
{
	size_t at;
	int error = 0;

	if (c->batched)
		error = bench_batch(fd, true);
	for (at = 0; !error && at < c->size; at += c->piece)
		error = map ? vh_map(fd, at, c->piece, mem + at) :
			      vh_unmap(fd, at, c->piece);
	if (c->batched && !error)
		error = bench_batch(fd, false);
	return error;
}

/* In how many pieces memory lies, as far as the kernel tells */
static size_t pieces_of(const unsigned char *mem, size_t size)
{
	size_t pages = size / PAGE, i, pieces = 0;
	uint64_t *map = malloc(pages * sizeof(*map)), last = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (!map || fd < 0 ||
	    pread(fd, map, pages * sizeof(*map), (uintptr_t)mem / PAGE * sizeof(*map)) !=
	    (ssize_t)(pages * sizeof(*map)))
		err(1, "pagemap");
	for (i = 0; i < pages; i++) {
		if ((map[i] & PAGEMAP_PFN) != last + 1)
			pieces++;
		last = map[i] & PAGEMAP_PFN;
	}
	close(fd);
	free(map);
	return pieces;
}

/* What is written to one after the other comes from one place. */
static void populate(unsigned char *mem, size_t size, size_t stride)
{
	size_t first, at;

	if (stride == 1) {
		if (madvise(mem, size, MADV_POPULATE_WRITE))
			err(1, "no memory");
		return;
	}
	for (first = 0; first < stride; first++)
		for (at = first * PAGE; at < size; at += stride * PAGE)
			mem[at] = 1;
}

/* How memory is broken up is luck: of several times as much, the best. */
static unsigned char *best_part(unsigned char *mem, int fd, size_t total, size_t size)
{
	size_t at, best = 0, pieces, least = SIZE_MAX;

	for (at = 0; at < total; at += size) {
		pieces = pieces_of(mem + at, size);
		if (pieces >= least)
			continue;
		least = pieces;
		best = at;
	}
	munmap(mem, best);
	munmap(mem + best + size, total - best - size);
	if ((best && fallocate(fd, PUNCH, 0, best)) ||
	    (best + size < total && fallocate(fd, PUNCH, best + size, total - best - size)))
		err(1, "memfd");
	return mem + best;
}

static unsigned char *map_memory(const struct map_case *c)
{
	size_t total = c->size;
	unsigned char *mem;
	int fd = -1;

	env_write("/proc/sys/vm/drop_caches", "3");
	env_write("/proc/sys/vm/compact_memory", "1");
	if (c->layout == MAP_TOGETHER && c->size <= CHOICE_MAX)
		total *= CHOICE;
	if (c->layout != MAP_HUGE) {
		fd = memfd_create("map", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, total))
			err(1, "memfd");
	}
	mem = mmap(NULL, total, PROT_READ | PROT_WRITE,
		   fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	populate(mem, total, c->layout == MAP_APART ? APART : 1);
	if (total > c->size)
		mem = best_part(mem, fd, total, c->size);
	if (fd >= 0)
		close(fd);
	return mem;
}

static void map_case(const struct map_case *c)
{
	unsigned char *mem = map_memory(c);
	uint64_t at[3];
	struct bench_drv d;
	int error;

	bench_drv_memory(&d, 4096);
	bench_drv_open(&d, DEV);
	at[0] = bench_now();
	error = map_pieces(d.fd, c, mem, true);
	at[1] = bench_now();
	if (!error)
		error = map_pieces(d.fd, c, mem, false);
	at[2] = bench_now();
	if (error) {
		bench_failed(error, "map.%s", c->name);
		bench_failed(error, "unmap.%s", c->name);
	} else {
		bench_figure(at[1] - at[0], "ns", "map.%s", c->name);
		bench_figure(at[2] - at[1], "ns", "unmap.%s", c->name);
	}
	bench_drv_close(&d);
	munmap(mem, c->size);
}

void bench_map(void)
{
	static const struct map_case cases[] = {
		{ "4M_by_4K",		4UL << 20,	PAGE,		false, MAP_TOGETHER },
		{ "4M_by_4K_batched",	4UL << 20,	PAGE,		true, MAP_TOGETHER },
		{ "64M_by_64M_batched",	64UL << 20,	64UL << 20,	true, MAP_TOGETHER },
		{ "64M_by_2M_batched",	64UL << 20,	2UL << 20,	true, MAP_TOGETHER },
		{ "64M_by_64M_anon_batched", 64UL << 20, 64UL << 20,	true, MAP_HUGE },
		{ "1G_by_1G",		1UL << 30,	1UL << 30,	false, MAP_TOGETHER },
		{ "1G_by_1G_batched",	1UL << 30,	1UL << 30,	true, MAP_TOGETHER },
		{ "1G_by_2M",		1UL << 30,	2UL << 20,	false, MAP_TOGETHER },
		{ "1G_by_2M_batched",	1UL << 30,	2UL << 20,	true, MAP_TOGETHER },
		{ "1G_by_4K_batched",	1UL << 30,	PAGE,		true, MAP_TOGETHER },
		/* leaves what is free in the same disorder */
		{ "64M_apart_batched",	64UL << 20,	64UL << 20,	true, MAP_APART },
	};
	size_t i;

	begin("vdpa_sim_net", BENCH_NET);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!bench_quick || cases[i].size <= 64UL << 20)
			map_case(&cases[i]);
	bench_dev_del(DEV);
}

/*
 * Packets: sent to the address of the device itself, which gets them back
 */

#define NET_RX		0
#define NET_TX		1
#define NET_BUF		2048
#define NET_HEADER	sizeof(struct virtio_net_hdr_v1)

static void net_fill(struct bench_drv *d, size_t len)
{
	static const unsigned char frame[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	unsigned char *buf;
	unsigned int i;
	uint64_t addr;

	for (i = 0; i < BENCH_VQ_NUM; i++) {
		bench_alloc(d, NET_BUF, &addr);
		bench_desc(&d->vq[NET_RX], i, addr, NET_BUF, VRING_DESC_F_WRITE);
		bench_post(&d->vq[NET_RX], i);
		buf = bench_alloc(d, NET_BUF, &addr);
		memcpy(buf + NET_HEADER, frame, sizeof(frame));
		bench_desc(&d->vq[NET_TX], i, addr, NET_HEADER + len, 0);
	}
	bench_kick(&d->vq[NET_RX]);
}

static void net_burst(struct bench_drv *d, unsigned int burst, size_t len)
{
	struct bench_vq *rx = &d->vq[NET_RX], *tx = &d->vq[NET_TX];
	unsigned int received = 0, sent = 0;
	uint32_t got;
	uint16_t head;

	while (sent < burst)
		bench_post(tx, sent++);
	bench_kick(tx);
	while (received < burst) {
		bench_wait(rx);
		while (bench_reap(rx, &head, &got)) {
			if (got != NET_HEADER + len)
				errx(1, "a packet of %u bytes came", got);
			bench_post(rx, head);
			received++;
		}
		bench_kick(rx);
	}
	for (sent = 0; sent < burst;) {
		bench_wait(tx);
		while (bench_reap(tx, &head, &got))
			sent++;
	}
}

static void net_case(unsigned int burst, size_t len)
{
	unsigned long i, bursts = bench_count(16384) / burst;
	struct bench_drv d;
	uint64_t start;

	bench_drv_memory(&d, DRIVER_MEM);
	bench_drv_open(&d, DEV);
	bench_drv_start(&d, 2, FEATURES);
	net_fill(&d, len);
	for (i = 0; i < 16; i++)
		net_burst(&d, burst, len);
	start = bench_now();
	for (i = 0; i < bursts; i++)
		net_burst(&d, burst, len);
	bench_figure((double)(bench_now() - start) / (bursts * burst), "ns", "vhost_net.%zu.%s",
		     len, bench_burst(burst));
	bench_drv_close(&d);
}

void bench_vhost_net(void)
{
	begin("vdpa_sim_net", BENCH_NET);
	net_case(1, 64);
	net_case(32, 64);
	net_case(128, 64);
	net_case(1, 1514);
	net_case(32, 1514);
	bench_dev_del(DEV);
}

/*
 * Block requests: three descriptors each
 */

#define BLK_DEPTH_MAX	32

struct blk_slot {
	struct virtio_blk_outhdr *header;
	unsigned char *status;
	uint32_t in_len;	/* of a read, with the status */
};

static void blk_slot(struct bench_vq *q, struct blk_slot *slot, unsigned int i,
		     unsigned int place, bool write, size_t len)
{
	struct bench_drv *d = q->drv;
	uint64_t addr;

	slot->header = bench_alloc(d, 32, &addr);
	slot->header->type = write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN;
	slot->header->sector = place * (len / 512);
	slot->status = (unsigned char *)(slot->header + 1);
	*slot->status = 0xff;
	slot->in_len = write ? 0 : len + 1;
	bench_desc(q, 3 * i, addr, sizeof(*slot->header), VRING_DESC_F_NEXT);
	bench_desc(q, 3 * i + 2, addr + sizeof(*slot->header), 1, VRING_DESC_F_WRITE);
	bench_alloc(d, len, &addr);
	bench_desc(q, 3 * i + 1, addr, len,
		   VRING_DESC_F_NEXT | (write ? 0 : VRING_DESC_F_WRITE));
	bench_post(q, 3 * i);
}

/* Whatever came back is sent again; how many these are */
static unsigned long blk_again(struct bench_vq *q, const struct blk_slot *slots)
{
	const struct blk_slot *slot;
	unsigned long done = 0;
	uint16_t head;
	uint32_t len;

	bench_wait(q);
	while (bench_reap(q, &head, &len)) {
		slot = &slots[head / 3];
		if (*slot->status || (slot->in_len && len != slot->in_len))
			errx(1, "a request failed: %u, %u bytes", *slot->status, len);
		bench_post(q, head);
		done++;
	}
	return done;
}

static void blk_requests(struct bench_drv *d, struct blk_slot slots[][BLK_DEPTH_MAX],
			 unsigned long n)
{
	unsigned long done = 0;
	unsigned int i;

	while (done < n) {
		for (i = 0; i < d->nvqs; i++)
			bench_kick(&d->vq[i]);
		for (i = 0; i < d->nvqs; i++)
			done += blk_again(&d->vq[i], slots[i]);
	}
}

/* @depth: of all queues together */
static void blk_case(unsigned int queues, unsigned int depth, size_t len, bool write)
{
	unsigned long n = bench_count(len > 4096 ? 2048 : 16384);
	struct blk_slot slots[BENCH_VQS][BLK_DEPTH_MAX];
	unsigned int i, j, each = depth / queues;
	uint32_t there = 0;
	struct bench_drv d;
	char name[64];
	uint64_t start;

	snprintf(name, sizeof(name), "vhost_blk.%s.%zuK.depth%u%s", write ? "write" : "read",
		 len >> 10, depth, queues > 1 ? ".queues4" : "");
	bench_drv_memory(&d, DRIVER_MEM);
	bench_drv_open(&d, DEV);
	if (queues > 1 && (vh_ioctl(d.fd, VHOST_VDPA_GET_VQS_COUNT, &there) || there < queues)) {
		bench_failed(ENXIO, "%s", name);
		bench_drv_close(&d);
		return;
	}
	bench_drv_start(&d, queues, FEATURES | (queues > 1 ? 1ULL << VIRTIO_BLK_F_MQ : 0));
	for (i = 0; i < queues; i++)
		for (j = 0; j < each; j++)
			blk_slot(&d.vq[i], &slots[i][j], j, i * each + j, write, len);
	blk_requests(&d, slots, n / 8);
	start = bench_now();
	blk_requests(&d, slots, n);
	bench_figure((double)(bench_now() - start) / n, "ns", "%s", name);
	bench_drv_close(&d);
}

void bench_vhost_blk(void)
{
	begin("vdpa_sim_blk", BENCH_BLK);
	/* the writes first, so that there is something to read */
	blk_case(1, 32, 128 << 10, true);
	blk_case(1, 1, 128 << 10, false);
	blk_case(1, 32, 128 << 10, false);
	blk_case(1, 32, 4096, true);
	blk_case(1, 1, 4096, false);
	blk_case(1, 32, 4096, false);
	bench_dev_del(DEV);
	bench_module_with("vdpa_sim_blk", "num_queues=4");
	bench_dev_add(BENCH_BLK, DEV);
	blk_case(4, 32, 128 << 10, true);
	blk_case(4, 32, 128 << 10, false);
	blk_case(4, 32, 4096, false);
	bench_dev_del(DEV);
}
