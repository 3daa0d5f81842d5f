// SPDX-License-Identifier: GPL-2.0
/*
 * Management devices and a bus driver for the selftests
 *
 * Files in the directory vdpa_test of debugfs, for root to write:
 *
 *	new_mgmtdev	NAME [bus] [classes=CLASS[,CLASS]]
 *			registers a management device that creates devices of
 *			the classes, net and block, or net without a word. With
 *			"bus" its handle is vdpatest/NAME. Its directory NAME
 *			holds the knobs of the simulator's.
 *	del_mgmtdev	NAME
 *			unregisters it
 *	new_device	NAME
 *			registers a device of class net that has no management
 *			device
 *	del_device	NAME
 *			unregisters it
 *	driver		0 or 1
 *			whether the bus driver vdpa_test_driver is registered,
 *			which binds to any device, sets ACKNOWLEDGE and DRIVER,
 *			and resets the device in the end
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <uapi/linux/virtio_blk.h>
#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_net.h>

#include "vdpa_sim.h"

#define VDPA_TEST_LINE_MAX	128
#define VDPA_TEST_CLASSES_MAX	2

#define VDPA_TEST_FEATURES	(BIT_ULL(VIRTIO_F_VERSION_1) | \
				 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

/**
 * struct vdpa_test_mgmt - a management device made for a test
 * @sim: the simulator's part
 * @dev: gives it its handle
 * @classes: what it creates
 * @entry: in vdpa_test_mgmts
 */
struct vdpa_test_mgmt {
	struct vdpasim_mgmt sim;
	struct device dev;
	const struct vdpasim_class *classes[VDPA_TEST_CLASSES_MAX];
	struct list_head entry;
};

/**
 * struct vdpa_test_orphan - a device without a management device
 * @sim: the device
 * @entry: in vdpa_test_orphans
 */
struct vdpa_test_orphan {
	struct vdpasim *sim;
	struct list_head entry;
};

static LIST_HEAD(vdpa_test_mgmts);
static LIST_HEAD(vdpa_test_orphans);
static bool vdpa_test_bound;
static DEFINE_MUTEX(vdpa_test_lock); /* protects the three above */
static struct dentry *vdpa_test_dir;

static const struct bus_type vdpa_test_bus = {
	.name = "vdpatest",
};

static int vdpa_test_init_config(struct vdpasim *sim,
				 const struct vdpa_dev_set_config *config)
{
	return 0;
}

static int vdpa_test_init_net(struct vdpasim *sim,
			      const struct vdpa_dev_set_config *config)
{
	struct virtio_net_config *space = sim->config;

	memcpy(space->mac, config->net.mac, sizeof(space->mac));
	return 0;
}

static int vdpa_test_set_net(struct vdpasim *sim,
			     const struct vdpa_dev_set_config *config)
{
	struct virtio_net_config *space = sim->config;

	spin_lock(&sim->config_lock);
	memcpy(space->mac, config->net.mac, sizeof(space->mac));
	sim->generation++;
	spin_unlock(&sim->config_lock);
	return 0;
}

static const struct vdpasim_class vdpa_test_net = {
	.device_id = VIRTIO_ID_NET,
	.nvqs = 2,
	.features = VDPA_TEST_FEATURES | BIT_ULL(VIRTIO_NET_F_MAC),
	.required = VDPA_TEST_FEATURES,
	.config_attr_mask = BIT_ULL(VDPA_ATTR_DEV_FEATURES) |
			    BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR) |
			    BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP),
	.set_attr_mask = BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR),
	.config_size = sizeof(struct virtio_net_config),
	.init_config = vdpa_test_init_net,
	.set_attr = vdpa_test_set_net,
};

static const struct vdpasim_class vdpa_test_block = {
	.device_id = VIRTIO_ID_BLOCK,
	.nvqs = 1,
	.features = VDPA_TEST_FEATURES,
	.required = VDPA_TEST_FEATURES,
	.config_attr_mask = BIT_ULL(VDPA_ATTR_DEV_FEATURES),
	.config_size = sizeof(struct virtio_blk_config),
	.init_config = vdpa_test_init_config,
};

static const struct {
	const char *name;
	const struct vdpasim_class *class;
} vdpa_test_classes[] = {
	{ "net", &vdpa_test_net },
	{ "block", &vdpa_test_block },
};

static int vdpa_test_driver_probe(struct vdpa_device *vdev)
{
	int err = vdpa_reset(vdev, 0);

	if (err)
		return err;
	vdpa_set_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	vdpa_set_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE |
			      VIRTIO_CONFIG_S_DRIVER);
	return 0;
}

static void vdpa_test_driver_remove(struct vdpa_device *vdev)
{
	vdpa_reset(vdev, 0);
}

static struct vdpa_driver vdpa_test_driver = {
	.driver.name = "vdpa_test_driver",
	.probe = vdpa_test_driver_probe,
	.remove = vdpa_test_driver_remove,
};

static void vdpa_test_mgmt_release(struct device *dev)
{
	kfree(container_of(dev, struct vdpa_test_mgmt, dev));
}

static int vdpa_test_parse_classes(struct vdpa_test_mgmt *mgmt, char *names)
{
	char *name;
	size_t i;

	while ((name = strsep(&names, ","))) {
		for (i = 0; i < ARRAY_SIZE(vdpa_test_classes); i++)
			if (!strcmp(vdpa_test_classes[i].name, name))
				break;
		if (i == ARRAY_SIZE(vdpa_test_classes) ||
		    mgmt->sim.num_classes == VDPA_TEST_CLASSES_MAX)
			return -EINVAL;
		mgmt->classes[mgmt->sim.num_classes++] =
			vdpa_test_classes[i].class;
	}
	return 0;
}

static int vdpa_test_parse_mgmt(struct vdpa_test_mgmt *mgmt, char *words)
{
	char *word = strsep(&words, " ");
	int err;

	err = dev_set_name(&mgmt->dev, "%s", word);
	while (!err && (word = strsep(&words, " "))) {
		if (!strcmp(word, "bus"))
			mgmt->dev.bus = &vdpa_test_bus;
		else if (strstarts(word, "classes="))
			err = vdpa_test_parse_classes(mgmt, word +
						      strlen("classes="));
		else
			err = -EINVAL;
	}
	if (!mgmt->sim.num_classes)
		mgmt->classes[mgmt->sim.num_classes++] = &vdpa_test_net;
	return err;
}

static int vdpa_test_add_mgmt(char *words)
{
	struct vdpa_test_mgmt *mgmt;
	int err;

	mgmt = kzalloc(sizeof(*mgmt), GFP_KERNEL);
	if (!mgmt)
		return -ENOMEM;
	mgmt->dev.release = vdpa_test_mgmt_release;
	device_initialize(&mgmt->dev);
	mgmt->sim.classes = mgmt->classes;
	mgmt->sim.mdev.device = &mgmt->dev;

	err = vdpa_test_parse_mgmt(mgmt, words);
	if (err)
		goto err_put;
	err = device_add(&mgmt->dev);
	if (err)
		goto err_put;
	err = vdpasim_mgmt_register(&mgmt->sim, vdpa_test_dir);
	if (err)
		goto err_del;

	mutex_lock(&vdpa_test_lock);
	list_add_tail(&mgmt->entry, &vdpa_test_mgmts);
	mutex_unlock(&vdpa_test_lock);
	return 0;

err_del:
	device_del(&mgmt->dev);
err_put:
	put_device(&mgmt->dev);
	return err;
}

static void vdpa_test_remove_mgmt(struct vdpa_test_mgmt *mgmt)
{
	vdpasim_mgmt_unregister(&mgmt->sim);
	device_unregister(&mgmt->dev);
}

static int vdpa_test_del_mgmt(char *name)
{
	struct vdpa_test_mgmt *mgmt, *found = NULL;

	mutex_lock(&vdpa_test_lock);
	list_for_each_entry(mgmt, &vdpa_test_mgmts, entry) {
		if (!strcmp(dev_name(&mgmt->dev), name)) {
			found = mgmt;
			list_del(&mgmt->entry);
			break;
		}
	}
	mutex_unlock(&vdpa_test_lock);
	if (!found)
		return -ENODEV;
	vdpa_test_remove_mgmt(found);
	return 0;
}

/* Never registered: the simulator wants somebody to have its faults. */
static struct vdpasim_mgmt vdpa_test_nobody;

static int vdpa_test_add_orphan(char *name)
{
	const struct vdpa_dev_set_config config = {};
	struct vdpa_test_orphan *orphan;
	struct vdpasim *sim;
	int err;

	orphan = kzalloc(sizeof(*orphan), GFP_KERNEL);
	if (!orphan)
		return -ENOMEM;
	sim = vdpasim_alloc(&vdpa_test_nobody, name, &vdpa_test_net, &config);
	if (IS_ERR(sim)) {
		err = PTR_ERR(sim);
		goto err_free;
	}
	sim->vdpa.mdev = NULL;
	err = vdpa_register_device(&sim->vdpa, sim->vdpa.nvqs);
	if (err)
		goto err_put;

	orphan->sim = sim;
	mutex_lock(&vdpa_test_lock);
	list_add_tail(&orphan->entry, &vdpa_test_orphans);
	mutex_unlock(&vdpa_test_lock);
	return 0;

err_put:
	put_device(&sim->vdpa.dev);
err_free:
	kfree(orphan);
	return err;
}

static void vdpa_test_remove_orphan(struct vdpa_test_orphan *orphan)
{
	vdpa_unregister_device(&orphan->sim->vdpa);
	kfree(orphan);
}

static int vdpa_test_del_orphan(char *name)
{
	struct vdpa_test_orphan *orphan, *found = NULL;

	mutex_lock(&vdpa_test_lock);
	list_for_each_entry(orphan, &vdpa_test_orphans, entry) {
		if (!strcmp(dev_name(&orphan->sim->vdpa.dev), name)) {
			found = orphan;
			list_del(&orphan->entry);
			break;
		}
	}
	mutex_unlock(&vdpa_test_lock);
	if (!found)
		return -ENODEV;
	vdpa_test_remove_orphan(found);
	return 0;
}

/* One command a write(), with or without a newline. */
static ssize_t vdpa_test_write(struct file *file, const char __user *buf,
			       size_t len, loff_t *pos)
{
	int (*command)(char *words) = file->private_data;
	char line[VDPA_TEST_LINE_MAX];
	int err;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	err = command(strim(line));
	return err ?: len;
}

static const struct file_operations vdpa_test_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = vdpa_test_write,
};

static int vdpa_test_driver_get(void *data, u64 *val)
{
	*val = READ_ONCE(vdpa_test_bound);
	return 0;
}

static int vdpa_test_driver_set(void *data, u64 val)
{
	int err = 0;

	mutex_lock(&vdpa_test_lock);
	if (val && !vdpa_test_bound)
		err = vdpa_register_driver(&vdpa_test_driver);
	else if (!val && vdpa_test_bound)
		vdpa_unregister_driver(&vdpa_test_driver);
	if (!err)
		WRITE_ONCE(vdpa_test_bound, !!val);
	mutex_unlock(&vdpa_test_lock);
	return err;
}

DEFINE_DEBUGFS_ATTRIBUTE(vdpa_test_driver_fops, vdpa_test_driver_get,
			 vdpa_test_driver_set, "%llu\n");

static int __init vdpa_test_init(void)
{
	int err;

	err = bus_register(&vdpa_test_bus);
	if (err)
		return err;
	vdpa_test_dir = debugfs_create_dir("vdpa_test", NULL);
	debugfs_create_file("new_mgmtdev", 0200, vdpa_test_dir,
			    vdpa_test_add_mgmt, &vdpa_test_fops);
	debugfs_create_file("del_mgmtdev", 0200, vdpa_test_dir,
			    vdpa_test_del_mgmt, &vdpa_test_fops);
	debugfs_create_file("new_device", 0200, vdpa_test_dir,
			    vdpa_test_add_orphan, &vdpa_test_fops);
	debugfs_create_file("del_device", 0200, vdpa_test_dir,
			    vdpa_test_del_orphan, &vdpa_test_fops);
	debugfs_create_file("driver", 0600, vdpa_test_dir, NULL,
			    &vdpa_test_driver_fops);
	return 0;
}

static void __exit vdpa_test_exit(void)
{
	struct vdpa_test_orphan *orphan, *next_orphan;
	struct vdpa_test_mgmt *mgmt, *next;

	/* Once the files are gone, so is everybody else. */
	debugfs_lookup_and_remove("new_mgmtdev", vdpa_test_dir);
	debugfs_lookup_and_remove("del_mgmtdev", vdpa_test_dir);
	debugfs_lookup_and_remove("new_device", vdpa_test_dir);
	debugfs_lookup_and_remove("del_device", vdpa_test_dir);
	debugfs_lookup_and_remove("driver", vdpa_test_dir);
	vdpa_test_driver_set(NULL, 0);
	list_for_each_entry_safe(mgmt, next, &vdpa_test_mgmts, entry)
		vdpa_test_remove_mgmt(mgmt);
	list_for_each_entry_safe(orphan, next_orphan, &vdpa_test_orphans, entry)
		vdpa_test_remove_orphan(orphan);
	debugfs_remove(vdpa_test_dir);
	bus_unregister(&vdpa_test_bus);
}

module_init(vdpa_test_init);
module_exit(vdpa_test_exit);

MODULE_DESCRIPTION("vDPA selftests: management devices and a bus driver");
MODULE_LICENSE("GPL");
