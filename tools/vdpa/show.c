// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that show objects: one by its name, or all of them
 */

#include "vdpa.h"

int show_with(struct vdpa *vdpa, struct req *req, const char *section,
	      uint16_t name, genl_cb print, void *data)
{
	struct out *out = &vdpa->out;
	int ret, end;

	out_begin(out, section);
	if (req_word(req, name))
		ret = genl_request(vdpa, req, print, data);
	else
		ret = genl_dump(vdpa, req, print, data);

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
	return show_with(vdpa, req, section, name, print, NULL);
}
