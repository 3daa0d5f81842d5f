// SPDX-License-Identifier: GPL-2.0
/*
 * What has to come back for a datagram, and what it has to look like
 *
 * The kernel handles a request while it is sent, so that all answers are there
 * when sending returns; the parts of a dump follow while the ones before are
 * read. Nothing here waits.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include "nlfuzz.h"
#include "nlgrammar.h"

/* Failures of one kind that are told in full */
#define FAILURES_SHOWN	10

struct checker checker;

static uint8_t buf[READ_ALL] __attribute__((aligned(8)));

static void show_bytes(const char *what, const void *data, size_t len)
{
	const uint8_t *byte = data;
	size_t i;

	printf("# %s %zu ", what, len);
	for (i = 0; i < len; i++)
		printf("%02x", byte[i]);
	putchar('\n');
}

bool check(enum check what, bool good, const char *fmt, ...)
{
	va_list ap;

	if (good) {
		checker.passed[what]++;
		return true;
	}
	checker.failures++;
	if (checker.failed[what]++ < FAILURES_SHOWN) {
		printf("# round %llu: ", (unsigned long long)checker.round);
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		putchar('\n');
	}
	return false;
}

/* The messages of a datagram, as the kernel takes it to pieces */

struct sent {
	const struct nlmsghdr *nlh;
	bool for_family;	/* it is for the handlers of the family */
	bool dump;
	int request;		/* index in the grammar, -1: none */
	unsigned int ends;	/* messages that ended it */
	bool failed;
	bool good;		/* fits the grammar */
};

struct exchange {
	struct exchange *next;
	struct nl_sock *sock;
	struct sent sent[MAX_MESSAGES];
	unsigned int nr;
	object_cb cb;
	void *arg;
	/* of the last dump in it */
	uint32_t dump_seq;
	struct set shown;
	char last[NAME_MAX_LEN + 1];	/* of these, what came last */
	/* devices there all the while; only if the dump is of all devices */
	struct set expected;
	bool complete;
	bool changed;		/* something may have gone since it began */
	size_t len;
	uint8_t *data;
};

/* Those that are under way */
static struct exchange *exchanges;

static void sent_init(struct sent *sent, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = (const void *)(nlh + 1);
	bool dump = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	*sent = (struct sent) { .nlh = nlh, .request = -1 };
	if (!(nlh->nlmsg_flags & NLM_F_REQUEST) ||
	    nlh->nlmsg_type != checker.family ||
	    nlh->nlmsg_len < sizeof(*nlh) + sizeof(*genl))
		return;
	sent->request = request_of(genl->cmd, dump);
	sent->for_family = sent->request >= 0;
	sent->dump = dump && sent->for_family;
	sent->good = sent->for_family && is_request_good(nlh, sent->request);
}

static void take_to_pieces(struct exchange *ex)
{
	const uint8_t *data = ex->data;
	size_t left = ex->len, len;

	ex->nr = 0;
	while (left >= sizeof(struct nlmsghdr) && ex->nr < MAX_MESSAGES) {
		const struct nlmsghdr *nlh = (const void *)data;

		if (nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > left)
			return;
		sent_init(&ex->sent[ex->nr++], nlh);
		len = NLMSG_ALIGN(nlh->nlmsg_len);
		if (len > left)
			return;
		data += len;
		left -= len;
	}
}

static struct sent *sent_by_seq(struct exchange *ex, uint32_t seq)
{
	unsigned int i;

	for (i = 0; i < ex->nr; i++)
		if (ex->sent[i].nlh->nlmsg_seq == seq)
			return &ex->sent[i];
	return NULL;
}

/* How many messages may end the answer to a message: 0 or 1, both fine: -1 */
static int ends_expected(const struct sent *sent)
{
	const struct nlmsghdr *nlh = sent->nlh;
	bool ack = nlh->nlmsg_flags & NLM_F_ACK;

	if (!(nlh->nlmsg_flags & NLM_F_REQUEST) || nlh->nlmsg_type < NLMSG_MIN_TYPE)
		return ack;
	if (ack || !sent->for_family || sent->dump)
		return 1;
	return -1;
}

static void check_answered(const struct exchange *ex)
{
	unsigned int i;

	for (i = 0; i < ex->nr; i++) {
		const struct sent *sent = &ex->sent[i];
		int expected = ends_expected(sent);

		if (!check(CHECK_ANSWERED,
			   expected < 0 ? sent->ends <= 1 : sent->ends == (unsigned int)expected,
			   "message %u was answered %u times instead of %d",
			   i, sent->ends, expected))
			show_bytes("message", sent->nlh, sent->nlh->nlmsg_len);
		if (!sent->for_family || sent->failed)
			continue;
		checker.done[sent->request]++;
		if (!check(CHECK_GRAMMAR, sent->good, "what is not in the grammar was done"))
			show_bytes("message", sent->nlh, sent->nlh->nlmsg_len);
	}
}

/* Refusals */

static bool is_errno_known(int err)
{
	static const int known[] = {
		0, EPERM, ENOENT, EIO, ENOMEM, EBUSY, EEXIST, ENODEV, EINVAL, ENOSPC,
		ERANGE, EMSGSIZE, EOPNOTSUPP, EBADF,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == err)
			return true;
	return false;
}

/* Of these the family never says just the number */
static bool needs_text(int err)
{
	return err == EINVAL || err == ERANGE || err == EOPNOTSUPP ||
	       err == ENODEV || err == EEXIST;
}

static void check_text(const struct sent *sent, int err, const struct nlattr *text)
{
	const char *str = text ? nla_data(text) : NULL;
	int len = text ? nla_len(text) : 0;
	bool good;

	good = text ? len > 1 && strnlen(str, len) == (size_t)len - 1 :
		!(sent->for_family && needs_text(err));
	if (!check(CHECK_TEXT, good, "errno %d with %s text", err,
		   text ? "a malformed" : "no"))
		show_bytes("message", sent->nlh, sent->nlh->nlmsg_len);
}

static void check_offset(const struct sent *sent, const struct nlattr *attr)
{
	uint32_t len = sent->nlh->nlmsg_len, offset;

	if (!attr)
		return;
	if (!check(CHECK_OFFSET, nla_len(attr) == sizeof(offset),
		   "an offset of %d bytes", nla_len(attr)))
		return;
	offset = nla_get_u32(attr);
	if (!check(CHECK_OFFSET,
		   offset >= sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr) &&
		   len >= sizeof(struct nlattr) &&
		   offset <= len - sizeof(struct nlattr) && offset % NLA_ALIGNTO == 0,
		   "offset %u in a message of %u bytes", offset, len))
		show_bytes("message", sent->nlh, len);
}

static void check_refusal(struct sent *sent, int err, const void *tlvs, int len)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1] = {};

	if (!check(CHECK_ERRNO, err <= 0 && is_errno_known(-err), "errno %d", -err))
		show_bytes("message", sent->nlh, sent->nlh->nlmsg_len);
	if (-err > 0 && -err < SEEN_ERRNOS)
		checker.errors[-err]++;
	sent->failed = err;
	if (tlvs)
		check(CHECK_CONTENTS,
		      nla_parse(tb, NLMSGERR_ATTR_MAX, (void *)tlvs, len, NULL) == 0,
		      "the attributes of a refusal are malformed");
	if (err)
		check_text(sent, -err, tb[NLMSGERR_ATTR_MSG]);
	check_offset(sent, tb[NLMSGERR_ATTR_OFFS]);
	if (sent->good &&
	    !check(CHECK_GRAMMAR, !tb[NLMSGERR_ATTR_POLICY],
		   "what is in the grammar did not get past the parser"))
		show_bytes("message", sent->nlh, sent->nlh->nlmsg_len);
	if (checker.verbose)
		printf("# answer %d %s\n", -err, tb[NLMSGERR_ATTR_MSG] ?
		       (char *)nla_data(tb[NLMSGERR_ATTR_MSG]) : "");
}

/* The request comes back with its refusal, or just the header of it */
static void take_error(struct sent *sent, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = nlmsg_data(nlh);
	int left = nlmsg_datalen(nlh);
	bool capped = nlh->nlmsg_flags & NLM_F_CAPPED;
	uint32_t echoed = capped ? sizeof(err->msg) : sent->nlh->nlmsg_len;
	int size = sizeof(err->error) + NLMSG_ALIGN(echoed);

	if (!check(CHECK_CONTENTS, left >= size && !memcmp(&err->msg, sent->nlh, echoed),
		   "the request that came back is another one"))
		return;
	sent->ends++;
	check_refusal(sent, err->error,
		      nlh->nlmsg_flags & NLM_F_ACK_TLVS ? (const char *)err + size : NULL,
		      left - size);
}

static void take_done(struct sent *sent, const struct nlmsghdr *nlh)
{
	const int *err = nlmsg_data(nlh);
	int left = nlmsg_datalen(nlh);

	sent->ends++;
	if (!check(CHECK_CONTENTS, sent->dump && left >= (int)sizeof(*err),
		   "an end of a dump that none was, or without a number"))
		return;
	check_refusal(sent, *err, nlh->nlmsg_flags & NLM_F_ACK_TLVS ? err + 1 : NULL,
		      left - sizeof(*err));
}

/* Objects */

static const struct nlattr *object_attr(const struct nlmsghdr *nlh, uint16_t attr)
{
	return nlmsg_find_attr((void *)nlh, GENL_HDRLEN, attr);
}

const char *object_string(const struct nlmsghdr *nlh, uint16_t attr)
{
	const struct nlattr *found = object_attr(nlh, attr);

	return found ? nla_data(found) : NULL;
}

uint64_t object_u64(const struct nlmsghdr *nlh, uint16_t attr)
{
	const struct nlattr *found = object_attr(nlh, attr);

	return found ? nla_get_u64(found) : 0;
}

static bool is_name_good(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > NAME_MAX_LEN || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name < 0x21 || *name > 0x7e || *name == '/')
			return false;
	return true;
}

static bool check_attrs(const struct nlmsghdr *nlh, const struct grammar_call *call)
{
	const struct nlattr *attr;
	bool good = true;
	int left;

	nla_for_each_attr(attr, (void *)nlmsg_attrdata(nlh, GENL_HDRLEN),
			  nlmsg_attrlen(nlh, GENL_HDRLEN), left) {
		const struct grammar_attr *desc = desc_in(call, nla_type(attr));

		/* so that one of 64 bits is aligned, on machines that need that */
		if (!nla_type(attr) && !nla_len(attr))
			continue;
		good &= check(CHECK_CONTENTS, desc && is_attr_good(desc, attr),
			      "attribute %u is not one of %s, or malformed",
			      nla_type(attr), call->name);
	}
	return check(CHECK_CONTENTS, !left, "bytes behind the attributes") && good;
}

/* All that is known about it without knowing what it is about */
static bool check_object(const struct nlmsghdr *nlh, bool event)
{
	const struct genlmsghdr *genl = nlmsg_data(nlh);
	const struct grammar_call *call;
	const char *name;

	if (!check(CHECK_CONTENTS, nlh->nlmsg_type == checker.family &&
		   nlmsg_datalen(nlh) >= (int)sizeof(*genl), "a message of type %u",
		   nlh->nlmsg_type))
		return false;
	call = message_of(genl->cmd, event);
	if (!check(CHECK_CONTENTS, call, "command %u", genl->cmd) ||
	    !check_attrs(nlh, call)) {
		show_bytes("from the kernel", nlh, nlh->nlmsg_len);
		return false;
	}
	name = object_string(nlh, desc_in(call, ATTR_DEV_NAME) ? ATTR_DEV_NAME :
			     ATTR_MGMTDEV_DEV_NAME);
	return check(CHECK_NAMES, name && is_name_good(name), "an object called \"%s\"",
		     name ? name : "");
}

/* Statistics of a device may come in several messages, one after the other. */
static bool goes_on(const struct exchange *ex, const struct nlmsghdr *nlh, const char *name)
{
	const struct genlmsghdr *genl = nlmsg_data(nlh);

	return genl->cmd == REQUEST_DEV_STATS_GET_DUMP && !strcmp(ex->last, name);
}

static void check_twice(struct exchange *ex, const struct nlmsghdr *nlh)
{
	const char *name = object_string(nlh, ATTR_DEV_NAME);

	if (nlh->nlmsg_seq != ex->dump_seq) {
		ex->dump_seq = nlh->nlmsg_seq;
		ex->last[0] = '\0';
		set_free(&ex->shown);
	}
	if (!name || goes_on(ex, nlh, name))
		return;
	snprintf(ex->last, sizeof(ex->last), "%s", name);
	check(CHECK_DUMPS, set_add(&ex->shown, name), "a dump showed %s twice", name);
}

static void check_complete(const struct exchange *ex)
{
	unsigned int i;

	for (i = 0; i < ex->expected.nr; i++)
		check(CHECK_DUMPS, set_find(&ex->shown, ex->expected.dev[i].name),
		      "a dump did not show %s, there all the while", ex->expected.dev[i].name);
}

static void take_object(struct exchange *ex, struct sent *sent,
			const struct nlmsghdr *nlh)
{
	bool multi = nlh->nlmsg_flags & NLM_F_MULTI;

	check(CHECK_ANSWERED, sent->for_family && multi == sent->dump && !sent->ends,
	      "an object that nobody asked for");
	if (!check_object(nlh, false))
		return;
	if (multi) {
		check_twice(ex, nlh);
		check(CHECK_DUMPS, ex->changed || !(nlh->nlmsg_flags & NLM_F_DUMP_INTR),
		      "a dump was interrupted by nothing");
	}
	if (ex->cb)
		ex->cb(nlh, ex->arg);
}

static void take_message(struct exchange *ex, const struct nlmsghdr *nlh)
{
	struct sent *sent = sent_by_seq(ex, nlh->nlmsg_seq);

	if (!check(CHECK_ANSWERED, sent, "an answer with sequence number %u",
		   nlh->nlmsg_seq))
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		take_error(sent, nlh);
	else if (nlh->nlmsg_type == NLMSG_DONE)
		take_done(sent, nlh);
	else
		take_object(ex, sent, nlh);
}

/* The length of what was received, 0: nothing is there, or -errno */
static int receive(struct nl_sock *sock, size_t size)
{
	ssize_t len = recv(nl_socket_get_fd(sock), buf, size, MSG_DONTWAIT | MSG_TRUNC);

	if (len >= 0) {
		check(CHECK_CONTENTS, len && (size_t)len <= size,
		      "a datagram of %zd bytes", len);
		return len <= (ssize_t)size ? len : -EMSGSIZE;
	}
	return errno == EAGAIN ? 0 : -errno;
}

/* What must be true of a dump of all devices, and only that is in the datagram */
static void expect_all(struct exchange *ex)
{
	const struct sent *sent = &ex->sent[0];
	size_t plain = sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr);

	ex->complete = ex->nr == 1 && sent->dump && sent->nlh->nlmsg_len == plain &&
		       ((const struct genlmsghdr *)(sent->nlh + 1))->cmd == REQUEST_DEV_GET_DUMP;
	if (ex->complete)
		set_copy(&ex->expected, &model);
}

void exchanges_changed(const char *name)
{
	struct exchange *ex;
	struct device *dev;

	for (ex = exchanges; ex; ex = ex->next) {
		ex->changed = true;
		dev = name ? set_find(&ex->expected, name) : NULL;
		if (dev)
			set_remove(&ex->expected, dev);
	}
}

static bool is_change(const struct sent *sent)
{
	uint8_t cmd;

	if (!sent->for_family || sent->dump)
		return false;
	cmd = ((const struct genlmsghdr *)(sent->nlh + 1))->cmd;
	return cmd == REQUEST_DEV_NEW_DO || cmd == REQUEST_DEV_DEL_DO;
}

static bool has_change(const struct exchange *ex)
{
	unsigned int i;

	for (i = 0; i < ex->nr; i++)
		if (is_change(&ex->sent[i]))
			return true;
	return false;
}

static struct exchange *exchange_new(const struct batch *batch)
{
	struct exchange *ex = calloc(1, sizeof(*ex));

	if (!ex)
		give_up("an exchange", -NLE_NOMEM);
	ex->len = batch->len;
	ex->data = malloc(batch->len ?: 1);
	if (!ex->data)
		give_up("an exchange", -NLE_NOMEM);
	memcpy(ex->data, batch->data, batch->len);
	take_to_pieces(ex);
	expect_all(ex);
	ex->changed = has_change(ex);
	ex->next = exchanges;
	exchanges = ex;
	return ex;
}

struct exchange *exchange_start(struct nl_sock *sock, const struct batch *batch,
				object_cb cb, void *arg)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct exchange *ex = exchange_new(batch);
	ssize_t len;

	ex->sock = sock;
	ex->cb = cb;
	ex->arg = arg;
	len = sendto(nl_socket_get_fd(sock), ex->data, ex->len, 0,
		     (struct sockaddr *)&kernel, sizeof(kernel));
	check(CHECK_ANSWERED, len == (ssize_t)ex->len, "cannot send %zu bytes: %m", ex->len);
	checker.messages += ex->nr;
	return ex;
}

bool exchange_read(struct exchange *ex, size_t size)
{
	int len = receive(ex->sock, size);
	const struct nlmsghdr *nlh = (void *)buf;

	if (!check(CHECK_ANSWERED, len >= 0, "cannot receive: %s", strerror(-len)))
		return false;
	if (!len)
		return false;
	for (; nlmsg_ok(nlh, len); nlh = nlmsg_next((void *)nlh, &len))
		take_message(ex, nlh);
	check(CHECK_CONTENTS, len <= 0, "bytes behind the messages");
	checker.parts++;
	return true;
}

void exchange_drop(struct exchange *ex)
{
	struct exchange **link = &exchanges;

	while (*link != ex)
		link = &(*link)->next;
	*link = ex->next;
	set_free(&ex->shown);
	set_free(&ex->expected);
	free(ex->data);
	free(ex);
}

void exchange_finish(struct exchange *ex, size_t size)
{
	while (exchange_read(ex, size))
		;
	check_answered(ex);
	if (ex->complete && !ex->sent[0].failed)
		check_complete(ex);
	exchange_drop(ex);
}

void exchange(struct nl_sock *sock, const struct batch *batch, object_cb cb,
	      void *arg)
{
	exchange_finish(exchange_start(sock, batch, cb, arg), READ_ALL);
}

/* A change; the parser of the kernel has seen to it that the name is a string */
static void follow_change(const struct sent *sent)
{
	uint8_t cmd = ((const struct genlmsghdr *)(sent->nlh + 1))->cmd;
	const char *name = object_string(sent->nlh, ATTR_DEV_NAME);

	exchanges_changed(cmd == REQUEST_DEV_DEL_DO && !sent->failed ? name : NULL);
	if (sent->failed)
		return;
	if (cmd == REQUEST_DEV_NEW_DO)
		model_added(name);
	else if (check(CHECK_STATE, name, "a deletion without a name was done"))
		model_removed(name);
}

void exchange_follow(struct nl_sock *sock, const struct batch *batch)
{
	struct exchange *ex = exchange_start(sock, batch, NULL, NULL);
	bool changes = has_change(ex);
	unsigned int i;

	while (exchange_read(ex, READ_ALL))
		;
	for (i = 0; i < ex->nr; i++)
		if (is_change(&ex->sent[i]))
			follow_change(&ex->sent[i]);
	exchange_finish(ex, READ_ALL);
	if (changes)
		model_verify();
}

/* Events */

static void take_event(struct watch *watch, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = nlmsg_data(nlh);
	struct set *from, *to;
	struct device *dev;
	const char *name;

	if (!check_object(nlh, true))
		return;
	name = object_string(nlh, ATTR_DEV_NAME);
	if (!name)
		return;
	dev = set_find(genl->cmd == EVENT_DEV_NEW_NTF ? &watch->there : &watch->gone, name);
	check(CHECK_EVENTS, !dev, "event %u of %s, which is %s", genl->cmd, name,
	      genl->cmd == EVENT_DEV_NEW_NTF ? "there" : "gone");
	from = genl->cmd == EVENT_DEV_DEL_NTF ? &watch->there : &watch->gone;
	to = genl->cmd == EVENT_DEV_DEL_NTF ? &watch->gone : &watch->there;
	dev = set_find(from, name);
	if (dev)
		set_remove(from, dev);
	set_add(to, name);
}

void watch_forget(struct watch *watch)
{
	set_free(&watch->there);
	set_free(&watch->gone);
}

/* An event cannot be longer than a part of a dump */
void watch_read(struct watch *watch, unsigned int max)
{
	int len = 0;

	while (max-- && (len = receive(watch->sock, READ_SMALL)) > 0) {
		const struct nlmsghdr *nlh = (void *)buf;

		for (; nlmsg_ok(nlh, len); nlh = nlmsg_next((void *)nlh, &len))
			take_event(watch, nlh);
		check(CHECK_CONTENTS, len <= 0, "bytes behind an event");
	}
	if (len == -ENOBUFS)
		watch_forget(watch);
	else
		check(CHECK_EVENTS, len >= 0,
		      "cannot receive events: %s", strerror(-len));
}
