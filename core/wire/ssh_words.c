#include "core/wire/ssh_words.h"

#include <string.h>

#include "core/base/error.h"
#include "core/wire/ssh.h"
#include "core/wire/ssh_target.h"

#define WORD_BYTES 4096
#define PROXY_BYTES 8192

/* What a name may hold: a user's configuration may put it into commands of its own (%h, %r), so
 * nothing that a shell reads. */
static const char name_bytes[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-@+";

static const char *const always[] = {
	"BatchMode=yes",
	"StrictHostKeyChecking=yes",
	"ClearAllForwardings=yes",
	"ForwardAgent=no",
	"ForwardX11=no",
	"PermitLocalCommand=no",
	"RemoteCommand=none",
	"RequestTTY=no",
	"EscapeChar=none",
	"UpdateHostKeys=no",
	"NumberOfPasswordPrompts=0",
	"ServerAliveInterval=10",
	"ServerAliveCountMax=3",
	"LogLevel=ERROR",
};

static void word_add(struct ssh_words *words, const char *word)
{
	text_append(&words->bytes, word, strlen(word) + 1);
	words->count++;
}

static void option_add(struct ssh_words *words, const char *option)
{
	word_add(words, "-o");
	word_add(words, option);
}

static void number_add(struct ssh_words *words, const char *key, int64_t value)
{
	struct text text;
	text_init(&text, WORD_BYTES);
	text_printf(&text, "%s=%lld", key, (long long)value);
	option_add(words, text_string(&text));
	words->bytes.failed = words->bytes.failed || !text_ok(&text);
	text_finish(&text);
}

static void percent_add(struct text *out, const char *string)
{
	for (; *string; string++)
		text_append(out, *string == '%' ? "%%" : string, *string == '%' ? 2 : 1);
}

/* A file name in an option, in quotes: ssh splits, and expands % and ${}. */
static bool path_add(
	struct ssh_words *words, const char *key, const char *path, struct error *error)
{
	struct text text;
	if (!path)
		return true;
	if (path[strcspn(path, "\"\\$\n\r")] != '\0' || *path == '~')
		return error_set(error, ERROR_USAGE,
			"ssh's options cannot hold the file name of %s: it has a quote, '\\', '$', "
			"'~' or line break",
			key);
	text_init(&text, WORD_BYTES);
	text_printf(&text, "%s=\"", key);
	percent_add(&text, path);
	text_add_char(&text, '"');
	option_add(words, text_string(&text));
	words->bytes.failed = words->bytes.failed || !text_ok(&text);
	text_finish(&text);
	return true;
}

static bool name_check(const char *what, const char *name, struct error *error)
{
	if (!name || (*name != '-' && name[strspn(name, name_bytes)] == '\0'))
		return true;
	return error_set(error, ERROR_USAGE,
		"ssh %s may have letters, digits and . _ : - @ + only by way of openssh", what);
}

/* Everything but the control socket, for the host itself or its jump host. */
static bool options_add(struct ssh_words *words, const struct ssh_target *target,
	int64_t connect_timeout_ms, struct error *error)
{
	if (!name_check("host", target->host, error) || !name_check("user", target->user, error))
		return false;
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		option_add(words, always[i]);
	number_add(words, "ConnectTimeout", (connect_timeout_ms + 999) / 1000);
	if (target->config_file) {
		word_add(words, "-F");
		word_add(words, target->config_file);
	}
	if (target->port != 0)
		number_add(words, "Port", target->port);
	if (target->user) {
		word_add(words, "-l");
		word_add(words, target->user);
	}
	if (target->identity_file)
		option_add(words, "IdentitiesOnly=yes");
	return path_add(words, "IdentityFile", target->identity_file, error) &&
	       path_add(words, "IdentityAgent", target->agent_socket, error) &&
	       path_add(words, "UserKnownHostsFile", target->known_hosts_file, error);
}

/* ssh's own ProxyJump would ask the jump host's questions under other rules: so the same rules are
 * spelled out, as a command for the shell that ssh starts. */
static bool proxy_add(struct ssh_words *words, const struct ssh_target *jump,
	const char *control_path, int64_t connect_timeout_ms, struct error *error)
{
	struct ssh_words inner = {.count = 0};
	struct text line, quoted;
	char *argv[SSH_WORDS_MOST + 1];
	text_init(&inner.bytes, SSH_WORDS_BYTES);
	text_init(&line, PROXY_BYTES);
	text_init(&quoted, PROXY_BYTES);
	bool ok = options_add(&inner, jump, connect_timeout_ms, error);
	if (ok && !text_ok(&inner.bytes))
		ok = error_no_memory(error, "the options for ssh");
	if (ok) {
		ssh_words_argv(&inner, argv);
		text_add(&line, "ProxyCommand=ssh -a -x -T");
		for (int i = 0; ok && i < inner.count; i++) {
			text_clear(&quoted);
			text_add_char(&line, ' ');
			ok = ssh_quote(&quoted, argv[i], error);
			percent_add(&line, text_string(&quoted));
		}
		text_add(&line, " -W '[%h]:%p' -- ");
		text_add(&line, jump->host);
		/* Its complaints would be dropped otherwise. */
		text_printf(&line, " 2>'%s" SSH_WORDS_LOG_SUFFIX "'", control_path);
		option_add(words, text_string(&line));
		words->bytes.failed = words->bytes.failed || !text_ok(&line);
	}
	text_finish(&inner.bytes);
	text_finish(&line);
	text_finish(&quoted);
	return ok;
}

bool ssh_words_init(struct ssh_words *words, const struct ssh_target *target,
	const char *control_path, int64_t connect_timeout_ms, int idle_s, struct error *error)
{
	*words = (struct ssh_words){.count = 0};
	text_init(&words->bytes, SSH_WORDS_BYTES);
	word_add(words, "ssh");
	word_add(words, "-M");
	word_add(words, "-N");
	word_add(words, "-T");
	bool ok = options_add(words, target, connect_timeout_ms, error) &&
		  path_add(words, "ControlPath", control_path, error) &&
		  (!target->jump ||
			  proxy_add(words, target->jump, control_path, connect_timeout_ms, error));
	number_add(words, "ControlPersist", idle_s);
	word_add(words, "--");
	word_add(words, target->host);
	if (ok && (!text_ok(&words->bytes) || words->count > SSH_WORDS_MOST))
		ok = error_set(error, ERROR_LIMIT, "the options for ssh do not fit");
	if (!ok)
		ssh_words_finish(words);
	return ok;
}

void ssh_words_finish(struct ssh_words *words)
{
	text_finish(&words->bytes);
}

void ssh_words_argv(const struct ssh_words *words, char *argv[SSH_WORDS_MOST + 1])
{
	char *at = words->bytes.bytes;
	int count = words->count < SSH_WORDS_MOST ? words->count : SSH_WORDS_MOST;
	for (int i = 0; i < count; i++) {
		argv[i] = at;
		at += strlen(at) + 1;
	}
	argv[count] = NULL;
}
