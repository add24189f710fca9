#!/usr/bin/env python3
"""Writes golden.json beside it: what the float32 oracle says of the bundled model, for clones that do not have the oracle.

    make_golden.py FOLDER_OF_THE_ORACLE      needs numpy and reference_forward.py
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parent.parent / "models" / "tiny-qwen3moe-q4_k_m.gguf"
PROMPTS = {  # text of a user's turn -> ids of the whole ChatML prompt
    "What is 2+2?": [2037, 300, 198, 485, 356, 220, 17, 10, 17, 30, 2038, 198, 2037, 301, 198],
    "Hi": [2037, 300, 198, 1171, 2038, 198, 2037, 301, 198],
}


def main():
    sys.path.insert(0, sys.argv[1])
    import reference_forward as oracle
    weights, cases = oracle.Gguf(str(MODEL)), []
    for text, ids in PROMPTS.items():
        last = oracle.forward(weights, ids)[-1]
        cases.append({"prompt": text, "ids": ids, "last_logits": [round(float(x), 5) for x in last]})
    (HERE / "golden.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
