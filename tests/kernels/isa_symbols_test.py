"""One binary must run on every x86-64: code for AVX must stay where only dispatch.cpp's choice can reach it.

Usage: isa_symbols_test.py libapr_kernels.a OTHER...   (OTHER: static libraries and objects of the same build)

- In the object of each instruction set (ISA_CLASS) every function that the linker may merge with another file's copy (a weak symbol)
  carries that instruction set's class in its name; otherwise the AVX copy could be the one that an older CPU runs.
- None has code that runs before main, such as the constructor of a table.
- No other object has an AVX instruction.

Exit code 77 (skipped) when binutils is not installed.
"""

import re
import shutil
import subprocess
import sys

ISA_CLASS = {"avx2.cpp.o": "Avx2", "avxvnni.cpp.o": "AvxVnni", "avx512.cpp.o": "Avx512", "amx.cpp.o": "Amx"}
AVX = re.compile(r"%[yz]mm|\t(?!ver[rw])v[a-z]+[a-z0-9]*\s")  # VEX and EVEX mnemonics begin with v; verr and verw are old
START_UP = re.compile(r"\.(init_array|ctors|preinit_array)")


def lines_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def by_object(lines):
    """objdump's output, split at its 'NAME.o:     file format' lines."""
    name = None
    for line in lines:
        header = re.match(r"(.+):\s+file format ", line)
        if header:
            name = header.group(1).rsplit("/", 1)[-1]
        elif name:
            yield name, line


def shared_functions(library):
    """Weak functions of the ISA objects that lack their class in the name."""
    seen, bad = {name: 0 for name in ISA_CLASS}, []
    for line in lines_of("nm", "-A", "--defined-only", library):
        match = re.match(r".*:([^:]+\.o):\S* (\S) (\S+)$", line)
        if match and match.group(1) in ISA_CLASS:
            name, kind, symbol = match.groups()
            seen[name] += 1
            if kind in "Wwi" and ISA_CLASS[name] not in symbol:
                bad.append(f"{name}: {symbol} could replace another file's copy; mark it APR_INLINE")
    return bad + [f"{name}: not found in {library}" for name, n in seen.items() if n == 0]


def start_up_code(library):
    return [
        f"{name}: has a section {match.group(0)}, so its code runs before the CPU was asked"
        for name, line in by_object(lines_of("objdump", "-h", library))
        if name in ISA_CLASS and (match := START_UP.search(line))
    ]


def avx_elsewhere(files):
    counts = {}
    for file in files:
        for name, line in by_object(lines_of("objdump", "-d", "--no-show-raw-insn", file)):
            if AVX.search(line):
                first = counts.setdefault(name, [0, line.strip()])
                first[0] += 1
    missing = [f"{name}: no AVX seen, so this test sees nothing" for name in ISA_CLASS if name not in counts]
    return missing + [
        f"{name}: {n} AVX instructions outside the marked files, first: {first}"
        for name, (n, first) in counts.items()
        if name not in ISA_CLASS
    ]


def main():
    if not (shutil.which("nm") and shutil.which("objdump")):
        print("skipped: nm and objdump (binutils) are not installed")
        return 77
    library, others = sys.argv[1], sys.argv[2:]
    bad = shared_functions(library) + start_up_code(library) + avx_elsewhere([library, *others])
    print("\n".join(bad) if bad else f"AVX code stays in its place: 1 + {len(others)} files looked at")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
