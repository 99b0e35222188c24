/** All cases of the suite, in the order in which a new backend is best brought up. */
import { captureCases } from "./behaviour/capture.ts";
import { commandCases } from "./behaviour/commands.ts";
import { determinismCases } from "./behaviour/determinism.ts";
import { memoryCases } from "./behaviour/memory.ts";
import { transferCases } from "./behaviour/transfers.ts";
import type { ConformanceCase } from "./case.ts";
import { compositeCases } from "./composites/cases.ts";
import { gradientCases } from "./gradients/cases.ts";
import { copyCases } from "./primitives/copy.ts";
import { fillCases, iotaCases } from "./primitives/fill.ts";
import { indexingCases } from "./primitives/indexing.ts";
import { mapCases } from "./primitives/map.ts";
import { matmulCases } from "./primitives/matmul.ts";
import { randomCases } from "./primitives/random.ts";
import { reduceCases } from "./primitives/reduce.ts";
import { scalarFunctionCases } from "./primitives/scalar-functions.ts";
import { propertyCases } from "./properties.ts";

export function conformanceCases(): ConformanceCase[] {
  return [
    ...transferCases(),
    ...memoryCases(),
    ...fillCases(),
    ...iotaCases(),
    ...copyCases(),
    ...mapCases(),
    ...scalarFunctionCases(),
    ...reduceCases(),
    ...matmulCases(),
    ...indexingCases(),
    ...randomCases(),
    ...commandCases(),
    ...determinismCases(),
    ...propertyCases(),
    ...gradientCases(),
    ...compositeCases(),
    ...captureCases(),
  ];
}
