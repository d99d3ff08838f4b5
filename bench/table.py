#!/usr/bin/env python3
"""Puts tables of what bench/run.py has written into docs/performance.md, and some of it into README.md.

    bench/table.py              writes the tables between the two markers of each
    bench/table.py --check      status 1 if a page does not hold what would be written

What is to be measured for them: bench/run.py --bounds, bench/run.py --scaling
"""

import argparse
import json
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
RESULTS = BENCH / "results"

# Workload, parameter, what is compared, peer, the bound that the project has set itself (None: nothing to beat).
ROWS = [
    ("W1", "1000000", "cpu_ms", "boehm", 1.0),
    ("W1", "1000000", "rss_mib", "boehm", 1.0),
    ("W1", "1000000", "cpu_ms", "nim", 1.0),
    ("W1", "1000000", "rss_mib", "nim", 1.0),
    ("W2", "32769", "cpu_ms", "boehm", 1.0),
    ("W2", "32769", "rss_mib", "boehm", 1.0),
    ("W2", "32769", "cpu_ms", "nim", 1.0),
    ("W2", "32769", "rss_mib", "nim", 1.0),
    ("W3", "18", "cpu_ms", "shared_ptr", 0.36),
    ("W3", "18", "cpu_ms", "shared_ptr_mt", 0.24),
    ("W3", "18", "cpu_ms", "unique_ptr", 0.42),
    ("W3", "18", "cpu_ms", "unique_ptr+mimalloc", 0.85),
    ("W3", "18", "cpu_ms", "arena", 2.5),
    ("W3", "18", "cpu_ms", "counted_arena", None),
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
    ("W12", "1000000", "cpu_ms", "nim", 1.0),
    ("W12", "1000000", "rss_mib", "nim", 1.0),
    ("W13", "10000", "cpu_ms", "boehm", 1.0),
    ("W13", "10000", "rss_mib", "boehm", 1.0),
    ("W14", "1000000", "cpu_ms", "boehm", 1.0),
    ("W14", "1000000", "rss_mib", "boehm", 1.0),
    ("W15", "10000000", "cpu_ms", "shared_ptr", 0.70),
    ("W15", "10000000", "cpu_ms", "shared_ptr_mt", 0.25),
    ("W17", "iota", "cpu_ms", "unique_generator", 1.5),
    ("W17", "iota", "cpu_ms", "cpython", 0.15),
    ("W17", "first-of-two", "cpu_ms", "unique_generator", 1.0),
    ("W17", "first-of-two", "cpu_ms", "cpython", 0.15),
    ("W17", "walk", "cpu_ms", "unique_generator", 1.3),
    ("W17", "walk", "cpu_ms", "cpython", 0.15),
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
        if with_bounds and ratio is not None and bound is not None and ratio > bound:
            shown = "**%s**" % shown
        lines.append("| %s %s: %s | %s | `%s` | %s |" % (
            workload, parameter, row["title"] if row else "", WHAT[what], peer, shown) + (" %s |" % ("" if bound is None else bound) if with_bounds else ""))
    return "\n".join(lines)


def scaling_table(results):
    """Nanoseconds for each object by size, for ouro and in brackets for Boehm."""
    found, titles = {}, {}
    for row in results["results"]:
        if row["median"]:
            found[row["workload"], int(row["parameter"].split("-")[0]), row["peer"]] = row["median"]
            titles[row["workload"]] = row["title"]
    sizes = sorted({size for _, size, _ in found})

    def nanoseconds(workload, size, peer):
        figures = found.get((workload, size, peer))
        return figures["cpu_ms"] * 1e6 / figures["objects"] if figures else None

    lines = [conditions(results), "", "| workload |" + "".join(" %s |" % power(size) for size in sizes) +
             " last / last but one | bytes | longest pause | of young ones |", "|---|" + "---:|" * (len(sizes) + 4)]
    for workload, title in titles.items():
        cells = []
        for size in sizes:
            ours, theirs = nanoseconds(workload, size, "ouro"), nanoseconds(workload, size, "boehm")
            cells.append("%.0f%s" % (ours, " (%.0f)" % theirs if theirs else "") if ours else "not run")
        largest = found[workload, sizes[-1], "ouro"]
        growth = nanoseconds(workload, sizes[-1], "ouro") / nanoseconds(workload, sizes[-2], "ouro")
        lines.append("| %s %s | %s | %.2f | %.0f | %.1f ms | %.2f ms |" % (
            workload, title, " | ".join(cells), growth, largest["rss_mib"] * 2**20 / sizes[-1], largest["pause_ms"],
            largest["young_pause_ms"]))
    return "\n".join(lines)


def power(size):
    return "10<sup>%d</sup>" % (len(str(size)) - 1)


def pages():
    """(path, text as it should be) of each page."""
    bounds = json.loads((RESULTS / "bounds.json").read_text())
    scaling = json.loads((RESULTS / "scaling.json").read_text())
    short = [row for row in ROWS if row[:4] in SHORT]
    performance = {"ratios": table(bounds, ROWS, True), "scaling": scaling_table(scaling)}
    for path, tables in ((ROOT / "docs" / "performance.md", performance),
                         (ROOT / "README.md", {"ratios": table(bounds, short, False)})):
        text = path.read_text()
        for name, lines in tables.items():
            begin_mark, end_mark = "<!-- %s: made by bench/table.py -->" % name, "<!-- end of %s -->" % name
            begin, end = text.index(begin_mark) + len(begin_mark), text.index(end_mark)
            text = text[:begin] + "\n" + lines + "\n" + text[end:]
        yield path, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = 0
    for path, wanted in pages():
        if options.check and wanted != path.read_text():
            print("%s does not show the results: run bench/table.py" % path.relative_to(ROOT))
            stale = 1
        if not options.check:
            path.write_text(wanted)
    return stale


if __name__ == "__main__":
    sys.exit(main())
