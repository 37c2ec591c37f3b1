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

/** Every architecture by its name; a file of its own exports each family. */
export const architectures: Readonly<Record<string, Architecture>> = {
  ...lenet5Architectures,
  ...alexnetArchitectures,
  ...vggArchitectures,
  ...googlenetArchitectures,
  ...inceptionV3Architectures,
  ...resnetArchitectures,
  ...cifarResnetArchitectures,
  ...densenetArchitectures,
  ...squeezenetArchitectures,
  ...mobilenetV1Architectures,
  ...mobilenetV2Architectures,
  ...mobilenetV3Architectures,
  ...shufflenetV2Architectures,
  ...efficientnetArchitectures,
  ...efficientnetLiteArchitectures,
  ...convnextArchitectures,
  ...visionTransformerArchitectures,
};

/** The architecture called `name`. Throws `usage`, naming the nearest, when there is none. */
export function architecture(name: string): Architecture {
  const found = Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (found !== undefined) return found;
  const near = didYouMean(name, Object.keys(architectures)) || ` Known: ${Object.keys(architectures).join(", ")}.`;
  throw new GraftError("usage", `unknown architecture "${name}".${near}`);
}
