#!/usr/bin/env python3
"""Draws the charts of docs/performance.md from what run.py has written.

    bench/charts.py [FOLDER]     FOLDER: where to (default: docs/pictures)

time.svg and memory.svg show results/bounds.json (run.py --bounds), scaling.svg and pauses.svg results/scaling.json
(run.py --scaling). Needs matplotlib (Debian: python3-matplotlib).
"""

import argparse
import json
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
RESULTS = BENCH / "results"

# Peer: colour (safe for the colour-blind), marker, name.
LOOKS = {
    "arena": ("#999999", "d", "arena that never frees"),
    "counted_arena": ("#999999", "D", "the same, counted and destroyed"),
    "unique_ptr": ("#56B4E9", "^", "unique_ptr"),
    "unique_ptr+mimalloc": ("#56B4E9", "v", "unique_ptr, mimalloc"),
    "shared_ptr": ("#0072B2", "s", "shared_ptr"),
    "shared_ptr_mt": ("#0072B2", "D", "shared_ptr after a second thread"),
    "intrusive_ptr": ("#009E73", "v", "boost::intrusive_ptr"),
    "boehm": ("#D55E00", "o", "Boehm"),
    "unique_generator": ("#CC79A7", "X", "generator written by hand"),
    "cpython": ("#E69F00", "P", "CPython"),
    "nim": ("#F0E442", "s", "Nim, ORC"),
}


def rows_of(results, name):
    """(label, {peer: ouro's figure / the peer's}) of each workload, in the order of the file."""
    rows = {}
    for result in results:
        ratio = result["ratio"].get(name)
        if result["peer"] in LOOKS and ratio and (name == "cpu_ms" or result["peer"] in ("boehm", "shared_ptr", "unique_ptr")):
            label = "%s %s: %s" % (result["workload"], result["parameter"], result["title"])
            rows.setdefault(label, {})[result["peer"]] = ratio
    return list(rows.items())


def dots(plt, rows, title):
    """A logarithmic dot plot: a row for each workload, a marker for each peer."""
    figure, area = plt.subplots(figsize=(9, 0.32 * len(rows) + 1.6))
    shown = set()
    for position, (_, cells) in enumerate(rows):
        for peer, ratio in cells.items():
            colour, marker, name = LOOKS[peer]
            hollow = {"markerfacecolor": "none"} if "_mt" in peer or "+" in peer else {}
            area.plot(ratio, position, marker=marker, color=colour, markersize=7, linestyle="none",
                      label=None if peer in shown else name, **hollow)
            shown.add(peer)
    area.set_xscale("log")
    ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
    area.set_xticks(ticks, ["%g" % tick for tick in ticks])
    area.minorticks_off()
    area.set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=8)
    area.set_ylim(len(rows) - 0.4, -0.6)
    area.set_xlabel("ouro / peer: left of the line ouro needs less")
    area.set_title(title, fontsize=11)
    area.grid(True, color="#e4e4e4", linewidth=0.6)
    area.set_axisbelow(True)
    area.axvline(1, color="black", linewidth=1)
    area.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def lines(plt, results, value, title, axis, start=None):
    """For each workload a line over the number of objects."""
    figure, area = plt.subplots(figsize=(7, 4.2))
    courses = {}
    for result in results:
        if result["peer"] == "ouro" and result["median"]:
            name = "%s %s" % (result["workload"], result["title"])
            courses.setdefault(name, []).append((int(result["parameter"].split("-")[0]), value(result["median"])))
    colours = plt.get_cmap("tab10")
    for index, (name, points) in enumerate(courses.items()):
        points = [(size, y) for size, y in sorted(points) if y]
        area.plot([size for size, _ in points], [y for _, y in points], marker="o", markersize=4, linewidth=1.3,
                  color=colours(index), label=name)
    area.set_xscale("log")
    area.set_yscale("log")
    if start:
        area.set_ylim(bottom=start)
    area.set_xlabel("objects")
    area.set_ylabel(axis)
    area.set_title(title, fontsize=11)
    area.grid(True, which="major", color="#e4e4e4", linewidth=0.6)
    area.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=str(BENCH.parent / "docs" / "pictures"))
    options = parser.parse_args()
    try:
        import matplotlib
    except ImportError:
        sys.exit("no charts: matplotlib is missing (Debian: apt install python3-matplotlib; "
                 "elsewhere: pip install matplotlib)")
    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams.update({"svg.hashsalt": "ouro", "axes.spines.top": False, "axes.spines.right": False})
    bounds, scaling = (json.loads((RESULTS / name).read_text())["results"] for name in ("bounds.json", "scaling.json"))
    programs = [result for result in bounds if result["workload"] != "W20"]
    charts = {
        "time": dots(plt, rows_of(programs, "cpu_ms"), "CPU time"),
        "memory": dots(plt, rows_of(programs, "rss_mib"), "Peak resident memory"),
        "scaling": lines(plt, scaling, lambda median: median["cpu_ms"] * 1e6 / median["objects"],
                         "CPU time for each object", "nanoseconds", 1),
        "pauses": lines(plt, scaling, lambda median: median["young_pause_ms"] or None,
                        "Longest pause of a young collection", "milliseconds", 0.01),
    }
    directory = Path(options.folder)
    directory.mkdir(parents=True, exist_ok=True)
    for name, figure in charts.items():
        figure.savefig(directory / (name + ".svg"), bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
