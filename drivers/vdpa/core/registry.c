// SPDX-License-Identifier: GPL-2.0
/*
 * Records of all devices: names, ids, what is known of each
 *
 * A record is reserved (its name is taken), published (it is found) before the
 * device appears in sysfs, so that udev's rules find it too, and announced to
 * the listeners once the device is complete. It is released (no longer found,
 * announced as gone, its name free) once the device has left sysfs.
 */
#include <linux/ctype.h>
#include <linux/jhash.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vdpa_internal.h"

#define VDPA_AUTO_NAME_PREFIX	"vdpa"

struct vdpa_registry vdpa_registry;

static u32 vdpa_dev_name_hash(const void *data, u32 len, u32 seed)
{
	const char *name = data;

	return jhash(name, strlen(name), seed);
}

static u32 vdpa_dev_record_hash(const void *data, u32 len, u32 seed)
{
	const struct vdpa_dev_record *record = data;

	return vdpa_dev_name_hash(record->name, 0, seed);
}

static int vdpa_dev_record_cmp(struct rhashtable_compare_arg *arg,
			       const void *obj)
{
	const struct vdpa_dev_record *record = obj;

	return strcmp(record->name, arg->key);
}

static const struct rhashtable_params vdpa_dev_name_params = {
	.head_offset = offsetof(struct vdpa_dev_record, node),
	.hashfn = vdpa_dev_name_hash,
	.obj_hashfn = vdpa_dev_record_hash,
	.obj_cmpfn = vdpa_dev_record_cmp,
	.automatic_shrinking = true,
};

int vdpa_registry_init(void)
{
	struct vdpa_registry *reg = &vdpa_registry;
	int err;

	mutex_init(&reg->lock);
	xa_init(&reg->devs);
	xa_init(&reg->mgmts);
	ida_init(&reg->auto_names);
	reg->removals = 1;

	err = rhashtable_init(&reg->names, &vdpa_dev_name_params);
	if (err)
		return err;
	err = rhashtable_init(&reg->mgmt_handles, &vdpa_mgmt_handle_params);
	if (err)
		rhashtable_destroy(&reg->names);
	return err;
}

/* No parent is left: each of them holds a reference to this module. */
void vdpa_registry_exit(void)
{
	struct vdpa_registry *reg = &vdpa_registry;

	WARN_ON(!xa_empty(&reg->devs) || !xa_empty(&reg->mgmts));
	WARN_ON(!ida_is_empty(&reg->auto_names));
	rhashtable_destroy(&reg->mgmt_handles);
	rhashtable_destroy(&reg->names);
	xa_destroy(&reg->mgmts);
	xa_destroy(&reg->devs);
	ida_destroy(&reg->auto_names);
}

unsigned long vdpa_registry_next_id_locked(void)
{
	lockdep_assert_held(&vdpa_registry.lock);
	WRITE_ONCE(vdpa_registry.last_id, vdpa_registry.last_id + 1);
	return vdpa_registry.last_id;
}

/**
 * vdpa_registry_removed_locked - say that a record is about to leave
 *
 * To be called before the record leaves its xarray: a dump that misses it then
 * finds the new count, see vdpa_nl_dump_end().
 *
 * Context: &vdpa_registry.lock held.
 */
void vdpa_registry_removed_locked(void)
{
	unsigned int removals = vdpa_registry.removals + 1;

	lockdep_assert_held(&vdpa_registry.lock);
	WRITE_ONCE(vdpa_registry.removals, removals ?: 1);
	smp_wmb(); /* pairs with smp_rmb() in vdpa_nl_dump_end() */
}

/**
 * vdpa_dev_name_check - tell whether a device may bear a name
 * @name: the name
 *
 * The name becomes a file name in sysfs and a word of command lines.
 *
 * Context: any.
 * Return: NULL for a good name, else what is wrong with it.
 */
const char *vdpa_dev_name_check(const char *name)
{
	const char *c;

	if (!*name)
		return "Device name is empty";
	if (strlen(name) > VDPA_DEV_NAME_MAX)
		return "Device name is longer than 63 bytes";
	for (c = name; *c; c++)
		if (!isascii(*c) || !isgraph(*c) || *c == '/')
			return "Device name has a character that is not allowed";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "Device name is a path component";
	return NULL;
}

/* The N of "vdpaN", -1 for any other name and for numbers never picked. */
int vdpa_dev_name_number(const char *name)
{
	const char *digits = name + strlen(VDPA_AUTO_NAME_PREFIX);
	int number;

	if (!strstarts(name, VDPA_AUTO_NAME_PREFIX) || !isdigit(*digits))
		return -1;
	if (*digits == '0' && digits[1])
		return -1;
	return kstrtoint(digits, 10, &number) ? -1 : number;
}

/* Takes the number behind the name, or the first free number and its name. */
static int vdpa_dev_record_number_locked(struct vdpa_dev_record *record)
{
	struct ida *ida = &vdpa_registry.auto_names;
	int number;

	if (!record->name[0]) {
		number = ida_alloc(ida, GFP_KERNEL);
		if (number < 0)
			return number;
		snprintf(record->name, sizeof(record->name), "%s%d",
			 VDPA_AUTO_NAME_PREFIX, number);
		record->auto_name = number;
		return 0;
	}

	record->auto_name = -1;
	number = vdpa_dev_name_number(record->name);
	if (number < 0)
		return 0;
	number = ida_alloc_range(ida, number, number, GFP_KERNEL);
	if (number < 0)
		return number == -ENOSPC ? -EEXIST : number;
	record->auto_name = number;
	return 0;
}

static int vdpa_dev_record_insert(struct vdpa_dev_record *record)
{
	struct vdpa_registry *reg = &vdpa_registry;
	int err;

	mutex_lock(&reg->lock);
	err = vdpa_dev_record_number_locked(record);
	if (err)
		goto unlock;
	err = rhashtable_lookup_insert_key(&reg->names, record->name,
					   &record->node, vdpa_dev_name_params);
	if (err && record->auto_name >= 0)
		ida_free(&reg->auto_names, record->auto_name);
unlock:
	mutex_unlock(&reg->lock);
	return err;
}

/**
 * vdpa_dev_record_reserve - take a name for a device to come
 * @name: the name, NULL for the first free "vdpaN"
 *
 * Context: may sleep.
 * Return: a record with one reference, or an ERR_PTR: -EINVAL for a bad name,
 * -EEXIST for one that is taken, -ENOMEM.
 */
struct vdpa_dev_record *vdpa_dev_record_reserve(const char *name)
{
	struct vdpa_dev_record *record;
	int err;

	if (name && vdpa_dev_name_check(name))
		return ERR_PTR(-EINVAL);

	record = kzalloc(sizeof(*record), GFP_KERNEL);
	if (!record)
		return ERR_PTR(-ENOMEM);
	if (name)
		strscpy(record->name, name);
	refcount_set(&record->ref, 1);
	spin_lock_init(&record->lock);
	init_rwsem(&record->vdev_lock);
	INIT_LIST_HEAD(&record->sibling);
	record->state = VDPA_DEV_RESERVED;

	err = vdpa_dev_record_insert(record);
	if (err) {
		kfree(record);
		return ERR_PTR(err);
	}
	return record;
}

/**
 * vdpa_dev_record_publish - let the device be found
 * @record: a reserved record, filled in
 *
 * Context: may sleep, lock of the management device held.
 * Return: 0 or -ENOMEM.
 */
int vdpa_dev_record_publish(struct vdpa_dev_record *record)
{
	struct vdpa_registry *reg = &vdpa_registry;
	struct vdpa_nl_attrs *attrs;
	int err;

	attrs = vdpa_nl_dev_fixed(record);
	if (!attrs)
		return -ENOMEM;

	mutex_lock(&reg->lock);
	/* From an earlier attempt to register there may be some. */
	attrs = rcu_replace_pointer(record->attrs, attrs,
				    lockdep_is_held(&reg->lock));
	if (attrs)
		kfree_rcu(attrs, rcu);
	WARN_ON(record->state != VDPA_DEV_RESERVED);
	record->id = vdpa_registry_next_id_locked();
	err = xa_insert(&reg->devs, record->id, record, GFP_KERNEL);
	if (!err) /* pairs with the acquire in vdpa_dev_record_get() */
		smp_store_release(&record->state, VDPA_DEV_LIVE);
	mutex_unlock(&reg->lock);
	return err;
}

/**
 * vdpa_dev_record_announce - tell the listeners of a device
 * @record: a live record
 *
 * Context: may sleep, lock of the management device held.
 */
void vdpa_dev_record_announce(struct vdpa_dev_record *record)
{
	mutex_lock(&vdpa_registry.lock);
	record->announced = true;
	vdpa_nl_dev_notify_locked(VDPA_CMD_DEV_NEW, record);
	mutex_unlock(&vdpa_registry.lock);
}

static void vdpa_dev_record_unpublish_locked(struct vdpa_dev_record *record)
{
	lockdep_assert_held(&vdpa_registry.lock);
	vdpa_registry_removed_locked();
	xa_erase(&vdpa_registry.devs, record->id);
}

/**
 * vdpa_dev_record_withdraw - undo vdpa_dev_record_publish()
 * @record: a live record that was not announced
 *
 * Context: may sleep, lock of the management device held.
 */
void vdpa_dev_record_withdraw(struct vdpa_dev_record *record)
{
	mutex_lock(&vdpa_registry.lock);
	WARN_ON(record->state != VDPA_DEV_LIVE || record->announced);
	WRITE_ONCE(record->state, VDPA_DEV_RESERVED);
	vdpa_dev_record_unpublish_locked(record);
	mutex_unlock(&vdpa_registry.lock);
}

/**
 * vdpa_dev_record_release - free the name of a device
 * @record: a reserved or a live record
 *
 * In one instant the device is no longer found, its name is free, and the
 * listeners are told if they were told of it: whoever does not find it, or
 * hears that it is gone, can take the name.
 *
 * Context: may sleep, lock of the management device held if the device has one.
 */
void vdpa_dev_record_release(struct vdpa_dev_record *record)
{
	struct vdpa_registry *reg = &vdpa_registry;

	mutex_lock(&reg->lock);
	WARN_ON(record->state == VDPA_DEV_DEAD);
	if (record->state == VDPA_DEV_LIVE)
		vdpa_dev_record_unpublish_locked(record);
	rhashtable_remove_fast(&reg->names, &record->node, vdpa_dev_name_params);
	if (record->auto_name >= 0)
		ida_free(&reg->auto_names, record->auto_name);
	if (record->announced)
		vdpa_nl_dev_notify_locked(VDPA_CMD_DEV_DEL, record);
	WRITE_ONCE(record->state, VDPA_DEV_DEAD);
	mutex_unlock(&reg->lock);
}

/**
 * vdpa_dev_record_get - find a live device by name
 * @name: the name, of any length
 *
 * Context: any.
 * Return: the record with a reference more, or NULL.
 */
struct vdpa_dev_record *vdpa_dev_record_get(const char *name)
{
	struct vdpa_dev_record *record;

	rcu_read_lock();
	record = rhashtable_lookup(&vdpa_registry.names, name,
				   vdpa_dev_name_params);
	/* pairs with the release in vdpa_dev_record_publish() */
	if (record && (smp_load_acquire(&record->state) != VDPA_DEV_LIVE ||
		       !refcount_inc_not_zero(&record->ref)))
		record = NULL;
	rcu_read_unlock();
	return record;
}

/**
 * vdpa_dev_record_get_next - find the next live device
 * @id: where to begin; is set to the id of what was found
 * @last: where to end
 *
 * Context: any.
 * Return: the record with a reference more, or NULL.
 */
struct vdpa_dev_record *
vdpa_dev_record_get_next(unsigned long *id, unsigned long last)
{
	struct vdpa_dev_record *record;

	rcu_read_lock();
	while ((record = xa_find(&vdpa_registry.devs, id, last, XA_PRESENT))) {
		if (refcount_inc_not_zero(&record->ref))
			break;
		++*id;
	}
	rcu_read_unlock();
	return record;
}

static void vdpa_dev_record_free_rcu(struct rcu_head *rcu)
{
	struct vdpa_dev_record *record =
		container_of(rcu, struct vdpa_dev_record, rcu);

	kfree(rcu_dereference_protected(record->attrs, true));
	kfree(record->created);
	kfree(record);
}

/**
 * vdpa_dev_record_put - drop a reference
 * @record: the record
 *
 * Context: may sleep.
 */
void vdpa_dev_record_put(struct vdpa_dev_record *record)
{
	if (!refcount_dec_and_test(&record->ref))
		return;
	if (record->mgmt)
		vdpa_mgmt_record_put(record->mgmt);
	call_rcu(&record->rcu, vdpa_dev_record_free_rcu);
}

/**
 * vdpa_dev_record_set_vdev - begin, or end, to let others call ops
 * @record: the record
 * @vdev: the device; NULL to wait for those who are inside, and let in no more
 *
 * Context: may sleep, lock of the management device held if there is one.
 */
void vdpa_dev_record_set_vdev(struct vdpa_dev_record *record,
			      struct vdpa_device *vdev)
{
	down_write(&record->vdev_lock);
	record->vdev = vdev;
	up_write(&record->vdev_lock);
}

/**
 * vdpa_dev_record_enter - keep a device from going, to call ops of it
 * @record: the record
 *
 * Context: may sleep, for as long as it takes to delete that device; to be
 * followed by vdpa_dev_record_leave().
 * Return: the device, or an ERR_PTR: -ENODEV if it is gone, -EINTR if the caller
 * was killed meanwhile.
 */
struct vdpa_device *vdpa_dev_record_enter(struct vdpa_dev_record *record)
{
	int err;

	err = down_read_killable(&record->vdev_lock);
	if (err)
		return ERR_PTR(err);
	if (record->vdev)
		return record->vdev;
	up_read(&record->vdev_lock);
	return ERR_PTR(-ENODEV);
}

void vdpa_dev_record_leave(struct vdpa_dev_record *record)
{
	up_read(&record->vdev_lock);
}

/**
 * vdpa_dev_record_touched - tell the listeners that a device changed
 * @record: the device
 *
 * Races with the comings and goings of listeners are theirs to bear.
 *
 * Context: may sleep.
 */
void vdpa_dev_record_touched(struct vdpa_dev_record *record)
{
	/* Another namespace could go while it is looked at. */
	if ((!record->mgmt || READ_ONCE(record->mgmt->net) == &init_net) &&
	    !genl_has_listeners(&vdpa_nl_family, &init_net, VDPA_NLGRP_MONITOR))
		return;

	mutex_lock(&vdpa_registry.lock);
	if (record->announced && record->state == VDPA_DEV_LIVE)
		vdpa_nl_dev_notify_locked(VDPA_CMD_DEV_CHANGE, record);
	mutex_unlock(&vdpa_registry.lock);
}

/**
 * vdpa_dev_record_set_driver - note which bus driver is bound
 * @record: the record
 * @driver: name of the bus driver, good until it is set anew; NULL for none
 *
 * Context: may sleep.
 */
void vdpa_dev_record_set_driver(struct vdpa_dev_record *record,
				const char *driver)
{
	spin_lock(&record->lock);
	record->driver = driver;
	if (!driver)
		record->driver_dev[0] = '\0';
	spin_unlock(&record->lock);
	vdpa_dev_record_touched(record);
}

/**
 * vdpa_dev_record_set_driver_dev - note what the bus driver made of a device
 * @record: the record of the device, which the bus driver is being bound to:
 *	that is what listeners are told of
 * @name: name of what it made
 *
 * Context: any but interrupts.
 */
void vdpa_dev_record_set_driver_dev(struct vdpa_dev_record *record,
				    const char *name)
{
	spin_lock(&record->lock);
	strscpy(record->driver_dev, name);
	spin_unlock(&record->lock);
}

/*
 * Of two that note the status at once, none may come last with what it saw first:
 * it is read, by an op for any context, with the lock held.
 */
static void vdpa_dev_record_note(struct vdpa_dev_record *record,
				 struct vdpa_device *vdev, bool reset)
{
	u8 before;
	bool changed;

	spin_lock(&record->lock);
	before = record->status;
	record->status = vdev->config->get_status(vdev);
	changed = record->status != before || (reset && record->suspended);
	if (reset) {
		record->suspended = false;
		record->ready_vqs = 0;
	}
	spin_unlock(&record->lock);
	if (changed)
		vdpa_dev_record_touched(record);
}

/**
 * vdpa_dev_record_note_status - note the device status
 * @record: the record
 * @vdev: its device
 *
 * Context: may sleep.
 */
void vdpa_dev_record_note_status(struct vdpa_dev_record *record,
				 struct vdpa_device *vdev)
{
	vdpa_dev_record_note(record, vdev, false);
}

/**
 * vdpa_dev_record_note_reset - note that the device was reset
 * @record: the record
 * @vdev: its device
 *
 * Context: may sleep.
 */
void vdpa_dev_record_note_reset(struct vdpa_dev_record *record,
				struct vdpa_device *vdev)
{
	vdpa_dev_record_note(record, vdev, true);
}

/**
 * vdpa_dev_record_set_suspended - note whether the device is suspended
 * @record: the record
 * @suspended: it is
 *
 * Context: may sleep.
 */
void vdpa_dev_record_set_suspended(struct vdpa_dev_record *record,
				   bool suspended)
{
	bool changed;

	spin_lock(&record->lock);
	changed = record->suspended != suspended;
	record->suspended = suspended;
	spin_unlock(&record->lock);
	if (changed)
		vdpa_dev_record_touched(record);
}

/**
 * vdpa_dev_record_add_ready - note that queues became ready, or unready
 * @record: the record
 * @queues: how many more of them are ready now
 *
 * Listeners are not told: a device of many queues would tell them nothing else.
 *
 * Context: any but interrupts.
 */
void vdpa_dev_record_add_ready(struct vdpa_dev_record *record, int queues)
{
	spin_lock(&record->lock);
	record->ready_vqs += queues;
	spin_unlock(&record->lock);
}
