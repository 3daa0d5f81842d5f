// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa mgmtdev resource: what management devices hand out
 */

#include "vdpa.h"

static const struct field resource_fields[] = {
	{ VDPA_RESOURCE_ATTR_USED, "used", show_u64, VIEW_SHOW },
	{ VDPA_RESOURCE_ATTR_SIZE, "size", show_u64, VIEW_SHOW },
	{ VDPA_RESOURCE_ATTR_MAX, "max", show_u64, VIEW_SHOW },
	{ VDPA_RESOURCE_ATTR_UNIT, "unit", show_str, VIEW_SHOW },
	{ 0 }
};

static void show_resource(struct out *out, const struct nlattr *nest,
			  const char *prefix)
{
	const struct nlattr *attr;
	struct msg resource;
	const char *name;

	msg_nested(nest, &resource);
	attr = msg_attr(&resource, VDPA_RESOURCE_ATTR_NAME);
	name = attr ? mnl_attr_get_str(attr) : "";
	out_row(out, prefix, name);
	out_label(out, "name", name);
	fields_show(out, resource_fields, &resource, VIEW_NORMAL);
	out_row_end(out);
}

void show_resources(struct out *out, const struct msg *msg, const char *prefix)
{
	const struct nlattr *attr;

	out_rows(out, "resources");
	msg_for_each(attr, msg)
		if (mnl_attr_get_type(attr) == VDPA_ATTR_MGMTDEV_RESOURCE)
			show_resource(out, attr, prefix);
	out_rows_end(out);
}

static bool resource_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	struct out *out = &vdpa->out;

	(void)data;
	if (!out_mgmtdev(out, msg, OUT_TREE))
		return false;
	show_resources(out, msg, "");
	out_object_end(out);
	return true;
}

static int resource_show(struct vdpa *vdpa, struct req *req)
{
	return show(vdpa, req, "resource", VDPA_ATTR_MGMTDEV_DEV_NAME,
		    resource_print);
}

const struct cmd resource_cmds[] = {
	{ "show", "list", .help = "how much there is of what, and how much of it is used",
	  .args = mgmtdev_show_args, .genl_cmd = VDPA_CMD_MGMTDEV_GET,
	  .doing = "show resources of management device",
	  .subject = VDPA_ATTR_MGMTDEV_DEV_NAME, .run = resource_show },
	{ NULL }
};
