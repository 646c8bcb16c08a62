// Package invoke is one call of a kv command, from reading what the user said to telling
// what failed.
//
//	argv ─▶ [Spec]: counts, [Settings] (flag, environment, context, default), [Session] ─▶ [Call] ─▶ Do
//	                                                                   Explain ◀─ error ◀─┘
//
// A Call has what the user said, the leaders it may ask (one, several, all), the session
// and the printer. What a failure comes to, in words and as an exit code, is for Explain
// alone to say.
//
// What it is not: it has no commands; those are kv's.
//
// Invariants:
//
//   - a password goes only to an address that the user named, or to a leader of the
//     context that names the password;
//   - a session is locked by one call at a time, and claims to have been shown what was
//     printed, and nothing else.
package invoke
