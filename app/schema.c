#include "app/schema.h"

#include "actions/config.h"
#include "app/config.h"
#include "core/base/text.h"

void schema_print(struct text *out)
{
	text_add(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
		      "\"title\":\"Spillway fleet "
		      "file\",\"type\":\"object\",\"additionalProperties\":false,"
		      "\"required\":[\"version\"],\"properties\":{");
	config_schema_members(out);
	text_add(out, ",\"actions\":{\"type\":\"object\",\"additionalProperties\":"
		      "{\"anyOf\":[");
	action_configs_schema_action(out);
	text_add(out, ",{\"type\":\"object\",\"description\":\"The actions of a pack, and how its "
		      "system is reached.\",\"required\":[\"use\"],\"properties\":{\"use\":{"
		      "\"type\":\"string\"}}}]}},\"guards\":");
	action_configs_schema_guards(out);
	text_add(out, ",\"journal\":");
	action_configs_schema_journal(out);
	text_add(out, ",\"coordination\":");
	action_configs_schema_coordination(out);
	text_add(out, "}}\n");
}
