// SPDX-License-Identifier: GPL-2.0
/*
 * Control queue of simulated devices of class net
 */
#include <linux/slab.h>

#include "vdpa_sim_net.h"

#define VDPASIM_NET_CTRL_BATCH	16

/**
 * struct vdpasim_net_command - a command of the control queue
 * @class: VIRTIO_NET_CTRL_*, as is @cmd
 * @cmd: which of the class
 * @feature: bit of the feature that it comes with
 * @run: carries it out. The data of the command is at the iterator. Returns 0,
 *	or an errno to have it refused.
 * @flag: offset of the flag of &struct vdpasim_net_filter that it sets
 */
struct vdpasim_net_command {
	u8 class;
	u8 cmd;
	u8 feature;
	int (*run)(struct vdpasim_net *net,
		   const struct vdpasim_net_command *command,
		   struct vdpa_ring_iter *from);
	size_t flag;
};

static int vdpasim_net_set_flag(struct vdpasim_net *net,
				const struct vdpasim_net_command *command,
				struct vdpa_ring_iter *from)
{
	struct vdpasim_net_filter *filter;
	u8 on;
	int err;

	err = vdpa_ring_read(from, &on, sizeof(on));
	if (err)
		return err;
	filter = vdpasim_net_filter_edit(net);
	if (!filter)
		return -ENOMEM;
	*((bool *)((void *)filter + command->flag)) = on;
	vdpasim_net_filter_put(net, filter);
	return 0;
}

/* Of a table too long for us, all addresses of its kind are taken. */
static int vdpasim_net_read_macs(struct vdpasim_net_filter *filter,
				 struct vdpa_ring_iter *from, bool *all)
{
	__le32 entries;
	u32 num;
	int err;

	err = vdpa_ring_read(from, &entries, sizeof(entries));
	if (err)
		return err;
	num = le32_to_cpu(entries);
	if (num > from->left / ETH_ALEN)
		return -EINVAL;
	if (num > VDPASIM_NET_MACS_MAX - filter->num_macs) {
		*all = true;
		return vdpa_ring_skip(from, num * ETH_ALEN);
	}
	err = vdpa_ring_read(from, filter->macs[filter->num_macs],
			     num * ETH_ALEN);
	filter->num_macs += num;
	return err;
}

static int vdpasim_net_set_mac_table(struct vdpasim_net *net,
				     const struct vdpasim_net_command *command,
				     struct vdpa_ring_iter *from)
{
	struct vdpasim_net_filter *filter = vdpasim_net_filter_edit(net);
	int err;

	if (!filter)
		return -ENOMEM;
	filter->num_macs = 0;
	filter->uni_overflow = false;
	filter->multi_overflow = false;
	err = vdpasim_net_read_macs(filter, from, &filter->uni_overflow) ?:
	      vdpasim_net_read_macs(filter, from, &filter->multi_overflow);
	if (err)
		kfree(filter);
	else
		vdpasim_net_filter_put(net, filter);
	return err;
}

static int vdpasim_net_set_mac(struct vdpasim_net *net,
			       const struct vdpasim_net_command *command,
			       struct vdpa_ring_iter *from)
{
	struct virtio_net_config *space = net->sim->config;
	struct vdpasim_net_filter *filter;
	u8 mac[ETH_ALEN];
	int err;

	err = vdpa_ring_read(from, mac, sizeof(mac));
	if (err)
		return err;
	if (!is_valid_ether_addr(mac))
		return -EINVAL;
	filter = vdpasim_net_filter_edit(net);
	if (!filter)
		return -ENOMEM;
	ether_addr_copy(filter->mac, mac);
	vdpasim_net_filter_put(net, filter);

	spin_lock(&net->sim->config_lock);
	ether_addr_copy(space->mac, mac);
	net->sim->generation++;
	spin_unlock(&net->sim->config_lock);
	return 0;
}

static int vdpasim_net_set_vlan(struct vdpasim_net *net,
				const struct vdpasim_net_command *command,
				struct vdpa_ring_iter *from)
{
	struct vdpasim_net_filter *filter;
	__le16 vid;
	int err;

	err = vdpa_ring_read(from, &vid, sizeof(vid));
	if (err)
		return err;
	if (le16_to_cpu(vid) >= VLAN_N_VID)
		return -EINVAL;
	filter = vdpasim_net_filter_edit(net);
	if (!filter)
		return -ENOMEM;
	__assign_bit(le16_to_cpu(vid), filter->vlans,
		     command->cmd == VIRTIO_NET_CTRL_VLAN_ADD);
	vdpasim_net_filter_put(net, filter);
	return 0;
}

static int vdpasim_net_announced(struct vdpasim_net *net,
				 const struct vdpasim_net_command *command,
				 struct vdpa_ring_iter *from)
{
	struct virtio_net_config *space = net->sim->config;

	spin_lock(&net->sim->config_lock);
	space->status &= (__force __virtio16)cpu_to_le16(~VIRTIO_NET_S_ANNOUNCE);
	net->sim->generation++;
	spin_unlock(&net->sim->config_lock);
	return 0;
}

static int vdpasim_net_set_pairs(struct vdpasim_net *net,
				 const struct vdpasim_net_command *command,
				 struct vdpa_ring_iter *from)
{
	__le16 pairs;
	int err;

	err = vdpa_ring_read(from, &pairs, sizeof(pairs));
	if (err)
		return err;
	if (!le16_to_cpu(pairs) || le16_to_cpu(pairs) > net->max_pairs)
		return -EINVAL;
	WRITE_ONCE(net->pairs, le16_to_cpu(pairs));
	return 0;
}

#define VDPASIM_NET_FLAG(cmd, feature, flag) \
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_##cmd, \
	  VIRTIO_NET_F_##feature, vdpasim_net_set_flag, \
	  offsetof(struct vdpasim_net_filter, flag) }

static const struct vdpasim_net_command vdpasim_net_commands[] = {
	VDPASIM_NET_FLAG(PROMISC, CTRL_RX, promisc),
	VDPASIM_NET_FLAG(ALLMULTI, CTRL_RX, allmulti),
	VDPASIM_NET_FLAG(ALLUNI, CTRL_RX_EXTRA, alluni),
	VDPASIM_NET_FLAG(NOMULTI, CTRL_RX_EXTRA, nomulti),
	VDPASIM_NET_FLAG(NOUNI, CTRL_RX_EXTRA, nouni),
	VDPASIM_NET_FLAG(NOBCAST, CTRL_RX_EXTRA, nobcast),
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET,
	  VIRTIO_NET_F_CTRL_RX, vdpasim_net_set_mac_table },
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
	  VIRTIO_NET_F_CTRL_MAC_ADDR, vdpasim_net_set_mac },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD,
	  VIRTIO_NET_F_CTRL_VLAN, vdpasim_net_set_vlan },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL,
	  VIRTIO_NET_F_CTRL_VLAN, vdpasim_net_set_vlan },
	{ VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK,
	  VIRTIO_NET_F_GUEST_ANNOUNCE, vdpasim_net_announced },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
	  VIRTIO_NET_F_MQ, vdpasim_net_set_pairs },
};

static int vdpasim_net_run(struct vdpasim_net *net, struct vdpa_ring_iter *from)
{
	const struct vdpasim_net_command *command;
	struct virtio_net_ctrl_hdr hdr;
	unsigned int i;
	int err;

	err = vdpa_ring_read(from, &hdr, sizeof(hdr));
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(vdpasim_net_commands); i++) {
		command = &vdpasim_net_commands[i];
		if (command->class == hdr.class && command->cmd == hdr.cmd)
			break;
	}
	if (i == ARRAY_SIZE(vdpasim_net_commands) ||
	    !(net->sim->driver_features & BIT_ULL(command->feature)))
		return -EOPNOTSUPP;
	return command->run(net, command, from);
}

/* virtio 1.3, 5.1.6.5: what there is to write to begins with the answer. */
static void vdpasim_net_answer(struct vdpasim_vq *vq,
			       struct vdpa_ring_chain *chain)
{
	struct vdpasim_net *net = vdpasim_to_net(vq->sim);
	struct vdpa_ring_iter from, to;
	virtio_net_ctrl_ack ack = VIRTIO_NET_OK;
	int err;

	vdpa_ring_reader(&from, vq->ring, chain);
	vdpasim_count(vq, VDPASIM_NET_CTRL_REQUESTS, 1);
	err = vdpasim_net_run(net, &from);
	if (err) {
		ack = VIRTIO_NET_ERR;
		vdpasim_count_error(vq, VDPASIM_NET_CTRL_ERRORS, -err);
	} else {
		vdpasim_count(vq, VDPASIM_NET_CTRL_SUCCESSES, 1);
	}
	vdpa_ring_writer(&to, vq->ring, chain);
	chain->written = vdpa_ring_write(&to, &ack, sizeof(ack)) ? 0 : sizeof(ack);
}

/**
 * vdpasim_net_control - do a turn of work on the control queue
 * @vq: the queue
 *
 * Context: see &vdpasim_class.serve.
 * Return: whether there is more to do.
 */
bool vdpasim_net_control(struct vdpasim_vq *vq)
{
	struct vdpa_ring_chain chain;
	unsigned int i;
	int n;

	vdpa_ring_disable_kicks(vq->ring);
	for (i = 0; i < VDPASIM_NET_CTRL_BATCH; i++) {
		n = vdpa_ring_take(vq->ring, &chain, 1);
		if (n < 0)
			return false;
		if (!n && !vdpa_ring_enable_kicks(vq->ring))
			return false;
		if (!n)
			continue;
		vdpasim_net_answer(vq, &chain);
		vdpasim_vq_complete(vq, &chain, 1);
		vdpasim_vq_notify(vq);
	}
	return true;
}
