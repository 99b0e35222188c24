/** Numbers for people. */

/** 1,234,567 → "1.23M"; below a thousand as it is. */
export function formatCount(value: number): string {
  for (const [suffix, size] of [
    ["T", 1e12],
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

/** Seconds as days, below two of them as hours. */
export function formatDays(seconds: number): string {
  const hours = seconds / 3600;
  return hours < 48 ? `${Number(hours.toPrecision(3))} hours` : `${Number((hours / 24).toPrecision(3))} days`;
}

/** 12,345,678 → "12.3 MB". */
export function formatBytes(bytes: number): string {
  const [, digits, unit] = /^(.*?)([kMBT]?)$/.exec(formatCount(bytes))!;
  return `${digits} ${unit === "B" ? "G" : unit}B`;
}

/** 0.4567 → "45.7 %"; below one percent two digits: 0.00123 → "0.12 %". */
export function formatPercent(share: number): string {
  const percent = 100 * share;
  return `${percent > 0 && percent < 1 ? Number(percent.toPrecision(2)) : percent.toFixed(1)} %`;
}

/** Learning rates, norms: two digits, as a power of ten below a hundredth. */
export function formatSmall(value: number): string {
  return value !== 0 && Math.abs(value) < 0.01
    ? Number(value.toPrecision(2)).toExponential()
    : String(Number(value.toPrecision(2)));
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

function trim(text: string): string {
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}
