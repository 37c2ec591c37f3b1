import { type Check, counted, defineCheck, listed, percent } from "./finding.ts";

/** What is known of a pretrained network's input. */
export interface BackboneFacts {
  readonly name: string;
  /** Operators before its first layer that shift or scale pixels. */
  readonly ownNormalisation: readonly string[];
  /** Where how it wants its pixels had to be assumed: how well its features tell the classes, by what it is fed. */
  readonly trials: readonly PixelTrial[] | undefined;
}

/** One way to feed pixels, and how often an image's nearest neighbours name its class then. */
export interface PixelTrial {
  readonly pixels: string;
  readonly isAssumed: boolean;
  readonly accuracy: number;
  readonly images: number;
}

/** Normalisation inside the graph and in front of it. */
const normalisedTwice = defineCheck("normalised-twice", {
  find: ({ name, ownNormalisation }: BackboneFacts) =>
    ownNormalisation.length === 0 ? undefined : { name, operators: ownNormalisation },
  severity: "serious",
  found: ({ name, operators }) =>
    `"${name}" begins with ${listed(operators, 5)} by constants: it normalises its pixels itself, and they come normalised already`,
  why: "Pixels that are normalised twice are nearly one gray: features then say little.",
  advice: "export the network without its first operators, raw pixels are normalised in front of it",
});

/** Pixels prepared as another network wants them. */
const otherPreprocessing = defineCheck("preprocessing-of-another-backbone", {
  find({ name, trials = [] }: BackboneFacts) {
    const assumed = trials.find(({ isAssumed }) => isAssumed);
    const best = trials.reduce<PixelTrial | undefined>(
      (most, trial) => (trial.accuracy > (most?.accuracy ?? 0) ? trial : most),
      undefined,
    );
    if (assumed === undefined || best === undefined) return undefined;
    const { accuracy, images } = assumed;
    const standardError = Math.sqrt((2 * Math.max(accuracy * (1 - accuracy), 1 / images)) / images);
    const isBetter = best.accuracy - accuracy > 2 * standardError;
    return { name, images, standardError, isBetter, assumed: { ...assumed }, best: { ...best } };
  },
  severity: ({ isBetter }) => (isBetter ? "serious" : "hint"),
  found: ({ name, images, assumed, best, isBetter }) =>
    `"${name}" does not say how it wants its pixels; fed ${assumed.pixels}, as assumed, ${percent(assumed.accuracy)} of ${counted(images, "image")} are of their neighbours' class` +
    (isBetter ? `, fed ${best.pixels} ${percent(best.accuracy)}` : "; no other way that was tried is clearly better"),
  why: "Features of pixels that are prepared for another network are features of other pictures.",
  advice:
    "name the network and give its weights, so that its preprocessing comes with it: --backbone NAME --weights FILE; " +
    'or write preprocess="x/127.5-1" into the metadata of the ONNX file if it wants pixels from −1 to 1',
});

export const backboneChecks: readonly Check<BackboneFacts>[] = [normalisedTwice, otherPreprocessing];
