#include "backends/sim/model_shell.h"

#include "tests/unit/sim/suite.h"

static const struct {
	const char *line;
	int status;
	const char *out, *err; /* somewhere in what is printed; NULL: nothing is */
	int64_t size;          /* of east-a's pools afterwards */
} lines[] = {
	{"psql -h east-a -p 6432 pgbouncer -c 'SET default_pool_size = 30'", 0, "SET\n", NULL, 30},
	{"  psql -heast-a -p6432 -d pgbouncer -c \"set DEFAULT_POOL_SIZE=31;\" ", 0, "SET\n", NULL,
		31},
	{"psql -XAtq -U ops -h east-a -p 6432 pgbouncer -c \"SET default_pool_size TO '32'\"", 0,
		"SET\n", NULL, 32},
	{"psql -h east-b -p 6432 pgbouncer -c 'SET default_pool_size = 30'", 0, "SET\n", NULL, 20},
	{"psql -h east-a -p 6432 pgbouncer -c SHOW\\ CONFIG", 0, "default_pool_size | 20 ", NULL,
		20},
	{"psql -h east-a -p 6432 pgbouncer -c 'show pools;'", 0, "sessions_r4", NULL, 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SET default_pool_size = 0'", 1, NULL, "ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SET default_pool_size = -5'", 1, NULL,
		"ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SET default_pool_size = 99999999999999999999'", 1,
		NULL, "ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SET default_pool_size = 3O'", 1, NULL,
		"ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SET default_pool_size'", 1, NULL, "ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SET default_pool_sizes = 3'", 1, NULL,
		"ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SHOW CONFIG now'", 1, NULL, "ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'KILL sessions'", 1, NULL, "ERROR: ", 20},
	{"psql -h east-a -p 6432 pgbouncer", 1, NULL, "-c", 20},
	{"psql -h east-a -p 6432 pgbouncer -f x", 1, NULL, "invalid option", 20},
	{"psql -h east-z -p 6432 pgbouncer -c 'SHOW CONFIG'", 2, NULL, "east-z", 20},
	{"psql -h east-a -p 5432 pgbouncer -c 'SHOW CONFIG'", 2, NULL, "refused", 20},
	{"psql -h east-a -p 6432 other -c 'SHOW CONFIG'", 2, NULL, "no such database", 20},
	{"psql -h east-a -p 6432 pgbouncer -c 'SHOW CONFIG", 2, NULL, "open quote", 20},
	{"rm -rf /", 127, NULL, "rm: not found", 20},
	{"/usr/bin/psql -h east-a", 127, NULL, "not found", 20},
	{"", 127, NULL, "not found", 20},
};

START_TEST(each_line_ends_as_written)
{
	struct scenario scenario = shipped("calm");
	struct model *model = started(&scenario, 1);
	struct text out, err;
	text_init(&out, 65536);
	text_init(&err, 65536);
	model_advance(model, 1000);
	int status = shell_run(model, lines[_i].line, &out, &err);
	ck_assert_msg(
		status == lines[_i].status, "%s: %d %s", lines[_i].line, status, text_string(&err));
	ck_assert_msg(
		lines[_i].out ? strstr(text_string(&out), lines[_i].out) != NULL : out.length == 0,
		"%s", text_string(&out));
	ck_assert_msg(
		lines[_i].err ? strstr(text_string(&err), lines[_i].err) != NULL : err.length == 0,
		"%s", text_string(&err));
	ck_assert_int_eq(model_pool_size(model, 0), lines[_i].size);
	text_finish(&out);
	text_finish(&err);
	model_destroy(model);
}
END_TEST

START_TEST(a_line_too_long_is_refused)
{
	struct scenario scenario = shipped("calm");
	struct model *model = started(&scenario, 1);
	struct text out, err;
	char line[SHELL_LINE_BYTES + 100];
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\0';
	text_init(&out, 65536);
	text_init(&err, 65536);
	ck_assert_int_ne(shell_run(model, line, &out, &err), 0);
	text_clear(&err);
	for (size_t i = 0; i + 1 < 200; i++)
		line[i] = i % 2 ? ' ' : 'a';
	line[200] = '\0';
	ck_assert_int_ne(shell_run(model, line, &out, &err), 0);
	text_finish(&out);
	text_finish(&err);
	model_destroy(model);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_line_too_long_is_refused};
	Suite *suite = suite_of("shell", tests, COUNT_OF(tests));
	TCase *tcase = tcase_create("lines");
	tcase_add_loop_test(tcase, each_line_ends_as_written, 0, COUNT_OF(lines));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
