/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulated vDPA devices: what the classes share
 *
 * vdpa_sim.ko has the parts that do not depend on the class: the management
 * device with its faults, the device's life as the virtio specification tells
 * it, virtqueues with their workers, and address spaces. A module for a class
 * brings a &struct vdpasim_class, which serves the queues.
 *
 * Locks, outer ones first:
 *
 *	&vdpasim.lock		what the bus driver sets
 *	&vdpasim_vq.lock	a ring and the work on it. Queues that others work
 *				on (&vdpasim_vq.inner) come after those that
 *				have their own worker, of any device.
 *	&vdpasim.config_lock	configuration space
 *
 * Work on any queue keeps the address spaces of the device as they are, so
 * these change with the locks of all its queues held.
 */
#ifndef _VDPA_SIM_H
#define _VDPA_SIM_H

#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/vdpa.h>
#include <linux/vdpa_ring.h>
#include <linux/virtio_ids.h>
#include <linux/workqueue.h>

#include <uapi/linux/vdpa.h>

#define VDPASIM_NUM_COUNTERS	6

/* What every class has to offer, and may */
#define VDPASIM_REQUIRED	(BIT_ULL(VIRTIO_F_VERSION_1) |	\
				 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))
#define VDPASIM_FEATURES	(VDPASIM_REQUIRED | VDPA_RING_FEATURES | \
				 BIT_ULL(VIRTIO_F_RING_RESET))

struct dentry;
struct mm_struct;
struct vdpasim;
struct vdpasim_vq;
struct vdpasim_worker;

/**
 * enum vdpasim_worker_kind - what a queue needs of a worker
 * @VDPASIM_WORKER_NORMAL: one of its own
 * @VDPASIM_WORKER_PROMPT: one that gets the processor soon, even from a driver that
 *	does nothing but wait
 * @VDPASIM_WORKER_NONE: nothing: those of other queues work on it
 */
enum vdpasim_worker_kind {
	VDPASIM_WORKER_NORMAL,
	VDPASIM_WORKER_PROMPT,
	VDPASIM_WORKER_NONE,
};

/**
 * struct vdpasim_class - what a class of devices has of its own
 *
 * All functions are optional unless they say "required".
 *
 * @device_id: virtio device id
 * @nvqs: most virtqueues that a device can have
 * @ngroups: number of virtqueue groups; 0 is taken for 1
 * @nas: number of address spaces; 0 is taken for 1
 * @features: virtio features it can offer
 * @required: those of them that cannot be left out
 * @optional: those of them that a device has only if it is asked for
 * @config_attr_mask: BIT_ULL() of the attributes that @init_config takes
 * @config_ext_mask: the same for VDPA_EXT_BIT()
 * @set_attr_mask: BIT_ULL() of those that @set_attr takes
 * @config_size: size of its configuration space in bytes
 * @scratch_size: memory that a queue in use needs for @serve, in bytes
 * @adjust_features: changes the features of a device to be made as attributes
 *	demand. Returns 0, or a negative errno with a word in the extack of @config.
 * @num_vqs: number of virtqueues of a device to be made. Without it they are
 *	@nvqs. Returns an errno with a word in the extack of @config if the
 *	attributes do not go together.
 * @init_config: required; fills the configuration space of a new device and
 *	the rest of what is the class's; features are settled by then. Returns 0,
 *	or a negative errno with a word in the extack of @config.
 * @set_attr: changes a device that exists, whose features were changed already;
 *	&vdpasim.lock is held. Returns 0 and has the driver told, or a negative
 *	errno with a word in the extack of @config, and nothing changed.
 * @check_features: whether a device may offer these features together. What a
 *	driver accepts without that which it needs has to be harmless.
 * @vq_group: group of a queue, 0 without it
 * @vq_desc_group: group of the descriptors of a queue, @vq_group without it
 * @driver_ok: the driver is about to start; &vdpasim.lock is held, no queue runs
 * @reset: forgets what the driver set; &vdpasim.lock is held, no queue runs
 * @set_config: the driver writes to configuration space; &vdpasim.config_lock
 *	is held, @offset and @len lie in it
 * @serve: does a turn of work on a queue; &vdpasim_vq.lock is held, the ring is
 *	whole and may be accessed. Returns whether there is more to do.
 * @worker_kind: what a queue needs, now that the driver accepted features. Without
 *	it VDPASIM_WORKER_NORMAL.
 * @counter_names: of &vdpasim_vq.counters of a queue, NULL after the last
 * @counter_kinds: sets bits for those of them that count bytes of payload, and
 *	errors; there if @counter_names is
 * @gone: the device was unregistered, or never will be registered; queues may
 *	still run. Others shall not use it any more.
 * @release: comes after @gone, when no queue runs; frees what @init_config
 *	allocated, all or a part of it
 */
struct vdpasim_class {
	u32 device_id;
	u32 nvqs;
	u32 ngroups;
	u32 nas;
	u64 features;
	u64 required;
	u64 optional;
	u64 config_attr_mask;
	u64 config_ext_mask;
	u64 set_attr_mask;
	size_t config_size;
	size_t scratch_size;
	int (*adjust_features)(u64 *features,
			       const struct vdpa_dev_set_config *config);
	int (*num_vqs)(u64 features, const struct vdpa_dev_set_config *config);
	int (*init_config)(struct vdpasim *sim,
			   const struct vdpa_dev_set_config *config);
	int (*set_attr)(struct vdpasim *sim,
			const struct vdpa_dev_set_config *config);
	bool (*check_features)(u64 features);
	u32 (*vq_group)(const struct vdpasim *sim, u16 idx);
	u32 (*vq_desc_group)(const struct vdpasim *sim, u16 idx);
	void (*driver_ok)(struct vdpasim *sim);
	void (*reset)(struct vdpasim *sim);
	void (*set_config)(struct vdpasim *sim, unsigned int offset,
			   const void *buf, unsigned int len);
	bool (*serve)(struct vdpasim_vq *vq, struct vdpasim_worker *worker);
	enum vdpasim_worker_kind (*worker_kind)(const struct vdpasim *sim,
						u16 idx);
	const char *const *(*counter_names)(const struct vdpasim *sim, u16 idx);
	void (*counter_kinds)(const struct vdpasim *sim, u16 idx,
			      unsigned long *bytes, unsigned long *errors);
	void (*gone)(struct vdpasim *sim);
	void (*release)(struct vdpasim *sim);
};

/**
 * struct vdpasim_faults - delays and failures, set through debugfs
 * @add_delay_ms: an add sleeps so long before it begins
 * @del_delay_ms: a deletion sleeps so long before it begins
 * @fail_dev_add: errno with which adds fail, 0 for none
 * @fail_late_add: adds fail once the device was registered
 * @fail_reset: resets fail
 */
struct vdpasim_faults {
	u32 add_delay_ms;
	u32 del_delay_ms;
	u32 fail_dev_add;
	bool fail_late_add;
	bool fail_reset;
};

/**
 * struct vdpasim_mgmt - a simulated management device
 * @mdev: the management device; its device is set by the owner, the rest by
 *	vdpasim_mgmt_register()
 * @classes: what it can create; set by the owner
 * @num_classes: how many they are; set by the owner
 * @ids: id table made from @classes
 * @faults: see there
 * @dir: directory in debugfs
 */
struct vdpasim_mgmt {
	struct vdpa_mgmt_dev mdev;
	const struct vdpasim_class *const *classes;
	unsigned int num_classes;
	struct virtio_device_id *ids;
	struct vdpasim_faults faults;
	struct dentry *dir;
};

/**
 * struct vdpasim_as - an address space
 * @map: its translation, for the rings in it
 * @identity: translates each address to itself, for the kernel's own drivers
 */
struct vdpasim_as {
	struct vdpa_ring_map map;
	bool identity;
};

/**
 * struct vdpasim_vq - a virtqueue
 * @sim: its device; immutable
 * @idx: its number; immutable
 * @inner: workers of other queues work on it; immutable
 * @worker: thread of its own if it was ever started and in need of one; may be used
 *	without @lock by those who find it running
 * @work: serves it
 * @report: tells the driver that it is broken
 * @lock: protects the rest, and keeps the address spaces of the device
 * @desc: address of the descriptor area
 * @driver: address of the driver area
 * @device: address of the device area
 * @num: size in descriptors
 * @ready: the driver wants it to run; may be read without @lock
 * @state_given: the driver said where it begins
 * @running: @ring may be worked on; may be read without @lock
 * @state: where it stands, unless it is started
 * @cb: whom to tell of used buffers
 * @ring: device side of it, NULL unless it is started
 * @scratch: memory of the class for work on it, zeroed when it is started
 * @place: @state, or where @ring stands: what was last seen of them between two
 *	turns of work; may be read without @lock
 * @last_error: positive errno of what went wrong last; may be read without @lock
 * @completed: chains given back to the driver
 * @counters: what the class counts, see vdpasim_count()
 * @syncp: for those who read @completed and @counters without @lock
 */
struct vdpasim_vq {
	struct vdpasim *sim;
	u16 idx;
	bool inner;
	struct kthread_worker *worker;
	struct kthread_work work;
	struct work_struct report;

	struct mutex lock; /* protects what follows, and address spaces */
	u64 desc;
	u64 driver;
	u64 device;
	u32 num;
	bool ready;
	bool state_given;
	bool running;
	struct vdpa_vq_state state;
	struct vdpa_callback cb;
	struct vdpa_ring *ring;
	void *scratch;
	struct vdpa_vq_state place;
	int last_error;
	u64_stats_t completed;
	u64_stats_t counters[VDPASIM_NUM_COUNTERS];
	struct u64_stats_sync syncp;
};

/**
 * struct vdpasim - a simulated device
 * @vdpa: what the core knows; first
 * @class: immutable
 * @mgmt: immutable
 * @made_features: virtio features it was made with; immutable
 * @features: virtio features offered, some of these; change with @lock held and
 *	@status 0; may be read without
 * @vqs: virtqueues, &vdpa_device.nvqs of them
 * @as: address spaces, &vdpa_device.nas of them; change with @lock and the locks
 *	of all queues held
 * @mm: whose user addresses @as lead to, NULL for physical ones; changes as they
 *	do
 * @priv: the class's
 * @entry: in the list of all devices
 * @config_lock: protects @config and @generation
 * @generation: changes with each change of @config by the device
 * @config: configuration space, little-endian
 * @lock: protects what follows
 * @driver_features: virtio features that the driver accepted; may be read
 *	without @lock once it is DRIVER_OK
 * @status: virtio device status; may be read without @lock
 * @suspended: no queue runs
 * @config_cb: whom to tell of changes of @config
 * @group_asid: address space of each virtqueue group
 */
struct vdpasim {
	struct vdpa_device vdpa;
	const struct vdpasim_class *class;
	struct vdpasim_mgmt *mgmt;
	u64 made_features;
	u64 features;
	struct vdpasim_vq *vqs;
	struct vdpasim_as *as;
	struct mm_struct *mm;
	void *priv;
	struct list_head entry;

	spinlock_t config_lock; /* protects the next two */
	u32 generation;
	void *config;

	struct mutex lock; /* protects what follows */
	u64 driver_features;
	u8 status;
	bool suspended;
	struct vdpa_callback config_cb;
	u16 group_asid[];
};

/**
 * struct vdpasim_worker - whose user addresses a worker can reach
 * @held: address spaces of processes that it keeps from going
 * @used: that of them which is in use
 */
struct vdpasim_worker {
	struct mm_struct *held[2];
	struct mm_struct *used;
};

static inline struct vdpasim *vdpa_to_sim(struct vdpa_device *vdev)
{
	return container_of(vdev, struct vdpasim, vdpa);
}

/**
 * vdpasim_count - count something that a queue did
 * @vq: the queue
 * @i: which counter of the class
 * @n: how many
 *
 * May be read meanwhile, see vdpasim_counter().
 *
 * Context: @vq's lock held.
 */
static inline void vdpasim_count(struct vdpasim_vq *vq, unsigned int i, u64 n)
{
	unsigned long flags;

	lockdep_assert_held(&vq->lock);
	flags = u64_stats_update_begin_irqsave(&vq->syncp);
	u64_stats_add(&vq->counters[i], n);
	u64_stats_update_end_irqrestore(&vq->syncp, flags);
}

/* The same for something that went wrong, @err being a positive errno. */
static inline void vdpasim_count_error(struct vdpasim_vq *vq, unsigned int i,
				       int err)
{
	vdpasim_count(vq, i, 1);
	WRITE_ONCE(vq->last_error, err);
}

/* device.c */

struct vdpasim *vdpasim_alloc(struct vdpasim_mgmt *mgmt, const char *name,
			      const struct vdpasim_class *class,
			      const struct vdpa_dev_set_config *config);
int vdpasim_check_features(const struct vdpasim_class *class, u64 features,
			   struct netlink_ext_ack *extack);
void vdpasim_dismantle(struct vdpasim *sim);
void vdpasim_config_notify(struct vdpasim *sim);
void vdpasim_needs_reset(struct vdpasim *sim);

/* vq.c */

unsigned int vdpasim_vq_size_max(void);
int vdpasim_init_vqs(struct vdpasim *sim);
void vdpasim_free_vqs(struct vdpasim *sim);
void vdpasim_reset_vqs(struct vdpasim *sim);
void vdpasim_start_vqs(struct vdpasim *sim);
void vdpasim_stop_vqs(struct vdpasim *sim);
void vdpasim_pause_vqs(struct vdpasim *sim);
void vdpasim_resume_vqs(struct vdpasim *sim);
bool vdpasim_group_started(struct vdpasim *sim, unsigned int group);
void vdpasim_lock_vqs(struct vdpasim *sim);
void vdpasim_unlock_vqs(struct vdpasim *sim);
void vdpasim_vq_notify(struct vdpasim_vq *vq);
void vdpasim_vq_complete(struct vdpasim_vq *vq,
			 const struct vdpa_ring_chain *chains, unsigned int n);
void vdpasim_vq_broken(struct vdpasim_vq *vq);

int vdpasim_set_vq_address(struct vdpa_device *vdev, u16 idx, u64 desc,
			   u64 driver, u64 device);
void vdpasim_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num);
void vdpasim_kick_vq(struct vdpa_device *vdev, u16 idx);
void vdpasim_set_vq_cb(struct vdpa_device *vdev, u16 idx,
		       struct vdpa_callback *cb);
void vdpasim_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready);
bool vdpasim_get_vq_ready(struct vdpa_device *vdev, u16 idx);
int vdpasim_reset_vq(struct vdpa_device *vdev, u16 idx);
int vdpasim_set_vq_state(struct vdpa_device *vdev, u16 idx,
			 const struct vdpa_vq_state *state);
int vdpasim_get_vq_state(struct vdpa_device *vdev, u16 idx,
			 struct vdpa_vq_state *state);
u16 vdpasim_get_vq_size(struct vdpa_device *vdev, u16 idx);
u32 vdpasim_get_vq_group(struct vdpa_device *vdev, u16 idx);
u32 vdpasim_get_vq_desc_group(struct vdpa_device *vdev, u16 idx);

/* map.c */

bool vdpasim_use_va(void);
bool vdpasim_batch_mapping(void);
int vdpasim_init_maps(struct vdpasim *sim);
void vdpasim_free_maps(struct vdpasim *sim);
int vdpasim_reset_maps(struct vdpasim *sim);
bool vdpasim_worker_hold(struct vdpasim_worker *worker, unsigned int slot,
			 const struct vdpasim *sim);
void vdpasim_worker_switch(struct vdpasim_worker *worker, struct mm_struct *mm);
void vdpasim_worker_release(struct vdpasim_worker *worker);

int vdpasim_set_map(struct vdpa_device *vdev, unsigned int asid,
		    struct vhost_iotlb *iotlb);
int vdpasim_dma_map(struct vdpa_device *vdev, unsigned int asid, u64 iova,
		    u64 size, u64 pa, u32 perm, void *opaque);
int vdpasim_dma_unmap(struct vdpa_device *vdev, unsigned int asid, u64 iova,
		      u64 size);
int vdpasim_reset_map(struct vdpa_device *vdev, unsigned int asid);
int vdpasim_set_group_asid(struct vdpa_device *vdev, unsigned int group,
			   unsigned int asid);
int vdpasim_bind_mm(struct vdpa_device *vdev, struct mm_struct *mm);
void vdpasim_unbind_mm(struct vdpa_device *vdev);

/**
 * vdpasim_worker_adopt - make the memory that a device reaches accessible
 * @worker: the worker, which holds the device
 * @sim: the device
 *
 * Context: process, with the lock of a queue of @sim held.
 */
static inline void vdpasim_worker_adopt(struct vdpasim_worker *worker,
					const struct vdpasim *sim)
{
	if (unlikely(sim->mm && sim->mm != worker->used))
		vdpasim_worker_switch(worker, sim->mm);
}

/* mgmtdev.c */

int vdpasim_mgmt_register(struct vdpasim_mgmt *mgmt, struct dentry *parent);
void vdpasim_mgmt_unregister(struct vdpasim_mgmt *mgmt);
int vdpasim_mgmt_add_default(struct vdpasim_mgmt *mgmt);

/* stats.c */

void vdpasim_stats_add(struct vdpasim *sim);
void vdpasim_stats_remove(struct vdpasim *sim);
void vdpasim_stats_init_debugfs(struct vdpasim_mgmt *mgmt, struct dentry *dir);
int vdpasim_get_vendor_vq_stats(struct vdpa_device *vdev, u16 idx,
				struct sk_buff *msg,
				struct netlink_ext_ack *extack);

int vdpasim_get_vq_stats(struct vdpa_device *vdev, u16 idx,
			 struct vdpa_vq_stats *stats);

#endif /* _VDPA_SIM_H */
