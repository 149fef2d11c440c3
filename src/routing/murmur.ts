/** MurmurHash3, the x64 variant with 128 bits, of which the low 64 are given. */

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

/** The low 64 bits of the hash of a text's UTF-8, as an unsigned number. */
export function murmur64(text: string, seed: number): bigint {
  const bytes = Buffer.from(text, "utf8");
  const tailAt = bytes.length - (bytes.length % 16);
  let h1 = BigInt(seed >>> 0);
  let h2 = h1;
  for (let at = 0; at < tailAt; at += 16) {
    h1 = u64(rotl(h1 ^ mixed1(bytes.readBigUInt64LE(at)), 27n) + h2);
    h1 = u64(h1 * 5n + 0x52dce729n);
    h2 = u64(rotl(h2 ^ mixed2(bytes.readBigUInt64LE(at + 8)), 31n) + h1);
    h2 = u64(h2 * 5n + 0x38495ab5n);
  }
  h2 ^= mixed2(little(bytes, tailAt + 8, bytes.length));
  h1 ^= mixed1(little(bytes, tailAt, Math.min(tailAt + 8, bytes.length)));
  const length = BigInt(bytes.length);
  h1 ^= length;
  h2 ^= length;
  h1 = u64(h1 + h2);
  h2 = u64(h2 + h1);
  return u64(final(h1) + final(h2));
}

/** Of bytes from..to, at most 8; 0 without any. */
function little(bytes: Buffer, from: number, to: number): bigint {
  let value = 0n;
  for (let at = to - 1; at >= from; at--) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

function mixed1(k: bigint): bigint {
  return u64(rotl(u64(k * C1), 31n) * C2);
}

function mixed2(k: bigint): bigint {
  return u64(rotl(u64(k * C2), 33n) * C1);
}

function final(h: bigint): bigint {
  let k = h;
  k = u64((k ^ (k >> 33n)) * 0xff51afd7ed558ccdn);
  k = u64((k ^ (k >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return k ^ (k >> 33n);
}

function rotl(value: bigint, bits: bigint): bigint {
  return u64((value << bits) | (value >> (64n - bits)));
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
