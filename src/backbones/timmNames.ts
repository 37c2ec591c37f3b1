/** Blocks of each stage of MobileNetV2, which torchvision numbers through. */
const mobilenetV2Blocks = [1, 2, 3, 4, 3, 3, 1];

/** Where timm's layers of an inverted residual lie in torchvision's; the first block has no expansion. */
const inExpanded: Readonly<Record<string, string>> = {
  conv_pw: "0.0",
  bn1: "0.1",
  conv_dw: "1.0",
  bn2: "1.1",
  conv_pwl: "2",
  bn3: "3",
};
const inFirst: Readonly<Record<string, string>> = { conv_dw: "0.0", bn1: "0.1", conv_pw: "1", bn2: "2" };
const outside: Readonly<Record<string, string>> = {
  conv_stem: "features.0.0",
  bn1: "features.0.1",
  conv_head: "features.18.0",
  bn2: "features.18.1",
  classifier: "classifier.1",
};

/** timm's names of MobileNetV2's tensors as torchvision's: `blocks.1.0.conv_pw.weight` is `features.2.conv.0.0.weight`. Others stay. */
export function timmMobilenetV2(name: string): string {
  const [, stage = "", block = "", layer = "", rest = ""] = /^blocks\.(\d+)\.(\d+)\.(\w+)\.(\w+)$/.exec(name) ?? [];
  if (layer === "") {
    const [, first = "", last = ""] = /^(\w+)\.(\w+)$/.exec(name) ?? [];
    return outside[first] === undefined ? name : `${outside[first]}.${last}`;
  }
  const place = (stage === "0" ? inFirst : inExpanded)[layer];
  if (place === undefined) return name;
  let index = 1 + Number(block);
  for (const count of mobilenetV2Blocks.slice(0, Number(stage))) index += count;
  return `features.${index}.conv.${place}.${rest}`;
}

/** timm's VGG has torchvision's names, but its classifier is made of convolutions, which a network of features does without. */
export function timmVgg(name: string): string | undefined {
  return name.startsWith("features.") ? name : undefined;
}
