# An overlay port: it installs the checkout that it lies in.
#
#   vcpkg install ouro --overlay-ports=packaging/vcpkg --binarysource=clear
#
# vcpkg knows a port by the files in its folder, not by the headers, hence --binarysource: without it, vcpkg may take an
# older build out of its cache.
#
# At a release, replace the next line by a call of vcpkg_from_github (or its like) that sets SOURCE_PATH, with the address,
# the tag v${VERSION} and the archive's SHA512.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

set(VCPKG_BUILD_TYPE release)  # header-only

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DOURO_BUILD_TESTS=OFF
        -DOURO_BUILD_BENCH=OFF
        -DOURO_BUILD_EXAMPLES=OFF
        -DOURO_INSTALL=ON
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup()
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/licenses")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
