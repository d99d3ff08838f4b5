#include "control_file.hpp"

#include <unordered_map>
#include <utility>

namespace pkggraph {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  std::size_t const first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_field(std::string_view name, std::string_view lower_case) {
  if (name.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower(name[i]) != lower_case[i]) return false;
  }
  return true;
}

// A field of which only the first occurrence in a stanza counts. Its value reaches to the end of its last
// continuation line, so it is one piece of the text.
struct field {
  std::string_view value;
  bool seen = false;
};

struct stanza {
  field package, pre_depends, depends;

  field* find(std::string_view name) {
    if (is_field(name, "package")) return &package;
    if (is_field(name, "pre-depends")) return &pre_depends;
    if (is_field(name, "depends")) return &depends;
    return nullptr;
  }
};

class parser {
 public:
  dependency_graph parse(std::string_view text) {
    while (!text.empty()) {
      std::size_t const newline = text.find('\n');
      std::string_view line = text.substr(0, newline);
      text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      take(line);
    }
    end_stanza();
    resolve();
    return std::move(graph_);
  }

 private:
  void take(std::string_view line) {
    if (line.empty()) {
      end_stanza();
    } else if (line.front() == ' ' || line.front() == '\t') {
      if (!in_field_) ++graph_.skipped.stray_lines;
      if (current_ != nullptr) extend(current_->value, line);
      in_stanza_ = true;
    } else {
      start_field(line);
      in_stanza_ = true;
    }
  }

  void start_field(std::string_view line) {
    current_ = nullptr;
    std::size_t const colon = line.find(':');
    in_field_ = colon != std::string_view::npos;
    if (!in_field_) {
      ++graph_.skipped.stray_lines;
      return;
    }
    // Most lines are of other fields: look closer only where the first letter fits.
    char const initial = lower(line.front());
    if (initial != 'p' && initial != 'd') return;
    std::string_view const name = line.substr(0, colon);
    field* const found = stanza_.find(name.substr(0, name.find_last_not_of(blanks) + 1));
    if (found == nullptr) return;
    if (found->seen) {
      ++graph_.skipped.repeated_fields;
      return;
    }
    found->seen = true;
    found->value = line.substr(colon + 1);
    current_ = found;
  }

  static void extend(std::string_view& value, std::string_view line) {
    value = std::string_view(value.data(), static_cast<std::size_t>(line.data() + line.size() - value.data()));
  }

  void end_stanza() {
    if (in_stanza_) {
      std::string_view const name = trim(stanza_.package.value);
      if (name.empty()) {
        ++graph_.skipped.nameless_stanzas;
      } else if (!numbers_.try_emplace(name, graph_.names.size()).second) {
        ++graph_.skipped.repeated_stanzas;
      } else {
        graph_.names.push_back(name);
        relations_.push_back({stanza_.pre_depends.value, stanza_.depends.value});
      }
    }
    stanza_ = {};
    current_ = nullptr;
    in_stanza_ = in_field_ = false;
  }

  // Only after the last stanza is it known which names are packages.
  void resolve() {
    last_user_.assign(graph_.size(), graph_.size());
    graph_.first_edge.reserve(graph_.size() + 1);
    for (std::size_t package = 0; package < graph_.size(); ++package) {
      graph_.first_edge.push_back(graph_.targets.size());
      add_edges(package, relations_[package].pre_depends);
      add_edges(package, relations_[package].depends);
    }
    graph_.first_edge.push_back(graph_.targets.size());
  }

  void add_edges(std::size_t package, std::string_view relation) {
    while (!relation.empty()) {
      std::size_t const separator = relation.find_first_of(",|");
      std::string_view name = trim(relation.substr(0, separator));
      name = name.substr(0, name.find_first_of(" \t\r\n([<:"));
      relation.remove_prefix(separator == std::string_view::npos ? relation.size() : separator + 1);
      auto const found = numbers_.find(name);
      if (found == numbers_.end() || last_user_[found->second] == package) continue;
      last_user_[found->second] = package;
      graph_.targets.push_back(found->second);
    }
  }

  struct relations {
    std::string_view pre_depends, depends;
  };

  dependency_graph graph_;
  std::unordered_map<std::string_view, std::size_t> numbers_;
  std::vector<relations> relations_;
  std::vector<std::size_t> last_user_;  // of each package: the last one that an edge to it was added for
  stanza stanza_;
  field* current_ = nullptr;  // the field that continuation lines belong to, if it is one of ours
  bool in_stanza_ = false;
  bool in_field_ = false;
};

}  // namespace

dependency_graph parse_control_file(std::string_view text) { return parser().parse(text); }

}  // namespace pkggraph
