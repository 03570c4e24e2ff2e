#include "actions/config.h"

#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "tests/unit/actions/scene.h"

struct config_reading {
	struct arena *arena;
	struct complaints complaints;
	struct action_configs configs;
	bool ok;
};

static void read_config(struct config_reading *reading, const char *yaml)
{
	reading->arena = arena_create(1024 * 1024);
	complaints_init(&reading->complaints);
	const struct yaml_node *root =
		yaml_parse(reading->arena, "fleet.yaml", yaml, strlen(yaml), &reading->complaints);
	ck_assert_ptr_nonnull(root);
	reading->ok = action_configs_read(yaml_get(root, "actions"), yaml_get(root, "guards"),
		yaml_get(root, "journal"), "/etc/fleet", "/home/op/.local/state/spillway",
		reading->arena, &reading->configs, &reading->complaints);
}

static void finish(struct config_reading *reading)
{
	complaints_finish(&reading->complaints);
	arena_destroy(reading->arena);
}

START_TEST(test_good_file)
{
	struct config_reading reading;
	read_config(&reading,
		"actions:\n"
		"  scale-pool:\n"
		"    verb: pool.resize\n"
		"    ssh: {host: 127.0.0.1, port: 2201, user: ops, identity_file: key,\n"
		"          known_hosts_file: known_hosts, command: \"psql -h {cluster} -c 'SET x = "
		"{size}'\", timeout: 10s}\n"
		"  divert:\n"
		"    verb: cluster.divert\n"
		"    http: {url: \"http://127.0.0.1:4000/c/{cluster}/weight\", bearer_file: "
		"/run/t,\n"
		"           json: {weight: \"{weight}\", note: \"to {weight}\", n: 3, s: \"3\", b: "
		"true, l: [a]}}\n"
		"guards: {ceiling: 80%, max_step: 1.5x, max_divert: 10%, max_age: 3s, cooldown: "
		"10s, "
		"verify_within: 30s}\n");
	ck_assert(reading.ok);
	ck_assert_uint_eq(reading.configs.count, 2);
	const struct action_config *scale = &reading.configs.rows[0];
	ck_assert_str_eq(scale->info.name, "scale-pool");
	ck_assert_str_eq(scale->info.transport, "ssh");
	ck_assert_str_eq(scale->ssh.identity_file, "/etc/fleet/key");
	ck_assert_str_eq(scale->ssh.known_hosts_file, "/etc/fleet/known_hosts");
	ck_assert_int_eq(scale->ssh.port, 2201);
	ck_assert_int_eq(scale->ssh.timeout_ms, 10000);
	const struct action_config *divert = &reading.configs.rows[1];
	ck_assert_str_eq(divert->http.method, "POST");
	ck_assert_str_eq(divert->http.bearer_file, "/run/t");
	ck_assert_str_eq(divert->http.json,
		"{\"weight\":{weight},\"note\":\"to {weight}\",\"n\":3,\"s\":\"3\",\"b\":true,"
		"\"l\":[\"a\"]}");
	const struct guard_config *guards = &reading.configs.guards;
	ck_assert_double_eq_tol(guards->ceiling, 0.8, 1e-9);
	ck_assert_double_eq_tol(guards->max_step, 1.5, 1e-9);
	ck_assert_double_eq_tol(guards->blast_radius, 0.3, 1e-9);
	ck_assert_int_eq(guards->plan_expires_ms, 60000);
	ck_assert_str_eq(
		reading.configs.journal_file, "/home/op/.local/state/spillway/journal.jsonl");
	finish(&reading);
}
END_TEST

START_TEST(test_nothing_given)
{
	struct config_reading reading;
	read_config(&reading, "journal: {file: here.jsonl}\n");
	ck_assert(reading.ok);
	ck_assert_uint_eq(reading.configs.count, 0);
	ck_assert_double_eq_tol(reading.configs.guards.ceiling, 0.85, 1e-9);
	ck_assert_int_eq(reading.configs.guards.cooldown_ms, 60000);
	ck_assert_str_eq(reading.configs.journal_file, "/etc/fleet/here.jsonl");
	finish(&reading);
}
END_TEST

START_TEST(test_form_and_headers)
{
	struct config_reading reading;
	read_config(&reading,
		"actions: {w: {verb: cluster.divert, http: {url: \"http://h/\", form: {\"a b\": "
		"\"x&y={{\", w: \"{weight}\"}, headers: {If-Match: \"*\", Idempotency-Key: "
		"\"spillway-{run}\"}}}}\n");
	ck_assert(reading.ok);
	const struct http_binding *http = &reading.configs.rows[0].http;
	ck_assert(http->is_form);
	ck_assert_str_eq(http->json, "a%20b=x%26y%3D%7B%7B&w={weight}");
	ck_assert_uint_eq(http->header_count, 2);
	ck_assert_str_eq(http->headers[1].name, "Idempotency-Key");
	ck_assert_str_eq(http->headers[1].value, "spillway-{run}");
	finish(&reading);
}
END_TEST

START_TEST(test_ways_of_ssh)
{
	struct config_reading reading;
	read_config(&reading,
		"actions:\n"
		"  a: {verb: pool.resize, ssh: {host: h, user: u, command: \"x {size}\", "
		"agent_socket: "
		"/run/agent,\n"
		"      jump: \"gate@{cluster.gate}:2200\", jump_identity_file: gate_key}}\n"
		"  b: {verb: pool.resize, ssh: {host: h, via: openssh, config_file: ssh_config, "
		"command: \"x {size}\"}}\n"
		"  c: {verb: pool.resize, ssh: {host: h, via: openssh, config_file: none, port: 9, "
		"command: \"x {size}\"}}\n");
	ck_assert(reading.ok);
	const struct ssh_binding *jumped = &reading.configs.rows[0].ssh;
	ck_assert_str_eq(jumped->jump, "gate@{cluster.gate}:2200");
	ck_assert_str_eq(jumped->jump_identity_file, "/etc/fleet/gate_key");
	ck_assert_str_eq(jumped->agent_socket, "/run/agent");
	ck_assert_int_eq(jumped->port, 0);
	ck_assert(!jumped->is_openssh);
	const struct ssh_binding *openssh = &reading.configs.rows[1].ssh;
	ck_assert(openssh->is_openssh);
	ck_assert_str_eq(openssh->config_file, "/etc/fleet/ssh_config");
	ck_assert_ptr_null(openssh->user);
	ck_assert_ptr_null(openssh->known_hosts_file);
	ck_assert_str_eq(reading.configs.rows[2].ssh.config_file, "none");
	ck_assert_int_eq(reading.configs.rows[2].ssh.port, 9);
	finish(&reading);
}
END_TEST

#define HTTP "http: {url: \"http://h/{weight}\"}"

static const struct {
	const char *yaml;
	const char *words;
} bad[] = {
	{"actions: [x]", "expected a mapping"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/\", json: {a: 1}, form: {a: "
	 "\"{weight}\"}}}}",
		"both json and form"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/{weight}\", form: [x]}}}",
		"names to values"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/{weight}\", headers: {A b: "
	 "x}}}}",
		"letters, digits and dashes"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/{weight}\", headers: "
	 "{authorization: x}}}}",
		"secrets come from files"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/{weight}\", headers: "
	 "{If-Match: \"{size}\"}}}}",
		"{size}"},
	{"actions: {a: {verb: replica.drain, undo: b, " HTTP "}}", "{weight}"},
	{"actions: {a: {verb: cluster.divert, undo: b, " HTTP "}}", "no action of that name"},
	{"actions: {a: {verb: cluster.divert, undo: a, " HTTP "}}", "does not take this one back"},
	{"guards: {freeze: {from: 2026-12-24T00:00:00Z}}", "expected a list"},
	{"guards: {freeze: [{from: 2026-12-24T00:00:00Z}]}", "until"},
	{"guards: {freeze: [{from: 2026-12-24T00:00:00Z, until: 2026-12-23T00:00:00Z}]}",
		"ends before"},
	{"guards: {freeze: [{from: 2026-12-24T00:00:00Z, until: 2026-12-25T00:00:00Z, "
	 "except_ticket: \"INC *\"}]}",
		"the form of a ticket"},
	{"actions: {a: {verb: cluster.divert, on_expiry: keep, " HTTP "}}", "revert_if_healthy"},
	{"actions: {a: {verb: pool.resize, on_expiry: hold_and_page, ssh: {host: h, user: u, "
	 "command: \"x {size}\", revert: {plant: at, read: r}}}}",
		"leave one of them out"},
	{"guards: {assert: {name: a, that: \"phase < 3\"}}", "expected a list"},
	{"guards: {assert: [{name: a}]}", "that"},
	{"guards: {assert: [{name: A b, that: \"phase < 3\"}]}", "lower-case"},
	{"guards: {assert: [{name: capacity, that: \"phase < 3\"}]}", "a guard of that name"},
	{"guards: {assert: [{name: a, that: \"phase < 3\"}, {name: a, that: \"phase < 4\"}]}",
		"an assertion of that name"},
	{"guards: {assert: [{name: a, that: \"phase <\"}]}", "column"},
	{"guards: {assert: [{name: a, that: \"fase < 3\"}]}", "fase"},
	{"guards: {assert: [{name: a, that: \"phase < 3\", on_unknown: go}]}", "stop"},
	{"guards: {brake: 0}", "brake"},
	{"actions: {a: {verb: cluster.divrt, " HTTP "}}", "cluster.divert"},
	{"actions: {a: {" HTTP "}}", "verb"},
	{"actions: {a: {verb: cluster.divert}}", "one of http, ssh"},
	{"actions: {a: {verb: cluster.divert, " HTTP ", ssh: {host: h, user: u, command: c}}}",
		"one of http, ssh"},
	{"actions: {A b: {verb: cluster.divert, " HTTP "}}", "lower-case"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"ftp://h/{weight}\"}}}", "http://"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://u:p@h/{weight}\"}}}",
		"basic_file"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/{size}\"}}}", "{size}"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/\"}}}", "new value"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/{weight}\", json: 3}}}",
		"mapping"},
	{"actions: {a: {verb: cluster.divert, http: {url: \"http://h/{weight}\", metod: PUT}}}",
		"method"},
	{"actions: {a: {verb: pool.resize, ssh: {host: h, user: u, command: \"x {size}\", port: "
	 "99999}}}",
		"port"},
	{"actions: {a: {verb: pool.resize, ssh: {host: h, user: u, command: ls}}}", "new value"},
	{"actions: {a: {verb: pool.resize, ssh: {host: h, command: \"x {size}\"}}}", "'user'"},
	{"actions: {a: {verb: pool.resize, ssh: {host: h, user: u, config_file: f, command: \"x "
	 "{size}\"}}}",
		"via: openssh"},
	{"actions: {a: {verb: pool.resize, ssh: {host: h, user: u, via: putty, command: \"x "
	 "{size}\"}}}",
		"openssh"},
	{"guards: {ceiling: 85}", "ceiling"},
	{"guards: {max_age: 5}", "max_age"},
	{"guards: {cielling: 85%}", "ceiling"},
	{"journal: {flie: x}", "file"},
};

START_TEST(test_bad_file)
{
	struct config_reading reading;
	struct text text;
	read_config(&reading, bad[_i].yaml);
	text_init(&text, 65536);
	complaints_print(&reading.complaints, &text);
	ck_assert_msg(!reading.ok && reading.complaints.total > 0, "%s passed", bad[_i].yaml);
	ck_assert_msg(strstr(text_string(&text), bad[_i].words) != NULL, "'%s' not in: %s",
		bad[_i].words, text_string(&text));
	text_finish(&text);
	finish(&reading);
}
END_TEST

START_TEST(test_tables)
{
	size_t count = 0;
	const struct outcome_row *rows = outcome_rows(&count);
	for (size_t i = 0; i < count; i++) {
		ck_assert(rows[i].name[0] && rows[i].means[0]);
		ck_assert_str_eq(outcome_name(rows[i].code), rows[i].name);
		for (size_t j = 0; j < i; j++)
			ck_assert_int_ne(rows[i].code, rows[j].code);
	}
	const struct verb_row *verbs = verb_rows(&count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_ptr_eq(verb_find(verbs[i].name), &verbs[i]);
		ck_assert(verbs[i].parameter[0] && verbs[i].help[0] && verbs[i].label[0]);
	}
	ck_assert_ptr_null(verb_find("cluster.explode"));
	struct text text;
	text_init(&text, 65536);
	action_configs_schema_action(&text);
	action_configs_schema_guards(&text);
	ck_assert(text_ok(&text) && text.length > 100);
	text_finish(&text);
}
END_TEST

static Suite *config_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, test_good_file);
	tcase_add_test(tcase, test_nothing_given);
	tcase_add_loop_test(tcase, test_bad_file, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, test_tables);
	tcase_add_test(tcase, test_form_and_headers);
	tcase_add_test(tcase, test_ways_of_ssh);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return scene_main(config_suite());
}
