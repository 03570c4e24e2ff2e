#include "app/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"

static bool path_format(
	char *out, size_t size, const char *first, const char *second, struct error *error)
{
	int length = snprintf(out, size, "%s%s", first, second);
	if (length < 0 || (size_t)length >= size)
		return error_set(
			error, ERROR_LIMIT, "a file name is longer than %zu bytes", size - 1);
	return true;
}

static bool path_xdg(
	const char *variable, const char *home_part, char *out, size_t size, struct error *error)
{
	const char *base = getenv(variable);
	if (base && base[0] == '/')
		return path_format(out, size, base, "/spillway", error);
	const char *home = getenv("HOME");
	if (!home || home[0] != '/')
		return error_set(error, ERROR_IO, "neither %s nor HOME is set", variable);
	return path_format(out, size, home, home_part, error);
}

bool path_state_directory(char *out, size_t size, struct error *error)
{
	return path_xdg("XDG_STATE_HOME", "/.local/state/spillway", out, size, error);
}

bool path_config_directory(char *out, size_t size, struct error *error)
{
	return path_xdg("XDG_CONFIG_HOME", "/.config/spillway", out, size, error);
}

/* The directory of our executable; "" when the system does not tell. */
static void path_own_directory(char *out, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", out, size - 1);
	if (length <= 0) {
		out[0] = '\0';
		return;
	}
	out[length] = '\0';
	char *slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
}

bool path_shared_file(const char *name, char *out, size_t size, struct error *error)
{
	char own[PATH_BYTES];
	path_own_directory(own, sizeof own);
	/* A build tree is <source>/build/<preset>/app or anywhere else; installed is <prefix>/bin.
	 */
	static const char *const beside[] = {"/../../../share/", "/../share/spillway/"};
	char part[PATH_BYTES];
	for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
		if (path_format(part, sizeof part, beside[i], name, error) &&
			path_format(out, size, own, part, error) && access(out, R_OK) == 0)
			return true;
	}
	const char *override = getenv("SPILLWAY_SHARE");
	const char *const bases[] = {override && override[0] ? override : SPILLWAY_SHARE_DIR};
	for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
		if (path_format(part, sizeof part, "/", name, error) &&
			path_format(out, size, bases[i], part, error) && access(out, R_OK) == 0)
			return true;
	}
	return error_set(error, ERROR_IO,
		"cannot find '%s' beside the program or in '%s': set SPILLWAY_SHARE to the share "
		"directory",
		name, bases[0]);
}

void path_sibling_program(const char *name, char *out, size_t size)
{
	char own[PATH_BYTES];
	path_own_directory(own, sizeof own);
	/* Installed side by side, or in the folders of a build tree. */
	static const char *const beside[] = {"/", "/../backends/", "/../app/"};
	for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
		char part[PATH_BYTES];
		if (path_format(part, sizeof part, beside[i], name, NULL) &&
			path_format(out, size, own, part, NULL) && access(out, X_OK) == 0)
			return;
	}
	(void)path_format(out, size, name, "", NULL);
}

bool path_directory_of(const char *path, char *out, size_t size, struct error *error)
{
	char resolved[PATH_MAX];
	if (!realpath(path, resolved))
		return error_errno(error, "cannot find '%s'", path);
	char *slash = strrchr(resolved, '/');
	if (slash && slash != resolved)
		*slash = '\0';
	else
		resolved[1] = '\0';
	return path_format(out, size, resolved, "", error);
}
