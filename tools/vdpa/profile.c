// SPDX-License-Identifier: GPL-2.0
/*
 * Profiles: what a device is like, as a JSON document that is kept in a file,
 * so that another one can be made like it, perhaps elsewhere. The document is
 * an object whose keys are those below; all but the first two may be missing.
 * Whoever reads one takes it for the work of a stranger.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

#define KNOWN_VERSION	1
#define PROFILE_MAX	(1 << 20)	/* bytes; a real one has a few thousand */

/* Showing: values that are written in another way than by other commands */

static void show_class(struct out *out, const struct field *field,
		       const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);
	const char *name;
	char number[16];

	if (!attr)
		return;
	name = class_short_name(mnl_attr_get_u32(attr));
	snprintf(number, sizeof(number), "%u", mnl_attr_get_u32(attr));
	out_str(out, field->key, name ? name : number);
}

/* Of features the name, or "bit_N": a string in any case */
static void out_names(struct out *out, const char *key, uint64_t classes,
		      uint64_t set, bool backend)
{
	unsigned int bit;
	const char *name;
	char number[16];

	out_list(out, key);
	for (; set; set &= set - 1) {
		bit = __builtin_ctzll(set);
		name = backend ? backend_feature_name(bit) : feature_name(classes, bit);
		snprintf(number, sizeof(number), "bit_%u", bit);
		out_item_str(out, name ? name : number);
	}
	out_list_end(out);
}

static void show_names(struct out *out, const struct field *field,
		       const struct msg *msg)
{
	bool backend = field->attr == VDPA_ATTR_DEV_BACKEND_FEATURES;

	if (msg_attr(msg, field->attr))
		out_names(out, field->key, msg_classes(msg),
			  msg_u64(msg, field->attr), backend);
}

/* Reading */

struct reader {
	const char *file;
	const json_t *root;
	uint64_t classes;	/* of its type; names of features are theirs */
	unsigned int errors;
	struct req *req;
};

struct key;
/* The value as it is in the attribute; false: it is none, as was said */
typedef bool (*key_read)(struct reader *reader, const struct key *key,
			 const json_t *json, void *value);

struct key {
	struct field field;
	key_read read;
	uint8_t size;		/* of the value */
	uint8_t use;
};

#define USE_ADD		0x1	/* a device is created with it */
#define USE_ADD_SET	0x2	/* the same, but only if it is not 0 */
#define USE_CHECK	0x4	/* a management device may not have it */

static const struct key *key_find(const char *name);

static void complain(struct reader *reader, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct reader *reader, const char *key, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error("%s: \"%s\": %s", reader->file, key, text);
	reader->errors++;
}

static bool read_number(struct reader *reader, const struct key *key,
			const json_t *json, void *value)
{
	uint64_t max = key->size < 8 ? (1ULL << 8 * key->size) - 1 : INT64_MAX;
	uint64_t number = json_integer_value(json);

	if (!json_is_integer(json) || json_integer_value(json) < 0 || number > max) {
		complain(reader, key->field.key, "must be a number from 0 to %llu",
			 (unsigned long long)max);
		return false;
	}
	if (key->size == 1)
		*(uint8_t *)value = number;
	else if (key->size == 2)
		*(uint16_t *)value = number;
	else if (key->size == 4)
		*(uint32_t *)value = number;
	else
		*(uint64_t *)value = number;
	return true;
}

static bool read_bool(struct reader *reader, const struct key *key,
		      const json_t *json, void *value)
{
	if (!json_is_boolean(json)) {
		complain(reader, key->field.key, "must be true or false");
		return false;
	}
	*(uint8_t *)value = json_is_true(json);
	return true;
}

static bool read_mac(struct reader *reader, const struct key *key,
		     const json_t *json, void *value)
{
	if (json_is_string(json) && mac_address(json_string_value(json), value))
		return true;
	complain(reader, key->field.key, "must be 6 bytes like \"00:11:22:33:44:55\"");
	return false;
}

static bool read_class(struct reader *reader, const struct key *key,
		       const json_t *json, void *value)
{
	const char *name = json_is_string(json) ? json_string_value(json) : "";
	uint64_t number;
	uint32_t id;

	if (!class_by_name(name, &id)) {
		if (!decimal(name, UINT32_MAX, &number)) {
			complain(reader, key->field.key,
				 "must be a class like \"net\" or the digits of a virtio device id");
			return false;
		}
		id = number;
	}
	memcpy(value, &id, sizeof(id));
	return true;
}

static bool read_address(struct reader *reader, const struct key *key,
			 const json_t *json, void *value)
{
	const char *text = json_is_string(json) ? json_string_value(json) : "";
	uint64_t address;

	if (strncmp(text, "0x", 2) || !hexadecimal(text + 2, &address)) {
		complain(reader, key->field.key,
			 "must be a string of hexadecimal digits like \"0xffff\"");
		return false;
	}
	memcpy(value, &address, sizeof(address));
	return true;
}

static bool name_bit(const struct reader *reader, const struct key *key,
		     const char *name, unsigned int *bit)
{
	if (key->field.attr == VDPA_ATTR_DEV_BACKEND_FEATURES)
		return backend_feature_by_name(name, bit);
	return feature_by_name(reader->classes, name, bit);
}

static bool read_names(struct reader *reader, const struct key *key,
		       const json_t *json, void *value)
{
	const char *name;
	unsigned int bit;
	uint64_t set = 0;
	size_t i;

	for (i = 0; i < json_array_size(json); i++) {
		name = json_string_value(json_array_get(json, i));
		if (!name)
			break;
		if (!name_bit(reader, key, name, &bit)) {
			complain(reader, key->field.key, "there is no feature \"%s\"",
				 name);
			return false;
		}
		set |= 1ULL << bit;
	}
	if (!json_is_array(json) || i < json_array_size(json)) {
		complain(reader, key->field.key, "must be a list of names");
		return false;
	}
	memcpy(value, &set, sizeof(set));
	return true;
}

static bool read_text(struct reader *reader, const struct key *key,
		      const json_t *json, void *value)
{
	(void)value;
	if (!json_is_string(json))
		complain(reader, key->field.key, "must be a string");
	return json_is_string(json);
}

#define KEY(_attr, _key, _show, _read, _size, _use) {			\
	.field = { VDPA_ATTR_##_attr, _key, _show, VIEW_SHOW },		\
	.read = _read, .size = _size, .use = _use }
#define NUMBER(attr, key, bits, use)					\
	KEY(attr, key, show_u##bits, read_number, (bits) / 8, use)

/* In the order in which they are written */
static const struct key keys[] = {
	NUMBER(PROFILE_VERSION, "profile_version", 32, USE_CHECK),
	KEY(DEV_ID, "type", show_class, read_class, 4, USE_CHECK | USE_ADD),
	/* which device it was, for people */
	KEY(DEV_NAME, "name", show_str, read_text, 0, 0),
	KEY(MGMTDEV_DEV_NAME, "mgmtdev", show_handle, read_text, 0, 0),
	KEY(DEV_FEATURES, "device_features", show_names, read_names, 8,
	    USE_CHECK | USE_ADD),
	KEY(DEV_NEGOTIATED_FEATURES, "negotiated_features", show_names,
	    read_names, 8, 0),
	KEY(DEV_BACKEND_FEATURES, "backend_features", show_names,
	    read_names, 8, USE_CHECK),
	NUMBER(DEV_MAX_VQS, "max_vqs", 32, USE_CHECK),
	NUMBER(DEV_MAX_VQ_SIZE, "max_vq_size", 16, USE_CHECK),
	NUMBER(DEV_MIN_VQ_SIZE, "min_vq_size", 16, USE_CHECK),
	NUMBER(DEV_GROUPS, "groups", 32, USE_CHECK),
	NUMBER(DEV_ADDRESS_SPACES, "address_spaces", 32, USE_CHECK),
	KEY(DEV_IOVA_FIRST, "iova_first", show_u64_hex, read_address, 8, USE_CHECK),
	KEY(DEV_IOVA_LAST, "iova_last", show_u64_hex, read_address, 8, USE_CHECK),
	KEY(DEV_NET_CFG_MACADDR, "mac", show_mac, read_mac, ETH_ALEN,
	    USE_CHECK | USE_ADD),
	NUMBER(DEV_NET_CFG_MTU, "mtu", 16, USE_CHECK | USE_ADD),
	NUMBER(DEV_NET_CFG_MAX_VQP, "max_vqp", 16, USE_CHECK | USE_ADD),
	NUMBER(DEV_NET_VLAN, "vlan", 16, USE_CHECK | USE_ADD),
	NUMBER(DEV_BLK_CFG_CAPACITY, "capacity", 64, USE_CHECK | USE_ADD),
	KEY(DEV_BLK_READ_ONLY, "read_only", show_bool, read_bool, 1,
	    USE_CHECK | USE_ADD_SET),
	KEY(DEV_BLK_FLUSH, "flush", show_bool, read_bool, 1, USE_CHECK),
	NUMBER(DEV_BLK_CFG_SIZE_MAX, "size_max", 32, USE_CHECK),
	NUMBER(DEV_BLK_CFG_SEG_MAX, "seg_max", 32, USE_CHECK),
	NUMBER(DEV_BLK_CFG_BLK_SIZE, "blk_size", 32, USE_CHECK),
	NUMBER(DEV_BLK_CFG_NUM_QUEUES, "num_queues", 16, USE_CHECK),
	NUMBER(DEV_BLK_CFG_PHY_BLK_EXP, "phy_blk_exp", 8, USE_CHECK),
	NUMBER(DEV_BLK_CFG_ALIGN_OFFSET, "align_offset", 8, USE_CHECK),
	NUMBER(DEV_BLK_CFG_MIN_IO_SIZE, "min_io_size", 16, USE_CHECK),
	NUMBER(DEV_BLK_CFG_OPT_IO_SIZE, "opt_io_size", 32, USE_CHECK),
	NUMBER(DEV_BLK_CFG_MAX_DISCARD_SEC, "max_discard_sec", 32, USE_CHECK),
	NUMBER(DEV_BLK_CFG_MAX_DISCARD_SEG, "max_discard_seg", 32, USE_CHECK),
	NUMBER(DEV_BLK_CFG_DISCARD_SEC_ALIGN, "discard_sec_align", 32, USE_CHECK),
	NUMBER(DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC, "max_write_zeroes_sec", 32,
	       USE_CHECK),
	NUMBER(DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG, "max_write_zeroes_seg", 32,
	       USE_CHECK),
};

static const struct key *key_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].field.key, name) == 0)
			return &keys[i];
	return NULL;
}

static const struct key *key_of(uint32_t attr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].field.attr == attr)
			return &keys[i];
	return NULL;
}

static void unknown_key(struct reader *reader, const char *name)
{
	struct suggestion near;
	size_t i;

	suggest_init(&near, name);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		suggest_from(&near, keys[i].field.key);
	if (suggest_word(&near))
		complain(reader, name, "unknown key, did you mean \"%s\"?",
			 suggest_word(&near));
	else
		complain(reader, name, "unknown key");
}

/*
 * "FILE: KEY", to be named if the kernel refuses it; lives as long as @req. Without
 * memory @key is named, which has to live as long, too.
 */
static const char *key_word(struct req *req, const char *file, const char *key)
{
	json_t *word = json_sprintf("%s: %s", file, key);

	if (!req->keep)
		req->keep = json_array();
	/* takes the reference, also if it fails */
	if (!word || json_array_append_new(req->keep, word))
		return key;
	return json_string_value(word);
}

/* What the command line says wins */
static bool key_given(const struct req *req, const struct key *key)
{
	return req_word(req, key->field.attr) ||
	       (key->field.attr == VDPA_ATTR_DEV_FEATURES && req->features);
}

static void profile_key(struct reader *reader, const char *name,
			const json_t *json, unsigned int use)
{
	const struct key *key = key_find(name);
	uint64_t value = 0;

	if (!key) {
		unknown_key(reader, name);
		return;
	}
	if (!key->read(reader, key, json, &value) || !(key->use & use) ||
	    key_given(reader->req, key))
		return;
	if (!(key->use & use & ~USE_ADD_SET) && !value)
		return;
	if (!req_put(reader->req, key->field.attr, &value, key->size,
		     key_word(reader->req, reader->file, key->field.key)))
		complain(reader, name, "is too long");
}

/* What all else depends on */
static void profile_begin(struct reader *reader)
{
	const json_t *version = json_object_get(reader->root, "profile_version");
	const json_t *type = json_object_get(reader->root, "type");
	uint32_t id;

	if (json_integer_value(version) != KNOWN_VERSION)
		complain(reader, "profile_version", "must be %u, the only version there is",
			 KNOWN_VERSION);
	else if (!type)
		complain(reader, "type", "is missing");
	else if (read_class(reader, key_find("type"), type, &id) && id < 64)
		reader->classes = 1ULL << id;
}

static json_t *profile_load(struct file *file)
{
	json_error_t err;
	const char *text;
	json_t *root;
	size_t len;

	text = file_all(file, PROFILE_MAX, &len);
	if (!text)
		return NULL;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);
	if (!root)
		error("%s:%d:%d: %s", file->name, err.line, err.column, err.text);
	if (root && !json_is_object(root)) {
		error("%s: not a profile, which is a JSON object", file->name);
		json_decref(root);
		root = NULL;
	}
	return root;
}

/* Everything that is wrong with the file is told */
static int profile_put(struct req *req, const char *name, unsigned int use)
{
	struct reader reader = { .req = req };
	const char *key;
	struct file file;
	json_t *root, *value;

	if (file_open(&file, name))
		return EXIT_REFUSED;
	root = profile_load(&file);
	file_close(&file);
	if (!root)
		return EXIT_REFUSED;
	reader.file = file.name;
	reader.root = root;
	profile_begin(&reader);
	if (!reader.errors) {
		json_object_foreach(root, key, value)
			profile_key(&reader, key, value, use);
	}
	json_decref(root);
	return reader.errors ? EXIT_REFUSED : EXIT_OK;
}

int profile_put_new(struct req *req)
{
	if (!req->profile)
		return EXIT_OK;
	return profile_put(req, req->profile, USE_ADD | USE_ADD_SET);
}

/* vdpa mgmtdev check */

struct check {
	uint64_t classes;	/* of the profile */
	unsigned int reasons;
	bool told;
	int ret;		/* of the output */
};

static void reason_value(struct out *out, const struct check *check, uint32_t attr,
			 const char *name, uint64_t value)
{
	bool backend = attr == VDPA_ATTR_DEV_BACKEND_FEATURES;

	if (backend || attr == VDPA_ATTR_DEV_FEATURES)
		out_names(out, name, check->classes, value, backend);
	else
		out_uint(out, name, value);
}

static void reason_values(struct out *out, const struct check *check, uint32_t attr,
			  const struct msg *reason)
{
	uint64_t wanted = msg_u64(reason, VDPA_REASON_ATTR_WANTED);
	uint64_t available = msg_u64(reason, VDPA_REASON_ATTR_AVAILABLE);
	bool names = attr == VDPA_ATTR_DEV_FEATURES ||
		     attr == VDPA_ATTR_DEV_BACKEND_FEATURES;

	/* people look for what is missing */
	if (names && !out->json)
		reason_value(out, check, attr, "missing", wanted & ~available);
	else if (msg_attr(reason, VDPA_REASON_ATTR_WANTED))
		reason_value(out, check, attr, "wanted", wanted);
	if ((out->json || !names) && msg_attr(reason, VDPA_REASON_ATTR_AVAILABLE))
		reason_value(out, check, attr, "available", available);
}

static void reason_text(struct out *out, struct check *check, uint32_t attr,
			const char *name, const char *text, const struct msg *reason)
{
	char *title;

	if (asprintf(&title, "%s: %s", name, text) < 0) {
		title = NULL;
		out->failed = true;
	}
	out_single(out, title ? title : "");
	free(title);
	if (msg_attr(reason, VDPA_REASON_ATTR_WANTED)) {
		out_paren(out);
		reason_values(out, check, attr, reason);
		out_paren_end(out);
	}
	check->ret |= out_single_end(out);
}

static void reason_print(struct out *out, struct check *check,
			 const struct nlattr *nest)
{
	const struct nlattr *attr, *text;
	const struct key *key;
	struct msg reason;
	const char *name;
	char number[24];
	uint32_t about;

	msg_nested(nest, &reason);
	attr = msg_attr(&reason, VDPA_REASON_ATTR_ATTR);
	text = msg_attr(&reason, VDPA_REASON_ATTR_TEXT);
	about = attr ? mnl_attr_get_u32(attr) : 0;
	key = key_of(about);
	snprintf(number, sizeof(number), "attr_%u", about);
	name = key ? key->field.key :
	       about == VDPA_ATTR_MGMTDEV_RESOURCE ? "resource" : number;
	check->reasons++;

	if (!out->json) {
		reason_text(out, check, about, name,
			    text ? mnl_attr_get_str(text) : "is not supported",
			    &reason);
		return;
	}
	out_row(out, "", "");
	out_str(out, "key", name);
	if (text)
		out_str(out, "text", mnl_attr_get_str(text));
	reason_values(out, check, about, &reason);
	out_row_end(out);
}

static bool has_reason(const struct msg *msg)
{
	return msg_attr(msg, VDPA_ATTR_CHECK_REASON);
}

static bool check_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	struct out *out = &vdpa->out;
	struct check *check = data;
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(msg, buf);
	const struct nlattr *attr;

	if (!handle)
		return false;
	check->told = true;
	if (out->json) {
		out_begin(out, "check");
		out_object(out, handle, OUT_LINE);
		out_bool(out, "compatible", !has_reason(msg));
		out_rows(out, "reasons");
	} else if (!has_reason(msg)) {
		out_single(out, "compatible");
		check->ret |= out_single_end(out);
	}
	msg_for_each(attr, msg)
		if (mnl_attr_get_type(attr) == VDPA_ATTR_CHECK_REASON)
			reason_print(out, check, attr);
	if (out->json) {
		out_rows_end(out);
		out_object_end(out);
		check->ret |= out_end(out);
	}
	return true;
}

int mgmtdev_check(struct vdpa *vdpa, struct req *req)
{
	const char *mgmtdev = req_word(req, VDPA_ATTR_MGMTDEV_DEV_NAME);
	struct check check = { 0 };
	const struct nlattr *type;
	int ret;

	ret = profile_put(req, req->profile, USE_CHECK);
	if (ret)
		return ret;
	type = req_attr(req, VDPA_ATTR_DEV_ID);
	if (type && mnl_attr_get_u32(type) < 64)
		check.classes = 1ULL << mnl_attr_get_u32(type);
	ret = genl_request(vdpa, req, check_print, &check);
	if (ret == EXIT_OK && !check.told) {
		error("the kernel has not said whether it can create such a device");
		ret = EXIT_REFUSED;
	}
	if (ret == EXIT_OK && check.reasons) {
		error_word(mgmtdev, "cannot create a device of this profile");
		ret = EXIT_REFUSED;
	}
	return ret ?: check.ret;
}

const struct arg mgmtdev_check_args[] = {
	{ "mgmtdev", "MGMTDEV", "what would create it: BUS/NAME or NAME",
	  VDPA_ATTR_MGMTDEV_DEV_NAME, ARG_FIRST | ARG_REQUIRED,
	  .parse = parse_handle },
	{ "profile", "FILE", "what the device should be like; -: standard input",
	  .flags = ARG_REQUIRED, .parse = parse_profile },
	{ NULL }
};

/* vdpa dev profile */

struct shown {
	bool told;
	int ret;		/* of the output */
};

static bool profile_print(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	struct out *out = &vdpa->out;
	struct shown *shown = data;
	bool json = out->json, pretty = out->pretty;
	size_t i;

	if (!msg_attr(msg, VDPA_ATTR_DEV_NAME))
		return false;
	shown->told = true;
	/* a file is JSON in any case, and people may look at it */
	out->pretty |= !json;
	out->json = true;
	out_single(out, "");
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		keys[i].field.show(out, &keys[i].field, msg);
	shown->ret |= out_single_end(out);
	out->json = json;
	out->pretty = pretty;
	return true;
}

static int profile_show(struct vdpa *vdpa, struct req *req)
{
	struct shown shown = { false };
	int ret = genl_request(vdpa, req, profile_print, &shown);

	if (ret == EXIT_OK && !shown.told) {
		error("the kernel has not told the profile of the device");
		ret = EXIT_REFUSED;
	}
	return ret ?: shown.ret;
}

static const struct arg profile_show_args[] = {
	{ "name", "NAME", "the device",
	  VDPA_ATTR_DEV_NAME, ARG_FIRST | ARG_REQUIRED, .parse = parse_string },
	{ NULL }
};

const struct cmd profile_cmds[] = {
	{ "show", .help = "what a device is like, to make another one by it",
	  .args = profile_show_args, .genl_cmd = VDPA_CMD_DEV_PROFILE_GET,
	  .doing = "show profile of device", .subject = VDPA_ATTR_DEV_NAME,
	  .run = profile_show },
	{ NULL }
};
