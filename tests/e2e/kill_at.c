/*
 * kill_at.c - preloaded into the program under test: ends it with SIGKILL at one exact step.
 *
 * KILL_AT is sync-before:N, sync-after:N (the Nth record put on disk), write-half:N (in the middle
 * of writing it), send-before:1 or send-after:1 (the bytes that hold KILL_WORD leave for a socket).
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static int is_at(const char *step, int number)
{
	const char *at = getenv("KILL_AT");
	size_t length = strlen(step);
	return at && strncmp(at, step, length) == 0 && at[length] == ':' &&
	       strtol(at + length + 1, NULL, 10) == number;
}

static void die_at(const char *step, int number)
{
	if (is_at(step, number))
		kill(getpid(), SIGKILL);
}

static int holds_word(const void *bytes, size_t length)
{
	const char *word = getenv("KILL_WORD");
	return word && memmem(bytes, length, word, strlen(word)) != NULL;
}

int fdatasync(int fd)
{
	static int count;
	static int (*real)(int);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	count++;
	die_at("sync-before", count);
	int result = real(fd);
	die_at("sync-after", count);
	return result;
}

static ssize_t pass_on(
	ssize_t (*real)(int, const void *, size_t), int fd, const void *bytes, size_t length)
{
	if (!holds_word(bytes, length))
		return real(fd, bytes, length);
	die_at("send-before", 1);
	ssize_t result = real(fd, bytes, length);
	die_at("send-after", 1);
	return result;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	static int count;
	static ssize_t (*real)(int, const void *, size_t);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (!memmem(bytes, length, "{\"seq\":", 7))
		return pass_on(real, fd, bytes, length);
	if (is_at("write-half", ++count)) {
		if (real(fd, bytes, length / 2) >= 0)
			kill(getpid(), SIGKILL);
	}
	return real(fd, bytes, length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "send");
	if (holds_word(bytes, length))
		die_at("send-before", 1);
	ssize_t result = real(fd, bytes, length, flags);
	if (holds_word(bytes, length))
		die_at("send-after", 1);
	return result;
}
