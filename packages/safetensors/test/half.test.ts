import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "@modernbert-ts/safetensors";

const everyPattern = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** The value of a format with `exponentBits` from its definition, in float64. */
function definedValue(bits: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const sign = bits >>> 15 === 0 ? 1 : -1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
}

const formats = [
  { name: "float16", exponentBits: 5, decode: float16ToFloat32, encode: float32ToFloat16 },
  { name: "bfloat16", exponentBits: 8, decode: bfloat16ToFloat32, encode: float32ToBfloat16 },
];

describe.each(formats)("$name", ({ exponentBits, decode, encode }) => {
  const decoded = decode(everyPattern);

  test("every bit pattern decodes to its defined value", () => {
    const wrong = everyPattern.filter((bits) => !Object.is(decoded[bits], definedValue(bits, exponentBits)));
    expect([...wrong]).toEqual([]);
  });

  test("every value encodes back to its bits; NaN stays NaN with its sign", () => {
    const encoded = encode(decoded);
    for (const bits of everyPattern) {
      if (Number.isNaN(decoded[bits])) {
        expect(definedValue(encoded[bits]!, exponentBits)).toBeNaN();
        expect(encoded[bits]! >>> 15).toBe(bits >>> 15);
      } else if (encoded[bits] !== bits) expect.fail(`${bits} came back as ${encoded[bits]}`);
    }
  });

  test("rounds to nearest, ties to even", () => {
    // The largest code stands here for the value after the largest finite one: from halfway to it, infinity is the nearer.
    const infinity = (2 ** exponentBits - 1) << (15 - exponentBits);
    const value = (code: number): number =>
      code === infinity ? 2 ** (2 ** (exponentBits - 1)) : definedValue(code, exponentBits);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7f7fffff }), fc.boolean(), (pattern, negative) => {
        const magnitude = new Float32Array(Uint32Array.of(pattern).buffer)[0]!;
        const bits = encode(Float32Array.of(negative ? -magnitude : magnitude))[0]!;
        expect(bits >>> 15).toBe(negative ? 1 : 0);
        const code = bits & 0x7fff;
        const error = Math.abs(value(code) - magnitude);
        for (const neighbour of [code - 1, code + 1]) {
          if (neighbour < 0 || neighbour > infinity) continue;
          const other = Math.abs(value(neighbour) - magnitude);
          if (other < error || (other === error && code % 2 === 1))
            expect.fail(`${magnitude} became ${code}, ${neighbour} is nearer`);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  test("fills a target that lies inside a larger buffer", () => {
    const buffer = new Float32Array(4).fill(7);
    decode(encode(Float32Array.of(1.5, -2)), buffer.subarray(1, 3));
    expect([...buffer]).toEqual([7, 1.5, -2, 7]);
  });
});
