// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the opener, pinned for devices that are given physical addresses
 *
 * Pages are pinned a batch at a time, without the lock that removal needs: user
 * memory may take for ever to come. What lies together becomes one piece, across
 * batches too.
 *
 * Each page is on the account of the owner, pinned_vm of its mm, from before it
 * is pinned until after it is unpinned.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <uapi/linux/vhost_types.h>

#include "vhost_vdpa.h"

#define VHOST_VDPA_PIN_BATCH	(PAGE_SIZE / sizeof(struct page *))

/**
 * struct vhost_vdpa_pin - pinning under way
 * @vf: the opener
 * @as: the address space
 * @iova: where the run goes
 * @pfn: first page of the run: pages that lie together, pinned and not mapped
 * @npages: how many they are
 * @owed: pages on the account that are not mapped, these included
 * @perm: VHOST_MAP_*
 */
struct vhost_vdpa_pin {
	struct vhost_vdpa_file *vf;
	struct vhost_vdpa_as *as;
	u64 iova;
	unsigned long pfn;
	unsigned long npages;
	u64 owed;
	u32 perm;
};

/* First charged, then compared: two at once cannot both slip through. */
static int vhost_vdpa_charge(struct vhost_vdpa_file *vf, u64 npages)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	u64 pinned = atomic64_add_return(npages, &vf->mm->pinned_vm);

	if (pinned <= limit || capable(CAP_IPC_LOCK))
		return 0;
	atomic64_sub(npages, &vf->mm->pinned_vm);
	return -ENOMEM;
}

static void vhost_vdpa_uncharge(struct vhost_vdpa_file *vf, u64 npages)
{
	atomic64_sub(npages, &vf->mm->pinned_vm);
}

/**
 * vhost_vdpa_unpin - let go of pages
 * @vf: the opener
 * @addr: physical address of the first
 * @size: in bytes
 * @perm: VHOST_MAP_*: what the device may have written to is dirty
 *
 * Context: may sleep.
 */
void vhost_vdpa_unpin(struct vhost_vdpa_file *vf, u64 addr, u64 size, u32 perm)
{
	unsigned long npages = size >> PAGE_SHIFT;

	unpin_user_page_range_dirty_lock(pfn_to_page(PHYS_PFN(addr)), npages,
					 perm & VHOST_MAP_WO);
	vhost_vdpa_uncharge(vf, npages);
}

/* Maps the run; what is behind it is the table's from then on. */
static int vhost_vdpa_pin_map(struct vhost_vdpa_pin *pin)
{
	u64 size = (u64)pin->npages << PAGE_SHIFT;
	int err;

	if (!pin->npages)
		return 0;
	err = vhost_vdpa_map_add(pin->vf, pin->as, pin->iova, size,
				 PFN_PHYS(pin->pfn), pin->perm, NULL);
	if (err)
		return err;
	pin->iova += size;
	pin->owed -= pin->npages;
	pin->npages = 0;
	return 0;
}

/* Returns how many pages were taken over; *@err says why not all were. */
static unsigned int vhost_vdpa_pin_take(struct vhost_vdpa_pin *pin,
					struct page **pages, unsigned int nr,
					int *err)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		unsigned long pfn = page_to_pfn(pages[i]);

		if (!pin->npages || pfn != pin->pfn + pin->npages) {
			*err = vhost_vdpa_pin_map(pin);
			if (*err)
				break;
			pin->pfn = pfn;
		}
		pin->npages++;
	}
	return i;
}

/*
 * Where page tables cannot be walked without mmap_lock, pin_user_pages_fast() takes
 * it, and marks each page as accessed: that costs as much as pinning, for pages
 * that no one can reclaim. pin_user_pages() does not. It gets what is there; what
 * has to be waited for, maybe for user space, is not waited for with the lock held.
 */
static int vhost_vdpa_pin_pages(struct vhost_vdpa_file *vf, u64 uaddr,
				u64 npages, unsigned int flags)
{
	int nr;

	if (!IS_ENABLED(CONFIG_HAVE_GUP_FAST)) {
		mmap_read_lock(vf->mm);
		nr = pin_user_pages(uaddr, npages, flags | FOLL_NOFAULT,
				    vf->pages);
		mmap_read_unlock(vf->mm);
		if (nr > 0)
			return nr;
	}
	return pin_user_pages_fast(uaddr, npages, flags, vf->pages);
}

/* Returns the number of pages that were pinned, or a negative errno. */
static int vhost_vdpa_pin_batch(struct vhost_vdpa_pin *pin, u64 uaddr,
				u64 npages)
{
	struct vhost_vdpa_file *vf = pin->vf;
	unsigned int flags = FOLL_LONGTERM, taken = 0;
	int nr, err;

	if (pin->perm & VHOST_MAP_WO)
		flags |= FOLL_WRITE;
	nr = vhost_vdpa_pin_pages(vf, uaddr, min(npages, VHOST_VDPA_PIN_BATCH),
				  flags);
	if (nr <= 0)
		return nr ?: -EFAULT;

	err = vhost_vdpa_lock(vf);
	if (!err) {
		taken = vhost_vdpa_pin_take(pin, vf->pages, nr, &err);
		vhost_vdpa_unlock(vf);
	}
	if (!err)
		return nr;
	unpin_user_pages(vf->pages + taken, nr - taken);
	return err;
}

static int vhost_vdpa_pin_all(struct vhost_vdpa_pin *pin, u64 uaddr, u64 npages)
{
	int ret;

	while (npages) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		ret = vhost_vdpa_pin_batch(pin, uaddr, npages);
		if (ret < 0)
			return ret;
		uaddr += (u64)ret << PAGE_SHIFT;
		npages -= ret;
	}
	return 0;
}

static int vhost_vdpa_pin_commit(struct vhost_vdpa_pin *pin)
{
	int err;

	err = vhost_vdpa_lock(pin->vf);
	if (err)
		return err;
	err = vhost_vdpa_pin_map(pin) ?:
	      vhost_vdpa_map_commit(pin->vf, pin->as);
	vhost_vdpa_unlock(pin->vf);
	return err;
}

/* What was mapped went with the device, if that is gone. */
static void vhost_vdpa_pin_abort(struct vhost_vdpa_pin *pin, u64 iova)
{
	if (pin->npages)
		unpin_user_page_range_dirty_lock(pfn_to_page(pin->pfn),
						 pin->npages, false);
	vhost_vdpa_uncharge(pin->vf, pin->owed);

	if (pin->iova == iova || vhost_vdpa_lock(pin->vf))
		return;
	vhost_vdpa_map_undo(pin->vf, pin->as, iova, pin->iova - 1);
	vhost_vdpa_unlock(pin->vf);
}

static int vhost_vdpa_pin_prepare(struct vhost_vdpa_file *vf, u64 npages)
{
	int err;

	if (!vf->pages)
		vf->pages = (struct page **)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vf->pages)
		return -ENOMEM;
	/* A batch that replaces mappings need not have room for both. */
	err = vhost_vdpa_charge(vf, npages);
	if (err && vhost_vdpa_map_settle(vf))
		err = vhost_vdpa_charge(vf, npages);
	return err;
}

/**
 * vhost_vdpa_map_pinned - pin memory of the opener and map it
 * @vf: the opener, whose mm is the current one
 * @as: the address space
 * @msg: what, checked
 *
 * Context: may sleep, &vhost_vdpa_file.request_lock held.
 * Return: 0, or a negative errno with all as it was: -ENOMEM also beyond
 * RLIMIT_MEMLOCK, -EFAULT for memory that cannot be pinned, -EINTR if killed,
 * -ENODEV, what the parent or the IOMMU returns.
 */
int vhost_vdpa_map_pinned(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
			  const struct vhost_iotlb_msg *msg)
{
	u64 npages = msg->size >> PAGE_SHIFT;
	struct vhost_vdpa_pin pin = {
		.vf = vf,
		.as = as,
		.iova = msg->iova,
		.owed = npages,
		.perm = msg->perm,
	};
	int err;

	lockdep_assert_held(&vf->request_lock);
	err = vhost_vdpa_pin_prepare(vf, npages);
	if (err)
		return err;
	err = vhost_vdpa_pin_all(&pin, msg->uaddr, npages) ?:
	      vhost_vdpa_pin_commit(&pin);
	if (err)
		vhost_vdpa_pin_abort(&pin, msg->iova);
	return err;
}
