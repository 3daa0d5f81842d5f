// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces, given by the names that ip-netns(8) gives them, by the
 * path of a file or by a process.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "vdpa.h"

#define NETNS_DIR	"/var/run/netns"
#define PATH_SIZE	4096

static bool is_process(const char *word)
{
	return *word && !word[strspn(word, "0123456789")];
}

static int open_path(const char *fmt, const char *word)
{
	char path[PATH_SIZE];

	if ((size_t)snprintf(path, sizeof(path), fmt, word) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC);
}

int netns_open(const char *word)
{
	int fd;

	if (strchr(word, '/')) {
		fd = open_path("%s", word);
	} else {
		fd = open_path(NETNS_DIR "/%s", word);
		if (fd < 0 && errno == ENOENT && is_process(word))
			fd = open_path("/proc/%s/ns/net", word);
	}
	if (fd < 0)
		error_word(word, "cannot open this network namespace: %s",
			   strerror(errno));
	return fd;
}

int netns_switch(const char *word)
{
	int fd = netns_open(word), ret = EXIT_OK;

	if (fd < 0)
		return EXIT_REFUSED;
	if (setns(fd, CLONE_NEWNET)) {
		error_word(word, "cannot enter this network namespace: %s",
			   strerror(errno));
		ret = EXIT_REFUSED;
	}
	close(fd);
	return ret;
}
