import { GraftError } from "../base/errors.ts";
import { type MethodName, methodNames } from "../explain/attribute.ts";
import { overlay } from "../explain/overlay.ts";
import type { Codec, Pixels, WorkerEngine } from "../platform/platform.ts";
import { ExplainedModel } from "../tasks/explainedModel.ts";
import type { Deadline } from "./deadline.ts";
import { HttpError } from "./httpError.ts";
import type { LiveModel } from "./liveModel.ts";
import { Turns } from "./turns.ts";

/** What a request asks to be explained, and how. */
export interface ExplanationWishes {
  readonly method: MethodName;
  /** Default: what the model answers. */
  readonly class: string | undefined;
  /** Default: the last with feature maps. */
  readonly layer: string | undefined;
}

export interface ServedExplanation extends ExplanationWishes {
  readonly version: number;
  readonly class: string;
  readonly probability: number;
  readonly isEmpty: boolean;
  readonly map: { readonly width: number; readonly height: number; readonly values: readonly number[] };
  /** The part of the photo that the map lies over, in its pixels. */
  readonly region: Region;
  /** What the network saw, and beside it the same under the map. */
  picture(): Promise<Uint8Array>;
}

interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Explanations that wait for their turn at most; one takes as long as dozens of predictions. */
const maxWaiting = 4;

/**
 * Explains one image at a time, on a thread of its own beside the one that predicts. That thread starts with the first explanation, and
 * keeps one version of each model that was asked for.
 */
export class Explanations {
  readonly #startEngine: () => WorkerEngine;
  readonly #codec: Codec;
  readonly #turns = new Turns(1);
  readonly #opened = new Map<string, { readonly version: number; readonly model: ExplainedModel }>();
  #engine: WorkerEngine | undefined;
  #pending = 0;

  constructor(startEngine: () => WorkerEngine, codec: Codec) {
    this.#startEngine = startEngine;
    this.#codec = codec;
  }

  /** Throws `busy` where too many wait, `timeout` where the deadline comes first, `badRequest` and `unusable` for what cannot be explained. */
  async explain(
    live: LiveModel,
    bytes: Uint8Array,
    wishes: ExplanationWishes,
    { deadline, maxPixels }: { readonly deadline: Deadline; readonly maxPixels: number },
  ): Promise<ServedExplanation> {
    if (this.#pending > maxWaiting) {
      throw new HttpError("busy", `${this.#pending} explanations are under way; try again.`, { retryAfterSeconds: 1 });
    }
    const stopping = new AbortController();
    this.#pending++;
    const work = this.#turns
      .take(async () => {
        const { model, version } = await this.#open(live);
        return explained(model, version, bytes, wishes, { maxPixels, signal: stopping.signal, codec: this.#codec });
      })
      .finally(() => this.#pending--);
    try {
      return await deadline.within(work, "timeout");
    } finally {
      // Nothing is computed for a client that has had its refusal.
      stopping.abort();
    }
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }

  /** The version that predicts now. */
  async #open(live: LiveModel): Promise<{ readonly version: number; readonly model: ExplainedModel }> {
    const before = this.#opened.get(live.name);
    if (before?.version === live.versionNumber) return before;
    const { bytes, version } = await live.readFile();
    this.#engine ??= this.#startEngine();
    const model = await ExplainedModel.of(bytes, live.name, { engine: this.#engine, codec: this.#codec });
    const opened = { version, model };
    this.#opened.set(live.name, opened);
    await before?.model.dispose();
    return opened;
  }
}

async function explained(
  model: ExplainedModel,
  version: number,
  bytes: Uint8Array,
  { method, class: label, layer }: ExplanationWishes,
  { maxPixels, signal, codec }: { readonly maxPixels: number; readonly signal: AbortSignal; readonly codec: Codec },
): Promise<ServedExplanation> {
  if (signal.aborted) throw new GraftError("interrupted", "no time was left to explain it.");
  const attribution = model.attributionOf(method, layer);
  const classIndex = label === undefined ? undefined : model.classOf(label);
  const found = await model.explain(bytes, { attribution, classIndex, limit: maxPixels }, signal);
  const { width, height, values } = found.map;
  const side = model.preparation.cropTo;
  // Of the size that the network takes, whatever the photo's: drawing holds up everything else.
  const seen: Pixels = { width: side, height: side, channels: 3, data: Uint8Array.from(found.prepared) };
  return {
    version,
    method,
    layer: "layer" in attribution ? attribution.layer.name : undefined,
    class: found.label,
    probability: found.probability,
    isEmpty: found.isEmpty,
    map: { width, height, values: Array.from(values) },
    region: regionOf(found.photo, model.preparation),
    picture: () => codec.encodePng(overlay(seen, found.map, { ...model.preparation, resizeTo: side })),
  };
}

/** The square in the middle that is left when the shorter side is resized and the rest cut off. */
function regionOf({ width, height }: Pixels, { resizeTo, cropTo }: ExplainedModel["preparation"]): Region {
  const side = (cropTo * Math.min(width, height)) / resizeTo;
  return { left: (width - side) / 2, top: (height - side) / 2, width: side, height: side };
}

/** Reads the wishes of a query. Throws `badRequest` for a method that is none. */
export function explanationWishes(query: (name: string) => string | undefined): ExplanationWishes {
  const given = query("method");
  const method = given === undefined ? methodNames[0] : methodNames.find((name) => name === given);
  if (method === undefined) {
    throw new HttpError("badRequest", `"method": found "${given}"; expected one of ${methodNames.join(", ")}.`);
  }
  return { method, class: query("class"), layer: query("layer") };
}
