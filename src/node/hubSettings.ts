import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { GraftError } from "../base/errors.ts";

// What the environment says of the hub, in the variables that all its tools know.
const publicEndpoint = "https://huggingface.co";

/** Whether `HF_HUB_OFFLINE` forbids the network. */
export function isOffline(): boolean {
  return /^(1|on|yes|true)$/i.test(process.env["HF_HUB_OFFLINE"] ?? "");
}

/** The hub, or the mirror that `HF_ENDPOINT` names. */
export function endpointOf(): string {
  return (process.env["HF_ENDPOINT"] || publicEndpoint).replace(/\/+$/, "");
}

/** `HF_TOKEN`, else what `huggingface-cli login` wrote. */
export async function tokenOf(): Promise<string | undefined> {
  const { HF_TOKEN: token = "", HF_TOKEN_PATH: path = "", HF_HOME: home = "" } = process.env;
  if (token.trim() !== "") return checkedToken(token.trim());
  const file = path || join(home || join(homedir(), ".cache", "huggingface"), "token");
  const stored = await readFile(file, "utf8").catch(() => "");
  return stored.trim() === "" ? undefined : checkedToken(stored.trim());
}

/** The client refuses other tokens; so does the hub. */
function checkedToken(token: string): string {
  if (token.startsWith("hf_")) return token;
  throw new GraftError(
    "usage",
    'the hub\'s token (HF_TOKEN) does not begin with "hf_": copy it again from your settings there.',
  );
}

/** A repository's folder in the cache of the hub's own tools. */
export async function repositoryFolder(repository: string): Promise<string> {
  const { getHFHubCachePath, getRepoFolderName } = await import("@huggingface/hub");
  return join(getHFHubCachePath(), getRepoFolderName({ type: "model", name: repository }));
}
