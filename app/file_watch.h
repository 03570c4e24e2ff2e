/*
 * file_watch.h - has a file changed since it was last taken up?
 *
 * Editors replace files, write them in pieces, or take them away for a moment; so a change is
 * reported only once it has held still for a whole look, and a file that is not there has not
 * changed. Looking is one stat() on the path: a link is followed, as ConfigMaps and /etc need.
 */
#ifndef APP_FILE_WATCH_H
#define APP_FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct file_stamp {
	bool present;
	uint64_t device, inode;
	int64_t size_bytes, changed_ns;
};

struct file_watch {
	const char *path; /* the caller's */
	struct file_stamp taken, seen;
};

/* Begin: what is there now counts as taken up. `path` must outlive the watch. */
void file_watch_init(struct file_watch *watch, const char *path);

/* One look, to be taken about once a second. True once for each change, from then on taken up. */
bool file_watch_changed(struct file_watch *watch);

#endif
