/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest for the tests of the ring library: its memory and its driver
 *
 * Offsets count from the beginning of the memory, which is at the I/O virtual
 * address RT_BASE.
 */
#ifndef _VDPA_RING_TEST_H
#define _VDPA_RING_TEST_H

#include <kunit/test.h>
#include <linux/prandom.h>

#include "ring_internal.h"

#define RT_BASE		0x7f0000000ULL
#define RT_DESC		0x0000
#define RT_DRIVER	0x4000
#define RT_DEVICE	0x8000
#define RT_TABLES	0xc008	/* aligned as little as the fast path takes */
#define RT_TABLE_SIZE	0x208
#define RT_DATA		0x14000
#define RT_DATA_SIZE	0x2000	/* for each request */
#define RT_NUM		32	/* largest ring that has room for requests */
#define RT_SIZE		(RT_DATA + RT_NUM * RT_DATA_SIZE)
#define RT_PAGES	(RT_SIZE / PAGE_SIZE)
#define RT_SEGS		8	/* in a request */
#define RT_UNWRITTEN	0xee

enum rt_memory {
	RT_LINEAR,	/* one piece of physical memory */
	RT_SCATTERED,	/* pages from anywhere */
	RT_USER,	/* user memory */
};

/**
 * struct rt_param - what kind of ring a test is run with
 * @memory: of the guest
 * @packed: layout
 * @event_idx: VIRTIO_RING_F_EVENT_IDX
 * @num: size of the ring
 * @start: where a split ring starts
 */
struct rt_param {
	enum rt_memory memory;
	bool packed;
	bool event_idx;
	u32 num;
	u16 start;
};

/**
 * struct rt_request - what the driver knows of a chain
 * @busy: the device has it
 * @out: number of pieces for reading
 * @in: number of pieces for writing
 * @slots: descriptors in the ring
 * @seed: of the data to be read
 * @written: bytes the device says to have written
 * @desc: the descriptors, in a split ring
 * @off: offset of each piece
 * @len: length of each piece
 */
struct rt_request {
	bool busy;
	u8 out;
	u8 in;
	u16 slots;
	u8 seed;
	u32 written;
	u16 desc[RT_SEGS + 1];
	u32 off[RT_SEGS];
	u32 len[RT_SEGS];
};

/**
 * struct rt_guest - memory, driver and ring
 * @test: the test
 * @p: kind; rings larger than RT_NUM have short buffers
 * @rnd: source of choices
 * @pages: its memory, unless @user
 * @user: its memory, as a user address
 * @map: address space
 * @config: of @ring
 * @ring: what is tested
 * @avail: next place in the available ring, or the ring
 * @avail_wrap: wrap counter of @avail
 * @used: next place in the used ring, or the ring
 * @used_wrap: wrap counter of @used
 * @added: places in the ring filled since it was last asked whether to kick
 * @waiting: chains that the device did not take yet
 * @free: descriptors (split) or ids (packed) that are free
 * @nfree: how many these are
 * @slots: places free in a packed ring
 * @requests: by id
 * @buf: room for the data of a request
 * @chains: room for what the device takes
 */
struct rt_guest {
	struct kunit *test;
	struct rt_param p;
	struct rnd_state rnd;
	struct page *pages[RT_PAGES];
	unsigned long user;
	struct vdpa_ring_map map;
	struct vdpa_ring_config config;
	struct vdpa_ring ring;

	u16 avail;
	bool avail_wrap;
	u16 used;
	bool used_wrap;
	u16 added;
	int waiting;
	u16 free[RT_NUM];
	u16 nfree;
	u16 slots;
	struct rt_request requests[RT_NUM];
	u8 buf[RT_DATA_SIZE];
	struct vdpa_ring_chain chains[RT_NUM];
};

struct rt_guest *rt_guest_create(struct kunit *test, const struct rt_param *p);
void rt_guest_start(struct rt_guest *g, u64 features);
void rt_guest_split_map(struct rt_guest *g);
void rt_guest_swap_pages(struct rt_guest *g);
void rt_map_add(struct rt_guest *g, u64 iova, u64 last, u64 addr, u32 perm);
u64 rt_host(struct rt_guest *g, u32 off);

u32 rt_random(struct rt_guest *g, u32 below);
void rt_put(struct rt_guest *g, u32 off, const void *from, u32 len);
void rt_get(struct rt_guest *g, u32 off, void *to, u32 len);
void rt_put16(struct rt_guest *g, u32 off, u16 value);
u16 rt_get16(struct rt_guest *g, u32 off);
void rt_put_desc(struct rt_guest *g, u32 off, u64 addr, u32 len, u16 third,
		 u16 fourth);
u8 rt_pattern(u8 seed, u32 i);

u32 rt_part_len(const struct rt_request *req, bool in);
bool rt_add(struct rt_guest *g, unsigned int out, unsigned int in,
	    unsigned int direct);
bool rt_kick(struct rt_guest *g);
struct rt_request *rt_poll(struct rt_guest *g, u32 *len);
void rt_check_written(struct rt_guest *g, const struct rt_request *req);
void rt_want_notify(struct rt_guest *g, bool want);

#endif /* _VDPA_RING_TEST_H */
