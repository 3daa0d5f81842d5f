// SPDX-License-Identifier: GPL-2.0
/*
 * Which packets a simulated device of class net wants
 *
 * Workers of other devices ask that for each packet, the control queue changes it
 * once in a while: so filters are replaced as a whole, and read under RCU.
 */
#include <linux/slab.h>

#include "vdpa_sim_net.h"

/* Nobody else changes the filter at the same time. */
static struct vdpasim_net_filter *
vdpasim_net_filter_now(const struct vdpasim_net *net)
{
	return rcu_dereference_protected(net->filter, true);
}

int vdpasim_net_filter_init(struct vdpasim_net *net)
{
	struct vdpasim_net_filter *filter;

	filter = kzalloc(sizeof(*filter), GFP_KERNEL);
	if (!filter)
		return -ENOMEM;
	RCU_INIT_POINTER(net->filter, filter);
	vdpasim_net_filter_reset(net, net->sim->features);
	return 0;
}

/**
 * vdpasim_net_filter_reset - begin afresh
 * @net: the device
 * @features: virtio features by which the driver can say what it wants
 *
 * A driver that cannot say so gets all that may be of interest to it.
 *
 * Context: &vdpasim.lock held, no queue runs.
 */
void vdpasim_net_filter_reset(struct vdpasim_net *net, u64 features)
{
	struct vdpasim_net_filter *filter = vdpasim_net_filter_now(net);

	memset(filter, 0, sizeof(*filter));
	ether_addr_copy(filter->mac, net->mac);
	filter->allmulti = !(features & BIT_ULL(VIRTIO_NET_F_CTRL_RX));
	filter->alluni = !(features & BIT_ULL(VIRTIO_NET_F_MAC));
	filter->vlan = features & BIT_ULL(VIRTIO_NET_F_CTRL_VLAN);
}

/* A copy to be changed, for vdpasim_net_filter_put(); NULL without memory */
struct vdpasim_net_filter *
vdpasim_net_filter_edit(const struct vdpasim_net *net)
{
	return kmemdup(vdpasim_net_filter_now(net),
		       sizeof(struct vdpasim_net_filter), GFP_KERNEL);
}

void vdpasim_net_filter_put(struct vdpasim_net *net,
			    struct vdpasim_net_filter *filter)
{
	struct vdpasim_net_filter *old;

	old = rcu_replace_pointer(net->filter, filter, true);
	kfree_rcu(old, rcu);
}

static bool vdpasim_net_filter_has(const struct vdpasim_net_filter *filter,
				   const u8 *mac)
{
	unsigned int i;

	for (i = 0; i < filter->num_macs; i++)
		if (ether_addr_equal(filter->macs[i], mac))
			return true;
	return false;
}

static bool vdpasim_net_filter_vlan(const struct vdpasim_net_filter *filter,
				    const struct vdpasim_net_head *head)
{
	if (!filter->vlan || head->eth.h_proto != htons(ETH_P_8021Q))
		return true;
	return head->len >= VLAN_ETH_HLEN &&
	       test_bit(ntohs(head->tag) & VLAN_VID_MASK, filter->vlans);
}

static bool vdpasim_net_filter_dest(const struct vdpasim_net_filter *filter,
				    const u8 *dest)
{
	if (is_broadcast_ether_addr(dest))
		return !filter->nobcast;
	if (is_multicast_ether_addr(dest))
		return !filter->nomulti &&
		       (filter->allmulti || filter->multi_overflow ||
			vdpasim_net_filter_has(filter, dest));
	return !filter->nouni &&
	       (ether_addr_equal(filter->mac, dest) ||
		filter->alluni || filter->uni_overflow ||
		vdpasim_net_filter_has(filter, dest));
}

/**
 * vdpasim_net_wants - whether a device wants a packet
 * @net: the device
 * @head: begin of the packet
 *
 * Context: any.
 * Return: whether it does.
 */
bool vdpasim_net_wants(const struct vdpasim_net *net,
		       const struct vdpasim_net_head *head)
{
	const struct vdpasim_net_filter *filter;
	bool wants;

	rcu_read_lock();
	filter = rcu_dereference(net->filter);
	wants = filter->promisc ||
		(vdpasim_net_filter_dest(filter, head->eth.h_dest) &&
		 vdpasim_net_filter_vlan(filter, head));
	rcu_read_unlock();
	return wants;
}
