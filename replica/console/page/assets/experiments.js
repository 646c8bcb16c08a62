// The sliders of a development cluster: a sample load, and faults of its leaders.

import { ask } from './ask.js';
import { h, replace } from './dom.js';
import { count } from './format.js';

const body = h('div', {});
const said = h('p', { class: 'soft', role: 'status' });
export const experiments = h('section', { id: 'experiments', 'aria-labelledby': 'heading-experiments', hidden: true },
  h('h2', { id: 'heading-experiments' }, 'Try it'), body, said);

let drawn = ''; // what the sliders stand for
let held = 0; // changes under way: what the leader said before them is old
const sliders = new Map();

// draw shows what is wanted now, and leaves a slider alone while it is moved.
export function draw(e) {
  experiments.hidden = !e;
  if (!e || held > 0) return;
  const names = JSON.stringify(e.leaders.map((l) => l.name));
  if (names !== drawn) {
    drawn = names;
    build(e);
  }
  set('rate', e.rate);
  set('delay', e.delay_ms);
  for (const l of e.leaders) {
    set(`skew ${l.name}`, l.skew_ms);
    sliders.get(`cut ${l.name}`)(l.cut);
  }
  said.textContent = `${count(e.done, 'write')} acknowledged, ${count(e.refused, 'request')} refused.`;
}

function set(name, value) {
  sliders.get(name)(value);
}

function build(e) {
  sliders.clear();
  const ms = (n) => `${n > 0 ? '+' : ''}${n} ms`;
  replace(body, h('div', { class: 'experiments' },
    slider('rate', 'sample load', 0, e.max_rate, 10, (n) => `${n} writes/s`, (n) => ({ rate: n })),
    slider('delay', 'delay of all links', 0, e.max_ms, 10, (n) => `${n} ms`, (n) => ({ delay_ms: n })),
    e.leaders.map((l) => h('div', {}, slider(`skew ${l.name}`, `clock of ${l.name}`, -e.max_ms, e.max_ms, 10, ms, (n) => ({ leader: l.name, skew_ms: n })), cut(l.name)))));
}

function slider(name, label, min, max, step, words, change) {
  const output = h('output', {});
  const input = h('input', { type: 'range', min, max, step, 'aria-label': label });
  const say = () => {
    output.textContent = words(Number(input.value));
    input.setAttribute('aria-valuetext', output.textContent);
  };
  input.addEventListener('input', say);
  input.addEventListener('change', () => send(change(Number(input.value))));
  sliders.set(name, (value) => {
    if (document.activeElement === input && input.matches(':active')) return;
    input.value = value;
    say();
  });
  return h('label', {}, label, output, input);
}

function cut(name) {
  const flip = () => send({ leader: name, cut: button.getAttribute('aria-checked') !== 'true' });
  const button = h('button', { type: 'button', class: 'switch', role: 'switch', 'aria-checked': false, onclick: flip }, h('span', { class: 'knob', 'aria-hidden': 'true' }), `${name} is cut off`);
  sliders.set(`cut ${name}`, (on) => button.setAttribute('aria-checked', on));
  return button;
}

async function send(change) {
  held++;
  let now = null;
  try {
    now = await ask('/console/experiments', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(change) });
  } catch (e) {
    said.textContent = e.message;
  }
  held--;
  if (now) draw(now);
}
