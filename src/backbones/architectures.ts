import { didYouMean, GraftError } from "../base/errors.ts";
import { alexnetArchitectures } from "./alexnet.ts";
import type { Architecture } from "./architecture.ts";
import { cifarResnetArchitectures } from "./cifarResnet.ts";
import { convnextArchitectures } from "./convnext.ts";
import { densenetArchitectures } from "./densenet.ts";
import { efficientnetArchitectures } from "./efficientnet.ts";
import { efficientnetLiteArchitectures } from "./efficientnetLite.ts";
import { googlenetArchitectures } from "./googlenet.ts";
import { inceptionV3Architectures } from "./inceptionV3.ts";
import { lenet5Architectures } from "./lenet5.ts";
import { mobilenetV1Architectures } from "./mobilenetV1.ts";
import { mobilenetV2Architectures } from "./mobilenetV2.ts";
import { mobilenetV3Architectures } from "./mobilenetV3.ts";
import { resnetArchitectures } from "./resnet.ts";
import { shufflenetV2Architectures } from "./shufflenetV2.ts";
import { squeezenetArchitectures } from "./squeezenet.ts";
import { vggArchitectures } from "./vgg.ts";
import { visionTransformerArchitectures } from "./visionTransformer.ts";

const families = [
  lenet5Architectures,
  alexnetArchitectures,
  vggArchitectures,
  googlenetArchitectures,
  inceptionV3Architectures,
  resnetArchitectures,
  cifarResnetArchitectures,
  densenetArchitectures,
  squeezenetArchitectures,
  mobilenetV1Architectures,
  mobilenetV2Architectures,
  mobilenetV3Architectures,
  shufflenetV2Architectures,
  efficientnetArchitectures,
  efficientnetLiteArchitectures,
  convnextArchitectures,
  visionTransformerArchitectures,
];

/** Every architecture by its name. */
export const architectures: ReadonlyMap<string, Architecture> = new Map(
  families.flat().map((architecture) => [architecture.name, architecture]),
);

/** The architecture called `name`. Throws `usage` for an unknown one. */
export function architectureNamed(name: string): Architecture {
  const found = architectures.get(name);
  if (found !== undefined) return found;
  const near = didYouMean(name, architectures.keys());
  throw new GraftError(
    "usage",
    `unknown architecture "${name}".${near || ` Known: ${[...architectures.keys()].join(", ")}.`}`,
  );
}
