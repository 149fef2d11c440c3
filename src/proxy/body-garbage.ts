/** After so many bytes of bodies what they lay in is given back. More would need more memory, less costs more time. */
export const COLLECT_AFTER_BYTES = 32 << 20;

/**
 * Has the memory of bodies given back that went through: each piece lies outside of V8's heap, where V8 counts it but
 * collects only with all of the heap, which took half of the CPU time of a body. Pieces are young when they have been
 * written; a collection of the young alone takes less than a millisecond. `collect` does that.
 */
export function countBodies(collect: () => void): (bytes: number) => void {
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < COLLECT_AFTER_BYTES) return;
    passed = 0;
    collect();
  };
}
