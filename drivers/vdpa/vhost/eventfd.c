// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds: kicks from user space, signals to it
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>

#include <uapi/linux/vhost.h>

#include "vhost_vdpa.h"

/**
 * vhost_vdpa_eventfd_get - the eventfd behind a descriptor of the opener's
 * @fd: the descriptor, VHOST_FILE_UNBIND for none
 *
 * Context: any.
 * Return: the eventfd, NULL for none, or an ERR_PTR.
 */
struct eventfd_ctx *vhost_vdpa_eventfd_get(int fd)
{
	return fd == VHOST_FILE_UNBIND ? NULL : eventfd_ctx_fdget(fd);
}

void vhost_vdpa_eventfd_put(struct eventfd_ctx *ctx)
{
	if (ctx)
		eventfd_ctx_put(ctx);
}

/**
 * vhost_vdpa_signal_init - make a signal, with no eventfd yet
 * @signal: the signal
 * @count: where to count it
 */
void vhost_vdpa_signal_init(struct vhost_vdpa_signal *signal,
			    atomic64_t *count)
{
	spin_lock_init(&signal->lock);
	signal->count = count;
}

/**
 * vhost_vdpa_signal_swap - set which eventfd is signalled
 * @signal: the signal
 * @ctx: the eventfd, or NULL
 *
 * Context: any.
 * Return: the eventfd before, or NULL. It is signalled no more, but the parent
 * may still know it.
 */
struct eventfd_ctx *vhost_vdpa_signal_swap(struct vhost_vdpa_signal *signal,
					   struct eventfd_ctx *ctx)
{
	unsigned long flags;

	spin_lock_irqsave(&signal->lock, flags);
	swap(signal->ctx, ctx);
	spin_unlock_irqrestore(&signal->lock, flags);
	return ctx;
}

/* Parents take no lock to read whom they call: that is done here. */
static irqreturn_t vhost_vdpa_signal(void *data)
{
	struct vhost_vdpa_signal *signal = data;
	unsigned long flags;

	atomic64_inc(signal->count);
	spin_lock_irqsave(&signal->lock, flags);
	if (signal->ctx)
		eventfd_signal(signal->ctx);
	spin_unlock_irqrestore(&signal->lock, flags);
	return IRQ_HANDLED;
}

/**
 * vhost_vdpa_signal_callback - what to tell the parent of a signal
 * @signal: the signal; changes under the caller's &vhost_vdpa.lock
 *
 * Context: any.
 * Return: the callback for the eventfd that is now set.
 */
struct vdpa_callback vhost_vdpa_signal_callback(struct vhost_vdpa_signal *signal)
{
	return (struct vdpa_callback) {
		.callback = signal->ctx ? vhost_vdpa_signal : NULL,
		.private = signal,
		.trigger = signal->ctx,
	};
}

/*
 * Called with the lock of the eventfd held, maybe in an interrupt. The device
 * is there: before it goes, vhost_vdpa_kick_stop() has returned.
 */
static int vhost_vdpa_kick_wake(wait_queue_entry_t *wait, unsigned int mode,
				int sync, void *key)
{
	struct vhost_vdpa_vq *vq = container_of(wait, struct vhost_vdpa_vq,
						kick.wait);
	struct vdpa_device *vdev = READ_ONCE(vq->vf->vv->vdev);

	if (key_to_poll(key) & EPOLLIN)
		vdpa_kick_vq(vdev, vq->index);
	return 0;
}

struct vhost_vdpa_kick_table {
	poll_table pt;
	struct vhost_vdpa_kick *kick;
};

static void vhost_vdpa_kick_queue(struct file *file, wait_queue_head_t *head,
				  poll_table *pt)
{
	struct vhost_vdpa_kick *kick =
		container_of(pt, struct vhost_vdpa_kick_table, pt)->kick;

	kick->head = head;
	add_wait_queue(head, &kick->wait);
}

/**
 * vhost_vdpa_kick_start - let an eventfd kick a queue, in place of any before
 * @vq: the queue
 * @fd: descriptor of the eventfd, VHOST_FILE_UNBIND for none
 *
 * Context: may sleep, &vhost_vdpa.lock held.
 * Return: 0, or a negative errno with all as it was.
 */
int vhost_vdpa_kick_start(struct vhost_vdpa_vq *vq, int fd)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vq->vf);
	struct vhost_vdpa_kick_table table = { .kick = &vq->kick };
	struct file *file = NULL;

	if (fd != VHOST_FILE_UNBIND) {
		file = eventfd_fget(fd);
		if (IS_ERR(file))
			return PTR_ERR(file);
	}
	vhost_vdpa_kick_stop(vq);
	if (!file)
		return 0;

	vq->kick.file = file;
	init_waitqueue_func_entry(&vq->kick.wait, vhost_vdpa_kick_wake);
	init_poll_funcptr(&table.pt, vhost_vdpa_kick_queue);
	/* It may have been signalled before anybody listened. */
	if (vfs_poll(file, &table.pt) & EPOLLIN)
		vdpa_kick_vq(vdev, vq->index);
	return 0;
}

/**
 * vhost_vdpa_kick_stop - let go of the eventfd that kicks a queue, if any
 * @vq: the queue
 *
 * Context: may sleep, &vhost_vdpa.lock held. When it returns, no kick is under
 * way.
 */
void vhost_vdpa_kick_stop(struct vhost_vdpa_vq *vq)
{
	struct vhost_vdpa_kick *kick = &vq->kick;

	vhost_vdpa_assert_locked(vq->vf);
	if (!kick->file)
		return;
	remove_wait_queue(kick->head, &kick->wait);
	fput(kick->file);
	kick->file = NULL;
	kick->head = NULL;
}
