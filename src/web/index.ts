/** Graft for browsers: trained models answer in the page. */
export { GraftError } from "../base/errors.ts";
export type { Pixels } from "../platform/platform.ts";
export type { Classification } from "../tasks/imageAnswers.ts";
export type { RankedClass, TargetAnswer } from "../tasks/task.ts";
export type { ImageSource } from "./imageSource.ts";
export { type LoadedModel, type LoadOptions, load } from "./load.ts";
