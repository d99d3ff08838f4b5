"""Runs a program and checks what its source promises in its first lines.

    // exit: 0             the exit status, or "abort"
    // expect 3: TEXT      exactly three lines are TEXT
    // expect: TEXT        TEXT occurs somewhere
    // never: TEXT         TEXT occurs nowhere

Usage: run.py SOURCE PROGRAM
"""
import re
import signal
import subprocess
import sys

TIME_LIMIT = 120


def promises(source):
    with open(source, encoding="utf-8") as lines:
        for line in lines:
            match = re.match(r"// (exit|expect|never)(?: (\d+))?: (.*)$", line)
            if match:
                yield match.groups()


def main():
    source, program = sys.argv[1:]
    done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIME_LIMIT, check=False)
    output = done.stdout.decode(errors="replace")
    lines = output.splitlines()
    faults = []
    kept = 0
    for kind, times, text in promises(source):
        kept += 1
        found = lines.count(text) if times else output.count(text)
        if kind == "exit" and text == "abort":
            # Windows' abort() ends with status 3.
            if done.returncode not in (-signal.SIGABRT, 3):
                faults.append(f"should abort, exit status is {done.returncode}")
        elif kind == "exit":
            if done.returncode != int(text):
                faults.append(f"exit status should be {text}, is {done.returncode}")
        elif kind == "never" or times:
            wanted = int(times) if times else 0
            if found != wanted:
                faults.append(f"should print {text!r} {wanted} times, not {found}")
        elif not found:
            faults.append(f"should print {text!r}")
    if not kept:
        faults.append("the source promises nothing")
    if faults:
        print(f"{program}:", *faults, "output:", output, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
