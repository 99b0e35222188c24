const wholeFrom = 2 ** 52;

/** The nearest whole number, ties to the even one, as IEEE 754 and every device round; `Math.round` takes ties upwards. */
export function roundToEven(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < wholeFrom)) return value;
  const rounded = magnitude + wholeFrom - wholeFrom; // the sum has no bits left for a fraction
  return value < 0 ? -rounded : rounded;
}
