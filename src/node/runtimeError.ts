import { GraftError, messageOf } from "../base/errors.ts";

/** What ONNX Runtime threw, with the gist of its message. */
export function runtimeError(what: string, thrown: unknown): GraftError {
  if (thrown instanceof GraftError) return thrown;
  const message = messageOf(thrown);
  const [, name, given, computed] = mismatch.exec(message) ?? [];
  if (name !== undefined) return wrongTarget(name, `[${given}]`, `[${computed}]`, thrown);
  const gist = gistOf(message);
  if (/bad_alloc|out of memory|fail\w* to allocate|array buffer allocation/i.test(gist)) {
    return new GraftError("system", `not enough memory: ${gist}. Use smaller batches or images.`, { cause: thrown });
  }
  return new GraftError("model", `${what}: ${gist}`, { cause: thrown });
}

/** The tensor given for an output does not have the shape of the result. */
export function wrongTarget(name: string, given: string, computed: string, cause?: unknown): GraftError {
  return new GraftError("shape", `output "${name}": the tensor to write into is ${given}, the result ${computed}.`, {
    cause,
  });
}

const mismatch =
  /output '([^']*)' of node .* has shape \{([^}]*)\} but the computed output shape for this run is \{([^}]*)\}/;

/** The message without the runtime's source paths, and with the node that failed. */
function gistOf(message: string): string {
  const [, op = "", name = ""] = /while running (\w+) node\. Name:'([^']*)'/.exec(message) ?? [];
  const node = op === "" ? "" : `in ${op}${name === "" ? "" : ` "${name}"`}: `;
  const words = message
    .replace(/^[\s\S]*(?:\[ONNXRuntimeError\] : \d+ : \w+ : |ERROR_MESSAGE: |Status Message: )/, "")
    .replace(/\/\S+\.(?:cc|h|cpp):\d+ /g, "")
    .replace(/\s+/g, " ")
    .trim();
  return `${node}${words.slice(0, 400)}`;
}
