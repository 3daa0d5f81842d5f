// SPDX-License-Identifier: GPL-2.0
/*
 * Multicast group "monitor": each management device and device that comes,
 * changes or goes, in order, with the attributes that a get would show.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "vdpa_harness.h"

#define OTHER		"tother"
#define ON_BUS		"tbus"
#define ON_BUS_HANDLE	ENV_TEST_BUS "/" ON_BUS

/* An event is there by the time the change was acknowledged; this is a watchdog */
#define WAIT_MS		(VNL_TIMEOUT_S * 1000)

FIXTURE(monitor) {
	struct vnl s;
	struct vnl mon;
	struct vnl_event ev;
	struct vnl_event get;
};

FIXTURE_SETUP(monitor)
{
	vnl_open(&self->s);
	env_reset(&self->s);
	vnl_monitor_open(&self->mon);
}

FIXTURE_TEARDOWN(monitor)
{
	vnl_close(&self->mon);
	env_reset(&self->s);
	vnl_close(&self->s);
}

#define EXPECT_QUIET(_self) \
	EXPECT_EQ(0, vnl_event_next(&(_self)->mon, &(_self)->ev, 0)) \
		TH_LOG("command %u about \"%s\" \"%s\"", (_self)->ev.cmd, \
		       (_self)->ev.dev.name, (_self)->ev.mgmt.name)

#define ASSERT_EVENT(_self, _cmd) do { \
	ASSERT_EQ(1, vnl_event_next(&(_self)->mon, &(_self)->ev, WAIT_MS)); \
	ASSERT_EQ((_cmd), (_self)->ev.cmd) \
		TH_LOG("about \"%s\" \"%s\"", (_self)->ev.dev.name, \
		       (_self)->ev.mgmt.name); \
} while (0)

#define ASSERT_DEV_EVENT(_self, _cmd, _name) do { \
	ASSERT_EVENT(_self, _cmd); \
	ASSERT_STREQ((_name), (_self)->ev.dev.name); \
} while (0)

#define ASSERT_MGMT_EVENT(_self, _cmd, _name) do { \
	ASSERT_EVENT(_self, _cmd); \
	ASSERT_STREQ((_name), (_self)->ev.mgmt.name); \
} while (0)

/* The life of a device: the same attributes as DEV_GET, in each event */
TEST_F(monitor, device_comes_and_goes)
{
	struct vnl_event del;

	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon0");
	ASSERT_EQ(0, vnl_dev_get_event(&self->s, "mon0", &self->get));
	EXPECT_TRUE(vnl_same_attrs(&self->get.msg, &self->ev.msg));
	EXPECT_QUIET(self);

	ASSERT_EQ(0, vnl_dev_del(&self->s, "mon0"));
	ASSERT_EQ(1, vnl_event_next(&self->mon, &del, WAIT_MS));
	EXPECT_EQ(VDPA_CMD_DEV_DEL, del.cmd);
	EXPECT_TRUE(vnl_same_attrs(&self->get.msg, &del.msg));
	EXPECT_QUIET(self);
}

/* Events are nobody's answer */
TEST_F(monitor, events_have_no_sequence_number)
{
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon0");
	EXPECT_EQ(0, self->ev.msg.nlh->nlmsg_seq);
	EXPECT_EQ(0, self->ev.msg.nlh->nlmsg_flags &
		  (NLM_F_MULTI | NLM_F_DUMP_INTR));
}

TEST_F(monitor, device_on_a_bus_handle)
{
	ASSERT_EQ(0, env_mgmt_new(ON_BUS " bus"));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_NEW, ON_BUS);
	EXPECT_STREQ(ENV_TEST_BUS, self->ev.mgmt.bus);
	ASSERT_EQ(0, vnl_dev_add(&self->s, ON_BUS_HANDLE, "mon0"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon0");
	EXPECT_STREQ(ENV_TEST_BUS, self->ev.dev.mgmt_bus);
	EXPECT_STREQ(ON_BUS, self->ev.dev.mgmt_name);
}

/* What was refused did not happen */
TEST_F(monitor, refusals_are_no_events)
{
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon0");
	EXPECT_EQ(EEXIST, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	EXPECT_EQ(ENODEV, vnl_dev_add(&self->s, "nosuch", "mon1"));
	EXPECT_EQ(EINVAL, vnl_dev_add(&self->s, ENV_SIM, "a/b"));
	EXPECT_EQ(ENODEV, vnl_dev_del(&self->s, "nosuch"));
	ASSERT_EQ(0, env_knob(ENV_SIM, "fail_dev_add", ENOMEM));
	EXPECT_EQ(ENOMEM, vnl_dev_add(&self->s, ENV_SIM, "mon1"));
	ASSERT_EQ(0, env_knob(ENV_SIM, "fail_dev_add", 0));
	EXPECT_QUIET(self);
}

/* Nor are questions */
TEST_F(monitor, gets_are_no_events)
{
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon0");
	EXPECT_EQ(0, vnl_dev_get_event(&self->s, "mon0", &self->get));
	EXPECT_EQ(0, vnl_mgmt_get_event(&self->s, ENV_SIM, &self->get));
	EXPECT_EQ(1, vnl_dev_count(&self->s));
	EXPECT_QUIET(self);
}

/*
 * A parent that fails after it registered the device: seen and gone, or never
 * seen. One without the other would leave watchers with a ghost.
 */
TEST_F(monitor, add_that_fails_late)
{
	int ret;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_NEW, OTHER);
	ASSERT_EQ(0, env_knob(OTHER, "fail_late_add", 1));
	EXPECT_EQ(EIO, vnl_dev_add(&self->s, OTHER, "mon0"));
	ASSERT_EQ(0, env_knob(OTHER, "fail_late_add", 0));
	EXPECT_EQ(0, vnl_dev_count(&self->s));
	ret = vnl_event_next(&self->mon, &self->ev, 0);
	if (ret) {
		ASSERT_EQ(1, ret);
		EXPECT_EQ(VDPA_CMD_DEV_NEW, self->ev.cmd);
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_DEL, "mon0");
	}
	EXPECT_QUIET(self);
	/* the name is free again */
	EXPECT_EQ(0, vnl_dev_add(&self->s, OTHER, "mon0"));
}

/* The test driver comes: bound, and its status set */
TEST_F(monitor, driver_binds_and_unbinds)
{
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon0");
	EXPECT_STREQ("", self->ev.dev.driver);

	ASSERT_EQ(0, env_driver(true));
	do {
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_CHANGE, "mon0");
	} while (strcmp(self->ev.dev.driver, ENV_DRIVER) ||
		 self->ev.dev.status != ENV_STATUS_DRIVER);
	ASSERT_EQ(0, vnl_dev_get_event(&self->s, "mon0", &self->get));
	EXPECT_TRUE(vnl_same_attrs(&self->get.msg, &self->ev.msg));
	EXPECT_QUIET(self);

	ASSERT_EQ(0, env_unbind("mon0"));
	do {
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_CHANGE, "mon0");
	} while (self->ev.dev.driver[0] || self->ev.dev.status);
	ASSERT_EQ(0, vnl_dev_get_event(&self->s, "mon0", &self->get));
	EXPECT_TRUE(vnl_same_attrs(&self->get.msg, &self->ev.msg));
	EXPECT_QUIET(self);

	ASSERT_EQ(0, env_bind("mon0"));
	do {
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_CHANGE, "mon0");
	} while (strcmp(self->ev.dev.driver, ENV_DRIVER) ||
		 self->ev.dev.status != ENV_STATUS_DRIVER);
	ASSERT_EQ(0, env_driver(false));
	do {
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_CHANGE, "mon0");
	} while (self->ev.dev.driver[0] || self->ev.dev.status);
	EXPECT_QUIET(self);
}

/* With the driver there before the device: NEW comes first all the same */
TEST_F(monitor, device_for_a_waiting_driver)
{
	ASSERT_EQ(0, env_driver(true));
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	ASSERT_EQ(0, vnl_dev_get_event(&self->s, "mon0", &self->get));
	EXPECT_STREQ(ENV_DRIVER, self->get.dev.driver);
	EXPECT_EQ(ENV_STATUS_DRIVER, self->get.dev.status);

	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon0");
	while (!vnl_same_attrs(&self->get.msg, &self->ev.msg)) {
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_CHANGE, "mon0");
	}
	EXPECT_QUIET(self);

	ASSERT_EQ(0, vnl_dev_del(&self->s, "mon0"));
	do {
		ASSERT_EQ(1, vnl_event_next(&self->mon, &self->ev, WAIT_MS));
		EXPECT_STREQ("mon0", self->ev.dev.name);
	} while (self->ev.cmd == VDPA_CMD_DEV_CHANGE);
	EXPECT_EQ(VDPA_CMD_DEV_DEL, self->ev.cmd);
	EXPECT_QUIET(self);
}

TEST_F(monitor, management_device_comes_and_goes)
{
	struct vnl_event del;

	ASSERT_EQ(0, env_mgmt_new(OTHER " classes=net,block"));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_NEW, OTHER);
	ASSERT_EQ(0, vnl_mgmt_get_event(&self->s, OTHER, &self->get));
	EXPECT_TRUE(vnl_same_attrs(&self->get.msg, &self->ev.msg));
	ASSERT_EQ(0, env_mgmt_del(OTHER));
	ASSERT_EQ(1, vnl_event_next(&self->mon, &del, WAIT_MS));
	EXPECT_EQ(VDPA_CMD_MGMTDEV_DEL, del.cmd);
	EXPECT_TRUE(vnl_same_attrs(&self->get.msg, &del.msg));
	EXPECT_QUIET(self);
}

/* Devices go before what they were made by, and only those */
TEST_F(monitor, devices_go_first)
{
	char name[VDPA_DEV_NAME_MAX + 1];
	bool gone[10] = { false };
	int i;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_NEW, OTHER);
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "stays"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "stays");
	for (i = 0; i < (int)ARRAY_SIZE(gone); i++) {
		snprintf(name, sizeof(name), "mon%d", i);
		ASSERT_EQ(0, vnl_dev_add(&self->s, OTHER, name));
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, name);
	}
	ASSERT_EQ(0, env_mgmt_del(OTHER));
	for (i = 0; i < (int)ARRAY_SIZE(gone); i++) {
		ASSERT_EVENT(self, VDPA_CMD_DEV_DEL);
		ASSERT_EQ(0, strncmp(self->ev.dev.name, "mon", 3));
		EXPECT_FALSE(gone[self->ev.dev.name[3] - '0']);
		gone[self->ev.dev.name[3] - '0'] = true;
		EXPECT_STREQ(OTHER, self->ev.dev.mgmt_name);
	}
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_DEL, OTHER);
	EXPECT_QUIET(self);
	EXPECT_EQ(1, vnl_dev_count(&self->s));
}

/* The same with the simulator's module */
TEST_F(monitor, module_goes_and_comes)
{
	char name[VDPA_DEV_NAME_MAX + 1];
	int i;

	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "mon%d", i);
		ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, name));
		ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, name);
	}
	ASSERT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	for (i = 0; i < 10; i++) {
		ASSERT_EVENT(self, VDPA_CMD_DEV_DEL);
	}
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_DEL, ENV_SIM);
	EXPECT_QUIET(self);

	ASSERT_EQ(0, env_modprobe(ENV_SIM_MODULE, NULL));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_NEW, ENV_SIM);
	ASSERT_EQ(0, vnl_mgmt_get_event(&self->s, ENV_SIM, &self->get));
	EXPECT_TRUE(vnl_same_attrs(&self->get.msg, &self->ev.msg));
	EXPECT_QUIET(self);
}

/* The device made at load comes after its management device */
TEST_F(monitor, module_with_default_device)
{
	ASSERT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_DEL, ENV_SIM);
	ASSERT_EQ(0, env_modprobe(ENV_SIM_MODULE, "default_device=1"));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_NEW, ENV_SIM);
	ASSERT_EVENT(self, VDPA_CMD_DEV_NEW);
	EXPECT_STREQ(ENV_SIM, self->ev.dev.mgmt_name);
	ASSERT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	ASSERT_EVENT(self, VDPA_CMD_DEV_DEL);
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_DEL, ENV_SIM);
	EXPECT_QUIET(self);
}

/*
 * Four threads add and delete, each a device of its own and one that all want.
 * For each name: NEW and DEL in turns, as many as there were.
 */
#define CHURN_THREADS	4
#define CHURN_ROUNDS	500

struct churn {
	pthread_t thread;
	int id;
	int err;
	int own_news, own_dels;
	int shared_news, shared_dels;
};

static void *churn_thread(void *arg)
{
	struct churn *c = arg;
	char own[16];
	struct vnl s;
	int i, err;

	snprintf(own, sizeof(own), "own%d", c->id);
	vnl_open(&s);
	for (i = 0; i < CHURN_ROUNDS && !c->err; i++) {
		if (i % 10) {
			c->own_news += !vnl_dev_add(&s, ENV_SIM, own);
			c->own_dels += !vnl_dev_del(&s, own);
			continue;
		}
		err = vnl_dev_add(&s, i % 20 ? OTHER : ENV_SIM, "shared");
		c->shared_news += !err;
		if (err && err != EEXIST)
			c->err = err;
		err = vnl_dev_del(&s, "shared");
		c->shared_dels += !err;
		if (err && err != ENODEV)
			c->err = err;
	}
	vnl_close(&s);
	return NULL;
}

/* What the watcher saw of a name */
struct sight {
	int news, dels;
	bool alive;
	bool out_of_turn;
};

static void sight_add(struct sight *sight, uint8_t cmd)
{
	bool is_new = cmd == VDPA_CMD_DEV_NEW;

	sight->news += is_new;
	sight->dels += !is_new;
	sight->out_of_turn |= sight->alive == is_new;
	sight->alive = is_new;
}

TEST_F_TIMEOUT(monitor, order_under_load, 55)
{
	struct sight own[CHURN_THREADS] = { 0 }, shared = { 0 };
	struct churn c[CHURN_THREADS] = { 0 };
	int i, news = 0, dels = 0;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_MGMT_EVENT(self, VDPA_CMD_MGMTDEV_NEW, OTHER);
	for (i = 0; i < CHURN_THREADS; i++) {
		c[i].id = i;
		ASSERT_EQ(0, pthread_create(&c[i].thread, NULL, churn_thread,
					    &c[i]));
	}
	/* the last word: after all threads have ended */
	for (i = 0; i < CHURN_THREADS; i++)
		pthread_join(c[i].thread, NULL);
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "last"));

	for (;;) {
		ASSERT_EQ(1, vnl_event_next(&self->mon, &self->ev, WAIT_MS));
		if (!strcmp(self->ev.dev.name, "last"))
			break;
		ASSERT_TRUE(self->ev.cmd == VDPA_CMD_DEV_NEW ||
			    self->ev.cmd == VDPA_CMD_DEV_DEL);
		if (!strcmp(self->ev.dev.name, "shared")) {
			sight_add(&shared, self->ev.cmd);
			continue;
		}
		ASSERT_EQ(0, strncmp(self->ev.dev.name, "own", 3));
		i = atoi(self->ev.dev.name + 3);
		ASSERT_TRUE(i >= 0 && i < CHURN_THREADS);
		sight_add(&own[i], self->ev.cmd);
	}
	for (i = 0; i < CHURN_THREADS; i++) {
		EXPECT_EQ(0, c[i].err);
		EXPECT_EQ(CHURN_ROUNDS * 9 / 10, c[i].own_news);
		EXPECT_EQ(CHURN_ROUNDS * 9 / 10, c[i].own_dels);
		EXPECT_EQ(c[i].own_news, own[i].news);
		EXPECT_EQ(c[i].own_dels, own[i].dels);
		EXPECT_FALSE(own[i].out_of_turn);
		news += c[i].shared_news;
		dels += c[i].shared_dels;
	}
	EXPECT_LT(0, news);
	EXPECT_EQ(news, shared.news);
	EXPECT_EQ(dels, shared.dels);
	EXPECT_FALSE(shared.out_of_turn);
	EXPECT_QUIET(self);
}

/* Two watchers see the same */
TEST_F(monitor, two_watchers)
{
	struct vnl_event ev;
	struct vnl other;
	int i;

	vnl_monitor_open(&other);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
		ASSERT_EQ(0, vnl_dev_del(&self->s, "mon0"));
	}
	for (i = 0; i < 40; i++) {
		ASSERT_DEV_EVENT(self, i % 2 ? VDPA_CMD_DEV_DEL :
				 VDPA_CMD_DEV_NEW, "mon0");
		ASSERT_EQ(1, vnl_event_next(&other, &ev, WAIT_MS));
		EXPECT_EQ(self->ev.cmd, ev.cmd);
		EXPECT_TRUE(vnl_same_attrs(&self->ev.msg, &ev.msg));
	}
	vnl_close(&other);
	EXPECT_QUIET(self);
}

/* Whoever does not read fast enough is told that he missed something */
TEST_F(monitor, overrun_is_told)
{
	int len = 4096, i, ret;

	ASSERT_EQ(0, setsockopt(self->mon.fd, SOL_SOCKET, SO_RCVBUF, &len,
				sizeof(len)));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
		ASSERT_EQ(0, vnl_dev_del(&self->s, "mon0"));
	}
	i = 0;
	do {
		ret = vnl_event_next(&self->mon, &self->ev, 0);
		i++;
	} while (ret == 1);
	EXPECT_EQ(-ENOBUFS, ret);
	EXPECT_GT(200, i);
	/* what was queued before is still there, and then it goes on */
	do {
		ret = vnl_event_next(&self->mon, &self->ev, 0);
	} while (ret == 1);
	EXPECT_EQ(0, ret);
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon1"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_NEW, "mon1");
}

/* Events tell nothing that a get does not tell: open to everybody */
TEST_F(monitor, open_to_nobody)
{
	int status, go[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (setresgid(ENV_NOBODY, ENV_NOBODY, ENV_NOBODY) ||
		    setresuid(ENV_NOBODY, ENV_NOBODY, ENV_NOBODY))
			_exit(2);
		vnl_monitor_open(&self->mon);
		if (write(go[1], "x", 1) != 1)
			_exit(3);
		if (vnl_event_next(&self->mon, &self->ev, WAIT_MS) != 1)
			_exit(4);
		_exit(self->ev.cmd != VDPA_CMD_DEV_NEW ||
		      strcmp(self->ev.dev.name, "mon0"));
	}
	close(go[1]);
	EXPECT_EQ(1, read(go[0], &byte, 1));
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Not in the group, no events; and out of it again, no more of them */
TEST_F(monitor, only_for_members)
{
	ASSERT_EQ(0, setsockopt(self->mon.fd, SOL_NETLINK,
				NETLINK_DROP_MEMBERSHIP, &self->mon.group,
				sizeof(self->mon.group)));
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "mon0"));
	EXPECT_QUIET(self);
	ASSERT_EQ(0, vnl_monitor_join(&self->mon));
	ASSERT_EQ(0, vnl_dev_del(&self->s, "mon0"));
	ASSERT_DEV_EVENT(self, VDPA_CMD_DEV_DEL, "mon0");
	EXPECT_FALSE(vnl_answered(&self->s));
}

VDPA_HARNESS_MAIN
