// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink operations on statistics and the state of queues, of whatever class
 * and parent
 *
 * Everybody who sees a device may look, whether a driver uses it or not. What
 * went through the core it knows itself; the rest parents tell if they can.
 */
#include <net/genetlink.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

/* A reply of more than that nobody could receive. */
#define VDPA_NL_STATS_SIZE_MAX	SZ_4M

/**
 * struct vdpa_nl_queues - queues that are shown
 * @next: the first of them that is not yet
 * @end: behind the last
 */
struct vdpa_nl_queues {
	u32 next;
	u32 end;
};

/* What bus drivers did with it */
static int vdpa_nl_queue_put_usage(struct sk_buff *skb,
				   const struct vdpa_vq_usage *usage)
{
	return vdpa_nl_put_u64(skb, VDPA_QUEUE_ATTR_KICKS,
			       atomic64_read(&usage->kicks)) ?:
	       vdpa_nl_put_u64(skb, VDPA_QUEUE_ATTR_INTERRUPTS,
			       atomic64_read(&usage->interrupts));
}

/* Without the op the last size set is known, if one was. */
static int vdpa_nl_queue_put_setup(struct sk_buff *skb,
				   struct vdpa_device *vdev, u16 idx)
{
	u32 num = READ_ONCE(vdev->usage->vqs[idx].num), group, desc_group;
	const struct vdpa_config_ops *ops = vdev->config;
	int irq = -1, err;

	if (ops->get_vq_size)
		num = ops->get_vq_size(vdev, idx);
	group = ops->get_vq_group ? ops->get_vq_group(vdev, idx) : 0;
	desc_group = group;
	if (ops->get_vq_desc_group)
		desc_group = ops->get_vq_desc_group(vdev, idx);
	if (ops->get_vq_irq)
		irq = ops->get_vq_irq(vdev, idx);

	err = nla_put_u8(skb, VDPA_QUEUE_ATTR_READY,
			 !!ops->get_vq_ready(vdev, idx)) ?:
	      nla_put_u32(skb, VDPA_QUEUE_ATTR_GROUP, group);
	if (!err && num)
		err = nla_put_u32(skb, VDPA_QUEUE_ATTR_SIZE, num);
	if (!err && desc_group != group)
		err = nla_put_u32(skb, VDPA_QUEUE_ATTR_DESC_GROUP, desc_group);
	if (!err && irq >= 0)
		err = nla_put_u32(skb, VDPA_QUEUE_ATTR_IRQ, irq);
	return err;
}

static int vdpa_nl_queue_put_state(struct sk_buff *skb, bool packed,
				   const struct vdpa_vq_state *state)
{
	const struct vdpa_vq_state_packed *place = &state->packed;

	if (!packed)
		return nla_put_u16(skb, VDPA_QUEUE_ATTR_AVAIL_INDEX,
				   state->split.avail_index);
	return nla_put_u16(skb, VDPA_QUEUE_ATTR_AVAIL_INDEX,
			   place->last_avail_idx) ?:
	       nla_put_u8(skb, VDPA_QUEUE_ATTR_AVAIL_WRAP,
			  place->last_avail_counter) ?:
	       nla_put_u16(skb, VDPA_QUEUE_ATTR_USED_INDEX,
			   place->last_used_idx) ?:
	       nla_put_u8(skb, VDPA_QUEUE_ATTR_USED_WRAP,
			  place->last_used_counter);
}

/* A parent that cannot tell just now has nothing to tell. */
static int vdpa_nl_queue_put_stats(struct sk_buff *skb,
				   struct vdpa_device *vdev, u16 idx)
{
	const struct vdpa_config_ops *ops = vdev->config;
	u64 features = ops->get_driver_features(vdev);
	struct vdpa_vq_stats stats = {};
	int err;

	if (!ops->get_vq_stats || ops->get_vq_stats(vdev, idx, &stats))
		return 0;
	err = vdpa_nl_put_u64(skb, VDPA_QUEUE_ATTR_RECEIVED, stats.received) ?:
	      vdpa_nl_put_u64(skb, VDPA_QUEUE_ATTR_COMPLETED, stats.completed) ?:
	      vdpa_nl_put_u64(skb, VDPA_QUEUE_ATTR_BYTES, stats.bytes) ?:
	      vdpa_nl_put_u64(skb, VDPA_QUEUE_ATTR_ERRORS, stats.errors);
	if (!err && stats.last_error)
		err = nla_put_u32(skb, VDPA_QUEUE_ATTR_LAST_ERROR,
				  stats.last_error);
	if (!err && stats.state_known)
		err = vdpa_nl_queue_put_state(skb, features &
					      BIT_ULL(VIRTIO_F_RING_PACKED),
					      &stats.state);
	return err;
}

static int vdpa_nl_queue_put_vendor(struct sk_buff *skb,
				    struct vdpa_device *vdev, u16 idx)
{
	const struct vdpa_config_ops *ops = vdev->config;
	struct netlink_ext_ack extack = {};
	struct nlattr *nest;
	int err;

	if (!ops->get_vendor_vq_stats)
		return 0;
	nest = nla_nest_start(skb, VDPA_QUEUE_ATTR_VENDOR);
	if (!nest)
		return -EMSGSIZE;
	err = ops->get_vendor_vq_stats(vdev, idx, skb, &extack);
	if (err) {
		nla_nest_cancel(skb, nest);
		return err == -EMSGSIZE ? err : 0;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int vdpa_nl_put_queue(struct sk_buff *skb, struct vdpa_device *vdev,
			     u32 idx)
{
	struct nlattr *nest;
	int err;

	nest = nla_nest_start(skb, VDPA_ATTR_DEV_QUEUE);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, VDPA_QUEUE_ATTR_INDEX, idx) ?:
	      vdpa_nl_queue_put_setup(skb, vdev, idx) ?:
	      vdpa_nl_queue_put_usage(skb, &vdev->usage->vqs[idx]) ?:
	      vdpa_nl_queue_put_stats(skb, vdev, idx) ?:
	      vdpa_nl_queue_put_vendor(skb, vdev, idx);
	if (err)
		nla_nest_cancel(skb, nest);
	else
		nla_nest_end(skb, nest);
	return err;
}

static int vdpa_nl_stats_put_dev(struct sk_buff *skb, struct vdpa_device *vdev,
				 const struct vdpa_dev_record *record)
{
	const struct vdpa_config_ops *ops = vdev->config;
	int err;

	err = vdpa_nl_dev_fill(skb, record);
	if (!err && ops->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK)
		err = vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_NEGOTIATED_FEATURES,
				      ops->get_driver_features(vdev));
	if (!err && record->device_id == VIRTIO_ID_NET)
		err = vdpa_nl_put_pairs(skb, vdev);
	return err ?:
	       vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_CONFIG_INTERRUPTS,
			       atomic64_read(&vdev->usage->config_interrupts)) ?:
	       vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_RESETS,
			       atomic64_read(&vdev->usage->resets));
}

/* All at once: no driver comes or goes in between. */
static int vdpa_nl_stats_put_locked(struct sk_buff *skb,
				    struct vdpa_device *vdev,
				    const struct vdpa_dev_record *record,
				    struct vdpa_nl_queues *queues)
{
	int err;

	err = vdpa_nl_stats_put_dev(skb, vdev, record);
	for (; !err && queues->next < queues->end; queues->next++) {
		err = vdpa_nl_put_queue(skb, vdev, queues->next);
		if (err)
			break;
	}
	return err;
}

/* Whoever sets the status may wait for a parent in user space. */
static int vdpa_nl_stats_put(struct sk_buff *skb,
			     struct vdpa_dev_record *record,
			     struct vdpa_nl_queues *queues)
{
	struct vdpa_device *vdev;
	int err;

	vdev = vdpa_dev_record_enter(record);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	err = down_read_killable(&vdev->cf_lock);
	if (!err) {
		err = vdpa_nl_stats_put_locked(skb, vdev, record, queues);
		up_read(&vdev->cf_lock);
	}
	vdpa_dev_record_leave(record);
	return err;
}

static int vdpa_nl_stats_reply(struct genl_info *info,
			       struct vdpa_nl_queues queues, size_t size)
{
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = genlmsg_new(size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	hdr = genlmsg_put_reply(msg, info, &vdpa_nl_family, 0,
				VDPA_CMD_DEV_STATS_GET);
	err = hdr ? vdpa_nl_stats_put(msg, info->user_ptr[0], &queues) :
		    -EMSGSIZE;
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static int vdpa_nl_stats_choose(const struct genl_info *info,
				struct vdpa_nl_queues *queues)
{
	const struct nlattr *attr = info->attrs[VDPA_ATTR_DEV_QUEUE_INDEX];
	const struct vdpa_dev_record *record = info->user_ptr[0];

	*queues = (struct vdpa_nl_queues) { .end = record->max_vqs };
	if (!attr)
		return 0;
	queues->next = nla_get_u32(attr);
	if (queues->next >= record->max_vqs) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr,
					"Device has %u queues", record->max_vqs);
		return -EINVAL;
	}
	queues->end = queues->next + 1;
	return 0;
}

/* How much parents have to say is theirs: a message that is too small grows. */
int vdpa_nl_dev_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_nl_queues queues;
	size_t size;
	int err;

	err = vdpa_nl_stats_choose(info, &queues);
	if (err)
		return err;
	for (size = NLMSG_GOODSIZE; size <= VDPA_NL_STATS_SIZE_MAX; size *= 2) {
		err = vdpa_nl_stats_reply(info, queues, size);
		if (err != -EMSGSIZE)
			break;
	}
	if (err == -ENODEV)
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME],
				    "No such device");
	return err;
}

/* What does not fit goes into the next message: that has the device again. */
static int vdpa_nl_stats_dump_one(struct sk_buff *skb,
				  struct netlink_callback *cb, u16 flags,
				  struct vdpa_dev_record *record)
{
	struct vdpa_nl_dump *dump = (void *)cb->ctx;
	struct vdpa_nl_queues queues = {
		.next = dump->queue,
		.end = record->max_vqs,
	};
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &vdpa_nl_family, NLM_F_MULTI | flags,
			  VDPA_CMD_DEV_STATS_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	err = vdpa_nl_stats_put(skb, record, &queues);
	if (err && (err != -EMSGSIZE || queues.next == dump->queue)) {
		genlmsg_cancel(skb, hdr);
		if (err != -ENODEV)
			return err;
		/* A device that went under way is as one that was not there. */
		dump->queue = 0;
		return 0;
	}
	genlmsg_end(skb, hdr);
	dump->queue = err ? queues.next : 0;
	return err;
}

int vdpa_nl_dev_stats_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	return vdpa_nl_dump_devs(skb, cb, vdpa_nl_stats_dump_one);
}
