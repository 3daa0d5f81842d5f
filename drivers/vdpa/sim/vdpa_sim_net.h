/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Simulated vDPA devices of class net: what the parts share
 *
 * net.c makes devices, net_link.c connects them, net_data.c moves packets,
 * net_filter.c says which of them a device wants, and net_ctrl.c serves the
 * control queue.
 */
#ifndef _VDPA_SIM_NET_H
#define _VDPA_SIM_NET_H

#include <linux/bitmap.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rcupdate.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_net.h>

#include "vdpa_sim.h"

#define VDPASIM_NET_PAIRS_MAX	16
#define VDPASIM_NET_MACS_MAX	64

/* Length of the header of each packet, with VIRTIO_F_VERSION_1 */
#define VDPASIM_NET_HDR_LEN	sizeof(struct virtio_net_hdr_mrg_rxbuf)

/* Virtqueue groups */
enum {
	VDPASIM_NET_GROUP_DATA,
	VDPASIM_NET_GROUP_CTRL,
	VDPASIM_NET_GROUP_DESC,		/* descriptors of the data queues */
	VDPASIM_NET_NUM_GROUPS,
};

/* &vdpasim_vq.counters of a receive, a transmit and a control queue */
enum {
	VDPASIM_NET_PACKETS,
	VDPASIM_NET_BYTES,
	VDPASIM_NET_ERRORS,
	VDPASIM_NET_DROPS,
	VDPASIM_NET_RX_OVERRUNS,
	VDPASIM_NET_RX_FILTERED,
};

enum {
	VDPASIM_NET_CTRL_REQUESTS,
	VDPASIM_NET_CTRL_SUCCESSES,
	VDPASIM_NET_CTRL_ERRORS,
};

/**
 * struct vdpasim_net_filter - which packets a device wants; immutable
 * @rcu: for kfree_rcu()
 * @mac: the device's own address
 * @promisc: all packets
 * @allmulti: all multicast packets
 * @alluni: all unicast packets
 * @nomulti: no multicast packets
 * @nouni: no unicast packets
 * @nobcast: no broadcast packets
 * @uni_overflow: there were more unicast addresses than fit into @macs: take all
 * @multi_overflow: the same of multicast addresses
 * @vlan: only packets of @vlans, and those without a tag
 * @num_macs: number of @macs
 * @macs: addresses besides @mac, unicast and multicast
 * @vlans: VLAN ids
 */
struct vdpasim_net_filter {
	struct rcu_head rcu;
	u8 mac[ETH_ALEN];
	bool promisc;
	bool allmulti;
	bool alluni;
	bool nomulti;
	bool nouni;
	bool nobcast;
	bool uni_overflow;
	bool multi_overflow;
	bool vlan;
	u8 num_macs;
	u8 macs[VDPASIM_NET_MACS_MAX][ETH_ALEN];
	DECLARE_BITMAP(vlans, VLAN_N_VID);
};

/**
 * struct vdpasim_net - a device of class net
 * @sim: its part that is common to all classes
 * @peer: where its packets go: to itself, to another device, or nowhere (NULL);
 *	changes with the locks of all its queues held
 * @down: packets neither come nor go, cable or not; changes as @peer does
 * @entry: in the list of devices that can be connected, or empty
 * @mac: its address before a driver changes that; changes as @peer does
 * @vlan: VLAN of its port, 0 for none; immutable
 * @made_pairs: number of queue pairs that it was made with; immutable
 * @max_pairs: number of queue pairs offered; changes with &vdpasim.lock held and
 *	&vdpasim.status 0
 * @pairs: how many of them the driver uses
 * @mergeable: packets may go to several buffers; set before queues run
 * @mtu: longest packet that the driver takes, in bytes after the Ethernet
 *	header; changes as @peer does
 * @filter: replaced by the control queue, or with the locks of all queues held
 */
struct vdpasim_net {
	struct vdpasim *sim;
	struct vdpasim_net *peer;
	struct list_head entry;
	u8 mac[ETH_ALEN];
	u16 vlan;
	u16 made_pairs;
	u16 max_pairs;
	u16 pairs;
	bool mergeable;
	bool down;
	u32 mtu;
	struct vdpasim_net_filter __rcu *filter;
};

/**
 * struct vdpasim_net_head - begin of a packet, as far as filters look
 * @eth: Ethernet header; its type is ETH_P_8021Q if there is a tag
 * @tag: VLAN tag, valid if @len says so
 * @type: type behind the tag, likewise
 * @len: how many bytes of these are there
 */
struct vdpasim_net_head {
	struct ethhdr eth;
	__be16 tag;
	__be16 type;
	u32 len;
};

/**
 * struct vdpasim_net_packet - a packet on its way
 * @from: where the rest of it is
 * @len: length of that, in bytes
 * @prefix: begins the packet in place of what was there
 * @prefix.macs: addresses
 * @prefix.proto: ETH_P_8021Q
 * @prefix.tag: VLAN tag
 * @prefix_len: how much of @prefix is valid, in bytes
 */
struct vdpasim_net_packet {
	struct vdpa_ring_iter from;
	u32 len;
	struct {
		u8 macs[2 * ETH_ALEN];
		__be16 proto;
		__be16 tag;
	} prefix;
	u32 prefix_len;
};

static inline struct vdpasim_net *vdpasim_to_net(const struct vdpasim *sim)
{
	return sim->priv;
}

/* Features as the driver accepted them, or before that as it can. */
static inline u64 vdpasim_net_features(const struct vdpasim *sim)
{
	return READ_ONCE(sim->driver_features) ?: sim->features;
}

/*
 * virtio 1.3, 5.1.3.1: what all but one of these need is a control queue. DPDK's
 * virtio_user keeps that to itself, but accepts the others, which say nothing
 * then.
 */
static inline u64 vdpasim_net_usable(u64 features)
{
	if (features & BIT_ULL(VIRTIO_NET_F_CTRL_VQ))
		return features;
	return features & ~(BIT_ULL(VIRTIO_NET_F_CTRL_RX) |
			    BIT_ULL(VIRTIO_NET_F_CTRL_RX_EXTRA) |
			    BIT_ULL(VIRTIO_NET_F_CTRL_VLAN) |
			    BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR) |
			    BIT_ULL(VIRTIO_NET_F_GUEST_ANNOUNCE) |
			    BIT_ULL(VIRTIO_NET_F_MQ));
}

/*
 * virtio 1.3, 5.1.2: the place of the control queue depends on what the driver
 * accepted. -1 if there is none.
 */
static inline int vdpasim_net_ctrl_idx(const struct vdpasim *sim)
{
	u64 features = vdpasim_net_features(sim);

	if (!(features & BIT_ULL(VIRTIO_NET_F_CTRL_VQ)))
		return -1;
	if (features & BIT_ULL(VIRTIO_NET_F_MQ))
		return 2 * vdpasim_to_net(sim)->max_pairs;
	return 2;
}

static inline bool vdpasim_net_is_tx(u16 idx)
{
	return idx & 1;
}

/* net_link.c */

extern const struct file_operations vdpasim_net_peer_fops;

void vdpasim_net_link_add(struct vdpasim_net *net);
void vdpasim_net_link_remove(struct vdpasim_net *net);
void vdpasim_net_link_show(struct vdpasim_net *net);

/* net_data.c */

size_t vdpasim_net_turn_size(void);
bool vdpasim_net_transmit(struct vdpasim_vq *tx, struct vdpasim_worker *worker);

/* net_filter.c */

int vdpasim_net_filter_init(struct vdpasim_net *net);
void vdpasim_net_filter_reset(struct vdpasim_net *net, u64 features);
struct vdpasim_net_filter *
vdpasim_net_filter_edit(const struct vdpasim_net *net);
void vdpasim_net_filter_put(struct vdpasim_net *net,
			    struct vdpasim_net_filter *filter);
bool vdpasim_net_wants(const struct vdpasim_net *net,
		       const struct vdpasim_net_head *head);

/* net_vlan.c */

bool vdpasim_net_retag(const struct vdpasim_net *from,
		       const struct vdpasim_net *to,
		       struct vdpasim_net_packet *packet,
		       struct vdpasim_net_head *head);

/* net_ctrl.c */

bool vdpasim_net_control(struct vdpasim_vq *vq);

#endif /* _VDPA_SIM_NET_H */
