## The workloads of bench/ in Nim with its ORC collector: `nim_orc W3 16` runs one and prints its figures as JSON.
## Build: nim c -d:release --mm:orc nim_orc.nim

import std/[json, monotimes, os, strutils, times]

type
  Lcg = object ## The generator of harness.hpp: the same graphs in every language.
    state: uint64

  Stopwatch = object
    real, cpu: float

  Tree = ref object
    left, right: Tree

  Family = ref object
    left, right, parent: Family

  Link = ref object
    value: int64
    next, previous: Link

  Ring = ref object
    value: int64
    next: Ring

  Pair = ref object
    next, previous: Pair

  Graph = ref object
    edges: array[2, Graph]
    value: int64

  Fat = ref object
    next, previous: Fat
    payload: array[512 * 1024, uint8]

  Level = ref object
    below: seq[Level]

  Mutated = ref object
    references: seq[Mutated]

  Named = ref object
    name: string
    edges: seq[Named]

proc below(random: var Lcg, bound: int): int =
  random.state = random.state * 6364136223846793005'u64 + 1442695040888963407'u64
  int((random.state shr 33) mod uint64(bound))

proc seconds(): float = float(getMonoTime().ticks) / 1e9

proc resume(watch: var Stopwatch) =
  watch.real -= seconds()
  watch.cpu -= cpuTime()

proc pause(watch: var Stopwatch) =
  watch.real += seconds()
  watch.cpu += cpuTime()

proc check(condition: bool) =
  if not condition: quit("wrong result")

proc nodesOf(depth: int): int = (2 shl depth) - 1

proc sizes(parameter: string): (int, int) =
  let parts = parameter.split('x')
  (parseInt(parts[0]), parseInt(parts[1]))

proc grow(depth: int): Tree =
  if depth == 0: Tree() else: Tree(left: grow(depth - 1), right: grow(depth - 1))

proc count(tree: Tree): int =
  if tree.left == nil: 1 else: 1 + count(tree.left) + count(tree.right)

proc w3(maxDepth: int) =
  const minDepth = 4
  check(count(grow(maxDepth + 1)) == nodesOf(maxDepth + 1))
  let longLived = grow(maxDepth)
  for depth in countup(minDepth, maxDepth, 2):
    let trees = 1 shl (maxDepth - depth + minDepth)
    var nodes = 0
    for _ in 1 .. trees: nodes += count(grow(depth))
    check(nodes == trees * nodesOf(depth))
  check(count(longLived) == nodesOf(maxDepth))

proc growFamily(depth: int): Family =
  result = Family()
  if depth > 0:
    result.left = growFamily(depth - 1)
    result.left.parent = result
    result.right = growFamily(depth - 1)
    result.right.parent = result

proc countFamily(node: Family): int =
  if node.left == nil: return 1
  if node.left.parent != node or node.right.parent != node: return 0
  1 + countFamily(node.left) + countFamily(node.right)

proc w4() =
  for depth in [4, 6, 8, 10]:
    let trees = 1 shl (15 - depth)
    var nodes = 0
    for _ in 1 .. trees: nodes += countFamily(growFamily(depth))
    check(nodes == trees * nodesOf(depth))
  GC_fullCollect()

proc buildList(length: int): Link =
  result = Link()
  var tail = result
  for i in 1 ..< length:
    let fresh = Link(value: i)
    fresh.previous = tail
    tail.next = fresh
    tail = fresh

proc w5(repetitions, length: int) =
  for _ in 1 .. repetitions:
    let head = buildList(length)
    var total = 0'i64
    var at {.cursor.} = head
    while at != nil:
      total += at.value
      at = at.next
    check(total == length * (length - 1) div 2 and head.next.previous == head)
  GC_fullCollect()

proc makeRing(length: int) =
  let head = Pair()
  var last = head
  for _ in 1 ..< length:
    let fresh = Pair(previous: last)
    last.next = fresh
    last = fresh
  last.next = head
  head.previous = last

proc w6(watch: var Stopwatch, number, length: int): int =
  watch.pause()
  result = if number <= 1000: 200 else: 1
  for _ in 1 .. result:
    GC_disableOrc()
    for _ in 1 .. number: makeRing(length)
    GC_enableOrc()
    watch.resume()
    GC_fullCollect()
    watch.pause()
  watch.resume()

proc w7(watch: var Stopwatch, levels: int): int =
  watch.pause()
  var top = Level()
  for k in 1 ..< levels:
    let next = Level()
    for _ in 1 .. k: next.below.add(top)
    top = next
  watch.resume()
  result = 20
  for _ in 1 .. result: GC_fullCollect()
  check(top.below.len == levels - 1)

proc topDown(depth: int, node: Tree) =
  if depth > 0:
    node.left = Tree()
    node.right = Tree()
    topDown(depth - 1, node.left)
    topDown(depth - 1, node.right)

proc w8() =
  check(grow(18).left != nil)
  let longLived = Tree()
  topDown(16, longLived)
  var values = newSeq[float](500_000)
  for i in 1 ..< 250_000: values[i] = 1.0 / float(i)
  for depth in countup(4, 16, 2):
    let trees = 2 * nodesOf(18) div nodesOf(depth)
    for _ in 1 .. trees:
      let root = Tree()
      topDown(depth, root)
    for _ in 1 .. trees: check(grow(depth).left != nil)
  check(longLived.left != nil and values[1000] == 1.0 / 1000.0)

proc ringOf(length: int) =
  let head = Ring()
  var last = head
  for i in 1 ..< length:
    last.next = Ring(value: i)
    last = last.next
  last.next = head

proc w9(number, length: int) =
  for _ in 1 .. number: ringOf(length)
  GC_fullCollect()

proc twoCycle() =
  let one = Graph()
  let other = Graph()
  one.edges[0] = other
  other.edges[0] = one

proc w10(live: int): float =
  var random = Lcg(state: 12345)
  block:
    var nodes = newSeqOfCap[Graph](live)
    for i in 0 ..< live: nodes.add(Graph(value: i))
    for i in 0 ..< live:
      for edge in 0 .. 1: nodes[i].edges[edge] = nodes[random.below(live)]
    for _ in 1 .. live:
      twoCycle()
      let source = random.below(live)
      let edge = random.below(2)
      nodes[source].edges[edge] = nodes[random.below(live)]
    let start = seconds()
    GC_fullCollect()
    result = seconds() - start
    var sum = 0'i64
    for i in 0 ..< live: sum += nodes[i].value
    check(sum == live * (live - 1) div 2)
  GC_fullCollect()

proc makePair(): Pair =
  result = Pair(next: Pair())
  result.next.previous = result

proc w12(number: int) =
  for _ in 1 .. 3:
    block:
      var kept: seq[Pair]
      for _ in 1 .. number: kept.add(makePair())
      for pair in kept: check(pair.next.previous == pair)
    GC_fullCollect()

proc fat(): Fat =
  result = Fat()
  for at in countup(0, 512 * 1024 - 1, 4096): result.payload[at] = 1

proc w13(number: int) =
  proc step() =
    let one = fat()
    one.next = fat()
    one.next.previous = one
  for _ in 1 .. number: step()
  GC_fullCollect()

proc hotGraph(size: int, all: var seq[Family]): Family =
  if size == 0: return nil
  result = Family()
  all.add(result)
  result.left = hotGraph((size - 1) div 2, all)
  result.right = hotGraph(size - 1 - (size - 1) div 2, all)

proc w14(watch: var Stopwatch, live: int) =
  watch.pause()
  var root: Family
  block:
    var all = newSeqOfCap[Family](live)
    root = hotGraph(live, all)
    var random = Lcg(state: 12345)
    for i in 0 ..< live: all[i].parent = all[random.below(live)]
  watch.resume()
  var copies: seq[Family] # a local variable would be only a borrow of the root
  for _ in 1 .. 100_000:
    copies.add(root)
    copies.setLen(0)
    for _ in 1 .. 10: check(makePair().next != nil)
  watch.pause()
  root = nil
  GC_fullCollect()
  watch.resume()

proc w15(watch: var Stopwatch, steps: int) =
  watch.pause()
  var owners, holders: seq[Pair]
  for _ in 1 .. 1024: owners.add(Pair())
  for i in 0 ..< 2048: holders.add(owners[i mod 1024])
  var random = Lcg(state: 12345)
  watch.resume()
  for _ in 1 .. steps:
    let draw = random.below(1 shl 31)
    holders[draw mod 2048] = owners[(draw shr 11) mod 1024]

proc w1(steps: int) =
  var random = Lcg(state: 12345)
  block:
    var roots: seq[Mutated]
    for _ in 1 .. 50: roots.add(Mutated())
    for _ in 1 .. steps:
      let operation = random.below(4)
      if operation == 0 or roots.len == 0:
        roots.add(Mutated())
      elif operation == 1:
        let into = random.below(roots.len)
        roots[into].references.add(roots[random.below(roots.len)])
      elif operation == 2:
        roots.del(random.below(roots.len))
      else:
        let source = random.below(roots.len)
        if roots[source].references.len > 0:
          roots[source].references.del(random.below(roots[source].references.len))
  GC_fullCollect()

proc w2(size: int) =
  var random = Lcg(state: 0xCAFE)
  block:
    var roots: seq[Named]
    for i in 0 ..< size: roots.add(Named(name: "node " & $i))
    for _ in 1 .. size:
      let source = random.below(size)
      roots[source].edges.add(roots[random.below(size)])
    for _ in 1 .. 32:
      roots.setLen(roots.len - 1024)
      GC_fullCollect()
    check(roots.len == 1)
  GC_fullCollect()

proc w18(watch: var Stopwatch, length: int, closed: bool) =
  watch.pause()
  var head = Ring()
  block:
    let first = head
    for i in 1 ..< length: head = Ring(value: i, next: head)
    if closed: first.next = head
  watch.resume()
  head = nil
  GC_fullCollect()

proc peakRssMib(): float =
  for line in lines("/proc/self/status"):
    if line.startsWith("VmHWM:"): return parseFloat(line.splitWhitespace()[1]) / 1024.0

proc main() =
  if paramCount() != 2: quit("usage: nim_orc WORKLOAD PARAMETER")
  let workload = paramStr(1)
  let parameter = paramStr(2)
  var watch: Stopwatch
  var repetitions = 1
  var liveCollect = 0.0
  watch.resume()
  case workload
  of "W1": w1(parseInt(parameter))
  of "W2": w2(parseInt(parameter))
  of "W3": w3(parseInt(parameter))
  of "W4": w4()
  of "W5":
    let (repeat, length) = sizes(parameter)
    w5(repeat, length)
  of "W6":
    let (number, length) = sizes(parameter)
    repetitions = w6(watch, number, length)
  of "W7": repetitions = w7(watch, parseInt(parameter))
  of "W8": w8()
  of "W9":
    let (number, length) = sizes(parameter)
    w9(number, length)
  of "W10": liveCollect = w10(parseInt(parameter))
  of "W12": w12(parseInt(parameter))
  of "W13": w13(parseInt(parameter))
  of "W14": w14(watch, parseInt(parameter))
  of "W15": w15(watch, parseInt(parameter))
  of "W18": w18(watch, parseInt(parameter.split('-')[0]), parameter.endsWith("-ring"))
  else: quit("no such workload in Nim: " & workload)
  watch.pause()
  let figures = %*{"version": NimVersion}
  figures["real_ms"] = %(watch.real * 1e3 / float(repetitions))
  figures["cpu_ms"] = %(watch.cpu * 1e3 / float(repetitions))
  if fileExists("/proc/self/status"): figures["rss_mib"] = %peakRssMib()
  if liveCollect > 0: figures["live_collect_ms"] = %(liveCollect * 1e3)
  echo figures

main()
