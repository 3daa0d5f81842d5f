// SPDX-License-Identifier: GPL-2.0
/*
 * What a virtio driver asks of the device itself: features, status,
 * configuration space
 */
#include <linux/iommu.h>
#include <linux/string.h>
#include <linux/virtio_ring.h>

#include "virtio_vdpa.h"

/* The parent need not fill in what it has not: that must not be our stack. */
static void virtio_vdpa_get(struct virtio_device *virtio, unsigned int offset,
			    void *buf, unsigned int len)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);

	memset(buf, 0, len);
	if (vt->dead || offset >= vt->config_size)
		return;
	len = min_t(size_t, len, vt->config_size - offset);
	vdpa_get_config(vt->vdev, offset, buf, len);
}

static void virtio_vdpa_set(struct virtio_device *virtio, unsigned int offset,
			    const void *buf, unsigned int len)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);

	if (vt->dead)
		return;
	if (offset > vt->config_size || len > vt->config_size - offset) {
		dev_warn_once(&virtio->dev,
			      "configuration space ends at %zu: %u bytes at %u not written\n",
			      vt->config_size, len, offset);
		return;
	}
	vdpa_set_config(vt->vdev, offset, buf, len);
}

static u32 virtio_vdpa_generation(struct virtio_device *virtio)
{
	struct vdpa_device *vdev = virtio_to_vt(virtio)->vdev;

	return vdev->config->get_generation ?
	       vdev->config->get_generation(vdev) : 0;
}

static irqreturn_t virtio_vdpa_config_changed(void *data)
{
	struct virtio_vdpa *vt = data;

	vdpa_count_config_interrupt(vt->vdev);
	rcu_read_lock();
	virtio_config_changed(&vt->virtio);
	rcu_read_unlock();
	return IRQ_HANDLED;
}

/**
 * virtio_vdpa_leave - leave the vDPA device as it was found
 * @vt: the device, with no virtio driver
 *
 * A virtio driver resets its device, but where there was none, or it failed,
 * the status shows that somebody looked at it. Of a device off its bus, which
 * reads as all ones, no reset must be expected. On return no callback runs.
 *
 * Context: may sleep.
 */
void virtio_vdpa_leave(struct virtio_vdpa *vt)
{
	const struct vdpa_config_ops *ops = vt->vdev->config;
	struct vdpa_callback none = {};
	u8 status;

	status = vt->dead ? 0 : ops->get_status(vt->vdev);
	if (status && status != U8_MAX)
		vdpa_reset(vt->vdev, 0);
	ops->set_config_cb(vt->vdev, &none);
	synchronize_rcu();
}

/* A driver has to find a device that failed to reset as it left it: reset. */
static u8 virtio_vdpa_get_status(struct virtio_device *virtio)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);

	return vt->dead ? 0 : vt->vdev->config->get_status(vt->vdev);
}

/**
 * virtio_vdpa_answers - does the device still do what its driver expects?
 * @vt: the device
 *
 * A driver waits for the buffers it gave to the device. Of one that needs a
 * reset, forgot that it was to run, or is off its bus, which reads as all ones,
 * it would wait forever.
 *
 * Context: any in which the get_status op of the parent may be called.
 * Return: whether buffers may still come back.
 */
bool virtio_vdpa_answers(struct virtio_vdpa *vt)
{
	u8 status;

	if (vt->dead)
		return false;
	if (!vt->running)
		return true;
	status = vt->vdev->config->get_status(vt->vdev);
	return (status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       !(status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void virtio_vdpa_set_status(struct virtio_device *virtio, u8 status)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);

	if (vt->dead)
		return;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK)
		WRITE_ONCE(vt->running, true);
	vdpa_set_status(vt->vdev, status);
	if (virtio_vdpa_answers(vt))
		return;
	dev_err(&virtio->dev, "device does not start\n");
	virtio_break_device(virtio);
}

static void virtio_vdpa_reset(struct virtio_device *virtio)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);
	bool was_running = vt->running;
	int err;

	WRITE_ONCE(vt->running, false);
	err = vdpa_reset(vt->vdev, 0);
	vt->dead = err;
	if (err)
		dev_err(&virtio->dev, "device fails to reset: %d\n", err);
	/* The driver frees next what callbacks use. */
	if (was_running)
		synchronize_rcu();
}

static u64 virtio_vdpa_get_features(struct virtio_device *virtio)
{
	struct vdpa_device *vdev = virtio_to_vt(virtio)->vdev;

	return vdev->config->get_device_features(vdev);
}

static bool virtio_vdpa_dma_translated(struct device *dma_dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dma_dev);

	return domain && domain->type != IOMMU_DOMAIN_IDENTITY;
}

/*
 * Takes what the ring library can, and of that what the parent has ops for. To
 * reset a single queue is not the library's but ours.
 */
static void virtio_vdpa_trim_features(struct virtio_vdpa *vt)
{
	const struct vdpa_config_ops *ops = vt->vdev->config;
	struct virtio_device *virtio = &vt->virtio;
	bool ring_reset = __virtio_test_bit(virtio, VIRTIO_F_RING_RESET);

	vring_transport_features(virtio);
	if (ring_reset && ops->reset_vq)
		__virtio_set_bit(virtio, VIRTIO_F_RING_RESET);
	if (!ops->kick_vq_with_data)
		__virtio_clear_bit(virtio, VIRTIO_F_NOTIFICATION_DATA);
}

static int virtio_vdpa_finalize_features(struct virtio_device *virtio)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);
	struct vdpa_callback cb = {
		.callback = virtio_vdpa_config_changed,
		.private = vt,
	};

	if (vt->dead)
		return -EIO;
	virtio_vdpa_trim_features(vt);

	/* The areas of a queue are set one by one: not what legacy rings are. */
	if (!__virtio_test_bit(virtio, VIRTIO_F_VERSION_1)) {
		dev_err(&virtio->dev, "device lacks VIRTIO_F_VERSION_1\n");
		return -EINVAL;
	}
	if (!__virtio_test_bit(virtio, VIRTIO_F_ACCESS_PLATFORM) &&
	    virtio_vdpa_dma_translated(virtio->dev.parent)) {
		dev_err(&virtio->dev,
			"device behind an IOMMU lacks VIRTIO_F_ACCESS_PLATFORM\n");
		return -EINVAL;
	}
	/* A reset made the parent forget it. */
	vt->vdev->config->set_config_cb(vt->vdev, &cb);
	return vdpa_set_features(vt->vdev, virtio->features);
}

static const char *virtio_vdpa_bus_name(struct virtio_device *virtio)
{
	return dev_name(&virtio_to_vt(virtio)->vdev->dev);
}

static int virtio_vdpa_set_vq_affinity(struct virtqueue *vq,
				       const struct cpumask *mask)
{
	struct vdpa_device *vdev = virtio_to_vt(vq->vdev)->vdev;

	if (!vdev->config->set_vq_affinity)
		return 0;
	return vdev->config->set_vq_affinity(vdev, vq->index, mask);
}

static const struct cpumask *
virtio_vdpa_get_vq_affinity(struct virtio_device *virtio, int index)
{
	struct virtio_vdpa *vt = virtio_to_vt(virtio);
	const struct vdpa_config_ops *ops = vt->vdev->config;

	if (!ops->get_vq_affinity || index < 0 || index >= vt->nvqs)
		return NULL;
	return ops->get_vq_affinity(vt->vdev, index);
}

const struct virtio_config_ops virtio_vdpa_config_ops = {
	.get = virtio_vdpa_get,
	.set = virtio_vdpa_set,
	.generation = virtio_vdpa_generation,
	.get_status = virtio_vdpa_get_status,
	.set_status = virtio_vdpa_set_status,
	.reset = virtio_vdpa_reset,
	.find_vqs = virtio_vdpa_find_vqs,
	.del_vqs = virtio_vdpa_del_vqs,
	.get_features = virtio_vdpa_get_features,
	.finalize_features = virtio_vdpa_finalize_features,
	.bus_name = virtio_vdpa_bus_name,
	.set_vq_affinity = virtio_vdpa_set_vq_affinity,
	.get_vq_affinity = virtio_vdpa_get_vq_affinity,
	.disable_vq_and_reset = virtio_vdpa_disable_vq_and_reset,
	.enable_vq_after_reset = virtio_vdpa_enable_vq_after_reset,
};
