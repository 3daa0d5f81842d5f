/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vDPA: devices whose data path is virtio and whose control path is the
 * vendor's. The only header that a parent or a bus driver needs.
 *
 * A parent allocates a &struct vdpa_device, fills it in and registers it; a
 * bus driver binds to it and makes it usable through &struct
 * vdpa_config_ops. A parent that creates devices on request registers a
 * &struct vdpa_mgmt_dev.
 *
 * Documentation/driver-api/vdpa.rst tells the whole story.
 */
#ifndef _LINUX_VDPA_H
#define _LINUX_VDPA_H

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/vhost_iotlb.h>
#include <linux/virtio_net.h>
#include <linux/virtio_blk.h>
#include <linux/if_ether.h>

/* Bit of an attribute that Linux 6.12 does not have, in masks of such */
#define VDPA_EXT_BIT(attr)	BIT_ULL((attr) - 256)

struct netlink_ext_ack;
struct sk_buff;
struct vdpa_dev_record;
struct vdpa_mgmt_dev;
struct vdpa_mgmt_record;

/**
 * struct vdpa_callback - whom a parent tells of an interrupt
 * @callback: called from any context; NULL to tell nobody
 * @private: argument of @callback
 * @trigger: eventfd (optional); a parent may signal it in place of @callback,
 *	the two being equivalent wherever it is set
 */
struct vdpa_callback {
	irqreturn_t (*callback)(void *data);
	void *private;
	struct eventfd_ctx *trigger;
};

/**
 * struct vdpa_notification_area - doorbell of a virtqueue
 * @addr: physical address
 * @size: length in bytes
 */
struct vdpa_notification_area {
	resource_size_t addr;
	resource_size_t size;
};

/**
 * struct vdpa_vq_state_split - where a split virtqueue stands
 * @avail_index: next entry of the available ring that the device will read
 */
struct vdpa_vq_state_split {
	u16	avail_index;
};

/**
 * struct vdpa_vq_state_packed - where a packed virtqueue stands
 * @last_avail_counter: wrap counter that goes with @last_avail_idx
 * @last_avail_idx: next descriptor that the device will read
 * @last_used_counter: wrap counter that goes with @last_used_idx
 * @last_used_idx: next descriptor that the device will write back
 */
struct vdpa_vq_state_packed {
	u16	last_avail_counter:1;
	u16	last_avail_idx:15;
	u16	last_used_counter:1;
	u16	last_used_idx:15;
};

/**
 * struct vdpa_vq_state - where a virtqueue stands, in either layout
 * @split: valid unless VIRTIO_F_RING_PACKED was negotiated
 * @packed: valid if VIRTIO_F_RING_PACKED was negotiated
 */
struct vdpa_vq_state {
	union {
		struct vdpa_vq_state_split split;
		struct vdpa_vq_state_packed packed;
	};
};

/**
 * struct vdpa_vq_usage - what passed between a bus driver and a queue
 * @kicks: how often it was kicked through vdpa_kick_vq()
 * @interrupts: how often its driver was told of used buffers
 * @num: size in descriptors that was set last, 0 for none since a reset
 * @ready: it was made ready. This and @num are written by bus drivers, one at a
 *	time for a queue, and may be read meanwhile.
 */
struct vdpa_vq_usage {
	atomic64_t kicks;
	atomic64_t interrupts;
	u32 num;
	bool ready;
};

/**
 * struct vdpa_usage - what passed between bus drivers and a device
 * @config_interrupts: how often the driver was told that the configuration
 *	space, or the status, changed
 * @resets: how often it was reset through vdpa_reset()
 * @nvqs: number of @vqs
 * @vqs: virtqueues
 */
struct vdpa_usage {
	atomic64_t config_interrupts;
	atomic64_t resets;
	u32 nvqs;
	struct vdpa_vq_usage vqs[] __counted_by(nvqs);
};

/**
 * struct vdpa_device - one vDPA device
 * @dev: its place in the driver model, on the bus "vdpa"
 * @dma_dev: device that does the DMA; set by the parent before registration
 * @config: ops of the parent; immutable
 * @cf_lock: serialises writers of the configuration space, resets and feature
 *	negotiation, and keeps them apart from readers; protects @features_valid
 * @index: small number unique among the devices allocated; immutable
 * @features_valid: driver features were set since the last reset
 * @use_va: the device is given user virtual addresses; immutable
 * @nvqs: number of virtqueues; immutable once registered
 * @mdev: management device that made it, or NULL; set by the parent before
 *	registration
 * @ngroups: number of virtqueue groups; immutable
 * @nas: number of address spaces; immutable
 * @record: what the core knows of the device; private to the core
 * @usage: there while the device is registered, until it is freed
 * @memory: bytes that it takes of the management device's memory; set by the
 *	parent before registration
 */
struct vdpa_device {
	struct device dev;
	struct device *dma_dev;
	const struct vdpa_config_ops *config;
	struct rw_semaphore cf_lock; /* configuration space, see above */
	unsigned int index;
	bool features_valid;
	bool use_va;
	u32 nvqs;
	struct vdpa_mgmt_dev *mdev;
	unsigned int ngroups;
	unsigned int nas;
	struct vdpa_dev_record *record;
	struct vdpa_usage *usage;
	u64 memory;
};

/**
 * struct vdpa_iova_range - I/O virtual addresses that a device can reach
 * @first: lowest address
 * @last: highest address, itself included
 */
struct vdpa_iova_range {
	u64 first;
	u64 last;
};

/**
 * struct vdpa_dev_set_config - attributes of a device to be made or changed
 * @device_features: virtio features to offer (%VDPA_ATTR_DEV_FEATURES)
 * @net: attributes of class net
 * @net.mac: (%VDPA_ATTR_DEV_NET_CFG_MACADDR)
 * @net.mtu: in bytes (%VDPA_ATTR_DEV_NET_CFG_MTU)
 * @net.max_vq_pairs: (%VDPA_ATTR_DEV_NET_CFG_MAX_VQP)
 * @net.status: %VIRTIO_NET_S_LINK_UP or 0; only of devices that exist
 *	(%VDPA_ATTR_DEV_NET_STATUS)
 * @net.vlan: VLAN id, 1 to 4094: frames that leave the device are tagged with it,
 *	only frames so tagged reach it, and lose the tag (%VDPA_ATTR_DEV_NET_VLAN)
 * @blk: attributes of class block
 * @blk.capacity: in sectors of 512 bytes, not 0 (%VDPA_ATTR_DEV_BLK_CFG_CAPACITY)
 * @blk.read_only: (%VDPA_ATTR_DEV_BLK_READ_ONLY)
 * @mask: BIT_ULL() of every attribute that was given. No bit is set that
 *	the management device does not name in its config_attr_mask, or in its
 *	set_attr_mask if the device exists.
 * @ext_mask: the same with VDPA_EXT_BIT() for those that Linux 6.12 does not
 *	have, by config_ext_mask
 * @device_id: class as a virtio device id (%VDPA_ATTR_DEV_ID)
 * @extack: where to say why a request is refused; may be NULL, which the
 *	NL_SET_ERR_MSG() family copes with
 */
struct vdpa_dev_set_config {
	u64 device_features;
	struct {
		u8 mac[ETH_ALEN];
		u16 mtu;
		u16 max_vq_pairs;
		u16 status;
		u16 vlan;
	} net;
	struct {
		u64 capacity;
		bool read_only;
	} blk;
	u64 mask;
	u64 ext_mask;
	u32 device_id;
	struct netlink_ext_ack *extack;
};

/**
 * struct vdpa_map_file - file behind a piece of memory given by user address
 * @file: vm_file of the mapping; NULL for memory that has none, which only
 *	devices with a bind_mm op meet
 * @offset: where in @file the piece begins, in bytes
 */
struct vdpa_map_file {
	struct file *file;
	u64 offset;
};

/**
 * struct vdpa_vq_stats - what a parent knows of a queue
 * @received: descriptor chains that it took from the driver
 * @completed: those that it gave back
 * @bytes: payload that went through the queue
 * @errors: chains with which something was wrong
 * @last_error: positive errno of the last of @errors, or of what stopped the
 *	queue; 0 for none
 * @state_known: @state is valid
 * @state: where the queue stands
 */
struct vdpa_vq_stats {
	u64 received;
	u64 completed;
	u64 bytes;
	u64 errors;
	int last_error;
	bool state_known;
	struct vdpa_vq_state state;
};

/**
 * struct vdpa_config_ops - what a parent implements
 *
 * An op is required unless it says "optional". Registration refuses a device
 * that lacks a required one. Ops may sleep and are called without a lock of
 * the core unless they say otherwise.
 *
 * Virtqueues, all with @idx below &vdpa_device.nvqs:
 *
 * @set_vq_address: sets where the descriptor, driver and device areas lie, as
 *	I/O virtual addresses. Returns 0 or a negative errno.
 * @set_vq_num: sets the size in descriptors, within the bounds that
 *	@get_vq_num_min and @get_vq_num_max gave.
 * @kick_vq: says that the driver made buffers available. Any context.
 * @kick_vq_with_data: like @kick_vq, with the data that
 *	VIRTIO_F_NOTIFICATION_DATA defines (virtio 1.3, 2.9): index of the
 *	queue below, position in the ring above. Optional, for devices that
 *	offer that feature. Any context.
 * @set_vq_cb: sets whom to tell of used buffers.
 * @set_vq_ready: starts or stops a queue.
 * @get_vq_ready: tells whether a queue was started.
 * @set_vq_state: sets where a stopped queue goes on. Returns 0 or a negative
 *	errno.
 * @get_vq_state: tells where a queue stands. Returns 0 or a negative errno.
 * @get_vendor_vq_stats: appends vendor statistics to a netlink message, as
 *	pairs of name and value. Optional. Returns 0 or a negative errno.
 * @get_vq_notification: tells where the doorbell of a queue is. Optional.
 * @get_vq_irq: number of the interrupt of a queue, negative for none; fixed
 *	while the device is DRIVER_OK. Optional, but irq bypass needs it.
 * @get_vq_size: current size of a queue in descriptors, after a reset the
 *	largest possible one. Optional.
 *
 * The device:
 *
 * @get_vq_align: alignment of a ring in bytes.
 * @get_vq_group: group of a queue. Optional, without it there is one group.
 * @get_vq_desc_group: group by which the device reaches the descriptor area,
 *	where that differs from @get_vq_group. Optional.
 * @get_device_features: virtio features offered.
 * @get_backend_features: VHOST_BACKEND_F_* that the parent itself brings.
 *	Optional.
 * @set_driver_features: virtio features that the driver accepted. Under
 *	&vdpa_device.cf_lock held for writing. Returns 0 or a negative errno.
 * @get_driver_features: virtio features last accepted.
 * @set_config_cb: sets whom to tell of changes in configuration space.
 * @get_vq_num_max: largest size of a queue in descriptors.
 * @get_vq_num_min: smallest size of a queue in descriptors. Optional, 1
 *	without it.
 * @get_device_id: class, a virtio device id.
 * @get_vendor_id: virtio vendor id.
 * @get_status: virtio device status. Any context.
 * @set_status: sets the virtio device status, never to 0, which is @reset. Under
 *	&vdpa_device.cf_lock held for writing.
 * @reset: resets the device. Under &vdpa_device.cf_lock held for writing.
 *	Returns 0 or a negative errno.
 * @compat_reset: @reset with the VDPA_RESET_F_* that an old user program
 *	relies on. Optional, for parents whose @reset once did more than it
 *	should have. Locked and returning like @reset.
 * @suspend: stops the device with its state kept. Optional. Returns 0 or a
 *	negative errno.
 * @resume: undoes @suspend. Optional. Returns 0 or a negative errno.
 * @get_config_size: size of the configuration space in bytes, including
 *	fields that belong to features not negotiated.
 * @get_config: reads from configuration space. Under &vdpa_device.cf_lock.
 * @set_config: writes to configuration space. Under &vdpa_device.cf_lock held
 *	for writing.
 * @get_generation: number that changes whenever the device itself changed its
 *	configuration space. Optional.
 * @get_iova_range: addresses that the device reaches. Optional.
 * @set_vq_affinity: hint which CPUs shall serve a queue, NULL to take a hint
 *	back. Optional. Returns 0 or a negative errno.
 * @get_vq_affinity: the hint in force. Optional.
 *
 * Memory. A parent that translates addresses itself implements @set_map, or
 * both of @dma_map and @dma_unmap; for any other the platform's IOMMU does:
 *
 * @set_map: gives the whole new translation of an address space. Returns 0,
 *	or a negative errno with nothing of the new one in force: what was
 *	pinned for it goes.
 * @dma_map: adds @size bytes at @iova that lead to @pa, with VHOST_MAP_*
 *	permissions; @opaque is a &struct vdpa_map_file for devices that use
 *	user addresses. Returns 0 or a negative errno.
 * @dma_unmap: takes the translation of a range away. Returns 0 or a negative
 *	errno.
 * @reset_map: puts an address space back to what it was at first, for parents
 *	whose @reset leaves translations alone. Optional. Returns 0 or a
 *	negative errno.
 * @set_group_asid: puts a group into an address space. Optional. Returns 0 or
 *	a negative errno.
 * @get_vq_dma_dev: device that does the DMA of one queue, NULL for
 *	&vdpa_device.dma_dev. Optional.
 * @bind_mm: lets the device use the user addresses of @mm. Optional. Returns 0
 *	or a negative errno.
 * @unbind_mm: undoes @bind_mm. Optional.
 *
 * @free: the last reference is gone: frees what the parent allocated, but not
 *	the &struct vdpa_device itself. Optional.
 * @reset_vq: resets one queue while the device goes on: it is as after a reset
 *	of the device, not ready, and can be set up again; no callback of it
 *	runs any more (virtio 1.3, 2.6.1). Optional, for devices that offer
 *	VIRTIO_F_RING_RESET. Not in the API of Linux 6.12. Returns 0 or a
 *	negative errno.
 * @get_vq_stats: tells what a queue did, and where it stands, without having to
 *	wait for anybody; since the device was made, whatever it was reset. Under
 *	&vdpa_device.cf_lock. Optional. Not in the API of Linux 6.12. Returns 0 or
 *	a negative errno.
 */
struct vdpa_config_ops {
	/* virtqueues */
	int (*set_vq_address)(struct vdpa_device *vdev,
			      u16 idx, u64 desc_area, u64 driver_area,
			      u64 device_area);
	void (*set_vq_num)(struct vdpa_device *vdev, u16 idx, u32 num);
	void (*kick_vq)(struct vdpa_device *vdev, u16 idx);
	void (*kick_vq_with_data)(struct vdpa_device *vdev, u32 data);
	void (*set_vq_cb)(struct vdpa_device *vdev, u16 idx,
			  struct vdpa_callback *cb);
	void (*set_vq_ready)(struct vdpa_device *vdev, u16 idx, bool ready);
	bool (*get_vq_ready)(struct vdpa_device *vdev, u16 idx);
	int (*set_vq_state)(struct vdpa_device *vdev, u16 idx,
			    const struct vdpa_vq_state *state);
	int (*get_vq_state)(struct vdpa_device *vdev, u16 idx,
			    struct vdpa_vq_state *state);
	int (*get_vendor_vq_stats)(struct vdpa_device *vdev, u16 idx,
				   struct sk_buff *msg,
				   struct netlink_ext_ack *extack);
	struct vdpa_notification_area
	(*get_vq_notification)(struct vdpa_device *vdev, u16 idx);
	int (*get_vq_irq)(struct vdpa_device *vdev, u16 idx);
	u16 (*get_vq_size)(struct vdpa_device *vdev, u16 idx);

	/* the device */
	u32 (*get_vq_align)(struct vdpa_device *vdev);
	u32 (*get_vq_group)(struct vdpa_device *vdev, u16 idx);
	u32 (*get_vq_desc_group)(struct vdpa_device *vdev, u16 idx);
	u64 (*get_device_features)(struct vdpa_device *vdev);
	u64 (*get_backend_features)(const struct vdpa_device *vdev);
	int (*set_driver_features)(struct vdpa_device *vdev, u64 features);
	u64 (*get_driver_features)(struct vdpa_device *vdev);
	void (*set_config_cb)(struct vdpa_device *vdev,
			      struct vdpa_callback *cb);
	u16 (*get_vq_num_max)(struct vdpa_device *vdev);
	u16 (*get_vq_num_min)(struct vdpa_device *vdev);
	u32 (*get_device_id)(struct vdpa_device *vdev);
	u32 (*get_vendor_id)(struct vdpa_device *vdev);
	u8 (*get_status)(struct vdpa_device *vdev);
	void (*set_status)(struct vdpa_device *vdev, u8 status);
	int (*reset)(struct vdpa_device *vdev);
	int (*compat_reset)(struct vdpa_device *vdev, u32 flags);
#define VDPA_RESET_F_CLEAN_MAP 1	/* drop the translations as well */
	int (*suspend)(struct vdpa_device *vdev);
	int (*resume)(struct vdpa_device *vdev);
	size_t (*get_config_size)(struct vdpa_device *vdev);
	void (*get_config)(struct vdpa_device *vdev, unsigned int offset,
			   void *buf, unsigned int len);
	void (*set_config)(struct vdpa_device *vdev, unsigned int offset,
			   const void *buf, unsigned int len);
	u32 (*get_generation)(struct vdpa_device *vdev);
	struct vdpa_iova_range (*get_iova_range)(struct vdpa_device *vdev);
	int (*set_vq_affinity)(struct vdpa_device *vdev, u16 idx,
			       const struct cpumask *cpu_mask);
	const struct cpumask *(*get_vq_affinity)(struct vdpa_device *vdev,
						 u16 idx);

	/* memory */
	int (*set_map)(struct vdpa_device *vdev, unsigned int asid,
		       struct vhost_iotlb *iotlb);
	int (*dma_map)(struct vdpa_device *vdev, unsigned int asid,
		       u64 iova, u64 size, u64 pa, u32 perm, void *opaque);
	int (*dma_unmap)(struct vdpa_device *vdev, unsigned int asid,
			 u64 iova, u64 size);
	int (*reset_map)(struct vdpa_device *vdev, unsigned int asid);
	int (*set_group_asid)(struct vdpa_device *vdev, unsigned int group,
			      unsigned int asid);
	struct device *(*get_vq_dma_dev)(struct vdpa_device *vdev, u16 idx);
	int (*bind_mm)(struct vdpa_device *vdev, struct mm_struct *mm);
	void (*unbind_mm)(struct vdpa_device *vdev);

	void (*free)(struct vdpa_device *vdev);

	/* beyond Linux 6.12 */
	int (*reset_vq)(struct vdpa_device *vdev, u16 idx);
	int (*get_vq_stats)(struct vdpa_device *vdev, u16 idx,
			    struct vdpa_vq_stats *stats);
};

/* device.c */

struct vdpa_device *__vdpa_alloc_device(struct device *parent,
					const struct vdpa_config_ops *config,
					unsigned int ngroups, unsigned int nas,
					size_t size, const char *name,
					bool use_va);

/**
 * vdpa_alloc_device - allocate a device inside the parent's own structure
 * @dev_struct: type of that structure
 * @member: its member of type &struct vdpa_device, which must come first
 * @parent: parent in the driver model
 * @config: ops of the parent
 * @ngroups: number of virtqueue groups
 * @nas: number of address spaces
 * @name: name of the device, NULL for the first free "vdpaN"
 * @use_va: the device is given user virtual addresses
 *
 * Context: may sleep.
 * Return: the structure, zeroed but for @member, or an ERR_PTR. Before
 * registration, put_device() on the device frees it.
 */
#define vdpa_alloc_device(dev_struct, member, parent, config, ngroups, nas, \
			  name, use_va) \
	container_of((__vdpa_alloc_device(parent, config, ngroups, nas, \
					  sizeof(dev_struct) + \
					  BUILD_BUG_ON_ZERO(offsetof(dev_struct, member)), \
					  name, use_va)), \
		     dev_struct, member)

int vdpa_register_device(struct vdpa_device *vdev, u32 nvqs);
void vdpa_unregister_device(struct vdpa_device *vdev);

int _vdpa_register_device(struct vdpa_device *vdev, u32 nvqs);
void _vdpa_unregister_device(struct vdpa_device *vdev);

/* bus.c */

/**
 * struct vdpa_driver - a bus driver
 * @driver: its place in the driver model
 * @probe: a device was found. Returns 0 or a negative errno.
 * @remove: the device is going, or the driver is taken off it
 */
struct vdpa_driver {
	struct device_driver driver;
	int (*probe)(struct vdpa_device *vdev);
	void (*remove)(struct vdpa_device *vdev);
};

int __vdpa_register_driver(struct vdpa_driver *drv, struct module *owner);
void vdpa_unregister_driver(struct vdpa_driver *drv);

/**
 * vdpa_register_driver - register a bus driver
 * @drv: the driver
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
#define vdpa_register_driver(drv) \
	__vdpa_register_driver(drv, THIS_MODULE)

/**
 * module_vdpa_driver - a module that is one bus driver and nothing more
 * @__vdpa_driver: the &struct vdpa_driver
 */
#define module_vdpa_driver(__vdpa_driver) \
	module_driver(__vdpa_driver, vdpa_register_driver,	\
		      vdpa_unregister_driver)

static inline struct vdpa_driver *drv_to_vdpa(struct device_driver *driver)
{
	return container_of(driver, struct vdpa_driver, driver);
}

static inline struct vdpa_device *dev_to_vdpa(struct device *_dev)
{
	return container_of(_dev, struct vdpa_device, dev);
}

static inline void *vdpa_get_drvdata(const struct vdpa_device *vdev)
{
	return dev_get_drvdata(&vdev->dev);
}

static inline void vdpa_set_drvdata(struct vdpa_device *vdev, void *data)
{
	dev_set_drvdata(&vdev->dev, data);
}

static inline struct device *vdpa_get_dma_dev(struct vdpa_device *vdev)
{
	return vdev->dma_dev;
}

void vdpa_set_driver_dev(struct vdpa_device *vdev, const struct device *dev);

/* config.c */

int vdpa_reset(struct vdpa_device *vdev, u32 flags);
int vdpa_set_features_unlocked(struct vdpa_device *vdev, u64 features);
int vdpa_set_features(struct vdpa_device *vdev, u64 features);
void vdpa_get_config(struct vdpa_device *vdev, unsigned int offset,
		     void *buf, unsigned int len);
void vdpa_set_config(struct vdpa_device *vdev, unsigned int offset,
		     const void *buf, unsigned int len);
void vdpa_set_status(struct vdpa_device *vdev, u8 status);
void vdpa_status_changed(struct vdpa_device *vdev);
int vdpa_suspend(struct vdpa_device *vdev);
int vdpa_resume(struct vdpa_device *vdev);

/* usage.c: for bus drivers, in place of the ops, so that it can be watched */

void vdpa_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num);
bool vdpa_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready);
int vdpa_reset_vq(struct vdpa_device *vdev, u16 idx);

/**
 * vdpa_kick_vq - say that the driver made buffers available
 * @vdev: the device
 * @idx: index of the queue
 *
 * Context: any.
 */
static inline void vdpa_kick_vq(struct vdpa_device *vdev, u16 idx)
{
	atomic64_inc(&vdev->usage->vqs[idx].kicks);
	vdev->config->kick_vq(vdev, idx);
}

/**
 * vdpa_kick_vq_with_data - say that the driver made buffers available, and where
 * @vdev: a device that has the op
 * @idx: index of the queue
 * @data: see there; with the same index
 *
 * Context: any.
 */
static inline void vdpa_kick_vq_with_data(struct vdpa_device *vdev, u16 idx,
					  u32 data)
{
	atomic64_inc(&vdev->usage->vqs[idx].kicks);
	vdev->config->kick_vq_with_data(vdev, data);
}

/* For callbacks of bus drivers: the driver was told of used buffers. */
static inline void vdpa_count_interrupt(struct vdpa_device *vdev, u16 idx)
{
	atomic64_inc(&vdev->usage->vqs[idx].interrupts);
}

/* For callbacks of bus drivers: the driver was told of a changed device. */
static inline void vdpa_count_config_interrupt(struct vdpa_device *vdev)
{
	atomic64_inc(&vdev->usage->config_interrupts);
}

/* mgmtdev.c */

/**
 * struct vdpa_mgmtdev_ops - what a management device can be asked
 *
 * The core calls these with a lock of that management device held, so that
 * never two of them run at once for the same one. Different management devices
 * are served in parallel. Ops may sleep.
 *
 * @dev_add: makes a device named @name and registers it with
 *	_vdpa_register_device(). Attributes not in the mask of @config are the
 *	parent's choice. Returns 0, or a negative errno after having undone
 *	everything.
 * @dev_del: unregisters @dev with _vdpa_unregister_device() and gives its
 *	resources back. Cannot fail.
 * @dev_set_attr: changes attributes of @dev on the fly, and has its driver learn
 *	of it by the callback of @set_config_cb. Optional. Returns 0 or a negative
 *	errno, with @dev unchanged.
 */
struct vdpa_mgmtdev_ops {
	int (*dev_add)(struct vdpa_mgmt_dev *mdev, const char *name,
		       const struct vdpa_dev_set_config *config);
	void (*dev_del)(struct vdpa_mgmt_dev *mdev, struct vdpa_device *dev);
	int (*dev_set_attr)(struct vdpa_mgmt_dev *mdev, struct vdpa_device *dev,
			    const struct vdpa_dev_set_config *config);
};

/**
 * enum vdpa_resource - what management devices hand out
 * @VDPA_RESOURCE_DEVICES: devices
 * @VDPA_RESOURCE_QUEUES: virtqueues
 * @VDPA_RESOURCE_QUEUE_PAIRS: pairs of them, in devices of class net
 * @VDPA_RESOURCE_MEMORY: bytes of &vdpa_device.memory
 * @VDPA_NUM_RESOURCES: how many kinds there are
 */
enum vdpa_resource {
	VDPA_RESOURCE_DEVICES,
	VDPA_RESOURCE_QUEUES,
	VDPA_RESOURCE_QUEUE_PAIRS,
	VDPA_RESOURCE_MEMORY,
	VDPA_NUM_RESOURCES,
};

/**
 * struct vdpa_resource_limit - how much of a resource there is
 * @size: in all, 0 if no limit is known
 * @max: for one device, 0 if no limit is known
 */
struct vdpa_resource_limit {
	u64 size;
	u64 max;
};

/**
 * struct vdpa_mgmt_dev - a management device
 *
 * Filled in by the parent, immutable while registered.
 *
 * @device: gives it its handle: name of the bus, if any, and name
 * @ops: what it can do
 * @id_table: classes that it can create; ends with an entry of device id 0
 * @config_attr_mask: BIT_ULL() of each attribute of &enum vdpa_attr that
 *	@ops.dev_add takes. With %VDPA_ATTR_DEV_ID the parent creates whichever
 *	class it is told to.
 * @list: unused by the core
 * @supported_features: virtio features that its devices can offer
 * @max_supported_vqs: most virtqueues that a device of its can have
 * @record: what the core knows of it; private to the core
 * @set_attr_mask: BIT_ULL() of each attribute that @ops.dev_set_attr takes; 0 for
 *	%VDPA_ATTR_DEV_NET_CFG_MACADDR if @config_attr_mask has it, as in Linux 6.12
 * @config_ext_mask: VDPA_EXT_BIT() of each further attribute that @ops.dev_add
 *	takes; the core sees to %VDPA_ATTR_DEV_DRIVER itself
 * @max_vq_size: largest size of a queue of its devices, in descriptors, 0 if it
 *	does not say
 * @ngroups: number of virtqueue groups that a device of its has, 0 if it does not
 *	say
 * @nas: number of address spaces, likewise
 * @limits: of what it hands out, by &enum vdpa_resource. The core counts what
 *	its devices take, and registers none that takes more than there is.
 */
struct vdpa_mgmt_dev {
	struct device *device;
	const struct vdpa_mgmtdev_ops *ops;
	struct virtio_device_id *id_table;
	u64 config_attr_mask;
	struct list_head list;
	u64 supported_features;
	u32 max_supported_vqs;
	struct vdpa_mgmt_record *record;
	u64 set_attr_mask;
	u64 config_ext_mask;
	u16 max_vq_size;
	u32 ngroups;
	u32 nas;
	struct vdpa_resource_limit limits[VDPA_NUM_RESOURCES];
};

int vdpa_mgmtdev_register(struct vdpa_mgmt_dev *mdev);
void vdpa_mgmtdev_unregister(struct vdpa_mgmt_dev *mdev);

#endif /* _LINUX_VDPA_H */
