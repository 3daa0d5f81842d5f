/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests, dumps and events of the generic netlink family "vdpa", with
 * everything the kernel says about a refusal. Return values: 0 or a positive
 * errno, as the kernel gave it; what went wrong in the test program itself
 * (no socket, no answer) ends the program.
 */

#ifndef _VDPA_NL_H
#define _VDPA_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vdpa.h>

/* Watchdog: an answer that takes longer will never come */
#define VNL_TIMEOUT_S	25

/* Long enough for names that the kernel should never let through */
#define VNL_NAME_LEN	256

/* One message of any size that the tests send */
#define VNL_MSG_LEN	16384

/*
 * How much is received at once. The kernel remembers the largest size ever
 * used on a socket, up to 32 KiB, and fills a dump's chunks accordingly; the
 * smallest it takes is about a page. So everything is received in small
 * pieces, but for the dumps that are asked for in large ones.
 */
#define VNL_CHUNK_SMALL	4096
#define VNL_CHUNK_LARGE	32768

/* What the kernel said about a request */
struct vnl_err {
	int err;		/* positive errno, 0 if acknowledged */
	int bad_attr;		/* type of the attribute at fault, -1: none */
	int miss_attr;		/* type of the attribute missing, -1: none */
	char text[256];		/* extended ack, "": none */
};

struct vnl {
	int fd;
	uint16_t family;
	uint32_t group;		/* number of the multicast group "monitor" */
	uint32_t seq;
	bool connected;		/* requests go without an address */
	bool large;		/* replies may be longer than VNL_CHUNK_SMALL */
	struct vnl_err err;	/* of the last request */
	char buf[VNL_CHUNK_LARGE];
};

struct vnl_msg {
	struct nlmsghdr *nlh;
	char buf[VNL_MSG_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* Bits of vnl_dev.has and vnl_mgmt.has: 1 << attribute, own ones from 62 */
#define VNL_HAS(attr)	(1ULL << ((attr) < 256 ? (attr) : (attr) - 256 + 60))

struct vnl_mgmt {
	uint64_t has;
	char bus[VNL_NAME_LEN];
	char name[VNL_NAME_LEN];
	uint64_t classes;
	uint64_t features;
	uint32_t max_vqs;
};

struct vnl_dev {
	uint64_t has;
	char name[VNL_NAME_LEN];
	char mgmt_bus[VNL_NAME_LEN];
	char mgmt_name[VNL_NAME_LEN];
	char driver[VNL_NAME_LEN];
	uint32_t id;
	uint32_t vendor;
	uint32_t max_vqs;
	uint16_t max_vq_size;
	uint16_t min_vq_size;
	uint8_t status;
};

struct vnl_devs {
	size_t nr, room;
	struct vnl_dev *dev;
	bool intr;		/* some message said NLM_F_DUMP_INTR */
};

/* An event, or the reply to a request: all its attributes stay in msg */
struct vnl_event {
	uint8_t cmd;
	struct vnl_dev dev;
	struct vnl_mgmt mgmt;
	struct vnl_msg msg;
};

/* A dump under way, read chunk by chunk; the request must stay */
struct vnl_dump {
	struct vnl *s;
	const struct nlmsghdr *req;
	uint32_t seq;
	size_t chunk_len;
	bool done;
	bool intr;		/* some message of the last chunk was flagged */
	bool unfiltered;	/* some message lacked NLM_F_DUMP_FILTERED */
	unsigned int nr_chunks;
	unsigned int nr_msgs;
};

typedef void (*vnl_cb)(const struct nlmsghdr *nlh, void *arg);

/* sockets */
int vnl_try_open(struct vnl *s);	/* ENOENT: no family "vdpa" */
void vnl_open(struct vnl *s);
void vnl_connect(struct vnl *s);	/* to the kernel */
void vnl_close(struct vnl *s);

/* messages */
void vnl_msg_init(struct vnl_msg *m, const struct vnl *s, uint8_t cmd,
		  uint16_t flags);
void vnl_put(struct vnl_msg *m, uint16_t type, const void *data, size_t len);
void vnl_put_str(struct vnl_msg *m, uint16_t type, const char *str);
void vnl_put_u8(struct vnl_msg *m, uint16_t type, uint8_t v);
void vnl_put_u16(struct vnl_msg *m, uint16_t type, uint16_t v);
void vnl_put_u32(struct vnl_msg *m, uint16_t type, uint32_t v);
void vnl_put_u64(struct vnl_msg *m, uint16_t type, uint64_t v);
void vnl_put_handle(struct vnl_msg *m, const char *handle);
void vnl_put_garbage(struct vnl_msg *m, const void *data, size_t len);

/* requests */
int vnl_send(struct vnl *s, struct vnl_msg *m);
int vnl_wait_ack(struct vnl *s, const struct vnl_msg *m, vnl_cb cb, void *arg);
int vnl_request(struct vnl *s, struct vnl_msg *m, vnl_cb cb, void *arg);
bool vnl_answered(struct vnl *s);	/* an answer waits to be read */

/* dumps; vnl_dump_next() returns 0 at the end or on an error (in s->err) */
void vnl_dump_start(struct vnl_dump *d, struct vnl *s, struct vnl_msg *m,
		    size_t chunk_len);
bool vnl_dump_next(struct vnl_dump *d, vnl_cb cb, void *arg);
int vnl_dump_rest(struct vnl_dump *d, vnl_cb cb, void *arg);

/* objects */
void vnl_dev_parse(const struct nlmsghdr *nlh, struct vnl_dev *dev);
void vnl_mgmt_parse(const struct nlmsghdr *nlh, struct vnl_mgmt *mgmt);
int vnl_dev_add(struct vnl *s, const char *handle, const char *name);
int vnl_dev_add_auto(struct vnl *s, const char *handle, struct vnl_dev *dev);
int vnl_dev_del(struct vnl *s, const char *name);
/* With a socket for only that */
int vnl_dev_del_once(const char *name);
int vnl_dev_get(struct vnl *s, const char *name, struct vnl_dev *dev);
int vnl_dev_get_event(struct vnl *s, const char *name, struct vnl_event *ev);
int vnl_mgmt_get(struct vnl *s, const char *handle, struct vnl_mgmt *mgmt);
int vnl_mgmt_get_event(struct vnl *s, const char *handle,
		       struct vnl_event *ev);

/* lists; vnl_devs_free() when done with them */
void vnl_devs_add(const struct nlmsghdr *nlh, void *devs);
int vnl_devs_get(struct vnl *s, const char *handle, struct vnl_devs *l);
struct vnl_dev *vnl_devs_find(const struct vnl_devs *l, const char *name);
bool vnl_devs_same(const struct vnl_devs *a, const struct vnl_devs *b);
void vnl_devs_free(struct vnl_devs *l);
size_t vnl_dev_count(struct vnl *s);

/* events; vnl_event_next(): 1, 0 when none came in time, or -errno */
int vnl_monitor_join(struct vnl *s);
void vnl_monitor_open(struct vnl *s);
int vnl_event_next(struct vnl *s, struct vnl_event *ev, int timeout_ms);
bool vnl_same_attrs(const struct vnl_msg *a, const struct vnl_msg *b);

/* what the kernel says of an operation's policy, by attribute type */
struct vnl_policy {
	bool found;
	uint32_t type[512];	/* enum netlink_attribute_type, 0: refused */
	uint32_t min_len[512], max_len[512];
};

int vnl_policy_get(struct vnl *s, uint8_t cmd, bool dump,
		   struct vnl_policy *p);

#endif
