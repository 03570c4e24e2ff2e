#include "actions/coordination_record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actions/config.h"
#include "core/base/clock.h"
#include "core/base/json_writer.h"
#include "core/base/sanitise.h"
#include "core/base/text.h"
#include "core/wire/json.h"

void coordination_self_init(struct coordination_self *self, const char *who)
{
	char host[256] = "";
	if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
		snprintf(host, sizeof(host), "somewhere");
	sanitise(who, strlen(who), self->by, sizeof(self->by));
	sanitise(host, strlen(host), self->host, sizeof(self->host));
	self->process = (long)getpid();
}

static void write_self(const struct coordination_self *self, struct json_writer *writer)
{
	json_member_string(writer, "by", self->by);
	json_member_string(writer, "host", self->host);
	json_member_integer(writer, "process", self->process);
}

void coordination_record_write(const struct coordination_self *self, const char *doing,
	int64_t since_ms, char *out, size_t size)
{
	struct text text;
	struct json_writer writer;
	text_init(&text, size - 1);
	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	write_self(self, &writer);
	json_member_string(&writer, "doing", doing);
	json_member_time(&writer, "since", since_ms);
	json_end_object(&writer);
	snprintf(out, size, "%s", text_ok(&text) ? text_string(&text) : "");
	text_finish(&text);
}

bool coordination_record_read(const char *value, struct coordination_peer *out)
{
	struct json_document *document = json_parse(value, strlen(value), NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	struct coordination_peer peer;
	json_copy_text(root, "by", peer.by, sizeof(peer.by));
	json_copy_text(root, "host", peer.host, sizeof(peer.host));
	json_copy_text(root, "doing", peer.doing, sizeof(peer.doing));
	peer.since_ms = json_time_of(root, "since");
	json_destroy(document);
	if (!peer.by[0] || !peer.host[0])
		return false;
	*out = peer;
	return true;
}

void coordination_record_words(const char *value, char out[ACTION_TEXT_BYTES])
{
	struct coordination_peer peer;
	char since[CLOCK_TEXT_BYTES];
	if (!coordination_record_read(value, &peer)) {
		snprintf(out, ACTION_TEXT_BYTES, "somebody who does not say who");
		return;
	}
	clock_format(peer.since_ms, false, since);
	char line[ACTION_TEXT_BYTES];
	int length = snprintf(line, sizeof(line), "%.47s on %.47s (%.120s) since %s", peer.by,
		peer.host, peer.doing[0] ? peer.doing : "a change", since);
	/* A name may have been cut within a character. */
	sanitise(line, (size_t)length, out, ACTION_TEXT_BYTES);
}

void coordination_holds_write(const struct coordination_self *self, const struct hold *holds,
	size_t count, struct text *out)
{
	struct json_writer writer;
	json_writer_init(&writer, out);
	json_begin_array(&writer);
	for (size_t i = 0; i < count; i++) {
		const struct hold *hold = &holds[i];
		json_begin_object(&writer);
		write_self(self, &writer);
		json_member_string(&writer, "run", hold->run);
		json_member_string(&writer, "action", hold->action);
		json_member_string(&writer, "verb", hold->verb ? hold->verb->name : "");
		json_member_string(&writer, "target", hold->target_path);
		json_member_string(&writer, "owner", hold->by);
		json_member_number(&writer, "from", hold->from);
		json_member_number(&writer, "to", hold->to);
		json_member_time(&writer, "set", hold->set_ms);
		json_member_time(&writer, "expires", hold->expires_ms);
		json_member_bool(&writer, "certain", hold->is_certain);
		json_member_string(&writer, "planted", hold->planted);
		json_end_object(&writer);
	}
	json_end_array(&writer);
}

static void read_hold(const struct json_node *node, int64_t now_ms, struct hold *out)
{
	char owner[ENTITY_NAME_BYTES];
	char host[ENTITY_NAME_BYTES];
	*out = (struct hold){
		.set_ms = json_time_of(node, "set"), .expires_ms = json_time_of(node, "expires")};
	json_copy_text(node, "run", out->run, sizeof(out->run));
	json_copy_text(node, "action", out->action, sizeof(out->action));
	json_copy_text(node, "target", out->target_path, sizeof(out->target_path));
	json_copy_text(node, "owner", owner, sizeof(owner));
	json_copy_text(node, "host", host, sizeof(host));
	char by[ENTITY_NAME_BYTES];
	int length = snprintf(by, sizeof(by), "%.30s on %.28s", owner, host);
	sanitise(by, (size_t)length, out->by, sizeof(out->by));
	if (!json_number_of(json_get(node, "from"), &out->from))
		out->from = NAN;
	if (!json_number_of(json_get(node, "to"), &out->to))
		out->to = NAN;
	if (!json_bool_of(json_get(node, "certain"), &out->is_certain))
		out->is_certain = false;
	json_copy_text(node, "planted", out->planted, sizeof(out->planted));
	if (out->planted[0])
		out->protection = HOLD_BY_TIMER;
	const char *verb = json_text(json_get(node, "verb"));
	out->verb = verb ? verb_find(verb) : NULL;
	out->over_ms = out->set_ms;
	out->is_expired = now_ms >= out->expires_ms;
}

size_t coordination_holds_read(const char *value, int64_t now_ms, struct hold *out, size_t most)
{
	struct json_document *document = json_parse(value, strlen(value), NULL);
	const struct json_node *root = document ? json_root(document) : NULL;
	size_t count = 0;
	for (const struct json_node *node = json_first(root); node && count < most;
		node = json_next(node)) {
		if (json_is_object(node))
			read_hold(node, now_ms, &out[count++]);
	}
	json_destroy(document);
	return count;
}
