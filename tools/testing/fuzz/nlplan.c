// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds: what is sent, read, opened and closed in which order. A round is made
 * of actions, and an action is a line of text, so that a run can be written
 * down and done again, also with lines left out.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nlfuzz.h"

#define BURST		40
#define LONGEST_MIX	16

static const struct {
	const char *name;
	unsigned int limit;	/* of which */
	bool has_arg;
	bool has_batch;
} verbs[NR_VERBS] = {
	[DO_OPEN]	= { "open", NR_SOCKS, .has_arg = true },
	[DO_CLOSE]	= { "close", NR_SOCKS },
	[DO_SEND]	= { "send", NR_SOCKS, .has_batch = true },
	[DO_START]	= { "start", NR_SOCKS, .has_batch = true },
	[DO_READ]	= { "read", NR_SOCKS },
	[DO_FINISH]	= { "finish", NR_SOCKS },
	[DO_WATCH]	= { "watch", NR_WATCHES, .has_arg = true },
	[DO_EVENTS]	= { "events", NR_WATCHES, .has_arg = true },
	[DO_LEAVE]	= { "leave", NR_WATCHES },
	[DO_FAIL]	= { "fail", MAX_TARGETS, .has_arg = true },
	[DO_RESET]	= { "reset", 1 },
};

/* Text */

/* An @ stands before each message that has the family's number to be put in */
static void print_batch(FILE *file, const struct batch *batch)
{
	unsigned int next = 0;
	size_t i;

	fputc(' ', file);
	for (i = 0; i < batch->len; i++) {
		if (next < batch->nr_starts && batch->starts[next] == i) {
			fputc('@', file);
			next++;
		}
		fprintf(file, "%02x", batch->data[i]);
	}
}

void action_print(FILE *file, const struct action *action)
{
	fprintf(file, "%s %u", verbs[action->verb].name, action->which);
	if (verbs[action->verb].has_arg)
		fprintf(file, " %u", action->arg);
	if (verbs[action->verb].has_batch)
		print_batch(file, &action->batch);
	fputc('\n', file);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static const char *parse_batch(struct batch *batch, const char *text)
{
	batch->len = 0;
	batch->nr_starts = 0;
	while (*text && !isspace((unsigned char)*text)) {
		int high, low;

		if (*text == '@') {
			if (batch->nr_starts == MAX_MESSAGES)
				return "too many messages";
			batch->starts[batch->nr_starts++] = batch->len;
			text++;
			continue;
		}
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return "bytes are two lower case hexadecimal digits each";
		if (batch->len == sizeof(batch->data))
			return "too long";
		batch->data[batch->len++] = high << 4 | low;
		text += 2;
	}
	if (batch->nr_starts &&
	    batch->starts[batch->nr_starts - 1] + sizeof(struct nlmsghdr) > batch->len)
		return "a message after an @ needs a header";
	return *text && text[strspn(text, "\n ")] ? "more than there should be" : NULL;
}

static const char *parse_number(unsigned int *number, char **text)
{
	unsigned long value;
	char *end;

	*text += strspn(*text, " ");
	errno = 0;
	value = strtoul(*text, &end, 10);
	if (errno || end == *text || value > UINT32_MAX || (*end && !isspace((unsigned char)*end)))
		return "a number is missing";
	*number = value;
	*text = end;
	return NULL;
}

static const char *parse_verb(struct action *action, char **text)
{
	size_t len = strcspn(*text, "\n ");
	unsigned int i;

	for (i = 0; i < NR_VERBS; i++) {
		if (strlen(verbs[i].name) != len || strncmp(verbs[i].name, *text, len))
			continue;
		action->verb = i;
		*text += len;
		return NULL;
	}
	return "no such action";
}

const char *action_parse(struct action *action, char *line)
{
	const char *wrong = parse_verb(action, &line) ?: parse_number(&action->which, &line);

	if (wrong)
		return wrong;
	if (action->which >= verbs[action->verb].limit)
		return "the number is too large";
	if (verbs[action->verb].has_arg) {
		wrong = parse_number(&action->arg, &line);
		if (wrong)
			return wrong;
	}
	line += strspn(line, " ");
	if (verbs[action->verb].has_batch)
		return parse_batch(&action->batch, line);
	return line[strspn(line, "\n")] ? "more than there should be" : NULL;
}

/* Rounds */

static struct generator *generator;
static action_cb emit;
static struct action action;

static void act(enum verb verb, unsigned int which, unsigned int arg)
{
	action.verb = verb;
	action.which = which;
	action.arg = arg;
	emit(&action);
}

static unsigned int some_requester(void)
{
	return choose(NR_REQUESTERS);
}

static void plan_request(void)
{
	gen_batch(generator, &action.batch);
	act(DO_SEND, some_requester(), 0);
}

static void plan_add(void)
{
	gen_add(generator, &action.batch);
	act(DO_SEND, some_requester(), 0);
}

static void plan_del(void)
{
	gen_del_any(generator, &action.batch);
	act(DO_SEND, some_requester(), 0);
}

static void plan_reopen(void)
{
	act(DO_OPEN, some_requester(), choose(OPEN_SMALL));
}

static void open_for_dump(unsigned int sock)
{
	act(DO_OPEN, sock, choose(OPEN_SMALL * 2));
}

/* Closed while the kernel has more to tell, or even while it tells nothing */
static void plan_half_dump(void)
{
	unsigned int sock = NR_REQUESTERS + choose(NR_SOCKS - NR_REQUESTERS);
	unsigned int reads = choose(3);

	open_for_dump(sock);
	gen_dump(generator, &action.batch, choose(4));
	act(DO_START, sock, 0);
	while (reads--)
		act(DO_READ, sock, 0);
	/* a second one while the first is under way */
	if (!choose(4))
		act(DO_START, sock, 0);
	act(DO_CLOSE, sock, 0);
}

static void plan_other(void)
{
	switch (choose(4)) {
	case 0:
		return plan_request();
	case 1:
		return plan_add();
	default:
		return plan_del();
	}
}

/* Several dumps take turns, and devices come and go meanwhile */
static void plan_interleave(void)
{
	unsigned int nr = 2 + choose(NR_SOCKS - NR_REQUESTERS - 1);
	unsigned int steps = choose(LONGEST_MIX), i;

	for (i = NR_REQUESTERS; i < NR_REQUESTERS + nr; i++) {
		open_for_dump(i);
		gen_dump(generator, &action.batch, choose(8));
		act(DO_START, i, 0);
	}
	while (steps--) {
		if (choose(2))
			act(DO_READ, NR_REQUESTERS + choose(nr), 0);
		else
			plan_other();
	}
	for (i = NR_REQUESTERS; i < NR_REQUESTERS + nr; i++)
		act(DO_FINISH, i, 0);
}

static void plan_watch(void)
{
	unsigned int watch = choose(NR_WATCHES);

	if (choose(3))
		act(DO_WATCH, watch, choose(2) ? 1 : 1 << 20);
	else
		act(DO_LEAVE, watch, 0);
}

static void plan_events(void)
{
	act(DO_EVENTS, choose(NR_WATCHES), choose(2) ? UINT32_MAX : choose(8));
}

static void plan_burst(void)
{
	unsigned int i;

	for (i = 0; i < BURST; i++)
		plan_add();
}

/* The management device fails for a while */
static void plan_fail(void)
{
	static const int errors[] = { EIO, ENOMEM, ENOSPC };
	unsigned int target = choose(generator->targets.nr), times = 1 + choose(4);

	act(DO_FAIL, target, errors[choose(ARRAY_SIZE(errors))]);
	while (times--)
		plan_request();
	plan_add();
	act(DO_FAIL, target, 0);
}

static const struct {
	unsigned int weight;
	void (*plan)(void);
} rounds[] = {
	{ 400, plan_request },
	{ 10, plan_reopen },
	{ 15, plan_half_dump },
	{ 10, plan_interleave },
	{ 10, plan_watch },
	{ 30, plan_events },
	{ 3, plan_burst },
	{ 5, plan_fail },
};

void plan_round(struct generator *gen, uint64_t seed, uint64_t round, action_cb cb)
{
	unsigned int sum = 0, i;
	uint32_t chosen;

	generator = gen;
	emit = cb;
	choose_from(seed, round);
	if (round % RESET_ROUNDS == 0) {
		gen->seq = 0;
		act(DO_RESET, 0, 0);
	}
	for (i = 0; i < ARRAY_SIZE(rounds); i++)
		sum += rounds[i].weight;
	chosen = choose(sum);
	for (i = 0; chosen >= rounds[i].weight; i++)
		chosen -= rounds[i].weight;
	rounds[i].plan();
}
