/*
 * box.h - the folder in which the box keeps what its visitors need, and takes it away again.
 *
 *     fleet.yaml             for the console: every figure straight from the box
 *     fleet-prometheus.yaml  the same through a Prometheus
 *     prometheus.yml         for that Prometheus
 *     token                  for the control endpoint
 *     id_ed25519             key of user `ops`, without a passphrase
 *     known_hosts            the host key of the box
 *
 * The folder is private (0700), its files 0600. What others put there, such as a journal, is never
 * removed.
 */
#ifndef BACKENDS_SIM_BOX_H
#define BACKENDS_SIM_BOX_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define BOX_PATH_BYTES 512
#define BOX_FILES_MOST 8

struct box {
	char dir[BOX_PATH_BYTES];
	bool made; /* the folder is ours to remove */
	const char *files[BOX_FILES_MOST];
	size_t file_count;
};

/*
 * `dir` NULL: a fresh folder under $XDG_RUNTIME_DIR or /tmp. Otherwise that folder, made when
 * missing; it must belong to us and be closed to others. Errors: ERROR_IO, ERROR_LIMIT,
 * ERROR_UNTRUSTED.
 */
bool box_open(struct box *box, const char *dir, struct error *error);

/* Remove the files that were written, and the folder when it was made here and is empty now. */
void box_close(struct box *box);

/* The path of a file of the box. False (ERROR_LIMIT) when it is too long. */
bool box_path(
	const struct box *box, const char *name, char out[BOX_PATH_BYTES], struct error *error);

/* Note that the box has this file, so that box_close() removes it. `name` must be a literal. */
bool box_own(struct box *box, const char *name, struct error *error);

/* Write a file, replacing what is there; `name` must be a literal. Errors: ERROR_IO, ERROR_LIMIT.
 */
bool box_write(struct box *box, const char *name, const char *content, struct error *error);

#endif
