import type { Deadline } from "./deadline.ts";
import { HttpError } from "./httpError.ts";

/** The whole body of a request. Throws `tooLarge` as soon as it is known to be, `slowBody` when it does not come in time. */
export async function readBody(request: Request, limitBytes: number, deadline: Deadline): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await deadline.within(reader.read(), "slowBody");
      if (done) break;
      length += value.length;
      if (length > limitBytes) throw tooLarge(limitBytes);
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    if (error instanceof HttpError) throw error;
    throw new HttpError("badRequest", "the body ended before it was whole.");
  }
  return joined(chunks, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function tooLarge(limitBytes: number): HttpError {
  return new HttpError(
    "tooLarge",
    `the body has over ${limitBytes.toLocaleString("en")} bytes, the limit (--max-body).`,
  );
}
