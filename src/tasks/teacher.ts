import { readLabels } from "../artefact/modelFile.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Platform } from "../platform/platform.ts";
import type { Teacher } from "../transfer/distil.ts";
import { modelPath } from "./servedModel.ts";

/** Whoever opens it disposes of it. */
export interface OpenTeacher extends Teacher {
  /** Of its file. */
  readonly bytes: number;
  dispose(): Promise<void>;
}

/** A run folder or a model.onnx as a teacher of these labels. Throws `data` when it knows others. */
export async function openTeacher(path: string, labels: readonly string[], platform: Platform): Promise<OpenTeacher> {
  const file = await modelPath(path, platform.store);
  const bytes = await platform.store.read(file);
  const known = readLabels(bytes, file);
  const columns = labels.map((label) => {
    const at = known.indexOf(label);
    if (at >= 0) return at;
    throw new GraftError(
      "data",
      `--teacher: "${path}" does not know the class "${label}" (it knows ${known.join(", ")}).${didYouMean(label, known)} ` +
        "Train the teacher on these classes.",
    );
  });
  if (known.length !== labels.length) {
    const beyond = known.filter((label) => !labels.includes(label)).map((label) => `"${label}"`);
    throw new GraftError(
      "data",
      `--teacher: "${path}" knows classes that the data set lacks: ${beyond.join(", ")}. Train the teacher on these classes.`,
    );
  }
  const program = await platform.engine.compile(bytes);
  return {
    hash: platform.digest(bytes),
    bytes: bytes.length,
    async answer(image: Tensor) {
      const { probabilities } = await program.run({ image });
      if (probabilities === undefined) throw new GraftError("model", `"${file}" has no output "probabilities".`);
      const rows = probabilities.floats;
      return Float32Array.from(rows, (_, i) => {
        const c = i % columns.length;
        return rows[i - c + (columns[c] ?? c)] ?? 0;
      });
    },
    dispose: () => program.dispose(),
  };
}
