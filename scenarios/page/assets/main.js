// Putting the page together, and drawing again what a change touches.

let parts; // of the page, for the story that is drawn
let resized;

async function main() {
  const loading = document.getElementById('loading');
  loading.textContent = 'reading the story …';
  const first = await load();
  loading.remove();
  if (!first.runs.length) { // the page has no story to draw, only what stands around one
    document.documentElement.dataset.ready = 'yes';
    return;
  }
  liveRegion = h('p', { class: 'unseen', role: 'status' });
  document.getElementById('main').append(liveRegion);
  show(first);
  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  document.documentElement.dataset.ready = 'yes';
}

// show draws a story, in place of the one that is drawn, if there is one. The run of the
// same name stays in the diagram.
function show(next) {
  const before = parts;
  const drawnRun = before ? run().name : null;
  story = next;
  story.runs.forEach(prepare);
  watchers.length = 0;
  Object.assign(state, { selected: none, peeked: none, firstKey: 0, firstLoss: 0 });
  parts = build();
  if (before) before.sections.forEach((old, i) => old.replaceWith(parts.sections[i]));
  else document.getElementById('main').append(...parts.sections);
  if (before) before.tables.forEach((old, i) => { parts.tables[i].open = old.open; });
  begin(story.runs.findIndex((r) => r.name === drawnRun));
  watchers.push((change) => drawn(parts, change));
  drawn(parts, { run: state.run });
  update({ moment: state.moment });
  if (resized) resized.disconnect();
  resized = new ResizeObserver(() => requestAnimationFrame(() => drawn(parts, { run: state.run })));
  resized.observe(parts.stage);
}

// begin opens the page at the first loss of a run: of the wanted one, else of the first that
// loses something.
function begin(wanted) {
  const i = wanted >= 0 ? wanted : story.runs.findIndex((r) => r.losses.length > 0);
  state.run = Math.max(0, i);
  const r = run();
  const axis = axisOf(r);
  if (!r.losses.length) {
    state.moment = r.end;
    const first = r.ops.length ? toAxis(axis, r.ops[0].at) : 0;
    state.view = [Math.max(0, first - axis.end * 0.05), axis.end * 1.01];
    return;
  }
  state.selected = r.losses[0].op;
  state.moment = r.losses[0].at;
  state.view = around(r, state.selected);
}

function build() {
  const stage = h('div', { class: 'stage' }, makeDiagram());
  const strip = s('svg', { class: 'overview', height: stripHeight, role: 'img', 'aria-label': 'the whole run: what happens when, and where losses are; drag to look at a part of it', preserveAspectRatio: 'none' });
  brushing(strip);
  const detail = h('aside', { class: 'detail', 'aria-label': 'the selected write' });
  const panes = h('div', { class: 'panes' });
  const tables = ['Writes in view', 'Messages in view', 'Faults'].map((name) => h('details', { class: 'table', ontoggle: () => update({ table: name }) }, h('summary', {}, `${name} as a table`), h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': name })));
  const losses = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'losses' });
  const heading = h('h2', { id: 'heading-diagram' });
  const notes = h('div', { class: 'notes' });
  const sections = [
    h('section', { 'aria-labelledby': 'heading-diagram' }, heading, makeToolbar(), h('div', { class: 'figure' }, h('div', { class: 'drawing' }, strip, stage, notes), detail), legend(), tables),
    h('section', { 'aria-labelledby': 'heading-panes' }, h('h2', { id: 'heading-panes' }, story.runs.length > 1 ? 'Under each rule at this moment' : 'At this moment'), makeScrubber(), makeKeyChooser(), panes),
    h('section', { 'aria-labelledby': 'heading-losses' }, h('h2', { id: 'heading-losses' }, 'Losses'), losses),
  ];
  return { sections, stage, strip, detail, panes, tables, losses, heading, notes };
}

function legend() {
  const item = (shape, text) => h('span', { class: 'item' }, shape, ` ${text} `);
  return h('p', { class: 'legend', id: 'keys' },
    item('●', 'accepted'), item(h('b', { class: 'lost' }, '✕'), 'accepted, lost in the end'), item('▼', 'a leader prefers another'), item('╌', 'what an author had been shown'), h('br'),
    'Below each leader is the ruler of its own clock: the slanted threads lead to where true time has the same mark, the bars are the error that it claims. ',
    'Keys in the diagram: ← → from write to write, ↑ ↓ move, + − 0 zoom, n p losses, c clocks; wheel with Ctrl zooms.');
}

// drawn draws what depends on a change.
function drawn(parts, change) {
  const has = (...names) => names.some((n) => n in change);
  if (has('run', 'byClocks', 'collapse')) drawOverview(parts.strip);
  if (has('run', 'view', 'byClocks', 'collapse', 'clients')) {
    redraw();
    drawNotes(parts.notes);
    parts.heading.textContent = `In space and time, under ${run().name}`;
    placeBrush(parts.strip);
  } else {
    light();
  }
  if (has('moment', 'run')) {
    placeMoment();
    placeBrush(parts.strip);
  }
  if (has('moment')) moveOffsets();
  if (has('run', 'moment', 'firstKey')) drawPanes(parts.panes);
  if (has('run', 'selected', 'peeked')) drawDetail(parts.detail);
  if (has('run', 'view', 'table', 'byClocks', 'collapse', 'clients')) [drawWrites, drawMessages, drawTroubles].forEach((draw, i) => parts.tables[i].open && draw(parts.tables[i].lastChild));
  if (has('run', 'firstLoss')) drawLosses(parts.losses);
}

// moveOffsets says how far the clocks are off at the new moment.
function moveOffsets() {
  const leaders = story.lanes.map((l, i) => [l, i]).filter(([l]) => l.leader);
  plot.querySelectorAll('.offset').forEach((node, n) => node.replaceWith(drawOffset(scene, leaders[n][1])));
}

function drawNotes(box) {
  const notes = [...run().notes];
  const many = [scene.manyOps && count(scene.ops.length, 'write'), scene.manyMessages && count(scene.messages.length, 'message')].filter(Boolean).join(' and ');
  if (many) notes.unshift(`${many} are in view: too many to tell apart, so bars count them. Zoom in to see each.`);
  replace(box, notes.map((n) => h('p', {}, n)));
}

const begun = main();

begun.catch((e) => {
  const said = document.getElementById('loading') || document.getElementById('main');
  said.append(`The story cannot be drawn: ${e.message}. A browser of 2023 or later is needed.`);
  throw e;
});
