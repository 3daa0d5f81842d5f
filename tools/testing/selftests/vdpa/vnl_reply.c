// SPDX-License-Identifier: GPL-2.0
/*
 * Replies with all their attributes, and what is nested in these
 */

#include <string.h>

#include <libmnl/libmnl.h>

#include "vnl_reply.h"

static int reply_attr(const struct nlattr *attr, void *arg)
{
	uint16_t type = mnl_attr_get_type(attr);
	struct vnl_reply *r = arg;

	if (type == VDPA_ATTR_DEV_VENDOR_ATTR_NAME && r->pairs < VNL_REPLY_PAIRS)
		r->name[r->pairs] = mnl_attr_get_str(attr);
	if (type == VDPA_ATTR_DEV_VENDOR_ATTR_VALUE && r->pairs < VNL_REPLY_PAIRS)
		r->value[r->pairs++] = mnl_attr_get_u64(attr);
	if (type < VNL_REPLY_ATTRS)
		r->attr[type] = attr;
	return MNL_CB_OK;
}

void vnl_reply_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct vnl_reply *r = arg;
	unsigned int nr = r->nr + 1;

	memset(r, 0, sizeof(*r));
	r->nr = nr;
	r->cmd = genl->cmd;
	memcpy(r->buf, nlh, nlh->nlmsg_len);
	mnl_attr_parse((struct nlmsghdr *)r->buf, GENL_HDRLEN, reply_attr, r);
}

int vnl_reply_dev(struct vnl *s, uint8_t cmd, const char *name,
		  struct vnl_reply *r)
{
	struct vnl_msg m;

	memset(r, 0, sizeof(*r));
	vnl_msg_init(&m, s, cmd, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	return vnl_request(s, &m, vnl_reply_cb, r);
}

int vnl_reply_mgmt(struct vnl *s, uint8_t cmd, const char *handle,
		   struct vnl_reply *r)
{
	struct vnl_msg m;

	memset(r, 0, sizeof(*r));
	vnl_msg_init(&m, s, cmd, 0);
	vnl_put_handle(&m, handle);
	return vnl_request(s, &m, vnl_reply_cb, r);
}

long long vnl_attr_nr(const struct nlattr *attr)
{
	if (!attr)
		return -1;
	switch (mnl_attr_get_payload_len(attr)) {
	case 1:
		return mnl_attr_get_u8(attr);
	case 2:
		return mnl_attr_get_u16(attr);
	case 4:
		return mnl_attr_get_u32(attr);
	case 8:
		return mnl_attr_get_u64(attr);
	default:
		return -2;
	}
}

long long vnl_nr(const struct vnl_reply *r, uint16_t type)
{
	return vnl_attr_nr(r->attr[type]);
}

const char *vnl_text(const struct vnl_reply *r, uint16_t type)
{
	return r->attr[type] ? mnl_attr_get_str(r->attr[type]) : "";
}

static int nest_attr(const struct nlattr *attr, void *arg)
{
	struct vnl_nest *nest = arg;

	if (mnl_attr_get_type(attr) < VNL_REPLY_ATTRS)
		nest->attr[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

unsigned int vnl_nests(const struct vnl_reply *r, uint16_t type,
		       struct vnl_nest *nests, unsigned int room)
{
	const struct nlattr *attr;
	unsigned int nr = 0;

	mnl_attr_for_each(attr, (const struct nlmsghdr *)r->buf, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) != type || nr == room)
			continue;
		memset(&nests[nr], 0, sizeof(nests[nr]));
		mnl_attr_parse_nested(attr, nest_attr, &nests[nr++]);
	}
	return nr;
}
