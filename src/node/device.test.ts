import { describe, expect, it } from "vitest";
import { doubling } from "../platform/onnxModel.fixture.ts";
import { chooseDevice } from "./device.ts";
import { createEngine } from "./engine.ts";
import { loadRuntime, type Runtime } from "./runtime.ts";

/** The native runtime, said to know these devices; none of them exists on the machine. */
async function runtimeWith(
  backends: readonly { readonly name: string; readonly bundled: boolean }[],
): Promise<Runtime> {
  const runtime = await loadRuntime("native", 1);
  return { ...runtime, ort: { ...runtime.ort, listSupportedBackends: () => backends } };
}

describe("the choice of a device", () => {
  it("is the CPU without a word unless asked", async () => {
    const lines: string[] = [];
    expect(await createEngine({ say: (line) => lines.push(line) }).device()).toBe("cpu");
    expect(lines).toEqual([]);
  });

  it("says in one line that a device is not there, and computes on the CPU", async () => {
    const lines: string[] = [];
    const say = (line: string) => lines.push(line);
    expect(await chooseDevice("dml", await runtimeWith([{ name: "cpu", bundled: true }]), say)).toBe("cpu");
    expect(lines).toEqual(['warning: the device "dml" does not work here (not in this build); running on the CPU.']);
  });

  it("tells what auto came down to", async () => {
    const lines: string[] = [];
    const runtime = await runtimeWith([
      { name: "cpu", bundled: true },
      { name: "cuda", bundled: false },
    ]);
    expect(await chooseDevice("auto", runtime, (line) => lines.push(line))).toBe("cpu");
    expect(lines).toEqual(["device: cpu"]);
  });

  it("leaves an engine working where the device is missing", async () => {
    const engine = createEngine({ device: "coreml", say: () => {} });
    if ((await engine.device()) !== "cpu") return;
    const program = await engine.compile(doubling);
    expect(program.inputNames.length).toBeGreaterThan(0);
    await program.dispose();
  });
});
