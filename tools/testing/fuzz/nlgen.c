// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: valid ones from the grammar, with names and values that meet
 * again, and then something wrong with half of them.
 */

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/genetlink.h>

#include "nlfuzz.h"
#include "nlgrammar.h"

/* Randomness: splitmix64 */

static uint64_t state;

static uint64_t next64(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void choose_from(uint64_t seed, uint64_t round)
{
	state = seed;
	state = next64() ^ round;
	next64();
}

uint32_t choose(uint32_t n)
{
	return (next64() >> 32) * n >> 32;
}

static bool one_in(uint32_t n)
{
	return !choose(n);
}

/* A request before it is put into bytes */

#define MAX_ATTRS	24
#define MAX_DATA	2048
#define HONEST		-1

struct attr {
	uint16_t type;		/* with NLA_F_* */
	uint16_t len;
	int claim;		/* nla_len, or HONEST */
	uint8_t data[MAX_DATA];
};

struct request {
	bool for_family;
	uint16_t type;		/* if it isn't */
	uint16_t flags;
	uint32_t pid;
	struct genlmsghdr genl;
	unsigned int nr_attrs;
	struct attr attrs[MAX_ATTRS];
	unsigned int trailing;	/* bytes of garbage behind the attributes */
	bool lies;		/* about nlmsg_len, which is said to be: */
	uint32_t claim;
	int cut;		/* bytes missing at the end */
};

/* Values */

static const char *const names[] = {
	"fuzz0", "fuzz1", "fuzz2", "fuzz3", "fuzz4", "fuzz5", "fuzz6", "fuzz7",
	"vdpa0", "vdpa1", "vdpa2", "vdpa3", "vdpa01", "vdpa4294967295",
	"a:b", "~", "-", "...",
	"012345678901234567890123456789012345678901234567890123456789012",
};

static const char *const bad_names[] = {
	"", ".", "..", "a/b", "/", "a b", "\t", "\x7f", "\xc3\xa4", "\xff",
	"0123456789012345678901234567890123456789012345678901234567890123",
	"012345678901234567890123456789012345678901234567890123456789012\n",
};

static void put_string(struct attr *attr, const char *str)
{
	attr->len = strlen(str) + 1;
	memcpy(attr->data, str, attr->len);
}

static void put_random(struct attr *attr, unsigned int len)
{
	unsigned int i;

	attr->len = len;
	for (i = 0; i < len; i++)
		attr->data[i] = choose(256);
}

/* Edges, powers of two and their neighbours, anything */
static uint64_t some_number(void)
{
	switch (choose(4)) {
	case 0:
		return choose(4);
	case 1:
		return (1ULL << choose(64)) - choose(2);
	case 2:
		return -(uint64_t)choose(3);
	default:
		return next64();
	}
}

static void put_number(struct attr *attr, unsigned int len, uint64_t value)
{
	attr->len = len;
	memcpy(attr->data, &value, len);	/* netlink has the host's order */
}

static void put_name(struct attr *attr)
{
	if (one_in(16))
		put_string(attr, bad_names[choose(ARRAY_SIZE(bad_names))]);
	else if (one_in(32))
		put_random(attr, 1 + choose(80));
	else
		put_string(attr, names[choose(ARRAY_SIZE(names))]);
}

static void put_any(struct attr *attr, const struct grammar_attr *desc)
{
	unsigned int len = desc->max_len > MAX_DATA ? MAX_DATA : desc->max_len;

	if (desc->type == TYPE_NUMBER)
		put_number(attr, desc->min_len, some_number());
	else if (desc->type == TYPE_STRING)
		put_name(attr);
	else
		put_random(attr, desc->min_len + choose(len - desc->min_len + 1));
}

static void put_mac(struct attr *attr)
{
	put_random(attr, 6);
	attr->data[0] &= ~1;
	attr->data[0] |= 2;
}

/* Where everything is to be seen anyway */
static int own_netns(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd;
}

/* What mostly gets past the checks, where the types alone would hardly ever do */
static void put_sensible(struct attr *attr, const struct grammar_attr *desc,
			 const struct target *target)
{
	switch (one_in(10) ? UINT16_MAX : desc->number) {
	case ATTR_MGMTDEV_BUS_NAME:
		put_string(attr, *target->bus ? target->bus : "pci");
		break;
	case ATTR_MGMTDEV_DEV_NAME:
		put_string(attr, target->dev);
		break;
	case ATTR_DEV_ID:
		put_number(attr, 4, 1);
		break;
	case ATTR_DEV_FEATURES:
		put_number(attr, 8, target->features & (one_in(2) ? next64() : UINT64_MAX));
		break;
	case ATTR_DEV_NET_CFG_MACADDR:
		put_mac(attr);
		break;
	case ATTR_DEV_NET_CFG_MTU:
		put_number(attr, 2, 68 + choose(9000));
		break;
	case ATTR_DEV_NET_CFG_MAX_VQP:
		put_number(attr, 2, 1);
		break;
	case ATTR_DEV_NET_VLAN:
		put_number(attr, 2, 1 + choose(4094));
		break;
	case ATTR_DEV_DRIVER:
		put_string(attr, "none");
		break;
	case ATTR_NETNS_FD:
		put_number(attr, 4, own_netns());
		break;
	default:
		put_any(attr, desc);
	}
}

/* Whether a valid request is to have it */
static bool wanted(const struct grammar_attr *desc, const struct target *target)
{
	switch (desc->number) {
	case ATTR_MGMTDEV_BUS_NAME:
		return *target->bus || one_in(32);
	case ATTR_MGMTDEV_DEV_NAME:
		return !one_in(32);
	case ATTR_DEV_NAME:
		return !one_in(8);
	default:
		return one_in(6);
	}
}

static const struct grammar_attr *attr_desc(uint16_t number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(grammar_attrs); i++)
		if (grammar_attrs[i].number == number)
			return &grammar_attrs[i];
	abort();
}

static struct attr *add_attr(struct request *req, uint16_t type)
{
	struct attr *attr = &req->attrs[req->nr_attrs++];

	attr->type = type;
	attr->claim = HONEST;
	return attr;
}

static void request_init(struct request *req, uint8_t cmd, uint16_t flags)
{
	req->for_family = true;
	req->type = 0;
	req->flags = NLM_F_REQUEST | flags;
	req->pid = 0;
	req->genl = (struct genlmsghdr) { .cmd = cmd, .version = GRAMMAR_VERSION };
	req->nr_attrs = 0;
	req->trailing = 0;
	req->lies = false;
	req->cut = 0;
}

static void request_valid(struct request *req, const struct generator *gen)
{
	static const struct target nothing = { .dev = "nosuch" };
	const struct target *target = &nothing;
	const struct grammar_call *call;
	unsigned int i;

	do {
		call = &grammar_requests[choose(ARRAY_SIZE(grammar_requests))];
		/* the one that takes most is made most */
	} while (call->cmd != REQUEST_DEV_NEW_DO && one_in(3));
	if (gen->targets.nr && !one_in(16))
		target = &gen->targets.list[choose(gen->targets.nr)];

	request_init(req, call->cmd, call->flag ? NLM_F_DUMP : 0);
	if (!one_in(4))
		req->flags |= NLM_F_ACK;
	if (one_in(4))
		req->flags |= NLM_F_ECHO;
	for (i = 0; i < call->nr_attrs; i++) {
		const struct grammar_attr *desc = attr_desc(call->attrs[i]);

		/* dumps of all there is, mostly */
		if (!wanted(desc, target) || (call->flag && !one_in(3)))
			continue;
		put_sensible(add_attr(req, desc->number), desc, target);
	}
}

/* Mutations */

static struct attr *some_attr(struct request *req)
{
	return req->nr_attrs ? &req->attrs[choose(req->nr_attrs)] : NULL;
}

static void mutate_type(struct request *req)
{
	static const uint16_t odd[] = { 0, 0xff, 0x1004, 0x3fff };
	struct attr *attr = some_attr(req);

	if (!attr)
		return;
	if (one_in(2))
		attr->type = grammar_attrs[choose(ARRAY_SIZE(grammar_attrs))].number;
	else if (one_in(2))
		attr->type += one_in(2) ? 1 : -1;
	else
		attr->type = odd[choose(ARRAY_SIZE(odd))];
}

static void mutate_flags_of_attr(struct request *req)
{
	struct attr *attr = some_attr(req);

	if (attr)
		attr->type ^= choose(3) ? 1 << (14 + choose(2)) : 0xc000;
}

/* The payload itself gets longer or shorter */
static void mutate_len(struct request *req)
{
	struct attr *attr = some_attr(req);
	unsigned int old, len;

	if (!attr)
		return;
	old = attr->len;
	switch (choose(6)) {
	case 0:
		len = 0;
		break;
	case 1:
		len = 1;
		break;
	case 2:
		len = old + 1;
		break;
	case 3:
		len = old ? old - 1 : 0;
		break;
	case 4:
		len = choose(MAX_DATA);
		break;
	default:
		len = old + choose(9);
	}
	if (len > MAX_DATA)
		len = MAX_DATA;
	if (len > old)
		memset(attr->data + old, one_in(2) ? 'x' : 0, len - old);
	attr->len = len;
}

/* The length that is told has nothing to do with the payload */
static void mutate_claim(struct request *req)
{
	static const uint16_t odd[] = { 0, 1, 3, 4, 5, 0x7fff, 0x8000, 0xfffc, 0xffff };
	struct attr *attr = some_attr(req);

	if (!attr)
		return;
	if (one_in(2))
		attr->claim = odd[choose(ARRAY_SIZE(odd))];
	else
		attr->claim = attr->len + 4 + choose(17) - 8;
}

static void mutate_value(struct request *req)
{
	struct attr *attr = some_attr(req);
	unsigned int i;

	if (!attr || !attr->len)
		return;
	if (one_in(2)) {
		attr->data[choose(attr->len)] ^= 1 << choose(8);
		return;
	}
	if (attr->len <= 8) {
		put_number(attr, attr->len, some_number());
		return;
	}
	for (i = choose(attr->len); i < attr->len; i++)
		attr->data[i] = choose(256);
}

static void mutate_duplicate(struct request *req)
{
	struct attr *attr = some_attr(req);
	struct attr *copy;

	if (!attr || req->nr_attrs == MAX_ATTRS)
		return;
	copy = add_attr(req, attr->type);
	*copy = *attr;
	if (one_in(2) && copy->len)
		copy->data[0] ^= 1;
}

static void mutate_remove(struct request *req)
{
	struct attr *attr = some_attr(req);

	if (attr)
		*attr = req->attrs[--req->nr_attrs];
}

static void mutate_add(struct request *req)
{
	const struct grammar_attr *desc;

	if (req->nr_attrs == MAX_ATTRS)
		return;
	desc = &grammar_attrs[choose(ARRAY_SIZE(grammar_attrs))];
	put_any(add_attr(req, desc->number), desc);
}

static void mutate_order(struct request *req)
{
	static struct attr swap;
	struct attr *a = some_attr(req), *b = some_attr(req);

	if (a == b)
		return;
	swap = *a;
	*a = *b;
	*b = swap;
}

/* A nest, whose contents look like more attributes */
static void mutate_nest(struct request *req)
{
	struct nlattr inner = { .nla_len = 4 + choose(12), .nla_type = choose(64) };
	struct attr *attr = some_attr(req);

	if (!attr)
		return;
	attr->type |= NLA_F_NESTED;
	memcpy(attr->data, &inner, sizeof(inner));
	attr->len = 4 + choose(20);
}

static void mutate_cmd(struct request *req)
{
	req->genl.cmd = one_in(2) ? choose(12) : choose(256);
}

static void mutate_header(struct request *req)
{
	switch (choose(3)) {
	case 0:
		req->genl.version = choose(256);
		break;
	case 1:
		req->genl.reserved = choose(0x10000);
		break;
	default:
		req->pid = next64();
	}
}

static void mutate_flags(struct request *req)
{
	static const uint16_t bits[] = {
		NLM_F_REQUEST, NLM_F_MULTI, NLM_F_ACK, NLM_F_ECHO, NLM_F_DUMP_INTR,
		NLM_F_DUMP, NLM_F_ROOT, NLM_F_MATCH, NLM_F_ATOMIC, NLM_F_CREATE,
		NLM_F_EXCL, NLM_F_APPEND,
	};

	if (one_in(8))
		req->flags = choose(0x10000);
	else
		req->flags ^= bits[choose(ARRAY_SIZE(bits))];
}

/*
 * Never that of another family: what those do with our attributes is not
 * what is tested here.
 */
static void mutate_msg_type(struct request *req)
{
	req->for_family = false;
	req->type = one_in(4) ? 0xffff : choose(NLMSG_MIN_TYPE);
}

static void mutate_trailing(struct request *req)
{
	req->trailing = 1 + choose(one_in(4) ? 200 : 8);
}

static void mutate_cut(struct request *req)
{
	req->cut = 1 + choose(one_in(2) ? 4 : 64);
}

static void mutate_msg_claim(struct request *req)
{
	static const uint32_t odd[] = {
		0, 1, 15, 16, 17, 19, 20, 21, 24, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
	};

	req->lies = true;
	req->claim = one_in(2) ? odd[choose(ARRAY_SIZE(odd))] : 16 + choose(128);
}

static void (*const mutations[])(struct request *req) = {
	mutate_type, mutate_type, mutate_flags_of_attr, mutate_len, mutate_len, mutate_claim,
	mutate_value, mutate_value, mutate_duplicate, mutate_remove, mutate_add,
	mutate_order, mutate_nest, mutate_cmd, mutate_header, mutate_flags,
	mutate_flags, mutate_msg_type, mutate_trailing, mutate_cut,
	mutate_msg_claim,
};

static void mutate(struct request *req)
{
	unsigned int times = 1 + (one_in(3) ? choose(4) : 0);

	while (times--)
		mutations[choose(ARRAY_SIZE(mutations))](req);
}

/* Bytes */

static void put(struct batch *batch, const void *data, size_t len)
{
	memcpy(batch->data + batch->len, data, len);
	batch->len += len;
}

static void put_padding(struct batch *batch)
{
	static const uint8_t zero[4];

	put(batch, zero, -batch->len & 3);
}

static void put_attr(struct batch *batch, const struct attr *attr)
{
	struct nlattr nla = {
		.nla_len = attr->claim == HONEST ? attr->len + 4 : attr->claim,
		.nla_type = attr->type,
	};

	put(batch, &nla, sizeof(nla));
	put(batch, attr->data, attr->len);
	put_padding(batch);
}

static void put_request(struct generator *gen, struct batch *batch,
			const struct request *req)
{
	size_t start = batch->len, len;
	struct nlmsghdr nlh = {
		.nlmsg_type = req->type,
		.nlmsg_flags = req->flags,
		.nlmsg_seq = ++gen->seq,
		.nlmsg_pid = req->pid,
	};
	unsigned int i;
	uint8_t byte;

	if (req->for_family)
		batch->starts[batch->nr_starts++] = start;
	batch->len += sizeof(nlh);
	put(batch, &req->genl, sizeof(req->genl));
	for (i = 0; i < req->nr_attrs; i++)
		put_attr(batch, &req->attrs[i]);
	for (i = 0; i < req->trailing; i++) {
		byte = choose(256);
		put(batch, &byte, 1);
	}
	len = batch->len - start;
	if (req->cut && (size_t)req->cut < len)
		batch->len -= req->cut;
	/* cut off: either the message knows of it or it doesn't */
	if (one_in(2))
		len = batch->len - start;
	nlh.nlmsg_len = req->lies ? req->claim : len;
	if (batch->len - start < sizeof(nlh))
		batch->len = start + sizeof(nlh);
	memcpy(batch->data + start, &nlh, sizeof(nlh));
}

/* Room for one more message of the largest size */
static bool room(const struct batch *batch)
{
	return sizeof(batch->data) - batch->len > MAX_ATTRS * (MAX_DATA + 8) + 512;
}

void gen_batch(struct generator *gen, struct batch *batch)
{
	static struct request req;
	unsigned int left = one_in(8) ? 2 + choose(6) : 1;

	batch->len = 0;
	batch->nr_starts = 0;
	while (left-- && room(batch)) {
		put_padding(batch);
		request_valid(&req, gen);
		if (one_in(2))
			mutate(&req);
		put_request(gen, batch, &req);
	}
}

void gen_add(struct generator *gen, struct batch *batch)
{
	const struct target *target;
	static struct request req;

	batch->len = 0;
	batch->nr_starts = 0;
	if (!gen->targets.nr)
		return;
	target = &gen->targets.list[choose(gen->targets.nr)];
	request_init(&req, REQUEST_DEV_NEW_DO, NLM_F_ACK);
	if (*target->bus)
		put_string(add_attr(&req, ATTR_MGMTDEV_BUS_NAME), target->bus);
	put_string(add_attr(&req, ATTR_MGMTDEV_DEV_NAME), target->dev);
	put_request(gen, batch, &req);
}

void gen_del(struct generator *gen, struct batch *batch, const char *name)
{
	static struct request req;

	batch->len = 0;
	batch->nr_starts = 0;
	request_init(&req, REQUEST_DEV_DEL_DO, NLM_F_ACK);
	put_string(add_attr(&req, ATTR_DEV_NAME), name);
	put_request(gen, batch, &req);
}

void gen_del_any(struct generator *gen, struct batch *batch)
{
	char name[16];

	snprintf(name, sizeof(name), "vdpa%u", choose(64));
	gen_del(gen, batch, one_in(4) ? names[choose(ARRAY_SIZE(names))] : name);
}

void gen_dump(struct generator *gen, struct batch *batch, bool devices)
{
	static struct request req;

	batch->len = 0;
	batch->nr_starts = 0;
	request_init(&req,
		     devices ? REQUEST_DEV_GET_DUMP : REQUEST_MGMTDEV_GET_DUMP,
		     NLM_F_DUMP);
	put_request(gen, batch, &req);
}

void batch_set_family(struct batch *batch, uint16_t family)
{
	unsigned int i;

	for (i = 0; i < batch->nr_starts; i++)
		memcpy(batch->data + batch->starts[i] + offsetof(struct nlmsghdr, nlmsg_type),
		       &family, sizeof(family));
}
