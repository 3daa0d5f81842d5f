// SPDX-License-Identifier: GPL-2.0
/*
 * A simulated device: status, features, configuration space, suspension
 */
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <uapi/linux/vhost_types.h>
#include <uapi/linux/virtio_config.h>

#include "vdpa_sim.h"

/* To be called once something is wrong that only a reset can mend. */
void vdpasim_needs_reset(struct vdpasim *sim)
{
	lockdep_assert_held(&sim->lock);
	if (sim->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	WRITE_ONCE(sim->status, sim->status | VIRTIO_CONFIG_S_NEEDS_RESET);
	vdpa_status_changed(&sim->vdpa);
	if (sim->status & VIRTIO_CONFIG_S_DRIVER_OK && sim->config_cb.callback)
		sim->config_cb.callback(sim->config_cb.private);
}

/**
 * vdpasim_config_notify - tell the driver that configuration space changed
 * @sim: the device
 *
 * Context: may sleep, takes &vdpasim.lock.
 */
void vdpasim_config_notify(struct vdpasim *sim)
{
	mutex_lock(&sim->lock);
	if (sim->status & VIRTIO_CONFIG_S_DRIVER_OK && sim->config_cb.callback)
		sim->config_cb.callback(sim->config_cb.private);
	mutex_unlock(&sim->lock);
}
EXPORT_SYMBOL_GPL(vdpasim_config_notify);

static u32 vdpasim_get_vq_align(struct vdpa_device *vdev)
{
	return PAGE_SIZE;
}

static u16 vdpasim_get_vq_num_max(struct vdpa_device *vdev)
{
	return vdpasim_vq_size_max();
}

static u64 vdpasim_get_backend_features(const struct vdpa_device *vdev)
{
	return BIT_ULL(VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK);
}

static u64 vdpasim_get_device_features(struct vdpa_device *vdev)
{
	return READ_ONCE(vdpa_to_sim(vdev)->features);
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
		WRITE_ONCE(sim->driver_features, features);
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

static bool vdpasim_features_agreeable(const struct vdpasim *sim)
{
	return !(sim->class->required & ~sim->driver_features);
}

/*
 * virtio 1.3, 2.1 and 3.1.1: bits stay until reset; FEATURES_OK is declined
 * for features that the device cannot work with; DRIVER_OK needs FEATURES_OK.
 */
static u8 vdpasim_next_status(const struct vdpasim *sim, u8 status)
{
	status |= sim->status;
	status &= ~VIRTIO_CONFIG_S_NEEDS_RESET;
	status |= sim->status & VIRTIO_CONFIG_S_NEEDS_RESET;

	if (!vdpasim_features_agreeable(sim))
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
		status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	return status;
}

static void vdpasim_set_status(struct vdpa_device *vdev, u8 status)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	u8 old;

	mutex_lock(&sim->lock);
	old = sim->status;
	WRITE_ONCE(sim->status, vdpasim_next_status(sim, status));
	if (sim->status & ~old & VIRTIO_CONFIG_S_DRIVER_OK) {
		if (sim->class->driver_ok)
			sim->class->driver_ok(sim);
		vdpasim_start_vqs(sim);
	}
	mutex_unlock(&sim->lock);
}

/* Translations stay as they are: see vdpasim_reset_map(). */
static int vdpasim_reset(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	bool fail = READ_ONCE(sim->mgmt->faults.fail_reset);

	mutex_lock(&sim->lock);
	/* Even then: the driver is about to take its memory back. */
	vdpasim_stop_vqs(sim);
	if (!fail) {
		WRITE_ONCE(sim->status, 0);
		sim->suspended = false;
		WRITE_ONCE(sim->driver_features, 0);
		sim->config_cb = (struct vdpa_callback) {};
		memset(sim->group_asid, 0,
		       flex_array_size(sim, group_asid, vdev->ngroups));
		vdpasim_reset_vqs(sim);
		if (sim->class->reset)
			sim->class->reset(sim);
	}
	mutex_unlock(&sim->lock);
	return fail ? -EIO : 0;
}

static int vdpasim_compat_reset(struct vdpa_device *vdev, u32 flags)
{
	int err = vdpasim_reset(vdev);

	if (!err && flags & VDPA_RESET_F_CLEAN_MAP)
		err = vdpasim_reset_maps(vdpa_to_sim(vdev));
	return err;
}

static int vdpasim_suspend(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	sim->suspended = true;
	vdpasim_pause_vqs(sim);
	mutex_unlock(&sim->lock);
	return 0;
}

static int vdpasim_resume(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	mutex_lock(&sim->lock);
	sim->suspended = false;
	vdpasim_resume_vqs(sim);
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

	spin_lock(&sim->config_lock);
	if (offset < size) {
		have = min_t(size_t, len, size - offset);
		memcpy(buf, sim->config + offset, have);
	}
	spin_unlock(&sim->config_lock);
	memset(buf + have, 0, len - have);
}

/* What is not the driver's to write stays as it is. */
static void vdpasim_set_config(struct vdpa_device *vdev, unsigned int offset,
			       const void *buf, unsigned int len)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	size_t size = sim->class->config_size;

	if (!sim->class->set_config || offset >= size || len > size - offset)
		return;
	spin_lock(&sim->config_lock);
	sim->class->set_config(sim, offset, buf, len);
	spin_unlock(&sim->config_lock);
}

static u32 vdpasim_get_generation(struct vdpa_device *vdev)
{
	return READ_ONCE(vdpa_to_sim(vdev)->generation);
}

static struct vdpa_iova_range vdpasim_get_iova_range(struct vdpa_device *vdev)
{
	return (struct vdpa_iova_range) { .first = 0, .last = ULLONG_MAX };
}

/*
 * Takes away what the class and its module have to do with a device. Whoever
 * still has a reference can outlive these.
 */
void vdpasim_dismantle(struct vdpasim *sim)
{
	if (!sim->class)
		return;
	vdpasim_stats_remove(sim);
	if (sim->class->gone)
		sim->class->gone(sim);
	vdpasim_free_vqs(sim);
	if (sim->class->release)
		sim->class->release(sim);
	sim->class = NULL;
}

static void vdpasim_free(struct vdpa_device *vdev)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);

	vdpasim_dismantle(sim);
	vdpasim_free_maps(sim);
	mutex_destroy(&sim->lock);
	kfree(sim->config);
}

#define VDPASIM_COMMON_OPS						\
	.set_vq_address = vdpasim_set_vq_address,			\
	.set_vq_num = vdpasim_set_vq_num,				\
	.kick_vq = vdpasim_kick_vq,					\
	.set_vq_cb = vdpasim_set_vq_cb,					\
	.set_vq_ready = vdpasim_set_vq_ready,				\
	.get_vq_ready = vdpasim_get_vq_ready,				\
	.reset_vq = vdpasim_reset_vq,					\
	.set_vq_state = vdpasim_set_vq_state,				\
	.get_vq_state = vdpasim_get_vq_state,				\
	.get_vendor_vq_stats = vdpasim_get_vendor_vq_stats,		\
	.get_vq_size = vdpasim_get_vq_size,				\
	.get_vq_stats = vdpasim_get_vq_stats,				\
	.get_vq_align = vdpasim_get_vq_align,				\
	.get_vq_group = vdpasim_get_vq_group,				\
	.get_vq_desc_group = vdpasim_get_vq_desc_group,			\
	.get_device_features = vdpasim_get_device_features,		\
	.get_backend_features = vdpasim_get_backend_features,		\
	.set_driver_features = vdpasim_set_driver_features,		\
	.get_driver_features = vdpasim_get_driver_features,		\
	.set_config_cb = vdpasim_set_config_cb,				\
	.get_vq_num_max = vdpasim_get_vq_num_max,			\
	.get_device_id = vdpasim_get_device_id,				\
	.get_vendor_id = vdpasim_get_vendor_id,				\
	.get_status = vdpasim_get_status,				\
	.set_status = vdpasim_set_status,				\
	.reset = vdpasim_reset,						\
	.compat_reset = vdpasim_compat_reset,				\
	.suspend = vdpasim_suspend,					\
	.resume = vdpasim_resume,					\
	.get_config_size = vdpasim_get_config_size,			\
	.get_config = vdpasim_get_config,				\
	.set_config = vdpasim_set_config,				\
	.get_generation = vdpasim_get_generation,			\
	.get_iova_range = vdpasim_get_iova_range,			\
	.reset_map = vdpasim_reset_map,					\
	.set_group_asid = vdpasim_set_group_asid,			\
	.bind_mm = vdpasim_bind_mm,					\
	.unbind_mm = vdpasim_unbind_mm,					\
	.free = vdpasim_free

/* Both styles of setting translations that bus drivers must deal with */
static const struct vdpa_config_ops vdpasim_config_ops = {
	VDPASIM_COMMON_OPS,
	.set_map = vdpasim_set_map,
};

static const struct vdpa_config_ops vdpasim_piecewise_ops = {
	VDPASIM_COMMON_OPS,
	.dma_map = vdpasim_dma_map,
	.dma_unmap = vdpasim_dma_unmap,
};

/**
 * vdpasim_check_features - tell whether a device can offer features
 * @class: its class
 * @features: virtio features
 * @extack: where to say why not
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int vdpasim_check_features(const struct vdpasim_class *class, u64 features,
			   struct netlink_ext_ack *extack)
{
	if (features & ~class->features) {
		NL_SET_ERR_MSG(extack,
			       "Features are not supported by the class");
		return -EINVAL;
	}
	if (class->required & ~features & ~VDPASIM_REQUIRED) {
		NL_SET_ERR_MSG(extack,
			       "A feature that every device here has is left out");
		return -EINVAL;
	}
	if (class->required & ~features) {
		NL_SET_ERR_MSG(extack,
			       "Features VERSION_1 and ACCESS_PLATFORM cannot be left out");
		return -EINVAL;
	}
	if (class->check_features && !class->check_features(features)) {
		NL_SET_ERR_MSG(extack,
			       "A feature lacks another one that it needs");
		return -EINVAL;
	}
	return 0;
}

/* The features asked for, or all there are but those that need to be. */
static int vdpasim_choose_features(const struct vdpasim_class *class,
				   const struct vdpa_dev_set_config *config,
				   u64 *features)
{
	int err = 0;

	*features = class->features & ~class->optional;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_FEATURES))
		*features = config->device_features;
	if (class->adjust_features)
		err = class->adjust_features(features, config);
	return err ?: vdpasim_check_features(class, *features, config->extack);
}

static struct vdpasim *vdpasim_alloc_raw(struct vdpasim_mgmt *mgmt,
					 const char *name,
					 const struct vdpasim_class *class)
{
	unsigned int ngroups = max(class->ngroups, 1U);
	const struct vdpa_config_ops *ops;
	struct vdpa_device *vdev;
	struct vdpasim *sim;

	ops = vdpasim_batch_mapping() ? &vdpasim_config_ops :
					&vdpasim_piecewise_ops;
	vdev = __vdpa_alloc_device(mgmt->mdev.device, ops, ngroups,
				   max(class->nas, 1U),
				   struct_size(sim, group_asid, ngroups), name,
				   vdpasim_use_va());
	if (IS_ERR(vdev))
		return ERR_CAST(vdev);

	sim = vdpa_to_sim(vdev);
	mutex_init(&sim->lock);
	spin_lock_init(&sim->config_lock);
	INIT_LIST_HEAD(&sim->entry);
	sim->class = class;
	sim->mgmt = mgmt;
	vdev->mdev = &mgmt->mdev;
	return sim;
}

/* No IOMMU stands between us and memory: DMA addresses are physical ones. */
static int vdpasim_init_dma(struct vdpasim *sim)
{
	struct device *dev = &sim->vdpa.dev;

	dev->dma_mask = &dev->coherent_dma_mask;
	sim->vdpa.dma_dev = dev;
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
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
	int nvqs = class->nvqs, err;
	struct vdpasim *sim;
	u64 features;

	err = vdpasim_choose_features(class, config, &features);
	if (err)
		return ERR_PTR(err);
	if (class->num_vqs) {
		nvqs = class->num_vqs(features, config);
		if (nvqs < 0)
			return ERR_PTR(nvqs);
	}
	sim = vdpasim_alloc_raw(mgmt, name, class);
	if (IS_ERR(sim))
		return sim;

	sim->made_features = features;
	sim->features = features;
	sim->vdpa.nvqs = nvqs;
	sim->config = kzalloc(class->config_size, GFP_KERNEL);
	err = sim->config ? 0 : -ENOMEM;
	if (!err)
		err = vdpasim_init_dma(sim) ?:
		      vdpasim_init_maps(sim) ?:
		      vdpasim_init_vqs(sim) ?:
		      class->init_config(sim, config);
	if (err) {
		put_device(&sim->vdpa.dev);
		return ERR_PTR(err);
	}
	vdpasim_stats_add(sim);
	return sim;
}
EXPORT_SYMBOL_GPL(vdpasim_alloc);
