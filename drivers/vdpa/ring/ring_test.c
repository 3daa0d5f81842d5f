// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the ring library
 */
#include <linux/vhost_iotlb.h>

#include "ring_test.h"

#define RT_INDIRECT	BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)
#define RT_BATCH	8

static const struct rt_param rt_params[] = {
	{ RT_LINEAR, false, false, 32, 0 },
	{ RT_LINEAR, false, true, 16, 65530 },
	{ RT_SCATTERED, false, true, 32, 0x7ff0 },
	{ RT_USER, false, false, 8, 65535 },
	{ RT_USER, false, true, 32, 0 },
	{ RT_LINEAR, true, false, 32 },
	{ RT_LINEAR, true, true, 11 },
	{ RT_SCATTERED, true, true, 32 },
	{ RT_USER, true, false, 16 },
	{ RT_USER, true, true, 31 },
};

static void rt_param_desc(const struct rt_param *p, char *desc)
{
	static const char *const memory[] = { "linear", "scattered", "user" };

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s memory, %u%s from %u",
		 p->packed ? "packed" : "split", memory[p->memory], p->num,
		 p->event_idx ? ", event index" : "", p->start);
}

KUNIT_ARRAY_PARAM(rt, rt_params, rt_param_desc);

static const struct rt_param rt_layouts[] = {
	{ RT_LINEAR, false, true, 16, 0 },
	{ RT_LINEAR, true, true, 16 },
};

KUNIT_ARRAY_PARAM(rt_layout, rt_layouts, rt_param_desc);

/* A driver and a device that do all they may, in any order */

/**
 * struct rt_run - a device at work
 * @g: guest
 * @chains: what it took, and did not complete
 * @n: how many these are
 * @asleep: it waits for a kick
 * @armed: the driver waits to be told
 * @muted: the driver asked not to be told
 * @undecided: something was completed that the driver was not told of
 * @fresh: no decision to notify was made since the ring was set up
 * @served: how many were completed
 */
struct rt_run {
	struct rt_guest *g;
	struct vdpa_ring_chain chains[RT_NUM];
	unsigned int n;
	bool asleep;
	bool armed;
	bool muted;
	bool undecided;
	bool fresh;
	unsigned int served;
};

static void rt_step_add(struct rt_run *run)
{
	struct rt_guest *g = run->g;
	u32 i, out, in, n, count = 1 + rt_random(g, 4);
	bool added = false;

	for (i = 0; i < count; i++) {
		out = rt_random(g, RT_SEGS / 2 + 1);
		in = rt_random(g, RT_SEGS / 2 + 1);
		n = out + in;
		if (n)
			added |= rt_add(g, out, in, rt_random(g, 2) ? n : rt_random(g, n));
	}
	if (!added)
		return;
	if (rt_kick(g))
		run->asleep = false;
	KUNIT_EXPECT_FALSE_MSG(g->test, run->asleep, "no kick for a device that sleeps");
	run->asleep = false;
}

static struct rt_request *rt_request_of(struct rt_guest *g,
					const struct vdpa_ring_chain *chain)
{
	KUNIT_ASSERT_LT(g->test, chain->id, RT_NUM);
	return &g->requests[chain->id];
}

/* Compares what the device reads with what the driver wrote, in pieces. */
static void rt_serve_read(struct rt_guest *g, struct vdpa_ring_chain *chain)
{
	struct rt_request *req = rt_request_of(g, chain);
	struct vdpa_ring_iter iter;
	u32 i, pos, len;

	vdpa_ring_reader(&iter, &g->ring, chain);
	for (pos = 0; pos < chain->out_len; pos += len) {
		len = 1 + rt_random(g, chain->out_len - pos);
		if (!rt_random(g, 4)) {
			KUNIT_ASSERT_EQ(g->test, 0, vdpa_ring_skip(&iter, len));
			continue;
		}
		KUNIT_ASSERT_EQ(g->test, 0, vdpa_ring_read(&iter, g->buf, len));
		for (i = 0; i < len && g->buf[i] == rt_pattern(req->seed, pos + i); i++)
			;
		KUNIT_ASSERT_EQ_MSG(g->test, i, len, "byte %u differs", pos + i);
	}
	KUNIT_EXPECT_EQ(g->test, iter.left, 0);
	KUNIT_EXPECT_EQ(g->test, -EMSGSIZE, vdpa_ring_read(&iter, g->buf, 1));
	KUNIT_EXPECT_EQ(g->test, -EMSGSIZE, vdpa_ring_skip(&iter, 1));
}

static void rt_serve_write(struct rt_guest *g, struct vdpa_ring_chain *chain)
{
	struct rt_request *req = rt_request_of(g, chain);
	u32 i, pos, len, want = rt_random(g, chain->in_len + 1);
	struct vdpa_ring_iter iter;

	vdpa_ring_writer(&iter, &g->ring, chain);
	KUNIT_EXPECT_EQ(g->test, -EMSGSIZE,
			vdpa_ring_write(&iter, g->buf, chain->in_len + 1));
	for (pos = 0; pos < want; pos += len) {
		len = 1 + rt_random(g, want - pos);
		for (i = 0; i < len; i++)
			g->buf[i] = rt_pattern(~req->seed, pos + i);
		KUNIT_ASSERT_EQ(g->test, 0, vdpa_ring_write(&iter, g->buf, len));
	}
	chain->written = want;
	req->written = want;
}

static void rt_check_chain(struct rt_guest *g, const struct vdpa_ring_chain *chain)
{
	const struct rt_request *req = rt_request_of(g, chain);

	KUNIT_ASSERT_TRUE(g->test, req->busy);
	KUNIT_ASSERT_EQ(g->test, chain->out_num, req->out);
	KUNIT_ASSERT_EQ(g->test, chain->in_num, req->in);
	KUNIT_ASSERT_EQ(g->test, chain->out_len, rt_part_len(req, false));
	KUNIT_ASSERT_EQ(g->test, chain->in_len, rt_part_len(req, true));
	KUNIT_ASSERT_EQ(g->test, chain->written, 0);
}

static void rt_step_take(struct rt_run *run)
{
	struct rt_guest *g = run->g;
	u32 room = ARRAY_SIZE(run->chains) - run->n, i;
	int n;

	run->asleep = false;
	vdpa_ring_disable_kicks(&g->ring);
	n = vdpa_ring_take(&g->ring, run->chains + run->n, min(room, 1 + rt_random(g, RT_BATCH)));
	KUNIT_ASSERT_GE_MSG(g->test, n, 0, "%s", vdpa_ring_error(&g->ring));
	KUNIT_ASSERT_LE(g->test, n, g->waiting);
	if (!n && room)
		KUNIT_ASSERT_EQ(g->test, g->waiting, 0);

	if (n && !rt_random(g, 4)) {
		i = 1 + rt_random(g, n);
		vdpa_ring_untake(&g->ring, run->chains + run->n + n - i, i);
		n -= i;
	}
	g->waiting -= n;
	for (i = run->n; i < run->n + n; i++)
		rt_check_chain(g, &run->chains[i]);
	run->n += n;
}

static void rt_decide(struct rt_run *run)
{
	struct rt_guest *g = run->g;
	bool notify = vdpa_ring_need_notify(&g->ring);

	if (!run->undecided) {
		KUNIT_EXPECT_FALSE(g->test, notify);
		return;
	}
	if (run->armed)
		KUNIT_EXPECT_TRUE_MSG(g->test, notify, "driver is not told");
	else if (run->muted && !(run->fresh && g->p.event_idx && !g->p.packed))
		KUNIT_EXPECT_FALSE_MSG(g->test, notify, "driver is told against its wish");
	run->armed = false;
	run->undecided = false;
	run->fresh = false;
}

static void rt_step_complete(struct rt_run *run)
{
	struct rt_guest *g = run->g;
	u32 i, pick, n = run->n ? 1 + rt_random(g, run->n) : 0;
	struct vdpa_ring_chain *chain;

	for (i = 0; i < n; i++) {
		chain = &run->chains[run->n - 1 - i];
		pick = rt_random(g, run->n - i);
		swap(*chain, run->chains[pick]);
		rt_serve_read(g, chain);
		rt_serve_write(g, chain);
	}
	run->n -= n;
	KUNIT_ASSERT_EQ(g->test, 0,
			vdpa_ring_complete(&g->ring, run->chains + run->n, n));
	run->served += n;
	run->undecided |= n != 0;
	if (rt_random(g, 4))
		rt_decide(run);
}

static void rt_step_poll(struct rt_run *run)
{
	struct rt_request *req;
	u32 len;

	while ((req = rt_poll(run->g, &len))) {
		KUNIT_ASSERT_EQ(run->g->test, len, req->written);
		rt_check_written(run->g, req);
	}
}

static void rt_step_arm(struct rt_run *run)
{
	rt_decide(run);
	rt_step_poll(run);
	run->armed = rt_random(run->g, 2);
	run->muted = !run->armed;
	rt_want_notify(run->g, run->armed);
}

static void rt_step_sleep(struct rt_run *run)
{
	struct rt_guest *g = run->g;
	bool more = vdpa_ring_enable_kicks(&g->ring);

	KUNIT_ASSERT_EQ(g->test, more, g->waiting > 0);
	run->asleep = !more;
}

/* Goes on in a new ring with the state of the old. */
static void rt_step_move(struct rt_run *run)
{
	struct rt_guest *g = run->g;
	int err = vdpa_ring_get_state(&g->ring, &g->config.state);

	if (run->n) {
		KUNIT_EXPECT_EQ(g->test, -EBUSY, err);
		return;
	}
	KUNIT_ASSERT_EQ(g->test, 0, err);
	rt_decide(run);
	vdpa_ring_release(&g->ring);
	KUNIT_ASSERT_EQ(g->test, 0, vdpa_ring_init(&g->ring, &g->config));
	run->fresh = true;
	run->asleep = false;
}

static void rt_step_remap(struct rt_run *run)
{
	rt_guest_split_map(run->g);
}

static void (*const rt_steps[])(struct rt_run *run) = {
	rt_step_add, rt_step_add, rt_step_add, rt_step_take, rt_step_take,
	rt_step_complete, rt_step_complete, rt_step_poll, rt_step_poll,
	rt_step_arm, rt_step_sleep, rt_step_sleep, rt_step_move, rt_step_remap,
};

static void rt_random_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	struct rt_run *run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, run);
	run->g = g;
	run->fresh = true;
	rt_guest_start(g, RT_INDIRECT);
	for (i = 0; i < 2000; i++) {
		rt_steps[rt_random(g, ARRAY_SIZE(rt_steps))](run);
		KUNIT_ASSERT_NULL(test, vdpa_ring_error(&g->ring));
	}
	/* many times around */
	KUNIT_EXPECT_GT(test, run->served, 10 * g->p.num);
}

/* Malformed chains */

#define RT_UNMAPPED	0x1000ULL
#define RT_RO		0x2000ULL
#define RT_WO		0x3000ULL
#define RT_NO_MEMORY	0x4000ULL
#define RT_N		VRING_DESC_F_NEXT
#define RT_W		VRING_DESC_F_WRITE
#define RT_I		VRING_DESC_F_INDIRECT
#define RT_TABLE	(RT_BASE + RT_TABLES)
#define RT_BUF		(RT_BASE + RT_DATA)
#define RT_MAX_SEGS	6
#define RT_BAD_NUM	4

enum rt_layout_set { RT_BOTH, RT_SPLIT_ONLY, RT_PACKED_ONLY };

struct rt_test_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;	/* of split rings */
};

/**
 * struct rt_bad_case - a chain that a driver must not make
 * @name: what is wrong
 * @reason: that the ring shall give, NULL if nothing is wrong
 * @layouts: where this can be
 * @err: errno
 * @access: found when the chain is accessed, not when it is taken
 * @direct: without the feature of indirect descriptors
 * @added: how far the available index goes; 0 for one
 * @head: first descriptor, in a split ring
 * @hole: number plus 1 of a descriptor that is not made available, in a packed
 *	ring
 * @ring: the descriptors there
 * @table: those in the indirect table
 */
struct rt_bad_case {
	const char *name;
	const char *reason;
	enum rt_layout_set layouts;
	int err;
	bool access;
	bool direct;
	u16 added;
	u16 head;
	u16 hole;
	struct rt_test_desc ring[RT_BAD_NUM];
	struct rt_test_desc table[RT_MAX_SEGS + 1];
};

#define RT_BAD(what, why, set)	\
	.name = what, .reason = why, .layouts = set, .err = -EINVAL
#define RT_FAULT(what, why)	\
	.name = what, .reason = why, .err = -EFAULT, .access = true

#define RT_NOT_MAPPED	"buffer is not mapped, or not for this access"

static const struct rt_bad_case rt_bad_cases[] = {
	{ .name = "nothing",
	  .ring = { { RT_BUF, 9, RT_N, 1 }, { RT_BUF, 9, RT_W } } },
	{ .name = "empty buffers",
	  .ring = { { RT_UNMAPPED, 0, RT_N, 1 }, { ~0ULL, 0, RT_N | RT_W, 2 },
		    { RT_BUF, 1, RT_W } } },
	{ .name = "indirect after direct",
	  .ring = { { RT_BUF, 9, RT_N, 1 }, { RT_TABLE, 16, RT_I } },
	  .table = { { RT_BUF, 9, RT_W } } },
	{ .name = "write flag on a table",
	  .ring = { { RT_TABLE, 32, RT_I | RT_W } },
	  .table = { { RT_BUF, 9, RT_N, 1 }, { RT_BUF, 9, RT_W } } },
	{ .name = "longest table",
	  .ring = { { RT_TABLE, 16 * RT_MAX_SEGS, RT_I } },
	  .table = { { RT_BUF, 9, RT_N, 1 }, { RT_BUF, 9, RT_N, 2 },
		     { RT_BUF, 9, RT_N, 3 }, { RT_BUF, 9, RT_N, 4 },
		     { RT_BUF, 9, RT_N, 5 }, { RT_BUF, 9 } } },
	{ .name = "end of the address space", .access = true,
	  .ring = { { ~0ULL - 4095, 4096 } } },

	{ RT_BAD("index far ahead", "available index went too far", RT_SPLIT_ONLY),
	  .added = RT_BAD_NUM + 1 },
	{ RT_BAD("index behind", "available index went too far", RT_SPLIT_ONLY),
	  .added = 0xffff },
	{ RT_BAD("head beyond the table", "descriptor is beyond the table", RT_SPLIT_ONLY),
	  .head = RT_BAD_NUM },
	{ RT_BAD("head far beyond", "descriptor is beyond the table", RT_SPLIT_ONLY),
	  .head = 0xffff },
	{ RT_BAD("next beyond the table", "descriptor is beyond the table", RT_SPLIT_ONLY),
	  .ring = { { RT_BUF, 9, RT_N, RT_BAD_NUM } } },
	{ RT_BAD("next is itself", "chain is a loop", RT_SPLIT_ONLY),
	  .ring = { { RT_BUF, 9, RT_N, 0 } } },
	{ RT_BAD("loop of four", "chain is a loop", RT_SPLIT_ONLY),
	  .ring = { { RT_BUF, 9, RT_N, 1 }, { RT_BUF, 9, RT_N, 2 },
		    { RT_BUF, 9, RT_N, 3 }, { RT_BUF, 9, RT_N, 0 } } },
	{ RT_BAD("whole ring and more", "chains are longer than the ring", RT_PACKED_ONLY),
	  .ring = { { RT_BUF, 9, RT_N }, { RT_BUF, 9, RT_N }, { RT_BUF, 9, RT_N },
		    { RT_BUF, 9, RT_N } } },
	{ RT_BAD("hole in a chain", "descriptor in a chain is not available", RT_PACKED_ONLY),
	  .hole = 2, .ring = { { RT_BUF, 9, RT_N }, { RT_BUF, 9 } } },

	{ RT_BAD("read after write", "buffer to read follows one to write", RT_BOTH),
	  .ring = { { RT_BUF, 9, RT_N | RT_W, 1 }, { RT_BUF, 9 } } },
	{ RT_BAD("read after write, table", "buffer to read follows one to write", RT_BOTH),
	  .ring = { { RT_TABLE, 32, RT_I } },
	  .table = { { RT_BUF, 9, RT_N | RT_W, 1 }, { RT_BUF, 9 } } },
	{ RT_BAD("more than 4 GiB to read", "chain has more than 4 GiB", RT_BOTH),
	  .ring = { { RT_BUF, ~0U, RT_N, 1 }, { RT_BUF, 1 } } },
	{ RT_BAD("more than 4 GiB to write", "chain has more than 4 GiB", RT_BOTH),
	  .ring = { { RT_BUF, 1, RT_N | RT_W, 1 }, { RT_BUF, ~0U, RT_W } } },
	{ RT_BAD("beyond the last address", "buffer goes beyond the last address", RT_BOTH),
	  .ring = { { ~0ULL - 4095, 4097, 0 } } },

	{ RT_BAD("indirect, not negotiated", "indirect descriptor without the feature", RT_BOTH),
	  .direct = true, .ring = { { RT_TABLE, 16, RT_I } },
	  .table = { { RT_BUF, 9 } } },
	{ RT_BAD("indirect and next", "indirect descriptor is not the last", RT_BOTH),
	  .ring = { { RT_TABLE, 16, RT_I | RT_N, 1 }, { RT_BUF, 9 } },
	  .table = { { RT_BUF, 9 } } },
	{ RT_BAD("empty table", "indirect table has an odd size", RT_BOTH),
	  .ring = { { RT_TABLE, 0, RT_I } } },
	{ RT_BAD("table of 15 bytes", "indirect table has an odd size", RT_BOTH),
	  .ring = { { RT_TABLE, 15, RT_I } } },
	{ RT_BAD("table of 17 bytes", "indirect table has an odd size", RT_BOTH),
	  .ring = { { RT_TABLE, 17, RT_I } }, .table = { { RT_BUF, 9 } } },
	{ RT_BAD("table beyond the last address", "indirect table goes beyond the last address",
		 RT_BOTH),
	  .ring = { { ~0ULL - 15, 32, RT_I } } },
	{ RT_BAD("table in a table", "indirect table in an indirect table", RT_BOTH),
	  .ring = { { RT_TABLE, 16, RT_I } },
	  .table = { { RT_TABLE, 16, RT_I } } },
	{ RT_BAD("table, next beyond", "next goes beyond the indirect table", RT_SPLIT_ONLY),
	  .ring = { { RT_TABLE, 32, RT_I } },
	  .table = { { RT_BUF, 9, RT_N, 2 }, { RT_BUF, 9 } } },
	{ RT_BAD("table is a loop", "indirect table is a loop", RT_SPLIT_ONLY),
	  .ring = { { RT_TABLE, 32, RT_I } },
	  .table = { { RT_BUF, 9, RT_N, 1 }, { RT_BUF, 9, RT_N, 0 } } },
	{ RT_BAD("table too long", "chain is too long", RT_BOTH),
	  .ring = { { RT_TABLE, 16 * (RT_MAX_SEGS + 1), RT_I } },
	  .table = { { RT_BUF, 9, RT_N, 1 }, { RT_BUF, 9, RT_N, 2 },
		     { RT_BUF, 9, RT_N, 3 }, { RT_BUF, 9, RT_N, 4 },
		     { RT_BUF, 9, RT_N, 5 }, { RT_BUF, 9, RT_N, 6 },
		     { RT_BUF, 9 } } },

	{ .name = "table not mapped", .reason = RT_NOT_MAPPED, .err = -EFAULT,
	  .ring = { { RT_UNMAPPED, 16, RT_I } } },
	{ .name = "table not to be read", .reason = RT_NOT_MAPPED, .err = -EFAULT,
	  .ring = { { RT_WO, 16, RT_I } } },
	{ .name = "table half mapped", .reason = RT_NOT_MAPPED, .err = -EFAULT,
	  .layouts = RT_PACKED_ONLY,
	  .ring = { { RT_BASE + RT_SIZE - 16, 32, RT_I } } },
	{ RT_FAULT("not mapped, to read", RT_NOT_MAPPED),
	  .ring = { { RT_UNMAPPED, 9 } } },
	{ RT_FAULT("not mapped, to write", RT_NOT_MAPPED),
	  .ring = { { RT_UNMAPPED, 9, RT_W } } },
	{ RT_FAULT("half mapped, to read", RT_NOT_MAPPED),
	  .ring = { { RT_BASE + RT_SIZE - 8, 9 } } },
	{ RT_FAULT("half mapped, to write", RT_NOT_MAPPED),
	  .ring = { { RT_BASE + RT_SIZE - 8, 9, RT_W } } },
	{ RT_FAULT("read-only, to write", RT_NOT_MAPPED),
	  .ring = { { RT_RO, 9, RT_W } } },
	{ RT_FAULT("write-only, to read", RT_NOT_MAPPED),
	  .ring = { { RT_WO, 9 } } },
	{ RT_FAULT("no memory, to read", "buffer is not in memory"),
	  .ring = { { RT_NO_MEMORY, 9 } } },
	{ RT_FAULT("no memory, to write", "buffer is not in memory"),
	  .ring = { { RT_NO_MEMORY, 9, RT_W } } },
};

struct rt_bad_param {
	const struct rt_bad_case *c;
	bool packed;
};

/* Each case for each layout that has it */
static const void *rt_bad_next(const void *prev, char *desc)
{
	static struct rt_bad_param param;
	const struct rt_bad_case *c = param.c;

	if (!prev) {
		c = rt_bad_cases;
		param.packed = false;
	} else if (!param.packed) {
		param.packed = true;
	} else {
		c++;
		param.packed = false;
	}
	if (c == rt_bad_cases + ARRAY_SIZE(rt_bad_cases))
		return NULL;
	param.c = c;
	if (c->layouts == (param.packed ? RT_SPLIT_ONLY : RT_PACKED_ONLY))
		return rt_bad_next(&param, desc);
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: %s",
		 param.packed ? "packed" : "split", c->name);
	return &param;
}

static void rt_bad_put_table(struct rt_guest *g, const struct rt_bad_case *c)
{
	const struct rt_test_desc *desc = c->table;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c->table); i++, desc++) {
		if (g->p.packed)
			rt_put_desc(g, RT_TABLES + i * 16, desc->addr, desc->len, i,
				    desc->flags);
		else
			rt_put_desc(g, RT_TABLES + i * 16, desc->addr, desc->len,
				    desc->flags, desc->next);
	}
}

static void rt_bad_put_ring(struct rt_guest *g, const struct rt_bad_case *c)
{
	const struct rt_test_desc *desc = c->ring;
	u16 flags, i;

	for (i = 0; i < ARRAY_SIZE(c->ring); i++, desc++) {
		if (!g->p.packed) {
			rt_put_desc(g, RT_DESC + i * 16, desc->addr, desc->len,
				    desc->flags, desc->next);
			continue;
		}
		flags = desc->flags | BIT(i + 1 == c->hole ?
					  VRING_PACKED_DESC_F_USED :
					  VRING_PACKED_DESC_F_AVAIL);
		rt_put_desc(g, RT_DESC + i * 16, desc->addr, desc->len, i, flags);
	}
	if (!g->p.packed) {
		rt_put16(g, RT_DRIVER + 4, c->head);
		rt_put16(g, RT_DRIVER + 2, c->added ?: 1);
	}
}

static int rt_bad_access(struct rt_guest *g, struct vdpa_ring_chain *chain)
{
	struct vdpa_ring_iter reader, writer;

	vdpa_ring_reader(&reader, &g->ring, chain);
	vdpa_ring_writer(&writer, &g->ring, chain);
	return vdpa_ring_read(&reader, g->buf, min_t(u32, reader.left, sizeof(g->buf))) ?:
	       vdpa_ring_zero(&writer, writer.left);
}

static void rt_expect_broken(struct rt_guest *g, struct vdpa_ring_chain *chain,
			     const char *reason)
{
	struct kunit *test = g->test;
	u16 used = rt_get16(g, RT_DEVICE + 2);

	KUNIT_EXPECT_STREQ(test, vdpa_ring_error(&g->ring) ?: "nothing", reason);
	chain->out_len = 0;
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, vdpa_ring_take(&g->ring, chain, 1));
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, vdpa_ring_complete(&g->ring, chain, 1));
	KUNIT_EXPECT_EQ(test, -ESHUTDOWN, rt_bad_access(g, chain));
	KUNIT_EXPECT_FALSE(test, vdpa_ring_need_notify(&g->ring));
	KUNIT_EXPECT_TRUE(test, vdpa_ring_enable_kicks(&g->ring));
	KUNIT_EXPECT_STREQ(test, vdpa_ring_error(&g->ring) ?: "nothing", reason);
	KUNIT_EXPECT_EQ(test, rt_get16(g, RT_DEVICE + 2), used);
}

static void rt_bad_test(struct kunit *test)
{
	const struct rt_bad_param *param = test->param_value;
	const struct rt_param p = {
		.packed = param->packed, .num = RT_BAD_NUM, .memory = RT_SCATTERED,
	};
	const struct rt_bad_case *c = param->c;
	struct rt_guest *g = rt_guest_create(test, &p);
	struct vdpa_ring_chain chain = {};
	int ret;

	rt_map_add(g, RT_RO, RT_RO + 99, rt_host(g, RT_DATA), VHOST_MAP_RO);
	rt_map_add(g, RT_WO, RT_WO + 99, rt_host(g, RT_DATA), VHOST_MAP_WO);
	rt_map_add(g, RT_NO_MEMORY, RT_NO_MEMORY + 99, 1ULL << 62, VHOST_MAP_RW);
	rt_map_add(g, ~0ULL - 4095, ~0ULL, rt_host(g, RT_DATA), VHOST_MAP_RW);
	g->config.max_segs = RT_MAX_SEGS;
	rt_guest_start(g, c->direct ? 0 : RT_INDIRECT);
	rt_bad_put_table(g, c);
	rt_bad_put_ring(g, c);

	ret = vdpa_ring_take(&g->ring, &chain, 1);
	if (ret == 1) {
		KUNIT_EXPECT_TRUE(test, c->access || !c->err);
		ret = rt_bad_access(g, &chain);
	}
	KUNIT_ASSERT_EQ(test, ret, c->err);
	if (c->err) {
		rt_expect_broken(g, &chain, c->reason);
	} else {
		KUNIT_EXPECT_EQ(test, 0, vdpa_ring_complete(&g->ring, &chain, 1));
		KUNIT_EXPECT_NULL(test, vdpa_ring_error(&g->ring));
	}

	/* A reset makes it whole. */
	rt_guest_start(g, RT_INDIRECT);
	KUNIT_ASSERT_TRUE(test, rt_add(g, 1, 1, 2));
	KUNIT_EXPECT_EQ(test, 1, vdpa_ring_take(&g->ring, &chain, 1));
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_complete(&g->ring, &chain, 1));
}

/* A driver that writes anything anywhere, all the time */
static void rt_noise(struct rt_guest *g, u32 off, u32 len)
{
	static const u64 words[] = {
		0, ~0ULL, RT_BUF, RT_TABLE, RT_BUF + RT_DATA_SIZE - 3,
		0x0000000200000010, 0x0001000100000010, 0x0000000400000020,
		0x0080000000000040, 0x8080000100000040, 0x0081000300000040,
		0x0084000000000020, 0x0003000100000007, RT_BASE + RT_DESC,
	};
	u64 word = words[rt_random(g, ARRAY_SIZE(words))];
	__le64 le;

	if (!rt_random(g, 4))
		word ^= 1ULL << rt_random(g, 64);
	le = cpu_to_le64(word);
	rt_put(g, off + 8 * rt_random(g, len / 8), &le, sizeof(le));
}

/* Flags that make a descriptor available, mostly */
static void rt_noise_packed(struct rt_guest *g)
{
	u16 flags = rt_random(g, 8) ? rt_random(g, 3) : rt_random(g, 8);

	flags |= BIT(g->ring.avail_wrap ? VRING_PACKED_DESC_F_AVAIL :
					  VRING_PACKED_DESC_F_USED);
	rt_put16(g, RT_DESC + g->ring.avail * 16 + 14, flags);
}

static void rt_noise_all(struct rt_guest *g)
{
	rt_noise(g, RT_DESC, g->p.num * 16);
	rt_noise(g, RT_TABLES, 0x80);
	if (g->p.packed) {
		rt_noise_packed(g);
		return;
	}
	rt_noise(g, RT_DRIVER + 8, g->p.num * 2);
	rt_put16(g, RT_DRIVER + 2, g->ring.avail + rt_random(g, 4));
	if (rt_random(g, 4))
		rt_put16(g, RT_DRIVER + 4 + 2 * rt_random(g, g->p.num),
			 rt_random(g, g->p.num));
}

/* Whatever is taken is within bounds, and accessing it does no harm. */
static void rt_noise_serve(struct rt_guest *g, struct vdpa_ring_chain *chains, int n)
{
	struct vdpa_ring_iter reader, writer;
	int i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_GE(g->test, chains[i].segs - g->ring.segs, 0);
		KUNIT_ASSERT_LE(g->test, chains[i].segs + chains[i].out_num +
				chains[i].in_num - g->ring.segs, g->ring.segs_num);
		if (!g->p.packed)
			KUNIT_ASSERT_LT(g->test, chains[i].id, g->p.num);
		vdpa_ring_reader(&reader, &g->ring, &chains[i]);
		vdpa_ring_writer(&writer, &g->ring, &chains[i]);
		vdpa_ring_copy(&writer, &reader, min3(reader.left, writer.left, 9999U));
		vdpa_ring_zero(&writer, min(writer.left, 9999U));
		chains[i].written = rt_random(g, 0x10000);
	}
	vdpa_ring_complete(&g->ring, chains, n);
}

static void rt_noise_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	struct vdpa_ring_chain chains[RT_BATCH];
	unsigned int i, broken = 0, served = 0;
	int n;

	for (i = 0; i < 3000; i++) {
		if (!i || vdpa_ring_error(&g->ring)) {
			broken += !!i;
			rt_guest_start(g, RT_INDIRECT);
		}
		rt_noise_all(g);
		n = vdpa_ring_take(&g->ring, chains, 1 + rt_random(g, RT_BATCH));
		if (n > 0) {
			served += n;
			rt_noise_serve(g, chains, n);
		}
		vdpa_ring_need_notify(&g->ring);
		vdpa_ring_enable_kicks(&g->ring);
		vdpa_ring_disable_kicks(&g->ring);
	}
	/* It went both ways, or this would be no test. */
	KUNIT_EXPECT_GT(test, broken, 100);
	KUNIT_EXPECT_GT(test, served, 100);
}

/* Decisions to notify, compared with the specification, one place at a time */

/* Takes and completes @n chains of one descriptor. */
static void rt_serve_quickly(struct rt_guest *g, unsigned int n)
{
	struct vdpa_ring_chain *chains = g->chains;
	unsigned int i;
	u32 len;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(g->test, rt_add(g, 1, 0, 1));
	KUNIT_ASSERT_EQ(g->test, n, vdpa_ring_take(&g->ring, chains, n));
	KUNIT_ASSERT_EQ(g->test, 0, vdpa_ring_complete(&g->ring, chains, n));
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_NOT_NULL(g->test, rt_poll(g, &len));
	KUNIT_ASSERT_NULL(g->test, rt_poll(g, &len));
}

static void rt_split_event_test(struct kunit *test)
{
	static const u16 starts[] = { 0, 1, 0x7ffe, 0x8000, 0xfff8, 0xfffe, 0xffff };
	struct rt_param p = { .event_idx = true, .num = 8 };
	struct rt_guest *g = rt_guest_create(test, &p);
	unsigned int i, n;
	u16 first, pos;
	int event;
	bool want;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		for (n = 1; n <= p.num; n++)
			for (event = -3; event < 12; event++) {
				g->p.start = starts[i];
				rt_guest_start(g, 0);
				rt_serve_quickly(g, 1);
				KUNIT_ASSERT_TRUE(test, vdpa_ring_need_notify(&g->ring));
				first = g->used;
				rt_put16(g, RT_DRIVER + 4 + p.num * 2, first + event);
				rt_serve_quickly(g, n);
				want = false;
				for (pos = first; pos != g->used; pos++)
					want |= pos == (u16)(first + event);
				KUNIT_ASSERT_EQ(test, want, vdpa_ring_need_notify(&g->ring));
				KUNIT_ASSERT_FALSE(test, vdpa_ring_need_notify(&g->ring));
			}
}

/* Places of a packed ring, of two rounds: number to off and wrap */
static u16 rt_packed_place(u32 num, u32 place)
{
	place %= 2 * num;
	return place < num ? place | 1 << 15 : place - num;
}

static void rt_packed_event_test(struct kunit *test)
{
	struct rt_param p = { .packed = true, .event_idx = true, .num = 5 };
	struct rt_guest *g = rt_guest_create(test, &p);
	u32 start, n, event, i;
	bool want;

	for (start = 0; start < 2 * p.num; start++)
		for (n = 1; n <= p.num; n++)
			for (event = 0; event < 2 * p.num; event++) {
				rt_guest_start(g, 0);
				for (i = 0; i <= start; i++)
					rt_serve_quickly(g, 1);
				KUNIT_ASSERT_TRUE(test, vdpa_ring_need_notify(&g->ring));
				rt_put16(g, RT_DRIVER, rt_packed_place(p.num, event));
				rt_put16(g, RT_DRIVER + 2, VRING_PACKED_EVENT_FLAG_DESC);
				rt_serve_quickly(g, n);
				want = false;
				for (i = start + 1; i <= start + n; i++)
					want |= i % (2 * p.num) == event;
				KUNIT_ASSERT_EQ(test, want, vdpa_ring_need_notify(&g->ring));
			}
}

/* After more than a whole round without a decision nobody can tell. */
static void rt_overdue_event_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	unsigned int i;

	rt_guest_start(g, 0);
	rt_serve_quickly(g, 1);
	KUNIT_EXPECT_TRUE(test, vdpa_ring_need_notify(&g->ring));
	rt_want_notify(g, true);
	for (i = 0; i < 2 * g->p.num; i++)
		rt_serve_quickly(g, 1);
	KUNIT_EXPECT_TRUE(test, vdpa_ring_need_notify(&g->ring));
}

/* What the driver is told about kicks, as it is in memory */
static void rt_kick_flags_test(struct kunit *test)
{
	struct rt_param p = *(const struct rt_param *)test->param_value;
	u32 off = p.packed ? RT_DEVICE + 2 : RT_DEVICE;
	struct rt_guest *g;

	p.event_idx = false;
	g = rt_guest_create(test, &p);
	rt_guest_start(g, 0);
	vdpa_ring_disable_kicks(&g->ring);
	KUNIT_EXPECT_EQ(test, rt_get16(g, off), 1);
	KUNIT_EXPECT_FALSE(test, vdpa_ring_enable_kicks(&g->ring));
	KUNIT_EXPECT_EQ(test, rt_get16(g, off), 0);

	g->p.event_idx = true;
	rt_guest_start(g, 0);
	rt_serve_quickly(g, 3);
	KUNIT_EXPECT_FALSE(test, vdpa_ring_enable_kicks(&g->ring));
	vdpa_ring_disable_kicks(&g->ring);
	if (p.packed) {
		KUNIT_EXPECT_EQ(test, rt_get16(g, off), VRING_PACKED_EVENT_FLAG_DESC);
		KUNIT_EXPECT_EQ(test, rt_get16(g, RT_DEVICE), 3 | 1 << 15);
	} else {
		KUNIT_EXPECT_EQ(test, rt_get16(g, off), 0);
		KUNIT_EXPECT_EQ(test, rt_get16(g, RT_DEVICE + 4 + p.num * 8), 3);
	}
}

/* The rest */

/* A batch ends where its pieces fill the room; chains stay as they are. */
static void rt_room_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	struct vdpa_ring_chain chains[4];

	g->config.max_segs = 5;
	rt_guest_start(g, RT_INDIRECT);
	KUNIT_ASSERT_TRUE(test, rt_add(g, 1, 1, 2));
	KUNIT_ASSERT_TRUE(test, rt_add(g, 2, 0, 0));
	KUNIT_ASSERT_TRUE(test, rt_add(g, 1, 1, 2));
	KUNIT_ASSERT_TRUE(test, rt_add(g, 3, 2, 0));

	KUNIT_ASSERT_EQ(test, 2, vdpa_ring_take(&g->ring, chains, 4));
	KUNIT_EXPECT_EQ(test, -ENOBUFS, vdpa_ring_take(&g->ring, chains + 2, 2));
	KUNIT_EXPECT_NULL(test, vdpa_ring_error(&g->ring));
	KUNIT_EXPECT_TRUE(test, vdpa_ring_enable_kicks(&g->ring));
	vdpa_ring_untake(&g->ring, chains + 1, 1);
	KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&g->ring, chains + 1, 3));
	rt_check_chain(g, &chains[0]);
	rt_check_chain(g, &chains[1]);
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_complete(&g->ring, chains, 1));
	KUNIT_EXPECT_EQ(test, -ENOBUFS, vdpa_ring_take(&g->ring, chains + 2, 1));
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_complete(&g->ring, chains + 1, 1));
	KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&g->ring, chains, 4));
	rt_check_chain(g, &chains[0]);
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_complete(&g->ring, chains, 1));
	KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&g->ring, chains, 4));
	rt_check_chain(g, &chains[0]);
}

/* Larger than a page, and 64 Ki chains: indices and rounds go around. */
static void rt_large_test(struct kunit *test)
{
	const struct rt_param *layout = test->param_value;
	struct rt_param p = {
		.memory = RT_SCATTERED, .packed = layout->packed, .num = 512,
		.start = 40000, .event_idx = true,
	};
	struct rt_guest *g = rt_guest_create(test, &p);
	unsigned int i;

	rt_guest_start(g, 0);
	for (i = 0; i < 0x10000 / 16 + 100; i++) {
		rt_serve_quickly(g, 16);
		if (i % 100 == 0)
			rt_guest_swap_pages(g);
	}
	KUNIT_EXPECT_NULL(test, vdpa_ring_error(&g->ring));
}

/* Nothing that the driver sees shows before the whole batch is complete. */
static void rt_batch_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	struct vdpa_ring_chain chains[3];
	unsigned int i;
	u32 len;

	rt_guest_start(g, 0);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_TRUE(test, rt_add(g, 1, 1, 2));
	KUNIT_ASSERT_EQ(test, 3, vdpa_ring_take(&g->ring, chains, 3));
	KUNIT_EXPECT_NULL(test, rt_poll(g, &len));

	/* A device that says too much is corrected. */
	chains[2].written = chains[2].in_len + 1;
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_complete(&g->ring, chains + 2, 1));
	KUNIT_EXPECT_PTR_EQ(test, rt_poll(g, &len), &g->requests[chains[2].id]);
	KUNIT_EXPECT_EQ(test, len, chains[2].in_len);
	KUNIT_EXPECT_NULL(test, rt_poll(g, &len));
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_complete(&g->ring, chains, 2));
	KUNIT_EXPECT_PTR_EQ(test, rt_poll(g, &len), &g->requests[chains[0].id]);
	KUNIT_EXPECT_PTR_EQ(test, rt_poll(g, &len), &g->requests[chains[1].id]);
	KUNIT_EXPECT_NULL(test, rt_poll(g, &len));
}

/* A split ring finds its used index in memory, where the old device left it. */
static void rt_used_index_test(struct kunit *test)
{
	struct rt_param p = { .num = 8, .start = 65534 };
	struct rt_guest *g = rt_guest_create(test, &p);
	struct vdpa_vq_state state;

	rt_guest_start(g, 0);
	rt_put16(g, RT_DEVICE + 2, 65530);
	g->used = 65530;
	rt_serve_quickly(g, 3);
	KUNIT_EXPECT_EQ(test, rt_get16(g, RT_DEVICE + 2), 65533);
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_get_state(&g->ring, &state));
	KUNIT_EXPECT_EQ(test, state.split.avail_index, 1);
}

/* Avail and used are where they are expected, as off and wrap. */
static void rt_expect_packed_state(struct rt_guest *g, u16 avail, u16 used)
{
	struct vdpa_vq_state state;

	KUNIT_EXPECT_EQ(g->test, 0, vdpa_ring_get_state(&g->ring, &state));
	KUNIT_EXPECT_EQ(g->test, avail, state.packed.last_avail_idx |
			state.packed.last_avail_counter << 15);
	KUNIT_EXPECT_EQ(g->test, used, state.packed.last_used_idx |
			state.packed.last_used_counter << 15);
}

static void rt_packed_state_test(struct kunit *test)
{
	struct rt_param p = { .packed = true, .num = 5 };
	struct rt_guest *g = rt_guest_create(test, &p);
	struct vdpa_ring_chain chain;
	struct vdpa_vq_state state;

	rt_guest_start(g, 0);
	rt_serve_quickly(g, 5);
	rt_serve_quickly(g, 2);
	KUNIT_ASSERT_TRUE(test, rt_add(g, 4, 0, 4));
	KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&g->ring, &chain, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, vdpa_ring_get_state(&g->ring, &state));
	vdpa_ring_untake(&g->ring, &chain, 1);
	rt_expect_packed_state(g, 2, 2);

	KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&g->ring, &chain, 1));
	KUNIT_ASSERT_EQ(test, 0, vdpa_ring_complete(&g->ring, &chain, 1));
	rt_expect_packed_state(g, 1 | 1 << 15, 1 | 1 << 15);
}

/* DPDK's virtio_user says where avail is, and leaves the rest 0. */
static void rt_packed_half_state_test(struct kunit *test)
{
	struct rt_param p = { .packed = true, .num = 5 };
	struct rt_guest *g = rt_guest_create(test, &p);

	rt_guest_start(g, 0);
	vdpa_ring_release(&g->ring);
	g->config.state = (struct vdpa_vq_state) {
		.packed.last_avail_counter = 1,
	};
	KUNIT_ASSERT_EQ(test, 0, vdpa_ring_init(&g->ring, &g->config));
	rt_expect_packed_state(g, 1 << 15, 1 << 15);
	rt_serve_quickly(g, 3);

	/* What is in flight is the driver's to wait for as long as it can go on. */
	vdpa_ring_release(&g->ring);
	g->config.state.packed.last_avail_idx = 3;
	KUNIT_ASSERT_EQ(test, 0, vdpa_ring_init(&g->ring, &g->config));
	rt_expect_packed_state(g, 3 | 1 << 15, 0);
}

/* From one chain to another, of any two kinds of memory */
static void rt_copy_between(struct kunit *test, const struct rt_param *from,
			    const struct rt_param *to)
{
	struct rt_guest *a = rt_guest_create(test, from), *b = rt_guest_create(test, to);
	struct vdpa_ring_chain tx, rx;
	struct vdpa_ring_iter reader, writer;
	unsigned int i, j;
	u32 len, pos;

	rt_guest_start(a, RT_INDIRECT);
	rt_guest_start(b, RT_INDIRECT);
	for (i = 0; i < 40; i++) {
		KUNIT_ASSERT_TRUE(test, rt_add(a, RT_SEGS, 0, 0));
		KUNIT_ASSERT_TRUE(test, rt_add(b, 0, RT_SEGS, 0));
		if (i % 8 == 0) {
			rt_guest_split_map(a);
			rt_guest_split_map(b);
		}
		KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&a->ring, &tx, 1));
		KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&b->ring, &rx, 1));
		vdpa_ring_reader(&reader, &a->ring, &tx);
		vdpa_ring_writer(&writer, &b->ring, &rx);

		len = min(reader.left, writer.left);
		KUNIT_EXPECT_EQ(test, -EMSGSIZE, vdpa_ring_copy(&writer, &reader, len + 1));
		for (pos = 0; pos < len; pos += j) {
			j = 1 + rt_random(a, len - pos);
			KUNIT_ASSERT_EQ(test, 0, vdpa_ring_copy(&writer, &reader, j));
		}
		/* The receiver's driver expects what was sent. */
		rx.written = len;
		b->requests[rx.id].written = len;
		b->requests[rx.id].seed = ~a->requests[tx.id].seed;
		KUNIT_ASSERT_EQ(test, 0, vdpa_ring_complete(&a->ring, &tx, 1));
		KUNIT_ASSERT_EQ(test, 0, vdpa_ring_complete(&b->ring, &rx, 1));
		KUNIT_ASSERT_NOT_NULL(test, rt_poll(a, &j));
		KUNIT_ASSERT_PTR_EQ(test, rt_poll(b, &j), &b->requests[rx.id]);
		KUNIT_ASSERT_EQ(test, j, len);
		rt_check_written(b, &b->requests[rx.id]);
	}
}

static void rt_copy_test(struct kunit *test)
{
	const struct rt_param *p = test->param_value;
	struct rt_param to = { .packed = !p->packed, .num = 16 };

	for (to.memory = RT_LINEAR; to.memory <= RT_USER; to.memory++)
		rt_copy_between(test, p, &to);
}

/* The fault is on the side that it is on. */
static void rt_copy_fault_test(struct kunit *test)
{
	struct rt_guest *a = rt_guest_create(test, test->param_value);
	struct rt_guest *b = rt_guest_create(test, test->param_value);
	struct vdpa_ring_iter reader, writer;
	struct vdpa_ring_chain tx, rx;

	rt_guest_start(a, 0);
	rt_guest_start(b, 0);
	do {
		KUNIT_ASSERT_TRUE(test, rt_add(a, 1, 0, 1));
		KUNIT_ASSERT_TRUE(test, rt_add(b, 0, 1, 1));
		KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&a->ring, &tx, 1));
		KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&b->ring, &rx, 1));
	} while (!tx.out_len || !rx.in_len);

	vdpa_ring_reader(&reader, &a->ring, &tx);
	vdpa_ring_writer(&writer, &b->ring, &rx);
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_copy(&writer, &reader, 1));
	vdpa_ring_reader(&reader, &a->ring, &tx);
	vdpa_ring_writer(&writer, &b->ring, &rx);
	vhost_iotlb_reset(b->map.iotlb);
	vdpa_ring_map_changed(&b->map);
	KUNIT_EXPECT_EQ(test, -EFAULT, vdpa_ring_copy(&writer, &reader, 1));
	KUNIT_EXPECT_NULL(test, vdpa_ring_error(&a->ring));
	KUNIT_EXPECT_NOT_NULL(test, vdpa_ring_error(&b->ring));
}

/* All addresses as they are, as for drivers of the kernel itself */
static void rt_identity_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	u64 base = rt_host(g, 0);
	struct vdpa_ring_chain chain;

	vhost_iotlb_reset(g->map.iotlb);
	rt_map_add(g, 0, ULLONG_MAX, 0, VHOST_MAP_RW);
	rt_guest_start(g, 0);
	vdpa_ring_release(&g->ring);
	g->config.desc = base + RT_DESC;
	g->config.driver = base + RT_DRIVER;
	g->config.device = base + RT_DEVICE;
	KUNIT_ASSERT_EQ(test, 0, vdpa_ring_init(&g->ring, &g->config));

	rt_put16(g, RT_DRIVER + 2, 2);
	rt_put_desc(g, RT_DESC, base + RT_DATA, 100, g->p.packed ? 0 : RT_W,
		    g->p.packed ? RT_W | BIT(VRING_PACKED_DESC_F_AVAIL) : 0);
	rt_put_desc(g, RT_DESC + 16, 1ULL << 63, 100, g->p.packed ? 0 : RT_W,
		    g->p.packed ? RT_W | BIT(VRING_PACKED_DESC_F_AVAIL) : 0);
	rt_put16(g, RT_DRIVER + 6, 1);
	memset(g->buf, 0xff, 100);
	rt_put(g, RT_DATA, g->buf, 100);

	KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&g->ring, &chain, 1));
	KUNIT_EXPECT_EQ(test, 0, rt_bad_access(g, &chain));
	rt_get(g, RT_DATA, g->buf, 100);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(g->buf, 0, 100), NULL);
	KUNIT_ASSERT_EQ(test, 1, vdpa_ring_take(&g->ring, &chain, 1));
	KUNIT_EXPECT_EQ(test, -EFAULT, rt_bad_access(g, &chain));
	KUNIT_EXPECT_STREQ(test, vdpa_ring_error(&g->ring), "buffer is not in memory");
}

/* Buffers in one address space, the ring in another */
static void rt_two_maps_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	struct vdpa_ring_map ring_map = { .iotlb = vhost_iotlb_alloc(U32_MAX, 0) };
	struct vdpa_ring_chain chain;

	KUNIT_ASSERT_NOT_NULL(test, ring_map.iotlb);
	KUNIT_EXPECT_EQ(test, 0, vhost_iotlb_add_range(ring_map.iotlb, 0, RT_DATA - 1,
						       rt_host(g, 0), VHOST_MAP_RW));
	rt_guest_start(g, 0);
	vdpa_ring_release(&g->ring);
	g->config.desc = RT_DESC;
	g->config.driver = RT_DRIVER;
	g->config.device = RT_DEVICE;
	g->config.ring_map = &ring_map;
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_init(&g->ring, &g->config));
	KUNIT_EXPECT_TRUE(test, rt_add(g, 1, 1, 2));
	KUNIT_EXPECT_EQ(test, 1, vdpa_ring_take(&g->ring, &chain, 1));
	KUNIT_EXPECT_EQ(test, 0, rt_bad_access(g, &chain));

	vhost_iotlb_reset(ring_map.iotlb);
	vdpa_ring_map_changed(&ring_map);
	KUNIT_EXPECT_EQ(test, 0, rt_bad_access(g, &chain));
	KUNIT_EXPECT_EQ(test, -EFAULT, vdpa_ring_complete(&g->ring, &chain, 1));
	vdpa_ring_release(&g->ring);
	vhost_iotlb_free(ring_map.iotlb);
}

/* Areas that are where no ring can be. They are looked up when first used. */
static void rt_area_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	u64 *areas[] = { &g->config.desc, &g->config.driver, &g->config.device };
	static const u64 bad[] = { RT_UNMAPPED, RT_NO_MEMORY, ~0ULL - 15,
				   RT_BASE + RT_SIZE - 16 };
	struct vdpa_ring_chain chain;
	unsigned int i, j;
	u64 good;
	int want;

	rt_guest_start(g, 0);
	rt_map_add(g, RT_NO_MEMORY, RT_NO_MEMORY + 0xfff, 1ULL << 62, VHOST_MAP_RW);
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			vdpa_ring_release(&g->ring);
			good = *areas[i];
			*areas[i] = bad[j];
			KUNIT_EXPECT_EQ(test, 0, vdpa_ring_init(&g->ring, &g->config));
			/* event areas are small enough for the end of the memory */
			want = g->p.packed && i && bad[j] == RT_BASE + RT_SIZE - 16 ?
			       0 : -EFAULT;
			KUNIT_EXPECT_EQ_MSG(test, want, vdpa_ring_take(&g->ring, &chain, 1),
					    "area %u at %#llx", i, bad[j]);
			*areas[i] = good;
		}
}

static void rt_config_test(struct kunit *test)
{
	struct rt_guest *g = rt_guest_create(test, test->param_value);
	struct vdpa_ring_map user = { .iotlb = g->map.iotlb, .user = true };
	struct vdpa_ring_config good, *c = &g->config;

	rt_guest_start(g, 0);
	vdpa_ring_release(&g->ring);
	good = *c;

#define RT_REFUSED(error, member, value)				\
	do {								\
		c->member = (value);					\
		KUNIT_EXPECT_EQ(test, error, vdpa_ring_init(&g->ring, c)); \
		*c = good;						\
	} while (0)

	RT_REFUSED(-EOPNOTSUPP, features, good.features & ~BIT_ULL(VIRTIO_F_VERSION_1));
	RT_REFUSED(-EINVAL, num, 0);
	RT_REFUSED(-EINVAL, num, VDPA_RING_NUM_MAX * 2);
	RT_REFUSED(-EINVAL, max_segs, 65536);
	RT_REFUSED(-EINVAL, desc, good.desc + 8);
	RT_REFUSED(-EINVAL, driver, good.driver + 1);
	RT_REFUSED(-EINVAL, device, good.device + 2);
	RT_REFUSED(-EINVAL, ring_map, &user);
	if (g->p.packed) {
		RT_REFUSED(-EINVAL, state.packed.last_avail_idx, good.num);
		RT_REFUSED(-EINVAL, state.packed.last_used_idx, good.num);
	} else {
		RT_REFUSED(-EINVAL, num, 12);
	}
	KUNIT_EXPECT_EQ(test, 0, vdpa_ring_init(&g->ring, c));
}

static struct kunit_case rt_cases[] = {
	KUNIT_CASE_PARAM(rt_random_test, rt_gen_params),
	KUNIT_CASE_PARAM(rt_noise_test, rt_gen_params),
	KUNIT_CASE_PARAM(rt_bad_test, rt_bad_next),
	KUNIT_CASE_PARAM(rt_copy_test, rt_gen_params),
	KUNIT_CASE_PARAM(rt_copy_fault_test, rt_gen_params),
	KUNIT_CASE(rt_split_event_test),
	KUNIT_CASE(rt_packed_event_test),
	KUNIT_CASE_PARAM(rt_overdue_event_test, rt_layout_gen_params),
	KUNIT_CASE_PARAM(rt_kick_flags_test, rt_layout_gen_params),
	KUNIT_CASE_PARAM(rt_room_test, rt_layout_gen_params),
	KUNIT_CASE_PARAM(rt_large_test, rt_layout_gen_params),
	KUNIT_CASE_PARAM(rt_batch_test, rt_layout_gen_params),
	KUNIT_CASE(rt_used_index_test),
	KUNIT_CASE(rt_packed_state_test),
	KUNIT_CASE(rt_packed_half_state_test),
	KUNIT_CASE_PARAM(rt_identity_test, rt_layout_gen_params),
	KUNIT_CASE_PARAM(rt_two_maps_test, rt_layout_gen_params),
	KUNIT_CASE_PARAM(rt_area_test, rt_layout_gen_params),
	KUNIT_CASE_PARAM(rt_config_test, rt_layout_gen_params),
	{}
};

static struct kunit_suite rt_suite = {
	.name = "vdpa_ring",
	.test_cases = rt_cases,
};

kunit_test_suite(rt_suite);
