import type { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import type { Value } from "../graph/value.ts";
import { writeModel } from "../onnx/write.ts";
import type { Engine } from "../platform/platform.ts";
import type { TrainingState } from "./state.ts";
import { type Batch, buildStep, feedsFor, type Recipe } from "./step.ts";

/**
 * Names the first tensor of a step that is not finite, in the order in which a step computes:
 * inputs, parameters, layer outputs, loss, gradients. Runs the step once more with all of them as outputs.
 */
export async function firstBadTensor(
  recipe: Recipe,
  state: TrainingState,
  batch: Batch,
  engine: Engine,
): Promise<string> {
  if (!allFinite(batch.x)) return "the input batch";
  if (!allFinite(batch.y)) return "the targets of the batch";
  for (const [path, tensor] of state.current) if (!allFinite(tensor)) return `parameter "${path}"`;
  const dtype = batch.x.dtype === "uint8" ? "uint8" : "float32";
  const graph = buildStep(recipe, batch.x.shape[0] ?? 0, dtype);
  const probes = new Map<string, Value>();
  for (const [name, value] of graph.build.layerOutputs) probes.set(`the output of layer "${name}"`, value);
  probes.set("the loss", graph.loss);
  graph.trainable.forEach(({ path }, i) => {
    const gradient = graph.gradients[i];
    if (gradient !== undefined) probes.set(`the gradient of "${path}"`, gradient);
  });
  const program = await engine.compile(
    writeModel(emit({ name: "diagnosis", inputs: graph.inputs, outputs: Object.fromEntries(probes) })),
  );
  try {
    const values = await program.run(feedsFor(program, graph, state, batch, 0));
    for (const name of probes.keys()) {
      const tensor = values[name];
      if (tensor !== undefined && !allFinite(tensor)) return name;
    }
  } finally {
    await program.dispose();
  }
  return "the update of the parameters";
}

function allFinite(tensor: Tensor): boolean {
  if (tensor.dtype !== "float32") return true;
  return tensor.floats.every((value) => Number.isFinite(value));
}
