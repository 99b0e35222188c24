/** How long each kernel takes, beside what the card could do. */
import { measureCeilings } from "../ceilings.mjs";
import { attentionCases } from "../kernels/attention.mjs";
import { measureCase } from "../kernels/measure.mjs";
import { measureOptimizer } from "../kernels/optimizer.mjs";
import { productCases } from "../kernels/products.mjs";
import { rowCases } from "../kernels/rows.mjs";

export async function run(context) {
  const ceiling = await measureCeilings(context);
  const cases = [...attentionCases(context.emulate), ...productCases(context.emulate), ...rowCases(context.emulate)];
  for (const each of cases) await measureCase(context, ceiling, each);
  await measureOptimizer(context, ceiling);
  const { parts } = context.record;
  const timed = parts.filter(({ failed, skipped }) => !failed && !skipped).length;
  const rate = (name) => parts.find((part) => part.name === name)?.["forward teraflops"]?.toPrecision(3) ?? "–";
  return `${timed} of ${parts.length} timed; forward TFLOP/s: attention 1k ${rate("attention 1k, global, 32 heads")}, Wi ${rate("product Wi, forward")}`;
}
