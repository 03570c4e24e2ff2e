#include "backends/sim/model_fleet_file.h"

#include "core/base/arena.h"
#include "core/base/yaml.h"
#include "tests/unit/sim/suite.h"

/* The files written for visitors are YAML that the common reader takes, with everything in them. */
START_TEST(fleet_files_are_whole)
{
	struct scenario scenario = shipped("replica-loss");
	struct fleet_ports ports = {.http = 4001, .ssh = 2201};
	struct complaints complaints;
	struct text text;
	struct arena *arena = arena_create(1 << 22);
	complaints_init(&complaints);
	text_init(&text, 1 << 20);
	for (int i = 0; i < 3; i++) {
		text_clear(&text);
		if (i == 0)
			fleet_file_direct(&scenario, &ports, &text);
		else if (i == 1)
			fleet_file_prometheus(&scenario, &ports, &text);
		else
			fleet_file_scrape(&ports, &text);
		const struct yaml_node *root =
			yaml_parse(arena, "written", text_string(&text), text.length, &complaints);
		ck_assert_ptr_nonnull(root);
		ck_assert_uint_eq(complaints.total, 0);
		if (i == 2)
			break;
		const struct yaml_node *sources = yaml_get(root, "sources");
		ck_assert_uint_eq(sources->count, i == 0 ? 5 : 1);
		if (i == 0)
			ck_assert_uint_eq(
				yaml_get(yaml_get(sources, "replicas"), "targets")->count, 16);
		ck_assert_uint_eq(yaml_get(root, "signals")->count, i == 0 ? 15 : 17);
		ck_assert_uint_eq(yaml_get(yaml_get(root, "fleet"), "clusters")->count, 4);
		ck_assert_uint_eq(yaml_get(root, "actions")->count, 2);
		ck_assert_ptr_nonnull(yaml_get(root, "guards"));
		ck_assert_ptr_nonnull(yaml_get(root, "journal"));
	}
	text_finish(&text);
	complaints_finish(&complaints);
	arena_destroy(arena);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {fleet_files_are_whole};
	return suite_run(suite_of("fleet file", tests, COUNT_OF(tests)));
}
