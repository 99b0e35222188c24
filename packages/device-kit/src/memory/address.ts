/** Addresses of device memory as JavaScript holds them. */
import type { Block } from "./free-list.ts";

declare const addressBrand: unique symbol;
/** A byte address in device or C memory; below 2^53, so a number holds it. */
export type Address = number & { readonly [addressBrand]: true };

/** A block that lies at an address. */
export interface AddressBlock extends Block {
  readonly address: Address;
}

export function offsetAddress(address: Address, bytes: number): Address {
  return (address + bytes) as Address;
}
