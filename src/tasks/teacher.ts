import { didYouMean, GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform } from "../platform/platform.ts";
import type { Teacher } from "../transfer/distil.ts";
import { ServedModel } from "./servedModel.ts";

/** A run folder or a model.onnx as a teacher of these labels. Throws `data` when it knows others. Whoever opens it disposes of it. */
export async function openTeacher(
  path: string,
  labels: readonly string[],
  platform: Platform,
): Promise<Teacher & { dispose(): Promise<void> }> {
  const model = await ServedModel.open(path, platform, { oneSize: true });
  try {
    const columns = columnsOf(labels, model.labels, path);
    return {
      hash: model.hash,
      async answer(pixels) {
        const rows = await model.answer(withBorder(pixels, model.preparation));
        return rows.map((_, i) => {
          const c = i % columns.length;
          return rows[i - c + (columns[c] ?? c)] ?? 0;
        });
      },
      dispose: () => model.dispose(),
    };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** Where each label stands among the known ones. */
function columnsOf(labels: readonly string[], known: readonly string[], path: string): readonly number[] {
  const beyond = known.filter((label) => !labels.includes(label)).map((label) => `"${label}"`);
  const columns = labels.map((label) => {
    const at = known.indexOf(label);
    if (at >= 0) return at;
    throw new GraftError(
      "data",
      `--teacher: "${path}" does not know the class "${label}" (it knows ${known.join(", ")}).${didYouMean(label, known)} ` +
        "Train the teacher on these classes.",
    );
  });
  if (beyond.length === 0) return columns;
  throw new GraftError(
    "data",
    `--teacher: "${path}" knows classes that the data set lacks: ${beyond.join(", ")}. Train the teacher on these classes.`,
  );
}

/**
 * The views [N, side, side, 3] with as much border, their own edges repeated, as the teacher's preparation cuts off: it sees what the student
 * sees, no less.
 */
export function withBorder(pixels: Tensor, { resizeTo, cropTo }: Preparation): Tensor {
  const [count = 0, side = 0] = pixels.shape;
  const border = Math.round((side * (resizeTo / cropTo - 1)) / 2);
  if (border <= 0) return pixels;
  const wide = side + 2 * border;
  const within = (place: number) => Math.min(side - 1, Math.max(0, place - border));
  const { bytes } = pixels;
  const bordered = new Uint8Array(count * wide * wide * 3);
  let to = 0;
  for (let image = 0; image < count; image++) {
    for (let y = 0; y < wide; y++) {
      const row = (image * side + within(y)) * side;
      for (let x = 0; x < wide; x++) {
        const from = 3 * (row + within(x));
        for (let channel = 0; channel < 3; channel++) bordered[to++] = bytes[from + channel] ?? 0;
      }
    }
  }
  return Tensor.of("uint8", [count, wide, wide, 3], bordered);
}
