// SPDX-License-Identifier: GPL-2.0
/*
 * When the kernel does not know a device or management device: which of those
 * that there are was probably meant.
 */

#include <stdlib.h>
#include <string.h>

#include "vdpa.h"

struct existing {
	struct suggestion near;
	char *kept[2];		/* names that @near holds on to */
};

/* What it was told of is gone with the message, unless kept */
static void keep(char **kept, const char **name, const char *handle)
{
	if (*name != handle)
		return;
	free(*kept);
	*kept = strndup(handle, strlen(handle));
	*name = *kept;
}

static bool look_at(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	const struct nlattr *name = msg_attr(msg, VDPA_ATTR_DEV_NAME);
	struct existing *existing = data;
	char buf[HANDLE_SIZE];
	const char *handle;

	(void)vdpa;
	handle = name ? mnl_attr_get_str(name) : msg_handle(msg, buf);
	if (!handle || !*handle)
		return true;
	suggest_from(&existing->near, handle);
	keep(&existing->kept[0], &existing->near.begins, handle);
	keep(&existing->kept[1], &existing->near.resembles, handle);
	return true;
}

void suggest_existing(struct vdpa *vdpa, const struct req *of)
{
	static const struct cmd cmd = { .doing = "look what there is" };
	const char *word = req_word(of, VDPA_ATTR_DEV_NAME);
	struct existing existing = { .kept = { NULL } };
	uint8_t get = VDPA_CMD_DEV_GET;
	const char *name;
	struct req req;

	/* a new device has another name, of course */
	if (!word || of->cmd->genl_cmd == VDPA_CMD_DEV_NEW) {
		word = req_word(of, VDPA_ATTR_MGMTDEV_DEV_NAME);
		get = VDPA_CMD_MGMTDEV_GET;
	}
	if (!word)
		return;
	suggest_init(&existing.near, word);
	req_init(&req, &cmd, get);
	error_mute(true);
	if (genl_dump(vdpa, &req, look_at, &existing) == EXIT_OK) {
		name = suggest_word(&existing.near);
		if (name && strcmp(name, word))
			hint_name("Did you mean", name);
	}
	error_mute(false);
	free(existing.kept[0]);
	free(existing.kept[1]);
}
