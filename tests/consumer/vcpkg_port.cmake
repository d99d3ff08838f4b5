# Stand-ins for the functions of vcpkg that packaging/vcpkg/ouro/portfile.cmake calls, then the portfile itself.
# Expects PORTFILE, CURRENT_PACKAGES_DIR, BUILD, GENERATOR and COMPILER.
cmake_minimum_required(VERSION 3.25)
set(PORT ouro)

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" SOURCE_PATH OPTIONS)
  execute_process(COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${arg_SOURCE_PATH} -B ${BUILD}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} ${arg_OPTIONS} ${arg_UNPARSED_ARGUMENTS}
    COMMAND_ERROR_IS_FATAL ANY
  )
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_cmake_config_fixup)
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/share/${PORT}/${PORT}Config.cmake OR ARGN)
    message(FATAL_ERROR "the configuration is not in share/${PORT}")
  endif()
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
  file(INSTALL ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT} RENAME copyright)
endfunction()

include(${PORTFILE})
