import { z } from "zod";

/** What a model file calls its score of images unlike those of the training. */
export const unknownOutput = "unknown";

const calibrationSchema = z.object({
  method: z.enum(["temperature", "vector"]),
  /** Of `temperature`. */
  temperature: z.number().positive().optional(),
  images: z.number().int().positive(),
});

const conformalSchema = z.object({
  score: z.literal("lac"),
  coverage: z.number().gt(0).lt(1),
  threshold: z.number(),
  images: z.number().int().positive(),
});

const unknownSchema = z.object({
  score: z.enum(["mahalanobis", "energy"]),
  /** Images with a larger score are unlike those of the training. */
  threshold: z.number(),
  /** The share of validation images below it. */
  quantile: z.number().gt(0).lt(1),
  images: z.number().int().positive(),
});

const targetsSchema = z.record(
  z.string(),
  z.object({ calibration: calibrationSchema.optional(), conformal: conformalSchema.optional() }),
);

/** What is promised of the probabilities of one set of classes. */
export interface StatedAnswerTrust {
  readonly calibration?: z.output<typeof calibrationSchema> | undefined;
  /** The set of an image holds all classes whose 1 − p is at most `threshold`. */
  readonly conformal?: z.output<typeof conformalSchema> | undefined;
}

/** What a model file promises, each on images like those of its validation, whose number it names. */
export interface StatedTrust extends StatedAnswerTrust {
  readonly unknown?: z.output<typeof unknownSchema> | undefined;
  /** By the name of a target with classes, where the model has several targets. */
  readonly targets?: ReadonlyMap<string, StatedAnswerTrust> | undefined;
}

/** For the metadata of a model file. */
export function trustEntries(trust: StatedTrust | undefined): readonly (readonly [string, string])[] {
  const { calibration, conformal, unknown } = trust ?? {};
  const entries = Object.entries({ calibration, conformal, unknown });
  return entries.flatMap(([name, value]) => (value ? [[`graft.${name}`, JSON.stringify(value)] as const] : []));
}

/** The same for several targets. */
export function targetTrustEntries(
  trust: ReadonlyMap<string, StatedAnswerTrust>,
): readonly (readonly [string, string])[] {
  if (trust.size === 0) return [];
  const stated = [...trust].map(([name, { calibration, conformal }]) => [name, { calibration, conformal }] as const);
  return [["graft.targetTrust", JSON.stringify(Object.fromEntries(stated))]];
}

/** What a file does not say, or not in a way that can be read, it does not promise. */
export function readTrust(metadata: ReadonlyMap<string, string>): StatedTrust {
  const stated = (name: string) => parseJson(metadata.get(`graft.${name}`));
  const targets = targetsSchema.safeParse(stated("targetTrust")).data;
  return {
    calibration: calibrationSchema.safeParse(stated("calibration")).data,
    conformal: conformalSchema.safeParse(stated("conformal")).data,
    unknown: unknownSchema.safeParse(stated("unknown")).data,
    ...(targets === undefined ? {} : { targets: new Map(Object.entries(targets)) }),
  };
}

/** Nothing for what is no JSON. */
export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
