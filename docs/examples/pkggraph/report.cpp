#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace pkggraph {
namespace {

// 63666 -> "63,666"
std::string grouped(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string milliseconds(double seconds) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2f ms", seconds * 1e3);
  return text;
}

bool is_unprintable(char c) { return c < ' ' || c > '~'; }

// Whatever a file calls a package: short, and harmless to a terminal.
std::string shown(std::string_view name) {
  constexpr std::size_t longest = 40;
  std::string text(name.substr(0, longest));
  std::replace_if(text.begin(), text.end(), is_unprintable, '?');
  return name.size() > longest ? text + "..." : text;
}

std::string member_names(dependency_graph const& graph, std::vector<std::size_t> const& members) {
  constexpr std::size_t line_length = 76;
  std::string text;
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::string const name = shown(graph.names[members[i]]);
    if (i != 0 && text.size() + name.size() > line_length) {
      return text + ", and " + grouped(members.size() - i) + " more";
    }
    text += (i != 0 ? ", " : "") + name;
  }
  return text;
}

void print_row(char const* label, std::string const& value) { std::printf("  %-28s %14s\n", label, value.c_str()); }

void print_row(char const* label, std::string const& gc, std::string const& shared) {
  std::printf("  %-28s %14s %17s\n", label, gc.c_str(), shared.c_str());
}

std::string bytes_each(graph_figures const& figures, std::size_t objects) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(figures.bytes) / static_cast<double>(objects));
  return text;
}

}  // namespace

void print_json(dependency_graph const& graph, cycle_summary const& cycles, graph_figures const& gc) {
  std::printf(
      "{\"packages\": %zu, \"dependencies\": %zu, \"cycles\": %zu, \"in_cycles\": %zu, "
      "\"freed_by_counting\": %zu, \"freed_by_collector\": %zu, \"alive\": %zu}\n",
      graph.size(), graph.targets.size(), cycles.cycles, cycles.members, gc.freed_by_counting, gc.freed_by_collector,
      gc.alive);
}

void print_table(std::string const& input, dependency_graph const& graph, cycle_summary const& cycles,
                 input_seconds const& seconds, graph_figures const& gc, graph_figures const& shared) {
  std::printf("%s\n", input.c_str());
  print_row("packages", grouped(graph.size()));
  print_row("dependencies", grouped(graph.targets.size()));
  print_row("cycles", grouped(cycles.cycles));
  print_row("packages in cycles", grouped(cycles.members));
  if (!cycles.largest.empty()) {
    std::printf("  largest cycle, of %s:\n    %s\n", grouped(cycles.largest.size()).c_str(),
                member_names(graph, cycles.largest).c_str());
  }
  std::printf("\n");
  print_row("read", milliseconds(seconds.read));
  print_row("parse", milliseconds(seconds.parse));
  print_row("find cycles", milliseconds(seconds.find_cycles));
  std::printf("\n");
  print_row("", "ouro::gc_ptr", "std::shared_ptr");
  print_row("freed by counting", grouped(gc.freed_by_counting), grouped(shared.freed_by_counting));
  print_row("freed by the collector", grouped(gc.freed_by_collector), "-");
  print_row("leaked", grouped(gc.alive), grouped(shared.alive));
  print_row("bytes per object, with list", bytes_each(gc, graph.size()), bytes_each(shared, graph.size()));
  print_row("build", milliseconds(gc.build_seconds), milliseconds(shared.build_seconds));
  print_row("count down", milliseconds(gc.count_down_seconds), milliseconds(shared.count_down_seconds));
  print_row("collect", milliseconds(gc.collect_seconds), "-");
}

void print_skipped(dependency_graph const& graph) {
  auto const say = [](std::size_t number, char const* one, char const* many) {
    if (number != 0) std::fprintf(stderr, "pkggraph: skipped %zu %s\n", number, number == 1 ? one : many);
  };
  auto const& skipped = graph.skipped;
  say(skipped.nameless_stanzas, "stanza without a package name", "stanzas without a package name");
  say(skipped.repeated_stanzas, "stanza of a package described before", "stanzas of packages described before");
  say(skipped.repeated_fields, "repeated field of a stanza", "repeated fields of a stanza");
  say(skipped.stray_lines, "line that is no field", "lines that are no fields");
}

}  // namespace pkggraph
