import {
  activate,
  adam,
  backbone,
  conv2d,
  type Data,
  dense,
  type FitOptions,
  flatten,
  type Model,
  maxPooling2d,
  rescaling,
  sequential,
} from "../../src/index.ts";
import type { Layer } from "../../src/nn/layer.ts";
import type { LossName } from "../../src/nn/losses.ts";
import { type Arrays, floats, oneHot, rgb } from "./digits.ts";

/** A model that is ready for `fit`, and what it is fitted on and measured on. */
export interface Attempt {
  readonly model: Model;
  readonly train: Data;
  readonly options: FitOptions;
  readonly test: Data;
}

/** A recipe as it is often printed, and the same without its mistake. */
export interface Mistake {
  readonly title: string;
  readonly broken: () => Attempt;
  readonly repaired: () => Attempt;
  /** Why it is not trained here. */
  readonly unmeasured?: string;
}

interface Digits {
  readonly train: Arrays;
  readonly test: Arrays;
  readonly sorted: Arrays;
}

/** Every mistake, on some digits. */
export function mistakesOn({ train, test, sorted }: Digits): readonly Mistake[] {
  const scaled = ({ x, y }: Arrays) => ({ x: floats(x, 1 / 255), y });
  const rows = ({ x, y }: Arrays) => ({ x: floats(x, 1 / 255), y: oneHot(y) });
  const plain = (changes: Partial<Settings> = {}): Attempt =>
    attempt({ train: scaled(train), test: scaled(test), ...changes });
  return [
    {
      title: "Integer labels under categorical cross-entropy",
      broken: () => plain({ loss: "categoricalCrossentropy" }),
      repaired: () => plain(),
    },
    {
      title: "One-hot rows under sparse categorical cross-entropy",
      broken: () => plain({ train: rows(train), test: rows(test) }),
      repaired: () => plain({ train: rows(train), test: rows(test), loss: "categoricalCrossentropy" }),
    },
    {
      title: "RGB images into a one-channel input",
      broken: () =>
        plain({ train: { x: rgb(train.x), y: train.y }, test: { x: rgb(test.x), y: test.y }, head: rescaled() }),
      repaired: () => plain({ train, test, head: rescaled() }),
    },
    {
      title: "Rescaled twice: in the data and in the model",
      broken: () => plain({ head: rescaled() }),
      repaired: () => plain(),
    },
    {
      title: "Softmax twice",
      broken: () => plain({ tail: [dense(10, { activation: "softmax" }), activate("softmax")] }),
      repaired: () => plain(),
    },
    {
      title: "No softmax: logits taken for probabilities",
      broken: () => plain({ tail: [dense(10)] }),
      repaired: () => plain(),
    },
    {
      title: "A learning rate for another optimiser",
      broken: () => plain({ learningRate: 0.3 }),
      repaired: () => plain(),
    },
    {
      title: "Validation cut off the end of sorted data",
      broken: () => {
        const cut = 1200;
        const [first, last] = [part(sorted, 0, cut), part(sorted, cut, sorted.y.length)];
        return plain({ train: scaled(first), options: { validation: scaled(last) } });
      },
      repaired: () => {
        const cut = 1200;
        const [first, last] = [part(train, 0, cut), part(train, cut, train.y.length)];
        return plain({ train: scaled(first), options: { validation: scaled(last) } });
      },
    },
    {
      title: "Everything frozen",
      broken: () => frozen(plain(), () => false),
      repaired: () => plain(),
    },
    {
      title:
        "The classic: VGG16 on raw 0–255, integer labels, categorical cross-entropy, frozen before its weights came",
      broken: () => vgg16("categoricalCrossentropy", { x: floats(enlarged(train.x)), y: train.y.subarray(0, 100) }),
      repaired: () =>
        vgg16("sparseCategoricalCrossentropy", { x: imagenet(enlarged(train.x)), y: train.y.subarray(0, 100) }),
      unmeasured: "VGG16's weights are not here",
    },
  ];
}

interface Settings {
  readonly train: Data;
  readonly test: Data;
  readonly loss: LossName;
  readonly learningRate: number;
  readonly head: readonly Layer[];
  readonly tail: readonly Layer[];
  readonly options: FitOptions;
}

function rescaled(): readonly Layer[] {
  return [rescaling(1 / 255)];
}

function attempt({
  train,
  test,
  loss = "sparseCategoricalCrossentropy",
  learningRate = 1e-3,
  head = [],
  tail = [dense(10, { activation: "softmax" })],
  options = {},
}: Partial<Settings> & Pick<Settings, "train" | "test">): Attempt {
  const body = [
    conv2d(16, 3, { activation: "relu" }),
    maxPooling2d(2),
    conv2d(32, 3, { activation: "relu" }),
    maxPooling2d(2),
  ];
  const model = sequential([...head, ...body, flatten(), ...tail], { inputShape: [28, 28, 1] });
  model.compile({ optimizer: adam({ learningRate }), loss, metrics: ["accuracy"] });
  return { model, train, test, options: { epochs: 5, ...options } };
}

function frozen(made: Attempt, trainable: (path: string) => boolean): Attempt {
  made.model.setTrainable(trainable);
  return made;
}

function vgg16(loss: LossName, train: Data): Attempt {
  const { layer } = backbone("vgg16", { includeTop: false, pooling: "avg", inputShape: [32, 32, 3] });
  const model = sequential([layer, dense(10, { activation: "softmax" })], { inputShape: [32, 32, 3] });
  model.compile({ optimizer: adam(), loss, metrics: ["accuracy"] });
  return frozen({ model, train, test: train, options: {} }, (path) => path.startsWith("dense"));
}

function part({ x, y }: Arrays, from: number, to: number): Arrays {
  return { x: x.subarray(784 * from, 784 * to), y: y.subarray(from, to) };
}

/** The first 100 digits with a border, 32×32 in three channels. */
function enlarged(levels: Uint8Array): Uint8Array {
  const wide = new Uint8Array(100 * 32 * 32);
  for (let digit = 0; digit < 100; digit++)
    for (let row = 0; row < 28; row++) {
      const from = 784 * digit + 28 * row;
      wide.set(levels.subarray(from, from + 28), 1024 * digit + 32 * (row + 2) + 2);
    }
  return rgb(wide);
}

/** (x/255 − mean) / deviation, as torchvision's weights expect. */
function imagenet(levels: Uint8Array): Float32Array {
  const mean = [0.485, 0.456, 0.406];
  const deviation = [0.229, 0.224, 0.225];
  return Float32Array.from(levels, (level, i) => (level / 255 - (mean[i % 3] ?? 0)) / (deviation[i % 3] ?? 1));
}
