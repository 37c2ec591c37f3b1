import { GraftError } from "../base/errors.ts";

/** Integers longer than this are refused: weights hold none, and parsing them takes long. */
const limitIntegerBytes = 32;

/** The operands of a pickle's instructions, one after another. Throws `input` where the file ends early. */
export class PickleReader {
  offset: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fileName: string;

  constructor(bytes: Uint8Array, start: number, fileName: string) {
    this.offset = start;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileName = fileName;
  }

  damaged(what: string): GraftError {
    return new GraftError("input", `"${this.#fileName}" is not a whole PyTorch file: ${what} (byte ${this.offset}).`);
  }

  /** For a global outside the few that weights need. Nothing has been called. */
  refused(path: string): GraftError {
    return new GraftError(
      "input",
      `"${this.#fileName}" wants to call ${JSON.stringify(path.slice(0, 200))}, which is no part of a state dict; nothing was run. ` +
        "Save the weights alone, torch.save(model.state_dict(), path), or as safetensors; loading this file in Python may run whatever its author chose.",
    );
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Reads a protocol's number. Throws `input` for those that no PyTorch writes. */
  protocol(): void {
    const protocol = this.byte();
    if (protocol < 2 || protocol > 5) throw this.damaged(`pickle protocol ${protocol}, expected 2 to 5`);
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Eight bytes, the only big-endian ones. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** An integer of `length` bytes in two's complement: a bigint only where a number cannot hold it. */
  integer(length: number): number | bigint {
    if (length > limitIntegerBytes) throw this.damaged(`an integer of ${length} bytes`);
    const from = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[from + i] ?? 0);
    const signed = BigInt.asIntN(Math.max(1, 8 * length), value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(length: number): string {
    return new TextDecoder().decode(this.raw(length));
  }

  /** Text up to a line feed, which is skipped. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.offset);
    if (end < 0) throw this.damaged("a line without an end");
    const line = this.text(end - this.offset);
    this.offset++;
    return line;
  }

  /** The offset of the next `count` bytes, which are passed. */
  #take(count: number): number {
    if (this.offset + count > this.#bytes.length) throw this.damaged("it ends early");
    const from = this.offset;
    this.offset += count;
    return from;
  }
}
