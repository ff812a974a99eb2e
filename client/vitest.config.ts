// A test waits for events, and a busy machine may take its time: only a fault meets these limits.
export default { test: { testTimeout: 30_000, hookTimeout: 60_000 } };
