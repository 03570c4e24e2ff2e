/*
 * sources.c - how fast sources are read. Prints numbers and judges nothing.
 *
 *   bench-sources exposition PAGE     a page in memory, all samples kept and none wanted
 *   bench-sources prometheus SERIES   an instant vector of so many series
 *   bench-sources stream SERIES PARTS   the same over HTTP, through the poller, once a second;
 *                                       so many series make one entity
 *   bench-sources history REPLICAS HOURS   of six signals each, at one second
 *   bench-sources serve HOSTS BYTES     pages over keep-alive, at one port of so many addresses
 *                                       from 127.0.1.0 on, until it is told to end; prints the
 *                                       port, and in the end how regularly it was asked
 *   bench-sources latency FLEET SECONDS   from the wire to the assessment, with a whole engine
 *   bench-sources probes SECONDS          what is counted at targets that are slow and that are
 *                                         databases
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/config.h"
#include "app/engine.h"
#include "backends/backend.h"
#include "backends/exposition.h"
#include "backends/observation.h"
#include "backends/poller.h"
#include "backends/source.h"
#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/complaints.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "core/fleet/entity.h"
#include "core/fleet/history.h"
#include "core/fleet/snapshot.h"
#include "core/wire/http.h"

#define REPEATS 9

static double cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double resident_mb(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A listener at that place in 127.0.0.0/8, at a port of the system's choosing where *port is 0. */
static int listen_in(uint32_t place, int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
	socklen_t length = sizeof(address);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	address.sin_addr.s_addr = htonl((127u << 24) + place);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 4096) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		return -1;
	*port = ntohs(address.sin_port);
	return fd;
}

static int listen_at(int *port)
{
	return listen_in(1, port);
}

/* ---- exposition ---- */

static bool count_sample(void *context, const struct exposition_sample *sample, struct error *error)
{
	size_t *count = context;
	(void)sample;
	(void)error;
	++*count;
	return true;
}

static bool wants_none(const void *context, const char *name, size_t length)
{
	(void)context;
	(void)name;
	(void)length;
	return false;
}

static double read_once(const char *bytes, size_t length, exposition_wants_fn *wants)
{
	struct exposition_reader reader;
	struct error error = {0};
	size_t count = 0;
	double from = cpu_ms();
	if (!exposition_init(&reader, count_sample, &count, &error))
		return NAN;
	reader.wants = wants;
	if (!exposition_feed(&reader, bytes, length, &error) || !exposition_end(&reader, &error))
		fprintf(stderr, "%s\n", error.text);
	exposition_finish(&reader);
	return cpu_ms() - from;
}

static int bench_exposition(const char *path)
{
	FILE *file = fopen(path, "r");
	struct text text;
	text_init(&text, (size_t)256 * 1024 * 1024);
	char piece[65536];
	for (size_t got; file && (got = fread(piece, 1, sizeof(piece), file)) > 0;)
		text_append(&text, piece, got);
	if (!file || !text_ok(&text) || text.length == 0) {
		fprintf(stderr, "cannot read %s\n", path);
		return 1;
	}
	fclose(file);
	for (int wanted = 0; wanted < 2; wanted++) {
		double took[REPEATS];
		for (int i = 0; i < REPEATS; i++)
			took[i] = read_once(text.bytes, text.length, wanted ? NULL : wants_none);
		qsort(took, REPEATS, sizeof(took[0]), compare);
		printf("exposition, %-12s %8.2f MB  %8.2f ms  %7.0f MB/s\n",
			wanted ? "all wanted" : "none wanted", (double)text.length / 1e6,
			took[REPEATS / 2], (double)text.length / 1e3 / took[REPEATS / 2]);
	}
	text_finish(&text);
	return 0;
}

/* ---- a vector of Prometheus ---- */

static bool read_bench_sources(const char *yaml, struct arena *arena, struct sources *out)
{
	struct complaints complaints;
	complaints_init(&complaints);
	const struct yaml_node *root = yaml_parse(arena, "bench", yaml, strlen(yaml), &complaints);
	bool good = root && sources_read(yaml_get(root, "sources"), yaml_get(root, "signals"), "/",
				    arena, out, &complaints);
	complaints_finish(&complaints);
	return good;
}

/* `parts` series, of as many databases, make one replica. */
static void vector_text(struct text *text, int series, int parts)
{
	text_add(text, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[");
	for (int i = 0; i < series; i++)
		text_printf(text,
			"%s{\"metric\":{\"__name__\":\"pool_used\",\"cluster\":\"cluster-%04d\","
			"\"instance\":\"10.%d.%d.%d:9127\",\"job\":\"pgbouncer\",\"region\":"
			"\"region-%d\",\"replica\":\"replica-%02d\",\"database\":\"db-%02d\","
			"\"environment\":\"production\"},\"value\":[1795360066.051,\"%d.%d\"]}",
			i ? "," : "", i / parts / 20, i >> 16, (i >> 8) & 255, i & 255, i / 5000,
			i / parts % 20, i % parts, i % 60, i % 10);
	text_add(text, "]}}");
}

static bool accept_once(
	const struct sources *sources, void *instance, const struct text *body, struct fleet *fleet)
{
	static const struct backend_ask ask = {.now_ms = 1795360066051};
	struct backend_answer answer = {.status = 200,
		.bytes = body->bytes,
		.length = body->length,
		.content_type = "application/json",
		.location = "",
		.arrived_ms = 1795360066051};
	struct observations sink;
	struct error error = {0};
	struct arena *scratch = arena_create(BACKEND_SCRATCH_BYTES);
	observations_init(&sink, fleet);
	bool good = sources->rows[0].ops->accept(instance, &ask, &answer, scratch, &sink, &error);
	if (!good || sink.warnings > 0)
		fprintf(stderr, "%s%s\n", error.text, sink.warning);
	observations_finish(&sink);
	arena_destroy(scratch);
	return good;
}

static int bench_prometheus(int series)
{
	static const char yaml[] = "sources: {p: {kind: prometheus, url: 'http://h'}}\n"
				   "signals: {pool.used: {from: p, query: pool_used}}\n";
	struct sources sources = {0};
	struct error error = {0};
	struct arena *arena = arena_create(1 << 20);
	struct fleet *fleet = fleet_create();
	if (!fleet || !read_bench_sources(yaml, arena, &sources))
		return 1;
	struct backend_setup setup = {&sources.rows[0], &sources, 1795360066051};
	void *instance = sources.rows[0].ops->create(&setup, &error);
	struct text body;
	text_init(&body, (size_t)64 * 1024 * 1024);
	vector_text(&body, series, 1);
	double took[REPEATS], before_mb = resident_mb();
	for (int i = 0; i < REPEATS; i++) {
		double from = cpu_ms();
		if (!accept_once(&sources, instance, &body, fleet))
			return 1;
		took[i] = cpu_ms() - from;
	}
	double first = took[0];
	qsort(took, REPEATS, sizeof(took[0]), compare);
	printf("prometheus, %d series %8.2f MB  first %.1f ms, then %.1f ms  peak %.1fx the body\n",
		series, (double)body.length / 1e6, first, took[REPEATS / 2],
		(resident_mb() - before_mb) * 1048576 / (double)body.length);
	sources.rows[0].ops->destroy(instance);
	text_finish(&body);
	fleet_destroy(fleet);
	arena_destroy(arena);
	return 0;
}

/* ---- the same over HTTP ---- */

#define STREAM_REPLIES 9
#define FRAME_MS 16
#define SEAL_MS 250

/* One process that answers whatever is asked with the vector, or with no past. */
static void serve_vector(int listener, const struct text *body)
{
	static const char past[] = "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\","
				   "\"result\":[]}}";
	char request[16384], head[128];
	for (;;) {
		int fd = accept4(listener, NULL, NULL, 0);
		for (ssize_t got; (got = read(fd, request, sizeof(request) - 1)) > 0;) {
			request[got] = '\0';
			bool ranged =
				strstr(request, "query_range") || strstr(request, "/buildinfo");
			const char *bytes = ranged ? past : body->bytes;
			size_t left = ranged ? strlen(past) : body->length;
			int length = snprintf(head, sizeof(head),
				"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				"Content-Length: %zu\r\n\r\n",
				left);
			if (write(fd, head, (size_t)length) != length)
				break;
			for (ssize_t put; left > 0 && (put = write(fd, bytes, left)) > 0;) {
				bytes += put;
				left -= (size_t)put;
			}
		}
		close(fd);
	}
}

/* What goes on beside the reading: frames to be drawn, pictures to be taken. */
struct beside {
	struct loop *loop;
	struct store *store;
	struct poller *poller;
	int64_t due_us, latest_us;
	size_t pictures;
};

static void on_frame(void *context)
{
	struct beside *beside = context;
	int64_t now_us = clock_stopwatch_us();
	if (beside->due_us != 0 && now_us - beside->due_us > beside->latest_us)
		beside->latest_us = now_us - beside->due_us;
	beside->due_us = now_us + FRAME_MS * 1000;
	loop_timer_start(beside->loop, FRAME_MS, on_frame, beside);
}

static void on_seal(void *context)
{
	struct beside *beside = context;
	bool wait = poller_is_midway(beside->poller);
	loop_timer_start(beside->loop, wait ? 1 : SEAL_MS, on_seal, beside);
	if (wait)
		return;
	snapshot_destroy(store_seal(beside->store, loop_now_ms(beside->loop)));
	beside->pictures++;
}

/* Replies come in until there were enough; the first, which makes entities, apart from the rest. */
static bool run_stream(struct beside *beside, int series)
{
	struct error error = {0};
	const struct source_status *status = store_source(beside->store, 0);
	double before_mb = resident_mb(), from = 0, longest = 0, body = 1;
	for (uint64_t seen = 0; seen < STREAM_REPLIES;) {
		int64_t ok_ms = status->last_ok_ms;
		while (status->last_ok_ms == ok_ms) {
			double turn = cpu_ms();
			if (!loop_turn(beside->loop, 50, &error) ||
				status->state == SOURCE_FAILING) {
				fprintf(stderr, "%s%s\n", error.text, status->trouble);
				return false;
			}
			turn = cpu_ms() - turn;
			longest = turn > longest ? turn : longest;
		}
		body = (double)status->bytes / (double)(seen + 1); /* the rest is short */
		if (++seen == 1) {
			printf("stream, %d series %8.2f MB, the first: %.1f ms of CPU, longest "
			       "turn "
			       "of the loop %.1f\n",
				series, body / 1e6, cpu_ms(), longest);
			beside->latest_us = 0;
			longest = 0;
			from = cpu_ms();
		}
	}
	printf("stream, then: %.1f ms of CPU a reply (a picture every 250 ms included), longest "
	       "turn "
	       "%.1f; on this machine as busy as it is the latest frame came %.1f ms late; peak "
	       "%.1fx the body\n",
		(cpu_ms() - from) / (STREAM_REPLIES - 1), longest, (double)beside->latest_us / 1e3,
		(resident_mb() - before_mb) * 1048576 / body);
	return true;
}

static int bench_stream(int series, int parts)
{
	char yaml[256];
	struct error error = {0};
	struct sources sources = {0};
	struct text body;
	struct clock clock;
	int port = 0, listener = listen_at(&port);
	fflush(stdout);
	pid_t server = fork();
	if (server == 0) { /* there alone, or its memory would be taken for ours */
		text_init(&body, (size_t)64 * 1024 * 1024);
		vector_text(&body, series, parts);
		fcntl(listener, F_SETFL, 0);
		serve_vector(listener, &body);
	}
	snprintf(yaml, sizeof(yaml),
		"sources: {p: {kind: prometheus, url: 'http://127.0.0.1:%d', every: 1s, timeout: "
		"10s}}\n"
		"signals: {pool.used: {from: p, query: pool_used}}\n",
		port);
	clock_init_system(&clock);
	signal(SIGPIPE, SIG_IGN);
	struct arena *arena = arena_create(1 << 20);
	struct fleet *fleet = fleet_create();
	struct store *store = store_create(fleet);
	struct history *history = history_create(HISTORY_SAMPLES, (size_t)1 << 30);
	struct loop *loop = loop_create(&clock, &error);
	struct http *http = http_create(loop, &error);
	bool good = read_bench_sources(yaml, arena, &sources);
	struct poller *poller =
		good ? poller_create(loop, http, fleet, store, history, &sources, NULL, &error)
		     : NULL;
	struct beside beside = {.loop = loop, .store = store, .poller = poller};
	if (poller) {
		poller_start(poller);
		on_frame(&beside);
		on_seal(&beside);
		good = run_stream(&beside, series);
	}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	poller_destroy(poller);
	http_destroy(http);
	loop_destroy(loop);
	history_destroy(history);
	store_destroy(store);
	fleet_destroy(fleet);
	arena_destroy(arena);
	return good && poller ? 0 : 1;
}

/* ---- history ---- */

static int bench_history(int replicas, int hours)
{
	struct history *history = history_create(HISTORY_SAMPLES, (size_t)1 << 32);
	int *used = calloc((size_t)replicas, sizeof(*used));
	uint64_t state = 88172645463325252;
	double from = cpu_ms(), full_mb = 0;
	for (int second = 1; history && used && second <= hours * 3600; second++) {
		for (uint32_t i = 0; i < (uint32_t)replicas; i++) {
			uint64_t noise = next_random(&state);
			int64_t at_ms = second * 1000 + (int64_t)(i % 1000) + (int64_t)(noise & 3);
			double part = (double)((noise >> 8) % 1000) / 1000;
			used[i] += (int)((noise >> 20) % 3) - 1;
			used[i] = used[i] > 15 || used[i] < -15 ? 0 : used[i];
			double waiting = (noise >> 30) % 20 ? 0 : (double)((noise >> 40) % 5);
			history_append(history, i, SIGNAL_REPLICA_UP, at_ms, 1);
			history_append(history, i, SIGNAL_POOL_USED, at_ms, 35 + used[i]);
			history_append(history, i, SIGNAL_POOL_BUSY, at_ms, 35 + used[i] + part);
			history_append(history, i, SIGNAL_POOL_MAX, at_ms, 60);
			history_append(history, i, SIGNAL_POOL_WAITING, at_ms, waiting);
			history_append(history, i, SIGNAL_REPLICA_QUERIES, at_ms,
				450 + 45 * sin(second * 0.01 + (double)i) + 10 * part);
		}
		if (second == 2 * HISTORY_SAMPLES) /* every ring is full, and has begun anew */
			full_mb = resident_mb();
	}
	double samples = 6.0 * 3600 * hours * replicas;
	printf("history, %d replicas x 6, %d h, jitter 4 ms: %.0f MB resident, %.2f bytes a sample "
	       "(plain: 16), %.0f ns to keep one; grown by %.1f MB since the second hour\n",
		replicas, hours, resident_mb(),
		(double)history_bytes(history) / (6.0 * HISTORY_SAMPLES * replicas),
		(cpu_ms() - from) * 1e6 / samples, full_mb > 0 ? resident_mb() - full_mb : 0);
	history_destroy(history);
	free(used);
	return 0;
}

/* ---- a fast server of pages ---- */

#define ANSWER_BYTES 65536

#define STAMP_DIGITS 6
#define STAMP_MOST 1000000 /* ms: a figure of so many digits begins anew */

static int64_t stamp_now(void)
{
	return clock_stopwatch_us() / 1000 % STAMP_MOST;
}

/* A page of about that many bytes, with its header. Returns where in it the first figure is: the
 * time when it was sent (stamp_answer). */
static size_t make_answer(char *answer, size_t bytes, size_t *stamp)
{
	static char page[ANSWER_BYTES / 2];
	size_t length = 0;
	for (int i = 0; length + 128 < bytes && length + 128 < sizeof(page); i++)
		length += (size_t)snprintf(page + length, sizeof(page) - length,
			i == 0 ? "pool_used{database=\"db%d\",user=\"app\"} %06d\n"
			       : "pgbouncer_pools_other_%d{database=\"app\",user=\"app\"} %d\n",
			i, 17 + i);
	size_t all = (size_t)snprintf(answer, ANSWER_BYTES,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: "
		"%zu\r\n\r\n%s",
		length, page);
	*stamp = (size_t)(strstr(answer, "} ") - answer) + 2;
	return all;
}

static void stamp_answer(char *at)
{
	int64_t left = stamp_now();
	for (int i = STAMP_DIGITS; i-- > 0; left /= 10)
		at[i] = (char)('0' + left % 10);
}

#define PATHS 4096
#define LATE_MOST_MS 5000

static volatile sig_atomic_t told_to_end;

static void on_end(int number)
{
	(void)number;
	told_to_end = 1;
}

static void heed_end(void)
{
	struct sigaction action = {.sa_handler = on_end};
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The value below which that share of the counted ones is. */
static size_t quantile(const uint64_t *counts, size_t size, double share)
{
	uint64_t all = 0, sum = 0;
	size_t at = 0;
	for (size_t i = 0; i < size; i++)
		all += counts[i];
	while (at + 1 < size && (double)(sum += counts[at]) < share * (double)all)
		at++;
	return at;
}

/* How far each question of "/m/NUMBER" comes from a second after the one before. The first of all
 * is asked at once and not in its place. */
struct regularity {
	int64_t last_us[PATHS];
	uint64_t times[PATHS];
	uint64_t off_ms[LATE_MOST_MS];
	uint64_t asked;
};

static void note_question(struct regularity *regularity, const char *request)
{
	int64_t now_us = clock_stopwatch_us();
	if (strncmp(request, "GET /m/", 7) != 0)
		return;
	size_t path = strtoul(request + 7, NULL, 10) % PATHS;
	int64_t off_ms = llabs((now_us - regularity->last_us[path]) / 1000 - 1000);
	if (regularity->times[path]++ >= 2)
		regularity->off_ms[off_ms < LATE_MOST_MS ? off_ms : LATE_MOST_MS - 1]++;
	regularity->last_us[path] = now_us;
	regularity->asked++;
}

#define HOSTS_MOST 4000
#define FIRST_HOST 256 /* 127.0.1.0 */

/* Who is in the list listens; -1 where it failed. */
static int listen_everywhere(int poll_fd, bool *listens, int hosts)
{
	int port = 0;
	for (int i = 0; i < hosts; i++) {
		int fd = listen_in(FIRST_HOST + (uint32_t)i, &port);
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
		if (fd < 0 || fd >= LOOP_FDS || epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
			return -1;
		listens[fd] = true;
	}
	return port;
}

static int serve(int hosts, size_t bytes)
{
	static bool listens[LOOP_FDS];
	static char answer[ANSWER_BYTES], request[ANSWER_BYTES];
	static struct regularity regularity;
	size_t stamp, length = make_answer(answer, bytes, &stamp);
	struct epoll_event event = {.events = EPOLLIN}, ready[256];
	loop_raise_descriptor_limit();
	int poll_fd = epoll_create1(0), port = listen_everywhere(poll_fd, listens, hosts);
	if (port <= 0) {
		fprintf(stderr, "cannot listen at %d addresses: %s\n", hosts, strerror(errno));
		return 1;
	}
	printf("%d\n", port);
	fflush(stdout);
	heed_end();
	while (!told_to_end) {
		int count = epoll_wait(poll_fd, ready, 256, -1);
		for (int i = 0; i < count; i++) {
			int fd = ready[i].data.fd, on = 1;
			if (listens[fd]) {
				fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
				event.data.fd = fd;
				if (fd >= 0 && epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
					setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
				continue;
			}
			/* A request of a poll fits into one read, an answer into one write. */
			ssize_t got = read(fd, request, sizeof(request));
			stamp_answer(answer + stamp);
			if (got <= 0 || write(fd, answer, length) != (ssize_t)length)
				close(fd);
			else
				note_question(&regularity, request);
		}
	}
	printf("asked %llu p99_off_ms %zu\n", (unsigned long long)regularity.asked,
		quantile(regularity.off_ms, LATE_MOST_MS, 0.99));
	return 0;
}

/* ---- from the wire to the assessment ---- */

struct latency {
	struct engine engine;
	int64_t *seen_ms; /* per entity */
	size_t seen_count;
	uint64_t counts[LATE_MOST_MS];
	uint64_t assessments;
};

/* What the pages say is when they were sent: how long ago is that, now that it is assessed? */
static void on_assessed(void *context)
{
	struct latency *latency = context;
	const struct snapshot *snapshot = latency->engine.snapshot;
	size_t count = snapshot->entity_count;
	int64_t now_ms = stamp_now();
	latency->assessments++;
	if (count > latency->seen_count) {
		int64_t *more = reallocarray(latency->seen_ms, count, sizeof(*more));
		if (!more)
			return;
		memset(more + latency->seen_count, 0,
			(count - latency->seen_count) * sizeof(*more));
		latency->seen_ms = more;
		latency->seen_count = count;
	}
	for (size_t i = 0; i < count; i++) {
		const struct reading *reading =
			snapshot_reading(snapshot, (uint32_t)i, SIGNAL_POOL_USED);
		if (reading->at_ms <= latency->seen_ms[i])
			continue;
		latency->seen_ms[i] = reading->at_ms;
		int64_t old_ms = (now_ms - (int64_t)reading->value + STAMP_MOST) % STAMP_MOST;
		latency->counts[old_ms < LATE_MOST_MS ? old_ms : LATE_MOST_MS - 1]++;
	}
}

static int bench_latency(const char *path, int seconds)
{
	static struct latency latency;
	struct complaints complaints;
	struct error error = {0};
	uint64_t requests = 0;
	double from_ms = 0;
	complaints_init(&complaints);
	signal(SIGPIPE, SIG_IGN);
	struct config *config = config_read(path, &complaints);
	if (!config || !engine_init(&latency.engine, config, NULL, &error)) {
		fprintf(stderr, "cannot watch %s: %s\n", path, error.text);
		return 1;
	}
	latency.engine.on_tick = on_assessed;
	latency.engine.context = &latency;
	engine_start(&latency.engine);
	int64_t warm_us = clock_stopwatch_us() + 5000000, end_us = warm_us + seconds * 1000000LL;
	for (bool warm = false; clock_stopwatch_us() < end_us;) {
		if (!loop_turn(latency.engine.loop, 50, &error))
			return 1;
		if (!warm && clock_stopwatch_us() > warm_us) {
			warm = true;
			memset(latency.counts, 0, sizeof(latency.counts));
			latency.assessments = 0;
			from_ms = cpu_ms();
		}
	}
	for (size_t i = 0; i < latency.engine.snapshot->source_count; i++)
		requests += latency.engine.snapshot->sources[i].requests;
	double measured_s = seconds;
	printf("requests %llu p50_ms %zu p99_ms %zu assessments_per_s %.1f core_percent %.1f\n",
		(unsigned long long)requests, quantile(latency.counts, LATE_MOST_MS, 0.5),
		quantile(latency.counts, LATE_MOST_MS, 0.99),
		(double)latency.assessments / measured_s, (cpu_ms() - from_ms) / measured_s / 10);
	engine_finish(&latency.engine);
	config_destroy(config);
	complaints_finish(&complaints);
	free(latency.seen_ms);
	return 0;
}

/* ---- what targets count ---- */

#define SLOW_MS 2500
#define HELD_MOST 256

/* Two listeners: a slow page, and a door like PostgreSQL's. Prints what it saw when told to end. */
static void count_at_target(int page, int door, int seconds)
{
	struct {
		int fd;
		int64_t due_us;
	} held[HELD_MOST] = {{0}};
	int in_flight = 0, most = 0, knocks = 0;
	heed_end();
	while (!told_to_end) {
		struct pollfd fds[2] = {
			{.fd = page, .events = POLLIN}, {.fd = door, .events = POLLIN}};
		char bytes[4096];
		poll(fds, 2, 20);
		int64_t now_us = clock_stopwatch_us();
		int fd = accept4(page, NULL, NULL, 0);
		for (int i = 0; i < HELD_MOST && fd >= 0; i++)
			if (held[i].fd == 0 && read(fd, bytes, sizeof(bytes)) > 0) {
				held[i].fd = fd;
				held[i].due_us = now_us + SLOW_MS * 1000;
				in_flight++;
				fd = -1;
			}
		most = in_flight > most ? in_flight : most;
		for (int i = 0; i < HELD_MOST; i++)
			if (held[i].fd != 0 && held[i].due_us < now_us) {
				(void)!write(held[i].fd, "HTTP/1.1 200 OK\r\n\r\nup 1\n", 24);
				close(held[i].fd);
				held[i].fd = 0;
				in_flight--;
			}
		fd = accept4(door, NULL, NULL, 0);
		if (fd >= 0) {
			knocks++;
			if (read(fd, bytes, 8) > 0)
				(void)!write(fd, "N", 1);
			close(fd);
		}
	}
	printf("in_flight %d knocks_per_s %.2f\n", most, (double)(knocks - 1) / seconds);
	fflush(stdout);
	_exit(0);
}

static int bench_probes(int seconds)
{
	char yaml[512];
	int page_port = 0, door_port = 0;
	int page = listen_at(&page_port), door = listen_at(&door_port);
	struct error error = {0};
	struct sources sources = {0};
	struct clock clock;
	fflush(stdout);
	pid_t target = fork();
	if (target == 0)
		count_at_target(page, door, seconds);
	close(page);
	close(door);
	snprintf(yaml, sizeof(yaml),
		"sources:\n"
		"  page: {kind: exposition, url: 'http://127.0.0.1:%d/', every: 1s, timeout: 5s}\n"
		"  door: {kind: postgres-probe, url: 'postgresql://127.0.0.1:%d/', every: 1s, "
		"labels: {cluster: c, replica: r}}\n",
		page_port, door_port);
	clock_init_system(&clock);
	signal(SIGPIPE, SIG_IGN);
	struct arena *arena = arena_create(1 << 20);
	struct fleet *fleet = fleet_create();
	struct store *store = store_create(fleet);
	struct history *history = history_create(HISTORY_SAMPLES, (size_t)1 << 24);
	struct loop *loop = loop_create(&clock, &error);
	struct http *http = http_create(loop, &error);
	struct poller *poller =
		read_bench_sources(yaml, arena, &sources)
			? poller_create(loop, http, fleet, store, history, &sources, NULL, &error)
			: NULL;
	if (!poller)
		return 1;
	poller_start(poller);
	int64_t end_us = clock_stopwatch_us() + seconds * 1000000LL;
	while (clock_stopwatch_us() < end_us && loop_turn(loop, 50, &error))
		continue;
	kill(target, SIGTERM);
	waitpid(target, NULL, 0);
	poller_destroy(poller);
	http_destroy(http);
	loop_destroy(loop);
	history_destroy(history);
	store_destroy(store);
	fleet_destroy(fleet);
	arena_destroy(arena);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	if (strcmp(what, "exposition") == 0)
		return bench_exposition(argv[2]);
	if (strcmp(what, "prometheus") == 0)
		return bench_prometheus((int)strtol(argv[2], NULL, 10));
	if (strcmp(what, "stream") == 0 && argc > 3)
		return bench_stream((int)strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10));
	if (strcmp(what, "history") == 0 && argc > 3)
		return bench_history(
			(int)strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10));
	if (strcmp(what, "latency") == 0 && argc > 3)
		return bench_latency(argv[2], (int)strtol(argv[3], NULL, 10));
	if (strcmp(what, "probes") == 0)
		return bench_probes((int)strtol(argv[2], NULL, 10));
	long hosts = strtol(argc > 2 ? argv[2] : "", NULL, 10);
	if (strcmp(what, "serve") == 0 && argc > 3 && hosts > 0 && hosts <= HOSTS_MOST)
		return serve((int)hosts, strtoul(argv[3], NULL, 10));
	fprintf(stderr,
		"usage: bench-sources exposition PAGE | prometheus SERIES | stream SERIES "
		"PARTS | history REPLICAS HOURS | serve HOSTS BYTES | latency FLEET SECONDS | "
		"probes SECONDS\n");
	return 2;
}
