import { GraftError } from "../base/errors.ts";
import { limitPixels } from "../data/imageTensor.ts";
import type { Pixels } from "../platform/platform.ts";
import { encodePng, pixelsOf } from "./codec.ts";
import { element } from "./pageElements.ts";

/** The camera of this device, in the page's viewfinder. */
export class Camera {
  readonly #video = element("video", HTMLVideoElement);
  #stream: MediaStream | undefined;

  static get isAllowed(): boolean {
    return globalThis.isSecureContext && "mediaDevices" in navigator;
  }

  /** Asks for permission. Throws `input` where there is none, or no camera. */
  async open(): Promise<void> {
    try {
      this.#stream ??= await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (thrown) {
      throw cameraError(thrown);
    }
    this.#video.srcObject = this.#stream;
    element("viewfinder").hidden = false;
    await this.#video.play();
    element("take").focus();
  }

  /** What it sees now. */
  async take(): Promise<{ readonly file: Blob; readonly pixels: Pixels }> {
    const { videoWidth, videoHeight } = this.#video;
    const pixels = pixelsOf(this.#video, videoWidth, videoHeight, limitPixels);
    return { file: await encodePng(pixels), pixels };
  }

  close(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    element("viewfinder").hidden = true;
  }
}

function cameraError(thrown: unknown): GraftError {
  const name = thrown instanceof DOMException ? thrown.name : "";
  const reasons: Readonly<Record<string, string>> = {
    NotAllowedError: "permission was refused; allow it in the browser's settings for this page",
    NotFoundError: "this device has none",
    NotReadableError: "another program uses it",
  };
  return new GraftError("input", reasons[name] ?? String(thrown), { cause: thrown });
}
