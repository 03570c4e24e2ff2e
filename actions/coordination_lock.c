#include "actions/coordination_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

#define NAME_BYTES 4096
#define LOOKERS 1000 /* who only looks has it for a moment, and leaves no words */

void coordination_lock_init(struct coordination_lock *lock)
{
	lock->fd = -1;
}

static bool lock_name(const char *directory, const char *fleet, const char *domain,
	char out[NAME_BYTES], struct error *error)
{
	int length = snprintf(out, NAME_BYTES, "%s/spillway-%s-%s.lock", directory, fleet, domain);
	for (char *at = out + strlen(directory) + 1; length < NAME_BYTES && *at; at++) {
		if (*at == '/')
			*at = '.';
	}
	return length < NAME_BYTES || error_set(error, ERROR_LIMIT, "a lock's name is too long");
}

/*
 * One that is there is opened without O_CREAT: the kernel forbids that for another's file in a
 * directory such as /tmp. A new one is made for everybody, or one operator's umask would lock the
 * others out of the lock.
 */
static int open_shared(const char *name)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat status;
	int fd = open(name, flags);
	if (fd < 0 && errno == ENOENT) {
		fd = open(name, flags | O_CREAT | O_EXCL, 0666);
		if (fd >= 0 && fchmod(fd, 0666) != 0) {
			close(fd);
			return -1;
		}
		if (fd < 0 && errno == EEXIST)
			fd = open(name, flags);
	}
	if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

enum coordination_answer coordination_lock_take(struct coordination_lock *lock,
	const char *directory, const char *fleet, const char *domain, const char *value,
	char *holder, size_t holder_size, struct error *error)
{
	char name[NAME_BYTES];
	holder[0] = '\0';
	if (!lock_name(directory, fleet, domain, name, error))
		return COORDINATION_DOWN;
	int fd = open_shared(name);
	if (fd < 0) {
		error_errno(error, "cannot open the lock '%.300s'", name);
		return COORDINATION_DOWN;
	}
	int result = flock(fd, LOCK_EX | LOCK_NB);
	struct stat status = {.st_size = 0};
	for (int i = 0; i < LOOKERS && result != 0 && errno == EWOULDBLOCK; i++) {
		if (fstat(fd, &status) != 0 || status.st_size > 0)
			break;
		sched_yield();
		result = flock(fd, LOCK_EX | LOCK_NB);
	}
	if (result == 0) {
		size_t length = strlen(value);
		/* Who holds it is for people: a full disk must not let two act. */
		if (ftruncate(fd, 0) != 0 || pwrite(fd, value, length, 0) != (ssize_t)length)
			errno = 0;
		lock->fd = fd;
		return COORDINATION_GRANTED;
	}
	int reason = status.st_size > 0 ? EWOULDBLOCK : errno;
	ssize_t got = pread(fd, holder, holder_size - 1, 0);
	holder[got > 0 ? got : 0] = '\0';
	close(fd);
	if (reason == EWOULDBLOCK)
		return COORDINATION_TAKEN;
	errno = reason;
	error_errno(error, "cannot lock '%.300s'", name);
	return COORDINATION_DOWN;
}

void coordination_lock_give(struct coordination_lock *lock)
{
	if (lock->fd < 0)
		return;
	/* The words go with the lock; left behind they would only be out of date. */
	if (ftruncate(lock->fd, 0) != 0)
		errno = 0;
	close(lock->fd);
	lock->fd = -1;
}
