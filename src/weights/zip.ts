import { unzipSync } from "fflate";
import { GraftError, messageOf } from "../base/errors.ts";

/** What all members of a small archive together may unpack to; those of a larger one, to its own size. */
const limitBytes = 4 * 2 ** 30;
/** Deflate cannot shrink data further (zlib's technical notes): a member that claims more is damaged or a trap. */
const largestRatio = 1032;

export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * The wanted members of a zip archive by name, unpacked in memory. Throws `input` for damage, for names that lead out of the archive or
 * come twice, and for members that claim to unpack to more than they can.
 */
export function readZip(
  bytes: Uint8Array,
  fileName: string,
  isWanted: (name: string) => boolean = () => true,
): ReadonlyMap<string, Uint8Array> {
  const seen = new Map<string, number>();
  const limit = Math.max(limitBytes, bytes.length);
  let total = 0;
  try {
    const members = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (leadsOut(name)) throw new Error(`its member "${name}" leads out of the archive`);
        if (seen.has(name)) throw new Error(`its member "${name}" comes twice`);
        seen.set(name, originalSize);
        if (name.endsWith("/") || !isWanted(name)) return false;
        if (originalSize > (size + 1) * largestRatio)
          throw new Error(`"${name}" claims to unpack to ${originalSize} bytes`);
        total += originalSize;
        if (total > limit) throw new Error(`it unpacks to more than ${limit} bytes`);
        return true;
      },
    });
    for (const [name, { length }] of Object.entries(members)) {
      if (length !== seen.get(name)) throw new Error(`"${name}" has ${length} bytes, expected ${seen.get(name)}`);
    }
    return new Map(Object.entries(members));
  } catch (error) {
    throw new GraftError("input", `"${fileName}" is not a whole zip archive: ${messageOf(error)}.`, { cause: error });
  }
}

/** The names of all members. Throws `input`. */
export function zipNames(bytes: Uint8Array, fileName: string): readonly string[] {
  const names: string[] = [];
  readZip(bytes, fileName, (name) => {
    names.push(name);
    return false;
  });
  return names;
}

/** Whether a member, unpacked into a folder, would be written elsewhere ("zip slip"). */
function leadsOut(name: string): boolean {
  return /^([\\/]|[a-z]:)|(^|[\\/])\.\.([\\/]|$)|\0/i.test(name);
}
