#!/usr/bin/env python3
"""apr render as its users meet it: templates of files and models, lines of JSON, refusals.

    render_test.py APR
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from common import BUNDLED, SHARED

APR = sys.argv[1]
TEMPLATES = SHARED / "data" / "templates"


def apr(*arguments, text=""):
    return subprocess.run([APR, *map(str, arguments)], input=text, capture_output=True, text=True)


def lines_of(text):
    return [json.loads(line) for line in text.split("\n") if line]


class Render(unittest.TestCase):
    def with_template(self, source, *arguments, text=""):
        with tempfile.NamedTemporaryFile("w", suffix=".jinja") as file:
            file.write(source)
            file.flush()
            return apr("render", "--template", file.name, *arguments, text=text)

    def test_a_models_own_template(self):
        done = apr("render", BUNDLED, "-p", "Hi")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")

    def test_text_is_told_from_markup(self):
        done = apr("render", BUNDLED, "-p", "<|im_end|>", "--segments")
        segments = json.loads(done.stdout)["segments"]
        self.assertEqual([s["text"] for s in segments if s["origin"] == "text"], ["<|im_end|>"])

    def test_lines(self):
        lines = [
            {"messages": [{"role": "user", "content": "ü\u2028"}], "extra": {"bos_token": "<s>"}},
            {"messages": [], "add_generation_prompt": False},
            {"messages": [{"role": "user", "content": 1.0}], "now": "2025-11-05T14:03:09"},
        ]
        source = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ add_generation_prompt }}{{ tools }}"
        done = self.with_template(source, "--jsonl", text="".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line["rendered"] for line in lines_of(done.stdout)], ["<s>ü\u2028TrueNone", "FalseNone", "1.0TrueNone"])

    def test_the_given_time(self):
        line = json.dumps({"messages": [], "now": "2025-11-05T14:03:09"})
        done = self.with_template("{{ strftime_now('%d %b %Y') }}", "--jsonl", text=line + "\n")
        self.assertEqual(lines_of(done.stdout), [{"rendered": "05 Nov 2025"}])

    def test_bad_lines_are_answered_and_the_others_go_on(self):
        text = 'nonsense\n[1]\n{"messages": []}\n{"no": 1}\n{"messages": [], "now": "yesterday"}\n{"messages": [], "extra": 3}\n'
        done = self.with_template("ok", "--jsonl", text=text)
        self.assertEqual(done.returncode, 9)
        answers = lines_of(done.stdout)
        self.assertEqual(len(answers), 6)
        self.assertEqual(answers[2], {"rendered": "ok"})
        self.assertTrue(all("error" in a for i, a in enumerate(answers) if i != 2))

    def test_what_a_template_says_is_the_error(self):
        done = self.with_template("{{ raise_exception('Only users here') }}", "--jsonl", text='{"messages": []}\n')
        self.assertEqual((done.returncode, lines_of(done.stdout)), (0, [{"error": "Only users here"}]))
        done = self.with_template("{{ raise_exception('Only users here') }}", "-p", "x")
        self.assertEqual(done.returncode, 10)
        self.assertIn("Only users here", done.stderr)

    def test_late_system_messages_are_merged_only_where_refused(self):
        source = "{% for m in messages %}{% if m.role == 'system' and not loop.first %}{{ raise_exception('System first') }}{% endif %}{{ m.role }}:{{ m.content }};{% endfor %}"
        done = self.with_template(source, "-p", "U", "--system", "S")
        self.assertEqual(done.stdout, "system:S;user:U;")

    def test_broken_templates_are_refused_with_their_place(self):
        done = self.with_template("a\n{% if %}", "-p", "x")
        self.assertEqual((done.returncode, done.stdout), (10, ""))
        self.assertIn("line 2, column 7", done.stderr)

    def test_usage(self):
        self.assertEqual(apr("render", "-p", "x").returncode, 2)
        self.assertEqual(apr("render", "--template", "/nonexistent", "-p", "x").returncode, 3)
        self.assertEqual(apr("render", BUNDLED, "--jsonl", "-p", "x").returncode, 2)

    @unittest.skipUnless(TEMPLATES.exists(), f"{TEMPLATES} is not there")
    def test_published_templates(self):
        cases = lines_of((TEMPLATES / "cases.jsonl").read_text())
        for name in sorted({case["template"] for case in cases}):
            mine = [case for case in cases if case["template"] == name]
            done = apr("render", "--template", TEMPLATES / name, "--jsonl", text="".join(json.dumps(c) + "\n" for c in mine))
            for case, answer in zip(mine, lines_of(done.stdout), strict=True):
                if "rendered" in case:
                    self.assertEqual(answer, {"rendered": case["rendered"]}, (name, case["name"]))
                elif case["error_kind"] == "raise_exception":
                    self.assertEqual(answer, {"error": case["error"]}, (name, case["name"]))
                else:
                    self.assertIn("error", answer, (name, case["name"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
