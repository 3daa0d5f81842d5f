// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa dev config: configuration space of devices
 */

#include <linux/virtio_net.h>

#include "vdpa.h"

static void show_link(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_str(out, field->key, mnl_attr_get_u16(attr) &
			VIRTIO_NET_S_LINK_UP ? "up" : "down");
}

static void show_announce(struct out *out, const struct field *field,
			  const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_bool(out, field->key,
			 mnl_attr_get_u16(attr) & VIRTIO_NET_S_ANNOUNCE);
}

/* A device has the fields of its own class only */
static const struct field config_fields[] = {
	{ VDPA_ATTR_DEV_NET_CFG_MACADDR, "mac", show_mac, VIEW_SHOW },
	/* scripts know these two by iproute2's keys */
	{ VDPA_ATTR_DEV_NET_STATUS, "link ", show_link, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NET_STATUS, "link_announce ", show_announce, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NET_CFG_MAX_VQP, "max_vq_pairs", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NET_CFG_MTU, "mtu", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_CAPACITY, "capacity", show_u64, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_SIZE_MAX, "size_max", show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_SEG_MAX, "seg_max", show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_BLK_SIZE, "blk_size", show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_NUM_QUEUES, "num_queues", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_PHY_BLK_EXP, "phy_blk_exp", show_u8, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_ALIGN_OFFSET, "align_offset", show_u8, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_MIN_IO_SIZE, "min_io_size", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_OPT_IO_SIZE, "opt_io_size", show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEC, "max_discard_sec", show_u32,
	  VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEG, "max_discard_seg", show_u32,
	  VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_DISCARD_SEC_ALIGN, "discard_sec_align", show_u32,
	  VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC, "max_write_zeroes_sec",
	  show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG, "max_write_zeroes_seg",
	  show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_READ_ONLY, "read_only", show_bool, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_FLUSH, "flush", show_bool, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NEGOTIATED_FEATURES, "negotiated_features",
	  show_features, VIEW_SHOW },
	{ VDPA_ATTR_DEV_FEATURES, "device_features", show_features, VIEW_DETAILS },
	{ 0 }
};

static bool config_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct out *out = &vdpa->out;

	(void)data;
	if (!name)
		return false;
	out_object(out, mnl_attr_get_str(name), OUT_SPACED);
	fields_show(out, config_fields, msg,
		    vdpa->details ? VIEW_DETAILS : VIEW_NORMAL);
	out_object_end(out);
	return true;
}

static int config_show(struct vdpa *vdpa, struct req *req)
{
	return show(vdpa, req, "config", VDPA_ATTR_DEV_NAME, config_print);
}

static const struct arg config_show_args[] = {
	{ "name", "NAME", "only of this device",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST, .parse = parse_string },
	{ NULL }
};

const struct cmd config_cmds[] = {
	{ "show", "list", true, "configuration of devices and features negotiated",
	  .args = config_show_args, .genl_cmd = VDPA_CMD_DEV_CONFIG_GET,
	  .doing = "show configuration of device",
	  .subject = VDPA_ATTR_DEV_NAME, .run = config_show },
	{ NULL }
};
