// SPDX-License-Identifier: GPL-2.0
/*
 * The character device: life of the device, life of the opener
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "vhost_vdpa.h"

#define VHOST_VDPA_MINORS	(MINORMASK + 1)

static dev_t vhost_vdpa_devt;
static DEFINE_IDA(vhost_vdpa_minors);

/**
 * vhost_vdpa_lock - take the lock, if the device is still there
 * @vf: the opener
 *
 * Context: may sleep, without mmap_lock.
 * Return: 0 with &vhost_vdpa.lock held, or -ENODEV without.
 */
int vhost_vdpa_lock(struct vhost_vdpa_file *vf)
{
	struct vhost_vdpa *vv = vf->vv;

	mutex_lock(&vv->lock);
	if (vv->vdev)
		return 0;
	mutex_unlock(&vv->lock);
	return -ENODEV;
}

void vhost_vdpa_unlock(struct vhost_vdpa_file *vf)
{
	mutex_unlock(&vf->vv->lock);
}

static int vhost_vdpa_file_alloc_as(struct vhost_vdpa_file *vf,
				    struct vdpa_device *vdev)
{
	/* a parent that knows only one address space need not have said so */
	vf->nas = max(vdev->nas, 1U);
	vf->as = kcalloc(vf->nas, sizeof(*vf->as), GFP_KERNEL_ACCOUNT);
	return vf->as ? 0 : -ENOMEM;
}

/* The opener, and the device as the opener expects it: reset, with no memory */
static struct vhost_vdpa_file *vhost_vdpa_file_attach(struct vhost_vdpa *vv,
						      struct file *file)
{
	struct vdpa_device *vdev = vv->vdev;
	struct vhost_vdpa_file *vf;
	int err;

	lockdep_assert_held(&vv->lock);
	vf = kvzalloc(struct_size(vf, vqs, vdev->nvqs), GFP_KERNEL_ACCOUNT);
	if (!vf)
		return ERR_PTR(-ENOMEM);
	vf->vv = vv;
	vf->nvqs = vdev->nvqs;
	vf->mapping = file->f_mapping;
	vf->use_va = vdev->use_va;
	mutex_init(&vf->request_lock);
	vhost_vdpa_signal_init(&vf->config_call,
			       &vdev->usage->config_interrupts);
	vhost_vdpa_vqs_init(vf);

	err = vhost_vdpa_file_alloc_as(vf, vdev) ?: vdpa_reset(vdev, 0);
	if (err)
		goto err_free;
	err = vhost_vdpa_map_attach(vf);
	if (err)
		goto err_free;
	return vf;

err_free:
	kfree(vf->as);
	mutex_destroy(&vf->request_lock);
	kvfree(vf);
	return ERR_PTR(err);
}

/*
 * The device and the opener part: it stands still, knows no address of the
 * opener's, and no page is pinned for it. What a parent that fails to reset
 * still does, it does without translations.
 */
static void vhost_vdpa_file_detach(struct vhost_vdpa_file *vf)
{
	struct vdpa_device *vdev = vhost_vdpa_vdev(vf);

	vhost_vdpa_vqs_unbypass(vf);
	vdpa_reset(vdev, 0);
	vhost_vdpa_vqs_detach(vf);
	vhost_vdpa_config_detach(vf);
	vhost_vdpa_map_detach(vf);
	if (vf->bound && vdev->config->unbind_mm)
		vdev->config->unbind_mm(vdev);
	vf->bound = false;
}

static void vhost_vdpa_file_free(struct vhost_vdpa_file *vf)
{
	vhost_vdpa_vqs_free(vf);
	vhost_vdpa_eventfd_put(vhost_vdpa_signal_swap(&vf->config_call, NULL));
	if (vf->mm)
		mmdrop(vf->mm);
	free_page((unsigned long)vf->pages);
	kfree(vf->as);
	mutex_destroy(&vf->request_lock);
	kvfree(vf);
}

static int vhost_vdpa_open(struct inode *inode, struct file *file)
{
	struct vhost_vdpa *vv = container_of(inode->i_cdev, struct vhost_vdpa,
					     cdev);
	struct vhost_vdpa_file *vf;

	if (test_and_set_bit_lock(0, &vv->opened))
		return -EBUSY;

	mutex_lock(&vv->lock);
	vf = vv->vdev ? vhost_vdpa_file_attach(vv, file) : ERR_PTR(-ENODEV);
	if (!IS_ERR(vf))
		vv->vf = vf;
	mutex_unlock(&vv->lock);

	if (IS_ERR(vf)) {
		clear_bit_unlock(0, &vv->opened);
		return PTR_ERR(vf);
	}
	file->private_data = vf;
	return nonseekable_open(inode, file);
}

static int vhost_vdpa_release(struct inode *inode, struct file *file)
{
	struct vhost_vdpa_file *vf = file->private_data;
	struct vhost_vdpa *vv = vf->vv;

	mutex_lock(&vv->lock);
	if (vv->vdev)
		vhost_vdpa_file_detach(vf);
	vv->vf = NULL;
	mutex_unlock(&vv->lock);

	vhost_vdpa_file_free(vf);
	clear_bit_unlock(0, &vv->opened);
	return 0;
}

static __poll_t vhost_vdpa_poll(struct file *file, poll_table *wait)
{
	struct vhost_vdpa_file *vf = file->private_data;

	poll_wait(file, &vf->vv->gone, wait);
	if (!READ_ONCE(vf->vv->vdev))
		return EPOLLERR | EPOLLHUP;
	return EPOLLOUT | EPOLLWRNORM;
}

static const struct file_operations vhost_vdpa_fops = {
	.owner = THIS_MODULE,
	.open = vhost_vdpa_open,
	.release = vhost_vdpa_release,
	.write_iter = vhost_vdpa_write_iter,
	.unlocked_ioctl = vhost_vdpa_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vhost_vdpa_mmap,
	.poll = vhost_vdpa_poll,
};

static void vhost_vdpa_dev_release(struct device *dev)
{
	struct vhost_vdpa *vv = container_of(dev, struct vhost_vdpa, dev);

	ida_free(&vhost_vdpa_minors, MINOR(dev->devt));
	mutex_destroy(&vv->bell_lock);
	mutex_destroy(&vv->lock);
	kfree(vv);
}

/* No class: the directory has to be right below that of the device. */
static struct vhost_vdpa *vhost_vdpa_alloc(struct vdpa_device *vdev)
{
	struct vhost_vdpa *vv;
	int minor;

	vv = kzalloc(sizeof(*vv), GFP_KERNEL);
	if (!vv)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&vhost_vdpa_minors, VHOST_VDPA_MINORS - 1,
			      GFP_KERNEL);
	if (minor < 0) {
		kfree(vv);
		return ERR_PTR(minor);
	}

	mutex_init(&vv->lock);
	init_waitqueue_head(&vv->gone);
	vv->vdev = vdev;
	vhost_vdpa_doorbells_init(vv, vdev);
	vv->dev.parent = &vdev->dev;
	vv->dev.devt = MKDEV(MAJOR(vhost_vdpa_devt), minor);
	vv->dev.release = vhost_vdpa_dev_release;
	device_initialize(&vv->dev);
	cdev_init(&vv->cdev, &vhost_vdpa_fops);
	vv->cdev.owner = THIS_MODULE;
	return vv;
}

static int vhost_vdpa_probe(struct vdpa_device *vdev)
{
	struct vhost_vdpa *vv;
	int err;

	vv = vhost_vdpa_alloc(vdev);
	if (IS_ERR(vv))
		return PTR_ERR(vv);
	vdpa_set_drvdata(vdev, vv);

	/* From the last of these on it may be opened. */
	err = dev_set_name(&vv->dev, "vhost-vdpa-%u", MINOR(vv->dev.devt)) ?:
	      cdev_device_add(&vv->cdev, &vv->dev);
	if (err)
		put_device(&vv->dev);
	else
		vdpa_set_driver_dev(vdev, &vv->dev);
	return err;
}

static void vhost_vdpa_remove(struct vdpa_device *vdev)
{
	struct vhost_vdpa *vv = vdpa_get_drvdata(vdev);

	cdev_device_del(&vv->cdev, &vv->dev);

	mutex_lock(&vv->lock);
	vhost_vdpa_doorbells_stop(vv);
	if (vv->vf)
		vhost_vdpa_file_detach(vv->vf);
	WRITE_ONCE(vv->vdev, NULL);
	if (vv->vf)
		vhost_vdpa_vqs_gone(vv->vf);
	mutex_unlock(&vv->lock);

	wake_up_poll(&vv->gone, EPOLLERR | EPOLLHUP);
	put_device(&vv->dev);
}

static struct vdpa_driver vhost_vdpa_driver = {
	.driver.name = "vhost_vdpa",
	.probe = vhost_vdpa_probe,
	.remove = vhost_vdpa_remove,
};

static int __init vhost_vdpa_init(void)
{
	int err;

	err = alloc_chrdev_region(&vhost_vdpa_devt, 0, VHOST_VDPA_MINORS,
				  "vhost-vdpa");
	if (err)
		return err;
	err = vdpa_register_driver(&vhost_vdpa_driver);
	if (err)
		unregister_chrdev_region(vhost_vdpa_devt, VHOST_VDPA_MINORS);
	return err;
}

static void __exit vhost_vdpa_exit(void)
{
	vdpa_unregister_driver(&vhost_vdpa_driver);
	unregister_chrdev_region(vhost_vdpa_devt, VHOST_VDPA_MINORS);
}

module_init(vhost_vdpa_init);
module_exit(vhost_vdpa_exit);

MODULE_DESCRIPTION("vDPA devices for user space, as vhost-vdpa");
MODULE_LICENSE("GPL");
MODULE_ALIAS("vdpa-driver-vhost_vdpa");
