// SPDX-License-Identifier: GPL-2.0
/* A virtio driver in user space, see vring_env.h */

#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "vdpa_env.h"
#include "vring_env.h"

#define VR_STATUS_FEATURES	(VIRTIO_CONFIG_S_ACKNOWLEDGE | \
				 VIRTIO_CONFIG_S_DRIVER | \
				 VIRTIO_CONFIG_S_FEATURES_OK)

#define VR_PACKED_AVAIL		(1 << VRING_PACKED_DESC_F_AVAIL)
#define VR_PACKED_USED		(1 << VRING_PACKED_DESC_F_USED)
#define VR_PACKED_WRAP		(1 << VRING_PACKED_EVENT_F_WRAP_CTR)

static void __attribute__((noreturn)) vr_die(const char *what, int err)
{
	fprintf(stderr, "# vring_env: %s: %s\n", what, strerror(err));
	_exit(1);
}

/*
 * Modules and devices
 */

static int vr_unload_classes(void)
{
	env_rmmod(ENV_TEST_MODULE, true);
	env_rmmod(VR_NET_MODULE, true);
	env_rmmod(VR_BLK_MODULE, true);
	return env_rmmod("vdpa_sim", true);
}

void vr_begin(void)
{
	int err;

	/* Else it takes the devices. */
	env_rmmod("virtio_vdpa", false);
	err = vr_unload_classes();
	if (err && err != ENOENT)
		vr_die("rmmod vdpa_sim", err);
	err = env_modprobe(VH_DRIVER_MODULE, NULL);
	if (err)
		vr_die("modprobe " VH_DRIVER_MODULE, err);
}

bool vr_end(void)
{
	int err;

	/* Unloading deletes the devices. */
	vr_unload_classes();
	err = env_rmmod(VH_DRIVER_MODULE, false);
	if (err)
		fprintf(stderr, "# modules: %s\n", strerror(err));
	return vh_nothing_pinned() && !err;
}

int vr_load(const char *sim_param, const char *module, const char *param)
{
	return env_modprobe("vdpa_sim", sim_param) ?:
	       env_modprobe(module, param);
}

int vr_make(const char *mgmt, const char *name, uint16_t vqp)
{
	struct vnl_msg m;
	struct vnl s;
	int err;

	vnl_open(&s);
	vnl_msg_init(&m, &s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, mgmt);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (vqp)
		vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MAX_VQP, vqp);
	err = vnl_request(&s, &m, NULL, NULL);
	vnl_close(&s);
	return err;
}

long long vr_counter(const char *mgmt, const char *name, const char *counter)
{
	char path[VH_PATH_LEN], line[512], key[64];
	long long sum = -1;
	size_t len = strlen(name);
	char *at;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/vdpa_sim/%s/stats", mgmt);
	snprintf(key, sizeof(key), " %s ", counter);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, len) || line[len] != ' ')
			continue;
		at = strstr(line, key);
		if (at)
			sum = (sum < 0 ? 0 : sum) + atoll(at + strlen(key));
	}
	fclose(f);
	return sum;
}

static int vr_take_memory(struct vr_dev *dev, size_t size)
{
	int fd = memfd_create("vring", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size))
		vr_die("memfd", errno);
	dev->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (dev->mem == MAP_FAILED)
		vr_die("mmap", errno);
	close(fd);
	dev->size = size;
	return 0;
}

int vr_open(struct vr_dev *dev, const char *name, size_t size,
	    const struct vr_dev *share)
{
	uint64_t backend;
	int err;

	memset(dev, 0, sizeof(*dev));
	dev->fd = vh_open(name);
	if (dev->fd < 0)
		return -dev->fd;
	if (share) {
		dev->mem = share->mem;
		dev->size = share->size;
		dev->used = share->size;
	} else {
		vr_take_memory(dev, size);
	}
	err = vh_ioctl(dev->fd, VHOST_SET_OWNER, NULL) ?:
	      vh_ioctl(dev->fd, VHOST_GET_BACKEND_FEATURES, &backend) ?:
	      vh_backend(dev->fd, backend) ?:
	      vh_map(dev->fd, VR_IOVA, dev->size, dev->mem);
	if (err)
		vr_close(dev);
	return err;
}

int vr_negotiate(struct vr_dev *dev, uint64_t features)
{
	int err;

	err = vh_status(dev->fd, 0) ?:
	      vh_status(dev->fd, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				 VIRTIO_CONFIG_S_DRIVER) ?:
	      vh_ioctl(dev->fd, VHOST_SET_FEATURES, &features) ?:
	      vh_status(dev->fd, VR_STATUS_FEATURES);
	if (!err && vr_get_status(dev) != VR_STATUS_FEATURES)
		err = EPROTO;
	dev->features = features;
	return err;
}

int vr_run(struct vr_dev *dev)
{
	return vh_status(dev->fd, VH_STATUS_RUNS);
}

uint8_t vr_get_status(const struct vr_dev *dev)
{
	uint8_t status = 0;

	vh_ioctl(dev->fd, VHOST_VDPA_GET_STATUS, &status);
	return status;
}

bool vr_wait_status(const struct vr_dev *dev, uint8_t bit)
{
	int ms;

	for (ms = 0; ms < VR_PATIENCE_MS; ms++) {
		if (vr_get_status(dev) & bit)
			return true;
		usleep(1000);
	}
	return false;
}

void vr_close(struct vr_dev *dev)
{
	close(dev->fd);
	dev->fd = -1;
}

void *vr_alloc(struct vr_dev *dev, size_t size, size_t align)
{
	size_t at = (dev->used + align - 1) & ~(align - 1);

	if (at + size > dev->size)
		vr_die("memory of the device", ENOMEM);
	dev->used = at + size;
	memset(dev->mem + at, 0, size);
	return dev->mem + at;
}

uint64_t vr_iova(const struct vr_dev *dev, const void *at)
{
	return VR_IOVA + ((const uint8_t *)at - dev->mem);
}

/*
 * Queues
 */

static uint16_t vr_load16(const void *at)
{
	return le16toh(__atomic_load_n((const uint16_t *)at, __ATOMIC_ACQUIRE));
}

static void vr_store16(void *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)at, htole16(value), __ATOMIC_RELEASE);
}

static void vr_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static struct vring_avail *vr_avail(const struct vr_queue *q)
{
	return q->driver;
}

static struct vring_used *vr_used(const struct vr_queue *q)
{
	return q->device;
}

static size_t vr_driver_size(const struct vr_queue *q)
{
	return q->packed ? sizeof(struct vring_packed_desc_event) :
	       sizeof(struct vring_avail) + (q->num + 1) * sizeof(uint16_t);
}

static size_t vr_device_size(const struct vr_queue *q)
{
	return q->packed ? sizeof(struct vring_packed_desc_event) :
	       sizeof(struct vring_used) + sizeof(uint16_t) +
	       q->num * sizeof(struct vring_used_elem);
}

static void vr_queue_init(struct vr_queue *q, uint16_t base)
{
	unsigned int i;

	memset(q->slot, 0, q->num * sizeof(*q->slot));
	for (i = 0; i < q->num; i++)
		q->slot[i].next = i + 1;
	q->free = 0;
	q->nfree = q->num;
	q->added = 0;
	q->avail = q->packed ? 0 : base;
	q->used = q->avail;
	q->avail_wrap = true;
	q->used_wrap = true;
	memset(q->desc, 0, q->num * sizeof(struct vring_desc));
	memset(q->driver, 0, vr_driver_size(q));
	memset(q->device, 0, vr_device_size(q));
	if (!q->packed) {
		vr_store16(&vr_avail(q)->idx, base);
		vr_store16(&vr_used(q)->idx, base);
	}
}

void vr_queue_alloc(struct vr_queue *q, struct vr_dev *dev, unsigned int index,
		    unsigned int num, uint16_t base)
{
	memset(q, 0, sizeof(*q));
	q->dev = dev;
	q->index = index;
	q->num = num;
	q->packed = dev->features & VR_BIT(VIRTIO_F_RING_PACKED);
	q->event_idx = dev->features & VR_BIT(VIRTIO_RING_F_EVENT_IDX);
	q->indirect = dev->features & VR_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->slot = calloc(num, sizeof(*q->slot));
	if (q->kick < 0 || q->call < 0 || !q->slot)
		vr_die("queue", errno);
	q->desc = vr_alloc(dev, num * sizeof(struct vring_desc), 16);
	q->driver = vr_alloc(dev, vr_driver_size(q), 4);
	q->device = vr_alloc(dev, vr_device_size(q), 4);
	if (q->indirect)
		q->tables = vr_alloc(dev, (size_t)num * VR_CHAIN_MAX *
				     sizeof(struct vring_desc), 16);
	vr_queue_init(q, base);
}

void vr_queue_clear(struct vr_queue *q)
{
	vr_queue_init(q, 0);
}

uint32_t vr_queue_base(const struct vr_queue *q)
{
	return q->packed ? VR_PACKED_WRAP | VR_PACKED_WRAP << 16 : q->avail;
}

int vr_queue_attach(struct vr_queue *q, struct vr_dev *dev, uint32_t base)
{
	struct vhost_vring_addr addr = {
		.index = q->index,
		.desc_user_addr = vr_iova(dev, q->desc),
		.avail_user_addr = vr_iova(dev, q->driver),
		.used_user_addr = vr_iova(dev, q->device),
	};

	q->dev = dev;
	return vh_vq(dev->fd, VHOST_SET_VRING_NUM, q->index, q->num) ?:
	       vh_ioctl(dev->fd, VHOST_SET_VRING_ADDR, &addr) ?:
	       vh_vq(dev->fd, VHOST_SET_VRING_BASE, q->index, base) ?:
	       vh_eventfd(dev->fd, VHOST_SET_VRING_KICK, q->index, q->kick) ?:
	       vh_eventfd(dev->fd, VHOST_SET_VRING_CALL, q->index, q->call) ?:
	       vh_vq(dev->fd, VHOST_VDPA_SET_VRING_ENABLE, q->index, 1);
}

void vr_queue_free(struct vr_queue *q)
{
	close(q->kick);
	close(q->call);
	free(q->slot);
}

static uint64_t vr_buf_iova(const struct vr_queue *q, const struct vr_buf *buf)
{
	return buf->at ? vr_iova(q->dev, buf->at) : buf->iova;
}

static uint16_t vr_buf_flags(const struct vr_buf *bufs, unsigned int n,
			     unsigned int i)
{
	return (bufs[i].write ? VRING_DESC_F_WRITE : 0) |
	       (i + 1 < n ? VRING_DESC_F_NEXT : 0);
}

/* A table in place of the buffers */
static struct vr_buf vr_fill_table(struct vr_queue *q, uint16_t id,
				   const struct vr_buf *bufs, unsigned int n)
{
	size_t first = (size_t)id * VR_CHAIN_MAX;
	struct vring_packed_desc *packed = q->tables;
	struct vring_desc *split = q->tables;
	unsigned int i;

	packed += first;
	split += first;
	for (i = 0; i < n; i++) {
		if (q->packed) {
			packed[i].addr = htole64(vr_buf_iova(q, &bufs[i]));
			packed[i].len = htole32(bufs[i].len);
			packed[i].id = 0;
			/* the table is the chain, whatever NEXT would say */
			packed[i].flags = htole16(vr_buf_flags(&bufs[i], 1, 0));
		} else {
			split[i].addr = htole64(vr_buf_iova(q, &bufs[i]));
			split[i].len = htole32(bufs[i].len);
			split[i].flags = htole16(vr_buf_flags(bufs, n, i));
			split[i].next = htole16(i + 1);
		}
	}
	return (struct vr_buf) {
		.at = q->packed ? (void *)packed : (void *)split,
		.len = n * sizeof(*split),
	};
}

static void vr_add_split(struct vr_queue *q, const struct vr_buf *bufs,
			 unsigned int n, uint16_t extra, void *token)
{
	struct vring_desc *desc = q->desc;
	uint16_t head = q->free, i = head;
	unsigned int b;

	for (b = 0; b < n; b++) {
		i = q->free;
		q->free = q->slot[i].next;
		desc[i].addr = htole64(vr_buf_iova(q, &bufs[b]));
		desc[i].len = htole32(bufs[b].len);
		desc[i].flags = htole16(vr_buf_flags(bufs, n, b) | extra);
		desc[i].next = htole16(q->free);
	}
	q->slot[head].slots = n;
	q->slot[head].token = token;
	q->slot[head].busy = true;
	vr_avail(q)->ring[q->avail % q->num] = htole16(head);
	q->avail++;
	q->added++;
	vr_store16(&vr_avail(q)->idx, q->avail);
}

static void vr_add_packed(struct vr_queue *q, const struct vr_buf *bufs,
			  unsigned int n, uint16_t extra, void *token)
{
	struct vring_packed_desc *desc = q->desc;
	uint16_t id = q->free, first = q->avail, flags, first_flags = 0;
	unsigned int b;

	q->free = q->slot[id].next;
	q->slot[id].slots = n;
	q->slot[id].token = token;
	q->slot[id].busy = true;
	for (b = 0; b < n; b++) {
		flags = vr_buf_flags(bufs, n, b) | extra |
			(q->avail_wrap ? VR_PACKED_AVAIL : VR_PACKED_USED);
		desc[q->avail].addr = htole64(vr_buf_iova(q, &bufs[b]));
		desc[q->avail].len = htole32(bufs[b].len);
		desc[q->avail].id = htole16(id);
		if (b)
			desc[q->avail].flags = htole16(flags);
		else
			first_flags = flags;
		if (++q->avail == q->num) {
			q->avail = 0;
			q->avail_wrap = !q->avail_wrap;
		}
	}
	q->added += n;
	vr_store16(&desc[first].flags, first_flags);
}

int vr_add(struct vr_queue *q, const struct vr_buf *bufs, unsigned int n,
	   bool table, void *token)
{
	struct vr_buf one;
	uint16_t extra = 0;

	if (!q->nfree || (!table && n > q->nfree))
		return ENOSPC;
	if (table) {
		one = vr_fill_table(q, q->free, bufs, n);
		bufs = &one;
		n = 1;
		extra = VRING_DESC_F_INDIRECT;
	}
	q->nfree -= n;
	if (q->packed)
		vr_add_packed(q, bufs, n, extra, token);
	else
		vr_add_split(q, bufs, n, extra, token);
	return 0;
}

static bool vr_split_wants_kick(const struct vr_queue *q)
{
	uint16_t event;

	if (!q->event_idx)
		return !(vr_load16(&vr_used(q)->flags) & VRING_USED_F_NO_NOTIFY);
	event = vr_load16(&vr_used(q)->ring[q->num]);
	return vring_need_event(event, q->avail, q->avail - q->added);
}

static bool vr_packed_wants_kick(const struct vr_queue *q)
{
	const struct vring_packed_desc_event *area = q->device;
	uint16_t flags = vr_load16(&area->flags), off_wrap, event;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	off_wrap = vr_load16(&area->off_wrap);
	event = off_wrap & ~VR_PACKED_WRAP;
	if (!!(off_wrap & VR_PACKED_WRAP) != q->avail_wrap)
		event -= q->num;
	return vring_need_event(event, q->avail, q->avail - q->added);
}

void vr_kick_anyway(struct vr_queue *q)
{
	q->added = 0;
	q->kicks++;
	eventfd_write(q->kick, 1);
}

void vr_kick(struct vr_queue *q)
{
	if (!q->added)
		return;
	vr_barrier();
	if (q->packed ? vr_packed_wants_kick(q) : vr_split_wants_kick(q))
		vr_kick_anyway(q);
	q->added = 0;
}

static bool vr_has_used(const struct vr_queue *q)
{
	const struct vring_packed_desc *desc = q->desc;
	uint16_t flags;

	if (!q->packed)
		return vr_load16(&vr_used(q)->idx) != q->used;
	flags = vr_load16(&desc[q->used].flags);
	return !!(flags & VR_PACKED_AVAIL) == q->used_wrap &&
	       !!(flags & VR_PACKED_USED) == q->used_wrap;
}

static void vr_put_split(struct vr_queue *q, uint16_t head)
{
	unsigned int n = q->slot[head].slots;
	uint16_t last = head;

	while (--n)
		last = q->slot[last].next;
	q->slot[last].next = q->free;
	q->free = head;
}

static void vr_advance_used(struct vr_queue *q, unsigned int slots)
{
	if (!q->packed) {
		q->used++;
		return;
	}
	q->used += slots;
	if (q->used >= q->num) {
		q->used -= q->num;
		q->used_wrap = !q->used_wrap;
	}
}

int vr_get(struct vr_queue *q, void **token, uint32_t *len)
{
	const struct vring_packed_desc *desc = q->desc;
	const struct vring_used_elem *elem;
	uint32_t id;

	if (!vr_has_used(q))
		return 0;
	if (q->packed) {
		id = le16toh(desc[q->used].id);
		*len = le32toh(desc[q->used].len);
		if (!(le16toh(desc[q->used].flags) & VRING_DESC_F_WRITE))
			*len = 0;
	} else {
		elem = &vr_used(q)->ring[q->used % q->num];
		id = le32toh(elem->id);
		*len = le32toh(elem->len);
	}
	if (id >= q->num || !q->slot[id].busy)
		return -1;
	*token = q->slot[id].token;
	q->slot[id].busy = false;
	q->nfree += q->slot[id].slots;
	vr_advance_used(q, q->slot[id].slots);
	if (q->packed) {
		q->slot[id].next = q->free;
		q->free = id;
	} else {
		vr_put_split(q, id);
	}
	return 1;
}

/* Asks for a call at the next used chain, or for none. */
static void vr_want_calls(struct vr_queue *q, bool want)
{
	struct vring_packed_desc_event *area = q->driver;

	if (!q->packed) {
		if (q->event_idx)
			vr_store16(&vr_avail(q)->ring[q->num],
				   want ? q->used : q->used - 1);
		else
			vr_store16(&vr_avail(q)->flags,
				   want ? 0 : VRING_AVAIL_F_NO_INTERRUPT);
	} else if (!want) {
		vr_store16(&area->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
	} else if (q->event_idx) {
		vr_store16(&area->off_wrap, q->used |
			   (q->used_wrap ? VR_PACKED_WRAP : 0));
		vr_store16(&area->flags, VRING_PACKED_EVENT_FLAG_DESC);
	} else {
		vr_store16(&area->flags, VRING_PACKED_EVENT_FLAG_ENABLE);
	}
	vr_barrier();
}

bool vr_wait(struct vr_queue *q)
{
	struct pollfd p = { .fd = q->call, .events = POLLIN };
	bool called = true;
	eventfd_t value;

	eventfd_read(q->call, &value);
	vr_want_calls(q, true);
	while (called && !vr_has_used(q)) {
		called = poll(&p, 1, VR_PATIENCE_MS) == 1;
		eventfd_read(q->call, &value);
	}
	vr_want_calls(q, false);
	return called;
}
