#!/usr/bin/env python3
"""The same tokens give the same bits, whatever the threads, the chunks of prefill or the instruction set.

    same_bits_test.py APR
"""
import itertools
import pathlib
import sys
import tempfile

import numpy as np

from common import BUNDLED, SHARED, Report, logits

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
    report.finish()


if __name__ == "__main__":
    main()
