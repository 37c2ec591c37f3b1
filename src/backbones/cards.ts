import { meanAndDeviation, type Normalisation, type Preparation } from "../image/prepare.ts";

/** What belongs to a set of published weights besides the weights. */
export interface Card {
  readonly name: string;
  readonly source: string;
  readonly licence: string;
  /** Of the file. */
  readonly sha256: string;
  readonly normalisation: Normalisation;
  /** The resized side over the cropped side, and how it is resized. */
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

/** Weights that Graft knows by their hash. */
export const cards = [
  {
    name: "mobilenetv2_100.tf_in1k",
    source: "TensorFlow slim, mobilenet_v2_1.0_224",
    licence: "Apache-2.0",
    sha256: "904267dff09df989372fd06ecc06044b86cff60b203beec12cbcb4aaad2a2721",
    normalisation: minusOneToOne,
    cropFraction: 0.875,
    interpolation: "bilinear",
  },
] as const satisfies readonly Card[];
