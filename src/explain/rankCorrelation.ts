/** Spearman's rank correlation of two lists of one length, equal values with their mean rank; 0 where one of them is constant. */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const x = ranks(a);
  const y = ranks(b);
  const middle = (x.length + 1) / 2;
  let both = 0;
  let ofX = 0;
  let ofY = 0;
  for (const [i, rank] of x.entries()) {
    const other = y[i] ?? middle;
    both += (rank - middle) * (other - middle);
    ofX += (rank - middle) ** 2;
    ofY += (other - middle) ** 2;
  }
  return ofX === 0 || ofY === 0 ? 0 : both / Math.sqrt(ofX * ofY);
}

/** From 1. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i);
  order.sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end++;
    for (let i = start; i < end; i++) result[order[i] ?? 0] = (start + 1 + end) / 2;
    start = end;
  }
  return result;
}
