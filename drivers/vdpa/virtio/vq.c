// SPDX-License-Identifier: GPL-2.0
/*
 * Virtqueues: made, handed to the device, taken back
 */
#include <linux/group_cpus.h>
#include <linux/interrupt.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/virtio_ring.h>

#include "virtio_vdpa.h"

/* virtio 1.3, 2.7 and 2.8.10.1 */
#define VIRTIO_VDPA_VQ_NUM_MAX	32768U

/**
 * struct virtio_vdpa_layout - what a ring may look like
 * @min: smallest size in descriptors
 * @max: largest size in descriptors
 * @align: of the ring, in bytes
 */
struct virtio_vdpa_layout {
	u32 min;
	u32 max;
	u32 align;
};

static bool virtio_vdpa_kick(struct virtqueue *vq)
{
	vdpa_kick_vq(virtio_to_vt(vq->vdev)->vdev, vq->index);
	return true;
}

static bool virtio_vdpa_kick_with_data(struct virtqueue *vq)
{
	vdpa_kick_vq_with_data(virtio_to_vt(vq->vdev)->vdev, vq->index,
			       vring_notification_data(vq));
	return true;
}

static irqreturn_t virtio_vdpa_vq_used(void *data)
{
	struct virtio_vdpa_vq *entry = data;
	struct virtio_vdpa *vt = entry->vt;
	irqreturn_t ret = IRQ_NONE;
	struct virtqueue *vq;

	vdpa_count_interrupt(vt->vdev, entry - vt->vqs);
	rcu_read_lock();
	vq = rcu_dereference(entry->vq);
	if (vq && READ_ONCE(vt->running))
		ret = vring_interrupt(0, vq);
	rcu_read_unlock();
	return ret;
}

/*
 * What the parent says may come from a program: a ring laid out by an
 * alignment of 0 would overlap itself.
 */
static int virtio_vdpa_vq_layout(struct virtio_vdpa *vt, u16 idx,
				 struct virtio_vdpa_layout *layout)
{
	const struct vdpa_config_ops *ops = vt->vdev->config;
	struct vdpa_device *vdev = vt->vdev;

	layout->max = ops->get_vq_num_max(vdev);
	if (ops->get_vq_size)
		layout->max = min_t(u32, layout->max,
				    ops->get_vq_size(vdev, idx));
	if (!layout->max)
		return -ENOENT;
	layout->max = min(layout->max, VIRTIO_VDPA_VQ_NUM_MAX);
	if (!virtio_has_feature(&vt->virtio, VIRTIO_F_RING_PACKED))
		layout->max = rounddown_pow_of_two(layout->max);

	layout->min = ops->get_vq_num_min ? ops->get_vq_num_min(vdev) : 1;
	layout->align = ops->get_vq_align(vdev);
	if (layout->min > layout->max || !is_power_of_2(layout->align) ||
	    layout->align > PAGE_SIZE)
		return -EINVAL;
	/* What the device makes do with may be less than virtio asks for. */
	layout->align = max(layout->align, VRING_USED_ALIGN_SIZE);
	return 0;
}

static struct device *virtio_vdpa_vq_dma_dev(struct virtio_vdpa *vt, u16 idx)
{
	const struct vdpa_config_ops *ops = vt->vdev->config;
	struct device *dma_dev = NULL;

	if (ops->get_vq_dma_dev)
		dma_dev = ops->get_vq_dma_dev(vt->vdev, idx);
	return dma_dev ?: vt->virtio.dev.parent;
}

/* Parents that do not say what they reach would make the DMA API complain. */
static bool virtio_vdpa_can_dma(struct virtio_vdpa *vt, struct device *dma_dev)
{
	return virtio_has_dma_quirk(&vt->virtio) ||
	       (dma_dev->dma_mask && *dma_dev->dma_mask &&
		dma_dev->coherent_dma_mask);
}

static struct virtqueue *
virtio_vdpa_create_vq(struct virtio_vdpa *vt, unsigned int idx,
		      const struct virtqueue_info *info)
{
	struct virtio_vdpa_layout layout;
	struct device *dma_dev;
	struct virtqueue *vq;
	bool with_data;
	int err;

	if (idx >= vt->nvqs)
		return ERR_PTR(-ENOENT);
	err = virtio_vdpa_vq_layout(vt, idx, &layout);
	if (err)
		return ERR_PTR(err);
	dma_dev = virtio_vdpa_vq_dma_dev(vt, idx);
	if (!virtio_vdpa_can_dma(vt, dma_dev)) {
		dev_err(&vt->virtio.dev, "%s is not set up for DMA\n",
			dev_name(dma_dev));
		return ERR_PTR(-EINVAL);
	}

	with_data = virtio_has_feature(&vt->virtio, VIRTIO_F_NOTIFICATION_DATA);
	vq = vring_create_virtqueue_dma(idx, layout.max, layout.align,
					&vt->virtio, true,
					layout.max > layout.min, info->ctx,
					with_data ? virtio_vdpa_kick_with_data :
					virtio_vdpa_kick,
					info->callback, info->name,
					dma_dev);
	if (!vq)
		return ERR_PTR(-ENOMEM);
	if (virtqueue_get_vring_size(vq) < layout.min) {
		vring_del_virtqueue(vq);
		return ERR_PTR(-ENOMEM);
	}
	vq->num_max = layout.max;
	return vq;
}

/*
 * A queue begins where a reset leaves it. A parent that cannot set a state at
 * all leaves it there as well.
 */
static int virtio_vdpa_vq_set_state(struct virtio_vdpa *vt, u16 idx)
{
	struct vdpa_vq_state state = {};
	int err;

	if (virtio_has_feature(&vt->virtio, VIRTIO_F_RING_PACKED)) {
		state.packed.last_avail_counter = 1;
		state.packed.last_used_counter = 1;
	}
	err = vt->vdev->config->set_vq_state(vt->vdev, idx, &state);
	return err == -EOPNOTSUPP ? 0 : err;
}

/* Hands a queue to the device. */
static int virtio_vdpa_start_vq(struct virtio_vdpa *vt, struct virtqueue *vq)
{
	struct virtio_vdpa_vq *entry = &vt->vqs[vq->index];
	const struct vdpa_config_ops *ops = vt->vdev->config;
	struct vdpa_device *vdev = vt->vdev;
	struct vdpa_callback cb = {};
	u16 idx = vq->index;
	int err;

	/* Without one the device needs no interrupt for the queue. */
	if (vq->callback) {
		cb.callback = virtio_vdpa_vq_used;
		cb.private = entry;
	}
	ops->set_vq_cb(vdev, idx, &cb);
	vdpa_set_vq_num(vdev, idx, virtqueue_get_vring_size(vq));
	err = ops->set_vq_address(vdev, idx, virtqueue_get_desc_addr(vq),
				  virtqueue_get_avail_addr(vq),
				  virtqueue_get_used_addr(vq));
	if (err)
		return err;
	err = virtio_vdpa_vq_set_state(vt, idx);
	if (err)
		return err;

	rcu_assign_pointer(entry->vq, vq);
	return vdpa_set_vq_ready(vdev, idx, true) ? 0 : -EIO;
}

/* A reset did that already, but not every way to here goes by one. */
static void virtio_vdpa_stop_vq(struct virtio_vdpa *vt, struct virtqueue *vq)
{
	const struct vdpa_config_ops *ops = vt->vdev->config;
	struct vdpa_callback none = {};

	if (ops->get_vq_ready(vt->vdev, vq->index))
		vdpa_set_vq_ready(vt->vdev, vq->index, false);
	ops->set_vq_cb(vt->vdev, vq->index, &none);
	RCU_INIT_POINTER(vt->vqs[vq->index].vq, NULL);
}

/**
 * virtio_vdpa_del_vqs - see del_vqs of &struct virtio_config_ops
 * @virtio: the virtio device
 *
 * Context: may sleep.
 */
void virtio_vdpa_del_vqs(struct virtio_device *virtio)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);
	struct virtqueue *vq, *next;

	list_for_each_entry(vq, &virtio->vqs, list)
		virtio_vdpa_stop_vq(vt, vq);
	/* Otherwise the reset waited for callbacks. */
	if (vt->running)
		synchronize_rcu();
	list_for_each_entry_safe(vq, next, &virtio->vqs, list)
		vring_del_virtqueue(vq);
}

/**
 * virtio_vdpa_disable_vq_and_reset - see &struct virtio_config_ops
 * @vq: a queue of a running device, which nobody uses meanwhile
 *
 * On return neither the device nor a callback uses the queue.
 *
 * Context: may sleep.
 * Return: 0; -ENOENT if that was not agreed on; -EIO if the device does not
 * work; or an errno of the parent, with the queue as it was.
 */
int virtio_vdpa_disable_vq_and_reset(struct virtqueue *vq)
{
	struct virtio_vdpa *vt = virtio_to_vt(vq->vdev);
	int err;

	if (!virtio_has_feature(vq->vdev, VIRTIO_F_RING_RESET))
		return -ENOENT;
	if (!virtio_vdpa_answers(vt))
		return -EIO;
	err = vdpa_reset_vq(vt->vdev, vq->index);
	if (err)
		return err;
	RCU_INIT_POINTER(vt->vqs[vq->index].vq, NULL);
	synchronize_rcu();
	return 0;
}

/**
 * virtio_vdpa_enable_vq_after_reset - see &struct virtio_config_ops
 * @vq: a queue that was reset, with a ring that may be another than before
 *
 * Context: may sleep.
 * Return: 0; -EIO if the device does not work; or an errno of the parent, with
 * the queue reset.
 */
int virtio_vdpa_enable_vq_after_reset(struct virtqueue *vq)
{
	struct virtio_vdpa *vt = virtio_to_vt(vq->vdev);
	int err;

	if (!virtio_vdpa_answers(vt))
		return -EIO;
	err = virtio_vdpa_start_vq(vt, vq);
	if (err)
		virtio_vdpa_stop_vq(vt, vq);
	return err;
}

/* Spreads the queues from @first on over all CPUs. */
static int virtio_vdpa_spread_set(struct virtio_vdpa *vt, unsigned int first,
				  unsigned int nvqs)
{
	struct vdpa_device *vdev = vt->vdev;
	struct cpumask *masks;
	unsigned int i;

	masks = group_cpus_evenly(nvqs);
	if (!masks)
		return -ENOMEM;
	/*
	 * Only hints: a device that does not take one works as well. With more
	 * queues than CPUs some of them have none of their own.
	 */
	for (i = 0; i < nvqs; i++)
		if (!cpumask_empty(&masks[i]))
			vdev->config->set_vq_affinity(vdev, first + i,
						      &masks[i]);
	kfree(masks);
	return 0;
}

/*
 * As a transport with an interrupt for each queue would: some queues in front
 * and at the end are left out, each set of those between is spread on its own.
 */
static int virtio_vdpa_spread_vqs(struct virtio_vdpa *vt, unsigned int nvqs,
				  const struct irq_affinity *desc)
{
	struct irq_affinity affd;
	unsigned int i, first, end;
	int err = 0;

	if (!desc || !vt->vdev->config->set_vq_affinity)
		return 0;
	affd = *desc;
	if (nvqs <= affd.pre_vectors || nvqs - affd.pre_vectors <= affd.post_vectors)
		return 0;
	first = affd.pre_vectors;
	end = nvqs - affd.post_vectors;

	if (affd.calc_sets) {
		affd.calc_sets(&affd, end - first);
	} else {
		affd.nr_sets = 1;
		affd.set_size[0] = end - first;
	}
	if (affd.nr_sets > IRQ_AFFINITY_MAX_SETS)
		return -EINVAL;
	for (i = 0; i < affd.nr_sets && !err; i++) {
		if (affd.set_size[i] > end - first)
			return -EINVAL;
		if (affd.set_size[i])
			err = virtio_vdpa_spread_set(vt, first, affd.set_size[i]);
		first += affd.set_size[i];
	}
	return err;
}

/**
 * virtio_vdpa_find_vqs - see find_vqs of &struct virtio_config_ops
 * @virtio: the virtio device
 * @nvqs: length of @vqs and of @vqs_info
 * @vqs: where to put the queues
 * @vqs_info: what they shall be; one without a name is none, and takes no
 *	index from those that follow
 * @desc: which queues to spread over the CPUs, or NULL
 *
 * All queues are made before the device is told of one: for lack of memory it
 * need not be reset.
 *
 * Context: may sleep.
 * Return: 0; -ENOENT if the device has not so many queues; -EINVAL if what it
 * says of them cannot be; -EIO if it does not work; -ENOMEM; or an errno of the
 * parent.
 */
int virtio_vdpa_find_vqs(struct virtio_device *virtio, unsigned int nvqs,
			 struct virtqueue *vqs[],
			 struct virtqueue_info vqs_info[],
			 struct irq_affinity *desc)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);
	unsigned int i, found = 0;
	struct virtqueue *vq;
	int err = -EIO;

	if (vt->dead)
		return err;
	for (i = 0; i < nvqs; i++) {
		vqs[i] = NULL;
		if (!vqs_info[i].name)
			continue;
		vq = virtio_vdpa_create_vq(vt, found, &vqs_info[i]);
		if (IS_ERR(vq)) {
			err = PTR_ERR(vq);
			goto err_del;
		}
		vqs[i] = vq;
		found++;
	}
	err = virtio_vdpa_spread_vqs(vt, found, desc);
	if (err)
		goto err_del;
	list_for_each_entry(vq, &virtio->vqs, list) {
		err = virtio_vdpa_start_vq(vt, vq);
		if (err)
			goto err_del;
	}
	return 0;

err_del:
	virtio_vdpa_del_vqs(virtio);
	return err;
}
