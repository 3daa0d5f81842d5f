// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa mgmtdev: what can create vdpa devices
 */

#include <string.h>
#include <unistd.h>

#include "vdpa.h"

/* Attributes, by the words that stand for them on the command line */
static void show_attrs(struct out *out, const struct field *field,
		       const struct msg *msg, const struct arg *args)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);
	const char *payload, *word;
	char number[24];
	uint32_t value;
	size_t i;

	if (!attr)
		return;
	out_list(out, field->key);
	payload = mnl_attr_get_payload(attr);
	for (i = 0; i < mnl_attr_get_payload_len(attr) / sizeof(value); i++) {
		memcpy(&value, payload + i * sizeof(value), sizeof(value));
		word = args_keyword(args, value);
		snprintf(number, sizeof(number), "attr_%u", value);
		out_item_str(out, word ? word : number);
	}
	out_list_end(out);
}

static void show_add_attrs(struct out *out, const struct field *field,
			   const struct msg *msg)
{
	show_attrs(out, field, msg, dev_add_args);
}

static void show_set_attrs(struct out *out, const struct field *field,
			   const struct msg *msg)
{
	show_attrs(out, field, msg, dev_set_args);
}

/* -1: it is elsewhere, in one that has no id here */
static void show_netnsid(struct out *out, const struct field *field,
			 const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (!attr)
		return;
	if ((int32_t)mnl_attr_get_u32(attr) < 0)
		out_none(out, field->key, "unassigned");
	else
		out_uint(out, field->key, mnl_attr_get_u32(attr));
}

static void show_its_resources(struct out *out, const struct field *field,
			       const struct msg *msg)
{
	if (msg_attr(msg, field->attr))
		show_resources(out, msg, "resource ");
}

const struct field mgmtdev_fields[] = {
	{ VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES, "supported_classes", show_classes,
	  VIEW_SHOW },
	{ VDPA_ATTR_DEV_MGMTDEV_MAX_VQS, "max_supported_vqs", show_u32,
	  VIEW_SHOW },
	{ VDPA_ATTR_DEV_SUPPORTED_FEATURES, "dev_features", show_features,
	  VIEW_SHOW },
	{ VDPA_ATTR_MGMTDEV_MAX_VQ_SIZE, "max_vq_size", show_u16, VIEW_DETAILS },
	{ VDPA_ATTR_MGMTDEV_ADD_ATTRS, "add_attrs", show_add_attrs, VIEW_DETAILS },
	{ VDPA_ATTR_MGMTDEV_SET_ATTRS, "set_attrs", show_set_attrs, VIEW_DETAILS },
	{ VDPA_ATTR_MGMTDEV_NETNSID, "netnsid", show_netnsid,
	  VIEW_DETAILS | VIEW_CHANGE },
	{ VDPA_ATTR_MGMTDEV_RESOURCE, "resources", show_its_resources,
	  VIEW_ROWS },
	{ 0 }
};

bool out_mgmtdev(struct out *out, const struct msg *msg, enum out_layout layout)
{
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(msg, buf);

	if (handle)
		out_object(out, handle, layout);
	return handle;
}

/* What people call the namespace that it is in */
static void show_netns(struct out *out, const struct msg *msg,
		       struct netns_names *names)
{
	const struct nlattr *id = msg_attr(msg, VDPA_ATTR_MGMTDEV_NETNSID);
	const char *name = id ? netns_name(names, mnl_attr_get_u32(id)) : NULL;

	if (name)
		out_str(out, "netns", name);
}

static bool mgmtdev_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	struct out *out = &vdpa->out;

	if (!out_mgmtdev(out, msg, OUT_BLOCK))
		return false;
	fields_show(out, mgmtdev_fields, msg,
		    vdpa->details ? VIEW_DETAILS : VIEW_NORMAL);
	if (vdpa->details) {
		show_netns(out, msg, data);
		fields_show(out, mgmtdev_fields, msg, VIEW_ROWS);
	}
	out_object_end(out);
	return true;
}

static int mgmtdev_show(struct vdpa *vdpa, struct req *req)
{
	struct netns_names names = { NULL };
	int ret;

	ret = show_with(vdpa, req, "mgmtdev", VDPA_ATTR_MGMTDEV_DEV_NAME,
			mgmtdev_print, NULL, &names);
	netns_names_free(&names);
	return ret;
}

static int mgmtdev_set(struct vdpa *vdpa, struct req *req)
{
	int ret, netns = netns_open(req->netns);
	uint32_t fd = netns;

	if (netns < 0)
		return EXIT_REFUSED;
	if (req_put(req, VDPA_ATTR_NETNS_FD, &fd, sizeof(fd), req->netns))
		ret = request_silent(vdpa, req, "mgmtdev");
	else
		ret = usage_error(vdpa, NULL, "mgmtdev is too long");
	close(netns);
	return ret;
}

const struct arg mgmtdev_show_args[] = {
	{ "mgmtdev", "MGMTDEV", "only this one: BUS/NAME or NAME",
	  VDPA_ATTR_MGMTDEV_DEV_NAME, ARG_FIRST, .parse = parse_handle },
	{ NULL }
};

static const struct arg mgmtdev_set_args[] = {
	{ "mgmtdev", "MGMTDEV", "what to change: BUS/NAME or NAME",
	  VDPA_ATTR_MGMTDEV_DEV_NAME, ARG_FIRST | ARG_REQUIRED,
	  .parse = parse_handle },
	{ "netns", "NETNS", "move it there: name, path or process",
	  VDPA_ATTR_NETNS_FD, ARG_REQUIRED, .parse = parse_netns },
	{ NULL }
};

const struct cmd mgmtdev_cmds[] = {
	{ "show", "list", true, "management devices and what they can create",
	  .args = mgmtdev_show_args, .genl_cmd = VDPA_CMD_MGMTDEV_GET,
	  .doing = "show management device",
	  .subject = VDPA_ATTR_MGMTDEV_DEV_NAME, .run = mgmtdev_show },
	{ "set", .help = "move one to a network namespace, with its devices",
	  .args = mgmtdev_set_args, .genl_cmd = VDPA_CMD_MGMTDEV_SET,
	  .doing = "change management device",
	  .subject = VDPA_ATTR_MGMTDEV_DEV_NAME, .run = mgmtdev_set },
	{ "check", .help = "whether one could create a device of a profile",
	  .args = mgmtdev_check_args, .genl_cmd = VDPA_CMD_MGMTDEV_CHECK,
	  .doing = "check management device",
	  .subject = VDPA_ATTR_MGMTDEV_DEV_NAME, .run = mgmtdev_check },
	{ "resource", .help = "what they hand out", .sub = resource_cmds },
	{ NULL }
};
