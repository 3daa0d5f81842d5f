// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells mapped into user space: page N is that of queue N
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/nospec.h>

#include "vhost_vdpa.h"

/* Where it is; all zero if it has none, or none that fills a page of its own */
static struct vdpa_notification_area
vhost_vdpa_doorbell(struct vhost_vdpa *vv, unsigned long index)
{
	struct vdpa_device *vdev = vv->bell_vdev;
	struct vdpa_notification_area none = {}, area;

	lockdep_assert_held(&vv->bell_lock);
	if (!vdev->config->get_vq_notification || index >= vdev->nvqs)
		return none;
	index = array_index_nospec(index, vdev->nvqs);
	area = vdev->config->get_vq_notification(vdev, index);
	return PAGE_ALIGNED(area.addr) && area.size == PAGE_SIZE ? area : none;
}

static vm_fault_t vhost_vdpa_doorbell_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vhost_vdpa_file *vf = vma->vm_file->private_data;
	struct vhost_vdpa *vv = vf->vv;
	struct vdpa_notification_area area;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	mutex_lock(&vv->bell_lock);
	if (vv->bell_vdev) {
		area = vhost_vdpa_doorbell(vv, vma->vm_pgoff);
		if (area.size)
			ret = vmf_insert_pfn(vma, vma->vm_start,
					     PHYS_PFN(area.addr));
	}
	mutex_unlock(&vv->bell_lock);
	return ret;
}

static const struct vm_operations_struct vhost_vdpa_doorbell_ops = {
	.fault = vhost_vdpa_doorbell_fault,
};

static int vhost_vdpa_doorbell_check(struct vhost_vdpa *vv, unsigned long index)
{
	int err = -ENODEV;

	mutex_lock(&vv->bell_lock);
	if (vv->bell_vdev) {
		err = index < vv->bell_vdev->nvqs ? 0 : -EINVAL;
		if (!err && !vhost_vdpa_doorbell(vv, index).size)
			err = -EOPNOTSUPP;
	}
	mutex_unlock(&vv->bell_lock);
	return err;
}

/**
 * vhost_vdpa_mmap - map the doorbell of a queue
 * @file: the character device
 * @vma: one page, shared, writable and not readable; its offset in pages is the
 *	index of the queue
 *
 * Context: may sleep, mmap_lock held for writing.
 * Return: 0; -EINVAL for another kind of mapping or an index too high;
 * -EOPNOTSUPP for a queue without a doorbell on a page of its own; -ENODEV.
 */
int vhost_vdpa_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vhost_vdpa_file *vf = file->private_data;
	int err;

	if (vma_pages(vma) != 1 || !(vma->vm_flags & VM_SHARED) ||
	    vma->vm_flags & VM_READ)
		return -EINVAL;
	err = vhost_vdpa_doorbell_check(vf->vv, vma->vm_pgoff);
	if (err)
		return err;

	vm_flags_mod(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYREAD | VM_MAYEXEC);
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	vma->vm_ops = &vhost_vdpa_doorbell_ops;
	return 0;
}

void vhost_vdpa_doorbells_init(struct vhost_vdpa *vv, struct vdpa_device *vdev)
{
	mutex_init(&vv->bell_lock);
	vv->bell_vdev = vdev;
}

/**
 * vhost_vdpa_doorbells_stop - the device goes: nobody reaches its doorbells
 * @vv: the device
 *
 * Touching a page that was mapped is SIGBUS from now on.
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 */
void vhost_vdpa_doorbells_stop(struct vhost_vdpa *vv)
{
	lockdep_assert_held(&vv->lock);
	mutex_lock(&vv->bell_lock);
	vv->bell_vdev = NULL;
	mutex_unlock(&vv->bell_lock);

	/* After that, no fault can bring a page back. */
	if (vv->vf)
		unmap_mapping_range(vv->vf->mapping, 0, 0, 1);
}
