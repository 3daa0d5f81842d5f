// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa dev vstats: statistics of a queue that the device's vendor chose
 */

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "vdpa.h"

#define FEATURE(name)	(1ULL << VIRTIO_NET_F_##name)

/*
 * Which queue of a network card is the control queue: virtio 1.3, 5.1.2. As
 * long as nothing is negotiated, it is where a driver that takes all that is
 * offered would find it.
 */
static uint64_t ctrl_idx(uint64_t negotiated, uint16_t max_pairs)
{
	if (negotiated && !(negotiated & FEATURE(CTRL_VQ)))
		return UINT64_MAX;
	if (negotiated && !(negotiated & (FEATURE(MQ) | FEATURE(RSS))))
		return 2;
	return max_pairs ? 2 * (uint64_t)max_pairs : 2;
}

static void show_queue_type(struct out *out, const struct field *field,
			    const struct msg *msg)
{
	const struct nlattr *id = msg_attr(msg, VDPA_ATTR_DEV_ID);
	const struct nlattr *idx = msg_attr(msg, field->attr);
	const struct nlattr *features, *pairs;
	uint64_t ctrl;

	if (!idx || !id || mnl_attr_get_u32(id) != VIRTIO_ID_NET)
		return;
	features = msg_attr(msg, VDPA_ATTR_DEV_NEGOTIATED_FEATURES);
	pairs = msg_attr(msg, VDPA_ATTR_DEV_NET_CFG_MAX_VQP);
	ctrl = ctrl_idx(features ? mnl_attr_get_u64(features) : 0,
			pairs ? mnl_attr_get_u16(pairs) : 0);
	if (mnl_attr_get_u32(idx) == ctrl)
		out_str(out, field->key, "control_vq");
	else
		out_str(out, field->key,
			mnl_attr_get_u32(idx) % 2 ? "tx" : "rx");
}

static const struct field vstats_fields[] = {
	{ VDPA_ATTR_DEV_QUEUE_INDEX, "queue_type", show_queue_type, VIEW_SHOW },
	{ 0 }
};

/* Each name goes before its value */
static void show_counters(struct out *out, const struct msg *msg)
{
	const struct nlattr *attr, *name = NULL;

	msg_for_each(attr, msg) {
		switch (mnl_attr_get_type(attr)) {
		case VDPA_ATTR_DEV_VENDOR_ATTR_NAME:
			name = attr;
			break;
		case VDPA_ATTR_DEV_VENDOR_ATTR_VALUE:
			if (name)
				out_count(out, mnl_attr_get_str(name),
					  mnl_attr_get_u64(attr));
			name = NULL;
			break;
		}
	}
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
	{ "show", "list", "statistics of one queue of a device",
	  .args = vstats_show_args, .genl_cmd = VDPA_CMD_DEV_VSTATS_GET,
	  .doing = "show statistics of device",
	  .subject = VDPA_ATTR_DEV_NAME, .run = vstats_show },
	{ NULL }
};
