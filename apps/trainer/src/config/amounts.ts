/** Fields that hold amounts as people write them, checked where the configuration is read. */
import { z } from "zod";
import { parseCount, parseInterval, parseLength, parseShare } from "./quantity.ts";

export type Amount = number | string;

type AmountField = z.ZodType<Amount, Amount>;

const amount = (valid: (value: Amount) => boolean, form: string): AmountField =>
  z.union([z.number(), z.string()]).refine(valid, { error: `expected ${form}` });

export const count: AmountField = amount(
  (value) => parseCount(value) !== undefined,
  "a whole number such as 4096 or 250k",
);
export const interval: AmountField = amount(
  (value) => parseInterval(value) !== undefined,
  '"500 steps" or "1M tokens"',
);
export const length: AmountField = amount(
  (value) => parseLength(value, 1) !== undefined,
  '"10M tokens", "3 epochs" or "0.5 epochs"',
);
export const share: AmountField = amount((value) => parseShare(value, 1) !== undefined, '0, "5%" or "100k tokens"');
