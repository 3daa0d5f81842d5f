// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of class net that are given a VLAN: as at the access port of a switch,
 * their frames have a tag on the wire that their drivers do not see
 */
#include "vdpa_sim_net.h"

static bool vdpasim_net_skip_head(struct vdpasim_net_packet *packet, u32 len)
{
	if (packet->len < len || vdpa_ring_skip(&packet->from, len))
		return false;
	packet->len -= len;
	return true;
}

static bool vdpasim_net_tag(struct vdpasim_net_packet *packet,
			    struct vdpasim_net_head *head, u16 vlan)
{
	memcpy(packet->prefix.macs, &head->eth, sizeof(packet->prefix.macs));
	packet->prefix.proto = htons(ETH_P_8021Q);
	packet->prefix.tag = htons(vlan);
	packet->prefix_len = sizeof(packet->prefix);

	head->type = head->eth.h_proto;
	head->eth.h_proto = packet->prefix.proto;
	head->tag = packet->prefix.tag;
	head->len = VLAN_ETH_HLEN;
	return vdpasim_net_skip_head(packet, sizeof(packet->prefix.macs));
}

static bool vdpasim_net_untag(struct vdpasim_net_packet *packet,
			      struct vdpasim_net_head *head)
{
	memcpy(packet->prefix.macs, &head->eth, sizeof(packet->prefix.macs));
	packet->prefix_len = sizeof(packet->prefix.macs);

	head->eth.h_proto = head->type;
	head->len = ETH_HLEN;
	return vdpasim_net_skip_head(packet, sizeof(packet->prefix));
}

/**
 * vdpasim_net_retag - make a packet what it is at the other end
 * @from: device that sends it
 * @to: device that may receive it; one of them has a VLAN
 * @packet: the packet, whole
 * @head: its begin
 *
 * A driver does not tag frames of a device that does so already: these go
 * nowhere.
 *
 * Context: the sender's memory is accessible.
 * Return: whether it gets there.
 */
bool vdpasim_net_retag(const struct vdpasim_net *from,
		       const struct vdpasim_net *to,
		       struct vdpasim_net_packet *packet,
		       struct vdpasim_net_head *head)
{
	bool tagged = eth_type_vlan(head->eth.h_proto);

	if (from->vlan && tagged)
		return false;
	if (from->vlan == to->vlan)
		return true;
	if (from->vlan)
		return !to->vlan && vdpasim_net_tag(packet, head, from->vlan);
	return head->eth.h_proto == htons(ETH_P_8021Q) &&
	       head->len >= VLAN_ETH_HLEN &&
	       (ntohs(head->tag) & VLAN_VID_MASK) == to->vlan &&
	       vdpasim_net_untag(packet, head);
}
