// SPDX-License-Identifier: GPL-2.0
/*
 * A simulated management device, and faults on demand
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "vdpa_sim.h"

static struct dentry *vdpasim_debugfs;

static struct vdpasim_mgmt *mdev_to_mgmt(struct vdpa_mgmt_dev *mdev)
{
	return container_of(mdev, struct vdpasim_mgmt, mdev);
}

static int vdpasim_fault_delay(u32 ms)
{
	if (ms)
		schedule_timeout_killable(msecs_to_jiffies(ms));
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int vdpasim_fault_add(const struct vdpasim_faults *faults)
{
	u32 err = READ_ONCE(faults->fail_dev_add);

	if (!err)
		return 0;
	return err <= MAX_ERRNO ? -(int)err : -EIO;
}

/* The first class is made where the request leaves the choice open. */
static const struct vdpasim_class *
vdpasim_mgmt_class(const struct vdpasim_mgmt *mgmt, u32 device_id)
{
	unsigned int i;

	for (i = 0; i < mgmt->num_classes; i++)
		if (!device_id || mgmt->classes[i]->device_id == device_id)
			return mgmt->classes[i];
	return NULL;
}

static struct vdpasim *
vdpasim_mgmt_alloc(struct vdpasim_mgmt *mgmt, const char *name,
		   const struct vdpa_dev_set_config *config)
{
	const struct vdpasim_class *class;

	class = vdpasim_mgmt_class(mgmt, config->device_id);
	if (!class)
		return ERR_PTR(-EOPNOTSUPP);
	if (config->ext_mask & ~class->config_ext_mask ||
	    config->mask & ~(class->config_attr_mask |
			     BIT_ULL(VDPA_ATTR_DEV_ID))) {
		NL_SET_ERR_MSG(config->extack,
			       "Attribute is not supported by the class");
		return ERR_PTR(-EOPNOTSUPP);
	}
	return vdpasim_alloc(mgmt, name, class, config);
}

static void vdpasim_mgmt_unregister_dev(struct vdpasim *sim)
{
	get_device(&sim->vdpa.dev);
	_vdpa_unregister_device(&sim->vdpa);
	vdpasim_dismantle(sim);
	put_device(&sim->vdpa.dev);
}

static int vdpasim_mgmt_dev_add(struct vdpa_mgmt_dev *mdev, const char *name,
				const struct vdpa_dev_set_config *config)
{
	struct vdpasim_mgmt *mgmt = mdev_to_mgmt(mdev);
	struct vdpasim *sim;
	int err;

	err = vdpasim_fault_delay(READ_ONCE(mgmt->faults.add_delay_ms)) ?:
	      vdpasim_fault_add(&mgmt->faults);
	if (err)
		return err;

	sim = vdpasim_mgmt_alloc(mgmt, name, config);
	if (IS_ERR(sim))
		return PTR_ERR(sim);
	err = _vdpa_register_device(&sim->vdpa, sim->vdpa.nvqs);
	if (err) {
		put_device(&sim->vdpa.dev);
		return err;
	}
	if (READ_ONCE(mgmt->faults.fail_late_add)) {
		vdpasim_mgmt_unregister_dev(sim);
		return -EIO;
	}
	return 0;
}

static void vdpasim_mgmt_dev_del(struct vdpa_mgmt_dev *mdev,
				 struct vdpa_device *vdev)
{
	struct vdpasim_mgmt *mgmt = mdev_to_mgmt(mdev);

	vdpasim_fault_delay(READ_ONCE(mgmt->faults.del_delay_ms));
	vdpasim_mgmt_unregister_dev(vdpa_to_sim(vdev));
}

/* What a driver asks for once is not changed under its feet. */
#define VDPASIM_UNUSED_ATTRS	(BIT_ULL(VDPA_ATTR_DEV_FEATURES) |	\
				 BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP))

static int vdpasim_mgmt_check_set(const struct vdpasim *sim,
				  const struct vdpa_dev_set_config *config)
{
	u64 features = config->device_features;

	lockdep_assert_held(&sim->lock);
	if (config->mask & VDPASIM_UNUSED_ATTRS && sim->status) {
		NL_SET_ERR_MSG(config->extack,
			       "A driver uses the device: too late to change it so");
		return -EBUSY;
	}
	if (!(config->mask & BIT_ULL(VDPA_ATTR_DEV_FEATURES)))
		return 0;
	if (features & ~sim->made_features) {
		NL_SET_ERR_MSG(config->extack,
			       "Device was not made with all of these features");
		return -EINVAL;
	}
	return vdpasim_check_features(sim->class, features, config->extack);
}

static int vdpasim_mgmt_set_locked(struct vdpasim *sim,
				   const struct vdpa_dev_set_config *config)
{
	u64 before = sim->features;
	int err;

	err = vdpasim_mgmt_check_set(sim, config);
	if (err)
		return err;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_FEATURES))
		WRITE_ONCE(sim->features, config->device_features);
	if (sim->class->set_attr)
		err = sim->class->set_attr(sim, config);
	if (err)
		WRITE_ONCE(sim->features, before);
	else if (sim->features != before && sim->class->reset)
		sim->class->reset(sim);
	return err;
}

static int vdpasim_mgmt_dev_set_attr(struct vdpa_mgmt_dev *mdev,
				     struct vdpa_device *vdev,
				     const struct vdpa_dev_set_config *config)
{
	struct vdpasim *sim = vdpa_to_sim(vdev);
	const struct vdpasim_class *class = sim->class;
	int err;

	if (config->mask & ~class->set_attr_mask) {
		NL_SET_ERR_MSG(config->extack,
			       "Attribute cannot be changed in this class");
		return -EOPNOTSUPP;
	}
	mutex_lock(&sim->lock);
	err = vdpasim_mgmt_set_locked(sim, config);
	mutex_unlock(&sim->lock);
	if (!err)
		vdpasim_config_notify(sim);
	return err;
}

static const struct vdpa_mgmtdev_ops vdpasim_mgmt_ops = {
	.dev_add = vdpasim_mgmt_dev_add,
	.dev_del = vdpasim_mgmt_dev_del,
	.dev_set_attr = vdpasim_mgmt_dev_set_attr,
};

static void vdpasim_mgmt_init_debugfs(struct vdpasim_mgmt *mgmt,
				      struct dentry *parent)
{
	struct vdpasim_faults *faults = &mgmt->faults;
	struct dentry *dir;

	dir = debugfs_create_dir(dev_name(mgmt->mdev.device),
				 parent ?: vdpasim_debugfs);
	debugfs_create_u32("add_delay_ms", 0600, dir, &faults->add_delay_ms);
	debugfs_create_u32("del_delay_ms", 0600, dir, &faults->del_delay_ms);
	debugfs_create_u32("fail_dev_add", 0600, dir, &faults->fail_dev_add);
	debugfs_create_bool("fail_late_add", 0600, dir, &faults->fail_late_add);
	debugfs_create_bool("fail_reset", 0600, dir, &faults->fail_reset);
	vdpasim_stats_init_debugfs(mgmt, dir);
	mgmt->dir = dir;
}

/* What any of the classes can do: the rest is up to the request. */
static int vdpasim_mgmt_describe(struct vdpasim_mgmt *mgmt)
{
	struct vdpa_mgmt_dev *mdev = &mgmt->mdev;
	unsigned int i;

	mgmt->ids = kcalloc(mgmt->num_classes + 1, sizeof(*mgmt->ids),
			    GFP_KERNEL);
	if (!mgmt->ids)
		return -ENOMEM;

	for (i = 0; i < mgmt->num_classes; i++) {
		const struct vdpasim_class *class = mgmt->classes[i];

		mgmt->ids[i].device = class->device_id;
		mgmt->ids[i].vendor = VIRTIO_DEV_ANY_ID;
		mdev->config_attr_mask |= class->config_attr_mask;
		mdev->config_ext_mask |= class->config_ext_mask;
		mdev->set_attr_mask |= class->set_attr_mask;
		mdev->supported_features |= class->features;
		mdev->max_supported_vqs = max(mdev->max_supported_vqs,
					      class->nvqs);
		mdev->ngroups = max3(mdev->ngroups, class->ngroups, 1U);
		mdev->nas = max3(mdev->nas, class->nas, 1U);
	}
	if (mgmt->num_classes > 1)
		mdev->config_attr_mask |= BIT_ULL(VDPA_ATTR_DEV_ID);
	mdev->max_vq_size = vdpasim_vq_size_max();
	mdev->id_table = mgmt->ids;
	mdev->ops = &vdpasim_mgmt_ops;
	return 0;
}

/**
 * vdpasim_mgmt_register - register a simulated management device
 * @mgmt: zeroed but for what the owner sets
 * @parent: directory in debugfs for its own, NULL for that of the simulator
 *
 * Context: may sleep.
 * Return: 0 or a negative errno, see vdpa_mgmtdev_register().
 */
int vdpasim_mgmt_register(struct vdpasim_mgmt *mgmt, struct dentry *parent)
{
	int err;

	err = vdpasim_mgmt_describe(mgmt);
	if (err)
		return err;
	vdpasim_mgmt_init_debugfs(mgmt, parent);
	err = vdpa_mgmtdev_register(&mgmt->mdev);
	if (err) {
		debugfs_remove(mgmt->dir);
		kfree(mgmt->ids);
	}
	return err;
}
EXPORT_SYMBOL_GPL(vdpasim_mgmt_register);

/**
 * vdpasim_mgmt_unregister - unregister a simulated management device
 * @mgmt: the management device; its devices are deleted
 *
 * Context: may sleep.
 */
void vdpasim_mgmt_unregister(struct vdpasim_mgmt *mgmt)
{
	vdpa_mgmtdev_unregister(&mgmt->mdev);
	debugfs_remove(mgmt->dir);
	kfree(mgmt->ids);
}
EXPORT_SYMBOL_GPL(vdpasim_mgmt_unregister);

/**
 * vdpasim_mgmt_add_default - make a device without having been asked to
 * @mgmt: a registered management device
 *
 * The device gets the first free name "vdpaN".
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int vdpasim_mgmt_add_default(struct vdpasim_mgmt *mgmt)
{
	const struct vdpa_dev_set_config config = {};
	struct vdpasim *sim;
	int err;

	sim = vdpasim_mgmt_alloc(mgmt, NULL, &config);
	if (IS_ERR(sim))
		return PTR_ERR(sim);
	err = vdpa_register_device(&sim->vdpa, sim->vdpa.nvqs);
	if (err)
		put_device(&sim->vdpa.dev);
	return err;
}
EXPORT_SYMBOL_GPL(vdpasim_mgmt_add_default);

static int __init vdpasim_init(void)
{
	vdpasim_debugfs = debugfs_create_dir("vdpa_sim", NULL);
	return 0;
}

static void __exit vdpasim_exit(void)
{
	debugfs_remove(vdpasim_debugfs);
}

module_init(vdpasim_init);
module_exit(vdpasim_exit);

MODULE_DESCRIPTION("vDPA device simulator");
MODULE_LICENSE("GPL");
