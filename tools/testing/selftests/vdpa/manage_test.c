// SPDX-License-Identifier: GPL-2.0
/*
 * What management sees of devices, and does to them, while somebody uses them:
 * on simulated devices, driven through vhost_vdpa
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "vdpa_harness.h"
#include "vnl_reply.h"
#include "vring_env.h"

#define DISK		"disk0"
#define NET		"net0"
#define SECTOR		512U
#define DISK_NUM	16U		/* size of the queue that is used */
#define MIB		0x100000U

static int dev_get(struct vnl *s, const char *name, struct vnl_reply *r)
{
	return vnl_reply_dev(s, VDPA_CMD_DEV_GET, name, r);
}

/*
 * A driver of a disk with one queue, which can do no more than read
 */

struct disk {
	uint64_t features;	/* besides what is needed anyway */
	struct vr_dev dev;
	struct vr_queue queue;
};

/* From reset to DRIVER_OK */
static int disk_start(struct disk *disk)
{
	disk->dev.used = 0;
	if (vr_negotiate(&disk->dev, VR_FEATURES | disk->features))
		return EPROTO;
	vr_queue_alloc(&disk->queue, &disk->dev, 0, DISK_NUM, 0);
	return vr_queue_attach(&disk->queue, &disk->dev,
			       vr_queue_base(&disk->queue)) ?:
	       vr_run(&disk->dev);
}

static int disk_open(struct disk *disk, const char *name)
{
	return vr_open(&disk->dev, name, MIB, NULL) ?: disk_start(disk);
}

static int disk_read(struct disk *disk, uint64_t sector, uint8_t *status)
{
	struct virtio_blk_outhdr *hdr = vr_alloc(&disk->dev, sizeof(*hdr), 16);
	uint8_t *data = vr_alloc(&disk->dev, SECTOR + 1, 16);
	const struct vr_buf bufs[] = {
		{ .at = hdr, .len = sizeof(*hdr) },
		{ .at = data, .len = SECTOR, .write = true },
		{ .at = data + SECTOR, .len = 1, .write = true },
	};
	void *token;
	uint32_t len;

	hdr->type = htole32(VIRTIO_BLK_T_IN);
	hdr->sector = htole64(sector);
	data[SECTOR] = 0xff;
	if (vr_add(&disk->queue, bufs, 3, false, hdr))
		return ENOSPC;
	vr_kick_anyway(&disk->queue);
	if (!vr_wait(&disk->queue))
		return ETIMEDOUT;
	if (vr_get(&disk->queue, &token, &len) != 1)
		return ENODATA;
	*status = data[SECTOR];
	return 0;
}

/* More is available than the ring holds. */
static void disk_break(struct disk *disk)
{
	struct vring_avail *avail = disk->queue.driver;

	avail->idx = htole16(le16toh(avail->idx) + 2 * DISK_NUM);
	vr_kick_anyway(&disk->queue);
}

/*
 * The scene: a disk, a network card, nobody who uses them
 */

FIXTURE(manage) {
	struct vnl s;
	struct vnl_reply r;
	struct disk disk;
};

FIXTURE_SETUP(manage)
{
	memset(&self->disk, 0, sizeof(self->disk));
	self->disk.dev.fd = -1;
	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_BLK_MODULE, NULL));
	ASSERT_EQ(0, env_modprobe(VR_NET_MODULE, NULL));
	vnl_open(&self->s);
	ASSERT_EQ(0, vr_make(VR_BLK_MGMT, DISK, 0));
	ASSERT_EQ(0, vr_make(VR_NET_MGMT, NET, 0));
}

FIXTURE_TEARDOWN(manage)
{
	if (self->disk.dev.fd >= 0)
		vr_close(&self->disk.dev);
	vr_queue_free(&self->disk.queue);
	vnl_close(&self->s);
	EXPECT_TRUE(vr_end());
}

/*
 * State, bus driver, queues
 */

static long long state(struct vnl *s, const char *name, struct vnl_reply *r)
{
	return dev_get(s, name, r) ? -1 : vnl_nr(r, VDPA_ATTR_DEV_STATE);
}

TEST_F(manage, follows_the_driver)
{
	struct vnl_reply *r = &self->r;
	struct disk *disk = &self->disk;
	uint8_t status;

	ASSERT_EQ(VDPA_STATE_INACTIVE, state(&self->s, DISK, r));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_READY_VQS));

	ASSERT_EQ(0, disk_open(disk, DISK));
	EXPECT_EQ(VDPA_STATE_ACTIVE, state(&self->s, DISK, r));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_READY_VQS));
	ASSERT_EQ(0, disk_read(disk, 0, &status));
	EXPECT_EQ(VIRTIO_BLK_S_OK, status);

	ASSERT_EQ(0, vh_ioctl(disk->dev.fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(VDPA_STATE_SUSPENDED, state(&self->s, DISK, r));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_READY_VQS));
	ASSERT_EQ(0, vh_ioctl(disk->dev.fd, VHOST_VDPA_RESUME, NULL));
	EXPECT_EQ(VDPA_STATE_ACTIVE, state(&self->s, DISK, r));

	/* what is suspended when it is reset is so no more */
	ASSERT_EQ(0, vh_ioctl(disk->dev.fd, VHOST_VDPA_SUSPEND, NULL));
	ASSERT_EQ(0, vh_status(disk->dev.fd, 0));
	EXPECT_EQ(VDPA_STATE_INACTIVE, state(&self->s, DISK, r));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_READY_VQS));
}

/* A queue is ready once, however often it is said */
TEST_F(manage, counts_ready_queues)
{
	struct vnl_reply *r = &self->r;
	int fd = vh_open(NET), i;

	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, vh_vq(fd, VHOST_VDPA_SET_VRING_ENABLE, 0, 1));
		ASSERT_EQ(0, vh_vq(fd, VHOST_VDPA_SET_VRING_ENABLE, 2, 1));
	}
	ASSERT_EQ(0, dev_get(&self->s, NET, r));
	EXPECT_EQ(2, vnl_nr(r, VDPA_ATTR_DEV_READY_VQS));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, vh_vq(fd, VHOST_VDPA_SET_VRING_ENABLE, 2, 0));
	ASSERT_EQ(0, dev_get(&self->s, NET, r));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_READY_VQS));
	close(fd);
	ASSERT_EQ(0, dev_get(&self->s, NET, r));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_READY_VQS));
}

/* Whoever manages devices learns that one is broken, when it breaks. */
TEST_F(manage, tells_of_a_broken_ring)
{
	struct disk *disk = &self->disk;
	struct vnl_event ev;
	struct vnl monitor;

	ASSERT_EQ(0, disk_open(disk, DISK));
	vnl_monitor_open(&monitor);
	disk_break(disk);
	do {
		ASSERT_EQ(1, vnl_event_next(&monitor, &ev, VR_PATIENCE_MS));
	} while (ev.cmd != VDPA_CMD_DEV_CHANGE ||
		 !(ev.dev.status & VIRTIO_CONFIG_S_NEEDS_RESET));
	EXPECT_STREQ(DISK, ev.dev.name);
	EXPECT_EQ(VDPA_STATE_NEEDS_RESET, state(&self->s, DISK, &self->r));
	vnl_close(&monitor);

	ASSERT_EQ(0, vh_status(disk->dev.fd, 0));
	EXPECT_EQ(VDPA_STATE_INACTIVE, state(&self->s, DISK, &self->r));
}

/* What one has to open to use the device, and that it is gone */
TEST_F(manage, names_the_driver_and_its_device)
{
	struct vnl_reply *r = &self->r;
	char path[VH_PATH_LEN];

	ASSERT_EQ(0, dev_get(&self->s, DISK, r));
	EXPECT_STREQ("vhost_vdpa", vnl_text(r, VDPA_ATTR_DEV_DRIVER));
	ASSERT_EQ(0, vh_node(DISK, path, sizeof(path)));
	ASSERT_NE(NULL, strrchr(path, '/'));
	EXPECT_STREQ(strrchr(path, '/') + 1, vnl_text(r, VDPA_ATTR_DEV_DRIVER_DEV));

	ASSERT_EQ(0, env_write("/sys/bus/vdpa/drivers/vhost_vdpa/unbind", DISK));
	ASSERT_EQ(0, dev_get(&self->s, DISK, r));
	EXPECT_STREQ("", vnl_text(r, VDPA_ATTR_DEV_DRIVER));
	EXPECT_EQ(NULL, r->attr[VDPA_ATTR_DEV_DRIVER_DEV]);
	EXPECT_EQ(VDPA_STATE_INACTIVE, vnl_nr(r, VDPA_ATTR_DEV_STATE));
}

/* Without opening it, for that would reset it */
TEST_F(manage, tells_what_devices_reach)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, dev_get(&self->s, NET, r));
	EXPECT_EQ(2, vnl_nr(r, VDPA_ATTR_DEV_ADDRESS_SPACES));
	EXPECT_EQ(3, vnl_nr(r, VDPA_ATTR_DEV_GROUPS));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_IOVA_FIRST));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_IOVA_LAST));
	EXPECT_NE(NULL, r->attr[VDPA_ATTR_DEV_IOVA_LAST]);
	ASSERT_EQ(0, dev_get(&self->s, DISK, r));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_GROUPS));
}

/*
 * Statistics, and the state of queues
 */

#define QUEUES_MAX	40

static int stats_get(struct vnl *s, const char *name, int idx,
		     struct vnl_reply *r)
{
	struct vnl_msg m;

	memset(r, 0, sizeof(*r));
	s->large = true;
	vnl_msg_init(&m, s, VDPA_CMD_DEV_STATS_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (idx >= 0)
		vnl_put_u32(&m, VDPA_ATTR_DEV_QUEUE_INDEX, idx);
	return vnl_request(s, &m, vnl_reply_cb, r);
}

/* Of one queue; -1: there is no such number */
static long long queue_nr(struct vnl *s, const char *name, unsigned int idx,
			  uint16_t attr)
{
	static struct vnl_reply r;
	struct vnl_nest queue;

	if (stats_get(s, name, idx, &r) ||
	    vnl_nests(&r, VDPA_ATTR_DEV_QUEUE, &queue, 1) != 1)
		return -1;
	return vnl_attr_nr(queue.attr[attr]);
}

#define EXPECT_QUEUE(_want, _idx, _attr) \
	EXPECT_EQ(_want, queue_nr(&self->s, DISK, _idx, VDPA_QUEUE_ATTR_##_attr))

/* Nobody ever used it, and all the same there is something to tell. */
TEST_F(manage, stats_of_an_unused_device)
{
	struct vnl_reply *r = &self->r;
	struct vnl_nest queue;

	ASSERT_EQ(0, env_write("/sys/bus/vdpa/drivers/vhost_vdpa/unbind", DISK));
	ASSERT_EQ(0, stats_get(&self->s, DISK, -1, r));
	EXPECT_EQ(VDPA_CMD_DEV_STATS_GET, r->cmd);
	EXPECT_STREQ(DISK, vnl_text(r, VDPA_ATTR_DEV_NAME));
	EXPECT_STREQ(VR_BLK_MGMT, vnl_text(r, VDPA_ATTR_MGMTDEV_DEV_NAME));
	EXPECT_EQ(VDPA_STATE_INACTIVE, vnl_nr(r, VDPA_ATTR_DEV_STATE));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_RESETS));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_CONFIG_INTERRUPTS));
	EXPECT_EQ(-1, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));
	ASSERT_EQ(1, vnl_nests(r, VDPA_ATTR_DEV_QUEUE, &queue, 1));
	EXPECT_EQ(0, vnl_attr_nr(queue.attr[VDPA_QUEUE_ATTR_INDEX]));
	EXPECT_EQ(256, vnl_attr_nr(queue.attr[VDPA_QUEUE_ATTR_SIZE]));
	EXPECT_EQ(0, vnl_attr_nr(queue.attr[VDPA_QUEUE_ATTR_READY]));
	EXPECT_EQ(0, vnl_attr_nr(queue.attr[VDPA_QUEUE_ATTR_KICKS]));
	EXPECT_EQ(0, vnl_attr_nr(queue.attr[VDPA_QUEUE_ATTR_COMPLETED]));
	EXPECT_EQ(0, vnl_attr_nr(queue.attr[VDPA_QUEUE_ATTR_AVAIL_INDEX]));
	EXPECT_EQ(NULL, queue.attr[VDPA_QUEUE_ATTR_LAST_ERROR]);
	EXPECT_EQ(NULL, queue.attr[VDPA_QUEUE_ATTR_IRQ]);
	EXPECT_NE(NULL, queue.attr[VDPA_QUEUE_ATTR_VENDOR]);
}

/* What a driver did, to the last request, also after the reset */
TEST_F(manage, stats_count_what_drivers_do)
{
	struct vnl_reply *r = &self->r;
	struct disk *disk = &self->disk;
	unsigned int i;
	uint8_t status;

	ASSERT_EQ(0, disk_open(disk, DISK));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, disk_read(disk, i, &status));
	EXPECT_QUEUE(DISK_NUM, 0, SIZE);
	EXPECT_QUEUE(1, 0, READY);
	EXPECT_QUEUE(5, 0, KICKS);
	/* of those that it did not sleep for it asked to be spared */
	EXPECT_LE(1, queue_nr(&self->s, DISK, 0, VDPA_QUEUE_ATTR_INTERRUPTS));
	EXPECT_GE(5, queue_nr(&self->s, DISK, 0, VDPA_QUEUE_ATTR_INTERRUPTS));
	EXPECT_QUEUE(5, 0, RECEIVED);
	EXPECT_QUEUE(5, 0, COMPLETED);
	EXPECT_QUEUE(5 * SECTOR, 0, BYTES);
	EXPECT_QUEUE(0, 0, ERRORS);
	EXPECT_QUEUE(5, 0, AVAIL_INDEX);
	EXPECT_QUEUE(-1, 0, AVAIL_WRAP);
	ASSERT_EQ(0, stats_get(&self->s, DISK, -1, r));
	EXPECT_EQ(VR_FEATURES, vnl_nr(r, VDPA_ATTR_DEV_NEGOTIATED_FEATURES));
	EXPECT_EQ(VDPA_STATE_ACTIVE, vnl_nr(r, VDPA_ATTR_DEV_STATE));
	i = vnl_nr(r, VDPA_ATTR_DEV_RESETS);
	EXPECT_LT(0, i);

	ASSERT_EQ(0, disk_read(disk, 1ULL << 40, &status));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, status);
	EXPECT_QUEUE(1, 0, ERRORS);
	EXPECT_QUEUE(EIO, 0, LAST_ERROR);
	EXPECT_QUEUE(6, 0, COMPLETED);

	ASSERT_EQ(0, vh_status(disk->dev.fd, 0));
	EXPECT_QUEUE(6, 0, COMPLETED);
	EXPECT_QUEUE(6, 0, KICKS);
	EXPECT_QUEUE(0, 0, READY);
	EXPECT_QUEUE(0, 0, AVAIL_INDEX);
	ASSERT_EQ(0, stats_get(&self->s, DISK, -1, r));
	EXPECT_EQ(i + 1, vnl_nr(r, VDPA_ATTR_DEV_RESETS));
}

TEST_F(manage, stats_of_packed_queues)
{
	struct disk *disk = &self->disk;
	unsigned int i;
	uint8_t status;

	disk->features = VR_BIT(VIRTIO_F_RING_PACKED);
	ASSERT_EQ(0, disk_open(disk, DISK));
	EXPECT_QUEUE(0, 0, AVAIL_INDEX);
	EXPECT_QUEUE(1, 0, AVAIL_WRAP);
	/* three descriptors each, of 16 there are */
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, disk_read(disk, i, &status));
	EXPECT_QUEUE(2, 0, AVAIL_INDEX);
	EXPECT_QUEUE(0, 0, AVAIL_WRAP);
	EXPECT_QUEUE(2, 0, USED_INDEX);
	EXPECT_QUEUE(0, 0, USED_WRAP);
}

TEST_F(manage, stats_tell_of_a_broken_ring)
{
	struct disk *disk = &self->disk;

	ASSERT_EQ(0, disk_open(disk, DISK));
	disk_break(disk);
	ASSERT_TRUE(vr_wait_status(&disk->dev, VIRTIO_CONFIG_S_NEEDS_RESET));
	EXPECT_QUEUE(EBADMSG, 0, LAST_ERROR);
}

/* Where the vendor's own statistics are, by the same names */
TEST_F(manage, stats_have_those_of_the_vendor)
{
	struct vnl_reply *r = &self->r;
	const struct nlattr *attr;
	struct vnl_nest queue;
	bool found = false;

	ASSERT_EQ(0, stats_get(&self->s, DISK, 0, r));
	ASSERT_EQ(1, vnl_nests(r, VDPA_ATTR_DEV_QUEUE, &queue, 1));
	ASSERT_NE(NULL, queue.attr[VDPA_QUEUE_ATTR_VENDOR]);
	mnl_attr_for_each_nested(attr, queue.attr[VDPA_QUEUE_ATTR_VENDOR])
		found |= mnl_attr_get_type(attr) == VDPA_ATTR_DEV_VENDOR_ATTR_NAME &&
			 !strcmp("read bytes", mnl_attr_get_str(attr));
	EXPECT_TRUE(found);
}

TEST_F(manage, stats_of_one_queue)
{
	struct vnl_reply *r = &self->r;
	struct vnl_nest queues[2];

	ASSERT_EQ(0, stats_get(&self->s, NET, 1, r));
	ASSERT_EQ(1, vnl_nests(r, VDPA_ATTR_DEV_QUEUE, queues, 2));
	EXPECT_EQ(1, vnl_attr_nr(queues[0].attr[VDPA_QUEUE_ATTR_INDEX]));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
	EXPECT_EQ(EINVAL, stats_get(&self->s, NET, 3, r));
	EXPECT_STREQ("Device has 3 queues", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_QUEUE_INDEX, self->s.err.bad_attr);
	EXPECT_EQ(ENODEV, stats_get(&self->s, "nosuch", -1, r));
	EXPECT_STREQ("No such device", self->s.err.text);
}

/* More than fits into a message of the usual size, all at one time */
TEST_F(manage, stats_of_many_queues)
{
	struct vnl_reply *r = &self->r;
	struct vnl_nest queues[QUEUES_MAX];
	unsigned int i;

	ASSERT_EQ(0, vr_make(VR_NET_MGMT, "wide", 16));
	ASSERT_EQ(0, stats_get(&self->s, "wide", -1, r));
	EXPECT_EQ(1, r->nr);
	ASSERT_EQ(33, vnl_nests(r, VDPA_ATTR_DEV_QUEUE, queues, QUEUES_MAX));
	for (i = 0; i < 33; i++)
		EXPECT_EQ(i, vnl_attr_nr(queues[i].attr[VDPA_QUEUE_ATTR_INDEX]));
	/* control queue and descriptors are reached by other ways than packets */
	EXPECT_EQ(0, vnl_attr_nr(queues[0].attr[VDPA_QUEUE_ATTR_GROUP]));
	EXPECT_EQ(2, vnl_attr_nr(queues[0].attr[VDPA_QUEUE_ATTR_DESC_GROUP]));
	EXPECT_EQ(1, vnl_attr_nr(queues[32].attr[VDPA_QUEUE_ATTR_GROUP]));
	EXPECT_EQ(NULL, queues[32].attr[VDPA_QUEUE_ATTR_DESC_GROUP]);
}

struct dumped {
	struct vnl_reply r;
	char last[VNL_NAME_LEN];
	unsigned int devs;
	unsigned int next;	/* queue of that device */
	unsigned int wrong;
};

static void dumped_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct vnl_nest queues[QUEUES_MAX];
	struct dumped *d = arg;
	unsigned int i, n;

	vnl_reply_cb(nlh, &d->r);
	if (strcmp(d->last, vnl_text(&d->r, VDPA_ATTR_DEV_NAME))) {
		snprintf(d->last, sizeof(d->last), "%s",
			 vnl_text(&d->r, VDPA_ATTR_DEV_NAME));
		d->devs++;
		d->next = 0;
	}
	n = vnl_nests(&d->r, VDPA_ATTR_DEV_QUEUE, queues, QUEUES_MAX);
	for (i = 0; i < n; i++)
		d->wrong += vnl_attr_nr(queues[i].attr[VDPA_QUEUE_ATTR_INDEX]) !=
			    d->next++;
}

/* In small pieces no queue gets lost or comes twice. */
TEST_F(manage, stats_dump)
{
	struct dumped d = {};
	struct vnl_dump dump;
	struct vnl_msg m;
	struct vnl s;
	int i;

	ASSERT_EQ(0, vr_make(VR_NET_MGMT, "wide0", 16));
	ASSERT_EQ(0, vr_make(VR_NET_MGMT, "wide1", 16));
	vnl_open(&s);
	for (i = 0; i < 2; i++) {
		memset(&d, 0, sizeof(d));
		vnl_msg_init(&m, &s, VDPA_CMD_DEV_STATS_GET, 0);
		if (i)
			vnl_put_handle(&m, VR_NET_MGMT);
		vnl_dump_start(&dump, &s, &m, VNL_CHUNK_SMALL);
		ASSERT_EQ(0, vnl_dump_rest(&dump, dumped_cb, &d));
		EXPECT_EQ(i ? 3 : 4, d.devs);
		EXPECT_EQ(0, d.wrong);
		EXPECT_EQ(33, d.next);
		EXPECT_STREQ("wide1", d.last);
		EXPECT_LT(d.devs, dump.nr_msgs);
	}
	vnl_close(&s);
}

/*
 * What devices are made with
 */

struct made {
	const char *handle;
	uint64_t features;	/* 0: no matter */
	int max_vqp;
	int vlan;
	long long capacity;
	int read_only;
	const char *driver;
};

#define MADE(...)	((struct made){ .max_vqp = -1, .vlan = -1, \
					.capacity = -1, .read_only = -1, \
					__VA_ARGS__ })

static int make(struct vnl *s, const char *name, struct made made)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, made.handle);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (made.features)
		vnl_put_u64(&m, VDPA_ATTR_DEV_FEATURES, made.features);
	if (made.max_vqp >= 0)
		vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, made.max_vqp);
	if (made.vlan >= 0)
		vnl_put_u16(&m, VDPA_ATTR_DEV_NET_VLAN, made.vlan);
	if (made.capacity >= 0)
		vnl_put_u64(&m, VDPA_ATTR_DEV_BLK_CFG_CAPACITY, made.capacity);
	if (made.read_only >= 0)
		vnl_put_u8(&m, VDPA_ATTR_DEV_BLK_READ_ONLY, made.read_only);
	if (made.driver)
		vnl_put_str(&m, VDPA_ATTR_DEV_DRIVER, made.driver);
	return vnl_request(s, &m, NULL, NULL);
}

/* All that was given, nothing else, whatever became of it since */
TEST_F(manage, remembers_what_devices_were_made_with)
{
	struct vnl_reply *r = &self->r;
	struct vnl_nest made;
	unsigned int i, n = 0;
	struct vnl_msg m;

	ASSERT_EQ(0, dev_get(&self->s, NET, r));
	EXPECT_EQ(NULL, r->attr[VDPA_ATTR_DEV_CREATED]);

	ASSERT_EQ(0, make(&self->s, "net1",
			  MADE(.handle = VR_NET_MGMT, .vlan = 7, .max_vqp = 2,
			       .driver = "none")));
	vnl_msg_init(&m, &self->s, VDPA_CMD_DEV_ATTR_SET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "net1");
	vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 1);
	ASSERT_EQ(0, vnl_request(&self->s, &m, NULL, NULL));

	ASSERT_EQ(0, dev_get(&self->s, "net1", r));
	ASSERT_EQ(1, vnl_nests(r, VDPA_ATTR_DEV_CREATED, &made, 1));
	for (i = 0; i < VNL_REPLY_ATTRS; i++)
		n += !!made.attr[i];
	EXPECT_EQ(3, n);
	EXPECT_EQ(7, vnl_attr_nr(made.attr[VDPA_ATTR_DEV_NET_VLAN]));
	EXPECT_EQ(2, vnl_attr_nr(made.attr[VDPA_ATTR_DEV_NET_CFG_MAX_VQP]));
	ASSERT_NE(NULL, made.attr[VDPA_ATTR_DEV_DRIVER]);
	EXPECT_STREQ("none", mnl_attr_get_str(made.attr[VDPA_ATTR_DEV_DRIVER]));

	ASSERT_EQ(0, make(&self->s, "disk1",
			  MADE(.handle = VR_BLK_MGMT, .capacity = 8192,
			       .read_only = 1)));
	ASSERT_EQ(0, dev_get(&self->s, "disk1", r));
	ASSERT_EQ(1, vnl_nests(r, VDPA_ATTR_DEV_CREATED, &made, 1));
	EXPECT_EQ(8192, vnl_attr_nr(made.attr[VDPA_ATTR_DEV_BLK_CFG_CAPACITY]));
	EXPECT_EQ(1, vnl_attr_nr(made.attr[VDPA_ATTR_DEV_BLK_READ_ONLY]));
}

TEST_F(manage, disks_of_any_size)
{
	struct vnl_reply *r = &self->r;
	struct disk *disk = &self->disk;
	uint8_t status;

	ASSERT_EQ(0, make(&self->s, "disk1",
			  MADE(.handle = VR_BLK_MGMT, .capacity = 8)));
	ASSERT_EQ(0, vnl_reply_dev(&self->s, VDPA_CMD_DEV_CONFIG_GET, "disk1", r));
	EXPECT_EQ(8, vnl_nr(r, VDPA_ATTR_DEV_BLK_CFG_CAPACITY));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_BLK_READ_ONLY));
	EXPECT_EQ(8, vnl_nr(r, VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEC));
	ASSERT_EQ(0, disk_open(disk, "disk1"));
	ASSERT_EQ(0, disk_read(disk, 7, &status));
	EXPECT_EQ(VIRTIO_BLK_S_OK, status);
	ASSERT_EQ(0, disk_read(disk, 8, &status));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, status);

	ASSERT_EQ(0, make(&self->s, "disk2",
			  MADE(.handle = VR_BLK_MGMT, .read_only = 1)));
	ASSERT_EQ(0, vnl_reply_dev(&self->s, VDPA_CMD_DEV_CONFIG_GET, "disk2", r));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_BLK_READ_ONLY));
	ASSERT_EQ(0, make(&self->s, "disk3",
			  MADE(.handle = VR_BLK_MGMT, .read_only = 0)));
	ASSERT_EQ(0, vnl_reply_dev(&self->s, VDPA_CMD_DEV_CONFIG_GET, "disk3", r));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_BLK_READ_ONLY));
}

static const struct made_wrong {
	struct made made;
	int err;
	int bad_attr;
	const char *text;
} made_wrong[] = {
	{ { VR_NET_MGMT, 0, -1, 0, -1, -1, NULL }, ERANGE,
	  VDPA_ATTR_DEV_NET_VLAN, "VLAN id is not from 1 to 4094" },
	{ { VR_NET_MGMT, 0, -1, 4095, -1, -1, NULL }, ERANGE,
	  VDPA_ATTR_DEV_NET_VLAN, "VLAN id is not from 1 to 4094" },
	{ { VR_NET_MGMT, 0, -1, -1, 8, -1, NULL }, EOPNOTSUPP,
	  VDPA_ATTR_DEV_BLK_CFG_CAPACITY,
	  "Attribute is not supported, but: device_features mac mtu max_vqp vlan" },
	{ { VR_BLK_MGMT, 0, -1, 7, -1, -1, NULL }, EOPNOTSUPP,
	  VDPA_ATTR_DEV_NET_VLAN,
	  "Attribute is not supported, but: device_features capacity read_only" },
	{ { VR_BLK_MGMT, 0, -1, -1, 0, -1, NULL }, ERANGE,
	  VDPA_ATTR_DEV_BLK_CFG_CAPACITY, "Capacity is 0" },
	{ { VR_BLK_MGMT, 0, -1, -1, 1ULL << 62, -1, NULL }, ERANGE, -1,
	  "Capacity is above 18014398509481983 sectors" },
	{ { VR_BLK_MGMT, 0, -1, -1, -1, 2, NULL }, ERANGE,
	  VDPA_ATTR_DEV_BLK_READ_ONLY, "Neither 0 nor 1" },
	{ { VR_BLK_MGMT, VR_FEATURES, -1, -1, -1, 1, NULL }, EINVAL, -1,
	  "Read-only or not, the feature RO says otherwise" },
	{ { VR_NET_MGMT, 0, -1, -1, -1, -1, "nosuch" }, ENODEV,
	  VDPA_ATTR_DEV_DRIVER, "No such bus driver" },
	{ { VR_NET_MGMT, 0, -1, -1, -1, -1, "" }, ENODEV,
	  VDPA_ATTR_DEV_DRIVER, "No such bus driver" },
};

TEST_F(manage, refuses_to_make)
{
	const struct made_wrong *wrong;
	size_t i;

	for (i = 0; i < sizeof(made_wrong) / sizeof(*made_wrong); i++) {
		wrong = &made_wrong[i];
		EXPECT_EQ(wrong->err, make(&self->s, "wrong", wrong->made))
			TH_LOG("case %zu", i);
		EXPECT_STREQ(wrong->text, self->s.err.text);
		EXPECT_EQ(wrong->bad_attr, self->s.err.bad_attr)
			TH_LOG("case %zu", i);
		EXPECT_EQ(ENODEV, dev_get(&self->s, "wrong", &self->r));
	}
}

/* A bus driver by name: a module not yet loaded is, and none means none */
TEST_F(manage, chooses_the_driver)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, make(&self->s, "net1",
			  MADE(.handle = VR_NET_MGMT, .driver = "none")));
	ASSERT_EQ(0, dev_get(&self->s, "net1", r));
	EXPECT_STREQ("", vnl_text(r, VDPA_ATTR_DEV_DRIVER));

	ASSERT_FALSE(env_loaded("virtio_vdpa"));
	ASSERT_EQ(0, make(&self->s, "net2",
			  MADE(.handle = VR_NET_MGMT, .driver = "virtio_vdpa")));
	ASSERT_EQ(0, dev_get(&self->s, "net2", r));
	EXPECT_STREQ("virtio_vdpa", vnl_text(r, VDPA_ATTR_DEV_DRIVER));
	EXPECT_EQ(0, strncmp("virtio", vnl_text(r, VDPA_ATTR_DEV_DRIVER_DEV), 6));
	ASSERT_EQ(0, dev_get(&self->s, "net1", r));
	EXPECT_STREQ("", vnl_text(r, VDPA_ATTR_DEV_DRIVER));

	ASSERT_EQ(0, make(&self->s, "net3",
			  MADE(.handle = VR_NET_MGMT, .driver = "vhost_vdpa")));
	ASSERT_EQ(0, dev_get(&self->s, "net3", r));
	EXPECT_STREQ("vhost_vdpa", vnl_text(r, VDPA_ATTR_DEV_DRIVER));
	ASSERT_EQ(0, vnl_dev_del(&self->s, "net2"));
	ASSERT_EQ(0, env_rmmod("virtio_vdpa", true));
}

/* Who does not get the driver that he asked for gets no device. */
TEST_F(manage, driver_that_refuses)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, env_modprobe("virtio_vdpa", NULL));
	/* virtio 1.0 it must be */
	ASSERT_EQ(0, env_knob(VR_NET_MGMT, "fail_reset", 1));
	EXPECT_EQ(ENODEV, make(&self->s, "net1",
			       MADE(.handle = VR_NET_MGMT,
				    .driver = "virtio_vdpa")));
	EXPECT_STREQ("Bus driver did not take the device", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_DRIVER, self->s.err.bad_attr);
	EXPECT_EQ(ENODEV, dev_get(&self->s, "net1", r));
	ASSERT_EQ(0, env_knob(VR_NET_MGMT, "fail_reset", 0));
	ASSERT_EQ(0, env_rmmod("virtio_vdpa", true));
}

/*
 * What drivers negotiate is changed before they do
 */

static int set_features(struct vnl *s, const char *name, uint64_t features)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_ATTR_SET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	vnl_put_u64(&m, VDPA_ATTR_DEV_FEATURES, features);
	return vnl_request(s, &m, NULL, NULL);
}

static long long features(struct vnl *s, const char *name, struct vnl_reply *r)
{
	return vnl_reply_dev(s, VDPA_CMD_DEV_CONFIG_GET, name, r) ? -1 :
	       vnl_nr(r, VDPA_ATTR_DEV_FEATURES);
}

TEST_F(manage, features_of_a_device_nobody_uses)
{
	const uint64_t flush = VR_BIT(VIRTIO_BLK_F_FLUSH);
	struct vnl_reply *r = &self->r;
	struct disk *disk = &self->disk;
	uint64_t all;

	all = features(&self->s, DISK, r);
	ASSERT_EQ(flush, all & flush);
	ASSERT_EQ(0, set_features(&self->s, DISK, VR_FEATURES));
	EXPECT_EQ(VR_FEATURES, features(&self->s, DISK, r));
	ASSERT_EQ(0, vr_open(&disk->dev, DISK, MIB, NULL));
	EXPECT_EQ(EINVAL, vr_negotiate(&disk->dev, VR_FEATURES | flush));
	ASSERT_EQ(0, disk_start(disk));

	/* too late */
	EXPECT_EQ(EBUSY, set_features(&self->s, DISK, all));
	EXPECT_STREQ("A driver uses the device: too late to change it so",
		     self->s.err.text);
	EXPECT_EQ(VR_FEATURES, features(&self->s, DISK, r));
	ASSERT_EQ(0, vh_status(disk->dev.fd, 0));
	EXPECT_EQ(0, set_features(&self->s, DISK, all));
	EXPECT_EQ(all, features(&self->s, DISK, r));

	/* neither more than it was made with nor less than it needs */
	EXPECT_EQ(EINVAL, set_features(&self->s, DISK,
				       all | VR_BIT(VIRTIO_BLK_F_RO)));
	EXPECT_STREQ("Device was not made with all of these features",
		     self->s.err.text);
	EXPECT_EQ(EINVAL, set_features(&self->s, DISK, flush));
	EXPECT_EQ(all, features(&self->s, DISK, r));
}

static int set_pairs(struct vnl *s, const char *name, uint16_t pairs)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_ATTR_SET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, pairs);
	return vnl_request(s, &m, NULL, NULL);
}

TEST_F(manage, queue_pairs_of_a_device_nobody_uses)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, make(&self->s, "net1",
			  MADE(.handle = VR_NET_MGMT, .max_vqp = 4)));
	ASSERT_EQ(0, set_pairs(&self->s, "net1", 2));
	ASSERT_EQ(0, vnl_reply_dev(&self->s, VDPA_CMD_DEV_CONFIG_GET, "net1", r));
	EXPECT_EQ(2, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
	ASSERT_EQ(0, set_pairs(&self->s, "net1", 4));
	EXPECT_EQ(EINVAL, set_pairs(&self->s, "net1", 5));
	EXPECT_STREQ("Device was made with 4 queue pairs", self->s.err.text);
	EXPECT_EQ(ERANGE, set_pairs(&self->s, "net1", 0));
}

/* What a management device creates devices with, and changes of them */
TEST_F(manage, tells_which_attributes_there_are)
{
	static const uint32_t add[] = {
		VDPA_ATTR_DEV_FEATURES, VDPA_ATTR_DEV_BLK_CFG_CAPACITY,
		VDPA_ATTR_DEV_BLK_READ_ONLY, VDPA_ATTR_DEV_DRIVER,
	};
	static const uint32_t set = VDPA_ATTR_DEV_FEATURES;
	struct vnl_reply *r = &self->r;
	const struct nlattr *attr;

	ASSERT_EQ(0, vnl_reply_mgmt(&self->s, VDPA_CMD_MGMTDEV_GET, VR_BLK_MGMT,
				    r));
	attr = r->attr[VDPA_ATTR_MGMTDEV_ADD_ATTRS];
	ASSERT_NE(NULL, attr);
	ASSERT_EQ(sizeof(add), mnl_attr_get_payload_len(attr));
	EXPECT_EQ(0, memcmp(add, mnl_attr_get_payload(attr), sizeof(add)));
	attr = r->attr[VDPA_ATTR_MGMTDEV_SET_ATTRS];
	ASSERT_NE(NULL, attr);
	ASSERT_EQ(sizeof(set), mnl_attr_get_payload_len(attr));
	EXPECT_EQ(0, memcmp(&set, mnl_attr_get_payload(attr), sizeof(set)));
}

/*
 * Profiles, and who could take over
 */

static int profile_get(struct vnl *s, const char *name, struct vnl_reply *r)
{
	return vnl_reply_dev(s, VDPA_CMD_DEV_PROFILE_GET, name, r);
}

/* What of a profile is asked for, in its order */
static const uint16_t profile_attrs[] = {
	VDPA_ATTR_PROFILE_VERSION, VDPA_ATTR_DEV_ID, VDPA_ATTR_DEV_FEATURES,
	VDPA_ATTR_DEV_MAX_VQS, VDPA_ATTR_DEV_MAX_VQ_SIZE, VDPA_ATTR_DEV_GROUPS,
	VDPA_ATTR_DEV_ADDRESS_SPACES, VDPA_ATTR_DEV_NET_CFG_MACADDR,
	VDPA_ATTR_DEV_NET_CFG_MTU, VDPA_ATTR_DEV_NET_CFG_MAX_VQP,
	VDPA_ATTR_DEV_NET_VLAN, VDPA_ATTR_DEV_BLK_CFG_CAPACITY,
	VDPA_ATTR_DEV_BLK_READ_ONLY,
};

static void put_profile(struct vnl_msg *m, const struct vnl_reply *profile)
{
	const struct nlattr *attr;
	size_t i;

	for (i = 0; i < sizeof(profile_attrs) / sizeof(*profile_attrs); i++) {
		attr = profile->attr[profile_attrs[i]];
		if (attr)
			vnl_put(m, profile_attrs[i], mnl_attr_get_payload(attr),
				mnl_attr_get_payload_len(attr));
	}
}

/* Could a management device make a device with such a profile? */
static int check(struct vnl *s, const char *handle,
		 const struct vnl_reply *profile, struct vnl_reply *r)
{
	struct vnl_msg m;

	memset(r, 0, sizeof(*r));
	vnl_msg_init(&m, s, VDPA_CMD_MGMTDEV_CHECK, 0);
	vnl_put_handle(&m, handle);
	put_profile(&m, profile);
	return vnl_request(s, &m, vnl_reply_cb, r);
}

/* Number of reasons against it; -1: could not ask */
static int reasons(struct vnl *s, const char *handle,
		   const struct vnl_reply *profile, struct vnl_nest *found,
		   unsigned int room)
{
	static struct vnl_reply r;

	return check(s, handle, profile, &r) ? -1 :
	       vnl_nests(&r, VDPA_ATTR_CHECK_REASON, found, room);
}

TEST_F(manage, profile_tells_what_drivers_rely_on)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, profile_get(&self->s, NET, r));
	EXPECT_EQ(VDPA_CMD_DEV_PROFILE_GET, r->cmd);
	EXPECT_EQ(VDPA_PROFILE_VERSION, vnl_nr(r, VDPA_ATTR_PROFILE_VERSION));
	EXPECT_EQ(ENV_CLASS_NET, vnl_nr(r, VDPA_ATTR_DEV_ID));
	EXPECT_EQ(3, vnl_nr(r, VDPA_ATTR_DEV_MAX_VQS));
	EXPECT_EQ(256, vnl_nr(r, VDPA_ATTR_DEV_MAX_VQ_SIZE));
	EXPECT_EQ(3, vnl_nr(r, VDPA_ATTR_DEV_GROUPS));
	EXPECT_EQ(2, vnl_nr(r, VDPA_ATTR_DEV_ADDRESS_SPACES));
	EXPECT_EQ(1, vnl_nr(r, VDPA_ATTR_DEV_NET_CFG_MAX_VQP));
	EXPECT_NE(NULL, r->attr[VDPA_ATTR_DEV_NET_CFG_MACADDR]);
	EXPECT_NE(NULL, r->attr[VDPA_ATTR_DEV_BACKEND_FEATURES]);
	EXPECT_EQ(NULL, r->attr[VDPA_ATTR_DEV_NET_VLAN]);
	ASSERT_EQ(0, profile_get(&self->s, DISK, r));
	EXPECT_EQ(262144, vnl_nr(r, VDPA_ATTR_DEV_BLK_CFG_CAPACITY));
	EXPECT_EQ(0, vnl_nr(r, VDPA_ATTR_DEV_BLK_READ_ONLY));
	EXPECT_EQ(ENODEV, profile_get(&self->s, "nosuch", r));
}

/* A device made of the profile of another one is like it. */
TEST_F(manage, profile_makes_an_equal_device)
{
	struct vnl_reply *r = &self->r;
	static struct vnl_reply profile;
	struct vnl_nest reason;
	struct vnl_msg m;
	size_t i;

	ASSERT_EQ(0, make(&self->s, "net1",
			  MADE(.handle = VR_NET_MGMT, .vlan = 7, .max_vqp = 3)));
	ASSERT_EQ(0, profile_get(&self->s, "net1", &profile));
	EXPECT_EQ(7, vnl_nr(&profile, VDPA_ATTR_DEV_NET_VLAN));
	EXPECT_EQ(7, vnl_nr(&profile, VDPA_ATTR_DEV_MAX_VQS));
	EXPECT_EQ(0, reasons(&self->s, VR_NET_MGMT, &profile, &reason, 1));

	ASSERT_EQ(0, vnl_dev_del(&self->s, "net1"));
	vnl_msg_init(&m, &self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, VR_NET_MGMT);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "net2");
	for (i = 0; i < sizeof(profile_attrs) / sizeof(*profile_attrs); i++) {
		const struct nlattr *attr = profile.attr[profile_attrs[i]];

		/* what a request for a device takes */
		if (attr && profile_attrs[i] != VDPA_ATTR_PROFILE_VERSION &&
		    profile_attrs[i] != VDPA_ATTR_DEV_MAX_VQS &&
		    profile_attrs[i] != VDPA_ATTR_DEV_MAX_VQ_SIZE &&
		    profile_attrs[i] != VDPA_ATTR_DEV_GROUPS &&
		    profile_attrs[i] != VDPA_ATTR_DEV_ADDRESS_SPACES)
			vnl_put(&m, profile_attrs[i], mnl_attr_get_payload(attr),
				mnl_attr_get_payload_len(attr));
	}
	ASSERT_EQ(0, vnl_request(&self->s, &m, NULL, NULL));
	ASSERT_EQ(0, profile_get(&self->s, "net2", r));
	for (i = 0; i < VNL_REPLY_ATTRS; i++) {
		if (i == VDPA_ATTR_DEV_NAME)
			continue;
		ASSERT_EQ(!r->attr[i], !profile.attr[i]) TH_LOG("attribute %zu", i);
		if (!r->attr[i])
			continue;
		ASSERT_EQ(r->attr[i]->nla_len, profile.attr[i]->nla_len);
		EXPECT_EQ(0, memcmp(r->attr[i], profile.attr[i],
				    r->attr[i]->nla_len))
			TH_LOG("attribute %zu", i);
	}
}

/* Each reason, not just the first one */
TEST_F(manage, check_names_each_reason)
{
	static const uint16_t at_fault[] = {
		VDPA_ATTR_DEV_NET_CFG_MACADDR, VDPA_ATTR_DEV_NET_CFG_MTU,
		VDPA_ATTR_DEV_MAX_VQS, VDPA_ATTR_DEV_MAX_VQ_SIZE,
	};
	struct vnl_nest found[VNL_REPLY_NESTS];
	struct vnl_reply *r = &self->r;
	static const uint8_t mac[6] = { 1 };
	struct vnl_msg m;
	unsigned int i;

	memset(r, 0, sizeof(*r));
	vnl_msg_init(&m, &self->s, VDPA_CMD_MGMTDEV_CHECK, 0);
	vnl_put_handle(&m, VR_NET_MGMT);
	vnl_put_u32(&m, VDPA_ATTR_DEV_ID, ENV_CLASS_NET);
	vnl_put(&m, VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, sizeof(mac));
	vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MTU, 67);
	vnl_put_u32(&m, VDPA_ATTR_DEV_MAX_VQS, 65);
	vnl_put_u16(&m, VDPA_ATTR_DEV_MAX_VQ_SIZE, 32768);
	ASSERT_EQ(0, vnl_request(&self->s, &m, vnl_reply_cb, r));
	EXPECT_EQ(VDPA_CMD_MGMTDEV_CHECK, r->cmd);
	EXPECT_STREQ(VR_NET_MGMT, vnl_text(r, VDPA_ATTR_MGMTDEV_DEV_NAME));
	/* these four, and that so many queues and pairs no device can have */
	ASSERT_EQ(6, vnl_nests(r, VDPA_ATTR_CHECK_REASON, found,
			       VNL_REPLY_NESTS));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(at_fault[i],
			  vnl_attr_nr(found[i].attr[VDPA_REASON_ATTR_ATTR]));
	EXPECT_EQ(65, vnl_attr_nr(found[2].attr[VDPA_REASON_ATTR_WANTED]));
	EXPECT_EQ(33, vnl_attr_nr(found[2].attr[VDPA_REASON_ATTR_AVAILABLE]));
	EXPECT_STREQ("MTU is below 68",
		     mnl_attr_get_str(found[1].attr[VDPA_REASON_ATTR_TEXT]));
	EXPECT_STREQ("Not enough queues left",
		     mnl_attr_get_str(found[4].attr[VDPA_REASON_ATTR_TEXT]));
}

TEST_F(manage, check_of_features_and_class)
{
	static struct vnl_reply profile;
	struct vnl_nest found[4];
	struct vnl_msg m;

	ASSERT_EQ(0, profile_get(&self->s, DISK, &profile));
	EXPECT_EQ(0, reasons(&self->s, VR_BLK_MGMT, &profile, found, 4));
	EXPECT_LE(1, reasons(&self->s, VR_NET_MGMT, &profile, found, 4));
	EXPECT_EQ(VDPA_ATTR_DEV_ID,
		  vnl_attr_nr(found[0].attr[VDPA_REASON_ATTR_ATTR]));

	memset(&self->r, 0, sizeof(self->r));
	vnl_msg_init(&m, &self->s, VDPA_CMD_MGMTDEV_CHECK, 0);
	vnl_put_handle(&m, VR_BLK_MGMT);
	vnl_put_u32(&m, VDPA_ATTR_DEV_ID, ENV_CLASS_BLOCK);
	vnl_put_u64(&m, VDPA_ATTR_DEV_FEATURES, VR_BIT(63) | VR_FEATURES);
	ASSERT_EQ(0, vnl_request(&self->s, &m, vnl_reply_cb, &self->r));
	ASSERT_EQ(1, vnl_nests(&self->r, VDPA_ATTR_CHECK_REASON, found, 4));
	EXPECT_EQ((long long)(VR_BIT(63) | VR_FEATURES),
		  vnl_attr_nr(found[0].attr[VDPA_REASON_ATTR_WANTED]));
	EXPECT_EQ(0, vnl_attr_nr(found[0].attr[VDPA_REASON_ATTR_AVAILABLE]) &
		  VR_BIT(63));

	vnl_msg_init(&m, &self->s, VDPA_CMD_MGMTDEV_CHECK, 0);
	vnl_put_handle(&m, VR_BLK_MGMT);
	EXPECT_EQ(EINVAL, vnl_request(&self->s, &m, NULL, NULL));
	EXPECT_STREQ("Class not given", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_ID, self->s.err.miss_attr);
}

/*
 * Network namespaces
 */

FIXTURE(netns) {
	struct vnl s;
	struct vnl monitor;	/* in the initial namespace */
	struct vnl inside;	/* in another one */
	struct vnl watch;	/* there, too */
	struct vnl_reply r;
	struct vnl_event ev;
	int home;
	int fd;			/* of the other one */
};

FIXTURE_SETUP(netns)
{
	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_BLK_MODULE, NULL));
	ASSERT_EQ(0, env_modprobe(VR_NET_MODULE, NULL));
	vnl_open(&self->s);
	ASSERT_EQ(0, vr_make(VR_NET_MGMT, NET, 0));
	ASSERT_EQ(0, vr_make(VR_BLK_MGMT, DISK, 0));
	vnl_monitor_open(&self->monitor);

	self->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->home);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	self->fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	vnl_open(&self->inside);
	vnl_monitor_open(&self->watch);
	ASSERT_EQ(0, setns(self->home, CLONE_NEWNET));
}

/* What is left of the other namespace goes with these. */
static void netns_leave(struct vnl *inside, struct vnl *watch, int *fd)
{
	if (*fd < 0)
		return;
	vnl_close(inside);
	vnl_close(watch);
	close(*fd);
	*fd = -1;
}

FIXTURE_TEARDOWN(netns)
{
	netns_leave(&self->inside, &self->watch, &self->fd);
	vnl_close(&self->monitor);
	vnl_close(&self->s);
	close(self->home);
	EXPECT_TRUE(vr_end());
}

static int move(struct vnl *s, const char *handle, int fd)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_MGMTDEV_SET, 0);
	vnl_put_handle(&m, handle);
	vnl_put_u32(&m, VDPA_ATTR_NETNS_FD, fd);
	return vnl_request(s, &m, NULL, NULL);
}

static size_t count(struct vnl *s, uint8_t cmd)
{
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, cmd, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	return vnl_dump_rest(&d, NULL, NULL) ? (size_t)-1 : d.nr_msgs;
}

#define EXPECT_EVENT(_s, _cmd) do { \
	EXPECT_EQ(1, vnl_event_next((_s), &self->ev, VR_PATIENCE_MS)); \
	EXPECT_EQ((_cmd), self->ev.cmd); \
} while (0)

/* Seen there, and not more of it than was moved */
TEST_F(netns, shows_what_was_moved)
{
	struct vnl_reply *r = &self->r;
	struct vnl *in = &self->inside;

	EXPECT_EQ(0, count(in, VDPA_CMD_MGMTDEV_GET));
	ASSERT_EQ(0, move(&self->s, VR_NET_MGMT, self->fd));
	EXPECT_EQ(1, count(in, VDPA_CMD_MGMTDEV_GET));
	EXPECT_EQ(1, count(in, VDPA_CMD_DEV_GET));
	EXPECT_EQ(1, count(in, VDPA_CMD_DEV_CONFIG_GET));
	EXPECT_EQ(1, count(in, VDPA_CMD_DEV_STATS_GET));
	EXPECT_EQ(1, count(in, VDPA_CMD_DEV_PROFILE_GET));
	EXPECT_EQ(0, dev_get(in, NET, r));
	EXPECT_EQ(ENODEV, dev_get(in, DISK, r));
	EXPECT_EQ(ENODEV, stats_get(in, DISK, -1, r));
	EXPECT_EQ(ENODEV, profile_get(in, DISK, r));
	EXPECT_EQ(ENODEV, vnl_dev_del(in, DISK));
	EXPECT_EQ(ENODEV, vnl_reply_mgmt(in, VDPA_CMD_MGMTDEV_GET, VR_BLK_MGMT, r));
	ASSERT_EQ(0, vnl_reply_mgmt(in, VDPA_CMD_MGMTDEV_GET, VR_NET_MGMT, r));
	EXPECT_EQ(NULL, r->attr[VDPA_ATTR_MGMTDEV_NETNSID]);

	/* at home all of it, and where it is */
	EXPECT_EQ(2, count(&self->s, VDPA_CMD_DEV_GET));
	ASSERT_EQ(0, vnl_reply_mgmt(&self->s, VDPA_CMD_MGMTDEV_GET, VR_NET_MGMT, r));
	ASSERT_NE(NULL, r->attr[VDPA_ATTR_MGMTDEV_NETNSID]);
	EXPECT_LE(0, (int)vnl_nr(r, VDPA_ATTR_MGMTDEV_NETNSID));
	ASSERT_EQ(0, vnl_reply_mgmt(&self->s, VDPA_CMD_MGMTDEV_GET, VR_BLK_MGMT, r));
	EXPECT_EQ(NULL, r->attr[VDPA_ATTR_MGMTDEV_NETNSID]);

	ASSERT_EQ(0, move(&self->s, VR_NET_MGMT, self->home));
	EXPECT_EQ(0, count(in, VDPA_CMD_MGMTDEV_GET));
	EXPECT_EQ(0, count(in, VDPA_CMD_DEV_GET));
	EXPECT_EQ(ENODEV, dev_get(in, NET, r));
}

TEST_F(netns, manages_what_was_moved)
{
	struct vnl_reply *r = &self->r;
	struct vnl *in = &self->inside;

	EXPECT_EQ(ENODEV, make(in, "net1", MADE(.handle = VR_NET_MGMT)));
	ASSERT_EQ(0, move(&self->s, VR_NET_MGMT, self->fd));
	ASSERT_EQ(0, make(in, "net1", MADE(.handle = VR_NET_MGMT)));
	EXPECT_EQ(0, dev_get(&self->s, "net1", r));
	EXPECT_EQ(EEXIST, make(in, DISK, MADE(.handle = VR_NET_MGMT)));
	ASSERT_EQ(0, vnl_dev_del(in, "net1"));
	ASSERT_EQ(0, vnl_dev_del(in, NET));
	EXPECT_EQ(ENODEV, dev_get(&self->s, NET, r));
}

/* Listeners hear of what they see, in the order of its life, and no more. */
TEST_F(netns, events_go_where_devices_are)
{
	ASSERT_EQ(0, move(&self->s, VR_NET_MGMT, self->fd));
	EXPECT_EVENT(&self->monitor, VDPA_CMD_MGMTDEV_CHANGE);
	EXPECT_STREQ(VR_NET_MGMT, self->ev.mgmt.name);
	EXPECT_EVENT(&self->watch, VDPA_CMD_MGMTDEV_NEW);
	EXPECT_EVENT(&self->watch, VDPA_CMD_DEV_NEW);
	EXPECT_STREQ(NET, self->ev.dev.name);

	ASSERT_EQ(0, make(&self->s, "disk1", MADE(.handle = VR_BLK_MGMT,
						  .driver = "none")));
	ASSERT_EQ(0, make(&self->s, "net1", MADE(.handle = VR_NET_MGMT,
						 .driver = "none")));
	EXPECT_EVENT(&self->monitor, VDPA_CMD_DEV_NEW);
	EXPECT_EVENT(&self->monitor, VDPA_CMD_DEV_NEW);
	EXPECT_EVENT(&self->watch, VDPA_CMD_DEV_NEW);
	EXPECT_STREQ("net1", self->ev.dev.name);
	ASSERT_EQ(0, vnl_dev_del(&self->s, "net1"));
	EXPECT_EVENT(&self->monitor, VDPA_CMD_DEV_DEL);
	EXPECT_EVENT(&self->watch, VDPA_CMD_DEV_DEL);

	ASSERT_EQ(0, move(&self->s, VR_NET_MGMT, self->home));
	EXPECT_EVENT(&self->watch, VDPA_CMD_DEV_DEL);
	EXPECT_STREQ(NET, self->ev.dev.name);
	EXPECT_EVENT(&self->watch, VDPA_CMD_MGMTDEV_DEL);
	EXPECT_EVENT(&self->monitor, VDPA_CMD_MGMTDEV_CHANGE);
	ASSERT_EQ(0, vnl_dev_del(&self->s, NET));
	EXPECT_EQ(0, vnl_event_next(&self->watch, &self->ev, 0));
}

/* With the namespace goes nothing that was lent to it. */
TEST_F(netns, dies_and_gives_back)
{
	struct vnl_reply *r = &self->r;

	ASSERT_EQ(0, move(&self->s, VR_NET_MGMT, self->fd));
	EXPECT_EVENT(&self->monitor, VDPA_CMD_MGMTDEV_CHANGE);
	netns_leave(&self->inside, &self->watch, &self->fd);
	EXPECT_EVENT(&self->monitor, VDPA_CMD_MGMTDEV_CHANGE);
	ASSERT_EQ(0, vnl_reply_mgmt(&self->s, VDPA_CMD_MGMTDEV_GET, VR_NET_MGMT, r));
	EXPECT_EQ(NULL, r->attr[VDPA_ATTR_MGMTDEV_NETNSID]);
	EXPECT_EQ(0, dev_get(&self->s, NET, r));
}

TEST_F(netns, refuses_what_is_no_namespace)
{
	struct vnl_msg m;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	EXPECT_EQ(EINVAL, move(&self->s, VR_NET_MGMT, fd));
	EXPECT_STREQ("Not a network namespace", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_NETNS_FD, self->s.err.bad_attr);
	close(fd);
	EXPECT_EQ(EBADF, move(&self->s, VR_NET_MGMT, fd));
	EXPECT_EQ(ENODEV, move(&self->s, "nosuch", self->fd));
	EXPECT_EQ(ENODEV, move(&self->inside, VR_NET_MGMT, self->fd));
	vnl_msg_init(&m, &self->s, VDPA_CMD_MGMTDEV_SET, 0);
	vnl_put_handle(&m, VR_NET_MGMT);
	EXPECT_EQ(EINVAL, vnl_request(&self->s, &m, NULL, NULL));
	EXPECT_STREQ("Network namespace not given", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_NETNS_FD, self->s.err.miss_attr);
	EXPECT_EQ(0, count(&self->inside, VDPA_CMD_MGMTDEV_GET));
}

/*
 * Resources, of a simulator that has few
 */

FIXTURE(limited) {
	struct vnl s;
	struct vnl_reply r;
};

FIXTURE_SETUP(limited)
{
	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_BLK_MODULE, "max_memory=1048576"));
	ASSERT_EQ(0, env_modprobe(VR_NET_MODULE, "max_queues=8"));
	vnl_open(&self->s);
}

FIXTURE_TEARDOWN(limited)
{
	vnl_close(&self->s);
	EXPECT_TRUE(vr_end());
}

struct resource {
	long long used;
	long long size;
	long long max;
};

static struct resource resource(struct vnl *s, const char *handle,
				const char *name)
{
	struct resource none = { -2, -2, -2 };
	static struct vnl_reply r;
	struct vnl_nest found[8];
	unsigned int i, n;

	if (vnl_reply_mgmt(s, VDPA_CMD_MGMTDEV_GET, handle, &r))
		return none;
	n = vnl_nests(&r, VDPA_ATTR_MGMTDEV_RESOURCE, found, 8);
	for (i = 0; i < n; i++) {
		if (strcmp(mnl_attr_get_str(found[i].attr[VDPA_RESOURCE_ATTR_NAME]),
			   name))
			continue;
		return (struct resource){
			vnl_attr_nr(found[i].attr[VDPA_RESOURCE_ATTR_USED]),
			vnl_attr_nr(found[i].attr[VDPA_RESOURCE_ATTR_SIZE]),
			vnl_attr_nr(found[i].attr[VDPA_RESOURCE_ATTR_MAX]),
		};
	}
	return none;
}

#define EXPECT_RESOURCE(_handle, _name, _used, _size, _max) do { \
	struct resource _r = resource(&self->s, (_handle), (_name)); \
	EXPECT_EQ((_used), _r.used); \
	EXPECT_EQ((_size), _r.size); \
	EXPECT_EQ((_max), _r.max); \
} while (0)

TEST_F(limited, queues_run_out)
{
	EXPECT_RESOURCE(VR_NET_MGMT, "queues", 0, 8, 33);
	EXPECT_RESOURCE(VR_NET_MGMT, "queue_pairs", 0, -1, 16);
	EXPECT_RESOURCE(VR_NET_MGMT, "devices", 0, -1, -1);
	ASSERT_EQ(0, make(&self->s, "net1",
			  MADE(.handle = VR_NET_MGMT, .max_vqp = 2)));
	EXPECT_RESOURCE(VR_NET_MGMT, "queues", 5, 8, 33);
	EXPECT_RESOURCE(VR_NET_MGMT, "queue_pairs", 2, -1, 16);
	EXPECT_RESOURCE(VR_NET_MGMT, "devices", 1, -1, -1);

	EXPECT_EQ(ENOSPC, make(&self->s, "net2",
			       MADE(.handle = VR_NET_MGMT, .max_vqp = 2)));
	EXPECT_STREQ("Not enough queues: 5 wanted, 3 left", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_NET_CFG_MAX_VQP, self->s.err.bad_attr);
	EXPECT_RESOURCE(VR_NET_MGMT, "queues", 5, 8, 33);
	ASSERT_EQ(0, make(&self->s, "net2", MADE(.handle = VR_NET_MGMT)));
	EXPECT_RESOURCE(VR_NET_MGMT, "queues", 8, 8, 33);
	EXPECT_EQ(ENOSPC, make(&self->s, "net3", MADE(.handle = VR_NET_MGMT)));

	ASSERT_EQ(0, vnl_dev_del(&self->s, "net1"));
	EXPECT_RESOURCE(VR_NET_MGMT, "queues", 3, 8, 33);
	ASSERT_EQ(0, make(&self->s, "net3",
			  MADE(.handle = VR_NET_MGMT, .max_vqp = 2)));
}

TEST_F(limited, devices_run_out)
{
	ASSERT_EQ(0, env_rmmod(VR_NET_MODULE, true));
	ASSERT_EQ(0, env_modprobe(VR_NET_MODULE, "max_devices=1"));
	EXPECT_RESOURCE(VR_NET_MGMT, "devices", 0, 1, -1);
	ASSERT_EQ(0, make(&self->s, "net1", MADE(.handle = VR_NET_MGMT)));
	EXPECT_EQ(ENOSPC, make(&self->s, "net2", MADE(.handle = VR_NET_MGMT)));
	EXPECT_STREQ("Not enough devices: 1 wanted, 0 left", self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_MGMTDEV_DEV_NAME, self->s.err.bad_attr);
}

TEST_F(limited, memory_runs_out)
{
	struct vnl_reply *r = &self->r;
	struct vnl_nest reason[2];

	EXPECT_RESOURCE(VR_BLK_MGMT, "memory", 0, 1048576, -1);
	EXPECT_EQ(ENOSPC, make(&self->s, "disk1",
			       MADE(.handle = VR_BLK_MGMT, .capacity = 2049)));
	EXPECT_STREQ("Not enough memory: 1049088 wanted, 1048576 left",
		     self->s.err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_BLK_CFG_CAPACITY, self->s.err.bad_attr);
	ASSERT_EQ(0, make(&self->s, "disk1",
			  MADE(.handle = VR_BLK_MGMT, .capacity = 1024)));
	EXPECT_RESOURCE(VR_BLK_MGMT, "memory", 524288, 1048576, -1);

	/* there is as much left as that one has, and then not any more */
	ASSERT_EQ(0, profile_get(&self->s, "disk1", r));
	EXPECT_EQ(0, reasons(&self->s, VR_BLK_MGMT, r, reason, 2));
	ASSERT_EQ(0, make(&self->s, "disk2",
			  MADE(.handle = VR_BLK_MGMT, .capacity = 1023)));
	ASSERT_EQ(1, reasons(&self->s, VR_BLK_MGMT, r, reason, 2));
	EXPECT_EQ(524288, vnl_attr_nr(reason[0].attr[VDPA_REASON_ATTR_WANTED]));
	EXPECT_EQ(512, vnl_attr_nr(reason[0].attr[VDPA_REASON_ATTR_AVAILABLE]));
}

/* An add that fails late gives all of it back. */
TEST_F(limited, failed_adds_take_nothing)
{
	ASSERT_EQ(0, env_knob(VR_NET_MGMT, "fail_late_add", 1));
	EXPECT_EQ(EIO, make(&self->s, "net1", MADE(.handle = VR_NET_MGMT)));
	ASSERT_EQ(0, env_knob(VR_NET_MGMT, "fail_late_add", 0));
	EXPECT_RESOURCE(VR_NET_MGMT, "queues", 0, 8, 33);
	EXPECT_RESOURCE(VR_NET_MGMT, "devices", 0, -1, -1);
}

VDPA_HARNESS_MAIN
