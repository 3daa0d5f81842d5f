// SPDX-License-Identifier: GPL-2.0
/*
 * A simulated device: status, features, virtqueues, configuration space
 *
 * There is no data path yet: buffers stay where the driver put them. Classes
 * must not offer anything that says otherwise.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <uapi/linux/virtio_config.h>

#include "vdpa_sim.h"

static struct vdpasim *vdpa_to_sim(struct vdpa_device *vdev)
{
	return container_of(vdev, struct vdpasim, vdpa);
}

static int vdpasim_set_vq_address(struct vdpa_device *vdev, u16 idx, u64 desc,
				  u64 driver, u64 device)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	struct vdpasim_vq *vq = &sim->vqs[idx];

	mutex_lock(&sim->lock);
	vq->desc = desc;
	vq->driver = driver;
	vq->device = device;
	mutex_unlock(&sim->lock);
	return 0;
}

static void vdpasim_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	sim->vqs[idx].num = num;
	mutex_unlock(&sim->lock);
}

static u16 vdpasim_get_vq_size(struct vdpa_device *vdev, u16 idx)
{
	return READ_ONCE(vdpa_to_sim(vdev)->vqs[idx].num);
}

static void vdpasim_kick_vq(struct vdpa_device *vdev, u16 idx)
{
	/* nothing reads the available ring yet */
}

static void vdpasim_set_vq_cb(struct vdpa_device *vdev, u16 idx,
			      struct vdpa_callback *cb)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	sim->vqs[idx].cb = *cb;
	mutex_unlock(&sim->lock);
}

static void vdpasim_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	sim->vqs[idx].ready = ready;
	mutex_unlock(&sim->lock);
}

static bool vdpasim_get_vq_ready(struct vdpa_device *vdev, u16 idx)
{
	return READ_ONCE(vdpa_to_sim(vdev)->vqs[idx].ready);
}

static int vdpasim_set_vq_state(struct vdpa_device *vdev, u16 idx,
				const struct vdpa_vq_state *state)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	int err = 0;

	mutex_lock(&sim->lock);
	if (sim->vqs[idx].ready)
		err = -EBUSY;
	else
		sim->vqs[idx].state = *state;
	mutex_unlock(&sim->lock);
	return err;
}

static int vdpasim_get_vq_state(struct vdpa_device *vdev, u16 idx,
				struct vdpa_vq_state *state)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	*state = sim->vqs[idx].state;
	mutex_unlock(&sim->lock);
	return 0;
}

static u32 vdpasim_get_vq_align(struct vdpa_device *vdev)
{
	return PAGE_SIZE;
}

static u16 vdpasim_get_vq_num_max(struct vdpa_device *vdev)
{
	return VDPASIM_VQ_SIZE_MAX;
}

static u64 vdpasim_get_device_features(struct vdpa_device *vdev)
{
	return vdpa_to_sim(vdev)->features;
}

/* virtio 1.3, 3.1.1: what was agreed on with FEATURES_OK stands */
static int vdpasim_set_driver_features(struct vdpa_device *vdev, u64 features)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	int err = 0;

	mutex_lock(&sim->lock);
	if (sim->status & VIRTIO_CONFIG_S_FEATURES_OK)
		err = -EBUSY;
	else if (features & ~sim->features)
		err = -EINVAL;
	else
		sim->driver_features = features;
	mutex_unlock(&sim->lock);
	return err;
}

static u64 vdpasim_get_driver_features(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	u64 features;

	mutex_lock(&sim->lock);
	features = sim->driver_features;
	mutex_unlock(&sim->lock);
	return features;
}

static void vdpasim_set_config_cb(struct vdpa_device *vdev,
				  struct vdpa_callback *cb)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	sim->config_cb = *cb;
	mutex_unlock(&sim->lock);
}

static u32 vdpasim_get_device_id(struct vdpa_device *vdev)
{
	return vdpa_to_sim(vdev)->class->device_id;
}

static u32 vdpasim_get_vendor_id(struct vdpa_device *vdev)
{
	return 0;
}

static u8 vdpasim_get_status(struct vdpa_device *vdev)
{
	return READ_ONCE(vdpa_to_sim(vdev)->status);
}

/*
 * virtio 1.3, 2.1 and 3.1.1: bits stay until reset; FEATURES_OK is declined
 * for features that the device cannot do without; DRIVER_OK needs FEATURES_OK.
 */
static u8 vdpasim_next_status(const struct vdpasim *sim, u8 status)
{
	status |= sim->status;
	status &= ~VIRTIO_CONFIG_S_NEEDS_RESET;
	status |= sim->status & VIRTIO_CONFIG_S_NEEDS_RESET;

	if (sim->class->required & ~sim->driver_features)
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
		status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	return status;
}

static void vdpasim_set_status(struct vdpa_device *vdev, u8 status)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	WRITE_ONCE(sim->status, vdpasim_next_status(sim, status));
	mutex_unlock(&sim->lock);
}

static void vdpasim_init_vqs(struct vdpasim *sim)
{
	unsigned int i;

	memset(sim->vqs, 0, flex_array_size(sim, vqs, sim->class->nvqs));
	for (i = 0; i < sim->class->nvqs; i++)
		sim->vqs[i].num = VDPASIM_VQ_SIZE_MAX;
}

static int vdpasim_reset(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	if (READ_ONCE(sim->mgmt->faults.fail_reset))
		return -EIO;

	mutex_lock(&sim->lock);
	WRITE_ONCE(sim->status, 0);
	sim->driver_features = 0;
	sim->config_cb = (struct vdpa_callback) {};
	vdpasim_init_vqs(sim);
	mutex_unlock(&sim->lock);
	return 0;
}

static size_t vdpasim_get_config_size(struct vdpa_device *vdev)
{
	return vdpa_to_sim(vdev)->class->config_size;
}

/* Beyond its end the configuration space reads as zeroes. */
static void vdpasim_get_config(struct vdpa_device *vdev, unsigned int offset,
			       void *buf, unsigned int len)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	size_t size = sim->class->config_size, have = 0;

	mutex_lock(&sim->lock);
	if (offset < size) {
		have = min_t(size_t, len, size - offset);
		memcpy(buf, sim->config + offset, have);
	}
	mutex_unlock(&sim->lock);
	memset(buf + have, 0, len - have);
}

/* Nothing in it is the driver's to write, for a device with VERSION_1. */
static void vdpasim_set_config(struct vdpa_device *vdev, unsigned int offset,
			       const void *buf, unsigned int len)
{
}

static u32 vdpasim_get_generation(struct vdpa_device *vdev)
{
	return READ_ONCE(vdpa_to_sim(vdev)->generation);
}

static void vdpasim_free(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_destroy(&sim->lock);
	kfree(sim->config);
}

static const struct vdpa_config_ops vdpasim_config_ops = {
	.set_vq_address = vdpasim_set_vq_address,
	.set_vq_num = vdpasim_set_vq_num,
	.kick_vq = vdpasim_kick_vq,
	.set_vq_cb = vdpasim_set_vq_cb,
	.set_vq_ready = vdpasim_set_vq_ready,
	.get_vq_ready = vdpasim_get_vq_ready,
	.set_vq_state = vdpasim_set_vq_state,
	.get_vq_state = vdpasim_get_vq_state,
	.get_vq_size = vdpasim_get_vq_size,
	.get_vq_align = vdpasim_get_vq_align,
	.get_device_features = vdpasim_get_device_features,
	.set_driver_features = vdpasim_set_driver_features,
	.get_driver_features = vdpasim_get_driver_features,
	.set_config_cb = vdpasim_set_config_cb,
	.get_vq_num_max = vdpasim_get_vq_num_max,
	.get_device_id = vdpasim_get_device_id,
	.get_vendor_id = vdpasim_get_vendor_id,
	.get_status = vdpasim_get_status,
	.set_status = vdpasim_set_status,
	.reset = vdpasim_reset,
	.get_config_size = vdpasim_get_config_size,
	.get_config = vdpasim_get_config,
	.set_config = vdpasim_set_config,
	.get_generation = vdpasim_get_generation,
	.free = vdpasim_free,
};

/* The features asked for, or all there are. */
static int vdpasim_init_features(struct vdpasim *sim,
				 const struct vdpa_dev_set_config *config)
{
	const struct vdpasim_class *class = sim->class;

	sim->features = class->features;
	if (!(config->mask & BIT_ULL(VDPA_ATTR_DEV_FEATURES)))
		return 0;

	sim->features = config->device_features;
	if (sim->features & ~class->features) {
		NL_SET_ERR_MSG(config->extack,
			       "Features are not supported by the class");
		return -EINVAL;
	}
	if (class->required & ~sim->features) {
		NL_SET_ERR_MSG(config->extack,
			       "Features VERSION_1 and ACCESS_PLATFORM cannot be left out");
		return -EINVAL;
	}
	return 0;
}

/**
 * vdpasim_alloc - make a simulated device, ready to be registered
 * @mgmt: its management device
 * @name: its name, NULL for the first free "vdpaN"
 * @class: its class
 * @config: its attributes
 *
 * Context: may sleep.
 * Return: the device, to be given up with put_device() while not registered,
 * or an ERR_PTR: -EINVAL for attributes that do not go together, -ENOMEM.
 */
struct vdpasim *vdpasim_alloc(struct vdpasim_mgmt *mgmt, const char *name,
			      const struct vdpasim_class *class,
			      const struct vdpa_dev_set_config *config)
{
	struct vdpa_device *vdev;
	struct vdpasim *sim;
	int err;

	vdev = __vdpa_alloc_device(mgmt->mdev.device, &vdpasim_config_ops, 1, 1,
				   struct_size(sim, vqs, class->nvqs), name,
				   false);
	if (IS_ERR(vdev))
		return ERR_CAST(vdev);

	sim = vdpa_to_sim(vdev);
	mutex_init(&sim->lock);
	sim->class = class;
	sim->mgmt = mgmt;
	vdev->mdev = &mgmt->mdev;
	vdev->dma_dev = &vdev->dev;
	vdpasim_init_vqs(sim);

	err = -ENOMEM;
	sim->config = kzalloc(class->config_size, GFP_KERNEL);
	if (!sim->config)
		goto err_put;
	err = vdpasim_init_features(sim, config) ?:
	      class->init_config(sim, config);
	if (err)
		goto err_put;
	return sim;

err_put:
	put_device(&vdev->dev);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(vdpasim_alloc);
