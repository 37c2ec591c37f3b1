import { GraftError } from "../base/errors.ts";
import { emit } from "../graph/emit.ts";
import { rewriteNamed } from "../graph/rewrite.ts";
import { substitute } from "../graph/substitute.ts";
import { nodesOf } from "../graph/traverse.ts";
import { input, type Value } from "../graph/value.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { importModel } from "../ops/importModel.ts";
import type { ModelStages } from "../platform/platform.ts";
import { imageInput, readModelMetadata } from "./modelMetadata.ts";

/** What the second stage calls its input. */
export const preparedInput = "prepared";

/** A served model cut where its images are prepared. Throws `model` for a file that Graft did not write. */
export function stagesOf(bytes: Uint8Array, fileName: string): ModelStages {
  const { cropTo } = readModelMetadata(bytes, fileName).preparation;
  const { inputs, outputs } = importModel(readModel(bytes, fileName), { fileName });
  const [image] = inputs;
  const prepared = preparedWithin([...outputs.values()], cropTo);
  if (image === undefined || prepared === undefined) {
    throw new GraftError(
      "model",
      `"${fileName}" does not lead from an image over prepared pixels to answers. Train it again.`,
    );
  }
  const fed = input(preparedInput, "uint8", ["N", cropTo, cropTo, 3]);
  const answers = rewriteNamed(outputs, (values) => substitute(values, new Map([[prepared, fed]])));
  return {
    whole: bytes,
    prepare: writeModel(emit({ name: "prepare", inputs: [image], outputs: { [preparedInput]: prepared } })),
    network: writeModel(emit({ name: "network", inputs: [fed], outputs: Object.fromEntries(answers) })),
    imageInput,
    preparedInput,
  };
}

/** The last pixels [N, side, side, 3] on the way. */
function preparedWithin(outputs: readonly Value[], side: number): Value | undefined {
  return nodesOf(outputs)
    .flatMap((node) => node.outputs)
    .findLast(({ type }) => type?.dtype === "uint8" && type.shape.slice(1).join() === `${side},${side},3`);
}
