/** The callbacks of one event. */
export class Listeners<TArguments extends unknown[]> {
  private readonly entries = new Set<{ readonly callback: (...args: TArguments) => void }>();

  /** @param report Gets what a callback throws. */
  constructor(private readonly report: (error: unknown) => void) {}

  /** Whether nobody listens. */
  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  /**
   * Adds a callback. A callback that was added twice is called twice.
   *
   * @returns A function that takes this callback out again, at once, also during an event. Calling it again does nothing.
   */
  add(callback: (...args: TArguments) => void): () => void {
    const entry = { callback };
    this.entries.add(entry);
    return () => void this.entries.delete(entry);
  }

  /**
   * Calls every callback, in the order in which they were added. One that throws is reported and does not stop the others.
   * One that is added meanwhile waits for the next event.
   */
  emit(...args: TArguments): void {
    for (const entry of [...this.entries]) {
      if (this.entries.has(entry)) {
        this.call(entry.callback, args);
      }
    }
  }

  private call(callback: (...args: TArguments) => void, args: TArguments): void {
    try {
      callback(...args);
    } catch (error) {
      this.report(error);
    }
  }
}
