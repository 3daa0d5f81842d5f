// SPDX-License-Identifier: GPL-2.0
/*
 * Virtqueues of simulated devices with mistakes in them: a few well-formed chains,
 * then a handful of changes to descriptors, tables and indices, before and while
 * the device looks. It has to be done with all that is available, or to ask for
 * a reset, and after a reset it has to work.
 *
 * All changes are drawn from a seed that is printed; those of a round depend on
 * nothing but that and its number:
 *
 *	VDPA_FUZZ_SEED=N	the seed
 *	VDPA_FUZZ_ROUNDS=N	how many rounds
 *	VDPA_FUZZ_ROUND=N	this one alone
 */

#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "vdpa_harness.h"
#include "vring_env.h"

#define SEED		20220101U
#define ROUNDS		300U
#define NUM		16U
#define CHAINS		6U
#define MEMORY		(1UL << 20)
#define HDR_LEN		12U
#define FRAME_LEN	200U
#define DATA_LEN	1024U
#define DESC_SIZE	sizeof(struct vring_desc)

struct fuzz {
	struct vr_dev dev;
	bool net;
	uint64_t features;
	struct vr_queue queue[2];	/* net: receive, transmit */
	unsigned int num_queues;
	uint8_t *data;
	uint64_t random;
};

static unsigned int number(const char *name, unsigned int value)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : value;
}

/* splitmix64: good enough from any seed on */
static uint64_t draw(struct fuzz *f)
{
	uint64_t z = (f->random += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint32_t below(struct fuzz *f, uint32_t limit)
{
	return draw(f) % limit;
}

static struct vr_queue *busy_queue(struct fuzz *f)
{
	return &f->queue[f->num_queues - 1];
}

/*
 * Well-formed chains
 */

static int start(struct fuzz *f)
{
	unsigned int i;
	int err;

	err = vr_negotiate(&f->dev, f->features);
	for (i = 0; i < f->num_queues && !err; i++) {
		vr_queue_clear(&f->queue[i]);
		err = vr_queue_attach(&f->queue[i], &f->dev,
				      vr_queue_base(&f->queue[i]));
	}
	return err ?: vr_run(&f->dev);
}

static int add(struct fuzz *f, struct vr_queue *q, uint8_t *at, uint32_t len,
	       bool write)
{
	uint32_t cut = 1 + below(f, len - 1);
	struct vr_buf bufs[] = {
		{ at, 0, cut, write }, { at + cut, 0, len - cut, write },
	};

	return vr_add(q, bufs, 2, q->indirect && below(f, 2), at);
}

static int add_request(struct fuzz *f, uint8_t *at, uint32_t type)
{
	struct virtio_blk_outhdr *hdr = (void *)at;
	bool in = type == VIRTIO_BLK_T_IN;
	struct vr_buf bufs[] = {
		{ at, 0, 16, false },
		{ at + 64, 0, 512, in },
		{ at + 32, 0, 1, true },
	};

	hdr->type = htole32(type);
	hdr->sector = htole64(below(f, 64));
	at[32] = 0xa5;
	return vr_add(&f->queue[0], bufs, 3, f->queue[0].indirect && below(f, 2),
		      at);
}

static uint8_t *chain_data(struct fuzz *f, unsigned int queue, unsigned int i)
{
	return f->data + (queue * CHAINS + i) * DATA_LEN;
}

static void frame(uint8_t *at, uint8_t value)
{
	memset(at, 0, HDR_LEN);
	memset(at + HDR_LEN, 0xff, 6);
	memset(at + HDR_LEN + 6, value, FRAME_LEN - 6);
}

/* As many as fit */
static void populate(struct fuzz *f)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH,
	};
	unsigned int i;

	for (i = 0; i < CHAINS; i++) {
		if (!f->net) {
			add_request(f, chain_data(f, 0, i), types[below(f, 3)]);
			continue;
		}
		add(f, &f->queue[0], chain_data(f, 0, i), HDR_LEN + FRAME_LEN,
		    true);
		frame(chain_data(f, 1, i), i);
		add(f, &f->queue[1], chain_data(f, 1, i), HDR_LEN + FRAME_LEN,
		    false);
	}
}

/*
 * Mistakes
 */

static uint64_t bad_address(struct fuzz *f, struct vr_queue *q)
{
	switch (below(f, 10)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - below(f, 32);
	case 2:
		return VR_IOVA - 1 - below(f, 16);
	case 3:
		return VR_IOVA + f->dev.size - 1 - below(f, 16);
	case 4:
		return VR_IOVA + f->dev.size;
	case 5:
		return vr_iova(&f->dev, q->desc) + below(f, NUM * DESC_SIZE);
	case 6:
		return vr_iova(&f->dev, q->driver) + below(f, 8);
	case 7:
		return vr_iova(&f->dev, q->device) + below(f, 8);
	case 8:
		return VR_IOVA + below(f, f->dev.size);
	default:
		return draw(f);
	}
}

static uint32_t bad_length(struct fuzz *f)
{
	static const uint32_t lens[] = {
		0, 1, 15, 16, 17, 31, 32, 48, 512, 4096, MEMORY, MEMORY + 1,
		INT32_MAX, 1U << 31, UINT32_MAX - 15, UINT32_MAX,
	};

	return below(f, 4) ? lens[below(f, ARRAY_SIZE(lens))] : draw(f);
}

static uint16_t bad_index(struct fuzz *f)
{
	static const uint16_t indices[] = {
		0, 1, NUM - 1, NUM, NUM + 1, INT16_MAX, 1 << 15, UINT16_MAX,
	};

	return below(f, 2) ? indices[below(f, ARRAY_SIZE(indices))] :
			     below(f, NUM);
}

static void store16(uint8_t *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)at, htole16(value), __ATOMIC_RELEASE);
}

static uint16_t load16(const void *at)
{
	return le16toh(__atomic_load_n((const uint16_t *)at, __ATOMIC_ACQUIRE));
}

/* In either layout: address, length; flags and next or id change places. */
static void spoil_desc(struct fuzz *f, struct vr_queue *q, uint8_t *desc)
{
	uint8_t *flags = desc + (q->packed ? 14 : 12);
	uint8_t *next = desc + (q->packed ? 12 : 14);

	switch (below(f, 5)) {
	case 0:
		*(uint64_t *)desc = htole64(bad_address(f, q));
		break;
	case 1:
		*(uint32_t *)(desc + 8) = htole32(bad_length(f));
		break;
	case 2:
		store16(flags, load16(flags) ^ 1 << below(f, 3));
		break;
	case 3:
		store16(flags, draw(f));
		break;
	default:
		store16(next, bad_index(f));
		break;
	}
}

static void spoil(struct fuzz *f, struct vr_queue *q)
{
	uint8_t *desc = (uint8_t *)q->desc + below(f, NUM) * DESC_SIZE;

	switch (below(f, 8)) {
	case 0:
	case 1:
	case 2:
		spoil_desc(f, q, desc);
		break;
	case 3:
		if (q->indirect)
			spoil_desc(f, q, (uint8_t *)q->tables +
				   below(f, NUM) * VR_CHAIN_MAX * DESC_SIZE +
				   below(f, 4) * DESC_SIZE);
		break;
	case 4:
		if (q->packed)
			store16(desc + 14, load16(desc + 14) ^ 1 << (7 + 8 * below(f, 2)));
		else
			store16((uint8_t *)q->driver + 2, below(f, 2) ?
				q->avail + below(f, 2 * NUM) : draw(f));
		break;
	case 5:
		store16((uint8_t *)q->driver +
			(q->packed ? 2 * below(f, 2) : 4 + 2 * below(f, NUM + 1)),
			bad_index(f));
		break;
	case 6:
		store16((uint8_t *)q->device +
			2 * below(f, q->packed ? 2 : 2 + 4 * NUM + 1), draw(f));
		break;
	default:
		((uint8_t *)q->desc)[below(f, NUM * DESC_SIZE)] = draw(f);
		break;
	}
}

/*
 * What has to come of it
 */

/* Nothing left that the device could take */
static bool is_done(struct fuzz *f, struct vr_queue *q)
{
	struct vhost_vring_state base = { .index = q->index };
	uint16_t flags;
	bool wrap;

	if (vr_get_status(&f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET)
		return true;
	if (vh_ioctl(f->dev.fd, VHOST_GET_VRING_BASE, &base))
		return false;
	if (!q->packed)
		return base.num == load16((uint8_t *)q->driver + 2);
	wrap = base.num & 1 << 15;
	flags = load16((uint8_t *)q->desc + (base.num & 0x7fff) * DESC_SIZE + 14);
	return !!(flags & 1 << VRING_PACKED_DESC_F_AVAIL) != wrap ||
	       !!(flags & 1 << VRING_PACKED_DESC_F_USED) == wrap;
}

static bool wait_done(struct fuzz *f, struct vr_queue *q)
{
	int i;

	for (i = 0; i < VR_PATIENCE_MS * 10; i++) {
		if (is_done(f, q))
			return true;
		usleep(100);
	}
	return false;
}

static int one_frame(struct fuzz *f)
{
	uint8_t *to = chain_data(f, 0, 0), *from = chain_data(f, 1, 0);
	uint32_t len = HDR_LEN + FRAME_LEN, used;
	void *token;
	int err;

	memset(to, 0, len);
	frame(from, 0x5c);
	err = add(f, &f->queue[0], to, len, true) ?:
	      add(f, &f->queue[1], from, len, false);
	if (err)
		return err;
	vr_kick(&f->queue[0]);
	vr_kick(&f->queue[1]);
	if (!vr_wait(&f->queue[0]))
		return ETIMEDOUT;
	if (vr_get(&f->queue[0], &token, &used) != 1 || token != to ||
	    used != len)
		return EBADMSG;
	return memcmp(from + HDR_LEN, to + HDR_LEN, FRAME_LEN) ? EILSEQ : 0;
}

static int one_request(struct fuzz *f)
{
	uint8_t *at = chain_data(f, 0, 0);
	uint32_t used;
	void *token;
	int err;

	err = add_request(f, at, VIRTIO_BLK_T_IN);
	if (err)
		return err;
	vr_kick(&f->queue[0]);
	if (!vr_wait(&f->queue[0]))
		return ETIMEDOUT;
	if (vr_get(&f->queue[0], &token, &used) != 1 || token != at ||
	    used != 513)
		return EBADMSG;
	return at[32] == VIRTIO_BLK_S_OK ? 0 : EIO;
}

static const char *fuzz_round(struct fuzz *f, bool *reset)
{
	struct vr_queue *busy = busy_queue(f);
	unsigned int i, n;

	if (start(f))
		return "cannot start";
	populate(f);
	for (n = 1 + below(f, 4); n; n--)
		spoil(f, &f->queue[below(f, f->num_queues)]);
	for (i = 0; i < f->num_queues; i++)
		vr_kick_anyway(&f->queue[i]);
	/* and while it looks */
	for (n = below(f, 2) * below(f, 30); n; n--)
		spoil(f, &f->queue[below(f, f->num_queues)]);
	vr_kick_anyway(busy);
	if (!wait_done(f, busy))
		return "is not done";
	*reset = vr_get_status(&f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
	if (start(f))
		return "cannot start after a reset";
	if (f->net ? one_frame(f) : one_request(f))
		return "does not work after a reset";
	return NULL;
}

FIXTURE(fuzz) {
	struct fuzz f;
};

FIXTURE_VARIANT(fuzz) {
	bool net;
	uint64_t features;
	const char *param;
};

#define EVERYTHING	(VR_FEATURES | VR_BIT(VIRTIO_RING_F_EVENT_IDX) | \
			 VR_BIT(VIRTIO_RING_F_INDIRECT_DESC))
#define FUZZ(name, ...)	FIXTURE_VARIANT_ADD(fuzz, name) { __VA_ARGS__ }

FUZZ(blk_split, .features = EVERYTHING);
FUZZ(blk_packed, .features = EVERYTHING | VR_BIT(VIRTIO_F_RING_PACKED));
FUZZ(blk_split_user, .features = EVERYTHING, .param = "use_va=1");
FUZZ(blk_packed_plain, .features = VR_FEATURES | VR_BIT(VIRTIO_F_RING_PACKED));
FUZZ(net_split, .net = true, .features = EVERYTHING);
FUZZ(net_packed, .net = true,
     .features = EVERYTHING | VR_BIT(VIRTIO_F_RING_PACKED));
FUZZ(net_split_plain, .net = true, .features = VR_FEATURES);
FUZZ(net_packed_user, .net = true, .param = "use_va=1",
     .features = EVERYTHING | VR_BIT(VIRTIO_F_RING_PACKED));

FIXTURE_SETUP(fuzz)
{
	struct fuzz *f = &self->f;
	unsigned int i;

	vr_begin();
	ASSERT_EQ(0, vr_load(variant->param, variant->net ? VR_NET_MODULE :
			     VR_BLK_MODULE, NULL));
	ASSERT_EQ(0, vr_make(variant->net ? VR_NET_MGMT : VR_BLK_MGMT, "fuzz0",
			     0));
	memset(f, 0, sizeof(*f));
	f->net = variant->net;
	f->features = variant->features;
	f->num_queues = variant->net ? 2 : 1;
	ASSERT_EQ(0, vr_open(&f->dev, "fuzz0", MEMORY, NULL));
	ASSERT_EQ(0, vr_negotiate(&f->dev, f->features));
	for (i = 0; i < f->num_queues; i++)
		vr_queue_alloc(&f->queue[i], &f->dev, i, NUM, 0);
	f->data = vr_alloc(&f->dev, 2 * CHAINS * DATA_LEN, 64);
}

FIXTURE_TEARDOWN(fuzz)
{
	unsigned int i;

	for (i = 0; i < self->f.num_queues; i++)
		vr_queue_free(&self->f.queue[i]);
	vr_close(&self->f.dev);
	EXPECT_TRUE(vr_end());
}

TEST_F(fuzz, rounds)
{
	unsigned int seed = number("VDPA_FUZZ_SEED", SEED), resets = 0;
	unsigned int first = number("VDPA_FUZZ_ROUND", 0);
	unsigned int last = first + (getenv("VDPA_FUZZ_ROUND") ? 1 :
				     number("VDPA_FUZZ_ROUNDS", ROUNDS));
	struct fuzz *f = &self->f;
	unsigned int i;

	for (i = first; i < last; i++) {
		bool reset = false;
		const char *wrong;

		f->random = (uint64_t)seed << 32 | i;
		wrong = fuzz_round(f, &reset);
		ASSERT_EQ(NULL, wrong)
			TH_LOG("%s: VDPA_FUZZ_SEED=%u VDPA_FUZZ_ROUND=%u",
			       wrong, seed, i);
		resets += reset;
	}
	TH_LOG("seed %u: %u of %u rounds asked for a reset", seed, resets,
	       last - first);
	/* else the mistakes are none, or nothing is available */
	if (last - first >= ROUNDS) {
		EXPECT_LT((last - first) / 10, resets);
		EXPECT_GT(last - first, resets);
	}
}

VDPA_HARNESS_MAIN
