import { connect } from "/_runnel/client.js";

const MOST = 50;

const list = document.querySelector("#orders");
const empty = document.querySelector("#empty");
const news = document.querySelector("#news");
const badge = document.querySelector("#badge");
const badgeText = document.querySelector("#badge-text");
const complaint = document.querySelector("#complaint");
const template = document.querySelector("#row");
const form = document.querySelector("#pay");

const rows = new Map(); // id → { order, item }

const connectionLabels = { connecting: "Connecting", connected: "Live", reconnecting: "Reconnecting", closed: "Disconnected" };
const stateLabels = { pending: "Pending", charging: "Charging", settling: "Settling", paid: "Paid", declined: "Declined", dead: "Put aside" };

let wasLive = false;

const client = connect("/ws/orders");

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

/** The present state, at the first connection and after a later one that could not bring what was missed: whatever else is here is out of date. */
function show(orders) {
  for (const { item } of rows.values()) item.remove();
  rows.clear();
  for (const order of orders.toReversed()) put(order);
}

function put(order) {
  const row = rows.get(order.id) ?? add(order);
  const before = row.order;
  row.order = order;
  draw(row);
  if (before && before.state !== order.state) news.textContent = `${order.id}: ${stateLabels[order.state]}`;
}

function draw({ order, item }) {
  item.dataset.state = order.state;
  item.querySelector("h2").textContent = order.id;
  item.querySelector(".pill").textContent = stateLabels[order.state];
  const attempts = order.attempts > 1 ? `${order.attempts} attempts` : "";
  item.querySelector(".text").textContent = [order.transactionId, attempts].filter(Boolean).join(" · ") || "Not charged";
  const error = item.querySelector(".error");
  error.textContent = order.error ?? "";
  error.hidden = !order.error;
  item.querySelector("button").hidden = !["declined", "dead"].includes(order.state);
}

function add(order) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.dataset.id = order.id;
  item.querySelector("button").addEventListener("click", () => {
    form.elements.id.value = order.id;
    form.elements.nonce.value = "ok";
    form.elements.id.focus();
  });
  list.prepend(item);
  const row = { item };
  rows.set(order.id, row);
  if (rows.size > MOST) {
    rows.delete(list.lastElementChild.dataset.id);
    list.lastElementChild.remove();
  }
  return row;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { id, nonce, total } = Object.fromEntries(new FormData(form));
  let text = "";
  try {
    const response = await fetch(`/api/orders/${encodeURIComponent(id)}/pay`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ nonce, total: Number(total) }),
    });
    if (response.ok) suggest();
    else {
      const problem = await response.json().catch(() => ({}));
      text = Object.values(problem.errors ?? {}).flat().join(" ") || problem.detail || problem.title || `The server answered ${response.status}.`;
    }
  } catch {
    text = "The server cannot be reached now.";
  }
  complaint.textContent = text;
  complaint.hidden = !text;
});

/** An order's id that is likely to be new. */
function suggest() {
  form.elements.id.value = `order-${Math.floor(1000 + Math.random() * 9000)}`;
}

suggest();
