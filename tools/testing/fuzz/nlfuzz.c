// SPDX-License-Identifier: GPL-2.0
/*
 * nlfuzz - fuzzes the generic netlink family "vdpa"
 *
 * Makes requests from the grammar in the netlink specification, breaks half of
 * them, and sends them while watchers come and go, dumps take turns or are left
 * half-read, and the management device fails. What comes back is looked at
 * closely.
 *
 * What a round does depends on the seed and its number only, never on what the
 * kernel answered; all is done by one thread. So what led to a crash can be
 * made again elsewhere, by --print, even if nothing came out of the machine but
 * the number of about the last round.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/socket.h>

#include "nlfuzz.h"
#include "nlgrammar.h"

/* Fewer rounds need not reach all there is */
#define COVERING_ROUNDS	2000
#define PROGRESS_ROUNDS	50

static const char usage[] =
"usage: nlfuzz [OPTION]...\n"
"\n"
"Fuzzes the generic netlink family " GRAMMAR_FAMILY " of this machine's kernel, until it finds\n"
"something. Deletes all devices.\n"
"\n"
"  --seed N       what is random (default 1)\n"
"  --rounds N     how many rounds (default 5000)\n"
"  --from N       the first round, rounded down to one that begins anew (default 0)\n"
"  --seconds N    not longer than that\n"
"  --forever      until SIGINT or SIGTERM\n"
"  --replay FILE  does what FILE says instead of rounds\n"
"  --print        says what rounds do, for --replay, instead of doing it\n"
"  --target TEXT  a management device for --print, as a run tells it\n"
"  --verbose      tells what is done, and each answer\n"
"  --help         this text\n";

static struct options {
	uint64_t seed, rounds, from, seconds;
	const char *replay;
	bool print;
} options = { .seed = 1, .rounds = 5000 };

static struct generator gen;
static volatile sig_atomic_t stop;

void give_up(const char *what, int err)
{
	printf("Bail out! %s: %s\n", what, nl_geterror(err));
	exit(1);
}

/* What there is */

static void add_target(const struct nlmsghdr *nlh, void *arg)
{
	const char *dev = object_string(nlh, ATTR_MGMTDEV_DEV_NAME);
	const char *bus = object_string(nlh, ATTR_MGMTDEV_BUS_NAME);
	struct targets *targets = arg;
	struct target *target;

	if (!dev || targets->nr == MAX_TARGETS)
		return;
	target = &targets->list[targets->nr++];
	snprintf(target->dev, sizeof(target->dev), "%s", dev);
	snprintf(target->bus, sizeof(target->bus), "%s", bus ? bus : "");
	target->features = object_u64(nlh, ATTR_DEV_SUPPORTED_FEATURES);
}

static void print_targets(void)
{
	unsigned int i;

	for (i = 0; i < gen.targets.nr; i++) {
		const struct target *target = &gen.targets.list[i];

		printf("# target %s/%s/%" PRIx64 "\n", target->bus, target->dev,
		       target->features);
	}
}

static bool parse_target(const char *text)
{
	struct target *target = &gen.targets.list[gen.targets.nr];
	const char *dev = strchr(text, '/'), *features = strrchr(text, '/');

	if (!dev || dev == features || gen.targets.nr == MAX_TARGETS)
		return false;
	snprintf(target->bus, sizeof(target->bus), "%.*s", (int)(dev - text), text);
	snprintf(target->dev, sizeof(target->dev), "%.*s", (int)(features - dev - 1), dev + 1);
	target->features = strtoull(features + 1, NULL, 16);
	gen.targets.nr++;
	return true;
}

static void set_up(void)
{
	static struct batch batch;
	struct nl_sock *sock = open_sock(2 << 20);

	checker.family = genl_ctrl_resolve(sock, GRAMMAR_FAMILY);
	checker.group = genl_ctrl_resolve_grp(sock, GRAMMAR_FAMILY, GRAMMAR_GROUP);
	if (checker.group < 0)
		give_up("no family " GRAMMAR_FAMILY, checker.group);
	nl_socket_free(sock);

	/* one that libnl has not used: sequence numbers are ours */
	sock = open_sock(2 << 20);
	gen_dump(&gen, &batch, false);
	batch_set_family(&batch, checker.family);
	exchange(sock, &batch, add_target, &gen.targets);
	nl_socket_free(sock);
	if (!gen.targets.nr)
		give_up("no management device", -NLE_NODEV);
}

/* What the kernel says of itself: the host sees the log, but later */

static bool is_tainted(void)
{
	static int fd = -1;
	static long before;
	char text[32] = "";
	long now;

	if (fd < 0) {
		fd = open("/proc/sys/kernel/tainted", O_RDONLY);
		if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) < 0)
			give_up("cannot read /proc/sys/kernel/tainted", -NLE_FAILURE);
		before = atol(text);
		return false;
	}
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return true;
	now = atol(text);
	return now != before;
}

static void tell_kernel_log(void)
{
	FILE *file = fopen("/dev/kmsg", "w");

	if (!file)
		return;
	fprintf(file, "nlfuzz: seed %" PRIu64 " round %" PRIu64 "\n", options.seed,
		checker.round);
	fclose(file);
}

/* Rounds */

static void print_action(struct action *action)
{
	action_print(stdout, action);
}

static void do_action(struct action *action)
{
	if (checker.verbose)
		action_print(stdout, action);
	run_action(action, &gen.targets);
	check(CHECK_KERNEL, !is_tainted(), "the kernel is tainted");
}

static void print_rounds(void)
{
	uint64_t i;

	for (i = options.from; i < options.rounds; i++) {
		printf("# round %" PRIu64 "\n", i);
		plan_round(&gen, options.seed, i, print_action);
	}
}

static uint64_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Returns how many were done */
static uint64_t do_rounds(void)
{
	uint64_t begin = now_seconds(), i;

	options.from -= options.from % RESET_ROUNDS;
	for (i = options.from; i < options.rounds && !stop && !checker.failures; i++) {
		if (options.seconds && now_seconds() - begin >= options.seconds)
			break;
		checker.round = i;
		if (i % RESET_ROUNDS == 0)
			tell_kernel_log();
		if (checker.verbose || i % PROGRESS_ROUNDS == 0)
			printf("# round %" PRIu64 "\n", i);
		plan_round(&gen, options.seed, i, do_action);
	}
	return i - options.from;
}

static void replay_line(struct action *action, char *line, unsigned int number)
{
	static const char mark[] = "# round ";
	const char *wrong;

	if (*line == '#') {
		if (!strncmp(line, mark, strlen(mark)))
			checker.round = strtoull(line + strlen(mark), NULL, 10);
		return;
	}
	if (*line == '\n')
		return;
	wrong = action_parse(action, line);
	if (wrong) {
		printf("Bail out! %s:%u: %s\n", options.replay, number, wrong);
		exit(1);
	}
	do_action(action);
}

static void do_replay(void)
{
	static struct action action;
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	file = fopen(options.replay, "r");
	if (!file) {
		printf("Bail out! cannot open %s: %m\n", options.replay);
		exit(1);
	}
	run_reset(&gen.targets);
	while (!stop && getline(&line, &size, file) > 0)
		replay_line(&action, line, ++number);
	free(line);
	fclose(file);
}

/* Results */

static const char *const titles[NR_CHECKS] = {
	[CHECK_KERNEL] = "the kernel did not complain",
	[CHECK_ANSWERED] = "each message has the answers it is due",
	[CHECK_ERRNO] = "refusals have an errno that makes sense",
	[CHECK_TEXT] = "refusals say why",
	[CHECK_OFFSET] = "the attribute at fault lies in the message",
	[CHECK_GRAMMAR] = "requests are taken if they fit the grammar, and only then",
	[CHECK_CONTENTS] = "what comes back is as the specification says",
	[CHECK_NAMES] = "all objects have good names",
	[CHECK_DUMPS] = "dumps show what is there all the while, once",
	[CHECK_STATE] = "what was refused changed nothing, what was done just that",
	[CHECK_EVENTS] = "events come in the order of a device's life",
	[CHECK_SWEPT] = "all devices can be deleted",
};

static unsigned int nr_results, nr_failed;

static void result(bool good, const char *title)
{
	printf("%sok %u nlfuzz: %s\n", good ? "" : "not ", ++nr_results, title);
	nr_failed += !good;
}

static void conclude(uint64_t nr_rounds)
{
	unsigned int i;

	coverage();
	for (i = 0; i < NR_CHECKS; i++) {
		printf("# checked %lu times, failed %lu times\n",
		       checker.passed[i] + checker.failed[i], checker.failed[i]);
		result(!checker.failed[i], titles[i]);
	}
	if (nr_rounds >= COVERING_ROUNDS)
		result(covered(), "each request was done, and refused in each way");
	printf("1..%u\n", nr_results);
}

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void fail_usage(const char *option, const char *text)
{
	fprintf(stderr, "nlfuzz: --%s %s: not understood\n", option, text);
	exit(2);
}

static void set_number(uint64_t *value, const char *option, const char *text)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		fail_usage(option, text);
}

static const struct option known[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "from", required_argument, NULL, 'f' },
	{ "seconds", required_argument, NULL, 'S' },
	{ "forever", no_argument, NULL, 'F' },
	{ "replay", required_argument, NULL, 'R' },
	{ "print", no_argument, NULL, 'p' },
	{ "target", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static void set_option(int option, int index)
{
	const char *name = known[index].name;

	switch (option) {
	case 's':
		return set_number(&options.seed, name, optarg);
	case 'r':
		return set_number(&options.rounds, name, optarg);
	case 'f':
		return set_number(&options.from, name, optarg);
	case 'S':
		return set_number(&options.seconds, name, optarg);
	case 'F':
		options.rounds = UINT64_MAX;
		return;
	case 'R':
		options.replay = optarg;
		return;
	case 'p':
		options.print = true;
		return;
	case 't':
		if (!parse_target(optarg))
			fail_usage(name, optarg);
		return;
	case 'v':
		checker.verbose = true;
		return;
	}
	fputs(usage, option == 'h' ? stdout : stderr);
	exit(option == 'h' ? 0 : 2);
}

int main(int argc, char **argv)
{
	int option, index = 0;
	uint64_t done = 0;

	while ((option = getopt_long(argc, argv, "", known, &index)) != -1)
		set_option(option, index);
	if (options.print) {
		print_rounds();
		return 0;
	}

	/* the machine may die any time: what was said must be out by then */
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	printf("TAP version 13\n# seed %" PRIu64 "\n", options.seed);
	is_tainted();
	set_up();
	print_targets();
	if (options.replay)
		do_replay();
	else
		done = do_rounds();
	if (checker.failures)
		printf("# found in round %" PRIu64 "\n", checker.round);
	run_reset(&gen.targets);
	conclude(done);
	return nr_failed ? 1 : 0;
}
