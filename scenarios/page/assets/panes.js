// A pane for each rule: what its leaders show at the moment of the scrubber, and what has
// become of acknowledged updates by then.

const maxColumns = 3; // keys that a pane shows at a time

// moments is every time at which some pane changes.
function moments() {
  if (!story.moments) {
    const all = new Set([0]);
    for (const r of story.runs) {
      for (const x of r.readings) all.add(x.at);
      for (const t of r.acks) all.add(t);
      for (const l of r.losses) all.add(l.at);
      all.add(r.end);
    }
    story.moments = [...all].sort((a, b) => a - b);
  }
  return story.moments;
}

// keysShown is the keys that panes have columns for: from the one that is chosen on.
function keysShown() {
  return story.keys.map((_, i) => i).slice(state.firstKey || 0, (state.firstKey || 0) + maxColumns);
}

// shortKey leaves out what all keys begin with, where that is long.
function shortKey(key) {
  if (story.prefix === undefined) story.prefix = commonStart(story.keys);
  return story.prefix.length < 8 ? key : `…${key.slice(story.prefix.length)}`;
}

function commonStart(names) {
  if (names.length < 2) return '';
  let n = 0;
  while (n < names[0].length && names.every((x) => x[n] === names[0][n])) n++;
  return names[0].slice(0, n);
}

function drawPanes(box) {
  const shows = story.runs.map((r) => signature(r, state.moment));
  const tally = new Map();
  shows.forEach((x) => tally.set(x, (tally.get(x) || 0) + 1));
  const usual = [...tally].sort((a, b) => b[1] - a[1])[0][0];
  const split = tally.size > 1;
  replace(box, story.runs.map((r, i) => pane(r, i, split && shows[i] !== usual)));
}

// signature is equal for runs whose leaders show the same.
function signature(r, t) {
  const all = [];
  story.lanes.forEach((l, i) => {
    if (l.leader) story.keys.forEach((_, k) => all.push(shownAt(r, i, k, t).values.slice().sort().join('\u0001')));
  });
  return all.join('\u0002');
}

function pane(r, i, differs) {
  const c = countsAt(r, state.moment);
  const number = (name, value, extra) => h('div', { class: extra || '' }, h('dt', {}, name), h('dd', { 'data-count': name }, value.toLocaleString('en')));
  const classes = ['inverted', 'concurrent', 'durability', 'resurrected', 'unrelated'].filter((k) => c[k]).map((k) => `${c[k].toLocaleString('en')} ${k}`);
  return h('article', { class: `pane${differs ? ' differs' : ''}${i === state.run ? ' current' : ''}`, 'data-run': r.name, 'aria-label': `${r.name} at ${seconds(state.moment)}` },
    h('header', {}, h('h3', {}, r.name), differs && h('span', { class: 'badge' }, 'differs'),
      story.runs.length > 1 && button(i === state.run ? 'in the diagram' : 'draw', () => choose(i), { 'aria-pressed': i === state.run, 'aria-label': `draw ${r.name} in the diagram` })),
    h('dl', { class: 'counts' }, number('acked', c.acked), number('accounted', c.accounted), number('lost', c.lost, c.lost ? 'lost' : ''), number('siblings', c.siblings), number('survivors', c.survivors)),
    h('p', { class: 'classes' }, classes.join(', ') || '\u00a0'), values(r));
}

function values(r) {
  const keys = keysShown();
  const rows = story.lanes.map((l, i) => l.leader && [l.name, ...keys.map((k) => valueCell(r, i, k))]).filter(Boolean);
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `values under ${r.name}` },
    table(`What leaders show under ${r.name}`, ['', ...keys.map((k) => shortKey(story.keys[k]))], rows));
}

function valueCell(r, laneIndex, key) {
  if (downAt(r, laneIndex, state.moment)) return h('span', { class: 'absent' }, 'down');
  const { values: all } = shownAt(r, laneIndex, key, state.moment);
  if (!all.length) return h('span', { class: 'absent' }, '–');
  const shown = all.slice(0, 4).map((v) => h('code', { class: 'value' }, v === '' ? '""' : v));
  return [shown, all.length > 4 && ` and ${all.length - 4} more`];
}

// choose draws another run, at the same moment.
function choose(i) {
  const keep = state.selected === none ? '' : run().ops[state.selected].label;
  state.run = i;
  const same = keep ? run().ops.findIndex((o) => o.label === keep) : none;
  update({ run: i, selected: same, peeked: none });
  announce(`the diagram shows ${run().name}`);
}
