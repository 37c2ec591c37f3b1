import type { InferenceSession } from "onnxruntime-common";
import { GraftError, messageOf } from "../base/errors.ts";
import { emit } from "../graph/emit.ts";
import { input } from "../graph/value.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { add } from "../ops/arithmetic.ts";
import { type DeviceName, type DeviceWish, deviceNames } from "../platform/platform.ts";
import type { Runtime } from "./runtime.ts";

/**
 * The device that a wish comes down to: the one named, or for `auto` the first that the runtime ships with and that works.
 * A device counts as working when a small graph has run on it; where none does, one line says so and it is the CPU.
 */
export async function chooseDevice(
  wish: Exclude<DeviceWish, "cpu">,
  runtime: Runtime,
  say: (line: string) => void,
): Promise<DeviceName> {
  const backends = runtime.ort.listSupportedBackends?.() ?? [];
  const bundled = backends.filter((backend) => backend.bundled).map(({ name }) => name);
  const candidates = wish === "auto" ? deviceNames.filter((name) => name !== "cpu" && bundled.includes(name)) : [wish];
  for (const name of candidates) {
    const problem = backends.some((backend) => backend.name === name)
      ? await tried(name, runtime)
      : "not in this build";
    if (problem === undefined) {
      say(`device: ${name}; operators that it lacks run on the CPU`);
      return name;
    }
    if (wish !== "auto") say(`warning: the device "${name}" does not work here (${problem}); running on the CPU.`);
  }
  if (wish === "auto") say("device: cpu");
  return "cpu";
}

/** What a session for `model` on the device is told of where to run: the device first, then the CPU. */
export function providersFor(
  device: Exclude<DeviceName, "cpu">,
  { provider }: Runtime,
  model: Uint8Array,
): readonly InferenceSession.ExecutionProviderConfig[] {
  const forceCpuNodeNames = device === "webgpu" ? brokenOnWebgpu(model) : [];
  // The runtime takes no empty list.
  return [forceCpuNodeNames.length === 0 ? device : { name: device, forceCpuNodeNames }, provider];
}

/** Nodes that this provider takes and then cannot run: max-pooling that also gives its indices, as training needs. */
function brokenOnWebgpu(model: Uint8Array): readonly string[] {
  const { nodes } = readModel(model).graph;
  return nodes.filter(({ op, outputs }) => op === "MaxPool" && outputs.length > 1).map(({ name }) => name);
}

/** Why a small graph does not run on the device, or nothing when it does. */
async function tried(name: DeviceName, { ort }: Runtime): Promise<string | undefined> {
  const x = input("x", "float32", [2]);
  const model = writeModel(emit({ name: "device probe", inputs: [x], outputs: { y: add(x, 1) } }));
  try {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [name, "cpu"],
      logSeverityLevel: 4,
    });
    const { y } = await session.run({ x: new ort.Tensor("float32", Float32Array.of(1, 2), [2]) });
    await session.release();
    return y?.data[0] === 2 && y.data[1] === 3 ? undefined : "it computes wrong results";
  } catch (thrown) {
    if (thrown instanceof GraftError) throw thrown;
    return (
      messageOf(thrown)
        .replace(/^.*was false\. /s, "")
        .split("\n", 1)[0]
        ?.slice(0, 120) ?? ""
    );
  }
}
