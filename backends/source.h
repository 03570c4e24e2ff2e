/*
 * source.h - the `sources:` and `signals:` sections of a fleet file, read and checked.
 *
 * A source is one configured backend; it has one endpoint (url) or several (targets). A signal row
 * says from which sources a signal comes and what they call it.
 */
#ifndef BACKENDS_SOURCE_H
#define BACKENDS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fleet/signal.h"

struct arena;
struct backend_ops;
struct complaints;
struct fault_plan;
struct text;
struct yaml_node;

#define SOURCES_MOST 256
#define SOURCE_TARGETS_MOST 1024 /* over all sources; each has a line in the status */
#define SOURCE_LABELS_MOST 8
#define SIGNAL_ROWS_MOST 1024

struct source_label {
	const char *name;
	const char *value;
};

struct source_target {
	const char *url;
	const char *name; /* for status: the source's name, with "/cluster/replica" or "/N" where it
			     has several */
	struct source_label
		labels[SOURCE_LABELS_MOST]; /* added where the reply has none of that name */
	size_t label_count;
};

/* What is shown at the door, and where it comes from: at most one of the three. */
enum secret_form { SECRET_NONE, SECRET_BEARER, SECRET_BASIC, SECRET_PASSWORD };

struct source_secret {
	enum secret_form form;
	const char *file;           /* absolute */
	const char *variable;       /* of the environment */
	const char *const *command; /* a program and its arguments, NULL-terminated; no shell */
};

struct source_config {
	const char *name;
	const struct backend_ops *ops; /* of its kind */
	struct source_target *targets;
	size_t target_count;
	int64_t every_ms;   /* 100 ms to 1 h; default 1 s */
	int64_t timeout_ms; /* default 0.9 x every, at most 10 s */
	struct source_secret secret;
	const char *proxy; /* an HTTP proxy to go through; NULL: none */
	bool gzip;         /* ask for compressed answers */
	bool http2;        /* ask by HTTP/2 where the server speaks it, over TLS */
	const char *ca_file, *client_cert_file, *client_key_file;
	const char *unix_socket;
	const char *file;                   /* kind replay: the recording */
	const struct source_label *proxies; /* kinds haproxy, envoy: proxy name -> cluster name */
	size_t proxy_count;
	const struct source_label *databases; /* kind pgbouncer: -> cluster, or cluster/replica */
	size_t database_count;
	const char *command; /* kind ssh, with the next three */
	const char *identity_file, *known_hosts_file, *agent_socket;
	const char *namespace, *workload, *service; /* kind kubernetes */
	int line;                                   /* in the fleet file */
	const struct fault_plan *fault; /* kind fault (tests): what to do to which other kind */
};

/* One row of `signals:`. */
struct signal_map {
	enum signal signal;
	const char *const *from; /* source names */
	size_t from_count;
	const char *query;   /* kind prometheus */
	const char *metric;  /* kind exposition: the name, without selector */
	const char *pointer; /* kinds json and ssh: where in the answer the number is */
	struct source_label where[SOURCE_LABELS_MOST]; /* from {name="value"} */
	size_t where_count;
	struct source_label labels[SOURCE_LABELS_MOST]; /* our label name -> the exporter's */
	size_t label_count;
	bool rate;
	uint8_t percent; /* the metric is a histogram's, and this quantile of it is wanted; 0: not
			  */
	double scale;
	int line;
};

struct sources {
	struct source_config *rows;
	size_t count;
	struct signal_map *maps;
	size_t map_count;
};

/*
 * Read both sections (either node may be NULL: nothing configured). Relative file names are
 * resolved against `directory`. Everything lives in `arena`. False when it complained, `out`
 * untouched: unknown kind or signal (nearest suggested), a row naming an unknown source, a query
 * for a source that is not Prometheus, a derived signal, no url, a url that the kind cannot use, a
 * key that it does not take, limits.
 */
bool sources_read(const struct yaml_node *sources, const struct yaml_node *signals,
	const char *directory, struct arena *arena, struct sources *out,
	struct complaints *complaints);

/* JSON Schema bodies of one source and of one signal row, for share/. */
void sources_schema_source(struct text *out);
void sources_schema_signal(struct text *out);

/* Whether a row takes from the source of that name. */
bool signal_map_is_from(const struct signal_map *map, const char *source);

/* The kinds there are, for help and completion: NULL-terminated names. */
const char *const *source_kinds(void);

#endif
