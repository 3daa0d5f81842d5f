// SPDX-License-Identifier: GPL-2.0
/*
 * Modules come and go under load: threads add, delete, show, dump and watch
 * while the simulator is unloaded and loaded again. In the end all is gone,
 * and the core can be unloaded, too.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>

#include "vdpa_harness.h"

#define ROUNDS		15
#define OTHER		"tother"

struct load {
	pthread_t thread;
	int id;
	atomic_bool *stop;
	unsigned long done;	/* what went well */
	unsigned long absent;	/* what was answered with ENODEV */
	int odd;		/* an errno that nobody should see */
};

typedef int load_fn(struct load *l, struct vnl *s);

/* A device of its own */
static int load_own(struct load *l, struct vnl *s)
{
	char name[16];
	int err;

	snprintf(name, sizeof(name), "own%d", l->id);
	err = vnl_dev_add(s, ENV_SIM, name);
	if (err)
		return err;
	return vnl_dev_del(s, name);
}

/* Whatever name the kernel picks; left to the module's end now and then */
static int load_auto(struct load *l, struct vnl *s)
{
	struct vnl_dev dev;
	int err;

	err = vnl_dev_add_auto(s, ENV_SIM, &dev);
	if (err || l->done % 3)
		return err;
	return vnl_dev_del(s, dev.name);
}

static int load_dump(struct load *l, struct vnl *s)
{
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_GET, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_SMALL);
	return vnl_dump_rest(&d, NULL, NULL);
}

static int load_half_dump(struct load *l, struct vnl *s)
{
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_GET, 0);
	if (l->done % 2)
		vnl_put_handle(&m, ENV_SIM);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_SMALL);
	vnl_dump_next(&d, NULL, NULL);
	vnl_close(s);
	vnl_open(s);
	return 0;
}

static int load_get(struct load *l, struct vnl *s)
{
	struct vnl_mgmt mgmt;
	struct vnl_dev dev;
	int err;

	err = vnl_mgmt_get(s, ENV_SIM, &mgmt);
	return err ?: vnl_dev_get(s, "vdpa0", &dev);
}

static int load_mgmts(struct load *l, struct vnl *s)
{
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_SMALL);
	return vnl_dump_rest(&d, NULL, NULL);
}

/* On the management device that stays: must always succeed */
static int load_elsewhere(struct load *l, struct vnl *s)
{
	int err;

	err = vnl_dev_add(s, OTHER, "elsewhere");
	err = err ?: vnl_dev_del(s, "elsewhere");
	return err == ENODEV ? EPROTO : err;
}

/* Watches: every NEW of a name is followed by its DEL */
static int load_watch(struct load *l, struct vnl *s)
{
	struct vnl_event ev;
	int ret;

	if (!l->done)
		vnl_monitor_join(s);
	ret = vnl_event_next(s, &ev, 10);
	return ret < 0 && ret != -ENOBUFS ? -ret : 0;
}

static load_fn *const load_fns[] = {
	load_own, load_own, load_auto, load_dump, load_half_dump, load_get,
	load_mgmts, load_elsewhere, load_watch,
};

static void *load_thread(void *arg)
{
	struct load *l = arg;
	struct vnl s;
	int err;

	vnl_open(&s);
	while (!*l->stop && !l->odd) {
		err = load_fns[l->id](l, &s);
		if (!err)
			l->done++;
		else if (err == ENODEV)
			l->absent++;
		else
			l->odd = err;
		sched_yield();
	}
	vnl_close(&s);
	return NULL;
}

FIXTURE(rmmod) {
	struct vnl s;
};

FIXTURE_SETUP(rmmod)
{
	vnl_open(&self->s);
	env_reset(&self->s);
}

FIXTURE_TEARDOWN(rmmod)
{
	/* the family may have another number by now */
	vnl_close(&self->s);
	env_modprobe(ENV_SIM_MODULE, NULL);
	vnl_open(&self->s);
	env_reset(&self->s);
	vnl_close(&self->s);
}

TEST_F_TIMEOUT(rmmod, under_load, 55)
{
	struct load load[ARRAY_SIZE(load_fns)] = { 0 };
	atomic_bool stop = false;
	unsigned long absent = 0;
	int i, err = 0;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	for (i = 0; i < (int)ARRAY_SIZE(load); i++) {
		load[i].id = i;
		load[i].stop = &stop;
		ASSERT_EQ(0, pthread_create(&load[i].thread, NULL, load_thread,
					    &load[i]));
	}
	for (i = 0; i < ROUNDS && !err; i++) {
		usleep(100 * 1000);
		err = env_rmmod(ENV_SIM_MODULE, true);
		err = err ?: env_modprobe(ENV_SIM_MODULE, NULL);
	}
	err = err ?: env_rmmod(ENV_SIM_MODULE, true);
	stop = true;
	for (i = 0; i < (int)ARRAY_SIZE(load); i++) {
		pthread_join(load[i].thread, NULL);
		EXPECT_EQ(0, load[i].odd) TH_LOG("load %d", i);
		EXPECT_LT(0, load[i].done) TH_LOG("load %d", i);
		absent += load[i].absent;
	}
	EXPECT_EQ(0, err);
	/* the unloading was noticed at all */
	EXPECT_LT(0, absent);
	EXPECT_EQ(0, vnl_dev_count(&self->s));
	EXPECT_EQ(-1, env_refcnt(ENV_SIM_MODULE));
	/* the test module alone uses it now */
	EXPECT_EQ(1, env_refcnt("vdpa_sim"));
	EXPECT_EQ(0, env_mgmt_del(OTHER));
	EXPECT_EQ(0, env_refcnt(ENV_TEST_MODULE));
}

/* With devices in it; and what was unloaded leaves no name taken */
TEST_F(rmmod, with_devices)
{
	char name[16];
	int i;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, name));
	}
	ASSERT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	EXPECT_EQ(0, vnl_dev_count(&self->s));
	EXPECT_FALSE(env_exists("/sys/bus/vdpa/devices/dev0"));
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		EXPECT_EQ(0, vnl_dev_add(&self->s, OTHER, name));
	}
	EXPECT_EQ(100, vnl_dev_count(&self->s));
	/* the same for the test module, from its own file in debugfs */
	ASSERT_EQ(0, env_mgmt_del(OTHER));
	EXPECT_EQ(0, vnl_dev_count(&self->s));
}

/* Devices in use by a bus driver do not hold the module either */
TEST_F(rmmod, with_bound_devices)
{
	char name[16];
	int i;

	ASSERT_EQ(0, env_driver(true));
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, name));
	}
	EXPECT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	EXPECT_EQ(0, vnl_dev_count(&self->s));
	EXPECT_EQ(0, env_driver(false));
}

/* The core goes when nobody needs it any more, not before; and comes back */
TEST_F(rmmod, core_last)
{
	struct vnl s;
	int i;

	EXPECT_EQ(EAGAIN, env_rmmod("vdpa", false));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
		EXPECT_EQ(0, env_rmmod(ENV_TEST_MODULE, true));
		EXPECT_EQ(0, env_rmmod("vdpa_sim", true));
		EXPECT_EQ(0, env_refcnt("vdpa"));
		ASSERT_EQ(0, env_rmmod("vdpa", true));
		EXPECT_FALSE(env_exists("/sys/bus/vdpa"));
		EXPECT_EQ(ENOENT, vnl_try_open(&s));
		ASSERT_EQ(0, env_modprobe(ENV_SIM_MODULE, NULL));
		ASSERT_EQ(0, env_modprobe(ENV_TEST_MODULE, NULL));
		vnl_open(&s);
		EXPECT_EQ(0, vnl_dev_count(&s));
		EXPECT_EQ(0, vnl_dev_add(&s, ENV_SIM, "again"));
		EXPECT_EQ(0, vnl_dev_del(&s, "again"));
		vnl_close(&s);
	}
}

VDPA_HARNESS_MAIN
