// Package acl says who somebody is and what they may do: roles, and the keys that
// these reach.
//
//	users file ─▶ Users ─ name, password, address ─▶ Login ─▶ *User ─▶ Rights ─▶ may it?
//	                │
//	                └─ Adopt: rights change, or end, under whoever is connected
//
// A line of a users file is name:hash:roles:prefixes. Roles are read, write and
// admin, separated by commas; none includes another. Prefixes, separated by commas
// as well, are of the keys that all of the roles reach; where there are none, every
// key. A line that ends after the hash, as older files have them, has all roles on
// every key. In a prefix \, is a comma, \\ a backslash and \xHH any byte.
//
// The package decides nothing about commands: which roles a command needs is a
// column of the table it stands in, and which keys it touches is known there too.
//
// Invariants:
//
//   - what is nil may do everything: it stands for a leader without users. The zero
//     Rights may do nothing;
//   - rights that change or end count from the next command on, for whoever is
//     connected too: nobody keeps a copy of them;
//   - an unknown user's password takes as long as a known one's;
//   - of passwords only hashes are held: the slow one of the file, and a keyed one of
//     the last that was right, whose key dies with the process;
//   - whoever is not known yet cannot occupy the processors: few passwords are hashed
//     at once, who has guessed wrongly waits, and how many wait is bounded.
package acl
