/*
 * runs.c - the run engine over many seeds: sim-runs [SEEDS [FIRST]].
 *
 * Prints how many seeds were tried, what was covered, and every violation with its seed. Exit 1
 * when there was one. A seed alone leaves its journal to be read.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/config.h"
#include "actions/guard.h"
#include "core/base/error.h"
#include "core/base/loop.h"

static struct guard_config sim_limits(struct sim *sim)
{
	/* So narrow now and then that it is what stops a step, not the step's own limit. */
	bool is_narrow = sim->seed % 4 == 3;
	/* One cluster alone, so that each change of traffic is one too many beside another. */
	bool is_alone = sim->seed % 7 < 2;
	return (struct guard_config){
		.ceiling = 0.85,
		.max_step = 2,
		.max_divert = 0.25,
		.max_return = is_narrow ? 0.03 : 0.10,
		.blast_radius = is_narrow ? 0.05 : 0.30,
		.max_age_ms = 5000,
		.cooldown_ms = sim_chance(sim, 3) ? 0 : 1000 + sim_below(sim, 10000),
		.plan_expires_ms = 60000,
		.verify_within_ms = 10000 + sim_below(sim, 20000),
		.expire_ms = 5000 + sim_below(sim, 40000),
		.brake = sim_chance(sim, 5) ? 5 : 100,
		.brake_window_ms = 600000,
		.min_serving = 1,
		.max_held = is_alone ? 0.34 : 0.67,
		.approve_within_ms = 600000,
	};
}

static unsigned run_seed(uint64_t seed, const char *directory, bool keep, struct tally *tally)
{
	struct sim *sim = calloc(1, sizeof(*sim));
	struct error error = {0};
	if (!sim)
		exit(2);
	sim->seed = sim->random = seed;
	sim->tally = tally;
	sim_now = sim;
	snprintf(sim->directory, sizeof(sim->directory), "%s", directory);
	sim->manner = (enum manner)(seed % MANNER_COUNT);
	tally->manners[sim->manner]++;
	sim->is_mild = seed % 5 < 2;
	for (int i = 0; i < SIM_OPERATORS; i++) {
		snprintf(sim->journals[i].path, sizeof(sim->journals[i].path), "%s/journal%d.jsonl",
			directory, i);
		sim->operators[i].file = sim->manner == MANNER_JOURNAL ? 0 : i;
	}
	world_open(sim);
	sim->configs.guards = sim_limits(sim);
	for (int tick = 1; tick <= SIM_SECONDS * 1000 / SIM_TICK_MS; tick++) {
		clock_advance(&sim->clock, SIM_TICK_MS);
		world_change(sim);
		if (tick % (1000 / SIM_TICK_MS) == 0)
			world_sample(sim);
		if (!loop_turn(sim->loop, 0, &error))
			judge_violation(sim, "the loop fails: %s", error.text);
		for (size_t i = 0; i < SIM_OPERATORS; i++)
			operator_step(sim, &sim->operators[i]);
		judge_step(sim);
	}
	for (size_t i = 0; i < SIM_OPERATORS; i++) {
		if (sim->operators[i].is_up)
			operator_quit(sim, &sim->operators[i]);
		if (sim->operators[i].book)
			book_close(sim, &sim->operators[i], true);
	}
	judge_world(sim);
	world_close(sim);
	sim_now = NULL;
	unsigned violations = sim->violations;
	char name[128];
	static const char *const endings[] = {"", ".head", ".torn"};
	for (size_t i = 0; !keep && i < SIM_OPERATORS * sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", sim->journals[i % SIM_OPERATORS].path,
			endings[i / SIM_OPERATORS]);
		unlink(name);
	}
	snprintf(name, sizeof(name), "%s/spillway-sim-fleet.lock", directory);
	unlink(name);
	free(sim);
	return violations;
}

static void print_faults(const struct tally *tally)
{
	static const char *const fates[FATE_COUNT] = {"answered", "refused", "refused after effect",
		"lost before effect", "lost after effect", "lost with a late effect", "unreachable",
		"unreachable at once", "accepted for nothing", "host key changed"};
	printf("crashes %lu, restarts %lu, unsynced ends lost %lu\n", tally->crashes,
		tally->restarts, tally->torn);
	printf("agreeing by one journal %lu, by lock files %lu, by etcd %lu seeds; locked out "
	       "%lu\n",
		tally->manners[MANNER_JOURNAL], tally->manners[MANNER_FILE],
		tally->manners[MANNER_ETCD], tally->locked_out);
	printf("calls to etcd %lu, lost %lu; cut off from it %lu times, frozen %lu, leases "
	       "run out %lu\n",
		tally->calls, tally->calls_lost, tally->cut_offs, tally->frozen,
		tally->leases_expired);
	printf("sources silent %lu times, replicas lost %lu, disks full %lu, clock jumps %lu, "
	       "changes by strangers %lu, host keys changed %lu\n",
		tally->stale_spells, tally->replicas_lost, tally->disks_full, tally->clock_jumps,
		tally->meddled, tally->keys_changed);
	for (int i = 0; i < FATE_COUNT; i++)
		printf("%s%s %lu", i ? ", " : "requests: ", fates[i], tally->fates[i]);
	printf("\n");
}

static void print_codes(const char *what, const unsigned long counts[256])
{
	printf("%s:", what);
	for (int i = 0; i < 256; i++) {
		if (counts[i])
			printf(" %s %lu;", outcome_name((enum outcome_code)i), counts[i]);
	}
	printf("\n");
}

/* Every verb of the table must have been one. */
static void print_verbs(const struct tally *tally)
{
	static struct sim sim;
	world_act(&sim);
	printf("%-16s %9s %9s %9s\n", "verb", "planned", "begun", "done");
	for (size_t i = 0; i < sim.configs.count; i++)
		printf("%-16s %9lu %9lu %9lu\n", sim.actions[i].info.verb->name, tally->planned[i],
			tally->begun[i], tally->done[i]);
}

static void print_tally(const struct tally *tally)
{
	size_t count = 0;
	const struct guard_row *guards = guard_rows(&count);
	printf("plans %lu, refused %lu, undo plans %lu, runs %lu, requests %lu, settings "
	       "explained by a journal %lu\n",
		tally->plans, tally->refused, tally->undone, tally->started, tally->sends,
		tally->explained);
	printf("expired holds planned back %lu, kept %lu\n", tally->holds_reaped,
		tally->holds_kept);
	printf("runbooks %lu, gone on with after a crash %lu, not %lu; with a rollback %lu, "
	       "changes "
	       "taken back by one %lu\n",
		tally->books, tally->books_resumed, tally->books_not_resumed, tally->rollbacks,
		tally->book_undos);
	print_faults(tally);
	print_codes("runs came to", tally->outcomes);
	print_codes("runbooks came to", tally->book_ends);
	printf("blocked by:");
	for (size_t i = 0; i < count && i < 32; i++)
		printf(" %s %lu;", guards[i].name, tally->guards[i]);
	printf("\n");
	print_verbs(tally);
}

/* Where processes died: every step of the journal must have been one. */
static void print_deaths(const struct tally *tally)
{
	static const char *const points[CRASH_COUNT] = {NULL, "before write", "in write",
		"before sync", "after sync", "before send", "after send", NULL};
	static const char *const records[RECORD_COUNT] = {
		"other", "intent", "sent", "reply", "failed", "lost", "verify", "done"};
	printf("died%-10s", "");
	for (int r = 0; r < RECORD_COUNT; r++)
		printf(" %7s", records[r]);
	printf("\n");
	for (int p = 0; p < CRASH_COUNT; p++) {
		if (!points[p])
			continue;
		printf("  %-12s", points[p]);
		for (int r = 0; r < RECORD_COUNT; r++)
			printf(" %7lu", tally->died[p][r]);
		printf("\n");
	}
}

/* A file system in memory keeps the disk's pace out of it. */
static void make_directory(char out[64])
{
	snprintf(out, 64, "/dev/shm/spillway-sim-XXXXXX");
	if (mkdtemp(out))
		return;
	snprintf(out, 64, "/tmp/spillway-sim-XXXXXX");
	if (!mkdtemp(out)) {
		perror("sim-runs: a directory for the journal");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	unsigned long seeds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	unsigned long bad = 0;
	unsigned long violations = 0;
	struct tally tally = {0};
	char directory[64];
	make_directory(directory);
	for (unsigned long i = 0; i < seeds; i++) {
		unsigned found = run_seed(first + i, directory, seeds == 1, &tally);
		violations += found;
		bad += found > 0;
	}
	if (seeds == 1)
		printf("its journals: %s/journal*.jsonl\n", directory);
	else
		rmdir(directory);
	print_tally(&tally);
	print_deaths(&tally);
	printf("seeds %lu to %lu: %lu violations in %lu seeds\n", first, first + seeds - 1,
		violations, bad);
	return violations ? 1 : 0;
}
