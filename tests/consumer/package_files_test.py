#!/usr/bin/env python3
"""The packages' files, without the tools that read them: the recipe of Conan runs on stand-ins of its modules."""
import fnmatch
import importlib.util
import json
import pathlib
import re
import shutil
import sys
import tempfile
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PORT = ROOT / "packaging" / "vcpkg" / "ouro"
TEXT = (ROOT / "include" / "ouro" / "version.hpp").read_text()
VERSION = ".".join(re.search(rf"OURO_VERSION_{part} (\d+)", TEXT)[1] for part in ("MAJOR", "MINOR", "PATCH"))
DESCRIPTION = re.search(r'DESCRIPTION "(.*)"', (ROOT / "CMakeLists.txt").read_text())[1]


def copy(_, pattern, src, dst):
    for file in sorted(pathlib.Path(src).rglob("*")):
        name = file.relative_to(src)
        if file.is_file() and fnmatch.fnmatch(name.as_posix(), pattern):
            (pathlib.Path(dst) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, pathlib.Path(dst) / name)


def check_min_cppstd(recipe, wanted):
    if int(recipe.settings.get_safe("compiler.cppstd").removeprefix("gnu")) < wanted:
        raise ValueError("too old")


class Settings:
    os = "Linux"

    def __init__(self, cppstd=None):
        self.cppstd = cppstd

    def get_safe(self, name):
        return self.cppstd if name == "compiler.cppstd" else None


class Info(types.SimpleNamespace):
    def clear(self):
        self.cleared = True


class CppInfo(types.SimpleNamespace):
    def set_property(self, name, value):
        setattr(self, name, value)


def load_recipe(path):
    members = {
        "conan": {"ConanFile": object},
        "conan.tools": {},
        "conan.tools.build": {"check_min_cppstd": check_min_cppstd, "can_run": lambda recipe: True},
        "conan.tools.cmake": {"CMake": object, "cmake_layout": lambda recipe: None},
        "conan.tools.files": {"copy": copy, "load": lambda recipe, file: pathlib.Path(file).read_text()},
        "conan.tools.layout": {"basic_layout": lambda recipe, src_folder: None},
    }
    for name, content in members.items():
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(content)
    spec = importlib.util.spec_from_file_location("recipe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return next(c for c in vars(module).values() if isinstance(c, type) and c.__module__ == "recipe")


class Vcpkg(unittest.TestCase):
    manifest = json.loads((PORT / "vcpkg.json").read_text())
    portfile = (PORT / "portfile.cmake").read_text()

    def test_the_version_is_that_of_the_headers(self):
        self.assertEqual(self.manifest["version"], VERSION, "write the version of version.hpp into vcpkg.json")

    def test_the_name_is_that_of_the_folder(self):
        self.assertEqual(self.manifest["name"], PORT.name)

    def test_licence_and_description_are_those_of_the_project(self):
        self.assertEqual(self.manifest["license"], "MIT")
        self.assertTrue((ROOT / "LICENSE").read_text().startswith("MIT License"))
        self.assertEqual(self.manifest["description"], DESCRIPTION)

    def test_helpers_that_the_portfile_calls_are_host_dependencies(self):
        hosts = {dependency["name"] for dependency in self.manifest["dependencies"] if dependency["host"]}
        self.assertEqual(hosts, {"vcpkg-cmake", "vcpkg-cmake-config"})
        self.assertIn("vcpkg_cmake_config_fixup()", self.portfile)

    def test_the_usage_text_names_the_target_and_is_installed(self):
        self.assertIn("ouro::ouro", (PORT / "usage").read_text())
        self.assertIn('file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage"', self.portfile)

    def test_no_address_is_invented(self):
        for file in (*PORT.iterdir(), ROOT / "conanfile.py"):
            self.assertNotIn("://", file.read_text(), file)


class Conan(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.recipe = load_recipe(ROOT / "conanfile.py")()
        self.recipe.recipe_folder = self.recipe.source_folder = str(ROOT)
        self.recipe.package_folder = folder.name
        self.recipe.settings = Settings("20")

    def test_the_version_is_that_of_the_headers(self):
        self.recipe.set_version()
        self.assertEqual(self.recipe.version, VERSION)

    def test_it_is_a_header_library_with_one_package_for_all_settings(self):
        self.assertEqual(self.recipe.package_type, "header-library")
        self.recipe.info = Info()
        self.recipe.package_id()
        self.assertTrue(self.recipe.info.cleared)

    def test_licence_and_description_are_those_of_the_project(self):
        self.assertEqual((self.recipe.license, self.recipe.description), ("MIT", DESCRIPTION))

    def test_the_package_holds_every_header_and_the_licence_and_nothing_else(self):
        self.recipe.package()
        package = pathlib.Path(self.recipe.package_folder)
        found = {file.relative_to(package).as_posix() for file in package.rglob("*") if file.is_file()}
        headers = {file.relative_to(ROOT).as_posix() for file in (ROOT / "include").rglob("*") if file.is_file()}
        self.assertEqual(found, headers | {"licenses/LICENSE"})

    def test_what_the_package_needs_is_exported_with_the_recipe(self):
        self.assertEqual(set(self.recipe.exports_sources), {"include/*", "LICENSE"})

    def test_older_standards_are_refused_and_unknown_ones_are_left_to_the_compiler(self):
        for standard in ("20", "gnu20", "23", None):
            self.recipe.settings = Settings(standard)
            self.recipe.validate()
        self.recipe.settings = Settings("gnu17")
        self.assertRaises(ValueError, self.recipe.validate)

    def test_consumers_get_the_target_of_the_project_and_no_library(self):
        self.recipe.cpp_info = info = CppInfo()
        self.recipe.package_info()
        self.assertEqual((info.bindirs, info.libdirs), ([], []))
        self.assertEqual((info.cmake_file_name, info.cmake_target_name, info.pkg_config_name), ("ouro", "ouro::ouro", "ouro"))

    def test_the_test_package_builds_with_the_package_under_test_and_runs_its_program(self):
        recipe = load_recipe(ROOT / "test_package" / "conanfile.py")()
        recipe.tested_reference_str = "ouro/1"
        recipe.cpp = types.SimpleNamespace(build=types.SimpleNamespace(bindir="bin"))
        calls = []
        recipe.requires = calls.append
        recipe.run = lambda command, env: calls.append(command)
        recipe.requirements()
        recipe.test()
        self.assertEqual(calls, ["ouro/1", "bin/test_package"])
        self.assertIn("add_executable(test_package ", (ROOT / "test_package" / "CMakeLists.txt").read_text())


if __name__ == "__main__":
    unittest.main()
