/*
 * loopback.h - sockets on free ports of 127.0.0.1, for tests that play the server.
 */
#ifndef TESTS_UNIT_WIRE_LOOPBACK_H
#define TESTS_UNIT_WIRE_LOOPBACK_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK_BACKLOG 16

static inline struct sockaddr_in loopback_address(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

/* A socket that is bound and does not listen, so that its port refuses; *port gets it. */
static inline int loopback_bind(int *port)
{
	struct sockaddr_in address = loopback_address(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static inline int loopback_listen(int *port)
{
	int fd = loopback_bind(port);
	ck_assert_int_eq(listen(fd, LOOPBACK_BACKLOG), 0);
	return fd;
}

/* A port that nobody listens on. */
static inline int loopback_free_port(void)
{
	int port = 0;
	close(loopback_bind(&port));
	return port;
}

#endif
