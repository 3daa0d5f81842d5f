// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa - management of vDPA devices
 */

#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "vdpa.h"

static const struct cmd objects[] = {
	{ "mgmtdev", .can_be_short = true,
	  .help = "management devices, which create devices", .sub = mgmtdev_cmds },
	{ "dev", .can_be_short = true, .help = "devices", .sub = dev_cmds },
	{ "monitor", .help = "show events as they come", .args = monitor_args,
	  .run = monitor },
	{ "save", .help = "commands for -b that bring back what there is",
	  .args = save_args, .run = save },
	{ NULL }
};

static const struct cmd root = { "vdpa", .sub = objects };

static const struct option long_options[] = {
	{ "Version", no_argument, NULL, 'V' },
	{ "version", no_argument, NULL, 'V' },
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "details", no_argument, NULL, 'd' },
	{ "statistics", no_argument, NULL, 's' },
	{ "batch", required_argument, NULL, 'b' },
	{ "force", no_argument, NULL, 'f' },
	{ "netns", required_argument, NULL, 'n' },
	{ "timestamp", no_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

#define FLAGS	"Vjpdsftvh"
#define VALUED	"nb"
/* "-": the other words, too, are given out in their order; ":": see below */
static const char short_options[] = "-:" FLAGS "n:b:";

void options_help(FILE *fp)
{
	fputs("Options, anywhere on the line:\n"
	      "  -j, --json              JSON instead of text\n"
	      "  -p, --pretty            indented JSON\n"
	      "  -d, --details           more about each object\n"
	      "  -s, --statistics        dev show: what went through its queues\n"
	      "  -n, --netns NETNS       look there: name, path or process\n"
	      "  -b, --batch FILE        commands from there; -: standard input\n"
	      "  -f, --force             -b: go on after one that failed\n"
	      "  -t, --timestamp         monitor: say when each event arrived\n"
	      "  -v, --verbose           monitor: say on stderr when listening\n"
	      "  -V, --Version           version of this program\n"
	      "  -h, --help              this, or about the command given\n", fp);
}

static int version(struct out *out)
{
	out_single(out, "vdpa utility, version " VERSION);
	out_label(out, "version", VERSION);
	return out_single_end(out);
}

/* getopt() says which character, but not which word it stopped at */
static int unknown_option(struct vdpa *vdpa, char **argv)
{
	char option[] = { '-', optopt, '\0' };

	/* a word it is done with: not known, or "--json=x" */
	if (!optopt || strchr(short_options, optopt))
		return usage_error(vdpa, argv[optind - 1], "unknown option");
	return usage_error(vdpa, option, "unknown option");
}

static int option(struct vdpa *vdpa, bool *show_version, int opt, char **argv)
{
	switch (opt) {
	case 'V':
		*show_version = true;
		break;
	case 'j':
		vdpa->out.json = true;
		break;
	case 'p':
		vdpa->out.pretty = true;
		break;
	case 'd':
		vdpa->details = true;
		break;
	case 's':
		vdpa->statistics = true;
		break;
	case 'b':
		vdpa->commands = optarg;
		break;
	case 'f':
		vdpa->force = true;
		break;
	case 'n':
		vdpa->netns = optarg;
		break;
	case 't':
		vdpa->timestamp = true;
		break;
	case 'v':
		vdpa->verbose = true;
		break;
	case 'h':
		vdpa->help = true;
		break;
	case ':':
		return usage_error(vdpa, argv[optind - 1], "needs a value");
	default:
		return unknown_option(vdpa, argv);
	}
	return EXIT_OK;
}

/*
 * Short options in one word. Some of these a long one begins with, too, as --json
 * does with -js; getopt_long_only() would take them for that.
 */
static bool is_joined(const char *word)
{
	return word[0] == '-' && word[1] && !word[1 + strspn(word + 1, FLAGS)];
}

/* Of words with one dash, which also long options may have; no value in them */
static bool is_option(const char *word)
{
	const char *rest = word + 1 + strspn(word + 1, FLAGS);
	const struct option *option;

	if (!*rest || (strchr(VALUED, *rest) && !rest[1]))
		return true;
	for (option = long_options; option->name; option++)
		if (strncmp(option->name, word + 1, strcspn(word + 1, "=")) == 0)
			return true;
	return false;
}

/* Whether words are such that features follow */
static bool want_features(int count, char **words)
{
	if (count && strcmp(words[count - 1], "device_features") == 0)
		return true;
	return count > 2 && strcmp(words[1], "features") == 0 &&
	       strcmp(words[2], "set") == 0;
}

/* "-NAME" is no option where it takes a feature away, nor where it is meant to */
static bool is_word(const char *word, int count, char **words)
{
	if (is_features(word))
		return true;
	return word[0] == '-' && word[1] && word[1] != '-' && !is_option(word) &&
	       want_features(count, words);
}

static int next_option(int argc, char **argv)
{
	int at = optind ? optind : 1;

	if (at < argc && is_joined(argv[at]))
		return getopt_long(argc, argv, short_options, long_options, NULL);
	return getopt_long_only(argc, argv, short_options, long_options, NULL);
}

/* Options may stand anywhere; the other words move to the front, *words of them */
static int options(struct vdpa *vdpa, bool *show_version, int argc, char **argv,
		   int *words)
{
	int opt, ret;

	opterr = 0;
	*words = 0;
	for (;;) {
		while (optind > 1 && optind < argc &&
		       is_word(argv[optind], *words, argv))
			argv[(*words)++] = argv[optind++];
		opt = next_option(argc, argv);
		if (opt == -1)
			break;
		if (opt == 1) {
			argv[(*words)++] = optarg;
			continue;
		}
		ret = option(vdpa, show_version, opt, argv);
		if (ret)
			return ret;
	}
	while (optind < argc)
		argv[(*words)++] = argv[optind++];
	return EXIT_OK;
}

static int run(struct vdpa *vdpa, int argc, char **argv)
{
	if (!vdpa->commands || vdpa->help)
		return cmd_run(vdpa, &root, argc, argv);
	if (argc)
		return usage_error(vdpa, argv[0], "commands are in the file");
	return batch_file(vdpa, &root, vdpa->commands);
}

/* Else the netlink socket could become stdout. What is written shall fail. */
static void keep_std_fds(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	struct vdpa vdpa = {
		.path = { &root },
		.depth = 1,
	};
	bool show_version = false;
	int ret, end, words;

	keep_std_fds();
	/* a line at a time, so that those of several programs do not mix */
	setvbuf(stderr, NULL, _IOLBF, 0);
	ret = options(&vdpa, &show_version, argc, argv, &words);
	if (ret == EXIT_OK && show_version)
		ret = version(&vdpa.out);
	else if (ret == EXIT_OK)
		ret = run(&vdpa, words, argv);

	genl_close(&vdpa);
	end = out_close(&vdpa.out);
	return ret ? ret : end;
}
