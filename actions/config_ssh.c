/* config_ssh.c - the `ssh:` section of an action. */
#include "actions/config_reader.h"

#include <stdio.h>
#include <string.h>

#include "actions/template.h"
#include "core/base/fields.h"
#include "core/base/yaml.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const vias[] = {"libssh2", "openssh", NULL};

static const char *const plants[] = {"systemd", "at", NULL};

struct revert_fields {
	int plant;
	const char *read;
};

static const struct field revert_rows[] = {
	{.key = "plant",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct revert_fields, plant),
		.required = true,
		.choices = plants,
		.help = "what keeps the timer there: the user's systemd (lingering), or at"},
	{.key = "read",
		.type = FIELD_STRING,
		.offset = offsetof(struct revert_fields, read),
		.required = true,
		.help = "a command that prints the present value and nothing else, so that only "
			"what is still ours is taken back; a template"},
};

struct ssh_fields {
	struct ssh_binding binding;
	int via;
	const struct yaml_node *revert;
};

#define SSH_STRING(name, text)                                                      \
	{                                                                           \
		.key = #name, .type = FIELD_STRING,                                 \
		.offset = offsetof(struct ssh_fields, binding.name), .help = (text) \
	}

static const struct field ssh_rows[] = {
	{.key = "host",
		.type = FIELD_STRING,
		.offset = offsetof(struct ssh_fields, binding.host),
		.required = true,
		.help = "where to run it; a template"},
	{.key = "port",
		.type = FIELD_INTEGER,
		.offset = offsetof(struct ssh_fields, binding.port),
		.min = 1,
		.max = 65535,
		.help = "the server's port; default 22, or what ssh_config says"},
	SSH_STRING(user, "who to log in as; a template; may be left to ssh_config"),
	{.key = "via",
		.type = FIELD_CHOICE,
		.offset = offsetof(struct ssh_fields, via),
		.choices = vias,
		.fallback = "libssh2",
		.help = "who speaks SSH: this program (ed25519 and ECDSA keys), or the system's "
			"ssh client, for RSA, certificates, hardware keys and ssh_config"},
	SSH_STRING(identity_file, "private key; without it the agent's"),
	SSH_STRING(agent_socket, "socket of an ssh-agent; without a key file, default "
				 "$SSH_AUTH_SOCK"),
	SSH_STRING(known_hosts_file, "host keys to trust; default ~/.ssh/known_hosts"),
	SSH_STRING(jump, "the host to go through, [user@]host[:port]; a template"),
	SSH_STRING(jump_identity_file, "private key for that host; default identity_file"),
	SSH_STRING(config_file, "via openssh: the ssh_config to use; \"none\" for none"),
	{.key = "command",
		.type = FIELD_STRING,
		.offset = offsetof(struct ssh_fields, binding.command),
		.required = true,
		.help = "what to run, as the remote shell sees it; a template"},
	{.key = "quiet",
		.type = FIELD_BOOL,
		.offset = offsetof(struct ssh_fields, binding.is_quiet),
		.fallback = "false",
		.help = "success prints nothing: whatever is printed is a refusal"},
	{.key = "revert",
		.type = FIELD_NODE,
		.offset = offsetof(struct ssh_fields, revert),
		.help = "a timer planted beside the target takes the change back when its hold "
			"ends, also when this program and its machine are gone"},
	{.key = "timeout",
		.type = FIELD_DURATION,
		.offset = offsetof(struct ssh_fields, binding.timeout_ms),
		.min = 100,
		.max = 600000,
		.fallback = "30s",
		.help = "how long the command may run"},
};

/* What only one of the two ways can do without, or with. */
static void check_way(struct reader *reader, const struct yaml_node *node, const char *path,
	struct ssh_binding *binding)
{
	if (binding->is_openssh)
		return;
	if (!binding->user)
		action_complain(reader, node, path,
			"needs 'user': only 'via: openssh' reads it from ssh_config");
	if (binding->config_file)
		action_complain(reader, node, path, "config_file is read by 'via: openssh' only");
	if (!binding->known_hosts_file)
		binding->known_hosts_file = "~/.ssh/known_hosts";
}

static void read_revert(struct reader *reader, const struct yaml_node *node, const char *path,
	const struct verb_row *verb, struct ssh_binding *binding)
{
	char name[KEY_NAME_BYTES];
	struct revert_fields fields = {.plant = -1};
	snprintf(name, sizeof(name), "%.*s.revert", KEY_PATH_BYTES, path);
	if (!fields_read(revert_rows, COUNT(revert_rows), node, name, &fields, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	binding->plant = fields.plant == 0 ? PLANT_SYSTEMD : PLANT_AT;
	binding->read = fields.read;
	action_check_template(reader, node, name, "read", binding->read, verb);
}

void action_read_ssh(struct reader *reader, const struct yaml_node *node, const char *path,
	struct action_config *out)
{
	struct ssh_fields fields = {.via = 0};
	if (!fields_read(ssh_rows, COUNT(ssh_rows), node, path, &fields, reader->arena,
		    reader->complaints)) {
		reader->ok = false;
		return;
	}
	struct ssh_binding *binding = &fields.binding;
	const struct verb_row *verb = out->info.verb;
	binding->is_openssh = fields.via == 1;
	check_way(reader, node, path, binding);
	action_check_template(reader, node, path, "host", binding->host, verb);
	action_check_template(reader, node, path, "user", binding->user, verb);
	action_check_template(reader, node, path, "jump", binding->jump, verb);
	action_check_template(reader, node, path, "command", binding->command, verb);
	if (!verb->is_fixed && !template_mentions_value(binding->command, verb))
		action_complain(reader, node, path, "command does not hold the new value");
	if (fields.revert)
		read_revert(reader, fields.revert, path, verb, binding);
	action_resolve(reader, node, &binding->identity_file);
	action_resolve(reader, node, &binding->agent_socket);
	action_resolve(reader, node, &binding->known_hosts_file);
	action_resolve(reader, node, &binding->jump_identity_file);
	if (binding->config_file && strcmp(binding->config_file, "none") != 0)
		action_resolve(reader, node, &binding->config_file);
	out->ssh = *binding;
	out->road = ACTION_BY_SSH;
	out->info.transport = "ssh";
}

/* The one section within the section. */
static void write_revert_schema(void *context, const struct field *row, struct json_writer *writer)
{
	(void)context;
	(void)row;
	fields_schema_write(revert_rows, COUNT(revert_rows), NULL, NULL, writer);
}

void action_schema_ssh(struct json_writer *writer)
{
	fields_schema_write(ssh_rows, COUNT(ssh_rows), write_revert_schema, NULL, writer);
}
