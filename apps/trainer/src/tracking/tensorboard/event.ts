/** The messages of event.proto and summary.proto that are written here, in protobuf's wire format. */

/** One field: the number's key, then the value by its wire type. */
function key(field: number, wireType: 0 | 1 | 2 | 5): Buffer {
  return varint((field << 3) | wireType);
}

/** A whole number from 0 up to 2⁵³. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([key(field, 0), varint(value)]);
}

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), bytes]);
}

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, 5), bytes]);
}

function message(field: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([key(field, 2), varint(body.length), body]);
}

function string(field: number, text: string): Buffer {
  return message(field, Buffer.from(text));
}

/** Every event has a time, in seconds since 1970. */
const at = (seconds: number): Buffer => double(1, seconds);

/** The first of a file. */
export function versionEvent(seconds: number): Buffer {
  return Buffer.concat([at(seconds), string(3, "brain.Event:2")]);
}

/** A run begins at `step`: whatever readers hold from there on, of an earlier file, no longer counts. */
export function startEvent(seconds: number, step: number): Buffer {
  return Buffer.concat([at(seconds), integer(2, step), message(7, integer(1, 1))]);
}

/** Values by their tags, f32. */
export function scalarsEvent(seconds: number, step: number, scalars: Readonly<Record<string, number>>): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) => message(1, string(1, tag), float(2, value)));
  return Buffer.concat([at(seconds), integer(2, step), message(5, ...values)]);
}
