// Runs a piece of a test in a child process, so that what ends the program can be tested. POSIX only.
#ifndef OURO_TESTS_SUPPORT_CHILD_PROCESS_HPP
#define OURO_TESTS_SUPPORT_CHILD_PROCESS_HPP

#if defined(__unix__) || defined(__APPLE__)
#define OURO_TEST_HAS_FORK 1

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ouro_test {

/// How a child ended and what it wrote to its standard output and error.
struct child_result {
  bool started = false;
  int exit_code = -1;  // when it ended by itself
  int signal = 0;      // when a signal ended it
  std::string output;

  bool clean() const { return started && signal == 0 && exit_code == 0; }
  /// Ended on purpose: abort() or a trap, and neither a wild access nor the time limit.
  bool aborted() const { return signal == SIGABRT || signal == SIGILL || signal == SIGTRAP; }
  bool says(std::string_view text) const { return output.find(text) != std::string::npos; }
};

/// Calls `body` in a child; the child ends with `_exit(0)` after it, or by a signal after a minute.
template <class F>
child_result run_in_child(F body) {
  child_result result;
  int ends[2];
  if (pipe(ends) != 0) return result;
  std::fflush(nullptr);
  pid_t const child = fork();
  if (child < 0) return result;
  if (child == 0) {
    rlimit const no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (int s : {SIGABRT, SIGILL, SIGFPE, SIGTERM, SIGINT}) std::signal(s, SIG_DFL);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    alarm(60);
    body();
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    result.output.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  result.started = waitpid(child, &status, 0) == child;
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

}  // namespace ouro_test

#else
#define OURO_TEST_HAS_FORK 0
#endif

#endif
