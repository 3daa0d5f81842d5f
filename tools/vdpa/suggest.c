// SPDX-License-Identifier: GPL-2.0
/*
 * Which of the words that could stand there was probably meant.
 */

#include <ctype.h>
#include <string.h>

#include "vdpa.h"

/* Longer words are not looked at: nobody mistypes so much */
#define WORD_MAX	64

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many characters to insert, delete, replace or swap with their neighbour */
static unsigned int distance(const char *a, const char *b)
{
	unsigned char rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1];
	size_t i, j, len_a = strlen(a), len_b = strlen(b);
	unsigned char *row = rows[2], *spare;

	if (len_a > WORD_MAX || len_b > WORD_MAX)
		return UINT32_MAX;
	for (j = 0; j <= len_b; j++)
		last[j] = j;
	for (i = 1; i <= len_a; i++) {
		row[0] = i;
		for (j = 1; j <= len_b; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1,
				      last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				row[j] = min3(row[j], before[j - 2] + 1, row[j]);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[len_b];
}

void suggest_init(struct suggestion *near, const char *word)
{
	near->word = word;
	near->begins = NULL;
	near->begin = 0;
	near->resembles = NULL;
	/* in a word of one letter nothing is left if it is wrong */
	near->distance = (strlen(word) + 1) / 3 + 1;
}

void suggest_from(struct suggestion *near, const char *name)
{
	unsigned int far;

	if (*near->word && strncasecmp(name, near->word, strlen(near->word)) == 0) {
		near->begins = name;
		near->begin++;
	}
	far = distance(near->word, name);
	/* as "delete" for "del" */
	if (strlen(name) >= 3 && strncasecmp(name, near->word, strlen(name)) == 0)
		far = 0;
	if (far < near->distance) {
		near->distance = far;
		near->resembles = name;
	}
}

const char *suggest_word(const struct suggestion *near)
{
	/* what it may be the beginning of; if there are several, who knows */
	if (near->begin)
		return near->begin == 1 ? near->begins : NULL;
	return near->resembles;
}
