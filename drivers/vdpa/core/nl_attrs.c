// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes that devices are made with, or changed: checked, read, shown
 */
#include <linux/capability.h>
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/kmod.h>
#include <net/genetlink.h>

#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

static int vdpa_nl_parse_features(struct vdpa_dev_set_config *config,
				  const struct vdpa_mgmt_record *mgmt,
				  const struct nlattr *attr)
{
	config->device_features = nla_get_u64(attr);
	if (!(config->device_features & ~mgmt->supported_features))
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr,
			    "Features are not supported by the management device");
	return -EINVAL;
}

static int vdpa_nl_show_features(struct sk_buff *skb,
				 const struct vdpa_dev_set_config *config)
{
	return nla_put_u64_64bit(skb, VDPA_ATTR_DEV_FEATURES,
				 config->device_features, VDPA_ATTR_PAD);
}

static int vdpa_nl_parse_mac(struct vdpa_dev_set_config *config,
			     const struct vdpa_mgmt_record *mgmt,
			     const struct nlattr *attr)
{
	nla_memcpy(config->net.mac, attr, ETH_ALEN);
	if (is_valid_ether_addr(config->net.mac))
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr,
			    "MAC address is not a unicast address");
	return -EINVAL;
}

static int vdpa_nl_show_mac(struct sk_buff *skb,
			    const struct vdpa_dev_set_config *config)
{
	return nla_put(skb, VDPA_ATTR_DEV_NET_CFG_MACADDR, ETH_ALEN,
		       config->net.mac);
}

/* virtio 1.3, 5.1.4.1: a device must not offer an MTU below 68 */
static int vdpa_nl_parse_mtu(struct vdpa_dev_set_config *config,
			     const struct vdpa_mgmt_record *mgmt,
			     const struct nlattr *attr)
{
	config->net.mtu = nla_get_u16(attr);
	if (config->net.mtu >= ETH_MIN_MTU)
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr, "MTU is below 68");
	return -ERANGE;
}

static int vdpa_nl_show_mtu(struct sk_buff *skb,
			    const struct vdpa_dev_set_config *config)
{
	return nla_put_u16(skb, VDPA_ATTR_DEV_NET_CFG_MTU, config->net.mtu);
}

static int vdpa_nl_parse_max_vqp(struct vdpa_dev_set_config *config,
				 const struct vdpa_mgmt_record *mgmt,
				 const struct nlattr *attr)
{
	config->net.max_vq_pairs = nla_get_u16(attr);
	if (config->net.max_vq_pairs)
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr,
			    "At least one queue pair is needed");
	return -ERANGE;
}

static int vdpa_nl_show_max_vqp(struct sk_buff *skb,
				const struct vdpa_dev_set_config *config)
{
	return nla_put_u16(skb, VDPA_ATTR_DEV_NET_CFG_MAX_VQP,
			   config->net.max_vq_pairs);
}

/* The other bits are for the driver and the device to exchange. */
static int vdpa_nl_parse_link(struct vdpa_dev_set_config *config,
			      const struct vdpa_mgmt_record *mgmt,
			      const struct nlattr *attr)
{
	config->net.status = nla_get_u16(attr);
	if (!(config->net.status & ~VIRTIO_NET_S_LINK_UP))
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr,
			    "Link status is neither up nor down");
	return -EINVAL;
}

/* IEEE 802.1Q reserves 0, for frames with no more than a priority, and 4095. */
static int vdpa_nl_parse_vlan(struct vdpa_dev_set_config *config,
			      const struct vdpa_mgmt_record *mgmt,
			      const struct nlattr *attr)
{
	config->net.vlan = nla_get_u16(attr);
	if (config->net.vlan && config->net.vlan < VLAN_VID_MASK)
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr,
			    "VLAN id is not from 1 to 4094");
	return -ERANGE;
}

static int vdpa_nl_show_vlan(struct sk_buff *skb,
			     const struct vdpa_dev_set_config *config)
{
	return nla_put_u16(skb, VDPA_ATTR_DEV_NET_VLAN, config->net.vlan);
}

static int vdpa_nl_parse_capacity(struct vdpa_dev_set_config *config,
				  const struct vdpa_mgmt_record *mgmt,
				  const struct nlattr *attr)
{
	config->blk.capacity = nla_get_u64(attr);
	if (config->blk.capacity)
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr, "Capacity is 0");
	return -ERANGE;
}

static int vdpa_nl_show_capacity(struct sk_buff *skb,
				 const struct vdpa_dev_set_config *config)
{
	return nla_put_u64_64bit(skb, VDPA_ATTR_DEV_BLK_CFG_CAPACITY,
				 config->blk.capacity, VDPA_ATTR_PAD);
}

static int vdpa_nl_parse_read_only(struct vdpa_dev_set_config *config,
				   const struct vdpa_mgmt_record *mgmt,
				   const struct nlattr *attr)
{
	config->blk.read_only = nla_get_u8(attr);
	if (nla_get_u8(attr) <= 1)
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr, "Neither 0 nor 1");
	return -ERANGE;
}

static int vdpa_nl_show_read_only(struct sk_buff *skb,
				  const struct vdpa_dev_set_config *config)
{
	return nla_put_u8(skb, VDPA_ATTR_DEV_BLK_READ_ONLY,
			  config->blk.read_only);
}

/**
 * struct vdpa_nl_dev_attr - an attribute that a device is made with, or changed
 * @attr: its number
 * @name: its name on the command line
 * @class: virtio device id of the one class that has it, 0 for all
 * @add: devices can be made with it, if the management device can
 * @set: it can be changed later, if the management device can
 * @parse: checks it and puts it into the configuration
 * @show: puts it into a message; there for what devices are made with
 */
struct vdpa_nl_dev_attr {
	u16 attr;
	const char *name;
	u32 class;
	bool add;
	bool set;
	int (*parse)(struct vdpa_dev_set_config *config,
		     const struct vdpa_mgmt_record *mgmt,
		     const struct nlattr *attr);
	int (*show)(struct sk_buff *skb,
		    const struct vdpa_dev_set_config *config);
};

static const struct vdpa_nl_dev_attr vdpa_nl_dev_attrs[] = {
	{ VDPA_ATTR_DEV_FEATURES, "device_features", 0, true, true,
	  vdpa_nl_parse_features, vdpa_nl_show_features },
	{ VDPA_ATTR_DEV_NET_CFG_MACADDR, "mac", VIRTIO_ID_NET, true, true,
	  vdpa_nl_parse_mac, vdpa_nl_show_mac },
	{ VDPA_ATTR_DEV_NET_CFG_MTU, "mtu", VIRTIO_ID_NET, true, true,
	  vdpa_nl_parse_mtu, vdpa_nl_show_mtu },
	{ VDPA_ATTR_DEV_NET_CFG_MAX_VQP, "max_vqp", VIRTIO_ID_NET, true, true,
	  vdpa_nl_parse_max_vqp, vdpa_nl_show_max_vqp },
	{ VDPA_ATTR_DEV_NET_STATUS, "link", VIRTIO_ID_NET, false, true,
	  vdpa_nl_parse_link },
	{ VDPA_ATTR_DEV_NET_VLAN, "vlan", VIRTIO_ID_NET, true, false,
	  vdpa_nl_parse_vlan, vdpa_nl_show_vlan },
	{ VDPA_ATTR_DEV_BLK_CFG_CAPACITY, "capacity", VIRTIO_ID_BLOCK, true,
	  false, vdpa_nl_parse_capacity, vdpa_nl_show_capacity },
	{ VDPA_ATTR_DEV_BLK_READ_ONLY, "read_only", VIRTIO_ID_BLOCK, true,
	  false, vdpa_nl_parse_read_only, vdpa_nl_show_read_only },
};

#define for_each_vdpa_nl_dev_attr(desc)					\
	for ((desc) = vdpa_nl_dev_attrs;				\
	     (desc) < vdpa_nl_dev_attrs + ARRAY_SIZE(vdpa_nl_dev_attrs); \
	     (desc)++)

/* An extended ack has room for 80 bytes: names that do not fit are left out. */
static int vdpa_nl_refuse_attr(struct netlink_ext_ack *extack,
			       const struct vdpa_attr_set *set,
			       const struct nlattr *attr)
{
	const struct vdpa_nl_dev_attr *desc;
	char names[44] = "";
	size_t len = 0;

	for_each_vdpa_nl_dev_attr(desc) {
		if (!vdpa_attr_set_has(set, desc->attr) ||
		    len + 1 + strlen(desc->name) >= sizeof(names))
			continue;
		len += scnprintf(names + len, sizeof(names) - len, " %s",
				 desc->name);
	}
	if (len)
		NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
					"Attribute is not supported, but:%s",
					names);
	else
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "Attribute is not supported, nor is any");
	return -EOPNOTSUPP;
}

/* Without a choice the class stays open where there are several. */
static int vdpa_nl_parse_class(struct vdpa_dev_set_config *config,
			       const struct vdpa_mgmt_record *mgmt,
			       const struct nlattr *attr)
{
	if (!attr)
		return 0;
	config->device_id = nla_get_u32(attr);
	if (config->device_id < BITS_PER_TYPE(mgmt->classes) &&
	    mgmt->classes & BIT_ULL(config->device_id))
		return 0;
	NL_SET_ERR_MSG_ATTR(config->extack, attr,
			    "Class is not supported by the management device");
	return -EOPNOTSUPP;
}

static bool vdpa_nl_class_fits(const struct vdpa_dev_set_config *config,
			       const struct vdpa_mgmt_record *mgmt, u32 class)
{
	if (!class)
		return true;
	if (config->device_id)
		return config->device_id == class;
	return mgmt->classes & BIT_ULL(class);
}

static int vdpa_nl_parse_one(struct vdpa_dev_set_config *config,
			     const struct vdpa_mgmt_record *mgmt,
			     const struct vdpa_attr_set *set,
			     const struct vdpa_nl_dev_attr *desc,
			     const struct nlattr *attr)
{
	if (!vdpa_attr_set_has(set, desc->attr))
		return vdpa_nl_refuse_attr(config->extack, set, attr);
	if (!vdpa_nl_class_fits(config, mgmt, desc->class)) {
		NL_SET_ERR_MSG_ATTR_FMT(config->extack, attr,
					"Attribute is for class %s only",
					desc->class == VIRTIO_ID_NET ?
					"net" : "block");
		return -EOPNOTSUPP;
	}
	if (desc->attr < VDPA_ATTR_MAX)
		config->mask |= BIT_ULL(desc->attr);
	else
		config->ext_mask |= VDPA_EXT_BIT(desc->attr);
	return desc->parse(config, mgmt, attr);
}

/* One that is not there yet is sought among the modules, for the host. */
static int vdpa_nl_parse_driver(struct vdpa_dev_request *request,
				const struct nlattr *attr)
{
	struct netlink_ext_ack *extack = request->config.extack;

	if (!attr)
		return 0;
	nla_strscpy(request->driver, attr, sizeof(request->driver));
	if (!strcmp(request->driver, VDPA_DRIVER_NONE) ||
	    vdpa_driver_exists(request->driver))
		return 0;
	if (request->driver[0] && capable(CAP_NET_ADMIN))
		request_module("vdpa-driver-%s", request->driver);
	if (vdpa_driver_exists(request->driver))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "No such bus driver");
	return -ENODEV;
}

/**
 * vdpa_nl_parse_request - read what a device is to be made with
 * @request: filled in, zeroed but for where to say what is wrong
 * @mgmt: management device that shall make it
 * @info: the request
 *
 * Context: may sleep.
 * Return: 0; -EOPNOTSUPP for what the management device does not do; -EINVAL or
 * -ERANGE for bad values; -ENODEV for a bus driver that does not exist.
 */
int vdpa_nl_parse_request(struct vdpa_dev_request *request,
			  const struct vdpa_mgmt_record *mgmt,
			  struct genl_info *info)
{
	struct vdpa_dev_set_config *config = &request->config;
	const struct vdpa_nl_dev_attr *desc;
	struct nlattr **attrs = info->attrs;
	int err;

	err = vdpa_nl_parse_class(config, mgmt, attrs[VDPA_ATTR_DEV_ID]);
	for_each_vdpa_nl_dev_attr(desc) {
		if (err)
			return err;
		if (desc->add && attrs[desc->attr])
			err = vdpa_nl_parse_one(config, mgmt, &mgmt->add_attrs,
						desc, attrs[desc->attr]);
	}
	/* Parents that know of classes are told, the others are checked on. */
	if (config->device_id)
		config->mask |= BIT_ULL(VDPA_ATTR_DEV_ID) & mgmt->add_attrs.base;
	return err ?: vdpa_nl_parse_driver(request, attrs[VDPA_ATTR_DEV_DRIVER]);
}

/**
 * vdpa_nl_try_request - find all that is wrong with a request for a device
 * @mgmt: management device that is asked
 * @info: the request
 * @refused: is told of each attribute that is refused, and why. Returns 0, or a
 *	negative errno, which ends this.
 * @arg: for @refused
 *
 * Context: any.
 * Return: 0 or what @refused returned.
 */
int vdpa_nl_try_request(const struct vdpa_mgmt_record *mgmt,
			struct genl_info *info, vdpa_nl_verdict_t *refused,
			void *arg)
{
	struct vdpa_dev_set_config config = {};
	const struct vdpa_nl_dev_attr *desc;
	struct netlink_ext_ack extack = {};
	const struct nlattr *attr;
	int err = 0;

	config.extack = &extack;
	attr = info->attrs[VDPA_ATTR_DEV_ID];
	if (vdpa_nl_parse_class(&config, mgmt, attr))
		return refused(arg, attr, extack._msg);
	for_each_vdpa_nl_dev_attr(desc) {
		attr = info->attrs[desc->attr];
		if (err)
			return err;
		if (desc->add && attr &&
		    vdpa_nl_parse_one(&config, mgmt, &mgmt->add_attrs, desc,
				      attr))
			err = refused(arg, attr, extack._msg);
	}
	return err;
}

/**
 * vdpa_nl_parse_changes - read what is to be changed of a device
 * @config: filled in, zeroed but for where to say what is wrong
 * @record: the device, of a management device
 * @info: the request
 *
 * What cannot be changed is refused, so that nothing is passed over.
 *
 * Context: any.
 * Return: 0; -EOPNOTSUPP for what cannot be changed; -EINVAL or -ERANGE for bad
 * values, or none.
 */
int vdpa_nl_parse_changes(struct vdpa_dev_set_config *config,
			  const struct vdpa_dev_record *record,
			  struct genl_info *info)
{
	const struct vdpa_mgmt_record *mgmt = record->mgmt;
	const struct vdpa_nl_dev_attr *desc;
	int err = 0;

	config->device_id = record->device_id;
	for_each_vdpa_nl_dev_attr(desc) {
		if (desc->set && info->attrs[desc->attr])
			err = vdpa_nl_parse_one(config, mgmt, &mgmt->set_attrs,
						desc, info->attrs[desc->attr]);
		if (err)
			return err;
	}
	if (config->mask)
		return 0;
	NL_SET_ERR_MSG(config->extack, "No attribute to set");
	return -EINVAL;
}

/**
 * vdpa_nl_put_attr_set - tell a set of attributes
 * @skb: the message
 * @attr: attribute that tells it
 * @set: the set
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE.
 */
int vdpa_nl_put_attr_set(struct sk_buff *skb, u16 attr,
			 const struct vdpa_attr_set *set)
{
	u32 numbers[2 * BITS_PER_TYPE(u64)];
	unsigned int n = 0, bit;

	for (bit = 0; bit < VDPA_ATTR_MAX; bit++)
		if (set->base & BIT_ULL(bit))
			numbers[n++] = bit;
	for (bit = 0; bit < BITS_PER_TYPE(set->ext); bit++)
		if (set->ext & BIT_ULL(bit))
			numbers[n++] = bit + VDPA_ATTR_DEV_STATUS;
	return nla_put(skb, attr, n * sizeof(*numbers), numbers);
}

/**
 * vdpa_nl_put_created - tell what a device was made with
 * @skb: the message
 * @request: that
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE.
 */
int vdpa_nl_put_created(struct sk_buff *skb,
			const struct vdpa_dev_request *request)
{
	const struct vdpa_dev_set_config *config = &request->config;
	const struct vdpa_attr_set set = { config->mask, config->ext_mask };
	const struct vdpa_nl_dev_attr *desc;
	struct nlattr *nest;
	int err = 0;

	nest = nla_nest_start(skb, VDPA_ATTR_DEV_CREATED);
	if (!nest)
		return -EMSGSIZE;
	for_each_vdpa_nl_dev_attr(desc)
		if (!err && desc->show && vdpa_attr_set_has(&set, desc->attr))
			err = desc->show(skb, config);
	if (!err && request->driver[0])
		err = nla_put_string(skb, VDPA_ATTR_DEV_DRIVER, request->driver);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}
