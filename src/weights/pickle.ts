import { PickleReader } from "./pickleReader.ts";

/** What a pickle may name: a value, or something to call with a tuple of arguments. */
export type PickleGlobal =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "function"; readonly call: (args: readonly unknown[]) => unknown };

export interface PickleWorld {
  /** `module.name`, or nothing when it may not be named. */
  global(name: string): PickleGlobal | undefined;
  /** Stands in for an object that lies outside the pickle. */
  persistent(id: unknown): unknown;
}

export interface Unpickled {
  /** Dictionaries are Maps, lists and tuples arrays, integers beyond 2⁵³ bigints. */
  readonly value: unknown;
  /** Offset of the byte after the pickle. */
  readonly end: number;
}

/**
 * Runs a pickle (protocols 2 to 5) as the plain data format that it can be: nothing is imported, and only what `world` offers is
 * called. Work and memory are bounded by the length of the pickle. Throws `input` for damage, for instructions that data do not need, and for
 * globals outside `world`, which it names.
 */
export function unpickle(bytes: Uint8Array, start: number, fileName: string, world: PickleWorld): Unpickled {
  return new PickleMachine(new PickleReader(bytes, start, fileName), world).run();
}

class PickleMachine {
  readonly #reader: PickleReader;
  readonly #world: PickleWorld;
  #stack: unknown[] = [];
  /** The stacks below each mark. */
  readonly #marks: unknown[][] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(reader: PickleReader, world: PickleWorld) {
    this.#reader = reader;
    this.#world = world;
  }

  run(): Unpickled {
    for (;;) {
      const code = this.#reader.byte();
      if (code === stop) return { value: this.#pop(), end: this.#reader.offset };
      this.#step(code);
    }
  }

  /** One instruction, by its code in Python's `pickletools`. */
  #step(code: number): void {
    const reader = this.#reader;
    const literal = literals.get(code);
    if (literal !== undefined) return this.#push(literal(reader));
    switch (String.fromCharCode(code)) {
      case "\x80": // PROTO
        return reader.protocol();
      case "\x95": // FRAME
        return reader.skip(8);
      case "(": // MARK
        this.#marks.push(this.#stack);
        this.#stack = [];
        return;
      case "0": // POP
        return void this.#pop();
      case "1": // POP_MARK
        return void this.#popMark();
      case "2": // DUP
        return this.#push(this.#top());
      case "t": // TUPLE
      case "l": // LIST
        return this.#push(this.#popMark());
      case "\x85": // TUPLE1
        return this.#push(this.#popMany(1));
      case "\x86": // TUPLE2
        return this.#push(this.#popMany(2));
      case "\x87": // TUPLE3
        return this.#push(this.#popMany(3));
      case "d": // DICT
        return this.#pushDictionary(this.#popMark());
      case "s": // SETITEM
        return this.#setItems(this.#popMany(2));
      case "u": // SETITEMS
        return this.#setItems(this.#popMark());
      case "a": // APPEND
        return this.#append([this.#pop()]);
      case "e": // APPENDS
        return this.#append(this.#popMark());
      case "q": // BINPUT
        return void this.#memo.set(reader.byte(), this.#top());
      case "r": // LONG_BINPUT
        return void this.#memo.set(reader.uint32(), this.#top());
      case "\x94": // MEMOIZE
        return void this.#memo.set(this.#memo.size, this.#top());
      case "h": // BINGET
        return this.#push(this.#recall(reader.byte()));
      case "j": // LONG_BINGET
        return this.#push(this.#recall(reader.uint32()));
      default:
        return this.#call(code);
    }
  }

  /** The instructions that can reach outside the data. */
  #call(code: number): void {
    const reader = this.#reader;
    switch (String.fromCharCode(code)) {
      case "c": // GLOBAL
        return this.#push(this.#global(reader.line(), reader.line()));
      case "\x93": {
        // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== "string" || typeof name !== "string") throw reader.damaged("a global without a name");
        return this.#push(this.#global(module, name));
      }
      case "R": // REDUCE
      case "\x81": {
        // NEWOBJ
        const [callee, args] = this.#popMany(2);
        if (!(callee instanceof Callable) || !Array.isArray(args))
          throw reader.damaged("a call of what is no function");
        return this.#push(callee.call(args));
      }
      case "b": // BUILD: attributes of an object, such as the `_metadata` of a state dict
        return void this.#pop();
      case "Q": // BINPERSID
        return this.#push(this.#world.persistent(this.#pop()));
      default:
        throw reader.damaged(`the instruction 0x${code.toString(16)}, which weights do not need`);
    }
  }

  #global(module: string, name: string): unknown {
    const path = `${module}.${name}`;
    const found = this.#world.global(path);
    if (found === undefined) throw this.#reader.refused(path);
    return found.kind === "value" ? found.value : new Callable(found.call);
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #top(): unknown {
    if (this.#stack.length === 0) throw this.#reader.damaged("an instruction without its operand");
    return this.#stack.at(-1);
  }

  #pop(): unknown {
    const top = this.#top();
    this.#stack.pop();
    return top;
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) throw this.#reader.damaged("an instruction without its operands");
    return this.#stack.splice(-count);
  }

  #popMark(): unknown[] {
    const items = this.#stack;
    const below = this.#marks.pop();
    if (below === undefined) throw this.#reader.damaged("an end without its beginning");
    this.#stack = below;
    return items;
  }

  #recall(key: number): unknown {
    if (!this.#memo.has(key)) throw this.#reader.damaged(`memo ${key} is empty`);
    return this.#memo.get(key);
  }

  #append(items: readonly unknown[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#reader.damaged("an append to what is no list");
    for (const item of items) list.push(item);
  }

  #pushDictionary(items: readonly unknown[]): void {
    this.#push(new Map());
    this.#setItems(items);
  }

  #setItems(items: readonly unknown[]): void {
    const dictionary = this.#top();
    if (!(dictionary instanceof Map) || items.length % 2 !== 0) throw this.#reader.damaged("an item of no dictionary");
    for (let i = 0; i < items.length; i += 2) dictionary.set(items[i], items[i + 1]);
  }
}

/** A global that may be called: apart from plain functions, so that no data can pass for one. */
class Callable {
  readonly call: (args: readonly unknown[]) => unknown;

  constructor(call: (args: readonly unknown[]) => unknown) {
    this.call = call;
  }
}

const stop = ".".charCodeAt(0);

/** Instructions that push what they spell. */
const literals: ReadonlyMap<number, (reader: PickleReader) => unknown> = new Map(
  Object.entries({
    N: () => null, // NONE
    "\x88": () => true, // NEWTRUE
    "\x89": () => false, // NEWFALSE
    "}": () => new Map(), // EMPTY_DICT
    "]": () => [], // EMPTY_LIST
    ")": () => [], // EMPTY_TUPLE
    K: (reader) => reader.byte(), // BININT1
    M: (reader) => reader.uint16(), // BININT2
    J: (reader) => reader.int32(), // BININT
    "\x8a": (reader) => reader.integer(reader.byte()), // LONG1
    G: (reader) => reader.float64(), // BINFLOAT
    X: (reader) => reader.text(reader.uint32()), // BINUNICODE
    "\x8c": (reader) => reader.text(reader.byte()), // SHORT_BINUNICODE
    U: (reader) => reader.text(reader.byte()), // SHORT_BINSTRING, of Python 2
    T: (reader) => reader.text(reader.uint32()), // BINSTRING, of Python 2
    C: (reader) => reader.raw(reader.byte()), // SHORT_BINBYTES
    B: (reader) => reader.raw(reader.uint32()), // BINBYTES
  } satisfies Record<string, (reader: PickleReader) => unknown>).map(([code, read]) => [code.charCodeAt(0), read]),
);
