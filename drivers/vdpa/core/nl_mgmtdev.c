// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink operations on management devices
 */
#include <net/genetlink.h>

#include "vdpa_internal.h"

int vdpa_nl_mgmtdev_put_handle(struct sk_buff *skb,
			       const struct vdpa_mgmt_record *mgmt)
{
	if (mgmt->bus_name && nla_put_string(skb, VDPA_ATTR_MGMTDEV_BUS_NAME,
					     mgmt->bus_name))
		return -EMSGSIZE;
	return nla_put_string(skb, VDPA_ATTR_MGMTDEV_DEV_NAME, mgmt->dev_name);
}

static int vdpa_nl_mgmtdev_put_resource(struct sk_buff *skb,
					const struct vdpa_mgmt_record *mgmt,
					enum vdpa_resource i)
{
	const struct vdpa_resource_limit *limit = &mgmt->limits[i];
	struct nlattr *nest;
	int err;

	nest = nla_nest_start(skb, VDPA_ATTR_MGMTDEV_RESOURCE);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_string(skb, VDPA_RESOURCE_ATTR_NAME,
			     vdpa_resource_name(i)) ?:
	      nla_put_string(skb, VDPA_RESOURCE_ATTR_UNIT,
			     vdpa_resource_unit(i)) ?:
	      vdpa_nl_put_u64(skb, VDPA_RESOURCE_ATTR_USED,
			      atomic64_read(&mgmt->used[i]));
	if (!err && limit->size)
		err = vdpa_nl_put_u64(skb, VDPA_RESOURCE_ATTR_SIZE, limit->size);
	if (!err && limit->max)
		err = vdpa_nl_put_u64(skb, VDPA_RESOURCE_ATTR_MAX, limit->max);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

static int vdpa_nl_mgmtdev_put_resources(struct sk_buff *skb,
					 const struct vdpa_mgmt_record *mgmt)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < VDPA_NUM_RESOURCES; i++)
		err = vdpa_nl_mgmtdev_put_resource(skb, mgmt, i);
	return err;
}

/**
 * struct vdpa_nl_mgmt_view - a management device as it is seen
 * @mgmt: the management device
 * @net: network namespace where it is seen
 */
struct vdpa_nl_mgmt_view {
	const struct vdpa_mgmt_record *mgmt;
	struct net *net;
};

static int vdpa_nl_mgmtdev_put_net(struct sk_buff *skb,
				   const struct vdpa_nl_mgmt_view *view)
{
	struct net *net = READ_ONCE(view->mgmt->net);

	if (net == view->net)
		return 0;
	return nla_put_s32(skb, VDPA_ATTR_MGMTDEV_NETNSID,
			   peernet2id(view->net, net));
}

static int vdpa_nl_mgmtdev_fill(struct sk_buff *skb, const void *arg)
{
	const struct vdpa_nl_mgmt_view *view = arg;
	const struct vdpa_mgmt_record *mgmt = view->mgmt;

	if (vdpa_nl_mgmtdev_put_handle(skb, mgmt) ||
	    nla_put_u64_64bit(skb, VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES,
			      mgmt->classes, VDPA_ATTR_PAD) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_MGMTDEV_MAX_VQS,
			mgmt->max_supported_vqs) ||
	    nla_put_u64_64bit(skb, VDPA_ATTR_DEV_SUPPORTED_FEATURES,
			      mgmt->supported_features, VDPA_ATTR_PAD) ||
	    vdpa_nl_put_attr_set(skb, VDPA_ATTR_MGMTDEV_ADD_ATTRS,
				 &mgmt->add_attrs) ||
	    vdpa_nl_put_attr_set(skb, VDPA_ATTR_MGMTDEV_SET_ATTRS,
				 &mgmt->set_attrs))
		return -EMSGSIZE;
	if (mgmt->max_vq_size && nla_put_u16(skb, VDPA_ATTR_MGMTDEV_MAX_VQ_SIZE,
					     mgmt->max_vq_size))
		return -EMSGSIZE;
	return vdpa_nl_mgmtdev_put_net(skb, view) ?:
	       vdpa_nl_mgmtdev_put_resources(skb, mgmt);
}

int vdpa_nl_mgmtdev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct vdpa_nl_mgmt_view view = {
		.mgmt = info->user_ptr[0],
		.net = genl_info_net(info),
	};
	struct sk_buff *msg = vdpa_nl_message();

	if (!msg)
		return -ENOMEM;
	return vdpa_nl_reply(msg, info, VDPA_CMD_MGMTDEV_NEW,
			     vdpa_nl_mgmtdev_fill, &view);
}

static int vdpa_nl_mgmtdev_dump_rcu(struct sk_buff *skb,
				    struct netlink_callback *cb, u16 flags,
				    const struct vdpa_mgmt_handle *filter)
{
	struct vdpa_nl_mgmt_view view = { .net = sock_net(cb->skb->sk) };
	struct vdpa_nl_dump *dump = (void *)cb->ctx;
	int err = 0;

	while ((view.mgmt = xa_find(&vdpa_registry.mgmts, &dump->next,
				    dump->last, XA_PRESENT))) {
		if (vdpa_nl_dump_fits(view.mgmt, filter))
			err = vdpa_nl_dump_one(skb, cb, VDPA_CMD_MGMTDEV_NEW,
					       flags, vdpa_nl_mgmtdev_fill,
					       &view);
		if (err)
			break;
		dump->next++;
	}
	return err;
}

int vdpa_nl_mgmtdev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct vdpa_mgmt_handle filter = { .net = sock_net(cb->skb->sk) };
	u16 flags = 0;
	int err;

	err = vdpa_nl_check_once(info);
	if (err)
		return err;
	/* The policy of this dump ends with the name of the bus. */
	if (info->attrs && info->attrs[VDPA_ATTR_MGMTDEV_BUS_NAME]) {
		filter.bus_name = nla_data(info->attrs[VDPA_ATTR_MGMTDEV_BUS_NAME]);
		flags = NLM_F_DUMP_FILTERED;
	}

	rcu_read_lock();
	vdpa_nl_dump_begin(cb);
	err = vdpa_nl_mgmtdev_dump_rcu(skb, cb, flags, &filter);
	vdpa_nl_dump_end(cb);
	rcu_read_unlock();
	return err;
}

void vdpa_nl_mgmtdev_notify_in_locked(struct net *net, u8 cmd,
				      const struct vdpa_mgmt_record *mgmt)
{
	const struct vdpa_nl_mgmt_view view = { mgmt, net };

	vdpa_nl_notify_locked(net, cmd, vdpa_nl_mgmtdev_fill, &view);
}

void vdpa_nl_mgmtdev_notify_locked(u8 cmd, const struct vdpa_mgmt_record *mgmt)
{
	vdpa_nl_mgmtdev_notify_in_locked(&init_net, cmd, mgmt);
	if (mgmt->net != &init_net)
		vdpa_nl_mgmtdev_notify_in_locked(mgmt->net, cmd, mgmt);
}
