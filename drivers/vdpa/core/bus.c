// SPDX-License-Identifier: GPL-2.0
/*
 * The bus "vdpa": bus drivers meet devices
 */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "vdpa_internal.h"

/* Any driver serves any device, unless the device asks for one by name. */
static int vdpa_bus_match(struct device *dev, const struct device_driver *drv)
{
	return device_match_driver_override(dev, drv) != 0;
}

static int vdpa_bus_probe(struct device *dev)
{
	struct vdpa_device *vdev = dev_to_vdpa(dev);
	struct vdpa_driver *drv = drv_to_vdpa(dev->driver);
	int err = 0;

	if (drv->probe)
		err = drv->probe(vdev);
	if (!err)
		vdpa_dev_record_set_driver(vdev->record, dev->driver->name);
	else
		vdpa_dev_record_set_driver_dev(vdev->record, "");
	return err;
}

static void vdpa_bus_remove(struct device *dev)
{
	struct vdpa_device *vdev = dev_to_vdpa(dev);
	struct vdpa_driver *drv = drv_to_vdpa(dev->driver);

	if (drv->remove)
		drv->remove(vdev);
	vdpa_dev_record_set_driver(vdev->record, NULL);
}

const struct bus_type vdpa_bus = {
	.name = "vdpa",
	.driver_override = true,
	.match = vdpa_bus_match,
	.probe = vdpa_bus_probe,
	.remove = vdpa_bus_remove,
};

/**
 * vdpa_set_driver_dev - say what a bus driver made of a device
 * @vdev: the device, from the probe of the bus driver
 * @dev: what others know the device by, now: it is told to who asks
 *
 * Context: any but interrupts.
 */
void vdpa_set_driver_dev(struct vdpa_device *vdev, const struct device *dev)
{
	vdpa_dev_record_set_driver_dev(vdev->record, dev_name(dev));
}
EXPORT_SYMBOL_GPL(vdpa_set_driver_dev);

/**
 * vdpa_unregister_driver - unregister a bus driver
 * @drv: the driver; it is taken off its devices first
 *
 * Context: may sleep.
 */
void vdpa_unregister_driver(struct vdpa_driver *drv)
{
	driver_unregister(&drv->driver);
}
EXPORT_SYMBOL_GPL(vdpa_unregister_driver);

/**
 * __vdpa_register_driver - register a bus driver; see vdpa_register_driver()
 * @drv: the driver
 * @owner: module that it lives in
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int __vdpa_register_driver(struct vdpa_driver *drv, struct module *owner)
{
	struct device_driver *driver = &drv->driver;

	driver->owner = owner;
	driver->bus = &vdpa_bus;
	return driver_register(driver);
}
EXPORT_SYMBOL_GPL(__vdpa_register_driver);

/**
 * vdpa_driver_exists - tell whether there is a bus driver
 * @name: its name
 *
 * Context: may sleep.
 * Return: whether there is; it may go at any time.
 */
bool vdpa_driver_exists(const char *name)
{
	return driver_find(name, &vdpa_bus);
}

static int __init vdpa_init(void)
{
	int err;

	err = vdpa_registry_init();
	if (err)
		return err;
	err = bus_register(&vdpa_bus);
	if (err)
		goto err_registry;
	err = register_pernet_subsys(&vdpa_netns_ops);
	if (err)
		goto err_bus;
	err = genl_register_family(&vdpa_nl_family);
	if (err)
		goto err_netns;
	return 0;

err_netns:
	unregister_pernet_subsys(&vdpa_netns_ops);
err_bus:
	bus_unregister(&vdpa_bus);
err_registry:
	vdpa_registry_exit();
	return err;
}

static void __exit vdpa_exit(void)
{
	genl_unregister_family(&vdpa_nl_family);
	unregister_pernet_subsys(&vdpa_netns_ops);
	bus_unregister(&vdpa_bus);
	vdpa_registry_exit();
	rcu_barrier(); /* records of management devices go by call_rcu() */
}

/* Built in, the core must be up before any parent is. */
subsys_initcall(vdpa_init);
module_exit(vdpa_exit);

MODULE_DESCRIPTION("vDPA bus and management");
MODULE_LICENSE("GPL");
