// Asking the leader. Nobody else is asked for anything.

// ask is the JSON at a path of the leader, or an error that says what failed, why, and
// what to do. The address is made of the origin alone: that of the page may have a
// password in it, and browsers ask for no such address.
export async function ask(path, options) {
  const answer = await fetch(location.origin + path, { cache: 'no-store', ...options });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(`${said.error}: ${said.why}; ${said.next}`), { refused: true });
  return said;
}
