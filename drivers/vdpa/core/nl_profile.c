// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink operations on profiles: what a device is like for whoever uses it,
 * and whether a management device could make another one like it
 *
 * For guests that move: a device with the profile can take over. It may be able
 * to do more, if what is more can be left out.
 */
#include <net/genetlink.h>

#include <uapi/linux/virtio_ids.h>

#include "vdpa_internal.h"

static int vdpa_nl_profile_put(struct sk_buff *skb,
			       const struct vdpa_dev_record *record)
{
	const struct vdpa_dev_request *created = record->created;
	int err;

	err = nla_put_u32(skb, VDPA_ATTR_PROFILE_VERSION,
			  VDPA_PROFILE_VERSION) ?:
	      nla_put_u32(skb, VDPA_ATTR_DEV_MAX_VQS, record->max_vqs) ?:
	      nla_put_u16(skb, VDPA_ATTR_DEV_MAX_VQ_SIZE,
			  record->max_vq_size) ?:
	      nla_put_u16(skb, VDPA_ATTR_DEV_MIN_VQ_SIZE,
			  record->min_vq_size) ?:
	      nla_put_u32(skb, VDPA_ATTR_DEV_GROUPS, record->ngroups) ?:
	      nla_put_u32(skb, VDPA_ATTR_DEV_ADDRESS_SPACES, record->nas) ?:
	      vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_BACKEND_FEATURES,
			      record->backend_features);
	if (!err && record->has_iova)
		err = vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_IOVA_FIRST,
				      record->iova.first) ?:
		      vdpa_nl_put_u64(skb, VDPA_ATTR_DEV_IOVA_LAST,
				      record->iova.last);
	if (!err && created &&
	    created->config.ext_mask & VDPA_EXT_BIT(VDPA_ATTR_DEV_NET_VLAN))
		err = nla_put_u16(skb, VDPA_ATTR_DEV_NET_VLAN,
				  created->config.net.vlan);
	return err;
}

static int vdpa_nl_profile_fill(struct sk_buff *skb, const void *record)
{
	return vdpa_nl_config_fill(skb, record) ?:
	       vdpa_nl_profile_put(skb, record);
}

int vdpa_nl_dev_profile_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = vdpa_nl_message();
	int err;

	if (!msg)
		return -ENOMEM;
	err = vdpa_nl_reply(msg, info, VDPA_CMD_DEV_PROFILE_GET,
			    vdpa_nl_profile_fill, info->user_ptr[0]);
	if (err == -ENODEV)
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[VDPA_ATTR_DEV_NAME],
				    "No such device");
	return err;
}

static int vdpa_nl_profile_dump_one(struct sk_buff *skb,
				    struct netlink_callback *cb, u16 flags,
				    struct vdpa_dev_record *record)
{
	int err;

	err = vdpa_nl_dump_one(skb, cb, VDPA_CMD_DEV_PROFILE_GET, flags,
			       vdpa_nl_profile_fill, record);
	return err == -ENODEV ? 0 : err;
}

int vdpa_nl_dev_profile_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	return vdpa_nl_dump_devs(skb, cb, vdpa_nl_profile_dump_one);
}

/**
 * struct vdpa_nl_check - a check under way
 * @skb: the reply
 * @mgmt: management device that is asked
 * @info: the request
 */
struct vdpa_nl_check {
	struct sk_buff *skb;
	const struct vdpa_mgmt_record *mgmt;
	struct genl_info *info;
};

static int vdpa_nl_check_put(struct vdpa_nl_check *check, u16 attr,
			     const char *text, const u64 *wanted, u64 available)
{
	struct sk_buff *skb = check->skb;
	struct nlattr *nest;
	int err;

	nest = nla_nest_start(skb, VDPA_ATTR_CHECK_REASON);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, VDPA_REASON_ATTR_ATTR, attr) ?:
	      nla_put_string(skb, VDPA_REASON_ATTR_TEXT, text);
	if (!err && wanted)
		err = vdpa_nl_put_u64(skb, VDPA_REASON_ATTR_WANTED, *wanted) ?:
		      vdpa_nl_put_u64(skb, VDPA_REASON_ATTR_AVAILABLE,
				      available);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

/* An attribute that the management device would refuse */
static int vdpa_nl_check_refused(void *arg, const struct nlattr *attr,
				 const char *text)
{
	struct vdpa_nl_check *check = arg;
	u64 wanted;

	if (nla_type(attr) != VDPA_ATTR_DEV_FEATURES)
		return vdpa_nl_check_put(check, nla_type(attr), text, NULL, 0);
	wanted = nla_get_u64(attr);
	return vdpa_nl_check_put(check, nla_type(attr), text, &wanted,
				 check->mgmt->supported_features);
}

/* A number of a profile, of 16 or 32 bits; without it, 0 */
static u32 vdpa_nl_check_number(const struct vdpa_nl_check *check, u16 attr)
{
	const struct nlattr *nla = check->info->attrs[attr];

	if (!nla)
		return 0;
	return nla_len(nla) == sizeof(u16) ? nla_get_u16(nla) : nla_get_u32(nla);
}

/* Such a number may be too large; at @most 0 nobody knows. */
static int vdpa_nl_check_most(struct vdpa_nl_check *check, u16 attr, u32 most,
			      const char *text)
{
	u64 wanted = vdpa_nl_check_number(check, attr);

	if (!most || wanted <= most)
		return 0;
	return vdpa_nl_check_put(check, attr, text, &wanted, most);
}

static int vdpa_nl_check_shape(struct vdpa_nl_check *check)
{
	const struct vdpa_mgmt_record *mgmt = check->mgmt;
	const struct {
		u16 attr;
		u32 most;
		const char *text;
	} limits[] = {
		{ VDPA_ATTR_PROFILE_VERSION, VDPA_PROFILE_VERSION,
		  "Profile is of a version not known here" },
		{ VDPA_ATTR_DEV_MAX_VQS, mgmt->max_supported_vqs,
		  "Devices have fewer queues" },
		{ VDPA_ATTR_DEV_MAX_VQ_SIZE, mgmt->max_vq_size,
		  "Devices have smaller queues" },
		{ VDPA_ATTR_DEV_GROUPS, mgmt->ngroups,
		  "Devices have fewer groups" },
		{ VDPA_ATTR_DEV_ADDRESS_SPACES, mgmt->nas,
		  "Devices have fewer address spaces" },
	};
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(limits); i++)
		err = vdpa_nl_check_most(check, limits[i].attr, limits[i].most,
					 limits[i].text);
	return err;
}

static u64 vdpa_nl_check_memory(const struct vdpa_nl_check *check)
{
	const struct nlattr *nla =
		check->info->attrs[VDPA_ATTR_DEV_BLK_CFG_CAPACITY];
	u64 bytes;

	if (!nla)
		return 0;
	if (check_mul_overflow(nla_get_u64(nla), (u64)SECTOR_SIZE, &bytes))
		return U64_MAX;
	return bytes;
}

static int vdpa_nl_check_resources(struct vdpa_nl_check *check)
{
	u32 class = vdpa_nl_check_number(check, VDPA_ATTR_DEV_ID);
	u32 vqs = vdpa_nl_check_number(check, VDPA_ATTR_DEV_MAX_VQS);
	const u64 wanted[VDPA_NUM_RESOURCES] = {
		[VDPA_RESOURCE_DEVICES] = 1,
		[VDPA_RESOURCE_QUEUES] = vqs,
		[VDPA_RESOURCE_QUEUE_PAIRS] = class == VIRTIO_ID_NET ? vqs / 2 :
								       0,
		[VDPA_RESOURCE_MEMORY] = vdpa_nl_check_memory(check),
	};
	unsigned int i;
	char text[48];
	int err = 0;
	u64 left;

	for (i = 0; !err && i < VDPA_NUM_RESOURCES; i++) {
		if (vdpa_resource_left(check->mgmt, i, wanted[i], &left))
			continue;
		snprintf(text, sizeof(text), "Not enough %s left",
			 vdpa_resource_name(i));
		err = vdpa_nl_check_put(check, VDPA_ATTR_MGMTDEV_RESOURCE, text,
					&wanted[i], left);
	}
	return err;
}

static int vdpa_nl_check_fill(struct vdpa_nl_check *check)
{
	return vdpa_nl_mgmtdev_put_handle(check->skb, check->mgmt) ?:
	       vdpa_nl_try_request(check->mgmt, check->info,
				   vdpa_nl_check_refused, check) ?:
	       vdpa_nl_check_shape(check) ?:
	       vdpa_nl_check_resources(check);
}

/* Nothing is set aside: somebody else may be faster. */
int vdpa_nl_mgmtdev_check_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vdpa_nl_check check = {
		.mgmt = info->user_ptr[0],
		.info = info,
	};
	void *hdr;
	int err;

	if (!info->attrs[VDPA_ATTR_DEV_ID]) {
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, VDPA_ATTR_DEV_ID);
		GENL_SET_ERR_MSG(info, "Class not given");
		return -EINVAL;
	}
	check.skb = vdpa_nl_message();
	if (!check.skb)
		return -ENOMEM;
	hdr = genlmsg_put_reply(check.skb, info, &vdpa_nl_family, 0,
				VDPA_CMD_MGMTDEV_CHECK);
	err = hdr ? vdpa_nl_check_fill(&check) : -EMSGSIZE;
	if (err) {
		nlmsg_free(check.skb);
		return err;
	}
	genlmsg_end(check.skb, hdr);
	return genlmsg_reply(check.skb, info);
}
