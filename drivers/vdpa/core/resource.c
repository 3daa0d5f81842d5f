// SPDX-License-Identifier: GPL-2.0
/*
 * What management devices hand out: how much there is, and who has it
 */
#include <linux/netlink.h>

#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

/**
 * struct vdpa_resource_desc - a kind of resource
 * @name: its name
 * @unit: what one of it is
 * @attr: attribute by which less of it can be asked for
 */
struct vdpa_resource_desc {
	const char *name;
	const char *unit;
	u16 attr;
};

static const struct vdpa_resource_desc vdpa_resources[VDPA_NUM_RESOURCES] = {
	[VDPA_RESOURCE_DEVICES] = {
		"devices", "device", VDPA_ATTR_MGMTDEV_DEV_NAME,
	},
	[VDPA_RESOURCE_QUEUES] = {
		"queues", "queue", VDPA_ATTR_DEV_NET_CFG_MAX_VQP,
	},
	[VDPA_RESOURCE_QUEUE_PAIRS] = {
		"queue_pairs", "pair", VDPA_ATTR_DEV_NET_CFG_MAX_VQP,
	},
	[VDPA_RESOURCE_MEMORY] = {
		"memory", "byte", VDPA_ATTR_DEV_BLK_CFG_CAPACITY,
	},
};

const char *vdpa_resource_name(enum vdpa_resource i)
{
	return vdpa_resources[i].name;
}

const char *vdpa_resource_unit(enum vdpa_resource i)
{
	return vdpa_resources[i].unit;
}

/**
 * vdpa_resource_left - tell whether there is enough of a resource
 * @mgmt: the management device
 * @i: the resource
 * @wanted: how much of it one device wants
 * @left: set to what one device can have
 *
 * Context: any; with the lock of @mgmt held the answer stays true.
 * Return: whether there is.
 */
bool vdpa_resource_left(const struct vdpa_mgmt_record *mgmt,
			enum vdpa_resource i, u64 wanted, u64 *left)
{
	const struct vdpa_resource_limit *limit = &mgmt->limits[i];
	u64 used = atomic64_read(&mgmt->used[i]);

	*left = U64_MAX;
	if (limit->size)
		*left = limit->size > used ? limit->size - used : 0;
	if (limit->max)
		*left = min(*left, limit->max);
	return wanted <= *left;
}

static int vdpa_resource_refuse(struct vdpa_dev_record *record,
				enum vdpa_resource i, u64 left,
				struct netlink_ext_ack *extack)
{
	const struct vdpa_resource_desc *desc = &vdpa_resources[i];

	NL_SET_ERR_MSG_FMT(extack, "Not enough %s: %llu wanted, %llu left",
			   desc->name, record->taken[i], left);
	record->refused_attr = desc->attr;
	return -ENOSPC;
}

/**
 * vdpa_resource_charge - have a device take what it needs
 * @record: the device, with what it needs in &vdpa_dev_record.taken
 * @extack: where to say what is missing; may be NULL
 *
 * Context: lock of the management device held.
 * Return: 0, or -ENOSPC with nothing taken.
 */
int vdpa_resource_charge(struct vdpa_dev_record *record,
			 struct netlink_ext_ack *extack)
{
	struct vdpa_mgmt_record *mgmt = record->mgmt;
	unsigned int i;
	u64 left;

	if (!mgmt)
		return 0;
	lockdep_assert_held(&mgmt->lock);
	for (i = 0; i < VDPA_NUM_RESOURCES; i++)
		if (!vdpa_resource_left(mgmt, i, record->taken[i], &left))
			return vdpa_resource_refuse(record, i, left, extack);
	for (i = 0; i < VDPA_NUM_RESOURCES; i++)
		atomic64_add(record->taken[i], &mgmt->used[i]);
	record->charged = true;
	return 0;
}

/**
 * vdpa_resource_uncharge - have a device give back what it took
 * @record: the device; it may have taken nothing
 *
 * Context: lock of the management device held.
 */
void vdpa_resource_uncharge(struct vdpa_dev_record *record)
{
	struct vdpa_mgmt_record *mgmt = record->mgmt;
	unsigned int i;

	if (!record->charged)
		return;
	lockdep_assert_held(&mgmt->lock);
	for (i = 0; i < VDPA_NUM_RESOURCES; i++)
		atomic64_sub(record->taken[i], &mgmt->used[i]);
	record->charged = false;
}
