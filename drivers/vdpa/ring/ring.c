// SPDX-License-Identifier: GPL-2.0
/*
 * Life of a ring, its areas in memory, and what both layouts share
 *
 * The three areas are looked up when first used and after each change of their
 * address space, and then reached by plain pointers. Pages that are not
 * neighbours are made so by vmap().
 */
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vhost_iotlb.h>
#include <linux/vmalloc.h>

#include "ring_internal.h"

#define VDPA_RING_SEGS_MIN	128

/**
 * struct vdpa_ring_area_shape - what an area is like
 * @area: offset of its &struct vdpa_ring_area in &struct vdpa_ring
 * @align: that the specification demands, in bytes
 * @fixed: size without entries, in bytes
 * @entry: size of one of &vdpa_ring.num entries, in bytes
 * @event: size of what comes with VIRTIO_RING_F_EVENT_IDX, in bytes
 * @perm: access that the device needs
 */
struct vdpa_ring_area_shape {
	size_t area;
	u32 align;
	u32 fixed;
	u32 entry;
	u32 event;
	u32 perm;
};

#define VDPA_RING_AREA(name)	offsetof(struct vdpa_ring, name)

/* virtio 1.2, 2.7 and 2.8.10: by layout, then descriptor, driver, device */
static const struct vdpa_ring_area_shape vdpa_ring_areas[2][3] = {
	{
		{ VDPA_RING_AREA(desc), 16, 0, 16, 0, VHOST_MAP_RO },
		{ VDPA_RING_AREA(driver), 2, 4, 2, 2, VHOST_MAP_RO },
		{ VDPA_RING_AREA(device), 4, 4, 8, 2, VHOST_MAP_WO },
	},
	{
		{ VDPA_RING_AREA(desc), 16, 0, 16, 0, VHOST_MAP_RW },
		{ VDPA_RING_AREA(driver), 4, 4, 0, 0, VHOST_MAP_RO },
		{ VDPA_RING_AREA(device), 4, 4, 0, 0, VHOST_MAP_WO },
	},
};

static struct vdpa_ring_area *
vdpa_ring_area_of(struct vdpa_ring *ring,
		  const struct vdpa_ring_area_shape *shape)
{
	return (void *)ring + shape->area;
}

/**
 * vdpa_ring_state_init - say where a new ring stands
 * @state: set to that
 * @features: virtio features that the driver accepted
 *
 * Context: any.
 */
void vdpa_ring_state_init(struct vdpa_vq_state *state, u64 features)
{
	memset(state, 0, sizeof(*state));
	if (features & BIT_ULL(VIRTIO_F_RING_PACKED)) {
		state->packed.last_avail_counter = 1;
		state->packed.last_used_counter = 1;
	}
}
EXPORT_SYMBOL_GPL(vdpa_ring_state_init);

static int vdpa_ring_check_config(const struct vdpa_ring_config *config)
{
	bool packed = config->features & BIT_ULL(VIRTIO_F_RING_PACKED);
	const struct vdpa_vq_state_packed *state = &config->state.packed;

	if (!(config->features & BIT_ULL(VIRTIO_F_VERSION_1)))
		return -EOPNOTSUPP;
	if (!config->num || config->num > VDPA_RING_NUM_MAX ||
	    config->max_segs > U16_MAX)
		return -EINVAL;
	if (!packed && !is_power_of_2(config->num))
		return -EINVAL;
	if (packed && (state->last_avail_idx >= config->num ||
		       state->last_used_idx >= config->num))
		return -EINVAL;
	if (config->ring_map && config->ring_map->user != config->map->user)
		return -EINVAL;
	return 0;
}

static void vdpa_ring_set_state(struct vdpa_ring *ring,
				const struct vdpa_vq_state *state)
{
	if (ring->packed) {
		ring->avail = state->packed.last_avail_idx;
		ring->avail_wrap = state->packed.last_avail_counter;
		ring->used = state->packed.last_used_idx;
		ring->used_wrap = state->packed.last_used_counter;
		/*
		 * With the whole ring in flight nothing could ever go on. Who
		 * says so has left the used half of VHOST_SET_VRING_BASE 0, as
		 * DPDK's virtio_user does, and starts a new ring.
		 */
		if (ring->used == ring->avail)
			ring->used_wrap = ring->avail_wrap;
	} else {
		ring->avail = state->split.avail_index;
		ring->avail_seen = ring->avail;
		ring->used = ring->avail;
	}
}

/**
 * vdpa_ring_init - set a ring up
 * @ring: the ring
 * @config: how; not needed afterwards, but its maps are
 *
 * The ring is as large as the driver said, so this suits the moment when a queue
 * is started. Nothing in memory is looked at before it is used.
 *
 * Context: process, may sleep. The maps need not be stable.
 * Return: 0; -EOPNOTSUPP for a legacy driver; -EINVAL if something in @config is
 * out of range or not aligned; -ENOMEM. Nothing has to be released after an
 * error.
 */
int vdpa_ring_init(struct vdpa_ring *ring, const struct vdpa_ring_config *config)
{
	const struct vdpa_ring_area_shape *shape;
	int err;

	memset(ring, 0, sizeof(*ring));
	err = vdpa_ring_check_config(config);
	if (err)
		return err;

	ring->map = config->map;
	ring->ring_map = config->ring_map ?: config->map;
	ring->user = ring->map->user;
	ring->packed = config->features & BIT_ULL(VIRTIO_F_RING_PACKED);
	ring->event_idx = config->features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	ring->indirect = config->features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	ring->num = config->num;
	ring->gen = READ_ONCE(ring->map->gen) - 1;
	ring->ring_gen = READ_ONCE(ring->ring_map->gen) - 1;
	ring->desc.iova = config->desc;
	ring->driver.iova = config->driver;
	ring->device.iova = config->device;
	vdpa_ring_set_state(ring, &config->state);

	for (shape = vdpa_ring_areas[ring->packed];
	     shape < vdpa_ring_areas[ring->packed] + 3; shape++)
		if (vdpa_ring_area_of(ring, shape)->iova % shape->align)
			return -EINVAL;

	ring->segs_num = config->max_segs ?:
			 max_t(u32, ring->num, VDPA_RING_SEGS_MIN);
	ring->segs = kvmalloc_array(ring->segs_num, sizeof(*ring->segs),
				    GFP_KERNEL);
	if (!ring->segs)
		return -ENOMEM;
	if (ring->user) {
		ring->bounce = kmalloc(PAGE_SIZE, GFP_KERNEL);
		if (!ring->bounce) {
			kvfree(ring->segs);
			ring->segs = NULL;
			return -ENOMEM;
		}
	}
	return 0;
}
EXPORT_SYMBOL_GPL(vdpa_ring_init);

static void vdpa_ring_area_release(struct vdpa_ring_area *area)
{
	vunmap(area->alias);
	area->alias = NULL;
	area->host = 0;
}

/**
 * vdpa_ring_release - give back what a ring holds
 * @ring: the ring, set up or all 0
 *
 * Leaves nothing in memory, and chains without a home.
 *
 * Context: process, may sleep. The maps need not be there any more.
 */
void vdpa_ring_release(struct vdpa_ring *ring)
{
	vdpa_ring_area_release(&ring->desc);
	vdpa_ring_area_release(&ring->driver);
	vdpa_ring_area_release(&ring->device);
	kvfree(ring->segs);
	kfree(ring->bounce);
	memset(ring, 0, sizeof(*ring));
}
EXPORT_SYMBOL_GPL(vdpa_ring_release);

/**
 * vdpa_ring_get_state - tell where a ring stands
 * @ring: the ring
 * @state: set to that, as &vdpa_ring_config.state takes it
 *
 * Context: any; none of the functions that work on the ring runs.
 * Return: 0, or -EBUSY if chains were taken and neither completed nor given
 * back, as nobody could continue with these.
 */
int vdpa_ring_get_state(const struct vdpa_ring *ring,
			struct vdpa_vq_state *state)
{
	if (ring->chains)
		return -EBUSY;
	memset(state, 0, sizeof(*state));
	if (ring->packed) {
		state->packed.last_avail_idx = ring->avail;
		state->packed.last_avail_counter = ring->avail_wrap;
		state->packed.last_used_idx = ring->used;
		state->packed.last_used_counter = ring->used_wrap;
	} else {
		state->split.avail_index = ring->avail;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(vdpa_ring_get_state);

/**
 * vdpa_ring_break - let nothing more happen on a ring
 * @ring: the ring
 * @err: negative errno, to be returned
 * @reason: what vdpa_ring_error() shall return, unless the ring is broken
 *	already; a literal
 *
 * For owners too, if what the driver sent leaves no other choice.
 *
 * Context: any.
 * Return: @err
 */
int vdpa_ring_break(struct vdpa_ring *ring, int err, const char *reason)
{
	if (!ring->error)
		WRITE_ONCE(ring->error, reason);
	return err;
}
EXPORT_SYMBOL_GPL(vdpa_ring_break);

/* How many bytes, up to @size, lie in one piece at the host from @iova on. */
static u64 vdpa_ring_area_run(const struct vdpa_ring_map *map, u64 iova,
			      u64 size, u32 perm, u64 *host)
{
	struct vhost_iotlb_map *entry;
	u64 run = 0;

	while (run < size) {
		entry = vhost_iotlb_itree_first(map->iotlb, iova + run,
						iova + run);
		if (!entry || (entry->perm & perm) != perm)
			break;
		if (!run)
			*host = entry->addr + (iova - entry->start);
		else if (*host + run != entry->addr + (iova + run - entry->start))
			break;
		run += min(size - run - 1, entry->last - (iova + run)) + 1;
	}
	return run;
}

/* The page at @phys if a ring can be in it */
static struct page *vdpa_ring_area_page(u64 phys)
{
	u64 pfn = phys >> PAGE_SHIFT;

	return pfn <= ULONG_MAX && pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
}

/* True if the kernel has these pages where it has all memory. */
static bool vdpa_ring_area_linear(struct vdpa_ring_area *area, u64 phys, u64 size)
{
	struct page *page;
	u64 pos = phys;

	do {
		page = vdpa_ring_area_page(pos);
		if (!page || PageHighMem(page))
			return false;
		pos = (pos | ~PAGE_MASK) + 1;
	} while (pos && pos <= phys + size - 1);

	page = vdpa_ring_area_page(phys);
	area->host = (unsigned long)page_address(page) + offset_in_page(phys);
	return true;
}

/* Finds all pages of an area; false if one cannot be mapped as it is. */
static bool vdpa_ring_area_pages(const struct vdpa_ring_map *map,
				 struct vdpa_ring_area *area, u64 size,
				 struct page **pages)
{
	u64 iova, len, phys;
	unsigned int i = 0;

	for (iova = area->iova; size; iova += len, size -= len) {
		len = min_t(u64, size, PAGE_SIZE - offset_in_page(iova));
		if (vdpa_ring_area_run(map, iova, len, area->perm, &phys) < len ||
		    offset_in_page(phys) != offset_in_page(iova))
			return false;
		pages[i] = vdpa_ring_area_page(phys);
		if (!pages[i++])
			return false;
	}
	return true;
}

/* Makes neighbours of pages that are none. */
static int vdpa_ring_area_vmap(struct vdpa_ring *ring,
			       struct vdpa_ring_area *area, u64 size)
{
	unsigned int n = PFN_UP(offset_in_page(area->iova) + size);
	struct page **pages;

	pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return vdpa_ring_break(ring, -ENOMEM,
				       "no memory to map the ring");
	if (!vdpa_ring_area_pages(ring->ring_map, area, size, pages)) {
		kvfree(pages);
		return vdpa_ring_break(ring, -EFAULT,
				       "ring is not mapped, or not in memory");
	}
	area->alias = vmap(pages, n, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (!area->alias)
		return vdpa_ring_break(ring, -ENOMEM,
				       "no memory to map the ring");
	area->host = (unsigned long)area->alias + offset_in_page(area->iova);
	return 0;
}

static int vdpa_ring_area_map_user(struct vdpa_ring *ring,
				   struct vdpa_ring_area *area, u64 addr,
				   u64 size)
{
	if (addr > ULONG_MAX || !access_ok((void __user *)(unsigned long)addr, size))
		return vdpa_ring_break(ring, -EFAULT,
				       "ring is not in user memory");
	area->host = addr;
	return 0;
}

static int vdpa_ring_area_map(struct vdpa_ring *ring,
			      const struct vdpa_ring_area_shape *shape)
{
	struct vdpa_ring_area *area = vdpa_ring_area_of(ring, shape);
	u64 size = shape->fixed + (u64)shape->entry * ring->num;
	u64 run, addr = 0;

	if (ring->event_idx)
		size += shape->event;
	area->perm = shape->perm;
	if (area->iova + (size - 1) < area->iova)
		return vdpa_ring_break(ring, -EFAULT,
				       "ring goes beyond the last address");

	run = vdpa_ring_area_run(ring->ring_map, area->iova, size, area->perm,
				 &addr);
	if (!run || addr % shape->align)
		return vdpa_ring_break(ring, -EFAULT,
				       "ring is not mapped, or not aligned");
	if (!ring->user) {
		if (run == size && vdpa_ring_area_linear(area, addr, size))
			return 0;
		return vdpa_ring_area_vmap(ring, area, size);
	}
	if (run < size)
		return vdpa_ring_break(ring, -EFAULT,
				       "ring is not in one piece of user memory");
	return vdpa_ring_area_map_user(ring, area, addr, size);
}

static noinline int vdpa_ring_remap(struct vdpa_ring *ring)
{
	const struct vdpa_ring_area_shape *shape = vdpa_ring_areas[ring->packed];
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(vdpa_ring_areas[0]); i++) {
		vdpa_ring_area_release(vdpa_ring_area_of(ring, &shape[i]));
		err = vdpa_ring_area_map(ring, &shape[i]);
		if (err)
			return err;
	}
	ring->ring_gen = READ_ONCE(ring->ring_map->gen);
	if (ring->started || ring->packed)
		return 0;
	ring->started = true;
	return vdpa_split_read_used(ring);
}

/* What each function that works on the ring starts with */
static __always_inline int vdpa_ring_check(struct vdpa_ring *ring)
{
	if (unlikely(ring->error))
		return -ESHUTDOWN;
	if (unlikely(ring->ring_gen != READ_ONCE(ring->ring_map->gen)))
		return vdpa_ring_remap(ring);
	return 0;
}

/**
 * vdpa_ring_take - take chains that the driver made available
 * @ring: the ring
 * @chains: set to them, in the order of the ring
 * @max: how many fit into @chains
 *
 * Their pieces stay valid until they are completed or given back. Memory they
 * describe is checked when it is accessed.
 *
 * If there is a malformed chain in the ring those before it are lost too, which
 * nobody can tell from a device that was slower.
 *
 * Context: process, may sleep; the maps are stable, their mm is the current one.
 * Return: number of chains, which can be less than @max although the driver
 * made more available; 0 if there is none; -ENOBUFS if the pieces of chains
 * taken before leave no room for another one, with the ring whole; or another
 * negative errno and a broken ring, see vdpa_ring_error().
 */
int vdpa_ring_take(struct vdpa_ring *ring, struct vdpa_ring_chain *chains,
		   unsigned int max)
{
	int err = vdpa_ring_check(ring);

	if (unlikely(err))
		return err;
	if (unlikely(ring->gen != READ_ONCE(ring->map->gen))) {
		vdpa_ring_tlb_flush(ring);
		ring->gen = READ_ONCE(ring->map->gen);
	}
	return ring->packed ? vdpa_packed_take(ring, chains, max) :
			      vdpa_split_take(ring, chains, max);
}
EXPORT_SYMBOL_GPL(vdpa_ring_take);

/* Forgets @n chains with so many places in the ring. */
static void vdpa_ring_forget(struct vdpa_ring *ring, unsigned int n, u32 slots)
{
	ring->chains -= n;
	ring->slots -= slots;
	if (!ring->chains)
		ring->segs_used = 0;
}

static u32 vdpa_ring_slots(const struct vdpa_ring_chain *chains, unsigned int n)
{
	u32 slots = 0;

	while (n--)
		slots += chains[n].slots;
	return slots;
}

/**
 * vdpa_ring_untake - give chains back that cannot be served now
 * @ring: the ring
 * @chains: the chains that were taken last, in the order of taking; none that
 *	was taken after the first of them has been completed
 * @n: how many
 *
 * They will be taken again, and read again.
 *
 * Context: any; needs no map.
 */
void vdpa_ring_untake(struct vdpa_ring *ring,
		      const struct vdpa_ring_chain *chains, unsigned int n)
{
	u32 slots = vdpa_ring_slots(chains, n);

	if (!n || WARN_ON_ONCE(n > ring->chains || slots > ring->slots))
		return;
	if (ring->packed)
		vdpa_packed_untake(ring, slots);
	else
		ring->avail -= n;
	ring->segs_used = chains->segs - ring->segs;
	vdpa_ring_forget(ring, n, slots);
}
EXPORT_SYMBOL_GPL(vdpa_ring_untake);

/**
 * vdpa_ring_complete - give chains back that were served
 * @ring: the ring
 * @chains: the chains, in any order, with &vdpa_ring_chain.written set
 * @n: how many
 *
 * The driver sees all of them at once, or none.
 *
 * Context: process, may sleep; the map of the areas is stable, its mm is the
 * current one.
 * Return: 0, or a negative errno and a broken ring, see vdpa_ring_error().
 */
int vdpa_ring_complete(struct vdpa_ring *ring,
		       const struct vdpa_ring_chain *chains, unsigned int n)
{
	u32 slots = ring->packed ? vdpa_ring_slots(chains, n) : n;
	int err;

	err = vdpa_ring_check(ring);
	if (unlikely(err) || !n)
		return err;
	if (WARN_ON_ONCE(n > ring->chains || slots > ring->slots))
		return vdpa_ring_break(ring, -EINVAL,
				       "device completed more than it took");

	err = ring->packed ? vdpa_packed_complete(ring, chains, n) :
			     vdpa_split_complete(ring, chains, n);
	if (unlikely(err))
		return vdpa_ring_break(ring, err, "ring cannot be written");
	ring->unsignalled = min(ring->unsignalled + slots, ring->num + 1);
	vdpa_ring_forget(ring, n, slots);
	return 0;
}
EXPORT_SYMBOL_GPL(vdpa_ring_complete);

/**
 * vdpa_ring_need_notify - decide whether to tell the driver
 * @ring: the ring
 *
 * To be asked once for a batch of completions, and more than once only if that
 * is what the owner wants to tell the driver of.
 *
 * Context: process, may sleep; the map of the areas is stable, its mm is the
 * current one.
 * Return: true if the driver wants to know of what was completed since this was
 * asked last. False also if that broke the ring.
 */
bool vdpa_ring_need_notify(struct vdpa_ring *ring)
{
	u32 slots = ring->unsignalled;

	if (!slots || unlikely(vdpa_ring_check(ring)))
		return false;
	/* Nobody knows what was decided before the ring was set up. */
	if (unlikely(!ring->signalled))
		slots = ring->num + 1;
	ring->signalled = true;
	ring->unsignalled = 0;

	/* Pairs with the driver's: it asks, then looks for what is used. */
	smp_mb();
	return ring->packed ? vdpa_packed_need_notify(ring, slots) :
			      vdpa_split_need_notify(ring, slots);
}
EXPORT_SYMBOL_GPL(vdpa_ring_need_notify);

/**
 * vdpa_ring_enable_kicks - ask the driver to tell of new chains
 * @ring: the ring
 *
 * Context: process, may sleep; the map of the areas is stable, its mm is the
 * current one.
 * Return: true if there is something to take, which the driver may not tell of,
 * or the ring is broken, which vdpa_ring_take() will say. After false, the
 * driver tells.
 */
bool vdpa_ring_enable_kicks(struct vdpa_ring *ring)
{
	if (unlikely(vdpa_ring_check(ring)))
		return true;
	return ring->packed ? vdpa_packed_enable_kicks(ring) :
			      vdpa_split_enable_kicks(ring);
}
EXPORT_SYMBOL_GPL(vdpa_ring_enable_kicks);

/**
 * vdpa_ring_disable_kicks - let the driver know that it need not tell
 * @ring: the ring
 *
 * It may tell nevertheless. To be called when work begins.
 *
 * Context: process, may sleep; the map of the areas is stable, its mm is the
 * current one.
 */
void vdpa_ring_disable_kicks(struct vdpa_ring *ring)
{
	/* An event index asks for one kick, which is over. */
	if (ring->event_idx || ring->kicks == VDPA_RING_KICKS_OFF ||
	    unlikely(vdpa_ring_check(ring)))
		return;
	if (ring->packed)
		vdpa_packed_disable_kicks(ring);
	else
		vdpa_split_disable_kicks(ring);
	ring->kicks = VDPA_RING_KICKS_OFF;
}
EXPORT_SYMBOL_GPL(vdpa_ring_disable_kicks);

MODULE_DESCRIPTION("Device side of a virtqueue");
MODULE_LICENSE("GPL");
