// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated vDPA devices of class block, and their management device
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "vdpa_sim_blk.h"

#define VDPASIM_BLK_FEATURES	(VDPASIM_FEATURES |			\
				 BIT_ULL(VIRTIO_BLK_F_SIZE_MAX) |	\
				 BIT_ULL(VIRTIO_BLK_F_SEG_MAX) |	\
				 BIT_ULL(VIRTIO_BLK_F_RO) |		\
				 BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |	\
				 BIT_ULL(VIRTIO_BLK_F_FLUSH) |		\
				 BIT_ULL(VIRTIO_BLK_F_TOPOLOGY) |	\
				 BIT_ULL(VIRTIO_BLK_F_MQ) |		\
				 BIT_ULL(VIRTIO_BLK_F_DISCARD) |	\
				 BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES))

/* What can be said in bytes */
#define VDPASIM_BLK_CAPACITY_MAX	(S64_MAX >> SECTOR_SHIFT)

static ulong capacity = SZ_128M >> SECTOR_SHIFT;
module_param(capacity, ulong, 0444);
MODULE_PARM_DESC(capacity, "Size of a device in sectors of 512 bytes (default: 262144)");

static ushort num_queues = 1;
module_param(num_queues, ushort, 0444);
MODULE_PARM_DESC(num_queues, "Number of virtqueues of a device, up to 16 (default: 1)");

static bool read_only;
module_param(read_only, bool, 0444);
MODULE_PARM_DESC(read_only, "Devices cannot be written to (default: no)");

static bool shared_backend;
module_param(shared_backend, bool, 0444);
MODULE_PARM_DESC(shared_backend, "All devices have the same contents (default: no)");

static ulong max_devices;
module_param(max_devices, ulong, 0444);
MODULE_PARM_DESC(max_devices, "Number of devices that there can be (default: no limit)");

static ulong max_memory;
module_param(max_memory, ulong, 0444);
MODULE_PARM_DESC(max_memory, "Bytes that all devices can have together (default: no limit)");

/* What all devices have with shared_backend, else NULL */
static struct vdpasim_blk_store *vdpasim_blk_shared;

/* Values of configuration space: sizes of fields differ, order does not. */
#define VDPASIM_CPU_TO_V16(x)	((__force __virtio16)cpu_to_le16(x))
#define VDPASIM_CPU_TO_V32(x)	((__force __virtio32)cpu_to_le32(x))
#define VDPASIM_CPU_TO_V64(x)	((__force __virtio64)cpu_to_le64(x))

/* To be read-only is a feature that the driver cannot decline. */
static int vdpasim_blk_adjust_features(u64 *features,
				       const struct vdpa_dev_set_config *config)
{
	u64 ro = BIT_ULL(VIRTIO_BLK_F_RO);

	if (!(config->mask & BIT_ULL(VDPA_ATTR_DEV_BLK_READ_ONLY)))
		return 0;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_FEATURES) &&
	    config->blk.read_only != !!(*features & ro)) {
		NL_SET_ERR_MSG(config->extack,
			       "Read-only or not, the feature RO says otherwise");
		return -EINVAL;
	}
	if (config->blk.read_only)
		*features |= ro;
	else
		*features &= ~ro;
	return 0;
}

static int vdpasim_blk_check_capacity(const struct vdpa_dev_set_config *config)
{
	u64 wanted = config->blk.capacity;

	if (!(config->mask & BIT_ULL(VDPA_ATTR_DEV_BLK_CFG_CAPACITY)))
		return 0;
	if (wanted > VDPASIM_BLK_CAPACITY_MAX) {
		NL_SET_ERR_MSG_FMT(config->extack,
				   "Capacity is above %llu sectors",
				   (u64)VDPASIM_BLK_CAPACITY_MAX);
		return -ERANGE;
	}
	if (vdpasim_blk_shared && wanted != vdpasim_blk_shared->capacity) {
		NL_SET_ERR_MSG_FMT(config->extack,
				   "All devices share contents of %llu sectors",
				   vdpasim_blk_shared->capacity);
		return -EINVAL;
	}
	return 0;
}

static int vdpasim_blk_num_vqs(u64 features,
			       const struct vdpa_dev_set_config *config)
{
	return features & BIT_ULL(VIRTIO_BLK_F_MQ) ? num_queues : 1;
}

static void vdpasim_blk_init_zeroing(struct virtio_blk_config *space,
				     u64 sectors)
{
	u64 most = min_t(u64, sectors, U32_MAX);

	space->max_discard_sectors = VDPASIM_CPU_TO_V32(most);
	space->max_discard_seg = VDPASIM_CPU_TO_V32(VDPASIM_BLK_RANGES_MAX);
	space->discard_sector_alignment =
		VDPASIM_CPU_TO_V32(PAGE_SIZE >> SECTOR_SHIFT);
	space->max_write_zeroes_sectors = VDPASIM_CPU_TO_V32(most);
	space->max_write_zeroes_seg = VDPASIM_CPU_TO_V32(VDPASIM_BLK_RANGES_MAX);
	space->write_zeroes_may_unmap = 1;
}

/* virtio 1.3, 5.2.4; a page is the unit in which memory comes and goes. */
static int vdpasim_blk_init_config(struct vdpasim *sim,
				   const struct vdpa_dev_set_config *config)
{
	struct virtio_blk_config *space = sim->config;
	struct vdpasim_blk_store *store = vdpasim_blk_shared;
	u64 sectors = capacity;
	int err;

	err = vdpasim_blk_check_capacity(config);
	if (err)
		return err;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_BLK_CFG_CAPACITY))
		sectors = config->blk.capacity;
	if (store)
		kref_get(&store->ref);
	else
		store = vdpasim_blk_store_alloc(sectors);
	if (!store)
		return -ENOMEM;
	sim->priv = store;
	if (store != vdpasim_blk_shared)
		sim->vdpa.memory = store->capacity << SECTOR_SHIFT;

	space->capacity = VDPASIM_CPU_TO_V64(store->capacity);
	space->size_max = VDPASIM_CPU_TO_V32(VDPASIM_BLK_SIZE_MAX);
	space->seg_max = VDPASIM_CPU_TO_V32(VDPASIM_BLK_SEG_MAX);
	space->blk_size = VDPASIM_CPU_TO_V32(SECTOR_SIZE);
	space->physical_block_exp = PAGE_SHIFT - SECTOR_SHIFT;
	space->min_io_size = VDPASIM_CPU_TO_V16(1);
	space->opt_io_size = VDPASIM_CPU_TO_V32(PAGE_SIZE >> SECTOR_SHIFT);
	space->num_queues = VDPASIM_CPU_TO_V16(sim->vdpa.nvqs);
	vdpasim_blk_init_zeroing(space, store->capacity);
	return 0;
}

static void vdpasim_blk_release(struct vdpasim *sim)
{
	if (sim->priv)
		vdpasim_blk_store_put(sim->priv);
}

static const char *const *
vdpasim_blk_counter_names(const struct vdpasim *sim, u16 idx)
{
	static const char *const names[] = {
		[VDPASIM_BLK_REQUESTS] = "requests",
		[VDPASIM_BLK_ERRORS] = "errors",
		[VDPASIM_BLK_READ_BYTES] = "read bytes",
		[VDPASIM_BLK_WRITTEN_BYTES] = "written bytes",
		NULL
	};

	return names;
}

static void vdpasim_blk_counter_kinds(const struct vdpasim *sim, u16 idx,
				      unsigned long *bytes,
				      unsigned long *errors)
{
	*bytes = BIT(VDPASIM_BLK_READ_BYTES) | BIT(VDPASIM_BLK_WRITTEN_BYTES);
	*errors = BIT(VDPASIM_BLK_ERRORS);
}

static struct vdpasim_class vdpasim_blk_class = {
	.device_id = VIRTIO_ID_BLOCK,
	.nvqs = VDPASIM_BLK_QUEUES_MAX,
	.nas = 2,
	.features = VDPASIM_BLK_FEATURES,
	.required = VDPASIM_REQUIRED,
	.config_attr_mask = BIT_ULL(VDPA_ATTR_DEV_FEATURES) |
			    BIT_ULL(VDPA_ATTR_DEV_BLK_CFG_CAPACITY) |
			    BIT_ULL(VDPA_ATTR_DEV_BLK_READ_ONLY),
	.set_attr_mask = BIT_ULL(VDPA_ATTR_DEV_FEATURES),
	.config_size = sizeof(struct virtio_blk_config),
	.adjust_features = vdpasim_blk_adjust_features,
	.num_vqs = vdpasim_blk_num_vqs,
	.init_config = vdpasim_blk_init_config,
	.serve = vdpasim_blk_serve,
	.counter_names = vdpasim_blk_counter_names,
	.counter_kinds = vdpasim_blk_counter_kinds,
	.release = vdpasim_blk_release,
};

static const struct vdpasim_class *const vdpasim_blk_classes[] = {
	&vdpasim_blk_class,
};

static struct vdpasim_mgmt vdpasim_blk_mgmt = {
	.classes = vdpasim_blk_classes,
	.num_classes = ARRAY_SIZE(vdpasim_blk_classes),
};

static int __init vdpasim_blk_check_params(void)
{
	if (!capacity || capacity > VDPASIM_BLK_CAPACITY_MAX) {
		pr_err("capacity=%lu is not from 1 to %llu\n", capacity,
		       (u64)VDPASIM_BLK_CAPACITY_MAX);
		return -EINVAL;
	}
	if (!num_queues || num_queues > VDPASIM_BLK_QUEUES_MAX) {
		pr_err("num_queues=%u is not from 1 to %u\n", num_queues,
		       VDPASIM_BLK_QUEUES_MAX);
		return -EINVAL;
	}
	return 0;
}

/* Where devices need not be read-only, those are that shall be. */
static void __init vdpasim_blk_init_class(void)
{
	vdpasim_blk_class.nvqs = num_queues;
	vdpasim_blk_class.scratch_size = vdpasim_blk_turn_size();
	if (num_queues == 1)
		vdpasim_blk_class.features &= ~BIT_ULL(VIRTIO_BLK_F_MQ);
	if (read_only)
		vdpasim_blk_class.required |= BIT_ULL(VIRTIO_BLK_F_RO);
	else
		vdpasim_blk_class.optional |= BIT_ULL(VIRTIO_BLK_F_RO);
}

static void __init vdpasim_blk_init_limits(struct vdpa_resource_limit *limits)
{
	limits[VDPA_RESOURCE_DEVICES].size = max_devices;
	limits[VDPA_RESOURCE_QUEUES].max = vdpasim_blk_class.nvqs;
	limits[VDPA_RESOURCE_MEMORY].size = max_memory;
}

static int __init vdpasim_blk_init(void)
{
	struct device *dev;
	int err;

	err = vdpasim_blk_check_params();
	if (err)
		return err;
	vdpasim_blk_init_class();
	if (shared_backend) {
		vdpasim_blk_shared = vdpasim_blk_store_alloc(capacity);
		if (!vdpasim_blk_shared)
			return -ENOMEM;
	}
	dev = root_device_register("vdpasim_blk");
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		goto err_store;
	}
	vdpasim_blk_mgmt.mdev.device = dev;
	vdpasim_blk_init_limits(vdpasim_blk_mgmt.mdev.limits);
	err = vdpasim_mgmt_register(&vdpasim_blk_mgmt, NULL);
	if (err)
		goto err_dev;
	return 0;

err_dev:
	root_device_unregister(dev);
err_store:
	if (vdpasim_blk_shared)
		vdpasim_blk_store_put(vdpasim_blk_shared);
	return err;
}

static void __exit vdpasim_blk_exit(void)
{
	struct device *dev = vdpasim_blk_mgmt.mdev.device;

	vdpasim_mgmt_unregister(&vdpasim_blk_mgmt);
	root_device_unregister(dev);
	if (vdpasim_blk_shared)
		vdpasim_blk_store_put(vdpasim_blk_shared);
	rcu_barrier(); /* what was discarded goes by call_rcu() */
}

module_init(vdpasim_blk_init);
module_exit(vdpasim_blk_exit);

MODULE_DESCRIPTION("vDPA simulator for block devices");
MODULE_LICENSE("GPL");
