// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of features by their names, and vdpa dev features. A word is a list
 * with commas: either of names, or of names each with a sign, which add to
 * and take from what there is.
 */

#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

#define NAME_SIZE	64

/* A name of a list, without its sign */
struct item {
	char sign;		/* 0: none */
	char name[NAME_SIZE];
};

/* Moves *list behind the next name; false: there is none */
static bool next_item(const char **list, struct item *item)
{
	size_t len;

	if (!*list)
		return false;
	item->sign = **list == '+' || **list == '-' ? *(*list)++ : 0;
	len = strcspn(*list, ",");
	/* a longer one is no name of any feature either way */
	snprintf(item->name, sizeof(item->name), "%.*s", (int)len, *list);
	*list = (*list)[len] ? *list + len + 1 : NULL;
	return true;
}

static bool known_somewhere(const char *name)
{
	unsigned int id, bit;

	for (id = 0; id < 64; id++)
		if (feature_by_name(1ULL << id, name, &bit))
			return true;
	return false;
}

bool is_features(const char *word)
{
	struct item item;

	if (word[0] != '-' || !word[1] || word[1] == '-')
		return false;
	if (strstr(word, ",-") || strstr(word, ",+"))
		return true;
	next_item(&word, &item);
	return known_somewhere(item.name);
}

/* What to say of a name that no class of @classes has */
static const char *unknown_feature(const char *name, uint64_t classes,
				   char buf[static 128])
{
	struct suggestion near;

	suggest_init(&near, name);
	suggest_features(&near, classes);
	if (known_somewhere(name))
		return "no feature of this class";
	if (!suggest_word(&near))
		return "unknown feature";
	snprintf(buf, 128, "unknown feature, did you mean \"%s\"?",
		 suggest_word(&near));
	return buf;
}

static int no_features(struct vdpa *vdpa, const char *word, const char *key)
{
	return usage_error(vdpa, word, "%s must be names of features, or a hexadecimal number of at most 64 bits",
			   key);
}

int features_check(struct vdpa *vdpa, const char *word, const char *key)
{
	bool sign = *word == '+' || *word == '-';
	const char *list = word;
	const char *text;
	struct item item;
	char buf[128];

	if (!*word || word[0] == '0')
		return no_features(vdpa, word, key);
	while (next_item(&list, &item)) {
		if (!item.sign != !sign)
			return usage_error(vdpa, word, "either all names have a sign or none");
		if (known_somewhere(item.name))
			continue;
		text = unknown_feature(item.name, ALL_CLASSES, buf);
		/* that may have been meant for a mask */
		if (text != buf && strcmp(item.name, word) == 0)
			return no_features(vdpa, word, key);
		return usage_error(vdpa, item.name, "%s", text);
	}
	return EXIT_OK;
}

static bool is_relative(const struct req *req)
{
	return req->features[0] == '+' || req->features[0] == '-';
}

static int features_put(struct req *req, const struct features *of)
{
	const char *list = req->features;
	uint64_t set = 0;
	struct item item;
	unsigned int bit;
	char buf[128];

	if (is_relative(req) && !of->based) {
		error_word(list, "the kernel does not tell what this is relative to");
		return EXIT_REFUSED;
	}
	if (is_relative(req))
		set = of->base;
	while (next_item(&list, &item)) {
		if (!feature_by_name(of->classes, item.name, &bit)) {
			error_word(item.name, "%s",
				   unknown_feature(item.name, of->classes, buf));
			return EXIT_REFUSED;
		}
		if (item.sign == '-')
			set &= ~(1ULL << bit);
		else
			set |= 1ULL << bit;
	}
	/* there is room, and a mask would have taken it, too */
	req_put(req, VDPA_ATTR_DEV_FEATURES, &set, sizeof(set), req->features);
	return EXIT_OK;
}

/* Of what is to be created: the class given, or the only one there is */

static bool take_mgmtdev(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	struct features *of = data;

	(void)vdpa;
	of->classes = msg_classes(msg);
	of->base = msg_u64(msg, VDPA_ATTR_DEV_SUPPORTED_FEATURES);
	of->based = msg_attr(msg, VDPA_ATTR_DEV_SUPPORTED_FEATURES);
	return true;
}

static int ask_mgmtdev(struct vdpa *vdpa, const struct req *from, struct features *of)
{
	static const struct cmd get = {
		.doing = "ask for the features of management device",
		.subject = VDPA_ATTR_MGMTDEV_DEV_NAME,
	};
	struct req req;

	req_init(&req, &get, VDPA_CMD_MGMTDEV_GET);
	req_copy(&req, from, VDPA_ATTR_MGMTDEV_BUS_NAME);
	req_copy(&req, from, VDPA_ATTR_MGMTDEV_DEV_NAME);
	return genl_request(vdpa, &req, take_mgmtdev, of);
}

int features_put_new(struct vdpa *vdpa, struct req *req)
{
	const struct nlattr *type = req_attr(req, VDPA_ATTR_DEV_ID);
	struct features of = { 0 };
	int ret = EXIT_OK;

	if (!req->features)
		return EXIT_OK;
	if (!type || is_relative(req))
		ret = ask_mgmtdev(vdpa, req, &of);
	if (ret)
		return ret;
	if (type)
		of.classes = mnl_attr_get_u32(type) < 64 ?
			     1ULL << mnl_attr_get_u32(type) : 0;
	if (!(of.classes & (of.classes - 1)))
		return features_put(req, &of);
	error_word(req->features, "which class are they of? Give its type");
	return EXIT_REFUSED;
}

/* Of what there is: its class, and what it offers now */

static bool take_dev(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	struct features *of = data;

	(void)vdpa;
	of->classes = msg_classes(msg);
	of->base = msg_u64(msg, VDPA_ATTR_DEV_FEATURES);
	of->based = msg_attr(msg, VDPA_ATTR_DEV_FEATURES);
	return true;
}

int features_put_change(struct vdpa *vdpa, struct req *req)
{
	static const struct cmd get = {
		.doing = "ask for the features of device",
		.subject = VDPA_ATTR_DEV_NAME,
	};
	struct features of = { 0 };
	struct req ask;
	int ret;

	if (!req->features)
		return EXIT_OK;
	req_init(&ask, &get, VDPA_CMD_DEV_CONFIG_GET);
	req_copy(&ask, req, VDPA_ATTR_DEV_NAME);
	ret = genl_request(vdpa, &ask, take_dev, &of);
	return ret ? ret : features_put(req, &of);
}

/* vdpa dev features */

/* What the management device supports, which its devices do not tell */
static void show_supported(struct out *out, const struct msg *msg,
			   struct kept *mgmtdevs)
{
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(msg, buf);
	struct msg mgmtdev;

	if (handle && kept_find(mgmtdevs, handle, &mgmtdev) &&
	    msg_attr(&mgmtdev, VDPA_ATTR_DEV_SUPPORTED_FEATURES))
		out_features(out, "supported_features", msg_classes(msg),
			     msg_u64(&mgmtdev, VDPA_ATTR_DEV_SUPPORTED_FEATURES));
}

static const struct field features_fields[] = {
	{ VDPA_ATTR_DEV_FEATURES, "device_features", show_features, VIEW_SHOW },
	{ VDPA_ATTR_DEV_NEGOTIATED_FEATURES, "negotiated_features",
	  show_features, VIEW_SHOW },
	{ 0 }
};

static bool features_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct out *out = &vdpa->out;

	if (!name)
		return false;
	out_object(out, mnl_attr_get_str(name), OUT_TREE);
	fields_show(out, features_fields, msg, VIEW_NORMAL);
	show_supported(out, msg, data);
	out_object_end(out);
	return true;
}

static int features_show(struct vdpa *vdpa, struct req *req)
{
	static const struct cmd get = {
		.doing = "list management devices",
		.subject = VDPA_ATTR_MGMTDEV_DEV_NAME,
	};
	struct kept mgmtdevs = { NULL };
	struct req ask;
	int ret;

	req_init(&ask, &get, VDPA_CMD_MGMTDEV_GET);
	ret = genl_dump(vdpa, &ask, kept_take, &mgmtdevs);
	if (ret == EXIT_OK)
		ret = show_with(vdpa, req, "features", VDPA_ATTR_DEV_NAME,
				features_print, NULL, &mgmtdevs);
	kept_free(&mgmtdevs);
	return ret;
}

static const struct arg features_show_args[] = {
	{ "name", "NAME", "only of this device",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST, .parse = parse_string },
	{ NULL }
};

static const struct arg features_set_args[] = {
	{ "name", "NAME", "the device to change",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST | ARG_REQUIRED, .parse = parse_string },
	{ "device_features", "FEATURES", "NAME,.. to offer; +NAME,-NAME: more and less than now; or a mask",
	  VDPA_ATTR_DEV_FEATURES, ARG_SECOND | ARG_REQUIRED | ARG_OURS,
	  .parse = parse_features },
	{ NULL }
};

const struct cmd features_cmds[] = {
	{ "show", "list", .help = "features that devices offer, that are in use, that there could be",
	  .args = features_show_args, .genl_cmd = VDPA_CMD_DEV_CONFIG_GET,
	  .doing = "show features of device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = features_show },
	{ "set", .help = "change what a device offers, before a driver negotiates",
	  .args = features_set_args, .genl_cmd = VDPA_CMD_DEV_ATTR_SET,
	  .doing = "change features of device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = dev_set },
	{ NULL }
};
