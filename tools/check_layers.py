#!/usr/bin/env python3
"""Checks that every header includes lower layers only, as tools/layers.txt orders them.

Usage: check_layers.py [ROOT]     ROOT: the repository (default: the one this script lies in)

Lines of layers.txt; headers are named relative to include/ouro, without .hpp, and may be patterns:
  row: A B          one layer, above all lines before it; its headers do not include one another
  peers: A B        the same, but its headers may include one another, without a circle
  never X Y: A B    the code of these headers does not contain these words (comments and strings may)
Exit status 0 if nothing is wrong.
"""
import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r"""^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]""", re.MULTILINE)
COMMENT_OR_STRING = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.DOTALL)


class Layers:
    """tools/layers.txt, applied to the headers that exist."""

    def __init__(self, file, headers):
        self.errors = []
        self.row_of = {}  # header -> (number of its row, whether peers may include one another)
        self.never = []   # (word, header)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            where = f"tools/layers.txt:{number}"
            kind, colon, patterns = line.partition(":")
            kind, *words = kind.split()
            if not colon or kind not in ("row", "peers", "never") or bool(words) != (kind == "never"):
                self.errors.append(f"{where}: neither `row:`, `peers:` nor `never WORD:`")
                continue
            for pattern in patterns.split():
                matches = fnmatch.filter(headers, pattern)
                if not matches:
                    self.errors.append(f"{where}: no header is named {pattern}")
                for header in matches:
                    if kind == "never":
                        self.never += [(word, header) for word in words]
                    elif header in self.row_of:
                        self.errors.append(f"{where}: {header} is in line {self.row_of[header][0]} already")
                    else:
                        self.row_of[header] = (number, kind == "peers")


def includes_of(text):
    """Yields (line number, quote, name) of each include."""
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def check_includes(header, path, text, layers, headers):
    """Yields what is wrong with one header's includes."""
    foreign = None
    for line, quote, name in includes_of(text):
        where = f"{path}:{line}"
        if not name.startswith("ouro/"):
            foreign = name
            if quote == '"':
                yield f'{where}: "{name}" is to be written from the root, <ouro/...>'
            continue
        target = name.removeprefix("ouro/").removesuffix(".hpp")
        if quote == '"':
            yield f"{where}: write <{name}>, not quotes"
        if foreign:
            yield f"{where}: own headers come first, before <{foreign}>"
        if target not in headers:
            yield f"{where}: <{name}> does not exist"
        elif header in layers.row_of and target in layers.row_of:
            (own, peers), (other, _) = layers.row_of[header], layers.row_of[target]
            if other > own or other == own and not peers:
                yield (f"{where}: {header} (tools/layers.txt:{own}) may include lower layers only, "
                       f"but {target} is in line {other}")


def circles(graph):
    """Yields each circle of includes that a depth-first walk closes."""
    done, trail = set(), []

    def walk(header):
        if header in trail:
            yield trail[trail.index(header):] + [header]
        elif header not in done:
            trail.append(header)
            for target in graph[header]:
                yield from walk(target)
            trail.pop()
            done.add(header)

    for header in graph:
        yield from walk(header)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    base = root / "include" / "ouro"
    texts = {p.relative_to(base).with_suffix("").as_posix(): p.read_text(encoding="utf-8")
             for p in sorted(base.rglob("*.hpp"))}
    layers = Layers(root / "tools" / "layers.txt", texts)
    errors = layers.errors
    graph = {}
    for header, text in texts.items():
        path = f"include/ouro/{header}.hpp"
        if header not in layers.row_of:
            errors.append(f"{path}:1: is in no line of tools/layers.txt")
        errors += check_includes(header, path, text, layers, texts)
        targets = [name.removeprefix("ouro/").removesuffix(".hpp") for _, _, name in includes_of(text)]
        graph[header] = [target for target in targets if target in texts]
    for circle in circles(graph):
        errors.append(f"include/ouro/{circle[0]}.hpp:1: includes itself: {' -> '.join(circle)}")
    for word, header in layers.never:
        code = COMMENT_OR_STRING.sub(lambda match: "\n" * match[0].count("\n"), texts[header])
        for match in re.finditer(rf"\b{re.escape(word)}\b", code):
            line = code.count("\n", 0, match.start()) + 1
            errors.append(f"include/ouro/{header}.hpp:{line}: must not know {word}")
    for error in errors:
        print(error, file=sys.stderr)
    if not errors:
        print(f"{len(texts)} headers, {len(set(layers.row_of.values()))} layers")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
