/** Messages that wait for a connection: first in, first out, and never more than `capacity`. */
export class Outbox<TMessage> {
  private readonly messages: TMessage[] = [];

  constructor(private readonly capacity: number) {}

  /** Takes a message. Returns false, and does not take it, when full. */
  offer(message: TMessage): boolean {
    if (this.messages.length >= this.capacity) {
      return false;
    }
    this.messages.push(message);
    return true;
  }

  /** Hands the messages on in order until none is left or `send` returns false; a refused message keeps its place. */
  drain(send: (message: TMessage) => boolean): void {
    while (this.messages[0] !== undefined && send(this.messages[0])) {
      this.messages.shift();
    }
  }

  /** Empties the outbox and returns what was in it. */
  clear(): TMessage[] {
    return this.messages.splice(0);
  }
}
