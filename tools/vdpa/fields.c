// SPDX-License-Identifier: GPL-2.0
/*
 * How attributes are shown. An object's table says which, in what order and
 * by which of these functions; one that the kernel did not send is left out.
 */

#include <string.h>

#include "vdpa.h"

void fields_show(struct out *out, const struct field *fields,
		 const struct msg *msg, unsigned int view)
{
	for (; fields->attr; fields++) {
		if (!(fields->views & view))
			continue;
		fields->show(out, fields, msg);
		if (fields->unit && out->units && msg_attr(msg, fields->attr))
			out_note(out, fields->unit);
	}
}

void show_str(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_str(out, field->key, mnl_attr_get_str(attr));
}

void show_bool(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_bool(out, field->key, mnl_attr_get_u8(attr));
}

void show_u8(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_uint(out, field->key, mnl_attr_get_u8(attr));
}

void show_u8_hex(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_hex(out, field->key, mnl_attr_get_u8(attr));
}

void show_u16(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_uint(out, field->key, mnl_attr_get_u16(attr));
}

void show_u32(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_uint(out, field->key, mnl_attr_get_u32(attr));
}

void show_u64(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_uint(out, field->key, mnl_attr_get_u64(attr));
}

/* Also in JSON, where parsers read numbers of 2^53 and more as others */
void show_u64_hex(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);
	char text[24];

	if (!attr)
		return;
	snprintf(text, sizeof(text), "0x%llx",
		 (unsigned long long)mnl_attr_get_u64(attr));
	out_str(out, field->key, text);
}

/* With a unit also as people say it */
void show_bytes(struct out *out, const struct field *field, const struct msg *msg)
{
	static const char prefixes[] = "KMGTPE";
	const struct nlattr *attr = msg_attr(msg, field->attr);
	const char *prefix = prefixes;
	uint64_t value;
	char text[24];

	if (!attr)
		return;
	value = mnl_attr_get_u64(attr);
	out_uint(out, field->key, value);
	if (!out->units || value < 1024)
		return;
	for (; value >= 1 << 20; value >>= 10)
		prefix++;
	snprintf(text, sizeof(text), "(%.1f %ciB)", value / 1024.0, *prefix);
	out_note(out, text);
}

void show_mac(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);
	char text[3 * ETH_ALEN];
	const uint8_t *mac;

	if (!attr)
		return;
	mac = mnl_attr_get_payload(attr);
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	out_str(out, field->key, text);
}

const char *msg_handle(const struct msg *msg, char buf[static HANDLE_SIZE])
{
	const struct nlattr *bus = msg_attr(msg, VDPA_ATTR_MGMTDEV_BUS_NAME);
	const struct nlattr *dev = msg_attr(msg, VDPA_ATTR_MGMTDEV_DEV_NAME);

	if (!dev)
		return NULL;
	if (!bus)
		return mnl_attr_get_str(dev);
	snprintf(buf, HANDLE_SIZE, "%s/%s", mnl_attr_get_str(bus),
		 mnl_attr_get_str(dev));
	return buf;
}

void show_handle(struct out *out, const struct field *field, const struct msg *msg)
{
	char buf[HANDLE_SIZE];
	const char *handle = msg_handle(msg, buf);

	if (handle)
		out_str(out, field->key, handle);
}

/* A class without a name is shown by its number, as it can be given */
static const char *class_text(const char *name, uint32_t id, char buf[static 16])
{
	if (name)
		return name;
	snprintf(buf, 16, "%u", id);
	return buf;
}

void show_type(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);
	char buf[16];
	uint32_t id;

	if (!attr)
		return;
	id = mnl_attr_get_u32(attr);
	out_str(out, field->key, class_text(class_type_name(id), id, buf));
}

void show_classes(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);
	char buf[16];
	uint64_t set;
	uint32_t id;

	if (!attr)
		return;
	out_list(out, field->key);
	for (set = mnl_attr_get_u64(attr); set; set &= set - 1) {
		id = __builtin_ctzll(set);
		out_item_str(out, class_text(class_short_name(id), id, buf));
	}
	out_list_end(out);
}

uint64_t msg_classes(const struct msg *msg)
{
	const struct nlattr *set = msg_attr(msg, VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES);
	const struct nlattr *id = msg_attr(msg, VDPA_ATTR_DEV_ID);

	if (set)
		return mnl_attr_get_u64(set);
	if (id && mnl_attr_get_u32(id) < 64)
		return 1ULL << mnl_attr_get_u32(id);
	return 0;
}

void out_features(struct out *out, const char *key, uint64_t classes, uint64_t set)
{
	unsigned int bit;
	const char *name;

	out_list(out, key);
	for (; set; set &= set - 1) {
		bit = __builtin_ctzll(set);
		name = feature_name(classes, bit);
		if (name)
			out_item_str(out, name);
		else
			out_item_bit(out, bit);
	}
	out_list_end(out);
}

void show_features(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_features(out, field->key, msg_classes(msg),
			     mnl_attr_get_u64(attr));
}

/* A kernel that tells of drivers tells the status; then no driver means none */
void show_driver(struct out *out, const struct field *field, const struct msg *msg)
{
	const struct nlattr *attr = msg_attr(msg, field->attr);

	if (attr)
		out_str(out, field->key, mnl_attr_get_str(attr));
	else if (msg_attr(msg, VDPA_ATTR_DEV_STATUS))
		out_none(out, field->key, "none");
}
