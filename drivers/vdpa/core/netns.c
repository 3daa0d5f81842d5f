// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces: where management devices, and with them their devices, are
 * seen and managed
 *
 * In the initial namespace all of them are; one that was moved is in another one
 * as well. A namespace that dies gives back what it has.
 */
#include <net/genetlink.h>

#include "vdpa_internal.h"

/* What those who watch in a namespace have to hear of what comes or goes */
static void vdpa_netns_tell_locked(struct net *net,
				   const struct vdpa_mgmt_record *mgmt,
				   u8 dev_cmd)
{
	struct vdpa_dev_record *record;
	unsigned long id;

	lockdep_assert_held(&vdpa_registry.lock);
	xa_for_each(&vdpa_registry.devs, id, record)
		if (record->mgmt == mgmt && record->announced)
			vdpa_nl_dev_notify_in_locked(net, dev_cmd, record);
}

/* Devices come after their management device, and go before it. */
static void vdpa_netns_move_locked(struct vdpa_mgmt_record *mgmt,
				   struct net *net)
{
	struct net *old = mgmt->net;

	lockdep_assert_held(&vdpa_registry.lock);
	if (old != &init_net) {
		vdpa_netns_tell_locked(old, mgmt, VDPA_CMD_DEV_DEL);
		vdpa_nl_mgmtdev_notify_in_locked(old, VDPA_CMD_MGMTDEV_DEL,
						 mgmt);
	}
	/* A dump that goes on in the old one misses them from here on. */
	vdpa_registry_removed_locked();
	WRITE_ONCE(mgmt->net, net);
	if (net != &init_net) {
		vdpa_nl_mgmtdev_notify_in_locked(net, VDPA_CMD_MGMTDEV_NEW,
						 mgmt);
		vdpa_netns_tell_locked(net, mgmt, VDPA_CMD_DEV_NEW);
	}
	vdpa_nl_mgmtdev_notify_in_locked(&init_net, VDPA_CMD_MGMTDEV_CHANGE,
					 mgmt);
}

static int vdpa_netns_move(struct vdpa_mgmt_record *mgmt, struct net *net)
{
	int err = 0;

	mutex_lock(&vdpa_registry.lock);
	if (xa_load(&vdpa_registry.mgmts, mgmt->id) != mgmt)
		err = -ENODEV;
	else if (mgmt->net != net)
		vdpa_netns_move_locked(mgmt, net);
	mutex_unlock(&vdpa_registry.lock);
	return err;
}

/* Who moves a management device must be an administrator at both ends. */
static int vdpa_netns_set(struct sk_buff *skb, struct genl_info *info,
			  struct net *net)
{
	const struct nlattr *attr = info->attrs[VDPA_ATTR_NETNS_FD];
	int err;

	if (!netlink_ns_capable(skb, net->user_ns, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "Needs CAP_NET_ADMIN in that network namespace");
		return -EPERM;
	}
	/* So that it has a name where all management devices are seen */
	if (net != &init_net)
		peernet2id_alloc(&init_net, net, GFP_KERNEL);
	err = vdpa_netns_move(info->user_ptr[0], net);
	if (err)
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[VDPA_ATTR_MGMTDEV_DEV_NAME],
				    "Management device is going away");
	return err;
}

int vdpa_nl_mgmtdev_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[VDPA_ATTR_NETNS_FD];
	struct net *net;
	int err;

	if (!attr) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, VDPA_ATTR_NETNS_FD);
		GENL_SET_ERR_MSG(info, "Network namespace not given");
		return -EINVAL;
	}
	net = get_net_ns_by_fd(nla_get_u32(attr));
	if (IS_ERR(net)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "Not a network namespace");
		return PTR_ERR(net);
	}
	err = vdpa_netns_set(skb, info, net);
	put_net(net);
	return err;
}

/* Nobody watches there any more; parents are not waited for. */
static void __net_exit vdpa_netns_exit(struct net *net)
{
	struct vdpa_mgmt_record *mgmt;
	unsigned long id;

	mutex_lock(&vdpa_registry.lock);
	xa_for_each(&vdpa_registry.mgmts, id, mgmt) {
		if (mgmt->net != net)
			continue;
		WRITE_ONCE(mgmt->net, &init_net);
		vdpa_nl_mgmtdev_notify_in_locked(&init_net,
						 VDPA_CMD_MGMTDEV_CHANGE, mgmt);
	}
	mutex_unlock(&vdpa_registry.lock);
}

struct pernet_operations vdpa_netns_ops = {
	.exit = vdpa_netns_exit,
};
