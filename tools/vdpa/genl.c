// SPDX-License-Identifier: GPL-2.0
/*
 * Requests, replies, dumps and events of the generic netlink family "vdpa".
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vdpa.h"

/* The kernel makes the datagrams of a dump and of events at most this big */
#define RECV_SIZE	32768

/* How often a dump is asked for that others keep changing */
#define DUMP_TRIES	10

/* nlctrl's group "notify", which has a fixed number */
#define CTRL_NOTIFY_GROUP	GENL_ID_CTRL

/* Requests */

static void req_header(struct nlmsghdr *nlh, uint16_t type, uint8_t cmd,
		       uint8_t version)
{
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
}

void req_init(struct req *req, const struct cmd *cmd, uint8_t genl_cmd)
{
	req->cmd = cmd;
	req->sources = 0;
	req->features = NULL;
	req->netns = NULL;
	req->profile = NULL;
	req->keep = NULL;
	req->n_words = 0;
	req->has_queue = false;
	req->nlh = mnl_nlmsg_put_header(req->buf);
	/* the family's number is filled in once known */
	req_header(req->nlh, 0, genl_cmd, VDPA_GENL_VERSION);
}

bool req_put(struct req *req, uint16_t attr, const void *data, size_t len,
	     const char *word)
{
	struct req_source *source = &req->source[req->sources];
	uint32_t offset = req->nlh->nlmsg_len;

	if (req->sources == GENL_SOURCES ||
	    !mnl_attr_put_check(req->nlh, sizeof(req->buf), attr, len, data))
		return false;
	source->offset = offset;
	source->attr = attr;
	source->word = word;
	req->sources++;
	return true;
}

bool req_put_strn(struct req *req, uint16_t attr, const char *str, size_t len,
		  const char *word)
{
	char *copy = strndup(str, len);
	bool put;

	/* NUL-terminated, also where the word goes on */
	put = copy && req_put(req, attr, copy, len + 1, word);
	free(copy);
	return put;
}

const struct nlattr *req_attr(const struct req *req, uint16_t attr)
{
	unsigned int i;

	for (i = 0; i < req->sources; i++)
		if (req->source[i].attr == attr)
			return (const void *)(req->buf + req->source[i].offset);
	return NULL;
}

void req_copy(struct req *req, const struct req *from, uint16_t attr)
{
	const struct nlattr *found = req_attr(from, attr);

	if (found)
		req_put(req, attr, mnl_attr_get_payload(found),
			mnl_attr_get_payload_len(found), req_word(from, attr));
}

const char *req_word(const struct req *req, uint16_t attr)
{
	unsigned int i;

	for (i = 0; i < req->sources; i++)
		if (req->source[i].attr == attr)
			return req->source[i].word;
	return NULL;
}

/* The socket */

static int genl_send(struct genl *genl, struct nlmsghdr *nlh)
{
	nlh->nlmsg_seq = ++genl->seq;
	if (mnl_socket_sendto(genl->nl, nlh, nlh->nlmsg_len) >= 0)
		return EXIT_OK;
	error("cannot send to the kernel: %s", strerror(errno));
	return EXIT_REFUSED;
}

static bool genl_grow(struct genl *genl, size_t needed)
{
	size_t size = genl->size ? genl->size : 2 * RECV_SIZE;
	char *buf;

	while (size < needed)
		size *= 2;
	buf = realloc(genl->buf, size);
	if (!buf) {
		errno = ENOMEM;
		return false;
	}
	genl->buf = buf;
	genl->size = size;
	return true;
}

/*
 * Receives a datagram of at most @room bytes behind the first @used of the
 * buffer
 */
static ssize_t genl_recv(struct genl *genl, size_t used, size_t room)
{
	ssize_t len;

	if (genl->size - used < room && !genl_grow(genl, used + room))
		return -1;
	do {
		len = mnl_socket_recvfrom(genl->nl, genl->buf + used, room);
	} while (len < 0 && errno == EINTR);
	if (len)
		return len;
	errno = EBADMSG;
	return -1;
}

/* An answer to a single request has no limit: it is asked for how long it is */
static ssize_t genl_recv_any(struct genl *genl)
{
	int fd = mnl_socket_get_fd(genl->nl);
	ssize_t len;

	do {
		len = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -1;
	return genl_recv(genl, 0, len > RECV_SIZE ? (size_t)len : RECV_SIZE);
}

static int genl_recv_error(void)
{
	error("cannot receive from the kernel: %s", strerror(errno));
	return EXIT_REFUSED;
}

static int genl_garbage(void)
{
	error("the kernel sent a malformed message");
	return EXIT_REFUSED;
}

static bool genl_is_answer(const struct genl *genl, const struct nlmsghdr *nlh)
{
	return mnl_nlmsg_portid_ok(nlh, mnl_socket_get_portid(genl->nl)) &&
	       mnl_nlmsg_seq_ok(nlh, genl->seq);
}

/* Attributes of a message */

/* Types of data besides libmnl's */
enum {
	TYPE_NUMBERS = MNL_TYPE_MAX,	/* u32s, one behind the other */
	TYPE_NEST,			/* and what is in it: */
	TYPE_NEST_DEV = TYPE_NEST,
	TYPE_NEST_QUEUE,
	TYPE_NEST_RESOURCE,
	TYPE_NEST_REASON,
};

static const uint8_t attr_type[ATTR_SLOTS] = {
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_BUS_NAME)]		= MNL_TYPE_NUL_STRING,
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_DEV_NAME)]		= MNL_TYPE_NUL_STRING,
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES)] = MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_NAME)]			= MNL_TYPE_NUL_STRING,
	[ATTR_SLOT(VDPA_ATTR_DEV_ID)]			= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_VENDOR_ID)]		= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_MAX_VQS)]		= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_MAX_VQ_SIZE)]		= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_DEV_MIN_VQ_SIZE)]		= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_DEV_NET_CFG_MACADDR)]	= MNL_TYPE_BINARY,
	[ATTR_SLOT(VDPA_ATTR_DEV_NET_STATUS)]		= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_DEV_NET_CFG_MAX_VQP)]	= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_DEV_NET_CFG_MTU)]		= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_DEV_NEGOTIATED_FEATURES)]	= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_MGMTDEV_MAX_VQS)]	= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_SUPPORTED_FEATURES)]	= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_QUEUE_INDEX)]		= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_VENDOR_ATTR_NAME)]	= MNL_TYPE_NUL_STRING,
	[ATTR_SLOT(VDPA_ATTR_DEV_VENDOR_ATTR_VALUE)]	= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_FEATURES)]		= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_CAPACITY)]	= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_SIZE_MAX)]	= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_BLK_SIZE)]	= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_SEG_MAX)]	= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_NUM_QUEUES)]	= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_PHY_BLK_EXP)]	= MNL_TYPE_U8,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_ALIGN_OFFSET)]	= MNL_TYPE_U8,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_MIN_IO_SIZE)]	= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_OPT_IO_SIZE)]	= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEC)] = MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEG)] = MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_DISCARD_SEC_ALIGN)] = MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC)] = MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG)] = MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_READ_ONLY)]	= MNL_TYPE_U8,
	[ATTR_SLOT(VDPA_ATTR_DEV_BLK_FLUSH)]		= MNL_TYPE_U8,
	[ATTR_SLOT(VDPA_ATTR_DEV_STATUS)]		= MNL_TYPE_U8,
	[ATTR_SLOT(VDPA_ATTR_DEV_DRIVER)]		= MNL_TYPE_NUL_STRING,
	[ATTR_SLOT(VDPA_ATTR_DEV_DRIVER_DEV)]		= MNL_TYPE_NUL_STRING,
	[ATTR_SLOT(VDPA_ATTR_DEV_STATE)]		= MNL_TYPE_U8,
	[ATTR_SLOT(VDPA_ATTR_DEV_READY_VQS)]		= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_GROUPS)]		= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_ADDRESS_SPACES)]	= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_IOVA_FIRST)]		= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_IOVA_LAST)]		= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_CREATED)]		= TYPE_NEST_DEV,
	[ATTR_SLOT(VDPA_ATTR_DEV_NET_VLAN)]		= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_ADD_ATTRS)]	= TYPE_NUMBERS,
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_SET_ATTRS)]	= TYPE_NUMBERS,
	[ATTR_SLOT(VDPA_ATTR_DEV_CONFIG_INTERRUPTS)]	= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_RESETS)]		= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_DEV_QUEUE)]		= TYPE_NEST_QUEUE,
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_RESOURCE)]		= TYPE_NEST_RESOURCE,
	[ATTR_SLOT(VDPA_ATTR_PROFILE_VERSION)]		= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_DEV_BACKEND_FEATURES)]	= MNL_TYPE_U64,
	[ATTR_SLOT(VDPA_ATTR_CHECK_REASON)]		= TYPE_NEST_REASON,
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_MAX_VQ_SIZE)]	= MNL_TYPE_U16,
	[ATTR_SLOT(VDPA_ATTR_NETNS_FD)]			= MNL_TYPE_U32,
	[ATTR_SLOT(VDPA_ATTR_MGMTDEV_NETNSID)]		= MNL_TYPE_U32,
};

static const uint8_t queue_type[] = {
	[VDPA_QUEUE_ATTR_INDEX]		= MNL_TYPE_U32,
	[VDPA_QUEUE_ATTR_SIZE]		= MNL_TYPE_U32,
	[VDPA_QUEUE_ATTR_READY]		= MNL_TYPE_U8,
	[VDPA_QUEUE_ATTR_AVAIL_INDEX]	= MNL_TYPE_U16,
	[VDPA_QUEUE_ATTR_AVAIL_WRAP]	= MNL_TYPE_U8,
	[VDPA_QUEUE_ATTR_USED_INDEX]	= MNL_TYPE_U16,
	[VDPA_QUEUE_ATTR_USED_WRAP]	= MNL_TYPE_U8,
	[VDPA_QUEUE_ATTR_GROUP]		= MNL_TYPE_U32,
	[VDPA_QUEUE_ATTR_DESC_GROUP]	= MNL_TYPE_U32,
	[VDPA_QUEUE_ATTR_IRQ]		= MNL_TYPE_U32,
	[VDPA_QUEUE_ATTR_KICKS]		= MNL_TYPE_U64,
	[VDPA_QUEUE_ATTR_INTERRUPTS]	= MNL_TYPE_U64,
	[VDPA_QUEUE_ATTR_RECEIVED]	= MNL_TYPE_U64,
	[VDPA_QUEUE_ATTR_COMPLETED]	= MNL_TYPE_U64,
	[VDPA_QUEUE_ATTR_BYTES]		= MNL_TYPE_U64,
	[VDPA_QUEUE_ATTR_ERRORS]	= MNL_TYPE_U64,
	[VDPA_QUEUE_ATTR_LAST_ERROR]	= MNL_TYPE_U32,
	[VDPA_QUEUE_ATTR_VENDOR]	= TYPE_NEST_DEV,
};

static const uint8_t resource_type[] = {
	[VDPA_RESOURCE_ATTR_NAME]	= MNL_TYPE_NUL_STRING,
	[VDPA_RESOURCE_ATTR_UNIT]	= MNL_TYPE_NUL_STRING,
	[VDPA_RESOURCE_ATTR_USED]	= MNL_TYPE_U64,
	[VDPA_RESOURCE_ATTR_SIZE]	= MNL_TYPE_U64,
	[VDPA_RESOURCE_ATTR_MAX]	= MNL_TYPE_U64,
};

static const uint8_t reason_type[] = {
	[VDPA_REASON_ATTR_ATTR]		= MNL_TYPE_U32,
	[VDPA_REASON_ATTR_TEXT]		= MNL_TYPE_NUL_STRING,
	[VDPA_REASON_ATTR_WANTED]	= MNL_TYPE_U64,
	[VDPA_REASON_ATTR_AVAILABLE]	= MNL_TYPE_U64,
};

static const struct nest {
	const uint8_t *types;
	uint16_t count;
} nests[] = {
	[TYPE_NEST_DEV - TYPE_NEST]	 = { attr_type, ARRAY_SIZE(attr_type) },
	[TYPE_NEST_QUEUE - TYPE_NEST]	 = { queue_type, ARRAY_SIZE(queue_type) },
	[TYPE_NEST_RESOURCE - TYPE_NEST] = { resource_type, ARRAY_SIZE(resource_type) },
	[TYPE_NEST_REASON - TYPE_NEST]	 = { reason_type, ARRAY_SIZE(reason_type) },
};

/* Deeper than any kernel nests */
#define NEST_DEPTH	4

static bool attr_valid(const struct nlattr *attr, uint8_t data_type,
		       unsigned int depth);

static bool nest_valid(const struct nlattr *nest, const struct nest *of,
		       unsigned int depth)
{
	const char *end = (const char *)nest + nest->nla_len;
	const struct nlattr *attr;

	if (depth == NEST_DEPTH)
		return false;
	mnl_attr_for_each_nested(attr, nest) {
		uint16_t slot = ATTR_SLOT(mnl_attr_get_type(attr));

		if (slot < of->count && !attr_valid(attr, of->types[slot], depth + 1))
			return false;
	}
	return (const char *)attr >= end;
}

static bool attr_valid(const struct nlattr *attr, uint8_t data_type,
		       unsigned int depth)
{
	/* no other binary data but a MAC address */
	if (data_type == MNL_TYPE_BINARY)
		return mnl_attr_get_payload_len(attr) == ETH_ALEN;
	if (data_type == TYPE_NUMBERS)
		return mnl_attr_get_payload_len(attr) % sizeof(uint32_t) == 0;
	if (data_type >= TYPE_NEST)
		return nest_valid(attr, &nests[data_type - TYPE_NEST], depth);
	return !data_type || mnl_attr_validate(attr, data_type) >= 0;
}

/* Numbers of kernels to come are as good as not there */
static bool attr_known(uint16_t type)
{
	return type < VDPA_ATTR_MAX ||
	       (type >= ATTR_OWN_FIRST && type <= ATTR_OWN_LAST);
}

bool msg_parse(const struct nlmsghdr *nlh, struct msg *msg)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const char *attrs = (const char *)(genl + 1);
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *attr;

	memset(msg, 0, sizeof(*msg));
	if (len < sizeof(*genl)) {
		genl_garbage();
		return false;
	}
	len -= sizeof(*genl);
	msg->cmd = genl->cmd;
	msg->nlh = nlh;

	/* mnl_attr_for_each() takes what pads the message for a part of it */
	mnl_attr_for_each_payload((const void *)attrs, len) {
		uint16_t type = mnl_attr_get_type(attr);

		if (!attr_known(type))
			continue;
		if (!attr_valid(attr, attr_type[ATTR_SLOT(type)], 0)) {
			error("the kernel sent attribute %u malformed", type);
			return false;
		}
		msg->slot[ATTR_SLOT(type)] = attr;
	}
	if ((const char *)attr < attrs + len) {
		genl_garbage();
		return false;
	}
	return true;
}

void msg_nested(const struct nlattr *nest, struct msg *msg)
{
	const struct nlattr *attr;

	memset(msg, 0, sizeof(*msg));
	mnl_attr_for_each_nested(attr, nest) {
		uint16_t type = mnl_attr_get_type(attr);

		if (attr_known(type))
			msg->slot[ATTR_SLOT(type)] = attr;
	}
}

static int msg_handle_one(struct vdpa *vdpa, const struct nlmsghdr *nlh,
			  genl_cb cb, void *data)
{
	struct msg msg;

	if (!msg_parse(nlh, &msg))
		return EXIT_REFUSED;
	if (!cb(vdpa, &msg, data)) {
		error("the kernel's message lacks the name of its object");
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}

/* Also of a number that has no positive counterpart */
static int errno_of(int err)
{
	return err < 0 ? (int)-(unsigned int)err : err;
}

/* The errno and the extended ack of NLMSG_ERROR; 0: acknowledged */
static int error_errno(const struct nlmsghdr *nlh, const void **attrs, size_t *len)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t size = sizeof(*err);

	*attrs = NULL;
	*len = 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return EBADMSG;
	/* the request is echoed in between, unless capped to its header */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) &&
	    err->msg.nlmsg_len > sizeof(err->msg))
		size += MNL_ALIGN(err->msg.nlmsg_len - sizeof(err->msg));
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) &&
	    size < mnl_nlmsg_get_payload_len(nlh)) {
		*attrs = (const char *)err + size;
		*len = mnl_nlmsg_get_payload_len(nlh) - size;
	}
	return errno_of(err->error);
}

/* The same for NLMSG_DONE, which ends a dump */
static int done_errno(const struct nlmsghdr *nlh, const void **attrs, size_t *len)
{
	size_t payload = mnl_nlmsg_get_payload_len(nlh);
	const int *err = mnl_nlmsg_get_payload(nlh);

	*attrs = NULL;
	*len = 0;
	if (payload < sizeof(*err))
		return 0;
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && payload > sizeof(*err)) {
		*attrs = err + 1;
		*len = payload - sizeof(*err);
	}
	return errno_of(*err);
}

/* The family */

static void family_group(struct genl *genl, const struct nlattr *nest)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, nest) {
		const char *name = "";
		uint32_t id = 0;

		mnl_attr_for_each_nested(attr, group) {
			uint16_t type = mnl_attr_get_type(attr);

			if (type == CTRL_ATTR_MCAST_GRP_NAME &&
			    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				name = mnl_attr_get_str(attr);
			if (type == CTRL_ATTR_MCAST_GRP_ID &&
			    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
				id = mnl_attr_get_u32(attr);
		}
		if (strcmp(name, VDPA_GENL_MCGRP_MONITOR_NAME) == 0)
			genl->group = id;
	}
}

static int family_reply(struct genl *genl, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return genl_garbage();
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			genl->family = mnl_attr_get_u16(attr);
		if (type == CTRL_ATTR_MCAST_GROUPS &&
		    mnl_attr_validate(attr, MNL_TYPE_NESTED) == 0)
			family_group(genl, attr);
	}
	return genl->family ? EXIT_OK : genl_garbage();
}

static int family_missing(int err)
{
	if (err != ENOENT) {
		error("cannot look up the netlink family \"%s\": %s",
		      VDPA_GENL_NAME, strerror(err));
		return EXIT_REFUSED;
	}
	/* ours is in all of them */
	if (access("/sys/module/vdpa", F_OK) == 0)
		error("the netlink family \"%s\" is not visible here: this kernel's is in the initial network namespace only",
		      VDPA_GENL_NAME);
	else
		error("the kernel has no netlink family \"%s\": load its module with \"modprobe vdpa\"",
		      VDPA_GENL_NAME);
	return EXIT_REFUSED;
}

static int family_resolve(struct genl *genl)
{
	_Alignas(8) char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	const void *attrs;
	ssize_t len;
	size_t ext;

	req_header(nlh, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VDPA_GENL_NAME);
	if (genl_send(genl, nlh))
		return EXIT_REFUSED;

	len = genl_recv(genl, 0, RECV_SIZE);
	if (len < 0)
		return genl_recv_error();
	nlh = (struct nlmsghdr *)genl->buf;
	if (!nlmsg_ok(nlh, len) || !genl_is_answer(genl, nlh))
		return genl_garbage();
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return family_missing(error_errno(nlh, &attrs, &ext));
	return family_reply(genl, nlh);
}

int genl_open(struct vdpa *vdpa)
{
	struct genl *genl = &vdpa->genl;
	int one = 1;

	if (genl->nl)
		return EXIT_OK;
	if (vdpa->netns && netns_switch(vdpa->netns))
		return EXIT_REFUSED;
	genl->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!genl->nl || mnl_socket_bind(genl->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		error("cannot open a netlink socket: %s", strerror(errno));
		genl_close(vdpa);
		return EXIT_REFUSED;
	}
	/* kernels without give shorter errors, that is all */
	mnl_socket_setsockopt(genl->nl, NETLINK_EXT_ACK, &one, sizeof(one));

	if (family_resolve(genl)) {
		genl_close(vdpa);
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}

void genl_close(struct vdpa *vdpa)
{
	struct genl *genl = &vdpa->genl;

	if (genl->nl)
		mnl_socket_close(genl->nl);
	free(genl->buf);
	memset(genl, 0, sizeof(*genl));
}

/* Asking for one thing */

/* One message of the answer; true: it was the last */
static bool request_answer(struct vdpa *vdpa, const struct req *req,
			   const struct nlmsghdr *nlh, genl_cb cb, void *data,
			   int *ret)
{
	const void *attrs;
	size_t len;
	int err;

	if (nlh->nlmsg_type == NLMSG_ERROR) {
		err = error_errno(nlh, &attrs, &len);
		if (err)
			*ret = kernel_error(req, err, attrs, len);
		else
			kernel_warning(req, attrs, len);
		/* of many commands each would look at all there is */
		if (err == ENODEV && !vdpa->batch)
			suggest_existing(vdpa, req);
		return true;
	}
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
		return false;
	if (msg_handle_one(vdpa, nlh, cb, data))
		*ret = EXIT_REFUSED;
	return !(req->nlh->nlmsg_flags & NLM_F_ACK);
}

int genl_request(struct vdpa *vdpa, struct req *req, genl_cb cb, void *data)
{
	struct genl *genl = &vdpa->genl;
	const struct nlmsghdr *nlh;
	int left, ret = EXIT_OK;

	if (genl_open(vdpa))
		return EXIT_REFUSED;
	req->nlh->nlmsg_type = genl->family;
	if (genl_send(genl, req->nlh))
		return EXIT_REFUSED;

	for (;;) {
		left = genl_recv_any(genl);
		if (left < 0)
			return genl_recv_error();
		nlh = (struct nlmsghdr *)genl->buf;
		for (; nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (genl_is_answer(genl, nlh) &&
			    request_answer(vdpa, req, nlh, cb, data, &ret))
				return ret;
		}
		if (left > 0)
			return genl_garbage();
	}
}

/* Asking for all there is */

struct dump {
	size_t used;		/* bytes of the buffer */
	bool done;
	bool interrupted;	/* the objects changed meanwhile */
};

/* Looks through a datagram of a dump, which stays in the buffer */
static int dump_datagram(struct genl *genl, const struct req *req,
			 struct dump *dump, int left)
{
	const struct nlmsghdr *nlh = (void *)(genl->buf + dump->used);
	const void *attrs;
	size_t len;
	int err = 0;

	dump->used += MNL_ALIGN(left);
	for (; nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (!genl_is_answer(genl, nlh))
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			dump->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			err = error_errno(nlh, &attrs, &len);
		else if (nlh->nlmsg_type == NLMSG_DONE)
			err = done_errno(nlh, &attrs, &len);
		else
			continue;
		dump->done = true;
		return err ? kernel_error(req, err, attrs, len) : EXIT_OK;
	}
	return left > 0 ? genl_garbage() : EXIT_OK;
}

static int dump_once(struct genl *genl, struct req *req, struct dump *dump)
{
	ssize_t len;

	memset(dump, 0, sizeof(*dump));
	if (genl_send(genl, req->nlh))
		return EXIT_REFUSED;
	while (!dump->done) {
		len = genl_recv(genl, dump->used, RECV_SIZE);
		if (len < 0)
			return genl_recv_error();
		if (dump_datagram(genl, req, dump, len))
			return EXIT_REFUSED;
	}
	return EXIT_OK;
}

static int dump_show(struct vdpa *vdpa, const struct dump *dump, genl_cb cb,
		     void *data)
{
	struct genl *genl = &vdpa->genl;
	const struct nlmsghdr *nlh = (void *)genl->buf;
	int left = dump->used, ret = EXIT_OK;

	/* one broken object does not hide the others */
	for (; nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE &&
		    genl_is_answer(genl, nlh) &&
		    msg_handle_one(vdpa, nlh, cb, data))
			ret = EXIT_REFUSED;
	}
	return ret;
}

/* Nothing is shown before the kernel has told all of it */
int genl_dump(struct vdpa *vdpa, struct req *req, genl_cb cb, void *data)
{
	unsigned int tries = DUMP_TRIES;
	struct dump dump;

	if (genl_open(vdpa))
		return EXIT_REFUSED;
	req->nlh->nlmsg_type = vdpa->genl.family;
	req->nlh->nlmsg_flags |= NLM_F_DUMP;
	do {
		if (dump_once(&vdpa->genl, req, &dump))
			return EXIT_REFUSED;
	} while (dump.interrupted && --tries);

	if (dump.interrupted)
		warning("this list may be incomplete: it kept changing while it was read");
	return dump_show(vdpa, &dump, cb, data);
}

/* Events */

/* Room for a burst of events; less is all an unprivileged user gets */
static void events_buffer(int fd)
{
	int size = 8 << 20;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int genl_join(struct vdpa *vdpa)
{
	struct genl *genl = &vdpa->genl;
	int notify = CTRL_NOTIFY_GROUP;

	if (genl_open(vdpa))
		return EXIT_REFUSED;
	if (!genl->group) {
		error("this kernel's vdpa announces no events (no group \"%s\")",
		      VDPA_GENL_MCGRP_MONITOR_NAME);
		return EXIT_REFUSED;
	}
	events_buffer(mnl_socket_get_fd(genl->nl));
	/* to hear of the family's end; the events do not depend on it */
	mnl_socket_setsockopt(genl->nl, NETLINK_ADD_MEMBERSHIP, &notify,
			      sizeof(notify));
	if (mnl_socket_setsockopt(genl->nl, NETLINK_ADD_MEMBERSHIP,
				  &genl->group, sizeof(genl->group)) < 0) {
		error("cannot join the group \"%s\": %s",
		      VDPA_GENL_MCGRP_MONITOR_NAME, strerror(errno));
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}

/* Once the module is gone no event will ever come, even if it is loaded again */
static bool event_is_end(const struct genl *genl, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *hdr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (nlh->nlmsg_type != GENL_ID_CTRL ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*hdr) ||
	    hdr->cmd != CTRL_CMD_DELFAMILY)
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(*hdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			return mnl_attr_get_u16(attr) == genl->family;
	}
	return false;
}

static int event_datagram(struct vdpa *vdpa, int left, genl_cb cb, void *data)
{
	struct genl *genl = &vdpa->genl;
	const struct nlmsghdr *nlh = (void *)genl->buf;

	/* a broken event is told of on stderr; the next may be fine */
	for (; nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (event_is_end(genl, nlh)) {
			error("the kernel's vdpa module was removed");
			return EXIT_REFUSED;
		}
		if (nlh->nlmsg_type == genl->family)
			msg_handle_one(vdpa, nlh, cb, data);
	}
	if (left > 0)
		genl_garbage();
	return EXIT_OK;
}

int genl_event(struct vdpa *vdpa, genl_cb cb, void *data, bool *received)
{
	ssize_t len = genl_recv(&vdpa->genl, 0, RECV_SIZE);

	*received = true;
	if (len >= 0)
		return event_datagram(vdpa, len, cb, data);
	if (errno == ENOBUFS) {
		warning("events were lost: they came faster than they could be shown");
		return EXIT_OK;
	}
	*received = false;
	return errno == EAGAIN ? EXIT_OK : genl_recv_error();
}
