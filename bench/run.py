#!/usr/bin/env python3
"""Builds the benchmarks, runs every workload against every peer found, and writes the figures.

    bench/run.py             everything, medians of five rounds (the better part of an hour)
    bench/run.py --quick     a small size of each workload, in about two minutes
    bench/run.py --only W3,W9 --peers shared_ptr,boehm
    bench/run.py --bounds    what the table of docs/performance.md compares, in about ten minutes
    bench/run.py --scaling   10^4 to 10^7 objects, ouro and Boehm, in about ten minutes

Each cell is a process of its own, so that peak memory and the state of the allocator are its own, and each run of a
peer follows a run of ouro (A B A B): ratios are medians over such pairs. Results go to bench/results/; table.py and
charts.py make tables and charts of them.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import table

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
MIMALLOC = ("libmimalloc.so.2.0", "libmimalloc.so.2", "libmimalloc.so")
SECONDS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}  # to milliseconds

# Workload: title, parameters, those of --quick, peers too slow for --quick.
WORKLOADS = {
    "W1": ("random mutator", ["1000000"], ["1000000"], ()),
    "W2": ("random graph, dropped in pieces", ["32769"], ["32769"], ()),
    "W3": ("binary trees", ["16", "18", "21"], ["16"], ("cpython",)),
    "W4": ("trees with parent handles", ["4-10"], ["4-10"], ()),
    "W5": ("doubly linked lists", ["30x4096", "1x2000000"], ["30x4096", "1x2000000"], ()),
    "W6": ("collect() over garbage rings", ["100x21", "100000x41"], ["100x21"], ()),
    "W7": ("collect() over a live graph", ["1000"], ["1000"], ()),
    "W8": ("GCBench", ["18"], ["18"], ("cpython",)),
    "W9": ("rings", ["1000000x3", "100000x30"], ["1000000x3"], ()),
    "W10": ("churn beside a live graph", ["100000", "1000000"], ["100000"], ()),
    "W12": ("retained pairs", ["1000000"], ["1000000"], ("cpython",)),
    "W13": ("fat cycles", ["10000", "100000"], ["10000"], ("cpython", "nim")),
    "W14": ("hot root", ["1000000", "10000000"], ["1000000"], ("cpython", "nim")),
    "W15": ("shared objects", ["10000000", "100000000"], ["10000000"], ("cpython",)),
    "W17": ("generators", ["iota", "first-of-two", "walk", "delegate-20", "ring-1000000"],
            ["iota", "first-of-two", "walk"], ()),
    "W18": ("deep free", ["1000000", "1000000-ring", "10000000", "10000000-ring"], ["1000000", "1000000-ring"],
            ("cpython",)),
    "W20": ("single operations", [], [], ()),  # as the programs list them
}
# A script takes longer than anybody waits, or more memory than most machines have.
NEVER = {("cpython", "W3", "18"), ("cpython", "W3", "21"), ("cpython", "W14", "10000000"),
         ("cpython", "W15", "100000000"), ("cpython", "W13", "100000"), ("nim", "W14", "10000000")}
# With --scaling, which asks the programs for the sizes: the titles.
SCALING = {"W1": "random mutator", "W3": "one tree", "W5": "doubly linked list", "W6": "collect() over garbage rings",
           "W9": "rings of three", "W10": "churn beside a live graph", "W12": "retained pairs",
           "W14": "churn beside a hot root", "W18": "deep free"}
NOT_WRITTEN = {("nim", "W17")}  # its iterators are no objects of the collector


def say(text):
    print(text, file=sys.stderr, flush=True)


def output_of(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


class Cell:
    """One peer on one workload with one parameter."""

    def __init__(self, workload, parameter, peer, command, extra=None):
        self.workload, self.parameter, self.peer = workload, parameter, peer
        self.command, self.extra = command, extra or {}
        self.runs, self.paired, self.problem = [], [], None

    @property
    def title(self):
        return SCALING[self.workload] if self.parameter.endswith("-objects") else WORKLOADS[self.workload][0]

    @property
    def key(self):
        return self.workload, self.parameter

    def run(self, timeout):
        """Runs it once; a dict of figures, or None with `problem` set."""
        environment = dict(os.environ, **self.extra)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(self.command, stdout=out, stderr=errors, env=environment)
            killer = threading.Timer(timeout, process.kill)
            killer.start()
            process.wait()
            expired = not killer.is_alive()
            killer.cancel()
            out.seek(0)
            errors.seek(0)
            text, complaint = out.read(), errors.read().strip()
        if expired:
            self.problem = "not done after %g s" % timeout
        elif process.returncode != 0:
            self.problem = "ended with status %d: %s" % (process.returncode, complaint[-200:])
        else:
            try:
                return self.read(text)
            except (ValueError, KeyError, IndexError) as error:
                self.problem = "output not understood (%s)" % error
        return None

    def read(self, text):
        figures = json.loads(text)
        if "benchmarks" not in figures:
            return figures
        entry = figures["benchmarks"][0]
        if entry.get("error_occurred"):
            raise ValueError(entry["error_message"])
        scale = SECONDS[entry["time_unit"]]
        counters = {name: value for name, value in entry.items() if isinstance(value, (int, float)) and name not in (
            "real_time", "cpu_time", "iterations", "threads", "repetitions", "repetition_index", "family_index",
            "per_family_instance_index")}
        if self.peer.startswith("shared_ptr") and "single_threaded" in counters:
            if bool(counters["single_threaded"]) == self.peer.startswith("shared_ptr_mt"):
                raise ValueError("the process does not count as this peer should")
        return dict(counters, real_ms=entry["real_time"] * scale, cpu_ms=entry["cpu_time"] * scale)


def build(options):
    if options.bin_dir:
        return Path(options.bin_dir)
    directory = Path(options.build_dir)
    configure = ["cmake", "-S", str(ROOT), "-B", str(directory), "-DCMAKE_BUILD_TYPE=Release", "-DOURO_BUILD_BENCH=ON",
                 "-DOURO_BUILD_TESTS=OFF", "-DOURO_BUILD_EXAMPLES=OFF"]
    say("building in " + str(directory))
    for command in (configure, ["cmake", "--build", str(directory), "--parallel"]):
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
            sys.exit("failed: " + " ".join(command))
    return directory / "bench"


def find_mimalloc():
    """The library's path, as the linker's cache or the usual directories have it."""
    cache = output_of(["ldconfig", "-p"]) or output_of(["/sbin/ldconfig", "-p"]) or ""
    for name in MIMALLOC:
        found = re.search(r"^\s*%s .*=> (\S+)$" % re.escape(name), cache, re.M)
        if found:
            return found.group(1)
        for directory in ("/usr/lib", "/usr/local/lib", "/usr/lib/" + platform.machine() + "-linux-gnu"):
            if os.path.exists(os.path.join(directory, name)):
                return os.path.join(directory, name)
    return None


def find_python(wanted):
    """The system's interpreter before any other: distributions build it with all optimisations."""
    for candidate in (wanted, "/usr/bin/python3", shutil.which("python3"), sys.executable):
        if candidate and shutil.which(candidate):
            return candidate
    return None


def build_nim(directory):
    compiler = shutil.which("nim")
    if not compiler:
        return None
    program = directory / "nim_orc"
    command = [compiler, "c", "--hints:off", "-d:release", "--mm:orc", "--nimcache:" + str(directory / "nimcache"),
               "-o:" + str(program), str(BENCH / "peers" / "nim_orc.nim")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        say("nim: " + (done.stdout + done.stderr).strip()[-500:])
        return None
    return program


def collect_cells(options, directory, left_out):
    """Every cell to run, in the order of WORKLOADS, ouro first in each row."""
    min_time = "0.05" if options.quick else "0.3"
    found = {}
    programs = sorted(path for path in directory.glob("bench_*") if os.access(path, os.X_OK) and path.is_file())
    if not programs:
        sys.exit("no benchmark programs in %s" % directory)
    for program in programs:
        for name in (output_of([str(program), "--benchmark_list_tests"]) or "").split():
            workload, peer, parameter = name.split("/")[:3]
            command = [str(program), "--benchmark_filter=^%s/%s/%s(/|$)" % (workload, peer, parameter),
                       "--benchmark_format=json", "--benchmark_min_time=" + min_time]
            found.setdefault((workload, parameter), {})[peer] = command
    present = {peer for row in found.values() for peer in row}
    for peer, package in (("boehm", "libgc-dev"), ("intrusive_ptr", "libboost-dev")):
        if peer not in present:
            left_out[peer] = "not found when the programs were built (Debian: %s)" % package

    mimalloc = find_mimalloc()
    if not mimalloc:
        left_out["mimalloc"] = "no libmimalloc.so.2.0 (Debian: libmimalloc2.0)"
    python = find_python(options.python)
    if not python:
        left_out["cpython"] = "no python3"
    nim = build_nim(directory)
    if not nim:
        left_out["nim"] = "no working nim compiler (Debian: nim)"
    scripts = {"cpython": [python, str(BENCH / "peers" / "cpython.py")] if python else None,
               "nim": [str(nim)] if nim else None}

    cells = []
    if options.scaling:
        wanted = [key for key in found if key[0] in SCALING and key[1].endswith("-objects")]
        for workload, parameter in sorted(wanted, key=lambda key: (int(key[0][1:]), int(key[1].split("-")[0]))):
            for peer in ("ouro", "boehm"):
                if peer in found[workload, parameter]:
                    cells.append(Cell(workload, parameter, peer, found[workload, parameter][peer]))
        return cells
    for workload, (_, full, quick, slow) in WORKLOADS.items():
        if options.only and workload not in options.only:
            continue
        parameters = (quick if options.quick else full) or [key[1] for key in found if key[0] == workload]
        if options.parameters:
            parameters = [parameter for parameter in parameters + full if parameter in options.parameters]
        for parameter in dict.fromkeys(parameters):
            row = found.get((workload, parameter), {})
            for peer, command in sorted(row.items(), key=lambda item: item[0] != "ouro"):
                cells.append(Cell(workload, parameter, peer, command))
                if options.quick and workload != "W3":
                    continue
                if mimalloc and peer in ("ouro", "shared_ptr", "unique_ptr", "intrusive_ptr"):
                    cells.append(Cell(workload, parameter, peer + "+mimalloc", command, {"LD_PRELOAD": mimalloc}))
                if peer == "boehm":
                    cells.append(Cell(workload, parameter, "boehm-1-marker", command, {"GC_MARKERS": "1"}))
            for peer, command in scripts.items():
                if not command or workload == "W20" or (peer, workload) in NOT_WRITTEN:
                    continue
                if (peer, workload, parameter) in NEVER:
                    continue
                if options.quick and peer in slow:
                    continue
                cells.append(Cell(workload, parameter, peer, command + [workload, parameter]))
    if options.peers:
        cells = [cell for cell in cells if cell.peer == "ouro" or cell.peer in options.peers]
    if options.bounds:
        wanted = {(workload, parameter, peer) for workload, parameter, _, peer, _ in table.ROWS}
        rows = {row[:2] for row in wanted}
        cells = [cell for cell in cells if cell.key + (cell.peer,) in wanted or (cell.peer == "ouro" and cell.key in rows)]
    return cells


def run_cells(cells, options):
    rows = {}
    for cell in cells:
        rows.setdefault(cell.key, []).append(cell)
    start = time.monotonic()
    done = 0
    for done in range(1, options.rounds + 1):
        for (workload, parameter), row in rows.items():
            say("round %d/%d  %s %s" % (done, options.rounds, workload, parameter))
            ours = next((cell for cell in row if cell.peer == "ouro"), None)
            latest = None
            for cell in row:
                if cell.problem:
                    continue
                is_ours = cell is ours
                if ours and not ours.problem and not is_ours and (not options.quick or latest is None):
                    latest = ours.run(options.timeout)
                    if latest:
                        ours.runs.append(latest)
                figures = cell.run(options.timeout) if not is_ours or options.quick or len(row) == 1 else None
                if figures:
                    cell.runs.append(figures)
                    if is_ours:
                        latest = figures
                    elif latest:
                        cell.paired.append((latest, figures))
                elif cell.problem:
                    say("  %s: %s" % (cell.peer, cell.problem))
        elapsed = time.monotonic() - start
        if options.budget and elapsed + elapsed / done > options.budget:
            break
    return done


def median_of(runs, name):
    values = [run[name] for run in runs if run.get(name) is not None]
    return statistics.median(values) if values else None


def ratio_of(cell, name):
    values = [ours[name] / theirs[name] for ours, theirs in cell.paired if ours.get(name) and theirs.get(name)]
    return statistics.median(values) if values else None


def result_of(cell):
    names = dict.fromkeys(name for run in cell.runs for name, value in run.items() if isinstance(value, (int, float)))
    result = {"workload": cell.workload, "parameter": cell.parameter, "title": cell.title,
              "peer": cell.peer, "median": {name: median_of(cell.runs, name) for name in names},
              "ratio": {name: ratio_of(cell, name) for name in ("real_ms", "cpu_ms", "rss_mib", "live_collect_ms")
                        if ratio_of(cell, name)},
              "runs": [{name: run.get(name) for name in ("real_ms", "cpu_ms", "rss_mib")} for run in cell.runs]}
    if cell.problem:
        result["problem"] = cell.problem
    return result


def environment(cells):
    versions = {}
    for peer in ("cpython", "nim"):
        for cell in cells:
            if cell.peer == peer and cell.runs:
                versions[peer] = cell.runs[0]["version"]
    program = next((cell.command for cell in cells if cell.peer == "ouro"), None)
    if program:
        # A filter that matches nothing prints no context, so the shortest operation is run once.
        text = output_of([program[0], program[1], "--benchmark_format=json", "--benchmark_min_time=0.001"])
        context = json.loads(text)["context"] if text else {}
        for name in ("compiler", "optimised", "assertions", "boost", "boehm", "ouro"):
            if name in context:
                versions[name] = context[name]
    model = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
        model = found.group(1) if found else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"machine": model, "cores": os.cpu_count(), "memory_gib": round(memory, 1),
            "system": platform.system() + " " + platform.release(), "libc": " ".join(platform.libc_ver()),
            "commit": output_of(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]),
            "date": time.strftime("%Y-%m-%d"), "versions": versions}


def print_table(results):
    def number(value, digits):
        return "%.*f" % (digits, value) if value is not None else "-"

    def duration(milliseconds):
        return "%.2f ms" % milliseconds if milliseconds >= 0.01 else "%.2f ns" % (milliseconds * 1e6)

    layout = "%-22s %12s %12s %9s %9s | %6s %6s %6s"
    print(layout % ("", "wall", "CPU", "RSS MiB", "pause ms", "wall", "CPU", "RSS"))
    row = None
    for result in results:
        if row != (result["workload"], result["parameter"]):
            row = result["workload"], result["parameter"]
            print("\n%s %s: %s" % (row + (result["title"],)))
        median, ratio = result["median"], result["ratio"]
        if not median:
            print("  %-20s %s" % (result["peer"], result.get("problem", "did not run")))
            continue
        line = layout % ("  " + result["peer"], duration(median["real_ms"]), duration(median["cpu_ms"]),
                         number(median.get("rss_mib"), 1), number(median.get("pause_ms") or None, 2),
                         *(number(ratio.get(name), 2) for name in ("real_ms", "cpu_ms", "rss_mib")))
        notes = []
        if "live_collect_ms" in median:
            notes.append("live collection %.1f ms%s" % (
                median["live_collect_ms"], " (%.2f)" % ratio["live_collect_ms"] if "live_collect_ms" in ratio else ""))
        if median.get("left", 0) > 2**16:
            notes.append("leaves %.1f MiB" % (median["left"] / 2**20))
        if result["peer"] == "ouro":
            notes.append("collections %d/%d/%d, visited %d, freed %d" % tuple(
                median.get(name) or 0 for name in ("gen0", "gen1", "gen2", "visited", "freed")))
        print(line + ("  " + "; ".join(notes) if notes else ""))
    print("\nThe last three columns: ouro / peer, medians over pairs of runs; below 1.00 ouro needs less.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, about two minutes")
    parser.add_argument("--only", type=lambda text: text.split(","), help="workloads, such as W3,W9")
    parser.add_argument("--parameters", type=lambda text: text.split(","), help="parameters, such as 18,1x2000000")
    parser.add_argument("--peers", type=lambda text: text.split(","), help="peers to compare ouro with")
    parser.add_argument("--bounds", action="store_true", help="what the table of docs/performance.md compares")
    parser.add_argument("--scaling", action="store_true", help="sizes of 10^4 to 10^7 objects")
    parser.add_argument("--rounds", type=int, help="rounds (default 5, with --quick or --scaling 3)")
    parser.add_argument("--timeout", type=float, help="seconds one run may take (default 120, with --quick 10)")
    parser.add_argument("--build-dir", default=str(ROOT / "build" / "bench"))
    parser.add_argument("--bin-dir", help="use the programs of this directory and build nothing")
    parser.add_argument("--python", help="the interpreter to compare with")
    parser.add_argument("--output", help="the JSON file (default bench/results/latest.json or quick.json)")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick or options.scaling else 5)
    options.timeout = options.timeout or (10 if options.quick else 120)
    options.budget = 85 if options.quick else None
    # A part must not replace the results of the whole.
    partial = options.only or options.peers or options.parameters or options.bounds or options.scaling
    name = ("bounds.json" if options.bounds else "scaling.json" if options.scaling else "partial.json" if partial else
            "quick.json" if options.quick else "latest.json")
    options.output = Path(options.output or BENCH / "results" / name)
    return options


def main():
    options = arguments()
    directory = build(options)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if load and load > 0.5:
        say("warning: the load of this machine is %.1f: CPU times and ratios mean little, wall times nothing" % load)
    left_out = {}
    cells = collect_cells(options, directory, left_out)
    for peer, reason in left_out.items():
        say("left out: %s, %s" % (peer, reason))
    rounds = run_cells(cells, options)
    results = [result_of(cell) for cell in cells]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    data = {"environment": environment(cells), "settings": {"quick": options.quick, "rounds": rounds, "load": load},
            "left_out": left_out, "results": results}
    options.output.write_text(json.dumps(data, indent=1) + "\n")
    print_table(results)
    for peer, reason in left_out.items():
        print("left out: %s, %s" % (peer, reason))
    say("written: %s" % options.output)
    # Peers may fail at what they cannot do; ouro may not.
    return 1 if any(cell.problem for cell in cells if cell.peer.startswith("ouro")) else 0


if __name__ == "__main__":
    sys.exit(main())
