/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replies with all their attributes, and what is nested in these
 */

#ifndef _VNL_REPLY_H
#define _VNL_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "vdpa_nl.h"

#define VNL_REPLY_ATTRS	320
#define VNL_REPLY_PAIRS	16
#define VNL_REPLY_NESTS	64

/**
 * struct vnl_reply - a reply
 * @nr: how many came; the last one is here
 * @cmd: its command
 * @buf: all of it
 * @attr: attributes by number; of several alike, the last one
 * @pairs: how many of @name and @value there are
 * @name: names of vendor statistics, in their order
 * @value: their values
 */
struct vnl_reply {
	unsigned int nr;
	uint8_t cmd;
	char buf[VNL_CHUNK_LARGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlattr *attr[VNL_REPLY_ATTRS];
	unsigned int pairs;
	const char *name[VNL_REPLY_PAIRS];
	uint64_t value[VNL_REPLY_PAIRS];
};

/**
 * struct vnl_nest - what is in an attribute
 * @attr: attributes by number; of several alike, the last one
 */
struct vnl_nest {
	const struct nlattr *attr[VNL_REPLY_ATTRS];
};

/* For vnl_request() and dumps, with a &struct vnl_reply */
void vnl_reply_cb(const struct nlmsghdr *nlh, void *arg);
/* Asks for a device, or about a management device */
int vnl_reply_dev(struct vnl *s, uint8_t cmd, const char *name,
		  struct vnl_reply *r);
int vnl_reply_mgmt(struct vnl *s, uint8_t cmd, const char *handle,
		   struct vnl_reply *r);

/* A number of whatever size; -1: there is none */
long long vnl_attr_nr(const struct nlattr *attr);
long long vnl_nr(const struct vnl_reply *r, uint16_t type);
/* A string; "": there is none */
const char *vnl_text(const struct vnl_reply *r, uint16_t type);

/* The nests of one kind; returns how many there are */
unsigned int vnl_nests(const struct vnl_reply *r, uint16_t type,
		       struct vnl_nest *nests, unsigned int room);

#endif
