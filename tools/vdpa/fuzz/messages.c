// SPDX-License-Identifier: GPL-2.0
/*
 * Anything from the kernel. Behind the head of the input: which command line,
 * with which options; then the datagrams.
 */

#include <string.h>

#include "fuzz.h"

#define WORDS_MAX	8

/* seeds.py picks from these, too */
static const char *const commands[32][WORDS_MAX] = {
	{ "mgmtdev", "show" },
	{ "mgmtdev", "show", "pci/m" },
	{ "dev", "show" },
	{ "dev", "show", "n0" },
	{ "dev", "add", "m" },
	{ "dev", "add", "name", "n0", "mgmtdev", "pci/m" },
	{ "dev", "del", "n0" },
	{ "monitor" },
	{ "dev", "config", "show" },
	{ "dev", "config", "show", "n0" },
	{ "dev", "vstats", "show", "n0", "qidx", "1" },
	{ "dev", "set", "n0", "mtu", "1500" },
	{ "dev", "stats", "show" },
	{ "dev", "stats", "show", "n0", "qidx", "1" },
	{ "dev", "queue", "show" },
	{ "dev", "queue", "show", "n0" },
	{ "-s", "dev", "show" },
	{ "-s", "dev", "show", "n0" },
	{ "mgmtdev", "resource", "show" },
	{ "mgmtdev", "set", "m", "netns", "n" },
	{ "dev", "features", "show" },
	{ "dev", "features", "set", "n0", "+mac" },
	{ "dev", "add", "m", "device_features", "mac,bit_40" },
	{ "dev", "profile", "show", "n0" },
	{ "mgmtdev", "check", "m", "profile", "file" },
	{ "dev", "add", "m", "profile", "file" },
	{ "save" },
	{ "save", "n0" },
	{ "-fb", "file" },
	/* usage errors, of which messages say nothing */
};

/* By bit */
static const char *const options[4] = { "-j", "-p", "-d", "-t" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const uint8_t *head = input_bytes(&in, 3);
	/* constant, but getopt() only moves the pointers */
	const char *argv[1 + 4 + WORDS_MAX + 1] = { "vdpa" };
	const char *const *words = commands[input_byte(&in) % 32];
	uint8_t choice = input_byte(&in);
	int i, argc = 1;

	if (!head)
		return 0;
	for (i = 0; i < 4; i++)
		if (choice & 1 << i)
			argv[argc++] = options[i];
	for (i = 0; i < WORDS_MAX && words[i]; i++)
		argv[argc++] = words[i];
	tool_run(head, in, argc, (char **)argv);
	return 0;
}
