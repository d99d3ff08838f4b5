#!/usr/bin/env python3
"""The workloads of bench/ in Python: `cpython.py W3 16` runs one and prints its figures as a line of JSON."""

import gc
import json
import sys
import time


class Lcg:
    """The generator of harness.hpp: the same graphs in every language."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return (self.state >> 33) % bound


class Stopwatch:
    """Time of the workload; what a workload does between pause() and resume() does not count."""

    def __init__(self):
        self.real = self.cpu = 0.0
        self.resume()

    def resume(self):
        self.real -= time.perf_counter()
        self.cpu -= time.process_time()

    def pause(self):
        self.real += time.perf_counter()
        self.cpu += time.process_time()


class Node:
    """Two edges, which is what most workloads need."""

    __slots__ = ("next", "previous")

    def __init__(self, next_node=None, previous=None):
        self.next = next_node
        self.previous = previous


class Tree:
    __slots__ = ("left", "right")

    def __init__(self, left=None, right=None):
        self.left = left
        self.right = right


class Family:
    __slots__ = ("left", "right", "parent")

    def __init__(self):
        self.left = self.right = self.parent = None


class Link:
    __slots__ = ("value", "next", "previous")

    def __init__(self, value):
        self.value = value
        self.next = self.previous = None


class Ring:
    __slots__ = ("value", "next")

    def __init__(self, value):
        self.value = value
        self.next = None


class Graph:
    __slots__ = ("first", "second", "value")

    def __init__(self, value):
        self.value = value
        self.first = self.second = None


class Fat:
    __slots__ = ("next", "previous", "payload")

    def __init__(self):
        self.next = self.previous = None
        self.payload = bytearray(512 * 1024)
        self.payload[::4096] = b"\1" * 128


class Mutated:
    __slots__ = ("references",)

    def __init__(self):
        self.references = []


class Named:
    __slots__ = ("name", "edges")

    def __init__(self, name):
        self.name = name
        self.edges = []


def check(condition):
    if not condition:
        raise SystemExit("wrong result")


def grow(depth):
    return Tree(grow(depth - 1), grow(depth - 1)) if depth else Tree()


def count(tree):
    return 1 + count(tree.left) + count(tree.right) if tree.left else 1


def w3(watch, parameter):
    min_depth, max_depth = 4, int(parameter)
    check(count(grow(max_depth + 1)) == (2 << (max_depth + 1)) - 1)
    long_lived = grow(max_depth)
    for depth in range(min_depth, max_depth + 1, 2):
        trees = 1 << (max_depth - depth + min_depth)
        check(sum(count(grow(depth)) for _ in range(trees)) == trees * ((2 << depth) - 1))
    check(count(long_lived) == (2 << max_depth) - 1)


def grow_family(depth):
    node = Family()
    if depth:
        node.left = grow_family(depth - 1)
        node.left.parent = node
        node.right = grow_family(depth - 1)
        node.right.parent = node
    return node


def count_family(node):
    if not node.left:
        return 1
    if node.left.parent is not node or node.right.parent is not node:
        return 0
    return 1 + count_family(node.left) + count_family(node.right)


def w4(watch, parameter):
    for depth in (4, 6, 8, 10):
        trees = 1 << (15 - depth)
        check(sum(count_family(grow_family(depth)) for _ in range(trees)) == trees * ((2 << depth) - 1))
    gc.collect()


def w5(watch, parameter):
    repetitions, length = map(int, parameter.split("x"))
    for _ in range(repetitions):
        head = tail = Link(0)
        for i in range(1, length):
            fresh = Link(i)
            fresh.previous = tail
            tail.next = fresh
            tail = fresh
        fresh = tail = None
        total = 0
        at = head
        while at:
            total += at.value
            at = at.next
        check(total == length * (length - 1) // 2 and head.next.previous is head)
        head = None
    gc.collect()


def make_ring(length):
    head = last = Node()
    for _ in range(length - 1):
        fresh = Node(None, last)
        last.next = fresh
        last = fresh
    last.next = head
    head.previous = last


def w6(watch, parameter):
    number, length = map(int, parameter.split("x"))
    watch.pause()
    repetitions = 200 if number <= 1000 else 1
    for _ in range(repetitions):
        gc.disable()
        for _ in range(number):
            make_ring(length)
        gc.enable()
        watch.resume()
        gc.collect()
        watch.pause()
    watch.resume()
    return repetitions


def w7(watch, parameter):
    watch.pause()
    top = []
    for k in range(1, int(parameter)):
        top = [top] * k
    watch.resume()
    for _ in range(20):
        gc.collect()
    return 20


def top_down(depth, node):
    if depth:
        node.left = Tree()
        node.right = Tree()
        top_down(depth - 1, node.left)
        top_down(depth - 1, node.right)


def w8(watch, parameter):
    def nodes_of(depth):
        return (2 << depth) - 1

    grow(18)
    long_lived = Tree()
    top_down(16, long_lived)
    array = [0.0] * 500_000
    for i in range(1, 250_000):
        array[i] = 1.0 / i
    for depth in range(4, 17, 2):
        trees = 2 * nodes_of(18) // nodes_of(depth)
        for _ in range(trees):
            top_down(depth, Tree())
        for _ in range(trees):
            grow(depth)
    check(long_lived.left and array[1000] == 1.0 / 1000)


def w9(watch, parameter):
    number, length = map(int, parameter.split("x"))
    for _ in range(number):
        head = last = Ring(0)
        for i in range(1, length):
            last.next = Ring(i)
            last = last.next
        last.next = head
    head = last = None
    gc.collect()


def w10(watch, parameter):
    live = int(parameter)
    random = Lcg(12345)
    nodes = [Graph(i) for i in range(live)]
    for node in nodes:
        node.first = nodes[random.below(live)]
        node.second = nodes[random.below(live)]
    for _ in range(live):
        one, other = Graph(0), Graph(0)
        one.first = other
        other.first = one
        source = nodes[random.below(live)]
        if random.below(2):
            source.second = nodes[random.below(live)]
        else:
            source.first = nodes[random.below(live)]
    one = other = source = None
    start = time.perf_counter()
    gc.collect()
    extra["live_collect_ms"] = (time.perf_counter() - start) * 1e3
    check(sum(node.value for node in nodes if node.first.value >= 0) == live * (live - 1) // 2)
    node = None
    nodes = None
    gc.collect()


def make_pair():
    one = Node(Node())
    one.next.previous = one
    return one


def w12(watch, parameter):
    for _ in range(3):
        kept = [make_pair() for _ in range(int(parameter))]
        check(all(pair.next.previous is pair for pair in kept))
        kept = None
        gc.collect()


def w13(watch, parameter):
    for _ in range(int(parameter)):
        one = Fat()
        one.next = Fat()
        one.next.previous = one
    one = None
    gc.collect()


def w14(watch, parameter):
    watch.pause()
    live, every = int(parameter), []

    def build(size):
        if size == 0:
            return None
        node = Family()
        every.append(node)
        node.left = build((size - 1) // 2)
        node.right = build(size - 1 - (size - 1) // 2)
        return node

    root = build(live)
    random = Lcg(12345)
    for node in every:
        node.parent = every[random.below(live)]
    node = every = None
    watch.resume()
    for _ in range(100_000):
        copy = root
        copy = None
        for _ in range(10):
            make_pair()
    watch.pause()
    root = copy
    gc.collect()
    watch.resume()


def w15(watch, parameter):
    watch.pause()
    owners = [Node() for _ in range(1024)]
    holders = [owners[i % 1024] for i in range(2048)]
    random = Lcg(12345)
    watch.resume()
    for _ in range(int(parameter)):
        draw = random.below(1 << 31)
        holders[draw % 2048] = owners[(draw >> 11) % 1024]


def swap_remove(items, at):
    items[at] = items[-1]
    items.pop()


def w1(watch, parameter):
    random = Lcg(12345)
    roots = [Mutated() for _ in range(50)]
    for _ in range(int(parameter)):
        operation = random.below(4)
        if operation == 0 or not roots:
            roots.append(Mutated())
        elif operation == 1:
            into = roots[random.below(len(roots))].references
            into.append(roots[random.below(len(roots))])
        elif operation == 2:
            swap_remove(roots, random.below(len(roots)))
        else:
            references = roots[random.below(len(roots))].references
            if references:
                swap_remove(references, random.below(len(references)))
    roots = into = references = None
    gc.collect()


def w2(watch, parameter):
    size = int(parameter)
    random = Lcg(0xCAFE)
    roots = [Named("node " + str(i)) for i in range(size)]
    for _ in range(size):
        source = roots[random.below(size)]
        source.edges.append(roots[random.below(size)])
    source = None
    for _ in range(32):
        del roots[-1024:]
        gc.collect()
    check(len(roots) == 1)
    roots = None
    gc.collect()


def iota(n):
    for i in range(n):
        yield i


def nested(depth, n):
    yield from iota(n) if depth == 0 else nested(depth - 1, n)


class Valued(Tree):
    __slots__ = ("value",)

    def walk(self):
        if self.left:
            yield from self.left.walk()
        yield self.value
        if self.right:
            yield from self.right.walk()


def grow_valued(first, last):
    if first == last:
        return None
    middle = first + (last - first) // 2
    node = Valued(grow_valued(first, middle), grow_valued(middle + 1, last))
    node.value = middle
    return node


def first_of(ring):
    yield ring is not None


def after(generator):
    yield generator is not None


def generator_ring(length):
    ring = []
    g = first_of(ring)
    next(g)
    for _ in range(length - 1):
        g = after(g)
        next(g)
    ring.append(g)
    g = ring = None
    gc.collect()


def w17(watch, parameter):
    """A turn of the other languages' loop, repeated: returns how often."""
    if parameter.startswith("ring-"):
        return generator_ring(int(parameter[5:]))
    elements, nodes = 1000000, 100000
    watch.pause()
    if parameter == "walk":
        root = grow_valued(0, nodes)
    turns = 200000 if parameter == "first-of-two" else 5
    watch.resume()
    for _ in range(turns):
        if parameter == "iota":
            check(sum(iota(elements)) == elements * (elements - 1) // 2)
        elif parameter == "first-of-two":
            check(next(iota(2)) == 0)
        elif parameter == "walk":
            check(sum(root.walk()) == nodes * (nodes - 1) // 2)
        else:
            check(sum(nested(20, elements)) == elements * (elements - 1) // 2)
    return turns


def w18(watch, parameter):
    watch.pause()
    length, _, ring = parameter.partition("-")
    head = first = Ring(0)
    for i in range(1, int(length)):
        fresh = Ring(i)
        fresh.next = head
        head = fresh
    if ring:
        first.next = head
    first = fresh = None
    watch.resume()
    head = None
    gc.collect()


WORKLOADS = {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W6": w6, "W7": w7, "W8": w8, "W9": w9, "W10": w10,
             "W12": w12, "W13": w13, "W14": w14, "W15": w15, "W17": w17, "W18": w18}

extra = {}
longest_pause = 0.0
collector_seconds = 0.0
started = 0.0


def on_collection(phase, info):
    global longest_pause, collector_seconds, started
    if phase == "start":
        started = time.perf_counter()
    else:
        seconds = time.perf_counter() - started
        longest_pause = max(longest_pause, seconds)
        collector_seconds += seconds


def peak_rss_mib():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None


def main():
    workload, parameter = sys.argv[1:]
    if workload not in WORKLOADS:
        sys.exit("no such workload in Python: " + workload)
    gc.collect()
    gc.callbacks.append(on_collection)
    before = gc.get_stats()
    watch = Stopwatch()
    repetitions = WORKLOADS[workload](watch, parameter) or 1
    watch.pause()
    after = gc.get_stats()
    figures = {
        "real_ms": watch.real * 1e3 / repetitions,
        "cpu_ms": watch.cpu * 1e3 / repetitions,
        "gc_ms": collector_seconds * 1e3,
        "pause_ms": longest_pause * 1e3,
        "freed": sum(a["collected"] - b["collected"] for a, b in zip(after, before)),
        "rss_mib": peak_rss_mib(),
        "version": "%d.%d.%d" % sys.version_info[:3],
    }
    for generation, (a, b) in enumerate(zip(after, before)):
        figures["gen%d" % generation] = a["collections"] - b["collections"]
    figures.update(extra)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
