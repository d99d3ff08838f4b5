#!/usr/bin/env python3
"""Draws the charts of docs/performance.md from the results of run.py: `charts.py [results/latest.json] [--to DIR]`."""

import argparse
import json
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent

# Peer: colour (safe for the colour-blind), marker.
LOOKS = {
    "ouro": ("#000000", "|"),
    "arena": ("#999999", "d"),
    "unique_ptr": ("#56B4E9", "^"),
    "shared_ptr": ("#0072B2", "s"),
    "shared_ptr_mt": ("#0072B2", "D"),
    "intrusive_ptr": ("#009E73", "v"),
    "boehm": ("#D55E00", "o"),
    "cpython": ("#E69F00", "P"),
    "nim": ("#CC79A7", "X"),
}
LABELS = {"shared_ptr_mt": "shared_ptr, second thread has existed", "cpython": "CPython", "nim": "Nim ORC",
          "boehm": "Boehm", "arena": "arena that never frees"}
COLLECTORS = ("ouro", "boehm", "cpython")


def rows_of(results, wanted):
    """(label, {peer: result}) of each workload and parameter for which `wanted` holds, in the order of the file."""
    rows = {}
    for result in results:
        if result["peer"] in LOOKS and result["median"] and wanted(result):
            rows.setdefault("%s %s\n%s" % (result["workload"], result["parameter"], result["title"]), {})[
                result["peer"]] = result
    return list(rows.items())


def dots(plt, rows, value, title, axis, line=None):
    """A logarithmic dot plot: a row for each workload, a marker for each peer."""
    figure, area = plt.subplots(figsize=(9, 0.42 * len(rows) + 1.8))
    shown = set()
    for position, (_, cells) in enumerate(rows):
        for peer, cell in cells.items():
            number = value(cell)
            if number:
                colour, marker = LOOKS[peer]
                hollow = {"markerfacecolor": "none"} if peer == "shared_ptr_mt" else {}
                area.plot(number, position, marker=marker, color=colour, markersize=7, linestyle="none",
                          label=None if peer in shown else LABELS.get(peer, peer), **hollow)
                shown.add(peer)
    area.set_xscale("log")
    area.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=7)
    area.set_ylim(len(rows) - 0.4, -0.6)
    area.set_xlabel(axis)
    area.set_title(title, fontsize=11)
    area.grid(True, axis="both", color="#e4e4e4", linewidth=0.6)
    area.set_axisbelow(True)
    if line:
        area.axvline(line, color="black", linewidth=1)
    for side in ("top", "right"):
        area.spines[side].set_visible(False)
    area.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def relative(name):
    return lambda cell: 1 / cell["ratio"][name] if cell["ratio"].get(name) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="?", default=str(BENCH / "results" / "latest.json"))
    parser.add_argument("--to", default=str(BENCH.parent / "docs" / "charts"), help="directory of the SVG files")
    options = parser.parse_args()
    try:
        import matplotlib
    except ImportError:
        sys.exit("no charts: matplotlib is missing (Debian: apt install python3-matplotlib; "
                 "elsewhere: pip install matplotlib)")
    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "ouro"  # the same results give the same file
    data = json.loads(Path(options.results).read_text())
    results = data["results"]
    programs = rows_of(results, lambda result: result["workload"] != "W20")

    def only(wanted):
        return [(label, {peer: cell for peer, cell in cells.items() if wanted(peer)}) for label, cells in programs]

    others = only(lambda peer: peer != "ouro")
    collectors = only(lambda peer: peer in COLLECTORS)
    operations = rows_of(results, lambda result: result["workload"] == "W20")
    charts = {
        "time": dots(plt, others, relative("cpu_ms"), "CPU time",
                     "CPU time of the peer / of ouro (right of the line: ouro is faster)", 1),
        "memory": dots(plt, others, relative("rss_mib"), "Peak resident memory",
                       "memory of the peer / of ouro (right of the line: ouro needs less)", 1),
        "pauses": dots(plt, collectors, lambda cell: cell["median"].get("pause_ms"), "Longest pause", "milliseconds"),
        "operations": dots(plt, operations, lambda cell: cell["median"]["cpu_ms"] * 1e6, "Single operations",
                           "nanoseconds"),
    }
    directory = Path(options.to)
    directory.mkdir(parents=True, exist_ok=True)
    for name, figure in charts.items():
        figure.savefig(directory / (name + ".svg"), bbox_inches="tight", metadata={"Date": None})
        print("written: %s" % (directory / (name + ".svg")))


if __name__ == "__main__":
    main()
