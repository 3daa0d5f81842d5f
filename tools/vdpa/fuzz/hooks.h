/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Forced upon every source of the tool when it is built for the fuzzer: what
 * touches the process that both share, and every allocation, goes to process.c.
 * The headers come first, so that their declarations keep their names.
 */

#ifndef VDPA_FUZZ_HOOKS_H
#define VDPA_FUZZ_HOOKS_H

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int vdpa_main(int argc, char **argv);

extern FILE *fuzz_stdout, *fuzz_stderr;

int fuzz_clock_gettime(clockid_t clock, struct timespec *now);
int fuzz_getopt_long(int argc, char **argv, const char *shorts,
		     const struct option *longs, int *index);
int fuzz_getopt_long_only(int argc, char **argv, const char *shorts,
			  const struct option *longs, int *index);
ssize_t fuzz_write(int fd, const void *data, size_t len);
int fuzz_close(int fd);
int fuzz_fcntl(int fd, int cmd, ...);
int fuzz_open(const char *path, int flags, ...);
DIR *fuzz_opendir(const char *path);
struct dirent *fuzz_readdir(DIR *dir);
int fuzz_closedir(DIR *dir);
ssize_t fuzz_read(int fd, void *data, size_t len);
int fuzz_access(const char *path, int mode);
int fuzz_setns(int fd, int type);
ssize_t fuzz_recv(int fd, void *data, size_t len, int flags);
int fuzz_poll(struct pollfd *fds, nfds_t count, int timeout);
int fuzz_setsockopt(int fd, int level, int opt, const void *value, socklen_t len);
int fuzz_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int fuzz_signalfd(int fd, const sigset_t *mask, int flags);

void *fuzz_malloc(size_t size);
void *fuzz_realloc(void *ptr, size_t size);
char *fuzz_strndup(const char *str, size_t len);
int fuzz_vasprintf(char **str, const char *fmt, va_list ap);
int fuzz_asprintf(char **str, const char *fmt, ...);

#ifdef FUZZ_TOOL
#undef stdout
#undef stderr
#define main		vdpa_main
#define stdout		fuzz_stdout
#define stderr		fuzz_stderr
#define getopt_long	fuzz_getopt_long
#define getopt_long_only fuzz_getopt_long_only
#define clock_gettime	fuzz_clock_gettime
#define write		fuzz_write
#define close		fuzz_close
#define read		fuzz_read
#define fcntl		fuzz_fcntl
#define open		fuzz_open
#define opendir		fuzz_opendir
#define readdir		fuzz_readdir
#define closedir	fuzz_closedir
#define access		fuzz_access
#define setns		fuzz_setns
#define recv		fuzz_recv
#define poll		fuzz_poll
#define setsockopt	fuzz_setsockopt
#define sigprocmask	fuzz_sigprocmask
#define signalfd	fuzz_signalfd
#define malloc		fuzz_malloc
#define realloc		fuzz_realloc
#define strndup		fuzz_strndup
#define vasprintf	fuzz_vasprintf
#define asprintf	fuzz_asprintf
#endif

#endif
