import { GraftError } from "../base/errors.ts";
import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";

/** A published network without weights. Parameters have the names of torchvision's or timm's state dict, `/` for `.`. */
export interface Architecture {
  /** Pixels on a side that it was published for, and the fewest at which every layer has something to work on. */
  readonly side: number;
  readonly smallestSide: number;
  /** Sides must be multiples of this, a transformer's patch. Default 1. */
  readonly sideStep?: number;
  /** Default 3. */
  readonly channels?: number;
  /** What a new head sees of normalised images x [N, 3, H, W]: maps [N, C, h, w], or vectors [N, C]. */
  features(scope: Scope, x: Value): Value;
  /** Logits [N, classes] of those features, by the layers that the network was published with. */
  top(scope: Scope, features: Value, classes: number): Value;
  /** The name in the state dict below which the parameters of `top` lie, such as "fc". */
  readonly classifier: string;
  /** Beginnings of names that published files hold and the network does without, such as auxiliary classifiers. */
  readonly unused?: readonly string[];
}

/** One architecture for each row of a table of configurations, for images of 224 pixels unless it says otherwise. */
export function architecturesOf<C>(
  configurations: Readonly<Record<string, C>>,
  describe: (configuration: C) => Omit<Architecture, "side"> & Partial<Pick<Architecture, "side">>,
): Readonly<Record<string, Architecture>> {
  const rows = Object.entries(configurations).map(([name, each]) => [name, { side: 224, ...describe(each) }] as const);
  return Object.fromEntries(rows);
}

/** Whether a published state dict may hold `name` (with PyTorch's dots) although the network has no such parameter. */
export function isUnused({ unused = [] }: Architecture, name: string): boolean {
  return name.endsWith(".num_batches_tracked") || unused.some((beginning) => name.startsWith(beginning));
}

/** Throws `usage` when the network called `name` cannot take images of that size. */
export function checkSides(name: string, architecture: Architecture, height: number, width: number): void {
  const { smallestSide, sideStep = 1 } = architecture;
  const found = `${name}: images of ${height}×${width} pixels`;
  if (Math.min(height, width) < smallestSide) {
    throw new GraftError("usage", `${found} are too small; ${smallestSide}×${smallestSide} at least. Enlarge them.`);
  }
  if (height % sideStep !== 0 || width % sideStep !== 0) {
    const [h, w] = [height, width].map((side) => Math.round(side / sideStep) * sideStep);
    throw new GraftError(
      "usage",
      `${found} do not divide into its patches of ${sideStep}. Resize them, to ${h}×${w} say.`,
    );
  }
}
