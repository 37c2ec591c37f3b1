import type { Task } from "./task.ts";

/**
 * Everything Graft does for a user, by name: the one list from which commands, routes and forms come. A task is loaded when it is asked
 * for, since what training needs takes longer to load than a photo to be classified.
 */
export const menu: Readonly<Record<string, () => Promise<Task>>> = {
  train: async () => (await import("./train.ts")).train,
  search: async () => (await import("./search.ts")).search,
  adapt: async () => (await import("./adapt.ts")).adapt,
  "cross-validate": async () => (await import("./crossValidate.ts")).crossValidate,
  evaluate: async () => (await import("./evaluate.ts")).evaluate,
  compare: async () => (await import("./compare.ts")).compare,
  predict: async () => (await import("./predict.ts")).predict,
  explain: async () => (await import("./explain.ts")).explain,
  map: async () => (await import("./map.ts")).map,
  report: async () => (await import("./report.ts")).report,
  verify: async () => (await import("./verify.ts")).verify,
  export: async () => (await import("./exportRun.ts")).exportRun,
  bench: async () => (await import("./bench.ts")).bench,
  preview: async () => (await import("./preview.ts")).preview,
  audit: async () => (await import("./audit.ts")).audit,
  doctor: async () => (await import("./doctor.ts")).doctor,
  "lr-find": async () => (await import("./lrFind.ts")).lrFind,
  rank: async () => (await import("./rank.ts")).rank,
  backbones: async () => (await import("./backbones.ts")).backbones,
  demo: async () => (await import("./demo.ts")).demo,
};
