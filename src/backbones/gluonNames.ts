const lastNames: Readonly<Record<string, string>> = { gamma: "weight", beta: "bias" };

/** Where the numbered layers of a bottleneck, and those outside, lie in torchvision's network. */
const inBlock: Readonly<Record<string, string>> = {
  conv0: "0.0",
  batchnorm0: "0.1",
  conv1: "1.0",
  batchnorm1: "1.1",
  conv2: "2",
  batchnorm2: "3",
};
const outside: Readonly<Record<string, string>> = {
  conv0: "0.0",
  batchnorm0: "0.1",
  conv1: "18.0",
  batchnorm1: "18.1",
};

/** Gluon's names of MobileNetV2's tensors as torchvision's: `features_linearbottleneck0_batchnorm2_beta` is `features.1.conv.3.bias`. Others stay. */
export function gluonMobilenetV2(name: string): string {
  const [, block, layer = "", last = ""] = /^features_(?:linearbottleneck(\d+)_)?([a-z]+\d)_(\w+)$/.exec(name) ?? [];
  const place = (block === undefined ? outside : inBlock)[layer];
  if (place === undefined) return name;
  const above = block === undefined ? "features" : `features.${Number(block) + 1}.conv`;
  return `${above}.${place}.${lastNames[last] ?? last}`;
}
