import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../base/safetensors.ts";
import { Tensor } from "../base/tensor.ts";
import type { Callback } from "./callbacks.ts";
import type { FitProgress } from "./progress.ts";
import { TrainingState } from "./state.ts";

/** `NaN` is no JSON; callbacks use it for "nothing yet". */
const number = z.union([z.number(), z.null().transform(() => Number.NaN)]);
const numbers = z.record(z.string(), number);
const progressSchema = z.object({
  epoch: z.number(),
  batch: z.number(),
  seen: z.number(),
  sums: numbers,
  epochMs: z.number(),
  rateFactor: z.number(),
  learningRate: z.number(),
  stopReason: z.string().optional(),
  finished: z.boolean(),
  history: z.array(z.object({ epoch: z.number() }).catchall(number)),
});
const metadataSchema = z.object({
  step: z.coerce.number().int(),
  progress: z.string().transform((text) => progressSchema.parse(JSON.parse(text))),
  callbacks: z
    .string()
    .transform((text) => z.array(z.object({ name: z.string(), values: numbers })).parse(JSON.parse(text))),
});

/** A fit as one safetensors file: parameters, optimiser state, callback memory and progress. Equal fits give equal files, but for durations. */
export function encodeCheckpoint(
  progress: FitProgress,
  state: TrainingState,
  callbacks: readonly Callback[],
): readonly Uint8Array[] {
  const tensors = new Map<string, Tensor>();
  for (const [path, tensor] of state.current) tensors.set(`state:${path}`, tensor);
  const saved = callbacks.map((callback) => ({ name: callback.name, ...callback.save() }));
  saved.forEach(({ tensors: own }, i) => {
    for (const [path, tensor] of own) tensors.set(`callback:${i}:${path}`, tensor);
  });
  const metadata = {
    format: "graft-checkpoint-1",
    step: String(state.step),
    progress: JSON.stringify(progress),
    callbacks: JSON.stringify(saved.map(({ name, values }) => ({ name, values }))),
  };
  return encodeSafetensors({ tensors, metadata });
}

/** Reads a checkpoint back into `callbacks` and a new state. Throws `model` when it does not belong to this plan. */
export function decodeCheckpoint(
  bytes: Uint8Array,
  fileName: string,
  callbacks: readonly Callback[],
): { progress: FitProgress; state: TrainingState } {
  const file = decodeSafetensors(bytes, fileName);
  const parsed = metadataSchema.safeParse(file.metadata);
  if (!parsed.success)
    throw new GraftError("model", `"${fileName}" is a safetensors file but not a checkpoint of Graft.`);
  const { step, progress, callbacks: saved } = parsed.data;
  const tensors = new Map<string, Tensor>();
  const own = callbacks.map(() => new Map<string, Tensor>());
  for (const [name, tensor] of file.tensors) {
    // The engine writes into these later: they must not stay views of the file.
    const copy = new Tensor(tensor.dtype, tensor.shape, tensor.bytes.slice());
    if (name.startsWith("state:")) tensors.set(name.slice("state:".length), copy);
    const [, index = "", path = ""] = /^callback:(\d+):(.*)$/s.exec(name) ?? [];
    own[Number(index || -1)]?.set(path, copy);
  }
  if (saved.map(({ name }) => name).join() !== callbacks.map(({ name }) => name).join()) {
    throw new GraftError(
      "model",
      `"${fileName}" was written with other callbacks (${saved.map(({ name }) => name).join(", ") || "none"}).`,
    );
  }
  callbacks.forEach((callback, i) => {
    callback.restore({ values: saved[i]?.values ?? {}, tensors: own[i] ?? new Map() });
  });
  const state = new TrainingState(tensors);
  state.step = step;
  return { progress: { ...progress, stopReason: progress.stopReason, history: [...progress.history] }, state };
}
