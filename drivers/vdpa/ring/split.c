// SPDX-License-Identifier: GPL-2.0
/*
 * Split virtqueues: virtio 1.2, 2.7
 *
 * All indices are free-running and 16 bits wide. How much of the used ring is
 * written needs no look at memory, but once: after a restore, there is no other
 * place that tells.
 */
#include "ring_internal.h"

/* Offsets in the driver's and the device's area */
#define VDPA_SPLIT_FLAGS	0
#define VDPA_SPLIT_IDX		2
#define VDPA_SPLIT_RING		4

static __always_inline int vdpa_split_fault(struct vdpa_ring *ring)
{
	return vdpa_ring_break(ring, -EFAULT, "ring cannot be read");
}

static unsigned long vdpa_split_used_event(const struct vdpa_ring *ring)
{
	return ring->driver.host + VDPA_SPLIT_RING + ring->num * sizeof(__le16);
}

static unsigned long vdpa_split_avail_event(const struct vdpa_ring *ring)
{
	return ring->device.host + VDPA_SPLIT_RING +
	       ring->num * sizeof(struct vring_used_elem);
}

/*
 * Where the used ring goes on. What lies between there and the available index
 * was lost together with the device that had taken it.
 */
int vdpa_split_read_used(struct vdpa_ring *ring)
{
	if (vdpa_ring_get16(ring->user, ring->device.host + VDPA_SPLIT_IDX,
			    &ring->used))
		return vdpa_split_fault(ring);
	return 0;
}

/* Looks how far the driver went: 1 if there is something, 0 if not. */
static __always_inline int vdpa_split_look(struct vdpa_ring *ring, bool user)
{
	u16 idx;

	if (unlikely(vdpa_ring_get16(user, ring->driver.host + VDPA_SPLIT_IDX,
				     &idx)))
		return vdpa_split_fault(ring);
	if (idx == ring->avail)
		return 0;
	if (unlikely((u16)(idx - ring->avail) > ring->num - ring->chains))
		return vdpa_ring_break(ring, -EINVAL,
				       "available index went too far");
	ring->avail_seen = idx;
	smp_rmb(); /* entries and descriptors were written before the index */
	return 1;
}

/* An indirect table is a chain of its own, from its first entry on. */
static int vdpa_split_take_table(struct vdpa_ring *ring,
				 struct vdpa_ring_chain *chain,
				 const struct vdpa_ring_desc *head, bool user)
{
	struct vdpa_ring_table table;
	struct vdpa_ring_desc desc;
	__le64 words[2];
	u32 i = 0, left;
	int err;

	err = vdpa_ring_table_begin(ring, &table, head);
	if (unlikely(err))
		return err;
	for (left = table.num; left; left--) {
		if (unlikely(i >= table.num))
			return vdpa_ring_break(ring, -EINVAL,
					       "next goes beyond the indirect table");
		err = vdpa_ring_table_get(ring, &table, i, user, words);
		if (unlikely(err))
			return err;
		vdpa_ring_split_desc(&desc, words);
		if (unlikely(desc.flags & VRING_DESC_F_INDIRECT))
			return vdpa_ring_break(ring, -EINVAL,
					       "indirect table in an indirect table");
		err = vdpa_ring_chain_add(ring, chain, &desc);
		if (unlikely(err) || !(desc.flags & VRING_DESC_F_NEXT))
			return err;
		i = desc.next;
	}
	return vdpa_ring_break(ring, -EINVAL, "indirect table is a loop");
}

static __always_inline int vdpa_split_take_chain(struct vdpa_ring *ring,
						 struct vdpa_ring_chain *chain,
						 u16 head, bool user)
{
	u32 i = head, left = ring->num;
	struct vdpa_ring_desc desc;
	__le64 words[2];
	int err;

	for (; left; left--) {
		if (unlikely(i >= ring->num))
			return vdpa_ring_break(ring, -EINVAL,
					       "descriptor is beyond the table");
		if (unlikely(vdpa_ring_get_words(user, ring->desc.host +
						 i * VDPA_RING_DESC_SIZE, words)))
			return vdpa_split_fault(ring);
		vdpa_ring_split_desc(&desc, words);
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return vdpa_split_take_table(ring, chain, &desc, user);
		err = vdpa_ring_chain_add(ring, chain, &desc);
		if (unlikely(err) || !(desc.flags & VRING_DESC_F_NEXT))
			return err;
		i = desc.next;
	}
	return vdpa_ring_break(ring, -EINVAL, "chain is a loop");
}

static __always_inline int vdpa_split_take_all(struct vdpa_ring *ring,
					       struct vdpa_ring_chain *chains,
					       unsigned int max, bool user)
{
	unsigned long entries = ring->driver.host + VDPA_SPLIT_RING;
	unsigned int n;
	u16 head, slot;
	int err = 0;

	for (n = 0; n < max; n++) {
		if (ring->avail == ring->avail_seen) {
			err = n ? 0 : vdpa_split_look(ring, user);
			if (err <= 0)
				break;
		}
		slot = ring->avail & (ring->num - 1);
		if (unlikely(vdpa_ring_get16(user, entries + slot * sizeof(head),
					     &head)))
			return vdpa_split_fault(ring);

		vdpa_ring_chain_begin(ring, &chains[n]);
		err = vdpa_split_take_chain(ring, &chains[n], head, user);
		if (unlikely(err))
			break;
		chains[n].id = head;
		chains[n].slots = 1;
		vdpa_ring_chain_end(ring, &chains[n]);
		ring->avail++;
	}
	return vdpa_ring_take_end(n, err);
}

int vdpa_split_take(struct vdpa_ring *ring, struct vdpa_ring_chain *chains,
		    unsigned int max)
{
	return ring->user ? vdpa_split_take_all(ring, chains, max, true) :
			    vdpa_split_take_all(ring, chains, max, false);
}

static __always_inline int
vdpa_split_complete_all(struct vdpa_ring *ring,
			const struct vdpa_ring_chain *chains, unsigned int n,
			bool user)
{
	unsigned long entries = ring->device.host + VDPA_SPLIT_RING;
	u16 used = ring->used, slot;
	unsigned long entry;
	unsigned int i;

	for (i = 0; i < n; i++, used++) {
		slot = used & (ring->num - 1);
		entry = entries + slot * sizeof(struct vring_used_elem);
		if (unlikely(vdpa_ring_put32(user, entry, chains[i].id) ||
			     vdpa_ring_put32(user, entry + 4,
					     min(chains[i].written,
						 chains[i].in_len))))
			return -EFAULT;
	}
	smp_wmb(); /* entries, and the data before them, before the index */
	ring->used = used;
	return vdpa_ring_put16(user, ring->device.host + VDPA_SPLIT_IDX, used);
}

int vdpa_split_complete(struct vdpa_ring *ring,
			const struct vdpa_ring_chain *chains, unsigned int n)
{
	return ring->user ? vdpa_split_complete_all(ring, chains, n, true) :
			    vdpa_split_complete_all(ring, chains, n, false);
}

bool vdpa_split_need_notify(struct vdpa_ring *ring, u32 slots)
{
	unsigned long from = ring->driver.host + VDPA_SPLIT_FLAGS;
	u16 value;

	if (ring->event_idx) {
		if (slots > ring->num)
			return true;
		from = vdpa_split_used_event(ring);
	}
	if (vdpa_ring_get16(ring->user, from, &value)) {
		vdpa_split_fault(ring);
		return false;
	}
	if (ring->event_idx)
		return vring_need_event(value, ring->used, ring->used - slots);
	return !(value & VRING_AVAIL_F_NO_INTERRUPT);
}

static bool vdpa_split_put_device(struct vdpa_ring *ring, unsigned long to,
				  u16 value)
{
	if (!vdpa_ring_put16(ring->user, to, value))
		return true;
	vdpa_ring_break(ring, -EFAULT, "ring cannot be written");
	return false;
}

bool vdpa_split_enable_kicks(struct vdpa_ring *ring)
{
	unsigned long flags = ring->device.host + VDPA_SPLIT_FLAGS;

	if (ring->avail != ring->avail_seen)
		return true;
	if (ring->event_idx) {
		if (!vdpa_split_put_device(ring, vdpa_split_avail_event(ring),
					   ring->avail))
			return true;
	} else if (ring->kicks != VDPA_RING_KICKS_ON) {
		if (!vdpa_split_put_device(ring, flags, 0))
			return true;
	}
	ring->kicks = VDPA_RING_KICKS_ON;

	/* Pairs with the driver's: it adds, then looks whether to kick. */
	smp_mb();
	return vdpa_split_look(ring, ring->user) != 0;
}

void vdpa_split_disable_kicks(struct vdpa_ring *ring)
{
	vdpa_split_put_device(ring, ring->device.host + VDPA_SPLIT_FLAGS,
			      VRING_USED_F_NO_NOTIFY);
}
