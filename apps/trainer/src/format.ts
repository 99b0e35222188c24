/** Numbers for people. */

/** 1,234,567 → "1.23M"; below a thousand as it is. */
export function formatCount(value: number): string {
  for (const [suffix, size] of [
    ["B", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const)
    if (value >= size) return `${trim((value / size).toPrecision(3))}${suffix}`;
  return String(Math.round(value));
}

/** 3,725 → "1h 02m"; 65 → "1m 05s". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.round(seconds);
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h ${pad(Math.floor((whole % 3600) / 60))}m`;
  return whole >= 60 ? `${Math.floor(whole / 60)}m ${pad(whole % 60)}s` : `${whole}s`;
}

/** 0.4567 → "45.7 %". */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

function trim(text: string): string {
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}
