#!/usr/bin/env python3
"""Compares what tree_walker prints with what sorting says.

Usage: test_tree_walker.py TREE_WALKER
Exit status 0 if nothing is wrong.
"""
import random
import subprocess
import sys


def expected(words):
    parents = {words[0]: None}
    for word in words[1:]:
        at = words[0]
        while at is not None and word not in parents:
            smaller = [w for w, p in parents.items() if p == at and (w < at) == (word < at)]
            if smaller:
                at = smaller[0]
            else:
                parents[word] = at
    ordered = sorted(set(words))
    above = []
    at = parents[ordered[0]]
    while at is not None:
        above.append(at)
        at = parents[at]
    return [" ".join(["in order: "] + ordered),
            " ".join(["from c to o:"] + [w for w in ordered if "c" <= w <= "o"]),
            " ".join(["above the first:"] + above),
            "the cursor stands at: " + ordered[0],
            "collected: the tree, its nodes and its cursor"]


def main():
    rng = random.Random(1)
    cases = [["one"], ["b", "a"], ["a", "b", "c", "d"], ["d", "c", "b", "a", "d"]]
    cases += [["".join(rng.choices("abcdefop", k=3)) for _ in range(n)] for n in (10, 100, 300)]
    for words in cases:
        done = subprocess.run([sys.argv[1], *words], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == expected(words), (words, done.stdout)


if __name__ == "__main__":
    main()
