// SPDX-License-Identifier: GPL-2.0
/*
 * Each request, write to sysfs and module load with each allocation and each
 * copy in it made to fail in turn: it is done or refused, never half; whoever
 * watches is told or told that something got lost; nothing is left behind.
 *
 * What is accepted: that something is done although something failed on the
 * way (uevents, trimmed messages, files in debugfs are optional), and that the
 * answer gets lost, which the client learns from its socket (ENOBUFS). Then it
 * has been done, or not, but not half.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <libmnl/libmnl.h>

#include "vdpa_harness.h"
#include "fail_nth.h"

#define NAME		"nth0"
#define OTHER		"tnth"
#define OTHER_HANDLE	ENV_TEST_BUS "/" OTHER
#define CHUNKY		60	/* devices: two chunks of a dump and more */

#define BUS_DIR		"/sys/bus/vdpa/"
#define DRIVER_DIR	BUS_DIR "drivers/" ENV_DRIVER "/"
#define TEST_DIR	"/sys/kernel/debug/vdpa_test/"
#define VIRTIO_MODULE	"virtio_vdpa"
#define VIRTIO_DIR	BUS_DIR "drivers/" VIRTIO_MODULE "/"
#define NTH_MODULE	"vdpa_test_nth"
#define NTH_DIR		"/sys/kernel/debug/vdpa_test_nth/"

/* There only if the kernel has KUnit */
#define KUNIT_FILTER	"/sys/module/kunit/parameters/filter_glob"

#define PATH_LEN	512
#define PICTURE_LEN	(256 << 10)
#define LINE_LEN	1536
#define LINES_MAX	512

/* Lines about what netlink shows, "dev NAME ..." and "mgmtdev HANDLE ..." */
struct lines {
	size_t nr;
	char line[LINES_MAX][LINE_LEN];
};

struct ctx {
	struct vnl s;		/* shows the picture, never injected */
	struct vnl mon;		/* watches, never injected */
	struct vnl req;		/* the operation's own */
	struct vnl_msg m;
	struct lines seen;	/* what the watcher takes for true */
	unsigned int nr_replies;
	unsigned int want_replies;
	char name[VNL_NAME_LEN];	/* of the device that was made */
	int fd;
	bool family;		/* is there one? */
	bool mgmts;		/* dump management devices, not devices */
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	_exit(1);
}

/*
 * The picture
 */

static void line_dev(char *line, const struct vnl_dev *dev)
{
	snprintf(line, LINE_LEN,
		 "dev %s id %u vendor %u vqs %u %u %u status %u driver \"%s\" mgmtdev %s/%s",
		 dev->name, dev->id, dev->vendor, dev->max_vqs,
		 dev->max_vq_size, dev->min_vq_size, dev->status, dev->driver,
		 dev->mgmt_bus, dev->mgmt_name);
}

static void line_mgmt(char *line, const struct vnl_mgmt *mgmt)
{
	snprintf(line, LINE_LEN,
		 "mgmtdev %s/%s classes %llx features %llx vqs %u", mgmt->bus,
		 mgmt->name, (unsigned long long)mgmt->classes,
		 (unsigned long long)mgmt->features, mgmt->max_vqs);
}

static void lines_add(struct lines *l, const char *line)
{
	if (l->nr == LINES_MAX)
		die("too many lines");
	snprintf(l->line[l->nr++], LINE_LEN, "%s", line);
}

/* Up to the end of the second word */
static size_t line_key_len(const char *line)
{
	size_t len = strcspn(line, " ") + 1;

	return len + strcspn(line + len, " ") + 1;
}

static bool lines_del(struct lines *l, const char *line)
{
	size_t i, len = line_key_len(line);

	for (i = 0; i < l->nr; i++) {
		if (strncmp(l->line[i], line, len))
			continue;
		memmove(l->line[i], l->line[i + 1],
			(--l->nr - i) * sizeof(*l->line));
		return true;
	}
	return false;
}

static void lines_add_dev(const struct nlmsghdr *nlh, void *lines)
{
	char line[LINE_LEN];
	struct vnl_dev dev;

	vnl_dev_parse(nlh, &dev);
	line_dev(line, &dev);
	lines_add(lines, line);
}

static void lines_add_mgmt(const struct nlmsghdr *nlh, void *lines)
{
	char line[LINE_LEN];
	struct vnl_mgmt mgmt;

	vnl_mgmt_parse(nlh, &mgmt);
	line_mgmt(line, &mgmt);
	lines_add(lines, line);
}

static int line_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void lines_dump(struct vnl *s, struct lines *l, uint8_t cmd, vnl_cb cb)
{
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, cmd, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	errno = vnl_dump_rest(&d, cb, l);
	if (errno)
		die("dump for the picture");
}

/* False: there is no family */
static bool lines_get(struct lines *l)
{
	struct vnl s;
	int err;

	l->nr = 0;
	err = vnl_try_open(&s);
	if (err == ENOENT)
		return false;
	errno = err;
	if (err)
		die("family");
	lines_dump(&s, l, VDPA_CMD_MGMTDEV_GET, lines_add_mgmt);
	lines_dump(&s, l, VDPA_CMD_DEV_GET, lines_add_dev);
	vnl_close(&s);
	qsort(l->line, l->nr, sizeof(*l->line), line_cmp);
	return true;
}

static void __attribute__((format(printf, 2, 3)))
add_line(char *text, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + len, PICTURE_LEN - len - 1, fmt, ap);
	va_end(ap);
	strcat(text, "\n");
}

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

static void picture_link(char *text, const char *path)
{
	char target[PATH_LEN] = "";

	if (readlink(path, target, sizeof(target) - 1) < 0)
		snprintf(target, sizeof(target), "?");
	add_line(text, "%s -> %s", path, target);
}

static void picture_dir(char *text, const char *dir)
{
	char path[PATH_LEN + 256];
	struct dirent **e;
	int i, nr;

	nr = scandir(dir, &e, not_dots, alphasort);
	if (nr < 0) {
		add_line(text, "%s: none", dir);
		return;
	}
	for (i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, e[i]->d_name);
		if (e[i]->d_type == DT_LNK)
			picture_link(text, path);
		else
			add_line(text, "%s", path);
		free(e[i]);
	}
	free(e);
}

static void picture_file(char *text, const char *path)
{
	char value[256];

	if (env_read(path, value, sizeof(value)))
		snprintf(value, sizeof(value), "none");
	add_line(text, "%s: %s", path, value);
}

static const char * const picture_dirs[] = {
	"/sys/bus/vdpa/devices", "/sys/bus/vdpa/drivers", DRIVER_DIR,
	"/sys/bus/vdpa/devices/" NAME,
	"/sys/bus/" ENV_TEST_BUS "/devices",
	"/sys/devices/" ENV_SIM, "/sys/devices/" OTHER,
	"/sys/kernel/debug/vdpa_sim", "/sys/kernel/debug/vdpa_test",
	"/sys/kernel/debug/vdpa_sim/" ENV_SIM,
	"/sys/kernel/debug/vdpa_test/" OTHER,
};

static const char * const picture_files[] = {
	"/sys/module/vdpa/refcnt", "/sys/module/vdpa_sim/refcnt",
	"/sys/module/vdpa_sim_net/refcnt", "/sys/module/vdpa_test/refcnt",
	"/sys/module/vdpa/initstate", "/sys/module/vdpa_sim/initstate",
	"/sys/module/vdpa_sim_net/initstate",
	"/sys/module/vdpa_test/initstate",
	"/sys/bus/vdpa/devices/" NAME "/driver_override",
	TEST_DIR "driver",
};

static char *picture(void *arg)
{
	char *text = calloc(1, PICTURE_LEN);
	struct ctx *c = arg;
	struct lines *l = &c->seen;
	size_t i;

	if (!text)
		die("picture");
	c->family = lines_get(l);
	add_line(text, "family: %d", c->family);
	for (i = 0; i < l->nr; i++)
		add_line(text, "%s", l->line[i]);
	for (i = 0; i < ARRAY_SIZE(picture_dirs); i++)
		picture_dir(text, picture_dirs[i]);
	for (i = 0; i < ARRAY_SIZE(picture_files); i++)
		picture_file(text, picture_files[i]);
	return text;
}

/*
 * The watcher: knows what was there when the picture was taken, and what it was
 * told since
 */

static void watch_begin(struct ctx *c)
{
	vnl_close(&c->mon);
	if (vnl_try_open(&c->mon))
		return;
	errno = vnl_monitor_join(&c->mon);
	if (errno)
		die("watcher");
}

/* Devices without a management device are shown by no dump */
static void watch_event(struct lines *l, const struct vnl_event *ev)
{
	char line[LINE_LEN];

	switch (ev->cmd) {
	case VDPA_CMD_MGMTDEV_NEW:
		line_mgmt(line, &ev->mgmt);
		lines_add(l, line);
		break;
	case VDPA_CMD_MGMTDEV_DEL:
		line_mgmt(line, &ev->mgmt);
		lines_del(l, line);
		break;
	case VDPA_CMD_DEV_NEW:
	case VDPA_CMD_DEV_CHANGE:
	case VDPA_CMD_DEV_DEL:
		line_dev(line, &ev->dev);
		if (!*ev->dev.mgmt_name)
			break;
		if (ev->cmd != VDPA_CMD_DEV_NEW)
			lines_del(l, line);
		if (ev->cmd != VDPA_CMD_DEV_DEL)
			lines_add(l, line);
		break;
	}
}

/* Is what was seen what there is, or was the watcher told that it missed some? */
static bool watch(void *arg)
{
	static struct vnl_event ev;
	static struct lines now;
	struct ctx *c = arg;
	size_t i;
	int ret;

	/* without the module there is nobody to tell anything */
	if (!c->family || !lines_get(&now)) {
		vnl_close(&c->mon);
		return true;
	}
	while ((ret = vnl_event_next(&c->mon, &ev, 0)) > 0)
		watch_event(&c->seen, &ev);
	vnl_close(&c->mon);
	if (ret == -ENOBUFS)
		return true;
	errno = -ret;
	if (ret)
		die("watcher");
	qsort(c->seen.line, c->seen.nr, sizeof(*c->seen.line), line_cmp);
	for (i = 0; c->seen.nr == now.nr && i < now.nr; i++)
		if (strcmp(c->seen.line[i], now.line[i]))
			break;
	if (c->seen.nr == now.nr && i == now.nr)
		return true;
	fprintf(stderr, "# a watcher was not told:\n");
	for (i = 0; i < c->seen.nr; i++)
		fprintf(stderr, "#   seen  %s\n", c->seen.line[i]);
	for (i = 0; i < now.nr; i++)
		fprintf(stderr, "#   there %s\n", now.line[i]);
	return false;
}

static const struct fail_nth_world world = {
	.picture = picture,
	.watch = watch,
};

/*
 * Requests
 */

static bool dev_exists(const char *name)
{
	struct vnl_dev dev;
	struct vnl s;
	int err;

	vnl_open(&s);
	err = vnl_dev_get(&s, name, &dev);
	vnl_close(&s);
	return !err;
}

static int dev_add(const char *handle, const char *name)
{
	struct vnl s;
	int err;

	vnl_open(&s);
	err = vnl_dev_add(&s, handle, name);
	vnl_close(&s);
	return err;
}

static void request_begin(struct ctx *c, uint8_t cmd, uint16_t flags)
{
	vnl_close(&c->req);
	vnl_open(&c->req);
	vnl_msg_init(&c->m, &c->req, cmd, flags);
	c->m.nlh->nlmsg_seq = 1;
	c->nr_replies = 0;
	c->want_replies = 0;
	c->name[0] = '\0';
}

static int request_run(void *arg)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct ctx *c = arg;

	c->m.nlh->nlmsg_flags |= NLM_F_ACK;
	if (sendto(c->req.fd, c->m.nlh, c->m.nlh->nlmsg_len, 0,
		   (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return errno;
	return 0;
}

/* One message of the answer; true if it was the last one */
static bool request_take(struct ctx *c, const struct nlmsghdr *nlh, int *result)
{
	struct vnl_dev dev;

	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		*result = -*(const int *)NLMSG_DATA(nlh);
		return true;
	}
	c->nr_replies++;
	if (nlh->nlmsg_type == c->req.family &&
	    ((struct genlmsghdr *)NLMSG_DATA(nlh))->cmd == VDPA_CMD_DEV_NEW) {
		vnl_dev_parse(nlh, &dev);
		snprintf(c->name, sizeof(c->name), "%s", dev.name);
	}
	return false;
}

/* Receives up to the end of the answer */
static int request_receive(struct ctx *c)
{
	const struct nlmsghdr *nlh;
	int result = 0;
	ssize_t n;

	for (;;) {
		n = recv(c->req.fd, c->req.buf, VNL_CHUNK_SMALL, 0);
		if (n < 0)
			return errno;
		for (nlh = (void *)c->req.buf; NLMSG_OK(nlh, n);
		     nlh = NLMSG_NEXT(nlh, n))
			if (request_take(c, nlh, &result))
				return result;
	}
}

/* The kernel could not send an answer: the socket says so, and only that */
static int request_answer(void *arg, int result)
{
	struct ctx *c = arg;

	if (!result) {
		result = request_receive(c);
		/* the socket's own error; refusals with ENOBUFS are not ours */
		if (result == ENOBUFS)
			result = FAIL_NTH_LOST;
	}
	if (!result && c->nr_replies != c->want_replies) {
		fprintf(stderr, "# %u replies, not %u\n", c->nr_replies,
			c->want_replies);
		result = EPROTO;
	}
	vnl_close(&c->req);
	return result;
}

static int request_prepared(struct ctx *c)
{
	watch_begin(c);
	return 0;
}

/*
 * Gets
 */

static int with_dev(void *arg)
{
	return dev_add(ENV_SIM, NAME);
}

static int without_dev(void *arg)
{
	return vnl_dev_del_once(NAME);
}

static int get_mgmt(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_put_handle(&c->m, ENV_SIM);
	c->want_replies = 1;
	return request_prepared(c);
}

static int get_dev(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_GET, 0);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	c->want_replies = 1;
	return request_prepared(c);
}

static int get_config(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_CONFIG_GET, 0);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	c->want_replies = 1;
	return request_prepared(c);
}

static int get_stats(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_STATS_GET, 0);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	c->want_replies = 1;
	return request_prepared(c);
}

static int get_profile(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_PROFILE_GET, 0);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	c->want_replies = 1;
	return request_prepared(c);
}

static int check_profile(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_MGMTDEV_CHECK, 0);
	vnl_put_handle(&c->m, ENV_SIM);
	vnl_put_u32(&c->m, VDPA_ATTR_DEV_ID, ENV_CLASS_NET);
	vnl_put_u16(&c->m, VDPA_ATTR_DEV_NET_CFG_MTU, 67);
	c->want_replies = 1;
	return request_prepared(c);
}

static int get_vstats(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_VSTATS_GET, 0);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	vnl_put_u32(&c->m, VDPA_ATTR_DEV_QUEUE_INDEX, 0);
	c->want_replies = 1;
	return request_prepared(c);
}

/* Refusals must stay refusals */
static int get_nobody(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_GET, 0);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, "nobody");
	return request_prepared(c);
}

static int nobody_answer(void *arg, int result)
{
	result = request_answer(arg, result);
	if (!result)
		return EPROTO;
	return result == ENODEV ? 0 : result;
}

static int with_many(void *arg)
{
	char name[16];
	int i, err;

	err = env_mgmt_new(OTHER " bus");
	for (i = 0; !err && i < CHUNKY; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		err = dev_add(i % 2 ? OTHER_HANDLE : ENV_SIM, name);
	}
	return err;
}

static int without_many(void *arg)
{
	char name[16];
	int i, err = 0;

	for (i = 0; !err && i < CHUNKY; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		err = vnl_dev_del_once(name);
	}
	return err ?: env_mgmt_del(OTHER);
}

static int dump_run(void *arg)
{
	struct ctx *c = arg;
	int err;

	err = request_run(arg);
	return err ?: request_receive(c);
}

static int dump_answer(void *arg, int result)
{
	struct ctx *c = arg;

	if (!result && c->nr_replies != c->want_replies) {
		fprintf(stderr, "# %u replies, not %u\n", c->nr_replies,
			c->want_replies);
		result = EPROTO;
	}
	vnl_close(&c->req);
	return result;
}

static int dump_mgmts(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_MGMTDEV_GET, NLM_F_DUMP);
	c->want_replies = 2;
	return request_prepared(c);
}

static int dump_mgmts_of_bus(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_MGMTDEV_GET, NLM_F_DUMP);
	vnl_put_str(&c->m, VDPA_ATTR_MGMTDEV_BUS_NAME, ENV_TEST_BUS);
	c->want_replies = 1;
	return request_prepared(c);
}

static int dump_devs(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_GET, NLM_F_DUMP);
	c->want_replies = CHUNKY;
	return request_prepared(c);
}

static int dump_devs_of_one(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_GET, NLM_F_DUMP);
	vnl_put_handle(&c->m, OTHER_HANDLE);
	c->want_replies = CHUNKY / 2;
	return request_prepared(c);
}

static int dump_configs(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_CONFIG_GET, NLM_F_DUMP);
	c->want_replies = CHUNKY;
	return request_prepared(c);
}

/*
 * Devices changed
 */

#define MTU_AT_FIRST	1500
#define MTU_SET		9000

static void set_attr_begin(struct vnl_msg *m, const struct vnl *s, uint16_t mtu)
{
	static const unsigned char mac[] = { 2, 0, 0, 0, 0, 9 };

	vnl_msg_init(m, s, VDPA_CMD_DEV_ATTR_SET, 0);
	vnl_put_str(m, VDPA_ATTR_DEV_NAME, NAME);
	vnl_put_u16(m, VDPA_ATTR_DEV_NET_CFG_MTU, mtu);
	vnl_put_u16(m, VDPA_ATTR_DEV_NET_STATUS, 1);
	vnl_put(m, VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, sizeof(mac));
}

static int set_attr(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_ATTR_SET, 0);
	set_attr_begin(&c->m, &c->req, MTU_SET);
	c->m.nlh->nlmsg_seq = 1;
	return request_prepared(c);
}

static void mtu_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;
	uint16_t *mtu = arg;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == VDPA_ATTR_DEV_NET_CFG_MTU)
			*mtu = mnl_attr_get_u16(attr);
	}
}

static bool was_set(void *arg)
{
	static struct vnl_msg m;
	uint16_t mtu = 0;
	struct vnl s;

	vnl_open(&s);
	vnl_msg_init(&m, &s, VDPA_CMD_DEV_CONFIG_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, NAME);
	if (vnl_request(&s, &m, mtu_cb, &mtu))
		die("configuration");
	vnl_close(&s);
	return mtu == MTU_SET;
}

static int unset_attr(void *arg)
{
	static struct vnl_msg m;
	struct vnl s;
	int err;

	vnl_open(&s);
	set_attr_begin(&m, &s, MTU_AT_FIRST);
	err = vnl_request(&s, &m, NULL, NULL);
	vnl_close(&s);
	return err;
}

/*
 * Management devices moved
 */

static int home_fd = -1, netns_fd = -1;

static int with_netns(void *arg)
{
	home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home_fd < 0 || unshare(CLONE_NEWNET))
		return errno;
	netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return netns_fd < 0 || setns(home_fd, CLONE_NEWNET) ? errno : 0;
}

static int without_netns(void *arg)
{
	close(netns_fd);
	close(home_fd);
	return 0;
}

static void set_netns_begin(struct vnl_msg *m, struct vnl *s, int fd)
{
	vnl_msg_init(m, s, VDPA_CMD_MGMTDEV_SET, 0);
	vnl_put_handle(m, ENV_SIM);
	vnl_put_u32(m, VDPA_ATTR_NETNS_FD, fd);
}

static int set_netns(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_MGMTDEV_SET, 0);
	set_netns_begin(&c->m, &c->s, netns_fd);
	return request_prepared(c);
}

static void netnsid_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		if (mnl_attr_get_type(attr) == VDPA_ATTR_MGMTDEV_NETNSID)
			*(bool *)arg = true;
}

static bool was_moved(void *arg)
{
	static struct vnl_msg m;
	bool moved = false;
	struct vnl s;

	vnl_open(&s);
	vnl_msg_init(&m, &s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_put_handle(&m, ENV_SIM);
	if (vnl_request(&s, &m, netnsid_cb, &moved))
		die("management device");
	vnl_close(&s);
	return moved;
}

static int move_home(void *arg)
{
	static struct vnl_msg m;
	struct vnl s;
	int err;

	vnl_open(&s);
	set_netns_begin(&m, &s, home_fd);
	err = vnl_request(&s, &m, NULL, NULL);
	vnl_close(&s);
	return err;
}

/*
 * Devices made and deleted
 */

static int new_named(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&c->m, ENV_SIM);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	return request_prepared(c);
}

static int new_echo(void *arg)
{
	struct ctx *c = arg;

	new_named(c);
	c->m.nlh->nlmsg_flags |= NLM_F_ECHO;
	c->want_replies = 1;
	return 0;
}

static int new_auto(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_NEW, NLM_F_ECHO);
	vnl_put_handle(&c->m, ENV_SIM);
	c->want_replies = 1;
	return request_prepared(c);
}

static int new_full(void *arg)
{
	static const unsigned char mac[] = { 2, 0, 0, 0, 0, 1 };
	struct ctx *c = arg;

	new_echo(c);
	vnl_put_u32(&c->m, VDPA_ATTR_DEV_ID, ENV_CLASS_NET);
	vnl_put(&c->m, VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, sizeof(mac));
	vnl_put_u16(&c->m, VDPA_ATTR_DEV_NET_CFG_MTU, 9000);
	/* VERSION_1, ACCESS_PLATFORM, MAC, MTU */
	vnl_put_u64(&c->m, VDPA_ATTR_DEV_FEATURES,
		    1ULL << 32 | 1ULL << 33 | 1 << 5 | 1 << 3);
	vnl_put_u16(&c->m, VDPA_ATTR_DEV_NET_VLAN, 7);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_DRIVER, "none");
	return 0;
}

static int new_of_class(struct ctx *c, uint32_t class)
{
	request_begin(c, VDPA_CMD_DEV_NEW, NLM_F_ECHO);
	vnl_put_handle(&c->m, OTHER_HANDLE);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	vnl_put_u32(&c->m, VDPA_ATTR_DEV_ID, class);
	c->want_replies = 1;
	return request_prepared(c);
}

static int new_net(void *arg)
{
	return new_of_class(arg, ENV_CLASS_NET);
}

static int new_block(void *arg)
{
	return new_of_class(arg, ENV_CLASS_BLOCK);
}

static int with_classes(void *arg)
{
	return env_mgmt_new(OTHER " bus classes=net,block");
}

static int without_classes(void *arg)
{
	return env_mgmt_del(OTHER);
}

static bool made(void *arg)
{
	return dev_exists(NAME);
}

static bool made_auto(void *arg)
{
	return dev_exists("vdpa0");
}

static int unmake_auto(void *arg)
{
	return vnl_dev_del_once("vdpa0");
}

static int del_dev(void *arg)
{
	struct ctx *c = arg;

	if (!dev_exists(NAME) && with_dev(c))
		return EIO;
	request_begin(c, VDPA_CMD_DEV_DEL, 0);
	vnl_put_str(&c->m, VDPA_ATTR_DEV_NAME, NAME);
	return request_prepared(c);
}

static bool unmade(void *arg)
{
	return !dev_exists(NAME);
}

static int without_dev_if_any(void *arg)
{
	return dev_exists(NAME) ? without_dev(arg) : 0;
}

/* A bus driver that binds to it, or tries to, while it is made */
static int with_driver(void *arg)
{
	return env_driver(true);
}

static int without_driver(void *arg)
{
	return env_driver(false);
}

static int with_bound(void *arg)
{
	return env_driver(true) ?: with_dev(arg);
}

static int without_bound(void *arg)
{
	return without_dev_if_any(arg) ?: env_driver(false);
}

/*
 * Listeners
 */

static int join(void *arg)
{
	struct ctx *c = arg;

	request_begin(c, VDPA_CMD_DEV_GET, 0);
	return request_prepared(c);
}

static int join_run(void *arg)
{
	struct ctx *c = arg;

	if (setsockopt(c->req.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
		       &c->req.group, sizeof(c->req.group)))
		return errno;
	return 0;
}

/* Is it a listener now? It is if it hears something. */
static bool joined(void *arg)
{
	static struct vnl_event ev;
	struct ctx *c = arg;

	if (dev_add(ENV_SIM, "heard") || vnl_dev_del_once("heard"))
		die("device to hear of");
	return vnl_event_next(&c->req, &ev, 0) == 1;
}

static int leave(void *arg)
{
	struct ctx *c = arg;

	vnl_close(&c->req);
	return 0;
}

static int receive(void *arg)
{
	struct ctx *c = arg;
	int err;

	vnl_close(&c->req);
	vnl_monitor_open(&c->req);
	err = dev_add(ENV_SIM, NAME) ?: vnl_dev_del_once(NAME);
	return err ?: request_prepared(c);
}

static int receive_run(void *arg)
{
	struct ctx *c = arg;
	ssize_t n;

	n = recv(c->req.fd, c->req.buf, VNL_CHUNK_SMALL, MSG_DONTWAIT);
	return n < 0 ? errno : 0;
}

/* Two events: whichever was not received the first time comes now */
static int receive_answer(void *arg, int result)
{
	static struct vnl_event ev;
	struct ctx *c = arg;
	int nr = 0;

	while (vnl_event_next(&c->req, &ev, 0) == 1)
		nr++;
	vnl_close(&c->req);
	return nr < 1 ? EPROTO : result;
}

/*
 * Writes
 */

static int write_run(const char *path, const char *text)
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

static int prepare_nothing(void *arg)
{
	return request_prepared(arg);
}

static bool bound(void *arg)
{
	return env_exists(DRIVER_DIR NAME);
}

static bool unbound(void *arg)
{
	return !bound(arg);
}

static int bind_run(void *arg)
{
	return write_run(DRIVER_DIR "bind", NAME);
}

static int unbind_run(void *arg)
{
	return write_run(DRIVER_DIR "unbind", NAME);
}

static int bind_undo(void *arg)
{
	return env_unbind(NAME);
}

static int unbind_undo(void *arg)
{
	return env_bind(NAME);
}

static int with_unbound(void *arg)
{
	return with_bound(arg) ?: env_unbind(NAME);
}

/* The bus driver for this host; no virtio driver is loaded */
static int virtio_bind_run(void *arg)
{
	return write_run(VIRTIO_DIR "bind", NAME);
}

static int virtio_unbind_run(void *arg)
{
	return write_run(VIRTIO_DIR "unbind", NAME);
}

static bool virtio_bound(void *arg)
{
	return env_exists(VIRTIO_DIR NAME);
}

static bool virtio_unbound(void *arg)
{
	return !virtio_bound(arg);
}

static int with_virtio(void *arg)
{
	env_write(KUNIT_FILTER, "none");
	return env_modprobe(VIRTIO_MODULE, NULL);
}

static int with_virtio_bound(void *arg)
{
	return with_virtio(arg) ?: with_dev(arg);
}

static int with_virtio_unbound(void *arg)
{
	return with_virtio_bound(arg) ?: virtio_unbind_run(arg);
}

static int without_virtio(void *arg)
{
	int err = without_dev_if_any(arg) ?: env_rmmod(VIRTIO_MODULE, true);

	env_write(KUNIT_FILTER, "*.*");
	return err;
}

/* The uevents of a device that is unbound and bound again are optional */
static int driver_on_run(void *arg)
{
	return write_run(TEST_DIR "driver", "1");
}

static int driver_off_run(void *arg)
{
	return write_run(TEST_DIR "driver", "0");
}

/*
 * The driver core needs memory to unlink the driver from its module, and leaves
 * the link if there is none: that module has to go before the driver comes back
 */
static int driver_off_undo(void *arg)
{
	return env_rmmod(ENV_TEST_MODULE, true) ?:
	       env_modprobe(ENV_TEST_MODULE, NULL) ?: env_driver(true);
}

static bool driver_on(void *arg)
{
	return env_exists(DRIVER_DIR);
}

static bool driver_off(void *arg)
{
	return !driver_on(arg);
}

static int override_run(void *arg)
{
	return write_run(BUS_DIR "devices/" NAME "/driver_override",
			 ENV_DRIVER);
}

static bool overridden(void *arg)
{
	char text[64];

	return !env_read(BUS_DIR "devices/" NAME "/driver_override", text,
			 sizeof(text)) && !strcmp(text, ENV_DRIVER);
}

static int override_undo(void *arg)
{
	return env_write(BUS_DIR "devices/" NAME "/driver_override", "\n");
}

static int override_clear_run(void *arg)
{
	return write_run(BUS_DIR "devices/" NAME "/driver_override", "\n");
}

static bool not_overridden(void *arg)
{
	return !overridden(arg);
}

static int override_set(void *arg)
{
	return override_run(arg);
}

static int with_override(void *arg)
{
	return with_dev(arg) ?: override_run(arg);
}

static bool mgmt_exists(void *arg)
{
	struct vnl_mgmt mgmt;
	struct vnl s;
	int err;

	vnl_open(&s);
	err = vnl_mgmt_get(&s, OTHER_HANDLE, &mgmt);
	vnl_close(&s);
	return !err;
}

static bool no_mgmt(void *arg)
{
	return !mgmt_exists(arg);
}

static int mgmt_new_run(void *arg)
{
	return write_run(TEST_DIR "new_mgmtdev", OTHER " bus classes=net,block");
}

static int mgmt_del_run(void *arg)
{
	return write_run(TEST_DIR "del_mgmtdev", OTHER);
}

/* With a device in it that is deleted, too */
static int mgmt_full_prepare(void *arg)
{
	if (!mgmt_exists(arg) && with_classes(arg))
		return EIO;
	if (!dev_exists(NAME) && dev_add(OTHER_HANDLE, NAME))
		return EIO;
	return request_prepared(arg);
}

static int mgmt_full_undo(void *arg)
{
	return with_classes(arg) ?: dev_add(OTHER_HANDLE, NAME);
}

static bool orphan_exists(void *arg)
{
	return env_exists(BUS_DIR "devices/" NAME);
}

static bool no_orphan(void *arg)
{
	return !orphan_exists(arg);
}

static int orphan_new(void *arg)
{
	return env_orphan_new(NAME);
}

static int orphan_del(void *arg)
{
	return env_orphan_del(NAME);
}

static int orphan_new_run(void *arg)
{
	return write_run(TEST_DIR "new_device", NAME);
}

static int orphan_del_run(void *arg)
{
	return write_run(TEST_DIR "del_device", NAME);
}

/*
 * Modules
 */

static void module_find(const char *module, char *path)
{
	char command[PATH_LEN];
	FILE *f;

	env_module_file(module, path, PATH_LEN);
	if (env_exists(path))
		return;
	*path = '\0';
	snprintf(command, sizeof(command),
		 "modprobe -D --ignore-loaded 2>/dev/null %s || modprobe -D %s",
		 module, module);
	f = popen(command, "r");
	if (!f)
		die("modprobe -D");
	/* the last line is the module itself */
	while (fgets(command, sizeof(command), f))
		sscanf(command, "insmod %511s", path);
	pclose(f);
}

/* It is asked for again and again, and to find it takes processes */
static const char *module_path(const char *module)
{
	static char last[64], path[PATH_LEN];

	if (strcmp(last, module)) {
		snprintf(last, sizeof(last), "%s", module);
		module_find(module, path);
	}
	return path;
}

static int module_load(const char *module, const char *params)
{
	int fd, err = 0;

	fd = open(module_path(module), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		err = errno;
	close(fd);
	return err;
}

/* In the order in which they can be unloaded */
static const char * const modules[] = {
	ENV_SIM_MODULE, ENV_TEST_MODULE, "vdpa_sim", "vdpa",
};

static int modules_unload(void *arg)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		err = env_rmmod(modules[i], true);
		if (err && err != ENOENT)
			return err;
	}
	return 0;
}

/* Everything that @module needs, without it */
static int modules_below(const char *module)
{
	int err;

	err = modules_unload(NULL);
	if (err)
		return err;
	/* The suites that the modules bring are run when they are loaded */
	env_write(KUNIT_FILTER, "none");
	if (!strcmp(module, "vdpa"))
		return 0;
	err = module_load("vdpa", "");
	if (err || !strcmp(module, "vdpa_sim"))
		return err;
	return module_load("vdpa_sim", "");
}

static int modules_all(void *arg)
{
	int err;

	err = modules_unload(NULL);
	env_write(KUNIT_FILTER, "*.*");
	return err ?: env_modprobe(ENV_SIM_MODULE, NULL) ?:
	       env_modprobe(ENV_TEST_MODULE, NULL);
}

/* Of the loader's own calls, which come first, none is made to fail */
static int load_arm(void *arg, unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return env_write(NTH_DIR "arm", text);
}

#define MODULE_FNS(_fn, _module, _params) \
static int _fn##_begin(void *arg) \
{ \
	return modules_below(_module); \
} \
static int _fn##_begin_loaded(void *arg) \
{ \
	return modules_below(_module) ?: module_load(_module, _params); \
} \
static int _fn##_prepare(void *arg) \
{ \
	struct ctx *c = arg; \
	c->fd = open(module_path(_module), O_RDONLY | O_CLOEXEC); \
	return c->fd < 0 ? errno : request_prepared(c); \
} \
static int _fn##_load(void *arg) \
{ \
	struct ctx *c = arg; \
	return syscall(SYS_finit_module, c->fd, _params, 0) ? errno : 0; \
} \
static int _fn##_answer(void *arg, int result) \
{ \
	struct ctx *c = arg; \
	close(c->fd); \
	return result; \
} \
static bool _fn##_loaded(void *arg) \
{ \
	return env_loaded(_module); \
} \
static bool _fn##_unloaded(void *arg) \
{ \
	return !env_exists("/sys/module/" _module); \
} \
static int _fn##_unload(void *arg) \
{ \
	return syscall(SYS_delete_module, _module, O_NONBLOCK) ? errno : 0; \
} \
static int _fn##_reload(void *arg) \
{ \
	return module_load(_module, _params); \
}

MODULE_FNS(core, "vdpa", "")
MODULE_FNS(sim, "vdpa_sim", "")
MODULE_FNS(net, "vdpa_sim_net", "")
MODULE_FNS(default, "vdpa_sim_net", "default_device=1 macaddr=02:00:00:00:00:02")
MODULE_FNS(test, "vdpa_test", "")

/*
 * The table: a line each
 */

FIXTURE(fail_nth) {
	struct ctx *c;
};

FIXTURE_VARIANT(fail_nth) {
	struct fail_nth_op op;
};

#define OP(_name, ...) \
FIXTURE_VARIANT_ADD(fail_nth, _name) { .op = { .name = #_name, __VA_ARGS__ } }

#define REQUEST(_prepare) \
	.prepare = (_prepare), .run = request_run, .answer = request_answer
#define DUMP(_prepare) \
	.prepare = (_prepare), .run = dump_run, .answer = dump_answer
#define WRITE(_run, _done, _undo) \
	.prepare = prepare_nothing, .run = (_run), .done = (_done), \
	.undo = (_undo)
#define LOAD(_fn) \
	.begin = _fn##_begin, .prepare = _fn##_prepare, .run = _fn##_load, \
	.answer = _fn##_answer, .done = _fn##_loaded, .undo = _fn##_unload, \
	.end = modules_all, .arm = load_arm
#define UNLOAD(_fn) \
	.begin = _fn##_begin_loaded, .prepare = prepare_nothing, \
	.run = _fn##_unload, .done = _fn##_unloaded, .undo = _fn##_reload, \
	.end = modules_all

OP(mgmtdev_get, REQUEST(get_mgmt));
OP(mgmtdev_get_dump, DUMP(dump_mgmts), .begin = with_many, .end = without_many);
OP(mgmtdev_get_dump_bus, DUMP(dump_mgmts_of_bus),
   .begin = with_many, .end = without_many);
OP(dev_get, REQUEST(get_dev), .begin = with_dev, .end = without_dev);
OP(dev_config_get, REQUEST(get_config), .begin = with_dev, .end = without_dev);
OP(dev_config_get_dump, DUMP(dump_configs),
   .begin = with_many, .end = without_many);
OP(dev_stats_get, REQUEST(get_stats), .begin = with_dev, .end = without_dev);
OP(dev_profile_get, REQUEST(get_profile),
   .begin = with_dev, .end = without_dev);
OP(mgmtdev_check, REQUEST(check_profile));
OP(dev_vstats_get, REQUEST(get_vstats), .begin = with_dev, .end = without_dev);
OP(dev_attr_set, REQUEST(set_attr), .done = was_set, .undo = unset_attr,
   .begin = with_dev, .end = without_dev);
OP(mgmtdev_set, REQUEST(set_netns), .done = was_moved, .undo = move_home,
   .begin = with_netns, .end = without_netns);
OP(dev_get_nobody, .prepare = get_nobody, .run = request_run,
   .answer = nobody_answer);
OP(dev_get_dump, DUMP(dump_devs), .begin = with_many, .end = without_many);
OP(dev_get_dump_filtered, DUMP(dump_devs_of_one),
   .begin = with_many, .end = without_many);
OP(dev_new_named, REQUEST(new_named), .done = made, .undo = without_dev);
OP(dev_new_echo, REQUEST(new_echo), .done = made, .undo = without_dev);
OP(dev_new_auto, REQUEST(new_auto), .done = made_auto, .undo = unmake_auto);
OP(dev_new_attributes, REQUEST(new_full), .done = made, .undo = without_dev);
OP(dev_new_net_of_two, REQUEST(new_net), .done = made, .undo = without_dev,
   .begin = with_classes, .end = without_classes);
OP(dev_new_block_of_two, REQUEST(new_block), .done = made, .undo = without_dev,
   .begin = with_classes, .end = without_classes);
OP(dev_new_bound, REQUEST(new_echo), .done = made, .undo = without_dev,
   .begin = with_driver, .end = without_driver);
OP(dev_del, REQUEST(del_dev), .done = unmade, .undo = with_dev,
   .end = without_dev_if_any);
OP(dev_del_bound, REQUEST(del_dev), .done = unmade, .undo = with_dev,
   .begin = with_driver, .end = without_bound);
OP(monitor_join, .prepare = join, .run = join_run, .done = joined,
   .undo = leave, .end = leave);
OP(monitor_receive, .prepare = receive, .run = receive_run,
   .answer = receive_answer);
OP(bind, WRITE(bind_run, bound, bind_undo),
   .begin = with_unbound, .end = without_bound);
OP(unbind, WRITE(unbind_run, unbound, unbind_undo),
   .begin = with_bound, .end = without_bound);
OP(bind_virtio, WRITE(virtio_bind_run, virtio_bound, virtio_unbind_run),
   .begin = with_virtio_unbound, .end = without_virtio);
OP(unbind_virtio, WRITE(virtio_unbind_run, virtio_unbound, virtio_bind_run),
   .begin = with_virtio_bound, .end = without_virtio);
OP(dev_new_virtio, REQUEST(new_echo), .done = made, .undo = without_dev,
   .begin = with_virtio, .end = without_virtio);
OP(driver_register, WRITE(driver_on_run, driver_on, without_driver),
   .begin = with_dev, .end = without_dev);
OP(driver_unregister, WRITE(driver_off_run, driver_off, driver_off_undo),
   .begin = with_bound, .end = without_bound);
OP(driver_override, WRITE(override_run, overridden, override_undo),
   .begin = with_dev, .end = without_dev);
OP(driver_override_clear, WRITE(override_clear_run, not_overridden,
				override_set),
   .begin = with_override, .end = without_dev);
OP(mgmtdev_register, WRITE(mgmt_new_run, mgmt_exists, without_classes));
OP(mgmtdev_unregister, .prepare = mgmt_full_prepare, .run = mgmt_del_run,
   .done = no_mgmt, .undo = mgmt_full_undo, .end = without_classes);
OP(orphan_register, WRITE(orphan_new_run, orphan_exists, orphan_del));
OP(orphan_unregister, WRITE(orphan_del_run, no_orphan, orphan_new),
   .begin = orphan_new, .end = orphan_del);
OP(load_vdpa, LOAD(core));
OP(load_vdpa_sim, LOAD(sim));
OP(load_vdpa_sim_net, LOAD(net));
OP(load_vdpa_sim_net_default, LOAD(default));
OP(load_vdpa_test, LOAD(test));
OP(unload_vdpa, UNLOAD(core));
OP(unload_vdpa_sim, UNLOAD(sim));
OP(unload_vdpa_sim_net, UNLOAD(net));
OP(unload_vdpa_sim_net_default, UNLOAD(default));
OP(unload_vdpa_test, UNLOAD(test));

FIXTURE_SETUP(fail_nth)
{
	self->c = calloc(1, sizeof(*self->c));
	ASSERT_NE(NULL, self->c);
	self->c->req.fd = -1;
	self->c->mon.fd = -1;
	ASSERT_EQ(0, modules_all(NULL));
	vnl_open(&self->c->s);
	env_reset(&self->c->s);
	vnl_close(&self->c->s);
}

FIXTURE_TEARDOWN(fail_nth)
{
	EXPECT_EQ(0, env_modprobe(ENV_SIM_MODULE, NULL));
	EXPECT_EQ(0, env_modprobe(ENV_TEST_MODULE, NULL));
	env_rmmod(NTH_MODULE, true);
	vnl_open(&self->c->s);
	env_reset(&self->c->s);
	vnl_close(&self->c->s);
	free(self->c);
}

TEST_F_TIMEOUT(fail_nth, refused_or_done, 60)
{
	if (variant->op.arm && env_modprobe(NTH_MODULE, NULL))
		SKIP(return, "kernel without kretprobes: no " NTH_MODULE);
	EXPECT_TRUE(fail_nth_sweep(&variant->op, &world, self->c));
}

int main(int argc, char **argv)
{
	static char reason[128];
	const char *lacking = fail_nth_lacking();

	if (lacking)
		snprintf(reason, sizeof(reason),
			 "kernel without fault injection: no %s", lacking);
	return vdpa_harness_main(argc, argv, lacking ? reason : NULL);
}
