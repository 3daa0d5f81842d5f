// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the opener, for devices that are given user addresses
 *
 * Nothing is pinned. A device that does not use the opener's mm reaches memory
 * through the files behind it, and so only what is a shared mapping of one. Other
 * memory stays a hole for it: virtual machines map all they have, firmware and
 * video memory included, and never point a virtqueue there.
 */
#include <linux/file.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <uapi/linux/vhost_types.h>

#include "vhost_vdpa.h"

/**
 * struct vhost_vdpa_user_va - a piece of user memory
 * @entry: until it is mapped
 * @uaddr: where it begins
 * @size: in bytes
 * @map: what the parent is given; its file is NULL if none is behind it
 */
struct vhost_vdpa_user_va {
	struct list_head entry;
	u64 uaddr;
	u64 size;
	struct vdpa_map_file map;
};

/**
 * vhost_vdpa_user_va_put - let go of a piece
 * @opaque: &vhost_vdpa_user_va.map
 *
 * Context: may sleep.
 */
void vhost_vdpa_user_va_put(void *opaque)
{
	struct vhost_vdpa_user_va *va =
		container_of(opaque, struct vhost_vdpa_user_va, map);

	if (va->map.file)
		fput(va->map.file);
	kfree(va);
}

static int vhost_vdpa_user_va_check(const struct vm_area_struct *vma, u32 perm)
{
	if (!vma)
		return -EFAULT;
	if ((perm & VHOST_ACCESS_RO && !(vma->vm_flags & VM_READ)) ||
	    (perm & VHOST_ACCESS_WO && !(vma->vm_flags & VM_WRITE)))
		return -EFAULT;
	return 0;
}

static bool vhost_vdpa_user_va_reachable(struct vhost_vdpa_file *vf,
					 const struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return false;
	return vf->bound || (vma->vm_flags & VM_SHARED && vma->vm_file);
}

static struct vhost_vdpa_user_va *
vhost_vdpa_user_va_alloc(const struct vm_area_struct *vma, u64 uaddr, u64 size)
{
	struct vhost_vdpa_user_va *va;

	va = kzalloc(sizeof(*va), GFP_KERNEL_ACCOUNT);
	if (!va)
		return NULL;
	va->uaddr = uaddr;
	va->size = size;
	if (vma->vm_flags & VM_SHARED && vma->vm_file) {
		va->map.file = get_file(vma->vm_file);
		va->map.offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + uaddr -
				 vma->vm_start;
	}
	return va;
}

static void vhost_vdpa_user_va_drop(struct list_head *list)
{
	struct vhost_vdpa_user_va *va, *next;

	list_for_each_entry_safe(va, next, list, entry)
		vhost_vdpa_user_va_put(&va->map);
}

/* All of the memory that the device can reach, piece by piece, or nothing */
static int vhost_vdpa_user_va_collect(struct vhost_vdpa_file *vf,
				      const struct vhost_iotlb_msg *msg,
				      struct list_head *list)
{
	u64 uaddr = msg->uaddr, left = msg->size, size;
	struct vhost_vdpa_user_va *va;
	struct vm_area_struct *vma;
	int err = 0;

	if (mmap_read_lock_killable(vf->mm))
		return -EINTR;
	while (left) {
		vma = vma_lookup(vf->mm, uaddr);
		err = vhost_vdpa_user_va_check(vma, msg->perm);
		if (err)
			break;
		size = min(left, vma->vm_end - uaddr);
		if (vhost_vdpa_user_va_reachable(vf, vma)) {
			va = vhost_vdpa_user_va_alloc(vma, uaddr, size);
			if (!va) {
				err = -ENOMEM;
				break;
			}
			list_add_tail(&va->entry, list);
		}
		uaddr += size;
		left -= size;
	}
	mmap_read_unlock(vf->mm);
	return err;
}

/* Each piece that was mapped leaves the list. */
static int vhost_vdpa_user_va_map(struct vhost_vdpa_file *vf,
				  struct vhost_vdpa_as *as,
				  const struct vhost_iotlb_msg *msg,
				  struct list_head *list)
{
	struct vhost_vdpa_user_va *va, *next;
	int err = 0;

	list_for_each_entry_safe(va, next, list, entry) {
		err = vhost_vdpa_map_add(vf, as,
					 msg->iova + (va->uaddr - msg->uaddr),
					 va->size, va->uaddr, msg->perm,
					 &va->map);
		if (err)
			break;
		list_del(&va->entry);
	}
	if (!err)
		err = vhost_vdpa_map_commit(vf, as);
	if (err)
		vhost_vdpa_map_undo(vf, as, msg->iova,
				    msg->iova + msg->size - 1);
	return err;
}

/**
 * vhost_vdpa_map_user_va - map memory of the opener without pinning it
 * @vf: the opener, whose mm is the current one
 * @as: the address space
 * @msg: what, checked
 *
 * Context: may sleep, &vhost_vdpa_file.request_lock held.
 * Return: 0, or a negative errno with all as it was: -EFAULT for a hole or
 * memory that lacks a permission; -EINTR if killed; -ENOSPC for too many pieces;
 * -ENOMEM; -ENODEV; what the parent returns.
 */
int vhost_vdpa_map_user_va(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
			   const struct vhost_iotlb_msg *msg)
{
	LIST_HEAD(list);
	int err;

	lockdep_assert_held(&vf->request_lock);
	err = vhost_vdpa_user_va_collect(vf, msg, &list);
	if (!err)
		err = vhost_vdpa_lock(vf);
	if (!err) {
		err = vhost_vdpa_user_va_map(vf, as, msg, &list);
		vhost_vdpa_unlock(vf);
	}
	vhost_vdpa_user_va_drop(&list);
	return err;
}
