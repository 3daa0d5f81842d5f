/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vhost-vdpa: devices of the bus "vdpa" for user space, as character devices
 *
 * A &struct vhost_vdpa belongs to a device on the bus and outlives it while its
 * character device is open; a &struct vhost_vdpa_file belongs to the one
 * opener. The device on the bus may go at any time: remove detaches it from
 * the opener, who from then on gets -ENODEV.
 *
 * Locks, from the outermost to the innermost:
 *
 * &vhost_vdpa_file.request_lock	one request of the opener at a time. The only
 *				one that is held while user memory is touched,
 *				which may take for ever; remove never takes it.
 * mmap_lock			of the opener; not together with the next one
 * &vhost_vdpa.lock		device, queues, address spaces. Never taken with
 *				mmap_lock held: under it the device may be waited
 *				for, and that one may be touching user memory.
 * &vhost_vdpa.bell_lock	doorbells; taken with either of the two above held
 * &vdpa_device.cf_lock		see there
 * &vhost_vdpa_signal.lock	from interrupts
 */
#ifndef _VHOST_VDPA_H
#define _VHOST_VDPA_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/irqbypass.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/vdpa.h>
#include <linux/vhost_iotlb.h>
#include <linux/wait.h>

struct eventfd_ctx;
struct iommu_domain;
struct iov_iter;
struct vhost_iotlb_msg;
struct vhost_vdpa_as;
struct vhost_vdpa_file;

/**
 * struct vhost_vdpa - a device as a character device
 * @dev: its place in the driver model, below the device on the bus
 * @cdev: the character device
 * @opened: by whom is in @vf; bit 0 is set by an open that may still fail
 * @gone: pollers wait here for the device to go
 * @bell_lock: protects @bell_vdev, and keeps it while a doorbell is mapped
 * @bell_vdev: as @vdev
 * @lock: protects what follows, what the pointers lead to, and the queues and
 *	address spaces of @vf
 * @vdev: the device on the bus, NULL once it is gone
 * @vf: the opener, or NULL
 */
struct vhost_vdpa {
	struct device dev;
	struct cdev cdev;
	unsigned long opened;
	wait_queue_head_t gone;

	struct mutex bell_lock; /* see above */
	struct vdpa_device *bell_vdev;

	struct mutex lock; /* see above */
	struct vdpa_device *vdev;
	struct vhost_vdpa_file *vf;
};

/**
 * struct vhost_vdpa_signal - an eventfd that an interrupt of the device signals
 * @lock: protects @ctx; taken in interrupts. Changed under &vhost_vdpa.lock too
 * @ctx: the eventfd, or NULL
 * @count: counts the interrupts; there while the device is; immutable
 */
struct vhost_vdpa_signal {
	spinlock_t lock; /* see above */
	struct eventfd_ctx *ctx;
	atomic64_t *count;
};

/**
 * struct vhost_vdpa_kick - an eventfd that user space kicks a queue with
 * @file: the eventfd, or NULL
 * @head: where @wait is queued
 * @wait: is called when the eventfd is signalled
 */
struct vhost_vdpa_kick {
	struct file *file;
	wait_queue_head_t *head;
	wait_queue_entry_t wait;
};

/**
 * struct vhost_vdpa_vq - a virtqueue, as the opener set it up
 * @vf: the opener; immutable
 * @index: immutable
 * @num: size that was set since the last reset, 0 for none
 * @kick: see there
 * @call: used buffers
 * @err: the device is gone
 * @producer: irq bypass; registered if it has a token, which is @call's ctx
 */
struct vhost_vdpa_vq {
	struct vhost_vdpa_file *vf;
	u16 index;
	u16 num;
	struct vhost_vdpa_kick kick;
	struct vhost_vdpa_signal call;
	struct eventfd_ctx *err;
	struct irq_bypass_producer producer;
};

/**
 * struct vhost_vdpa_as - an address space
 * @iotlb: what is mapped, physically contiguous piece by piece
 * @retired: &struct vhost_vdpa_retired: no longer in @iotlb, but the device
 *	may not have been told yet
 * @batch: the opener began a batch: the device is told at its end
 * @stale: the device was not told of all changes of @iotlb. Parents with a
 *	set_map op only.
 */
struct vhost_vdpa_as {
	struct vhost_iotlb iotlb;
	struct list_head retired;
	bool batch;
	bool stale;
};

/**
 * struct vhost_vdpa_mapper - one of the ways to tell a device of its memory
 * @map: adds a piece. Returns 0 or a negative errno.
 * @unmap: takes pieces away, exactly as they were added. Returns 0 or a
 *	negative errno.
 * @sync: makes changes until now take effect. Returns 0, or a negative errno if
 *	what took effect before is still in force.
 * @blank: takes everything away, known or not. Returns 0 or a negative errno.
 *
 * All are called under &vhost_vdpa.lock.
 */
struct vhost_vdpa_mapper {
	int (*map)(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
		   const struct vhost_iotlb_map *piece);
	int (*unmap)(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
		     const struct vhost_iotlb_map *piece);
	int (*sync)(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as);
	int (*blank)(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as);
};

/**
 * struct vhost_vdpa_file - the opener
 * @vv: immutable
 * @mapping: of the inode, to find doorbells that were mapped; immutable
 * @mapper: immutable
 * @range: addresses that can be mapped; immutable
 * @nvqs: number of @vqs; immutable
 * @nas: number of @as; immutable
 * @use_va: the device gets user addresses, nothing is pinned; immutable
 * @request_lock: one request at a time; protects @pages
 * @pages: one page of pointers, for pinning
 * @mm: the owner's, NULL as long as there is none. It is written once, under
 *	both @request_lock and &vhost_vdpa.lock; memory is pinned on its account.
 * @bound: the device was given @mm with bind_mm. This and what follows is
 *	protected by &vhost_vdpa.lock.
 * @suspended: VHOST_VDPA_SUSPEND, and no resume or reset since
 * @backend_features: VHOST_BACKEND_F_* that were acknowledged, as bits
 * @domain: of the platform's IOMMU, for devices that rely on it
 * @config_call: changes of the configuration space
 * @as: address spaces
 * @vqs: virtqueues
 */
struct vhost_vdpa_file {
	struct vhost_vdpa *vv;
	struct address_space *mapping;
	const struct vhost_vdpa_mapper *mapper;
	struct vdpa_iova_range range;
	unsigned int nvqs;
	unsigned int nas;
	bool use_va;

	struct mutex request_lock; /* see above */
	struct page **pages;
	struct mm_struct *mm;

	bool bound;
	bool suspended;
	u64 backend_features;
	struct iommu_domain *domain;
	struct vhost_vdpa_signal config_call;
	struct vhost_vdpa_as *as;
	struct vhost_vdpa_vq vqs[] __counted_by(nvqs);
};

static inline void vhost_vdpa_assert_locked(const struct vhost_vdpa_file *vf)
{
	lockdep_assert_held(&vf->vv->lock);
}

/* The device, which is there as long as the lock is held. */
static inline struct vdpa_device *vhost_vdpa_vdev(struct vhost_vdpa_file *vf)
{
	vhost_vdpa_assert_locked(vf);
	return vf->vv->vdev;
}

/* chardev.c */

int vhost_vdpa_lock(struct vhost_vdpa_file *vf);
void vhost_vdpa_unlock(struct vhost_vdpa_file *vf);

/* config.c */

int vhost_vdpa_get_config(struct vhost_vdpa_file *vf, void __user *arg);
int vhost_vdpa_set_config(struct vhost_vdpa_file *vf, void __user *arg);
int vhost_vdpa_set_config_call(struct vhost_vdpa_file *vf, void *arg);
void vhost_vdpa_config_restore(struct vhost_vdpa_file *vf);
void vhost_vdpa_config_detach(struct vhost_vdpa_file *vf);

/* doorbell.c */

int vhost_vdpa_mmap(struct file *file, struct vm_area_struct *vma);
void vhost_vdpa_doorbells_init(struct vhost_vdpa *vv, struct vdpa_device *vdev);
void vhost_vdpa_doorbells_stop(struct vhost_vdpa *vv);

/* eventfd.c */

struct eventfd_ctx *vhost_vdpa_eventfd_get(int fd);
void vhost_vdpa_eventfd_put(struct eventfd_ctx *ctx);
void vhost_vdpa_signal_init(struct vhost_vdpa_signal *signal,
			    atomic64_t *count);
struct eventfd_ctx *vhost_vdpa_signal_swap(struct vhost_vdpa_signal *signal,
					   struct eventfd_ctx *ctx);
struct vdpa_callback vhost_vdpa_signal_callback(struct vhost_vdpa_signal *signal);
int vhost_vdpa_kick_start(struct vhost_vdpa_vq *vq, int fd);
void vhost_vdpa_kick_stop(struct vhost_vdpa_vq *vq);

/* ioctl.c */

long vhost_vdpa_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* iotlb.c */

ssize_t vhost_vdpa_write_iter(struct kiocb *iocb, struct iov_iter *from);

/* map.c */

int vhost_vdpa_map_attach(struct vhost_vdpa_file *vf);
void vhost_vdpa_map_detach(struct vhost_vdpa_file *vf);
int vhost_vdpa_map_add(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
		       u64 iova, u64 size, u64 addr, u32 perm, void *opaque);
int vhost_vdpa_map_commit(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as);
void vhost_vdpa_map_undo(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
			 u64 iova, u64 last);
int vhost_vdpa_unmap(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
		     u64 iova, u64 last);
int vhost_vdpa_batch_end(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as);
bool vhost_vdpa_map_settle(struct vhost_vdpa_file *vf);
void vhost_vdpa_map_clear(struct vhost_vdpa_file *vf);
bool vhost_vdpa_map_persists(struct vdpa_device *vdev);

/* pin.c */

int vhost_vdpa_map_pinned(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
			  const struct vhost_iotlb_msg *msg);
void vhost_vdpa_unpin(struct vhost_vdpa_file *vf, u64 addr, u64 size, u32 perm);

/* status.c */

int vhost_vdpa_get_features(struct vhost_vdpa_file *vf, void *arg);
int vhost_vdpa_set_features(struct vhost_vdpa_file *vf, void *arg);
int vhost_vdpa_get_backend_features(struct vhost_vdpa_file *vf, void *arg);
int vhost_vdpa_set_backend_features(struct vhost_vdpa_file *vf, void *arg);
int vhost_vdpa_get_status(struct vhost_vdpa_file *vf, void *arg);
int vhost_vdpa_set_status(struct vhost_vdpa_file *vf, void *arg);
int vhost_vdpa_suspend(struct vhost_vdpa_file *vf, void *arg);
int vhost_vdpa_resume(struct vhost_vdpa_file *vf, void *arg);
bool vhost_vdpa_is_running(struct vhost_vdpa_file *vf);

/* user_va.c */

int vhost_vdpa_map_user_va(struct vhost_vdpa_file *vf, struct vhost_vdpa_as *as,
			   const struct vhost_iotlb_msg *msg);
void vhost_vdpa_user_va_put(void *opaque);

/* vring.c */

int vhost_vdpa_set_vring_num(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_set_vring_addr(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_set_vring_base(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_get_vring_base(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_set_vring_enable(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_get_vring_group(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_get_vring_desc_group(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_get_vring_size(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_set_vring_kick(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_set_vring_call(struct vhost_vdpa_vq *vq, void *arg);
int vhost_vdpa_set_vring_err(struct vhost_vdpa_vq *vq, void *arg);
void vhost_vdpa_vqs_init(struct vhost_vdpa_file *vf);
void vhost_vdpa_vqs_bypass(struct vhost_vdpa_file *vf);
void vhost_vdpa_vqs_unbypass(struct vhost_vdpa_file *vf);
void vhost_vdpa_vqs_restore(struct vhost_vdpa_file *vf);
void vhost_vdpa_vqs_detach(struct vhost_vdpa_file *vf);
void vhost_vdpa_vqs_gone(struct vhost_vdpa_file *vf);
void vhost_vdpa_vqs_free(struct vhost_vdpa_file *vf);

#endif /* _VHOST_VDPA_H */
