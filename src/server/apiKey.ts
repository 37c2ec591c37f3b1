import { createHash, timingSafeEqual } from "node:crypto";
import { HttpError } from "./httpError.ts";

/** Throws `unauthorized` unless the headers bring the key, as `Authorization: Bearer …` or `X-API-Key: …`. */
export function checkApiKey(headers: Headers, apiKey: string | undefined): void {
  if (apiKey === undefined) return;
  const bearer = /^Bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const given = headers.get("x-api-key") ?? bearer;
  if (given === undefined) {
    throw new HttpError("unauthorized", 'expected the API key in "Authorization: Bearer …" or "X-API-Key: …".');
  }
  if (!timingSafeEqual(hashOf(given), hashOf(apiKey))) throw new HttpError("unauthorized", "the API key is wrong.");
}

/** Of equal length whatever the text, so that the comparison tells nothing of it. */
function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
