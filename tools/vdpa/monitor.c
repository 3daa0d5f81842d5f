// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa monitor: events as they come, one line or one JSON object each
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "vdpa.h"

#define SHOW_MGMTDEV	0x1
#define SHOW_DEV	0x2

/* When told to stop: at most this many datagrams that are already there */
#define DRAIN_MAX	65536

struct event {
	uint8_t cmd;		/* 0 ends the table */
	uint8_t object;
	const char *name;
	const struct field *fields;
	unsigned int view;	/* 0: the object's name says it all */
};

static const struct event events[] = {
	{ VDPA_CMD_MGMTDEV_NEW, SHOW_MGMTDEV, "new", mgmtdev_fields, VIEW_NORMAL },
	{ VDPA_CMD_MGMTDEV_CHANGE, SHOW_MGMTDEV, "change", mgmtdev_fields, VIEW_CHANGE },
	{ VDPA_CMD_MGMTDEV_DEL, SHOW_MGMTDEV, "del", mgmtdev_fields, 0 },
	{ VDPA_CMD_DEV_NEW, SHOW_DEV, "new", dev_fields, VIEW_NORMAL },
	{ VDPA_CMD_DEV_CHANGE, SHOW_DEV, "change", dev_fields, VIEW_CHANGE },
	{ VDPA_CMD_DEV_DEL, SHOW_DEV, "del", dev_fields, 0 },
	{ 0 }
};

/* Local time with its offset, as in 2024-11-21T04:05:06.789012+01:00 */
static const char *timestamp(char buf[static 40])
{
	struct timespec now;
	struct tm tm;
	char zone[8];
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	len = strftime(buf, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(buf + len, 40 - len, ".%06ld%.3s:%s", now.tv_nsec / 1000, zone,
		 zone + 3);
	return buf;
}

static void event_heading(struct out *out, const char *time, const char *object,
			  const char *event, const char *name)
{
	char *text;

	if (asprintf(&text, "%s%s%s%s %s %s", time ? "[" : "", time ? time : "",
		     time ? "] " : "", object, event, name) < 0) {
		text = NULL;
		out->failed = true;
	}
	out_single(out, text ? text : "");
	free(text);

	if (time)
		out_label(out, "timestamp", time);
	out_label(out, "object", object);
	out_label(out, "event", event);
	out_label(out, "name", name);
}

static void event_print(struct vdpa *vdpa, const struct event *event,
			const char *name, const struct msg *msg)
{
	unsigned int view = event->view;
	struct out *out = &vdpa->out;
	char buf[40];

	if (vdpa->details && view)
		view |= VIEW_DETAILS;
	event_heading(out, vdpa->timestamp ? timestamp(buf) : NULL,
		      event->object == SHOW_DEV ? "dev" : "mgmtdev",
		      event->name, name);
	fields_show(out, event->fields, msg, view);
	out_single_end(out);
}

static bool monitor_event(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *attr = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	const struct event *event = events;
	char buf[HANDLE_SIZE];
	const char *name;

	(void)data;
	while (event->cmd && event->cmd != msg->cmd)
		event++;
	/* not asked for, or of a kernel to come */
	if (!(event->object & vdpa->events))
		return true;
	if (event->object == SHOW_DEV)
		name = attr ? mnl_attr_get_str(attr) : NULL;
	else
		name = msg_handle(msg, buf);
	if (!name)
		return false;
	event_print(vdpa, event, name, msg);
	return true;
}

/* Shows what was announced before the signal, too */
static int monitor_drain(struct vdpa *vdpa)
{
	unsigned int left = DRAIN_MAX;
	bool received = true;
	int ret = EXIT_OK;

	while (received && ret == EXIT_OK && left--)
		ret = genl_event(vdpa, monitor_event, NULL, &received);
	return ret;
}

static int monitor_loop(struct vdpa *vdpa, int signals)
{
	enum { EVENTS, SIGNALS, OUTPUT };
	struct pollfd fds[] = {
		[EVENTS] = { mnl_socket_get_fd(vdpa->genl.nl), POLLIN },
		[SIGNALS] = { signals, POLLIN },
		/* nothing to wait for: tells when nobody reads any more */
		[OUTPUT] = { STDOUT_FILENO, 0 },
	};
	bool received;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			error("cannot wait for events: %s", strerror(errno));
			return EXIT_REFUSED;
		}
		if (fds[SIGNALS].revents)
			return monitor_drain(vdpa);
		if (fds[EVENTS].revents &&
		    genl_event(vdpa, monitor_event, NULL, &received))
			return EXIT_REFUSED;
		if (vdpa->out.write_errno)
			return EXIT_REFUSED;	/* out_close() says why */
		if (fds[OUTPUT].revents) {
			error("nobody reads the output any more");
			return EXIT_REFUSED;
		}
	}
}

/* SIGINT and SIGTERM end the monitor between two events, not within one */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int monitor(struct vdpa *vdpa, struct req *req)
{
	int signals, ret;

	(void)req;
	if (vdpa->batch) {
		error("events cannot be shown by a command in a file");
		return EXIT_REFUSED;
	}
	signals = signals_open();
	if (signals < 0) {
		error("cannot wait for signals: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	if (!vdpa->events)
		vdpa->events = SHOW_MGMTDEV | SHOW_DEV;
	ret = genl_join(vdpa);
	if (ret == EXIT_OK) {
		fcntl(mnl_socket_get_fd(vdpa->genl.nl), F_SETFL, O_NONBLOCK);
		if (vdpa->verbose)
			hint("listening");
		ret = monitor_loop(vdpa, signals);
	}
	close(signals);
	return ret;
}

static int parse_events(struct vdpa *vdpa, struct req *req, const struct arg *arg,
			const char *word)
{
	(void)req;
	(void)word;
	vdpa->events |= arg->number;
	return EXIT_OK;
}

static int parse_timestamp(struct vdpa *vdpa, struct req *req,
			   const struct arg *arg, const char *word)
{
	(void)req;
	(void)arg;
	(void)word;
	vdpa->timestamp = true;
	return EXIT_OK;
}

const struct arg monitor_args[] = {
	{ "all", NULL, "events of management devices and devices (default)",
	  .number = SHOW_MGMTDEV | SHOW_DEV, .parse = parse_events },
	{ "mgmtdev", NULL, "events of management devices",
	  .number = SHOW_MGMTDEV, .parse = parse_events },
	{ "dev", NULL, "events of devices",
	  .number = SHOW_DEV, .parse = parse_events },
	{ "timestamp", NULL, "say when each event arrived, like -t",
	  .parse = parse_timestamp },
	{ NULL }
};
