#include "core/wire/ssh_login.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/known_hosts.h"
#include "core/wire/ssh_methods.h"
#include "core/wire/ssh_tap.h"
#include "core/wire/ssh_target.h"
#include "core/wire/ssh_trust.h"

#define TYPES_BYTES 512
#define UNWIND_CALLS 8
#define TOO_MANY_LOGINS                                                                        \
	"too many logins at once, or it shuns this address after failed ones; wait a little, " \
	"then look at its log"

static bool methods_set(struct ssh_login *login, struct error *error)
{
	char types[TYPES_BYTES];
	known_hosts_types(
		login->known, login->target->host, login->target->port, types, sizeof(types));
	const char *refused = ssh_methods_prefer(login->session, types);
	if (!refused)
		return true;
	return ssh_target_error(login->target, error, ERROR_UNTRUSTED,
		"this libssh2 has no %s that is still safe: update it", refused);
}

bool ssh_login_init(struct ssh_login *login, const struct ssh_target *target, struct loop *loop,
	ssh_agent_wake_fn *wake, void *context, LIBSSH2_SESSION *session, struct ssh_tap *tap,
	struct error *error)
{
	*login = (struct ssh_login){
		.target = target,
		.loop = loop,
		.wake = wake,
		.context = context,
		.session = session,
		.tap = tap,
	};
	tap->is_patient = true;
	login->known = known_hosts_read(target->known_hosts_file, error);
	bool ok = login->known != NULL;
	if (ok && known_hosts_bad_lines(login->known) > 0)
		log_warn("ssh", "skipped %zu bad lines of '%s'",
			known_hosts_bad_lines(login->known), target->known_hosts_file);
	if (ok && target->identity_file)
		ok = ssh_key_read(
			&login->key, target->identity_file, target->agent_socket != NULL, error);
	if (!ok)
		error_prefix(error, "ssh to %s", target->label);
	ok = ok && methods_set(login, error);
	if (!ok)
		ssh_login_finish(login);
	return ok;
}

void ssh_login_finish(struct ssh_login *login)
{
	known_hosts_destroy(login->known);
	login->known = NULL;
	ssh_key_finish(&login->key);
	ssh_agent_destroy(login->agent);
	login->agent = NULL;
	login->is_signing = false;
}

/* The connection is gone: why, as far as the server let on. */
static enum ssh_login_step closed_fail(
	const struct ssh_login *login, const char *when, struct error *error)
{
	const char *goodbye = login->tap->goodbye;
	enum error_kind kind =
		login->tries > 0 && goodbye[0] != '\0' ? ERROR_UNTRUSTED : ERROR_UNREACHABLE;
	if (login->tap->greeting_length == 0)
		ssh_target_error(login->target, error, kind,
			"the server closed the connection without a greeting: " TOO_MANY_LOGINS);
	else
		ssh_target_error(login->target, error, kind,
			"the server closed the connection %s%s%s", when,
			goodbye[0] ? ": it said " : "; its log says why", goodbye);
	return SSH_LOGIN_FAILED;
}

/* What came first is not SSH. */
static enum ssh_login_step greeting_fail(const struct ssh_login *login, struct error *error)
{
	/* OpenSSH says one of these when it turns a connection away. */
	static const char *const turned_away[] = {
		"Exceeded MaxStartups", "Not allowed at this time"};
	char text[80];
	ssh_methods_banner(login->tap->greeting, login->tap->greeting_length, text, sizeof(text));
	for (size_t i = 0; i < sizeof(turned_away) / sizeof(turned_away[0]); i++) {
		if (strcmp(text, turned_away[i]) != 0)
			continue;
		ssh_target_error(login->target, error, ERROR_UNREACHABLE,
			"the server turned us away ('%s'): " TOO_MANY_LOGINS, text);
		return SSH_LOGIN_FAILED;
	}
	ssh_target_error(login->target, error, ERROR_UNREACHABLE,
		"what listens there does not speak SSH: it said '%s'; check the port", text);
	return SSH_LOGIN_FAILED;
}

static enum ssh_login_step handshake_fail(struct ssh_login *login, int code, struct error *error)
{
	const struct ssh_tap *tap = login->tap;
	char text[400];
	if (code == LIBSSH2_ERROR_ALLOC) {
		ssh_target_error(
			login->target, error, ERROR_NO_MEMORY, "no memory for the handshake");
		return SSH_LOGIN_FAILED;
	}
	bool is_ssh = tap->greeting_length >= 4 && memcmp(tap->greeting, "SSH-", 4) == 0;
	if (tap->greeting_length > 0 && !is_ssh)
		return greeting_fail(login, error);
	if (code == LIBSSH2_ERROR_KEX_FAILURE || code == LIBSSH2_ERROR_METHOD_NONE) {
		if (ssh_methods_mismatch(tap->greeting, tap->greeting_length, text, sizeof(text))) {
			ssh_target_error(login->target, error, ERROR_UNTRUSTED,
				"the host offers %s: use 'via: openssh', or allow one of these in "
				"its "
				"sshd_config",
				text);
			return SSH_LOGIN_FAILED;
		}
	}
	if (tap->closed)
		return closed_fail(login, "during the handshake", error);
	bool is_forged =
		code == LIBSSH2_ERROR_HOSTKEY_SIGN || code == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE;
	ssh_target_error(login->target, error, ERROR_UNTRUSTED,
		"the key exchange failed%s (libssh2 %d)",
		is_forged ? ": the host could not prove that it has its host key" : "", code);
	return SSH_LOGIN_FAILED;
}

/* What is tried next, once something was refused or nothing was tried yet. */
static enum ssh_login_step next_method(struct ssh_login *login)
{
	if (login->stage == SSH_LOGIN_HANDSHAKE && login->key.secret) {
		login->stage = SSH_LOGIN_KEY_FILE;
		return SSH_LOGIN_MOVED;
	}
	login->stage = SSH_LOGIN_REFUSED;
	if (login->target->agent_socket && login->tries < SSH_LOGIN_TRIES) {
		login->agent = ssh_agent_create(login->loop, login->target->agent_socket,
			login->wake, login->context, &login->agent_error);
		if (login->agent)
			login->stage = SSH_LOGIN_AGENT_KEYS;
	}
	return SSH_LOGIN_MOVED;
}

static enum ssh_login_step handshake_step(struct ssh_login *login, int fd, struct error *error)
{
	int code = libssh2_session_handshake(login->session, fd);
	login->in_handshake = code == LIBSSH2_ERROR_EAGAIN;
	if (login->in_handshake && !login->tap->closed)
		return SSH_LOGIN_BLOCKED;
	if (code != 0)
		return handshake_fail(login, code, error);
	login->tap->is_patient = false;
	const char *strange = ssh_methods_check(login->session);
	if (strange) {
		ssh_target_error(login->target, error, ERROR_UNTRUSTED,
			"the agreed %s is not one that is safe enough", strange);
		return SSH_LOGIN_FAILED;
	}
	if (!ssh_trust_check(login->session, login->known, login->target, error))
		return SSH_LOGIN_FAILED;
	return next_method(login);
}

/* Hand libssh2 a signature in memory that it will free. */
static int signature_give(struct ssh_login *login, const void *bytes, size_t length,
	unsigned char **out, size_t *out_length)
{
	unsigned char *copy = ssh_tap_alloc(login->tap, length);
	if (!copy)
		return LIBSSH2_ERROR_ALLOC;
	memcpy(copy, bytes, length);
	*out = copy;
	*out_length = length;
	return 0;
}

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(file_sign)
{
	(void)session;
	struct ssh_login *login = *abstract;
	struct text text;
	text_init(&text, SSH_KEY_SIGNATURE_BYTES);
	int code = LIBSSH2_ERROR_PUBLICKEY_PROTOCOL;
	if (ssh_key_sign(&login->key, data, data_len, &text))
		code = signature_give(login, text_string(&text), text.length, sig, sig_len);
	text_finish(&text);
	return code;
}

static enum ssh_login_step key_file_step(struct ssh_login *login, struct error *error)
{
	void *abstract = login;
	int code = libssh2_userauth_publickey(login->session, login->target->user, login->key.blob,
		login->key.blob_length, file_sign, &abstract);
	if (code == LIBSSH2_ERROR_EAGAIN)
		return SSH_LOGIN_BLOCKED;
	if (code == 0)
		return SSH_LOGIN_DONE;
	login->tries++;
	if (login->tap->closed)
		return closed_fail(login, "during the login", error);
	login->file_refused = true;
	return next_method(login);
}

static enum ssh_login_step agent_keys_step(struct ssh_login *login)
{
	switch (ssh_agent_state(login->agent)) {
	case SSH_AGENT_BUSY:
		return SSH_LOGIN_ON_AGENT;
	case SSH_AGENT_READY:
		login->stage = SSH_LOGIN_AGENT_SIGN;
		return SSH_LOGIN_MOVED;
	case SSH_AGENT_REFUSED:
		error_set(&login->agent_error, ERROR_IO, "the agent would not list its keys");
		break;
	case SSH_AGENT_LOST:
		login->agent_error = *ssh_agent_error(login->agent);
		break;
	}
	login->stage = SSH_LOGIN_REFUSED;
	return SSH_LOGIN_MOVED;
}

/* libssh2's question to the agent: asked again and again until it says something else than EAGAIN.
 */
static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(agent_sign)
{
	(void)session;
	struct ssh_login *login = *abstract;
	if (!login->agent)
		return LIBSSH2_ERROR_AGENT_PROTOCOL;
	if (!login->is_signing) {
		struct ssh_bytes key = ssh_agent_key(login->agent, login->agent_next);
		login->is_signing = true;
		return ssh_agent_sign(login->agent, &key, data, data_len) ? LIBSSH2_ERROR_EAGAIN
									  : LIBSSH2_ERROR_ALLOC;
	}
	enum ssh_agent_state state = ssh_agent_state(login->agent);
	if (state == SSH_AGENT_BUSY)
		return LIBSSH2_ERROR_EAGAIN;
	login->is_signing = false;
	if (state == SSH_AGENT_LOST)
		login->agent_error = *ssh_agent_error(login->agent);
	if (state == SSH_AGENT_REFUSED)
		error_set(&login->agent_error, ERROR_IO, "the agent would not sign with the key");
	if (state != SSH_AGENT_READY)
		return LIBSSH2_ERROR_AGENT_PROTOCOL;
	struct ssh_bytes signature = ssh_agent_signature(login->agent);
	return signature_give(login, signature.at, signature.left, sig, sig_len);
}

/* A locked key file names the one key that is meant; the others of the agent are not shown to the
 * server. */
static bool is_wanted(const struct ssh_login *login, const struct ssh_bytes *key)
{
	const struct ssh_key *file = &login->key;
	if (!file->encrypted || file->blob_length == 0)
		return true;
	return key->left == file->blob_length && memcmp(key->at, file->blob, key->left) == 0;
}

static enum ssh_login_step agent_sign_step(struct ssh_login *login, struct error *error)
{
	if (login->agent_next >= ssh_agent_key_count(login->agent) ||
		login->tries >= SSH_LOGIN_TRIES) {
		login->stage = SSH_LOGIN_REFUSED;
		return SSH_LOGIN_MOVED;
	}
	struct ssh_bytes key = ssh_agent_key(login->agent, login->agent_next);
	if (!is_wanted(login, &key)) {
		login->agent_next++;
		return SSH_LOGIN_MOVED;
	}
	void *abstract = login;
	int code = libssh2_userauth_publickey(
		login->session, login->target->user, key.at, key.left, agent_sign, &abstract);
	if (code == LIBSSH2_ERROR_EAGAIN) {
		bool on_agent =
			login->is_signing && ssh_agent_state(login->agent) == SSH_AGENT_BUSY;
		return on_agent ? SSH_LOGIN_ON_AGENT : SSH_LOGIN_BLOCKED;
	}
	login->is_signing = false;
	if (code == 0)
		return SSH_LOGIN_DONE;
	login->tries++;
	if (login->tap->closed)
		return closed_fail(login, "during the login", error);
	login->agent_refused++;
	login->agent_next++;
	if (ssh_agent_state(login->agent) == SSH_AGENT_LOST)
		login->stage = SSH_LOGIN_REFUSED;
	return SSH_LOGIN_MOVED;
}

/* Every way in was tried: name each with what came of it. */
static enum ssh_login_step refused_fail(const struct ssh_login *login, struct error *error)
{
	const struct ssh_target *target = login->target;
	struct text text;
	char path[128];
	text_init(&text, 400);
	if (login->file_refused) {
		sanitise(target->identity_file, strlen(target->identity_file), path, sizeof(path));
		text_printf(&text, "the server refused key '%s'", path);
	}
	if (login->agent_refused > 0)
		text_printf(&text, "%s%d of the agent's keys led nowhere", text.length ? "; " : "",
			login->agent_refused);
	if (login->agent_error.kind != ERROR_NONE)
		text_printf(&text, "%s%.200s", text.length ? "; " : "", login->agent_error.text);
	else if (target->agent_socket && login->agent_refused == 0)
		text_printf(&text, "%s%s", text.length ? "; " : "",
			login->key.encrypted
				? "the agent does not have the key of the identity file: "
				  "'ssh-add' it"
				: "the agent has no ed25519 or ECDSA key; for RSA keys, "
				  "certificates "
				  "and hardware keys use 'via: openssh'");
	char user[80];
	sanitise(target->user, strlen(target->user), user, sizeof(user));
	ssh_target_error(target, error, ERROR_UNTRUSTED,
		"login refused: %s; check that the public half is in %s's authorized_keys there",
		text_string(&text), user);
	text_finish(&text);
	return SSH_LOGIN_FAILED;
}

enum ssh_login_step ssh_login_advance(struct ssh_login *login, int fd, struct error *error)
{
	switch (login->stage) {
	case SSH_LOGIN_HANDSHAKE:
		return handshake_step(login, fd, error);
	case SSH_LOGIN_KEY_FILE:
		return key_file_step(login, error);
	case SSH_LOGIN_AGENT_KEYS:
		return agent_keys_step(login);
	case SSH_LOGIN_AGENT_SIGN:
		return agent_sign_step(login, error);
	case SSH_LOGIN_REFUSED:
		break;
	}
	return refused_fail(login, error);
}

const char *ssh_login_missing(const struct ssh_login *login)
{
	switch (login->stage) {
	case SSH_LOGIN_HANDSHAKE:
		return login->tap->greeting_length == 0
			       ? "it accepted the connection but sent no SSH greeting"
			       : "the key exchange did not end";
	case SSH_LOGIN_AGENT_KEYS:
		return "the ssh-agent did not answer";
	case SSH_LOGIN_AGENT_SIGN:
		return login->is_signing ? "the ssh-agent did not sign: it may wait for a touch or "
					   "a confirmation"
					 : "the login was not answered";
	case SSH_LOGIN_KEY_FILE:
	case SSH_LOGIN_REFUSED:
		break;
	}
	return "the login was not answered";
}

void ssh_login_unwind(struct ssh_login *login, int fd)
{
	if (login->in_handshake)
		ssh_tap_unwind(login->tap);
	for (int i = 0; i < UNWIND_CALLS && login->in_handshake; i++) {
		int code = libssh2_session_handshake(login->session, fd);
		login->in_handshake = code == LIBSSH2_ERROR_EAGAIN;
	}
}
