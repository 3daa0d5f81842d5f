// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1 of the test guest.
 *
 * It mounts the kernel's file systems, loads the modules it was told to, runs
 * the command, and relays the command's output and the kernel log to the host,
 * each over a virtio port, or raw serial line, of its own. When all is told it says on a further
 * port how the command ended and how much was relayed: the host takes nothing
 * but that for the verdict, and waits until it has seen every byte.
 *
 * Its orders are files of the initramfs: ORDERS_DIR/{serial,modules,command,data,
 * shell}.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define ORDERS_DIR	"/etc/vm/"
#define PORTS_DIR	"/sys/class/virtio-ports"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

/* How long the ports may take to appear, and the killed to die. */
#define PORT_WAIT_MS	30000
#define KILL_WAIT_MS	10000

/* What the command writes comes first. */
enum channel_id { CH_STDOUT, CH_STDERR, CH_DATA, CH_KMSG, CH_VERDICT, CH_MAX };

#define JOB_PIPES	(CH_DATA + 1)

struct channel {
	const char *name;
	int fd;
	unsigned long long bytes;
};

static struct channel channels[CH_MAX] = {
	[CH_STDOUT]	= { "stdout",	-1 },
	[CH_STDERR]	= { "stderr",	-1 },
	[CH_DATA]	= { "data",	-1 },
	[CH_KMSG]	= { "kmsg",	-1 },
	[CH_VERDICT]	= { "verdict",	-1 },
};

static const struct {
	const char *type;
	const char *target;
	const char *data;
	bool optional;
} mounts[] = {
	{ "devtmpfs",	"/dev",			NULL },
	{ "proc",	"/proc",		NULL },
	{ "sysfs",	"/sys",			NULL },
	{ "tmpfs",	"/dev/shm",		"mode=1777" },
	{ "devpts",	"/dev/pts",		"ptmxmode=666", true },
	{ "debugfs",	"/sys/kernel/debug",	NULL, true },
	{ "tracefs",	"/sys/kernel/tracing",	NULL, true },
};

static char *const guest_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root", "USER=root", "SHELL=/bin/bash", "TERM=linux",
	NULL
};

static int kmsg_fd = -1;
static int sigchld_fd = -1;

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

static bool channel_write(struct channel *ch, const char *buf, size_t len)
{
	while (len) {
		/* A port takes 32 KiB at a time and blocks while it is full. */
		ssize_t n = write(ch->fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		ch->bytes += n;
		buf += n;
		len -= n;
	}
	return true;
}

__printf(1, 2) static void say_verdict(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	channel_write(&channels[CH_VERDICT], line, n);
}

/* The host ends the machine once it has the verdict and every byte before it. */
static noreturn void rest_in_peace(void)
{
	for (;;)
		pause();
}

static noreturn void give_up(const char *why)
{
	fprintf(stderr, "init: %s: %s\n", why, strerror(errno));
	if (channels[CH_VERDICT].fd < 0)
		reboot(RB_POWER_OFF);
	say_verdict("fail %s: %s", why, strerror(errno));
	rest_in_peace();
}

static void mount_all(void)
{
	size_t i;

	/* The kernel makes its first root directory writable for all. */
	if (chmod("/", 0755))
		give_up("/");
	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0,
			  mounts[i].data) && !mounts[i].optional)
			give_up(mounts[i].target);
	}
	/* devtmpfs does not bring these. */
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") ||
	    symlink("/proc/self/fd/2", "/dev/stderr"))
		give_up("/dev");
}

static char *order(const char *name)
{
	char path[64], *text = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), ORDERS_DIR "%s", name);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	n = getdelim(&text, &size, '\0', f);
	fclose(f);
	if (n < 0)
		return strdup("");
	return text;
}

/* Opens the port that bears @name; its device node is called vportNpM. */
static int port_open(const char *name)
{
	DIR *dir = opendir(PORTS_DIR);
	struct dirent *ent;
	int fd = -1;

	if (!dir)
		return -1;
	while (fd < 0 && (ent = readdir(dir))) {
		char path[512], found[64] = "";
		FILE *f;

		if (ent->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PORTS_DIR "/%s/name", ent->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%63s", found) == 1 && !strcmp(found, name)) {
			snprintf(path, sizeof(path), "/dev/%s", ent->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
		}
		fclose(f);
	}
	closedir(dir);
	return fd;
}

static void open_ports(void)
{
	long long deadline = now_ms() + PORT_WAIT_MS;
	char name[64];
	int i;

	for (i = CH_MAX - 1; i >= 0; i--) {
		snprintf(name, sizeof(name), "vm.%s", channels[i].name);
		while ((channels[i].fd = port_open(name)) < 0) {
			if (now_ms() > deadline)
				give_up("a virtio port is missing");
			sleep_ms(2);
		}
	}
}

/* A serial line that passes on each byte as it is. */
static int serial_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios raw;

	if (fd < 0 || tcgetattr(fd, &raw))
		return -1;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) ? -1 : fd;
}

/* @order has a line "NAME DEVICE" for each channel. */
static void open_serial(const char *order)
{
	char name[16], path[64];
	int i, len;

	for (; sscanf(order, "%15s %63s%n", name, path, &len) == 2; order += len)
		for (i = 0; i < CH_MAX; i++)
			if (!strcmp(channels[i].name, name))
				channels[i].fd = serial_open(path);
	for (i = CH_MAX - 1; i >= 0; i--)
		if (channels[i].fd < 0)
			give_up("a serial line is missing");
}

static void open_channels(void)
{
	char *serial = order("serial");

	if (serial)
		open_serial(serial);
	else
		open_ports();
	free(serial);
}

static void open_events(void)
{
	sigset_t set;

	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg_fd < 0)
		give_up("/dev/kmsg");

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigchld_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (sigchld_fd < 0)
		give_up("signalfd");
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		give_up("lo");
	close(fd);
}

/*
 * One read of /dev/kmsg is one record. A record that was overwritten before it
 * could be read shows on the host as a gap in the sequence numbers.
 */
static void relay_kmsg(void)
{
	char record[8192];

	for (;;) {
		ssize_t n = read(kmsg_fd, record, sizeof(record));

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			return;
		channel_write(&channels[CH_KMSG], record, n);
	}
}

/*
 * Relays some of what is there to read, not all, so that one stream cannot keep
 * the others waiting; false at the end of the stream.
 */
static bool relay_pipe(int fd, struct channel *ch)
{
	static char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n && channel_write(ch, buf, n);
}

struct job {
	pid_t pid;
	bool exited;
	int status;	/* as a shell tells it */
	int pipes[JOB_PIPES];	/* reading ends, -1 at their end */
};

/* @writers: of the pipes; -1 for one it is not given */
static void job_child(char *const argv[], const int *writers, const char *tty)
{
	int out = writers[CH_STDOUT], err = writers[CH_STDERR];
	sigset_t none;
	int in;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	in = open(tty ? tty : "/dev/null", O_RDWR);
	if (in < 0)
		_exit(126);
	if (tty) {
		ioctl(in, TIOCSCTTY, 1);
		out = in;
		err = in;
	}
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (in > 2)
		close(in);
	/* Every other descriptor of ours ends with the exec. */
	if (writers[CH_DATA] >= 0)
		dup2(writers[CH_DATA], 3);
	if (chdir("/root") == 0)
		execvpe(argv[0], argv, guest_env);
	fprintf(stderr, "init: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* @data: it may write data for the host to descriptor 3 */
static void job_start(struct job *job, char *const argv[], const char *tty,
		      bool data)
{
	int writers[JOB_PIPES], ends[2], i;

	*job = (struct job){};
	for (i = 0; i < JOB_PIPES; i++) {
		job->pipes[i] = -1;
		writers[i] = -1;
		if (i == CH_DATA && !data)
			continue;
		if (pipe2(ends, O_CLOEXEC))
			give_up("pipe");
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		job->pipes[i] = ends[0];
		writers[i] = ends[1];
	}

	job->pid = fork();
	if (job->pid < 0)
		give_up("fork");
	if (!job->pid)
		job_child(argv, writers, tty);
	for (i = 0; i < JOB_PIPES; i++)
		if (writers[i] >= 0)
			close(writers[i]);
}

/* Buries the dead, among them orphans; notes how the job's own process ended. */
static void job_reap(struct job *job)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	while (read(sigchld_fd, &si, sizeof(si)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != job->pid)
			continue;
		job->exited = true;
		job->status = WIFEXITED(status) ? WEXITSTATUS(status) :
						  128 + WTERMSIG(status);
	}
}

static void job_relay(struct job *job, int timeout_ms)
{
	struct pollfd fds[] = {
		[CH_STDOUT] = { job->pipes[CH_STDOUT], POLLIN },
		[CH_STDERR] = { job->pipes[CH_STDERR], POLLIN },
		[CH_DATA] = { job->pipes[CH_DATA], POLLIN },
		{ kmsg_fd, POLLIN }, { sigchld_fd, POLLIN },
	};
	int i;

	poll(fds, ARRAY_SIZE(fds), timeout_ms);
	relay_kmsg();
	for (i = 0; i < JOB_PIPES; i++) {
		if (job->pipes[i] < 0 || relay_pipe(job->pipes[i], &channels[i]))
			continue;
		close(job->pipes[i]);
		job->pipes[i] = -1;
	}
	job_reap(job);
}

/*
 * Waits for the job's process, ends all that it left behind and relays their
 * output to its last byte. False if something could not be killed.
 */
static bool job_finish(struct job *job)
{
	long long deadline;
	int i;

	while (!job->exited)
		job_relay(job, -1);

	kill(-1, SIGKILL);
	deadline = now_ms() + KILL_WAIT_MS;
	for (i = 0; i < JOB_PIPES; i++) {
		while (job->pipes[i] >= 0) {
			if (now_ms() > deadline)
				return false;
			job_relay(job, 100);
		}
	}
	while (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD) {
		if (now_ms() > deadline)
			return false;
		sleep_ms(1);
	}
	return true;
}

static void load_modules(void)
{
	static const char load[] = "exec modprobe -a $(cat " ORDERS_DIR "modules)";
	char *argv[] = { "sh", "-c", (char *)load, NULL };
	struct job job;

	if (access(ORDERS_DIR "modules", F_OK))
		return;
	job_start(&job, argv, NULL, false);
	if (job_finish(&job) && !job.status)
		return;
	relay_kmsg();
	say_verdict("fail the modules could not be loaded");
	rest_in_peace();
}

/* @order: "DEVICE ROWS COLUMNS", the console and the terminal the host shows it on */
static void start_shell(struct job *job, const char *order)
{
	char *argv[] = { "bash", "--login", NULL };
	struct winsize ws = {};
	char path[64] = "";
	int fields, tty;

	fields = sscanf(order, "%63s %hu %hu", path, &ws.ws_row, &ws.ws_col);
	tty = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		give_up("the console");
	if (fields == 3)
		ioctl(tty, TIOCSWINSZ, &ws);
	close(tty);
	job_start(job, argv, path, false);
}

static void start_command(struct job *job)
{
	char *argv[] = { "sh", "-c", order("command"), NULL };

	if (!argv[2])
		give_up(ORDERS_DIR "command");
	job_start(job, argv, NULL, !access(ORDERS_DIR "data", F_OK));
}

/* Whether the kernel was booted with an argument */
static bool asked_for(const char *arg)
{
	char line[4096] = "", *word, *rest = line;
	FILE *f = fopen("/proc/cmdline", "re");
	size_t n = f ? fread(line, 1, sizeof(line) - 1, f) : 0;

	if (f)
		fclose(f);
	line[n] = '\0';
	while ((word = strsep(&rest, "\n ")))
		if (!strcmp(word, arg))
			return true;
	return false;
}

/*
 * Only debug kernels have it. Objects count as leaked once they are five
 * seconds old and two scans in a row found no pointer to them.
 */
static void relay_leaks(void)
{
	int fd = open(KMEMLEAK, O_RDWR | O_CLOEXEC);
	char buf[4096];
	ssize_t n;
	int i;

	if (fd < 0 || asked_for("kmemleak=off"))
		return;
	sleep_ms(5500);
	for (i = 0; i < 2; i++)
		if (write(fd, "scan", 4) < 0)
			give_up(KMEMLEAK);
	/* the report's position, which the writes moved, too */
	if (lseek(fd, 0, SEEK_SET))
		give_up(KMEMLEAK);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		channel_write(&channels[CH_KMSG], buf, n);
	close(fd);
}

static unsigned long taint(void)
{
	FILE *f = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long mask = 0;

	if (!f || fscanf(f, "%lu", &mask) != 1)
		give_up("/proc/sys/kernel/tainted");
	fclose(f);
	return mask;
}

int main(void)
{
	char *shell;
	struct job job;

	mount_all();
	sethostname("vm", 2);
	open_channels();
	open_events();
	loopback_up();
	say_verdict("up");
	load_modules();

	shell = order("shell");
	say_verdict("start");
	if (shell)
		start_shell(&job, shell);
	else
		start_command(&job);

	if (!job_finish(&job)) {
		relay_kmsg();
		say_verdict("fail a process that the command left behind cannot be killed");
		rest_in_peace();
	}
	sync();
	relay_leaks();
	relay_kmsg();
	say_verdict("exit %d tainted %lu stdout %llu stderr %llu data %llu kmsg %llu",
		    job.status, taint(), channels[CH_STDOUT].bytes,
		    channels[CH_STDERR].bytes, channels[CH_DATA].bytes,
		    channels[CH_KMSG].bytes);
	rest_in_peace();
}
