// SPDX-License-Identifier: GPL-2.0
/*
 * Does what a plan says. What it needs and is not there is opened, and what is
 * in the way is closed, so that any list of actions can be done.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/genl/genl.h>
#include <netlink/socket.h>

#include "nlfuzz.h"
#include "nlgrammar.h"

static struct {
	struct nl_sock *sock;	/* NULL: not open */
	struct exchange *dump;	/* NULL: none is under way */
	size_t read_size;
} socks[NR_SOCKS];

static struct watch watches[NR_WATCHES];

struct nl_sock *open_sock(int bufsize)
{
	struct nl_sock *sock = nl_socket_alloc();
	int err;

	if (!sock)
		give_up("a socket", -NLE_NOMEM);
	err = genl_connect(sock);
	if (err)
		give_up("cannot connect a socket", err);
	setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE, &bufsize,
		   sizeof(bufsize));
	return sock;
}

static void run_close(unsigned int i)
{
	if (socks[i].dump) {
		checker.half_dumps++;
		exchange_drop(socks[i].dump);
	}
	nl_socket_free(socks[i].sock);
	memset(&socks[i], 0, sizeof(socks[i]));
}

/* With room for all answers to one datagram */
static void run_open(unsigned int i, unsigned int flags)
{
	int fd, one = 1;

	run_close(i);
	socks[i].sock = open_sock(2 << 20);
	socks[i].read_size = flags & OPEN_SMALL ? READ_SMALL : READ_ALL;
	fd = nl_socket_get_fd(socks[i].sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	if (flags & OPEN_CAP_ACK)
		setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	if (flags & OPEN_STRICT)
		setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
}

static struct nl_sock *need_sock(unsigned int i)
{
	if (!socks[i].sock)
		run_open(i, 0);
	return socks[i].sock;
}

static void run_send(unsigned int i, const struct batch *batch)
{
	if (socks[i].dump)
		run_close(i);
	exchange_follow(need_sock(i), batch);
}

/* A second one in the way of the first: nobody reads what comes of the two */
static void run_start(unsigned int i, const struct batch *batch)
{
	if (!socks[i].dump) {
		socks[i].dump = exchange_start(need_sock(i), batch, NULL, NULL);
		return;
	}
	send(nl_socket_get_fd(socks[i].sock), batch->data, batch->len, 0);
	run_close(i);
}

static void run_read(unsigned int i)
{
	if (socks[i].dump)
		exchange_read(socks[i].dump, socks[i].read_size);
}

static void run_finish(unsigned int i)
{
	if (socks[i].dump)
		exchange_finish(socks[i].dump, socks[i].read_size);
	socks[i].dump = NULL;
}

static void run_leave(struct watch *watch)
{
	nl_socket_free(watch->sock);
	watch->sock = NULL;
	watch_forget(watch);
}

static void run_watch(struct watch *watch, unsigned int bufsize)
{
	int err;

	run_leave(watch);
	watch->sock = open_sock(bufsize);
	err = nl_socket_add_membership(watch->sock, checker.group);
	if (err)
		give_up("cannot join the group " GRAMMAR_GROUP, err);
}

/* Without the knob the management device just does not fail */
static void run_fail(const struct target *target, int error)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/debug/vdpa_sim/%s/fail_dev_add",
		 target->dev);
	file = fopen(path, "w");
	if (!file)
		return;
	fprintf(file, "%d\n", error);
	fclose(file);
}

void run_reset(const struct targets *targets)
{
	unsigned int i, left;

	for (i = 0; i < NR_SOCKS; i++) {
		run_finish(i);
		run_close(i);
	}
	for (i = 0; i < targets->nr; i++)
		run_fail(&targets->list[i], 0);
	left = model_sweep();
	check(CHECK_SWEPT, !left, "%u devices could not be deleted", left);
	for (i = 0; i < NR_WATCHES; i++) {
		if (watches[i].sock)
			watch_read(&watches[i], UINT32_MAX);
		run_leave(&watches[i]);
	}
}

void run_action(struct action *action, const struct targets *targets)
{
	unsigned int i = action->which;

	switch (action->verb) {
	case DO_OPEN:
		return run_open(i, action->arg);
	case DO_CLOSE:
		return run_close(i);
	case DO_SEND:
		batch_set_family(&action->batch, checker.family);
		return run_send(i, &action->batch);
	case DO_START:
		batch_set_family(&action->batch, checker.family);
		return run_start(i, &action->batch);
	case DO_READ:
		return run_read(i);
	case DO_FINISH:
		return run_finish(i);
	case DO_WATCH:
		return run_watch(&watches[i], action->arg);
	case DO_EVENTS:
		if (watches[i].sock)
			watch_read(&watches[i], action->arg);
		return;
	case DO_LEAVE:
		return run_leave(&watches[i]);
	case DO_RESET:
		return run_reset(targets);
	case DO_FAIL:
		if (i < targets->nr)
			run_fail(&targets->list[i], action->arg);
		return;
	case NR_VERBS:
		abort();
	}
}
