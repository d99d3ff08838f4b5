#!/usr/bin/env python3
"""Checks what scheduler prints: every message is delivered to the end, and nothing is left.

Usage: test_scheduler.py SCHEDULER
Exit status 0 if nothing is wrong.
"""
import re
import subprocess
import sys


def main():
    for tasks, messages in ((1000, 100), (1, 1), (2, 5), (5000, 20)):
        done = subprocess.run([sys.argv[1], str(tasks), str(messages)], capture_output=True, text=True, check=True)
        first, last = done.stdout.splitlines()
        assert re.fullmatch(f"{tasks} tasks, {messages * 1001} deliveries, [0-9]+ steps", first), first
        assert re.fullmatch(f"objects before the last collection: {2 * tasks}, after it: 0", last), last
    for arguments in (["x"], ["0"], ["1", "-1"], ["1", "1", "1"]):
        done = subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and done.stderr.startswith("usage:"), done


if __name__ == "__main__":
    main()
