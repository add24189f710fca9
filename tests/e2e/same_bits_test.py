#!/usr/bin/env python3
"""The same tokens give the same bits, whatever the threads, the chunks of prefill or the instruction set; so does a seed.

    same_bits_test.py APR
"""
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from common import BUNDLED, NO_SUCH_ISA, SHARED, Report, logits

VOCABULARY = 2048
LENGTH = 150  # crosses attention's key blocks of 64 twice


def models():
    yield BUNDLED
    tiny = SHARED / "data/tiny-model"
    if not tiny.exists():
        print(f"note: {tiny} is not there; only the bundled model is checked")
        return
    for kind in ("f32", "q8_0", "q6_k", "q2_k", "iq4_xs"):
        yield tiny / f"tiny-qwen3moe-{kind}.gguf"


def ways():
    for threads, chunk in itertools.product(("1", "2", "3"), ("1", "7", "64", str(LENGTH))):
        yield ("--threads", threads, "--chunk", chunk)
    for isa, chunk, load in itertools.product(("scalar", "avx2", "avxvnni", "avx512", "amx"), ("1", "64"), ("mmap", "packed")):
        yield ("--isa", isa, "--chunk", chunk, "--load", load)
    for threads, chunk in (("1", "7"), ("2", "1"), ("3", "3")):
        yield ("--threads", threads, "--chunk", chunk, "--load", "packed")
    yield ("--load", "read")


CHAINS = (
    ("--temperature", "0.9", "--typical", "0.9", "--xtc-probability", "0.5", "--xtc-threshold", "0.05"),
    ("--temperature", "1.2", "--top-k", "40", "--top-p", "0.95", "--min-p", "0.01", "--repetition-penalty", "1.1"),
    ("--temperature", "1.5", "--mirostat-tau", "3", "--dry-multiplier", "0.8"),
)


def same_picks(apr, report):
    """A seed gives the same tokens, and they have the same log probabilities, on every instruction set."""
    for chain, speculation in itertools.product(CHAINS, ("none", "ngram")):
        first = None
        for isa in ("scalar", "avx2", "avxvnni", "avx512", "amx"):
            command = [apr, "run", str(BUNDLED), "-p", "Hi", "-n", "80", "--seed", "7", "-f", "json", "--logprobs", "2",
                       "--logit-bias", "2036=-inf", "--logit-bias", "2038=-inf",  # what would end it
                       "--isa", isa, "--spec", speculation, *chain]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == NO_SUCH_ISA:
                continue  # main() has said so
            answer = json.loads(done.stdout)
            found = answer["tokens"], answer["logprobs"]
            first = found if first is None else first
            report.check(found == first and len(found[0]) == 80, f"seed 7, {' '.join(chain)}, --spec {speculation}, {isa}")


def main():
    apr, report = sys.argv[1], Report()
    tokens = [int(t) for t in np.random.default_rng(3).integers(0, VOCABULARY, LENGTH)]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "logits"
        for model, cache in [(m, "auto") for m in models()] + [(BUNDLED, "q8_0")]:
            first = None
            for flags in ways():
                flags += ("--kv", cache)
                if "packed" in flags and "f32" in model.name:
                    continue  # nothing to pack there
                found = logits(apr, model, tokens, out, VOCABULARY, *flags)
                if found is None:
                    print(f"note: {' '.join(flags)}: this CPU, or its operating system, does not offer it")
                    continue
                first = found if first is None else first
                same = found.tobytes() == first.tobytes()
                if not same:
                    rows = np.nonzero((found != first).any(1))[0]
                    print(f"  first difference at position {rows[0]}")
                report.check(same, f"{model.name} {' '.join(flags)}")
    same_picks(apr, report)
    report.finish()


if __name__ == "__main__":
    main()
