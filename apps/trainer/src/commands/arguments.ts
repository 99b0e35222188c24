/** Values of options: from text, or refused in one line. */
import { InvalidArgumentError } from "commander";
import { parseAddress } from "../dashboard/run-dashboard.ts";

export function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

export function address(text: string): { host: string; port: number } {
  const parsed = parseAddress(text);
  if (parsed) return parsed;
  throw new InvalidArgumentError("Expected PORT or HOST:PORT, such as 8080.");
}

export function integer(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("Expected a whole number.");
  return value;
}

export function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("Expected a whole number of at least 1.");
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}

export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < 1))
    throw new InvalidArgumentError("Expected a number from 0 to below 1.");
  return value;
}
