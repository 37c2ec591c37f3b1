import type { Message } from "@bufbuild/protobuf";

/** A message with the same fields, the same ones set: which ones are lies in the prototype. */
export function copyOf<T extends Message>(message: T): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message);
}
