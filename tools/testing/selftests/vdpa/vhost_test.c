// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vhost-vdpa-N: each ioctl and message, right and wrong; memory and who
 * pays for it; devices that go while they are in use
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/userfaultfd.h>
#include <linux/virtio_config.h>

#include "vdpa_harness.h"
#include "vhost_env.h"

#define NAME	"vt0"
#define ALL	"set_map reset_map groups desc_group suspend resume bells irqs vq_size"
#define CONSUMER "/sys/kernel/debug/vdpa_test_parent/consumer"

#define IOVA	0x100000ULL
#define BAD_FD	9999
#define MIB	(1UL << 20)

#define BIT(nr)	(1ULL << (nr))

#define BACKEND_BASE	(BIT(VHOST_BACKEND_F_IOTLB_MSG_V2) | \
			 BIT(VHOST_BACKEND_F_IOTLB_BATCH) | \
			 BIT(VHOST_BACKEND_F_IOTLB_ASID))

#define FEATURES	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM))

#define PAGE	((size_t)sysconf(_SC_PAGESIZE))

static void *memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		_exit(1);
	return mem;
}

static int memfd(size_t size)
{
	int fd = memfd_create("vhost_test", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size))
		_exit(1);
	return fd;
}

static void *shared(int fd, size_t size, off_t offset)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 offset);

	if (mem == MAP_FAILED)
		_exit(1);
	return mem;
}

static bool signalled(int eventfd, int ms)
{
	struct pollfd p = { .fd = eventfd, .events = POLLIN };
	eventfd_t value;

	return poll(&p, 1, ms) == 1 && !eventfd_read(eventfd, &value);
}

static int make_run(int fd)
{
	uint64_t features = FEATURES;

	return vh_status(fd, 3) ?: vh_ioctl(fd, VHOST_SET_FEATURES, &features) ?:
	       vh_status(fd, 0xb) ?: vh_status(fd, VH_STATUS_RUNS);
}

/*
 * Ioctls
 */

FIXTURE(ioctl) {
	int fd;
};

FIXTURE_SETUP(ioctl)
{
	vh_begin();
	ASSERT_EQ(0, vh_new(NAME, ALL));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(ioctl)
{
	close(self->fd);
	EXPECT_TRUE(vh_end());
}

TEST_F(ioctl, one_opener)
{
	EXPECT_EQ(-EBUSY, vh_open(NAME));
	close(self->fd);
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(-EBUSY, vh_open(NAME));
}

TEST_F(ioctl, open_and_close_reset)
{
	long long resets = vh_state_nr(NAME, "reset.calls");

	EXPECT_EQ(1, resets);
	ASSERT_EQ(0, make_run(self->fd));
	close(self->fd);
	EXPECT_EQ(0, vh_state_nr(NAME, "status"));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(3, vh_state_nr(NAME, "reset.calls"));
}

TEST_F(ioctl, place_in_sysfs)
{
	char path[VH_PATH_LEN], dir[2 * VH_PATH_LEN], text[64];

	ASSERT_EQ(0, vh_node(NAME, path, sizeof(path)));
	snprintf(dir, sizeof(dir), "/sys/bus/vdpa/devices/" NAME "/%s/dev",
		 strrchr(path, '/') + 1);
	EXPECT_EQ(0, env_read(dir, text, sizeof(text)));
	snprintf(dir, sizeof(dir), "/sys/dev/char/%s", text);
	EXPECT_TRUE(env_exists(dir));
}

TEST_F(ioctl, what_the_device_is)
{
	struct vhost_vdpa_iova_range range;
	uint64_t quad;
	uint32_t word;
	uint16_t half;

	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_DEVICE_ID, &word));
	EXPECT_EQ(1, word);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_NUM, &half));
	EXPECT_EQ(VH_VQ_SIZE_MAX, half);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_CONFIG_SIZE, &word));
	EXPECT_EQ(VH_CONFIG_SIZE, word);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VQS_COUNT, &word));
	EXPECT_EQ(VH_VQS, word);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_GROUP_NUM, &word));
	EXPECT_EQ(2, word);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_AS_NUM, &word));
	EXPECT_EQ(2, word);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_IOVA_RANGE, &range));
	EXPECT_EQ(0, range.first);
	EXPECT_EQ(UINT64_MAX, range.last);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_GET_FEATURES, &quad));
	EXPECT_EQ(FEATURES | BIT(VIRTIO_F_RING_PACKED), quad);
}

TEST_F(ioctl, unknown_is_enotty)
{
	static const unsigned long cmds[] = {
		VHOST_RESET_OWNER, VHOST_SET_MEM_TABLE, VHOST_SET_LOG_BASE,
		VHOST_SET_LOG_FD, VHOST_NET_SET_BACKEND,
		VHOST_SET_VRING_BUSYLOOP_TIMEOUT,
		_IOW(VHOST_VIRTIO, 0x72, __u32), _IO(VHOST_VIRTIO, 0xff), 0,
	};
	char arg[4096] = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_EQ(ENOTTY, vh_ioctl(self->fd, cmds[i], arg));
}

/* All with an argument, whichever direction it goes */
static const unsigned long with_argument[] = {
	VHOST_GET_FEATURES, VHOST_SET_FEATURES, VHOST_SET_VRING_NUM,
	VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
	VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	VHOST_SET_BACKEND_FEATURES, VHOST_GET_BACKEND_FEATURES,
	VHOST_VDPA_GET_DEVICE_ID, VHOST_VDPA_GET_STATUS, VHOST_VDPA_SET_STATUS,
	VHOST_VDPA_GET_CONFIG, VHOST_VDPA_SET_CONFIG,
	VHOST_VDPA_SET_VRING_ENABLE, VHOST_VDPA_GET_VRING_NUM,
	VHOST_VDPA_SET_CONFIG_CALL, VHOST_VDPA_GET_IOVA_RANGE,
	VHOST_VDPA_GET_CONFIG_SIZE, VHOST_VDPA_GET_AS_NUM,
	VHOST_VDPA_GET_VRING_GROUP, VHOST_VDPA_SET_GROUP_ASID,
	VHOST_VDPA_GET_VRING_DESC_GROUP, VHOST_VDPA_GET_VQS_COUNT,
	VHOST_VDPA_GET_GROUP_NUM, VHOST_VDPA_GET_VRING_SIZE,
};

TEST_F(ioctl, bad_pointer_is_efault)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(with_argument); i++) {
		EXPECT_EQ(EFAULT, vh_ioctl(self->fd, with_argument[i], NULL))
			TH_LOG("ioctl %#lx", with_argument[i]);
	}
}

TEST_F(ioctl, queue_that_does_not_exist)
{
	static const unsigned long cmds[] = {
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE,
		VHOST_GET_VRING_BASE, VHOST_SET_VRING_KICK,
		VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
		VHOST_VDPA_SET_VRING_ENABLE, VHOST_VDPA_GET_VRING_GROUP,
		VHOST_VDPA_GET_VRING_DESC_GROUP, VHOST_VDPA_GET_VRING_SIZE,
	};
	static const unsigned int bad[] = { VH_VQS, 1 << 16, 1U << 31, -1U };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			struct vhost_vring_addr addr = { .index = bad[j] };

			EXPECT_EQ(ENOBUFS, vh_ioctl(self->fd, cmds[i], &addr))
				TH_LOG("ioctl %#lx queue %u", cmds[i], bad[j]);
		}
	}
}

TEST_F(ioctl, vring_num)
{
	static const unsigned int bad[] = {
		0, 1, 3, 255, 257, 512, 65536, 65536 + 2, 1U << 31, -1U
	};
	struct vhost_vring_state state = { .index = 1 };
	unsigned int num;
	size_t i;

	for (num = 2; num <= VH_VQ_SIZE_MAX; num *= 2) {
		EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_NUM, 1, num));
		EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_SIZE,
				      &state));
		EXPECT_EQ(num, state.num);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_SET_VRING_NUM, 1, bad[i]))
			TH_LOG("%u", bad[i]);
	}
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_SIZE, &state));
	EXPECT_EQ(VH_VQ_SIZE_MAX, state.num);
}

TEST_F(ioctl, vring_num_of_a_packed_ring)
{
	uint64_t features = FEATURES | BIT(VIRTIO_F_RING_PACKED);

	EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_SET_VRING_NUM, 0, 100));
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_NUM, 0, 100));
	EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_SET_VRING_NUM, 0, 257));
}

TEST_F(ioctl, vring_addr)
{
	struct vhost_vring_addr addr = {
		.index = 1,
		.desc_user_addr = 0x10000,
		.avail_user_addr = 0x20002,
		.used_user_addr = 0x30004,
	}, bad;
	char text[256];

	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &addr));
	ASSERT_EQ(0, vh_state(NAME, "vq1", text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, "desc 10000 driver 20002 device 30004 ",
			     strlen("desc 10000 driver 20002 device 30004 ")));

	addr.flags = 1 << VHOST_VRING_F_LOG;
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &addr));
	addr.flags = 2;
	EXPECT_EQ(EOPNOTSUPP, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &addr));
	addr.flags = 0;
	bad = addr;
	bad.desc_user_addr += 8;
	EXPECT_EQ(EINVAL, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &bad));
	bad = addr;
	bad.avail_user_addr += 1;
	EXPECT_EQ(EINVAL, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &bad));
	bad = addr;
	bad.used_user_addr += 2;
	EXPECT_EQ(EINVAL, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &bad));
	EXPECT_EQ(0, vh_do(NAME, "fail set_address %d", EIO));
	EXPECT_EQ(EIO, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &addr));
}

TEST_F(ioctl, vring_base)
{
	struct vhost_vring_state state = { .index = 2 };
	uint64_t features = FEATURES | BIT(VIRTIO_F_RING_PACKED);

	EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_BASE, 2, 65535));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(65535, state.num);
	EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_SET_VRING_BASE, 2, 65536));

	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_BASE, 2, 0x81237456));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(0x81237456, state.num);
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_BASE, 2, 0x00fe80ff));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_GET_VRING_BASE, &state));
	EXPECT_EQ(0x00fe80ff, state.num);
}

TEST_F(ioctl, vring_enable)
{
	char text[256];

	EXPECT_EQ(0, vh_vq(self->fd, VHOST_VDPA_SET_VRING_ENABLE, 0, 1));
	ASSERT_EQ(0, vh_state(NAME, "vq0", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "ready 1"));
	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_VDPA_SET_VRING_ENABLE, 1, 1));
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_VDPA_SET_VRING_ENABLE, 0, 0));
	ASSERT_EQ(0, vh_state(NAME, "vq0", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "ready 0"));
}

TEST_F(ioctl, groups)
{
	struct vhost_vring_state state = { .index = 2 };

	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_GROUP, &state));
	EXPECT_EQ(1, state.num);
	state.index = 0;
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_GROUP, &state));
	EXPECT_EQ(0, state.num);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_DESC_GROUP, &state));
	EXPECT_EQ(1, state.num);

	EXPECT_EQ(0, vh_vq(self->fd, VHOST_VDPA_SET_GROUP_ASID, 1, 1));
	EXPECT_EQ(1, vh_state_nr(NAME, "group1.asid"));
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_VDPA_SET_GROUP_ASID, 1, 0));
	EXPECT_EQ(0, vh_state_nr(NAME, "group1.asid"));
	/* one group or space too many; below the number of queues, too */
	EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_VDPA_SET_GROUP_ASID, 2, 0));
	EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_VDPA_SET_GROUP_ASID, 1, 2));
	EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_VDPA_SET_GROUP_ASID, -1U, 0));
	EXPECT_EQ(EINVAL, vh_vq(self->fd, VHOST_VDPA_SET_GROUP_ASID, 0, -1U));
}

TEST_F(ioctl, features)
{
	uint64_t features = FEATURES | BIT(0);

	EXPECT_EQ(EINVAL, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(0, vh_state_hex(NAME, "features"));
	/* the parent has it, but there is no ioctl for it */
	features = FEATURES | BIT(VIRTIO_F_RING_RESET);
	EXPECT_EQ(EINVAL, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	features = FEATURES;
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	EXPECT_EQ(FEATURES, vh_state_hex(NAME, "features"));
	EXPECT_EQ(0, vh_status(self->fd, 0xb));
	EXPECT_EQ(EBUSY, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
}

TEST_F(ioctl, status_step_by_step)
{
	uint8_t status;

	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_STATUS, &status));
	EXPECT_EQ(VH_STATUS_RUNS, status);
	/* bits go by reset only */
	EXPECT_EQ(EINVAL, vh_status(self->fd, 3));
	EXPECT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_STATUS, &status));
	EXPECT_EQ(0, status);
}

TEST_F(ioctl, status_at_once)
{
	uint64_t features = FEATURES;
	uint8_t status;

	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_FEATURES, &features));
	ASSERT_EQ(0, vh_vq(self->fd, VHOST_VDPA_SET_VRING_ENABLE, 0, 1));
	EXPECT_EQ(0, vh_status(self->fd, VH_STATUS_RUNS));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_STATUS, &status));
	EXPECT_EQ(VH_STATUS_RUNS, status);
}

TEST_F(ioctl, status_declined)
{
	uint8_t status;

	EXPECT_EQ(0, vh_status(self->fd, VH_STATUS_RUNS));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_STATUS, &status));
	EXPECT_EQ(3, status);
}

TEST_F(ioctl, reset_that_fails)
{
	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(0, vh_do(NAME, "fail reset %d", EIO));
	EXPECT_EQ(EIO, vh_status(self->fd, 0));
	EXPECT_EQ(VH_STATUS_RUNS, vh_state_nr(NAME, "status"));
	EXPECT_EQ(0, vh_status(self->fd, 0));
}

TEST_F(ioctl, queues_are_fixed_while_it_runs)
{
	struct vhost_vring_addr addr = { .index = 0 };

	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(EBUSY, vh_vq(self->fd, VHOST_SET_VRING_NUM, 0, 64));
	EXPECT_EQ(EBUSY, vh_vq(self->fd, VHOST_SET_VRING_BASE, 0, 1));
	EXPECT_EQ(EBUSY, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &addr));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_BASE, 0, 1));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_SET_VRING_ADDR, &addr));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_RESUME, NULL));
	EXPECT_EQ(EBUSY, vh_vq(self->fd, VHOST_SET_VRING_BASE, 0, 1));
}

TEST_F(ioctl, suspend_and_resume)
{
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(0, vh_state_nr(NAME, "suspended"));
	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(0, vh_do(NAME, "fail suspend %d", EIO));
	EXPECT_EQ(EIO, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(1, vh_state_nr(NAME, "suspended"));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(0, vh_do(NAME, "fail resume %d", EIO));
	EXPECT_EQ(EIO, vh_ioctl(self->fd, VHOST_VDPA_RESUME, NULL));
	EXPECT_EQ(1, vh_state_nr(NAME, "suspended"));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_RESUME, NULL));
	EXPECT_EQ(0, vh_state_nr(NAME, "suspended"));
	/* and a reset ends it, too */
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_NUM, 0, 64));
}

TEST_F(ioctl, backend_features)
{
	uint64_t all = BACKEND_BASE | BIT(VHOST_BACKEND_F_SUSPEND) |
		       BIT(VHOST_BACKEND_F_RESUME) |
		       BIT(VHOST_BACKEND_F_DESC_ASID) |
		       BIT(VHOST_BACKEND_F_IOTLB_PERSIST);
	uint64_t got;

	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_GET_BACKEND_FEATURES, &got));
	EXPECT_EQ(all, got);
	EXPECT_EQ(0, vh_backend(self->fd, got));
	EXPECT_EQ(0, vh_backend(self->fd, BIT(VHOST_BACKEND_F_IOTLB_MSG_V2) |
				BIT(VHOST_BACKEND_F_IOTLB_BATCH)));
	EXPECT_EQ(0, vh_backend(self->fd, 0));
	EXPECT_EQ(EOPNOTSUPP, vh_backend(self->fd, BIT(0)));
	EXPECT_EQ(EOPNOTSUPP, vh_backend(self->fd, all | BIT(63)));
	EXPECT_EQ(EINVAL, vh_backend(self->fd,
				     BIT(VHOST_BACKEND_F_DESC_ASID)));
}

static int config(int fd, unsigned long cmd, uint32_t off, uint32_t len,
		  uint8_t *bytes)
{
	struct vhost_vdpa_config *c = calloc(1, sizeof(*c) + VH_CONFIG_SIZE);
	int err;

	c->off = off;
	c->len = len;
	memcpy(c->buf, bytes, VH_CONFIG_SIZE);
	err = vh_ioctl(fd, cmd, c);
	memcpy(bytes, c->buf, VH_CONFIG_SIZE);
	free(c);
	return err;
}

TEST_F(ioctl, config_read)
{
	static const struct {
		uint32_t off;
		uint32_t len;
		int err;
	} bad[] = {
		{ 0, 0, EINVAL }, { 5, 0, EINVAL },
		{ VH_CONFIG_SIZE, 1, E2BIG }, { VH_CONFIG_SIZE + 1, 1, EINVAL },
		{ 0, VH_CONFIG_SIZE + 1, E2BIG }, { 1, VH_CONFIG_SIZE, E2BIG },
		{ 1, -1U, E2BIG }, { -1U, 1, EINVAL }, { -1U, -1U, EINVAL },
		{ 0x80000000, 0x80000000, EINVAL }, { 1, 0x80000000, E2BIG },
	};
	uint8_t bytes[VH_CONFIG_SIZE] = {};
	size_t i;

	EXPECT_EQ(0, config(self->fd, VHOST_VDPA_GET_CONFIG, 0, VH_CONFIG_SIZE,
			    bytes));
	for (i = 0; i < VH_CONFIG_SIZE; i++)
		EXPECT_EQ(i, bytes[i]);
	EXPECT_EQ(0, config(self->fd, VHOST_VDPA_GET_CONFIG, 31, 1, bytes));
	EXPECT_EQ(31, bytes[0]);
	EXPECT_EQ(1, bytes[1]);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(bad[i].err, config(self->fd, VHOST_VDPA_GET_CONFIG,
					     bad[i].off, bad[i].len, bytes))
			TH_LOG("%u %u", bad[i].off, bad[i].len);
		EXPECT_EQ(bad[i].err, config(self->fd, VHOST_VDPA_SET_CONFIG,
					     bad[i].off, bad[i].len, bytes))
			TH_LOG("%u %u", bad[i].off, bad[i].len);
	}
}

TEST_F(ioctl, config_write)
{
	uint8_t bytes[VH_CONFIG_SIZE] = { 0xaa, 0xbb };

	EXPECT_EQ(0, config(self->fd, VHOST_VDPA_SET_CONFIG, 2, 2, bytes));
	EXPECT_EQ(0, config(self->fd, VHOST_VDPA_GET_CONFIG, 1, 4, bytes));
	EXPECT_EQ(1, bytes[0]);
	EXPECT_EQ(0xaa, bytes[1]);
	EXPECT_EQ(0xbb, bytes[2]);
	EXPECT_EQ(4, bytes[3]);
	/* what is there already may be written, nothing else */
	bytes[0] = 16;
	EXPECT_EQ(0, config(self->fd, VHOST_VDPA_SET_CONFIG, 16, 1, bytes));
	bytes[0] = 17;
	EXPECT_EQ(EOPNOTSUPP,
		  config(self->fd, VHOST_VDPA_SET_CONFIG, 16, 1, bytes));
}

TEST_F(ioctl, config_call)
{
	int first = eventfd(0, EFD_NONBLOCK), second = eventfd(0, EFD_NONBLOCK);
	int fd = BAD_FD;

	EXPECT_EQ(EBADF, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd));
	EXPECT_EQ(0, vh_do(NAME, "config"));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &first));
	EXPECT_EQ(0, vh_do(NAME, "config"));
	EXPECT_TRUE(signalled(first, 0));
	/* what is refused leaves what is there */
	EXPECT_EQ(EBADF, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd));
	fd = self->fd;
	EXPECT_EQ(EINVAL, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd));
	EXPECT_EQ(0, vh_do(NAME, "config"));
	EXPECT_TRUE(signalled(first, 0));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &second));
	close(first);
	/* it stays over a reset */
	EXPECT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(0, vh_do(NAME, "config"));
	EXPECT_TRUE(signalled(second, 0));
	fd = VHOST_FILE_UNBIND;
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd));
	EXPECT_EQ(0, vh_state_nr(NAME, "config.cb"));
	EXPECT_EQ(0, vh_do(NAME, "config"));
	EXPECT_FALSE(signalled(second, 0));
	close(second);
}

TEST_F(ioctl, kick)
{
	int fd = eventfd(0, 0), other = eventfd(0, 0);

	EXPECT_EQ(EBADF, vh_eventfd(self->fd, VHOST_SET_VRING_KICK, 1, BAD_FD));
	EXPECT_EQ(EINVAL, vh_eventfd(self->fd, VHOST_SET_VRING_KICK, 1, self->fd));
	ASSERT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_KICK, 1, fd));
	EXPECT_EQ(0, vh_state_nr(NAME, "vq1.kicks"));
	eventfd_write(fd, 1);
	EXPECT_EQ(1, vh_state_nr(NAME, "vq1.kicks"));
	eventfd_write(fd, 1);
	EXPECT_EQ(2, vh_state_nr(NAME, "vq1.kicks"));
	EXPECT_EQ(0, vh_state_nr(NAME, "vq0.kicks"));

	/* one that was signalled before is heard, the old one is not */
	eventfd_write(other, 1);
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_KICK, 1, other));
	EXPECT_EQ(3, vh_state_nr(NAME, "vq1.kicks"));
	eventfd_write(fd, 1);
	EXPECT_EQ(3, vh_state_nr(NAME, "vq1.kicks"));
	/* the same one for two queues */
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_KICK, 0, other));
	eventfd_write(other, 1);
	EXPECT_EQ(4, vh_state_nr(NAME, "vq1.kicks"));
	EXPECT_EQ(2, vh_state_nr(NAME, "vq0.kicks"));
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_KICK, 1,
				VHOST_FILE_UNBIND));
	eventfd_write(other, 1);
	EXPECT_EQ(4, vh_state_nr(NAME, "vq1.kicks"));
	EXPECT_EQ(3, vh_state_nr(NAME, "vq0.kicks"));
	close(fd);
	close(other);
}

TEST_F(ioctl, call)
{
	int first = eventfd(0, EFD_NONBLOCK), second = eventfd(0, EFD_NONBLOCK);

	EXPECT_EQ(EBADF, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 1, BAD_FD));
	EXPECT_EQ(0, vh_do(NAME, "interrupt 1"));
	ASSERT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 1, first));
	EXPECT_EQ(0, vh_do(NAME, "interrupt 1"));
	EXPECT_TRUE(signalled(first, 0));
	EXPECT_EQ(EBADF, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 1, BAD_FD));
	EXPECT_EQ(0, vh_do(NAME, "interrupt 1"));
	EXPECT_TRUE(signalled(first, 0));
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 1, second));
	close(first);
	EXPECT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(0, vh_do(NAME, "interrupt 1"));
	EXPECT_TRUE(signalled(second, 0));
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 1,
				VHOST_FILE_UNBIND));
	EXPECT_EQ(0, vh_state_nr(NAME, "vq1.cb"));
	EXPECT_EQ(0, vh_do(NAME, "interrupt 1"));
	EXPECT_FALSE(signalled(second, 0));
	close(second);
}

static void *interrupts(void *stop)
{
	while (!*(atomic_bool *)stop) {
		vh_do(NAME, "interrupt 0");
		vh_do(NAME, "config");
	}
	return NULL;
}

TEST_F(ioctl, call_replaced_under_fire)
{
	atomic_bool stop = false;
	pthread_t thread;
	int i;

	ASSERT_EQ(0, make_run(self->fd));
	ASSERT_EQ(0, pthread_create(&thread, NULL, interrupts, &stop));
	for (i = 0; i < 500; i++) {
		int fd = eventfd(0, EFD_NONBLOCK);

		EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 0, fd));
		EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd));
		close(fd);
	}
	stop = true;
	pthread_join(thread, NULL);
}

static int consumer_irq(void)
{
	char text[32];

	return env_read(CONSUMER, text, sizeof(text)) ? -2 : atoi(text);
}

static int consumer_set(int fd)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", fd);
	return env_write(CONSUMER, text);
}

TEST_F(ioctl, irq_bypass)
{
	int fd = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, consumer_set(fd));
	ASSERT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 1, fd));
	EXPECT_EQ(-1, consumer_irq());
	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(5001, consumer_irq());
	/* a reset that fails changes nothing */
	EXPECT_EQ(0, vh_do(NAME, "fail reset %d", EIO));
	EXPECT_EQ(EIO, vh_status(self->fd, 0));
	EXPECT_EQ(5001, consumer_irq());
	EXPECT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(-1, consumer_irq());
	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(5001, consumer_irq());
	/* replaced, and moved to another queue */
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 1, other));
	EXPECT_EQ(-1, consumer_irq());
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 0, fd));
	EXPECT_EQ(5000, consumer_irq());
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 0,
				VHOST_FILE_UNBIND));
	EXPECT_EQ(-1, consumer_irq());
	EXPECT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 2, fd));
	EXPECT_EQ(5002, consumer_irq());
	EXPECT_EQ(0, vh_del(NAME));
	EXPECT_EQ(-1, consumer_irq());
	EXPECT_EQ(0, consumer_set(-1));
	close(fd);
	close(other);
}

TEST_F(ioctl, owner)
{
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(EBUSY, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
}

/* i386's way to call, from here */
#ifdef __x86_64__
static long call32(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (nr), "b" (a), "c" (b), "d" (c)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

#define NR32_WRITE	4
#define NR32_GETPID	20
#define NR32_IOCTL	54

static int calls32(int fd, void *low)
{
	struct vhost_msg_v2 *msg = low;
	struct vhost_msg *old = low;

	/* User Mode Linux takes the numbers for 64-bit ones */
	if (call32(NR32_GETPID, 0, 0, 0) != getpid())
		return 1;
	memset(low, 0, 4096);
	if (call32(NR32_IOCTL, fd, VHOST_SET_OWNER, 0))
		return 2;
	if (call32(NR32_IOCTL, fd, VHOST_VDPA_GET_IOVA_RANGE, (long)low) ||
	    ((struct vhost_vdpa_iova_range *)low)->last != UINT64_MAX)
		return 3;
	memset(low, 0, 4096);
	msg->type = VHOST_IOTLB_MSG_V2;
	msg->iotlb = (struct vhost_iotlb_msg) {
		.iova = IOVA, .size = 4096, .uaddr = (long)low,
		.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE,
	};
	if (call32(NR32_WRITE, fd, (long)msg, sizeof(*msg)) != sizeof(*msg))
		return 4;
	old->type = VHOST_IOTLB_MSG;
	old->iotlb.type = VHOST_IOTLB_INVALIDATE;
	if (call32(NR32_WRITE, fd, (long)old, sizeof(*old)) != -EINVAL)
		return 5;
	return 0;
}

TEST_F(ioctl, from_32_bit_programs)
{
	void *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int status;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, low);
	pid = fork();
	if (!pid)
		_exit(calls32(self->fd, low));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	if (WIFSIGNALED(status) || WEXITSTATUS(status) == 1)
		SKIP(return, "kernel without 32-bit system calls");
	EXPECT_EQ(0, WEXITSTATUS(status));
}
#endif

/*
 * Devices that lack things, opens that fail
 */

FIXTURE(make) {
	int fd;
};

FIXTURE_SETUP(make)
{
	self->fd = -1;
	vh_begin();
}

FIXTURE_TEARDOWN(make)
{
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_TRUE(vh_end());
}

TEST_F(make, plain)
{
	struct vhost_vring_state state = { .index = 1, .num = 99 };
	uint64_t features;
	uint32_t word;

	ASSERT_EQ(0, vh_new(NAME, "set_map"));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_GET_BACKEND_FEATURES, &features));
	EXPECT_EQ(BACKEND_BASE, features);
	EXPECT_EQ(0, vh_backend(self->fd, features));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_GROUP, &state));
	EXPECT_EQ(0, state.num);
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_GROUP_NUM, &word));
	EXPECT_EQ(1, word);
	EXPECT_EQ(EOPNOTSUPP, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_DESC_GROUP,
				       &state));
	EXPECT_EQ(EOPNOTSUPP, vh_vq(self->fd, VHOST_VDPA_SET_GROUP_ASID, 0, 0));
	EXPECT_EQ(EOPNOTSUPP, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(EOPNOTSUPP, vh_ioctl(self->fd, VHOST_VDPA_RESUME, NULL));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_SIZE, &state));
	EXPECT_EQ(VH_VQ_SIZE_MAX, state.num);
	EXPECT_EQ(0, vh_vq(self->fd, VHOST_SET_VRING_NUM, 1, 64));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_SIZE, &state));
	EXPECT_EQ(64, state.num);
	EXPECT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_VRING_SIZE, &state));
	EXPECT_EQ(VH_VQ_SIZE_MAX, state.num);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, self->fd,
				   0));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

TEST_F(make, nothing_translates)
{
	ASSERT_EQ(0, vh_new(NAME, ""));
	EXPECT_EQ(-EOPNOTSUPP, vh_open(NAME));
	EXPECT_EQ(-EOPNOTSUPP, vh_open(NAME));
}

TEST_F(make, open_fails)
{
	ASSERT_EQ(0, vh_new(NAME, ALL));
	EXPECT_EQ(0, vh_do(NAME, "fail reset %d", EIO));
	EXPECT_EQ(-EIO, vh_open(NAME));
	EXPECT_EQ(0, vh_do(NAME, "fail set_map %d", ENOSPC));
	EXPECT_EQ(-ENOSPC, vh_open(NAME));
	/* and it is as it was */
	EXPECT_EQ(2, vh_state_nr(NAME, "as0.pieces"));
	self->fd = vh_open(NAME);
	EXPECT_LE(0, self->fd);
}

/* The identity is for the kernel's drivers: user space must not meet it */
TEST_F(make, nothing_is_reachable_at_first)
{
	static const char * const words[] = {
		"set_map reset_map groups", "dma_map reset_map groups",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		ASSERT_EQ(0, vh_new(NAME, words[i]));
		EXPECT_EQ(2, vh_state_nr(NAME, "as0.pieces"));
		self->fd = vh_open(NAME);
		ASSERT_LE(0, self->fd);
		EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
		EXPECT_EQ(EFAULT, vh_do(NAME, "read 0 0"));
		close(self->fd);
		EXPECT_EQ(2, vh_state_nr(NAME, "as0.pieces"));
		EXPECT_EQ(0, vh_state_nr(NAME, "as1.pieces"));
		EXPECT_EQ(0, vh_del(NAME));
	}
	self->fd = -1;
}

TEST_F(make, range)
{
	struct vhost_vdpa_iova_range range;
	void *mem = memory(2 * PAGE);

	ASSERT_EQ(0, vh_new(NAME, "set_map range"));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, vh_ioctl(self->fd, VHOST_VDPA_GET_IOVA_RANGE, &range));
	EXPECT_EQ(0x10000, range.first);
	EXPECT_EQ(0xffffffff, range.last);
	EXPECT_EQ(EINVAL, vh_map(self->fd, 0x10000 - PAGE, 2 * PAGE, mem));
	EXPECT_EQ(EINVAL, vh_map(self->fd, 0x100000000 - PAGE, 2 * PAGE, mem));
	EXPECT_EQ(EINVAL, vh_map(self->fd, 0, PAGE, mem));
	EXPECT_EQ(EINVAL, vh_map(self->fd, 0x100000000, PAGE, mem));
	EXPECT_EQ(0, vh_map(self->fd, 0x10000, PAGE, mem));
	EXPECT_EQ(0, vh_map(self->fd, 0x100000000 - PAGE, PAGE, mem));
	EXPECT_EQ(2 * PAGE, vh_pinned());
}

/*
 * Memory, for parents that take a table and for those that take pieces
 */

FIXTURE(memory) {
	int fd;
	char *mem;
};

FIXTURE_VARIANT(memory) {
	const char *words;
	bool table;
};

FIXTURE_VARIANT_ADD(memory, set_map) {
	.words = "set_map reset_map groups", .table = true,
};

FIXTURE_VARIANT_ADD(memory, dma_map) {
	.words = "dma_map reset_map groups",
};

#define MEM	(4 * MIB)

FIXTURE_SETUP(memory)
{
	vh_begin();
	ASSERT_EQ(0, vh_new(NAME, variant->words));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(0, vh_backend(self->fd, BACKEND_BASE));
	self->mem = memory(MEM);
	ASSERT_EQ(0, vh_pinned());
}

FIXTURE_TEARDOWN(memory)
{
	close(self->fd);
	EXPECT_EQ(0, vh_pinned());
	EXPECT_TRUE(vh_end());
}

TEST_F(memory, device_reads_and_writes)
{
	uint64_t *mem = (uint64_t *)self->mem;
	size_t last = MEM / 8 - 1;

	mem[0] = 0x1122;
	mem[last] = 0x3344;
	ASSERT_EQ(0, vh_map(self->fd, IOVA, MEM, mem));
	EXPECT_EQ(MEM, vh_pinned());
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(0x1122, vh_state_hex(NAME, "data"));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA + MEM - 8));
	EXPECT_EQ(0x3344, vh_state_hex(NAME, "data"));
	EXPECT_EQ(EFAULT, vh_do(NAME, "read 0 %llx", IOVA + MEM));
	EXPECT_EQ(EFAULT, vh_do(NAME, "read 0 %llx", IOVA - 8));
	EXPECT_EQ(0, vh_do(NAME, "write 0 %llx 77", IOVA + MEM / 2));
	EXPECT_EQ(0x77, mem[MEM / 2 / 8]);
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, MEM));
	EXPECT_EQ(EFAULT, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(0, vh_pinned());
}

TEST_F(memory, permissions)
{
	char *ro = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);

	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_UPDATE, IOVA, PAGE,
				self->mem, VHOST_ACCESS_RO));
	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_UPDATE, IOVA + PAGE,
				PAGE, self->mem + PAGE, VHOST_ACCESS_WO));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(EACCES, vh_do(NAME, "write 0 %llx 1", IOVA));
	EXPECT_EQ(EACCES, vh_do(NAME, "read 0 %llx", IOVA + PAGE));
	EXPECT_EQ(0, vh_do(NAME, "write 0 %llx 1", IOVA + PAGE));
	/* memory that we could not write to, the device cannot either */
	EXPECT_EQ(EFAULT, vh_map(self->fd, 0, PAGE, ro));
	EXPECT_EQ(2 * PAGE, vh_pinned());
}

TEST_F(memory, messages_that_make_no_sense)
{
	uint64_t mem = (uintptr_t)self->mem;
	const struct {
		uint64_t iova;
		uint64_t size;
		uint64_t uaddr;
		unsigned int perm;
		int err;
	} bad[] = {
		{ IOVA, 0, mem, 3, EINVAL },
		{ 0, 0, mem, 3, EINVAL },
		{ 0, 0, 0, 3, EINVAL },
		{ 0, -1ULL, 0, 3, EINVAL },
		{ 0, -PAGE, 0, 3, EFAULT },
		{ 0, -PAGE, mem, 3, EINVAL },
		{ -PAGE, 2 * PAGE, mem, 3, EINVAL },
		{ IOVA, PAGE, mem, 0, EINVAL },
		{ IOVA, PAGE, mem, 4, EINVAL },
		{ IOVA, PAGE, mem, 7, EINVAL },
		{ IOVA, PAGE, mem, 0xff, EINVAL },
		{ IOVA + 1, PAGE, mem, 3, EINVAL },
		{ IOVA, PAGE + 1, mem, 3, EINVAL },
		{ IOVA, PAGE, mem + 1, 3, EINVAL },
		{ IOVA + 512, PAGE, mem + 512, 3, EINVAL },
		{ IOVA, PAGE / 2, mem, 3, EINVAL },
		{ IOVA, PAGE, 1ULL << 63, 3, EFAULT },
		{ IOVA, 2 * PAGE, -PAGE, 3, EINVAL },
		{ IOVA, PAGE, -PAGE, 3, EFAULT },
		{ IOVA, PAGE, 0, 3, EFAULT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(bad[i].err,
			  vh_message(self->fd, 0, VHOST_IOTLB_UPDATE,
				     bad[i].iova, bad[i].size,
				     (void *)bad[i].uaddr, bad[i].perm))
			TH_LOG("message %zu", i);
		EXPECT_EQ(0, vh_pinned());
	}
	EXPECT_EQ(EINVAL, vh_unmap(self->fd, IOVA, 0));
	EXPECT_EQ(EINVAL, vh_unmap(self->fd, 0, 0));
	EXPECT_EQ(EINVAL, vh_unmap(self->fd, -PAGE, 2 * PAGE));
	EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
}

TEST_F(memory, types_that_make_no_sense)
{
	struct vhost_msg_v2 msg = { .type = VHOST_IOTLB_MSG_V2 };
	void *nowhere = memory(PAGE);
	unsigned int type;

	munmap(nowhere, PAGE);

	for (type = 0; type < 256; type++) {
		if (type == VHOST_IOTLB_BATCH_BEGIN ||
		    type == VHOST_IOTLB_BATCH_END)
			continue;
		EXPECT_EQ(EINVAL, vh_message(self->fd, 0, type, 0, 0, NULL, 0));
	}
	for (type = 0; type < 256; type++) {
		msg.type = type;
		EXPECT_EQ(-1, write(self->fd, &msg, sizeof(msg)));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(-1, write(self->fd, &msg, sizeof(msg) - 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->fd, &msg, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->fd, nowhere, sizeof(msg)));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(memory, overlap)
{
	ASSERT_EQ(0, vh_map(self->fd, IOVA, 4 * PAGE, self->mem));
	EXPECT_EQ(EEXIST, vh_map(self->fd, IOVA, 4 * PAGE, self->mem));
	EXPECT_EQ(EEXIST, vh_map(self->fd, IOVA + 3 * PAGE, PAGE, self->mem));
	EXPECT_EQ(EEXIST, vh_map(self->fd, IOVA - PAGE, 2 * PAGE, self->mem));
	EXPECT_EQ(EEXIST, vh_map(self->fd, IOVA - PAGE, 6 * PAGE, self->mem));
	EXPECT_EQ(4 * PAGE, vh_pinned());
	/* the same memory elsewhere is charged again */
	EXPECT_EQ(0, vh_map(self->fd, IOVA + 4 * PAGE, 4 * PAGE, self->mem));
	EXPECT_EQ(8 * PAGE, vh_pinned());
}

TEST_F(memory, unmap_is_exact_or_refused)
{
	size_t i;

	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, vh_map(self->fd, IOVA + 2 * i * PAGE, 2 * PAGE,
				    self->mem + i * 2 * PAGE));
	}
	/* nothing mapped: nothing to do */
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA - PAGE, PAGE));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA + 16 * PAGE, MIB));
	EXPECT_EQ(0, vh_message(self->fd, 1, VHOST_IOTLB_INVALIDATE, IOVA, MIB,
				NULL, 0));
	EXPECT_EQ(16 * PAGE, vh_pinned());
	/* half a page is half a piece, wherever pieces begin and end */
	EXPECT_EQ(EINVAL, vh_unmap(self->fd, IOVA + PAGE / 2, 2 * PAGE));
	EXPECT_EQ(EINVAL, vh_unmap(self->fd, IOVA, PAGE / 2));
	EXPECT_EQ(16 * PAGE, vh_pinned());
	/* some, in the middle, with nothing around */
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA + 4 * PAGE, 4 * PAGE));
	EXPECT_EQ(12 * PAGE, vh_pinned());
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA + 3 * PAGE));
	EXPECT_EQ(EFAULT, vh_do(NAME, "read 0 %llx", IOVA + 4 * PAGE));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA + 8 * PAGE));
	/* all, as DPDK says it */
	EXPECT_EQ(0, vh_unmap(self->fd, 0, SIZE_MAX));
	EXPECT_EQ(0, vh_pinned());
	EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
}

/* What was mapped in one order goes in another: at once, and backwards */
TEST_F(memory, unmap_in_another_order)
{
	const size_t n = 64, at = 24, end = 40;
	size_t i, page;

	for (i = 0; i < n; i++) {
		page = i * 11 % n;
		ASSERT_EQ(0, vh_map(self->fd, IOVA + page * PAGE, PAGE,
				    self->mem + page * PAGE));
	}
	EXPECT_EQ(EINVAL, vh_unmap(self->fd, IOVA + at * PAGE,
				   (end - at) * PAGE + PAGE / 2));
	EXPECT_EQ(n, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA + at * PAGE, (end - at) * PAGE));
	EXPECT_EQ((n - (end - at)) * PAGE, vh_pinned());
	for (i = 0; i < n; i++)
		EXPECT_EQ(i >= at && i < end ? EFAULT : 0,
			  vh_do(NAME, "read 0 %llx", IOVA + i * PAGE));
	for (i = n; i > end; i--) {
		EXPECT_EQ(0, vh_unmap(self->fd, IOVA + (i - 1) * PAGE, PAGE));
		EXPECT_EQ((at + i - 1 - end) * PAGE, vh_pinned());
	}
	EXPECT_EQ(at, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_unmap(self->fd, 0, SIZE_MAX));
	EXPECT_EQ(0, vh_pinned());
}

TEST_F(memory, address_spaces)
{
	ASSERT_EQ(0, vh_message(self->fd, 1, VHOST_IOTLB_UPDATE, IOVA, PAGE,
				self->mem, VHOST_ACCESS_RW));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem + PAGE));
	self->mem[0] = 1;
	self->mem[PAGE] = 2;
	EXPECT_EQ(0, vh_do(NAME, "read 1 %llx", IOVA));
	EXPECT_EQ(1, vh_state_hex(NAME, "data"));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(2, vh_state_hex(NAME, "data"));
	EXPECT_EQ(EINVAL, vh_message(self->fd, 2, VHOST_IOTLB_UPDATE, IOVA, PAGE,
				     self->mem, VHOST_ACCESS_RW));
	EXPECT_EQ(EINVAL, vh_message(self->fd, -1U, VHOST_IOTLB_BATCH_BEGIN, 0, 0,
				     NULL, 0));
	/* without the feature the field is any old bytes */
	ASSERT_EQ(0, vh_backend(self->fd, BIT(VHOST_BACKEND_F_IOTLB_MSG_V2)));
	EXPECT_EQ(0, vh_message(self->fd, 0xdead, VHOST_IOTLB_UPDATE, 0, PAGE,
				self->mem, VHOST_ACCESS_RW));
	EXPECT_EQ(0, vh_do(NAME, "read 0 0"));
}

TEST_F(memory, old_messages)
{
	struct vhost_msg msg = {
		.type = VHOST_IOTLB_MSG,
		.iotlb = {
			.iova = IOVA,
			.size = PAGE,
			.uaddr = (uintptr_t)self->mem,
			.perm = VHOST_ACCESS_RW,
			.type = VHOST_IOTLB_UPDATE,
		},
	};

	EXPECT_EQ(sizeof(msg), write(self->fd, &msg, sizeof(msg)));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(PAGE, vh_pinned());
}

TEST_F(memory, several_in_one_write)
{
	struct vhost_msg_v2 msg[8] = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(msg); i++) {
		msg[i].type = VHOST_IOTLB_MSG_V2;
		msg[i].iotlb = (struct vhost_iotlb_msg) {
			.iova = IOVA + i * PAGE,
			.size = PAGE,
			.uaddr = (uintptr_t)self->mem + i * PAGE,
			.perm = VHOST_ACCESS_RW,
			.type = VHOST_IOTLB_UPDATE,
		};
	}
	EXPECT_EQ(sizeof(msg), write(self->fd, msg, sizeof(msg)));
	EXPECT_EQ(8 * PAGE, vh_pinned());
	EXPECT_EQ(0, vh_unmap(self->fd, 0, SIZE_MAX));
	/* up to the first that is refused, and only whole ones */
	msg[5].iotlb.perm = 0;
	EXPECT_EQ(5 * sizeof(*msg), write(self->fd, msg, sizeof(msg)));
	EXPECT_EQ(5 * PAGE, vh_pinned());
	EXPECT_EQ(0, vh_unmap(self->fd, 0, SIZE_MAX));
	EXPECT_EQ(2 * sizeof(*msg), write(self->fd, msg, 3 * sizeof(*msg) - 1));
	EXPECT_EQ(2 * PAGE, vh_pinned());
}

TEST_F(memory, batch)
{
	long long calls = vh_state_nr(NAME, "set_map.calls");
	size_t i;

	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0));
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, vh_map(self->fd, IOVA + 2 * i * PAGE, PAGE,
				    self->mem + i * PAGE));
	}
	/* a batch in one address space is none in another */
	EXPECT_EQ(0, vh_message(self->fd, 1, VHOST_IOTLB_UPDATE, IOVA, PAGE,
				self->mem, VHOST_ACCESS_RW));
	EXPECT_EQ(0, vh_do(NAME, "read 1 %llx", IOVA));
	if (variant->table) {
		EXPECT_EQ(EFAULT, vh_do(NAME, "read 0 %llx", IOVA));
		EXPECT_EQ(calls + 1, vh_state_nr(NAME, "set_map.calls"));
	}
	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_END, 0, 0, NULL,
				0));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(64, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(65 * PAGE, vh_pinned());
	if (variant->table)
		EXPECT_EQ(calls + 2, vh_state_nr(NAME, "set_map.calls"));
	EXPECT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_END, 0, 0, NULL,
				0));
}

/* Pages that the device was not told of yet are not let go of */
TEST_F(memory, unmap_in_a_batch)
{
	ASSERT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem));
	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, PAGE));
	if (variant->table) {
		EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
		EXPECT_EQ(PAGE, vh_pinned());
	}
	EXPECT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem + PAGE));
	self->mem[PAGE] = 5;
	if (variant->table)
		EXPECT_EQ(2 * PAGE, vh_pinned());
	if (variant->table) {
		EXPECT_EQ(0, vh_do(NAME, "fail set_map %d", EIO));
		EXPECT_EQ(EIO, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_END, 0,
					  0, NULL, 0));
		EXPECT_EQ(2 * PAGE, vh_pinned());
	}
	EXPECT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_END, 0, 0, NULL,
				0));
	EXPECT_EQ(PAGE, vh_pinned());
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(5, vh_state_hex(NAME, "data"));
}

/* One by one: pages that may be neighbours, and then such as are not */
TEST_F(memory, many_unmaps_in_a_batch)
{
	const size_t n = 200;
	size_t i;

	for (i = 0; i < n; i++)
		ASSERT_EQ(0, vh_map(self->fd, IOVA + i * PAGE, PAGE,
				    self->mem + i * PAGE));
	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0));
	for (i = 0; i < n / 2; i++)
		EXPECT_EQ(0, vh_unmap(self->fd, IOVA + i * PAGE, PAGE));
	for (; i < n; i += 2)
		EXPECT_EQ(0, vh_unmap(self->fd, IOVA + i * PAGE, PAGE));
	EXPECT_EQ(variant->table ? n * PAGE : n / 4 * PAGE, vh_pinned());
	EXPECT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_END, 0, 0, NULL,
				0));
	EXPECT_EQ(n / 4 * PAGE, vh_pinned());
	EXPECT_EQ(n / 4, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, n * PAGE));
}

/* Pages that lie together, if there are huge ones, page by page from behind */
TEST_F(memory, unmap_backwards_in_a_batch)
{
	const size_t size = 2 * MIB, n = 128;
	char *mem = (char *)(((uintptr_t)memory(2 * size) + size - 1) & -size);
	size_t i;

	madvise(mem, size, MADV_HUGEPAGE);
	memset(mem, 1, n * PAGE);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, vh_map(self->fd, IOVA + i * PAGE, PAGE,
				    mem + i * PAGE));
	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0));
	for (i = n; i > n / 2; i--)
		EXPECT_EQ(0, vh_unmap(self->fd, IOVA + (i - 1) * PAGE, PAGE));
	EXPECT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_END, 0, 0, NULL,
				0));
	EXPECT_EQ(n / 2 * PAGE, vh_pinned());
	EXPECT_EQ(n / 2, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA + (n / 2 - 1) * PAGE));
	EXPECT_EQ(0x0101010101010101, vh_state_hex(NAME, "data"));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, n * PAGE));
	EXPECT_EQ(0, vh_pinned());
}

TEST_F(memory, batch_without_an_end)
{
	ASSERT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem));
	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, PAGE));
	EXPECT_EQ(0, vh_map(self->fd, 0, PAGE, self->mem));
}

/* A hole, at the end of a batch of pins and amid one */
TEST_F(memory, holes)
{
	static const size_t good[] = { 1, 511, 512, 513, 1000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		size_t size = 1023 * PAGE;

		ASSERT_EQ(0, munmap(self->mem + good[i] * PAGE, PAGE));
		EXPECT_EQ(EFAULT, vh_map(self->fd, IOVA, size, self->mem));
		EXPECT_EQ(0, vh_pinned());
		EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
		self->mem = memory(MEM);
	}
}

TEST_F(memory, parent_refuses)
{
	const char *op = variant->table ? "set_map" : "dma_map";
	int n;

	ASSERT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem));
	EXPECT_EQ(0, vh_do(NAME, "fail %s %d", op, ENOSPC));
	EXPECT_EQ(ENOSPC, vh_map(self->fd, 0, PAGE, self->mem));
	EXPECT_EQ(PAGE, vh_pinned());
	EXPECT_EQ(EFAULT, vh_do(NAME, "read 0 0"));
	EXPECT_EQ(0, vh_map(self->fd, 0, PAGE, self->mem));

	op = variant->table ? "set_map" : "dma_unmap";
	EXPECT_EQ(0, vh_do(NAME, "fail %s %d", op, EIO));
	EXPECT_EQ(EIO, vh_unmap(self->fd, 0, PAGE));
	/* it may use it still */
	EXPECT_EQ(2 * PAGE, vh_pinned());
	EXPECT_EQ(0, vh_do(NAME, "read 0 0"));
	EXPECT_EQ(0, vh_unmap(self->fd, 0, PAGE));
	for (n = 0; n < 2; n++)
		EXPECT_EQ(0, vh_unmap(self->fd, IOVA, PAGE));
	EXPECT_EQ(0, vh_pinned());
}

/*
 * Pages in an order in which no two lie together, more of them than any table of
 * mainline's would take
 */
TEST_F_TIMEOUT(memory, fragments, 120)
{
	size_t nr = 4096, i;
	int fd = memfd(nr * PAGE);
	char *mem = memory(nr * PAGE);

	memset(shared(fd, nr * PAGE, 0), 1, nr * PAGE);
	for (i = 0; i < nr; i++) {
		size_t from = i % 2 ? nr - i : i;

		ASSERT_NE(MAP_FAILED,
			  mmap(mem + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, fd, from * PAGE));
		*(uint64_t *)(mem + i * PAGE) = i;
	}
	EXPECT_EQ(0, vh_map(self->fd, IOVA, nr * PAGE, mem));
	EXPECT_EQ(nr * PAGE, vh_pinned());
	EXPECT_LT(2048, vh_state_nr(NAME, "as0.pieces"));
	for (i = 1; i < nr; i += 100) {
		EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA + i * PAGE));
		EXPECT_EQ(i, vh_state_hex(NAME, "data"));
	}
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, nr * PAGE));
	EXPECT_EQ(0, vh_pinned());
	close(fd);
}

/* What lies together is one piece, whatever the size of a batch of pins */
TEST_F(memory, huge_pages_are_one_piece)
{
	size_t size = 2 * MIB;
	char *mem = (char *)(((uintptr_t)memory(2 * size) + size - 1) & -size);

	if (env_write("/sys/kernel/mm/transparent_hugepage/enabled", "always"))
		SKIP(return, "kernel without huge pages");
	madvise(mem, size, MADV_HUGEPAGE);
	memset(mem, 1, size);
	EXPECT_EQ(0, vh_map(self->fd, IOVA, size, mem));
	EXPECT_EQ(1, vh_state_nr(NAME, "as0.pieces"));
}

static int with_limit(size_t limit, int (*fn)(int fd, char *mem), int fd,
		      char *mem)
{
	struct rlimit rlim = { .rlim_cur = limit, .rlim_max = limit };
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		/* a new owner: it opens the device itself */
		close(fd);
		fd = vh_open(NAME);
		if (fd < 0 || setrlimit(RLIMIT_MEMLOCK, &rlim) ||
		    setresuid(ENV_NOBODY, ENV_NOBODY, ENV_NOBODY))
			_exit(100);
		if (vh_ioctl(fd, VHOST_SET_OWNER, NULL) ||
		    vh_backend(fd, BACKEND_BASE))
			_exit(101);
		_exit(fn(fd, mem));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int exactly_8_pages(int fd, char *mem)
{
	if (vh_map(fd, IOVA, 9 * PAGE, mem) != ENOMEM)
		return 1;
	if (vh_pinned())
		return 2;
	/* an address with so much behind it; the limit comes before the memory */
	if (vh_map(fd, IOVA, 1ULL << 38, (char *)(16 * PAGE)) != ENOMEM)
		return 3;
	if (vh_map(fd, IOVA, 5 * PAGE, mem))
		return 4;
	if (vh_map(fd, IOVA + MIB, 4 * PAGE, mem) != ENOMEM)
		return 5;
	if (vh_map(fd, IOVA + MIB, 3 * PAGE, mem))
		return 6;
	if (vh_map(fd, 0, PAGE, mem) != ENOMEM)
		return 7;
	if (vh_pinned() != 8 * (long)PAGE)
		return 8;
	if (vh_unmap(fd, IOVA, 5 * PAGE) || vh_map(fd, 0, 5 * PAGE, mem))
		return 9;
	/* a hole costs nothing */
	if (vh_unmap(fd, 0, SIZE_MAX) || munmap(mem + 4 * PAGE, PAGE))
		return 10;
	if (vh_map(fd, 0, 8 * PAGE, mem) != EFAULT || vh_pinned())
		return 11;
	return 0;
}

static int replace_in_a_batch(int fd, char *mem)
{
	int i;

	if (vh_map(fd, IOVA, 8 * PAGE, mem))
		return 1;
	for (i = 0; i < 3; i++) {
		if (vh_message(fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL, 0))
			return 2;
		if (vh_unmap(fd, 0, SIZE_MAX))
			return 3;
		if (vh_map(fd, IOVA, 8 * PAGE, mem))
			return 4;
		if (vh_message(fd, 0, VHOST_IOTLB_BATCH_END, 0, 0, NULL, 0))
			return 5;
		if (vh_pinned() != 8 * (long)PAGE)
			return 6;
	}
	return 0;
}

TEST_F(memory, limit)
{
	close(self->fd);
	EXPECT_EQ(0, with_limit(8 * PAGE, exactly_8_pages, -1, self->mem));
	EXPECT_EQ(0, with_limit(8 * PAGE, replace_in_a_batch, -1, self->mem));
	self->fd = vh_open(NAME);
}

/* As root, the limit is none */
TEST_F(memory, limit_of_the_privileged)
{
	struct rlimit rlim = { .rlim_cur = PAGE, .rlim_max = RLIM_INFINITY };

	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &rlim));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, MEM, self->mem));
	EXPECT_EQ(MEM, vh_pinned());
}

TEST_F(memory, somebody_else_is_refused)
{
	int status;
	pid_t pid;

	close(self->fd);
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(EPERM, vh_map(self->fd, IOVA, PAGE, self->mem));
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem));
	pid = fork();
	if (!pid) {
		int err = vh_map(self->fd, 0, PAGE, self->mem);

		_exit(err == EPERM && !vh_unmap(self->fd, IOVA, PAGE) ? 1 :
		      err != EPERM);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(PAGE, vh_pinned());
}

/* The owner dies, its file lives on; then that goes, too: see vh_end() */
TEST_F(memory, owner_dies)
{
	int status, sockets[2];
	char byte;
	pid_t pid;

	close(self->fd);
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pipe(sockets));
	pid = fork();
	if (!pid) {
		if (vh_ioctl(self->fd, VHOST_SET_OWNER, NULL) ||
		    vh_map(self->fd, IOVA, MEM, self->mem) ||
		    write(sockets[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(1, read(sockets[0], &byte, 1));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(EPERM, vh_unmap(self->fd, IOVA, MEM));
	close(self->fd);
	EXPECT_EQ(EFAULT, vh_do(NAME, "read 1 %llx", IOVA));
	EXPECT_EQ(2, vh_state_nr(NAME, "as0.pieces"));
	self->fd = vh_open(NAME);
}

TEST_F(memory, killed_while_it_maps)
{
	int i, status;

	close(self->fd);
	for (i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (!pid) {
			char *mem = memory(64 * MIB);
			int fd = vh_open(NAME);

			vh_ioctl(fd, VHOST_SET_OWNER, NULL);
			while (!vh_map(fd, IOVA, 64 * MIB, mem))
				vh_unmap(fd, IOVA, 64 * MIB);
			_exit(1);
		}
		usleep(20000 * (i + 1));
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	self->fd = vh_open(NAME);
	EXPECT_LE(0, self->fd);
}

TEST_F(memory, stays_over_a_reset)
{
	uint64_t features;

	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_GET_BACKEND_FEATURES, &features));
	EXPECT_TRUE(features & BIT(VHOST_BACKEND_F_IOTLB_PERSIST));
	ASSERT_EQ(0, vh_backend(self->fd, features));
	ASSERT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem));
	ASSERT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(PAGE, vh_pinned());
}

/* What the device forgets, we do not keep, whoever is told what */
FIXTURE(forgets) {
	int fd;
};

FIXTURE_VARIANT(forgets) {
	const char *words;
};

FIXTURE_VARIANT_ADD(forgets, set_map) { .words = "set_map forgets groups" };
FIXTURE_VARIANT_ADD(forgets, dma_map) { .words = "dma_map forgets groups" };
FIXTURE_VARIANT_ADD(forgets, compat_reset) {
	.words = "set_map reset_map compat_reset groups",
};

FIXTURE_SETUP(forgets)
{
	vh_begin();
	ASSERT_EQ(0, vh_new(NAME, variant->words));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
}

FIXTURE_TEARDOWN(forgets)
{
	close(self->fd);
	EXPECT_EQ(0, vh_pinned());
	EXPECT_TRUE(vh_end());
}

TEST_F(forgets, reset)
{
	char *mem = memory(MIB);

	ASSERT_EQ(0, vh_backend(self->fd, BACKEND_BASE));
	ASSERT_EQ(0, vh_map(self->fd, IOVA, MIB, mem));
	ASSERT_EQ(0, vh_message(self->fd, 1, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0));
	ASSERT_EQ(0, vh_message(self->fd, 1, VHOST_IOTLB_UPDATE, IOVA, MIB, mem,
				VHOST_ACCESS_RO));
	EXPECT_EQ(0, vh_status(self->fd, 0));
	EXPECT_EQ(0, vh_pinned());
	EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_state_nr(NAME, "as1.pieces"));
	/* it is not there any more, and may come again */
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, MIB));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, MIB, mem));
	EXPECT_EQ(0, vh_do(NAME, "read 0 %llx", IOVA));
	EXPECT_EQ(MIB, vh_pinned());
	/* a reset that fails is none */
	EXPECT_EQ(0, vh_do(NAME, "fail reset %d", EIO));
	EXPECT_EQ(EIO, vh_status(self->fd, 0));
	EXPECT_EQ(MIB, vh_pinned());
}

/*
 * Devices that are given user addresses
 */

FIXTURE(va) {
	int fd;
	int memfd;
};

FIXTURE_VARIANT(va) {
	const char *words;
	bool bound;
};

FIXTURE_VARIANT_ADD(va, files) { .words = "set_map va" };
FIXTURE_VARIANT_ADD(va, files_by_piece) { .words = "dma_map va" };
FIXTURE_VARIANT_ADD(va, bound) { .words = "set_map va bind_mm", .bound = true };

FIXTURE_SETUP(va)
{
	vh_begin();
	ASSERT_EQ(0, vh_new(NAME, variant->words));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(variant->bound, vh_state_nr(NAME, "bind_mm.calls"));
	self->memfd = memfd(64 * PAGE);
}

FIXTURE_TEARDOWN(va)
{
	EXPECT_EQ(0, vh_pinned());
	close(self->fd);
	close(self->memfd);
	if (vh_exists(NAME))
		EXPECT_EQ(0, vh_state_nr(NAME, "bind_mm.calls"));
	EXPECT_TRUE(vh_end());
}

TEST_F(va, shared_file)
{
	char *mem = shared(self->memfd, 8 * PAGE, 16 * PAGE);
	char want[256], text[256];

	EXPECT_EQ(0, vh_map(self->fd, IOVA, 4 * PAGE, mem + 2 * PAGE));
	snprintf(want, sizeof(want), "%llx %zx 3 va %lx file 1 offset %zx", IOVA,
		 4 * PAGE, (long)mem + 2 * PAGE, 18 * PAGE);
	ASSERT_EQ(0, vh_state(NAME, "as0.map", text, sizeof(text)));
	EXPECT_STREQ(want, text);
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, 4 * PAGE));
	EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
}

TEST_F(va, several_mappings)
{
	char *mem = memory(4 * PAGE);

	ASSERT_NE(MAP_FAILED, mmap(mem, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, self->memfd, 0));
	ASSERT_NE(MAP_FAILED, mmap(mem + PAGE, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, self->memfd,
				   5 * PAGE));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, 2 * PAGE, mem));
	EXPECT_EQ(2, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, 2 * PAGE));
	/* the rest is private: a hole for a device that does not use the mm */
	EXPECT_EQ(0, vh_map(self->fd, IOVA, 4 * PAGE, mem));
	EXPECT_EQ(variant->bound ? 3 : 2, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_unmap(self->fd, IOVA, 4 * PAGE));
	EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
}

TEST_F(va, hole_before_a_piece)
{
	char *mem = memory(3 * PAGE);
	char text[256], want[64];

	ASSERT_NE(MAP_FAILED, mmap(mem + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, self->memfd,
				   7 * PAGE));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, 3 * PAGE, mem));
	EXPECT_EQ(variant->bound ? 2 : 1, vh_state_nr(NAME, "as0.pieces"));
	if (variant->bound)
		return;
	snprintf(want, sizeof(want), "%llx %zx ", IOVA + 2 * PAGE, PAGE);
	ASSERT_EQ(0, vh_state(NAME, "as0.map", text, sizeof(text)));
	EXPECT_EQ(0, strncmp(want, text, strlen(want)))
		TH_LOG("%s, not %s", text, want);
	/* what was left out is free */
	EXPECT_EQ(0, vh_map(self->fd, IOVA, PAGE, mem + 2 * PAGE));
}

TEST_F(va, hole)
{
	char *mem = shared(self->memfd, 8 * PAGE, 0);

	ASSERT_EQ(0, munmap(mem, PAGE));
	ASSERT_EQ(0, munmap(mem + 4 * PAGE, PAGE));
	EXPECT_EQ(EFAULT, vh_map(self->fd, IOVA, PAGE, mem));
	EXPECT_EQ(EFAULT, vh_map(self->fd, IOVA, 2 * PAGE, mem));
	EXPECT_EQ(EFAULT, vh_map(self->fd, IOVA, 4 * PAGE, mem + PAGE));
	EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, 3 * PAGE, mem + PAGE));
}

TEST_F(va, permissions)
{
	char *mem = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, self->memfd, 0);

	EXPECT_EQ(EFAULT, vh_map(self->fd, IOVA, PAGE, mem));
	EXPECT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_UPDATE, IOVA, PAGE, mem,
				VHOST_ACCESS_RO));
}

TEST_F(va, parent_refuses)
{
	char *mem = shared(self->memfd, PAGE, 0);

	EXPECT_EQ(0, vh_do(NAME, "fail set_map %d", EIO));
	EXPECT_EQ(0, vh_do(NAME, "fail dma_map %d", EIO));
	EXPECT_EQ(EIO, vh_map(self->fd, IOVA, PAGE, mem));
	EXPECT_EQ(0, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_map(self->fd, IOVA, PAGE, mem));
}

/* They cost nobody locked memory: there is an end to it */
TEST_F_TIMEOUT(make, too_many_user_addresses, 120)
{
	enum { STEP = 1024 };
	struct vhost_msg_v2 *msg = calloc(STEP, sizeof(*msg));
	int file = memfd(PAGE);
	char *mem = shared(file, PAGE, 0);
	size_t i, done = 0;
	ssize_t n;

	ASSERT_EQ(0, vh_new(NAME, "set_map va"));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	ASSERT_EQ(0, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0));
	do {
		for (i = 0; i < STEP; i++) {
			msg[i].type = VHOST_IOTLB_MSG_V2;
			msg[i].iotlb = (struct vhost_iotlb_msg) {
				.iova = IOVA + (done + i) * PAGE,
				.size = PAGE,
				.uaddr = (uintptr_t)mem,
				.perm = VHOST_ACCESS_RW,
				.type = VHOST_IOTLB_UPDATE,
			};
		}
		n = write(self->fd, msg, STEP * sizeof(*msg));
		done += n > 0 ? n / sizeof(*msg) : 0;
	} while (n > 0 && done < 1000000);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(65536, done);
	EXPECT_EQ(0, vh_unmap(self->fd, 0, SIZE_MAX));
	close(file);
	free(msg);
}

/*
 * Doorbells
 */

static sigjmp_buf fault_jump;

static void fault_handler(int sig)
{
	siglongjmp(fault_jump, sig);
}

/* The signal that writing to an address brings, or 0 */
static int ring(volatile uint32_t *bell, uint32_t value)
{
	struct sigaction action = { .sa_handler = fault_handler }, bus, segv;
	int sig;

	sigaction(SIGBUS, &action, &bus);
	sigaction(SIGSEGV, &action, &segv);
	sig = sigsetjmp(fault_jump, 1);
	if (!sig)
		*bell = value;
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

TEST_F(ioctl, doorbell)
{
	uint32_t *bell = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, self->fd, PAGE);

	ASSERT_NE(MAP_FAILED, bell);
	EXPECT_EQ(0, ring(bell, 0x123));
	EXPECT_EQ(0x123, vh_state_hex(NAME, "vq1.bell"));
	EXPECT_EQ(0, vh_state_hex(NAME, "vq0.bell"));
	EXPECT_EQ(-1, mprotect(bell, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	munmap(bell, PAGE);
}

TEST_F(ioctl, doorbell_wrong)
{
	const struct {
		size_t size;
		int prot;
		int flags;
		off_t page;
		int err;
	} bad[] = {
		{ 2 * PAGE, PROT_WRITE, MAP_SHARED, 0, EINVAL },
		{ PAGE, PROT_READ, MAP_SHARED, 0, EINVAL },
		{ PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0, EINVAL },
		{ PAGE, PROT_WRITE, MAP_PRIVATE, 0, EINVAL },
		{ PAGE, PROT_WRITE, MAP_SHARED, VH_VQS, EINVAL },
		{ PAGE, PROT_WRITE, MAP_SHARED, 65536, EINVAL },
		/* shares its page with something else */
		{ PAGE, PROT_WRITE, MAP_SHARED, VH_VQS - 1, EOPNOTSUPP },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(MAP_FAILED, mmap(NULL, bad[i].size, bad[i].prot,
					   bad[i].flags, self->fd,
					   bad[i].page * PAGE));
		EXPECT_EQ(bad[i].err, errno) TH_LOG("mapping %zu", i);
	}
}

/*
 * Devices that go
 */

FIXTURE(gone) {
	int fd;
	char *mem;
};

FIXTURE_SETUP(gone)
{
	vh_begin();
	ASSERT_EQ(0, vh_new(NAME, ALL));
	self->fd = vh_open(NAME);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	self->mem = memory(MEM);
}

FIXTURE_TEARDOWN(gone)
{
	close(self->fd);
	EXPECT_TRUE(vh_end());
}

TEST_F(gone, everything_is_enodev)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN | POLLOUT };
	struct vhost_vdpa_config *c = calloc(1, 64);
	uint64_t arg[16] = {};
	size_t i;

	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLOUT, p.revents);
	ASSERT_EQ(0, vh_map(self->fd, IOVA, MEM, self->mem));
	ASSERT_EQ(0, make_run(self->fd));
	EXPECT_EQ(0, vh_del(NAME));
	EXPECT_FALSE(vh_exists(NAME));
	EXPECT_EQ(0, vh_pinned());

	c->len = 1;
	for (i = 0; i < ARRAY_SIZE(with_argument); i++) {
		bool is_config = with_argument[i] == VHOST_VDPA_GET_CONFIG ||
				 with_argument[i] == VHOST_VDPA_SET_CONFIG;

		EXPECT_EQ(ENODEV, vh_ioctl(self->fd, with_argument[i],
					   is_config ? (void *)c : arg))
			TH_LOG("ioctl %#lx", with_argument[i]);
	}
	EXPECT_EQ(ENODEV, vh_ioctl(self->fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(ENODEV, vh_ioctl(self->fd, VHOST_VDPA_SUSPEND, NULL));
	EXPECT_EQ(ENODEV, vh_map(self->fd, IOVA, PAGE, self->mem));
	EXPECT_EQ(ENODEV, vh_unmap(self->fd, IOVA, PAGE));
	EXPECT_EQ(ENODEV, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0,
				     NULL, 0));
	EXPECT_EQ(ENODEV, vh_message(self->fd, 0, VHOST_IOTLB_BATCH_END, 0, 0,
				     NULL, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, self->fd,
				   0));
	EXPECT_EQ(ENODEV, errno);
	p.revents = 0;
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLERR | POLLHUP, p.revents);
	EXPECT_EQ(0, vh_pinned());
	free(c);
}

static void *poller(void *fd)
{
	struct pollfd p = { .fd = *(int *)fd, .events = POLLIN };

	return (void *)(long)(poll(&p, 1, -1) == 1 ? p.revents : 0);
}

TEST_F(gone, while_somebody_polls)
{
	pthread_t thread;
	void *revents;

	ASSERT_EQ(0, pthread_create(&thread, NULL, poller, &self->fd));
	usleep(50000);
	EXPECT_EQ(0, vh_del(NAME));
	ASSERT_EQ(0, pthread_join(thread, &revents));
	EXPECT_EQ(POLLERR | POLLHUP, (long)revents);
}

TEST_F(gone, eventfds)
{
	int kick = eventfd(0, 0), call = eventfd(0, EFD_NONBLOCK);
	int err = eventfd(0, EFD_NONBLOCK);

	ASSERT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_KICK, 0, kick));
	ASSERT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_CALL, 0, call));
	EXPECT_EQ(EBADF, vh_eventfd(self->fd, VHOST_SET_VRING_ERR, 0, BAD_FD));
	ASSERT_EQ(0, vh_eventfd(self->fd, VHOST_SET_VRING_ERR, 0, err));
	EXPECT_FALSE(signalled(err, 0));
	EXPECT_EQ(0, vh_del(NAME));
	EXPECT_TRUE(signalled(err, 0));
	EXPECT_FALSE(signalled(call, 0));
	EXPECT_EQ(0, eventfd_write(kick, 1));
	close(kick);
	close(call);
	close(err);
}

TEST_F(gone, doorbell)
{
	uint32_t *bell = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, self->fd, 0);
	uint32_t *other = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, self->fd,
			       PAGE);

	ASSERT_NE(MAP_FAILED, bell);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(0, ring(bell, 1));
	EXPECT_EQ(0, vh_del(NAME));
	EXPECT_EQ(SIGBUS, ring(bell, 2));
	EXPECT_EQ(SIGBUS, ring(other, 2));
	/* the file is gone before the mapping is */
	close(self->fd);
	EXPECT_EQ(SIGBUS, ring(bell, 2));
	munmap(bell, PAGE);
	munmap(other, PAGE);
	self->fd = -1;
}

TEST_F(gone, the_next_is_another)
{
	char path[VH_PATH_LEN], second[VH_PATH_LEN];
	int fd;

	ASSERT_EQ(0, vh_node(NAME, path, sizeof(path)));
	EXPECT_EQ(0, vh_del(NAME));
	EXPECT_FALSE(env_exists(path));
	ASSERT_EQ(0, vh_new(NAME, ALL));
	ASSERT_EQ(0, vh_node(NAME, second, sizeof(second)));
	EXPECT_STRNE(path, second);
	fd = vh_open(NAME);
	EXPECT_LE(0, fd);
	EXPECT_EQ(ENODEV, vh_map(self->fd, IOVA, PAGE, self->mem));
	close(fd);
}

TEST_F(gone, driver_unbound)
{
	EXPECT_EQ(0, vh_map(self->fd, IOVA, PAGE, self->mem));
	EXPECT_EQ(0, env_write("/sys/bus/vdpa/drivers/vhost_vdpa/unbind", NAME));
	EXPECT_EQ(ENODEV, vh_map(self->fd, IOVA, PAGE, self->mem));
	EXPECT_EQ(0, vh_pinned());
	/* what the opener left behind is not the next one's */
	EXPECT_EQ(2, vh_state_nr(NAME, "as0.pieces"));
	EXPECT_EQ(0, vh_state_nr(NAME, "status"));
	EXPECT_EQ(0, env_write("/sys/bus/vdpa/drivers/vhost_vdpa/bind", NAME));
	close(self->fd);
	self->fd = vh_open(NAME);
	EXPECT_LE(0, self->fd);
}

TEST_F(gone, modules)
{
	EXPECT_EQ(EAGAIN, env_rmmod(VH_DRIVER_MODULE, false));
	EXPECT_EQ(0, env_rmmod(VH_PARENT_MODULE, true));
	EXPECT_EQ(ENODEV, vh_map(self->fd, IOVA, PAGE, self->mem));
	EXPECT_EQ(0, env_modprobe(VH_PARENT_MODULE, NULL));
}

/*
 * The opener is stuck in memory that does not come, and removal must not mind:
 * page faults of a region are ours to answer, which we do not
 */
struct stuck {
	int fd;
	char *mem;
	atomic_int tid;
	int err;
};

static void *stuck_writer(void *arg)
{
	struct stuck *s = arg;

	s->tid = syscall(SYS_gettid);
	s->err = vh_map(s->fd, IOVA, 2 * MIB, s->mem);
	return NULL;
}

static int fault_fd(char *mem, size_t size)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)mem, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg)) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST_F(gone, while_memory_does_not_come)
{
	struct stuck s = { .fd = self->fd, .mem = memory(2 * MIB) };
	struct pollfd p = { .events = POLLIN };
	pthread_t thread;

	/*
	 * The first MiB is there, the second is not; two mappings by now, which
	 * no huge page spans
	 */
	p.fd = fault_fd(s.mem + MIB, MIB);
	if (p.fd < 0)
		SKIP(return, "kernel without userfaultfd");
	memset(s.mem, 1, MIB);
	ASSERT_EQ(0, pthread_create(&thread, NULL, stuck_writer, &s));
	ASSERT_EQ(1, poll(&p, 1, 2000 * env_time_scale()))
		TH_LOG("no page is missed: %s", strerror(s.err));
	ASSERT_EQ(POLLIN, p.revents);

	EXPECT_EQ(0, vh_del(NAME));
	EXPECT_FALSE(vh_exists(NAME));
	EXPECT_EQ(0, vh_new("vt1", ALL));
	EXPECT_TRUE(env_sleeps_in(getpid(), s.tid, SYS_write));
	/* nobody answers any more: the memory comes */
	close(p.fd);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(ENODEV, s.err);
	EXPECT_EQ(0, vh_pinned());
}

/* Devices come and go under an opener that does all it can */
static void *mapper(void *stop)
{
	char *mem = memory(2 * MIB);
	uint32_t *bell;
	int fd, call;

	while (!*(atomic_bool *)stop) {
		fd = vh_open(NAME);
		if (fd < 0)
			continue;
		call = eventfd(0, 0);
		vh_ioctl(fd, VHOST_SET_OWNER, NULL);
		vh_eventfd(fd, VHOST_SET_VRING_CALL, 0, call);
		vh_eventfd(fd, VHOST_SET_VRING_KICK, 0, call);
		make_run(fd);
		bell = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0);
		while (!vh_map(fd, IOVA, 2 * MIB, mem)) {
			eventfd_write(call, 1);
			if (bell != MAP_FAILED)
				ring(bell, 1);
			vh_unmap(fd, IOVA, 2 * MIB);
		}
		if (bell != MAP_FAILED)
			munmap(bell, PAGE);
		close(call);
		close(fd);
	}
	return NULL;
}

TEST_F_TIMEOUT(gone, under_load, 120)
{
	atomic_bool stop = false;
	pthread_t thread;
	int i;

	EXPECT_EQ(0, vh_del(NAME));
	ASSERT_EQ(0, pthread_create(&thread, NULL, mapper, &stop));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, vh_new(NAME, i % 2 ? "dma_map bells irqs" : ALL));
		usleep(rand() % 20000);
		EXPECT_EQ(0, vh_del(NAME));
	}
	stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, vh_pinned());
}

/*
 * A device of another parent, which relies on the platform's IOMMU, named by
 * VHOST_TEST_DEVICE
 */
TEST(iommu)
{
	const char *name = getenv("VHOST_TEST_DEVICE");
	size_t nr = 1024, i;
	uint64_t features;
	char *mem;
	int fd;

	if (!name)
		SKIP(return, "VHOST_TEST_DEVICE names no device");
	fd = vh_open(name);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vh_ioctl(fd, VHOST_SET_OWNER, NULL));
	EXPECT_EQ(0, vh_ioctl(fd, VHOST_GET_BACKEND_FEATURES, &features));
	EXPECT_EQ(BACKEND_BASE | BIT(VHOST_BACKEND_F_IOTLB_PERSIST), features);
	EXPECT_EQ(0, vh_backend(fd, features));
	mem = memory(nr * PAGE);
	EXPECT_EQ(0, vh_map(fd, IOVA, nr * PAGE, mem));
	EXPECT_EQ(EEXIST, vh_map(fd, IOVA, nr * PAGE, mem));
	EXPECT_EQ(nr * PAGE, vh_pinned());
	EXPECT_EQ(0, vh_unmap(fd, IOVA, nr * PAGE));
	EXPECT_EQ(0, vh_pinned());
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(0, vh_map(fd, IOVA + i * PAGE, PAGE,
				    mem + (nr - 1 - i) * PAGE));
	}
	EXPECT_EQ(0, vh_status(fd, 0));
	EXPECT_EQ(nr * PAGE, vh_pinned());
	EXPECT_EQ(0, vh_unmap(fd, IOVA, nr * PAGE / 2));
	EXPECT_EQ(nr * PAGE / 2, vh_pinned());
	EXPECT_EQ(0, env_write("/sys/bus/vdpa/drivers/vhost_vdpa/unbind", name));
	EXPECT_EQ(0, vh_pinned());
	EXPECT_EQ(ENODEV, vh_map(fd, IOVA, PAGE, mem));
	EXPECT_EQ(0, env_write("/sys/bus/vdpa/drivers/vhost_vdpa/bind", name));
	close(fd);
	fd = vh_open(name);
	EXPECT_LE(0, fd);
	close(fd);
}

VDPA_HARNESS_MAIN
