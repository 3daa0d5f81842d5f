// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration space
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/vhost.h>

#include "vhost_vdpa.h"

/* A device that changes its configuration all the time is given up on. */
#define VHOST_VDPA_CONFIG_TRIES	16

/* A piece of the configuration space, on its way */
struct vhost_vdpa_config_piece {
	u32 off;
	u32 len;
	u8 *buf;
};

static int vhost_vdpa_config_check(struct vdpa_device *vdev,
				   const struct vhost_vdpa_config *head)
{
	size_t size = vdev->config->get_config_size(vdev);

	if (!head->len || head->off > size)
		return -EINVAL;
	return head->len > size - head->off ? -E2BIG : 0;
}

/* Checks what user space asks for, and makes room for as much. */
static int vhost_vdpa_config_begin(struct vhost_vdpa_file *vf, void __user *arg,
				   struct vhost_vdpa_config_piece *piece)
{
	struct vhost_vdpa_config head;
	int err;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;

	err = vhost_vdpa_lock(vf);
	if (err)
		return err;
	err = vhost_vdpa_config_check(vhost_vdpa_vdev(vf), &head);
	vhost_vdpa_unlock(vf);
	if (err)
		return err;

	piece->off = head.off;
	piece->len = head.len;
	piece->buf = kvzalloc(head.len, GFP_KERNEL_ACCOUNT);
	return piece->buf ? 0 : -ENOMEM;
}

/* virtio 1.3, 2.5.1: what is read is whole if the generation stayed the same */
static void vhost_vdpa_config_read(struct vdpa_device *vdev,
				   const struct vhost_vdpa_config_piece *piece)
{
	const struct vdpa_config_ops *ops = vdev->config;
	unsigned int tries = VHOST_VDPA_CONFIG_TRIES;
	u32 generation;

	do {
		generation = ops->get_generation ? ops->get_generation(vdev) : 0;
		vdpa_get_config(vdev, piece->off, piece->buf, piece->len);
	} while (ops->get_generation &&
		 ops->get_generation(vdev) != generation && --tries);
}

/**
 * vhost_vdpa_get_config - VHOST_VDPA_GET_CONFIG
 * @vf: the opener
 * @arg: its &struct vhost_vdpa_config
 *
 * Context: may sleep, &vhost_vdpa_file.request_lock held.
 * Return: 0; -EINVAL for nothing or what begins behind the end; -E2BIG for what
 * ends behind it; -EFAULT; -ENODEV; -ENOMEM.
 */
int vhost_vdpa_get_config(struct vhost_vdpa_file *vf, void __user *arg)
{
	struct vhost_vdpa_config __user *user = arg;
	struct vhost_vdpa_config_piece piece;
	int err;

	err = vhost_vdpa_config_begin(vf, arg, &piece);
	if (err)
		return err;
	err = vhost_vdpa_lock(vf);
	if (!err) {
		vhost_vdpa_config_read(vhost_vdpa_vdev(vf), &piece);
		vhost_vdpa_unlock(vf);
		if (copy_to_user(user->buf, piece.buf, piece.len))
			err = -EFAULT;
	}
	kvfree(piece.buf);
	return err;
}

/*
 * The op has no way to refuse, and devices without writable fields ignore it:
 * whoever meant to change something shall know that it did not change.
 */
static int vhost_vdpa_config_write(struct vdpa_device *vdev,
				   const struct vhost_vdpa_config_piece *piece)
{
	struct vhost_vdpa_config_piece before = *piece, after = *piece;
	int err = -ENOMEM;

	before.buf = kvzalloc(piece->len, GFP_KERNEL_ACCOUNT);
	after.buf = kvzalloc(piece->len, GFP_KERNEL_ACCOUNT);
	if (!before.buf || !after.buf)
		goto out;

	vhost_vdpa_config_read(vdev, &before);
	vdpa_set_config(vdev, piece->off, piece->buf, piece->len);
	vhost_vdpa_config_read(vdev, &after);
	err = 0;
	if (memcmp(piece->buf, before.buf, piece->len) &&
	    !memcmp(after.buf, before.buf, piece->len))
		err = -EOPNOTSUPP;
out:
	kvfree(before.buf);
	kvfree(after.buf);
	return err;
}

/**
 * vhost_vdpa_set_config - VHOST_VDPA_SET_CONFIG
 * @vf: the opener
 * @arg: its &struct vhost_vdpa_config
 *
 * Context: may sleep, &vhost_vdpa_file.request_lock held.
 * Return: as vhost_vdpa_get_config(); -EOPNOTSUPP if the device ignored it.
 */
int vhost_vdpa_set_config(struct vhost_vdpa_file *vf, void __user *arg)
{
	struct vhost_vdpa_config __user *user = arg;
	struct vhost_vdpa_config_piece piece;
	int err;

	err = vhost_vdpa_config_begin(vf, arg, &piece);
	if (err)
		return err;
	if (copy_from_user(piece.buf, user->buf, piece.len))
		err = -EFAULT;
	else
		err = vhost_vdpa_lock(vf);
	if (!err) {
		err = vhost_vdpa_config_write(vhost_vdpa_vdev(vf), &piece);
		vhost_vdpa_unlock(vf);
	}
	kvfree(piece.buf);
	return err;
}

static void vhost_vdpa_config_tell(struct vhost_vdpa_file *vf)
{
	struct vdpa_callback cb = vhost_vdpa_signal_callback(&vf->config_call);
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	vdev->config->set_config_cb(vdev, &cb);
}

/**
 * vhost_vdpa_set_config_call - VHOST_VDPA_SET_CONFIG_CALL
 * @vf: the opener
 * @arg: int: descriptor of an eventfd, VHOST_FILE_UNBIND for none
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0, or a negative errno with all as it was.
 */
int vhost_vdpa_set_config_call(struct vhost_vdpa_file *vf, void *arg)
{
	struct eventfd_ctx *ctx = vhost_vdpa_eventfd_get(*(int *)arg);

	vhost_vdpa_assert_locked(vf);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ctx = vhost_vdpa_signal_swap(&vf->config_call, ctx);
	vhost_vdpa_config_tell(vf);
	vhost_vdpa_eventfd_put(ctx);
	return 0;
}

/* Parents may forget it in a reset; the opener did not take it back. */
void vhost_vdpa_config_restore(struct vhost_vdpa_file *vf)
{
	if (vf->config_call.ctx)
		vhost_vdpa_config_tell(vf);
}

void vhost_vdpa_config_detach(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	struct vdpa_callback nobody = {};

	vdev->config->set_config_cb(vdev, &nobody);
}
