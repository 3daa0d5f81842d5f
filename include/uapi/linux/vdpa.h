/* SPDX-License-Identifier: GPL-2.0+ WITH Linux-syscall-note */
/*
 * Generic netlink family "vdpa": management of vDPA devices.
 *
 * Names and numbers below 64 (commands) and 256 (attributes) are those of
 * Linux 6.12 and never change. What this subsystem adds is numbered from 64
 * and from 256 on, so that neither list can run into the other.
 *
 * Documentation/netlink/specs/vdpa.yaml describes every message.
 */

#ifndef _UAPI_LINUX_VDPA_H_
#define _UAPI_LINUX_VDPA_H_

#define VDPA_GENL_NAME "vdpa"
#define VDPA_GENL_VERSION 0x1

/* Multicast group that announces management devices and devices */
#define VDPA_GENL_MCGRP_MONITOR_NAME "monitor"

/* Longest device name, without the terminating NUL */
#define VDPA_DEV_NAME_MAX 63

enum vdpa_command {
	VDPA_CMD_UNSPEC,
	VDPA_CMD_MGMTDEV_NEW,		/* reply to _GET; event: appeared */
	VDPA_CMD_MGMTDEV_GET,		/* can dump */
	VDPA_CMD_DEV_NEW,		/* request; reply to _GET; event: appeared */
	VDPA_CMD_DEV_DEL,		/* request; event: gone */
	VDPA_CMD_DEV_GET,		/* can dump */
	VDPA_CMD_DEV_CONFIG_GET,	/* can dump */
	VDPA_CMD_DEV_VSTATS_GET,		/* statistics of one queue */
	VDPA_CMD_DEV_ATTR_SET,			/* changes a live device */

	VDPA_CMD_MGMTDEV_DEL = 64,	/* event: gone */
	VDPA_CMD_DEV_CHANGE,		/* event: driver or status changed */
	VDPA_CMD_DEV_STATS_GET,		/* can dump; counters and queues */
	VDPA_CMD_DEV_PROFILE_GET,	/* can dump; what another one has to be like */
	VDPA_CMD_MGMTDEV_CHECK,		/* can it make a device like that? */
	VDPA_CMD_MGMTDEV_SET,		/* moves it to a network namespace */
	VDPA_CMD_MGMTDEV_CHANGE,	/* event: it was moved */
};

enum vdpa_attr {
	VDPA_ATTR_UNSPEC,

	/* fills the gap before a 64-bit attribute */
	VDPA_ATTR_PAD = VDPA_ATTR_UNSPEC,

	/* handle of a management device; the bus name is left out if it has none */
	VDPA_ATTR_MGMTDEV_BUS_NAME,		/* string */
	VDPA_ATTR_MGMTDEV_DEV_NAME,		/* string */
	VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES,	/* u64, bit N: virtio device id N */

	VDPA_ATTR_DEV_NAME,			/* string */
	VDPA_ATTR_DEV_ID,			/* u32, virtio device id */
	VDPA_ATTR_DEV_VENDOR_ID,		/* u32 */
	VDPA_ATTR_DEV_MAX_VQS,			/* u32 */
	VDPA_ATTR_DEV_MAX_VQ_SIZE,		/* u16, descriptors */
	VDPA_ATTR_DEV_MIN_VQ_SIZE,		/* u16, descriptors */

	VDPA_ATTR_DEV_NET_CFG_MACADDR,		/* binary, 6 bytes */
	VDPA_ATTR_DEV_NET_STATUS,		/* u16, VIRTIO_NET_S_* */
	VDPA_ATTR_DEV_NET_CFG_MAX_VQP,		/* u16, queue pairs */
	VDPA_ATTR_DEV_NET_CFG_MTU,		/* u16, bytes */

	VDPA_ATTR_DEV_NEGOTIATED_FEATURES,	/* u64, bit N: virtio feature N */
	VDPA_ATTR_DEV_MGMTDEV_MAX_VQS,		/* u32 */
	/* what the management device can offer */
	VDPA_ATTR_DEV_SUPPORTED_FEATURES,	/* u64, bit N: virtio feature N */

	VDPA_ATTR_DEV_QUEUE_INDEX,		/* u32 */
	VDPA_ATTR_DEV_VENDOR_ATTR_NAME,		/* string */
	VDPA_ATTR_DEV_VENDOR_ATTR_VALUE,	/* u64 */

	/* what the device was, or shall be, created with */
	VDPA_ATTR_DEV_FEATURES,			/* u64, bit N: virtio feature N */

	VDPA_ATTR_DEV_BLK_CFG_CAPACITY,		/* u64, sectors of 512 bytes */
	VDPA_ATTR_DEV_BLK_CFG_SIZE_MAX,		/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_BLK_SIZE,		/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_SEG_MAX,		/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_NUM_QUEUES,	/* u16 */
	VDPA_ATTR_DEV_BLK_CFG_PHY_BLK_EXP,	/* u8 */
	VDPA_ATTR_DEV_BLK_CFG_ALIGN_OFFSET,	/* u8 */
	VDPA_ATTR_DEV_BLK_CFG_MIN_IO_SIZE,	/* u16 */
	VDPA_ATTR_DEV_BLK_CFG_OPT_IO_SIZE,	/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEC,	/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEG,	/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_DISCARD_SEC_ALIGN,/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC,	/* u32 */
	VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG,	/* u32 */
	VDPA_ATTR_DEV_BLK_READ_ONLY,		/* u8 */
	VDPA_ATTR_DEV_BLK_FLUSH,		/* u8 */

	/* end of the attributes shared with Linux 6.12 */
	VDPA_ATTR_MAX,

	VDPA_ATTR_DEV_STATUS = 256,		/* u8, virtio device status */
	/* bound bus driver; for a device to be: which one shall be, or "none" */
	VDPA_ATTR_DEV_DRIVER,			/* string */
	/* what that made: "vhost-vdpa-0" is /dev/vhost-vdpa-0, "virtio3" a virtio device */
	VDPA_ATTR_DEV_DRIVER_DEV,		/* string */
	VDPA_ATTR_DEV_STATE,			/* u8, enum vdpa_state */
	VDPA_ATTR_DEV_READY_VQS,		/* u32, queues that the driver made ready */
	VDPA_ATTR_DEV_GROUPS,			/* u32, virtqueue groups */
	VDPA_ATTR_DEV_ADDRESS_SPACES,		/* u32 */
	/* I/O virtual addresses that the device reaches, if it says */
	VDPA_ATTR_DEV_IOVA_FIRST,		/* u64 */
	VDPA_ATTR_DEV_IOVA_LAST,		/* u64, itself included */
	/* what the device was created with: the attributes given then */
	VDPA_ATTR_DEV_CREATED,			/* nest of these attributes */
	/* frames are tagged with it when they leave, and filtered by it */
	VDPA_ATTR_DEV_NET_VLAN,			/* u16, 1 to 4094 */
	/* attributes that a management device creates, and changes, devices with */
	VDPA_ATTR_MGMTDEV_ADD_ATTRS,		/* array of u32, enum vdpa_attr */
	VDPA_ATTR_MGMTDEV_SET_ATTRS,		/* array of u32, enum vdpa_attr */

	/* how often the driver was told of a change, and the device reset */
	VDPA_ATTR_DEV_CONFIG_INTERRUPTS,	/* u64 */
	VDPA_ATTR_DEV_RESETS,			/* u64 */
	VDPA_ATTR_DEV_QUEUE,			/* nest of enum vdpa_queue_attr */
	VDPA_ATTR_MGMTDEV_RESOURCE,		/* nest of enum vdpa_resource_attr */

	VDPA_ATTR_PROFILE_VERSION,		/* u32, VDPA_PROFILE_VERSION */
	/* what the parent brings of VHOST_BACKEND_F_* */
	VDPA_ATTR_DEV_BACKEND_FEATURES,		/* u64, bit N: feature N */
	VDPA_ATTR_CHECK_REASON,			/* nest of enum vdpa_reason_attr */
	/* of its devices, if it says */
	VDPA_ATTR_MGMTDEV_MAX_VQ_SIZE,		/* u16, descriptors */

	/* descriptor, in the asker, of a network namespace */
	VDPA_ATTR_NETNS_FD,			/* u32 */
	/* by its id in the asker's namespace, -1 for one without; absent at home */
	VDPA_ATTR_MGMTDEV_NETNSID,		/* s32 */
};

/* What the attributes of a profile mean; changes if that does */
#define VDPA_PROFILE_VERSION	1

/* Why a device cannot be made */
enum vdpa_reason_attr {
	VDPA_REASON_ATTR_UNSPEC,
	VDPA_REASON_ATTR_PAD = VDPA_REASON_ATTR_UNSPEC,

	VDPA_REASON_ATTR_ATTR,			/* u32, enum vdpa_attr: at fault */
	VDPA_REASON_ATTR_TEXT,			/* string */
	/* where it is a matter of numbers, or of features */
	VDPA_REASON_ATTR_WANTED,		/* u64 */
	VDPA_REASON_ATTR_AVAILABLE,		/* u64 */
};

/* What a management device hands out, and how much of it there is */
enum vdpa_resource_attr {
	VDPA_RESOURCE_ATTR_UNSPEC,
	VDPA_RESOURCE_ATTR_PAD = VDPA_RESOURCE_ATTR_UNSPEC,

	/* "devices", "queues", "queue_pairs" (of class net), "memory" */
	VDPA_RESOURCE_ATTR_NAME,		/* string */
	VDPA_RESOURCE_ATTR_UNIT,		/* string, of one; "byte" of memory */
	VDPA_RESOURCE_ATTR_USED,		/* u64 */
	/* all there is, and most for one device; absent where it does not say */
	VDPA_RESOURCE_ATTR_SIZE,		/* u64 */
	VDPA_RESOURCE_ATTR_MAX,			/* u64 */
};

/* A virtqueue; what the parent does not tell is absent */
enum vdpa_queue_attr {
	VDPA_QUEUE_ATTR_UNSPEC,
	VDPA_QUEUE_ATTR_PAD = VDPA_QUEUE_ATTR_UNSPEC,

	VDPA_QUEUE_ATTR_INDEX,			/* u32 */
	VDPA_QUEUE_ATTR_SIZE,			/* u32, descriptors */
	VDPA_QUEUE_ATTR_READY,			/* u8, 0 or 1 */
	/* what the device reads, and writes back, next; counters of packed rings */
	VDPA_QUEUE_ATTR_AVAIL_INDEX,		/* u16 */
	VDPA_QUEUE_ATTR_AVAIL_WRAP,		/* u8, 0 or 1 */
	VDPA_QUEUE_ATTR_USED_INDEX,		/* u16 */
	VDPA_QUEUE_ATTR_USED_WRAP,		/* u8, 0 or 1 */
	VDPA_QUEUE_ATTR_GROUP,			/* u32 */
	VDPA_QUEUE_ATTR_DESC_GROUP,		/* u32, where it is another one */
	VDPA_QUEUE_ATTR_IRQ,			/* u32 */
	/* of these, what went through the kernel */
	VDPA_QUEUE_ATTR_KICKS,			/* u64 */
	VDPA_QUEUE_ATTR_INTERRUPTS,		/* u64 */
	/* descriptor chains that the device took, and gave back */
	VDPA_QUEUE_ATTR_RECEIVED,		/* u64 */
	VDPA_QUEUE_ATTR_COMPLETED,		/* u64 */
	VDPA_QUEUE_ATTR_BYTES,			/* u64 */
	VDPA_QUEUE_ATTR_ERRORS,			/* u64 */
	VDPA_QUEUE_ATTR_LAST_ERROR,		/* u32, errno */
	/* pairs of VDPA_ATTR_DEV_VENDOR_ATTR_NAME and _VALUE */
	VDPA_QUEUE_ATTR_VENDOR,			/* nest of enum vdpa_attr */
};

/* What a device is doing; more than one applying, the highest is told */
enum vdpa_state {
	VDPA_STATE_INACTIVE,		/* the driver did not say DRIVER_OK */
	VDPA_STATE_ACTIVE,		/* it did */
	VDPA_STATE_SUSPENDED,		/* stands still with its state kept */
	VDPA_STATE_NEEDS_RESET,		/* broken until it is reset */
};

#endif
