// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink operations on devices
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include <uapi/linux/virtio_config.h>

#include "vdpa_internal.h"

/* Numbers of 64 bits need no gaps before them, wherever they are put. */
#define VDPA_NL_UNALIGNED	IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS)

/* What never changes either, and has numbers of 64 bits */
static int vdpa_nl_dev_put_wide(struct sk_buff *skb,
				const struct vdpa_dev_record *record)
{
	if (record->has_iova &&
	    (vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_IOVA_FIRST,
			     record->iova.first) ||
	     vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_IOVA_LAST, record->iova.last)))
		return -EMSGSIZE;
	return record->created ? vdpa_nl_put_created(skb, record->created) : 0;
}

static int vdpa_nl_dev_put_fixed(struct sk_buff *skb,
				 const struct vdpa_dev_record *record)
{
	if (nla_put_string(skb, VDPA_ATTR_DEV_NAME, record->name))
		return -EMSGSIZE;
	if (record->mgmt && vdpa_nl_mgmtdev_put_handle(skb, record->mgmt))
		return -EMSGSIZE;
	if (nla_put_u32(skb, VDPA_ATTR_DEV_ID, record->device_id) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_VENDOR_ID, record->vendor_id) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_MAX_VQS, record->max_vqs) ||
	    nla_put_u16(skb, VDPA_ATTR_DEV_MAX_VQ_SIZE, record->max_vq_size) ||
	    nla_put_u16(skb, VDPA_ATTR_DEV_MIN_VQ_SIZE, record->min_vq_size) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_GROUPS, record->ngroups) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_ADDRESS_SPACES, record->nas))
		return -EMSGSIZE;
	return VDPA_NL_UNALIGNED ? vdpa_nl_dev_put_wide(skb, record) : 0;
}

/**
 * vdpa_nl_dev_fixed - what is told of a device and never changes
 * @record: the device
 *
 * Prepared once, as a dump of many devices is mostly this.
 *
 * Context: may sleep.
 * Return: the attributes, to be freed with kfree_rcu(), or NULL.
 */
struct vdpa_nl_attrs *vdpa_nl_dev_fixed(const struct vdpa_dev_record *record)
{
	struct sk_buff *skb = vdpa_nl_message();
	struct vdpa_nl_attrs *attrs = NULL;

	if (!skb)
		return NULL;
	if (!WARN_ON(vdpa_nl_dev_put_fixed(skb, record)))
		attrs = kmalloc(struct_size(attrs, data, skb->len), GFP_KERNEL);
	if (attrs) {
		attrs->len = skb->len;
		memcpy(attrs->data, skb->data, skb->len);
	}
	nlmsg_free(skb);
	return attrs;
}

static u8 vdpa_dev_record_state_locked(const struct vdpa_dev_record *record)
{
	lockdep_assert_held(&record->lock);
	if (record->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return VDPA_STATE_NEEDS_RESET;
	if (record->suspended)
		return VDPA_STATE_SUSPENDED;
	return record->status & VIRTIO_CONFIG_S_DRIVER_OK ? VDPA_STATE_ACTIVE :
							    VDPA_STATE_INACTIVE;
}

/* Numbers that change, as they are in messages: laid out once, not one by one */
struct vdpa_nl_dev_numbers {
	struct nlattr status_attr;
	u8 status;
	u8 status_pad[3];
	struct nlattr state_attr;
	u8 state;
	u8 state_pad[3];
	struct nlattr ready_attr;
	u32 ready_vqs;
};

static int
vdpa_nl_dev_put_numbers_locked(struct sk_buff *skb,
			       const struct vdpa_dev_record *record)
{
	const struct vdpa_nl_dev_numbers numbers = {
		.status_attr = { nla_attr_size(sizeof(u8)),
				 VDPA_ATTR_DEV_STATUS },
		.status = record->status,
		.state_attr = { nla_attr_size(sizeof(u8)),
				VDPA_ATTR_DEV_STATE },
		.state = vdpa_dev_record_state_locked(record),
		.ready_attr = { nla_attr_size(sizeof(u32)),
				VDPA_ATTR_DEV_READY_VQS },
		.ready_vqs = record->ready_vqs,
	};

	BUILD_BUG_ON(sizeof(numbers) != 2 * nla_total_size(sizeof(u8)) +
					nla_total_size(sizeof(u32)));
	return nla_append(skb, sizeof(numbers), &numbers);
}

/* What the bus driver makes of it */
static int vdpa_nl_dev_put_changing(struct sk_buff *skb,
				    struct vdpa_dev_record *record)
{
	int err;

	spin_lock(&record->lock);
	err = vdpa_nl_dev_put_numbers_locked(skb, record);
	if (!err && record->driver)
		err = nla_put_string(skb, VDPA_ATTR_DEV_DRIVER, record->driver);
	if (!err && record->driver && record->driver_dev[0])
		err = nla_put_string(skb, VDPA_ATTR_DEV_DRIVER_DEV,
				     record->driver_dev);
	spin_unlock(&record->lock);
	return err;
}

/**
 * vdpa_nl_dev_fill - tell of a device
 * @skb: the message
 * @arg: the &struct vdpa_dev_record
 *
 * Context: any but interrupts.
 * Return: 0 or -EMSGSIZE.
 */
int vdpa_nl_dev_fill(struct sk_buff *skb, const void *arg)
{
	struct vdpa_dev_record *record = (void *)arg;
	const struct vdpa_nl_attrs *attrs;
	int err;

	rcu_read_lock();
	attrs = rcu_dereference(record->attrs);
	err = nla_append(skb, attrs->len, attrs->data);
	rcu_read_unlock();
	err = err ?: vdpa_nl_dev_put_changing(skb, record);
	if (!err && !VDPA_NL_UNALIGNED)
		err = vdpa_nl_dev_put_wide(skb, record);
	return err;
}

/* Much more, and netlink would copy the reply to a smaller one. */
static size_t vdpa_nl_dev_size(const struct vdpa_dev_record *record)
{
	size_t size = sizeof(struct vdpa_nl_dev_numbers) +
		      nla_total_size(VDPA_DRIVER_NAME_SIZE) +
		      nla_total_size(VDPA_DRIVER_DEV_SIZE);

	if (!VDPA_NL_UNALIGNED)
		return NLMSG_GOODSIZE;
	rcu_read_lock();
	size += rcu_dereference(record->attrs)->len;
	rcu_read_unlock();
	return size;
}

int vdpa_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	size_t size = vdpa_nl_dev_size(info->user_ptr[0]);
	struct sk_buff *msg;
	int err;

	/* Bus drivers may have longer names than ours. */
	for (;; size = NLMSG_GOODSIZE) {
		msg = genlmsg_new(size, GFP_KERNEL);
		if (!msg)
			return -ENOMEM;
		err = vdpa_nl_reply(msg, info, VDPA_CMD_DEV_NEW,
				    vdpa_nl_dev_fill, info->user_ptr[0]);
		if (err != -EMSGSIZE || size >= NLMSG_GOODSIZE)
			return err;
	}
}

/*
 * Clients take it for granted that a dumped device has a management device,
 * so those without one are left out.
 */
static int vdpa_nl_dev_dump_rcu(struct sk_buff *skb,
				struct netlink_callback *cb, u16 flags,
				const struct vdpa_mgmt_handle *filter)
{
	struct vdpa_nl_dump *dump = (void *)cb->ctx;
	XA_STATE(xas, &vdpa_registry.devs, dump->next);
	struct vdpa_dev_record *record;
	int err;

	xas_for_each(&xas, record, dump->last) {
		if (xas_retry(&xas, record) || !record->mgmt ||
		    !vdpa_nl_dump_fits(record->mgmt, filter))
			continue;
		err = vdpa_nl_dump_one(skb, cb, VDPA_CMD_DEV_NEW, flags,
				       vdpa_nl_dev_fill, record);
		if (err) {
			dump->next = xas.xa_index;
			return err;
		}
	}
	dump->next = dump->last + 1;
	return 0;
}

/**
 * vdpa_nl_dev_dump_check - read which devices a dump is about
 * @cb: the dump
 * @filter: the handle of a management device, or just a bus, or nothing
 * @flags: NLM_F_* for the messages
 *
 * Context: any.
 * Return: 0; -EINVAL; -ENODEV if there is no such management device. One that
 * leaves under way just has no more.
 */
int vdpa_nl_dev_dump_check(struct netlink_callback *cb,
			   struct vdpa_mgmt_handle *filter, u16 *flags)
{
	const struct genl_info *info = genl_info_dump(cb);
	const struct vdpa_nl_dump *dump = (void *)cb->ctx;
	const struct vdpa_mgmt_record *mgmt;
	bool found = true;
	int err;

	err = vdpa_nl_check_once(info);
	if (err)
		return err;
	*flags = vdpa_nl_dump_filter(cb, filter) ? NLM_F_DUMP_FILTERED : 0;
	if (!dump->last && filter->dev_name) {
		rcu_read_lock();
		mgmt = vdpa_mgmt_record_find_rcu(filter);
		found = mgmt && vdpa_mgmt_record_seen(mgmt, filter->net);
		rcu_read_unlock();
	}
	if (found)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, info->attrs[VDPA_ATTR_MGMTDEV_DEV_NAME],
			    "No such management device");
	return -ENODEV;
}

int vdpa_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vdpa_mgmt_handle filter;
	u16 flags;
	int err;

	err = vdpa_nl_dev_dump_check(cb, &filter, &flags);
	if (err)
		return err;
	rcu_read_lock();
	vdpa_nl_dump_begin(cb);
	err = vdpa_nl_dev_dump_rcu(skb, cb, flags, &filter);
	vdpa_nl_dump_end(cb);
	rcu_read_unlock();
	return err;
}

/**
 * vdpa_nl_dump_devs - a part of a dump of devices for which parents are asked
 * @skb: the message
 * @cb: the dump
 * @step: puts one device, or the rest of it, into the message. Returns 0 when
 *	that is done, or a negative errno, which ends this part.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int vdpa_nl_dump_devs(struct sk_buff *skb, struct netlink_callback *cb,
		      vdpa_nl_dump_step_t *step)
{
	struct vdpa_nl_dump *dump = (void *)cb->ctx;
	unsigned long before = dump->next;
	struct vdpa_mgmt_handle filter;
	struct vdpa_dev_record *record;
	u16 flags;
	int err;

	err = vdpa_nl_dev_dump_check(cb, &filter, &flags);
	if (err)
		return err;
	vdpa_nl_dump_begin(cb);
	while ((record = vdpa_dev_record_get_next(&dump->next, dump->last))) {
		/* Of the device that it stopped at, it may be gone. */
		if (dump->next != before)
			dump->queue = 0;
		if (record->mgmt && vdpa_nl_dump_fits(record->mgmt, &filter))
			err = step(skb, cb, flags, record);
		vdpa_dev_record_put(record);
		if (err)
			break;
		dump->next++;
	}
	vdpa_nl_dump_end(cb);
	return err;
}

void vdpa_nl_dev_notify_in_locked(struct net *net, u8 cmd,
				  const struct vdpa_dev_record *record)
{
	vdpa_nl_notify_locked(net, cmd, vdpa_nl_dev_fill, record);
}

void vdpa_nl_dev_notify_locked(u8 cmd, const struct vdpa_dev_record *record)
{
	vdpa_nl_dev_notify_in_locked(&init_net, cmd, record);
	if (record->mgmt && record->mgmt->net != &init_net)
		vdpa_nl_dev_notify_in_locked(record->mgmt->net, cmd, record);
}

static struct vdpa_dev_record *vdpa_nl_dev_reserve(struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[VDPA_ATTR_DEV_NAME];
	struct vdpa_dev_record *record;
	const char *wrong;

	if (!attr)
		return vdpa_dev_record_reserve(NULL);

	wrong = vdpa_dev_name_check(nla_data(attr));
	if (wrong) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "%s", wrong);
		return ERR_PTR(-EINVAL);
	}
	record = vdpa_dev_record_reserve(nla_data(attr));
	if (record == ERR_PTR(-EEXIST))
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "Device name is taken");
	return record;
}

static int vdpa_nl_dev_add(struct genl_info *info,
			   struct vdpa_dev_record *record,
			   const struct vdpa_dev_request *request)
{
	struct sk_buff *msg = NULL;
	int err;

	/* Nothing may fail any more once the device is there. */
	if (info->nlhdr->nlmsg_flags & NLM_F_ECHO) {
		msg = vdpa_nl_message();
		if (!msg) {
			vdpa_dev_record_release(record);
			return -ENOMEM;
		}
	}

	err = vdpa_mgmt_add_device(info->user_ptr[0], record, request);
	if (err) {
		if (record->refused_attr)
			NL_SET_BAD_ATTR(info->extack,
					info->attrs[record->refused_attr]);
		nlmsg_free(msg);
		return err;
	}
	if (!msg)
		return 0;
	return vdpa_nl_reply(msg, info, VDPA_CMD_DEV_NEW, vdpa_nl_dev_fill,
			     record);
}

/* Without attributes there is nothing to remember. */
static int vdpa_nl_dev_remember(struct vdpa_dev_record *record,
				const struct vdpa_dev_request *request)
{
	const struct vdpa_dev_set_config *config = &request->config;
	u64 mask = config->mask & ~BIT_ULL(VDPA_ATTR_DEV_ID);
	struct vdpa_dev_request *created;

	if (!mask && !config->ext_mask && !request->driver[0])
		return 0;
	created = kmemdup(request, sizeof(*request), GFP_KERNEL);
	if (!created)
		return -ENOMEM;
	created->config.extack = NULL;
	record->created = created;
	return 0;
}

int vdpa_nl_dev_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_dev_request request = { .config.extack = info->extack };
	struct vdpa_dev_record *record;
	int err;

	err = vdpa_nl_parse_request(&request, info->user_ptr[0], info);
	if (err)
		return err;
	record = vdpa_nl_dev_reserve(info);
	if (IS_ERR(record))
		return PTR_ERR(record);
	err = vdpa_nl_dev_remember(record, &request);
	if (err)
		vdpa_dev_record_release(record);
	else
		err = vdpa_nl_dev_add(info, record, &request);
	vdpa_dev_record_put(record);
	return err;
}

int vdpa_nl_dev_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = vdpa_mgmt_del_device(info->user_ptr[0], info->extack);

	if (err)
		NL_SET_BAD_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME]);
	return err;
}

int vdpa_nl_dev_attr_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_dev_set_config config = { .extack = info->extack };
	struct vdpa_dev_record *record = info->user_ptr[0];
	int err;

	if (!record->mgmt || !record->mgmt->set_attrs.base) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME],
				    "Device cannot be changed");
		return -EOPNOTSUPP;
	}
	err = vdpa_nl_parse_changes(&config, record, info);
	if (err)
		return err;
	return vdpa_mgmt_set_device(record, &config);
}
