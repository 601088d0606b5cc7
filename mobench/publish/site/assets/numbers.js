"use strict";
// How numbers are written, and how two results differ.

const NOTHING = "—";

function number(value) {
  return value === null ? NOTHING : (Math.round(value * 100) / 100 + 0).toFixed(2);
}

/** "0.16 [0.02, 0.46]", or a dash where there is no interval. */
function interval(record, name) {
  const [low, high] = [record[`${name}_low`], record[`${name}_high`]];
  if (record[name] === null || low === null || high === null) return NOTHING;
  return `${number(record[name])} [${number(low)}, ${number(high)}]`;
}

function rate(lr) {
  return lr === null ? NOTHING : lr.toExponential().replace("e+0", "").replace("e+", "e");
}

function size(params) {
  if (params === null) return NOTHING;
  for (const [unit, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    if (params >= unit) {
      return (params / unit).toFixed(params < 10 * unit ? 1 : 0).replace(/\.0$/, "") + letter;
    }
  }
  return String(params);
}

/**
 * The difference of two independent estimates with its interval, by MOVER (Zou & Donner, Statistics
 * in Medicine 27 (2008) 1693): the same formula as mobench.score.comparison.
 */
function difference(one, other, name) {
  const [a, b] = [one[name], other[name]];
  if (a === null || b === null) return null;
  const low = Math.hypot(a - one[`${name}_low`], other[`${name}_high`] - b);
  const high = Math.hypot(one[`${name}_high`] - a, b - other[`${name}_low`]);
  return { value: a - b, value_low: a - b - low, value_high: a - b + high };
}

function nameOf(result) {
  return `${result.organism} on ${result.task}`;
}

/** Results of one organism and task need more than its name. */
function labelOf(result) {
  const twins = BOARD.results.filter((one) => nameOf(one) === nameOf(result));
  return twins.length > 1 ? `${nameOf(result)} (${result.result.slice(0, 4)})` : nameOf(result);
}
