"""A validator for the part of JSON Schema that the manifest's schema uses; the full language needs a library.

Keywords: type, properties, required, additionalProperties, items, enum, const, pattern, minimum, minItems, oneOf, $ref.
"""

import re

from refpcm.errors import RefpcmError

TYPES = {"object": dict, "array": list, "string": str, "integer": int}


def check_schema(value, schema, source):
    """Raises RefpcmError naming the place in `source` where `value` does not fit `schema`."""
    problem = _problem(value, schema, schema, "")
    if problem:
        raise RefpcmError(f"{source} does not fit the schema of golden kits: {problem}; take an intact copy of the kit")


def _problem(value, schema, root, path):
    """First violation as text, or None."""
    where = path or "top level"
    if "$ref" in schema:
        return _problem(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, path)
    if "oneOf" in schema:
        fitting = [s for s in schema["oneOf"] if _problem(value, s, root, path) is None]
        return None if len(fitting) == 1 else f"{where} fits {len(fitting)} of its {len(schema['oneOf'])} forms"
    if "const" in schema and value != schema["const"]:
        return f"{where} must be {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is {value!r}, not one of {schema['enum']}"
    if "type" in schema and (not isinstance(value, TYPES[schema["type"]]) or isinstance(value, bool)):
        return f"{where} must be of type {schema['type']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{where} is {value!r}, which does not match {schema['pattern']}"
    if "minimum" in schema and value < schema["minimum"]:
        return f"{where} is {value}, below {schema['minimum']}"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            return f"{where} has {len(value)} items, fewer than {schema['minItems']}"
        children = [(item, schema.get("items", {}), f"{path}[{i}]") for i, item in enumerate(value)]
    elif isinstance(value, dict):
        missing = [name for name in schema.get("required", ()) if name not in value]
        if missing:
            return f"{where} lacks {', '.join(missing)}"
        known, other = schema.get("properties", {}), schema.get("additionalProperties", {})
        unknown = [name for name in value if name not in known]
        if other is False and unknown:
            return f"{where} has unknown members {', '.join(unknown)}"
        children = [(item, known.get(name, other), f"{path}.{name}") for name, item in value.items()]
    else:
        return None
    return next((found for child in children if (found := _problem(child[0], child[1], root, child[2]))), None)
