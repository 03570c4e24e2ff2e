#include "core/wire/ssh_target.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/sanitise.h"
#include "core/wire/ssh.h"

#define NAME_BYTES_MOST 255
#define SSH_PORT 22

static bool name_check(const char *what, const char *name, struct error *error)
{
	if (!name || !*name)
		return error_set(error, ERROR_USAGE, "ssh needs a %s", what);
	size_t length = strlen(name);
	if (length > NAME_BYTES_MOST)
		return error_set(error, ERROR_USAGE, "ssh %s of %zu bytes: at most %d", what,
			length, NAME_BYTES_MOST);
	for (const char *at = name; *at; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return error_set(error, ERROR_USAGE,
				"ssh %s has a blank or control character at byte %zu", what,
				(size_t)(at - name) + 1);
	}
	return true;
}

/* Move one string into the block; the next one goes behind it. */
static const char *place(char **at, const char *string)
{
	if (!string)
		return NULL;
	size_t size = strlen(string) + 1;
	char *to = memcpy(*at, string, size);
	*at += size;
	return to;
}

static size_t size_of(const char *string)
{
	return string ? strlen(string) + 1 : 0;
}

static void label_write(struct ssh_target *target)
{
	char label[2 * NAME_BYTES_MOST + SSH_TARGET_LABEL_BYTES + 32], port[16] = "";
	bool is_v6 = strchr(target->host, ':') != NULL;
	if (target->port != 0)
		snprintf(port, sizeof(port), ":%d", target->port);
	int length = snprintf(label, sizeof(label), "%s%s%s%s%s%s%s%s",
		target->user ? target->user : "", target->user ? "@" : "", is_v6 ? "[" : "",
		target->host, is_v6 ? "]" : "", port, target->jump ? " through " : "",
		target->jump ? target->jump->label : "");
	if (length > 0)
		sanitise(label, strlen(label), target->label, sizeof(target->label));
}

struct ssh_target *ssh_target_copy(const struct ssh_target *from, struct error *error)
{
	struct ssh_target *target = calloc(1, sizeof(*target));
	char *strings = malloc(size_of(from->host) + size_of(from->user) +
			       size_of(from->identity_file) + size_of(from->agent_socket) +
			       size_of(from->known_hosts_file) + size_of(from->config_file));
	if (!target || !strings) {
		free(target);
		free(strings);
		error_no_memory(error, "an ssh target");
		return NULL;
	}
	char *at = strings;
	*target = (struct ssh_target){.port = from->port, .via = from->via, .strings = strings};
	target->host = place(&at, from->host);
	target->user = place(&at, from->user);
	target->identity_file = place(&at, from->identity_file);
	target->agent_socket = place(&at, from->agent_socket);
	target->known_hosts_file = place(&at, from->known_hosts_file);
	target->config_file = place(&at, from->config_file);
	target->jump = from->jump ? ssh_target_copy(from->jump, error) : NULL;
	if (from->jump && !target->jump) {
		ssh_target_destroy(target);
		return NULL;
	}
	label_write(target);
	return target;
}

/* Cut "[user@]host[:port]" in place. The host may be an IPv6 address in brackets. */
static bool jump_split(char *jump, struct ssh_target *out, struct error *error)
{
	char *host = strrchr(jump, '@');
	if (host) {
		*host++ = '\0';
		out->user = jump;
	} else {
		host = jump;
	}
	char *end = host + strcspn(host, ":");
	if (*host == '[') {
		char *bracket = strchr(++host, ']');
		if (!bracket)
			return error_set(error, ERROR_USAGE, "ssh jump host has '[' without ']'");
		*bracket = '\0';
		end = bracket + 1;
	}
	out->host = host;
	out->port = out->via == SSH_VIA_OPENSSH ? 0 : SSH_PORT;
	if (*end != '\0' && *end != ':')
		return error_set(error, ERROR_USAGE, "ssh jump host has '%c' behind ']'", *end);
	if (*end == ':') {
		char *rest = NULL;
		*end = '\0';
		long port = strtol(end + 1, &rest, 10);
		if (rest == end + 1 || *rest || port < 1 || port > 65535)
			return error_set(error, ERROR_USAGE,
				"ssh jump host is '[user@]host[:port]', the port between 1 and "
				"65535");
		out->port = (int)port;
	}
	return name_check("jump host", out->host, error) &&
	       (!out->user || name_check("jump user", out->user, error));
}

/* The target with its jump host, whose text is cut up in `jump`. */
static struct ssh_target *jumped_copy(const struct ssh_command *command,
	const struct ssh_target *target, char *jump, struct error *error)
{
	struct ssh_target over = *target, through = *target;
	if (!jump_split(jump, &through, error))
		return NULL;
	if (command->jump_identity_file)
		through.identity_file = command->jump_identity_file;
	over.jump = &through;
	return ssh_target_copy(&over, error);
}

/* What openssh may leave to its ssh_config must be said to libssh2. */
static bool way_check(const struct ssh_command *command, struct error *error)
{
	if (command->via == SSH_VIA_OPENSSH)
		return true;
	if (command->config_file)
		return error_set(error, ERROR_USAGE,
			"ssh to '%s': an ssh_config is read with 'via: openssh' only",
			command->host);
	if (!command->known_hosts_file || !*command->known_hosts_file)
		return error_set(error, ERROR_USAGE,
			"ssh to '%s' needs a known_hosts file: the host key is always checked",
			command->host);
	if (!command->identity_file && !command->agent_socket)
		return error_set(error, ERROR_USAGE,
			"ssh to '%s' needs an identity file or an agent", command->host);
	return true;
}

static bool command_check(const struct ssh_command *command, struct error *error)
{
	bool may_lack_user = command->via == SSH_VIA_OPENSSH && !command->user;
	if (!name_check("host", command->host, error) ||
		(!may_lack_user && !name_check("user", command->user, error)))
		return false;
	if (command->port < 0 || command->port > 65535)
		return error_set(error, ERROR_USAGE, "ssh port %d is not between 1 and 65535",
			command->port);
	return way_check(command, error);
}

struct ssh_target *ssh_target_create(const struct ssh_command *command, struct error *error)
{
	if (!command_check(command, error))
		return NULL;
	bool is_openssh = command->via == SSH_VIA_OPENSSH;
	struct ssh_target borrowed = {
		.host = command->host,
		.user = command->user,
		.port = command->port || is_openssh ? command->port : SSH_PORT,
		.identity_file = command->identity_file,
		.agent_socket = command->agent_socket,
		.known_hosts_file = command->known_hosts_file,
		.config_file = command->config_file,
		.via = command->via,
	};
	if (!command->jump)
		return ssh_target_copy(&borrowed, error);
	char *jump = strdup(command->jump);
	if (!jump) {
		error_no_memory(error, "an ssh target");
		return NULL;
	}
	struct ssh_target *target = jumped_copy(command, &borrowed, jump, error);
	free(jump);
	return target;
}

void ssh_target_destroy(struct ssh_target *target)
{
	if (!target)
		return;
	ssh_target_destroy(target->jump);
	free(target->strings);
	free(target);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool ssh_target_same_server(const struct ssh_target *a, const struct ssh_target *b)
{
	/* Behind another jump host the same address is another host. */
	bool same_way =
		a->jump && b->jump ? ssh_target_same_server(a->jump, b->jump) : a->jump == b->jump;
	return same_way && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

bool ssh_target_equal(const struct ssh_target *a, const struct ssh_target *b)
{
	if ((a->jump || b->jump) && (!a->jump || !b->jump || !ssh_target_equal(a->jump, b->jump)))
		return false;
	return ssh_target_same_server(a, b) && same(a->user, b->user) &&
	       same(a->identity_file, b->identity_file) && same(a->agent_socket, b->agent_socket) &&
	       same(a->known_hosts_file, b->known_hosts_file) && a->via == b->via &&
	       same(a->config_file, b->config_file);
}

bool ssh_target_error(const struct ssh_target *target, struct error *error, enum error_kind kind,
	const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return error_set(error, kind, "ssh to %s: %s", target->label, text);
}
