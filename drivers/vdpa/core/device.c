// SPDX-License-Identifier: GPL-2.0
/*
 * vDPA devices: allocation, registration, end
 */
#include <linux/idr.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/virtio_config.h>

#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

static DEFINE_IDA(vdpa_index_ida);

/* Lets go of the record; a name that was taken at allocation is free again. */
static void vdpa_device_drop_record(struct vdpa_device *vdev)
{
	struct vdpa_dev_record *record = vdev->record;

	if (!record)
		return;
	vdev->record = NULL;
	if (record->state == VDPA_DEV_RESERVED)
		vdpa_dev_record_release(record);
	vdpa_dev_record_put(record);
}

static void vdpa_device_release(struct device *dev)
{
	struct vdpa_device *vdev = dev_to_vdpa(dev);

	if (vdev->config->free)
		vdev->config->free(vdev);
	vdpa_device_drop_record(vdev);
	ida_free(&vdpa_index_ida, vdev->index);
	kvfree(vdev->usage);
	kfree(vdev);
}

static bool vdpa_device_ops_fit(const struct vdpa_config_ops *config,
				bool use_va)
{
	if (!config->dma_map != !config->dma_unmap)
		return false;
	/* User addresses mean nothing to an IOMMU of the platform. */
	return !use_va || config->dma_map || config->set_map;
}

/* Without a name from the parent the core takes one, for good. */
static int vdpa_device_set_name(struct vdpa_device *vdev, const char *name)
{
	if (!name) {
		struct vdpa_dev_record *record = vdpa_dev_record_reserve(NULL);

		if (IS_ERR(record))
			return PTR_ERR(record);
		vdev->record = record;
		name = record->name;
	}
	return dev_set_name(&vdev->dev, "%s", name);
}

/**
 * __vdpa_alloc_device - allocate a device; see vdpa_alloc_device()
 * @parent: parent in the driver model
 * @config: ops of the parent
 * @ngroups: number of virtqueue groups
 * @nas: number of address spaces
 * @size: size of the structure that begins with the &struct vdpa_device
 * @name: name of the device, NULL for the first free "vdpaN"
 * @use_va: the device is given user virtual addresses
 *
 * Context: may sleep.
 * Return: the device or an ERR_PTR: -EINVAL for ops that do not go together,
 * -ENOMEM.
 */
struct vdpa_device *__vdpa_alloc_device(struct device *parent,
					const struct vdpa_config_ops *config,
					unsigned int ngroups, unsigned int nas,
					size_t size, const char *name,
					bool use_va)
{
	struct vdpa_device *vdev;
	int err;

	if (!config || !vdpa_device_ops_fit(config, use_va))
		return ERR_PTR(-EINVAL);

	vdev = kzalloc(size, GFP_KERNEL);
	if (!vdev)
		return ERR_PTR(-ENOMEM);
	err = ida_alloc(&vdpa_index_ida, GFP_KERNEL);
	if (err < 0)
		goto err_free;

	vdev->index = err;
	vdev->config = config;
	vdev->ngroups = ngroups;
	vdev->nas = nas;
	vdev->use_va = use_va;
	init_rwsem(&vdev->cf_lock);

	err = vdpa_device_set_name(vdev, name);
	if (err)
		goto err_index;

	/* From here on put_device() cleans up. */
	vdev->dev.bus = &vdpa_bus;
	vdev->dev.parent = parent;
	vdev->dev.release = vdpa_device_release;
	device_initialize(&vdev->dev);
	return vdev;

err_index:
	vdpa_device_drop_record(vdev);
	ida_free(&vdpa_index_ida, vdev->index);
err_free:
	kfree(vdev);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(__vdpa_alloc_device);

static bool vdpa_config_ops_complete(const struct vdpa_config_ops *ops)
{
	return ops->set_vq_address && ops->set_vq_num && ops->kick_vq &&
	       ops->set_vq_cb && ops->set_vq_ready && ops->get_vq_ready &&
	       ops->set_vq_state && ops->get_vq_state && ops->get_vq_align &&
	       ops->get_device_features && ops->set_driver_features &&
	       ops->get_driver_features && ops->set_config_cb &&
	       ops->get_vq_num_max && ops->get_device_id &&
	       ops->get_vendor_id && ops->get_status && ops->set_status &&
	       ops->reset && ops->get_config_size && ops->get_config &&
	       ops->set_config;
}

/* Asks the parent, once, for what never changes. */
static void vdpa_dev_record_fill(struct vdpa_dev_record *record,
				 struct vdpa_device *vdev, u32 nvqs)
{
	const struct vdpa_config_ops *ops = vdev->config;

	vdpa_dev_record_set_vdev(record, vdev);
	record->device_id = ops->get_device_id(vdev);
	record->vendor_id = ops->get_vendor_id(vdev);
	record->max_vqs = nvqs;
	record->max_vq_size = ops->get_vq_num_max(vdev);
	record->min_vq_size = ops->get_vq_num_min ? ops->get_vq_num_min(vdev) : 1;
	record->taken[VDPA_RESOURCE_DEVICES] = 1;
	record->taken[VDPA_RESOURCE_QUEUES] = nvqs;
	if (record->device_id == VIRTIO_ID_NET)
		record->taken[VDPA_RESOURCE_QUEUE_PAIRS] = nvqs / 2;
	record->taken[VDPA_RESOURCE_MEMORY] = vdev->memory;
	record->ngroups = vdev->ngroups;
	record->nas = vdev->nas;
	if (ops->get_backend_features)
		record->backend_features = ops->get_backend_features(vdev);
	record->has_iova = ops->get_iova_range;
	if (record->has_iova)
		record->iova = ops->get_iova_range(vdev);
	record->status = ops->get_status(vdev);
}

/* The driver core would log a stack trace for a name that is taken. */
static bool vdpa_device_name_in_sysfs(const struct vdpa_device *vdev)
{
	struct kernfs_node *node;

	if (!vdev->dev.parent)
		return false;
	node = sysfs_get_dirent(vdev->dev.parent->kobj.sd, dev_name(&vdev->dev));
	sysfs_put(node);
	return node;
}

/* What the parent made may be neither what it said nor what was asked for. */
static int vdpa_device_check(const struct vdpa_device *vdev,
			     struct vdpa_dev_record *record)
{
	struct vdpa_mgmt_record *mgmt = record->mgmt;
	const struct vdpa_dev_set_config *config = NULL;
	struct netlink_ext_ack *extack = NULL;

	if (mgmt && mgmt->adding_request) {
		config = &mgmt->adding_request->config;
		extack = config->extack;
	}
	if (record->min_vq_size > record->max_vq_size) {
		NL_SET_ERR_MSG(extack, "Device has contradicting queue sizes");
		return -EINVAL;
	}
	if (config && config->device_id &&
	    config->device_id != record->device_id) {
		NL_SET_ERR_MSG(extack, "Device is of another class");
		record->refused_attr = VDPA_ATTR_DEV_ID;
		return -EOPNOTSUPP;
	}
	if (vdpa_device_name_in_sysfs(vdev)) {
		NL_SET_ERR_MSG(extack,
			       "Device name is taken by a file in sysfs");
		record->refused_attr = VDPA_ATTR_DEV_NAME;
		return -EEXIST;
	}
	return vdpa_resource_charge(record, extack);
}

/*
 * The record reserved for this device: when it was allocated, or by the
 * request that it is made for. Failing these, takes the name now.
 */
static struct vdpa_dev_record *
vdpa_device_claim_record(struct vdpa_device *vdev, struct vdpa_mgmt_record *mgmt)
{
	struct vdpa_dev_record *record = vdev->record;

	if (!record && mgmt && mgmt->adding &&
	    mgmt->adding->state == VDPA_DEV_RESERVED &&
	    !strcmp(mgmt->adding->name, dev_name(&vdev->dev))) {
		record = mgmt->adding;
		refcount_inc(&record->ref);
	}
	if (!record) {
		record = vdpa_dev_record_reserve(dev_name(&vdev->dev));
		if (IS_ERR(record))
			return record;
	}
	vdev->record = record;

	/* Kept from an earlier attempt to register, if there was one. */
	if (mgmt && !record->mgmt) {
		vdpa_mgmt_record_hold(mgmt);
		record->mgmt = mgmt;
	}
	return record;
}

/* The choice stands in driver_override, where it can be seen and undone. */
static int vdpa_device_choose_driver(struct vdpa_device *vdev,
				     const struct vdpa_dev_record *record)
{
	const struct vdpa_dev_request *request = record->created;

	if (!request || !request->driver[0])
		return 0;
	return device_set_driver_override(&vdev->dev, request->driver);
}

/**
 * _vdpa_register_device - register a device from within an op
 * @vdev: the device, filled in by the parent
 * @nvqs: number of its virtqueues
 *
 * Bus drivers may bind before this returns.
 *
 * Context: may sleep; only from the dev_add op of &vdpa_device.mdev, which
 * means with the lock of that management device held.
 * Return: 0; -EINVAL if a required op is missing, the queue sizes contradict
 * each other, or the management device is not registered; -EEXIST if the name
 * is taken, be it by a file in sysfs; -EOPNOTSUPP if another class was asked
 * for; -ENOSPC if the management device does not have as much as the device
 * takes; -ENOMEM. After an error the parent still owns @vdev and gives it up with
 * put_device().
 */
int _vdpa_register_device(struct vdpa_device *vdev, u32 nvqs)
{
	struct vdpa_mgmt_record *mgmt = NULL;
	struct vdpa_dev_record *record;
	int err;

	if (vdev->mdev) {
		mgmt = vdev->mdev->record;
		if (!mgmt)
			return -EINVAL;
		lockdep_assert_held(&mgmt->lock);
	}
	if (!vdpa_config_ops_complete(vdev->config))
		return -EINVAL;

	record = vdpa_device_claim_record(vdev, mgmt);
	if (IS_ERR(record))
		return PTR_ERR(record);
	vdev->nvqs = nvqs;
	vdpa_dev_record_fill(record, vdev, nvqs);
	err = vdpa_usage_init(vdev, nvqs) ?: vdpa_device_check(vdev, record);
	if (err)
		return err;
	err = vdpa_dev_record_publish(record);
	if (err)
		goto err_uncharge;

	err = vdpa_device_choose_driver(vdev, record) ?: device_add(&vdev->dev);
	if (err) {
		vdpa_dev_record_set_vdev(record, NULL);
		vdpa_dev_record_withdraw(record);
		goto err_uncharge;
	}
	if (mgmt)
		list_add_tail(&record->sibling, &mgmt->devs);
	vdpa_dev_record_announce(record);
	return 0;

err_uncharge:
	vdpa_resource_uncharge(record);
	return err;
}
EXPORT_SYMBOL_GPL(_vdpa_register_device);

/**
 * vdpa_register_device - register a device
 * @vdev: the device, filled in by the parent
 * @nvqs: number of its virtqueues
 *
 * For devices that the parent makes on its own account.
 *
 * Context: may sleep; not from an op of a management device.
 * Return: see _vdpa_register_device(); -ENODEV if the management device is
 * being unregistered.
 */
int vdpa_register_device(struct vdpa_device *vdev, u32 nvqs)
{
	struct vdpa_mgmt_record *mgmt;
	int err;

	if (!vdev->mdev)
		return _vdpa_register_device(vdev, nvqs);

	mgmt = vdev->mdev->record;
	if (!mgmt)
		return -EINVAL;
	mutex_lock(&mgmt->lock);
	err = mgmt->going ? -ENODEV : _vdpa_register_device(vdev, nvqs);
	mutex_unlock(&mgmt->lock);
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_register_device);

/**
 * _vdpa_unregister_device - unregister a device from within an op
 * @vdev: a registered device
 *
 * The bus driver is unbound. Drops the reference that came with allocation:
 * @vdev may be gone afterwards.
 *
 * Context: may sleep; only from an op of &vdpa_device.mdev.
 */
void _vdpa_unregister_device(struct vdpa_device *vdev)
{
	struct vdpa_dev_record *record = vdev->record;

	if (record->mgmt) {
		lockdep_assert_held(&record->mgmt->lock);
		list_del_init(&record->sibling);
	}
	vdpa_dev_record_set_vdev(record, NULL);
	device_del(&vdev->dev);
	vdpa_resource_uncharge(record);
	vdpa_dev_record_release(record);
	put_device(&vdev->dev);
}
EXPORT_SYMBOL_GPL(_vdpa_unregister_device);

/**
 * vdpa_unregister_device - unregister a device
 * @vdev: a registered device
 *
 * Like _vdpa_unregister_device(), for devices that the parent made on its own
 * account. Only while the management device, if it has one, is registered.
 *
 * Context: may sleep; not from an op of a management device.
 */
void vdpa_unregister_device(struct vdpa_device *vdev)
{
	struct vdpa_mgmt_record *mgmt = vdev->record->mgmt;

	if (!mgmt) {
		_vdpa_unregister_device(vdev);
		return;
	}
	vdpa_mgmt_record_hold(mgmt);
	mutex_lock(&mgmt->lock);
	_vdpa_unregister_device(vdev);
	mutex_unlock(&mgmt->lock);
	vdpa_mgmt_record_put(mgmt);
}
EXPORT_SYMBOL_GPL(vdpa_unregister_device);
