// SPDX-License-Identifier: GPL-2.0
/*
 * The devices there should be. They are known from the outcome of each request
 * that makes or deletes one, and after each are compared with what the kernel
 * shows: what it refused must not have changed anything.
 */

#include <stdlib.h>
#include <string.h>

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "nlfuzz.h"
#include "nlgrammar.h"

struct set model;

/* Nobody else's sequence numbers, nor settings, get in its way */
static struct nl_sock *own_sock;
static struct generator own_gen;

/* Where @name is, or belongs */
static unsigned int set_index(const struct set *set, const char *name)
{
	unsigned int low = 0, high = set->nr;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (strcmp(set->dev[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct device *set_find(const struct set *set, const char *name)
{
	unsigned int i = set_index(set, name);

	if (i == set->nr || strcmp(set->dev[i].name, name))
		return NULL;
	return &set->dev[i];
}

struct device *set_add(struct set *set, const char *name)
{
	unsigned int i = set_index(set, name);
	struct device *dev;

	if (set_find(set, name))
		return NULL;
	dev = realloc(set->dev, (set->nr + 1) * sizeof(*dev));
	if (!dev)
		give_up("a list of devices", -NLE_NOMEM);
	set->dev = dev;
	dev += i;
	memmove(dev + 1, dev, (set->nr++ - i) * sizeof(*dev));
	*dev = (struct device) {};
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	return dev;
}

void set_remove(struct set *set, struct device *dev)
{
	set->nr--;
	memmove(dev, dev + 1, (set->dev + set->nr - dev) * sizeof(*dev));
}

void set_free(struct set *set)
{
	free(set->dev);
	*set = (struct set) {};
}

void set_copy(struct set *to, const struct set *from)
{
	unsigned int i;

	set_free(to);
	for (i = 0; i < from->nr; i++)
		*set_add(to, from->dev[i].name) = from->dev[i];
}

/* Attributes that a bus driver changes, which comes when it likes */
static bool changes_by_itself(int attr)
{
	return attr == ATTR_DEV_STATUS || attr == ATTR_DEV_STATE ||
	       attr == ATTR_DEV_READY_VQS || attr == ATTR_DEV_DRIVER ||
	       attr == ATTR_DEV_DRIVER_DEV;
}

/*
 * FNV-1a of all the others. Gaps before numbers of 64 bits come and go with where the
 * message stands, on machines that need them.
 */
static uint64_t attrs_digest(uint64_t digest, const struct nlattr *first, int len)
{
	const struct nlattr *attr;
	int left, i;

	nla_for_each_attr(attr, first, len, left) {
		if (!nla_type(attr) || changes_by_itself(nla_type(attr)))
			continue;
		if (nla_type(attr) == ATTR_DEV_CREATED) {
			digest = attrs_digest(digest, nla_data(attr), nla_len(attr));
			continue;
		}
		for (i = 0; i < attr->nla_len; i++)
			digest = (digest ^ ((const uint8_t *)attr)[i]) * 0x100000001b3ULL;
	}
	return digest;
}

static uint64_t object_digest(const struct nlmsghdr *nlh)
{
	return attrs_digest(0xcbf29ce484222325ULL, nlmsg_data(nlh) + GENL_HDRLEN,
			    nlmsg_datalen(nlh) - (int)GENL_HDRLEN);
}

static void take_device(const struct nlmsghdr *nlh, void *arg)
{
	const char *name = object_string(nlh, ATTR_DEV_NAME);
	struct device *dev = name ? set_add(arg, name) : NULL;

	if (dev)
		dev->digest = object_digest(nlh);
}

static void own_exchange(struct batch *batch, object_cb cb, void *arg)
{
	if (!own_sock)
		own_sock = open_sock(8 << 20);
	batch_set_family(batch, checker.family);
	exchange(own_sock, batch, cb, arg);
}

static void list_devices(struct set *set)
{
	static struct batch batch;

	set_free(set);
	gen_dump(&own_gen, &batch, true);
	own_exchange(&batch, take_device, set);
}

void model_added(const char *name)
{
	char first_free[NAME_MAX_LEN + 1];
	unsigned int i = 0;
	struct device *dev;

	if (!name) {
		do {
			snprintf(first_free, sizeof(first_free), "vdpa%u", i++);
		} while (set_find(&model, first_free));
		name = first_free;
	}
	dev = set_add(&model, name);
	if (check(CHECK_STATE, dev, "%s was made a second time", name))
		dev->fresh = true;
}

void model_removed(const char *name)
{
	struct device *dev = set_find(&model, name);

	if (check(CHECK_STATE, dev, "%s, which is not there, was deleted", name))
		set_remove(&model, dev);
}

static void check_same(const struct set *now)
{
	unsigned int i;

	for (i = 0; i < model.nr && i < now->nr; i++) {
		const struct device *dev = &model.dev[i], *found = &now->dev[i];
		int order = strcmp(dev->name, found->name);

		if (!check(CHECK_STATE, order >= 0, "%s is gone", dev->name) ||
		    !check(CHECK_STATE, order <= 0, "%s came from nowhere", found->name))
			return;
		check(CHECK_STATE, dev->fresh || dev->digest == found->digest,
		      "%s is not what it was", dev->name);
	}
	check(CHECK_STATE, i == model.nr, "%s is gone", i < model.nr ? model.dev[i].name : "");
	check(CHECK_STATE, i == now->nr, "%s came from nowhere",
	      i < now->nr ? now->dev[i].name : "");
}

void model_verify(void)
{
	struct set now = {};

	list_devices(&now);
	check_same(&now);
	set_free(&model);
	model = now;
}

unsigned int model_sweep(void)
{
	static struct batch batch;
	struct set all = {};
	unsigned int left, i;

	set_free(&model);
	list_devices(&all);
	for (i = 0; i < all.nr; i++) {
		gen_del(&own_gen, &batch, all.dev[i].name);
		own_exchange(&batch, NULL, NULL);
	}
	list_devices(&all);
	left = all.nr;
	set_free(&all);
	return left;
}
