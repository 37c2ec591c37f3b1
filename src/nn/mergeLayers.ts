import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { sameShape } from "../base/shapes.ts";
import type { Value } from "../graph/value.ts";
import { add as addOp } from "../ops/arithmetic.ts";
import { concat } from "../ops/layout.ts";
import { defineLayer, type Layer } from "./layer.ts";

const adding = defineLayer("Add", {
  schema: z.object({}),
  build(_scope, inputs) {
    const [first, ...rest] = several("Add", inputs);
    for (const x of rest) {
      if (!sameShape(x.shape, first.shape)) {
        throw new GraftError("shape", `Add: inputs of one shape expected, got [${first.shape}] and [${x.shape}].`);
      }
    }
    return rest.reduce((sum, x) => addOp(sum, x), first);
  },
});

const joining = defineLayer("Concatenate", {
  schema: z.object({}),
  build: (_scope, inputs) => concat(...several("Concatenate", inputs), { axis: 1 }),
});

/** The sum of its inputs, as `keras.layers.Add`. */
export function add(options: { readonly name?: string } = {}): Layer {
  return adding(options);
}

/** Its inputs side by side along the channels, as `keras.layers.Concatenate`. */
export function concatenate(options: { readonly name?: string } = {}): Layer {
  return joining(options);
}

function several(kind: string, inputs: readonly Value[]): readonly Value[] {
  if (inputs.length >= 2) return inputs;
  throw new GraftError("shape", `${kind}: two inputs or more expected, got ${inputs.length}.`);
}
