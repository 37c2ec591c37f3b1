import { GraftError, messageOf } from "../base/errors.ts";

export interface DownloadOptions {
  /** Hears how much has come, 0 to 1, where the server says how much there is. */
  readonly onProgress?: ((share: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The bytes at a URL. Throws `network` where there are none, `interrupted` by the signal. */
export async function download(url: string | URL, options: DownloadOptions = {}): Promise<Uint8Array> {
  try {
    return await bodyOf(await fetched(url, options.signal), options.onProgress);
  } catch (thrown) {
    if (thrown instanceof GraftError) throw thrown;
    if (options.signal?.aborted) throw new GraftError("interrupted", `loading "${url}" was stopped`, { cause: thrown });
    throw new GraftError("network", `"${url}" cannot be loaded (${messageOf(thrown)})`, { cause: thrown });
  }
}

async function fetched(url: string | URL, signal: AbortSignal | undefined): Promise<Response> {
  const response = await fetch(url, signal === undefined ? {} : { signal });
  if (response.ok) return response;
  throw new GraftError("network", `"${url}" is not there: the server answers with status ${response.status}`);
}

async function bodyOf(response: Response, onProgress: DownloadOptions["onProgress"]): Promise<Uint8Array> {
  const total = Number(response.headers.get("content-length"));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let received = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    parts.push(next.value);
    received += next.value.length;
    if (total > 0) onProgress?.(Math.min(1, received / total));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
