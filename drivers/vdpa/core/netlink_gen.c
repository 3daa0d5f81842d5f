// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vdpa.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/vdpa.h>

/* VDPA_CMD_MGMTDEV_GET - do */
static const struct nla_policy vdpa_mgmtdev_get_do_nl_policy[VDPA_ATTR_MGMTDEV_DEV_NAME + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_MGMTDEV_GET - dump */
static const struct nla_policy vdpa_mgmtdev_get_dump_nl_policy[VDPA_ATTR_MGMTDEV_BUS_NAME + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_NEW - do */
static const struct nla_policy vdpa_dev_new_nl_policy[VDPA_ATTR_DEV_NET_VLAN + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_DEV_ID] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_FEATURES] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_NET_CFG_MACADDR] = NLA_POLICY_EXACT_LEN(6),
	[VDPA_ATTR_DEV_NET_CFG_MTU] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_NET_CFG_MAX_VQP] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_BLK_CFG_CAPACITY] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_BLK_READ_ONLY] = { .type = NLA_U8, },
	[VDPA_ATTR_DEV_DRIVER] = { .type = NLA_NUL_STRING, .len = 31, },
	[VDPA_ATTR_DEV_NET_VLAN] = { .type = NLA_U16, },
};

/* VDPA_CMD_DEV_DEL - do */
static const struct nla_policy vdpa_dev_del_nl_policy[VDPA_ATTR_DEV_NAME + 1] = {
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_GET - do */
static const struct nla_policy vdpa_dev_get_do_nl_policy[VDPA_ATTR_DEV_NAME + 1] = {
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_GET - dump */
static const struct nla_policy vdpa_dev_get_dump_nl_policy[VDPA_ATTR_MGMTDEV_DEV_NAME + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_CONFIG_GET - do */
static const struct nla_policy vdpa_dev_config_get_do_nl_policy[VDPA_ATTR_DEV_NAME + 1] = {
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_CONFIG_GET - dump */
static const struct nla_policy vdpa_dev_config_get_dump_nl_policy[VDPA_ATTR_MGMTDEV_DEV_NAME + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_VSTATS_GET - do */
static const struct nla_policy vdpa_dev_vstats_get_nl_policy[VDPA_ATTR_DEV_QUEUE_INDEX + 1] = {
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_DEV_QUEUE_INDEX] = { .type = NLA_U32, },
};

/* VDPA_CMD_DEV_ATTR_SET - do */
static const struct nla_policy vdpa_dev_attr_set_nl_policy[VDPA_ATTR_DEV_FEATURES + 1] = {
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_DEV_FEATURES] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_NET_CFG_MACADDR] = NLA_POLICY_EXACT_LEN(6),
	[VDPA_ATTR_DEV_NET_CFG_MTU] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_NET_CFG_MAX_VQP] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_NET_STATUS] = { .type = NLA_U16, },
};

/* VDPA_CMD_DEV_STATS_GET - do */
static const struct nla_policy vdpa_dev_stats_get_do_nl_policy[VDPA_ATTR_DEV_QUEUE_INDEX + 1] = {
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_DEV_QUEUE_INDEX] = { .type = NLA_U32, },
};

/* VDPA_CMD_DEV_STATS_GET - dump */
static const struct nla_policy vdpa_dev_stats_get_dump_nl_policy[VDPA_ATTR_MGMTDEV_DEV_NAME + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_PROFILE_GET - do */
static const struct nla_policy vdpa_dev_profile_get_do_nl_policy[VDPA_ATTR_DEV_NAME + 1] = {
	[VDPA_ATTR_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_DEV_PROFILE_GET - dump */
static const struct nla_policy vdpa_dev_profile_get_dump_nl_policy[VDPA_ATTR_MGMTDEV_DEV_NAME + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
};

/* VDPA_CMD_MGMTDEV_CHECK - do */
static const struct nla_policy vdpa_mgmtdev_check_nl_policy[VDPA_ATTR_DEV_BACKEND_FEATURES + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_DEV_ID] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_NEGOTIATED_FEATURES] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_FEATURES] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_NET_CFG_MACADDR] = NLA_POLICY_EXACT_LEN(6),
	[VDPA_ATTR_DEV_NET_STATUS] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_NET_CFG_MAX_VQP] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_NET_CFG_MTU] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_BLK_CFG_CAPACITY] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_BLK_CFG_SIZE_MAX] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_BLK_SIZE] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_SEG_MAX] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_NUM_QUEUES] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_BLK_CFG_PHY_BLK_EXP] = { .type = NLA_U8, },
	[VDPA_ATTR_DEV_BLK_CFG_ALIGN_OFFSET] = { .type = NLA_U8, },
	[VDPA_ATTR_DEV_BLK_CFG_MIN_IO_SIZE] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_BLK_CFG_OPT_IO_SIZE] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEC] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_MAX_DISCARD_SEG] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_DISCARD_SEC_ALIGN] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BLK_READ_ONLY] = { .type = NLA_U8, },
	[VDPA_ATTR_DEV_BLK_FLUSH] = { .type = NLA_U8, },
	[VDPA_ATTR_PROFILE_VERSION] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_MAX_VQS] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_MAX_VQ_SIZE] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_MIN_VQ_SIZE] = { .type = NLA_U16, },
	[VDPA_ATTR_DEV_GROUPS] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_ADDRESS_SPACES] = { .type = NLA_U32, },
	[VDPA_ATTR_DEV_BACKEND_FEATURES] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_IOVA_FIRST] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_IOVA_LAST] = { .type = NLA_U64, },
	[VDPA_ATTR_DEV_NET_VLAN] = { .type = NLA_U16, },
};

/* VDPA_CMD_MGMTDEV_SET - do */
static const struct nla_policy vdpa_mgmtdev_set_nl_policy[VDPA_ATTR_NETNS_FD + 1] = {
	[VDPA_ATTR_MGMTDEV_BUS_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_MGMTDEV_DEV_NAME] = { .type = NLA_NUL_STRING, },
	[VDPA_ATTR_NETNS_FD] = { .type = NLA_U32, },
};

/* Ops table for vdpa */
const struct genl_split_ops vdpa_nl_ops[16] = {
	{
		.cmd		= VDPA_CMD_MGMTDEV_GET,
		.pre_doit	= vdpa_nl_pre_doit_mgmtdev,
		.doit		= vdpa_nl_mgmtdev_get_doit,
		.post_doit	= vdpa_nl_post_doit_mgmtdev,
		.policy		= vdpa_mgmtdev_get_do_nl_policy,
		.maxattr	= VDPA_ATTR_MGMTDEV_DEV_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_MGMTDEV_GET,
		.dumpit		= vdpa_nl_mgmtdev_get_dumpit,
		.policy		= vdpa_mgmtdev_get_dump_nl_policy,
		.maxattr	= VDPA_ATTR_MGMTDEV_BUS_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VDPA_CMD_DEV_NEW,
		.pre_doit	= vdpa_nl_pre_doit_mgmtdev_admin,
		.doit		= vdpa_nl_dev_new_doit,
		.post_doit	= vdpa_nl_post_doit_mgmtdev,
		.policy		= vdpa_dev_new_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_NET_VLAN,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_DEL,
		.pre_doit	= vdpa_nl_pre_doit_dev_admin,
		.doit		= vdpa_nl_dev_del_doit,
		.post_doit	= vdpa_nl_post_doit_dev,
		.policy		= vdpa_dev_del_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_GET,
		.pre_doit	= vdpa_nl_pre_doit_dev,
		.doit		= vdpa_nl_dev_get_doit,
		.post_doit	= vdpa_nl_post_doit_dev,
		.policy		= vdpa_dev_get_do_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_GET,
		.dumpit		= vdpa_nl_dev_get_dumpit,
		.policy		= vdpa_dev_get_dump_nl_policy,
		.maxattr	= VDPA_ATTR_MGMTDEV_DEV_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VDPA_CMD_DEV_CONFIG_GET,
		.pre_doit	= vdpa_nl_pre_doit_dev,
		.doit		= vdpa_nl_dev_config_get_doit,
		.post_doit	= vdpa_nl_post_doit_dev,
		.policy		= vdpa_dev_config_get_do_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_CONFIG_GET,
		.dumpit		= vdpa_nl_dev_config_get_dumpit,
		.policy		= vdpa_dev_config_get_dump_nl_policy,
		.maxattr	= VDPA_ATTR_MGMTDEV_DEV_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VDPA_CMD_DEV_VSTATS_GET,
		.pre_doit	= vdpa_nl_pre_doit_dev_admin,
		.doit		= vdpa_nl_dev_vstats_get_doit,
		.post_doit	= vdpa_nl_post_doit_dev,
		.policy		= vdpa_dev_vstats_get_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_QUEUE_INDEX,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_ATTR_SET,
		.pre_doit	= vdpa_nl_pre_doit_dev_admin,
		.doit		= vdpa_nl_dev_attr_set_doit,
		.post_doit	= vdpa_nl_post_doit_dev,
		.policy		= vdpa_dev_attr_set_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_FEATURES,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_STATS_GET,
		.pre_doit	= vdpa_nl_pre_doit_dev,
		.doit		= vdpa_nl_dev_stats_get_doit,
		.post_doit	= vdpa_nl_post_doit_dev,
		.policy		= vdpa_dev_stats_get_do_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_QUEUE_INDEX,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_STATS_GET,
		.dumpit		= vdpa_nl_dev_stats_get_dumpit,
		.policy		= vdpa_dev_stats_get_dump_nl_policy,
		.maxattr	= VDPA_ATTR_MGMTDEV_DEV_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VDPA_CMD_DEV_PROFILE_GET,
		.pre_doit	= vdpa_nl_pre_doit_dev,
		.doit		= vdpa_nl_dev_profile_get_doit,
		.post_doit	= vdpa_nl_post_doit_dev,
		.policy		= vdpa_dev_profile_get_do_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_DEV_PROFILE_GET,
		.dumpit		= vdpa_nl_dev_profile_get_dumpit,
		.policy		= vdpa_dev_profile_get_dump_nl_policy,
		.maxattr	= VDPA_ATTR_MGMTDEV_DEV_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= VDPA_CMD_MGMTDEV_CHECK,
		.pre_doit	= vdpa_nl_pre_doit_mgmtdev,
		.doit		= vdpa_nl_mgmtdev_check_doit,
		.post_doit	= vdpa_nl_post_doit_mgmtdev,
		.policy		= vdpa_mgmtdev_check_nl_policy,
		.maxattr	= VDPA_ATTR_DEV_BACKEND_FEATURES,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= VDPA_CMD_MGMTDEV_SET,
		.pre_doit	= vdpa_nl_pre_doit_mgmtdev_admin,
		.doit		= vdpa_nl_mgmtdev_set_doit,
		.post_doit	= vdpa_nl_post_doit_mgmtdev,
		.policy		= vdpa_mgmtdev_set_nl_policy,
		.maxattr	= VDPA_ATTR_NETNS_FD,
		.flags		= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group vdpa_nl_mcgrps[] = {
	[VDPA_NLGRP_MONITOR] = { "monitor", },
};
