#!/usr/bin/env python3
"""Puts the table of ratios into docs/performance.md, from the results that bench/run.py has written.

    bench/table.py [bench/results/bounds.json]      writes the table between the two markers of the page
    bench/table.py --check                          status 1 if the page does not hold what would be written

What is to be measured for it: bench/run.py --bounds
"""

import argparse
import json
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
PAGE = BENCH.parent / "docs" / "performance.md"
RESULTS = BENCH / "results" / "bounds.json"
BEGIN, END = "<!-- ratios: made by bench/table.py -->", "<!-- end of ratios -->"

# Workload, parameter, what is compared, peer, the bound that the project has set itself.
ROWS = [
    ("W1", "1000000", "cpu_ms", "boehm", 1.0),
    ("W1", "1000000", "rss_mib", "boehm", 1.0),
    ("W2", "32769", "cpu_ms", "boehm", 1.0),
    ("W2", "32769", "rss_mib", "boehm", 1.0),
    ("W3", "18", "cpu_ms", "shared_ptr", 0.36),
    ("W3", "18", "cpu_ms", "shared_ptr_mt", 0.24),
    ("W3", "18", "cpu_ms", "unique_ptr", 0.42),
    ("W3", "18", "cpu_ms", "unique_ptr+mimalloc", 0.85),
    ("W3", "18", "cpu_ms", "arena", 2.5),
    ("W3", "18", "rss_mib", "shared_ptr", 0.40),
    ("W3", "18", "rss_mib", "unique_ptr", 0.80),
    ("W4", "4-10", "cpu_ms", "boehm", 1.0),
    ("W4", "4-10", "rss_mib", "boehm", 1.0),
    ("W5", "1x2000000", "cpu_ms", "boehm", 0.7),
    ("W6", "100000x41", "cpu_ms", "cpython", 0.3),
    ("W7", "1000", "cpu_ms", "cpython", 0.3),
    ("W8", "18", "cpu_ms", "boehm", 1.0),
    ("W8", "18", "rss_mib", "boehm", 1.0),
    ("W9", "1000000x3", "cpu_ms", "boehm", 0.6),
    ("W9", "1000000x3", "cpu_ms", "cpython", 0.04),
    ("W10", "1000000", "cpu_ms", "boehm", 0.75),
    ("W10", "1000000", "live_collect_ms", "boehm", 0.6),
    ("W12", "1000000", "cpu_ms", "boehm", 1.0),
    ("W12", "1000000", "rss_mib", "boehm", 1.0),
    ("W13", "10000", "cpu_ms", "boehm", 1.0),
    ("W13", "10000", "rss_mib", "boehm", 1.0),
    ("W14", "1000000", "cpu_ms", "boehm", 1.0),
    ("W14", "1000000", "rss_mib", "boehm", 1.0),
    ("W15", "10000000", "cpu_ms", "shared_ptr", 0.70),
    ("W15", "10000000", "cpu_ms", "shared_ptr_mt", 0.25),
    ("W20", "copy_drop", "cpu_ms", "intrusive_ptr", 1.1),
    ("W20", "lock", "cpu_ms", "shared_ptr", 0.9),
    ("W20", "lock", "cpu_ms", "shared_ptr_mt", 0.3),
]
WHAT = {"cpu_ms": "CPU", "rss_mib": "peak memory", "live_collect_ms": "collection of the live graph"}


def number(value):
    return "%.2f" % value if value >= 0.095 else "%.3f" % value


def table(results):
    found = {(r["workload"], r["parameter"], r["peer"]): r for r in results["results"]}
    environment, settings = results["environment"], results["settings"]
    versions = ", ".join("%s %s" % pair for pair in sorted(environment["versions"].items())
                         if pair[0] in ("boehm", "boost", "compiler", "cpython"))
    lines = ["%s, %s cores, %s; %s; medians of %d pairs of runs, %s, commit %s." % (
        environment["machine"], environment["cores"], environment["system"], versions, settings["rounds"],
        environment["date"], environment["commit"]), "",
        "| workload | | against | ouro / peer | bound |", "|---|---|---|---:|---:|"]
    for workload, parameter, what, peer, bound in ROWS:
        row = found.get((workload, parameter, peer))
        ratio = row["ratio"].get(what) if row else None
        title = row["title"] if row else ""
        shown = "not run" if ratio is None else number(ratio) if ratio <= bound else "**%s**" % number(ratio)
        lines.append("| %s %s: %s | %s | `%s` | %s | %s |" % (workload, parameter, title, WHAT[what], peer, shown, bound))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", default=str(RESULTS))
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = PAGE.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    wanted = text[:begin] + "\n" + table(json.loads(Path(options.results).read_text())) + "\n" + text[end:]
    if options.check:
        if wanted != text:
            print("docs/performance.md does not show %s: run bench/table.py" % options.results)
        return wanted != text
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
