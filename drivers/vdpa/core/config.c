// SPDX-License-Identifier: GPL-2.0
/*
 * What bus drivers do to a device under its cf_lock: configuration space,
 * status, features, reset
 */
#include "vdpa_internal.h"

/* The device as it now is: it may refuse a status that it was given. */
static void vdpa_status_note(struct vdpa_device *vdev)
{
	if (vdev->record)
		vdpa_dev_record_note_status(vdev->record, vdev);
}

/**
 * vdpa_reset - reset a device
 * @vdev: the device
 * @flags: VDPA_RESET_F_* that the user program relies on, heeded by parents
 *	that have a compat_reset op
 *
 * Context: may sleep, takes &vdpa_device.cf_lock.
 * Return: 0 or the negative errno of the parent.
 */
int vdpa_reset(struct vdpa_device *vdev, u32 flags)
{
	const struct vdpa_config_ops *ops = vdev->config;
	int err;

	down_write(&vdev->cf_lock);
	vdev->features_valid = false;
	if (flags && ops->compat_reset)
		err = ops->compat_reset(vdev, flags);
	else
		err = ops->reset(vdev);
	if (err)
		vdpa_status_note(vdev);
	else
		vdpa_usage_reset(vdev);
	up_write(&vdev->cf_lock);
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_reset);

/**
 * vdpa_set_features_unlocked - set driver features, the lock being the caller's
 * @vdev: the device
 * @features: virtio features that the driver accepted
 *
 * The name is an old one: it is the function that does not lock.
 *
 * Context: may sleep, &vdpa_device.cf_lock held for writing.
 * Return: 0 or the negative errno of the parent.
 */
int vdpa_set_features_unlocked(struct vdpa_device *vdev, u64 features)
{
	lockdep_assert_held_write(&vdev->cf_lock);
	vdev->features_valid = true;
	return vdev->config->set_driver_features(vdev, features);
}
EXPORT_SYMBOL_GPL(vdpa_set_features_unlocked);

/**
 * vdpa_set_features - set driver features
 * @vdev: the device
 * @features: virtio features that the driver accepted
 *
 * Context: may sleep, takes &vdpa_device.cf_lock.
 * Return: 0 or the negative errno of the parent.
 */
int vdpa_set_features(struct vdpa_device *vdev, u64 features)
{
	int err;

	down_write(&vdev->cf_lock);
	err = vdpa_set_features_unlocked(vdev, features);
	up_write(&vdev->cf_lock);
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_set_features);

/**
 * vdpa_get_config - read from configuration space
 * @vdev: the device
 * @offset: where to begin, in bytes
 * @buf: where to put it
 * @len: how much, in bytes
 *
 * A driver that reads before it has set features is taken for a legacy one
 * (virtio 1.3, 2.4.3): the device is told so first, as the layout may depend
 * on it.
 *
 * Context: may sleep, takes &vdpa_device.cf_lock.
 */
void vdpa_get_config(struct vdpa_device *vdev, unsigned int offset,
		     void *buf, unsigned int len)
{
	down_read(&vdev->cf_lock);
	if (!vdev->features_valid) {
		up_read(&vdev->cf_lock);
		down_write(&vdev->cf_lock);
		if (!vdev->features_valid)
			vdpa_set_features_unlocked(vdev, 0);
		downgrade_write(&vdev->cf_lock);
	}
	vdev->config->get_config(vdev, offset, buf, len);
	up_read(&vdev->cf_lock);
}
EXPORT_SYMBOL_GPL(vdpa_get_config);

/**
 * vdpa_set_config - write to configuration space
 * @vdev: the device
 * @offset: where to begin, in bytes
 * @buf: what to write
 * @len: how much, in bytes
 *
 * Context: may sleep, takes &vdpa_device.cf_lock.
 */
void vdpa_set_config(struct vdpa_device *vdev, unsigned int offset,
		     const void *buf, unsigned int len)
{
	down_write(&vdev->cf_lock);
	vdev->config->set_config(vdev, offset, buf, len);
	up_write(&vdev->cf_lock);
}
EXPORT_SYMBOL_GPL(vdpa_set_config);

/**
 * vdpa_set_status - set the device status
 * @vdev: the device
 * @status: virtio device status; 0 resets the device (virtio 1.3, 2.1)
 *
 * The device may decline a bit, such as FEATURES_OK: read the status back.
 *
 * Context: may sleep, takes &vdpa_device.cf_lock.
 */
void vdpa_set_status(struct vdpa_device *vdev, u8 status)
{
	if (!status) {
		vdpa_reset(vdev, 0);
		return;
	}
	down_write(&vdev->cf_lock);
	vdev->config->set_status(vdev, status);
	vdpa_status_note(vdev);
	up_write(&vdev->cf_lock);
}
EXPORT_SYMBOL_GPL(vdpa_set_status);

/**
 * vdpa_status_changed - say that a device changed its status by itself
 * @vdev: the device
 *
 * For parents whose device says VIRTIO_CONFIG_S_NEEDS_RESET, besides the config
 * interrupt for the driver: without, whoever manages the device does not learn.
 *
 * Context: may sleep; with whatever locks the get_status op can do with.
 */
void vdpa_status_changed(struct vdpa_device *vdev)
{
	vdpa_status_note(vdev);
}
EXPORT_SYMBOL_GPL(vdpa_status_changed);

/**
 * vdpa_suspend - stop a device with its state kept
 * @vdev: the device
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP if the device cannot; or the negative errno of the
 * parent.
 */
int vdpa_suspend(struct vdpa_device *vdev)
{
	int err;

	if (!vdev->config->suspend)
		return -EOPNOTSUPP;
	err = vdev->config->suspend(vdev);
	if (!err && vdev->record)
		vdpa_dev_record_set_suspended(vdev->record, true);
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_suspend);

/**
 * vdpa_resume - undo vdpa_suspend()
 * @vdev: the device
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP if the device cannot; or the negative errno of the
 * parent.
 */
int vdpa_resume(struct vdpa_device *vdev)
{
	int err;

	if (!vdev->config->resume)
		return -EOPNOTSUPP;
	err = vdev->config->resume(vdev);
	if (!err && vdev->record)
		vdpa_dev_record_set_suspended(vdev->record, false);
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_resume);
