#!/usr/bin/env python3
"""Compares apr's logits with a float32 oracle that decodes the same stored weights.

    oracle_test.py APR tiny        the trained tiny model in nine types
    oracle_test.py APR synthetic   random models of every type and two shapes

Bounds. Unquantised files: cosine >= 0.99999 at every position; both sides compute in float32, and sums of a few thousand terms in
another order differ by about 1e-6. Quantised files: apr also rounds activations to 8 bits per 32 elements, the oracle does not. On
the trained model the mean KL divergence that this may cost is twice what ik_llama.cpp's own activation rounding costs (the table in
the shared model's README), and the mean cosine stays above 0.999. Random models decide between experts by chance: their probabilities
lie close together, so rounding sends some tokens to another expert, and only the mean cosine is held.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from common import SHARED, Report, compare, logits, need_shared

UNQUANTISED = ("F32", "F16", "BF16")
SYNTHETIC = [  # preset, type, seed
    *[("mini", kind, 1) for kind in ("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q4_K_M")],
    *[("mini", kind, 7) for kind in ("F32", "Q4_K_M", "Q8_0")],
    *[("wide", kind, 2) for kind in ("F32", "F16", "Q8_0", "Q4_K_M", "Q6_K")],
]
SYNTHETIC_COSINE = 0.99
VOCABULARY = 2048


def engine_kl_table():
    """type -> mean KL that ik_llama.cpp's engine adds, from the shared model's README."""
    table = {}
    for line in (SHARED / "data/tiny-model/README.md").read_text().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 7 and cells[1].endswith("MiB"):
            table[cells[0]] = float(cells[4])
    return table


def tiny(apr, folder, report):
    import reference_forward as oracle
    prompts = json.loads((SHARED / "data/tiny-model/golden.json").read_text())
    for kind, engine_kl in engine_kl_table().items():
        model = SHARED / f"data/tiny-model/tiny-qwen3moe-{kind}.gguf"
        weights, results = oracle.Gguf(str(model)), []
        for prompt in prompts:
            reference = oracle.forward(weights, prompt["ids"])
            found = logits(apr, model, prompt["ids"], folder / "logits", reference.shape[1])
            results.append(compare(reference, found))
        cosine, kl, same = (np.concatenate([r[i] for r in results]) for i in range(3))
        figures = f"{kind}: mean cosine {cosine.mean():.6f}, least {cosine.min():.6f}, mean KL {kl.mean():.2e} (engine {engine_kl:.1e}), top-1 {same.mean():.4f}"
        holds = np.isfinite(kl).all() and kl.mean() <= 2 * engine_kl and (cosine.min() >= 0.99999 if kind == "f32" else cosine.mean() >= 0.999)
        report.check(holds, figures)


def synthetic(apr, folder, report):
    import reference_forward as oracle
    tokens = [int(t) for t in np.random.default_rng(5).integers(0, VOCABULARY, 48)]
    for preset, kind, seed in SYNTHETIC:
        model = folder / "model.gguf"
        subprocess.run([sys.executable, str(SHARED / "tools/make_qwen3moe.py"), "--preset", preset, "--type", kind, "--seed", str(seed),
                        "--vocab", str(VOCABULARY), "--out", str(model)], check=True, stdout=subprocess.DEVNULL)
        reference = oracle.forward(oracle.Gguf(str(model)), tokens)
        found = logits(apr, model, tokens, folder / "logits", VOCABULARY)
        cosine, kl, _ = compare(reference, found)
        holds = bool(np.isfinite(found).all()) and (cosine.min() >= 0.99999 if kind in UNQUANTISED else cosine.mean() >= SYNTHETIC_COSINE)
        report.check(holds, f"{preset} {kind} seed {seed}: mean cosine {cosine.mean():.6f}, least {cosine.min():.6f}, mean KL {kl.mean():.2e}")


def main():
    apr, what = sys.argv[1:3]
    need_shared()
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        {"tiny": tiny, "synthetic": synthetic}[what](apr, pathlib.Path(folder), report)
    report.finish()


if __name__ == "__main__":
    main()
