#include "ui/terminal_guard.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define STACK_BYTES 65536

static const int guarded[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT};
#define GUARDED_COUNT (sizeof guarded / sizeof *guarded)

/* A signal handler is given nothing but its number: what it needs must lie here. */
static struct {
	volatile sig_atomic_t set;
	int fd;
	struct termios modes;
	char reset[TERMINAL_GUARD_BYTES];
	size_t reset_length;
	struct sigaction before[GUARDED_COUNT];
	unsigned char stack[STACK_BYTES];
} guard;

static void restore(int number)
{
	if (guard.set) {
		guard.set = 0;
		ssize_t written = write(guard.fd, guard.reset, guard.reset_length);
		(void)written; /* a terminal that is gone needs no reset */
		tcsetattr(guard.fd, TCSANOW, &guard.modes);
	}
	for (size_t i = 0; i < GUARDED_COUNT; i++) {
		if (guarded[i] == number)
			sigaction(number, &guard.before[i], NULL);
	}
	raise(number);
}

void terminal_guard_set(int fd, const struct termios *modes, const char *reset)
{
	guard.fd = fd;
	guard.modes = *modes;
	guard.reset_length = strnlen(reset, sizeof guard.reset);
	memcpy(guard.reset, reset, guard.reset_length);
	bool was_set = guard.set;
	guard.set = 1;
	if (was_set)
		return;
	/* Its own stack, or a stack that overflowed could not be reported. */
	stack_t stack = {.ss_sp = guard.stack, .ss_size = sizeof guard.stack};
	int flags = sigaltstack(&stack, NULL) == 0 ? SA_ONSTACK : 0;
	struct sigaction action = {.sa_handler = restore, .sa_flags = flags};
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < GUARDED_COUNT; i++)
		sigaction(guarded[i], &action, &guard.before[i]);
}

void terminal_guard_clear(void)
{
	if (!guard.set)
		return;
	guard.set = 0;
	for (size_t i = 0; i < GUARDED_COUNT; i++)
		sigaction(guarded[i], &guard.before[i], NULL);
	stack_t none = {.ss_flags = SS_DISABLE};
	sigaltstack(&none, NULL);
}
