// The dependency graph of a Debian system: read it, build it of garbage-collected objects, drop it, collect its cycles.
#include <getopt.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <string>

#include "control_file.hpp"
#include "cycles.hpp"
#include "gc_graph.hpp"
#include "input.hpp"
#include "report.hpp"
#include "shared_graph.hpp"

namespace {

constexpr int status_bad_input = 2;  // also of a wrong command line

constexpr char usage[] =
    "Usage: pkggraph [--json] [FILE]\n"
    "Builds the dependency graph of a Debian control file of garbage-collected objects, drops it, and says what\n"
    "counting freed and what the cycle collector freed, with the same graph of std::shared_ptr beside it.\n"
    "\n"
    "FILE is a dpkg status file or a package index (as `apt-cache dumpavail` prints one), - is standard input.\n"
    "Default: /var/lib/dpkg/status, or a small sample where that does not exist.\n"
    "\n"
    "  --json   print one line of JSON, and do without the comparison\n"
    "  --help   print this and exit\n"
    "\n"
    "Exit status: 0; 1 if the result could not be written; 2 if FILE or the command line is of no use.\n";

struct command_line {
  bool json = false;
  bool help = false;
  bool wrong = false;
  std::optional<std::string> file;
};

command_line parse_command_line(int argc, char** argv) {
  constexpr option long_options[] = {
      {"json", no_argument, nullptr, 'j'}, {"help", no_argument, nullptr, 'h'}, {nullptr, 0, nullptr, 0}};
  command_line result;
  for (int c; (c = ::getopt_long(argc, argv, "h", long_options, nullptr)) != -1;) {
    result.json = result.json || c == 'j';
    result.help = result.help || c == 'h';
    result.wrong = result.wrong || c == '?';
  }
  if (argc - optind > 1) {
    std::fputs("pkggraph: more than one file given\n", stderr);
    result.wrong = true;
  }
  if (optind < argc) result.file = argv[optind];
  return result;
}

void run(command_line const& options) {
  std::string const file = options.file ? *options.file : pkggraph::default_input();
  pkggraph::input_seconds seconds;
  pkggraph::stopwatch watch;
  std::string const text = pkggraph::read_input(file);
  seconds.read = watch.lap();
  auto const graph = pkggraph::parse_control_file(text);
  seconds.parse = watch.lap();
  pkggraph::print_skipped(graph);
  if (graph.size() == 0) throw pkggraph::bad_input(pkggraph::input_name(file) + ": no package in it");
  auto const cycles = pkggraph::find_cycles(graph);
  seconds.find_cycles = watch.lap();

  auto const gc = pkggraph::run_gc_graph(graph);
  if (options.json) {
    pkggraph::print_json(graph, cycles, gc);
  } else {
    auto const shared = pkggraph::run_shared_graph(graph, cycles);
    pkggraph::print_table(pkggraph::input_name(file), graph, cycles, seconds, gc, shared);
  }
}

}  // namespace

int main(int argc, char** argv) {
  command_line const options = parse_command_line(argc, argv);
  if (options.wrong) {
    std::fputs("Try 'pkggraph --help'.\n", stderr);
    return status_bad_input;
  }
  try {
    if (options.help) {
      std::fputs(usage, stdout);
    } else {
      run(options);
    }
  } catch (pkggraph::bad_input const& error) {
    std::fprintf(stderr, "pkggraph: %s\n", error.what());
    return status_bad_input;
  } catch (std::bad_alloc const&) {
    std::fputs("pkggraph: the input is too large for the memory of this machine\n", stderr);
    return status_bad_input;
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
    std::fprintf(stderr, "pkggraph: standard output: %s\n", std::strerror(errno));
    return 1;
  }
  return 0;
}
