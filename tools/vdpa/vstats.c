// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa dev vstats: statistics of a queue that the device's vendor chose
 */

#include <string.h>

#include <linux/virtio_ids.h>

#include "vdpa.h"

static void show_queue_type(struct out *out, const struct field *field,
			    const struct msg *msg)
{
	const struct nlattr *id = msg_attr(msg, VDPA_ATTR_DEV_ID);
	const struct nlattr *idx = msg_attr(msg, field->attr);
	const char *kind;

	if (!idx || !id || mnl_attr_get_u32(id) != VIRTIO_ID_NET)
		return;
	kind = queue_kind(msg, mnl_attr_get_u32(idx));
	/* as iproute2 calls it */
	if (strcmp(kind, "control") == 0)
		kind = "control_vq";
	out_str(out, field->key, kind);
}

static const struct field vstats_fields[] = {
	{ VDPA_ATTR_DEV_QUEUE_INDEX, "queue_type", show_queue_type, VIEW_SHOW },
	{ 0 }
};

/* Each name goes before its value */
const struct nlattr *show_counter(struct out *out, const struct nlattr *attr,
				  const struct nlattr *name)
{
	switch (mnl_attr_get_type(attr)) {
	case VDPA_ATTR_DEV_VENDOR_ATTR_NAME:
		return attr;
	case VDPA_ATTR_DEV_VENDOR_ATTR_VALUE:
		if (name)
			out_count(out, mnl_attr_get_str(name),
				  mnl_attr_get_u64(attr));
		return NULL;
	}
	return name;
}

static void show_counters(struct out *out, const struct msg *msg)
{
	const struct nlattr *attr, *name = NULL;

	msg_for_each(attr, msg)
		name = show_counter(out, attr, name);
}

static bool vstats_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct out *out = &vdpa->out;

	(void)data;
	if (!name)
		return false;
	out_object(out, mnl_attr_get_str(name), OUT_SPACED);
	fields_show(out, vstats_fields, msg, VIEW_NORMAL);
	show_counters(out, msg);
	out_object_end(out);
	return true;
}

static int vstats_show(struct vdpa *vdpa, struct req *req)
{
	return show(vdpa, req, "vstats", VDPA_ATTR_DEV_NAME, vstats_print);
}

static const struct arg vstats_show_args[] = {
	{ "name", "NAME", "the device",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST | ARG_REQUIRED, .parse = parse_string },
	{ "qidx", "N", "index of the queue",
	  VDPA_ATTR_DEV_QUEUE_INDEX, ARG_REQUIRED, .parse = parse_u32 },
	{ NULL }
};

const struct cmd vstats_cmds[] = {
	{ "show", "list", .help = "statistics of one queue of a device",
	  .args = vstats_show_args, .genl_cmd = VDPA_CMD_DEV_VSTATS_GET,
	  .doing = "show statistics of device",
	  .subject = VDPA_ATTR_DEV_NAME, .run = vstats_show },
	{ NULL }
};
