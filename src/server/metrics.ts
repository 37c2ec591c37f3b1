/** Upper bounds of the latency buckets, in seconds: from a cached tiny network to a large one under load. */
const latencyBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const batchBounds = [1, 2, 4, 8, 16, 32, 64];

type Labels = Readonly<Record<string, string | number>>;

/** What `/metrics` tells, in Prometheus' text format 0.0.4. */
export class ServerMetrics {
  readonly #requests = new Counter("graft_requests_total", "Requests answered, by route and status.");
  readonly #images = new Counter("graft_images_total", "Images answered, by model.");
  readonly #reloads = new Counter("graft_reloads_total", "Models replaced while serving, by model and outcome.");
  readonly #durations = new Histogram("graft_request_seconds", "Time from request to answer, by route.", latencyBounds);
  readonly #batches = new Histogram("graft_batch_size", "Images that ran together, by model.", batchBounds);

  request(route: string, status: number, seconds: number): void {
    this.#requests.add({ route, status });
    this.#durations.observe({ route }, seconds);
  }

  images(model: string, count: number): void {
    this.#images.add({ model }, count);
  }

  batch(model: string, size: number): void {
    this.#batches.observe({ model }, size);
  }

  reload(model: string, outcome: "replaced" | "failed"): void {
    this.#reloads.add({ model, outcome });
  }

  /** @param gauges what is measured now, by name */
  text(gauges: Readonly<Record<string, { readonly help: string; readonly value: number }>>): string {
    const now = Object.entries(gauges).map(
      ([name, { help, value }]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`,
    );
    const kept = [this.#requests, this.#durations, this.#images, this.#batches, this.#reloads];
    return [...kept.map((metric) => metric.text()), ...now].join("");
  }
}

class Counter {
  readonly #head: string;
  readonly #name: string;
  readonly #values = new Map<string, number>();

  constructor(name: string, help: string) {
    this.#name = name;
    this.#head = `# HELP ${name} ${help}\n# TYPE ${name} counter\n`;
  }

  add(labels: Labels, count = 1): void {
    const key = written(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + count);
  }

  text(): string {
    const lines = [...this.#values].map(([labels, value]) => `${this.#name}{${labels}} ${value}\n`);
    return this.#head + lines.join("");
  }
}

class Histogram {
  readonly #head: string;
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { readonly counts: number[]; sum: number; count: number }>();

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#bounds = bounds;
    this.#head = `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
  }

  observe(labels: Labels, value: number): void {
    const key = written(labels);
    const series = this.#series.get(key) ?? { counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
    this.#series.set(key, series);
    for (const [i, bound] of this.#bounds.entries()) if (value <= bound) series.counts[i] = (series.counts[i] ?? 0) + 1;
    series.sum += value;
    series.count++;
  }

  text(): string {
    const lines = [...this.#series].map(([labels, { counts, sum, count }]) => {
      const buckets = this.#bounds.map((le, i) => `${this.#name}_bucket{${labels},le="${le}"} ${counts[i]}\n`);
      return `${buckets.join("")}${this.#name}_bucket{${labels},le="+Inf"} ${count}\n${this.#name}_sum{${labels}} ${sum}\n${this.#name}_count{${labels}} ${count}\n`;
    });
    return this.#head + lines.join("");
  }
}

function written(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
