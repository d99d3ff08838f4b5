#!/usr/bin/env python3
"""Compares pkggraph with an independent program on real, made and broken input.

Usage: test_pkggraph.py [--random N] [--first-seed S] PKGGRAPH
Exit status 0 if all figures agree.
"""
import argparse
import json
import os
import pathlib
import pty
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque

BLANKS = b" \t\r\n"
SAMPLE = pathlib.Path(__file__).with_name("sample.status")


# --- the independent program -----------------------------------------------------------------------------------------

def stanzas(data):
    """Lists of lines, as a stanza ends at an empty line. A line may end in CR LF."""
    stanza = []
    for line in data.split(b"\n"):
        line = line[:-1] if line.endswith(b"\r") else line
        if line:
            stanza.append(line)
        elif stanza:
            yield stanza
            stanza = []
    if stanza:
        yield stanza


def parse(data):
    """Returns {name: [names]} in the order of the file, and what was skipped."""
    wanted = (b"package", b"pre-depends", b"depends")
    skipped = {"nameless": 0, "repeated": 0, "fields": 0, "stray": 0}
    found = {}
    for stanza in stanzas(data):
        fields = {}
        key = None
        for line in stanza:
            if line[:1] in (b" ", b"\t"):
                if key is None:
                    skipped["stray"] += 1
                else:
                    fields[key] += b"\n" + line
                continue
            name, colon, value = line.partition(b":")
            if not colon:
                key = None
                skipped["stray"] += 1
                continue
            key = name.rstrip(BLANKS).lower()
            if key in fields:
                skipped["fields"] += key in wanted
                key = (key, "repeated")
            fields[key] = value
        name = fields.get(b"package", b"").strip(BLANKS)
        if not name:
            skipped["nameless"] += 1
        elif name in found:
            skipped["repeated"] += 1
        else:
            found[name] = fields
    graph = {}
    for name, fields in found.items():
        edges = {}
        for key in (b"pre-depends", b"depends"):
            for part in re.split(rb"[,|]", fields.get(key, b"")):
                target = re.split(rb"[ \t\r\n(\[<:]", part.strip(BLANKS))[0]
                if target in found:
                    edges[target] = None
        graph[name] = list(edges)
    return graph, skipped


def components(graph):
    """Strongly connected components by Kosaraju's two searches (pkggraph uses Tarjan's one)."""
    finished = []
    seen = set()
    for root in graph:
        if root in seen:
            continue
        seen.add(root)
        path = [(root, iter(graph[root]))]
        while path:
            node, rest = path[-1]
            for target in rest:
                if target not in seen:
                    seen.add(target)
                    path.append((target, iter(graph[target])))
                    break
            else:
                finished.append(node)
                path.pop()
    users = {name: [] for name in graph}
    for name, targets in graph.items():
        for target in targets:
            users[target].append(name)
    taken = set()
    for root in reversed(finished):
        if root in taken:
            continue
        taken.add(root)
        component = [root]
        for node in component:
            for user in users[node]:
                if user not in taken:
                    taken.add(user)
                    component.append(user)
        yield component


def count_down(graph):
    """How many objects die when the program drops its handle to each, one after the other."""
    counts = dict.fromkeys(graph, 1)
    for targets in graph.values():
        for target in targets:
            counts[target] += 1
    freed = 0
    for name in graph:
        drops = deque([name])
        while drops:
            node = drops.popleft()
            counts[node] -= 1
            if counts[node] == 0:
                freed += 1
                drops.extend(graph[node])
    return freed


def expected(data):
    """(the figures of --json or None if the input is of no use, the largest cycle, what was skipped)."""
    graph, skipped = parse(data)
    if b"\0" in data or not graph:
        return None, [], skipped
    cycles = [c for c in components(graph) if len(c) > 1 or c[0] in graph[c[0]]]
    freed = count_down(graph)
    figures = {
        "packages": len(graph),
        "dependencies": sum(map(len, graph.values())),
        "cycles": len(cycles),
        "in_cycles": sum(map(len, cycles)),
        "freed_by_counting": freed,
        "freed_by_collector": len(graph) - freed,
        "alive": 0,
    }
    order = {name: number for number, name in enumerate(graph)}
    sizes = max((len(c) for c in cycles), default=0)
    largest = min((sorted(order[n] for n in c) for c in cycles if len(c) == sizes), default=[])
    names = list(graph)
    return figures, [names[i] for i in largest], skipped


# --- checks ----------------------------------------------------------------------------------------------------------

failures = 0
checks = 0


def check(what, good, detail=""):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print(f"FAILED: {what}: {detail}"[:2000], flush=True)


def skip(what, reason):
    print(f"skipped: {what}: {reason}", flush=True)


def run(arguments, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        del options["stdin"]
    return subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=600, check=False, **options)


SKIP_TEXTS = {
    "nameless": rb"skipped (\d+) stanzas? without a package name",
    "repeated": rb"skipped (\d+) stanzas? of (?:a package|packages) described before",
    "fields": rb"skipped (\d+) repeated fields? of a stanza",
    "stray": rb"skipped (\d+) lines? that (?:is no field|are no fields)",
}


def check_skipped(what, stderr, skipped):
    said = {}
    for key, text in SKIP_TEXTS.items():
        match = re.search(text, stderr)
        said[key] = int(match.group(1)) if match else 0
    check(what + ": what was skipped is said", said == skipped, f"{said}, not {skipped}")


def check_refused(what, arguments, word=b"", **options):
    for mode in ([], ["--json"]):
        result = run(mode + arguments, **options)
        check(what, result.returncode == 2 and result.stdout == b"" and result.stderr.startswith(b"pkggraph: ")
              and word in result.stderr, result)


def table_number(table, label, column=0):
    match = re.search(r"^  " + re.escape(label) + r"  +(.*)$", table, re.M)
    return int(re.split(r"  +", match.group(1).strip())[column].replace(",", "")) if match else None


def check_table(what, result, figures, largest):
    table = result.stdout.decode()
    check(what + ": exit status", result.returncode == 0, result)
    for label, key in (("packages", "packages"), ("dependencies", "dependencies"), ("cycles", "cycles"),
                       ("packages in cycles", "in_cycles"), ("freed by counting", "freed_by_counting"),
                       ("freed by the collector", "freed_by_collector"), ("leaked", "alive")):
        check(f"{what}: table says {label}", table_number(table, label) == figures[key], table)
    check(what + ": shared_ptr frees as much by counting",
          table_number(table, "freed by counting", 1) == figures["freed_by_counting"], table)
    check(what + ": shared_ptr leaks what ouro collects",
          table_number(table, "leaked", 1) == figures["freed_by_collector"], table)
    if largest:
        match = re.search(r"largest cycle, of ([\d,]+):\n    (.*)$", table, re.M)
        size = int(match.group(1).replace(",", "")) if match else 0
        check(what + ": size of the largest cycle", size == len(largest), table)
        if match and all(re.fullmatch(rb"[!-+\--~]{1,40}", name) for name in largest):
            names, _, more = match.group(2).partition(", and ")
            names = names.split(", ")
            hidden = int(more.split()[0].replace(",", "")) if more else 0
            check(what + ": members of the largest cycle",
                  names == [n.decode() for n in largest[:len(names)]] and hidden == len(largest) - len(names), table)
    printable = all(c == "\n" or c.isprintable() for c in table)
    check(what + ": nothing in the table but printable characters", printable, ascii(table))


def compare(what, path, data=None, table=True):
    if data is None:
        data = pathlib.Path(path).read_bytes()
    figures, largest, skipped = expected(data)
    if figures is None:
        check_refused(what, [path])
        return None
    began = time.monotonic()
    result = run(["--json", path])
    seconds = time.monotonic() - began
    check(what + ": exit status", result.returncode == 0, result)
    lines = result.stdout.decode().split("\n")
    check(what + ": one line", len(lines) == 2 and lines[1] == "", result.stdout)
    order = list(json.loads(lines[0]).items()) if lines[0] else []
    check(what, order == list(figures.items()), f"{lines[0]}, not {json.dumps(figures)}")
    check_skipped(what, result.stderr, skipped)
    if table:
        check_table(what, run([path]), figures, largest)
    return figures, seconds


def compare_bytes(what, data, table=True):
    path = scratch / "input"
    path.write_bytes(data)
    return compare(what, path, data, table)


# --- real input ------------------------------------------------------------------------------------------------------

def real_files():
    compare("the sample", SAMPLE)
    status = pathlib.Path("/var/lib/dpkg/status")
    if status.is_file():
        print("this system:", compare("this system", status))
        with open(status, "rb") as file:
            check("the default is this system", run(["--json"]).stdout == run(["--json", "-"], stdin=file).stdout)
    else:
        skip("this system", f"{status} does not exist")
        check("the default is the sample", run(["--json"]).stdout == run(["--json", SAMPLE]).stdout)


def default_without_status_file():
    hide = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /var/lib/dpkg && exec "$@"', "sh"]
    if not os.path.isdir("/var/lib/dpkg") or not shutil.which("unshare"):
        return skip("a system without a status file", "cannot hide /var/lib/dpkg here")
    if subprocess.run(hide + ["true"], capture_output=True, check=False).returncode != 0:
        return skip("a system without a status file", "this user may not hide /var/lib/dpkg")
    result = subprocess.run(hide + [program, "--json"], capture_output=True, check=False)
    same = result.returncode == 0 and result.stdout == run(["--json", SAMPLE]).stdout
    check("a system without a status file reads the sample, and says so", same and b"sample" in result.stderr, result)


def package_index():
    """What apt knows: with duplicates merged by apt, and as the plain concatenation of its lists."""
    if not shutil.which("apt-cache"):
        return skip("the full package index", "no apt-cache on this system")
    path = scratch / "index"
    with open(path, "wb") as file:
        subprocess.run(["apt-cache", "dumpavail"], stdout=file, stderr=subprocess.DEVNULL, check=False)
    if path.stat().st_size < 10_000_000:
        skip("the full package index", "apt has no package lists (apt-get update fetches them)")
    else:
        figures, seconds = compare("the full package index", path)
        print(f"the full package index: {json.dumps(figures)} in {seconds:.2f} s")
    lists = sorted(pathlib.Path("/var/lib/apt/lists").glob("*_Packages*"))
    helper = "/usr/lib/apt/apt-helper"
    if not lists or not os.access(helper, os.X_OK):
        return skip("apt's lists one after the other", "no lists, or no apt-helper to decompress them")
    with open(path, "wb") as file:
        for name in lists:
            subprocess.run([helper, "cat-file", str(name)], stdout=file, stderr=subprocess.DEVNULL, check=False)
    print("apt's lists one after the other:", compare("apt's lists one after the other", path))
    path.unlink()


# --- random input ----------------------------------------------------------------------------------------------------

def random_edges(rng, count):
    """Edges of one of several shapes, some of them degenerate."""
    shape = rng.choice(("chain", "reversed chain", "ring", "rings", "random", "dense", "star", "tree", "none"))
    if shape == "chain":
        return [(i, i + 1) for i in range(count - 1)]
    if shape == "reversed chain":
        return [(i + 1, i) for i in range(count - 1)]
    if shape == "ring":
        return [(i, (i + 1) % count) for i in range(count)]
    if shape == "rings":
        edges = []
        start = 0
        while start < count:
            size = min(rng.randint(1, 5), count - start)
            edges += [(start + i, start + (i + 1) % size) for i in range(size) if size > 1 or rng.random() < 0.3]
            if start and rng.random() < 0.5:
                edges.append((rng.randrange(start), start) if rng.random() < 0.7 else (start, rng.randrange(start)))
            start += size
        return edges
    if shape == "random":
        return [(rng.randrange(count), rng.randrange(count)) for _ in range(rng.randint(0, 2 * count))]
    if shape == "dense":
        return [(i, j) for i in range(count) for j in range(count) if rng.random() < 0.3]
    if shape == "star":
        hub = rng.randrange(count)
        return [(hub, i) if rng.random() < 0.5 else (i, hub) for i in range(count)]
    if shape == "tree":
        return [(rng.randrange(i), i) for i in range(1, count)]
    return []


def random_relation(rng, names):
    """The text of a Depends field: versions, architectures, alternatives, folded lines, empty and unknown entries."""
    text = b""
    for name in names:
        text += rng.choice((b"", b"", b" ", b"  ", b"\t", b"\n ", b"\n\t ", b"\r\n "))
        text += name
        text += rng.choice((b"", b"", b"", b" (>= 1.0)", b"(= 2)", b":any", b" [amd64]", b"[!i386]", b" <!nocheck>",
                            b"<x>", b" ", b"\t", b" trailing words", b"\n ", b"\n  (<< 3)"))
        text += rng.choice((b",", b"|", b", ", b" | ", b",,", b", no-such-package, ", b" |", b",(odd),"))
    return text if rng.random() < 0.3 else text[:-1]


def random_case(rng, text):
    return bytes(rng.choice((c, c, ord(chr(c).swapcase()))) for c in text) if rng.random() < 0.1 else text


def random_file(rng):
    count = rng.choice((1, 2, 3, rng.randint(4, 60), rng.randint(4, 60), rng.randint(60, 400)))
    alphabet = [b"lib%d", b"p%d", b"a-%d+b.c", b"%d", b"\xc3\xa9%d", b"\x1b[31m%d", b"\xff\x80%d", b"l" * 50 + b"%d"]
    style = rng.choice((alphabet[:1], alphabet[:4], alphabet))
    names = [rng.choice(style) % i for i in range(count)]
    targets = [[] for _ in names]
    for source, target in random_edges(rng, count):
        targets[source].append(names[target])
    noise = rng.choice((0, 0, 0.05, 0.3))
    chunks = []
    for name, edges in zip(names, targets):
        rng.shuffle(edges)
        if rng.random() < noise:
            edges = edges + rng.choices(names, k=2) + edges[:1]
        cut = rng.choice((0, 0, rng.randint(0, len(edges))))
        fields = [b"Package: " + name]
        if edges[:cut] or rng.random() < 0.1:
            fields.append(random_case(rng, b"Pre-Depends") + b":" + random_relation(rng, edges[:cut]))
        if edges[cut:] or rng.random() < 0.1:
            fields.append(random_case(rng, b"Depends") + b": " + random_relation(rng, edges[cut:]))
        if rng.random() < 0.5:
            fields.append(b"Description: words\n Depends: " + names[0] + b"\n .\n  more")
        if rng.random() < noise:
            fields.append(rng.choice((b"Depends: " + names[-1], b"Package: another", b"no field", b"# remark: x",
                                      b": x", b"Package", b"Recommends: " + names[0], b"Depends : " + names[0],
                                      b"dePENDs:")))
        if rng.random() < 0.5:
            rng.shuffle(fields)
        if rng.random() < noise:
            fields.insert(0, rng.choice((b" starts with a blank", b"\t", b" ")))
        if rng.random() < noise:
            fields = [f for f in fields if not f.startswith(b"Package")] or [b"Version: 1"]
        if rng.random() < noise:
            fields = [b"Package:" + rng.choice((b"", b" ", b"\n .", b"\n " + name))]
        chunks.append(b"\n".join(fields))
        if rng.random() < noise:
            chunks.append(rng.choice(chunks))
    if rng.random() < 0.5:
        rng.shuffle(chunks)
    data = b"".join(c + b"\n" + rng.choice((b"\n", b"\n", b"\n", b"\n\n\n", b" \n\n")) for c in chunks)
    if rng.random() < noise:
        data = data.replace(b"\n\n", b"\n", 1)
    if rng.random() < 0.15:
        data = re.sub(rb"\r?\n", b"\r\n", data)
    if rng.random() < 0.2:
        data = data.rstrip(b"\r\n")
    if rng.random() < 0.2:
        data = data[:rng.randint(0, len(data))]
    if rng.random() < 0.02:
        data = data + b"\0"
    return data


def random_files(number, first_seed):
    print(f"{number} random files, seeds {first_seed} to {first_seed + number - 1}", flush=True)
    refused = cyclic = 0
    for seed in range(first_seed, first_seed + number):
        before = failures
        result = compare_bytes(f"random file of seed {seed}", random_file(random.Random(seed)))
        refused += result is None
        cyclic += result is not None and result[0]["cycles"] > 0
        if failures != before:
            kept = pathlib.Path(tempfile.gettempdir()) / f"pkggraph-seed-{seed}.status"
            shutil.copy(scratch / "input", kept)
            print(f"  kept as {kept}")
    print(f"  of them {cyclic} with cycles, {refused} without any package")


# --- bad and odd input -----------------------------------------------------------------------------------------------

def bad_input():
    empty = scratch / "empty"
    empty.write_bytes(b"")
    check_refused("an empty file", [empty], b"no package")
    check_refused("a missing file", [scratch / "missing"], b"No such file")
    check_refused("a directory", [scratch], b"Is a directory")
    if os.path.exists("/proc/self/mem"):
        check_refused("a file whose reading fails", ["/proc/self/mem"], b"/proc/self/mem: ")
    else:
        skip("a file whose reading fails", "no /proc/self/mem here")
    unreadable_file()
    for what, data in (("a NUL byte", b"Package: a\n\nPackage: b\0\n"), ("a NUL byte at the start", b"\0Package: a\n"),
                       ("a NUL byte at the end", b"Package: a\n" * 100_000 + b"\0"),
                       ("a program", pathlib.Path(program).read_bytes())):
        path = scratch / "binary"
        path.write_bytes(data)
        check_refused(what, [path], b"binary")
    for what, data in (("random bytes", bytes(random.Random(1).randrange(1, 256) for _ in range(100_000))),
                       ("empty lines", b"\n\r\n\n"), ("blanks", b"  \t \n" * 10), ("a colon", b":"), ("one byte", b"P"),
                       ("prose", b"Dear reader,\n\nno package.\n"), ("empty names", b"Package:\n\nPackage:   \n")):
        path = scratch / "useless"
        path.write_bytes(data)
        check_refused(what, [path], b"no package")
    check_refused("endless zeros", ["/dev/zero"], b"binary")
    check_refused("an empty standard input", ["-"], b"no package")
    for arguments in (["--nonsense"], ["--json=3"], [SAMPLE, SAMPLE], ["-x"]):
        result = run(arguments)
        refused = result.returncode == 2 and result.stdout == b"" and b"--help" in result.stderr
        check(f"command line {arguments}", refused, result)
    result = run(["--help"])
    check("--help", result.returncode == 0 and result.stdout.startswith(b"Usage: ") and not result.stderr, result)
    if os.path.exists("/dev/full"):
        for mode in ([], ["--json"], ["--help"]):
            with open("/dev/full", "wb") as full:
                result = subprocess.run([program, *mode, SAMPLE], stdout=full, stderr=subprocess.PIPE, check=False)
            check(f"a full disk {mode}", result.returncode == 1 and b"No space left" in result.stderr, result)


def unreadable_file():
    path = scratch / "unreadable"
    path.write_bytes(b"Package: a\n")
    path.chmod(0)
    options = {}
    if os.geteuid() == 0:
        # Root reads everything, so another user has to try, if that one may run the program at all.
        options = {"user": 65534, "group": 65534, "extra_groups": []}
        scratch.chmod(0o755)
        try:
            works = run(["--help"], **options).returncode == 0
        except OSError:
            works = False
        if not works:
            return skip("an unreadable file", "root reads everything, and nobody else may run this program here")
    return check_refused("an unreadable file", [path], b"Permission denied", **options)


def odd_input():
    compare_bytes("no newline at the end", b"Package: a\nDepends: b\n\nPackage: b\nDepends: a")
    compare_bytes("a name right at the end", b"Package: a\n\nPackage: b")
    compare_bytes("stanzas without names",
                  b"Version: 1\n\nPackage: a\nDepends: a\n\nDepends: a\n\n\nPackage:\nDepends: a\n")
    compare_bytes("a stanza twice", b"Package: a\n\nPackage: b\nDepends: a\n\nPackage: a\nDepends: b\n")
    compare_bytes("CR LF", b"Package: a\r\nDepends: b,\r\n a\r\n\r\nPackage: b\r\nDepends: a\r\n")
    compare_bytes("a line of blanks goes on", b"Package: a\n \nDepends: b\n\nPackage: b\n\t\nDepends: a\n")
    compare_bytes("no field before a continuation", b" Depends: a\nPackage: a\n\n folded\n\nPackage: b\nx\n y\n")
    compare_bytes("only in another field", b"Package: a\nRecommends: a\nDescription: x\n Depends: a\n")
    compare_bytes("fields in the other order",
                  b"Depends: c, b\nPre-Depends: b\nPackage: a\n\nPackage: b\n\nPackage: c\n")
    sample = SAMPLE.read_bytes()
    for end in random.Random(2).sample(range(len(sample)), 60):
        compare_bytes(f"the sample cut at {end}", sample[:end], table=False)
    size = 100_000_000
    compare_bytes("one line of 100 MB, no field", b"Package: a\n\n" + b"x" * size + b"\n\nPackage: b\nDepends: a\n")
    compare_bytes("one line of 100 MB, nothing else", b"x" * size)
    compare_bytes("a name of 100 MB", b"Package: " + b"x" * size + b"\nDepends: " + b"x" * size, table=True)
    relation = b"a, no-such-package-whatever-its-name-may-be, b | "
    relation *= size // len(relation)
    compare_bytes("a field of 100 MB", b"Package: a\nDepends: " + relation + b"\n\nPackage: b\n", table=False)
    compare_bytes("a line of 100 MB of blanks", b"Package: a\n" + b" " * size + b"\nDepends: a\n", table=False)


def deep_input():
    """Shapes on which a recursive search or a recursive destructor would overflow the stack."""
    def small_stack():
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))
    count = 200_000
    shapes = {
        "chain": [i + 1 for i in range(count)],
        "reversed chain": [i - 1 for i in range(count)],
        "ring": [(i + 1) % count for i in range(count)],
    }
    for what, targets in shapes.items():
        data = b"".join(b"Package: p%d\nDepends: p%d\n\n" % (i, t) for i, t in enumerate(targets))
        path = scratch / "deep"
        path.write_bytes(data)
        figures, largest, _ = expected(data)
        result = run(["--json", path], preexec_fn=small_stack)
        check(what, result.returncode == 0 and json.loads(result.stdout or "0") == figures, result)
        check_table(what, run([path], preexec_fn=small_stack), figures, largest)


def pipes_and_terminals():
    data = SAMPLE.read_bytes()
    whole = run(["--json", SAMPLE]).stdout
    check("standard input", run(["--json", "-"], input=data).stdout == whole)
    fifo = scratch / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen([program, "--json", fifo], stdout=subprocess.PIPE) as reader:
        with open(fifo, "wb") as writer:
            for start in range(0, len(data), 1000):
                writer.write(data[start:start + 1000])
                writer.flush()
        check("a named pipe", reader.communicate()[0] == whole and reader.returncode == 0)
    check("no progress bar where standard error is no terminal", run([SAMPLE]).stderr == b"")
    ours, theirs = pty.openpty()
    with subprocess.Popen([program, "--json", SAMPLE], stdout=subprocess.PIPE, stderr=theirs) as bar:
        os.close(theirs)
        drawn = b""
        try:
            while part := os.read(ours, 4096):
                drawn += part
        except OSError:  # the end of a pseudo-terminal
            pass
        os.close(ours)
        check("a progress bar on a terminal, wiped off in the end",
              bar.communicate()[0] == whole and b"100 %" in drawn and drawn.endswith(b"\r\033[K"), drawn)


def little_memory():
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (150_000_000, 150_000_000))
    if run(["--json", SAMPLE], preexec_fn=limit).returncode != 0:
        return skip("a file that does not fit into memory", "this build (with a sanitizer?) needs more of it")
    path = scratch / "large"
    with open(path, "wb") as file:
        for i in range(40):
            file.write(b"Package: p%d\nDescription: " % i + b"x" * 5_000_000 + b"\n\n")
    return check_refused("a file that does not fit into memory", [path], b"memory", preexec_fn=limit)


def main():
    global program, scratch
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int, default=300, metavar="N", help="number of random files")
    parser.add_argument("--first-seed", type=int, default=1, metavar="S")
    parser.add_argument("program")
    options = parser.parse_args()
    program = str(pathlib.Path(options.program).resolve())
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        real_files()
        default_without_status_file()
        package_index()
        random_files(options.random, options.first_seed)
        bad_input()
        odd_input()
        deep_input()
        pipes_and_terminals()
        little_memory()
    print(f"{checks} checks, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
