// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side. libmnl's sockets are replaced by these, its parsing is
 * the real one. Since libmnl itself is not instrumented, what it is asked to
 * read for the tool is checked here first (the linker's --wrap).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vdpa.h>
#include <sanitizer/asan_interface.h>

#include "fuzz.h"
#include "hooks.h"

#define FAMILY_ID	0x1b
#define GROUP_ID	9
#define PORTID		4711

/* A record: a byte that says what it is, two of its length or errno, data */
#define RECORD_ERRNO	0x80

struct mnl_socket {
	int fd;
};

static struct kernel {
	uint8_t nature;
	struct input records;
	uint32_t seq;			/* of the last request */
	unsigned int requests;
	struct mnl_socket *open;
	unsigned int sockets;

	/* the answer that the records may replace, one datagram */
	_Alignas(8) uint8_t answer[32768];
	size_t answer_len;
	bool answer_first;

	/* behind what was received: not to be read */
	const void *beyond;
	size_t beyond_len;
} kernel;

static bool attrs_unchecked;

uint8_t input_byte(struct input *in)
{
	const uint8_t *byte = input_bytes(in, 1);

	return byte ? *byte : 0;
}

const uint8_t *input_bytes(struct input *in, size_t len)
{
	const uint8_t *data = in->data;

	if (len > in->left) {
		in->left = 0;
		return NULL;
	}
	in->data += len;
	in->left -= len;
	return data;
}

void kernel_begin(uint8_t nature)
{
	kernel.nature = nature;
	kernel.records.left = 0;
	kernel.seq = 0;
	kernel.requests = 0;
	kernel.answer_len = 0;
}

void kernel_records(struct input in)
{
	kernel.records = in;
}

void kernel_end(void)
{
	if (kernel.sockets)
		fail("a socket was left open");
}

bool kernel_pending(void)
{
	return kernel.records.left || kernel.answer_len;
}

unsigned int kernel_requests(void)
{
	return kernel.requests;
}

void kernel_plant_fault(void)
{
	attrs_unchecked = true;
}

void kernel_forget_buffer(void)
{
	if (kernel.beyond)
		ASAN_UNPOISON_MEMORY_REGION(kernel.beyond, kernel.beyond_len);
	kernel.beyond = NULL;
}

/* Answers of a kernel in good order */

/* A message behind the others of the answer */
static struct nlmsghdr *answer_put(uint16_t type, size_t extra)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(kernel.answer + kernel.answer_len);

	nlh->nlmsg_type = type;
	nlh->nlmsg_seq = kernel.seq;
	nlh->nlmsg_pid = PORTID;
	mnl_nlmsg_put_extra_header(nlh, extra);
	return nlh;
}

static void answer_done(const struct nlmsghdr *nlh)
{
	kernel.answer_len += MNL_ALIGN(nlh->nlmsg_len);
}

/* All names are of the same network namespace */
static void answer_nsid(void)
{
	struct nlmsghdr *nlh = answer_put(RTM_NEWNSID, sizeof(struct rtgenmsg));

	mnl_attr_put_u32(nlh, NETNSA_NSID, 3);
	answer_done(nlh);
}

static struct nlmsghdr *answer_genl(uint16_t type, uint8_t cmd)
{
	struct nlmsghdr *nlh = answer_put(type, sizeof(struct genlmsghdr));
	struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	genl->cmd = cmd;
	genl->version = VDPA_GENL_VERSION;
	return nlh;
}

static void answer_error(const struct nlmsghdr *request, int err)
{
	struct nlmsghdr *nlh = answer_put(NLMSG_ERROR, sizeof(struct nlmsgerr));
	struct nlmsgerr *msg = mnl_nlmsg_get_payload(nlh);

	msg->error = -err;
	msg->msg = *request;
	nlh->nlmsg_flags = NLM_F_CAPPED;
	if (err) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "Not today");
		mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS,
				 sizeof(*request) + sizeof(struct genlmsghdr));
	}
	answer_done(nlh);
}

static void answer_family(const struct nlmsghdr *request)
{
	struct nlattr *groups, *group;
	struct nlmsghdr *nlh;

	if (kernel.nature & KERNEL_NO_FAMILY) {
		answer_error(request, ENOENT);
		return;
	}
	nlh = answer_genl(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, VDPA_GENL_NAME);
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, FAMILY_ID);
	if (!(kernel.nature & KERNEL_NO_GROUP)) {
		groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
		group = mnl_attr_nest_start(nlh, 1);
		mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, GROUP_ID);
		mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME,
				  VDPA_GENL_MCGRP_MONITOR_NAME);
		mnl_attr_nest_end(nlh, group);
		mnl_attr_nest_end(nlh, groups);
	}
	answer_done(nlh);
}

/* A string of the request, or the one there is otherwise */
static void answer_string(struct nlmsghdr *nlh, const struct nlmsghdr *request,
			  uint16_t type, const char *otherwise)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, request, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != type)
			continue;
		mnl_attr_put(nlh, type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
		return;
	}
	if (otherwise)
		mnl_attr_put_strz(nlh, type, otherwise);
}

static void answer_mgmtdev(const struct nlmsghdr *request)
{
	static const uint32_t attrs[] = { VDPA_ATTR_DEV_NET_CFG_MTU, 9999 };
	struct nlmsghdr *nlh = answer_genl(FAMILY_ID, VDPA_CMD_MGMTDEV_NEW);
	struct nlattr *nest;

	answer_string(nlh, request, VDPA_ATTR_MGMTDEV_BUS_NAME, NULL);
	answer_string(nlh, request, VDPA_ATTR_MGMTDEV_DEV_NAME, "vdpasim_net");
	mnl_attr_put_u64(nlh, VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES, 6);
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_MGMTDEV_MAX_VQS, 3);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_SUPPORTED_FEATURES, 0x308830028);
	mnl_attr_put(nlh, VDPA_ATTR_MGMTDEV_ADD_ATTRS, sizeof(attrs), attrs);
	mnl_attr_put_u32(nlh, VDPA_ATTR_MGMTDEV_NETNSID, 3);
	nest = mnl_attr_nest_start(nlh, VDPA_ATTR_MGMTDEV_RESOURCE);
	mnl_attr_put_strz(nlh, VDPA_RESOURCE_ATTR_NAME, "queues");
	mnl_attr_put_u64(nlh, VDPA_RESOURCE_ATTR_USED, 4);
	mnl_attr_nest_end(nlh, nest);
	answer_done(nlh);
}

static void answer_dev(const struct nlmsghdr *request, const char *name)
{
	struct nlmsghdr *nlh = answer_genl(FAMILY_ID, VDPA_CMD_DEV_NEW);
	struct nlattr *nest;

	answer_string(nlh, request, VDPA_ATTR_DEV_NAME, name);
	answer_string(nlh, request, VDPA_ATTR_MGMTDEV_DEV_NAME, "vdpasim_net");
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_ID, 1);
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_MAX_VQS, 3);
	mnl_attr_put_u16(nlh, VDPA_ATTR_DEV_MAX_VQ_SIZE, 256);
	mnl_attr_put_u8(nlh, VDPA_ATTR_DEV_STATUS, 7);
	mnl_attr_put_strz(nlh, VDPA_ATTR_DEV_DRIVER, "vhost_vdpa");
	mnl_attr_put_u8(nlh, VDPA_ATTR_DEV_STATE, VDPA_STATE_ACTIVE);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_IOVA_LAST, UINT64_MAX);
	nest = mnl_attr_nest_start(nlh, VDPA_ATTR_DEV_CREATED);
	mnl_attr_put_u16(nlh, VDPA_ATTR_DEV_NET_CFG_MTU, 1500);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_FEATURES, 0x300000020);
	mnl_attr_nest_end(nlh, nest);
	answer_done(nlh);
}

static void answer_config(const struct nlmsghdr *request, const char *name)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 1 };
	struct nlmsghdr *nlh = answer_genl(FAMILY_ID, VDPA_CMD_DEV_CONFIG_GET);

	answer_string(nlh, request, VDPA_ATTR_DEV_NAME, name);
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_ID, 1);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_NEGOTIATED_FEATURES, 0x300000028);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_FEATURES, 0x308830028);
	mnl_attr_put(nlh, VDPA_ATTR_DEV_NET_CFG_MACADDR, sizeof(mac), mac);
	mnl_attr_put_u16(nlh, VDPA_ATTR_DEV_NET_STATUS, 1);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_BLK_CFG_CAPACITY, 2048);
	answer_done(nlh);
}

static void answer_vstats(const struct nlmsghdr *request)
{
	struct nlmsghdr *nlh = answer_genl(FAMILY_ID, VDPA_CMD_DEV_VSTATS_GET);

	answer_string(nlh, request, VDPA_ATTR_DEV_NAME, "vdpa0");
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_ID, 1);
	mnl_attr_put_u16(nlh, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 1);
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_QUEUE_INDEX, 1);
	mnl_attr_put_strz(nlh, VDPA_ATTR_DEV_VENDOR_ATTR_NAME, "tx packets");
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_VENDOR_ATTR_VALUE, 7);
	answer_done(nlh);
}

static void answer_stats(const struct nlmsghdr *request)
{
	struct nlmsghdr *nlh = answer_genl(FAMILY_ID, VDPA_CMD_DEV_STATS_GET);
	struct nlattr *nest, *vendor;

	answer_string(nlh, request, VDPA_ATTR_DEV_NAME, "vdpa0");
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_ID, 1);
	mnl_attr_put_u8(nlh, VDPA_ATTR_DEV_STATE, VDPA_STATE_ACTIVE);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_RESETS, 3);
	nest = mnl_attr_nest_start(nlh, VDPA_ATTR_DEV_QUEUE);
	mnl_attr_put_u32(nlh, VDPA_QUEUE_ATTR_INDEX, 1);
	mnl_attr_put_u8(nlh, VDPA_QUEUE_ATTR_READY, 1);
	mnl_attr_put_u64(nlh, VDPA_QUEUE_ATTR_BYTES, 123456);
	mnl_attr_put_u32(nlh, VDPA_QUEUE_ATTR_LAST_ERROR, EINVAL);
	vendor = mnl_attr_nest_start(nlh, VDPA_QUEUE_ATTR_VENDOR);
	mnl_attr_put_strz(nlh, VDPA_ATTR_DEV_VENDOR_ATTR_NAME, "tx drops");
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_VENDOR_ATTR_VALUE, 7);
	mnl_attr_nest_end(nlh, vendor);
	mnl_attr_nest_end(nlh, nest);
	answer_done(nlh);
}

static void answer_profile(const struct nlmsghdr *request)
{
	struct nlmsghdr *nlh = answer_genl(FAMILY_ID, VDPA_CMD_DEV_PROFILE_GET);

	answer_string(nlh, request, VDPA_ATTR_DEV_NAME, "vdpa0");
	mnl_attr_put_u32(nlh, VDPA_ATTR_PROFILE_VERSION, 1);
	mnl_attr_put_u32(nlh, VDPA_ATTR_DEV_ID, 1);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_FEATURES, 1ULL << 49 | 0x300000020);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_BACKEND_FEATURES, 1ULL << 49 | 8);
	mnl_attr_put_u64(nlh, VDPA_ATTR_DEV_IOVA_LAST, UINT64_MAX);
	answer_done(nlh);
}

static void answer_check(const struct nlmsghdr *request)
{
	struct nlmsghdr *nlh = answer_genl(FAMILY_ID, VDPA_CMD_MGMTDEV_CHECK);
	struct nlattr *nest;

	answer_string(nlh, request, VDPA_ATTR_MGMTDEV_DEV_NAME, "m");
	nest = mnl_attr_nest_start(nlh, VDPA_ATTR_CHECK_REASON);
	mnl_attr_put_u32(nlh, VDPA_REASON_ATTR_ATTR, VDPA_ATTR_DEV_FEATURES);
	mnl_attr_put_strz(nlh, VDPA_REASON_ATTR_TEXT, "Too many");
	mnl_attr_put_u64(nlh, VDPA_REASON_ATTR_WANTED, 0x300000020);
	mnl_attr_nest_end(nlh, nest);
	answer_done(nlh);
}

/* One object, or of a dump the first */
static void answer_object(const struct nlmsghdr *request, uint8_t cmd)
{
	switch (cmd) {
	case VDPA_CMD_MGMTDEV_GET:
		answer_mgmtdev(request);
		break;
	case VDPA_CMD_DEV_GET:
		answer_dev(request, "vdpa0");
		break;
	case VDPA_CMD_DEV_CONFIG_GET:
		answer_config(request, "vdpa0");
		break;
	case VDPA_CMD_DEV_VSTATS_GET:
		answer_vstats(request);
		break;
	case VDPA_CMD_DEV_STATS_GET:
		answer_stats(request);
		break;
	case VDPA_CMD_DEV_PROFILE_GET:
		answer_profile(request);
		break;
	case VDPA_CMD_MGMTDEV_CHECK:
		answer_check(request);
		break;
	default:
		if (request->nlmsg_flags & NLM_F_ECHO)
			answer_dev(request, "vdpa0");
	}
}

static bool is_dump(const struct nlmsghdr *request, uint8_t cmd)
{
	return (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP &&
	       (cmd == VDPA_CMD_MGMTDEV_GET || cmd == VDPA_CMD_DEV_GET ||
		cmd == VDPA_CMD_DEV_CONFIG_GET || cmd == VDPA_CMD_DEV_STATS_GET);
}

static void answer_request(const struct nlmsghdr *request)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
	bool dump = is_dump(request, genl->cmd);

	if (kernel.nature & KERNEL_REFUSES) {
		answer_error(request, EPERM);
		return;
	}
	answer_object(request, genl->cmd);
	if (dump && genl->cmd == VDPA_CMD_DEV_GET)
		answer_dev(request, "vdpa1");
	if (dump && genl->cmd == VDPA_CMD_DEV_CONFIG_GET)
		answer_config(request, "vdpa1");
	if (dump)
		answer_done(answer_put(NLMSG_DONE, sizeof(int)));
	else if (request->nlmsg_flags & NLM_F_ACK)
		answer_error(request, 0);
}

/* What is sent to the kernel is always in good order */
static void request_check(const struct nlmsghdr *nlh, size_t len)
{
	const struct nlattr *attr;
	const void *tail = mnl_nlmsg_get_payload_tail(nlh);

	if (len != nlh->nlmsg_len || len < sizeof(*nlh) + sizeof(struct genlmsghdr))
		fail("a request has a wrong length");
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_type_valid(attr, UINT16_MAX) < 0)
			fail("a request has an attribute without a type");
	if ((const void *)attr != tail)
		fail("a request has a malformed attribute");
}

/* The socket, as libmnl.h has it */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	struct mnl_socket *nl = calloc(1, sizeof(*nl));

	(void)flags;
	if (!nl)
		abort();
	/* the other one asks about network namespaces */
	if (bus != NETLINK_ROUTE && (bus != NETLINK_GENERIC || kernel.open))
		fail("opened a second or another socket");
	if (bus == NETLINK_GENERIC)
		kernel.open = nl;
	kernel.sockets++;
	nl->fd = KERNEL_FD;
	return nl;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	(void)nl;
	(void)groups;
	(void)pid;
	return 0;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	kernel_forget_buffer();
	if (nl == kernel.open)
		kernel.open = NULL;
	kernel.sockets--;
	free(nl);
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	return nl->fd;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return PORTID;
}

int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf,
			  socklen_t len)
{
	(void)nl;
	(void)type;
	if (len != sizeof(int) || *(int *)buf == 0)
		fail("set an option of the socket to nothing");
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *buf, size_t len)
{
	const struct nlmsghdr *nlh = buf;

	(void)nl;
	request_check(nlh, len);
	kernel.seq = nlh->nlmsg_seq;
	kernel.answer_len = 0;
	kernel.answer_first = false;
	kernel.requests++;
	if (nlh->nlmsg_type == RTM_GETNSID) {
		answer_nsid();
	} else if (nlh->nlmsg_type != GENL_ID_CTRL) {
		answer_request(nlh);
	} else if (!(kernel.nature & KERNEL_ODD_FAMILY)) {
		answer_family(nlh);
		kernel.answer_first = true;
	}
	return len;
}

/* So that an input need not know the numbers of the requests */
static void fill_seq(uint8_t *data, size_t len)
{
	struct nlmsghdr nlh;

	while (len >= sizeof(nlh)) {
		memcpy(&nlh, data, sizeof(nlh));
		if (!nlh.nlmsg_seq)
			nlh.nlmsg_seq = kernel.seq;
		memcpy(data, &nlh, sizeof(nlh));
		if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len > len)
			return;
		if (MNL_ALIGN(nlh.nlmsg_len) > len)
			return;
		data += MNL_ALIGN(nlh.nlmsg_len);
		len -= MNL_ALIGN(nlh.nlmsg_len);
	}
}

static ssize_t receive_answer(void *buf, size_t size)
{
	size_t len = kernel.answer_len;

	kernel.answer_len = 0;
	kernel.answer_first = false;
	if (len > size)
		abort();
	memcpy(buf, kernel.answer, len);
	return len;
}

static ssize_t receive_record(void *buf, size_t size)
{
	uint8_t kind = input_byte(&kernel.records);
	size_t len = input_byte(&kernel.records);

	len |= input_byte(&kernel.records) << 8;
	if (kind & RECORD_ERRNO) {
		errno = len ? len : EAGAIN;
		return -1;
	}
	if (len > kernel.records.left)
		len = kernel.records.left;
	/* what libmnl says when the buffer is too small */
	if (len > size) {
		input_bytes(&kernel.records, len);
		errno = ENOSPC;
		return -1;
	}
	memcpy(buf, input_bytes(&kernel.records, len), len);
	fill_seq(buf, len);
	return len;
}

struct input kernel_file(void)
{
	struct input file = { .left = 0 };
	size_t len;

	input_byte(&kernel.records);
	len = input_byte(&kernel.records);
	len |= input_byte(&kernel.records) << 8;
	file.left = len < kernel.records.left ? len : kernel.records.left;
	file.data = input_bytes(&kernel.records, file.left);
	return file;
}

static ssize_t receive(void *buf, size_t size)
{
	if (kernel.answer_first && kernel.answer_len)
		return receive_answer(buf, size);
	if (kernel.records.left)
		return receive_record(buf, size);
	if (kernel.answer_len && !(kernel.nature & KERNEL_FALLS_SILENT))
		return receive_answer(buf, size);
	kernel.answer_len = 0;
	errno = EAGAIN;
	return -1;
}

/* How long what comes next is */
ssize_t fuzz_recv(int fd, void *data, size_t len, int flags)
{
	const struct input *in = &kernel.records;

	(void)data;
	if (fd != KERNEL_FD || len || flags != (MSG_PEEK | MSG_TRUNC))
		fail("received other than by libmnl");
	if (kernel.answer_first || !in->left)
		return kernel.answer_len;
	len = in->left < 3 ? 0 : in->data[1] | in->data[2] << 8;
	return in->left < 3 || in->data[0] & RECORD_ERRNO ? 0 : len;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t size)
{
	ssize_t len;

	(void)nl;
	kernel_forget_buffer();
	len = receive(buf, size);
	if (len < 0)
		return -1;
	kernel.beyond = (const char *)buf + len;
	kernel.beyond_len = size - len;
	ASAN_POISON_MEMORY_REGION(kernel.beyond, kernel.beyond_len);
	return len;
}

/* What the tool has libmnl read */

static const void *readable(const struct nlattr *attr, size_t size)
{
	if (__asan_region_is_poisoned((void *)attr, sizeof(*attr)))
		fail("an attribute is read beyond what was received");
	if (mnl_attr_get_payload_len(attr) < size)
		fail("more is read than the attribute holds");
	if (__asan_region_is_poisoned(mnl_attr_get_payload(attr), size))
		fail("a value is read beyond what was received");
	return mnl_attr_get_payload(attr);
}

#define WRAP_GET(bits)								\
	uint##bits##_t __real_mnl_attr_get_u##bits(const struct nlattr *attr);	\
	uint##bits##_t __wrap_mnl_attr_get_u##bits(const struct nlattr *attr);	\
	uint##bits##_t __wrap_mnl_attr_get_u##bits(const struct nlattr *attr)	\
	{									\
		readable(attr, sizeof(uint##bits##_t));				\
		return __real_mnl_attr_get_u##bits(attr);			\
	}

WRAP_GET(8)
WRAP_GET(16)
WRAP_GET(32)
WRAP_GET(64)

const char *__wrap_mnl_attr_get_str(const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (!memchr(readable(attr, len), '\0', len))
		fail("a string is read that does not end in its attribute");
	return __real_mnl_attr_get_str(attr);
}

int __wrap_mnl_attr_validate(const struct nlattr *attr, enum mnl_attr_data_type type)
{
	readable(attr, mnl_attr_get_payload_len(attr));
	return attrs_unchecked ? 0 : __real_mnl_attr_validate(attr, type);
}

uint16_t __wrap_mnl_attr_get_type(const struct nlattr *attr)
{
	readable(attr, 0);
	return __real_mnl_attr_get_type(attr);
}
