import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { doubling } from "../platform/onnxModel.fixture.ts";
import { runScript } from "./childProcess.fixture.ts";
import { loadRuntime, type RuntimeSources } from "./runtime.ts";

const broken = () => Promise.reject(new Error("libonnxruntime.so.1: cannot open shared object file\nmore"));

function sources(changes: Partial<RuntimeSources>): { readonly all: RuntimeSources; readonly warnings: string[] } {
  const warnings: string[] = [];
  const all: RuntimeSources = {
    native: () => import("onnxruntime-node"),
    wasm: () => import("onnxruntime-web"),
    warn: (line) => warnings.push(line),
    ...changes,
  };
  return { all, warnings };
}

describe("the choice of a runtime", () => {
  it("is native, without a word", async () => {
    const { all, warnings } = sources({});
    expect(await loadRuntime(undefined, 1, all)).toMatchObject({ provider: "cpu", writesOutputs: true });
    expect(warnings).toEqual([]);
  });

  it("falls back to WASM with one line where native does not load", async () => {
    const { all, warnings } = sources({ native: broken });
    expect(await loadRuntime(undefined, 1, all)).toMatchObject({ provider: "wasm" });
    expect(warnings).toEqual([
      "warning: onnxruntime-node does not load (libonnxruntime.so.1: cannot open shared object file); " +
        'running on WebAssembly, about half as fast. To repair: "npm install onnxruntime-node".',
    ]);
  });

  it("follows a wish for WASM without a word", async () => {
    const { all, warnings } = sources({ native: broken });
    expect(await loadRuntime("wasm", 1, all)).toMatchObject({ provider: "wasm" });
    expect(warnings).toEqual([]);
  });

  it("fails where native was wished for and does not load", async () => {
    const load = loadRuntime("native", 1, sources({ native: broken }).all);
    await expect(load).rejects.toThrow(GraftError);
    await expect(load).rejects.toThrow(/onnxruntime-node does not load .* Or choose the "wasm" runtime/);
  });

  it("says what to do where neither loads", async () => {
    const load = loadRuntime(undefined, 1, sources({ native: broken, wasm: broken }).all);
    await expect(load).rejects.toThrow(/^onnxruntime-web does not load: .* Do "npm install" again\.$/);
  });
});

describe("in a process of its own", { timeout: 30_000 }, () => {
  it("the fallback computes, and prints that one line alone", async () => {
    const { stdout, stderr } = await runScript(`
      import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(\`export function resolve(name, context, next) {
        if (name === "onnxruntime-node") throw new Error("Cannot find package 'onnxruntime-node'");
        return next(name, context);
      }\`));
      ${double("createEngine()")}`);
    expect(stdout).toBe("2,4,6\n");
    expect(stderr).toMatch(
      /^warning: onnxruntime-node does not load \(Cannot find package .*\); running on WebAssembly.*\n$/,
    );
  });

  it.each(["native", "wasm"])("a %s run and a failing one print nothing, and the process ends", async (runtime) => {
    const { stdout, stderr } = await runScript(`
      ${double(`createEngine({ runtime: "${runtime}", threads: 2 })`)}
      await engine.compile(new Uint8Array(9)).catch(() => undefined);`);
    expect({ stdout, stderr }).toEqual({ stdout: "2,4,6\n", stderr: "" });
  });

  it("making a platform loads neither ONNX Runtime nor sharp", async () => {
    const { stdout } = await runScript(`
      import { nodePlatform } from "$/platform.js";
      import { createRequire } from "node:module";
      nodePlatform();
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => /onnxruntime|sharp/.test(path));
      console.log(loaded.length, process.report.getReport().sharedObjects.some((path) => /onnxruntime|vips/.test(path)));`);
    expect(stdout).toBe("0 false\n");
  });
});

/** A script that doubles 1, 2, 3, prints the result, and then does a run that fails. */
function double(engine: string): string {
  return `
    import { Tensor } from "$/../base/tensor.js";
    const { createEngine } = await import("$/engine.js");
    const engine = ${engine};
    const program = await engine.compile(Uint8Array.of(${doubling}));
    const { y } = await program.run({ x: Tensor.float32([1, 3], [1, 2, 3]) });
    await program.run({ x: Tensor.float32([1, 3], [1, 2, 3]) }, { y: Tensor.float32([2, 3], [0, 0, 0, 0, 0, 0]) }).catch(() => undefined);
    console.log(y.floats.join());`;
}
