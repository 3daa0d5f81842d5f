// SPDX-License-Identifier: GPL-2.0
/*
 * The process that the tool believes to be in: its output is kept, allocations
 * fail when told to, and nothing it does outlives the run.
 */

#include <errno.h>

#include "fuzz.h"
#include "hooks.h"

#define SIGNAL_FD	901
#define NETNS_FD	902
#define FILE_FD		903

struct process process;
FILE *fuzz_stdout, *fuzz_stderr;

/* Output */

static void keep(struct captured *to, const char *data, size_t len)
{
	if (to->size - to->len < len) {
		to->size = (to->size + len) * 2;
		to->text = realloc(to->text, to->size);
		if (!to->text)
			abort();
	}
	memcpy(to->text + to->len, data, len);
	to->len += len;
}

static ssize_t write_out(const char *data, size_t len)
{
	if (!process.room && len) {
		process.out_failed = true;
		errno = ENOSPC;
		return -1;
	}
	if (len > process.room)
		len = process.room;
	process.room -= len;
	keep(&process.out, data, len);
	return len;
}

/* For stdio, whose cookies report an error by 0 */
static ssize_t cookie_out(void *cookie, const char *data, size_t len)
{
	ssize_t done = write_out(data, len);

	(void)cookie;
	return done < 0 ? 0 : done;
}

static ssize_t cookie_err(void *cookie, const char *data, size_t len)
{
	(void)cookie;
	keep(&process.err, data, len);
	return len;
}

static FILE *stream(cookie_write_function_t *function)
{
	cookie_io_functions_t functions = { .write = function };
	FILE *fp = fopencookie(NULL, "w", functions);

	if (!fp)
		abort();
	return fp;
}

void process_begin(uint8_t nature, uint8_t room, uint8_t fail_at)
{
	process.nature = nature;
	process.room = room ? room * 16 : SIZE_MAX;
	process.fail_at = fail_at;
	process.allocations = 0;
	process.json = false;
	process.batch = false;
	process.out_failed = false;
	process.open = 0;
	process.file_begun = false;
	process.out.len = 0;
	process.err.len = 0;
	fuzz_stdout = stream(cookie_out);
	fuzz_stderr = stream(cookie_err);
	/* both start getopt() anew */
	optind = 0;
	optopt = 0;
}

void process_end(void)
{
	process.fail_at = 0;
	if (process.open)
		fail("a file was left open");
	fclose(fuzz_stdout);
	fclose(fuzz_stderr);
	/* a NUL behind, for whoever looks at it as a string */
	keep(&process.out, "", 1);
	process.out.len--;
	keep(&process.err, "", 1);
	process.err.len--;
}

void fail(const char *what)
{
	fprintf(stderr, "FAILED: %s\n--- stdout\n%.*s\n--- stderr\n%.*s\n---\n", what,
		(int)process.out.len, process.out.text, (int)process.err.len,
		process.err.text);
	abort();
}

/* Files */

ssize_t fuzz_write(int fd, const void *data, size_t len)
{
	if (fd != STDOUT_FILENO)
		fail("wrote to a file other than stdout");
	return write_out(data, len);
}

int fuzz_close(int fd)
{
	if ((fd == NETNS_FD || fd == FILE_FD) && process.open)
		process.open--;
	else if (fd != STDOUT_FILENO && fd != SIGNAL_FD)
		fail("closed a file that it has not opened");
	return 0;
}

int fuzz_fcntl(int fd, int cmd, ...)
{
	(void)fd;
	(void)cmd;
	return 0;
}

/* Of files and network namespaces there are all whose names have no x */
int fuzz_open(const char *path, int flags, ...)
{
	if (!(flags & O_CLOEXEC))
		fail("opened a file, with the three it needs open");
	if (strchr(path, 'x')) {
		errno = ENOENT;
		return -1;
	}
	process.open++;
	process.file_begun = false;
	return strncmp(path, "/var/run/netns/", 15) && !strstr(path, "/ns/") ?
	       FILE_FD : NETNS_FD;
}

/* A directory has these, however often it is opened */
static struct dirent entries[] = {
	{ .d_name = "." }, { .d_name = ".." }, { .d_name = "blue" },
	{ .d_name = "xyz" }, { .d_name = "amber" }, { .d_name = "" },
};

DIR *fuzz_opendir(const char *path)
{
	(void)path;
	process.open++;
	process.entry = entries;
	return (DIR *)entries;
}

struct dirent *fuzz_readdir(DIR *dir)
{
	(void)dir;
	return process.entry->d_name[0] ? process.entry++ : NULL;
}

int fuzz_closedir(DIR *dir)
{
	(void)dir;
	process.open--;
	return 0;
}

/* A file holds what the next record does, and is read in pieces */
ssize_t fuzz_read(int fd, void *data, size_t len)
{
	/* there is nothing to read in a namespace */
	if (fd == NETNS_FD) {
		errno = EINVAL;
		return -1;
	}
	if (fd != FILE_FD && fd != STDIN_FILENO)
		fail("read from something that is no file");
	if (!process.file_begun)
		process.file = kernel_file();
	process.file_begun = true;
	if (len > 100)
		len = 100;
	if (len > process.file.left)
		len = process.file.left;
	memcpy(data, input_bytes(&process.file, len), len);
	return len;
}

int fuzz_setns(int fd, int type)
{
	if (type != CLONE_NEWNET)
		fail("entered a namespace other than one of networks");
	if (fd == NETNS_FD)
		return 0;
	errno = EINVAL;
	return -1;
}

int fuzz_access(const char *path, int mode)
{
	(void)path;
	(void)mode;
	errno = ENOENT;
	return process.nature & KERNEL_MODULE ? 0 : -1;
}

/* Waiting: what the kernel has comes before the signal that ends a monitor */

int fuzz_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	bool pending = kernel_pending();
	nfds_t i;

	(void)timeout;
	for (i = 0; i < count; i++) {
		fds[i].revents = 0;
		if (fds[i].fd == KERNEL_FD && pending)
			fds[i].revents = POLLIN;
		if (fds[i].fd == SIGNAL_FD && !pending)
			fds[i].revents = POLLIN;
	}
	return 1;
}

int fuzz_setsockopt(int fd, int level, int opt, const void *value, socklen_t len)
{
	(void)level;
	(void)opt;
	(void)value;
	(void)len;
	if (fd != KERNEL_FD)
		fail("set an option of something other than its socket");
	return 0;
}

/* Those of the fuzzer stay as they are */
int fuzz_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

int fuzz_signalfd(int fd, const sigset_t *mask, int flags)
{
	(void)fd;
	(void)mask;
	(void)flags;
	return SIGNAL_FD;
}

/* Always the same, as all else */
int fuzz_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now->tv_sec = 1700000000;
	now->tv_nsec = 5678000;
	return 0;
}

static int option_taken(int opt)
{
	if (opt == 'j')
		process.json = true;
	if (opt == 'b')
		process.batch = true;
	return opt;
}

int fuzz_getopt_long(int argc, char **argv, const char *shorts,
		     const struct option *longs, int *index)
{
	return option_taken(getopt_long(argc, argv, shorts, longs, index));
}

int fuzz_getopt_long_only(int argc, char **argv, const char *shorts,
			  const struct option *longs, int *index)
{
	return option_taken(getopt_long_only(argc, argv, shorts, longs, index));
}

/* Memory */

static bool out_of_memory(void)
{
	if (++process.allocations != process.fail_at)
		return false;
	errno = ENOMEM;
	return true;
}

void *fuzz_malloc(size_t size)
{
	return out_of_memory() ? NULL : malloc(size);
}

void *fuzz_realloc(void *ptr, size_t size)
{
	if (out_of_memory())
		return NULL;
	/* might be the one; what is received next is marked again */
	kernel_forget_buffer();
	return realloc(ptr, size);
}

char *fuzz_strndup(const char *str, size_t len)
{
	return out_of_memory() ? NULL : strndup(str, len);
}

int fuzz_vasprintf(char **str, const char *fmt, va_list ap)
{
	return out_of_memory() ? -1 : vasprintf(str, fmt, ap);
}

int fuzz_asprintf(char **str, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = fuzz_vasprintf(str, fmt, ap);
	va_end(ap);
	return len;
}
