// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink family "vdpa": what all operations share
 *
 * Operations run in parallel. They look at records only; the two that change
 * something call into mgmtdev.c, which locks one management device.
 */
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <net/genetlink.h>

#include "vdpa_internal.h"

/* Requests take no attributes beyond. */
#define VDPA_NL_REQUEST_ATTRS	(VDPA_ATTR_NETNS_FD + 1)

/**
 * vdpa_nl_check_admin - the one place that decides who may change things
 * @skb: the request
 * @info: the request
 *
 * Namespaces have their own administrators. What is shown is shown to all who are
 * where it is seen: that is decided by vdpa_mgmt_record_seen().
 *
 * Context: any.
 * Return: 0 or -EPERM.
 */
int vdpa_nl_check_admin(struct sk_buff *skb, struct genl_info *info)
{
	if (netlink_ns_capable(skb, genl_info_net(info)->user_ns, CAP_NET_ADMIN))
		return 0;
	GENL_SET_ERR_MSG(info, "Needs CAP_NET_ADMIN");
	return -EPERM;
}

/**
 * vdpa_nl_check_once - refuse attributes given twice
 * @info: the request
 *
 * The parser would let the last one win.
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int vdpa_nl_check_once(const struct genl_info *info)
{
	DECLARE_BITMAP(seen, VDPA_NL_REQUEST_ATTRS) = {};
	const struct nlattr *attr;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr,
			    GENL_HDRLEN + info->family->hdrsize, rem) {
		if (nla_type(attr) >= VDPA_NL_REQUEST_ATTRS ||
		    !__test_and_set_bit(nla_type(attr), seen))
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "Attribute given twice");
		return -EINVAL;
	}
	return 0;
}

static void vdpa_nl_mgmt_handle(struct nlattr **attrs,
				struct vdpa_mgmt_handle *handle)
{
	const struct nlattr *bus_name = attrs[VDPA_ATTR_MGMTDEV_BUS_NAME];
	const struct nlattr *dev_name = attrs[VDPA_ATTR_MGMTDEV_DEV_NAME];

	handle->bus_name = bus_name ? nla_data(bus_name) : NULL;
	handle->dev_name = dev_name ? nla_data(dev_name) : NULL;
}

int vdpa_nl_pre_doit_mgmtdev(const struct genl_split_ops *ops,
			     struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_mgmt_handle handle;
	struct vdpa_mgmt_record *mgmt;
	int err;

	err = vdpa_nl_check_once(info);
	if (err)
		return err;
	vdpa_nl_mgmt_handle(info->attrs, &handle);
	if (!handle.dev_name) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL,
				     VDPA_ATTR_MGMTDEV_DEV_NAME);
		GENL_SET_ERR_MSG(info, "Management device not given");
		return -EINVAL;
	}
	mgmt = vdpa_mgmt_record_get(&handle);
	if (mgmt && !vdpa_mgmt_record_seen(mgmt, genl_info_net(info))) {
		vdpa_mgmt_record_put(mgmt);
		mgmt = NULL;
	}
	if (!mgmt) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[VDPA_ATTR_MGMTDEV_DEV_NAME],
				    "No such management device");
		return -ENODEV;
	}
	info->user_ptr[0] = mgmt;
	return 0;
}

int vdpa_nl_pre_doit_mgmtdev_admin(const struct genl_split_ops *ops,
				   struct sk_buff *skb, struct genl_info *info)
{
	return vdpa_nl_check_admin(skb, info) ?:
	       vdpa_nl_pre_doit_mgmtdev(ops, skb, info);
}

void vdpa_nl_post_doit_mgmtdev(const struct genl_split_ops *ops,
			       struct sk_buff *skb, struct genl_info *info)
{
	vdpa_mgmt_record_put(info->user_ptr[0]);
}

int vdpa_nl_pre_doit_dev(const struct genl_split_ops *ops, struct sk_buff *skb,
			 struct genl_info *info)
{
	struct nlattr *name = info->attrs[VDPA_ATTR_DEV_NAME];
	struct vdpa_dev_record *record;
	int err;

	err = vdpa_nl_check_once(info);
	if (err)
		return err;
	if (!name) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, VDPA_ATTR_DEV_NAME);
		GENL_SET_ERR_MSG(info, "Device name not given");
		return -EINVAL;
	}
	record = vdpa_dev_record_get(nla_data(name));
	if (record && !vdpa_dev_record_seen(record, genl_info_net(info))) {
		vdpa_dev_record_put(record);
		record = NULL;
	}
	if (!record) {
		NL_SET_ERR_MSG_ATTR(info->extack, name, "No such device");
		return -ENODEV;
	}
	info->user_ptr[0] = record;
	return 0;
}

int vdpa_nl_pre_doit_dev_admin(const struct genl_split_ops *ops,
			       struct sk_buff *skb, struct genl_info *info)
{
	return vdpa_nl_check_admin(skb, info) ?:
	       vdpa_nl_pre_doit_dev(ops, skb, info);
}

void vdpa_nl_post_doit_dev(const struct genl_split_ops *ops,
			   struct sk_buff *skb, struct genl_info *info)
{
	vdpa_dev_record_put(info->user_ptr[0]);
}

/**
 * vdpa_nl_message - make an empty reply
 *
 * Context: may sleep.
 * Return: the message or NULL.
 */
struct sk_buff *vdpa_nl_message(void)
{
	return genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
}

/**
 * vdpa_nl_reply - fill a reply and send it
 * @skb: from vdpa_nl_message(); consumed
 * @info: the request
 * @cmd: command of the reply
 * @fill: what to put in it
 * @record: of what
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int vdpa_nl_reply(struct sk_buff *skb, struct genl_info *info, u8 cmd,
		  vdpa_nl_fill_t *fill, const void *record)
{
	void *hdr = genlmsg_put_reply(skb, info, &vdpa_nl_family, 0, cmd);
	int err;

	err = hdr ? fill(skb, record) : -EMSGSIZE;
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/**
 * vdpa_nl_dump_filter - read what a dump is about
 * @cb: the dump, whose request takes both parts of the handle
 * @filter: the handle, or just the bus
 *
 * Context: any.
 * Return: whether anything is left out at all.
 */
bool vdpa_nl_dump_filter(struct netlink_callback *cb,
			 struct vdpa_mgmt_handle *filter)
{
	struct nlattr **attrs = genl_info_dump(cb)->attrs;

	*filter = (struct vdpa_mgmt_handle) { .net = sock_net(cb->skb->sk) };
	if (attrs)
		vdpa_nl_mgmt_handle(attrs, filter);
	return filter->bus_name || filter->dev_name;
}

/**
 * vdpa_nl_dump_fits - tell whether a dump is about a management device
 * @mgmt: the management device
 * @filter: from vdpa_nl_dump_filter()
 *
 * Context: any.
 * Return: whether it is.
 */
bool vdpa_nl_dump_fits(const struct vdpa_mgmt_record *mgmt,
		       const struct vdpa_mgmt_handle *filter)
{
	if (!vdpa_mgmt_record_seen(mgmt, filter->net))
		return false;
	if (filter->dev_name)
		return vdpa_mgmt_record_is(mgmt, filter);
	if (filter->bus_name)
		return mgmt->bus_name && !strcmp(mgmt->bus_name, filter->bus_name);
	return true;
}

/**
 * vdpa_nl_dump_begin - begin or resume a dump
 * @cb: the dump
 *
 * What has a higher id than the last one given now is not shown: it came after
 * the dump began.
 *
 * Context: any.
 */
void vdpa_nl_dump_begin(struct netlink_callback *cb)
{
	struct vdpa_nl_dump *dump = (void *)cb->ctx;

	NL_ASSERT_DUMP_CTX_FITS(struct vdpa_nl_dump);
	if (!dump->last)
		dump->last = READ_ONCE(vdpa_registry.last_id);
	cb->seq = READ_ONCE(vdpa_registry.removals);
	smp_rmb(); /* look at the count first, then at the records */
}

/**
 * vdpa_nl_dump_end - finish one part of a dump
 * @cb: the dump
 *
 * Context: any.
 */
void vdpa_nl_dump_end(struct netlink_callback *cb)
{
	smp_rmb(); /* pairs with smp_wmb() in vdpa_registry_removed_locked() */
	cb->seq = READ_ONCE(vdpa_registry.removals);
}

/**
 * vdpa_nl_dump_one - add a message to a dump
 * @skb: where to
 * @cb: the dump
 * @cmd: command of the message
 * @flags: NLM_F_* besides NLM_F_MULTI
 * @fill: what to put in it
 * @record: of what
 *
 * Context: as of @fill.
 * Return: 0, or with @skb unchanged -EMSGSIZE or what else @fill says.
 */
int vdpa_nl_dump_one(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		     u16 flags, vdpa_nl_fill_t *fill, const void *record)
{
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &vdpa_nl_family, NLM_F_MULTI | flags, cmd);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	err = fill(skb, record);
	if (err) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/**
 * vdpa_nl_notify_locked - tell the group "monitor"
 * @net: of this network namespace
 * @cmd: command of the event
 * @fill: what to put in it
 * @record: of what
 *
 * A listener too slow to be told learns so from its socket: ENOBUFS. The same
 * when there is no memory for the message.
 *
 * Context: may sleep, &vdpa_registry.lock held.
 */
void vdpa_nl_notify_locked(struct net *net, u8 cmd, vdpa_nl_fill_t *fill,
			   const void *record)
{
	struct sk_buff *skb;
	void *hdr;

	lockdep_assert_held(&vdpa_registry.lock);
	if (!genl_has_listeners(&vdpa_nl_family, net, VDPA_NLGRP_MONITOR))
		return;

	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		goto err_lost;
	hdr = genlmsg_put(skb, 0, 0, &vdpa_nl_family, 0, cmd);
	if (!hdr || fill(skb, record))
		goto err_free;
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&vdpa_nl_family, net, skb, 0,
				VDPA_NLGRP_MONITOR, GFP_KERNEL);
	return;

err_free:
	nlmsg_free(skb);
err_lost:
	genl_set_err(&vdpa_nl_family, net, 0, VDPA_NLGRP_MONITOR, -ENOBUFS);
}

static const struct genl_multicast_group vdpa_nl_mcgrps[] = {
	[VDPA_NLGRP_MONITOR] = { .name = VDPA_GENL_MCGRP_MONITOR_NAME },
};

struct genl_family vdpa_nl_family __ro_after_init = {
	.name = VDPA_GENL_NAME,
	.version = VDPA_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.split_ops = vdpa_nl_ops,
	.n_split_ops = ARRAY_SIZE(vdpa_nl_ops),
	.resv_start_op = VDPA_CMD_DEV_VSTATS_GET + 1,
	.mcgrps = vdpa_nl_mcgrps,
	.n_mcgrps = ARRAY_SIZE(vdpa_nl_mcgrps),
};
