#!/usr/bin/env python3
"""Answers bound to schemas and grammars: whatever a model that is drawn from wildly says, it fits.

    schema_test.py APR [SCHEMAS]
"""
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

from common import BUNDLED, SKIPPED

try:
    import jsonschema
except ImportError:
    print("skipped: Python's jsonschema, the independent judge, is not installed (python3-jsonschema)")
    sys.exit(SKIPPED)

APR = sys.argv[1]
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 200


class Schemas:
    """Schemas at random, of the keywords that agents use."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def text(self):
        kind = self.r.randrange(6)
        if kind == 0:
            return {"type": "string"}
        if kind == 1:
            low = self.r.randrange(8)
            return {"type": "string", "minLength": low, "maxLength": low + self.r.randrange(12)}
        if kind == 2:
            return {"type": "string", "pattern": self.r.choice(
                [r"^[a-z]{2,8}$", r"^\d{3}-\d{4}$", r"^(GET|POST) /\w+$", r"x", r"^[^\s]+$", r"^.{3,5}$", r"^#[0-9a-fA-F]{6}$"])}
        if kind == 3:
            return {"type": "string", "format": self.r.choice(["date", "date-time", "time", "uuid", "email", "ipv4", "uri"])}
        if kind == 4:
            return {"enum": self.r.sample(["red", "green", "bl\"ue", "gr\u00fcn", 1, 2.5, None, True, {"a": [1]}], 3)}
        return {"const": self.r.choice(["fixed", 7, False])}

    def number(self):
        kind = self.r.choice(["integer", "number"])
        schema = {"type": kind}
        low = self.r.choice([-1000, -2.5, -1, 0, 0.125, 3, 17])
        if self.r.random() < .6:
            schema[self.r.choice(["minimum", "exclusiveMinimum"])] = low
        if self.r.random() < .6:
            schema[self.r.choice(["maximum", "exclusiveMaximum"])] = low + self.r.choice([1.5, 7, 1000])
        if kind == "integer" and self.r.random() < .2:
            schema = {"type": "integer", "multipleOf": self.r.choice([2, 5, 60]), "minimum": 0}
        return schema

    def array(self, depth):
        schema = {"type": "array", "items": self.any(depth + 1), "maxItems": self.r.randrange(1, 5)}
        if self.r.random() < .4:
            schema["minItems"] = self.r.randrange(schema["maxItems"] + 1)
        if self.r.random() < .2:
            schema["prefixItems"] = [self.any(depth + 1) for _ in range(2)]
        if self.r.random() < .1:
            return {"type": "array", "items": {"enum": ["a", "b", "c", "d"]}, "uniqueItems": True, "minItems": 1}
        return schema

    def object(self, depth):
        names = self.r.sample(["path", "old_string", "new_string", "limit", "n\u00e4me", "a b", "q\"", "x"], self.r.randrange(1, 5))
        schema = {"type": "object", "properties": {n: self.any(depth + 1) for n in names},
                  "required": [n for n in names if self.r.random() < .5]}
        kind = self.r.randrange(5)
        if kind == 0:
            schema["additionalProperties"] = False
        elif kind == 1:
            schema["additionalProperties"] = self.text()
        elif kind == 2:
            schema["maxProperties"] = max(1, len(schema["required"]))
        return schema

    def any(self, depth=0):
        kind = self.r.randrange(9 if depth < 3 else 5)
        if kind < 3:
            return self.text()
        if kind == 3:
            return self.number()
        if kind == 4:
            return {"type": self.r.choice(["boolean", "null", ["string", "null"], ["integer", "boolean"]])}
        if kind == 5:
            return {"anyOf": [self.any(depth + 1), self.any(depth + 1)]}
        if kind == 6:
            return self.array(depth)
        return self.object(depth)

    def whole(self):
        kind = self.r.randrange(8)
        if kind == 0:
            return {"$defs": {"node": {"type": "object", "properties": {"name": self.text(), "children": {
                "type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}}, "required": ["name"]}}, "$ref": "#/$defs/node"}
        if kind == 1:
            return {"oneOf": [{"type": "object", "properties": {"kind": {"const": k}, "value": self.any(1)}, "required": ["kind"]}
                              for k in ("a", "b", "c")]}
        if kind == 2:
            wide = self.object(1)
            wide.pop("additionalProperties", None)
            wide.pop("maxProperties", None)
            return {"allOf": [wide, {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}]}
        return self.object(0)


# In the shape of coding agents' own tools.
AGENTS = {
    "read": {"type": "object", "properties": {"file_path": {"type": "string", "description": "Absolute path"},
             "offset": {"type": "number", "minimum": 0}, "limit": {"type": "integer", "exclusiveMinimum": 0}},
             "required": ["file_path"], "additionalProperties": False, "$schema": "http://json-schema.org/draft-07/schema#"},
    "write": {"type": "object", "properties": {"file_path": {"type": "string"}, "content": {"type": "string"}},
              "required": ["file_path", "content"], "additionalProperties": False},
    "edit": {"type": "object", "properties": {"file_path": {"type": "string", "minLength": 1}, "old_string": {"type": "string"},
             "new_string": {"type": "string"}, "replace_all": {"type": "boolean", "default": False}},
             "required": ["file_path", "old_string", "new_string"], "additionalProperties": False},
    "edits": {"type": "object", "properties": {"path": {"type": "string"}, "edits": {"type": "array", "minItems": 1, "items": {
              "type": "object", "properties": {"old": {"type": "string"}, "new": {"type": "string"}}, "required": ["old", "new"]}}},
              "required": ["path", "edits"]},
    "shell": {"type": "object", "properties": {"command": {"type": "string"}, "timeout": {"type": "number", "maximum": 600000},
              "run_in_background": {"type": "boolean"}, "env": {"type": "object", "additionalProperties": {"type": "string"}}},
              "required": ["command"]},
    "argv": {"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}, "minItems": 1},
             "workdir": {"type": ["string", "null"]}}, "required": ["command"], "additionalProperties": False},
    "grep": {"type": "object", "properties": {"pattern": {"type": "string"}, "path": {"type": "string"}, "glob": {"type": "string"},
             "output_mode": {"type": "string", "enum": ["content", "files_with_matches", "count"]}, "-A": {"type": "number"},
             "-i": {"type": "boolean"}, "head_limit": {"type": "integer", "minimum": 1, "maximum": 1000}}, "required": ["pattern"]},
    "glob": {"type": "object", "properties": {"pattern": {"type": "string", "pattern": "^[^\\n]+$"}, "path": {"type": "string"}},
             "required": ["pattern"]},
    "todos": {"type": "object", "properties": {"todos": {"type": "array", "items": {"$ref": "#/$defs/todo"}, "maxItems": 20}},
              "required": ["todos"], "$defs": {"todo": {"type": "object", "properties": {"content": {"type": "string", "minLength": 1},
              "status": {"enum": ["pending", "in_progress", "completed"]}, "id": {"type": "string", "format": "uuid"}},
              "required": ["content", "status"], "additionalProperties": False}}},
    "fetch": {"type": "object", "properties": {"url": {"type": "string", "format": "uri"}, "prompt": {"type": "string"},
              "method": {"const": "GET"}, "headers": {"anyOf": [{"type": "null"}, {"type": "object",
              "additionalProperties": {"type": "string"}, "propertyNames": {"pattern": "^[A-Za-z-]+$"}}]}}, "required": ["url"]},
}


class Structured(unittest.TestCase):
    def run_bound(self, flag, content, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "bound"
            file.write_text(content)
            return subprocess.run([APR, "run", str(BUNDLED), "-p", "Describe a cat.", flag, str(file), *arguments],
                                  capture_output=True, text=True)

    def check(self, schema, seed, tokens=300):
        done = self.run_bound("--json-schema", json.dumps(schema), "--temperature", "1.5", "--seed", str(seed), "-n", str(tokens))
        told = f"{json.dumps(schema)}\nsaid {done.stdout!r} {done.stderr!r}"
        self.assertEqual(done.returncode, 0, told)
        try:
            jsonschema.Draft202012Validator(schema, format_checker=jsonschema.draft202012_format_checker).validate(json.loads(done.stdout))
        except (ValueError, jsonschema.ValidationError) as error:
            self.fail(f"{error}\n{told}")

    def test_schemas_at_random(self):
        for seed in range(COUNT):
            self.check(Schemas(seed).whole(), seed)

    def test_tools_of_agents(self):
        for name, schema in AGENTS.items():
            for seed in range(3):
                with self.subTest(tool=name):
                    self.check(schema, seed)

    def test_little_room_is_enough(self):
        schema = {"type": "object", "properties": {"a": {"type": "string", "minLength": 5}, "b": {"type": "array", "items": {"type": "integer"}}},
                  "required": ["a", "b"]}
        shortest = len('{"a":"12345","b":[]}')
        for seed in range(5):
            self.check(schema, seed, tokens=shortest)
        done = self.run_bound("--json-schema", json.dumps(schema), "-n", str(shortest - 1))
        self.assertEqual(done.returncode, 7)
        self.assertIn(f"its shortest text takes {shortest} bytes", done.stderr)

    def test_speculation_changes_nothing(self):
        schema = json.dumps(AGENTS["edit"])
        same = [self.run_bound("--json-schema", schema, "--temperature", "1", "--seed", "3", "-n", "80", "--spec", spec).stdout
                for spec in ("none", "ngram")]
        self.assertEqual(*same)

    def test_calls_of_tools(self):
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
                     "city": {"type": "string", "maxLength": 30}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
                     "required": ["city"]}}},
                 {"name": "list_files", "parameters": {"type": "object", "properties": {"path": {"type": "string"}},
                  "required": ["path"]}}]
        one = r"<tool_call>\n<function=(\w+)>\n((?:<parameter=\w+>\n[\s\S]*?\n</parameter>\n)*)</function>\n</tool_call>"
        for choice in ("required", "list_files"):
            for seed in range(6):
                done = self.run_bound("--tools", json.dumps(tools), "--tool-choice", choice, "--temperature", "1.5",
                                      "--seed", str(seed), "-n", "200")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, rf"\A{one}(\n{one})*\n\Z")
                for name, body in re.findall(one, done.stdout):
                    values = dict(re.findall(r"<parameter=(\w+)>\n([\s\S]*?)\n</parameter>", body))
                    self.assertIn(name, ("list_files",) if choice == "list_files" else ("list_files", "get_weather"))
                    self.assertIn("path" if name == "list_files" else "city", values)
                    self.assertRegex(values.get("days", "1"), r"\A[1-9]\Z")
        done = self.run_bound("--tools", json.dumps(tools), "-n", "100")
        self.assertEqual(done.returncode, 0, done.stderr)
        for content, arguments, code, sentence in (
                ("{}", (), 9, "expected a list of tools"), ('[{"x": 1}]', (), 9, "tools[0]: expected an object with a name"),
                (json.dumps(tools), ("--tool-choice", "other"), 2, "neither auto, required, nor one of the tools"),
                (json.dumps(tools), ("--raw",), 2, "has no place for tools")):
            done = self.run_bound("--tools", content, *arguments)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(sentence, done.stderr)

    def test_grammars(self):
        grammar = 'root ::= "yes, " reason | "no, " reason\nreason ::= [a-z ]{3,20} "."\n'
        for seed in range(5):
            done = self.run_bound("--grammar", grammar, "--temperature", "1.5", "--seed", str(seed), "-n", "60")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"\A(yes|no), [a-z ]{3,20}\.\n\Z")

    def test_refusals(self):
        for flag, content, code, sentence in (
                ("--json-schema", "{", 9, "it is no JSON"),
                ("--json-schema", '{"properties":{"a":{"not":{}}}}', 5, "schema/properties/a/not: 'not' is not built"),
                ("--json-schema", '{"type":"integer","minimum":2,"maximum":1}', 9, "matches no text at all"),
                ("--grammar", "root ::= (", 9, "grammar, line 1, column 11"),
                ("--grammar", "root ::= root", 9, "matches no text at all")):
            done = self.run_bound(flag, content, "-n", "50")
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(sentence, done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
