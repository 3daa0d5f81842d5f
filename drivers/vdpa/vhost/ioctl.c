// SPDX-License-Identifier: GPL-2.0
/*
 * Ioctls: the table, and those that only tell what the device is like
 */
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include <uapi/linux/vhost.h>

#include "vhost_vdpa.h"

/*
 * Arguments of all sizes. Those of a queue begin with its index, as the static
 * assertions below say.
 */
union vhost_vdpa_ioctl_arg {
	u8 byte;
	u16 half;
	u32 word;
	u64 quad;
	int fd;
	unsigned int index;
	struct vhost_vring_state state;
	struct vhost_vring_file file;
	struct vhost_vring_addr addr;
	struct vhost_vdpa_iova_range range;
};

static_assert(!offsetof(struct vhost_vring_state, index));
static_assert(!offsetof(struct vhost_vring_file, index));
static_assert(!offsetof(struct vhost_vring_addr, index));

/**
 * struct vhost_vdpa_ioctl - an ioctl; exactly one of the functions is set
 * @cmd: its number, which also tells the size and direction of its argument
 * @device: called with a copy of the argument, &vhost_vdpa.lock held
 * @queue: the same, for a queue of the device
 * @user: called with the argument as it was given, for those of variable size
 *
 * &vhost_vdpa_file.request_lock is held in all cases.
 */
struct vhost_vdpa_ioctl {
	unsigned int cmd;
	int (*device)(struct vhost_vdpa_file *vf, void *arg);
	int (*queue)(struct vhost_vdpa_vq *vq, void *arg);
	int (*user)(struct vhost_vdpa_file *vf, void __user *arg);
};

static int vhost_vdpa_set_owner(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	int err;

	if (vf->mm)
		return -EBUSY;
	if (vf->use_va && vdev->config->bind_mm) {
		err = vdev->config->bind_mm(vdev, current->mm);
		if (err)
			return err;
		vf->bound = true;
	}
	mmgrab(current->mm);
	vf->mm = current->mm;
	return 0;
}

static int vhost_vdpa_get_device_id(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	*(u32 *)arg = vdev->config->get_device_id(vdev);
	return 0;
}

static int vhost_vdpa_get_vring_num(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	*(u16 *)arg = vdev->config->get_vq_num_max(vdev);
	return 0;
}

static int vhost_vdpa_get_iova_range(struct vhost_vdpa_file *vf, void *arg)
{
	struct vhost_vdpa_iova_range *range = arg;

	range->first = vf->range.first;
	range->last = vf->range.last;
	return 0;
}

static int vhost_vdpa_get_config_size(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	*(u32 *)arg = vdev->config->get_config_size(vdev);
	return 0;
}

static int vhost_vdpa_get_vqs_count(struct vhost_vdpa_file *vf, void *arg)
{
	*(u32 *)arg = vf->nvqs;
	return 0;
}

static int vhost_vdpa_get_as_num(struct vhost_vdpa_file *vf, void *arg)
{
	*(u32 *)arg = vf->nas;
	return 0;
}

static int vhost_vdpa_get_group_num(struct vhost_vdpa_file *vf, void *arg)
{
	*(u32 *)arg = max(vhost_vdpa_vdev(vf)->ngroups, 1U);
	return 0;
}

/* The index is that of a group, not of a queue. */
static int vhost_vdpa_set_group_asid(struct vhost_vdpa_file *vf, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	const struct vhost_vring_state *state = arg;
	unsigned int group = state->index, asid = state->num;

	if (!vdev->config->set_group_asid)
		return -EOPNOTSUPP;
	if (group >= vdev->ngroups || asid >= vf->nas)
		return -EINVAL;
	group = array_index_nospec(group, vdev->ngroups);
	asid = array_index_nospec(asid, vf->nas);
	return vdev->config->set_group_asid(vdev, group, asid);
}

#define VHOST_VDPA_DEVICE(_cmd, _fn) { .cmd = (_cmd), .device = (_fn) }
#define VHOST_VDPA_QUEUE(_cmd, _fn) { .cmd = (_cmd), .queue = (_fn) }
#define VHOST_VDPA_USER(_cmd, _fn) { .cmd = (_cmd), .user = (_fn) }

static const struct vhost_vdpa_ioctl vhost_vdpa_ioctls[] = {
	VHOST_VDPA_DEVICE(VHOST_GET_FEATURES, vhost_vdpa_get_features),
	VHOST_VDPA_DEVICE(VHOST_SET_FEATURES, vhost_vdpa_set_features),
	VHOST_VDPA_DEVICE(VHOST_SET_OWNER, vhost_vdpa_set_owner),
	VHOST_VDPA_QUEUE(VHOST_SET_VRING_NUM, vhost_vdpa_set_vring_num),
	VHOST_VDPA_QUEUE(VHOST_SET_VRING_ADDR, vhost_vdpa_set_vring_addr),
	VHOST_VDPA_QUEUE(VHOST_SET_VRING_BASE, vhost_vdpa_set_vring_base),
	VHOST_VDPA_QUEUE(VHOST_GET_VRING_BASE, vhost_vdpa_get_vring_base),
	VHOST_VDPA_QUEUE(VHOST_SET_VRING_KICK, vhost_vdpa_set_vring_kick),
	VHOST_VDPA_QUEUE(VHOST_SET_VRING_CALL, vhost_vdpa_set_vring_call),
	VHOST_VDPA_QUEUE(VHOST_SET_VRING_ERR, vhost_vdpa_set_vring_err),
	VHOST_VDPA_DEVICE(VHOST_SET_BACKEND_FEATURES,
			  vhost_vdpa_set_backend_features),
	VHOST_VDPA_DEVICE(VHOST_GET_BACKEND_FEATURES,
			  vhost_vdpa_get_backend_features),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_DEVICE_ID, vhost_vdpa_get_device_id),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_STATUS, vhost_vdpa_get_status),
	VHOST_VDPA_DEVICE(VHOST_VDPA_SET_STATUS, vhost_vdpa_set_status),
	VHOST_VDPA_USER(VHOST_VDPA_GET_CONFIG, vhost_vdpa_get_config),
	VHOST_VDPA_USER(VHOST_VDPA_SET_CONFIG, vhost_vdpa_set_config),
	VHOST_VDPA_QUEUE(VHOST_VDPA_SET_VRING_ENABLE,
			 vhost_vdpa_set_vring_enable),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_VRING_NUM, vhost_vdpa_get_vring_num),
	VHOST_VDPA_DEVICE(VHOST_VDPA_SET_CONFIG_CALL,
			  vhost_vdpa_set_config_call),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_IOVA_RANGE, vhost_vdpa_get_iova_range),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_CONFIG_SIZE,
			  vhost_vdpa_get_config_size),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_AS_NUM, vhost_vdpa_get_as_num),
	VHOST_VDPA_QUEUE(VHOST_VDPA_GET_VRING_GROUP, vhost_vdpa_get_vring_group),
	VHOST_VDPA_DEVICE(VHOST_VDPA_SET_GROUP_ASID, vhost_vdpa_set_group_asid),
	VHOST_VDPA_DEVICE(VHOST_VDPA_SUSPEND, vhost_vdpa_suspend),
	VHOST_VDPA_DEVICE(VHOST_VDPA_RESUME, vhost_vdpa_resume),
	VHOST_VDPA_QUEUE(VHOST_VDPA_GET_VRING_DESC_GROUP,
			 vhost_vdpa_get_vring_desc_group),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_VQS_COUNT, vhost_vdpa_get_vqs_count),
	VHOST_VDPA_DEVICE(VHOST_VDPA_GET_GROUP_NUM, vhost_vdpa_get_group_num),
	VHOST_VDPA_QUEUE(VHOST_VDPA_GET_VRING_SIZE, vhost_vdpa_get_vring_size),
};

static const struct vhost_vdpa_ioctl *vhost_vdpa_ioctl_find(unsigned int cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vhost_vdpa_ioctls); i++)
		if (vhost_vdpa_ioctls[i].cmd == cmd)
			return &vhost_vdpa_ioctls[i];
	return NULL;
}

static int vhost_vdpa_ioctl_queue(struct vhost_vdpa_file *vf,
				  const struct vhost_vdpa_ioctl *ioctl,
				  union vhost_vdpa_ioctl_arg *arg)
{
	unsigned int index = arg->index;

	if (index >= vf->nvqs)
		return -ENOBUFS;
	index = array_index_nospec(index, vf->nvqs);
	return ioctl->queue(&vf->vqs[index], arg);
}

/* User memory is touched before and after, never with the lock held. */
static int vhost_vdpa_ioctl_sized(struct vhost_vdpa_file *vf,
				  const struct vhost_vdpa_ioctl *ioctl,
				  void __user *user)
{
	unsigned int dir = _IOC_DIR(ioctl->cmd), size = _IOC_SIZE(ioctl->cmd);
	union vhost_vdpa_ioctl_arg arg = {};
	int err;

	if (dir & _IOC_WRITE && copy_from_user(&arg, user, size))
		return -EFAULT;

	err = vhost_vdpa_lock(vf);
	if (err)
		return err;
	if (ioctl->queue)
		err = vhost_vdpa_ioctl_queue(vf, ioctl, &arg);
	else
		err = ioctl->device(vf, &arg);
	vhost_vdpa_unlock(vf);

	if (!err && dir & _IOC_READ && copy_to_user(user, &arg, size))
		err = -EFAULT;
	return err;
}

/**
 * vhost_vdpa_ioctl - any ioctl; 32-bit programs have the same
 * @file: the character device
 * @cmd: its number
 * @arg: its argument
 *
 * Context: may sleep.
 * Return: 0; -ENOTTY for an unknown one; -ENODEV if the device is gone; -ENOBUFS
 * for a queue that it does not have; -EFAULT; -EINTR if killed; what its
 * function returns.
 */
long vhost_vdpa_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct vhost_vdpa_ioctl *ioctl = vhost_vdpa_ioctl_find(cmd);
	struct vhost_vdpa_file *vf = file->private_data;
	void __user *user = (void __user *)arg;
	int err;

	if (!ioctl)
		return -ENOTTY;
	if (mutex_lock_killable(&vf->request_lock))
		return -EINTR;
	if (ioctl->user)
		err = ioctl->user(vf, user);
	else
		err = vhost_vdpa_ioctl_sized(vf, ioctl, user);
	mutex_unlock(&vf->request_lock);
	return err;
}
