import { connect } from "/_runnel/client.js";

const MOST = 50;

const list = document.querySelector("#articles");
const empty = document.querySelector("#empty");
const news = document.querySelector("#news");
const badge = document.querySelector("#badge");
const badgeText = document.querySelector("#badge-text");
const template = document.querySelector("#article");

const items = new Map(); // id → its <li>

const labels = { connecting: "Connecting", connected: "Live", reconnecting: "Reconnecting", closed: "Disconnected" };

let wasLive = false;

const client = connect("/ws/articles");

client.on("state", ({ state, recovered, reason }) => {
  badge.dataset.state = state;
  let detail = "";
  // Back again: what was missed has come, or the server has sent the present state.
  if (state === "connected" && wasLive) detail = recovered ? ", nothing missed" : ", reloaded";
  // A server that turns the page away for good says why.
  if (state === "closed" && reason) detail = `: ${reason}`;
  badgeText.textContent = labels[state] + detail;
  wasLive ||= state === "connected";
});

client.listen(({ action, pk, data }) => {
  switch (action) {
    case "snapshot":
      show(data);
      break;
    case "create":
      put(data, "arrived");
      announce("New article", data);
      break;
    case "update":
      // An article that is further down than this page goes is nothing to show.
      if (items.has(pk)) {
        put(data, "changed");
        announce("Article changed", data);
      }
      break;
    case "delete":
      if (items.has(pk)) {
        remove(pk);
        announce("Article deleted", data);
      }
      break;
  }
  empty.hidden = items.size > 0;
});

/** The present state, at the first connection and after a later one that could not bring what was missed: whatever else is here is out of date. */
function show(articles) {
  const shown = new Set(articles.map((article) => article.id));
  for (const id of [...items.keys()].filter((id) => !shown.has(id))) remove(id);
  for (const article of articles.toReversed()) put(article);
}

/** Adds an article at its place, newest first, or brings the one that is there up to date. */
function put(article, effect) {
  const item = items.get(article.id) ?? add(article.id);
  item.querySelector("h2").textContent = article.title;
  item.querySelector(".body").textContent = article.body;
  const time = item.querySelector("time");
  time.dateTime = article.createdAt;
  time.title = new Date(article.createdAt).toLocaleString();
  time.textContent = ago(article.createdAt);
  if (effect) animate(item, effect);
}

function add(id) {
  const item = template.content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  items.set(id, item);
  // Nearly always the first place; two articles that were written at once may arrive the other way round.
  const older = [...list.children].find((other) => Number(other.dataset.id) < id);
  list.insertBefore(item, older ?? null);
  if (items.size > MOST) remove(Number(list.lastElementChild.dataset.id));
  return item;
}

function remove(id) {
  items.get(id)?.remove();
  items.delete(id);
}

function animate(item, effect) {
  item.classList.remove("arrived", "changed");
  void item.offsetWidth; // lets the same animation start again
  item.classList.add(effect);
}

function announce(what, article) {
  news.textContent = `${what}: ${article.title}`;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function ago(moment) {
  const seconds = Math.min(0, (new Date(moment) - Date.now()) / 1000);
  if (seconds > -45) return "just now";
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), "minute");
  if (seconds > -86400) return relative.format(Math.round(seconds / 3600), "hour");
  return relative.format(Math.round(seconds / 86400), "day");
}

setInterval(() => {
  for (const time of list.querySelectorAll("time")) time.textContent = ago(time.dateTime);
}, 20_000);
