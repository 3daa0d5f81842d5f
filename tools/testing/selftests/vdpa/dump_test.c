// SPDX-License-Identifier: GPL-2.0
/*
 * Dumps of many devices, in chunks, while devices come and go: those that stay
 * are shown once, those that come are not, and a removal is told of.
 *
 * The kernel fills the first chunk when the dump is requested and each further
 * one when the one before it is read. So after reading chunk N, chunk N + 1 is
 * fixed already, and what happens now is met by chunk N + 2.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>

#include "vdpa_harness.h"

#define MANY		2000	/* devices: some 60 small chunks */
#define SOME		300	/* about 10 */
#define MGMTS		300	/* management devices */
#define OTHER		"tother"
#define ON_BUS		"tbus"
#define ON_BUS_HANDLE	ENV_TEST_BUS "/" ON_BUS

/* "PREFIX" and number to number, or -1 */
static int number_of(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) || !isdigit(name[len]))
		return -1;
	return atoi(name + len);
}

static int add_many(struct vnl *s, const char *handle, const char *prefix,
		    int nr)
{
	char name[VDPA_DEV_NAME_MAX + 1];
	int i, err = 0;

	for (i = 0; i < nr && !err; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		err = vnl_dev_add(s, handle, name);
	}
	return err;
}

/* How often each of the devices "keepN" was shown, and what else was */
struct seen {
	int nr;
	unsigned char keep[MANY];
	int late;		/* devices "lateN" */
	int other;
	char last[VNL_NAME_LEN];
};

static void seen_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct seen *seen = arg;
	struct vnl_dev dev;
	int nr;

	vnl_dev_parse(nlh, &dev);
	memcpy(seen->last, dev.name, sizeof(seen->last));
	seen->nr++;
	nr = number_of(dev.name, "keep");
	if (nr >= 0 && nr < MANY)
		seen->keep[nr]++;
	else if (number_of(dev.name, "late") >= 0)
		seen->late++;
	else
		seen->other++;
}

/* Were the first @nr of "keepN" shown, each of them once? */
static bool seen_each_once(const struct seen *seen, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (seen->keep[i] == 1)
			continue;
		fprintf(stderr, "# keep%d was shown %u times\n", i,
			seen->keep[i]);
		return false;
	}
	return true;
}

FIXTURE(dump) {
	struct vnl s;		/* dumps */
	struct vnl ctl;		/* adds and deletes */
	struct vnl_msg m;
	struct vnl_dump d;
	struct seen seen;
};

FIXTURE_SETUP(dump)
{
	vnl_open(&self->s);
	vnl_open(&self->ctl);
	env_reset(&self->ctl);
}

FIXTURE_TEARDOWN(dump)
{
	vnl_close(&self->s);
	env_reset(&self->ctl);
	vnl_close(&self->ctl);
}

#define START_SMALL(_self) do { \
	memset(&(_self)->seen, 0, sizeof((_self)->seen)); \
	vnl_msg_init(&(_self)->m, &(_self)->s, VDPA_CMD_DEV_GET, 0); \
	vnl_dump_start(&(_self)->d, &(_self)->s, &(_self)->m, \
		       VNL_CHUNK_SMALL); \
} while (0)

#define NEXT(_self) \
	vnl_dump_next(&(_self)->d, seen_cb, &(_self)->seen)
#define REST(_self) \
	vnl_dump_rest(&(_self)->d, seen_cb, &(_self)->seen)

TEST_F(dump, of_nothing)
{
	START_SMALL(self);
	EXPECT_EQ(0, REST(self));
	EXPECT_EQ(0, self->seen.nr);
	EXPECT_FALSE(self->d.intr);
	EXPECT_EQ(1, self->d.nr_chunks);
}

/* Nobody disturbs: all there, once, in many chunks, and no flag */
TEST_F(dump, undisturbed)
{
	bool intr = false;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	START_SMALL(self);
	while (NEXT(self))
		intr |= self->d.intr;
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
	EXPECT_EQ(SOME, self->seen.nr);
	EXPECT_LT(5, self->d.nr_chunks);
	EXPECT_FALSE(intr || self->d.intr);
}

/* A larger buffer shows the same */
TEST_F(dump, large_buffer)
{
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_DEV_GET, 0);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_LARGE);
	EXPECT_EQ(0, REST(self));
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
	EXPECT_EQ(SOME, self->seen.nr);
}

/* Two thousand devices, and four threads that make and delete others */
struct churn {
	pthread_t thread;
	atomic_bool stop;
	const char *handle;
	int id;
	unsigned int rounds;
	int err;
};

static void *churn_thread(void *arg)
{
	char name[VDPA_DEV_NAME_MAX + 1];
	struct churn *c = arg;
	struct vnl s;
	int i;

	vnl_open(&s);
	while (!c->stop && !c->err) {
		for (i = 0; i < 10 && !c->err; i++) {
			snprintf(name, sizeof(name), "churn%d-%d", c->id, i);
			c->err = vnl_dev_add(&s, c->handle, name);
		}
		for (i = 0; i < 10 && !c->err; i++) {
			snprintf(name, sizeof(name), "churn%d-%d", c->id, i);
			c->err = vnl_dev_del(&s, name);
		}
		c->rounds++;
	}
	vnl_close(&s);
	return NULL;
}

static int churn_start(struct churn *c, int nr)
{
	int i, err = 0;

	for (i = 0; i < nr && !err; i++) {
		c[i].id = i;
		c[i].handle = i % 2 ? OTHER : ENV_SIM;
		err = pthread_create(&c[i].thread, NULL, churn_thread, &c[i]);
	}
	return err;
}

static int churn_stop(struct churn *c, int nr)
{
	int i, err = 0;

	for (i = 0; i < nr; i++)
		c[i].stop = true;
	for (i = 0; i < nr; i++) {
		pthread_join(c[i].thread, NULL);
		if (c[i].err)
			err = c[i].err;
		if (!c[i].rounds)
			err = ETIME;
	}
	return err;
}

TEST_F_TIMEOUT(dump, many_while_others_come_and_go, 55)
{
	struct churn churn[4] = { 0 };
	int i;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", MANY));
	ASSERT_EQ(0, churn_start(churn, ARRAY_SIZE(churn)));
	for (i = 0; i < 20; i++) {
		START_SMALL(self);
		EXPECT_EQ(0, REST(self));
		EXPECT_TRUE(seen_each_once(&self->seen, MANY));
		EXPECT_EQ(MANY + self->seen.other, self->seen.nr);
		EXPECT_LT(30, self->d.nr_chunks);
	}
	EXPECT_EQ(0, churn_stop(churn, ARRAY_SIZE(churn)));
}

/* A device whose name comes back during the dump is not shown again */
TEST_F(dump, deleted_and_made_again)
{
	char name[VDPA_DEV_NAME_MAX + 1];
	int i, chunk = 0;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	START_SMALL(self);
	while (NEXT(self)) {
		for (i = chunk++; i < SOME; i += 7) {
			snprintf(name, sizeof(name), "keep%d", i);
			ASSERT_EQ(0, vnl_dev_del(&self->ctl, name));
			ASSERT_EQ(0, vnl_dev_add(&self->ctl, ENV_SIM, name));
		}
	}
	EXPECT_EQ(0, self->s.err.err);
	for (i = 0; i < SOME; i++) {
		EXPECT_GE(1, self->seen.keep[i]) TH_LOG("keep%d", i);
	}
}

/* An add is no interruption, and what it made belongs to the next dump */
TEST_F(dump, add_between_chunks)
{
	char name[VDPA_DEV_NAME_MAX + 1];
	bool intr = false;
	int nr = 0;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	START_SMALL(self);
	while (NEXT(self)) {
		intr |= self->d.intr;
		snprintf(name, sizeof(name), "late%d", nr++);
		ASSERT_EQ(0, vnl_dev_add(&self->ctl, ENV_SIM, name));
	}
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_FALSE(intr || self->d.intr);
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
	EXPECT_EQ(0, self->seen.late);
	EXPECT_LT(5, nr);

	START_SMALL(self);
	EXPECT_EQ(0, REST(self));
	EXPECT_EQ(nr, self->seen.late);
}

/* Nothing was flagged before the removal, something is after it */
TEST_F(dump, removal_between_chunks)
{
	bool before = false, after = false;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	ASSERT_EQ(0, vnl_dev_add(&self->ctl, ENV_SIM, "gone"));
	START_SMALL(self);
	ASSERT_TRUE(NEXT(self));
	before |= self->d.intr;
	ASSERT_EQ(0, vnl_dev_del(&self->ctl, "gone"));
	/* this chunk was made before */
	ASSERT_TRUE(NEXT(self));
	before |= self->d.intr;
	while (NEXT(self))
		after |= self->d.intr;
	after |= self->d.intr;
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_FALSE(before);
	EXPECT_TRUE(after);
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
}

/* Each dump for itself: who starts afterwards is not interrupted */
TEST_F(dump, removal_before_the_dump)
{
	bool intr = false;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	ASSERT_EQ(0, vnl_dev_add(&self->ctl, ENV_SIM, "gone"));
	ASSERT_EQ(0, vnl_dev_del(&self->ctl, "gone"));
	START_SMALL(self);
	while (NEXT(self))
		intr |= self->d.intr;
	EXPECT_FALSE(intr || self->d.intr);
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
}

/* A dump of one chunk cannot be interrupted */
TEST_F(dump, removal_after_the_last_chunk)
{
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", 3));
	START_SMALL(self);
	ASSERT_EQ(0, vnl_dev_del(&self->ctl, "keep2"));
	EXPECT_FALSE(NEXT(self));
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_FALSE(self->d.intr);
	EXPECT_TRUE(seen_each_once(&self->seen, 3));
}

/*
 * The kernel's cursor stands behind the chunk that is made but not read yet:
 * devices around there are deleted, in windows of several widths and places.
 * Their order is learnt from a dump before; all are of the same size.
 */
struct cursor {
	struct vnl_devs order;
	bool gone[SOME];
	int per_chunk;
};

static int cursor_learn(struct cursor *c, struct vnl *s)
{
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_GET, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_SMALL);
	vnl_dump_next(&d, vnl_devs_add, &c->order);
	c->per_chunk = c->order.nr;
	return vnl_dump_rest(&d, vnl_devs_add, &c->order);
}

/* Index of the first device that neither @last's chunk nor the next one has */
static int cursor_index(const struct cursor *c, const char *last)
{
	int i, left = c->per_chunk;

	i = vnl_devs_find(&c->order, last) - c->order.dev + 1;
	while (i < SOME && left)
		left -= !c->gone[i++];
	return i;
}

static int cursor_delete(struct cursor *c, struct vnl *s, int from, int to)
{
	int err = 0;

	for (; from < to && !err; from++) {
		if (from < 0 || from >= SOME || c->gone[from])
			continue;
		err = vnl_dev_del(s, c->order.dev[from].name);
		c->gone[from] = true;
	}
	return err;
}

TEST_F(dump, removal_at_the_cursor)
{
	static const struct { int from, to; } window[] = {
		{ 0, 1 }, { -1, 0 }, { -1, 1 }, { 0, 3 }, { -3, 0 }, { -2, 2 },
		{ 1, 2 },
	};
	struct cursor c = { 0 };
	int i, nr, at, rounds = 0;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	ASSERT_EQ(0, cursor_learn(&c, &self->s));
	ASSERT_EQ(SOME, c.order.nr);
	START_SMALL(self);
	while (NEXT(self)) {
		i = rounds++ % ARRAY_SIZE(window);
		at = cursor_index(&c, self->seen.last);
		ASSERT_EQ(0, cursor_delete(&c, &self->ctl, at + window[i].from,
					   at + window[i].to));
	}
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_LT(5, rounds);
	for (i = 0; i < SOME; i++) {
		nr = number_of(c.order.dev[i].name, "keep");
		if (c.gone[i]) {
			EXPECT_GE(1, self->seen.keep[nr]) TH_LOG("keep%d", nr);
		} else {
			EXPECT_EQ(1, self->seen.keep[nr]) TH_LOG("keep%d", nr);
		}
	}
	vnl_devs_free(&c.order);
}

/* All go but the last in order; and in the end that one as well */
TEST_F(dump, all_but_the_last_go)
{
	struct vnl_devs order;
	size_t i;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	ASSERT_EQ(0, vnl_devs_get(&self->ctl, NULL, &order));
	ASSERT_EQ(SOME, order.nr);
	START_SMALL(self);
	ASSERT_TRUE(NEXT(self));
	for (i = 0; i + 1 < order.nr; i++) {
		ASSERT_EQ(0, vnl_dev_del(&self->ctl, order.dev[i].name));
	}
	EXPECT_EQ(0, REST(self));
	EXPECT_STREQ(order.dev[SOME - 1].name, self->seen.last);
	/* two chunks were made before that, one after */
	EXPECT_GE(4, self->d.nr_chunks);

	START_SMALL(self);
	EXPECT_EQ(0, REST(self));
	EXPECT_EQ(1, self->seen.nr);
	vnl_devs_free(&order);
}

TEST_F(dump, all_go)
{
	bool intr = false;
	struct vnl_devs l;
	size_t i;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	ASSERT_EQ(0, vnl_devs_get(&self->ctl, NULL, &l));
	START_SMALL(self);
	ASSERT_TRUE(NEXT(self));
	for (i = 0; i < l.nr; i++) {
		ASSERT_EQ(0, vnl_dev_del(&self->ctl, l.dev[i].name));
	}
	vnl_devs_free(&l);
	while (NEXT(self))
		intr |= self->d.intr;
	EXPECT_EQ(0, self->s.err.err);
	/* even if only the end of the dump is left to say so */
	EXPECT_TRUE(intr || self->d.intr);
	EXPECT_GE(4, self->d.nr_chunks);
}

/* Two dumps, chunk by chunk in turns, with a change between any two */
TEST_F(dump, two_at_once)
{
	struct vnl_dump other_d;
	struct vnl_msg other_m;
	struct seen *other;
	struct vnl other_s;
	bool more = true;
	int round = 0;

	other = calloc(1, sizeof(*other));
	ASSERT_NE(NULL, other);
	vnl_open(&other_s);
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	START_SMALL(self);
	vnl_msg_init(&other_m, &other_s, VDPA_CMD_DEV_GET, 0);
	/* and with other places of the cuts */
	vnl_dump_start(&other_d, &other_s, &other_m, VNL_CHUNK_LARGE / 4);
	while (more) {
		more = NEXT(self);
		ASSERT_EQ(0, vnl_dev_add(&self->ctl, ENV_SIM, "late0"));
		if (round++ % 2)
			more |= vnl_dump_next(&other_d, seen_cb, other);
		ASSERT_EQ(0, vnl_dev_del(&self->ctl, "late0"));
	}
	EXPECT_EQ(0, vnl_dump_rest(&other_d, seen_cb, other));
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
	EXPECT_TRUE(seen_each_once(other, SOME));
	EXPECT_EQ(0, self->seen.late + other->late);
	vnl_close(&other_s);
	free(other);
}

/* Read half of it and close: nothing is left behind, neither now nor later */
TEST_F(dump, half_read_and_closed)
{
	int i, refcnt, sim_refcnt;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	refcnt = env_refcnt("vdpa");
	sim_refcnt = env_refcnt(ENV_SIM_MODULE);
	for (i = 0; i < 50; i++) {
		START_SMALL(self);
		if (i % 3) {
			ASSERT_TRUE(NEXT(self));
		}
		if (i % 3 == 2) {
			ASSERT_TRUE(NEXT(self));
		}
		vnl_close(&self->s);
		vnl_open(&self->s);
	}
	EXPECT_EQ(refcnt, env_refcnt("vdpa"));
	EXPECT_EQ(sim_refcnt, env_refcnt(ENV_SIM_MODULE));
	START_SMALL(self);
	EXPECT_EQ(0, REST(self));
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
}

/* While a dump is open, a second one on the same socket is refused: EBUSY */
TEST_F(dump, second_on_the_same_socket)
{
	struct vnl_msg m;

	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", SOME));
	START_SMALL(self);
	vnl_msg_init(&m, &self->s, VDPA_CMD_DEV_GET, NLM_F_DUMP);
	ASSERT_EQ(0, vnl_send(&self->s, &m));
	EXPECT_EQ(EBUSY, vnl_wait_ack(&self->s, &m, NULL, NULL));
	/* the first one goes on; its first chunk was skipped just now */
	EXPECT_EQ(0, REST(self));
	EXPECT_LT(SOME / 2, self->seen.nr);
}

/*
 * Filters
 */

TEST_F(dump, of_one_management_device)
{
	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_EQ(0, env_mgmt_new(ON_BUS " bus"));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "late", 100));
	ASSERT_EQ(0, add_many(&self->ctl, OTHER, "keep", 100));
	ASSERT_EQ(0, add_many(&self->ctl, ON_BUS_HANDLE, "foreign", 3));

	vnl_msg_init(&self->m, &self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put_handle(&self->m, OTHER);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	EXPECT_EQ(0, REST(self));
	EXPECT_TRUE(seen_each_once(&self->seen, 100));
	EXPECT_EQ(100, self->seen.nr);
	EXPECT_LT(1, self->d.nr_chunks);
	EXPECT_FALSE(self->d.unfiltered);

	memset(&self->seen, 0, sizeof(self->seen));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put_handle(&self->m, ON_BUS_HANDLE);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	EXPECT_EQ(0, REST(self));
	EXPECT_EQ(3, self->seen.other);
	EXPECT_EQ(3, self->seen.nr);
	EXPECT_FALSE(self->d.unfiltered);
}

/* Those of all management devices on a bus; of an unknown bus there are none */
TEST_F(dump, of_one_bus)
{
	ASSERT_EQ(0, env_mgmt_new(OTHER " bus"));
	ASSERT_EQ(0, env_mgmt_new(ON_BUS " bus"));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "late", 100));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_TEST_BUS "/" OTHER, "keep", 100));
	ASSERT_EQ(0, add_many(&self->ctl, ON_BUS_HANDLE, "foreign", 100));

	vnl_msg_init(&self->m, &self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put_str(&self->m, VDPA_ATTR_MGMTDEV_BUS_NAME, ENV_TEST_BUS);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	EXPECT_EQ(0, REST(self));
	EXPECT_TRUE(seen_each_once(&self->seen, 100));
	EXPECT_EQ(100, self->seen.other);
	EXPECT_EQ(200, self->seen.nr);
	EXPECT_FALSE(self->d.unfiltered);

	memset(&self->seen, 0, sizeof(self->seen));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put_str(&self->m, VDPA_ATTR_MGMTDEV_BUS_NAME, "nosuch");
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	EXPECT_EQ(0, REST(self));
	EXPECT_EQ(0, self->seen.nr);
}

/* Without a filter no message says that there was one */
TEST_F(dump, unfiltered_is_not_flagged)
{
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", 3));
	START_SMALL(self);
	EXPECT_EQ(0, REST(self));
	EXPECT_EQ(3, self->seen.nr);
	EXPECT_TRUE(self->d.unfiltered);
}

TEST_F(dump, of_an_empty_management_device)
{
	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "keep", 3));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put_handle(&self->m, OTHER);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	EXPECT_EQ(0, REST(self));
	EXPECT_EQ(0, self->seen.nr);
}

/* The devices of a filter come and go like any others */
TEST_F(dump, filtered_with_changes)
{
	char name[VDPA_DEV_NAME_MAX + 1];
	int nr = 0;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_EQ(0, add_many(&self->ctl, OTHER, "keep", SOME));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "foreign", SOME));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put_handle(&self->m, OTHER);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	while (NEXT(self)) {
		snprintf(name, sizeof(name), "foreign%d", nr++);
		ASSERT_EQ(0, vnl_dev_del(&self->ctl, name));
		ASSERT_EQ(0, vnl_dev_add(&self->ctl, OTHER, name));
		snprintf(name, sizeof(name), "late%d", nr);
		ASSERT_EQ(0, vnl_dev_add(&self->ctl, OTHER, name));
	}
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_LT(5, nr);
	EXPECT_TRUE(seen_each_once(&self->seen, SOME));
	EXPECT_EQ(SOME, self->seen.nr);
}

/*
 * Management devices
 */

static void mgmt_seen_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct seen *seen = arg;
	struct vnl_mgmt mgmt;
	int nr;

	vnl_mgmt_parse(nlh, &mgmt);
	seen->nr++;
	nr = number_of(mgmt.name, "tm");
	if (nr >= 0 && nr < MANY)
		seen->keep[nr]++;
	else
		seen->other++;
}

static int new_mgmts(int nr)
{
	char spec[64];
	int i, err = 0;

	for (i = 0; i < nr && !err; i++) {
		snprintf(spec, sizeof(spec), "tm%d", i);
		err = env_mgmt_new(spec);
	}
	return err;
}

TEST_F(dump, of_many_management_devices)
{
	bool intr = false;

	ASSERT_EQ(0, new_mgmts(MGMTS));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	while (vnl_dump_next(&self->d, mgmt_seen_cb, &self->seen))
		intr |= self->d.intr;
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_TRUE(seen_each_once(&self->seen, MGMTS));
	EXPECT_EQ(MGMTS + 1, self->seen.nr);
	EXPECT_LT(3, self->d.nr_chunks);
	EXPECT_FALSE(intr || self->d.intr);
}

TEST_F(dump, of_management_devices_on_a_bus)
{
	ASSERT_EQ(0, new_mgmts(3));
	ASSERT_EQ(0, env_mgmt_new(OTHER " bus"));
	ASSERT_EQ(0, env_mgmt_new(ON_BUS " bus"));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_put_str(&self->m, VDPA_ATTR_MGMTDEV_BUS_NAME, ENV_TEST_BUS);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	EXPECT_EQ(0, vnl_dump_rest(&self->d, mgmt_seen_cb, &self->seen));
	EXPECT_EQ(2, self->seen.nr);
	EXPECT_EQ(2, self->seen.other);
	EXPECT_FALSE(self->d.unfiltered);
}

TEST_F(dump, management_device_goes)
{
	bool before = false, after = false;

	ASSERT_EQ(0, new_mgmts(MGMTS));
	ASSERT_EQ(0, env_mgmt_new("gone"));
	vnl_msg_init(&self->m, &self->s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&self->d, &self->s, &self->m, VNL_CHUNK_SMALL);
	ASSERT_TRUE(vnl_dump_next(&self->d, mgmt_seen_cb, &self->seen));
	before |= self->d.intr;
	ASSERT_EQ(0, env_mgmt_del("gone"));
	ASSERT_EQ(0, env_mgmt_new("late"));
	ASSERT_TRUE(vnl_dump_next(&self->d, mgmt_seen_cb, &self->seen));
	before |= self->d.intr;
	while (vnl_dump_next(&self->d, mgmt_seen_cb, &self->seen))
		after |= self->d.intr;
	after |= self->d.intr;
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_FALSE(before);
	EXPECT_TRUE(after);
	EXPECT_TRUE(seen_each_once(&self->seen, MGMTS));
	/* the simulator's and, if it was early in the order, the one that went */
	EXPECT_GE(2, self->seen.other);
}

/*
 * The module goes
 */

/* The simulator goes with all its devices in the middle of a dump of them */
TEST_F(dump, rmmod_between_chunks)
{
	bool after = false;
	int shown;

	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "late", SOME / 2));
	ASSERT_EQ(0, add_many(&self->ctl, OTHER, "keep", SOME / 2));
	ASSERT_EQ(0, add_many(&self->ctl, ENV_SIM, "foreign", SOME / 2));
	START_SMALL(self);
	ASSERT_TRUE(NEXT(self));
	ASSERT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	/* made before */
	ASSERT_TRUE(NEXT(self));
	shown = self->seen.late + self->seen.other;
	while (NEXT(self))
		after |= self->d.intr;
	EXPECT_EQ(0, self->s.err.err);
	EXPECT_TRUE(after || self->d.intr);
	EXPECT_TRUE(seen_each_once(&self->seen, SOME / 2));
	/* none of the devices that are gone was shown since */
	EXPECT_EQ(shown, self->seen.late + self->seen.other);
}

/* An open dump keeps the family's module, until it is read or closed */
TEST_F(dump, keeps_the_core_loaded)
{
	ASSERT_EQ(0, env_mgmt_new(OTHER));
	ASSERT_EQ(0, add_many(&self->ctl, OTHER, "keep", SOME));
	START_SMALL(self);
	ASSERT_TRUE(NEXT(self));
	ASSERT_EQ(0, env_rmmod(ENV_SIM_MODULE, true));
	ASSERT_EQ(0, env_rmmod(ENV_TEST_MODULE, true));
	ASSERT_EQ(0, env_rmmod("vdpa_sim", true));
	EXPECT_EQ(EAGAIN, env_rmmod("vdpa", false));
	EXPECT_EQ(0, REST(self));
	EXPECT_TRUE(self->d.done);
	EXPECT_EQ(0, env_rmmod("vdpa", true));
	/* for the teardown: the family's number may be another one now */
	ASSERT_EQ(0, env_modprobe(ENV_SIM_MODULE, NULL));
	vnl_close(&self->ctl);
	vnl_open(&self->ctl);
}

VDPA_HARNESS_MAIN
