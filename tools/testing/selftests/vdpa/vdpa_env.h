/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests need around the netlink family: modules, the knobs of the
 * simulator and of the test module (modules/vdpa_test.c), sysfs, threads.
 * Functions return 0 or a positive errno unless said otherwise.
 */

#ifndef _VDPA_ENV_H
#define _VDPA_ENV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "vdpa_nl.h"

#define ENV_SIM		"vdpasim_net"
#define ENV_SIM_MODULE	"vdpa_sim_net"
#define ENV_SIM_VQS	33U	/* 16 queue pairs and a control queue */
#define ENV_SIM_DEV_VQS	3U	/* of a device that nobody wanted more for */
#define ENV_TEST_MODULE	"vdpa_test"
#define ENV_TEST_BUS	"vdpatest"
#define ENV_DRIVER	"vdpa_test_driver"
#define ENV_NOBODY	65534

/* Virtio device ids, and the bits of SUPPORTED_CLASSES */
#define ENV_CLASS_NET	1
#define ENV_CLASS_BLOCK	2
#define ENV_CLASS_RNG	4

#define ENV_STATUS_DRIVER	3	/* what the test driver sets: ACK, DRIVER */

/* files */
int env_write(const char *path, const char *text);
int env_read(const char *path, char *text, size_t len);
bool env_exists(const char *path);

/* modules */
void env_module_file(const char *module, char *path, size_t len);
int env_modprobe(const char *module, const char *param);
int env_rmmod(const char *module, bool wait);
bool env_loaded(const char *module);
int env_refcnt(const char *module);	/* -1: not loaded */

/* debugfs: @name is a management device without its bus */
int env_knob(const char *name, const char *knob, unsigned int value);
int env_mgmt_new(const char *spec);
int env_mgmt_del(const char *name);
int env_driver(bool on);
/* A device that no management device made; ENOENT: the module cannot do it */
int env_orphan_new(const char *name);
int env_orphan_del(const char *name);

/*
 * How much longer things may take than on a production kernel: more than 1
 * where the kernel watches its own locks or memory
 */
int env_time_scale(void);

/* sysfs */
int env_bind(const char *dev);
int env_unbind(const char *dev);

/* Modules loaded, no device, no test management device, all knobs off */
void env_reset(struct vnl *s);
/* Nothing left over? Says on stderr what is. */
bool env_clean(struct vnl *s);

/* A request sent from a thread of its own */
struct env_req {
	struct vnl s;
	struct vnl_msg m;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
	int err;
};

void env_req_init(struct env_req *r, uint8_t cmd, uint16_t flags);
void env_req_start(struct env_req *r);
/* Returns once the request sleeps in the kernel; false: it is done instead */
bool env_req_asleep(struct env_req *r);
bool env_req_done(struct env_req *r);
int env_req_join(struct env_req *r);
/* The same for a thread or process that is in its @syscall */
bool env_sleeps_in(int pid, int tid, long syscall);

#endif
