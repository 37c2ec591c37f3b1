import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { GraftError, messageOf } from "../base/errors.ts";

/** Field numbers of onnx.proto, here by hand: its whole schema takes longer to load than a file's metadata to read. */
const metadataProps = 14;
const keyField = 1;
const valueField = 2;

/**
 * The metadata of an ONNX file by key, without a look at its graph, which may be a hundred megabytes.
 * Throws `model` when the bytes are no whole protobuf message.
 */
export function readMetadata(bytes: Uint8Array, fileName: string): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  try {
    const model = new BinaryReader(bytes);
    while (model.pos < model.len) {
      const [field, type] = model.tag();
      if (field !== metadataProps || type !== WireType.LengthDelimited) {
        model.skip(type, field);
        continue;
      }
      const { key, value } = readEntry(model.bytes());
      metadata.set(key, value);
    }
  } catch (cause) {
    throw new GraftError("model", `"${fileName}" is not a whole ONNX file: ${messageOf(cause)}.`, { cause });
  }
  return metadata;
}

function readEntry(bytes: Uint8Array): { readonly key: string; readonly value: string } {
  const entry = new BinaryReader(bytes);
  let [key, value] = ["", ""];
  while (entry.pos < entry.len) {
    const [field, type] = entry.tag();
    if (field === keyField) key = entry.string();
    else if (field === valueField) value = entry.string();
    else entry.skip(type, field);
  }
  return { key, value };
}
