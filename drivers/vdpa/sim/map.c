// SPDX-License-Identifier: GPL-2.0
/*
 * Address spaces of a simulated device
 *
 * At first each translates an address to itself, which is what the DMA API gives
 * to the kernel's own drivers for a device without an IOMMU. The first change
 * takes all of that away, for the sake of bus drivers that let user space set
 * the rings up.
 */
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vhost_iotlb.h>

#include "vdpa_sim.h"

static bool batch_mapping = true;
module_param(batch_mapping, bool, 0444);
MODULE_PARM_DESC(batch_mapping, "Translations are set as a whole, not piece by piece (default: yes)");

static bool use_va;
module_param(use_va, bool, 0444);
MODULE_PARM_DESC(use_va, "Devices use addresses of the process that owns them, so that it need not pin memory (default: no)");

bool vdpasim_batch_mapping(void)
{
	return batch_mapping;
}

bool vdpasim_use_va(void)
{
	return use_va;
}

/* How much may be mapped is for the bus driver to say. */
static struct vhost_iotlb *vdpasim_iotlb_alloc(void)
{
	return vhost_iotlb_alloc(UINT_MAX, 0);
}

static int vdpasim_iotlb_fill_identity(struct vhost_iotlb *iotlb)
{
	return vhost_iotlb_add_range(iotlb, 0, ULONG_MAX, 0, VHOST_MAP_RW);
}

static bool vdpasim_same_entry(const struct vhost_iotlb_map *a,
			       const struct vhost_iotlb_map *b)
{
	return a->start == b->start && a->last == b->last &&
	       a->addr == b->addr && a->perm == b->perm;
}

static void vdpasim_iotlb_drop(struct vhost_iotlb *iotlb, struct list_head *list)
{
	struct vhost_iotlb_map *entry, *next;

	list_for_each_entry_safe(entry, next, list, link)
		vhost_iotlb_map_free(iotlb, entry);
}

/*
 * Makes one table the same as another. Both are in the order in which entries
 * came, so that what went is missing from the list and what came is at its end:
 * to find that is far less work than to copy the table.
 */
static int vdpasim_iotlb_follow(struct vhost_iotlb *iotlb,
				const struct vhost_iotlb *other)
{
	struct vhost_iotlb_map *entry, *next, *map;
	LIST_HEAD(gone);
	LIST_HEAD(kept);
	int err = 0;

	map = list_first_entry(&other->list, typeof(*map), link);
	list_for_each_entry_safe(entry, next, &iotlb->list, link) {
		if (!list_entry_is_head(map, &other->list, link) &&
		    vdpasim_same_entry(entry, map))
			map = list_next_entry(map, link);
		else
			list_move_tail(&entry->link, &gone);
	}
	list_splice_init(&iotlb->list, &kept);
	list_for_each_entry_from(map, &other->list, link) {
		err = vhost_iotlb_add_range(iotlb, map->start, map->last,
					    map->addr, map->perm);
		if (err)
			break;
		cond_resched();
	}
	if (err) {
		vdpasim_iotlb_drop(iotlb, &iotlb->list);
		list_splice(&gone, &iotlb->list);
	} else {
		vdpasim_iotlb_drop(iotlb, &gone);
	}
	list_splice(&kept, &iotlb->list);
	return err;
}

int vdpasim_set_map(struct vdpa_device *vdev, unsigned int asid,
		    struct vhost_iotlb *iotlb)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	struct vdpasim_as *as;
	int err;

	if (asid >= vdev->nas)
		return -EINVAL;
	as = &sim->as[asid];
	mutex_lock(&sim->lock);
	vdpasim_lock_vqs(sim);
	err = vdpasim_iotlb_follow(as->map.iotlb, iotlb);
	if (!err)
		WRITE_ONCE(as->identity, false);
	vdpa_ring_map_changed(&as->map);
	vdpasim_unlock_vqs(sim);
	mutex_unlock(&sim->lock);
	return err;
}

/* Whatever comes first from a bus driver, the identity is over. */
static void vdpasim_as_leave_identity(struct vdpasim_as *as)
{
	if (!as->identity)
		return;
	vhost_iotlb_reset(as->map.iotlb);
	WRITE_ONCE(as->identity, false);
}

static int vdpasim_as_map(struct vdpasim_as *as, u64 iova, u64 last, u64 addr,
			  u32 perm)
{
	vdpasim_as_leave_identity(as);
	if (vhost_iotlb_itree_first(as->map.iotlb, iova, last))
		return -EEXIST;
	return vhost_iotlb_add_range(as->map.iotlb, iova, last, addr, perm);
}

int vdpasim_dma_map(struct vdpa_device *vdev, unsigned int asid, u64 iova,
		    u64 size, u64 pa, u32 perm, void *opaque)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	u64 last = iova + size - 1;
	int err;

	if (asid >= vdev->nas || !size || last < iova ||
	    !perm || perm & ~VHOST_MAP_RW)
		return -EINVAL;

	mutex_lock(&sim->lock);
	vdpasim_lock_vqs(sim);
	err = vdpasim_as_map(&sim->as[asid], iova, last, pa, perm);
	vdpa_ring_map_changed(&sim->as[asid].map);
	vdpasim_unlock_vqs(sim);
	mutex_unlock(&sim->lock);
	return err;
}

/* A size of 0 at address 0 is all there is, as 2^64 cannot be said. */
int vdpasim_dma_unmap(struct vdpa_device *vdev, unsigned int asid, u64 iova,
		      u64 size)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	u64 last = iova + size - 1;

	if (asid >= vdev->nas || last < iova)
		return -EINVAL;

	mutex_lock(&sim->lock);
	vdpasim_lock_vqs(sim);
	vdpasim_as_leave_identity(&sim->as[asid]);
	vhost_iotlb_del_range(sim->as[asid].map.iotlb, iova, last);
	vdpa_ring_map_changed(&sim->as[asid].map);
	vdpasim_unlock_vqs(sim);
	mutex_unlock(&sim->lock);
	return 0;
}

int vdpasim_reset_map(struct vdpa_device *vdev, unsigned int asid)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	struct vhost_iotlb *iotlb;
	struct vdpasim_as *as;
	int err;

	if (asid >= vdev->nas)
		return -EINVAL;
	as = &sim->as[asid];
	if (READ_ONCE(as->identity))
		return 0;
	iotlb = vdpasim_iotlb_alloc();
	if (!iotlb)
		return -ENOMEM;
	err = vdpasim_iotlb_fill_identity(iotlb);
	if (err) {
		vhost_iotlb_free(iotlb);
		return err;
	}
	mutex_lock(&sim->lock);
	vdpasim_lock_vqs(sim);
	swap(as->map.iotlb, iotlb);
	WRITE_ONCE(as->identity, true);
	vdpa_ring_map_changed(&as->map);
	vdpasim_unlock_vqs(sim);
	mutex_unlock(&sim->lock);
	vhost_iotlb_free(iotlb);
	return 0;
}

int vdpasim_reset_maps(struct vdpasim *sim)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < sim->vdpa.nas && !err; i++)
		err = vdpasim_reset_map(&sim->vdpa, i);
	return err;
}

/* Rings know their address space, and do not change over. */
int vdpasim_set_group_asid(struct vdpa_device *vdev, unsigned int group,
			   unsigned int asid)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	int err = 0;

	if (group >= vdev->ngroups || asid >= vdev->nas)
		return -EINVAL;
	mutex_lock(&sim->lock);
	if (vdpasim_group_started(sim, group))
		err = -EBUSY;
	else
		sim->group_asid[group] = asid;
	mutex_unlock(&sim->lock);
	return err;
}

/* Who has it: a process, or nobody (NULL). No ring may be set up meanwhile. */
static struct mm_struct *vdpasim_set_mm(struct vdpasim *sim,
					struct mm_struct *mm)
{
	struct mm_struct *old;
	unsigned int i;

	lockdep_assert_held(&sim->lock);
	vdpasim_lock_vqs(sim);
	old = sim->mm;
	sim->mm = mm;
	for (i = 0; i < sim->vdpa.nas; i++) {
		sim->as[i].map.user = mm;
		vdpa_ring_map_changed(&sim->as[i].map);
	}
	vdpasim_unlock_vqs(sim);
	return old;
}

int vdpasim_bind_mm(struct vdpa_device *vdev, struct mm_struct *mm)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	unsigned int i;
	int err = 0;

	if (!vdev->use_va)
		return -EOPNOTSUPP;
	mutex_lock(&sim->lock);
	if (sim->mm)
		err = -EBUSY;
	for (i = 0; i < vdev->ngroups && !err; i++)
		if (vdpasim_group_started(sim, i))
			err = -EBUSY;
	if (!err) {
		mmgrab(mm);
		vdpasim_set_mm(sim, mm);
	}
	mutex_unlock(&sim->lock);
	return err;
}

void vdpasim_unbind_mm(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	struct mm_struct *mm;

	mutex_lock(&sim->lock);
	vdpasim_stop_vqs(sim);
	mm = vdpasim_set_mm(sim, NULL);
	mutex_unlock(&sim->lock);
	if (mm)
		mmdrop(mm);
}

/**
 * vdpasim_worker_hold - keep the process that owns a device from going
 * @worker: the worker; holds it until vdpasim_worker_release()
 * @slot: 0 for the worker's own device, 1 for another one
 * @sim: the device
 *
 * Context: process, with the lock of a queue of @sim held.
 * Return: whether the memory of the device is still there. It is if no process
 * owns the device.
 */
bool vdpasim_worker_hold(struct vdpasim_worker *worker, unsigned int slot,
			 const struct vdpasim *sim)
{
	struct mm_struct *mm = sim->mm;

	if (likely(!mm) || worker->held[slot] == mm)
		return true;
	if (!mmget_not_zero(mm))
		return false;
	if (worker->held[slot])
		mmput_async(worker->held[slot]);
	worker->held[slot] = mm;
	return true;
}
EXPORT_SYMBOL_GPL(vdpasim_worker_hold);

/**
 * vdpasim_worker_switch - use the addresses of a process, instead of another's
 * @worker: the worker
 * @mm: the process, which @worker holds, or NULL
 *
 * Context: process.
 */
void vdpasim_worker_switch(struct vdpasim_worker *worker, struct mm_struct *mm)
{
	if (worker->used)
		kthread_unuse_mm(worker->used);
	worker->used = mm;
	if (mm)
		kthread_use_mm(mm);
}
EXPORT_SYMBOL_GPL(vdpasim_worker_switch);

/**
 * vdpasim_worker_release - let go of all processes
 * @worker: the worker
 *
 * Context: process.
 */
void vdpasim_worker_release(struct vdpasim_worker *worker)
{
	unsigned int i;

	if (worker->used)
		vdpasim_worker_switch(worker, NULL);
	for (i = 0; i < ARRAY_SIZE(worker->held); i++)
		if (worker->held[i])
			mmput_async(worker->held[i]);
}

int vdpasim_init_maps(struct vdpasim *sim)
{
	struct vdpasim_as *as;
	unsigned int i;

	sim->as = kcalloc(sim->vdpa.nas, sizeof(*sim->as), GFP_KERNEL);
	if (!sim->as)
		return -ENOMEM;
	for (i = 0; i < sim->vdpa.nas; i++) {
		as = &sim->as[i];
		as->map.iotlb = vdpasim_iotlb_alloc();
		if (!as->map.iotlb ||
		    vdpasim_iotlb_fill_identity(as->map.iotlb))
			return -ENOMEM;
		as->identity = true;
	}
	return 0;
}

void vdpasim_free_maps(struct vdpasim *sim)
{
	unsigned int i;

	if (!sim->as)
		return;
	for (i = 0; i < sim->vdpa.nas; i++)
		if (sim->as[i].map.iotlb)
			vhost_iotlb_free(sim->as[i].map.iotlb);
	kfree(sim->as);
	if (sim->mm)
		mmdrop(sim->mm);
}
