#include "actions/planted.h"

#include <stdio.h>
#include <string.h>

#include "actions/template.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/text.h"
#include "core/wire/ssh.h"

#define NAME_BYTES 32
#define MINUTE_MS 60000

const char *planted_name(enum plant_kind kind)
{
	static const char *const names[] = {
		[PLANT_NONE] = "", [PLANT_SYSTEMD] = "systemd", [PLANT_AT] = "at"};
	return names[kind];
}

static void timer_name(const struct planted *planted, char out[NAME_BYTES])
{
	char words[REQUEST_HOST_BYTES + ENTITY_PATH_BYTES + 128];
	char digest[DIGEST_HEX_BYTES];
	snprintf(words, sizeof(words), "%s %.9g %.9g", planted->where, planted->from, planted->to);
	digest_sha256(words, strlen(words), digest);
	snprintf(out, NAME_BYTES, "spillway-%.10s", digest);
}

/* Does nothing unless the value is still ours. */
static bool add_compare(const struct planted *planted, struct text *out, struct error *error)
{
	char to[NUMBER_TEXT_BYTES];
	if (!template_number(planted->to, to, sizeof(to), error))
		return false;
	text_printf(out, "[ \"$(%s)\" = %s ] && { %s; }", planted->read, to, planted->undo);
	return true;
}

static bool add_systemd(
	const struct planted *planted, const char *name, struct text *out, struct error *error)
{
	struct text script;
	text_init(&script, PLAN_LINE_BYTES);
	bool ok = add_compare(planted, &script, error);
	/* One of that name may stand from the same change made before. Unasked, a timer may be a
	 * minute late, and its command finds no program that is only in the login's path. */
	text_printf(out,
		"systemctl --user -q stop %s.timer 2>/dev/null; systemd-run --user -q --collect "
		"--setenv=PATH=\"$PATH\" --on-active=%lld --timer-property=AccuracySec=1s "
		"--unit=%s sh -c ",
		name, (long long)((planted->after_ms + 999) / 1000), name);
	ok = ok && ssh_quote(out, text_string(&script), error);
	text_finish(&script);
	return ok;
}

static bool add_at(
	const struct planted *planted, const char *name, struct text *out, struct error *error)
{
	struct text script;
	text_init(&script, PLAN_LINE_BYTES);
	text_printf(&script, "rm ~/.%s && ", name);
	bool ok = add_compare(planted, &script, error);
	text_printf(out, "touch ~/.%s && echo ", name);
	ok = ok && ssh_quote(out, text_string(&script), error);
	int64_t minutes = (planted->after_ms + MINUTE_MS - 1) / MINUTE_MS + 1;
	/* It counts from the beginning of this minute, and must not be early. It tells the job's
	 * number where complaints go; whether it stands is its exit status. */
	text_printf(out, " | at now + %lld minutes 2>/dev/null", (long long)minutes);
	text_finish(&script);
	return ok;
}

static void add_cancel(const struct planted *planted, const char *name, struct text *out)
{
	if (planted->kind == PLANT_AT)
		text_printf(out, "rm -f ~/.%s", name);
	else
		text_printf(out, "{ systemctl --user -q stop %s.timer 2>/dev/null || :; }", name);
}

static bool add_plant(
	const struct planted *planted, const char *name, struct text *out, struct error *error)
{
	return planted->kind == PLANT_AT ? add_at(planted, name, out, error)
					 : add_systemd(planted, name, out, error);
}

bool planted_command(const struct planted *planted, enum planted_order order,
	char out[PLAN_LINE_BYTES], struct error *error)
{
	struct text line;
	char name[NAME_BYTES];
	bool ok = true;
	text_init(&line, PLAN_LINE_BYTES - 1);
	timer_name(planted, name);
	switch (order) {
	case PLANTED_WITH_CHANGE:
		ok = add_plant(planted, name, &line, error);
		text_printf(&line, " && { %s; }", planted->change);
		break;
	case PLANTED_WITH_UNDO:
		text_printf(&line, "{ %s; } && ", planted->undo);
		add_cancel(planted, name, &line);
		break;
	case PLANTED_AGAIN:
		ok = add_plant(planted, name, &line, error);
		break;
	case PLANTED_CANCEL:
		add_cancel(planted, name, &line);
		break;
	}
	if (ok && !text_ok(&line))
		ok = error_set(error, ERROR_LIMIT,
			"with its timer the command is longer than %d bytes: what cannot be shown "
			"whole is not sent; put it into a script on the host",
			PLAN_LINE_BYTES - 1);
	if (ok)
		memcpy(out, text_string(&line), line.length + 1);
	text_finish(&line);
	return ok;
}
