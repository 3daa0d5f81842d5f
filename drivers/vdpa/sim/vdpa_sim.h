/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulated vDPA devices: what the classes share
 *
 * vdpa_sim.ko has the parts that do not depend on the class: the management
 * device with its faults, and the device's life as the virtio specification
 * tells it. A module for a class brings a &struct vdpasim_class.
 */
#ifndef _VDPA_SIM_H
#define _VDPA_SIM_H

#include <linux/mutex.h>
#include <linux/vdpa.h>
#include <linux/virtio_ids.h>

#include <uapi/linux/vdpa.h>

#define VDPASIM_VQ_SIZE_MAX	256

struct dentry;
struct vdpasim;

/**
 * struct vdpasim_class - what a class of devices has of its own
 * @device_id: virtio device id
 * @nvqs: number of virtqueues
 * @features: virtio features it can offer
 * @required: those of them that cannot be left out
 * @config_attr_mask: BIT_ULL() of the attributes that @init_config takes
 * @config_size: size of its configuration space in bytes
 * @init_config: fills the configuration space of a new device; features are
 *	settled by then. Returns 0, or a negative errno with a word in the
 *	extack of @config.
 */
struct vdpasim_class {
	u32 device_id;
	u32 nvqs;
	u64 features;
	u64 required;
	u64 config_attr_mask;
	size_t config_size;
	int (*init_config)(struct vdpasim *sim,
			   const struct vdpa_dev_set_config *config);
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
 * struct vdpasim_vq - a virtqueue, as the driver set it up
 * @desc: address of the descriptor area
 * @driver: address of the driver area
 * @device: address of the device area
 * @num: size in descriptors
 * @ready: started
 * @state: where it stands
 * @cb: whom to tell of used buffers
 */
struct vdpasim_vq {
	u64 desc;
	u64 driver;
	u64 device;
	u32 num;
	bool ready;
	struct vdpa_vq_state state;
	struct vdpa_callback cb;
};

/**
 * struct vdpasim - a simulated device
 * @vdpa: what the core knows; first
 * @class: immutable
 * @mgmt: immutable
 * @features: virtio features offered; immutable
 * @lock: protects what follows
 * @driver_features: virtio features that the driver accepted
 * @generation: changes with each change of @config by the device
 * @status: virtio device status; may be read without @lock
 * @config_cb: whom to tell of changes of @config
 * @config: configuration space, little-endian
 * @vqs: virtqueues
 */
struct vdpasim {
	struct vdpa_device vdpa;
	const struct vdpasim_class *class;
	struct vdpasim_mgmt *mgmt;
	u64 features;

	struct mutex lock; /* protects what follows */
	u64 driver_features;
	u32 generation;
	u8 status;
	struct vdpa_callback config_cb;
	void *config;
	struct vdpasim_vq vqs[];
};

/* device.c */

struct vdpasim *vdpasim_alloc(struct vdpasim_mgmt *mgmt, const char *name,
			      const struct vdpasim_class *class,
			      const struct vdpa_dev_set_config *config);

/* mgmtdev.c */

int vdpasim_mgmt_register(struct vdpasim_mgmt *mgmt, struct dentry *parent);
void vdpasim_mgmt_unregister(struct vdpasim_mgmt *mgmt);
int vdpasim_mgmt_add_default(struct vdpasim_mgmt *mgmt);

#endif /* _VDPA_SIM_H */
