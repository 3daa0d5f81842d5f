// SPDX-License-Identifier: GPL-2.0
/*
 * What management sees of devices, and does to them, while somebody uses them:
 * on simulated devices, driven through vhost_vdpa
 */

#define _GNU_SOURCE
#include <errno.h>
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
	struct vr_dev dev;
	struct vr_queue queue;
};

/* From reset to DRIVER_OK */
static int disk_start(struct disk *disk)
{
	disk->dev.used = 0;
	if (vr_negotiate(&disk->dev, VR_FEATURES))
		return EPROTO;
	vr_queue_alloc(&disk->queue, &disk->dev, 0, DISK_NUM, 0);
	return vr_queue_attach(&disk->queue, &disk->dev, 0) ?: vr_run(&disk->dev);
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

VDPA_HARNESS_MAIN
