// SPDX-License-Identifier: GPL-2.0
/*
 * The bus driver: a virtio device for each vDPA device that it is bound to
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "virtio_vdpa.h"

static void virtio_vdpa_release(struct device *dev)
{
	kvfree(virtio_to_vt(dev_to_virtio(dev)));
}

static struct virtio_vdpa *virtio_vdpa_alloc(struct vdpa_device *vdev)
{
	const struct vdpa_config_ops *ops = vdev->config;
	struct virtio_vdpa *vt;
	unsigned int i;

	vt = kvzalloc(struct_size(vt, vqs, vdev->nvqs), GFP_KERNEL);
	if (!vt)
		return NULL;
	vt->nvqs = vdev->nvqs;
	for (i = 0; i < vt->nvqs; i++)
		vt->vqs[i].vt = vt;
	vt->vdev = vdev;
	vt->config_size = ops->get_config_size(vdev);

	vt->virtio.id.device = ops->get_device_id(vdev);
	vt->virtio.id.vendor = ops->get_vendor_id(vdev);
	vt->virtio.config = &virtio_vdpa_config_ops;
	/* Virtio drivers take the parent for what does the DMA. */
	vt->virtio.dev.parent = vdpa_get_dma_dev(vdev) ?: &vdev->dev;
	vt->virtio.dev.release = virtio_vdpa_release;
	return vt;
}

/* The virtio device goes, and with the last reference to it @vt. */
static void virtio_vdpa_unregister(struct virtio_vdpa *vt)
{
	get_device(&vt->virtio.dev);
	unregister_virtio_device(&vt->virtio);
	virtio_vdpa_leave(vt);
	put_device(&vt->virtio.dev);
}

static int virtio_vdpa_probe(struct vdpa_device *vdev)
{
	struct virtio_vdpa *vt;
	int err;

	vt = virtio_vdpa_alloc(vdev);
	if (!vt)
		return -ENOMEM;
	vdpa_set_drvdata(vdev, vt);

	/* Resets the device, and probes a virtio driver if there is one. */
	err = register_virtio_device(&vt->virtio);
	if (err) {
		virtio_vdpa_leave(vt);
		put_device(&vt->virtio.dev);
		return err;
	}
	if (vt->dead) {
		virtio_vdpa_unregister(vt);
		return -EIO;
	}
	vdpa_set_driver_dev(vdev, &vt->virtio.dev);
	return 0;
}

static void virtio_vdpa_remove(struct vdpa_device *vdev)
{
	struct virtio_vdpa *vt = vdpa_get_drvdata(vdev);

	/* Nobody shall wait for a device that went before its driver. */
	if (!virtio_vdpa_answers(vt))
		virtio_break_device(&vt->virtio);
	virtio_vdpa_unregister(vt);
}

#ifdef CONFIG_PM_SLEEP
/*
 * The host goes to sleep: the virtio driver takes back what it gave to the
 * device, which may forget all it was told, and sets it up again afterwards.
 */
static int virtio_vdpa_freeze(struct device *dev)
{
	struct virtio_vdpa *vt = dev_get_drvdata(dev);

	return virtio_device_freeze(&vt->virtio);
}

static int virtio_vdpa_restore(struct device *dev)
{
	struct virtio_vdpa *vt = dev_get_drvdata(dev);

	return virtio_device_restore(&vt->virtio);
}
#endif

static SIMPLE_DEV_PM_OPS(virtio_vdpa_pm, virtio_vdpa_freeze,
			 virtio_vdpa_restore);

static struct vdpa_driver virtio_vdpa_driver = {
	.driver.name = "virtio_vdpa",
	.driver.pm = &virtio_vdpa_pm,
	.probe = virtio_vdpa_probe,
	.remove = virtio_vdpa_remove,
};

module_vdpa_driver(virtio_vdpa_driver);

MODULE_DESCRIPTION("vDPA devices as virtio devices of this host");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vdpa-driver-virtio_vdpa");
