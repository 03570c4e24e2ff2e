#include "actions/etcd_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"

enum step { STEP_GRANT, STEP_PUT, STEP_READ };

struct etcd_note {
	struct etcd *etcd;
	unsigned tries, tries_left;
	etcd_note_fn *done;
	void *context;
	enum etcd_note_state state;
	enum step step;
	char key[ETCD_KEY_BYTES];
	char *value; /* NULL: the key is taken away */
	char lease[ETCD_LEASE_BYTES];
	int64_t ttl_ms;
	char trouble[ACTION_TEXT_BYTES];
};

struct etcd_note *etcd_note_create(
	struct etcd *etcd, unsigned tries, etcd_note_fn *done, void *context, struct error *error)
{
	struct etcd_note *note = calloc(1, sizeof(*note));
	if (!note) {
		error_no_memory(error, "a note");
		return NULL;
	}
	note->etcd = etcd;
	note->tries = tries;
	note->done = done;
	note->context = context;
	return note;
}

void etcd_note_destroy(struct etcd_note *note)
{
	if (!note)
		return;
	free(note->value);
	free(note);
}

enum etcd_note_state etcd_note_state(const struct etcd_note *note)
{
	return note->state;
}

const char *etcd_note_trouble(const struct etcd_note *note)
{
	return note->trouble;
}

static void end(struct etcd_note *note, const char *trouble)
{
	note->state = trouble ? ETCD_NOTE_FAILED : ETCD_NOTE_THERE;
	snprintf(note->trouble, sizeof(note->trouble), "%.300s", trouble ? trouble : "");
	if (note->done)
		note->done(note->context);
}

static void step(struct etcd_note *note);

static void failed(struct etcd_note *note, const struct error *error)
{
	char words[ACTION_TEXT_BYTES];
	if (note->tries_left > 1 && error->kind != ERROR_REJECTED) {
		note->tries_left--;
		step(note);
		return;
	}
	sanitise(error->text, strlen(error->text), words, sizeof(words));
	end(note, words);
}

static bool is_as_asked(const struct etcd_note *note, const struct etcd_reply *reply)
{
	return note->value ? reply->row_count > 0 && strcmp(reply->rows[0].value, note->value) == 0
			   : reply->row_count == 0;
}

static void on_reply(void *context, const struct etcd_reply *reply, const struct error *error)
{
	struct etcd_note *note = context;
	if (error) {
		failed(note, error);
		return;
	}
	switch (note->step) {
	case STEP_GRANT:
		snprintf(note->lease, sizeof(note->lease), "%s", reply->lease);
		note->step = STEP_PUT;
		step(note);
		return;
	case STEP_PUT:
		note->step = STEP_READ;
		step(note);
		return;
	case STEP_READ:
		end(note,
			is_as_asked(note, reply)
				? NULL
				: "etcd took a change and does not show it: what answers there is "
				  "not one to rely on");
		return;
	}
}

static void step(struct etcd_note *note)
{
	struct error error = {.kind = ERROR_NONE};
	static const enum etcd_verb verbs[] = {
		[STEP_GRANT] = ETCD_GRANT, [STEP_PUT] = ETCD_PUT, [STEP_READ] = ETCD_READ};
	bool takes_away = note->step == STEP_PUT && !note->value;
	const struct etcd_request request = {.verb = takes_away ? ETCD_DELETE : verbs[note->step],
		.key = note->key,
		.value = note->value,
		.lease = note->lease[0] ? note->lease : NULL,
		.ttl_s = (note->ttl_ms + 999) / 1000};
	if (!etcd_send(note->etcd, &request, on_reply, note, &error)) {
		note->tries_left = 0;
		failed(note, &error);
	}
}

bool etcd_note_put(struct etcd_note *note, const char *key, const char *value, int64_t ttl_ms)
{
	if (note->state == ETCD_NOTE_UNDER_WAY)
		return false;
	free(note->value);
	note->value = value ? strdup(value) : NULL;
	note->state = ETCD_NOTE_UNDER_WAY;
	note->tries_left = note->tries;
	note->ttl_ms = ttl_ms;
	note->lease[0] = '\0';
	note->step = value && ttl_ms > 0 ? STEP_GRANT : STEP_PUT;
	snprintf(note->key, sizeof(note->key), "%s", key);
	if ((note->value || !value) && strlen(key) < sizeof(note->key))
		step(note);
	else
		end(note, "no memory for a note");
	return true;
}
