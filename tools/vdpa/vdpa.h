/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vdpa - management of vDPA devices
 *
 * Terms used throughout: a *management device* (mgmtdev) creates vdpa
 * devices; its handle is "BUS/NAME", or "NAME" when it is on no bus. A *word*
 * is one argument of the command line.
 */

#ifndef VDPA_TOOL_H
#define VDPA_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/vdpa.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What the tool exits with; what its functions return */
enum vdpa_exit {
	EXIT_OK,
	EXIT_REFUSED,		/* by the kernel, or it could not be asked */
	EXIT_USAGE,		/* the command line makes no sense */
};

struct vdpa;
struct cmd;
struct req;
struct suggestion;

/* names.c: what numbers mean */

/* Name of a class as in "dev show" resp. "mgmtdev show"; NULL: no name */
const char *class_type_name(uint32_t id);
const char *class_short_name(uint32_t id);
bool class_by_name(const char *name, uint32_t *id);
void suggest_classes(struct suggestion *near);

/* Name of a feature bit of any class in the set @classes; NULL: no name */
const char *feature_name(uint64_t classes, unsigned int bit);
/* The other way round, in any case; what @classes call it, all the same */
bool feature_by_name(uint64_t classes, const char *name, unsigned int *bit);
void suggest_features(struct suggestion *near, uint64_t classes);
#define ALL_CLASSES	UINT64_MAX

/* The same for what vhost-vdpa offers of a device */
const char *backend_feature_name(unsigned int bit);
bool backend_feature_by_name(const char *name, unsigned int *bit);

/* out.c: text and JSON by the same calls */

#define OUT_DEPTH	8

enum out_layout {
	OUT_LINE,		/* "NAME: key value key value" */
	OUT_BLOCK,		/* "NAME: " and below it "  key value" for each key */
	OUT_SPACED,		/* "NAME: key value key value ", lists as in a block */
	OUT_TREE,		/* a block without a blank behind the name */
};

/* What goes around keys and values in text */
struct out_text {
	const char *name_end;	/* behind an object's name */
	const char *key;	/* before a key */
	const char *list;	/* before the key of a list */
	const char *end;	/* behind a value */
};

struct out {
	bool json;
	bool pretty;
	bool units;		/* in text, behind numbers that have one */
	bool large;		/* in JSON: a number has more than 63 bits */
	bool failed;		/* out of memory: the document lacks something */
	int write_errno;
	unsigned int objects;	/* shown so far */
	struct out_text text;
	struct out_text text_outside;	/* of a row */
	char *buf;		/* not yet written */
	size_t len;
	size_t size;
	json_t *stack[OUT_DEPTH];
	unsigned int depth;
};

/* A document: {"SECTION":{objects}}; text has no such heading */
void out_begin(struct out *out, const char *section);
int out_end(struct out *out);
/* Instead of out_end(): nothing of the document is written */
void out_discard(struct out *out);

/* An object of the document, by its name */
void out_object(struct out *out, const char *name, enum out_layout layout);
void out_object_end(struct out *out);

/* A document that is one object; in text a line, "TEXT: key value key value" */
void out_single(struct out *out, const char *text);
int out_single_end(struct out *out);

/* JSON only: what the line says before its values */
void out_label(struct out *out, const char *key, const char *value);
void out_label_uint(struct out *out, const char *key, uint64_t value);
/* Text only: behind a value */
void out_note(struct out *out, const char *text);
void out_uint(struct out *out, const char *key, uint64_t value);
/* The same where the kernel chose the key */
void out_count(struct out *out, const char *name, uint64_t value);
void out_hex(struct out *out, const char *key, uint64_t value);
void out_bool(struct out *out, const char *key, bool value);
void out_str(struct out *out, const char *key, const char *value);
/* No value: null in JSON, @text in text */
void out_none(struct out *out, const char *key, const char *text);

/* Values that belong together: an object, "KEY (key value key value)" in text */
void out_group(struct out *out, const char *key);
void out_group_end(struct out *out);

/* In text what follows stands between parentheses */
void out_paren(struct out *out);
void out_paren_end(struct out *out);

/* The same, but in text a line without the key, for people */
void out_line(struct out *out, const char *key);
void out_line_end(struct out *out);

/* A list of objects; in text each has a line, "PREFIXNAME: key value key value" */
void out_rows(struct out *out, const char *key);
void out_row(struct out *out, const char *prefix, const char *name);
void out_row_end(struct out *out);
void out_rows_end(struct out *out);

void out_list(struct out *out, const char *key);
void out_item_str(struct out *out, const char *value);
/* A bit without a name: its number in JSON, "bit_N" in text */
void out_item_bit(struct out *out, unsigned int bit);
void out_list_end(struct out *out);

/* A string from elsewhere, control characters escaped as \xNN */
void fputs_safe(const char *str, FILE *fp);

/* Lines of text as they are; in JSON a document that is a list of them */
void out_plain_begin(struct out *out, const char *key);
void out_plain(struct out *out, const char *line);
int out_plain_end(struct out *out);

/* Ends the output for good: EXIT_REFUSED if not all of it could be written */
int out_close(struct out *out);

/* genl.c: requests, replies, events and errors of the family */

#define GENL_SOURCES	64
#define GENL_REQ_SIZE	16384

struct req {
	const struct cmd *cmd;		/* asked for by this command */
	struct nlmsghdr *nlh;
	/* which word each attribute came from */
	struct req_source {
		uint32_t offset;	/* of the attribute in the message */
		uint16_t attr;
		const char *word;
	} source[GENL_SOURCES];
	unsigned int sources;
	/* words that are not yet among the attributes */
	const char *features;	/* by name */
	const char *netns;
	const char *profile;
	json_t *keep;		/* strings that are words of attributes */
	char **words;		/* as they stand on the line */
	int n_words;
	const char *queue_word;
	uint32_t queue;
	bool has_queue;
	char buf[GENL_REQ_SIZE] __attribute__((aligned(8)));
};

void req_init(struct req *req, const struct cmd *cmd, uint8_t genl_cmd);
/* False if the attribute does not fit the message */
bool req_put(struct req *req, uint16_t attr, const void *data, size_t len,
	     const char *word);
bool req_put_strn(struct req *req, uint16_t attr, const char *str, size_t len,
		  const char *word);
/* The same of another request; nothing if that doesn't have it */
void req_copy(struct req *req, const struct req *from, uint16_t attr);
const struct nlattr *req_attr(const struct req *req, uint16_t attr);
/* The word an attribute came from; NULL: the request doesn't have it */
const char *req_word(const struct req *req, uint16_t attr);

struct genl {
	struct mnl_socket *nl;
	uint32_t seq;
	uint16_t family;
	uint32_t group;			/* "monitor"; 0: the kernel has none */
	char *buf;			/* what was received */
	size_t size;
};

/* Connected to a kernel without what this subsystem adds to that of Linux */
static inline bool genl_is_mainline(const struct genl *genl)
{
	return genl->nl && !genl->group;
}

/*
 * Attributes of the kernel's messages. The numbers have a hole between those
 * of Linux and those of our own, so that a table goes by slot, not by number.
 */
#define ATTR_OWN_FIRST	VDPA_ATTR_DEV_STATUS
#define ATTR_OWN_LAST	VDPA_ATTR_MGMTDEV_NETNSID
#define ATTR_SLOTS	(VDPA_ATTR_MAX + ATTR_OWN_LAST - ATTR_OWN_FIRST + 1)
#define ATTR_SLOT(attr)	\
	((attr) < ATTR_OWN_FIRST ? (attr) : (attr) - ATTR_OWN_FIRST + VDPA_ATTR_MAX)

struct msg {
	uint8_t cmd;
	const struct nlmsghdr *nlh;	/* for attributes that are there repeatedly */
	const struct nlattr *slot[ATTR_SLOTS];
};

static inline const struct nlattr *msg_attr(const struct msg *msg, uint16_t attr)
{
	return msg->slot[ATTR_SLOT(attr)];
}

static inline uint64_t msg_u64(const struct msg *msg, uint16_t attr)
{
	return msg_attr(msg, attr) ? mnl_attr_get_u64(msg_attr(msg, attr)) : 0;
}

/* All attributes in their order, those unknown among them */
#define msg_for_each(attr, msg)	\
	mnl_attr_for_each(attr, (msg)->nlh, sizeof(struct genlmsghdr))

/* False: it is malformed, as was said on stderr */
bool msg_parse(const struct nlmsghdr *nlh, struct msg *msg);

/*
 * What is in a nest, by the numbers of its own enum; it is well-formed as the
 * message was.
 */
void msg_nested(const struct nlattr *nest, struct msg *msg);

/* Called with every well-formed message; false: it lacks what it should have */
typedef bool (*genl_cb)(struct vdpa *vdpa, const struct msg *msg, void *data);

/* All return an exit status and have said on stderr what was wrong */
/* For those who have to know what the kernel is like before they ask */
int genl_open(struct vdpa *vdpa);
int genl_request(struct vdpa *vdpa, struct req *req, genl_cb cb, void *data);
int genl_dump(struct vdpa *vdpa, struct req *req, genl_cb cb, void *data);
int genl_join(struct vdpa *vdpa);
/* One datagram of events; EXIT_OK also if nothing is there, see @received */
int genl_event(struct vdpa *vdpa, genl_cb cb, void *data, bool *received);
void genl_close(struct vdpa *vdpa);

/* libmnl's own takes a length of 2 GiB and more for a small one */
static inline bool nlmsg_ok(const struct nlmsghdr *nlh, int left)
{
	return left >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)left;
}

/* keep.c: messages that are looked up when the dump is over */

struct kept {
	struct kept_one {
		char *name;		/* of the device, or a handle */
		struct nlmsghdr *nlh;
	} *one;
	size_t count;
	size_t size;
	size_t next;			/* where the next one will be found */
};

/* A genl_cb whose data is a struct kept */
bool kept_take(struct vdpa *vdpa, const struct msg *msg, void *data);
/* False: there is none of this name */
bool kept_find(struct kept *kept, const char *name, struct msg *msg);
void kept_free(struct kept *kept);

/* error.c: all that goes to stderr */

void error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Names the word at fault */
void error_word(const char *word, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line as it is, besides errors */
void hint(const char *text);
/* "TEXT "NAME"?" */
void hint_name(const char *text, const char *name);
/* What fails meanwhile is of no interest */
void error_mute(bool mute);
/* Where the command comes from that errors are about; NULL: the command line */
void error_at(const char *file, unsigned int line);
/* How far it is on a line that is written over; 0 of 0: it is done */
void error_progress(unsigned int done, unsigned int all);
/* Names the word at fault (if not NULL) and how the command is used */
int usage_error(struct vdpa *vdpa, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A refusal; @attrs is what NLMSG_ERROR or NLMSG_DONE carried behind */
int kernel_error(const struct req *req, int err, const void *attrs, size_t len);
/* What the kernel has to say about a request that it carried out */
void kernel_warning(const struct req *req, const void *attrs, size_t len);

/* suggest.c: the nearest of the words that could stand there */

struct suggestion {
	const char *word;		/* as it was given */
	const char *begins;		/* the last that it is the beginning of */
	unsigned int begin;		/* how many of those there are */
	const char *resembles;
	unsigned int distance;
};

void suggest_init(struct suggestion *near, const char *word);
/* @name is kept until suggest_word() */
void suggest_from(struct suggestion *near, const char *name);
/* NULL: there is none, or no telling which */
const char *suggest_word(const struct suggestion *near);

/* existing.c: instead of what the kernel does not know; says it */
void suggest_existing(struct vdpa *vdpa, const struct req *of);

/* features.c: sets of features by their names */

/* What names are of, and what "+NAME,-NAME" adds to and takes from */
struct features {
	uint64_t classes;
	uint64_t base;
	bool based;		/* the kernel tells @base */
};

/* Whether a word is, or is meant to be, "-NAME" or several of these */
bool is_features(const char *word);
/* Whether they are names of any class; @key is what they are for */
int features_check(struct vdpa *vdpa, const char *word, const char *key);
/* Those that the request has by name become an attribute of it */
int features_put_new(struct vdpa *vdpa, struct req *req);
int features_put_change(struct vdpa *vdpa, struct req *req);

/* file.c: files that the command line names */

struct file {
	const char *name;
	unsigned int line;	/* the last one that was read */
	bool failed;		/* and it was said why */
	bool ended;
	int fd;
	char *buf;
	size_t size;
	size_t len;		/* of what was read */
	size_t pos;		/* of what was not used yet */
};

/* "-" is standard input */
int file_open(struct file *file, const char *name);
void file_close(struct file *file);
/* Valid until the file is closed; NULL: longer than @max, or not readable */
const char *file_all(struct file *file, size_t max, size_t *len);
/* Valid until the next one; NULL: none, or @failed */
char *file_line(struct file *file, size_t max);

/* batch.c: commands from a file */

int batch_file(struct vdpa *vdpa, const struct cmd *root, const char *name);
/* A word that can stand there; free() it. NULL: out of memory */
char *batch_quote(const char *word);

/* profile.c: what devices are like */

/* What the file says becomes attributes, but for those there are */
int profile_put_new(struct req *req);
int mgmtdev_check(struct vdpa *vdpa, struct req *req);

/* netns.c: network namespaces */

/* Name, path or process; -1: there is none, as was said on stderr */
int netns_open(const char *word);
int netns_switch(const char *word);

/* Names that there are, by the ids that the kernel has for them here */
struct netns_names {
	struct netns_name {
		char *name;
		int32_t id;
	} *one;
	size_t count;
	bool loaded;
};

/* NULL: it has none, or it cannot be found out */
const char *netns_name(struct netns_names *names, int32_t id);
void netns_names_free(struct netns_names *names);

/* args.c: the command line by tables */

#define ARG_REQUIRED	0x1
#define ARG_FIRST	0x2	/* as the first word its keyword may be left out */
#define ARG_SECOND	0x8	/* the same right behind the first */
#define ARG_ONE_OF	0x4	/* one at least of those with it is required */
#define ARG_MANY	0x20	/* all words of the line are such */
#define ARG_OURS	0x10	/* the kernel of Linux 6.12 would pass it over */
#define ARG_SHORT	0x40	/* the keyword can be cut short, as iproute2's can */

struct arg {
	const char *key;	/* keyword; NULL ends the table */
	const char *value;	/* what follows it; NULL: nothing */
	const char *help;
	uint16_t attr;
	uint16_t flags;
	unsigned int number;	/* for the parser */
	int (*parse)(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		     const char *word);
};

struct cmd {
	const char *name;	/* NULL ends the table */
	const char *alias;
	bool can_be_short;	/* any beginning of it will do, as for iproute2 */
	const char *help;
	const struct cmd *sub;	/* commands below, the first one the default */

	/* without any below: what to ask the kernel for */
	const struct arg *args;
	uint8_t genl_cmd;
	const char *doing;	/* "cannot DOING" something */
	uint16_t subject;	/* the attribute that says what */
	int (*run)(struct vdpa *vdpa, struct req *req);
};

int cmd_run(struct vdpa *vdpa, const struct cmd *root, int argc, char **argv);
void cmd_usage(FILE *fp, struct vdpa *vdpa);
/* The keyword of an attribute; NULL: none has it */
const char *args_keyword(const struct arg *args, uint32_t attr);
/* main.c */
void options_help(FILE *fp);

/* What words and files are made of; false: it is none */
bool decimal(const char *word, uint64_t max, uint64_t *value);
bool hexadecimal(const char *word, uint64_t *value);
bool mac_address(const char *word, uint8_t mac[static ETH_ALEN]);

int parse_string(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		 const char *word);
int parse_handle(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		 const char *word);
int parse_u16(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	      const char *word);
int parse_u32(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	      const char *word);
int parse_features(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		   const char *word);
int parse_mac(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	      const char *word);
int parse_queue(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		const char *word);
int parse_vlan(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	       const char *word);
int parse_capacity(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		   const char *word);
int parse_switch(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		 const char *word);
int parse_profile(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		  const char *word);
int parse_netns(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		const char *word);
int parse_link(struct vdpa *vdpa, struct req *req, const struct arg *arg,
	       const char *word);
int parse_class(struct vdpa *vdpa, struct req *req, const struct arg *arg,
		const char *word);

/* fields.c: how the attributes of an object are shown */

struct field {
	uint16_t attr;		/* 0 ends the table */
	const char *key;
	void (*show)(struct out *out, const struct field *field,
		     const struct msg *msg);
	unsigned int views;	/* where it is shown: of VIEW_* */
	const char *unit;	/* NULL: none, or said by @show */
};

#define VIEW_NORMAL	0x1
#define VIEW_DETAILS	0x2
#define VIEW_CHANGE	0x4	/* an event about what changed */
#define VIEW_ROWS	0x8	/* details that have lines of their own in text */
#define VIEW_SHOW	(VIEW_NORMAL | VIEW_DETAILS)

void fields_show(struct out *out, const struct field *fields,
		 const struct msg *msg, unsigned int view);

void show_str(struct out *out, const struct field *field, const struct msg *msg);
void show_bool(struct out *out, const struct field *field, const struct msg *msg);
void show_u8(struct out *out, const struct field *field, const struct msg *msg);
void show_u8_hex(struct out *out, const struct field *field, const struct msg *msg);
void show_u16(struct out *out, const struct field *field, const struct msg *msg);
void show_u32(struct out *out, const struct field *field, const struct msg *msg);
void show_u64(struct out *out, const struct field *field, const struct msg *msg);
void show_bytes(struct out *out, const struct field *field, const struct msg *msg);
void show_state(struct out *out, const struct field *field, const struct msg *msg);
void show_u64_hex(struct out *out, const struct field *field, const struct msg *msg);
void show_mac(struct out *out, const struct field *field, const struct msg *msg);
void show_handle(struct out *out, const struct field *field, const struct msg *msg);
void show_type(struct out *out, const struct field *field, const struct msg *msg);
void show_classes(struct out *out, const struct field *field, const struct msg *msg);
void out_features(struct out *out, const char *key, uint64_t classes, uint64_t set);
void show_features(struct out *out, const struct field *field, const struct msg *msg);
void show_driver(struct out *out, const struct field *field, const struct msg *msg);

/* Of the class of a device or the classes of a management device */
uint64_t msg_classes(const struct msg *msg);

#define HANDLE_SIZE	512
/* The handle of a management device; NULL: the message has none */
const char *msg_handle(const struct msg *msg, char buf[static HANDLE_SIZE]);

/* show.c: commands that show objects */

/*
 * Asks for the object that the word of attribute @name gives, or for all, and
 * shows them by @print as one document.
 */
int show(struct vdpa *vdpa, struct req *req, const char *section, uint16_t name,
	 genl_cb print);
/* The same with something for @print to know, and what follows the last one */
int show_with(struct vdpa *vdpa, struct req *req, const char *section,
	      uint16_t name, genl_cb print,
	      void (*finish)(struct vdpa *vdpa, void *data), void *data);

/*
 * Asks for something to be done. Silent; where a JSON document is expected it
 * is one without objects.
 */
int request_silent(struct vdpa *vdpa, struct req *req, const char *section);
/* A kernel that would pass over what it does not know is not asked */
int request_check(struct vdpa *vdpa, const struct req *req, const char *why);

/* One file per object */
extern const struct cmd mgmtdev_cmds[];
extern const struct field mgmtdev_fields[];
extern const struct arg mgmtdev_show_args[];
/* Begins the object that the message is about; false: it has no handle */
bool out_mgmtdev(struct out *out, const struct msg *msg, enum out_layout layout);
/* In a list, by their names */
void show_resources(struct out *out, const struct msg *msg, const char *prefix);
extern const struct cmd resource_cmds[];
extern const struct cmd dev_cmds[];
extern const struct arg dev_add_args[];
extern const struct arg dev_set_args[];
extern const struct field dev_fields[];
extern const struct cmd config_cmds[];
extern const struct cmd vstats_cmds[];
extern const struct cmd features_cmds[];
extern const struct arg mgmtdev_check_args[];
extern const struct cmd profile_cmds[];
extern const struct cmd stats_cmds[];
extern const struct cmd queue_cmds[];
/* "rx", "tx", "control", "request"; NULL: of this class it is not known */
const char *queue_kind(const struct msg *msg, uint32_t idx);
/* A pair of name and value: shows it with its value, returns its name before */
const struct nlattr *show_counter(struct out *out, const struct nlattr *attr,
				  const struct nlattr *name);

/* totals.c: sums over the queues of devices */
struct totals {
	struct total *total;
	size_t count;
	size_t size;
	size_t next;		/* where the next device will be found */
};

int totals_load(struct vdpa *vdpa, const struct req *from, struct totals *totals);
void totals_show(struct out *out, struct totals *totals, const char *name);
void totals_free(struct totals *totals);
int dev_set(struct vdpa *vdpa, struct req *req);
extern const struct arg monitor_args[];
int monitor(struct vdpa *vdpa, struct req *req);
extern const struct arg save_args[];
int save(struct vdpa *vdpa, struct req *req);

/* The one context */
struct vdpa {
	struct out out;
	struct genl genl;
	bool details;
	bool statistics;
	bool verbose;
	bool timestamp;
	const char *netns;	/* to look at; NULL: that of the process */
	const char *commands;	/* a file of them; NULL: none */
	bool force;		/* of these go on after one that failed */
	bool batch;		/* running such a file */
	bool help;		/* tell about the command instead of running it */
	unsigned int events;	/* what monitor shows */
	/* the command being run, from the root on */
	const struct cmd *path[4];
	unsigned int depth;
};

#endif
