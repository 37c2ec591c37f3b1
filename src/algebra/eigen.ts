import { EigenvalueDecomposition, Matrix as JamaMatrix, SingularValueDecomposition } from "ml-matrix";
import { type Matrix, matrix } from "./matrix.ts";

export interface Eigen {
  /** Largest first. */
  readonly eigenvalues: Float64Array;
  /** One a column, in the order of the eigenvalues. */
  readonly eigenvectors: Matrix;
}

/** All eigenpairs of a symmetric matrix: time grows with the cube of its side, 16 s at 1,280 on a busy server. */
export function symmetricEigen(a: Matrix): Eigen {
  const size = a.count;
  if (size === 0) return { eigenvalues: new Float64Array(0), eigenvectors: a };
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(jama(a), { assumeSymmetric: true });
  const order = realEigenvalues.map((_, i) => i).sort((i, j) => realEigenvalues[j] - realEigenvalues[i]);
  const eigenvectors = matrix(size, size);
  for (let row = 0; row < size; row++) {
    for (const [column, at] of order.entries()) {
      eigenvectors.values[row * size + column] = eigenvectorMatrix.get(row, at);
    }
  }
  return { eigenvalues: Float64Array.from(order, (i) => realEigenvalues[i]), eigenvectors };
}

export interface Singular {
  readonly left: Matrix;
  /** Largest first. */
  readonly values: Float64Array;
  readonly right: Matrix;
}

/** a = left·diag(values)·rightᵀ. */
export function singularValues(a: Matrix): Singular {
  const found = new SingularValueDecomposition(jama(a), { autoTranspose: true });
  return {
    left: fromJama(found.leftSingularVectors),
    values: Float64Array.from(found.diagonal),
    right: fromJama(found.rightSingularVectors),
  };
}

function jama({ values, count, width }: Matrix): JamaMatrix {
  return new JamaMatrix(
    Array.from({ length: count }, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width))),
  );
}

function fromJama(a: JamaMatrix): Matrix {
  return matrix(a.rows, a.columns, Float64Array.from(a.to1DArray()));
}
