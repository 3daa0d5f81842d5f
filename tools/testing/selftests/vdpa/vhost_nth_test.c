// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/vhost-vdpa-N with each allocation and each copy in an operation made to
 * fail in turn: it is done or refused, never half, and what the device was told
 * and what is pinned stay as they were; see fail_nth.h
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdpa_harness.h"
#include "fail_nth.h"
#include "vhost_env.h"

#define NAME	"vn0"
#define IOVA	0x100000ULL
#define PAGES	40
#define STATE	"/sys/kernel/debug/vdpa_test_parent/" NAME "/state"
#define DRIVER	"/sys/bus/vdpa/drivers/vhost_vdpa/"
#define TEXT	(64 << 10)

#define PAGE	((size_t)sysconf(_SC_PAGESIZE))
#define SIZE	(PAGES * PAGE)

struct ctx {
	const char *words;
	int fd;			/* the device, -1: not open */
	int node;		/* what an open() that is swept returned */
	int eventfd;
	char path[VH_PATH_LEN];
	char *mem;		/* pages of which no two lie together */
	struct vhost_msg_v2 msg;
	struct vhost_vdpa_config *config;
};

/*
 * The picture: what the device was told, what is pinned, what is in sysfs
 */

static void picture_state(FILE *out)
{
	char line[512];
	FILE *f;

	f = fopen(STATE, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (!strstr(line, ".calls "))
			fputs(line, out);
	fclose(f);
}

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

static void picture_dir(FILE *out, const char *dir)
{
	struct dirent **e;
	int i, nr;

	nr = scandir(dir, &e, not_dots, alphasort);
	for (i = 0; i < nr; i++) {
		fprintf(out, "%s/%s\n", dir, e[i]->d_name);
		free(e[i]);
	}
	if (nr >= 0)
		free(e);
}

static char *picture(void *arg)
{
	char *text = calloc(1, TEXT);
	FILE *out = fmemopen(text, TEXT, "w");

	if (!out)
		_exit(1);
	picture_state(out);
	picture_dir(out, "/sys/bus/vdpa/devices/" NAME);
	picture_dir(out, DRIVER);
	fprintf(out, "pinned %ld\nusers %d\n", vh_pinned(),
		env_refcnt(VH_DRIVER_MODULE));
	fclose(out);
	return text;
}

static bool watch(void *arg)
{
	return true;
}

static const struct fail_nth_world world = {
	.picture = picture,
	.watch = watch,
};

/*
 * Openers
 */

static int begin(void *arg)
{
	struct ctx *c = arg;
	uint64_t features;
	int err;

	err = vh_new(NAME, c->words) ?: vh_node(NAME, c->path, sizeof(c->path));
	if (err)
		return err;
	c->fd = vh_open(NAME);
	if (c->fd < 0)
		return -c->fd;
	return vh_ioctl(c->fd, VHOST_SET_OWNER, NULL) ?:
	       vh_ioctl(c->fd, VHOST_GET_BACKEND_FEATURES, &features) ?:
	       vh_backend(c->fd, features);
}

static int begin_closed(void *arg)
{
	struct ctx *c = arg;
	int err = begin(arg);

	if (!err)
		close(c->fd);
	c->fd = -1;
	return err;
}

static int end(void *arg)
{
	struct ctx *c = arg;

	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	return vh_del(NAME);
}

static int open_run(void *arg)
{
	struct ctx *c = arg;

	c->node = open(c->path, O_RDWR | O_CLOEXEC);
	return c->node < 0 ? errno : 0;
}

static bool opened(void *arg)
{
	return ((struct ctx *)arg)->node >= 0;
}

static int open_undo(void *arg)
{
	close(((struct ctx *)arg)->node);
	return 0;
}

/*
 * Messages: one write()
 */

static void message(struct ctx *c, uint8_t type)
{
	c->msg = (struct vhost_msg_v2) {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = {
			.iova = IOVA,
			.size = SIZE,
			.uaddr = (uintptr_t)c->mem,
			.perm = VHOST_ACCESS_RW,
			.type = type,
		},
	};
}

static int message_run(void *arg)
{
	struct ctx *c = arg;
	ssize_t n = write(c->fd, &c->msg, sizeof(c->msg));

	if (n < 0)
		return errno;
	return n == sizeof(c->msg) ? 0 : EIO;
}

static bool mapped(void *arg)
{
	return vh_state_nr(NAME, "as0.pieces") > 0;
}

static bool not_mapped(void *arg)
{
	return !mapped(arg);
}

static int unmap(void *arg)
{
	struct ctx *c = arg;

	return vh_unmap(c->fd, IOVA, SIZE);
}

static int map(void *arg)
{
	struct ctx *c = arg;

	return vh_unmap(c->fd, IOVA, SIZE) ?: vh_map(c->fd, IOVA, SIZE, c->mem);
}

static int map_prepare(void *arg)
{
	message(arg, VHOST_IOTLB_UPDATE);
	return 0;
}

/* Refused, the device has it still, and the table may have or not */
static int unmap_prepare(void *arg)
{
	int err = map(arg);

	message(arg, VHOST_IOTLB_INVALIDATE);
	return err;
}

static int batch_prepare(void *arg)
{
	struct ctx *c = arg;
	int err = map(arg);

	err = err ?: vh_message(c->fd, 0, VHOST_IOTLB_BATCH_BEGIN, 0, 0, NULL,
				0) ?: vh_unmap(c->fd, IOVA, SIZE);
	message(arg, VHOST_IOTLB_BATCH_END);
	return err;
}

/*
 * Ioctls: those that only tell, and those that set
 */

static int status_run(void *arg)
{
	struct ctx *c = arg;
	uint8_t status;

	return vh_ioctl(c->fd, VHOST_VDPA_GET_STATUS, &status);
}

static int base_run(void *arg)
{
	struct vhost_vring_state state = { .index = 1 };
	struct ctx *c = arg;

	return vh_ioctl(c->fd, VHOST_GET_VRING_BASE, &state);
}

static int config_run(void *arg)
{
	struct ctx *c = arg;

	c->config->off = 0;
	c->config->len = VH_CONFIG_SIZE;
	return vh_ioctl(c->fd, VHOST_VDPA_GET_CONFIG, c->config);
}

static int config_write_run(void *arg)
{
	struct ctx *c = arg;

	c->config->off = 1;
	c->config->len = 1;
	return vh_ioctl(c->fd, VHOST_VDPA_SET_CONFIG, c->config);
}

static int addr_run(void *arg)
{
	struct vhost_vring_addr addr = { .index = 1, .desc_user_addr = 4096 };
	struct ctx *c = arg;

	return vh_ioctl(c->fd, VHOST_SET_VRING_ADDR, &addr);
}

static bool addr_done(void *arg)
{
	char text[256];

	return !vh_state(NAME, "vq1", text, sizeof(text)) &&
	       !strncmp(text, "desc 1000 ", 10);
}

static int addr_undo(void *arg)
{
	struct vhost_vring_addr addr = { .index = 1 };
	struct ctx *c = arg;

	return vh_ioctl(c->fd, VHOST_SET_VRING_ADDR, &addr);
}

static int call_run(void *arg)
{
	struct ctx *c = arg;

	return vh_eventfd(c->fd, VHOST_SET_VRING_CALL, 1, c->eventfd);
}

static bool call_done(void *arg)
{
	return vh_state_nr(NAME, "vq1.cb") == 1;
}

static int call_undo(void *arg)
{
	struct ctx *c = arg;

	return vh_eventfd(c->fd, VHOST_SET_VRING_CALL, 1, VHOST_FILE_UNBIND);
}

static int config_call_run(void *arg)
{
	struct ctx *c = arg;

	return vh_ioctl(c->fd, VHOST_VDPA_SET_CONFIG_CALL, &c->eventfd);
}

static bool config_call_done(void *arg)
{
	return vh_state_nr(NAME, "config.cb") == 1;
}

static int config_call_undo(void *arg)
{
	int fd = VHOST_FILE_UNBIND;
	struct ctx *c = arg;

	return vh_ioctl(c->fd, VHOST_VDPA_SET_CONFIG_CALL, &fd);
}

static int kick_run(void *arg)
{
	struct ctx *c = arg;

	return vh_eventfd(c->fd, VHOST_SET_VRING_KICK, 1, c->eventfd);
}

static int kick_undo(void *arg)
{
	struct ctx *c = arg;

	return vh_eventfd(c->fd, VHOST_SET_VRING_KICK, 1, VHOST_FILE_UNBIND);
}

/* With all that a device forgets */
static int reset_prepare(void *arg)
{
	struct ctx *c = arg;
	int err = vh_unmap(c->fd, 0, SIZE_MAX);

	return err ?: vh_map(c->fd, IOVA, SIZE, c->mem);
}

static int reset_run(void *arg)
{
	struct ctx *c = arg;

	return vh_status(c->fd, 0);
}

/*
 * The bus driver
 */

static int write_run(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, NAME, strlen(NAME)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int bind_run(void *arg)
{
	return write_run(DRIVER "bind");
}

static int unbind_run(void *arg)
{
	return write_run(DRIVER "unbind");
}

static bool bound(void *arg)
{
	return env_exists(DRIVER NAME);
}

static bool unbound(void *arg)
{
	return !bound(arg);
}

static int bind_undo(void *arg)
{
	return env_write(DRIVER "unbind", NAME);
}

static int unbind_undo(void *arg)
{
	return env_write(DRIVER "bind", NAME);
}

static int begin_unbound(void *arg)
{
	return begin_closed(arg) ?: env_write(DRIVER "unbind", NAME);
}

/*
 * The table: a line each
 */

FIXTURE(vhost_nth) {
	struct ctx c;
};

FIXTURE_VARIANT(vhost_nth) {
	const char *words;
	struct fail_nth_op op;
};

#define OP(_name, _words, ...) \
FIXTURE_VARIANT_ADD(vhost_nth, _name) { \
	.words = (_words), \
	.op = { .name = #_name, .end = end, __VA_ARGS__ }, \
}

#define OPEN	.begin = begin_closed, .run = open_run, .done = opened, \
		.undo = open_undo
#define MAP	.begin = begin, .prepare = map_prepare, .run = message_run, \
		.done = mapped, .undo = unmap
#define UNMAP	.begin = begin, .prepare = unmap_prepare, .run = message_run, \
		.done = not_mapped, .undo = map
#define BATCH	.begin = begin, .prepare = batch_prepare, .run = message_run, \
		.done = not_mapped, .undo = map
#define GET(_run)	.begin = begin, .run = (_run)
#define SET(_run, _done, _undo) \
	.begin = begin, .run = (_run), .done = (_done), .undo = (_undo)

OP(open_table, "set_map reset_map groups", OPEN);
OP(open_pieces, "dma_map reset_map groups", OPEN);
OP(map_table, "set_map", MAP);
OP(map_pieces, "dma_map", MAP);
OP(map_files, "set_map va", MAP);
OP(map_files_by_piece, "dma_map va", MAP);
OP(map_bound, "set_map va bind_mm", MAP);
OP(unmap_table, "set_map", UNMAP);
OP(unmap_pieces, "dma_map", UNMAP);
OP(unmap_files, "set_map va", UNMAP);
OP(batch_end_table, "set_map", BATCH);
OP(get_status, "set_map", GET(status_run));
OP(get_vring_base, "set_map", GET(base_run));
OP(get_config, "set_map", GET(config_run));
OP(set_config, "set_map", GET(config_write_run));
OP(set_vring_addr, "set_map", SET(addr_run, addr_done, addr_undo));
OP(set_vring_call, "set_map irqs", SET(call_run, call_done, call_undo));
OP(set_config_call, "set_map",
   SET(config_call_run, config_call_done, config_call_undo));
OP(set_vring_kick, "set_map", SET(kick_run, NULL, kick_undo));
OP(reset, "set_map forgets", .begin = begin, .prepare = reset_prepare,
   .run = reset_run, .done = not_mapped, .undo = map);
OP(bind, "set_map", .begin = begin_unbound, .run = bind_run, .done = bound,
   .undo = bind_undo);
OP(unbind, "set_map", .begin = begin_closed, .run = unbind_run,
   .done = unbound, .undo = unbind_undo);

FIXTURE_SETUP(vhost_nth)
{
	struct ctx *c = &self->c;
	size_t i;
	int fd;

	vh_begin();
	c->words = variant->words;
	c->fd = -1;
	c->eventfd = eventfd(0, EFD_CLOEXEC);
	c->config = calloc(1, sizeof(*c->config) + VH_CONFIG_SIZE);
	fd = memfd_create("vhost_nth_test", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(fd, SIZE));
	/* there in the order of the file, mapped in another */
	ASSERT_EQ(0, fallocate(fd, 0, 0, SIZE));
	c->mem = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, c->mem);
	for (i = 0; i < PAGES; i++) {
		ASSERT_NE(MAP_FAILED,
			  mmap(c->mem + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, fd,
			       (i % 2 ? PAGES - i : i) * PAGE));
	}
	close(fd);
}

FIXTURE_TEARDOWN(vhost_nth)
{
	struct ctx *c = &self->c;

	munmap(c->mem, SIZE);
	close(c->eventfd);
	free(c->config);
	EXPECT_EQ(0, vh_pinned());
	EXPECT_TRUE(vh_end());
}

TEST_F_TIMEOUT(vhost_nth, refused_or_done, 60)
{
	EXPECT_TRUE(fail_nth_sweep(&variant->op, &world, &self->c));
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
