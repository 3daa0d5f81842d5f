// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink operations on devices
 */
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

static int vdpa_nl_dev_put_fixed(struct sk_buff *skb,
				 const struct vdpa_dev_record *record)
{
	if (nla_put_string(skb, VDPA_ATTR_DEV_NAME, record->name))
		return -EMSGSIZE;
	if (record->mgmt && vdpa_nl_mgmtdev_put_handle(skb, record->mgmt))
		return -EMSGSIZE;
	if (nla_put_u32(skb, VDPA_ATTR_DEV_ID, record->device_id) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_VENDOR_ID, record->vendor_id) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_MAX_VQS, record->max_vqs) ||
	    nla_put_u16(skb, VDPA_ATTR_DEV_MAX_VQ_SIZE, record->max_vq_size) ||
	    nla_put_u16(skb, VDPA_ATTR_DEV_MIN_VQ_SIZE, record->min_vq_size) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_GROUPS, record->ngroups) ||
	    nla_put_u32(skb, VDPA_ATTR_DEV_ADDRESS_SPACES, record->nas))
		return -EMSGSIZE;
	return 0;
}

/**
 * vdpa_nl_dev_fixed - what is told of a device and never changes
 * @record: the device
 *
 * Prepared once, as a dump of many devices is mostly this.
 *
 * Context: may sleep.
 * Return: the attributes, to be freed with kfree_rcu(), or NULL.
 */
struct vdpa_nl_attrs *vdpa_nl_dev_fixed(const struct vdpa_dev_record *record)
{
	struct sk_buff *skb = vdpa_nl_message();
	struct vdpa_nl_attrs *attrs = NULL;

	if (!skb)
		return NULL;
	if (!WARN_ON(vdpa_nl_dev_put_fixed(skb, record)))
		attrs = kmalloc(struct_size(attrs, data, skb->len), GFP_KERNEL);
	if (attrs) {
		attrs->len = skb->len;
		memcpy(attrs->data, skb->data, skb->len);
	}
	nlmsg_free(skb);
	return attrs;
}

static u8 vdpa_dev_record_state_locked(const struct vdpa_dev_record *record)
{
	lockdep_assert_held(&record->lock);
	if (record->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return VDPA_STATE_NEEDS_RESET;
	if (record->suspended)
		return VDPA_STATE_SUSPENDED;
	return record->status & VIRTIO_CONFIG_S_DRIVER_OK ? VDPA_STATE_ACTIVE :
							    VDPA_STATE_INACTIVE;
}

/* What the bus driver makes of it */
static int vdpa_nl_dev_put_changing(struct sk_buff *skb,
				    struct vdpa_dev_record *record)
{
	int err;

	spin_lock(&record->lock);
	err = nla_put_u8(skb, VDPA_ATTR_DEV_STATUS, record->status) ?:
	      nla_put_u8(skb, VDPA_ATTR_DEV_STATE,
			 vdpa_dev_record_state_locked(record)) ?:
	      nla_put_u32(skb, VDPA_ATTR_DEV_READY_VQS, record->ready_vqs);
	if (!err && record->driver)
		err = nla_put_string(skb, VDPA_ATTR_DEV_DRIVER, record->driver);
	if (!err && record->driver && record->driver_dev[0])
		err = nla_put_string(skb, VDPA_ATTR_DEV_DRIVER_DEV,
				     record->driver_dev);
	spin_unlock(&record->lock);
	return err;
}

static int vdpa_nl_dev_put_iova(struct sk_buff *skb,
				const struct vdpa_dev_record *record)
{
	if (!record->has_iova)
		return 0;
	return nla_put_u64_64bit(skb, VDPA_ATTR_DEV_IOVA_FIRST,
				 record->iova.first, VDPA_ATTR_PAD) ?:
	       nla_put_u64_64bit(skb, VDPA_ATTR_DEV_IOVA_LAST,
				 record->iova.last, VDPA_ATTR_PAD);
}

static int vdpa_nl_dev_fill(struct sk_buff *skb, const void *arg)
{
	struct vdpa_dev_record *record = (void *)arg;
	const struct vdpa_nl_attrs *attrs;
	int err;

	rcu_read_lock();
	attrs = rcu_dereference(record->attrs);
	err = nla_append(skb, attrs->len, attrs->data);
	rcu_read_unlock();
	return err ?: vdpa_nl_dev_put_changing(skb, record) ?:
	       vdpa_nl_dev_put_iova(skb, record);
}

int vdpa_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = vdpa_nl_message();

	if (!msg)
		return -ENOMEM;
	return vdpa_nl_reply(msg, info, VDPA_CMD_DEV_NEW, vdpa_nl_dev_fill,
			     info->user_ptr[0]);
}

/*
 * Clients take it for granted that a dumped device has a management device,
 * so those without one are left out.
 */
static int vdpa_nl_dev_dump_rcu(struct sk_buff *skb,
				struct netlink_callback *cb, u16 flags,
				const struct vdpa_mgmt_handle *filter)
{
	struct vdpa_nl_dump *dump = (void *)cb->ctx;
	XA_STATE(xas, &vdpa_registry.devs, dump->next);
	struct vdpa_dev_record *record;
	int err;

	xas_for_each(&xas, record, dump->last) {
		if (xas_retry(&xas, record) || !record->mgmt ||
		    !vdpa_nl_dump_fits(record->mgmt, filter))
			continue;
		err = vdpa_nl_dump_one(skb, cb, VDPA_CMD_DEV_NEW, flags,
				       vdpa_nl_dev_fill, record);
		if (err) {
			dump->next = xas.xa_index;
			return err;
		}
	}
	dump->next = dump->last + 1;
	return 0;
}

/**
 * vdpa_nl_dev_dump_check - read which devices a dump is about
 * @cb: the dump
 * @filter: the handle of a management device, or just a bus, or nothing
 * @flags: NLM_F_* for the messages
 *
 * Context: any.
 * Return: 0; -EINVAL; -ENODEV if there is no such management device. One that
 * leaves under way just has no more.
 */
int vdpa_nl_dev_dump_check(struct netlink_callback *cb,
			   struct vdpa_mgmt_handle *filter, u16 *flags)
{
	const struct genl_info *info = genl_info_dump(cb);
	const struct vdpa_nl_dump *dump = (void *)cb->ctx;
	bool found = true;
	int err;

	err = vdpa_nl_check_once(info);
	if (err)
		return err;
	*flags = vdpa_nl_dump_filter(info->attrs, filter) ?
		 NLM_F_DUMP_FILTERED : 0;
	if (!dump->last && filter->dev_name) {
		rcu_read_lock();
		found = vdpa_mgmt_record_find_rcu(filter);
		rcu_read_unlock();
	}
	if (found)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, info->attrs[VDPA_ATTR_MGMTDEV_DEV_NAME],
			    "No such management device");
	return -ENODEV;
}

int vdpa_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vdpa_mgmt_handle filter;
	u16 flags;
	int err;

	err = vdpa_nl_dev_dump_check(cb, &filter, &flags);
	if (err)
		return err;
	rcu_read_lock();
	vdpa_nl_dump_begin(cb);
	err = vdpa_nl_dev_dump_rcu(skb, cb, flags, &filter);
	vdpa_nl_dump_end(cb);
	rcu_read_unlock();
	return err;
}

void vdpa_nl_dev_notify_locked(u8 cmd, const struct vdpa_dev_record *record)
{
	vdpa_nl_notify_locked(cmd, vdpa_nl_dev_fill, record);
}

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

/**
 * struct vdpa_nl_dev_attr - an attribute that a device can be made with
 * @attr: its number
 * @class: virtio device id of the one class that has it, 0 for all
 * @settable: it can be changed later, if the management device can
 * @parse: checks it and puts it into the configuration
 */
struct vdpa_nl_dev_attr {
	u16 attr;
	u32 class;
	bool settable;
	int (*parse)(struct vdpa_dev_set_config *config,
		     const struct vdpa_mgmt_record *mgmt,
		     const struct nlattr *attr);
};

static const struct vdpa_nl_dev_attr vdpa_nl_dev_attrs[] = {
	{ VDPA_ATTR_DEV_FEATURES, 0, false, vdpa_nl_parse_features },
	{ VDPA_ATTR_DEV_NET_CFG_MACADDR, VIRTIO_ID_NET, true, vdpa_nl_parse_mac },
	{ VDPA_ATTR_DEV_NET_CFG_MTU, VIRTIO_ID_NET, true, vdpa_nl_parse_mtu },
	{ VDPA_ATTR_DEV_NET_CFG_MAX_VQP, VIRTIO_ID_NET, true,
	  vdpa_nl_parse_max_vqp },
	{ VDPA_ATTR_DEV_NET_STATUS, VIRTIO_ID_NET, true, vdpa_nl_parse_link },
};

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
			     const struct vdpa_mgmt_record *mgmt, u64 mask,
			     const struct vdpa_nl_dev_attr *desc,
			     const struct nlattr *attr)
{
	if (!(mask & BIT_ULL(desc->attr))) {
		NL_SET_ERR_MSG_ATTR(config->extack, attr,
				    "Attribute is not supported by the management device");
		return -EOPNOTSUPP;
	}
	if (!vdpa_nl_class_fits(config, mgmt, desc->class)) {
		NL_SET_ERR_MSG_ATTR(config->extack, attr,
				    "Attribute is for class net only");
		return -EOPNOTSUPP;
	}
	config->mask |= BIT_ULL(desc->attr);
	return desc->parse(config, mgmt, attr);
}

static int vdpa_nl_parse_config(struct vdpa_dev_set_config *config,
				const struct vdpa_mgmt_record *mgmt,
				struct nlattr **attrs)
{
	const struct vdpa_nl_dev_attr *desc = vdpa_nl_dev_attrs;
	const struct vdpa_nl_dev_attr *end =
		desc + ARRAY_SIZE(vdpa_nl_dev_attrs);
	int err;

	err = vdpa_nl_parse_class(config, mgmt, attrs[VDPA_ATTR_DEV_ID]);
	for (; !err && desc < end; desc++)
		if (attrs[desc->attr])
			err = vdpa_nl_parse_one(config, mgmt,
						mgmt->config_attr_mask, desc,
						attrs[desc->attr]);
	/* Parents that know of classes are told, the others are checked on. */
	if (config->device_id)
		config->mask |= BIT_ULL(VDPA_ATTR_DEV_ID) & mgmt->config_attr_mask;
	return err;
}

static struct vdpa_dev_record *vdpa_nl_dev_reserve(struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[VDPA_ATTR_DEV_NAME];
	struct vdpa_dev_record *record;
	const char *wrong;

	if (!attr)
		return vdpa_dev_record_reserve(NULL);

	wrong = vdpa_dev_name_check(nla_data(attr));
	if (wrong) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "%s", wrong);
		return ERR_PTR(-EINVAL);
	}
	record = vdpa_dev_record_reserve(nla_data(attr));
	if (record == ERR_PTR(-EEXIST))
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "Device name is taken");
	return record;
}

static int vdpa_nl_dev_add(struct genl_info *info,
			   struct vdpa_dev_record *record,
			   const struct vdpa_dev_set_config *config)
{
	struct sk_buff *msg = NULL;
	int err;

	/* Nothing may fail any more once the device is there. */
	if (info->nlhdr->nlmsg_flags & NLM_F_ECHO) {
		msg = vdpa_nl_message();
		if (!msg) {
			vdpa_dev_record_release(record);
			return -ENOMEM;
		}
	}

	err = vdpa_mgmt_add_device(info->user_ptr[0], record, config);
	if (err) {
		if (record->refused_attr)
			NL_SET_BAD_ATTR(info->extack,
					info->attrs[record->refused_attr]);
		nlmsg_free(msg);
		return err;
	}
	if (!msg)
		return 0;
	return vdpa_nl_reply(msg, info, VDPA_CMD_DEV_NEW, vdpa_nl_dev_fill,
			     record);
}

int vdpa_nl_dev_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_dev_set_config config = { .extack = info->extack };
	struct vdpa_dev_record *record;
	int err;

	err = vdpa_nl_parse_config(&config, info->user_ptr[0], info->attrs);
	if (err)
		return err;
	record = vdpa_nl_dev_reserve(info);
	if (IS_ERR(record))
		return PTR_ERR(record);
	err = vdpa_nl_dev_add(info, record, &config);
	vdpa_dev_record_put(record);
	return err;
}

int vdpa_nl_dev_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = vdpa_mgmt_del_device(info->user_ptr[0], info->extack);

	if (err)
		NL_SET_BAD_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME]);
	return err;
}

/* What cannot be changed is refused, so that nothing is passed over. */
static int vdpa_nl_parse_set(struct vdpa_dev_set_config *config,
			     const struct vdpa_dev_record *record,
			     struct nlattr **attrs)
{
	const struct vdpa_mgmt_record *mgmt = record->mgmt;
	unsigned int i;
	int err = 0;

	config->device_id = record->device_id;
	for (i = 0; !err && i < ARRAY_SIZE(vdpa_nl_dev_attrs); i++) {
		const struct vdpa_nl_dev_attr *desc = &vdpa_nl_dev_attrs[i];

		if (desc->settable && attrs[desc->attr])
			err = vdpa_nl_parse_one(config, mgmt,
						mgmt->set_attr_mask, desc,
						attrs[desc->attr]);
	}
	if (!err && !config->mask) {
		NL_SET_ERR_MSG(config->extack, "No attribute to set");
		err = -EINVAL;
	}
	return err;
}

int vdpa_nl_dev_attr_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_dev_set_config config = { .extack = info->extack };
	struct vdpa_dev_record *record = info->user_ptr[0];
	int err;

	if (!record->mgmt || !record->mgmt->set_attr_mask) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME],
				    "Device cannot be changed");
		return -EOPNOTSUPP;
	}
	err = vdpa_nl_parse_set(&config, record, info->attrs);
	if (err)
		return err;
	return vdpa_mgmt_set_device(record, &config);
}
