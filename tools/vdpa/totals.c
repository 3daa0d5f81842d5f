// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa -s dev show: of each device the sums of what its queues count
 */

#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

static const struct sum {
	uint16_t attr;
	const char *key;
	const char *text;	/* shorter: all of them fit 80 columns */
} sums[] = {
	{ VDPA_QUEUE_ATTR_KICKS, "kicks", "kicks" },
	{ VDPA_QUEUE_ATTR_INTERRUPTS, "interrupts", "irqs" },
	{ VDPA_QUEUE_ATTR_RECEIVED, "received", "received" },
	{ VDPA_QUEUE_ATTR_COMPLETED, "completed", "completed" },
	{ VDPA_QUEUE_ATTR_BYTES, "bytes", "bytes" },
	{ VDPA_QUEUE_ATTR_ERRORS, "errors", "errors" },
};

struct total {
	char *name;
	uint64_t value[ARRAY_SIZE(sums)];
	bool counted[ARRAY_SIZE(sums)];	/* by any queue */
};

/* The last one, if it is this device's: its queues come one after the other */
static struct total *totals_add(struct totals *totals, const char *name)
{
	struct total *total = totals->total;
	size_t size;

	if (totals->count && strcmp(total[totals->count - 1].name, name) == 0)
		return &total[totals->count - 1];
	if (totals->count == totals->size) {
		size = totals->size ? totals->size * 2 : 16;
		total = realloc(totals->total, size * sizeof(*total));
		if (!total)
			return NULL;
		totals->total = total;
		totals->size = size;
	}
	total = &totals->total[totals->count];
	memset(total, 0, sizeof(*total));
	total->name = strndup(name, strlen(name));
	if (!total->name)
		return NULL;
	totals->count++;
	return total;
}

static void total_queue(struct total *total, const struct nlattr *nest)
{
	struct msg queue;
	size_t i;

	msg_nested(nest, &queue);
	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		if (!msg_attr(&queue, sums[i].attr))
			continue;
		total->value[i] += msg_u64(&queue, sums[i].attr);
		total->counted[i] = true;
	}
}

static bool totals_take(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *attr = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct total *total;

	if (!attr)
		return false;
	total = totals_add(data, mnl_attr_get_str(attr));
	/* what is shown then lacks something, as is said of it */
	if (!total) {
		vdpa->out.failed = true;
		return true;
	}
	msg_for_each(attr, msg)
		if (mnl_attr_get_type(attr) == VDPA_ATTR_DEV_QUEUE)
			total_queue(total, attr);
	return true;
}

int totals_load(struct vdpa *vdpa, const struct req *from, struct totals *totals)
{
	static const struct cmd get = {
		.doing = "show statistics of device",
		.subject = VDPA_ATTR_DEV_NAME,
	};
	struct req req;
	int ret = genl_open(vdpa);

	if (ret)
		return ret;
	if (genl_is_mainline(&vdpa->genl)) {
		warning("this kernel has no such statistics");
		return EXIT_OK;
	}
	req_init(&req, &get, VDPA_CMD_DEV_STATS_GET);
	req_copy(&req, from, VDPA_ATTR_DEV_NAME);
	if (req_word(&req, VDPA_ATTR_DEV_NAME))
		return genl_request(vdpa, &req, totals_take, totals);
	return genl_dump(vdpa, &req, totals_take, totals);
}

/* At most four characters */
static const char *compact(uint64_t value, char buf[static 16])
{
	static const char units[] = " KMGTPE";
	const char *unit = units;
	unsigned int tenths = 0;

	if (value >= 10000) {
		for (; value >= 1000; value /= 1000, unit++)
			tenths = value / 100 % 10;
	}
	if (*unit == ' ')
		snprintf(buf, 16, "%u", (unsigned int)value);
	else if (value < 10)
		snprintf(buf, 16, "%u.%u%c", (unsigned int)value, tenths, *unit);
	else
		snprintf(buf, 16, "%u%c", (unsigned int)value, *unit);
	return buf;
}

/* Devices come in the same order here and there, but for those that changed */
static const struct total *totals_find(struct totals *totals, const char *name)
{
	size_t i, at;

	for (i = 0; i < totals->count; i++) {
		at = (totals->next + i) % totals->count;
		if (strcmp(totals->total[at].name, name))
			continue;
		totals->next = at + 1;
		return &totals->total[at];
	}
	return NULL;
}

void totals_show(struct out *out, struct totals *totals, const char *name)
{
	const struct total *total = totals_find(totals, name);
	char buf[16];
	size_t i;

	if (!total || !memchr(total->counted, true, sizeof(total->counted)))
		return;
	out_line(out, "statistics");
	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		if (!total->counted[i])
			continue;
		if (out->json)
			out_uint(out, sums[i].key, total->value[i]);
		else
			out_str(out, sums[i].text, compact(total->value[i], buf));
	}
	out_line_end(out);
}

void totals_free(struct totals *totals)
{
	size_t i;

	for (i = 0; i < totals->count; i++)
		free(totals->total[i].name);
	free(totals->total);
}
