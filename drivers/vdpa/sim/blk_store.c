// SPDX-License-Identifier: GPL-2.0
/*
 * Storage of simulated devices of class block: pages that come with the first
 * write, and go when they are discarded
 *
 * Several queues and devices may use the same page at once. What they find in it
 * then is up to them, as on a real disk.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vdpa_sim_blk.h"

/* Memory must not be sought by writing to this very disk. */
#define VDPASIM_BLK_GFP		(GFP_NOIO | __GFP_HIGHMEM | __GFP_NOWARN)

/* An empty disk of so many sectors, or NULL */
struct vdpasim_blk_store *vdpasim_blk_store_alloc(u64 capacity)
{
	struct vdpasim_blk_store *store;

	store = kzalloc(sizeof(*store), GFP_KERNEL);
	if (!store)
		return NULL;
	kref_init(&store->ref);
	store->capacity = capacity;
	xa_init(&store->pages);
	return store;
}

static void vdpasim_blk_store_free(struct kref *ref)
{
	struct vdpasim_blk_store *store =
		container_of(ref, struct vdpasim_blk_store, ref);
	unsigned long index;
	struct page *page;

	xa_for_each(&store->pages, index, page) {
		put_page(page);
		cond_resched();
	}
	xa_destroy(&store->pages);
	kfree(store);
}

void vdpasim_blk_store_put(struct vdpasim_blk_store *store)
{
	kref_put(&store->ref, vdpasim_blk_store_free);
}

/* A page, with a reference; NULL if it was not written yet */
static struct page *vdpasim_blk_page_get(struct vdpasim_blk_store *store,
					 unsigned long index)
{
	struct page *page;

	rcu_read_lock();
	for (;;) {
		page = xa_load(&store->pages, index);
		if (!page)
			break;
		/* It may be discarded, and be somebody else's by now. */
		if (!get_page_unless_zero(page))
			continue;
		if (likely(page == xa_load(&store->pages, index)))
			break;
		put_page(page);
	}
	rcu_read_unlock();
	return page;
}

/**
 * vdpasim_blk_store_read - read from a disk
 * @store: the disk
 * @sector: where to begin; all that is read lies within the capacity
 * @to: place in the writable part of a chain; moves on by @len
 * @len: in bytes
 *
 * Context: as vdpa_ring_write().
 * Return: as vdpa_ring_write()
 */
int vdpasim_blk_store_read(struct vdpasim_blk_store *store, u64 sector,
			   struct vdpa_ring_iter *to, u32 len)
{
	u64 pos = sector << SECTOR_SHIFT;
	struct page *page;
	u32 piece;
	void *from;
	int err = 0;

	for (; len && !err; pos += piece, len -= piece) {
		piece = min_t(u32, len, PAGE_SIZE - offset_in_page(pos));
		page = vdpasim_blk_page_get(store, pos >> PAGE_SHIFT);
		if (!page) {
			err = vdpa_ring_zero(to, piece);
			continue;
		}
		from = kmap_local_page(page);
		err = vdpa_ring_write(to, from + offset_in_page(pos), piece);
		kunmap_local(from);
		put_page(page);
	}
	return err;
}

static int vdpasim_blk_page_fill(struct page *page, u32 offset,
				 struct vdpa_ring_iter *from, u32 len)
{
	void *to = kmap_local_page(page);
	int err;

	err = vdpa_ring_read(from, to + offset, len);
	kunmap_local(to);
	return err;
}

/*
 * Writes what is the first of a page. It is put into place complete, as nobody
 * may see what the memory held before.
 */
static int vdpasim_blk_page_create(struct vdpasim_blk_store *store,
				   unsigned long index, u32 offset,
				   struct vdpa_ring_iter *from, u32 len)
{
	gfp_t zero = len < PAGE_SIZE ? __GFP_ZERO : 0;
	struct page *page;
	void *other;
	int err;

	page = alloc_page(VDPASIM_BLK_GFP | zero);
	if (!page)
		return -ENOMEM;
	err = vdpasim_blk_page_fill(page, offset, from, len);
	if (err)
		goto err_put;
	other = xa_cmpxchg(&store->pages, index, NULL, page,
			   GFP_NOIO | __GFP_NOWARN);
	if (!other)
		return 0;
	err = xa_err(other) ?: -EEXIST;
err_put:
	put_page(page);
	return err;
}

static int vdpasim_blk_page_write(struct vdpasim_blk_store *store,
				  unsigned long index, u32 offset,
				  struct vdpa_ring_iter *from, u32 len)
{
	struct vdpa_ring_iter begin = *from;
	struct page *page;
	int err;

	do {
		*from = begin;
		page = vdpasim_blk_page_get(store, index);
		if (page) {
			err = vdpasim_blk_page_fill(page, offset, from, len);
			put_page(page);
		} else {
			err = vdpasim_blk_page_create(store, index, offset,
						      from, len);
		}
	} while (err == -EEXIST);
	return err;
}

/**
 * vdpasim_blk_store_write - write to a disk
 * @store: the disk
 * @sector: where to begin; all that is written lies within the capacity
 * @from: place in the readable part of a chain; moves on by @len
 * @len: in bytes
 *
 * Context: as vdpa_ring_read().
 * Return: as vdpa_ring_read(), or -ENOMEM with the ring whole
 */
int vdpasim_blk_store_write(struct vdpasim_blk_store *store, u64 sector,
			    struct vdpa_ring_iter *from, u32 len)
{
	u64 pos = sector << SECTOR_SHIFT;
	u32 piece;
	int err = 0;

	for (; len && !err; pos += piece, len -= piece) {
		piece = min_t(u32, len, PAGE_SIZE - offset_in_page(pos));
		err = vdpasim_blk_page_write(store, pos >> PAGE_SHIFT,
					     offset_in_page(pos), from, piece);
	}
	return err;
}

static void vdpasim_blk_page_zero(struct vdpasim_blk_store *store,
				  unsigned long index, u32 offset, u32 len)
{
	struct page *page;

	if (len == PAGE_SIZE) {
		page = xa_erase(&store->pages, index);
	} else {
		page = vdpasim_blk_page_get(store, index);
		if (page)
			memzero_page(page, offset, len);
	}
	if (page)
		put_page(page);
}

/**
 * vdpasim_blk_store_zero - have a part of a disk read as zeroes
 * @store: the disk
 * @sector: where to begin; all of it lies within the capacity
 * @sectors: how many
 *
 * Gives back the memory of whole pages.
 *
 * Context: process, may sleep.
 */
void vdpasim_blk_store_zero(struct vdpasim_blk_store *store, u64 sector,
			    u32 sectors)
{
	u64 pos = sector << SECTOR_SHIFT;
	u64 end = pos + ((u64)sectors << SECTOR_SHIFT);
	unsigned long index;
	u32 piece;

	while (pos < end) {
		/* Over long stretches there may be nothing. */
		index = pos >> PAGE_SHIFT;
		if (!xa_find(&store->pages, &index, (end - 1) >> PAGE_SHIFT,
			     XA_PRESENT))
			break;
		pos = max(pos, (u64)index << PAGE_SHIFT);
		piece = min_t(u64, end - pos, PAGE_SIZE - offset_in_page(pos));
		vdpasim_blk_page_zero(store, index, offset_in_page(pos), piece);
		pos += piece;
		cond_resched();
	}
}
