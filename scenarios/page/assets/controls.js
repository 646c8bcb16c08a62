// The buttons, switches and the scrubber.

let liveRegion;

function announce(text) {
  liveRegion.textContent = text;
}

function makeToolbar() {
  const bar = h('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Diagram' },
    h('span', { class: 'group' }, button('−', () => zoom(2), { 'aria-label': 'zoom out' }), button('+', () => zoom(0.5), { 'aria-label': 'zoom in' }),
      button('‹', () => shift(-0.4), { 'aria-label': 'earlier' }), button('›', () => shift(0.4), { 'aria-label': 'later' }), button('whole run', () => look(0, axisOf(run()).end))),
    h('span', { class: 'group' }, button('‹ loss', () => stepLoss(-1), { 'aria-label': 'previous loss' }), button('loss ›', () => stepLoss(1), { 'aria-label': 'next loss' })),
    h('span', { class: 'group' }, toggle('by the leaders’ clocks', 'byClocks'), toggle('shorten quiet stretches', 'collapse'), toggle('requests and replies', 'clients')));
  watchers.push((change) => {
    if ('byClocks' in change || 'collapse' in change || 'clients' in change) bar.querySelectorAll('[data-state]').forEach((b) => b.setAttribute('aria-checked', state[b.dataset.state]));
  });
  return bar;
}

function toggle(label, name) {
  const flip = () => {
    const [a, b] = state.view.map((u) => toTime(axisOf(run()), u));
    state[name] = !state[name];
    const axis = axisOf(run());
    update({ [name]: state[name], view: state.selected === none ? [toAxis(axis, a), toAxis(axis, b)] : around(run(), state.selected) });
  };
  return button([h('span', { class: 'knob', 'aria-hidden': 'true' }), label], flip, { role: 'switch', 'aria-checked': state[name], 'data-state': name, class: 'switch' });
}

function makeScrubber() {
  const all = moments();
  const slide = h('input', { type: 'range', min: 0, max: all.length - 1, step: 1, id: 'scrubber', 'aria-label': 'moment' });
  const say = h('output', { for: 'scrubber', id: 'moment' });
  const show = () => {
    const i = Math.max(0, upTo(all, state.moment, (t) => t) - 1);
    slide.value = i;
    say.textContent = seconds(state.moment);
    slide.setAttribute('aria-valuetext', `${seconds(state.moment)}, change ${i + 1} of ${all.length}`);
  };
  slide.addEventListener('input', () => moveTo(all[Number(slide.value)]));
  const by = (n) => () => moveTo(all[Math.max(0, Math.min(all.length - 1, Number(slide.value) + n))]);
  watchers.push(show);
  return h('div', { class: 'scrubber' }, button('‹', by(-1), { 'aria-label': 'previous change' }), slide, button('›', by(1), { 'aria-label': 'next change' }),
    button('end', () => moveTo(all[all.length - 1]), { 'aria-label': 'end of the run' }), say);
}

// moveTo changes the moment, and the view with it where the moment would be outside.
function moveTo(t) {
  const u = toAxis(axisOf(run()), t);
  const [a, b] = state.view;
  const change = { moment: t };
  if (!state.byClocks && (u < a || u > b)) {
    const half = (b - a) / 2;
    change.view = [u - half, u + half];
  }
  update(change);
}

function makeKeyChooser() {
  if (story.keys.length <= maxColumns) return null;
  const options = [];
  for (let i = 0; i < story.keys.length; i += maxColumns) options.push(h('option', { value: i }, story.keys.slice(i, i + maxColumns).map(shortKey).join(', ')));
  return h('label', { class: 'keys' }, 'keys ', h('select', { onchange: (e) => update({ firstKey: Number(e.target.value) }) }, options));
}
