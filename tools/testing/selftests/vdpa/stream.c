// SPDX-License-Identifier: GPL-2.0
/*
 * stream listen PORT CONNECTIONS - takes what the other one sends, and checks it
 * stream send ADDRESS PORT CONNECTIONS BYTES - sends so much over each of so many
 *
 * All connections are busy at once, so that they spread over the queues of a
 * device. What is sent depends on the port it comes from and on the place in the
 * stream. Exits with 0 if all of it arrived, and nothing else.
 */
#include <arpa/inet.h>
#include <err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX	64
#define CHUNK		65536
#define TIMEOUT		60

/* One connection */
struct stream {
	pthread_t thread;
	int fd;
	uint64_t bytes;
	int failed;
};

static struct stream streams[CONNECTIONS_MAX];

/* A different pattern on each connection: xorshift from the sender's port on */
static void fill(uint64_t *seed, unsigned char *buf, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(*seed)) {
		*seed ^= *seed << 13;
		*seed ^= *seed >> 7;
		*seed ^= *seed << 17;
		memcpy(buf + i, seed, sizeof(*seed));
	}
}

static uint64_t port_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	if (get(fd, (struct sockaddr *)&addr, &len))
		err(1, "port");
	return ntohs(addr.sin_port);
}

static ssize_t read_all(int fd, unsigned char *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, buf + done, len - done);
		if (n < 0)
			return n;
		if (!n)
			break;
		done += n;
	}
	return done;
}

static void *take(void *arg)
{
	struct stream *stream = arg;
	uint64_t seed = port_of(stream->fd, getpeername), begin = seed;
	unsigned char got[CHUNK], want[CHUNK];
	ssize_t n;

	stream->failed = 1;
	do {
		n = read_all(stream->fd, got, CHUNK);
		if (n < 0) {
			warn("connection from port %llu",
			     (unsigned long long)begin);
			return NULL;
		}
		fill(&seed, want, CHUNK);
		if (memcmp(got, want, n)) {
			warnx("something else came from port %llu after %llu bytes",
			      (unsigned long long)begin,
			      (unsigned long long)stream->bytes);
			return NULL;
		}
		stream->bytes += n;
	} while (n == CHUNK);
	stream->failed = 0;
	return NULL;
}

static void *give(void *arg)
{
	struct stream *stream = arg;
	uint64_t seed = port_of(stream->fd, getsockname);
	uint64_t left = stream->bytes;
	unsigned char buf[CHUNK];
	size_t len, done;
	ssize_t n;

	for (; left; left -= len) {
		len = left < CHUNK ? left : CHUNK;
		fill(&seed, buf, CHUNK);
		for (done = 0; done < len; done += n) {
			n = write(stream->fd, buf + done, len - done);
			if (n <= 0) {
				warn("sending");
				stream->failed = 1;
				return NULL;
			}
		}
	}
	return NULL;
}

/* Without an end to each wait, a device that loses packets would hang us. */
static void set_timeout(int fd)
{
	struct timeval limit = { .tv_sec = TIMEOUT };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		err(1, "time limit");
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
	};

	if (host && inet_pton(AF_INET, host, &addr.sin_addr) != 1)
		errx(1, "%s is not an address", host);
	return addr;
}

static void start(int i, int fd, void *(*run)(void *))
{
	streams[i].fd = fd;
	if (pthread_create(&streams[i].thread, NULL, run, &streams[i]))
		errx(1, "cannot make a thread");
}

static int finish(int connections)
{
	uint64_t bytes = 0;
	int failed = 0;

	for (int i = 0; i < connections; i++) {
		pthread_join(streams[i].thread, NULL);
		close(streams[i].fd);
		failed |= streams[i].failed;
		bytes += streams[i].bytes;
	}
	printf("%llu\n", (unsigned long long)bytes);
	return failed;
}

static int do_listen(const char *port, int connections)
{
	struct sockaddr_in addr = address(NULL, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, i;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, connections))
		err(1, "listening");
	set_timeout(fd);
	for (i = 0; i < connections; i++) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			err(1, "waiting for a connection");
		set_timeout(peer);
		start(i, peer, take);
	}
	return finish(connections);
}

static int do_send(const char *host, const char *port, int connections,
		   uint64_t bytes)
{
	struct sockaddr_in addr = address(host, port);
	int i;

	for (i = 0; i < connections; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0)
			err(1, "socket");
		set_timeout(fd);
		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			err(1, "connecting");
		streams[i].bytes = bytes;
		start(i, fd, give);
	}
	return finish(connections);
}

int main(int argc, char **argv)
{
	int connections = argc > 3 ? atoi(argv[argc == 4 ? 3 : 4]) : 0;

	if (connections < 1 || connections > CONNECTIONS_MAX)
		errx(2, "usage: stream listen PORT CONNECTIONS | send ADDRESS PORT CONNECTIONS BYTES");
	if (argc == 4 && !strcmp(argv[1], "listen"))
		return do_listen(argv[2], connections);
	if (argc == 6 && !strcmp(argv[1], "send"))
		return do_send(argv[2], argv[3], connections,
			       strtoull(argv[5], NULL, 0));
	errx(2, "neither listen nor send");
}
