// Numbers and times for people. Durations are seconds.

const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's'], [1e-3, 'ms'], [1e-6, 'µs'], [1e-9, 'ns']];

// duration is a length of time in the largest unit that it has one of, to three digits.
export function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < 1e-9) return '0';
  const [unit, name] = units.find(([u]) => size >= u * 0.9995) || units[units.length - 1];
  return `${seconds < 0 ? '−' : ''}${Number((size / unit).toPrecision(3))} ${name}`;
}

export function signed(seconds) {
  return seconds > 0 ? '+' + duration(seconds) : duration(seconds);
}

const sizes = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(n) {
  let i = 0;
  while (n >= 1024 && i < sizes.length - 1) {
    n /= 1024;
    i++;
  }
  return `${i === 0 ? n : n.toPrecision(3)} ${sizes[i]}`;
}

export function count(n, one, many) {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many || one + 's'}`;
}

// clock is the time of day of a moment in RFC 3339, in UTC, to the millisecond.
export function clock(moment) {
  const time = moment.slice(11, 19);
  const rest = (moment.match(/\.(\d+)/) || ['', '0'])[1].padEnd(3, '0').slice(0, 3);
  return `${time}.${rest}`;
}

// rate is a number per second.
export function rate(n) {
  return n >= 100 ? Math.round(n).toLocaleString('en') : n.toFixed(1);
}
