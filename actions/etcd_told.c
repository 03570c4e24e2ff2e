#include "actions/etcd_told.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

struct etcd_told {
	struct etcd_note *note;
	etcd_told_fn *done;
	void *context;
	char key[ETCD_KEY_BYTES];
	char *value;       /* the newest word; NULL: none is to be there */
	bool is_due;       /* it is not on its way yet */
	int64_t now_ms;    /* as last told */
	int64_t not_until; /* after a failure, on the same clock */
};

/* A word that was overtaken while it was on its way decides nothing. */
static void on_note(void *context)
{
	struct etcd_told *told = context;
	if (etcd_note_state(told->note) == ETCD_NOTE_FAILED) {
		told->is_due = true;
		told->not_until = told->now_ms + ETCD_TOLD_RETRY_MS;
	}
	etcd_told_tick(told, told->now_ms);
	told->done(told->context);
}

struct etcd_told *etcd_told_create(
	struct etcd *etcd, unsigned tries, etcd_told_fn *done, void *context, struct error *error)
{
	struct etcd_told *told = calloc(1, sizeof(*told));
	if (!told) {
		error_no_memory(error, "what others are told");
		return NULL;
	}
	told->done = done;
	told->context = context;
	told->note = etcd_note_create(etcd, tries, on_note, told, error);
	if (told->note)
		return told;
	free(told);
	return NULL;
}

void etcd_told_destroy(struct etcd_told *told)
{
	if (!told)
		return;
	etcd_note_destroy(told->note);
	free(told->value);
	free(told);
}

bool etcd_told_say(struct etcd_told *told, const char *key, const char *value, int64_t now_ms,
	struct error *error)
{
	char *copy = value ? strdup(value) : NULL;
	if (value && !copy)
		return error_no_memory(error, "what others are told");
	free(told->value);
	told->value = copy;
	told->is_due = true;
	told->not_until = now_ms;
	snprintf(told->key, sizeof(told->key), "%s", key);
	etcd_told_tick(told, now_ms);
	return true;
}

void etcd_told_tick(struct etcd_told *told, int64_t now_ms)
{
	told->now_ms = now_ms;
	if (!told->is_due || now_ms < told->not_until ||
		etcd_note_state(told->note) == ETCD_NOTE_UNDER_WAY)
		return;
	told->is_due = false;
	etcd_note_put(told->note, told->key, told->value, 0);
}

enum etcd_note_state etcd_told_state(const struct etcd_told *told)
{
	enum etcd_note_state state = etcd_note_state(told->note);
	return told->is_due && state != ETCD_NOTE_FAILED ? ETCD_NOTE_UNDER_WAY : state;
}

const char *etcd_told_trouble(const struct etcd_told *told)
{
	return etcd_note_trouble(told->note);
}
