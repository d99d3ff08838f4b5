// The dependency graph that a Debian control file describes: packages as numbers, edges as a list per package.
#ifndef OURO_EXAMPLES_PKGGRAPH_CONTROL_FILE_HPP
#define OURO_EXAMPLES_PKGGRAPH_CONTROL_FILE_HPP

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace pkggraph {

/// Packages are numbered in the order of the file; names are views into its text.
struct dependency_graph {
  std::vector<std::string_view> names;
  std::vector<std::size_t> first_edge;  // of each package, and one past the end
  std::vector<std::size_t> targets;

  /// What was left out of the graph.
  struct {
    std::size_t nameless_stanzas = 0;  // no `Package` field, or an empty one
    std::size_t repeated_stanzas = 0;  // of a package that an earlier stanza described
    std::size_t repeated_fields = 0;   // a second `Package`, `Pre-Depends` or `Depends` in one stanza
    std::size_t stray_lines = 0;       // neither a field nor the continuation of one
  } skipped;

  std::size_t size() const { return names.size(); }
  std::span<std::size_t const> depends(std::size_t package) const {
    return std::span(targets).subspan(first_edge[package], first_edge[package + 1] - first_edge[package]);
  }
};

/// Parses `text`, which must outlive the graph. Every input has a graph, perhaps an empty one.
///
/// A stanza ends at an empty line; a line that starts with a blank continues the field above it; the first stanza of a
/// name wins, and the first field of a name in a stanza. The edges of a package are the names in its `Pre-Depends`,
/// then those in its `Depends`: each once, alternatives too, and only names that the file has a stanza for. As
/// everywhere in such files, the case of field names does not matter, and a line may end in CR LF. Linear in the
/// length of `text`.
dependency_graph parse_control_file(std::string_view text);

}  // namespace pkggraph

#endif
