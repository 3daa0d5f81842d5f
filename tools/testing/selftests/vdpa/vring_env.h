/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio driver in user space, for the tests: simulated devices by way of
 * /dev/vhost-vdpa-N, with memory and virtqueues of our own. Functions return 0
 * or a positive errno unless said otherwise.
 */

#ifndef _VRING_ENV_H
#define _VRING_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost_env.h"

#define VR_BIT(nr)	(1ULL << (nr))

#define VR_NET_MODULE	"vdpa_sim_net"
#define VR_NET_MGMT	"vdpasim_net"
#define VR_BLK_MODULE	"vdpa_sim_blk"
#define VR_BLK_MGMT	"vdpasim_blk"

/* Where the device finds our memory: nowhere near our own addresses */
#define VR_IOVA		0x7f4000000000ULL

/* Longest chain, and longest indirect table */
#define VR_CHAIN_MAX	16U

/* Watchdog: what did not happen by then never will */
#define VR_PATIENCE_MS	20000

/* What a device needs anyway */
#define VR_FEATURES	(VR_BIT(VIRTIO_F_VERSION_1) | \
			 VR_BIT(VIRTIO_F_ACCESS_PLATFORM))

/* Modules: those of the classes and vhost_vdpa loaded, no device */
void vr_begin(void);
/* All gone; false: in use, or pages are pinned still. Says so on stderr. */
bool vr_end(void);
/* The simulator, and one class on top of it, each with parameters or NULL */
int vr_load(const char *sim_param, const char *module, const char *param);

/* @vqp: queue pairs, 0 for none of the device's business */
int vr_make(const char *mgmt, const char *name, uint16_t vqp);
/* Sum over all queues of a device, -1: no such counter */
long long vr_counter(const char *mgmt, const char *name, const char *counter);

/**
 * struct vr_dev - an open device
 * @fd: its file
 * @features: as negotiated
 * @mem: memory that it can reach at VR_IOVA, all of it shared
 * @size: of @mem, in bytes
 * @used: how much of it is taken
 */
struct vr_dev {
	int fd;
	uint64_t features;
	uint8_t *mem;
	size_t size;
	size_t used;
};

/* With memory of its own, or that of @share */
int vr_open(struct vr_dev *dev, const char *name, size_t size,
	    const struct vr_dev *share);
/* From reset to FEATURES_OK, with these features; EPROTO if declined */
int vr_negotiate(struct vr_dev *dev, uint64_t features);
int vr_run(struct vr_dev *dev);
uint8_t vr_get_status(const struct vr_dev *dev);
/* Waits for a bit of the status; false: it never came */
bool vr_wait_status(const struct vr_dev *dev, uint8_t bit);
void vr_close(struct vr_dev *dev);
/* A part of the memory, zeroed; ends the program if there is no more */
void *vr_alloc(struct vr_dev *dev, size_t size, size_t align);
uint64_t vr_iova(const struct vr_dev *dev, const void *at);

/**
 * struct vr_buf - one buffer
 * @at: where; in the memory of the device
 * @iova: where instead, if @at is NULL
 * @len: in bytes
 * @write: the device writes to it
 */
struct vr_buf {
	const void *at;
	uint64_t iova;
	uint32_t len;
	bool write;
};

struct vr_slot {
	void *token;
	uint16_t next;
	uint16_t slots;
	bool busy;
};

/**
 * struct vr_queue - the driver's side of a virtqueue
 * @dev: its device
 * @index: its number there
 * @num: size in descriptors
 * @packed: by the features of the device, as are the next two
 * @event_idx: kicks and calls by index
 * @indirect: chains may be in tables
 * @kick: eventfd
 * @call: eventfd
 * @desc: descriptor area
 * @driver: driver area
 * @device: device area
 * @tables: VR_CHAIN_MAX descriptors for each chain, if @indirect
 * @slot: chains by id, of which a split ring uses the first descriptor
 * @free: first free id
 * @nfree: free descriptors
 * @added: descriptors or chains not yet told of by a kick
 * @avail: next place to make available
 * @used: next place to be used
 * @avail_wrap: wrap counter of @avail
 * @used_wrap: wrap counter of @used
 * @kicks: how often the device was told
 */
struct vr_queue {
	struct vr_dev *dev;
	unsigned int index;
	unsigned int num;
	bool packed;
	bool event_idx;
	bool indirect;
	int kick;
	int call;
	void *desc;
	void *driver;
	void *device;
	void *tables;
	struct vr_slot *slot;
	uint16_t free;
	unsigned int nfree;
	unsigned int added;
	uint16_t avail;
	uint16_t used;
	bool avail_wrap;
	bool used_wrap;
	unsigned long kicks;
};

/* Memory and eventfds of a queue; to begin at @base if the ring is split */
void vr_queue_alloc(struct vr_queue *q, struct vr_dev *dev, unsigned int index,
		    unsigned int num, uint16_t base);
/* An empty queue again, at place 0, in the same memory */
void vr_queue_clear(struct vr_queue *q);
/* Tells a device of the queue, before it runs, and where it goes on */
int vr_queue_attach(struct vr_queue *q, struct vr_dev *dev, uint32_t base);
/* Where a new queue begins */
uint32_t vr_queue_base(const struct vr_queue *q);
void vr_queue_free(struct vr_queue *q);

/* A chain; ENOSPC if there is no room. @table: in an indirect table */
int vr_add(struct vr_queue *q, const struct vr_buf *bufs, unsigned int n,
	   bool table, void *token);
/* Tells the device, if it wants to know; or in any case */
void vr_kick(struct vr_queue *q);
void vr_kick_anyway(struct vr_queue *q);
/* A used chain: 1, 0 for none, -1 for one that was not available */
int vr_get(struct vr_queue *q, void **token, uint32_t *len);
/* Sleeps until something is used; false: the device never called */
bool vr_wait(struct vr_queue *q);

#endif
