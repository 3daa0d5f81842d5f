// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that chains describe: translation of addresses, and copies
 */
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/sched.h>
#include <linux/uio.h>
#include <linux/vhost_iotlb.h>

#include "ring_internal.h"

/**
 * vdpa_ring_phys_check - tell whether there is memory at a physical address
 * @slot: the translation that it comes from
 * @phys: the address
 * @len: in bytes, not 0, and not much as this goes piece by piece
 *
 * Whoever fills an iotlb may have put there what has no &struct page, as
 * registers of a device. To be asked unless vdpa_ring_phys_known().
 *
 * Context: the map is stable.
 * Return: whether it may be accessed.
 */
bool vdpa_ring_phys_check(struct vdpa_ring_tlb *slot, u64 phys, u32 len)
{
	u64 pfn = phys >> PAGE_SHIFT;
	u64 last = (phys + len - 1) >> PAGE_SHIFT;
	u64 piece = pfn >> VDPA_RING_PIECE_SHIFT;
	u64 last_piece = last >> VDPA_RING_PIECE_SHIFT;

	if (last < pfn || last > ULONG_MAX || !pfn_valid(pfn))
		return false;
	while (piece++ < last_piece)
		if (!pfn_valid(piece << VDPA_RING_PIECE_SHIFT))
			return false;
	slot->good = last_piece;
	return true;
}

void vdpa_ring_tlb_flush(struct vdpa_ring *ring)
{
	memset(ring->tlb, 0, sizeof(ring->tlb));
	ring->mru = 0;
	ring->victim = 0;
}

/*
 * Memory in many fragments is gone through in their order, which is mostly that
 * of the list: the next one need not be searched for.
 */
static struct vhost_iotlb_map *
vdpa_ring_tlb_next(struct vdpa_ring *ring, const struct vdpa_ring_tlb *slot,
		   u64 iova)
{
	struct vhost_iotlb_map *next;

	if (!slot->perm || list_is_last(&slot->entry->link,
					&ring->map->iotlb->list))
		return NULL;
	next = list_next_entry(slot->entry, link);
	return iova >= next->start && iova <= next->last ? next : NULL;
}

static void vdpa_ring_tlb_put(struct vdpa_ring_tlb *slot,
			      struct vhost_iotlb_map *entry, u64 good)
{
	slot->start = entry->start;
	slot->span = entry->last - entry->start;
	slot->addr = entry->addr;
	slot->good = good;
	slot->entry = entry;
	slot->perm = entry->perm;
}

/*
 * Finds a translation in any slot, or puts it into one; NULL if there is none.
 * What is gone through takes one slot, so that others stay.
 */
struct vdpa_ring_tlb *vdpa_ring_tlb_fill(struct vdpa_ring *ring, u64 iova,
					 u32 perm)
{
	struct vdpa_ring_tlb *slot = &ring->tlb[ring->mru];
	u64 good = slot->perm ? slot->good : U64_MAX;
	struct vhost_iotlb_map *entry;
	unsigned int i;

	entry = vdpa_ring_tlb_next(ring, slot, iova);
	if (entry && entry->perm & perm) {
		vdpa_ring_tlb_put(slot, entry, good);
		return slot;
	}
	for (i = 0; i < VDPA_RING_TLB_SLOTS; i++) {
		slot = &ring->tlb[i];
		if (iova - slot->start <= slot->span && slot->perm & perm) {
			ring->mru = i;
			return slot;
		}
	}

	entry = vhost_iotlb_itree_first(ring->map->iotlb, iova, iova);
	if (!entry || !(entry->perm & perm))
		return NULL;
	ring->mru = ring->victim;
	ring->victim = (ring->victim + 1) % VDPA_RING_TLB_SLOTS;
	slot = &ring->tlb[ring->mru];
	vdpa_ring_tlb_put(slot, entry, good);
	return slot;
}

/* Highmem is mapped a page at a time; anything else is mapped anyway. */
static __always_inline void *vdpa_ring_map_phys(u64 phys, u32 *len)
{
	if (IS_ENABLED(CONFIG_HIGHMEM))
		*len = min_t(u32, *len, PAGE_SIZE - offset_in_page(phys));
	return kmap_local_page(pfn_to_page(phys >> PAGE_SHIFT)) +
	       offset_in_page(phys);
}

/* Pages, which is what there is most of, have a faster way. */
static __always_inline void vdpa_ring_memcpy(void *to, const void *from,
					     u32 len)
{
	if (!PAGE_ALIGNED((unsigned long)to | (unsigned long)from | len)) {
		memcpy(to, from, len);
		return;
	}
	for (; len; len -= PAGE_SIZE, to += PAGE_SIZE, from += PAGE_SIZE)
		copy_page(to, (void *)from);
}

static __always_inline void __user *vdpa_ring_user(u64 addr)
{
	return (void __user *)(unsigned long)addr;
}

/* What each function of the data path starts with. */
static __always_inline int vdpa_ring_iter_check(struct vdpa_ring_iter *iter,
						u32 len)
{
	struct vdpa_ring *ring = iter->ring;

	if (unlikely(ring->error))
		return -ESHUTDOWN;
	if (unlikely(len > iter->left))
		return -EMSGSIZE;
	if (unlikely(ring->gen != READ_ONCE(ring->map->gen))) {
		vdpa_ring_tlb_flush(ring);
		ring->gen = READ_ONCE(ring->map->gen);
	}
	return 0;
}

/* The piece of at most *@len bytes, not 0, at the place of @iter */
static __always_inline int vdpa_ring_iter_piece(struct vdpa_ring_iter *iter,
						u32 *len, u32 perm, u64 *addr)
{
	while (iter->off == iter->seg->len) {
		iter->seg++;
		iter->off = 0;
	}
	*len = min(*len, iter->seg->len - iter->off);
	return vdpa_ring_translate(iter->ring, iter->seg->addr + iter->off, len,
				   perm, addr);
}

static __always_inline void vdpa_ring_iter_advance(struct vdpa_ring_iter *iter,
						   u32 len)
{
	iter->off += len;
	iter->left -= len;
	if (unlikely(len >= VDPA_RING_PIECE_MAX / 2))
		cond_resched();
}

static int vdpa_ring_user_fault(struct vdpa_ring *ring)
{
	return vdpa_ring_break(ring, -EFAULT, "buffer is not in user memory");
}

static noinline int vdpa_ring_read_user(struct vdpa_ring *ring, void *to,
					u64 from, u32 len)
{
	if (from > ULONG_MAX || copy_from_user(to, vdpa_ring_user(from), len))
		return vdpa_ring_user_fault(ring);
	return 0;
}

static noinline int vdpa_ring_write_user(struct vdpa_ring *ring, u64 to,
					 const void *from, u32 len)
{
	if (to > ULONG_MAX || copy_to_user(vdpa_ring_user(to), from, len))
		return vdpa_ring_user_fault(ring);
	return 0;
}

/**
 * vdpa_ring_read - read from a chain
 * @iter: place in the readable part; moves on by @len
 * @buf: where to
 * @len: in bytes
 *
 * Context: process, may sleep; the map is stable, its mm is the current one.
 * Return: 0; -EMSGSIZE if the chain has less than @len bytes left, with nothing
 * done; or a negative errno and a broken ring, see vdpa_ring_error().
 */
int vdpa_ring_read(struct vdpa_ring_iter *iter, void *buf, u32 len)
{
	u32 piece;
	void *from;
	u64 addr;
	int err;

	err = vdpa_ring_iter_check(iter, len);
	for (; !err && len; len -= piece, buf += piece) {
		piece = len;
		err = vdpa_ring_iter_piece(iter, &piece, VHOST_MAP_RO, &addr);
		if (unlikely(err))
			break;
		if (iter->ring->user) {
			err = vdpa_ring_read_user(iter->ring, buf, addr, piece);
		} else {
			from = vdpa_ring_map_phys(addr, &piece);
			vdpa_ring_memcpy(buf, from, piece);
			kunmap_local(from);
		}
		vdpa_ring_iter_advance(iter, piece);
	}
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_ring_read);

/**
 * vdpa_ring_write - write to a chain
 * @iter: place in the writable part; moves on by @len
 * @buf: where from
 * @len: in bytes
 *
 * Does not touch &vdpa_ring_chain.written.
 *
 * Context: process, may sleep; the map is stable, its mm is the current one.
 * Return: 0; -EMSGSIZE if the chain has less than @len bytes left, with nothing
 * done; or a negative errno and a broken ring, see vdpa_ring_error().
 */
int vdpa_ring_write(struct vdpa_ring_iter *iter, const void *buf, u32 len)
{
	u32 piece;
	u64 addr;
	void *to;
	int err;

	err = vdpa_ring_iter_check(iter, len);
	for (; !err && len; len -= piece, buf += piece) {
		piece = len;
		err = vdpa_ring_iter_piece(iter, &piece, VHOST_MAP_WO, &addr);
		if (unlikely(err))
			break;
		if (iter->ring->user) {
			err = vdpa_ring_write_user(iter->ring, addr, buf, piece);
		} else {
			to = vdpa_ring_map_phys(addr, &piece);
			vdpa_ring_memcpy(to, buf, piece);
			kunmap_local(to);
		}
		vdpa_ring_iter_advance(iter, piece);
	}
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_ring_write);

/**
 * vdpa_ring_zero - write zeroes to a chain
 * @iter: place in the writable part; moves on by @len
 * @len: in bytes
 *
 * Context: process, may sleep; the map is stable, its mm is the current one.
 * Return: as vdpa_ring_write()
 */
int vdpa_ring_zero(struct vdpa_ring_iter *iter, u32 len)
{
	u32 piece;
	u64 addr;
	void *to;
	int err;

	err = vdpa_ring_iter_check(iter, len);
	for (; !err && len; len -= piece) {
		piece = len;
		err = vdpa_ring_iter_piece(iter, &piece, VHOST_MAP_WO, &addr);
		if (unlikely(err))
			break;
		if (!iter->ring->user) {
			to = vdpa_ring_map_phys(addr, &piece);
			memset(to, 0, piece);
			kunmap_local(to);
		} else if (addr > ULONG_MAX ||
			   clear_user(vdpa_ring_user(addr), piece)) {
			err = vdpa_ring_user_fault(iter->ring);
		}
		vdpa_ring_iter_advance(iter, piece);
	}
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_ring_zero);

/**
 * vdpa_ring_skip - pass over a part of a chain
 * @iter: place in the chain; moves on by @len
 * @len: in bytes
 *
 * Context: any.
 * Return: 0; -EMSGSIZE if the chain has less than @len bytes left, with nothing
 * done.
 */
int vdpa_ring_skip(struct vdpa_ring_iter *iter, u32 len)
{
	u32 piece;

	if (len > iter->left)
		return -EMSGSIZE;
	iter->left -= len;
	while (len) {
		piece = min(len, iter->seg->len - iter->off);
		iter->off += piece;
		len -= piece;
		if (len) {
			iter->seg++;
			iter->off = 0;
		}
	}
	return 0;
}
EXPORT_SYMBOL_GPL(vdpa_ring_skip);

/*
 * From user to kernel memory. The pages are not ours: they can be of any slab
 * cache, which copy_from_user() would take exception to.
 */
static int vdpa_ring_copy_in(struct vdpa_ring_iter *from, u64 src, u64 dst,
			     u32 *len)
{
	void *to = vdpa_ring_map_phys(dst, len);
	struct iov_iter iov;
	size_t done = 0;

	if (src <= ULONG_MAX &&
	    !import_ubuf(ITER_SOURCE, vdpa_ring_user(src), *len, &iov))
		done = _copy_from_iter(to, *len, &iov);
	kunmap_local(to);
	return done == *len ? 0 : vdpa_ring_user_fault(from->ring);
}

/* From kernel to user memory */
static int vdpa_ring_copy_out(struct vdpa_ring_iter *to, u64 dst, u64 src,
			      u32 *len)
{
	void *from = vdpa_ring_map_phys(src, len);
	struct iov_iter iov;
	size_t done = 0;

	if (dst <= ULONG_MAX &&
	    !import_ubuf(ITER_DEST, vdpa_ring_user(dst), *len, &iov))
		done = _copy_to_iter(from, *len, &iov);
	kunmap_local(from);
	return done == *len ? 0 : vdpa_ring_user_fault(to->ring);
}

/* From user to user memory there is no straight way. */
static int vdpa_ring_copy_user(struct vdpa_ring_iter *to, u64 dst,
			       struct vdpa_ring_iter *from, u64 src, u32 *len)
{
	void *bounce = to->ring->bounce;

	*len = min_t(u32, *len, PAGE_SIZE);
	return vdpa_ring_read_user(from->ring, bounce, src, *len) ?:
	       vdpa_ring_write_user(to->ring, dst, bounce, *len);
}

/* If the two overlap the driver gets what it asked for: anything. */
static __always_inline void vdpa_ring_copy_phys(u64 dst, u64 src, u32 *len)
{
	void *to, *from;

	from = vdpa_ring_map_phys(src, len);
	to = vdpa_ring_map_phys(dst, len);
	memcpy(to, from, *len);
	kunmap_local(to);
	kunmap_local(from);
}

/**
 * vdpa_ring_copy - copy from one chain straight to another
 * @to: place in the writable part of one chain; moves on by @len
 * @from: place in the readable part of the other; moves on by @len
 * @len: in bytes
 *
 * The chains can be of different rings and different address spaces. If both
 * of these are of user addresses, they must be of the same mm.
 *
 * Context: process, may sleep; both maps are stable, the mm is the current one.
 * Return: 0; -EMSGSIZE if either chain has less than @len bytes left, with
 * nothing done; or a negative errno and a broken ring: vdpa_ring_error() tells
 * which of the two.
 */
int vdpa_ring_copy(struct vdpa_ring_iter *to, struct vdpa_ring_iter *from,
		   u32 len)
{
	u64 src, dst;
	u32 piece;
	int err;

	err = vdpa_ring_iter_check(to, len) ?: vdpa_ring_iter_check(from, len);
	for (; !err && len; len -= piece) {
		piece = len;
		err = vdpa_ring_iter_piece(from, &piece, VHOST_MAP_RO, &src) ?:
		      vdpa_ring_iter_piece(to, &piece, VHOST_MAP_WO, &dst);
		if (unlikely(err))
			break;
		if (!to->ring->user && !from->ring->user)
			vdpa_ring_copy_phys(dst, src, &piece);
		else if (!to->ring->user)
			err = vdpa_ring_copy_in(from, src, dst, &piece);
		else if (!from->ring->user)
			err = vdpa_ring_copy_out(to, dst, src, &piece);
		else
			err = vdpa_ring_copy_user(to, dst, from, src, &piece);
		vdpa_ring_iter_advance(to, piece);
		vdpa_ring_iter_advance(from, piece);
	}
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_ring_copy);

/**
 * vdpa_ring_table_begin - prepare to read an indirect table
 * @ring: the ring
 * @table: what vdpa_ring_table_get() will need
 * @desc: descriptor that refers to the table
 *
 * Context: process, may sleep; the map is stable, its mm is the current one.
 * Return: 0, or a negative errno and a broken ring.
 */
int vdpa_ring_table_begin(struct vdpa_ring *ring,
			  struct vdpa_ring_table *table,
			  const struct vdpa_ring_desc *desc)
{
	u64 addr;
	int err;

	if (!ring->indirect)
		return vdpa_ring_break(ring, -EINVAL,
				       "indirect descriptor without the feature");
	if (desc->flags & VRING_DESC_F_NEXT)
		return vdpa_ring_break(ring, -EINVAL,
				       "indirect descriptor is not the last");
	if (!desc->len || desc->len % VDPA_RING_DESC_SIZE)
		return vdpa_ring_break(ring, -EINVAL,
				       "indirect table has an odd size");
	if (desc->addr + (desc->len - 1) < desc->addr)
		return vdpa_ring_break(ring, -EINVAL,
				       "indirect table goes beyond the last address");

	table->iova = desc->addr;
	table->num = desc->len / VDPA_RING_DESC_SIZE;
	table->run = desc->len;
	err = vdpa_ring_translate(ring, table->iova, &table->run, VHOST_MAP_RO,
				  &addr);
	if (err)
		return err;
	if (IS_ENABLED(CONFIG_HIGHMEM) || addr % sizeof(u64) ||
	    (ring->user && addr > ULONG_MAX))
		table->run = 0;
	else if (ring->user)
		table->host = addr;
	else
		table->host = (unsigned long)page_address(pfn_to_page(addr >> PAGE_SHIFT)) +
			      offset_in_page(addr);
	return 0;
}

/*
 * An entry that is not aligned, or lies across two pieces of memory. The
 * barrier has the compiler stay with what was read.
 */
int vdpa_ring_table_slow(struct vdpa_ring *ring,
			 const struct vdpa_ring_table *table, u32 i,
			 __le64 words[2])
{
	struct vdpa_ring_seg seg = {
		.addr = table->iova + (u64)i * VDPA_RING_DESC_SIZE,
		.len = VDPA_RING_DESC_SIZE,
	};
	struct vdpa_ring_iter iter = {
		.ring = ring,
		.seg = &seg,
		.left = VDPA_RING_DESC_SIZE,
	};
	int err;

	err = vdpa_ring_read(&iter, words, VDPA_RING_DESC_SIZE);
	barrier();
	return err;
}
