// SPDX-License-Identifier: GPL-2.0
/*
 * vduse_daemon serve NAME [WORD [NUMBER]]... - makes a VDUSE device, prints the
 * process that goes on as it, in the background until a signal ends it, and ends
 *
 *	block		a disk; a network device without it
 *	features N	bits it offers besides those without which it cannot be
 *	queues N	how many; 2 without it
 *	queue-size N	largest size of each; 64 without it
 *	align N		of the rings, in bytes; 4096 without it
 *	config N	length of the configuration space; 10 without it
 *	fill N		each byte of that; 0xaa without it
 *	refuse		answers that each request failed
 *	silent		answers none
 *	noisy		interrupts for each queue and for the configuration space
 *			all the time, whether somebody is there or not
 *
 * After SIGUSR1 it answers no more. Nothing ever comes out of its queues. Exits
 * with 4 if VDUSE takes no such device, with 1 if anything else goes wrong.
 *
 * vduse_daemon destroy NAME - the device goes, which somebody made
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vduse.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define EXIT_REFUSED	4

struct options {
	unsigned long long block;
	unsigned long long features;
	unsigned long long queues;
	unsigned long long queue_size;
	unsigned long long align;
	unsigned long long config;
	unsigned long long fill;
	unsigned long long refuse;
	unsigned long long silent;
	unsigned long long noisy;
};

static volatile sig_atomic_t mute;

#define OPTION(word, member, has_number) \
	{ word, offsetof(struct options, member), has_number }

static const struct {
	const char *word;
	size_t offset;
	bool has_number;
} words[] = {
	OPTION("block", block, false),
	OPTION("features", features, true),
	OPTION("queues", queues, true),
	OPTION("queue-size", queue_size, true),
	OPTION("align", align, true),
	OPTION("config", config, true),
	OPTION("fill", fill, true),
	OPTION("refuse", refuse, false),
	OPTION("silent", silent, false),
	OPTION("noisy", noisy, false),
};

static unsigned long long number(const char *text)
{
	unsigned long long value;
	char *end;

	if (!text)
		errx(1, "a number is missing");
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		errx(1, "%s is no number", text);
	return value;
}

/* How many of the arguments it is */
static int parse_one(struct options *o, char **argv)
{
	unsigned long long *value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(argv[0], words[i].word))
			continue;
		value = (void *)((char *)o + words[i].offset);
		*value = words[i].has_number ? number(argv[1]) : 1;
		return words[i].has_number ? 2 : 1;
	}
	errx(1, "%s is nothing that a device may be told", argv[0]);
}

static int open_control(void)
{
	__u64 version = VDUSE_API_VERSION;
	int fd = open("/dev/vduse/control", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/vduse/control");
	if (ioctl(fd, VDUSE_SET_API_VERSION, &version))
		err(1, "VDUSE_SET_API_VERSION");
	return fd;
}

static void create(const char *name, const struct options *o)
{
	struct vduse_dev_config *config;
	int fd = open_control();

	config = calloc(1, sizeof(*config) + o->config);
	if (!config)
		err(1, "configuration space");
	snprintf(config->name, sizeof(config->name), "%s", name);
	config->device_id = o->block ? VIRTIO_ID_BLOCK : VIRTIO_ID_NET;
	config->features = 1ULL << VIRTIO_F_VERSION_1 |
			   1ULL << VIRTIO_F_ACCESS_PLATFORM | o->features;
	config->vq_num = o->queues;
	config->vq_align = o->align;
	config->config_size = o->config;
	memset(config->config, o->fill, o->config);
	if (ioctl(fd, VDUSE_CREATE_DEV, config))
		err(EXIT_REFUSED, "VDUSE_CREATE_DEV");
	free(config);
	close(fd);
}

static int destroy(const char *name)
{
	char buf[VDUSE_NAME_MAX] = "";
	int fd = open_control(), failed;

	snprintf(buf, sizeof(buf), "%s", name);
	failed = ioctl(fd, VDUSE_DESTROY_DEV, buf);
	if (failed)
		warn("VDUSE_DESTROY_DEV");
	close(fd);
	return failed ? 1 : 0;
}

static int open_device(const char *name)
{
	char path[VDUSE_NAME_MAX + sizeof("/dev/vduse/")];
	int fd;

	snprintf(path, sizeof(path), "/dev/vduse/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void set_up_queues(const char *name, int fd, const struct options *o)
{
	struct vduse_vq_config config = { .max_size = o->queue_size };

	for (; config.index < o->queues; config.index++) {
		if (!ioctl(fd, VDUSE_VQ_SETUP, &config))
			continue;
		warn("VDUSE_VQ_SETUP");
		close(fd);
		destroy(name);
		exit(EXIT_REFUSED);
	}
}

/* Of a queue that is not ready VDUSE takes none, which is its business. */
static void interrupt(int fd, const struct options *o)
{
	__u32 index;

	for (index = 0; index < o->queues; index++)
		ioctl(fd, VDUSE_VQ_INJECT_IRQ, &index);
	ioctl(fd, VDUSE_DEV_INJECT_CONFIG_IRQ);
}

static void answer(int fd, const struct options *o)
{
	struct vduse_dev_response response = {};
	struct vduse_dev_request request;

	if (read(fd, &request, sizeof(request)) != sizeof(request))
		err(1, "read");
	response.request_id = request.request_id;
	response.result = o->refuse ? VDUSE_REQ_RESULT_FAILED :
				      VDUSE_REQ_RESULT_OK;
	/* The kernel may have given up on it. */
	if (write(fd, &response, sizeof(response)) != sizeof(response) &&
	    errno != ENOENT)
		err(1, "write");
}

static void fall_silent(int signal)
{
	(void)signal;
	mute = 1;
}

static void serve(int fd, const struct options *o)
{
	struct pollfd request = { .fd = fd, .events = POLLIN };

	if (o->silent)
		mute = 1;
	for (;;) {
		if (mute && !o->noisy)
			pause();
		if (poll(&request, 1, o->noisy ? 0 : -1) > 0 && !mute)
			answer(fd, o);
		if (o->noisy)
			interrupt(fd, o);
	}
}

/* Whoever waits for the output of the command waits for no more than that. */
static void go_on_alone(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid) {
		printf("%d\n", pid);
		exit(0);
	}
	if (!freopen("/dev/null", "w", stdout))
		err(1, "/dev/null");
}

int main(int argc, char **argv)
{
	struct options o = {
		.queues = 2, .queue_size = 64, .align = 4096, .config = 10,
		.fill = 0xaa,
	};
	int i, fd;

	if (argc == 3 && !strcmp(argv[1], "destroy"))
		return destroy(argv[2]);
	if (argc < 3 || strcmp(argv[1], "serve"))
		errx(1, "usage: vduse_daemon serve NAME [WORD [NUMBER]]... | destroy NAME");
	for (i = 3; i < argc;)
		i += parse_one(&o, argv + i);

	create(argv[2], &o);
	fd = open_device(argv[2]);
	set_up_queues(argv[2], fd, &o);
	signal(SIGUSR1, fall_silent);
	go_on_alone();
	serve(fd, &o);
}
