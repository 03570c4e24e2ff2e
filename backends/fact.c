#include "backends/fact.h"

#include <string.h>

#include "backends/answer.h"
#include "backends/backend.h"
#include "backends/label.h"
#include "backends/observation.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/wire/json.h"

bool fact_note(const struct sheet *sheet, const struct fact *fact, struct error *error)
{
	struct source_label labels[2];
	size_t count = 0;
	if (fact->cluster)
		labels[count++] = (struct source_label){"cluster", fact->cluster};
	if (fact->replica)
		labels[count++] = (struct source_label){"replica", fact->replica};
	struct label_view view = {.series = labels, .count = count, .target = sheet->target};
	struct observation observation = {.group = (uint32_t)fact->signal,
		.series = fact->series,
		.signal = fact->signal,
		.rate = fact->rate,
		.term = fact->term,
		.terms = fact->terms,
		.at_ms = sheet->at_ms,
		.value = fact->value};
	struct error trouble = {0};
	if (!label_entity(sheet->sink->fleet, &view, fact->signal, &observation.entity, &trouble)) {
		observations_warn(sheet->sink, "%s", trouble.text);
		return true;
	}
	return observations_add(sheet->sink, &observation, error);
}

struct json_document *fact_json(const struct sheet *sheet, const struct backend_answer *answer,
	const char *expected, struct error *error)
{
	struct error trouble = {0};
	if (!answer_check(answer, sheet->target->url, expected, error))
		return NULL;
	struct json_document *document = json_parse(answer->bytes, answer->length, &trouble);
	if (document)
		return document;
	char place[ANSWER_PLACE_BYTES];
	answer_place(sheet->target->url, place);
	error_set(error, trouble.kind, "%s does not answer with %s: %s", place, expected,
		trouble.text);
	return NULL;
}

const char *fact_mapped(const struct source_label *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	return count == 0 ? name : NULL;
}

const char *fact_url(struct arena *arena, const struct source_target *target, const char *path)
{
	size_t length = strcspn(target->url, "?#");
	while (length > 0 && target->url[length - 1] == '/')
		length--;
	return arena_printf(arena, "%.*s%s", (int)length, target->url, path);
}
