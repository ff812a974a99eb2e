/** Frames that wait for a connection: first in, first out, and never more than `capacity`. */
export class Outbox {
  private readonly frames: string[] = [];

  constructor(private readonly capacity: number) {}

  /** Takes a frame. Returns false, and does not take it, when full. */
  offer(frame: string): boolean {
    if (this.frames.length >= this.capacity) {
      return false;
    }
    this.frames.push(frame);
    return true;
  }

  /** Hands the frames on in order until none is left or `send` returns false; a refused frame keeps its place. */
  drain(send: (frame: string) => boolean): void {
    while (this.frames[0] !== undefined && send(this.frames[0])) {
      this.frames.shift();
    }
  }

  /** Empties the outbox and returns what was in it. */
  clear(): string[] {
    return this.frames.splice(0);
  }
}
