import type { ClassificationBatch } from "../metrics/classificationBatch.ts";
import { precisionRecallCurve, rocCurve } from "../metrics/curves.ts";
import type { Figure } from "./figure.ts";
import { fixed } from "./numbers.ts";
import { diagonal, pageChart, unitAxis } from "./pageChart.ts";

/** A class with what its curves rest on. */
export interface RankedClass {
  readonly index: number;
  readonly label: string;
  readonly support: number;
  /** Undefined where the class, or all but it, is absent. */
  readonly auc: number | undefined;
  readonly averagePrecision: number | undefined;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

const mostClasses = 6;
/** Points nearer than that are one. */
const grid = 256;

/** The classes whose curves are drawn: of two the second, which stands for both, else those that are told from the rest least well. */
export function curvedClasses(classes: readonly RankedClass[]): readonly RankedClass[] {
  const defined = classes.filter(({ auc }) => auc !== undefined);
  if (classes.length === 2) return defined.slice(-1);
  return defined.toSorted((a, b) => (a.auc ?? 1) - (b.auc ?? 1)).slice(0, mostClasses);
}

export function rocFigure(batch: ClassificationBatch, classes: readonly RankedClass[]): Figure {
  const drawn = classes.map((ranked) => ({
    ranked,
    places: rocCurve(batch, ranked.index).map((point) => ({ x: point.falsePositiveRate, y: point.truePositiveRate })),
  }));
  return curveFigure(drawn, {
    id: "roc",
    title: "ROC",
    axes: ["false positive rate", "true positive rate"],
    caption: "How many of a class are found (up) at how many false alarms among the others (right). Dashed: guessing.",
    hasDiagonal: true,
    area: ({ auc }) => ["area under the ROC curve", auc],
  });
}

export function precisionRecallFigure(batch: ClassificationBatch, classes: readonly RankedClass[]): Figure {
  const drawn = classes.map((ranked) => ({
    ranked,
    places: precisionRecallCurve(batch, ranked.index).map(({ precision, recall }) => ({ x: recall, y: precision })),
  }));
  return curveFigure(drawn, {
    id: "precision-recall",
    title: "precision and recall",
    axes: ["recall", "precision"],
    caption: "How many of the images called a class are of it (up), while more of the class are found (right).",
    hasDiagonal: false,
    area: ({ averagePrecision }) => ["average precision", averagePrecision],
  });
}

interface CurveStyle {
  readonly id: string;
  readonly title: string;
  readonly axes: readonly [x: string, y: string];
  readonly caption: string;
  /** Which guessing gives. */
  readonly hasDiagonal: boolean;
  area(ranked: RankedClass): readonly [name: string, value: number | undefined];
}

interface Drawn {
  readonly ranked: RankedClass;
  readonly places: readonly Place[];
}

function curveFigure(drawn: readonly Drawn[], { id, title, axes, caption, hasDiagonal, area }: CurveStyle): Figure {
  const values = drawn.flatMap(({ ranked, places }) =>
    thinned(places).map(({ x, y }, order) => ({ x, y, order, class: ranked.label })),
  );
  const [first] = drawn;
  return {
    id,
    caption,
    spec: {
      ...pageChart,
      title,
      layer: [
        ...(hasDiagonal ? [diagonal] : []),
        {
          data: { values },
          mark: { type: "line" },
          encoding: {
            x: unitAxis("x", axes[0]),
            y: unitAxis("y", axes[1]),
            order: { field: "order", type: "quantitative" },
            color: { field: "class", type: "nominal", title: null, sort: drawn.map(({ ranked }) => ranked.label) },
          },
        },
      ],
    },
    table: {
      caption: `${title}: areas`,
      columns: ["class", "images", ...(first === undefined ? [] : [area(first.ranked)[0]])],
      rows: drawn.map(({ ranked }) => [ranked.label, ranked.support, fixed(area(ranked)[1])]),
    },
  };
}

/** Without points that would be drawn on one another. */
function thinned(places: readonly Place[]): readonly Place[] {
  const at = ({ x, y }: Place) => `${Math.round(x * grid)} ${Math.round(y * grid)}`;
  const kept = places.filter((place, i) => {
    const before = places[i - 1];
    return before === undefined || i === places.length - 1 || at(before) !== at(place);
  });
  return kept.map(({ x, y }) => ({ x: Number(x.toFixed(4)), y: Number(y.toFixed(4)) }));
}
