#!/usr/bin/env python3
"""The command line as its users meet it: clean standard output, one JSON document on every exit, exit codes, interrupts.

    cli_test.py APR
"""
import json
import math
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "models" / "tiny-qwen3moe-q4_k_m.gguf")
APR = ""
VERBS = ("run", "inspect", "tensors", "tokenize", "logits", "bench")


def apr(*args, stdin=b"", **kwargs):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return subprocess.run([APR, *args], input=stdin, capture_output=True, timeout=300, **kwargs)


def until_it_listens(child):
    """Until the process catches interrupts."""
    caught = lambda: int(pathlib.Path(f"/proc/{child.pid}/status").read_text().split("SigCgt:")[1].split()[0], 16)
    while not caught() >> (signal.SIGINT - 1) & 1 and child.poll() is None:
        pass


class Case(unittest.TestCase):
    def ok(self, done):
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def refused(self, done, code, *fragments):
        self.assertEqual(done.returncode, code, done.stderr.decode())
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith("apr: "), lines[0])
        for fragment in fragments:
            self.assertIn(fragment, lines[0])
        return lines[0]


class Run(Case):
    def test_the_first_thing_anyone_tries(self):
        self.assertRegex(self.ok(apr("run", MODEL, "--prompt", "Hi", "-n", "8")), r"\S")

    def test_standard_output_is_the_text_and_one_newline(self):
        for flags in ((), ("--no-stream",), ("-v",)):
            self.assertEqual(self.ok(apr("run", MODEL, "-p", "What is 2+2?", *flags)), "2 + 2 = 4\n")
        self.assertEqual(apr("run", MODEL, "-p", "Hi").stderr, b"")

    def test_one_token_makes_no_rate(self):
        for n, rated in ((0, False), (1, False), (2, True)):
            done = apr("run", MODEL, "-p", "What is 2+2?", "-n", str(n), "-v")
            self.assertEqual("tok/s" in done.stderr.decode().split("answer")[1], rated, done.stderr)
            timings = json.loads(self.ok(apr("run", MODEL, "-p", "What is 2+2?", "-n", str(n), "-f", "json")))["timings"]
            self.assertEqual(timings["decode_tok_per_s"] is not None, rated)

    def test_prompt_from_file_and_standard_input(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("What is 2+2?")
            file.flush()
            self.assertEqual(self.ok(apr("run", MODEL, "-p", "@" + file.name)), "2 + 2 = 4\n")
        self.assertEqual(self.ok(apr("run", MODEL, "-p", "-", stdin="What is 2+2?")), "2 + 2 = 4\n")
        self.assertEqual(self.ok(apr("run", MODEL, stdin="What is 2+2?")), "2 + 2 = 4\n")
        self.refused(apr("run", MODEL, "-p", "@/nowhere/prompt.txt"), 3, "/nowhere/prompt.txt")

    def test_json_document(self):
        answer = json.loads(self.ok(apr("run", MODEL, "-p", "What is 2+2?", "-f", "json")))
        self.assertEqual(answer["text"], "2 + 2 = 4")
        self.assertEqual(answer["finish_reason"], "stop")
        self.assertEqual(answer["prompt_tokens"], 15)
        self.assertEqual(answer["model"]["architecture"], "qwen3moe")
        self.assertGreater(len(answer["tokens"]), 3)
        self.assertGreater(answer["timings"]["prefill_ms"], 0)

    def test_length_stop_string_and_seed(self):
        one = json.loads(self.ok(apr("run", MODEL, "-p", "Hi", "-n", "3", "-f", "json")))
        self.assertEqual((len(one["tokens"]), one["finish_reason"]), (3, "length"))
        cut = json.loads(self.ok(apr("run", MODEL, "-p", "Hi", "--stop", "help", "-f", "json")))
        self.assertEqual((cut["text"], cut["finish_reason"]), ("Hello! How can I ", "stop_string"))
        self.assertEqual(self.ok(apr("run", MODEL, "-p", "Hi", "--stop", "help")), "Hello! How can I \n")
        warm = ("run", MODEL, "-p", "Tell me something.", "--temperature", "2", "-n", "20", "--seed")
        self.assertEqual(apr(*warm, "1").stdout, apr(*warm, "1").stdout)
        self.assertNotEqual(apr(*warm, "1").stdout, apr(*warm, "2").stdout)

    def test_logit_bias_bans(self):
        first = json.loads(self.ok(apr("run", MODEL, "-p", "Hi", "-n", "1", "-f", "json")))["tokens"][0]
        other = json.loads(self.ok(apr("run", MODEL, "-p", "Hi", "-n", "1", "-f", "json", "--logit-bias", f"{first}=-inf")))["tokens"][0]
        self.assertNotEqual(first, other)
        self.refused(apr("run", MODEL, "-p", "Hi", "--logit-bias", "nonsense"), 2, "--logit-bias", "nonsense")

    def test_logprobs(self):
        flags = ("run", MODEL, "-p", "What is 2+2?", "-f", "json")
        answer = json.loads(self.ok(apr(*flags, "--logprobs", "3")))
        self.assertEqual([t["id"] for t in answer["logprobs"]], answer["tokens"])
        self.assertEqual("".join(t["token"] for t in answer["logprobs"]), answer["text"] + "<|im_end|>")
        for token in answer["logprobs"]:
            self.assertEqual(len(token["top"]), 3)
            self.assertEqual({k: token[k] for k in ("token", "id", "logprob")}, token["top"][0])  # greedy
            self.assertGreater(0, token["top"][0]["logprob"])
            self.assertGreater(token["top"][0]["logprob"], token["top"][1]["logprob"])
            self.assertLessEqual(sum(math.exp(t["logprob"]) for t in token["top"]), 1)
        self.assertEqual([t["top"] for t in json.loads(self.ok(apr(*flags, "--logprobs", "0")))["logprobs"]], [[]] * len(answer["tokens"]))
        self.assertIsNone(json.loads(self.ok(apr(*flags)))["logprobs"])
        fast = json.loads(self.ok(apr(*flags, "--logprobs", "3", "--spec", "ngram")))
        self.assertEqual(fast["logprobs"], answer["logprobs"])
        self.refused(apr("run", MODEL, "-p", "Hi", "--logprobs", "3"), 2, "--logprobs", "-f json")
        self.refused(apr(*flags, "--logprobs", "101"), 2, "--logprobs", "100")

    def test_ways_to_choose_tokens(self):
        warm = ("run", MODEL, "-p", "Tell me something.", "--temperature", "2", "-n", "30", "--seed", "3")
        plain = self.ok(apr(*warm))
        for flags in (("--typical", "0.3"), ("--xtc-probability", "1", "--xtc-threshold", "0.05"), ("--mirostat-tau", "2"),
                      ("--mirostat-tau", "2", "--mirostat-eta", "1")):
            text = self.ok(apr(*warm, *flags))
            self.assertNotEqual(text, plain, flags)
            self.assertEqual(text, self.ok(apr(*warm, *flags)), flags)
        self.assertEqual(self.ok(apr(*warm, "--typical", "1", "--xtc-probability", "0", "--dry-multiplier", "0")), plain)
        endless = ("run", MODEL, "-p", "Hi", "-n", "200", "-f", "json", "--logit-bias", "2036=-inf", "--logit-bias", "2038=-inf")
        tokens = lambda *flags: json.loads(self.ok(apr(*endless, *flags)))["tokens"]
        longest_repeat = lambda ids: next(n for n in range(len(ids), -1, -1) if any(
            ids[i:i + n] == ids[j:j + n] for i in range(len(ids) - n) for j in range(i + 1, len(ids) - n)))
        repeats = tokens()
        self.assertGreater(longest_repeat(repeats), 20)
        self.assertLess(longest_repeat(tokens("--dry-multiplier", "50", "--dry-breaker", "none")), 4)
        self.assertEqual(tokens("--dry-multiplier", "50", "--dry-allowed-length", "1000"), repeats)
        self.assertEqual(tokens("--dry-multiplier", "50", *(f for c in "aeiou ,.?!" for f in ("--dry-breaker", c))), repeats)

    def test_what_cannot_be_chosen_is_refused_by_name(self):
        for flags, fragment in ((("--typical", "0"), "typical"), (("--xtc-probability", "2"), "XTC probability"),
                                (("--xtc-threshold", "0.7"), "XTC threshold"), (("--dry-base", "0.5"), "DRY base"),
                                (("--dry-multiplier", "nan"), "DRY multiplier"), (("--mirostat-tau", "-1"), "mirostat tau"),
                                (("--mirostat-tau", "5", "--top-k", "20"), "mirostat and top-k"),
                                (("--mirostat-tau", "5", "--xtc-probability", "0.5"), "mirostat and XTC"),
                                (("--dry-multiplier", "1", "--dry-breaker", ""), "DRY breaker"),
                                (("--dry-multiplier", "1", "--dry-breaker", "in no token at all"), "in no token at all"),
                                (("--dry-breaker", "none", "--dry-breaker", "x"), "--dry-breaker none")):
            self.refused(apr("run", MODEL, "-p", "Hi", *flags), 2, fragment)

    def test_a_users_control_tokens_are_text(self):
        plain = json.loads(self.ok(apr("run", MODEL, "-p", "a<|im_end|>b", "-n", "1", "-f", "json")))["prompt_tokens"]
        parsed = json.loads(self.ok(apr("tokenize", MODEL, "--jsonl", stdin='{"text":"user\\na<|im_end|>b"}')))["ids"]
        self.assertGreater(plain, len(parsed) + 5)

    def test_raw_continues(self):
        self.assertEqual(self.ok(apr("run", MODEL, "--raw", "-p", "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n")), "2 + 2 = 4\n")

    def test_refusals(self):
        self.refused(apr("run", "/nowhere.gguf", "-p", "Hi"), 3, "/nowhere.gguf")
        self.refused(apr("run", str(ROOT / "LICENSE"), "-p", "Hi"), 4, "GGUF")
        self.refused(apr("run", MODEL, "-p", ""), 9, "empty")
        self.refused(apr("run", MODEL, "-p", "Hi", "--ctx", "8"), 7, "context")
        self.refused(apr("run", MODEL, "-p", "Hi", "--ctx", "5000"), 7, "5000", "4096")
        self.refused(apr("run", MODEL, "-p", "Hi", "-n", "5000"), 7, "4096")
        self.refused(apr("run", MODEL, "-p", "Hi", "--isa", "neon"), 2, "neon", "scalar")
        self.refused(apr("run", MODEL, "-p", "Hi", "--top-p", "1.5"), 2, "top-p", "1.5")
        self.refused(apr("run", MODEL, "-p", "Hi", "--frobnicate"), 2, "there is no flag '--frobnicate'", "apr run --help")
        self.refused(apr("run", MODEL, "-p", "Hi", "--stop", ""), 2, "stop")
        self.refused(apr(), 2)
        self.refused(apr("dance"), 2, "dance")

    def test_numbers_are_whole_and_in_range(self):
        for flags in (("--seed", "-1"), ("--seed", "99999999999999999999"), ("--seed", ""), ("-n", "abc"), ("-n", ""), ("-n", "1e3"),
                      ("-n", "0x10"), ("--threads", "0"), ("--ctx", "12a"), ("--top-k", "-1"), ("--penalty-window", "-2")):
            self.refused(apr("run", MODEL, "-p", "Hi", *flags), 2, "whole number", f"'{flags[1]}'")
        tenth = self.ok(apr("run", MODEL, "-p", "Hi", "-n", "10"))
        self.assertEqual(self.ok(apr("run", MODEL, "-p", "Hi", "-n", "010")), tenth)  # not octal

    def test_system_from_a_file_and_not_with_raw(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("You are terse.")
            file.flush()
            self.assertEqual(self.ok(apr("run", MODEL, "-p", "Hi", "--system", "@" + file.name)),
                             self.ok(apr("run", MODEL, "-p", "Hi", "--system", "You are terse.")))
        self.refused(apr("run", MODEL, "-p", "Hi", "--system", "@/nowhere.txt"), 3, "/nowhere.txt")
        self.refused(apr("run", MODEL, "-p", "Hi", "--raw", "--system", "x"), 2, "--raw")
        self.refused(apr("run", MODEL, "-p", "Hi", "--system", "-"), 2, "@FILE")
        self.refused(apr("run", MODEL, "-p", "@"), 2, "@FILE")

    def test_warnings_of_what_was_not_meant(self):
        for args, stdin, fragment in (
            (("--ctx", "18"), "", "context of 18 tokens is full"),
            (("--top-k", "5"), "", "--top-k does nothing at temperature 0"),
            (("--xtc-probability", "0.5"), "", "--xtc-probability does nothing at temperature 0"),
            (("--mirostat-tau", "5"), "", "--mirostat-tau does nothing at temperature 0"),
            (("--xtc-threshold", "0.2"), "", "--xtc-threshold does nothing without --xtc-probability"),
            (("--mirostat-eta", "0.2"), "", "--mirostat-eta does nothing without --mirostat-tau"),
            (("--dry-window", "7"), "", "--dry-window does nothing without --dry-multiplier"),
            (("--dry-breaker", "x"), "", "--dry-breaker does nothing without --dry-multiplier"),
            (("--penalty-window", "7"), "", "--penalty-window does nothing without a penalty"),
            ((), "some diff", "standard input is not read"),
        ):
            done = apr("run", MODEL, "-p", "What is the capital of France?", *args, stdin=stdin)
            self.ok(done)
            self.assertEqual(len(done.stderr.decode().splitlines()), 1, done.stderr.decode())
            self.assertIn(fragment, done.stderr.decode())

    def test_ways_to_load_are_shown_and_give_the_same_text(self):
        for load in ("mmap", "packed", "read"):
            done = apr("run", MODEL, "-p", "What is 2+2?", "--load", load, "-f", "json")
            document = json.loads(self.ok(done))
            self.assertEqual((document["text"], document["load"]), ("2 + 2 = 4", load))
        self.assertIn("(packed: they fit into memory, and many tokens may come)", apr("run", MODEL, "-p", "Hi", "-v").stderr.decode())
        self.assertIn("2 tokens", apr("run", MODEL, "-p", "Hi", "-v", "-n", "2").stderr.decode())
        self.refused(apr("run", MODEL, "-p", "Hi", "--load", "fast"), 2, "fast")

    def test_speculation_gives_the_same_answer_and_is_counted(self):
        flags = ["run", MODEL, "-p", "Hi", "-n", "300", "-f", "json"] + [f for i in (2038, 2036) for f in ("--logit-bias", f"{i}=-inf")]
        plain = json.loads(self.ok(apr(*flags)))
        done = apr(*flags, "--spec", "ngram", "-v")
        fast = json.loads(self.ok(done))
        self.assertEqual((plain["tokens"], plain["finish_reason"], plain["speculation"]), (fast["tokens"], fast["finish_reason"], None))
        counts = fast["speculation"]
        self.assertEqual(counts["mode"], "ngram")
        self.assertLessEqual(counts["accepted"], counts["guessed"])
        self.assertEqual(counts["passes"] + counts["accepted"] + 1, len(fast["tokens"]))
        self.assertIn(b"guesses were right", done.stderr)
        self.refused(apr("run", MODEL, "-p", "Hi", "--spec", "oracle"), 2, "--spec", "ngram")

    def test_one_json_document_on_every_exit(self):
        for args, code, name in (
            (("run", "/nowhere.gguf", "-p", "Hi", "-f", "json"), 3, "Io"),
            (("run", str(ROOT / "LICENSE"), "-p", "Hi", "--format", "json"), 4, "BadFile"),
            (("run", MODEL, "-p", "Hi", "-f", "json", "--frobnicate"), 2, "Usage"),
            (("run", MODEL, "-p", "Hi", "--ctx", "8", "-f", "json"), 7, "Context"),
            (("inspect", "/nowhere.gguf", "--json"), 3, "Io"),
            (("tensors", str(ROOT / "LICENSE"), "--json"), 4, "BadFile"),
            (("bench", MODEL, "-p", "0", "-n", "0", "--json"), 2, "Usage"),
        ):
            done = apr(*args)
            document = json.loads(done.stdout)  # fails on anything before or after
            self.assertEqual((done.returncode, document["error"]["code"], document["error"]["exit_code"]), (code, name, code), args)

    def test_logits_leave_pipes_links_and_the_model_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            model, pipe, link, target = folder / "m.gguf", folder / "pipe", folder / "link", folder / "target"
            shutil.copy(MODEL, model)
            before = model.read_bytes()
            self.refused(apr("logits", str(model), "--tokens", "1", "--out", str(model)), 2, "the model itself")
            self.assertEqual(model.read_bytes(), before)
            target.write_bytes(b"old")
            target.chmod(0o600)
            link.symlink_to(target)
            self.ok(apr("logits", str(model), "--tokens", "1", "--out", str(link)))
            self.assertTrue(link.is_symlink())
            self.assertEqual((target.stat().st_size, target.stat().st_mode & 0o777), (4 * 2048, 0o600))
            os.mkfifo(pipe)
            child = subprocess.Popen([APR, "logits", str(model), "--tokens", "1", "--out", str(pipe)])
            self.assertEqual(pipe.read_bytes(), target.read_bytes())
            self.assertEqual(child.wait(60), 0)
            self.assertEqual(sorted(p.name for p in folder.iterdir()), ["link", "m.gguf", "pipe", "target"])

    def test_a_flag_that_may_be_repeated_takes_one_value(self):
        self.ok(apr("run", "--stop", "zzz", "--logit-bias", "7=-1", MODEL, "-p", "Hi", "-n", "2"))
        self.refused(apr("run", MODEL, "-p", "Hi", "--logit-bias", "4294967296=100"), 2, "4294967296=100")

    def test_ids_are_whole_numbers_in_range(self):
        for ids in ("[4294967296]", "[-4294967295]", "[1.7]", "[true]", "[99999999999999999999]", "7"):
            self.refused(apr("tokenize", MODEL, "--jsonl", "--decode", stdin=('{"ids":%s}' % ids).encode()), 9, "ids")

    def test_interrupt_while_the_prompt_is_read(self):
        child = subprocess.Popen([APR, "run", MODEL, "-f", "json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until_it_listens(child)
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=60)
        self.assertEqual((child.returncode, json.loads(output)["error"]["exit_code"]), (130, 130))

    def test_full_disk_and_closed_pipe(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([APR, "run", MODEL, "-p", "Hi"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(b"No space left", done.stderr)
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([APR, "run", MODEL, "-p", "Hi"], stdout=write, stderr=subprocess.PIPE, timeout=60)
        os.close(write)
        self.assertEqual((done.returncode, done.stderr), (3, b""))

    def test_interrupt_keeps_what_was_generated(self):
        flags = ["--raw", "-p", "a b", "--temperature", "1", "--logit-bias", "2038=-inf", "--logit-bias", "2036=-inf"]
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            child = subprocess.Popen([APR, "run", MODEL, *flags, "--isa", "scalar"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     bufsize=0)
            begun = child.stdout.read(1)  # it is generating now
            child.send_signal(number)
            rest, errors = child.communicate(timeout=60)
            self.assertEqual(child.returncode, code, errors)
            self.assertTrue((begun + rest).endswith(b"\n"))
            self.assertEqual(errors, b"")


class Tokenize(Case):
    def test_ids_and_back(self):
        ids = self.ok(apr("tokenize", MODEL, "-p", "Hello, world!")).split()
        self.assertEqual(self.ok(apr("tokenize", MODEL, "--decode", "-p", " ".join(ids))), "Hello, world!\n")
        self.assertEqual(self.ok(apr("tokenize", MODEL, "--decode", "-p", ",".join(ids))), "Hello, world!\n")

    def test_special(self):
        line = '{"text":"<|im_end|>","special":%s}'
        self.assertEqual(json.loads(self.ok(apr("tokenize", MODEL, "--jsonl", stdin=line % "true"))), {"ids": [2038]})
        self.assertGreater(len(json.loads(self.ok(apr("tokenize", MODEL, "--jsonl", stdin=line % "false")))["ids"]), 1)
        self.assertGreater(len(json.loads(self.ok(apr("tokenize", MODEL, "--jsonl", "--no-special", stdin=line % "true")))["ids"]), 1)

    def test_lines(self):
        out = self.ok(apr("tokenize", MODEL, "--jsonl", stdin='{"text":"a"}\n{"text":""}\n{"text":"\\u0000é"}'))
        rows = [json.loads(line)["ids"] for line in out.splitlines()]
        self.assertEqual(len(rows), 3)
        back = self.ok(apr("tokenize", MODEL, "--jsonl", "--decode", stdin="\n".join(json.dumps({"ids": r}) for r in rows)))
        self.assertEqual([json.loads(line)["text"] for line in back.splitlines()], ["a", "", "\0é"])

    def test_flags_that_would_do_nothing_are_refused(self):
        self.refused(apr("tokenize", MODEL, "--pre", "qwen2", "-p", "x"), 2, "--pre")
        self.refused(apr("tokenize", MODEL, "--decode", "--no-special", "-p", "1"), 2, "--no-special")

    def test_bad_lines_are_named(self):
        for line in ("nonsense", "{}", '{"text":5}', '{"text":"a","special":3}', "[]", '{"text":"a"'):
            done = apr("tokenize", MODEL, "--jsonl", stdin='{"text":"a"}\n' + line)
            self.refused(done, 9, "line 2")
            self.assertEqual(done.stdout.count(b"\n"), 1)  # what came before is not lost
        self.refused(apr("tokenize", MODEL, "--decode", "-p", "99999999"), 9, "99999999")
        self.refused(apr("tokenize", MODEL, "--decode", "-p", "1,x"), 9, "'x'")
        self.refused(apr("tokenize"), 2, "--vocab-dir")

    def test_golden(self):
        data = ROOT.parent / "shared" / "data" / "tokenizer"
        if not data.exists():
            self.skipTest(f"{data} is not there")
        cases = [json.loads(line) for line in (data / "golden.jsonl").read_text().splitlines()]
        lines = "\n".join(json.dumps({"text": c["text"], "special": c["special"]}) for c in cases)
        rows = [json.loads(line)["ids"] for line in self.ok(apr("tokenize", "--vocab-dir", str(data), "--jsonl", stdin=lines)).split()]
        self.assertEqual([i for i, (row, case) in enumerate(zip(rows, cases)) if row != case["ids"]], [])
        self.assertEqual(len(rows), len(cases))
        back = self.ok(apr("tokenize", "--vocab-dir", str(data), "--jsonl", "--decode", stdin="\n".join(json.dumps({"ids": c["ids"]}) for c in cases)))
        texts = [json.loads(line)["text"] for line in back.split("\n") if line]  # U+2028 in a text is no end of line
        self.assertEqual([i for i, (text, case) in enumerate(zip(texts, cases)) if text != case.get("nfc", case["text"])], [])


class Look(Case):
    def test_inspect(self):
        facts = json.loads(self.ok(apr("inspect", MODEL, "--json")))
        self.assertEqual((facts["architecture"], facts["shape"]["experts"], facts["shape"]["experts_used"]), ("qwen3moe", 8, 2))
        self.assertEqual(facts["tokenizer"]["tokens"], 2048)
        self.assertLess(facts["active_parameters"], facts["parameters"])
        self.assertEqual(sum(k["parameters"] for k in facts["tensors"]), facts["parameters"])
        self.assertIn("qwen3moe", self.ok(apr("inspect", MODEL)))

    def test_tensors(self):
        rows = json.loads(self.ok(apr("tensors", MODEL, "--json")))["tensors"]
        gate = next(r for r in rows if r["name"] == "blk.0.ffn_gate_exps.weight")
        self.assertEqual((gate["shape"], gate["type"]), ([8, 256, 256], "Q4_K"))
        self.assertEqual(len(self.ok(apr("tensors", MODEL)).splitlines()), len(rows))

    def test_help_of_every_verb(self):
        for verb in VERBS:
            text = self.ok(apr(verb, "--help"))
            self.assertIn("Example", text)
        self.assertIn("Exit codes", self.ok(apr("--help")))
        self.assertRegex(self.ok(apr("--version")), r"^apr \d+\.\d+\.\d+\n$")


class KvCache(Case):
    """What --kv says is what is used, printed and counted."""

    def test_types(self):
        sizes = {}
        for kind in ("f16", "f32", "q8_0"):
            done = apr("run", MODEL, "-p", "What is 2+2?", "--kv", kind, "--ctx", "4096", "-v")
            self.assertEqual(self.ok(done), "2 + 2 = 4\n")
            sizes[kind] = re.search(r"KV cache ([0-9.]+) GiB \((\w+)\)", done.stderr.decode())
            self.assertEqual(sizes[kind].group(2), kind)
            measured = json.loads(self.ok(apr("bench", MODEL, "--kv", kind, "-p", "8", "-n", "2", "-r", "1", "--json")))
            self.assertEqual(measured["kv"], kind)
            self.assertIn(f"KV cache {kind},", self.ok(apr("bench", MODEL, "--kv", kind, "-p", "8", "-n", "2", "-r", "1")))
        self.assertLess(float(sizes["q8_0"].group(1)), float(sizes["f32"].group(1)))
        self.refused(apr("run", MODEL, "-p", "Hi", "--kv", "q4_0"), 2, "q4_0")


class Logits(Case):
    def test_rows_and_equality(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "x")
            tokens = ",".join(str(i * 13 % 2048) for i in range(70))
            self.ok(apr("logits", MODEL, "--tokens", tokens, "--all", "--out", out))
            whole = pathlib.Path(out).read_bytes()
            self.assertEqual(len(whole), 70 * 2048 * 4)
            self.ok(apr("logits", MODEL, "--tokens", tokens, "--out", out, "--threads", "1", "--chunk", "7"))
            self.assertEqual(pathlib.Path(out).read_bytes(), whole[-2048 * 4:])
            self.assertEqual(os.listdir(folder), ["x"])

    def test_refusals(self):
        self.refused(apr("logits", MODEL, "--tokens", "1,2048", "--out", "/dev/null"), 9, "2048")
        self.refused(apr("logits", MODEL, "--tokens", "1,-2", "--out", "/dev/null"), 9, "-2")
        self.refused(apr("logits", MODEL, "--tokens", "", "--out", "/dev/null"), 9)
        self.refused(apr("logits", MODEL, "--tokens", "1", "--out", "/nowhere/x"), 3, "/nowhere/x")
        self.refused(apr("logits", MODEL, "--tokens", ",".join(["1"] * 4097), "--out", "/dev/null"), 7, "4097", "4096")


class Bench(Case):
    def figures(self, *flags):
        return json.loads(self.ok(apr("bench", MODEL, *flags, "--json")))

    def test_json(self):
        figures = self.figures("-p", "32", "-n", "4", "-d", "10", "-r", "2")
        for part in ("prefill", "decode"):
            rate = figures[part]["tok_per_s"]
            self.assertTrue(0 < rate["min"] <= rate["median"] <= rate["max"])
            self.assertGreater(figures[part]["of_roof"], 0)
            for roof in ("read_gb_per_s", "int8_gmac_per_s", "float_gmac_per_s"):
                self.assertGreater(figures[part]["roofs"][roof], 0)
            self.assertNotIn("profile", figures[part])
        self.assertGreater(figures["decode"]["gb_per_s"], 0)
        self.assertGreater(figures["prefill"]["gmac_per_s"], 0)
        self.assertNotIn("batch", figures)
        self.assertIn("decode 4", self.ok(apr("bench", MODEL, "-p", "0", "-n", "4", "-r", "1")))

    def test_several_sequences(self):
        figures = self.figures("-p", "0", "-n", "4", "-d", "3", "-r", "1", "--batch", "3")
        one, three = figures["decode"], figures["batch"]
        self.assertEqual((three["sequences"], three["tokens"]), (3, 4))
        self.assertAlmostEqual(three["tok_per_s_per_sequence"] * 3, three["tok_per_s"]["median"])
        # The weights that all share are read once a step, an expert once for all that chose it.
        self.assertLess(three["bytes_per_step"], 3 * one["bytes_per_step"])
        self.assertGreater(three["bytes_per_step"], one["bytes_per_step"])
        self.assertNotIn("prefill", figures)
        self.assertIn("decode 4 x 3", self.ok(apr("bench", MODEL, "-p", "0", "-n", "4", "-r", "1", "-b", "3")))
        self.refused(apr("bench", MODEL, "-n", "0", "-b", "3"), 2, "--batch")
        self.refused(apr("bench", MODEL, "-b", "0"), 2, "--batch")

    def test_what_a_token_reads(self):
        # Counted while it runs, and again from the tensor directory.
        read = self.figures("-p", "0", "-n", "2", "-r", "1", "--load", "mmap")["decode"]["bytes_per_step"]
        facts = json.loads(self.ok(apr("inspect", MODEL, "--json")))
        tensors = json.loads(self.ok(apr("tensors", MODEL, "--json")))["tensors"]
        self.assertIn("output.weight", [t["name"] for t in tensors])  # so a row of the embedding is all that is read of it
        weights = 0
        for t in tensors:
            if len(t["shape"]) > 1:
                share = facts["shape"]["experts_used"] / facts["shape"]["experts"] if "_exps" in t["name"] else 1
                weights += t["bytes"] * (1 / t["shape"][0] if t["name"] == "token_embd.weight" else share)
        kv = facts["memory"][0]["kv_bytes"] / facts["memory"][0]["context"] * 1.5  # 1, then 2 positions
        self.assertAlmostEqual(read, weights + kv, delta=1)

    def test_profile(self):
        figures = self.figures("-p", "40", "-n", "4", "-r", "1", "-b", "2", "--profile", "--chunk", "16")
        for part in ("prefill", "decode", "batch"):
            profile = figures[part]["profile"]
            steps = {s["step"]: s for s in profile["steps"]}
            self.assertEqual(len(steps), len(profile["steps"]))  # each once
            for name in ("embedding", "norms", "norms of heads", "activations to int8", "q, k and v projections", "RoPE",
                         "KV append", "attention", "output projection", "router", "choice of experts", "experts gate and up",
                         "experts down and sum", "adds", "logits", "between steps"):
                self.assertIn(name, steps)
            self.assertAlmostEqual(sum(s["share"] for s in steps.values()), 1, places=6)
            self.assertAlmostEqual(sum(s["ms_per_token"] for s in steps.values()), profile["ms_per_token"], places=6)
            self.assertIsNone(steps["norms"]["of_roof"])
            self.assertGreater(steps["experts gate and up"]["of_roof"], 0)
            self.assertIn(steps["attention"]["roof"], ("read", "multiply-add"))
            # Gate and up are twice down, in multiply-adds.
            self.assertAlmostEqual(steps["experts gate and up"]["macs_per_token"], 2 * steps["experts down and sum"]["macs_per_token"])
        text = self.ok(apr("bench", MODEL, "-p", "0", "-n", "4", "-r", "1", "--profile"))
        self.assertIn("where a token's time goes: decode 4", text)

    def test_a_chunk_is_no_longer_than_the_prompt(self):
        for flags, chunk in ((("-p", "64"), 64), (("-p", "64", "-n", "96"), 64), (("-p", "64", "--chunk", "16"), 16)):
            figures = self.figures(*flags, "-r", "1", *(() if "-n" in flags else ("-n", "0")))
            self.assertEqual(figures["chunk"], chunk)
        self.assertIn("chunk 64,", self.ok(apr("bench", MODEL, "-p", "64", "-n", "0", "-r", "1")))

    def test_interrupt_leaves_no_document(self):
        child = subprocess.Popen([APR, "bench", MODEL, "-p", "2000", "--isa", "scalar", "-r", "900", "--json"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        until_it_listens(child)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=60)
        self.assertEqual((child.returncode, output), (130, b""))
        self.assertRegex(errors.decode(), r"^apr: interrupted before all was measured, [^\n]*\n$")

    def test_more_than_the_context(self):
        self.refused(apr("bench", MODEL, "-p", "4096", "-d", "100"), 7, "4096")


if __name__ == "__main__":
    APR = sys.argv.pop(1)
    unittest.main()
