import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { Attribute, Node } from "../onnx/model.ts";

/** What a Constant node holds, in whichever of its attributes (ONNX, Constant-13). Throws `model`. */
export function constantTensor(node: Node): Tensor {
  const given = Object.entries(node.attributes);
  const [name, attribute]: [string, Attribute | undefined] = given[0] ?? ["no value", undefined];
  if (given.length === 1 && attribute !== undefined) {
    if (attribute.type === "tensor") return attribute.value;
    if (attribute.type === "float") return Tensor.float32([], [attribute.value]);
    if (attribute.type === "floats") return Tensor.float32([attribute.value.length], attribute.value);
    if (attribute.type === "int") return new Tensor("int64", [], Tensor.int64([attribute.value]).bytes);
    if (attribute.type === "ints") return Tensor.int64(attribute.value);
  }
  const found = given.length > 1 ? given.map(([key]) => key).join(" and ") : name;
  throw new GraftError("model", `it holds ${found}; expected one tensor, number or list of numbers.`);
}
