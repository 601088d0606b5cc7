"use strict";
// What is filtered, sorted and compared; all of it stands in the address, so that a view has a link.

const FILTERS = ["family", "base", "size", "method", "verdict"];
const form = document.querySelector("#filters");
const state = { column: 3, descending: true, chosen: [] };

function fillFilters() {
  for (const name of FILTERS) {
    const values = [...new Set(BOARD.results.map((one) => one[name]).filter((value) => value !== null))].sort();
    form.elements[name].replaceChildren(element("option", "all", { value: "" }), ...values.map((value) => element("option", value, { value })));
  }
}

function shown() {
  const text = form.elements.text.value.trim().toLowerCase();
  return BOARD.results.filter((one) =>
    (form.elements.history.checked || !one.superseded)
    && FILTERS.every((name) => !form.elements[name].value || one[name] === form.elements[name].value)
    && (!text || `${nameOf(one)} ${one.title || ""}`.toLowerCase().includes(text)));
}

function render() {
  const results = ordered(shown(), state.column, state.descending);
  drawHead(state, (changes) => { Object.assign(state, changes); render(); });
  drawRows(results, state.chosen, choose);
  document.querySelector("#count").textContent = `${results.length} of ${BOARD.results.length} results`;
  remember();
  return drawOverview(results);
}

/** Ticks or unticks a result; a third one takes the place of the first. */
function choose(result, ticked) {
  const others = state.chosen.filter((one) => one !== result);
  state.chosen = ticked ? [...others, result].slice(-2) : others;
  document.querySelectorAll("#results tbody tr").forEach((row) => {
    row.querySelector("input").checked = state.chosen.includes(row.dataset.result);
  });
  remember();
  const drawn = compareChosen();
  // The comparison stands above the table: whoever ticked the second row may not see it.
  if (ticked && state.chosen.length === 2) document.querySelector("#compare h2").focus();
  return drawn;
}

function compareChosen() {
  const pair = state.chosen.map((id) => BOARD.results.find((one) => one.result === id)).filter(Boolean);
  return drawComparison(pair);
}

function remember() {
  const told = new URLSearchParams();
  for (const name of [...FILTERS, "text"]) if (form.elements[name].value) told.set(name, form.elements[name].value);
  if (form.elements.history.checked) told.set("history", "1");
  if (state.chosen.length) told.set("compare", state.chosen.join(","));
  told.set("sort", `${state.column}${state.descending ? "-" : ""}`);
  history.replaceState(null, "", `#${told}`);
}

function recall() {
  const told = new URLSearchParams(location.hash.slice(1));
  for (const name of [...FILTERS, "text"]) form.elements[name].value = told.get(name) || "";
  form.elements.history.checked = told.has("history");
  state.chosen = (told.get("compare") || "").split(",").filter(Boolean).slice(0, 2);
  const sort = /^(\d+)(-?)$/.exec(told.get("sort") || "");
  if (sort && COLUMNS[Number(sort[1])]?.key) Object.assign(state, { column: Number(sort[1]), descending: Boolean(sort[2]) });
}

form.addEventListener("input", render);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(render));
document.querySelector("#compare-end").addEventListener("click", endComparison);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && state.chosen.length) endComparison(); });
dark.addEventListener("change", () => { render(); compareChosen(); });

function endComparison() {
  const last = state.chosen.at(-1);
  state.chosen = [];
  render();
  drawComparison([]);
  document.querySelector(`#results tr[data-result="${last}"] input`)?.focus();
}

fillFilters();
recall();
render();
compareChosen();
