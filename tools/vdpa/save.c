// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa save: the commands that bring back what there is
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "vdpa.h"

/* Below, no device may be (virtio 1.3, 5.1.4.1) */
#define MTU_MIN		68

#define F(bit)		(1ULL << (bit))
/* Features that decide how many queues a device is made with */
#define NET_QUEUES	(F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_MQ) | \
			 F(VIRTIO_NET_F_RSS))
#define BLK_QUEUES	F(VIRTIO_BLK_F_MQ)

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

static void add_link(struct line *line, const char *key, const struct nlattr *attr)
{
	add(line, " %s %s", key,
	    mnl_attr_get_u16(attr) & VIRTIO_NET_S_LINK_UP ? "up" : "down");
}

static void add_mac(struct line *line, const char *key, const struct nlattr *attr)
{
	const uint8_t *mac = mnl_attr_get_payload(attr);

	add(line, " %s %02x:%02x:%02x:%02x:%02x:%02x", key, mac[0], mac[1], mac[2],
	    mac[3], mac[4], mac[5]);
}

/* All that there is to know of a device */
struct saved {
	struct msg dev;
	struct msg created;	/* what it was given */
	struct msg config;	/* what it has now */
	struct msg mgmtdev;
	bool told;		/* the kernel knows what devices are given */
};

static bool in_list(const struct nlattr *list, uint32_t attr)
{
	const char *payload;
	uint32_t number;
	size_t i;

	if (!list)
		return false;
	payload = mnl_attr_get_payload(list);
	for (i = 0; i < mnl_attr_get_payload_len(list) / sizeof(number); i++) {
		memcpy(&number, payload + i * sizeof(number), sizeof(number));
		if (number == attr)
			return true;
	}
	return false;
}

/*
 * Whether a device can be made with an attribute. Where that is not told, those
 * management devices take none that have no features to choose from, either.
 */
static bool can_add(const struct saved *saved, uint16_t attr)
{
	if (!saved->told)
		return msg_u64(&saved->mgmtdev, VDPA_ATTR_DEV_SUPPORTED_FEATURES);
	return in_list(msg_attr(&saved->mgmtdev, VDPA_ATTR_MGMTDEV_ADD_ATTRS), attr);
}

static bool can_set(const struct saved *saved, uint16_t attr)
{
	return in_list(msg_attr(&saved->mgmtdev, VDPA_ATTR_MGMTDEV_SET_ATTRS), attr);
}

static uint32_t class_of(const struct saved *saved)
{
	const struct nlattr *id = msg_attr(&saved->dev, VDPA_ATTR_DEV_ID);

	return id ? mnl_attr_get_u32(id) : 0;
}

static bool has_class(const struct saved *saved, uint32_t class)
{
	return class_of(saved) == class;
}

/* What it was given, or all there are; that it is read-only has another word */
static uint64_t made_features(const struct saved *saved, uint64_t now)
{
	uint64_t ro = has_class(saved, VIRTIO_ID_BLOCK) ? F(VIRTIO_BLK_F_RO) : 0;
	uint64_t all = msg_u64(&saved->mgmtdev, VDPA_ATTR_DEV_SUPPORTED_FEATURES);

	if (msg_attr(&saved->created, VDPA_ATTR_DEV_FEATURES))
		return msg_u64(&saved->created, VDPA_ATTR_DEV_FEATURES);
	return (all & ~ro) | (now & ro);
}

/* Features that it lost, or got back, since it was made */
static uint64_t changed_features(const struct saved *saved)
{
	uint64_t now = msg_u64(&saved->config, VDPA_ATTR_DEV_FEATURES);

	if (!msg_attr(&saved->config, VDPA_ATTR_DEV_FEATURES) ||
	    !can_set(saved, VDPA_ATTR_DEV_FEATURES))
		return 0;
	return now ^ made_features(saved, now);
}

/*
 * Such a device is made as it was made, so that it has as many queues, and
 * changed then as it was changed; another one is made as it is.
 */
static bool made_then_changed(const struct saved *saved)
{
	uint64_t queues = has_class(saved, VIRTIO_ID_NET) ? NET_QUEUES :
			  has_class(saved, VIRTIO_ID_BLOCK) ? BLK_QUEUES : 0;

	return changed_features(saved) & queues;
}

/* Values that it is made with; NULL: it is not given any */

static const struct nlattr *made_with(const struct saved *saved, uint16_t attr)
{
	return msg_attr(&saved->created, attr);
}

static const struct nlattr *add_features(const struct saved *saved, uint16_t attr)
{
	if (changed_features(saved) && !made_then_changed(saved))
		return msg_attr(&saved->config, attr);
	return made_with(saved, attr);
}

/*
 * Of what is not told a value that was given may still be there, but needs a
 * feature that the device is not made with any more.
 */
static const struct nlattr *now_or_made(const struct saved *saved, uint16_t attr)
{
	const struct nlattr *now = msg_attr(&saved->config, attr);
	bool hidden = changed_features(saved) && !made_then_changed(saved);

	if (now)
		return can_add(saved, attr) ? now : made_with(saved, attr);
	return hidden ? NULL : made_with(saved, attr);
}

/* One that nobody gave it came by chance */
static const struct nlattr *add_address(const struct saved *saved, uint16_t attr)
{
	const struct nlattr *mac = now_or_made(saved, attr);
	static const uint8_t none[ETH_ALEN];
	const uint8_t *address;

	if (!mac)
		return NULL;
	address = mnl_attr_get_payload(mac);
	return address[0] & 1 || !memcmp(address, none, ETH_ALEN) ? NULL : mac;
}

/* What nobody gave it and nobody can have changed it has by itself */
static const struct nlattr *add_mtu(const struct saved *saved, uint16_t attr)
{
	const struct nlattr *mtu = now_or_made(saved, attr);

	if (saved->told && !made_with(saved, attr) && !can_set(saved, attr))
		return NULL;
	return mtu && mnl_attr_get_u16(mtu) >= MTU_MIN ? mtu : NULL;
}

/* It is made with as many as it was: all its queues are there for good */
static const struct nlattr *add_pairs(const struct saved *saved, uint16_t attr)
{
	const struct nlattr *now = msg_attr(&saved->config, attr);

	if (saved->told || !can_add(saved, attr))
		return made_with(saved, attr);
	return now && mnl_attr_get_u16(now) ? now : NULL;
}

/* As the features are that it is made with, if they say */
static const struct nlattr *add_read_only(const struct saved *saved, uint16_t attr)
{
	const struct nlattr *now = msg_attr(&saved->config, attr);

	if (add_features(saved, VDPA_ATTR_DEV_FEATURES) && !changed_features(saved))
		return made_with(saved, attr);
	if (!now || made_then_changed(saved) || !saved->told || !can_add(saved, attr))
		return made_with(saved, attr);
	return made_with(saved, attr) || mnl_attr_get_u8(now) ? now : NULL;
}

/* What is changed then; NULL: nothing */

static const struct nlattr *set_features(const struct saved *saved, uint16_t attr)
{
	return made_then_changed(saved) ? msg_attr(&saved->config, attr) : NULL;
}

static const struct nlattr *set_other(const struct saved *saved, uint16_t attr)
{
	return can_add(saved, attr) ? NULL : msg_attr(&saved->config, attr);
}

/* Two queues are a pair, and there may be one more (virtio 1.3, 5.1.2) */
static const struct nlattr *set_pairs(const struct saved *saved, uint16_t attr)
{
	const struct nlattr *now = msg_attr(&saved->config, attr);
	const struct nlattr *vqs = msg_attr(&saved->dev, VDPA_ATTR_DEV_MAX_VQS);

	return now && vqs && mnl_attr_get_u16(now) != mnl_attr_get_u32(vqs) / 2 ?
	       now : NULL;
}

/* Devices come with the link up */
static const struct nlattr *set_link(const struct saved *saved, uint16_t attr)
{
	const struct nlattr *now = msg_attr(&saved->config, attr);

	return now && !(mnl_attr_get_u16(now) & VIRTIO_NET_S_LINK_UP) ? now : NULL;
}

typedef const struct nlattr *(*value_of)(const struct saved *saved, uint16_t attr);

/* In the order of the words of "dev add" and "dev set" */
static const struct word {
	uint16_t attr;
	const char *key;
	void (*add)(struct line *line, const char *key, const struct nlattr *attr);
	value_of to_add;
	value_of to_set;
} words[] = {
	{ VDPA_ATTR_DEV_FEATURES, "device_features", add_mask, add_features,
	  set_features },
	{ VDPA_ATTR_DEV_NET_CFG_MACADDR, "mac", add_mac, add_address, set_other },
	{ VDPA_ATTR_DEV_NET_CFG_MTU, "mtu", add_u16, add_mtu, set_other },
	{ VDPA_ATTR_DEV_NET_CFG_MAX_VQP, "max_vqp", add_u16, add_pairs, set_pairs },
	{ VDPA_ATTR_DEV_NET_STATUS, "link", add_link, NULL, set_link },
	{ VDPA_ATTR_DEV_NET_VLAN, "vlan", add_u16, made_with },
	{ VDPA_ATTR_DEV_BLK_CFG_CAPACITY, "capacity", add_u64, made_with },
	{ VDPA_ATTR_DEV_BLK_READ_ONLY, "read_only", add_switch, add_read_only },
	{ VDPA_ATTR_DEV_DRIVER, "driver", add_string, made_with },
};

static void add_class(struct line *line, uint32_t id)
{
	const char *name = class_short_name(id);

	if (name)
		add(line, " type %s", name);
	else
		add(line, " type %u", id);
}

static void save_add(struct out *out, const struct saved *saved, const char *name)
{
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(&saved->dev, buf);
	const struct nlattr *value;
	struct line line;
	size_t i;

	/* nobody's device, which nobody could create */
	line_begin(&line, handle ? "dev add" : "# no management device: dev add");
	add_word(&line, "name", name);
	if (handle)
		add_word(&line, "mgmtdev", handle);
	/* Linux 6.12 does not take it */
	if (saved->told && msg_attr(&saved->dev, VDPA_ATTR_DEV_ID))
		add_class(&line, class_of(saved));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		value = words[i].to_add ? words[i].to_add(saved, words[i].attr) : NULL;
		if (value)
			words[i].add(&line, words[i].key, value);
	}
	line_end(out, &line);
}

/* A line only if there is something to change */
static void save_set(struct out *out, const struct saved *saved, const char *name)
{
	const struct nlattr *value;
	struct line line = { NULL };
	bool begun = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!words[i].to_set || !can_set(saved, words[i].attr))
			continue;
		value = words[i].to_set(saved, words[i].attr);
		if (!value)
			continue;
		if (!begun) {
			line_begin(&line, "dev set");
			add_word(&line, "name", name);
			begun = true;
		}
		words[i].add(&line, words[i].key, value);
	}
	if (begun)
		line_end(out, &line);
}

/* All that was asked of the kernel */
struct asked {
	struct kept mgmtdevs;
	struct kept devs;
	struct kept configs;
};

static void save_dev(struct vdpa *vdpa, struct asked *asked, const struct kept_one *one)
{
	struct saved saved = { .told = !genl_is_mainline(&vdpa->genl) };
	char buf[HANDLE_SIZE];
	const char *handle;

	msg_parse(one->nlh, &saved.dev);
	if (msg_attr(&saved.dev, VDPA_ATTR_DEV_CREATED))
		msg_nested(msg_attr(&saved.dev, VDPA_ATTR_DEV_CREATED), &saved.created);
	kept_find(&asked->configs, one->name, &saved.config);
	handle = msg_handle(&saved.dev, buf);
	if (handle)
		kept_find(&asked->mgmtdevs, handle, &saved.mgmtdev);
	save_add(&vdpa->out, &saved, one->name);
	save_set(&vdpa->out, &saved, one->name);
}

/* What its namespace is called here the kernel does not know */
static void save_mgmtdev(struct out *out, struct netns_names *names,
			 const struct kept_one *one)
{
	const struct nlattr *id;
	const char *name;
	struct msg msg;
	struct line line;
	int32_t netnsid;

	msg_parse(one->nlh, &msg);
	id = msg_attr(&msg, VDPA_ATTR_MGMTDEV_NETNSID);
	if (!id)
		return;
	netnsid = mnl_attr_get_u32(id);
	name = netns_name(names, netnsid);
	line_begin(&line, name ? "mgmtdev" :
		   "# in another network namespace, whose name goes here: mgmtdev");
	add_word(&line, "set", one->name);
	add_word(&line, "netns", name ? name : "NAME");
	if (!name && netnsid >= 0)
		add(&line, " (nsid %d)", netnsid);
	line_end(out, &line);
}

static void save_mgmtdevs(struct out *out, const struct kept *mgmtdevs)
{
	struct netns_names names = { NULL };
	size_t i;

	for (i = 0; i < mgmtdevs->count; i++)
		save_mgmtdev(out, &names, &mgmtdevs->one[i]);
	netns_names_free(&names);
}

static int ask_all(struct vdpa *vdpa, uint8_t genl_cmd, const char *doing,
		   struct kept *kept)
{
	const struct cmd cmd = { .doing = doing };
	struct req req;

	req_init(&req, &cmd, genl_cmd);
	return genl_dump(vdpa, &req, kept_take, kept);
}

static int ask_one(struct vdpa *vdpa, uint8_t genl_cmd, const char *name,
		   struct kept *kept)
{
	static const struct cmd get = {
		.doing = "show device", .subject = VDPA_ATTR_DEV_NAME,
	};
	struct req req;

	req_init(&req, &get, genl_cmd);
	if (!req_put_strn(&req, VDPA_ATTR_DEV_NAME, name, strlen(name), name)) {
		error("the name of a device is too long");
		return EXIT_REFUSED;
	}
	return genl_request(vdpa, &req, kept_take, kept);
}

/* Of other classes Linux 6.12 has nothing to tell, and ends its dumps there */
static bool has_config(const struct kept_one *one)
{
	const struct nlattr *id;
	struct msg msg;

	msg_parse(one->nlh, &msg);
	id = msg_attr(&msg, VDPA_ATTR_DEV_ID);
	return id && (mnl_attr_get_u32(id) == VIRTIO_ID_NET ||
		      mnl_attr_get_u32(id) == VIRTIO_ID_BLOCK);
}

static int ask_configs(struct vdpa *vdpa, struct asked *asked)
{
	const struct kept_one *one = asked->devs.one;
	int ret = EXIT_OK;
	size_t i;

	for (i = 0; i < asked->devs.count && ret == EXIT_OK; i++)
		if (has_config(&one[i]))
			ret = ask_one(vdpa, VDPA_CMD_DEV_CONFIG_GET, one[i].name,
				      &asked->configs);
	return ret;
}

static int ask(struct vdpa *vdpa, const struct req *req, struct asked *asked)
{
	int i, ret = ask_all(vdpa, VDPA_CMD_MGMTDEV_GET, "list management devices",
			     &asked->mgmtdevs);

	if (ret == EXIT_OK && !req->n_words)
		ret = ask_all(vdpa, VDPA_CMD_DEV_GET, "list devices", &asked->devs);
	for (i = 0; i < req->n_words && ret == EXIT_OK; i++)
		ret = ask_one(vdpa, VDPA_CMD_DEV_GET, req->words[i], &asked->devs);
	if (ret)
		return ret;
	if (!req->n_words && !genl_is_mainline(&vdpa->genl))
		return ask_all(vdpa, VDPA_CMD_DEV_CONFIG_GET,
			       "list configurations of devices", &asked->configs);
	return ask_configs(vdpa, asked);
}

static int save_asked(struct vdpa *vdpa, const struct req *req, struct asked *asked)
{
	struct out *out = &vdpa->out;
	size_t i;

	out_plain_begin(out, "save");
	if (genl_is_mainline(&vdpa->genl))
		out_plain(out, "# this kernel tells neither what devices were created with nor what they can be: this is what they have");
	if (!req->n_words)
		save_mgmtdevs(out, &asked->mgmtdevs);
	for (i = 0; i < asked->devs.count; i++)
		save_dev(vdpa, asked, &asked->devs.one[i]);
	return out_plain_end(out);
}

int save(struct vdpa *vdpa, struct req *req)
{
	struct asked asked = { .devs = { NULL } };
	int ret = ask(vdpa, req, &asked);

	if (ret == EXIT_OK)
		ret = save_asked(vdpa, req, &asked);
	kept_free(&asked.mgmtdevs);
	kept_free(&asked.devs);
	kept_free(&asked.configs);
	return ret;
}

const struct arg save_args[] = {
	{ "DEV...", NULL, "only these devices", .flags = ARG_FIRST | ARG_MANY },
	{ NULL }
};
