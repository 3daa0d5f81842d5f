// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink operation on the statistics that vendors choose
 */
#include <net/genetlink.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

/**
 * vdpa_nl_put_pairs - tell how many queue pairs a network device offers
 * @skb: the message
 * @vdev: the device, of class net
 *
 * Clients tell by it which queue is for control: virtio 1.3, 5.1.2. Where there
 * is no choice of queue pairs there is one.
 *
 * Context: may sleep, &vdpa_device.cf_lock held.
 * Return: 0 or -EMSGSIZE.
 */
int vdpa_nl_put_pairs(struct sk_buff *skb, struct vdpa_device *vdev)
{
	const struct vdpa_config_ops *ops = vdev->config;
	__le16 pairs = cpu_to_le16(1);

	if (ops->get_device_features(vdev) & BIT_ULL(VIRTIO_NET_F_MQ))
		ops->get_config(vdev, offsetof(struct virtio_net_config,
					       max_virtqueue_pairs),
				&pairs, sizeof(pairs));
	return nla_put_u16(skb, VDPA_ATTR_DEV_NET_CFG_MAX_VQP,
			   le16_to_cpu(pairs));
}

static int vdpa_nl_vstats_put(struct sk_buff *skb, struct vdpa_device *vdev,
			      const struct vdpa_dev_record *record, u32 idx,
			      struct netlink_ext_ack *extack)
{
	const struct vdpa_config_ops *ops = vdev->config;

	if (nla_put_string(skb, VDPA_ATTR_DEV_NAME, record->name) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_ID, record->device_id) ||
	    nla_put_u64_64bit(skb, VDPA_ATTR_DEV_NEGOTIATED_FEATURES,
			      ops->get_driver_features(vdev), VDPA_ATTR_PAD))
		return -EMSGSIZE;
	if (record->device_id == VIRTIO_ID_NET &&
	    vdpa_nl_put_pairs(skb, vdev))
		return -EMSGSIZE;
	if (nla_put_u32(skb, VDPA_ATTR_DEV_QUEUE_INDEX, idx))
		return -EMSGSIZE;
	return ops->get_vendor_vq_stats(vdev, idx, skb, extack);
}

static int vdpa_nl_vstats_fill(struct sk_buff *skb, struct vdpa_device *vdev,
			       const struct vdpa_dev_record *record,
			       struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[VDPA_ATTR_DEV_QUEUE_INDEX];
	u32 idx = nla_get_u32(attr);
	int err;

	if (!vdev->config->get_vendor_vq_stats) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME],
				    "Device has no vendor statistics");
		return -EOPNOTSUPP;
	}
	if (idx >= record->max_vqs) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr,
					"Device has %u queues", record->max_vqs);
		return -EINVAL;
	}
	err = down_read_killable(&vdev->cf_lock);
	if (err)
		return err;
	err = vdpa_nl_vstats_put(skb, vdev, record, idx, info->extack);
	up_read(&vdev->cf_lock);
	return err;
}

/* A device that went meanwhile is told of as one that never was. */
static int vdpa_nl_vstats_enter(struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_dev_record *record = info->user_ptr[0];
	struct vdpa_device *vdev;
	int err;

	vdev = vdpa_dev_record_enter(record);
	if (vdev == ERR_PTR(-ENODEV))
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME],
				    "No such device");
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	err = vdpa_nl_vstats_fill(skb, vdev, record, info);
	vdpa_dev_record_leave(record);
	return err;
}

int vdpa_nl_dev_vstats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (!info->attrs[VDPA_ATTR_DEV_QUEUE_INDEX]) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL,
				     VDPA_ATTR_DEV_QUEUE_INDEX);
		GENL_SET_ERR_MSG(info, "Queue index not given");
		return -EINVAL;
	}
	msg = vdpa_nl_message();
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put_reply(msg, info, &vdpa_nl_family, 0,
				VDPA_CMD_DEV_VSTATS_GET);
	err = hdr ? vdpa_nl_vstats_enter(msg, info) : -EMSGSIZE;
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}
