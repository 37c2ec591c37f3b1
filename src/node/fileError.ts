import { dirname } from "node:path";
import { type ErrorCode, GraftError, messageOf } from "../base/errors.ts";

/** Runs a file operation and turns its failure into an error that names the path. */
export async function guarded<T>(doing: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw failure(doing, path, thrown);
  }
}

export function failure(doing: string, path: string, thrown: unknown): GraftError {
  if (thrown instanceof GraftError) return thrown;
  const rule = rules.get(codeOf(thrown));
  const message = rule?.say(doing, path) ?? `${messageOf(thrown)} while ${doing} "${path}".`;
  return new GraftError(rule?.code ?? "system", message, { cause: thrown });
}

/** Whether nothing is at the path. */
export function isMissing(thrown: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(thrown));
}

interface Rule {
  readonly code: ErrorCode;
  say(doing: string, path: string): string;
}

/** What the system's error codes mean to a person, and what to do. */
const rules = new Map<string, Rule>([
  ["ENOENT", { code: "input", say: notFound }],
  ["ENOTDIR", { code: "input", say: notFound }],
  ["EISDIR", { code: "input", say: (doing, path) => `"${path}" is a folder, expected a file (${doing} it).` }],
  ["EEXIST", { code: "input", say: (doing, path) => `"${path}" is there already (${doing} it): choose another name.` }],
  [
    "ENOTEMPTY",
    { code: "input", say: (doing, path) => `a folder that is not empty is in the way of ${doing} "${path}".` },
  ],
  [
    "ENAMETOOLONG",
    { code: "input", say: (doing, path) => `the name is too long while ${doing} "${path}": shorten it.` },
  ],
  ["EACCES", { code: "system", say: notAllowed }],
  ["EPERM", { code: "system", say: notAllowed }],
  [
    "EROFS",
    { code: "system", say: (doing, path) => `the disk is read-only while ${doing} "${path}": choose another folder.` },
  ],
  [
    "EXDEV",
    { code: "system", say: (doing, path) => `${doing} "${path}" crosses from one disk to another: copy it instead.` },
  ],
  ["ENOSPC", { code: "system", say: noSpace }],
  ["EDQUOT", { code: "system", say: noSpace }],
  ["EMFILE", { code: "system", say: tooMany }],
  ["ENFILE", { code: "system", say: tooMany }],
]);

function notFound(doing: string, path: string): string {
  const hint = doing === "writing" ? `: create the folder "${dirname(path)}" first` : ": check the path";
  return `nothing found while ${doing} "${path}"${hint}.`;
}

function notAllowed(doing: string, path: string): string {
  return `no permission while ${doing} "${path}": change its owner or mode, or choose another folder.`;
}

function noSpace(doing: string, path: string): string {
  return `no space left on the device while ${doing} "${path}": free some, or choose a folder on another disk.`;
}

function tooMany(doing: string, path: string): string {
  return `too many open files while ${doing} "${path}": raise the limit ("ulimit -n").`;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}
