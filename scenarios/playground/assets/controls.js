// The controls of the playground: sliders, the script, and what is played.

const byId = (id) => document.getElementById(id);

// wanted is what is to be done next: only the last slider position and the last wish to play
// count, however many came while the engine was working.
const wanted = { open: null, knob: null, play: false };
let working = false;

function drawKnobs(knobs) {
  const focused = document.activeElement && document.activeElement.dataset.knob;
  replace(byId('sliders'), knobs.map(slider));
  const again = focused && [...byId('sliders').querySelectorAll('input')].find((i) => i.dataset.knob === focused);
  if (again) again.focus({ preventScroll: true });
}

function slider(k) {
  const say = (i) => (k.signed ? signed(k.stops[i]) : duration(k.stops[i]));
  const output = h('output', {}, say(k.at));
  const input = h('input', { type: 'range', min: 0, max: k.stops.length - 1, step: 1, value: k.at, 'data-knob': k.id, 'aria-label': k.label, 'aria-valuetext': say(k.at) });
  input.addEventListener('input', () => {
    const i = Number(input.value);
    output.textContent = say(i);
    input.setAttribute('aria-valuetext', say(i));
    wanted.knob = { knob: k.id, value: k.stops[i], i };
    wanted.play = true;
    work();
  });
  return h('label', { class: 'knob-row' }, h('span', {}, k.label), output, input);
}

// work does what is wanted until nothing is.
async function work() {
  if (working) return;
  working = true;
  engine.stopped = false;
  byId('stop').disabled = false;
  try {
    while (wanted.open || wanted.knob || wanted.play) await next();
  } catch (e) {
    Object.assign(wanted, { open: null, knob: null, play: false });
    say('');
    mistakes([{ message: e.message }]);
  }
  working = false;
  byId('stop').disabled = true;
  document.documentElement.dataset.played = String(1 + Number(document.documentElement.dataset.played || 0));
}

async function next() {
  if (!engine.worker) say('unpacking the simulation …');
  if (wanted.open) {
    const name = wanted.open;
    wanted.open = null;
    return take(await ask({ do: 'open', name }));
  }
  if (wanted.knob) {
    const turned = wanted.knob;
    wanted.knob = null;
    return take(await ask({ do: 'turn', text: byId('script').value, knob: turned.knob, value: turned.value }));
  }
  wanted.play = false;
  return playText();
}

// take takes over a script that the engine has changed.
function take(answer) {
  if (!mistakes(answer.mistakes)) {
    wanted.play = false;
    return;
  }
  byId('script').value = answer.text;
  if (!wanted.knob) drawKnobs(answer.knobs);
}

async function playText() {
  const text = byId('script').value;
  const looked = await ask({ do: 'look', text });
  if (!mistakes(looked.mistakes)) return;
  if (!wanted.knob) drawKnobs(looked.knobs);
  say('playing …');
  const began = performance.now();
  const answer = await ask({ do: 'play', text, seed: byId('seed').value.trim() }, (n, all) => say(`playing: ${n} of ${all} resolvers …`));
  if (!mistakes(answer.mistakes)) return;
  const told = decode(answer.story);
  show(told);
  drawMatrix(told, answer.seed);
  const loses = told.runs.filter((r) => r.counts.lost);
  say(`Played under ${count(told.runs.length, 'resolver')} in ${duration((performance.now() - began) * 1e6)}. ${loses.length ? loses.map((r) => `${r.name} loses ${r.counts.lost}`).join(', ') : 'Nothing is lost'}.`);
}

// drawMatrix is the table above the diagram, and what else the page says of the scenario.
function drawMatrix(story, seed) {
  const columns = ['acked', 'accounted', 'lost', 'inverted', 'concurrent', 'durability', 'resurrected', 'overcounted', 'siblings'];
  replace(document.querySelector('#matrix tbody'), story.runs.map((r) => h('tr', { 'data-run': r.name, class: r.counts.lost ? 'loses' : null },
    h('th', { scope: 'row' }, r.name), columns.map((c) => h('td', { class: c === 'lost' ? 'lost' : null }, r.counts[c])),
    h('td', {}, r.counts.session || '–'), h('td', {}, r.counts.converged ? 'yes' : 'no'))));
  const section = document.getElementById('matrix').closest('section');
  section.querySelectorAll('.broken').forEach((p) => p.remove());
  section.append(...story.runs.flatMap((r) => r.promises.filter((p) => !p.held).map((p) => h('p', { class: 'broken' }, `Broken under ${r.name}: ${p.words}. ${p.why}`))));
  document.title = story.title ? `${story.name}: ${story.title}` : story.name;
  const header = document.querySelector('header');
  replace(header, h('h1', {}, story.name), story.title && h('p', { class: 'title' }, story.title));
  replace(document.querySelector('footer'), h('p', {}, 'Save the script as mine.txtar and play it again by ', h('code', {}, story.again), ': the same events, whenever and wherever.'));
  byId('seed').value = seed;
}

const say = (text) => { byId('status').textContent = text; };

// mistakes shows what is wrong; it reports whether nothing is.
function mistakes(list) {
  const all = list || [];
  replace(byId('mistakes'), all.map((m) => h('div', { class: 'mistake' }, h('p', {}, m.line ? [button(`line ${m.line}`, () => go(m), { class: 'link', 'aria-label': `go to line ${m.line} of the script` }), ' '] : null, m.message), m.excerpt && h('pre', {}, m.excerpt))));
  if (all.length) say('');
  byId('script').setAttribute('aria-invalid', String(all.some((m) => m.line)));
  return all.length === 0;
}

// go puts the cursor where a mistake is.
function go(m) {
  const text = byId('script');
  const before = text.value.split('\n').slice(0, m.line - 1).reduce((n, l) => n + l.length + 1, 0);
  text.focus();
  text.setSelectionRange(before + m.column - 1, before + m.column - 1);
}

function furnish() {
  drawKnobs(JSON.parse(byId('knobs').textContent));
  byId('play').addEventListener('click', () => { wanted.play = true; work(); });
  byId('stop').addEventListener('click', () => {
    Object.assign(wanted, { open: null, knob: null, play: false });
    stop();
  });
  byId('choose').addEventListener('change', (e) => { Object.assign(wanted, { open: e.target.value, knob: null, play: true }); byId('seed').value = ''; work(); });
  byId('seed').addEventListener('change', () => { wanted.play = true; work(); });
  byId('script').addEventListener('keydown', (e) => {
    if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    wanted.play = true;
    work();
  });
  document.documentElement.dataset.playground = 'ready';
}

begun.then(furnish);
