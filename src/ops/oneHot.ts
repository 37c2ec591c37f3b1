import { constantOf, type Value } from "../graph/value.ts";
import { cast, equal } from "./comparison.ts";
import { reshape } from "./layout.ts";

/** Class indices [N] int32 as rows [N, classes] float32 with a 1 at the index; an index outside gives zeros. */
export function oneHot(indices: Value, classes: number): Value {
  const every = constantOf("int32", [1, classes], [...Array(classes).keys()]);
  return cast(equal(reshape(indices, [-1, 1]), every), "float32");
}
