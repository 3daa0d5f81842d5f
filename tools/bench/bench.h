/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Measuring vDPA devices, mainline's or ours: what the benches share. A bench
 * that cannot go on ends the program with a word on standard error.
 */

#ifndef _BENCH_H
#define _BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define BENCH_NET	"vdpasim_net"
#define BENCH_BLK	"vdpasim_blk"
#define BENCH_QUICK_DIV	8

/* Fewer of everything */
extern bool bench_quick;

/* Nanoseconds; of a guest with --icount, instructions */
uint64_t bench_now(void);
/* A figure of the table, smaller is better; says what it is, on stdout */
void bench_figure(double value, const char *unit, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of what did not work */
void bench_failed(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What it is called to send so many before one waits for them to come back */
const char *bench_burst(unsigned int burst);
/* @n, or less if in a hurry */
unsigned long bench_count(unsigned long n);

/* Devices: they have a MAC address if they are of class net */
void bench_dev_add(const char *mgmtdev, const char *name);
/* One of several: the last byte of its address */
void bench_dev_add_mac(const char *mgmtdev, const char *name, unsigned char last);
void bench_dev_del(const char *name);
void bench_module(const char *name);
/* Anew, with a parameter, which mainline's may not know */
void bench_module_with(const char *name, const char *param);

/*
 * /dev/vhost-vdpa-N, with a driver of its own in this process: queues and
 * buffers are in memory that is mapped in one piece, from the address 0 on
 */
#define BENCH_VQ_NUM	256U
#define BENCH_VQS	4U

struct bench_vq {
	unsigned int index;
	int kick;
	int call;
	uint16_t avail_idx;
	uint16_t used_idx;
	struct vring vring;
	struct bench_drv *drv;
};

struct bench_drv {
	int fd;
	void *area;		/* what is mapped, in which @mem lies */
	size_t mapped;
	unsigned char *mem;
	size_t size;
	size_t used;		/* of @mem, from its begin on */
	struct bench_vq vq[BENCH_VQS];
	unsigned int nvqs;
};

/* Its memory, then the device */
void bench_drv_memory(struct bench_drv *d, size_t size);
void bench_drv_open(struct bench_drv *d, const char *name);
void bench_drv_start(struct bench_drv *d, unsigned int nvqs, uint64_t features);
void bench_drv_close(struct bench_drv *d);
/* Memory of the driver's, and its address for the device */
void *bench_alloc(struct bench_drv *d, size_t len, uint64_t *addr);
void bench_desc(struct bench_vq *q, unsigned int i, uint64_t addr, uint32_t len,
		uint16_t flags);
/* Make a chain available; tell the device; wait for something to be used */
void bench_post(struct bench_vq *q, uint16_t head);
void bench_kick(struct bench_vq *q);
void bench_wait(struct bench_vq *q);
/* What was used next: false for nothing yet */
bool bench_reap(struct bench_vq *q, uint16_t *head, uint32_t *len);

/* Messages to vhost_vdpa; 0 or a positive errno */
int bench_batch(int fd, bool begin);

/* The benches: names as on the command line */
void bench_control(void);
void bench_memory(void);
void bench_parallel(void);
void bench_open(void);
void bench_map(void);
void bench_vhost_net(void);
void bench_vhost_blk(void);
void bench_virtio_net(void);
void bench_virtio_tcp(void);
void bench_virtio_blk(void);
void bench_testpmd(void);

#endif
