// SPDX-License-Identifier: GPL-2.0
/*
 * Virtqueues: their ioctls, interrupts that bypass the kernel
 */
#include <linux/eventfd.h>
#include <linux/interrupt.h>
#include <linux/log2.h>

#include <uapi/linux/vhost.h>
#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ring.h>

#include "vhost_vdpa.h"

#define VHOST_VDPA_PACKED_WRAP	BIT(15)
#define VHOST_VDPA_PACKED_INDEX	(VHOST_VDPA_PACKED_WRAP - 1)

static bool vhost_vdpa_is_packed(struct vdpa_device *vdev)
{
	return vdev->config->get_driver_features(vdev) &
	       BIT_ULL(VIRTIO_F_RING_PACKED);
}

/*
 * Irq bypass. While the device is DRIVER_OK the interrupt of a queue is known,
 * and whoever consumes the eventfd may take it directly. The eventfd is the
 * token, so it must not change or go before the producer is unregistered.
 */

static void vhost_vdpa_vq_unbypass(struct vhost_vdpa_vq *vq)
{
	vhost_vdpa_assert_locked(vq->vf);
	if (!vq->producer.token)
		return;
	irq_bypass_unregister_producer(&vq->producer);
	vq->producer.token = NULL;
}

static int vhost_vdpa_vq_irq(struct vhost_vdpa_vq *vq)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	const struct vdpa_config_ops *ops = vdev->config;

	if (!ops->get_vq_irq ||
	    !(ops->get_status(vdev) & VIRTIO_CONFIG_S_DRIVER_OK))
		return -ENOENT;
	return ops->get_vq_irq(vdev, vq->index);
}

/* Without it interrupts take the longer way, hence no error. */
static void vhost_vdpa_vq_bypass(struct vhost_vdpa_vq *vq)
{
	int irq;

	vhost_vdpa_vq_unbypass(vq);
	if (!vq->call.ctx)
		return;
	irq = vhost_vdpa_vq_irq(vq);
	if (irq < 0)
		return;

	vq->producer.irq = irq;
	vq->producer.token = vq->call.ctx;
	if (irq_bypass_register_producer(&vq->producer))
		vq->producer.token = NULL;
}

void vhost_vdpa_vqs_bypass(struct vhost_vdpa_file *vf)
{
	unsigned int i;

	for (i = 0; i < vf->nvqs; i++)
		vhost_vdpa_vq_bypass(&vf->vqs[i]);
}

void vhost_vdpa_vqs_unbypass(struct vhost_vdpa_file *vf)
{
	unsigned int i;

	for (i = 0; i < vf->nvqs; i++)
		vhost_vdpa_vq_unbypass(&vf->vqs[i]);
}

static void vhost_vdpa_vq_tell(struct vhost_vdpa_vq *vq)
{
	struct vdpa_callback cb = vhost_vdpa_signal_callback(&vq->call);
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);

	vdev->config->set_vq_cb(vdev, vq->index, &cb);
}

/**
 * vhost_vdpa_set_vring_call - VHOST_SET_VRING_CALL
 * @vq: the queue
 * @arg: &struct vhost_vring_file
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0, or a negative errno with all as it was.
 */
int vhost_vdpa_set_vring_call(struct vhost_vdpa_vq *vq, void *arg)
{
	const struct vhost_vring_file *file = arg;
	struct eventfd_ctx *ctx;
	int irq;

	ctx = vhost_vdpa_eventfd_get(file->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);

	vhost_vdpa_vq_unbypass(vq);
	ctx = vhost_vdpa_signal_swap(&vq->call, ctx);
	vhost_vdpa_vq_tell(vq);
	/* A handler may be about to signal the eventfd that was the trigger. */
	irq = ctx ? vhost_vdpa_vq_irq(vq) : -ENOENT;
	if (irq >= 0)
		synchronize_irq(irq);
	vhost_vdpa_eventfd_put(ctx);
	vhost_vdpa_vq_bypass(vq);
	return 0;
}

int vhost_vdpa_set_vring_kick(struct vhost_vdpa_vq *vq, void *arg)
{
	const struct vhost_vring_file *file = arg;

	return vhost_vdpa_kick_start(vq, file->fd);
}

int vhost_vdpa_set_vring_err(struct vhost_vdpa_vq *vq, void *arg)
{
	const struct vhost_vring_file *file = arg;
	struct eventfd_ctx *ctx = vhost_vdpa_eventfd_get(file->fd);

	vhost_vdpa_assert_locked(vq->vf);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	swap(vq->err, ctx);
	vhost_vdpa_eventfd_put(ctx);
	return 0;
}

/**
 * vhost_vdpa_set_vring_num - VHOST_SET_VRING_NUM
 * @vq: the queue
 * @arg: &struct vhost_vring_state
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0; -EBUSY if the device runs; -EINVAL for a size that the device
 * cannot do, or that is no power of 2, which a split ring needs (virtio 1.3,
 * 2.7).
 */
int vhost_vdpa_set_vring_num(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	const struct vdpa_config_ops *ops = vdev->config;
	const struct vhost_vring_state *state = arg;
	u32 num = state->num;

	if (vhost_vdpa_is_running(vq->vf))
		return -EBUSY;
	if (!num || num > ops->get_vq_num_max(vdev) ||
	    (ops->get_vq_num_min && num < ops->get_vq_num_min(vdev)))
		return -EINVAL;
	if (!is_power_of_2(num) && !vhost_vdpa_is_packed(vdev))
		return -EINVAL;
	vdpa_set_vq_num(vdev, vq->index, num);
	vq->num = num;
	return 0;
}

/**
 * vhost_vdpa_set_vring_addr - VHOST_SET_VRING_ADDR
 * @vq: the queue
 * @arg: &struct vhost_vring_addr, its addresses being I/O virtual ones
 *
 * There is nothing to be logged, so the flag that asks for it changes nothing.
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0; -EBUSY if the device runs; -EOPNOTSUPP for an unknown flag; -EINVAL
 * for an address that is not aligned (virtio 1.3, 2.7 and 2.8.10); what the
 * parent returns.
 */
int vhost_vdpa_set_vring_addr(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	const struct vhost_vring_addr *addr = arg;

	if (vhost_vdpa_is_running(vq->vf))
		return -EBUSY;
	if (addr->flags & ~BIT(VHOST_VRING_F_LOG))
		return -EOPNOTSUPP;
	if (!IS_ALIGNED(addr->desc_user_addr, VRING_DESC_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr->avail_user_addr, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(addr->used_user_addr, VRING_USED_ALIGN_SIZE))
		return -EINVAL;
	return vdev->config->set_vq_address(vdev, vq->index,
					    addr->desc_user_addr,
					    addr->avail_user_addr,
					    addr->used_user_addr);
}

/**
 * vhost_vdpa_set_vring_base - VHOST_SET_VRING_BASE
 * @vq: the queue
 * @arg: &struct vhost_vring_state; of a packed ring, num has the available
 *	index and its wrap counter in the lower half, the used ones above
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0; -EBUSY if the device runs; -EINVAL for an index above 65535; what
 * the parent returns.
 */
int vhost_vdpa_set_vring_base(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	const struct vhost_vring_state *base = arg;
	bool packed = vhost_vdpa_is_packed(vdev);
	struct vdpa_vq_state state = {};
	u32 num = base->num;

	if (vhost_vdpa_is_running(vq->vf))
		return -EBUSY;
	if (!packed && num > U16_MAX)
		return -EINVAL;

	if (packed) {
		state.packed.last_avail_idx = num & VHOST_VDPA_PACKED_INDEX;
		state.packed.last_avail_counter = !!(num & VHOST_VDPA_PACKED_WRAP);
		num >>= 16;
		state.packed.last_used_idx = num & VHOST_VDPA_PACKED_INDEX;
		state.packed.last_used_counter = !!(num & VHOST_VDPA_PACKED_WRAP);
	} else {
		state.split.avail_index = num;
	}
	return vdev->config->set_vq_state(vdev, vq->index, &state);
}

int vhost_vdpa_get_vring_base(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	struct vhost_vring_state *base = arg;
	struct vdpa_vq_state state = {};
	u32 avail, used;
	int err;

	err = vdev->config->get_vq_state(vdev, vq->index, &state);
	if (err)
		return err;
	if (!vhost_vdpa_is_packed(vdev)) {
		base->num = state.split.avail_index;
		return 0;
	}
	avail = state.packed.last_avail_idx;
	if (state.packed.last_avail_counter)
		avail |= VHOST_VDPA_PACKED_WRAP;
	used = state.packed.last_used_idx;
	if (state.packed.last_used_counter)
		used |= VHOST_VDPA_PACKED_WRAP;
	base->num = avail | used << 16;
	return 0;
}

int vhost_vdpa_set_vring_enable(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	const struct vhost_vring_state *state = arg;

	vdpa_set_vq_ready(vdev, vq->index, state->num);
	return 0;
}

static int vhost_vdpa_check_group(struct vdpa_device *vdev, u32 group)
{
	/* what the parent says is not for user space to trust */
	return group < max(vdev->ngroups, 1U) ? 0 : -EIO;
}

int vhost_vdpa_get_vring_group(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	struct vhost_vring_state *state = arg;

	state->num = 0;
	if (vdev->config->get_vq_group)
		state->num = vdev->config->get_vq_group(vdev, vq->index);
	return vhost_vdpa_check_group(vdev, state->num);
}

int vhost_vdpa_get_vring_desc_group(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	struct vhost_vring_state *state = arg;

	if (!vdev->config->get_vq_desc_group)
		return -EOPNOTSUPP;
	state->num = vdev->config->get_vq_desc_group(vdev, vq->index);
	return vhost_vdpa_check_group(vdev, state->num);
}

int vhost_vdpa_get_vring_size(struct vhost_vdpa_vq *vq, void *arg)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	struct vhost_vring_state *state = arg;

	if (vdev->config->get_vq_size)
		state->num = vdev->config->get_vq_size(vdev, vq->index);
	else
		state->num = vq->num ?: vdev->config->get_vq_num_max(vdev);
	return 0;
}

void vhost_vdpa_vqs_init(struct vhost_vdpa_file *vf)
{
	struct vdpa_usage *usage = vhost_vdpa_vdev(vf)->usage;
	unsigned int i;

	for (i = 0; i < vf->nvqs; i++) {
		vf->vqs[i].vf = vf;
		vf->vqs[i].index = i;
		vhost_vdpa_signal_init(&vf->vqs[i].call,
				       &usage->vqs[i].interrupts);
	}
}

/**
 * vhost_vdpa_vqs_restore - after a reset: what is the opener's stays
 * @vf: the opener
 *
 * Parents may forget in a reset whom to tell of used buffers. The eventfds stay
 * set until the opener replaces them.
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 */
void vhost_vdpa_vqs_restore(struct vhost_vdpa_file *vf)
{
	unsigned int i;

	for (i = 0; i < vf->nvqs; i++) {
		vf->vqs[i].num = 0;
		if (vf->vqs[i].call.ctx)
			vhost_vdpa_vq_tell(&vf->vqs[i]);
	}
}

/**
 * vhost_vdpa_vqs_detach - neither kicks reach the device nor calls the opener
 * @vf: the opener, with the device reset and no irq bypassed
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 */
void vhost_vdpa_vqs_detach(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);
	struct vdpa_callback nobody = {};
	unsigned int i;

	for (i = 0; i < vf->nvqs; i++) {
		vhost_vdpa_kick_stop(&vf->vqs[i]);
		vdev->config->set_vq_cb(vdev, i, &nobody);
	}
}

/* The opener may wait for nothing but these. */
void vhost_vdpa_vqs_gone(struct vhost_vdpa_file *vf)
{
	unsigned int i;

	vhost_vdpa_assert_locked(vf);
	for (i = 0; i < vf->nvqs; i++)
		if (vf->vqs[i].err)
			eventfd_signal(vf->vqs[i].err);
}

void vhost_vdpa_vqs_free(struct vhost_vdpa_file *vf)
{
	unsigned int i;

	for (i = 0; i < vf->nvqs; i++) {
		struct vhost_vdpa_vq *vq = &vf->vqs[i];

		vhost_vdpa_eventfd_put(vhost_vdpa_signal_swap(&vq->call, NULL));
		vhost_vdpa_eventfd_put(vq->err);
	}
}
