// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that show objects: one by its name, or all of them
 */

#include "vdpa.h"

int show(struct vdpa *vdpa, struct req *req, const char *section, uint16_t name,
	 genl_cb print)
{
	struct out *out = &vdpa->out;
	int ret, end;

	out_begin(out, section);
	if (req_word(req, name))
		ret = genl_request(vdpa, req, print, NULL);
	else
		ret = genl_dump(vdpa, req, print, NULL);

	/* of a list with something broken in it, the rest is shown */
	if (ret != EXIT_OK && !out->objects) {
		out_discard(out);
		return ret;
	}
	end = out_end(out);
	return ret ? ret : end;
}
