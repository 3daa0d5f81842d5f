// SPDX-License-Identifier: GPL-2.0
/*
 * What commands have in common: those that show objects, one by its name or
 * all of them, and those that have something done
 */

#include "vdpa.h"

int show_with(struct vdpa *vdpa, struct req *req, const char *section,
	      uint16_t name, genl_cb print,
	      void (*finish)(struct vdpa *vdpa, void *data), void *data)
{
	struct out *out = &vdpa->out;
	int ret, end;

	out_begin(out, section);
	if (req_word(req, name))
		ret = genl_request(vdpa, req, print, data);
	else
		ret = genl_dump(vdpa, req, print, data);

	if (finish)
		finish(vdpa, data);
	/* of a list with something broken in it, the rest is shown */
	if (ret != EXIT_OK && !out->objects) {
		out_discard(out);
		return ret;
	}
	end = out_end(out);
	return ret ? ret : end;
}

int show(struct vdpa *vdpa, struct req *req, const char *section, uint16_t name,
	 genl_cb print)
{
	return show_with(vdpa, req, section, name, print, NULL, NULL);
}

/* What the kernel may tell besides that it was done */
static bool ignore(struct vdpa *vdpa, const struct msg *msg, void *data)
{
	(void)vdpa;
	(void)msg;
	(void)data;
	return true;
}

int request_silent(struct vdpa *vdpa, struct req *req, const char *section)
{
	struct out *out = &vdpa->out;
	int ret;

	req->nlh->nlmsg_flags |= NLM_F_ACK;
	ret = genl_request(vdpa, req, ignore, NULL);
	if (ret != EXIT_OK)
		return ret;
	out_begin(out, section);
	return out_end(out);
}

int request_check(struct vdpa *vdpa, const struct req *req, const char *why)
{
	const struct arg *arg;
	const char *word;
	int ret = genl_open(vdpa);

	if (ret || !genl_is_mainline(&vdpa->genl))
		return ret;
	for (arg = req->cmd->args; arg->key; arg++) {
		word = req_word(req, arg->attr);
		if (arg->attr == VDPA_ATTR_DEV_FEATURES && req->features)
			word = req->features;
		if (!word || !(arg->flags & ARG_OURS))
			continue;
		error_word(word, "this kernel cannot set %s of a device%s",
			   arg->key, why);
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}
