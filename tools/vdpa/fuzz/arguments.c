// SPDX-License-Identifier: GPL-2.0
/*
 * Any command line. Behind the head of the input: how many words, the words,
 * each ended by a NUL; then what the kernel answers, if not what it should.
 */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define WORDS_MAX	31

/* Each in memory of its own, so that reading beyond is noticed */
static char *word(struct input *in)
{
	size_t len = strnlen((const char *)in->data, in->left);
	char *copy = malloc(len + 1);

	if (!copy)
		abort();
	memcpy(copy, in->data, len);
	copy[len] = '\0';
	input_bytes(in, len < in->left ? len + 1 : len);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	char *argv[WORDS_MAX + 2], *words[WORDS_MAX + 1];
	const uint8_t *head = input_bytes(&in, 3);
	int i, argc;

	if (!head)
		return 0;
	argc = 1 + input_byte(&in) % (WORDS_MAX + 1);
	words[0] = strdup("vdpa");
	for (i = 1; i < argc; i++)
		words[i] = word(&in);
	/* getopt() moves them about */
	memcpy(argv, words, argc * sizeof(*argv));
	argv[argc] = NULL;
	tool_run(head, in, argc, argv);
	for (i = 0; i < argc; i++)
		free(words[i]);
	return 0;
}
