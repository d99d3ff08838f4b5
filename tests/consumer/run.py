#!/usr/bin/env python3
"""Builds a project outside of the repository that uses ouro in one way, and runs its program.

Usage: run.py WAY BUILD_TREE FOLDER GENERATOR COMPILER [FLAG...]

WAY is a folder beside this script (a CMake project, or a build.sh), `vcpkg`, `vcpkg_port` or `conan`. What it uses is
installed from BUILD_TREE, or is a copy of what a release would hold. FOLDER is emptied first. Exit status 77, with a
line that says why, if a tool is missing.
"""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RELEASE = ("CMakeLists.txt", "LICENSE", "conanfile.py", "include", "packaging", "test_package")


def run(*command, cwd=None, **environment):
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=cwd, check=True,
                   env=os.environ | {name: str(value) for name, value in environment.items()})


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed")
            sys.exit(77)


class Consumer:
    def __init__(self, way, build_tree, folder, generator, compiler, *flags):
        self.build_tree, self.folder = pathlib.Path(build_tree), pathlib.Path(folder)
        self.generator, self.compiler, self.flags = generator, compiler, " ".join(flags)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.project = self.folder / "project"
        self.release = self.folder / "release"
        template = {"vcpkg": "find_package", "vcpkg_port": "find_package"}.get(way, way)
        if (HERE / template).is_dir():
            shutil.copytree(HERE / template, self.project)
            shutil.copy(HERE / "main.cpp", self.project)
        getattr(self, way)()

    def install(self):
        """The install tree, which has been moved since it was made."""
        made, moved = self.folder / "made", self.folder / "installed"
        run("cmake", "--install", self.build_tree, "--prefix", made)
        made.rename(moved)
        return moved

    def copy_release(self, to):
        to.mkdir(parents=True)
        for name in RELEASE:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, to / name)
        return to

    def build_with_cmake(self, *options, **environment):
        run("cmake", "-G", self.generator, "-S", self.project, "-B", self.project / "build",
            f"-DCMAKE_CXX_COMPILER={self.compiler}", f"-DCMAKE_CXX_FLAGS={self.flags}", *options, **environment)
        run("cmake", "--build", self.project / "build")
        run(self.project / "build" / "consumer")

    def build_with_script(self, **environment):
        run("sh", "-eux", "build.sh", cwd=self.project, CXX=f"{self.compiler} {self.flags}", **environment)
        run(self.project / "consumer")

    def find_package(self):
        self.build_with_cmake(f"-DCMAKE_PREFIX_PATH={self.install()}")

    def add_subdirectory(self):
        self.copy_release(self.project / "ouro")
        self.build_with_cmake()

    def fetch_content(self):
        release = self.copy_release(self.release / "ouro")
        shutil.make_archive(str(self.project / "ouro"), "gztar", release.parent, release.name)
        self.build_with_cmake()

    def pkg_config(self):
        need("pkg-config")
        self.build_with_script(PKG_CONFIG_PATH=self.install() / "share" / "pkgconfig")

    def single_header(self):
        (self.project / "ouro").mkdir()
        shutil.copy(ROOT / "single_include" / "ouro" / "ouro.hpp", self.project / "ouro")
        self.build_with_script()

    def vcpkg(self):
        need("vcpkg")
        release = self.copy_release(self.release)
        run("vcpkg", "install", "ouro", "--classic", "--binarysource=clear",
            f"--overlay-ports={release / 'packaging' / 'vcpkg'}",
            f"--x-install-root={self.folder / 'installed'}", f"--x-packages-root={self.folder / 'packages'}",
            f"--x-buildtrees-root={self.folder / 'buildtrees'}")
        installed = next(share.parent.parent for share in (self.folder / "installed").glob("*/share/ouro"))
        self.build_with_cmake(f"-DCMAKE_PREFIX_PATH={installed}")

    def vcpkg_port(self):
        """The portfile, run by CMake with stand-ins for vcpkg's own functions."""
        release = self.copy_release(self.release)
        packages = self.folder / "packages"
        run("cmake", f"-DPORTFILE={release / 'packaging' / 'vcpkg' / 'ouro' / 'portfile.cmake'}",
            f"-DCURRENT_PACKAGES_DIR={packages}", f"-DBUILD={self.folder / 'buildtree'}",
            f"-DGENERATOR={self.generator}", f"-DCOMPILER={self.compiler}", "-P", HERE / "vcpkg_port.cmake")
        found = sorted(path.relative_to(packages).as_posix() for path in packages.rglob("*") if path.is_file())
        headers = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "include").rglob("*.hpp"))
        share = ["copyright", "ouroConfig.cmake", "ouroConfigVersion.cmake", "ouroTargets.cmake", "usage"]
        wanted = headers + [f"share/ouro/{name}" for name in share] + ["share/pkgconfig/ouro.pc"]
        if found != sorted(wanted):
            sys.exit(f"the package differs in: {sorted(set(found) ^ set(wanted))}")
        self.build_with_cmake(f"-DCMAKE_PREFIX_PATH={packages}")

    def conan(self):
        need("conan")
        release = self.copy_release(self.release)
        home = {"CONAN_HOME": self.folder / "conan", "CC": "gcc", "CXX": "g++"}
        run("conan", "profile", "detect", **home)
        run("conan", "create", release, "--no-remote", "-s", "compiler.cppstd=20", **home)


if __name__ == "__main__":
    try:
        Consumer(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
