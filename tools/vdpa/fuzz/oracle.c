// SPDX-License-Identifier: GPL-2.0
/*
 * One run of the tool, and what holds after it whatever the input was.
 */

#include <ctype.h>
#include <jansson.h>

#include "fuzz.h"
#include "hooks.h"

enum { STATUS_OK, STATUS_REFUSED, STATUS_USAGE };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	json_set_alloc_funcs(fuzz_malloc, free);
	/* of its hash tables, random otherwise */
	json_object_seed(1);
	if (getenv("VDPA_FUZZ_PLANT_FAULT"))
		kernel_plant_fault();
	return 0;
}

/* Nothing of what the kernel or the user says may reach a terminal */
static void check_characters(const struct captured *text, bool json)
{
	size_t i;

	for (i = 0; i < text->len; i++) {
		unsigned char c = text->text[i];

		if ((c < 0x20 && c != '\n') || (c == 0x7f && !json))
			fail("a control character in the output");
	}
}

/* Returns how many documents stdout is */
static unsigned int check_json(void)
{
	const char *text = process.out.text;
	size_t left = process.out.len;
	unsigned int documents = 0;
	json_error_t error;
	json_t *json;

	while (left) {
		/* no number is too large for it then */
		json = json_loadb(text, left, JSON_DISABLE_EOF_CHECK |
				  JSON_DECODE_INT_AS_REAL, &error);
		if (!json)
			fail(error.text);
		json_decref(json);
		/* jansson stops behind the document */
		text += error.position;
		left -= error.position;
		if (!left || *text != '\n')
			fail("no newline behind a document");
		text++;
		left--;
		documents++;
	}
	return documents;
}

static void check_usage(void)
{
	if (process.out.len)
		fail("bad arguments, but something on stdout");
	if (kernel_requests())
		fail("bad arguments, but the kernel was asked");
	if (!strstr(process.err.text, "Usage: vdpa"))
		fail("bad arguments, but not how it should be");
}

static void check_output(int status, bool events, bool profile)
{
	unsigned int documents;

	check_characters(&process.err, false);
	check_characters(&process.out, process.json || profile);
	if (status < STATUS_OK || status > STATUS_USAGE)
		fail("an exit status there is not");
	if (status != STATUS_OK && !process.err.len)
		fail("failed without saying so");
	if (status == STATUS_USAGE)
		check_usage();
	if (status == STATUS_OK && process.out_failed)
		fail("the output could not be written, and nobody was told");
	if (!process.json || process.out_failed)
		return;
	documents = check_json();
	if (events || process.batch || status != STATUS_OK)
		return;
	/* help goes to stderr then */
	if (documents != (strncmp(process.err.text, "Usage:", 6) ? 1 : 0))
		fail("not one document");
}

void tool_run(const uint8_t head[3], struct input records, int argc, char **argv)
{
	bool events = false, profile = false;
	int i, status;

	for (i = 1; i < argc; i++) {
		events |= strcmp(argv[i], "monitor") == 0;
		/* of a device is JSON in any case */
		profile |= strcmp(argv[i], "profile") == 0;
	}
	kernel_begin(head[0]);
	kernel_records(records);
	process_begin(head[0], head[1], head[2]);
	status = vdpa_main(argc, argv);
	process_end();
	kernel_end();
	check_output(status, events, profile);
}
