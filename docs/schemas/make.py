"""Writes the JSON Schemas of konflik's JSON outputs from the types that they are written from.

    python3 docs/schemas/make.py

Types and texts are those of the Rust sources, so a schema says what the documentation says. That
real outputs follow the schemas, and that nothing else does, is for `tests/schemas.rs` to show.
"""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE.parent.parent / "src"

# Name of the schema, type of the output.
OUTPUTS = {
    "ablation": "Ablation",
    "agreement": "Agreement",
    "behaviour": "Behaviour",
    "check": "CheckReport",
    "comparison": "Comparison",
    "evaluation": "Evaluation",
    "learning-curve": "LearningCurve",
    "model": "ModelDocument",
    "prevalence": "Prevalence",
    "report": "BatchReport",
}
COUNTS = {"u8", "u16", "u32", "u64", "usize"}


def read_types():
    """Every serialized type by name: its text, attributes and body."""
    types = {}
    item = re.compile(
        r"(?P<doc>(?:^/// ?[^\n]*\n)*)(?P<attributes>(?:^#\[[^\n]*\]\n)+)"
        r"^(?:pub(?:\(\w+\))? )?(?P<kind>struct|enum) (?P<name>\w+)(?:<'a>)? \{\n(?P<body>.*?)^\}",
        re.M | re.S,
    )
    for path in sorted(SOURCES.rglob("*.rs")):
        for found in item.finditer(path.read_text(encoding="utf-8")):
            if "Serialize" in found["attributes"]:
                assert found["name"] not in types, f"two types are called {found['name']}"
                types[found["name"]] = found
    return types


TYPES = read_types()


def text_of(doc):
    """A documentation comment as one line, without links."""
    lines = [re.sub(r"^\s*/// ?", "", line) for line in doc.splitlines()]
    text = " ".join(line.strip() for line in lines)
    return re.sub(r"\[`([^`]+)`\]|`([^`]+)`", word_of, text).strip()


def word_of(found):
    """What stands in code marks, in the words of JSON."""
    word = found[1] or found[2]
    return "null" if word == "None" else word.split("::")[-1]


def entries(body):
    """The fields or variants of a type: documentation, attributes, and the rest of the line."""
    doc, attributes = [], []
    for line in body.splitlines():
        line = line.strip()
        if line.startswith("///"):
            doc.append(line)
        elif line.startswith("#["):
            attributes.append(line)
        elif line and not line.startswith("//"):
            yield "\n".join(doc), " ".join(attributes), line.rstrip(",")
            doc, attributes = [], []


class Schema:
    """One schema and the types that it needs."""

    def __init__(self):
        self.definitions = {}

    def of_type(self, rust):
        """The schema of a Rust type."""
        rust = re.sub(r"&'a \[(\w+)\]", r"Vec<\1>", rust).replace("&'a ", "").replace("<'a>", "")
        generic = re.fullmatch(r"(\w+)<(.*)>", rust)
        array = re.fullmatch(r"\[(.+); (\d+)\]", rust)
        pair = re.fullmatch(r"\((.+), (.+)\)", rust)
        if rust in COUNTS:
            return {"type": "integer", "minimum": 0}
        if rust == "Value":
            return {}
        if rust in ("f32", "f64"):
            return {"type": "number"}
        if rust == "bool":
            return {"type": "boolean"}
        if rust in ("String", "str", "&'static str"):
            return {"type": "string"}
        if array:
            return self.fixed([array[1]] * int(array[2]))
        if pair:
            return self.fixed([pair[1], pair[2]])
        if generic and generic[1] == "Vec":
            return {"type": "array", "items": self.of_type(generic[2])}
        if generic and generic[1] == "Option":
            return {"anyOf": [self.of_type(generic[2]), {"type": "null"}]}
        if generic and generic[1] == "BTreeMap":
            key, value = generic[2].split(", ", 1)
            assert key == "String", rust
            return {"type": "object", "additionalProperties": self.of_type(value)}
        name = rust.split("::")[-1]
        self.define(name)
        return {"$ref": f"#/$defs/{name}"}

    def fixed(self, parts):
        """An array of as many items as there are types."""
        items = [self.of_type(part) for part in parts]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}

    def define(self, name):
        """Enters a type, and all that it holds, among the definitions."""
        if name not in self.definitions:
            self.definitions[name] = None
            self.definitions[name] = self.body(TYPES[name])

    def body(self, found):
        """The schema of a struct or enum."""
        described = {"description": text_of(found["doc"])}
        if found["kind"] == "enum":
            assert re.search('rename_all = "(snake_case|lowercase)"', found["attributes"]), found["name"]
            words = [re.sub(r"(?<!^)(?=[A-Z])", "_", entry).lower() for _, _, entry in entries(found["body"])]
            return described | {"type": "string", "enum": words}
        if "transparent" in found["attributes"]:
            (_, _, entry), = entries(found["body"])
            return described | self.of_type(entry.split(": ", 1)[1])
        return described | self.object(found)

    def object(self, found):
        """An object with the fields of a struct and no others."""
        properties, required = {}, []
        for doc, attributes, entry in entries(found["body"]):
            name, rust = re.fullmatch(r"(?:pub )?(\w+): (.+)", entry).groups()
            if "serde(skip)" in attributes:
                continue
            if "flatten" in attributes:
                inner = self.object(TYPES[rust])
                properties |= inner["properties"]
                required += inner["required"]
                continue
            if "skip_serializing_if" in attributes:
                rust = re.fullmatch(r"Option<(.+)>", rust)[1]
            else:
                required.append(name)
            always = re.match(r"Always `(.+)`", text_of_code(doc))
            if always:
                schema = {"const": always[1]}
            elif name == "schema_version":
                schema = {"const": 1}
            else:
                schema = self.of_type(rust)
            properties[name] = {"description": text_of(doc)} | schema
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }


def text_of_code(doc):
    """The first line of a documentation comment, with its marks."""
    return re.sub(r"^\s*/// ?", "", doc.split("\n", 1)[0])


def main():
    for name, rust in OUTPUTS.items():
        schema = Schema()
        root = schema.object(TYPES[rust])
        whole = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:konflik:schema:{name}:1",
            "title": f"konflik/{name}",
            "description": text_of(TYPES[rust]["doc"]),
        } | root
        whole["$defs"] = dict(sorted(schema.definitions.items()))
        text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        (HERE / f"{name}.schema.json").write_text(text, encoding="utf-8")


main()
