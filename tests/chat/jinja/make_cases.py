#!/usr/bin/env python3
"""Renders the templates of jinja2_cases.jsonl again with Python's Jinja2, set up as transformers does, and writes what it says.

    make_cases.py        checks the file; one line for each case that differs
    make_cases.py --write
"""
import json
import pathlib
import sys

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

FILE = pathlib.Path(__file__).with_name("jinja2_cases.jsonl")


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


def main():
    env, different = environment(), 0
    first, *cases = [json.loads(line) for line in FILE.read_text().split("\n") if line]
    lines = [json.dumps(first, ensure_ascii=False)]
    for case in cases:
        try:
            now = {"template": case["template"], "rendered": env.from_string(case["template"]).render(**first["variables"])}
        except Exception:
            now = {"template": case["template"], "fails": True}
        different += now != case
        if now != case:
            print(f"differs: {case['template']!r}")
        lines.append(json.dumps(now, ensure_ascii=False))
    if "--write" in sys.argv:
        FILE.write_text("\n".join(lines) + "\n")
    sys.exit(1 if different and "--write" not in sys.argv else 0)


if __name__ == "__main__":
    main()
