import type { DeviceWish } from "../platform/platform.ts";
import { ImageModel } from "../tasks/imageModel.ts";
import { createCodec } from "./codec.ts";
import { createEngine } from "./engine.ts";
import { createStore } from "./store.ts";
import { createWorkerEngine } from "./workerEngine.ts";

export interface LoadOptions<Label extends string = string> {
  /** The labels that your program knows, for its types: a model with others is refused. */
  readonly labels?: readonly Label[];
  /** Worker threads to compute on, for servers that must not block; default 0: on the thread that calls. */
  readonly workers?: number;
  /** Processor threads inside one operator; default: all, divided among the workers. */
  readonly threads?: number;
  /** Default: the CPU. */
  readonly device?: DeviceWish;
}

/** A model that `load` opened. */
export type LoadedModel<Label extends string = string> = Pick<
  ImageModel<Label>,
  "path" | "answers" | "labels" | "classify" | "classifyBatch" | "targets" | "dispose"
>;

/**
 * Opens a trained model: `const model = await load("runs/photos"); await model.classify(bytes)`.
 *
 * @param path a run folder or a model.onnx
 * @throws `input` where there is none, `model` for a file that Graft did not write, or with other labels than yours
 */
export async function load<const Label extends string = string>(
  path: string,
  { workers = 0, labels, ...options }: LoadOptions<Label> = {},
): Promise<LoadedModel<Label>> {
  const platform = { codec: createCodec(), store: createStore() };
  if (workers === 0) return ImageModel.open(path, { ...platform, engine: createEngine(options) }, labels);
  const engine = createWorkerEngine({ workers, ...options });
  try {
    const model = await ImageModel.open(path, { ...platform, engine }, labels);
    return withEnd(model, () => engine.close());
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** The model, which ends its threads when it is disposed of. */
function withEnd<Label extends string>(model: ImageModel<Label>, end: () => Promise<void>): LoadedModel<Label> {
  return {
    path: model.path,
    answers: model.answers,
    get labels() {
      return model.labels;
    },
    classify: (image) => model.classify(image),
    classifyBatch: (images) => model.classifyBatch(images),
    targets: (image) => model.targets(image),
    dispose: async () => {
      await model.dispose();
      await end();
    },
  };
}
