// SPDX-License-Identifier: GPL-2.0
/*
 * What a dump told, kept beyond it: for commands that put together what several
 * of them tell.
 */

#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

/* By its name if it is a device, otherwise by its handle */
static const char *name_of(const struct msg *msg, char buf[static HANDLE_SIZE])
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);

	return name ? mnl_attr_get_str(name) : msg_handle(msg, buf);
}

static bool kept_room(struct kept *kept)
{
	size_t size = kept->size ? kept->size * 2 : 16;
	struct kept_one *one;

	if (kept->count < kept->size)
		return true;
	one = realloc(kept->one, size * sizeof(*one));
	if (!one)
		return false;
	kept->one = one;
	kept->size = size;
	return true;
}

static bool kept_add(struct kept *kept, const char *name, const struct nlmsghdr *nlh)
{
	struct kept_one *one;

	if (!kept_room(kept))
		return false;
	one = &kept->one[kept->count];
	one->name = strndup(name, strlen(name));
	one->nlh = malloc(nlh->nlmsg_len);
	if (!one->name || !one->nlh) {
		free(one->name);
		free(one->nlh);
		return false;
	}
	memcpy(one->nlh, nlh, nlh->nlmsg_len);
	kept->count++;
	return true;
}

bool kept_take(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	char buf[HANDLE_SIZE];
	const char *name = name_of(msg, buf);

	if (!name)
		return false;
	/* what is shown then lacks something, as is said of it */
	if (!kept_add(data, name, msg->nlh))
		vdpa->out.failed = true;
	return true;
}

/* Objects come in the same order here and there, but for those that changed */
bool kept_find(struct kept *kept, const char *name, struct msg *msg)
{
	size_t i, at;

	for (i = 0; i < kept->count; i++) {
		at = (kept->next + i) % kept->count;
		if (strcmp(kept->one[at].name, name))
			continue;
		kept->next = at + 1;
		return msg_parse(kept->one[at].nlh, msg);
	}
	return false;
}

void kept_free(struct kept *kept)
{
	size_t i;

	for (i = 0; i < kept->count; i++) {
		free(kept->one[i].name);
		free(kept->one[i].nlh);
	}
	free(kept->one);
}
