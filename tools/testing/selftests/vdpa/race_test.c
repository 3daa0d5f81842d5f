// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once: threads add, delete, show, dump and watch, bind and
 * unbind, write driver_override, make and delete management devices, register
 * and unregister the bus driver, and load and unload the simulator. What each
 * does next is drawn from a seed that is printed:
 *
 *	VDPA_RACE_SEED=N VDPA_RACE_ROUNDS=N ./race_test
 *
 * Every answer has to be one that a race may lead to. In the end all is gone.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vdpa_harness.h"

#define ROUNDS		400	/* of each thread */
#define OTHER_DEVICES	64	/* at most, besides those of add_auto */
/* So many times as many rounds, until it was not refused once */
#define LUCKLESS	20
#define MODULE_ROUNDS	20	/* of those that load modules */

/* Few names, so that the threads meet */
#define NAMES		6
#define MGMTS		3

#define BUS_DIR		"/sys/bus/vdpa/"

static const char * const names[NAMES] = {
	"race0", "race1", "race2", "race3", "vdpa0", "vdpa1",
};

/* The one that stays, and those that come and go */
#define STAYS		"rstays"
static const char * const mgmts[MGMTS] = { "rmgmt0", "rmgmt1", "rmgmt2" };

struct racer {
	pthread_t thread;
	pthread_barrier_t *barrier;
	const struct race *race;
	struct vnl s;
	unsigned int rounds;
	uint64_t random;
	unsigned long done, refused;
	int odd;		/* an answer that nobody should get */
	void *own;		/* the function's own */
};

/* One thread: what it does, and the answers that a race may lead to */
struct race {
	const char *name;
	int (*fn)(struct racer *r);
	unsigned int rounds;	/* 0: as many as the others */
	bool till_end;		/* as long as others are at it */
	int allowed[5];
};

static atomic_uint race_busy;

/* xorshift64*; the seed is never 0 */
static unsigned int draw(struct racer *r, unsigned int below)
{
	r->random ^= r->random >> 12;
	r->random ^= r->random << 25;
	r->random ^= r->random >> 27;
	return (r->random * 0x2545f4914f6cdd1dULL >> 32) % below;
}

static const char *draw_name(struct racer *r)
{
	return names[draw(r, NAMES)];
}

static const char *draw_mgmt(struct racer *r)
{
	unsigned int i = draw(r, MGMTS + 2);

	if (i < MGMTS)
		return mgmts[i];
	return i == MGMTS ? STAYS : ENV_SIM;
}

/*
 * What they do
 */

static int race_add(struct racer *r)
{
	return vnl_dev_add(&r->s, draw_mgmt(r), draw_name(r));
}

static int race_add_auto(struct racer *r)
{
	struct vnl_dev dev;
	int err;

	err = vnl_dev_add_auto(&r->s, draw_mgmt(r), &dev);
	if (err)
		return err;
	/* the answer to ECHO names it */
	if (strncmp(dev.name, "vdpa", 4))
		return EPROTO;
	if (!draw(r, 2))
		return 0;
	/* It may be gone, and an orphan in its place, which cannot be deleted */
	err = vnl_dev_del(&r->s, dev.name);
	return err == EOPNOTSUPP ? ENODEV : err;
}

static int race_del(struct racer *r)
{
	return vnl_dev_del(&r->s, draw_name(r));
}

static int race_get(struct racer *r)
{
	const char *name = draw_name(r);
	struct vnl_mgmt mgmt;
	struct vnl_dev dev;
	int err;

	if (draw(r, 4))
		err = vnl_dev_get(&r->s, name, &dev);
	else
		return vnl_mgmt_get(&r->s, draw_mgmt(r), &mgmt);
	return !err && strcmp(dev.name, name) ? EPROTO : err;
}

/* No device twice, whatever comes and goes */
static int race_dump(struct racer *r)
{
	struct vnl_devs l;
	size_t i;
	int err;

	err = vnl_devs_get(&r->s, draw(r, 2) ? draw_mgmt(r) : NULL, &l);
	for (i = 1; !err && !l.intr && i < l.nr; i++)
		if (vnl_devs_find(&l, l.dev[i].name) != &l.dev[i])
			err = EPROTO;
	vnl_devs_free(&l);
	return err;
}

/* What only the parent knows of a device, while that comes and goes */
static int race_look(struct racer *r)
{
	static const uint8_t cmds[] = {
		VDPA_CMD_DEV_CONFIG_GET, VDPA_CMD_DEV_VSTATS_GET,
		VDPA_CMD_DEV_STATS_GET,
	};
	uint8_t cmd = cmds[draw(r, sizeof(cmds))];
	const char *name = draw_name(r);
	struct vnl_dump d;
	struct vnl_msg m;

	if (!draw(r, 4)) {
		vnl_msg_init(&m, &r->s, draw(r, 2) ? VDPA_CMD_DEV_CONFIG_GET :
						     VDPA_CMD_DEV_STATS_GET, 0);
		vnl_dump_start(&d, &r->s, &m, VNL_CHUNK_SMALL);
		return vnl_dump_rest(&d, NULL, NULL);
	}
	vnl_msg_init(&m, &r->s, cmd, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, name);
	if (cmd != VDPA_CMD_DEV_CONFIG_GET)
		vnl_put_u32(&m, VDPA_ATTR_DEV_QUEUE_INDEX, draw(r, 4));
	return vnl_request(&r->s, &m, NULL, NULL);
}

static int race_set(struct racer *r)
{
	const uint8_t mac[6] = { 2, [5] = draw(r, 256) };
	struct vnl_msg m;

	vnl_msg_init(&m, &r->s, VDPA_CMD_DEV_ATTR_SET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, draw_name(r));
	vnl_put(&m, VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, sizeof(mac));
	return vnl_request(&r->s, &m, NULL, NULL);
}

/* Left half-read, and the socket closed */
static int race_half_dump(struct racer *r)
{
	struct vnl_dump d;
	struct vnl_msg m;
	struct vnl s;

	vnl_open(&s);
	vnl_msg_init(&m, &s, draw(r, 2) ? VDPA_CMD_DEV_GET :
					  VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&d, &s, &m, VNL_CHUNK_SMALL);
	if (draw(r, 2))
		vnl_dump_next(&d, NULL, NULL);
	vnl_close(&s);
	return 0;
}

/* Listeners that come and go, and never read */
static int race_subscribe(struct racer *r)
{
	struct vnl s;
	int err;

	vnl_open(&s);
	err = vnl_monitor_join(&s);
	if (draw(r, 2))
		sched_yield();
	vnl_close(&s);
	return err;
}

/* What a name may be followed by: NEW, then CHANGE, then DEL, then NEW again */
struct watched {
	struct vnl mon;
	size_t nr;
	size_t room;
	char name[][VNL_NAME_LEN];
};

static size_t watched_find(const struct watched *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->nr; i++)
		if (!strcmp(w->name[i], name))
			break;
	return i;
}

static int watched_event(struct watched *w, const struct vnl_event *ev)
{
	size_t i = watched_find(w, ev->dev.name);
	bool there = i < w->nr;

	switch (ev->cmd) {
	case VDPA_CMD_DEV_NEW:
		if (there)
			return EPROTO;
		if (i == w->room)
			return ENOSPC;
		snprintf(w->name[w->nr++], sizeof(w->name[0]), "%s",
			 ev->dev.name);
		return 0;
	case VDPA_CMD_DEV_CHANGE:
		return there ? 0 : EPROTO;
	case VDPA_CMD_DEV_DEL:
		if (!there)
			return EPROTO;
		memmove(w->name[i], w->name[--w->nr], sizeof(w->name[0]));
		return 0;
	}
	return 0;
}

/* Devices whose names the kernel picks may all be there at once: one a round */
static struct watched *watched_new(unsigned int rounds)
{
	size_t room = OTHER_DEVICES + (size_t)rounds;
	struct watched *w = calloc(1, sizeof(*w) + room * sizeof(w->name[0]));

	if (w) {
		w->room = room;
		vnl_monitor_open(&w->mon);
	}
	return w;
}

static int race_watch(struct racer *r)
{
	struct watched *w = r->own;
	struct vnl_event ev;
	int ret, err = 0;

	ret = vnl_event_next(&w->mon, &ev, 10);
	if (ret < 0)
		return -ret;
	if (ret)
		err = watched_event(w, &ev);
	if (err)
		fprintf(stderr, "# watcher: event %u about %s out of order\n",
			ev.cmd, ev.dev.name);
	return err;
}

static int race_bind(struct racer *r)
{
	const char *name = draw_name(r);

	return draw(r, 2) ? env_bind(name) : env_unbind(name);
}

static int race_driver(struct racer *r)
{
	usleep(draw(r, 5000));
	return env_driver(draw(r, 4));
}

static int race_override(struct racer *r)
{
	static const char * const values[] = {
		ENV_DRIVER, "other_driver", "\n", "", "x",
	};
	char path[128], value[128];

	snprintf(path, sizeof(path), BUS_DIR "devices/%s/driver_override",
		 draw_name(r));
	if (draw(r, 3))
		return env_write(path, values[draw(r, ARRAY_SIZE(values))]);
	return env_read(path, value, sizeof(value));
}

static int race_uevent(struct racer *r)
{
	char path[128];

	snprintf(path, sizeof(path), BUS_DIR "devices/%s/uevent", draw_name(r));
	return env_write(path, "change");
}

/*
 * The driver core warns of two devices of the same name, and it is the test
 * module that would be to blame: so there is one thread, which knows.
 */
static int race_mgmt(struct racer *r)
{
	static bool there[MGMTS];
	unsigned int i = draw(r, MGMTS);
	int err;

	err = there[i] ? env_mgmt_del(mgmts[i]) : env_mgmt_new(mgmts[i]);
	if (!err)
		there[i] = !there[i];
	return err;
}

static int race_orphan(struct racer *r)
{
	const char *name = draw_name(r);

	return draw(r, 2) ? env_orphan_new(name) : env_orphan_del(name);
}

static int race_module(struct racer *r)
{
	usleep(draw(r, 20000));
	return env_rmmod(ENV_SIM_MODULE, true) ?:
	       env_modprobe(ENV_SIM_MODULE, draw(r, 2) ? "default_device=1" :
							 NULL);
}

static int race_move_to(struct racer *r, int fd)
{
	struct vnl_msg m;

	vnl_msg_init(&m, &r->s, VDPA_CMD_MGMTDEV_SET, 0);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_u32(&m, VDPA_ATTR_NETNS_FD, fd);
	return vnl_request(&r->s, &m, NULL, NULL);
}

/* To a network namespace that looks around and dies, with or without it */
static int race_move(struct racer *r)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), err;
	struct vnl_devs devs;
	struct vnl inside;
	int there;

	if (home < 0 || unshare(CLONE_NEWNET))
		return errno;
	there = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	vnl_open(&inside);
	if (there < 0 || setns(home, CLONE_NEWNET))
		return errno;
	err = race_move_to(r, there);
	if (!vnl_devs_get(&inside, NULL, &devs))
		vnl_devs_free(&devs);
	if (!err && draw(r, 2))
		err = race_move_to(r, home);
	vnl_close(&inside);
	close(there);
	close(home);
	return err;
}

static int race_core(struct racer *r)
{
	usleep(draw(r, 2000));
	/* always in use: by the test module, if by nobody else */
	return env_rmmod(draw(r, 2) ? "vdpa" : "vdpa_sim", false);
}

static const struct race races[] = {
	{ "add", race_add, .allowed = { EEXIST, ENODEV } },
	{ "add", race_add, .allowed = { EEXIST, ENODEV } },
	{ "add", race_add, .allowed = { EEXIST, ENODEV } },
	{ "add_auto", race_add_auto, .allowed = { ENODEV } },
	{ "del", race_del, .allowed = { ENODEV, EOPNOTSUPP } },
	{ "get", race_get, .allowed = { ENODEV } },
	{ "dump", race_dump, .allowed = { ENODEV } },
	/* EINVAL: it has fewer queues; EOPNOTSUPP: no statistics */
	{ "look", race_look, .allowed = { ENODEV, EINVAL, EOPNOTSUPP } },
	/* EOPNOTSUPP: an orphan */
	{ "set", race_set, .allowed = { ENODEV, EOPNOTSUPP } },
	{ "half_dump", race_half_dump },
	{ "subscribe", race_subscribe },
	{ "watch", race_watch, .till_end = true },
	/* EBUSY: already bound; EAGAIN: registering it has not ended yet */
	{ "bind", race_bind, .allowed = { ENODEV, ENOENT, EBUSY, EAGAIN } },
	{ "bind", race_bind, .allowed = { ENODEV, ENOENT, EBUSY, EAGAIN } },
	{ "driver", race_driver },
	{ "override", race_override, .allowed = { ENOENT, ENODEV } },
	{ "override", race_override, .allowed = { ENOENT, ENODEV } },
	{ "uevent", race_uevent, .allowed = { ENOENT, ENODEV } },
	{ "mgmtdev", race_mgmt },
	{ "orphan", race_orphan, .allowed = { EEXIST, ENODEV } },
	{ "module", race_module, .rounds = MODULE_ROUNDS },
	{ "move", race_move, .rounds = MODULE_ROUNDS, .allowed = { ENODEV } },
	{ "core", race_core, .allowed = { EAGAIN } },
};

/*
 * Running them
 */

static bool race_allows(const struct race *race, int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(race->allowed); i++)
		if (race->allowed[i] == err)
			return true;
	return false;
}

/*
 * What was refused each time, as the others happened to be in the way, goes on for
 * a while.
 */
static bool racer_goes_on(const struct racer *r, unsigned int round)
{
	if (r->odd)
		return false;
	if (r->race->till_end)
		return race_busy > 0;
	if (round < r->rounds)
		return true;
	return !r->done && r->race->fn != race_core &&
	       round < LUCKLESS * r->rounds;
}

static void *racer_thread(void *arg)
{
	struct racer *r = arg;
	unsigned int round;
	int err;

	pthread_barrier_wait(r->barrier);
	for (round = 0; racer_goes_on(r, round); round++) {
		err = r->race->fn(r);
		if (!err)
			r->done++;
		else if (race_allows(r->race, err))
			r->refused++;
		else
			r->odd = err;
		if (!draw(r, 8))
			sched_yield();
	}
	if (!r->race->till_end)
		race_busy--;
	return NULL;
}

/* How often all threads of that function did it */
static unsigned long races_done(const struct racer *racers,
				int (*fn)(struct racer *r))
{
	unsigned long done = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(races); i++)
		if (races[i].fn == fn)
			done += racers[i].done;
	return done;
}

static uint64_t race_env(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t race_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = getpid();
	return race_env("VDPA_RACE_SEED", seed >> 32 | 1);
}

FIXTURE(race) {
	struct vnl s;
	struct racer racer[ARRAY_SIZE(races)];
	struct watched *watched;
	pthread_barrier_t barrier;
};

FIXTURE_SETUP(race)
{
	vnl_open(&self->s);
	env_reset(&self->s);
	ASSERT_EQ(0, env_mgmt_new(STAYS));
	self->watched = watched_new(race_env("VDPA_RACE_ROUNDS", ROUNDS));
	ASSERT_NE(NULL, self->watched);
	ASSERT_EQ(0, pthread_barrier_init(&self->barrier, NULL,
					  ARRAY_SIZE(races)));
}

/* An orphan is deleted by name, and shown by no dump */
static void orphans_del(void)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		env_orphan_del(names[i]);
}

FIXTURE_TEARDOWN(race)
{
	vnl_close(&self->watched->mon);
	free(self->watched);
	env_modprobe(ENV_SIM_MODULE, NULL);
	env_modprobe(ENV_TEST_MODULE, NULL);
	orphans_del();
	vnl_close(&self->s);
	vnl_open(&self->s);
	env_reset(&self->s);
	vnl_close(&self->s);
}

/* The events that are left take the watcher to what there is: nothing */
static int watched_rest(struct watched *w)
{
	struct vnl_event ev;
	int ret, err = 0;

	while (!err && (ret = vnl_event_next(&w->mon, &ev, 0)) > 0)
		err = watched_event(w, &ev);
	return err ?: -ret;
}

TEST_F_TIMEOUT(race, all_at_once, 40)
{
	unsigned int i, rounds = race_env("VDPA_RACE_ROUNDS", ROUNDS);
	uint64_t seed = race_seed();
	struct racer *r;

	fprintf(stderr, "# VDPA_RACE_SEED=%llu VDPA_RACE_ROUNDS=%u\n",
		(unsigned long long)seed, rounds);
	race_busy = 0;
	for (i = 0; i < ARRAY_SIZE(races); i++)
		race_busy += !races[i].till_end;
	for (i = 0; i < ARRAY_SIZE(races); i++) {
		r = &self->racer[i];
		r->race = &races[i];
		r->barrier = &self->barrier;
		r->rounds = races[i].rounds ?: rounds;
		r->random = seed * (2 * i + 1) ?: 1;
		r->own = self->watched;
		vnl_open(&r->s);
		ASSERT_EQ(0, pthread_create(&r->thread, NULL, racer_thread, r));
	}
	for (i = 0; i < ARRAY_SIZE(races); i++) {
		r = &self->racer[i];
		pthread_join(r->thread, NULL);
		vnl_close(&r->s);
		EXPECT_EQ(0, r->odd)
			TH_LOG("%s: %s", r->race->name, strerror(r->odd));
		fprintf(stderr, "# %s: %lu done, %lu refused\n", r->race->name,
			r->done, r->refused);
	}

	/* none of it was only ever refused, but for what must be */
	for (i = 0; i < ARRAY_SIZE(races); i++) {
		r = &self->racer[i];
		EXPECT_EQ(r->race->fn != race_core,
			  !!races_done(self->racer, r->race->fn))
			TH_LOG("%s", r->race->name);
	}

	/* All that is left can be deleted, and then nothing is left */
	env_driver(false);
	orphans_del();
	env_reset(&self->s);
	EXPECT_EQ(0, watched_rest(self->watched));
	/* so says the watcher, too */
	EXPECT_EQ(0, self->watched->nr);
	EXPECT_EQ(0, env_refcnt(ENV_SIM_MODULE));
	EXPECT_EQ(0, env_refcnt(ENV_TEST_MODULE));
	EXPECT_EQ(2, env_refcnt("vdpa_sim"));
	for (i = 0; i < NAMES; i++) {
		EXPECT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, names[i]));
		EXPECT_EQ(0, vnl_dev_del(&self->s, names[i]));
	}

	/* nor does anything hold the modules */
	EXPECT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	EXPECT_EQ(0, env_rmmod(ENV_TEST_MODULE, true));
	EXPECT_EQ(0, env_rmmod("vdpa_sim", true));
	EXPECT_EQ(0, env_rmmod("vdpa", true));
	EXPECT_EQ(0, env_modprobe(ENV_SIM_MODULE, NULL));
	EXPECT_EQ(0, env_modprobe(ENV_TEST_MODULE, NULL));
}

VDPA_HARNESS_MAIN
