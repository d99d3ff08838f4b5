#include "input.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

namespace pkggraph {
namespace {

constexpr std::size_t chunk_size = std::size_t{1} << 18;
constexpr std::uintmax_t unknown = static_cast<std::uintmax_t>(-1);

// Drawn on a terminal only, and wiped off before anything else is printed.
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
    // A redraw per step and not per chunk: a terminal is slower than a disk.
    std::uintmax_t const step = total_ == unknown ? done >> 20 : (done < total_ ? done : total_) * width / total_;
    if (step == step_) return;
    step_ = step;
    if (total_ == unknown) {
      std::fprintf(stderr, "\rreading: %ju MiB", done >> 20);
    } else {
      int const full = static_cast<int>(step);
      std::fprintf(stderr, "\rreading [%.*s%*s] %3d %%", full, "##################################################",
                   static_cast<int>(width) - full, "", full * 100 / static_cast<int>(width));
    }
    std::fflush(stderr);
  }

 private:
  static constexpr std::uintmax_t width = 50;
  std::uintmax_t total_;
  std::uintmax_t step_ = unknown;
  bool shown_;
};

struct closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Pipes have no size, and the files of /proc say 0.
std::uintmax_t size_of(std::string const& path) {
  std::error_code error;
  std::uintmax_t const size = std::filesystem::file_size(path, error);
  return error || size == 0 ? unknown : size;
}

}  // namespace

std::string input_name(std::string const& path) { return path == "-" ? "standard input" : path; }

std::string read_input(std::string const& path) {
  bool const from_stdin = path == "-";
  std::string const name = input_name(path);
  std::unique_ptr<std::FILE, closer> opened(from_stdin ? nullptr : std::fopen(path.c_str(), "rb"));
  if (!from_stdin && !opened) throw bad_input(name + ": " + std::strerror(errno));
  std::FILE* const file = from_stdin ? stdin : opened.get();

  std::uintmax_t const total = from_stdin ? unknown : size_of(path);
  progress_bar bar(total);
  std::string text;
  // Read and not mapped: a mapped file that another program shortens ends this one with SIGBUS.
  if (total != unknown) text.reserve(static_cast<std::size_t>(total));
  std::vector<char> chunk(chunk_size);
  for (;;) {
    errno = 0;
    std::size_t const n = std::fread(chunk.data(), 1, chunk.size(), file);
    // Looked for at once, so that an endless input of zeros ends too.
    if (void const* nul = std::memchr(chunk.data(), 0, n)) {
      auto const offset = text.size() + static_cast<std::size_t>(static_cast<char const*>(nul) - chunk.data());
      throw bad_input(name + ": binary data (a NUL byte at offset " + std::to_string(offset) +
                      "); a compressed index must be decompressed first");
    }
    text.append(chunk.data(), n);
    bar.advance(text.size());
    if (n == chunk.size()) continue;
    if (std::ferror(file)) throw bad_input(name + ": " + std::strerror(errno != 0 ? errno : EIO));
    return text;
  }
}

std::string default_input() {
  std::string const system_file = "/var/lib/dpkg/status";
  std::error_code error;
  if (std::filesystem::exists(system_file, error) || error) return system_file;
  std::fprintf(stderr, "pkggraph: %s does not exist: reading a small sample\n", system_file.c_str());
#ifdef PKGGRAPH_SAMPLE
  return PKGGRAPH_SAMPLE;
#else
  return std::filesystem::path(__FILE__).replace_filename("sample.status").string();
#endif
}

}  // namespace pkggraph
