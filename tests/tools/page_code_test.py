#!/usr/bin/env python3
"""What tools/page_code.py takes from pages, and what it complains about, on pages of its own."""
import pathlib
import sys
import tempfile
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import page_code  # noqa: E402


class PageCode(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        page_code.ROOT = pathlib.Path(folder.name).resolve()
        self.page = page_code.ROOT / "page.md"
        (page_code.ROOT / "code.cpp").write_text("int a;\n  int b;\nint c;\n")

    def read(self, text):
        text = textwrap.dedent(text).replace("'''", "```")
        self.page.write_text(text)
        return page_code.parse(self.page, text), text

    def errors(self, text):
        (_, listings), text = self.read(text)
        return list(page_code.check(self.page, text, listings))

    def written(self, text):
        (programs, _), _ = self.read(text)
        folder = page_code.ROOT / "out"
        page_code.write(folder, [(self.page, program) for program in programs])
        return {file.name: file.read_text() for file in folder.iterdir()}

    def test_a_listing_may_leave_out_lines_and_indentation(self):
        self.assertEqual(self.errors("<!-- listing: code.cpp -->\n'''cpp\nint a;\nint c;\n'''\n"), [])

    def test_a_listing_with_another_line_or_order_is_an_error(self):
        for lines in ("int d;", "int c;\nint a;"):
            self.assertIn("not in code.cpp", self.errors(f"<!-- listing: code.cpp -->\n'''cpp\n{lines}\n'''\n")[0])

    def test_a_listing_of_a_missing_file_is_an_error(self):
        self.assertIn("does not exist", self.errors("<!-- listing: gone.cpp -->\n'''cpp\nint a;\n'''\n")[0])

    def test_code_that_belongs_to_nothing_is_an_error(self):
        for language in page_code.CHECKED:
            self.assertRaises(page_code.Mistake, self.read, f"'''{language}\nx\n'''\n")

    def test_other_blocks_belong_to_nothing(self):
        self.assertEqual(self.errors("'''sh\nmake\n'''\n\n'''\ntext\n'''\n"), [])

    def test_a_mark_without_a_block_is_an_error(self):
        self.assertRaises(page_code.Mistake, self.read, "<!-- program: x -->\n<!-- main -->\n")

    def test_blocks_of_a_program_are_joined_and_know_their_lines(self):
        files = self.written("""\
            <!-- program: x -->
            <!-- hidden
            #include <cstdio>
            -->
            '''cpp
            int one() { return 1; }
            '''
            <!-- main -->
            '''cpp
            std::printf("%d", one());
            '''
            <!-- output -->
            '''text
            1
            '''
            """)
        program = files["page_x.cpp"]
        self.assertLess(program.index("#include <cstdio>"), program.index("int one()"))
        self.assertIn('int main() {\n#line 10 "page.md"\nstd::printf', program)
        self.assertEqual(files["page_x.output"], "1\n")
        self.assertIn("set(page_cpp page_x)", files["list.cmake"])

    def test_what_a_page_no_longer_has_is_removed(self):
        one = "<!-- program: x -->\n'''cpp\nint main() {}\n'''\n<!-- output -->\n'''text\n1\n'''\n"
        self.assertIn("page_x.output", self.written(one))
        self.assertNotIn("page_x.output", self.written(one[:one.index("<!-- output")]))

    def test_refused_code_becomes_a_twin_with_the_message_it_must_have(self):
        files = self.written("""\
            <!-- program: x -->
            '''cpp
            int a;
            '''
            <!-- refused -->
            '''cpp
            int b = c;
            '''
            '''text
            no c
            here
            '''
            """)
        twin = files["page_x_1.cpp"]
        self.assertTrue(twin.startswith("// expect: no c here\n"))
        self.assertRegex(twin, r"(?s)int a;.*#ifdef OURO_EXPECT_FAIL.*int b = c;\n#endif")
        self.assertIn("set(page_refused page_x_1)", files["list.cmake"])

    def test_links_to_missing_files_and_headings_are_errors(self):
        self.assertEqual(self.errors("# A title\n\n[a](code.cpp) [b](#a-title) [c](https://example.org)\n"), [])
        self.assertIn("no such file", self.errors("[a](gone.md)\n")[0])
        self.assertIn("no such heading", self.errors("# Title\n\n[a](#other)\n")[0])


if __name__ == "__main__":
    unittest.main()
