// SPDX-License-Identifier: GPL-2.0
/*
 * A guest for the tests of the ring library, see ring_test.h
 *
 * The driver is written after the specification, without a look at the device
 * side, so that the two do not share their mistakes.
 */
#include <linux/gfp.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/vhost_iotlb.h>

#include "ring_test.h"

#define RT_AVAIL	0x0080
#define RT_USED		0x8000

u32 rt_random(struct rt_guest *g, u32 below)
{
	return prandom_u32_state(&g->rnd) % below;
}

/* memory */

static void *rt_page(struct rt_guest *g, u32 off)
{
	return page_address(g->pages[off >> PAGE_SHIFT]) + offset_in_page(off);
}

static void __user *rt_user(struct rt_guest *g, u32 off)
{
	return (void __user *)(g->user + off);
}

void rt_put(struct rt_guest *g, u32 off, const void *from, u32 len)
{
	u32 piece;

	KUNIT_ASSERT_LE(g->test, off + len, RT_SIZE);
	for (; len; off += piece, from += piece, len -= piece) {
		piece = min_t(u32, len, PAGE_SIZE - offset_in_page(off));
		if (!g->user)
			memcpy(rt_page(g, off), from, piece);
		else
			KUNIT_ASSERT_EQ(g->test, 0,
					copy_to_user(rt_user(g, off), from, piece));
	}
}

void rt_get(struct rt_guest *g, u32 off, void *to, u32 len)
{
	u32 piece;

	KUNIT_ASSERT_LE(g->test, off + len, RT_SIZE);
	for (; len; off += piece, to += piece, len -= piece) {
		piece = min_t(u32, len, PAGE_SIZE - offset_in_page(off));
		if (!g->user)
			memcpy(to, rt_page(g, off), piece);
		else
			KUNIT_ASSERT_EQ(g->test, 0,
					copy_from_user(to, rt_user(g, off), piece));
	}
}

void rt_put16(struct rt_guest *g, u32 off, u16 value)
{
	__le16 le = cpu_to_le16(value);

	rt_put(g, off, &le, sizeof(le));
}

u16 rt_get16(struct rt_guest *g, u32 off)
{
	__le16 le;

	rt_get(g, off, &le, sizeof(le));
	return le16_to_cpu(le);
}

static u32 rt_get32(struct rt_guest *g, u32 off)
{
	__le32 le;

	rt_get(g, off, &le, sizeof(le));
	return le32_to_cpu(le);
}

/* The two last words are flags and next, or id and flags. */
void rt_put_desc(struct rt_guest *g, u32 off, u64 addr, u32 len, u16 third,
		 u16 fourth)
{
	struct {
		__le64 addr;
		__le32 len;
		__le16 third;
		__le16 fourth;
	} desc = {
		cpu_to_le64(addr), cpu_to_le32(len), cpu_to_le16(third),
		cpu_to_le16(fourth),
	};

	rt_put(g, off, &desc, sizeof(desc));
}

u8 rt_pattern(u8 seed, u32 i)
{
	return seed ^ (i * 131) ^ (i >> 7);
}

/* Where the host has the byte at an offset */
u64 rt_host(struct rt_guest *g, u32 off)
{
	if (g->user)
		return g->user + off;
	return page_to_phys(g->pages[off >> PAGE_SHIFT]) + offset_in_page(off);
}

void rt_map_add(struct rt_guest *g, u64 iova, u64 last, u64 addr, u32 perm)
{
	KUNIT_ASSERT_EQ(g->test, 0,
			vhost_iotlb_add_range(g->map.iotlb, iova, last, addr, perm));
	vdpa_ring_map_changed(&g->map);
}

static void rt_map_piece(struct rt_guest *g, u32 off, u32 len)
{
	rt_map_add(g, RT_BASE + off, RT_BASE + off + len - 1, rt_host(g, off),
		   VHOST_MAP_RW);
}

static void rt_map_whole(struct rt_guest *g)
{
	u32 off;

	vhost_iotlb_reset(g->map.iotlb);
	if (g->p.memory != RT_SCATTERED) {
		rt_map_piece(g, 0, RT_SIZE);
		return;
	}
	for (off = 0; off < RT_SIZE; off += PAGE_SIZE)
		rt_map_piece(g, off, PAGE_SIZE);
}

/* Another translation with the same result; entries begin and end anywhere. */
void rt_guest_split_map(struct rt_guest *g)
{
	u32 off, len;

	if (g->p.memory == RT_SCATTERED) {
		rt_guest_swap_pages(g);
		return;
	}
	vhost_iotlb_reset(g->map.iotlb);
	for (off = 0; off < RT_SIZE; off += len) {
		len = min_t(u32, RT_SIZE - off, 1 + rt_random(g, 0x3000));
		rt_map_piece(g, off, len);
	}
}

/* The same memory elsewhere: who still goes to the old place will be noticed. */
void rt_guest_swap_pages(struct rt_guest *g)
{
	u32 i = rt_random(g, RT_PAGES), j = rt_random(g, RT_PAGES);
	u8 *a = page_address(g->pages[i]), *b = page_address(g->pages[j]);
	u32 k;

	for (k = 0; k < PAGE_SIZE; k++)
		swap(a[k], b[k]);
	swap(g->pages[i], g->pages[j]);
	rt_map_whole(g);
}

static void rt_guest_free_pages(void *data)
{
	struct rt_guest *g = data;
	unsigned int i;

	if (g->p.memory == RT_LINEAR && g->pages[0])
		free_pages_exact(page_address(g->pages[0]), RT_SIZE);
	else if (g->p.memory == RT_SCATTERED)
		for (i = 0; i < RT_PAGES && g->pages[i]; i++)
			__free_page(g->pages[i]);
}

static void rt_guest_alloc_pages(struct rt_guest *g)
{
	unsigned int i;
	void *linear;

	KUNIT_ASSERT_EQ(g->test, 0,
			kunit_add_action_or_reset(g->test, rt_guest_free_pages, g));
	if (g->p.memory == RT_LINEAR) {
		linear = alloc_pages_exact(RT_SIZE, GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(g->test, linear);
		for (i = 0; i < RT_PAGES; i++)
			g->pages[i] = virt_to_page(linear + i * PAGE_SIZE);
		return;
	}
	for (i = 0; i < RT_PAGES; i++) {
		g->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(g->test, g->pages[i]);
	}
}

static void rt_guest_map_user(struct rt_guest *g)
{
	g->user = kunit_vm_mmap(g->test, NULL, 0, RT_SIZE, PROT_READ | PROT_WRITE,
				MAP_ANONYMOUS | MAP_PRIVATE, 0);
	if (!g->user || IS_ERR_VALUE(g->user))
		kunit_skip(g->test, "no user memory on this kernel");
}

static void rt_guest_destroy(void *data)
{
	struct rt_guest *g = data;

	vdpa_ring_release(&g->ring);
	if (g->map.iotlb)
		vhost_iotlb_free(g->map.iotlb);
}

struct rt_guest *rt_guest_create(struct kunit *test, const struct rt_param *p)
{
	struct rt_guest *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, g);
	g->test = test;
	g->p = *p;
	prandom_seed_state(&g->rnd, 1);
	if (p->memory == RT_USER)
		rt_guest_map_user(g);
	else
		rt_guest_alloc_pages(g);

	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, rt_guest_destroy, g));
	g->map.iotlb = vhost_iotlb_alloc(U32_MAX, 0);
	KUNIT_ASSERT_NOT_NULL(test, g->map.iotlb);
	g->map.user = p->memory == RT_USER;
	rt_map_whole(g);
	return g;
}

static void rt_driver_reset(struct rt_guest *g)
{
	u16 i;

	g->avail = g->p.packed ? 0 : g->p.start;
	g->used = g->avail;
	g->avail_wrap = true;
	g->used_wrap = true;
	g->added = 0;
	g->waiting = 0;
	g->slots = g->p.num;
	g->nfree = min_t(u32, g->p.num, RT_NUM);
	for (i = 0; i < g->nfree; i++)
		g->free[i] = i;
	memset(g->requests, 0, sizeof(g->requests));
}

/* Resets driver and memory, and sets the ring up with what @p asks for. */
void rt_guest_start(struct rt_guest *g, u64 features)
{
	u32 off;

	memset(g->buf, 0, sizeof(g->buf));
	for (off = 0; off < RT_DATA; off += sizeof(g->buf))
		rt_put(g, off, g->buf, sizeof(g->buf));
	rt_driver_reset(g);

	features |= BIT_ULL(VIRTIO_F_VERSION_1);
	if (g->p.packed)
		features |= BIT_ULL(VIRTIO_F_RING_PACKED);
	if (g->p.event_idx)
		features |= BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	g->config.features = features;
	g->config.desc = RT_BASE + RT_DESC;
	g->config.driver = RT_BASE + RT_DRIVER;
	g->config.device = RT_BASE + RT_DEVICE;
	g->config.num = g->p.num;
	g->config.map = &g->map;
	vdpa_ring_state_init(&g->config.state, features);
	if (!g->p.packed) {
		g->config.state.split.avail_index = g->p.start;
		rt_put16(g, RT_DRIVER + 2, g->p.start);
		rt_put16(g, RT_DEVICE + 2, g->p.start);
	}
	vdpa_ring_release(&g->ring);
	KUNIT_ASSERT_EQ(g->test, 0, vdpa_ring_init(&g->ring, &g->config));
}

/* driver */

u32 rt_part_len(const struct rt_request *req, bool in)
{
	u32 i, len = 0;

	for (i = 0; i < req->out + req->in; i++)
		if (in ? i >= req->out : i < req->out)
			len += req->len[i];
	return len;
}

/* Cuts pieces of any size, with gaps, from the room that the request has. */
static void rt_cut(struct rt_guest *g, struct rt_request *req, u32 room)
{
	u32 i, n = req->out + req->in, share = RT_DATA_SIZE / n;

	if (g->p.num > RT_NUM)
		share = 64;
	for (i = 0; i < n; i++) {
		req->len[i] = rt_random(g, 8) ? rt_random(g, share) : 0;
		req->off[i] = room + i * share +
			      rt_random(g, share - req->len[i]);
	}
}

static void rt_fill(struct rt_guest *g, struct rt_request *req)
{
	u32 i, j, pos = 0;

	for (i = 0; i < req->out + req->in; i++) {
		for (j = 0; j < req->len[i]; j++)
			g->buf[j] = i < req->out ? rt_pattern(req->seed, pos++) :
						   RT_UNWRITTEN;
		rt_put(g, req->off[i], g->buf, req->len[i]);
	}
}

/* An indirect table; a split one is not in the order of its chain. */
static void rt_put_table(struct rt_guest *g, const struct rt_request *req,
			 u32 table, u32 from)
{
	u32 i, n = req->out + req->in - from;
	u16 flags, next;

	for (i = 0; i < n; i++) {
		u64 addr = RT_BASE + req->off[from + i];
		u32 len = req->len[from + i];

		flags = from + i >= req->out ? VRING_DESC_F_WRITE : 0;
		if (g->p.packed) {
			rt_put_desc(g, table + i * 16, addr, len, 0xdead, flags);
			continue;
		}
		next = n - 1 - i;
		if (next)
			flags |= VRING_DESC_F_NEXT;
		rt_put_desc(g, table + (i ? n - i : 0) * 16, addr, len, flags, next);
	}
}

/* The @i-th descriptor of a request: where to, how long, flags but of layout */
static void rt_describe(const struct rt_request *req, u32 i, u32 direct,
			u32 table, u64 *addr, u32 *len, u16 *flags)
{
	u32 n = req->out + req->in;

	if (i == direct) {
		*addr = RT_BASE + table;
		*len = (n - direct) * 16;
		*flags = VRING_DESC_F_INDIRECT;
		return;
	}
	*addr = RT_BASE + req->off[i];
	*len = req->len[i];
	*flags = (i >= req->out ? VRING_DESC_F_WRITE : 0) |
		 (i + 1 < req->slots ? VRING_DESC_F_NEXT : 0);
}

static void rt_publish_split(struct rt_guest *g, struct rt_request *req,
			     u32 direct, u32 table)
{
	u16 i, flags;
	u64 addr;
	u32 len;

	for (i = 0; i < req->slots; i++) {
		rt_describe(req, i, direct, table, &addr, &len, &flags);
		rt_put_desc(g, RT_DESC + req->desc[i] * 16, addr, len, flags,
			    i + 1 < req->slots ? req->desc[i + 1] : 0xdead);
	}
	rt_put16(g, RT_DRIVER + 4 + (g->avail % g->p.num) * 2, req->desc[0]);
	g->avail++;
	g->added++;
	rt_put16(g, RT_DRIVER + 2, g->avail);
}

static void rt_publish_packed(struct rt_guest *g, struct rt_request *req,
			      u32 direct, u32 table)
{
	u16 i, flags, first_flags = 0, first = g->avail;
	u16 id = req - g->requests;
	u64 addr;
	u32 len;

	for (i = 0; i < req->slots; i++) {
		rt_describe(req, i, direct, table, &addr, &len, &flags);
		flags |= g->avail_wrap ? RT_AVAIL : RT_USED;
		if (!i) {
			first_flags = flags;
			flags ^= RT_AVAIL | RT_USED;
		}
		rt_put_desc(g, RT_DESC + g->avail * 16, addr, len,
			    i + 1 == req->slots ? id : 0xdead, flags);
		if (++g->avail == g->p.num) {
			g->avail = 0;
			g->avail_wrap = !g->avail_wrap;
		}
	}
	rt_put16(g, RT_DESC + first * 16 + 14, first_flags);
	g->added += req->slots;
	g->slots -= req->slots;
}

/*
 * Makes a chain available, of which @direct pieces have a descriptor in the ring
 * and the others are in an indirect table. False if there is no room.
 */
bool rt_add(struct rt_guest *g, unsigned int out, unsigned int in,
	    unsigned int direct)
{
	u16 slots = direct + (direct < out + in), i;
	struct rt_request *req;
	u32 table, id, pick;

	if (g->p.packed ? !g->nfree || g->slots < slots : g->nfree < slots)
		return false;
	pick = rt_random(g, g->nfree);
	swap(g->free[pick], g->free[g->nfree - 1]);
	id = g->free[g->nfree - 1];
	req = &g->requests[id];
	KUNIT_ASSERT_FALSE(g->test, req->busy);
	for (i = 0; i < (g->p.packed ? 1 : slots); i++)
		req->desc[i] = g->free[--g->nfree];

	req->busy = true;
	req->out = out;
	req->in = in;
	req->slots = slots;
	req->seed = rt_random(g, 256);
	req->written = 0;
	rt_cut(g, req, RT_DATA + id * RT_DATA_SIZE);
	rt_fill(g, req);
	table = RT_TABLES + id * RT_TABLE_SIZE;
	if (direct < out + in)
		rt_put_table(g, req, table, direct);
	if (g->p.packed)
		rt_publish_packed(g, req, direct, table);
	else
		rt_publish_split(g, req, direct, table);
	g->waiting++;
	return true;
}

/* A place that is @n behind @pos in a packed ring, as off and wrap */
static u16 rt_packed_back(struct rt_guest *g, u16 pos, bool wrap, u16 n)
{
	while (n--) {
		if (!pos) {
			pos = g->p.num;
			wrap = !wrap;
		}
		pos--;
	}
	return pos | wrap << 15;
}

/* Is it to be kicked for what was added since the last call? */
bool rt_kick(struct rt_guest *g)
{
	u16 added = g->added, event, flags, i;

	g->added = 0;
	if (g->p.packed) {
		flags = rt_get16(g, RT_DEVICE + 2);
		if (flags != VRING_PACKED_EVENT_FLAG_DESC)
			return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
		event = rt_get16(g, RT_DEVICE);
		for (i = 1; i <= added; i++)
			if (rt_packed_back(g, g->avail, g->avail_wrap, i) == event)
				return true;
		return false;
	}
	if (!g->p.event_idx)
		return !(rt_get16(g, RT_DEVICE) & VRING_USED_F_NO_NOTIFY);
	event = rt_get16(g, RT_DEVICE + 4 + g->p.num * 8);
	return (u16)(g->avail - 1 - event) < added;
}

static bool rt_poll_packed(struct rt_guest *g, u32 *id, u32 *len)
{
	u32 off = RT_DESC + g->used * 16;
	u16 flags = rt_get16(g, off + 14), wrap = g->used_wrap ? RT_AVAIL | RT_USED : 0;

	if ((flags & (RT_AVAIL | RT_USED)) != wrap)
		return false;
	*id = rt_get16(g, off + 12);
	*len = flags & VRING_DESC_F_WRITE ? rt_get32(g, off + 8) : 0;
	return true;
}

static bool rt_poll_split(struct rt_guest *g, u32 *id, u32 *len)
{
	u32 off = RT_DEVICE + 4 + (g->used % g->p.num) * 8;

	if (rt_get16(g, RT_DEVICE + 2) == g->used)
		return false;
	*id = rt_get32(g, off);
	*len = rt_get32(g, off + 4);
	return true;
}

/* A request that the device gave back, and the length it said; NULL if none */
struct rt_request *rt_poll(struct rt_guest *g, u32 *len)
{
	struct rt_request *req;
	u32 id, i;

	if (g->p.packed ? !rt_poll_packed(g, &id, len) : !rt_poll_split(g, &id, len))
		return NULL;
	KUNIT_ASSERT_LT(g->test, id, RT_NUM);
	req = &g->requests[id];
	KUNIT_ASSERT_TRUE(g->test, req->busy);
	req->busy = false;

	if (!g->p.packed) {
		g->used++;
		for (i = 0; i < req->slots; i++)
			g->free[g->nfree++] = req->desc[i];
		return req;
	}
	g->free[g->nfree++] = id;
	g->slots += req->slots;
	g->used += req->slots;
	if (g->used >= g->p.num) {
		g->used -= g->p.num;
		g->used_wrap = !g->used_wrap;
	}
	return req;
}

/* The device wrote its pattern, as much of it as it said, and nothing else. */
void rt_check_written(struct rt_guest *g, const struct rt_request *req)
{
	u32 i, j, pos = 0;
	u8 want;

	for (i = req->out; i < req->out + req->in; i++) {
		rt_get(g, req->off[i], g->buf, req->len[i]);
		for (j = 0; j < req->len[i]; j++, pos++) {
			want = pos < req->written ?
			       rt_pattern(~req->seed, pos) : RT_UNWRITTEN;
			if (g->buf[j] == want)
				continue;
			KUNIT_FAIL(g->test, "byte %u of %u is %#x, not %#x", pos,
				   req->written, g->buf[j], want);
			return;
		}
	}
}

/* Asks to be told of the next used buffer, or not to be told. */
void rt_want_notify(struct rt_guest *g, bool want)
{
	if (g->p.packed) {
		if (!want) {
			rt_put16(g, RT_DRIVER + 2, VRING_PACKED_EVENT_FLAG_DISABLE);
			return;
		}
		rt_put16(g, RT_DRIVER, g->used | g->used_wrap << 15);
		rt_put16(g, RT_DRIVER + 2, g->p.event_idx ?
			 VRING_PACKED_EVENT_FLAG_DESC : VRING_PACKED_EVENT_FLAG_ENABLE);
		return;
	}
	if (g->p.event_idx)
		rt_put16(g, RT_DRIVER + 4 + g->p.num * 2,
			 want ? g->used : g->used - 1);
	else
		rt_put16(g, RT_DRIVER, want ? 0 : VRING_AVAIL_F_NO_INTERRUPT);
}
