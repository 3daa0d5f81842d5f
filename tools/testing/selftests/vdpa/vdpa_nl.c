// SPDX-License-Identifier: GPL-2.0
/* Requests, dumps and events of the generic netlink family "vdpa" */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "vdpa_nl.h"

#define VNL_ATTR_MAX	VDPA_ATTR_DEV_DRIVER

/* The test itself cannot go on: the harness sees the exit status */
static void __attribute__((noreturn, format(printf, 1, 2)))
vnl_die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "# vdpa_nl: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	_exit(1);
}

/*
 * Messages
 */

static void vnl_msg_start(struct vnl_msg *m, uint16_t type, uint8_t cmd,
			  uint8_t version, uint16_t flags)
{
	struct genlmsghdr *genl;

	memset(m->buf, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	m->nlh = (struct nlmsghdr *)m->buf;
	m->nlh->nlmsg_type = type;
	m->nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	m->nlh->nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	genl = NLMSG_DATA(m->nlh);
	genl->cmd = cmd;
	genl->version = version;
}

void vnl_msg_init(struct vnl_msg *m, const struct vnl *s, uint8_t cmd,
		  uint16_t flags)
{
	vnl_msg_start(m, s->family, cmd, VDPA_GENL_VERSION, flags);
}

/* Bytes behind the last attribute, as they are */
void vnl_put_garbage(struct vnl_msg *m, const void *data, size_t len)
{
	if (m->nlh->nlmsg_len + len > sizeof(m->buf))
		vnl_die("message too long");
	memcpy(m->buf + m->nlh->nlmsg_len, data, len);
	m->nlh->nlmsg_len += len;
}

/*
 * The padding behind the attribute is filled with text rather than with
 * zeros: whoever reads a string past its end shall find something.
 */
void vnl_put(struct vnl_msg *m, uint16_t type, const void *data, size_t len)
{
	struct nlattr nla = {
		.nla_type = type,
		.nla_len = NLA_HDRLEN + len,
	};

	vnl_put_garbage(m, &nla, sizeof(nla));
	vnl_put_garbage(m, data, len);
	vnl_put_garbage(m, "ZZZ", NLA_ALIGN(nla.nla_len) - nla.nla_len);
}

void vnl_put_str(struct vnl_msg *m, uint16_t type, const char *str)
{
	vnl_put(m, type, str, strlen(str) + 1);
}

void vnl_put_u8(struct vnl_msg *m, uint16_t type, uint8_t v)
{
	vnl_put(m, type, &v, sizeof(v));
}

void vnl_put_u16(struct vnl_msg *m, uint16_t type, uint16_t v)
{
	vnl_put(m, type, &v, sizeof(v));
}

void vnl_put_u32(struct vnl_msg *m, uint16_t type, uint32_t v)
{
	vnl_put(m, type, &v, sizeof(v));
}

void vnl_put_u64(struct vnl_msg *m, uint16_t type, uint64_t v)
{
	vnl_put(m, type, &v, sizeof(v));
}

/* "NAME" or "BUS/NAME" */
void vnl_put_handle(struct vnl_msg *m, const char *handle)
{
	const char *slash = strchr(handle, '/');
	char bus[VNL_NAME_LEN];

	if (slash) {
		snprintf(bus, sizeof(bus), "%.*s", (int)(slash - handle),
			 handle);
		vnl_put_str(m, VDPA_ATTR_MGMTDEV_BUS_NAME, bus);
		handle = slash + 1;
	}
	vnl_put_str(m, VDPA_ATTR_MGMTDEV_DEV_NAME, handle);
}

/*
 * Errors
 */

static int vnl_attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= VNL_ATTR_MAX)
		tb[type] = attr;
	return MNL_CB_OK;
}

/* Which attribute of the request does the error's offset stand for? */
static int vnl_offs_to_attr(const struct nlmsghdr *req, uint32_t offs)
{
	const struct nlattr *nla;

	if (offs < NLMSG_HDRLEN + GENL_HDRLEN ||
	    offs + sizeof(*nla) > req->nlmsg_len || offs % NLA_ALIGNTO)
		vnl_die("offset %u of the attribute at fault lies outside the request",
			offs);
	nla = (const void *)((const char *)req + offs);
	return nla->nla_type & NLA_TYPE_MASK;
}

static void vnl_err_attrs(struct vnl_err *err, const struct nlmsghdr *nlh,
			  size_t offset, const struct nlmsghdr *req)
{
	const struct nlattr *tb[VNL_ATTR_MAX + 1] = { NULL };

	mnl_attr_parse(nlh, offset, vnl_attr_cb, tb);
	if (tb[NLMSGERR_ATTR_MSG])
		snprintf(err->text, sizeof(err->text), "%s",
			 mnl_attr_get_str(tb[NLMSGERR_ATTR_MSG]));
	if (tb[NLMSGERR_ATTR_OFFS])
		err->bad_attr =
			vnl_offs_to_attr(req, mnl_attr_get_u32(tb[NLMSGERR_ATTR_OFFS]));
	if (tb[NLMSGERR_ATTR_MISS_TYPE])
		err->miss_attr = mnl_attr_get_u32(tb[NLMSGERR_ATTR_MISS_TYPE]);
}

static void vnl_err_clear(struct vnl_err *err)
{
	memset(err, 0, sizeof(*err));
	err->bad_attr = -1;
	err->miss_attr = -1;
}

/* From an acknowledgment */
static void vnl_err_parse(struct vnl_err *err, const struct nlmsghdr *nlh,
			  const struct nlmsghdr *req)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*e);

	vnl_err_clear(err);
	err->err = -e->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	vnl_err_attrs(err, nlh, offset, req);
}

/* From the end of a dump */
static void vnl_err_done(struct vnl_err *err, const struct nlmsghdr *nlh,
			 const struct nlmsghdr *req)
{
	const int *e = mnl_nlmsg_get_payload(nlh);

	vnl_err_clear(err);
	err->err = *e < 0 ? -*e : 0;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		vnl_err_attrs(err, nlh, sizeof(*e), req);
}

/*
 * Sockets
 */

static ssize_t vnl_recv(struct vnl *s, size_t len, int flags)
{
	struct iovec iov = { .iov_base = s->buf, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do {
		n = recvmsg(s->fd, &mh, flags);
	} while (n < 0 && errno == EINTR);
	if (n > 0 && (mh.msg_flags & MSG_TRUNC))
		vnl_die("a message did not fit into %zu bytes", len);
	return n;
}

/* Blocking; no answer at all is a failure of the kernel that ends the test */
static ssize_t vnl_recv_answer(struct vnl *s, size_t len)
{
	ssize_t n = vnl_recv(s, len, 0);

	if (n < 0)
		vnl_die("no answer: %s", strerror(errno));
	return n;
}

static void vnl_socket(struct vnl *s)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	struct timeval tv = { .tv_sec = VNL_TIMEOUT_S };
	int on = 1;

	memset(s, 0, offsetof(struct vnl, buf));
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (s->fd < 0)
		vnl_die("socket: %s", strerror(errno));
	if (bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		vnl_die("netlink socket: %s", strerror(errno));
}

static void vnl_family_group(struct vnl *s, const struct nlattr *groups)
{
	const struct nlattr *grp, *attr;

	mnl_attr_for_each_nested(grp, groups) {
		const char *name = "";
		uint32_t id = 0;

		mnl_attr_for_each_nested(attr, grp) {
			switch (mnl_attr_get_type(attr)) {
			case CTRL_ATTR_MCAST_GRP_NAME:
				name = mnl_attr_get_str(attr);
				break;
			case CTRL_ATTR_MCAST_GRP_ID:
				id = mnl_attr_get_u32(attr);
				break;
			}
		}
		if (!strcmp(name, VDPA_GENL_MCGRP_MONITOR_NAME))
			s->group = id;
	}
}

static void vnl_family_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;
	struct vnl *s = arg;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			s->family = mnl_attr_get_u16(attr);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			vnl_family_group(s, attr);
			break;
		}
	}
}

int vnl_try_open(struct vnl *s)
{
	struct vnl_msg m;
	int err;

	vnl_socket(s);
	vnl_msg_start(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
	vnl_put_str(&m, CTRL_ATTR_FAMILY_NAME, VDPA_GENL_NAME);
	err = vnl_request(s, &m, vnl_family_cb, s);
	if (err)
		vnl_close(s);
	return err;
}

void vnl_open(struct vnl *s)
{
	int err = vnl_try_open(s);

	if (err)
		vnl_die("family %s: %s", VDPA_GENL_NAME, strerror(err));
}

void vnl_connect(struct vnl *s)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };

	if (connect(s->fd, (struct sockaddr *)&addr, sizeof(addr)))
		vnl_die("connect: %s", strerror(errno));
	s->connected = true;
}

void vnl_close(struct vnl *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/*
 * Requests
 */

int vnl_send(struct vnl *s, struct vnl_msg *m)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	ssize_t n;

	m->nlh->nlmsg_seq = ++s->seq;
	n = sendto(s->fd, m->nlh, m->nlh->nlmsg_len, 0,
		   s->connected ? NULL : (struct sockaddr *)&addr,
		   s->connected ? 0 : sizeof(addr));
	return n < 0 ? errno : 0;
}

/* Whatever comes before the acknowledgment of @m goes to @cb */
int vnl_wait_ack(struct vnl *s, const struct vnl_msg *m, vnl_cb cb, void *arg)
{
	const struct nlmsghdr *nlh;
	int n;

	for (;;) {
		n = vnl_recv_answer(s, s->large ? VNL_CHUNK_LARGE : VNL_CHUNK_SMALL);
		for (nlh = (void *)s->buf; mnl_nlmsg_ok(nlh, n);
		     nlh = mnl_nlmsg_next(nlh, &n)) {
			if (nlh->nlmsg_seq != m->nlh->nlmsg_seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				vnl_err_parse(&s->err, nlh, m->nlh);
				return s->err.err;
			}
			if (cb)
				cb(nlh, arg);
		}
	}
}

int vnl_request(struct vnl *s, struct vnl_msg *m, vnl_cb cb, void *arg)
{
	int err;

	m->nlh->nlmsg_flags |= NLM_F_ACK;
	err = vnl_send(s, m);
	if (err)
		vnl_die("send: %s", strerror(err));
	return vnl_wait_ack(s, m, cb, arg);
}

bool vnl_answered(struct vnl *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/*
 * Dumps
 */

void vnl_dump_start(struct vnl_dump *d, struct vnl *s, struct vnl_msg *m,
		    size_t chunk_len)
{
	int err;

	memset(d, 0, sizeof(*d));
	d->s = s;
	d->req = m->nlh;
	d->chunk_len = chunk_len;
	m->nlh->nlmsg_flags |= NLM_F_DUMP;
	err = vnl_send(s, m);
	if (err)
		vnl_die("send: %s", strerror(err));
	d->seq = m->nlh->nlmsg_seq;
	vnl_err_clear(&s->err);
}

static void vnl_dump_end(struct vnl_dump *d, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_type == NLMSG_ERROR)
		vnl_err_parse(&d->s->err, nlh, d->req);
	else
		vnl_err_done(&d->s->err, nlh, d->req);
	d->done = true;
}

/* Reads one chunk; the kernel prepares the next one meanwhile */
bool vnl_dump_next(struct vnl_dump *d, vnl_cb cb, void *arg)
{
	const struct nlmsghdr *nlh;
	int n;

	if (d->done)
		return false;
	n = vnl_recv_answer(d->s, d->chunk_len);
	d->nr_chunks++;
	d->intr = false;
	for (nlh = (void *)d->s->buf; mnl_nlmsg_ok(nlh, n);
	     nlh = mnl_nlmsg_next(nlh, &n)) {
		if (nlh->nlmsg_seq != d->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			d->intr = true;
		if (nlh->nlmsg_type == NLMSG_DONE ||
		    nlh->nlmsg_type == NLMSG_ERROR) {
			vnl_dump_end(d, nlh);
			continue;
		}
		if (!(nlh->nlmsg_flags & NLM_F_DUMP_FILTERED))
			d->unfiltered = true;
		d->nr_msgs++;
		if (cb)
			cb(nlh, arg);
	}
	return !d->done;
}

int vnl_dump_rest(struct vnl_dump *d, vnl_cb cb, void *arg)
{
	while (vnl_dump_next(d, cb, arg))
		;
	return d->s->err.err;
}

/*
 * Objects
 */

static void vnl_get_str(const struct nlattr *attr, char *dst)
{
	const char *str = mnl_attr_get_str(attr);
	uint16_t len = mnl_attr_get_payload_len(attr);

	if (!len || str[len - 1] || strlen(str) + 1 != len ||
	    len > VNL_NAME_LEN)
		vnl_die("attribute %u is no string", mnl_attr_get_type(attr));
	memcpy(dst, str, len);
}

static void vnl_get_int(const struct nlattr *attr, void *dst, size_t size)
{
	if (mnl_attr_get_payload_len(attr) != size)
		vnl_die("attribute %u has %u bytes, not %zu",
			mnl_attr_get_type(attr),
			mnl_attr_get_payload_len(attr), size);
	memcpy(dst, mnl_attr_get_payload(attr), size);
}

/* Where an attribute goes; size 0: a string */
struct vnl_field {
	uint16_t attr;
	uint16_t size;
	size_t offset;
};

#define VNL_STR(_attr, _type, _field) \
	{ _attr, 0, offsetof(struct _type, _field) }
#define VNL_INT(_attr, _type, _field) \
	{ _attr, sizeof(((struct _type *)0)->_field), \
	  offsetof(struct _type, _field) }

static const struct vnl_field vnl_dev_fields[] = {
	VNL_STR(VDPA_ATTR_DEV_NAME, vnl_dev, name),
	VNL_STR(VDPA_ATTR_MGMTDEV_BUS_NAME, vnl_dev, mgmt_bus),
	VNL_STR(VDPA_ATTR_MGMTDEV_DEV_NAME, vnl_dev, mgmt_name),
	VNL_STR(VDPA_ATTR_DEV_DRIVER, vnl_dev, driver),
	VNL_INT(VDPA_ATTR_DEV_ID, vnl_dev, id),
	VNL_INT(VDPA_ATTR_DEV_VENDOR_ID, vnl_dev, vendor),
	VNL_INT(VDPA_ATTR_DEV_MAX_VQS, vnl_dev, max_vqs),
	VNL_INT(VDPA_ATTR_DEV_MAX_VQ_SIZE, vnl_dev, max_vq_size),
	VNL_INT(VDPA_ATTR_DEV_MIN_VQ_SIZE, vnl_dev, min_vq_size),
	VNL_INT(VDPA_ATTR_DEV_STATUS, vnl_dev, status),
	{ 0 }
};

static const struct vnl_field vnl_mgmt_fields[] = {
	VNL_STR(VDPA_ATTR_MGMTDEV_BUS_NAME, vnl_mgmt, bus),
	VNL_STR(VDPA_ATTR_MGMTDEV_DEV_NAME, vnl_mgmt, name),
	VNL_INT(VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES, vnl_mgmt, classes),
	VNL_INT(VDPA_ATTR_DEV_SUPPORTED_FEATURES, vnl_mgmt, features),
	VNL_INT(VDPA_ATTR_DEV_MGMTDEV_MAX_VQS, vnl_mgmt, max_vqs),
	{ 0 }
};

/* Both structs begin with the set of attributes seen */
static void vnl_parse(const struct nlmsghdr *nlh,
		      const struct vnl_field *fields, void *dst)
{
	const struct nlattr *tb[VNL_ATTR_MAX + 1] = { NULL };
	const struct vnl_field *f;
	uint64_t *has = dst;

	mnl_attr_parse(nlh, GENL_HDRLEN, vnl_attr_cb, tb);
	for (f = fields; f->attr; f++) {
		if (!tb[f->attr])
			continue;
		*has |= VNL_HAS(f->attr);
		if (f->size)
			vnl_get_int(tb[f->attr], (char *)dst + f->offset,
				    f->size);
		else
			vnl_get_str(tb[f->attr], (char *)dst + f->offset);
	}
}

void vnl_dev_parse(const struct nlmsghdr *nlh, struct vnl_dev *dev)
{
	memset(dev, 0, sizeof(*dev));
	vnl_parse(nlh, vnl_dev_fields, dev);
}

void vnl_mgmt_parse(const struct nlmsghdr *nlh, struct vnl_mgmt *mgmt)
{
	memset(mgmt, 0, sizeof(*mgmt));
	vnl_parse(nlh, vnl_mgmt_fields, mgmt);
}

static void vnl_event_parse(const struct nlmsghdr *nlh, void *arg)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct vnl_event *ev = arg;

	if (nlh->nlmsg_len > sizeof(ev->msg.buf))
		vnl_die("message of %u bytes", nlh->nlmsg_len);
	memcpy(ev->msg.buf, nlh, nlh->nlmsg_len);
	ev->msg.nlh = (struct nlmsghdr *)ev->msg.buf;
	ev->cmd = genl->cmd;
	vnl_dev_parse(nlh, &ev->dev);
	vnl_mgmt_parse(nlh, &ev->mgmt);
}

int vnl_dev_add(struct vnl *s, const char *handle, const char *name)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, handle);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	return vnl_request(s, &m, NULL, NULL);
}

static void vnl_dev_cb(const struct nlmsghdr *nlh, void *dev)
{
	vnl_dev_parse(nlh, dev);
}

/* The kernel picks the name, and says which it was */
int vnl_dev_add_auto(struct vnl *s, const char *handle, struct vnl_dev *dev)
{
	struct vnl_msg m;

	memset(dev, 0, sizeof(*dev));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_NEW, NLM_F_ECHO);
	vnl_put_handle(&m, handle);
	return vnl_request(s, &m, vnl_dev_cb, dev);
}

int vnl_dev_del(struct vnl *s, const char *name)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_DEL, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	return vnl_request(s, &m, NULL, NULL);
}

int vnl_dev_del_once(const char *name)
{
	struct vnl s;
	int err;

	vnl_open(&s);
	err = vnl_dev_del(&s, name);
	vnl_close(&s);
	return err;
}

int vnl_dev_get_event(struct vnl *s, const char *name, struct vnl_event *ev)
{
	struct vnl_msg m;

	memset(ev, 0, sizeof(*ev));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	return vnl_request(s, &m, vnl_event_parse, ev);
}

int vnl_dev_get(struct vnl *s, const char *name, struct vnl_dev *dev)
{
	struct vnl_event ev;
	int err;

	err = vnl_dev_get_event(s, name, &ev);
	*dev = ev.dev;
	return err;
}

int vnl_mgmt_get_event(struct vnl *s, const char *handle, struct vnl_event *ev)
{
	struct vnl_msg m;

	memset(ev, 0, sizeof(*ev));
	vnl_msg_init(&m, s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_put_handle(&m, handle);
	return vnl_request(s, &m, vnl_event_parse, ev);
}

int vnl_mgmt_get(struct vnl *s, const char *handle, struct vnl_mgmt *mgmt)
{
	struct vnl_event ev;
	int err;

	err = vnl_mgmt_get_event(s, handle, &ev);
	*mgmt = ev.mgmt;
	return err;
}

/*
 * Lists
 */

void vnl_devs_add(const struct nlmsghdr *nlh, void *arg)
{
	struct vnl_devs *l = arg;

	if (l->nr == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->dev = realloc(l->dev, l->room * sizeof(*l->dev));
		if (!l->dev)
			vnl_die("out of memory");
	}
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		l->intr = true;
	vnl_dev_parse(nlh, &l->dev[l->nr++]);
}

/* All devices, or those of one management device */
int vnl_devs_get(struct vnl *s, const char *handle, struct vnl_devs *l)
{
	struct vnl_dump d;
	struct vnl_msg m;

	memset(l, 0, sizeof(*l));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_GET, 0);
	if (handle)
		vnl_put_handle(&m, handle);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	return vnl_dump_rest(&d, vnl_devs_add, l);
}

struct vnl_dev *vnl_devs_find(const struct vnl_devs *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (!strcmp(l->dev[i].name, name))
			return &l->dev[i];
	return NULL;
}

bool vnl_devs_same(const struct vnl_devs *a, const struct vnl_devs *b)
{
	const struct vnl_dev *dev;
	size_t i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++) {
		dev = vnl_devs_find(b, a->dev[i].name);
		if (!dev || memcmp(dev, &a->dev[i], sizeof(*dev)))
			return false;
	}
	return true;
}

void vnl_devs_free(struct vnl_devs *l)
{
	free(l->dev);
	memset(l, 0, sizeof(*l));
}

size_t vnl_dev_count(struct vnl *s)
{
	struct vnl_devs l;
	size_t nr;
	int err;

	err = vnl_devs_get(s, NULL, &l);
	if (err)
		vnl_die("dump: %s", strerror(err));
	nr = l.nr;
	vnl_devs_free(&l);
	return nr;
}

/*
 * Events
 */

int vnl_monitor_join(struct vnl *s)
{
	int len = 8 << 20;

	/* fails without CAP_NET_ADMIN: then the default has to do */
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &len, sizeof(len));
	if (!s->group)
		return ENOENT;
	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &s->group,
		       sizeof(s->group)))
		return errno;
	return 0;
}

void vnl_monitor_open(struct vnl *s)
{
	int err;

	vnl_open(s);
	err = vnl_monitor_join(s);
	if (err)
		vnl_die("group %s: %s", VDPA_GENL_MCGRP_MONITOR_NAME,
			strerror(err));
}

/* An event comes alone in its datagram */
int vnl_event_next(struct vnl *s, struct vnl_event *ev, int timeout_ms)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	const struct nlmsghdr *nlh = (void *)s->buf;
	ssize_t n;
	int ret;

	do {
		ret = poll(&p, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	if (ret <= 0)
		return ret ? -errno : 0;
	n = vnl_recv(s, VNL_CHUNK_SMALL, MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if (!mnl_nlmsg_ok(nlh, n) || nlh->nlmsg_type != s->family)
		vnl_die("event of type %u", nlh->nlmsg_type);
	if ((ssize_t)NLMSG_ALIGN(nlh->nlmsg_len) < n)
		vnl_die("something follows an event in its datagram");
	vnl_event_parse(nlh, ev);
	return 1;
}

/* Same attributes with the same values, in whatever order */
bool vnl_same_attrs(const struct vnl_msg *a, const struct vnl_msg *b)
{
	const struct nlattr *ta[VNL_ATTR_MAX + 1] = { NULL };
	const struct nlattr *tb[VNL_ATTR_MAX + 1] = { NULL };
	int i;

	mnl_attr_parse(a->nlh, GENL_HDRLEN, vnl_attr_cb, ta);
	mnl_attr_parse(b->nlh, GENL_HDRLEN, vnl_attr_cb, tb);
	/* number 0 is padding */
	for (i = 1; i <= VNL_ATTR_MAX; i++) {
		if (!ta[i] && !tb[i])
			continue;
		if (!ta[i] || !tb[i])
			return false;
		if (ta[i]->nla_len != tb[i]->nla_len ||
		    memcmp(mnl_attr_get_payload(ta[i]),
			   mnl_attr_get_payload(tb[i]),
			   mnl_attr_get_payload_len(ta[i])))
			return false;
	}
	return true;
}

/*
 * Policies
 */

struct vnl_policy_ctx {
	struct vnl_policy *p;
	uint16_t wanted;	/* CTRL_ATTR_POLICY_DO or _DUMP */
	int index;
};

static void vnl_policy_attr(struct vnl_policy *p, unsigned int nr,
			    const struct nlattr *desc)
{
	const struct nlattr *attr;

	if (nr >= 512)
		vnl_die("policy for attribute %u", nr);
	mnl_attr_for_each_nested(attr, desc) {
		switch (mnl_attr_get_type(attr)) {
		case NL_POLICY_TYPE_ATTR_TYPE:
			p->type[nr] = mnl_attr_get_u32(attr);
			break;
		case NL_POLICY_TYPE_ATTR_MIN_LENGTH:
			p->min_len[nr] = mnl_attr_get_u32(attr);
			break;
		case NL_POLICY_TYPE_ATTR_MAX_LENGTH:
			p->max_len[nr] = mnl_attr_get_u32(attr);
			break;
		}
	}
}

/* Which policies do the operation's do and dump use? They come first. */
static void vnl_policy_ops(struct vnl_policy_ctx *ctx,
			   const struct nlattr *ops)
{
	const struct nlattr *op, *attr;

	mnl_attr_for_each_nested(op, ops) {
		mnl_attr_for_each_nested(attr, op) {
			if (mnl_attr_get_type(attr) == ctx->wanted)
				ctx->index = mnl_attr_get_u32(attr);
		}
	}
}

static void vnl_policy_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr, *policy, *desc;
	struct vnl_policy_ctx *ctx = arg;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_OP_POLICY)
			vnl_policy_ops(ctx, attr);
		if (mnl_attr_get_type(attr) != CTRL_ATTR_POLICY)
			continue;
		mnl_attr_for_each_nested(policy, attr) {
			if (mnl_attr_get_type(policy) != ctx->index)
				continue;
			ctx->p->found = true;
			mnl_attr_for_each_nested(desc, policy)
				vnl_policy_attr(ctx->p, mnl_attr_get_type(desc),
						desc);
		}
	}
}

int vnl_policy_get(struct vnl *s, uint8_t cmd, bool dump,
		   struct vnl_policy *p)
{
	struct vnl_policy_ctx ctx = {
		.p = p,
		.wanted = dump ? CTRL_ATTR_POLICY_DUMP : CTRL_ATTR_POLICY_DO,
		.index = -1,
	};
	struct vnl_dump d;
	struct vnl_msg m;

	memset(p, 0, sizeof(*p));
	vnl_msg_start(&m, GENL_ID_CTRL, CTRL_CMD_GETPOLICY, 1, 0);
	vnl_put_u16(&m, CTRL_ATTR_FAMILY_ID, s->family);
	vnl_put_u32(&m, CTRL_ATTR_OP, cmd);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	return vnl_dump_rest(&d, vnl_policy_cb, &ctx);
}
