import { errorCodes, GraftError, messageOf } from "../base/errors.ts";

/** Every refusal of the server by its code, with the status that goes with it. */
export const refusals = {
  badRequest: 400,
  unauthorized: 401,
  notFound: 404,
  methodNotAllowed: 405,
  slowBody: 408,
  tooLarge: 413,
  unsupportedType: 415,
  unusable: 422,
  tooManyRequests: 429,
  defect: 500,
  busy: 503,
  timeout: 504,
} as const;

export type Refusal = keyof typeof refusals;

/** A refusal that the client gets as JSON. */
export class HttpError extends Error {
  readonly code: Refusal;
  /** When it is worth trying again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: Refusal, message: string, { retryAfterSeconds }: { readonly retryAfterSeconds?: number } = {}) {
    super(message);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  get status(): number {
    return refusals[this.code];
  }
}

/** Whatever was thrown, as what a client may know of it: a defect keeps its details for the log. */
export function httpErrorOf(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  if (thrown instanceof GraftError) {
    // Work that was stopped, since its time was over.
    if (thrown.code === "interrupted") return new HttpError("timeout", messageOf(thrown), { retryAfterSeconds: 1 });
    const status = errorCodes[thrown.code].http;
    if (status === refusals.unusable) return new HttpError("unusable", messageOf(thrown));
    if (status === refusals.badRequest) return new HttpError("badRequest", messageOf(thrown));
  }
  return new HttpError("defect", "the server failed on this request; its log says more, under the request's id.");
}
