// SPDX-License-Identifier: GPL-2.0
/*
 * A parent for the bench: management devices whose hardware takes its time to
 * make a device. The devices are of class net and have no data path. For the
 * vdpa.h of Linux 6.12 as well.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vdpa.h>

#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>
#include <uapi/linux/virtio_net.h>

#define BENCH_NAME_LEN		32
#define BENCH_VQS		2
#define BENCH_VQ_SIZE_MAX	256
#define BENCH_VENDOR_ID		0xbe9c
#define BENCH_FEATURES		(BIT_ULL(VIRTIO_F_VERSION_1) | \
				 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

static unsigned int mgmtdevs = 16;
module_param(mgmtdevs, uint, 0444);
MODULE_PARM_DESC(mgmtdevs, "how many management devices there are");

static unsigned int latency_ms = 50;
module_param(latency_ms, uint, 0644);
MODULE_PARM_DESC(latency_ms, "what the hardware takes to make a device");

/**
 * struct bench_vq - a queue as the bus driver set it up
 * @ready: started
 * @state: where it stands
 */
struct bench_vq {
	bool ready;
	struct vdpa_vq_state state;
};

/**
 * struct bench_dev - a device
 * @vdpa: first
 * @features: accepted
 * @status: see virtio
 * @vqs: queues
 */
struct bench_dev {
	struct vdpa_device vdpa;
	u64 features;
	u8 status;
	struct bench_vq vqs[BENCH_VQS];
};

static struct bench_dev *to_bench(struct vdpa_device *vdev)
{
	return container_of(vdev, struct bench_dev, vdpa);
}

/*
 * Queues, from which nothing is taken
 */

static int bench_set_vq_address(struct vdpa_device *vdev, u16 idx, u64 desc,
				u64 driver, u64 device)
{
	return 0;
}

static void bench_set_vq_num(struct vdpa_device *vdev, u16 idx, u32 num)
{
}

static void bench_kick_vq(struct vdpa_device *vdev, u16 idx)
{
}

static void bench_set_vq_cb(struct vdpa_device *vdev, u16 idx,
			    struct vdpa_callback *cb)
{
}

static void bench_set_vq_ready(struct vdpa_device *vdev, u16 idx, bool ready)
{
	to_bench(vdev)->vqs[idx].ready = ready;
}

static bool bench_get_vq_ready(struct vdpa_device *vdev, u16 idx)
{
	return to_bench(vdev)->vqs[idx].ready;
}

static int bench_set_vq_state(struct vdpa_device *vdev, u16 idx,
			      const struct vdpa_vq_state *state)
{
	to_bench(vdev)->vqs[idx].state = *state;
	return 0;
}

static int bench_get_vq_state(struct vdpa_device *vdev, u16 idx,
			      struct vdpa_vq_state *state)
{
	*state = to_bench(vdev)->vqs[idx].state;
	return 0;
}

static u32 bench_get_vq_align(struct vdpa_device *vdev)
{
	return PAGE_SIZE;
}

static u16 bench_get_vq_num_max(struct vdpa_device *vdev)
{
	return BENCH_VQ_SIZE_MAX;
}

/*
 * The device
 */

static u64 bench_get_device_features(struct vdpa_device *vdev)
{
	return BENCH_FEATURES;
}

static int bench_set_driver_features(struct vdpa_device *vdev, u64 features)
{
	to_bench(vdev)->features = features & BENCH_FEATURES;
	return 0;
}

static u64 bench_get_driver_features(struct vdpa_device *vdev)
{
	return to_bench(vdev)->features;
}

static void bench_set_config_cb(struct vdpa_device *vdev,
				struct vdpa_callback *cb)
{
}

static u32 bench_get_device_id(struct vdpa_device *vdev)
{
	return VIRTIO_ID_NET;
}

static u32 bench_get_vendor_id(struct vdpa_device *vdev)
{
	return BENCH_VENDOR_ID;
}

static u8 bench_get_status(struct vdpa_device *vdev)
{
	return READ_ONCE(to_bench(vdev)->status);
}

static void bench_set_status(struct vdpa_device *vdev, u8 status)
{
	WRITE_ONCE(to_bench(vdev)->status, status);
}

static int bench_reset(struct vdpa_device *vdev)
{
	struct bench_dev *bench = to_bench(vdev);

	WRITE_ONCE(bench->status, 0);
	bench->features = 0;
	memset(bench->vqs, 0, sizeof(bench->vqs));
	return 0;
}

static size_t bench_get_config_size(struct vdpa_device *vdev)
{
	return sizeof(struct virtio_net_config);
}

/* None of the features offered has a field. */
static void bench_get_config(struct vdpa_device *vdev, unsigned int offset,
			     void *buf, unsigned int len)
{
	memset(buf, 0, len);
}

static void bench_set_config(struct vdpa_device *vdev, unsigned int offset,
			     const void *buf, unsigned int len)
{
}

static int bench_set_map(struct vdpa_device *vdev, unsigned int asid,
			 struct vhost_iotlb *iotlb)
{
	return 0;
}

static const struct vdpa_config_ops bench_ops = {
	.set_vq_address = bench_set_vq_address,
	.set_vq_num = bench_set_vq_num,
	.kick_vq = bench_kick_vq,
	.set_vq_cb = bench_set_vq_cb,
	.set_vq_ready = bench_set_vq_ready,
	.get_vq_ready = bench_get_vq_ready,
	.set_vq_state = bench_set_vq_state,
	.get_vq_state = bench_get_vq_state,
	.get_vq_align = bench_get_vq_align,
	.get_vq_num_max = bench_get_vq_num_max,
	.get_device_features = bench_get_device_features,
	.set_driver_features = bench_set_driver_features,
	.get_driver_features = bench_get_driver_features,
	.set_config_cb = bench_set_config_cb,
	.get_device_id = bench_get_device_id,
	.get_vendor_id = bench_get_vendor_id,
	.get_status = bench_get_status,
	.set_status = bench_set_status,
	.reset = bench_reset,
	.get_config_size = bench_get_config_size,
	.get_config = bench_get_config,
	.set_config = bench_set_config,
	.set_map = bench_set_map,
};

/*
 * Management devices
 */

static struct vdpa_mgmt_dev *bench_mgmtdevs;

static int bench_dev_add(struct vdpa_mgmt_dev *mdev, const char *name,
			 const struct vdpa_dev_set_config *config)
{
	struct bench_dev *bench;
	int err;

	msleep(latency_ms);
	bench = vdpa_alloc_device(struct bench_dev, vdpa, mdev->device,
				  &bench_ops, 1, 1, name, false);
	if (IS_ERR(bench))
		return PTR_ERR(bench);
	bench->vdpa.mdev = mdev;
	bench->vdpa.dma_dev = mdev->device;
	err = _vdpa_register_device(&bench->vdpa, BENCH_VQS);
	if (err)
		put_device(&bench->vdpa.dev);
	return err;
}

static void bench_dev_del(struct vdpa_mgmt_dev *mdev, struct vdpa_device *vdev)
{
	_vdpa_unregister_device(vdev);
}

static const struct vdpa_mgmtdev_ops bench_mgmtdev_ops = {
	.dev_add = bench_dev_add,
	.dev_del = bench_dev_del,
};

static struct virtio_device_id bench_id_table[] = {
	{ VIRTIO_ID_NET, VIRTIO_DEV_ANY_ID },
	{ 0 },
};

static int bench_mgmtdev_add(struct vdpa_mgmt_dev *mdev, unsigned int number)
{
	char name[BENCH_NAME_LEN];
	int err;

	snprintf(name, sizeof(name), "vdpabench%u", number);
	mdev->device = root_device_register(name);
	if (IS_ERR(mdev->device))
		return PTR_ERR(mdev->device);
	mdev->ops = &bench_mgmtdev_ops;
	mdev->id_table = bench_id_table;
	mdev->supported_features = BENCH_FEATURES;
	mdev->max_supported_vqs = BENCH_VQS;
	err = vdpa_mgmtdev_register(mdev);
	if (err)
		root_device_unregister(mdev->device);
	return err;
}

/* The first @n, and their devices */
static void bench_mgmtdevs_del(unsigned int n)
{
	while (n--) {
		vdpa_mgmtdev_unregister(&bench_mgmtdevs[n]);
		root_device_unregister(bench_mgmtdevs[n].device);
	}
	kfree(bench_mgmtdevs);
}

static int __init bench_init(void)
{
	unsigned int i;
	int err;

	bench_mgmtdevs = kcalloc(mgmtdevs, sizeof(*bench_mgmtdevs), GFP_KERNEL);
	if (!bench_mgmtdevs)
		return -ENOMEM;
	for (i = 0; i < mgmtdevs; i++) {
		err = bench_mgmtdev_add(&bench_mgmtdevs[i], i);
		if (err) {
			bench_mgmtdevs_del(i);
			return err;
		}
	}
	return 0;
}

static void __exit bench_exit(void)
{
	bench_mgmtdevs_del(mgmtdevs);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("vDPA bench: management devices whose hardware is slow");
MODULE_LICENSE("GPL");
