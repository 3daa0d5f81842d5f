/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the vDPA core
 *
 * The core keeps a record of each management device and of each device. What
 * others ask about (netlink gets, dumps, events) is answered from the records,
 * never from the parent: no reader waits for a driver, and none keeps a device
 * alive. Configuration space and statistics only the parent knows: who asks for
 * these waits for the parent of that one device.
 *
 * Lock order, outermost first:
 *
 *	vdpa_mgmt_record.lock	one per management device
 *	  vdpa_dev_record.vdev_lock
 *	  device_lock()		of the driver core
 *	    vdpa_device.cf_lock
 *	      vdpa_registry.lock
 *	        vdpa_dev_record.lock
 *
 * Look-ups by name and dumps take none of them: they are under RCU.
 */
#ifndef _VDPA_INTERNAL_H
#define _VDPA_INTERNAL_H

#include <linux/idr.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/vdpa.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netlink.h>

#include <uapi/linux/vdpa.h>

#include "netlink_gen.h"

/* registry.c */

/**
 * struct vdpa_registry - all records
 * @lock: protects everything below and &vdpa_dev_record.state. Events are sent
 *	with it held, so that their order is the order of what happened.
 * @names: device records by name, from reservation to release; read under RCU
 * @devs: device records by id while live; read under RCU
 * @mgmts: management device records by id; read under RCU
 * @mgmt_handles: the same by handle
 * @auto_names: each N for which the name "vdpaN" is taken
 * @last_id: id given last; ids are never used twice
 * @removals: how often a record left @devs or @mgmts, never 0
 */
struct vdpa_registry {
	struct mutex lock; /* see above */
	struct rhashtable names;
	struct xarray devs;
	struct xarray mgmts;
	struct rhashtable mgmt_handles;
	struct ida auto_names;
	unsigned long last_id;
	unsigned int removals;
};

extern struct vdpa_registry vdpa_registry;

int vdpa_registry_init(void);
void vdpa_registry_exit(void);
unsigned long vdpa_registry_next_id_locked(void);
void vdpa_registry_removed_locked(void);

/**
 * enum vdpa_dev_state - life of a device record
 * @VDPA_DEV_RESERVED: the name is taken, the device is being made
 * @VDPA_DEV_LIVE: found by look-ups
 * @VDPA_DEV_DEAD: the name is free again
 */
enum vdpa_dev_state {
	VDPA_DEV_RESERVED,
	VDPA_DEV_LIVE,
	VDPA_DEV_DEAD,
};

/* Longest name of a bus driver, with the terminating NUL */
#define VDPA_DRIVER_NAME_SIZE	32

/**
 * struct vdpa_attr_set - a set of attributes
 * @base: BIT_ULL() of those that Linux 6.12 has
 * @ext: VDPA_EXT_BIT() of the others
 */
struct vdpa_attr_set {
	u64 base;
	u64 ext;
};

static inline bool vdpa_attr_set_has(const struct vdpa_attr_set *set, u16 attr)
{
	if (attr < VDPA_ATTR_MAX)
		return set->base & BIT_ULL(attr);
	return set->ext & VDPA_EXT_BIT(attr);
}

/**
 * struct vdpa_dev_request - what a device is to be made with
 * @config: for the management device
 * @driver: which bus driver shall be bound, "none" for none at all, "" for
 *	whichever there is
 */
struct vdpa_dev_request {
	struct vdpa_dev_set_config config;
	char driver[VDPA_DRIVER_NAME_SIZE];
};

/**
 * struct vdpa_nl_attrs - attributes as they are in messages
 * @rcu: for their end
 * @len: of @data, in bytes
 * @data: netlink attributes, none of them with a value of 64 bits where these
 *	have to be aligned, which depends on where they are put
 */
struct vdpa_nl_attrs {
	struct rcu_head rcu;
	unsigned int len;
	u8 data[] __aligned(NLA_ALIGNTO);
};

/* "vhost-vdpa-N" and "virtioN" are shorter than that. */
#define VDPA_DRIVER_DEV_SIZE	32

/**
 * struct vdpa_dev_record - what the core knows of a device
 * @node: in &vdpa_registry.names
 * @ref: references; the memory goes an RCU grace period after the last
 * @rcu: for that
 * @name: immutable
 * @auto_name: N of a name "vdpaN", else -1; immutable
 * @mgmt: management device that the device belongs to, or NULL; immutable
 *	once live
 * @id: key in &vdpa_registry.devs; immutable once live
 * @device_id: class; immutable once live
 * @vendor_id: immutable once live
 * @max_vqs: immutable once live
 * @max_vq_size: immutable once live
 * @min_vq_size: immutable once live
 * @vdev: the device, or NULL; valid for whoever holds the lock of @mgmt and
 *	finds @state live, see also vdpa_dev_record_enter()
 * @vdev_lock: held for reading by those who call ops of @vdev on behalf of
 *	others, for writing to change @vdev
 * @sibling: in &vdpa_mgmt_record.devs, protected by the lock there
 * @refused_attr: attribute of the request because of which the core refused to
 *	have the device made, or 0; protected by the lock of @mgmt
 * @ngroups: number of virtqueue groups; immutable once live
 * @nas: number of address spaces; immutable once live
 * @has_iova: the device says what it reaches: @iova; immutable once live
 * @iova: I/O virtual addresses that the device reaches; immutable once live
 * @backend_features: VHOST_BACKEND_F_* that the parent brings; immutable once live
 * @taken: what it takes of the resources of @mgmt; immutable while @charged
 * @charged: it does take it; protected by the lock of @mgmt
 * @created: attributes that the device was made with, NULL if there were none;
 *	immutable once live
 * @attrs: what of the above is shown; set anew whenever it is published
 * @state: changes with both the lock of @mgmt and &vdpa_registry.lock held,
 *	either one is enough to read it; a peek without is good for a hint
 * @announced: listeners were told of it; protected by &vdpa_registry.lock
 * @lock: protects what follows
 * @status: virtio device status as last set
 * @suspended: it was suspended, and neither resumed nor reset since
 * @ready_vqs: number of queues that are ready
 * @driver: name of the bound bus driver, NULL without one
 * @driver_dev: name of the device that it made of this one, empty without one
 */
struct vdpa_dev_record {
	struct rhash_head node;
	refcount_t ref;
	struct rcu_head rcu;

	char name[VDPA_DEV_NAME_MAX + 1];
	int auto_name;
	struct vdpa_mgmt_record *mgmt;
	unsigned long id;
	u32 device_id;
	u32 vendor_id;
	u32 max_vqs;
	u16 max_vq_size;
	u16 min_vq_size;
	struct vdpa_device *vdev;
	struct rw_semaphore vdev_lock; /* keeps vdev from going */
	struct list_head sibling;
	u16 refused_attr;
	u32 ngroups;
	u32 nas;
	bool has_iova;
	struct vdpa_iova_range iova;
	u64 backend_features;
	u64 taken[VDPA_NUM_RESOURCES];
	bool charged;
	const struct vdpa_dev_request *created;
	struct vdpa_nl_attrs __rcu *attrs;

	enum vdpa_dev_state state;
	bool announced;

	spinlock_t lock; /* protects what follows */
	u8 status;
	bool suspended;
	u32 ready_vqs;
	const char *driver;
	char driver_dev[VDPA_DRIVER_DEV_SIZE];
};

const char *vdpa_dev_name_check(const char *name);
int vdpa_dev_name_number(const char *name);
struct vdpa_dev_record *vdpa_dev_record_reserve(const char *name);
int vdpa_dev_record_publish(struct vdpa_dev_record *record);
void vdpa_dev_record_announce(struct vdpa_dev_record *record);
void vdpa_dev_record_withdraw(struct vdpa_dev_record *record);
void vdpa_dev_record_release(struct vdpa_dev_record *record);
struct vdpa_dev_record *vdpa_dev_record_get(const char *name);
struct vdpa_dev_record *
vdpa_dev_record_get_next(unsigned long *id, unsigned long last);
void vdpa_dev_record_put(struct vdpa_dev_record *record);
void vdpa_dev_record_set_vdev(struct vdpa_dev_record *record,
			      struct vdpa_device *vdev);
struct vdpa_device *vdpa_dev_record_enter(struct vdpa_dev_record *record);
void vdpa_dev_record_leave(struct vdpa_dev_record *record);
void vdpa_dev_record_touched(struct vdpa_dev_record *record);
void vdpa_dev_record_set_driver(struct vdpa_dev_record *record,
				const char *driver);
void vdpa_dev_record_set_driver_dev(struct vdpa_dev_record *record,
				    const char *name);
void vdpa_dev_record_note_status(struct vdpa_dev_record *record,
				 struct vdpa_device *vdev);
void vdpa_dev_record_note_reset(struct vdpa_dev_record *record,
				struct vdpa_device *vdev);
void vdpa_dev_record_set_suspended(struct vdpa_dev_record *record,
				   bool suspended);
void vdpa_dev_record_add_ready(struct vdpa_dev_record *record, int queues);

/* mgmtdev.c */

/**
 * struct vdpa_mgmt_record - what the core knows of a management device
 * @node: in &vdpa_registry.mgmt_handles
 * @ref: references; the memory goes an RCU grace period after the last
 * @rcu: for that
 * @id: key in &vdpa_registry.mgmts; immutable
 * @bus_name: first part of the handle, or NULL; immutable
 * @dev_name: second part of the handle; immutable
 * @classes: bit N for virtio device id N; immutable
 * @supported_features: immutable
 * @max_supported_vqs: immutable
 * @add_attrs: attributes that it makes devices with; immutable
 * @set_attrs: those that it changes on live ones; immutable
 * @max_vq_size: of its devices, 0 if not known; immutable
 * @ngroups: of its devices, 0 if not known; immutable
 * @nas: of its devices, 0 if not known; immutable
 * @limits: of what it hands out; immutable
 * @used: what its devices have of that; changes with @lock held, may be read
 *	without
 * @net: network namespace where it and its devices are seen, besides the initial
 *	one; changes with &vdpa_registry.lock held, which keeps it from going. Others
 *	may compare it, see vdpa_mgmt_record_seen().
 * @lock: serialises the ops of the management device and the registration of
 *	its devices; protects @mdev, @adding, @adding_request and @devs
 * @mdev: the management device, NULL once it is unregistered
 * @adding: record reserved for the device that is being added, or NULL
 * @adding_request: what was asked for it, or NULL
 * @devs: records of its devices
 * @going: it is being unregistered; set once, read anywhere
 */
struct vdpa_mgmt_record {
	struct rhash_head node;
	refcount_t ref;
	struct rcu_head rcu;

	unsigned long id;
	const char *bus_name;
	const char *dev_name;
	u64 classes;
	u64 supported_features;
	u32 max_supported_vqs;
	struct vdpa_attr_set add_attrs;
	struct vdpa_attr_set set_attrs;
	u16 max_vq_size;
	u32 ngroups;
	u32 nas;
	struct vdpa_resource_limit limits[VDPA_NUM_RESOURCES];
	atomic64_t used[VDPA_NUM_RESOURCES];
	struct net *net;

	struct mutex lock; /* see above */
	struct vdpa_mgmt_dev *mdev;
	struct vdpa_dev_record *adding;
	const struct vdpa_dev_request *adding_request;
	struct list_head devs;

	bool going;
};

/**
 * struct vdpa_mgmt_handle - how a management device is asked for
 * @bus_name: NULL for one that sits on no bus
 * @dev_name: NULL only in the filter of a dump: all of the bus
 * @net: network namespace of who asks
 */
struct vdpa_mgmt_handle {
	const char *bus_name;
	const char *dev_name;
	const struct net *net;
};

extern const struct rhashtable_params vdpa_mgmt_handle_params;

bool vdpa_mgmt_record_is(const struct vdpa_mgmt_record *mgmt,
			 const struct vdpa_mgmt_handle *handle);
struct vdpa_mgmt_record *
vdpa_mgmt_record_find_rcu(const struct vdpa_mgmt_handle *handle);
struct vdpa_mgmt_record *
vdpa_mgmt_record_get(const struct vdpa_mgmt_handle *handle);
/* Whether a management device and its devices are seen in a namespace */
static inline bool vdpa_mgmt_record_seen(const struct vdpa_mgmt_record *mgmt,
					 const struct net *net)
{
	return net == &init_net || READ_ONCE(mgmt->net) == net;
}

/* The same of a device; what belongs to no management device stays at home. */
static inline bool vdpa_dev_record_seen(const struct vdpa_dev_record *record,
					const struct net *net)
{
	if (!record->mgmt)
		return net == &init_net;
	return vdpa_mgmt_record_seen(record->mgmt, net);
}

void vdpa_mgmt_record_hold(struct vdpa_mgmt_record *mgmt);
void vdpa_mgmt_record_put(struct vdpa_mgmt_record *mgmt);

int vdpa_mgmt_add_device(struct vdpa_mgmt_record *mgmt,
			 struct vdpa_dev_record *record,
			 const struct vdpa_dev_request *request);
int vdpa_mgmt_del_device(struct vdpa_dev_record *record,
			 struct netlink_ext_ack *extack);
int vdpa_mgmt_set_device(struct vdpa_dev_record *record,
			 const struct vdpa_dev_set_config *config);

/* netns.c */

extern struct pernet_operations vdpa_netns_ops;

/* resource.c */

const char *vdpa_resource_name(enum vdpa_resource i);
const char *vdpa_resource_unit(enum vdpa_resource i);
bool vdpa_resource_left(const struct vdpa_mgmt_record *mgmt,
			enum vdpa_resource i, u64 wanted, u64 *left);
int vdpa_resource_charge(struct vdpa_dev_record *record,
			 struct netlink_ext_ack *extack);
void vdpa_resource_uncharge(struct vdpa_dev_record *record);

/* usage.c */

int vdpa_usage_init(struct vdpa_device *vdev, u32 nvqs);
void vdpa_usage_reset(struct vdpa_device *vdev);

/* bus.c */

/* In place of a bus driver: none */
#define VDPA_DRIVER_NONE	"none"

extern const struct bus_type vdpa_bus;

bool vdpa_driver_exists(const char *name);

/* netlink.c */

extern struct genl_family vdpa_nl_family;

/* The number of the attribute that fills gaps is the same in all nests. */
static inline int vdpa_nl_put_u64(struct sk_buff *skb, u16 attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, VDPA_ATTR_PAD);
}

typedef int vdpa_nl_fill_t(struct sk_buff *skb, const void *record);

/**
 * struct vdpa_nl_dump - where a dump stands, kept in &netlink_callback.ctx
 * @next: lowest id not shown yet
 * @last: highest id to show, 0 before the dump began
 * @queue: first queue of @next not shown yet, in dumps of queues
 */
struct vdpa_nl_dump {
	unsigned long next;
	unsigned long last;
	u32 queue;
};

int vdpa_nl_check_admin(struct sk_buff *skb, struct genl_info *info);
bool vdpa_nl_dump_filter(struct netlink_callback *cb,
			 struct vdpa_mgmt_handle *filter);
bool vdpa_nl_dump_fits(const struct vdpa_mgmt_record *mgmt,
		       const struct vdpa_mgmt_handle *filter);
int vdpa_nl_check_once(const struct genl_info *info);
struct sk_buff *vdpa_nl_message(void);
int vdpa_nl_reply(struct sk_buff *skb, struct genl_info *info, u8 cmd,
		  vdpa_nl_fill_t *fill, const void *record);
int vdpa_nl_dump_one(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		     u16 flags, vdpa_nl_fill_t *fill, const void *record);
void vdpa_nl_dump_begin(struct netlink_callback *cb);
void vdpa_nl_dump_end(struct netlink_callback *cb);
void vdpa_nl_notify_locked(struct net *net, u8 cmd, vdpa_nl_fill_t *fill,
			   const void *record);

/* nl_mgmtdev.c */

int vdpa_nl_mgmtdev_put_handle(struct sk_buff *skb,
			       const struct vdpa_mgmt_record *mgmt);
void vdpa_nl_mgmtdev_notify_in_locked(struct net *net, u8 cmd,
				      const struct vdpa_mgmt_record *mgmt);
void vdpa_nl_mgmtdev_notify_locked(u8 cmd, const struct vdpa_mgmt_record *mgmt);

/* nl_attrs.c */

int vdpa_nl_parse_request(struct vdpa_dev_request *request,
			  const struct vdpa_mgmt_record *mgmt,
			  struct genl_info *info);
int vdpa_nl_parse_changes(struct vdpa_dev_set_config *config,
			  const struct vdpa_dev_record *record,
			  struct genl_info *info);
typedef int vdpa_nl_verdict_t(void *arg, const struct nlattr *attr,
			      const char *text);

int vdpa_nl_try_request(const struct vdpa_mgmt_record *mgmt,
			struct genl_info *info, vdpa_nl_verdict_t *refused,
			void *arg);
int vdpa_nl_put_attr_set(struct sk_buff *skb, u16 attr,
			 const struct vdpa_attr_set *set);
int vdpa_nl_put_created(struct sk_buff *skb,
			const struct vdpa_dev_request *request);

/* nl_dev.c */

struct vdpa_nl_attrs *vdpa_nl_dev_fixed(const struct vdpa_dev_record *record);
int vdpa_nl_dev_fill(struct sk_buff *skb, const void *record);
int vdpa_nl_dev_dump_check(struct netlink_callback *cb,
			   struct vdpa_mgmt_handle *filter, u16 *flags);
void vdpa_nl_dev_notify_in_locked(struct net *net, u8 cmd,
				  const struct vdpa_dev_record *record);
void vdpa_nl_dev_notify_locked(u8 cmd, const struct vdpa_dev_record *record);

/* nl_config.c */

int vdpa_nl_config_fill(struct sk_buff *skb, const void *record);
typedef int vdpa_nl_dump_step_t(struct sk_buff *skb,
				struct netlink_callback *cb, u16 flags,
				struct vdpa_dev_record *record);
int vdpa_nl_dump_devs(struct sk_buff *skb, struct netlink_callback *cb,
		      vdpa_nl_dump_step_t *step);

/* nl_vstats.c */

int vdpa_nl_put_pairs(struct sk_buff *skb, struct vdpa_device *vdev);

#endif /* _VDPA_INTERNAL_H */
