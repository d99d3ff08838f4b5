"""The Conan 2 recipe: `conan create . -s compiler.cppstd=20`. At a release add `homepage` and `url`."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class OuroConan(ConanFile):
    name = "ouro"
    description = "CPython's memory management for C++20: reference counting and a cycle collector, header-only"
    license = "MIT"
    topics = ("garbage-collection", "memory-management", "reference-counting", "smart-pointers", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include", "ouro", "version.hpp"))
        self.version = ".".join(re.findall(r"#define OURO_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))

    def layout(self):
        basic_layout(self, src_folder=".")

    def package_id(self):
        self.info.clear()

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", src=os.path.join(self.source_folder, "include"),
             dst=os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "ouro")
        self.cpp_info.set_property("cmake_target_name", "ouro::ouro")
        self.cpp_info.set_property("pkg_config_name", "ouro")
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
