// SPDX-License-Identifier: GPL-2.0
/*
 * A management device that is slow, that fails, or that goes while it is at
 * work. Nothing here is about how long something takes: what must not wait for
 * the slow request is done before that is answered.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "vdpa_harness.h"

#define SLOW_MS		4000
#define OTHER		"tother"
#define TEXT_FAILED	"Management device failed to add the device"
#define TEXT_GOING	"Management device is going away"
#define TEXT_NO_MGMT	"No such management device"

FIXTURE(slow) {
	struct vnl s;
	struct vnl mon;
	struct env_req req;	/* the slow request */
};

FIXTURE_SETUP(slow)
{
	vnl_open(&self->s);
	env_reset(&self->s);
	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "here"));
	ASSERT_EQ(0, vnl_dev_add(&self->s, OTHER, "there"));
	vnl_monitor_open(&self->mon);
}

FIXTURE_TEARDOWN(slow)
{
	vnl_close(&self->mon);
	env_reset(&self->s);
	vnl_close(&self->s);
}

/* Starts the add, and returns once it sleeps in the kernel */
static bool slow_add(struct env_req *req, const char *handle, const char *name)
{
	env_req_init(req, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&req->m, handle);
	vnl_put_str(&req->m, VDPA_ATTR_DEV_NAME, name);
	env_req_start(req);
	return env_req_asleep(req);
}

static int count_mgmts(struct vnl *s)
{
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	return vnl_dump_rest(&d, NULL, NULL) ? -1 : (int)d.nr_msgs;
}

/* All that is shown, whoever it belongs to: true if it was as it should be */
static bool show_all(struct vnl *s)
{
	struct vnl_devs l = { 0 };
	struct vnl_mgmt mgmt;
	struct vnl_dev dev;
	bool good;

	good = !vnl_mgmt_get(s, ENV_SIM, &mgmt) &&
	       !vnl_mgmt_get(s, OTHER, &mgmt) && count_mgmts(s) == 2 &&
	       !vnl_dev_get(s, "here", &dev) &&
	       !vnl_dev_get(s, "there", &dev) &&
	       vnl_dev_get(s, "slow", &dev) == ENODEV &&
	       !vnl_devs_get(s, NULL, &l) && vnl_devs_find(&l, "here") &&
	       vnl_devs_find(&l, "there") && !vnl_devs_find(&l, "slow");
	vnl_devs_free(&l);
	good = good && !vnl_devs_get(s, ENV_SIM, &l) && l.nr == 1;
	vnl_devs_free(&l);
	return good;
}

/* Shows of everything, and changes elsewhere, overtake the slow add */
TEST_F(slow, add_delays_nobody)
{
	struct vnl_event ev;
	struct vnl_dev dev;
	int i;

	ASSERT_EQ(0, env_knob(ENV_SIM, "add_delay_ms", SLOW_MS));
	ASSERT_TRUE(slow_add(&self->req, ENV_SIM, "slow"));
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(show_all(&self->s));
		EXPECT_EQ(0, vnl_dev_add(&self->s, OTHER, "quick"));
		EXPECT_EQ(0, vnl_dev_del(&self->s, "quick"));
		EXPECT_EQ(0, vnl_dev_add_auto(&self->s, OTHER, &dev));
		EXPECT_STREQ("vdpa0", dev.name);
		EXPECT_EQ(0, vnl_dev_del(&self->s, "vdpa0"));
		EXPECT_EQ(0, env_mgmt_new("tquick"));
		EXPECT_EQ(0, env_mgmt_del("tquick"));
	}
	EXPECT_FALSE(env_req_done(&self->req));
	/* and the events of all that were not held back */
	for (i = 0; i < 3 * 6; i++) {
		ASSERT_EQ(1, vnl_event_next(&self->mon, &ev, 0));
	}
	EXPECT_EQ(0, vnl_event_next(&self->mon, &ev, 0));
	EXPECT_FALSE(env_req_done(&self->req));

	EXPECT_EQ(0, env_req_join(&self->req));
	EXPECT_EQ(0, vnl_dev_get(&self->s, "slow", &dev));
	ASSERT_EQ(1, vnl_event_next(&self->mon, &ev, 0));
	EXPECT_EQ(VDPA_CMD_DEV_NEW, ev.cmd);
	EXPECT_STREQ("slow", ev.dev.name);
}

/* A slow delete neither */
TEST_F(slow, del_delays_nobody)
{
	struct vnl_dev dev;
	struct vnl_mgmt mgmt;

	ASSERT_EQ(0, env_knob(ENV_SIM, "del_delay_ms", SLOW_MS));
	env_req_init(&self->req, VDPA_CMD_DEV_DEL, 0);
	vnl_put_str(&self->req.m, VDPA_ATTR_DEV_NAME, "here");
	env_req_start(&self->req);
	ASSERT_TRUE(env_req_asleep(&self->req));
	EXPECT_EQ(0, vnl_dev_get(&self->s, "there", &dev));
	EXPECT_EQ(0, vnl_mgmt_get(&self->s, ENV_SIM, &mgmt));
	EXPECT_EQ(2, count_mgmts(&self->s));
	/* "here" is on its way: shown or not, but the dump does not wait */
	EXPECT_LE(1, vnl_dev_count(&self->s));
	EXPECT_EQ(0, vnl_dev_add(&self->s, OTHER, "quick"));
	EXPECT_EQ(0, vnl_dev_del(&self->s, "quick"));
	EXPECT_EQ(0, vnl_dev_del(&self->s, "there"));
	EXPECT_FALSE(env_req_done(&self->req));
	EXPECT_EQ(0, env_req_join(&self->req));
	EXPECT_EQ(0, vnl_dev_count(&self->s));
}

/* Whoever wants the same management device waits, and then gets his turn */
TEST_F(slow, adds_on_the_same_queue_up)
{
	struct env_req second;
	struct vnl_dev dev;

	ASSERT_EQ(0, env_knob(ENV_SIM, "add_delay_ms", SLOW_MS));
	ASSERT_TRUE(slow_add(&self->req, ENV_SIM, "slow"));
	ASSERT_EQ(0, env_knob(ENV_SIM, "add_delay_ms", 0));
	slow_add(&second, ENV_SIM, "second");
	EXPECT_EQ(0, env_req_join(&self->req));
	EXPECT_EQ(0, env_req_join(&second));
	EXPECT_EQ(0, vnl_dev_get(&self->s, "slow", &dev));
	EXPECT_EQ(0, vnl_dev_get(&self->s, "second", &dev));
}

/* One name on two management devices at once: one of the two gets it */
TEST_F(slow, same_name_elsewhere)
{
	struct vnl_dev dev;
	int slow, quick;

	ASSERT_EQ(0, env_knob(ENV_SIM, "add_delay_ms", SLOW_MS));
	ASSERT_TRUE(slow_add(&self->req, ENV_SIM, "slow"));
	quick = vnl_dev_add(&self->s, OTHER, "slow");
	EXPECT_FALSE(env_req_done(&self->req));
	slow = env_req_join(&self->req);
	EXPECT_TRUE((!slow && quick == EEXIST) || (slow == EEXIST && !quick))
		TH_LOG("slow %d, quick %d", slow, quick);
	ASSERT_EQ(0, vnl_dev_get(&self->s, "slow", &dev));
	EXPECT_STREQ(slow ? OTHER : ENV_SIM, dev.mgmt_name);
	EXPECT_EQ(3, vnl_dev_count(&self->s));
}

/* Names that the kernel picks meanwhile do not collide with the one picked */
TEST_F(slow, auto_name_meanwhile)
{
	struct vnl_dev dev;
	struct vnl_devs l;

	ASSERT_EQ(0, env_knob(ENV_SIM, "add_delay_ms", SLOW_MS));
	env_req_init(&self->req, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&self->req.m, ENV_SIM);
	env_req_start(&self->req);
	ASSERT_TRUE(env_req_asleep(&self->req));
	EXPECT_EQ(0, vnl_dev_add_auto(&self->s, OTHER, &dev));
	EXPECT_FALSE(env_req_done(&self->req));
	EXPECT_EQ(0, env_req_join(&self->req));
	ASSERT_EQ(0, vnl_devs_get(&self->s, NULL, &l));
	EXPECT_EQ(4, l.nr);
	EXPECT_NE(NULL, vnl_devs_find(&l, "vdpa0"));
	EXPECT_NE(NULL, vnl_devs_find(&l, "vdpa1"));
	vnl_devs_free(&l);
}

/*
 * Failures
 */

FIXTURE(fail) {
	struct vnl s;
	struct vnl mon;
};

FIXTURE_VARIANT(fail) {
	const char *handle;
	const char *knob;
	bool late;		/* after registration, and always EIO */
};

FIXTURE_VARIANT_ADD(fail, sim) {
	.handle = ENV_SIM, .knob = "fail_dev_add",
};

FIXTURE_VARIANT_ADD(fail, sim_late) {
	.handle = ENV_SIM, .knob = "fail_late_add", .late = true,
};

FIXTURE_VARIANT_ADD(fail, test) {
	.handle = OTHER, .knob = "fail_dev_add",
};

FIXTURE_VARIANT_ADD(fail, test_late) {
	.handle = OTHER, .knob = "fail_late_add", .late = true,
};

FIXTURE_SETUP(fail)
{
	vnl_open(&self->s);
	env_reset(&self->s);
	ASSERT_EQ(0, env_mgmt_new(OTHER));
	vnl_monitor_open(&self->mon);
}

FIXTURE_TEARDOWN(fail)
{
	vnl_close(&self->mon);
	env_reset(&self->s);
	vnl_close(&self->s);
}

/* The parent's errno as it is, some text, and nothing left behind */
TEST_F(fail, errno_passed_and_nothing_left)
{
	static const int errs[] = { ENOMEM, EIO, EBUSY, ENOSPC, EINVAL, EEXIST,
				    ENODEV };
	struct vnl_dev dev;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		ASSERT_EQ(0, env_knob(variant->handle, variant->knob,
				      variant->late ? 1 : errs[i]));
		EXPECT_EQ(variant->late ? EIO : errs[i],
			  vnl_dev_add(&self->s, variant->handle, "fail0"));
		EXPECT_STREQ(TEXT_FAILED, self->s.err.text);
		EXPECT_EQ(-1, self->s.err.bad_attr);
		EXPECT_EQ(-1, self->s.err.miss_attr);
		EXPECT_EQ(ENODEV, vnl_dev_get(&self->s, "fail0", &dev));
		EXPECT_EQ(ENODEV, vnl_dev_del(&self->s, "fail0"));
		EXPECT_EQ(0, vnl_dev_count(&self->s));
		EXPECT_FALSE(env_exists("/sys/bus/vdpa/devices/fail0"));
	}
	/* the name is free, here and elsewhere */
	ASSERT_EQ(0, env_knob(variant->handle, variant->knob, 0));
	EXPECT_EQ(0, vnl_dev_add(&self->s, variant->handle, "fail0"));
	EXPECT_EQ(0, vnl_dev_del(&self->s, "fail0"));
	EXPECT_EQ(0, vnl_dev_add(&self->s, OTHER, "fail0"));
}

/* Failing and working in turns, from several threads */
#define FAIL_EACH	20	/* each thread goes on until it saw so many of both */

struct fail_thread {
	pthread_t thread;
	const char *handle;
	int id;
	int odd;		/* results that are neither */
	int added, failed;
	atomic_bool done;
};

static void *fail_thread(void *arg)
{
	struct fail_thread *t = arg;
	char name[16];
	struct vnl s;
	int err;

	vnl_open(&s);
	snprintf(name, sizeof(name), "fail%d", t->id);
	while (!t->odd && (t->added < FAIL_EACH || t->failed < FAIL_EACH)) {
		err = vnl_dev_add(&s, t->handle, name);
		t->failed += err == EIO;
		t->added += !err;
		if (!err)
			err = vnl_dev_del(&s, name);
		else if (err == EIO)
			err = 0;
		t->odd = err;
	}
	vnl_close(&s);
	t->done = true;
	return NULL;
}

TEST_F(fail, now_and_then)
{
	struct fail_thread t[3] = { 0 };
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(t); i++) {
		t[i].id = i;
		t[i].handle = variant->handle;
		ASSERT_EQ(0, pthread_create(&t[i].thread, NULL, fail_thread,
					    &t[i]));
	}
	for (i = 0; !t[0].done || !t[1].done || !t[2].done; i++) {
		ASSERT_EQ(0, env_knob(variant->handle, variant->knob,
				      i % 2 ? variant->late ? 1 : EIO : 0));
		usleep(1000 + 7 * (i % 100));
	}
	ASSERT_EQ(0, env_knob(variant->handle, variant->knob, 0));
	for (i = 0; i < (int)ARRAY_SIZE(t); i++) {
		pthread_join(t[i].thread, NULL);
		EXPECT_EQ(0, t[i].odd);
	}
	EXPECT_EQ(0, vnl_dev_count(&self->s));
}

/*
 * Removal of the slow management device
 */

struct removal {
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
	bool module;
	int err;
};

static void *removal_thread(void *arg)
{
	struct removal *r = arg;

	r->tid = syscall(SYS_gettid);
	r->err = r->module ? env_rmmod(ENV_SIM_MODULE, true) :
			     env_mgmt_del(OTHER);
	r->done = true;
	return NULL;
}

static int removal_start(struct removal *r, bool module)
{
	memset(r, 0, sizeof(*r));
	r->module = module;
	return pthread_create(&r->thread, NULL, removal_thread, r);
}

/* Waits until the removal sleeps in the kernel, or is done */
static void removal_asleep(struct removal *r)
{
	long nr = r->module ? SYS_delete_module : SYS_write;

	while (!r->done && !(r->tid && env_sleeps_in(getpid(), r->tid, nr)))
		usleep(1000);
}

static int removal_join(struct removal *r)
{
	pthread_join(r->thread, NULL);
	return r->err;
}

FIXTURE(going) {
	struct vnl s;
	struct vnl dump_s;
	struct vnl mon;
	struct env_req req;
	struct env_req late;
	struct removal removal;
};

FIXTURE_VARIANT(going) {
	bool module;
	const char *handle;	/* the one that goes */
	const char *stays;
};

FIXTURE_VARIANT_ADD(going, module) {
	.module = true, .handle = ENV_SIM, .stays = OTHER,
};

FIXTURE_VARIANT_ADD(going, mgmtdev) {
	.handle = OTHER, .stays = ENV_SIM,
};

FIXTURE_SETUP(going)
{
	char name[16];
	int i;

	vnl_open(&self->s);
	vnl_open(&self->dump_s);
	env_reset(&self->s);
	ASSERT_EQ(0, env_mgmt_new(OTHER));
	for (i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "goes%d", i);
		ASSERT_EQ(0, vnl_dev_add(&self->s, variant->handle, name));
	}
	ASSERT_EQ(0, vnl_dev_add(&self->s, variant->stays, "stays"));
	vnl_monitor_open(&self->mon);
}

FIXTURE_TEARDOWN(going)
{
	vnl_close(&self->mon);
	vnl_close(&self->dump_s);
	env_reset(&self->s);
	vnl_close(&self->s);
}

/*
 * The events of a removal: DEL of each device that there was, and of those
 * that came in the last moment, then MGMTDEV_DEL, then nothing more of it.
 */
static bool going_events(struct vnl *mon, const char *handle)
{
	static struct vnl_event ev;
	int alive = 150, ret;
	bool gone = false;

	while ((ret = vnl_event_next(mon, &ev, 0)) == 1) {
		if (ev.cmd == VDPA_CMD_MGMTDEV_DEL &&
		    !strcmp(ev.mgmt.name, handle)) {
			if (gone || alive)
				return false;
			gone = true;
		} else if (!strcmp(ev.dev.mgmt_name, handle)) {
			if (gone)
				return false;
			alive += ev.cmd == VDPA_CMD_DEV_NEW;
			alive -= ev.cmd == VDPA_CMD_DEV_DEL;
		}
	}
	return !ret && gone;
}

/*
 * A slow add in it, a half-read dump, a removal that waits for the slow add, an
 * add that comes too late, and life elsewhere goes on.
 */
TEST_F(going, with_a_slow_add_in_flight)
{
	struct vnl_devs l = { 0 };
	struct vnl_dump d;
	struct vnl_dev dev;
	struct vnl_msg m;
	int slow, late;

	ASSERT_EQ(0, env_knob(variant->handle, "add_delay_ms", SLOW_MS));
	ASSERT_TRUE(slow_add(&self->req, variant->handle, "slow"));
	vnl_msg_init(&m, &self->dump_s, VDPA_CMD_DEV_GET, 0);
	vnl_dump_start(&d, &self->dump_s, &m, VNL_CHUNK_SMALL);
	ASSERT_TRUE(vnl_dump_next(&d, vnl_devs_add, &l));

	ASSERT_EQ(0, removal_start(&self->removal, variant->module));
	removal_asleep(&self->removal);
	slow_add(&self->late, variant->handle, "late");
	/* elsewhere nobody waits for it */
	EXPECT_EQ(0, vnl_dev_get(&self->s, "stays", &dev));
	EXPECT_EQ(0, vnl_dev_add(&self->s, variant->stays, "quick"));
	EXPECT_EQ(0, vnl_dev_del(&self->s, "quick"));
	EXPECT_LE(1, vnl_dev_count(&self->s));
	EXPECT_LE(1, count_mgmts(&self->s));
	EXPECT_FALSE(env_req_done(&self->req));

	slow = env_req_join(&self->req);
	EXPECT_TRUE(slow == 0 || slow == ENODEV) TH_LOG("slow add: %d", slow);
	late = env_req_join(&self->late);
	EXPECT_EQ(ENODEV, late);
	EXPECT_TRUE(!strcmp(TEXT_GOING, self->late.s.err.text) ||
		    !strcmp(TEXT_NO_MGMT, self->late.s.err.text))
		TH_LOG("late add: \"%s\"", self->late.s.err.text);
	EXPECT_EQ(VDPA_ATTR_MGMTDEV_DEV_NAME, self->late.s.err.bad_attr);
	EXPECT_EQ(0, removal_join(&self->removal));

	EXPECT_EQ(0, vnl_dump_rest(&d, vnl_devs_add, &l));
	EXPECT_NE(NULL, vnl_devs_find(&l, "stays"));
	vnl_devs_free(&l);
	/* of all that was there, only what belongs elsewhere is */
	EXPECT_EQ(1, vnl_dev_count(&self->s));
	EXPECT_EQ(0, vnl_dev_get(&self->s, "stays", &dev));
	EXPECT_EQ(1, count_mgmts(&self->s));
	EXPECT_TRUE(going_events(&self->mon, variant->handle));
	/* the names are free */
	EXPECT_EQ(0, vnl_dev_add(&self->s, variant->stays, "slow"));
	EXPECT_EQ(0, vnl_dev_add(&self->s, variant->stays, "late"));
	EXPECT_EQ(0, vnl_dev_add(&self->s, variant->stays, "goes0"));
}

/* The same with a delete in flight, of a device that goes anyhow */
TEST_F(going, with_a_slow_del_in_flight)
{
	int err;

	ASSERT_EQ(0, env_knob(variant->handle, "del_delay_ms", 1000));
	env_req_init(&self->req, VDPA_CMD_DEV_DEL, 0);
	vnl_put_str(&self->req.m, VDPA_ATTR_DEV_NAME, "goes7");
	env_req_start(&self->req);
	ASSERT_TRUE(env_req_asleep(&self->req));
	ASSERT_EQ(0, env_knob(variant->handle, "del_delay_ms", 0));
	ASSERT_EQ(0, removal_start(&self->removal, variant->module));
	err = env_req_join(&self->req);
	EXPECT_TRUE(err == 0 || err == ENODEV) TH_LOG("del: %d", err);
	EXPECT_EQ(0, removal_join(&self->removal));
	EXPECT_EQ(1, vnl_dev_count(&self->s));
	EXPECT_TRUE(going_events(&self->mon, variant->handle));
}

/*
 * kill -9 of who adds: the device is there or it is not, in all views alike,
 * and its name is not lost.
 */
static void kill_child(const char *name)
{
	static struct vnl s;

	vnl_open(&s);
	vnl_dev_add(&s, ENV_SIM, name);
	_exit(0);
}

TEST_F(slow, killed_while_adding)
{
	struct vnl_event ev;
	struct vnl_dev dev;
	struct vnl_devs l;
	int status, i, news = 0;
	pid_t pid[2];
	bool there;

	ASSERT_EQ(0, env_knob(ENV_SIM, "add_delay_ms", SLOW_MS));
	/* the second one waits for its turn */
	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			kill_child(i ? "killed1" : "killed0");
		while (!env_sleeps_in(pid[i], pid[i], SYS_sendto))
			usleep(1000);
	}
	ASSERT_EQ(0, env_knob(ENV_SIM, "add_delay_ms", 0));
	for (i = 1; i >= 0; i--) {
		ASSERT_EQ(0, kill(pid[i], SIGKILL));
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	ASSERT_EQ(0, vnl_devs_get(&self->s, NULL, &l));
	while (vnl_event_next(&self->mon, &ev, 0) == 1)
		news += ev.cmd == VDPA_CMD_DEV_NEW ? 1 : -1;
	EXPECT_EQ(l.nr - 2, (size_t)news);
	for (i = 0; i < 2; i++) {
		const char *name = i ? "killed1" : "killed0";

		there = vnl_devs_find(&l, name);
		EXPECT_EQ(there ? 0 : ENODEV,
			  vnl_dev_get(&self->s, name, &dev));
		EXPECT_EQ(there ? EEXIST : 0,
			  vnl_dev_add(&self->s, ENV_SIM, name));
		EXPECT_EQ(0, vnl_dev_del(&self->s, name));
	}
	vnl_devs_free(&l);
	EXPECT_EQ(2, vnl_dev_count(&self->s));
}

VDPA_HARNESS_MAIN
