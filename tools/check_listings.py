#!/usr/bin/env python3
"""Checks that listings in the documentation come from files that are compiled and run.

Usage: check_listings.py [ROOT]     ROOT: the repository (default: the one this script lies in)

`<!-- listing: PATH -->` in front of a fenced block names its file. Every line of the block must occur in that file, in
the same order; indentation and empty lines do not count, and the file may have more lines. A fenced block of C++
without such a line is an error. Exit status 0 if nothing is wrong.
"""
import pathlib
import re
import sys

FENCE = re.compile(r"(?:^<!-- listing: (\S+) -->\n+)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def check(root, page):
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        path, language, listing = match.groups()
        where = f"{page.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}"
        if not path:
            if language == "cpp":
                yield f"{where}: a listing of C++ without `<!-- listing: PATH -->`"
        elif not (root / path).is_file():
            yield f"{where}: {path} does not exist"
        else:
            remaining = iter(lines_of((root / path).read_text(encoding="utf-8")))
            for line in lines_of(listing):
                if line not in remaining:
                    yield f"{where}: not in {path}, or not in this order: {line}"
                    break


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    errors = [error for page in pages for error in check(root, page)]
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
