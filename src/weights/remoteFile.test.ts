import { describe, expect, it } from "vitest";
import { parseRemoteFile } from "./remoteFile.ts";

const sha256 = "0123456789abcdef".repeat(4);

describe("an address of weights", () => {
  it.each([
    ["hf://timm/resnet18.tv_in1k/model.safetensors", "main", "model.safetensors"],
    ["hf://timm/resnet18.tv_in1k@v1.0/onnx/model.onnx", "v1.0", "onnx/model.onnx"],
  ])("%s is a file on the hub", (text, revision, file) => {
    expect(parseRemoteFile(text)).toEqual({ kind: "hub", repository: "timm/resnet18.tv_in1k", revision, file });
  });

  it("is a URL with the file's hash", () => {
    const url = "https://example.org/a/resnet18.pth?download=1";
    expect(parseRemoteFile(`${url}#sha256=${sha256.toUpperCase()}`)).toEqual({ kind: "url", url, sha256 });
  });

  it.each(["resnet18.tv_in1k", "./weights.pth", "C:\\weights.pth", "ftp://example.org/a"])("is not %s", (text) => {
    expect(parseRemoteFile(text)).toBe(undefined);
  });

  it.each(["https://example.org/a.pth", "https://example.org/a.pth#sha256=12", `https://#sha256=${sha256}`])(
    "without its hash or host, %s, is refused",
    (text) => {
      expect(() => parseRemoteFile(text)).toThrow(/"#sha256=" and the 64 digits/);
    },
  );

  it.each(["hf://timm/resnet18", "hf://timm", "hf://timm/resnet18/"])("without a file, %s, is refused", (text) => {
    expect(() => parseRemoteFile(text)).toThrow(/expected hf:\/\/owner\/name\/file/);
  });
});
