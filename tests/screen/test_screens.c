/*
 * Golden screens: every row is a scene, keys, a size, and the file that holds what must be seen.
 * SPILLWAY_GOLDEN_UPDATE=1 writes the files instead; read them before committing them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "tests/screen/scene.h"
#include "ui/canvas.h"
#include "ui/terminal.h"
#include "ui/theme.h"

#define SCREEN_BYTES (1024 * 1024)
#define PATH_BYTES 512

enum extra {
	EXTRA_NONE = 0,
	EXTRA_ARMED = 1,
	EXTRA_PLAN = 2,
	EXTRA_REFUSED = 4,
	EXTRA_VERIFYING = 8,
	EXTRA_UNICODE = 16,
	EXTRA_PROD = 32,
	EXTRA_HOLDS = 64,
};

struct screen_case {
	const char *name;
	void (*make)(struct scene *scene);
	unsigned extra;
	const char *keys; /* typed before the last frame; '\t' Tab, '\r' Enter, '\033' Esc */
	int columns, rows;
};

static const struct screen_case cases[] = {
	{"calm-80x24", scene_calm, 0, "", 80, 24},
	{"calm-120x40", scene_calm, 0, "", 120, 40},
	{"calm-200x50", scene_calm, 0, "", 200, 50},
	{"calm-60x15", scene_calm, 0, "", 60, 15},
	{"calm-40x10", scene_calm, 0, "", 40, 10},
	{"calm-unicode-80x24", scene_calm, EXTRA_UNICODE, "", 80, 24},
	{"empty-80x24", scene_empty, 0, "", 80, 24},
	{"saturation-80x24", scene_saturation, 0, "", 80, 24},
	{"saturation-120x40", scene_saturation, 0, "", 120, 40},
	{"saturation-200x50", scene_saturation, EXTRA_ARMED, "", 200, 50},
	{"saturation-60x15", scene_saturation, 0, "", 60, 15},
	{"saturation-40x10", scene_saturation, 0, "", 40, 10},
	{"saturation-unicode-120x40", scene_saturation, EXTRA_UNICODE, "", 120, 40},
	{"saturation-prod-80x24", scene_saturation, EXTRA_ARMED | EXTRA_PROD, "", 80, 24},
	{"metastable-80x24", scene_metastable, EXTRA_ARMED, "", 80, 24},
	{"metastable-120x40", scene_metastable, EXTRA_ARMED, "", 120, 40},
	{"metastable-200x50", scene_metastable, EXTRA_ARMED, "", 200, 50},
	{"stale-80x24", scene_stale, 0, "", 80, 24},
	{"stale-120x40", scene_stale, 0, "", 120, 40},
	{"unseen-80x24", scene_unseen, 0, "", 80, 24},
	{"many-80x24", scene_many, 0, "", 80, 24},
	{"many-200x50", scene_many, 0, "", 200, 50},
	{"many-filter-80x24", scene_many, 0, "/west\r", 80, 24},
	{"filter-typing-80x24", scene_many, 0, "/!east", 80, 24},
	{"cluster-80x24", scene_saturation, 0, "\r", 80, 24},
	{"cluster-120x40", scene_saturation, 0, "\r", 120, 40},
	{"menu-80x24", scene_saturation, 0, "a", 80, 24},
	{"value-80x24", scene_saturation, 0, "a\r", 80, 24},
	{"plan-80x24", scene_saturation, EXTRA_ARMED | EXTRA_PLAN, "a\r\r", 80, 24},
	{"plan-run-80x24", scene_saturation, EXTRA_ARMED | EXTRA_PLAN, "a\r\r\twaits\t", 80, 24},
	{"plan-readonly-120x40", scene_saturation, EXTRA_PLAN, "a\r\r", 120, 40},
	{"plan-prod-80x24", scene_saturation, EXTRA_ARMED | EXTRA_PLAN | EXTRA_PROD, "a\r\r", 80,
		24},
	{"plan-60x15", scene_saturation, EXTRA_ARMED | EXTRA_PLAN, "a\r\r", 60, 15},
	{"plan-refused-80x24", scene_saturation, EXTRA_ARMED | EXTRA_REFUSED, "a\r\02560\r", 80,
		24},
	{"plan-refused-120x40", scene_saturation, EXTRA_ARMED | EXTRA_REFUSED, "a\r\02560\r", 120,
		40},
	{"verifying-80x24", scene_saturation, EXTRA_ARMED | EXTRA_PLAN | EXTRA_VERIFYING,
		"a\r\r\t\t\r", 80, 24},
	{"journal-80x24", scene_metastable, 0, "l", 80, 24},
	{"journal-120x40", scene_metastable, 0, "l", 120, 40},
	{"runs-80x24", scene_metastable, 0, "r", 80, 24},
	{"errors-80x24", scene_stale, 0, "e", 80, 24},
	{"sources-80x24", scene_stale, 0, "s", 80, 24},
	{"why-80x24", scene_saturation, 0, "w", 80, 24},
	{"why-end-80x24", scene_saturation, 0, "wGk", 80, 24},
	{"why-120x40", scene_metastable, 0, "w", 120, 40},
	{"why-calm-80x24", scene_calm, 0, "w", 80, 24},
	{"why-empty-80x24", scene_empty, 0, "w", 80, 24},
	{"holds-80x24", scene_metastable, EXTRA_HOLDS, "H", 80, 24},
	{"holds-120x40", scene_metastable, EXTRA_HOLDS, "H", 120, 40},
	{"holds-none-80x24", scene_calm, 0, "H", 80, 24},
	{"peer-120x40", scene_metastable, EXTRA_HOLDS, "", 120, 40},
	{"help-80x24", scene_calm, 0, "?", 80, 24},
	{"help-120x40", scene_calm, 0, "?G", 120, 40},
	{"palette-80x24", scene_calm, 0, ":jo", 80, 24},
	{"arm-80x24", scene_calm, EXTRA_PROD, "A", 80, 24},
	{"arm-never-80x24", scene_calm, 0, "u", 80, 24},
};

static struct terminal *open_memory(int columns, int rows, bool ascii)
{
	struct error error = {0};
	struct terminal *terminal = terminal_open_memory(
		&(struct terminal_options){.theme = theme_builtin("default"), .ascii = ascii},
		columns, rows, &error);
	ck_assert_msg(terminal != NULL, "%s", error.text);
	return terminal;
}

static void compare(const char *name, const struct text *seen)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof path, "%s/tests/screen/golden/%s.txt", TEST_SOURCE_DIR, name);
	ck_assert(text_ok(seen));
	if (getenv("SPILLWAY_GOLDEN_UPDATE")) {
		FILE *file = fopen(path, "w");
		ck_assert_msg(file != NULL, "cannot write %s", path);
		ck_assert_uint_eq(fwrite(seen->bytes, 1, seen->length, file), seen->length);
		ck_assert_int_eq(fclose(file), 0);
		return;
	}
	static char expected[SCREEN_BYTES];
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot read %s", path);
	size_t length = fread(expected, 1, sizeof expected - 1, file);
	fclose(file);
	expected[length] = '\0';
	ck_assert_msg(strcmp(expected, text_string(seen)) == 0,
		"%s differs.\n--- expected\n%s--- seen\n%s", path, expected, text_string(seen));
}

static void prepare(struct scene *scene, unsigned extra)
{
	if (extra & EXTRA_HOLDS)
		scene_add_holds(scene);
	if (extra & EXTRA_PROD)
		scene->model.environment = scene->wall.environment = "prod";
	if (extra & EXTRA_ARMED)
		scene_arm(scene);
	if (extra & (EXTRA_PLAN | EXTRA_REFUSED))
		scene_add_plan(scene, extra & EXTRA_REFUSED);
}

START_TEST(golden_screen)
{
	const struct screen_case *screen = &cases[_i];
	struct scene scene;
	screen->make(&scene);
	prepare(&scene, screen->extra);
	struct terminal *terminal =
		open_memory(screen->columns, screen->rows, !(screen->extra & EXTRA_UNICODE));
	struct console *console = console_create();
	ck_assert_ptr_nonnull(console);
	console_draw(console, &scene.model, terminal_canvas(terminal));
	for (const char *key = screen->keys; *key; key++) {
		console_key(console, (uint32_t)*key, &scene.model);
		console_draw(console, &scene.model, terminal_canvas(terminal));
	}
	if (screen->extra & EXTRA_VERIFYING) {
		scene_add_run(&scene, RUN_VERIFYING, OUTCOME_DONE);
		console_draw(console, &scene.model, terminal_canvas(terminal));
	}
	struct text seen;
	text_init(&seen, SCREEN_BYTES);
	canvas_capture(terminal_canvas(terminal), &seen);
	compare(screen->name, &seen);
	text_finish(&seen);
	console_destroy(console);
	terminal_close(terminal);
	scene_finish(&scene);
}
END_TEST

struct wall_case {
	const char *name;
	void (*make)(struct scene *scene);
	int64_t late_ms; /* how much later it is drawn */
	unsigned extra;
	int columns, rows;
};

static const struct wall_case wall_cases[] = {
	{"wall-calm-200x50", scene_calm, 0, 0, 200, 50},
	{"wall-calm-80x24", scene_calm, 0, 0, 80, 24},
	{"wall-critical-200x50", scene_saturation, 0, EXTRA_PROD, 200, 50},
	{"wall-critical-unicode-200x50", scene_saturation, 0, EXTRA_UNICODE, 200, 50},
	{"wall-critical-120x40", scene_saturation, 0, 0, 120, 40},
	{"wall-critical-80x24", scene_saturation, 0, 0, 80, 24},
	{"wall-critical-60x15", scene_saturation, 0, 0, 60, 15},
	{"wall-critical-40x10", scene_saturation, 0, 0, 40, 10},
	{"wall-many-200x50", scene_many, 0, 0, 200, 50},
	{"wall-stale-200x50", scene_saturation, 41000, 0, 200, 50},
	{"wall-stale-80x24", scene_saturation, 41000, 0, 80, 24},
	{"wall-stale-40x10", scene_saturation, 41000, 0, 40, 10},
	{"wall-empty-80x24", scene_empty, 0, 0, 80, 24},
};

START_TEST(golden_wall)
{
	const struct wall_case *wall = &wall_cases[_i];
	struct scene scene;
	wall->make(&scene);
	prepare(&scene, wall->extra);
	scene.wall.now_ms += wall->late_ms;
	struct terminal *terminal =
		open_memory(wall->columns, wall->rows, !(wall->extra & EXTRA_UNICODE));
	wall_draw(&scene.wall, terminal_canvas(terminal));
	ck_assert(wall_is_stale(&scene.wall) == (wall->late_ms > 0 || !scene.wall.assessment));
	struct text seen;
	text_init(&seen, SCREEN_BYTES);
	canvas_capture(terminal_canvas(terminal), &seen);
	compare(wall->name, &seen);
	text_finish(&seen);
	terminal_close(terminal);
	scene_finish(&scene);
}
END_TEST

/* Any size: no harm, and never a number of columns that shifts a row. */
START_TEST(any_size_is_drawn)
{
	static void (*const scenes[])(struct scene *) = {
		scene_calm, scene_metastable, scene_stale, scene_many, scene_empty};
	static const char *const keys[] = {
		"", "\r", "a", "a\r", "a\r\r", "l", "r", "s", "?", "A", ":"};
	struct scene scene;
	scenes[_i](&scene);
	scene_add_plan(&scene, _i % 2 == 0);
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		for (int size = 1; size < 240; size += size < 20 ? 1 : 13) {
			struct terminal *terminal =
				open_memory(size, (size * 7) % 61 + 1, size % 2);
			struct console *console = console_create();
			for (const char *key = keys[k]; *key; key++) {
				console_draw(console, &scene.model, terminal_canvas(terminal));
				console_key(console, (uint32_t)*key, &scene.model);
			}
			console_draw(console, &scene.model, terminal_canvas(terminal));
			wall_draw(&scene.wall, terminal_canvas(terminal));
			console_destroy(console);
			terminal_close(terminal);
		}
	}
	scene_finish(&scene);
}
END_TEST

struct plain_case {
	const char *name;
	void (*make)(struct scene *scene);
};

static const struct plain_case plain_cases[] = {
	{"plain-calm", scene_calm},
	{"plain-metastable", scene_metastable},
	{"plain-stale", scene_stale},
	{"plain-empty", scene_empty},
};

START_TEST(golden_plain)
{
	struct scene scene;
	plain_cases[_i].make(&scene);
	struct text seen;
	text_init(&seen, SCREEN_BYTES);
	console_plain(&scene.model, &seen);
	compare(plain_cases[_i].name, &seen);
	text_finish(&seen);
	scene_finish(&scene);
}
END_TEST

static Suite *screens_suite(void)
{
	Suite *suite = suite_create("screens");
	TCase *tcase = tcase_create("golden");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, golden_screen, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(tcase, golden_wall, 0, sizeof wall_cases / sizeof *wall_cases);
	tcase_add_loop_test(tcase, golden_plain, 0, sizeof plain_cases / sizeof *plain_cases);
	tcase_add_loop_test(tcase, any_size_is_drawn, 0, 5);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(screens_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
