// SPDX-License-Identifier: GPL-2.0
/*
 * What passes between bus drivers and devices, so that it can be watched
 */
#include <linux/overflow.h>
#include <linux/slab.h>

#include "vdpa_internal.h"

/**
 * vdpa_usage_init - get ready to count
 * @vdev: the device, being registered
 * @nvqs: number of its virtqueues
 *
 * Context: may sleep; nobody uses the device yet.
 * Return: 0 or -ENOMEM.
 */
int vdpa_usage_init(struct vdpa_device *vdev, u32 nvqs)
{
	struct vdpa_usage *usage;

	usage = kvzalloc(struct_size(usage, vqs, nvqs), GFP_KERNEL);
	if (!usage)
		return -ENOMEM;
	usage->nvqs = nvqs;
	/* From an earlier attempt to register there may be one. */
	kvfree(vdev->usage);
	vdev->usage = usage;
	return 0;
}

/**
 * vdpa_usage_reset - note that a device was reset
 * @vdev: the device
 *
 * Counters go on.
 *
 * Context: may sleep, &vdpa_device.cf_lock held for writing.
 */
void vdpa_usage_reset(struct vdpa_device *vdev)
{
	struct vdpa_usage *usage = vdev->usage;
	u32 i;

	lockdep_assert_held_write(&vdev->cf_lock);
	if (!usage)
		return;
	atomic64_inc(&usage->resets);
	for (i = 0; i < usage->nvqs; i++) {
		WRITE_ONCE(usage->vqs[i].num, 0);
		WRITE_ONCE(usage->vqs[i].ready, false);
	}
	vdpa_dev_record_note_reset(vdev->record, vdev);
}

/**
 * vdpa_set_vq_num - set the size of a queue
 * @vdev: the device
 * @idx: index of the queue
 * @num: in descriptors, within the bounds that the device gave
 *
 * Context: may sleep.
 */
void vdpa_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num)
{
	WRITE_ONCE(vdev->usage->vqs[idx].num, num);
	vdev->config->set_vq_num(vdev, idx, num);
}
EXPORT_SYMBOL_GPL(vdpa_set_vq_num);

static void vdpa_note_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready)
{
	struct vdpa_vq_usage *vq = &vdev->usage->vqs[idx];

	if (vq->ready == ready)
		return;
	WRITE_ONCE(vq->ready, ready);
	vdpa_dev_record_add_ready(vdev->record, ready ? 1 : -1);
}

/**
 * vdpa_set_vq_ready - start or stop a queue
 * @vdev: the device
 * @idx: index of the queue
 * @ready: it shall be ready
 *
 * Context: may sleep; not while the device is reset.
 * Return: whether it is: the device may decline.
 */
bool vdpa_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready)
{
	vdev->config->set_vq_ready(vdev, idx, ready);
	ready = vdev->config->get_vq_ready(vdev, idx);
	vdpa_note_vq_ready(vdev, idx, ready);
	return ready;
}
EXPORT_SYMBOL_GPL(vdpa_set_vq_ready);

/**
 * vdpa_reset_vq - reset one queue while the device goes on
 * @vdev: a device that has the op
 * @idx: index of the queue
 *
 * Context: may sleep; not while the device is reset.
 * Return: 0 or the negative errno of the parent.
 */
int vdpa_reset_vq(struct vdpa_device *vdev, u16 idx)
{
	int err = vdev->config->reset_vq(vdev, idx);

	if (err)
		return err;
	WRITE_ONCE(vdev->usage->vqs[idx].num, 0);
	vdpa_note_vq_ready(vdev, idx, false);
	return 0;
}
EXPORT_SYMBOL_GPL(vdpa_reset_vq);
