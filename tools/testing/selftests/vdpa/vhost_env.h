/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/vhost-vdpa-N for the tests, on devices of modules/vdpa_test_parent.c.
 * Functions return 0 or a positive errno unless said otherwise.
 */

#ifndef _VHOST_ENV_H
#define _VHOST_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vhost.h>

/* What the host's headers may be too old for */
#ifndef VHOST_VDPA_RESUME
#define VHOST_VDPA_RESUME		_IO(VHOST_VIRTIO, 0x7E)
#endif
#ifndef VHOST_VDPA_GET_VRING_DESC_GROUP
#define VHOST_VDPA_GET_VRING_DESC_GROUP	_IOWR(VHOST_VIRTIO, 0x7F, \
					      struct vhost_vring_state)
#endif
#ifndef VHOST_VDPA_GET_VRING_SIZE
#define VHOST_VDPA_GET_VRING_SIZE	_IOWR(VHOST_VIRTIO, 0x82, \
					      struct vhost_vring_state)
#endif
#ifndef VHOST_BACKEND_F_RESUME
#define VHOST_BACKEND_F_RESUME		0x5
#endif
#ifndef VHOST_BACKEND_F_DESC_ASID
#define VHOST_BACKEND_F_DESC_ASID	0x7
#define VHOST_BACKEND_F_IOTLB_PERSIST	0x8
#endif

#define VH_PARENT_MODULE	"vdpa_test_parent"
#define VH_DRIVER_MODULE	"vhost_vdpa"

#define VH_VQS		3U
#define VH_VQ_SIZE_MAX	256U
#define VH_CONFIG_SIZE	32U
#define VH_PATH_LEN	256

/* Status bits: all that a driver sets until it runs */
#define VH_STATUS_RUNS	0xf

/* Modules loaded, no device of the parent */
void vh_begin(void);
/* Modules gone; false: in use, or pages are pinned still. Says so on stderr. */
bool vh_end(void);
/* Waits until no page is pinned, by anybody; false: some still are */
bool vh_nothing_pinned(void);

/* A device made of words, see the module, and without one */
int vh_new(const char *name, const char *words);
int vh_del(const char *name);
bool vh_exists(const char *name);

/* Its character device */
int vh_node(const char *name, char *path, size_t len);
int vh_open(const char *name);		/* -errno */

/* What it was told: the text behind a key; numbers, -1 for none */
int vh_state(const char *name, const char *key, char *value, size_t len);
long long vh_state_nr(const char *name, const char *key);
long long vh_state_hex(const char *name, const char *key);
/* What it does */
int vh_do(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Calls */
int vh_ioctl(int fd, unsigned long cmd, void *arg);
int vh_vq(int fd, unsigned long cmd, unsigned int index, unsigned int num);
int vh_eventfd(int fd, unsigned long cmd, unsigned int index, int eventfd);
int vh_status(int fd, uint8_t status);
int vh_backend(int fd, uint64_t features);
int vh_message(int fd, uint32_t asid, uint8_t type, uint64_t iova,
	       uint64_t size, const void *uaddr, uint8_t perm);
int vh_map(int fd, uint64_t iova, uint64_t size, const void *uaddr);
int vh_unmap(int fd, uint64_t iova, uint64_t size);

/* Memory pinned on our account, in bytes */
long vh_pinned(void);

#endif
