import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { ImageOutputs } from "../tasks/imageAnswers.ts";
import type { ImageModel } from "../tasks/imageModel.ts";
import type { Deadline } from "./deadline.ts";
import { HttpError } from "./httpError.ts";
import type { LiveModel } from "./liveModel.ts";
import type { Turns } from "./turns.ts";

export interface Answered {
  readonly model: ImageModel;
  readonly version: number;
  /** One for each image. */
  readonly rows: readonly ImageOutputs[];
}

/** One image of a request: what it is called, and how it is prepared. */
export interface RequestedImage {
  readonly name: string;
  prepare(model: ImageModel): Promise<Tensor>;
}

/** Prepares images in turns and answers them in batches that they may share with other requests. */
export function answerImages(
  live: LiveModel,
  images: readonly RequestedImage[],
  { turns, deadline }: { readonly turns: Turns; readonly deadline: Deadline },
): Promise<Answered> {
  const version = live.versionNumber;
  const work = live.use(async (model, batcher) => {
    const rows = await Promise.allSettled(
      images.map(async ({ name, prepare }) => {
        const prepared = await turns.take(() => prepareInTime(name, () => prepare(model), deadline));
        return batcher.add(prepared);
      }),
    );
    return { model, version, rows: rows.map(settled) };
  });
  return deadline.within(work, "timeout");
}

/** Nothing is decoded for a client that has had its refusal. */
async function prepareInTime(name: string, prepare: () => Promise<Tensor>, deadline: Deadline): Promise<Tensor> {
  if (deadline.isOver) throw new HttpError("timeout", "no time was left to decode it.");
  try {
    return await prepare();
  } catch (error) {
    if (error instanceof GraftError && error.code === "input") {
      throw new HttpError("unusable", `"${name}": ${error.message}.`);
    }
    throw error;
  }
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "fulfilled") return result.value;
  throw result.reason;
}
