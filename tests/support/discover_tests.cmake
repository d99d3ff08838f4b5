# Included by CTest when it starts: registers every test case of the Catch2 program `program` as a test of its own.
# Expects `program`, `prefix`, `list_arguments` (what makes the program list its cases) and `run_arguments`.
if(NOT EXISTS "${program}")
  add_test("${prefix}not built" "${program}")
  return()
endif()
execute_process(COMMAND "${program}" ${list_arguments} OUTPUT_VARIABLE names ERROR_VARIABLE errors RESULT_VARIABLE status)
string(STRIP "${names}" names)
if(names STREQUAL "" AND status EQUAL 0)
  return()  # all of its cases are for another configuration
elseif(names STREQUAL "")
  message(SEND_ERROR "${program} lists no test case (status ${status})\n${errors}")
endif()

# CMake's lists would split or join names at these characters, so others stand in for them in the loop.
string(ASCII 1 semicolon)
string(ASCII 2 opening)
string(ASCII 3 closing)
string(REPLACE ";" "${semicolon}" names "${names}")
string(REPLACE "[" "${opening}" names "${names}")
string(REPLACE "]" "${closing}" names "${names}")
string(REGEX REPLACE "\n+" ";" names "${names}")

foreach(name IN LISTS names)
  string(REPLACE "${semicolon}" ";" name "${name}")
  string(REPLACE "${opening}" "[" name "${name}")
  string(REPLACE "${closing}" "]" name "${name}")
  # Catch2 reads a specification, not a name: its special characters need a backslash.
  string(REGEX REPLACE "([][\\,~*\"])" "\\\\\\1" specification "${name}")
  add_test("${prefix}${name}" "${program}" "${specification}" ${run_arguments})
  set_tests_properties("${prefix}${name}" PROPERTIES TIMEOUT 600)
endforeach()
