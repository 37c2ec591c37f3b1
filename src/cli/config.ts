import { readFile } from "node:fs/promises";
import { z } from "zod";
import { GraftError, messageOf } from "../base/errors.ts";
import type { Task } from "../tasks/task.ts";

/** The options that a JSON file holds for `task`: at its top level, or below the task's name as a run's config.json has them. */
export async function readConfig(path: string, task: Task): Promise<Record<string, unknown>> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new GraftError("input", `--config: "${path}" cannot be read as JSON: ${messageOf(error)}`);
  }
  const record = z.record(z.string(), z.unknown()).safeParse(content);
  if (!record.success) throw new GraftError("input", `--config: "${path}" must hold an object of options.`);
  const nested = z.record(z.string(), z.unknown()).safeParse(record.data[task.name]);
  // A run's own file names its own folder, which a new run must not claim to resume.
  if (!nested.success) return record.data;
  const { out: _out, resume: _resume, ...options } = nested.data;
  return options;
}
