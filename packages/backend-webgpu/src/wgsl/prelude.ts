/**
 * Helper functions in WGSL, each put into a shader that calls it. Why not the built-in ones: WGSL promises little about accuracy
 * (tanh and sin are given as absolute errors) and nothing about infinities and NaN in arithmetic, so tests on them look at bits.
 * The polynomials are those of backend-cpu's `simd_math.h`.
 */

const helpers = {
  // A value of these bits. Called, it is no constant expression, so WGSL's ban on infinite constants does not reach it.
  float_: `fn float_(bits: u32) -> f32 { return bitcast<f32>(bits); }`,

  isfinite_: `fn isfinite_(x: f32) -> f32 { return select(0.0, 1.0, (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u); }`,

  isnan_: `fn isnan_(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,

  nonzero_: `fn nonzero_(x: f32) -> bool { return (bitcast<u32>(x) << 1u) != 0u; }`,

  power_of_two_: `fn power_of_two_(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }`,

  exp_: `fn exp_(x: f32) -> f32 {
  let c = clamp(x, -105.0, 89.0);
  let n = round(c * 1.44269504);
  var r = c - n * 0.693145752;
  r = r - n * 1.42860677e-6;
  var p = 0.00138146136;
  p = p * r + 0.00836870983;
  p = p * r + 0.0416683874;
  p = p * r + 0.166665207;
  p = p * r + 0.499999935;
  p = p * r * r + r + 1.0;
  let half = i32(n) >> 1u;
  return select(p * power_of_two_(half) * power_of_two_(i32(n) - half), x, isnan_(x));
}`,

  exp2_negative_: `fn exp2_negative_(x: f32) -> f32 {
  let c = max(-127.0, x);
  let n = round(c);
  let r = c - n;
  var p = 0.000155946770;
  p = p * r + 0.00134066439;
  p = p * r + 0.00961769298;
  p = p * r + 0.0555031055;
  p = p * r + 0.240226528;
  p = p * r + 0.693147215;
  p = p * r + 1.0;
  return p * power_of_two_(i32(n));
}`,

  log_: `fn log_(x: f32) -> f32 {
  let tiny = x < 1.17549435e-38;
  let bits = bitcast<i32>(select(x, x * 8388608.0, tiny)) - 0x3f3504f3;
  let exponent = f32((bits >> 23u) - select(0, 23, tiny));
  let f = bitcast<f32>((bits & 0x007fffff) + 0x3f3504f3) - 1.0;
  var p = -0.0763449280;
  p = p * f + 0.127615746;
  p = p * f - 0.131601828;
  p = p * f + 0.142017585;
  p = p * f - 0.166233574;
  p = p * f + 0.200012268;
  p = p * f - 0.250008210;
  p = p * f + 0.333333317;
  let square = f * f;
  let y = f + (p * f * square + exponent * 1.42860677e-6 - 0.5 * square) + exponent * 0.693145752;
  let pattern = bitcast<u32>(x);
  if (pattern >= 0x7f800000u && pattern <= 0x7fffffffu) { return x; }
  if ((pattern << 1u) == 0u) { return float_(0xff800000u); }
  return select(y, float_(0x7fc00000u), pattern > 0x80000000u);
}`,

  sigmoid_: `fn sigmoid_(x: f32) -> f32 { return 1.0 / (1.0 + exp_(-x)); }`,

  erf_: `fn erf_(x: f32) -> f32 {
  let z = min(4.0, abs(x));
  let u = z * z;
  var p = -0.000563046544;
  p = p * u + 0.00491728553;
  p = p * u - 0.0267110418;
  p = p * u + 0.112801681;
  p = p * u - 0.376123240;
  p = p * u + 0.128379121;
  var q = -0.00165858587;
  q = q * z + 0.0213120539;
  q = q * z - 0.127848213;
  q = q * z - 0.944261772;
  q = q * z - 1.61209944;
  q = q * z - 0.00386088656;
  let large = bitcast<f32>(bitcast<u32>(1.0 - exp2_negative_(q)) | (bitcast<u32>(x) & 0x80000000u));
  return select(select(large, p * x + x, z < 1.0), x, isnan_(x));
}`,

  tanh_: `fn tanh_(x: f32) -> f32 {
  let z = abs(x);
  let u = min(z, 1.0) * min(z, 1.0);
  var p = -0.00570498657;
  p = p * u + 0.0206390870;
  p = p * u - 0.0537397150;
  p = p * u + 0.133314422;
  p = p * u - 0.333332819;
  let magnitude = 1.0 - 2.0 / (exp_(2.0 * min(z, 20.0)) + 1.0);
  let large = bitcast<f32>(bitcast<u32>(magnitude) | (bitcast<u32>(x) & 0x80000000u));
  return select(select(large, p * u * x + x, z < 0.625), x, isnan_(x));
}`,

  // π/2 in four parts, the first three with 11 bits, so that their products are exact up to |x| = 1e4.
  sin_reduced_: `fn sin_reduced_(x: f32, quarters: i32) -> f32 {
  let n = round(x * 0.636619772);
  var r = x - n * 1.5703125;
  r = r - n * 0.000483751297;
  r = r - n * 7.54953362e-08;
  r = r - n * 2.56334407e-12;
  let u = r * r;
  var sine = -0.000195152831;
  sine = sine * u + 0.00833216076;
  sine = sine * u - 0.166666546;
  sine = sine * u * r + r;
  var cosine = 2.44331572e-5;
  cosine = cosine * u - 0.00138873163;
  cosine = cosine * u + 0.0416666457;
  cosine = cosine * u * u - 0.5 * u + 1.0;
  let quadrant = i32(n) + quarters;
  let y = select(sine, cosine, (quadrant & 1) != 0);
  return bitcast<f32>(bitcast<u32>(y) ^ (u32(quadrant & 2) << 30u));
}`,

  f16_decode: `fn f16_decode(h: u32) -> f32 {
  let sign = (h & 0x8000u) << 16u;
  let exponent = (h >> 10u) & 31u;
  let mantissa = h & 0x3ffu;
  if (exponent == 31u) { return bitcast<f32>(sign | 0x7f800000u | (mantissa << 13u)); }
  if (exponent == 0u) { return bitcast<f32>(sign | bitcast<u32>(f32(mantissa) * 5.9604644775390625e-08)); }
  return bitcast<f32>(sign | ((exponent + 112u) << 23u) | (mantissa << 13u));
}`,

  // To nearest even. Below 2^-14 the result counts units of 2^-24; a carry runs into the exponent as it should.
  f16_encode: `fn f16_encode(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let a = bits & 0x7fffffffu;
  if (a > 0x7f800000u) { return sign | 0x7e00u; }
  if (a >= 0x47800000u) { return sign | 0x7c00u; }
  if (a >= 0x38800000u) { return sign | (((a - 0x38000000u) + 0xfffu + ((a >> 13u) & 1u)) >> 13u); }
  let exponent = a >> 23u;
  if (exponent < 102u) { return sign; }
  let mantissa = (a & 0x7fffffu) | 0x800000u;
  let shift = 126u - exponent;
  let half = 1u << (shift - 1u);
  return sign | ((mantissa + half - 1u + ((mantissa >> shift) & 1u)) >> shift);
}`,

  bf16_decode: `fn bf16_decode(h: u32) -> f32 { return bitcast<f32>(h << 16u); }`,

  bf16_encode: `fn bf16_encode(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return (bits >> 16u) | 0x40u; }
  return (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
}`,

  // dot4I8Packed, for where WGSL lacks it. The shifts spread the sign.
  dot_bytes_: `fn dot_bytes_(a: u32, b: u32) -> i32 {
  let places = vec4u(24u, 16u, 8u, 0u);
  let u = (vec4i(bitcast<i32>(a)) << places) >> vec4u(24u);
  let v = (vec4i(bitcast<i32>(b)) << places) >> vec4u(24u);
  return dot(u, v);
}`,

  multiply_high_: `fn multiply_high_(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let first = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}`,

  // The first bad value of a flush wins; \`errors\` is read with the next transfer to the host.
  report_: `fn report_(code: u32, value: i32, limit: u32) {
  loop {
    let first = atomicCompareExchangeWeak(&errors[0], 0u, code);
    if (first.exchanged) {
      atomicStore(&errors[1], bitcast<u32>(value));
      atomicStore(&errors[2], limit);
    }
    if (first.exchanged || first.old_value != 0u) { break; }
  }
}`,
} as const;

/** The helpers that `text` calls, directly or through other helpers. */
export function preludeFor(text: string): string {
  const chosen = new Set<string>();
  const visit = (body: string): void => {
    for (const [name, helper] of Object.entries(helpers)) {
      if (chosen.has(name) || !new RegExp(`\\b${name}\\(`).test(body)) continue;
      chosen.add(name);
      visit(helper.slice(helper.indexOf("{")));
    }
  };
  visit(text);
  return [...chosen].map((name) => helpers[name as keyof typeof helpers]).join("\n\n");
}
