import { meanAndDeviation, type Normalisation, type Preparation } from "../image/prepare.ts";
import type { RemoteFile } from "../platform/platform.ts";
import { gluonMobilenetV2 } from "./gluonNames.ts";
import { kerasMobilenetV1 } from "./kerasNames.ts";
import { timmMobilenetV2, timmVgg } from "./timmNames.ts";

/** What belongs to a set of published weights besides the weights. Images come in as red, green, blue. */
export interface Card {
  /** `architecture.tag`, as timm names weights: one architecture, many weights. */
  readonly name: string;
  /** Graft's name for the architecture, where it is not timm's. */
  readonly architecture?: string;
  /** Who published them, for people. */
  readonly source: string;
  /** Where they can be had; nothing for files that are known by their hash alone. */
  readonly file?: RemoteFile;
  readonly licence: string;
  /** Of the file, where known beforehand; else what the hub says of it is checked. */
  readonly sha256?: string;
  /** Millions of parameters, with the classifier. */
  readonly parameters?: number;
  /** Accuracy on ImageNet's validation images in percent, published: timm's `results/results-imagenet.csv` at 0173a139. */
  readonly top1?: number;
  /** With 1,001 classes the first is the background; 0 where there is no classifier. */
  readonly classes: 0 | 1000 | 1001;
  /** Whose names and layouts the file has; by default PyTorch's. Keras' are made PyTorch's before they are renamed. */
  readonly layout?: "keras";
  /** A tensor's name in the file as Graft's architecture has it, or nothing where that does without it; by default the same. */
  readonly rename?: (name: string) => string | undefined;
  /** Of the network's input; red first unless it says otherwise. */
  readonly channelOrder?: "bgr";
  /** Pixels on a side of the square that the network sees. */
  readonly side: number;
  readonly normalisation: Normalisation;
  /** The cropped side over the resized side, and how it is resized. */
  readonly cropFraction: number;
  readonly interpolation: Preparation["interpolation"];
}

/** x/127.5 − 1, as TensorFlow's slim models want it. */
export const minusOneToOne: Normalisation = {
  scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
  offset: [-1, -1, -1],
};

/** ImageNet's mean and deviation, as torchvision's models want it. */
export const imagenetNormalisation: Normalisation = meanAndDeviation([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/** Levels less the mean of all ImageNet, in the order red, green, blue, as Caffe's models want it. */
export const caffeNormalisation: Normalisation = { scale: [1, 1, 1], offset: [-123.68, -116.779, -103.939] };

const imagenet = {
  classes: 1000,
  side: 224,
  normalisation: imagenetNormalisation,
  cropFraction: 0.875,
} as const;

/** How torchvision's plain recipe prepares images, for weights of an architecture that come without a card. */
export function plainCard(of: Pick<Card, "side" | "normalisation">): Omit<Card, "name" | "source" | "licence"> {
  return { ...imagenet, side: of.side, normalisation: of.normalisation, interpolation: "bilinear" };
}

/** A file of timm on the hub. Repositories, licences, sizes and crops are as timm's model cards and results state them. */
function timm(name: string, revision = "main"): RemoteFile {
  return { kind: "hub", repository: `timm/${name}`, revision, file: "model.safetensors" };
}

/** torchvision's first weights ("V1"), trained by the plain recipe: best for features that stay frozen. */
function torchvision(architecture: string, parameters: number, top1: number | undefined, revision?: string): Card {
  const name = `${architecture}.tv_in1k`;
  const published = top1 === undefined ? {} : { top1 };
  return {
    name,
    source: "torchvision V1, converted by timm",
    file: timm(name, revision),
    licence: "BSD-3-Clause",
    parameters,
    ...published,
    ...(architecture.startsWith("vgg") ? { rename: timmVgg } : {}),
    ...imagenet,
    interpolation: "bilinear",
  };
}

/** timm's own weights, prepared as its pretrained configurations say. */
function ofTimm(
  tag: string,
  parameters: number,
  differences: Partial<Pick<Card, "architecture" | "classes" | "side" | "normalisation" | "cropFraction">> = {},
): Card {
  return {
    name: tag,
    source: "timm",
    file: timm(tag),
    licence: "Apache-2.0",
    parameters,
    ...imagenet,
    interpolation: "bicubic",
    ...differences,
  };
}

const halves = { normalisation: minusOneToOne };

/** Every set of weights that Graft knows. */
export const cards: readonly Card[] = [
  torchvision("resnet18", 11.69, 69.76),
  torchvision("resnet34", 21.8, undefined),
  torchvision("resnet50", 25.56, 76.13),
  torchvision("resnet101", 44.55, 77.376),
  torchvision("resnet152", 60.19, 78.322),
  torchvision("wide_resnet50_2", 68.88, 78.48),
  torchvision("resnext50_32x4d", 25.03, 77.618),
  torchvision("vgg11", 132.86, 69.022),
  torchvision("vgg11_bn", 132.87, 70.382),
  torchvision("vgg13", 133.05, 69.932),
  torchvision("vgg13_bn", 133.05, 71.588),
  torchvision("vgg16", 138.36, 71.592, "3394518cba29aee1ea82a49d971be90d2dd1dab7"),
  torchvision("vgg16_bn", 138.37, 73.37),
  torchvision("vgg19", 143.67, 72.378),
  torchvision("vgg19_bn", 143.68, 74.216),
  torchvision("densenet121", 7.98, undefined),
  torchvision("densenet169", 14.15, undefined),
  { ...torchvision("inception_v3", 23.83, undefined), side: 299, ...halves },
  ofTimm("seresnet50.ra2_in1k", 28.09),
  ofTimm("mobilenetv1_100.ra4_e3600_r224_in1k", 4.23, halves),
  ofTimm("efficientnet_lite0.ra_in1k", 4.65),
  ofTimm("tf_efficientnet_lite0.in1k", 4.65, halves),
  ofTimm("tf_efficientnet_lite1.in1k", 5.42, { ...halves, side: 240, cropFraction: 0.882 }),
  ofTimm("tf_efficientnet_lite2.in1k", 6.09, { ...halves, side: 260, cropFraction: 0.89 }),
  ofTimm("vit_small_patch16_224.augreg_in21k_ft_in1k", 22.05, { ...halves, cropFraction: 0.9 }),
  ofTimm("vit_base_patch16_224.augreg2_in21k_ft_in1k", 86.57, { ...halves, cropFraction: 0.9 }),
  ofTimm("deit_small_patch16_224.fb_in1k", 22.05, { architecture: "vit_small_patch16_224", cropFraction: 0.9 }),
  ofTimm("deit_base_patch16_224.fb_in1k", 86.57, { architecture: "vit_base_patch16_224", cropFraction: 0.9 }),
  ofTimm("vit_small_patch14_dinov2.lvd142m", 22.06, { classes: 0, side: 518, cropFraction: 1 }),
  ofTimm("vit_base_patch14_dinov2.lvd142m", 86.58, { classes: 0, side: 518, cropFraction: 1 }),
  {
    name: "mobilenetv2_100.ra_in1k",
    architecture: "mobilenet_v2",
    source: "timm",
    file: timm("mobilenetv2_100.ra_in1k", "f3ff81ba89de0bc46b546568ebeab2edef6b9d49"),
    licence: "Apache-2.0",
    parameters: 3.5,
    top1: 72.976,
    rename: timmMobilenetV2,
    ...imagenet,
    interpolation: "bicubic",
  },
  {
    name: "squeezenet1_1.caffe_in1k",
    source: "SqueezeNet's authors, converted to ONNX in float16",
    licence: "MIT",
    sha256: "21f25e3d9254af93e6218a359469fac714a017b3f9035c0f5c4acbf9a3ff7233",
    ...imagenet,
    channelOrder: "bgr",
    normalisation: caffeNormalisation,
    interpolation: "bilinear",
  },
  {
    name: "mobilenetv2_100.tf_in1k",
    source: "TensorFlow slim, mobilenet_v2_1.0_224",
    licence: "Apache-2.0",
    sha256: "904267dff09df989372fd06ecc06044b86cff60b203beec12cbcb4aaad2a2721",
    ...imagenet,
    classes: 1001,
    normalisation: minusOneToOne,
    interpolation: "bilinear",
  },
  {
    name: "mobilenetv1_025.keras_in1k",
    architecture: "tf_mobilenetv1_025",
    source: "keras.applications, MobileNet with alpha 0.25",
    licence: "Apache-2.0",
    sha256: "dc1ff623e6cd99c3cc0dd2821ca0807ba013606af5a4e2afd4488fbf26a8b589",
    layout: "keras",
    rename: kerasMobilenetV1,
    ...imagenet,
    normalisation: minusOneToOne,
    interpolation: "bilinear",
  },
  {
    name: "mobilenetv2_100.gluon_in1k",
    architecture: "gluon_mobilenet_v2",
    source: "Gluon's model zoo, in float16",
    licence: "Apache-2.0",
    sha256: "76824964be63053bdc4daa8c0834a02383a90cf742c819cbc3e8e3f8728a63b4",
    rename: gluonMobilenetV2,
    ...imagenet,
    interpolation: "bilinear",
  },
];
