import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";

/** A published network without weights. Parameters have the names of torchvision's or timm's state dict, `/` for `.`. */
export interface Architecture {
  /** Pixels on a side that it was published for, and the fewest at which it works. */
  readonly side: number;
  readonly smallestSide: number;
  /** What a new head sees of normalised images x [N, 3, H, W]: maps [N, C, h, w], or vectors [N, C]. */
  features(scope: Scope, x: Value): Value;
  /** Logits [N, classes] of those features, by the layers that the network was published with. */
  top(scope: Scope, features: Value, classes: number): Value;
  /** The last linear layer's name in the state dict, such as "fc". */
  readonly classifier: string;
  /** Beginnings of names that published files hold and the network does without, such as auxiliary classifiers. */
  readonly unused?: readonly string[];
}
