/*
 * backend.h - what a kind of source must be able to do: the table of operations.
 *
 * A kind decides; it never acts. It says what to ask (`request`) and what an answer means
 * (`accept`). Carrying bytes, waiting, deadlines, secrets and storing are the poller's. So every
 * kind runs unchanged on live HTTP, on bytes in a test or a fuzzer, and in virtual time, and a
 * wrapper (fault.h) is an ordinary kind that calls another one's slots.
 *
 * One instance serves one source, that is all its targets. After `create` an instance never
 * changes: no slot keeps anything between calls, reads a clock or does I/O. What has to be
 * remembered from poll to poll (the counters behind rates, the time of the poll before) belongs to
 * the poller and comes in as an argument.
 *
 * A poll of one target is `steps` asks, one after the other, never two at once.
 */
#ifndef BACKENDS_BACKEND_H
#define BACKENDS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/http.h"
#include "core/wire/postgres.h"
#include "core/wire/probe.h"
#include "core/wire/ssh.h"

struct arena;
struct error;
struct memo;
struct observations;
struct source_config;
struct sources;
struct text;

#define BACKEND_STEPS_MOST 1024
#define BACKEND_WHOLE_BYTES ((size_t)64 * 1024)
#define BACKEND_SCRATCH_BYTES                                               \
	((size_t)64 * 1024 * 1024) /* the limit of the arena given to slots \
				    */

/* What a kind needs from the fleet file: checked by sources_read() before anything runs. */
enum backend_trait {
	BACKEND_NEEDS_URL = 1 << 0, /* url or targets; without it both are refused */
	BACKEND_HAS_LOGIN = 1 << 1, /* the url may name a user */
};

#define BACKEND_COMMAND_LOST (-1000) /* ended by a signal, or its output was cut */

struct backend_setup {
	const struct source_config *source; /* this source; outlives the instance */
	const struct sources *sources;      /* all of them, for the rows of `signals:` */
	int64_t now_ms;                     /* steady time of creation */
};

/* One question. */
struct backend_ask {
	size_t target;    /* index into the source's targets; 0 for kinds that have none */
	size_t step;      /* 0 .. steps - 1 */
	int64_t since_ms; /* when this target was last asked; 0: never */
	int64_t now_ms;   /* steady time */
	bool past;        /* a window of the past is wanted instead of the present */
	int64_t from_ms, until_ms, every_ms; /* the window and its resolution, when `past` */
};

/* By which road a request travels. */
enum backend_road {
	ROAD_HTTP,     /* `http`; a NULL url means that there is nothing to fetch */
	ROAD_POSTGRES, /* `postgres`: queries, answered as the text that postgres.h describes */
	ROAD_PROBE,    /* `probe`: bytes over a fresh connection */
	ROAD_COMMAND,  /* `command`: run on a host by SSH; its output is the answer */
};

/* What to fetch. */
struct backend_request {
	enum backend_road road;
	/* A refusal or a silence is an answer as well: `accept` is called with `failure` set. */
	bool evidence;
	/* Method, url, headers, body and gzip are the kind's; the poller adds secrets,
	 * certificates, deadlines and caps. A NULL url means that there is nothing to fetch:
	 * `accept` is called with an empty answer (status 0). Strings live in the scratch arena. */
	struct http_request http;
	struct postgres_request postgres;
	struct probe_request probe;
	struct ssh_command command;
	int64_t hold_ms; /* wait this long before it is sent; 0 for all but fault.h */
};

/* What came back. Any status: a kind explains its own error pages. */
struct backend_answer {
	/* Of HTTP. Other roads: 200 when all went well; a command that failed: minus its exit code,
	 * or BACKEND_COMMAND_LOST, and `bytes` is what it said on stderr. 0: nothing was fetched.
	 */
	int status;
	const char *bytes;
	size_t length;
	const char *content_type; /* "" when none */
	const char *location;     /* of a redirect that was not followed; "" */
	bool was_shown_secret;    /* a token or password went with the question: what is said back
				     of a refusal is not repeated, for it may be just that */
	int64_t date_ms;          /* the peer's Date header, 0 none */
	int64_t arrived_ms;       /* steady time at which the whole of it was there */
	double took_ms;           /* from the first step to the last byte */
	/* Only with `evidence`: why there is no answer (ERROR_REJECTED, ERROR_TIMEOUT; of a
	 * database's session whatever it was); else NULL. */
	const struct error *failure;
};

/*
 * How answers are read while they come, for kinds whose answers may be big. A small answer is still
 * taken whole, by `accept`: a reading begins when BACKEND_WHOLE_BYTES of a good one (2xx) are there
 * and more is to come. Bytes come in pieces of any size, as few at a time as keep the loop awake.
 * What is read stays in the sink, which nobody looks at before `end` has said that it is whole.
 */
struct backend_flow {
	/*
	 * Whether an answer that begins so is one to be read as it comes: then a reading, to be
	 * given to the other slots, which will be fed these bytes too. NULL without an error where
	 * it is not: it is then held and given to `accept`. `memo` is the target's and step's own
	 * and keeps what answers teach. ERROR_NO_MEMORY.
	 */
	void *(*begin)(const void *instance, const struct backend_ask *ask, const char *bytes,
		size_t length, struct observations *sink, struct memo *memo, struct error *error);

	/* The next piece. Errors as of `accept`. Times go into the sink as the peer gives them, see
	 * answer_settle(). */
	bool (*feed)(void *reading, const char *bytes, size_t length, struct error *error);

	/* All has come; `answer` says what is known now, without bytes. As `accept` does. */
	bool (*end)(void *reading, const struct backend_answer *answer, struct error *error);

	/* Free it, at whatever point. NULL is allowed. */
	void (*drop)(void *reading);
};

struct backend_ops {
	const char *name; /* as in the fleet file: "prometheus" */
	const char *help; /* one sentence */
	unsigned traits;  /* bit set of enum backend_trait */

	/* Keys of a source that only some kinds take (source.h lists them), and those of them that
	 * it cannot do without; NULL-terminated, NULL: none. */
	const char *const *keys, *const *needs;

	/* How a url may begin, NULL-terminated; NULL: http:// and https://. */
	const char *const *schemes;

	/* Whose word counts where several sources speak of one fact (agreement.h): 0 to 100. */
	int trust;

	/* The key that a row of `signals:` must have to take from this kind ("query", "metric");
	 * NULL: the kind yields its signals by itself and takes no rows. */
	const char *row_key;

	/*
	 * Make an instance; may read local files named in the source (the only slot that may), and
	 * may check what it was given. Returns NULL with `error` filled: ERROR_NO_MEMORY, ERROR_IO,
	 * ERROR_SYNTAX, ERROR_LIMIT.
	 */
	void *(*create)(const struct backend_setup *setup, struct error *error);

	/* Free it. NULL is allowed. */
	void (*destroy)(void *instance);

	/*
	 * How many asks make one poll of `target`: 1 to BACKEND_STEPS_MOST. With `past`: how many
	 * fill the past, 0 where that cannot be had.
	 */
	size_t (*steps)(const void *instance, size_t target, bool past);

	/*
	 * What to fetch for `ask`. `out` comes zeroed. Strings may be borrowed from the instance or
	 * made in `scratch`, which lives until the request was sent (where it is held back the slot
	 * is called again after that). Errors: ERROR_NO_MEMORY, ERROR_LIMIT.
	 */
	bool (*request)(const void *instance, const struct backend_ask *ask, struct arena *scratch,
		struct backend_request *out, struct error *error);

	/*
	 * What `answer` means: observations into `sink`, whose fleet learns entities seen for the
	 * first time. `scratch` is empty and lives as long as the call. An answer that is good but
	 * not whole (warnings of the server, lines without the labels that say whose they are) is
	 * noted with observations_warn(), and true is returned. Absent stays absent: nothing is
	 * ever filled in.
	 *
	 * False with one sentence for people, naming what came and what to do about it, when the
	 * answer is no good; the sink's contents are then not used. ERROR_REJECTED means that only
	 * this ask was refused and the next step is worth asking; any other kind ends the poll
	 * (ERROR_UNREACHABLE, ERROR_UNTRUSTED, ERROR_SYNTAX, ERROR_SCHEMA, ERROR_LIMIT,
	 * ERROR_NO_MEMORY).
	 */
	bool (*accept)(const void *instance, const struct backend_ask *ask,
		const struct backend_answer *answer, struct arena *scratch,
		struct observations *sink, struct error *error);

	const struct backend_flow *flow; /* NULL: answers are taken whole, whatever their size */
};

/* The kinds a fleet file may name; NULL when there is none of that name. */
const struct backend_ops *backend_find(const char *kind);

/* The table itself, NULL-terminated. */
const struct backend_ops *const *backend_kinds(void);

extern const struct backend_ops prometheus_ops;
extern const struct backend_ops exposition_ops;
extern const struct backend_ops haproxy_ops;
extern const struct backend_ops replay_ops;
extern const struct backend_ops pgbouncer_ops;
extern const struct backend_ops postgres_probe_ops;
extern const struct backend_ops patroni_ops;
extern const struct backend_ops envoy_ops;
extern const struct backend_ops alertmanager_ops;
extern const struct backend_ops kubernetes_ops;
extern const struct backend_ops json_ops;
extern const struct backend_ops ssh_ops;

#endif
