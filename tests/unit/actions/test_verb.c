/* Every verb planned on the tiny fleet: what judges it, how long it holds, how it is taken back. */
#include "actions/config.h"

#include "tests/unit/actions/scene.h"

static const struct {
	const char *verb;
	enum signal reads;
	int on; /* 0 cluster, 1 replica, 2 service of the fleet */
	double from, to;
	const char *blocked_by; /* NULL: nothing */
	int64_t hold_ms;
	const char *line; /* of its request */
} cases[] = {
	{"pool.resize", SIGNAL_POOL_MAX, 0, 20, 30, NULL, 60000, "tcp://h:1 < east-a 30"},
	{"pool.resize", SIGNAL_POOL_MAX, 0, 20, 60, "step", 60000, "tcp://h:1 < east-a 60"},
	{"pool.pause", SIGNAL_POOL_PAUSED, 0, 0, 1, "blast-radius", 15000, "tcp://h:1 < east-a 1"},
	{"pool.resume", SIGNAL_POOL_PAUSED, 0, 1, 0, NULL, 0, "tcp://h:1 < east-a 0"},
	{"maxconn.set", SIGNAL_REPLICA_MAXCONN, 1, 40, 50, NULL, 60000, "tcp://h:1 < east-a 50"},
	{"maxconn.set", SIGNAL_REPLICA_MAXCONN, 1, 40, 30, NULL, 60000, "tcp://h:1 < east-a 30"},
	{"maxconn.set", SIGNAL_REPLICA_MAXCONN, 1, 40, 90, "step", 60000, "tcp://h:1 < east-a 90"},
	{"role.limit", SIGNAL_SERVICE_ROLE_LIMIT, 2, -1, 20, NULL, 60000, "tcp://h:1 < auth 20"},
	{"role.limit", SIGNAL_SERVICE_ROLE_LIMIT, 2, 20, 30, NULL, 60000, "tcp://h:1 < auth 30"},
	{"role.limit", SIGNAL_SERVICE_ROLE_LIMIT, 2, 20, -1, "step", 60000, "tcp://h:1 < auth -1"},
	{"retry.limit", SIGNAL_SERVICE_RETRY_LIMIT, 2, 0.2, 0.01, NULL, 0, "tcp://h:1 < auth 0.01"},
	{"retry.limit", SIGNAL_SERVICE_RETRY_LIMIT, 2, 0.2, 0.9, "step", 0, "tcp://h:1 < auth 0.9"},
	{"service.scale", SIGNAL_SERVICE_INSTANCES, 2, 4, 6, NULL, 60000, "tcp://h:1 < auth 6"},
	{"service.scale", SIGNAL_SERVICE_INSTANCES, 2, 4, 9, "step", 60000, "tcp://h:1 < auth 9"},
	{"silence", SIGNAL_CLUSTER_SILENCED, 0, 0, 1, NULL, 60000, "tcp://h:1 < east-a 1"},
	{"silence.end", SIGNAL_CLUSTER_SILENCED, 0, 1, 0, NULL, 0, "tcp://h:1 < east-a 0"},
};

struct desk {
	struct scene scene;
	uint32_t auth;
	struct guard_config limits;
	struct plan plan;
};

static void open_desk(struct desk *desk)
{
	scene_open(&desk->scene);
	ck_assert(fleet_intern(
		desk->scene.fleet, ENTITY_SERVICE, ENTITY_ROOT, "auth", &desk->auth, NULL));
	scene_seal(&desk->scene);
	desk->limits = scene_limits();
	plan_init(&desk->plan);
}

static void close_desk(struct desk *desk)
{
	plan_finish(&desk->plan);
	scene_close(&desk->scene);
}

static struct action_config action_of(const struct verb_row *verb)
{
	return (struct action_config){
		.info = {.name = "it", .verb = verb, .transport = "socket"},
		.road = ACTION_BY_SOCKET,
		.socket = {.address = "tcp://h:1", .send = "x", .timeout_ms = 1000},
	};
}

static const char *blockers(const struct plan *plan)
{
	static char text[256];
	text[0] = '\0';
	for (size_t i = 0; i < plan->verdict_count; i++) {
		const struct verdict *verdict = &plan->verdicts[i];
		if (verdict->kind == VERDICT_BLOCK || verdict->kind == VERDICT_UNKNOWN)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
				verdict->guard);
	}
	return text;
}

static void make(struct desk *desk, const struct action_config *action, uint32_t target, double to)
{
	struct error error = {0};
	const struct plan_facts facts = {.environment = "t", .armed = true, .journal_trouble = ""};
	ck_assert_msg(plan_make(action, &desk->limits, &facts, desk->scene.snapshot,
			      &desk->scene.assessment, target, to, desk->scene.now_ms, &desk->plan,
			      &error),
		"%s", error.text);
}

START_TEST(test_each)
{
	struct desk desk;
	char send[64];
	const struct verb_row *verb = verb_find(cases[_i].verb);
	open_desk(&desk);
	const uint32_t targets[] = {desk.scene.a, desk.scene.replicas[0][1], desk.auth};
	uint32_t target = targets[cases[_i].on];
	struct action_config action = action_of(verb);
	snprintf(send, sizeof(send), "{%s} {%s}", cases[_i].on == 2 ? "service" : "cluster",
		verb->parameter);
	action.socket.send = send;
	if (cases[_i].reads == SIGNAL_POOL_MAX)
		scene_read(&desk.scene, 100, 100, cases[_i].from);
	else
		scene_put(&desk.scene, target, cases[_i].reads, cases[_i].from);
	scene_seal(&desk.scene);
	make(&desk, &action, target, cases[_i].to);
	const char *found = blockers(&desk.plan);
	if (cases[_i].blocked_by)
		ck_assert_msg(
			strstr(found, cases[_i].blocked_by) != NULL, "%s: '%s'", verb->name, found);
	else
		ck_assert_msg(!desk.plan.blocked, "%s: '%s'", verb->name, found);
	ck_assert_int_eq(desk.plan.hold_ms, cases[_i].hold_ms);
	ck_assert_str_eq(desk.plan.requests[0].line, cases[_i].line);
	ck_assert_double_eq(desk.plan.from, cases[_i].from);
	/* What can take itself back says by which request; what cannot, that nothing does. */
	ck_assert_msg((desk.plan.undo_line[0] == '\0') == verb->is_fixed, "%s: '%s'", verb->name,
		desk.plan.undo_line);
	close_desk(&desk);
}
END_TEST

/* A value that cannot be read forbids every change but the end of what was begun. */
START_TEST(test_unknown_blocks)
{
	size_t count = 0;
	const struct verb_row *rows = verb_rows(&count);
	for (size_t i = 0; i < count; i++) {
		struct desk desk;
		if (!verb_is_complete(&rows[i]) || rows[i].reads == SIGNAL_POOL_MAX ||
			rows[i].reads == SIGNAL_CLUSTER_WEIGHT)
			continue;
		open_desk(&desk);
		uint32_t target = rows[i].target == ENTITY_CLUSTER   ? desk.scene.a
				  : rows[i].target == ENTITY_REPLICA ? desk.scene.replicas[0][0]
								     : desk.auth;
		struct action_config action = action_of(&rows[i]);
		make(&desk, &action, target, rows[i].is_fixed ? rows[i].fixed_to : 1);
		ck_assert_msg(desk.plan.blocked != rows[i].is_release, "%s: '%s'", rows[i].name,
			blockers(&desk.plan));
		close_desk(&desk);
	}
}
END_TEST

/* Nothing is known of a custom action but what it says itself. */
START_TEST(test_custom)
{
	struct desk desk;
	struct error error = {0};
	struct verb_row verb = *verb_find(VERB_CUSTOM);
	struct action_config action = action_of(&verb);
	const struct plan_facts facts = {.environment = "t", .armed = true, .journal_trouble = ""};
	open_desk(&desk);
	ck_assert(!verb_is_complete(&verb));
	ck_assert(!plan_make(&action, &desk.limits, &facts, desk.scene.snapshot,
		&desk.scene.assessment, desk.scene.a, 1, desk.scene.now_ms, &desk.plan, &error));
	verb.target = ENTITY_CLUSTER;
	verb.reads = SIGNAL_CLUSTER_WEIGHT;
	verb.class = CLASS_SHIFT;
	make(&desk, &action, desk.scene.a, 90);
	ck_assert_str_eq(blockers(&desk.plan), "capacity blast-radius ");
	ck_assert_ptr_nonnull(strstr(desk.plan.undo, "none"));
	verb.move = MOVE_NOTHING;
	make(&desk, &action, desk.scene.a, 90);
	ck_assert_str_eq(blockers(&desk.plan), "");
	action.undo_action = &action;
	make(&desk, &action, desk.scene.a, 90);
	ck_assert(desk.plan.undo_line[0]);
	close_desk(&desk);
}
END_TEST

/* A balancer's limit is weighed against the database only where no pool stands between them. */
START_TEST(test_limit_and_database)
{
	struct desk desk;
	struct action_config action = action_of(verb_find("maxconn.set"));
	open_desk(&desk);
	uint32_t replica = desk.scene.replicas[0][1];
	desk.limits.max_step = 10;
	scene_put(&desk.scene, replica, SIGNAL_REPLICA_MAXCONN, 40);
	scene_put(&desk.scene, replica, SIGNAL_REPLICA_CONNECTIONS_MAX, 15);
	scene_seal(&desk.scene);
	make(&desk, &action, replica, 50);
	ck_assert_str_eq(blockers(&desk.plan), "ledger "); /* the pool's 20 are more than 15 */
	scene_put(&desk.scene, replica, SIGNAL_REPLICA_CONNECTIONS_MAX, 60);
	scene_seal(&desk.scene);
	make(&desk, &action, replica, 300);
	ck_assert_str_eq(blockers(&desk.plan), "");
	close_desk(&desk);
}
END_TEST

static Suite *verb_suite(void)
{
	Suite *suite = suite_create("verb");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_each, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_unknown_blocks);
	tcase_add_test(tcase, test_custom);
	tcase_add_test(tcase, test_limit_and_database);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(verb_suite());
}
