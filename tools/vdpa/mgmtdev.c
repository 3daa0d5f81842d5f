// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa mgmtdev: what can create vdpa devices
 */

#include "vdpa.h"

const struct field mgmtdev_fields[] = {
	{ VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES, "supported_classes", show_classes,
	  VIEW_NORMAL | VIEW_DETAILS },
	{ VDPA_ATTR_DEV_MGMTDEV_MAX_VQS, "max_supported_vqs", show_u32,
	  VIEW_NORMAL | VIEW_DETAILS },
	{ VDPA_ATTR_DEV_SUPPORTED_FEATURES, "dev_features", show_features,
	  VIEW_NORMAL | VIEW_DETAILS },
	{ 0 }
};

static bool mgmtdev_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	struct out *out = &vdpa->out;
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(msg, buf);

	(void)data;
	if (!handle)
		return false;
	out_object(out, handle, OUT_BLOCK);
	fields_show(out, mgmtdev_fields, msg,
		    vdpa->details ? VIEW_DETAILS : VIEW_NORMAL);
	out_object_end(out);
	return true;
}

static int mgmtdev_show(struct vdpa *vdpa, struct req *req)
{
	return show(vdpa, req, "mgmtdev", VDPA_ATTR_MGMTDEV_DEV_NAME,
		    mgmtdev_print);
}

static const struct arg mgmtdev_show_args[] = {
	{ "mgmtdev", "MGMTDEV", "only this one: BUS/NAME or NAME",
	  VDPA_ATTR_MGMTDEV_DEV_NAME, ARG_FIRST, .parse = parse_handle },
	{ NULL }
};

const struct cmd mgmtdev_cmds[] = {
	{ "show", "list", "management devices and what they can create",
	  .args = mgmtdev_show_args, .genl_cmd = VDPA_CMD_MGMTDEV_GET,
	  .doing = "show management device",
	  .subject = VDPA_ATTR_MGMTDEV_DEV_NAME, .run = mgmtdev_show },
	{ NULL }
};
