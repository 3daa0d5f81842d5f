// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: which command is meant, and its arguments by table. The
 * request is complete, or the user told what is wrong with it, before the
 * kernel is asked anything.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "vdpa.h"

/* Usage */

static void put_path(FILE *fp, const struct vdpa *vdpa)
{
	unsigned int i;

	for (i = 0; i < vdpa->depth; i++)
		fprintf(fp, "%s%s", i ? " " : "", vdpa->path[i]->name);
}

static void put_arg(FILE *fp, const struct arg *arg, bool alone)
{
	bool required = arg->flags & ARG_REQUIRED;

	fputs(required ? " " : " [", fp);
	/* the one word that a command takes needs no keyword */
	if (!alone || !arg->value)
		fputs(arg->key, fp);
	if (!alone && arg->value)
		putc(' ', fp);
	if (arg->value)
		fputs(arg->value, fp);
	if (!required)
		putc(']', fp);
}

static bool arg_alone(const struct cmd *cmd)
{
	return (cmd->args[0].flags & ARG_FIRST) && !cmd->args[1].key;
}

static void put_args(FILE *fp, const struct cmd *cmd)
{
	const struct arg *arg;

	for (arg = cmd->args; arg && arg->key; arg++)
		put_arg(fp, arg, arg_alone(cmd));
}

static void put_commands(FILE *fp, const struct cmd *cmd)
{
	const struct cmd *sub;

	fputs(" {", fp);
	for (sub = cmd->sub; sub->name; sub++)
		fprintf(fp, " %s |", sub->name);
	fputs(" help }", fp);
}

const char *args_keyword(const struct arg *args, uint32_t attr)
{
	for (; args && args->key; args++)
		if (args->attr && args->attr == attr)
			return args->key;
	return NULL;
}

/* One line: how the command on the path is used */
void cmd_usage(FILE *fp, struct vdpa *vdpa)
{
	const struct cmd *cmd = vdpa->path[vdpa->depth - 1];

	fputs("Usage: ", fp);
	put_path(fp, vdpa);
	if (vdpa->depth == 1)
		fputs(" [OPTIONS]", fp);
	if (cmd->sub)
		put_commands(fp, cmd);
	else
		put_args(fp, cmd);
	putc('\n', fp);
}

static void put_help_line(FILE *fp, const char *word, const char *value,
			  const char *help)
{
	int len = fprintf(fp, "  %s%s%s", word, value ? " " : "", value ? value : "");

	fprintf(fp, "%*s%s\n", len < 26 ? 26 - len : 1, "", help);
}

/* All about the command on the path */
static int cmd_help(struct vdpa *vdpa)
{
	const struct cmd *cmd = vdpa->path[vdpa->depth - 1], *sub;
	/* in JSON mode stdout is for documents */
	FILE *fp = vdpa->out.json ? stderr : stdout;
	const struct arg *arg;

	cmd_usage(fp, vdpa);
	for (sub = cmd->sub; sub && sub->name; sub++)
		put_help_line(fp, sub->name, NULL, sub->help);
	for (arg = cmd->args; arg && arg->key; arg++)
		put_help_line(fp, arg->key, arg->value, arg->help);
	if (vdpa->depth == 1)
		options_help(fp);
	return EXIT_OK;
}

/* Arguments */

static int unknown(struct vdpa *vdpa, const char *what,
		   const struct suggestion *near)
{
	const char *name = suggest_word(near);

	if (name)
		return usage_error(vdpa, near->word,
				   "unknown %s, did you mean \"%s\"?", what, name);
	return usage_error(vdpa, near->word, "unknown %s", what);
}

static int unknown_arg(struct vdpa *vdpa, const struct arg *args, const char *word)
{
	struct suggestion near;

	suggest_init(&near, word);
	for (; args && args->key; args++)
		suggest_from(&near, args->key);
	return unknown(vdpa, "argument", &near);
}

static int unknown_cmd(struct vdpa *vdpa, const struct cmd *cmds, const char *word)
{
	struct suggestion near;

	suggest_init(&near, word);
	for (; cmds->name; cmds++) {
		suggest_from(&near, cmds->name);
		if (cmds->alias)
			suggest_from(&near, cmds->alias);
	}
	return unknown(vdpa, vdpa->depth == 1 ? "object" : "command", &near);
}

static bool begins(const char *name, const char *word)
{
	return *word && strncmp(name, word, strlen(word)) == 0;
}

/* The argument whose keyword a word is; @may_be_short: or that it begins */
static const struct arg *find_keyword(const struct arg *args, const char *word,
				      bool may_be_short)
{
	const struct arg *arg;

	for (arg = args; arg && arg->key; arg++)
		if (strcmp(arg->key, word) == 0)
			return arg;
	for (arg = args; may_be_short && arg && arg->key; arg++)
		if ((arg->flags & ARG_SHORT) && begins(arg->key, word))
			return arg;
	return NULL;
}

/* As iproute2 has them: then the first word is none that needs no keyword */
static bool in_pairs(const struct arg *args, int argc, char **argv)
{
	return argc >= 4 && argc % 2 == 0 && !find_keyword(args, argv[1], false);
}

/* The one that needs no keyword in a place, ARG_FIRST or ARG_SECOND */
static const struct arg *find_place(const struct arg *args, unsigned int place)
{
	const struct arg *arg;

	for (arg = args; arg && arg->key; arg++)
		if (arg->flags & place)
			return arg;
	return NULL;
}

/* Takes one argument, and *words of the line */
static int take_arg(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		    bool keyword, int argc, char **argv, int *words)
{
	*words = keyword && arg->value ? 2 : 1;
	if (*words > argc)
		return usage_error(vdpa, argv[0], "needs a value: %s", arg->value);
	return arg->parse(vdpa, req, arg, argv[*words - 1]);
}

/* @seen: bit N: argument N of the table is given */
static int check_given(struct vdpa *vdpa, const struct cmd *cmd, uint64_t seen)
{
	const struct arg *args = cmd->args, *arg;
	uint64_t one_of = 0;

	for (arg = args; arg && arg->key; arg++) {
		if (arg->flags & ARG_ONE_OF)
			one_of |= 1ULL << (arg - args);
		if ((arg->flags & ARG_REQUIRED) && !(seen & (1ULL << (arg - args))))
			return usage_error(vdpa, NULL, "%s is not given",
					   arg_alone(cmd) ? arg->value : arg->key);
	}
	if (one_of && !(seen & one_of))
		return usage_error(vdpa, NULL, "nothing to %s is given", cmd->name);
	return EXIT_OK;
}

static int take_args(struct vdpa *vdpa, struct req *req, int argc, char **argv)
{
	const struct arg *args = req->cmd->args, *keyword, *arg;
	unsigned int place = ARG_FIRST;
	uint64_t seen = 0;
	int i, words, ret;

	for (i = 0; i < argc; i += words) {
		keyword = find_keyword(args, argv[i], i || in_pairs(args, argc, argv));
		arg = keyword ? keyword : find_place(args, place);
		if (!arg)
			return unknown_arg(vdpa, args, argv[i]);
		if (arg->flags & ARG_MANY) {
			req->words = argv;
			req->n_words = argc;
			return EXIT_OK;
		}
		if (seen & (1ULL << (arg - args)))
			return usage_error(vdpa, argv[i], "%s is given twice",
					   arg->key);
		seen |= 1ULL << (arg - args);
		ret = take_arg(vdpa, req, arg, keyword, argc - i, argv + i, &words);
		if (ret)
			return ret;
		place = arg->flags & ARG_FIRST ? ARG_SECOND : 0;
	}
	return check_given(vdpa, req->cmd, seen);
}

/* Commands */

static const struct cmd *find_cmd(const struct cmd *cmds, const char *word)
{
	const struct cmd *cmd;

	for (cmd = cmds; cmd->name; cmd++)
		if (strcmp(cmd->name, word) == 0 ||
		    (cmd->alias && strcmp(cmd->alias, word) == 0))
			return cmd;
	for (cmd = cmds; cmd->name; cmd++)
		if (cmd->can_be_short &&
		    (begins(cmd->name, word) || (cmd->alias && begins(cmd->alias, word))))
			return cmd;
	return NULL;
}

/* Where a name may stand, it is only that if there is no other word */
static bool is_help(const struct vdpa *vdpa, const struct cmd *cmd, int argc, char **argv)
{
	if (vdpa->help)
		return !cmd->sub || !argc || strcmp(argv[0], "help") == 0;
	return argc == 1 && (strcmp(argv[0], "help") == 0 ||
			     (cmd->sub && begins("help", argv[0])));
}

static int cmd_ask(struct vdpa *vdpa, const struct cmd *cmd, int argc, char **argv)
{
	struct req req;
	int ret;

	req_init(&req, cmd, cmd->genl_cmd);
	ret = take_args(vdpa, &req, argc, argv);
	if (ret == EXIT_OK)
		ret = cmd->run(vdpa, &req);
	json_decref(req.keep);
	return ret;
}

int cmd_run(struct vdpa *vdpa, const struct cmd *root, int argc, char **argv)
{
	const struct cmd *cmd = root;

	vdpa->depth = 0;
	for (;;) {
		vdpa->path[vdpa->depth++] = cmd;
		if (is_help(vdpa, cmd, argc, argv))
			return cmd_help(vdpa);
		if (!cmd->sub)
			return cmd_ask(vdpa, cmd, argc, argv);
		if (!argc && cmd == root)
			return usage_error(vdpa, NULL, "no object is given");
		if (!argc) {
			cmd = cmd->sub;
			continue;
		}
		cmd = find_cmd(cmd->sub, argv[0]);
		if (!cmd)
			return unknown_cmd(vdpa, vdpa->path[vdpa->depth - 1]->sub,
					   argv[0]);
		argc--;
		argv++;
	}
}

/* Values */

static int put_value(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		     const void *data, size_t len, const char *word)
{
	if (req_put(req, arg->attr, data, len, word))
		return EXIT_OK;
	return usage_error(vdpa, NULL, "%s is too long", arg->key);
}

int parse_string(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		 const char *word)
{
	return put_value(vdpa, req, arg, word, strlen(word) + 1, word);
}

int parse_handle(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		 const char *word)
{
	const char *slash = strchr(word, '/');
	const char *dev = slash ? slash + 1 : word;

	if (slash == word || !*dev || strchr(dev, '/'))
		return usage_error(vdpa, word, "not a management device, which is BUS/NAME or NAME");
	if (slash && !req_put_strn(req, VDPA_ATTR_MGMTDEV_BUS_NAME, word,
				   slash - word, word))
		return usage_error(vdpa, NULL, "%s is too long", arg->key);
	if (!req_put_strn(req, arg->attr, dev, strlen(dev), word))
		return usage_error(vdpa, NULL, "%s is too long", arg->key);
	return EXIT_OK;
}

/* Just digits: strtoull() would also take blanks, signs and a second 0x */
static bool digits(const char *word, int base, uint64_t max, uint64_t *value)
{
	const char *set = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";

	if (!*word || word[strspn(word, set)])
		return false;
	errno = 0;
	*value = strtoull(word, NULL, base);
	return !errno && *value <= max;
}

bool decimal(const char *word, uint64_t max, uint64_t *value)
{
	return digits(word, 10, max, value);
}

bool hexadecimal(const char *word, uint64_t *value)
{
	return digits(word, 16, UINT64_MAX, value);
}

static bool is_hex(const char *word)
{
	return word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
}

/* Decimal, or hexadecimal after 0x; a leading 0 does not make it octal */
static bool number(const char *word, uint64_t max, uint64_t *value)
{
	if (is_hex(word))
		return digits(word + 2, 16, max, value);
	return digits(word, 10, max, value);
}

static int bad_number(struct vdpa *vdpa, const struct arg *arg, const char *word,
		      uint32_t min, uint32_t max)
{
	return usage_error(vdpa, word, "%s must be a number from %u to %u",
			   arg->key, min, max);
}

int parse_u16(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	      const char *word)
{
	uint64_t value;
	uint16_t u16;

	if (!number(word, UINT16_MAX, &value))
		return bad_number(vdpa, arg, word, 0, UINT16_MAX);
	u16 = value;
	return put_value(vdpa, req, arg, &u16, sizeof(u16), word);
}

/* 0 is no VLAN and the last one reserved */
int parse_vlan(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	       const char *word)
{
	uint64_t value;
	uint16_t vlan;

	if (!number(word, 4094, &value) || !value)
		return bad_number(vdpa, arg, word, 1, 4094);
	vlan = value;
	return put_value(vdpa, req, arg, &vlan, sizeof(vlan), word);
}

int parse_u32(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	      const char *word)
{
	uint64_t value;
	uint32_t u32;

	if (!number(word, UINT32_MAX, &value))
		return bad_number(vdpa, arg, word, 0, UINT32_MAX);
	u32 = value;
	return put_value(vdpa, req, arg, &u32, sizeof(u32), word);
}

/* Not sent where all devices are asked for */
int parse_queue(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		const char *word)
{
	uint64_t value;

	if (!number(word, UINT32_MAX, &value))
		return bad_number(vdpa, arg, word, 0, UINT32_MAX);
	req->queue = value;
	req->queue_word = word;
	req->has_queue = true;
	return EXIT_OK;
}

/* A mask, hexadecimal also without 0x as iproute2 has it, or names */
int parse_features(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		   const char *word)
{
	uint64_t mask;

	if (digits(is_hex(word) ? word + 2 : word, 16, UINT64_MAX, &mask))
		return put_value(vdpa, req, arg, &mask, sizeof(mask), word);
	/* what they mean for this class is seen later */
	req->features = word;
	return features_check(vdpa, word, arg->key);
}

/* One or two hexadecimal digits, which *str is moved behind */
static bool mac_byte(const char **str, uint8_t *byte)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int value = 0, n;

	for (n = 0; n < 2 && isxdigit((unsigned char)**str); n++, (*str)++)
		value = value * 16 +
			(strchr(digits, tolower((unsigned char)**str)) - digits);
	*byte = value;
	return n > 0;
}

bool mac_address(const char *word, uint8_t mac[static ETH_ALEN])
{
	unsigned int i;

	for (i = 0; i < ETH_ALEN; i++) {
		if (i && *word++ != ':')
			return false;
		if (!mac_byte(&word, &mac[i]))
			return false;
	}
	return !*word;
}

int parse_mac(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	      const char *word)
{
	uint8_t mac[ETH_ALEN];

	if (!mac_address(word, mac))
		return usage_error(vdpa, word, "%s must be 6 bytes like 00:11:22:33:44:55",
				   arg->key);
	return put_value(vdpa, req, arg, mac, sizeof(mac), word);
}

#define SECTOR_SHIFT	9

/* Sectors, or bytes with a suffix: then a power of 1024 of them */
static bool sectors(const char *word, uint64_t *value)
{
	static const char suffixes[] = "KMGT";
	size_t len = strlen(word);
	const char *suffix;
	unsigned int shift;
	char copy[24];

	suffix = len ? strchr(suffixes, toupper((unsigned char)word[len - 1])) : NULL;
	if (!suffix || is_hex(word))
		return number(word, UINT64_MAX, value);
	if (len > sizeof(copy))
		return false;
	memcpy(copy, word, len - 1);
	copy[len - 1] = '\0';
	shift = 10 * (suffix - suffixes + 1) - SECTOR_SHIFT;
	if (!digits(copy, 10, UINT64_MAX >> shift, value))
		return false;
	*value <<= shift;
	return true;
}

int parse_capacity(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		   const char *word)
{
	uint64_t capacity;

	if (!sectors(word, &capacity))
		return usage_error(vdpa, word, "%s must be a number of sectors of 512 bytes, or of bytes with a suffix K, M, G or T",
				   arg->key);
	return put_value(vdpa, req, arg, &capacity, sizeof(capacity), word);
}

int parse_switch(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		 const char *word)
{
	uint8_t on = strcmp(word, "on") == 0;

	if (!on && strcmp(word, "off"))
		return usage_error(vdpa, word, "%s must be on or off", arg->key);
	return put_value(vdpa, req, arg, &on, sizeof(on), word);
}

int parse_profile(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		  const char *word)
{
	if (!*word)
		return usage_error(vdpa, word, "%s must be a file", arg->key);
	req->profile = word;
	return EXIT_OK;
}

/* Opened when the rest of the line was found good */
int parse_netns(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		const char *word)
{
	if (!*word)
		return usage_error(vdpa, word, "%s must be a name, a path or a process",
				   arg->key);
	req->netns = word;
	return EXIT_OK;
}

int parse_link(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	       const char *word)
{
	uint16_t status = VIRTIO_NET_S_LINK_UP;

	if (strcmp(word, "down") == 0)
		status = 0;
	else if (strcmp(word, "up") != 0)
		return usage_error(vdpa, word, "%s must be up or down", arg->key);
	return put_value(vdpa, req, arg, &status, sizeof(status), word);
}

static int bad_class(struct vdpa *vdpa, const char *word)
{
	struct suggestion near;
	const char *name;

	suggest_init(&near, word);
	suggest_classes(&near);
	name = suggest_word(&near);
	if (name)
		return usage_error(vdpa, word, "unknown class, did you mean \"%s\"?",
				   name);
	return usage_error(vdpa, word, "unknown class, neither a name like net nor a virtio device id");
}

int parse_class(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		const char *word)
{
	uint64_t value;
	uint32_t id;

	if (!class_by_name(word, &id)) {
		if (!number(word, UINT32_MAX, &value))
			return bad_class(vdpa, word);
		id = value;
	}
	return put_value(vdpa, req, arg, &id, sizeof(id), word);
}
