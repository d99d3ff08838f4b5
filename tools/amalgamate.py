#!/usr/bin/env python3
"""Writes single_include/ouro/ouro.hpp: everything in include/ as one header.

    tools/amalgamate.py [ROOT]            write it (ROOT: the repository, by default the one this script lies in)
    tools/amalgamate.py --check [ROOT]    exit 1 if it is not what would be written

The result depends on include/ and LICENSE alone. Each header keeps its guard, so that the single header and the folder
may meet in one translation unit. What the headers include from outside without a condition is collected in one place;
includes under a condition stay where they are. A circle, a header that the umbrella does not reach and whatever else
cannot be joined faithfully is an error.
"""

import argparse
import pathlib
import re
import sys

UMBRELLA = "ouro/ouro.hpp"
INCLUDE = re.compile(r'#\s*include\s*(<[^>]+>|"[^"]+")')
CONDITION = re.compile(r"#\s*(if|endif)")
GUARD = re.compile(r"((?://[^\n]*\n)*)#ifndef (\w+_HPP)\n#define \2\n(.*)\n#endif\n", re.DOTALL)


class Mistake(Exception):
    """What is wrong with the headers, with its place."""


class Header:
    """A header, with its includes taken out: `own` and `system` without a condition, `conditional` left in the text."""

    def __init__(self, name, text):
        guarded = GUARD.fullmatch(text)
        self.name = name
        self.comment, self.guard, body = guarded.groups() if guarded else ("", None, text)
        self.own, self.system, self.conditional = [], [], []
        first_line = text.count("\n", 0, text.index(body)) + 1
        lines, depth = [], 0
        for number, line in enumerate(body.split("\n"), first_line):
            if condition := CONDITION.match(line.lstrip()):
                depth += 1 if condition[1] == "if" else -1
            include = INCLUDE.match(line.lstrip())
            if not include:
                lines.append(line)
                continue
            target, where = include[1], f"include/{name}:{number}"
            if target.startswith('"'):
                raise Mistake(f"{where}: write <...>, not {target}")
            if not target.startswith("<ouro/"):
                (self.conditional if depth else self.system).append(target)
                if depth:
                    lines.append(line)
            elif depth:
                raise Mistake(f"{where}: an own header under a condition")
            else:
                self.own.append((target.strip("<>"), where))
        self.body = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def text(self):
        if self.guard is None:
            return self.body + "\n"
        return f"{self.comment}#ifndef {self.guard}\n#define {self.guard}\n\n{self.body}\n\n#endif  // {self.guard}\n"


def in_order(folder):
    """All headers, each behind those it includes."""
    done, trail = {}, []

    def visit(name, where):
        if name in trail:
            raise Mistake(f"{where}: includes itself: {' -> '.join(trail[trail.index(name):] + [name])}")
        if name in done:
            return
        if not (folder / name).is_file():
            raise Mistake(f"{where}: <{name}> does not exist")
        header = Header(name, (folder / name).read_text(encoding="utf-8"))
        trail.append(name)
        for target, place in header.own:
            visit(target, place)
        done[trail.pop()] = header

    visit(UMBRELLA, "include")
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name not in done:
            raise Mistake(f"include/{name}:1: <{UMBRELLA}> does not reach it")
    return list(done.values())


def version_of(root):
    text = (root / "include" / "ouro" / "version.hpp").read_text(encoding="utf-8")
    return ".".join(re.search(rf"#define OURO_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))


def amalgamate(root):
    headers = in_order(root / "include")
    umbrella = headers.pop()
    if umbrella.body:
        raise Mistake(f"include/{UMBRELLA}:1: has more than includes")

    system = sorted({name for header in headers for name in header.system})
    conditional = [name for header in headers for name in header.conditional]
    for name in conditional:
        if name in system or conditional.count(name) > 1:
            raise Mistake(f"include: {name} is included under a condition, and elsewhere: include it in one header")

    licence = (root / "LICENSE").read_text(encoding="utf-8").strip().split("\n")
    parts = [
        f"// ouro {version_of(root)} in one header. Made by tools/amalgamate.py from include/; change those, not this.\n"
        + "//\n" + "".join(f"// {line}".rstrip() + "\n" for line in licence),
        f"{umbrella.comment}#ifndef {umbrella.guard}\n#define {umbrella.guard}\n",
    ]
    for header in headers:
        if header.system and system:  # the first one that needs any: behind the check of the language's version
            parts.append("".join(f"#include {name}\n" for name in system))
            system = []
        parts.append(header.text())
    parts.append(f"#endif  // {umbrella.guard}\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    options = parser.parse_args()
    single = options.root / "single_include" / "ouro" / "ouro.hpp"
    try:
        wanted = amalgamate(options.root)
    except Mistake as mistake:
        return str(mistake)
    if options.check:
        if single.is_file() and single.read_text(encoding="utf-8") == wanted:
            return 0
        return f"single_include/{UMBRELLA} is not what include/ makes; run tools/amalgamate.py"
    single.parent.mkdir(parents=True, exist_ok=True)
    single.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
