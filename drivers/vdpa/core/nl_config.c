// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink operations on configuration space
 *
 * To look at it changes nothing, least of all the features: it is read as a
 * driver of virtio 1.0 and later would (virtio 1.3, 2.5), whether there is one
 * or not.
 */
#include <linux/unaligned.h>
#include <net/genetlink.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

/* As often it is read again if the device changes it meanwhile. */
#define VDPA_NL_CONFIG_TRIES	8

/**
 * struct vdpa_nl_field - a field of configuration space
 * @attr: attribute that shows it
 * @features: it is there if the device offers any of these, or if they are 0
 * @offset: where it begins, in bytes
 * @size: in bytes; what is none of 1, 2, 4 and 8 is no number
 */
struct vdpa_nl_field {
	u16 attr;
	u64 features;
	u8 offset;
	u8 size;
};

#define VDPA_NL_FIELD(_attr, _features, _struct, _member) {	\
	.attr = VDPA_ATTR_DEV_##_attr,				\
	.features = _features,					\
	.offset = offsetof(struct _struct, _member),		\
	.size = sizeof_field(struct _struct, _member),		\
}

/* virtio 1.3, 5.1.4 */
#define VDPA_NL_NET(attr, features, member) \
	VDPA_NL_FIELD(attr, features, virtio_net_config, member)

static const struct vdpa_nl_field vdpa_nl_net_fields[] = {
	VDPA_NL_NET(NET_CFG_MACADDR, BIT_ULL(VIRTIO_NET_F_MAC), mac),
	VDPA_NL_NET(NET_STATUS, BIT_ULL(VIRTIO_NET_F_STATUS), status),
	VDPA_NL_NET(NET_CFG_MAX_VQP, BIT_ULL(VIRTIO_NET_F_MQ) |
		    BIT_ULL(VIRTIO_NET_F_RSS), max_virtqueue_pairs),
	VDPA_NL_NET(NET_CFG_MTU, BIT_ULL(VIRTIO_NET_F_MTU), mtu),
};

/* virtio 1.3, 5.2.4 */
#define VDPA_NL_BLK(attr, feature, member) \
	VDPA_NL_FIELD(BLK_CFG_##attr, feature, virtio_blk_config, member)

static const struct vdpa_nl_field vdpa_nl_blk_fields[] = {
	VDPA_NL_BLK(CAPACITY, 0, capacity),
	VDPA_NL_BLK(SIZE_MAX, BIT_ULL(VIRTIO_BLK_F_SIZE_MAX), size_max),
	VDPA_NL_BLK(BLK_SIZE, BIT_ULL(VIRTIO_BLK_F_BLK_SIZE), blk_size),
	VDPA_NL_BLK(SEG_MAX, BIT_ULL(VIRTIO_BLK_F_SEG_MAX), seg_max),
	VDPA_NL_BLK(NUM_QUEUES, BIT_ULL(VIRTIO_BLK_F_MQ), num_queues),
	VDPA_NL_BLK(PHY_BLK_EXP, BIT_ULL(VIRTIO_BLK_F_TOPOLOGY),
		    physical_block_exp),
	VDPA_NL_BLK(ALIGN_OFFSET, BIT_ULL(VIRTIO_BLK_F_TOPOLOGY),
		    alignment_offset),
	VDPA_NL_BLK(MIN_IO_SIZE, BIT_ULL(VIRTIO_BLK_F_TOPOLOGY), min_io_size),
	VDPA_NL_BLK(OPT_IO_SIZE, BIT_ULL(VIRTIO_BLK_F_TOPOLOGY), opt_io_size),
	VDPA_NL_BLK(MAX_DISCARD_SEC, BIT_ULL(VIRTIO_BLK_F_DISCARD),
		    max_discard_sectors),
	VDPA_NL_BLK(MAX_DISCARD_SEG, BIT_ULL(VIRTIO_BLK_F_DISCARD),
		    max_discard_seg),
	VDPA_NL_BLK(DISCARD_SEC_ALIGN, BIT_ULL(VIRTIO_BLK_F_DISCARD),
		    discard_sector_alignment),
	VDPA_NL_BLK(MAX_WRITE_ZEROES_SEC, BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES),
		    max_write_zeroes_sectors),
	VDPA_NL_BLK(MAX_WRITE_ZEROES_SEG, BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES),
		    max_write_zeroes_seg),
};

/**
 * struct vdpa_nl_config - what there is to tell of a device
 * @features: virtio features offered
 * @negotiated: virtio features that the driver accepted
 * @status: virtio device status
 * @len: how much of @space the device has
 * @space: begin of its configuration space, little-endian
 */
struct vdpa_nl_config {
	u64 features;
	u64 negotiated;
	u8 status;
	size_t len;
	union {
		struct virtio_net_config net;
		struct virtio_blk_config blk;
		u8 bytes[0];
	} space;
};

static u32 vdpa_nl_config_generation(struct vdpa_device *vdev)
{
	const struct vdpa_config_ops *ops = vdev->config;

	return ops->get_generation ? ops->get_generation(vdev) : 0;
}

/*
 * A device may have less than its features say: nobody is shown more. Whoever
 * sets its status may have to wait for a parent in user space, with the lock held.
 */
static int vdpa_nl_config_read(struct vdpa_device *vdev,
			       struct vdpa_nl_config *config)
{
	const struct vdpa_config_ops *ops = vdev->config;
	unsigned int tries = VDPA_NL_CONFIG_TRIES;
	u32 generation;
	int err;

	memset(config, 0, sizeof(*config));
	err = down_read_killable(&vdev->cf_lock);
	if (err)
		return err;
	config->features = ops->get_device_features(vdev);
	config->negotiated = ops->get_driver_features(vdev);
	config->status = ops->get_status(vdev);
	config->len = min(ops->get_config_size(vdev), sizeof(config->space));
	do {
		generation = vdpa_nl_config_generation(vdev);
		ops->get_config(vdev, 0, &config->space, config->len);
	} while (generation != vdpa_nl_config_generation(vdev) && --tries);
	up_read(&vdev->cf_lock);
	return 0;
}

static int vdpa_nl_put_field(struct sk_buff *skb,
			     const struct vdpa_nl_field *field, const void *at)
{
	switch (field->size) {
	case sizeof(u8):
		return nla_put_u8(skb, field->attr, *(const u8 *)at);
	case sizeof(u16):
		return nla_put_u16(skb, field->attr, get_unaligned_le16(at));
	case sizeof(u32):
		return nla_put_u32(skb, field->attr, get_unaligned_le32(at));
	case sizeof(u64):
		return nla_put_u64_64bit(skb, field->attr,
					 get_unaligned_le64(at), VDPA_ATTR_PAD);
	default:
		return nla_put(skb, field->attr, field->size, at);
	}
}

static int vdpa_nl_put_fields(struct sk_buff *skb,
			      const struct vdpa_nl_config *config,
			      const struct vdpa_nl_field *fields,
			      unsigned int num)
{
	unsigned int i;
	int err;

	for (i = 0; i < num; i++) {
		if (fields[i].features && !(fields[i].features & config->features))
			continue;
		if (fields[i].offset + fields[i].size > config->len)
			continue;
		err = vdpa_nl_put_field(skb, &fields[i],
					config->space.bytes + fields[i].offset);
		if (err)
			return err;
	}
	return 0;
}

static int vdpa_nl_put_blk(struct sk_buff *skb,
			   const struct vdpa_nl_config *config)
{
	return vdpa_nl_put_fields(skb, config, vdpa_nl_blk_fields,
				  ARRAY_SIZE(vdpa_nl_blk_fields)) ?:
	       nla_put_u8(skb, VDPA_ATTR_DEV_BLK_READ_ONLY,
			  !!(config->features & BIT_ULL(VIRTIO_BLK_F_RO))) ?:
	       nla_put_u8(skb, VDPA_ATTR_DEV_BLK_FLUSH,
			  !!(config->features & BIT_ULL(VIRTIO_BLK_F_FLUSH)));
}

/* Of a class that is not known here, the features are all there is to tell. */
static int vdpa_nl_config_put_space(struct sk_buff *skb, u32 device_id,
				    const struct vdpa_nl_config *config)
{
	switch (device_id) {
	case VIRTIO_ID_NET:
		return vdpa_nl_put_fields(skb, config, vdpa_nl_net_fields,
					  ARRAY_SIZE(vdpa_nl_net_fields));
	case VIRTIO_ID_BLOCK:
		return vdpa_nl_put_blk(skb, config);
	default:
		return 0;
	}
}

static int vdpa_nl_config_put(struct sk_buff *skb,
			      const struct vdpa_dev_record *record,
			      const struct vdpa_nl_config *config)
{
	if (nla_put_string(skb, VDPA_ATTR_DEV_NAME, record->name))
		return -EMSGSIZE;
	if (record->mgmt && vdpa_nl_mgmtdev_put_handle(skb, record->mgmt))
		return -EMSGSIZE;
	if (nla_put_u32(skb, VDPA_ATTR_DEV_ID, record->device_id))
		return -EMSGSIZE;
	if (config->status & VIRTIO_CONFIG_S_FEATURES_OK &&
	    nla_put_u64_64bit(skb, VDPA_ATTR_DEV_NEGOTIATED_FEATURES,
			      config->negotiated, VDPA_ATTR_PAD))
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, VDPA_ATTR_DEV_FEATURES, config->features,
			      VDPA_ATTR_PAD))
		return -EMSGSIZE;
	return vdpa_nl_config_put_space(skb, record->device_id, config);
}

/**
 * vdpa_nl_config_fill - tell of the configuration of a device
 * @skb: the message
 * @arg: the &struct vdpa_dev_record
 *
 * Context: may sleep.
 * Return: 0; -EMSGSIZE; -ENODEV if the device is gone; -EINTR.
 */
int vdpa_nl_config_fill(struct sk_buff *skb, const void *arg)
{
	struct vdpa_dev_record *record = (void *)arg;
	struct vdpa_nl_config config;
	struct vdpa_device *vdev;
	int err;

	vdev = vdpa_dev_record_enter(record);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	err = vdpa_nl_config_read(vdev, &config);
	vdpa_dev_record_leave(record);
	return err ?: vdpa_nl_config_put(skb, record, &config);
}

int vdpa_nl_dev_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = vdpa_nl_message();
	int err;

	if (!msg)
		return -ENOMEM;
	err = vdpa_nl_reply(msg, info, VDPA_CMD_DEV_CONFIG_GET,
			    vdpa_nl_config_fill, info->user_ptr[0]);
	if (err == -ENODEV)
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME],
				    "No such device");
	return err;
}

/* A device that went under way is as one that was not there. */
static int vdpa_nl_config_dump_one(struct sk_buff *skb,
				   struct netlink_callback *cb, u16 flags,
				   struct vdpa_dev_record *record)
{
	int err;

	err = vdpa_nl_dump_one(skb, cb, VDPA_CMD_DEV_CONFIG_GET, flags,
			       vdpa_nl_config_fill, record);
	return err == -ENODEV ? 0 : err;
}

int vdpa_nl_dev_config_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	return vdpa_nl_dump_devs(skb, cb, vdpa_nl_config_dump_one);
}
