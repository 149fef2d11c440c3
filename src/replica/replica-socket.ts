import { WebSocket } from "ws";

/** Listens to events, in either of the forms the standard has. */
type Listener = ((event: unknown) => unknown) | { handleEvent(event: unknown): unknown };

type AddListener = (type: string, listener: Listener, options?: object) => void;

/** The constructor as servers call it. */
const Base = WebSocket as unknown as new (
  address: null,
  protocols: undefined,
  options: { autoPong: boolean; closeTimeout: number },
) => WebSocket;

/** What can be sent. */
type Sent = Parameters<WebSocket["send"]>[0];

/** Milliseconds that a client may take to answer a close. */
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * A server's websocket that exists before its connection does, as application code is given it. What its listeners throw
 * closes it and harms nobody else.
 */
export class ReplicaSocket extends Base {
  readonly #onError: (error: unknown) => void;
  readonly #wrapped = new WeakMap<Listener, Listener>();

  /** `onError` hears what listeners throw. */
  constructor(onError: (error: unknown) => void) {
    super(null, undefined, { autoPong: true, closeTimeout: CLOSE_TIMEOUT_MS });
    this.#onError = onError;
    // As the standard has it; "blob" came to the library later than to its types.
    this.binaryType = "blob" as WebSocket["binaryType"];
    // Only clients have one; the library leaves it undefined.
    Object.defineProperty(this, "url", { value: "" });
    // What a client does wrong closes its socket, which is all there is to say.
    this.on("error", () => {});
    // The methods take listeners of many types; what is done to them is the same.
    const add = this.addEventListener as unknown as AddListener;
    const remove = this.removeEventListener as unknown as AddListener;
    this.addEventListener = ((type: string, listener: Listener, options?: object) => {
      add.call(this, type, this.#guarded(listener), options);
    }) as typeof this.addEventListener;
    this.removeEventListener = ((type: string, listener: Listener) => {
      remove.call(this, type, this.#wrapped.get(listener) ?? listener);
    }) as typeof this.removeEventListener;
  }

  /** What is sent is what the data holds now, as the standard has it: its memory may be used again at once. */
  override send(data: Sent, ...more: unknown[]): void {
    const given = data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? copyOf(data) : data;
    (super.send as (data: Sent, ...more: unknown[]) => void)(given, ...more);
  }

  /** Closing one that is not open yet closes it once it is. */
  override close(code?: number, reason?: string | Buffer): void {
    if (this.readyState === WebSocket.CONNECTING) this.once("open", () => super.close(code, reason));
    else super.close(code, reason);
  }

  override terminate(): void {
    if (this.readyState === WebSocket.CONNECTING) this.once("open", () => super.terminate());
    else super.terminate();
  }

  /** It will never be open. */
  refuse(): void {
    if (this.readyState !== WebSocket.CONNECTING) return;
    Object.defineProperty(this, "readyState", { value: WebSocket.CLOSED });
    this.emit("close", 1006, Buffer.alloc(0));
  }

  #guarded(listener: Listener): Listener {
    let wrapped = this.#wrapped.get(listener);
    if (wrapped === undefined) {
      wrapped = (event) => {
        try {
          const result = typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event);
          if (result instanceof Promise) result.catch((error: unknown) => this.#failed(error));
        } catch (error) {
          this.#failed(error);
        }
      };
      this.#wrapped.set(listener, wrapped);
    }
    return wrapped;
  }

  #failed(error: unknown): void {
    // A listener that was still at work for a client that has left: its calls are cancelled, as they should be.
    if (this.readyState !== WebSocket.OPEN && error instanceof Error && error.name === "RequestCancelledError") return;
    this.#onError(error);
    if (this.readyState === WebSocket.OPEN) this.close(1011, "the server failed");
  }
}

/** Its bytes at this moment. */
function copyOf(data: ArrayBuffer | ArrayBufferView): Buffer {
  const { buffer, byteOffset, byteLength } = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
  return Buffer.from(new Uint8Array(buffer, byteOffset, byteLength));
}
