#!/usr/bin/env python3
"""Holds src/ to its layers: who may include whom, and what a library may not do.

    layering_test.py              check this repository; one sentence per offence
    layering_test.py --self-test  check that each kind of offence is seen, on a made-up tree
"""
import pathlib
import re
import sys
import tempfile

# docs/ARCHITECTURE.md has the same list. A folder may include itself, base, and what is named here.
MAY_INCLUDE = {
    "base": set(),
    "quant": set(),
    "gguf": {"quant"},
    "tokenizer": set(),
    "sampling": set(),
    "kernels": {"quant"},
    "model": {"kernels", "gguf", "quant"},
    "chat": set(),
    "parity": set(),
    "contracts": set(),
    "engine": {"model", "sampling", "tokenizer", "gguf", "kernels", "quant"},
    "server": {"engine", "chat"},
    "cli": {"server", "engine", "chat", "contracts", "parity", "model", "sampling", "tokenizer", "gguf", "kernels", "quant"},
}
MOST_LINES = 500

FORBIDDEN = [  # pattern, what it is, where it is allowed (prefixes of the path below src/)
    (re.compile(r"\bgetenv\s*\("), "reads the environment", ("cli/",)),
    (re.compile(r"\bstd::(cout|cerr|clog)\b|\b(std::)?(printf|fprintf|puts|fputs|perror)\s*\("), "prints", ("cli/",)),
    (re.compile(r"\b(std::)?(exit|_exit|quick_exit)\s*\("), "ends the program", ("cli/",)),
    (re.compile(r"#\s*include\s*<(\w*intrin)\.h>"), "uses intrinsics", ("kernels/isa/",)),
    (re.compile(r"#\s*if.*\b__(AVX|SSE|FMA|F16C|BMI)"), "asks the compiler for an instruction set", ("kernels/isa/",)),
]


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def offences(src):
    found = []
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        where = path.relative_to(src).as_posix()
        layer = where.split("/")[0]
        text = path.read_text()
        if layer not in MAY_INCLUDE:
            found.append(f"{where}: folder {layer} is not in the list of layers")
            continue
        if text.count("\n") > MOST_LINES:
            found.append(f"{where}: {text.count(chr(10))} lines; split it, {MOST_LINES} are the most")
        for used in re.findall(r'^\s*#\s*include\s*"([^"/]+)/', text, flags=re.M):
            if used != layer and used != "base" and used not in MAY_INCLUDE[layer]:
                found.append(f"{where}: includes {used}/, which {layer} may not know")
        code = without_comments(text)
        for pattern, what, allowed in FORBIDDEN:
            if pattern.search(code) and not where.startswith(allowed):
                found.append(f"{where}: {what}; only {' and '.join(allowed)} may")
    return found


def self_test():
    bad = {
        "quant/a.h": '#include "gguf/file.h"\n',
        "tokenizer/b.cpp": '#include "model/model.h"\n',
        "kernels/c.cpp": "#include <immintrin.h>\n",
        "kernels/generic/d.h": "#ifdef __AVX2__\n#endif\n",
        "engine/e.cpp": 'void f() { std::getenv("X"); }\n',
        "model/f.cpp": 'void f() { printf("x"); }\n',
        "gguf/g.cpp": "void f() { std::exit(1); }\n",
        "stray/h.cpp": "\n",
        "base/i.cpp": "\n" * (MOST_LINES + 1),
    }
    good = {
        "cli/j.cpp": '#include "engine/engine.h"\nint main() { std::exit(0); }\n',
        "kernels/isa/k.h": "#include <immintrin.h>\n",
        "model/l.cpp": '#include "base/error.h"\n#include "model/model.h"\n// printf( in a comment\n',
    }
    with tempfile.TemporaryDirectory() as folder:
        src = pathlib.Path(folder)
        for name, text in {**bad, **good}.items():
            (src / name).parent.mkdir(parents=True, exist_ok=True)
            (src / name).write_text(text)
        found = offences(src)
    unseen = [name for name in bad if not any(f.startswith(name + ":") for f in found)]
    wrong = [f for f in found if f.split(":")[0] in good]
    for name in unseen:
        print(f"self-test: the offence in {name} was not seen")
    for line in wrong:
        print(f"self-test: no offence: {line}")
    return unseen or wrong


def main():
    if "--self-test" in sys.argv[1:]:
        sys.exit(1 if self_test() else 0)
    found = offences(pathlib.Path(__file__).resolve().parent.parent / "src")
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
