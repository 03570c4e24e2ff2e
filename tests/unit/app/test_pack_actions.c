/* Actions of packs: what the fleet file says of the way, and what the pack says on it. */
#include "app/pack_actions.h"

#include "actions/config.h"
#include "core/base/arena.h"
#include "core/base/complaints.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "tests/unit/actions/scene.h"

struct merged {
	struct arena *arena;
	struct complaints complaints;
	struct action_configs configs;
	bool ok;
};

static void merge(struct merged *merged, const char *yaml)
{
	merged->arena = arena_create(1 << 22);
	complaints_init(&merged->complaints);
	const struct yaml_node *root =
		yaml_parse(merged->arena, "fleet.yaml", yaml, strlen(yaml), &merged->complaints);
	ck_assert_ptr_nonnull(root);
	const struct yaml_node *actions = yaml_get(root, "actions");
	merged->ok = pack_actions_merge(actions, merged->arena, &actions, &merged->complaints) &&
		     action_configs_read(actions, NULL, NULL, "/etc/fleet", "/tmp", merged->arena,
			     &merged->configs, &merged->complaints);
}

static void finish(struct merged *merged)
{
	complaints_finish(&merged->complaints);
	arena_destroy(merged->arena);
}

static const struct action_config *find(const struct merged *merged, const char *name)
{
	for (size_t i = 0; i < merged->configs.count; i++) {
		if (strcmp(merged->configs.rows[i].info.name, name) == 0)
			return &merged->configs.rows[i];
	}
	ck_abort_msg("no action %s", name);
	return NULL;
}

START_TEST(test_pgbouncer)
{
	struct merged merged;
	merge(&merged, "actions:\n"
		       "  own: {verb: cluster.divert, http: {url: 'http://h/{weight}'}}\n"
		       "  pools: {use: pgbouncer, sql: {url: 'postgresql://ops@h/pgbouncer', "
		       "timeout: 3s}}\n"
		       "  far: {use: pgbouncer, ssh: {host: '{cluster.pooler}', user: ops}}\n");
	ck_assert(merged.ok);
	ck_assert_uint_eq(merged.configs.count, 7);
	const struct action_config *pause = find(&merged, "pools-pause");
	ck_assert_str_eq(pause->info.verb->name, "pool.pause");
	ck_assert_str_eq(pause->sql.statement, "PAUSE {cluster.database}");
	ck_assert_str_eq(pause->sql.url, "postgresql://ops@h/pgbouncer");
	ck_assert_int_eq(pause->sql.timeout_ms, 3000); /* the fleet file's word goes before */
	ck_assert_ptr_eq(pause->undo_action, find(&merged, "pools-resume"));
	ck_assert_str_eq(find(&merged, "far-resize")->ssh.host, "{cluster.pooler}");
	ck_assert_ptr_eq(action_undo(pause), pause->undo_action);
	ck_assert_ptr_eq(action_undo(find(&merged, "far-resize")), find(&merged, "far-resize"));
	finish(&merged);
}
END_TEST

START_TEST(test_http)
{
	struct merged merged;
	merge(&merged, "actions:\n"
		       "  alerts: {use: alertmanager, http: {url: 'http://h:9093'}}\n"
		       "  deploy: {use: kubernetes, http: {url: 'https://k/d', bearer_file: t}}\n"
		       "  mesh: {use: envoy, http: {url: 'http://e:9901'}}\n");
	ck_assert(merged.ok);
	const struct action_config *silence = find(&merged, "alerts-silence");
	ck_assert_str_eq(silence->http.url, "http://h:9093/api/v2/silences");
	ck_assert_str_eq(silence->http.keep, "/silenceID");
	ck_assert_str_eq(
		find(&merged, "alerts-unsilence")->http.url, "http://h:9093/api/v2/silence/{kept}");
	const struct action_config *scale = find(&merged, "deploy-scale");
	ck_assert_str_eq(scale->http.url, "https://k/d/{service}/scale");
	ck_assert_str_eq(scale->http.read_url, scale->http.url);
	ck_assert_str_eq(scale->http.read_revision, "/metadata/resourceVersion");
	ck_assert_str_eq(scale->http.content_type, "application/merge-patch+json");
	ck_assert_str_eq(scale->http.bearer_file, "/etc/fleet/t");
	ck_assert_str_eq(scale->http.json,
		"{\"metadata\":{\"resourceVersion\":\"{revision}\"},\"spec\":{\"replicas\":"
		"{instances}}}");
	ck_assert_ptr_nonnull(strstr(find(&merged, "mesh-retries")->http.url, "{percent}"));
	finish(&merged);
}
END_TEST

/* Every pack that has actions has good ones, by every way it knows. */
START_TEST(test_every_pack)
{
	static const char *const lines[] = {
		"{use: pgbouncer, sql: {url: 'postgresql://h/x'}}",
		"{use: pgbouncer, ssh: {host: h, user: u}}",
		"{use: haproxy, socket: {address: 'tcp://h:9'}}",
		"{use: haproxy, socket: {address: 'unix:///run/haproxy/admin.sock'}}",
		"{use: haproxy, ssh: {host: h, user: u}}",
		"{use: postgres, sql: {url: 'postgresql://h/x'}}",
		"{use: postgres, ssh: {host: h, user: u}}",
	};
	char yaml[256];
	struct merged merged;
	snprintf(yaml, sizeof(yaml), "actions: {x: %s}", lines[_i]);
	merge(&merged, yaml);
	ck_assert_msg(merged.ok && merged.configs.count > 0, "%s", lines[_i]);
	finish(&merged);
}
END_TEST

static const struct {
	const char *line, *words;
} bad[] = {
	{"{use: pgbuncer, sql: {url: 'postgresql://h/x'}}", "did you mean 'pgbouncer'"},
	{"{use: pgbouncer}", "one of http, ssh, socket and sql"},
	{"{use: pgbouncer, sql: {url: 'postgresql://h/x'}, ssh: {host: h, user: u}}",
		"one of http, ssh, socket and sql"},
	{"{use: pgbouncer, verb: pool.resize, sql: {url: 'postgresql://h/x'}}", "one of http"},
	{"{use: pgbouncer, sql: x}", "one of http, ssh, socket and sql"},
	{"{use: pgbouncer, http: {url: 'http://h'}}", "no action that is done by http"},
	{"{use: node_exporter, ssh: {host: h, user: u}}", "no action that is done by ssh"},
	{"{use: pgbouncer, sql: {url: 'http://h/x'}}", "begins with postgresql://"},
	{"{use: [pgbouncer], sql: {url: 'postgresql://h/x'}}", "the pack's name"},
};

START_TEST(test_bad)
{
	char yaml[256];
	struct merged merged;
	struct text text;
	snprintf(yaml, sizeof(yaml), "actions: {x: %s}", bad[_i].line);
	merge(&merged, yaml);
	text_init(&text, 65536);
	complaints_print(&merged.complaints, &text);
	ck_assert_msg(!merged.ok && strstr(text_string(&text), bad[_i].words), "%s: %s",
		bad[_i].line, text_string(&text));
	text_finish(&text);
	finish(&merged);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack_actions");
	TCase *tcase = tcase_create("all");
	setenv("SPILLWAY_SHARE", TEST_SOURCE_DIR "/share", 1);
	tcase_add_test(tcase, test_pgbouncer);
	tcase_add_test(tcase, test_http);
	tcase_add_loop_test(tcase, test_every_pack, 0, 7);
	tcase_add_loop_test(tcase, test_bad, 0, sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
