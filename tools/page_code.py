#!/usr/bin/env python3
"""Reads the code on the pages of the documentation: checks where it comes from, and writes it out as programs.

    tools/page_code.py check              say what is wrong with README.md, CONTRIBUTING.md and docs/
    tools/page_code.py write FOLDER       write all programs, and FOLDER/list.cmake, which names them

A fenced block of C++, CMake or Python belongs to one of the two; the marks are comments, which readers do not see.

<!-- listing: PATH -->   every line of the next block is in that file, in this order; indentation and empty lines do not
                         count, and the file may have more lines
<!-- program: NAME -->   begins a program, which all blocks below belong to until the next mark of this kind:
  a block                is at the program's top
  <!-- main -->          the next block is a part of main(); `assert` is checked in every build
  <!-- output -->        the next block is what the program prints
  <!-- refused -->       the next block must not compile behind what is at the top so far, and the block behind it has
                         what the compiler says
  <!-- hidden ... -->    C++ that readers do not need, at the top

`check` also looks for links to files and headings that do not exist. Exit status 0 if nothing is wrong.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKED = ("cpp", "cmake", "python")
PIECE = re.compile(
    r"<!-- (?P<mark>listing|program|main|output|refused|hidden)(?:: (?P<value>\S+))?(?P<text>.*?) ?-->"
    r"|^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```$|<!--.*?-->", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


class Mistake(Exception):
    pass


class Program:
    def __init__(self, name):
        self.name = name
        self.language = None
        self.top, self.main, self.output, self.refused = [], [], None, []


def numbered(page, line, code):
    return f'#line {line} "{page}"\n{code}'


def parse(page, text):
    """The programs of a page, and its listings as (place, file, code). Raises Mistake for marks that do not fit."""
    programs, listings = [], []
    program, mark, value = None, None, None
    name = page.relative_to(ROOT).as_posix()
    for piece in PIECE.finditer(text):
        line = text.count("\n", 0, piece.start()) + 1
        where = f"{name}:{line}"
        if piece["mark"] and mark:
            raise Mistake(f"{where}: the mark before has no block, `{mark}`")
        if piece["mark"] == "program":
            program = Program(piece["value"])
            programs.append(program)
        elif piece["mark"] == "hidden":
            if program is None:
                raise Mistake(f"{where}: belongs to no program")
            program.language = "cpp"
            program.top.append(numbered(name, line, piece["text"].strip("\n") + "\n"))
        elif piece["mark"]:
            mark, value = piece["mark"], piece["value"]
        else:
            language, code = piece["language"], piece["code"]
            if mark == "listing":
                listings.append((where, value, code))
            elif mark == "output" and program:
                program.output = code
            elif mark == "message":
                program.refused[-1][1] = code
            elif language in CHECKED:
                if program is None or program.language not in (None, language) or language == "cmake":
                    raise Mistake(f"{where}: {language} that is neither a listing nor part of a program of its language")
                program.language = language
                numbering = numbered(name, line + 1, code) if language == "cpp" else code
                if mark == "refused":
                    program.refused.append([numbering, None, list(program.top)])
                    mark = "message"
                    continue
                (program.main if mark == "main" else program.top).append(numbering)
            mark = None
    if mark:
        raise Mistake(f"{name}: no block for the last mark, `{mark}`")
    return programs, listings


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def check(page, text, listings):
    """Yields what is wrong with a page's listings and links."""
    for where, path, listing in listings:
        if not path or not (ROOT / path).is_file():
            yield f"{where}: {path} does not exist"
            continue
        remaining = iter(lines_of((ROOT / path).read_text(encoding="utf-8")))
        for line in lines_of(listing):
            if line not in remaining:
                yield f"{where}: not in {path}, or not in this order: {line}"
                break
    for link in LINK.findall(CODE.sub("", BLOCK.sub("", text))):
        target, _, heading = link.partition("#")
        if "://" in target:
            continue
        file = page if not target else (page.parent / target).resolve()
        if not file.exists():
            yield f"{page.relative_to(ROOT)}: {link}: there is no such file"
        elif heading and file.suffix == ".md" and heading not in anchors(file):
            yield f"{page.relative_to(ROOT)}: {link}: there is no such heading"


def write(folder, programs):
    """Files for all programs. Those that stay the same are left alone, so that nothing is built twice."""
    folder.mkdir(parents=True, exist_ok=True)
    stale = set(folder.iterdir())

    def put(name, text):
        file = folder / name
        stale.discard(file)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")

    names = {"cpp": [], "python": [], "refused": []}
    for page, program in programs:
        name = f"{page.stem}_{program.name}"
        if program.language == "python":
            put(f"{name}.py", "\n".join(program.top))
        else:
            main = f"\nint main() {{\n{''.join(program.main)}}}\n" if program.main else ""
            put(f"{name}.cpp", "#undef NDEBUG\n#include <cassert>\n" + "\n".join(program.top) + main)
        if program.language == "python" or program.main or "int main(" in "".join(program.top):
            names[program.language].append(name)
        if program.output is not None:
            put(f"{name}.output", program.output)
        for number, (code, message, top) in enumerate(program.refused, 1):
            text = f"// expect: {' '.join(message.split())}\n" + "\n".join(top)
            put(f"{name}_{number}.cpp", f"{text}\n#ifdef OURO_EXPECT_FAIL\n{code}#endif\n")
            names["refused"].append(f"{name}_{number}")
    put("list.cmake", "".join(f"set(page_{kind} {' '.join(members)})\n" for kind, members in names.items()))
    for file in stale:
        file.unlink()


def main():
    if sys.argv[1:2] not in (["check"], ["write"]):
        return __doc__
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    errors, programs = [], []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        try:
            found, listings = parse(page, text)
        except Mistake as mistake:
            errors.append(str(mistake))
            continue
        programs += [(page, program) for program in found]
        errors += check(page, text, listings)
    names = [(page.stem, program.name) for page, program in programs]
    errors += [f"two programs are named {name}" for name in set(names) if names.count(name) > 1]
    if sys.argv[1] == "write" and not errors:
        write(pathlib.Path(sys.argv[2]), programs)
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
