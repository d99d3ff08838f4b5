#!/usr/bin/env python3
"""Draws the pictures of docs/how_it_works.md from real runs: builds docs/pictures/*.cpp and writes *.svg.

    tools/draw_pictures.py [FOLDER]     FOLDER: where to (default: docs/pictures)

Needs a C++20 compiler, Graphviz and matplotlib (Debian: g++ graphviz python3-matplotlib).
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
LIVE, GARBAGE, EXTERNAL = "#0072B2", "#D55E00", "#000000"  # safe for the colour-blind


def run(name):
    """The lines that a program prints, split into words."""
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / name
        subprocess.run([os.environ.get("CXX", "g++"), "-std=c++20", "-O2", f"-I{ROOT / 'include'}",
                        PICTURES / f"{name}.cpp", "-o", program], check=True)
        result = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True)
    return [line.split() for line in result.stdout.splitlines()]


def graph(file, title, nodes, edges, label, colour, handles=()):
    lines = ['digraph { rankdir=LR; bgcolor="white"; nodesep=0.35; label="%s"; labelloc=t; fontname="sans-serif";'
             ' fontsize=13; node [shape=circle fixedsize=true width=0.75 fontname="sans-serif" fontsize=12 style=filled'
             ' fontcolor=white penwidth=0]; edge [color="#777777" arrowsize=0.7];' % title]
    for name in nodes:
        lines.append(f'{name} [label="{name}\\n{label(name)}" fillcolor="{colour(name)}"];')
    lines += [f"{source} -> {target};" for source, target in edges]
    for number, name in enumerate(handles):
        lines.append(f'outside{number} [label="handle" shape=plaintext style="" fontcolor="{EXTERNAL}"];')
        lines.append(f'outside{number} -> {name} [color="{EXTERNAL}"];')
    svg = subprocess.run(["dot", "-Tsvg"], input="\n".join(lines) + "}", check=True, stdout=subprocess.PIPE, text=True)
    (FOLDER / file).write_text(svg.stdout.replace(" Pages: 1", ""), encoding="utf-8")


def draw_collection():
    lines = run("collection")
    before = {name: (int(count), to) for stage, name, count, *to in (line for line in lines if line[0] == "before")}
    after = {line[1]: int(line[2]) for line in lines if line[0] == "after"}
    freed = next(line[1] for line in lines if line[0] == "freed")
    edges = [(name, target) for name, (_, to) in before.items() for target in to]
    internal = {name: sum(target == name for _, target in edges) for name in before}
    left = {name: before[name][0] - internal[name] for name in before}
    held = [name for name in before for _ in range(left[name])]
    alive = set(held)
    while reached := {target for source, target in edges if source in alive} - alive:
        alive |= reached
    if set(after) != alive or len(before) - len(after) != int(freed):
        sys.exit("the collector freed something else than the picture says")

    def plain(_):
        return "#56606B"

    graph("collection_1.svg", "1. every object with its count", before, edges, lambda n: before[n][0], plain, held)
    graph("collection_2.svg", "2. handles from inside subtracted", before, edges, lambda n: left[n],
          lambda n: LIVE if left[n] else "#56606B", held)
    graph("collection_3.svg", "3. what a count leads to is alive", before, edges,
          lambda n: "alive" if n in after else "garbage", lambda n: LIVE if n in after else GARBAGE, held)
    graph("collection_4.svg", f"4. after the collection, which freed {freed}", after,
          [edge for edge in edges if edge[0] in after], lambda n: after[n], plain, held)


def draw_growth():
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams.update({"svg.hashsalt": "ouro", "font.size": 10})
    rows = [[int(word) for word in line] for line in run("growth")]
    x, y = [0], [0]
    for made, _, before, after in rows:
        x += [made, made]
        y += [before, after]
    figure, area = plt.subplots(figsize=(7, 3.4))
    area.plot(x, y, color="#999999", linewidth=1)
    for generation, colour in ((0, "#56B4E9"), (1, "#E69F00"), (2, "#D55E00")):
        points = [(made, after) for made, number, _, after in rows if number == generation]
        if points:
            area.plot(*zip(*points), "o", color=colour, markersize=4,
                      label=f"generation {generation}: {len(points)} collections")
    area.plot([0, x[-1]], [0, x[-1] / 10], color="black", linewidth=1, linestyle=":", label="objects in use")
    area.set_xlabel("objects made")
    area.set_ylabel("objects in the heap")
    area.grid(color="#e4e4e4", linewidth=0.6)
    for side in ("top", "right"):
        area.spines[side].set_visible(False)
    area.legend(fontsize=8, frameon=False)
    figure.savefig(FOLDER / "growth.svg", bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    draw_collection()
    draw_growth()
