#!/usr/bin/env python3
"""Counts the instructions of single operations under callgrind, and compares them with the bounds in bounds.json.

    bench/instructions/count.py               prints a table; status 1 if a bound is exceeded
    bench/instructions/count.py --record      lowers the bounds to what was counted, never raises them

Unlike times, instructions do not depend on what else the machine does. The bounds hold for one compiler and its
options; with another one the figures are printed and nothing is checked. A bound may be raised by hand, with the reason
in the commit's message.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BOUNDS = HERE / "bounds.json"
FEW, MANY = 20_000, 120_000  # enough for the collections of make_drop_cycle to even out
SKIPPED = 77


def compiler_of(command):
    """What the bounds are kept under: name, major version, processor."""
    text = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    name = "clang" if "clang" in text else "g++"
    version = subprocess.run([command, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    return "%s-%s %s -O2" % (name, version.split(".")[0].strip(), platform.machine())


def instructions(program, name, times):
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + os.path.join(directory, "out"), str(program),
                   name, str(times)]
        done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit("callgrind failed: " + done.stderr[-500:])
    return int(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="lower the bounds to what was counted")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed (Debian: valgrind)")
        return SKIPPED

    key = compiler_of(options.compiler)
    bounds = json.loads(BOUNDS.read_text()) if BOUNDS.exists() else {}
    known = bounds.get(key, {})
    if not known and not options.record:
        print("no bounds are recorded for %s: nothing is checked" % key)
    exceeded = []
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "operations"
        subprocess.run([options.compiler, "-std=c++20", "-O2", "-DNDEBUG", "-I", str(ROOT / "include"),
                        str(HERE / "operations.cpp"), "-o", str(program)], check=True)
        names = subprocess.run([str(program), "--list"], capture_output=True, text=True, check=True).stdout.split()
        print("%-24s %12s %8s" % ("instructions", key, "bound"))
        for name in names:
            count = (instructions(program, name, MANY) - instructions(program, name, FEW)) / (MANY - FEW)
            bound = known.get(name)
            print("%-24s %12.1f %8s" % (name, count, bound if bound is not None else "-"))
            if bound is not None and count > bound:
                exceeded.append("%s takes %.1f instructions, more than its bound of %s" % (name, count, bound))
            if options.record and (bound is None or count < bound):
                known[name] = round(count + 0.05, 1)
    for line in exceeded:
        print(line)
    if options.record:
        bounds[key] = known
        BOUNDS.write_text(json.dumps(bounds, indent=1) + "\n")
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
