#!/usr/bin/env python3
"""Compares tokenizer with an independent program, and checks that it is lazy, needs constant memory and reports errors.

Usage: test_tokenizer.py TOKENIZER
Exit status 0 if nothing is wrong.
"""
import os
import pathlib
import pty
import random
import re
import resource
import subprocess
import sys
import tempfile

WORD = rb"[A-Za-z_\x80-\xff][A-Za-z_0-9\x80-\xff]*"
TOKEN = re.compile(rb"(?P<word>" + WORD + rb")|(?P<number>[0-9]+)|(?P<symbol>[^ \t-\r])")
CHUNK = 1 << 16


def run(*arguments, data=None):
    return subprocess.run(arguments, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def summary(text):
    counts = {"word": 0, "number": 0, "symbol": 0}
    longest = b""
    for match in TOKEN.finditer(text):
        counts[match.lastgroup] += 1
        if match.lastgroup == "word" and len(match.group()) > len(longest):
            longest = match.group()
    lines = b"words: %d\nnumbers: %d\nsymbols: %d\n" % tuple(counts.values())
    return lines + (b"longest word: %s\n" % longest if longest else b"")


def first_words(text, n):
    found = [(1 + text.count(b"\n", 0, match.start()), match.group()) for match in re.finditer(TOKEN, text)
             if match.lastgroup == "word"]
    return b"".join(b"%d: %s\n" % pair for pair in found[:n])


def random_text(rng, size):
    pieces = [b" ", b"\n", b"\t", b"word", b"x1", b"42", b"-", b"(", "\u00e4\u00f6".encode(), b"_", b"\r\n"]
    return b"".join(rng.choice(pieces) for _ in range(size))


def check_texts(program, directory):
    rng = random.Random(1)
    texts = [b"", b"\n", b"one", b"12", b"12ab 1", b"a" * CHUNK, b" " * (CHUNK - 2) + b"border 7", pathlib.Path(__file__).read_bytes()]
    texts += [random_text(rng, size) for size in (10, 1000, 30000, 60000)]
    for number, text in enumerate(texts):
        path = directory / "text"
        path.write_bytes(text)
        done = run(program, str(path))
        assert (done.returncode, done.stdout, done.stderr) == (0, summary(text), b""), (number, done)
        done = run(program, "-", data=text)
        assert (done.returncode, done.stdout) == (0, summary(text)), (number, done)
        done = run(program, "--first", "5", str(path))
        assert (done.returncode, done.stdout) == (0, first_words(text, 5)), (number, done)


def check_errors(program, directory):
    binary = directory / "binary"
    binary.write_bytes(b"text\n" + b"x" * CHUNK + b"\0")
    for path, words in ((directory / "missing", b"No such file"), (directory, b"directory"), (binary, b"offset 65541 ")):
        for options in ((), ("--first", "1000000")):
            done = run(program, *options, str(path))
            assert done.returncode == 2 and words in done.stderr and str(path).encode() in done.stderr, done
    for arguments in ((), ("a", "b"), ("--first", "x", str(binary)), ("--first", "1")):
        done = run(program, *arguments)
        assert done.returncode == 2 and done.stderr.startswith(b"usage:") or arguments == ("--first", "1"), done


def check_laziness_and_memory(program):
    endless = subprocess.Popen([program, "--first", "2", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        while True:
            endless.stdin.write(b"again and " * 10000)
    except BrokenPipeError:
        pass  # it has gone without reading to an end that does not exist
    assert endless.stdout.read() == b"1: again\n1: and\n" and endless.wait() == 0

    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    block = b"many words, 1 line and no end " * 100000
    large = subprocess.Popen([program, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(100):
        large.stdin.write(block)
    large.stdin.close()
    assert b"words: 60000000\n" in large.stdout.read() and large.wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert after - before < 64 * 1024, "%d KiB for %d MB of text" % (after - before, len(block) // 10000)


def check_progress(program):
    controller, terminal = pty.openpty()
    done = subprocess.run([program, __file__], stdout=subprocess.DEVNULL, stderr=terminal, check=False)
    os.close(terminal)
    drawn = os.read(controller, 10000)
    assert done.returncode == 0 and b"100 %" in drawn and drawn.endswith(b"\r\x1b[K"), drawn


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        check_texts(program, directory)
        check_errors(program, directory)
    check_laziness_and_memory(program)
    check_progress(program)


if __name__ == "__main__":
    main()
