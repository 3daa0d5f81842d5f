// SPDX-License-Identifier: GPL-2.0
/*
 * Storage of simulated devices of class block: pages that come with the first
 * write, and go when they are discarded
 *
 * Several queues and devices may use the same page at once. What they find in it
 * then is up to them, as on a real disk.
 */
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vdpa_sim_blk.h"

/* Memory must not be sought by writing to this very disk. */
#define VDPASIM_BLK_GFP		(GFP_NOIO | __GFP_HIGHMEM | __GFP_NOWARN)

/* Pages looked up together, and most that are allocated together */
#define VDPASIM_BLK_BATCH	32U
#define VDPASIM_BLK_ORDER	4U

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

/*
 * What was discarded may still be in use by those who look at it under RCU, or
 * have a reference.
 */
static void vdpasim_blk_page_put_rcu(struct rcu_head *rcu)
{
	put_page(container_of(rcu, struct page, rcu_head));
}

static void vdpasim_blk_page_discard(struct page *page)
{
	call_rcu(&page->rcu_head, vdpasim_blk_page_put_rcu);
}

/*
 * A page with a reference, NULL if it was not written yet. It may be discarded
 * meanwhile, and be somebody else's by now.
 */
static struct page *vdpasim_blk_page_get(struct vdpasim_blk_store *store,
					 unsigned long index)
{
	struct page *page;

	rcu_read_lock();
	page = xa_load(&store->pages, index);
	/* until the grace period is over it has the disk's own reference */
	if (page)
		get_page(page);
	rcu_read_unlock();
	return page;
}

/**
 * struct vdpasim_blk_pages - pages in a row
 * @n: how many
 * @held: each has a reference; else they are there as long as the caller is on
 *	the RCU read side
 * @page: them; NULL for what was not written yet
 */
struct vdpasim_blk_pages {
	unsigned int n;
	bool held;
	struct page *page[VDPASIM_BLK_BATCH];
};

/* What of @len bytes at @pos lies in the pages of a batch */
static u32 vdpasim_blk_batch(u64 pos, u32 len)
{
	return min_t(u64, len, VDPASIM_BLK_BATCH * PAGE_SIZE -
			       offset_in_page(pos));
}

/*
 * To look up one after the other is less work than each for itself, and the less
 * without references.
 */
static void vdpasim_blk_pages_get(struct vdpasim_blk_store *store, u64 pos,
				  u32 len, bool hold,
				  struct vdpasim_blk_pages *pages)
{
	XA_STATE(xas, &store->pages, pos >> PAGE_SHIFT);
	struct page *page;
	unsigned int i;

	pages->n = DIV_ROUND_UP(offset_in_page(pos) + len, PAGE_SIZE);
	pages->held = hold;
	rcu_read_lock();
	for (i = 0; i < pages->n; i++) {
		page = xas_next(&xas);
		while (xas_retry(&xas, page))
			page = xas_load(&xas);
		if (page && hold)
			get_page(page);
		pages->page[i] = page;
	}
	rcu_read_unlock();
}

static void vdpasim_blk_pages_put(struct vdpasim_blk_pages *pages)
{
	unsigned int i;

	for (i = 0; pages->held && i < pages->n; i++)
		if (pages->page[i])
			put_page(pages->page[i]);
}

/*
 * How many of the pages from the @i'th on, at least one, can be copied at once, as
 * they are neighbours in memory or were all not written yet
 */
static unsigned int vdpasim_blk_run(const struct vdpasim_blk_pages *pages,
				    unsigned int i)
{
	struct page *const *first = &pages->page[i];
	unsigned int n = pages->n - i, run;

	if (IS_ENABLED(CONFIG_HIGHMEM))
		return 1;
	for (run = 1; run < n; run++)
		if (*first ? !first[run] || page_to_pfn(first[run]) !=
					    page_to_pfn(*first) + run :
			     !!first[run])
			break;
	return run;
}

/* @page: first of a run; NULL if it was not written yet */
static int vdpasim_blk_run_read(struct page *page, u32 offset,
				struct vdpa_ring_iter *to, u32 len)
{
	void *from;
	int err;

	if (!page)
		return vdpa_ring_zero(to, len);
	from = kmap_local_page(page);
	err = vdpa_ring_write(to, from + offset, len);
	kunmap_local(from);
	return err;
}

static int vdpasim_blk_read_batch(struct vdpasim_blk_store *store, u64 pos,
				  struct vdpa_ring_iter *to, u32 len)
{
	struct vdpasim_blk_pages pages;
	unsigned int i, run;
	int err = 0;
	u32 piece;

	vdpasim_blk_pages_get(store, pos, len, to->ring->user, &pages);
	for (i = 0; i < pages.n && !err; i += run) {
		run = vdpasim_blk_run(&pages, i);
		piece = min_t(u32, len, run * PAGE_SIZE - offset_in_page(pos));
		err = vdpasim_blk_run_read(pages.page[i], offset_in_page(pos),
					   to, piece);
		pos += piece;
		len -= piece;
	}
	vdpasim_blk_pages_put(&pages);
	return err;
}

/**
 * vdpasim_blk_store_read - read from a disk
 * @store: the disk
 * @sector: where to begin; all that is read lies within the capacity
 * @to: place in the writable part of a chain; moves on by @len
 * @len: in bytes
 *
 * Who copies to user memory may have to wait for it, and cannot do so under RCU.
 *
 * Context: as vdpa_ring_write().
 * Return: as vdpa_ring_write()
 */
int vdpasim_blk_store_read(struct vdpasim_blk_store *store, u64 sector,
			   struct vdpa_ring_iter *to, u32 len)
{
	u64 pos = sector << SECTOR_SHIFT;
	u32 batch;
	int err;

	for (err = 0; len && !err; pos += batch, len -= batch) {
		batch = vdpasim_blk_batch(pos, len);
		if (to->ring->user) {
			err = vdpasim_blk_read_batch(store, pos, to, batch);
		} else {
			rcu_read_lock();
			err = vdpasim_blk_read_batch(store, pos, to, batch);
			rcu_read_unlock();
		}
	}
	return err;
}

/**
 * struct vdpasim_blk_fresh - pages for what is written first
 * @page: the next one; those that follow it in memory come after it
 * @n: how many are left
 *
 * What is written at once lies together in memory, if there is such: it can be
 * copied at once then.
 */
struct vdpasim_blk_fresh {
	struct page *page;
	unsigned int n;
};

/* @wanted: how many whole pages there are to write; 0 for a part of one */
static struct page *vdpasim_blk_fresh_take(struct vdpasim_blk_fresh *fresh,
					   unsigned int wanted)
{
	unsigned int order;

	if (!wanted)
		return alloc_page(VDPASIM_BLK_GFP | __GFP_ZERO);
	if (!fresh->n && wanted > 1) {
		order = min_t(unsigned int, ilog2(wanted), VDPASIM_BLK_ORDER);
		fresh->page = alloc_pages(VDPASIM_BLK_GFP | __GFP_NORETRY, order);
		if (fresh->page) {
			split_page(fresh->page, order);
			fresh->n = 1U << order;
		}
	}
	if (!fresh->n)
		return alloc_page(VDPASIM_BLK_GFP);
	fresh->n--;
	return fresh->page++;
}

static void vdpasim_blk_fresh_free(struct vdpasim_blk_fresh *fresh)
{
	for (; fresh->n; fresh->n--)
		put_page(fresh->page++);
}

static int vdpasim_blk_run_fill(struct page *page, u32 offset,
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
				   struct page *page, u64 pos,
				   struct vdpa_ring_iter *from, u32 len)
{
	void *other;
	int err;

	err = vdpasim_blk_run_fill(page, offset_in_page(pos), from, len);
	if (err)
		goto err_put;
	other = xa_cmpxchg(&store->pages, pos >> PAGE_SHIFT, NULL, page,
			   GFP_NOIO | __GFP_NOWARN);
	if (!other)
		return 0;
	err = xa_err(other) ?: -EEXIST;
err_put:
	put_page(page);
	return err;
}

/* Writes to a page that was not written yet, or so it seemed. */
static int vdpasim_blk_page_write(struct vdpasim_blk_store *store,
				  struct vdpasim_blk_fresh *fresh,
				  unsigned int wanted, u64 pos,
				  struct vdpa_ring_iter *from, u32 len)
{
	struct vdpa_ring_iter begin = *from;
	struct page *page;
	int err;

	do {
		*from = begin;
		page = vdpasim_blk_fresh_take(fresh, wanted);
		if (!page)
			return -ENOMEM;
		err = vdpasim_blk_page_create(store, page, pos, from, len);
		if (err != -EEXIST)
			return err;
		*from = begin;
		page = vdpasim_blk_page_get(store, pos >> PAGE_SHIFT);
	} while (!page);

	err = vdpasim_blk_run_fill(page, offset_in_page(pos), from, len);
	put_page(page);
	return err;
}

/*
 * Writes to pages that are there, up to the first that is not. Then *@missing is
 * how many there are to be written first; the return value how many bytes were
 * written, or a negative errno.
 */
static int vdpasim_blk_write_batch(struct vdpasim_blk_store *store, u64 pos,
				   struct vdpa_ring_iter *from, u32 len,
				   unsigned int *missing)
{
	struct vdpasim_blk_pages pages;
	unsigned int i, run;
	u32 piece, done = 0;
	int err = 0;

	vdpasim_blk_pages_get(store, pos, len, from->ring->user, &pages);
	for (i = 0; i < pages.n && pages.page[i] && !err; i += run) {
		run = vdpasim_blk_run(&pages, i);
		piece = min_t(u32, len - done,
			      run * PAGE_SIZE - offset_in_page(pos + done));
		err = vdpasim_blk_run_fill(pages.page[i],
					   offset_in_page(pos + done), from,
					   piece);
		done += piece;
	}
	*missing = i < pages.n ? vdpasim_blk_run(&pages, i) : 0;
	vdpasim_blk_pages_put(&pages);
	return err ?: done;
}

/* To get memory, and memory of a user, may take its time. */
static int vdpasim_blk_write_first(struct vdpasim_blk_store *store, u64 pos,
				   struct vdpa_ring_iter *from, u32 len,
				   unsigned int n)
{
	struct vdpasim_blk_fresh fresh = {};
	int err = 0;
	u32 piece;

	for (; n && !err; n--, pos += piece, len -= piece) {
		piece = min_t(u32, len, PAGE_SIZE - offset_in_page(pos));
		err = vdpasim_blk_page_write(store, &fresh,
					     piece < PAGE_SIZE ? 0 : n, pos,
					     from, piece);
	}
	vdpasim_blk_fresh_free(&fresh);
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
	u32 left = from->left - len;
	unsigned int missing;
	u32 batch;
	int err;

	while (len) {
		batch = vdpasim_blk_batch(pos, len);
		if (from->ring->user) {
			err = vdpasim_blk_write_batch(store, pos, from, batch,
						      &missing);
		} else {
			rcu_read_lock();
			err = vdpasim_blk_write_batch(store, pos, from, batch,
						      &missing);
			rcu_read_unlock();
		}
		if (err >= 0)
			err = vdpasim_blk_write_first(store, pos + err, from,
						      batch - err, missing);
		if (err)
			return err;
		pos += len - (from->left - left);
		len = from->left - left;
	}
	return 0;
}

static void vdpasim_blk_page_zero(struct vdpasim_blk_store *store,
				  unsigned long index, u32 offset, u32 len)
{
	struct page *page;

	if (len == PAGE_SIZE) {
		page = xa_erase(&store->pages, index);
		if (page)
			vdpasim_blk_page_discard(page);
		return;
	}
	page = vdpasim_blk_page_get(store, index);
	if (page) {
		memzero_page(page, offset, len);
		put_page(page);
	}
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
