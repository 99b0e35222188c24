/** Names to Philox streams: every use of randomness has a stream of its own, so that adding one changes no other. */

/** 32-bit FNV-1a hash of a name (Fowler, Noll, Vo), over UTF-16 code units. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
