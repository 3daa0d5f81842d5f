// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa dev stats, vdpa dev queue: what went through the queues of devices, and
 * what state they are in. One request is answered with both.
 */

#include <string.h>

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

static const char *net_queue_kind(const struct msg *msg, uint32_t idx)
{
	const struct nlattr *pairs = msg_attr(msg, VDPA_ATTR_DEV_NET_CFG_MAX_VQP);
	uint64_t negotiated = msg_u64(msg, VDPA_ATTR_DEV_NEGOTIATED_FEATURES);

	if (idx == ctrl_idx(negotiated, pairs ? mnl_attr_get_u16(pairs) : 0))
		return "control";
	return idx % 2 ? "tx" : "rx";
}

const char *queue_kind(const struct msg *msg, uint32_t idx)
{
	const struct nlattr *id = msg_attr(msg, VDPA_ATTR_DEV_ID);

	switch (id ? mnl_attr_get_u32(id) : 0) {
	case VIRTIO_ID_NET:
		return net_queue_kind(msg, idx);
	case VIRTIO_ID_BLOCK:
		return "request";
	}
	return NULL;
}

static void show_vendor(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *nest = msg_attr(msg, field->attr);
	const struct nlattr *attr, *name = NULL;

	if (!nest)
		return;
	out_group(out, field->key);
	mnl_attr_for_each_nested(attr, nest)
		name = show_counter(out, attr, name);
	out_group_end(out);
}

static void show_last_error(struct out *out, const struct field *field,
			    const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (!attr)
		return;
	out_label_uint(out, "last_errno", mnl_attr_get_u32(attr));
	out_str(out, field->key, strerror(mnl_attr_get_u32(attr)));
}

/* What a command shows of a device and of each of its queues */
struct view {
	const char *section;
	const struct field *dev;
	const struct field *queue;
};

static const struct field stats_dev_fields[] = {
	{ VDPA_ATTR_DEV_CONFIG_INTERRUPTS, "config_interrupts", show_u64, VIEW_SHOW },
	{ VDPA_ATTR_DEV_RESETS, "resets", show_u64, VIEW_SHOW },
	{ 0 }
};

static const struct field stats_queue_fields[] = {
	{ VDPA_QUEUE_ATTR_KICKS, "kicks", show_u64, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_INTERRUPTS, "interrupts", show_u64, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_RECEIVED, "received", show_u64, VIEW_SHOW, "chains" },
	{ VDPA_QUEUE_ATTR_COMPLETED, "completed", show_u64, VIEW_SHOW, "chains" },
	{ VDPA_QUEUE_ATTR_BYTES, "bytes", show_bytes, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_ERRORS, "errors", show_u64, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_VENDOR, "vendor", show_vendor, VIEW_SHOW },
	{ 0 }
};

static const struct field queue_dev_fields[] = {
	{ VDPA_ATTR_DEV_STATUS, "status", show_u8_hex, VIEW_SHOW },
	{ VDPA_ATTR_DEV_STATE, "state", show_state, VIEW_SHOW },
	{ 0 }
};

static const struct field queue_queue_fields[] = {
	{ VDPA_QUEUE_ATTR_SIZE, "size", show_u32, VIEW_SHOW, "descriptors" },
	{ VDPA_QUEUE_ATTR_READY, "ready", show_bool, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_AVAIL_INDEX, "avail_index", show_u16, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_AVAIL_WRAP, "avail_wrap", show_u8, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_USED_INDEX, "used_index", show_u16, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_USED_WRAP, "used_wrap", show_u8, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_GROUP, "group", show_u32, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_DESC_GROUP, "desc_group", show_u32, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_IRQ, "irq", show_u32, VIEW_SHOW },
	{ VDPA_QUEUE_ATTR_LAST_ERROR, "last_error", show_last_error, VIEW_SHOW },
	{ 0 }
};

static const struct view stats_view = {
	"stats", stats_dev_fields, stats_queue_fields
};

static const struct view queue_view = {
	"queue", queue_dev_fields, queue_queue_fields
};

/* Being shown: in a dump a device may go on with the next message */
struct list {
	const struct view *view;
	const struct req *req;
	const char *name;	/* of the device begun; NULL: none is */
};

static void list_queue(struct vdpa *vdpa, const struct list *list,
		       const struct msg *msg, const struct nlattr *nest)
{
	const struct nlattr *attr;
	struct out *out = &vdpa->out;
	const char *kind;
	struct msg queue;
	char title[32];
	uint32_t idx;

	msg_nested(nest, &queue);
	attr = msg_attr(&queue, VDPA_QUEUE_ATTR_INDEX);
	idx = attr ? mnl_attr_get_u32(attr) : 0;
	if (list->req->has_queue && list->req->queue != idx)
		return;

	kind = queue_kind(msg, idx);
	snprintf(title, sizeof(title), "%u%s%s", idx, kind ? " " : "", kind ? kind : "");
	out_row(out, "queue ", title);
	out_label_uint(out, "index", idx);
	if (kind)
		out_label(out, "kind", kind);
	fields_show(out, list->view->queue, &queue, VIEW_NORMAL);
	out_row_end(out);
}

static void list_end_dev(struct vdpa *vdpa, void *data)
{
	struct list *list = data;

	if (!list->name)
		return;
	out_rows_end(&vdpa->out);
	out_object_end(&vdpa->out);
	list->name = NULL;
}

static bool list_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *attr = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct out *out = &vdpa->out;
	struct list *list = data;

	if (!attr)
		return false;
	if (!list->name || strcmp(list->name, mnl_attr_get_str(attr))) {
		list_end_dev(vdpa, list);
		list->name = mnl_attr_get_str(attr);
		out_object(out, list->name, OUT_LINE);
		fields_show(out, list->view->dev, msg, VIEW_NORMAL);
		out_rows(out, "queues");
	}
	msg_for_each(attr, msg)
		if (mnl_attr_get_type(attr) == VDPA_ATTR_DEV_QUEUE)
			list_queue(vdpa, list, msg, attr);
	return true;
}

static int list_show(struct vdpa *vdpa, struct req *req, const struct view *view)
{
	struct list list = { .view = view, .req = req };

	/* of all devices the kernel tells about all queues */
	if (req_word(req, VDPA_ATTR_DEV_NAME) && req->has_queue)
		req_put(req, VDPA_ATTR_DEV_QUEUE_INDEX, &req->queue,
			sizeof(req->queue), req->queue_word);
	vdpa->out.units = vdpa->details;
	return show_with(vdpa, req, view->section, VDPA_ATTR_DEV_NAME, list_print,
			 list_end_dev, &list);
}

static int stats_show(struct vdpa *vdpa, struct req *req)
{
	return list_show(vdpa, req, &stats_view);
}

static int queue_show(struct vdpa *vdpa, struct req *req)
{
	return list_show(vdpa, req, &queue_view);
}

static const struct arg list_args[] = {
	{ "name", "NAME", "only of this device",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST, .parse = parse_string },
	{ "qidx", "N", "only the queue with this index",
	  VDPA_ATTR_DEV_QUEUE_INDEX, .parse = parse_queue },
	{ NULL }
};

const struct cmd stats_cmds[] = {
	{ "show", "list", .help = "what went through the queues of devices",
	  .args = list_args, .genl_cmd = VDPA_CMD_DEV_STATS_GET,
	  .doing = "show statistics of device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = stats_show },
	{ NULL }
};

const struct cmd queue_cmds[] = {
	{ "show", "list", .help = "the state of the queues of devices",
	  .args = list_args, .genl_cmd = VDPA_CMD_DEV_STATS_GET,
	  .doing = "show queues of device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = queue_show },
	{ NULL }
};
