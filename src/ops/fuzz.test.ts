import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { type Stream, stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import {
  TensorShapeProto_DimensionSchema as DimensionSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
} from "../onnx/onnx_pb.ts";
import { readModel } from "../onnx/read.ts";
import { f, file, floats, graph, i, ints, node, tensor, text } from "./importModel.fixture.ts";
import { importModel } from "./importModel.ts";
import { processorMs } from "./processorTime.fixture.ts";
import { operators } from "./registry.ts";

const longs = (...values: readonly number[]) => tensor(Tensor.int64(values));

/** A small valid model that uses much of what an importer does: old forms, shape arithmetic, branches, constants, windows. */
function small(): Uint8Array {
  const branch = { name: "b", inputs: [], outputs: [], valueInfos: [], initializers: new Map() };
  const outputs = [{ name: "o", dtype: "float32", shape: undefined }] as const;
  const either = (op: string) => graph({ ...branch, outputs, nodes: [node(op, "sum", "o")] });
  const taken = { ...branch, outputs, nodes: [node("Relu", "pooled", "o")] };
  return file({
    opset: 9,
    inputs: { x: ["N", 3, 8, 8] },
    weights: {
      w: Tensor.float32([4, 3, 3, 3], new Array<number>(108).fill(0.1)),
      s: Tensor.float32([4], [1, 2, 3, 4]),
      m: Tensor.float32([16, 5], new Array<number>(80).fill(0.1)),
      scales: Tensor.float32([4], [1, 1, 2, 2]),
      limit: Tensor.float32([], [0]),
    },
    nodes: [
      node("Conv", "x w s", "c", {
        pads: ints(1, 1, 1, 1),
        strides: ints(1, 1),
        group: i(1),
        auto_pad: text("NOTSET"),
      }),
      node("BatchNormalization", "c s s s s", "n", { epsilon: f(1e-5) }),
      node("Clip", "n", "r", { min: f(0), max: f(6) }),
      node("Upsample", "r scales", "u", { mode: text("nearest") }),
      node("MaxPool", "u", "p", { kernel_shape: ints(2, 2), strides: ints(2, 2) }),
      node("Pad", "p", "q", { pads: ints(0, 0, 1, 1, 0, 0, 1, 1), value: f(0) }),
      node("Slice", "q", "cut", { starts: ints(1, 1), ends: ints(-1, -1), axes: ints(2, 3) }),
      node("AveragePool", "cut", "pooled", { kernel_shape: ints(4, 4), strides: ints(4, 4) }),
      node("Constant", "", "true", { value: tensor(new Tensor("bool", [], Uint8Array.of(1))) }),
      node("If", "true", "chosen", { then_branch: graph(taken), else_branch: graph(taken) }),
      node("Shape", "chosen", "shape"),
      node("Constant", "", "zero", { value: longs(0) }),
      node("Gather", "shape zero", "count", { axis: i(0) }),
      node("Constant", "", "rest", { value: longs(-1) }),
      node("Concat", "count rest", "target", { axis: i(0) }),
      node("Reshape", "chosen target", "flat"),
      node("Gemm", "flat m", "g", { alpha: f(1), transB: i(0) }),
      node("Unsqueeze", "g", "wide", { axes: ints(2) }),
      node("Transpose", "wide", "turned", { perm: ints(0, 2, 1) }),
      node("ConstantOfShape", "zero", "filled", { value: tensor(Tensor.float32([1], [2])) }),
      node("ReduceMean", "turned", "mean", { axes: ints(1), keepdims: i(0) }),
      node("Sum", "mean mean g", "sum"),
      node("Strange", "sum", "odd", { fs: floats(1, 2) }),
      node("ReduceMax", "sum", "top", { keepdims: i(0) }),
      node("Greater", "top limit", "above"),
      node("If", "above", "bent", { then_branch: either("Tanh"), else_branch: either("Neg") }),
      node("Softmax", "bent", "y"),
    ],
    outputs: ["y"],
  });
}

/** The nodes and declarations of a published model, its weights as inputs. */
function header(): Uint8Array | undefined {
  const path = join(import.meta.dirname, "../../../shared/data/backbones/squeezenet1.1-fp16.onnx");
  if (!existsSync(path)) return undefined;
  const proto = fromBinary(ModelProtoSchema, new Uint8Array(readFileSync(path)));
  if (proto.graph !== undefined) proto.graph.initializer = [];
  return toBinary(ModelProtoSchema, proto);
}

const strangeNumbers = [0, 1, -1, 2, 7, -2, 255, 65536, 2 ** 31, 2 ** 40, 2 ** 53, 2 ** 62, -(2 ** 62)];

/** Changes bytes: single ones, runs, pieces cut out, doubled or moved. */
function damageBytes(bytes: Uint8Array, random: Stream): Uint8Array {
  const [a, b] = [random.below(bytes.length), random.below(bytes.length)].sort((x, y) => x - y) as [number, number];
  const kinds: readonly (() => Uint8Array)[] = [
    () => bytes.with(a, random.below(256)),
    () => bytes.with(a, (bytes[a] ?? 0) ^ (1 << random.below(8))),
    () => bytes.slice(0, a),
    () => bytes.slice(a),
    () => joined(bytes.subarray(0, a), bytes.subarray(b)),
    () => joined(bytes.subarray(0, b), bytes.subarray(a, Math.min(b, a + 64)), bytes.subarray(b)),
    () =>
      joined(
        bytes.subarray(0, a),
        Uint8Array.from({ length: 1 + random.below(12) }, () => 255),
        bytes.subarray(a),
      ),
    () =>
      joined(
        bytes.subarray(0, a),
        Uint8Array.from({ length: 8 }, () => random.below(256)),
        bytes.subarray(a + 8),
      ),
  ];
  return kinds[random.below(kinds.length)]?.() ?? bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Changes what the file says, so that it stays a file: names, lengths, operators, attributes, order. */
function damageModel(bytes: Uint8Array, random: Stream): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, bytes);
  for (let times = 1 + random.below(3); times > 0; times--) damageOnce(proto, random);
  return toBinary(ModelProtoSchema, proto);
}

function damageOnce(proto: ModelProto, random: Stream): void {
  const { graph: g, opsetImport } = proto;
  if (g === undefined) return;
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const number = () => pick(strangeNumbers);
  const some = pick(g.node);
  const names = [...g.node.flatMap(({ input, output }) => [...input, ...output]), "", "none"];
  const kinds: readonly (() => void)[] = [
    () => replace(some.input, random, pick(names)),
    () => replace(some.output, random, pick(names)),
    () => void some.input.push(pick(names)),
    () => void some.input.pop(),
    () => {
      some.opType = pick([...operators.keys(), "If", "Loop", "Constant", "Shape", "Range", "Expand", "Size"]);
    },
    () => {
      some.domain = pick(["", "ai.onnx", "com.microsoft"]);
    },
    () => damageAttribute(some, random, number),
    () => {
      some.attribute = pick(g.node).attribute;
    },
    () => void g.node.splice(random.below(g.node.length), 1),
    () => void g.node.push(some),
    () => void g.node.reverse(),
    () => {
      pick(opsetImport).version = BigInt(7 + random.below(20));
    },
    () => {
      const weight = pick([...g.initializer, undefined]);
      if (weight !== undefined) replace(weight.dims, random, BigInt(number()));
    },
    () => {
      const weight = pick([...g.initializer, undefined]);
      if (weight !== undefined) weight.dataType = random.below(30);
    },
    () => {
      const type = pick(g.input).type?.value;
      if (type?.case !== "tensorType" || type.value.shape === undefined) return;
      const length = { case: "dimValue" as const, value: BigInt(number()) };
      replace(type.value.shape.dim, random, create(DimensionSchema, { value: length }));
    },
  ];
  pick(kinds)();
}

function damageAttribute({ attribute }: NodeProto, random: Stream, number: () => number): void {
  const some = attribute[random.below(attribute.length)];
  if (some === undefined) return;
  const kinds: readonly (() => void)[] = [
    () => {
      some.i = BigInt(number());
    },
    () => {
      some.f = number();
    },
    () => replace(some.ints, random, BigInt(number())),
    () => void some.ints.push(BigInt(number())),
    () => {
      some.type = random.below(15);
    },
    () => {
      some.name = ["axes", "axis", "to", "pads", "value", "constructor", "__proto__"][random.below(7)] ?? "";
    },
    () => some.t && replace(some.t.dims, random, BigInt(number())),
  ];
  kinds[random.below(kinds.length)]?.();
}

function replace<T>(list: T[], random: Stream, value: T): void {
  list[random.below(list.length)] = value;
}

/** How long reading takes; anything but success or a GraftError that names the file fails. */
function milliseconds(bytes: Uint8Array, which: string): number {
  const start = processorMs();
  try {
    importModel(readModel(bytes, "damaged.onnx"), { fileName: "damaged.onnx" });
  } catch (error) {
    if (!(error instanceof GraftError) || !error.message.includes('"damaged.onnx"')) {
      throw new Error(`${which}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  return processorMs() - start;
}

describe("a damaged file", () => {
  const published = header();
  const originals = [small(), ...(published === undefined ? [] : [published])];
  const damages = { bytes: damageBytes, content: damageModel };
  const rounds = 10_000 / (originals.length * Object.keys(damages).length);

  it("starts from valid ones", () => {
    for (const original of originals) expect(() => importModel(readModel(original))).not.toThrow();
  });

  it.each(Object.entries(damages))("with changed %s is read or refused, in under a second", (kind, damage) => {
    let slowest = 0;
    originals.forEach((original, which) => {
      for (let round = 0; round < rounds; round++) {
        const damaged = damage(original, stream(11, `${kind} ${which}`, 0, round));
        slowest = Math.max(slowest, milliseconds(damaged, `${kind} ${which}, round ${round}`));
      }
    });
    expect(slowest).toBeLessThan(1000);
  });
});
