/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vDPA device as a virtio device of this host
 *
 * Callbacks of the parent come in any context, and from a parent that went
 * wrong at any time. Each runs in an RCU read-side section. One for a queue
 * goes on only while the device runs and the queue is there, so that whoever
 * took one of these back, and waited for a grace period, has seen the last.
 */
#ifndef _VIRTIO_VDPA_H
#define _VIRTIO_VDPA_H

#include <linux/rcupdate.h>
#include <linux/vdpa.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

struct virtio_vdpa;

/**
 * struct virtio_vdpa_vq - whom the parent tells of used buffers of a queue
 * @vt: the device; immutable
 * @vq: the queue; NULL unless the device may use it
 */
struct virtio_vdpa_vq {
	struct virtio_vdpa *vt;
	struct virtqueue __rcu *vq;
};

/**
 * struct virtio_vdpa - a virtio device on top of a vDPA device
 * @virtio: the virtio device; its references are those of this structure
 * @vdev: the vDPA device; immutable, and only to be used until the bus driver
 *	is taken off it
 * @config_size: length of the configuration space in bytes; immutable
 * @running: DRIVER_OK was set and no reset since
 * @dead: the last reset failed: nothing must be expected from the device, and
 *	until a reset succeeds nothing is asked of it but to stop its queues
 * @nvqs: length of @vqs; immutable
 * @vqs: by index of the queue
 *
 * The virtio driver calls the ops that write to @running, @dead and @vqs one
 * at a time (linux/virtio_config.h).
 */
struct virtio_vdpa {
	struct virtio_device virtio;
	struct vdpa_device *vdev;
	size_t config_size;
	bool running;
	bool dead;
	unsigned int nvqs;
	struct virtio_vdpa_vq vqs[] __counted_by(nvqs);
};

static inline struct virtio_vdpa *virtio_to_vt(struct virtio_device *virtio)
{
	return container_of(virtio, struct virtio_vdpa, virtio);
}

/* config.c */
extern const struct virtio_config_ops virtio_vdpa_config_ops;
void virtio_vdpa_leave(struct virtio_vdpa *vt);
bool virtio_vdpa_answers(struct virtio_vdpa *vt);

/* vq.c */
int virtio_vdpa_find_vqs(struct virtio_device *virtio, unsigned int nvqs,
			 struct virtqueue *vqs[],
			 struct virtqueue_info vqs_info[],
			 struct irq_affinity *desc);
void virtio_vdpa_del_vqs(struct virtio_device *virtio);
int virtio_vdpa_disable_vq_and_reset(struct virtqueue *vq);
int virtio_vdpa_enable_vq_after_reset(struct virtqueue *vq);

#endif /* _VIRTIO_VDPA_H */
