#!/usr/bin/env python3
"""Runs a program of a page: `run_page.py OUTPUT COMMAND...`. If the file OUTPUT exists, the program must print it."""
import pathlib
import subprocess
import sys

output, *command = sys.argv[1:]
result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
print(result.stdout, end="")
if result.returncode:
    sys.exit(f"exit status {result.returncode}")
if pathlib.Path(output).exists() and result.stdout.split() != pathlib.Path(output).read_text(encoding="utf-8").split():
    sys.exit(f"the page says that it prints\n{pathlib.Path(output).read_text(encoding='utf-8')}")
