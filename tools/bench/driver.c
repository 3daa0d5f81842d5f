// SPDX-License-Identifier: GPL-2.0
/* A virtio driver in a process, on /dev/vhost-vdpa-N: split virtqueues */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "vhost_env.h"

#define ALIGN_TO(x, a)	(((x) + (a) - 1) / (a) * (a))
#define VQ_ALIGN	4096
#define HUGE_PAGE	(2UL << 20)

static void check(int error, const char *what)
{
	if (error)
		errx(1, "vhost-vdpa: %s: %s", what, strerror(error));
}

void *bench_alloc(struct bench_drv *d, size_t len, uint64_t *addr)
{
	size_t at = ALIGN_TO(d->used, VQ_ALIGN);

	if (at + len > d->size)
		errx(1, "the driver has no more memory");
	d->used = at + len;
	if (addr)
		*addr = at;
	return d->mem + at;
}

int bench_batch(int fd, bool begin)
{
	return vh_message(fd, 0, begin ? VHOST_IOTLB_BATCH_BEGIN : VHOST_IOTLB_BATCH_END,
			  0, 0, NULL, 0);
}

/*
 * Huge pages, if the kernel has them, as guests get them: in how many pieces small
 * ones come is a matter of luck, and would be measured.
 */
void bench_drv_memory(struct bench_drv *d, size_t size)
{
	*d = (struct bench_drv){ .size = size };
	d->mapped = ALIGN_TO(d->size, HUGE_PAGE) + HUGE_PAGE;
	d->area = mmap(NULL, d->mapped, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (d->area == MAP_FAILED)
		err(1, "mmap");
	d->mem = (unsigned char *)ALIGN_TO((uintptr_t)d->area, HUGE_PAGE);
	madvise(d->mem, d->mapped - HUGE_PAGE, MADV_HUGEPAGE);
	memset(d->mem, 0, d->size);
}

void bench_drv_open(struct bench_drv *d, const char *name)
{
	uint64_t features = 0;

	d->fd = vh_open(name);
	if (d->fd < 0)
		errx(1, "vhost-vdpa of %s: %s", name, strerror(-d->fd));
	check(vh_ioctl(d->fd, VHOST_SET_OWNER, NULL), "SET_OWNER");
	check(vh_ioctl(d->fd, VHOST_GET_BACKEND_FEATURES, &features), "GET_BACKEND_FEATURES");
	features &= 1ULL << VHOST_BACKEND_F_IOTLB_MSG_V2 | 1ULL << VHOST_BACKEND_F_IOTLB_BATCH;
	check(vh_backend(d->fd, features), "SET_BACKEND_FEATURES");
}

static void vq_start(struct bench_drv *d, struct bench_vq *q, unsigned int index)
{
	struct vhost_vring_addr addr = { .index = index };
	uint64_t at;
	void *mem;

	q->index = index;
	q->drv = d;
	q->kick = eventfd(0, EFD_CLOEXEC);
	q->call = eventfd(0, EFD_CLOEXEC);
	if (q->kick < 0 || q->call < 0)
		err(1, "eventfd");
	mem = bench_alloc(d, vring_size(BENCH_VQ_NUM, VQ_ALIGN), &at);
	vring_init(&q->vring, BENCH_VQ_NUM, mem, VQ_ALIGN);
	addr.desc_user_addr = at;
	addr.avail_user_addr = at + ((unsigned char *)q->vring.avail - (unsigned char *)mem);
	addr.used_user_addr = at + ((unsigned char *)q->vring.used - (unsigned char *)mem);

	check(vh_vq(d->fd, VHOST_SET_VRING_NUM, index, BENCH_VQ_NUM), "SET_VRING_NUM");
	check(vh_ioctl(d->fd, VHOST_SET_VRING_ADDR, &addr), "SET_VRING_ADDR");
	check(vh_vq(d->fd, VHOST_SET_VRING_BASE, index, 0), "SET_VRING_BASE");
	check(vh_eventfd(d->fd, VHOST_SET_VRING_KICK, index, q->kick), "SET_VRING_KICK");
	check(vh_eventfd(d->fd, VHOST_SET_VRING_CALL, index, q->call), "SET_VRING_CALL");
	check(vh_vq(d->fd, VHOST_VDPA_SET_VRING_ENABLE, index, 1), "SET_VRING_ENABLE");
}

void bench_drv_start(struct bench_drv *d, unsigned int nvqs, uint64_t features)
{
	uint64_t offered = 0;

	/* which also takes away what is mapped */
	check(vh_status(d->fd, 0), "reset");
	check(bench_batch(d->fd, true), "BATCH_BEGIN");
	check(vh_map(d->fd, 0, d->size, d->mem), "map");
	check(bench_batch(d->fd, false), "BATCH_END");

	check(vh_status(d->fd, 1), "ACKNOWLEDGE");
	check(vh_status(d->fd, 3), "DRIVER");
	check(vh_ioctl(d->fd, VHOST_GET_FEATURES, &offered), "GET_FEATURES");
	if ((offered & features) != features)
		errx(1, "the device lacks features: %#llx", (unsigned long long)offered);
	check(vh_ioctl(d->fd, VHOST_SET_FEATURES, &features), "SET_FEATURES");
	check(vh_status(d->fd, 0xb), "FEATURES_OK");
	for (d->nvqs = 0; d->nvqs < nvqs; d->nvqs++)
		vq_start(d, &d->vq[d->nvqs], d->nvqs);
	check(vh_status(d->fd, 0xf), "DRIVER_OK");
}

void bench_drv_close(struct bench_drv *d)
{
	while (d->nvqs--) {
		close(d->vq[d->nvqs].kick);
		close(d->vq[d->nvqs].call);
	}
	close(d->fd);
	munmap(d->area, d->mapped);
}

void bench_desc(struct bench_vq *q, unsigned int i, uint64_t addr, uint32_t len,
		uint16_t flags)
{
	q->vring.desc[i] = (struct vring_desc){ addr, len, flags, i + 1 };
}

void bench_post(struct bench_vq *q, uint16_t head)
{
	q->vring.avail->ring[q->avail_idx % BENCH_VQ_NUM] = head;
	q->avail_idx++;
}

void bench_kick(struct bench_vq *q)
{
	__atomic_store_n(&q->vring.avail->idx, q->avail_idx, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&q->vring.used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY)
		return;
	if (eventfd_write(q->kick, 1))
		err(1, "kick");
}

static bool used(const struct bench_vq *q)
{
	return __atomic_load_n(&q->vring.used->idx, __ATOMIC_ACQUIRE) != q->used_idx;
}

void bench_wait(struct bench_vq *q)
{
	eventfd_t n;

	while (!used(q))
		if (eventfd_read(q->call, &n))
			err(1, "call");
}

bool bench_reap(struct bench_vq *q, uint16_t *head, uint32_t *len)
{
	const struct vring_used_elem *e;

	if (!used(q))
		return false;
	e = &q->vring.used->ring[q->used_idx % BENCH_VQ_NUM];
	*head = e->id;
	*len = e->len;
	q->used_idx++;
	return true;
}
