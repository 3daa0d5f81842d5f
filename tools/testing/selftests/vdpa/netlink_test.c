// SPDX-License-Identifier: GPL-2.0
/*
 * The netlink family "vdpa", request by request: life cycle, refusals with
 * errno, text and attribute, malformed messages, names, permissions, policies.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "vdpa_harness.h"

/* One management device of each kind; both can make net and block devices */
#define PLAIN		"tplain"
#define ON_BUS		"tbus"
#define ON_BUS_HANDLE	ENV_TEST_BUS "/" ON_BUS

/*
 * Requests as tables of attributes
 */

struct attr {
	uint16_t type;
	uint16_t len;
	const void *data;
};

#define ATTR_STR(_type, _str)	{ _type, sizeof(_str), _str }
#define ATTR_U8(_type, _v)	{ _type, 1, (const uint8_t[]){ _v } }
#define ATTR_U16(_type, _v)	{ _type, 2, (const uint16_t[]){ _v } }
#define ATTR_U32(_type, _v)	{ _type, 4, (const uint32_t[]){ _v } }
#define ATTR_U64(_type, _v)	{ _type, 8, (const uint64_t[]){ _v } }
#define ATTR_MAC(...)		{ VDPA_ATTR_DEV_NET_CFG_MACADDR, 6, \
				  (const uint8_t[]){ __VA_ARGS__ } }

#define NAME(_str)	ATTR_STR(VDPA_ATTR_DEV_NAME, _str)
#define MGMT(_str)	ATTR_STR(VDPA_ATTR_MGMTDEV_DEV_NAME, _str)
#define BUS(_str)	ATTR_STR(VDPA_ATTR_MGMTDEV_BUS_NAME, _str)

#define MAX_ATTRS	48

static void put_attrs(struct vnl_msg *m, const struct attr *attr)
{
	for (; attr->data; attr++)
		vnl_put(m, attr->type, attr->data, attr->len);
}

/* The last attribute that there is */
#define LAST_ATTR	VDPA_ATTR_MGMTDEV_NETNSID

/* Which operation takes which attribute, and a good value of it */
struct op {
	const char *name;
	uint8_t cmd;
	bool dump;
	struct attr attr[MAX_ATTRS + 1];
};

static const struct op ops[] = {
	{
		.name = "mgmtdev-get do",
		.cmd = VDPA_CMD_MGMTDEV_GET,
		.attr = { BUS(ENV_TEST_BUS), MGMT(ON_BUS) },
	}, {
		.name = "mgmtdev-get dump",
		.cmd = VDPA_CMD_MGMTDEV_GET,
		.dump = true,
		.attr = { BUS(ENV_TEST_BUS) },
	}, {
		.name = "dev-get do",
		.cmd = VDPA_CMD_DEV_GET,
		.attr = { NAME("taken") },
	}, {
		.name = "dev-get dump",
		.cmd = VDPA_CMD_DEV_GET,
		.dump = true,
		.attr = { BUS(ENV_TEST_BUS), MGMT(ON_BUS) },
	}, {
		.name = "dev-new",
		.cmd = VDPA_CMD_DEV_NEW,
		.attr = {
			BUS(ENV_TEST_BUS), MGMT(ON_BUS), NAME("fresh"),
			ATTR_U32(VDPA_ATTR_DEV_ID, ENV_CLASS_NET),
			ATTR_U64(VDPA_ATTR_DEV_FEATURES, 0),
			ATTR_MAC(2, 0, 0, 0, 0, 1),
			ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MTU, 1500),
			ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 1),
			ATTR_U64(VDPA_ATTR_DEV_BLK_CFG_CAPACITY, 8),
			ATTR_U8(VDPA_ATTR_DEV_BLK_READ_ONLY, 1),
			ATTR_STR(VDPA_ATTR_DEV_DRIVER, "none"),
			ATTR_U16(VDPA_ATTR_DEV_NET_VLAN, 7),
		},
	}, {
		.name = "dev-del",
		.cmd = VDPA_CMD_DEV_DEL,
		.attr = { NAME("taken") },
	}, {
		.name = "dev-config-get do",
		.cmd = VDPA_CMD_DEV_CONFIG_GET,
		.attr = { NAME("taken") },
	}, {
		.name = "dev-config-get dump",
		.cmd = VDPA_CMD_DEV_CONFIG_GET,
		.dump = true,
		.attr = { BUS(ENV_TEST_BUS), MGMT(ON_BUS) },
	}, {
		.name = "dev-vstats-get",
		.cmd = VDPA_CMD_DEV_VSTATS_GET,
		.attr = { NAME("taken"), ATTR_U32(VDPA_ATTR_DEV_QUEUE_INDEX, 0) },
	}, {
		.name = "dev-stats-get do",
		.cmd = VDPA_CMD_DEV_STATS_GET,
		.attr = { NAME("taken"), ATTR_U32(VDPA_ATTR_DEV_QUEUE_INDEX, 0) },
	}, {
		.name = "dev-stats-get dump",
		.cmd = VDPA_CMD_DEV_STATS_GET,
		.dump = true,
		.attr = { BUS(ENV_TEST_BUS), MGMT(ON_BUS) },
	}, {
		.name = "dev-profile-get do",
		.cmd = VDPA_CMD_DEV_PROFILE_GET,
		.attr = { NAME("taken") },
	}, {
		.name = "dev-profile-get dump",
		.cmd = VDPA_CMD_DEV_PROFILE_GET,
		.dump = true,
		.attr = { BUS(ENV_TEST_BUS), MGMT(ON_BUS) },
	}, {
		.name = "mgmtdev-check",
		.cmd = VDPA_CMD_MGMTDEV_CHECK,
		.attr = {
			BUS(ENV_TEST_BUS), MGMT(ON_BUS),
			ATTR_U32(VDPA_ATTR_DEV_ID, ENV_CLASS_NET),
			ATTR_U64(VDPA_ATTR_DEV_NEGOTIATED_FEATURES, 1),
			ATTR_U64(VDPA_ATTR_DEV_FEATURES, 0),
			ATTR_MAC(2, 0, 0, 0, 0, 1),
			ATTR_U16(VDPA_ATTR_DEV_NET_STATUS, 1),
			ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 1),
			ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MTU, 1500),
			ATTR_U64(VDPA_ATTR_DEV_BLK_CFG_CAPACITY, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_SIZE_MAX, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_BLK_SIZE, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_SEG_MAX, 1),
			ATTR_U16(VDPA_ATTR_DEV_BLK_CFG_NUM_QUEUES, 1),
			ATTR_U8(VDPA_ATTR_DEV_BLK_CFG_PHY_BLK_EXP, 1),
			ATTR_U8(VDPA_ATTR_DEV_BLK_CFG_ALIGN_OFFSET, 1),
			ATTR_U16(VDPA_ATTR_DEV_BLK_CFG_MIN_IO_SIZE, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_OPT_IO_SIZE, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEC, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEG, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_DISCARD_SEC_ALIGN, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC, 1),
			ATTR_U32(VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG, 1),
			ATTR_U8(VDPA_ATTR_DEV_BLK_READ_ONLY, 1),
			ATTR_U8(VDPA_ATTR_DEV_BLK_FLUSH, 1),
			ATTR_U32(VDPA_ATTR_PROFILE_VERSION, 1),
			ATTR_U32(VDPA_ATTR_DEV_MAX_VQS, 1),
			ATTR_U16(VDPA_ATTR_DEV_MAX_VQ_SIZE, 1),
			ATTR_U16(VDPA_ATTR_DEV_MIN_VQ_SIZE, 1),
			ATTR_U32(VDPA_ATTR_DEV_GROUPS, 1),
			ATTR_U32(VDPA_ATTR_DEV_ADDRESS_SPACES, 1),
			ATTR_U64(VDPA_ATTR_DEV_BACKEND_FEATURES, 1),
			ATTR_U64(VDPA_ATTR_DEV_IOVA_FIRST, 1),
			ATTR_U64(VDPA_ATTR_DEV_IOVA_LAST, 1),
			ATTR_U16(VDPA_ATTR_DEV_NET_VLAN, 1),
		},
	}, {
		.name = "mgmtdev-set",
		.cmd = VDPA_CMD_MGMTDEV_SET,
		.attr = {
			BUS(ENV_TEST_BUS), MGMT(ON_BUS),
			ATTR_U32(VDPA_ATTR_NETNS_FD, 0),
		},
	}, {
		.name = "dev-attr-set",
		.cmd = VDPA_CMD_DEV_ATTR_SET,
		.attr = {
			NAME("taken"),
			ATTR_U64(VDPA_ATTR_DEV_FEATURES, 0),
			ATTR_MAC(2, 0, 0, 0, 0, 1),
			ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MTU, 1500),
			ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 1),
			ATTR_U16(VDPA_ATTR_DEV_NET_STATUS, 1),
		},
	},
};

#define for_each_op(op) \
	for (op = ops; op < ops + ARRAY_SIZE(ops); op++)

static bool op_takes(const struct op *op, uint16_t type)
{
	const struct attr *a;

	for (a = op->attr; a->data; a++)
		if (a->type == type)
			return true;
	return false;
}

static bool is_handle(uint16_t type)
{
	return type == VDPA_ATTR_MGMTDEV_BUS_NAME ||
	       type == VDPA_ATTR_MGMTDEV_DEV_NAME ||
	       type == VDPA_ATTR_DEV_NAME;
}

static bool is_string(uint16_t type)
{
	return is_handle(type) || type == VDPA_ATTR_DEV_DRIVER;
}

/* Sends @m as the operation's do or dump and waits for the end */
static int op_send(struct vnl *s, const struct op *op, struct vnl_msg *m)
{
	struct vnl_dump d;

	if (!op->dump)
		return vnl_request(s, m, NULL, NULL);
	vnl_dump_start(&d, s, m, VNL_CHUNK_LARGE);
	return vnl_dump_rest(&d, NULL, NULL);
}

/*
 * A scene for all tests: three management devices, one device "taken", and
 * somebody who watches.
 */
struct scene {
	struct vnl s;
	struct vnl monitor;
	struct vnl_devs before;
};

static int scene_setup(struct scene *sc)
{
	int err;

	vnl_open(&sc->s);
	env_reset(&sc->s);
	err = env_mgmt_new(PLAIN " classes=net,block");
	if (!err)
		err = env_mgmt_new(ON_BUS " bus classes=net,block");
	if (!err)
		err = vnl_dev_add(&sc->s, ENV_SIM, "taken");
	if (!err)
		err = vnl_devs_get(&sc->s, NULL, &sc->before);
	vnl_monitor_open(&sc->monitor);
	return err;
}

static bool scene_unchanged(struct scene *sc)
{
	struct vnl_event ev;
	struct vnl_devs now;
	bool same;

	if (vnl_devs_get(&sc->s, NULL, &now))
		return false;
	same = vnl_devs_same(&sc->before, &now);
	vnl_devs_free(&now);
	return same && !vnl_event_next(&sc->monitor, &ev, 0);
}

static bool scene_end(struct scene *sc)
{
	vnl_devs_free(&sc->before);
	vnl_close(&sc->monitor);
	env_reset(&sc->s);
	vnl_close(&sc->s);
	return true;
}

/*
 * Life cycle
 */

FIXTURE(life) {
	struct scene sc;
	struct vnl *s;
};

FIXTURE_SETUP(life)
{
	self->s = &self->sc.s;
	ASSERT_EQ(0, scene_setup(&self->sc));
}

FIXTURE_TEARDOWN(life)
{
	scene_end(&self->sc);
}

#define DEV_ATTRS \
	(VNL_HAS(VDPA_ATTR_DEV_NAME) | VNL_HAS(VDPA_ATTR_MGMTDEV_DEV_NAME) | \
	 VNL_HAS(VDPA_ATTR_DEV_ID) | VNL_HAS(VDPA_ATTR_DEV_VENDOR_ID) | \
	 VNL_HAS(VDPA_ATTR_DEV_MAX_VQS) | VNL_HAS(VDPA_ATTR_DEV_MAX_VQ_SIZE) | \
	 VNL_HAS(VDPA_ATTR_DEV_MIN_VQ_SIZE) | VNL_HAS(VDPA_ATTR_DEV_STATUS))

#define MGMT_ATTRS \
	(VNL_HAS(VDPA_ATTR_MGMTDEV_DEV_NAME) | \
	 VNL_HAS(VDPA_ATTR_MGMTDEV_SUPPORTED_CLASSES) | \
	 VNL_HAS(VDPA_ATTR_DEV_MGMTDEV_MAX_VQS) | \
	 VNL_HAS(VDPA_ATTR_DEV_SUPPORTED_FEATURES))

#define F_VERSION_1	(1ULL << 32)
#define F_NET_MTU	(1ULL << 3)
#define F_NET_MAC	(1ULL << 5)
#define F_NET_STATUS	(1ULL << 16)

TEST_F(life, mgmtdev_get)
{
	struct vnl_event ev;

	ASSERT_EQ(0, vnl_mgmt_get_event(self->s, ENV_SIM, &ev));
	EXPECT_EQ(VDPA_CMD_MGMTDEV_NEW, ev.cmd);
	EXPECT_EQ(MGMT_ATTRS, ev.mgmt.has);
	EXPECT_STREQ(ENV_SIM, ev.mgmt.name);
	EXPECT_EQ(1ULL << ENV_CLASS_NET, ev.mgmt.classes);
	EXPECT_EQ(ENV_SIM_VQS, ev.mgmt.max_vqs);
	EXPECT_EQ(F_VERSION_1 | F_NET_MTU | F_NET_MAC | F_NET_STATUS,
		  ev.mgmt.features & (F_VERSION_1 | F_NET_MTU | F_NET_MAC |
				      F_NET_STATUS));
}

TEST_F(life, mgmtdev_get_with_bus)
{
	struct vnl_mgmt mgmt;

	ASSERT_EQ(0, vnl_mgmt_get(self->s, ON_BUS_HANDLE, &mgmt));
	EXPECT_EQ(MGMT_ATTRS | VNL_HAS(VDPA_ATTR_MGMTDEV_BUS_NAME), mgmt.has);
	EXPECT_STREQ(ENV_TEST_BUS, mgmt.bus);
	EXPECT_STREQ(ON_BUS, mgmt.name);
	EXPECT_EQ(1ULL << ENV_CLASS_NET | 1ULL << ENV_CLASS_BLOCK,
		  mgmt.classes);
}

/* The bus is part of the handle, in both directions */
TEST_F(life, mgmtdev_handle_is_exact)
{
	struct vnl_mgmt mgmt;

	EXPECT_EQ(ENODEV, vnl_mgmt_get(self->s, ON_BUS, &mgmt));
	EXPECT_EQ(ENODEV, vnl_mgmt_get(self->s, "pci/" ON_BUS, &mgmt));
	EXPECT_EQ(ENODEV, vnl_mgmt_get(self->s, ENV_TEST_BUS "/" ENV_SIM,
				       &mgmt));
	EXPECT_EQ(ENODEV, vnl_mgmt_get(self->s, "vdpasim_ne", &mgmt));
	EXPECT_EQ(ENODEV, vnl_mgmt_get(self->s, "vdpasim_nett", &mgmt));
	EXPECT_EQ(ENODEV, vnl_dev_add(self->s, ON_BUS, "x"));
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

struct mgmt_count {
	unsigned int sim, plain, on_bus, other;
};

static void mgmt_count_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct mgmt_count *c = arg;
	struct vnl_mgmt mgmt;

	vnl_mgmt_parse(nlh, &mgmt);
	if (!strcmp(mgmt.name, ENV_SIM) && !mgmt.bus[0])
		c->sim++;
	else if (!strcmp(mgmt.name, PLAIN) && !mgmt.bus[0])
		c->plain++;
	else if (!strcmp(mgmt.name, ON_BUS) && !strcmp(mgmt.bus, ENV_TEST_BUS))
		c->on_bus++;
	else
		c->other++;
}

TEST_F(life, mgmtdev_dump)
{
	struct mgmt_count c = { 0 };
	struct vnl_dump d;
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&d, self->s, &m, VNL_CHUNK_LARGE);
	ASSERT_EQ(0, vnl_dump_rest(&d, mgmt_count_cb, &c));
	EXPECT_EQ(1, c.sim);
	EXPECT_EQ(1, c.plain);
	EXPECT_EQ(1, c.on_bus);
	EXPECT_EQ(0, c.other);
}

TEST_F(life, dev_add_get_del)
{
	struct vnl_event ev;
	struct vnl_devs l;

	ASSERT_EQ(0, vnl_dev_add(self->s, ENV_SIM, "life0"));
	ASSERT_EQ(0, vnl_dev_get_event(self->s, "life0", &ev));
	EXPECT_EQ(VDPA_CMD_DEV_NEW, ev.cmd);
	EXPECT_EQ(DEV_ATTRS, ev.dev.has);
	EXPECT_STREQ("life0", ev.dev.name);
	EXPECT_STREQ(ENV_SIM, ev.dev.mgmt_name);
	EXPECT_EQ(ENV_CLASS_NET, ev.dev.id);
	EXPECT_EQ(0, ev.dev.vendor);
	EXPECT_EQ(ENV_SIM_DEV_VQS, ev.dev.max_vqs);
	EXPECT_EQ(256, ev.dev.max_vq_size);
	EXPECT_LE(1, ev.dev.min_vq_size);
	EXPECT_GE(256, ev.dev.min_vq_size);
	EXPECT_EQ(0, ev.dev.status);

	ASSERT_EQ(0, vnl_devs_get(self->s, NULL, &l));
	EXPECT_EQ(2, l.nr);
	ASSERT_NE(NULL, vnl_devs_find(&l, "life0"));
	EXPECT_EQ(0, memcmp(vnl_devs_find(&l, "life0"), &ev.dev,
			    sizeof(ev.dev)));
	vnl_devs_free(&l);

	ASSERT_EQ(0, vnl_dev_del(self->s, "life0"));
	EXPECT_EQ(ENODEV, vnl_dev_get_event(self->s, "life0", &ev));
	EXPECT_EQ(ENODEV, vnl_dev_del(self->s, "life0"));
	EXPECT_EQ(1, vnl_dev_count(self->s));
}

TEST_F(life, dev_on_a_bus_handle)
{
	struct vnl_dev dev;

	ASSERT_EQ(0, vnl_dev_add(self->s, ON_BUS_HANDLE, "life0"));
	ASSERT_EQ(0, vnl_dev_get(self->s, "life0", &dev));
	EXPECT_EQ(DEV_ATTRS | VNL_HAS(VDPA_ATTR_MGMTDEV_BUS_NAME), dev.has);
	EXPECT_STREQ(ENV_TEST_BUS, dev.mgmt_bus);
	EXPECT_STREQ(ON_BUS, dev.mgmt_name);
	EXPECT_EQ(0, vnl_dev_del(self->s, "life0"));
}

static int add_class(struct vnl *s, const char *handle, uint32_t class)
{
	struct vnl_msg m;

	vnl_msg_init(&m, s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, handle);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "class0");
	vnl_put_u32(&m, VDPA_ATTR_DEV_ID, class);
	return vnl_request(s, &m, NULL, NULL);
}

/* DEV_ID chooses the class where there is a choice */
TEST_F(life, dev_of_each_class)
{
	const uint32_t class[] = { ENV_CLASS_NET, ENV_CLASS_BLOCK };
	struct vnl_dev dev;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(class); i++) {
		ASSERT_EQ(0, add_class(self->s, PLAIN, class[i]));
		ASSERT_EQ(0, vnl_dev_get(self->s, "class0", &dev));
		EXPECT_EQ(class[i], dev.id);
		ASSERT_EQ(0, vnl_dev_del(self->s, "class0"));
	}
	EXPECT_EQ(0, add_class(self->s, ENV_SIM, ENV_CLASS_NET));
	EXPECT_EQ(0, vnl_dev_del(self->s, "class0"));
}

/* Numbers that a 64-bit mask of classes cannot hold must not wrap into it */
TEST_F(life, class_numbers_do_not_wrap)
{
	const uint32_t class[] = {
		0, 3, 63, 64, 64 + ENV_CLASS_NET, 128 + ENV_CLASS_NET,
		0x80000000u + ENV_CLASS_NET, 0xffffffffu,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(class); i++) {
		EXPECT_EQ(EOPNOTSUPP, add_class(self->s, ENV_SIM, class[i]))
			TH_LOG("class %u", class[i]);
		EXPECT_EQ(VDPA_ATTR_DEV_ID, self->s->err.bad_attr);
		EXPECT_EQ(EOPNOTSUPP, add_class(self->s, PLAIN, class[i]))
			TH_LOG("class %u", class[i]);
	}
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

TEST_F(life, dev_add_with_all_that_sim_takes)
{
	static const uint8_t mac[] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };
	struct vnl_mgmt mgmt;
	struct vnl_msg m;

	ASSERT_EQ(0, vnl_mgmt_get(self->s, ENV_SIM, &mgmt));
	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "full0");
	vnl_put_u32(&m, VDPA_ATTR_DEV_ID, ENV_CLASS_NET);
	vnl_put(&m, VDPA_ATTR_DEV_NET_CFG_MACADDR, mac, sizeof(mac));
	vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MTU, 9000);
	vnl_put_u64(&m, VDPA_ATTR_DEV_FEATURES, mgmt.features);
	EXPECT_EQ(0, vnl_request(self->s, &m, NULL, NULL))
		TH_LOG("%s", self->s->err.text);
	EXPECT_EQ(0, vnl_dev_del(self->s, "full0"));
}

TEST_F(life, mtu_68_is_enough)
{
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "mtu0");
	vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MTU, 68);
	EXPECT_EQ(0, vnl_request(self->s, &m, NULL, NULL));
	EXPECT_EQ(0, vnl_dev_del(self->s, "mtu0"));
}

struct echo {
	unsigned int nr;
	struct vnl_event ev;
};

static void echo_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	struct echo *e = arg;

	e->nr++;
	e->ev.cmd = genl->cmd;
	memcpy(e->ev.msg.buf, nlh, nlh->nlmsg_len);
	e->ev.msg.nlh = (struct nlmsghdr *)e->ev.msg.buf;
	vnl_dev_parse(nlh, &e->ev.dev);
}

/* With NLM_F_ECHO the answer is the device made, as DEV_GET would show it */
TEST_F(life, echo)
{
	struct echo e = { 0 };
	struct vnl_event ev;
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, NLM_F_ECHO);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "echo0");
	ASSERT_EQ(0, vnl_request(self->s, &m, echo_cb, &e));
	ASSERT_EQ(1, e.nr);
	EXPECT_EQ(VDPA_CMD_DEV_NEW, e.ev.cmd);
	EXPECT_STREQ("echo0", e.ev.dev.name);
	ASSERT_EQ(0, vnl_dev_get_event(self->s, "echo0", &ev));
	EXPECT_TRUE(vnl_same_attrs(&ev.msg, &e.ev.msg));
	EXPECT_EQ(0, vnl_dev_del(self->s, "echo0"));
}

TEST_F(life, no_echo_unless_asked)
{
	struct echo e = { 0 };
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "echo0");
	ASSERT_EQ(0, vnl_request(self->s, &m, echo_cb, &e));
	EXPECT_EQ(0, e.nr);
	EXPECT_EQ(0, vnl_dev_del(self->s, "echo0"));
}

TEST_F(life, refused_add_echoes_nothing)
{
	struct echo e = { 0 };
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, NLM_F_ECHO);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
	EXPECT_EQ(EEXIST, vnl_request(self->s, &m, echo_cb, &e));
	EXPECT_EQ(0, e.nr);
}

/* Only when asked for an acknowledgment: a get has its reply */
TEST_F(life, reply_without_ack)
{
	struct vnl_event ev;
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
	ASSERT_EQ(0, vnl_send(self->s, &m));
	ASSERT_EQ(1, vnl_event_next(self->s, &ev, VNL_TIMEOUT_S * 1000));
	EXPECT_STREQ("taken", ev.dev.name);
	EXPECT_EQ(m.nlh->nlmsg_seq, ev.msg.nlh->nlmsg_seq);
	EXPECT_FALSE(vnl_answered(self->s));
}

/* Several requests in one datagram are served one after the other */
TEST_F(life, requests_in_one_datagram)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	struct vnl_msg m[2];
	struct vnl_dev dev;
	struct iovec iov[2];
	struct msghdr mh = {
		.msg_name = &addr, .msg_namelen = sizeof(addr),
		.msg_iov = iov, .msg_iovlen = 2,
	};
	int i;

	for (i = 0; i < 2; i++) {
		vnl_msg_init(&m[i], self->s, i ? VDPA_CMD_DEV_GET :
			     VDPA_CMD_DEV_NEW, NLM_F_ACK);
		if (!i)
			vnl_put_handle(&m[i], ENV_SIM);
		vnl_put_str(&m[i], VDPA_ATTR_DEV_NAME, "twin0");
		m[i].nlh->nlmsg_seq = 1000 + i;
		iov[i].iov_base = m[i].nlh;
		iov[i].iov_len = NLMSG_ALIGN(m[i].nlh->nlmsg_len);
	}
	ASSERT_LT(0, sendmsg(self->s->fd, &mh, 0));
	EXPECT_EQ(0, vnl_wait_ack(self->s, &m[0], NULL, NULL));
	EXPECT_EQ(0, vnl_wait_ack(self->s, &m[1], NULL, NULL));
	EXPECT_EQ(0, vnl_dev_get(self->s, "twin0", &dev));
	EXPECT_EQ(0, vnl_dev_del(self->s, "twin0"));
}

/*
 * Refusals: one variant for each
 */

FIXTURE(refusal) {
	struct scene sc;
};

FIXTURE_VARIANT(refusal) {
	uint8_t cmd;
	bool dump;
	struct attr attr[MAX_ATTRS + 1];
	int err;
	int err_too;		/* if not 0: just as good */
	const char *text;	/* NULL: any, but something */
	int bad_attr;		/* 0: none */
	int miss_attr;		/* 0: none */
};

FIXTURE_SETUP(refusal)
{
	ASSERT_EQ(0, scene_setup(&self->sc));
}

FIXTURE_TEARDOWN(refusal)
{
	scene_end(&self->sc);
}

#define REFUSAL(_variant)	FIXTURE_VARIANT_ADD(refusal, _variant)

#define TEXT_NO_MGMT	"No such management device"
#define TEXT_NO_DEV	"No such device"
#define TEXT_MISS_MGMT	"Management device not given"
#define TEXT_MISS_NAME	"Device name not given"
#define TEXT_EMPTY	"Device name is empty"
#define TEXT_LONG	"Device name is longer than 63 bytes"
#define TEXT_CHAR	"Device name has a character that is not allowed"
#define TEXT_DOTS	"Device name is a path component"
#define TEXT_CLASS	"Class is not supported by the management device"
#define TEXT_ATTR	"Attribute is not supported, but: device_features mac max_vqp"
#define TEXT_MAC	"MAC address is not a unicast address"
#define TEXT_FEATURES	"Features are not supported by the management device"

REFUSAL(mgmtdev_get_unknown) {
	.cmd = VDPA_CMD_MGMTDEV_GET, .attr = { MGMT("nosuch") },
	.err = ENODEV, .text = TEXT_NO_MGMT,
	.bad_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(mgmtdev_get_unknown_bus) {
	.cmd = VDPA_CMD_MGMTDEV_GET, .attr = { BUS("pci"), MGMT(ON_BUS) },
	.err = ENODEV, .text = TEXT_NO_MGMT,
	.bad_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(mgmtdev_get_nothing_given) {
	.cmd = VDPA_CMD_MGMTDEV_GET,
	.err = EINVAL, .text = TEXT_MISS_MGMT,
	.miss_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(mgmtdev_get_only_bus_given) {
	.cmd = VDPA_CMD_MGMTDEV_GET, .attr = { BUS(ENV_TEST_BUS) },
	.err = EINVAL, .text = TEXT_MISS_MGMT,
	.miss_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(dev_get_unknown) {
	.cmd = VDPA_CMD_DEV_GET, .attr = { NAME("nosuch") },
	.err = ENODEV, .text = TEXT_NO_DEV, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_get_nothing_given) {
	.cmd = VDPA_CMD_DEV_GET,
	.err = EINVAL, .text = TEXT_MISS_NAME, .miss_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_dump_unknown_mgmtdev) {
	.cmd = VDPA_CMD_DEV_GET, .dump = true, .attr = { MGMT("nosuch") },
	.err = ENODEV, .text = TEXT_NO_MGMT,
	.bad_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(dev_dump_unknown_bus) {
	.cmd = VDPA_CMD_DEV_GET, .dump = true,
	.attr = { BUS("pci"), MGMT(ON_BUS) },
	.err = ENODEV, .text = TEXT_NO_MGMT,
	.bad_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(dev_del_unknown) {
	.cmd = VDPA_CMD_DEV_DEL, .attr = { NAME("nosuch") },
	.err = ENODEV, .text = TEXT_NO_DEV, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_del_nothing_given) {
	.cmd = VDPA_CMD_DEV_DEL,
	.err = EINVAL, .text = TEXT_MISS_NAME, .miss_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_unknown_mgmtdev) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { NAME("fresh"), MGMT("nosuch") },
	.err = ENODEV, .text = TEXT_NO_MGMT,
	.bad_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(dev_new_unknown_bus) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { NAME("fresh"), BUS("nosuch"), MGMT(ENV_SIM) },
	.err = ENODEV, .text = TEXT_NO_MGMT,
	.bad_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(dev_new_no_mgmtdev) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { NAME("fresh") },
	.err = EINVAL, .text = TEXT_MISS_MGMT,
	.miss_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(dev_new_only_bus_given) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { NAME("fresh"), BUS(ENV_TEST_BUS) },
	.err = EINVAL, .text = TEXT_MISS_MGMT,
	.miss_attr = VDPA_ATTR_MGMTDEV_DEV_NAME,
};

REFUSAL(dev_new_name_taken) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME("taken") },
	.err = EEXIST, .text = "Device name is taken",
	.bad_attr = VDPA_ATTR_DEV_NAME,
};

/* Names are one space, whoever made the device */
REFUSAL(dev_new_name_taken_elsewhere) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(PLAIN), NAME("taken") },
	.err = EEXIST, .text = "Device name is taken",
	.bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_name_empty) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME("") },
	.err = EINVAL, .text = TEXT_EMPTY, .bad_attr = VDPA_ATTR_DEV_NAME,
};

/* 64 and 65 characters */
#define LETTERS_64 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

REFUSAL(dev_new_name_of_64) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME(LETTERS_64) },
	.err = EINVAL, .text = TEXT_LONG, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_name_of_65) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME(LETTERS_64 "x") },
	.err = EINVAL, .text = TEXT_LONG, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_name_with_slash) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME("a/b") },
	.err = EINVAL, .text = TEXT_CHAR, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_name_with_blank) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME("a b") },
	.err = EINVAL, .text = TEXT_CHAR, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_name_with_newline) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME("ab\n") },
	.err = EINVAL, .text = TEXT_CHAR, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_name_dot) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME(".") },
	.err = EINVAL, .text = TEXT_DOTS, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_name_dot_dot) {
	.cmd = VDPA_CMD_DEV_NEW, .attr = { MGMT(ENV_SIM), NAME("..") },
	.err = EINVAL, .text = TEXT_DOTS, .bad_attr = VDPA_ATTR_DEV_NAME,
};

REFUSAL(dev_new_class_not_supported) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  ATTR_U32(VDPA_ATTR_DEV_ID, ENV_CLASS_BLOCK) },
	.err = EOPNOTSUPP, .text = TEXT_CLASS, .bad_attr = VDPA_ATTR_DEV_ID,
};

REFUSAL(dev_new_class_not_among_several) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(PLAIN), NAME("fresh"),
		  ATTR_U32(VDPA_ATTR_DEV_ID, ENV_CLASS_RNG) },
	.err = EOPNOTSUPP, .text = TEXT_CLASS, .bad_attr = VDPA_ATTR_DEV_ID,
};

REFUSAL(dev_new_mtu_not_supported) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(PLAIN), NAME("fresh"),
		  ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MTU, 1500) },
	.err = EOPNOTSUPP, .text = TEXT_ATTR,
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MTU,
};

REFUSAL(dev_new_max_vqp_0) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(PLAIN), NAME("fresh"),
		  ATTR_U32(VDPA_ATTR_DEV_ID, ENV_CLASS_NET),
		  ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 0) },
	.err = ERANGE, .text = "At least one queue pair is needed",
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MAX_VQP,
};

REFUSAL(dev_new_mtu_67) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MTU, 67) },
	.err = ERANGE, .text = "MTU is below 68",
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MTU,
};

REFUSAL(dev_new_mtu_0) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MTU, 0) },
	.err = ERANGE, .text = "MTU is below 68",
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MTU,
};

REFUSAL(dev_new_mac_zero) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"), ATTR_MAC(0, 0, 0, 0, 0, 0) },
	.err = EINVAL, .text = TEXT_MAC,
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MACADDR,
};

REFUSAL(dev_new_mac_multicast) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  ATTR_MAC(1, 0, 0x5e, 0, 0, 1) },
	.err = EINVAL, .text = TEXT_MAC,
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MACADDR,
};

REFUSAL(dev_new_mac_broadcast) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  ATTR_MAC(0xff, 0xff, 0xff, 0xff, 0xff, 0xff) },
	.err = EINVAL, .text = TEXT_MAC,
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MACADDR,
};

REFUSAL(dev_new_mac_of_5_bytes) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  { VDPA_ATTR_DEV_NET_CFG_MACADDR, 5, "\x02\x00\x00\x00\x01" } },
	.err = EINVAL, .err_too = ERANGE,
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MACADDR,
};

REFUSAL(dev_new_mac_of_7_bytes) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  { VDPA_ATTR_DEV_NET_CFG_MACADDR, 7,
		    "\x02\x00\x00\x00\x00\x01\x02" } },
	.err = EINVAL, .err_too = ERANGE,
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MACADDR,
};

REFUSAL(dev_new_mac_for_block) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(PLAIN), NAME("fresh"), ATTR_MAC(2, 0, 0, 0, 0, 1),
		  ATTR_U32(VDPA_ATTR_DEV_ID, ENV_CLASS_BLOCK) },
	.err = EOPNOTSUPP, .text = "Attribute is for class net only",
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MACADDR,
};

REFUSAL(dev_new_max_vqp_for_block) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(PLAIN), NAME("fresh"),
		  ATTR_U32(VDPA_ATTR_DEV_ID, ENV_CLASS_BLOCK),
		  ATTR_U16(VDPA_ATTR_DEV_NET_CFG_MAX_VQP, 1) },
	.err = EOPNOTSUPP, .text = "Attribute is for class net only",
	.bad_attr = VDPA_ATTR_DEV_NET_CFG_MAX_VQP,
};

REFUSAL(dev_new_features_one_too_many) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  ATTR_U64(VDPA_ATTR_DEV_FEATURES,
			   F_VERSION_1 | 1ULL << 62) },
	.err = EINVAL, .text = TEXT_FEATURES,
	.bad_attr = VDPA_ATTR_DEV_FEATURES,
};

REFUSAL(dev_new_features_all) {
	.cmd = VDPA_CMD_DEV_NEW,
	.attr = { MGMT(ENV_SIM), NAME("fresh"),
		  ATTR_U64(VDPA_ATTR_DEV_FEATURES, ~0ULL) },
	.err = EINVAL, .text = TEXT_FEATURES,
	.bad_attr = VDPA_ATTR_DEV_FEATURES,
};

TEST_F(refusal, says_why)
{
	struct vnl *s = &self->sc.s;
	const struct op op = { .cmd = variant->cmd, .dump = variant->dump };
	struct vnl_msg m;
	int err;

	vnl_msg_init(&m, s, variant->cmd, 0);
	put_attrs(&m, variant->attr);
	err = op_send(s, &op, &m);
	if (!variant->err_too || err != variant->err_too) {
		EXPECT_EQ(variant->err, err);
	}
	if (variant->text) {
		EXPECT_STREQ(variant->text, s->err.text);
	} else {
		EXPECT_STRNE("", s->err.text);
	}
	EXPECT_EQ(variant->bad_attr ?: -1, s->err.bad_attr);
	EXPECT_EQ(variant->miss_attr ?: -1, s->err.miss_attr);
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

/*
 * A device that its driver registered on its own, without a management device
 */

FIXTURE(orphan) {
	struct scene sc;
};

FIXTURE_SETUP(orphan)
{
	int err;

	ASSERT_EQ(0, scene_setup(&self->sc));
	err = env_orphan_new("orphan0");
	if (err == ENOENT)
		SKIP(return, "vdpa_test.ko makes no such devices");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(orphan)
{
	env_orphan_del("orphan0");
	scene_end(&self->sc);
}

#define TEXT_ORPHAN	"Device was not created by a management device"

/* Found by its name, in no dump, and not for netlink to delete */
TEST_F(orphan, is_found_but_not_deleted)
{
	struct vnl *s = &self->sc.s;
	struct vnl_devs now;
	struct vnl_dev dev;

	ASSERT_EQ(0, vnl_dev_get(s, "orphan0", &dev));
	EXPECT_EQ(DEV_ATTRS & ~VNL_HAS(VDPA_ATTR_MGMTDEV_DEV_NAME), dev.has);
	ASSERT_EQ(0, vnl_devs_get(s, NULL, &now));
	EXPECT_TRUE(vnl_devs_same(&self->sc.before, &now));
	vnl_devs_free(&now);

	EXPECT_EQ(EOPNOTSUPP, vnl_dev_del(s, "orphan0"));
	EXPECT_STREQ(TEXT_ORPHAN, s->err.text);
	EXPECT_EQ(VDPA_ATTR_DEV_NAME, s->err.bad_attr);
	EXPECT_EQ(EEXIST, vnl_dev_add(s, ENV_SIM, "orphan0"));

	ASSERT_EQ(0, env_orphan_del("orphan0"));
	EXPECT_EQ(ENODEV, vnl_dev_get(s, "orphan0", &dev));
	EXPECT_EQ(0, vnl_dev_add(s, ENV_SIM, "orphan0"));
}

/*
 * Malformed messages
 */

FIXTURE(malformed) {
	struct scene sc;
	struct vnl *s;
};

FIXTURE_SETUP(malformed)
{
	self->s = &self->sc.s;
	ASSERT_EQ(0, scene_setup(&self->sc));
}

FIXTURE_TEARDOWN(malformed)
{
	EXPECT_TRUE(scene_unchanged(&self->sc));
	scene_end(&self->sc);
}

/*
 * Sends the operation with attribute @at replaced, and all others good.
 * Only the attribute of interest counts: those that the test's management
 * device may not support stay away.
 */
static int send_with(struct vnl *s, const struct op *op,
		     const struct attr *at, const void *data, size_t len,
		     unsigned int times)
{
	const struct attr *a;
	struct vnl_msg m;

	vnl_msg_init(&m, s, op->cmd, 0);
	for (a = op->attr; a->data; a++) {
		if (a != at && is_handle(a->type))
			vnl_put(&m, a->type, a->data, a->len);
	}
	while (times--)
		vnl_put(&m, at->type, data, len);
	return op_send(s, op, &m);
}

#define EXPECT_REFUSED_BY_POLICY(_err, _attr) do { \
	EXPECT_TRUE((_err) == EINVAL || (_err) == ERANGE) \
		TH_LOG("%s, attribute %u: error %d", op->name, (_attr), (_err)); \
	EXPECT_EQ((_attr), self->s->err.bad_attr); \
	EXPECT_STRNE("", self->s->err.text); \
} while (0)

/* Lengths 0, 1, one less and one more than right, for all but strings */
TEST_F(malformed, wrong_length)
{
	static const char bytes[16];
	const struct attr *a;
	const struct op *op;
	size_t len;
	int err;

	for_each_op(op) {
		for (a = op->attr; a->data; a++) {
			if (is_string(a->type))
				continue;
			for (len = 0; len <= a->len + 1U; len++) {
				if (len == a->len)
					continue;
				err = send_with(self->s, op, a, bytes, len, 1);
				EXPECT_REFUSED_BY_POLICY(err, a->type);
			}
		}
	}
}

/* A queue index is for one operation only */
TEST_F(malformed, queue_index_lengths)
{
	static const char bytes[8];
	struct vnl_msg m;
	size_t len;

	for (len = 0; len <= sizeof(bytes); len++) {
		vnl_msg_init(&m, self->s, VDPA_CMD_DEV_GET, 0);
		vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
		vnl_put(&m, VDPA_ATTR_DEV_QUEUE_INDEX, bytes, len);
		EXPECT_EQ(EINVAL, vnl_request(self->s, &m, NULL, NULL));
		EXPECT_EQ(VDPA_ATTR_DEV_QUEUE_INDEX, self->s->err.bad_attr);
	}
}

TEST_F(malformed, string_without_nul)
{
	static const char text[] = "unterminated";
	const struct attr *a;
	const struct op *op;
	size_t len;
	int err;

	for_each_op(op) {
		for (a = op->attr; a->data; a++) {
			if (!is_string(a->type))
				continue;
			for (len = 0; len < sizeof(text); len++) {
				err = send_with(self->s, op, a, text, len, 1);
				EXPECT_REFUSED_BY_POLICY(err, a->type);
			}
		}
	}
}

/*
 * The right name, but the byte that ends it is missing: the padding that
 * follows it in the message, or the next attribute, must not be read.
 */
TEST_F(malformed, right_name_without_nul)
{
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_GET, 0);
	vnl_put(&m, VDPA_ATTR_DEV_NAME, "taken", 5);
	EXPECT_EQ(EINVAL, vnl_request(self->s, &m, NULL, NULL));
	EXPECT_EQ(VDPA_ATTR_DEV_NAME, self->s->err.bad_attr);

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_DEL, 0);
	vnl_put(&m, VDPA_ATTR_DEV_NAME, "taken", 5);
	EXPECT_EQ(EINVAL, vnl_request(self->s, &m, NULL, NULL));

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put(&m, VDPA_ATTR_DEV_NAME, "fresh", 5);
	EXPECT_EQ(EINVAL, vnl_request(self->s, &m, NULL, NULL));
}

/* Bytes behind the NUL are not part of the name */
TEST_F(malformed, bytes_behind_nul)
{
	struct vnl_dev dev;
	struct vnl_msg m;
	int err;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_handle(&m, ENV_SIM);
	vnl_put(&m, VDPA_ATTR_DEV_NAME, "short\0tail", 11);
	err = vnl_request(self->s, &m, NULL, NULL);
	if (err) {
		EXPECT_EQ(EINVAL, err);
		EXPECT_EQ(VDPA_ATTR_DEV_NAME, self->s->err.bad_attr);
		return;
	}
	EXPECT_EQ(0, vnl_dev_get(self->s, "short", &dev));
	EXPECT_STREQ("short", dev.name);
	ASSERT_EQ(0, vnl_dev_del(self->s, "short"));
	/* those two changes were wanted */
	while (vnl_event_next(&self->sc.monitor, &(struct vnl_event){ 0 },
			      1000) > 0)
		;
}

/* 63, 64 and 4096 bytes with their NUL, in each string of each operation */
TEST_F(malformed, oversized_string)
{
	static const size_t lens[] = { 63, 64, 65, 255, 4096 };
	const struct attr *a;
	const struct op *op;
	char text[4097];
	size_t i;
	int err;

	for_each_op(op) {
		for (a = op->attr; a->data; a++) {
			if (!is_string(a->type))
				continue;
			for (i = 0; i < ARRAY_SIZE(lens); i++) {
				/* a good name for a new device */
				if (op->cmd == VDPA_CMD_DEV_NEW && lens[i] <= 63 &&
				    a->type == VDPA_ATTR_DEV_NAME)
					continue;
				memset(text, 'x', sizeof(text));
				text[lens[i]] = '\0';
				err = send_with(self->s, op, a, text,
						lens[i] + 1, 1);
				/* a bus that is not there has nothing on it */
				if (op->cmd == VDPA_CMD_MGMTDEV_GET &&
				    op->dump && !err)
					continue;
				EXPECT_TRUE(err == ENODEV || err == EINVAL ||
					    err == ERANGE)
					TH_LOG("%s, attribute %u of %zu: %d",
					       op->name, a->type, lens[i], err);
				EXPECT_LT(0, self->s->err.bad_attr);
			}
		}
	}
}

TEST_F(malformed, attribute_twice)
{
	const struct attr *a;
	const struct op *op;

	for_each_op(op) {
		for (a = op->attr; a->data; a++) {
			EXPECT_EQ(EINVAL, send_with(self->s, op, a, a->data,
						    a->len, 2))
				TH_LOG("%s, attribute %u", op->name, a->type);
			EXPECT_EQ(a->type, self->s->err.bad_attr);
			EXPECT_STREQ("Attribute given twice",
				     self->s->err.text);
		}
	}
}

/* Also when the two are not neighbours, and when they differ */
TEST_F(malformed, attribute_twice_apart)
{
	struct vnl_msg m;

	vnl_msg_init(&m, self->s, VDPA_CMD_DEV_NEW, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "fresh");
	vnl_put_handle(&m, ENV_SIM);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "other");
	EXPECT_EQ(EINVAL, vnl_request(self->s, &m, NULL, NULL));
	EXPECT_EQ(VDPA_ATTR_DEV_NAME, self->s->err.bad_attr);
	EXPECT_STREQ("Attribute given twice", self->s->err.text);
}

/* Each operation with each attribute that it does not take */
TEST_F(malformed, foreign_attribute)
{
	static const uint16_t far[] = { 100, 254, 300, 511, 0x1000,
					0x3fff };
	static const char bytes[8];
	const struct op *op;
	struct attr a = { .data = bytes, .len = 4 };
	unsigned int i;

	for_each_op(op) {
		for (i = 0; i <= LAST_ATTR + ARRAY_SIZE(far); i++) {
			a.type = i <= LAST_ATTR ? i : far[i - LAST_ATTR - 1];
			if (op_takes(op, a.type))
				continue;
			EXPECT_EQ(EINVAL, send_with(self->s, op, &a, bytes, 4,
						    1))
				TH_LOG("%s, attribute %u", op->name, a.type);
			EXPECT_EQ(a.type, self->s->err.bad_attr);
			EXPECT_STRNE("", self->s->err.text);
		}
	}
}

/* None of the attributes is a nest */
TEST_F(malformed, nested_flag)
{
	const struct attr *a;
	const struct op *op;
	struct attr nest;

	for_each_op(op) {
		for (a = op->attr; a->data; a++) {
			struct vnl_msg m;
			const struct attr *b;

			nest = *a;
			nest.type |= NLA_F_NESTED;
			vnl_msg_init(&m, self->s, op->cmd, 0);
			for (b = op->attr; b->data; b++)
				if (b != a && is_string(b->type))
					vnl_put(&m, b->type, b->data, b->len);
			vnl_put(&m, nest.type, nest.data, nest.len);
			EXPECT_EQ(EINVAL, op_send(self->s, op, &m))
				TH_LOG("%s, attribute %u", op->name, a->type);
			EXPECT_EQ(a->type, self->s->err.bad_attr);
		}
	}
}

/* Bytes that are too few for an attribute, and attributes that are cut off */
TEST_F(malformed, garbage)
{
	static const struct {
		uint8_t len;
		uint8_t byte[8];
	} tail[] = {
		{ 1, { 0 } }, { 2, { 0xff, 0xff } }, { 3, { 1, 2, 3 } },
		/* an attribute shorter than its own header */
		{ 4, { 0, 0, VDPA_ATTR_DEV_NAME, 0 } },
		{ 4, { 3, 0, VDPA_ATTR_DEV_NAME, 0 } },
		/* longer than what is left */
		{ 4, { 5, 0, VDPA_ATTR_DEV_NAME, 0 } },
		{ 8, { 9, 0, VDPA_ATTR_DEV_NAME, 0, 'x', 'x', 'x', 0 } },
		{ 8, { 0xff, 0xff, VDPA_ATTR_DEV_NAME, 0, 'x', 'x', 'x', 0 } },
	};
	const struct op *op;
	struct vnl_msg m;
	size_t i;

	for_each_op(op) {
		for (i = 0; i < ARRAY_SIZE(tail); i++) {
			/* right behind the header */
			vnl_msg_init(&m, self->s, op->cmd, 0);
			vnl_put_garbage(&m, tail[i].byte, tail[i].len);
			EXPECT_EQ(EINVAL, op_send(self->s, op, &m))
				TH_LOG("%s, tail %zu", op->name, i);
			/* behind good attributes */
			vnl_msg_init(&m, self->s, op->cmd, 0);
			put_attrs(&m, op->attr);
			vnl_put_garbage(&m, tail[i].byte, tail[i].len);
			EXPECT_EQ(EINVAL, op_send(self->s, op, &m))
				TH_LOG("%s, tail %zu", op->name, i);
		}
	}
}

/* Numbers of events and replies, unused ones, and those beyond all */
TEST_F(malformed, unknown_command)
{
	static const uint8_t cmd[] = {
		VDPA_CMD_UNSPEC, VDPA_CMD_MGMTDEV_NEW, 9, 10, 32, 63,
		VDPA_CMD_MGMTDEV_DEL, VDPA_CMD_DEV_CHANGE, 71, 127, 128, 255,
	};
	struct vnl_dump d;
	struct vnl_msg m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmd); i++) {
		vnl_msg_init(&m, self->s, cmd[i], 0);
		vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
		EXPECT_EQ(EOPNOTSUPP, vnl_request(self->s, &m, NULL, NULL))
			TH_LOG("command %u", cmd[i]);
		vnl_msg_init(&m, self->s, cmd[i], 0);
		vnl_dump_start(&d, self->s, &m, VNL_CHUNK_LARGE);
		EXPECT_EQ(EOPNOTSUPP, vnl_dump_rest(&d, NULL, NULL))
			TH_LOG("dump of command %u", cmd[i]);
	}
}

TEST_F(malformed, dump_of_what_cannot_be_dumped)
{
	const struct op *op;
	struct vnl_dump d;
	struct vnl_msg m;

	for_each_op(op) {
		if (op->cmd != VDPA_CMD_DEV_NEW && op->cmd != VDPA_CMD_DEV_DEL &&
		    op->cmd != VDPA_CMD_DEV_VSTATS_GET &&
		    op->cmd != VDPA_CMD_DEV_ATTR_SET)
			continue;
		vnl_msg_init(&m, self->s, op->cmd, 0);
		put_attrs(&m, op->attr);
		vnl_dump_start(&d, self->s, &m, VNL_CHUNK_LARGE);
		EXPECT_EQ(EOPNOTSUPP, vnl_dump_rest(&d, NULL, NULL))
			TH_LOG("%s", op->name);
	}
}

/* Generic netlink leaves the version to the family, and 6.12's ignores it */
TEST_F(malformed, other_versions)
{
	static const uint8_t version[] = { 0, 2, 255 };
	struct genlmsghdr *genl;
	struct vnl_event ev;
	struct vnl_msg m;
	struct echo e;
	size_t i;

	ASSERT_EQ(0, vnl_dev_get_event(self->s, "taken", &ev));
	for (i = 0; i < ARRAY_SIZE(version); i++) {
		memset(&e, 0, sizeof(e));
		vnl_msg_init(&m, self->s, VDPA_CMD_DEV_GET, 0);
		genl = NLMSG_DATA(m.nlh);
		genl->version = version[i];
		vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
		EXPECT_EQ(0, vnl_request(self->s, &m, echo_cb, &e));
		ASSERT_EQ(1, e.nr);
		EXPECT_TRUE(vnl_same_attrs(&ev.msg, &e.ev.msg));
	}
}

/*
 * Names
 */

FIXTURE(names) {
	struct vnl s;
};

FIXTURE_SETUP(names)
{
	vnl_open(&self->s);
	env_reset(&self->s);
}

FIXTURE_TEARDOWN(names)
{
	env_reset(&self->s);
	vnl_close(&self->s);
}

/* Added, shown under exactly this name, on the bus, gone again */
static bool name_works(struct vnl *s, const char *name)
{
	char path[VNL_NAME_LEN + 64];
	struct vnl_dev dev;

	snprintf(path, sizeof(path), "/sys/bus/vdpa/devices/%s", name);
	return !vnl_dev_add(s, ENV_SIM, name) &&
	       !vnl_dev_get(s, name, &dev) && !strcmp(dev.name, name) &&
	       env_exists(path) && !vnl_dev_del(s, name) && !env_exists(path);
}

static bool name_refused(struct vnl *s, const char *name, const char *text)
{
	return vnl_dev_add(s, ENV_SIM, name) == EINVAL &&
	       s->err.bad_attr == VDPA_ATTR_DEV_NAME &&
	       !strcmp(s->err.text, text);
}

TEST_F(names, every_length)
{
	char name[66];
	bool good;
	int len;

	for (len = 0; len <= 65; len++) {
		memset(name, 'n', sizeof(name));
		name[len] = '\0';
		if (!len)
			good = name_refused(&self->s, name, TEXT_EMPTY);
		else if (len <= VDPA_DEV_NAME_MAX)
			good = name_works(&self->s, name);
		else
			good = name_refused(&self->s, name, TEXT_LONG);
		EXPECT_TRUE(good)
			TH_LOG("length %d: %s", len, self->s.err.text);
	}
	EXPECT_EQ(0, vnl_dev_count(&self->s));
}

/* Every byte, alone, first, in the middle and last */
TEST_F(names, every_byte)
{
	static const char *const form[] = { "%c", "%cz", "a%cz", "a%c" };
	char name[8];
	bool good;
	size_t i;
	int c;

	for (c = 1; c <= 255; c++) {
		for (i = 0; i < ARRAY_SIZE(form); i++) {
			snprintf(name, sizeof(name), form[i], c);
			if (!strcmp(name, "."))
				continue;
			good = c > 0x20 && c < 0x7f && c != '/';
			/* three of the four positions are shown by refusals */
			if (good && i != 2 && c != ':' && c != '%' && c != '.')
				continue;
			good = good ? name_works(&self->s, name) :
			       name_refused(&self->s, name, TEXT_CHAR);
			EXPECT_TRUE(good)
				TH_LOG("byte %#x, form %zu: %s", c, i,
				       self->s.err.text);
		}
	}
	EXPECT_EQ(0, vnl_dev_count(&self->s));
}

TEST_F(names, of_real_life)
{
	static const char *const good[] = {
		"vdpa:0000:03:00.1", "vdpa007", "...", ".hidden", "a..b", ":",
		"%s%n%s%d", "-rf", "*", "vdpa", "vdpa0x1", "devices", "a!b",
		NULL
	};
	const char *const *name;

	for (name = good; *name; name++) {
		EXPECT_TRUE(name_works(&self->s, *name))
			TH_LOG("%s: %s", *name, self->s.err.text);
	}
}

/*
 * Names that the directory of the parent has in use already. Whether such a
 * device can be made is up to the core, but it must not end in a stack trace,
 * which is what the driver core has for a file that exists.
 */
TEST_F(names, of_sysfs_files)
{
	static const char *const file[] = {
		"uevent", "power", "subsystem", "driver", NULL
	};
	const char *const *name;
	int err;

	for (name = file; *name; name++) {
		err = vnl_dev_add(&self->s, ENV_SIM, *name);
		if (!err) {
			EXPECT_EQ(0, vnl_dev_del(&self->s, *name));
			EXPECT_TRUE(name_works(&self->s, *name))
				TH_LOG("%s: %s", *name, self->s.err.text);
			continue;
		}
		EXPECT_TRUE(err == EEXIST || err == EINVAL)
			TH_LOG("%s: %d", *name, err);
		EXPECT_EQ(VDPA_ATTR_DEV_NAME, self->s.err.bad_attr)
			TH_LOG("%s: %s", *name, self->s.err.text);
	}
}

/* Upper and lower case, prefixes and extensions are other names */
TEST_F(names, are_exact)
{
	struct vnl_dev dev;

	ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "Exact"));
	EXPECT_EQ(ENODEV, vnl_dev_get(&self->s, "exact", &dev));
	EXPECT_EQ(ENODEV, vnl_dev_get(&self->s, "Exac", &dev));
	EXPECT_EQ(ENODEV, vnl_dev_get(&self->s, "Exactly", &dev));
	EXPECT_EQ(ENODEV, vnl_dev_del(&self->s, "exact"));
	EXPECT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, "exact"));
	EXPECT_EQ(0, vnl_dev_del(&self->s, "exact"));
	EXPECT_EQ(0, vnl_dev_get(&self->s, "Exact", &dev));
	EXPECT_EQ(0, vnl_dev_del(&self->s, "Exact"));
}

#define EXPECT_AUTO(_name) do { \
	struct vnl_dev __dev; \
	\
	EXPECT_EQ(0, vnl_dev_add_auto(&self->s, ENV_SIM, &__dev)); \
	EXPECT_STREQ((_name), __dev.name); \
} while (0)

TEST_F(names, auto_first_free)
{
	EXPECT_AUTO("vdpa0");
	EXPECT_AUTO("vdpa1");
	EXPECT_AUTO("vdpa2");
	EXPECT_AUTO("vdpa3");
	/* holes are filled from below */
	ASSERT_EQ(0, vnl_dev_del(&self->s, "vdpa2"));
	ASSERT_EQ(0, vnl_dev_del(&self->s, "vdpa0"));
	EXPECT_AUTO("vdpa0");
	EXPECT_AUTO("vdpa2");
	EXPECT_AUTO("vdpa4");
	EXPECT_EQ(5, vnl_dev_count(&self->s));
}

/* What somebody called vdpaN himself is taken; what only looks so is not */
TEST_F(names, auto_beside_explicit)
{
	static const char *const explicit[] = {
		"vdpa2", "vdpa02", "vdpa00", "vdpa03", "vdpa", "vdpa-1",
		"vdpa+1", "vdpa1x", "vdpa0x1", "Vdpa1", "vdpa:1",
		"vdpa4294967295", "vdpa4294967296", "vdpa2147483648",
		"vdpa4294967297", "vdpa18446744073709551615",
		"vdpa18446744073709551617", "vdpa99999999999999999999999",
		NULL
	};
	const char *const *name;

	for (name = explicit; *name; name++) {
		ASSERT_EQ(0, vnl_dev_add(&self->s, ENV_SIM, *name))
			TH_LOG("%s: %s", *name, self->s.err.text);
	}
	EXPECT_AUTO("vdpa0");
	EXPECT_AUTO("vdpa1");
	EXPECT_AUTO("vdpa3");
	/* looking like number 1 frees nothing */
	ASSERT_EQ(0, vnl_dev_del(&self->s, "vdpa4294967297"));
	ASSERT_EQ(0, vnl_dev_del(&self->s, "vdpa+1"));
	EXPECT_AUTO("vdpa4");
	/* vdpa2 given by hand comes back to all */
	ASSERT_EQ(0, vnl_dev_del(&self->s, "vdpa2"));
	EXPECT_AUTO("vdpa2");
	EXPECT_EQ(EEXIST, vnl_dev_add(&self->s, ENV_SIM, "vdpa4"));
	for (name = explicit + 1; *name; name++) {
		if (!strcmp(*name, "vdpa+1") ||
		    !strcmp(*name, "vdpa4294967297"))
			continue;
		EXPECT_EQ(0, vnl_dev_del(&self->s, *name));
	}
	EXPECT_EQ(5, vnl_dev_count(&self->s));
}

/* A failed add gives its number back */
TEST_F(names, auto_after_failure)
{
	struct vnl_dev dev;
	int i;

	ASSERT_EQ(0, env_knob(ENV_SIM, "fail_dev_add", EIO));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(EIO, vnl_dev_add_auto(&self->s, ENV_SIM, &dev));
	}
	ASSERT_EQ(0, env_knob(ENV_SIM, "fail_dev_add", 0));
	EXPECT_AUTO("vdpa0");
	EXPECT_EQ(1, vnl_dev_count(&self->s));
}

#define AUTO_THREADS	8
#define AUTO_EACH	25
#define AUTO_ALL	(AUTO_THREADS * AUTO_EACH)

struct auto_thread {
	pthread_t thread;
	int err;
	char name[AUTO_EACH][VDPA_DEV_NAME_MAX + 1];
};

static void *auto_thread(void *arg)
{
	struct auto_thread *t = arg;
	struct vnl_dev dev;
	struct vnl s;
	int i;

	vnl_open(&s);
	for (i = 0; i < AUTO_EACH && !t->err; i++) {
		t->err = vnl_dev_add_auto(&s, ENV_SIM, &dev);
		memcpy(t->name[i], dev.name, sizeof(t->name[i]));
	}
	vnl_close(&s);
	return NULL;
}

static int auto_number(const char *name)
{
	char again[VDPA_DEV_NAME_MAX + 1];
	int nr;

	if (strncmp(name, "vdpa", 4))
		return -1;
	nr = atoi(name + 4);
	snprintf(again, sizeof(again), "vdpa%d", nr);
	return strcmp(name, again) ? -1 : nr;
}

/* Threads that all leave the name to the kernel: each number once, no hole */
TEST_F(names, auto_in_parallel)
{
	static struct auto_thread t[AUTO_THREADS];
	bool seen[AUTO_ALL] = { false };
	int i, j, nr;

	for (i = 0; i < AUTO_THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&t[i].thread, NULL, auto_thread,
					    &t[i]));
	}
	for (i = 0; i < AUTO_THREADS; i++)
		pthread_join(t[i].thread, NULL);
	for (i = 0; i < AUTO_THREADS; i++) {
		ASSERT_EQ(0, t[i].err);
		for (j = 0; j < AUTO_EACH; j++) {
			nr = auto_number(t[i].name[j]);
			ASSERT_TRUE(nr >= 0 && nr < AUTO_ALL)
				TH_LOG("name %s", t[i].name[j]);
			EXPECT_FALSE(seen[nr]);
			seen[nr] = true;
		}
	}
	for (i = 0; i < AUTO_ALL; i++) {
		EXPECT_TRUE(seen[i]) TH_LOG("no vdpa%d", i);
	}
	EXPECT_EQ(AUTO_ALL, vnl_dev_count(&self->s));
}

/* All threads want the same name: one gets it, each time */
struct same_thread {
	pthread_t thread;
	pthread_barrier_t *barrier;
	int won;
	int other;
};

#define SAME_ROUNDS	50

static void *same_thread(void *arg)
{
	struct same_thread *t = arg;
	char name[16];
	struct vnl s;
	int i, err;

	vnl_open(&s);
	for (i = 0; i < SAME_ROUNDS; i++) {
		snprintf(name, sizeof(name), "same%d", i);
		pthread_barrier_wait(t->barrier);
		err = vnl_dev_add(&s, ENV_SIM, name);
		t->won += !err;
		t->other += err && err != EEXIST;
	}
	vnl_close(&s);
	return NULL;
}

TEST_F(names, same_in_parallel)
{
	struct same_thread t[4] = { 0 };
	pthread_barrier_t barrier;
	int i, won = 0;

	pthread_barrier_init(&barrier, NULL, ARRAY_SIZE(t));
	for (i = 0; i < (int)ARRAY_SIZE(t); i++) {
		t[i].barrier = &barrier;
		ASSERT_EQ(0, pthread_create(&t[i].thread, NULL, same_thread,
					    &t[i]));
	}
	for (i = 0; i < (int)ARRAY_SIZE(t); i++) {
		pthread_join(t[i].thread, NULL);
		EXPECT_EQ(0, t[i].other);
		won += t[i].won;
	}
	EXPECT_EQ(SAME_ROUNDS, won);
	EXPECT_EQ(SAME_ROUNDS, vnl_dev_count(&self->s));
}

/*
 * Permission: who lost his capability runs in a child, and says by its exit
 * status which of the expectations was wrong.
 */

FIXTURE(permission) {
	struct scene sc;
};

FIXTURE_SETUP(permission)
{
	ASSERT_EQ(0, scene_setup(&self->sc));
}

FIXTURE_TEARDOWN(permission)
{
	scene_end(&self->sc);
}

static bool needs_admin(struct vnl *s, int err)
{
	return err == EPERM && !strcmp(s->err.text, "Needs CAP_NET_ADMIN");
}

#define CHECK(_cond) do { \
	if (!(_cond)) { \
		fprintf(stderr, "# line %d: %s: %s\n", __LINE__, #_cond, \
			s->err.text); \
		_exit(1); \
	} \
} while (0)

/* Shows all, changes nothing; and is told so before anything else */
static void check_no_admin(struct vnl *s)
{
	struct vnl_mgmt mgmt;
	struct vnl_dev dev;
	struct vnl_dump d;
	struct vnl_devs l;
	struct vnl_msg m;

	CHECK(!vnl_mgmt_get(s, ENV_SIM, &mgmt));
	CHECK(!vnl_dev_get(s, "taken", &dev));
	CHECK(!vnl_devs_get(s, NULL, &l));
	CHECK(l.nr == 1);
	vnl_devs_free(&l);
	vnl_msg_init(&m, s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	CHECK(!vnl_dump_rest(&d, NULL, NULL));
	CHECK(d.nr_msgs == 3);

	CHECK(needs_admin(s, vnl_dev_add(s, ENV_SIM, "fresh")));
	CHECK(needs_admin(s, vnl_dev_add_auto(s, ENV_SIM, &dev)));
	CHECK(needs_admin(s, vnl_dev_del(s, "taken")));
	/* what exists is not told by way of another error */
	CHECK(needs_admin(s, vnl_dev_add(s, "nosuch", "fresh")));
	CHECK(needs_admin(s, vnl_dev_add(s, ENV_SIM, "taken")));
	CHECK(needs_admin(s, vnl_dev_add(s, ENV_SIM, "a/b")));
	CHECK(needs_admin(s, vnl_dev_del(s, "nosuch")));

	vnl_msg_init(&m, s, VDPA_CMD_DEV_CONFIG_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
	CHECK(!vnl_request(s, &m, NULL, NULL));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_STATS_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
	CHECK(!vnl_request(s, &m, NULL, NULL));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_VSTATS_GET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
	vnl_put_u32(&m, VDPA_ATTR_DEV_QUEUE_INDEX, 0);
	CHECK(needs_admin(s, vnl_request(s, &m, NULL, NULL)));
	vnl_msg_init(&m, s, VDPA_CMD_DEV_ATTR_SET, 0);
	vnl_put_str(&m, VDPA_ATTR_DEV_NAME, "taken");
	vnl_put_u16(&m, VDPA_ATTR_DEV_NET_CFG_MTU, 1500);
	CHECK(needs_admin(s, vnl_request(s, &m, NULL, NULL)));
	_exit(0);
}

static bool be_nobody(void)
{
	return !setgroups(0, NULL) &&
	       !setresgid(ENV_NOBODY, ENV_NOBODY, ENV_NOBODY) &&
	       !setresuid(ENV_NOBODY, ENV_NOBODY, ENV_NOBODY);
}

/* Leaves the capabilities in @keep, of those that the process has */
static bool keep_caps(uint64_t keep)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	int i;

	if (syscall(SYS_capget, &hdr, data))
		return false;
	for (i = 0; i < 2; i++) {
		data[i].permitted &= keep >> (32 * i);
		data[i].effective = data[i].permitted;
	}
	return !syscall(SYS_capset, &hdr, data);
}

/* _exit() and not the harness's way out: the child must not tear down */
static int run_child(void (*fn)(struct vnl *s), struct vnl *s)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		fn(s);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void nobody_child(struct vnl *s)
{
	CHECK(be_nobody());
	vnl_open(s);
	check_no_admin(s);
}

TEST_F(permission, nobody)
{
	EXPECT_EQ(0, run_child(nobody_child, &self->sc.s));
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

static void without_net_admin_child(struct vnl *s)
{
	CHECK(keep_caps(~(1ULL << CAP_NET_ADMIN)));
	vnl_open(s);
	check_no_admin(s);
}

/* Still uid 0, but without this one capability */
TEST_F(permission, root_without_net_admin)
{
	EXPECT_EQ(0, run_child(without_net_admin_child, &self->sc.s));
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

static void only_net_admin_child(struct vnl *s)
{
	CHECK(!prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHECK(be_nobody());
	CHECK(keep_caps(1ULL << CAP_NET_ADMIN));
	vnl_open(s);
	CHECK(!vnl_dev_add(s, ENV_SIM, "fresh"));
	CHECK(!vnl_dev_del(s, "fresh"));
}

/* The other way round: this one capability is enough */
TEST_F(permission, nobody_with_net_admin)
{
	EXPECT_EQ(0, run_child(only_net_admin_child, &self->sc.s));
}

static void user_namespace_child(struct vnl *s)
{
	CHECK(!unshare(CLONE_NEWUSER));
	vnl_open(s);
	check_no_admin(s);
}

/* All capabilities, but in a user namespace of one's own */
TEST_F(permission, user_namespace)
{
	EXPECT_EQ(0, run_child(user_namespace_child, &self->sc.s));
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

static void network_namespace_child(struct vnl *s)
{
	struct vnl_mgmt mgmt;
	struct vnl_devs l;
	struct vnl_dev dev;
	struct vnl_dump d;
	struct vnl_msg m;

	CHECK(!unshare(CLONE_NEWNET));
	vnl_open(s);
	CHECK(vnl_dev_get(s, "taken", &dev) == ENODEV);
	CHECK(!strcmp(s->err.text, "No such device"));
	CHECK(vnl_dev_del(s, "taken") == ENODEV);
	CHECK(vnl_dev_add(s, ENV_SIM, "fresh") == ENODEV);
	CHECK(!strcmp(s->err.text, "No such management device"));
	CHECK(vnl_mgmt_get(s, ENV_SIM, &mgmt) == ENODEV);
	CHECK(vnl_devs_get(s, ENV_SIM, &l) == ENODEV);
	CHECK(!vnl_devs_get(s, NULL, &l));
	CHECK(!l.nr);
	vnl_devs_free(&l);
	vnl_msg_init(&m, s, VDPA_CMD_MGMTDEV_GET, 0);
	vnl_dump_start(&d, s, &m, VNL_CHUNK_LARGE);
	CHECK(!vnl_dump_rest(&d, NULL, NULL));
	CHECK(!d.nr_msgs);
}

/* Nothing that was not moved there is seen in another network namespace. */
TEST_F(permission, network_namespace)
{
	EXPECT_EQ(0, run_child(network_namespace_child, &self->sc.s));
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

static void socket_of_root_child(struct vnl *s)
{
	CHECK(be_nobody());
	check_no_admin(s);
}

/* A socket of root in the hands of nobody: the caller counts */
TEST_F(permission, socket_of_root_used_by_nobody)
{
	EXPECT_EQ(0, run_child(socket_of_root_child, &self->sc.s));
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

static void socket_of_nobody_child(struct vnl *s)
{
	CHECK(!setresuid(-1, ENV_NOBODY, -1));
	vnl_open(s);
	vnl_connect(s);
	CHECK(!setresuid(-1, 0, -1));
	check_no_admin(s);
}

/*
 * A socket of nobody in the hands of root, who writes to it as if it were any
 * file: who opened it counts, too. (Who gives an address knows what he does.)
 */
TEST_F(permission, socket_of_nobody_used_by_root)
{
	EXPECT_EQ(0, run_child(socket_of_nobody_child, &self->sc.s));
	EXPECT_TRUE(scene_unchanged(&self->sc));
}

/*
 * Policies: what the kernel says about itself
 */

FIXTURE(policy) {
	struct vnl s;
	struct vnl_policy p;
};

FIXTURE_SETUP(policy)
{
	vnl_open(&self->s);
}

FIXTURE_TEARDOWN(policy)
{
	vnl_close(&self->s);
}

static uint32_t policy_type(uint16_t attr)
{
	switch (attr) {
	case VDPA_ATTR_MGMTDEV_BUS_NAME:
	case VDPA_ATTR_MGMTDEV_DEV_NAME:
	case VDPA_ATTR_DEV_NAME:
	case VDPA_ATTR_DEV_DRIVER:
		return NL_ATTR_TYPE_NUL_STRING;
	case VDPA_ATTR_DEV_NET_CFG_MACADDR:
		return NL_ATTR_TYPE_BINARY;
	case VDPA_ATTR_DEV_BLK_CFG_PHY_BLK_EXP:
	case VDPA_ATTR_DEV_BLK_CFG_ALIGN_OFFSET:
	case VDPA_ATTR_DEV_BLK_READ_ONLY:
	case VDPA_ATTR_DEV_BLK_FLUSH:
		return NL_ATTR_TYPE_U8;
	case VDPA_ATTR_DEV_ID:
	case VDPA_ATTR_DEV_QUEUE_INDEX:
	case VDPA_ATTR_NETNS_FD:
	case VDPA_ATTR_DEV_BLK_CFG_SIZE_MAX:
	case VDPA_ATTR_DEV_BLK_CFG_BLK_SIZE:
	case VDPA_ATTR_DEV_BLK_CFG_SEG_MAX:
	case VDPA_ATTR_DEV_BLK_CFG_OPT_IO_SIZE:
	case VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEC:
	case VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEG:
	case VDPA_ATTR_DEV_BLK_CFG_DISCARD_SEC_ALIGN:
	case VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC:
	case VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG:
	case VDPA_ATTR_PROFILE_VERSION:
	case VDPA_ATTR_DEV_MAX_VQS:
	case VDPA_ATTR_DEV_GROUPS:
	case VDPA_ATTR_DEV_ADDRESS_SPACES:
		return NL_ATTR_TYPE_U32;
	case VDPA_ATTR_DEV_NEGOTIATED_FEATURES:
	case VDPA_ATTR_DEV_FEATURES:
	case VDPA_ATTR_DEV_BLK_CFG_CAPACITY:
	case VDPA_ATTR_DEV_BACKEND_FEATURES:
	case VDPA_ATTR_DEV_IOVA_FIRST:
	case VDPA_ATTR_DEV_IOVA_LAST:
		return NL_ATTR_TYPE_U64;
	default:
		return NL_ATTR_TYPE_U16;
	}
}

/* Each operation has one, with exactly its attributes and their types */
TEST_F(policy, of_each_operation)
{
	const struct op *op;
	unsigned int i;

	for_each_op(op) {
		ASSERT_EQ(0, vnl_policy_get(&self->s, op->cmd, op->dump,
					    &self->p)) TH_LOG("%s", op->name);
		ASSERT_TRUE(self->p.found) TH_LOG("%s", op->name);
		for (i = 0; i < ARRAY_SIZE(self->p.type); i++) {
			EXPECT_EQ(op_takes(op, i) ? policy_type(i) : 0,
				  self->p.type[i])
				TH_LOG("%s, attribute %u", op->name, i);
		}
	}
}

TEST_F(policy, mac_has_six_bytes)
{
	ASSERT_EQ(0, vnl_policy_get(&self->s, VDPA_CMD_DEV_NEW, false,
				    &self->p));
	EXPECT_EQ(6, self->p.min_len[VDPA_ATTR_DEV_NET_CFG_MACADDR]);
	EXPECT_EQ(6, self->p.max_len[VDPA_ATTR_DEV_NET_CFG_MACADDR]);
}

VDPA_HARNESS_MAIN
