import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { arrayOf, type DType, dtypeBytes } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { doubling, identity, tinyModel } from "./onnxModel.fixture.ts";
import type { CompileOptions, Engine, Program } from "./platform.ts";

/** What every engine does, whatever runs beneath. */
export function engineContract(name: string, makeEngine: () => Engine): void {
  describe(`${name} as an engine`, () => {
    let engine: Engine;
    const programs: Program[] = [];
    const compile = async (model: Uint8Array, options?: CompileOptions) => {
      const program = await engine.compile(model, options);
      programs.push(program);
      return program;
    };
    beforeAll(() => {
      engine = makeEngine();
    });
    afterEach(async () => {
      for (const program of programs.splice(0)) await program.dispose();
    });

    runsModels(compile);
    writesIntoGivenMemory(compile);
    refusesWrongTensors(compile);
    refusesWrongModels(compile);
    givesBackItsResources(compile);
  });
}

type Compile = (model: Uint8Array, options?: CompileOptions) => Promise<Program>;

const rows = (...values: number[]) => Tensor.float32([values.length / 3, 3], values);

/** A float32 and a uint8 value, each passed through. */
const twoTypes = tinyModel({
  inputs: [
    ["x", "float32", ["N", 3]],
    ["u", "uint8", [4]],
  ],
  outputs: [
    ["y", "float32", ["N", 3]],
    ["v", "uint8", [4]],
    ["z", "float32", ["N", 3]],
  ],
  nodes: [
    { op: "Add", inputs: ["x", "x"], outputs: ["y"] },
    { op: "Add", inputs: ["u", "u"], outputs: ["v"] },
    { op: "Neg", inputs: ["x"], outputs: ["z"] },
  ],
});

function runsModels(compile: Compile): void {
  it("names inputs and outputs in the model's order", async () => {
    const program = await compile(twoTypes);
    expect(program.inputNames).toEqual(["x", "u"]);
    expect(program.outputNames).toEqual(["y", "v", "z"]);
  });

  it("runs at several lengths of an open axis", async () => {
    const program = await compile(doubling);
    const one = await program.run({ x: rows(1, 2, 3) });
    const two = await program.run({ x: rows(1, 2, 3, 4, 5, 6) });
    expect(one["y"]?.shape).toEqual([1, 3]);
    expect(one["y"]?.floats).toEqual(Float32Array.of(2, 4, 6));
    expect(two["y"]?.floats).toEqual(Float32Array.of(2, 4, 6, 8, 10, 12));
  });

  it("takes a value of no rows and a scalar", async () => {
    const none = await (await compile(doubling)).run({ x: rows() });
    expect(none["y"]?.shape).toEqual([0, 3]);
    const scalar = await (await compile(identity("float32", []))).run({ x: Tensor.float32([], [7]) });
    expect(scalar["y"]?.shape).toEqual([]);
    expect(scalar["y"]?.floats).toEqual(Float32Array.of(7));
  });

  it.each(Object.keys(dtypeBytes) as DType[])("carries %s bit by bit", async (dtype) => {
    const bytes = Uint8Array.from({ length: 6 * dtypeBytes[dtype] }, (_, i) => (dtype === "bool" ? i % 2 : 37 * i + 1));
    const { y } = await (await compile(identity(dtype, [2, 3]))).run({ x: new Tensor(dtype, [2, 3], bytes) });
    expect(y?.dtype).toBe(dtype);
    expect(y?.data).toBeInstanceOf(arrayOf[dtype]);
    expect(y?.bytes).toEqual(bytes);
  });

  it("reads a feed that starts at an odd byte", async () => {
    const bytes = new Uint8Array(13);
    bytes.set(new Uint8Array(Float32Array.of(1, 2, 3).buffer), 1);
    const { y } = await (await compile(doubling)).run({ x: new Tensor("float32", [1, 3], bytes.subarray(1)) });
    expect(y?.floats).toEqual(Float32Array.of(2, 4, 6));
  });

  it("does not touch an earlier run's results", async () => {
    const program = await compile(doubling);
    const first = await program.run({ x: rows(1, 2, 3) });
    await program.run({ x: rows(7, 8, 9) });
    expect(first["y"]?.floats).toEqual(Float32Array.of(2, 4, 6));
  });

  it("gives the same numbers when it gives memory back after each run", async () => {
    const program = await compile(doubling, { releaseMemory: true, threads: 1 });
    for (const n of [1, 50, 2]) {
      const x = Tensor.float32(
        [n, 3],
        Float32Array.from({ length: 3 * n }, (_, i) => i),
      );
      expect((await program.run({ x }))["y"]?.floats).toEqual(x.floats.map((value) => 2 * value));
    }
  });
}

function writesIntoGivenMemory(compile: Compile): void {
  it("writes float32 and uint8 outputs into given memory, at its offset, and nowhere else", async () => {
    const program = await compile(twoTypes);
    const floats = new Float32Array(10).fill(-1);
    const bytes = new Uint8Array(8).fill(9);
    const y = Tensor.of("float32", [2, 3], floats.subarray(2, 8));
    const v = Tensor.of("uint8", [4], bytes.subarray(3, 7));
    const feeds = { x: rows(1, 2, 3, 4, 5, 6), u: Tensor.of("uint8", [4], Uint8Array.of(1, 2, 3, 4)) };
    const results = await program.run(feeds, { y, v });
    expect(floats).toEqual(Float32Array.of(-1, -1, 2, 4, 6, 8, 10, 12, -1, -1));
    expect(bytes).toEqual(Uint8Array.of(9, 9, 9, 2, 4, 6, 8, 9));
    expect(results["y"]).toBe(y);
    expect(results["v"]).toBe(v);
    expect(results["z"]?.floats).toEqual(Float32Array.of(-1, -2, -3, -4, -5, -6));
  });

  it("writes outputs that no computation makes: an input passed on, a constant, one value under two names", async () => {
    const names = ["passed", "constant", "folded", "sum", "again"];
    const program = await compile(
      tinyModel({
        inputs: [["x", "float32", [3]]],
        outputs: names.map((name) => [name, "float32", [3]]),
        nodes: [
          { op: "Identity", inputs: ["x"], outputs: ["passed"] },
          { op: "Identity", inputs: ["c"], outputs: ["constant"] },
          { op: "Add", inputs: ["c", "c"], outputs: ["folded"] },
          { op: "Add", inputs: ["x", "c"], outputs: ["sum"] },
          { op: "Identity", inputs: ["sum"], outputs: ["again"] },
        ],
        constants: { c: [10, 20, 30] },
      }),
    );
    const into = Object.fromEntries(names.map((name) => [name, Tensor.float32([3], [0, 0, 0])]));
    for (const run of [1, 2]) {
      await program.run({ x: Tensor.float32([3], [run, 2, 3]) }, into);
      expect(names.map((name) => [...(into[name]?.floats ?? [])])).toEqual([
        [run, 2, 3],
        [10, 20, 30],
        [20, 40, 60],
        [10 + run, 22, 33],
        [10 + run, 22, 33],
      ]);
    }
  });

  it("alternates between two buffers, each step reading what the last one wrote", async () => {
    const program = await compile(doubling);
    let [from, to] = [rows(1, 2, 3), rows(0, 0, 0)];
    for (let step = 0; step < 5; step++) {
      await program.run({ x: from }, { y: to });
      [from, to] = [to, from];
    }
    expect(from.floats).toEqual(Float32Array.of(32, 64, 96));
  });

  it("refuses memory of another shape or type, or that starts at an odd byte", async () => {
    const program = await compile(doubling);
    const run = (y: Tensor) => program.run({ x: rows(1, 2, 3) }, { y });
    await expectError(
      run(rows(1, 2, 3, 4, 5, 6)),
      "shape",
      /output "y": the tensor to write into is \[2,\s?3\], the result \[1,\s?3\]/,
    );
    await expectError(
      run(Tensor.float32([3], [1, 2, 3])),
      "shape",
      /output "y": expected float32 \[N, 3\], got float32 \[3\]/,
    );
    await expectError(
      run(zeros("int32", [1, 3])),
      "shape",
      /output "y": expected float32 \[N, 3\], got int32 \[1, 3\]/,
    );
    await expectError(
      run(new Tensor("float32", [1, 3], new Uint8Array(13).subarray(1))),
      "shape",
      /"y".*multiple of the 4 bytes/,
    );
  });
}

function refusesWrongTensors(compile: Compile): void {
  it("names the input that is missing, unknown or of the wrong type or shape", async () => {
    const program = await compile(twoTypes);
    const [x, u] = [rows(1, 2, 3), zeros("uint8", [4])];
    await expectError(program.run({ x }), "shape", /input "u" is missing: expected uint8 \[4\]/);
    await expectError(program.run({ x, u, xx: x }), "shape", /no input "xx"; it has "x", "u"\. Did you mean "x"\?/);
    await expectError(
      program.run({ x, u: zeros("int8", [4]) }),
      "shape",
      /input "u": expected uint8 \[4\], got int8 \[4\]/,
    );
    await expectError(
      program.run({ x: zeros("float32", [3, 2]), u }),
      "shape",
      /input "x": expected float32 \[N, 3\], got float32 \[3, 2\]/,
    );
    await expectError(program.run({ x, u }, { w: x }), "shape", /no output "w"; it has "y", "v", "z"/);
  });

  it("goes on working after a refusal", async () => {
    const program = await compile(doubling);
    await expectError(program.run({}), "shape", /"x" is missing/);
    expect((await program.run({ x: rows(1, 2, 3) }))["y"]?.floats).toEqual(Float32Array.of(2, 4, 6));
  });

  it("names the node that fails while running", async () => {
    const model = tinyModel({
      inputs: [
        ["x", "float32", [2]],
        ["i", "int64", [1]],
      ],
      outputs: [["y", "float32", [1]]],
      nodes: [{ op: "Gather", name: "pick", inputs: ["x", "i"], outputs: ["y"] }],
    });
    const run = (await compile(model)).run({ x: Tensor.float32([2], [1, 2]), i: Tensor.int64([5]) });
    await expectError(run, "model", /the model does not run: in Gather "pick": .*out of data bounds/);
  });
}

function refusesWrongModels(compile: Compile): void {
  it("refuses what is not a model", async () => {
    await expectError(compile(new Uint8Array(0)), "model", /the model is empty/);
    await expectError(compile(Uint8Array.from({ length: 100 }, (_, i) => i)), "model", /does not compile: .*protobuf/);
  });

  it("refuses an operator that does not exist", async () => {
    const model = tinyModel({
      inputs: [["x", "float32", [1]]],
      outputs: [["y", "float32", [1]]],
      nodes: [{ op: "Frobnicate", inputs: ["x"], outputs: ["y"] }],
    });
    await expectError(compile(model), "model", /does not compile: .*Frobnicate/);
  });
}

function givesBackItsResources(compile: Compile): void {
  it("can be disposed of twice, and then says that it was", async () => {
    const program = await compile(doubling);
    await program.dispose();
    await program.dispose();
    await expectError(program.run({ x: rows(1, 2, 3) }), "system", /disposed of; compile the model again/);
  });

  it("lets a run under way finish before it goes", async () => {
    const program = await compile(doubling);
    const running = program.run({ x: rows(1, 2, 3) });
    await program.dispose();
    expect((await running)["y"]?.floats).toEqual(Float32Array.of(2, 4, 6));
  });
}

function zeros(dtype: DType, shape: readonly number[]): Tensor {
  return new Tensor(dtype, shape, new Uint8Array(sizeOf(shape) * dtypeBytes[dtype]));
}

async function expectError(work: Promise<unknown>, code: GraftError["code"], message: RegExp): Promise<void> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GraftError);
  expect(thrown).toMatchObject({ code, message: expect.stringMatching(message) });
}
