import { adapt } from "./adapt.ts";
import { audit } from "./audit.ts";
import { backbones } from "./backbones.ts";
import { compare } from "./compare.ts";
import { crossValidate } from "./crossValidate.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { evaluate } from "./evaluate.ts";
import { explain } from "./explain.ts";
import { exportRun } from "./exportRun.ts";
import { lrFind } from "./lrFind.ts";
import { map } from "./map.ts";
import { predict } from "./predict.ts";
import { preview } from "./preview.ts";
import { rank } from "./rank.ts";
import { search } from "./search.ts";
import type { Task } from "./task.ts";
import { train } from "./train.ts";
import { verify } from "./verify.ts";

/** Everything Graft does for a user: the one list from which commands, routes and forms come. */
export const tasks: readonly Task[] = [
  train,
  search,
  adapt,
  crossValidate,
  evaluate,
  compare,
  predict,
  explain,
  map,
  verify,
  exportRun,
  preview,
  audit,
  doctor,
  lrFind,
  rank,
  backbones,
  demo,
];
