#!/usr/bin/env python3
"""Compiles one file of tests/compile_fail as its good or its bad twin.

Usage: compile_fail.py good|bad FILE COMPILER [FLAG...]

Line 1 of FILE is `// expect: text`. The good twin must compile. The bad one, with OURO_EXPECT_FAIL defined, must be
refused with that text in the compiler's messages. The flags leave out excerpts of the source, which may hold the text.
"""
import pathlib
import subprocess
import sys

PREFIX = "// expect: "


def main():
    twin, file, *compiler = sys.argv[1:]
    first_line = pathlib.Path(file).read_text(encoding="utf-8").split("\n", 1)[0]
    expected = first_line.removeprefix(PREFIX).strip()
    if not first_line.startswith(PREFIX) or not expected:
        return f"{file}:1: has to be `{PREFIX}text`"
    options = ["-fsyntax-only", "-fdiagnostics-color=never"]
    if twin == "bad":
        options.append("-DOURO_EXPECT_FAIL")
    result = subprocess.run([*compiler, *options, file], capture_output=True, text=True, errors="replace")
    messages = result.stdout + result.stderr
    print(messages, end="")
    if twin == "good":
        return f"{file}: the good twin does not compile" if result.returncode else 0
    if result.returncode == 0:
        return f"{file}: compiles, but must be refused with: {expected}"
    if "".join(expected.split()) not in "".join(messages.split()):  # compilers differ in the blanks within types
        return f"{file}: is refused, but not with: {expected}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
