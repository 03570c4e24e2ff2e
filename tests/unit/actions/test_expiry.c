#include "actions/expiry.h"

#include "tests/unit/actions/scene.h"

static struct hold hold_of(const char *verb, const char *target, double from, double to)
{
	struct hold hold = {.verb = verb_find(verb),
		.from = from,
		.to = to,
		.on_expiry = EXPIRY_REVERT_IF_HEALTHY,
		.set_ms = SCENE_NOW - 60000,
		.expires_ms = SCENE_NOW};
	snprintf(hold.run, sizeof(hold.run), "a-0001");
	snprintf(hold.target_path, sizeof(hold.target_path), "%s", target);
	return hold;
}

/* What is the matter, and whether that keeps a hold from being taken back. */
enum matter {
	MATTER_NOTHING,
	MATTER_WARNING,
	MATTER_CRITICAL,
	MATTER_WAITING,
	MATTER_STALE,
	MATTER_DOWN,
	MATTER_LAG,
	MATTER_OLD,
	MATTER_AGED,
	MATTER_BUSY,
	MATTER_QUEUE,
	MATTER_MOMENT,
	MATTER_FLEET,
	MATTER_BLIND,
};

static const struct {
	const char *verb, *target;
	double from, to;
	enum matter matter;
	enum health health;
	const char *words;
} cases[] = {
	{"cluster.divert", "east-a", 100, 80, MATTER_NOTHING, HEALTH_GOOD, "nobody waits"},
	{"cluster.divert", "east-a", 100, 80, MATTER_WARNING, HEALTH_GOOD, "nobody waits"},
	{"cluster.divert", "east-a", 100, 80, MATTER_CRITICAL, HEALTH_BAD, "east-a is in"},
	{"cluster.divert", "east-a", 100, 80, MATTER_WAITING, HEALTH_BAD, "7 clients wait"},
	{"cluster.divert", "east-a", 100, 80, MATTER_STALE, HEALTH_UNKNOWN, "not known"},
	{"cluster.divert", "east-z", 100, 80, MATTER_NOTHING, HEALTH_UNKNOWN, "not in the fleet"},
	{"replica.drain", "east-a/r1", 0, 1, MATTER_NOTHING, HEALTH_GOOD, "r1 is up"},
	{"replica.drain", "east-a/r1", 0, 1, MATTER_DOWN, HEALTH_BAD, "r1 is down"},
	{"replica.drain", "east-a/r1", 0, 1, MATTER_LAG, HEALTH_BAD, "60 s behind"},
	{"replica.drain", "east-a/r1", 0, 1, MATTER_OLD, HEALTH_UNKNOWN, "not known"},
	{"replica.drain", "east-a/r1", 0, 1, MATTER_AGED, HEALTH_UNKNOWN, "not known"},
	{"pool.resize", "east-a", 12, 20, MATTER_AGED, HEALTH_UNKNOWN, "not known"},
	{"replica.drain", "east-a/r1", 0, 1, MATTER_CRITICAL, HEALTH_GOOD, "is up"},
	{"pool.resize", "east-a", 12, 20, MATTER_NOTHING, HEALTH_GOOD, "fits the old size"},
	{"pool.resize", "east-a", 12, 20, MATTER_BUSY, HEALTH_BAD, "r1 has 12"},
	{"pool.resize", "east-a", 12, 20, MATTER_QUEUE, HEALTH_BAD, "r1 has 13"},
	{"pool.resize", "east-a", 12, 20, MATTER_MOMENT, HEALTH_GOOD, "fits the old size"},
	{"pool.resize", "east-a", 12, 20, MATTER_OLD, HEALTH_UNKNOWN, "no pool of east-a"},
	{"pool.resize", "east-a", 30, 20, MATTER_BUSY, HEALTH_GOOD, "nobody waits"},
	{"custom", "", 1, 2, MATTER_NOTHING, HEALTH_GOOD, "not critical"},
	{"custom", "", 1, 2, MATTER_FLEET, HEALTH_BAD, "fleet is critical"},
	{"custom", "", 1, 2, MATTER_BLIND, HEALTH_UNKNOWN, "not known"},
};

static void set_matter(struct scene *scene, enum matter matter)
{
	struct cluster_assessment *row = &scene->assessment.clusters[0];
	uint32_t replica = scene->replicas[0][0];
	if (matter == MATTER_WARNING)
		row->severity = SEVERITY_WARNING;
	if (matter == MATTER_CRITICAL)
		row->severity = SEVERITY_CRITICAL;
	if (matter == MATTER_WAITING)
		row->waiting = 7;
	if (matter == MATTER_STALE)
		row->stale = true;
	if (matter == MATTER_DOWN)
		scene_put(scene, replica, SIGNAL_REPLICA_UP, 0);
	if (matter == MATTER_LAG)
		scene_put(scene, replica, SIGNAL_REPLICA_LAG, 60);
	if (matter == MATTER_BUSY)
		scene_put(scene, replica, SIGNAL_POOL_BUSY, 12);
	if (matter == MATTER_MOMENT)
		scene_put(scene, replica, SIGNAL_POOL_USED, 20);
	if (matter == MATTER_QUEUE)
		scene_put(scene, replica, SIGNAL_POOL_WAITING, 3);
	if (matter == MATTER_OLD)
		scene_advance(scene, 6000);
	/* Good enough to be shown, not to be decided on. */
	if (matter == MATTER_AGED)
		scene_advance(scene, 1200);
	if (matter == MATTER_FLEET)
		scene->assessment.severity = SEVERITY_CRITICAL;
	if (matter == MATTER_BLIND)
		scene->assessment.severity = SEVERITY_UNKNOWN;
	scene_seal(scene);
}

START_TEST(test_health)
{
	struct scene scene;
	char why[ACTION_TEXT_BYTES] = "";
	struct guard_config limits = scene_limits();
	limits.max_age_ms = 1000;
	scene_open(&scene);
	uint32_t service = ENTITY_NONE;
	ck_assert(fleet_intern(scene.fleet, ENTITY_SERVICE, ENTITY_ROOT, "auth", &service, NULL));
	set_matter(&scene, cases[_i].matter);
	struct hold hold = hold_of(cases[_i].verb, cases[_i].target, cases[_i].from, cases[_i].to);
	struct verb_row whole = *hold.verb;
	if (!cases[_i].target[0]) {
		whole.target = ENTITY_SERVICE;
		hold.verb = &whole;
		snprintf(hold.target_path, sizeof(hold.target_path), "auth");
	}
	enum health health =
		expiry_health(&hold, &limits, scene.snapshot, &scene.assessment, scene.now_ms, why);
	ck_assert_msg(health == cases[_i].health, "case %d: %d: %s", _i, (int)health, why);
	ck_assert_msg(strstr(why, cases[_i].words) != NULL, "case %d: '%s' not in '%s'", _i,
		cases[_i].words, why);
	scene_close(&scene);
}
END_TEST

static const struct {
	enum expiry_policy policy;
	int put_offs;
	bool is_blocked;
	enum health health;
	enum expiry_order order;
} orders[] = {
	{EXPIRY_REVERT, 0, false, HEALTH_BAD, EXPIRY_TAKE_BACK},
	{EXPIRY_REVERT, 0, true, HEALTH_GOOD, EXPIRY_KEEP},
	{EXPIRY_REVERT_IF_HEALTHY, 0, false, HEALTH_GOOD, EXPIRY_TAKE_BACK},
	{EXPIRY_REVERT_IF_HEALTHY, 0, true, HEALTH_GOOD, EXPIRY_PUT_OFF},
	{EXPIRY_REVERT_IF_HEALTHY, 0, false, HEALTH_BAD, EXPIRY_PUT_OFF},
	{EXPIRY_REVERT_IF_HEALTHY, 2, false, HEALTH_UNKNOWN, EXPIRY_PUT_OFF},
	{EXPIRY_REVERT_IF_HEALTHY, 3, false, HEALTH_GOOD, EXPIRY_TAKE_BACK},
	{EXPIRY_REVERT_IF_HEALTHY, 3, false, HEALTH_UNKNOWN, EXPIRY_PAGE},
	{EXPIRY_REVERT_IF_HEALTHY, 4, false, HEALTH_GOOD, EXPIRY_PAGE},
	{EXPIRY_HOLD_AND_PAGE, 0, false, HEALTH_GOOD, EXPIRY_PAGE},
};

START_TEST(test_orders)
{
	struct hold hold = hold_of("cluster.divert", "east-a", 100, 80);
	hold.on_expiry = orders[_i].policy;
	hold.put_offs = orders[_i].put_offs;
	ck_assert_int_eq(
		expiry_decide(&hold, orders[_i].is_blocked, orders[_i].health), orders[_i].order);
}
END_TEST

START_TEST(test_defaults)
{
	static const struct {
		const char *verb;
		bool is_planted;
		enum expiry_policy policy;
	} rows[] = {
		{"cluster.divert", false, EXPIRY_REVERT_IF_HEALTHY},
		{"cluster.divert", true, EXPIRY_REVERT},
		{"replica.drain", false, EXPIRY_REVERT_IF_HEALTHY},
		{"pool.resize", false, EXPIRY_REVERT_IF_HEALTHY},
		{"pool.pause", false, EXPIRY_REVERT},
		{"silence", false, EXPIRY_REVERT},
		{"retry.limit", false, EXPIRY_REVERT},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(expiry_default(verb_find(rows[i].verb), rows[i].is_planted) ==
				      rows[i].policy,
			"%s", rows[i].verb);
}
END_TEST

static Suite *expiry_suite(void)
{
	Suite *suite = suite_create("expiry");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_health, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, test_orders, 0, sizeof(orders) / sizeof(orders[0]));
	tcase_add_test(tcase, test_defaults);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(expiry_suite());
}
