#!/usr/bin/env python3
"""W21: what the single header costs to compile, against four headers of the standard library.

    bench/compile_time/measure.py [--compiler g++] [--rounds 5] [--output FILE]

Prints medians of user CPU time over rounds that alternate, lines after preprocessing, and for types with 8 handles each
what one more type adds in time and bytes of code.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STANDARD = "#include <memory>\n#include <vector>\n#include <functional>\n#include <coroutine>\n"
HEADER = "#include <ouro/ouro.hpp>\n"
NOTHING = "int main() {}\n"


def types(number):
    text = [HEADER]
    for i in range(number):
        members = " ".join("ouro::gc_ptr<type_%d> m%d{};" % (i, m) for m in range(8))
        text.append("struct type_%d { %s };\n" % (i, members))
    text.append("int main() { std::size_t n = 0;\n")
    text += ["n += ouro::make_gc<type_%d>().use_count();\n" % i for i in range(number)]
    return "".join(text) + "return static_cast<int>(n) == %d ? 0 : 1; }\n" % number


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", help="a JSON file for the figures")
    options = parser.parse_args()
    programs = {"standard headers": STANDARD + NOTHING, "single header": HEADER + NOTHING,
                "one type": types(1), "21 types": types(21)}
    base = [options.compiler, "-std=c++20", "-O2", "-DNDEBUG", "-I", str(ROOT / "single_include")]
    seconds = {name: [] for name in programs}
    lines, code = {}, {}
    with tempfile.TemporaryDirectory() as directory:
        for name, text in programs.items():
            source = Path(directory) / (name.replace(" ", "_") + ".cpp")
            source.write_text(text)
            done = subprocess.run(base + ["-E", "-P", str(source)], capture_output=True, text=True, check=True)
            lines[name] = done.stdout.count("\n")
        for _ in range(options.rounds):
            for name in programs:
                source = Path(directory) / (name.replace(" ", "_") + ".cpp")
                before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
                subprocess.run(base + ["-c", str(source), "-o", str(source.with_suffix(".o"))], check=True)
                seconds[name].append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
        for name in programs:
            object_file = Path(directory) / (name.replace(" ", "_") + ".o")
            size = subprocess.run(["size", str(object_file)], capture_output=True, text=True, check=True).stdout
            code[name] = int(size.splitlines()[1].split()[0])

    ratio = statistics.median(ours / theirs for ours, theirs in zip(seconds["single header"], seconds["standard headers"]))
    print("%-18s %10s %10s %12s" % (options.compiler + " -O2", "seconds", "lines", "bytes"))
    for name in programs:
        print("%-18s %10.2f %10d %12d" % (name, statistics.median(seconds[name]), lines[name], code[name]))
    more = (statistics.median(seconds["21 types"]) - statistics.median(seconds["one type"])) / 20
    print("the single header takes %.2f times as long as the standard headers" % ratio)
    print("one more type of 8 handles: %.0f ms, %d bytes of code" % (more * 1e3, (code["21 types"] - code["one type"]) / 20))
    if options.output:
        figures = {"compiler": options.compiler, "seconds": seconds, "lines": lines, "bytes": code, "ratio": ratio,
                   "seconds_per_type": more, "bytes_per_type": (code["21 types"] - code["one type"]) / 20}
        Path(options.output).write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
