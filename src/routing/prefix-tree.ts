/** Which texts who was given, as far as they begin alike: a tree of pieces of text. */

/** Texts are compared in pieces of this length; what is left of one is a piece as well. */
const PIECE = 32;

interface Node<H> {
  readonly piece: string;
  readonly parent: Node<H> | undefined;
  readonly children: Map<string, Node<H>>;
  readonly holders: Set<H>;
  usedMs: number;
}

/** See the file's comment. */
export class PrefixTree<H> {
  #root: Node<H> = makeNode("", undefined, 0);
  #chars = 0;
  readonly #charsOf = new Map<H, number>();

  /** Characters that are kept. */
  get chars(): number {
    return this.#chars;
  }

  /** Characters of the texts that one was given. */
  charsOf(holder: H): number {
    return this.#charsOf.get(holder) ?? 0;
  }

  /** How many characters of a text are known, and to whom. */
  match(text: string, nowMs: number): { readonly matched: number; readonly holders: ReadonlySet<H> } {
    let node = this.#root;
    let matched = 0;
    while (matched < text.length) {
      const next = node.children.get(text.slice(matched, matched + PIECE));
      if (next === undefined || next.holders.size === 0) break;
      next.usedMs = nowMs;
      matched += next.piece.length;
      node = next;
    }
    return { matched, holders: node.holders };
  }

  /** Somebody was given a text. */
  insert(text: string, holder: H, nowMs: number): void {
    let node = this.#root;
    for (let at = 0; at < text.length; at += PIECE) {
      const piece = text.slice(at, at + PIECE);
      let next = node.children.get(piece);
      if (next === undefined) {
        next = makeNode(detached(piece), node, nowMs);
        node.children.set(next.piece, next);
        this.#chars += piece.length;
      }
      next.usedMs = nowMs;
      if (!next.holders.has(holder)) {
        next.holders.add(holder);
        this.#charsOf.set(holder, this.charsOf(holder) + piece.length);
      }
      node = next;
    }
  }

  /** Forgets those who are not in `present`, and the texts that only they had. */
  keep(present: ReadonlySet<H>): void {
    const gone = [...this.#charsOf.keys()].filter((holder) => !present.has(holder));
    if (gone.length === 0) return;
    for (const holder of gone) this.#charsOf.delete(holder);
    for (const node of this.#leavesFirst()) {
      for (const holder of gone) node.holders.delete(holder);
      if (node.holders.size === 0) this.#remove(node);
    }
  }

  /** Forgets what was not asked for lately until `chars` are left. */
  shrink(chars: number): void {
    // A piece is used whenever one below it is, so those below come first.
    const oldest = this.#leavesFirst().sort((a, b) => a.usedMs - b.usedMs);
    for (const node of oldest) {
      if (this.#chars <= chars) return;
      if (node.children.size > 0) continue;
      for (let at: Node<H> | undefined = node; at !== undefined && at !== this.#root; ) {
        const { parent }: Node<H> = at;
        this.#remove(at);
        const again: boolean = parent !== undefined && parent.children.size === 0 && parent.usedMs <= node.usedMs;
        at = again && this.#chars > chars ? parent : undefined;
      }
    }
  }

  #remove(node: Node<H>): void {
    if (node.parent?.children.get(node.piece) !== node) return;
    node.parent.children.delete(node.piece);
    this.#chars -= node.piece.length;
    for (const holder of node.holders) this.#charsOf.set(holder, this.charsOf(holder) - node.piece.length);
  }

  #leavesFirst(): Node<H>[] {
    const nodes: Node<H>[] = [];
    const open = [...this.#root.children.values()];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      nodes.push(node);
      for (const child of node.children.values()) open.push(child);
    }
    return nodes.reverse();
  }
}

/** The same text in memory of its own: a slice keeps the whole of what it was cut from. */
function detached(piece: string): string {
  return Buffer.from(piece, "utf16le").toString("utf16le");
}

function makeNode<H>(piece: string, parent: Node<H> | undefined, usedMs: number): Node<H> {
  return { piece, parent, children: new Map(), holders: new Set(), usedMs };
}
