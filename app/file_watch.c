#include "app/file_watch.h"

#include <sys/stat.h>

#define NS_PER_S INT64_C(1000000000)

static struct file_stamp stamp_of(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return (struct file_stamp){.present = false};
	return (struct file_stamp){
		.present = true,
		.device = (uint64_t)status.st_dev,
		.inode = (uint64_t)status.st_ino,
		.size_bytes = (int64_t)status.st_size,
		.changed_ns =
			(int64_t)status.st_mtim.tv_sec * NS_PER_S + (int64_t)status.st_mtim.tv_nsec,
	};
}

static bool stamp_equals(const struct file_stamp *one, const struct file_stamp *other)
{
	return one->present == other->present && one->device == other->device &&
	       one->inode == other->inode && one->size_bytes == other->size_bytes &&
	       one->changed_ns == other->changed_ns;
}

void file_watch_init(struct file_watch *watch, const char *path)
{
	*watch = (struct file_watch){.path = path, .taken = stamp_of(path)};
	watch->seen = watch->taken;
}

bool file_watch_changed(struct file_watch *watch)
{
	struct file_stamp now = stamp_of(watch->path);
	bool is_still = stamp_equals(&now, &watch->seen);
	watch->seen = now;
	if (!now.present || !is_still || stamp_equals(&now, &watch->taken))
		return false;
	watch->taken = now;
	return true;
}
