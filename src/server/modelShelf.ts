import { didYouMean, GraftError } from "../base/errors.ts";
import type { ModelPlatform } from "../tasks/imageModel.ts";
import { HttpError } from "./httpError.ts";
import { LiveModel, type LiveModelOptions } from "./liveModel.ts";

/** The models that are served, by name. */
export class ModelShelf {
  readonly #models: ReadonlyMap<string, LiveModel>;

  private constructor(models: ReadonlyMap<string, LiveModel>) {
    this.#models = models;
  }

  /** Opens each under the name of its run folder. Throws `usage` when two are called the same. */
  static async open(paths: readonly string[], platform: ModelPlatform, options: LiveModelOptions): Promise<ModelShelf> {
    const models = new Map<string, LiveModel>();
    try {
      for (const path of paths) {
        const name = nameOf(path, platform);
        if (models.has(name)) {
          throw new GraftError("usage", `two models are called "${name}"; give their run folders different names.`);
        }
        models.set(name, await LiveModel.open(name, path, platform, options));
      }
      return new ModelShelf(models);
    } catch (error) {
      for (const model of models.values()) await model.dispose();
      throw error;
    }
  }

  get names(): readonly string[] {
    return [...this.#models.keys()];
  }

  get all(): readonly LiveModel[] {
    return [...this.#models.values()];
  }

  /** The model of that name, or the only one. Throws `notFound`, or `badRequest` where none is named among several. */
  get(name: string | undefined): LiveModel {
    const known = this.names.map((each) => `"${each}"`).join(", ");
    const [only] = this.all;
    if (name === undefined) {
      if (this.#models.size === 1 && only !== undefined) return only;
      throw new HttpError("badRequest", `several models are served; add ?model= with one of ${known}.`);
    }
    const model = this.#models.get(name);
    if (model !== undefined) return model;
    throw new HttpError("notFound", `no model "${name}" is served, only ${known}.${didYouMean(name, this.names)}`);
  }

  /** Looks for replaced files. */
  async refresh(): Promise<void> {
    for (const model of this.all) await model.refresh();
  }

  async dispose(): Promise<void> {
    for (const model of this.all) await model.dispose();
  }
}

/** The run folder's name, also where its model.onnx was given. */
function nameOf(path: string, { store }: ModelPlatform): string {
  const absolute = store.absolute(path);
  const base = store.baseName(absolute);
  if (base === "model.onnx") return store.baseName(store.absolute(store.join(absolute, "..")));
  return base.replace(/\.onnx$/, "");
}
