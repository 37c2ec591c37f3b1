import type { DeviceWish } from "../platform/platform.ts";
import { ImageModel } from "../tasks/imageModel.ts";
import { createCodec } from "./codec.ts";
import { createEngine } from "./engine.ts";
import { createStore } from "./store.ts";
import { createWorkerEngine } from "./workerEngine.ts";

export interface LoadOptions {
  /** Worker threads to compute on, for servers that must not block; default 0: on the thread that calls. */
  readonly workers?: number;
  /** Processor threads inside one operator; default: all, divided among the workers. */
  readonly threads?: number;
  /** Default: the CPU. */
  readonly device?: DeviceWish;
}

/** A model that `load` opened. */
export type LoadedModel = Pick<
  ImageModel,
  "path" | "answers" | "labels" | "classify" | "classifyBatch" | "targets" | "dispose"
>;

/**
 * Opens a trained model: `const model = await load("runs/photos"); await model.classify(bytes)`.
 *
 * @param path a run folder or a model.onnx
 * @throws `input` where there is none, `model` for a file that Graft did not write
 */
export async function load(path: string, { workers = 0, ...options }: LoadOptions = {}): Promise<LoadedModel> {
  const platform = { codec: createCodec(), store: createStore() };
  if (workers === 0) return ImageModel.open(path, { ...platform, engine: createEngine(options) });
  const engine = createWorkerEngine({ workers, ...options });
  try {
    const model = await ImageModel.open(path, { ...platform, engine });
    return withEnd(model, () => engine.close());
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** The model, which ends its threads when it is disposed of. */
function withEnd(model: ImageModel, end: () => Promise<void>): LoadedModel {
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
