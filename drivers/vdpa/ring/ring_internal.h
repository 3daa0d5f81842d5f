/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the ring library have in common
 *
 * Functions of the data path exist twice, for rings in kernel and in user
 * memory: they are inlined with a constant @user.
 */
#ifndef _VDPA_RING_INTERNAL_H
#define _VDPA_RING_INTERNAL_H

#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/vdpa_ring.h>

#define VDPA_RING_DESC_SIZE	16

/* So much is checked and copied at a time. */
#define VDPA_RING_PIECE_MAX	SZ_2M

/* What vdpa_ring_chain_add() says if other chains take the room for pieces. */
#define VDPA_RING_FULL		1

/* vdpa_ring.kicks: what was last written; an event index stays on */
enum {
	VDPA_RING_KICKS_UNKNOWN,
	VDPA_RING_KICKS_ON,
	VDPA_RING_KICKS_OFF,
};

/**
 * struct vdpa_ring_desc - our copy of a descriptor
 * @addr: I/O virtual address of a buffer or a table
 * @len: of that, in bytes
 * @flags: VRING_DESC_F_*
 * @next: the descriptor that follows, in split rings
 */
struct vdpa_ring_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

/**
 * struct vdpa_ring_table - an indirect table while it is read
 * @iova: I/O virtual address
 * @num: number of descriptors
 * @host: kernel or user address
 * @run: bytes from there on that can be read directly
 */
struct vdpa_ring_table {
	u64 iova;
	u32 num;
	unsigned long host;
	u32 run;
};

/* access.c */

struct vdpa_ring_tlb *vdpa_ring_tlb_fill(struct vdpa_ring *ring, u64 iova,
					 u32 perm);
void vdpa_ring_tlb_flush(struct vdpa_ring *ring);
bool vdpa_ring_phys_check(struct vdpa_ring_tlb *slot, u64 phys, u32 len);
int vdpa_ring_table_begin(struct vdpa_ring *ring,
			  struct vdpa_ring_table *table,
			  const struct vdpa_ring_desc *desc);
int vdpa_ring_table_slow(struct vdpa_ring *ring,
			 const struct vdpa_ring_table *table, u32 i,
			 __le64 words[2]);

/* split.c */

int vdpa_split_read_used(struct vdpa_ring *ring);
int vdpa_split_take(struct vdpa_ring *ring, struct vdpa_ring_chain *chains,
		    unsigned int max);
int vdpa_split_complete(struct vdpa_ring *ring,
			const struct vdpa_ring_chain *chains, unsigned int n);
bool vdpa_split_need_notify(struct vdpa_ring *ring, u32 slots);
bool vdpa_split_enable_kicks(struct vdpa_ring *ring);
void vdpa_split_disable_kicks(struct vdpa_ring *ring);

/* packed.c */

int vdpa_packed_take(struct vdpa_ring *ring, struct vdpa_ring_chain *chains,
		     unsigned int max);
void vdpa_packed_untake(struct vdpa_ring *ring, u32 slots);
int vdpa_packed_complete(struct vdpa_ring *ring,
			 const struct vdpa_ring_chain *chains, unsigned int n);
bool vdpa_packed_need_notify(struct vdpa_ring *ring, u32 slots);
bool vdpa_packed_enable_kicks(struct vdpa_ring *ring);
void vdpa_packed_disable_kicks(struct vdpa_ring *ring);

/* What is in kernel memory is aligned and read or written in one go. */

static __always_inline int vdpa_ring_get16(bool user, unsigned long from,
					   u16 *value)
{
	__le16 le;

	if (!user)
		le = READ_ONCE(*(__le16 *)from);
	else if (get_user(le, (__le16 __user *)from))
		return -EFAULT;
	*value = le16_to_cpu(le);
	return 0;
}

static __always_inline int vdpa_ring_put16(bool user, unsigned long to,
					   u16 value)
{
	__le16 le = cpu_to_le16(value);

	if (user)
		return put_user(le, (__le16 __user *)to);
	WRITE_ONCE(*(__le16 *)to, le);
	return 0;
}

static __always_inline int vdpa_ring_put32(bool user, unsigned long to,
					   u32 value)
{
	__le32 le = cpu_to_le32(value);

	if (user)
		return put_user(le, (__le32 __user *)to);
	WRITE_ONCE(*(__le32 *)to, le);
	return 0;
}

/* One descriptor of either layout, as two words */
static __always_inline int vdpa_ring_get_words(bool user, unsigned long from,
					       __le64 words[2])
{
	if (user)
		return copy_from_user(words, (void __user *)from,
				      VDPA_RING_DESC_SIZE) ? -EFAULT : 0;
	words[0] = READ_ONCE(((__le64 *)from)[0]);
	words[1] = READ_ONCE(((__le64 *)from)[1]);
	return 0;
}

static inline void vdpa_ring_split_desc(struct vdpa_ring_desc *desc,
					const __le64 words[2])
{
	u64 rest = le64_to_cpu(words[1]);

	desc->addr = le64_to_cpu(words[0]);
	desc->len = (u32)rest;
	desc->flags = (u16)(rest >> 32);
	desc->next = (u16)(rest >> 48);
}

static inline void vdpa_ring_packed_desc(struct vdpa_ring_desc *desc, u16 *id,
					 const __le64 words[2])
{
	u64 rest = le64_to_cpu(words[1]);

	desc->addr = le64_to_cpu(words[0]);
	desc->len = (u32)rest;
	*id = (u16)(rest >> 32);
	desc->flags = (u16)(rest >> 48);
	desc->next = 0;
}

/* Physical memory comes and goes in pieces of so many pages. */
#ifdef CONFIG_SPARSEMEM
#define VDPA_RING_PIECE_SHIFT	PFN_SUBSECTION_SHIFT
#else
#define VDPA_RING_PIECE_SHIFT	0
#endif

/* Whether all of it is where memory was last seen to exist */
static __always_inline bool vdpa_ring_phys_known(const struct vdpa_ring_tlb *slot,
						 u64 phys, u32 len)
{
	const unsigned int shift = PAGE_SHIFT + VDPA_RING_PIECE_SHIFT;

	return phys >> shift == slot->good &&
	       (phys + len - 1) >> shift == slot->good;
}

/*
 * Leads from an I/O virtual to a host address. Makes *@len, not 0, smaller if
 * not all of it lies in one piece there.
 */
static __always_inline int vdpa_ring_translate(struct vdpa_ring *ring, u64 iova,
					       u32 *len, u32 perm, u64 *addr)
{
	struct vdpa_ring_tlb *slot = &ring->tlb[ring->mru];
	u64 off = iova - slot->start;

	if (unlikely(off > slot->span || !(slot->perm & perm))) {
		slot = vdpa_ring_tlb_fill(ring, iova, perm);
		if (!slot)
			return vdpa_ring_break(ring, -EFAULT,
					       "buffer is not mapped, or not for this access");
		off = iova - slot->start;
	}
	*len = (u32)min_t(u64, *len - 1, slot->span - off) + 1;
	*len = min_t(u32, *len, VDPA_RING_PIECE_MAX);
	*addr = slot->addr + off;
	if (unlikely(!ring->user && !vdpa_ring_phys_known(slot, *addr, *len) &&
		     !vdpa_ring_phys_check(slot, *addr, *len)))
		return vdpa_ring_break(ring, -EFAULT,
				       "buffer is not in memory");
	return 0;
}

/* Opens a chain in the room that is left. */
static inline void vdpa_ring_chain_begin(struct vdpa_ring *ring,
					 struct vdpa_ring_chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->segs = ring->segs + ring->segs_used;
}

/* Takes one buffer into the chain at the end of the room. */
static __always_inline int vdpa_ring_chain_add(struct vdpa_ring *ring,
					       struct vdpa_ring_chain *chain,
					       const struct vdpa_ring_desc *desc)
{
	bool write = desc->flags & VRING_DESC_F_WRITE;
	u32 *total = write ? &chain->in_len : &chain->out_len;
	u32 i = ring->segs_used + chain->out_num + chain->in_num;

	if (unlikely(i == ring->segs_num)) {
		if (ring->segs_used)
			return VDPA_RING_FULL;
		return vdpa_ring_break(ring, -EINVAL, "chain is too long");
	}
	if (unlikely(!write && chain->in_num))
		return vdpa_ring_break(ring, -EINVAL,
				       "buffer to read follows one to write");
	if (unlikely(check_add_overflow(*total, desc->len, total)))
		return vdpa_ring_break(ring, -EINVAL,
				       "chain has more than 4 GiB");
	if (unlikely(desc->len && desc->addr + (desc->len - 1) < desc->addr))
		return vdpa_ring_break(ring, -EINVAL,
				       "buffer goes beyond the last address");

	ring->segs[i].addr = desc->addr;
	ring->segs[i].len = desc->len;
	if (write)
		chain->in_num++;
	else
		chain->out_num++;
	return 0;
}

static inline void vdpa_ring_chain_end(struct vdpa_ring *ring,
				       const struct vdpa_ring_chain *chain)
{
	ring->segs_used += chain->out_num + chain->in_num;
	ring->slots += chain->slots;
	ring->chains++;
}

/* What take returns for a batch that ended with @err. */
static inline int vdpa_ring_take_end(unsigned int n, int err)
{
	if (unlikely(err < 0))
		return err;
	if (unlikely(err == VDPA_RING_FULL && !n))
		return -ENOBUFS;
	return n;
}

/* Entry @i of an indirect table */
static __always_inline int vdpa_ring_table_get(struct vdpa_ring *ring,
					       const struct vdpa_ring_table *table,
					       u32 i, bool user,
					       __le64 words[2])
{
	u64 off = (u64)i * VDPA_RING_DESC_SIZE;

	if (unlikely(off + VDPA_RING_DESC_SIZE > table->run))
		return vdpa_ring_table_slow(ring, table, i, words);
	if (unlikely(vdpa_ring_get_words(user, table->host + off, words)))
		return vdpa_ring_break(ring, -EFAULT,
				       "indirect table cannot be read");
	return 0;
}

#endif /* _VDPA_RING_INTERNAL_H */
