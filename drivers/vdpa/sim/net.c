// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated vDPA devices of class net, and their management device
 *
 * As there is no data path yet, the link of these devices is down, and they
 * offer neither a control queue nor more than one queue pair.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/module.h>
#include <linux/netlink.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_net.h>

#include "vdpa_sim.h"

#define VDPASIM_NET_REQUIRED	(BIT_ULL(VIRTIO_F_VERSION_1) | \
				 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

#define VDPASIM_NET_FEATURES	(VDPASIM_NET_REQUIRED | \
				 BIT_ULL(VIRTIO_NET_F_MTU) | \
				 BIT_ULL(VIRTIO_NET_F_MAC) | \
				 BIT_ULL(VIRTIO_NET_F_STATUS))

static char *macaddr;
module_param(macaddr, charp, 0444);
MODULE_PARM_DESC(macaddr, "MAC address of devices created without one (default: random)");

static bool default_device;
module_param(default_device, bool, 0444);
MODULE_PARM_DESC(default_device, "Create one device when the module is loaded (default: no)");

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

/* virtio 1.3, 5.1.4; VIRTIO_NET_S_LINK_UP stays clear, see above */
static int vdpasim_net_init_config(struct vdpasim *sim,
				   const struct vdpa_dev_set_config *config)
{
	struct virtio_net_config *space = sim->config;

	space->max_virtqueue_pairs = (__force __virtio16)cpu_to_le16(1);
	return vdpasim_net_init_mac(sim, space->mac, config) ?:
	       vdpasim_net_init_mtu(sim, (__force __le16 *)&space->mtu, config);
}

static const struct vdpasim_class vdpasim_net_class = {
	.device_id = VIRTIO_ID_NET,
	.nvqs = 2,
	.features = VDPASIM_NET_FEATURES,
	.required = VDPASIM_NET_REQUIRED,
	.config_attr_mask = BIT_ULL(VDPA_ATTR_DEV_FEATURES) |
			    BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR) |
			    BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU),
	.config_size = sizeof(struct virtio_net_config),
	.init_config = vdpasim_net_init_config,
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
	vdpasim_net_mgmt.mdev.device = dev;
	err = vdpasim_mgmt_register(&vdpasim_net_mgmt, NULL);
	if (err)
		goto err_dev;
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
