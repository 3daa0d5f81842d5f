// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa dev: vdpa devices
 */

#include <string.h>

#include "vdpa.h"

void show_state(struct out *out, const struct field *field, const struct msg *msg)
{
	static const char *const names[] = {
		[VDPA_STATE_INACTIVE] = "inactive",
		[VDPA_STATE_ACTIVE] = "active",
		[VDPA_STATE_SUSPENDED] = "suspended",
		[VDPA_STATE_NEEDS_RESET] = "needs_reset",
	};
	const struct nlattr *attr = msg_attr(msg, field->attr);
	char number[16];
	uint8_t state;

	if (!attr)
		return;
	state = mnl_attr_get_u8(attr);
	snprintf(number, sizeof(number), "state_%u", state);
	out_str(out, field->key, state < ARRAY_SIZE(names) ? names[state] : number);
}

/* By the words it was, or could have been, created with */
static const struct field created_fields[] = {
	{ VDPA_ATTR_DEV_NET_CFG_MACADDR, "mac", show_mac, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NET_CFG_MTU, "mtu", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NET_CFG_MAX_VQP, "max_vqp", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NET_VLAN, "vlan", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_CFG_CAPACITY, "capacity", show_u64, VIEW_SHOW },
	{ VDPA_ATTR_DEV_BLK_READ_ONLY, "read_only", show_bool, VIEW_SHOW },
	{ VDPA_ATTR_DEV_DRIVER, "driver", show_str, VIEW_SHOW },
	{ 0 }
};

static void show_created(struct out *out, const struct field *field,
			 const struct msg *msg)
{
	const struct nlattr *nest = msg_attr(msg, field->attr);
	struct msg created;

	if (!nest)
		return;
	msg_nested(nest, &created);
	out_group(out, field->key);
	fields_show(out, created_fields, &created, VIEW_SHOW);
	if (msg_attr(&created, VDPA_ATTR_DEV_FEATURES))
		out_features(out, "device_features", msg_classes(msg),
			     msg_u64(&created, VDPA_ATTR_DEV_FEATURES));
	out_group_end(out);
}

const struct field dev_fields[] = {
	{ VDPA_ATTR_DEV_ID, "type", show_type, VIEW_SHOW },
	{ VDPA_ATTR_MGMTDEV_DEV_NAME, "mgmtdev", show_handle, VIEW_SHOW },
	{ VDPA_ATTR_DEV_VENDOR_ID, "vendor_id", show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_MAX_VQS, "max_vqs", show_u32, VIEW_SHOW },
	{ VDPA_ATTR_DEV_MAX_VQ_SIZE, "max_vq_size", show_u16, VIEW_SHOW },
	{ VDPA_ATTR_DEV_MIN_VQ_SIZE, "min_vq_size", show_u16, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_DRIVER, "driver", show_driver, VIEW_DETAILS | VIEW_CHANGE },
	{ VDPA_ATTR_DEV_STATUS, "status", show_u8_hex, VIEW_DETAILS | VIEW_CHANGE },
	{ VDPA_ATTR_DEV_DRIVER_DEV, "driver_dev", show_str, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_STATE, "state", show_state, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_READY_VQS, "ready_vqs", show_u32, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_GROUPS, "groups", show_u32, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_ADDRESS_SPACES, "address_spaces", show_u32, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_IOVA_FIRST, "iova_first", show_u64_hex, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_IOVA_LAST, "iova_last", show_u64_hex, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_CREATED, "created", show_created, VIEW_DETAILS },
	{ 0 }
};

static bool dev_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct out *out = &vdpa->out;

	if (!name)
		return false;
	out_object(out, mnl_attr_get_str(name), OUT_LINE);
	fields_show(out, dev_fields, msg,
		    vdpa->details ? VIEW_DETAILS : VIEW_NORMAL);
	if (data)
		totals_show(out, data, mnl_attr_get_str(name));
	out_object_end(out);
	return true;
}

static int dev_show(struct vdpa *vdpa, struct req *req)
{
	struct totals totals = { NULL };
	int ret = EXIT_OK;

	if (vdpa->statistics)
		ret = totals_load(vdpa, req, &totals);
	if (ret == EXIT_OK)
		ret = show_with(vdpa, req, "dev", VDPA_ATTR_DEV_NAME, dev_print,
				NULL, vdpa->statistics ? &totals : NULL);
	totals_free(&totals);
	return ret;
}

/* A kernel that does not echo what it made is asked for it by name */
static int dev_show_made(struct vdpa *vdpa, const char *name)
{
	static const struct cmd get = {
		.genl_cmd = VDPA_CMD_DEV_GET,
		.doing = "show the new device",
		.subject = VDPA_ATTR_DEV_NAME,
	};
	struct req req;
	int ret;

	req_init(&req, &get, get.genl_cmd);
	req_put_strn(&req, VDPA_ATTR_DEV_NAME, name, strlen(name), name);
	ret = genl_request(vdpa, &req, dev_print, NULL);
	if (ret != EXIT_OK)
		hint("The device was added, but cannot be shown");
	return ret;
}

/*
 * Silent when the user chose the name; otherwise, or where a JSON document is
 * expected anyway, the new device is shown.
 */
static int dev_add(struct vdpa *vdpa, struct req *req)
{
	const char *name = req_word(req, VDPA_ATTR_DEV_NAME);
	struct out *out = &vdpa->out;
	int ret = profile_put_new(req);

	if (ret == EXIT_OK)
		ret = request_check(vdpa, req, " that it creates");
	if (ret == EXIT_OK)
		ret = features_put_new(vdpa, req);
	if (ret)
		return ret;
	req->nlh->nlmsg_flags |= NLM_F_ACK;
	if (!name || out->json)
		req->nlh->nlmsg_flags |= NLM_F_ECHO;

	out_begin(out, "dev");
	ret = genl_request(vdpa, req, dev_print, NULL);
	if (ret != EXIT_OK && !name && genl_is_mainline(&vdpa->genl))
		hint("This kernel cannot choose a name; give one: name NAME");
	if (ret == EXIT_OK && !out->objects && out->json && name)
		ret = dev_show_made(vdpa, name);
	if (ret == EXIT_OK)
		return out_end(out);
	out_discard(out);
	return ret;
}

static int dev_del(struct vdpa *vdpa, struct req *req)
{
	return request_silent(vdpa, req, "dev");
}

int dev_set(struct vdpa *vdpa, struct req *req)
{
	int ret = request_check(vdpa, req, ", only mac");

	if (ret == EXIT_OK)
		ret = features_put_change(vdpa, req);
	return ret ? ret : request_silent(vdpa, req, "dev");
}

static const struct arg dev_show_args[] = {
	{ "name", "NAME", "only this one",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST, .parse = parse_string },
	{ NULL }
};

const struct arg dev_add_args[] = {
	{ "name", "NAME", "of the new device; without, the kernel picks the first free vdpaN",
	  VDPA_ATTR_DEV_NAME, ARG_SHORT, .parse = parse_string },
	{ "mgmtdev", "MGMTDEV", "what creates it: BUS/NAME or NAME",
	  VDPA_ATTR_MGMTDEV_DEV_NAME, ARG_FIRST | ARG_REQUIRED | ARG_SHORT,
	  .parse = parse_handle },
	{ "type", "CLASS", "net, block ... or a virtio device id",
	  VDPA_ATTR_DEV_ID, .parse = parse_class },
	{ "mac", "LLADDR", "MAC address",
	  VDPA_ATTR_DEV_NET_CFG_MACADDR, .parse = parse_mac },
	{ "mtu", "MTU", "in bytes",
	  VDPA_ATTR_DEV_NET_CFG_MTU, .parse = parse_u16 },
	{ "max_vqp", "N", "most queue pairs",
	  VDPA_ATTR_DEV_NET_CFG_MAX_VQP, ARG_SHORT, .parse = parse_u16 },
	{ "device_features", "FEATURES", "NAME,.. to offer; +NAME,-NAME: more and less than all; or a mask",
	  VDPA_ATTR_DEV_FEATURES, .parse = parse_features },
	{ "vlan", "ID", "VLAN of its frames",
	  VDPA_ATTR_DEV_NET_VLAN, ARG_OURS, .parse = parse_vlan },
	{ "capacity", "SIZE", "in sectors of 512 bytes, or with K, M, G or T",
	  VDPA_ATTR_DEV_BLK_CFG_CAPACITY, ARG_OURS, .parse = parse_capacity },
	{ "read_only", "on|off", "whether it cannot be written to",
	  VDPA_ATTR_DEV_BLK_READ_ONLY, ARG_OURS, .parse = parse_switch },
	{ "driver", "NAME", "bus driver that shall take it; none: no one shall",
	  VDPA_ATTR_DEV_DRIVER, ARG_OURS, .parse = parse_string },
	{ "profile", "FILE", "what was not given, from there; -: standard input",
	  .parse = parse_profile },
	{ NULL }
};

static const struct arg dev_del_args[] = {
	{ "name", "NAME", "the device to delete",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST | ARG_REQUIRED, .parse = parse_string },
	{ NULL }
};

const struct arg dev_set_args[] = {
	{ "name", "NAME", "the device to change",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST | ARG_REQUIRED, .parse = parse_string },
	{ "mac", "LLADDR", "MAC address",
	  VDPA_ATTR_DEV_NET_CFG_MACADDR, ARG_ONE_OF, .parse = parse_mac },
	{ "mtu", "MTU", "in bytes",
	  VDPA_ATTR_DEV_NET_CFG_MTU, ARG_ONE_OF | ARG_OURS, .parse = parse_u16 },
	{ "link", "up|down", "status of the link",
	  VDPA_ATTR_DEV_NET_STATUS, ARG_ONE_OF | ARG_OURS, .parse = parse_link },
	{ "max_vqp", "N", "most queue pairs",
	  VDPA_ATTR_DEV_NET_CFG_MAX_VQP, ARG_ONE_OF | ARG_OURS, .parse = parse_u16 },
	{ "device_features", "FEATURES", "NAME,.. to offer; +NAME,-NAME: more and less than now; or a mask",
	  VDPA_ATTR_DEV_FEATURES, ARG_ONE_OF | ARG_OURS, .parse = parse_features },
	{ "vlan", "ID", "VLAN of its frames",
	  VDPA_ATTR_DEV_NET_VLAN, ARG_ONE_OF | ARG_OURS, .parse = parse_vlan },
	{ "capacity", "SIZE", "in sectors of 512 bytes, or with K, M, G or T",
	  VDPA_ATTR_DEV_BLK_CFG_CAPACITY, ARG_ONE_OF | ARG_OURS,
	  .parse = parse_capacity },
	{ "read_only", "on|off", "whether it cannot be written to",
	  VDPA_ATTR_DEV_BLK_READ_ONLY, ARG_ONE_OF | ARG_OURS,
	  .parse = parse_switch },
	{ "driver", "NAME", "bus driver that shall take it; none: no one shall",
	  VDPA_ATTR_DEV_DRIVER, ARG_ONE_OF | ARG_OURS, .parse = parse_string },
	{ NULL }
};

const struct cmd dev_cmds[] = {
	{ "show", "list", true, "devices",
	  .args = dev_show_args, .genl_cmd = VDPA_CMD_DEV_GET,
	  .doing = "show device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_show },
	{ "add", NULL, true, "create a device",
	  .args = dev_add_args, .genl_cmd = VDPA_CMD_DEV_NEW,
	  .doing = "add device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_add },
	{ "del", NULL, true, "delete a device",
	  .args = dev_del_args, .genl_cmd = VDPA_CMD_DEV_DEL,
	  .doing = "delete device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_del },
	{ "set", .help = "change a device while it is used",
	  .args = dev_set_args, .genl_cmd = VDPA_CMD_DEV_ATTR_SET,
	  .doing = "change device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_set },
	{ "config", NULL, true, "what drivers see of devices", .sub = config_cmds },
	{ "features", .help = "features by their names", .sub = features_cmds },
	{ "stats", .help = "what went through queues", .sub = stats_cmds },
	{ "queue", .help = "state of queues", .sub = queue_cmds },
	{ "profile", .help = "what devices are like", .sub = profile_cmds },
	{ "vstats", .help = "statistics of a queue, as its vendor counts", .sub = vstats_cmds },
	{ NULL }
};
