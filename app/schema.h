/* schema.h - the JSON Schema of the fleet file, made from the tables that read it. */
#ifndef APP_SCHEMA_H
#define APP_SCHEMA_H

struct text;

/* The whole schema with a newline; share/spillway.schema.json is this, and a test compares. */
void schema_print(struct text *out);

#endif
