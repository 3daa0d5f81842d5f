/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nlfuzz: messages for the generic netlink family "vdpa", mostly broken ones,
 * and a close look at what comes back.
 */

#ifndef NLFUZZ_H
#define NLFUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <netlink/netlink.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Longest device name, without the terminating NUL */
#define NAME_MAX_LEN	63

enum grammar_type { TYPE_NUMBER, TYPE_STRING, TYPE_BINARY };

/* An attribute; the lengths are those of its payload, strings with their NUL */
struct grammar_attr {
	const char *name;
	uint16_t number;
	enum grammar_type type;
	uint16_t min_len;
	uint16_t max_len;
};

/* A request (@flag: a dump), or what the kernel sends (@flag: an event) */
struct grammar_call {
	const char *name;
	uint8_t cmd;
	bool flag;
	uint8_t nr_attrs;
	uint16_t attrs[64];
};

/* nlgrammar.c */

/* The index of a request, -1: there is no such one */
int request_of(uint8_t cmd, bool dump);
/* What the kernel sends; NULL: it should not */
const struct grammar_call *message_of(uint8_t cmd, bool event);
/* NULL: @call does not have it */
const struct grammar_attr *desc_in(const struct grammar_call *call, uint16_t number);
bool is_attr_good(const struct grammar_attr *desc, const struct nlattr *attr);
/* Whether the kernel has to let the attributes of a request pass, or to refuse them */
bool is_request_good(const struct nlmsghdr *nlh, int request);
/* Whether each request was done, and refused in each way */
bool covered(void);
void coverage(void);

/* nlgen.c: messages. All that is random comes from here. */

/* From here on what is chosen depends on these two numbers only */
void choose_from(uint64_t seed, uint64_t round);
/* A number from 0 to n - 1 */
uint32_t choose(uint32_t n);

/* A management device that messages are about */
struct target {
	char bus[64];		/* "": on none */
	char dev[64];
	uint64_t features;
};

#define MAX_TARGETS	16

struct targets {
	struct target list[MAX_TARGETS];
	unsigned int nr;
};

#define MAX_MESSAGES	64

/* One datagram to the kernel */
struct batch {
	size_t len;
	/* where messages for the family begin: its number is not fixed */
	unsigned int nr_starts;
	uint32_t starts[MAX_MESSAGES];
	uint8_t data[96 << 10] __attribute__((aligned(8)));
};

struct generator {
	uint32_t seq;		/* of the last message made */
	struct targets targets;
};

/* A request of the grammar, or several, or broken ones */
void gen_batch(struct generator *gen, struct batch *batch);
/* Valid requests */
void gen_add(struct generator *gen, struct batch *batch);
void gen_del(struct generator *gen, struct batch *batch, const char *name);
void gen_del_any(struct generator *gen, struct batch *batch);
void gen_dump(struct generator *gen, struct batch *batch, bool devices);
void batch_set_family(struct batch *batch, uint16_t family);

/* nlplan.c: what is done, as a text that can be kept and done again */

enum verb {
	DO_OPEN, DO_CLOSE, DO_SEND, DO_START, DO_READ, DO_FINISH, DO_WATCH,
	DO_EVENTS, DO_LEAVE, DO_FAIL, DO_RESET, NR_VERBS
};

struct action {
	enum verb verb;
	unsigned int which;	/* socket, watcher or target */
	unsigned int arg;
	struct batch batch;
};

#define NR_SOCKS	10
/* These have their answers read at once; the others are for dumps */
#define NR_REQUESTERS	4
#define NR_WATCHES	8

/* arg of DO_OPEN */
#define OPEN_CAP_ACK	1
#define OPEN_STRICT	2
#define OPEN_SMALL	4	/* reads no more at a time than a dump's part has to fit in */

typedef void (*action_cb)(struct action *action);

/*
 * What one round does: the same for the same seed and number, and the rounds
 * before it since the last reset, which rounds of a number divisible by this
 * begin with.
 */
#define RESET_ROUNDS	500

void plan_round(struct generator *gen, uint64_t seed, uint64_t round, action_cb emit);
void action_print(FILE *file, const struct action *action);
/* Returns NULL, or what is wrong with the line */
const char *action_parse(struct action *action, char *line);

/* nlrun.c: doing it */

void run_action(struct action *action, const struct targets *targets);
/* As if the program had just begun, on a machine without devices */
void run_reset(const struct targets *targets);
struct nl_sock *open_sock(int bufsize);

/* nlmodel.c: the devices there are, as far as the answers tell */

struct device {
	char name[NAME_MAX_LEN + 1];
	bool fresh;		/* made since they were last looked at */
	uint64_t digest;	/* of what does not change in a device's life */
};

/* Sorted by name */
struct set {
	struct device *dev;
	unsigned int nr;
};

struct device *set_find(const struct set *set, const char *name);
/* NULL: is there already */
struct device *set_add(struct set *set, const char *name);
void set_remove(struct set *set, struct device *dev);
void set_copy(struct set *to, const struct set *from);
void set_free(struct set *set);

extern struct set model;

/* A change was done: of what is called @name, NULL if the kernel chose that */
void model_added(const char *name);
void model_removed(const char *name);
/* Compares with what is there */
void model_verify(void);
/* Deletes all; returns how many devices are left then */
unsigned int model_sweep(void);

/* nlcheck.c: answers and events */

struct exchange;

enum check {
	CHECK_KERNEL,
	CHECK_ANSWERED,
	CHECK_ERRNO,
	CHECK_TEXT,
	CHECK_OFFSET,
	CHECK_GRAMMAR,
	CHECK_CONTENTS,
	CHECK_NAMES,
	CHECK_DUMPS,
	CHECK_STATE,
	CHECK_EVENTS,
	CHECK_SWEPT,
	NR_CHECKS
};

#define SEEN_ERRNOS	256

struct checker {
	bool verbose;
	uint16_t family;
	int group;
	uint64_t round;
	unsigned long failures;
	unsigned long failed[NR_CHECKS];
	unsigned long passed[NR_CHECKS];
	unsigned long messages, half_dumps, parts;
	/* by request of the grammar, by errno */
	unsigned long done[32];
	unsigned long errors[SEEN_ERRNOS];
};

extern struct checker checker;

/* Counts one result; says what is wrong if it is not @good */
bool check(enum check what, bool good, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Called with each object of a reply */
typedef void (*object_cb)(const struct nlmsghdr *nlh, void *arg);

/* Sends a datagram and reads all that comes back */
void exchange(struct nl_sock *sock, const struct batch *batch, object_cb cb,
	      void *arg);

/* The same; then the devices must be as the answers say */
void exchange_follow(struct nl_sock *sock, const struct batch *batch);

/* The first in parts */
struct exchange *exchange_start(struct nl_sock *sock, const struct batch *batch,
				object_cb cb, void *arg);
bool exchange_read(struct exchange *ex, size_t size);
void exchange_finish(struct exchange *ex, size_t size);
void exchange_drop(struct exchange *ex);
/* All that are under way learn that a device is gone, or may have been */
void exchanges_changed(const char *name);

#define READ_ALL	(256 << 10)
#define READ_SMALL	4096

/* What a watcher knows of devices; forgotten when it missed an event */
struct watch {
	struct nl_sock *sock;	/* NULL: not open */
	struct set there, gone;
};

/* Reads at most @max datagrams of events */
void watch_read(struct watch *watch, unsigned int max);
void watch_forget(struct watch *watch);

const char *object_string(const struct nlmsghdr *nlh, uint16_t attr);
uint64_t object_u64(const struct nlmsghdr *nlh, uint16_t attr);
/* For what must not fail */
void give_up(const char *what, int err) __attribute__((noreturn));

#endif
