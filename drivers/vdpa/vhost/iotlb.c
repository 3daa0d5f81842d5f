// SPDX-License-Identifier: GPL-2.0
/*
 * Messages about memory, by write(): one or several at a time
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include <uapi/linux/vhost.h>

#include "vhost_vdpa.h"

union vhost_vdpa_msg {
	u32 type;
	struct vhost_msg v1;
	struct vhost_msg_v2 v2;
};

/* Mapped to mapped, and nothing of it beyond what the device can reach */
static int vhost_vdpa_update_check(struct vhost_vdpa_file *vf,
				   const struct vhost_iotlb_msg *msg)
{
	u64 last, ulast;

	if (!msg->perm || msg->perm & ~VHOST_ACCESS_RW)
		return -EINVAL;
	if (!msg->size || !PAGE_ALIGNED(msg->iova | msg->size | msg->uaddr))
		return -EINVAL;
	if (check_add_overflow(msg->iova, msg->size - 1, &last) ||
	    check_add_overflow(msg->uaddr, msg->size - 1, &ulast))
		return -EINVAL;
	if (msg->iova < vf->range.first || last > vf->range.last)
		return -EINVAL;
	if (ulast > ULONG_MAX ||
	    !access_ok(u64_to_user_ptr(msg->uaddr), msg->size))
		return -EFAULT;
	return 0;
}

static int vhost_vdpa_update(struct vhost_vdpa_file *vf,
			     struct vhost_vdpa_as *as,
			     const struct vhost_iotlb_msg *msg)
{
	int err;

	err = vhost_vdpa_update_check(vf, msg);
	if (err)
		return err;

	/* Nobody else adds to it meanwhile: one request at a time. */
	err = vhost_vdpa_lock(vf);
	if (err)
		return err;
	if (vhost_iotlb_itree_first(&as->iotlb, msg->iova,
				    msg->iova + msg->size - 1))
		err = -EEXIST;
	vhost_vdpa_unlock(vf);
	if (err)
		return err;

	if (vf->use_va)
		return vhost_vdpa_map_user_va(vf, as, msg);
	return vhost_vdpa_map_pinned(vf, as, msg);
}

static int vhost_vdpa_invalidate(struct vhost_vdpa_file *vf,
				 struct vhost_vdpa_as *as,
				 const struct vhost_iotlb_msg *msg)
{
	u64 last;

	if (!msg->size || check_add_overflow(msg->iova, msg->size - 1, &last))
		return -EINVAL;
	return vhost_vdpa_unmap(vf, as, msg->iova, last);
}

static int vhost_vdpa_batch_begin(struct vhost_vdpa_file *vf,
				  struct vhost_vdpa_as *as,
				  const struct vhost_iotlb_msg *msg)
{
	int err;

	err = vhost_vdpa_lock(vf);
	if (err)
		return err;
	as->batch = true;
	vhost_vdpa_unlock(vf);
	return 0;
}

static int vhost_vdpa_batch_finish(struct vhost_vdpa_file *vf,
				   struct vhost_vdpa_as *as,
				   const struct vhost_iotlb_msg *msg)
{
	return vhost_vdpa_batch_end(vf, as);
}

static int (*const vhost_vdpa_msg_fns[])(struct vhost_vdpa_file *vf,
					 struct vhost_vdpa_as *as,
					 const struct vhost_iotlb_msg *msg) = {
	[VHOST_IOTLB_UPDATE] = vhost_vdpa_update,
	[VHOST_IOTLB_INVALIDATE] = vhost_vdpa_invalidate,
	[VHOST_IOTLB_BATCH_BEGIN] = vhost_vdpa_batch_begin,
	[VHOST_IOTLB_BATCH_END] = vhost_vdpa_batch_finish,
};

static int vhost_vdpa_msg_dispatch(struct vhost_vdpa_file *vf, u32 asid,
				   const struct vhost_iotlb_msg *msg)
{
	unsigned int type = msg->type;

	if (!vf->mm || vf->mm != current->mm)
		return -EPERM;
	if (asid >= vf->nas || type >= ARRAY_SIZE(vhost_vdpa_msg_fns))
		return -EINVAL;
	asid = array_index_nospec(asid, vf->nas);
	type = array_index_nospec(type, ARRAY_SIZE(vhost_vdpa_msg_fns));
	if (!vhost_vdpa_msg_fns[type])
		return -EINVAL;
	return vhost_vdpa_msg_fns[type](vf, &vf->as[asid], msg);
}

/*
 * The address space is a field that was reserved, and may be anything, before
 * it was given a meaning. The old layout differs between 32 and 64 bits; 32-bit
 * programs have the new one.
 */
static int vhost_vdpa_msg(struct vhost_vdpa_file *vf,
			  const union vhost_vdpa_msg *msg)
{
	u32 asid = 0;

	switch (msg->type) {
	case VHOST_IOTLB_MSG:
		if (in_compat_syscall())
			return -EINVAL;
		return vhost_vdpa_msg_dispatch(vf, 0, &msg->v1.iotlb);
	case VHOST_IOTLB_MSG_V2:
		if (vf->backend_features & BIT_ULL(VHOST_BACKEND_F_IOTLB_ASID))
			asid = msg->v2.asid;
		return vhost_vdpa_msg_dispatch(vf, asid, &msg->v2.iotlb);
	default:
		return -EINVAL;
	}
}

/**
 * vhost_vdpa_write_iter - messages about memory
 * @iocb: the character device
 * @from: one or more of &struct vhost_msg_v2 or &struct vhost_msg
 *
 * Context: may sleep.
 * Return: the size of the messages that were done, or, if the first was not, a
 * negative errno: -EINVAL for less than a message or one that makes no sense;
 * -EPERM unless by the owner; -EEXIST for what is mapped already; -ENODEV; and
 * see vhost_vdpa_map_pinned(), vhost_vdpa_map_user_va(), vhost_vdpa_unmap(),
 * vhost_vdpa_batch_end().
 */
ssize_t vhost_vdpa_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct vhost_vdpa_file *vf = iocb->ki_filp->private_data;
	union vhost_vdpa_msg msg;
	ssize_t done = 0;
	int err = -EINVAL;

	if (mutex_lock_killable(&vf->request_lock))
		return -EINTR;
	while (iov_iter_count(from) >= sizeof(msg)) {
		err = -EFAULT;
		if (!copy_from_iter_full(&msg, sizeof(msg), from))
			break;
		err = vhost_vdpa_msg(vf, &msg);
		if (err)
			break;
		done += sizeof(msg);
	}
	mutex_unlock(&vf->request_lock);
	return done ?: err;
}
