/** Separable convolutions of each stage of MobileNetV1, which Keras numbers through from 1. */
const mobilenetV1Blocks = [1, 2, 2, 6, 2];

const inBlock: Readonly<Record<string, string>> = {
  conv_dw: "conv_dw",
  conv_dw_bn: "bn1",
  conv_pw: "conv_pw",
  conv_pw_bn: "bn2",
};
const outside: Readonly<Record<string, string>> = {
  conv1: "conv_stem",
  conv1_bn: "bn1",
  conv_preds: "classifier",
};

/** keras.applications' names of MobileNetV1's tensors, in PyTorch's layout, as timm's: `conv_dw_2_bn.bias` is `blocks.1.0.bn1.bias`. Others stay. */
export function kerasMobilenetV1(name: string): string {
  const [, layer = "", last = ""] = /^(\w+)\.(\w+)$/.exec(name) ?? [];
  if (Object.hasOwn(outside, layer)) return `${outside[layer]}.${last}`;
  const [, kind = "", number = "", norm = ""] = /^(conv_[dp]w)_(\d+)(_bn)?$/.exec(layer) ?? [];
  const module = inBlock[kind + norm];
  if (module === undefined) return name;
  let index = Number(number) - 1;
  for (const [stage, count] of mobilenetV1Blocks.entries()) {
    if (index < count) return `blocks.${stage}.${index}.${module}.${last}`;
    index -= count;
  }
  return name;
}
