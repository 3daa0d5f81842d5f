// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa dev: vdpa devices
 */

#include <string.h>

#include "vdpa.h"

const struct field dev_fields[] = {
	{ VDPA_ATTR_DEV_ID, "type", show_type, VIEW_NORMAL | VIEW_DETAILS },
	{ VDPA_ATTR_MGMTDEV_DEV_NAME, "mgmtdev", show_handle,
	  VIEW_NORMAL | VIEW_DETAILS },
	{ VDPA_ATTR_DEV_VENDOR_ID, "vendor_id", show_u32,
	  VIEW_NORMAL | VIEW_DETAILS },
	{ VDPA_ATTR_DEV_MAX_VQS, "max_vqs", show_u32, VIEW_NORMAL | VIEW_DETAILS },
	{ VDPA_ATTR_DEV_MAX_VQ_SIZE, "max_vq_size", show_u16,
	  VIEW_NORMAL | VIEW_DETAILS },
	{ VDPA_ATTR_DEV_MIN_VQ_SIZE, "min_vq_size", show_u16, VIEW_DETAILS },
	{ VDPA_ATTR_DEV_DRIVER, "driver", show_driver, VIEW_DETAILS | VIEW_CHANGE },
	{ VDPA_ATTR_DEV_STATUS, "status", show_u8_hex, VIEW_DETAILS | VIEW_CHANGE },
	{ 0 }
};

static bool dev_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct out *out = &vdpa->out;

	(void)data;
	if (!name)
		return false;
	out_object(out, mnl_attr_get_str(name), OUT_LINE);
	fields_show(out, dev_fields, msg,
		    vdpa->details ? VIEW_DETAILS : VIEW_NORMAL);
	out_object_end(out);
	return true;
}

static int dev_show(struct vdpa *vdpa, struct req *req)
{
	return show(vdpa, req, "dev", VDPA_ATTR_DEV_NAME, dev_print);
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
	int ret = features_put_new(vdpa, req);

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

/* What the kernel may tell besides that it was done */
static bool dev_ignore(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	(void)vdpa;
	(void)msg;
	(void)data;
	return true;
}

/* Silent; where a JSON document is expected it is one without devices */
static int dev_request(struct vdpa *vdpa, struct req *req)
{
	struct out *out = &vdpa->out;
	int ret;

	req->nlh->nlmsg_flags |= NLM_F_ACK;
	ret = genl_request(vdpa, req, dev_ignore, NULL);
	if (ret != EXIT_OK)
		return ret;
	out_begin(out, "dev");
	return out_end(out);
}

/* The kernel of Linux 6.12 would let the rest pass without doing anything */
static int dev_set_check(const struct genl *genl, const struct req *req)
{
	const struct arg *arg;
	const char *word;

	for (arg = req->cmd->args; genl_is_mainline(genl) && arg->key; arg++) {
		word = req_word(req, arg->attr);
		if (arg->attr == VDPA_ATTR_DEV_FEATURES && req->features)
			word = req->features;
		if (!word || !(arg->flags & ARG_ONE_OF) ||
		    arg->attr == VDPA_ATTR_DEV_NET_CFG_MACADDR)
			continue;
		error("\"%s\": this kernel cannot set %s of a device, only mac",
		      word, arg->key);
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}

int dev_set(struct vdpa *vdpa, struct req *req)
{
	int ret = genl_open(vdpa);

	if (ret == EXIT_OK)
		ret = dev_set_check(&vdpa->genl, req);
	if (ret == EXIT_OK)
		ret = features_put_change(vdpa, req);
	return ret ? ret : dev_request(vdpa, req);
}

static const struct arg dev_show_args[] = {
	{ "name", "NAME", "only this one",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST, .parse = parse_string },
	{ NULL }
};

static const struct arg dev_add_args[] = {
	{ "name", "NAME", "of the new device; without, the kernel picks the first free vdpaN",
	  VDPA_ATTR_DEV_NAME, .parse = parse_string },
	{ "mgmtdev", "MGMTDEV", "what creates it: BUS/NAME or NAME",
	  VDPA_ATTR_MGMTDEV_DEV_NAME, ARG_FIRST | ARG_REQUIRED,
	  .parse = parse_handle },
	{ "type", "CLASS", "net, block ... or a virtio device id",
	  VDPA_ATTR_DEV_ID, .parse = parse_class },
	{ "mac", "LLADDR", "MAC address",
	  VDPA_ATTR_DEV_NET_CFG_MACADDR, .parse = parse_mac },
	{ "mtu", "MTU", "in bytes",
	  VDPA_ATTR_DEV_NET_CFG_MTU, .parse = parse_u16 },
	{ "max_vqp", "N", "most queue pairs",
	  VDPA_ATTR_DEV_NET_CFG_MAX_VQP, .parse = parse_u16 },
	{ "device_features", "FEATURES", "NAME,.. to offer; +NAME,-NAME: more and less than all; or a mask",
	  VDPA_ATTR_DEV_FEATURES, .parse = parse_features },
	{ NULL }
};

static const struct arg dev_del_args[] = {
	{ "name", "NAME", "the device to delete",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST | ARG_REQUIRED, .parse = parse_string },
	{ NULL }
};

static const struct arg dev_set_args[] = {
	{ "name", "NAME", "the device to change",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST | ARG_REQUIRED, .parse = parse_string },
	{ "mac", "LLADDR", "MAC address",
	  VDPA_ATTR_DEV_NET_CFG_MACADDR, ARG_ONE_OF, .parse = parse_mac },
	{ "mtu", "MTU", "in bytes",
	  VDPA_ATTR_DEV_NET_CFG_MTU, ARG_ONE_OF, .parse = parse_u16 },
	{ "link", "up|down", "status of the link",
	  VDPA_ATTR_DEV_NET_STATUS, ARG_ONE_OF, .parse = parse_link },
	{ "max_vqp", "N", "most queue pairs",
	  VDPA_ATTR_DEV_NET_CFG_MAX_VQP, ARG_ONE_OF, .parse = parse_u16 },
	{ "device_features", "FEATURES", "NAME,.. to offer; +NAME,-NAME: more and less than now; or a mask",
	  VDPA_ATTR_DEV_FEATURES, ARG_ONE_OF, .parse = parse_features },
	{ NULL }
};

const struct cmd dev_cmds[] = {
	{ "show", "list", "devices",
	  .args = dev_show_args, .genl_cmd = VDPA_CMD_DEV_GET,
	  .doing = "show device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_show },
	{ "add", NULL, "create a device",
	  .args = dev_add_args, .genl_cmd = VDPA_CMD_DEV_NEW,
	  .doing = "add device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_add },
	{ "del", NULL, "delete a device",
	  .args = dev_del_args, .genl_cmd = VDPA_CMD_DEV_DEL,
	  .doing = "delete device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_request },
	{ "set", NULL, "change a device while it is used",
	  .args = dev_set_args, .genl_cmd = VDPA_CMD_DEV_ATTR_SET,
	  .doing = "change device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_set },
	{ "config", NULL, "what drivers see of devices", .sub = config_cmds },
	{ "features", NULL, "features by their names", .sub = features_cmds },
	{ "vstats", NULL, "statistics of a queue", .sub = vstats_cmds },
	{ NULL }
};
