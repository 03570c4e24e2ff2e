/*
 * credential.h - what a source shows at the door: read from a file or a variable at each request,
 * or printed by a command that runs beside the loop and is asked again when what it printed is old
 * or was refused.
 */
#ifndef BACKENDS_CREDENTIAL_H
#define BACKENDS_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

struct credential;
struct error;
struct loop;
struct secret;
struct source_secret;

#define CREDENTIAL_KEPT_MS (5 * 60 * 1000) /* what a command printed is used for so long */
#define CREDENTIAL_AGAIN_MS 10000          /* a command that failed or was refused rests */
#define CREDENTIAL_COMMAND_MS 10000        /* the most a command may take */

enum credential_state { CREDENTIAL_READY, CREDENTIAL_COMING, CREDENTIAL_FAILED };

/* The command has ended, well or not: ask again. From the loop. */
typedef void credential_ready_fn(void *context);

/* `source` must outlive it. NULL without memory. */
struct credential *credential_create(struct loop *loop, const struct source_secret *source,
	credential_ready_fn *ready, void *context);
void credential_destroy(struct credential *credential); /* NULL is allowed */

/*
 * READY: it is in `out` ("" where the source has none). COMING: a command runs, and `ready` will be
 * called. FAILED: `error` says why.
 */
enum credential_state credential_read(
	struct credential *credential, struct secret *out, struct error *error);

/* It was shown and refused: have the command make another, but not at once. */
void credential_refused(struct credential *credential);

#endif
