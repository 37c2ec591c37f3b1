import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import type { Codec, Engine, ModelStages, Program, StageOutputs, StageRequest } from "../platform/platform.ts";

type Answers = ReadonlyMap<string, Tensor>;
type Compiled = Readonly<Record<"whole" | "prepare" | "network", Program>>;

/** A served model, whole and in stages, ready to run. Whoever opens it disposes of it. */
export class StagePrograms {
  readonly #stages: ModelStages;
  readonly #programs: Compiled;

  private constructor(stages: ModelStages, programs: Compiled) {
    this.#stages = stages;
    this.#programs = programs;
  }

  static async open(stages: ModelStages, engine: Engine): Promise<StagePrograms> {
    const compiled = (model: Uint8Array) => engine.compile(model, { releaseMemory: true });
    return new StagePrograms(stages, {
      whole: await compiled(stages.whole),
      prepare: await compiled(stages.prepare),
      network: await compiled(stages.network),
    });
  }

  /** uint8 [1, H, W, 3] → uint8 [1, side, side, 3]. */
  async prepare(decoded: Tensor): Promise<Tensor> {
    const outputs = await this.#programs.prepare.run({ [this.#stages.imageInput]: decoded });
    return outputs[this.#stages.preparedInput] ?? Tensor.of("uint8", [0], new Uint8Array(0));
  }

  /** uint8 [1, side, side, 3] → answers by name. */
  async network(prepared: Tensor): Promise<Answers> {
    return new Map(Object.entries(await this.#programs.network.run({ [this.#stages.preparedInput]: prepared })));
  }

  /** uint8 [1, H, W, 3] → answers by name. */
  async whole(decoded: Tensor): Promise<Answers> {
    return new Map(Object.entries(await this.#programs.whole.run({ [this.#stages.imageInput]: decoded })));
  }

  async dispose(): Promise<void> {
    for (const program of Object.values(this.#programs)) await program.dispose();
  }
}

/** Runs each stage of a model on what the stage before it should have given, and the whole of it on the images' files. */
export async function runStages(
  { stages, images }: StageRequest,
  { engine, codec }: { readonly engine: Engine; readonly codec: Codec },
  signal: AbortSignal,
): Promise<readonly StageOutputs[]> {
  const programs = await StagePrograms.open(stages, engine);
  try {
    const found: StageOutputs[] = [];
    for (const { bytes, decoded, prepared } of images) {
      if (signal.aborted) throw new GraftError("interrupted", "stopped before all images were compared.");
      const pixels = imageTensor(await codec.decode(bytes, limitPixels));
      found.push({
        decoded: pixels,
        prepared: await programs.prepare(decoded),
        answers: await programs.network(prepared),
        served: await programs.whole(pixels),
      });
    }
    return found;
  } finally {
    await programs.dispose();
  }
}
