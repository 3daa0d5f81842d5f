// SPDX-License-Identifier: GPL-2.0
/* /dev/vhost-vdpa-N for the tests, see vhost_env.h */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vdpa_env.h"
#include "vhost_env.h"

#define VH_DIR		"/sys/kernel/debug/vdpa_test_parent/"
#define VH_BUS_DIR	"/sys/bus/vdpa/devices/"
#define VH_PREFIX	"vhost-vdpa-"

/* Counters of the kernel's are folded now and then: watchdog */
#define VH_SETTLE_MS	5000

static void __attribute__((noreturn)) vh_die(const char *what, int err)
{
	fprintf(stderr, "# vhost_env: %s: %s\n", what, strerror(err));
	_exit(1);
}

/*
 * Modules and devices
 */

static void vh_del_all(void)
{
	char state[VH_PATH_LEN * 2];
	struct dirent *e;
	DIR *dir;

	dir = opendir(VH_DIR);
	if (!dir)
		return;
	while ((e = readdir(dir))) {
		snprintf(state, sizeof(state), VH_DIR "%s/state", e->d_name);
		if (env_exists(state))
			vh_del(e->d_name);
	}
	closedir(dir);
}

void vh_begin(void)
{
	int err;

	err = env_modprobe(VH_DRIVER_MODULE, NULL);
	if (err)
		vh_die("modprobe " VH_DRIVER_MODULE, err);
	err = env_modprobe(VH_PARENT_MODULE, NULL);
	if (err)
		vh_die("modprobe " VH_PARENT_MODULE, err);
	vh_del_all();
}

static void vh_counter(const char *line, const char *name, long *value)
{
	size_t len = strlen(name);

	if (!strncmp(line, name, len) && line[len] == ' ')
		*value = atol(line + len);
}

/* Pages pinned and not unpinned since boot, by anybody; -1: no such counters */
static long vh_pages_pinned(void)
{
	long acquired = -1, released = -1;
	char line[128];
	FILE *f;

	env_write("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/vmstat", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		vh_counter(line, "nr_foll_pin_acquired", &acquired);
		vh_counter(line, "nr_foll_pin_released", &released);
	}
	fclose(f);
	return acquired < 0 || released < 0 ? -1 : acquired - released;
}

bool vh_nothing_pinned(void)
{
	long pinned;
	int ms;

	for (ms = 0; (pinned = vh_pages_pinned()) > 0; ms++) {
		if (ms == VH_SETTLE_MS)
			break;
		usleep(1000);
	}
	if (pinned > 0)
		fprintf(stderr, "# pages still pinned: %ld\n", pinned);
	return pinned <= 0;
}

bool vh_end(void)
{
	int err;

	vh_del_all();
	err = env_rmmod(VH_PARENT_MODULE, true);
	if (!err)
		err = env_rmmod(VH_DRIVER_MODULE, false);
	if (err)
		fprintf(stderr, "# modules: %s\n", strerror(err));
	return vh_nothing_pinned() && !err;
}

int vh_new(const char *name, const char *words)
{
	char line[256];

	snprintf(line, sizeof(line), "%s %s", name, words);
	return env_write(VH_DIR "new", line);
}

int vh_del(const char *name)
{
	return env_write(VH_DIR "del", name);
}

bool vh_exists(const char *name)
{
	char path[VH_PATH_LEN];

	snprintf(path, sizeof(path), VH_BUS_DIR "%s", name);
	return env_exists(path);
}

int vh_node(const char *name, char *path, size_t len)
{
	char dir_name[VH_PATH_LEN];
	struct dirent *e;
	int err = ENOENT;
	DIR *dir;

	snprintf(dir_name, sizeof(dir_name), VH_BUS_DIR "%s", name);
	dir = opendir(dir_name);
	if (!dir)
		return errno;
	while (err && (e = readdir(dir))) {
		if (strncmp(e->d_name, VH_PREFIX, strlen(VH_PREFIX)))
			continue;
		snprintf(path, len, "/dev/%s", e->d_name);
		err = 0;
	}
	closedir(dir);
	return err;
}

int vh_open(const char *name)
{
	char path[VH_PATH_LEN * 2];
	int err, fd;

	err = vh_node(name, path, sizeof(path));
	if (err)
		return -err;
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int vh_state(const char *name, const char *key, char *value, size_t len)
{
	char path[VH_PATH_LEN], line[256];
	size_t key_len = strlen(key);
	int err = ENOENT;
	FILE *f;

	snprintf(path, sizeof(path), VH_DIR "%s/state", name);
	f = fopen(path, "re");
	if (!f)
		return errno;
	while (err && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, key_len) || line[key_len] != ' ')
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, len, "%s", line + key_len + 1);
		err = 0;
	}
	fclose(f);
	return err;
}

long long vh_state_nr(const char *name, const char *key)
{
	char value[256];

	return vh_state(name, key, value, sizeof(value)) ? -1 : atoll(value);
}

long long vh_state_hex(const char *name, const char *key)
{
	char value[256];

	return vh_state(name, key, value, sizeof(value)) ?
	       -1 : (long long)strtoull(value, NULL, 16);
}

int vh_do(const char *name, const char *fmt, ...)
{
	char path[VH_PATH_LEN], line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), VH_DIR "%s/do", name);
	return env_write(path, line);
}

/*
 * Calls
 */

int vh_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? errno : 0;
}

int vh_vq(int fd, unsigned long cmd, unsigned int index, unsigned int num)
{
	struct vhost_vring_state state = { .index = index, .num = num };

	return vh_ioctl(fd, cmd, &state);
}

int vh_eventfd(int fd, unsigned long cmd, unsigned int index, int eventfd)
{
	struct vhost_vring_file file = { .index = index, .fd = eventfd };

	return vh_ioctl(fd, cmd, &file);
}

int vh_status(int fd, uint8_t status)
{
	return vh_ioctl(fd, VHOST_VDPA_SET_STATUS, &status);
}

int vh_backend(int fd, uint64_t features)
{
	return vh_ioctl(fd, VHOST_SET_BACKEND_FEATURES, &features);
}

int vh_message(int fd, uint32_t asid, uint8_t type, uint64_t iova,
	       uint64_t size, const void *uaddr, uint8_t perm)
{
	struct vhost_msg_v2 msg = {
		.type = VHOST_IOTLB_MSG_V2,
		.asid = asid,
		.iotlb = {
			.iova = iova,
			.size = size,
			.uaddr = (uintptr_t)uaddr,
			.perm = perm,
			.type = type,
		},
	};
	ssize_t n = write(fd, &msg, sizeof(msg));

	if (n < 0)
		return errno;
	return n == sizeof(msg) ? 0 : EIO;
}

int vh_map(int fd, uint64_t iova, uint64_t size, const void *uaddr)
{
	return vh_message(fd, 0, VHOST_IOTLB_UPDATE, iova, size, uaddr,
			  VHOST_ACCESS_RW);
}

int vh_unmap(int fd, uint64_t iova, uint64_t size)
{
	return vh_message(fd, 0, VHOST_IOTLB_INVALIDATE, iova, size, NULL, 0);
}

long vh_pinned(void)
{
	char line[128];
	long kb = -1;
	FILE *f;

	f = fopen("/proc/self/status", "re");
	if (!f)
		vh_die("/proc/self/status", errno);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPin: %ld kB", &kb) == 1)
			break;
	fclose(f);
	return kb * 1024;
}
