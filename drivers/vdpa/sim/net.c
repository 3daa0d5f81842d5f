// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated vDPA devices of class net, and their management device
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "vdpa_sim_net.h"

#define VDPASIM_NET_FEATURES	(VDPASIM_FEATURES |			\
				 BIT_ULL(VIRTIO_NET_F_MTU) |		\
				 BIT_ULL(VIRTIO_NET_F_MAC) |		\
				 BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) |	\
				 BIT_ULL(VIRTIO_NET_F_STATUS) |		\
				 BIT_ULL(VIRTIO_NET_F_SPEED_DUPLEX) |	\
				 BIT_ULL(VIRTIO_NET_F_CTRL_VQ) |	\
				 BIT_ULL(VIRTIO_NET_F_CTRL_RX) |	\
				 BIT_ULL(VIRTIO_NET_F_CTRL_RX_EXTRA) |	\
				 BIT_ULL(VIRTIO_NET_F_CTRL_VLAN) |	\
				 BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR) |	\
				 BIT_ULL(VIRTIO_NET_F_GUEST_ANNOUNCE) |	\
				 BIT_ULL(VIRTIO_NET_F_MQ))

static char *macaddr;
module_param(macaddr, charp, 0444);
MODULE_PARM_DESC(macaddr, "MAC address of devices created without one (default: random)");

static bool default_device;
module_param(default_device, bool, 0444);
MODULE_PARM_DESC(default_device, "Create one device when the module is loaded (default: no)");

static ulong max_devices;
module_param(max_devices, ulong, 0444);
MODULE_PARM_DESC(max_devices, "Number of devices that there can be (default: no limit)");

static ulong max_queues;
module_param(max_queues, ulong, 0444);
MODULE_PARM_DESC(max_queues, "Number of virtqueues that all devices can have together (default: no limit)");

static u8 vdpasim_net_default_mac[ETH_ALEN];

static int vdpasim_net_init_mac(struct vdpasim *sim, u8 *mac,
				const struct vdpa_dev_set_config *config)
{
	bool given = config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR);

	if (!(sim->features & BIT_ULL(VIRTIO_NET_F_MAC))) {
		if (!given)
			return 0;
		NL_SET_ERR_MSG(config->extack,
			       "A MAC address needs the feature MAC");
		return -EINVAL;
	}

	if (given)
		ether_addr_copy(mac, config->net.mac);
	else if (macaddr)
		ether_addr_copy(mac, vdpasim_net_default_mac);
	else
		eth_random_addr(mac);
	return 0;
}

static int vdpasim_net_init_mtu(struct vdpasim *sim, __le16 *mtu,
				const struct vdpa_dev_set_config *config)
{
	bool given = config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU);

	if (!(sim->features & BIT_ULL(VIRTIO_NET_F_MTU))) {
		if (!given)
			return 0;
		NL_SET_ERR_MSG(config->extack, "An MTU needs the feature MTU");
		return -EINVAL;
	}
	*mtu = cpu_to_le16(given ? config->net.mtu : ETH_DATA_LEN);
	return 0;
}

static void vdpasim_net_init_speed(struct vdpasim *sim)
{
	struct virtio_net_config *space = sim->config;

	if (!(sim->features & BIT_ULL(VIRTIO_NET_F_SPEED_DUPLEX)))
		return;
	space->speed = cpu_to_le32(SPEED_10000);
	space->duplex = DUPLEX_FULL;
}

/* Without a word a device has one queue pair, and no need to offer more. */
static u16 vdpasim_net_pairs(u64 features,
			     const struct vdpa_dev_set_config *config)
{
	if (features & BIT_ULL(VIRTIO_NET_F_MQ) &&
	    config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP))
		return config->net.max_vq_pairs;
	return 1;
}

static int vdpasim_net_num_vqs(u64 features,
			       const struct vdpa_dev_set_config *config)
{
	bool given = config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP);
	u16 pairs = config->net.max_vq_pairs;

	if (given && (!pairs || pairs > VDPASIM_NET_PAIRS_MAX)) {
		NL_SET_ERR_MSG_FMT(config->extack,
				   "Number of queue pairs is not from 1 to %u",
				   VDPASIM_NET_PAIRS_MAX);
		return -EINVAL;
	}
	if (given && pairs > 1 && !(features & BIT_ULL(VIRTIO_NET_F_MQ))) {
		NL_SET_ERR_MSG(config->extack,
			       "More than one queue pair needs the feature MQ");
		return -EINVAL;
	}
	return 2 * vdpasim_net_pairs(features, config) +
	       !!(features & BIT_ULL(VIRTIO_NET_F_CTRL_VQ));
}

/* The owner of the queues' locks: see vdpasim_lock_vqs(). */
static void vdpasim_net_init_vqs(struct vdpasim_net *net)
{
	unsigned int i;

	for (i = 0; i < net->sim->vdpa.nvqs; i++)
		net->sim->vqs[i].inner = i < 2 * net->max_pairs &&
					 !vdpasim_net_is_tx(i);
}

/* virtio 1.3, 5.1.4 */
static int vdpasim_net_init_config(struct vdpasim *sim,
				   const struct vdpa_dev_set_config *config)
{
	struct virtio_net_config *space = sim->config;
	struct vdpasim_net *net;
	int err;

	net = kzalloc(sizeof(*net), GFP_KERNEL);
	if (!net)
		return -ENOMEM;
	sim->priv = net;
	net->sim = sim;
	INIT_LIST_HEAD(&net->entry);
	net->made_pairs = vdpasim_net_pairs(sim->features, config);
	net->max_pairs = net->made_pairs;
	if (config->ext_mask & VDPA_EXT_BIT(VDPA_ATTR_DEV_NET_VLAN))
		net->vlan = config->net.vlan;
	net->pairs = 1;
	vdpasim_net_init_vqs(net);
	vdpasim_net_init_speed(sim);

	space->max_virtqueue_pairs =
		(__force __virtio16)cpu_to_le16(net->max_pairs);
	err = vdpasim_net_init_mac(sim, space->mac, config) ?:
	      vdpasim_net_init_mtu(sim, (__force __le16 *)&space->mtu, config);
	if (err)
		return err;
	ether_addr_copy(net->mac, space->mac);
	err = vdpasim_net_filter_init(net);
	if (!err)
		vdpasim_net_link_add(net);
	return err;
}

/* Whether the device has what is to be changed */
static int vdpasim_net_check_attr(const struct vdpasim *sim,
				  const struct vdpa_dev_set_config *config)
{
	static const struct {
		u16 attr;
		u8 feature;
		const char *message;
	} needs[] = {
		{ VDPA_ATTR_DEV_NET_CFG_MACADDR, VIRTIO_NET_F_MAC,
		  "A MAC address needs the feature MAC" },
		{ VDPA_ATTR_DEV_NET_CFG_MTU, VIRTIO_NET_F_MTU,
		  "An MTU needs the feature MTU" },
		{ VDPA_ATTR_DEV_NET_STATUS, VIRTIO_NET_F_STATUS,
		  "A link status needs the feature STATUS" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needs); i++) {
		if (!(config->mask & BIT_ULL(needs[i].attr)) ||
		    sim->features & BIT_ULL(needs[i].feature))
			continue;
		NL_SET_ERR_MSG_FMT(config->extack, "%s", needs[i].message);
		return -EINVAL;
	}
	return 0;
}

static int vdpasim_net_check_pairs(const struct vdpasim_net *net,
				   const struct vdpa_dev_set_config *config)
{
	if (!(config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP)))
		return 0;
	if (config->net.max_vq_pairs > net->made_pairs) {
		NL_SET_ERR_MSG_FMT(config->extack,
				   "Device was made with %u queue pairs",
				   net->made_pairs);
		return -EINVAL;
	}
	return 0;
}

static void vdpasim_net_change(struct vdpasim_net *net,
			       const struct vdpa_dev_set_config *config)
{
	struct virtio_net_config *space = net->sim->config;
	u64 mask = config->mask;

	spin_lock(&net->sim->config_lock);
	if (mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR)) {
		ether_addr_copy(space->mac, config->net.mac);
		ether_addr_copy(net->mac, config->net.mac);
	}
	if (mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU)) {
		space->mtu = (__force __virtio16)cpu_to_le16(config->net.mtu);
		if (net->sim->driver_features & BIT_ULL(VIRTIO_NET_F_MTU))
			net->mtu = config->net.mtu;
	}
	if (mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP))
		space->max_virtqueue_pairs =
			(__force __virtio16)cpu_to_le16(config->net.max_vq_pairs);
	net->sim->generation++;
	spin_unlock(&net->sim->config_lock);
	if (mask & BIT_ULL(VDPA_ATTR_DEV_NET_STATUS))
		net->down = !(config->net.status & VIRTIO_NET_S_LINK_UP);
}

static int vdpasim_net_set_attr(struct vdpasim *sim,
				const struct vdpa_dev_set_config *config)
{
	struct vdpasim_net *net = vdpasim_to_net(sim);
	struct vdpasim_net_filter *filter;
	int err;

	err = vdpasim_net_check_attr(sim, config) ?:
	      vdpasim_net_check_pairs(net, config);
	if (err)
		return err;
	vdpasim_lock_vqs(sim);
	filter = vdpasim_net_filter_edit(net);
	if (filter) {
		if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR))
			ether_addr_copy(filter->mac, config->net.mac);
		vdpasim_net_filter_put(net, filter);
		vdpasim_net_change(net, config);
	}
	vdpasim_unlock_vqs(sim);
	if (!filter)
		return -ENOMEM;
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP)) {
		net->max_pairs = config->net.max_vq_pairs;
		vdpasim_net_init_vqs(net);
	}
	if (config->mask & BIT_ULL(VDPA_ATTR_DEV_NET_STATUS))
		vdpasim_net_link_show(net);
	return 0;
}

static void vdpasim_net_gone(struct vdpasim *sim)
{
	if (sim->priv)
		vdpasim_net_link_remove(sim->priv);
}

static void vdpasim_net_release(struct vdpasim *sim)
{
	struct vdpasim_net *net = sim->priv;

	if (!net)
		return;
	kfree(rcu_dereference_protected(net->filter, true));
	kfree(net);
}

static bool vdpasim_net_check_features(u64 features)
{
	return vdpasim_net_usable(features) == features;
}

static u32 vdpasim_net_vq_group(const struct vdpasim *sim, u16 idx)
{
	return idx == vdpasim_net_ctrl_idx(sim) ? VDPASIM_NET_GROUP_CTRL :
						  VDPASIM_NET_GROUP_DATA;
}

static u32 vdpasim_net_vq_desc_group(const struct vdpasim *sim, u16 idx)
{
	return idx == vdpasim_net_ctrl_idx(sim) ? VDPASIM_NET_GROUP_CTRL :
						  VDPASIM_NET_GROUP_DESC;
}

static void vdpasim_net_driver_ok(struct vdpasim *sim)
{
	const struct virtio_net_config *space = sim->config;
	struct vdpasim_net *net = vdpasim_to_net(sim);
	u64 features = vdpasim_net_usable(sim->driver_features);

	net->mergeable = features & BIT_ULL(VIRTIO_NET_F_MRG_RXBUF);
	net->mtu = U16_MAX;
	if (features & BIT_ULL(VIRTIO_NET_F_MTU))
		net->mtu = le16_to_cpu((__force __le16)space->mtu);
	vdpasim_net_filter_reset(net, features);
}

static void vdpasim_net_reset(struct vdpasim *sim)
{
	struct virtio_net_config *space = sim->config;
	struct vdpasim_net *net = vdpasim_to_net(sim);

	WRITE_ONCE(net->pairs, 1);
	spin_lock(&sim->config_lock);
	ether_addr_copy(space->mac, net->mac);
	space->status &= (__force __virtio16)cpu_to_le16(~VIRTIO_NET_S_ANNOUNCE);
	spin_unlock(&sim->config_lock);
	vdpasim_net_filter_reset(net, sim->features);
}

static bool vdpasim_net_serve(struct vdpasim_vq *vq,
			      struct vdpasim_worker *worker)
{
	if (vq->idx == vdpasim_net_ctrl_idx(vq->sim))
		return vdpasim_net_control(vq);
	if (vdpasim_net_is_tx(vq->idx))
		return vdpasim_net_transmit(vq, worker);
	return false;
}

/* Packets are put into receive queues by those who send them. */
static enum vdpasim_worker_kind
vdpasim_net_worker_kind(const struct vdpasim *sim, u16 idx)
{
	if (idx == vdpasim_net_ctrl_idx(sim))
		return VDPASIM_WORKER_PROMPT;
	return vdpasim_net_is_tx(idx) ? VDPASIM_WORKER_NORMAL :
					VDPASIM_WORKER_NONE;
}

static const char *const vdpasim_net_rx_counters[] = {
	[VDPASIM_NET_PACKETS] = "rx packets",
	[VDPASIM_NET_BYTES] = "rx bytes",
	[VDPASIM_NET_ERRORS] = "rx errors",
	[VDPASIM_NET_DROPS] = "rx drops",
	[VDPASIM_NET_RX_OVERRUNS] = "rx overruns",
	[VDPASIM_NET_RX_FILTERED] = "rx filtered",
	NULL
};

static const char *const vdpasim_net_tx_counters[] = {
	[VDPASIM_NET_PACKETS] = "tx packets",
	[VDPASIM_NET_BYTES] = "tx bytes",
	[VDPASIM_NET_ERRORS] = "tx errors",
	[VDPASIM_NET_DROPS] = "tx drops",
	NULL
};

static const char *const vdpasim_net_ctrl_counters[] = {
	[VDPASIM_NET_CTRL_REQUESTS] = "cvq requests",
	[VDPASIM_NET_CTRL_SUCCESSES] = "cvq successes",
	[VDPASIM_NET_CTRL_ERRORS] = "cvq errors",
	NULL
};

static const char *const *
vdpasim_net_counter_names(const struct vdpasim *sim, u16 idx)
{
	if (idx == vdpasim_net_ctrl_idx(sim))
		return vdpasim_net_ctrl_counters;
	return vdpasim_net_is_tx(idx) ? vdpasim_net_tx_counters :
					vdpasim_net_rx_counters;
}

static void vdpasim_net_counter_kinds(const struct vdpasim *sim, u16 idx,
				      unsigned long *bytes,
				      unsigned long *errors)
{
	if (idx == vdpasim_net_ctrl_idx(sim)) {
		*errors = BIT(VDPASIM_NET_CTRL_ERRORS);
		return;
	}
	*bytes = BIT(VDPASIM_NET_BYTES);
	*errors = BIT(VDPASIM_NET_ERRORS);
}

static struct vdpasim_class vdpasim_net_class = {
	.device_id = VIRTIO_ID_NET,
	.nvqs = 2 * VDPASIM_NET_PAIRS_MAX + 1,
	.ngroups = VDPASIM_NET_NUM_GROUPS,
	.nas = 2,
	.features = VDPASIM_NET_FEATURES,
	.required = VDPASIM_REQUIRED,
	.config_attr_mask = BIT_ULL(VDPA_ATTR_DEV_FEATURES) |
			    BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR) |
			    BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU) |
			    BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP),
	.config_ext_mask = VDPA_EXT_BIT(VDPA_ATTR_DEV_NET_VLAN),
	.set_attr_mask = BIT_ULL(VDPA_ATTR_DEV_FEATURES) |
			 BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR) |
			 BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU) |
			 BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP) |
			 BIT_ULL(VDPA_ATTR_DEV_NET_STATUS),
	.config_size = sizeof(struct virtio_net_config),
	.num_vqs = vdpasim_net_num_vqs,
	.init_config = vdpasim_net_init_config,
	.set_attr = vdpasim_net_set_attr,
	.check_features = vdpasim_net_check_features,
	.vq_group = vdpasim_net_vq_group,
	.vq_desc_group = vdpasim_net_vq_desc_group,
	.driver_ok = vdpasim_net_driver_ok,
	.reset = vdpasim_net_reset,
	.serve = vdpasim_net_serve,
	.worker_kind = vdpasim_net_worker_kind,
	.counter_names = vdpasim_net_counter_names,
	.counter_kinds = vdpasim_net_counter_kinds,
	.gone = vdpasim_net_gone,
	.release = vdpasim_net_release,
};

static const struct vdpasim_class *const vdpasim_net_classes[] = {
	&vdpasim_net_class,
};

static struct vdpasim_mgmt vdpasim_net_mgmt = {
	.classes = vdpasim_net_classes,
	.num_classes = ARRAY_SIZE(vdpasim_net_classes),
};

/* mac_pton() does not mind what comes behind the address */
static bool __init vdpasim_net_parse_macaddr(void)
{
	return strlen(macaddr) == 3 * ETH_ALEN - 1 &&
	       mac_pton(macaddr, vdpasim_net_default_mac) &&
	       is_valid_ether_addr(vdpasim_net_default_mac);
}

static void __init vdpasim_net_init_limits(struct vdpa_resource_limit *limits)
{
	limits[VDPA_RESOURCE_DEVICES].size = max_devices;
	limits[VDPA_RESOURCE_QUEUES].size = max_queues;
	limits[VDPA_RESOURCE_QUEUES].max = vdpasim_net_class.nvqs;
	limits[VDPA_RESOURCE_QUEUE_PAIRS].max = VDPASIM_NET_PAIRS_MAX;
}

static int __init vdpasim_net_init(void)
{
	struct device *dev;
	int err;

	if (macaddr && !vdpasim_net_parse_macaddr()) {
		pr_err("macaddr=%s is not a unicast MAC address\n", macaddr);
		return -EINVAL;
	}

	dev = root_device_register("vdpasim_net");
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	vdpasim_net_class.scratch_size = vdpasim_net_turn_size();
	vdpasim_net_mgmt.mdev.device = dev;
	vdpasim_net_init_limits(vdpasim_net_mgmt.mdev.limits);
	err = vdpasim_mgmt_register(&vdpasim_net_mgmt, NULL);
	if (err)
		goto err_dev;
	debugfs_create_file("peer", 0600, vdpasim_net_mgmt.dir, NULL,
			    &vdpasim_net_peer_fops);
	if (default_device) {
		err = vdpasim_mgmt_add_default(&vdpasim_net_mgmt);
		if (err)
			goto err_mgmt;
	}
	return 0;

err_mgmt:
	vdpasim_mgmt_unregister(&vdpasim_net_mgmt);
err_dev:
	root_device_unregister(dev);
	return err;
}

static void __exit vdpasim_net_exit(void)
{
	struct device *dev = vdpasim_net_mgmt.mdev.device;

	vdpasim_mgmt_unregister(&vdpasim_net_mgmt);
	root_device_unregister(dev);
}

module_init(vdpasim_net_init);
module_exit(vdpasim_net_exit);

MODULE_DESCRIPTION("vDPA simulator for network devices");
MODULE_LICENSE("GPL");
