/** Ways to tell without labels of the target which classifier is best there, and whether more is better. */
export const validators = {
  sourceRisk: { title: "source risk", more: false },
  entropy: { title: "entropy", more: false },
  infoMax: { title: "InfoMax", more: true },
  dev: { title: "DEV", more: false },
  density: { title: "SND", more: true },
  agreement: { title: "agreement", more: true },
} as const;
export type ValidatorName = keyof typeof validators;
export const validatorNames = Object.keys(validators) as readonly ValidatorName[];
