// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated devices by way of /dev/vhost-vdpa-N, with virtqueues of our own:
 * all layouts and sizes, packets and requests right and wrong, control commands,
 * moving to another device, memory and devices that go in traffic
 */

#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "vdpa_harness.h"
#include "vring_env.h"

#define MIB		(1UL << 20)
#define PAGE		((size_t)sysconf(_SC_PAGESIZE))

#define PACKED		VR_BIT(VIRTIO_F_RING_PACKED)
#define EVENT		VR_BIT(VIRTIO_RING_F_EVENT_IDX)
#define TABLES		VR_BIT(VIRTIO_RING_F_INDIRECT_DESC)

#define NET_CTRL	(VR_BIT(VIRTIO_NET_F_CTRL_VQ) | \
			 VR_BIT(VIRTIO_NET_F_CTRL_RX) | \
			 VR_BIT(VIRTIO_NET_F_CTRL_VLAN) | \
			 VR_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) | \
			 VR_BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) | \
			 VR_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) | \
			 VR_BIT(VIRTIO_NET_F_MQ) | \
			 VR_BIT(VIRTIO_NET_F_STATUS) | \
			 VR_BIT(VIRTIO_NET_F_MAC))

#define PEER		"/sys/kernel/debug/vdpa_sim/" VR_NET_MGMT "/peer"

/*
 * Packets: broadcast, numbered, with contents and length drawn from the number
 */

#define HDR_LEN		12U
#define HEAD_LEN	18U	/* Ethernet header and number */
#define FRAME_MAX	1514U
#define FRAME_ROOM	2048U
#define SMALL_ROOM	256U
#define SMALL_MOST	((HDR_LEN + FRAME_MAX + SMALL_ROOM - 1) / SMALL_ROOM)
#define NEAR_WRAP	65400

struct net {
	struct vr_dev dev;
	struct vr_queue rx;
	struct vr_queue tx;
	uint8_t *rx_mem;
	uint8_t *tx_mem;
	uint32_t rx_room;
	unsigned int posted;
	uint32_t sent;
	uint32_t received;
};

static uint32_t frame_len(uint32_t nr)
{
	return HEAD_LEN + nr * 2654435761U % (FRAME_MAX - HEAD_LEN + 1);
}

static void frame_fill(uint8_t *frame, uint32_t nr)
{
	uint32_t len = frame_len(nr), i;

	memset(frame, 0xff, 6);
	memset(frame + 6, 2, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	memcpy(frame + 14, &nr, sizeof(nr));
	for (i = HEAD_LEN; i < len; i++)
		frame[i] = nr + i * 7;
}

static bool net_mergeable(const struct net *net)
{
	return net->dev.features & VR_BIT(VIRTIO_NET_F_MRG_RXBUF);
}

static int net_queues(struct net *net, unsigned int num, uint16_t base)
{
	net->dev.used = 0;
	vr_queue_alloc(&net->rx, &net->dev, 0, num, base);
	vr_queue_alloc(&net->tx, &net->dev, 1, num, base);
	net->rx_room = net_mergeable(net) ? SMALL_ROOM : FRAME_ROOM;
	net->rx_mem = vr_alloc(&net->dev, num * net->rx_room, 64);
	net->tx_mem = vr_alloc(&net->dev, num * FRAME_ROOM, 64);
	net->posted = 0;
	net->sent = 0;
	net->received = 0;
	return vr_queue_attach(&net->rx, &net->dev, vr_queue_base(&net->rx)) ?:
	       vr_queue_attach(&net->tx, &net->dev, vr_queue_base(&net->tx));
}

static int net_start(struct net *net, uint64_t features, unsigned int num,
		     uint16_t base)
{
	return vr_negotiate(&net->dev, VR_FEATURES | features) ?:
	       net_queues(net, num, base) ?:
	       vr_run(&net->dev);
}

static void net_stop(struct net *net)
{
	vh_status(net->dev.fd, 0);
	vr_queue_free(&net->rx);
	vr_queue_free(&net->tx);
}

/* Cuts a buffer into pieces: all in one, header apart, odd ones; in a table? */
static int net_add(struct vr_queue *q, uint8_t *at, uint32_t len, bool write,
		   uint32_t how)
{
	struct vr_buf bufs[5];
	unsigned int n = 0;
	uint32_t cuts[] = { HDR_LEN, 3, 1, 100 }, i, pieces = how % 5;
	bool table = q->indirect && how % 3;

	if (!table && pieces >= q->num)
		pieces = q->num - 1;
	if (write && !table && len < SMALL_ROOM)
		pieces = 0;
	for (i = 0; i < pieces && len > cuts[i]; i++) {
		bufs[n++] = (struct vr_buf){ at, 0, cuts[i], write };
		at += cuts[i];
		len -= cuts[i];
	}
	bufs[n++] = (struct vr_buf){ at, 0, len, write };
	return vr_add(q, bufs, n, table, (void *)bufs[0].at);
}

static void net_post(struct net *net)
{
	static uint32_t how;
	unsigned int i;

	/* Buffers in the order of their memory, as they come back */
	for (;;) {
		for (i = 0; i < net->rx.num; i++)
			if (!net->rx_mem[i * net->rx_room + net->rx_room - 1])
				break;
		if (i == net->rx.num ||
		    net_add(&net->rx, net->rx_mem + i * net->rx_room,
			    net->rx_room - 1, true, how))
			break;
		net->rx_mem[i * net->rx_room + net->rx_room - 1] = 1;
		how++;
		net->posted++;
	}
	vr_kick(&net->rx);
}

static bool net_send_one(struct net *net)
{
	uint32_t nr = net->sent;
	uint8_t *at = NULL;
	unsigned int i;

	for (i = 0; i < net->tx.num; i++) {
		at = net->tx_mem + i * FRAME_ROOM;
		if (!at[FRAME_ROOM - 1])
			break;
	}
	if (i == net->tx.num)
		return false;
	memset(at, 0, HDR_LEN);
	frame_fill(at + HDR_LEN, nr);
	if (net_add(&net->tx, at, HDR_LEN + frame_len(nr), false, nr))
		return false;
	at[FRAME_ROOM - 1] = 1;
	net->sent++;
	return true;
}

/* Never more than there are buffers for: nothing is lost. */
static void net_send(struct net *net, struct net *to, uint32_t limit)
{
	unsigned int most = net_mergeable(to) ? SMALL_MOST : 1;

	while (net->sent < limit &&
	       (net->sent - to->received + 1) * most <= to->posted)
		if (!net_send_one(net))
			break;
	vr_kick(&net->tx);
}

static int net_reap_tx(struct net *net)
{
	void *token;
	uint32_t len;
	int ret;

	while ((ret = vr_get(&net->tx, &token, &len)) > 0) {
		if (len)
			return EPROTO;
		((uint8_t *)token)[FRAME_ROOM - 1] = 0;
	}
	return ret < 0 ? EBADMSG : 0;
}

/* A whole frame in one or several buffers; 0 or what is wrong with it */
static int net_check(const uint8_t *packet, uint32_t len, uint32_t nr)
{
	uint8_t want[FRAME_ROOM];

	if (len != HDR_LEN + frame_len(nr))
		return EMSGSIZE;
	frame_fill(want, nr);
	return memcmp(want, packet + HDR_LEN, frame_len(nr)) ? EILSEQ : 0;
}

static int net_reap_rx(struct net *net)
{
	uint8_t packet[FRAME_ROOM + SMALL_ROOM];
	uint32_t len, total = 0;
	unsigned int buffers = 0, want = 0;
	void *token;
	int ret;

	while ((ret = vr_get(&net->rx, &token, &len)) > 0) {
		if (total + len > sizeof(packet) || len >= net->rx_room)
			return EOVERFLOW;
		memcpy(packet + total, token, len);
		((uint8_t *)token)[net->rx_room - 1] = 0;
		if (!buffers++)
			want = packet[10] | packet[11] << 8;
		total += len;
		net->posted--;
		if (!want)
			return EPROTO;
		if (buffers < want)
			continue;
		ret = net_check(packet, total, net->received);
		if (ret)
			return ret;
		net->received++;
		total = 0;
		buffers = 0;
	}
	if (ret < 0)
		return EBADMSG;
	/* Buffers of one packet come all at once. */
	return buffers ? ENODATA : 0;
}

/* Until @to has received so many packets from @from, in all */
static int net_flow(struct net *from, struct net *to, uint32_t limit)
{
	int err = 0;

	while (to->received < limit && !err) {
		net_post(to);
		net_send(from, to, limit);
		/* What was received may not be reported as sent yet. */
		if (!vr_wait(from->sent == to->received ? &from->tx : &to->rx))
			return ETIMEDOUT;
		err = net_reap_rx(to) ?: net_reap_tx(from);
	}
	return err;
}

static int net_open(struct net *net, const char *name)
{
	memset(net, 0, sizeof(*net));
	return vr_make(VR_NET_MGMT, name, 0) ?:
	       vr_open(&net->dev, name, 4 * MIB, NULL);
}

/*
 * All kinds of rings
 */

FIXTURE(rings) {
	struct net a, b;
};

FIXTURE_VARIANT(rings) {
	uint64_t features;
};

#define RINGS(name, bits) \
	FIXTURE_VARIANT_ADD(rings, name) { .features = (bits) }

RINGS(split, 0);
RINGS(split_event, EVENT);
RINGS(split_tables, TABLES);
RINGS(split_event_tables, EVENT | TABLES);
RINGS(packed, PACKED);
RINGS(packed_event, PACKED | EVENT);
RINGS(packed_tables, PACKED | TABLES);
RINGS(packed_event_tables, PACKED | EVENT | TABLES);

FIXTURE_SETUP(rings)
{
	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_NET_MODULE, NULL));
}

FIXTURE_TEARDOWN(rings)
{
	EXPECT_TRUE(vr_end());
}

/* What goes out comes back, around the end of the ring and of its indices. */
TEST_F(rings, loopback)
{
	static const unsigned int split[] = { 2, 4, 8, 64, 256 };
	static const unsigned int packed[] = { 2, 3, 5, 7, 64, 100, 256 };
	bool is_packed = variant->features & PACKED;
	size_t n = is_packed ? ARRAY_SIZE(packed) : ARRAY_SIZE(split), i;
	struct net *net = &self->a;
	unsigned int num;

	ASSERT_EQ(0, net_open(net, "ring0"));
	for (i = 0; i < n; i++) {
		num = is_packed ? packed[i] : split[i];
		ASSERT_EQ(0, net_start(net, variant->features, num, NEAR_WRAP));
		EXPECT_EQ(0, net_flow(net, net, num < 64 ? 200 : 700))
			TH_LOG("size %u: sent %u received %u", num, net->sent,
			       net->received);
		EXPECT_EQ(VH_STATUS_RUNS, vr_get_status(&net->dev));
		net_stop(net);
	}
	vr_close(&net->dev);
}

TEST_F(rings, mergeable)
{
	static const unsigned int nums[] = { 16, 128, 256 };
	struct net *net = &self->a;
	size_t i;

	ASSERT_EQ(0, net_open(net, "ring0"));
	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		ASSERT_EQ(0, net_start(net, variant->features |
				       VR_BIT(VIRTIO_NET_F_MRG_RXBUF),
				       nums[i], NEAR_WRAP));
		EXPECT_EQ(0, net_flow(net, net, 400))
			TH_LOG("size %u: sent %u received %u", nums[i],
			       net->sent, net->received);
		net_stop(net);
	}
	vr_close(&net->dev);
}

/* Both ways at once, and the other end has the other layout. */
TEST_F(rings, peers)
{
	struct net *a = &self->a, *b = &self->b;
	uint32_t i;

	ASSERT_EQ(0, net_open(a, "ring0"));
	ASSERT_EQ(0, net_open(b, "ring1"));
	ASSERT_EQ(0, env_write(PEER, "ring0 ring1"));
	ASSERT_EQ(0, net_start(a, variant->features, 128, NEAR_WRAP));
	ASSERT_EQ(0, net_start(b, variant->features ^ PACKED, 32, NEAR_WRAP));
	for (i = 100; i <= 700; i += 100) {
		ASSERT_EQ(0, net_flow(a, b, i)) TH_LOG("%u", i);
		ASSERT_EQ(0, net_flow(b, a, i)) TH_LOG("%u", i);
	}
	net_stop(a);
	net_stop(b);
	vr_close(&a->dev);
	vr_close(&b->dev);
}

/* A packet that cannot be read: nothing is received in its place. */
TEST_F(rings, unreadable_packet)
{
	struct net *net = &self->a;
	struct vr_buf bufs[] = {
		{ NULL, 0, HDR_LEN + 20, false }, { NULL, VR_IOVA - 1, 1, false },
	};
	uint32_t len;
	void *token;

	ASSERT_EQ(0, net_open(net, "ring0"));
	ASSERT_EQ(0, net_start(net, variant->features, 64, NEAR_WRAP));
	ASSERT_EQ(0, net_flow(net, net, 100));
	net_post(net);
	memset(net->tx_mem, 0xff, HDR_LEN + 20);
	bufs[0].at = net->tx_mem;
	ASSERT_EQ(0, vr_add(&net->tx, bufs, 2, false, net));
	vr_kick(&net->tx);
	EXPECT_TRUE(vr_wait_status(&net->dev, VIRTIO_CONFIG_S_NEEDS_RESET));
	EXPECT_EQ(0, vr_get(&net->rx, &token, &len));
	net_stop(net);
	ASSERT_EQ(0, net_start(net, variant->features, 64, NEAR_WRAP));
	EXPECT_EQ(0, net_flow(net, net, 100));
	net_stop(net);
	vr_close(&net->dev);
}

/* Whether there is a kernel thread for a queue */
static bool queue_has_thread(const char *dev, unsigned int index)
{
	char want[64], have[64];
	bool found = false;
	glob_t threads;
	size_t i;

	snprintf(want, sizeof(want), "vdpa_sim/%s/%u", dev, index);
	if (glob("/proc/[0-9]*/comm", 0, NULL, &threads))
		return false;
	for (i = 0; i < threads.gl_pathc && !found; i++)
		found = !env_read(threads.gl_pathv[i], have, sizeof(have)) &&
			!strcmp(want, have);
	globfree(&threads);
	return found;
}

/* Where a packet would go is nothing: the thread of those who send finds it. */
TEST_F(rings, unwritable_buffer)
{
	struct net *net = &self->a;
	struct vr_buf buf = { NULL, VR_IOVA - FRAME_ROOM, FRAME_ROOM, true };
	uint32_t len;
	void *token;

	ASSERT_EQ(0, net_open(net, "ring0"));
	ASSERT_EQ(0, net_start(net, variant->features, 64, NEAR_WRAP));
	EXPECT_FALSE(queue_has_thread("ring0", 0));
	EXPECT_TRUE(queue_has_thread("ring0", 1));
	ASSERT_EQ(0, vr_add(&net->rx, &buf, 1, false, net));
	vr_kick(&net->rx);
	ASSERT_TRUE(net_send_one(net));
	vr_kick(&net->tx);
	EXPECT_TRUE(vr_wait_status(&net->dev, VIRTIO_CONFIG_S_NEEDS_RESET));
	ASSERT_TRUE(vr_wait(&net->tx));
	EXPECT_EQ(0, net_reap_tx(net));
	EXPECT_EQ(0, vr_get(&net->rx, &token, &len));
	EXPECT_EQ(1, vr_counter(VR_NET_MGMT, "ring0", "tx drops"));
	net_stop(net);
	ASSERT_EQ(0, net_start(net, variant->features, 64, NEAR_WRAP));
	EXPECT_EQ(0, net_flow(net, net, 100));
	net_stop(net);
	vr_close(&net->dev);
}

/* Packets without all of their headers: errors, of no bytes beyond the first */
TEST_F(rings, cut_short)
{
	static const uint32_t lens[] = { 1, HDR_LEN - 1, HDR_LEN, HDR_LEN + 1 };
	struct net *net = &self->a;
	struct vr_buf buf = {};
	uint32_t len;
	void *token;
	size_t i;

	ASSERT_EQ(0, net_open(net, "ring0"));
	ASSERT_EQ(0, net_start(net, variant->features, 64, NEAR_WRAP));
	net_post(net);
	buf.at = net->tx_mem;
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		buf.len = lens[i];
		ASSERT_EQ(0, vr_add(&net->tx, &buf, 1, false, net));
		vr_kick(&net->tx);
		ASSERT_TRUE(vr_wait(&net->tx));
		EXPECT_EQ(1, vr_get(&net->tx, &token, &len));
		EXPECT_EQ(0, len);
	}
	EXPECT_EQ(0, vr_get(&net->rx, &token, &len));
	EXPECT_EQ(4, vr_counter(VR_NET_MGMT, "ring0", "tx errors"));
	EXPECT_EQ(1, vr_counter(VR_NET_MGMT, "ring0", "tx bytes"));
	EXPECT_EQ(0, vr_counter(VR_NET_MGMT, "ring0", "rx packets"));
	EXPECT_EQ(VH_STATUS_RUNS, vr_get_status(&net->dev));
	net_stop(net);
	vr_close(&net->dev);
}

/*
 * How devices get at memory: pinned or not, as a whole or piece by piece
 */

FIXTURE(memory) {
	struct net a, b;
};

FIXTURE_VARIANT(memory) {
	const char *param;
};

FIXTURE_VARIANT_ADD(memory, whole) { .param = NULL };
FIXTURE_VARIANT_ADD(memory, piecewise) { .param = "batch_mapping=0" };
FIXTURE_VARIANT_ADD(memory, user) { .param = "use_va=1" };

FIXTURE_SETUP(memory)
{
	vr_begin();
	ASSERT_EQ(0, vr_load(variant->param, VR_NET_MODULE, NULL));
}

FIXTURE_TEARDOWN(memory)
{
	EXPECT_TRUE(vr_end());
}

TEST_F(memory, peers)
{
	struct net *a = &self->a, *b = &self->b;

	ASSERT_EQ(0, net_open(a, "ring0"));
	ASSERT_EQ(0, net_open(b, "ring1"));
	ASSERT_EQ(0, env_write(PEER, "ring0 ring1"));
	ASSERT_EQ(0, net_start(a, PACKED | EVENT, 128, 0));
	ASSERT_EQ(0, net_start(b, TABLES, 64, 0));
	EXPECT_EQ(0, net_flow(a, b, 1000));
	EXPECT_EQ(0, net_flow(b, a, 1000));
	net_stop(a);
	net_stop(b);
	vr_close(&a->dev);
	vr_close(&b->dev);
}

#define WINDOW	8U

/* Receives windows of packets, and says so after each. */
static int net_receiver(struct net *net, const char *name, int tell)
{
	int err;

	memset(net, 0, sizeof(*net));
	err = vr_open(&net->dev, name, 4 * MIB, NULL) ?:
	      net_start(net, PACKED, 64, 0);
	while (!err) {
		net_post(net);
		if (write(tell, "", 1) != 1 || net->received == 10 * WINDOW)
			break;
		do {
			err = vr_wait(&net->rx) ? net_reap_rx(net) : ETIMEDOUT;
		} while (!err && net->received % WINDOW);
	}
	return err;
}

/* Memory of two processes: neither sees that of the other. */
TEST_F(memory, peers_of_two_processes)
{
	struct net *net = &self->a;
	int status, ready[2];
	unsigned int i;
	pid_t pid;
	char c;

	ASSERT_EQ(0, vr_make(VR_NET_MGMT, "ring0", 0));
	ASSERT_EQ(0, vr_make(VR_NET_MGMT, "ring1", 0));
	ASSERT_EQ(0, env_write(PEER, "ring0 ring1"));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(net_receiver(&self->b, "ring1", ready[1]));
	close(ready[1]);
	ASSERT_EQ(0, vr_open(&net->dev, "ring0", 4 * MIB, NULL));
	ASSERT_EQ(0, net_start(net, 0, 64, 0));
	ASSERT_EQ(1, read(ready[0], &c, 1));
	while (net->sent < 10 * WINDOW) {
		for (i = 0; i < WINDOW; i++) {
			ASSERT_TRUE(net_send_one(net));
		}
		vr_kick(&net->tx);
		while (net->tx.nfree < 64) {
			ASSERT_TRUE(vr_wait(&net->tx));
			ASSERT_EQ(0, net_reap_tx(net));
		}
		ASSERT_EQ(1, read(ready[0], &c, 1));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("errno %d", WEXITSTATUS(status));
	net_stop(net);
	vr_close(&net->dev);
}

/*
 * The control queue
 */

struct control {
	struct net net;
	struct vr_queue queue;
	uint8_t *data;
	uint8_t *ack;
};

/* Bytes to read, room for the answer: what it is, or -errno */
static int control_raw(struct control *c, const void *data, uint32_t len,
		       uint32_t room)
{
	struct vr_buf bufs[] = {
		{ c->data, 0, len, false }, { c->ack, 0, room, true },
	};
	unsigned int first = !len, n = !!len + !!room;
	uint32_t used;
	void *token;
	int err;

	memcpy(c->data, data, len);
	*c->ack = 0x5a;
	err = vr_add(&c->queue, bufs + first, n, false, c);
	if (err)
		return -err;
	vr_kick(&c->queue);
	if (!vr_wait(&c->queue))
		return -ETIMEDOUT;
	if (vr_get(&c->queue, &token, &used) != 1)
		return -EBADMSG;
	return used == !!room ? *c->ack : -EPROTO;
}

static int control(struct control *c, uint8_t class, uint8_t cmd,
		   const void *data, uint32_t len)
{
	uint8_t raw[512] = { class, cmd };

	memcpy(raw + 2, data, len);
	return control_raw(c, raw, 2 + len, 1);
}

static int control_attach(struct control *c, uint16_t index)
{
	vr_queue_alloc(&c->queue, &c->net.dev, index, 8, 0);
	c->data = vr_alloc(&c->net.dev, 1024, 8);
	c->ack = vr_alloc(&c->net.dev, 8, 8);
	return vr_queue_attach(&c->queue, &c->net.dev,
			       vr_queue_base(&c->queue));
}

FIXTURE(control) {
	struct control c;
};

FIXTURE_VARIANT(control) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(control, split) { .features = 0 };
FIXTURE_VARIANT_ADD(control, packed) { .features = PACKED | EVENT };

FIXTURE_SETUP(control)
{
	struct control *c = &self->c;
	struct net *net = &c->net;

	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_NET_MODULE, NULL));
	ASSERT_EQ(0, vr_make(VR_NET_MGMT, "ring0", 2));
	memset(c, 0, sizeof(*c));
	ASSERT_EQ(0, vr_open(&net->dev, "ring0", 4 * MIB, NULL));
	ASSERT_EQ(0, vr_negotiate(&net->dev, VR_FEATURES | NET_CTRL |
				  variant->features));
	ASSERT_EQ(0, net_queues(net, 64, 0));
	ASSERT_EQ(0, control_attach(c, 4));
	ASSERT_EQ(0, vr_run(&net->dev));
}

FIXTURE_TEARDOWN(control)
{
	vr_queue_free(&self->c.queue);
	net_stop(&self->c.net);
	vr_close(&self->c.net.dev);
	EXPECT_TRUE(vr_end());
}

static int config_get(const struct vr_dev *dev, uint32_t off, void *buf,
		      uint32_t len)
{
	struct vhost_vdpa_config *config = calloc(1, sizeof(*config) + len);
	int err;

	config->off = off;
	config->len = len;
	err = vh_ioctl(dev->fd, VHOST_VDPA_GET_CONFIG, config);
	memcpy(buf, config->buf, len);
	free(config);
	return err;
}

/* How many of a frame to this address, with this tag or none (-1), come back */
static int comes_back(struct net *net, const uint8_t *mac, int tag)
{
	long long before = vr_counter(VR_NET_MGMT, "ring0", "rx filtered");
	uint8_t *at = net->tx_mem;
	uint32_t len;
	void *token;
	int got;

	net_post(net);
	memset(at, 0, HDR_LEN + 64);
	memcpy(at + HDR_LEN, mac, 6);
	at[HDR_LEN + 12] = tag < 0 ? 0x88 : 0x81;
	at[HDR_LEN + 13] = tag < 0 ? 0xb5 : 0x00;
	at[HDR_LEN + 14] = tag < 0 ? 0 : tag >> 8;
	at[HDR_LEN + 15] = tag < 0 ? 0 : tag & 0xff;
	if (net_add(&net->tx, at, HDR_LEN + 64, false, 0))
		return -1;
	vr_kick(&net->tx);
	if (!vr_wait(&net->tx) || net_reap_tx(net))
		return -1;
	got = vr_get(&net->rx, &token, &len);
	if (got == 1) {
		net->posted--;
		((uint8_t *)token)[net->rx_room - 1] = 0;
		return len == HDR_LEN + 64 ? 1 : -1;
	}
	before -= vr_counter(VR_NET_MGMT, "ring0", "rx filtered");
	return got ? -1 : before + 1;
}

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t group_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const uint8_t all_macs[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

TEST_F(control, mac)
{
	struct control *c = &self->c;
	uint8_t mac[6];

	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_MAC,
					 VIRTIO_NET_CTRL_MAC_ADDR_SET, own_mac, 6));
	EXPECT_EQ(0, config_get(&c->net.dev, 0, mac, 6));
	EXPECT_EQ(0, memcmp(mac, own_mac, 6));
	EXPECT_EQ(1, comes_back(&c->net, own_mac, -1));
	EXPECT_EQ(0, comes_back(&c->net, other_mac, -1));
	EXPECT_EQ(0, comes_back(&c->net, group_mac, -1));
	EXPECT_EQ(1, comes_back(&c->net, all_macs, -1));
	EXPECT_EQ(VIRTIO_NET_ERR, control(c, VIRTIO_NET_CTRL_MAC,
					  VIRTIO_NET_CTRL_MAC_ADDR_SET,
					  group_mac, 6));
	EXPECT_EQ(VIRTIO_NET_ERR, control(c, VIRTIO_NET_CTRL_MAC,
					  VIRTIO_NET_CTRL_MAC_ADDR_SET,
					  "\0\0\0\0\0", 6));
	EXPECT_EQ(0, config_get(&c->net.dev, 0, mac, 6));
	EXPECT_EQ(0, memcmp(mac, own_mac, 6));
}

TEST_F(control, mac_table)
{
	uint8_t table[4 + 6 + 4 + 6] = { 1 };
	struct control *c = &self->c;

	memcpy(table + 4, other_mac, 6);
	table[10] = 1;
	memcpy(table + 14, group_mac, 6);
	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_MAC,
					 VIRTIO_NET_CTRL_MAC_TABLE_SET, table,
					 sizeof(table)));
	EXPECT_EQ(1, comes_back(&c->net, other_mac, -1));
	EXPECT_EQ(1, comes_back(&c->net, group_mac, -1));
	EXPECT_EQ(0, comes_back(&c->net, own_mac, -1));
	/* it stays if what comes next makes no sense */
	table[10] = 2;
	EXPECT_EQ(VIRTIO_NET_ERR, control(c, VIRTIO_NET_CTRL_MAC,
					  VIRTIO_NET_CTRL_MAC_TABLE_SET, table,
					  sizeof(table)));
	memset(table, 0xff, 4);
	EXPECT_EQ(VIRTIO_NET_ERR, control(c, VIRTIO_NET_CTRL_MAC,
					  VIRTIO_NET_CTRL_MAC_TABLE_SET, table,
					  sizeof(table)));
	EXPECT_EQ(1, comes_back(&c->net, other_mac, -1));
	memset(table, 0, 8);
	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_MAC,
					 VIRTIO_NET_CTRL_MAC_TABLE_SET, table, 8));
	EXPECT_EQ(0, comes_back(&c->net, other_mac, -1));
}

TEST_F(control, receive_modes)
{
	static const struct {
		uint8_t cmd;
		const uint8_t *mac;
		int on;
	} modes[] = {
		{ VIRTIO_NET_CTRL_RX_PROMISC, other_mac, 1 },
		{ VIRTIO_NET_CTRL_RX_ALLMULTI, group_mac, 1 },
		{ VIRTIO_NET_CTRL_RX_ALLUNI, other_mac, 1 },
		{ VIRTIO_NET_CTRL_RX_NOBCAST, all_macs, 0 },
	};
	struct control *c = &self->c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(!modes[i].on, comes_back(&c->net, modes[i].mac, -1));
		EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_RX,
						 modes[i].cmd, "\1", 1));
		EXPECT_EQ(modes[i].on, comes_back(&c->net, modes[i].mac, -1));
		EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_RX,
						 modes[i].cmd, "\0", 1));
		EXPECT_EQ(!modes[i].on, comes_back(&c->net, modes[i].mac, -1));
	}
}

TEST_F(control, vlans)
{
	struct control *c = &self->c;
	uint16_t vid = htole16(100);

	EXPECT_EQ(0, comes_back(&c->net, all_macs, 100));
	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_VLAN,
					 VIRTIO_NET_CTRL_VLAN_ADD, &vid, 2));
	EXPECT_EQ(1, comes_back(&c->net, all_macs, 100));
	EXPECT_EQ(0, comes_back(&c->net, all_macs, 101));
	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_VLAN,
					 VIRTIO_NET_CTRL_VLAN_DEL, &vid, 2));
	EXPECT_EQ(0, comes_back(&c->net, all_macs, 100));
	vid = htole16(4096);
	EXPECT_EQ(VIRTIO_NET_ERR, control(c, VIRTIO_NET_CTRL_VLAN,
					  VIRTIO_NET_CTRL_VLAN_ADD, &vid, 2));
}

TEST_F(control, queue_pairs)
{
	static const uint16_t good[] = { 1, 2 }, bad[] = { 0, 3, 0x8000 };
	struct control *c = &self->c;
	uint16_t pairs;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		pairs = htole16(good[i]);
		EXPECT_EQ(VIRTIO_NET_OK,
			  control(c, VIRTIO_NET_CTRL_MQ,
				  VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs, 2));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		pairs = htole16(bad[i]);
		EXPECT_EQ(VIRTIO_NET_ERR,
			  control(c, VIRTIO_NET_CTRL_MQ,
				  VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs, 2));
	}
}

/* A new cable: the device asks for an announcement, by the config eventfd. */
TEST_F(control, announce)
{
	struct control *c = &self->c;
	struct pollfd p = { .fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN };
	uint16_t status;

	ASSERT_EQ(0, vh_ioctl(c->net.dev.fd, VHOST_VDPA_SET_CONFIG_CALL, &p.fd));
	ASSERT_EQ(0, env_write(PEER, "ring0"));
	EXPECT_EQ(1, poll(&p, 1, VR_PATIENCE_MS));
	EXPECT_EQ(0, config_get(&c->net.dev, 6, &status, 2));
	EXPECT_EQ(0, le16toh(status));
	ASSERT_EQ(0, env_write(PEER, "ring0 ring0"));
	EXPECT_EQ(0, config_get(&c->net.dev, 6, &status, 2));
	EXPECT_EQ(VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE, le16toh(status));
	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_ANNOUNCE,
					 VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL, 0));
	EXPECT_EQ(0, config_get(&c->net.dev, 6, &status, 2));
	EXPECT_EQ(VIRTIO_NET_S_LINK_UP, le16toh(status));
	close(p.fd);
}

/* Commands of all kinds cut short, unknown ones, no room for the answer */
TEST_F(control, cut_short)
{
	uint8_t raw[64] = {};
	struct control *c = &self->c;
	unsigned int class, cmd;
	uint32_t len;

	for (class = 0; class < 8; class++) {
		for (cmd = 0; cmd < 8; cmd++) {
			raw[0] = class;
			raw[1] = cmd;
			for (len = 0; len <= 2; len++) {
				if (class == VIRTIO_NET_CTRL_ANNOUNCE &&
				    cmd == VIRTIO_NET_CTRL_ANNOUNCE_ACK &&
				    len == 2)
					continue;
				EXPECT_EQ(VIRTIO_NET_ERR,
					  control_raw(c, raw, len, 1))
					TH_LOG("class %u command %u length %u",
					       class, cmd, len);
			}
		}
	}
	raw[0] = VIRTIO_NET_CTRL_MAC;
	raw[1] = VIRTIO_NET_CTRL_MAC_TABLE_SET;
	for (len = 2; len < 2 + 8; len++)
		EXPECT_EQ(VIRTIO_NET_ERR, control_raw(c, raw, len, 1));
	raw[1] = VIRTIO_NET_CTRL_MAC_ADDR_SET;
	for (len = 2; len < 2 + 6; len++)
		EXPECT_EQ(VIRTIO_NET_ERR, control_raw(c, raw, len, 1));
	/* done or not, nobody can be told */
	EXPECT_EQ(0x5a, control_raw(c, raw, 8, 0));
	EXPECT_EQ(VH_STATUS_RUNS, vr_get_status(&c->net.dev));
}

/* What the guest must not see: a control queue in memory of its own */
TEST_F(control, address_space_of_its_own)
{
	struct vhost_vring_state group = { .index = 4 };
	struct control *c = &self->c;
	struct vr_dev *dev = &c->net.dev;
	uint8_t *guest = dev->mem;

	ASSERT_EQ(0, vh_ioctl(dev->fd, VHOST_VDPA_GET_VRING_GROUP, &group));
	EXPECT_EQ(1, group.num);
	/* too late now */
	EXPECT_NE(0, vh_vq(dev->fd, VHOST_VDPA_SET_GROUP_ASID, 1, 1));

	vr_queue_free(&c->queue);
	net_stop(&c->net);
	ASSERT_EQ(0, vr_negotiate(dev, VR_FEATURES | NET_CTRL |
				  variant->features));
	/* one group or space too many */
	EXPECT_EQ(EINVAL, vh_vq(dev->fd, VHOST_VDPA_SET_GROUP_ASID, 3, 0));
	EXPECT_EQ(EINVAL, vh_vq(dev->fd, VHOST_VDPA_SET_GROUP_ASID, 1, 2));
	ASSERT_EQ(0, vh_vq(dev->fd, VHOST_VDPA_SET_GROUP_ASID, 1, 1));
	ASSERT_EQ(0, net_queues(&c->net, 64, 0));

	dev->mem = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, dev->mem);
	ASSERT_EQ(0, vh_message(dev->fd, 1, VHOST_IOTLB_UPDATE, VR_IOVA, MIB,
				dev->mem, VHOST_ACCESS_RW));
	/* the place in the other space is taken by the data queues */
	ASSERT_EQ(0, control_attach(c, 4));
	ASSERT_EQ(0, vr_run(dev));
	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_MAC,
					 VIRTIO_NET_CTRL_MAC_ADDR_SET, own_mac, 6));
	EXPECT_EQ(VIRTIO_NET_OK, control(c, VIRTIO_NET_CTRL_RX,
					 VIRTIO_NET_CTRL_RX_PROMISC, "\1", 1));
	dev->mem = guest;
	EXPECT_EQ(0, net_flow(&c->net, &c->net, 200));
}

/*
 * Disks
 */

#define SECTOR		512U
#define CAPACITY	262144ULL	/* sectors, without a parameter */
#define BLK_FEATURES	(VR_BIT(VIRTIO_BLK_F_DISCARD) | \
			 VR_BIT(VIRTIO_BLK_F_WRITE_ZEROES) | \
			 VR_BIT(VIRTIO_BLK_F_FLUSH))
#define BLK_ROOM	(8 * SECTOR)

struct blk_req {
	struct virtio_blk_outhdr hdr;
	uint8_t status;
	uint8_t data[BLK_ROOM];
	uint32_t nr;
	bool done;
};

struct blk {
	struct vr_dev dev;
	struct vr_queue queue;
	struct blk_req *reqs;
	unsigned int num_reqs;
	uint32_t issued;
	uint32_t completed;
};

static int blk_queue(struct blk *blk, unsigned int num, uint16_t base)
{
	blk->dev.used = 0;
	vr_queue_alloc(&blk->queue, &blk->dev, 0, num, base);
	blk->num_reqs = num;
	blk->reqs = vr_alloc(&blk->dev, num * sizeof(*blk->reqs), 64);
	return vr_queue_attach(&blk->queue, &blk->dev,
			       vr_queue_base(&blk->queue));
}

static int blk_open(struct blk *blk, const char *name)
{
	memset(blk, 0, sizeof(*blk));
	return vr_make(VR_BLK_MGMT, name, 0) ?:
	       vr_open(&blk->dev, name, 4 * MIB, NULL);
}

static int blk_start(struct blk *blk, uint64_t features, unsigned int num)
{
	return vr_negotiate(&blk->dev, VR_FEATURES | features) ?:
	       blk_queue(blk, num, NEAR_WRAP) ?:
	       vr_run(&blk->dev);
}

static void blk_stop(struct blk *blk)
{
	vh_status(blk->dev.fd, 0);
	vr_queue_free(&blk->queue);
}

/* Header whole or in two, data whole or in three: if that fits */
static int blk_add(struct blk *blk, struct blk_req *req, uint32_t type,
		   uint64_t sector, uint32_t len, uint32_t how)
{
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	bool table = blk->queue.indirect && how % 3;
	struct vr_buf bufs[8];
	unsigned int n = 0;

	req->hdr.type = htole32(type);
	req->hdr.sector = htole64(sector);
	req->status = 0xa5;
	if (how % 2 && (table || blk->queue.num >= 8)) {
		bufs[n++] = (struct vr_buf){ &req->hdr, 0, 5, false };
		bufs[n++] = (struct vr_buf){ (uint8_t *)&req->hdr + 5, 0, 11,
					     false };
	} else {
		bufs[n++] = (struct vr_buf){ &req->hdr, 0, 16, false };
	}
	if (len > SECTOR && how % 4 > 1 && (table || blk->queue.num >= 8)) {
		bufs[n++] = (struct vr_buf){ req->data, 0, 100, in };
		bufs[n++] = (struct vr_buf){ req->data + 100, 0, 1, in };
		bufs[n++] = (struct vr_buf){ req->data + 101, 0, len - 101, in };
	} else if (len) {
		bufs[n++] = (struct vr_buf){ req->data, 0, len, in };
	}
	bufs[n++] = (struct vr_buf){ &req->status, 0, 1, true };
	return vr_add(&blk->queue, bufs, n, table, req);
}

/* One request: its status, or -errno. @used: what the device says it wrote */
static int blk_do(struct blk *blk, uint32_t type, uint64_t sector,
		  uint32_t len, uint32_t *used, uint32_t how)
{
	struct blk_req *req = blk->reqs;
	void *token;
	int err;

	err = blk_add(blk, req, type, sector, len, how);
	if (err)
		return -err;
	vr_kick(&blk->queue);
	if (!vr_wait(&blk->queue))
		return -ETIMEDOUT;
	if (vr_get(&blk->queue, &token, used) != 1 || token != req)
		return -EBADMSG;
	return req->status;
}

static void blk_pattern(uint8_t *data, uint32_t nr, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		data[i] = nr * 31 + i + (i >> 8);
	memcpy(data, &nr, sizeof(nr));
}

static int blk_compare(struct blk *blk, uint64_t sector, uint32_t nr,
		       uint32_t len)
{
	uint8_t want[BLK_ROOM];
	uint32_t used;
	int ret;

	blk_pattern(want, nr, len);
	memset(blk->reqs->data, 0xee, BLK_ROOM);
	ret = blk_do(blk, VIRTIO_BLK_T_IN, sector, len, &used, nr);
	if (ret)
		return ret;
	if (used != len + 1)
		return -EPROTO;
	return memcmp(want, blk->reqs->data, len) ? -EILSEQ : 0;
}

FIXTURE(disk) {
	struct blk blk;
};

FIXTURE_VARIANT(disk) {
	uint64_t features;
};

FIXTURE_VARIANT_ADD(disk, split) { .features = 0 };
FIXTURE_VARIANT_ADD(disk, split_all) { .features = EVENT | TABLES };
FIXTURE_VARIANT_ADD(disk, packed) { .features = PACKED };
FIXTURE_VARIANT_ADD(disk, packed_all) { .features = PACKED | EVENT | TABLES };

FIXTURE_SETUP(disk)
{
	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_BLK_MODULE, NULL));
	ASSERT_EQ(0, blk_open(&self->blk, "ring0"));
	ASSERT_EQ(0, blk_start(&self->blk, variant->features | BLK_FEATURES, 16));
}

FIXTURE_TEARDOWN(disk)
{
	blk_stop(&self->blk);
	vr_close(&self->blk.dev);
	EXPECT_TRUE(vr_end());
}

TEST_F(disk, what_was_written)
{
	struct blk *blk = &self->blk;
	uint32_t i, used, len;

	for (i = 0; i < 300; i++) {
		len = (i % 8 + 1) * SECTOR;
		blk_pattern(blk->reqs->data, i, len);
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(blk, VIRTIO_BLK_T_OUT, i * 8,
						  len, &used, i));
		ASSERT_EQ(1, used);
	}
	for (i = 0; i < 300; i++)
		ASSERT_EQ(0, blk_compare(blk, i * 8, i, (i % 8 + 1) * SECTOR));
}

TEST_F(disk, sizes_of_queues)
{
	static const unsigned int nums[] = { 4, 8, 256 };
	struct blk *blk = &self->blk;
	uint32_t i, j, used;

	for (i = 0; i < ARRAY_SIZE(nums); i++) {
		blk_stop(blk);
		ASSERT_EQ(0, blk_start(blk, variant->features, nums[i]));
		for (j = 0; j < 300; j++) {
			blk_pattern(blk->reqs->data, j, SECTOR);
			ASSERT_EQ(VIRTIO_BLK_S_OK,
				  blk_do(blk, VIRTIO_BLK_T_OUT, j, SECTOR,
					 &used, 0));
			ASSERT_EQ(0, blk_compare(blk, j, j, SECTOR));
		}
	}
}

TEST_F(disk, end_of_the_disk)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors;
		int status;
	} cases[] = {
		{ CAPACITY - 1, 1, VIRTIO_BLK_S_OK },
		{ CAPACITY - 8, 8, VIRTIO_BLK_S_OK },
		{ CAPACITY - 7, 8, VIRTIO_BLK_S_IOERR },
		{ CAPACITY, 1, VIRTIO_BLK_S_IOERR },
		{ CAPACITY + 1, 1, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX, 1, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX - 6, 8, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX / SECTOR, 2, VIRTIO_BLK_S_IOERR },
		{ UINT64_MAX / SECTOR + 1, 1, VIRTIO_BLK_S_IOERR },
		{ 1ULL << 63, 1, VIRTIO_BLK_S_IOERR },
	};
	static const uint32_t types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT };
	uint32_t used, how;
	size_t i, t;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		for (t = 0; t < ARRAY_SIZE(types); t++)
			for (how = 0; how < 4; how++)
				EXPECT_EQ(cases[i].status,
					  blk_do(&self->blk, types[t],
						 cases[i].sector,
						 cases[i].sectors * SECTOR,
						 &used, how))
					TH_LOG("case %zu type %u", i, types[t]);
	EXPECT_EQ(VH_STATUS_RUNS, vr_get_status(&self->blk.dev));
}

TEST_F(disk, odd_lengths)
{
	static const uint32_t lens[] = { 1, 511, 513, 1023 };
	uint32_t used;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->blk, VIRTIO_BLK_T_IN,
						     0, lens[i], &used, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&self->blk, VIRTIO_BLK_T_OUT,
						     0, lens[i], &used, 0));
	}
}

TEST_F(disk, flush_and_identity)
{
	struct blk *blk = &self->blk;
	uint32_t used;

	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(blk, VIRTIO_BLK_T_FLUSH, 0, 0, &used, 0));
	EXPECT_EQ(1, used);
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(blk, VIRTIO_BLK_T_GET_ID, 0, 20, &used,
					  0));
	EXPECT_EQ(21, used);
	EXPECT_STREQ("ring0", (char *)blk->reqs->data);
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(blk, VIRTIO_BLK_T_GET_ID, 0, 19,
					     &used, 0));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_do(blk, 0x7fff, 0, 0, &used, 0));
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_do(blk, 2, 0, SECTOR, &used, 0));
}

static int blk_zero(struct blk *blk, uint32_t type, uint64_t sector,
		    uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes range = {
		.sector = htole64(sector),
		.num_sectors = htole32(sectors),
		.flags = htole32(flags),
	};
	uint32_t used;

	memcpy(blk->reqs->data, &range, sizeof(range));
	return blk_do(blk, type, 0, sizeof(range), &used, 0);
}

TEST_F(disk, discard_and_zeroes)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES
	};
	uint8_t zeroes[3 * SECTOR] = {};
	struct blk *blk = &self->blk;
	uint32_t used;
	size_t t;

	for (t = 0; t < ARRAY_SIZE(types); t++) {
		blk_pattern(blk->reqs->data, 1, BLK_ROOM);
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(blk, VIRTIO_BLK_T_OUT, 0,
						  BLK_ROOM, &used, 0));
		EXPECT_EQ(VIRTIO_BLK_S_OK, blk_zero(blk, types[t], 1, 3, 0));
		ASSERT_EQ(VIRTIO_BLK_S_OK, blk_do(blk, VIRTIO_BLK_T_IN, 1,
						  sizeof(zeroes), &used, 0));
		EXPECT_EQ(0, memcmp(zeroes, blk->reqs->data, sizeof(zeroes)));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR,
			  blk_zero(blk, types[t], CAPACITY, 1, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR,
			  blk_zero(blk, types[t], UINT64_MAX, 2, 0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR,
			  blk_zero(blk, types[t], 1, UINT32_MAX, 0));
		EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_zero(blk, types[t], 1, 1, 2));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(blk, types[t], 0, 15, &used,
						     0));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(blk, types[t], 0, 0, &used,
						     0));
	}
	EXPECT_EQ(VIRTIO_BLK_S_UNSUPP, blk_zero(blk, VIRTIO_BLK_T_DISCARD, 1, 1,
						1));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_zero(blk, VIRTIO_BLK_T_WRITE_ZEROES, 1, 1,
					    1));
}

/* No header, half of one, no room for the status: the queue goes on. */
TEST_F(disk, short_buffers)
{
	struct blk *blk = &self->blk;
	struct blk_req *req = blk->reqs;
	struct vr_buf in = { &req->status, 0, 1, true };
	struct vr_buf out = { &req->hdr, 0, 15, false };
	uint32_t used, len;
	void *token;

	for (len = 1; len < 16; len++) {
		struct vr_buf bufs[] = { { &req->hdr, 0, len, false }, in };

		req->status = 0xa5;
		ASSERT_EQ(0, vr_add(&blk->queue, bufs, 2, false, req));
		vr_kick(&blk->queue);
		ASSERT_TRUE(vr_wait(&blk->queue));
		ASSERT_EQ(1, vr_get(&blk->queue, &token, &used));
		EXPECT_EQ(VIRTIO_BLK_S_IOERR, req->status);
	}
	req->status = 0xa5;
	ASSERT_EQ(0, vr_add(&blk->queue, &in, 1, false, req));
	ASSERT_EQ(0, vr_add(&blk->queue, &out, 1, false, req));
	vr_kick(&blk->queue);
	for (len = 0; len < 2; len++) {
		ASSERT_TRUE(vr_wait(&blk->queue));
		ASSERT_EQ(1, vr_get(&blk->queue, &token, &used));
		EXPECT_EQ(!len, used);
	}
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, req->status);
	EXPECT_EQ(0, blk_compare(blk, 0, 0, 0));
}

TEST(read_only_disk)
{
	struct blk blk;
	uint32_t used;

	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_BLK_MODULE, "read_only=1"));
	ASSERT_EQ(0, blk_open(&blk, "ring0"));
	EXPECT_EQ(EPROTO, vr_negotiate(&blk.dev, VR_FEATURES));
	ASSERT_EQ(0, blk_start(&blk, BLK_FEATURES | VR_BIT(VIRTIO_BLK_F_RO), 16));
	EXPECT_EQ(VIRTIO_BLK_S_OK, blk_do(&blk, VIRTIO_BLK_T_IN, 0, SECTOR,
					  &used, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_do(&blk, VIRTIO_BLK_T_OUT, 0, SECTOR,
					     &used, 0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_zero(&blk, VIRTIO_BLK_T_DISCARD, 0, 1,
					       0));
	EXPECT_EQ(VIRTIO_BLK_S_IOERR, blk_zero(&blk, VIRTIO_BLK_T_WRITE_ZEROES,
					       0, 1, 0));
	blk_stop(&blk);
	vr_close(&blk.dev);
	EXPECT_TRUE(vr_end());
}

/*
 * To another device, in traffic: nothing is lost, nothing is done twice
 */

FIXTURE(move) {
	struct blk blk;
	struct net net;
};

FIXTURE_VARIANT(move) {
	const char *param;
	uint64_t features;
};

FIXTURE_VARIANT_ADD(move, split) { .features = 0 };
FIXTURE_VARIANT_ADD(move, split_all) { .features = EVENT | TABLES };
FIXTURE_VARIANT_ADD(move, packed) { .features = PACKED };
FIXTURE_VARIANT_ADD(move, packed_all) { .features = PACKED | EVENT | TABLES };
FIXTURE_VARIANT_ADD(move, split_user) { .param = "use_va=1" };

FIXTURE_SETUP(move)
{
	vr_begin();
	/* one disk, whichever device leads to it */
	ASSERT_EQ(0, vr_load(variant->param, VR_BLK_MODULE, "shared_backend=1"));
	ASSERT_EQ(0, vr_load(variant->param, VR_NET_MODULE, NULL));
}

FIXTURE_TEARDOWN(move)
{
	EXPECT_TRUE(vr_end());
}

/* Writes with numbers, each to a sector of its own; does not wait */
static void blk_issue(struct blk *blk, uint32_t limit)
{
	struct blk_req *req;
	unsigned int i;

	for (i = 0; i < blk->num_reqs && blk->issued < limit; i++) {
		req = &blk->reqs[i];
		if (req->nr)
			continue;
		req->nr = blk->issued + 1;
		blk_pattern(req->data, req->nr, SECTOR);
		if (blk_add(blk, req, VIRTIO_BLK_T_OUT, req->nr, SECTOR, req->nr)) {
			req->nr = 0;
			break;
		}
		blk->issued++;
	}
	vr_kick(&blk->queue);
}

static int blk_reap(struct blk *blk)
{
	struct blk_req *req;
	uint32_t used;
	void *token;
	int ret;

	while ((ret = vr_get(&blk->queue, &token, &used)) > 0) {
		req = token;
		if (!req->nr || req->status != VIRTIO_BLK_S_OK || used != 1)
			return EPROTO;
		req->nr = 0;
		blk->completed++;
	}
	return ret < 0 ? EBADMSG : 0;
}

static int vring_base(const struct vr_queue *q, uint32_t *base)
{
	struct vhost_vring_state state = { .index = q->index };
	int err = vh_ioctl(q->dev->fd, VHOST_GET_VRING_BASE, &state);

	*base = state.num;
	return err;
}

/*
 * The device stands still; then another one goes on in its place, and the first
 * is reset. Nobody kicks the other: it has to look by itself.
 */
static int move_device(struct vr_dev *dev, const char *name,
		       struct vr_queue **queues, unsigned int n)
{
	struct vr_dev from = *dev;
	uint32_t bases[4];
	unsigned int i;
	int err;

	err = vh_ioctl(dev->fd, VHOST_VDPA_SUSPEND, NULL);
	for (i = 0; i < n && !err; i++)
		err = vring_base(queues[i], &bases[i]);
	err = err ?: vr_open(dev, name, 0, &from);
	if (err)
		return err;
	dev->used = from.used;
	err = vr_negotiate(dev, from.features);
	for (i = 0; i < n && !err; i++)
		err = vr_queue_attach(queues[i], dev, bases[i]);
	vr_close(&from);
	return err ?: vr_run(dev);
}

static const char *const names[] = { "ring0", "ring1" };

TEST_F(move, disk)
{
	struct blk *blk = &self->blk;
	struct vr_queue *queues[] = { &blk->queue };
	unsigned int moves;
	uint32_t nr;

	ASSERT_EQ(0, vr_make(VR_BLK_MGMT, names[1], 0));
	ASSERT_EQ(0, blk_open(blk, names[0]));
	ASSERT_EQ(0, blk_start(blk, variant->features | BLK_FEATURES, 64));
	for (moves = 1; moves <= 15; moves++) {
		do {
			blk_issue(blk, UINT32_MAX);
			ASSERT_EQ(0, blk_reap(blk));
		} while (blk->completed < moves * 75);
		blk_issue(blk, UINT32_MAX);
		ASSERT_EQ(0, move_device(&blk->dev, names[moves % 2], queues, 1));
	}
	while (blk->completed < blk->issued) {
		ASSERT_TRUE(vr_wait(&blk->queue));
		ASSERT_EQ(0, blk_reap(blk));
	}
	EXPECT_EQ(blk->issued, vr_counter(VR_BLK_MGMT, names[0], "requests") +
			       vr_counter(VR_BLK_MGMT, names[1], "requests"));
	for (nr = 1; nr <= blk->issued; nr++)
		ASSERT_EQ(0, blk_compare(blk, nr, nr, SECTOR));
	blk_stop(blk);
	vr_close(&blk->dev);
}

/* The same device goes on, and with it what was made available meanwhile. */
TEST_F(move, suspend_and_resume)
{
	struct blk *blk = &self->blk;
	uint32_t base[2], before;
	unsigned int i;

	ASSERT_EQ(0, blk_open(blk, names[0]));
	ASSERT_EQ(0, blk_start(blk, variant->features | BLK_FEATURES, 64));
	for (i = 1; i <= 20; i++) {
		do {
			blk_issue(blk, UINT32_MAX);
			ASSERT_EQ(0, blk_reap(blk));
		} while (blk->completed < i * 40);
		ASSERT_EQ(0, vh_ioctl(blk->dev.fd, VHOST_VDPA_SUSPEND, NULL));
		ASSERT_EQ(0, vring_base(&blk->queue, &base[0]));
		ASSERT_EQ(0, blk_reap(blk));
		before = blk->completed;
		blk_issue(blk, UINT32_MAX);
		vr_kick_anyway(&blk->queue);
		if (i % 10 == 0)
			usleep(10000);
		ASSERT_EQ(0, blk_reap(blk));
		EXPECT_EQ(before, blk->completed);
		ASSERT_EQ(0, vring_base(&blk->queue, &base[1]));
		EXPECT_EQ(base[0], base[1]);
		ASSERT_EQ(0, vh_ioctl(blk->dev.fd, VHOST_VDPA_RESUME, NULL));
	}
	while (blk->completed < blk->issued) {
		ASSERT_TRUE(vr_wait(&blk->queue));
		ASSERT_EQ(0, blk_reap(blk));
	}
	EXPECT_EQ(blk->issued, vr_counter(VR_BLK_MGMT, names[0], "requests"));
	blk_stop(blk);
	vr_close(&blk->dev);
}

/* Disabled and enabled again, a queue goes on where it was. */
TEST_F(move, queue_off_and_on)
{
	struct blk *blk = &self->blk;
	unsigned int i;

	ASSERT_EQ(0, blk_open(blk, names[0]));
	ASSERT_EQ(0, blk_start(blk, variant->features | BLK_FEATURES, 64));
	for (i = 1; i <= 20; i++) {
		do {
			blk_issue(blk, UINT32_MAX);
			ASSERT_EQ(0, blk_reap(blk));
		} while (blk->completed < i * 40);
		blk_issue(blk, UINT32_MAX);
		ASSERT_EQ(0, vh_vq(blk->dev.fd, VHOST_VDPA_SET_VRING_ENABLE, 0, 0));
		ASSERT_EQ(0, vh_vq(blk->dev.fd, VHOST_VDPA_SET_VRING_ENABLE, 0, 1));
	}
	while (blk->completed < blk->issued) {
		ASSERT_TRUE(vr_wait(&blk->queue));
		ASSERT_EQ(0, blk_reap(blk));
	}
	EXPECT_EQ(blk->issued, vr_counter(VR_BLK_MGMT, names[0], "requests"));
	blk_stop(blk);
	vr_close(&blk->dev);
}

TEST_F(move, packets)
{
	struct net *net = &self->net;
	struct vr_queue *queues[] = { &net->rx, &net->tx };
	unsigned int moves;
	uint32_t done;

	ASSERT_EQ(0, vr_make(VR_NET_MGMT, names[1], 0));
	ASSERT_EQ(0, net_open(net, names[0]));
	ASSERT_EQ(0, net_start(net, variant->features, 64, NEAR_WRAP));
	for (moves = 1; moves <= 15; moves++) {
		ASSERT_EQ(0, net_flow(net, net, moves * 60))
			TH_LOG("after %u moves", moves - 1);
		/* some are under way */
		net_post(net);
		net_send(net, net, UINT32_MAX);
		ASSERT_EQ(0, move_device(&net->dev, names[moves % 2], queues, 2));
		done = net->sent;
		ASSERT_EQ(0, net_flow(net, net, done))
			TH_LOG("after %u moves", moves);
	}
	EXPECT_EQ(net->received,
		  vr_counter(VR_NET_MGMT, names[0], "rx packets") +
		  vr_counter(VR_NET_MGMT, names[1], "rx packets"));
	net_stop(net);
	vr_close(&net->dev);
}

/*
 * Memory, processes and devices that go in traffic
 */

#define OTHER_IOVA	(VR_IOVA + (1ULL << 32))

FIXTURE(gone) {
	struct blk blk;
	uint8_t *mem[2];
};

FIXTURE_VARIANT(gone) {
	const char *param;
	uint64_t features;
};

FIXTURE_VARIANT_ADD(gone, split) { .features = EVENT };
FIXTURE_VARIANT_ADD(gone, packed) { .features = PACKED };
FIXTURE_VARIANT_ADD(gone, split_piecewise) { .param = "batch_mapping=0" };
FIXTURE_VARIANT_ADD(gone, packed_user) {
	.param = "use_va=1",
	.features = PACKED | EVENT,
};

FIXTURE_SETUP(gone)
{
	vr_begin();
	ASSERT_EQ(0, vr_load(variant->param, VR_BLK_MODULE, "shared_backend=1"));
	ASSERT_EQ(0, vr_make(VR_BLK_MGMT, names[0], 0));
}

FIXTURE_TEARDOWN(gone)
{
	EXPECT_TRUE(vr_end());
}

static uint8_t *shared_memory(size_t size)
{
	uint8_t *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		_exit(1);
	return mem;
}

/* Keeps reading into what is at OTHER_IOVA: how many requests were added */
static unsigned int blk_read_there(struct blk *blk, uint32_t len)
{
	unsigned int i, n = 0;

	for (i = 0; i < blk->num_reqs; i++) {
		struct blk_req *req = &blk->reqs[i];
		struct vr_buf bufs[] = {
			{ &req->hdr, 0, 16, false },
			{ NULL, OTHER_IOVA + i * len, len, true },
			{ &req->status, 0, 1, true },
		};

		if (req->nr)
			continue;
		req->hdr.type = htole32(VIRTIO_BLK_T_IN);
		req->hdr.sector = 0;
		if (vr_add(&blk->queue, bufs, 3, false, req))
			break;
		req->nr = 1;
		n++;
	}
	vr_kick_anyway(&blk->queue);
	return n;
}

static void blk_forget(struct blk *blk)
{
	uint32_t used;
	void *token;

	while (vr_get(&blk->queue, &token, &used) > 0)
		((struct blk_req *)token)->nr = 0;
}

static bool all_bytes(const uint8_t *mem, uint8_t value, size_t size)
{
	while (size--)
		if (mem[size] != value)
			return false;
	return true;
}

static int blk_ready(struct blk *blk, uint64_t features)
{
	memset(blk, 0, sizeof(*blk));
	return vr_open(&blk->dev, names[0], 4 * MIB, NULL) ?:
	       blk_start(blk, features, 64);
}

/* What a disk and a queue of its own do as if nothing had happened */
static int blk_works(uint64_t features)
{
	struct blk blk;
	uint32_t used;
	int err;

	err = blk_ready(&blk, features);
	if (err)
		return err;
	blk_pattern(blk.reqs->data, 7, SECTOR);
	err = blk_do(&blk, VIRTIO_BLK_T_OUT, 9, SECTOR, &used, 0) ?:
	      blk_compare(&blk, 9, 7, SECTOR);
	blk_stop(&blk);
	vr_close(&blk.dev);
	return err;
}

TEST_F(gone, unmapped_in_traffic)
{
	struct blk *blk = &self->blk;
	uint8_t *mem = shared_memory(MIB);
	unsigned int round;

	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, blk_ready(blk, variant->features));
		ASSERT_EQ(0, vh_map(blk->dev.fd, OTHER_IOVA, MIB, mem));
		EXPECT_LT(0, blk_read_there(blk, 4096));
		if (round % 2)
			ASSERT_TRUE(vr_wait(&blk->queue));
		ASSERT_EQ(0, vh_unmap(blk->dev.fd, OTHER_IOVA, MIB));
		/* from here on it is ours */
		memset(mem, 0xa5, MIB);
		blk_forget(blk);
		blk_read_there(blk, 4096);
		EXPECT_TRUE(vr_wait_status(&blk->dev,
					   VIRTIO_CONFIG_S_NEEDS_RESET));
		EXPECT_TRUE(all_bytes(mem, 0xa5, MIB));
		blk_stop(blk);
		EXPECT_EQ(0, blk_start(blk, variant->features, 64));
		EXPECT_EQ(0, blk_compare(blk, 1, 0, 0));
		blk_stop(blk);
		vr_close(&blk->dev);
		munmap(blk->dev.mem, blk->dev.size);
	}
}

/* The ring itself goes, in whichever area. */
TEST_F(gone, ring_unmapped)
{
	struct blk *blk = &self->blk;
	struct vr_dev *dev = &blk->dev;

	ASSERT_EQ(0, blk_ready(blk, variant->features));
	blk_issue(blk, UINT32_MAX);
	ASSERT_EQ(0, vh_unmap(dev->fd, VR_IOVA, dev->size));
	vr_kick_anyway(&blk->queue);
	EXPECT_TRUE(vr_wait_status(dev, VIRTIO_CONFIG_S_NEEDS_RESET));
	EXPECT_EQ(0, vh_map(dev->fd, VR_IOVA, dev->size, dev->mem));
	blk_stop(blk);
	EXPECT_EQ(0, blk_start(blk, variant->features, 64));
	EXPECT_EQ(0, blk_compare(blk, 1, 0, 0));
	blk_stop(blk);
	vr_close(dev);
}

static int swap_memory(struct blk *blk, uint8_t *mem)
{
	int fd = blk->dev.fd;

	return vh_message(fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL, 0) ?:
	       vh_unmap(fd, OTHER_IOVA, MIB) ?:
	       vh_map(fd, OTHER_IOVA, MIB, mem) ?:
	       vh_message(fd, 0, VHOST_IOTLB_BATCH_END, 0, 0, NULL, 0);
}

/*
 * In a batch, other memory takes the place: a device that is told all at once
 * does not notice, and leaves what was there before alone.
 */
TEST_F(gone, replaced_in_traffic)
{
	struct blk *blk = &self->blk;
	unsigned int round;
	uint8_t *now, *old;

	if (variant->param)
		SKIP(return, "device is told piece by piece");
	self->mem[0] = shared_memory(MIB);
	self->mem[1] = shared_memory(MIB);
	ASSERT_EQ(0, blk_ready(blk, variant->features));
	ASSERT_EQ(0, vh_map(blk->dev.fd, OTHER_IOVA, MIB, self->mem[1]));
	for (round = 0; round < 30; round++) {
		now = self->mem[round % 2];
		old = self->mem[!(round % 2)];
		blk_read_there(blk, 4096);
		ASSERT_EQ(0, swap_memory(blk, now));
		memset(old, 0xa5, 64 * 4096);
		memset(now, 0x5a, 64 * 4096);
		/* of these the answers go there */
		while (blk->queue.nfree < blk->queue.num) {
			ASSERT_TRUE(vr_wait(&blk->queue));
			blk_forget(blk);
		}
		EXPECT_LT(0, blk_read_there(blk, 4096));
		ASSERT_TRUE(vr_wait(&blk->queue));
		EXPECT_TRUE(all_bytes(old, 0xa5, 64 * 4096));
		EXPECT_TRUE(all_bytes(now, 0, 4096));
		EXPECT_EQ(VH_STATUS_RUNS, vr_get_status(&blk->dev));
	}
	blk_stop(blk);
	vr_close(&blk->dev);
}

/* Does requests until something goes wrong: what */
static int blk_busy(struct blk *blk, int tell)
{
	int err;

	if (write(tell, "", 1) != 1)
		return EIO;
	for (;;) {
		blk_issue(blk, UINT32_MAX);
		blk->issued %= 10000;
		err = blk_reap(blk);
		if (!err) {
			uint8_t status;

			err = vh_ioctl(blk->dev.fd, VHOST_VDPA_GET_STATUS,
				       &status);
		}
		if (err)
			return err;
	}
}

static pid_t busy_child(struct blk *blk, uint64_t features)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid)
		_exit(blk_ready(blk, features) ?: blk_busy(blk, ready[1]));
	close(ready[1]);
	if (pid > 0 && read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

TEST_F(gone, owner_killed_in_traffic)
{
	unsigned int round;
	int status;
	pid_t pid;

	for (round = 0; round < 5; round++) {
		pid = busy_child(&self->blk, variant->features);
		ASSERT_LT(0, pid);
		usleep(round * 3000);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(0, vh_pinned());
		EXPECT_EQ(0, blk_works(variant->features));
		EXPECT_EQ(0, vh_pinned());
	}
}

TEST_F(gone, device_deleted_in_traffic)
{
	unsigned int round;
	int status;
	pid_t pid;

	for (round = 0; round < 5; round++) {
		pid = busy_child(&self->blk, variant->features);
		ASSERT_LT(0, pid);
		usleep(round * 3000);
		EXPECT_EQ(0, vnl_dev_del_once(names[0]));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(ENODEV, WEXITSTATUS(status));
		ASSERT_EQ(0, vr_make(VR_BLK_MGMT, names[0], 0));
		EXPECT_EQ(0, blk_works(variant->features));
	}
}

/* One queue is stopped by what it was given; the other one goes on. */
TEST(other_queue_goes_on)
{
	struct pollfd p = { .fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN };
	struct vr_buf bad[] = {
		{ NULL, OTHER_IOVA, 16, false }, { NULL, OTHER_IOVA, 1, true },
	};
	struct vr_queue broken;
	struct blk blk;

	vr_begin();
	ASSERT_EQ(0, vr_load(NULL, VR_BLK_MODULE, "num_queues=2"));
	ASSERT_EQ(0, blk_open(&blk, names[0]));
	ASSERT_EQ(0, vh_ioctl(blk.dev.fd, VHOST_VDPA_SET_CONFIG_CALL, &p.fd));
	ASSERT_EQ(0, vr_negotiate(&blk.dev, VR_FEATURES |
				  VR_BIT(VIRTIO_BLK_F_MQ)));
	ASSERT_EQ(0, blk_queue(&blk, 16, 0));
	vr_queue_alloc(&broken, &blk.dev, 1, 16, 0);
	ASSERT_EQ(0, vr_queue_attach(&broken, &blk.dev, 0));
	ASSERT_EQ(0, vr_run(&blk.dev));
	EXPECT_EQ(0, blk_compare(&blk, 1, 0, 0));
	ASSERT_EQ(0, vr_add(&broken, bad, 2, false, &blk));
	vr_kick(&broken);
	EXPECT_EQ(1, poll(&p, 1, VR_PATIENCE_MS));
	EXPECT_TRUE(vr_wait_status(&blk.dev, VIRTIO_CONFIG_S_NEEDS_RESET));
	EXPECT_EQ(0, blk_compare(&blk, 1, 0, 0));
	vr_queue_free(&broken);
	blk_stop(&blk);
	vr_close(&blk.dev);
	close(p.fd);
	EXPECT_TRUE(vr_end());
}

VDPA_HARNESS_MAIN
