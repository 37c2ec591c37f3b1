import { GraftError } from "../base/errors.ts";
import type { RemoteFile } from "../platform/platform.ts";

/**
 * The remote file that a user means: `hf://owner/name/file`, `hf://owner/name@revision/file`, or `https://…#sha256=…`. Nothing for other
 * text. Throws `usage` for addresses that are not whole.
 */
export function parseRemoteFile(text: string): RemoteFile | undefined {
  if (text.startsWith("hf://")) return parseHubFile(text);
  if (/^https?:\/\//.test(text)) return parseUrl(text);
  return undefined;
}

function parseHubFile(text: string): RemoteFile {
  const [, repository, revision = "main", file] = /^hf:\/\/([^/@]+\/[^/@]+)(?:@([^/]+))?\/(.+)$/.exec(text) ?? [];
  if (repository !== undefined && file !== undefined) return { kind: "hub", repository, revision, file };
  throw new GraftError("usage", `"${text}": expected hf://owner/name/file or hf://owner/name@revision/file.`);
}

/** The hash is demanded: without it nobody would know whether the file is whole, or another by now. */
function parseUrl(text: string): RemoteFile {
  const [, url, sha256] = /^(https?:\/\/[^/?#]+[^#]*)#sha256=([0-9a-f]{64})$/i.exec(text) ?? [];
  if (url !== undefined && sha256 !== undefined) return { kind: "url", url, sha256: sha256.toLowerCase() };
  throw new GraftError(
    "usage",
    `"${text}": expected an address that ends in "#sha256=" and the 64 digits of the file's SHA-256.`,
  );
}
