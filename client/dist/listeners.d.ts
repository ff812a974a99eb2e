/** The callbacks of one event. */
export declare class Listeners<TArguments extends unknown[]> {
    private readonly report;
    private readonly entries;
    /** @param report Gets what a callback throws. */
    constructor(report: (error: unknown) => void);
    /** Whether nobody listens. */
    get isEmpty(): boolean;
    /**
     * Adds a callback. A callback that was added twice is called twice.
     *
     * @returns A function that takes this callback out again, at once, also during an event. Calling it again does nothing.
     */
    add(callback: (...args: TArguments) => void): () => void;
    /**
     * Calls every callback, in the order in which they were added. One that throws is reported and does not stop the others.
     * One that is added meanwhile waits for the next event.
     */
    emit(...args: TArguments): void;
    private call;
}
