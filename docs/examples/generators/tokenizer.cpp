// Counts the tokens of a text file with a pipeline of generators: chunks of the file, tokens, tokens of one kind.
//
// Each stage asks the one before for the next element, so memory is constant however long the file is, and reading
// stops as soon as nobody asks.
//
// Usage: tokenizer [--first N] FILE     FILE may be - for the standard input
// Exit status: 0; 2 if the file cannot be read or is no text, with a message.
#include <ouro/ouro.hpp>

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using ouro::gc_generator;

namespace {

struct bad_input : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// --- the first stage: chunks ----------------------------------------------------------------------------------------

// Drawn on a terminal only, and wiped off when reading ends, however it ends.
class progress_bar {
 public:
  explicit progress_bar(std::uintmax_t total) : total_(total), shown_(::isatty(::fileno(stderr)) != 0) {}
  progress_bar(progress_bar const&) = delete;
  progress_bar& operator=(progress_bar const&) = delete;
  ~progress_bar() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }

  void advance(std::uintmax_t done) {
    if (!shown_) return;
    std::uintmax_t const step = total_ == 0 ? done >> 20 : (done < total_ ? done : total_) * width / total_;
    if (step == step_) return;
    step_ = step;
    if (total_ == 0) {  // a pipe
      std::fprintf(stderr, "\rreading: %ju MiB", done >> 20);
    } else {
      auto const full = static_cast<std::size_t>(step);
      std::fprintf(stderr, "\rreading [%s%s] %3zu %%", std::string(full, '#').c_str(),
                   std::string(width - full, ' ').c_str(), full * 100 / width);
    }
    std::fflush(stderr);
  }

 private:
  static constexpr std::size_t width = 50;
  std::uintmax_t total_;
  std::uintmax_t step_ = static_cast<std::uintmax_t>(-1);
  bool shown_;
};

struct closer {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

// The file is closed when the generator ends, is dropped, or is found to be garbage.
gc_generator<std::string_view> chunks(std::string path) {
  std::string const name = path == "-" ? "standard input" : path;
  std::unique_ptr<std::FILE, closer> const file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"));
  if (file == nullptr) throw bad_input(name + ": " + std::strerror(errno));
  std::error_code no_size;
  std::uintmax_t const size = std::filesystem::file_size(path, no_size);
  progress_bar bar(no_size ? 0 : size);
  std::vector<char> buffer(std::size_t{1} << 16);
  std::uintmax_t done = 0;
  while (true) {
    std::size_t const n = std::fread(buffer.data(), 1, buffer.size(), file.get());
    if (n == 0) break;
    if (void const* const nul = std::memchr(buffer.data(), '\0', n)) {
      auto const at = done + static_cast<std::uintmax_t>(static_cast<char const*>(nul) - buffer.data());
      throw bad_input(name + ": no text: the byte at offset " + std::to_string(at) + " is zero");
    }
    done += n;
    bar.advance(done);
    co_yield std::string_view(buffer.data(), n);
  }
  if (std::ferror(file.get()) != 0) throw bad_input(name + ": " + std::strerror(errno));  // of a directory, for one
}

// --- the second stage: tokens ---------------------------------------------------------------------------------------

enum class kind { space, word, number, symbol };

struct token {
  kind what;
  std::string_view text;
  std::uintmax_t line;
};

kind kind_of(char c) {
  if (c >= '0' && c <= '9') return kind::number;
  if (c == ' ' || (c >= '\t' && c <= '\r')) return kind::space;
  bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || static_cast<unsigned char>(c) >= 0x80 ? kind::word : kind::symbol;  // UTF-8 is made of words
}

// A word goes on over letters and digits, a number over digits; a symbol is one character.
bool continues(kind what, char c) {
  kind const next = kind_of(c);
  return (what == kind::word && (next == kind::word || next == kind::number)) || (what == kind::number && next == what);
}

// Longer tokens are cut, since they have to be kept while they cross the border of a chunk.
constexpr std::size_t longest_token = std::size_t{1} << 16;

gc_generator<token const&> tokens(gc_generator<std::string_view> text) {
  token current{kind::space, {}, 1};
  std::uintmax_t line = 1;
  std::string begun;  // what the chunks before hold of the current token
  for (std::string_view const chunk : text) {
    std::size_t start = 0;
    for (std::size_t i = 0; i != chunk.size(); ++i) {
      char const c = chunk[i];
      bool const fits = begun.size() + (i - start) < longest_token;
      if (current.what != kind::space && !(continues(current.what, c) && fits)) {
        current.text = chunk.substr(start, i - start);
        if (!begun.empty()) current.text = begun.append(current.text);
        co_yield current;
        begun.clear();
        current.what = kind::space;
      }
      if (current.what == kind::space && kind_of(c) != kind::space) {
        current = {kind_of(c), {}, line};
        start = i;
      }
      line += c == '\n';
    }
    if (current.what != kind::space) begun.append(chunk.substr(start));
  }
  if (current.what == kind::space) co_return;
  current.text = begun;
  co_yield current;
}

// --- the third stage: a selection -----------------------------------------------------------------------------------

gc_generator<token const&> only(kind wanted, gc_generator<token const&> all) {
  for (token const& t : all) {
    if (t.what == wanted) co_yield t;
  }
}

void print_first(std::size_t n, gc_generator<token const&> words) {
  if (n == 0) return;
  for (token const& t : words) {
    std::printf("%ju: %.*s\n", t.line, static_cast<int>(t.text.size()), t.text.data());
    if (--n == 0) return;  // the rest of the file is never read
  }
}

void print_summary(gc_generator<token const&> all) {
  std::uintmax_t counts[4] = {};
  std::string longest;
  for (token const& t : all) {
    ++counts[static_cast<std::size_t>(t.what)];
    if (t.what == kind::word && t.text.size() > longest.size()) longest = t.text;
  }
  std::printf("words: %ju\nnumbers: %ju\nsymbols: %ju\n", counts[1], counts[2], counts[3]);
  if (!longest.empty()) std::printf("longest word: %s\n", longest.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string_view> arguments(argv + 1, argv + argc);
  std::size_t first = 0;
  bool bad_usage = false;
  bool const only_first = arguments.size() == 3 && arguments[0] == "--first";
  if (only_first) {
    std::string_view const number = arguments[1];
    auto const [end, error] = std::from_chars(number.data(), number.data() + number.size(), first);
    bad_usage = error != std::errc() || end != number.data() + number.size();
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (bad_usage || arguments.size() != 1) {
    std::fprintf(stderr, "usage: tokenizer [--first N] FILE\n");
    return 2;
  }
  try {
    auto const all = tokens(chunks(std::string(arguments[0])));
    if (only_first) {
      print_first(first, only(kind::word, all));
    } else {
      print_summary(all);
    }
  } catch (bad_input const& error) {
    std::fprintf(stderr, "tokenizer: %s\n", error.what());
    return 2;
  }
  return 0;
}
