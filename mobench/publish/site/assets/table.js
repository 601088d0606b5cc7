"use strict";
// The table of results: its columns, its order, its rows.

const COLUMNS = [
  { name: "compare", plain: true },
  { name: "organism, task", key: (one) => nameOf(one) },
  { name: "verdict", key: (one) => one.verdict_phrase },
  { name: "worst resistance", number: true, ofVerdict: true, key: (one) => one.resistance },
  { name: "standard", number: true, ofVerdict: true, key: (one) => one.standard_resistance },
  { name: "missed", number: true, ofVerdict: true, key: (one) => one.missed },
  { name: "size", number: true, key: (one) => one.params },
  { name: "rank", number: true, key: (one) => one.rank_first },
  { name: "files", plain: true },
];

// As on the board: a number behind no verdict is no finding, however high it is.
const OPEN = ["undetermined", "no fair test", "no test (taught)"];

/** Results in the order of a column; those without a value, and open ones, come last either way. */
function ordered(results, column, descending) {
  const { key, ofVerdict } = COLUMNS[column];
  const open = (one) => Boolean(ofVerdict) && OPEN.includes(one.verdict);
  const sign = descending ? -1 : 1;
  return [...results].sort((a, b) => {
    if (open(a) !== open(b)) return open(a) - open(b);
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null) || nameOf(a).localeCompare(nameOf(b));
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return sign * order || nameOf(a).localeCompare(nameOf(b));
  });
}

function element(tag, text, options = {}) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  return Object.assign(made, options);
}

function drawHead(state, change) {
  const row = document.querySelector("#results thead tr");
  row.replaceChildren(...COLUMNS.map((column, place) => {
    const head = element("th", column.plain ? column.name : null, { scope: "col", className: column.plain ? "plain" : "" });
    if (column.plain) return head;
    const button = element("button", column.name, { type: "button" });
    button.addEventListener("click", () => {
      const again = state.column === place;
      change({ column: place, descending: again ? !state.descending : Boolean(column.number) });
      document.querySelectorAll("#results thead th")[place].querySelector("button").focus();
    });
    head.append(button);
    head.setAttribute("aria-sort", state.column !== place ? "none" : state.descending ? "descending" : "ascending");
    return head;
  }));
}

function drawRows(results, chosen, choose) {
  const body = document.querySelector("#results tbody");
  body.replaceChildren(...results.map((one) => {
    const row = element("tr", null, { className: one.superseded ? "history" : "" });
    row.dataset.result = one.result;
    row.append(picker(one, chosen, choose), title(one), cell("verdict", verdict(one)), ...numbers(one), links(one));
    return row;
  }));
}

function cell(name, ...content) {
  const made = element("td");
  made.dataset.name = name;
  made.append(...content);
  return made;
}

function picker(one, chosen, choose) {
  const box = element("input", null, { type: "checkbox", checked: chosen.includes(one.result) });
  box.setAttribute("aria-label", `compare ${labelOf(one)}`);
  box.addEventListener("change", () => choose(one.result, box.checked));
  return cell("compare", box);
}

function title(one) {
  const made = element("td");
  made.append(element("a", one.organism, { href: one.links.page }), ` ${one.task}`);
  const about = [one.base, one.method, `${one.steps} steps`, one.judge && `judged by ${one.judge}`];
  made.append(element("div", about.filter(Boolean).join(" · "), { className: "small" }));
  return made;
}

function verdict(one) {
  return one.verdict_phrase + (one.provisional ? " (provisional)" : "") + (one.reversal && one.reversal !== "unknown" ? `; ${one.reversal}` : "");
}

function numbers(one) {
  const worst = interval(one, "resistance") + (one.resistance_lr === null ? "" : ` at ${rate(one.resistance_lr)}`);
  const rank = one.rank_first === null ? NOTHING : one.rank_first === one.rank_last ? String(one.rank_first) : `${one.rank_first}–${one.rank_last}`;
  const shown = [
    ["worst resistance", worst], ["standard", interval(one, "standard_resistance")], ["missed", interval(one, "missed")],
    ["size", size(one.params)], ["rank", rank],
  ];
  return shown.map(([name, text]) => {
    const made = cell(name, element("span", text, { className: "number" }));
    if (name === "rank" && one.stratum) made.title = `among ${one.stratum}`;
    return made;
  });
}

function links(one) {
  const made = cell("files");
  const told = [["rows", one.links.rows], ["manifest", one.links.manifest]];
  told.forEach(([text, href], place) => made.append(place ? " · " : "", element("a", text, { href })));
  return made;
}
