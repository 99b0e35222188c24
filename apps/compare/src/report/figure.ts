/** Numbers for people. */

/** Three significant figures, thousands grouped. @param decimals instead, so that two numbers end at one place */
export function figure(value: number, decimals: number = decimalsOf(value)): string {
  if (!Number.isFinite(value)) return String(value);
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Behind the point, for three significant figures: 0 from 100 on, at most 6. */
export function decimalsOf(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return 0;
  return Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
}

/** Of an axis: as short as it can be. */
export function tickFigure(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 6 });
}
