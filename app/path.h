/* path.h - file names: directories of the XDG base directory specification, joining, and where our
 * own shared files are. */
#ifndef APP_PATH_H
#define APP_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define PATH_BYTES 4096

/* $XDG_STATE_HOME/spillway, or ~/.local/state/spillway. False (ERROR_IO) without HOME. Not created.
 */
bool path_state_directory(char *out, size_t size, struct error *error);

/* $XDG_CONFIG_HOME/spillway, or ~/.config/spillway. */
bool path_config_directory(char *out, size_t size, struct error *error);

/* A file of share/ ("scenarios/calm.yaml"): beside the build tree when run from there, else
 * installed. ERROR_IO when it is in neither. */
bool path_shared_file(const char *name, char *out, size_t size, struct error *error);

/* The program of that name beside our own executable, or in PATH (returned as the bare name). */
void path_sibling_program(const char *name, char *out, size_t size);

/* The directory part of an absolute form of `path`. */
bool path_directory_of(const char *path, char *out, size_t size, struct error *error);

#endif
