import { decodeSafetensors, encodeSafetensors } from "../base/safetensors.ts";
import { Tensor } from "../base/tensor.ts";
import type { StageOutputs, StageRequest } from "../platform/platform.ts";

const models = ["whole", "prepare", "network"] as const;
const nothing = Tensor.of("uint8", [0], new Uint8Array(0));

/** A request for another process, as the parts of a safetensors file: `whole`, `prepare`, `network`, `image/0`, `decoded/0`, `prepared/0`, … */
export function encodeRequest({ stages, images }: StageRequest): readonly Uint8Array[] {
  const { imageInput, preparedInput } = stages;
  const tensors = new Map([
    ...models.map((name) => [name, bytesTensor(stages[name])] as const),
    ...images.flatMap(
      ({ bytes, decoded, prepared }, i) =>
        [
          [`image/${i}`, bytesTensor(bytes)],
          [`decoded/${i}`, decoded],
          [`prepared/${i}`, prepared],
        ] as const,
    ),
  ]);
  return encodeSafetensors({ tensors, metadata: { imageInput, preparedInput, images: String(images.length) } });
}

export function decodeRequest(file: Uint8Array): StageRequest {
  const { tensors, metadata } = decodeSafetensors(file, "the request");
  const tensor = (name: string) => tensors.get(name) ?? nothing;
  const { imageInput = "", preparedInput = "", images } = metadata;
  const [whole, prepare, network] = [tensor("whole").bytes, tensor("prepare").bytes, tensor("network").bytes];
  return {
    stages: { whole, prepare, network, imageInput, preparedInput },
    images: Array.from({ length: Number(images) }, (_, i) => ({
      bytes: tensor(`image/${i}`).bytes,
      decoded: tensor(`decoded/${i}`),
      prepared: tensor(`prepared/${i}`),
    })),
  };
}

/** What came out, as the parts of a safetensors file: `decoded/0`, `prepared/0`, `answers/0/probabilities`, `served/0/probabilities`, … */
export function encodeOutputs(found: readonly StageOutputs[]): readonly Uint8Array[] {
  const tensors = found.flatMap(({ decoded, prepared, answers, served }, i): [string, Tensor][] => [
    [`decoded/${i}`, decoded],
    [`prepared/${i}`, prepared],
    ...Array.from(answers, ([name, tensor]): [string, Tensor] => [`answers/${i}/${name}`, tensor]),
    ...Array.from(served, ([name, tensor]): [string, Tensor] => [`served/${i}/${name}`, tensor]),
  ]);
  return encodeSafetensors({ tensors: new Map(tensors), metadata: {} });
}

/** Of so many images, from a file that `runtime` wrote. Throws `model` where it is no safetensors file. */
export function decodeOutputs(file: Uint8Array, images: number, runtime: string): readonly StageOutputs[] {
  const { tensors } = decodeSafetensors(file, `the answers of ${runtime}`);
  const below = (start: string) =>
    new Map(
      [...tensors].flatMap(([name, tensor]) => (name.startsWith(start) ? [[name.slice(start.length), tensor]] : [])),
    );
  return Array.from({ length: images }, (_, i) => ({
    decoded: tensors.get(`decoded/${i}`) ?? nothing,
    prepared: tensors.get(`prepared/${i}`) ?? nothing,
    answers: below(`answers/${i}/`),
    served: below(`served/${i}/`),
  }));
}

function bytesTensor(bytes: Uint8Array): Tensor {
  return new Tensor("uint8", [bytes.length], bytes);
}
