import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../base/safetensors.ts";
import type { Tensor } from "../base/tensor.ts";

/** An image that travels with a model, and what the model made of it when it was saved. */
export interface GoldenImage {
  /** In the folder of golden images. */
  readonly file: string;
  /** Of the image's file. */
  readonly sha256: string;
  /** uint8 [1, H, W, 3]. */
  readonly decoded: Tensor;
  /** uint8 [1, side, side, 3]. */
  readonly prepared: Tensor;
  /** By the names of the model's outputs. */
  readonly answers: ReadonlyMap<string, Tensor>;
}

/** What the file with the expected values is called. */
export const expectedFile = "expected.safetensors";

const listSchema = z.array(
  z.object({ file: z.string().regex(/^\w[\w.-]*$/), sha256: z.string().regex(/^[\da-f]{64}$/) }),
);

/** The parts of a safetensors file: tensors `decoded/0`, `prepared/0`, `answers/0/probabilities`, … */
export function encodeGolden(images: readonly GoldenImage[]): readonly Uint8Array[] {
  const tensors = images.flatMap(({ decoded, prepared, answers }, i): [string, Tensor][] => [
    [`decoded/${i}`, decoded],
    [`prepared/${i}`, prepared],
    ...Array.from(answers, ([name, tensor]): [string, Tensor] => [`answers/${i}/${name}`, tensor]),
  ]);
  const list = images.map(({ file, sha256 }) => ({ file, sha256 }));
  return encodeSafetensors({ tensors: new Map(tensors), metadata: { "graft.golden": JSON.stringify(list) } });
}

/** Throws `model` for a file that `encodeGolden` did not write. */
export function decodeGolden(bytes: Uint8Array, fileName: string): readonly GoldenImage[] {
  const { tensors, metadata } = decodeSafetensors(bytes, fileName);
  const damaged = () =>
    new GraftError(
      "model",
      `"${fileName}" does not hold golden images as training writes them. Train the model again.`,
    );
  const list = listSchema.safeParse(parseJson(metadata["graft.golden"]));
  if (!list.success) throw damaged();
  return list.data.map(({ file, sha256 }, i) => {
    const [decoded, prepared] = [tensors.get(`decoded/${i}`), tensors.get(`prepared/${i}`)];
    const start = `answers/${i}/`;
    const answers = [...tensors].filter(([name]) => name.startsWith(start));
    if (decoded === undefined || prepared === undefined || answers.length === 0) throw damaged();
    return {
      file,
      sha256,
      decoded,
      prepared,
      answers: new Map(answers.map(([name, tensor]) => [name.slice(start.length), tensor])),
    };
  });
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
