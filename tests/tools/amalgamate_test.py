#!/usr/bin/env python3
"""What tools/amalgamate.py joins, and what it refuses to join, on small trees of headers."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "tools" / "amalgamate.py"
VERSION = "".join(f"#define OURO_VERSION_{part} {n}\n" for n, part in enumerate(("MAJOR", "MINOR", "PATCH"), 1))


def header(guard, *includes, body=""):
    lines = "".join(f"#include {name}\n" for name in includes)
    return f"// What {guard} is for.\n#ifndef {guard}\n#define {guard}\n\n{lines}\n{body}\n#endif\n"


class Amalgamate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("LICENSE", "Terms\n")
        self.write("include/ouro/version.hpp", header("V_HPP", body=VERSION))
        self.write("include/ouro/a.hpp", header("A_HPP", "<ouro/version.hpp>", "<vector>", "<cstddef>", body="struct a;\n"))
        self.write("include/ouro/b.hpp", header("B_HPP", "<ouro/a.hpp>", "<vector>", body="struct b;\n"))
        self.write("include/ouro/ouro.hpp", header("OURO_OURO_HPP", "<ouro/b.hpp>", "<ouro/version.hpp>"))

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def run_script(self, *options):
        return subprocess.run([sys.executable, SCRIPT, *options, self.root], capture_output=True, text=True)

    def made(self):
        result = self.run_script()
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return (self.root / "single_include/ouro/ouro.hpp").read_text()

    def refused(self, *words):
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse((self.root / "single_include").exists())

    def test_begins_with_the_version_and_the_licence(self):
        first, _, third = self.made().split("\n")[:3]
        self.assertIn("ouro 1.2.3", first)
        self.assertEqual(third, "// Terms")

    def test_each_header_comes_once_behind_those_it_includes_with_its_guard(self):
        text = self.made()
        places = [text.index(f"#define {guard}\n") for guard in ("OURO_OURO_HPP", "V_HPP", "A_HPP", "B_HPP")]
        self.assertEqual(places, sorted(places))
        for guard in ("V_HPP", "A_HPP", "B_HPP"):
            self.assertEqual(text.count(f"#ifndef {guard}\n"), 1)
        self.assertNotIn("<ouro/", text)

    def test_each_system_header_is_included_once_in_one_place(self):
        self.assertIn("#include <cstddef>\n#include <vector>\n", self.made())
        self.assertEqual(self.made().count("#include"), 2)

    def test_an_include_under_a_condition_stays_there(self):
        body = "#if defined(X)\n#include <x.h>\n#endif\n"
        self.write("include/ouro/b.hpp", header("B_HPP", "<ouro/a.hpp>", body=body))
        self.assertIn(body, self.made())

    def test_the_same_headers_give_the_same_text(self):
        self.assertEqual(self.made(), self.made())

    def test_a_circle_is_refused(self):
        self.write("include/ouro/a.hpp", header("A_HPP", "<ouro/version.hpp>", "<ouro/b.hpp>"))
        self.refused("include/ouro/a.hpp:6:", "ouro/b.hpp -> ouro/a.hpp -> ouro/b.hpp")

    def test_a_header_out_of_reach_is_refused(self):
        self.write("include/ouro/c.hpp", header("C_HPP"))
        self.refused("include/ouro/c.hpp")

    def test_a_missing_header_is_refused(self):
        self.write("include/ouro/b.hpp", header("B_HPP", "<ouro/a.hpp>", "<ouro/gone.hpp>"))
        self.refused("include/ouro/b.hpp:6:", "<ouro/gone.hpp> does not exist")

    def test_an_own_header_under_a_condition_is_refused(self):
        self.write("include/ouro/b.hpp", header("B_HPP", body="#if X\n#include <ouro/a.hpp>\n#endif\n"))
        self.refused("include/ouro/b.hpp", "under a condition")

    def test_a_system_header_with_and_without_a_condition_is_refused(self):
        self.write("include/ouro/b.hpp", header("B_HPP", "<ouro/a.hpp>", body="#if X\n#include <vector>\n#endif\n"))
        self.refused("<vector>")

    def test_check_accepts_what_was_made_and_notices_a_line_that_is_gone(self):
        self.made()
        self.assertEqual(self.run_script("--check").returncode, 0)
        self.write("include/ouro/b.hpp", header("B_HPP", "<ouro/a.hpp>", "<vector>"))
        stale = self.run_script("--check")
        self.assertEqual(stale.returncode, 1)
        self.assertIn("run tools/amalgamate.py", stale.stderr)

    def test_check_notices_a_line_missing_from_each_of_the_real_headers(self):
        for part in ("include", "single_include"):
            shutil.copytree(ROOT / part, self.root / part, dirs_exist_ok=True)
        shutil.copy(ROOT / "LICENSE", self.root)
        for name in ("a", "b"):
            (self.root / f"include/ouro/{name}.hpp").unlink()
        self.assertEqual(self.run_script("--check").returncode, 0)
        for file in sorted((self.root / "include").rglob("*.hpp")):
            text = file.read_text()
            lines = text.split("\n")
            code = [n for n, line in enumerate(lines) if line.strip() and not line.startswith("#include <")]
            del lines[code[len(code) // 2]]
            file.write_text("\n".join(lines))
            self.assertNotEqual(self.run_script("--check").returncode, 0, file)
            file.write_text(text)


if __name__ == "__main__":
    unittest.main()
