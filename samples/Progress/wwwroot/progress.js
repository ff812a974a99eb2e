import { connect } from "/_runnel/client.js";

const MOST = 50;

const list = document.querySelector("#tasks");
const empty = document.querySelector("#empty");
const news = document.querySelector("#news");
const badge = document.querySelector("#badge");
const badgeText = document.querySelector("#badge-text");
const complaint = document.querySelector("#complaint");
const template = document.querySelector("#row");

const rows = new Map(); // id → { job, item }

const connectionLabels = { connecting: "Connecting", connected: "Live", reconnecting: "Reconnecting", closed: "Disconnected" };
const channelLabels = { tasks: "Task", "polled-tasks": "Backend service" };
const stateLabels = {
  scheduled: "Waiting",
  queued: "Queued",
  running: "Running",
  succeeded: "Done",
  failed: "Failed, tries again",
  dead: "Given up",
  cancelled: "Cancelled",
};
const final = new Set(["succeeded", "dead", "cancelled"]);

let wasLive = false;

const client = connect("/ws/tasks");

client.on("state", ({ state, recovered, reason }) => {
  badge.dataset.state = state;
  let detail = "";
  // Back again: what was missed has come, or the server has sent the present state.
  if (state === "connected" && wasLive) detail = recovered ? ", nothing missed" : ", reloaded";
  // A server that turns the page away for good says why.
  if (state === "closed" && reason) detail = `: ${reason}`;
  badgeText.textContent = connectionLabels[state] + detail;
  wasLive ||= state === "connected";
});

client.listen((message) => {
  if (message.action === "snapshot") show(message.data);
  else put(message);
  empty.hidden = rows.size > 0;
});

submits("#task", "/api/tasks", ({ steps, stepMilliseconds, failAtStep }) => ({
  steps: Number(steps),
  stepMilliseconds: Number(stepMilliseconds),
  failAtStep: failAtStep === "" ? null : Number(failAtStep),
}));
submits("#polled", "/api/polled-tasks", ({ seconds }) => ({ seconds: Number(seconds) }));

/** The present state, at the first connection and after a later one that could not bring what was missed: whatever else is here is out of date. */
function show(jobs) {
  const shown = new Set(jobs.map((job) => job.id));
  for (const id of [...rows.keys()].filter((id) => !shown.has(id))) remove(id);
  for (const job of jobs) put(job);
}

/** Adds a job at its place, newest first, or brings the one that is there up to date. */
function put(job) {
  const row = rows.get(job.id) ?? add(job);
  const before = row.job;
  if (before && Date.parse(job.updatedAt) < Date.parse(before.updatedAt)) return; // overtaken by a later state
  // Work that comes back to ask again says nothing of its progress until it has the answer.
  if (before && job.progress === null && job.attempt === before.attempt) job = { ...job, progress: before.progress, text: before.text };
  row.job = job;
  draw(row);
  if (before && before.state !== job.state && final.has(job.state)) news.textContent = `${nameOf(job)}: ${stateLabels[job.state]}`;
}

function draw({ job, item }) {
  item.dataset.state = job.state;
  item.querySelector("h2").textContent = nameOf(job);
  item.querySelector(".pill").textContent = stateLabels[job.state];
  const percent = Math.round((job.progress ?? 0) * 100);
  const track = item.querySelector(".track");
  track.setAttribute("aria-valuenow", percent);
  track.setAttribute("aria-label", `${nameOf(job)}, ${stateLabels[job.state]}`);
  item.querySelector(".fill").style.width = `${percent}%`;
  item.querySelector(".percent").textContent = `${percent} %`;
  const again = job.attempt > 1 ? `attempt ${job.attempt}` : "";
  item.querySelector(".text").textContent = [job.text, again].filter(Boolean).join(" · ");
  const error = item.querySelector(".error");
  error.textContent = job.error ?? "";
  error.hidden = !job.error;
  item.querySelector("button").hidden = final.has(job.state);
}

function add(job) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.dataset.id = job.id;
  item.dataset.createdAt = job.createdAt;
  item.querySelector("button").addEventListener("click", () => cancel(job.id));
  const older = [...list.children].find((other) => Date.parse(other.dataset.createdAt) < Date.parse(job.createdAt));
  list.insertBefore(item, older ?? null);
  const row = { item };
  rows.set(job.id, row);
  if (rows.size > MOST) remove(list.lastElementChild.dataset.id);
  return row;
}

function remove(id) {
  rows.get(id)?.item.remove();
  rows.delete(id);
}

function nameOf(job) {
  const time = new Date(job.createdAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return `${channelLabels[job.channel] ?? job.channel}, ${time}`;
}

async function cancel(id) {
  const response = await fetch(`/jobs/${id}`, { method: "DELETE" });
  // 409: it has ended meanwhile, and the page hears of that anyway.
  await complain(response.status === 409 ? undefined : response);
}

function submits(selector, address, read) {
  const form = document.querySelector(selector);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const body = JSON.stringify(read(Object.fromEntries(new FormData(form))));
      await complain(await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body }));
    } catch {
      await complain(undefined, "The server cannot be reached now.");
    }
  });
}

/** Shows what the server did not like; hides it when there is nothing. */
async function complain(response, text) {
  if (response && !response.ok) {
    const problem = await response.json().catch(() => ({}));
    text = Object.values(problem.errors ?? {}).flat().join(" ") || problem.detail || problem.title || `The server answered ${response.status}.`;
  }
  complaint.textContent = text ?? "";
  complaint.hidden = !text;
}
