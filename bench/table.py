#!/usr/bin/env python3
"""Puts the table of ratios into docs/performance.md, and some of it into README.md, from what bench/run.py has written.

    bench/table.py [bench/results/bounds.json]      writes the tables between the two markers of each page
    bench/table.py --check                          status 1 if a page does not hold what would be written

What is to be measured for it: bench/run.py --bounds
"""

import argparse
import json
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
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
# Rows of the README, and how it names the peers there.
SHORT = [
    ("W3", "18", "cpu_ms", "shared_ptr"),
    ("W3", "18", "rss_mib", "shared_ptr"),
    ("W3", "18", "cpu_ms", "unique_ptr"),
    ("W5", "1x2000000", "cpu_ms", "boehm"),
    ("W9", "1000000x3", "cpu_ms", "boehm"),
    ("W9", "1000000x3", "cpu_ms", "cpython"),
    ("W10", "1000000", "cpu_ms", "boehm"),
    ("W14", "1000000", "cpu_ms", "boehm"),
]
WHAT = {"cpu_ms": "CPU", "rss_mib": "peak memory", "live_collect_ms": "collection of the live graph"}


def number(value):
    return "%.2f" % value if value >= 0.095 else "%.3f" % value


def conditions(results):
    environment, settings = results["environment"], results["settings"]
    versions = ", ".join("%s %s" % pair for pair in sorted(environment["versions"].items())
                         if pair[0] in ("boehm", "boost", "compiler", "cpython"))
    return "%s, %s cores, %s; %s; medians of %d pairs of runs, %s, commit %s." % (
        environment["machine"], environment["cores"], environment["system"], versions, settings["rounds"],
        environment["date"], environment["commit"])


def table(results, rows, with_bounds):
    found = {(r["workload"], r["parameter"], r["peer"]): r for r in results["results"]}
    lines = [conditions(results), "", "| workload | | against | ouro / peer |" + (" bound |" if with_bounds else ""),
             "|---|---|---|---:|" + ("---:|" if with_bounds else "")]
    for workload, parameter, what, peer, bound in rows:
        row = found.get((workload, parameter, peer))
        ratio = row["ratio"].get(what) if row else None
        shown = "not run" if ratio is None else number(ratio)
        if with_bounds and ratio is not None and ratio > bound:
            shown = "**%s**" % shown
        lines.append("| %s %s: %s | %s | `%s` | %s |" % (
            workload, parameter, row["title"] if row else "", WHAT[what], peer, shown) + (" %s |" % bound if with_bounds else ""))
    return "\n".join(lines)


def pages(results):
    """(path, text as it should be) of each page."""
    short = [row for row in ROWS if row[:4] in SHORT]
    for path, rows, with_bounds in ((ROOT / "docs" / "performance.md", ROWS, True), (ROOT / "README.md", short, False)):
        text = path.read_text()
        begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        yield path, text[:begin] + "\n" + table(results, rows, with_bounds) + "\n" + text[end:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", default=str(RESULTS))
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = 0
    for path, wanted in pages(json.loads(Path(options.results).read_text())):
        if options.check and wanted != path.read_text():
            print("%s does not show %s: run bench/table.py" % (path.relative_to(ROOT), options.results))
            stale = 1
        if not options.check:
            path.write_text(wanted)
    return stale


if __name__ == "__main__":
    sys.exit(main())
