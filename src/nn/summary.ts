import { sizeOf } from "../base/tensor.ts";
import { type Network, summaryRows } from "./network.ts";

/** The table that `model.summary()` prints in Keras: layers, output shapes, parameter counts and their sums. */
export function summary(network: Network, name: string): string {
  const rows = summaryRows(network).map((row) => [
    `${row.name} (${row.kind})`,
    row.outputShape,
    grouped(row.parameterCount),
  ]);
  const header = ["Layer (type)", "Output Shape", "Param #"];
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (left: string, middle: string, right: string, fill: string) =>
    left + widths.map((width) => fill.repeat(width + 2)).join(middle) + right;
  const cells = (row: readonly string[], edge: string) =>
    edge + row.map((cell, i) => ` ${i === 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])} `).join(edge) + edge;
  const body = rows.flatMap((row, i) => (i === 0 ? [cells(row, "│")] : [line("├", "┼", "┤", "─"), cells(row, "│")]));
  const total = network.parameters.count;
  const trainable = network.parameters.trainable.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return [
    `Model: "${name}"`,
    line("┏", "┳", "┓", "━"),
    cells(header, "┃"),
    line("┡", "╇", "┩", "━"),
    ...body,
    line("└", "┴", "┘", "─"),
    ` Total params: ${grouped(total)} (${bytes(4 * total)})`,
    ` Trainable params: ${grouped(trainable)} (${bytes(4 * trainable)})`,
    ` Non-trainable params: ${grouped(total - trainable)} (${bytes(4 * (total - trainable))})`,
  ].join("\n");
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function bytes(count: number): string {
  if (count < 1024) return `${count.toFixed(2)} B`;
  return count < 1024 ** 2 ? `${(count / 1024).toFixed(2)} KB` : `${(count / 1024 ** 2).toFixed(2)} MB`;
}
