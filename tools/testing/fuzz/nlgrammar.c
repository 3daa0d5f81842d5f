// SPDX-License-Identifier: GPL-2.0
/*
 * The grammar that the netlink specification gave: what fits it, and how much
 * of it was reached
 */

#include <errno.h>
#include <string.h>

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "nlfuzz.h"
#include "nlgrammar.h"

int request_of(uint8_t cmd, bool dump)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(grammar_requests); i++)
		if (grammar_requests[i].cmd == cmd && grammar_requests[i].flag == dump)
			return i;
	return -1;
}

const struct grammar_call *message_of(uint8_t cmd, bool event)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(grammar_messages); i++)
		if (grammar_messages[i].cmd == cmd && grammar_messages[i].flag == event)
			return &grammar_messages[i];
	return NULL;
}

const struct grammar_attr *desc_in(const struct grammar_call *call, uint16_t number)
{
	unsigned int i;
	bool has = false;

	for (i = 0; i < call->nr_attrs; i++)
		has |= call->attrs[i] == number;
	for (i = 0; has && i < ARRAY_SIZE(grammar_attrs); i++)
		if (grammar_attrs[i].number == number)
			return &grammar_attrs[i];
	return NULL;
}

bool is_attr_good(const struct grammar_attr *desc, const struct nlattr *attr)
{
	int len = nla_len(attr);

	if (len < desc->min_len || len > desc->max_len)
		return false;
	return desc->type != TYPE_STRING ||
	       strnlen(nla_data(attr), len) == (size_t)len - 1;
}

/* In a request it may be longer than the string in it */
static bool is_request_attr_good(const struct grammar_attr *desc, const struct nlattr *attr)
{
	int len = nla_len(attr);

	return len >= desc->min_len && len <= desc->max_len &&
	       (desc->type != TYPE_STRING || memchr(nla_data(attr), '\0', len));
}

bool is_request_good(const struct nlmsghdr *nlh, int request)
{
	const struct grammar_call *call = &grammar_requests[request];
	bool seen[UINT8_MAX + 1] = {};
	const struct nlattr *attr;
	int left;

	nla_for_each_attr(attr, nlmsg_attrdata(nlh, GENL_HDRLEN),
			  (int)(nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN), left) {
		const struct grammar_attr *desc = desc_in(call, nla_type(attr));

		if (!desc || attr->nla_type & NLA_F_NESTED ||
		    !is_request_attr_good(desc, attr) || seen[desc - grammar_attrs])
			return false;
		seen[desc - grammar_attrs] = true;
	}
	return left <= 0;
}

/* A fuzzer that is refused at the door finds nothing */
bool covered(void)
{
	static const int errors[] = { EINVAL, ERANGE, EOPNOTSUPP, ENODEV, EEXIST };
	bool all = checker.half_dumps;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(grammar_requests); i++)
		all &= checker.done[i] > 0;
	for (i = 0; i < ARRAY_SIZE(errors); i++)
		all &= checker.errors[errors[i]] > 0;
	for (i = 0; i < NR_CHECKS; i++)
		all &= checker.passed[i] > 0;
	return all;
}

void coverage(void)
{
	unsigned int i;

	printf("# %lu messages, %lu datagrams came back, %lu dumps were left half-read\n",
	       checker.messages, checker.parts, checker.half_dumps);
	for (i = 0; i < ARRAY_SIZE(grammar_requests); i++)
		printf("# done: %s %lu\n", grammar_requests[i].name, checker.done[i]);
	for (i = 0; i < SEEN_ERRNOS; i++)
		if (checker.errors[i])
			printf("# refused: %s %lu\n", strerror(i), checker.errors[i]);
}
