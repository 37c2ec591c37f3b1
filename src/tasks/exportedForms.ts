/** What a run's model can be exported to as one file. */
export const fileForms = ["onnx", "onnx-fp16", "onnx-int8"] as const;
export type FileForm = (typeof fileForms)[number];

/** Where `graft export` puts it unless told otherwise, in the run folder. */
export function exportedFile(form: FileForm): string {
  return `model-${form}.onnx`;
}
