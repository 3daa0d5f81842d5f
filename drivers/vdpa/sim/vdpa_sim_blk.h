/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulated vDPA devices of class block: what the parts share
 *
 * blk.c makes devices, blk_request.c serves their queues, and blk_store.c keeps
 * what was written.
 */
#ifndef _VDPA_SIM_BLK_H
#define _VDPA_SIM_BLK_H

#include <linux/blk_types.h>
#include <linux/kref.h>
#include <linux/xarray.h>

#include <uapi/linux/virtio_blk.h>
#include <uapi/linux/virtio_config.h>

#include "vdpa_sim.h"

#define VDPASIM_BLK_QUEUES_MAX	16

/* Limits of a request, as configuration space tells them */
#define VDPASIM_BLK_SIZE_MAX	SZ_1M
#define VDPASIM_BLK_SEG_MAX	126
#define VDPASIM_BLK_RANGES_MAX	32

/* &vdpasim_vq.counters */
enum {
	VDPASIM_BLK_REQUESTS,
	VDPASIM_BLK_ERRORS,
	VDPASIM_BLK_READ_BYTES,
	VDPASIM_BLK_WRITTEN_BYTES,
};

/**
 * struct vdpasim_blk_store - a disk
 * @ref: devices that use it
 * @capacity: in sectors; immutable
 * @pages: what was written, by page; what is not there reads as zeroes. A page
 *	is looked up under RCU, and referenced while it is used.
 */
struct vdpasim_blk_store {
	struct kref ref;
	u64 capacity;
	struct xarray pages;
};

/* blk_store.c */

struct vdpasim_blk_store *vdpasim_blk_store_alloc(u64 capacity);
void vdpasim_blk_store_put(struct vdpasim_blk_store *store);
int vdpasim_blk_store_read(struct vdpasim_blk_store *store, u64 sector,
			   struct vdpa_ring_iter *to, u32 len);
int vdpasim_blk_store_write(struct vdpasim_blk_store *store, u64 sector,
			    struct vdpa_ring_iter *from, u32 len);
void vdpasim_blk_store_zero(struct vdpasim_blk_store *store, u64 sector,
			    u32 sectors);

/* blk_request.c */

size_t vdpasim_blk_turn_size(void);
bool vdpasim_blk_serve(struct vdpasim_vq *vq, struct vdpasim_worker *worker);

#endif /* _VDPA_SIM_BLK_H */
