import type { Value } from "../graph/value.ts";
import type { Normalisation } from "../image/prepare.ts";
import type { Scope } from "../nn/scope.ts";
import { imagenetNormalisation } from "./cards.ts";

/** A published network: data, and pure functions that write its graph with the parameter names of published state dicts. */
export interface Architecture {
  /** As in torchvision or timm. */
  readonly name: string;
  /** Height and width that it was published for, in pixels. */
  readonly side: number;
  /** The least height and width that every layer can work on. */
  readonly smallestSide: number;
  /** Height and width must be multiples of this: a transformer's patch. */
  readonly sideStep: number;
  readonly channels: number;
  /** What `body` gives: maps [N, features, H', W'], or one vector an image, [N, features]. */
  readonly features: "maps" | "vector";
  /** Features of images [N, C, H, W], normalised as the weights expect. */
  readonly body: (scope: Scope, images: Value) => Value;
  /** Class scores before softmax, [N, classes], from the features. */
  readonly top: (scope: Scope, features: Value, classes: number) => Value;
  /** Of pixels, as its usual weights want it. */
  readonly normalisation: Normalisation;
  /** How names of tensors begin that published state dicts hold and this graph does without: auxiliary classifiers. */
  readonly unused: readonly string[];
}

/** What an architecture must say; the rest has the values of an ImageNet classifier for 224×224 pixels. */
export type Description = Pick<Architecture, "smallestSide" | "body" | "top"> &
  Partial<Pick<Architecture, "side" | "sideStep" | "channels" | "features" | "normalisation" | "unused">>;

/** One architecture for each row of a table of configurations. */
export function architecturesOf<C>(
  configurations: Readonly<Record<string, C>>,
  describe: (configuration: C) => Description,
): readonly Architecture[] {
  const common = { side: 224, sideStep: 1, channels: 3, features: "maps", unused: [] } as const;
  const normalisation = imagenetNormalisation;
  return Object.entries(configurations).map(([name, configuration]) => ({
    ...common,
    normalisation,
    name,
    ...describe(configuration),
  }));
}

/** Whether a state dict of this architecture may hold `name` (with PyTorch's dots) although the graph has no such parameter. */
export function isUnused({ unused }: Architecture, name: string): boolean {
  return name.endsWith(".num_batches_tracked") || unused.some((beginning) => name.startsWith(beginning));
}
