// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces, given by the names that ip-netns(8) gives them, by the
 * path of a file or by a process.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

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

/* Names by ids, which rtnetlink tells of descriptors */

struct rtnl {
	struct mnl_socket *nl;
	uint32_t seq;
	char reply[512] __attribute__((aligned(8)));
};

static int32_t reply_id(const struct rtnl *rtnl, int len)
{
	const struct nlmsghdr *nlh = (const void *)rtnl->reply;
	const struct nlattr *attr;

	if (!nlmsg_ok(nlh, len) || nlh->nlmsg_seq != rtnl->seq ||
	    nlh->nlmsg_type != RTM_NEWNSID)
		return NETNSA_NSID_NOT_ASSIGNED;
	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg)) {
		if (mnl_attr_get_type(attr) == NETNSA_NSID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			return mnl_attr_get_u32(attr);
	}
	return NETNSA_NSID_NOT_ASSIGNED;
}

static int32_t ask_id(struct rtnl *rtnl, int fd)
{
	_Alignas(8) char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = RTM_GETNSID;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++rtnl->seq;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(nlh, NETNSA_FD, fd);
	if (mnl_socket_sendto(rtnl->nl, nlh, nlh->nlmsg_len) < 0)
		return NETNSA_NSID_NOT_ASSIGNED;
	return reply_id(rtnl, mnl_socket_recvfrom(rtnl->nl, rtnl->reply,
						  sizeof(rtnl->reply)));
}

static bool add_name(struct netns_names *names, const char *name, int32_t id)
{
	struct netns_name *one;

	one = realloc(names->one, (names->count + 1) * sizeof(*one));
	if (!one)
		return false;
	names->one = one;
	one += names->count;
	one->id = id;
	one->name = strndup(name, strlen(name));
	if (one->name)
		names->count++;
	return one->name;
}

static void read_names(struct netns_names *names, struct rtnl *rtnl, DIR *dir)
{
	const struct dirent *entry;
	int32_t id;
	int fd;

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		fd = open_path(NETNS_DIR "/%s", entry->d_name);
		if (fd < 0)
			continue;
		id = ask_id(rtnl, fd);
		close(fd);
		if (id >= 0 && !add_name(names, entry->d_name, id))
			return;
	}
}

/* Where that cannot be done, there are none */
static void load_names(struct netns_names *names)
{
	struct rtnl rtnl = { .seq = 0 };
	DIR *dir = opendir(NETNS_DIR);

	names->loaded = true;
	if (!dir)
		return;
	rtnl.nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (rtnl.nl) {
		if (mnl_socket_bind(rtnl.nl, 0, MNL_SOCKET_AUTOPID) == 0)
			read_names(names, &rtnl, dir);
		mnl_socket_close(rtnl.nl);
	}
	closedir(dir);
}

/* Of several the first by the alphabet, so that it is the same each time */
const char *netns_name(struct netns_names *names, int32_t id)
{
	const char *name = NULL;
	size_t i;

	if (id < 0)
		return NULL;
	if (!names->loaded)
		load_names(names);
	for (i = 0; i < names->count; i++)
		if (names->one[i].id == id &&
		    (!name || strcmp(names->one[i].name, name) < 0))
			name = names->one[i].name;
	return name;
}

void netns_names_free(struct netns_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->one[i].name);
	free(names->one);
}
