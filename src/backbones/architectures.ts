import { didYouMean, GraftError } from "../base/errors.ts";
import type { Architecture } from "./architecture.ts";
import { resnetArchitectures } from "./resnet.ts";
import { squeezenetArchitectures } from "./squeezenet.ts";

/** Every architecture by its name; a file of its own exports each family. */
export const architectures: Readonly<Record<string, Architecture>> = {
  ...resnetArchitectures,
  ...squeezenetArchitectures,
};

/** The architecture called `name`. Throws `usage`, naming the nearest, when there is none. */
export function architecture(name: string): Architecture {
  const found = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (found !== undefined) return found;
  throw new GraftError("usage", `unknown architecture "${name}".${didYouMean(name, Object.keys(architectures))}`);
}
