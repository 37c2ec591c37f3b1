import { expect, it } from "vitest";
import { placementOf, showPlacement } from "./placement.ts";

const gpu = "WebGpuExecutionProvider";
const cpu = "CPUExecutionProvider";
const ran = (name: string, op_name: string, provider: string) => ({ cat: "Node", name, args: { op_name, provider } });

const events = [
  { cat: "Session", name: "session_initialization", args: {} },
  { cat: "Session", name: "model_run" },
  ran("Conv_0_kernel_time", "Conv", gpu),
  ran("copy_kernel_time", "MemcpyToHost", gpu),
  ran("Resize_1_kernel_time", "Resize", cpu),
  ran("Gather_2_kernel_time", "Gather", cpu),
  ran("Gather_3_kernel_time", "Gather", cpu),
  ran("Gather_3_kernel_time", "Gather", cpu),
  { cat: "Node", name: "Gather_3_fence_before", args: { op_name: "Gather" } },
];

it("counts each node of a profile once, and not the copies between devices", () => {
  const placement = placementOf(events);
  expect(placement).toEqual({
    nodes: 4,
    onCpu: new Map([
      ["Resize", 1],
      ["Gather", 2],
    ]),
  });
  expect(showPlacement(placement)).toBe("the CPU runs 3 of 4 nodes: Gather ×2, Resize");
});

it("says nothing when the device runs all", () => {
  expect(showPlacement(placementOf([ran("Conv_0_kernel_time", "Conv", gpu)]))).toBeUndefined();
});
