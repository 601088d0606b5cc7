"use strict";
// Two results beside each other: in words, in charts, in numbers.

const COMPARED = [
  ["resistance", "resistance"],
  ["standard resistance", "standard_resistance"],
  ["what the usual test missed", "missed"],
  ["area under the frontier", "frontier_area"],
];

async function drawComparison(pair) {
  const section = document.querySelector("#compare");
  section.hidden = pair.length < 2;
  if (pair.length < 2) return;
  document.querySelector("#difference").textContent = inWords(pair);
  drawNumbers(pair);
  await drawRungs("#retention-chart", pair, "retention", "retention");
  await drawRungs("#loss-chart", pair, "capability_loss", "capability loss");
}

function inWords([one, other]) {
  const [a, b] = [labelOf(one), labelOf(other)];
  const found = difference(one, other, "resistance");
  const same = one.stratum === other.stratum ? "" : " They are of different strata (size, method or budget), so this is no ranking.";
  if (found === null) return `One of the two has no resistance: ${a} is ${one.verdict_phrase}, ${b} is ${other.verdict_phrase}.${same}`;
  const said = interval(found, "value");
  if (found.value_low > 0) return `${a} is more resistant than ${b}: the difference is ${said}.${same}`;
  if (found.value_high < 0) return `${a} is less resistant than ${b}: the difference is ${said}.${same}`;
  return `${a} and ${b} cannot be told apart by resistance: the difference is ${said}.${same}`;
}

function drawNumbers(pair) {
  const table = document.querySelector("#compare-table");
  const row = (name, cells, tag = "td") => {
    const made = element("tr");
    made.append(element("th", name, { scope: "row" }), ...cells.map((text) => element(tag, text, { className: "number" })));
    return made;
  };
  const rows = [row("", [...pair.map(labelOf), "difference"], "th"), row("verdict", [...pair.map((one) => one.verdict_phrase), ""])];
  for (const [text, name] of COMPARED) {
    const found = difference(...pair, name);
    rows.push(row(text, [...pair.map((one) => interval(one, name)), found === null ? NOTHING : interval(found, "value")]));
  }
  table.replaceChildren(...rows);
  table.querySelectorAll("tr:nth-child(-n+2) > *").forEach((one) => one.classList.remove("number"));
}
