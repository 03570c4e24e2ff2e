/* config_journal.c - the `journal:` and `coordination:` sections: what is recorded, and with whom
 * it is agreed. */
#include "actions/config_reader.h"

#include <string.h>
#include <unistd.h>

#include "actions/template.h"
#include "core/base/arena.h"
#include "core/base/digest.h"
#include "core/base/fields.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define ENDPOINTS_BYTES ((size_t)256 * 1024) /* of all actions' addresses together */

struct journal_fields {
	const char *file;
	struct signing_config signing;
};

static const struct field journal_rows[] = {
	{.key = "file",
		.type = FIELD_STRING,
		.offset = offsetof(struct journal_fields, file),
		.help = "where the journal is kept"},
	{.key = "sign_with",
		.type = FIELD_STRING,
		.offset = offsetof(struct journal_fields, signing.sign_with),
		.help = "SSH key that seals the journal and approvals: a private key, or with an "
			"agent its public half"},
	{.key = "allowed_signers",
		.type = FIELD_STRING,
		.offset = offsetof(struct journal_fields, signing.allowed_signers),
		.help = "whose seals and approvals are believed: a file as in ssh-keygen(1), with "
			"the operators' login names"},
	{.key = "anchor",
		.type = FIELD_BOOL,
		.offset = offsetof(struct journal_fields, signing.to_etcd),
		.fallback = "true",
		.help = "with coordination of kind etcd: keep the newest head there, where who "
			"writes the file cannot change it"},
	{.key = "syslog",
		.type = FIELD_BOOL,
		.offset = offsetof(struct journal_fields, signing.to_syslog),
		.fallback = "false",
		.help = "also tell the system log each head, where this machine's operators "
			"cannot rewrite it"},
	{.key = "syslog_socket",
		.type = FIELD_STRING,
		.offset = offsetof(struct journal_fields, signing.syslog_socket),
		.fallback = "/dev/log",
		.help = "where the system log listens"},
};

static const char *const kinds[] = {"file", "etcd", NULL};
static const char *const domains[] = {"fleet", "region", NULL};

struct coordination_fields {
	int kind, domain;
	const struct yaml_node *endpoints;
	struct coordination_config config;
};

#define COORDINATION_STRING(name, text)                                                     \
	{                                                                                   \
		.key = #name, .type = FIELD_STRING,                                         \
		.offset = offsetof(struct coordination_fields, config.name), .help = (text) \
	}

static const struct field coordination_rows[] = {
	{.key = "kind",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct coordination_fields, kind),
		.choices = kinds,
		.fallback = "file",
		.help = "how operators keep out of each other's way: locks on this machine, or an "
			"etcd for many machines"},
	COORDINATION_STRING(fleet,
		"the name under which they meet; default: from the addresses that actions reach"),
	{.key = "domain",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct coordination_fields, domain),
		.choices = domains,
		.fallback = "fleet",
		.help = "within what one change at a time is made: as far as traffic can move"},
	COORDINATION_STRING(directory, "kind file: where the locks are; default /run/lock"),
	{.key = "endpoints",
		.type = FIELD_NODE,
		.offset = offsetof(struct coordination_fields, endpoints),
		.help = "kind etcd: a list of URLs of its members, such as "
			"https://10.0.0.1:2379"},
	{.key = "ttl",
		.type = FIELD_DURATION,
		.offset = offsetof(struct coordination_fields, config.ttl_ms),
		.min = 3000,
		.max = 600000,
		.fallback = "15s",
		.help = "kind etcd: how long the lock outlives a console that died; longer where "
			"an action's own timeout needs it"},
	COORDINATION_STRING(ca_file, "certificate authorities to trust instead of the system's"),
	COORDINATION_STRING(client_cert_file, "certificate to present"),
	COORDINATION_STRING(client_key_file, "its key"),
};

static const struct yaml_node empty_mapping = {.kind = YAML_MAPPING, .file = "", .line = 0};

void journal_config_read(struct reader *reader, const struct yaml_node *node,
	const char *state_directory, struct action_configs *out)
{
	struct journal_fields fields = {.file = NULL};
	if (!fields_read(journal_rows, COUNT(journal_rows), node, "journal", &fields, reader->arena,
		    reader->complaints))
		reader->ok = false;
	if (fields.file)
		action_resolve(reader, node, &fields.file);
	else
		fields.file = action_keep(reader, &empty_mapping,
			arena_printf(reader->arena, "%s/journal.jsonl", state_directory));
	action_resolve(reader, node, &fields.signing.sign_with);
	action_resolve(reader, node, &fields.signing.allowed_signers);
	action_resolve(reader, node, &fields.signing.syslog_socket);
	if (fields.signing.sign_with && !fields.signing.allowed_signers)
		action_complain(reader, node, "journal.sign_with",
			"needs allowed_signers beside it: a seal nobody can check proves nothing");
	out->journal_file = fields.file;
	out->signing = fields.signing;
}

/* Two copies of one fleet file reach the same systems, and must meet under the same name. */
static const char *name_by_addresses(struct reader *reader, const struct action_configs *configs)
{
	struct text text;
	char digest[DIGEST_HEX_BYTES];
	text_init(&text, ENDPOINTS_BYTES);
	for (size_t i = 0; i < configs->count; i++) {
		const struct action_config *row = &configs->rows[i];
		if (row->http.url)
			text_printf(&text, "%s %s\n", row->http.method, row->http.url);
		if (row->ssh.host)
			text_printf(&text, "%s:%lld %s\n", row->ssh.host, (long long)row->ssh.port,
				row->ssh.command);
	}
	digest_sha256(text_string(&text), text.length, digest);
	text_finish(&text);
	return action_keep(
		reader, &empty_mapping, arena_printf(reader->arena, "fleet-%.12s", digest));
}

static bool is_name(const char *name)
{
	size_t length = strlen(name);
	return length > 0 && length < COORDINATION_NAME_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       length &&
	       name[0] != '.';
}

static void read_endpoints(
	struct reader *reader, const struct yaml_node *node, struct coordination_config *out)
{
	if (node->kind != YAML_SEQUENCE || node->count == 0 ||
		node->count > COORDINATION_ENDPOINTS_MOST) {
		action_complain(
			reader, node, "coordination.endpoints", "expected a list of 1 to 8 URLs");
		return;
	}
	for (const struct yaml_node *row = node->first; row; row = row->next) {
		bool is_url = row->kind == YAML_SCALAR &&
			      (strncmp(row->scalar, "http://", 7) == 0 ||
				      strncmp(row->scalar, "https://", 8) == 0);
		if (!is_url || strchr(row->scalar, '@'))
			action_complain(reader, row, "coordination.endpoints",
				"expected a URL such as https://10.0.0.1:2379, without a password");
		else
			out->endpoints[out->endpoint_count++] =
				action_keep(reader, row, arena_strdup(reader->arena, row->scalar));
	}
}

bool coordination_config_read(const struct yaml_node *node, const char *directory,
	struct arena *arena, struct action_configs *configs, struct complaints *complaints)
{
	struct reader reader = {
		.directory = directory, .arena = arena, .complaints = complaints, .ok = true};
	struct coordination_fields fields = {.kind = 0};
	if (!fields_read(coordination_rows, COUNT(coordination_rows), node, "coordination", &fields,
		    arena, complaints))
		return false;
	struct coordination_config *config = &fields.config;
	config->is_etcd = fields.kind == 1;
	config->by_region = fields.domain == 1;
	if (fields.endpoints)
		read_endpoints(&reader, fields.endpoints, config);
	if (config->is_etcd && !fields.endpoints)
		action_complain(&reader, node, "coordination.endpoints",
			"kind etcd needs the URLs of its members");
	if (config->fleet && !is_name(config->fleet))
		action_complain(&reader, node, "coordination.fleet",
			"expected letters, digits, '-', '_' and '.', at most 47");
	if (!config->fleet)
		config->fleet = name_by_addresses(&reader, configs);
	action_resolve(&reader, node, &config->directory);
	if (!config->directory)
		config->directory = access("/run/lock", W_OK) == 0 ? "/run/lock" : "/tmp";
	action_resolve(&reader, node, &config->ca_file);
	action_resolve(&reader, node, &config->client_cert_file);
	action_resolve(&reader, node, &config->client_key_file);
	configs->coordination = *config;
	return reader.ok;
}

void action_configs_schema_journal(struct text *out)
{
	fields_schema(journal_rows, COUNT(journal_rows), out);
}

void action_configs_schema_coordination(struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	fields_schema_write(
		coordination_rows, COUNT(coordination_rows), fields_schema_words, NULL, &writer);
}
