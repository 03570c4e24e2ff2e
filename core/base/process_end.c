#include "core/base/process_end.h"

#include <errno.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/loop.h"

/* False while it runs; else the end was told, and `end` may be gone. */
static bool tell_end(struct process_end *end)
{
	int status = 0;
	pid_t got;
	do
		got = waitpid(end->pid, &status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return false;
	process_end_fn *ended = end->ended;
	void *context = end->context;
	process_end_forget(end);
	ended(context, status);
	return true;
}

static void on_pid_fd(void *context, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	tell_end(context);
}

static bool look_later(struct process_end *end);

static void on_look(void *context)
{
	struct process_end *end = context;
	end->timer = 0;
	/* Without memory for another look nobody would hear of the end: then it is told when the
	 * caller's own deadline stops it. */
	if (!tell_end(end))
		look_later(end);
}

static bool look_later(struct process_end *end)
{
	end->timer = loop_timer_start(end->loop, PROCESS_END_LOOK_MS, on_look, end);
	return end->timer != 0;
}

bool process_end_await(struct process_end *end, struct loop *loop, pid_t pid, process_end_fn *ended,
	void *context, struct error *error)
{
	*end = (struct process_end){
		.loop = loop,
		.ended = ended,
		.context = context,
		.pid = pid,
		.pid_fd = pidfd_open(pid, 0),
	};
	bool is_missing = end->pid_fd < 0 && (errno == ENOSYS || errno == EPERM);
	bool ok = false;
	if (end->pid_fd >= 0)
		ok = loop_watch(loop, end->pid_fd, LOOP_READ, on_pid_fd, end, error);
	else if (is_missing)
		ok = look_later(end) || error_no_memory(error, "a timer");
	else
		error_errno(error, "cannot watch a process");
	if (!ok)
		process_end_forget(end);
	return ok;
}

void process_end_forget(struct process_end *end)
{
	if (!end->loop)
		return;
	if (end->pid_fd >= 0) {
		loop_unwatch(end->loop, end->pid_fd);
		close(end->pid_fd);
	}
	if (end->timer != 0)
		loop_timer_stop(end->loop, end->timer);
	*end = (struct process_end){.pid_fd = -1};
}
