import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import type { Node } from "../onnx/model.ts";
import { f, file, floats, i, ints, node, type Parts, rewritten, run, text } from "./importModel.fixture.ts";
import { randomTensor } from "./operators.fixture.ts";

const channels = (name: string) => randomTensor(name, [3], { low: 0.5, high: 2 });
const statistics = { s: channels("s"), b: channels("b"), m: channels("m"), v: channels("v") };
const scales = (...values: readonly number[]) => ({ scales: Tensor.float32([4], values) });

/** Operators as older sets wrote them, as [operator set, node, more of the model]; the runtime executes both forms. */
const cases: Readonly<Record<string, readonly [number, Node, Partial<Parts>?]>> = {
  "AveragePool 7": [7, node("AveragePool", "x", "y", { kernel_shape: ints(2, 2), strides: ints(2, 2) })],
  "AveragePool 10, rounding up": [
    10,
    node("AveragePool", "x", "y", { kernel_shape: ints(3, 3), strides: ints(2, 2), ceil_mode: i(1) }),
  ],
  "MaxPool 8": [8, node("MaxPool", "x", "y", { kernel_shape: ints(3, 3), storage_order: i(0) })],
  "BatchNormalization 7": [
    7,
    node("BatchNormalization", "x s b m v", "y", { spatial: i(1), epsilon: f(1e-3) }),
    { weights: statistics },
  ],
  "BatchNormalization 9": [9, node("BatchNormalization", "x s b m v", "y"), { weights: statistics }],
  "Clip 6": [7, node("Clip", "x", "y", { min: f(-0.5), max: f(0.25) })],
  "Clip 6, one limit": [10, node("Clip", "x", "y", { max: f(0.25) })],
  "Dropout 7": [7, node("Dropout", "x", "y", { ratio: f(0.5) })],
  "Dropout 10": [10, node("Dropout", "x", "y mask", { ratio: f(0.5) })],
  "Flatten 1": [7, node("Flatten", "x", "y", { axis: i(2) })],
  "Gemm 7": [
    7,
    node("Gemm", "x w c", "y", { transB: i(1), beta: f(2) }),
    {
      inputs: { x: [2, 3] },
      weights: { w: randomTensor("w", [5, 3], { low: -1, high: 1 }), c: randomTensor("c", [5], { low: -1, high: 1 }) },
    },
  ],
  "GridSample 16": [
    16,
    node("GridSample", "x grid", "y", { mode: text("bilinear") }),
    { weights: { grid: randomTensor("grid", [2, 3, 3, 2], { low: -1, high: 1 }) } },
  ],
  "GroupNormalization 21": [
    21,
    node("GroupNormalization", "x s b", "y", { num_groups: i(3), epsilon: f(1e-3) }),
    { weights: statistics },
  ],
  "LogSoftmax 1": [11, node("LogSoftmax", "x", "y", { axis: i(2) })],
  "LogSoftmax 1, from behind": [11, node("LogSoftmax", "x", "y", { axis: i(-2) })],
  "Max 8 of three": [
    8,
    node("Max", "x a b", "y"),
    { weights: { a: Tensor.float32([1], [0.1]), b: Tensor.float32([], [0]) } },
  ],
  "Mean 8": [8, node("Mean", "x a b", "y"), { weights: { a: Tensor.float32([1], [0.1]), b: Tensor.float32([], [1]) } }],
  "Pad 2": [7, node("Pad", "x", "y", { pads: ints(0, 0, 1, 2, 0, 0, 1, 0), value: f(0.5) })],
  "Pad 2, reflected": [7, node("Pad", "x", "y", { pads: ints(0, 0, 1, 2, 0, 0, 1, 0), mode: text("reflect") })],
  ReduceL1: [11, node("ReduceL1", "x", "y", { axes: ints(1, 2), keepdims: i(0) })],
  ReduceL2: [11, node("ReduceL2", "x", "y", { axes: ints(-1) })],
  ReduceLogSumExp: [11, node("ReduceLogSumExp", "x", "y", { axes: ints(1) })],
  ReduceMax: [12, node("ReduceMax", "x", "y", { axes: ints(2, 3) })],
  ReduceMean: [7, node("ReduceMean", "x", "y", { axes: ints(2, 3), keepdims: i(0) })],
  "ReduceMean of all": [13, node("ReduceMean", "x", "y", { keepdims: i(0) })],
  ReduceMin: [17, node("ReduceMin", "x", "y", { axes: ints(0) })],
  ReduceProd: [13, node("ReduceProd", "x", "y", { axes: ints(3) })],
  ReduceSum: [11, node("ReduceSum", "x", "y", { axes: ints(1, 3), keepdims: i(0) })],
  ReduceSumSquare: [13, node("ReduceSumSquare", "x", "y", { axes: ints(1) })],
  "Resize 10, up": [10, node("Resize", "x scales", "y", { mode: text("nearest") }), { weights: scales(1, 1, 2, 1.5) }],
  "Resize 10, down": [10, node("Resize", "x scales", "y"), { weights: scales(1, 1, 0.5, 0.5) }],
  "Resize 10, linear": [10, node("Resize", "x scales", "y", { mode: text("linear") }), { weights: scales(1, 1, 2, 2) }],
  "Resize 11": [
    11,
    node("Resize", "x roi scales", "y", {
      mode: text("linear"),
      coordinate_transformation_mode: text("pytorch_half_pixel"),
    }),
    { weights: { ...scales(1, 1, 2, 2), roi: Tensor.float32([0], []) } },
  ],
  "Resize 11, TensorFlow's nearest": [
    11,
    node("Resize", "x roi scales", "y", {
      coordinate_transformation_mode: text("tf_half_pixel_for_nn"),
      nearest_mode: text("floor"),
    }),
    { weights: { ...scales(1, 1, 1.5, 0.75), roi: Tensor.float32([0], []) } },
  ],
  "RoiAlign 10": [
    10,
    node("RoiAlign", "x rois batch", "y", { output_height: i(2), output_width: i(2) }),
    {
      weights: {
        rois: Tensor.float32([1, 4], [0.4, 0.6, 3, 3.2]),
        batch: Tensor.int64([1]),
      },
    },
  ],
  "Slice 1": [9, node("Slice", "x", "y", { starts: ints(1, -3), ends: ints(2 ** 63, 4), axes: ints(1, 3) })],
  "Softmax 1": [7, node("Softmax", "x", "y")],
  "Softmax 1 of the last axis": [12, node("Softmax", "x", "y", { axis: i(3) })],
  "Softmax 1 before axes of length 1": [11, node("Softmax", "x", "y"), { inputs: { x: [2, 5, 1, 1] } }],
  "Split 2": [11, node("Split", "x", "y z", { axis: i(1), split: ints(1, 2) })],
  "Split 13 in equal parts": [13, node("Split", "x", "y z", { axis: i(2) })],
  "Squeeze 1": [11, node("Squeeze", "x", "y", { axes: ints(0, 2) }), { inputs: { x: [1, 3, 1, 2] } }],
  "Sum 8": [8, node("Sum", "x a b", "y"), { weights: { a: Tensor.float32([1], [0.1]), b: Tensor.float32([], [1]) } }],
  "Sum of one": [8, node("Sum", "x", "y")],
  "TopK 1": [9, node("TopK", "x", "y z", { k: i(2), axis: i(1) })],
  "Unsqueeze 1": [11, node("Unsqueeze", "x", "y", { axes: ints(0, 3) })],
  "Upsample 7": [7, node("Upsample", "x", "y", { scales: floats(1, 1, 2, 3) })],
  "Upsample 9": [9, node("Upsample", "x scales", "y", { mode: text("linear") }), { weights: scales(1, 1, 2, 2) }],
};

describe("an operator of an older operator set", () => {
  it.each(Object.entries(cases))("%s means the same in the newest", async (_, [opset, only, more = {}]) => {
    const shape = (more.inputs?.["x"] ?? [2, 3, 4, 4]).map(Number);
    const feeds = { x: randomTensor("x", shape, { low: -1, high: 1 }) };
    const [expected] = await run(file({ opset, nodes: [only], ...more }), feeds);
    const declared = file({ opset, nodes: [only], ...more, declared: expected?.shape });
    const [found] = await run(rewritten(declared), feeds);
    expect(found?.shape).toEqual(expected?.shape);
    // The sums may be taken in another order: a few units in the last place of values near 1.
    found?.numbers.forEach((value, at) => {
      expect(value).toBeCloseTo(expected?.numbers[at] ?? Number.NaN, 5);
    });
  });

  it("keeps the statistics of each place where old batch normalisation had them", async () => {
    const place = (name: string) => randomTensor(name, [3, 4], { low: 0.5, high: 2 });
    const weights = { s: place("s"), b: place("b"), m: place("m"), v: place("v") };
    const old = node("BatchNormalization", "x s b m v", "y", { spatial: i(0), epsilon: f(0.01) });
    const x = randomTensor("x", [2, 3, 4], { low: -1, high: 1 });
    const [found] = await run(rewritten(file({ opset: 7, nodes: [old], inputs: { x: [2, 3, 4] }, weights })), { x });
    const at = (tensor: Tensor, index: number) => tensor.floats[index] ?? 0;
    found?.floats.forEach((value, index) => {
      const [s, b, m, v] = Object.values(weights).map((tensor) => at(tensor, index % 12));
      const expected = ((at(x, index) - (m ?? 0)) / Math.sqrt((v ?? 0) + 0.01)) * (s ?? 0) + (b ?? 0);
      expect(value).toBeCloseTo(expected, 5);
    });
  });

  it("has its scale per group in GroupNormalization before 21", async () => {
    const bytes = (opset: number, weights: Readonly<Record<string, Tensor>>) =>
      rewritten(
        file({
          opset,
          nodes: [node("GroupNormalization", "x s b", "y", { num_groups: i(2) })],
          inputs: { x: [2, 4, 3, 3] },
          weights,
        }),
      );
    const x = randomTensor("x", [2, 4, 3, 3], { low: -1, high: 1 });
    const [perGroup] = await run(bytes(18, { s: Tensor.float32([2], [2, 3]), b: Tensor.float32([2], [0, 1]) }), { x });
    const expanded = { s: Tensor.float32([4], [2, 2, 3, 3]), b: Tensor.float32([4], [0, 0, 1, 1]) };
    const [perChannel] = await run(bytes(21, expanded), { x });
    expect(perGroup?.numbers).toEqual(perChannel?.numbers);
  });

  it("is refused with a reason when it is too old or not known yet", () => {
    const old = file({ opset: 6, nodes: [node("Relu", "x", "y")] });
    expect(() => rewritten(old)).toThrow(/operator set 6; expected 7 to \d+. Export the model again/);
    const future = file({ opset: 99, nodes: [node("Relu", "x", "y")] });
    expect(() => rewritten(future)).toThrow(/operator set 99; expected 7 to \d+. Update Graft/);
  });
});
