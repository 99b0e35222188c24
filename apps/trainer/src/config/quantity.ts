/** Amounts as people write them: `250k tokens`, `2M`, `500 steps`, `3 epochs`, `5%`. */
import type { Interval } from "@modernbert-ts/training";

const suffixes: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, b: 1e9 };

/** `2M`, `1.5k`, `0.25`: a number above 0. */
function parseNumber(value: number | string): number | undefined {
  const match = /^(\d[\d_]*(?:\.\d+)?(?:e\d+)?)\s*([kmb]?)$/i.exec(String(value).trim());
  if (!match) return undefined;
  // Decimal digits times a power of ten: 1.1k is 1100, not 1100.0000000000002.
  const number = Number((Number(match[1]!.replaceAll("_", "")) * suffixes[match[2]!.toLowerCase()]!).toPrecision(15));
  return number > 0 && number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

/** `2M`, `250k`, `1_000_000`, 1e6: a positive whole number; undefined for anything else. */
export function parseCount(value: number | string): number | undefined {
  const count = parseNumber(value);
  return Number.isSafeInteger(count) ? count : undefined;
}

/** The number as it is written, and what it counts. */
function parseUnit<Unit extends string>(value: number | string, units: readonly Unit[]): [string, Unit] | undefined {
  const match = /^(.*?)\s*([a-z]+)$/i.exec(String(value).trim());
  const unit = units.find((name) => name === match?.[2] || name === `${match?.[2]}s`);
  return unit && [match![1]!, unit];
}

/** `500 steps` or `1M tokens`. */
export function parseInterval(value: number | string): Interval | undefined {
  const [text, unit] = parseUnit(value, ["steps", "tokens"]) ?? [];
  const count = text === undefined ? undefined : parseCount(text);
  if (count === undefined) return undefined;
  return unit === "steps" ? { steps: count } : { tokens: count };
}

/** `10M tokens`, `3 epochs` or `0.5 epochs`, in tokens. `epochTokens`: what one pass over the data gives. */
export function parseLength(value: number | string, epochTokens: number): number | undefined {
  const [text, unit] = parseUnit(value, ["tokens", "epochs"]) ?? [];
  if (text === undefined) return undefined;
  if (unit === "tokens") return parseCount(text);
  const epochs = parseNumber(text);
  return epochs && Math.max(1, Math.round(epochs * epochTokens));
}

/** `5%` of `total`, or `100k tokens`, or 0, in tokens. */
export function parseShare(value: number | string, total: number): number | undefined {
  const text = String(value).trim();
  if (text === "0") return 0;
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (percent) return Number(percent[1]) <= 100 ? Math.round((Number(percent[1]) / 100) * total) : undefined;
  const [tokens] = parseUnit(text, ["tokens"]) ?? [];
  return tokens === undefined ? undefined : parseCount(tokens);
}
