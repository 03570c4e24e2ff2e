#include "backends/sim/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

static bool dir_is_private(const char *dir, struct error *error)
{
	struct stat status;
	if (lstat(dir, &status) != 0)
		return error_errno(error, "cannot look at '%s'", dir);
	if (!S_ISDIR(status.st_mode))
		return error_set(error, ERROR_UNTRUSTED, "'%s' is not a folder", dir);
	if (status.st_uid != geteuid())
		return error_set(error, ERROR_UNTRUSTED, "'%s' belongs to somebody else", dir);
	if ((status.st_mode & 0077) != 0)
		return error_set(error, ERROR_UNTRUSTED,
			"'%s' is open to others: keys need a folder of mode 0700", dir);
	return true;
}

static bool make_fresh(struct box *box, struct error *error)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	struct stat status;
	if (!base || base[0] != '/' || stat(base, &status) != 0 || !S_ISDIR(status.st_mode))
		base = "/tmp";
	int length = snprintf(box->dir, sizeof box->dir, "%s/spillway-sim-XXXXXX", base);
	if (length < 0 || (size_t)length >= sizeof box->dir)
		return error_set(error, ERROR_LIMIT, "the path of the runtime folder is too long");
	if (!mkdtemp(box->dir))
		return error_errno(error, "cannot make a folder under '%s'", base);
	box->made = true;
	return true;
}

bool box_open(struct box *box, const char *dir, struct error *error)
{
	struct box fresh = {0};
	if (!dir) {
		if (!make_fresh(&fresh, error))
			return false;
		*box = fresh;
		return true;
	}
	int length = snprintf(fresh.dir, sizeof fresh.dir, "%s", dir);
	if (length < 1 || (size_t)length >= sizeof fresh.dir)
		return error_set(error, ERROR_LIMIT, "the path of the folder is empty or too long");
	if (mkdir(dir, 0700) == 0)
		fresh.made = true;
	else if (errno != EEXIST)
		return error_errno(error, "cannot make '%s'", dir);
	if (!dir_is_private(dir, error))
		return false;
	*box = fresh;
	return true;
}

void box_close(struct box *box)
{
	char path[BOX_PATH_BYTES];
	for (size_t i = 0; i < box->file_count; i++)
		if (box_path(box, box->files[i], path, NULL))
			unlink(path);
	if (box->made)
		rmdir(box->dir);
	*box = (struct box){0};
}

bool box_path(
	const struct box *box, const char *name, char out[BOX_PATH_BYTES], struct error *error)
{
	char path[BOX_PATH_BYTES];
	int length = snprintf(path, sizeof path, "%s/%s", box->dir, name);
	if (length < 0 || (size_t)length >= sizeof path)
		return error_set(error, ERROR_LIMIT, "the path of '%s' is too long", name);
	memcpy(out, path, sizeof path);
	return true;
}

bool box_own(struct box *box, const char *name, struct error *error)
{
	if (box->file_count == BOX_FILES_MOST)
		return error_set(
			error, ERROR_LIMIT, "more than %d files in the box", BOX_FILES_MOST);
	box->files[box->file_count++] = name;
	return true;
}

bool box_write(struct box *box, const char *name, const char *content, struct error *error)
{
	char path[BOX_PATH_BYTES];
	if (!box_path(box, name, path, error) || !box_own(box, name, error))
		return false;
	if (unlink(path) != 0 && errno != ENOENT)
		return error_errno(error, "cannot replace '%s'", path);
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return error_errno(error, "cannot create '%s'", path);
	size_t left = strlen(content);
	while (left > 0) {
		ssize_t written = write(file, content, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			error_errno(error, "cannot write '%s'", path);
			close(file);
			return false;
		}
		content += written;
		left -= (size_t)written;
	}
	if (close(file) != 0)
		return error_errno(error, "cannot write '%s'", path);
	return true;
}
