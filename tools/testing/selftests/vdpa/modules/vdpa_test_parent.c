// SPDX-License-Identifier: GPL-2.0
/*
 * A parent for the selftests of bus drivers: its devices have no data path, but
 * can be of any make, show what they were told, and fail on demand
 *
 * Files in the directory vdpa_test_parent of debugfs, for root:
 *
 *	new	write NAME [WORD]...: registers a device of class net with 3
 *		queues. What it is like:
 *		set_map, dma_map	how it is told of memory; without a word it
 *					relies on the platform's IOMMU
 *		va, bind_mm		it is given user addresses
 *		reset_map		it has that op, and begins with the
 *					identity in address space 0
 *		compat_reset		it has that op
 *		forgets			a reset drops translations
 *		groups			2 groups, the third queue being the second
 *					one, and 2 address spaces
 *		desc_group		descriptors are in group 1
 *		suspend, resume, bells, irqs, vq_size, range: it has these
 *		short			it offers more than its configuration space
 *					of 8 bytes has room for, and complains if
 *					it is asked for that
 *	del	write NAME: unregisters it
 *	NAME/state
 *		read: lines KEY VALUE...
 *	NAME/do	write, one of:
 *		interrupt VQ, config	the device interrupts
 *		read ASID IOVA		fetches 8 bytes, see "data" in state
 *		write ASID IOVA VALUE	stores 8 bytes
 *		fail OP ERRNO		the next such op fails
 *	consumer
 *		write FD: waits for the irq of whoever signals that eventfd; -1
 *		ends it. Read: that irq, or -1
 */
#include <linux/debugfs.h>
#include <linux/eventfd.h>
#include <linux/highmem.h>
#include <linux/irqbypass.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vdpa.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>
#include <uapi/linux/virtio_ring.h>

#define TEST_LINE_MAX		256
#define TEST_VQS		3
#define TEST_AS			2
#define TEST_VQ_SIZE_MAX	256
#define TEST_CONFIG_SIZE	32
#define TEST_SHORT_CONFIG_SIZE	8
#define TEST_CONFIG_WRITABLE	8
#define TEST_IRQ		5000
#define TEST_IOVA_FIRST		0x10000
#define TEST_IOVA_LAST		0xffffffffULL

#define TEST_FEATURES		(BIT_ULL(VIRTIO_F_VERSION_1) | \
				 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) | \
				 BIT_ULL(VIRTIO_F_RING_PACKED) | \
				 BIT_ULL(VIRTIO_F_RING_RESET))

enum test_op {
	TEST_RESET, TEST_SET_MAP, TEST_DMA_MAP, TEST_DMA_UNMAP, TEST_SUSPEND,
	TEST_RESUME, TEST_BIND_MM, TEST_SET_ADDRESS, TEST_OPS,
};

static const char * const test_op_names[TEST_OPS] = {
	"reset", "set_map", "dma_map", "dma_unmap", "suspend", "resume",
	"bind_mm", "set_address",
};

/**
 * struct test_vq - a queue as the bus driver set it up
 * @desc: address
 * @driver: address
 * @device: address
 * @num: size
 * @ready: started
 * @state: where it stands
 * @cb: under &test_dev.irq_lock
 * @kicks: how often it was kicked
 */
struct test_vq {
	u64 desc;
	u64 driver;
	u64 device;
	u32 num;
	bool ready;
	struct vdpa_vq_state state;
	struct vdpa_callback cb;
	atomic_t kicks;
};

/**
 * struct test_make - what a device is like
 * @ops: its ops
 * @forgets: reset drops translations
 * @ngroups: groups
 * @nas: address spaces
 * @use_va: user addresses
 */
struct test_make {
	struct vdpa_config_ops ops;
	bool forgets;
	unsigned int ngroups;
	unsigned int nas;
	bool use_va;
};

/**
 * struct test_dev - a device
 * @vdpa: first
 * @make: immutable
 * @entry: in test_devs
 * @dir: in debugfs
 * @bells: a page for each queue
 * @lock: protects what follows, up to @irq_lock
 * @as: translations
 * @asids: address space of each group
 * @fail: what the next call of an op fails with
 * @calls: how often each op was called
 * @features: accepted
 * @status: see virtio
 * @generation: of @config
 * @suspended: and not resumed
 * @config: configuration space
 * @data: what was read last
 * @irq_lock: protects the callbacks
 * @config_cb: callback
 * @vqs: queues
 */
struct test_dev {
	struct vdpa_device vdpa;
	const struct test_make *make;
	struct list_head entry;
	struct dentry *dir;
	struct page *bells[TEST_VQS];

	struct mutex lock; /* see above */
	struct vhost_iotlb as[TEST_AS];
	unsigned int asids[TEST_AS];
	int fail[TEST_OPS];
	unsigned int calls[TEST_OPS];
	u64 features;
	u8 status;
	u32 generation;
	bool suspended;
	u8 config[TEST_CONFIG_SIZE];
	u64 data;

	spinlock_t irq_lock; /* see above */
	struct vdpa_callback config_cb;
	struct test_vq vqs[TEST_VQS];
};

static LIST_HEAD(test_devs);
static DEFINE_MUTEX(test_lock); /* protects test_devs and the consumer */
static struct dentry *test_dir;

static struct test_dev *to_test(struct vdpa_device *vdev)
{
	return container_of(vdev, struct test_dev, vdpa);
}

static int test_call(struct test_dev *t, enum test_op op)
{
	int err = t->fail[op];

	lockdep_assert_held(&t->lock);
	t->fail[op] = 0;
	t->calls[op]++;
	return -err;
}

/*
 * Queues
 */

static int test_set_vq_address(struct vdpa_device *vdev, u16 idx, u64 desc,
			       u64 driver, u64 device)
{
	struct test_dev *t = to_test(vdev);
	int err;

	mutex_lock(&t->lock);
	err = test_call(t, TEST_SET_ADDRESS);
	if (!err) {
		t->vqs[idx].desc = desc;
		t->vqs[idx].driver = driver;
		t->vqs[idx].device = device;
	}
	mutex_unlock(&t->lock);
	return err;
}

static void test_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num)
{
	to_test(vdev)->vqs[idx].num = num;
}

static void test_kick_vq(struct vdpa_device *vdev, u16 idx)
{
	atomic_inc(&to_test(vdev)->vqs[idx].kicks);
}

static void test_set_vq_cb(struct vdpa_device *vdev, u16 idx,
			   struct vdpa_callback *cb)
{
	struct test_dev *t = to_test(vdev);

	spin_lock_irq(&t->irq_lock);
	t->vqs[idx].cb = *cb;
	spin_unlock_irq(&t->irq_lock);
}

static void test_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready)
{
	to_test(vdev)->vqs[idx].ready = ready;
}

static bool test_get_vq_ready(struct vdpa_device *vdev, u16 idx)
{
	return to_test(vdev)->vqs[idx].ready;
}

static int test_set_vq_state(struct vdpa_device *vdev, u16 idx,
			     const struct vdpa_vq_state *state)
{
	to_test(vdev)->vqs[idx].state = *state;
	return 0;
}

static int test_get_vq_state(struct vdpa_device *vdev, u16 idx,
			     struct vdpa_vq_state *state)
{
	*state = to_test(vdev)->vqs[idx].state;
	return 0;
}

static struct vdpa_notification_area
test_get_vq_notification(struct vdpa_device *vdev, u16 idx)
{
	return (struct vdpa_notification_area) {
		.addr = page_to_phys(to_test(vdev)->bells[idx]),
		/* the last one shares its page with something else */
		.size = idx < TEST_VQS - 1 ? PAGE_SIZE : 4,
	};
}

static int test_get_vq_irq(struct vdpa_device *vdev, u16 idx)
{
	return TEST_IRQ + idx;
}

static u16 test_get_vq_size(struct vdpa_device *vdev, u16 idx)
{
	return to_test(vdev)->vqs[idx].num;
}

static u32 test_get_vq_align(struct vdpa_device *vdev)
{
	return PAGE_SIZE;
}

static u32 test_get_vq_group(struct vdpa_device *vdev, u16 idx)
{
	return idx == TEST_VQS - 1;
}

static u32 test_get_vq_desc_group(struct vdpa_device *vdev, u16 idx)
{
	return 1;
}

/*
 * The device
 */

static u64 test_get_device_features(struct vdpa_device *vdev)
{
	return TEST_FEATURES;
}

static u64 test_get_short_features(struct vdpa_device *vdev)
{
	return TEST_FEATURES | BIT_ULL(VIRTIO_NET_F_MAC) |
	       BIT_ULL(VIRTIO_NET_F_STATUS) | BIT_ULL(VIRTIO_NET_F_MQ) |
	       BIT_ULL(VIRTIO_NET_F_MTU);
}

static int test_set_driver_features(struct vdpa_device *vdev, u64 features)
{
	to_test(vdev)->features = features;
	return 0;
}

static u64 test_get_driver_features(struct vdpa_device *vdev)
{
	return to_test(vdev)->features;
}

static void test_set_config_cb(struct vdpa_device *vdev,
			       struct vdpa_callback *cb)
{
	struct test_dev *t = to_test(vdev);

	spin_lock_irq(&t->irq_lock);
	t->config_cb = *cb;
	spin_unlock_irq(&t->irq_lock);
}

static u16 test_get_vq_num_max(struct vdpa_device *vdev)
{
	return TEST_VQ_SIZE_MAX;
}

static u16 test_get_vq_num_min(struct vdpa_device *vdev)
{
	return 2;
}

static u32 test_get_device_id(struct vdpa_device *vdev)
{
	return VIRTIO_ID_NET;
}

static u32 test_get_vendor_id(struct vdpa_device *vdev)
{
	return 0x7e57;
}

static u8 test_get_status(struct vdpa_device *vdev)
{
	return READ_ONCE(to_test(vdev)->status);
}

static void test_set_status(struct vdpa_device *vdev, u8 status)
{
	struct test_dev *t = to_test(vdev);

	if (!(t->features & BIT_ULL(VIRTIO_F_VERSION_1)))
		status &= ~(VIRTIO_CONFIG_S_FEATURES_OK |
			    VIRTIO_CONFIG_S_DRIVER_OK);
	WRITE_ONCE(t->status, status);
}

static void test_forget(struct test_dev *t)
{
	unsigned int i;

	lockdep_assert_held(&t->lock);
	for (i = 0; i < t->make->nas; i++)
		vhost_iotlb_reset(&t->as[i]);
}

static int test_reset(struct vdpa_device *vdev)
{
	struct test_dev *t = to_test(vdev);
	unsigned int i;
	int err;

	mutex_lock(&t->lock);
	err = test_call(t, TEST_RESET);
	if (!err) {
		WRITE_ONCE(t->status, 0);
		t->features = 0;
		t->suspended = false;
		memset(t->asids, 0, sizeof(t->asids));
		spin_lock_irq(&t->irq_lock);
		t->config_cb = (struct vdpa_callback) {};
		for (i = 0; i < TEST_VQS; i++)
			t->vqs[i] = (struct test_vq) { .num = TEST_VQ_SIZE_MAX };
		spin_unlock_irq(&t->irq_lock);
		if (t->make->forgets)
			test_forget(t);
	}
	mutex_unlock(&t->lock);
	return err;
}

static int test_compat_reset(struct vdpa_device *vdev, u32 flags)
{
	struct test_dev *t = to_test(vdev);
	int err = test_reset(vdev);

	mutex_lock(&t->lock);
	if (!err && flags & VDPA_RESET_F_CLEAN_MAP)
		test_forget(t);
	mutex_unlock(&t->lock);
	return err;
}

static int test_suspend_op(struct test_dev *t, enum test_op op, bool suspend)
{
	int err;

	mutex_lock(&t->lock);
	err = test_call(t, op);
	if (!err)
		t->suspended = suspend;
	mutex_unlock(&t->lock);
	return err;
}

static int test_suspend(struct vdpa_device *vdev)
{
	return test_suspend_op(to_test(vdev), TEST_SUSPEND, true);
}

static int test_resume(struct vdpa_device *vdev)
{
	return test_suspend_op(to_test(vdev), TEST_RESUME, false);
}

static size_t test_get_config_size(struct vdpa_device *vdev)
{
	return TEST_CONFIG_SIZE;
}

static void test_get_config(struct vdpa_device *vdev, unsigned int offset,
			    void *buf, unsigned int len)
{
	memcpy(buf, to_test(vdev)->config + offset, len);
}

static size_t test_get_short_config_size(struct vdpa_device *vdev)
{
	return TEST_SHORT_CONFIG_SIZE;
}

static void test_get_short_config(struct vdpa_device *vdev, unsigned int offset,
				  void *buf, unsigned int len)
{
	if (!WARN_ON(offset + len > TEST_SHORT_CONFIG_SIZE))
		test_get_config(vdev, offset, buf, len);
}

static void test_set_config(struct vdpa_device *vdev, unsigned int offset,
			    const void *buf, unsigned int len)
{
	if (offset < TEST_CONFIG_WRITABLE)
		memcpy(to_test(vdev)->config + offset, buf,
		       min(len, TEST_CONFIG_WRITABLE - offset));
}

static u32 test_get_generation(struct vdpa_device *vdev)
{
	return to_test(vdev)->generation;
}

static struct vdpa_iova_range test_get_iova_range(struct vdpa_device *vdev)
{
	return (struct vdpa_iova_range) {
		.first = TEST_IOVA_FIRST,
		.last = TEST_IOVA_LAST,
	};
}

/*
 * Memory
 */

/* All of it, or nothing changes. */
static int test_copy_map(struct vhost_iotlb *to, struct vhost_iotlb *from)
{
	struct vhost_iotlb *copy;
	struct vhost_iotlb_map *map;
	int err = 0;

	copy = vhost_iotlb_alloc(UINT_MAX, 0);
	if (!copy)
		return -ENOMEM;
	list_for_each_entry(map, &from->list, link) {
		err = vhost_iotlb_add_range_ctx(copy, map->start, map->last,
						map->addr, map->perm,
						map->opaque);
		if (err)
			break;
	}
	if (!err) {
		vhost_iotlb_reset(to);
		to->root = copy->root;
		to->nmaps = copy->nmaps;
		list_splice_init(&copy->list, &to->list);
		vhost_iotlb_init(copy, UINT_MAX, 0);
	}
	vhost_iotlb_free(copy);
	return err;
}

static int test_set_map(struct vdpa_device *vdev, unsigned int asid,
			struct vhost_iotlb *iotlb)
{
	struct test_dev *t = to_test(vdev);
	int err;

	mutex_lock(&t->lock);
	err = test_call(t, TEST_SET_MAP) ?: test_copy_map(&t->as[asid], iotlb);
	mutex_unlock(&t->lock);
	return err;
}

static int test_dma_map(struct vdpa_device *vdev, unsigned int asid, u64 iova,
			u64 size, u64 addr, u32 perm, void *opaque)
{
	struct test_dev *t = to_test(vdev);
	int err;

	mutex_lock(&t->lock);
	err = test_call(t, TEST_DMA_MAP) ?:
	      vhost_iotlb_add_range_ctx(&t->as[asid], iova, iova + size - 1,
					addr, perm, opaque);
	mutex_unlock(&t->lock);
	return err;
}

static int test_dma_unmap(struct vdpa_device *vdev, unsigned int asid, u64 iova,
			  u64 size)
{
	struct test_dev *t = to_test(vdev);
	int err;

	mutex_lock(&t->lock);
	err = test_call(t, TEST_DMA_UNMAP);
	if (!err)
		vhost_iotlb_del_range(&t->as[asid], iova, iova + size - 1);
	mutex_unlock(&t->lock);
	return err;
}

static int test_reset_map(struct vdpa_device *vdev, unsigned int asid)
{
	struct test_dev *t = to_test(vdev);
	int err = 0;

	mutex_lock(&t->lock);
	vhost_iotlb_reset(&t->as[asid]);
	if (!asid)
		err = vhost_iotlb_add_range(&t->as[asid], 0, ULONG_MAX, 0,
					    VHOST_MAP_RW);
	mutex_unlock(&t->lock);
	return err;
}

static int test_set_group_asid(struct vdpa_device *vdev, unsigned int group,
			       unsigned int asid)
{
	to_test(vdev)->asids[group] = asid;
	return 0;
}

static int test_bind_mm(struct vdpa_device *vdev, struct mm_struct *mm)
{
	struct test_dev *t = to_test(vdev);
	int err;

	mutex_lock(&t->lock);
	err = test_call(t, TEST_BIND_MM);
	mutex_unlock(&t->lock);
	return err;
}

static void test_unbind_mm(struct vdpa_device *vdev)
{
	struct test_dev *t = to_test(vdev);

	mutex_lock(&t->lock);
	t->calls[TEST_BIND_MM] = 0;
	mutex_unlock(&t->lock);
}

static void test_free(struct vdpa_device *vdev)
{
	struct test_dev *t = to_test(vdev);
	unsigned int i;

	for (i = 0; i < TEST_AS; i++)
		vhost_iotlb_reset(&t->as[i]);
	for (i = 0; i < TEST_VQS; i++)
		if (t->bells[i])
			__free_page(t->bells[i]);
	mutex_destroy(&t->lock);
	kfree(t->make);
}

static const struct vdpa_config_ops test_ops = {
	.set_vq_address = test_set_vq_address,
	.set_vq_num = test_set_vq_num,
	.kick_vq = test_kick_vq,
	.set_vq_cb = test_set_vq_cb,
	.set_vq_ready = test_set_vq_ready,
	.get_vq_ready = test_get_vq_ready,
	.set_vq_state = test_set_vq_state,
	.get_vq_state = test_get_vq_state,
	.get_vq_align = test_get_vq_align,
	.get_device_features = test_get_device_features,
	.set_driver_features = test_set_driver_features,
	.get_driver_features = test_get_driver_features,
	.set_config_cb = test_set_config_cb,
	.get_vq_num_max = test_get_vq_num_max,
	.get_vq_num_min = test_get_vq_num_min,
	.get_device_id = test_get_device_id,
	.get_vendor_id = test_get_vendor_id,
	.get_status = test_get_status,
	.set_status = test_set_status,
	.reset = test_reset,
	.get_config_size = test_get_config_size,
	.get_config = test_get_config,
	.set_config = test_set_config,
	.get_generation = test_get_generation,
	.free = test_free,
};

/*
 * What the device does of itself
 */

static void test_interrupt(struct test_dev *t, const struct vdpa_callback *cb)
{
	unsigned long flags;

	spin_lock_irqsave(&t->irq_lock, flags);
	if (cb->callback)
		cb->callback(cb->private);
	spin_unlock_irqrestore(&t->irq_lock, flags);
}

static int test_access(struct test_dev *t, unsigned int asid, u64 iova,
		       bool write)
{
	struct vhost_iotlb_map *map;
	u64 addr;
	void *at;

	if (asid >= t->make->nas || t->make->use_va || iova % sizeof(u64))
		return -EINVAL;
	lockdep_assert_held(&t->lock);
	map = vhost_iotlb_itree_first(&t->as[asid], iova,
				      iova + sizeof(u64) - 1);
	if (!map)
		return -EFAULT;
	if (!(map->perm & (write ? VHOST_MAP_WO : VHOST_MAP_RO)))
		return -EACCES;

	addr = map->addr + iova - map->start;
	at = kmap_local_page(pfn_to_page(PHYS_PFN(addr))) + offset_in_page(addr);
	if (write)
		memcpy(at, &t->data, sizeof(t->data));
	else
		memcpy(&t->data, at, sizeof(t->data));
	kunmap_local(at);
	return 0;
}

static int test_do_access(struct test_dev *t, const char *line)
{
	unsigned int asid;
	u64 iova, value;
	int err = -EINVAL;

	mutex_lock(&t->lock);
	if (sscanf(line, "read %u %llx", &asid, &iova) == 2) {
		err = test_access(t, asid, iova, false);
	} else if (sscanf(line, "write %u %llx %llx", &asid, &iova, &value) == 3) {
		t->data = value;
		err = test_access(t, asid, iova, true);
	}
	mutex_unlock(&t->lock);
	return err;
}

static int test_do_fail(struct test_dev *t, const char *line)
{
	char name[16];
	int err, op;

	if (sscanf(line, "fail %15s %d", name, &err) != 2)
		return -EINVAL;
	op = match_string(test_op_names, TEST_OPS, name);
	if (op < 0)
		return op;
	mutex_lock(&t->lock);
	t->fail[op] = err;
	mutex_unlock(&t->lock);
	return 0;
}

static int test_do(struct test_dev *t, const char *line)
{
	unsigned int vq;

	if (sscanf(line, "interrupt %u", &vq) == 1) {
		if (vq >= TEST_VQS)
			return -EINVAL;
		test_interrupt(t, &t->vqs[vq].cb);
		return 0;
	}
	if (!strcmp(line, "config")) {
		t->generation++;
		test_interrupt(t, &t->config_cb);
		return 0;
	}
	if (strstarts(line, "fail "))
		return test_do_fail(t, line);
	return test_do_access(t, line);
}

/*
 * Files
 */

static int test_read_line(char *line, const char __user *buf, size_t len)
{
	if (len >= TEST_LINE_MAX)
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	return 0;
}

static ssize_t test_do_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	char line[TEST_LINE_MAX];
	int err;

	err = test_read_line(line, buf, len) ?:
	      test_do(file->private_data, strim(line));
	return err ?: len;
}

static const struct file_operations test_do_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = test_do_write,
};

static void test_show_vq(struct seq_file *s, struct test_dev *t, unsigned int i)
{
	struct test_vq *vq = &t->vqs[i];
	u32 *bell = page_address(t->bells[i]);

	seq_printf(s, "vq%u desc %llx driver %llx device %llx num %u ready %d\n",
		   i, vq->desc, vq->driver, vq->device, vq->num, vq->ready);
	seq_printf(s, "vq%u.cb %d\n", i, !!vq->cb.callback);
	seq_printf(s, "vq%u.kicks %d\n", i, atomic_read(&vq->kicks));
	seq_printf(s, "vq%u.bell %x\n", i, READ_ONCE(*bell));
}

static void test_show_as(struct seq_file *s, struct test_dev *t, unsigned int i)
{
	struct vhost_iotlb_map *map;

	seq_printf(s, "as%u.pieces %u\n", i, t->as[i].nmaps);
	for (map = vhost_iotlb_itree_first(&t->as[i], 0, U64_MAX); map;
	     map = vhost_iotlb_itree_next(map, 0, U64_MAX)) {
		struct vdpa_map_file *file = map->opaque;

		seq_printf(s, "as%u.map %llx %llx %u", i, map->start, map->size,
			   map->perm);
		if (t->make->use_va)
			seq_printf(s, " va %llx file %d offset %llx", map->addr,
				   !!file->file, file->offset);
		seq_putc(s, '\n');
	}
}

static int test_state_show(struct seq_file *s, void *unused)
{
	struct test_dev *t = s->private;
	unsigned int i;

	mutex_lock(&t->lock);
	seq_printf(s, "status %u\n", t->status);
	seq_printf(s, "features %llx\n", t->features);
	seq_printf(s, "suspended %d\n", t->suspended);
	seq_printf(s, "config.cb %d\n", !!t->config_cb.callback);
	seq_printf(s, "data %llx\n", t->data);
	for (i = 0; i < TEST_OPS; i++)
		seq_printf(s, "%s.calls %u\n", test_op_names[i], t->calls[i]);
	for (i = 0; i < t->make->ngroups; i++)
		seq_printf(s, "group%u.asid %u\n", i, t->asids[i]);
	for (i = 0; i < TEST_VQS; i++)
		test_show_vq(s, t, i);
	for (i = 0; i < t->make->nas; i++)
		test_show_as(s, t, i);
	mutex_unlock(&t->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(test_state);

/*
 * Life
 */

/* Returns whether there is such a word for memory. */
static bool test_make_memory(struct test_make *make, const char *word)
{
	struct vdpa_config_ops *ops = &make->ops;

	if (!strcmp(word, "set_map")) {
		ops->set_map = test_set_map;
	} else if (!strcmp(word, "dma_map")) {
		ops->dma_map = test_dma_map;
		ops->dma_unmap = test_dma_unmap;
	} else if (!strcmp(word, "va")) {
		make->use_va = true;
	} else if (!strcmp(word, "bind_mm")) {
		ops->bind_mm = test_bind_mm;
		ops->unbind_mm = test_unbind_mm;
	} else if (!strcmp(word, "reset_map")) {
		ops->reset_map = test_reset_map;
	} else if (!strcmp(word, "compat_reset")) {
		ops->compat_reset = test_compat_reset;
	} else if (!strcmp(word, "forgets")) {
		make->forgets = true;
	} else if (!strcmp(word, "range")) {
		ops->get_iova_range = test_get_iova_range;
	} else {
		return false;
	}
	return true;
}

/* The same for anything else. */
static bool test_make_other(struct test_make *make, const char *word)
{
	struct vdpa_config_ops *ops = &make->ops;

	if (!strcmp(word, "groups")) {
		make->ngroups = TEST_AS;
		make->nas = TEST_AS;
		ops->get_vq_group = test_get_vq_group;
		ops->set_group_asid = test_set_group_asid;
	} else if (!strcmp(word, "desc_group")) {
		ops->get_vq_desc_group = test_get_vq_desc_group;
	} else if (!strcmp(word, "suspend")) {
		ops->suspend = test_suspend;
	} else if (!strcmp(word, "resume")) {
		ops->resume = test_resume;
	} else if (!strcmp(word, "bells")) {
		ops->get_vq_notification = test_get_vq_notification;
	} else if (!strcmp(word, "irqs")) {
		ops->get_vq_irq = test_get_vq_irq;
	} else if (!strcmp(word, "vq_size")) {
		ops->get_vq_size = test_get_vq_size;
	} else if (!strcmp(word, "short")) {
		ops->get_device_features = test_get_short_features;
		ops->get_config_size = test_get_short_config_size;
		ops->get_config = test_get_short_config;
	} else {
		return false;
	}
	return true;
}

static struct test_make *test_make(char *words)
{
	struct test_make *make;
	char *word;
	int err = 0;

	make = kzalloc(sizeof(*make), GFP_KERNEL);
	if (!make)
		return ERR_PTR(-ENOMEM);
	make->ops = test_ops;
	make->ngroups = 1;
	make->nas = 1;
	while (!err && (word = strsep(&words, " ")))
		if (!test_make_memory(make, word) && !test_make_other(make, word))
			err = -EINVAL;
	if (err) {
		kfree(make);
		return ERR_PTR(err);
	}
	return make;
}

static int test_init(struct test_dev *t)
{
	unsigned int i;

	mutex_init(&t->lock);
	spin_lock_init(&t->irq_lock);
	t->vdpa.dma_dev = &t->vdpa.dev;
	for (i = 0; i < TEST_AS; i++)
		vhost_iotlb_init(&t->as[i], UINT_MAX, 0);
	for (i = 0; i < TEST_CONFIG_SIZE; i++)
		t->config[i] = i;
	for (i = 0; i < TEST_VQS; i++) {
		t->vqs[i].num = TEST_VQ_SIZE_MAX;
		t->bells[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!t->bells[i])
			return -ENOMEM;
	}
	return t->make->ops.reset_map ? test_reset_map(&t->vdpa, 0) : 0;
}

static int test_add(struct test_dev *t)
{
	int err;

	t->dir = debugfs_create_dir(dev_name(&t->vdpa.dev), test_dir);
	debugfs_create_file("state", 0400, t->dir, t, &test_state_fops);
	debugfs_create_file("do", 0200, t->dir, t, &test_do_fops);
	err = vdpa_register_device(&t->vdpa, TEST_VQS);
	if (err) {
		debugfs_remove(t->dir);
		return err;
	}
	mutex_lock(&test_lock);
	list_add_tail(&t->entry, &test_devs);
	mutex_unlock(&test_lock);
	return 0;
}

static int test_new(char *line)
{
	char *name = strsep(&line, " ");
	struct vdpa_device *vdev;
	struct test_make *make;
	struct test_dev *t;
	int err;

	make = test_make(line);
	if (IS_ERR(make))
		return PTR_ERR(make);
	vdev = __vdpa_alloc_device(NULL, &make->ops, make->ngroups, make->nas,
				   sizeof(*t), name, make->use_va);
	if (IS_ERR(vdev)) {
		kfree(make);
		return PTR_ERR(vdev);
	}
	t = to_test(vdev);
	t->make = make;
	err = test_init(t) ?: test_add(t);
	if (err)
		put_device(&vdev->dev);
	return err;
}

static void test_remove(struct test_dev *t)
{
	debugfs_remove(t->dir);
	vdpa_unregister_device(&t->vdpa);
}

static int test_del(char *name)
{
	struct test_dev *t, *found = NULL;

	mutex_lock(&test_lock);
	list_for_each_entry(t, &test_devs, entry) {
		if (!strcmp(dev_name(&t->vdpa.dev), name)) {
			found = t;
			list_del(&t->entry);
			break;
		}
	}
	mutex_unlock(&test_lock);
	if (!found)
		return -ENODEV;
	test_remove(found);
	return 0;
}

static ssize_t test_write(struct file *file, const char __user *buf, size_t len,
			  loff_t *pos)
{
	int (*command)(char *line) = file->private_data;
	char line[TEST_LINE_MAX];
	int err;

	err = test_read_line(line, buf, len) ?: command(strim(line));
	return err ?: len;
}

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = test_write,
};

/*
 * The consumer of irqs
 */

static int test_irq = -1;

static int test_consumer_add(struct irq_bypass_consumer *consumer,
			     struct irq_bypass_producer *producer)
{
	test_irq = producer->irq;
	return 0;
}

static void test_consumer_del(struct irq_bypass_consumer *consumer,
			      struct irq_bypass_producer *producer)
{
	test_irq = -1;
}

static struct irq_bypass_consumer test_consumer = {
	.add_producer = test_consumer_add,
	.del_producer = test_consumer_del,
};

static void test_consumer_stop_locked(void)
{
	struct eventfd_ctx *ctx = test_consumer.token;

	lockdep_assert_held(&test_lock);
	if (!ctx)
		return;
	irq_bypass_unregister_consumer(&test_consumer);
	test_consumer.token = NULL;
	eventfd_ctx_put(ctx);
}

static int test_consumer_set(void *data, u64 fd)
{
	struct eventfd_ctx *ctx = NULL;
	int err = 0;

	if ((int)fd >= 0) {
		ctx = eventfd_ctx_fdget(fd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	mutex_lock(&test_lock);
	test_consumer_stop_locked();
	if (ctx) {
		test_consumer.token = ctx;
		err = irq_bypass_register_consumer(&test_consumer);
		if (err) {
			test_consumer.token = NULL;
			eventfd_ctx_put(ctx);
		}
	}
	mutex_unlock(&test_lock);
	return err;
}

static int test_consumer_get(void *data, u64 *irq)
{
	*irq = READ_ONCE(test_irq);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE_SIGNED(test_consumer_fops, test_consumer_get,
				test_consumer_set, "%lld\n");

static int __init test_module_init(void)
{
	test_dir = debugfs_create_dir("vdpa_test_parent", NULL);
	debugfs_create_file("new", 0200, test_dir, test_new, &test_fops);
	debugfs_create_file("del", 0200, test_dir, test_del, &test_fops);
	debugfs_create_file("consumer", 0600, test_dir, NULL,
			    &test_consumer_fops);
	return 0;
}

static void __exit test_module_exit(void)
{
	struct test_dev *t, *next;

	/* Once the files are gone, so is everybody else. */
	debugfs_lookup_and_remove("new", test_dir);
	debugfs_lookup_and_remove("del", test_dir);
	debugfs_lookup_and_remove("consumer", test_dir);
	test_consumer_set(NULL, -1);
	list_for_each_entry_safe(t, next, &test_devs, entry)
		test_remove(t);
	debugfs_remove(test_dir);
}

module_init(test_module_init);
module_exit(test_module_exit);

MODULE_DESCRIPTION("vDPA selftests: a parent of any make");
MODULE_LICENSE("GPL");
