// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa save: the commands that bring back what there is
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

/* A line that is being made; @text is NULL when memory ran out */
struct line {
	char *text;
};

static void add(struct line *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *fmt, ...)
{
	char *more = NULL, *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&more, fmt, ap) < 0)
		more = NULL;
	va_end(ap);
	if (!line->text || !more || asprintf(&text, "%s%s", line->text, more) < 0)
		text = NULL;
	free(line->text);
	free(more);
	line->text = text;
}

static void add_word(struct line *line, const char *key, const char *value)
{
	char *quoted = batch_quote(value);

	if (quoted) {
		add(line, " %s %s", key, quoted);
	} else {
		free(line->text);
		line->text = NULL;
	}
	free(quoted);
}

static void line_begin(struct line *line, const char *text)
{
	line->text = strndup(text, strlen(text));
}

static void line_end(struct out *out, struct line *line)
{
	if (line->text)
		out_plain(out, line->text);
	else
		out->failed = true;
	free(line->text);
}

/* Values of attributes, as the command line takes them */

static void add_string(struct line *line, const char *key, const struct nlattr *attr)
{
	add_word(line, key, mnl_attr_get_str(attr));
}

static void add_mask(struct line *line, const char *key, const struct nlattr *attr)
{
	add(line, " %s 0x%llx", key, (unsigned long long)mnl_attr_get_u64(attr));
}

static void add_u64(struct line *line, const char *key, const struct nlattr *attr)
{
	add(line, " %s %llu", key, (unsigned long long)mnl_attr_get_u64(attr));
}

static void add_u16(struct line *line, const char *key, const struct nlattr *attr)
{
	add(line, " %s %u", key, mnl_attr_get_u16(attr));
}

static void add_switch(struct line *line, const char *key, const struct nlattr *attr)
{
	add(line, " %s %s", key, mnl_attr_get_u8(attr) ? "on" : "off");
}

static void add_mac(struct line *line, const char *key, const struct nlattr *attr)
{
	const uint8_t *mac = mnl_attr_get_payload(attr);

	add(line, " %s %02x:%02x:%02x:%02x:%02x:%02x", key, mac[0], mac[1], mac[2],
	    mac[3], mac[4], mac[5]);
}

static const struct created {
	uint16_t attr;
	const char *key;
	void (*add)(struct line *line, const char *key, const struct nlattr *attr);
} created[] = {
	{ VDPA_ATTR_DEV_FEATURES, "device_features", add_mask },
	{ VDPA_ATTR_DEV_NET_CFG_MACADDR, "mac", add_mac },
	{ VDPA_ATTR_DEV_NET_CFG_MTU, "mtu", add_u16 },
	{ VDPA_ATTR_DEV_NET_CFG_MAX_VQP, "max_vqp", add_u16 },
	{ VDPA_ATTR_DEV_NET_VLAN, "vlan", add_u16 },
	{ VDPA_ATTR_DEV_BLK_CFG_CAPACITY, "capacity", add_u64 },
	{ VDPA_ATTR_DEV_BLK_READ_ONLY, "read_only", add_switch },
	{ VDPA_ATTR_DEV_DRIVER, "driver", add_string },
};

static void add_created(struct line *line, const struct nlattr *nest)
{
	struct msg msg;
	size_t i;

	msg_nested(nest, &msg);
	for (i = 0; i < ARRAY_SIZE(created); i++)
		if (msg_attr(&msg, created[i].attr))
			created[i].add(line, created[i].key,
				       msg_attr(&msg, created[i].attr));
}

static void add_class(struct line *line, uint32_t id)
{
	const char *name = class_short_name(id);

	if (name)
		add(line, " type %s", name);
	else
		add(line, " type %u", id);
}

static bool save_dev(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	const struct nlattr *id = msg_attr(msg, VDPA_ATTR_DEV_ID);
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(msg, buf);
	struct line line;

	(void)data;
	if (!name)
		return false;
	/* nobody's device, which nobody could create */
	line_begin(&line, handle ? "dev add" : "# no management device: dev add");
	add_word(&line, "name", mnl_attr_get_str(name));
	if (handle)
		add_word(&line, "mgmtdev", handle);
	if (id)
		add_class(&line, mnl_attr_get_u32(id));
	if (msg_attr(msg, VDPA_ATTR_DEV_CREATED))
		add_created(&line, msg_attr(msg, VDPA_ATTR_DEV_CREATED));
	line_end(&vdpa->out, &line);
	return true;
}

/* What its namespace is called here the kernel cannot know */
static bool save_mgmtdev(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *netnsid = msg_attr(msg, VDPA_ATTR_MGMTDEV_NETNSID);
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(msg, buf);
	struct line line;

	(void)data;
	if (!handle)
		return false;
	if (!netnsid)
		return true;
	line_begin(&line, "# in another network namespace, whose name goes here:");
	add_word(&line, "mgmtdev set", handle);
	add(&line, " netns NAME");
	if ((int32_t)mnl_attr_get_u32(netnsid) >= 0)
		add(&line, " (nsid %u)", mnl_attr_get_u32(netnsid));
	line_end(&vdpa->out, &line);
	return true;
}

static int save_all(struct vdpa *vdpa)
{
	static const struct cmd mgmtdevs = { .doing = "list management devices" };
	static const struct cmd devs = { .doing = "list devices" };
	struct req req;
	int ret;

	req_init(&req, &mgmtdevs, VDPA_CMD_MGMTDEV_GET);
	ret = genl_dump(vdpa, &req, save_mgmtdev, NULL);
	if (ret)
		return ret;
	req_init(&req, &devs, VDPA_CMD_DEV_GET);
	return genl_dump(vdpa, &req, save_dev, NULL);
}

static int save_some(struct vdpa *vdpa, int count, char **names)
{
	static const struct cmd get = {
		.doing = "show device", .subject = VDPA_ATTR_DEV_NAME,
	};
	struct req req;
	int i, ret;

	for (i = 0; i < count; i++) {
		req_init(&req, &get, VDPA_CMD_DEV_GET);
		if (!req_put_strn(&req, VDPA_ATTR_DEV_NAME, names[i],
				  strlen(names[i]), names[i])) {
			error("the name of a device is too long");
			return EXIT_REFUSED;
		}
		ret = genl_request(vdpa, &req, save_dev, NULL);
		if (ret)
			return ret;
	}
	return EXIT_OK;
}

int save(struct vdpa *vdpa, struct req *req)
{
	int ret = genl_open(vdpa);

	if (ret)
		return ret;
	out_plain_begin(&vdpa->out, "save");
	if (genl_is_mainline(&vdpa->genl))
		out_plain(&vdpa->out,
			  "# this kernel does not tell what devices were created with");
	ret = req->n_words ? save_some(vdpa, req->n_words, req->words) : save_all(vdpa);
	if (ret == EXIT_OK)
		return out_plain_end(&vdpa->out);
	out_plain_discard(&vdpa->out);
	return ret;
}

const struct arg save_args[] = {
	{ "DEV...", NULL, "only these devices", .flags = ARG_FIRST | ARG_MANY },
	{ NULL }
};
