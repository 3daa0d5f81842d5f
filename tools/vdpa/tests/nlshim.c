// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into the vdpa tool by the tests: turns its netlink sockets into
 * unix sockets whose other end is the scripted kernel of fakekernel.py. The
 * tool itself is the very binary that gets installed.
 *
 * Every packet on the unix socket starts with a byte that says what it is:
 *   tool -> kernel   'N' netlink message, 'O' SOL_NETLINK option (two ints)
 *   kernel -> tool   'N' netlink datagram, 'E' errno (an int) for recvmsg()
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define SHIM_PORTID	4711
#define SHIM_MAX_FD	64

static bool shim_fd[SHIM_MAX_FD];

static bool is_shim(int fd)
{
	return fd >= 0 && fd < SHIM_MAX_FD && shim_fd[fd];
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int socket(int domain, int type, int protocol)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("VDPA_TEST_SOCKET");
	int fd;

	if (domain != AF_NETLINK || !path)
		return REAL(socket)(domain, type, protocol);

	fd = REAL(socket)(AF_UNIX, SOCK_SEQPACKET | (type & SOCK_CLOEXEC), 0);
	if (fd < 0)
		return fd;
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (fd >= SHIM_MAX_FD ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		errno = EPROTONOSUPPORT;
		return -1;
	}
	shim_fd[fd] = true;
	return fd;
}

/* Network namespaces are files in a directory of the test's */
static const char *moved(const char *path, char other[static 4096])
{
	static const char netns_dir[] = "/var/run/netns";
	const char *dir = getenv("VDPA_TEST_NETNS");
	size_t len = strlen(netns_dir);

	if (!dir || strncmp(path, netns_dir, len) || (path[len] && path[len] != '/'))
		return path;
	snprintf(other, 4096, "%s%s", dir, path + len);
	return other;
}

int open(const char *path, int flags, ...)
{
	char other[4096];
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	return REAL(open)(moved(path, other), flags, mode);
}

DIR *opendir(const char *path)
{
	char other[4096];

	return REAL(opendir)(moved(path, other));
}

/* ... and to enter one is to say so in the file */
int setns(int fd, int type)
{
	char path[64];
	int log;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	log = REAL(open)(path, O_WRONLY | O_APPEND);
	if (type != CLONE_NEWNET || log < 0 || write(log, "entered\n", 8) != 8) {
		errno = EINVAL;
		return -1;
	}
	return REAL(close)(log);
}

/* Whether the vdpa module is loaded, whatever the machine has */
int access(const char *path, int mode)
{
	if (!strcmp(path, "/sys/module/vdpa") && getenv("VDPA_TEST_SOCKET")) {
		errno = ENOENT;
		return getenv("VDPA_TEST_MODULE") ? 0 : -1;
	}
	return REAL(access)(path, mode);
}

int close(int fd)
{
	if (is_shim(fd))
		shim_fd[fd] = false;
	return REAL(close)(fd);
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return is_shim(fd) ? 0 : REAL(bind)(fd, addr, len);
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = SHIM_PORTID };

	if (!is_shim(fd))
		return REAL(getsockname)(fd, addr, len);
	memcpy(addr, &nl, *len < sizeof(nl) ? *len : sizeof(nl));
	*len = sizeof(nl);
	return 0;
}

int setsockopt(int fd, int level, int opt, const void *val, socklen_t len)
{
	unsigned char pkt[1 + 2 * sizeof(int)] = "O";

	if (!is_shim(fd))
		return REAL(setsockopt)(fd, level, opt, val, len);
	if (level != SOL_NETLINK || len != sizeof(int))
		return 0;
	memcpy(pkt + 1, &opt, sizeof(int));
	memcpy(pkt + 1 + sizeof(int), val, sizeof(int));
	return send(fd, pkt, sizeof(pkt), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct iovec iov[8] = { { .iov_base = "N", .iov_len = 1 } };
	struct msghdr copy = { .msg_iov = iov, .msg_iovlen = msg->msg_iovlen + 1 };
	ssize_t len;

	if (!is_shim(fd))
		return REAL(sendmsg)(fd, msg, flags);
	if (copy.msg_iovlen > 8) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	len = REAL(sendmsg)(fd, &copy, flags | MSG_NOSIGNAL);
	return len < 0 ? len : len - 1;
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags,
	       const struct sockaddr *addr, socklen_t addrlen)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (!is_shim(fd))
		return REAL(sendto)(fd, buf, len, flags, addr, addrlen);
	return sendmsg(fd, &msg, flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	char kind = 0;
	struct iovec iov[8] = { { .iov_base = &kind, .iov_len = 1 } };
	struct msghdr copy = { .msg_iov = iov, .msg_iovlen = msg->msg_iovlen + 1 };
	ssize_t len;

	if (!is_shim(fd))
		return REAL(recvmsg)(fd, msg, flags);
	if (copy.msg_iovlen > 8) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	len = REAL(recvmsg)(fd, &copy, flags);
	if (len < 0)
		return len;
	if (flags & MSG_PEEK)
		return len ? len - 1 : 0;
	if (!len) {		/* the scripted kernel went away */
		errno = ECONNRESET;
		return -1;
	}
	if (kind == 'E') {
		memcpy(&errno, iov[1].iov_base, sizeof(int));
		return -1;
	}
	if (msg->msg_name && msg->msg_namelen >= sizeof(nl))
		memcpy(msg->msg_name, &nl, sizeof(nl));
	msg->msg_namelen = sizeof(nl);
	msg->msg_controllen = 0;
	msg->msg_flags = copy.msg_flags & MSG_TRUNC;
	return len - 1;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return is_shim(fd) ? recvmsg(fd, &msg, flags) : REAL(recv)(fd, buf, len, flags);
}
