// Package admin is the commands of kv admin, which mend a cluster: a leader and its copy
// told apart, dots with two contents settled, leaders drained, replaced, forgotten and let
// in again, what these had exported written again, and what leaders read again.
//
// What it is not: it decides nothing. A leader says whether it may be forgotten or stopped;
// the commands ask, wait and say what came of it.
//
// Invariants:
//
//   - no command takes a leader by default where the wrong one would harm;
//   - what could not be told to a leader is said by name, with the command that tells it.
package admin
