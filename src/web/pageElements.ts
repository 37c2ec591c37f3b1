import type { Promises } from "../tasks/promisesOf.ts";
import type { PageAnswer } from "./pageModel.ts";

/** Classes that are shown of each answer. */
const shownClasses = 5;

/** An element that the page has. Throws where it has none of this kind. */
export function element(id: string): HTMLElement;
export function element<E extends HTMLElement>(id: string, kind: new () => E): E;
export function element(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no "${id}"`);
}

export interface Result {
  readonly name: string;
  readonly file: Blob;
  readonly answers: readonly PageAnswer[];
  readonly decodeMs: number;
  readonly durationMs: number;
}

export function resultCard({ name, file, answers, decodeMs, durationMs }: Result): HTMLElement {
  const image = made("img");
  image.alt = "";
  image.src = URL.createObjectURL(file);
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  const text = made("div");
  const time = `${milliseconds(decodeMs + durationMs)}: ${milliseconds(decodeMs)} to decode, ${milliseconds(durationMs)} for the model`;
  text.append(made("h2", name), ...answers.flatMap(answerElements), made("p", time, "time"));
  const card = made("article");
  card.append(image, text);
  return card;
}

export function failureCard(name: string, reason: string): HTMLElement {
  const card = made("article", "", "failed");
  const text = made("div");
  text.append(made("h2", name), made("p", `${reason}.`));
  card.append(text);
  return card;
}

/** What is worth a word beside the likeliest class: that it may be none of them, or which others it may well be. */
export function promiseText({ set = [], unknown }: Promises): string | undefined {
  if (unknown?.isUnknown === true) return "unknown, unlike the training photos";
  return set.length > 1 ? `one of ${set.join(", ")}` : undefined;
}

/** 0.9876 → 98.8 %; never 100 % or 0 % of what is not sure. */
export function shareText(probability: number): string {
  if (probability > 0.999 && probability < 1) return "> 99.9 %";
  if (probability < 0.001 && probability > 0) return "< 0.1 %";
  return `${(100 * probability).toFixed(1)} %`;
}

function answerElements(answer: PageAnswer): readonly HTMLElement[] {
  const title = answer.title === undefined ? [] : [made("h3", answer.title)];
  if (answer.kind === "number") return [...title, made("p", answer.value.toPrecision(4))];
  const promise = promiseText(answer);
  const list = made("ol");
  for (const { label, probability } of answer.classes.slice(0, shownClasses)) {
    const bar = made("progress");
    bar.value = probability;
    // The number beside it says the same.
    bar.setAttribute("aria-hidden", "true");
    const row = made("li");
    row.append(made("span", label, "label"), made("span", shareText(probability), "share"), bar);
    list.append(row);
  }
  return [...title, ...(promise === undefined ? [] : [made("p", promise, "promise")]), list];
}

function made<K extends keyof HTMLElementTagNameMap>(tag: K, text = "", className = ""): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  return node;
}

function milliseconds(value: number): string {
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}
