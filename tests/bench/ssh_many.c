/*
 * ssh_many.c - one command on many hosts, or many commands on one kept session, over core/wire.
 *
 *   ssh_many hosts KEY KNOWN_HOSTS USER COMMAND PORT...
 *   ssh_many execs KEY KNOWN_HOSTS USER COMMAND PORT COUNT
 *
 * Prints how many ended well, and how long and how much CPU the execs alone took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/loop.h"
#include "core/wire/http.h"
#include "core/wire/ssh.h"

struct tally {
	int over, good;
};

static void count(void *context, const struct ssh_reply *reply, const struct error *error)
{
	struct tally *tally = context;
	tally->over++;
	tally->good += reply && reply->has_exit_status && reply->exit_status == 0;
	if (error)
		fprintf(stderr, "%s\n", error->text);
}

static double cpu_ms(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void run(struct ssh *ssh, const struct ssh_command *command, struct tally *tally)
{
	struct error error;
	if (ssh_run(ssh, command, count, tally, &error) == 0) {
		fprintf(stderr, "%s\n", error.text);
		tally->over++;
	}
}

static void until(struct loop *loop, const struct tally *tally, int wanted)
{
	struct error error;
	while (tally->over < wanted && loop_turn(loop, 1000, &error))
		continue;
}

int main(int argc, char **argv)
{
	struct clock clock;
	struct error error;
	struct tally tally = {0, 0};
	if (argc < 7) {
		fprintf(stderr,
			"usage: ssh_many hosts|execs KEY KNOWN_HOSTS USER COMMAND PORT...\n");
		return 64;
	}
	clock_init_system(&clock);
	struct loop *loop = loop_create(&clock, &error);
	struct http *http = loop ? http_create(loop, &error) : NULL;
	struct ssh *ssh = http ? ssh_create(loop, http, &error) : NULL;
	if (!ssh)
		return 1;
	struct ssh_command command = {
		.host = "127.0.0.1",
		.identity_file = argv[2],
		.known_hosts_file = argv[3],
		.user = argv[4],
		.command = argv[5],
		.port = (int)strtol(argv[6], NULL, 10),
		.connect_timeout_ms = 60000,
	};
	int count_wanted = argc - 6;
	if (strcmp(argv[1], "execs") == 0) {
		count_wanted = argc > 7 ? (int)strtol(argv[7], NULL, 10) : 1000;
		run(ssh, &command, &tally);
		until(loop, &tally, 1);
		double before = cpu_ms();
		int64_t from_us = clock_stopwatch_us();
		for (int i = 1; i <= count_wanted; i++) {
			run(ssh, &command, &tally);
			until(loop, &tally, i + 1);
		}
		printf("%d of %d wall_ms %.1f cpu_ms %.1f\n", tally.good - 1, count_wanted,
			(double)(clock_stopwatch_us() - from_us) / 1e3, cpu_ms() - before);
	} else {
		for (int i = 0; i < count_wanted; i++) {
			command.port = (int)strtol(argv[6 + i], NULL, 10);
			run(ssh, &command, &tally);
		}
		until(loop, &tally, count_wanted);
		printf("%d of %d\n", tally.good, count_wanted);
	}
	ssh_destroy(ssh);
	http_destroy(http);
	loop_destroy(loop);
	return 0;
}
