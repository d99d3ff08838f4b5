// Reads a whole file into memory and shows how far it is, or says why it cannot be read.
#ifndef OURO_EXAMPLES_PKGGRAPH_INPUT_HPP
#define OURO_EXAMPLES_PKGGRAPH_INPUT_HPP

#include <stdexcept>
#include <string>

namespace pkggraph {

/// The input is of no use; `what()` names it and says why.
struct bad_input : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What to call the input at `path` when speaking to people.
std::string input_name(std::string const& path);

/// The text of the file at `path`, `-` being standard input. Draws a progress bar on standard error if that is a
/// terminal. Throws `bad_input` if it cannot be read or is no text (has a NUL byte).
std::string read_input(std::string const& path);

/// The file to read when none is named: that of the running system, else (said on standard error) the sample of the
/// repository.
std::string default_input();

}  // namespace pkggraph

#endif
