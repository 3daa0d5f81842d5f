// SPDX-License-Identifier: GPL-2.0
/* Modules, knobs, sysfs and threads for the vdpa selftests */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vdpa_env.h"

#define ENV_DEBUGFS	"/sys/kernel/debug/"
#define ENV_SIM_DIR	ENV_DEBUGFS "vdpa_sim/"
#define ENV_TEST_DIR	ENV_DEBUGFS "vdpa_test/"
#define ENV_BUS_DIR	"/sys/bus/vdpa/"

#define ENV_PATH_LEN	512

#define ENV_DEBUG_TIME_SCALE	6	/* as in run_all.sh */

static void __attribute__((noreturn)) env_die(const char *what, int err)
{
	fprintf(stderr, "# vdpa_env: %s: %s\n", what, strerror(err));
	_exit(1);
}

/*
 * Files
 */

int env_write(const char *path, const char *text)
{
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

/* The text without the newline at its end */
int env_read(const char *path, char *text, size_t len)
{
	int fd, err = 0;
	ssize_t n;

	text[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	n = read(fd, text, len - 1);
	if (n < 0)
		err = errno;
	else
		text[n] = '\0';
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	return err;
}

bool env_exists(const char *path)
{
	return !access(path, F_OK);
}

int env_time_scale(void)
{
	if (env_exists(ENV_DEBUGFS "kmemleak") ||
	    env_exists(ENV_DEBUGFS "kcsan") || env_exists("/proc/lockdep"))
		return ENV_DEBUG_TIME_SCALE;
	return 1;
}

/*
 * Modules
 */

static int env_spawn(char *const argv[])
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return errno;
	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : EINVAL;
}

/* Where a module would be that was built beside this program */
void env_module_file(const char *module, char *path, size_t len)
{
	char self[ENV_PATH_LEN];
	ssize_t n;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n < 0 ? 0 : n] = '\0';
	if (n > 0)
		*strrchr(self, '/') = '\0';
	snprintf(path, len, "%s/modules/%s.ko", self, module);
}

static int env_insmod(const char *module)
{
	char path[2 * ENV_PATH_LEN];

	env_module_file(module, path, sizeof(path));
	if (!env_exists(path))
		return ENOENT;
	return env_spawn((char *[]){ "insmod", path, NULL });
}

/* An installed module, or one built beside this program */
int env_modprobe(const char *module, const char *param)
{
	if (env_loaded(module))
		return 0;
	if (!param && !env_insmod(module))
		return 0;
	return env_spawn((char *[]){ "modprobe", (char *)module,
				     (char *)param, NULL });
}

/* A module in use is refused: EAGAIN; with @wait, if it is for many seconds */
int env_rmmod(const char *module, bool wait)
{
	int tries = wait ? 15000 * env_time_scale() : 1;
	int err;

	for (;;) {
		if (!syscall(SYS_delete_module, module, O_NONBLOCK))
			return 0;
		err = errno;
		if (err != EAGAIN || !--tries)
			return err;
		usleep(1000);
	}
}

static void env_module_path(char *path, const char *module, const char *file)
{
	snprintf(path, ENV_PATH_LEN, "/sys/module/%s/%s", module, file);
}

bool env_loaded(const char *module)
{
	return env_refcnt(module) >= 0;
}

int env_refcnt(const char *module)
{
	char path[ENV_PATH_LEN], text[32];

	env_module_path(path, module, "initstate");
	if (env_read(path, text, sizeof(text)) || strcmp(text, "live"))
		return -1;
	env_module_path(path, module, "refcnt");
	if (env_read(path, text, sizeof(text)))
		return -1;
	return atoi(text);
}

/*
 * debugfs
 */

int env_knob(const char *name, const char *knob, unsigned int value)
{
	const char *dir = strcmp(name, ENV_SIM) ? ENV_TEST_DIR : ENV_SIM_DIR;
	char path[ENV_PATH_LEN], text[16];

	snprintf(path, sizeof(path), "%s%s/%s", dir, name, knob);
	snprintf(text, sizeof(text), "%u", value);
	return env_write(path, text);
}

int env_mgmt_new(const char *spec)
{
	return env_write(ENV_TEST_DIR "new_mgmtdev", spec);
}

int env_mgmt_del(const char *name)
{
	return env_write(ENV_TEST_DIR "del_mgmtdev", name);
}

int env_driver(bool on)
{
	return env_write(ENV_TEST_DIR "driver", on ? "1" : "0");
}

int env_orphan_new(const char *name)
{
	return env_write(ENV_TEST_DIR "new_device", name);
}

int env_orphan_del(const char *name)
{
	return env_write(ENV_TEST_DIR "del_device", name);
}

int env_bind(const char *dev)
{
	return env_write(ENV_BUS_DIR "drivers/" ENV_DRIVER "/bind", dev);
}

int env_unbind(const char *dev)
{
	return env_write(ENV_BUS_DIR "drivers/" ENV_DRIVER "/unbind", dev);
}

/* Calls @fn with the name of each management device of the test module */
static int env_each_mgmt(int (*fn)(const char *name))
{
	char path[2 * ENV_PATH_LEN];
	struct dirent *e;
	int nr = 0;
	DIR *dir;

	dir = opendir(ENV_TEST_DIR);
	if (!dir)
		return 0;
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), ENV_TEST_DIR "%s/add_delay_ms",
			 e->d_name);
		if (e->d_name[0] == '.' || !env_exists(path))
			continue;
		nr++;
		if (fn)
			fn(e->d_name);
	}
	closedir(dir);
	return nr;
}

/* Device names may begin with a dot, as those two directories do */
static bool env_is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int env_bus_devices(void)
{
	struct dirent *e;
	int nr = 0;
	DIR *dir;

	dir = opendir(ENV_BUS_DIR "devices");
	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		nr += !env_is_dots(e->d_name);
	closedir(dir);
	return nr;
}

static void env_knobs_off(const char *name)
{
	env_knob(name, "add_delay_ms", 0);
	env_knob(name, "del_delay_ms", 0);
	env_knob(name, "fail_dev_add", 0);
	env_knob(name, "fail_late_add", 0);
	env_knob(name, "fail_reset", 0);
}

void env_reset(struct vnl *s)
{
	struct vnl_devs l;
	size_t i;
	int err;

	err = env_modprobe(ENV_SIM_MODULE, NULL);
	if (err)
		env_die("modprobe " ENV_SIM_MODULE, err);
	err = env_modprobe(ENV_TEST_MODULE, NULL);
	if (err)
		env_die("modprobe " ENV_TEST_MODULE, err);
	env_driver(false);
	env_write(ENV_BUS_DIR "drivers_autoprobe", "1");
	env_knobs_off(ENV_SIM);
	env_each_mgmt(env_mgmt_del);
	err = vnl_devs_get(s, NULL, &l);
	if (err)
		env_die("dump of the devices", err);
	for (i = 0; i < l.nr; i++)
		vnl_dev_del(s, l.dev[i].name);
	vnl_devs_free(&l);
	if (!env_clean(s))
		env_die("left over from the test before", EBUSY);
}

bool env_clean(struct vnl *s)
{
	size_t shown = vnl_dev_count(s);
	int on_bus = env_bus_devices();
	int mgmts = env_each_mgmt(NULL);

	if (shown || on_bus || mgmts)
		fprintf(stderr,
			"# left over: %zu devices shown, %d on the bus, %d test management devices\n",
			shown, on_bus, mgmts);
	return !shown && !on_bus && !mgmts;
}

/*
 * Requests from threads
 */

void env_req_init(struct env_req *r, uint8_t cmd, uint16_t flags)
{
	memset(r, 0, sizeof(*r));
	vnl_open(&r->s);
	vnl_msg_init(&r->m, &r->s, cmd, flags);
}

static void *env_req_thread(void *arg)
{
	struct env_req *r = arg;

	r->tid = syscall(SYS_gettid);
	r->err = vnl_request(&r->s, &r->m, NULL, NULL);
	r->done = true;
	return NULL;
}

void env_req_start(struct env_req *r)
{
	int err = pthread_create(&r->thread, NULL, env_req_thread, r);

	if (err)
		env_die("pthread_create", err);
}

/* The first line of the thread's file @name in /proc; an errno */
static int env_read_task(int pid, int tid, const char *name, char *text, size_t len)
{
	char path[ENV_PATH_LEN];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	return env_read(path, text, len);
}

/*
 * Where a kernel does not tell the system call, as in User Mode Linux: the state
 * after the name in parentheses is D for one that waits in the kernel for a lock
 * or a delay, and for nothing else that these tests' threads do.
 */
static bool env_waits_in_kernel(int pid, int tid)
{
	char text[256];
	char *end;

	if (env_read_task(pid, tid, "stat", text, sizeof(text)))
		return false;
	end = strrchr(text, ')');
	return end && !strncmp(end, ") D ", 4);
}

/* /proc/PID/task/TID/syscall begins with the number while it sleeps there */
bool env_sleeps_in(int pid, int tid, long syscall_nr)
{
	char text[256];
	char *end;
	long nr;

	if (!env_exists("/proc/self/syscall"))
		return env_waits_in_kernel(pid, tid);
	if (env_read_task(pid, tid, "syscall", text, sizeof(text)))
		return false;
	nr = strtol(text, &end, 10);
	return end != text && nr == syscall_nr;
}

bool env_req_asleep(struct env_req *r)
{
	while (!r->done) {
		if (r->tid && env_sleeps_in(getpid(), r->tid, SYS_sendto))
			return true;
		usleep(1000);
	}
	return false;
}

bool env_req_done(struct env_req *r)
{
	return r->done;
}

int env_req_join(struct env_req *r)
{
	pthread_join(r->thread, NULL);
	vnl_close(&r->s);
	return r->err;
}
