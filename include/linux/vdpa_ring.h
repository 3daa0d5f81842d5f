/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device side of a virtqueue, for vDPA devices that are software
 *
 * A device takes chains of descriptors that the driver made available, reads
 * and writes the memory they describe, and completes them:
 *
 *	n = vdpa_ring_take(ring, chains, ARRAY_SIZE(chains));
 *	for (i = 0; i < n; i++)
 *		serve(ring, &chains[i]);
 *	err = vdpa_ring_complete(ring, chains, n);
 *	if (vdpa_ring_need_notify(ring))
 *		call the driver back;
 *
 * Split and packed virtqueues (virtio 1.2, 2.7 and 2.8) look the same from
 * here. Whatever the driver wrote is read once and checked. A ring that the
 * driver broke stays broken and does nothing more: see vdpa_ring_error().
 *
 * Documentation/driver-api/vdpa.rst has more about it.
 */
#ifndef _LINUX_VDPA_RING_H
#define _LINUX_VDPA_RING_H

#include <linux/types.h>
#include <linux/vdpa.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#define VDPA_RING_NUM_MAX	32768
#define VDPA_RING_TLB_SLOTS	8

/* Features that concern the ring itself, all of which this serves */
#define VDPA_RING_FEATURES	(BIT_ULL(VIRTIO_F_VERSION_1) |		\
				 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) |	\
				 BIT_ULL(VIRTIO_F_RING_PACKED) |	\
				 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |	\
				 BIT_ULL(VIRTIO_RING_F_EVENT_IDX))

/**
 * struct vdpa_ring_map - an address space, as the rings in it see it
 * @iotlb: from I/O virtual to host addresses. Entries need not be aligned.
 * @user: host addresses are user addresses of the mm of the current task, which
 *	a worker gets by kthread_use_mm(); else they are physical addresses
 * @gen: changes with each change of @iotlb, see vdpa_ring_map_changed()
 *
 * Belongs to the owner of the rings. It keeps changes of @iotlb, and the end of
 * the memory that entries lead to, apart from the functions that say "Context:
 * the map is stable", by a lock of its own around a whole batch.
 */
struct vdpa_ring_map {
	struct vhost_iotlb *iotlb;
	bool user;
	u32 gen;
};

/**
 * vdpa_ring_map_changed - have rings look at an address space afresh
 * @map: the address space, whose iotlb was changed or replaced
 *
 * Context: the lock that keeps @map stable, held for writing.
 */
static inline void vdpa_ring_map_changed(struct vdpa_ring_map *map)
{
	WRITE_ONCE(map->gen, map->gen + 1);
}

/**
 * struct vdpa_ring_seg - a piece of a chain: one descriptor
 * @addr: I/O virtual address; @addr + @len does not overflow
 * @len: in bytes; may be 0
 */
struct vdpa_ring_seg {
	u64 addr;
	u32 len;
};

/**
 * struct vdpa_ring_chain - what the driver made available: one request
 * @segs: its pieces: @out_num that the device reads, then @in_num that it writes
 * @out_len: bytes that the device can read
 * @in_len: bytes that the device can write
 * @written: bytes that the device wrote, counted from the beginning of the
 *	writable part. 0 at first; to be set before the chain is completed.
 * @out_num: number of pieces for reading
 * @in_num: number of pieces for writing
 * @id: what the driver calls it; private to the library
 * @slots: places it takes in the ring; private to the library
 *
 * May be copied and moved about freely.
 */
struct vdpa_ring_chain {
	const struct vdpa_ring_seg *segs;
	u32 out_len;
	u32 in_len;
	u32 written;
	u16 out_num;
	u16 in_num;
	u16 id;
	u16 slots;
};

/**
 * struct vdpa_ring_config - how to set a ring up
 * @features: virtio features that the driver accepted. Without
 *	VIRTIO_F_VERSION_1 a ring is refused: everything in it is little-endian.
 * @desc: I/O virtual address of the descriptor area
 * @driver: I/O virtual address of the driver area
 * @device: I/O virtual address of the device area
 * @num: size in descriptors; a power of 2 if split
 * @max_segs: longest chain that is accepted, in descriptors, those of indirect
 *	tables included, up to 65535; 0 for the larger of @num and 128. A batch
 *	of chains has no more than these together either.
 * @state: where the ring goes on; for a new one all 0 if split, and both wrap
 *	counters 1 if packed, see vdpa_ring_state_init().
 *	Packed with the whole ring in flight is taken for nothing in flight.
 * @map: address space of buffers and indirect tables
 * @ring_map: address space of the three areas; NULL if it is @map
 */
struct vdpa_ring_config {
	u64 features;
	u64 desc;
	u64 driver;
	u64 device;
	u32 num;
	u32 max_segs;
	struct vdpa_vq_state state;
	const struct vdpa_ring_map *map;
	const struct vdpa_ring_map *ring_map;
};

/* The rest of these two is private to the library. */

/**
 * struct vdpa_ring_area - one of the three parts of a ring, ready for access
 * @iova: where the driver says it is
 * @host: where it is: a kernel or a user address
 * @alias: vmap() of it, if its pages are not neighbours
 * @perm: access as in &vhost_iotlb_map.perm
 */
struct vdpa_ring_area {
	u64 iova;
	unsigned long host;
	void *alias;
	u32 perm;
};

/**
 * struct vdpa_ring_tlb - a translation as last looked up
 * @start: first I/O virtual address
 * @span: bytes less one; @start + @span does not overflow
 * @addr: host address of @start
 * @good: number of the piece of physical memory last seen to exist
 * @entry: where it was looked up; there until the map changes
 * @perm: access as in &vhost_iotlb_map.perm; 0 in a slot that is empty
 */
struct vdpa_ring_tlb {
	u64 start;
	u64 span;
	u64 addr;
	u64 good;
	struct vhost_iotlb_map *entry;
	u32 perm;
};

/**
 * struct vdpa_ring - the device side of a virtqueue
 * @user: as in @map
 * @packed: packed virtqueue
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_RING_F_INDIRECT_DESC was negotiated
 * @kicks: what the driver was last told about kicks; kept in a packed ring and
 *	in a split one
 * @avail_wrap: wrap counter that goes with @avail
 * @used_wrap: wrap counter that goes with @used
 * @started: @used was read from memory, where need be
 * @num: size in descriptors
 * @avail: next entry of the available ring, or descriptor, to be taken
 * @avail_seen: where the available ring ended when last looked at
 * @used: next entry of the used ring, or descriptor, to be written
 * @slots: places in the ring that chains taken and not completed have
 * @chains: how many these chains are
 * @unsignalled: places in the ring used since the last decision to notify, but
 *	no more than @num + 1
 * @signalled: a decision was made since the ring was set up
 * @gen: generation of @map that @tlb is of
 * @ring_gen: generation of @ring_map that @desc, @driver and @device are of
 * @desc: descriptor area
 * @driver: driver area
 * @device: device area
 * @segs: room for the pieces of chains
 * @segs_num: how many fit there
 * @segs_used: how many are there; 0 again once @chains is
 * @mru: slot of @tlb that was last of use
 * @victim: slot of @tlb to be used next
 * @tlb: translations
 * @map: address space of buffers and indirect tables
 * @ring_map: address space of the areas
 * @bounce: a page for copies from user to user memory, or NULL
 * @error: what broke the ring, NULL as long as it is whole
 *
 * Everything in here belongs to one worker at a time.
 */
struct vdpa_ring {
	bool user;
	bool packed;
	bool event_idx;
	bool indirect;
	u8 kicks;
	bool avail_wrap;
	bool used_wrap;
	bool started;
	u32 num;
	u16 avail;
	u16 avail_seen;
	u16 used;
	u16 slots;
	u16 chains;
	bool signalled;
	u32 unsignalled;
	u32 gen;
	u32 ring_gen;
	struct vdpa_ring_area desc;
	struct vdpa_ring_area driver;
	struct vdpa_ring_area device;
	struct vdpa_ring_seg *segs;
	u32 segs_num;
	u32 segs_used;
	u8 mru;
	u8 victim;
	struct vdpa_ring_tlb tlb[VDPA_RING_TLB_SLOTS];
	const struct vdpa_ring_map *map;
	const struct vdpa_ring_map *ring_map;
	void *bounce;
	const char *error;
};

/* ring.c */

void vdpa_ring_state_init(struct vdpa_vq_state *state, u64 features);
int vdpa_ring_init(struct vdpa_ring *ring, const struct vdpa_ring_config *config);
void vdpa_ring_release(struct vdpa_ring *ring);
int vdpa_ring_get_state(const struct vdpa_ring *ring,
			struct vdpa_vq_state *state);
int vdpa_ring_break(struct vdpa_ring *ring, int err, const char *reason);
int vdpa_ring_take(struct vdpa_ring *ring, struct vdpa_ring_chain *chains,
		   unsigned int max);
void vdpa_ring_untake(struct vdpa_ring *ring,
		      const struct vdpa_ring_chain *chains, unsigned int n);
int vdpa_ring_complete(struct vdpa_ring *ring,
		       const struct vdpa_ring_chain *chains, unsigned int n);
bool vdpa_ring_need_notify(struct vdpa_ring *ring);
bool vdpa_ring_enable_kicks(struct vdpa_ring *ring);
void vdpa_ring_disable_kicks(struct vdpa_ring *ring);

/**
 * vdpa_ring_error - tell what broke a ring
 * @ring: the ring
 *
 * The function that finds the fault returns its errno: -EINVAL for what the
 * driver must not do, -EFAULT for memory that it may not use so, or -ENOMEM. Any
 * later one returns -ESHUTDOWN, so that the owner learns of it once; it then
 * sets DEVICE_NEEDS_RESET in the status of the device. Only
 * vdpa_ring_release() and vdpa_ring_init() make the ring whole.
 *
 * Context: any.
 * Return: a phrase for the log that stays valid while the module is loaded, or
 * NULL if the ring is whole.
 */
static inline const char *vdpa_ring_error(const struct vdpa_ring *ring)
{
	return READ_ONCE(ring->error);
}

/* access.c */

/**
 * struct vdpa_ring_iter - a place in the readable or writable part of a chain
 * @ring: ring of the chain
 * @seg: the piece it is in
 * @off: how far into @seg, in bytes
 * @left: bytes from here to the end of the part
 * @perm: access that it needs, as in &vhost_iotlb_map.perm
 *
 * Valid until the chain is completed or given back. A copy of it marks a place
 * to return to.
 */
struct vdpa_ring_iter {
	struct vdpa_ring *ring;
	const struct vdpa_ring_seg *seg;
	u32 off;
	u32 left;
	u32 perm;
};

/**
 * vdpa_ring_reader - go to the beginning of what a chain gives to read
 * @iter: set to there
 * @ring: ring of the chain
 * @chain: the chain
 *
 * Context: any.
 */
static inline void vdpa_ring_reader(struct vdpa_ring_iter *iter,
				    struct vdpa_ring *ring,
				    const struct vdpa_ring_chain *chain)
{
	iter->ring = ring;
	iter->seg = chain->segs;
	iter->off = 0;
	iter->left = chain->out_len;
	iter->perm = VHOST_MAP_RO;
}

/**
 * vdpa_ring_writer - go to the beginning of what a chain gives to write
 * @iter: set to there
 * @ring: ring of the chain
 * @chain: the chain
 *
 * Context: any.
 */
static inline void vdpa_ring_writer(struct vdpa_ring_iter *iter,
				    struct vdpa_ring *ring,
				    const struct vdpa_ring_chain *chain)
{
	iter->ring = ring;
	iter->seg = chain->segs + chain->out_num;
	iter->off = 0;
	iter->left = chain->in_len;
	iter->perm = VHOST_MAP_WO;
}

int vdpa_ring_read(struct vdpa_ring_iter *iter, void *buf, u32 len);
int vdpa_ring_write(struct vdpa_ring_iter *iter, const void *buf, u32 len);
int vdpa_ring_zero(struct vdpa_ring_iter *iter, u32 len);
int vdpa_ring_copy(struct vdpa_ring_iter *to, struct vdpa_ring_iter *from,
		   u32 len);
int vdpa_ring_skip(struct vdpa_ring_iter *iter, u32 len);

#endif /* _LINUX_VDPA_RING_H */
