import { sizeOf } from "../base/tensor.ts";
import { constantOf, scalar, type Value } from "../graph/value.ts";
import { add, mul } from "./arithmetic.ts";
import { type GradientRow, row } from "./gradientRow.fixture.ts";
import { gather, gatherElements, gatherND, scatterElements, scatterND, topK } from "./indexing.ts";
import { depthToSpace, spaceToDepth, split, tile, trilu } from "./rearranging.ts";

/** Reading, writing and moving elements. */
export const indexingRows: readonly GradientRow[] = [
  row("Gather", "repeated rows", [[5, 3]], (x) => gather(x, int64([4], [0, 4, 0, -5]))),
  row("Gather", "a matrix of indices on a middle axis", [[2, 5, 3]], (x) =>
    gather(x, int64([2, 3], [0, 4, -1, 2, 2, 2]), { axis: 1 }),
  ),
  row("Gather", "one index on the last axis", [[2, 3, 7]], (x) => gather(x, int64([], [5]), { axis: -1 })),
  row("GatherElements", "repeated, axis 0", [[3, 2]], (x) => gatherElements(x, int64([2, 2], [2, 1, 2, -2]))),
  row("GatherElements", "last axis of three", [[2, 1, 5]], (x) =>
    gatherElements(x, int64([1, 1, 7], [0, 4, 4, 2, -1, 1, 4]), { axis: -1 }),
  ),
  row("GatherND", "elements", [[3, 5]], (x) => gatherND(x, int64([4, 2], [0, 1, 2, 4, 0, 1, -1, -5]))),
  row("GatherND", "slices", [[3, 2, 5]], (x) => gatherND(x, int64([2, 2, 1], [0, 2, -1, 1]))),
  row("GatherND", "in step with a batch", [[2, 3, 5]], (x) =>
    gatherND(x, int64([2, 3, 1], [0, 2, 2, 1, 1, -3]), { batch_dims: 1 }),
  ),
  row(
    "ScatterElements",
    "writes",
    [
      [3, 5],
      [2, 2],
    ],
    (x, u) => scatterElements(x, int64([2, 2], [0, 2, -1, 1]), u),
  ),
  row(
    "ScatterElements",
    "adds twice to one place",
    [
      [2, 7],
      [2, 4],
    ],
    (x, u) => scatterElements(x, int64([2, 4], [0, 6, 0, -1, 3, 3, 3, 2]), u, { axis: 1, reduction: "add" }),
  ),
  row("ScatterND", "writes elements", [[3, 5], [3]], (x, u) => scatterND(x, int64([3, 2], [0, 1, 2, -1, 1, 1]), u)),
  row(
    "ScatterND",
    "writes slices",
    [
      [4, 3, 2],
      [2, 3, 2],
    ],
    (x, u) => scatterND(x, int64([2, 1], [3, 1]), u),
  ),
  row(
    "ScatterND",
    "adds slices",
    [
      [4, 3],
      [2, 3],
    ],
    (x, u) => scatterND(x, int64([2, 1], [-1, 0]), u, { reduction: "add" }),
  ),
  row("TopK", "two of five", [[3, 5]], (x) => topK(apart(x), [2])),
  row("TopK", "smallest, middle axis", [[2, 4, 3]], (x) => topK(apart(x), [3], { axis: 1, largest: 0 })),
  row("Tile", "two axes of three", [[2, 3, 1]], (x) => tile(x, [3, 1, 5])),
  row("Tile", "one axis", [[7]], (x) => tile(x, [2])),
  row("Tile", "once", [[2, 3]], (x) => tile(x, [1, 1])),
  row("Split", "three equal parts", [[2, 6]], (x) => weighed(split.outputs(x, undefined, { axis: 1, num_outputs: 3 }))),
  row("Split", "a shorter last part", [[5, 3]], (x) => last(split.outputs(x, undefined, { num_outputs: 2 }))),
  row("Split", "given lengths, one unused", [[2, 7, 3]], (x) => last(split.outputs(x, [1, 4, 2], { axis: -2 }))),
  row("Trilu", "upper", [[3, 5]], (x) => trilu(x)),
  row("Trilu", "lower, shifted, a stack", [[2, 4, 3]], (x) => trilu(x, scalar(-1, "int64"), { upper: 0 })),
  row("DepthToSpace", "DCR", [[2, 8, 3, 1]], (x) => depthToSpace(x, { blocksize: 2 })),
  row("DepthToSpace", "CRD", [[1, 18, 2, 3]], (x) => depthToSpace(x, { blocksize: 3, mode: "CRD" })),
  row("SpaceToDepth", "blocks of 2", [[2, 3, 4, 6]], (x) => spaceToDepth(x, { blocksize: 2 })),
  row("SpaceToDepth", "blocks of 3", [[1, 2, 3, 9]], (x) => spaceToDepth(x, { blocksize: 3 })),
];

function int64(shape: readonly number[], values: readonly number[]): Value {
  return constantOf("int64", shape, values);
}

/** Entries so far apart, in mixed order, that no step of the test changes their order. */
function apart(x: Value): Value {
  const size = sizeOf(x.staticShape);
  const places = Array.from({ length: size }, (_, i) => ((i * 7) % size) / 2);
  return add(mul(x, 0.1), constantOf("float32", x.staticShape, places));
}

/** A sum in which each of several parts of one shape has a weight of its own. */
function weighed(parts: readonly Value[]): Value {
  return parts.map((part, i) => mul(part, i + 1)).reduce((a, b) => add(a, b));
}

/** The last of several parts. */
function last(parts: readonly Value[]): Value {
  return parts[parts.length - 1];
}
