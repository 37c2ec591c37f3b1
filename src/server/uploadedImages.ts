import { HttpError } from "./httpError.ts";

/** An image of a request, by the name that the client gave its file. */
export interface UploadedImage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The images of a body: the files of a `multipart/form-data`, or the body itself (`image/*` or `application/octet-stream`).
 * Throws `unsupportedType`, `badRequest`, or `tooLarge` for more than `limit` of them.
 */
export async function uploadedImages(
  body: Uint8Array,
  contentType: string | null,
  limit: number,
): Promise<readonly UploadedImage[]> {
  const type = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "multipart/form-data") {
    if (!type.startsWith("image/") && type !== "application/octet-stream") throw unsupported(type);
    if (body.length === 0) throw new HttpError("badRequest", "the body is empty; expected the bytes of an image file.");
    return [{ name: "image", bytes: body }];
  }
  const images = await filesOf(body, contentType ?? "");
  if (images.length === 0)
    throw new HttpError("badRequest", "the form holds no file; expected one image file at least.");
  if (images.length > limit) {
    throw new HttpError("tooLarge", `the form holds ${images.length} images; the limit (--max-images) is ${limit}.`);
  }
  return images;
}

async function filesOf(body: Uint8Array, contentType: string): Promise<readonly UploadedImage[]> {
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData().catch(() => {
    throw new HttpError("badRequest", "the form cannot be read: it is cut short, or its boundary is wrong.");
  });
  const images: UploadedImage[] = [];
  for (const [field, value] of form) {
    if (typeof value === "string") continue;
    images.push({ name: value.name || field, bytes: new Uint8Array(await value.arrayBuffer()) });
  }
  return images;
}

function unsupported(type: string): HttpError {
  const found = type === "" ? "no content type" : `"${type}"`;
  return new HttpError(
    "unsupportedType",
    `found ${found}; expected "image/jpeg" or another image type, "application/octet-stream", or "multipart/form-data".`,
  );
}
