"""What the end-to-end scripts share: where things are, how apr is called, how logits are compared."""
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
BUNDLED = ROOT / "models" / "tiny-qwen3moe-q4_k_m.gguf"
SKIPPED = 77
NO_SUCH_ISA = 5  # apr's exit code for what is not supported


def need_shared():
    """The shared data, or a visible skip."""
    if not (SHARED / "tools" / "reference_forward.py").exists():
        print(f"skipped: {SHARED} with the oracle and its data is not there")
        sys.exit(SKIPPED)
    sys.path.insert(0, str(SHARED / "tools"))


def logits(apr, model, tokens, out, vocabulary, *flags):
    """Logits [tokens, vocabulary] from `apr logits --all`; None where this CPU lacks the instruction set."""
    command = [apr, "logits", str(model), "--tokens", ",".join(map(str, tokens)), "--all", "--out", str(out), *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == NO_SUCH_ISA and "--isa" in flags:
        return None
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)[:300]}: exit code {done.returncode}: {done.stderr}")
    return np.fromfile(out, "<f4").reshape(len(tokens), vocabulary)


def log_softmax(x):
    return x - np.logaddexp.reduce(x, -1, keepdims=True)


def compare(reference, found):
    """Per position: cosine, KL(reference || found) in nats, and whether the best token is the same."""
    a, b = reference.astype(np.float64), found.astype(np.float64)
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    la, lb = log_softmax(a), log_softmax(b)
    return cosine, (np.exp(la) * (la - lb)).sum(-1), a.argmax(-1) == b.argmax(-1)


class Report:
    """Collects what does not hold and ends with exit code 1 if anything did not."""

    def __init__(self):
        self.failures = 0

    def check(self, holds, what):
        print(("ok      " if holds else "FAILED  ") + what, flush=True)
        self.failures += not holds

    def finish(self):
        sys.exit(1 if self.failures else 0)
