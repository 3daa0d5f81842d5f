// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces: what is mapped, and how the device is told
 *
 * A *piece* is an entry of an address space's table: contiguous for the device,
 * and contiguous behind it. A mapping that the opener makes is one piece or
 * many; it goes as it came, or part by part along the pieces' borders.
 *
 * A page stays pinned until the device was told that it is gone. With parents
 * that take a whole table at a time (set_map), and in a batch, that is later
 * than the piece leaves the table: until then it is *retired*.
 */
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <uapi/linux/vhost_types.h>

#include "vhost_vdpa.h"

/*
 * Pinned pieces cost the opener locked memory, far more than they cost us. User
 * addresses cost nothing, so there is a bound.
 */
#define VHOST_VDPA_USER_VA_PIECES	65536

/**
 * struct vhost_vdpa_piece - what is behind a piece
 * @addr: physical address, unless the device uses user addresses
 * @size: in bytes
 * @perm: VHOST_MAP_*
 * @opaque: of vhost_iotlb_map
 */
struct vhost_vdpa_piece {
	u64 addr;
	u64 size;
	u32 perm;
	void *opaque;
};

/* What one request after the other unmaps in a batch shares an allocation. */
#define VHOST_VDPA_RETIRED_MIN	64UL

/**
 * struct vhost_vdpa_retired - pieces that were unmapped
 * @entry: in &vhost_vdpa_as.retired
 * @max: number of @pieces there is room for
 * @nr: number of @pieces
 * @pieces: them
 */
struct vhost_vdpa_retired {
	struct list_head entry;
	unsigned int max;
	unsigned int nr;
	struct vhost_vdpa_piece pieces[] __counted_by(max);
};

static unsigned int vhost_vdpa_asid(const struct vhost_vdpa_file *vf,
				    const struct vhost_vdpa_as *as)
{
	return as - vf->as;
}

/*
 * Parents that take a table: set_map
 */

static int vhost_vdpa_table_change(struct vhost_vdpa_file *vf,
				   struct vhost_vdpa_as *as,
				   const struct vhost_iotlb_map *piece)
{
	as->stale = true;
	return 0;
}

static int vhost_vdpa_table_sync(struct vhost_vdpa_file *vf,
				 struct vhost_vdpa_as *as)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	int err;

	if (!as->stale)
		return 0;
	err = vdev->config->set_map(vdev, vhost_vdpa_asid(vf, as), &as->iotlb);
	if (!err)
		as->stale = false;
	return err;
}

static int vhost_vdpa_table_blank(struct vhost_vdpa_file *vf,
				  struct vhost_vdpa_as *as)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	struct vhost_iotlb none;

	vhost_iotlb_init(&none, 1, 0);
	return vdev->config->set_map(vdev, vhost_vdpa_asid(vf, as), &none);
}

static const struct vhost_vdpa_mapper vhost_vdpa_table = {
	.map = vhost_vdpa_table_change,
	.unmap = vhost_vdpa_table_change,
	.sync = vhost_vdpa_table_sync,
	.blank = vhost_vdpa_table_blank,
};

/*
 * Parents that take pieces: dma_map, dma_unmap
 */

static int vhost_vdpa_dma_map(struct vhost_vdpa_file *vf,
			      struct vhost_vdpa_as *as,
			      const struct vhost_iotlb_map *piece)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	return vdev->config->dma_map(vdev, vhost_vdpa_asid(vf, as),
				     piece->start, piece->size, piece->addr,
				     piece->perm, piece->opaque);
}

static int vhost_vdpa_dma_unmap(struct vhost_vdpa_file *vf,
				struct vhost_vdpa_as *as,
				const struct vhost_iotlb_map *piece)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	return vdev->config->dma_unmap(vdev, vhost_vdpa_asid(vf, as),
				       piece->start, piece->size);
}

static int vhost_vdpa_no_sync(struct vhost_vdpa_file *vf,
			      struct vhost_vdpa_as *as)
{
	return 0;
}

static int vhost_vdpa_dma_blank(struct vhost_vdpa_file *vf,
				struct vhost_vdpa_as *as)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	return vdev->config->dma_unmap(vdev, vhost_vdpa_asid(vf, as), 0, U64_MAX);
}

static const struct vhost_vdpa_mapper vhost_vdpa_dma = {
	.map = vhost_vdpa_dma_map,
	.unmap = vhost_vdpa_dma_unmap,
	.sync = vhost_vdpa_no_sync,
	.blank = vhost_vdpa_dma_blank,
};

/*
 * All others: the platform's IOMMU
 */

static int vhost_vdpa_iommu_map(struct vhost_vdpa_file *vf,
				struct vhost_vdpa_as *as,
				const struct vhost_iotlb_map *piece)
{
	int prot = IOMMU_CACHE;

	if (piece->perm & VHOST_MAP_RO)
		prot |= IOMMU_READ;
	if (piece->perm & VHOST_MAP_WO)
		prot |= IOMMU_WRITE;
	return iommu_map(vf->domain, piece->start, piece->addr, piece->size,
			 prot, GFP_KERNEL_ACCOUNT);
}

static int vhost_vdpa_iommu_unmap(struct vhost_vdpa_file *vf,
				  struct vhost_vdpa_as *as,
				  const struct vhost_iotlb_map *piece)
{
	size_t done = iommu_unmap(vf->domain, piece->start, piece->size);

	return done == piece->size ? 0 : -EIO;
}

/* A new domain knows nothing. */
static const struct vhost_vdpa_mapper vhost_vdpa_iommu = {
	.map = vhost_vdpa_iommu_map,
	.unmap = vhost_vdpa_iommu_unmap,
	.sync = vhost_vdpa_no_sync,
	.blank = vhost_vdpa_no_sync,
};

static void vhost_vdpa_iommu_narrow(struct vhost_vdpa_file *vf)
{
	const struct iommu_domain_geometry *geometry = &vf->domain->geometry;

	if (!geometry->force_aperture)
		return;
	vf->range.first = max_t(u64, vf->range.first, geometry->aperture_start);
	vf->range.last = min_t(u64, vf->range.last, geometry->aperture_end);
}

static int vhost_vdpa_iommu_attach(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	struct device *dma_dev = vdpa_get_dma_dev(vdev);
	struct iommu_domain *domain;
	int err;

	/* Mappings are made as coherent ones: nobody flushes caches. */
	if (!dma_dev || !device_iommu_capable(dma_dev, IOMMU_CAP_CACHE_COHERENCY)) {
		dev_warn_once(&vf->vv->dev,
			      "no IOMMU with coherent mappings, and the device does not translate by itself\n");
		return -EOPNOTSUPP;
	}
	domain = iommu_paging_domain_alloc(dma_dev);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	err = iommu_attach_device(domain, dma_dev);
	if (err) {
		iommu_domain_free(domain);
		return err;
	}
	vf->domain = domain;
	vf->nas = 1;	/* a domain is one address space */
	vhost_vdpa_iommu_narrow(vf);
	return 0;
}

static void vhost_vdpa_iommu_detach(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	if (!vf->domain)
		return;
	iommu_detach_device(vf->domain, vdpa_get_dma_dev(vdev));
	iommu_domain_free(vf->domain);
	vf->domain = NULL;
}

/*
 * Pieces and what is behind them
 */

static void vhost_vdpa_piece_release(struct vhost_vdpa_file *vf,
				     const struct vhost_vdpa_piece *piece)
{
	if (vf->use_va)
		vhost_vdpa_user_va_put(piece->opaque);
	else
		vhost_vdpa_unpin(vf, piece->addr, piece->size, piece->perm);
	cond_resched();
}

/*
 * The first piece in a range, and the one behind another. The list has them in the
 * order in which they were mapped, which mostly is that of their addresses and that
 * in which they go: there they are found without going through the tree.
 */
static struct vhost_iotlb_map *
vhost_vdpa_piece_first(struct vhost_vdpa_as *as, u64 iova, u64 last)
{
	struct vhost_iotlb_map *map;

	map = list_first_entry_or_null(&as->iotlb.list, struct vhost_iotlb_map,
				       link);
	if (map && map->start == iova)
		return map;
	return vhost_iotlb_itree_first(&as->iotlb, iova, last);
}

static struct vhost_iotlb_map *
vhost_vdpa_piece_next(const struct vhost_vdpa_as *as,
		      struct vhost_iotlb_map *map, u64 iova, u64 last)
{
	struct vhost_iotlb_map *next = list_next_entry(map, link);

	if (map->last >= last)
		return NULL;
	if (!list_entry_is_head(next, &as->iotlb.list, link) &&
	    next->start == map->last + 1)
		return next;
	return vhost_iotlb_itree_next(map, iova, last);
}

/* Takes a piece out of the table. */
static struct vhost_vdpa_piece
vhost_vdpa_piece_take(struct vhost_vdpa_as *as, struct vhost_iotlb_map *map)
{
	struct vhost_vdpa_piece piece = {
		.addr = map->addr,
		.size = map->size,
		.perm = map->perm,
		.opaque = map->opaque,
	};

	vhost_iotlb_map_free(&as->iotlb, map);
	return piece;
}

static void vhost_vdpa_retired_release(struct vhost_vdpa_file *vf,
				       struct list_head *list)
{
	struct vhost_vdpa_retired *retired, *next;
	unsigned int i;

	list_for_each_entry_safe(retired, next, list, entry) {
		for (i = 0; i < retired->nr; i++)
			vhost_vdpa_piece_release(vf, &retired->pieces[i]);
		kvfree(retired);
	}
	INIT_LIST_HEAD(list);
}

/* Tells the device; what it knows no longer is put on @done. */
static int vhost_vdpa_sync(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
			   struct list_head *done)
{
	int err;

	vhost_vdpa_assert_locked(vf);
	err = vf->mapper->sync(vf, as);
	if (!err)
		list_splice_tail_init(&as->retired, done);
	return err;
}

static bool vhost_vdpa_defers(const struct vhost_vdpa_file *vf,
			      const struct vhost_vdpa_as *as)
{
	return as->batch && vf->mapper == &vhost_vdpa_table;
}

/**
 * vhost_vdpa_map_add - add a piece to an address space
 * @vf: the opener
 * @as: the address space
 * @iova: where it begins for the device
 * @size: in bytes, not 0
 * @addr: what is behind it
 * @perm: VHOST_MAP_*
 * @opaque: for the parent
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0, or a negative errno with all as it was.
 */
int vhost_vdpa_map_add(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
		       u64 iova, u64 size, u64 addr, u32 perm, void *opaque)
{
	struct vhost_iotlb_map *map;
	u64 last = iova + size - 1;
	int err;

	vhost_vdpa_assert_locked(vf);
	err = vhost_iotlb_add_range_ctx(&as->iotlb, iova, last, addr, perm,
					opaque);
	if (err)
		return err;
	map = list_last_entry(&as->iotlb.list, struct vhost_iotlb_map, link);
	err = vf->mapper->map(vf, as, map);
	if (err)
		vhost_iotlb_map_free(&as->iotlb, map);
	return err;
}

/**
 * vhost_vdpa_map_commit - make what was added take effect
 * @vf: the opener
 * @as: the address space
 *
 * In a batch that may be later.
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0, or a negative errno and nothing has taken effect.
 */
int vhost_vdpa_map_commit(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as)
{
	LIST_HEAD(done);
	int err;

	if (vhost_vdpa_defers(vf, as))
		return 0;
	err = vhost_vdpa_sync(vf, as, &done);
	vhost_vdpa_retired_release(vf, &done);
	return err;
}

/**
 * vhost_vdpa_map_undo - take back what was added and did not take effect
 * @vf: the opener
 * @as: the address space
 * @iova: where it begins
 * @last: where it ends; nothing else lies between
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 */
void vhost_vdpa_map_undo(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
			 u64 iova, u64 last)
{
	struct vhost_iotlb_map *map, *next;
	struct vhost_vdpa_piece piece;

	vhost_vdpa_assert_locked(vf);
	for (map = vhost_vdpa_piece_first(as, iova, last); map; map = next) {
		next = vhost_vdpa_piece_next(as, map, iova, last);
		vf->mapper->unmap(vf, as, map);
		piece = vhost_vdpa_piece_take(as, map);
		vhost_vdpa_piece_release(vf, &piece);
	}
}

/* How many pieces there are, from @map on; -EINVAL if the range cuts one. */
static long vhost_vdpa_count(const struct vhost_vdpa_as *as,
			     struct vhost_iotlb_map *map, u64 iova, u64 last)
{
	long nr = 0;

	for (; map; map = vhost_vdpa_piece_next(as, map, iova, last)) {
		if (map->start < iova || map->last > last)
			return -EINVAL;
		nr++;
	}
	return nr;
}

/* Where there is room for so many pieces more; NULL for lack of memory */
static struct vhost_vdpa_retired *
vhost_vdpa_retired_room(struct vhost_vdpa_as *as, unsigned long nr)
{
	struct vhost_vdpa_retired *retired;

	if (!list_empty(&as->retired)) {
		retired = list_last_entry(&as->retired,
					  struct vhost_vdpa_retired, entry);
		if (nr <= retired->max - retired->nr)
			return retired;
	}
	if (as->batch)
		nr = max(nr, VHOST_VDPA_RETIRED_MIN);
	retired = kvmalloc(struct_size(retired, pieces, nr), GFP_KERNEL_ACCOUNT);
	if (!retired)
		return NULL;
	retired->max = nr;
	retired->nr = 0;
	list_add_tail(&retired->entry, &as->retired);
	return retired;
}

/*
 * Puts a piece whose pages follow those of the last one to these, or come before
 * them: memory that was freed page by page is handed out backwards.
 */
static bool vhost_vdpa_retired_extend(const struct vhost_vdpa_file *vf,
				      struct vhost_vdpa_retired *retired,
				      const struct vhost_iotlb_map *map)
{
	struct vhost_vdpa_piece *last;

	if (!retired->nr || vf->use_va)
		return false;
	last = &retired->pieces[retired->nr - 1];
	if (last->perm != map->perm)
		return false;
	if (map->addr + map->size == last->addr)
		last->addr = map->addr;
	else if (last->addr + last->size != map->addr)
		return false;
	last->size += map->size;
	return true;
}

static int vhost_vdpa_retire(struct vhost_vdpa_file *vf,
			     struct vhost_vdpa_as *as, u64 iova, u64 last)
{
	struct vhost_vdpa_retired *retired;
	struct vhost_iotlb_map *map, *next = NULL;
	long nr, left;
	int err;

	map = vhost_vdpa_piece_first(as, iova, last);
	nr = vhost_vdpa_count(as, map, iova, last);
	if (nr <= 0)
		return nr;
	retired = vhost_vdpa_retired_room(as, nr);
	if (!retired)
		return -ENOMEM;

	for (left = nr; left; left--, map = next) {
		if (left > 1)
			next = vhost_vdpa_piece_next(as, map, iova, last);
		err = vf->mapper->unmap(vf, as, map);
		if (err)
			return err;
		if (vhost_vdpa_retired_extend(vf, retired, map))
			vhost_iotlb_map_free(&as->iotlb, map);
		else
			retired->pieces[retired->nr++] =
				vhost_vdpa_piece_take(as, map);
	}
	return 0;
}

/**
 * vhost_vdpa_unmap - unmap a range
 * @vf: the opener
 * @as: the address space
 * @iova: where the range begins
 * @last: where it ends; nothing needs to be mapped there
 *
 * Context: may sleep, &vhost_vdpa_file.request_lock held.
 * Return: 0; -EINVAL if the range cuts a piece, and -ENOMEM, with all as it
 * was; -ENODEV; what the parent returns, and what it did not unmap is left.
 */
int vhost_vdpa_unmap(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
		     u64 iova, u64 last)
{
	LIST_HEAD(done);
	int err;

	err = vhost_vdpa_lock(vf);
	if (err)
		return err;
	err = vhost_vdpa_retire(vf, as, iova, last);
	if (!vhost_vdpa_defers(vf, as))
		err = vhost_vdpa_sync(vf, as, &done) ?: err;
	vhost_vdpa_unlock(vf);

	/* Others may have the device meanwhile. */
	vhost_vdpa_retired_release(vf, &done);
	return err;
}

/**
 * vhost_vdpa_batch_end - tell the device of all that has changed
 * @vf: the opener
 * @as: the address space
 *
 * Context: may sleep, &vhost_vdpa_file.request_lock held.
 * Return: 0, -ENODEV or what the parent returns; what was in force before, is
 * still then, and the next change tries again.
 */
int vhost_vdpa_batch_end(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as)
{
	LIST_HEAD(done);
	int err;

	err = vhost_vdpa_lock(vf);
	if (err)
		return err;
	as->batch = false;
	err = vhost_vdpa_sync(vf, as, &done);
	vhost_vdpa_unlock(vf);
	vhost_vdpa_retired_release(vf, &done);
	return err;
}

/**
 * vhost_vdpa_map_settle - let go of all retired pieces, even amid a batch
 * @vf: the opener
 *
 * Context: may sleep, &vhost_vdpa_file.request_lock held.
 * Return: whether there were any.
 */
bool vhost_vdpa_map_settle(struct vhost_vdpa_file *vf)
{
	LIST_HEAD(done);
	unsigned int i;
	bool any;

	if (vhost_vdpa_lock(vf))
		return false;
	for (i = 0; i < vf->nas; i++)
		if (!list_empty(&vf->as[i].retired))
			vhost_vdpa_sync(vf, &vf->as[i], &done);
	vhost_vdpa_unlock(vf);

	any = !list_empty(&done);
	vhost_vdpa_retired_release(vf, &done);
	return any;
}

/* The device was reset: it uses nothing of this, whatever it answers. */
static void vhost_vdpa_as_clear(struct vhost_vdpa_file *vf,
				struct vhost_vdpa_as *as)
{
	if (as->stale || as->iotlb.nmaps || !list_empty(&as->retired)) {
		if (vf->mapper == &vhost_vdpa_table)
			vhost_vdpa_table_blank(vf, as);
	}
	vhost_vdpa_map_undo(vf, as, 0, U64_MAX);
	vhost_vdpa_retired_release(vf, &as->retired);
	as->stale = false;
	as->batch = false;
}

/**
 * vhost_vdpa_map_clear - unmap everything in all address spaces
 * @vf: the opener, with the device reset
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 */
void vhost_vdpa_map_clear(struct vhost_vdpa_file *vf)
{
	unsigned int i;

	vhost_vdpa_assert_locked(vf);
	for (i = 0; i < vf->nas; i++)
		vhost_vdpa_as_clear(vf, &vf->as[i]);
}

/**
 * vhost_vdpa_map_persists - does a reset of the device leave translations alone?
 * @vdev: the device
 *
 * Parents that say how to reset them separately do, and an IOMMU knows of no
 * reset.
 *
 * Context: any.
 * Return: whether it does.
 */
bool vhost_vdpa_map_persists(struct vdpa_device *vdev)
{
	const struct vdpa_config_ops *ops = vdev->config;

	if (ops->reset_map || (!ops->set_map && !ops->dma_map))
		return true;
	return ops->get_backend_features &&
	       ops->get_backend_features(vdev) &
	       BIT_ULL(VHOST_BACKEND_F_IOTLB_PERSIST);
}

/*
 * A parent may begin with a translation of its own, such as the identity for the
 * kernel's drivers: with that, the opener would reach all memory.
 */
static int vhost_vdpa_map_blank(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	unsigned int i;
	int err = 0;

	if (!vdev->config->reset_map && !vdev->config->dma_map)
		return 0;
	for (i = 0; i < vf->nas && !err; i++)
		err = vf->mapper->blank(vf, &vf->as[i]);
	return err;
}

static void vhost_vdpa_map_unblank(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	unsigned int i;

	if (!vdev->config->reset_map)
		return;
	for (i = 0; i < vf->nas; i++)
		vdev->config->reset_map(vdev, i);
}

static int vhost_vdpa_map_choose(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	const struct vdpa_config_ops *ops = vdev->config;

	vf->range.last = U64_MAX;
	if (ops->get_iova_range)
		vf->range = ops->get_iova_range(vdev);

	if (ops->dma_map)
		vf->mapper = &vhost_vdpa_dma;
	else if (ops->set_map)
		vf->mapper = &vhost_vdpa_table;
	else
		vf->mapper = &vhost_vdpa_iommu;
	return vf->mapper == &vhost_vdpa_iommu ? vhost_vdpa_iommu_attach(vf) : 0;
}

/**
 * vhost_vdpa_map_attach - set the address spaces up, empty
 * @vf: a new opener
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0; -EOPNOTSUPP if there is nothing that translates; what the parent
 * or the IOMMU returns.
 */
int vhost_vdpa_map_attach(struct vhost_vdpa_file *vf)
{
	unsigned int i;
	int err;

	for (i = 0; i < vf->nas; i++) {
		vhost_iotlb_init(&vf->as[i].iotlb, vf->use_va ?
				 VHOST_VDPA_USER_VA_PIECES : UINT_MAX, 0);
		INIT_LIST_HEAD(&vf->as[i].retired);
	}
	err = vhost_vdpa_map_choose(vf);
	if (err)
		return err;
	err = vhost_vdpa_map_blank(vf);
	if (err) {
		vhost_vdpa_map_unblank(vf);
		vhost_vdpa_iommu_detach(vf);
	}
	return err;
}

/**
 * vhost_vdpa_map_detach - put the device's memory back to what it was at first
 * @vf: the opener, with the device reset
 *
 * Context: may sleep, &vhost_vdpa.lock held. Nothing is pinned afterwards.
 */
void vhost_vdpa_map_detach(struct vhost_vdpa_file *vf)
{
	vhost_vdpa_map_clear(vf);
	vhost_vdpa_map_unblank(vf);
	vhost_vdpa_iommu_detach(vf);
}
