// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration space, vendor statistics, and changes of live devices by
 * netlink: on simulated devices, with and without a driver
 */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "vdpa_harness.h"
#include "vhost_env.h"
#include "vnl_reply.h"

#define NET		"net0"
#define BLK		"blk0"
#define BLK_SIM		"vdpasim_blk"
#define BLK_MODULE	"vdpa_sim_blk"
#define NET_VQS		3U
#define MTU		1400

#define BIT(_nr)	(1ULL << (_nr))
/* What a simulated device cannot do without */
#define REQUIRED	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM))

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 2 };

static bool is_mac(const struct vnl_reply *r, const uint8_t *want)
{
	const struct nlattr *attr = r->attr[VDPA_ATTR_DEV_NET_CFG_MACADDR];

	return attr && mnl_attr_get_payload_len(attr) == 6 &&
	       !memcmp(mnl_attr_get_payload(attr), want, 6);
}

static int config_get(struct vnl *s, const char *name, struct vnl_reply *r)
{
	return vnl_reply_dev(s, VDPA_CMD_DEV_CONFIG_GET, name, r);
}

static int vstats_get(struct vnl *s, const char *name, unsigned int idx,
		      struct vnl_reply *r)
{
	struct vnl_msg m;

	memset(r, 0, sizeof(*r));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_VSTATS_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	vnl_put_u32(&m, VDPA_ATTR_DEV_QUEUE_INDEX, idx);
	return vnl_request(s, &m, vnl_reply_cb, r);
}

/* What is to be changed; a mac of NULL and other values of -1 are left out */
struct change {
	const uint8_t *mac;
	int mtu;
	int status;
	int max_vqp;
};

#define CHANGE(...)	(struct change){ .mtu = -1, .status = -1, \
					 .max_vqp = -1, __VA_ARGS__ }

static int attr_set(struct vnl *s, const char *name, struct change c)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_ATTR_SET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (c.mac)
		vnl_put(&m, VDPA_ATTR_DEV_NET_CFG_MACADDR, c.mac, 6);
	if (c.mtu >= 0)
		vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MTU, c.mtu);
	if (c.status >= 0)
		vnl_put_u16(&m, VDPA_ATTR_DEV_NET_STATUS, c.status);
	if (c.max_vqp >= 0)
		vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, c.max_vqp);
	return vnl_request(s, &m, NULL, NULL);
}

/* With an address and an MTU if it is of class net; @features 0: all */
static int dev_add(struct vnl *s, const char *handle, const char *name,
		   uint64_t features)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, handle);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (features)
		vnl_put_u64(&m, VDPA_ATTR_DEV_FEATURES, features);
	if (!strcmp(handle, ENV_SIM) &&
	    (!features || features & BIT(VIRTIO_NET_F_MAC)))
		vnl_put(&m, VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, sizeof(mac));
	if (!strcmp(handle, ENV_SIM) &&
	    (!features || features & BIT(VIRTIO_NET_F_MTU)))
		vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MTU, MTU);
	return vnl_request(s, &m, NULL, NULL);
}

/*
 * The scene: a network device, a disk, somebody who watches
 */

FIXTURE(config) {
	struct vnl s;
	struct vnl monitor;
	struct vnl_reply r;
	int fd;			/* of a driver, -1 for none */
};

FIXTURE_SETUP(config)
{
	self->fd = -1;
	vnl_open(&self->s);
	env_reset(&self->s);
	ASSERT_EQ(0, env_modprobe(VH_DRIVER_MODULE, NULL));
	ASSERT_EQ(0, env_modprobe(BLK_MODULE, NULL));
	ASSERT_EQ(0, dev_add(&self->s, ENV_SIM, NET, 0));
	ASSERT_EQ(0, dev_add(&self->s, BLK_SIM, BLK, 0));
	vnl_monitor_open(&self->monitor);
}

FIXTURE_TEARDOWN(config)
{
	if (self->fd >= 0)
		close(self->fd);
	vnl_close(&self->monitor);
	env_reset(&self->s);
	env_rmmod(BLK_MODULE, true);
	env_rmmod(VH_DRIVER_MODULE, true);
	vnl_close(&self->s);
}

/* A driver that agreed on @features, and goes no further */
static int negotiate(const char *name, uint64_t features)
{
	int fd = vh_open(name);

	if (fd < 0)
		return fd;
	if (vh_ioctl(fd, VHOST_SET_OWNER, NULL) ||
	    vh_status(fd, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER) ||
	    vh_ioctl(fd, VHOST_SET_FEATURES, &features) ||
	    vh_status(fd, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		      VIRTIO_CONFIG_S_FEATURES_OK)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/*
 * What is shown
 */

TEST_F(config, net)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(1, r->nr);
	EXPECT_EQ(VDPA_CMD_DEV_CONFIG_GET, r->cmd);
	EXPECT_STREQ(NET, vnl_text(r, VDPA_ATTR_DEV_NAME));
	EXPECT_STREQ(ENV_SIM, vnl_text(r, VDPA_ATTR_MGMTDEV_DEV_NAME));
	EXPECT_EQ(ENV_CLASS_NET, vnl_nr(r, VDPA_ATTR_DEV_ID));
	EXPECT_TRUE(is_mac(r, mac));
	EXPECT_EQ(MTU, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MTU));
	EXPECT_EQ(VIRTIO_NET_S_LINK_UP, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
	EXPECT_EQ(REQUIRED, vnl_nr(r, VDPA_ATTR_DEV_FEATURES) & REQUIRED);
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_BLK_CFG_CAPACITY));
}

/* What the device does not offer it has not */
TEST_F(config, net_without_features)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, dev_add(&self->s, ENV_SIM, "bare", REQUIRED));
	ASSERT_EQ(0, config_get(&self->s, "bare", r));
	EXPECT_EQ(REQUIRED, vnl_nr(r, VDPA_ATTR_DEV_FEATURES));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MACADDR));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MTU));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
}

/* Field by field as the driver reads it */
TEST_F(config, blk)
{
	static const struct {
		uint16_t attr;
		uint8_t offset, size;
	} fields[] = {
#define FIELD(_attr, _member) { VDPA_ATTR_DEV_BLK_CFG_##_attr, \
		offsetof(struct virtio_blk_config, _member), \
		sizeof(((struct virtio_blk_config *)0)->_member) }
		FIELD(CAPACITY, capacity), FIELD(SIZE_MAX, size_max),
		FIELD(SEG_MAX, seg_max), FIELD(BLK_SIZE, blk_size),
		FIELD(PHY_BLK_EXP, physical_block_exp),
		FIELD(ALIGN_OFFSET, alignment_offset),
		FIELD(MIN_IO_SIZE, min_io_size), FIELD(OPT_IO_SIZE, opt_io_size),
		FIELD(MAX_DISCARD_SEC, max_discard_sectors),
		FIELD(MAX_DISCARD_SEG, max_discard_seg),
		FIELD(DISCARD_SEC_ALIGN, discard_sector_alignment),
		FIELD(MAX_WRITE_ZEROES_SEC, max_write_zeroes_sectors),
		FIELD(MAX_WRITE_ZEROES_SEG, max_write_zeroes_seg),
	};
	const size_t size = offsetof(struct virtio_blk_config, write_zeroes_may_unmap);
	struct {
		struct vhost_vdpa_config head;
		unsigned char space[sizeof(struct virtio_blk_config)];
	} config = { .head.len = size };
	struct vnl_reply *r = &self->r;
	uint64_t value;
	size_t i;

	self->fd = vh_open(BLK);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_CONFIG, &config));
	ASSERT_EQ(0, config_get(&self->s, BLK, r));
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		value = 0;
		memcpy(&value, config.space + fields[i].offset, fields[i].size);
		EXPECT_EQ(value, vnl_nr(r, fields[i].attr))
			TH_LOG("attribute %u", fields[i].attr);
	}
	EXPECT_LT(0, vnl_nr(r, VDPA_ATTR_DEV_BLK_CFG_CAPACITY));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_BLK_READ_ONLY));
	EXPECT_EQ(!!(vnl_nr(r, VDPA_ATTR_DEV_FEATURES) & BIT(VIRTIO_BLK_F_FLUSH)),
		  vnl_nr(r, VDPA_ATTR_DEV_BLK_FLUSH));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MACADDR));
}

/* To look changes nothing, whenever it is */
TEST_F(config, negotiated)
{
	uint64_t features = REQUIRED | BIT(VIRTIO_NET_F_MTU);
	struct vnl_reply *r = &self->r;

	self->fd = negotiate(NET, features);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(features, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));
	EXPECT_TRUE(is_mac(r, mac));

	ASSERT_EQ(0, vh_status(self->fd, 0));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));

	/* amid negotiation */
	ASSERT_EQ(0, vh_status(self->fd, 3));
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));
	ASSERT_EQ(0, vh_status(self->fd, 0xb));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(features, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));
}

/*
 * Dumps
 */

struct seen {
	unsigned int net, blk, broken;
	bool complete;
};

static void seen_cb(const struct nlmsghdr *nlh, void *arg)
{
	static struct vnl_reply r;
	struct seen *seen = arg;

	vnl_reply_cb(nlh, &r);
	if (r.cmd != VDPA_CMD_DEV_CONFIG_GET)
		seen->broken++;
	else if (vnl_nr(&r, VDPA_ATTR_DEV_ID) == ENV_CLASS_NET)
		seen->net += vnl_nr(&r, VDPA_ATTR_DEV_NET_CFG_MTU) == MTU;
	else if (vnl_nr(&r, VDPA_ATTR_DEV_ID) == ENV_CLASS_BLOCK)
		seen->blk += vnl_nr(&r, VDPA_ATTR_DEV_BLK_CFG_CAPACITY) > 0;
	else
		seen->broken++;
}

static int config_dump(struct vnl *s, const char *handle, size_t chunk_len,
		       struct seen *seen)
{
	struct vnl_dump d;
	struct vnl_msg m;

	memset(seen, 0, sizeof(*seen));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_CONFIG_GET, 0);
	if (handle)
		vnl_put_handle(&m, handle);
	vnl_dump_start(&d, s, &m, chunk_len);
	return vnl_dump_rest(&d, seen_cb, seen);
}

#define MANY	200

static int add_many(struct vnl *s)
{
	char name[32];
	int i, err;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		err = dev_add(s, ENV_SIM, name, 0);
		if (err)
			return err;
	}
	return 0;
}

/* Devices of one class do not hide those of another, wherever they stand */
TEST_F(config, dump_of_all_classes)
{
	struct seen seen;
	struct vnl s;

	vnl_open(&s);
	ASSERT_EQ(0, add_many(&self->s));
	ASSERT_EQ(0, dev_add(&self->s, BLK_SIM, "blk1", 0));
	ASSERT_EQ(0, config_dump(&s, NULL, VNL_CHUNK_SMALL, &seen));
	vnl_close(&s);
	EXPECT_EQ(MANY + 1, seen.net);
	EXPECT_EQ(2, seen.blk);
	EXPECT_EQ(0, seen.broken);
}

TEST_F(config, dump_of_a_management_device)
{
	struct seen seen;

	ASSERT_EQ(0, config_dump(&self->s, BLK_SIM, VNL_CHUNK_LARGE, &seen));
	EXPECT_EQ(0, seen.net);
	EXPECT_EQ(1, seen.blk);
	EXPECT_EQ(ENODEV, config_dump(&self->s, "nosuch", VNL_CHUNK_LARGE,
				      &seen));
	EXPECT_STREQ("No such management device", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_MGMTDEV_DEV_NAME, self->s.err.bad_attr);
}

/* One that went since the first part was read is left out, and it is said so */
TEST_F(config, dump_while_a_device_goes)
{
	struct seen seen = {};
	bool intr = false;
	struct vnl_dump d;
	struct vnl_msg m;
	struct vnl s;

	vnl_open(&s);
	ASSERT_EQ(0, add_many(&self->s));
	vnl_msg_init(&m, &s, VDPA_CMD_DEV_CONFIG_GET, 0);
	vnl_dump_start(&d, &s, &m, VNL_CHUNK_SMALL);
	ASSERT_TRUE(vnl_dump_next(&d, seen_cb, &seen));
	ASSERT_EQ(0, vnl_dev_del(&self->s, "many199"));
	do {
		intr |= d.intr;
	} while (vnl_dump_next(&d, seen_cb, &seen));
	EXPECT_TRUE(intr || d.intr);
	EXPECT_EQ(0, s.err.err);
	EXPECT_EQ(MANY, seen.net);
	EXPECT_EQ(1, seen.blk);
	vnl_close(&s);
}

/*
 * Vendor statistics
 */

TEST_F(config, vstats)
{
	static const char *const first[NET_VQS] = {
		"rx packets", "tx packets", "cvq requests"
	};
	struct vnl_reply *r = &self->r;
	unsigned int idx, i;

	for (idx = 0; idx < NET_VQS; idx++) {
		ASSERT_EQ(0, vstats_get(&self->s, NET, idx, r));
		EXPECT_EQ(VDPA_CMD_DEV_VSTATS_GET, r->cmd);
		EXPECT_STREQ(NET, vnl_text(r, VDPA_ATTR_DEV_NAME));
		EXPECT_EQ(ENV_CLASS_NET, vnl_nr(r, VDPA_ATTR_DEV_ID));
		EXPECT_EQ(idx, vnl_nr(r, VDPA_ATTR_DEV_QUEUE_INDEX));
		/* by which clients know the control queue */
		EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
		EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));
		ASSERT_LT(2, r->pairs);
		EXPECT_STREQ(first[idx], r->name[0]);
		for (i = 0; i < r->pairs; i++)
			EXPECT_EQ(0, r->value[i]);
	}
	ASSERT_EQ(0, vstats_get(&self->s, BLK, 0, r));
	EXPECT_EQ(ENV_CLASS_BLOCK, vnl_nr(r, VDPA_ATTR_DEV_ID));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
	EXPECT_STREQ("requests", r->name[0]);
}

TEST_F(config, vstats_of_several_pairs)
{
	struct vnl_reply *r = &self->r;
	struct vnl_msg m;

	vnl_msg_init(&m, &self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "wide");
	vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 4);
	ASSERT_EQ(0, vnl_request(&self->s, &m, NULL, NULL));
	ASSERT_EQ(0, vstats_get(&self->s, "wide", 8, r));
	EXPECT_EQ(4, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
	EXPECT_STREQ("cvq requests", r->name[0]);
	EXPECT_EQ(EINVAL, vstats_get(&self->s, "wide", 9, r));
}

TEST_F(config, vstats_refused)
{
	struct vnl_reply *r = &self->r;
	struct vnl_msg m;

	EXPECT_EQ(ENODEV, vstats_get(&self->s, "nosuch", 0, r));
	EXPECT_STREQ("No such device", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_NAME, self->s.err.bad_attr);

	EXPECT_EQ(EINVAL, vstats_get(&self->s, NET, NET_VQS, r));
	EXPECT_STREQ("Device has 3 queues", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_QUEUE_INDEX, self->s.err.bad_attr);
	EXPECT_EQ(EINVAL, vstats_get(&self->s, NET, UINT32_MAX, r));

	vnl_msg_init(&m, &self->s, VDPA_CMD_DEV_VSTATS_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, NET);
	EXPECT_EQ(EINVAL, vnl_request(&self->s, &m, NULL, NULL));
	EXPECT_STREQ("Queue index not given", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_QUEUE_INDEX, self->s.err.miss_attr);
}

/*
 * Changes
 */

/* Everybody is told: who watches, and the driver */
TEST_F(config, set)
{
	struct vnl_reply *r = &self->r;
	struct vnl_event ev;
	int call;

	call = eventfd(0, EFD_NONBLOCK);
	ASSERT_LE(0, call);
	self->fd = negotiate(NET, REQUIRED | BIT(VIRTIO_NET_F_MAC) |
			     BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_STATUS));
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &call));
	ASSERT_EQ(0, vh_status(self->fd, VH_STATUS_RUNS));
	while (vnl_event_next(&self->monitor, &ev, 0) > 0)
		;

	ASSERT_EQ(0, attr_set(&self->s, NET, CHANGE(.mac = other_mac,
						    .mtu = 9000, .status = 0)));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_TRUE(is_mac(r, other_mac));
	EXPECT_EQ(9000, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MTU));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));
	EXPECT_EQ(1, poll(&(struct pollfd){ .fd = call, .events = POLLIN }, 1, 0));
	ASSERT_EQ(1, vnl_event_next(&self->monitor, &ev, 1000));
	EXPECT_EQ(VDPA_CMD_DEV_CHANGE, ev.cmd);
	EXPECT_STREQ(NET, ev.dev.name);
	close(call);
}

/* One thing leaves the others alone, and lasts */
TEST_F(config, set_one_by_one)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, attr_set(&self->s, NET, CHANGE(.mtu = 68)));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(68, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MTU));
	EXPECT_TRUE(is_mac(r, mac));
	EXPECT_EQ(VIRTIO_NET_S_LINK_UP, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));

	ASSERT_EQ(0, attr_set(&self->s, NET, CHANGE(.status = 0)));
	ASSERT_EQ(0, attr_set(&self->s, NET, CHANGE(.mac = other_mac)));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(68, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MTU));
	EXPECT_TRUE(is_mac(r, other_mac));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));

	/* a driver comes and goes */
	self->fd = negotiate(NET, REQUIRED);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_status(self->fd, 0));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_TRUE(is_mac(r, other_mac));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));

	ASSERT_EQ(0, attr_set(&self->s, NET, CHANGE(.status = VIRTIO_NET_S_LINK_UP)));
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_EQ(VIRTIO_NET_S_LINK_UP, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));
}

/* All or nothing, with the attribute at fault */
TEST_F(config, set_refused)
{
	static const uint8_t multicast[6] = { 3, 0, 0, 0, 0, 1 };
	static const struct {
		const char *dev;
		struct change change;
		int err;
		uint16_t bad_attr;
		const char *text;
	} refusals[] = {
		{ NET, { .mac = multicast, .mtu = 1500, .status = -1, .max_vqp = -1 },
		  EINVAL, VDPA_ATTR_DEV_NET_CFG_MACADDR,
		  "MAC address is not a unicast address" },
		{ NET, { .mac = other_mac, .mtu = 67, .status = -1, .max_vqp = -1 },
		  ERANGE, VDPA_ATTR_DEV_NET_CFG_MTU, "MTU is below 68" },
		{ NET, { .mac = other_mac, .mtu = -1, .status = 3, .max_vqp = -1 },
		  EINVAL, VDPA_ATTR_DEV_NET_STATUS,
		  "Link status is neither up nor down" },
		{ NET, { .mac = other_mac, .mtu = -1, .status = -1, .max_vqp = 2 },
		  EINVAL, 0, "Device was made with 1 queue pairs" },
		{ NET, { .mtu = -1, .status = -1, .max_vqp = -1 },
		  EINVAL, 0, "No attribute to set" },
		{ "nosuch", { .mtu = 1500, .status = -1, .max_vqp = -1 },
		  ENODEV, VDPA_ATTR_DEV_NAME, "No such device" },
		{ BLK, { .mtu = 1500, .status = -1, .max_vqp = -1 },
		  EOPNOTSUPP, VDPA_ATTR_DEV_NET_CFG_MTU,
		  "Attribute is not supported, but: device_features" },
		{ "bare", { .mac = other_mac, .mtu = -1, .status = -1, .max_vqp = -1 },
		  EINVAL, 0, "A MAC address needs the feature MAC" },
		{ "bare", { .mtu = 1500, .status = -1, .max_vqp = -1 },
		  EINVAL, 0, "An MTU needs the feature MTU" },
		{ "bare", { .mtu = -1, .status = 1, .max_vqp = -1 },
		  EINVAL, 0, "A link status needs the feature STATUS" },
	};
	struct vnl_reply *r = &self->r;
	struct vnl_event ev;
	size_t i;

	ASSERT_EQ(0, dev_add(&self->s, ENV_SIM, "bare", REQUIRED));
	while (vnl_event_next(&self->monitor, &ev, 0) > 0)
		;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		EXPECT_EQ(refusals[i].err, attr_set(&self->s, refusals[i].dev,
						    refusals[i].change))
			TH_LOG("refusal %zu", i);
		EXPECT_STREQ(refusals[i].text, self->s.err.text);
		EXPECT_EQ(refusals[i].bad_attr ?: -1, self->s.err.bad_attr)
			TH_LOG("refusal %zu", i);
	}
	ASSERT_EQ(0, config_get(&self->s, NET, r));
	EXPECT_TRUE(is_mac(r, mac));
	EXPECT_EQ(MTU, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MTU));
	EXPECT_EQ(VIRTIO_NET_S_LINK_UP, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));
	EXPECT_EQ(0, vnl_event_next(&self->monitor, &ev, 0));
}

/*
 * Devices of a parent without a management device, statistics or changes
 */

FIXTURE(parent) {
	struct vnl s;
	struct vnl_reply r;
};

FIXTURE_SETUP(parent)
{
	vh_begin();
	vnl_open(&self->s);
}

FIXTURE_TEARDOWN(parent)
{
	vnl_close(&self->s);
	vh_del("p0");
	EXPECT_TRUE(vh_end());
}

TEST_F(parent, has_neither_statistics_nor_changes)
{
	ASSERT_EQ(0, vh_new("p0", ""));
	EXPECT_EQ(0, config_get(&self->s, "p0", &self->r));
	EXPECT_EQ(EOPNOTSUPP, vstats_get(&self->s, "p0", 0, &self->r));
	EXPECT_STREQ("Device has no vendor statistics", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_NAME, self->s.err.bad_attr);
	EXPECT_EQ(EOPNOTSUPP, attr_set(&self->s, "p0", CHANGE(.mtu = 1500)));
	EXPECT_STREQ("Device cannot be changed", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_NAME, self->s.err.bad_attr);
}

/* The MAC address and the status are all that there is room for */
TEST_F(parent, is_not_read_past_its_end)
{
	static const uint8_t first_bytes[6] = { 0, 1, 2, 3, 4, 5 };
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, vh_new("p0", "short"));
	ASSERT_EQ(0, config_get(&self->s, "p0", r));
	EXPECT_EQ(BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_MQ),
		  vnl_nr(r, VDPA_ATTR_DEV_FEATURES) &
		  (BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_MQ)));
	EXPECT_TRUE(is_mac(r, first_bytes));
	EXPECT_EQ(0x0706, vnl_nr(r, VDPA_ATTR_DEV_NET_STATUS));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MTU));
}

VDPA_HARNESS_MAIN
