/** onnxruntime-web's own module, which lies beside these scripts wherever they are served. */
export * from "onnxruntime-common";
