// SPDX-License-Identifier: GPL-2.0
/*
 * Packed virtqueues: virtio 1.2, 2.8
 *
 * There is one ring, in which the driver makes descriptors available and the
 * device overwrites them with used ones. Two flags of a descriptor tell which it
 * is, by comparison with wrap counters that change with each round.
 */
#include "ring_internal.h"

/* Offsets in a descriptor */
#define VDPA_PACKED_LEN		8
#define VDPA_PACKED_ID		12
#define VDPA_PACKED_FLAGS	14

/* Offsets in the driver's and the device's area */
#define VDPA_PACKED_EVENT_OFF	0
#define VDPA_PACKED_EVENT_FLAGS	2

/* The other bits of the flags there are reserved. */
#define VDPA_PACKED_EVENT_MASK	3

#define VDPA_PACKED_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define VDPA_PACKED_USED	BIT(VRING_PACKED_DESC_F_USED)
#define VDPA_PACKED_WRAP	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

static int vdpa_packed_fault(struct vdpa_ring *ring)
{
	return vdpa_ring_break(ring, -EFAULT, "ring cannot be read");
}

static __always_inline unsigned long
vdpa_packed_desc(const struct vdpa_ring *ring, u32 i)
{
	return ring->desc.host + i * VDPA_RING_DESC_SIZE;
}

static __always_inline void vdpa_packed_advance(const struct vdpa_ring *ring,
						u16 *pos, bool *wrap, u32 slots)
{
	u32 next = *pos + slots;

	if (next >= ring->num) {
		next -= ring->num;
		*wrap = !*wrap;
	}
	*pos = next;
}

static __always_inline bool vdpa_packed_is_avail(u16 flags, bool wrap)
{
	return !!(flags & VDPA_PACKED_AVAIL) == wrap &&
	       !!(flags & VDPA_PACKED_USED) != wrap;
}

/* Looks for a chain: 1 if there is one, 0 if not. */
static __always_inline int vdpa_packed_look(struct vdpa_ring *ring, bool user)
{
	unsigned long desc = vdpa_packed_desc(ring, ring->avail);
	u16 flags;

	if (unlikely(vdpa_ring_get16(user, desc + VDPA_PACKED_FLAGS, &flags)))
		return vdpa_packed_fault(ring);
	if (!vdpa_packed_is_avail(flags, ring->avail_wrap))
		return 0;
	smp_rmb(); /* the rest of the chain was written before these flags */
	return 1;
}

/* All of an indirect table is the chain. */
static int vdpa_packed_take_table(struct vdpa_ring *ring,
				  struct vdpa_ring_chain *chain,
				  const struct vdpa_ring_desc *head, bool user)
{
	struct vdpa_ring_table table;
	struct vdpa_ring_desc desc;
	__le64 words[2];
	u16 ignored;
	u32 i;
	int err;

	err = vdpa_ring_table_begin(ring, &table, head);
	for (i = 0; !err && i < table.num; i++) {
		err = vdpa_ring_table_get(ring, &table, i, user, words);
		if (unlikely(err))
			break;
		vdpa_ring_packed_desc(&desc, &ignored, words);
		if (unlikely(desc.flags & VRING_DESC_F_INDIRECT))
			return vdpa_ring_break(ring, -EINVAL,
					       "indirect table in an indirect table");
		err = vdpa_ring_chain_add(ring, chain, &desc);
	}
	return err;
}

/*
 * The first descriptor was seen to be available. By the flags that are read now
 * it has to be, too, as those that follow.
 */
static __always_inline int vdpa_packed_take_chain(struct vdpa_ring *ring,
						  struct vdpa_ring_chain *chain,
						  bool user)
{
	u32 left = ring->num - ring->slots;
	bool wrap = ring->avail_wrap;
	struct vdpa_ring_desc desc;
	u16 pos = ring->avail;
	__le64 words[2];
	int err;

	for (; left; left--) {
		if (unlikely(vdpa_ring_get_words(user, vdpa_packed_desc(ring, pos),
						 words)))
			return vdpa_packed_fault(ring);
		vdpa_ring_packed_desc(&desc, &chain->id, words);
		if (unlikely(!vdpa_packed_is_avail(desc.flags, wrap)))
			return vdpa_ring_break(ring, -EINVAL,
					       "descriptor in a chain is not available");
		vdpa_packed_advance(ring, &pos, &wrap, 1);
		chain->slots++;
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return vdpa_packed_take_table(ring, chain, &desc, user);
		err = vdpa_ring_chain_add(ring, chain, &desc);
		if (unlikely(err) || !(desc.flags & VRING_DESC_F_NEXT))
			return err;
	}
	return vdpa_ring_break(ring, -EINVAL, "chains are longer than the ring");
}

static __always_inline int vdpa_packed_take_all(struct vdpa_ring *ring,
						struct vdpa_ring_chain *chains,
						unsigned int max, bool user)
{
	unsigned int n;
	int err = 0;

	for (n = 0; n < max; n++) {
		err = vdpa_packed_look(ring, user);
		if (err <= 0)
			break;
		vdpa_ring_chain_begin(ring, &chains[n]);
		err = vdpa_packed_take_chain(ring, &chains[n], user);
		if (unlikely(err))
			break;
		vdpa_ring_chain_end(ring, &chains[n]);
		vdpa_packed_advance(ring, &ring->avail, &ring->avail_wrap,
				    chains[n].slots);
	}
	return vdpa_ring_take_end(n, err);
}

int vdpa_packed_take(struct vdpa_ring *ring, struct vdpa_ring_chain *chains,
		     unsigned int max)
{
	return ring->user ? vdpa_packed_take_all(ring, chains, max, true) :
			    vdpa_packed_take_all(ring, chains, max, false);
}

void vdpa_packed_untake(struct vdpa_ring *ring, u32 slots)
{
	if (ring->avail < slots) {
		ring->avail += ring->num;
		ring->avail_wrap = !ring->avail_wrap;
	}
	ring->avail -= slots;
}

/* Flags of a used descriptor. Without WRITE its length means nothing. */
static __always_inline u16 vdpa_packed_used_flags(bool wrap, u32 written)
{
	return (wrap ? VDPA_PACKED_AVAIL | VDPA_PACKED_USED : 0) |
	       (written ? VRING_DESC_F_WRITE : 0);
}

/* The driver finds any of a batch only once the flags of the first are there. */
static __always_inline int
vdpa_packed_complete_all(struct vdpa_ring *ring,
			 const struct vdpa_ring_chain *chains, unsigned int n,
			 bool user)
{
	unsigned long desc, first = vdpa_packed_desc(ring, ring->used);
	u16 flags, first_flags = 0;
	unsigned int i;
	u32 written;

	for (i = 0; i < n; i++) {
		desc = vdpa_packed_desc(ring, ring->used);
		written = min(chains[i].written, chains[i].in_len);
		flags = vdpa_packed_used_flags(ring->used_wrap, written);
		if (!i)
			first_flags = flags;
		if (unlikely(vdpa_ring_put32(user, desc + VDPA_PACKED_LEN, written) ||
			     vdpa_ring_put16(user, desc + VDPA_PACKED_ID,
					     chains[i].id)))
			return -EFAULT;
		if (i && unlikely(vdpa_ring_put16(user, desc + VDPA_PACKED_FLAGS,
						  flags)))
			return -EFAULT;
		vdpa_packed_advance(ring, &ring->used, &ring->used_wrap,
				    chains[i].slots);
	}
	smp_wmb(); /* all of that, and the data before, before the first flags */
	return vdpa_ring_put16(user, first + VDPA_PACKED_FLAGS, first_flags);
}

int vdpa_packed_complete(struct vdpa_ring *ring,
			 const struct vdpa_ring_chain *chains, unsigned int n)
{
	return ring->user ? vdpa_packed_complete_all(ring, chains, n, true) :
			    vdpa_packed_complete_all(ring, chains, n, false);
}

/* Did the last @slots places reach the one that the driver waits for? */
static bool vdpa_packed_event(const struct vdpa_ring *ring, u16 off_wrap,
			      u32 slots)
{
	u16 event = off_wrap & ~VDPA_PACKED_WRAP;

	if (!!(off_wrap & VDPA_PACKED_WRAP) != ring->used_wrap)
		event -= ring->num;
	return vring_need_event(event, ring->used, ring->used - slots);
}

bool vdpa_packed_need_notify(struct vdpa_ring *ring, u32 slots)
{
	unsigned long area = ring->driver.host;
	u16 flags, off_wrap;

	if (vdpa_ring_get16(ring->user, area + VDPA_PACKED_EVENT_FLAGS, &flags))
		goto err_fault;
	flags &= VDPA_PACKED_EVENT_MASK;
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ring->event_idx ||
	    slots > ring->num)
		return true;

	smp_rmb(); /* the place was written before the flags that refer to it */
	if (vdpa_ring_get16(ring->user, area + VDPA_PACKED_EVENT_OFF, &off_wrap))
		goto err_fault;
	return vdpa_packed_event(ring, off_wrap, slots);

err_fault:
	vdpa_packed_fault(ring);
	return false;
}

static bool vdpa_packed_put_device(struct vdpa_ring *ring, u32 offset, u16 value)
{
	if (!vdpa_ring_put16(ring->user, ring->device.host + offset, value))
		return true;
	vdpa_ring_break(ring, -EFAULT, "ring cannot be written");
	return false;
}

static bool vdpa_packed_ask_for_kicks(struct vdpa_ring *ring)
{
	u16 wrap = ring->avail_wrap ? VDPA_PACKED_WRAP : 0;
	u16 flags = VRING_PACKED_EVENT_FLAG_ENABLE;

	if (ring->event_idx) {
		flags = VRING_PACKED_EVENT_FLAG_DESC;
		if (!vdpa_packed_put_device(ring, VDPA_PACKED_EVENT_OFF,
					    ring->avail | wrap))
			return false;
		smp_wmb(); /* the place before the flags that refer to it */
	}
	return ring->kicks == VDPA_RING_KICKS_ON ||
	       vdpa_packed_put_device(ring, VDPA_PACKED_EVENT_FLAGS, flags);
}

bool vdpa_packed_enable_kicks(struct vdpa_ring *ring)
{
	if (!vdpa_packed_ask_for_kicks(ring))
		return true;
	ring->kicks = VDPA_RING_KICKS_ON;

	/* Pairs with the driver's: it adds, then looks whether to kick. */
	smp_mb();
	return vdpa_packed_look(ring, ring->user) != 0;
}

void vdpa_packed_disable_kicks(struct vdpa_ring *ring)
{
	vdpa_packed_put_device(ring, VDPA_PACKED_EVENT_FLAGS,
			       VRING_PACKED_EVENT_FLAG_DISABLE);
}
