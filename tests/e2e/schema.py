"""schema.py SCHEMA FILE...: does each YAML file satisfy the JSON Schema? For the words that our schemas use, and no other: a word it does not
know is an error, so that nothing is taken for checked that is not."""
import json
import re
import sys

import yaml

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
NOTES = {"$schema", "title", "description", "default", "format"}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))


def some(value, schemas, path, fit):
    """How many of the schemas fit."""
    count = sum(1 for schema in schemas if not list(wrong(value, schema, path)))
    return [] if fit(count) else [f"{path}: {count} of {len(schemas)} alternatives fit"]


def wrong_object(value, schema, path):
    for key in schema.get("required", []):
        if key not in value:
            yield f"{path}: lacks {key}"
    for key, inner in value.items():
        more = schema.get("additionalProperties", True)
        if key in schema.get("properties", {}):
            yield from wrong(inner, schema["properties"][key], f"{path}.{key}")
        elif more is False:
            yield f"{path}: no key {key}"
        elif isinstance(more, dict):
            yield from wrong(inner, more, f"{path}.{key}")


def wrong_limits(value, schema, path):
    size = len(value) if isinstance(value, (dict, list)) else value
    for word, fits in (("minItems", lambda a, b: a >= b), ("maxItems", lambda a, b: a <= b),
                       ("maxProperties", lambda a, b: a <= b), ("minimum", lambda a, b: a >= b),
                       ("maximum", lambda a, b: a <= b)):
        is_of_size = word.endswith(("Items", "Properties"))
        if word in schema and isinstance(value, (dict, list) if is_of_size else (int, float)) and \
                not fits(size, schema[word]):
            yield f"{path}: {word} is {schema[word]}"


def wrong(value, schema, path):
    unknown = set(schema) - NOTES - {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "pattern",
                                     "anyOf", "oneOf", "allOf", "minItems", "maxItems", "maxProperties", "minimum", "maximum"}
    if unknown:
        sys.exit(f"{path}: the schema says {sorted(unknown)}, which is not understood here")
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, name) for name in types):
        yield f"{path}: {value!r} is no {' or '.join(types)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"
    yield from wrong_limits(value, schema, path)
    if isinstance(value, dict):
        yield from wrong_object(value, schema, path)
    for index, inner in enumerate(value if isinstance(value, list) else []):
        yield from wrong(inner, schema.get("items", {}), f"{path}[{index}]")
    if "anyOf" in schema:
        yield from some(value, schema["anyOf"], path, lambda count: count > 0)
    if "oneOf" in schema:
        yield from some(value, schema["oneOf"], path, lambda count: count == 1)
    for inner in schema.get("allOf", []):
        yield from wrong(value, inner, path)


class Words(yaml.SafeLoader):
    """Times and the words on and off are text in our files."""


Words.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def main():
    schema = json.load(open(sys.argv[1]))
    found = 0
    for name in sys.argv[2:]:
        for complaint in wrong(yaml.load(open(name), Words), schema, name):
            print(complaint)
            found += 1
    sys.exit(1 if found else 0)


main()
