import { expect, it } from "vitest";
import { type BackboneFacts, backboneChecks } from "./backboneChecks.ts";
import { type Check, examine } from "./finding.ts";
import { type HistoryFacts, historyChecks } from "./historyChecks.ts";
import { type ImageFacts, imageChecks } from "./imageChecks.ts";
import { type LabelFacts, labelChecks } from "./labelChecks.ts";
import { modelChecks } from "./modelChecks.ts";
import { type PixelForm, pixelFormOf } from "./pixelForm.ts";
import { type PlanFacts, planChecks } from "./planChecks.ts";

const item = (id: string, label: string, part: "train" | "validation" = "train") => ({ id, label, part });
const images: ImageFacts = {
  images: [item("a", "x"), item("b", "y"), item("c", "x", "validation"), item("d", "x")],
  problems: [],
  copies: [],
  lookAlikes: [],
  tracks: undefined,
  empty: [],
};
const labels: LabelFacts = { labels: ["x", "y"], train: [200, 200], validation: [60, 60], isWeighted: false };
const plan: PlanFacts = {
  optimizer: "adam",
  learningRate: 1e-3,
  pretrained: { trained: 0, frozen: 0 },
  trainImages: 400,
  isTried: false,
  sweep: undefined,
};
const log = (epoch: number, loss: number, val_loss = loss) => ({ epoch, loss, val_loss });
const history: HistoryFacts = {
  history: [log(1, 1), log(2, 0.6), log(3, 0.4)],
  diagnosis: { kind: "balanced", gap: 0.01 },
  measuresStatistics: false,
};
const trial = (pixels: string, accuracy: number, isAssumed = false) => ({ pixels, accuracy, isAssumed, images: 160 });
const network: BackboneFacts = { name: "net.onnx", ownNormalisation: [], trials: undefined };
const tracks = { pattern: "(.*)_", count: 2, agreement: 0.9, chance: 0.1 };

/** A kind of facts: its checks, facts that trigger none, and for each check what changes so that it speaks. */
interface Table<F> {
  readonly checks: readonly Check<F>[];
  readonly sound: F;
  readonly changes: readonly (readonly [check: string, severity: string, change: Partial<F>])[];
  /** Near the limit, and not over it. */
  readonly harmless: readonly Partial<F>[];
}

function table<F>(name: string, { checks, sound, changes, harmless }: Table<F>): void {
  it(`${name}: each check speaks when it should`, () => {
    for (const [check, severity, change] of changes) {
      const [finding, ...others] = examine(checks, { ...sound, ...change });
      expect([check, finding?.check, finding?.severity, others.map((one) => one.check)]).toEqual([
        check,
        check,
        severity,
        [],
      ]);
      expect(JSON.parse(JSON.stringify(finding))).toMatchObject({ check, severity });
    }
    expect(new Set(changes.map(([check]) => check))).toEqual(new Set(checks.map((check) => check.name)));
  });

  it(`${name}: and is silent when it should`, () => {
    for (const change of [{}, ...harmless]) expect(examine(checks, { ...sound, ...change })).toEqual([]);
  });
}

table("images", {
  checks: imageChecks,
  sound: images,
  changes: [
    ["conflicting-labels", "serious", { copies: [[0, 1]] }],
    ["copies-across-parts", "serious", { copies: [[0, 2]] }],
    ["copies", "hint", { copies: [[0, 3]] }],
    ["near-copies-across-parts", "serious", { lookAlikes: [[0, 2]] }],
    ["near-copies-of-two-classes", "warning", { lookAlikes: [[0, 1]] }],
    ["torn-tracks", "serious", { tracks: { ...tracks, of: ["t", "u", "t", "u"] } }],
    ["unusable-files", "warning", { problems: [{ id: "e.jpg", reason: "the file is empty" }] }],
    ["empty-images", "warning", { empty: [3] }],
  ],
  harmless: [{ lookAlikes: [[0, 3]] }, { tracks: { ...tracks, of: ["t", "t", "v", "u"] } }],
});

table("labels", {
  checks: labelChecks,
  sound: labels,
  changes: [
    ["missing-class", "serious", { labels: ["x", "y", "z"], train: [200, 200, 150], validation: [60, 60, 0] }],
    [
      "unshuffled-validation",
      "warning",
      { labels: ["x", "y", "z"], train: [200, 200, 200], validation: [50, 50, 110] },
    ],
    ["class-imbalance", "hint", { train: [200, 120], validation: [65, 45] }],
    ["few-images", "hint", { labels: ["x", "y"], train: [9, 9] }],
    ["majority-baseline", "hint", { train: [280, 190], validation: [72, 44] }],
    ["small-validation", "hint", { validation: [49, 50] }],
  ],
  harmless: [
    { validation: undefined },
    { train: [200, 134] },
    { isWeighted: true, train: [250, 150] },
    { validation: [66, 54] },
  ],
});

table("a plan", {
  checks: planChecks,
  sound: plan,
  changes: [
    ["learning-rate", "warning", { learningRate: 0.5 }],
    ["learning-rate", "warning", { learningRate: 0.005, pretrained: { trained: 10, frozen: 0 } }],
    ["learning-rate", "warning", { learningRate: 1e-9 }],
    ["learning-rate-off-finder", "warning", { sweep: { suggested: 1e-5, lowest: 1e-4 } }],
    ["learning-rate-off-finder", "warning", { sweep: { suggested: 0.1, lowest: 1 } }],
    ["nothing-frozen", "hint", { pretrained: { trained: 2_000_000, frozen: 0 } }],
  ],
  harmless: [
    { learningRate: 0.01 },
    { sweep: { suggested: 1e-3, lowest: 1e-2 } },
    { pretrained: { trained: 2_000_000, frozen: 5 } },
    { pretrained: { trained: 2_000_000, frozen: 0 }, isTried: true },
    { optimizer: "one of one's own", learningRate: 7 },
  ],
});

table("a history", {
  checks: historyChecks,
  sound: history,
  changes: [
    [
      "no-better-than-majority",
      "serious",
      { diagnosis: { kind: "no-better-than-majority", accuracy: 0.5, majority: 0.5 } },
    ],
    ["loss-exploded", "serious", { history: [log(1, 1), log(2, 3)] }],
    ["loss-stands-still", "warning", { history: [log(1, 1), log(2, 1), log(3, 1)], diagnosis: undefined }],
    ["validation-leaps", "warning", { history: [log(1, 1), log(2, 0.6, 3), log(3, 0.4)], measuresStatistics: true }],
  ],
  harmless: [{ history: [] }, { history: [log(1, 1), log(2, 0.6, 2), log(3, 0.4)] }],
});

table("a backbone", {
  checks: backboneChecks,
  sound: network,
  changes: [
    ["normalised-twice", "serious", { ownNormalisation: ["Sub", "Div"] }],
    ["preprocessing-of-another-backbone", "serious", { trials: [trial("0 to 1", 0.6, true), trial("−1 to 1", 0.9)] }],
    ["preprocessing-of-another-backbone", "hint", { trials: [trial("0 to 1", 0.88, true), trial("−1 to 1", 0.9)] }],
  ],
  harmless: [],
});

it("names no check twice", () => {
  const names = [imageChecks, labelChecks, planChecks, historyChecks, backboneChecks, modelChecks].flatMap((checks) =>
    checks.map(({ name }) => name),
  );
  expect(new Set(names).size).toBe(names.length);
});

it.each<readonly [number, number, PixelForm]>([
  [0, 255, "levels"],
  [0, 1, "unit"],
  [-1, 1, "signed"],
  [-2.1, 2.6, "standardised"],
  [-123.7, 151, "centred"],
  [0, 1 / 255, "flat"],
  [-1, -0.992, "flat"],
  [0, 65535, "other"],
  [0, 9, "other"],
])("pixels from %d to %d are %s", (min, max, form) => {
  expect(pixelFormOf({ min, max })).toBe(form);
});
