"use strict";
// The charts: Vega-Lite, drawn as SVG so that they print and zoom.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function colors() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { ink: read("--ink"), soft: read("--soft"), edge: read("--edge"), attack: read("--attack"), link: read("--link") };
}

function config() {
  const color = colors();
  return {
    background: null,
    font: 'system-ui, "DejaVu Sans", sans-serif',
    axis: { labelColor: color.ink, titleColor: color.soft, gridColor: color.edge, domainColor: color.edge, tickColor: color.edge, labelFontSize: 12, titleFontSize: 12 },
    legend: { labelColor: color.ink, titleColor: color.soft, labelFontSize: 12, orient: "bottom", labelLimit: 300, columns: 1 },
    view: { stroke: null },
  };
}

async function draw(place, spec) {
  const element = document.querySelector(place);
  const whole = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", config: config(), autosize: { type: "fit-x", contains: "padding" }, width: "container", ...spec };
  // The data's own texts never become markup or links: the tooltip escapes them.
  const drawn = await vegaEmbed(element, whole, { renderer: "svg", actions: false, tooltip: { theme: dark.matches ? "dark" : "light" } });
  element.dataset.drawn = String(Number(element.dataset.drawn || 0) + 1);
  return drawn;
}

/** Standard and worst resistance of every result that is shown. */
function drawOverview(results) {
  const color = colors();
  const values = results
    .filter((one) => one.resistance !== null)
    .map((one) => ({
      label: labelOf(one), verdict: one.verdict, worst: one.resistance, low: one.resistance_low,
      high: one.resistance_high, standard: one.standard_resistance, lr: rate(one.resistance_lr),
      said: interval(one, "resistance"), usual: interval(one, "standard_resistance"), missed: interval(one, "missed"),
    }));
  const tooltip = [
    { field: "label", title: "result" }, { field: "verdict" }, { field: "said", title: "worst" },
    { field: "lr", title: "at LR" }, { field: "usual", title: "standard" }, { field: "missed", title: "the usual test missed" },
  ];
  const y = { field: "label", type: "nominal", sort: values.map((one) => one.label), title: null, axis: { labelLimit: window.innerWidth < 720 ? 130 : 330 } };
  const x = (field) => ({ field, type: "quantitative", title: "share of the behavior that is left", scale: { domain: [-0.1, 1.1], clamp: true } });
  return draw("#overview-chart", {
    height: { step: 20 },
    data: { values },
    encoding: { y, tooltip },
    layer: [
      { mark: { type: "rule", color: color.attack, strokeWidth: 2 }, encoding: { x: x("low"), x2: { field: "high" } } },
      { mark: { type: "point", shape: "circle", filled: false, color: color.soft, size: 60 }, encoding: { x: x("standard") } },
      { mark: { type: "point", shape: "diamond", filled: true, color: color.attack, size: 70, opacity: 1 }, encoding: { x: x("worst") } },
    ],
  });
}

/** From a little below the lowest learning rate to a little above the highest. */
function span(values) {
  const rates = values.map((one) => one.lr);
  return [Math.min(...rates) / 1.5, Math.max(...rates) * 1.5];
}

/** One number of every rung of two results, with its interval; the second a little to the right. */
function drawRungs(place, pair, name, title) {
  const color = colors();
  const values = pair.flatMap((one, place) =>
    one.rungs
      .filter((rung) => rung[name] !== null && rung.lr > 0)
      .map((rung) => ({ label: labelOf(one), lr: rung.lr, beside: rung.lr * (place ? 1.08 : 1), value: rung[name], low: rung[`${name}_low`], high: rung[`${name}_high`], at: rate(rung.lr), said: interval(rung, name), verdict: rung.verdict, seeds: rung.seeds })));
  const tooltip = [
    { field: "label", title: "result" }, { field: "at", title: "LR" }, { field: "said", title }, { field: "verdict" }, { field: "seeds" },
  ];
  return draw(place, {
    height: 240,
    data: { values },
    encoding: {
      x: { field: "beside", type: "quantitative", scale: { type: "log", nice: false, domain: span(values) }, title: "learning rate", axis: { values: [...new Set(values.map((one) => one.lr))], format: ".0e", labelOverlap: true } },
      color: { field: "label", type: "nominal", title: null, sort: null, scale: { domain: pair.map(labelOf), range: [color.attack, color.link] } },
      tooltip,
    },
    layer: [
      { mark: { type: "line", opacity: 0.5 }, encoding: { y: { field: "value", type: "quantitative", title } } },
      { mark: { type: "rule", strokeWidth: 2 }, encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" } } },
      { mark: { type: "point", filled: true, size: 70, opacity: 1 }, encoding: { y: { field: "value", type: "quantitative" }, shape: { field: "label", type: "nominal", title: null, sort: null, scale: { domain: pair.map(labelOf), range: ["diamond", "circle"] } } } },
    ],
  });
}
