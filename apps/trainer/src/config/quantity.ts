/** Amounts as people write them: `250k tokens`, `2M`, `500 steps`, `3 epochs`, `5%`. */
import type { Interval } from "@modernbert-ts/training";

const suffixes: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, b: 1e9 };

/** `2M`, `250k`, `1_000_000`, 1e6: a positive whole number; undefined for anything else. */
export function parseCount(value: number | string): number | undefined {
  const match = /^(\d[\d_]*(?:\.\d+)?(?:e\d+)?)\s*([kmb]?)$/i.exec(String(value).trim());
  if (!match) return undefined;
  const count = Math.round(Number(match[1]!.replaceAll("_", "")) * suffixes[match[2]!.toLowerCase()]!);
  return count >= 1 && Number.isSafeInteger(count) ? count : undefined;
}

function parseUnit<Unit extends string>(value: number | string, units: readonly Unit[]): [number, Unit] | undefined {
  const match = /^(.*?)\s*([a-z]+)$/i.exec(String(value).trim());
  const unit = units.find((name) => name === match?.[2] || name === `${match?.[2]}s`);
  const count = unit && parseCount(match![1]!);
  return count === undefined ? undefined : [count, unit!];
}

/** `500 steps` or `1M tokens`. */
export function parseInterval(value: number | string): Interval | undefined {
  const parsed = parseUnit(value, ["steps", "tokens"]);
  if (!parsed) return undefined;
  return parsed[1] === "steps" ? { steps: parsed[0] } : { tokens: parsed[0] };
}

/** `10M tokens` or `3 epochs`, in tokens. `epochTokens`: the tokens of one pass over the data. */
export function parseLength(value: number | string, epochTokens: number): number | undefined {
  const parsed = parseUnit(value, ["tokens", "epochs"]);
  return parsed && (parsed[1] === "tokens" ? parsed[0] : parsed[0] * epochTokens);
}

/** `5%` of `total`, or `100k tokens`, or 0, in tokens. */
export function parseShare(value: number | string, total: number): number | undefined {
  const text = String(value).trim();
  if (text === "0") return 0;
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (percent) return Number(percent[1]) <= 100 ? Math.round((Number(percent[1]) / 100) * total) : undefined;
  return parseUnit(value, ["tokens"])?.[0];
}
