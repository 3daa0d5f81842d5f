// SPDX-License-Identifier: GPL-2.0
/*
 * Management devices: what can create vDPA devices
 */
#include <linux/jhash.h>
#include <linux/mod_devicetable.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vdpa_internal.h"

static u32 vdpa_mgmt_handle_hash(const void *data, u32 len, u32 seed)
{
	const struct vdpa_mgmt_handle *handle = data;

	if (handle->bus_name)
		seed = jhash(handle->bus_name, strlen(handle->bus_name), seed);
	return jhash(handle->dev_name, strlen(handle->dev_name), seed);
}

static u32 vdpa_mgmt_record_hash(const void *data, u32 len, u32 seed)
{
	const struct vdpa_mgmt_record *mgmt = data;
	const struct vdpa_mgmt_handle handle = {
		.bus_name = mgmt->bus_name,
		.dev_name = mgmt->dev_name,
	};

	return vdpa_mgmt_handle_hash(&handle, 0, seed);
}

/* Whether a management device has that handle, both parts of it. */
bool vdpa_mgmt_record_is(const struct vdpa_mgmt_record *mgmt,
			 const struct vdpa_mgmt_handle *handle)
{
	if (!handle->bus_name != !mgmt->bus_name)
		return false;
	if (handle->bus_name && strcmp(handle->bus_name, mgmt->bus_name))
		return false;
	return !strcmp(handle->dev_name, mgmt->dev_name);
}

static int vdpa_mgmt_record_cmp(struct rhashtable_compare_arg *arg,
				const void *obj)
{
	return !vdpa_mgmt_record_is(obj, arg->key);
}

const struct rhashtable_params vdpa_mgmt_handle_params = {
	.head_offset = offsetof(struct vdpa_mgmt_record, node),
	.hashfn = vdpa_mgmt_handle_hash,
	.obj_hashfn = vdpa_mgmt_record_hash,
	.obj_cmpfn = vdpa_mgmt_record_cmp,
	.automatic_shrinking = true,
};

/**
 * vdpa_mgmt_record_find_rcu - find a management device by its handle
 * @handle: the handle
 *
 * Context: RCU read side; the record is good until that ends.
 * Return: the record or NULL.
 */
struct vdpa_mgmt_record *
vdpa_mgmt_record_find_rcu(const struct vdpa_mgmt_handle *handle)
{
	return rhashtable_lookup(&vdpa_registry.mgmt_handles, handle,
				 vdpa_mgmt_handle_params);
}

/**
 * vdpa_mgmt_record_get - find a management device by its handle, and keep it
 * @handle: the handle
 *
 * Context: any.
 * Return: the record with a reference more, or NULL.
 */
struct vdpa_mgmt_record *
vdpa_mgmt_record_get(const struct vdpa_mgmt_handle *handle)
{
	struct vdpa_mgmt_record *mgmt;

	rcu_read_lock();
	mgmt = vdpa_mgmt_record_find_rcu(handle);
	if (mgmt && !refcount_inc_not_zero(&mgmt->ref))
		mgmt = NULL;
	rcu_read_unlock();
	return mgmt;
}

void vdpa_mgmt_record_hold(struct vdpa_mgmt_record *mgmt)
{
	refcount_inc(&mgmt->ref);
}

static void vdpa_mgmt_record_free(struct vdpa_mgmt_record *mgmt)
{
	mutex_destroy(&mgmt->lock);
	kfree_const(mgmt->bus_name);
	kfree_const(mgmt->dev_name);
	kfree(mgmt);
}

static void vdpa_mgmt_record_free_rcu(struct rcu_head *rcu)
{
	vdpa_mgmt_record_free(container_of(rcu, struct vdpa_mgmt_record, rcu));
}

void vdpa_mgmt_record_put(struct vdpa_mgmt_record *mgmt)
{
	if (refcount_dec_and_test(&mgmt->ref))
		call_rcu(&mgmt->rcu, vdpa_mgmt_record_free_rcu);
}

static u64 vdpa_mgmt_dev_classes(const struct vdpa_mgmt_dev *mdev)
{
	const struct virtio_device_id *id;
	u64 classes = 0;

	for (id = mdev->id_table; id->device; id++)
		if (id->device < BITS_PER_TYPE(classes))
			classes |= BIT_ULL(id->device);
	return classes;
}

static struct vdpa_mgmt_record *
vdpa_mgmt_record_alloc(struct vdpa_mgmt_dev *mdev)
{
	struct vdpa_mgmt_record *mgmt;

	mgmt = kzalloc(sizeof(*mgmt), GFP_KERNEL);
	if (!mgmt)
		return NULL;
	refcount_set(&mgmt->ref, 1);
	mutex_init(&mgmt->lock);
	INIT_LIST_HEAD(&mgmt->devs);
	mgmt->mdev = mdev;
	mgmt->net = &init_net;
	mgmt->classes = vdpa_mgmt_dev_classes(mdev);
	mgmt->supported_features = mdev->supported_features;
	mgmt->max_supported_vqs = mdev->max_supported_vqs;
	mgmt->max_vq_size = mdev->max_vq_size;
	mgmt->ngroups = mdev->ngroups;
	mgmt->nas = mdev->nas;
	memcpy(mgmt->limits, mdev->limits, sizeof(mgmt->limits));
	mgmt->add_attrs.base = mdev->config_attr_mask;
	mgmt->add_attrs.ext = mdev->config_ext_mask |
			      VDPA_EXT_BIT(VDPA_ATTR_DEV_DRIVER);
	if (mdev->ops->dev_set_attr)
		mgmt->set_attrs.base = mdev->set_attr_mask ?:
				       mdev->config_attr_mask &
				       BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR);

	mgmt->dev_name = kstrdup_const(dev_name(mdev->device), GFP_KERNEL);
	if (!mgmt->dev_name)
		goto err_free;
	if (mdev->device->bus) {
		mgmt->bus_name = kstrdup_const(mdev->device->bus->name,
					       GFP_KERNEL);
		if (!mgmt->bus_name)
			goto err_free;
	}
	return mgmt;

err_free:
	vdpa_mgmt_record_free(mgmt);
	return NULL;
}

static int vdpa_mgmt_record_insert_locked(struct vdpa_mgmt_record *mgmt)
{
	const struct vdpa_mgmt_handle handle = {
		.bus_name = mgmt->bus_name,
		.dev_name = mgmt->dev_name,
	};
	struct vdpa_registry *reg = &vdpa_registry;
	int err;

	mgmt->id = vdpa_registry_next_id_locked();
	err = xa_reserve(&reg->mgmts, mgmt->id, GFP_KERNEL);
	if (err)
		return err;
	err = rhashtable_lookup_insert_key(&reg->mgmt_handles, &handle,
					   &mgmt->node, vdpa_mgmt_handle_params);
	if (err) {
		xa_release(&reg->mgmts, mgmt->id);
		return err;
	}
	xa_store(&reg->mgmts, mgmt->id, mgmt, GFP_KERNEL);
	return 0;
}

/**
 * vdpa_mgmtdev_register - register a management device
 * @mdev: the management device, filled in by the parent
 *
 * From here on its ops may be called, even before this returns.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL if a required member is missing; -EEXIST if there is one
 * of the same handle; -ENOMEM.
 */
int vdpa_mgmtdev_register(struct vdpa_mgmt_dev *mdev)
{
	struct vdpa_mgmt_record *mgmt;
	int err;

	if (!mdev->device || !mdev->ops || !mdev->ops->dev_add ||
	    !mdev->ops->dev_del || !mdev->id_table)
		return -EINVAL;

	mgmt = vdpa_mgmt_record_alloc(mdev);
	if (!mgmt)
		return -ENOMEM;

	mdev->record = mgmt;
	mutex_lock(&vdpa_registry.lock);
	err = vdpa_mgmt_record_insert_locked(mgmt);
	if (!err)
		vdpa_nl_mgmtdev_notify_locked(VDPA_CMD_MGMTDEV_NEW, mgmt);
	mutex_unlock(&vdpa_registry.lock);
	if (err) {
		mdev->record = NULL;
		vdpa_mgmt_record_put(mgmt);
	}
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_mgmtdev_register);

static void vdpa_mgmt_del_all(struct vdpa_mgmt_record *mgmt)
{
	struct vdpa_mgmt_dev *mdev = mgmt->mdev;
	struct vdpa_dev_record *record;
	struct list_head *first;

	lockdep_assert_held(&mgmt->lock);
	while (!list_empty(&mgmt->devs)) {
		first = mgmt->devs.next;
		record = list_entry(first, struct vdpa_dev_record, sibling);
		mdev->ops->dev_del(mdev, record->vdev);
		/* an address to compare, no more: the record may be gone */
		if (WARN_ON(mgmt->devs.next == first))
			break;
	}
}

/**
 * vdpa_mgmtdev_unregister - unregister a management device
 * @mdev: the management device
 *
 * Lets an op in flight finish, refuses those that wait and those to come,
 * and deletes the devices that are left.
 *
 * Context: may sleep; must not be called from an op of @mdev.
 */
void vdpa_mgmtdev_unregister(struct vdpa_mgmt_dev *mdev)
{
	struct vdpa_registry *reg = &vdpa_registry;
	struct vdpa_mgmt_record *mgmt = mdev->record;

	WRITE_ONCE(mgmt->going, true);
	mutex_lock(&mgmt->lock);
	vdpa_mgmt_del_all(mgmt);
	mgmt->mdev = NULL;
	mutex_unlock(&mgmt->lock);

	mutex_lock(&reg->lock);
	vdpa_registry_removed_locked();
	xa_erase(&reg->mgmts, mgmt->id);
	rhashtable_remove_fast(&reg->mgmt_handles, &mgmt->node,
			       vdpa_mgmt_handle_params);
	vdpa_nl_mgmtdev_notify_locked(VDPA_CMD_MGMTDEV_DEL, mgmt);
	mutex_unlock(&reg->lock);

	mdev->record = NULL;
	vdpa_mgmt_record_put(mgmt);
}
EXPORT_SYMBOL_GPL(vdpa_mgmtdev_unregister);

/* The bus driver that was asked for may not want the device, or be gone. */
static int vdpa_mgmt_check_driver(struct vdpa_mgmt_record *mgmt,
				  struct vdpa_dev_record *record,
				  const struct vdpa_dev_request *request)
{
	bool bound;

	lockdep_assert_held(&mgmt->lock);
	if (!request->driver[0] || !strcmp(request->driver, VDPA_DRIVER_NONE))
		return 0;
	spin_lock(&record->lock);
	bound = record->driver && !strcmp(record->driver, request->driver);
	spin_unlock(&record->lock);
	if (bound)
		return 0;
	mgmt->mdev->ops->dev_del(mgmt->mdev, record->vdev);
	NL_SET_ERR_MSG(request->config.extack,
		       "Bus driver did not take the device");
	record->refused_attr = VDPA_ATTR_DEV_DRIVER;
	return -ENODEV;
}

/* The op of the parent, with its errors made presentable. */
static int vdpa_mgmt_add_locked(struct vdpa_mgmt_record *mgmt,
				struct vdpa_dev_record *record,
				const struct vdpa_dev_request *request)
{
	const struct vdpa_dev_set_config *config = &request->config;
	struct netlink_ext_ack *extack = config->extack;
	int err;

	lockdep_assert_held(&mgmt->lock);
	if (READ_ONCE(mgmt->going)) {
		NL_SET_ERR_MSG(extack, "Management device is going away");
		record->refused_attr = VDPA_ATTR_MGMTDEV_DEV_NAME;
		return -ENODEV;
	}

	mgmt->adding = record;
	mgmt->adding_request = request;
	err = mgmt->mdev->ops->dev_add(mgmt->mdev, record->name, config);
	mgmt->adding_request = NULL;
	mgmt->adding = NULL;

	if (!err && record->state != VDPA_DEV_LIVE) {
		pr_err("%s: management device %s registered no device of that name\n",
		       record->name, mgmt->dev_name);
		err = -EIO;
	}
	if (!err)
		err = vdpa_mgmt_check_driver(mgmt, record, request);
	if (err && extack && !extack->_msg)
		NL_SET_ERR_MSG(extack,
			       "Management device failed to add the device");
	return err;
}

/**
 * vdpa_mgmt_add_device - let a management device make a device
 * @mgmt: the management device
 * @record: a reserved record; if this fails its name is free again
 * @request: attributes that @mgmt takes, and the bus driver
 *
 * Context: may sleep, for as long as the parent takes; no locks held.
 * Return: 0; -ENODEV if @mgmt is being unregistered, or the bus driver is not
 * bound; -EINTR if the caller was
 * killed while it waited for its turn; -ENOMEM; whatever the parent says.
 */
int vdpa_mgmt_add_device(struct vdpa_mgmt_record *mgmt,
			 struct vdpa_dev_record *record,
			 const struct vdpa_dev_request *request)
{
	int err;

	err = mutex_lock_killable(&mgmt->lock);
	if (err) {
		vdpa_dev_record_release(record);
		return err;
	}
	err = vdpa_mgmt_add_locked(mgmt, record, request);
	if (record->state == VDPA_DEV_RESERVED)
		vdpa_dev_record_release(record);
	mutex_unlock(&mgmt->lock);
	return err;
}

/**
 * vdpa_mgmt_del_device - let the management device of a device delete it
 * @record: the device
 * @extack: where to say why not
 *
 * Context: may sleep, for as long as the parent takes; no locks held.
 * Return: 0; -EOPNOTSUPP if the device has no management device; -ENODEV if
 * somebody else was faster; -EINTR if the caller was killed while it waited.
 */
int vdpa_mgmt_del_device(struct vdpa_dev_record *record,
			 struct netlink_ext_ack *extack)
{
	struct vdpa_mgmt_record *mgmt = record->mgmt;
	int err;

	if (!mgmt) {
		NL_SET_ERR_MSG(extack,
			       "Device was not created by a management device");
		return -EOPNOTSUPP;
	}

	err = mutex_lock_killable(&mgmt->lock);
	if (err)
		return err;
	if (record->state == VDPA_DEV_LIVE) {
		mgmt->mdev->ops->dev_del(mgmt->mdev, record->vdev);
	} else {
		NL_SET_ERR_MSG(extack, "No such device");
		err = -ENODEV;
	}
	mutex_unlock(&mgmt->lock);
	return err;
}

/**
 * vdpa_mgmt_set_device - let the management device of a device change it
 * @record: the device, of a management device
 * @config: attributes that can be changed
 *
 * Context: may sleep, for as long as the parent takes; no locks held.
 * Return: 0; -ENODEV if the device is gone; -EINTR if the caller was killed while
 * it waited; what the parent says, with nothing changed.
 */
int vdpa_mgmt_set_device(struct vdpa_dev_record *record,
			 const struct vdpa_dev_set_config *config)
{
	struct vdpa_mgmt_record *mgmt = record->mgmt;
	int err;

	err = mutex_lock_killable(&mgmt->lock);
	if (err)
		return err;
	if (record->state == VDPA_DEV_LIVE) {
		err = mgmt->mdev->ops->dev_set_attr(mgmt->mdev, record->vdev,
						    config);
	} else {
		NL_SET_ERR_MSG(config->extack, "No such device");
		err = -ENODEV;
	}
	mutex_unlock(&mgmt->lock);
	if (err && config->extack && !config->extack->_msg)
		NL_SET_ERR_MSG(config->extack,
			       "Management device failed to change the device");
	if (!err)
		vdpa_dev_record_touched(record);
	return err;
}
