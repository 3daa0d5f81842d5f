// SPDX-License-Identifier: GPL-2.0
/*
 * Device status, features, reset, suspend
 */
#include <uapi/linux/vhost.h>
#include <uapi/linux/virtio_config.h>

#include "vhost_vdpa.h"

/* virtio 1.3, 3.1.1: from here on the device may use its queues */
bool vhost_vdpa_is_running(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	return !vf->suspended &&
	       vdev->config->get_status(vdev) & VIRTIO_CONFIG_S_DRIVER_OK;
}

/*
 * There is no ioctl to reset a single queue with: one that is not enabled keeps
 * its state. Who was offered that, for a guest say, could not do it.
 */
static u64 vhost_vdpa_features(struct vdpa_device *vdev)
{
	return vdev->config->get_device_features(vdev) &
	       ~BIT_ULL(VIRTIO_F_RING_RESET);
}

int vhost_vdpa_get_features(struct vhost_vdpa_file *vf, void *arg)
{
	*(u64 *)arg = vhost_vdpa_features(vhost_vdpa_vdev(vf));
	return 0;
}

/**
 * vhost_vdpa_set_features - VHOST_SET_FEATURES
 * @vf: the opener
 * @arg: u64
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0; -EBUSY once FEATURES_OK was set; -EINVAL for one that is not
 * offered; what the parent returns.
 */
int vhost_vdpa_set_features(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	const struct vdpa_config_ops *ops = vdev->config;
	u64 features = *(u64 *)arg;

	if (ops->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK)
		return -EBUSY;
	if (features & ~vhost_vdpa_features(vdev))
		return -EINVAL;
	return vdpa_set_features(vdev, features);
}

/* What we bring, what the parent's ops make possible, what itself brings */
static u64 vhost_vdpa_backend_features(struct vdpa_device *vdev)
{
	const struct vdpa_config_ops *ops = vdev->config;
	u64 features = BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2) |
		       BIT_ULL(VHOST_BACKEND_F_IOTLB_BATCH) |
		       BIT_ULL(VHOST_BACKEND_F_IOTLB_ASID);

	if (ops->suspend)
		features |= BIT_ULL(VHOST_BACKEND_F_SUSPEND);
	if (ops->resume)
		features |= BIT_ULL(VHOST_BACKEND_F_RESUME);
	if (ops->get_vq_desc_group)
		features |= BIT_ULL(VHOST_BACKEND_F_DESC_ASID);
	if (vhost_vdpa_map_persists(vdev))
		features |= BIT_ULL(VHOST_BACKEND_F_IOTLB_PERSIST);
	if (ops->get_backend_features)
		features |= ops->get_backend_features(vdev);
	return features;
}

int vhost_vdpa_get_backend_features(struct vhost_vdpa_file *vf, void *arg)
{
	*(u64 *)arg = vhost_vdpa_backend_features(vhost_vdpa_vdev(vf));
	return 0;
}

/**
 * vhost_vdpa_set_backend_features - VHOST_SET_BACKEND_FEATURES
 * @vf: the opener
 * @arg: u64, VHOST_BACKEND_F_* as bits
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0; -EOPNOTSUPP for one that is not offered; -EINVAL for DESC_ASID
 * without IOTLB_ASID, which it requires.
 */
int vhost_vdpa_set_backend_features(struct vhost_vdpa_file *vf, void *arg)
{
	u64 offered = vhost_vdpa_backend_features(vhost_vdpa_vdev(vf));
	u64 features = *(u64 *)arg;

	if (features & ~offered)
		return -EOPNOTSUPP;
	if (features & BIT_ULL(VHOST_BACKEND_F_DESC_ASID) &&
	    !(features & BIT_ULL(VHOST_BACKEND_F_IOTLB_ASID)))
		return -EINVAL;
	vf->backend_features = features;
	return 0;
}

int vhost_vdpa_get_status(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	*(u8 *)arg = vdev->config->get_status(vdev);
	return 0;
}

/*
 * Mappings stay over a reset if the opener was promised it, and also if nothing
 * makes them go. Where the parent forgets them, so is done here: what is
 * pinned is always what the device can reach.
 */
static bool vhost_vdpa_reset_forgets(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	if (vf->backend_features & BIT_ULL(VHOST_BACKEND_F_IOTLB_PERSIST))
		return false;
	return vdev->config->compat_reset || !vhost_vdpa_map_persists(vdev);
}

static int vhost_vdpa_reset(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	bool forgets = vhost_vdpa_reset_forgets(vf);
	int err;

	vhost_vdpa_vqs_unbypass(vf);
	err = vdpa_reset(vdev, forgets ? VDPA_RESET_F_CLEAN_MAP : 0);
	if (err) {
		vhost_vdpa_vqs_bypass(vf);
		return err;
	}
	vf->suspended = false;
	if (forgets)
		vhost_vdpa_map_clear(vf);
	vhost_vdpa_vqs_restore(vf);
	vhost_vdpa_config_restore(vf);
	return 0;
}

/**
 * vhost_vdpa_set_status - VHOST_VDPA_SET_STATUS
 * @vf: the opener
 * @arg: u8, the virtio device status; bits may come one by one or all at once
 *
 * The device may decline FEATURES_OK, and what comes after it: read the status
 * back.
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0; -EINVAL for taking bits back other than by 0, the reset; what the
 * parent returns from a reset.
 */
int vhost_vdpa_set_status(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	u8 before = vdev->config->get_status(vdev);
	u8 status = *(u8 *)arg;

	if (!status)
		return vhost_vdpa_reset(vf);
	if (before & ~status)
		return -EINVAL;
	vdpa_set_status(vdev, status);
	if (!(before & VIRTIO_CONFIG_S_DRIVER_OK))
		vhost_vdpa_vqs_bypass(vf);
	return 0;
}

/* A device that does not run stands still already. */
int vhost_vdpa_suspend(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	int err;

	if (!vdev->config->suspend)
		return -EOPNOTSUPP;
	if (!vhost_vdpa_is_running(vf))
		return 0;
	err = vdpa_suspend(vdev);
	if (!err)
		vf->suspended = true;
	return err;
}

int vhost_vdpa_resume(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	int err;

	if (!vdev->config->resume)
		return -EOPNOTSUPP;
	if (!vf->suspended)
		return 0;
	err = vdpa_resume(vdev);
	if (!err)
		vf->suspended = false;
	return err;
}
