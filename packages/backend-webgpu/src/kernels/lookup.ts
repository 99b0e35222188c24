/** `gather` and its inverse `segmentSum`, `takeAlong` and its inverse `putAlong`. */
import type { PrimitiveKernels, View } from "@modernbert-ts/tensor-core";
import { deviceDType, isPacked } from "../wgsl/access.ts";
import { putAlong, takeAlong } from "./along.ts";
import { gather } from "./gather.ts";
import { segmentRows, segmentSum } from "./segment-sum.ts";
import type { Device } from "./device.ts";
import { throughFloat32 } from "./through-float32.ts";

type Lookups = Pick<PrimitiveKernels<View>, "gather" | "segmentSum" | "takeAlong" | "putAlong">;

/**
 * @param clear Fills with zeros.
 * @param copy The primitive `copy`.
 */
export function lookupKernels(device: Device, clear: (out: View) => void, copy: (out: View, x: View) => void): Lookups {
  return {
    gather: ([out], [table, ids]) => gather(device, out!, table!, ids!),
    segmentSum([out], [values, ids]) {
      const step = segmentRows(device, values!);
      const sum = (to: View): void => {
        clear(to);
        segmentSum(device, to, values!, ids!, step);
      };
      if (values!.shape[0]! <= step || !isPacked(deviceDType("segmentSum", out!.dtype))) sum(out!);
      else throughFloat32(device, copy, out!, false, sum);
    },
    takeAlong: ([out], [x, ids]) => takeAlong(device, out!, x!, ids!),
    putAlong([out], [values, ids]) {
      clear(out!);
      putAlong(device, out!, values!, ids!);
    },
  };
}
