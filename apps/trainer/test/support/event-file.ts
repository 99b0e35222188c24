/** Reads TensorBoard event files by their specification, with a checksum of its own making: an independent check of the writer. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ReadEvent {
  readonly seconds: number;
  readonly step: number;
  readonly fileVersion: string | undefined;
  readonly sessionStatus: number | undefined;
  readonly scalars: Readonly<Record<string, number>>;
}

/** The events of the one file that the trainer wrote in a folder. @throws Error on a wrong length or checksum. */
export function readEventFile(folder: string): ReadEvent[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".modernbert"));
  if (names.length !== 1) throw new Error(`expected one event file, got ${names.join(", ")}`);
  const bytes = readFileSync(join(folder, names[0]!));
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    checkSum(bytes.subarray(at, at + 8), bytes.readUInt32LE(at + 8));
    const data = bytes.subarray(at + 12, at + 12 + length);
    checkSum(data, bytes.readUInt32LE(at + 12 + length));
    events.push(parseEvent(data));
    at += length + 16;
  }
  return events;
}

/** Long division of the bits by the Castagnoli polynomial, most significant first: no table, nothing reversed but the input. */
function checkSum(data: Buffer, expected: number): void {
  const bits = [...data].flatMap((byte) => Array.from({ length: 8 }, (_, at) => (byte >> at) & 1));
  let remainder = 0xffffffffn;
  for (const bit of bits) {
    const top = (remainder >> 31n) ^ BigInt(bit);
    remainder = (remainder << 1n) & 0xffffffffn;
    if (top === 1n) remainder ^= 0x1edc6f41n;
  }
  remainder ^= 0xffffffffn;
  const crc = BigInt(`0b${[...remainder.toString(2).padStart(32, "0")].reverse().join("")}`);
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
  const sum = (rotated + 0xa282ead8n) & 0xffffffffn;
  if (Number(sum) !== expected) throw new Error(`expected checksum ${expected}, got ${sum}`);
}

type Field = number | Buffer;

/** Fields of a message by number: varints and lengths read, fixed ones as their bytes. */
function fields(data: Buffer): Map<number, Field[]> {
  const result = new Map<number, Field[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  const take = (count: number): Buffer => data.subarray(at, (at += count));
  while (at < data.length) {
    const key = varint();
    const wire = key & 7;
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : varint());
    result.set(key >> 3, [...(result.get(key >> 3) ?? []), value]);
  }
  return result;
}

function parseEvent(data: Buffer): ReadEvent {
  const event = fields(data);
  const session = event.get(7)?.[0] as Buffer | undefined;
  const summary = event.get(5)?.[0] as Buffer | undefined;
  const values = summary ? fields(summary).get(1)! : [];
  return {
    seconds: (event.get(1)![0] as Buffer).readDoubleLE(),
    step: (event.get(2)?.[0] as number | undefined) ?? 0,
    fileVersion: event.get(3)?.[0]?.toString(),
    sessionStatus: session && (fields(session).get(1)![0] as number),
    scalars: Object.fromEntries(
      values.map((value) => {
        const scalar = fields(value as Buffer);
        return [scalar.get(1)![0]!.toString(), (scalar.get(2)![0] as Buffer).readFloatLE()];
      }),
    ),
  };
}
