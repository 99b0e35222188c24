/** Numbers and rows of text for people. */

/** Each column is as wide as its widest cell; two blanks between columns, none at the end of a line. */
export function table(rows: readonly (readonly string[])[], align: readonly ("left" | "right")[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = align.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const cell = (text: string, column: number): string =>
    align[column] === "right" ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
  return cells.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}

/** 1234.5 → 1,234.5 */
export function grouped(value: number, digits = 0): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Bytes in decimal units. */
export function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  const [scaled, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${scaled.toPrecision(3)} ${unit}`;
}

/** Control characters as escapes: text from files and models must neither break lines nor command the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (control) => {
    const escaped = JSON.stringify(control).slice(1, -1);
    return escaped === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}` : escaped;
  });
}

/** 0.1234 → 12.3 % */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
