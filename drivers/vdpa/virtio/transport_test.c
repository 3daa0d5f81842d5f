// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the transport: a device that records what it is told, and
 * says of itself what a test wants; the test is the virtio driver
 */
#include <kunit/test.h>

#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/virtio_ring.h>

#include "virtio_vdpa.h"

#define TEST_VQS	4
#define TEST_CONFIG	12
#define TEST_ID		0x3ff	/* no virtio driver has it */

#define TEST_FEATURES	(BIT_ULL(VIRTIO_F_VERSION_1) | \
			 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

struct test_vq {
	u64 desc;
	u64 driver;
	u64 device;
	u32 num;
	bool ready;
	bool spread;
	struct vdpa_callback cb;
	struct vdpa_vq_state state;
	unsigned int kicks;
};

/* What the device says, first; then what it was told. */
struct test_dev {
	struct vdpa_device vdev;
	u64 features;
	u16 num_max;
	u16 num_min;
	u16 size;
	u32 align;
	int reset_error;
	int address_error;
	int state_error;
	int reset_vq_error;
	bool never_ready;
	bool never_starts;
	u8 status;
	u64 driver_features;
	u32 kick_data;
	struct vdpa_callback config_cb;
	struct test_vq vqs[TEST_VQS];
	struct device *vq_dma_dev;
};

static struct test_dev *to_test(struct vdpa_device *vdev)
{
	return container_of(vdev, struct test_dev, vdev);
}

static int test_set_vq_address(struct vdpa_device *vdev, u16 idx, u64 desc,
			       u64 driver, u64 device)
{
	struct test_vq *vq = &to_test(vdev)->vqs[idx];

	vq->desc = desc;
	vq->driver = driver;
	vq->device = device;
	return to_test(vdev)->address_error;
}

static void test_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num)
{
	to_test(vdev)->vqs[idx].num = num;
}

static void test_kick_vq(struct vdpa_device *vdev, u16 idx)
{
	to_test(vdev)->vqs[idx].kicks++;
}

static void test_kick_vq_with_data(struct vdpa_device *vdev, u32 data)
{
	to_test(vdev)->kick_data = data;
}

static void test_set_vq_cb(struct vdpa_device *vdev, u16 idx,
			   struct vdpa_callback *cb)
{
	to_test(vdev)->vqs[idx].cb = *cb;
}

static void test_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready)
{
	to_test(vdev)->vqs[idx].ready = ready && !to_test(vdev)->never_ready;
}

static bool test_get_vq_ready(struct vdpa_device *vdev, u16 idx)
{
	return to_test(vdev)->vqs[idx].ready;
}

static int test_reset_vq(struct vdpa_device *vdev, u16 idx)
{
	struct test_dev *dev = to_test(vdev);

	if (!dev->reset_vq_error)
		memset(&dev->vqs[idx], 0, sizeof(dev->vqs[idx]));
	return dev->reset_vq_error;
}

static int test_set_vq_state(struct vdpa_device *vdev, u16 idx,
			     const struct vdpa_vq_state *state)
{
	to_test(vdev)->vqs[idx].state = *state;
	return to_test(vdev)->state_error;
}

static int test_get_vq_state(struct vdpa_device *vdev, u16 idx,
			     struct vdpa_vq_state *state)
{
	*state = to_test(vdev)->vqs[idx].state;
	return 0;
}

static u16 test_get_vq_size(struct vdpa_device *vdev, u16 idx)
{
	return to_test(vdev)->size;
}

static u32 test_get_vq_align(struct vdpa_device *vdev)
{
	return to_test(vdev)->align;
}

static u64 test_get_device_features(struct vdpa_device *vdev)
{
	return to_test(vdev)->features;
}

static int test_set_driver_features(struct vdpa_device *vdev, u64 features)
{
	to_test(vdev)->driver_features = features;
	return 0;
}

static u64 test_get_driver_features(struct vdpa_device *vdev)
{
	return to_test(vdev)->driver_features;
}

static void test_set_config_cb(struct vdpa_device *vdev,
			       struct vdpa_callback *cb)
{
	to_test(vdev)->config_cb = *cb;
}

static u16 test_get_vq_num_max(struct vdpa_device *vdev)
{
	return to_test(vdev)->num_max;
}

static u16 test_get_vq_num_min(struct vdpa_device *vdev)
{
	return to_test(vdev)->num_min;
}

static u32 test_get_device_id(struct vdpa_device *vdev)
{
	return TEST_ID;
}

static u32 test_get_vendor_id(struct vdpa_device *vdev)
{
	return 0x1af4;
}

static u8 test_get_status(struct vdpa_device *vdev)
{
	return to_test(vdev)->status;
}

static void test_set_status(struct vdpa_device *vdev, u8 status)
{
	if (to_test(vdev)->never_starts)
		status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	to_test(vdev)->status = status;
}

static int test_reset(struct vdpa_device *vdev)
{
	struct test_dev *dev = to_test(vdev);

	if (dev->reset_error)
		return dev->reset_error;
	dev->status = 0;
	dev->config_cb = (struct vdpa_callback) {};
	memset(dev->vqs, 0, sizeof(dev->vqs));
	return 0;
}

static size_t test_get_config_size(struct vdpa_device *vdev)
{
	return TEST_CONFIG;
}

/* As long as its configuration space may be, it fills in one byte. */
static void test_get_config(struct vdpa_device *vdev, unsigned int offset,
			    void *buf, unsigned int len)
{
	if (len && offset + len <= TEST_CONFIG)
		*(u8 *)buf = 0x40 + offset;
}

static void test_set_config(struct vdpa_device *vdev, unsigned int offset,
			    const void *buf, unsigned int len)
{
	to_test(vdev)->kick_data = *(const u8 *)buf;
}

static int test_set_vq_affinity(struct vdpa_device *vdev, u16 idx,
				const struct cpumask *mask)
{
	to_test(vdev)->vqs[idx].spread = mask && !cpumask_empty(mask);
	return 0;
}

static struct device *test_get_vq_dma_dev(struct vdpa_device *vdev, u16 idx)
{
	return idx == 1 ? to_test(vdev)->vq_dma_dev : NULL;
}

#define TEST_OPS_REQUIRED \
	.set_vq_address = test_set_vq_address, \
	.set_vq_num = test_set_vq_num, \
	.kick_vq = test_kick_vq, \
	.set_vq_cb = test_set_vq_cb, \
	.set_vq_ready = test_set_vq_ready, \
	.get_vq_ready = test_get_vq_ready, \
	.set_vq_state = test_set_vq_state, \
	.get_vq_state = test_get_vq_state, \
	.get_vq_align = test_get_vq_align, \
	.get_device_features = test_get_device_features, \
	.set_driver_features = test_set_driver_features, \
	.get_driver_features = test_get_driver_features, \
	.set_config_cb = test_set_config_cb, \
	.get_vq_num_max = test_get_vq_num_max, \
	.get_device_id = test_get_device_id, \
	.get_vendor_id = test_get_vendor_id, \
	.get_status = test_get_status, \
	.set_status = test_set_status, \
	.reset = test_reset, \
	.get_config_size = test_get_config_size, \
	.get_config = test_get_config, \
	.set_config = test_set_config

static const struct vdpa_config_ops test_ops_required = { TEST_OPS_REQUIRED };

static const struct vdpa_config_ops test_ops_all = {
	TEST_OPS_REQUIRED,
	.get_vq_size = test_get_vq_size,
	.get_vq_num_min = test_get_vq_num_min,
	.kick_vq_with_data = test_kick_vq_with_data,
	.set_vq_affinity = test_set_vq_affinity,
	.reset_vq = test_reset_vq,
	.get_vq_dma_dev = test_get_vq_dma_dev,
};

/* What each test begins with: a device to which our driver was bound. */
struct test_ctx {
	struct platform_device *pdev;
	struct test_dev *dev;
	struct virtio_vdpa *vt;
	struct virtio_device *virtio;
	const struct virtio_config_ops *config;
	struct virtqueue *vqs[TEST_VQS + 1];
	unsigned int used;	/* calls of the driver's callback */
};

static struct test_ctx *test_ctx_now;

static void test_used(struct virtqueue *vq)
{
	test_ctx_now->used++;
}

static struct virtqueue_info test_info[] = {
	{ .name = "a", .callback = test_used },
	{ .name = NULL },
	{ .name = "b", .callback = NULL, .ctx = true },
	{ .name = "c", .callback = test_used },
	{ .name = "d", .callback = test_used },
};

static void test_bind(struct kunit *test, const struct vdpa_config_ops *ops)
{
	struct test_ctx *ctx = test->priv;
	struct test_dev *dev;

	dev = vdpa_alloc_device(struct test_dev, vdev, &ctx->pdev->dev, ops, 1,
				1, NULL, false);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	ctx->dev = dev;
	dev->vdev.dma_dev = &ctx->pdev->dev;
	dev->vq_dma_dev = &ctx->pdev->dev;
	dev->features = TEST_FEATURES;
	dev->num_max = 64;
	dev->num_min = 1;
	dev->size = 64;
	dev->align = PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, device_set_driver_override(&dev->vdev.dev,
							 KBUILD_MODNAME), 0);
	KUNIT_ASSERT_EQ(test, vdpa_register_device(&dev->vdev, TEST_VQS), 0);
	KUNIT_ASSERT_NOT_NULL(test, dev->vdev.dev.driver);

	ctx->vt = vdpa_get_drvdata(&dev->vdev);
	ctx->virtio = &ctx->vt->virtio;
	ctx->config = ctx->virtio->config;
}

static int test_init(struct kunit *test)
{
	struct test_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	ctx->pdev = platform_device_register_simple("virtio_vdpa_test", -1,
						    NULL, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ctx->pdev);
	dma_coerce_mask_and_coherent(&ctx->pdev->dev, DMA_BIT_MASK(64));
	test->priv = ctx;
	test_ctx_now = ctx;
	test_bind(test, &test_ops_all);
	return 0;
}

static void test_unbind(struct test_ctx *ctx)
{
	if (!ctx->dev)
		return;
	if (ctx->virtio)
		ctx->config->del_vqs(ctx->virtio);
	vdpa_unregister_device(&ctx->dev->vdev);
	ctx->dev = NULL;
	ctx->virtio = NULL;
}

static void test_exit(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	if (!ctx)
		return;
	test_unbind(ctx);
	platform_device_unregister(ctx->pdev);
}

/* As the virtio core and a driver would; DRIVER_OK is left to the caller. */
static int test_start(struct test_ctx *ctx, u64 features,
		      struct irq_affinity *desc)
{
	ctx->config->reset(ctx->virtio);
	ctx->virtio->features = features;
	return ctx->config->finalize_features(ctx->virtio) ?:
	       ctx->config->find_vqs(ctx->virtio, ARRAY_SIZE(test_info),
				     ctx->vqs, test_info, desc);
}

static void test_driver_ok(struct test_ctx *ctx)
{
	ctx->config->set_status(ctx->virtio, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				VIRTIO_CONFIG_S_DRIVER |
				VIRTIO_CONFIG_S_FEATURES_OK |
				VIRTIO_CONFIG_S_DRIVER_OK);
}

/* The device says that it used a buffer: does the driver hear of it? */
static bool test_heard(struct test_ctx *ctx, struct virtqueue *vq)
{
	struct vdpa_callback cb = ctx->dev->vqs[vq->index].cb;
	const struct vring *vring = virtqueue_get_vring(vq);
	unsigned int used = ctx->used;

	vring->used->idx = cpu_to_virtio16(vq->vdev, 1);
	cb.callback(cb.private);
	vring->used->idx = 0;
	return ctx->used == used + 1;
}

static void queues_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct test_vq *told = ctx->dev->vqs;
	unsigned int i, idx = 0;

	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	KUNIT_EXPECT_NULL(test, ctx->vqs[1]);
	for (i = 0; i < ARRAY_SIZE(test_info); i++) {
		struct virtqueue *vq = ctx->vqs[i];

		if (i == 1)
			continue;
		KUNIT_ASSERT_NOT_NULL(test, vq);
		KUNIT_EXPECT_EQ(test, vq->index, idx);
		KUNIT_EXPECT_STREQ(test, vq->name, test_info[i].name);
		KUNIT_EXPECT_EQ(test, vq->num_max, 64);
		KUNIT_EXPECT_EQ(test, told[idx].num, 64);
		KUNIT_EXPECT_EQ(test, told[idx].desc, virtqueue_get_desc_addr(vq));
		KUNIT_EXPECT_EQ(test, told[idx].driver, virtqueue_get_avail_addr(vq));
		KUNIT_EXPECT_EQ(test, told[idx].device, virtqueue_get_used_addr(vq));
		KUNIT_EXPECT_EQ(test, told[idx].state.split.avail_index, 0);
		KUNIT_EXPECT_TRUE(test, told[idx].ready);
		/* who has no callback needs no interrupt */
		KUNIT_EXPECT_EQ(test, !told[idx].cb.callback, !test_info[i].callback);
		virtqueue_notify(vq);
		KUNIT_EXPECT_EQ(test, told[idx].kicks, 1);
		idx++;
	}
	KUNIT_EXPECT_STREQ(test, ctx->config->bus_name(ctx->virtio),
			   dev_name(&ctx->dev->vdev.dev));
}

static void packed_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct vdpa_vq_state_packed *state = &ctx->dev->vqs[0].state.packed;

	ctx->dev->size = 63;
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES |
					 BIT_ULL(VIRTIO_F_RING_PACKED), NULL), 0);
	KUNIT_EXPECT_EQ(test, ctx->dev->vqs[0].num, 63);
	KUNIT_EXPECT_TRUE(test, state->last_avail_counter);
	KUNIT_EXPECT_TRUE(test, state->last_used_counter);
	KUNIT_EXPECT_FALSE(test, state->last_avail_idx);
	KUNIT_EXPECT_FALSE(test, state->last_used_idx);
}

static void features_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	u64 asked = TEST_FEATURES | BIT_ULL(VIRTIO_F_IN_ORDER) |
		    BIT_ULL(VIRTIO_F_SR_IOV) | BIT_ULL(VIRTIO_F_RING_RESET) |
		    BIT_ULL(VIRTIO_F_NOTIFICATION_DATA) |
		    BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | 1;

	KUNIT_ASSERT_EQ(test, test_start(ctx, asked, NULL), 0);
	KUNIT_EXPECT_EQ(test, ctx->dev->driver_features,
			asked & ~(BIT_ULL(VIRTIO_F_IN_ORDER) |
				  BIT_ULL(VIRTIO_F_SR_IOV)));
	KUNIT_EXPECT_EQ(test, ctx->virtio->features,
			ctx->dev->driver_features);

	/* position above the index: nothing was made available yet */
	virtqueue_notify(ctx->vqs[3]);
	KUNIT_EXPECT_EQ(test, ctx->dev->kick_data, 2);
	KUNIT_EXPECT_EQ(test, ctx->dev->vqs[2].kicks, 0);
	ctx->config->del_vqs(ctx->virtio);

	/* not a modern device */
	KUNIT_EXPECT_EQ(test, test_start(ctx, BIT_ULL(VIRTIO_F_ACCESS_PLATFORM),
					 NULL), -EINVAL);
}

/* Without the ops for them some features are not for us to accept. */
static void features_without_ops_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	test_unbind(ctx);
	test_bind(test, &test_ops_required);
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES |
					 BIT_ULL(VIRTIO_F_RING_RESET) |
					 BIT_ULL(VIRTIO_F_NOTIFICATION_DATA),
					 &(struct irq_affinity) {}), 0);
	KUNIT_EXPECT_EQ(test, ctx->dev->driver_features, TEST_FEATURES);
	KUNIT_EXPECT_EQ(test, virtqueue_resize(ctx->vqs[0], 16, NULL, NULL),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, ctx->config->set_vq_affinity(ctx->vqs[0],
							   cpu_online_mask), 0);
	KUNIT_EXPECT_NULL(test, ctx->config->get_vq_affinity(ctx->virtio, 0));
	KUNIT_EXPECT_EQ(test, ctx->config->generation(ctx->virtio), 0);
	virtqueue_notify(ctx->vqs[0]);
	KUNIT_EXPECT_EQ(test, ctx->dev->vqs[0].kicks, 1);
}

static void test_recycle(struct virtqueue *vq, void *buf)
{
	(*(unsigned int *)buf)++;
}

/* Virtio 1.3, 2.6.1: one queue anew, with another ring, while others go on */
static void ring_reset_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct test_vq *told = &ctx->dev->vqs[0];
	unsigned int *buf = kunit_kzalloc(test, sizeof(*buf), GFP_KERNEL);
	struct vdpa_callback old;
	struct scatterlist sg;
	struct virtqueue *vq;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES |
					 BIT_ULL(VIRTIO_F_RING_RESET), NULL), 0);
	test_driver_ok(ctx);
	vq = ctx->vqs[0];
	old = told->cb;
	sg_init_one(&sg, buf, sizeof(*buf));
	KUNIT_ASSERT_EQ(test, virtqueue_add_outbuf(vq, &sg, 1, buf, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, virtqueue_resize(vq, 16, test_recycle, NULL), 0);
	KUNIT_EXPECT_EQ(test, *buf, 1);
	KUNIT_EXPECT_EQ(test, told->num, 16);
	KUNIT_EXPECT_EQ(test, told->desc, virtqueue_get_desc_addr(vq));
	KUNIT_EXPECT_EQ(test, told->driver, virtqueue_get_avail_addr(vq));
	KUNIT_EXPECT_EQ(test, told->device, virtqueue_get_used_addr(vq));
	KUNIT_EXPECT_TRUE(test, told->ready);
	KUNIT_EXPECT_TRUE(test, test_heard(ctx, vq));
	KUNIT_EXPECT_EQ(test, ctx->dev->vqs[1].num, 64);

	/* what comes too late is not for a queue that was reset */
	KUNIT_EXPECT_EQ(test, ctx->config->disable_vq_and_reset(vq), 0);
	KUNIT_EXPECT_FALSE(test, told->ready);
	KUNIT_EXPECT_EQ(test, old.callback(old.private), IRQ_NONE);
	KUNIT_EXPECT_EQ(test, ctx->config->enable_vq_after_reset(vq), 0);
	KUNIT_EXPECT_TRUE(test, told->ready);

	/* a device that refuses, that fails, and that is broken */
	ctx->dev->reset_vq_error = -EREMOTEIO;
	KUNIT_EXPECT_EQ(test, virtqueue_resize(vq, 32, test_recycle, NULL),
			-EREMOTEIO);
	KUNIT_EXPECT_EQ(test, told->num, 16);
	KUNIT_EXPECT_TRUE(test, test_heard(ctx, vq));
	ctx->dev->reset_vq_error = 0;
	ctx->dev->never_ready = true;
	KUNIT_EXPECT_EQ(test, ctx->config->disable_vq_and_reset(vq), 0);
	KUNIT_EXPECT_EQ(test, ctx->config->enable_vq_after_reset(vq), -EIO);
	KUNIT_EXPECT_NULL(test, told->cb.callback);
	ctx->dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	KUNIT_EXPECT_EQ(test, ctx->config->disable_vq_and_reset(vq), -EIO);
	KUNIT_EXPECT_EQ(test, ctx->config->enable_vq_after_reset(vq), -EIO);
}

struct layout_case {
	const char *name;
	u16 num_max;
	u16 num_min;
	u16 size;
	u32 align;
	bool packed;
	int num;	/* of descriptors, or an errno */
};

static const struct layout_case layout_cases[] = {
	{ "size 1", 1, 1, 1, 64, false, 1 },
	{ "size 0", 64, 1, 0, 64, false, -ENOENT },
	{ "most 0", 0, 0, 64, 64, false, -ENOENT },
	{ "size above most", 64, 1, 128, 64, false, 64 },
	{ "no power of two", 100, 1, 100, 64, false, 64 },
	{ "no power of two, packed", 100, 1, 100, 64, true, 100 },
	{ "no power of two fits", 100, 65, 100, 64, false, -EINVAL },
	{ "no power of two fits, packed", 100, 65, 100, 64, true, 100 },
	{ "65535", 65535, 1, 65535, 64, false, 32768 },
	{ "65535, packed", 65535, 1, 65535, 64, true, 32768 },
	{ "least above most", 64, 65, 64, 64, false, -EINVAL },
	{ "least above possible", 65535, 65535, 65535, 64, true, -EINVAL },
	{ "exactly one size", 32, 32, 32, 64, false, 32 },
	{ "alignment 0", 64, 1, 64, 0, false, -EINVAL },
	{ "alignment 3", 64, 1, 64, 3, false, -EINVAL },
	{ "alignment 1", 64, 1, 64, 1, false, 64 },
	{ "alignment 2", 2, 1, 2, 2, false, 2 },
	{ "alignment 4", 64, 1, 64, 4, false, 64 },
	{ "alignment of two pages", 64, 1, 64, 2 * PAGE_SIZE, false, -EINVAL },
	{ "alignment of half of all", 64, 1, 64, BIT(31), false, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(layout, layout_cases, name);

static void layout_test(struct kunit *test)
{
	const struct layout_case *c = test->param_value;
	struct test_ctx *ctx = test->priv;
	u64 features = TEST_FEATURES;
	int err;

	if (c->packed)
		features |= BIT_ULL(VIRTIO_F_RING_PACKED);
	ctx->dev->num_max = c->num_max;
	ctx->dev->num_min = c->num_min;
	ctx->dev->size = c->size;
	ctx->dev->align = c->align;
	err = test_start(ctx, features, NULL);
	KUNIT_EXPECT_EQ(test, err, min(c->num, 0));
	KUNIT_EXPECT_EQ(test, ctx->dev->vqs[0].num, max(c->num, 0));
	KUNIT_EXPECT_EQ(test, ctx->dev->vqs[0].driver % VRING_AVAIL_ALIGN_SIZE, 0);
	KUNIT_EXPECT_EQ(test, ctx->dev->vqs[0].device % VRING_USED_ALIGN_SIZE, 0);
	KUNIT_EXPECT_EQ(test, list_empty(&ctx->virtio->vqs), c->num < 0);
}

static void too_many_queues_test(struct kunit *test)
{
	struct virtqueue_info info[TEST_VQS + 1];
	struct test_ctx *ctx = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(info); i++)
		info[i] = (struct virtqueue_info) { .name = "q" };
	KUNIT_EXPECT_EQ(test, ctx->config->find_vqs(ctx->virtio,
						    ARRAY_SIZE(info), ctx->vqs,
						    info, NULL), -ENOENT);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->virtio->vqs));
	KUNIT_EXPECT_FALSE(test, ctx->dev->vqs[0].ready);
}

static void failing_queue_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	ctx->dev->address_error = -EFAULT;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), -EFAULT);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->virtio->vqs));

	ctx->dev->address_error = 0;
	ctx->dev->state_error = -EIO;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), -EIO);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->virtio->vqs));

	/* a parent that cannot set a state, which is that of a reset anyway */
	ctx->dev->state_error = -EOPNOTSUPP;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	ctx->config->del_vqs(ctx->virtio);
	KUNIT_EXPECT_FALSE(test, ctx->dev->vqs[0].ready);
	KUNIT_EXPECT_NULL(test, ctx->dev->vqs[0].cb.callback);

	ctx->dev->never_ready = true;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), -EIO);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->virtio->vqs));
}

static void odd_sets(struct irq_affinity *affd, unsigned int nvecs)
{
	affd->nr_sets = 2;
	affd->set_size[0] = 1;
	affd->set_size[1] = nvecs;	/* one too many */
}

static void affinity_test(struct kunit *test)
{
	struct irq_affinity desc = { .pre_vectors = 1, .post_vectors = 1 };
	struct irq_affinity odd = { .calc_sets = odd_sets };
	struct irq_affinity wide = { .pre_vectors = 3, .post_vectors = 3 };
	struct test_ctx *ctx = test->priv;
	unsigned int i;

	/* the third queue asked for is that with index 1, and has a CPU at least */
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, &desc), 0);
	for (i = 0; i < TEST_VQS; i++)
		KUNIT_EXPECT_EQ(test, ctx->dev->vqs[i].spread,
				i > 0 && i < TEST_VQS - 1 &&
				i <= num_possible_cpus());
	KUNIT_EXPECT_EQ(test, ctx->config->set_vq_affinity(ctx->vqs[4],
							   cpu_online_mask), 0);
	KUNIT_EXPECT_TRUE(test, ctx->dev->vqs[3].spread);
	KUNIT_EXPECT_EQ(test, ctx->config->set_vq_affinity(ctx->vqs[4], NULL), 0);
	KUNIT_EXPECT_FALSE(test, ctx->dev->vqs[3].spread);
	ctx->config->del_vqs(ctx->virtio);

	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, &wide), 0);
	for (i = 0; i < TEST_VQS; i++)
		KUNIT_EXPECT_FALSE(test, ctx->dev->vqs[i].spread);
	ctx->config->del_vqs(ctx->virtio);

	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, &odd), -EINVAL);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->virtio->vqs));
}

static void dma_dev_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct platform_device *other;

	other = platform_device_register_simple("virtio_vdpa_test_vq", -1,
						NULL, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	dma_coerce_mask_and_coherent(&other->dev, DMA_BIT_MASK(64));
	ctx->dev->vq_dma_dev = &other->dev;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, virtqueue_dma_dev(ctx->vqs[0]),
			    &ctx->pdev->dev);
	KUNIT_EXPECT_PTR_EQ(test, virtqueue_dma_dev(ctx->vqs[2]), &other->dev);
	KUNIT_EXPECT_PTR_EQ(test, ctx->virtio->dev.parent, &ctx->pdev->dev);
	ctx->config->del_vqs(ctx->virtio);

	/* one that its parent forgot to set up */
	other->dev.coherent_dma_mask = 0;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), -EINVAL);
	other->dev.coherent_dma_mask = DMA_BIT_MASK(64);
	*other->dev.dma_mask = 0;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), -EINVAL);
	KUNIT_EXPECT_TRUE(test, list_empty(&ctx->virtio->vqs));
	platform_device_unregister(other);
}

/* A device that interrupts when it should not. */
static void late_interrupts_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct vdpa_callback cb, config_cb;

	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	KUNIT_EXPECT_FALSE(test, test_heard(ctx, ctx->vqs[0]));
	test_driver_ok(ctx);
	KUNIT_EXPECT_TRUE(test, test_heard(ctx, ctx->vqs[0]));
	KUNIT_EXPECT_TRUE(test, test_heard(ctx, ctx->vqs[4]));

	cb = ctx->dev->vqs[0].cb;
	config_cb = ctx->dev->config_cb;
	KUNIT_ASSERT_NOT_NULL(test, config_cb.callback);
	config_cb.callback(config_cb.private);
	ctx->config->reset(ctx->virtio);
	KUNIT_EXPECT_EQ(test, (int)cb.callback(cb.private), (int)IRQ_NONE);
	ctx->config->del_vqs(ctx->virtio);
	KUNIT_EXPECT_EQ(test, (int)cb.callback(cb.private), (int)IRQ_NONE);
	config_cb.callback(config_cb.private);
}

static void config_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	u8 buf[16];

	memset(buf, 0xff, sizeof(buf));
	ctx->config->get(ctx->virtio, 0, buf, TEST_CONFIG);
	KUNIT_EXPECT_EQ(test, buf[0], 0x40);
	/* the device left these alone: not what was there before */
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + 1, 0, TEST_CONFIG - 1));
	KUNIT_EXPECT_EQ(test, buf[TEST_CONFIG], 0xff);

	/* across the end, at it, and far behind */
	memset(buf, 0xff, sizeof(buf));
	ctx->config->get(ctx->virtio, TEST_CONFIG - 1, buf, 8);
	KUNIT_EXPECT_EQ(test, buf[0], 0x40 + TEST_CONFIG - 1);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + 1, 0, 7));
	memset(buf, 0xff, sizeof(buf));
	ctx->config->get(ctx->virtio, TEST_CONFIG, buf, 8);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0, 8));
	memset(buf, 0xff, sizeof(buf));
	ctx->config->get(ctx->virtio, UINT_MAX, buf, 8);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 0, 8));

	buf[0] = 1;
	ctx->config->set(ctx->virtio, TEST_CONFIG - 1, buf, 1);
	KUNIT_EXPECT_EQ(test, ctx->dev->kick_data, 1);
	buf[0] = 2;
	ctx->config->set(ctx->virtio, TEST_CONFIG - 1, buf, 2);
	ctx->config->set(ctx->virtio, TEST_CONFIG, buf, 1);
	ctx->config->set(ctx->virtio, UINT_MAX, buf, 2);
	KUNIT_EXPECT_EQ(test, ctx->dev->kick_data, 1);
}

static void failing_reset_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	test_driver_ok(ctx);
	ctx->dev->reset_error = -EIO;
	ctx->config->reset(ctx->virtio);
	/* its driver has done what it could, and may go */
	KUNIT_EXPECT_EQ(test, ctx->config->get_status(ctx->virtio), 0);
	KUNIT_EXPECT_NE(test, ctx->dev->status, 0);
	ctx->config->del_vqs(ctx->virtio);
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), -EIO);
	KUNIT_EXPECT_EQ(test, ctx->config->find_vqs(ctx->virtio, 1, ctx->vqs,
						    test_info, NULL), -EIO);

	ctx->dev->reset_error = 0;
	KUNIT_EXPECT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
}

/* Whoever would wait for a device that does not run is told. */
static void broken_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;

	ctx->dev->never_starts = true;
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	test_driver_ok(ctx);
	KUNIT_EXPECT_TRUE(test, virtqueue_is_broken(ctx->vqs[0]));
	KUNIT_EXPECT_TRUE(test, virtqueue_is_broken(ctx->vqs[4]));
	ctx->config->reset(ctx->virtio);
	ctx->config->del_vqs(ctx->virtio);

	ctx->dev->never_starts = false;
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	test_driver_ok(ctx);
	KUNIT_EXPECT_FALSE(test, virtqueue_is_broken(ctx->vqs[0]));
	KUNIT_EXPECT_TRUE(test, virtio_vdpa_answers(ctx->vt));
	ctx->dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	KUNIT_EXPECT_FALSE(test, virtio_vdpa_answers(ctx->vt));
	ctx->dev->status = 0xff;
	KUNIT_EXPECT_FALSE(test, virtio_vdpa_answers(ctx->vt));
	ctx->dev->status = 0;
	KUNIT_EXPECT_FALSE(test, virtio_vdpa_answers(ctx->vt));
	ctx->config->reset(ctx->virtio);
	KUNIT_EXPECT_TRUE(test, virtio_vdpa_answers(ctx->vt));
}

/* No virtio driver was there to reset it. */
static void leave_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct test_dev *dev = ctx->dev;

	KUNIT_EXPECT_EQ(test, dev->status, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	ctx->config->set_status(ctx->virtio, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				VIRTIO_CONFIG_S_DRIVER |
				VIRTIO_CONFIG_S_FAILED);
	ctx->config->del_vqs(ctx->virtio);
	KUNIT_EXPECT_NOT_NULL(test, dev->config_cb.callback);
	ctx->virtio = NULL;
	device_release_driver(&dev->vdev.dev);
	KUNIT_EXPECT_EQ(test, dev->status, 0);
	KUNIT_EXPECT_NULL(test, dev->config_cb.callback);
}

/* The host sleeps: what the device was told is told again. */
static void sleep_test(struct kunit *test)
{
	struct test_ctx *ctx = test->priv;
	struct device *dev = &ctx->dev->vdev.dev;
	const struct dev_pm_ops *pm = dev->driver->pm;

	if (!IS_ENABLED(CONFIG_PM_SLEEP))
		kunit_skip(test, "kernel that does not sleep");
	KUNIT_ASSERT_EQ(test, test_start(ctx, TEST_FEATURES, NULL), 0);
	KUNIT_ASSERT_EQ(test, pm->suspend(dev), 0);
	ctx->config->del_vqs(ctx->virtio);
	ctx->dev->driver_features = 0;
	KUNIT_EXPECT_EQ(test, pm->resume(dev), 0);
	KUNIT_EXPECT_EQ(test, ctx->dev->status, VIRTIO_CONFIG_S_ACKNOWLEDGE);

	KUNIT_ASSERT_EQ(test, pm->suspend(dev), 0);
	ctx->dev->reset_error = -EIO;
	pm->resume(dev);
	KUNIT_EXPECT_TRUE(test, ctx->vt->dead);
	ctx->dev->reset_error = 0;
}

static struct kunit_case virtio_vdpa_test_cases[] = {
	KUNIT_CASE(queues_test),
	KUNIT_CASE(packed_test),
	KUNIT_CASE(features_test),
	KUNIT_CASE(features_without_ops_test),
	KUNIT_CASE(ring_reset_test),
	KUNIT_CASE_PARAM(layout_test, layout_gen_params),
	KUNIT_CASE(too_many_queues_test),
	KUNIT_CASE(failing_queue_test),
	KUNIT_CASE(affinity_test),
	KUNIT_CASE(dma_dev_test),
	KUNIT_CASE(late_interrupts_test),
	KUNIT_CASE(config_test),
	KUNIT_CASE(failing_reset_test),
	KUNIT_CASE(broken_test),
	KUNIT_CASE(leave_test),
	KUNIT_CASE(sleep_test),
	{}
};

static struct kunit_suite virtio_vdpa_test_suite = {
	.name = "virtio_vdpa",
	.init = test_init,
	.exit = test_exit,
	.test_cases = virtio_vdpa_test_cases,
};

kunit_test_suite(virtio_vdpa_test_suite);
