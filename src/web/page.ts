import { GraftError, messageOf } from "../base/errors.ts";
import { limitPixels } from "../data/imageTensor.ts";
import type { Pixels } from "../platform/platform.ts";
import { Camera } from "./camera.ts";
import { decodeBlob } from "./codec.ts";
import { element, failureCard, promiseText, resultCard, shareText } from "./pageElements.ts";
import { type PageAnswer, PageModel } from "./pageModel.ts";

/** The page that `graft export --to web` writes: names what is on dropped, chosen and photographed images. */
async function start(): Promise<void> {
  say("Loading the model…");
  const model = await PageModel.open((share) => say(`Loading the model: ${Math.floor(100 * share)} %`));
  document.title = `${model.card.name} – image classifier`;
  element("title").textContent = model.card.name;
  element("about").textContent = aboutText(model);
  const queue = new Queue(model);
  listenToFiles(queue);
  listenToDrops(queue);
  listenToCamera(queue);
  say("Ready.");
}

interface Picture {
  readonly name: string;
  /** What is shown of it. */
  readonly file: Blob;
  decode(): Promise<Pixels>;
}

/** Answers pictures one after another. */
class Queue {
  readonly #model: PageModel;
  #last: Promise<void> = Promise.resolve();

  constructor(model: PageModel) {
    this.#model = model;
  }

  addFiles(files: Iterable<File>): void {
    for (const file of files) this.add({ name: file.name, file, decode: () => decodeBlob(file, limitPixels) });
  }

  add(picture: Picture): void {
    this.#last = this.#last.then(() => this.#answer(picture));
  }

  async #answer({ name, file, decode }: Picture): Promise<void> {
    say(`Looking at ${name}…`);
    await painted();
    try {
      const begun = performance.now();
      const pixels = await decode();
      const decodeMs = performance.now() - begun;
      const { answers, durationMs } = await this.#model.classify(pixels);
      element("results").prepend(resultCard({ name, file, answers, decodeMs, durationMs }));
      say(`${name}: ${answers.map(answerText).join("; ")}`);
    } catch (thrown) {
      const isUnreadable = thrown instanceof GraftError && thrown.code === "input";
      const reason = `${isUnreadable ? "Could not be read" : "The model failed"}: ${messageOf(thrown)}`;
      element("results").prepend(failureCard(name, reason));
      say(`${name}: ${reason}`);
    }
  }
}

function listenToFiles(queue: Queue): void {
  const files = element("files", HTMLInputElement);
  const choose = element("choose", HTMLButtonElement);
  choose.disabled = false;
  choose.addEventListener("click", () => files.click());
  for (const input of [files, element("capture", HTMLInputElement)]) {
    input.addEventListener("change", () => {
      queue.addFiles(input.files ?? []);
      // So that the same file can be chosen again.
      input.value = "";
    });
  }
}

/** Wherever on the page they fall: a browser would else leave the page and show them. */
function listenToDrops(queue: Queue): void {
  const { body } = document;
  addEventListener("dragover", (event) => {
    event.preventDefault();
    body.classList.add("dragging");
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) body.classList.remove("dragging");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    body.classList.remove("dragging");
    const files = event.dataTransfer?.files ?? [];
    if (files.length === 0) return say("Nothing that was dropped is a file. Save the photo first, then drop it.");
    queue.addFiles(files);
  });
}

function listenToCamera(queue: Queue): void {
  const open = element("camera", HTMLButtonElement);
  open.disabled = false;
  const camera = new Camera();
  open.addEventListener("click", async () => {
    // Live pictures are for pages from https or this device; elsewhere phones have their own camera app.
    if (!Camera.isAllowed) return element("capture").click();
    open.disabled = true;
    try {
      await camera.open();
      say("The camera is on.");
    } catch (thrown) {
      open.disabled = false;
      say(`The camera does not open: ${messageOf(thrown)}`);
    }
  });
  let taken = 0;
  element("take").addEventListener("click", async () => {
    const { file, pixels } = await camera.take();
    queue.add({ name: `Photo ${++taken}`, file, decode: () => Promise.resolve(pixels) });
  });
  element("stop").addEventListener("click", () => {
    camera.close();
    open.disabled = false;
    open.focus();
    say("The camera is off.");
  });
}

function aboutText({ card }: PageModel): string {
  const known = card.outputs.map(({ title, labels }) => {
    const what = labels === undefined ? "a number" : listText(labels);
    return title === undefined ? what : `${title} (${what})`;
  });
  return `Tells ${known.join("; ")}. Photos stay on this device.`;
}

function listText(labels: readonly string[]): string {
  if (labels.length > 6) return `${labels.length} classes`;
  return `${labels.slice(0, -1).join(", ")} from ${labels.at(-1)}`;
}

function answerText(answer: PageAnswer): string {
  const start = answer.title === undefined ? "" : `${answer.title} `;
  if (answer.kind === "number") return `${start}${answer.value.toPrecision(4)}`;
  const [best] = answer.classes;
  const promise = promiseText(answer);
  const end = promise === undefined ? "" : ` (${promise})`;
  return best === undefined ? start : `${start}${best.label}, ${shareText(best.probability)}${end}`;
}

function say(text: string): void {
  element("status").textContent = text;
}

/** What was said can be seen only after the browser has drawn, and the model leaves it no time. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    // Pages in the background are not drawn.
    setTimeout(resolve, 100);
  });
}

start().catch((thrown: unknown) => say(`The model does not start: ${messageOf(thrown)}`));
